#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3-libvirt asks a container that works, one that is paused, one that is off: bulk statistics and all
single questions; that they agree with each other and with what the container does."""

import contextlib
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

try:
    import libvirt
except ImportError:
    libvirt = None

ADDRESS, HOST = "10.91.7.2", "10.91.7.1"
MAC = "52:54:00:91:07:02"
MIB = 1 << 20
# Works a while, keeps 8 MiB in memory, and sleeps.
WORK = ("i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; dd if=/dev/zero of=/dev/shm/kept bs=1M count=8; "
        "exec sleep 100000")


def fails(checks, name, code, call, *arguments, text=None):
    try:
        call(*arguments)
    except libvirt.libvirtError as error:
        checks.equal(f"{name}: error code", error.get_error_code(), code)
        if text:
            checks.matches(f"{name}: text", text, str(error))
        return
    checks.that(f"{name} fails", False)


def domain(name, root, directory):
    image = os.path.join(directory, "disk.img")
    with open(image, "wb") as handle:
        handle.write(os.urandom(2 * MIB))
    devices = (f"<disk type='file' device='disk'><source file='{image}'/><target dev='sda'/></disk>"
               f"<interface type='bridge'><mac address='{MAC}'/><source bridge='qbr0'/>"
               f"<ip address='{ADDRESS}' prefix='24'/><link state='up'/></interface>")
    return t.domain_xml(name, root, init="/bin/sh", args=["-c", WORK], memory_kib=131072, devices=devices)


def prepare(root):
    os.makedirs(os.path.join(root, "usr/lib"), exist_ok=True)
    with open(os.path.join(root, "usr/lib/os-release"), "w", encoding="utf-8") as handle:
        handle.write("NAME='Hive Linux'\n# comment\nID=hive\nVERSION_ID=\"7\"\nPRETTY_NAME=\"Hive \u2713 7\"\nx=no\n")
    os.symlink("../usr/lib/os-release", os.path.join(root, "etc/os-release"))
    os.symlink("/usr/share/zoneinfo/Europe/Berlin", os.path.join(root, "etc/localtime"))
    subprocess.run("ip link set lo up; ip link add qbr0 type bridge; ip link set qbr0 up; "
                   f"ip addr add {HOST}/24 dev qbr0", shell=True, check=True)


def send_some():
    """A few kilobytes to the container, where nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(8):
            try:
                sock.sendto(b"x" * 1000, (ADDRESS, 9))
            except OSError:     # the answer to an earlier one: nobody there
                pass


def loop_of(image):
    for name in os.listdir("/sys/block"):
        # others come and go meanwhile
        with contextlib.suppress(OSError), open(f"/sys/block/{name}/loop/backing_file", encoding="utf-8") as file:
            if file.read().strip() == image:
                return name
    return None


def check_times(checks, conn, dom, image):
    """Of the whole device, which is the kernel's only count of time."""
    def times():
        with open(f"/sys/block/{loop_of(image)}/stat", encoding="ascii") as stat:
            words = stat.read().split()
        return [int(words[3]) * 1000000, int(words[7]) * 1000000]
    before, flags = times(), dom.blockStatsFlags("sda")
    found = [flags["rd_total_times"], flags["wr_total_times"]]
    stats = conn.domainListGetStats([dom])[0][1]
    bulk, after = [stats["block.0.rd.times"], stats["block.0.wr.times"]], times()
    for kind in (0, 1):
        checks.that(f"times of the disk, {kind}", before[kind] <= found[kind] <= bulk[kind] <= after[kind],
                    (before, found, bulk, after))
    checks.equal("all devices together have no times", sorted(dom.blockStatsFlags("")),
                 ["rd_bytes", "rd_operations", "wr_bytes", "wr_operations"])


def read_disk(daemon, dom, image):
    """Has the container read a MiB of its disk. Newer kernels count for a version 1 group only where a
    device has a limit, so it gets one that does not matter."""
    with open(f"/proc/{dom.ID()}/cgroup", encoding="ascii") as groups:
        group = {line.split(":")[1]: line.strip().split(":", 2)[2] for line in groups}
    loop = loop_of(image)
    if "blkio" in group:
        with open(f"/sys/block/{loop}/dev", encoding="ascii") as numbers:
            device = numbers.read().strip()
        with open(f"/sys/fs/cgroup/blkio{group['blkio']}/blkio.throttle.read_bps_device", "w", encoding="ascii") as limit:
            limit.write(f"{device} {1 << 40}")
    return daemon.virsh("lxc-enter-namespace", dom.name(), "--noseclabel", "/bin/dd", "if=/dev/sda", "of=/dev/null",
                        "bs=64k", "count=16")


