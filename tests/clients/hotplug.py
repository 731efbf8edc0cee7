#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices come into running containers and leave them, by stock virsh: what is seen inside has the right
type, mode and owner, can be used, and is gone afterwards; definitions, events and failures are true. Twice:
without and with a user namespace."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent import futures

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

IDMAP = ("<idmap><uid start='0' target='100000' count='65536'/><gid start='0' target='100000' count='65536'/>"
         "</idmap>")
MAC = "52:54:00:aa:bb:01"
# TUNSETIFF with IFF_TAP | IFF_NO_PI
HOLD_TAP = """import fcntl, struct, sys
with open("/dev/net/tun", "r+b", buffering=0) as tun:
    fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH14x", b"skeptap", 0x1002))
    print("open", flush=True)
    sys.stdin.read()"""


class Guest:
    """A running container with a shell's tools in it."""

    def __init__(self, daemon, directory, name, *, idmap=False, net=True):
        self.daemon, self.directory, self.name, self.idmap = daemon, directory, name, idmap
        self.root = t.busybox_root(os.path.join(directory, name))
        self.owner = 100000 if idmap else 0
        os.makedirs(os.path.join(self.root, "mnt"), exist_ok=True)
        more = "<features><privnet/></features>" if net else ""
        self.xml = os.path.join(directory, f"{name}.xml")
        with open(self.xml, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(name, self.root, init="/bin/sleep", args=("100000",),
                                      more=(IDMAP if idmap else "") + more))
        self.must("define", self.xml)
        self.must("start", name)
        self.init = self.find_init()

    def find_init(self):
        controller = self.daemon.virsh("domid", self.name).out.strip()
        with open(f"/proc/{controller}/task/{controller}/children", encoding="utf-8") as handle:
            return int(handle.read().split()[0])

    def must(self, *words):
        done = self.daemon.virsh(*words)
        if done.status:
            raise RuntimeError(f"virsh {' '.join(words)}: {done!r}")
        return done

    def run(self, *words):
        """A program in the container's namespaces and cgroups, as its root."""
        user = ["-U", "-S", "0", "-G", "0"] if self.idmap else []
        groups = f"for f in $(ls -d /sys/fs/cgroup/*/); do p=$(sed -n 's/.*devices:\\(.*\\)/\\1/p' /proc/{self.init}/cgroup); "
        command = (groups + "done; echo $$ >/sys/fs/cgroup/devices$p/tasks 2>/dev/null; exec \"$@\"")
        return t.execute(["sh", "-c", command, "sh", "nsenter", "-t", str(self.init), "-m", "-n", "-p", "-i", "-u",
                          *user, *words])

    def device(self, path):
        """"b 7:0 700 0:0" of a node as the host sees it, or None."""
        with contextlib.suppress(FileNotFoundError):
            st = os.lstat(f"/proc/{self.init}/root{path}")
            kind = {0o060000: "b", 0o020000: "c"}.get(st.st_mode & 0o170000, "?")
            return (kind, os.major(st.st_rdev), os.minor(st.st_rdev), oct(st.st_mode & 0o7777), st.st_uid, st.st_gid)
        return None

    def mounts(self):
        with open(f"/proc/{self.init}/mountinfo", encoding="utf-8") as table:
            return {line.split()[4]: line for line in table}

    def live(self):
        return self.must("dumpxml", self.name).out

    def saved(self):
        return self.must("dumpxml", "--inactive", self.name).out

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(text)
        return path

    def attach(self, xml, *flags):
        return self.daemon.virsh("attach-device", self.name, self.write("device.xml", xml), *(flags or ["--live"]))

    def detach(self, xml, *flags):
        return self.daemon.virsh("detach-device", self.name, self.write("device.xml", xml), *(flags or ["--live"]))

    def update(self, xml, *flags):
        return self.daemon.virsh("update-device", self.name, self.write("device.xml", xml), *(flags or ["--live"]))


def well(done):
    return (done.status, done.err)


GOOD = (0, "")


def char_device(checks, guest):
    xml = "<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char></source></hostdev>"
    st = os.stat("/dev/loop-control")
    wanted = ("c", os.major(st.st_rdev), os.minor(st.st_rdev), "0o700", guest.owner, guest.owner)
    what = f"{guest.name}: character device"
    open_it = ("sh", "-c", "exec 3</dev/loop-control && echo opened")
    checks.equal(f"{what}: attach", well(guest.attach(xml)), GOOD)
    checks.equal(f"{what}: the node", guest.device("/dev/loop-control"), wanted)
    checks.equal(f"{what}: can be opened", guest.run(*open_it).out, "opened\n")
    checks.that(f"{what}: is in the live definition", "<char>/dev/loop-control</char>" in guest.live())
    checks.equal(f"{what}: update to the same", well(guest.update(xml)), GOOD)
    checks.that(f"{what}: not in the saved one", "loop-control" not in guest.saved())
    again = guest.attach(xml)
    checks.matches(f"{what}: once", "host device already exists", again.err)
    guest.run("mknod", "/dev/kept", "c", str(os.major(st.st_rdev)), str(os.minor(st.st_rdev)))
    guest.run("ln", "/dev/loop-control", "/dev/hard")
    checks.equal(f"{what}: detach", well(guest.detach(xml)), GOOD)
    checks.equal(f"{what}: the node is gone", guest.device("/dev/loop-control"), None)
    left = guest.run("sh", "-c", "exec 3</dev/hard && echo opened")
    checks.that(f"{what}: a link to it that was kept is of no use", "opened" not in left.out, repr(left))
    checks.that(f"{what}: gone from the definition", "loop-control" not in guest.live())
    gone = guest.detach(xml)
    checks.matches(f"{what}: detach again", "hostdev /dev/loop-control not found", gone.err)
    checks.matches(f"{what}: nor is there one to update", "hostdev /dev/loop-control not found", guest.update(xml).err)


