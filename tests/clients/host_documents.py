#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What nodedev-dumpxml and iface-dumpxml print of every device and interface of this host, and of some made for it,
is valid by our schemas, and by libvirt's where they are installed."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

try:
    import libvirt
except ImportError:
    libvirt = None

STOCK = "/usr/share/libvirt/schemas"
# Names as the kernel takes them: markup, a control character, no UTF-8.
LINKS = (("add", "br0", "type", "bridge", "stp_state", "1", "forward_delay", "300"), ("add", "br1", "type", "bridge"),
         ("add", "one", "type", "veth", "peer", "name", "two"), ("set", "one", "master", "br0", "up"),
         ("add", "a&<'\">", "type", "veth", "peer", "name", "b\x01\x1f"), ("set", "a&<'\">", "master", "br0"),
         ("add", b"c\xff", "type", "veth", "peer", "name", "three"), ("set", b"c\xff", "master", "br1"),
         ("add", "link", "two", "name", "two.7", "type", "vlan", "id", "7"),
         ("add", "bond0", "type", "bond", "mode", "active-backup"), ("set", "three", "master", "bond0"),
         ("add", "tunnel", "type", "ipip", "remote", "10.0.0.1", "local", "10.0.0.2"))


def make_links():
    """The names of those that this kernel can make: vlan, bond and ipip may be modules that it has not."""
    made = []
    for words in LINKS:
        done = subprocess.run(["ip", "link", *words], capture_output=True, check=False)
        if done.returncode == 0 and words[0] == "add":
            made.append(words[4] if words[1] == "link" else words[1])
    return made


def valid(schema, text):
    done = subprocess.run(["xmllint", "--nonet", "--noout", "--relaxng", schema, "-"], input=text, text=True,
                          capture_output=True, check=False)
    return done.returncode == 0, done.stderr


def judge(checks, schema, name, text):
    checks.that(f"{schema} {name!r}", *valid(os.path.join(t.SOURCE, "schemas", schema + ".rng"), text))
    theirs = os.path.join(STOCK, schema + ".rng")
    if os.path.exists(theirs) and not odd(name, text):
        checks.that(f"{schema} {name!r}, by libvirt's schema", *valid(theirs, text))


def odd(name, text):
    """What libvirt's schemas are too narrow for: names of interfaces of other letters, addresses that are no
    Ethernet's, and what libvirtd itself prints of a drive's blocks."""
    return not name.isprintable() or any(c in text for c in ("&amp;", "?<", "?'", "\ufffd")) or \
        re.search(r"address(='|>)[0-9a-f:]{11}['<]", text) or "<logical_block_size>" in text


def asked(call, *arguments):
    """What a call gives, or the error's code and who found it."""
    try:
        return call(*arguments)
    except libvirt.libvirtError as error:
        return f"error {error.get_error_code()} of {error.get_error_domain()}"


def names(objects):
    return objects if isinstance(objects, str) else sorted(o.name() for o in objects)


def answers(connection):
    """{question: answer} of devices, links and secrets, by every flag and capability."""
    found = {}
    kinds = "system pci usb_device usb net scsi_host scsi_target scsi storage fc_host vports scsi_generic drm nonsense".split()
    for kind in kinds + [None]:
        found[f"devices that can {kind}"] = sorted(connection.listDevices(kind, 0)), connection.numOfDevices(kind, 0)
    for flags in [0] + [1 << bit for bit in range(22)] + [1 << 30, 1 << 31, 3 << 30, 1 << 31 | 16, 1 << 24, 1 << 30 | 1 << 24]:
        signed = flags - (1 << 32) if flags >> 31 else flags
        found[f"devices, flags {flags:#x}"] = names(asked(connection.listAllDevices, signed))
    for device in connection.listAllDevices():
        found[f"device {device.name()}"] = [asked(call) for call in (device.parent, device.listCaps, device.isActive, device.isPersistent,
                                                                    device.autostart)] + [asked(device.XMLDesc, 1)]
    found["no device"] = asked(connection.nodeDeviceLookupByName, "none")
    for flags in range(5):
        found[f"links, flags {flags}"] = names(asked(connection.listAllInterfaces, flags))
    found["links by name"] = sorted(connection.listInterfaces()), sorted(connection.listDefinedInterfaces())
    found["links' numbers"] = connection.numOfInterfaces(), connection.numOfDefinedInterfaces()
    for link in connection.listAllInterfaces():
        found[f"link {link.name()}"] = (link.isActive(), link.MACString(), names([connection.interfaceLookupByName(link.name())]),
                                        asked(link.create, 0), asked(link.XMLDesc, 2))
        # libvirtd has <bridge ...>, nothing, </bridge>
        found[f"link {link.name()}'s XML"] = re.sub(r"(<bridge [^>]*)>\n *</bridge>", r"\1/>", link.XMLDesc(0))
    for mac in ("00:00:00:00:00:00", "nonsense", "02:ff:ff:ff:ff:01"):
        found[f"link of {mac}"] = asked(lambda m: connection.interfaceLookupByMACString(m).name(), mac)
    for flags in (0, 1, 2, 4, 8, 15, 16):
        found[f"secrets, flags {flags}"] = asked(connection.listAllSecrets, flags)
    found["no secret"] = (asked(connection.secretLookupByUUIDString, "1f9cf5a4-0020-4b5c-9f53-5a6d4c2b1e40"),
                          asked(connection.secretLookupByUsage, 1, "none"), connection.listSecrets())
    return found


def compare(checks, directory, connection):
    """Devices, links and secrets as stock libvirtd has them on this very host."""
    if not t.StockLibvirtd.installed():
        return
    before = len(connection.listAllInterfaces())
    for link in (b"a&<'\">", b"c\xff"):     # python cannot read what libvirtd makes of these
        subprocess.run(["ip", "link", "del", link], check=True)
    # an answer of ours is good for a second
    t.wait_until(lambda: len(connection.listAllInterfaces()) < before and not any("net_c_" in n for n in connection.listDevices("net")))
    libvirt.registerErrorHandler(lambda *ignored: None, None)
    ours = answers(connection)
    with t.StockLibvirtd(os.path.join(directory, "stock")) as stock:
        theirs = answers(libvirt.open(stock.uri))
    later = answers(connection)     # the kernel notes some states of links late
    for question in sorted(set(ours) | set(theirs)):
        found = ours.get(question), later.get(question)
        checks.that(f"as libvirtd: {question}", theirs.get(question) in found, f"found    {found!r}\n    expected {theirs.get(question)!r}")


def main():
    if libvirt is None:
        t.skip("needs python3-libvirt (tools/deps clients)")
    t.need_program("xmllint")
    t.enter_namespaces()
    checks = t.Checks("host documents")
    made = make_links()
    checks.that("links were made", {"br0", "one", "a&<'\">"} <= set(made), made)
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        connection = libvirt.open(daemon.uri)
        for device in connection.listAllDevices():
            judge(checks, "nodedev", device.name(), device.XMLDesc(0))
        interfaces = connection.listAllInterfaces()
        for interface in interfaces:
            judge(checks, "interface", interface.name(), interface.XMLDesc(0))
        kinds = "".join(interface.XMLDesc(0) for interface in interfaces)
        for kind in ("ethernet", "bridge") + tuple(k for k in ("bond", "vlan") if any(k in str(n) for n in made)):
            checks.that(f"there is one of type {kind}", f"<interface type='{kind}'" in kinds)
        compare(checks, directory, connection)
        print(f"{len(connection.listAllDevices())} devices, {len(interfaces)} interfaces, made {made}")
    return checks.done()


sys.exit(main())
