#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/migrate.md, done: containers of LXC (privileged with an fstab; unprivileged with shifted files and two
network devices; an application with lxc.execute) and a definition of libvirt's move to Skep, and look the same
from inside as they do there; then back to LXC."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest as t  # noqa: E402

P = f"move{os.getpid()}"
PATIENCE = t.PATIENCE

# what a container says of itself; the same words are asked of it under LXC and under Skep
LOOK = """#!/bin/sh
trap 'echo halted >>/out; exit 0' TERM USR1
exec >/out 2>&1
echo "host $(hostname)"
echo "pid $$ uid $(id -u) cwd $(pwd)"
for word in "$@"; do echo "word [$word] of PATH=$PATH"; done
echo "A=$A EMPTY=[${EMPTY-unset}]"
grep -E '^(Seccomp|NoNewPrivs|CapBnd|Groups):' /proc/self/status
echo "uid_map$(sed 's/  */ /g' /proc/self/uid_map)"
stat -c 'owner %u %n' /bin/sh
ip -o link | sed 's/^[0-9]*: //; s/@.*//; s/:.*//' | sort | sed 's/^/link /'
ip -o addr show scope global | awk '{print "address", $2, $4}' 2>/dev/null
ip addr | grep -E 'inet6? ' | grep -v 127.0.0.1 | grep -v '::1/' | grep -v fe80 | sed 's/^ *//; s/ scope.*//; s/ brd.*//' | sort
ip route | grep default | sed 's/ *$//'
test -e /srv/www/index && cat /srv/www/index
test -e /srv/www/index && { echo x 2>/dev/null >/srv/www/index || echo "www is read-only"; }
grep ' /tmp ' /proc/self/mountinfo | grep -o 'size=[0-9]*k'
grep 'open files' /proc/self/limits | sed 's/  */ /g'
test -f /page && echo "a file: $(cat /page)"
test -w /data && echo "data is writable" && echo yes >/data/made
cat /proc/sys/kernel/msgmax /proc/self/oom_score_adj
echo end
sleep 300 &
wait
"""

PRIVILEGED = """# Template used to create this container: /usr/share/lxc/templates/lxc-busybox
# Parameters passed to the template:
lxc.network.type = empty
lxc.rootfs = {root}
lxc.mount = {dir}/fstab
lxc.utsname = {name}
lxc.haltsignal = SIGUSR1
lxc.tty = 1
lxc.pts = 1024
lxc.cap.drop = sys_module mac_admin mac_override sys_time
lxc.sysctl.kernel.msgmax = 16384
lxc.start.auto = 1
lxc.aa_profile = unconfined
"""

FSTAB = """# <file system> <mount point> <type> <options>
{dir}/www  srv/www  none   bind,ro,create=dir  0 0
tmpfs      tmp      tmpfs  size=4m,nosuid,nodev  0 0
proc       proc     proc   nodev,noexec,nosuid   0 0
"""

UNPRIVILEGED = """lxc.include = {dir}/userns.conf
lxc.include = {dir}/none.d/
lxc.arch = linux64
lxc.idmap = u 0 100000 65536
lxc.idmap = g 0 100000 65536
lxc.rootfs.path = dir:{root}
lxc.uts.name = {name}
lxc.mount.auto = proc:mixed sys:ro cgroup:mixed
lxc.mount.entry = {dir}/data data none bind,create=dir 0 0
lxc.mount.entry = {dir}/www/index page none bind,ro,create=file 0 0
lxc.net.0.type = veth
lxc.net.0.link = {bridge}
lxc.net.0.flags = up
lxc.net.0.name = eth0
lxc.net.0.hwaddr = 00:16:3e:11:22:33
lxc.net.0.ipv4.address = 10.77.0.2/24
lxc.net.0.ipv4.gateway = 10.77.0.1
lxc.net.1.type = veth
lxc.net.1.link = {bridge}
lxc.net.1.flags = up
lxc.net.1.name = lan0
lxc.net.1.ipv6.address = fd00:77::2/64
lxc.apparmor.profile = unconfined
lxc.tty.max = 1
"""

