#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of a running container are changed by stock virsh, and looked for in the kernel: CPUs, NUMA nodes,
block devices, bandwidth; names, actions, signals. Live and saved definition are kept apart, a reboot from
inside keeps the live one's, what cannot be done changes nothing."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

GOOD = (0, "")
CPUS = os.cpu_count() or 1
# an init that starts over as reboot(2) would, when it is asked, and tells of signals
INIT = ("trap 'echo hup >>/signals' HUP; trap 'reboot -f' USR1; sleep 100000 &amp; echo $! >/child; "
        "while :; do wait; done")


SKEP = os.path.join(t.BUILD, "tools/skep/skep")


class Domain:
    def __init__(self, daemon, directory, checks):
        self.daemon, self.checks = daemon, checks
        self.name = f"tune{os.getpid()}"
        self.root = t.busybox_root(os.path.join(directory, "root"))
        self.xml = os.path.join(directory, "domain.xml")
        with open(self.xml, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(self.name, self.root, init="/bin/sh", args=("-c", INIT), memory_kib=131072,
                                      more=f"<vcpu>{CPUS}</vcpu><features><privnet/></features>",
                                      devices="<interface type='bridge'><source bridge='skepbr'/></interface>"))
        self.image = os.path.join(directory, "image")
        with open(self.image, "wb") as handle:
            handle.truncate(4 << 20)

    def virsh(self, *words):
        return self.daemon.virsh(*words)

    def limits(self):
        """As skep shows them: (wanted, effective) of each name."""
        shown = t.execute([SKEP, "-c", self.daemon.uri, "limits", self.name, "--json"])
        return {row["name"]: (row["wanted"], row["effective"]) for row in json.loads(shown.out)}

    def well(self, what, *words):
        done = self.virsh(*words)
        self.checks.equal(what, (done.status, done.err.strip()), GOOD)

    def fails(self, what, pattern, *words):
        done = self.virsh(*words)
        self.checks.that(f"{what}: fails", done.status == 1, repr(done))
        self.checks.matches(what, pattern, done.err)

    def init(self):
        controller = self.virsh("domid", self.name).out.strip()
        with open(f"/proc/{controller}/task/{controller}/children", encoding="utf-8") as handle:
            return int(handle.read().split()[0]), int(controller)

    def group_path(self, controller, file):
        with open(f"/proc/{self.init()[0]}/cgroup", encoding="utf-8") as table:
            for line in table:
                _, names, path = line.rstrip("\n").split(":", 2)
                if controller in names.split(","):
                    for directory in (names, controller):
                        full = f"/sys/fs/cgroup/{directory}{path}/{file}"
                        if os.path.exists(full):
                            return full
        return None

    def group_file(self, controller, file):
        path = self.group_path(controller, file)
        if path is None:
            return None
        with open(path, encoding="utf-8") as handle:
            return handle.read().strip()

    def status_file(self):
        for directory, _, names in os.walk(self.daemon.directory):
            for name in names:
                path = os.path.join(directory, name)
                if name == f"{self.name}.xml":
                    with open(path, encoding="utf-8") as handle:
                        if "<domstatus" in handle.read():
                            return path
        raise RuntimeError("no status file")

    def live(self):
        return self.virsh("dumpxml", self.name).out

    def saved(self):
        return self.virsh("dumpxml", "--inactive", self.name).out


