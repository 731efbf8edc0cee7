#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every call of libvirt's LXC driver by python3-libvirt, on a domain that is off, runs, is paused, is not defined, and
read-only: results, error codes and the order of events are compared with those of stock libvirtd.

  calls.py             skepd, against the record
  calls.py --oracle    stock libvirtd: is the record true?
  calls.py --record    writes the record anew from stock libvirtd

The record is calls-stock.txt, a line an answer: phase, call, result. Where we mean to differ, calls-differences.txt has
our result and why; a difference that is none any more fails. driver-calls.txt lists the driver's calls: each is asked here.
"""

import os
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import skeptest as t  # noqa: E402

try:
    import libvirt
    import calls_table as table
except ImportError:
    libvirt = None

UUID = "1f9cf5a4-0020-4b5c-9f53-5a6d4c2b1e90"
# Ends orderly by SIGTERM, and tells that it listens.
INIT = "trap 'exit 0' TERM; : &gt;/ready; while :; do sleep 100 &amp; wait; done"
# Stock's process dies of the first two, of a domain that is off; the binding asks for the types before it sets.
KILLERS = {f"virDomain{verb}SchedulerParameters{flags}" for verb in ("Get", "Set") for flags in ("", "Flags")}

NOT_ASKED = "not asked"     # what only somebody else's answer leads to
DEVICE_EVENTS = [("added", "DEVICE_ADDED"), ("removed", "DEVICE_REMOVED"), ("removal-failed", "DEVICE_REMOVAL_FAILED"),
                 ("tunable", "TUNABLE"), ("balloon", "BALLOON_CHANGE")]


class Events:
    """What one connection with an event loop is told, in order: what libvirt's LXC driver has, and of devices and limits."""

    def __init__(self, uri, devices=False):
        libvirt.virEventRegisterDefaultImpl()
        self.timer = libvirt.virEventAddTimeout(50, lambda *_: None, None)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.told, self.read = [], 0    # grows only: the thread of the loop writes to it
        self.thread.start()
        self.conn = libvirt.open(uri)
        self.conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         lambda c, d, event, detail, o: self.told.append((d.name(), f"{event}/{detail}")), None)
        self.conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT,
                                         lambda c, d, o: self.told.append((d.name(), "reboot")), None)
        self.conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                                         lambda c, d, kind, uri, o: self.told.append((d.name(), f"metadata {kind} {uri}")), None)
        for word, event in DEVICE_EVENTS if devices else ():
            self.conn.domainEventRegisterAny(None, getattr(libvirt, f"VIR_DOMAIN_EVENT_ID_{event}"),
                                             lambda c, d, what, o, word=word: self.told.append((d.name(), f"{word} {table.shape(what)}")), None)

    @staticmethod
    def _run():
        while True:
            libvirt.virEventRunDefaultImpl()

    def since(self, mark, name):
        """The events of @name so far. The mark is a domain of its own, whose definition arrives after them."""
        before = len(self.told)
        mark()
        if not t.wait_until(lambda: any(one[0] == "mark" for one in self.told[before:])):
            raise RuntimeError("no event of the mark comes")
        found = self.told[self.read:]
        self.read += len(found)
        return " ".join(event for domain, event in found if domain == name)


class Notes:
    """Phase, call and answer, in the order asked."""

    def __init__(self):
        self.answers = {}
        self.names = set()

    def ask(self, phase, name, words, call, *arguments):
        self.names.add(name)
        try:
            answer = table.shape(call(*arguments))
        except libvirt.libvirtError as error:
            answer = f"error {error.get_error_code()}"
        except (LookupError, TypeError, OverflowError, ValueError) as error:
            answer = f"of the binding: {type(error).__name__}"
        self.note(phase, f"{name} ({words})", answer)
        return answer

    def note(self, phase, what, answer):
        key = f"{phase}\t{what}"
        while key in self.answers:
            key += "'"
        self.answers[key] = answer


