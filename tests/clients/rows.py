#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls that libvirt's LXC driver does not have, by stock virsh and by skep: reset, vcpus by number, trimming of
file systems, jobs and their end before their time, messages; and what is refused says why."""

import contextlib
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

SKEP = os.path.join(t.BUILD, "tools/skep/skep")
CPUS = os.cpu_count() or 1
INIT = "echo started >>/starts; sleep 100000 &amp; while :; do wait; done"


class Guest:
    def __init__(self, daemon, directory, checks):
        self.daemon, self.checks = daemon, checks
        self.name = f"rows{os.getpid()}"
        self.root = t.busybox_root(os.path.join(directory, "root"))
        os.makedirs(os.path.join(self.root, "data"))
        self.image = os.path.join(directory, "image")
        with open(self.image, "wb") as file:
            file.truncate(32 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", "-E", "nodiscard", self.image], check=True)
        path = os.path.join(directory, "domain.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(
                self.name, self.root, args=("-c", INIT), more=f"<vcpu>{CPUS}</vcpu>",
                devices="<filesystem type='file'><driver type='loop' format='raw'/>"
                        f"<source file='{self.image}'/><target dir='/data'/></filesystem><sound model='ac97'/>"))
        defined = daemon.virsh("define", path)
        checks.that("define", defined.status == 0, defined)
        started = daemon.virsh("start", self.name)
        checks.that("the container starts", started.status == 0, started)

    def virsh(self, *words):
        return self.daemon.virsh(*words)

    def skep(self, *words):
        return t.execute([SKEP, "-c", self.daemon.uri, *words])

    def well(self, what, done):
        self.checks.that(what, done.status == 0 and not done.err, done)
        return done.out

    def fails(self, what, pattern, done):
        self.checks.that(f"{what}: fails", done.status == 1, done)
        self.checks.matches(what, pattern, done.err)

    def starts(self):
        with open(os.path.join(self.root, "starts"), encoding="utf-8") as file:
            return len(file.read().split())

    def id(self):
        return self.virsh("domid", self.name).out.strip()

    def init(self):
        with open(f"/proc/{self.id()}/task/{self.id()}/children", encoding="utf-8") as children:
            return int(children.read().split()[0])


def reset(g, checks):
    before = g.id()
    checks.that("it has begun", t.wait_until(lambda: os.path.exists(os.path.join(g.root, "starts"))))
    g.well("virsh reset", g.virsh("reset", g.name))
    checks.matches("it runs", "^running", g.virsh("domstate", g.name).out)
    checks.that("under another id", g.id() not in (before, "-"), (before, g.id()))
    checks.that("init has started again", t.wait_until(lambda: g.starts() == 2), g.starts())
    g.virsh("suspend", g.name)
    g.well("skep reset of a paused one", g.skep("reset", g.name))
    checks.matches("it runs then", "^running", g.virsh("domstate", g.name).out)
    checks.that("and has started again", t.wait_until(lambda: g.starts() == 3), g.starts())
    os.rename(os.path.join(g.root, "bin"), os.path.join(g.root, "gone"))
    g.fails("a reset that cannot start again", "Failed to reset", g.virsh("reset", g.name))
    os.rename(os.path.join(g.root, "gone"), os.path.join(g.root, "bin"))
    checks.matches("it is off then", "^shut off", g.virsh("domstate", g.name).out)
    for _ in range(3):
        g.well("it starts", g.virsh("start", g.name))
        with t.Program(["virsh", "-c", g.daemon.uri, "reset", g.name], stderr=subprocess.PIPE, text=True,
                              stdout=subprocess.DEVNULL) as running:
            g.well("a destroy beside a reset", g.virsh("destroy", g.name))
            error = running.communicate()[1]
        checks.that("the reset came first, or last, or was cancelled",
                    not error or re.search("destroyed while|is not running", error), error)
        checks.matches("it is off", "^shut off", g.virsh("domstate", g.name).out)
    g.well("it starts again", g.virsh("start", g.name))


def vcpus(g, checks):
    maximum = str(CPUS - 1)
    g.well("setvcpu of the last", g.virsh("setvcpu", g.name, maximum, "--disable", "--live"))
    checks.equal("one less is online", g.virsh("vcpucount", g.name, "--live", "--active").out.strip(), maximum)
    shown = g.virsh("guestvcpus", g.name).out
    checks.matches("guestvcpus: all", rf"(?m)^vcpus +: 0-{maximum}$", shown)
    checks.matches("guestvcpus: online", r"(?m)^online +: 0" + (f"-{CPUS - 2}$" if CPUS > 2 else "$"), shown)
    with open(f"/proc/{g.init()}/status", encoding="utf-8") as status:
        allowed = re.search(r"Cpus_allowed:\s*([0-9a-f,]+)", status.read())[1].replace(",", "")
    checks.equal("init has as many CPUs", bin(int(allowed, 16)).count("1"), CPUS - 1)
    g.well("guestvcpus brings it back", g.virsh("guestvcpus", g.name, "--cpulist", maximum, "--enable"))
    checks.equal("all are online", g.virsh("vcpucount", g.name, "--live", "--active").out.strip(), str(CPUS))
    g.well("setvcpu of the saved definition", g.skep("setvcpu", g.name, maximum, "--disable", "--config"))
    checks.matches("is saved", f"current='{maximum}'", g.virsh("dumpxml", "--inactive", g.name).out)
    g.well("and back", g.skep("setvcpu", g.name, maximum, "--enable", "--config"))
    g.fails("a hole", "in order", g.virsh("setvcpu", g.name, "0", "--disable", "--live"))
    g.fails("none left", "at least one", g.virsh("setvcpu", g.name, f"0-{maximum}", "--disable", "--live"))
    g.fails("a vcpu that is not there", "not present", g.virsh("setvcpu", g.name, "999", "--enable", "--live"))
    g.fails("neither on nor off", "one of --enable, --disable is required", g.skep("setvcpu", g.name, "1"))
    checks.equal("nothing of it was done", g.virsh("vcpucount", g.name, "--live", "--active").out.strip(), str(CPUS))
    checks.matches("skep guestvcpus", "offlinable", g.skep("guestvcpus", g.name).out)


def trim(g, checks):
    data = f"/proc/{g.init()}/root/data"
    with open(os.path.join(data, "much"), "wb") as file:
        file.write(os.urandom(8 << 20))
        file.flush()
        os.fsync(file.fileno())
    os.unlink(os.path.join(data, "much"))
    descriptor = os.open(data, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    before = os.stat(g.image).st_blocks
    g.well("domfstrim", g.virsh("domfstrim", g.name, "--mountpoint", "/data"))
    with open(g.image, "rb") as file:
        os.fsync(file.fileno())
    after = os.stat(g.image).st_blocks
    checks.that("the image is smaller on disk", after * 512 <= before * 512 - (6 << 20), (before, after))
    g.well("of all", g.skep("domfstrim", g.name))
    g.fails("the root is the host's", "of the container's own can be trimmed",
            g.virsh("domfstrim", g.name, "--mountpoint", "/"))
    g.fails("extents that are too large", "Unable to trim /data", g.virsh("domfstrim", g.name, "--minimum", str(1 << 60)))


def trim_ends(g, checks, directory):
    """A trim that takes long (a helper that holds on to the file system for it) is in nobody's way."""
    def trimming():
        for path in ("held", "hold"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(directory, path))
        with open(os.path.join(directory, "hold"), "w", encoding="utf-8") as handle:
            handle.write(str(g.init()))
        running = subprocess.Popen(["virsh", "-c", g.daemon.uri, "domfstrim", g.name], stderr=subprocess.PIPE, text=True)
        checks.that("a trim is under way", t.wait_until(lambda: os.path.exists(os.path.join(directory, "held"))))
        return running
    def told(running, pattern):
        error = running.communicate()[1]
        checks.matches("the trim is told", pattern, error)
    trim_call = trimming()
    checks.matches("it is a job", "(?m)^Job type: +Unbounded", g.virsh("domjobinfo", g.name).out)
    g.well("it can be aborted", g.virsh("domjobabort", g.name))
    told(trim_call, "operation aborted: a client aborted it")
    checks.matches("it is the last one that is over", "(?m)^Job type: +Cancelled", g.virsh("domjobinfo", g.name, "--completed").out)
    g.fails("once", "no job is active on the domain", g.virsh("domjobabort", g.name))
    device = os.path.join(directory, "device.xml")
    with open(device, "w", encoding="utf-8") as handle:
        handle.write("<filesystem type='file'><driver type='loop' format='raw'/>"
                     f"<source file='{g.image}'/><target dir='/data'/></filesystem>")
    trim_call = trimming()
    g.well("it can be detached", g.virsh("detach-device", g.name, device, "--live"))
    told(trim_call, "the file system is detached, or its container ends")
    g.well("and attached", g.virsh("attach-device", g.name, device, "--live"))
    trim_call = trimming()
    g.well("the container can be destroyed", g.virsh("destroy", g.name))
    told(trim_call, "file system is detached, or its container ends|domain is not running")
    checks.that("no loop device stays", t.wait_until(lambda: not t.execute(["losetup", "-j", g.image]).out))
    os.unlink(os.path.join(directory, "hold"))
    g.well("it starts again", g.virsh("start", g.name))