def cpus(d, checks):
    everything = d.group_file("cpuset", "cpuset.effective_cpus") or d.group_file("cpuset", "cpuset.cpus")
    if everything is None or CPUS < 2:
        print("no cpuset controller, or one CPU: CPUs are not tested")
        return
    def allowed():
        return d.group_file("cpuset", "cpuset.cpus")
    d.well("setvcpus --live", "setvcpus", d.name, "1", "--live")
    checks.equal("one CPU is left", len((allowed() or "").split(",")) if "-" not in (allowed() or "-") else 0, 1)
    checks.matches("the live definition says so", f"current='1'>{CPUS}</vcpu>", d.live())
    checks.that("the saved one does not", "current=" not in d.saved())
    d.well("setvcpus back", "setvcpus", d.name, str(CPUS), "--live")
    checks.equal("all CPUs again", allowed(), everything)
    d.fails("more than there are", "greater than max allowable", "setvcpus", d.name, str(CPUS + 1), "--live")
    d.well("the maximum in the saved definition", "setvcpus", d.name, "7", "--maximum", "--config")
    checks.that("is saved", ">7</vcpu>" in d.saved() and ">7</vcpu>" not in d.live())
    for vcpu in range(CPUS):
        d.well(f"vcpupin {vcpu}", "vcpupin", d.name, str(vcpu), "1", "--live")
    checks.equal("all pins together", allowed(), "1")
    checks.matches("vcpupin in the definition", "<vcpupin vcpu='0' cpuset='1'/>", d.live())
    for vcpu in range(CPUS):
        d.well(f"vcpupin {vcpu} to all", "vcpupin", d.name, str(vcpu), f"0-{CPUS - 1}", "--live")
    checks.equal("pins to all", allowed(), everything)
    d.fails("a vcpu that is not there", "out of range", "vcpupin", d.name, str(CPUS), "0", "--live")
    d.well("emulatorpin", "emulatorpin", d.name, "1", "--live")
    checks.equal("the controller is pinned", os.sched_getaffinity(d.init()[1]), {1})
    checks.matches("emulatorpin in the definition", "<emulatorpin cpuset='1'/>", d.live())
    status = d.status_file()
    os.rename(status, status + ".aside")
    os.mkdir(status)                        # cannot be replaced by a file
    d.fails("emulatorpin that cannot be saved", "directory", "emulatorpin", d.name, "0", "--live")
    d.fails("a title that cannot be saved", "directory", "desc", d.name, "--title", "--live", "--config", "unsaved")
    os.rmdir(status)
    os.rename(status + ".aside", status)
    checks.equal("the controller is where it was", os.sched_getaffinity(d.init()[1]), {1})
    checks.matches("the definition too", "<emulatorpin cpuset='1'/>", d.live())
    checks.that("no definition has the title", "unsaved" not in d.saved() + d.live())
    d.well("emulatorpin of the next run", "emulatorpin", d.name, "1", "--config")
    d.well("its end", "destroy", d.name)
    d.well("its start", "start", d.name)
    init, controller = d.init()
    checks.equal("the controller is pinned from the start", os.sched_getaffinity(controller), {1})
    checks.equal("the container is not", os.sched_getaffinity(init), set(range(CPUS)))
    d.well("numatune", "numatune", d.name, "--nodeset", "0", "--live", "--config")
    checks.matches("numatune in both", "nodeset='0'", d.live())
    checks.matches("numatune in both", "nodeset='0'", d.saved())
    d.fails("a node that is not there", "", "numatune", d.name, "--nodeset", "63", "--live", "--config")
    checks.that("no such node is saved", "nodeset='63'" not in d.saved() + d.live())