APPLICATION = """lxc.uts.name = {name}
lxc.rootfs.path = {root}
lxc.mount.auto = proc sys
lxc.execute.cmd = app with "two words" it's
lxc.init.cwd = /tmp
lxc.environment = A=b c
lxc.environment = EMPTY=
lxc.net.0.type = empty
lxc.prlimit.nofile = 77:99
lxc.no_new_privs = 1
lxc.signal.halt = SIGTERM
lxc.cap.keep = setuid setgid
lxc.cgroup2.pids.max = 50
lxc.proc.oom_score_adj = 100
lxc.apparmor.profile = unconfined
lxc.monitor.unshare = 1
"""

LIBVIRT = """<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE
OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:
  virsh edit {name}
or other application using the libvirt API.
-->

<domain type='lxc'>
  <name>{name}</name>
  <uuid>1f9cf5a4-0001-4b5c-9f53-5a6d4c2b1e01</uuid>
  <memory unit='KiB'>65536</memory>
  <currentMemory unit='KiB'>65536</currentMemory>
  <vcpu placement='static'>1</vcpu>
  <resource>
    <partition>/machine</partition>
  </resource>
  <os>
    <type arch='x86_64'>exe</type>
    <init>/sbin/init</init>
  </os>
  <features>
    <privnet/>
    <acpi/>
  </features>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/lib/libvirt/libvirt_lxc</emulator>
    <filesystem type='mount' accessmode='passthrough'>
      <source dir='{root}'/>
      <target dir='/'/>
    </filesystem>
    <console type='pty'>
      <target type='lxc' port='0'/>
    </console>
  </devices>
</domain>
"""


