#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lives of containers: how they can end and what follows, restarts of the daemon, pausing, autodestroy,
autostart, consoles, names, definitions that change while the container runs. States and reasons as
clients see them, events in their order."""

import glob
import html
import os
import re
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest  # noqa: E402
import wire  # noqa: E402

P = f"life{os.getpid()}"
PATIENCE = 60       # seconds; a loaded machine is no error


class Events:
    """What `virsh event` prints of one domain, while a block runs."""

    def __init__(self, life, name):
        self.life, self.name = life, name
        self.text = ""

    def __enter__(self):
        self.process = subprocess.Popen(["virsh", "-c", self.life.daemon.uri, "event", "--all", "--loop"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        # it says nothing when it has begun to listen: another domain's events tell
        listens = skeptest.wait_until(self.listens, PATIENCE, 0.2)
        self.life.checks.that(f"virsh event of {self.name} listens", listens, self.text)
        return self

    def listens(self):
        self.life.daemon.virsh("define", self.life.probe)
        self.life.daemon.virsh("undefine", f"{P}probe")
        return f"{P}probe" in self.read()

    def read(self):
        try:
            self.text += (self.process.stdout.read() or b"").decode()
        except OSError:
            pass
        return self.text

    def seen(self):
        whole = self.read().rpartition("\n")[0]     # not a line that is still being written
        found = re.findall(r"event '([^']+)' for domain '([^']+)'(?:: (.*))?", whole)
        return [f"{event} {detail}".strip() for event, name, detail in found if name == self.name]

    def wait(self, n):
        skeptest.wait_until(lambda: len(self.seen()) >= n, PATIENCE)
        return self.seen()

    def __exit__(self, *ignored):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Life:
    def __init__(self, directory, daemon, checks):
        self.directory, self.daemon, self.checks = directory, daemon, checks
        self.root = skeptest.busybox_root(os.path.join(directory, "root"))
        self.names = []
        self.probe = os.path.join(directory, "probe.xml")
        with open(self.probe, "w", encoding="utf-8") as handle:
            handle.write(skeptest.domain_xml(f"{P}probe", self.root))

    def define(self, name, script="sleep 1000", *, more="", init="/bin/sh", args=None, **options):
        path = os.path.join(self.directory, f"{name}.xml")
        args = args if args is not None else ("-c", html.escape(script))
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(skeptest.domain_xml(name, self.root, init=init, args=args, more=more, **options))
        done = self.daemon.virsh("define", path)
        self.checks.equal(f"define {name}", (done.status, done.err), (0, ""))
        self.names.append(name)
        return name

    def virsh(self, *words, ok=True):
        done = self.daemon.virsh(*words)
        if ok:
            self.checks.equal(" ".join(words), (done.status, done.err), (0, ""))
        return done

    def reason(self, name):
        return self.daemon.virsh("domstate", "--reason", name).out.strip()

    def becomes(self, name, expected, seconds=PATIENCE):
        skeptest.wait_until(lambda: self.reason(name) == expected, seconds)
        self.checks.equal(f"{name} is {expected}", self.reason(name), expected)

    def says(self, what, pattern):
        """In the daemon's log."""
        skeptest.wait_until(lambda: re.search(pattern, self.daemon.log()), PATIENCE)
        self.checks.matches(what, pattern, self.daemon.log()[-2000:])

    def go(self, name):
        """For a script that waits for it: what comes then comes when the start is over."""
        with open(os.path.join(self.root, f"tmp/{name}-go"), "w", encoding="utf-8"):
            pass

    def forget(self, *names):
        for name in names:
            self.daemon.virsh("destroy", name)      # where it runs
            done = self.daemon.virsh("undefine", name)
            self.checks.equal(f"undefine {name}", (done.status, done.err), (0, ""))


UNTIL_GO = "until test -e /tmp/{}-go; do sleep 0.1; done; "


