#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt-dbus over busctl. It takes no URI, so skepd's socket stands at the default path, in a mount namespace
of the test's own; and it runs as its own user, whose group skepd.conf gives the socket to. With --oracle against stock
libvirtd."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

UUID = "1f9cf5a4-0020-4b5c-9f53-5a6d4c2b1e40"
DOMAIN = "/org/libvirt/LXC/domain/_" + UUID.replace("-", "_")
CONNECT = "/org/libvirt/LXC"


class Bus:
    """A system bus of our own, which starts libvirt-dbus when it is called."""

    def __init__(self):
        for path in ("/run/libvirt", "/run/dbus"):
            os.makedirs(path, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", path], check=True)
        started = t.execute(["dbus-daemon", "--system", "--fork", "--nopidfile", "--print-pid"])
        self.pid = int(started.out)

    def call(self, path, interface, method, *words):
        done = t.execute(["busctl", "--system", f"--timeout={t.PATIENCE}", "--json=short", "--", "call", "org.libvirt", path,
                          f"org.libvirt.{interface}", method, *words])
        return json.loads(done.out)["data"] if done.status == 0 and done.out.strip() else done

    def get(self, path, interface, name):
        done = t.execute(["busctl", "--system", f"--timeout={t.PATIENCE}", "--json=short", "get-property", "org.libvirt", path,
                          f"org.libvirt.{interface}", name])
        return json.loads(done.out)["data"] if done.status == 0 else done

    def stop(self):
        for pid, words in list(t.commands()):
            with contextlib.suppress(OSError):      # one of another test has gone meanwhile
                if words[:1] == ["/usr/sbin/libvirt-dbus"] and os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
                    os.kill(pid, signal.SIGTERM)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)


def check_connect(checks, bus, ours):
    checks.equal("LibVersion", bus.get(CONNECT, "Connect", "LibVersion") >= 9000000, True)
    checks.equal("Hostname", bus.get(CONNECT, "Connect", "Hostname"), os.uname().nodename)
    checks.matches("GetCapabilities", "<os_type>exe</os_type>", str(bus.call(CONNECT, "Connect", "GetCapabilities")))
    checks.that("NodeGetFreeMemory", bus.call(CONNECT, "Connect", "NodeGetFreeMemory")[0] > 0)
    checks.that("NodeGetCPUStats", "user" in bus.call(CONNECT, "Connect", "NodeGetCPUStats", "iu", "-1", "0")[0])
    for method in ("ListDomains", "ListNetworks", "ListStoragePools", "ListSecrets", "ListNWFilters"):
        checks.equal(f"{method} of nothing", bus.call(CONNECT, "Connect", method, "u", "0"), [[]])
    for driver in ("Xen", "VBox", "BHyve", *(["QEMU"] if ours else [])):
        refused = bus.call(f"/org/libvirt/{driver}", "Connect", "ListDomains", "u", "0")
        checks.that(f"the {driver} driver is not here", isinstance(refused, t.Result) and refused.status == 1 and
                    re.search("no connection driver available|Failed to connect|Unable to locate", refused.err), refused)


def check_domain(checks, bus, root, ours):
    xml = t.domain_xml("bus", root, uuid=UUID)
    checks.equal("DomainDefineXML", bus.call(CONNECT, "Connect", "DomainDefineXML", "s", xml), [DOMAIN])
    checks.equal("DomainLookupByName", bus.call(CONNECT, "Connect", "DomainLookupByName", "s", "bus"), [DOMAIN])
    missing = bus.call(CONNECT, "Connect", "DomainLookupByName", "s", "none")
    checks.that("DomainLookupByName of none", isinstance(missing, t.Result) and "Domain not found" in missing.err, missing)
    for name, value in (("Name", "bus"), ("UUID", UUID), ("Active", False), ("Persistent", True), ("Autostart", False),
                        ("OSType", "exe")):
        checks.equal(f"property {name}", bus.get(DOMAIN, "Domain", name), value)
    checks.that("Create", not isinstance(bus.call(DOMAIN, "Domain", "Create", "u", "0"), t.Result) or
                bus.get(DOMAIN, "Domain", "Active") is True)
    checks.equal("property Active", bus.get(DOMAIN, "Domain", "Active"), True)
    checks.equal("GetState", bus.call(DOMAIN, "Domain", "GetState", "u", "0"), [[1, 1]])
    checks.that("property Id", bus.get(DOMAIN, "Domain", "Id") > 0)
    checks.matches("GetXMLDesc", "<init>/bin/sh</init>", str(bus.call(DOMAIN, "Domain", "GetXMLDesc", "u", "0")))
    # A dictionary with numbers for keys, which busctl cannot print as JSON: 6 is the size, 7 what is resident.
    memory = t.execute(["busctl", "--system", "call", "org.libvirt", DOMAIN, "org.libvirt.Domain", "MemoryStats", "u", "0"])
    checks.matches("MemoryStats", r"^a{it} \d+ .*\b6 65536\b.*\b7 \d+", memory.out)
    if ours:        # stock has none
        stats = bus.call(CONNECT, "Connect", "GetAllDomainStats", "uu", "0", "0")
        checks.that("GetAllDomainStats", not isinstance(stats, t.Result) and stats[0][0][0] == "bus" and
                    stats[0][0][1]["state.state"]["data"]["data"] == 1, stats)
    for method, state in (("Suspend", 3), ("Resume", 1)):
        bus.call(DOMAIN, "Domain", method)
        checks.equal(method, bus.call(DOMAIN, "Domain", "GetState", "u", "0")[0][0], state)
    bus.call(DOMAIN, "Domain", "Destroy", "u", "0")
    checks.equal("Destroy", bus.call(DOMAIN, "Domain", "GetState", "u", "0"), [[5, 2]])


