# SPDX-License-Identifier: LGPL-2.1-or-later
"""File systems: from elsewhere, of the start, read-only and not, frozen."""

import os
import subprocess

import skeptest as t
from hotplug_guest import GOOD, well


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
