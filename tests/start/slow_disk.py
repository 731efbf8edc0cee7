#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk with the definitions does not answer for a while: its file system is frozen. What changes a definition
waits for it and for what came before it; everything else goes on, and sees the old state. In the end all of it has
happened in its order, also for a client that has left and for a daemon that was told to end or was killed."""

import contextlib
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
import wire  # noqa: E402
from hang import Callers, lifecycle, make_image  # noqa: E402

FREEZE, THAW = 0xc0045877, 0xc0045878
NAMES = ["base", "lively", "fresh", "named", "left", "kept", "killed", "gone", "started", "late"]


def waiting_threads(pid):
    """How many threads of a daemon, but for its first one, are at a file system that is frozen, or where the kernel does
    not tell, at any disk."""
    count = 0
    for task in set(os.listdir(f"/proc/{pid}/task")) - {str(pid)}:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as stat, \
                open(f"/proc/{pid}/task/{task}/wchan", encoding="utf-8") as place:
            if stat.read().rsplit(")", 1)[1].split()[0] == "D":
                where = place.read()
                count += where == "0" or "percpu" in where
    return count


class Disk:
    """The file system that has the definitions."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "lxc")
        image = os.path.join(directory, "image")
        make_image(image, 16)
        os.mkdir(self.path)
        done = subprocess.run(["mount", "-o", "loop", image, self.path], capture_output=True, text=True, check=False)
        if done.returncode:
            skeptest.skip(f"cannot mount a loop device: {done.stderr}")
        self.daemon = self.connection = None

    def has(self, name):
        with contextlib.suppress(FileNotFoundError), \
                open(os.path.join(self.path, name + ".xml"), encoding="utf-8") as file:
            return file.read()
        return ""

    def settle(self):
        """Waits until all that was written is synced, which would be at the disk, too: the version before a change goes
        with the group that the change is synced with, if none stood there already. So the second time is the last."""
        for text in ("one", "two"):
            self.connection.lookupByName("base").setMetadata(0, text, None, None, 2)
            if not skeptest.wait_until(lambda: not [name for name in os.listdir(self.path) if name.endswith(".old")]):
                raise RuntimeError("what was changed is not synced")
        if not skeptest.wait_until(lambda: waiting_threads(self.daemon.pid()) == 0):
            raise RuntimeError("the daemon still waits for a disk")

    @contextlib.contextmanager
    def frozen(self):
        self.settle()
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        # a daemon that waits for the disk shall fail the test, not keep it for ever
        guard = threading.Timer(240, fcntl.ioctl, (fd, THAW, 0))
        guard.daemon = True
        fcntl.ioctl(fd, FREEZE, 0)
        guard.start()
        try:
            yield
        finally:
            guard.cancel()
            fcntl.ioctl(fd, THAW, 0)
            os.close(fd)

    def reached(self, changes):
        """Whether so many of them are at the disk."""
        return skeptest.wait_until(lambda: waiting_threads(self.daemon.pid()) == changes)


def listed(connection):
    return sorted(domain.name() for domain in connection.listAllDomains())


def ended(checks, *callers):
    for caller in callers:
        checks.that("a call comes back", caller.wait(), caller.ended)
    return [caller.ended[0][1] for caller in callers]


def others(checks, disk, uri, root):
    """What does not change a definition does not wait; what was to be defined is nowhere yet."""
    connection = disk.connection
    before = listed(connection)
    with disk.frozen():
        defines = Callers(uri, "base", lambda d: d.connect().defineXML(skeptest.domain_xml("fresh", root)).name(), 1)
        checks.that("a define is at the disk", disk.reached(1), defines.ended)
        autostart = Callers(uri, "base", lambda d: d.setAutostart(1), 1)
        checks.that("so is another domain's change", disk.reached(2), autostart.ended)
        lifecycle(connection, "lively")
        connection.getAllDomainStats()
        checks.equal("the domain is not listed yet", listed(connection), before)
        checks.equal("nor has the other one changed", connection.lookupByName("base").autostart(), 0)
        checks.equal("they still wait", [defines.ended, autostart.ended], [[], []])
    checks.equal("both are done", ended(checks, defines, autostart), ["fresh", "0"])
    checks.that("the domain is there", "fresh" in listed(connection) and disk.has("fresh"), listed(connection))
    checks.equal("the other one has changed", connection.lookupByName("base").autostart(), 1)
    checks.equal("on disk, too", os.readlink(os.path.join(disk.path, "autostart/base.xml")), "../base.xml")


