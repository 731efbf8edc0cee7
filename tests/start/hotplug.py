#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every step of attaching and detaching a device is made to fail, and the daemon and the controller are killed
at every one. Each time the device is either there, inside the container and in the definitions, or nowhere;
nothing of it is left on the host; and the same change works afterwards."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest as t  # noqa: E402

PATIENCE = 40
NAME = f"plugfault{os.getpid()}"
MAC = "52:54:00:aa:cc:01"

# what the steps of each device are, besides those that all have
ATTACH = ["attach-look", "attach-note", "attach-rules", "attach-hold", "attach-link", "attach-enter",
          "attach-config", "attach-limits", "attach-commit"]
DETACH = ["detach-look", "detach-note", "detach-config", "detach-trim", "detach-leave", "detach-unlink", "detach-rules",
          "detach-limits", "detach-release", "detach-commit"]


class Device:
    def __init__(self, word, xml, skips, inside):
        self.word, self.xml, self.inside = word, xml, inside
        # it cannot come again once it has gone: what fails later is passed over
        self.final = "detach-release" not in skips or "detach-rules" in skips
        self.attach = [step for step in ATTACH if step not in skips]
        self.detach = [step for step in DETACH if step not in skips]


class World:
    def __init__(self, directory, checks):
        self.directory, self.checks = directory, checks
        self.fault = os.path.join(directory, "fault")
        os.environ["SKEP_FAULT_FILE"] = self.fault
        root = t.busybox_root(os.path.join(directory, "root"))
        os.makedirs(os.path.join(root, "mnt"))
        self.image = os.path.join(directory, "image")
        with open(self.image, "wb") as handle:
            handle.truncate(4 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", self.image], check=True)
        subprocess.run(["ip", "link", "add", "skepbr", "type", "bridge"], check=True)
        subprocess.run(["ip", "link", "add", "skeplow", "type", "veth", "peer", "skeplowp"], check=True)
        self.xml = os.path.join(directory, "domain.xml")
        with open(self.xml, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(NAME, root, init="/bin/sleep", args=("100000",),
                                      more="<features><privnet/></features>"))
        self.daemon = t.Skepd(os.path.join(directory, "d"))
        self.device_xml = os.path.join(directory, "device.xml")
        self.init = 0
        self.links = None

    def begin(self):
        done = self.daemon.virsh("start", NAME)
        if done.status:
            raise RuntimeError(repr(done))
        controller = self.daemon.virsh("domid", NAME).out.strip()
        with open(f"/proc/{controller}/task/{controller}/children", encoding="utf-8") as handle:
            self.init = int(handle.read().split()[0])
        self.links = self.all_links()
        self.rules = self.device_rules()

    @staticmethod
    def all_links():
        return sorted(re.findall(r"^\d+: ([^:@]+)", t.execute(["ip", "-o", "link"]).out, re.M))

    def group_file(self, controller, name):
        """The lines of a file of the container's v1 group, None where there is none."""
        with open(f"/proc/{self.init}/cgroup", encoding="utf-8") as table:
            match = re.search(rf"^\d+:{controller}:(.*)$", table.read(), re.M)
        if not match:
            return None
        with open(f"/sys/fs/cgroup/{controller}{match[1]}/{name}", encoding="utf-8") as lines:
            return sorted(lines.read().split("\n"))

    def device_rules(self):
        return self.group_file("devices", "devices.list")

    def limits(self):
        return self.group_file("blkio", "blkio.throttle.read_bps_device")

    def change(self, verb, device):
        with open(self.device_xml, "w", encoding="utf-8") as handle:
            handle.write(device.xml)
        return self.daemon.virsh(f"{verb}-device", NAME, self.device_xml, "--live", "--config")

    def where(self, device):
        """Where the device is: live, saved, inside; the three are the same, or something is wrong."""
        live = device.word in self.daemon.virsh("dumpxml", NAME).out
        saved = device.word in self.daemon.virsh("dumpxml", "--inactive", NAME).out
        return live, saved, device.inside(self)

    def arm(self, text):
        with open(self.fault, "w", encoding="utf-8") as handle:
            handle.write(text)

    def met(self):
        met = not os.path.exists(self.fault)
        if not met:
            os.unlink(self.fault)
        return met

    def is_nowhere(self, what, device):
        self.checks.equal(f"{what}: the device is nowhere", self.where(device), (False, False, False))
        links = t.wait_until(lambda: self.all_links() == self.links, 30)
        self.checks.that(f"{what}: no link stays", links, self.all_links())
        loops = t.wait_until(lambda: not t.execute(["losetup", "-j", self.image]).out, 30)
        self.checks.that(f"{what}: no loop device stays", loops)
        self.checks.equal(f"{what}: the device rules are as before", self.device_rules(), self.rules)
        self.checks.that(f"{what}: no limits stay", self.limits() in (None, [""]), self.limits())
        with open(os.path.join(self.directory, f"d/domains/{NAME}.xml"), encoding="utf-8") as handle:
            self.checks.that(f"{what}: no note stays", "device-change" not in handle.read())

    def after_death(self):
        t.wait_until(lambda: self.daemon.tool("status").out.strip() == "stopped", PATIENCE)
        self.daemon.start()
        # the first change waits for the end of the recovery
        t.wait_until(lambda: "device-change" not in open(
            os.path.join(self.directory, f"d/domains/{NAME}.xml"), encoding="utf-8").read(), PATIENCE)


def in_container(*words):
    def look(world):
        return t.execute(["nsenter", "-t", str(world.init), "-m", "-n", *words]).status == 0
    return look


def fail_steps(world, device):
    for step in device.attach:
        for place in ("before", "after"):
            what = f"{device.word}: {step} fails {place} it"
            world.arm(f"fail {place} {step}")
            done = world.change("attach", device)
            world.checks.that(f"{what}: the fault was met", world.met())
            world.checks.matches(f"{what}: the error", f"{step}: made to fail", done.err)
            world.is_nowhere(what, device)
    for step in device.detach:
        for place in ("before", "after"):
            if device.final and (step, place) == ("detach-commit", "before"):
                continue    # a step that was passed over without having run: nothing that can happen
            what = f"{device.word}: {step} fails {place} it"
            world.checks.equal(f"{what}: attach", world.change("attach", device).err, "")
            world.arm(f"fail {place} {step}")
            done = world.change("detach", device)
            world.checks.that(f"{what}: the fault was met", world.met())
            if done.status:
                world.checks.matches(f"{what}: the error", f"{step}: made to fail", done.err)
                world.checks.equal(f"{what}: the device is there as before", world.where(device), (True, True, True))
                world.checks.equal(f"{what}: detach", world.change("detach", device).err, "")
            world.is_nowhere(what, device)


def kill_daemon(world, device):
    for step in device.attach:
        # after a step is before the next one
        for place in ("before", "after") if step == device.attach[-1] else ("before",):
            what = f"{device.word}: daemon killed {place} {step}"
            world.arm(f"kill {place} {step}")
            done = world.change("attach", device)
            world.checks.that(f"{what}: the client is told", done.status == 1, repr(done))
            world.checks.that(f"{what}: the fault was met", world.met())
            world.after_death()
            if step == "attach-commit" and place == "after":
                world.checks.equal(f"{what}: it was over", world.where(device), (True, True, True))
                world.checks.equal(f"{what}: detach", world.change("detach", device).err, "")
            world.is_nowhere(what, device)
            world.checks.equal(f"{what}: attach again", world.change("attach", device).err, "")
            world.checks.equal(f"{what}: detach again", world.change("detach", device).err, "")
    for step in device.detach:
        what = f"{device.word}: daemon killed before {step}"
        world.checks.equal(f"{what}: attach", world.change("attach", device).err, "")
        world.arm(f"kill before {step}")
        world.change("detach", device)
        world.checks.that(f"{what}: the fault was met", world.met())
        world.after_death()
        if step in ("detach-look", "detach-note"):
            world.checks.equal(f"{what}: nothing had begun", world.where(device), (True, True, True))
            world.checks.equal(f"{what}: detach", world.change("detach", device).err, "")
        world.is_nowhere(what, device)


def kill_controller(world, device):
    for step in ("attach-rules", "attach-enter", "attach-commit"):
        if step not in device.attach:
            continue
        what = f"{device.word}: controller killed before {step}"
        world.arm(f"kill-controller before {step}")
        world.change("attach", device)
        world.checks.that(f"{what}: the fault was met", world.met())
        t.wait_until(lambda: world.daemon.state(NAME) == "shut off", PATIENCE)
        world.checks.equal(f"{what}: state", world.daemon.state(NAME), "shut off")
        links = t.wait_until(lambda: world.all_links() == world.links, 10)
        world.checks.that(f"{what}: no link stays", links, world.all_links())
        if device.word in world.daemon.virsh("dumpxml", "--inactive", NAME).out:
            # it was attached before the end was seen
            world.daemon.virsh("detach-device", NAME, world.device_xml, "--config")
        world.begin()


def main():
    t.enter_namespaces()
    t.need_program("mkfs.ext4")
    checks = t.Checks("start-hotplug")
    with t.work_dir() as directory:
        world = World(directory, checks)
        limits = ("attach-limits", "detach-limits")
        net_skips = ("attach-rules", "attach-hold", "detach-look", "detach-trim", "detach-rules", "detach-release", *limits)
        devices = [
            Device("loop-control", "<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char>"
                   "</source></hostdev>", ("attach-hold", "attach-link", "detach-look", "detach-trim", "detach-unlink", "detach-release", *limits),
                   in_container("test", "-c", "/dev/loop-control")),
            Device("/mnt/image", "<filesystem type='file'><driver type='loop' format='raw'/>"
                   f"<source file='{world.image}'/><target dir='/mnt/image'/></filesystem>",
                   ("attach-link", "detach-unlink", *limits),
                   lambda w: " /mnt/image " in open(f"/proc/{w.init}/mounts", encoding="utf-8").read()),
            Device(MAC, f"<interface type='bridge'><mac address='{MAC}'/><source bridge='skepbr'/>"
                   "<ip address='192.0.2.9' prefix='24'/></interface>", (*net_skips, "detach-leave"),
                   in_container("ip", "link", "show", "eth0")),
            Device(MAC, f"<interface type='direct'><mac address='{MAC}'/><source dev='skeplow' mode='bridge'/>"
                   "</interface>", net_skips, in_container("ip", "link", "show", "eth0")),
        ]
        with world.daemon as daemon:
            daemon.virsh("define", world.xml)
            world.begin()
            for device in devices:
                for part in (fail_steps, kill_daemon, kill_controller):
                    if not checks.failed:
                        part(world, device)
            # of a disk only what the others do not have
            disk = Device("sdb", "<disk type='file'><driver name='loop' type='raw'/>"
                          f"<source file='{world.image}'/><target dev='sdb'/><iotune><read_bytes_sec>1048576</read_bytes_sec>"
                          "</iotune></disk>", (), in_container("test", "-b", "/dev/sdb"))
            disk.attach, disk.detach = ["attach-limits"], ["detach-limits"]
            for part in (fail_steps, kill_daemon):
                if not checks.failed:
                    part(world, disk)
        if checks.failed:
            print(world.daemon.log()[-6000:])
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
