#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Eight clients do what they like with twenty domains at the same time: calls of every kind, from both
sides of a domain's queue. Only refusals that fit a state may come back, no call may take long, no job may
stay behind, and in the end nothing is left over: no process, mount, cgroup or file, no file descriptor
of the daemon, no memory that grows.

    soak.py [SECONDS]       (default 8)

With SKEPD_PROGRAM of a build with -Db_sanitize=thread the sanitizer's reports are failures, too; the
controllers come from the ordinary build, since they have one thread and are static. With
SKEP_DISPATCH_ABORT_MS a dispatch, or turn of the main loop, that takes longer ends the daemon.
"""

import glob
import multiprocessing
import os
import random
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest  # noqa: E402

PATIENCE = 120
DOMAINS = 20
CLIENTS = 8
TITLE = 1                   # VIR_DOMAIN_METADATA_TITLE
RAM_DISK = "<filesystem type='ram'><source usage='1024' units='KiB'/><target dir='/mnt'/></filesystem>"
SHARES = {"cpu_shares": 512}

# Every operation with the codes that may come back beside success.
# 55: it does not run, or runs; 78: a start that was destroyed meanwhile; 42: undefined meanwhile.
STATE = (55, 78, 42)
OPERATIONS = {
    "create": (lambda d: d.create(), STATE),
    "create again": (lambda d: d.create(), STATE),
    "create to go with the connection": (lambda d: d.createWithFlags(2), STATE),
    "destroy": (lambda d: d.destroy(), STATE),
    "suspend": (lambda d: d.suspend(), STATE),
    "resume": (lambda d: d.resume(), STATE),
    "shutdown": (lambda d: d.shutdownFlags(8), STATE),
    "reboot": (lambda d: d.reboot(8), STATE + (84,)),       # an old init takes no SIGHUP
    "xml": (lambda d: d.XMLDesc(), (42,)),
    "inactive xml": (lambda d: d.XMLDesc(2), (42,)),
    "state": (lambda d: d.state(), (42,)),
    "info": (lambda d: d.info(), (42,)),
    "id": (lambda d: d.ID(), (42,)),
    "autostart on": (lambda d: d.setAutostart(1), STATE),
    "autostart off": (lambda d: d.setAutostart(0), STATE),
    "title": (lambda d: d.setMetadata(TITLE, "a title", None, None, 0), STATE),
    "title of the definition": (lambda d: d.setMetadata(TITLE, "another", None, None, 2), STATE),
    "statistics of all": (lambda d: d.connect().getAllDomainStats(), ()),
    "statistics": (lambda d: d.connect().domainListGetStats([d]), (42,)),
    "guest information": (lambda d: d.guestInfo(0), STATE + (86, 38)),
    "file systems": (lambda d: d.fsInfo(), STATE + (86, 38)),
    "attach": (lambda d: d.attachDeviceFlags(RAM_DISK, 1), STATE + (8, 9)),
    "detach": (lambda d: d.detachDeviceFlags(RAM_DISK, 1), STATE + (99,)),
    "attach to the definition": (lambda d: d.attachDeviceFlags(RAM_DISK, 2), STATE + (8, 9)),
    "detach from the definition": (lambda d: d.detachDeviceFlags(RAM_DISK, 2), STATE + (99,)),
    "metadata": (lambda d: d.metadata(TITLE, None), (42, 80)),
    "memory": (lambda d: d.setMemoryFlags(40960, 1), STATE),
    "memory of the definition": (lambda d: d.setMemoryFlags(49152, 2), STATE),
    "memory limits": (lambda d: d.memoryParameters(), STATE),
    "schedule": (lambda d: d.setSchedulerParametersFlags(SHARES, 0), STATE),
    "scheduler": (lambda d: d.schedulerParameters(), STATE),
    "cpu statistics": (lambda d: d.getCPUStats(True), STATE),
    "redefine": (lambda d: d.connect().defineXML(d.XMLDesc(2)), STATE + (9,)),
    "undefine": (lambda d: d.undefine(), STATE),
    "console": (lambda d: console(d), STATE + (1, 38)),
    "list": (lambda d: [x.name() for x in d.connect().listAllDomains()], ()),
    "list of running": (lambda d: d.connect().listDomainsID(), ()),
    "capabilities": (lambda d: d.connect().getCapabilities(), ()),
    "node": (lambda d: (d.connect().getInfo(), d.connect().getMemoryStats(-1)), ()),
    "new connection": (lambda d: another(d), ()),
}


def console(domain):
    """Opens the console, reads what is there, and leaves in one of the two ways."""
    stream = domain.connect().newStream(1)      # non-blocking
    domain.openConsole(None, stream, 0)
    for _ in range(3):
        if stream.recv(4096) == -2:
            break
    stream.send(b"\n")
    if random.random() < 0.5:
        stream.finish()
    else:
        stream.abort()


def another(domain):
    import libvirt
    connection = libvirt.open(domain.connect().getURI())
    connection.numOfDomains()
    connection.close()


def document(root, number):
    return skeptest.domain_xml(f"soak{number}", root, args=("-c", "trap 'exit 0' TERM; sleep 0.2; sleep 1000"))


def client(uri, seed, seconds, root):
    """(done, refused, [unexpected], slowest, which) of one client; the first also listens to events."""
    import libvirt
    libvirt.registerErrorHandler(lambda *ignored: None, None)
    random.seed(seed)
    if seed == 0:
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for _ in iter(int, 1)],
                         daemon=True).start()
    connection = libvirt.open(uri)
    if seed == 0:
        connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *ignored: None, None)
    done = refused = 0
    slowest = (0.0, "")
    unexpected = []
    end = time.monotonic() + seconds
    # each kind at least once, however slow the machine: what the first of its kind opens is there after half of all
    first = random.sample(sorted(OPERATIONS), len(OPERATIONS))
    while first or time.monotonic() < end:
        name = first.pop() if first else random.choice(sorted(OPERATIONS))
        number = random.randrange(DOMAINS)
        begin = time.monotonic()
        operation, fine = OPERATIONS[name]
        try:
            try:
                domain = connection.lookupByName(f"soak{number}")
            except libvirt.libvirtError as error:
                if error.get_error_code() != 42:
                    raise
                name, fine = f"define, {name}", fine + (9,)
                domain = connection.defineXML(document(root, number))
            operation(domain)
            done += 1
        except libvirt.libvirtError as error:
            refused += 1
            if error.get_error_code() not in fine:
                unexpected.append(f"{name}: {error.get_error_code()} {error}")
        slowest = max(slowest, (time.monotonic() - begin, name))
    connection.close()
    return done, refused, unexpected, slowest


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def heaps(pid):
    """How many heaps the threads have beside the first: of 64 MiB each, most of it not accessible."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        rows = [line.split() for line in maps if " ---p " in line]
    sizes = [int(end, 16) - int(begin, 16) for begin, end in (row[0].split("-") for row in rows if len(row) == 5)]
    return sum(48 << 20 < size <= 64 << 20 for size in sizes)


