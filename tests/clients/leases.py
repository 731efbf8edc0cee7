#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A container takes its address of a dnsmasq with libvirt's lease helper, as on a bridge that libvirt keeps: virsh tells
address and host name from the lease, and libvirt's NSS module finds the container by that name."""

import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

HELPER = "/usr/lib/libvirt/libvirt_leaseshelper"
STATE = "/var/lib/libvirt/dnsmasq"      # where helper and NSS module meet
BRIDGE, GATE, MAC = "leasebr", "10.93.4.1", "52:54:00:93:04:02"
# Sets what it was given; udhcpc calls it with the address in its environment.
ON_LEASE = """#!/bin/sh
[ "$1" = bound ] && ip addr add "$ip/$mask" dev "$interface" && echo "$ip" >/got
exit 0
"""
INIT = "ip link set eth0 up; udhcpc -i eth0 -x hostname:hive -s /on-lease -q -n -t 100 -T 1 &gt;/log 2&gt;&amp;1; exec sleep 100000"


def state_directory():
    """libvirt's, of this test's own, and a place for the helper's pid and lock."""
    for path in ("/var/lib/libvirt", "/run/libvirt"):
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", path], check=True)
    for path in (STATE, "/run/libvirt/network"):
        os.makedirs(path)


def dnsmasq(directory):
    """As libvirt starts it."""
    subprocess.run("ip link add {0} type bridge; ip addr add {1}/24 dev {0}; ip link set {0} up".format(BRIDGE, GATE), shell=True,
                   check=True)
    log = open(os.path.join(directory, "dnsmasq.log"), "wb")
    return subprocess.Popen(
        ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", f"--interface={BRIDGE}", "--bind-interfaces",
         "--except-interface=lo", "--dhcp-range=10.93.4.2,10.93.4.20", "--dhcp-no-override", "--leasefile-ro",
         f"--dhcp-script={HELPER}", "--user=root", "--dhcp-authoritative"], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        env=dict(os.environ, VIR_BRIDGE_NAME=BRIDGE, DNSMASQ_INTERFACE=BRIDGE), preexec_fn=t.die_with_parent)


def check_lease(checks, daemon, address):
    listed = daemon.virsh("domifaddr", "leased")
    checks.matches("domifaddr: the lease", rf"{MAC} +ipv4 +{address}/24", listed.out)
    neighbour = daemon.virsh("domifaddr", "leased", "--source", "arp")
    checks.equal("domifaddr --source arp is answered", neighbour.status, 0)
    inside = daemon.virsh("domifaddr", "leased", "--source", "agent", "--interface", "eth0")
    checks.matches("domifaddr --source agent: the same inside", rf"eth0 +{MAC} +ipv4 +{address}/24", inside.out)
    named = daemon.virsh("domhostname", "leased", "--source", "lease")
    checks.equal("domhostname --source lease", (named.status, named.out.strip()), (0, "hive"))


def check_nss(checks, address):
    """getent with libvirt's module alone; the one that knows domains by name needs files of libvirt's networks."""
    found = t.execute(["getent", "-s", "libvirt", "ahostsv4", "hive"])
    checks.that("NSS: the name in the lease", found.status == 0 and found.out.startswith(address + " "), found)
    none = t.execute(["getent", "-s", "libvirt", "ahostsv4", "nobody-here"])
    checks.equal("NSS: an unknown name", none.status, 2)


def main():
    for program in ("virsh", "dnsmasq"):
        t.need_program(program)
    if not os.path.exists(HELPER) or not os.path.exists("/usr/lib/x86_64-linux-gnu/libnss_libvirt.so.2"):
        t.skip("needs libvirt-daemon and libnss-libvirt (tools/deps clients)")
    t.enter_namespaces()
    state_directory()
    checks = t.Checks("leases and NSS")
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        root = t.busybox_root(os.path.join(directory, "root"))
        os.symlink("busybox", os.path.join(root, "bin/udhcpc"))
        with open(os.path.join(root, "on-lease"), "w", encoding="utf-8") as handle:
            handle.write(ON_LEASE)
        os.chmod(os.path.join(root, "on-lease"), 0o755)
        server = dnsmasq(directory)
        path = os.path.join(directory, "leased.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml("leased", root, init="/bin/sh", args=["-c", INIT], devices=(
                f"<interface type='bridge'><mac address='{MAC}'/><source bridge='{BRIDGE}'/></interface>")))
        checks.equal("create", daemon.virsh("create", path).status, 0)

        def lease():
            try:
                with open(f"{STATE}/{BRIDGE}.status", encoding="utf-8") as handle:
                    return [one for one in json.load(handle) if one["mac-address"] == MAC]
            except (OSError, ValueError):
                return []
        got = os.path.join(root, "got")
        found = t.wait_until(lambda: os.path.exists(got) and lease(), 240)
        if checks.that("the container has a lease", found,
                       open(os.path.join(directory, "dnsmasq.log"), encoding="utf-8").read()):
            address = found[0]["ip-address"]
            check_lease(checks, daemon, address)
            check_nss(checks, address)
        server.send_signal(signal.SIGTERM)
        server.wait()
    sys.exit(checks.done())


if __name__ == "__main__":
    main()
