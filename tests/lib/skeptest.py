# SPDX-License-Identifier: LGPL-2.1-or-later
"""What system tests share: own namespaces, a private skepd, stock libvirtd beside it, small root file
systems, terminals, and a list of checks that ends in an exit status for meson.

A test ends with status 77 when it cannot run here; with MUST_WORK=1 that is a failure. Everything a test
makes lies in a Work directory, and the processes it ends are those it started or their controllers.
"""

import codecs
import contextlib
import ctypes
import faulthandler
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("SKEP_BUILD_DIR") or os.path.join(SOURCE, "build"))
PATIENCE = 120      # seconds, for whatever a loaded machine can delay: each wait has its condition
BUSYBOX_APPLETS = ("sh ls cat sleep ps echo mount umount reboot poweroff halt kill true false stty tty id "
                   "env hostname mkdir rm touch chmod chown mknod ln readlink stat df dd head tail grep sed "
                   "cut sort wc printf test setsid ip free find sync date uname pidof su nohup seq").split()


# meson ends a test that takes too long by SIGTERM: it shall say where it was
faulthandler.register(signal.SIGTERM, chain=True)


def skip(why):
    """Ends the test as skipped."""
    print(f"skipped: {why}")
    sys.exit(1 if os.environ.get("MUST_WORK") == "1" else 77)


def need_root():
    if os.geteuid() != 0:
        skip("needs root")


def need_program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        skip(f"needs {name} (tools/deps installs it)")
    return path


def enter_namespaces(*, pid=False):
    """Goes on in mount, network and IPC namespaces of this test's own: nothing it does reaches the host's."""
    need_root()
    if os.environ.get("SKEP_TEST_INSIDE") == "1":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=False)
        own_sysfs()
        return
    command = ["unshare", "--mount", "--net", "--ipc", "--propagation", "private"]
    if pid:
        command += ["--pid", "--fork", "--kill-child", "--mount-proc"]
    os.environ["SKEP_TEST_INSIDE"] = "1"
    os.execvp("unshare", command + [sys.executable] + sys.argv)


def own_sysfs():
    """/sys of our own network namespace: the mounted one goes on showing the devices of the old one."""
    with tempfile.TemporaryDirectory(prefix="skep-sys-") as aside:
        script = (f"mount --rbind /sys/fs/cgroup {aside} && mount -t sysfs sysfs /sys && "
                  f"mount --rbind {aside} /sys/fs/cgroup && umount -l {aside}")
        subprocess.run(["sh", "-c", script], check=True)


def wait_until(condition, seconds=PATIENCE, step=0.02):
    """The first true value of condition(), or its last value when the time is up: of a look that began after that,
    however long the one before took."""
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() > end
        value = condition()
        if value or late:
            return value
        time.sleep(step)


class Checks:
    """Named checks of one test program: prints failures as they happen, with the last that the daemons have said,
    and a summary at the end."""

    def __init__(self, what):
        self.what = what
        self.passed = 0
        self.failed = []
        self.began = time.monotonic()

    def that(self, name, condition, detail=""):
        if condition:
            self.passed += 1
            if os.environ.get("VERBOSE"):
                print(f"ok: {name}", flush=True)
        else:
            self.failed.append(name)
            print(f"FAILED: {name}" + (f"\n    {detail}" if detail else ""), flush=True)
            if len(self.failed) <= 3:
                Skepd.tell_all()
        return bool(condition)

    def equal(self, name, found, expected):
        return self.that(name, found == expected, f"found    {found!r}\n    expected {expected!r}")

    def matches(self, name, pattern, text):
        return self.that(name, re.search(pattern, text), f"no /{pattern}/ in {text!r}")

    def done(self):
        seconds = time.monotonic() - self.began
        for name in self.failed[:10]:
            print(f"had failed: {name}")
        print(f"{self.what}: {self.passed} checks passed, {len(self.failed)} failed ({seconds:.1f} s)", flush=True)
        return 1 if self.failed else 0


@contextlib.contextmanager
def work_dir():
    """A short path (sockets lie in it), removed at the end with whatever is mounted below it."""
    path = tempfile.mkdtemp(prefix="skep-")
    try:
        yield path
    finally:
        for mount in reversed(mounts_below(path)):
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(path, ignore_errors=True)


