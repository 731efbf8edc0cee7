#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""/proc/meminfo inside: the container's limits and use, as they are at each read; by whoever reads, however
it reads, and whatever happens to the controller meanwhile."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import skeptest as t  # noqa: E402

NAME = f"meminfo{os.getpid()}"
PATIENCE = 60
IDMAP = ("<idmap><uid start='0' target='300000' count='65536'/><gid start='0' target='300000' count='65536'/>"
         "</idmap>")
# One command a line from a fifo, its output between marks; a reader that holds the file open all the time.
SCRIPT = """exec 9</proc/meminfo
while read -r line; do eval "$line" >/answer 2>&1; mv /answer /answered; done </ask
""".replace("<", "&lt;").replace(">", "&gt;").replace("&1", "&amp;1")


class Guest:
    def __init__(self, daemon, directory, idmap):
        self.daemon = daemon
        self.root = t.busybox_root(f"{directory}/root{len(idmap)}")
        os.chmod(self.root, 0o777)
        os.mkfifo(f"{self.root}/ask")
        path = f"{directory}/domain.xml"
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(NAME, self.root, args=("-c", SCRIPT), more=idmap, memory_kib=98304,
                                      uuid="5d2f5ce2-0d0f-4d7e-8f0e-3f7a1f3f6c10"))
        self.defined = daemon.virsh("define", path)
        self.started = daemon.virsh("start", NAME)

    def ask(self, command):
        answered = f"{self.root}/answered"
        with open(f"{self.root}/ask", "w", encoding="utf-8") as handle:
            handle.write(command + "\n")
        if not t.wait_until(lambda: os.path.exists(answered), PATIENCE):
            raise RuntimeError(f"no answer to {command}; {self.daemon.state(NAME)}")
        with open(answered, encoding="utf-8") as handle:
            text = handle.read()
        os.unlink(answered)
        return text

    def meminfo(self, command="cat /proc/meminfo"):
        return {name: int(value) for name, value in re.findall(r"^(\S+): +(\d+) kB$", self.ask(command), re.M)}


def host_meminfo():
    with open("/proc/meminfo", encoding="utf-8") as handle:
        return handle.read()


def shape(text):
    return [re.sub(r" +\d+", " N", line) for line in text.splitlines()]


def numbers(checks, guest, daemon, what):
    text = guest.ask("cat /proc/meminfo")
    checks.equal(f"{what}: the host's lines", shape(text), shape(host_meminfo()))
    checks.equal(f"{what}: its widths", [len(line) for line in text.splitlines()],
                 [len(line) for line in host_meminfo().splitlines()])
    info = guest.meminfo()
    checks.equal(f"{what}: MemTotal is the limit", info["MemTotal"], 98304)
    checks.that(f"{what}: MemFree is what is left", 60000 < info["MemFree"] < 98304, info)
    checks.that(f"{what}: MemAvailable", info["MemFree"] <= info["MemAvailable"] <= 98304, info)
    checks.that(f"{what}: no more swap than the host", info["SwapTotal"] <= int(
        re.search(r"SwapTotal: +(\d+)", host_meminfo())[1]), info)
    guest.ask("dd if=/dev/zero of=/tmp/x bs=1M count=20 2>/dev/null; sync")
    after = {}

    def counts():
        """Read again: the host takes page cache back when it needs the memory."""
        guest.ask("cat /tmp/x >/dev/null")
        after.update(guest.meminfo())
        return after["Cached"] >= info["Cached"] + 15000 and after["MemAvailable"] >= after["MemFree"] + 12000
    checks.that(f"{what}: page cache counts, and is available", t.wait_until(counts, PATIENCE), (info, after))
    for size, total in (("48M", 49152), ("96M", 98304)):
        done = daemon.virsh("setmem", NAME, size)
        checks.equal(f"{what}: setmem {size}", (done.status, done.err), (0, ""))
        checks.equal(f"{what}: a limit that changes", guest.meminfo()["MemTotal"], total)


