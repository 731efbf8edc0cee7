#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many domains: lists and bulk statistics are whole, a listing asks as often for many as for none, nothing of
the daemon grows with the rounds, and nothing stays. With --timed, for the bench: what the daemon needs for them.

    scale.py [--timed] [DEFINED [RUNNING]]      (default 300 40; timed 1000 200)
"""

import argparse
import os
import select
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402
import wire as w  # noqa: E402

SKEP = os.path.join(t.BUILD, "tools/skep/skep")
REPLAY = os.path.join(t.BUILD, "tests/bench/bench-replay")
PREFIX = f"scale{os.getpid()}-"
PATIENCE = 120


class Counter:
    """A socket before the daemon's, which counts the calls of its client."""

    def __init__(self, directory, daemon):
        self.path = os.path.join(directory, "counted")
        self.daemon = os.path.join(daemon.directory, "skep-sock")
        self.calls = 0

    def between(self, client, server):
        rest = b""
        while True:
            for ready in select.select([client, server], [], [])[0]:
                data = ready.recv(1 << 20)
                if not data:
                    return
                (server if ready is client else client).sendall(data)
                rest += data if ready is client else b""
                while len(rest) >= 4 and len(rest) >= struct.unpack_from(">I", rest)[0]:
                    # an answer to keepalive is none
                    self.calls += struct.unpack_from(">I", rest, 4)[0] == w.REMOTE
                    rest = rest[struct.unpack_from(">I", rest)[0]:]

    def of(self, *command):
        """(calls, output) of the shell."""
        self.calls = 0
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as server:
            listener.bind(self.path)
            listener.listen(1)
            listener.settimeout(PATIENCE)
            server.connect(self.daemon)
            with subprocess.Popen([SKEP, "-c", f"lxc+unix:///system?socket={self.path}", *command],
                                  stdout=subprocess.PIPE, text=True) as process:
                client = listener.accept()[0]
                thread = threading.Thread(target=self.between, args=(client, server))
                thread.start()
                out = process.communicate(timeout=PATIENCE)[0]
                thread.join()
                client.close()
        os.unlink(self.path)
        if process.returncode:
            raise RuntimeError(f"skep {' '.join(command)}: status {process.returncode}")
        return self.calls, out


def batch(daemon, lines):
    done = t.execute(["virsh", "-q", "-c", daemon.uri], text_in="\n".join(lines) + "\n", timeout=1200)
    if done.status or "error:" in done.err:
        daemon.say_last()
        raise RuntimeError(f"status {done.status}: {done.err[:500]}")


def fill(daemon, directory, defined, running):
    root = t.busybox_root(os.path.join(directory, "root"))
    lines = []
    for index in range(defined):
        path = os.path.join(directory, f"{index}.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(f"{PREFIX}{index}", root, init="/bin/sleep", args=["1000000"],
                                      devices="<interface type='ethernet'/>"))
        lines.append(f"define {path}")
    batch(daemon, lines + [f"start {PREFIX}{index}" for index in range(running)])


def stats_of(client, numbers):
    """Names of the domains in bulk statistics, all groups, and how many parameters the poorest has."""
    reader = client.call(numbers["CONNECT_GET_ALL_DOMAIN_STATS"], struct.pack(">III", 0, 0, 0))
    return struct.unpack_from(">I", reader)[0], len(reader)


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.pid()}/fd"))