def ordered(checks, disk, uri, root):
    """Changes of one domain: a title, a whole new definition, another title. None is lost but the first one."""
    uuid = disk.connection.lookupByName("base").UUIDString()
    xml = skeptest.domain_xml("base", root, uuid=uuid, more="<description>new</description>")
    xml = xml.replace("<description>new</description>", "").replace("<memory", "<description>new</description><memory")
    with disk.frozen():
        first = Callers(uri, "base", lambda d: d.setMetadata(1, "first", None, None, 2), 1)
        checks.that("the first is at the disk", disk.reached(1), first.ended)
        define = Callers(uri, "lively", lambda d: d.connect().defineXML(xml).name(), 1)
        second = Callers(uri, "base", lambda d: d.setMetadata(1, "second", None, None, 2), 1)
        checks.equal("nobody sees it yet", title(disk.connection.lookupByName("base"), 1), None)
    answers = ended(checks, first, define, second)
    # what waits for another call's turn at its domain waits for half a minute
    done = "another job of domain" not in answers[2]
    checks.equal("all are done", answers[:2 + done], ["0", "base", "0"][:2 + done])
    base = disk.connection.lookupByName("base")
    checks.equal("the description is of the new definition", title(base, 0), "new")
    text = disk.has("base")
    # the second title may have come before the define, which then has none
    checks.that("memory and disk are the same", (title(base, 1) == "second") == ("<title>second</title>" in text), text)
    checks.that("the first title is nowhere", "first" not in text and title(base, 1) in ("second", None), text)


def destroyed(checks, disk, uri, root):
    """A destroy waits neither for a define of its domain nor for a change that waits for that."""
    lively = disk.connection.lookupByName("lively")
    lively.create()
    xml = lively.XMLDesc(2)
    with disk.frozen():
        define = Callers(uri, "base", lambda d: d.connect().defineXML(xml).name(), 1)
        checks.that("a define of one that runs is at the disk", disk.reached(1), define.ended)
        change = Callers(uri, "lively", lambda d: d.setMetadata(1, "late", None, None, 2), 1)
        checks.that("a change waits for it", skeptest.wait_until(lambda: lively.jobInfo()[0] != 0), change.ended)
        destroy = Callers(uri, "lively", lambda d: d.destroy(), 1)
        checks.equal("a destroy does not", ended(checks, destroy), ["0"])
        checks.equal("both still wait", [define.ended, change.ended], [[], []])
        checks.that("it does not run", not lively.isActive())
    checks.equal("both are done", ended(checks, define, change), ["lively", "0"])
    checks.equal("one after the other", title(lively, 1), "late")
    lively.setMetadata(1, None, None, None, 2)


def renamed(checks, disk, uri, root):
    """A rename waits for a define of its domain, and a define that came after it for the rename: its uuid has another
    name by then."""
    fresh = disk.connection.lookupByName("fresh")
    xml = skeptest.domain_xml("fresh", root, uuid=fresh.UUIDString())
    late = wire.Wire(os.path.join(disk.daemon.directory, "skep-sock")).open()
    with disk.frozen():
        define = Callers(uri, "base", lambda d: d.connect().defineXML(xml).name(), 1)
        checks.that("a define is at the disk", disk.reached(1), define.ended)
        rename = Callers(uri, "fresh", lambda d: d.rename("named"), 1)
        checks.that("a rename waits for it", skeptest.wait_until(lambda: fresh.jobInfo()[0] != 0), rename.ended)
        serial = late.send(wire.procedures()["DOMAIN_DEFINE_XML"], wire.string(xml))
        listed(disk.connection)     # the daemon has read that, too
    checks.equal("both are done", ended(checks, define, rename), ["fresh", "0"])
    try:
        checks.that("the late define is refused", not late.reply(serial))
    except wire.Failure as error:
        checks.matches("the late define", "domain 'named' is already defined with uuid", error.message)
    late.close()
    checks.equal("it has one name", [name for name in listed(disk.connection) if name in ("fresh", "named")], ["named"])
    checks.that("on disk, too", disk.has("named") and not disk.has("fresh"))
    checks.equal("and is found by its uuid", disk.connection.lookupByUUIDString(fresh.UUIDString()).name(), "named")


def title(domain, kind):
    import libvirt
    try:
        return domain.metadata(kind, None, 2)
    except libvirt.libvirtError:
        return None


