# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of a running container that are hard to lower: the kernel takes its time, the daemon does not
stand still; what cannot be saved is not changed either."""

import contextlib
import os
import re
import select
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import skeptest  # noqa: E402
import wire as w  # noqa: E402

NAME = f"limits{os.getpid()}"
UUID = f"1f9cf5a4-0045-4b5c-9f53-{os.getpid():012x}"
CACHE_MIB = 384
MEMORY_KIB = (CACHE_MIB + 128) << 10
HELD_MS = 50            # HELD_SLOW_MS of driver/held.h, above which it is said
STATE, SET_MEMORY, SET_MEMORY_PARAMETERS, LIVE = 212, 204, 197, 1


class Events:
    def __init__(self, daemon):
        self.text = ""
        self.process = subprocess.Popen(["virsh", "-c", daemon.uri, "event", "--all", "--loop"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        # it says nothing when it has begun to listen
        skeptest.wait_until(lambda: daemon.virsh("desc", NAME, "--live", "x") and self.count("metadata"), step=0.2)

    def count(self, word):
        with contextlib.suppress(OSError):
            self.text += (self.process.stdout.read() or b"").decode()
        return self.text.count(word)

    def close(self):
        self.process.terminate()
        self.process.wait()


def start(checks, daemon, directory):
    """What runs fills its page cache each time when /done is taken away."""
    root = skeptest.busybox_root(f"{directory}/root")
    path = f"{directory}/domain.xml"
    script = (f"dd if=/dev/zero of=/big bs=1M count={CACHE_MIB} conv=fsync 2&gt;/dev/null; "
              "while :; do cat /big &gt;/dev/null; touch /done; while [ -e /done ]; do sleep 0.1; done; done")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(NAME, root, uuid=UUID, args=("-c", script), memory_kib=MEMORY_KIB))
    for words in (["define", path], ["start", NAME]):
        done = daemon.virsh(*words)
        checks.equal(words[0], (done.status, done.err), (0, ""))
    return checks.that("the container has filled its page cache", skeptest.wait_until(lambda: os.path.exists(f"{root}/done")))


def lowered_beside(checks, daemon, what, call, payload):
    """Whether another client was answered while the limit was being lowered. Two answers come before that begins, and one
    before its end is told, also of a daemon that waits for the kernel."""
    with w.Wire(f"{daemon.directory}/skep-sock").open() as one, w.Wire(f"{daemon.directory}/skep-sock").open() as other:
        serial, answered = one.send(call, payload), 0
        while not select.select([one.socket], [], [], 0)[0]:
            answered += 1
            other.call(STATE, w.domain(NAME, UUID) + struct.pack(">I", 0))
        try:
            one.reply(serial)
        except w.Failure as failure:
            checks.that(what, False, failure)
    return answered > 6


def lowering(checks, daemon, directory):
    """Page cache must go first: a tenth of a second and more, in which a client beside it is answered many times. Now and
    then the machine stands still for so long just then; so it is tried again."""
    domain, done = w.domain(NAME, UUID), f"{directory}/root/done"
    limit = struct.pack(">I", 1) + w.string("hard_limit") + struct.pack(">iQ", 4, 16 << 10)
    for what, call, payload in (("setmem", SET_MEMORY, domain + struct.pack(">QI", 24 << 10, LIVE)),
                                ("memtune", SET_MEMORY_PARAMETERS, domain + limit + struct.pack(">I", LIVE))):
        for attempt in range(10):
            if call != SET_MEMORY or attempt > 0:
                checks.equal(f"{what}: back", daemon.virsh("setmem", NAME, str(MEMORY_KIB), "--live").status, 0)
                os.unlink(done)
                checks.that(f"{what}: filled again", skeptest.wait_until(lambda: os.path.exists(done)))
            beside = lowered_beside(checks, daemon, what, call, payload)
            if beside:
                break
        checks.that(f"{what}: others are answered", beside)
    # its own part of the time that passed; nobody's disk is in it, since its files lie in memory
    held = [line for line in re.findall(r"domain_set_memory\w* held the main loop.*", daemon.log())
            if int(re.search(r"(\d+) of them itself", line)[1]) > HELD_MS]
    checks.equal("the main loop goes on", held, [])
    checks.matches("the limit is there", r"hard_limit *: 16384\n", daemon.virsh("memtune", NAME).out)


def refused(checks, daemon):
    """The kernel cannot take away what is in use: the error says so, and nothing is changed."""
    before = daemon.virsh("memtune", NAME).out
    done = daemon.virsh("memtune", NAME, "--hard-limit", "4k", "--live", "--config")
    if done.status == 0:        # version 2 kills instead
        return
    checks.matches("refused: text", "Unable to write to .*: Device or resource busy", done.err)
    checks.equal("refused: live", daemon.virsh("memtune", NAME).out, before)
    checks.matches("refused: config", "hard_limit *: unlimited", daemon.virsh("memtune", NAME, "--config").out)


def unsaved(checks, daemon):
    """No room for the saved configuration: an error, and the kernel has what it had, of which nobody is told otherwise."""
    configs = f"{daemon.directory}/lxc"
    events = Events(daemon)
    cases = ((["setmem", NAME, "15M"], "memtune"), (["memtune", NAME, "--soft-limit", "8M"], "memtune"),
             (["schedinfo", NAME, "--set", "cpu_shares=77"], "schedinfo"))
    seen = events.count("event 'tunable"), events.count("event 'balloon")
    subprocess.run(["mount", "--bind", configs, configs], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", configs], check=True)
    for verb, question in cases:
        before = [daemon.virsh(*words, NAME).out for words in ((question,), ("dumpxml",), ("dumpxml", "--inactive"))]
        done = daemon.virsh(*verb, "--live", "--config")
        checks.matches(f"{verb}: text", "Read-only file system", done.err)
        checks.equal(f"{verb}: kernel, live and saved definition are as before",
                     [daemon.virsh(*words, NAME).out for words in ((question,), ("dumpxml",), ("dumpxml", "--inactive"))],
                     before)
    subprocess.run(["umount", configs], check=True)
    checks.equal("one that can be saved", daemon.virsh("schedinfo", NAME, "--set", "cpu_shares=77").status, 0)
    checks.that("its event", skeptest.wait_until(lambda: events.count("event 'tunable") > seen[0]), events.text)
    checks.equal("is the only one", (events.count("event 'tunable") - seen[0], events.count("event 'balloon")),
                 (1, seen[1]))
    events.close()


def destroyed(checks, daemon):
    """A destroy does not wait for a limit."""
    checks.equal("setmem", daemon.virsh("setmem", NAME, f"{CACHE_MIB}M").status, 0)
    with subprocess.Popen(["virsh", "-c", daemon.uri, "setmem", NAME, "2M"], stderr=subprocess.DEVNULL) as process:
        done = daemon.virsh("destroy", NAME)
        checks.equal("destroy beside a change", (done.status, done.err), (0, ""))
        checks.equal("destroyed", daemon.state(NAME), "shut off")
        process.wait(w.PATIENCE)


def main():
    skeptest.enter_namespaces()
    checks = skeptest.Checks("limits")
    os.environ.setdefault("SKEP_DISPATCH_ABORT_MS", "20000")    # so that the daemon measures its own part
    with skeptest.work_dir() as directory, w.memory_dir() as memory, skeptest.Skepd(f"{memory}/d") as daemon:
        if start(checks, daemon, directory):
            lowering(checks, daemon, directory)
            refused(checks, daemon)
            unsaved(checks, daemon)
            destroyed(checks, daemon)
    return checks.done()


sys.exit(main())
