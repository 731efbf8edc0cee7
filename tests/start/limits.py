#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A change of limits, of each kind, is made to fail, and the daemon is killed, at every place between the note of it and the end:
before the kernel has it, before it is saved, after that. Each time the kernel, the live and the saved definition say the same:
all as it was, or all as it was asked for. Also where the container has rebooted from inside before the next daemon came, and
where that one finds a note that nobody understands."""

import contextlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import hotplug as h  # noqa: E402
import skeptest as t  # noqa: E402

libvirt = h.libvirt
SKEP = os.path.join(t.BUILD, "tools/skep/skep")
CPUS = os.cpu_count() or 1
INIT = "trap 'reboot -f' USR1; sleep 100000 & echo >/listens; while :; do wait; done"
PLACES = [("fail", "before", "limits-write"), ("kill", "before", "limits-write"), ("fail", "after", "limits-write"),
          ("kill", "after", "limits-write"), ("fail", "before", "limits-commit"), ("kill", "before", "limits-commit"),
          ("fail", "after", "limits-commit")]
OVER = ("kill", "after", "limits-commit")
BOTH = 3        # live and config


class Kind:
    """A limit: what asks for it, by its number, 0 as it is at first and 1 as it shall be."""

    def __init__(self, name, ask):
        self.name, self.ask = name, ask


def pins(*cpus):
    return tuple(cpu in cpus for cpu in range(CPUS))


def kinds(world):
    def virsh(*words):
        """The bindings would ask first, with flags that are not for asking."""
        def run(dom, n):
            done = world.daemon.virsh(*(word[n] if isinstance(word, tuple) else word for word in words), "--live", "--config")
            if done.status:
                raise libvirt.libvirtError(done.err)
        return run
    return [
        Kind("setmem", lambda dom, n: dom.setMemoryFlags((49152, 32768)[n], BOTH)),
        Kind("memtune", virsh("memtune", h.NAME, "--hard-limit", ("49152", "40960"), "--soft-limit", ("32768", "16384"))),
        Kind("schedinfo", virsh("schedinfo", h.NAME, ("cpu_shares=1024", "cpu_shares=512"), ("vcpu_period=100000", "vcpu_period=50000"),
                                ("vcpu_quota=-1", "vcpu_quota=20000"))),
        Kind("numatune", virsh("numatune", h.NAME, "--nodeset", "0")),
        Kind("vcpupin", lambda dom, n: dom.pinVcpuFlags(0, pins(*range(CPUS)) if n == 0 else pins(0), BOTH)),
        Kind("emulatorpin", lambda dom, n: dom.pinEmulator(pins(*range(CPUS)) if n == 0 else pins(0), BOTH)),
        Kind("setvcpus", lambda dom, n: dom.setVcpusFlags((CPUS, 1)[n], BOTH)),
        Kind("blkiotune", virsh("blkiotune", h.NAME, "--device-read-bytes-sec", (f"{world.loop},0", f"{world.loop},1048576"))),
        Kind("blkdeviotune", virsh("blkdeviotune", h.NAME, "sda", "--write-iops-sec", ("0", "100"))),
    ]


def state(world):
    """What is wanted, what the kernel has, what is saved, and the controller's CPUs."""
    limits = t.execute([SKEP, "-c", world.daemon.uri, "limits", h.NAME]).out
    return limits, world.documents()[1], sorted(os.sched_getaffinity(world.domain().ID()))


def ask(world, kind, number):
    try:
        kind.ask(world.domain(), number)
    except libvirt.libvirtError as error:
        return t.Result(1, "", error.get_error_message() or str(error) or "the connection is gone")
    return t.Result(0, "", "")


def is_noted(world):
    with contextlib.suppress(FileNotFoundError), open(world.status, encoding="utf-8") as handle:
        return "name='limits" in handle.read()
    return False


def same(checks, what, found, expected):
    for part, one, two in zip(("limits", "saved definition", "controller's CPUs"), found, expected):
        checks.equal(f"{what}: {part}", one, two)