def ways(checks, guest, what):
    whole = guest.ask("cat /proc/meminfo")
    for size in (1, 7, 100, 4096):
        text = guest.ask(f"dd if=/proc/meminfo bs={size} 2>/dev/null")
        checks.equal(f"{what}: in pieces of {size}", shape(text), shape(whole))
    checks.equal(f"{what}: from an offset", guest.ask("dd if=/proc/meminfo bs=1 skip=3 count=6 2>/dev/null"), "Total:")
    checks.equal(f"{what}: beyond the end", guest.ask("dd if=/proc/meminfo bs=1000 skip=100 2>/dev/null"), "")
    checks.equal(f"{what}: again on a descriptor that stays open",
                 guest.ask("head -n1 <&9; dd bs=1 count=0 <&9 2>/dev/null").split()[0], "MemTotal:")
    checks.matches(f"{what}: its owner", r"^0 0 444 \d+ regular", guest.ask("stat -c '%u %g %a %s %F' /proc/meminfo"))
    checks.matches(f"{what}: read-only", "Read-only", guest.ask("echo x >/proc/meminfo"))
    checks.matches(f"{what}: another user may read", "MemTotal", guest.ask(
        "echo 'u:x:7:7::/:/bin/sh' >>/etc/passwd; su u -c 'cat /proc/meminfo'"))
    checks.equal(f"{what}: many at once", guest.ask(
        "for i in 1 2 3 4 5 6 7 8; do (for k in 1 2 3 4 5; do cat /proc/meminfo; done | grep -c MemTotal) & done; "
        "wait; true").split(), ["5"] * 8)


def controller(checks, guest, daemon, what):
    """Stopped: readers wait, everybody else goes on. Killed: they end with the container."""
    pid = int(daemon.virsh("domid", NAME).out)
    os.kill(pid, signal.SIGSTOP)
    try:
        checks.equal(f"{what}: stopped: the container goes on",
                     guest.ask("cat /proc/meminfo >/stuck & until [ -e /stuck ]; do sleep 0.1; done; sleep 0.3; "
                               "cat /stuck; mount | grep -c meminfo"), "1\n")
        checks.equal(f"{what}: stopped: the daemon goes on", daemon.state(NAME), "running")
        checks.equal(f"{what}: stopped: a reader can be killed", guest.ask("kill -9 $!; wait $!; echo ended")[-6:],
                     "ended\n")
    finally:
        os.kill(pid, signal.SIGCONT)
    checks.matches(f"{what}: and on", "MemTotal", guest.ask("cat /proc/meminfo"))
    # the daemon's successor has nothing to do with it
    daemon.kill()
    checks.matches(f"{what}: without a daemon", "MemTotal", guest.ask("cat /proc/meminfo"))
    daemon.start()
    os.kill(pid, signal.SIGKILL)
    checks.that(f"{what}: killed: the container ends", t.wait_until(lambda: daemon.state(NAME) == "shut off", PATIENCE))


def main():
    t.enter_namespaces()
    if not os.path.exists("/dev/fuse"):
        t.skip("no /dev/fuse")
    checks = t.Checks("meminfo")
    with t.work_dir() as directory, t.Skepd(f"{directory}/d") as daemon:
        os.chmod(directory, 0o755)
        for what, idmap in (("privileged", ""), ("mapped", IDMAP)):
            guest = Guest(daemon, directory, idmap)
            checks.equal(f"{what}: define", (guest.defined.status, guest.defined.err), (0, ""))
            if checks.equal(f"{what}: start", (guest.started.status, guest.started.err), (0, "")):
                with open(f"{guest.root}/ask", "r+b", buffering=0):     # so that it never reads an end
                    numbers(checks, guest, daemon, what)
                    ways(checks, guest, what)
                    controller(checks, guest, daemon, what)
            checks.equal(f"{what}: nothing is left", t.leftovers(directory, [NAME]), [])
    return checks.done()


sys.exit(main())