def ends(life):
    """Each way an init can end, with state, reason and events."""
    cases = [("zero", "exit 0", "shut off (shutdown)", "Stopped Shutdown"),
             ("seven", "exit 7", "shut off (crashed)", "Stopped Shutdown"),
             ("poweroff", "poweroff -f", "shut off (shutdown)", "Stopped Shutdown")]
    for key, script, state, event in cases:
        name = life.define(f"{P}{key}", UNTIL_GO.format(key) + script)
        with Events(life, name) as events:
            life.virsh("start", name)
            life.go(key)
            life.becomes(name, state)
            life.checks.equal(f"events of {key}", events.wait(2),
                              ["lifecycle Started Booted", f"lifecycle {event}"])
        life.forget(name)
    name = life.define(f"{P}refuses", UNTIL_GO.format("refuses") + "exit 0")
    life.virsh("start", name)
    life.checks.matches("a reboot without its fifo", "Operation not supported: init reads no initctl fifo$",
                        life.virsh("reboot", name, "--mode", "initctl", ok=False).err.strip())
    life.go("refuses")
    life.becomes(name, "shut off (shutdown)")
    life.forget(name)
    name = life.define(f"{P}killed")
    with Events(life, name) as events:
        life.virsh("start", name)
        life.virsh("destroy", name)
        life.becomes(name, "shut off (destroyed)")
        life.virsh("start", name)
        os.kill(int(life.virsh("domid", name).out), signal.SIGKILL)
        life.becomes(name, "shut off (failed)")
        life.checks.equal("events of destroy and of a killed controller", events.wait(4),
                          ["lifecycle Started Booted", "lifecycle Stopped Destroyed",
                           "lifecycle Started Booted", "lifecycle Stopped Failed"])
    life.forget(name)


def reboots(life):
    """reboot(2) inside gives one REBOOT event and a new id; on_reboot, on_poweroff, on_crash are obeyed."""
    script = ("test -e /tmp/{n} && {{ rm /tmp/{n}; exec sleep 1000; }}; touch /tmp/{n}; "
              + UNTIL_GO.format("{n}") + "{end}")
    for key, end, more in (("reboot", "reboot -f", ""),
                           ("again", "exit 0", "<on_poweroff>restart</on_poweroff>"),
                           ("crash", "exit 3", "<on_crash>restart</on_crash>")):
        name = life.define(f"{P}{key}", script.format(n=key, end=end), more=more)
        with Events(life, name) as events:
            life.virsh("start", name)
            first = life.virsh("domid", name).out.strip()
            life.go(key)
            skeptest.wait_until(lambda: life.daemon.virsh("domid", name).out.strip() not in (first, "-", ""), PATIENCE)
            life.checks.equal(f"events of {key}", events.wait(2), ["lifecycle Started Booted", "reboot"])
            life.becomes(name, "running (booted)")
            life.checks.that(f"{key}: a new id", life.virsh("domid", name).out.strip() != first)
        life.forget(name)
    name = life.define(f"{P}off", UNTIL_GO.format("off") + "reboot -f", more="<on_reboot>destroy</on_reboot>")
    life.virsh("start", name)
    life.go("off")
    life.becomes(name, "shut off (shutdown)")
    life.forget(name)
    name = life.define(f"{P}keep", UNTIL_GO.format("keep") + "exit 9", more="<on_crash>preserve</on_crash>")
    life.virsh("start", name)
    life.go("keep")
    life.becomes(name, "crashed (unknown)")
    life.daemon.restart()
    life.becomes(name, "crashed (unknown)")
    number_of_another(life, name)
    life.virsh("destroy", name)
    life.becomes(name, "shut off (destroyed)")
    life.forget(name)