def storm(daemon, root, seconds, seed):
    with multiprocessing.get_context("fork").Pool(CLIENTS) as pool:
        return pool.starmap(client, [(daemon.uri, seed + number, seconds, root) for number in range(CLIENTS)])


def settle(daemon):
    """Nothing runs: what the daemon holds then is what it holds without work."""
    daemon.destroy_all()
    skeptest.wait_until(lambda: not daemon.controllers(), PATIENCE)
    return descriptors(daemon.pid()), resident_kib(daemon.pid())


def main():
    try:
        import libvirt  # noqa: F401
    except ImportError:
        skeptest.skip("needs python3-libvirt")
    skeptest.enter_namespaces()
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    checks = skeptest.Checks("start-soak")
    with skeptest.work_dir() as directory:
        reports = os.path.join(directory, "tsan")
        os.environ["TSAN_OPTIONS"] = f"log_path={reports}:exitcode=0:suppressions=" \
            + os.path.join(skeptest.SOURCE, "tests/thread.supp")
        # GLib's own allocator hands memory from thread to thread unseen by the sanitizer
        os.environ["G_SLICE"] = "always-malloc"
        root = skeptest.busybox_root(os.path.join(directory, "root"))
        with skeptest.Skepd(os.path.join(directory, "d")) as daemon:
            pid = daemon.pid()
            results = storm(daemon, root, seconds / 2, 0)
            fds, memory = settle(daemon)
            results += storm(daemon, root, seconds / 2, 0)
            fds_later, memory_later = settle(daemon)
            done = sum(result[0] for result in results)
            unexpected = [text for result in results for text in result[2]]
            slowest = max(result[3] for result in results)
            checks.equal("only refusals that fit", unexpected[:5], [])
            # each kind is asked for at least once by each client in each half, and a third of them is hardly ever refused
            checks.that("the clients got on", done > CLIENTS * len(OPERATIONS) // 2, f"{done} operations")
            checks.that("no call hung", slowest[0] < PATIENCE, str(slowest))
            checks.equal("it is the same daemon", daemon.pid(), pid)
            # sockets of clients that just left are closed within a moment
            skeptest.wait_until(lambda: descriptors(pid) <= fds, PATIENCE)
            checks.that("no file descriptor stays open", descriptors(pid) <= fds, f"{fds}, then {fds_later}: "
                        + ", ".join(sorted(skeptest.open_files(pid))))
            checks.that("memory does not grow", memory_later < memory * 1.25 + 4096,
                        f"{memory} KiB after the first half, {memory_later} KiB after the second")
            if "SKEPD_PROGRAM" not in os.environ:       # sanitizers have allocators of their own
                checks.equal("the threads share one heap", heaps(pid), 0)
            daemon.destroy_all()
            checks.equal("nothing is left over", skeptest.leftovers(
                directory, [f"soak{number}" for number in range(DOMAINS)]), [])
            files = os.path.join(directory, "d/domains")
            skeptest.wait_until(lambda: set(os.listdir(files)) <= {"autostarted", "stage"}, PATIENCE)
            checks.equal("no file is left", sorted(set(os.listdir(files)) - {"autostarted", "stage"}), [])
            long = re.findall(r".* held the main loop for .*", daemon.log())
            print(f"{done} operations, {sum(result[1] for result in results)} refusals, slowest {slowest[1]} "
                  f"{slowest[0] * 1000:.0f} ms, {len(long)} dispatches over 50 ms, descriptors {fds} and "
                  f"{fds_later}, memory {memory} and {memory_later} KiB")
            own = sorted(((int(ms), what) for what, ms in re.findall(
                r"(\w+) held the main loop for .* ms, (\d+) of them itself", daemon.log())), reverse=True)
            if own:
                print("most of the daemon's own time: " + ", ".join(f"{what} {ms} ms" for ms, what in own[:8]))
            for line in long[:5]:
                print(line)
        texts = [open(path, encoding="utf-8", errors="replace").read() for path in glob.glob(reports + ".*")]
        checks.equal("no report of the thread sanitizer", [text[:4000] for text in texts], [])
        if texts:
            print("\n".join(texts)[:8000])
    return checks.done()


if __name__ == "__main__":
    sys.exit(main())