def check_bulk(checks, conn, dom, off):
    (found, stats), = [record for record in conn.getAllDomainStats() if record[0].name() == dom.name()]
    checks.equal("bulk: uuid", found.UUIDString(), dom.UUIDString())
    checks.equal("bulk: state", (stats["state.state"], stats["state.reason"]), tuple(dom.state()))
    checks.that("bulk: cpu.time", stats["cpu.time"] > 1000000, stats)
    # those are counted in ticks, of which a busy machine takes many for whole that were not
    checks.that("bulk: user and system are parts of it", 0 <= stats["cpu.user"] + stats["cpu.system"] <=
                2 * stats["cpu.time"] + 200000000, stats)
    checks.equal("bulk: vcpus", (stats["vcpu.current"], stats["vcpu.maximum"], stats["vcpu.0.state"]), (1, 1, 1))
    if os.path.exists("/sys/fs/cgroup/cpuacct"):
        later = dom.getCPUStats(True)[0]["cpu_time"]
        checks.that("bulk: the vcpus' times add up", stats["cpu.time"] <= stats["vcpu.0.time"] <= later, stats)
    checks.equal("bulk: balloon", (stats["balloon.current"], stats["balloon.maximum"]), (131072, 131072))
    checks.that("bulk: what the container keeps is counted", 8192 <= stats["balloon.rss"] < 131072, stats)
    checks.equal("bulk: unused is the rest", stats["balloon.unused"], stats["balloon.available"] - stats["balloon.rss"])
    checks.equal("bulk: memory's usage is balloon's", stats["memory.usage"], stats["balloon.rss"])
    checks.that("bulk: tmpfs is cache", stats["memory.cache"] >= 8192, stats)
    checks.equal("bulk: no kill", stats["memory.oom_kills"], 0)
    checks.equal("bulk: one interface", stats["net.count"], 1)
    checks.that("bulk: its name is the host's", stats["net.0.name"].startswith("vnet"), stats)
    checks.that("bulk: what was sent has arrived", stats["net.0.rx.bytes"] >= 3000, stats)
    checks.equal("bulk: one disk", (stats["block.count"], stats["block.0.name"]), (1, "sda"))
    checks.equal("bulk: its size", stats["block.0.capacity"], 2 * MIB)
    checks.that("bulk: its traffic", stats["block.0.rd.bytes"] >= MIB, stats)
    checks.that("bulk: all traffic has it", stats["block.total.rd.bytes"] >= stats["block.0.rd.bytes"], stats)

    only = conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
    checks.equal("bulk: a group", sorted(only[0][1]), ["state.reason", "state.state"])
    for flag, names in ((libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE, {dom.name()}),
                        (libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE, {off.name()}),
                        (libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING, {dom.name()}),
                        (libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED, set()),
                        (libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT, {dom.name(), off.name()}),
                        (libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT, set())):
        checks.equal(f"bulk: filter {flag}", {d.name() for d, _ in conn.getAllDomainStats(1, flag)}, names)
    enforce = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS
    for group in (libvirt.VIR_DOMAIN_STATS_PERF, libvirt.VIR_DOMAIN_STATS_IOTHREAD, libvirt.VIR_DOMAIN_STATS_DIRTYRATE,
                  1 << 20):
        checks.equal(f"bulk: group {group} is empty", conn.getAllDomainStats(group)[0][1], {})
        fails(checks, f"bulk: group {group} enforced", libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
              conn.getAllDomainStats, group, enforce, text="not supported by this daemon")
    checks.that("bulk: enforced", conn.getAllDomainStats(1 | 2 | 4 | 8 | 16 | 32 | 256, enforce))
    inactive = dict((d.name(), s) for d, s in conn.domainListGetStats([dom, off]))[off.name()]
    checks.equal("bulk: of one that is off", sorted(inactive), ["balloon.current", "balloon.maximum", "block.0.name",
                 "block.0.path", "block.count", "state.reason", "state.state", "vcpu.current", "vcpu.maximum"])


