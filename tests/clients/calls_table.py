# SPDX-License-Identifier: LGPL-2.1-or-later
"""What calls.py asks: every call of libvirt's LXC driver, with flags it has and flags it has not.

A row is (public name, words for the arguments, call). Calls of a domain take the domain, of the host the connection. What
they give is noted by `shape`: numbers that belong to the moment as "number".
"""

import libvirt
import libvirt_lxc

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
NO_UUID = "1f9cf5a4-ffff-4b5c-9f53-5a6d4c2b1eff"
DISK = "<disk type='block'><source dev='/dev/loop-none'/><target dev='sda'/></disk>"
MISC = "<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char></source></hostdev>"
NET = "<interface type='bridge'><mac address='52:54:00:ca:11:01'/><source bridge='nobr0'/></interface>"
OTHER_NET = NET.replace("ca:11:01", "ca:11:02")
NATIVE = "lxc.uts.name = native\nlxc.rootfs.path = /none\n"


class Number(int):
    """Of the moment: not compared."""


def moment(value):
    """The same, with Number for every number in it."""
    if isinstance(value, dict):
        return {key: moment(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [moment(one) for one in value]
    return Number(value) if isinstance(value, int) else value


def shape(value):
    if isinstance(value, Number):
        return "number"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shape(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(shape(one) for one in value) + "]"
    return repr(value)


def namespaces(dom, flags):
    import os
    found = libvirt_lxc.lxcOpenNamespace(dom, flags)
    kinds = [os.readlink(f"/proc/self/fd/{fd}").split(":")[0] for fd in found]
    for descriptor in found:
        os.close(descriptor)
    return sorted(kinds)


def console(dom, name, flags):
    stream = dom.connect().newStream(0)
    dom.openConsole(name, stream, flags)
    stream.abort()


def bits(last):
    return [1 << bit for bit in range(last + 1)]


# Asked of a domain that is off, one that runs, one that is paused, one that is not defined; read-only as well.
QUESTIONS = [
    ("virDomainGetOSType", "", lambda d: d.OSType()),
    ("virDomainGetMaxMemory", "", lambda d: d.maxMemory()),
    *[("virDomainGetMemoryParameters", f"flags {flags}", lambda d, flags=flags: moment(d.memoryParameters(flags)))
      for flags in (0, 1, 2, 3, 8)],
    *[("virDomainGetBlkioParameters", f"flags {flags}", lambda d, flags=flags: moment(d.blkioParameters(flags)))
      for flags in (0, 1, 2, 3, 8)],
    ("virDomainGetInfo", "", lambda d: [d.info()[0], d.info()[1], Number(0), d.info()[3], Number(0)]),
    *[("virDomainGetState", f"flags {flags}", lambda d, flags=flags: d.state(flags)) for flags in (0, 1)],
    ("virDomainGetSecurityLabel", "", lambda d: d.securityLabel()),
    *[("virDomainGetXMLDesc", f"flags {flags}", lambda d, flags=flags: "<domain type='lxc'" in d.XMLDesc(flags))
      for flags in (0, 1, 2, 3, 4, 8, 16)],
    ("virDomainGetAutostart", "", lambda d: d.autostart()),
    ("virDomainGetSchedulerType", "", lambda d: list(d.schedulerType())),
    ("virDomainGetSchedulerParameters", "", lambda d: moment(d.schedulerParameters())),
    *[("virDomainGetSchedulerParametersFlags", f"flags {flags}", lambda d, flags=flags: moment(d.schedulerParametersFlags(flags)))
      for flags in (0, 1, 2, 3, 8)],
    ("virDomainBlockStats", "all", lambda d: moment(d.blockStats(""))),
    ("virDomainBlockStats", "of none", lambda d: moment(d.blockStats("sdq"))),
    *[("virDomainBlockStatsFlags", f"all, flags {flags}", lambda d, flags=flags: moment(d.blockStatsFlags("", flags)))
      for flags in (0, 1)],
    ("virDomainInterfaceStats", "of none", lambda d: d.interfaceStats("none0")),
    ("virDomainMemoryStats", "", lambda d: sorted(d.memoryStats())),
    ("virDomainIsActive", "", lambda d: d.isActive()),
    ("virDomainIsPersistent", "", lambda d: d.isPersistent()),
    ("virDomainIsUpdated", "", lambda d: d.isUpdated()),
    *[("virDomainGetMetadata", f"type {kind}, {uri}, flags {flags}",
       lambda d, kind=kind, uri=uri, flags=flags: d.metadata(kind, uri, flags))
      for kind, uri, flags in ((0, None, 0), (1, None, 1), (1, None, 2), (2, "urn:none", 0), (2, "urn:none", 3), (0, None, 4),
                               (9, None, 0), (2, None, 0), (0, "urn:x", 0))],
    ("virDomainGetCPUStats", "total", lambda d: moment(d.getCPUStats(True))),
    ("virDomainGetCPUStats", "flags 1", lambda d: moment(d.getCPUStats(True, 1))),
    ("virDomainGetCPUStats", "of each", lambda d: sorted(d.getCPUStats(False)[0])),
    *[("virDomainGetHostname", f"flags {flags}", lambda d, flags=flags: d.hostname(flags)) for flags in (0, 1, 2, 3, 4)],
    *[("virDomainInterfaceAddresses", f"source {source}, flags {flags}",
       lambda d, source=source, flags=flags: d.interfaceAddresses(source, flags))
      for source, flags in ((0, 0), (2, 1), (3, 0), (9, 0), (0, 1))],
    *[("virDomainHasManagedSaveImage", f"flags {flags}", lambda d, flags=flags: d.hasManagedSaveImage(flags)) for flags in (0, 1)],
    *[("virDomainLxcOpenNamespace", f"flags {flags}", lambda d, flags=flags: namespaces(d, flags)) for flags in (0, 1)],
    *[("virDomainOpenConsole", f"{name}, flags {flags}", lambda d, name=name, flags=flags: console(d, name, flags))
      for name, flags in ((None, 0), ("console0", 0), ("console7", 0), (None, 4))],
    ("virConnectListDomains", "", lambda d: len(d.connect().listDomainsID())),
    ("virConnectNumOfDomains", "", lambda d: d.connect().numOfDomains()),
    ("virConnectListDefinedDomains", "", lambda d: sorted(d.connect().listDefinedDomains())),
    ("virConnectNumOfDefinedDomains", "", lambda d: d.connect().numOfDefinedDomains()),
    *[("virConnectListAllDomains", f"flags {flags}", lambda d, flags=flags:
       sorted(one.name() for one in d.connect().listAllDomains(flags))) for flags in [0, *bits(13), 1 << 20]],
    ("virDomainLookupByName", "", lambda d: d.connect().lookupByName(d.name()).UUIDString() == d.UUIDString()),
    ("virDomainLookupByUUID", "", lambda d: d.connect().lookupByUUIDString(d.UUIDString()).name()),
    ("virDomainLookupByID", "", lambda d: d.connect().lookupByID(d.connect().lookupByName(d.name()).ID()).name()),
]

# Change something, and are asked in each state; in an order in which each finds the same before it.
CHANGES = [
    *[("virDomainSetMemoryFlags", f"{kib}, flags {flags}", lambda d, kib=kib, flags=flags: d.setMemoryFlags(kib, flags))
      for kib, flags in ((49152, 0), (49152, LIVE), (49152, CONFIG), (49152, LIVE | CONFIG), (1 << 30, LIVE), (1 << 30, CONFIG),
                         (131072, 4 | LIVE), (131072, 4 | CONFIG), (65536, 4 | CONFIG), (65536, 8))],
    ("virDomainSetMemory", "65536", lambda d: d.setMemory(65536)),
    ("virDomainSetMaxMemory", "65536", lambda d: d.setMaxMemory(65536)),
    *[("virDomainSetMemoryParameters", f"{values}, flags {flags}", lambda d, values=values, flags=flags:
       d.setMemoryParameters(dict(values), flags))
      for values, flags in (({"hard_limit": 65536}, 0), ({"hard_limit": 65536}, LIVE), ({"soft_limit": 32768}, CONFIG),
                            ({"soft_limit": 32768}, LIVE | CONFIG), ({"nonsense": 1}, 0),
                            ({"hard_limit": 65536, "swap_hard_limit": 1024}, 0), ({"hard_limit": 65536}, 8))],
    *[("virDomainSetBlkioParameters", f"{values}, flags {flags}", lambda d, values=values, flags=flags:
       d.setBlkioParameters(dict(values), flags))
      for values, flags in (({"weight": 500}, CONFIG), ({"weight": 5}, CONFIG), ({"nonsense": 1}, CONFIG),
                            ({"device_weight": "nonsense"}, CONFIG), ({"weight": 500}, 8))],
    *[("virDomainSetSchedulerParametersFlags", f"{values}, flags {flags}", lambda d, values=values, flags=flags:
       d.setSchedulerParametersFlags(dict(values), flags))
      for values, flags in (({"cpu_shares": 512}, LIVE), ({"cpu_shares": 512}, CONFIG), ({"cpu_shares": 512}, LIVE | CONFIG),
                            ({"cpu_shares": 1}, CONFIG), ({"vcpu_period": 1}, CONFIG), ({"vcpu_quota": 1}, CONFIG),
                            ({"vcpu_period": 100000, "vcpu_quota": -1}, CONFIG), ({"cpu_shares": 512}, 8))],
    ("virDomainSetSchedulerParameters", "cpu_shares", lambda d: d.setSchedulerParameters({"cpu_shares": 1024})),
    *[("virDomainSetMetadata", f"{kind} {text!r} {uri}, flags {flags}", lambda d, kind=kind, text=text, uri=uri, flags=flags:
       d.setMetadata(kind, text, "k" if uri else None, uri, flags))
      for kind, text, uri, flags in ((0, "words", None, 0), (1, "a title", None, LIVE), (1, "a title", None, CONFIG),
                                     (1, "two\nlines", None, CONFIG), (2, "<a/>", "urn:x", 0), (2, "<a", "urn:x", 0),
                                     (2, None, "urn:x", 0), (0, None, None, 0), (1, None, None, 0), (0, "words", None, 4),
                                     (9, "words", None, 0))],
    *[("virDomainAttachDeviceFlags", f"{what}, flags {flags}", lambda d, xml=xml, flags=flags: d.attachDeviceFlags(xml, flags))
      for what, xml, flags in (("misc", MISC, CONFIG), ("misc again", MISC, CONFIG), ("net", NET, CONFIG), ("disk", DISK, CONFIG),
                               ("sound", "<sound model='ac97'/>", CONFIG), ("sound", "<sound model='ac97'/>", LIVE),
                               ("nonsense", "<nonsense/>", CONFIG), ("net", NET, 8))],
    ("virDomainAttachDevice", "sound", lambda d: d.attachDevice("<sound model='ac97'/>")),
    *[("virDomainUpdateDeviceFlags", f"{what}, flags {flags}", lambda d, xml=xml, flags=flags: d.updateDeviceFlags(xml, flags))
      for what, xml, flags in (("net", NET, CONFIG), ("another net", OTHER_NET, CONFIG), ("net", NET, LIVE), ("net", NET, 8))],
    *[("virDomainDetachDeviceFlags", f"{what}, flags {flags}", lambda d, xml=xml, flags=flags: d.detachDeviceFlags(xml, flags))
      for what, xml, flags in (("misc", MISC, CONFIG), ("misc again", MISC, CONFIG), ("net", NET, CONFIG), ("net again", NET, CONFIG),
                               ("disk", DISK, CONFIG), ("disk again", DISK, CONFIG), ("misc", MISC, LIVE), ("net", NET, 8))],
    ("virDomainDetachDevice", "misc", lambda d: d.detachDevice(MISC)),
    ("virDomainSetAutostart", "1", lambda d: d.setAutostart(1)),
    ("virDomainSetAutostart", "0", lambda d: d.setAutostart(0)),
    *[("virDomainSendProcessSignal", f"{pid}, {number}, flags {flags}", lambda d, pid=pid, number=number, flags=flags:
       d.sendProcessSignal(pid, number, flags)) for pid, number, flags in ((1, 0, 0), (1, 500, 0), (-3, 15, 0), (1, 0, 1))],
    *[("virDomainShutdownFlags", f"flags {flags}", lambda d, flags=flags: d.shutdownFlags(flags)) for flags in (1, 2, 16, 32)],
    *[("virDomainReboot", f"flags {flags}", lambda d, flags=flags: d.reboot(flags)) for flags in (1, 2, 16, 32)],
    *[("virDomainDestroyFlags", f"flags {flags}", lambda d, flags=flags: d.destroyFlags(flags)) for flags in (1, 2)],
    *[("virDomainUndefineFlags", f"flags {flags}", lambda d, flags=flags: d.undefineFlags(flags)) for flags in (1, 2, 4, 8, 16, 32)],
    *[("virDomainCreateWithFlags", f"flags {flags}", lambda d, flags=flags: d.createWithFlags(flags)) for flags in (1, 4, 8, 16, 64)],
]

# Of the host; nothing of it changes.
HOST = [
    ("virConnectGetVersion", "", lambda c: Number(c.getVersion())),
    ("virConnectGetHostname", "", lambda c: len(c.getHostname()) > 0),
    *[("virConnectGetSysinfo", f"flags {flags}", lambda c, flags=flags: c.getSysinfo(flags)[:8]) for flags in (0, 1)],
    ("virNodeGetInfo", "", lambda c: [c.getInfo()[0], *moment(c.getInfo()[1:])]),
    ("virConnectGetCapabilities", "", lambda c: "<os_type>exe</os_type>" in c.getCapabilities()),
    ("virNodeGetSecurityModel", "", lambda c: c.getSecurityModel()),
    *[("virConnectDomainXMLFromNative", f"{kind}, flags {flags}", lambda c, kind=kind, flags=flags:
       "<name>native</name>" in c.domainXMLFromNative(kind, NATIVE, flags))
      for kind, flags in (("lxc-tools", 0), ("nonsense", 0), ("lxc-tools", 1))],
    *[("virNodeGetCPUStats", f"{cpu}, flags {flags}", lambda c, cpu=cpu, flags=flags: moment(c.getCPUStats(cpu, flags)))
      for cpu, flags in ((-1, 0), (0, 0), (9999, 0), (-7, 0), (-1, 1))],
    *[("virNodeGetMemoryStats", f"{cell}, flags {flags}", lambda c, cell=cell, flags=flags: moment(c.getMemoryStats(cell, flags)))
      for cell, flags in ((-1, 0), (0, 0), (99, 0), (-7, 0), (-1, 1))],
    *[("virNodeGetCellsFreeMemory", f"{first}, {most}", lambda c, first=first, most=most: moment(c.getCellsFreeMemory(first, most)))
      for first, most in ((0, 1), (0, 100), (99, 1), (-1, 1))],
    ("virNodeGetFreeMemory", "", lambda c: c.getFreeMemory() > 0),
    *[("virNodeGetCPUMap", f"flags {flags}", lambda c, flags=flags: any(c.getCPUMap(flags)[1])) for flags in (0, 1)],
    ("virConnectIsEncrypted", "", lambda c: c.isEncrypted()),
    ("virConnectIsSecure", "", lambda c: c.isSecure()),
    ("virConnectIsAlive", "", lambda c: c.isAlive()),
    *[("virNodeSuspendForDuration", f"{target}, {seconds}, flags {flags}", lambda c, target=target, seconds=seconds, flags=flags:
       c.suspendForDuration(target, seconds, flags)) for target, seconds, flags in ((9, 60, 0), (0, 1, 0), (0, 60, 1))],
    *[("virNodeGetMemoryParameters", f"flags {flags}", lambda c, flags=flags: moment(c.getMemoryParameters(flags)))
      for flags in (0, 1)],
    *[("virNodeSetMemoryParameters", f"{values}, flags {flags}", lambda c, values=values, flags=flags:
       c.setMemoryParameters(dict(values), flags)) for values, flags in (({"nonsense": 1}, 0), ({"shm_pages_to_scan": 100}, 1))],
    *[("virNodeGetFreePages", f"{sizes}, {first}, {cells}, flags {flags}", lambda c, sizes=sizes, first=first, cells=cells,
       flags=flags: moment(c.getFreePages(sizes, first, cells, flags)))
      for sizes, first, cells, flags in (([4], 0, 1, 0), ([4], 99, 1, 0), ([5], 0, 1, 0), ([4], 0, 1, 1))],
    *[("virNodeAllocPages", f"{pages}, {first}, {cells}, flags {flags}", lambda c, pages=pages, first=first, cells=cells,
       flags=flags: c.allocPages(dict(pages), first, cells, flags))
      for pages, first, cells, flags in (({4: 1}, 0, 1, 0), ({5: 1}, 0, 1, 0), ({2048: 1}, 99, 1, 0), ({2048: 1}, 0, 1, 4))],
    ("virDomainLookupByName", "none", lambda c: c.lookupByName("none")),
    ("virDomainLookupByUUID", "none", lambda c: c.lookupByUUIDString(NO_UUID)),
    *[("virDomainLookupByID", str(number), lambda c, number=number: c.lookupByID(number)) for number in (-1, 0, 4194305)],
]


def plugged(loop, image, bridge):
    """Of a running domain with a network namespace: devices come and go, limits are set and read back."""
    disk = f"<disk type='block'><source dev='{loop}'/><target dev='sda'/></disk>"
    other = f"<disk type='block'><source dev='{loop}'/><target dev='sdb'/></disk>"
    files = f"<disk type='file'><driver name='loop' type='raw'/><source file='{image}'/><target dev='sdc'/></disk>"
    net = f"<interface type='bridge'><mac address='52:54:00:ca:11:03'/><source bridge='{bridge}'/></interface>"
    none = net.replace(bridge, "nobr0").replace("11:03", "11:04")
    storage = f"<hostdev mode='capabilities' type='storage'><source><block>{loop}</block></source></hostdev>"
    folder = "<filesystem type='ram'><source usage='1024' units='KiB'/><target dir='/mnt'/></filesystem>"

    def has(what):
        return lambda d, what=what: [what in d.XMLDesc(flags) for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE)]

    def row(kind, what, xml, flags):
        call = {"Attach": "attachDeviceFlags", "Detach": "detachDeviceFlags", "Update": "updateDeviceFlags"}[kind]
        return (f"virDomain{kind}DeviceFlags", f"{what}, flags {flags}", lambda d: getattr(d, call)(xml, flags))
    return [
        row("Attach", "disk", disk, LIVE), ("virDomainGetXMLDesc", "disk", has("dev='sda'")), row("Attach", "disk again", disk, LIVE),
        row("Attach", "disk for later", disk, CONFIG), row("Attach", "disk for later again", disk, CONFIG),
        row("Attach", "the same as another disk, to both", other, LIVE | CONFIG),
        ("virDomainGetXMLDesc", "other disk", has("dev='sdb'")), row("Detach", "other disk, of both", other, LIVE | CONFIG),
        row("Detach", "disk", disk, LIVE), row("Detach", "disk again", disk, LIVE), row("Detach", "disk for later", disk, CONFIG),
        ("virDomainGetXMLDesc", "disk gone", has("dev='sda'")),
        row("Attach", "image", files, LIVE), row("Detach", "image", files, LIVE),
        row("Attach", "net", net, LIVE), ("virDomainGetXMLDesc", "net", has("52:54:00:ca:11:03")),
        row("Attach", "net without bridge", none, LIVE),
        row("Update", "net", net, LIVE), row("Detach", "net", net, LIVE), row("Detach", "net again", net, LIVE),
        ("virDomainGetXMLDesc", "net gone", has("52:54:00:ca:11:03")),
        row("Attach", "storage", storage, LIVE), row("Attach", "storage again", storage, LIVE),
        row("Detach", "storage", storage, LIVE), row("Detach", "storage again", storage, LIVE),
        row("Attach", "file system", folder, LIVE), row("Detach", "file system", folder, LIVE),
        ("virDomainSetMemoryParameters", "three, live", lambda d: d.setMemoryParameters(
            {"hard_limit": 60000, "soft_limit": 30000}, LIVE)),
        ("virDomainGetMemoryParameters", "live", lambda d: d.memoryParameters(LIVE)),
        ("virDomainGetMemoryParameters", "saved", lambda d: d.memoryParameters(CONFIG)),
        ("virDomainSetMemoryParameters", "saved", lambda d: d.setMemoryParameters({"hard_limit": 50000}, CONFIG)),
        ("virDomainGetMemoryParameters", "live as it was", lambda d: d.memoryParameters(LIVE)),
        ("virDomainGetMemoryParameters", "saved now", lambda d: d.memoryParameters(CONFIG)),
        ("virDomainSetSchedulerParametersFlags", "live", lambda d: d.setSchedulerParametersFlags(
            {"cpu_shares": 300, "vcpu_period": 200000, "vcpu_quota": 50000}, LIVE)),
        ("virDomainGetSchedulerParametersFlags", "live", lambda d: d.schedulerParametersFlags(LIVE)),
        ("virDomainSetSchedulerParametersFlags", "saved", lambda d: d.setSchedulerParametersFlags({"cpu_shares": 400}, CONFIG)),
        ("virDomainGetSchedulerParametersFlags", "saved", lambda d: d.schedulerParametersFlags(CONFIG)),
        ("virDomainGetSchedulerParametersFlags", "live as it was", lambda d: d.schedulerParametersFlags(LIVE)),
        ("virDomainSetBlkioParameters", "live", lambda d: d.setBlkioParameters({"device_read_bytes_sec": f"{loop},1048576"}, LIVE)),
        ("virDomainGetBlkioParameters", "live", lambda d: d.blkioParameters(LIVE)["device_read_bytes_sec"] == f"{loop},1048576"),
        ("virDomainSetBlkioParameters", "saved", lambda d: d.setBlkioParameters({"device_write_iops_sec": f"{loop},77"}, CONFIG)),
        ("virDomainGetBlkioParameters", "saved", lambda d: d.blkioParameters(CONFIG)["device_write_iops_sec"] == f"{loop},77"),
        ("virDomainSetBlkioParameters", "no device", lambda d: d.setBlkioParameters({"device_read_bytes_sec": "/dev/none-0,1"}, LIVE)),
        ("virDomainSetMemoryFlags", "live", lambda d: d.setMemoryFlags(40000, LIVE)),
        ("virDomainGetMemoryParameters", "after setmem", lambda d: d.memoryParameters(LIVE)),
        ("virDomainGetXMLDesc", "of setmem", has(">40000</currentMemory>")),
    ]
