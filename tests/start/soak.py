#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Four clients do what they like with twelve domains at the same time. Only refusals that fit a state may
come back, no call may take long, and in the end nothing is left over.

    soak.py [SECONDS]       (default 6)
"""

import multiprocessing
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest  # noqa: E402

DOMAINS = 12
CLIENTS = 4
OPERATIONS = {
    "create": lambda d: d.create(), "create again": lambda d: d.create(),
    "destroy": lambda d: d.destroy(), "suspend": lambda d: d.suspend(), "resume": lambda d: d.resume(),
    "shutdown": lambda d: d.shutdownFlags(8), "reboot": lambda d: d.reboot(8),
    "xml": lambda d: d.XMLDesc(), "state": lambda d: d.state(), "info": lambda d: d.info(),
}
# Requested operation is not valid; operation aborted (a start that was destroyed)
FINE = (55, 78)


def client(uri, seed, seconds):
    """(done, refused, [unexpected], slowest) of one client."""
    import libvirt
    libvirt.registerErrorHandler(lambda *ignored: None, None)
    choose = random.Random(seed)
    connection = libvirt.open(uri)
    done = refused = 0
    slowest = 0.0
    unexpected = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name = choose.choice(sorted(OPERATIONS))
        domain = connection.lookupByName(f"soak{choose.randrange(DOMAINS)}")
        begin = time.monotonic()
        try:
            OPERATIONS[name](domain)
            done += 1
        except libvirt.libvirtError as error:
            refused += 1
            if error.get_error_code() not in FINE:
                unexpected.append(f"{name}: {error.get_error_code()} {error}")
        slowest = max(slowest, time.monotonic() - begin)
    connection.close()
    return done, refused, unexpected, slowest


def main():
    try:
        import libvirt  # noqa: F401
    except ImportError:
        skeptest.skip("needs python3-libvirt")
    skeptest.enter_namespaces()
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 6.0
    checks = skeptest.Checks("start-soak")
    with skeptest.work_dir() as directory:
        root = skeptest.busybox_root(os.path.join(directory, "root"))
        with skeptest.Skepd(os.path.join(directory, "d")) as daemon:
            for number in range(DOMAINS):
                path = os.path.join(directory, f"{number}.xml")
                with open(path, "w", encoding="utf-8") as handle:
                    handle.write(skeptest.domain_xml(
                        f"soak{number}", root, args=("-c", "trap 'exit 0' TERM; sleep 0.2; sleep 1000")))
                daemon.virsh("define", path)
            pid = daemon.pid()
            with multiprocessing.get_context("fork").Pool(CLIENTS) as pool:
                results = pool.starmap(client, [(daemon.uri, seed, seconds) for seed in range(CLIENTS)])
            done = sum(result[0] for result in results)
            unexpected = [text for result in results for text in result[2]]
            checks.equal("only refusals that fit", unexpected[:5], [])
            checks.that("the clients got on", done > 3 * seconds, f"{done} operations")
            checks.that("no call took over 30 s", max(result[3] for result in results) < 30)
            checks.equal("it is the same daemon", daemon.pid(), pid)
            daemon.destroy_all()
            checks.equal("nothing is left over", skeptest.leftovers(
                directory, [f"soak{number}" for number in range(DOMAINS)]), [])
            checks.equal("no file is left", sorted(os.listdir(os.path.join(directory, "d/domains"))),
                         ["autostarted", "stage"])
            if checks.failed:
                print(daemon.log()[-4000:])
            else:
                print(f"{done} operations, {sum(result[1] for result in results)} refusals")
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
