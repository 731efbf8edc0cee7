#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers that hang delay nobody else: one whose /etc is a FUSE file system that never answers, one that
is frozen, one whose init is stopped. More calls wait for them than the daemon has threads, and in the
meantime another container comes and goes. In the end those that hung can be destroyed."""

import contextlib
import ctypes
import fcntl
import os
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest  # noqa: E402

PATIENCE = 180              # seconds; deadlines of ten and more are waited for, one after the other
CALLS = 12                  # more than there are pool threads (util/task.c)
OUTSIDE = [f"outside{n}" for n in range(9)]      # also more
CLONE_NEWNS = 0x20000
MNT_DETACH = 2
LIBC = ctypes.CDLL(None, use_errno=True)


def init_pid(controller):
    """The container's init: the controller's child."""
    with open(f"/proc/{controller}/task/{controller}/children", encoding="utf-8") as children:
        return int(children.read().split()[0])


def mount_silence(pid, path, fuse):
    """Mounts, in the mount namespace of @pid, a FUSE file system that nobody serves. In a child, since a
    process that entered a mount namespace does not come back."""
    child = os.fork()
    if child == 0:
        space = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
        options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
        failed = LIBC.unshare(CLONE_NEWNS) or LIBC.setns(space, CLONE_NEWNS) or \
            LIBC.mount(b"silence", path.encode(), b"fuse", 0, options)
        os._exit(ctypes.get_errno() if failed else 0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        skeptest.skip(f"cannot mount FUSE: {os.strerror(status)}")


class Callers:
    """Calls that wait, each on a connection of its own."""

    def __init__(self, uri, name, call, count):
        self.ended = []         # (seconds, answer) of each call that came back
        self.threads = [threading.Thread(target=self.run, args=(uri, name, call), daemon=True)
                        for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, uri, name, call):
        import libvirt
        begin = time.monotonic()
        connection = libvirt.open(uri)
        try:
            answer = str(call(connection.lookupByName(name)))
        except libvirt.libvirtError as error:
            answer = str(error)
        self.ended.append((time.monotonic() - begin, answer))
        connection.close()

    def wait(self, seconds=PATIENCE):
        end = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(end - time.monotonic(), 1))
        return len(self.ended) == len(self.threads)


def lifecycle(connection, name):
    domain = connection.lookupByName(name)
    domain.create()
    domain.suspend()
    domain.resume()
    domain.XMLDesc()
    domain.setMemoryFlags(40960, 1)
    domain.guestInfo(0)
    domain.destroy()


def turns_beside(connection, checks, daemon, waiting):
    """Another container comes and goes before the first of those that wait comes back, after ten seconds. Where the
    machine itself stood still for so long, there are more to wait for."""
    for _ in range(5):
        lifecycle(connection, "lively")
        if not waiting[0].ended:
            break
        waiting[0].wait()
        waiting[0] = Callers(daemon.uri, "silent", lambda d: d.guestInfo(0), CALLS)
        time.sleep(0.5)
    checks.equal("a container comes and goes while the others wait", len(waiting[0].ended), 0)
    lifecycle(connection, "lively")


def unplugged(connection, checks, fuse):
    """A device is on its way into a file system that never answers: a destroy does not wait for it."""
    import libvirt
    domain = connection.lookupByName("plugged")
    told = []
    connection.domainEventRegisterAny(domain, libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
                                      lambda c, d, params, o: told.append(params), None)
    mount_silence(init_pid(domain.ID()), "/tmp", fuse)
    callers = Callers(connection.getURI(), "plugged", lambda d: d.attachDeviceFlags(
        "<filesystem type='ram'><source usage='1024'/><target dir='/tmp/x'/></filesystem>", 3), 1)
    # as long as a change must take that watchers are told of its end
    checks.that("the attach waits", skeptest.wait_until(lambda: domain.jobInfo()[0] and domain.jobInfo()[1] > 1100, PATIENCE)
                and not callers.ended, callers.ended)
    domain.destroy()
    checks.equal("a destroy does not wait for it", len(callers.ended), 0)
    checks.that("the attach comes back", callers.wait(), callers.ended)
    skeptest.wait_until(lambda: libvirt.virEventRunDefaultImpl() or told, PATIENCE, 0)
    checks.that("watchers are told that it took long and failed", told and told[0]["success"] is False and
                told[0]["time_elapsed"] > 1000 and told[0]["errmsg"] in callers.ended[0][1], (told, callers.ended))
    checks.that("and has changed nothing", "/tmp/x" not in domain.XMLDesc(2))


class Mute:
    """A container whose controller is stopped: watchers and `domcontrol` are told, until it goes on."""

    def __init__(self, connection):
        import libvirt
        self.domain = connection.lookupByName("mute")
        self.told = []
        connection.domainEventRegisterAny(self.domain, libvirt.VIR_DOMAIN_EVENT_ID_CONTROL_ERROR,
                                          lambda c, d, o: self.told.append(d.name()), None)
        os.kill(self.domain.ID(), signal.SIGSTOP)
        self.callers = Callers(connection.getURI(), "mute", lambda d: d.shutdownFlags(4), 1)

    def end(self, checks):
        import libvirt
        checks.that("what needs the controller comes back", self.callers.wait(), self.callers.ended)
        checks.matches("and says why", "the controller did not answer in time", str(self.callers.ended))
        skeptest.wait_until(lambda: libvirt.virEventRunDefaultImpl() or self.told, PATIENCE, 0)
        checks.equal("watchers are told that it cannot be reached", self.told, ["mute"])
        checks.equal("so says domcontrol", self.domain.controlInfo()[:2], [libvirt.VIR_DOMAIN_CONTROL_ERROR,
                     libvirt.VIR_DOMAIN_CONTROL_ERROR_REASON_MONITOR])
        os.kill(self.domain.ID(), signal.SIGCONT)
        checks.that("until it answers", skeptest.wait_until(lambda: self.domain.controlInfo()[0] == 0, PATIENCE))
        self.domain.destroy()


class Deaf:
    """A FUSE server that reads what is asked and answers nothing but the greeting: who waits for an answer
    cannot be killed."""
    LOOKUP, GREETING = 1, 26

    def __init__(self):
        self.fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        self.over = False
        self.looked = 0         # the request for a name, not answered
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over:
            try:
                request = os.read(self.fuse, 1 << 17)
            except OSError:             # nothing yet, or not mounted
                time.sleep(0.05)
                continue
            _length, code, unique = struct.unpack_from("<IIQ", request)
            if code == self.GREETING:
                body = struct.pack("<IIIIHHIIHH32x", 7, 31, 4096, 0, 8, 8, 4096, 1, 1, 0)
                self.answer(unique, body)
            elif code == self.LOOKUP:
                self.looked = unique

    def answer(self, unique, body):
        os.write(self.fuse, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)

    def found(self):
        """The name is that of a directory, after all."""
        self.answer(self.looked, struct.pack("<QQQQII", 2, 0, 60, 60, 0, 0) +
                    struct.pack("<6Q10I", 2, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0))

    def end(self):
        self.over = True
        self.thread.join()
        os.close(self.fuse)


def undead(connection, checks, daemon):
    """The helpers that look into a container cannot be killed: the calls come back all the same, more of them
    are not sent after those, and the daemon ends."""
    deaf = Deaf()
    domain = connection.lookupByName("deaf")
    mount_silence(init_pid(domain.ID()), "/etc", deaf.fuse)
    callers = Callers(connection.getURI(), "deaf", lambda d: d.guestInfo(0), 4)
    checks.that("the calls come back", callers.wait(), callers.ended)
    checks.matches("and say why", "nor when it was killed", str(callers.ended))
    checks.matches("the later ones too", "the last times", str(callers.ended))
    lifecycle(connection, "lively")
    domain.destroy()
    daemon.stop()
    checks.that("the daemon's end does not wait", "is given up" not in daemon.log())
    deaf.end()


def orphaned(connection, checks, daemon):
    """A helper that outlives its daemon in a container's file system mounts nothing there when it comes back."""
    deaf = Deaf()
    init = init_pid(connection.lookupByName("orphan").ID())
    mount_silence(init, "/etc", deaf.fuse)
    callers = Callers(connection.getURI(), "orphan", lambda d: d.attachDeviceFlags(
        "<filesystem type='ram'><source usage='1024'/><target dir='/etc/x'/></filesystem>", 1), 1)
    checks.that("the helper hangs", skeptest.wait_until(lambda: deaf.looked, PATIENCE, 0.1))
    daemon.kill()
    checks.that("the attach ends with the daemon", callers.wait(), callers.ended)
    deaf.found()
    time.sleep(1)
    with open(f"/proc/{init}/mountinfo", encoding="utf-8") as mounts:
        checks.that("nothing is mounted", " /etc/x " not in mounts.read())
    deaf.end()
    daemon.start()