def taken_away(checks, disk, uri, root):
    """An undefine: a start that was asked for after it finds nothing, and a domain of that name can come after it. A
    container that a client creates waits for the define of its domain."""
    disk.connection.defineXML(skeptest.domain_xml("gone", root))
    with disk.frozen():
        undefine = Callers(uri, "gone", lambda d: d.undefine(), 1)
        checks.that("the undefine is at the disk", disk.reached(1), undefine.ended)
        start = Callers(uri, "gone", lambda d: d.create(), 1)
        checks.that("it is still listed", "gone" in listed(disk.connection))
        again = Callers(uri, "base", lambda d: d.connect().defineXML(
            skeptest.domain_xml("gone", root, memory_kib=40960)).maxMemory(), 1)
        define = Callers(uri, "base", lambda d: d.connect().defineXML(skeptest.domain_xml(
            "started", root, uuid="7d1ff8a1-5a0e-4d5b-9a4e-5e1d4c0a8e11")).name(), 1)
        checks.that("so is a define", disk.reached(2), define.ended)
        create = Callers(uri, "base", lambda d: d.connect().createXML(skeptest.domain_xml(
            "started", root, uuid="7d1ff8a1-5a0e-4d5b-9a4e-5e1d4c0a8e11",
            args=("-c", "while true; do sleep 1000; done"))).isPersistent(), 1)
    answers = ended(checks, undefine, start, again, define, create)
    checks.matches("the start finds nothing", "is gone|no domain with matching uuid|another job of domain", answers[1])
    del answers[1]
    checks.equal("the rest is done", answers, ["0", "40960", "started", "1"])
    checks.that("the new one is on disk", ">40960</memory>" in disk.has("gone"), disk.has("gone"))
    disk.connection.lookupByName("started").destroy()


def unheard(checks, disk, root):
    """A client that has left while its define was at the disk."""
    client = wire.Wire(os.path.join(disk.daemon.directory, "skep-sock")).open()
    with disk.frozen():
        client.send(wire.procedures()["DOMAIN_DEFINE_XML"], wire.string(skeptest.domain_xml("left", root)))
        checks.that("its define is at the disk", disk.reached(1))
        client.close()
        disk.connection.listAllDomains()
    checks.that("it is defined", skeptest.wait_until(lambda: "left" in listed(disk.connection)))
    checks.that("on disk, too", disk.has("left"))


def refused(checks, disk, root):
    """What cannot be written changes nothing, and says why."""
    import libvirt
    domain = disk.connection.lookupByName("base")
    disk.settle()
    before = listed(disk.connection), domain.XMLDesc(2), domain.autostart()
    subprocess.run(["mount", "-o", "remount,ro", disk.path], check=True)
    try:
        for name, call, text in (
                ("a define", lambda: disk.connection.defineXML(skeptest.domain_xml("never", root)),
                 "cannot create file '.*/never.xml': Read-only file system"),
                ("a change", lambda: domain.setMetadata(1, "never", None, None, 2),
                 "cannot create file '.*/base.xml': Read-only file system"),
                ("memory", lambda: domain.setMemoryFlags(4096, 2), "cannot create file '.*/base.xml': Read-only"),
                ("autostart", lambda: domain.setAutostart(0), "Failed to remove file '.*/autostart/base.xml': Read-only"),
                ("a new name", lambda: domain.rename("never"), "cannot create file '.*/never.xml': Read-only"),
                ("an undefine", domain.undefine, "Failed to remove file '.*/base.xml': Read-only")):
            try:
                call()
                checks.that(f"{name} is refused", False)
            except libvirt.libvirtError as error:
                checks.matches(f"{name} says why", text, str(error))
                checks.equal(f"{name}: code", error.get_error_code(), libvirt.VIR_ERR_SYSTEM_ERROR)
    finally:
        subprocess.run(["mount", "-o", "remount,rw", disk.path], check=True)
    checks.equal("nothing has changed", (listed(disk.connection), domain.XMLDesc(2), domain.autostart()), before)