def disk_limits(d, checks):
    """<iotune> of a disk comes with it, be it later or at the start, and goes with it."""
    xml = os.path.join(os.path.dirname(d.xml), "disk.xml")
    with open(xml, "w", encoding="utf-8") as handle:
        handle.write(f"<disk type='file'><driver name='loop' type='raw'/><source file='{d.image}'/><target dev='sdq'/>"
                     "<iotune><write_bytes_sec>3145728</write_bytes_sec></iotune></disk>")

    def of_disk():
        return [both for name, both in d.limits().items() if re.fullmatch(r"blkio\.\d+:\d+", name)]
    if d.group_file("blkio", "blkio.throttle.read_bps_device") is None:
        return      # said by blocks()
    d.well("attach with a limit", "attach-device", d.name, xml, "--live", "--config")
    checks.equal("it is the kernel's", of_disk(), [("write_bytes_sec=3145728",) * 2])
    d.well("destroy", "destroy", d.name)
    d.well("start with a limit", "start", d.name)
    checks.equal("it is there from the start", of_disk(), [("write_bytes_sec=3145728",) * 2])
    d.well("detach", "detach-device", d.name, xml, "--live", "--config")
    checks.equal("it is gone", (of_disk(), d.group_file("blkio", "blkio.throttle.write_bps_device")), ([], ""))
    # a path of the saved definition that is not there, or is something else
    for path, why in (("/dev/nothing", "Path '/dev/nothing' is not accessible: No such file"),
                      ("/dev/null", "Path '/dev/null' must be a block device")):
        with open(xml, "w", encoding="utf-8") as handle:
            handle.write(d.saved().replace("</memory>", f"</memory><blkiotune><device><path>{path}</path>"
                                           "<read_bytes_sec>1</read_bytes_sec></device></blkiotune>", 1)
                         .replace(d.name, d.name + "x").replace("<uuid>", "<!--").replace("</uuid>", "-->"))
        d.well("define", "define", xml)
        d.fails(f"start with limits of {path}", why, "start", d.name + "x")
        d.well("undefine", "undefine", d.name + "x")


def blocks(d, checks):
    loop = t.loop_device(d.image)
    st = os.stat(loop)
    number = f"{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}"
    try:
        if d.group_file("blkio", "blkio.throttle.read_bps_device") is None:
            print("no block limits in this kernel: not tested")
            return
        def rate(kind="read_bps"):
            return d.group_file("blkio", f"blkio.throttle.{kind}_device")
        d.well("blkiotune", "blkiotune", d.name, "--device-read-bytes-sec", f"{loop},1048576", "--live", "--config")
        checks.equal("the kernel's limit", rate(), f"{number} 1048576")
        checks.equal("skep limits shows both", d.limits().get(f"blkio.{number}"), ("read_bytes_sec=1048576",) * 2)
        with open(d.group_path("blkio", "blkio.throttle.read_bps_device"), "w", encoding="utf-8") as handle:
            handle.write(f"{number} 2097152")
        checks.equal("what somebody else changed is seen", d.limits().get(f"blkio.{number}"),
                     ("read_bytes_sec=1048576", "read_bytes_sec=2097152"))
        checks.that("in both definitions", "<read_bytes_sec>1048576" in d.live() and
                    "<read_bytes_sec>1048576" in d.saved())
        d.well("blkiotune to nothing", "blkiotune", d.name, "--device-read-bytes-sec", f"{loop},0", "--live")
        checks.equal("the limit is gone", rate(), "")
        checks.that("of the live definition only", "read_bytes_sec" not in d.live() and
                    "<read_bytes_sec>" in d.saved())
        d.well("blkiotune saved to nothing", "blkiotune", d.name, "--device-read-bytes-sec", f"{loop},0", "--config")
        d.fails("not a list", "unable to parse|invalid value|Invalid", "blkiotune", d.name,
                "--device-read-bytes-sec", f"{loop}", "--live")
        d.fails("not a device", "not accessible", "blkiotune", d.name, "--device-read-bytes-sec", "/dev/nothing,1",
                "--live", "--config")
        for path in ("/mnt/share/disk", "/dev/../mnt/disk", "/dev//sda", "/dev/./sda", "/dev/shm/disk", "/dev/"):
            d.fails(f"no device path: {path}", f"Path '{path}' must be a block device below /dev", "blkiotune", d.name,
                    "--device-read-bytes-sec", f"{path},1", "--live", "--config")
            d.fails(f"no device path to save: {path}", "must be a block device below /dev", "blkiotune", d.name,
                    "--device-read-bytes-sec", f"{path},1", "--config")
        checks.that("nothing of it is saved", "/dev/nothing" not in d.saved() + d.live())
        vanished(d, checks, loop)
        checks.equal("no limit is left", rate() + rate("write_bps"), "")
        def weight():
            return d.group_file("blkio", "blkio.bfq.weight") or d.group_file("blkio", "blkio.weight")
        before = weight()
        done = d.virsh("blkiotune", d.name, "--weight", "700", "--device-weights", f"{loop},500", "--live")
        if done.status == 1:    # no scheduler of this kernel gives a loop device a weight
            checks.equal("the weight is put back", weight(), before)
        d.well("attach-disk", "attach-disk", d.name, loop, "sda", "--live")
        d.well("blkdeviotune", "blkdeviotune", d.name, "sda", "--write-iops-sec", "77", "--live")
        checks.equal("the kernel's limit of the disk", rate("write_iops"), f"{number} 77")
        checks.matches("iotune in the definition", "<write_iops_sec>77", d.live())
        d.fails("what a control group cannot", "cannot be limited by control groups", "blkdeviotune", d.name, "sda",
                "--total-bytes-sec", "1000", "--live")
        d.well("detach-disk", "detach-disk", d.name, "sda", "--live")
        checks.equal("its limit is gone", rate("write_iops"), "")
    finally:
        subprocess.run(["losetup", "-d", loop], check=False)


