#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""skep's verbs for figures, limits, devices and the host say what virsh's say, do what virsh's do; and top, wait
and monitor, which virsh has not."""

import contextlib
import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402
from skep_verbs_table import CHANGES, REFUSED, SAME, WORDS  # noqa: E402

SKEP = os.path.join(t.BUILD, "tools/skep/skep")
PATIENCE = t.PATIENCE


def check_words(checks, pair):
    for line in WORDS.splitlines():
        ours, theirs = pair.skep(*pair.words(line)), pair.virsh(*pair.words(line))
        said = [text for text in theirs.err.splitlines() if text.startswith("error: ")]
        silent = [text for text in said if text not in ours.err.splitlines()]
        checks.equal(f"{line}: fails, too", (theirs.status != 0, ours.status != 0), (True, True))
        checks.equal(f"{line}: says what virsh says", silent, [])


def verbs_of(program, *words):
    return set(re.findall(r"^    ([a-z][a-z0-9-]*) ", t.execute([program, *words, "help"]).out, re.M))


def rows_of(name):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), encoding="utf-8") as file:
        return [line.split() for line in file if not line.startswith("#")]


def check_options(checks, verbs):
    """What virsh's options do skep's do, but for those that were thought of: skep's help says the same of them. (That skep
    has the options at all is checked in skep.py.)"""
    listed = {(row[0], option) for row in rows_of("skep-options-refused.txt") if row for option in row[1:]}
    helped, known = set(), set()
    for verb in sorted(verbs):
        for option, text in re.findall(r"^    \[?(--[\w-]+)\]? +(.*)$", t.execute([SKEP, "help", verb]).out, re.M):
            if re.search(r"refuse[ds]?\b(?! when)|virtual machine|virsh's sake|without effect", text):
                helped.add((verb, option))
    for verb in {verb for verb, _ in listed}:
        known |= {(verb, option) for option in re.findall(r"--[\w-]+", t.execute(["virsh", "help", verb]).out)}
    checks.equal("options that do nothing", sorted(helped), sorted(listed))
    checks.equal("all of them are virsh's", sorted(listed - known), [])


# Neither lists nor asks: it acts, prints a document (XML, a plan), or is the shell's own.
WITHOUT_JSON = """\
start create shutdown reboot destroy suspend resume reset undefine autostart managedsave-remove send-process-signal new
define edit setmem setmaxmem setvcpus setvcpu domif-setlink domrename set-lifecycle-action set-user-password
attach-device detach-device update-device detach-device-alias attach-disk detach-disk attach-interface detach-interface
domfsfreeze domfsthaw domfstrim domjobabort console lxc-enter-namespace nodesuspend allocpages
dumpxml domain-plan capabilities domcapabilities sysinfo iface-dumpxml nodedev-dumpxml
connect cd pwd echo quit exit help
"""


def check_json_verbs(checks, verbs):
    without = {verb for verb in verbs if "--json" not in t.execute([SKEP, "help", verb]).out}
    checks.equal("verbs without --json", sorted(without), sorted(WITHOUT_JSON.split()))


# Keys are libvirt's own names there; values of these are lists of CPUs or nodes, or what a user wrote.
LIBVIRT_KEYS = {"domstats", "guestinfo", "domiftune", "blkdeviotune"}
WORD_KEYS = {"affinity", "map", "numa_nodeset", "wanted", "effective", "security_doi", "name", "title", "hostname", "vcpus", "online",
             "offlinable"}


def json_faults(verb, value, key="", depth=0):
    """What skep(1) says of JSON and @value breaks."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if depth == 0 and verb == "domstats":
                pass                    # names of domains
            elif verb not in LIBVIRT_KEYS and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                yield f"key {name}"
            yield from json_faults(verb, inner, name, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from json_faults(verb, inner, key, depth + 1)
    elif isinstance(value, str) and verb not in LIBVIRT_KEYS and key not in WORD_KEYS and re.fullmatch(r"-?\d+(\.\d+)?|yes|no|true", value):
        yield f"{key} is the string {value}"


def check_json_shapes(checks, pair):
    asked = set()
    for line in [*SAME.splitlines(), "list --all", "dominfo one", "dominfo off", "domstate one", "domid off", "domcontrol one",
                 "dommemstat one", "domblkstat one vda", "domifstat one skv0", "cpu-stats one", "memtune one", "schedinfo one",
                 "limits one", "nodeinfo", "nodememstats", "nodecpustats", "nodecpumap", "freecell --all", "freepages --all",
                 "version --daemon", "domblkerror one", "domtime one", "event --list", "guestvcpus one", "domain-check one"]:
        words = pair.words(line)
        if "--json" not in t.execute([SKEP, "help", words[0]]).out or "--tree" in words or "--print-xml" in words:
            continue
        done = pair.skep(*words, "--json")
        if done.status != 0:
            continue
        asked.add(words[0])
        try:
            faults = list(json_faults(words[0], json.loads(done.out)))
        except ValueError as error:
            faults = [str(error), done.out]
        checks.equal(f"{line} --json: as skep(1) says", faults, [])
    checks.that("most verbs were asked", len(asked) > 40, sorted(asked))


def check_verbs(checks):
    """Every verb of virsh, but for those that were thought of."""
    left_out = {word for row in rows_of("skep-verbs-left-out.txt") for word in row}
    check_options(checks, verbs_of(SKEP))
    check_json_verbs(checks, verbs_of(SKEP))
    checks.equal("verbs that virsh has and skep has not", sorted(verbs_of("virsh") - verbs_of(SKEP)), sorted(left_out))


class Pair:
    def __init__(self, daemon, directory):
        self.daemon = daemon
        self.socket = os.path.join(daemon.directory, "skep-sock")
        self.names = {"image": os.path.join(directory, "image"), "file": os.path.join(directory, "device.xml"),
                      "brief": os.path.join(directory, "brief.xml"), "late": os.path.join(directory, "late.xml")}

    def words(self, line):
        return [word.format(**self.names) for word in line.split()]

    def skep(self, *words, **options):
        return t.execute([SKEP, "--socket", self.socket, *words], env=dict(os.environ, NO_COLOR="1"), **options)

    def virsh(self, *words):
        return self.daemon.virsh(*words)

    def popen(self, *words):
        """Not buffered: select() sees all that is there to read."""
        return t.Program([SKEP, "--socket", self.socket, *words], stdout=subprocess.PIPE, bufsize=0,
                         env=dict(os.environ, NO_COLOR="1"), preexec_fn=t.die_with_parent)


def normal(text):
    """Without widths of columns, and without figures that differ from one moment to the next."""
    text = re.sub(r"(cpu\.\S*|\.time|balloon\.\S*|memory\.\S*|\.bytes|\.pkts|\.reqs|bytes|rss|wait|delay)=\d+", r"\1=N", text)
    text = re.sub(r"(pages_\w+|full_scans|Time:|CPU time:|CPU:) +[\d.:s -]+$", r"\1 N", text, flags=re.M)
    lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
    return [re.sub(r"^-+$", "-", line) for line in lines if line]


def check_same(checks, pair):
    for line in SAME.splitlines():
        found = []

        def alike():        # something may have changed between the two
            found[:] = [(done.status, normal(done.out)) for done in (pair.skep(*pair.words(line)), pair.virsh(*pair.words(line)))]
            return found[0] == found[1]
        checks.that(f"{line}: as virsh prints it", t.wait_until(alike, 10, 0.5), "\n    ".join(map(repr, found)))


def check_json(checks, pair):
    for line, kind, key in (("domstats", dict, "one"), ("domblklist one", list, "target"), ("domiflist one", list, "mac"),
                            ("domifaddr one --source agent", list, "address"), ("domfsinfo one", list, "mountpoint"),
                            ("guestinfo one", dict, "hostname"), ("vcpuinfo one", list, "cpu_time"), ("vcpupin one", list, "affinity"),
                            ("vcpucount one", dict, "maximum_live"), ("emulatorpin one", dict, "affinity"),
                            ("numatune one", dict, "numa_mode"), ("blkiotune one", dict, "weight"),
                            ("domiftune one skv0", dict, "inbound.average"), ("domblkinfo one vda", dict, "capacity"),
                            ("domjobinfo one", dict, "type"), ("iface-list", list, None), ("node-memory-tune", dict, None),
                            ("net-list", list, None), ("nodedev-list", list, None), ("domhostname one", dict, "hostname"),
                            ("domcontrol one", dict, "since_ms"), ("nodedev-info computer", dict, "parent"),
                            ("dominfo one", dict, "messages"), ("event --list", list, None)):
        done = pair.skep(*line.split(), "--json")
        try:
            found = json.loads(done.out)
        except ValueError:
            found = None
        first = found[0] if isinstance(found, list) and found else found
        checks.that(f"{line} --json", isinstance(found, kind) and (key is None or key in first), done)


def check_changes(checks, pair):
    for line, question, pattern in CHANGES:
        done = pair.skep(*pair.words(line))
        checks.equal(f"{line}: works", (done.status, done.err), (0, ""))
        shown = pair.virsh(*pair.words(question)).out
        checks.that(f"{line}: done", re.search(pattern.replace("{image}", pair.names["image"]), shown, re.M | re.S), shown)
    for line, text in REFUSED:
        done = pair.skep(*line.split())
        checks.that(f"{line}: refused", done.status == 1 and text in done.err, done)


def check_storage(checks, pair, root):
    """Disks stay, which is said and no failure, as in virsh."""
    path = pair.names["late"] + ".disk"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml("stays", root, devices=f"<disk type='file'><source file='{pair.names['image']}'/><target dev='vda'/></disk>"))
    done = []
    for program in (pair.skep, pair.virsh):
        pair.virsh("define", path)
        done.append(program("undefine", "stays", "--remove-all-storage"))
    checks.equal("undefine --remove-all-storage", [(one.status, one.err.strip()) for one in done],
                 [(0, f"error: Storage volume 'vda'({pair.names['image']}) is not managed by libvirt. Remove it manually.")] * 2)
    checks.that("the disk stays", os.path.exists(pair.names["image"]))


