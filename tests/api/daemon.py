# SPDX-License-Identifier: LGPL-2.1-or-later
"""skepd as a process: options, settings, signals, sockets (own and passed), notification, lock, idle exit."""

import contextlib
import os
import pathlib
import re
import shlex
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import skeptest  # noqa: E402
import wire as w  # noqa: E402

SKEPD = os.path.join(skeptest.BUILD, "src/driver/skepd")
CONTROLLER = os.path.join(skeptest.BUILD, "src/controller/skep-controller")
NOBODY = 65534
PATIENCE = w.PATIENCE
WRAPPER = shlex.split(os.environ.get("SKEPD_WRAPPER", ""))      # valgrind, of meson's test setup
complaints = []     # of valgrind and sanitizers


def arguments(directory, *more):
    return [*WRAPPER, SKEPD, "--config", f"{directory}/skepd.conf", "--config-dir", f"{directory}/lxc",
            "--run-dir", directory, "--log-dir", f"{directory}/log", "--controller", CONTROLLER,
            "--helper", os.path.join(os.path.dirname(CONTROLLER), "skep-helper"), *more]


class Process:
    """One skepd, started by hand."""

    def __init__(self, directory, *more, env=None, prepare=None, pass_fds=()):
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.errors = os.path.join(directory, "stderr")
        with open(self.errors, "ab") as out:
            self.process = subprocess.Popen(arguments(directory, *more), stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, env=dict(os.environ, **(env or {})),
                                            preexec_fn=prepare, pass_fds=pass_fds)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        complaints.extend(re.findall(r"^==\d+==.*|.*Sanitizer.*|.*runtime error: .*", self.log(), re.M))

    def log(self):
        with open(self.errors, encoding="utf-8", errors="replace") as handle:
            return handle.read()

    def ready(self, path=None):
        path = path or f"{self.directory}/skep-sock"
        return skeptest.wait_until(lambda: answers(path) or self.process.poll() is not None) and answers(path)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(PATIENCE)
        return None


def ask(path, procedure, payload=b"", before=()):
    """The status of the reply to one call on a connection of its own; None when there is none."""
    with contextlib.suppress(OSError):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(path)
            for number, (earlier, arguments_of) in enumerate([*before, (procedure, payload)]):
                client.sendall(struct.pack(">7I", 28 + len(arguments_of), 0x20008086, 1, earlier, 0, number, 0)
                               + arguments_of)
                head = client.recv(28, socket.MSG_WAITALL)
                if len(head) < 28:
                    return None
                size, status = struct.unpack(">I20xI", head)
                client.recv(size - 28, socket.MSG_WAITALL)
            return status
    return None


def answers(path):
    return ask(path, 66) == 0


OPEN = (1, struct.pack(">II13s3xI", 1, 13, b"lxc:///system", 0))
AUTH = (66, b"")


def options(checks, directory):
    for words, status, text in ((["--version"], 0, r"^skepd \(Skep\) \d"), (["-V"], 0, r"^skepd"),
                                (["--help"], 0, "--run-dir"), (["--nonsense"], 1, "nonsense"),
                                (["word"], 1, "unexpected argument 'word'"), (["--timeout", "x"], 1, "x")):
        done = skeptest.execute([SKEPD, *words])
        checks.equal(f"skepd {words}: status", done.status, status)
        checks.matches(f"skepd {words}: text", text, done.out + done.err)
    done = skeptest.execute(arguments(directory, "--config-dir", "/proc/no/such"))
    checks.equal("a directory that cannot be made: status", done.status, 1)
    checks.matches("a directory that cannot be made: text", "cannot start.*/proc/no", done.err)