def number_of_another(life, name):
    """The controller of a container that is kept has gone, and its number may be another process's by now."""
    status = os.path.join(life.daemon.directory, f"domains/{name}.xml")
    with subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as other:
        try:
            number = life.virsh("domid", name).out.strip()
            life.daemon.kill()
            with open(status, encoding="utf-8") as handle:
                text = handle.read()
            with open(status, "w", encoding="utf-8") as handle:
                handle.write(text.replace(f"pid='{number}'", f"pid='{other.pid}'", 1))
            life.daemon.start()
            cpus = os.sched_getaffinity(other.pid)
            life.checks.equal("the kept one has the other's number", life.virsh("domid", name).out.strip(), str(other.pid))
            life.virsh("emulatorpin", name, str(min(cpus)), "--live")
            life.checks.equal("CPUs of a process that is not the kept one's", os.sched_getaffinity(other.pid), cpus)
        finally:
            other.kill()


def daemon_restarts(life):
    """A restart or death of the daemon touches no container, and its successor knows the truth."""
    name = life.define(f"{P}stays", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
    life.virsh("start", name)
    pid = life.virsh("domid", name).out.strip()
    for way in ("restart", "kill"):
        life.virsh("suspend", name)
        if way == "restart":
            life.daemon.restart()
        else:
            life.daemon.kill()
            life.daemon.start()
        life.becomes(name, "paused (user)")
        life.virsh("resume", name)
        life.becomes(name, "running (unpaused)")
        life.daemon.restart()
        life.becomes(name, "running (unpaused)")
        life.checks.equal(f"same id after {way}", life.virsh("domid", name).out.strip(), pid)
    life.virsh("shutdown", name, "--mode", "signal")
    life.becomes(name, "shut off (shutdown)")
    # ends while nobody looks: the next daemon tells how it was
    brief = life.define(f"{P}unseen", UNTIL_GO.format("unseen") + "exit 5")
    life.virsh("start", brief)
    init = int(skeptest.execute(["pgrep", "-P", life.virsh("domid", brief).out.strip()]).out.split()[0])
    life.daemon.stop()
    life.go("unseen")
    ended = skeptest.wait_until(lambda: not skeptest.is_alive(init), PATIENCE)
    life.checks.that("it ends while no daemon runs", ended)
    life.daemon.start()
    life.becomes(brief, "shut off (crashed)")
    life.virsh("start", name)
    pid = int(life.virsh("domid", name).out)
    life.daemon.stop()
    os.kill(pid, signal.SIGKILL)
    life.daemon.start()
    life.becomes(name, "shut off (failed)")
    life.forget(name, brief)


def lost_status(life):
    """The file that says what runs is damaged or gone: what runs is found all the same, and never started twice."""
    name = life.define(f"{P}lost", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
    status = os.path.join(life.directory, f"d/domains/{name}.xml")
    for what in ("cut off", "gone"):
        life.virsh("start", name)
        pid = life.virsh("domid", name).out.strip()
        if what == "gone":
            life.virsh("suspend", name)
        life.daemon.stop()
        if what == "gone":
            os.unlink(status)
        else:
            os.truncate(status, 200)
        life.daemon.start()
        life.becomes(name, "paused (user)" if what == "gone" else "running (unknown)")
        life.checks.equal(f"status {what}: same id", life.virsh("domid", name).out.strip(), pid)
        life.checks.that(f"status {what}: written again", skeptest.wait_until(
            lambda: os.path.exists(status) and os.path.getsize(status) > 200, PATIENCE))
        again = life.virsh("start", name, ok=False)
        life.checks.matches(f"status {what}: not started twice", "already (running|active)", again.err)
        life.virsh("resume" if what == "gone" else "suspend", name)
        life.daemon.restart()
        life.becomes(name, "running (unpaused)" if what == "gone" else "paused (user)")
        life.virsh("memtune", name, "--hard-limit", "50000", "--live")
        life.virsh("destroy", name)
        life.becomes(name, "shut off (destroyed)")
    # nor is a socket in the way that nobody listens on any more
    left = os.path.join(life.directory, "d/domains", life.virsh("domuuid", name).out.strip() + ".sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stale:
        stale.bind(left)
    life.virsh("start", name)
    # no definition to go by: it is told of, and not started beside
    uuid, pid = (life.virsh(verb, name).out.strip() for verb in ("domuuid", "domid"))
    saved = os.path.join(life.directory, f"d/lxc/{name}.xml")
    life.daemon.stop()
    os.unlink(status)
    os.rename(saved, f"{life.directory}/saved.xml")
    life.daemon.start()
    life.says("a container without a definition", f"process {pid} runs a container whose")
    life.virsh("define", f"{life.directory}/saved.xml")
    refused = life.virsh("start", name, ok=False)
    life.checks.matches("is not started twice", f"whose status was lost, runs already: process {pid}", refused.err)
    life.daemon.restart()
    life.checks.equal("with a definition it is found", life.virsh("domid", name).out.strip(), pid)
    life.checks.equal("by its uuid", life.virsh("domuuid", name).out.strip(), uuid)
    for bad in glob.glob(f"{status}.bad-*"):
        os.unlink(bad)
    life.virsh("destroy", name)
    life.forget(name)


def owners(life):
    """Autodestroy ends with its client, autostart comes once a boot, transient domains vanish."""
    name = life.define(f"{P}auto")
    with skeptest.Terminal(["virsh", "-c", life.daemon.uri]) as shell:
        life.checks.that("virsh asks", shell.expect("virsh #", PATIENCE), shell.seen)
        shell.send(f"start {name} --autodestroy\n")
        life.checks.that("started with autodestroy", shell.expect("started", PATIENCE))
        life.checks.equal("it runs while its client is there", life.reason(name), "running (booted)")
        shell.send("quit\n")
        shell.wait(PATIENCE)
    life.becomes(name, "shut off (destroyed)")
    life.virsh("autostart", name)
    broken = life.define(f"{P}anone", init="/bin/none", args=())
    last = life.define(f"{P}azlast", init="/bin/none", args=())
    life.virsh("autostart", broken)
    life.virsh("autostart", last)
    life.daemon.restart()
    life.checks.equal("not started twice a boot", life.reason(name), "shut off (unknown)")
    life.daemon.stop()
    os.unlink(os.path.join(life.daemon.directory, "domains/autostarted"))
    life.daemon.start()
    life.becomes(name, "running (booted)")
    life.becomes(last, "shut off (failed)")
    life.becomes(broken, "shut off (failed)")
    life.checks.equal("starts that fail do not end autostart", life.reason(name), "running (booted)")
    life.forget(broken, last)
    life.virsh("undefine", name)
    life.checks.that("running, it is transient now", "no" in
                     re.search(r"Persistent:\s+(\w+)", life.virsh("dominfo", name).out)[1])
    life.virsh("destroy", name)
    life.checks.equal("then it is gone", life.virsh("domstate", name, ok=False).status, 1)


def redefinition(life):
    """A define over a running domain is the next start's; inside nothing changes."""
    uuid = "1f9cf5a4-88bb-4b5c-9f53-5a6d4c2b1e88"
    name = life.define(f"{P}next", uuid=uuid, memory_kib=65536)
    life.virsh("start", name)
    life.define(name, uuid=uuid, memory_kib=131072)
    life.checks.matches("live memory", r"<memory unit='KiB'>65536<", life.virsh("dumpxml", name).out)
    life.checks.matches("next memory", r"<memory unit='KiB'>131072<",
                        life.virsh("dumpxml", name, "--inactive").out)
    life.daemon.restart()
    life.checks.matches("live memory after a restart", r"<memory unit='KiB'>65536<",
                        life.virsh("dumpxml", name).out)
    life.virsh("destroy", name)
    life.checks.matches("then the next one counts", r"<memory unit='KiB'>131072<",
                        life.virsh("dumpxml", name).out)
    with open(os.path.join(life.directory, "clash.xml"), "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(name, life.root))
    clash = life.daemon.virsh("define", os.path.join(life.directory, "clash.xml"))
    life.checks.matches("a name has one uuid", "already exists with uuid", clash.err)
    life.forget(name)


def consoles(life):
    """Several consoles, replay, exclusive and forced sessions."""
    name = life.define(f"{P}con", "echo early words; exec sh -i")
    life.virsh("start", name)
    uri = life.daemon.uri
    with skeptest.Terminal(["virsh", "-c", uri, "console", name]) as first:
        life.checks.that("replay of what was said before", first.expect("early words", PATIENCE))
        first.send("echo $((40 + 2))\n")
        life.checks.that("a shell answers", first.expect("\n42", PATIENCE))
        with skeptest.Terminal(["virsh", "-c", uri, "console", name, "--safe"]) as safe:
            life.checks.that("--safe is refused beside another",
                             safe.expect("Active console session exists", PATIENCE))
        with skeptest.Terminal(["virsh", "-c", uri, "console", name, "--force"]) as second:
            life.checks.that("--force comes in", second.expect("Escape", PATIENCE))
            life.checks.that("and ends the other", first.wait(PATIENCE) is not None)
            second.send("echo $((40 + 3))\n")
            life.checks.that("the shell answers it", second.expect("\n43", PATIENCE))
            second.send("\x1d")
            life.checks.equal("Ctrl-] ends it", second.wait(PATIENCE), 0)
    with skeptest.Terminal(["virsh", "-c", uri, "console", name, "--safe"]) as only:
        # more than its first words: those come before it has the console
        life.checks.that("--safe alone", only.expect("early words", PATIENCE), only.seen)
        with skeptest.Terminal(["virsh", "-c", uri, "console", name]) as other:
            life.checks.that("nobody beside --safe", other.expect("Active console session exists", PATIENCE))
        life.virsh("destroy", name)
        life.checks.that("the end of the container ends it", only.wait(PATIENCE) is not None)
    life.forget(name)


def refusals(life):
    """Plain mistakes fail before anything is made, in one clear sentence."""
    root = life.root
    with open(os.path.join(root, "bin/plain"), "w", encoding="utf-8") as handle:
        handle.write("#!/bin/sh\n")
    with open(os.path.join(root, "bin/nointerp"), "w", encoding="utf-8") as handle:
        handle.write("#!/bin/not-there\n")
    os.chmod(os.path.join(root, "bin/nointerp"), 0o755)
    with open(os.path.join(root, "bin/busybox"), "rb") as handle:
        elf = bytearray(handle.read(4096))
    elf[18:20] = (0x2a).to_bytes(2, "little")   # SuperH
    with open(os.path.join(root, "bin/foreign"), "wb") as handle:
        handle.write(elf)
    os.chmod(os.path.join(root, "bin/foreign"), 0o755)
    cases = [("/bin/none", "cannot find init path '/bin/none' relative to container root: No such file"),
             ("/bin/plain", "init '/bin/plain' is not executable: Permission denied"),
             ("/bin/nointerp", "its interpreter '/bin/not-there': No such file"),
             ("/bin/foreign", "init '/bin/foreign' is built for another machine, this host is"),
             ("/bin", "init '/bin' is not a regular file")]
    for number, (init, text) in enumerate(cases):
        name = life.define(f"{P}bad{number}", init=init, args=())
        done = life.daemon.virsh("start", name)
        life.checks.matches(f"init {init}", re.escape(text), done.err)
        life.checks.equal(f"init {init}: state", life.reason(name), "shut off (failed)")
        life.forget(name)
    name = life.define(f"{P}log", devices="<console type='pty'><log file='/dev/null'/></console>")
    done = life.daemon.virsh("start", name)
    life.checks.matches("a log that is a device", "console log '/dev/null' is not a regular file", done.err)
    life.forget(name)
    saved, life.root = life.root, "/nonexistent/root"
    name = life.define(f"{P}noroot")
    done = life.daemon.virsh("start", name)
    life.checks.matches("missing root", "Unable to access root filesystem source '/nonexistent/root': "
                        "No such file", done.err)
    life.root = saved
    life.forget(name)


def image_refusals(life):
    """What no driver of images can do is said before one is tried."""
    image = os.path.join(life.directory, "image")
    with open(image, "wb") as handle:
        handle.truncate(1 << 20)
    from_anywhere = "../" * 20 + image.lstrip("/")      # wherever the daemon is
    fs = "<filesystem type='file'><driver {}/><source file='{}'/><target dir='/tmp'/></filesystem>"
    disk = "<disk type='file'><driver {}/><source file='{}'/><target dev='vda'/></disk>"
    cases = [(fs, "type='nbd'", image, "filesystem '/tmp': an explicit format must be given for nbd"),
             (fs, "type='loop' format='qcow2'", image, "filesystem '/tmp': a loop device has the format raw only, not qcow2"),
             (fs, "type='ploop' format='raw'", image, "the driver 'ploop' is not supported, only loop and nbd"),
             (fs, "type='nbd' format='dir'", image, "filesystem '/tmp': the format dir is not supported"),
             (fs, "type='nbd' format='raw'", "/nonexistent/image", "Unable to access filesystem source '/nonexistent/image'"),
             (disk, "name='nbd' type='raw'", from_anywhere,
              f"disk 'vda': the path of an image for nbd must be absolute, not '{from_anywhere}'"),
             (disk, "name='nbd'", image, "disk 'vda': an explicit format must be given for nbd"),
             (disk, "name='loop' type='qcow2'", image, "disk 'vda': a loop device has the format raw only, not qcow2"),
             (disk, "name='nbd' type='qcow2' cache='writeback'", image, "only the cache modes default and none are supported")]
    for number, (what, driver, source, text) in enumerate(cases):
        name = life.define(f"{P}image{number}", devices=what.format(driver, source))
        done = life.daemon.virsh("start", name)
        life.checks.matches(f"<driver {driver}/>", re.escape(text), done.err)
        life.checks.equal(f"<driver {driver}/>: state", life.reason(name), "shut off (failed)")
        life.forget(name)


def given_up(life):
    """An init that takes no signal: what was queued is told as given up, and does not decide what follows."""
    end = os.path.join(life.root, "tmp/end")
    name = life.define(f"{P}deaf", "until [ -e /tmp/end ]; do sleep 0.2; done; exit 0")
    for turn in range(5):           # one that is older than ten seconds is refused at once
        life.virsh("start", name)
        queued = life.virsh("reboot", name, ok=False)
        if queued.status == 0 or turn == 4:
            break
        life.virsh("destroy", name)
    life.checks.equal("a reboot is queued", (queued.status, queued.err), (0, ""))
    path = os.path.join(life.daemon.directory, "log", f"{name}.log")

    def log():
        with open(path, encoding="utf-8") as handle:
            return handle.read()

    life.checks.that("a queued reboot is given up", skeptest.wait_until(lambda: "given up" in log(), PATIENCE), log())
    life.says("and the daemon says so", f"'{name}': init takes no signal for a reboot: given up")
    done = life.daemon.virsh("reboot", name)
    life.checks.matches("a reboot of an old one: text", "error: Operation not supported: init takes no signal for a reboot$",
                        done.err.strip())
    done = life.daemon.virsh("reboot", name, "--mode", "signal")
    life.checks.matches("by a signal: text", "error: Operation not supported: init does not take that signal$",
                        done.err.strip())
    open(end, "w", encoding="utf-8").close()
    life.becomes(name, "shut off (shutdown)")       # not started again
    os.unlink(end)
    life.forget(name)


def destroyed_in_start(life):
    """Between INIT and EXECED the controller serves no requests; a destroy does not wait for it."""
    mark = os.path.join(life.directory, "hook-runs")
    hook = (f"<skep:container xmlns:skep='urn:skep:domain:1'><skep:hooks><skep:hook on='start-host'>sh -c "
            f"'touch {mark}; exec sleep 60'</skep:hook></skep:hooks></skep:container>")
    name = f"{P}midway"
    path = os.path.join(life.directory, f"{name}.xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(name, life.root, init="/bin/sleep", args=("1000",)).replace(
            "</domain>", hook + "</domain>"))
    life.names.append(name)
    life.virsh("define", path)

    def late():
        return re.findall(f"'{name}': the controller does not end.*", life.daemon.log())
    for turn in range(1, 4):
        before = len(late())
        with subprocess.Popen(["virsh", "-c", life.daemon.uri, "start", name], stderr=subprocess.PIPE, text=True) as start:
            life.checks.that("the hook runs", skeptest.wait_until(lambda: os.path.exists(mark), PATIENCE))
            life.virsh("destroy", name)
            life.checks.matches("destroyed midway: the start's error", "destroyed while it started", start.stderr.read())
        life.becomes(name, "shut off (failed)")
        with open(os.path.join(life.daemon.directory, "log", f"{name}.log"), encoding="utf-8") as handle:
            life.checks.equal("a failed start is logged once", handle.read().count("start failed"), turn)
        os.unlink(mark)
        if len(late()) == before:       # a machine that stood still in just those two seconds is no error
            break
    else:
        life.checks.equal("no controller had to be killed for it", late(), [])
    life.forget(name)


def renamed_meanwhile(life):
    """A definition to run waits for its turn at a domain, which gets another name first."""
    mark, go = (os.path.join(life.directory, word) for word in ("start-waits", "start-fails"))
    hook = (f"<skep:container xmlns:skep='urn:skep:domain:1'><skep:hooks><skep:hook on='pre-start'>sh -c "
            f"'touch {mark}; until test -e {go}; do sleep 0.1; done; false'</skep:hook></skep:hooks></skep:container>")
    name, other = f"{P}old", f"{P}new"
    path = os.path.join(life.directory, f"{name}.xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(name, life.root).replace("</domain>", hook + "</domain>"))
    life.names += [name, other]
    life.virsh("define", path)
    text = life.daemon.virsh("dumpxml", "--inactive", name).out
    handle = wire.domain(name, life.daemon.virsh("domuuid", name).out.strip())
    with wire.Wire(os.path.join(life.daemon.directory, "skep-sock")).open() as client:
        start = client.send(9, handle)
        life.checks.that("the hook waits", skeptest.wait_until(lambda: os.path.exists(mark), PATIENCE))
        rename = client.send(358, handle + wire.optional(other) + struct.pack(">I", 0))
        create = client.send(10, wire.string(text) + struct.pack(">I", 0))
        client.call(59)             # by then both wait
        open(go, "w", encoding="utf-8").close()
        for what, serial in (("start", start), ("create", create)):
            try:
                client.reply(serial)
                life.checks.that(f"renamed meanwhile: the {what} fails", False)
            except wire.Failure as error:
                life.checks.matches(f"renamed meanwhile: the {what}'s error",
                                    {"start": "exited with status 1", "create": f"domain '{other}' is already defined"}[what],
                                    str(error))
            if serial == start:
                client.reply(rename)
    life.checks.equal("renamed meanwhile: one domain of one name",
                      [n for n in life.daemon.virsh("list", "--all", "--name").out.split() if n in (name, other)], [other])
    life.virsh("undefine", other)


def main():
    skeptest.enter_namespaces()
    checks = skeptest.Checks("start-lifecycle")
    with skeptest.work_dir() as directory:
        with skeptest.Skepd(os.path.join(directory, "d")) as daemon:
            life = Life(directory, daemon, checks)
            for part in (ends, reboots, daemon_restarts, lost_status, owners, redefinition, consoles, refusals, image_refusals,
                         given_up, destroyed_in_start, renamed_meanwhile):
                part(life)
            left = skeptest.leftovers(directory, life.names)
            checks.equal("nothing is left over", left, [])
            files = os.path.join(directory, "d/domains")
            skeptest.wait_until(lambda: len(os.listdir(files)) == 2, PATIENCE)
            checks.equal("no file of a container is left", sorted(os.listdir(files)), ["autostarted", "stage"])
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
