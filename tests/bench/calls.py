#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls a second of skepd beside stock libvirtd, in one run by the same client: raw packets, fifty at a time
(more than either takes from one client at once). Not part of tools/check.

  calls.py [--seconds N] [--domains N] [--running N]
"""

import argparse
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402
import wire as w  # noqa: E402

UNDER_WAY = 50
GET_INFO, GET_XML, LIST_ALL, ALL_STATS, LOOKUP = 16, 14, 273, 344, 23
CPU_STATS, MEMORY_STATS, BLOCK_STATS = 262, 159, 64


class Peer:
    def __init__(self, daemon, path, pid):
        self.name, self.daemon, self.pid = daemon.name, daemon, pid
        self.wire = w.Wire(path, timeout=120).open()
        self.room = bytearray(1 << 20)

    def rate(self, calls, seconds):
        """Rounds of @calls a second, and the daemon's own milliseconds for one."""
        for procedure, payload in calls:
            self.wire.call(procedure, payload)      # an error is one
        packets = [w.Wire.packet(procedure, payload, serial=1) for procedure, payload in calls]
        if len(packets) % UNDER_WAY:
            packets *= UNDER_WAY
        bursts = [b"".join(packets[at:at + UNDER_WAY]) for at in range(0, len(packets), UNDER_WAY)]
        began, cpu, done = time.perf_counter(), self.cpu(), 0
        while time.perf_counter() - began < seconds:
            for burst in bursts:
                self.wire.socket.sendall(burst)
                self.take(UNDER_WAY)
                done += UNDER_WAY
        spent, rounds = time.perf_counter() - began, done / len(calls)
        return rounds / spent, (self.cpu() - cpu) * 1000 / rounds

    def take(self, count):
        """Reads so many replies and looks at their lengths only."""
        have = at = 0
        while count:
            if have == len(self.room):
                self.room.extend(bytes(len(self.room)))
            with memoryview(self.room) as view:
                have += self.wire.socket.recv_into(view[have:])
            while count and have >= at + 4:
                size, = struct.unpack_from(">I", self.room, at)
                if have < at + size:
                    break
                at += size
                count -= 1

    def cpu(self):
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def domain(self, name):
        """The handle as it goes over the wire."""
        return self.wire.call(LOOKUP, w.string(name))


def fill(daemon, directory, root, domains, running):
    """Through virsh, some hundreds of commands at a time."""
    lines = []
    for index in range(domains):
        path = os.path.join(directory, f"{daemon.name}-{index}.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(f"c{index}", root, init="/bin/sleep", args=["1000000"]))
        lines.append(f"define {path}")
    lines += [f"start c{index}" for index in range(running)]
    done = t.execute(["virsh", "-q", "-c", daemon.uri], text_in="\n".join(lines) + "\n", timeout=600)
    if "error:" in done.err:
        raise RuntimeError(done.err[:500])


def measure(peer, domains, running, seconds):
    dom = peer.domain("c0")
    stats = [(CPU_STATS, b"%b" + struct.pack(">IiII", 3, -1, 1, 0)), (MEMORY_STATS, b"%b" + struct.pack(">II", 13, 0)),
             (GET_INFO, b"%b"), (BLOCK_STATS, b"%b" + w.string(""))]
    handles = [peer.domain(f"c{index}") for index in range(running)]
    single = [(procedure, payload.replace(b"%b", handle)) for handle in handles for procedure, payload in stats]
    found = {"info": peer.rate([(GET_INFO, dom)], seconds),
             "xml": peer.rate([(GET_XML, dom + struct.pack(">I", 0))], seconds),
             f"list of {domains}": peer.rate([(LIST_ALL, struct.pack(">iI", 1, 0))], seconds),
             f"figures of {running}": peer.rate(single, seconds)}
    try:
        found[f"bulk stats of {running}"] = peer.rate([(ALL_STATS, struct.pack(">III", 0, 0, 1))], seconds)
    except w.Failure:
        found[f"bulk stats of {running}"] = found[f"figures of {running}"]     # the only way there is
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--domains", type=int, default=1000)
    parser.add_argument("--running", type=int, default=20)
    options = parser.parse_args()
    t.need_program("virsh")
    t.enter_namespaces()
    results = {}
    with t.work_dir() as directory:
        root = t.busybox_root(os.path.join(directory, "root"))
        for kind in (t.Skepd, t.StockLibvirtd):
            if kind is t.StockLibvirtd and not kind.installed():
                continue
            with kind(os.path.join(directory, kind.__name__)) as daemon:
                print(f"measuring {daemon.name} ...", flush=True)
                fill(daemon, directory, root, options.domains, options.running)
                pid = daemon.pid() if daemon.name == "skepd" else daemon.process.pid
                peer = Peer(daemon, daemon.uri.split("socket=")[1], pid)
                results[daemon.name] = measure(peer, options.domains, options.running, options.seconds)
                peer.wire.close()
                daemon.destroy_all()
    print(f"\n{'a second (daemon ms each)':28}" + "".join(f"{name:>22}" for name in results) + "    ratio (aim: 3)")
    for key in results["skepd"]:
        row = [results[name][key] for name in results]
        ratio = f"{row[0][0] / row[1][0]:9.1f}" if len(row) > 1 else ""
        print(f"{key:28}" + "".join(f"{rate:12,.0f} ({spent:6.3f})" for rate, spent in row) + ratio)
    return 0


sys.exit(main())
