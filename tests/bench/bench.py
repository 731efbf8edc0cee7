#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures skepd beside what is installed of stock libvirt's LXC driver, LXC and a bare unshare, and prints
one table. Busybox root, "sleep" as PID 1. Not part of tools/check.

  bench.py [--quick] [--only skepd,libvirtd,lxc,unshare] [--json FILE]
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402
import wire  # noqa: E402

# (key, what it is, unit, aim)
FIGURES = [
    ("cycle", "destroy + start, one domain, stock virsh", "ms", "<= 15"),
    ("start", "starts, one batch client", "/s", ">= 120"),
    ("destroy", "destroys, one batch client", "/s", ">= 150"),
    ("define", "defines, one batch client", "/s", ">= 5000"),
    ("define-raw", "the same, raw client that asks ahead", "/s", ""),
    ("define-files", "as many files made, written, renamed there", "/s", ""),
    ("define-tmpfs", "the same, definitions on tmpfs", "/s", ""),
    ("list0", "list --all, no domain", "ms", ""),
    ("list100", "list --all, 100 domains", "ms", ""),
    ("list1000", "list --all, 1,000 domains", "ms", ""),
    ("private", "controller, private memory", "KiB", "<= 250"),
    ("pss", "controller, PSS", "KiB", ""),
    ("container", "all memory of a running container", "KiB", "<= 600"),
    ("defined", "daemon memory of a defined domain", "KiB", "<= 20"),
]


@contextlib.contextmanager
def mounted_tmpfs(path):
    """Installed, /run is one, and so is whatever stock libvirtd writes in skeptest.StockLibvirtd."""
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "skep", path], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def milliseconds(action, times):
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def available_kib():
    """MemAvailable, once the kernel has settled and dropped what it only caches."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as handle:
        handle.write("3")
    time.sleep(1)
    with open("/proc/meminfo", encoding="ascii") as table:
        return next(int(line.split()[1]) for line in table if line.startswith("MemAvailable"))


def memory_kib(pid, *names):
    """The sum of some rows of smaps_rollup."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as table:
        return sum(int(line.split()[1]) for line in table if line.split(":")[0] in names)


def private_kib(pid):
    return memory_kib(pid, "Private_Clean", "Private_Dirty")


