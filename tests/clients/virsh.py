#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock virsh drives a scripted lifecycle; what it prints is compared with what it prints of stock libvirtd.

  virsh.py                 skepd through lxc+unix:///system?socket=..., against the recorded answers
  virsh.py --plain         skepd through plain lxc:///system at the standard paths of an own mount namespace
  virsh.py --oracle        stock libvirtd (where installed) against the recorded answers: is the record true?
  virsh.py --record        writes the record anew from stock libvirtd
  virsh.py --show [STEP]   prints skepd's normalised answers

The record is stock.txt. Where we mean to differ, differences.txt has our answer and why.
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import skeptest as t  # noqa: E402
import steps  # noqa: E402
import steps_more  # noqa: E402

SEPARATOR = "=== "
STEPS = steps.STEPS + steps_more.MORE


def write_domains(directory, root):
    """The XML files that the steps name."""
    def domain(name, *, key=None, **options):
        write(key or name, t.domain_xml(name, root, uuid=options.pop("uuid", steps.UUIDS[name]), **options))

    def write(key, text):
        with open(os.path.join(directory, key + ".xml"), "w", encoding="utf-8") as handle:
            handle.write(text)

    domain("one")
    domain("two", init="/bin/sleep", args=["1000"])
    domain("brief", init="/bin/true")
    domain("signal", init="/bin/sh", args=["-c", steps.TERM_INIT.replace("'", "&apos;")])
    domain("fds", init="/bin/sh",
           args=["-c", "cat &lt;&amp;3 &gt;/passed; cat &lt;&amp;4 &gt;&gt;/passed; sleep 1000"])
    domain("broken", init="/bin/not-there")
    domain("one", key="clash-name", uuid=steps.NO_UUID)
    write("clash-uuid", t.domain_xml("other", root, uuid=steps.UUIDS["one"]))
    for name, text in steps_more.FILES.items():
        write(name, text)
    write("not-xml", "<domain type='lxc'><name>x</name")
    write("no-name", "<domain type='lxc'><memory>1</memory><os><type>exe</type><init>/x</init></os></domain>")
    write("other-type", "<domain type='qemu'><name>q</name><memory>65536</memory><os><type>exe</type>"
                        "<init>/x</init></os></domain>")


def run_step(daemon, step, directory):
    name, words, options = step
    words = [re.sub(r"\{xml:([\w-]+)\}", lambda m: os.path.join(directory, m[1] + ".xml"), w) for w in words]
    fds = []
    if options.get("fds"):
        for text in ("first\n", "second\n"):
            read_end, write_end = os.pipe()
            os.write(write_end, text.encode())
            os.close(write_end)
            fds.append(read_end)
        words.append(",".join(str(fd) for fd in fds))
    result = daemon.virsh(*words, readonly=options.get("readonly", False), pass_fds=fds)
    for fd in fds:
        os.close(fd)
    if result.status == 0 and not waited(daemon, options, os.path.join(directory, "root")):
        print(f"{name}: waited in vain for {options}", flush=True)
    return result


def waited(daemon, options, root):
    """Whether what a step leads to has come."""
    def says(file, text):
        path = os.path.join(root, file)
        if not os.path.exists(path):
            return False
        with open(path, encoding="utf-8") as handle:
            return handle.read() == text
    conditions = {
        "until": lambda domain, state: daemon.state(domain) == state,
        "entered": lambda domain: daemon.virsh("lxc-enter-namespace", domain, "--noseclabel", "/bin/true").status == 0,
        "says": says,
        "gone": lambda domain: daemon.virsh("domid", domain).status != 0,
        "ended": lambda domain: daemon.name != "skepd" or daemon.virsh("domid", domain).status != 0,
    }
    for option, condition in conditions.items():
        words = options.get(option, ())
        words = words if isinstance(words, tuple) else (words,)
        if words and not t.wait_until(lambda: condition(*words), step=0.1):
            return False
    return True