def resident_kib(daemon):
    with open(f"/proc/{daemon.pid()}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def structure(checks, directory, daemon, defined, running, empty):
    counter = Counter(directory, daemon)
    calls, out = counter.of("list", "--all")
    names = [line.split()[1] for line in out.splitlines() if PREFIX in line]
    checks.equal("skep list --all has each once", sorted(names), sorted(f"{PREFIX}{n}" for n in range(defined)))
    checks.equal("so many of them run", out.count(" running"), running)
    checks.that("it asks as often as for none, and once for all states", calls <= empty + 1, f"{empty}, then {calls}")
    numbers = w.procedures()
    with w.Wire(os.path.join(daemon.directory, "skep-sock"), timeout=PATIENCE) as client:
        client.open()
        found, size = stats_of(client, numbers)
        checks.equal("bulk statistics have all", found, defined)
        fds, memory = descriptors(daemon), resident_kib(daemon)
        for _ in range(20):
            stats_of(client, numbers)
            client.call(numbers["CONNECT_LIST_ALL_DOMAINS"], struct.pack(">iI", 1, 0))
        # (a file that is just being written is one of them for a moment)
        same = t.wait_until(lambda: descriptors(daemon) <= fds, PATIENCE)
        checks.that("descriptors do not grow with the rounds", same, f"{fds}, {descriptors(daemon)}")
        later = resident_kib(daemon)
        checks.that("nor does memory", later < memory + 2048 + size // 1024 * 4, f"{memory} KiB, then {later} KiB")


class Timed:
    """Milliseconds of the daemon's processor time, all its threads."""

    def __init__(self, pid):
        self.tasks = f"/proc/{pid}/task"

    def spent(self):
        total = 0
        for task in os.listdir(self.tasks):
            with open(f"{self.tasks}/{task}/schedstat", encoding="ascii") as table:
                total += int(table.read().split()[0])
        return total / 1e6

    def of(self, action, times):
        found = []
        for _ in range(times):
            before, began = self.spent(), time.perf_counter()
            action()
            found.append((self.spent() - before, (time.perf_counter() - began) * 1000))
        return [statistics.median(one) for one in zip(*found)]


def time_it(daemon, running, what):
    numbers, timed = w.procedures(), Timed(daemon.pid())
    with w.Wire(os.path.join(daemon.directory, "skep-sock"), timeout=PATIENCE) as client:
        client.open()
        rows = [("ConnectListAllDomains", 20,
                 lambda: client.call(numbers["CONNECT_LIST_ALL_DOMAINS"], struct.pack(">iI", 1, 0)))]
        if running:
            active = struct.pack(">III", 0, 0, 1)
            rows.append((f"bulk statistics of {running} running", 20,
                         lambda: client.call(numbers["CONNECT_GET_ALL_DOMAIN_STATS"], active)))
        rows += [("virsh list --all", 7, lambda: daemon.virsh("list", "--all")),
                 ("skep list --all", 7, lambda: t.execute([SKEP, "-c", daemon.uri, "list", "--all"]))]
        for name, times, action in rows:
            own, all_of_it = timed.of(action, times)
            print(f"{what:14} {name:34} {own:9.3f} ms of the daemon {all_of_it:9.1f} ms in all", flush=True)


def beside_memory(directory, daemon, times=21):
    """virsh's list in turn of the daemon and of a program that answers from memory: what virsh takes anyway."""
    path = os.path.join(directory, "replayed")
    uris = [daemon.uri, f"lxc+unix:///system?socket={path}"]
    with subprocess.Popen([REPLAY, path, os.path.join(daemon.directory, "skep-sock")]) as replay:
        try:
            t.wait_until(lambda: os.path.exists(path), PATIENCE)
            spent, outputs, timed = [[], []], set(), (Timed(daemon.pid()), Timed(replay.pid))
            for turn in range(times + 1):
                for index in (turn % 2, 1 - turn % 2):
                    before, began = timed[index].spent(), time.perf_counter()
                    done = t.execute(["virsh", "-c", uris[index], "list", "--all"])
                    spent[index].append(((time.perf_counter() - began) * 1000, timed[index].spent() - before))
                    outputs.add((done.status, done.out))
        finally:
            replay.terminate()
    if len(outputs) != 1:
        raise RuntimeError("the answers from memory are not the daemon's")
    kept = [one[1:] for one in spent]       # the first ones are recorded
    (ours, own), (floor, least) = ([statistics.median(column) for column in zip(*one)] for one in kept)
    each = statistics.median(a[0] - b[0] for a, b in zip(*kept))
    print(f"virsh list --all: {ours:.1f} ms, {own:.1f} of the daemon; answered from memory {floor:.1f} ms, {least:.1f} of "
          f"who answers; ratio {ours / floor:.3f}, pairs differ by {each:.1f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timed", action="store_true")
    parser.add_argument("size", nargs="*", type=int)
    options = parser.parse_args()
    defined, running = (options.size + ([1000, 200] if options.timed else [300, 40])[len(options.size):])[:2]
    t.need_program("virsh")
    t.enter_namespaces()
    checks = t.Checks("start-scale")
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        empty = Counter(directory, daemon).of("list", "--all")[0]
        # what the first start opens stays open
        fill(daemon, directory, 1, 1)
        batch(daemon, [f"destroy {PREFIX}0", f"undefine {PREFIX}0"])
        fds = descriptors(daemon)
        if options.timed:
            time_it(daemon, 0, "no domain")
        fill(daemon, directory, defined, running)
        structure(checks, directory, daemon, defined, running, empty)
        if options.timed:
            time_it(daemon, running, f"{defined}, {running} run")
            beside_memory(directory, daemon)
            print(f"memory {resident_kib(daemon)} KiB, descriptors {descriptors(daemon)}")
        batch(daemon, [f"destroy {PREFIX}{index}" for index in range(running)])
        batch(daemon, [f"undefine {PREFIX}{index}" for index in range(defined)])
        closed = t.wait_until(lambda: descriptors(daemon) <= fds, PATIENCE)
        checks.that("all descriptors are closed again", closed, f"{fds}, then {descriptors(daemon)}")
        checks.equal("nothing is left over", t.leftovers(directory, [f"{PREFIX}{n}" for n in range(running)]), [])
        if options.timed:
            print(f"memory without domains {resident_kib(daemon)} KiB")
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
