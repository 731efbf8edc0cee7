#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of the host that come into a running container and leave it: USB by address and by vendor and
product, block devices; and an interface whose host end is nobody's. A USB bus is made up for it: its sysfs and
its nodes in a mount namespace of the test's own. No driver is behind them: that one may be opened is seen from
another error than that it may not."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import skeptest as t  # noqa: E402
from hotplug_guest import GOOD, Guest, well  # noqa: E402

DEVICES = {"1-1": ("0781", "5567", 1, 4), "1-2": ("046d", "c52b", 1, 5), "2-1": ("046d", "c52b", 2, 9)}
MAC = "52:54:00:aa:bb:07"


def usb_number(bus, device):
    """The kernel's: 128 devices a bus."""
    return os.makedev(189, (bus - 1) * 128 + device - 1)


def usb_bus(directory):
    """/sys/bus/usb and /dev/bus/usb with three devices, of which two are alike."""
    bus, dev = os.path.join(directory, "bus"), os.path.join(directory, "dev")
    for path in (bus, dev):
        os.mkdir(path)
        subprocess.run(["mount", "-t", "tmpfs", "skep", path], check=True)
    # what other tests make there may go while it is copied
    copied = t.execute(["cp", "-ax", "/dev/.", dev])
    if not all(os.path.exists(os.path.join(dev, name)) for name in ("null", "zero", "tty", "loop-control", "ptmx")):
        raise RuntimeError(f"/dev cannot be copied: {copied!r}")
    for name, (vendor, product, number, device) in DEVICES.items():
        where = os.path.join(bus, "usb/devices", name)
        os.makedirs(where)
        for file, text in (("idVendor", vendor), ("idProduct", product), ("busnum", number), ("devnum", device)):
            with open(os.path.join(where, file), "w", encoding="ascii") as handle:
                handle.write(f"{text}\n")
        os.makedirs(os.path.join(dev, f"bus/usb/{number:03}"), exist_ok=True)
        os.mknod(os.path.join(dev, f"bus/usb/{number:03}/{device:03}"), 0o020660,
                 usb_number(number, device))
    for name in ("pts", "shm", "mqueue"):
        if os.path.ismount(f"/dev/{name}"):
            os.makedirs(os.path.join(dev, name), exist_ok=True)
            subprocess.run(["mount", "--rbind", f"/dev/{name}", os.path.join(dev, name)], check=True)
    subprocess.run(["mount", "--bind", bus, "/sys/bus"], check=True)
    subprocess.run(["mount", "--rbind", dev, "/dev"], check=True)


def usb_xml(source):
    return f"<hostdev mode='subsystem' type='usb'><source>{source}</source></hostdev>"


def opened(guest, path):
    """Whether the device rules allow it: only then the kernel looks for the driver, which is not there."""
    said = guest.run("sh", "-c", f"exec 3<{path}").err
    return "No such device" in said or said