def each_place(world, kind):
    checks, before = world.checks, state(world)
    for action, place, step in PLACES:
        what = f"{kind.name}: {action} {place} {step}"
        world.arm(f"{action} {place} {step}")
        done = ask(world, kind, 1)
        checks.that(f"{what}: the client is told", done.status == 1, repr(done))
        if action == "fail":
            checks.matches(f"{what}: the error", f"{step}: made to fail", done.err)
        checks.that(f"{what}: the fault was met", world.met())
        if action == "kill":
            world.after_death()
        same(checks, what, state(world), before)
        checks.that(f"{what}: no note stays", not is_noted(world))
        if checks.failed:
            return
    world.arm(" ".join(OVER))
    ask(world, kind, 1)
    checks.that(f"{kind.name}: the last fault was met", world.met())
    world.after_death()
    over = state(world)
    checks.equal(f"{kind.name}: again", ask(world, kind, 1).err, "")
    same(checks, f"{kind.name}: it was over", over, state(world))
    checks.equal(f"{kind.name}: back", ask(world, kind, 0).err, "")


def starts_anew(world, what, controller):
    """Init reboots while no daemon runs; the next one lets it."""
    listens = os.path.join(world.directory, "root/listens")
    os.unlink(listens)
    os.kill(world.init, 10)     # SIGUSR1
    gone = t.wait_until(lambda: not os.path.exists(f"/proc/{world.init}"), h.PATIENCE)
    world.checks.that(f"{what}: init has gone", gone)
    world.after_death()
    again = t.wait_until(lambda: os.path.exists(listens) and world.domain().isActive()
                         and world.domain().ID() != controller, h.PATIENCE)
    world.checks.that(f"{what}: it runs anew", again)
    world.find_init()


def reboots(world, kind):
    """The limits of the definition are those of what runs next."""
    before, what = state(world), f"{kind.name}: killed, then a reboot"
    world.arm("kill before limits-commit")
    controller = world.domain().ID()
    ask(world, kind, 1)
    world.checks.that(f"{what}: the fault was met", world.met())
    starts_anew(world, what, controller)
    same(world.checks, what, state(world), before)
    world.checks.that(f"{what}: no note stays", not is_noted(world))


def nonsense(world):
    """A note that cannot be read is told of by one daemon, and gone."""
    checks, before = world.checks, state(world)
    complaints = ("a change of its limits was cut short and cannot", "a change of its devices was cut short",
                  "a change of a device was cut short")
    for name in ("limits", "device-change", "device-update"):
        pid = world.process.pid
        os.kill(pid, 9)
        world.process.wait()
        with open(world.status, encoding="utf-8") as handle:
            text = handle.read()
        with open(world.status, "w", encoding="utf-8") as handle:
            handle.write(text.replace("<fact ", f"<fact name='{name}' value='none'/>\n  <fact ", 1))
        for daemon in ("first", "second"):
            log = len(world.daemon.log())
            world.after_death()
            told = [line for line in complaints if line in world.daemon.log()[log:]]
            checks.equal(f"{name} that is nonsense: told by the {daemon}", len(told), int(daemon == "first"))
        same(checks, f"{name} that is nonsense", state(world), before)
        checks.equal(f"{name} that is nonsense: changes go on", ask(world, kinds(world)[0], 0).err, "")


class World(h.World):
    """Its container reboots when it is asked to."""

    def document(self, root):
        return t.domain_xml(
            h.NAME, root, args=("-c", INIT.replace("&", "&amp;")),
            more=f"<vcpu>{CPUS}</vcpu><features><privnet/></features><on_reboot>restart</on_reboot>",
            devices=f"<disk type='block'><source dev='{self.loop}'/><target dev='sda'/></disk>")

    def begin(self):
        self.domain().create()
        self.find_init()
        self.links, self.rules = self.all_links(), self.device_rules()

    def find_init(self):
        controller = self.domain().ID()
        with open(f"/proc/{controller}/task/{controller}/children", encoding="utf-8") as handle:
            self.init = int(handle.read().split()[0])
        listens = os.path.join(self.directory, "root/listens")
        self.checks.that("init listens", t.wait_until(lambda: os.path.exists(listens), h.PATIENCE))

    def noted(self):
        return super().noted() or is_noted(self)


def main():
    with h.running("start-limits", World) as (world, checks):
        rows = kinds(world)
        # so that a pin of the other vcpu is one of the container's
        for vcpu in range(1, CPUS):
            world.domain().pinVcpuFlags(vcpu, pins(0), BOTH)
        for kind in rows:
            # said once, so that what it is taken back to is said as well
            checks.equal(f"{kind.name}: at first", ask(world, kind, 0).err, "")
        for part, some in ((each_place, rows), (reboots, rows[:3])):
            for kind in some:
                if not checks.failed:
                    part(world, kind)
        if not checks.failed:
            nonsense(world)
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
