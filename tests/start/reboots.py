#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A container that begins anew by itself has what it had: network devices of the host's, which come back to the host at its
end, whatever it has called them, and under whichever daemon; the disk that was being exchanged as init ended."""

import contextlib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import hotplug as h  # noqa: E402
import limits  # noqa: E402
import skeptest as t  # noqa: E402

libvirt = h.libvirt
LINK = "<hostdev mode='capabilities' type='net'><source><interface>skephost</interface></source></hostdev>"


class World(limits.World):
    def document(self, root):
        return t.domain_xml(
            h.NAME, root, args=("-c", limits.INIT.replace("&", "&amp;")),
            more="<features><privnet/></features><on_reboot>restart</on_reboot><on_crash>restart</on_crash>")

    def reboot(self, what):
        """From inside; the daemon there lets it."""
        controller = self.domain().ID()
        listens = os.path.join(self.directory, "root/listens")
        os.unlink(listens)
        os.kill(self.init, 10)      # SIGUSR1
        self.runs_anew(what, controller)

    def runs_anew(self, what, controller):
        def anew():
            dom = self.domain()
            return dom.isActive() and dom.ID() not in (-1, controller) \
                and os.path.exists(os.path.join(self.directory, "root/listens"))
        self.checks.that(f"{what}: it runs anew", t.wait_until(anew, h.PATIENCE))
        self.find_init()

    def inside(self, *words):
        return t.execute(["nsenter", "-t", str(self.init), "-n", "ip", *words])

    def has_link(self, what):
        self.checks.equal(f"{what}: the device is inside, not outside, and in the definition",
                          (h.in_namespace("skephost")(self), "skephost" in self.all_links(), "skephost" in self.documents()[0]),
                          (True, False, True))

    def link_is_back(self, what):
        back = t.wait_until(lambda: "skephost" in self.all_links(), h.PATIENCE)
        self.checks.that(f"{what}: the device is the host's again", back, self.all_links())
        shown = t.execute(["ip", "-o", "link", "show", "skephost"]).out
        self.checks.matches(f"{what}: and the same one", "skephost@skephostp", shown)

    def end(self, what):
        self.domain().destroy()
        self.link_is_back(what)


def links(world):
    checks = world.checks
    checks.equal("attach", world.change("attach", LINK, libvirt.VIR_DOMAIN_AFFECT_LIVE).err, "")
    world.has_link("attached")
    world.reboot("attached")
    world.has_link("attached, rebooted")
    world.inside("link", "set", "skephost", "name", "mine")
    world.reboot("renamed inside")
    world.has_link("renamed inside, rebooted")
    world.process_dies()
    world.reboot("under the next daemon")
    world.has_link("under the next daemon, rebooted")
    world.end("destroyed")
    checks.equal("attach to the saved one", world.change("attach", LINK, libvirt.VIR_DOMAIN_AFFECT_CONFIG).err, "")
    world.begin()
    world.has_link("from the start")
    world.reboot("from the start")
    world.has_link("from the start, rebooted")
    world.end("destroyed again")
    world.arm("fail before run")
    with contextlib.suppress(libvirt.libvirtError):
        world.domain().create()
    checks.that("a start that fails: the fault was met", world.met())
    world.link_is_back("a start that fails")
    # what it has lost it cannot have again: that is told, and nothing stays half
    world.begin()
    world.inside("link", "del", "skephost")
    os.kill(world.init, 10)
    checks.that("one that it has deleted: it is off", world.is_off())
    checks.matches("one that it has deleted: why", "Unable to use interface 'skephost'", world.daemon.log())
    checks.equal("detach", world.change("detach", LINK, libvirt.VIR_DOMAIN_AFFECT_CONFIG).err, "")
    world.begin()


def disk(path):
    return f"<disk type='file'><driver name='loop' type='raw'/><source file='{path}'/><target dev='sdb'/></disk>"


def backing(world):
    """The image behind /dev/sdb inside; None: there is no such node."""
    with contextlib.suppress(FileNotFoundError):
        st = os.stat(f"/proc/{world.init}/root/dev/sdb")
        with open(f"/sys/dev/block/{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}/loop/backing_file", encoding="utf-8") as handle:
            return handle.read().strip()
    return None


def exchanges(world):
    """Init ends, on_crash starts it again: with the disk that the client was told of."""
    checks, both = world.checks, libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG
    checks.equal("attach a disk", world.change("attach", disk(world.image), both).err, "")
    for step in ("detach-leave", "detach-rules", "detach-commit", "attach-hold", "attach-enter", "attach-commit"):
        what = f"init ends before {step} of an exchange"
        controller = world.domain().ID()
        os.unlink(os.path.join(world.directory, "root/listens"))
        world.arm(f"kill-init before {step}")
        done = world.change("update", disk(world.other), both)
        checks.that(f"{what}: the fault was met", world.met())
        world.runs_anew(what, controller)
        wanted = world.image if done.status else world.other
        checks.equal(f"{what}: the disk inside", backing(world), wanted)
        checks.equal(f"{what}: of the definitions", [wanted + "'" in text for text in world.documents()], [True, True])
        if not done.status:
            checks.equal(f"{what}: back", world.change("update", disk(world.image), both).err, "")
        if checks.failed:
            return
    checks.equal("detach the disk", world.change("detach", disk(world.image), both).err, "")


def main():
    t.need_program("nsenter")
    with h.running("start-reboots", World) as (world, checks):
        for part in (links, exchanges):
            if not checks.failed:
                part(world)
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