def check_single(checks, conn, dom):
    stats = conn.domainListGetStats([dom])[0][1]
    device = stats["net.0.name"]
    memory = dom.memoryStats()
    checks.equal("memoryStats: tags", sorted(memory), sorted(["actual", "available", "disk_caches", "major_fault",
                 "minor_fault", "rss", "unused", "usable"]))
    checks.that("memoryStats: rss", abs(memory["rss"] - stats["balloon.rss"]) < 4096, (memory, stats))
    for name in (device, MAC):
        numbers = dom.interfaceStats(name)
        checks.that(f"interfaceStats {name}", stats["net.0.rx.bytes"] <= numbers[0] < stats["net.0.rx.bytes"] + 20000
                    and numbers[2] == 0, numbers)
    fails(checks, "interfaceStats of none", libvirt.VIR_ERR_INVALID_ARG, dom.interfaceStats, "eth99")
    checks.equal("blockStats sda", dom.blockStats("sda")[:2], (stats["block.0.rd.reqs"], stats["block.0.rd.bytes"]))
    checks.equal("blockStats by path", dom.blockStats(stats["block.0.path"])[1], stats["block.0.rd.bytes"])
    checks.that("blockStats of all", dom.blockStats("")[1] >= stats["block.0.rd.bytes"])
    fails(checks, "blockStats of none", libvirt.VIR_ERR_INVALID_ARG, dom.blockStats, "sdq")
    checks.equal("blockInfo", dom.blockInfo("sda")[0::2], [2 * MIB, 2 * MIB])
    fails(checks, "blockInfo of none", libvirt.VIR_ERR_INVALID_ARG, dom.blockInfo, "vdz")
    checks.equal("maxVcpus", dom.maxVcpus(), 1)
    checks.equal("vcpusFlags", [dom.vcpusFlags(f) for f in (0, 1, 2, 4, 5, 6)], [1] * 6)
    cpus = conn.getInfo()[2]
    checks.equal("vcpusFlags guest", dom.vcpusFlags(libvirt.VIR_DOMAIN_VCPU_GUEST), cpus)
    (info, maps) = dom.vcpus()
    checks.equal("vcpus: number and state", info[0][:2], (0, 1))
    checks.equal("vcpus: map", maps[0], tuple([True] * cpus))
    checks.equal("vcpuPinInfo", dom.vcpuPinInfo(), [tuple([True] * cpus)])
    checks.equal("emulatorPinInfo", dom.emulatorPinInfo(), tuple([True] * cpus))
    checks.equal("numaParameters", dom.numaParameters()["numa_mode"], 0)
    with open("/sys/devices/system/node/online", encoding="ascii") as online:
        checks.equal("numaParameters: nodes", dom.numaParameters()["numa_nodeset"], online.read().strip())
    checks.equal("blkioParameters", sorted(dom.blkioParameters()), ["device_read_bytes_sec", "device_read_iops_sec",
                 "device_weight", "device_write_bytes_sec", "device_write_iops_sec", "weight"])
    checks.equal("interfaceParameters", set(dom.interfaceParameters(device).values()), {0})
    checks.equal("blockIoTune", dom.blockIoTune("sda")["read_bytes_sec"], 0)
    fails(checks, "blockIoTune of none", libvirt.VIR_ERR_INVALID_ARG, dom.blockIoTune, "sdq")
    checks.equal("jobInfo", dom.jobInfo()[0], libvirt.VIR_DOMAIN_JOB_NONE)
    checks.equal("jobStats", dom.jobStats()["type"], libvirt.VIR_DOMAIN_JOB_NONE)
    checks.that("getTime", abs(dom.getTime()["seconds"] - time.time()) < 30)
    fails(checks, "setTime", libvirt.VIR_ERR_OPERATION_UNSUPPORTED, dom.setTime, {"seconds": 1})
    checks.that("securityLabelList", len(dom.securityLabelList()) <= 1)


