# SPDX-License-Identifier: LGPL-2.1-or-later
"""What live.py does with devices and limits: a row for each kind of device and for each limit."""

import collections

import libvirt

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
FLAGS = (0, LIVE, CONFIG, LIVE | CONFIG)
MAC, OTHER_MAC = "52:54:00:ca:12:01", "52:54:00:ca:12:02"

# @xml is attached; @partial names it by no more than what tells it from others; @other is what it shall become; @missing
# means one that is not there. @inside: a path or name by which it is seen in the container. @key: of it in documents.
Kind = collections.namedtuple("Kind", "name xml partial other missing inside key")


def kinds(loop, image, bridge, other_bridge, link, lower, folder):
    """@loop is a block device, @link a network device that can be moved, @lower one that can have a macvlan."""
    def disk(kind, source, target, more=""):
        return f"<disk type='{kind}'>{source}<target dev='{target}'/>{more}</disk>"

    def net(kind, source, mac=MAC, more=""):
        return f"<interface type='{kind}'><mac address='{mac}'/>{source}{more}</interface>"

    def host(kind, inner):
        return f"<hostdev mode='capabilities' type='{kind}'><source>{inner}</source></hostdev>"

    def fs(kind, source, target="/mnt", more=""):
        return f"<filesystem type='{kind}'>{source}<target dir='{target}'/>{more}</filesystem>"
    of_bridge, of_other, of_lower = f"<source bridge='{bridge}'/>", f"<source bridge='{other_bridge}'/>", f"<source dev='{lower}' mode='bridge'/>"
    raw = f"<driver name='loop' type='raw'/><source file='{image}'/>"
    usb = "<hostdev mode='subsystem' type='usb'><source><address bus='250' device='250'/></source></hostdev>"
    console = "<console type='pty'><target type='lxc' port='1'/></console>"
    sound = "<sound model='ac97'/>"
    return [
        Kind("disk", disk("block", f"<source dev='{loop}'/>", "sda"), "<disk type='block'><target dev='sda'/></disk>",
             disk("block", f"<source dev='{loop}'/>", "sda", "<readonly/>"), disk("block", f"<source dev='{loop}'/>", "sdx"),
             "/dev/sda", "dev='sda'"),
        Kind("image", disk("file", raw, "sdb"), "<disk type='file'><target dev='sdb'/></disk>",
             disk("file", raw, "sdb", "<readonly/>"), disk("file", raw, "sdx"), "/dev/sdb", "dev='sdb'"),
        Kind("folder", fs("mount", f"<source dir='{folder}'/>"), fs("mount", "<source dir='/none'/>"),
             fs("mount", f"<source dir='{folder}'/>", more="<readonly/>"), fs("mount", f"<source dir='{folder}'/>", "/none"),
             "/mnt", "dir='/mnt'"),
        Kind("ram", fs("ram", "<source usage='1024' units='KiB'/>"), fs("ram", "<source usage='1'/>"),
             fs("ram", "<source usage='2048' units='KiB'/>"), fs("ram", "<source usage='1'/>", "/none"), "/mnt", "dir='/mnt'"),
        Kind("bridge", net("bridge", of_bridge), net("bridge", "<source bridge='none'/>"),
             net("bridge", of_other, more="<link state='down'/>"), net("bridge", of_bridge, OTHER_MAC), "net", MAC),
        Kind("bridge, no MAC", f"<interface type='bridge'>{of_bridge}</interface>", f"<interface type='bridge'>{of_bridge}</interface>",
             f"<interface type='bridge'>{of_other}</interface>", net("bridge", of_bridge, OTHER_MAC), "net", "<interface"),
        Kind("no such bridge", net("bridge", "<source bridge='none0'/>"), net("bridge", "<source bridge='none0'/>"),
             net("bridge", of_bridge), net("bridge", of_bridge, OTHER_MAC), "net", MAC),
        Kind("macvlan", net("direct", of_lower), net("direct", of_lower), net("direct", of_lower, more="<link state='down'/>"),
             net("direct", of_lower, OTHER_MAC), "net", MAC),
        Kind("network", net("network", "<source network='none'/>"), net("network", "<source network='none'/>"),
             net("network", "<source network='none'/>", more="<link state='down'/>"), net("network", "<source network='none'/>", OTHER_MAC),
             "net", MAC),
        Kind("storage", host("storage", f"<block>{loop}</block>"), host("storage", f"<block>{loop}</block>"),
             host("storage", f"<block>{loop}</block>"), host("storage", "<block>/dev/none</block>"), loop, f"<block>{loop}"),
        Kind("misc", host("misc", "<char>/dev/loop-control</char>"), host("misc", "<char>/dev/loop-control</char>"),
             host("misc", "<char>/dev/loop-control</char>"), host("misc", "<char>/dev/none</char>"), "/dev/loop-control", "loop-control"),
        Kind("misc that is none", host("misc", "<char>/dev/none</char>"), host("misc", "<char>/dev/none</char>"),
             host("misc", "<char>/dev/none</char>"), host("misc", "<char>/dev/none2</char>"), "/dev/none", "/dev/none<"),
        Kind("host link", host("net", f"<interface>{link}</interface>"), host("net", f"<interface>{link}</interface>"),
             host("net", f"<interface>{link}</interface>"), host("net", "<interface>none0</interface>"), "net", f"<interface>{link}"),
        Kind("usb", usb, usb, usb, usb.replace("device='250'", "device='251'"), "/dev/bus/usb/250/250", "device='250'"),
        Kind("console", console, console, console, console.replace("port='1'", "port='7'"), "/dev/none", "port='1'"),
        Kind("sound", sound, sound, sound, sound, "/dev/none", "ac97"),
        Kind("nonsense", "<nonsense/>", "<nonsense/>", "<nonsense/>", "<nonsense/>", "/dev/none", "nonsense"),
        Kind("not XML", "<disk", "<disk", "<disk", "<disk", "/dev/none", "<disk "),
        Kind("two", f"{sound}{sound}", sound, sound, sound, "/dev/none", "ac97"),
    ]