def disks(checks, guest, image):
    what = f"{guest.name}: disk"
    loop = t.loop_device(image)
    try:
        st = os.stat(loop)
        wanted = ("b", os.major(st.st_rdev), os.minor(st.st_rdev), "0o700", guest.owner, guest.owner)
        done = guest.daemon.virsh("attach-disk", guest.name, loop, "sda", "--live")
        checks.equal(f"{what}: attach-disk", well(done), GOOD)
        checks.equal(f"{what}: the node", guest.device("/dev/sda"), wanted)
        read = guest.run("dd", "if=/dev/sda", "of=/dev/null", "bs=512", "count=1")
        checks.equal(f"{what}: can be read", read.status, 0)
        again = guest.daemon.virsh("attach-disk", guest.name, loop, "sda", "--live")
        checks.matches(f"{what}: the target is taken", "target sda already exists", again.err)
        listed = guest.daemon.virsh("domblklist", guest.name)
        checks.that(f"{what}: virsh domblklist", loop in listed.out, repr(listed))
        done = guest.daemon.virsh("detach-disk", guest.name, "sda", "--live")
        checks.equal(f"{what}: detach-disk", well(done), GOOD)
        checks.equal(f"{what}: gone", guest.device("/dev/sda"), None)
    finally:
        subprocess.run(["losetup", "-d", loop], check=True)
    xml = (f"<disk type='file'><driver name='loop' type='raw'/><source file='{image}'/><target dev='sdb'/>"
           "<readonly/></disk>")
    checks.equal(f"{what} of a file: attach", well(guest.attach(xml)), GOOD)
    kind = (guest.device("/dev/sdb") or "-")[0]
    checks.equal(f"{what} of a file: the node", kind, "b")
    checks.equal(f"{what} of a file: can be read",
                 guest.run("dd", "if=/dev/sdb", "of=/dev/null", "bs=512", "count=1").status, 0)
    checks.that(f"{what} of a file: not written",
                guest.run("sh", "-c", "echo x >/dev/sdb").status != 0)
    checks.equal(f"{what} of a file: detach", well(guest.detach(xml)), GOOD)
    checks.equal(f"{what} of a file: no loop device stays",
                 t.wait_until(lambda: not t.execute(["losetup", "-j", image]).out), True)


def other_disk(checks, guest, image):
    """A disk becomes another one, read-only, or comes back when that cannot be."""
    what = f"{guest.name}: another disk"
    other = image + ".other"
    shutil.copyfile(image, other)

    def disk(path, more=""):
        return (f"<disk type='file'><driver name='loop' type='raw'/><source file='{path}'/><target dev='sdb'/>{more}"
                "</disk>")

    def backing():
        numbers = guest.device("/dev/sdb")
        with open(f"/sys/dev/block/{numbers[1]}:{numbers[2]}/loop/backing_file", encoding="utf-8") as handle:
            return handle.read().strip()

    def writes():
        return guest.run("sh", "-c", "echo x >/dev/sdb").status == 0
    checks.equal(f"{what}: attach", well(guest.attach(disk(image), "--live", "--config")), GOOD)
    before = guest.device("/dev/sdb"), guest.live()
    checks.equal(f"{what}: nothing changes", well(guest.update(disk(image))), GOOD)
    checks.equal(f"{what}: it is the same", (guest.device("/dev/sdb"), guest.live()), before)
    checks.equal(f"{what}: the source", well(guest.update(disk(other), "--live", "--config")), GOOD)
    checks.equal(f"{what}: behind the node", backing(), other)
    checks.that(f"{what}: in both definitions", all(other in text and f"'{image}'" not in text
                                                    for text in (guest.live(), guest.saved())))
    checks.that(f"{what}: the same alias", "<alias name='disk0'/>" in before[1] and "<alias name='disk0'/>" in guest.live())
    checks.that(f"{what}: nobody has the old one", t.wait_until(lambda: not t.execute(["losetup", "-j", image]).out))
    checks.equal(f"{what}: read-only", well(guest.update(disk(other, "<readonly/>"))), GOOD)
    checks.that(f"{what}: it is", not writes() and guest.run("dd", "if=/dev/sdb", "of=/dev/null", "count=1").status == 0)
    failed = guest.update(disk("/nonexistent"))
    checks.matches(f"{what}: no such file", "/nonexistent.*No such file", failed.err)
    checks.equal(f"{what}: it is back", backing(), other)
    checks.that(f"{what}: read-only as before", not writes() and "/nonexistent" not in guest.live())
    checks.matches(f"{what}: nothing in it", "missing source information for device sdb",
                   guest.update("<disk type='file'><target dev='sdb'/></disk>").err)
    checks.matches(f"{what}: of no such disk", "disk sdx not found", guest.update(disk(image).replace("sdb", "sdx")).err)
    checks.equal(f"{what}: detach", well(guest.detach(disk(other), "--live", "--config")), GOOD)
    os.unlink(other)