def vanished(d, checks, loop):
    """A device with limits that is there no longer: it can be given none, lose its own, and hinders nobody."""
    gone = f"/dev/skep-gone-{os.getpid()}"
    try:
        for kind in ("no node", "no disk"):
            os.mknod(gone, 0o600 | 0o060000, os.stat(loop).st_rdev)
            d.well(f"{kind}: limit", "blkiotune", d.name, "--device-read-bytes-sec", f"{gone},1048576", "--live")
            os.unlink(gone)
            if kind == "no disk":
                os.mknod(gone, 0o600 | 0o060000, os.makedev(60, 0))    # a major number that no driver has
            d.well(f"{kind}: limit of another", "blkiotune", d.name, "--device-write-bytes-sec", f"{loop},5000000",
                   "--live")
            d.fails(f"{kind}: another limit", "not accessible|No such device", "blkiotune", d.name,
                    "--device-read-bytes-sec", f"{gone},2097152", "--live")
            checks.that(f"{kind}: stays as it was", "<read_bytes_sec>1048576" in d.live())
            d.well(f"{kind}: its limit goes", "blkiotune", d.name, "--device-read-bytes-sec", f"{gone},0", "--live")
            checks.that(f"{kind}: is not in the definition", gone not in d.live())
            d.well(f"{kind}: the other goes", "blkiotune", d.name, "--device-write-bytes-sec", f"{loop},0", "--live")
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(gone)


def bandwidth(d, checks):
    device = re.search(r"<target dev='(\w+)'/>", d.live())[1]
    d.well("domiftune", "domiftune", d.name, device, "--inbound", "1000,2000,100", "--outbound", "500", "--live")
    checks.matches("the kernel's class", "rate 8Mbit ceil 16Mbit",
                   t.execute(["tc", "class", "show", "dev", device]).out)
    checks.equal("skep limits shows what the kernel has",
                 [d.limits().get(f"net.{device}.{way}") for way in ("inbound", "outbound")],
                 [("average=1000 peak=2000",) * 2, ("average=500",) * 2])
    t.execute(["tc", "qdisc", "del", "dev", device, "root"])
    checks.equal("a queue that somebody took away", d.limits().get(f"net.{device}.inbound"),
                 ("average=1000 peak=2000", "unlimited"))
    checks.matches("domiftune tells", r"inbound.average: 1000", d.virsh("domiftune", d.name, device).out)
    checks.that("not saved", "bandwidth" not in d.saved())
    d.well("domiftune to nothing", "domiftune", d.name, device, "--inbound", "0", "--outbound", "0", "--live")
    checks.that("nothing in the kernel", "htb" not in t.execute(["tc", "qdisc", "show", "dev", device]).out)
    checks.that("nothing in the definition", "bandwidth" not in d.live())
    d.fails("another's device", "find device|not a known", "domiftune", d.name, "lo", "--inbound", "1", "--live")