def check_inside(checks, dom):
    checks.equal("hostname", dom.hostname(), dom.name())
    fails(checks, "hostname by lease", libvirt.VIR_ERR_NO_HOSTNAME, dom.hostname, libvirt.VIR_DOMAIN_GET_HOSTNAME_LEASE)
    agent = dom.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
    checks.equal("addresses inside: MAC", agent["eth0"]["hwaddr"], MAC)
    checks.that("addresses inside", {"addr": ADDRESS, "prefix": 24, "type": 0} in agent["eth0"]["addrs"], agent)
    checks.that("addresses inside: loopback", {"addr": "127.0.0.1", "prefix": 8, "type": 0} in agent["lo"]["addrs"])
    checks.equal("addresses by lease", dom.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE), {})
    def by_arp():
        send_some()     # the host looks for the container's MAC
        arp = dom.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP)
        found[:] = [(one["hwaddr"], [a["addr"] for a in one["addrs"] if a["type"] == 0]) for one in arp.values()]
        return found == [(MAC, [ADDRESS])]
    found = []
    checks.that("addresses by arp", t.wait_until(by_arp, step=0.5), found)
    fails(checks, "addresses by nothing", libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, dom.interfaceAddresses, 7)
    info = dom.guestInfo()
    checks.equal("guest info: os", (info["os.id"], info["os.name"], info["os.version-id"], info["os.pretty-name"]),
                 ("hive", "Hive Linux", "7", "Hive \u2713 7"))
    checks.equal("guest info: kernel", info["os.kernel-release"], os.uname().release)
    checks.equal("guest info: hostname", info["hostname"], dom.name())
    checks.equal("guest info: timezone", info["timezone.name"], "Europe/Berlin")
    checks.equal("guest info: users", info["user.count"], 0)
    names = [info[f"fs.{i}.mountpoint"] for i in range(info["fs.count"])]
    checks.that("guest info: file systems", "/" in names and "/dev/shm" in names
                and not any(n.startswith(("/proc", "/sys/")) for n in names), names)
    shm = names.index("/dev/shm")
    checks.that("guest info: used", 8 * MIB <= info[f"fs.{shm}.used-bytes"] < 16 * MIB, info)
    checks.equal("guest info: interfaces", {info[f"if.{i}.name"] for i in range(info["if.count"])}, {"lo", "eth0"})
    checks.equal("guest info: one kind", list(dom.guestInfo(libvirt.VIR_DOMAIN_GUEST_INFO_HOSTNAME)), ["hostname"])
    fails(checks, "guest info: disks", libvirt.VIR_ERR_INVALID_ARG, dom.guestInfo,
          libvirt.VIR_DOMAIN_GUEST_INFO_DISKS)
    mounts = {one[0]: one for one in dom.fsInfo()}
    checks.that("fsInfo", mounts["/dev/shm"][2] == "tmpfs" and "/" in mounts, mounts)


def check_hostile(checks, dom, root):
    """Files of the guest that are none, or no text, or lead elsewhere."""
    path = os.path.join(root, "usr/lib/os-release")
    for kind in ("fifo", "directory", "long", "binary", "link"):
        os.unlink(path) if not os.path.isdir(path) else os.rmdir(path)
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "directory":
            os.mkdir(path)
        elif kind == "long":
            with open(path, "wb") as handle:
                handle.write(b"ID=" + b"x" * 100000)
        elif kind == "binary":
            with open(path, "wb") as handle:
                handle.write(b"ID=\xff\xfe\x01\nNAME=\"\x1b[2J\"\n=\n" + bytes(range(256)))
        else:
            os.symlink("/../../../../../../etc/os-release", path)
        info = dom.guestInfo(libvirt.VIR_DOMAIN_GUEST_INFO_OS)
        if kind == "binary":
            checks.that("hostile os-release: no control character", all(c >= " " for c in info["os.id"] + info["os.name"]),
                        info)
        else:
            checks.that(f"hostile os-release: {kind}", "os.id" not in info, info)
    zone = os.path.join(root, "etc/localtime")
    for target in ("../../zoneinfo/../../../etc/passwd", "/usr/share/zoneinfo/", "x" * 200, "/usr/share/zoneinfo/a\nb"):
        os.unlink(zone)
        os.symlink(target, zone)
        checks.equal(f"hostile localtime {target[:20]!r}", dom.guestInfo(4)["timezone.name"], "UTC")


