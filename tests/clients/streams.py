#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Consoles under load, by python3-libvirt: every byte comes as it went, both ways, to slow readers and by several
consoles at once; the terminal's size can be set; and leaving loses nothing that still fits into the ring."""

import hashlib
import os
import random
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

try:
    import libvirt
except ImportError:
    libvirt = None

RING = 64 << 10
PATIENCE = 200
STALL = 5           # seconds: a reader that takes nothing for ten is left behind, rightly, even if it was the machine's fault
MARK = b"<all of it>"
# The container's init does what it finds in /cmd, and says so by /done.
INIT = "while :; do if [ -e /cmd ]; then mv /cmd /now; . /now; mv /now /done; fi; sleep 0.02; done"


def noise(size, seed):
    """All 256 bytes, the same for a seed."""
    return random.Random(seed).randbytes(size)


class Guest:
    def __init__(self, root, uri):
        self.root, self.uri = root, uri

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, data):
        with open(self.path(name + ".new"), "wb") as handle:
            handle.write(data)
        os.rename(self.path(name + ".new"), self.path(name))

    def read(self, name):
        with open(self.path(name), "rb") as handle:
            return handle.read()

    def begin(self, commands):
        if not t.wait_until(lambda: not os.path.exists(self.path("cmd")) and not os.path.exists(self.path("now")), PATIENCE):
            raise RuntimeError("the guest is not through with the last commands")
        if os.path.exists(self.path("done")):
            os.unlink(self.path("done"))
        self.write("cmd", commands.encode())

    def ended(self):
        return t.wait_until(lambda: os.path.exists(self.path("done")), PATIENCE)

    def do(self, commands):
        self.begin(commands)
        return self.ended()

    def console(self, device=None):
        """Over a connection of its own: when threads share one, libvirt's client (9.0) can queue the packet of a stream
        between the look of its reader into the queue and the wait, and then waits for another one, for ever."""
        conn = libvirt.open(self.uri)
        stream = conn.newStream(0)
        conn.lookupByName("load").openConsole(device, stream, 0)
        return stream


def receive(stream, size, *, piece=65536, pause=0.0, until=None, stalls=None):
    """@size bytes, or fewer when the stream ends or @until has come. One that stays silent is the test's time-out. Times
    above STALL in which nothing came are noted in @stalls."""
    got = b""
    while len(got) < size and not (until and got.endswith(until)):
        before = t.time.monotonic()
        data = stream.recv(min(piece, size - len(got)))
        if stalls is not None and t.time.monotonic() - before > STALL:
            stalls.append(t.time.monotonic() - before)
        if not data:
            break
        got += data
        if pause:
            t.time.sleep(pause)
    return got


def unless_stalled(attempt):
    """What @attempt, which gets a list for its stalls, has got and should have; again when the machine stood still."""
    for _ in range(5):
        stalls = []
        found, expected = attempt(stalls)
        if found == expected or not stalls:
            break
        print(f"nothing came for {stalls} seconds: once more", flush=True)
    return found, expected


def same(checks, name, found, expected):
    """Too long to print: lengths, and where they part."""
    part = next((i for i, (a, b) in enumerate(zip(found, expected)) if a != b), min(len(found), len(expected)))
    checks.that(name, found == expected, f"{len(found)} of {len(expected)} bytes, the same up to {part}")


def skip_to(stream, mark):
    """Reads up to a mark that the guest printed."""
    got = b""
    while mark not in got:
        got += stream.recv(1 if mark[:-1].endswith(got[-8:]) else 4096)
    return got.partition(mark)[2]


def check_out(checks, guest):
    """Half a ring at a time, the next when the reader says so: nothing may be missing, however slow the reader."""
    size, step = 1 << 20, RING // 2
    data = noise(size, 1)
    guest.write("data", data)
    for name, piece, pause in (("a fast reader", 65536, 0), ("a slow reader", 3000, 0.001)):
        stream = guest.console()
        guest.begin(f"stty raw -echo; printf '<begin>'; i=0; while [ $i -lt {size // step} ]; do "
                    f"dd if=/data bs={step} skip=$i count=1 2>/dev/null; head -c 1 >/dev/null; i=$((i+1)); done; stty sane")
        got, rest = b"", skip_to(stream, b"<begin>")
        while len(got) < size:
            piece_of = rest + receive(stream, step - len(rest), piece=min(piece, step), pause=pause)
            rest = b""
            if len(piece_of) != step:
                got += piece_of
                break
            got += piece_of
            stream.send(b"+")
        same(checks, f"{name} gets every byte", got, data)
        checks.that(f"{name}: the guest is through", guest.ended())
        stream.finish()


