# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network devices: ports of bridges, macvlans, devices of the host, taps."""

import os
import re
import subprocess
import sys

import skeptest as t
from hotplug_guest import GOOD, well

MAC = "52:54:00:aa:bb:01"
# TUNSETIFF with IFF_TAP | IFF_NO_PI
HOLD_TAP = """import fcntl, struct, sys
with open("/dev/net/tun", "r+b", buffering=0) as tun:
    fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH14x", b"skeptap", 0x1002))
    print("open", flush=True)
    sys.stdin.read()"""


def bridged(checks, guest, what, xml):
    """A port of a bridge: what is inside, what can change, and that all of it goes."""
    checks.equal(f"{what}: attach", well(guest.attach(xml)), GOOD)
    shown = guest.run("ip", "addr", "show", "lan7").out
    checks.matches(f"{what}: its address inside", "192.0.2.9/24", shown)
    checks.matches(f"{what}: its mac", MAC, shown)
    checks.matches(f"{what}: it is up", "state UP|[<,]UP[,>]", shown)
    checks.matches(f"{what}: its route", "198.51.100.0/24 via 192.0.2.1", guest.run("ip", "route").out)
    host = re.search(rf"{MAC}.*?<target dev='(\w+)'/>", guest.live(), re.S)
    checks.that(f"{what}: its host end is told", host, guest.live())
    name = host[1] if host else "-"
    listed = guest.daemon.virsh("domiflist", guest.name)
    checks.that(f"{what}: virsh domiflist", name in listed.out and MAC in listed.out, repr(listed))
    checks.matches(f"{what}: is a port of the bridge", "master skepbr", t.execute(["ip", "link", "show", name]).out)

    done = guest.daemon.virsh("domif-setlink", guest.name, name, "down")
    checks.equal(f"{what}: link down", (done.status, done.err), GOOD)
    # the kernel notes it a moment later
    checks.that(f"{what}: no carrier inside", t.wait_until(lambda: re.search(
        "NO-CARRIER|LOWERLAYERDOWN|state DOWN", guest.run("ip", "link", "show", "lan7").out)))
    checks.matches(f"{what}: the definition says so", "<link state='down'/>", guest.live())
    done = guest.daemon.virsh("domif-setlink", guest.name, name, "up")
    checks.equal(f"{what}: link up", (done.status, done.err), GOOD)
    moved = guest.update(xml.replace("skepbr'", "skepbr2'"))
    checks.equal(f"{what}: to another bridge", well(moved), GOOD)
    checks.matches(f"{what}: is its port", "master skepbr2", t.execute(["ip", "link", "show", name]).out)
    refused = guest.update(xml.replace("192.0.2.9", "192.0.2.10"))
    checks.matches(f"{what}: other changes are refused", "only link state, bandwidth and bridge", refused.err)
    fast = guest.update(xml.replace("<guest", "<bandwidth><inbound average='1000' peak='2000' burst='100'/>"
                                    "<outbound average='500'/></bandwidth><guest"))
    checks.equal(f"{what}: bandwidth", well(fast), GOOD)
    checks.matches(f"{what}: the kernel's class", "rate 8Mbit ceil 16Mbit",
                   t.execute(["tc", "class", "show", "dev", name]).out)
    ifbs = re.findall(r"(ifb-\w+)", t.execute(["ip", "-o", "link"]).out)
    checks.that(f"{what}: the other direction", ifbs and "rate 4Mbit" in
                t.execute(["tc", "class", "show", "dev", ifbs[0]]).out)

    done = guest.daemon.virsh("detach-interface", guest.name, "bridge", "--mac", MAC, "--live")
    checks.equal(f"{what}: detach-interface", well(done), GOOD)
    checks.that(f"{what}: gone inside", "lan7" not in guest.run("ip", "link").out)
    links = t.execute(["ip", "-o", "link"]).out
    checks.that(f"{what}: gone on the host", name not in links and "ifb-" not in links, links)
    gone = guest.daemon.virsh("detach-device", guest.name, guest.write("device.xml", xml), "--live")
    checks.matches(f"{what}: detach again", f"no device matching MAC address {MAC} found", gone.err)


def macvlan(checks, guest, what):
    direct = (f"<interface type='direct'><mac address='{MAC}'/><source dev='skeplow' mode='bridge'/></interface>")
    checks.equal(f"{what}: attach a macvlan", well(guest.attach(direct)), GOOD)
    checks.matches(f"{what}: eth0 inside", f"eth0.*{MAC}|{MAC}", guest.run("ip", "link", "show", "eth0").out)
    guest.run("ip", "link", "set", "eth0", "down")
    guest.run("ip", "link", "set", "eth0", "name", "mine")
    refused = guest.detach(direct)
    checks.matches(f"{what}: a macvlan that was renamed inside", "has renamed it", refused.err)
    checks.that(f"{what}: it stays in the definition", MAC in guest.live())
    guest.run("ip", "link", "set", "mine", "name", "eth0")
    checks.equal(f"{what}: detach the macvlan", well(guest.detach(direct)), GOOD)
    checks.that(f"{what}: gone inside", "eth0" not in guest.run("ip", "link").out)


