#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that mean harm, or are broken: each gets one clear error or a closed connection, the daemon lives,
and nothing is half-done."""

import os
import random
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402
import wire as w  # noqa: E402

UUID = "1f9cf5a4-0030-4b5c-9f53-5a6d4c2b1e30"
LIMIT = 33554436        # bytes of the longest packet
PATIENCE = w.PATIENCE * (5 if os.environ.get("SKEPD_WRAPPER") else 1)


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


class Hostile:
    def __init__(self, checks, daemon):
        self.checks = checks
        self.daemon = daemon
        self.path = os.path.join(daemon.directory, "skep-sock")
        self.pid = daemon.pid()

    def alive(self, name):
        """The same daemon answers a decent client."""
        try:
            with w.Wire(self.path, PATIENCE).open() as wire:
                self.checks.equal(f"{name}: the daemon lives", wire.call(3), w.string("LXC"))
        except (w.Failure, w.Closed, OSError) as error:
            self.checks.that(f"{name}: the daemon lives", False, repr(error))

    def closes(self, name, data):
        try:
            with w.Wire(self.path) as wire:
                try:
                    wire.raw(data)
                except w.Closed:
                    pass
                self.checks.that(f"{name}: the connection is closed", wire.is_closed(PATIENCE))
        finally:
            self.alive(name)

    def fails(self, name, code, procedure, payload=b"", *, opened=True, text=None, **fields):
        try:
            with w.Wire(self.path, PATIENCE) as wire:
                if opened:
                    wire.open()
                wire.call(procedure, payload, **fields)
            self.checks.that(f"{name} fails", False)
        except w.Failure as failure:
            self.checks.equal(f"{name}: error code", failure.code, code)
            if text:
                self.checks.matches(f"{name}: text", text, failure.message)
        except (w.Closed, OSError) as error:
            self.checks.that(f"{name}: an error reply", False, repr(error))
        self.alive(name)

    # ---- packets

    def packets(self):
        good = w.Wire.packet(66)
        for length in (0, 3, 4, 27, LIMIT + 1, 0x7fffffff, 0xffffffff):
            self.closes(f"length {length}", struct.pack(">I", length) + good[4:])
        self.closes("an HTTP request", b"GET / HTTP/1.0\r\n\r\n")
        self.closes("noise", random.Random(7).randbytes(65536))
        self.closes("33 descriptors announced", w.Wire.packet(66, struct.pack(">I", 33), kind=w.CALL_WITH_FDS))
        self.fails("unknown program", 39, 1, program=0x12345678, opened=False, text="Cannot find program")
        self.fails("unknown version", 39, 66, version=2, opened=False, text="Cannot find program")
        for number in (0, -1, 457, 99999, 0x7fffffff, 318):
            self.fails(f"procedure {number}", 39, number, text="unknown procedure")
        self.fails("arguments cut off", 39, 23, b"\0\0")
        self.fails("a string longer than the packet", 39, 23, struct.pack(">I", 4000) + b"abc\0")
        self.fails("a string over its bound", 39, 23, struct.pack(">I", 4194305) + b"a" * 4194308)
        self.fails("a list over its bound", 39, 197, w.domain("x", UUID) + struct.pack(">I", 17) + b"\0" * 4096)
        self.fails("an optional that is 2", 39, 1, struct.pack(">I", 2), opened=False)
        self.fails("status in a call", 39, 3, status=1)
        self.fails("a call before CONNECT_OPEN", 1, 3, opened=False)

    def ignored(self):
        """What must be passed over: the connection stays good."""
        with w.Wire(self.path, PATIENCE) as wire:
            wire.open()
            for kind in (w.REPLY, w.MESSAGE, 9):
                wire.send(3, kind=kind)
            wire.send(201, b"data for no stream", kind=w.STREAM, status=w.CONTINUE)
            self.checks.equal("unexpected kinds are passed over", wire.call(3), w.string("LXC"))
            self.checks.equal("bytes after the arguments too", wire.call(3, b"trailing"), w.string("LXC"))

    def one_byte_at_a_time(self):
        with w.Wire(self.path, PATIENCE) as wire:
            for byte in w.Wire.packet(66, serial=1):
                wire.raw(bytes([byte]))
            self.checks.that("a packet in single bytes", wire.reply(1))

    def half_packets(self):
        """Many connections that stop in the middle hold nobody up."""
        stuck = [w.Wire(self.path) for _ in range(100)]
        for index, wire in enumerate(stuck):
            wire.raw(w.Wire.packet(66)[:index % 28])
        self.alive("100 half packets")
        for wire in stuck:
            wire.raw(struct.pack(">I", LIMIT)[:4])
        self.alive("100 announcements of 32 MiB")
        for wire in stuck:
            wire.close()

    def every_number(self):
        """Each procedure with no, short and senseless arguments, on both sockets: an answer or an error."""
        numbers = sorted(w.procedures().values())
        self.checks.that("456 procedures", numbers[-1] == 456, len(numbers))
        quiet = {2}             # CONNECT_CLOSE closes
        silent = 0
        for suffix in ("", "-ro"):
            for payload in (b"", b"\0" * 4096, b"\xff" * 256, w.domain("none", UUID) + b"\0" * 4096):
                wire = None
                for number in numbers:
                    if number in quiet:
                        continue
                    try:
                        if wire is None:
                            wire = w.Wire(self.path + suffix, PATIENCE).open(readonly=bool(suffix))
                        wire.call(number, payload)
                    except w.Failure as failure:
                        if not failure.code or not failure.message:
                            self.checks.that(f"procedure {number}: a clear error", False, failure)
                    except (w.Closed, OSError) as error:
                        silent += 1
                        self.checks.that(f"procedure {number}{suffix} with {payload[:4]!r}: an answer", False, repr(error))
                        wire = None
                if wire:
                    wire.close()
        self.checks.equal("every number is answered", silent, 0)
        self.alive("every number")

    # ---- floods

    def descriptor_flood(self):
        before = open_files(self.pid)
        null = os.open("/dev/null", os.O_RDONLY)
        for _ in range(20):
            with w.Wire(self.path, PATIENCE) as wire:
                wire.open()
                for _ in range(8):
                    wire.send_fds(3, b"", [null] * 32)
                for _ in range(8):
                    wire.receive()
                # and a packet that announces 32, sends 5 and goes away
                wire.send(3, struct.pack(">I", 32), kind=w.CALL_WITH_FDS)
                for _ in range(5):
                    wire.socket.sendmsg([b"\0"], [(w.socket.SOL_SOCKET, w.socket.SCM_RIGHTS, w.array.array("i", [null]))])
        with w.Wire(self.path, PATIENCE) as wire:
            # descriptors on bytes that are no descriptor messages
            for _ in range(50):
                try:
                    wire.socket.sendmsg([w.Wire.packet(66)[:4]],
                                        [(w.socket.SOL_SOCKET, w.socket.SCM_RIGHTS, w.array.array("i", [null] * 100))])
                except OSError:
                    break
        os.close(null)
        self.alive("descriptor flood")
        self.checks.that("no descriptor stays open", t.wait_until(lambda: open_files(self.pid) <= before + 1),
                         f"{before} before, {open_files(self.pid)} after")

    def connection_flood(self):
        before = open_files(self.pid)
        flood = []
        try:
            for _ in range(900):
                flood.append(w.Wire(self.path, PATIENCE))
        except OSError:
            pass
        self.alive(f"{len(flood)} idle connections")
        for wire in flood:
            wire.close()
        self.checks.that("and they are forgotten", t.wait_until(lambda: open_files(self.pid) <= before + 1),
                         f"{before} before, {open_files(self.pid)} after")

    def never_reads(self):
        """A client that asks and never reads is closed, or stopped being read; memory stays bounded."""
        before = resident_kib(self.pid)
        with w.Wire(self.path, PATIENCE) as wire:
            wire.open()
            wire.socket.settimeout(2)                   # to be stopped being read is fine
            call = wire.packet(7, serial=99) * 64       # capabilities: a long answer to a short question
            sent = 0
            try:
                for _ in range(4000):
                    sent += wire.socket.send(call)
            except (OSError, w.Closed):
                pass
            self.alive("a client that never reads")
            grown = resident_kib(self.pid) - before
            self.checks.that("its answers are bounded", grown < 100 * 1024, f"{grown} KiB after {sent} bytes of calls")
        self.alive("after it went")

    def never_reads_events(self, xml):
        before = resident_kib(self.pid)
        with w.Wire(self.path, PATIENCE) as wire:
            wire.open()
            wire.call(316, struct.pack(">iI", 0, 0))
            with w.Wire(self.path, PATIENCE) as other:
                other.open()
                for _ in range(2000):
                    other.call(11, w.string(xml))
            grown = resident_kib(self.pid) - before
            self.checks.that("events for a client that never reads are bounded", grown < 100 * 1024, f"{grown} KiB")
        self.alive("events nobody reads")
        self.daemon.virsh("undefine", "hostile")

    def disappears(self):
        """Gone in the middle of calls, right after asking."""
        for count in range(100):
            with w.Wire(self.path) as wire:
                wire.raw(w.Wire.packet(66, serial=0) + w.Wire.packet(
                    1, w.optional("lxc:///system") + struct.pack(">I", 0), serial=1))
                for serial in range(2, 2 + count % 10):
                    wire.raw(w.Wire.packet(7, serial=serial))
        self.alive("100 clients that went")

    # ---- XML

    def define_fails(self, name, codes, xml, text=None):
        try:
            with w.Wire(self.path, PATIENCE) as wire:
                wire.open()
                wire.call(11, w.string(xml))
            self.checks.that(f"{name} is refused", False)
        except w.Failure as failure:
            self.checks.that(f"{name}: error code", failure.code in codes, f"{failure}, expected code {codes}")
            if text:
                self.checks.matches(f"{name}: text", text, failure.message)
        except (w.Closed, OSError) as error:
            self.checks.that(f"{name}: an error reply", False, repr(error))
        self.alive(name)

    def documents(self, root):
        good = t.domain_xml("hostile", root, uuid=UUID)
        xml_errors = (27, 35)
        self.define_fails("a DOCTYPE", xml_errors, "<!DOCTYPE domain [<!ENTITY a 'b'>]>" + good, "(?i)doctype")
        bomb = "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
            f"<!ENTITY {chr(98 + i)} '{('&' + chr(97 + i) + ';') * 10}'>" for i in range(9)) + "]>"
        self.define_fails("an entity bomb", xml_errors, bomb + good.replace("hostile", "&j;"))
        self.define_fails("an external entity", xml_errors,
                          "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + good.replace("hostile", "&x;"))
        self.define_fails("an unknown element", (27, 67), good.replace("<devices>", "<devices><hyperdrive/>"), "hyperdrive")
        self.define_fails("a wrong unit", (8, 27, 67), good.replace("unit='KiB'", "unit='parsec'"), "parsec")
        self.define_fails("depth 10,000", xml_errors, "<domain type='lxc'>" + "<a>" * 10000 + "</a>" * 10000 + "</domain>")
        self.define_fails("depth 10,000 in metadata", xml_errors, good.replace(
            "<devices>", "<metadata>" + "<x:a xmlns:x='urn:x'>" * 10000 + "</x:a>" * 10000 + "</metadata><devices>"))
        self.define_fails("not XML", xml_errors, "domain")
        self.define_fails("nothing", xml_errors, "")
        self.define_fails("not UTF-8", xml_errors, good.encode().replace(b"hostile", b"\xff\xfe\xfd"))
        for what, name in (("a slash", "a/b"), ("a newline", "a&#10;b"), ("dot dot", ".."), ("dot", "."), ("nothing", ""),
                           ("300 bytes", "n" * 300), ("an escape", "a\x1bb")):
            self.define_fails(f"a name with {what}", (1, 8, 21, 27, 35, 67), good.replace("<name>hostile", f"<name>{name}"))
        self.define_fails("a name with NUL", (1, 8, 27, 35, 39), good.replace("hostile", "a\0b"))
        self.define_fails("4 MiB of text in an attribute", (1, 8, 27, 35, 67),
                          good.replace("/bin/sh", "/" + "x" * (4194304 - len(good))))
        self.define_fails("100,000 devices", (1, 8, 27, 35, 67), good.replace("<console type='pty'/>", "<console type='pty'/>" * 100000))
        self.checks.equal("nothing was defined", self.daemon.virsh("list", "--all", "--name").out.strip(), "")
        files = [name for _, _, names in os.walk(os.path.join(self.daemon.directory, "lxc")) for name in names
                 if name != "autostarted"]
        self.checks.equal("and nothing is on disk", files, [])
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as handle:
            handle.write(good.replace("<name>", "<description>" + "x" * (100 << 20) + "</description><name>"))
            handle.flush()
            result = self.daemon.virsh("define", handle.name, timeout=PATIENCE)
        self.checks.that("100 MiB of XML", result.status == 1, f"{result.status} {result.err[:200]}")
        self.alive("100 MiB of XML")
        return good

    def bad_starts(self, root):
        """Domains that cannot run: a clear error, and nothing left."""
        script = os.path.join(root, "bin/not-executable")
        with open(script, "w", encoding="utf-8") as handle:
            handle.write("#!/bin/sh\n")
        os.chmod(script, 0o644)
        with open(os.path.join(root, "bin/not-a-program"), "w", encoding="utf-8") as handle:
            handle.write("\0\1\2\3 this is no program")
        os.chmod(os.path.join(root, "bin/not-a-program"), 0o755)
        foreign = bytearray(open("/bin/true", "rb").read())
        foreign[18:20] = struct.pack("<H", 243)         # e_machine: RISC-V
        with open(os.path.join(root, "bin/foreign"), "wb") as handle:
            handle.write(foreign)
        os.chmod(os.path.join(root, "bin/foreign"), 0o755)
        cases = [
            ("missing root", t.domain_xml("bad", "/not/there"), "/not/there.*No such file"),
            ("root is a file", t.domain_xml("bad", "/etc/passwd"), "(?i)not a directory"),
            ("missing init", t.domain_xml("bad", root, init="/bin/none"), "/bin/none.*No such file"),
            ("init is not executable", t.domain_xml("bad", root, init="/bin/not-executable"), "Permission denied"),
            ("init is a directory", t.domain_xml("bad", root, init="/etc"), "Permission denied|[Ii]s a directory"),
            ("init is no program", t.domain_xml("bad", root, init="/bin/not-a-program"), "Exec format error"),
            ("init is for another machine", t.domain_xml("bad", root, init="/bin/foreign"), "Exec format error"),
            ("missing initdir", t.domain_xml("bad", root).replace("</os>", "<initdir>/none</initdir></os>"),
             "/none.*No such file"),
        ]
        for name, xml, text in cases:
            path = os.path.join(self.daemon.directory, "bad.xml")
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(xml)
            result = self.daemon.virsh("create", path, timeout=PATIENCE)
            self.checks.equal(f"{name}: virsh fails", result.status, 1)
            self.checks.matches(f"{name}: says so", text, result.err)
            self.checks.equal(f"{name}: the domain is gone", self.daemon.virsh("list", "--all", "--name").out.strip(), "")
            self.checks.equal(f"{name}: no controller is left", t.wait_until(lambda: not self.daemon.controllers()), True)
            self.alive(name)
        left = t.leftovers(self.daemon.directory, ["bad"])
        self.checks.that("failed starts leave nothing", not left, "\n    ".join(left))


def main():
    t.need_program("virsh")
    t.enter_namespaces()
    checks = t.Checks("hostile clients")
    with w.memory_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        root = t.busybox_root(os.path.join(directory, "root"))
        hostile = Hostile(checks, daemon)
        hostile.packets()
        hostile.ignored()
        hostile.one_byte_at_a_time()
        hostile.half_packets()
        hostile.every_number()
        hostile.descriptor_flood()
        hostile.connection_flood()
        hostile.never_reads()
        hostile.disappears()
        good = hostile.documents(root)
        hostile.never_reads_events(good)
        hostile.bad_starts(root)
        checks.equal("it was one daemon all the time", daemon.pid(), hostile.pid)
        daemon.stop()
        checks.equal("no sanitizer or valgrind report", daemon.report(), "")
    return checks.done()


sys.exit(main())