class Move:
    def __init__(self, directory, daemon, checks):
        self.directory, self.daemon, self.checks = directory, daemon, checks
        self.bridge = "br-move"
        for command in (f"ip link add {self.bridge} type bridge", f"ip addr add 10.77.0.1/24 dev {self.bridge}",
                        f"ip link set {self.bridge} up"):
            subprocess.run(command.split(), check=True)

    def skep(self, *words):
        return t.execute([os.path.join(t.BUILD, "tools/skep/skep"), "--socket", f"{self.directory}/d/skep-sock", *words])

    def container(self, name, config, shift=0):
        """As LXC keeps it: NAME/config, NAME/rootfs and whatever lies beside."""
        place = os.path.join(self.directory, "lxc", P + name)
        root = t.busybox_root(os.path.join(place, "rootfs"))
        os.chmod(self.directory, 0o755)
        for directory in ("www", "data", "rootfs/srv/www", "rootfs/data"):
            os.makedirs(os.path.join(place, directory))
        words = {"dir": place, "root": root, "name": P + name, "bridge": self.bridge}
        files = {"config": config, "fstab": FSTAB, "www/index": "the page\n", "rootfs/sbin/init": LOOK,
                 "userns.conf": "lxc.cap.drop =\nlxc.cap.keep =\n"}
        for path, text in files.items():
            with open(os.path.join(place, path), "w", encoding="utf-8") as handle:
                handle.write(text if path == "rootfs/sbin/init" else text.format(**words))
        os.chmod(os.path.join(root, "sbin/init"), 0o755)
        os.link(os.path.join(root, "sbin/init"), os.path.join(root, "usr/bin/app"))
        open(os.path.join(root, "out"), "w", encoding="utf-8").close()
        for top in (root, os.path.join(place, "data")) if shift else ():
            for directory, folders, names in os.walk(top):
                for entry in [directory] + [os.path.join(directory, each) for each in folders + names]:
                    os.chown(entry, shift, shift, follow_symlinks=False)
        return place

    def out(self, place):
        with open(os.path.join(place, "rootfs/out"), encoding="utf-8", errors="replace") as handle:
            return handle.read()

    def wait_end(self, place):
        t.wait_until(lambda: self.out(place).endswith("end\n"), PATIENCE)
        text = self.out(place)
        with open(os.path.join(place, "rootfs/out"), "w", encoding="utf-8"):
            pass
        return text

    def under_lxc(self, name, config, place):
        """What it says under LXC; None where LXC is not installed or does not run here."""
        if not shutil.which("lxc-start"):
            return None
        log = os.path.join(place, "lxc.log")
        # a path of its own: beside -f, LXC reads PATH/NAME/config, which may be of an LXC of old
        path = os.path.join(self.directory, "path")
        os.makedirs(path, exist_ok=True)
        with open(config, encoding="utf-8") as handle:
            program = ["lxc-execute"] if "lxc.execute.cmd" in handle.read() else ["lxc-start", "-F"]
        process = subprocess.Popen([*program, "-P", path, "-n", name, "-f", config,
                                    "-l", "WARN", "-o", log], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        t.wait_until(lambda: self.out(place).endswith("end\n") or process.poll() is not None, PATIENCE)
        text = self.out(place)
        t.execute(["lxc-stop", "-P", path, "-n", name, "-k"])
        process.wait(PATIENCE)
        with open(os.path.join(place, "rootfs/out"), "w", encoding="utf-8"):
            pass
        if not text.endswith("end\n") and os.path.exists(log):
            with open(log, encoding="utf-8", errors="replace") as handle:
                self.checks.that(f"{name}: runs under LXC", False, handle.read()[-1500:])
        return text

    def under_skep(self, name, place):
        """docs/migrate.md: convert, define, start."""
        converted = self.skep("domxml-from-native", "lxc-tools", os.path.join(place, "config"))
        self.checks.that(f"{name}: converted", converted.status == 0 and "<name>" in converted.out, converted)
        path = os.path.join(place, "domain.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(converted.out)
        for step in (("define", "--validate", path), ("start", P + name)):
            done = self.skep(*step)
            self.checks.that(f"{name}: {step[0]}", done.status == 0, done)
        return self.wait_end(place), converted.err

    def looks(self, name, text, patterns):
        for pattern in patterns:
            self.checks.that(f"{name}: {pattern}", re.search(f"^{pattern}$", text, re.M), text)

    def back(self, name, place, seen):
        """The domain as LXC configuration, which LXC runs, and which looks the same there."""
        done = self.skep("domxml-to-native", "lxc-tools", "--domain", P + name)
        self.checks.that(f"{name}: written for LXC", done.status == 0 and "lxc.rootfs.path" in done.out, done)
        path = os.path.join(place, "back")
        with open(path, "w", encoding="utf-8") as handle:
            # no AppArmor here, and a profile that is missing is an error for LXC
            handle.write(done.out + "lxc.apparmor.profile = unconfined\n")
        there = self.under_lxc(P + name, path, place)
        if there is not None:
            self.checks.equal(f"{name}: the same under LXC again", plain(there), plain(seen))

    def halt(self, name, place):
        """By the signal that the configuration names."""
        done = self.skep("shutdown", P + name)
        self.checks.equal(f"{name}: shutdown", (done.status, done.err.strip()), (0, ""))
        self.checks.that(f"{name}: by its signal", t.wait_until(
            lambda: self.daemon.state(P + name) == "shut off", PATIENCE) and "halted" in self.out(place), self.out(place))

    def move(self, name, config, patterns, *, shift=0, notes=(), silent=()):
        place = self.container(name, config, shift)
        before = None if "network" in config.split("\n")[2] else self.under_lxc(
            P + name, os.path.join(place, "config"), place)
        seen, told = self.under_skep(name, place)
        self.looks(name, seen, patterns)
        for note in notes:
            self.checks.that(f"{name}: says what it leaves out: {note}", note in told, told)
        for word in silent:
            self.checks.that(f"{name}: leaves nothing out of {word}", word not in told, told)
        if before:
            self.checks.equal(f"{name}: as it was under LXC", plain(seen), plain(before))
        if "signal" in config:
            self.halt(name, place)
        self.skep("destroy", P + name)
        with open(os.path.join(place, "rootfs/out"), "w", encoding="utf-8"):
            pass
        with contextlib.suppress(FileNotFoundError):        # LXC makes it again, as what is bound there is
            os.unlink(os.path.join(place, "rootfs/page"))
        self.back(name, place, seen)
        return place

    def from_libvirt(self):
        place = self.container("virt", "")
        path = os.path.join(place, "libvirt.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(LIBVIRT.format(name=P + "virt", root=os.path.join(place, "rootfs")))
        done = self.skep("define", path)
        self.checks.that("libvirt: defined", done.status == 0, done)
        self.checks.that("libvirt: what has no effect is said",
                         "warning: /domain/features/acpi has no effect: " in done.err, done)
        check = self.skep("domain-check", P + "virt", "--json")
        self.checks.equal("libvirt: and listed", [entry["path"] for entry in json.loads(check.out)],
                          ["/domain/features/acpi"])
        self.checks.equal("libvirt: started", self.skep("start", P + "virt").status, 0)
        text = self.wait_end(place)
        self.looks("libvirt", text, [f"host {P}virt", "pid 1 uid 0 cwd /", "link lo"])
        self.skep("destroy", P + "virt")
        self.back("virt", place, text)

    def strict(self):
        path = os.path.join(self.directory, "strict")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write("lxc.uts.name = s\nlxc.rootfs.path = /srv\nlxc.log.level = 1\n")
        done = self.skep("domxml-from-native", "--strict", "lxc-tools", path)
        self.checks.that("--strict fails, and prints nothing that could be defined",
                         done.status == 1 and not done.out and "lxc.log.level" in done.err, done)
        done = self.skep("domxml-from-native", "--json", "lxc-tools", path)
        notes = json.loads(done.out)["notes"]
        self.checks.equal("--json has the notes", [(note["line"], note["key"]) for note in notes],
                          [(3, "lxc.log.level")])
        done = self.skep("domxml-from-native", "lxc-tools", path, "--name", "other")
        self.checks.that("--name", "<name>other</name>" in done.out, done)
        done = self.skep("domxml-from-native", "vmx", path)
        self.checks.that("another format", done.status == 1 and "unsupported config type vmx" in done.err, done)
        done = self.daemon.virsh("domxml-from-native", "lxc-tools", path)
        self.checks.that("virsh converts, too", done.status == 0 and "<name>s</name>" in done.out, done)
        self.checks.that("and the daemon's log has the notes", "line 3: lxc.log.level: " in self.daemon.log())
        done = self.daemon.virsh("domxml-to-native", "lxc-tools", "--domain", P + "virt")
        self.checks.that("virsh writes configurations", done.status == 0 and "lxc.net.0.type = empty" in done.out, done)
        done = self.daemon.virsh("domxml-to-native", "vmx", "--domain", P + "virt")
        self.checks.that("but no others", done.status == 1 and "unsupported config type vmx" in done.err, done)
        for include, why in (("/etc/shadow", "is in no folder that native_dirs"),
                             (f"{self.directory}/lxc/../strict", "cannot read"),
                             (f"{self.directory}/lxc/link", "cannot read")):
            if include.endswith("link"):
                os.symlink("/etc/shadow", include)
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(f"lxc.uts.name = s\nlxc.rootfs.path = /srv\nlxc.include = {include}\n")
            done = self.skep("domxml-from-native", "lxc-tools", path)
            self.checks.that(f"{include} is not read", done.status == 0 and why in done.err, done)


def plain(text):
    """Without what may differ: the filter, whose presence a configuration may leave open, order, and the number of
    a program that lxc-execute starts, which has an init of its own."""
    return sorted(re.sub("^pid [12] ", "pid ", line) for line in text.split("\n") if not line.startswith("Seccomp"))


def main():
    t.enter_namespaces()
    with t.work_dir() as directory:
        conf = f'native_dirs = "/usr/share/lxc/config:{directory}/lxc"\n'
        with t.Skepd(directory + "/d", conf=conf) as daemon:
            checks = t.Checks("migration")
            move = Move(directory, daemon, checks)
            move.move("deb", PRIVILEGED, [f"host {P}deb", "pid 1 uid 0 cwd /", "the page", "www is read-only",
                                          "size=4096k", "link lo", "uid_map 0 0 4294967295", "16384",
                                          r"Seccomp:\s+2"], notes=("lxc.start.auto", f"skep autostart {P}deb"))
            place = move.move("web", UNPRIVILEGED,
                              [f"host {P}web", "uid_map 0 100000 65536", "owner 0 /bin/sh", "link eth0", "link lan0",
                               "inet 10.77.0.2/24.*", "inet6 fd00:77::2/64", "default via 10.77.0.1 dev eth0",
                               "data is writable", "a file: the page"], shift=100000, silent=("none.d",))
            made = os.stat(os.path.join(place, "data/made"))
            checks.equal("web: files have the container's ids on disk", made.st_uid, 100000)
            move.move("app", APPLICATION, ["pid 1 uid 0 cwd /tmp", r"word \[two words\] of PATH=/sbin:/usr/sbin:/bin:/usr/bin",
                                           r"word \[it's\] .*", "100", r"A=b c EMPTY=\[\]", "Max open files 77 99 files ?",
                                           r"NoNewPrivs:\s+1"], notes=("lxc.monitor.unshare",))
            move.from_libvirt()
            move.strict()
            if checks.failed:
                print(daemon.log()[-2500:])
            status = checks.done()
    sys.exit(status)


if __name__ == "__main__":
    main()