class Virsh:
    """skepd or libvirtd, by stock virsh."""

    def __init__(self, daemon, directory, root):
        self.daemon, self.directory, self.root = daemon, directory, root
        self.name = daemon.name

    def xml(self, name):
        path = os.path.join(self.directory, f"{self.name}-{name}.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(name, self.root, init="/bin/sleep", args=["1000000"]))
        return path

    def batch(self, lines):
        """Seconds that one virsh takes for these commands."""
        script = "".join(line + "\n" for line in lines)
        began = time.perf_counter()
        done = subprocess.run(["virsh", "-q", "-c", self.daemon.uri], input=script, text=True, capture_output=True)
        spent = time.perf_counter() - began
        if "error:" in done.stderr:
            raise RuntimeError(done.stderr[:500])
        return spent

    def idle(self):
        """What virsh itself takes to come and go."""
        return self.batch(["uri"])

    def daemon_pid(self):
        return self.daemon.pid() if self.name == "skepd" else self.daemon.process.pid

    def figures(self, count, many):
        names = [f"b{index}" for index in range(count)]
        found = {"list0": milliseconds(lambda: self.daemon.virsh("list", "--all"), 11)}
        idle = statistics.median(self.idle() for _ in range(5))
        paths = {name: self.xml(name) for name in names}
        self.batch([f"define {path}" for path in paths.values()])
        found["list100"] = milliseconds(lambda: self.daemon.virsh("list", "--all"), 11)
        self.batch([f"start {names[0]}"])
        script = f"destroy {names[0]}; start {names[0]}"
        found["cycle"] = milliseconds(lambda: self.daemon.virsh(script), 15) - idle * 1000
        self.batch([f"destroy {names[0]}"])
        before = available_kib()
        found["start"] = count / (self.batch([f"start {name}" for name in names]) - idle)
        found["container"] = (before - available_kib()) / count
        pid = int(self.daemon.virsh("domid", names[0]).out)
        found["private"] = private_kib(pid)
        found["pss"] = memory_kib(pid, "Pss")
        found["destroy"] = count / (self.batch([f"destroy {name}" for name in names]) - idle)
        self.batch([f"undefine {name}" for name in names])
        more = {f"m{index}": self.xml(f"m{index}") for index in range(many)}
        before = private_kib(self.daemon_pid())
        found["define"] = many / (self.batch([f"define {path}" for path in more.values()]) - idle)
        found["defined"] = (private_kib(self.daemon_pid()) - before) / many
        found["list1000"] = milliseconds(lambda: self.daemon.virsh("list", "--all"), 5)
        self.batch([f"undefine {name}" for name in more])
        if self.name == "skepd":
            found["define-raw"] = self.ask_ahead(many)
            found["define-files"] = self.make_files(os.path.join(self.daemon.directory, "lxc"), many)
            with mounted_tmpfs(os.path.join(self.daemon.directory, "lxc")):
                found["define-tmpfs"] = self.ask_ahead(many)
        return found

    @staticmethod
    def make_files(directory, count):
        """Files a second that the kernel takes as a definition is kept, and nothing else."""
        text = b"x" * 1500
        began = time.perf_counter()
        for index in range(count):
            temporary = os.path.join(directory, ".bench")
            handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            os.write(handle, text)
            os.close(handle)
            os.rename(temporary, os.path.join(directory, f".bench{index}"))
        spent = time.perf_counter() - began
        for index in range(count):
            os.unlink(os.path.join(directory, f".bench{index}"))
        return count / spent

    def ask_ahead(self, count):
        """Defines a second by a client that does not wait for one answer before it asks again."""
        numbers = wire.procedures()
        xml = [t.domain_xml(f"r{index}", self.root, init="/bin/sleep", args=["1000000"]) for index in range(count)]
        with wire.Wire(os.path.join(self.daemon.directory, "skep-sock")) as client:
            client.open()
            began = time.perf_counter()
            sent = 0
            for done in range(count):
                while sent < count and sent < done + 4:
                    client.send(numbers["DOMAIN_DEFINE_XML"], wire.string(xml[sent]))
                    sent += 1
                client.receive()
            spent = time.perf_counter() - began
        self.batch([f"undefine r{index}" for index in range(count)])
        return count / spent


class Lxc:
    """LXC's own tools."""

    name = "lxc"

    def __init__(self, directory, root):
        self.path = os.path.join(directory, "lxc")
        self.root = root

    def make(self, name):
        where = os.path.join(self.path, name)
        os.makedirs(where, exist_ok=True)
        with open(os.path.join(where, "config"), "w", encoding="utf-8") as handle:
            handle.write(f"lxc.rootfs.path = dir:{self.root}\nlxc.uts.name = {name}\nlxc.net.0.type = empty\n"
                         "lxc.init.cmd = /bin/sleep 1000000\nlxc.mount.auto = proc:mixed sys:mixed\n"
                         "lxc.apparmor.profile = unconfined\n")

    def run(self, tool, name, *words):
        done = t.execute([tool, "-P", self.path, "-n", name, *words])
        if done.status:
            raise RuntimeError(f"{tool}: {done.err[:300]}")

    def start(self, name):
        self.run("lxc-start", name, "-d")

    def stop(self, name):
        self.run("lxc-stop", name, "-k")

    def cycle(self):
        self.stop("b0")
        self.start("b0")

    def figures(self, count, many):
        names = [f"b{index}" for index in range(count)]
        for name in names:
            self.make(name)
        found = {}
        try:
            self.start("b0")
            found["cycle"] = milliseconds(self.cycle, 15)
            self.stop("b0")
            before = available_kib()
            began = time.perf_counter()
            for name in names:
                self.start(name)
            found["start"] = count / (time.perf_counter() - began)
            found["container"] = (before - available_kib()) / count
            found["list100"] = milliseconds(lambda: t.execute(["lxc-ls", "-P", self.path, "-f"]), 5)
            monitors = [pid for pid, command in t.commands()
                        if command and command[0].startswith("[lxc monitor]") and self.path in command[0]]
            if monitors:
                found["private"] = private_kib(monitors[0])
                found["pss"] = memory_kib(monitors[0], "Pss")
            began = time.perf_counter()
            for name in names:
                self.stop(name)
            found["destroy"] = count / (time.perf_counter() - began)
        finally:
            for name in names:
                t.execute(["lxc-stop", "-P", self.path, "-n", name, "-k"])
        return found


class Unshare:
    """The floor: namespaces, a root and exec, and nothing else."""

    name = "unshare"

    def __init__(self, directory, root):
        del directory
        self.root = root
        self.process = None

    def start(self):
        process = subprocess.Popen(["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child",
                                    "--root", self.root, "--mount-proc", "/bin/sh", "-c", "echo; exec sleep 1000000"],
                                   stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        process.stdout.read(1)
        return process

    @staticmethod
    def stop(process):
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

    def cycle(self):
        self.stop(self.process)
        self.process = self.start()

    def figures(self, count, many):
        self.process = self.start()
        found = {"cycle": milliseconds(self.cycle, 15)}
        self.stop(self.process)
        before = available_kib()
        began = time.perf_counter()
        running = [self.start() for _ in range(count)]
        found["start"] = count / (time.perf_counter() - began)
        found["container"] = (before - available_kib()) / count
        began = time.perf_counter()
        for process in running:
            self.stop(process)
        found["destroy"] = count / (time.perf_counter() - began)
        return found


def measure(name, directory, root, count, many):
    if name in ("skepd", "libvirtd"):
        kind = t.Skepd if name == "skepd" else t.StockLibvirtd
        where = os.path.join(directory, name)
        with mounted_tmpfs(os.path.join(where, "domains")), kind(where) as daemon:
            return Virsh(daemon, directory, root).figures(count, many)
    return {"lxc": Lxc, "unshare": Unshare}[name](directory, root).figures(count, many)


def installed(name):
    return {"skepd": lambda: True, "libvirtd": t.StockLibvirtd.installed,
            "lxc": lambda: bool(shutil.which("lxc-start")), "unshare": lambda: bool(shutil.which("unshare"))}[name]()


def table(results):
    peers = list(results)
    print(f"\n{'':46}" + "".join(f"{peer:>11}" for peer in peers) + "   aim (skepd)")
    for key, what, unit, aim in FIGURES:
        cells = "".join(f"{results[peer][key]:11,.1f}" if key in results[peer] else f"{'-':>11}" for peer in peers)
        print(f"{what:41}{unit:>5}{cells}   {aim}")
    if "cycle" in results.get("skepd", {}) and "cycle" in results.get("unshare", {}):
        print(f"cycle is {results['skepd']['cycle'] / results['unshare']['cycle']:.1f} times the floor (aim: <= 3)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 containers instead of 100")
    parser.add_argument("--only", default="skepd,libvirtd,lxc,unshare")
    parser.add_argument("--json")
    options = parser.parse_args()
    t.need_program("virsh")
    t.enter_namespaces()
    results = {}
    with t.work_dir() as directory:
        root = t.busybox_root(os.path.join(directory, "root"))
        for name in options.only.split(","):
            if not installed(name):
                print(f"{name}: not installed (tools/deps compare clients)")
                continue
            print(f"measuring {name} ...", flush=True)
            try:
                results[name] = measure(name, directory, root, 20 if options.quick else 100, 1000)
            except RuntimeError as error:
                print(f"{name}: {error}")
    table(results)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as handle:
            json.dump(results, handle, indent=2)
    return 0


sys.exit(main())
