#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents that are validated on a thread: the calls that their client sends behind them wait, those of others do
not, and what is true when the thread is done counts, not what was true before."""

import os
import select
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402
import wire as w  # noqa: E402

UUID = "1f9cf5a4-{:04x}-4b5c-9f53-5a6d4c2b3e01"
VALIDATE, START_VALIDATE = 1, 16
NO_DOMAIN, OPERATION_FAILED, XML_DETAIL, INVALID_SCHEMA, NO_NAME = 42, 9, 35, 92, 21


class Many:
    """A connection whose calls are sent without waiting for answers."""

    def __init__(self, path, numbers):
        self.wire, self.numbers, self.sent = w.Wire(path).open(), numbers, []

    def send(self, name, payload):
        self.sent.append(self.wire.send(self.numbers[name], payload))
        return self.sent[-1]

    def answers(self):
        """(call, code) in the order in which they come; code 0 is success."""
        found = []
        while len(found) < len(self.sent):
            _, _, kind, serial, status, payload = self.wire.receive()
            if kind == w.REPLY and serial in self.sent:
                found.append((self.sent.index(serial), w.Failure(payload).code if status == w.ERROR else 0))
        self.sent = []
        return found


def document(number, name=None, count=1000, more=""):
    """One of @count devices."""
    devices = "".join(f"<interface type='ethernet'><mac address='52:54:00:00:{i >> 8:02x}:{i & 255:02x}'/>"
                      f"<address type='pci' domain='0x0000' bus='0x00' slot='0x00' function='0x0'/></interface>"
                      for i in range(count))
    return (f"<domain type='lxc'><name>{name or f'valid{number}'}</name><uuid>{UUID.format(number)}</uuid>"
            f"<memory>65536</memory><os><type>exe</type><init>/x</init></os>{more}<devices>{devices}</devices></domain>")


def slow(number, name):
    """libxml2 doubles its states for each of an element's optional attributes: this takes seconds."""
    attributes = ("name='loop' type='raw' cache='none' io='native' error_policy='stop' rerror_policy='stop' event_idx='on' "
                  "ioeventfd='on' copy_on_read='on' discard='unmap' detect_zeroes='unmap' queues='1' iommu='on' ats='on'")
    return document(number, name, 0).replace(
        "<devices>", f"<devices><disk type='file'><driver {attributes}/><source file='/x'/>"
                     "<target dev='vda' bus='virtio'/></disk>")


def define(text, flags=VALIDATE):
    return w.string(text) + struct.pack(">I", flags)


def lookup(name):
    return w.string(name)


def check_order(checks, path, numbers):
    """What comes behind a validated definition sees it, whatever it is."""
    one = Many(path, numbers)
    one.send("DOMAIN_DEFINE_XML_FLAGS", define(document(1, count=600)))
    one.send("DOMAIN_LOOKUP_BY_NAME", lookup("valid1"))
    one.send("DOMAIN_DEFINE_XML_FLAGS", define(document(2, count=1)))
    one.send("DOMAIN_LOOKUP_BY_NAME", lookup("valid2"))
    one.send("DOMAIN_LOOKUP_BY_NAME", lookup("valid3"))
    one.send("DOMAIN_DEFINE_XML_FLAGS", define(document(3, count=300), 0))
    one.send("DOMAIN_LOOKUP_BY_NAME", lookup("valid3"))
    checks.equal("calls of one client are answered in order", one.answers(),
                 [(0, 0), (1, 0), (2, 0), (3, 0), (4, NO_DOMAIN), (5, 0), (6, 0)])
    for number, payload, code in ((1, document(1).replace("<memory>", "<memory bees='1'>"), INVALID_SCHEMA),
                                  (2, "<domain", XML_DETAIL), (3, document(9, name="valid1", count=1), OPERATION_FAILED),
                                  (4, "<domain type='lxc'/>", INVALID_SCHEMA)):
        one.send("DOMAIN_DEFINE_XML_FLAGS", define(payload))
        one.send("DOMAIN_LOOKUP_BY_NAME", lookup("valid1"))
        checks.equal(f"refused {number}, then the next call", one.answers(), [(0, code), (1, 0)])


def check_create(checks, path, numbers):
    """A definition that is created: the same, and what fails later fails as ever."""
    one = Many(path, numbers)
    one.send("DOMAIN_CREATE_XML", define(document(20, count=1).replace("<memory>", "<memory bees='1'>"), START_VALIDATE))
    one.send("DOMAIN_CREATE_XML", define(document(21, name="valid1", count=1), START_VALIDATE))
    one.send("DOMAIN_LOOKUP_BY_NAME", lookup("valid1"))
    checks.equal("created and refused", one.answers(), [(0, INVALID_SCHEMA), (1, OPERATION_FAILED), (2, 0)])


def check_meanwhile(checks, path, numbers):
    """Others go on; a name that they take meanwhile is taken."""
    one, others = Many(path, numbers), Many(path, numbers)
    one.send("DOMAIN_DEFINE_XML_FLAGS", define(slow(30, "wanted")))
    one.send("DOMAIN_LOOKUP_BY_NAME", lookup("wanted"))
    others.send("DOMAIN_DEFINE_XML_FLAGS", define(document(31, name="wanted", count=1), 0))
    codes = dict(others.answers()), dict(one.answers())
    # the definition without a schema overtakes the other one, unless the machine stood still between the two
    checks.that("one of the two has the name", codes in (({0: 0}, {0: OPERATION_FAILED, 1: 0}),
                                                         ({0: OPERATION_FAILED}, {0: 0, 1: 0})), codes)


def check_long(checks, path, numbers):
    """One that takes seconds does not stand before one of another client that takes milliseconds. Where it does, that is
    so each time; once or twice the machine may have stood still between our two calls."""
    for number in range(50, 60, 2):
        one, other = Many(path, numbers), Many(path, numbers)
        one.send("DOMAIN_DEFINE_XML_FLAGS", define(slow(number, f"long{number}")))
        other.send("DOMAIN_DEFINE_XML_FLAGS", define(document(number + 1, count=1)))
        checks.equal("the short one is done", other.answers(), [(0, 0)])
        first = not select.select([one.wire.socket], [], [], 0)[0]
        checks.equal("the long one, too", one.answers(), [(0, 0)])
        if first:
            break
    checks.that("the short one is done first", first)


def check_gone(checks, daemon, path, numbers):
    """A client that does not wait for its answers costs nothing."""
    for number in range(40, 44):
        one = Many(path, numbers)
        one.send("DOMAIN_DEFINE_XML_FLAGS", define(document(number, count=300)))
        one.send("DOMAIN_LOOKUP_BY_NAME", lookup("valid1"))
        one.wire.close()
    checks.that("what clients that went asked for is done", t.wait_until(lambda: all(
        daemon.virsh("domname", UUID.format(number)).status == 0 for number in range(40, 44))))


def main():
    t.enter_namespaces()
    # as tests/api/api_test.c
    os.environ.setdefault("SKEP_DISPATCH_ABORT_MS", "2000" if "ASAN_OPTIONS" in os.environ else "200")
    checks, numbers = t.Checks("validation"), w.procedures()
    with w.memory_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        path = os.path.join(directory, "d", "skep-sock")
        before = daemon.pid()
        check_order(checks, path, numbers)
        check_create(checks, path, numbers)
        check_meanwhile(checks, path, numbers)
        check_long(checks, path, numbers)
        check_gone(checks, daemon, path, numbers)
        checks.equal("the main loop was never held", (os.path.exists(f"/proc/{before}"), daemon.pid()), (True, before))
    return checks.done()


sys.exit(main())
