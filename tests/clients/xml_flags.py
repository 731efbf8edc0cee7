#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Flags of the calls that take or give XML, and definitions that change while their domain runs: the same calls
of python3-libvirt on skepd and on stock libvirtd, the same answers.

  xml_flags.py             skepd: each answer against the record xml_flags.txt
  xml_flags.py --stock     is the record what stock libvirtd answers?
  xml_flags.py --record    writes it anew from stock libvirtd

Where we mean to differ, a step has the answer that is ours, and the page of compat.md has the reason.
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import skeptest as t  # noqa: E402
import xml_flags_steps as script  # noqa: E402

try:
    import libvirt
except ImportError:
    libvirt = None

RECORD = os.path.join(HERE, "xml_flags.txt")


class World:
    """One daemon as the steps see it."""

    def __init__(self, daemon, directory):
        self.daemon, self.directory = daemon, directory
        self.root = t.busybox_root(os.path.join(directory, "root"))
        self.connect()

    def connect(self):
        self.connection = libvirt.open(self.daemon.uri)
        self.readonly = libvirt.openReadOnly(self.daemon.uri)

    def xml(self, name, number, **options):
        """The document of domain @name with the @number-th uuid."""
        return t.domain_xml(name, self.root, init="/bin/sleep", args=["1000"], uuid=script.uuid(number), **options)

    def domain(self, name, readonly=False):
        return (self.readonly if readonly else self.connection).lookupByName(name)

    def virsh(self, *words):
        done = self.daemon.virsh(*words)
        return f"status {done.status} {done.out.strip()} {done.err.strip()}".strip()


def normal(text, world):
    for pattern, replacement in (
            (re.escape(world.daemon.uri), "URI"), (re.escape(world.directory), "DIR"),
            (r"<emulator>[^<]*</emulator>", "<emulator>CONTROLLER</emulator>"),
            (r"in function lxc", "in function vir"),        # compat.md: the public name
            (r"in function virDomainCreateXMLWithFiles", "in function virDomainCreateXML"),     # which calls the other
            (r"\S+/schemas/domain\.rng.*", "SCHEMA"),       # where it is, and libxml2's words
            (r"\bid='\d+'", "id='ID'")):
        text = re.sub(pattern, replacement, text, flags=re.S)
    return text


def answer(world, step):
    try:
        value = step(world)
        return normal(repr(value) if not isinstance(value, str) else value, world)
    except libvirt.libvirtError as error:
        return normal(f"error {error.get_error_code()}: {error.get_error_message()}", world)


def collect(world):
    return {title: answer(world, step) for title, step, *_ in script.STEPS}


def read_record():
    record, title = {}, None
    with open(RECORD, encoding="utf-8") as handle:
        for line in handle:
            if line.startswith("=== "):
                title = line[4:].strip()
                record[title] = []
            elif title:
                record[title].append(line)
    return {title: "".join(lines).rstrip("\n") for title, lines in record.items()}


def write_record(answers):
    with open(RECORD, "w", encoding="utf-8") as handle:
        handle.write("# SPDX-License-Identifier: LGPL-2.1-or-later\n"
                     "# What stock libvirtd 9.0.0 (Debian 12) answers, written by xml_flags.py --record.\n")
        for title, text in answers.items():
            handle.write(f"=== {title}\n{text.rstrip(chr(10))}\n")


def compare(checks, answers, ours):
    record = read_record()
    for title, _, *own in script.STEPS:
        expected = record.pop(title, None)
        if ours and own:
            checks.that(f"{title}: the difference is one", own[0] != expected, "stock answers the same")
            expected = own[0]
        checks.that(title, answers[title].rstrip("\n") == expected,
                    f"found:\n{answers[title]}\n    expected:\n{expected}")
    checks.equal("steps that are gone", list(record), [])


def check_password(checks, world, again):
    """It is in what the daemon keeps, and in nothing that is not asked for it."""
    def shown(flags, readonly=False):
        return "passwd='bees'" in world.domain("doc", readonly).XMLDesc(flags)

    script.define("doc", 1, devices=script.GRAPHICS)(world)
    world.domain("doc").create()
    world.domain("doc").setMetadata(script.TITLE, "changed", None, None, script.LIVE | script.CONFIG)
    world.domain("doc").attachDeviceFlags(script.CAPABILITY, script.CONFIG)
    for when in ("a running domain", "the same"):
        again(f"{when} with a password")
        checks.equal(f"{when}: its password", [shown(flags) for flags in (
            0, script.INACTIVE, script.SECURE, script.INACTIVE | script.SECURE)], [False, False, True, True])
    world.domain("doc").destroy()
    checks.equal("stopped: its password", [shown(0), shown(0, True), shown(script.SECURE)], [False, False, True])
    world.domain("doc").undefine()


def check_restart(checks, world):
    """What a daemon knows of live and next definition, its successor knows."""
    def again(what):
        before = script.told("doc")(world), world.domain("doc").XMLDesc(0), world.domain("doc").XMLDesc(script.INACTIVE)
        world.daemon.stop()
        world.daemon.start()
        world.connect()
        after = script.told("doc")(world), world.domain("doc").XMLDesc(0), world.domain("doc").XMLDesc(script.INACTIVE)
        checks.equal(f"{what}, after a restart", after, before)
        return before[0]

    script.create("doc", 1, more=script.title("live"))(world)
    checks.matches("transient", "persistent 0", again("a transient domain"))
    script.define("doc", 1, memory_kib=131072, more=script.title("next"))(world)
    checks.matches("both", r"'live'(?s:.*)'next'(?s:.*)persistent 1", again("a domain that was redefined"))
    world.domain("doc").setMetadata(script.TITLE, "live now", None, None, script.LIVE)
    checks.matches("a live change", r"'live now'(?s:.*)'next'", again("a domain that was changed live"))
    for name, number in (("doc", 3), ("cod", 1)):
        try:
            script.define(name, number)(world)
            checks.that(f"a clash after a restart: {name} {number}", False)
        except libvirt.libvirtError as error:
            checks.equal(f"a clash after a restart: {name} {number}", error.get_error_code(),
                         libvirt.VIR_ERR_OPERATION_FAILED)
    world.domain("doc").destroy()
    checks.matches("the next one is left", r"live .*'next'(?s:.*)next .*'next'(?s:.*)active 0",
                   again("a domain that was stopped"))
    world.domain("doc").undefine()
    check_password(checks, world, again)
    checks.equal("nothing is left", world.connection.listAllDomains(), [])


def main():
    words = sys.argv[1:]
    if libvirt is None:
        t.skip("needs python3-libvirt (tools/deps clients)")
    t.need_program("virsh")
    t.enter_namespaces()
    libvirt.registerErrorHandler(lambda *_: None, None)
    checks = t.Checks("xml-flags")
    with t.work_dir() as directory:
        if words:
            if not t.StockLibvirtd.installed():
                t.skip("needs stock libvirtd (tools/deps clients)")
            with t.StockLibvirtd(os.path.join(directory, "o")) as stock:
                answers = collect(World(stock, directory))
            if "--record" in words:
                write_record(answers)
                return 0
            compare(checks, answers, ours=False)
            return checks.done()
        with t.Skepd(os.path.join(directory, "s")) as ours:
            world = World(ours, directory)
            compare(checks, collect(world), ours=True)
            check_restart(checks, world)
        return checks.done()


sys.exit(main())