def of_the_start(checks, guest, image):
    """What a container was started with leaves as what was attached later does: nobody keeps its device."""
    what = f"{guest.name}: of the start"
    disk = (f"<disk type='file'><driver name='loop' type='raw'/><source file='{image}'/><target dev='sdb'/><readonly/>"
            "</disk>")
    fs = (f"<filesystem type='file' accessmode='passthrough'><driver type='loop' format='raw'/><source file='{image}'/>"
          "<target dir='/mnt/image'/></filesystem>")
    host = os.path.join(guest.directory, "of-the-start")
    os.makedirs(host, exist_ok=True)
    bound = f"<filesystem type='mount'><source dir='{host}'/><target dir='/mnt/bound'/></filesystem>"
    devices = (disk, fs, bound)
    for xml in devices:
        checks.equal(f"{what}: attach for the next start", well(guest.attach(xml, "--config")), GOOD)
    guest.must("destroy", guest.name)
    guest.must("start", guest.name)
    guest.init = guest.find_init()
    checks.that(f"{what}: the disk is there", guest.device("/dev/sdb"))
    checks.that(f"{what}: the file systems", {"/mnt/image", "/mnt/bound"} <= set(guest.mounts()))
    checks.equal(f"{what}: loop devices", len(t.execute(["losetup", "-j", image]).out.splitlines()), 2)
    if guest.idmap:
        locked(checks, guest, bound)
    user = os.open(f"/proc/{guest.init}/root/mnt/image", os.O_PATH)
    checks.matches(f"{what}: in use it stays", "Device or resource busy", guest.detach(fs).err)
    os.close(user)
    checks.that(f"{what}: it is there", "/mnt/image" in guest.mounts() and "/mnt/image" in guest.live())
    for xml in devices:
        checks.equal(f"{what}: detach", well(guest.detach(xml, "--live", "--config")), GOOD)
    checks.that(f"{what}: no mount stays", not {"/mnt/image", "/mnt/bound"} & set(guest.mounts()))
    checks.equal(f"{what}: no loop device stays",
                 t.wait_until(lambda: not t.execute(["losetup", "-j", image]).out), True)


def locked(checks, guest, bound):
    """What a start has mounted in a user namespace nobody can take away from inside; detaching it can."""
    what = f"{guest.name}: locked"
    checks.that(f"{what}: not by its root", guest.run("umount", "/mnt/bound").status != 0)
    checks.that(f"{what}: nor lazily", guest.run("umount", "-l", "/mnt/bound").status != 0)
    guest.run("mkdir", "-p", "/mnt/bound/below")
    checks.equal(f"{what}: a mount of its own", guest.run("mount", "-t", "tmpfs", "own", "/mnt/bound/below").status, 0)
    done = guest.detach(bound)
    checks.matches(f"{what}: has to go first", "Device or resource busy", done.err)
    checks.equal(f"{what}: it goes", guest.run("umount", "/mnt/bound/below").status, 0)
    checks.equal(f"{what}: all is private", guest.run("mount", "--make-rprivate", "/").status, 0)
    done = guest.detach(bound)
    checks.matches(f"{what}: then it stays, and it is said why", "the container has made its mounts private", done.err)
    checks.that(f"{what}: everywhere", "/mnt/bound" in guest.mounts() and "/mnt/bound" in guest.live())
    guest.must("destroy", guest.name)
    guest.must("start", guest.name)
    guest.init = guest.find_init()
    # mounted by another daemon: the controller has what it takes
    guest.daemon.restart()
    checks.equal(f"{what}: detach", well(guest.detach(bound)), GOOD)
    checks.that(f"{what}: it is gone", "/mnt/bound" not in guest.mounts() and "/mnt/bound" not in guest.live())
    checks.equal(f"{what}: attach it again", well(guest.attach(bound)), GOOD)


def slow_controller(guest, begin, under_way, meanwhile):
    """What comes of @begin if the controller has not done its part before @meanwhile. Again when that took the machine so
    long that the daemon may have given up waiting, which it does after five seconds."""
    controller = int(guest.daemon.virsh("domid", guest.name).out)
    for _ in range(10):
        saved = guest.saved()
        began = t.time.monotonic()
        os.kill(controller, signal.SIGSTOP)
        try:
            with futures.ThreadPoolExecutor() as pool:
                begun = pool.submit(begin)
                if not t.wait_until(under_way):
                    raise RuntimeError("it is never under way")
                meanwhile()
                os.kill(controller, signal.SIGCONT)
                lasted = t.time.monotonic() - began
                done = begun.result()
        finally:
            os.kill(controller, signal.SIGCONT)
        if lasted < 4:
            return done
        print(f"{guest.name}: took {lasted:.1f} s, so once more: {done}", flush=True)
        guest.must("define", guest.write("again.xml", saved))
    return done


def defined_meanwhile(checks, guest, image):
    """The controller is asked to hold the loop device, and is slow; a define needs no job."""
    what = f"{guest.name}: defined meanwhile"
    xml = (f"<disk type='file'><driver name='loop' type='raw'/><source file='{image}'/><target dev='sdb'/></disk>")
    saved = guest.saved()
    new = guest.write("new.xml", saved.replace("<memory", "<description>newer</description><memory", 1))
    done = slow_controller(guest, lambda: guest.attach(xml, "--live", "--config"),
                           lambda: t.execute(["losetup", "-j", image]).out, lambda: guest.must("define", new))
    checks.matches(f"{what}: the attach fails", "was changed meanwhile", done.err)
    checks.that(f"{what}: what was defined stays", "newer" in guest.saved() and "sdb" not in guest.saved())
    checks.that(f"{what}: the device is nowhere", "sdb" not in guest.live() and not guest.device("/dev/sdb"))
    guest.must("define", guest.write("new.xml", saved))
    exchanged_meanwhile(checks, guest, image, xml)