def check_limits(checks, pair):
    rows = {row["name"]: row for row in json.loads(pair.skep("limits", "one", "--json").out)}
    memory = rows.get("memory.limit", {})
    checks.that("limits: memory is wanted and there", memory.get("wanted") and memory.get("wanted") == memory.get("effective")
                and memory["differs"] is False, rows)
    checks.matches("limits as a table", r"(?m)^ Name +Wanted +Effective", pair.skep("limits", "one").out)
    stopped = {row["name"]: row for row in json.loads(pair.skep("limits", "off", "--json").out)}
    checks.that("limits of one that does not run", stopped and all(row["effective"] is None for row in stopped.values()), stopped)


def check_events(checks, pair):
    """Both watch while things happen; both say the same."""
    watchers = []
    for program in ([SKEP, "--socket", pair.socket], ["virsh", "-c", pair.daemon.uri]):
        watchers.append(t.Terminal([*program, "event", "--all", "--loop"], env={"NO_COLOR": "1"}))

    heard = [False, False]

    def all_heard():    # they register for one kind after the other, and this is the last of those below
        pair.skep("desc", "one", "words", "--live")
        for number, watcher in enumerate(watchers):
            heard[number] = heard[number] or watcher.expect("metadata-change", 1)
        return all(heard)
    checks.that("both listen", t.wait_until(all_heard, PATIENCE, 0), [watcher.seen for watcher in watchers])
    pair.skep("setmem", "one", "60000")
    pair.skep("schedinfo", "one", "cpu_shares=300", "--live")
    pair.skep("desc", "one", "words", "--config")
    pair.skep("metadata", "one", "http://x", "--key", "k", "--set", "<a/>", "--config")
    pair.skep("attach-interface", "one", "bridge", "skvbr", "--target", "skv7", "--mac", "52:54:00:11:22:77", "--live")
    pair.skep("detach-interface", "one", "bridge", "--mac", "52:54:00:11:22:77", "--live")
    said = []
    for watcher in watchers:
        found = watcher.expect(r"(?s)(.*event 'device-removed' for domain 'one': net\d+\r\n)", PATIENCE)
        checks.that("the last event is told", found, watcher.seen)
        lines = [line for line in (found[1] if found else "").splitlines() if line.startswith(("event '", "\t"))]
        first = next((i for i, line in enumerate(lines) if "balloon-change" in line), 0)    # after those that told who listens
        said.append(lines[first:])
        watcher.send("\x03")
        checks.equal("Ctrl-C ends the watching", watcher.wait(PATIENCE), 0)
    checks.equal("events in virsh's words", said[0], said[1])
    checks.that("of every kind", len(said[0]) > 6, said[0])


