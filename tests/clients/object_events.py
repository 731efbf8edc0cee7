#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events of devices of the host: links come and go in a network namespace of the test's own, while several
clients watch, all of them or one. Secrets can be watched too; there are none."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

CREATED, DELETED = 0, 1


def ip(*words):
    subprocess.run(["ip", "link", *words], check=True)


def mac_name(link):
    with open(f"/sys/class/net/{link}/address", encoding="utf-8") as file:
        return f"net_{link}_{file.read().strip().replace(':', '_')}"


def main():
    try:
        import libvirt
    except ImportError:
        t.skip("needs python3-libvirt")
    t.enter_namespaces()
    libvirt.registerErrorHandler(lambda *ignored: None, None)
    libvirt.virEventRegisterDefaultImpl()
    libvirt.virEventAddTimeout(100, lambda *ignored: None, None)    # so that waiting for an event has an end
    checks = t.Checks("object events")

    def told(seen, name, what):
        return t.wait_until(lambda: libvirt.virEventRunDefaultImpl() or (name, what) in seen, 60, 0)

    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        connection, other = libvirt.open(daemon.uri), libvirt.openReadOnly(daemon.uri)
        everything, one = [], []
        number = connection.nodeDeviceEventRegisterAny(
            None, libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
            lambda c, device, event, detail, seen: seen.append((device.name(), event)), everything)
        ip("add", "first", "type", "veth")
        first = mac_name("first")
        checks.that("a link that comes is told", told(everything, first, CREATED), everything)
        checks.that("it is in the list", first in connection.listDevices("net"), connection.listDevices("net"))
        device = other.nodeDeviceLookupByName(first)
        other.nodeDeviceEventRegisterAny(
            device, libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
            lambda c, device, event, detail, seen: seen.append((device.name(), event)), one)
        other.nodeDeviceEventRegisterAny(device, libvirt.VIR_NODE_DEVICE_EVENT_ID_UPDATE, lambda *ignored: None, None)
        connection.listDevices("net")
        ip("add", "second", "type", "veth")
        second = mac_name("second")
        checks.that("so is the next", told(everything, second, CREATED), everything)
        checks.that("... and found, by who has just asked for all", second in connection.listDevices("net"))
        ip("del", "second")
        checks.that("one that goes is told", told(everything, second, DELETED), everything)
        checks.that("... and found no more", second not in connection.listDevices("net"))
        connection.nodeDeviceEventDeregisterAny(number)
        ip("del", "first")
        checks.that("whoever watches one is told of it", told(one, first, DELETED), one)
        checks.equal("of nothing else", one, [(first, DELETED)])
        checks.that("whoever asked for no more has none", (first, DELETED) not in everything, everything)
        secret = connection.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_LIFECYCLE,
                                                   lambda *ignored: None, None)
        connection.secretEventDeregisterAny(secret)
        checks.equal("there are no secrets", connection.listSecrets(), [])
        # nor networks and pools, of which every example program wants to be told
        quiet = lambda *ignored: None   # noqa: E731
        for number in (0, 1):
            pool = connection.storagePoolEventRegisterAny(None, number, quiet, None)
            connection.storagePoolEventDeregisterAny(pool)
        network = connection.networkEventRegisterAny(None, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE, quiet, None)
        connection.networkEventDeregisterAny(network)
        other.close()
        connection.close()
        for kind in ("nodedev", "net", "pool", "secret"):
            watched = t.execute(["virsh", "-c", daemon.uri, f"{kind}-event", "--event", "lifecycle", "--timeout", "1"])
            checks.matches(f"virsh {kind}-event watches", "event loop timed out", watched.out)
        if checks.failed:
            print(daemon.log()[-3000:])
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
