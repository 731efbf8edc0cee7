# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks: on devices and images, for another behind the same target, and while definitions change."""

import os
import shutil
import signal
import subprocess
import time
from concurrent import futures

import skeptest as t
from hotplug_guest import GOOD, well


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
    refused = guest.attach("<disk type='block'><source dev='/dev/null'/><target dev='sdc'/></disk>")
    checks.matches(f"{what}: no character device", "Disk source /dev/null must be a block device", refused.err)
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


def slow_controller(guest, begin, under_way, meanwhile):
    """What comes of @begin if the controller has not done its part before @meanwhile. Again when that took the machine so
    long that the daemon may have given up waiting, which it does after five seconds."""
    controller = int(guest.daemon.virsh("domid", guest.name).out)
    for _ in range(10):
        saved = guest.saved()
        began = time.monotonic()
        os.kill(controller, signal.SIGSTOP)
        try:
            with futures.ThreadPoolExecutor() as pool:
                begun = pool.submit(begin)
                if not t.wait_until(under_way):
                    raise RuntimeError("it is never under way")
                meanwhile()
                os.kill(controller, signal.SIGCONT)
                lasted = time.monotonic() - began
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