def unfrozen(connection, checks, fuse):
    """The way to the file system that shall be frozen leads through one that never answers."""
    domain = connection.lookupByName("iced")
    mount_silence(init_pid(domain.ID()), "/tmp", fuse)
    callers = Callers(connection.getURI(), "iced", lambda d: d.fsFreeze(), 1)
    time.sleep(0.5)
    checks.equal("the freeze waits", len(callers.ended), 0)
    domain.destroy()
    checks.equal("a destroy does not wait for the freeze", len(callers.ended), 0)
    checks.that("the freeze comes back", callers.wait(), callers.ended)


class Outer:
    """A file system on the host that can be frozen, with an image of a container's on it: what the container
    writes to its own file system then waits."""
    FREEZE, THAW = 0xc0045877, 0xc0045878

    def __init__(self, directory):
        self.path, self.fd = os.path.join(directory, "outer"), -1
        image = self.path + ".image"
        make_image(image, 32)
        os.mkdir(self.path)
        done = subprocess.run(["mount", "-o", "loop", image, self.path], capture_output=True, text=True, check=False)
        if done.returncode:
            skeptest.skip(f"cannot mount a loop device: {done.stderr}")

    def freeze(self):
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.ioctl(self.fd, self.FREEZE, 0)

    def thaw(self):
        if self.fd >= 0:
            fcntl.ioctl(self.fd, self.THAW, 0)
            os.close(self.fd)
        self.fd = -1

    def end(self):
        self.thaw()
        # the kernel lets go of the container's image a little after its end
        if os.path.ismount(self.path) and not skeptest.wait_until(
                lambda: subprocess.run(["umount", self.path], capture_output=True, check=False).returncode == 0, PATIENCE):
            raise RuntimeError(f"{self.path} stays mounted")


