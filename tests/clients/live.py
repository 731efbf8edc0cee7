#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of every kind are attached, updated and detached, and every limit set and read back, by python3-libvirt: for what
runs, for what is saved, for both; of a domain that is off, runs, is paused, is not defined, is gone. Results, error codes
and texts, documents, what is seen inside and the order of events are compared with those of stock libvirtd.

  live.py             skepd, against the record
  live.py --oracle    stock libvirtd: is the record true?
  live.py --record    writes the record anew from stock libvirtd

The record is live-stock.txt; where we mean to differ, live-differences.txt has our result and why.
"""

import os
import re
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import skeptest as t  # noqa: E402

try:
    import libvirt
    import calls
    import live_table as table
    from calls_table import namespaces, shape
except ImportError:
    libvirt = None

UUID = "1f9cf5a4-0021-4b5c-9f53-5a6d4c2b1e90"
INIT = ": &gt;/ready; while :; do sleep 100; done"
STATES = ("running", "paused", "off", "transient", "gone")
NAMES = re.compile(r"\b(?:vnet|macvlan)\d+\b")
DETAILS = {"dev": re.compile(r"'(vnet|veth|macvlan|mvl-?|vlan)\w+'"), "mac": re.compile(r"<mac address='52:54:00:(?!ca:12)[^']*'/>|"
           r"<mac address='00:16:3e:[^']*'/>")}


class Places:
    """The form of the record: an answer to a step of a device or limit, and where it is given: "paused 13" is a paused domain,
    with flags 1 and 3."""

    @staticmethod
    def read(lines):
        answers = {}
        for line in lines:
            name, what, answer, places = line.split("\t")
            for place in places.split(", "):
                state, flags = place.split(" ")
                answers.update({f"{state}, {name}, flags {one}\t{what}": answer for one in flags})
        return answers

    @staticmethod
    def write(answers):
        found = {}
        for key, answer in answers.items():
            phase, what = key.split("\t")
            state, name, flags = re.fullmatch(r"(\w+), (.*), flags (\d)", phase).groups()
            found.setdefault((name, what), {}).setdefault(answer, {}).setdefault(state, []).append(flags)
        for (name, what), places in found.items():
            for answer, states in places.items():
                yield f"{name}\t{what}\t{answer}\t" + ", ".join(f"{state} {''.join(flags)}" for state, flags in states.items()) + "\n"


def dies(*_):
    """Asked of stock libvirtd it would be its end."""
    raise libvirt.libvirtError("libvirtd dies")


class Script:
    def __init__(self, daemon, directory, host):
        self.daemon, self.directory, self.host = daemon, directory, host
        self.root = t.busybox_root(os.path.join(directory, "root"))
        os.makedirs(os.path.join(self.root, "mnt"))
        self.conn = libvirt.open(daemon.uri)
        self.events = calls.Events(daemon.uri, devices=True)
        self.notes = calls.Notes()
        self.marks = 0
        self.dom = None

    def mark(self):
        self.conn.defineXML(t.domain_xml("mark", self.root, uuid=UUID[:-2] + "ff"))

    def xml(self):
        return t.domain_xml("live", self.root, init="/bin/sh", args=["-c", INIT], uuid=UUID, memory_kib=131072,
                            more="<features><privnet/></features>")

    # ---- states

    def enter(self, state):
        conn = self.conn
        for dom in conn.listAllDomains():
            if dom.name() == "live" and dom.isActive():
                if dom.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
                    dom.resume()        # of a paused one stock leaves control groups behind
                dom.destroy()
        for dom in conn.listAllDomains():
            if dom.name() == "live":
                dom.undefine()
        if state == "transient":
            self.dom = conn.createXML(self.xml(), 0)
        else:
            self.dom = conn.defineXML(self.xml())
        if state in ("running", "paused"):
            self.dom.create()
        if state in ("running", "paused", "transient"):
            ready = os.path.join(self.root, "ready")
            if not t.wait_until(lambda: os.path.exists(ready)):
                raise RuntimeError("the container's init does not begin")
            os.unlink(ready)
            t.wait_until(self.init_is_known)
        if state == "paused":
            self.dom.suspend()
        if state == "gone":
            self.dom.undefine()
        self.events.since(self.mark, "live")

    def init_is_known(self):
        """Stock learns of it later."""
        try:
            return bool(namespaces(self.dom, 0))
        except libvirt.libvirtError:
            return False

    def init(self):
        with open(f"/proc/{self.dom.ID()}/task/{self.dom.ID()}/children", encoding="utf-8") as handle:
            return int(handle.read().split()[0])

    # ---- what is asked

    def ask(self, phase, what, call, *arguments):
        try:
            answer = self.plain(shape(call(*arguments)))
        except libvirt.libvirtError as error:
            answer = "libvirtd dies" if error.err is None else f"error {error.get_error_code()}: {self.plain(error.get_error_message())}"
        except (LookupError, TypeError, OverflowError, ValueError) as error:
            answer = f"of the binding: {type(error).__name__}"
        self.notes.note(phase, what, answer)
        return answer

    def plain(self, text):
        """Without what belongs to this run."""
        for name, value in (*self.host.items(), ("dir", self.directory)):
            text = text.replace(value, "{" + name + "}")
        for name, pattern in DETAILS.items():
            text = pattern.sub("{" + name + "}", text)
        text = re.sub(r"/sys/fs/cgroup/[^']*/", "{group}/", text)
        text = NAMES.sub("{name}", re.sub(r"52:54:00:ca:12:[1-4]", "52:54:00:ca:12:0", text))
        return re.sub(r"\s*\n\s*", " ", text)

    def shown(self, kind):
        """The device's element, live and saved."""
        found = []
        for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
            text = re.sub(r"<alias [^>]*>", "", self.dom.XMLDesc(flags))
            whole = [m.group(0) for m in re.finditer(r"<(\w+)(?: [^>]*)?(?:/>|>.*?</\1>)", text.split("<devices>")[1], re.S)]
            found.append(" ".join(re.sub(r">\s+<", "><", one) for one in whole if kind.key in self.plain(one) and "dir='/'/" not in one))
        return self.plain(" | ".join(found))

    def inside(self, kind):
        if not self.dom.isActive():
            return "-"
        init = self.init()
        if kind.inside == "net":
            links = t.execute(["nsenter", "-t", str(init), "-n", "ip", "-o", "link"]).out
            return self.plain(" ".join(sorted(re.findall(r"^\d+: ([^:@]+)", links, re.M))))
        if kind.inside == "/mnt":
            with open(f"/proc/{init}/mountinfo", encoding="utf-8") as mounts:
                return "".join(line.split()[5].split(",")[0] for line in mounts if line.split()[4] == "/mnt")
        try:
            st = os.lstat(f"/proc/{init}/root{kind.inside}")
        except OSError:
            return "nothing"
        return f"{stat.filemode(st.st_mode)} {st.st_uid}:{st.st_gid}"

    def of_device(self, state, kind, flags):
        phase, dom = f"{state}, {kind.name}, flags {flags}", self.dom

        def step(verb, what, xml):
            # stock lets one MAC address come twice, and then neither goes
            xml = xml.replace(":ca:12:0", f":ca:12:{flags + 1}")
            answer = self.ask(phase, f"{verb} {what}".strip(), getattr(dom, f"{verb}DeviceFlags"), xml, flags)
            if not answer.startswith("error") and state != "gone":
                self.notes.note(phase, f"after {verb} {what}".strip(), self.shown(kind))
                self.notes.note(phase, f"inside after {verb} {what}".strip(), self.inside(kind))
            return answer
        step("detach", "what is not there", kind.xml)
        attached = not step("attach", "", kind.xml).startswith("error")
        if attached:
            step("attach", "again", kind.xml)
        step("update", "", kind.other)
        step("update", "missing", kind.missing)
        self.ask(phase, "detach by alias", dom.detachDeviceAlias, "ua-none", flags)
        if attached:
            step("detach", "missing", kind.missing)
            step("detach", "by little", kind.partial)
            step("detach", "again", kind.partial)
        if attached and kind.key in self.plain(dom.XMLDesc(0) + dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)):
            self.ask(phase, "detach all", self.clean, kind, flags)
        self.notes.note(phase, "events", self.plain(self.events.since(self.mark, "live")))

    def clean(self, kind, asked):
        for flags in (table.LIVE, table.CONFIG):
            for xml in (kind.xml, kind.other, kind.partial):
                try:
                    self.dom.detachDeviceFlags(xml.replace(":ca:12:0", f":ca:12:{asked + 1}"), flags)
                except libvirt.libvirtError:
                    pass

    def of_limit(self, state, row, flags):
        name, values, change, get = row
        phase = f"{state}, {name}, flags {flags}"
        if state == "off" and "Scheduler" in name and self.daemon.name == "libvirtd":
            change, get = dies, dies
        for value in values:
            self.ask(phase, self.plain(f"set {value}"), change, self.dom, value, flags)
            for asked in (table.LIVE, table.CONFIG):
                self.ask(phase, self.plain(f"after {value}, flags {asked}"), get, self.dom, asked)
        self.notes.note(phase, "events", self.plain(self.events.since(self.mark, "live")))

    def run(self):
        host = self.host
        kinds = table.kinds(*(host[name] for name in ("loop", "image", "bridge", "other", "link", "lower", "folder")))
        for state in STATES:
            few = 1 if state == "gone" else None    # all answer alike
            for kind in kinds[:few]:
                self.enter(state)
                for flags in table.FLAGS:
                    if kind.name == "bridge, no MAC" and flags:
                        self.enter(state)
                    self.of_device(state, kind, flags)
            for row in table.limits(host["loop"])[:few]:
                self.enter(state)
                for flags in table.FLAGS:
                    self.of_limit(state, row, flags)
        self.enter("gone")
        return self.notes


def make_host(directory):
    """What devices are made of, by the words that stand for them in the record."""
    image, folder = os.path.join(directory, "image"), os.path.join(directory, "folder")
    os.makedirs(folder)
    with open(image, "wb") as handle:
        handle.truncate(4 << 20)
    for words in (["livebr0", "type", "bridge"], ["livebr1", "type", "bridge"], ["livelow", "type", "veth", "peer", "livelowp"],
                  ["livemove", "type", "veth", "peer", "livemovep"]):
        subprocess.run(["ip", "link", "add", *words], check=True)
    loop = t.loop_device(image)
    return {"image": image, "folder": folder, "loop": loop, "bridge": "livebr0", "other": "livebr1", "link": "livemove",
            "lower": "livelow"}


def main():
    if libvirt is None:
        t.skip("needs python3-libvirt (tools/deps installs it)")
    t.enter_namespaces()
    libvirt.registerErrorHandler(lambda *_: None, None)
    with t.work_dir() as directory:
        host = make_host(directory)
        try:
            return calls.judge(sys.argv[1:], "live", lambda daemon: Script(daemon, directory, host).run(), directory, Places)
        finally:
            subprocess.run(["losetup", "-d", host["loop"]], check=False)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)        # the thread of the event loop sits in libvirt
