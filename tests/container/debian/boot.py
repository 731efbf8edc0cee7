#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Debian 12 with systemd in a container: boots to multi-user with no failed unit, shows a login prompt,
has job control, reboots from inside and from outside, and ends orderly in under 10 seconds.

  boot.py privileged | idmap     against skepd
  boot.py --oracle               privileged, against stock libvirtd, to calibrate the script
"""

import contextlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../lib"))
import skeptest as t  # noqa: E402

NAME = "debian"
BOOT_SECONDS = 300      # one takes about 2; valgrind and loaded machines take longer
STOP_SECONDS = 10       # the promise; 1 or 2 on a quiet machine
JOB = f"{100000 + os.getpid()}"         # of the console: found by this word among all processes
IDMAP = ("<idmap><uid start='0' target='100000' count='65536'/><gid start='0' target='100000' count='65536'/></idmap>")


def make_root(directory):
    """A copy of the cached root: a test may write into it."""
    made = t.execute([os.path.join(HERE, "make-root")], timeout=900)
    if made.status:
        raise RuntimeError(f"cannot make the Debian root: {made.err}")
    root = os.path.join(directory, "root")
    subprocess.run(["cp", "-a", "--reflink=auto", made.out.strip(), root], check=True)
    return root


class Console:
    """The console of the domain, as a person sits at it."""

    def __init__(self, checks, daemon):
        self.checks = checks
        self.terminal = t.Terminal(["virsh", "-c", daemon.uri, "console", NAME])
        self.connected = self.terminal.expect("Escape character is")

    def login(self, what):
        """Waits for the prompt of a freshly booted system, and logs in as root without a password."""
        if not self.checks.that(f"{what}: login prompt", self.terminal.expect("login: ?", BOOT_SECONDS),
                                repr(self.terminal.seen[-600:])):
            return False
        self.terminal.send("root\r")
        if not self.checks.that(f"{what}: shell", self.terminal.expect(r"root@[^#]*# ?", BOOT_SECONDS),
                                repr(self.terminal.seen[-600:])):
            return False
        self.terminal.send("stty -echo; PS1='ready> '; export SYSTEMD_PAGER= SYSTEMD_COLORS=0 TERM=dumb\r")
        return self.checks.that(f"{what}: prompt", self.terminal.expect("ready> $", BOOT_SECONDS),
                                repr(self.terminal.seen[-600:]))

    def say(self, command, seconds=BOOT_SECONDS):
        """What a command prints, without the prompt after it."""
        self.terminal.seen = ""
        self.terminal.send(command + "\r")
        found = self.terminal.expect(r"(?s)^(.*?)ready> $", seconds)
        return found.group(1).replace("\r", "").strip() if found else f"no answer: {self.terminal.seen!r}"

    def press(self, key):
        """For the job, once it has the terminal."""
        self.checks.that(f"{key!r}: the job has the terminal", t.wait_until(job_has_terminal, BOOT_SECONDS))
        self.terminal.send(key)

    def close(self):
        self.terminal.close()


def job_has_terminal():
    """Whether the job's process group is the one in the foreground of its terminal."""
    for pid, command in t.commands():
        if command == ["sleep", JOB]:
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
                return fields[2] == fields[5]       # pgrp, tpgid
    return False


def check_booted(checks, console, idmap):
    state = console.say("systemctl is-system-running --wait", BOOT_SECONDS)
    failed = console.say("systemctl --failed --no-legend --plain --no-pager")
    checks.equal("no failed unit", failed, "")
    checks.equal("the system runs", state, "running")
    checks.equal("multi-user is reached", console.say("systemctl is-active multi-user.target"), "active")
    checks.equal("the guest knows what it is in", console.say("systemd-detect-virt"), "lxc-libvirt")
    checks.equal("its name", console.say("hostname"), NAME)
    checks.equal("init is root", console.say("stat -c %u:%g /proc/1 /sbin/init /root | sort -u"), "0:0")
    if idmap:
        checks.matches("the id map", r"^\s*0\s+100000\s+65536$", console.say("cat /proc/self/uid_map"))


def check_guest_ours(checks, console, idmap):
    """Where stock libvirt leaks or fails."""
    checks.equal("only its own control group", console.say("cut -d: -f3 /proc/1/cgroup | sort -u | grep -v '^/init.scope$'"),
                 "/")
    checks.that("a unit of its own can be limited",
                console.say("systemd-run --quiet --wait -p MemoryMax=64M true; echo $?").endswith("0"))
    checks.equal("its memory", console.say("sed -n 's/MemTotal: *//p' /proc/meminfo"), f"{512 * 1024} kB")
    # The value that it has, so that nothing changes if the write is not refused.
    key = "/proc/sys/vm/swappiness"
    value = console.say(f"cat {key}")
    checks.matches("/proc/sys can be read", r"^\d+$", value)
    write = f"sh -c 'echo {value} >{key}' 2>&1 && echo written"
    checks.matches("/proc/sys cannot be written", "Read-only file system$", console.say(write))
    checks.equal("what tells of the host is masked", console.say("stat -c %F /proc/interrupts"), "character special file")
    if idmap:   # without it root may take them off: docs/security.md
        checks.equal("masks and read-only mounts hold",
                     console.say("umount /proc/interrupts 2>/dev/null && echo unmasked; "
                                 "umount /proc/sys/net 2>/dev/null; umount /proc/sys 2>/dev/null && echo unmounted; "
                                 "mount -o remount,rw,bind /proc/sys 2>/dev/null && echo remounted"), "")
        checks.matches("/proc/sys still cannot be written", "Read-only file system$", console.say(write))