def limits(loop):
    """(name, values, set, get): @set takes domain, a value and flags, @get domain and flags."""
    def schedule(dom, values, flags):
        dom.setSchedulerParametersFlags(dict(values), flags)

    def memory(dom, values, flags):
        dom.setMemoryParameters(dict(values), flags)

    def blkio(dom, values, flags):
        dom.setBlkioParameters(dict(values), flags)

    def max_memory(dom, flags):
        return [dom.maxMemory(), dom.XMLDesc(0).split("<currentMemory unit='KiB'>")[1].split("<")[0],
                dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).split("<currentMemory unit='KiB'>")[1].split("<")[0], flags]
    return [
        ("virDomainSetMemoryFlags", (49152, 0, 1 << 40), lambda d, v, f: d.setMemoryFlags(v, f), max_memory),
        ("virDomainSetMemoryFlags maximum", (98304, 0), lambda d, v, f: d.setMemoryFlags(v, f | 4), max_memory),
        ("virDomainSetMemoryParameters", ({"hard_limit": 70000}, {"soft_limit": 30000}, {"hard_limit": 80000, "swap_hard_limit": 90000},
                                          {"swap_hard_limit": 100}, {"hard_limit": -1}, {}, {"min_guarantee": 5}),
         memory, lambda d, f: d.memoryParameters(f)),
        ("virDomainSetSchedulerParametersFlags", ({"cpu_shares": 300}, {"vcpu_period": 200000, "vcpu_quota": 50000}, {"vcpu_quota": -1},
                                                  {"cpu_shares": 1}, {"vcpu_period": 999}, {"emulator_quota": 5000}), schedule,
         lambda d, f: d.schedulerParametersFlags(f)),
        ("virDomainSetBlkioParameters", ({"device_read_bytes_sec": f"{loop},1048576"}, {"device_write_iops_sec": f"{loop},77"},
                                         {"device_read_bytes_sec": f"{loop},0,"}, {"device_read_bytes_sec": f"{loop},x"},
                                         {"device_read_bytes_sec": f"{loop},0"}, {"device_write_iops_sec": f"{loop},0"}, {"weight": 5}),
         blkio, lambda d, f: {name: value for name, value in d.blkioParameters(f).items() if name != "weight"}),
        ("virDomainSetNumaParameters", ({"numa_nodeset": "0"}, {"numa_nodeset": "99"}), lambda d, v, f: d.setNumaParameters(dict(v), f),
         lambda d, f: d.numaParameters(f)),
        ("virDomainSetVcpusFlags", (1, 99, 0), lambda d, v, f: d.setVcpusFlags(v, f), lambda d, f: d.vcpusFlags(f)),
        ("virDomainPinVcpuFlags", (0, 99), lambda d, v, f: d.pinVcpuFlags(v, (True,), f), lambda d, f: [one[0] for one in d.vcpuPinInfo(f)]),
        ("virDomainPinEmulator", ((True,), ()), lambda d, v, f: d.pinEmulator(v, f), lambda d, f: d.emulatorPinInfo(f)[0]),
        ("virDomainSetInterfaceParameters", ({"inbound.average": 1000}, {"inbound.average": 0}),
         lambda d, v, f: d.setInterfaceParameters(MAC, dict(v), f), lambda d, f: d.interfaceParameters(MAC, f)),
        ("virDomainSetBlockIoTune", ({"read_bytes_sec": 1 << 20}, {"read_bytes_sec": 0}),
         lambda d, v, f: d.setBlockIoTune("sda", dict(v), f), lambda d, f: {name: value for name, value in d.blockIoTune("sda", f).items() if value}),
    ]
