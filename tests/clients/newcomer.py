#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a newcomer runs first: tools/quickstart, to its end, cut short and kept; ./run and tools/private-skepd. Nothing may be left."""

import glob
import os
import re
import select
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

NAME = f"hello{os.getpid()}"
QUICKSTART = os.path.join(t.SOURCE, "tools/quickstart")
RUN = os.path.join(t.SOURCE, "run")
PATIENCE = 300


def environment(directory):
    env = dict(os.environ, SKEP_BUILD_DIR=t.BUILD, TMPDIR=directory, SKEP_QUICKSTART_NAME=NAME)
    for name in ("SKEP_URI", "SKEP_SOCKET", "SKEP_PRIVATE_DIR", "LIBVIRT_DEFAULT_URI", "SKEP_TEST_INSIDE"):
        env.pop(name, None)
    return env


def left(directory):
    """What of a quickstart is still there; processes name their directory. Those that were told to end need a moment."""
    def found():
        return os.listdir(directory) + [" ".join(words) for _, words in t.commands() if any(directory in word for word in words)]
    t.wait_until(lambda: not found(), 30, 0.2)
    return t.leftovers(directory, [NAME]) + found()


def check_whole(checks, directory):
    done = t.execute([QUICKSTART], env=environment(directory), timeout=PATIENCE)
    checks.equal("quickstart: status", done.status, 0)
    for pattern in (r"skepd is running", rf"Domain '{NAME}' started", rf"\n ?\d+ +{NAME} +running\n", r"\nState: +running\n",
                    r"\n +1 [^\n]*init\n", rf"I am {NAME}, and pid 1 is init", rf"Domain '{NAME}' destroyed", r"skepd is stopped",
                    r"What next\?"):
        checks.matches(f"quickstart says {pattern}", pattern, done.out)
    checks.equal("quickstart leaves nothing", left(directory), [])