def check_slow(checks, guest):
    """Nobody tells the guest to wait for the reader: the terminal does, as any does."""
    data = noise(500_000, 4)
    guest.write("data", data)

    def attempt(stalls):
        stream = guest.console()
        guest.begin(f"stty raw -echo; printf '<begin>'; cat /data; printf '{MARK.decode()}'; stty sane")
        got = skip_to(stream, b"<begin>")
        got += receive(stream, len(data + MARK) - len(got), piece=3000, pause=0.003, until=MARK, stalls=stalls)
        checks.that("... the guest is through", guest.ended())
        stream.finish()
        return got, data + MARK
    same(checks, "a slow reader of a guest that does not wait gets every byte", *unless_stalled(attempt))


def check_end(checks, daemon, root):
    """What the container's last process has said is the slow reader's, too."""
    data = noise(400_000, 6)
    with open(os.path.join(root, "last"), "wb") as handle:
        handle.write(data)
    path = os.path.join(root, "ends.xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml("ends", root, args=["-c", "stty raw -echo; read go; printf '[begin]'; cat /last"]))

    def attempt(stalls):
        created = daemon.virsh("create", path)
        checks.that("start one that ends", created.status == 0, created)
        stream = libvirt.open(daemon.uri).newStream(0)
        stream.connect().lookupByName("ends").openConsole(None, stream, 0)
        stream.send(b"\n")
        got = skip_to(stream, b"[begin]")
        got += receive(stream, len(data) + 1 - len(got), piece=3000, pause=0.003, stalls=stalls)
        stream.finish()
        checks.that("it has ended", t.wait_until(lambda: daemon.virsh("domid", "ends").status != 0))
        return got, data
    same(checks, "a slow reader gets every byte of a container that has ended", *unless_stalled(attempt))


def check_in(checks, guest):
    """A megabyte into a guest that takes its time: the sender is held up, and nothing is lost."""
    size = 1 << 20
    data = noise(size, 2)
    stream = guest.console()
    guest.write("got", b"")
    guest.begin(f"stty raw -echo; printf '<ready>'; sleep 0.5; head -c {size} | while :; do dd bs=20000 count=1 of=/piece 2>/dev/null; "
                "[ -s /piece ] || break; cat /piece >>/got; sleep 0.01; done; stty sane; printf '<taken>'")
    skip_to(stream, b"<ready>")
    view, sent = memoryview(data), 0
    while sent < size:
        done = stream.send(bytes(view[sent:sent + 30000]))
        sent += done
    checks.that("the guest took all of it", guest.ended())
    same(checks, "what the guest got", guest.read("got"), data)
    skip_to(stream, b"<taken>")
    stream.finish()


def check_several(checks, guest):
    """Three consoles at once, both ways, each with its own bytes."""
    size = 200_000
    out = [noise(size, 10 + i) for i in range(3)]
    into = [noise(size, 20 + i) for i in range(3)]
    script = ""
    for i in range(3):
        guest.write(f"out{i}", out[i])
        script += (f"( exec <>/dev/tty{i + 1} >&0; stty raw -echo; printf '<go>'; "
                   f"for k in 0 1 2 3 4 5 6 7 8 9; do dd if=/out{i} bs=20000 skip=$k count=1 2>/dev/null; "
                   f"head -c 20000 >>/in{i}; done; stty sane ) & ")
        if os.path.exists(guest.path(f"in{i}")):
            os.unlink(guest.path(f"in{i}"))
    streams = [guest.console(f"console{i}") for i in range(3)]
    guest.begin(script + "wait")
    got = [b""] * 3

    def talk(i):
        rest = skip_to(streams[i], b"<go>")
        for k in range(10):
            piece = rest + receive(streams[i], 20000 - len(rest), piece=20000 - len(rest) or 1, pause=0.002 * i)
            got[i] += piece[:20000]
            rest = piece[20000:]
            sent = 0
            while sent < 20000:
                sent += streams[i].send(into[i][k * 20000 + sent:(k + 1) * 20000])
    threads = [threading.Thread(target=talk, args=(i,), daemon=True) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    checks.that("three consoles: the guest is through", guest.ended())
    for i in range(3):
        same(checks, f"console {i}: out", got[i], out[i])
        same(checks, f"console {i}: in", guest.read(f"in{i}"), into[i])
        streams[i].abort()


def check_size(checks, guest):
    guest.do("stty rows 41 cols 123; stty size >/size")
    checks.equal("stty sets the size", guest.read("size"), b"41 123\n")
    stream = guest.console()
    guest.do("stty rows 24 cols 80; trap 'echo changed >/winch' WINCH; stty rows 50 cols 90; sleep 0.1; trap - WINCH; stty size >/size")
    checks.equal("... while somebody looks", guest.read("size"), b"50 90\n")
    stream.finish()


def numbers(first, n):
    return b"".join(b"%08d\r\n" % i for i in range(first, first + n))


def check_leaving(checks, guest):
    """6,000 numbers are 60,000 bytes: they fit into the ring. Whoever leaves while they come, or before, finds all."""
    for run, (name, leave) in enumerate((("finish", lambda s: s.finish()), ("abort", lambda s: s.abort()))):
        guest.do(f"stty sane; printf '\\n<start {run}>\\n'")
        stream = guest.console()
        guest.begin("i=0; while [ $i -lt 6000 ]; do printf '%%08d\\n' $i; i=$((i+1)); done; printf '<over %d>'" % run)
        seen = receive(stream, 20_000, piece=500)
        leave(stream)
        checks.that(f"{name}: there was something to leave", b"00000" in seen)
        checks.that(f"{name}: the guest went on", guest.ended())
        again = guest.console()
        text, start, over = b"", b"<start %d>\r\n" % run, b"<over %d>" % run
        while over not in text:
            text += again.recv(65536)
        numbers_seen = text.partition(start)[2].partition(over)[0]
        same(checks, f"{name}: the next one finds all of it", numbers_seen, numbers(0, 6000))
        again.finish()


def check_slow_beside_fast(checks, guest):
    """One who does not read at all holds up neither the guest nor the other for long; what he gets in the end is the
    end of it."""
    size = 4 << 20
    data = noise(size, 3)
    guest.write("data", data)
    lazy, fast = guest.console(), guest.console()
    guest.begin("stty raw -echo; cat /data; stty sane")
    digest, tail = hashlib.sha256(), b""
    eater = threading.Thread(target=lambda: [digest.update(fast.recv(65536)) for _ in iter(int, 1)], daemon=True)
    eater.start()
    checks.that("the guest is not held up", guest.ended())
    guest.begin("printf '<end>'")
    guest.ended()
    while b"<end>" not in tail:
        tail = (tail + lazy.recv(65536))[-(RING + 1024):]
    last = tail.partition(b"<end>")[0][-(RING - 1024):]
    same(checks, "the lazy one gets the last of it, exactly", last, data[-len(last):])
    lazy.abort()


def main():
    if libvirt is None:
        t.skip("needs python3-libvirt (tools/deps installs it)")
    t.enter_namespaces()
    libvirt.registerErrorHandler(lambda *_: None, None)
    checks = t.Checks("consoles under load")
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        root = t.busybox_root(os.path.join(directory, "root"))
        path = os.path.join(directory, "load.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml("load", root, args=["-c", INIT.replace("&", "&amp;")],
                                      devices="<console type='pty'/><console type='pty'/>"))
        daemon.virsh("define", path)
        started = daemon.virsh("start", "load")
        checks.that("start", started.status == 0, started)
        guest = Guest(root, daemon.uri)
        for check in (check_size, check_leaving, check_out, check_slow, check_in, check_several, check_slow_beside_fast):
            check(checks, guest)
            print(f"{check.__name__}: {t.time.monotonic() - checks.began:.1f} s", flush=True)
        check_end(checks, daemon, root)
        status = checks.done()
    sys.stdout.flush()
    os._exit(status)    # a thread may sit in libvirt


main()