def signals(d, checks):
    with open(os.path.join(d.root, "child"), encoding="utf-8") as handle:
        child = handle.read().strip()
    d.well("a signal to init", "send-process-signal", d.name, "1", "hup")
    d.well("a signal to any process", "send-process-signal", d.name, child, "kill")
    met = t.wait_until(lambda: os.path.exists(os.path.join(d.root, "signals")))
    checks.that("init has had it", met)
    # dead it still takes signals, until init has looked after it
    t.wait_until(lambda: d.virsh("send-process-signal", d.name, child, "nop").status != 0)
    d.fails("a process that is not there", "No such process", "send-process-signal", d.name, child, "term")
    # the number of a process of the host means nothing here
    d.fails("a process of the host", "No such process", "send-process-signal", d.name, str(os.getpid()), "kill")


def reboot(d, checks):
    """The live definition's limits stay when the container reboots from inside."""
    d.well("setmem", "setmem", d.name, "65536", "--live")
    d.well("schedinfo", "schedinfo", d.name, "--live", "--set", "cpu_shares=333")
    told = os.path.join(d.root, "child")
    os.remove(told)
    d.well("reboot", "send-process-signal", d.name, "1", "usr1")
    def another():
        # the child of a controller that starts is not yet the container's init
        return os.path.exists(told) and d.daemon.state(d.name) == "running"
    checks.that("it has rebooted", t.wait_until(another))
    limit = d.group_file("memory", "memory.limit_in_bytes")
    if limit:
        checks.equal("memory is as it was set", limit, str(65536 * 1024))
    if d.group_file("cpu", "cpu.shares"):
        checks.equal("shares are as they were set", d.group_file("cpu", "cpu.shares"), "333")
    checks.that("the definition too", "<shares>333</shares>" in d.live() and "<shares>333" not in d.saved())