def json_lines(program, enough):
    """Objects of a stream until one is enough; what came by then, when none does in time; a word when the stream ends."""
    seen, end = [], t.time.monotonic() + PATIENCE
    while not (seen and enough(seen[-1])) and select.select([program.stdout], [], [], max(end - t.time.monotonic(), 0))[0]:
        line = program.stdout.readline()
        if not line:
            return seen + [f"the end, status {program.wait(PATIENCE)}"]
        seen.append(json.loads(line))
    return seen


def check_object_events(checks, pair):
    """A link comes and goes in the test's own network namespace."""
    def words(line):
        return ["ip", "link", *line.split()]
    with pair.popen("nodedev-event", "--event", "lifecycle", "--loop", "--json") as every, \
            pair.popen("nodedev-event", "--event", "lifecycle", "--timeout", "300", "--device", "net_lo_00_00_00_00_00_00") as other:
        for attempt in range(40):       # until it listens
            subprocess.run(words(f"add skvev{attempt} type veth"), check=True)
            if select.select([every.stdout], [], [], 3)[0]:
                break
            subprocess.run(words(f"del skvev{attempt}"), check=True)
        created = json_lines(every, lambda row: row["lifecycle"] == "Created" and f"skvev{attempt}_" in row["device"])
        checks.that("a device that comes", created and created[-1]["lifecycle"] == "Created", created)
        subprocess.run(words(f"del skvev{attempt}"), check=True)
        gone = json_lines(every, lambda row: row["lifecycle"] == "Deleted" and f"skvev{attempt}_" in row["device"])
        checks.that("a device that goes", gone and gone[-1]["lifecycle"] == "Deleted", gone)
        checks.that("both wait", waits(other) and waits(every))
        checks.that("nothing of another device", other.poll() is None)
        for program in (other, every):
            program.send_signal(signal.SIGINT)
        checks.equal("Ctrl-C without an event", (other.wait(PATIENCE), other.stdout.read()),
                     (1, b"event loop interrupted\nevents received: 0\n"))
        checks.equal("Ctrl-C after events", every.wait(PATIENCE), 0)