class Script:
    def __init__(self, daemon, directory):
        self.daemon, self.directory = daemon, directory
        self.root = t.busybox_root(os.path.join(directory, "root"))
        self.conn = libvirt.open(daemon.uri)        # before there is an event loop: used by this thread alone
        self.readonly = libvirt.openReadOnly(daemon.uri)
        self.events = Events(daemon.uri)
        self.notes = Notes()
        self.marks = 0

    def xml(self, name="called", **options):
        return t.domain_xml(name, self.root, init="/bin/sh", args=["-c", INIT], **options)

    def mark(self):
        self.marks += 1
        self.conn.defineXML(self.xml("mark", uuid=UUID[:-2] + "ff"))

    def act(self, phase, name, words, call, *arguments):
        """One that changes the state, and what watchers are told of it."""
        answer = self.notes.ask(phase, name, words, call, *arguments)
        self.notes.note(phase, f"events of {name} ({words})", self.events.since(self.mark, "called"))
        return answer

    def ready(self, dom):
        """Until init listens, and stock knows its process."""
        if not t.wait_until(lambda: os.path.exists(os.path.join(self.root, "ready"))):
            raise RuntimeError("the container's init does not begin")

        def open_now():
            try:
                return bool(table.namespaces(dom, 0))
            except libvirt.libvirtError:
                return False
        t.wait_until(open_now)
        os.unlink(os.path.join(self.root, "ready"))

    def all_of(self, phase, rows, target):
        for name, words, call in rows:
            if self.daemon.name == "libvirtd" and name in KILLERS and phase.endswith("off"):
                self.notes.names.add(name)
                self.notes.note(phase, f"{name} ({words})", "libvirtd dies")
            else:
                self.notes.ask(phase, name, words, call, target)

    def connection(self):
        phase = "connection"
        uri = self.daemon.uri
        for other in (uri, uri.replace("/system?", "/?"), uri.replace("/system?", "/other?"), uri.replace("/system?", "/session?"),
                      uri + "&mode=legacy", uri + "&mode=direct"):
            words = other.partition("?")[0] + (other.partition("&")[2] and " " + other.partition("&")[2])
            self.notes.ask(phase, "virConnectOpen", words, lambda other=other: libvirt.open(other).getType())
        self.notes.ask(phase, "virConnectClose", "", lambda: libvirt.open(uri).close())
        for event in range(27):
            self.notes.ask(phase, "virConnectDomainEventRegisterAny", str(event), lambda event=event: self.events.conn.
                           domainEventDeregisterAny(self.events.conn.domainEventRegisterAny(None, event, lambda *_: None, None)))
        self.notes.names.add("virConnectDomainEventDeregisterAny")
        quiet = lambda *_: None     # noqa: E731
        self.notes.ask(phase, "virConnectDomainEventRegister", "", self.events.conn.domainEventRegister, quiet, None)
        self.notes.ask(phase, "virConnectDomainEventDeregister", "", self.events.conn.domainEventDeregister, quiet)

    def define(self):
        conn, xml = self.conn, self.xml(uuid=UUID)
        self.act("define", "virDomainDefineXML", "", lambda: conn.defineXML(xml).name())
        self.act("define", "virDomainDefineXML", "again", lambda: conn.defineXML(xml).name())
        for flags in (0, 1, 2, 4):
            self.act("define", "virDomainDefineXMLFlags", f"flags {flags}", lambda flags=flags: conn.defineXMLFlags(xml, flags).name())
        for what, text in (("another uuid", xml.replace(UUID, table.NO_UUID)), ("another name", xml.replace(">called<", ">other<")),
                           ("not XML", "<domain"), ("nothing", "<domain type='lxc'/>"), ("for QEMU", xml.replace("'lxc'", "'qemu'")),
                           ("a bad name", xml.replace(">called<", ">a/b<"))):
            self.act("define", "virDomainDefineXML", what, lambda text=text: conn.defineXML(text).name())
        return conn.lookupByName("called")

    def run(self):
        notes, conn = self.notes, self.conn
        self.connection()
        self.all_of("host", table.HOST, conn)
        self.all_of("host, read-only", table.HOST, self.readonly)
        dom = self.define()
        for name, call in (("virDomainSuspend", dom.suspend), ("virDomainResume", dom.resume), ("virDomainDestroy", dom.destroy),
                           ("virDomainShutdown", dom.shutdown)):
            self.act("off", name, "", call)
        self.act("off", "virDomainReboot", "flags 0", dom.reboot, 0)
        self.act("off", "virDomainShutdownFlags", "flags 8", dom.shutdownFlags, 8)
        self.all_of("off", table.QUESTIONS, dom)
        self.all_of("off", table.CHANGES, dom)
        notes.note("off", "events of the changes", self.events.since(self.mark, "called"))
        self.all_of("changed, off", table.QUESTIONS[:12], dom)

        self.act("start", "virDomainCreate", "", dom.create)
        self.ready(dom)
        self.act("running", "virDomainCreate", "again", dom.create)
        self.act("running", "virDomainCreateXML", "again", lambda: conn.createXML(self.xml(uuid=UUID), 0).name())
        self.all_of("running", table.QUESTIONS, dom)
        self.all_of("running", table.CHANGES, dom)
        notes.note("running", "events of the changes", self.events.since(self.mark, "called"))
        self.all_of("running, read-only", table.QUESTIONS, self.readonly.lookupByName("called"))
        self.all_of("running, read-only", table.CHANGES, self.readonly.lookupByName("called"))
        self.act("running", "virDomainResume", "", dom.resume)
        self.act("suspend", "virDomainSuspend", "", dom.suspend)
        self.act("suspend", "virDomainSuspend", "again", dom.suspend)
        self.all_of("paused", table.QUESTIONS, dom)
        self.all_of("paused", table.CHANGES, dom)
        notes.note("paused", "events of the changes", self.events.since(self.mark, "called"))
        self.act("paused", "virDomainResume", "", dom.resume)
        self.act("running", "virDomainUndefine", "", dom.undefine)
        self.all_of("transient", table.QUESTIONS, dom)
        self.all_of("transient", table.CHANGES, dom)
        notes.note("transient", "events of the changes", self.events.since(self.mark, "called"))
        self.act("transient", "virDomainUndefine", "again", dom.undefine)
        self.act("transient", "virDomainDefineXML", "while it runs", lambda: conn.defineXML(self.xml(uuid=UUID)).name())
        self.act("running", "virDomainDestroy", "", dom.destroy)
        self.files(dom)
        self.devices()
        self.act("end", "virDomainUndefineFlags", "flags 0", dom.undefineFlags, 0)
        self.all_of("gone", table.QUESTIONS[:30], dom)
        return notes

    def devices(self):
        """A domain with a network namespace, whose devices and limits change while it runs."""
        image = os.path.join(self.directory, "image")
        with open(image, "wb") as handle:
            handle.truncate(4 << 20)
        subprocess.run(["ip", "link", "add", "callbr0", "type", "bridge"], check=True)
        loop = t.loop_device(image)
        try:
            dom = self.conn.defineXML(self.xml("plugged", more="<features><privnet/></features>"))
            dom.create()
            self.ready(dom)
            self.all_of("devices", table.plugged(loop, image, "callbr0"), dom)
            dom.destroy()
            dom.undefine()
        finally:
            subprocess.run(["losetup", "-d", loop], check=False)

    def files(self, dom):
        """Starts with descriptors, one of the caller's, the end by a signal, and a domain that is never defined."""
        conn = self.conn
        reader, writer = os.pipe()
        os.close(writer)
        self.act("files", "virDomainCreateWithFiles", "", dom.createWithFiles, [reader], 0)
        self.ready(dom)
        self.act("files", "virDomainCreateWithFiles", "flags 4", dom.createWithFiles, [reader], 4)

        def ended():
            dom.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_SIGNAL)
            return bool(t.wait_until(lambda: not dom.isActive()))
        self.act("files", "virDomainShutdownFlags", "flags 8, and its end", ended)
        self.notes.ask("files", "virDomainGetState", "after that", dom.state)
        self.act("files", "virDomainCreateWithFlags", "autodestroy", dom.createWithFlags, 2)
        self.ready(dom)
        self.act("files", "virDomainDestroyFlags", "flags 0", dom.destroyFlags, 0)
        self.act("files", "virDomainUndefine", "", dom.undefine)
        for flags in (0, 2):
            self.act("files", "virDomainCreateXML", f"flags {flags}", lambda flags=flags:
                     conn.createXML(self.xml(uuid=UUID), flags).name())
            self.ready(dom)
            self.act("files", "virDomainDestroy", f"of it, flags {flags}", dom.destroy)
        for flags in (1, 4, 8, 32):
            self.act("files", "virDomainCreateXML", f"flags {flags}", lambda flags=flags:
                     conn.createXML(self.xml(uuid=UUID), flags).name())
        self.act("files", "virDomainCreateXMLWithFiles", "", lambda:
                 conn.createXMLWithFiles(self.xml(uuid=UUID), [reader], 0).name())
        self.ready(dom)
        self.act("files", "virDomainDestroy", "of that", dom.destroy)
        os.close(reader)
        conn.defineXML(self.xml(uuid=UUID))
        self.events.since(self.mark, "called")