def long_job(g):
    """A job that watchers will be told of: it has taken a second."""
    shown = re.search(r"Time elapsed: +(\d+)", g.virsh("domjobinfo", g.name).out)
    return shown and int(shown[1]) >= 1000


def watched(g):
    """A virsh that prints events. It says nothing when it listens: so of a change until it does."""
    events = t.Terminal(["virsh", "-c", g.daemon.uri, "event", "--all", "--loop"])
    for n in range(60):
        g.virsh("desc", g.name, "--config", f"watched {n}")
        if events.expect("metadata-change", 1):
            break
    return events


def past_jobs(g, checks):
    """What has been done, once, unless it is to be kept."""
    def past(*more):
        return g.virsh("domjobinfo", g.name, "--completed", *more).out
    for keeps in ("a first look", "a second one"):
        checks.matches(f"{keeps} at the start", r"(?s)Job type: +Completed.*Operation: +Start.*Time elapsed: +\d+",
                       past("--keep-completed"))
    checks.matches("the last look at the start", "Job type: +Completed", past())
    checks.matches("nobody knows of it any more", "Job type: +None", past())
    g.virsh("setmem", g.name, "60M")
    checks.matches("a quick change is no job to be told of", "Job type: +None", past())


def start_aborted(g, checks, directory):
    """A start that takes long (a hook that waits) is a job with its time, and can be given up; watchers hear of it."""
    g.virsh("destroy", g.name)
    slow, waiting = os.path.join(directory, "slow"), os.path.join(directory, "waiting")
    with open(slow, "w", encoding="utf-8"):
        pass
    with watched(g) as events, \
            t.Program(["virsh", "-c", g.daemon.uri, "start", g.name], stderr=subprocess.PIPE, text=True,
                      stdout=subprocess.DEVNULL) as running:
        checks.that("the hook waits", t.wait_until(lambda: os.path.exists(waiting)))
        checks.that("it takes its time", t.wait_until(lambda: long_job(g)))
        shown = g.virsh("domjobinfo", g.name).out
        checks.matches("the start is a job", r"(?s)Job type: +Unbounded.*Operation: +Start.*Time elapsed: +\d+", shown)
        g.well("it can be aborted", g.virsh("domjobabort", g.name))
        checks.matches("the start is told", "operation aborted: the start was aborted by a client", running.communicate()[1])
        checks.that("watchers are told",
                    events.expect(r"(?s)'job-completed'.*?operation: 1.*?success: 0.*?aborted by a client"), events.seen)
    os.unlink(slow)
    checks.matches("it is the last one that is over", "Job type: +Cancelled",
                   g.virsh("domjobinfo", g.name, "--completed").out)
    checks.matches("it is off", "^shut off", g.virsh("domstate", g.name).out)
    g.fails("there is no job then", "no job is active on the domain", g.virsh("domjobabort", g.name))
    g.well("it starts again", g.virsh("start", g.name))
    past_jobs(g, checks)