def exchanged_meanwhile(checks, guest, image, xml):
    """The same while a disk goes for another: the controller is asked to let go of the old one's loop device."""
    what = f"{guest.name}: defined during an exchange"
    other = shutil.copyfile(image, image + ".other")
    checks.equal(f"{what}: attach", well(guest.attach(xml, "--live", "--config")), GOOD)
    saved = guest.saved()
    new = guest.write("new.xml", saved.replace("<memory", "<description>newer</description><memory", 1))
    done = slow_controller(guest, lambda: guest.update(xml.replace(image, other), "--live", "--config"),
                           lambda: not guest.device("/dev/sdb"), lambda: guest.must("define", new))
    checks.matches(f"{what}: the exchange fails", "was changed meanwhile", done.err)
    checks.that(f"{what}: what was defined stays", "newer" in guest.saved() and other not in guest.saved())
    checks.that(f"{what}: the old disk is back", other not in guest.live() and image in guest.live() and guest.device("/dev/sdb"))
    guest.must("define", guest.write("new.xml", saved))
    checks.equal(f"{what}: detach", well(guest.detach(xml, "--live", "--config")), GOOD)
    os.unlink(other)


def filesystems(checks, guest, image):
    what = f"{guest.name}: file system"
    host = os.path.join(guest.directory, f"host-{guest.name}")
    os.makedirs(os.path.join(host, "sub"), exist_ok=True)
    with open(os.path.join(host, "file"), "w", encoding="utf-8") as handle:
        handle.write("of the host\n")

    def mount(kind, source, target, more=""):
        return f"<filesystem type='{kind}'>{source}<target dir='{target}'/>{more}</filesystem>"

    xml = mount("mount", f"<source dir='{host}'/>", "/mnt/new/dir")
    checks.equal(f"{what}: attach a directory", well(guest.attach(xml)), GOOD)
    checks.equal(f"{what}: is seen inside", guest.run("cat", "/mnt/new/dir/file").out, "of the host\n")
    checks.equal(f"{what}: written inside", guest.run("touch", "/mnt/new/dir/made").status, 0)
    checks.equal(f"{what}: owner on the host", os.stat(os.path.join(host, "made")).st_uid, 0)
    checks.that(f"{what}: not mounted on the host", not t.mounts_below(guest.root))
    busy = subprocess.Popen(["nsenter", "-t", str(guest.init), "-m", "sh", "-c", "cd /mnt/new/dir; exec sleep 1000"])
    checks.that(f"{what}: somebody is in it", t.wait_until(lambda: os.path.samefile(f"/proc/{busy.pid}/cwd", host)))
    refused = guest.detach(xml)
    checks.matches(f"{what}: in use it stays", "Device or resource busy", refused.err)
    checks.that(f"{what}: and is in the definition", "/mnt/new/dir" in guest.live())
    busy.kill()
    busy.wait()
    # whoever looks at its links in /proc keeps it in use for a moment
    checks.that(f"{what}: then it goes", t.wait_until(lambda: guest.detach(xml).status == 0, step=0.2))
    checks.that(f"{what}: gone", "/mnt/new/dir" not in guest.mounts())
    checks.that(f"{what}: gone from the definition", "/mnt/new/dir" not in guest.live())

    xml = mount("mount", f"<source dir='{host}/file'/>", "/mnt/one", "<readonly/>")
    checks.equal(f"{what}: attach a file, read-only", well(guest.attach(xml)), GOOD)
    checks.equal(f"{what}: its text", guest.run("cat", "/mnt/one").out, "of the host\n")
    checks.that(f"{what}: not writable", guest.run("sh", "-c", "echo x >/mnt/one").status != 0)
    guest.run("mount", "-o", "remount,rw,bind", "/mnt/one")
    if guest.idmap:
        checks.that(f"{what}: nor after a remount", guest.run("sh", "-c", "echo x >/mnt/one").status != 0)
    checks.equal(f"{what}: detach the file", well(guest.detach(xml)), GOOD)

    xml = mount("ram", "<source usage='1024' units='KiB'/>", "/mnt/ram")
    checks.equal(f"{what}: attach ram", well(guest.attach(xml)), GOOD)
    checks.matches(f"{what}: is a tmpfs of that size", "tmpfs .*size=1024k", guest.mounts().get("/mnt/ram", ""))
    checks.equal(f"{what}: the guest's root can write", guest.run("touch", "/mnt/ram/x").status, 0)
    checks.equal(f"{what}: detach ram", well(guest.detach(xml)), GOOD)

    xml = mount("bind", "<source dir='/etc'/>", "/mnt/etc")
    checks.equal(f"{what}: attach a bind within", well(guest.attach(xml)), GOOD)
    checks.matches(f"{what}: shows it", "root:", guest.run("cat", "/mnt/etc/passwd").out)
    checks.equal(f"{what}: detach the bind", well(guest.detach(xml)), GOOD)

    xml = mount("file", f"<source file='{image}'/>", "/mnt/image").replace(
        "type='file'", "type='file' accessmode='passthrough'").replace(
        "<source", "<driver type='loop' format='raw'/><source", 1)
    checks.equal(f"{what}: attach an image", well(guest.attach(xml)), GOOD)
    checks.matches(f"{what}: is ext4", " ext4 ", guest.mounts().get("/mnt/image", ""))
    freeze(checks, guest)
    checks.equal(f"{what}: detach the image", well(guest.detach(xml)), GOOD)
    checks.equal(f"{what}: no loop device stays",
                 t.wait_until(lambda: not t.execute(["losetup", "-j", image]).out), True)


