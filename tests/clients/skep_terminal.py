#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our own shell as people use it: the prompt with history and completion, consoles, the editor, colours,
and completion in bash."""

import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

SKEP = os.path.join(t.BUILD, "tools/skep/skep")


def work(terminal):
    """A job in the foreground of the shell there. It says when Ctrl-C reaches it, and not the shell that starts it."""
    terminal.send("sh -c 'echo at\"\"work; exec sleep 1000'\r")
    return terminal.expect("atwork")


def check_prompt(checks, daemon, skep, env):
    with t.Terminal([SKEP, "--socket", skep], env=env) as shell:
        checks.that("the prompt", shell.expect("skep # "))
        shell.send("domu\t")
        checks.that("a verb is completed", shell.expect("domuuid "))
        shell.send("\x15domstate box\t")
        checks.that("a domain is completed", shell.expect("boxes"))
        shell.send(" --rea\t\n")
        checks.that("an option is completed, and runs", shell.expect(r"--reason.*\r?\n.*shut off \(unknown\)"))
        shell.send("domid nosuch\n")
        checks.that("an error does not end the prompt", shell.expect("Domain not found") and shell.expect("skep # "))
        shell.send("cd /\npwd\n")
        checks.that("cd and pwd", shell.expect(r"\n/\r?\n"))
        shell.send("uri; hostname\n")
        checks.that("two commands in a line", shell.expect("lxc.unix:///system") and shell.expect(r"\n[\w.-]+\r?\n"))
        shell.expect("skep # ")
        shell.send("nonsense")
        shell.expect("nonsense")
        shell.send("\x03")
        shell.send("echo n\u00e9\u5bb9\n")
        checks.that("Ctrl-C takes the line back", shell.expect(r"\n(n\u00e9\u5bb9)\r?\n") and "unknown verb" not in shell.seen)
        daemon.restart()
        shell.send("hostname\n")
        checks.that("a restarted daemon is found again", shell.expect(r"\n[\w.-]+\r?\n") and shell.expect("skep # "))
        shell.send("connect --readonly\nundefine boxes\n")
        checks.that("connect --readonly", shell.expect("read only access prevents"))
        checks.that("... has its own prompt", shell.expect("skep > "))
        shell.send("quit\n")
        checks.equal("quit", shell.wait(), 0)
    with t.Terminal([SKEP, "--socket", skep], env=env) as shell:
        shell.expect("skep # ")
        shell.send("\x1b[A\x1b[A\x1b[A\x1b[A\n")
        checks.that("history outlives the shell", shell.expect("hostname") and shell.expect(r"\n[\w.-]+\r?\n"), shell.seen)
        # The recalled line showed the prompt again: these keys may come before the next prompt. They hold.
        shell.send("\x00\x04")    # Ctrl + Space does nothing
        checks.equal("end of input leaves", shell.wait(), 0)
    with t.Terminal([SKEP, "--socket", skep], env=env) as shell:
        shell.expect("skep # ")
        shell.send("event --event lifecycle --timeout 2\n")
        checks.that("a command runs", shell.expect("--timeout 2\r?\n"), shell.seen)
        shell.send("\x04")
        checks.that("end of input typed while a command runs leaves after it", shell.expect("timed out") and
                    shell.wait() is not None, shell.seen)


def console(skep, *words):
    return t.Terminal([SKEP, "--socket", skep, *words])


def check_console(checks, daemon, skep):
    with console(skep, "start", "boxes", "--console") as first:
        checks.that("start --console connects", first.expect(r"Escape character is \^\]"))
        first.send("\recho he''llo $((6*7))\r")
        checks.that("it is a shell", first.expect("hello 42"))
        checks.that("a job begins", work(first), first.seen)
        first.send("\x03")
        first.send("\recho inter''rupted\r")
        checks.that("Ctrl-C is the container's", first.expect("interrupted"))
        with console(skep, "console", "boxes") as again:
            shown = again.expect("job control turned off|hello 42")
            checks.equal("busybox's shell has job control", shown and shown[0], "hello 42")
        with console(skep, "console", "boxes") as second:
            checks.that("what was said is replayed", second.expect("hello 42"))
            second.send("\recho for-bo''th\r")
            checks.that("the second one works", second.expect("for-both"))
            checks.that("the first sees it", first.expect("for-both"))
            second.send("\x1d")
            checks.equal("Ctrl-] leaves", second.wait(), 0)
        with console(skep, "console", "boxes", "--safe") as safe:
            checks.equal("--safe is refused", safe.wait(), 1)
        with console(skep, "-e", "^a", "console", "boxes", "--force") as forced:
            checks.that("--force connects", forced.expect(r"Escape character is \^A"))
            checks.that("--force ends the first", first.wait() is not None)
            forced.send("\recho x\x1dy\r")
            checks.that("with -e another character leaves", forced.expect("x") and forced.status is None)
            forced.send("\x01")
            checks.equal("and that one does", forced.wait(), 0)
        with console(skep, "console", "boxes", "--devname", "nonsense") as wrong:
            checks.equal("a console that is not there", wrong.wait(), 1)
        check_enter(checks, skep)
        with console(skep, "console", "boxes") as last:
            last.expect("Escape character is")
            daemon.virsh("destroy", "boxes")
            checks.equal("the console ends with the domain", last.wait(), 0)
    piped = t.execute([SKEP, "--socket", skep, "console", "boxes"])
    checks.that("no console without a terminal", piped.status == 1 and "needs a terminal" in piped.err, piped)
    with console(skep, "console", "boxes") as stopped:
        checks.that("no console of a stopped domain", stopped.expect("is not running") and stopped.wait() == 1)


def check_enter(checks, skep):
    with console(skep, "lxc-enter-namespace", "boxes", "/bin/sh") as shell:
        checks.that("a shell inside has a prompt", shell.expect("# "))
        shell.send("tty; echo $((6*7))\n")
        checks.that("... on a terminal of the container", shell.expect(r"/dev/pts/\d+\r?\n42"))
        checks.that("... with job control", "job control turned off" not in shell.seen)
        checks.that("... a job begins", work(shell), shell.seen)
        shell.send("\x03")
        shell.send("echo inter''rupted\n")
        checks.that("... where Ctrl-C interrupts", shell.expect("interrupted"))
        shell.send("exit 7\n")
        checks.equal("... and an exit code", shell.wait(), 7)
    # One end in a pipe: only what is a terminal is replaced.
    with t.Terminal(["sh", "-c", f"echo piped | {SKEP} --socket {skep} lxc-enter-namespace boxes /bin/sh -c 'cat; tty'"]) as mixed:
        checks.that("a pipe stays a pipe", mixed.expect("piped") and mixed.expect("not a tty"), mixed.seen)


def editor(directory, text):
    path = os.path.join(directory, "editor")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write("#!/bin/sh\n" + text + "\n")
    os.chmod(path, stat.S_IRWXU)
    os.makedirs(os.path.join(directory, "tmp"), exist_ok=True)
    return {"EDITOR": path, "VISUAL": "", "TMPDIR": os.path.join(directory, "tmp")}


def edit(skep, env, *words, **options):
    merged = dict(os.environ, **env)
    merged.pop("VISUAL")
    return t.execute([SKEP, "--socket", skep, *words], env=merged, **options)


def check_editor(checks, daemon, skep, directory):
    done = edit(skep, editor(directory, 'sed -i "s/65536/70000/g" "$1"'), "edit", "boxes")
    checks.that("edit defines what comes back", done.status == 0 and "edited" in done.out and
                "70000" in daemon.virsh("dumpxml", "boxes").out, done)
    done = edit(skep, editor(directory, "true"), "edit", "boxes")
    checks.that("edit without a change", done.status == 0 and "not changed" in done.out, done)
    done = edit(skep, editor(directory, "echo nonsense > \"$1\""), "edit", "boxes")
    checks.that("edit of nonsense", done.status == 1 and "Failed to define" in done.err, done)
    done = edit(skep, editor(directory, "exit 3"), "edit", "boxes")
    checks.that("an editor that fails", done.status == 1 and "editor failed" in done.err, done)
    done = edit(skep, editor(directory, "echo by hand > \"$1\""), "desc", "boxes", "--edit")
    checks.that("desc --edit", done.status == 0 and daemon.virsh("desc", "boxes").out == "by hand\n", done)
    env = editor(directory, "if grep -q nonsense \"$1\"; then sed -i s/nonsense/memory/g \"$1\"; "
                            "else sed -i s/memory/nonsense/g \"$1\"; fi; sed -i s/70000/80000/ \"$1\"")
    env.pop("VISUAL")
    with t.Terminal([SKEP, "--socket", skep, "edit", "boxes"], env=env) as again:
        checks.that("edit asks whether to try again", again.expect(r"Edit again\?"))
        again.send("y\n")
        checks.that("and does", again.expect("edited") and again.wait() == 0)
    checks.equal("edit leaves no file", os.listdir(os.path.join(directory, "tmp")), [])


def check_no_history(checks, skep, directory):
    """A history that is not to be kept: what is named instead of a file stays as it is, and is not waited for."""
    null, fifo = os.path.join(directory, "null"), os.path.join(directory, "fifo")
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.mkfifo(fifo)
    os.chmod(null, 0o666)
    for path in (null, fifo):
        before = os.stat(path)
        with t.Terminal([SKEP, "--socket", skep], env={"SKEP_HISTFILE": path}) as shell:
            checks.that(f"a prompt with {path}", shell.expect("skep # "))
            shell.send("quit\n")
            checks.equal(f"it ends with {path}", shell.wait(), 0)
        checks.equal(f"the mode of {path}", os.stat(path).st_mode, before.st_mode)


def check_colours(checks, skep):
    for setting, seen in (("NO_COLOR=1", False), ("NO_COLOR=", True), ("TERM=dumb", False)):
        with t.Terminal(["env", "TERM=xterm", setting, SKEP, "--socket", skep, "list", "--all"]) as shell:
            checks.that(f"colours with {setting}: {seen}", shell.wait() == 0 and ("\x1b[1mId" in shell.seen) == seen,
                        shell.seen)


def check_bash(checks, skep):
    """What bash would offer, for lines typed up to their end."""
    script = os.path.join(t.SOURCE, "completion/skep.bash")
    rows = (("skep dumpx", "dumpxml"), ("skep --sock", "--socket="), (f"skep --socket={skep} dominfo bo", "boxes"),
            (f"skep -c lxc+unix:///system?socket={skep} start ", "boxes"), (f"skep --socket {skep} dumpxml boxes --mi", "--migratable"),
            ("skep list --all --inact", "--inactive"), (f"skep define {skep[:-len('d/skep-sock')]}boxe", skep[:-len("d/skep-sock")] + "boxes.xml"),
            ("skep schedinfo x --set vcpu_q", "vcpu_quota="))
    for line, expected in rows:
        # COMP_WORDS as readline makes them: broken at = and : too.
        code = (f"PATH={os.path.dirname(SKEP)}:$PATH; . {script}; line='{line}'; COMP_LINE=$line; COMP_POINT=${{#line}}; "
                "COMP_WORDS=(skep); COMP_CWORD=0; _skep; printf '%s\\n' \"${COMPREPLY[@]}\"")
        checks.equal(f"bash: {line}", t.execute(["bash", "-c", code]).out.split(), [expected])
    code = (f"PATH={os.path.dirname(SKEP)}:$PATH; . {script}; line='skep --socket=/nonexist'; COMP_LINE=$line; COMP_POINT=${{#line}}; "
            "COMP_WORDS=(skep); _skep; echo ${#COMPREPLY[@]}")
    checks.equal("bash: nothing to offer", t.execute(["bash", "-c", code]).out, "0\n")


def main():
    t.enter_namespaces()
    t.need_program("virsh")
    checks = t.Checks("skep on a terminal")
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        root = t.busybox_root(os.path.join(directory, "root"))
        path = os.path.join(directory, "boxes.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml("boxes", root))
        defined = daemon.virsh("define", path)
        checks.that("define", defined.status == 0, defined)
        skep = os.path.join(directory, "d/skep-sock")
        for name in ("SKEP_URI", "SKEP_SOCKET", "NO_COLOR"):
            os.environ.pop(name, None)
        check_prompt(checks, daemon, skep, {"SKEP_HISTFILE": os.path.join(directory, "history")})
        check_no_history(checks, skep, directory)
        check_console(checks, daemon, skep)
        check_editor(checks, daemon, skep, directory)
        check_colours(checks, skep)
        check_bash(checks, skep)
    sys.exit(checks.done())


if __name__ == "__main__":
    main()