def device_of_host(checks, guest, what):
    subprocess.run(["ip", "link", "add", "skepdev", "type", "veth", "peer", "skepdevp"], check=True)
    device = ("<hostdev mode='capabilities' type='net'><source><interface>skepdev</interface></source>"
              "<ip address='203.0.113.5' prefix='24'/></hostdev>")
    checks.equal(f"{what}: attach a device of the host", well(guest.attach(device)), GOOD)
    checks.matches(f"{what}: its address", "203.0.113.5/24", guest.run("ip", "addr", "show", "skepdev").out)
    checks.that(f"{what}: not on the host meanwhile", not re.search(r": skepdev[@:]", t.execute(["ip", "-o", "link"]).out))
    # known by what it is: not by its name, nor by what was made in its place
    guest.run("ip", "link", "set", "skepdev", "down")
    guest.run("ip", "link", "set", "skepdev", "name", "mine")
    guest.run("ip", "link", "add", "skepdev", "type", "veth", "peer", "skepfalse")
    checks.equal(f"{what}: detach it", well(guest.detach(device)), GOOD)
    checks.matches(f"{what}: it is the host's again, under its name", r": skepdev@skepdevp:", t.execute(["ip", "-o", "link"]).out)
    checks.that(f"{what}: and no other", re.search(r": skepdev[@:]", guest.run("ip", "link").out))
    guest.run("ip", "link", "del", "skepdev")
    subprocess.run(["ip", "link", "del", "skepdev"], check=False)


def taps(checks, guest):
    """A device of the host that is neither hardware nor has another end there."""
    what = f"{guest.name}: tap"
    if not os.path.exists("/dev/net/tun"):
        print("no /dev/net/tun here: taps are not tested")
        return
    tap = "<hostdev mode='capabilities' type='net'><source><interface>skeptap</interface></source></hostdev>"
    make = ["ip", "tuntap", "add", "skeptap", "mode", "tap"]
    inside = ["nsenter", "-t", str(guest.init), "-n"]
    subprocess.run(make, check=True)
    checks.equal(f"{what}: attach", well(guest.attach(tap)), GOOD)
    checks.that(f"{what}: is inside", "skeptap" in guest.run("ip", "link").out)
    guest.daemon.restart()
    user = subprocess.Popen([*inside, sys.executable, "-c", HOLD_TAP], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    checks.equal(f"{what}: it is opened", user.stdout.readline(), b"open\n")
    checks.matches(f"{what}: open it stays", "a program in the container has it open", guest.detach(tap).err)
    user.stdin.close()
    user.wait()
    checks.equal(f"{what}: detach", well(guest.detach(tap)), GOOD)
    checks.matches(f"{what}: it is the host's again", ": skeptap:", t.execute(["ip", "-o", "link"]).out)
    checks.equal(f"{what}: attach again", well(guest.attach(tap)), GOOD)
    subprocess.run([*inside, "ip", "link", "del", "skeptap"], check=True)
    subprocess.run([*inside, *make], check=True)
    checks.matches(f"{what}: another in its place", "has deleted it or moved it on", guest.detach(tap).err)
    checks.that(f"{what}: the host gets none", ": skeptap:" not in t.execute(["ip", "-o", "link"]).out)
    subprocess.run([*inside, "ip", "link", "del", "skeptap"], check=True)
    bridge = guest.attach(tap.replace("skeptap", "skepbr2"))
    checks.matches(f"{what}: a bridge", "is a bridge, which cannot leave its network namespace", bridge.err)


def interfaces(checks, guest):
    what = f"{guest.name}: interface"
    xml = (f"<interface type='bridge'><mac address='{MAC}'/><source bridge='skepbr'/>"
           "<ip address='192.0.2.9' prefix='24'/><route address='198.51.100.0' prefix='24' gateway='192.0.2.1'/>"
           "<guest dev='lan7'/></interface>")
    bridged(checks, guest, what, xml)
    macvlan(checks, guest, what)
    device_of_host(checks, guest, what)
    taps(checks, guest)
    bad = guest.attach(xml.replace("skepbr", "nobridge"))
    checks.matches(f"{what}: a bridge that is not there", "Unable to use bridge 'nobridge'", bad.err)
    bad = guest.attach(xml.replace("</interface>", "<filterref filter='clean-traffic'/></interface>"))
    checks.matches(f"{what}: never unfiltered", "Network filter not found: no nwfilter with matching name 'clean-traffic'", bad.err)