def check_job_control(checks, console):
    checks.equal("the console is the controlling terminal",
                 console.say("sh -c ': >/dev/tty' && echo controlling"), "controlling")
    console.terminal.seen = ""
    console.terminal.send(f"sleep {JOB}\r")
    console.press("\x1a")
    checks.that("Ctrl-Z stops a job", console.terminal.expect("Stopped"), repr(console.terminal.seen))
    console.terminal.expect("ready> $")
    checks.matches("bg goes on", f"sleep {JOB}", console.say("bg"))
    console.terminal.send("fg\r")
    console.press("\x03")
    checks.that("Ctrl-C ends it in the foreground", console.terminal.expect("ready> $"), repr(console.terminal.seen))
    checks.equal("no job is left", console.say("jobs"), "")


def order(checks, daemon, verb):
    done = daemon.virsh(verb, NAME)
    checks.that(verb, done.status == 0, done)


def check_reboot(checks, daemon, console, what, ask):
    """A reboot brings the domain back by itself: a login prompt of a new init."""
    console.say("touch /run/of-this-boot")
    before = daemon.virsh("domid", NAME).out.strip()
    ask()
    # the old one runs on for a while, and its console has said "login:" as well
    other = t.wait_until(lambda: daemon.virsh("domid", NAME).out.strip() not in (before, "-", ""), BOOT_SECONDS, 0.2)
    console.close()
    if not checks.that(f"{what}: another one runs", other, daemon.virsh("domstate", NAME, "--reason")):
        return None
    again = None

    def attach():
        nonlocal again
        again = Console(checks, daemon)
        if not again.connected:
            again.close()
            again = None
        return again
    t.wait_until(lambda: daemon.state(NAME) == "running" and attach(), BOOT_SECONDS, 0.2)
    if not checks.that(f"{what}: console again", again):
        return None
    again.terminal.send("\r")
    if not again.login(what):
        return None
    checks.equal(f"{what}: it is a new boot", again.say("ls /run/of-this-boot 2>/dev/null | wc -l"), "0")
    return again


def run(daemon, directory, *, idmap):
    checks = t.Checks(f"Debian 12 with systemd, {'id map' if idmap else 'privileged'}, {daemon.name}")
    ours = daemon.name == "skepd"
    root = make_root(directory)
    path = os.path.join(directory, "debian.xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml(NAME, root, init="/sbin/init", memory_kib=512 * 1024, more=IDMAP if idmap else ""))
    for words in (["define", path], ["start", NAME]):
        result = daemon.virsh(*words)
        if not checks.that(words[0], result.status == 0, result):
            return checks.done()
    console = Console(checks, daemon)
    if not checks.that("console connects", console.connected) or not console.login("boot"):
        return checks.done()
    check_booted(checks, console, idmap)
    if ours:
        check_guest_ours(checks, console, idmap)
        check_job_control(checks, console)
        checks.equal("ids on disk stay", (os.stat(os.path.join(root, "root")).st_uid,
                                          os.stat(os.path.join(root, "etc/hostname")).st_uid), (0, 0))
    console = check_reboot(checks, daemon, console, "reboot from inside", lambda: console.terminal.send("reboot\r"))
    if console and ours:
        console = check_reboot(checks, daemon, console, "reboot from outside", lambda: order(checks, daemon, "reboot"))
    if console:
        console.close()
    began = t.time.monotonic()
    order(checks, daemon, "shutdown")
    ended = daemon.wait_state(NAME, "shut off", BOOT_SECONDS)
    seconds = t.time.monotonic() - began
    checks.that(f"it ends in under {STOP_SECONDS} s", ended and seconds < STOP_SECONDS, f"{seconds:.1f} s")
    if ended:
        checks.equal("it ended orderly", daemon.virsh("domstate", NAME, "--reason").out.strip(), "shut off (shutdown)")
    print(f"shutdown took {seconds:.1f} s")
    return checks.done()


def main():
    t.need_program("virsh")
    t.need_root()
    if not os.environ.get("SKEP_TEST_INSIDE"):
        t.need_program("mmdebstrap")
        # The root is made before the network is left.
        made = t.execute([os.path.join(HERE, "make-root")], timeout=900)
        if made.status:
            t.skip("cannot make a Debian root: " + made.err[-300:])
    t.enter_namespaces()
    oracle = "--oracle" in sys.argv[1:]
    kind = t.StockLibvirtd if oracle else t.Skepd
    with t.work_dir() as directory, kind(os.path.join(directory, "d")) as daemon:
        status = run(daemon, directory, idmap="idmap" in sys.argv[1:])
    return status


sys.exit(main())