def daemon_ends(checks, disk, root, name, number):
    """The daemon's end while a define is at the disk. The kernel lets a process that waits for a disk end when the disk
    has answered."""
    daemon = disk.daemon
    client = wire.Wire(os.path.join(daemon.directory, "skep-sock")).open()
    pid, death = daemon.pid(), daemon.death()
    with disk.frozen():
        client.send(wire.procedures()["DOMAIN_DEFINE_XML"], wire.string(skeptest.domain_xml(name, root)))
        checks.that(f"{name}: its define is at the disk", disk.reached(1))
        began = time.monotonic()
        os.kill(pid, number)
        # of one that is killed the sockets close with its last thread
        checks.that(f"{name}: it takes notice", client.is_closed(skeptest.PATIENCE) if number == signal.SIGTERM else
                    skeptest.wait_until(lambda: not skeptest.is_alive(pid)))
    late = time.monotonic() - began > 25        # the daemon waits for its tasks for 30 seconds
    client.close()
    checks.that(f"{name}: the daemon ends", daemon.wait_dead(death))
    daemon.start()
    disk.connection = open_connection(daemon.uri)
    there = name in listed(disk.connection)
    checks.that(f"{name}: it has finished the define", there or late or number == signal.SIGKILL)
    checks.equal(f"{name}: there or not, the file says so", there, bool(disk.has(name)))
    checks.that(f"{name}: nothing is bad", not [file for file in os.listdir(disk.path) if ".bad-" in file])


def nothing_begins(checks, disk, root):
    """A container that was to be created after a define, by a daemon that was told to end meanwhile."""
    daemon, procedures = disk.daemon, wire.procedures()
    path = os.path.join(daemon.directory, "skep-sock")
    xml = wire.string(skeptest.domain_xml("late", root, uuid="7d1ff8a1-5a0e-4d5b-9a4e-5e1d4c0a8e12",
                                          args=("-c", "echo begun >/begun; while true; do sleep 1000; done")))
    death = daemon.death()
    with disk.frozen(), contextlib.closing(wire.Wire(path).open()) as one, contextlib.closing(wire.Wire(path).open()) as two:
        one.send(procedures["DOMAIN_DEFINE_XML"], xml)
        checks.that("the define is at the disk", disk.reached(1))
        two.send(procedures["DOMAIN_CREATE_XML"], xml + struct.pack(">I", 0))
        listed(disk.connection)     # the daemon has read that, too
        os.kill(daemon.pid(), signal.SIGTERM)
        checks.that("the daemon takes notice", two.is_closed(skeptest.PATIENCE))
    checks.that("it ends", daemon.wait_dead(death))
    checks.equal("nothing is begun", [name for place in ("log", "domains")
                                      for name in os.listdir(os.path.join(daemon.directory, place))
                                      if name.startswith(("late", "7d1ff8a1"))], [])
    daemon.start()
    disk.connection = open_connection(daemon.uri)
    checks.equal("nor does the next one", (disk.connection.listDomainsID(), os.path.exists(f"{root}/begun"), daemon.controllers()),
                 ([], False, []))


def open_connection(uri):
    import libvirt
    return libvirt.open(uri)


def main():
    try:
        import libvirt
    except ImportError:
        skeptest.skip("needs python3-libvirt")
    skeptest.need_program("mkfs.ext4")
    skeptest.enter_namespaces()
    libvirt.registerErrorHandler(lambda *ignored: None, None)
    checks = skeptest.Checks("start-slow-disk")
    with skeptest.work_dir() as directory, contextlib.ExitStack() as stack:
        root = skeptest.busybox_root(os.path.join(directory, "root"))
        os.mkdir(os.path.join(directory, "d"))
        disk = Disk(os.path.join(directory, "d"))
        daemon = disk.daemon = stack.enter_context(skeptest.Skepd(os.path.join(directory, "d")))
        disk.connection = open_connection(daemon.uri)
        for name in ("base", "lively"):
            disk.connection.defineXML(skeptest.domain_xml(name, root, args=("-c", "while true; do sleep 1000; done")))
        others(checks, disk, daemon.uri, root)
        ordered(checks, disk, daemon.uri, root)
        destroyed(checks, disk, daemon.uri, root)
        renamed(checks, disk, daemon.uri, root)
        taken_away(checks, disk, daemon.uri, root)
        unheard(checks, disk, root)
        refused(checks, disk, root)
        daemon_ends(checks, disk, root, "kept", signal.SIGTERM)
        daemon_ends(checks, disk, root, "killed", signal.SIGKILL)
        nothing_begins(checks, disk, root)
        disk.connection.close()
        checks.equal("nothing is left over", skeptest.leftovers(os.path.join(directory, "root"), NAMES), [])
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