class Lines:
    """The form of a record: a line an answer."""

    @staticmethod
    def read(lines):
        return {f"{phase}\t{call}": answer for phase, call, answer in (line.split("\t") for line in lines)}

    @staticmethod
    def write(answers):
        return [f"{key}\t{answer}\n" for key, answer in answers.items()]


def read(name, form):
    """{phase and call: answer} of a record."""
    with open(os.path.join(HERE, name), encoding="utf-8") as handle:
        return form.read(line for line in handle.read().splitlines() if line and not line.startswith("#"))


def compare(notes, ours, record, form):
    checks = t.Checks(record)
    stock = read(f"{record}-stock.txt", form)
    differences = read(f"{record}-differences.txt", form) if ours else {}
    for key, found in notes.answers.items():
        expected = stock.get(key)
        if key in differences:
            checks.that(f"{key}: the difference is one", differences[key] != expected, f"take it out of {record}-differences.txt")
            expected = differences[key]
        checks.equal(key.replace("\t", ": "), found, expected)
    for key in list(stock) + list(differences):
        checks.that(f"{key} is asked", (key in notes.answers) != (differences.get(key) == NOT_ASKED))
    return checks


def judge(words, record, run, directory, form=Lines):
    """The notes of @run of a daemon are compared with a record, or with --record become it. An exit status."""
    stock = "--oracle" in words or "--record" in words
    if stock and not t.StockLibvirtd.installed():
        t.skip("needs a stock libvirtd (tools/deps clients)")
    kind = t.StockLibvirtd if stock else t.Skepd
    with kind(os.path.join(directory, "d")) as daemon:
        notes = run(daemon)
        if "--record" in words:
            with open(os.path.join(HERE, f"{record}-stock.txt"), "w", encoding="utf-8") as handle:
                handle.write("# SPDX-License-Identifier: LGPL-2.1-or-later\n# What stock libvirtd 9.0.0 (Debian 12) answers, written "
                             f"by {record}.py --record.\n")
                handle.writelines(form.write(notes.answers))
            return 0
        checks = compare(notes, not stock, record, form)
        if record == "calls":
            with open(os.path.join(HERE, "driver-calls.txt"), encoding="utf-8") as handle:
                wanted = {line.strip() for line in handle if line.startswith("vir")}
            checks.equal("every call of the driver is asked", sorted(wanted - notes.names), [])
        return checks.done()


def main():
    if libvirt is None:
        t.skip("needs python3-libvirt (tools/deps installs it)")
    t.enter_namespaces()
    libvirt.registerErrorHandler(lambda *_: None, None)
    with t.work_dir() as directory:
        return judge(sys.argv[1:], "calls", lambda daemon: Script(daemon, directory).run(), directory)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)        # the thread of the event loop sits in libvirt