def usb(checks, guest):
    what = f"{guest.name}: USB"
    node = "/dev/bus/usb/001/005"
    address = usb_xml("<address bus='1' device='5'/>")
    wanted = ("c", 189, 4, "0o700", guest.owner, guest.owner)
    checks.equal(f"{what}: attach by address", well(guest.attach(address)), GOOD)
    checks.equal(f"{what}: the node", guest.device(node), wanted)
    checks.equal(f"{what}: can be opened", opened(guest, node), True)
    checks.matches(f"{what}: is in the live definition", "<address bus='1' device='5'/>", guest.live())
    checks.that(f"{what}: not in the saved one", "type='usb'" not in guest.saved())
    checks.matches(f"{what}: once", "host device already exists|device is already in", guest.attach(address).err)
    guest.run("ln", node, "/dev/hard")
    checks.equal(f"{what}: detach", well(guest.detach(address)), GOOD)
    checks.equal(f"{what}: the node is gone", guest.device(node), None)
    checks.matches(f"{what}: a link to it that was kept is of no use", "not permitted", str(opened(guest, "/dev/hard")))
    guest.run("rm", "-f", "/dev/hard")

    named = usb_xml("<vendor id='0x0781'/><product id='0x5567'/>")
    checks.equal(f"{what}: attach by vendor and product", well(guest.attach(named)), GOOD)
    checks.equal(f"{what}: its node", (guest.device("/dev/bus/usb/001/004") or "-")[0], "c")
    checks.matches(f"{what}: the live definition says where it is",
                   "(?s)<vendor id='0x0781'/>.*<product id='0x5567'/>.*<address bus='1' device='4'/>", guest.live())
    guest.daemon.stop()
    with open(os.path.join(guest.daemon.directory, f"domains/{guest.name}.xml"), encoding="utf-8") as status:
        checks.that(f"{what}: the status file tells that it was found", "autoAddress='yes'" in status.read())
    guest.daemon.start()
    checks.that(f"{what}: the definition does not", "autoAddress" not in guest.live())
    again = guest.attach(usb_xml("<address bus='1' device='4'/>"))
    checks.matches(f"{what}: once, also by address", "host device already exists", again.err)
    checks.matches(f"{what}: the daemon audits its address", r'bus=usb device="?001\.004', guest.daemon.log())
    checks.equal(f"{what}: detach by vendor and product", well(guest.detach(named)), GOOD)
    checks.equal(f"{what}: gone", guest.device("/dev/bus/usb/001/004"), None)

    twins = usb_xml("<vendor id='0x046d'/><product id='0xc52b'/>")
    checks.matches(f"{what}: two alike", "Multiple USB devices for 046d:c52b, use <address> to specify one",
                   guest.attach(twins).err)
    one = twins.replace("</source>", "<address bus='2' device='9'/></source>")
    checks.equal(f"{what}: one of two alike, by its address as well", well(guest.attach(one)), GOOD)
    checks.equal(f"{what}: it is that one", guest.device("/dev/bus/usb/002/009"), ("c", 189, 136, *wanted[3:]))
    checks.equal(f"{what}: detach that one", well(guest.detach(one)), GOOD)
    checks.matches(f"{what}: none of the two there", "Did not find USB device 046d:c52b bus:2 device:8",
                   guest.attach(one.replace("'9'", "'8'")).err)
    absent = usb_xml("<vendor id='0x1234'/><product id='0x0001'/>")
    checks.matches(f"{what}: none", "Did not find USB device 1234:0001", guest.attach(absent).err)
    checks.matches(f"{what}: an address where nothing is", "No such file or directory",
                   guest.attach(usb_xml("<address bus='3' device='77'/>")).err)
    checks.that(f"{what}: nothing stays of them", "type='usb'" not in guest.live())
    checks.that(f"{what}: no node", not guest.run("find", "/dev/bus", "-type", "c").out)


def usb_start(checks, guest):
    """In the definition, for a start."""
    what = f"{guest.name}: USB at the start"
    named = usb_xml("<vendor id='0x0781'/><product id='0x5567'/>")
    checks.equal(f"{what}: attach to the definition", well(guest.attach(named, "--config")), GOOD)
    guest.must("destroy", guest.name)
    guest.must("start", guest.name)
    guest.init = guest.find_init()
    checks.equal(f"{what}: the node", (guest.device("/dev/bus/usb/001/004") or "-")[0], "c")
    checks.equal(f"{what}: can be opened", opened(guest, "/dev/bus/usb/001/004"), True)
    checks.matches(f"{what}: the live definition has the address", "<address bus='1' device='4'/>", guest.live())
    checks.that(f"{what}: the saved one has not", "<address bus" not in guest.saved())
    checks.equal(f"{what}: detach from both", well(guest.detach(named, "--live", "--config")), GOOD)
    checks.that(f"{what}: in neither", "type='usb'" not in guest.live() + guest.saved())
    checks.equal(f"{what}: no node", guest.device("/dev/bus/usb/001/004"), None)


