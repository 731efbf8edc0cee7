#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices come into running containers and leave them, by stock virsh: what is seen inside has the right
type, mode and owner, can be used, and is gone afterwards; definitions, events and failures are true. Twice:
without and with a user namespace."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402
from hotplug_disks import defined_meanwhile, disks, other_disk  # noqa: E402
from hotplug_guest import GOOD, Guest, well  # noqa: E402
from hotplug_links import interfaces  # noqa: E402
from hotplug_mounts import access, access_of_image, filesystems, of_the_start  # noqa: E402


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