def loop_of(image):
    listed = subprocess.run(["losetup", "-n", "-O", "NAME", "-j", image], capture_output=True, text=True, check=True)
    return listed.stdout.split()[0]


def unthawed(connection, checks, outer):
    """A thaw writes to a device that does not answer; limits of that device may wait for it as well, which
    depends on the kernel."""
    domain = connection.lookupByName("sunk")
    checks.equal("it is frozen", domain.fsFreeze(), 1)
    loop = loop_of(os.path.join(outer.path, "image"))
    outer.freeze()
    try:
        thaws = Callers(connection.getURI(), "sunk", lambda d: d.fsThaw(), 1)
        limits = Callers(connection.getURI(), "tuned", lambda d: d.setBlkioParameters(
            {"device_read_bytes_sec": f"{loop},1048576"}, 1), 1)
        time.sleep(0.5)
        checks.equal("the thaw waits", len(thaws.ended), 0)
        lifecycle(connection, "lively")
        checks.equal("others do not", len(thaws.ended), 0)
    finally:
        outer.thaw()
    checks.that("the thaw comes back", thaws.wait() and thaws.ended[0][1] == "1", thaws.ended)
    checks.that("so do the limits", limits.wait() and limits.ended[0][1] == "0", limits.ended)
    checks.equal("it can be frozen again", domain.fsFreeze(), 1)
    outer.freeze()
    try:
        destroys = Callers(connection.getURI(), "sunk", lambda d: d.destroy(), 1)
        time.sleep(0.5)
        lifecycle(connection, "lively")
    finally:
        outer.thaw()
    checks.that("a destroy thaws", destroys.wait() and destroys.ended[0][1] == "0",
                destroys.ended)
    connection.lookupByName("tuned").destroy()
    outer.end()