def check_pages(checks, bus):
    """What cockpit-machines asks to draw its pages, which takes libvirt-dbus for its whole back end."""
    def answered(name, path, interface, method, *words):
        found = bus.call(path, interface, method, *words)
        checks.that(f"{name}", not isinstance(found, t.Result), found)
        return found
    devices = answered("ListNodeDevices", CONNECT, "Connect", "ListNodeDevices", "u", "0")[0]
    checks.that("... there are some", devices, devices)
    for path in devices[:3]:
        checks.matches("NodeDevice.GetXMLDesc", "<device>", str(answered("... XML", path, "NodeDevice", "GetXMLDesc", "u", "0")))
    links = answered("ListInterfaces", CONNECT, "Connect", "ListInterfaces", "u", "0")[0]
    checks.that("... there are some", links, links)
    checks.matches("Interface.GetXMLDesc", "<interface", str(answered("... XML", links[0], "Interface", "GetXMLDesc", "u", "0")))
    checks.matches("GetDomainCapabilities", "<domain>lxc</domain>", str(answered(
        "... is answered", CONNECT, "Connect", "GetDomainCapabilities", "ssssu", "", "", "", "lxc", "0")))
    bus.call(DOMAIN, "Domain", "Create", "u", "0")
    stats = answered("Domain.GetStats", DOMAIN, "Domain", "GetStats", "uu", "0", "0")
    checks.that("... with CPU time and memory", {"cpu.time", "balloon.maximum", "vcpu.current"} <= set(stats[0]), stats)
    checks.equal("InterfaceAddresses", answered("... is answered", DOMAIN, "Domain", "InterfaceAddresses", "uu", "0", "0"), [[]])
    checks.that("GetVcpus", answered("... is answered", DOMAIN, "Domain", "GetVcpus", "u", "0"))
    checks.that("GetFSInfo", any(row[0] == "/" for row in answered("... is answered", DOMAIN, "Domain", "GetFSInfo", "u", "0")[0]))
    checks.equal("GetHostname", answered("... is answered", DOMAIN, "Domain", "GetHostname", "u", "0"), ["bus"])
    device = ("<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char></source></hostdev>")
    for method in ("AttachDevice", "DetachDevice"):
        done = bus.call(DOMAIN, "Domain", method, "su", device, "1")
        checks.equal(f"{method}", (done.status, done.err), (0, ""))
        checks.equal("... is in the definition", "loop-control" in str(bus.call(DOMAIN, "Domain", "GetXMLDesc", "u", "0")),
                     method == "AttachDevice")
    bus.call(DOMAIN, "Domain", "Destroy", "u", "0")


def check_events(checks, bus):
    with tempfile.TemporaryFile("w+") as said:
        watcher = subprocess.Popen(["busctl", "--system", "--json=short", "monitor", "org.libvirt"], stdout=said,
                                   stderr=subprocess.DEVNULL, preexec_fn=t.die_with_parent)

        def messages():
            said.seek(0)
            return [json.loads(line) for line in said if line.endswith("\n")]

        def seen():
            return [message["payload"]["data"][1] for message in messages() if message.get("member") == "DomainEvent"]

        def watches():      # libvirt-dbus opens the connection, with its events, at the first call
            return bus.call(CONNECT, "Connect", "ListDomains", "u", "0") and messages()
        checks.that("the watcher watches", t.wait_until(watches, step=0.2))
        bus.call(DOMAIN, "Domain", "Create", "u", "0")
        bus.call(DOMAIN, "Domain", "Destroy", "u", "0")
        bus.call(DOMAIN, "Domain", "Undefine", "u", "0")
        expected = [2, 5, 1]        # started, stopped, undefined
        t.wait_until(lambda: len(seen()) >= len(expected))
        checks.equal("DomainEvent signals", seen(), expected)
        watcher.terminate()
        watcher.wait()
    checks.equal("nothing is left", bus.call(CONNECT, "Connect", "ListDomains", "u", "0"), [[]])


def main():
    for program in ("busctl", "dbus-daemon", "virsh"):
        t.need_program(program)
    if not os.path.exists("/usr/sbin/libvirt-dbus"):
        t.skip("needs libvirt-dbus (tools/deps clients)")
    t.enter_namespaces()
    checks = t.Checks("libvirt-dbus")
    bus = Bus()
    try:
        conf = 'unix_sock_group = "libvirtdbus"\nunix_sock_rw_perms = "0770"\n'
        with t.work_dir() as directory:
            os.chmod(directory, 0o711)      # its user passes through
            stock = "--oracle" in sys.argv[1:]
            place = os.path.join(directory, "d")
            with t.StockLibvirtd(place) if stock else t.Skepd(place, libvirt_paths=True, conf=conf):
                if stock:
                    os.symlink(os.path.join(place, "libvirt-sock"), "/run/libvirt/libvirt-sock")
                    os.chmod(os.path.join(place, "libvirt-sock"), 0o777)
                root = t.busybox_root(os.path.join(directory, "root"))
                check_connect(checks, bus, not stock)
                check_domain(checks, bus, root, not stock)
                if not stock:       # which has no statistics, no file systems
                    check_pages(checks, bus)
                check_events(checks, bus)
    finally:
        bus.stop()
    sys.exit(checks.done())


if __name__ == "__main__":
    main()