def access_of_image(checks, guest, image):
    """Its device rule, loop device and superblock stay as they were made: so must <readonly/>."""
    what = f"{guest.name}: access to an image"
    xml = ("<filesystem type='file' accessmode='passthrough'><driver type='loop' format='raw'/>"
           f"<source file='{image}'/><target dir='/mnt/access'/></filesystem>")
    closed = xml.replace("</filesystem>", "<readonly/></filesystem>")
    for now, other in ((xml, closed), (closed, xml)):
        checks.equal(f"{what}: attach", well(guest.attach(now)), GOOD)
        before = guest.live()
        checks.equal(f"{what}: nothing changes", well(guest.update(now)), GOOD)
        checks.matches(f"{what}: refused", "on a device or image .* cannot be modified while it runs",
                       guest.update(other).err)
        checks.equal(f"{what}: the definition stays", guest.live(), before)
        checks.equal(f"{what}: writable as before", guest.run("touch", "/mnt/access/x").status == 0, now is xml)
        checks.equal(f"{what}: detach", well(guest.detach(now)), GOOD)


def access(checks, guest):
    """<readonly/> of a file system comes and goes while the container runs, where the kernel lets it mean something."""
    what = f"{guest.name}: access"
    host = os.path.join(guest.directory, "access")
    os.makedirs(host, exist_ok=True)
    os.chmod(host, 0o777)
    xml = (f"<filesystem type='mount' accessmode='passthrough'><source dir='{host}'/><target dir='/mnt/access'/>"
           "</filesystem>")
    closed = xml.replace("</filesystem>", "<readonly/></filesystem>")

    def writes():
        return guest.run("sh", "-c", "echo x >/mnt/access/x").status == 0
    checks.equal(f"{what}: attach", well(guest.attach(xml, "--live", "--config")), GOOD)
    checks.that(f"{what}: it can be written to", writes())
    checks.equal(f"{what}: nothing changes", well(guest.update(xml)), GOOD)
    if guest.idmap:
        done = guest.update(closed)
        checks.matches(f"{what}: the kernel does not lock it now", "cannot be modified while it runs", done.err)
        checks.equal(f"{what}: the saved one is updated", well(guest.update(closed, "--config")), GOOD)
        checks.that(f"{what}: only that", "<readonly/>" not in guest.live().split("/mnt/access")[1][:60] and
                    "<readonly/>" in guest.saved().split("/mnt/access")[1][:60])
    else:
        checks.equal(f"{what}: closed", well(guest.update(closed, "--live", "--config")), GOOD)
        checks.that(f"{what}: not writable", not writes())
        checks.that(f"{what}: in both definitions", all("<readonly/>" in text.split("/mnt/access")[1][:60]
                                                        for text in (guest.live(), guest.saved())))
        checks.equal(f"{what}: open again", well(guest.update(xml)), GOOD)
        checks.that(f"{what}: writable", writes())
        with open(f"/proc/{guest.init}/root/mnt/access/x", "w", encoding="utf-8"):
            done = guest.update(closed)
        checks.matches(f"{what}: somebody writes", "Device or resource busy", done.err)
        checks.that(f"{what}: so it stays", writes() and "<readonly/>" not in guest.live().split("/mnt/access")[1][:60])
    other = xml.replace(host, "/tmp")
    checks.matches(f"{what}: nothing else", "only <readonly/> can be modified", guest.update(other).err)
    checks.matches(f"{what}: not the root", "the root of a running container cannot be modified",
                   guest.update(xml.replace("/mnt/access", "/")).err)
    checks.equal(f"{what}: detach", well(guest.detach(xml, "--live", "--config")), GOOD)