def waiting_threads(pid):
    """How many threads of a process wait for a FUSE file system, and not for a disk that is busy."""
    places = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as stat, \
                open(f"/proc/{pid}/task/{task}/wchan", encoding="utf-8") as place:
            if stat.read().rsplit(")", 1)[1].split()[0] == "D":
                places.append(place.read())
    # a kernel that does not tell has "0"; others of the same name wait for the first to have looked it up
    return sum(place == "0" or any(word in place for word in ("fuse", "request_wait", "d_alloc_parallel", "rwsem"))
               for place in places)


def steadily_waiting(pid):
    """The same, when it has not changed for a second."""
    seen = []

    def steady():
        seen.append(waiting_threads(pid))
        return len(seen) > 10 and len(set(seen[-10:])) == 1
    skeptest.wait_until(steady, PATIENCE, 0.1)
    return seen[-1]


def given_up(connection, checks, pid, silence, root):
    """Starts that look at a path which never answers, each ended by a destroy: no more than two threads stay."""
    import libvirt
    domain = connection.defineXML(skeptest.domain_xml(
        "givenup", root, devices=f"<filesystem type='mount'><source dir='{silence}/x'/><target dir='/tmp/y'/></filesystem>"))
    before = steadily_waiting(pid)
    for _ in range(4):
        starts = Callers(connection.getURI(), "givenup", lambda d: d.create(), 1)

        def over(starts=starts):
            with contextlib.suppress(libvirt.libvirtError):     # it has not begun
                domain.destroy()
            return starts.ended
        checks.that("a destroy ends the start", skeptest.wait_until(over, PATIENCE), starts.ended)
    checks.that("two threads wait for the path", skeptest.wait_until(lambda: waiting_threads(pid) == before + 2, PATIENCE),
                f"{before}, then {waiting_threads(pid)}")
    domain.undefine()


def logged(connection, checks, logs, silence, root):
    """A console's log lies there."""
    domain = connection.defineXML(skeptest.domain_xml("logged", root).replace(
        "<console type='pty'/>", f"<console type='pty'><log file='{silence}/x'/></console>"))
    starts = Callers(connection.getURI(), "logged", lambda d: d.create(), 1)
    # its own log is the first thing of that step
    checks.that("the start is as far as the logs", skeptest.wait_until(
        lambda: os.path.exists(os.path.join(logs, "logged.log")), PATIENCE), starts.ended)
    lifecycle(connection, "lively")
    checks.equal("others do not", len(starts.ended), 0)
    domain.destroy()
    checks.that("a destroy ends that start", starts.wait() and "destroyed while it started" in starts.ended[0][1],
                starts.ended)
    domain.undefine()


def outside(connection, checks, directory, pid):
    """Devices come from a path on the host that never answers: more of them than there are threads."""
    silence = os.path.join(directory, "silence")
    os.mkdir(silence)
    fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    if LIBC.mount(b"silence", silence.encode(), b"fuse", 0, f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()):
        skeptest.skip(f"cannot mount FUSE: {os.strerror(ctypes.get_errno())}")
    callers = [Callers(connection.getURI(), name, lambda d: d.attachDeviceFlags(
        f"<filesystem type='mount'><source dir='{silence}/x'/><target dir='/tmp/y'/></filesystem>", 1), 1)
        for name in OUTSIDE]
    time.sleep(0.5)
    checks.equal("the attaches wait", sum(len(caller.ended) for caller in callers), 0)
    lifecycle(connection, "lively")
    checks.equal("no start waits for them", sum(len(caller.ended) for caller in callers), 0)
    for name in OUTSIDE[1:]:
        connection.lookupByName(name).destroy()
    checks.equal("nor does a destroy", len(callers[0].ended), 0)
    given_up(connection, checks, pid, silence, os.path.join(directory, "root"))
    logged(connection, checks, os.path.join(directory, "d/log"), silence, os.path.join(directory, "root"))
    # a controller that does not listen keeps its destroy busy for a while
    os.kill(connection.lookupByName(OUTSIDE[0]).ID(), signal.SIGSTOP)
    destroy = Callers(connection.getURI(), OUTSIDE[0], lambda d: d.destroy(), 1)
    time.sleep(0.5)         # too short or too long a time cannot fail the test, only ease it
    os.close(fuse)
    LIBC.umount2(silence.encode(), MNT_DETACH)
    checks.that("one comes back while its container ends", destroy.wait(), destroy.ended)
    checks.that("the attaches come back", all(caller.wait() for caller in callers), [c.ended for c in callers])


