#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every step of a start is made to fail; the daemon is killed at every stage of starts and stops, and of
resets, which the next one finishes; the controller at every stage of starts and, since it is the first to go
in a stop, at its begin. Each time: nothing is left over (processes, cgroups, mounts, links, loop devices,
status files), the state that clients see is true, hooks come in pairs, and the same domain starts again."""

import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest  # noqa: E402

# Steps that run here, in order; scope and machine need systemd (tests/vm).
STEPS = ["check", "hook-prepare", "pre-start", "log", "labels", "devices", "links", "hook-start", "controller",
         "cgroup", "init", "start-host", "run", "hook-started"]
UNDONE = ["hook-prepare", "pre-start", "labels", "devices", "links", "hook-start", "controller", "cgroup", "init", "run"]
LATE = [("run", "after"), ("hook-started", "before"), ("hook-started", "after")]
PATIENCE = 60       # seconds; a loaded machine is no error
NAME = f"fault{os.getpid()}"
HOOK = """#!/bin/sh
echo "$2" >>{log}
if [ "$2" = start ] && [ -e {log}.slow ]; then
    touch {log}.waits
    while [ -e {log}.slow ]; do sleep 0.1; done
fi
"""
OWN = "<skep:container xmlns:skep='urn:skep:domain:1'><skep:hooks>{hooks}</skep:hooks></skep:container>"
OWN_HOOK = "<skep:hook on='{on}'>sh -c 'echo own-{on} &gt;&gt;{log}'</skep:hook>"
BANDWIDTH = "<bandwidth><inbound average='1000' peak='2000' burst='100'/><outbound average='500'/></bandwidth>"


class World:
    """The domain under test, with something for every step to do, and what it may leave behind."""

    def __init__(self, directory, checks):
        self.directory = directory
        self.checks = checks
        self.fault = os.path.join(directory, "fault")
        self.hooks = os.path.join(directory, "hooks.log")
        os.environ["SKEP_FAULT_FILE"] = self.fault
        root = skeptest.busybox_root(os.path.join(directory, "root"))
        image = os.path.join(directory, "image")
        with open(image, "wb") as handle:
            handle.truncate(4 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
        os.makedirs(os.path.join(directory, "hooks"))
        script = os.path.join(directory, "hooks/lxc")
        with open(script, "w", encoding="utf-8") as handle:
            handle.write(HOOK.format(log=self.hooks))
        os.chmod(script, 0o755)
        subprocess.run(["ip", "link", "add", "skepbr", "type", "bridge"], check=True)
        subprocess.run(["ip", "link", "add", "skeplow", "type", "veth", "peer", "skeplowp"], check=True)
        self.xml = os.path.join(directory, "domain.xml")
        with open(self.xml, "w", encoding="utf-8") as handle:
            handle.write(skeptest.domain_xml(
                NAME, root, init="/bin/sleep", args=("1000",),
                uuid="1f9cf5a4-77aa-4b5c-9f53-5a6d4c2b1e77",
                devices=f"<filesystem type='file'><driver type='loop' format='raw'/>"
                        f"<source file='{image}'/><target dir='/tmp'/></filesystem>"
                        f"<interface type='bridge'><source bridge='skepbr'/>{BANDWIDTH}</interface>"
                        "<hostdev mode='capabilities' type='misc'><source><char>/dev/fuse</char></source></hostdev>"
                        "<interface type='direct'><source dev='skeplow' mode='bridge'/></interface>",
            ).replace("<console type='pty'/>", f"<console type='pty'><log file='{directory}/console.log'/></console>")
                         .replace("</domain>", "<seclabel type='none' model='none'/>" + OWN.format(hooks="".join(
                             OWN_HOOK.format(on=on, log=self.hooks) for on in ("pre-start", "start-host", "post-stop")))
                                  + "</domain>"))
        self.image = image
        self.daemon = skeptest.Skepd(os.path.join(directory, "d"))
        self.death = None
        os.symlink(os.path.join(directory, "hooks"), os.path.join(directory, "d/hooks"))
        self.links = self.link_names()

    @staticmethod
    def link_names():
        out = skeptest.execute(["ip", "-o", "link"]).out
        return sorted(re.findall(r"^\d+: ([^:@]+)", out, re.M))

    def residue(self):
        left = skeptest.leftovers(self.directory, [NAME])
        left += [f"process {pid} {command}" for pid, command in skeptest.commands() if NAME in command]
        left += [f"link {name}" for name in self.link_names() if name not in self.links]
        loops = skeptest.execute(["losetup", "-j", self.image]).out
        left += [f"loop {line}" for line in loops.splitlines()]
        left += [f"file {name}" for name in os.listdir(os.path.join(self.directory, "d/domains"))
                 if name not in ("stage", "autostarted")]
        return left

    def hooks_paired(self):
        try:
            with open(self.hooks, encoding="utf-8") as handle:
                words = handle.read().split()
        except FileNotFoundError:
            return True
        # a mirror alone is fine: the step had begun, its script had not
        return words.count("prepare") <= words.count("release") <= 1 and \
            words.count("start") <= words.count("stopped") <= 1 and \
            words.count("own-pre-start") <= words.count("own-post-stop") <= 1

    def arm(self, text):
        """What shall happen in the next change; whom it may kill is watched from here on."""
        if self.death is not None:
            os.close(self.death)
        self.death = self.daemon.death()
        if os.path.exists(self.hooks):
            os.unlink(self.hooks)
        with open(self.fault, "w", encoding="utf-8") as handle:
            handle.write(text)

    def virsh(self, what, *words):
        done = self.daemon.virsh(*words)
        self.checks.equal(f"{what}: {words[0]}", (done.status, done.err), (0, ""))
        return done

    def nothing_left(self, what):
        skeptest.wait_until(lambda: not self.residue(), PATIENCE)
        self.checks.equal(f"{what}: nothing is left over", self.residue(), [])

    def clean(self, what):
        self.nothing_left(what)
        self.checks.that(f"{what}: the fault was met", not os.path.exists(self.fault))

    def works(self, what):
        self.virsh(f"{what}: again", "start", NAME)
        self.virsh(f"{what}: again", "destroy", NAME)
        self.nothing_left(f"{what}: again")

    @staticmethod
    def processes():
        """How many name the domain: its controller, in a start what that makes, and hooks."""
        return sum(NAME in command for _, command in skeptest.commands())

    def state(self):
        return self.daemon.virsh("domstate", "--reason", NAME).out.strip()

    def becomes(self, what, expected):
        skeptest.wait_until(lambda: self.state() == expected, PATIENCE)
        self.checks.equal(f"{what}: state", self.state(), expected)

    def after_death(self, what):
        """The daemon has been killed: a new one cleans up before it answers."""
        met = not os.path.exists(self.fault)
        self.checks.that(f"{what}: the fault was met", met)
        if not met:
            os.unlink(self.fault)
        death, self.death = self.death, None
        self.checks.that(f"{what}: the daemon is dead", self.daemon.wait_dead(death, PATIENCE if met else 0))
        self.daemon.start()


def fail_steps(world):
    for step in STEPS:
        for place in ("before", "after"):
            what = f"{step} fails {place} it"
            world.arm(f"fail {place} {step}")
            done = world.daemon.virsh("start", NAME)
            world.checks.that(f"{what}: the start fails", done.status == 1, repr(done))
            world.checks.matches(f"{what}: with the step's error", f"{step}: made to fail", done.err)
            world.clean(what)
            world.becomes(what, "shut off (failed)")
            world.checks.that(f"{what}: hooks in pairs", world.hooks_paired())
    world.works("after all failures")


def kill_controller(world):
    for step in STEPS[STEPS.index("controller"):]:
        for place in ("before", "after"):
            if (step, place) == ("controller", "before"):
                continue
            what = f"controller killed {place} {step}"
            world.arm(f"kill-controller {place} {step}")
            done = world.daemon.virsh("start", NAME)
            # from exec on the start may be over before the death shows; then it ends at once
            if (step, place) not in LATE or done.status != 0:
                world.checks.that(f"{what}: the start fails", done.status == 1 and done.err.strip(),
                                  repr(done))
            world.clean(what)
            world.becomes(what, "shut off (failed)")
            world.checks.that(f"{what}: hooks in pairs", world.hooks_paired())
    world.works("after the controllers' deaths")


def kill_controller_in_stops(world):
    what = "controller killed while a destroy begins"
    world.virsh(what, "start", NAME)
    world.arm(f"kill-controller undo {UNDONE[-1]}")
    world.virsh(what, "destroy", NAME)
    world.clean(what)
    world.becomes(what, "shut off (destroyed)")
    world.checks.that(f"{what}: hooks in pairs", world.hooks_paired())

    # sleep as init takes no signal: it is asked to halt, and does not
    what = "controller killed while its init is asked to halt"
    world.virsh(what, "start", NAME)
    world.daemon.virsh("shutdown", NAME)        # (refused where more than ten seconds have passed since the start)
    os.kill(int(world.virsh(what, "domid", NAME).out), signal.SIGKILL)
    world.becomes(what, "shut off (failed)")
    world.nothing_left(what)
    world.works("after the controller's deaths in stops")


def kill_daemon(world):
    for step in STEPS:
        for place in ("before", "after"):
            what = f"daemon killed {place} {step}"
            world.arm(f"kill {place} {step}")
            done = world.daemon.virsh("start", NAME)
            world.checks.that(f"{what}: the client is told", done.status == 1, repr(done))
            world.after_death(what)
            world.clean(what)
            skeptest.wait_until(lambda: "shut off" in world.state(), PATIENCE)
            world.checks.matches(f"{what}: state", "shut off", world.state())
    world.works("after the daemon's deaths in starts")


def kill_daemon_in_undo(world):
    for step in UNDONE:
        what = f"daemon killed while undoing {step}"
        world.virsh(what, "start", NAME)
        world.arm(f"kill undo {step}")
        world.daemon.virsh("destroy", NAME)
        world.after_death(what)
        # also where it died before it had done anything: the new one goes on with what was asked
        world.becomes(what, "shut off (destroyed)")
        world.clean(what)
    world.works("after the daemon's deaths in stops")


def kill_daemon_in_resets(world):
    """The next daemon finishes what the dead one has begun: at the end it runs, and is another one."""
    stages = [("undo", step) for step in ("run", "controller", "cgroup", "devices", "hook-prepare")]
    stages += [("before", "check"), ("after", "links"), ("after", "controller"), ("before", "run"),
               ("after", "hook-started")]
    world.virsh("before resets", "start", NAME)
    for place, step in stages:
        what = f"daemon killed in a reset, {place} {step}"
        before = world.virsh(what, "domid", NAME).out.strip()
        world.arm(f"kill {place} {step}")
        done = world.daemon.virsh("reset", NAME)
        world.checks.that(f"{what}: the client is told", done.status == 1, repr(done))
        world.after_death(what)
        # it has an id, and processes beside its controller, before its start is over
        skeptest.wait_until(lambda before=before: world.daemon.virsh("domid", NAME).out.strip() not in ("", "-", before) and
                            world.state() == "running (booted)", PATIENCE)
        world.checks.equal(f"{what}: state", world.state(), "running (booted)")
        world.checks.that(f"{what}: it is another one", world.daemon.virsh("domid", NAME).out.strip() != before)
        skeptest.wait_until(lambda: world.processes() == 1, PATIENCE)
        world.checks.equal(f"{what}: one controller", world.processes(), 1)
    # asked for an end in between, it does not come back
    what = "a destroy after such a death"
    world.arm("kill undo cgroup")
    world.daemon.virsh("reset", NAME)
    world.after_death(what)
    world.virsh(what, "destroy", NAME)
    world.clean(what)
    world.becomes(what, "shut off (destroyed)")
    world.works("after the daemon's deaths in resets")


def kill_daemon_in_abort(world):
    """A restart that a client has aborted is no later daemon's to finish."""
    what = "daemon killed in the abort of a reset"
    slow, waits = world.hooks + ".slow", world.hooks + ".waits"
    world.virsh(what, "start", NAME)
    with open(slow, "w", encoding="utf-8"), \
            subprocess.Popen(["virsh", "-c", world.daemon.uri, "reset", NAME], stderr=subprocess.DEVNULL) as reset:
        world.checks.that(f"{what}: its hook waits", skeptest.wait_until(lambda: os.path.exists(waits), PATIENCE))
        world.arm("kill undo links")
        world.daemon.virsh("domjobabort", NAME)
        reset.wait()
    os.unlink(slow)
    world.after_death(what)
    skeptest.wait_until(lambda: "shut off" in world.state() and not world.residue(), PATIENCE)
    world.checks.matches(f"{what}: state", "^shut off", world.state())
    world.clean(what)
    world.works(what)


def main():
    skeptest.enter_namespaces()
    skeptest.need_program("mkfs.ext4")
    checks = skeptest.Checks("start-faults")
    with skeptest.work_dir() as directory:
        world = World(directory, checks)
        with world.daemon as daemon:
            defined = daemon.virsh("define", world.xml)
            checks.equal("define", (defined.status, defined.err), (0, ""))
            world.works("without faults")
            for part in (fail_steps, kill_controller, kill_controller_in_stops, kill_daemon, kill_daemon_in_undo,
                         kill_daemon_in_resets, kill_daemon_in_abort):
                if not checks.failed:   # each rests on a domain that works
                    part(world)
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