HOOK = """#!/bin/sh
if [ "$2" = prepare ] && [ -e {directory}/slow ]; then
    touch {directory}/waiting
    while [ -e {directory}/slow ]; do sleep 0.1; done
fi
"""

# waits with the file system open, where the test says so
HELPER = """#!/bin/sh
case " $* " in *" trim "*)
    if [ -e {directory}/hold ]; then
        exec 9</proc/$(cat {directory}/hold)/root/data
        touch {directory}/held
        exec sleep 100000
    fi
esac
exec {helper} "$@"
"""


def words(g, checks):
    shown = g.virsh("dominfo", g.name).out
    checks.matches("dominfo tells of root", "tainted: running with undesirable elevated privileges", shown)
    checks.matches("dominfo tells of the network", "tainted: sharing the host's network", shown)
    checks.matches("dominfo tells of what has no effect", "without effect: /domain/devices/sound", shown)
    checks.matches("so does skep", "without effect: /domain/devices/sound", g.skep("dominfo", g.name).out)
    checks.matches("domblkerror", "No errors found", g.virsh("domblkerror", g.name).out)
    checks.matches("skep domblkerror", "No errors found", g.skep("domblkerror", g.name).out)
    shown = g.virsh("guestinfo", g.name, "--filesystem").out
    (number,) = re.findall(r"(?m)^fs\.(\d+)\.mountpoint *: /data$", shown)
    checks.matches("guestinfo: the disk behind a file system", rf"(?m)^fs\.{number}\.disk\.0\.alias *: /data$", shown)
    checks.matches("guestinfo: none behind the root", r"(?m)^fs\.0\.disk\.count *: 0$", shown)
    for tool in (g.virsh, g.skep):
        g.fails("a password", "its own: nothing on the host writes to it",
                tool("set-user-password", g.name, "root", "secret"))
        g.fails("suspending the host", "suspend", tool("nodesuspend", "mem", "60"))