def check_cut_short(checks, directory, signum, until):
    with t.Program([QUICKSTART], env=environment(directory), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                   text=True, start_new_session=True,
                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as started:
        for line in started.stdout:
            if until in line:
                break
        # bash takes a SIGINT for its child's when the child ends by itself just then: who means it presses again
        while started.poll() is None:
            os.killpg(started.pid, signum)
            if t.wait_until(lambda: select.select([started.stdout], [], [], 0)[0] and not started.stdout.readline(), 0.2):
                break
    # mostly 128 and the signal; that of the program below where this had one of its own for it
    checks.that(f"quickstart after signal {signum} at '{until}' does not go on", started.returncode != 0)
    checks.equal(f"quickstart after signal {signum} at '{until}' leaves nothing", left(directory), [])


def check_kept(checks, directory):
    """--keep says how to go on and how to end it; these words must be true."""
    env = environment(directory)
    done = t.execute([QUICKSTART, "--keep"], env=env, timeout=PATIENCE)
    if not checks.that("quickstart --keep", done.status == 0 and "It goes on running" in done.out, done):
        return
    ends = re.findall(r"^  (.*(?:destroy|stop).*)$", done.out.partition("To end it:")[2], re.M)
    private = re.search(r"SKEP_PRIVATE_DIR=(\S+)", done.out)[1]
    listed = t.execute([RUN, "virsh", "list", "--name"], env=dict(env, SKEP_PRIVATE_DIR=private))
    checks.equal("it is kept: ./run virsh list", listed.out.split(), [NAME])
    for line in ends:
        ended = subprocess.run(["sh", "-c", line], env=env, cwd=t.SOURCE, capture_output=True, text=True, check=False)
        checks.equal(f"'{line}' works", (ended.returncode, ended.stderr), (0, ""))
    checks.equal("after that nothing is left", left(directory), [])


def check_run(checks, directory):
    private = os.path.join(directory, "p")
    env = dict(environment(directory), SKEP_PRIVATE_DIR=private)

    def run(*words, **options):
        return t.execute([RUN, *words], env=env, **options)
    usage = run()
    checks.that("./run alone explains itself", usage.status == 1 and "./run CMD" in usage.out, usage)
    nowhere = t.execute([RUN, "true"], env=dict(env, SKEP_BUILD_DIR="/nonexistent"))
    checks.that("./run without a build", nowhere.status == 1 and "no build directory" in nowhere.err, nowhere)
    checks.equal("the exit status comes through", run("sh", "-c", "exit 7").status, 7)
    with t.Program([RUN, "skepd"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        answered = t.wait_until(lambda: run("skep", "uri").status == 0, step=0.1)
        checks.that("./run skepd answers ./run skep", answered)
        checks.equal("./run virsh finds it, too", run("virsh", "uri").out.strip(),
                     f"lxc+unix:///system?socket={private}/skep-sock")
        made = run("skep", "new", "bee", "--busybox")
        checks.that("./run skep new", made.status == 0 and glob.glob(f"{private}/roots/bee/bin"), made)
        started = run("skep", "start", "bee")
        checks.that("./run skep start", started.status == 0, started)
        checks.equal("a private definition", glob.glob("*.xml", root_dir=f"{private}/lxc"), ["bee.xml"])
        checks.equal("./run skep destroy", run("skep", "destroy", "bee").status, 0)
        daemon.terminate()
        checks.equal("SIGTERM ends ./run skepd", daemon.wait(PATIENCE), 0)
    arguments = run("gdb", "-batch", "-ex", "show args", "skepd")
    checks.matches("./run gdb skepd", f"--run-dir {private} ", arguments.out)
    checks.that("no socket is left", not glob.glob(f"{private}/*sock*"), os.listdir(private))
    shutil.rmtree(private)
    checks.equal("./run leaves nothing but its directory", left(directory), [])


def check_private(checks, directory):
    """tools/private-skepd, where libvirt's paths are this test's own."""
    private = os.path.join(directory, "d")
    env = environment(directory)
    uri = ["virsh", "-c", "lxc:///system", "uri"]

    def paths():
        return sorted(os.listdir("/run/libvirt"))

    def skepd(*words):
        done = t.execute([os.path.join(t.SOURCE, "tools/private-skepd"), *words, private], env=env)
        return done.status, (done.out + done.err).strip()
    os.makedirs("/run/libvirt", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/libvirt"], check=True)
    checks.equal("status before", skepd("status"), (1, "stopped"))
    checks.equal("reload before", skepd("reload")[0], 1)
    checks.equal("start", skepd("start"), (0, ""))
    checks.equal("again", skepd("start"), (0, "private-skepd: already running"))
    checks.equal("again, with libvirt's paths", skepd("start", "--libvirt-paths"),
                 (1, "private-skepd: already running, without --libvirt-paths: stop it first"))
    checks.equal("none there", paths(), [])
    checks.equal("stop", skepd("stop"), (0, ""))
    checks.equal("start with libvirt's paths", skepd("start", "--libvirt-paths"), (0, ""))
    checks.equal("all there", paths(), ["libvirt-sock", "libvirt-sock-ro", "virtlxcd-sock", "virtlxcd-sock-ro"])
    checks.equal("virsh finds it", t.execute(uri).out.strip(), "lxc:///system")
    with open(f"{private}/skepd.pid", encoding="utf-8") as handle:
        victim = int(handle.read())
    os.kill(victim, signal.SIGKILL)
    checks.that("killed", t.wait_until(lambda: skepd("status") == (1, "stopped")))
    checks.equal("start after that, without", skepd("start"), (0, ""))
    checks.equal("the paths are free again", paths(), [])
    checks.equal("reload", skepd("reload"), (0, ""))
    with open(f"{private}/skepd.conf", "w", encoding="utf-8") as handle:
        handle.write("nonsense = 1\n")
    checks.equal("reload of a bad file", skepd("reload"),
                 (1, f"private-skepd: settings stay as they were: {private}/skepd.conf:1: unknown setting 'nonsense'"))
    checks.equal("it runs on", skepd("status"), (0, "running"))
    checks.equal("stop at the end", skepd("stop"), (0, ""))
    subprocess.run(["umount", "/run/libvirt"], check=True)
    shutil.rmtree(private)
    checks.equal("private-skepd leaves nothing but its directory", left(directory), [])


def main():
    t.enter_namespaces()
    t.need_program("virsh")
    t.need_program("gdb")
    checks = t.Checks("a newcomer's first steps")
    with t.work_dir() as directory:
        check_whole(checks, directory)
        check_cut_short(checks, directory, signal.SIGTERM, "[4/6]")
        check_cut_short(checks, directory, signal.SIGINT, "Looking at it")
        check_kept(checks, directory)
        check_run(checks, directory)
        check_private(checks, directory)
    sys.exit(checks.done())


if __name__ == "__main__":
    main()