def check_wait(checks, pair):
    checks.equal("wait for what is", pair.skep("wait", "off", "--state", "shutoff").status, 0)
    late = pair.skep("wait", "off", "--state", "running,paused", "--timeout", "1")
    checks.that("wait gives up", late.status == 1 and "still shut off" in late.err, late)
    checks.equal("wait for nobody", pair.skep("wait", "nosuch", "--state", "undefined").status, 0)
    for action, state in (("start", "running"), ("suspend", "paused"), ("resume", "running"), ("destroy", "STOPPED")):
        with pair.popen("wait", "off", "--state", state, "--timeout", "600") as waiter:
            t.time.sleep(0.2)
            checks.that(f"wait --state {state} waits", waiter.poll() is None)
            pair.virsh(action, "off")
            checks.equal(f"wait --state {state} ends after {action}", waiter.wait(PATIENCE), 0)


def check_monitor(checks, pair):
    with pair.popen("monitor", "--json") as monitor, pair.popen("monitor", "of+") as picky:
        def heard():        # until both listen
            pair.virsh("start", "off")
            pair.virsh("destroy", "off")
            return all(select.select([program.stdout], [], [], 1)[0] for program in (monitor, picky))
        checks.that("monitors print", t.wait_until(heard, PATIENCE, 0))
        for verb in ("start", "suspend", "resume", "destroy"):
            pair.virsh(verb, "off")
        pair.virsh("suspend", "one")
        pair.virsh("resume", "one")
        seen = json_lines(monitor, lambda row: (row["domain"], row["state"]) == ("one", "running"))
        checks.equal("monitor tells every change", [(row["domain"], row["state"]) for row in seen][-6:],
                     [("off", "running"), ("off", "paused"), ("off", "running"), ("off", "shut off"), ("one", "paused"),
                      ("one", "running")])
        expected = ["off: running (booted)", "off: paused (paused)", "off: running (unpaused)", "off: shut off (destroyed)"]
        lines = []      # the other one has printed them, not yet this one
        while lines[-4:] != expected and select.select([picky.stdout], [], [], PATIENCE)[0]:
            lines.append(picky.stdout.readline().decode().rstrip("\n"))
            if not lines[-1]:
                break
        checks.equal("monitor PATTERN", lines[-4:], expected)
        for program in (monitor, picky):
            program.send_signal(signal.SIGINT)
            checks.equal("Ctrl-C ends monitor", program.wait(PATIENCE), 0)