class Normal:
    """Takes out of an answer what differs between two hosts, runs or daemons for no interesting reason."""

    def __init__(self, directory, daemon):
        self.rules = [
            (re.escape(daemon.uri), "URI"),
            (r"lxc:///system", "URI"),
            (re.escape(directory), "DIR"),
            (re.escape(os.uname().nodename), "HOST"),
            (r"/dev/pts/\d+", "/dev/pts/N"),
            (r"<emulator>[^<]*</emulator>", "<emulator>CONTROLLER</emulator>"),
            (r"id='\d+'", "id='ID'"),
            (r"/lxc-\d+-", "/lxc-PID-"),
            (r"port vnet\d+", "port vnetN"),
            (r"Child process \(\d+\)", "Child process (PID)"),
        ]

    # Figures of the host or the moment: only their shape is compared.
    FIGURES = {"nodeinfo", "nodememstats", "nodecpustats", "nodecpumap", "freecell", "freecell all", "version",
               "version daemon", "cpu-stats total", "dommemstat", "domblkstat", "node-memory-tune"}
    # The same, of one guest: whether there is an answer.
    OF_GUEST = {"domtime", "guestinfo", "domfsinfo", "freepages"}
    LISTS_OF_HOST = {"nodedev-list", "iface-list"}

    def __call__(self, name, words, result):
        text = f"status {result.status}\n"
        for stream, content in (("out", result.out), ("err", result.err)):
            for pattern, replacement in self.rules:
                content = re.sub(pattern, replacement, content)
            content = re.sub(r"^( |Id: +)\d+( |$)", r"\1ID\2", content, flags=re.M)
            content = re.sub(r"^(CPU time: +|Used memory: +)[\d.]+", r"\1N", content, flags=re.M)
            if name == "domid running":
                content = re.sub(r"^\d+$", "ID", content, flags=re.M)
            if name == "capabilities" and result.status == 0:
                content = self.capabilities(content)
            if name in ("sysinfo", "domcapabilities") and result.status == 0 and content:
                content = f"{name} of this host\n"
            if name in self.FIGURES:
                content = re.sub(r"[ \t]+", " ", re.sub(r"\d[\d.]*", "N", content))
            if words[0] in self.OF_GUEST and result.status == 0 and content:
                content = f"{words[0]} has an answer\n"
            if name in self.LISTS_OF_HOST and result.status == 0:
                content = "what this host has\n" if re.search(r"\blo\b|^computer", content, re.M) else content
            if words[:1] == ["list"]:
                # An id's digits set the width of a column.
                content = re.sub(r"  +", "  ", re.sub(r"^-+$", "---", content, flags=re.M))
            lines = [line.rstrip() for line in content.splitlines()]
            text += "".join(f"{stream}: {line}\n" for line in lines if line)
        return text

    @staticmethod
    def capabilities(xml):
        """The guests: what may be defined here. The host's part is checked in tests of its own."""
        guests = re.findall(r"<guest>.*?</guest>", xml, flags=re.S)
        return "\n".join(re.sub(r"<emulator>.*?</emulator>", "<emulator>CONTROLLER</emulator>", g) for g in guests)


def read_record(path):
    """{step: text} of a record; lines before the first separator, and those that start with #, are notes."""
    record, name = {}, None
    with open(path, encoding="utf-8") as handle:
        for line in handle:
            if line.startswith(SEPARATOR):
                name = line[len(SEPARATOR):].strip()
                record[name] = ""
            elif name is not None and line.strip() and not line.startswith("#"):
                record[name] += line
    return record


def collect(daemon, directory, wanted=STEPS):
    root = t.busybox_root(os.path.join(directory, "root"))
    write_domains(directory, root)
    normal = Normal(directory, daemon)
    answers = {}
    for step in wanted:
        result = run_step(daemon, step, directory)
        answers[step[0]] = normal(step[0], step[1], result)
    return answers


def compare(answers, stock, differences, *, ours):
    checks = t.Checks("virsh")
    for name, found in answers.items():
        expected = stock.get(name)
        if ours and name in differences:
            checks.that(f"{name}: the difference is one", differences[name] != expected,
                        "differences.txt has what stock answers; take it out")
            expected = differences[name]
        checks.that(name, found == expected, "found:\n" + indent(found) + "    expected:\n" + indent(expected or ""))
    names = {name for name, *_ in STEPS}
    for name in list(stock) + list(differences):
        checks.that(f"{name} is a step", name in names)
    return checks


def indent(text):
    return "".join(f"      {line}\n" for line in text.splitlines())


def run_oracle(record):
    if not t.StockLibvirtd.installed():
        t.skip("needs a stock libvirtd to ask whether the record is true (tools/deps clients)")
    with t.work_dir() as directory, t.StockLibvirtd(os.path.join(directory, "o")) as daemon:
        answers = collect(daemon, directory)
    if record:
        with open(os.path.join(HERE, "stock.txt"), "w", encoding="utf-8") as handle:
            handle.write("# SPDX-License-Identifier: LGPL-2.1-or-later\n# What stock virsh prints of stock libvirtd "
                         "9.0.0 (Debian 12), written by virsh.py --record.\n")
            for name, text in answers.items():
                handle.write(f"{SEPARATOR}{name}\n{text}\n")
        return 0
    stock = read_record(os.path.join(HERE, "stock.txt"))
    for name, _, options in STEPS:
        if options.get("stock_varies"):     # it answers now this, now that: the record has the right one
            answers[name] = stock[name]
    return compare(answers, stock, {}, ours=False).done()


def run_skepd(plain, show):
    with t.work_dir() as directory:
        if plain:
            # it stays: without it, what another test has mounted there would go
            os.makedirs("/run/libvirt", exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "none", "/run/libvirt"], check=True)
        with t.Skepd(os.path.join(directory, "s"), libvirt_paths=plain) as daemon:
            if plain:
                daemon.uri = "lxc:///system"
            # At the standard paths only what may depend on them.
            answers = collect(daemon, directory, steps.STEPS if plain else STEPS)
            left = t.leftovers(directory, list(steps.UUIDS))
            log = daemon.log()
        if plain:
            subprocess.run(["umount", "/run/libvirt"], check=True)
    if show is not None:
        for name, text in answers.items():
            if not show or name in show:
                print(f"{SEPARATOR}{name}\n{text}")
        return 0
    checks = compare(answers, read_record(os.path.join(HERE, "stock.txt")),
                     read_record(os.path.join(HERE, "differences.txt")), ours=True)
    checks.that("nothing is left", not left, "\n    ".join(left))
    status = checks.done()
    if status:
        print("last lines of skepd.log:\n" + "\n".join(log.splitlines()[-20:]))
    return status


def main():
    words = sys.argv[1:]
    t.need_program("virsh")
    t.enter_namespaces()
    if "--record" in words or "--oracle" in words:
        return run_oracle("--record" in words)
    return run_skepd("--plain" in words, words[1:] if words[:1] == ["--show"] else None)


sys.exit(main())