def events(d, checks):
    """What watchers are told, in order; last that the kernel has killed a process for its memory."""
    watcher = subprocess.Popen(["stdbuf", "-oL", "virsh", "-c", d.daemon.uri, "event", d.name, "--all", "--loop"],
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    seen = []
    xml = os.path.join(os.path.dirname(d.xml), "control.xml")
    with open(xml, "w", encoding="utf-8") as handle:
        handle.write("<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char></source></hostdev>")
    os.set_blocking(watcher.stdout.fileno(), False)

    def told(pattern):
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(watcher.stdout.fileno(), 65536):
                seen.append(chunk.decode())
        return re.search(pattern, "".join(seen), re.S)
    try:
        checks.that("the watcher listens", t.wait_until(lambda: d.virsh("desc", d.name, "x", "--live") and told("metadata"),
                                                        t.PATIENCE, 0.5), "".join(seen))
        # the kinds of events are registered for in turn, and above was one of the last
        d.virsh("schedinfo", d.name, "--live", "--set", "cpu_shares=444")
        checks.that("tunable", t.wait_until(lambda: told("'tunable'")), "".join(seen))
        d.well("attach", "attach-device", d.name, xml, "--live")
        d.well("detach", "detach-device", d.name, xml, "--live")
        checks.that("added, then removed", t.wait_until(
            lambda: told(r"'device-added'[^\n]*hostdev0.*'device-removed'[^\n]*hostdev0")), "".join(seen))
        d.well("setlink", "domif-setlink", d.name, re.search(r"<target dev='(\w+)'/>", d.live())[1], "down")
        d.well("less memory", "setmem", d.name, "32768", "--live")
        checks.that("balloon-change", t.wait_until(lambda: told("'balloon-change'")), "".join(seen))
        limit = d.group_file("memory", "memory.limit_in_bytes")
        if limit:
            path = [line.split(":")[2] for line in open(f"/proc/{d.init()[0]}/cgroup", encoding="utf-8")
                    if "memory" in line.split(":")[1].split(",")][0].strip()
            done = t.execute(["sh", "-c", f"echo $$ >/sys/fs/cgroup/memory{path}/tasks && exec nsenter -t {d.init()[0]} -m "
                              "tail /dev/zero"])
            failed = t.wait_until(lambda: told("'memory-failure'"))
            checks.that("memory-failure", failed, f"{done}\n" + "".join(seen))
    finally:
        watcher.kill()
        watcher.wait()


def out_of_memory(d, checks):
    """The kernel kills init itself: watchers are told why before they are told of the end."""
    name = f"starved{os.getpid()}"
    xml = os.path.join(os.path.dirname(d.xml), "oom.xml")
    with open(xml, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml(name, d.root, init="/bin/tail", args=("/dev/zero",), memory_kib=32768))
    d.well("define one that takes all memory", "define", xml)
    watcher = subprocess.Popen(["stdbuf", "-oL", "virsh", "-c", d.daemon.uri, "event", name, "--all", "--loop"],
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(watcher.stdout))
    reader.start()
    try:
        # it does not say when it has begun to listen
        checks.that("the watcher listens", t.wait_until(lambda: d.virsh("desc", name, "x") and "metadata" in "".join(seen),
                                                        t.PATIENCE, 0.5), "".join(seen))
        d.well("start it", "start", name)
        t.wait_until(lambda: re.search("Stopped", "".join(seen)))
    finally:
        watcher.kill()
        watcher.wait()
        reader.join()
    checks.matches("memory-failure, then the end", r"(?s)Started.*'memory-failure'.*Stopped", "".join(seen))
    d.well("undefine it", "undefine", name)


def others(d, checks):
    d.well("lifecycle action", "set-lifecycle-action", d.name, "crash", "restart", "--live", "--config")
    checks.that("in both", "<on_crash>restart" in d.live() and "<on_crash>restart" in d.saved())
    d.fails("no job", "no job is active", "domjobabort", d.name)
    d.fails("no password", "user database is its own", "set-user-password", d.name, "root", "x")
    d.fails("rename of a running one", "cannot rename active domain", "domrename", d.name, "other")
    d.well("autostart", "autostart", d.name)
    d.well("destroy", "destroy", d.name)
    d.fails("rename to itself", "to itself", "domrename", d.name, d.name)
    d.fails("a bad name", "cannot contain '/'", "domrename", d.name, "a/b")
    new = d.name + "-new"
    d.well("rename", "domrename", d.name, new)
    checks.equal("the old one is gone", d.virsh("domstate", d.name).status, 1)
    checks.matches("autostart moved along", "enable", d.virsh("dominfo", new).out)
    directory = d.daemon.directory
    files = sorted(name for _, _, names in os.walk(directory) for name in names if d.name in name)
    checks.that("its files too", files and all(new in name for name in files), str(files))
    d.daemon.restart()
    checks.equal("after a restart it is that one", d.virsh("domstate", new).out.strip(), "shut off")
    d.well("undefine", "undefine", new)


def main():
    t.enter_namespaces()
    checks = t.Checks("tune")
    subprocess.run(["ip", "link", "add", "skepbr", "type", "bridge"], check=True)
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        d = Domain(daemon, directory, checks)
        d.well("define", "define", d.xml)
        d.well("start", "start", d.name)
        checks.that("its init is ready", t.wait_until(lambda: os.path.exists(os.path.join(d.root, "child")) and
                                                      os.path.getsize(os.path.join(d.root, "child"))))
        for part in (cpus, blocks, disk_limits, bandwidth, signals, reboot, events, out_of_memory, others):
            part(d, checks)
        if checks.failed:
            print(daemon.log()[-4000:])
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