def storage(checks, guest, image):
    what = f"{guest.name}: storage"
    loop = t.loop_device(image)
    try:
        st = os.stat(loop)
        xml = f"<hostdev mode='capabilities' type='storage'><source><block>{loop}</block></source></hostdev>"
        wanted = ("b", os.major(st.st_rdev), os.minor(st.st_rdev), "0o700", guest.owner, guest.owner)
        read = ("dd", f"if={loop}", "of=/dev/null", "bs=512", "count=1")
        checks.equal(f"{what}: attach", well(guest.attach(xml)), GOOD)
        checks.equal(f"{what}: the node", guest.device(loop), wanted)
        checks.equal(f"{what}: can be read", guest.run(*read).status, 0)
        checks.that(f"{what}: is in the live definition", f"<block>{loop}</block>" in guest.live())
        checks.matches(f"{what}: once", "host device already exists", guest.attach(xml).err)
        guest.daemon.stop()
        guest.daemon.start()
        checks.that(f"{what}: a restarted daemon knows it", f"<block>{loop}</block>" in guest.live())
        guest.run("ln", loop, "/dev/hard")
        checks.equal(f"{what}: detach", well(guest.detach(xml)), GOOD)
        checks.equal(f"{what}: gone", guest.device(loop), None)
        left = guest.run("dd", "if=/dev/hard", "of=/dev/null", "bs=512", "count=1")
        checks.matches(f"{what}: a link to it that was kept is of no use", "not permitted", left.err)
        guest.run("rm", "-f", "/dev/hard")
        wrong = guest.attach(xml.replace(loop, "/dev/loop-control"))
        checks.matches(f"{what}: a character device is none", "'/dev/loop-control' is not a block device", wrong.err)
        wrong = guest.attach(f"<hostdev mode='capabilities' type='misc'><source><char>{loop}</char></source></hostdev>")
        checks.matches(f"{what}: nor the other way round", f"'{loop}' is not a character device", wrong.err)
        wrong = guest.attach(xml.replace(loop, image))
        checks.matches(f"{what}: nor a file", "is not below /dev", wrong.err)
    finally:
        subprocess.run(["losetup", "-d", loop], check=True)


def ethernet(checks, guest):
    """A pair of links: what is inside is the container's, the end on the host is for whoever wants it."""
    what = f"{guest.name}: ethernet"
    xml = (f"<interface type='ethernet'><mac address='{MAC}'/><source><ip address='198.51.100.1' prefix='24'/></source>"
           "<target dev='skepeth7'/><guest dev='lan3'/><ip address='198.51.100.2' prefix='24'/></interface>")
    checks.equal(f"{what}: attach", well(guest.attach(xml)), GOOD)
    shown = guest.run("ip", "addr", "show", "lan3").out
    checks.matches(f"{what}: its address inside", "198.51.100.2/24", shown)
    checks.matches(f"{what}: its mac", MAC, shown)
    host = t.execute(["ip", "addr", "show", "skepeth7"]).out
    checks.matches(f"{what}: the host's end, by the name that was asked for", "198.51.100.1/24", host)
    checks.that(f"{what}: is no bridge's port", "master" not in host, host)
    checks.that(f"{what}: the live definition", "<target dev='skepeth7'/>" in guest.live() and MAC in guest.live())
    again = guest.attach(xml.replace("07'/>", "08'/>").replace("lan3", "lan4"))
    checks.matches(f"{what}: a name that is taken", "skepeth7|exists", again.err)
    checks.that(f"{what}: nothing stays of it", "lan4" not in guest.run("ip", "link").out + guest.live())
    done = guest.daemon.virsh("detach-interface", guest.name, "ethernet", "--mac", MAC, "--live")
    checks.equal(f"{what}: detach-interface", well(done), GOOD)
    checks.that(f"{what}: gone inside", "lan3" not in guest.run("ip", "link").out)
    checks.that(f"{what}: gone on the host", "skepeth7" not in t.execute(["ip", "-o", "link"]).out)
    plain = f"<interface type='ethernet'><mac address='{MAC}'/></interface>"
    checks.equal(f"{what}: attach without names", well(guest.attach(plain)), GOOD)
    name = re.search(rf"(?s){MAC}.*?<target dev='(\w+)'/>", guest.live())
    checks.that(f"{what}: a name was found", name and name[1] in t.execute(["ip", "-o", "link"]).out, guest.live())
    checks.equal(f"{what}: detach", well(guest.detach(plain)), GOOD)


def main():
    t.enter_namespaces()
    checks = t.Checks("hostdevs")
    with t.work_dir() as directory:
        image = os.path.join(directory, "image")
        with open(image, "wb") as handle:
            handle.truncate(1 << 20)
        usb_bus(directory)
        with t.Skepd(os.path.join(directory, "d")) as daemon:
            for idmap in (False, True):
                guest = Guest(daemon, directory, f"hostdev{os.getpid()}{'m' if idmap else ''}", idmap=idmap)
                usb(checks, guest)
                usb_start(checks, guest)
                storage(checks, guest, image)
                ethernet(checks, guest)
            if checks.failed:
                print(daemon.log()[-4000:])
        subprocess.run(["umount", "-l", "/dev"], check=False)
        subprocess.run(["umount", "-l", "/sys/bus"], check=False)
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
