#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every step of attaching, detaching and updating a device of every kind is made to fail, and the daemon is killed at
every one; the controller, both of them and init at some. Each time the device is either there, inside the container and
in the definitions, or nowhere, and an updated one as it was or as it shall be in all three; nothing of it is left on the
host; and the same change works afterwards."""

import contextlib
import glob
import os
import re
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest as t  # noqa: E402

try:
    import libvirt      # a hundred times quicker than virsh
except ImportError:
    libvirt = None

PATIENCE = 60
NAME = f"plugfault{os.getpid()}"
MAC = "52:54:00:aa:cc:01"

# what the steps of each device are, besides those that all have
ATTACH = ["attach-look", "attach-note", "attach-rules", "attach-hold", "attach-link", "attach-enter",
          "attach-config", "attach-limits", "attach-commit"]
DETACH = ["detach-look", "detach-note", "detach-config", "detach-trim", "detach-leave", "detach-unlink", "detach-rules",
          "detach-limits", "detach-release", "detach-commit"]


ENDS = [("kill-controller", ["attach-rules", "attach-enter", "attach-commit"]), ("kill-init", ["attach-enter", "attach-commit"]),
        ("kill-both", ["attach-commit"])]


class Device:
    """A row of the table. @absent: steps that it has not, by name or by what follows attach- and detach-."""

    def __init__(self, word, xml, absent, inside):
        self.word, self.xml, self.inside = word, xml, inside
        self.attach, self.detach = ([step for step in steps if step not in absent and step.split("-")[1] not in absent]
                                    for steps in (ATTACH, DETACH))
        # it cannot come again once it has gone: what fails later is passed over
        self.final = "unlink" not in absent or "release" not in absent


class World:
    def __init__(self, directory, checks, stack):
        self.directory, self.checks = directory, checks
        self.fault = os.path.join(directory, "fault")
        os.environ["SKEP_FAULT_FILE"] = self.fault
        root = t.busybox_root(os.path.join(directory, "root"))
        os.makedirs(os.path.join(root, "mnt"))
        self.image = os.path.join(directory, "image")
        with open(self.image, "wb") as handle:
            handle.truncate(4 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", self.image], check=True)
        self.other = shutil.copyfile(self.image, self.image + ".other")
        held = shutil.copyfile(self.image, self.image + ".held")
        self.loop = subprocess.run(["losetup", "--find", "--show", held], check=True, capture_output=True, text=True).stdout.strip()
        stack.callback(subprocess.run, ["losetup", "-d", self.loop], check=False)
        subprocess.run(["ip", "link", "add", "skepbr", "type", "bridge"], check=True)
        subprocess.run(["ip", "link", "add", "skepbr2", "type", "bridge"], check=True)
        subprocess.run(["ip", "link", "add", "skephost", "type", "veth", "peer", "skephostp"], check=True)
        subprocess.run(["ip", "link", "add", "skeplow", "type", "veth", "peer", "skeplowp"], check=True)
        self.xml = self.document(root)
        self.daemon = t.Skepd(os.path.join(directory, "d"))
        self.status = os.path.join(directory, f"d/domains/{NAME}.xml")
        self.conn = self.process = None
        self.first = -1             # as Skepd.death() gives it
        self.init = 0
        self.links = None

    def document(self, root):
        """Of the domain, in a world with everything else."""
        return t.domain_xml(NAME, root, init="/bin/sleep", args=("100000",), more="<features><privnet/></features>")

    def domain_new(self):
        self.conn = libvirt.open(self.daemon.uri)
        self.conn.defineXML(self.xml)

    def domain(self):
        """Of a connection of the daemon that runs now."""
        if not self.conn:
            self.conn = libvirt.open(self.daemon.uri)
        return self.conn.lookupByName(NAME)

    def begin(self):
        dom = self.domain()
        dom.create()
        with open(f"/proc/{dom.ID()}/task/{dom.ID()}/children", encoding="utf-8") as handle:
            self.init = int(handle.read().split()[0])
        self.links = self.all_links()
        self.rules = self.device_rules()

    @staticmethod
    def all_links():
        return sorted(name for _, name in socket.if_nameindex())

    @staticmethod
    def loops():
        """The files that loop devices have open."""
        for path in glob.glob("/sys/block/loop*/loop/backing_file"):
            with contextlib.suppress(OSError), open(path, encoding="utf-8") as handle:
                yield handle.read().strip()

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

    def change(self, verb, xml, flags=3):
        """In the running container and the saved definition; what it came to."""
        try:
            getattr(self.domain(), f"{verb}DeviceFlags")(xml, flags)
        except libvirt.libvirtError as error:
            return t.Result(1, "", error.get_error_message() or "the connection is gone")
        return t.Result(0, "", "")

    def documents(self):
        return [self.domain().XMLDesc(flags) for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE)]

    def where(self, device):
        """Where the device is: live, saved, inside; the three are the same, or something is wrong."""
        return (*(device.word in text for text in self.documents()), device.inside(self))

    def is_off(self):
        return t.wait_until(lambda: not self.domain().isActive(), PATIENCE)

    def arm(self, text):
        with open(self.fault, "w", encoding="utf-8") as handle:
            handle.write(text)

    def met(self):
        met = not os.path.exists(self.fault)
        if not met:
            os.unlink(self.fault)
        return met

    def noted(self):
        """Whether the status file has something to undo."""
        with contextlib.suppress(FileNotFoundError), open(self.status, encoding="utf-8") as handle:
            return "device-change" in (text := handle.read()) or "device-update" in text
        return False

    def is_nowhere(self, what, device):
        self.checks.equal(f"{what}: the device is nowhere", self.where(device), (False, False, False))
        links = t.wait_until(lambda: self.all_links() == self.links, PATIENCE)
        self.checks.that(f"{what}: no link stays", links, self.all_links())
        loops = t.wait_until(lambda: self.image not in self.loops(), PATIENCE)
        self.checks.that(f"{what}: no loop device stays", loops)
        self.checks.equal(f"{what}: the device rules are as before", self.device_rules(), self.rules)
        self.checks.that(f"{what}: no limits stay", self.limits() in (None, [""]), self.limits())
        self.checks.that(f"{what}: no note stays", not self.noted())

    def after_death(self):
        """Another daemon, by the command line of the first: tools/private-skepd takes ten times as long."""
        self.conn = None
        if self.process:
            self.process.kill()     # where the fault was not met, which has been said
            self.process.wait()
        elif not self.daemon.wait_dead(self.first):
            raise RuntimeError("the first daemon is not dead")
        with open(os.path.join(self.directory, "d/skepd.log"), "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        with open(os.path.join(self.directory, "d/skepd.pid"), "w", encoding="utf-8") as handle:
            handle.write(str(self.process.pid))
        if not t.wait_until(self.answers, PATIENCE):
            self.daemon.say_last()
            raise RuntimeError(f"skepd does not start: {self.process.poll()}")
        # the first change waits for the end of the recovery
        self.checks.that("the recovery comes to an end", t.wait_until(lambda: not self.noted(), PATIENCE))

    def process_dies(self):
        """The daemon, at no place that matters."""
        os.kill(self.daemon.pid(), 9)
        if self.process:
            self.process.wait()
        self.after_death()

    def learn_command(self):
        """Of the first daemon, for those that follow it."""
        with open(f"/proc/{self.daemon.pid()}/cmdline", encoding="utf-8") as handle:
            self.command = handle.read().split("\0")[:-1]
        self.first = self.daemon.death()

    def answers(self):
        with contextlib.suppress(libvirt.libvirtError):
            self.domain()
            return True
        return False


def in_namespace(path):
    """Whether that is there, as init sees it: a node, or a network device by its name."""
    def look(world):
        if path.startswith("/"):
            return os.path.lexists(f"/proc/{world.init}/root{path}")
        with open(f"/proc/{world.init}/net/dev", encoding="utf-8") as table:
            return f"{path}:" in table.read()
    return look


def fail_steps(world, device):
    for step in device.attach:
        for place in ("before", "after"):
            what, before = f"{device.word}: {step} fails {place} it", world.documents()
            world.arm(f"fail {place} {step}")
            done = world.change("attach", device.xml)
            world.checks.equal(f"{what}: the definitions are as before", world.documents(), before)
            world.checks.that(f"{what}: the fault was met", world.met())
            world.checks.matches(f"{what}: the error", f"{step}: made to fail", done.err)
            world.is_nowhere(what, device)
    for step in device.detach:
        for place in ("before", "after"):
            if device.final and (step, place) == ("detach-commit", "before"):
                continue    # a step that was passed over without having run: nothing that can happen
            what = f"{device.word}: {step} fails {place} it"
            world.checks.equal(f"{what}: attach", world.change("attach", device.xml).err, "")
            world.arm(f"fail {place} {step}")
            done = world.change("detach", device.xml)
            world.checks.that(f"{what}: the fault was met", world.met())
            if done.status:
                world.checks.matches(f"{what}: the error", f"{step}: made to fail", done.err)
                world.checks.equal(f"{what}: the device is there as before", world.where(device), (True, True, True))
                world.checks.equal(f"{what}: detach", world.change("detach", device.xml).err, "")
            world.is_nowhere(what, device)


def kill_daemon(world, device):
    for step in device.attach:
        # after a step is before the next one
        for place in ("before", "after") if step == device.attach[-1] else ("before",):
            what = f"{device.word}: daemon killed {place} {step}"
            world.arm(f"kill {place} {step}")
            done = world.change("attach", device.xml)
            world.checks.that(f"{what}: the client is told", done.status == 1, repr(done))
            world.checks.that(f"{what}: the fault was met", world.met())
            world.after_death()
            if step == "attach-commit" and place == "after":
                world.checks.equal(f"{what}: it was over", world.where(device), (True, True, True))
                world.checks.equal(f"{what}: detach", world.change("detach", device.xml).err, "")
            world.is_nowhere(what, device)
            world.checks.equal(f"{what}: attach again", world.change("attach", device.xml).err, "")
            world.checks.equal(f"{what}: detach again", world.change("detach", device.xml).err, "")
    for step in device.detach if not world.checks.failed else ():
        what = f"{device.word}: daemon killed before {step}"
        world.checks.equal(f"{what}: attach", world.change("attach", device.xml).err, "")
        world.arm(f"kill before {step}")
        world.change("detach", device.xml)
        world.checks.that(f"{what}: the fault was met", world.met())
        world.after_death()
        if step in ("detach-look", "detach-note"):
            world.checks.equal(f"{what}: nothing had begun", world.where(device), (True, True, True))
            world.checks.equal(f"{what}: detach", world.change("detach", device.xml).err, "")
        world.is_nowhere(what, device)


def ends(world, device, action, steps):
    """The container ends at a step, with the daemon or without it: what the client was told is what is saved."""
    for step in steps:
        if step not in device.attach:
            continue
        what = f"{device.word}: {action} before {step}"
        world.arm(f"{action} before {step}")
        done = world.change("attach", device.xml)
        world.checks.that(f"{what}: the fault was met", world.met())
        if action == "kill-both":
            world.after_death()
        world.checks.that(f"{what}: it is off", world.is_off())
        links = t.wait_until(lambda: world.all_links() == world.links, PATIENCE)
        world.checks.that(f"{what}: no link stays", links, world.all_links())
        saved = device.word in world.documents()[1]
        world.checks.equal(f"{what}: saved if the client was told so", saved, done.status == 0)
        if saved:
            world.change("detach", device.xml, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        world.begin()


class Update:
    """What a device was and shall be, 0 and 1. @words: of its document, the second found first; @looks: which it is inside."""

    def __init__(self, word, texts, words, steps, looks):
        self.word, self.texts, self.words, self.steps, self.looks = word, texts, words, steps, looks

    def is_at(self, world):
        """Live, saved, inside; None where it is neither."""
        found = (next((i for i in (1, 0) if self.words[i] in text), None) for text in world.documents())
        return (*found, self.looks(world))


def updates(world, update):
    checks, old, new = world.checks, (0, 0, 0), (1, 1, 1)
    before, after = update.texts

    def back(what):
        if update.is_at(world) != old:
            checks.equal(f"{what}: back", world.change("update", before).err, "")
            checks.equal(f"{what}: it is back", update.is_at(world), old)
    checks.equal(f"{update.word}: attach", world.change("attach", before).err, "")
    checks.equal(f"{update.word}: it is there", update.is_at(world), old)
    for step in update.steps:
        # the last one is over with the file that it writes
        for place in ("before", "after") if step == update.steps[-1] else ("before",):
            if checks.failed:
                return
            if step != "detach-commit":     # as in fail_steps()
                what = f"{update.word}: {step} fails {place} it"
                world.arm(f"fail {place} {step}")
                done = world.change("update", after)
                checks.that(f"{what}: the fault was met", world.met())
                if done.status:
                    checks.matches(f"{what}: the error", f"{step}: made to fail", done.err)
                checks.equal(f"{what}: all or nothing", update.is_at(world), old if done.status else new)
                back(what)
            what = f"{update.word}: daemon killed {place} {step}"
            world.arm(f"kill {place} {step}")
            done = world.change("update", after)
            checks.that(f"{what}: the client is told", done.status == 1, repr(done))
            checks.that(f"{what}: the fault was met", world.met())
            world.after_death()
            over = (step, place) == (update.steps[-1], "after")
            checks.equal(f"{what}: all or nothing", update.is_at(world), new if over else old)
            checks.equal(f"{what}: again", world.change("update", after).err, "")
            checks.equal(f"{what}: as it shall be", update.is_at(world), new)
            back(what)
    world.arm(f"kill-both before {update.steps[-1]}")
    world.change("update", after)
    checks.that(f"{update.word}: both killed: the fault was met", world.met())
    world.after_death()
    checks.that(f"{update.word}: both killed: it is off", world.is_off())
    checks.that(f"{update.word}: both killed: the saved definition", update.words[0] in world.documents()[1])
    world.begin()
    checks.equal(f"{update.word}: detach", world.change("detach", before).err, "")
    world.rules = world.device_rules()


NODE = ("hold", "link", "unlink", "detach-look", "trim", "release")
MOUNT = (*NODE, "rules", "limits")
LINK = ("rules", "hold", "detach-look", "trim", "release", "limits")


def table(world):
    def disk(kind, source, target, more=""):
        return f"<disk type='{kind}'>{source}<target dev='{target}'/>{more}</disk>"

    def filesystem(kind, source, target):
        return f"<filesystem type='{kind}'>{source}<target dir='{target}'/></filesystem>"

    def mounted(target):
        return lambda w: f" {target} " in open(f"/proc/{w.init}/mounts", encoding="utf-8").read()
    image = f"<driver name='loop' type='raw'/><source file='{world.image}'/>"
    limit = "<iotune><read_bytes_sec>1048576</read_bytes_sec></iotune>"
    return [
        Device("loop-control", "<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char></source></hostdev>",
               (*NODE, "limits"), in_namespace("/dev/loop-control")),
        Device(f"<block>{world.loop}<", f"<hostdev mode='capabilities' type='storage'><source><block>{world.loop}</block></source>"
               "</hostdev>", (*NODE, "limits"), in_namespace(world.loop)),
        Device("sda", disk("block", f"<source dev='{world.loop}'/>", "sda"), (*NODE, "limits"), in_namespace("/dev/sda")),
        Device("sdb", disk("file", image, "sdb", limit), ("link", "unlink", "detach-look", "trim"), in_namespace("/dev/sdb")),
        Device("/mnt/image", filesystem("file", image.replace("name='loop' type", "type='loop' format"), "/mnt/image"),
               ("link", "unlink", "limits"), mounted("/mnt/image")),
        Device("/mnt/block", filesystem("block", f"<source dev='{world.loop}'/>", "/mnt/block"),
               ("hold", "release", "link", "unlink", "limits"), mounted("/mnt/block")),
        Device("/mnt/host", filesystem("mount", f"<source dir='{world.directory}'/>", "/mnt/host"), MOUNT, mounted("/mnt/host")),
        Device("/mnt/ram", filesystem("ram", "<source usage='1024' units='KiB'/>", "/mnt/ram"), MOUNT, mounted("/mnt/ram")),
        Device("/mnt/bind", filesystem("bind", "<source dir='/etc'/>", "/mnt/bind"), MOUNT, mounted("/mnt/bind")),
        Device(MAC, f"<interface type='bridge'><mac address='{MAC}'/><source bridge='skepbr'/><ip address='192.0.2.9' prefix='24'/>"
               "</interface>", (*LINK, "detach-leave"), in_namespace("eth0")),
        Device(MAC, f"<interface type='direct'><mac address='{MAC}'/><source dev='skeplow' mode='bridge'/></interface>", LINK,
               in_namespace("eth0")),
        Device("skephost", "<hostdev mode='capabilities' type='net'><source><interface>skephost</interface></source></hostdev>",
               (*LINK, "link", "unlink"), in_namespace("skephost")),
    ]


def update_table(world):
    def disk(path):
        return f"<disk type='file'><driver name='loop' type='raw'/><source file='{path}'/><target dev='sdb'/></disk>"

    def backing(w):
        st = os.stat(f"/proc/{w.init}/root/dev/sdb")
        path = f"/sys/dev/block/{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}/loop/backing_file"
        with open(path, encoding="utf-8") as handle:
            found = handle.read().strip()
        # nothing has the one that it is not
        other = w.image if found == w.other else w.other
        return int(found == w.other) if t.wait_until(lambda: other not in w.loops(), PATIENCE) else None

    def net(bridge, more=""):
        return f"<interface type='bridge'><mac address='{MAC}'/><source bridge='{bridge}'/>{more}</interface>"

    def link(w):
        host = next(iter(set(w.all_links()) - set(w.links) - {name for name in w.all_links() if name.startswith("ifb")}), "")
        shown = t.execute(["ip", "link", "show", host]).out
        seen = ("master skepbr2" in shown, not re.search("[<,]UP[,>]", shown),
                "rate 8Mbit" in t.execute(["tc", "class", "show", "dev", host]).out)
        return {(False,) * 3: 0, (True,) * 3: 1}.get(seen, str((seen, shown)))

    def readonly(w):
        with open(f"/proc/{w.init}/mountinfo", encoding="utf-8") as mounts:
            found = [line.split()[5] for line in mounts if line.split()[4] == "/mnt/host"]
        return int("ro" in found[0].split(",")) if found else None
    steps = [step for step in DETACH if step in ("detach-note", "detach-leave", "detach-rules", "detach-release", "detach-commit")]
    steps += [step for step in ATTACH if step not in ("attach-link", "attach-limits")]
    folder = f"<filesystem type='mount'><source dir='{world.directory}'/><target dir='/mnt/host'/>%s</filesystem>"
    faster = "<link state='down'/><bandwidth><inbound average='1000'/></bandwidth>"
    return [
        Update("another disk", [disk(world.image), disk(world.other)], [f"'{world.image}'", f"'{world.other}'"], steps, backing),
        Update("interface", [net("skepbr"), net("skepbr2", faster)], ["bridge='skepbr'", "bridge='skepbr2'"],
               ["update-apply", "update-commit"], link),
        Update("readonly", [folder % "", folder % "<readonly/>"],
               ["/mnt/host", "<readonly/>"],
               ["update-apply", "update-commit"], readonly),
    ]


@contextlib.contextmanager
def running(what, kind=World):
    """A world of that kind with a daemon, and its container runs; and the checks."""
    t.enter_namespaces()
    t.need_program("mkfs.ext4")
    if libvirt is None:
        t.skip("needs python3-libvirt (tools/deps installs it)")
    libvirt.registerErrorHandler(lambda *_: None, None)
    checks = t.Checks(what)
    with t.work_dir() as directory, contextlib.ExitStack() as stack:
        world = kind(directory, checks, stack)
        with world.daemon:
            world.learn_command()
            world.domain_new()
            world.begin()
            yield world, checks


def main():
    with running("start-hotplug") as (world, checks):
        for device in table(world):
            for part in (fail_steps, kill_daemon):
                if not checks.failed:
                    part(world, device)
            for action, steps in ENDS:
                # without a daemon a virtual device of the host's that is inside ends with the container
                if not checks.failed and (device.word != "skephost" or action != "kill-both"):
                    ends(world, device, action, steps)
        for update in update_table(world):
            if not checks.failed:
                updates(world, update)
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
