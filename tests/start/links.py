#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Links that are being made on a pool thread when their start is given up, or the daemon dies: none stays.
<link state='down'/>: who may set the link up, and when."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest  # noqa: E402

NAME = f"links{os.getpid()}"
COUNT = 60
PATIENCE = 120      # the kernel takes its time for so many links


def links():
    return sorted(re.findall(r"^\d+: ([^:@]+)", skeptest.execute(["ip", "-o", "link"]).out, re.M))


def define(daemon, directory, kind):
    addresses = "".join(f"<ip address='10.9.{n}.1' family='ipv4' prefix='24'/>" for n in range(5))
    one = {"veth": f"<interface type='ethernet'><source>{addresses}</source></interface>",
           "macvlan": "<interface type='direct'><source dev='skeplow' mode='bridge'/></interface>"}[kind]
    path = f"{directory}/domain.xml"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(NAME, f"{directory}/root", init="/bin/sleep", args=("1000",),
                                         uuid="1f9cf5a4-77aa-4b5c-9f53-5a6d4c2b1e99", devices=one * COUNT))
    done = daemon.virsh("define", path)
    if done.status:
        daemon.say_last()
        raise RuntimeError(repr(done))


def given_up(checks, daemon, before, kind, how):
    """Destroyed or killed as soon as the first one is there."""
    what = f"{kind}, {how}"
    ready = subprocess.Popen(["virsh", "-q", "-c", daemon.uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    ready.stdin.write("uri\n")          # connected before, so that it is quick
    ready.stdin.flush()
    ready.stdout.readline()
    with subprocess.Popen(["virsh", "-c", daemon.uri, "start", NAME], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as start:
        checks.that(f"{what}: some were made", skeptest.wait_until(
            lambda: len(os.listdir("/sys/class/net")) > len(before), PATIENCE, 0.0005))
        if how == "destroyed":
            said = ready.communicate(f"destroy {NAME}\n", timeout=PATIENCE)[0]
            checks.that(f"{what}: no error", "error:" not in said or "not running" in said, said)
        else:
            ready.kill()
            ready.wait()
            daemon.kill()
        start.wait(PATIENCE)
    if how == "killed":
        daemon.start()
    skeptest.wait_until(lambda: daemon.state(NAME) == "shut off" and links() == before, PATIENCE)
    checks.equal(f"{what}: none is left", links(), before)
    for verb in ("start", "destroy"):
        done = daemon.virsh(verb, NAME, timeout=2 * PATIENCE)
        checks.equal(f"{what}: {verb} again", (done.status, done.err), (0, ""))
    skeptest.wait_until(lambda: links() == before, PATIENCE)
    checks.equal(f"{what}: and leaves nothing", links(), before)


def host_up(device):
    with open(f"/sys/class/net/{device}/flags", encoding="ascii") as handle:
        return bool(int(handle.read(), 16) & 1)


def inside(daemon, *words):
    controller = daemon.virsh("domid", NAME).out.strip()
    with open(f"/proc/{controller}/task/{controller}/children", encoding="ascii") as handle:
        init = handle.read().split()[0]
    return skeptest.execute(["nsenter", "-t", init, "-n", *words]).out


def set_link(daemon, state):
    done = daemon.virsh("domif-setlink", NAME, "skepcut", state)
    if done.status:
        daemon.say_last()
        raise RuntimeError(repr(done))


def down(checks, daemon, directory):
    """As libvirt and LXC start it: the container's end is down, and its own to set up. What is set down while it
    runs stays so."""
    path = f"{directory}/down.xml"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(NAME, f"{directory}/root", init="/bin/sleep", args=("1000",), devices=(
            "<interface type='ethernet'><target dev='skepcut'/><guest dev='in0'/><link state='down'/></interface>")))
    done = daemon.virsh("create", path)
    if done.status:
        daemon.say_last()
        raise RuntimeError(repr(done))
    checks.that("down: the host's end is up", host_up("skepcut"))
    checks.that("down: the container's is not", ",UP" not in inside(daemon, "ip", "link", "show", "in0"))
    inside(daemon, "ip", "link", "set", "in0", "up")
    checks.that("down: it can be set up inside",
                "LOWER_UP" in inside(daemon, "ip", "link", "show", "in0"))
    set_link(daemon, "down")
    checks.that("down: set down while it runs, though it is down by definition", not host_up("skepcut"))
    checks.that("down: which the container cannot undo",
                "LOWER_UP" not in inside(daemon, "ip", "link", "show", "in0"))
    daemon.restart()
    before = daemon.virsh("domid", NAME).out
    checks.equal("down: reset", daemon.virsh("reset", NAME).err, "")
    checks.that("down: it starts again", skeptest.wait_until(
        lambda: daemon.virsh("domid", NAME).out not in (before, "-\n", "") and daemon.state(NAME) == "running", PATIENCE))
    checks.that("down: without a carrier", not host_up("skepcut"))
    set_link(daemon, "up")
    checks.that("down: and up again", host_up("skepcut"))
    done = daemon.virsh("destroy", NAME)
    checks.equal("destroy", (done.status, done.err), (0, ""))


def host_routes(checks, daemon, directory):
    """Of the host's end: a netmask says as much as a prefix."""
    path = f"{directory}/routes.xml"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(NAME, f"{directory}/root", init="/bin/sleep", args=("1000",), devices=(
            "<interface type='ethernet'><source><ip address='10.9.1.1' family='ipv4' prefix='24'/>"
            "<route family='ipv4' address='10.10.128.0' netmask='255.255.128.0' gateway='10.9.1.2'/></source>"
            "<target dev='skeproute'/></interface>")))
    checks.equal("routes: it starts", daemon.virsh("create", path).err, "")
    routes = skeptest.execute(["ip", "route", "show", "dev", "skeproute"]).out
    checks.that("routes: by its netmask", "10.10.128.0/17 via 10.9.1.2" in routes, routes)
    done = daemon.virsh("destroy", NAME)
    checks.equal("destroy", (done.status, done.err), (0, ""))


def names(checks, daemon, directory):
    """One that has no name inside gets the first ethN that no other has, whatever their order."""
    path = f"{directory}/names.xml"
    image = f"{directory}/names.img"
    link = "<interface type='ethernet'>{}</interface>"
    devices = "".join(link.format(guest) for guest in ("", "<guest dev='eth0'/>", "<guest dev='lan'/>",
                                                       "<ip address='10.9.2.5' prefix='24'/>", "<guest dev='eth2'/>"))
    with open(image, "wb") as handle:
        handle.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    devices += (f"<filesystem type='file'><driver type='loop' format='raw'/><source file='{image}'/>"
                "<target dir='/mnt/image'/></filesystem>")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(NAME, f"{directory}/root", init="/bin/sleep", args=("1000",), devices=devices))
    assert daemon.virsh("define", path).status == 0
    shell = os.path.join(skeptest.BUILD, "tools/skep/skep")
    plan = skeptest.execute([shell, "--socket", f"{directory}/d/skep-sock", "domain-plan", NAME])
    wanted = ["eth1", "eth0", "lan", "eth3", "eth2"]
    checks.equal("names: in the plan", re.findall(r"(?m)^link veth -> (\w+)", plan.out), wanted)
    checks.matches("names: an address in the plan", "(?m)^address 10.9.2.5/24 dev eth3$", plan.out)
    checks.matches("names: and what is on an image", f"(?m)^block /mnt/image type ext4 from {image}", plan.out)
    checks.equal("names: it starts", daemon.virsh("start", NAME).err, "")
    checks.equal("names: in the definition", re.findall("<guest dev='(\\w+)'", daemon.virsh("dumpxml", NAME).out), wanted)
    seen = re.findall(r"(?m)^\d+: (\w+)", inside(daemon, "ip", "-o", "link", "show"))
    checks.equal("names: inside", sorted(set(seen) & set(wanted)), sorted(wanted))
    daemon.virsh("destroy", NAME)
    daemon.virsh("undefine", NAME)


def main():
    skeptest.enter_namespaces()
    skeptest.need_program("mkfs.ext4")
    checks = skeptest.Checks("links")
    subprocess.run(["ip", "link", "add", "skeplow", "type", "veth", "peer", "skeplowp"], check=True)
    before = links()
    with skeptest.work_dir() as directory, skeptest.Skepd(f"{directory}/d") as daemon:
        skeptest.busybox_root(f"{directory}/root")
        for kind in ("veth", "macvlan"):
            define(daemon, directory, kind)
            for how in ("destroyed", "killed"):
                given_up(checks, daemon, before, kind, how)
        daemon.virsh("undefine", NAME)
        down(checks, daemon, directory)
        host_routes(checks, daemon, directory)
        names(checks, daemon, directory)
        checks.equal("nothing else is left", skeptest.leftovers(directory, [NAME]), [])
    return checks.done()


sys.exit(main())