def check_wait_more(checks, pair):
    """Several domains, one of several, ids, and a transient domain, which is gone when it is off."""
    one = pair.skep("domid", "one").out.strip()
    done = pair.skep("wait", "one", "off", "--state", "running", "--any", "--timeout", "60")
    checks.equal("wait --any says which", (done.status, done.out), (0, "one\n"))
    done = pair.skep("wait", one, "off", "--state", "running,off", "--timeout", "60", "--json")
    checks.equal("wait for several", [(row["domain"], row["state"], row["reached"]) for row in json.loads(done.out)],
                 [("one", "running", True), ("off", "shut off", True)])
    late = pair.skep("wait", "one", "off", "--state", "running", "--timeout", "0")
    checks.equal("wait says who is late", (late.status, late.err), (1, "error: domain 'off' is still shut off\n"))
    checks.equal("LXC's words", pair.skep("wait", "one", "--state", "THAWED|STOPPED").status, 0)
    checks.that("wait needs a state", "needs --state" in pair.skep("wait", "one").err)
    for how in ("name", "id"):
        def gone():     # again if the domain went before it was seen
            pair.virsh("create", pair.names["brief"])
            with pair.popen("wait", "brief" if how == "name" else pair.skep("domid", "brief").out.strip(), "--state", "shutoff",
                            "--timeout", "300") as waiter:
                waits(waiter)
                t.time.sleep(0.2)
                pair.virsh("destroy", "brief")
                ended = t.wait_until(lambda: waiter.poll() is not None, 5)
                waiter.kill()
                return ended and waiter.returncode == 0
        checks.that(f"a transient domain, by its {how}, is off when it is gone", t.wait_until(gone, 120, 0))


