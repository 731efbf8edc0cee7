#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the catalogue of attacks names (docs/security.md), tried in containers that skepd makes of plain
definitions: with an id map nothing of it works; without one, just what is written here does."""

import contextlib
import ctypes
import glob
import os
import shutil
import socket
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import skeptest as t  # noqa: E402

NAME = f"probes{os.getpid()}x"
PATIENCE = 120
KEYCTL = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine)
ENVIRONMENT = {"PATH", "TERM", "container", "HOME", "container_uuid", "LIBVIRT_LXC_UUID", "LIBVIRT_LXC_NAME", "PROBE"}
# Let without a map, where the host has it: its root has the host's ids and most of its capabilities.
PRIVILEGED = {
    *(f"A11 {kind}fs" for kind in ("debug", "trace", "security", "config", "efivar", "selinux")), "A11 bpf",
    "A11 pstore", "A14 /tmp/m/devices.allow", "A16 iopl", "A16 ioperm", "A17 /proc/iomem", "A17 /proc/ioports",
    "A17 /proc/kpagecount", "A17 /proc/kpageflags", "A17 /proc/vmallocinfo", "A19 /proc/slabinfo",
    "A20 kernel log", "A27 load a program", "B17 real-time input and output", "B17 real-time scheduling",
    # of the group that it sees; those that bind stand on one above
    *(f"B07 /sys/fs/cgroup/{name}" for name in ("memory.max", "pids.max", "cpu.max", "io.max", "cgroup.max.depth",
                                                "cgroup.max.descendants", "unified/cgroup.max.descendants")),
}


def session_keyring():
    return ctypes.CDLL(None).syscall(KEYCTL, 0, -3, 0) if KEYCTL else None


def mounts():
    """Of this namespace, with their options and those of their file systems."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        return table.read()


def control_groups():
    """Of this test's containers, in all hierarchies."""
    return {place for place in glob.glob("/sys/fs/cgroup/**/machine*/*", recursive=True)
            if NAME in os.path.basename(place)}     # systemd writes other marks around it


def task_limits():
    """Of the groups that bind: the container cannot reach them."""
    found = set()
    for place in control_groups():
        if os.path.exists(f"{place}/pids.max"):
            with open(f"{place}/pids.max", encoding="utf-8") as handle:
                found.add(handle.read().strip())
    return found


def nobody_reaches(path):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(path)
        except PermissionError:
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def monitors(directory):
    """E16: sockets of controllers."""
    return [os.path.join(place, name) for place, _, names in os.walk(directory) for name in names
            if not name.startswith("skep-sock") and stat.S_ISSOCK(os.lstat(os.path.join(place, name)).st_mode)]


def container(checks, daemon, what, root, more, args):
    name = f"{NAME}-{what}"
    path = f"{root}.xml"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml(name, root, init="/probes", more=more, args=args).replace(
            "</init>", f"</init><initenv name='PROBE'>{NAME}</initenv>"))
    done = daemon.virsh("define", path)
    checks.equal(f"{what}: define", (done.status, done.err), (0, ""))
    done = daemon.virsh("start", name)
    if not checks.equal(f"{what}: start", (done.status, done.err), (0, "")):
        return ""

    def out():
        with contextlib.suppress(FileNotFoundError):       # init has not come so far
            with open(f"{root}/out", encoding="utf-8") as handle:
                return handle.read()
        return ""

    def said(word):
        return f"\n{word}\n" in out()
    if checks.that(f"{what}: comes to the end", t.wait_until(lambda: said("watching"), PATIENCE), out()):
        checks.that(f"{what}: control groups that show", control_groups())
        checks.equal(f"{what}: B01, processes", task_limits(), {"16384"})
        sockets = monitors(daemon.directory)
        checks.that(f"{what}: a monitor socket", sockets)
        checks.equal(f"{what}: sockets that anybody reaches", [path for path in sockets if nobody_reaches(path)], [])
        for verb in ("guestinfo", "domfsinfo", "domhostname", "domifaddr", "domstats", "dominfo"):
            daemon.virsh(verb, name)
        with open(f"{root}/stop", "w", encoding="utf-8"):
            pass
        checks.that(f"{what}: looks to the end", t.wait_until(lambda: said("done"), PATIENCE), out())
    text = out()
    checks.equal(f"{what}: destroy", daemon.virsh("destroy", name, timeout=2 * PATIENCE).status, 0)
    if os.environ.get("VERBOSE"):
        print(text)
    return text


def judge(checks, what, text, allowed):
    lines = text.splitlines()
    checks.equal(f"{what}: let, but not expected",
                 {line[4:] for line in lines if line.startswith("BAD ")} - allowed, set())
    checks.that(f"{what}: probes", sum(line.startswith("ok ") for line in lines) > 80, text)
    checks.equal(f"{what}: environment", {line[4:] for line in lines if line.startswith("env ")}, ENVIRONMENT)
    checks.that(f"{what}: a keyring of its own", f"keyring {session_keyring()}" not in lines)


def main():
    t.enter_namespaces()
    checks = t.Checks("probes")
    privnet = "<features><privnet/></features>"
    mapped = "".join(f"<{kind} start='0' target='400000' count='65536'/>" for kind in ("uid", "gid"))
    with t.work_dir() as directory, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{NAME}")
        listener.listen()
        os.chmod(directory, 0o755)
        with t.Skepd(f"{directory}/d") as daemon:
            groups = control_groups()
            before = mounts()
            for what, more, allowed, args in (("mapped", f"<idmap>{mapped}</idmap>{privnet}", set(), ["flood"]),
                                              ("privileged", privnet, PRIVILEGED, [])):
                root = f"{directory}/{what}"
                for place in ("dev", "proc", "sys", "tmp"):
                    os.makedirs(f"{root}/{place}")
                os.chmod(f"{root}/tmp", 0o1777)
                shutil.copy2(sys.argv[1], f"{root}/probes")
                judge(checks, what, container(checks, daemon, what, root, more, args), allowed)
            t.wait_until(lambda: mounts() == before and control_groups() == groups, PATIENCE)
            checks.equal("mounts of the host afterwards", mounts(), before)
            checks.equal("groups of ours afterwards", control_groups() - groups, set())
    return checks.done()


sys.exit(main())
