# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of a running container that are hard to lower: the kernel takes its time, the daemon does not
stand still; what was changed is told also when it could not be saved, and nothing else is kept then."""

import contextlib
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import skeptest  # noqa: E402

NAME = f"limits{os.getpid()}"
CACHE_MIB = 384
PATIENCE = 60


class Events:
    def __init__(self, daemon):
        self.text = ""
        self.process = subprocess.Popen(["virsh", "-c", daemon.uri, "event", "--all", "--loop"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        # it says nothing when it has begun to listen
        skeptest.wait_until(lambda: daemon.virsh("desc", NAME, "--live", "x") and self.count("metadata"), PATIENCE, 0.2)

    def count(self, word):
        with contextlib.suppress(OSError):
            self.text += (self.process.stdout.read() or b"").decode()
        return self.text.count(word)

    def close(self):
        self.process.terminate()
        self.process.wait()


def start(daemon, directory):
    root = skeptest.busybox_root(f"{directory}/root")
    path = f"{directory}/domain.xml"
    script = f"dd if=/dev/zero of=/big bs=1M count={CACHE_MIB} 2&gt;/dev/null; touch /done; exec sleep 1000"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(NAME, root, args=("-c", script), memory_kib=(CACHE_MIB + 128) << 10))
    daemon.virsh("define", path)
    daemon.virsh("start", NAME)
    return skeptest.wait_until(lambda: os.path.exists(f"{root}/done"), PATIENCE)


def lowering(checks, daemon):
    """Page cache must go first: hundreds of milliseconds, in which a client beside it is answered."""
    for verb in (["setmem", NAME, "24M"], ["memtune", NAME, "--hard-limit", "16M"]):
        with subprocess.Popen(["virsh", "-c", daemon.uri, *verb], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as process:
            answered = 0
            while process.poll() is None:
                answered += daemon.virsh("domstate", NAME).out == "running\n\n"
            checks.equal(f"{verb}: error", process.stderr.read(), "")
            checks.that(f"{verb}: others are answered", answered > 0)
    held = re.findall(r"domain_set_memory\w* held the main loop.*", daemon.log())
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
    """No room for the saved configuration: an error, and yet the kernel has the live part."""
    configs = f"{daemon.directory}/lxc"
    events = Events(daemon)
    cases = ((["setmem", NAME, "15M"], "balloon", "memtune", r"hard_limit *: 15360"),
             (["memtune", NAME, "--soft-limit", "8M"], "tunable", "memtune", r"soft_limit *: 8192"),
             (["schedinfo", NAME, "--set", "cpu_shares=77"], "tunable", "schedinfo", "cpu_shares *: 77"))
    subprocess.run(["mount", "--bind", configs, configs], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", configs], check=True)
    for verb, event, question, live in cases:
        config = daemon.virsh("dumpxml", "--inactive", NAME).out
        seen = events.count(f"event '{event}")
        done = daemon.virsh(*verb, "--live", "--config")
        checks.matches(f"{verb}: text", "Read-only file system", done.err)
        checks.that(f"{verb}: event", skeptest.wait_until(lambda: events.count(f"event '{event}") > seen, PATIENCE),
                    events.text)
        checks.matches(f"{verb}: live", live, daemon.virsh(question, NAME).out)
        checks.equal(f"{verb}: the configuration in use is the saved one",
                     daemon.virsh("dumpxml", "--inactive", NAME).out, config)
    subprocess.run(["umount", configs], check=True)
    events.close()


def destroyed(checks, daemon, directory):
    """A destroy does not wait for a limit."""
    with open(f"{directory}/root/done", "w", encoding="utf-8"):
        pass
    daemon.virsh("setmem", NAME, f"{CACHE_MIB}M")
    with subprocess.Popen(["virsh", "-c", daemon.uri, "setmem", NAME, "2M"], stderr=subprocess.DEVNULL) as process:
        begin = time.monotonic()
        checks.equal("destroy beside a change", daemon.virsh("destroy", NAME).status, 0)
        checks.that("destroyed", daemon.state(NAME) == "shut off", f"{time.monotonic() - begin:.1f} s")
        process.wait(PATIENCE)


def main():
    skeptest.enter_namespaces()
    checks = skeptest.Checks("limits")
    with skeptest.work_dir() as directory, skeptest.Skepd(f"{directory}/d") as daemon:
        if checks.that("the container has filled its page cache", start(daemon, directory)):
            lowering(checks, daemon)
            refused(checks, daemon)
            unsaved(checks, daemon)
            destroyed(checks, daemon, directory)
    return checks.done()


sys.exit(main())