def mounts_below(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        points = [line.split()[4].encode().decode("unicode_escape") for line in table]
    return [point for point in points if point == path or point.startswith(path + "/")]


def busybox_root(path):
    """A root file system of nothing but busybox; init is /bin/sh or /bin/sleep, as the XML says."""
    busybox = need_program("busybox")
    for name in ("bin", "sbin", "dev", "proc", "sys", "etc", "tmp", "run", "root", "usr/bin"):
        os.makedirs(os.path.join(path, name), exist_ok=True)
    shutil.copy2(busybox, os.path.join(path, "bin/busybox"))
    for applet in BUSYBOX_APPLETS:
        link = os.path.join(path, "bin", applet)
        if not os.path.lexists(link):
            os.symlink("busybox", link)
    for name, text in (("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("etc/group", "root:x:0:\n")):
        with open(os.path.join(path, name), "w", encoding="utf-8") as handle:
            handle.write(text)
    return path


def loop_device(image):
    """A loop device of the file. Other tests take free ones, too; and a /dev of the test's own lacks what came later."""
    with open("/dev/loop-control", "rb") as control:
        for _ in range(100):
            name = f"loop{fcntl.ioctl(control, 0x4c82)}"        # LOOP_CTL_GET_FREE
            if not os.path.exists(f"/dev/{name}"):
                with open(f"/sys/block/{name}/dev", encoding="ascii") as numbers:
                    major, minor = (int(number) for number in numbers.read().split(":"))
                with contextlib.suppress(FileExistsError):
                    os.mknod(f"/dev/{name}", stat.S_IFBLK | 0o600, os.makedev(major, minor))
            done = execute(["losetup", f"/dev/{name}", image])
            if done.status == 0:
                return f"/dev/{name}"
            time.sleep(0.1)
    raise RuntimeError(f"no loop device for {image}: {done!r}")


def init_root(path):
    """A root as of a distribution: /sbin/init, busybox's, keeps a shell on the console and can be shut down."""
    busybox_root(path)
    os.symlink("../bin/busybox", os.path.join(path, "sbin/init"))
    with open(os.path.join(path, "etc/inittab"), "w", encoding="utf-8") as handle:
        handle.write("::sysinit:/bin/echo tree is up\n::respawn:-/bin/sh\n")
    return path


def domain_xml(name, root, *, init="/bin/sh", args=(), uuid=None, memory_kib=65536, more="", devices=""):
    words = "".join(f"<initarg>{word}</initarg>" for word in args)
    identity = f"<uuid>{uuid}</uuid>" if uuid else ""
    return (f"<domain type='lxc'><name>{name}</name>{identity}<memory unit='KiB'>{memory_kib}</memory>"
            f"<os><type>exe</type><init>{init}</init>{words}</os>{more}"
            f"<devices><filesystem type='mount'><source dir='{root}'/><target dir='/'/></filesystem>"
            f"<console type='pty'/>{devices}</devices></domain>")


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __repr__(self):
        return f"status {self.status}, out {self.out!r}, err {self.err!r}"


def is_alive(pid):
    """Whether a process runs, or could: one that only waits for its parent to look does not."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    return False


def execute(command, *, timeout=300, text_in=None, pass_fds=(), env=None):
    """Runs a command to its end; a time-out is status 124."""
    try:
        done = subprocess.run(command, input=text_in, capture_output=True, text=True, timeout=timeout,
                              pass_fds=pass_fds, env=env, errors="replace",
                              stdin=subprocess.DEVNULL if text_in is None else None)
        return Result(done.returncode, done.stdout, done.stderr)
    except subprocess.TimeoutExpired as late:
        return Result(124, (late.stdout or b"").decode(errors="replace"),
                      (late.stderr or b"").decode(errors="replace") + f"\n(over {timeout} s)")


class Program(subprocess.Popen):
    """For a with statement: one that is left by an exception does not wait for the program's own end."""

    def __exit__(self, *why):
        if why[0]:
            self.kill()
        return super().__exit__(*why)


class Daemon:
    """Anything that speaks libvirt's protocol on a UNIX socket."""

    def __init__(self, directory):
        self.directory = directory
        self.uri = ""

    def virsh(self, *words, readonly=False, **options):
        flags = ["-r"] if readonly else []
        return execute(["virsh", *flags, "-c", self.uri, *words], **options)

    def state(self, name):
        return self.virsh("domstate", name).out.strip()

    def wait_state(self, name, state, seconds=PATIENCE):
        return wait_until(lambda: self.state(name) == state, seconds)

    def destroy_all(self):
        for name in self.virsh("list", "--name").out.split():
            self.virsh("destroy", name)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *ignored):
        self.destroy_all()
        self.stop()


class Skepd(Daemon):
    """The built skepd, private to a directory."""

    name = "skepd"
    instances = []
    LAST_LINES = 6

    def __init__(self, directory, *, libvirt_paths=False, conf="", lxc_conf=""):
        super().__init__(directory)
        Skepd.instances.append(self)
        os.makedirs(directory, exist_ok=True)
        self.uri = f"lxc+unix:///system?socket={directory}/skep-sock"
        self.libvirt_paths = libvirt_paths
        self.said = 0           # how much of the log was shown beside a failed check
        for name, text in (("skepd.conf", conf), ("lxc.conf", lxc_conf)):
            if text:
                with open(os.path.join(directory, name), "w", encoding="utf-8") as handle:
                    handle.write(text)

    def tool(self, verb, *options):
        env = dict(os.environ, SKEP_BUILD_DIR=BUILD)
        return execute([os.path.join(SOURCE, "tools/private-skepd"), verb, *options, self.directory],
                       timeout=300, env=env)

    def must(self, verb, *options):
        done = self.tool(verb, *options)
        if done.status:
            self.say_last()
            raise RuntimeError(f"private-skepd {verb}: status {done.status}: {done.err or done.out}")

    def start(self):
        self.must("start", *(["--libvirt-paths"] if self.libvirt_paths else []))

    def stop(self):
        self.must("stop")

    def restart(self):
        self.must("restart")

    def death(self):
        """A descriptor that can be read once the daemon that runs now has gone, with all its threads."""
        return os.pidfd_open(self.pid())

    @staticmethod
    def wait_dead(death, seconds=PATIENCE):
        """Waits for what death() gave, and closes it: whether it has come."""
        try:
            return bool(select.select([death], [], [], seconds)[0])
        finally:
            os.close(death)

    def kill(self):
        """By SIGKILL, and nothing of it is there afterwards."""
        death = self.death()
        signal.pidfd_send_signal(death, signal.SIGKILL)
        if not self.wait_dead(death):
            raise RuntimeError("skepd does not die")

    def pid(self):
        with open(os.path.join(self.directory, "skepd.pid"), encoding="utf-8") as handle:
            return int(handle.read())

    @classmethod
    def tell_all(cls):
        """Says what became of the daemons: beside the first checks that failed, this is mostly why."""
        for daemon in cls.instances:
            daemon.say_last()

    def say_last(self):
        """Prints the last lines of the log that were not printed yet, without records of the audit."""
        log = self.log()
        lines = [line for line in log[self.said:].splitlines() if ": info : success=" not in line][-self.LAST_LINES:]
        with contextlib.suppress(OSError, ValueError):
            lines.append(f"(skepd {self.pid()} " + ("runs)" if is_alive(self.pid()) else "has gone)"))
        print("".join(f"    | {line[:300]}\n" for line in lines), end="", flush=True)
        self.said = len(log)

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(self.directory, "skepd.log"), encoding="utf-8", errors="replace") as handle:
                return handle.read()
        return ""

    def controllers(self):
        """Pids of the controllers of this daemon: they have files below our directory open."""
        return [pid for pid, command in commands() if command and os.path.basename(command[0]) == "skep-controller"
                and any(path.startswith(self.directory + "/") for path in open_files(pid))]

    def __exit__(self, failure=None, *ignored):
        if failure:
            self.say_last()
        try:
            super().__exit__()
        finally:
            for pid in self.controllers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        report = self.report()
        if report:
            raise RuntimeError(f"a sanitizer or valgrind has something to say of skepd:\n{report}")

    def report(self):
        """What sanitizers and valgrind (tests/meson.build) have said of the daemon; "" when nothing."""
        found = re.search(r"ERROR: \w+Sanitizer|runtime error:|^==\d+==", self.log(), re.M)
        return self.log()[found.start():][:20000] if found else ""


def commands():
    """(pid, argv) of every process that shows one."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{entry}/cmdline", "rb") as handle:
                    yield int(entry), handle.read().decode(errors="replace").split("\0")[:-1]


def open_files(pid):
    """The paths that a process's descriptors have; none of one that has gone."""
    found = []
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


class StockLibvirtd(Daemon):
    """Debian's libvirtd with its LXC driver: the oracle. In a mount namespace of its own, because it wants
    /run/libvirt and the like, and cannot start containers while a version 2 cgroup mount lies beside
    version 1 controllers."""

    name = "libvirtd"
    SCRIPT = r"""
set -e
umount /sys/fs/cgroup/unified 2>/dev/null || true
for d in /run/libvirt /var/lib/libvirt /var/log/libvirt /etc/libvirt /var/cache/libvirt /run/dbus; do
    mkdir -p $d
    mount -t tmpfs none $d
done
mkdir -p /var/log/libvirt/lxc
cp /etc/passwd /etc/group "$W/"
getent passwd libvirt-qemu >/dev/null ||
    echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >>"$W/passwd"
for g in libvirt-qemu:64055 kvm:64056 libvirt:64057; do
    getent group "${g%:*}" >/dev/null || echo "${g%:*}:x:${g#*:}:" >>"$W/group"
done
mount --bind "$W/passwd" /etc/passwd
mount --bind "$W/group" /etc/group
dbus-daemon --system --fork --nopidfile --print-pid >"$W/dbus.pid"
cat >"$W/libvirtd.conf" <<X
unix_sock_dir = "$W"
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "3:file:$W/libvirtd.log"
X
# a document must not take all of the memory
ulimit -v 6000000
exec libvirtd --config "$W/libvirtd.conf" --pid-file "$W/libvirtd.pid"
"""

    def __init__(self, directory):
        super().__init__(directory)
        os.makedirs(directory, exist_ok=True)
        self.uri = f"lxc+unix:///system?socket={directory}/libvirt-sock"
        self.process = None

    @staticmethod
    def installed():
        return shutil.which("libvirtd", path="/usr/sbin:/usr/bin") is not None and \
            os.path.exists("/usr/lib/libvirt/libvirt_lxc")

    def start(self):
        errors = os.path.join(self.directory, "errors")
        with open(errors, "wb") as said:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "bash", "-c", self.SCRIPT],
                env=dict(os.environ, W=self.directory, PATH="/usr/sbin:/usr/bin:/sbin:/bin"),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        wait_until(lambda: self.process.poll() is not None or self.virsh("uri").status == 0, 240, 0.1)
        found = self.virsh("uri")
        if found.status:
            with open(errors, encoding="utf-8", errors="replace") as said:
                raise RuntimeError(f"stock libvirtd does not start: ended {self.process.poll()}, {found.err}\n"
                                   + said.read()[-2000:])

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        path = os.path.join(self.directory, "dbus.pid")
        with contextlib.suppress(OSError, ValueError):
            with open(path, encoding="utf-8") as handle:
                os.kill(int(handle.read()), signal.SIGTERM)
            os.unlink(path)     # its number may soon be another's