def check_states(checks, conn, dom, off):
    dom.suspend()
    checks.equal("paused: bulk", conn.domainListGetStats([dom])[0][1]["state.state"], libvirt.VIR_DOMAIN_PAUSED)
    checks.that("paused: statistics", dom.memoryStats()["rss"] > 0 and dom.getCPUStats(True))
    checks.equal("paused: hostname", dom.hostname(), dom.name())
    checks.equal("paused: filter", len(conn.getAllDomainStats(1, 32)), 1)
    dom.resume()
    for name, call, arguments in (
            ("memoryStats", off.memoryStats, ()), ("vcpus", off.vcpus, ()), ("hostname", off.hostname, ()),
            ("interfaceAddresses", off.interfaceAddresses, (0,)), ("guestInfo", off.guestInfo, ()),
            ("fsInfo", off.fsInfo, ()), ("getTime", off.getTime, ()), ("setTime", off.setTime, ({"seconds": 1},)),
            ("blockStats", off.blockStats, ("",)), ("interfaceStats", off.interfaceStats, (MAC,)),
            ("numaParameters live", off.numaParameters, (1,)), ("vcpusFlags live", off.vcpusFlags, (1,)),
            ("blkioParameters live", off.blkioParameters, (1,))):
        fails(checks, f"off: {name}", libvirt.VIR_ERR_OPERATION_INVALID, call, *arguments)
    checks.equal("off: vcpusFlags", off.vcpusFlags(0), 1)
    checks.equal("off: blockInfo", off.blockInfo("sda")[0], 2 * MIB)
    checks.equal("off: pins", len(off.vcpuPinInfo(2)), 1)


def check_readonly(checks, uri, name):
    with libvirt.openReadOnly(uri) as conn:
        dom = conn.lookupByName(name)
        checks.that("read-only: bulk", conn.getAllDomainStats())
        checks.that("read-only: arp", dom.interfaceAddresses(2))
        for what, call, arguments in (("hostname", dom.hostname, ()), ("guestInfo", dom.guestInfo, ()),
                                      ("fsInfo", dom.fsInfo, ()), ("getTime", dom.getTime, ()),
                                      ("addresses inside", dom.interfaceAddresses, (1,)),
                                      ("vcpus of the guest", dom.vcpusFlags, (8,)),
                                      ("setMemoryParameters", conn.setMemoryParameters, ({"shm_sleep_millisecs": 20},)),
                                      ("allocPages", conn.allocPages, ({2048: 0}, 0, 1)),
                                      ("suspend", conn.suspendForDuration, (0, 60))):
            fails(checks, f"read-only: {what}", libvirt.VIR_ERR_OPERATION_DENIED, call, *arguments)


def check_gone(checks, conn, dom, off):
    """One that went away is left out of what is asked in bulk, and is an error by itself."""
    dom.destroy()
    dom.undefine()
    checks.equal("gone: bulk", [d.name() for d, _ in conn.domainListGetStats([dom, off])], [off.name()])
    fails(checks, "gone: alone", libvirt.VIR_ERR_NO_DOMAIN, dom.memoryStats)


def main():
    if not libvirt:
        t.skip("python3-libvirt is not installed")
    libvirt.registerErrorHandler(lambda *_: None, None)
    t.enter_namespaces()
    checks = t.Checks("questions")
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "s")) as daemon:
        root = t.busybox_root(os.path.join(directory, "root"))
        prepare(root)
        conn = libvirt.open(daemon.uri)
        name = os.path.basename(directory).replace("_", "x")    # a host name has no underscore
        dom = conn.defineXML(domain(name, root, directory))
        off = conn.defineXML(domain(name + "-off", root, directory).replace(MAC, MAC[:-1] + "3"))
        dom.create()
        checks.that("it has done its work", t.wait_until(lambda: dom.memoryStats()["rss"] > 8192), dom.memoryStats())
        done = read_disk(daemon, dom, os.path.join(directory, "disk.img"))
        checks.equal(f"the container reads its disk {done!r}", done.status, 0)
        checks.that("what it has read is counted", t.wait_until(lambda: dom.blockStats("sda")[1] >= MIB), dom.blockStats("sda"))
        checks.that("what it was sent arrives", t.wait_until(lambda: send_some() or dom.interfaceStats(MAC)[0] > 3000, step=0.5))
        check_bulk(checks, conn, dom, off)
        check_single(checks, conn, dom)
        check_times(checks, conn, dom, os.path.join(directory, "disk.img"))
        check_inside(checks, dom)
        check_hostile(checks, dom, root)
        check_states(checks, conn, dom, off)
        check_readonly(checks, daemon.uri, name)
        check_gone(checks, conn, dom, off)
        off.undefine()
        left = t.leftovers(directory, [name])
        log = daemon.log()
        conn.close()
    checks.that("nothing is left", not left, "\n    ".join(left))
    if checks.failed:
        print("\n".join(log.splitlines()[-20:]))
    return checks.done()


sys.exit(main())