def bad_settings(checks, directory):
    os.makedirs(directory, exist_ok=True)
    cases = (("x = 1\n", 1, "unknown setting 'x'"), ("\n# c\nmax_clients 3\n", 3, "'=' expected"),
             ("max_clients = \"3\"\n", 1, "wants a number"), ("max_clients = -1\n", 1, "wants a number"),
             ("max_clients = 99999999999\n", 1, "wants a number"), ("run_dir = 3\n", 1, "wants a string"),
             ("listen_libvirt = maybe\n", 1, "yes or no"), ("unix_sock_rw_perms = \"0999\"\n", 1, "octal"),
             ("unix_sock_rw_perms = \"07777\"\n", 1, "octal"), ("run_dir = \"/x\n", 1, "not closed"),
             ("run_dir = [ \"a\",\n \"b\" ]\n", 2, "wants a string"), ("run_dir = [ 1 ]\n", 1, "a list holds"),
             ("max_clients = 3 4\n", 1, "unexpected text"), ("max_clients = \n", 1, "value is missing"),
             ("log_level = 9\n", None, "log_level is 1 to 4"), ("= 3\n", 1, "name of a setting"),
             ("log_outputs = \"nowhere\"\n", None, "not stderr, journald or file"),
             ("unix_sock_group = \"no-such-group\"\n", None, "no group 'no-such-group'"),
             ("run_dir = \"" + "x" * 5000 + "\"\n", 1, "too long"), ("run_dir = \"a\x01\"\n", 1, "control character"),
             ("security_driver = \"none\"\n", 1, "unknown setting"))
    for text, line, message in cases:
        with open(f"{directory}/skepd.conf", "w", encoding="utf-8") as handle:
            handle.write(text)
        done = skeptest.execute(arguments(directory))
        checks.equal(f"{text[:40]!r}: status", done.status, 1)
        place = rf"skepd\.conf:{line}: " if line else ""
        checks.matches(f"{text[:40]!r}: text", f"{place}.*{message}", done.err)
    os.unlink(f"{directory}/skepd.conf")
    with open(f"{directory}/lxc.conf", "w", encoding="utf-8") as handle:
        handle.write("security_driver = \"nonsense\"\n")
    done = skeptest.execute(arguments(directory))
    checks.equal("an unknown security driver: status", done.status, 1)
    checks.matches("an unknown security driver: text", "nonsense", done.err)
    os.unlink(f"{directory}/lxc.conf")


def life(checks, directory):
    with Process(directory, "-p", f"{directory}/my.pid") as one:
        checks.that("it answers", one.ready())
        checks.equal("pid file", open(f"{directory}/my.pid", encoding="utf-8").read(), f"{one.process.pid}\n")
        for name, mode in (("skep-sock", 0o700), ("skep-sock-ro", 0o777)):
            checks.equal(f"mode of {name}", stat.S_IMODE(os.stat(f"{directory}/{name}").st_mode), mode)
        with Process(directory) as two:
            checks.equal("a second one of the same directory is refused", two.wait(), 1)
            checks.matches("and says why", "another skepd runs here", two.log())
        checks.that("the first one does not mind", one.ready())
        checks.equal("SIGTERM ends it well", one.end(), 0)
        checks.equal("sockets and pid file are gone",
                     [name for name in ("skep-sock", "skep-sock-ro", "my.pid") if os.path.exists(f"{directory}/{name}")],
                     [])
    with Process(directory) as three:
        checks.that("again", three.ready())
        three.end(signal.SIGKILL)
        checks.that("a killed one leaves its socket", os.path.exists(f"{directory}/skep-sock"))
    with Process(directory) as four:
        checks.that("which the next one replaces", four.ready())
        checks.equal("SIGINT ends it, too", four.end(signal.SIGINT), 0)


# Locks FILE, then its main thread ends; another one keeps the process and so the lock until its input ends.
DYING = """
import ctypes, fcntl, os, sys, threading
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()
ctypes.CDLL(None).syscall({"x86_64": 60}.get(os.uname().machine, 93), 0)      # exit(2): of one thread
"""


def dying(checks, directory):
    """One whose predecessor is seen to have ended, but still holds its lock, waits for that."""
    os.makedirs(directory)
    lock = f"{directory}/driver.pid"
    with subprocess.Popen(["/usr/bin/python3", "-c", DYING, lock], stdin=subprocess.PIPE) as before:
        state = pathlib.Path(f"/proc/{before.pid}/stat")
        checks.that("the main thread has ended", skeptest.wait_until(lambda: ") Z " in state.read_text("utf-8")))
        with Process(directory) as after:
            checks.that("the next one is at the lock", skeptest.wait_until(
                lambda: lock in skeptest.open_files(after.process.pid) or after.process.poll() is not None))
            before.stdin.close()
            checks.that("and starts when it is free", after.ready(), after.log())
            checks.equal("it ends well", after.end(), 0)