def stopped(g, checks):
    g.virsh("destroy", g.name)
    for verb in ("reset", "domfstrim", "guestvcpus", "domblkerror"):
        g.fails(f"{verb} of one that is off", "domain is not running", g.virsh(verb, g.name))
    g.well("setvcpu of one that is off", g.virsh("setvcpu", g.name, str(CPUS - 1), "--disable", "--config"))


def main():
    if CPUS < 2:
        t.skip("needs two CPUs")
    t.need_program("virsh")
    t.need_program("mkfs.ext4")
    t.enter_namespaces()
    checks = t.Checks("rows")
    with t.work_dir() as directory:
        os.environ["SKEP_HELPER"] = os.path.join(directory, "helper")
        with open(os.environ["SKEP_HELPER"], "w", encoding="utf-8") as handle:
            handle.write(HELPER.format(directory=directory, helper=os.path.join(t.BUILD, "src/controller/skep-helper")))
        os.chmod(os.environ["SKEP_HELPER"], 0o755)
        os.makedirs(os.path.join(directory, "d/hooks"))
        with open(os.path.join(directory, "d/hooks/lxc"), "w", encoding="utf-8") as handle:
            handle.write(HOOK.format(directory=directory))
        os.chmod(os.path.join(directory, "d/hooks/lxc"), 0o755)
        run(checks, directory)
    return checks.done()


def run(checks, directory):
    with t.Skepd(os.path.join(directory, "d")) as daemon:
        guest = Guest(daemon, directory, checks)
        for part in (reset, vcpus, trim):
            part(guest, checks)
        trim_ends(guest, checks, directory)
        start_aborted(guest, checks, directory)
        for part in (words, stopped):
            part(guest, checks)
        checks.equal("nothing is left over", t.leftovers(directory, [guest.name]), [])
        if checks.failed:
            print(daemon.log()[-3000:])


if __name__ == "__main__":
    sys.exit(main())