@contextlib.contextmanager
def judged():
    """A directory and the daemon in it that a client is tried with: skepd, or with --oracle a stock libvirtd."""
    kind = StockLibvirtd if "--oracle" in sys.argv[1:] else Skepd
    with work_dir() as directory, kind(os.path.join(directory, "d")) as daemon:
        yield directory, daemon


class Terminal:
    """A program on a terminal of its own, talked to as a person would."""

    def __init__(self, command, env=None):
        self.seen = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")     # a letter may come in two pieces
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execvpe(command[0], command, {**os.environ, "TERM": "dumb", **(env or {})})
            finally:
                os._exit(127)

    def expect(self, pattern, seconds=PATIENCE):
        """Waits for the pattern in what was not consumed yet; gives the match or None."""
        end = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.seen)
            if match:
                self.seen = self.seen[match.end():]
                return match
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return None
            if not self._read():
                match = re.search(pattern, self.seen)
                return match

    def _read(self):
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.seen += self.decoder.decode(data)
        return bool(data)

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait(self, seconds=PATIENCE):
        """The exit status, or None when it still runs. With a status, all that it has said is in `seen`."""
        end = time.monotonic() + seconds
        while self.status is None and time.monotonic() < end:
            if select.select([self.fd], [], [], 0.02)[0]:
                self._read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                # until nobody has the terminal open; what somebody says later who was left behind is not waited for
                while select.select([self.fd], [], [], 0.2)[0] and self._read():
                    pass
        return self.status

    def close(self):
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        with contextlib.suppress(OSError):
            os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()