def damaged(checks, directory):
    """A status file that cannot be read is kept aside, and the log says why, also where libvirt's word is a bare one."""
    os.makedirs(f"{directory}/domains")
    with open(f"{directory}/domains/bad.xml", "w", encoding="utf-8") as handle:
        handle.write("<domstatus version='1'><domain type='lxc'><name>bad</name><memory>65536</memory><os><type>exe</type>"
                     "<init>/x</init></os><devices><filesystem type='ram'><source usage='1'/></filesystem></devices>"
                     "</domain></domstatus>")
    with Process(directory) as one:
        checks.that("it answers", one.ready())
        checks.matches("what is missing", r"bad\.xml' \(kept as '.*\.bad-\d+'\): missing target information for device "
                       r"\(line 1, /domstatus/domain/devices/filesystem\)", one.log())
        one.end()


def background(checks, directory):
    # without the wrapper: valgrind keeps our pipe open in the daemon, whose end would be waited for
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/skepd.conf", "w", encoding="utf-8") as handle:
        handle.write(f"log_outputs = 'file:{directory}/own.log'\n")
    done = skeptest.execute(arguments(directory, "-d")[len(WRAPPER):])
    checks.equal("-d: status", done.status, 0)
    checks.that("-d: it answers at once", answers(f"{directory}/skep-sock"))
    pid = int(open(f"{directory}/driver.pid", encoding="utf-8").read())
    checks.equal("-d: a session of its own", os.getsid(pid), pid)
    checks.equal("-d: in /", os.readlink(f"/proc/{pid}/cwd"), "/")
    done = skeptest.execute(arguments(directory, "-d")[len(WRAPPER):])
    checks.equal("-d: a failed start is told", done.status, 1)
    os.kill(pid, signal.SIGTERM)
    checks.that("-d: it ends", skeptest.wait_until(lambda: not skeptest.is_alive(pid)))
    checks.matches("the log is where it should be", "skepd ends", open(f"{directory}/own.log", encoding="utf-8").read())


def idle(checks, directory):
    for seconds in (3, 30, 300):        # a machine that stands still for so long makes us come too late
        with Process(directory, "--timeout", str(seconds)) as process, contextlib.ExitStack() as stack:
            try:
                skeptest.wait_until(lambda: os.path.exists(f"{directory}/skep-sock") or process.process.poll() is not None)
                client = stack.enter_context(w.Wire(f"{directory}/skep-sock"))
                client.call(66)
            except (OSError, w.Closed):
                checks.equal("--timeout: nobody has come, and it goes", process.wait(), 0)
                continue
            time.sleep(seconds + 1.5)
            checks.equal("--timeout: not while a client is there", process.process.poll(), None)
            client.close()
            checks.equal("--timeout: then it goes", process.wait(), 0)
            return
    checks.that("--timeout: a client comes in time", False)


def reload(checks, directory):
    with Process(directory) as process:
        checks.that("it answers", process.ready(), process.log())
        with open(f"{directory}/lxc/new.xml", "w", encoding="utf-8") as handle:
            handle.write(skeptest.domain_xml("new", f"{directory}/root"))
        with open(f"{directory}/skepd.conf", "w", encoding="utf-8") as handle:
            handle.write("log_level = 1\nunix_sock_rw_perms = \"0770\"\n")
        process.process.send_signal(signal.SIGHUP)
        virsh = ["virsh", "-c", f"lxc+unix:///system?socket={directory}/skep-sock"]
        checks.that("SIGHUP finds a new definition", skeptest.wait_until(
            lambda: "new" in skeptest.execute([*virsh, "list", "--all", "--name"]).out.split()))
        checks.that("and takes a new log level", skeptest.wait_until(
            lambda: answers(f"{directory}/skep-sock") and ": debug :" in process.log()))
        with open(f"{directory}/skepd.conf", "w", encoding="utf-8") as handle:
            handle.write("nonsense\n")
        process.process.send_signal(signal.SIGHUP)
        checks.that("a bad file changes nothing", skeptest.wait_until(
            lambda: "settings stay as they were" in process.log()))
        checks.that("and it goes on", answers(f"{directory}/skep-sock"))
        checks.that("definitions that are loaded stay in place", os.path.exists(f"{directory}/lxc/new.xml"))
        process.end()


