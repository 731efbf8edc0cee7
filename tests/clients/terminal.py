#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock virsh on a terminal: consoles (several, exclusive, by name), job control, and the event stream.

With --oracle the part that stock libvirtd can do runs against it, to calibrate the script.
"""

import contextlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

ESCAPE = "\x1d"
PATIENCE = t.PATIENCE


def console(daemon, name, *words):
    return t.Terminal(["virsh", "-c", daemon.uri, "console", name, *words])


def attached(terminal):
    """Waits until what is typed arrives. virsh says how to leave before it has switched the terminal to raw
    mode, and drops what was typed until then: so the return key is pressed until the shell prompts."""
    return terminal.expect("Escape character is") and \
        t.wait_until(lambda: terminal.send("\r") or terminal.expect(r"# ", 1), PATIENCE)


def leave(terminal):
    """Ctrl-] counts only as the first byte that virsh reads: who typed something just before presses it again."""
    def left():
        with contextlib.suppress(OSError):      # it has gone meanwhile
            terminal.send(ESCAPE)
        return terminal.wait(1) is not None
    t.wait_until(left, PATIENCE)
    return terminal.status


def work(terminal, word):
    """A job in the foreground of the shell there. It says when keys reach it, and not the shell that starts it."""
    terminal.send(f"\rsh -c 'echo {word}\"\"ing; exec sleep 1000'\r")
    return terminal.expect(f"{word}ing")


def define(daemon, directory, name, root, **options):
    path = os.path.join(directory, name + ".xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml(name, root, **options))
    return daemon.virsh("define", path)


def check_console(checks, daemon):
    with console(daemon, "shell") as first:
        checks.that("console connects", attached(first))
        first.send("\recho he''llo\r")
        checks.that("console echoes a command's output", first.expect(r"(?m)^hello\r?$"))
        first.send("\rtty\r")
        checks.that("console is a terminal", first.expect(r"/dev/(console|pts/\d+|tty\d)"))
        checks.equal("console leaves by Ctrl-]", leave(first), 0)
    with console(daemon, "shell") as again:
        attached(again)
        again.send("\recho sec''ond\r")
        checks.that("console connects again", again.expect(r"(?m)^second\r?$"))
        leave(again)
    result = daemon.virsh("console", "shell", "--devname", "nonsense", text_in="")
    checks.that("console refuses an unknown device", result.status != 0, result)


def check_console_ours(checks, daemon):
    """Where stock libvirt fails: job control, replay, exclusivity, several consoles."""
    with console(daemon, "shell") as first:
        attached(first)
        first.send("\recho $((6*7))-replay\r")
        checks.that("a line before the replay", first.expect("42-replay"))
        with console(daemon, "shell") as second:
            checks.that("what was said before is replayed", second.expect("42-replay"))
            second.send("\recho for-$((40+2))\r")
            checks.that("a second console works beside the first", second.expect("for-42"))
            checks.that("and the first sees the same", first.expect("for-42"))
            third = daemon.virsh("console", "shell", "--safe", text_in="")
            checks.that("--safe is refused while clients are attached", third.status != 0, third)
            checks.matches("--safe says why", "(?i)console|in use|active", third.err)
            with console(daemon, "shell", "--force") as forced:
                checks.that("--force connects", attached(forced))
                checks.that("--force ends the second", second.wait() is not None)
                checks.that("--force ends the first", first.wait() is not None)
                forced.send("\recho forced-$((1+1))\r")
                checks.that("--force owns the console", forced.expect("forced-2"))
                leave(forced)
    with console(daemon, "shell", "--safe") as safe:
        checks.that("--safe connects when nobody is there", attached(safe))
        checks.that("a job begins", work(safe, "work"), safe.seen)
        safe.send("\x03")
        safe.send("echo inter''rupted\r")
        checks.that("Ctrl-C interrupts the foreground job", safe.expect(r"(?m)^interrupted\r?$"), safe.seen)
        checks.that("another begins", work(safe, "play"), safe.seen)
        safe.send("\x1a")
        checks.that("Ctrl-Z stops it", safe.expect("Stopped"), safe.seen)
        safe.send("kill %1; echo ki''lled\r")
        checks.that("the shell goes on", safe.expect(r"(?m)^killed\r?$"), safe.seen)
        leave(safe)
    with console(daemon, "two-ttys", "--devname", "console1") as second:
        checks.that("console1 connects", second.expect("Escape character is"))
        checks.that("console1 has what was written to tty2", second.expect("second tty"))
        leave(second)


def check_console_end(checks, daemon):
    """A console whose container is destroyed ends by itself, and does not hang."""
    with console(daemon, "shell") as open_one:
        attached(open_one)
        daemon.virsh("destroy", "shell")
        checks.that("console ends with its container", open_one.wait() is not None)


def check_events(checks, daemon, directory, root):
    path = os.path.join(directory, "event.xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml("eve", root, init="/bin/sleep", args=["1000"],
                                  uuid="1f9cf5a4-0010-4b5c-9f53-5a6d4c2b1e10"))
    with t.Terminal(["virsh", "-c", daemon.uri, "event", "--all", "--loop", "--timeout", "600"]) as events:
        # It registers for one kind after the other, and does not say when it is through: this kind is one of the last.
        checks.that("the watcher listens", t.wait_until(
            lambda: daemon.virsh("desc", "shell", "--config", "--new-desc", "x") and events.expect("metadata-change", 1)), events.seen)
        expected = [
            (["define", path], "event 'lifecycle' for domain '?eve'?: Defined Added"),
            (["define", path], "event 'lifecycle' for domain '?eve'?: Defined Updated"),
            (["desc", "eve", "--config", "--new-desc", "words"],
             "event 'metadata-change' for domain '?eve'?: type description"),
            (["metadata", "eve", "urn:x", "--key", "k", "--set", "<a/>"],
             "event 'metadata-change' for domain '?eve'?: type element, uri urn:x"),
            (["start", "eve"], "event 'lifecycle' for domain '?eve'?: Started Booted"),
            (["suspend", "eve"], "event 'lifecycle' for domain '?eve'?: Suspended Paused"),
            (["resume", "eve"], "event 'lifecycle' for domain '?eve'?: Resumed Unpaused"),
            (["destroy", "eve"], "event 'lifecycle' for domain '?eve'?: Stopped Destroyed"),
            (["undefine", "eve"], "event 'lifecycle' for domain '?eve'?: Undefined Removed"),
        ]
        for words, pattern in expected:
            result = daemon.virsh(*words)
            checks.that(f"{words[0]} works", result.status == 0, result)
            seen = events.expect(pattern)
            checks.that(f"event after {words[0]}: {pattern}", seen, repr(events.seen))
        events.send("\x03")
        checks.equal("event --loop ends by Ctrl-C", events.wait(), 0)
    result = t.execute(["virsh", "-c", daemon.uri, "event", "--domain", "shell", "lifecycle", "--timeout", "1"])
    checks.matches("event --timeout gives up", "event loop timed out", result.out)


def run(daemon, directory):
    checks = t.Checks(f"virsh on a terminal, {daemon.name}")
    root = t.busybox_root(os.path.join(directory, "root"))
    define(daemon, directory, "shell", root, init="/bin/sh")
    define(daemon, directory, "two-ttys", root, init="/bin/sh", devices="<console type='pty'/>",
           args=["-c", "echo second tty &gt;/dev/tty2; sleep 1000"])
    for name in ("shell", "two-ttys"):
        result = daemon.virsh("start", name)
        checks.that(f"start {name}", result.status == 0, result)
    check_console(checks, daemon)
    if daemon.name == "skepd":
        check_console_ours(checks, daemon)
    check_events(checks, daemon, directory, root)
    if daemon.name == "skepd":
        check_console_end(checks, daemon)
    for name in ("shell", "two-ttys"):
        daemon.virsh("destroy", name)
        daemon.virsh("undefine", name)
    return checks.done()


def main():
    t.need_program("virsh")
    t.enter_namespaces()
    with t.judged() as (directory, daemon):
        return run(daemon, directory)


sys.exit(main())