def container_cgroups():
    """Directories of containers' control groups, of this test and of whatever else runs on this host."""
    return {os.path.join(where, name) for where, dirs, _ in os.walk("/sys/fs/cgroup") for name in dirs
            if re.match(r"(lxc-|machine-lxc.x2d)\d+", name)}


CGROUPS_BEFORE = container_cgroups()


def leftovers(directory, names, seconds=PATIENCE):
    """What containers of these names left behind, as readable lines: mounts and control groups. Tests run
    side by side and use the same names, so a group counts when it came since this test began and its
    controller, whose pid is in the name, is dead."""
    def left():
        found = [f"mount {point}" for point in mounts_below(directory)]
        for path in sorted(container_cgroups() - CGROUPS_BEFORE):
            match = re.search(r"lxc(?:-|.x2d)(\d+)(?:-|.x2d)([^/]+?)(\.libvirt-lxc|\.scope)?$", path)
            if match and match[2] in names and not os.path.exists(f"/proc/{match[1]}"):
                found.append(f"cgroup {path}")
        return found
    # One that another test is just taking away is gone a moment later, and another one may come.
    found = []

    def none():
        found[:] = left()
        return not found
    wait_until(none, seconds, 0.2)
    return found


def die_with_parent():
    """For preexec_fn of helpers that must not outlive the test."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