def notification(checks, directory):
    os.makedirs(directory, exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{directory}/notify")
        manager.settimeout(PATIENCE)
        with Process(directory, env={"NOTIFY_SOCKET": f"{directory}/notify"}) as process:
            checks.matches("READY", b"READY=1", manager.recv(4096))
            checks.that("READY means that it answers", answers(f"{directory}/skep-sock"))
            process.process.send_signal(signal.SIGHUP)
            checks.matches("RELOADING with its time", rb"RELOADING=1\nMONOTONIC_USEC=\d+", manager.recv(4096))
            checks.matches("READY again", b"READY=1", manager.recv(4096))
            process.process.send_signal(signal.SIGTERM)
            checks.matches("STOPPING", b"STOPPING=1", manager.recv(4096))
            process.wait()


def activation(checks, directory):
    os.makedirs(directory, exist_ok=True)
    listeners = []
    for name in ("one", "two"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{directory}/{name}")
        listener.listen(10)
        listeners.append(listener)

    def pass_sockets():
        fds = [os.dup(listener.fileno()) for listener in listeners]
        for number, fd in enumerate(os.dup2(fd, 40 + i) for i, fd in enumerate(fds)):
            os.dup2(fd, 3 + number)

    environment = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "skep-sock:skep-sock-ro"}
    # sh fills in LISTEN_PID: its pid is the daemon's after exec
    command = ["sh", "-c", "LISTEN_PID=$$ exec \"$@\"", "sh", *arguments(directory)]
    with open(f"{directory}/stderr", "ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, close_fds=False,
                                   preexec_fn=pass_sockets, env=dict(os.environ, **environment))
    try:
        checks.that("passed socket answers", skeptest.wait_until(lambda: answers(f"{directory}/one") or process.poll() is not None))
        define = struct.pack(">I4s", 4, b"<a/>")
        checks.equal("the other one is read-only", ask(f"{directory}/two", 11, define, (AUTH, OPEN)), 1)
        log = open(f"{directory}/stderr", encoding="utf-8").read()
        checks.matches("as the log says", r"passed socket \S+/two \(read-only\)", log)
        checks.matches("and only that", r"passed socket \S+/one\n", log)
        process.terminate()
        checks.equal("it ends", process.wait(PATIENCE), 0)
        checks.that("and leaves passed sockets alone", os.path.exists(f"{directory}/one"))
        checks.that("but not its own", not os.path.exists(f"{directory}/skep-sock"))
    finally:
        process.kill()
        process.wait()


def as_nobody(function):
    """The result of a function that says yes or no, run as nobody."""
    pid = os.fork()
    if pid == 0:
        said = False
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            said = function()
        finally:
            os._exit(0 if said else 1)
    return os.waitpid(pid, 0)[1] == 0


def users(checks, directory):
    os.makedirs(directory, exist_ok=True)
    os.chmod(os.path.dirname(directory), 0o755)
    with open(f"{directory}/skepd.conf", "w", encoding="utf-8") as handle:
        handle.write("unix_sock_group = \"nogroup\"\nunix_sock_rw_perms = \"0770\"\n")
    with Process(directory, "--listen-libvirt", "--libvirt-dir", f"{directory}/libvirt") as process:
        checks.that("it answers", process.ready(), process.log())
        rw, ro = f"{directory}/skep-sock", f"{directory}/skep-sock-ro"
        identity = struct.pack(">II", 0, 0)
        checks.equal("group of the socket", os.stat(rw).st_gid, NOBODY)
        checks.that("the group may", as_nobody(lambda: answers(rw)))
        checks.that("nobody must ask first", as_nobody(lambda: ask(rw, *OPEN) == 1))
        checks.that("then may open", as_nobody(lambda: ask(rw, *OPEN, (AUTH,)) == 0))
        checks.that("root need not ask", ask(rw, *OPEN) == 0)
        checks.that("nobody speaks for nobody else", as_nobody(lambda: ask(rw, 419, identity, (AUTH, OPEN)) == 1))
        checks.that("root may", ask(rw, 419, identity, (AUTH, OPEN)) == 0)
        checks.that("nobody reads", as_nobody(lambda: ask(ro, 25, b"", (AUTH, OPEN)) == 0))
        checks.that("libvirt's paths answer", answers(f"{directory}/libvirt/virtlxcd-sock"))
        checks.that("both of them", answers(f"{directory}/libvirt/virtlxcd-sock-ro"))
        process.end()
        checks.equal("and go", os.listdir(f"{directory}/libvirt"), [])


def main():
    skeptest.need_root()
    checks = skeptest.Checks("daemon")
    with skeptest.work_dir() as work:
        for part in (options, bad_settings, life, dying, damaged, background, idle, reload, notification, activation, users):
            part(checks, os.path.join(work, part.__name__))
    checks.equal("valgrind and sanitizers are silent", complaints, [])
    return checks.done()


sys.exit(main())