def freeze(checks, guest):
    """/mnt/image, which is a file system of its own."""
    what = f"{guest.name}: freeze"

    def writer():
        return subprocess.Popen(["nsenter", "-t", str(guest.init), "-m", "touch", "/mnt/image/written"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    other = guest.daemon.virsh("domfsfreeze", guest.name, "/mnt")
    checks.matches(f"{what}: only what has a device of its own", "can be frozen", other.err)
    done = guest.daemon.virsh("domfsfreeze", guest.name)
    checks.matches(f"{what}: freezes", "Froze 1 filesystem", done.out + done.err)
    again = guest.daemon.virsh("domfsfreeze", guest.name)
    checks.matches(f"{what}: once", "frozen already", again.err)
    waiting = writer()
    checks.that(f"{what}: who writes waits", not t.wait_until(lambda: waiting.poll() is not None, 0.5))
    done = guest.daemon.virsh("domfsthaw", guest.name)
    checks.matches(f"{what}: thaws", "Thawed 1 filesystem", done.out + done.err)
    checks.that(f"{what}: and goes on", t.wait_until(lambda: waiting.poll() is not None))
    # a daemon that dies leaves nothing frozen
    guest.must("domfsfreeze", guest.name)
    os.kill(guest.daemon.pid(), 9)
    checks.that(f"{what}: it has died", t.wait_until(lambda: guest.daemon.tool("status").out.strip() == "stopped"))
    guest.daemon.start()
    waiting = writer()
    checks.that(f"{what}: the next daemon thaws", t.wait_until(lambda: waiting.poll() is not None))


def hostile(checks, guest):
    what = f"{guest.name}: a hostile guest"
    host = os.path.join(guest.directory, f"host-{guest.name}")
    os.makedirs(host, exist_ok=True)
    secret = os.path.join(guest.directory, "secret")
    os.makedirs(secret, exist_ok=True)

    # a link out of the container leads to a place inside of it
    guest.run("ln", "-s", secret, "/mnt/link")
    xml = f"<filesystem type='mount'><source dir='{host}'/><target dir='/mnt/link'/></filesystem>"
    guest.attach(xml)
    checks.that(f"{what}: a link at the target stays inside", not t.mounts_below(secret))
    guest.detach(xml)
    guest.run("mknod", "/mnt/fifo", "p")
    xml = f"<filesystem type='mount'><source dir='{host}'/><target dir='/mnt/fifo'/></filesystem>"
    refused = guest.attach(xml)
    checks.matches(f"{what}: a fifo at the target", "mount /mnt/fifo", refused.err)
    checks.that(f"{what}: nothing stays of it", "/mnt/fifo" not in guest.live())

    xml = "<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char></source></hostdev>"
    guest.run("ln", "-s", "/etc/passwd", "/dev/loop-control")
    refused = guest.attach(xml)
    checks.matches(f"{what}: a link where the node should be", "File exists", refused.err)
    checks.matches(f"{what}: the link's file is as before", "root:", guest.run("cat", "/etc/passwd").out)
    opened = guest.run("sh", "-c", "rm /dev/loop-control; mknod /dev/loop-control c 10 237; exec 3</dev/loop-control "
                                   "&& echo opened")
    checks.that(f"{what}: the rules are narrow again", "opened" not in opened.out, repr(opened))
    guest.run("rm", "-f", "/dev/loop-control")

    # a directory of the host in the place of /dev
    shared = os.path.join(guest.directory, f"shared-{guest.name}")
    os.makedirs(shared, exist_ok=True)
    share = f"<filesystem type='mount'><source dir='{shared}'/><target dir='/mnt/shared'/></filesystem>"
    guest.attach(share)
    guest.run("mount", "-o", "bind", "/mnt/shared", "/dev")
    refused = guest.attach(xml)
    checks.matches(f"{what}: no node in what is not the container's /dev", "not the container's own", refused.err)
    checks.equal(f"{what}: nothing in the host's directory", os.listdir(shared), [])
    guest.run("umount", "/dev")
    guest.detach(share)

    # something else mounted over the target
    xml = f"<filesystem type='mount'><source dir='{host}'/><target dir='/mnt/over'/></filesystem>"
    guest.attach(xml)
    guest.run("mount", "-t", "tmpfs", "none", "/mnt/over")
    refused = guest.detach(xml)
    checks.matches(f"{what}: another mount is not taken away", "another mount is there", refused.err)
    guest.run("umount", "/mnt/over")
    checks.equal(f"{what}: detach without it", well(guest.detach(xml)), GOOD)
    guest.attach(xml)
    guest.run("umount", "/mnt/over")
    checks.equal(f"{what}: detach of what the guest has unmounted", well(guest.detach(xml)), GOOD)


def taps(checks, guest):
    """A device of the host that is neither hardware nor has another end there."""
    what = f"{guest.name}: tap"
    if not os.path.exists("/dev/net/tun"):
        print("no /dev/net/tun here: taps are not tested")
        return
    tap = "<hostdev mode='capabilities' type='net'><source><interface>skeptap</interface></source></hostdev>"
    make = ["ip", "tuntap", "add", "skeptap", "mode", "tap"]
    inside = ["nsenter", "-t", str(guest.init), "-n"]
    subprocess.run(make, check=True)
    checks.equal(f"{what}: attach", well(guest.attach(tap)), GOOD)
    checks.that(f"{what}: is inside", "skeptap" in guest.run("ip", "link").out)
    guest.daemon.restart()
    user = subprocess.Popen([*inside, sys.executable, "-c", HOLD_TAP], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    checks.equal(f"{what}: it is opened", user.stdout.readline(), b"open\n")
    checks.matches(f"{what}: open it stays", "a program in the container has it open", guest.detach(tap).err)
    user.stdin.close()
    user.wait()
    checks.equal(f"{what}: detach", well(guest.detach(tap)), GOOD)
    checks.matches(f"{what}: it is the host's again", ": skeptap:", t.execute(["ip", "-o", "link"]).out)
    checks.equal(f"{what}: attach again", well(guest.attach(tap)), GOOD)
    subprocess.run([*inside, "ip", "link", "del", "skeptap"], check=True)
    subprocess.run([*inside, *make], check=True)
    checks.matches(f"{what}: another in its place", "has deleted it or moved it on", guest.detach(tap).err)
    checks.that(f"{what}: the host gets none", ": skeptap:" not in t.execute(["ip", "-o", "link"]).out)
    subprocess.run([*inside, "ip", "link", "del", "skeptap"], check=True)
    bridge = guest.attach(tap.replace("skeptap", "skepbr2"))
    checks.matches(f"{what}: a bridge", "is a bridge, which cannot leave its network namespace", bridge.err)


def interfaces(checks, guest):
    what = f"{guest.name}: interface"
    xml = (f"<interface type='bridge'><mac address='{MAC}'/><source bridge='skepbr'/>"
           "<ip address='192.0.2.9' prefix='24'/><route address='198.51.100.0' prefix='24' gateway='192.0.2.1'/>"
           "<guest dev='lan7'/></interface>")
    checks.equal(f"{what}: attach", well(guest.attach(xml)), GOOD)
    shown = guest.run("ip", "addr", "show", "lan7").out
    checks.matches(f"{what}: its address inside", "192.0.2.9/24", shown)
    checks.matches(f"{what}: its mac", MAC, shown)
    checks.matches(f"{what}: it is up", "state UP|[<,]UP[,>]", shown)
    checks.matches(f"{what}: its route", "198.51.100.0/24 via 192.0.2.1", guest.run("ip", "route").out)
    host = re.search(rf"{MAC}.*?<target dev='(\w+)'/>", guest.live(), re.S)
    checks.that(f"{what}: its host end is told", host, guest.live())
    name = host[1] if host else "-"
    listed = guest.daemon.virsh("domiflist", guest.name)
    checks.that(f"{what}: virsh domiflist", name in listed.out and MAC in listed.out, repr(listed))
    checks.matches(f"{what}: is a port of the bridge", "master skepbr", t.execute(["ip", "link", "show", name]).out)

    done = guest.daemon.virsh("domif-setlink", guest.name, name, "down")
    checks.equal(f"{what}: link down", (done.status, done.err), GOOD)
    # the kernel notes it a moment later
    checks.that(f"{what}: no carrier inside", t.wait_until(lambda: re.search(
        "NO-CARRIER|LOWERLAYERDOWN|state DOWN", guest.run("ip", "link", "show", "lan7").out)))
    checks.matches(f"{what}: the definition says so", "<link state='down'/>", guest.live())
    done = guest.daemon.virsh("domif-setlink", guest.name, name, "up")
    checks.equal(f"{what}: link up", (done.status, done.err), GOOD)
    moved = guest.update(xml.replace("skepbr'", "skepbr2'"))
    checks.equal(f"{what}: to another bridge", well(moved), GOOD)
    checks.matches(f"{what}: is its port", "master skepbr2", t.execute(["ip", "link", "show", name]).out)
    refused = guest.update(xml.replace("192.0.2.9", "192.0.2.10"))
    checks.matches(f"{what}: other changes are refused", "only link state, bandwidth and bridge", refused.err)
    fast = guest.update(xml.replace("<guest", "<bandwidth><inbound average='1000' peak='2000' burst='100'/>"
                                    "<outbound average='500'/></bandwidth><guest"))
    checks.equal(f"{what}: bandwidth", well(fast), GOOD)
    checks.matches(f"{what}: the kernel's class", "rate 8Mbit ceil 16Mbit",
                   t.execute(["tc", "class", "show", "dev", name]).out)
    ifbs = re.findall(r"(ifb-\w+)", t.execute(["ip", "-o", "link"]).out)
    checks.that(f"{what}: the other direction", ifbs and "rate 4Mbit" in
                t.execute(["tc", "class", "show", "dev", ifbs[0]]).out)

    done = guest.daemon.virsh("detach-interface", guest.name, "bridge", "--mac", MAC, "--live")
    checks.equal(f"{what}: detach-interface", well(done), GOOD)
    checks.that(f"{what}: gone inside", "lan7" not in guest.run("ip", "link").out)
    links = t.execute(["ip", "-o", "link"]).out
    checks.that(f"{what}: gone on the host", name not in links and "ifb-" not in links, links)
    gone = guest.daemon.virsh("detach-device", guest.name, guest.write("device.xml", xml), "--live")
    checks.matches(f"{what}: detach again", f"no device matching MAC address {MAC} found", gone.err)

    direct = (f"<interface type='direct'><mac address='{MAC}'/><source dev='skeplow' mode='bridge'/></interface>")
    checks.equal(f"{what}: attach a macvlan", well(guest.attach(direct)), GOOD)
    checks.matches(f"{what}: eth0 inside", f"eth0.*{MAC}|{MAC}", guest.run("ip", "link", "show", "eth0").out)
    guest.run("ip", "link", "set", "eth0", "down")
    guest.run("ip", "link", "set", "eth0", "name", "mine")
    refused = guest.detach(direct)
    checks.matches(f"{what}: a macvlan that was renamed inside", "has renamed it", refused.err)
    checks.that(f"{what}: it stays in the definition", MAC in guest.live())
    guest.run("ip", "link", "set", "mine", "name", "eth0")
    checks.equal(f"{what}: detach the macvlan", well(guest.detach(direct)), GOOD)
    checks.that(f"{what}: gone inside", "eth0" not in guest.run("ip", "link").out)

    subprocess.run(["ip", "link", "add", "skepdev", "type", "veth", "peer", "skepdevp"], check=True)
    device = ("<hostdev mode='capabilities' type='net'><source><interface>skepdev</interface></source>"
              "<ip address='203.0.113.5' prefix='24'/></hostdev>")
    checks.equal(f"{what}: attach a device of the host", well(guest.attach(device)), GOOD)
    checks.matches(f"{what}: its address", "203.0.113.5/24", guest.run("ip", "addr", "show", "skepdev").out)
    checks.that(f"{what}: not on the host meanwhile", not re.search(r": skepdev[@:]", t.execute(["ip", "-o", "link"]).out))
    # known by what it is: not by its name, nor by what was made in its place
    guest.run("ip", "link", "set", "skepdev", "down")
    guest.run("ip", "link", "set", "skepdev", "name", "mine")
    guest.run("ip", "link", "add", "skepdev", "type", "veth", "peer", "skepfalse")
    checks.equal(f"{what}: detach it", well(guest.detach(device)), GOOD)
    checks.matches(f"{what}: it is the host's again, under its name", r": skepdev@skepdevp:", t.execute(["ip", "-o", "link"]).out)
    checks.that(f"{what}: and no other", re.search(r": skepdev[@:]", guest.run("ip", "link").out))
    guest.run("ip", "link", "del", "skepdev")
    subprocess.run(["ip", "link", "del", "skepdev"], check=False)
    taps(checks, guest)
    bad = guest.attach(xml.replace("skepbr", "nobridge"))
    checks.matches(f"{what}: a bridge that is not there", "Unable to use bridge 'nobridge'", bad.err)
    bad = guest.attach(xml.replace("</interface>", "<filterref filter='clean-traffic'/></interface>"))
    checks.matches(f"{what}: never unfiltered", "Network filter not found: no nwfilter with matching name 'clean-traffic'", bad.err)


def definitions(checks, guest):
    what = f"{guest.name}: definitions"
    xml = ("<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char></source>"
           "<alias name='ua-control'/></hostdev>")
    checks.equal(f"{what}: attach to both", well(guest.attach(xml, "--live", "--config")), GOOD)
    checks.that(f"{what}: in both", "loop-control" in guest.live() and "loop-control" in guest.saved())
    checks.that(f"{what}: the user's alias in both", "ua-control" in guest.live() and "ua-control" in guest.saved())
    again = guest.attach(xml, "--config")
    checks.matches(f"{what}: once", "device is already in the domain configuration", again.err)
    # the daemon is another one: it knows what was attached
    guest.daemon.restart()
    checks.that(f"{what}: a restarted daemon knows it", "loop-control" in guest.live())
    done = guest.daemon.virsh("detach-device-alias", guest.name, "ua-control", "--live", "--config")
    checks.equal(f"{what}: detach by alias from both", well(done), GOOD)
    checks.that(f"{what}: in neither", "loop-control" not in guest.live() + guest.saved())
    checks.equal(f"{what}: nor inside", guest.device("/dev/loop-control"), None)
    missing = guest.daemon.virsh("detach-device-alias", guest.name, "net7", "--live")
    checks.matches(f"{what}: an alias that is not there", "no device found with alias net7", missing.err)
    sound = guest.attach("<sound model='ac97'/>")
    checks.matches(f"{what}: what cannot be attached", "device type 'sound' cannot be attached", sound.err)
    config = guest.attach("<interface type='bridge'><source bridge='skepbr'/></interface>", "--config")
    checks.equal(f"{what}: for the next start only", well(config), GOOD)
    checks.that(f"{what}: not live", "skepbr" not in guest.live() and "skepbr" in guest.saved())
    guest.must("suspend", guest.name)
    checks.equal(f"{what}: attach to a paused container", well(guest.attach(xml)), GOOD)
    checks.that(f"{what}: its node is there", guest.device("/dev/loop-control"))
    checks.equal(f"{what}: detach from it", well(guest.detach(xml)), GOOD)
    guest.must("resume", guest.name)
    image = (f"<filesystem type='file'><driver type='loop' format='raw'/><source file='{guest.directory}/image'/>"
             "<target dir='/mnt/image'/></filesystem>")
    guest.attach(image)
    guest.must("domfsfreeze", guest.name)
    checks.equal(f"{what}: destroy with a frozen file system", well(guest.daemon.virsh("destroy", guest.name)), GOOD)
    off = guest.attach(xml)
    checks.matches(f"{what}: --live needs a running one", "domain is not running", off.err)
    guest.must("start", guest.name)
    guest.init = guest.find_init()
    checks.matches(f"{what}: what was attached for the next start is there", "eth0",
                   guest.run("ip", "link").out)


def main():
    t.enter_namespaces()
    t.need_program("mkfs.ext4")
    checks = t.Checks("hotplug")
    subprocess.run(["ip", "link", "add", "skepbr", "type", "bridge"], check=True)
    subprocess.run(["ip", "link", "add", "skepbr2", "type", "bridge"], check=True)
    subprocess.run(["ip", "link", "set", "skepbr", "up"], check=True)
    subprocess.run(["ip", "link", "set", "skepbr2", "up"], check=True)
    subprocess.run(["ip", "link", "add", "skeplow", "type", "veth", "peer", "skeplowp"], check=True)
    with t.work_dir() as directory:
        os.chmod(directory, 0o755)
        image = os.path.join(directory, "image")
        with open(image, "wb") as handle:
            handle.truncate(8 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
        with t.Skepd(os.path.join(directory, "d")) as daemon:
            for name, idmap in ((f"plug{os.getpid()}", False), (f"plugmap{os.getpid()}", True)):
                guest = Guest(daemon, directory, name, idmap=idmap)
                char_device(checks, guest)
                disks(checks, guest, image)
                other_disk(checks, guest, image)
                defined_meanwhile(checks, guest, image)
                filesystems(checks, guest, image)
                access(checks, guest)
                access_of_image(checks, guest, image)
                hostile(checks, guest)
                interfaces(checks, guest)
                definitions(checks, guest)
                of_the_start(checks, guest, image)
                guest.must("destroy", name)
                guest.must("undefine", name)
            if checks.failed:
                print(daemon.log()[-5000:])
        checks.that("no link is left", t.wait_until(lambda: not re.search(r"vnet\w+|ifb-\w+", t.execute(["ip", "-o", "link"]).out)),
                    t.execute(["ip", "-o", "link"]).out)
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