def waits(program):
    """Whether @program is connected, and catches Ctrl-C: that is what these verbs do before they wait."""
    def catches():
        with open(f"/proc/{program.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"^SigCgt:\s*(\w+)", file.read(), re.M)[1], 16) & 1 << signal.SIGINT - 1
    return t.wait_until(catches, PATIENCE)


def check_restarts(checks, pair):
    """The daemon is started again under each of them, and what changed meanwhile is seen."""
    waiter = pair.popen("wait", "late", "one", "--state", "paused", "--timeout", "300")
    monitor = pair.popen("monitor", "--json")
    top = pair.popen("top", "--json", "--delay", "1")
    try:
        checks.that("top shows", json_lines(top, lambda row: row["domains"]))
        for program in (waiter, monitor):
            checks.that("it waits", waits(program))
        pair.daemon.stop()
        pair.daemon.start()
        pair.virsh("define", pair.names["late"])
        pair.virsh("start", "late")
        seen = json_lines(monitor, lambda row: (row["domain"], row["state"]) == ("late", "running"))
        checks.that("monitor goes on", seen and seen[-1]["domain"] == "late", seen)
        checks.that("top goes on", json_lines(top, lambda look: "late" in [row["name"] for row in look["domains"]]))
        pair.virsh("suspend", "one")
        pair.virsh("suspend", "late")
        checks.equal("wait goes on", waiter.wait(PATIENCE), 0)
    finally:
        for program in (waiter, monitor, top):
            program.kill()
            program.wait()
            program.stdout.close()
    for action in ("resume one", "destroy late", "undefine late"):
        pair.virsh(*action.split())


def check_top(checks, pair):
    done = pair.skep("top", "--json", "--delay", "1", "--iterations", "2")
    looks = [json.loads(line) for line in done.out.splitlines()]
    checks.equal("top --json: a line each", [len(look["domains"]) for look in looks], [1, 1])
    row = looks[-1]["domains"][0]
    checks.that("top --json: figures", row["name"] == "one" and row["state"] == "running" and row["memory"] > 0 and
                row["cpu_time"] > 0, row)
    checks.that("top --json: a limit", row["memory_limit"] > 0, row)

    def busy():     # where others leave it some of the processor
        done = pair.skep("top", "--json", "--delay", "1", "--iterations", "2")
        return [look for look in done.out.splitlines() if json.loads(look)["domains"][0]["cpu_percent"]]
    checks.that("top sees who works", row["cpu_percent"] > 0 or t.wait_until(busy), row)
    table = pair.skep("top", "--batch", "--iterations", "1", "--sort", "memory").out
    checks.matches("top --batch", r"Id +Name +State +%CPU.*\n-+\n +\d+ +one +running +\d+\.\d ", table)
    check_top_terminal(checks, pair)


def writes_in_vain(live):
    """Sends keys and reads nothing. A program that sleeps although there are more keys than it has room for writes."""
    os.set_blocking(live.fd, False)
    for _ in range(5):
        with contextlib.suppress(BlockingIOError):
            while os.write(live.fd, b"m" * 1024):
                pass
        with open(f"/proc/{live.pid}/stat", encoding="utf-8") as stat:
            if stat.read().rsplit(")", 1)[1].split()[0] != "S":
                return False
        t.time.sleep(0.02)
    return True


def check_top_terminal(checks, pair):
    """With so long a delay the second look never comes: keys and sizes draw the first one anew."""
    command = [SKEP, "--socket", pair.socket, "top", "--delay", "3600"]
    leave, plain = r"\x1b\[\?25h\x1b\[\?1049l", {"NO_COLOR": "1", "TERM": "xterm"}
    with t.Terminal(command, env=plain) as live:
        checks.that("top on a terminal", live.expect(r"\x1b\[\?1049h", PATIENCE) and
                    live.expect(r"(?s)skep top: 1 running.*by cpu.*one +running", PATIENCE), live.seen)
        fcntl.ioctl(live.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 50, 0, 0))
        keys = "c cpu  m memory  n net  b block  t time  i id  N name  q quit"[:50]
        narrow = live.expect(r"(?s)\x1b\[H\x1b\[K(skep top: (?:(?!\x1b\[H).)*?)\x1b\[12;1H\x1b\[K" + keys, PATIENCE)
        checks.that("... lines end at its new edge", narrow and max(
            len(re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", line)) for line in narrow[1].splitlines()) <= 50, live.seen[:400])
        live.send("\x1b[6~\x1bOBm")
        checks.that("... a key changes the order", live.expect("by memory", PATIENCE), live.seen)
        live.send("q")
        checks.equal("... q leaves", live.wait(PATIENCE), 0)
        checks.that("... and gives the screen back", live.expect(leave, PATIENCE), live.seen)
    for number in (signal.SIGTERM, signal.SIGINT):
        with t.Terminal(command, env=plain) as live:
            checks.that("top draws", live.expect("q quit", PATIENCE), live.seen)
            os.kill(live.pid, number)
            status = live.wait(PATIENCE)
            checks.equal(f"{number.name} ends it", status, -number if number == signal.SIGTERM else 0)
            checks.that("... and the screen is as before", live.expect(leave, PATIENCE), live.seen)
    with t.Terminal(command, env=plain) as live:
        checks.that("top draws again", live.expect("q quit", PATIENCE), live.seen)
        checks.that("it writes and nobody reads", t.wait_until(lambda: writes_in_vain(live)))
        os.kill(live.pid, signal.SIGTERM)
        checks.that("SIGTERM ends it on a terminal that takes nothing", t.wait_until(lambda: not t.is_alive(live.pid)))
    with t.Terminal(command, env={"TERM": "dumb"}) as live:
        table = live.expect(r"(?s)^(.*?)Id +Name.*one +running", PATIENCE)
        checks.equal("top prints a table on a terminal that can do nothing else", table and table[1].strip(), "")


def main():
    t.need_program("virsh")
    t.enter_namespaces()
    checks = t.Checks("skep's verbs")
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        pair = Pair(daemon, directory)
        root = t.busybox_root(os.path.join(directory, "root"))
        for command in ("ip link add skvbr type bridge", "ip link set skvbr up", f"truncate -s 4M {pair.names['image']}"):
            subprocess.run(command.split(), check=True)
        with open(pair.names["file"], "w", encoding="utf-8") as handle:
            handle.write(f"<filesystem type='mount'><source dir='{root}'/><target dir='/mnt'/><alias name='ua-mnt'/></filesystem>")
        os.makedirs(os.path.join(root, "mnt"))
        devices = (f"<disk type='file'><source file='{pair.names['image']}'/><target dev='vda'/></disk>"
                   "<interface type='bridge'><mac address='52:54:00:aa:bb:cc'/><source bridge='skvbr'/><target dev='skv0'/></interface>")
        busy = ["-c", "while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.02; done".replace("<", "&lt;")]
        for name in ("brief", "late"):
            with open(pair.names[name], "w", encoding="utf-8") as handle:
                handle.write(t.domain_xml(name, root, init="/bin/sleep", args=["1000"]))
        for name, init, args, more in (("one", "/bin/sh", busy, devices), ("off", "/bin/sleep", ["1000"], "")):
            path = os.path.join(directory, name + ".xml")
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(t.domain_xml(name, root, init=init, args=args, devices=more, more="<vcpu>2</vcpu>"))
            defined = daemon.virsh("define", path)
            checks.that(f"define {name}", defined.status == 0, defined)
        started = daemon.virsh("start", "one")
        checks.that("the container starts", started.status == 0, started)
        check_same(checks, pair)
        check_words(checks, pair)
        check_verbs(checks)
        check_json(checks, pair)
        check_json_shapes(checks, pair)
        check_changes(checks, pair)
        check_storage(checks, pair, root)
        check_limits(checks, pair)
        check_wait(checks, pair)
        check_wait_more(checks, pair)
        check_events(checks, pair)
        check_object_events(checks, pair)
        check_monitor(checks, pair)
        check_top(checks, pair)
        check_restarts(checks, pair)
    sys.exit(checks.done())


if __name__ == "__main__":
    main()