def make_image(image, mib):
    with open(image, "wb") as file:
        file.truncate(mib << 20)
    subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)


def image_xml(directory, target):
    """A file system of the container's own, on an image."""
    image = os.path.join(directory, "image")
    make_image(image, 8)
    return f"<filesystem type='file'><driver type='loop' format='raw'/><source file='{image}'/>" \
           f"<target dir='{target}'/></filesystem>"


def main():
    try:
        import libvirt
    except ImportError:
        skeptest.skip("needs python3-libvirt")
    skeptest.need_program("mkfs.ext4")
    skeptest.enter_namespaces()
    libvirt.registerErrorHandler(lambda *ignored: None, None)
    libvirt.virEventRegisterDefaultImpl()
    libvirt.virEventAddTimeout(200, lambda *ignored: None, None)    # so that waiting for an event has an end
    checks = skeptest.Checks("start-hang")
    names = ["silent", "frozen", "stopped", "plugged", "iced", "orphan", "deaf", "sunk", "tuned", "mute", *OUTSIDE,
             "lively"]
    with skeptest.work_dir() as directory, contextlib.ExitStack() as stack:
        root = skeptest.busybox_root(os.path.join(directory, "root"))
        daemon = stack.enter_context(skeptest.Skepd(
            os.path.join(directory, "d"), lxc_conf="start_deadline = 600000\n"))     # what hangs is not ended by that
        fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        connection = libvirt.open(daemon.uri)
        outer = Outer(directory)
        stack.callback(outer.end)
        images = {"iced": directory, "sunk": outer.path}
        for name in names:
            devices = image_xml(images[name], "/tmp/disk") if name in images else ""
            connection.defineXML(skeptest.domain_xml(name, root, args=("-c", "while true; do sleep 1000; done"),
                                                     devices=devices))
            if name != "lively":
                connection.lookupByName(name).create()
        silent = connection.lookupByName("silent").ID()
        mount_silence(init_pid(silent), "/etc", fuse)
        connection.lookupByName("frozen").suspend()
        os.kill(init_pid(connection.lookupByName("stopped").ID()), signal.SIGSTOP)

        mute = Mute(connection)
        waiting = [Callers(daemon.uri, "silent", lambda d: d.guestInfo(0), CALLS),
                   Callers(daemon.uri, "stopped", lambda d: d.shutdownFlags(4), 2),
                   Callers(daemon.uri, "frozen", lambda d: d.guestInfo(0), 2)]
        time.sleep(0.5)         # they are under way; too short a time cannot fail the test, only ease it
        turns_beside(connection, checks, daemon, waiting)
        skeptest.wait_until(lambda: waiting[0].ended, PATIENCE, 0.2)
        checks.matches("the first call comes back and says why", "did not end within", str(waiting[0].ended[:1]))
        mute.end(checks)
        unplugged(connection, checks, fuse)
        unfrozen(connection, checks, fuse)
        unthawed(connection, checks, outer)
        outside(connection, checks, directory, daemon.pid())
        os.close(fuse)          # the rest need not wait as long: now the file system answers with an error
        checks.that("the other calls come back", waiting[0].wait(), waiting[0].ended)
        for callers in waiting[1:]:
            checks.that("so do those of the other containers", callers.wait(), callers.ended)
        for name in names[:3]:
            connection.lookupByName(name).destroy()
            checks.equal(f"{name}: destroyed", connection.lookupByName(name).isActive(), 0)
        orphaned(connection, checks, daemon)
        connection = libvirt.open(daemon.uri)
        connection.lookupByName("orphan").destroy()
        undead(connection, checks, daemon)
        connection.close()
        checks.equal("nothing is left over", skeptest.leftovers(directory, names), [])
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
