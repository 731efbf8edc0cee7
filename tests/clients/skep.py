#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our own shell, one command at a time, against a private skepd: every verb does what it says, prints what
scripts read, and fails with a sentence and a status. Where stock virsh is there, both must print the same."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

SKEP = os.path.join(t.BUILD, "tools/skep/skep")


class Shell:
    def __init__(self, daemon):
        self.daemon = daemon
        self.socket = os.path.join(daemon.directory, "skep-sock")

    def __call__(self, *words, **options):
        env = dict(os.environ, NO_COLOR="1")
        for name in ("SKEP_URI", "SKEP_SOCKET"):
            env.pop(name, None)
        return t.execute([SKEP, "--socket", self.socket, *words], env=env, **options)

    def json(self, *words):
        result = self(*words, "--json")
        try:
            return json.loads(result.out)
        except ValueError:
            return {"not json": repr(result)}


def check_connecting(checks, daemon, skep):
    env = dict(os.environ)
    for name in ("SKEP_URI", "SKEP_SOCKET"):
        env.pop(name, None)
    for words, more in (((f"--socket={skep.socket}", "hostname"), {}), (("-c", daemon.uri, "hostname"), {}),
                        (("hostname",), {"SKEP_URI": daemon.uri}), (("hostname",), {"SKEP_SOCKET": skep.socket}),
                        (("hostname",), {"SKEP_SOCKET": skep.socket, "SKEP_URI": "lxc:///nonsense"}),
                        (("-k", "5", "-K", "3", "-d", "0", "-l", "/dev/null", "hostname"), {"SKEP_SOCKET": skep.socket})):
        result = t.execute([SKEP, *words], env={**env, **more})
        checks.equal(f"connects by {words[0]} {more and list(more)[0]}", (result.out, result.status),
                     (socket.gethostname() + "\n", 0))
    checks.equal("uri has the socket", skep("uri").out, daemon.uri + "\n")
    result = t.execute([SKEP, "--socket", "/nonexistent/sock", "list"])
    checks.matches("no daemon: error and hint", r"^error: failed to connect to the hypervisor[^\n]*\nerror: .*/nonexistent/sock.*\nhint: ",
                   result.err)
    checks.equal("no daemon: status", result.status, 1)
    result = t.execute([SKEP, "-c", "qemu:///system", "list"])
    checks.matches("a foreign URI is refused", "no connection driver available for qemu:///system", result.err)


def check_host(checks, daemon, skep):
    for words in (("hostname",), ("nodeinfo",), ("nodecpumap",), ("nodecpumap", "--pretty"), ("capabilities",),
                  ("maxvcpus",), ("list", "--all"), ("list", "--name"), ("list", "--uuid")):
        ours, theirs = skep(*words), daemon.virsh(*words)
        checks.equal(f"{words[0]} prints what virsh prints", (ours.status, ours.out.strip()),
                     (theirs.status, theirs.out.strip()))
    checks.that("nodeinfo as JSON", skep.json("nodeinfo").get("cpus", 0) > 0)
    checks.that("nodememstats as JSON", skep.json("nodememstats").get("total", 0) > 0)
    checks.that("nodecpustats as JSON", skep.json("nodecpustats").get("idle", 0) > 0)
    checks.that("freecell --all as JSON", skep.json("freecell", "--all").get("total", 0) > 0)
    checks.matches("nodecpustats --percent", r"usage: +[\d.]+%\nuser: +[\d.]+%", skep("nodecpustats", "--percent").out)
    checks.matches("freepages", r"^Node 0:\n4KiB: \d+", skep("freepages", "--all").out)
    checks.matches("version --daemon", r"Using library: libskep .*\nUsing API: LXC\n.*\n.*daemon: \d", skep("version", "--daemon").out)


def check_new(checks, skep, directory):
    roots = os.path.join(directory, "roots")
    words = ("new", "one", "--busybox", "--data-dir", roots, "--memory", "64M", "--console", "2", "--privnet")
    printed = skep(*words, "--print")
    checks.matches("new --print prints XML", "<name>one</name>\n  <memory unit='KiB'>65536</memory>", printed.out)
    checks.that("new --print makes nothing", not os.path.exists(roots))
    checks.matches("new defines", "Domain 'one' defined", skep(*words).out)
    checks.that("new made a root", os.path.islink(os.path.join(roots, "one/bin/sh")))
    # A42: root inside is root on disk, and may make set-id programs
    checks.equal("where only root can go", stat.S_IMODE(os.stat(roots).st_mode), 0o700)
    again = skep(*words)
    checks.that("new never overwrites", again.status == 1 and "File exists" in again.err, again)
    checks.that("... and leaves the root alone", os.path.islink(os.path.join(roots, "one/bin/sh")))
    refused = skep("new", "two", "--busybox", "--data-dir", roots, "--bind", "/nope:/proc/../x:ro", "--init", "sh")
    checks.that("new refuses a relative init", refused.status == 1 and "absolute" in refused.err, refused)
    refused = skep("new", "bad\nname", "--busybox", "--data-dir", roots)
    checks.that("new refuses a bad name", refused.status == 1, refused)
    checks.equal("a refused new leaves no root", os.listdir(roots), ["one"])
    for words, part in ((("new", "x"), "--busybox and --rootfs"), (("new", "x", "--rootfs", "/nonexistent"), "no directory"),
                        (("new", "x", "--rootfs", "/", "--idmap", "0"), "--idmap"),
                        (("new", "x", "--rootfs", "/", "--console", "0"), "--console"),
                        (("new", "x", "--rootfs", "/", "--bind", "a:b"), "--bind"),
                        (("new", "x", "--rootfs", "/", "--net", "b", "--privnet"), "--privnet"),
                        (("new", "../x", "--busybox"), "cannot be the name")):
        result = skep(*words)
        checks.that(f"{' '.join(words)} is refused", result.status == 1 and part in result.err, result)


def check_life(checks, daemon, skep):
    started = skep("start", "one")
    checks.equal("start", (started.out, started.status), ("Domain 'one' started\n", 0))
    row = next((r for r in json.loads(skep("--json", "list").out) if r["name"] == "one"), {})
    checks.that("list as JSON", row.get("state") == "running" and row.get("reason") == "booted" and row["id"] > 1, row)
    checks.equal("domid is the controller", skep("domid", "one").out, f"{row.get('id')}\n")
    for words in (("domstate", "one"), ("domuuid", "one"), ("domname", str(row.get("id"))), ("list",), ("domstate", "--reason", "one"),
                  ("schedinfo", "one"), ("memtune", "one"), ("domcontrol", "one"), ("desc", "one"), ("domblkstat", "one")):
        pair = []

        def alike():        # figures move between the two
            pair[:] = [(done.status, done.out.strip()) for done in (skep(*words), daemon.virsh(*words))]
            return pair[0] == pair[1]
        checks.that(f"{' '.join(words[:1])} prints what virsh prints", t.wait_until(alike, 30, 0.5), pair)
    again = skep("start", "one")
    checks.that("a second start is refused", again.status == 1 and "already active" in again.err, again)
    checks.equal("suspend", skep("suspend", "one").out, "Domain 'one' suspended\n")
    checks.equal("state paused", skep.json("domstate", "one"), {"state": "paused", "reason": "user"})
    checks.equal("resume", skep("resume", "one").out, "Domain 'one' resumed\n")
    checks.equal("reboot", skep("reboot", "one").out, "Domain 'one' is being rebooted\n")
    checks.that("the reboot gives a new id", t.wait_until(lambda: skep("domid", "one").out.strip() not in ("-", str(row.get("id")))))
    checks.equal("shutdown", skep("shutdown", "one").out, "Domain 'one' is being shutdown\n")
    checks.that("the domain goes down", daemon.wait_state("one", "shut off"))
    checks.matches("domstate says why", r"^shut off \(shutdown\)\n", skep("domstate", "one", "--reason").out)
    checks.that("dominfo of a stopped domain", skep.json("dominfo", "one").get("id", 0) is None)


def check_limits(checks, daemon, skep):
    checks.equal("start again", skep("start", "one").status, 0)
    checks.equal("setmem", skep("setmem", "one", "48M").status, 0)
    checks.that("setmem counts", skep.json("dommemstat", "one").get("actual") == 49152, skep("dommemstat", "one"))
    checks.equal("memtune sets", skep("memtune", "one", "--hard-limit", "60M", "--live").status, 0)
    checks.equal("memtune shows", skep.json("memtune", "one").get("hard_limit"), 61440)
    result = skep("schedinfo", "one", "cpu_shares=512", "vcpu_quota=20000", "--live", "--config")
    checks.matches("schedinfo sets", r"cpu_shares +: 512\n(.*\n)?vcpu_quota +: 20000", result.out)
    checks.that("schedinfo as JSON", skep.json("schedinfo", "one").get("cpu_shares") == 512)
    for word, part in (("cpu_shares", "expecting name=value"), ("nonsense=1", "invalid scheduler option: nonsense"), ("cpu_shares=x", "no value")):
        bad = skep("schedinfo", "one", word)
        checks.that(f"schedinfo {word} is refused", bad.status == 1 and part in bad.err, bad)
    checks.that("cpu-stats", skep.json("cpu-stats", "one").get("total", {}).get("cpu_time", 0) > 0)
    checks.matches("cpu-stats in words", r"^CPU0:\n\tcpu_time +\d+\.\d{9} seconds\n", skep("cpu-stats", "one").out)
    bad = skep("setmem", "one", "1M", "--live", "--current")
    checks.that("--live and --current contradict", bad.status == 1 and "contradicts" in bad.err, bad)
    stat = skep("domifstat", "one", "nosuch0")
    checks.that("domifstat of no interface", stat.status == 1 and "nosuch0" in stat.err, stat)


def check_inside(checks, skep):
    ps = skep("lxc-enter-namespace", "one", "--noseclabel", "--", "/bin/sh", "-c", "echo $$ $(id -u) $container; hostname")
    checks.matches("a command inside", r"^\d{1,2} 0 lxc-libvirt\none\n$", ps.out)
    for words, code in ((("/bin/sh", "-c", "exit 42"), 42), (("/nosuch",), 127), (("/etc/passwd",), 126),
                        (("/bin/sh", "-c", "kill -9 $$"), 137)):
        checks.equal(f"exit code of {words}", skep("lxc-enter-namespace", "one", *words).status, code)
    piped = skep("lxc-enter-namespace", "one", "/bin/cat", text_in="through\n")
    checks.equal("standard input goes in", piped.out, "through\n")
    check_groups(checks, skep, "one")
    fds = skep("lxc-enter-namespace", "one", "/bin/ls", "/proc/self/fd").out.split()
    checks.that("no descriptor leaks in", len(fds) <= 4, fds)
    status = skep("lxc-enter-namespace", "one", "/bin/cat", "/proc/1/status", "/proc/self/status").out
    for field in ("CapBnd", "CapPrm", "CapEff"):
        found = set(re.findall(rf"^{field}:\t(\w+)$", status, re.M))
        checks.that(f"the command's {field} is what init may have", len(found) == 1, status)


def check_groups(checks, skep, name):
    """The command is in init's control groups, and sees them from within the container's cgroup namespace."""
    for what in ("cat /proc/{}/cgroup", "readlink /proc/{}/ns/cgroup"):
        init, own = (skep("lxc-enter-namespace", name, "/bin/sh", "-c", what.format(who)).out for who in ("1", "self"))
        checks.equal(f"{name}: {what} is init's", own, init)
    # A process of the host in one of its groups would be number 0 there.
    listed = skep("lxc-enter-namespace", name, "/bin/sh", "-c", "cat /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs 2>/dev/null").out
    checks.that(f"{name}: nobody from outside is in them", listed.split() and "0" not in listed.split(), listed)
    checks.that(f"{name}: and no group of the host shows", init and os.readlink("/proc/self/ns/cgroup") not in own
                and "/.." not in skep("lxc-enter-namespace", name, "/bin/cat", "/proc/self/cgroup").out, own)


def check_intrusion(checks, skep, directory):
    """What runs inside must not reach the program that went in (CVE-2019-5736)."""
    def sum_of_skep():
        return t.execute(["sha256sum", SKEP]).out
    before = sum_of_skep()
    evil = os.path.join(directory, "roots/one/bin/evil")
    with open(evil, "w", encoding="utf-8") as handle:
        handle.write("#!/proc/self/exe\n")
    os.chmod(evil, 0o755)
    result = skep("lxc-enter-namespace", "one", "/bin/evil")
    checks.that("a script for /proc/self/exe gets nowhere", result.status in (126, 127), result)
    overwrite = ("i=0; while [ $i -lt 60 ]; do i=$((i+1)); for p in /proc/[0-9]*/exe; do "
                 "echo bad >>$p; done; done 2>/dev/null")
    with t.subprocess.Popen([SKEP, "--socket", skep.socket, "lxc-enter-namespace", "one", "/bin/sh", "-c", overwrite],
                            stdout=t.subprocess.DEVNULL) as writer:
        while writer.poll() is None:
            skep("lxc-enter-namespace", "one", "/bin/true")
    checks.equal("skep itself was not overwritten", sum_of_skep(), before)
    sleeper = t.subprocess.Popen([SKEP, "--socket", skep.socket, "lxc-enter-namespace", "one", "/bin/sleep", "3000"])
    try:
        def copies():
            found = []
            for pid, words in t.commands():
                with contextlib.suppress(OSError):        # one of another test has gone meanwhile
                    if words and words[0] == "skep-enter":
                        found.append(os.readlink(f"/proc/{pid}/exe"))
            return found
        found = t.wait_until(copies)
        checks.that("what goes in is a copy in memory", found and all("memfd:skep" in f for f in found), found)
    finally:
        sleeper.terminate()
        sleeper.wait()
    checks.that("the command ends with skep", t.wait_until(lambda: "sleep 3000" not in skep(
        "lxc-enter-namespace", "one", "/bin/ps").out))


def check_early_end(checks, skep):
    """skep is killed while its command is on its way in, which must not stay there alone."""
    def child(pid):
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                return int((children.read().split() or [0])[0])
        except OSError:
            return 0

    def command(pid):
        """Empty of one that has ended, whether its parent has looked or not."""
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as line:
                return line.read()
        except OSError:
            return b""
    caught = 0
    for _ in range(30):
        with t.Program([SKEP, "--socket", skep.socket, "lxc-enter-namespace", "one", "/bin/sleep", "4000"]) as sleeper:
            outside = t.wait_until(lambda: child(sleeper.pid), step=0)
            inside = t.wait_until(lambda: child(outside), step=0)
            if not inside:
                raise RuntimeError("the command does not go in")
            os.kill(inside, signal.SIGSTOP)
            caught += command(inside).startswith(b"skep-enter")
            sleeper.kill()
        checks.that("its part outside ends", t.wait_until(lambda: not command(outside)))
        with contextlib.suppress(ProcessLookupError):
            os.kill(inside, signal.SIGCONT)
        if not checks.that("a command ends with skep on its way in, too", t.wait_until(lambda: not command(inside)), command(inside)):
            os.kill(inside, signal.SIGKILL)
        if caught == 5:
            break


def check_mapped(checks, skep, directory):
    made = skep("new", "mapped", "--busybox", "--data-dir", os.path.join(directory, "roots"), "--idmap", "100000", "--start")
    checks.equal("new --idmap --start", made.out, "Domain 'mapped' defined\nDomain 'mapped' started\n")
    inside = skep("lxc-enter-namespace", "mapped", "/bin/sh", "-c", "id -u; cat /proc/self/uid_map; stat -c %u /bin/busybox")
    check_groups(checks, skep, "mapped")
    checks.equal("inside it is root", inside.out.split(), ["0", "0", "100000", "65536", "0"])
    stock = t.execute(["virsh", "-q", "-c", f"lxc+unix:///system?socket={skep.socket}", "lxc-enter-namespace", "mapped",
                       "--noseclabel", "/bin/cat", "/proc/self/uid_map"])
    checks.equal("stock virsh enters, too", stock.out.split(), ["0", "100000", "65536"])
    checks.equal("on disk nothing changed", os.stat(os.path.join(directory, "roots/mapped/bin/busybox")).st_uid, 0)
    skep("destroy", "mapped")
    skep("undefine", "mapped")


def check_like_virsh(checks, skep):
    """Names of options: fingers and scripts carry over."""
    def options(text):
        return set(re.findall(r"^ +\[?(--[\w-]+)", text.partition("OPTIONS")[2], re.M))
    for verb in re.findall(r"^    (\S+) ", skep("help").out, re.M):
        theirs = t.execute(["virsh", "help", verb])
        if theirs.status == 0:
            missing = options(theirs.out) - options(skep("help", verb).out)
            checks.that(f"{verb} has virsh's options", not missing, missing)


def check_metadata(checks, skep):
    skep("desc", "one", "--title", "--live", "--config", "A title")
    checks.matches("list --title", r"one +\w+ +A title", skep("list", "--title").out)
    skep("desc", "one", "two", "words", "--config")
    checks.equal("desc --config", skep("desc", "one", "--config").out, "two words\n")
    checks.equal("metadata sets", skep("metadata", "one", "http://x/y", "--key", "k", "--set", "<a>1</a>").status, 0)
    checks.matches("metadata shows", "<a.*>1</a>", skep("metadata", "one", "http://x/y").out)
    checks.equal("metadata removes", skep("metadata", "one", "http://x/y", "--remove").status, 0)
    gone = skep("metadata", "one", "http://x/y")
    checks.that("removed metadata is gone", gone.status == 1 and "metadata not found" in gone.err, gone)
    bad = skep("metadata", "one", "http://x/y", "--set", "<a/>")
    checks.that("metadata --set wants --key", bad.status == 1 and "--key" in bad.err, bad)


def check_xml(checks, daemon, skep, directory):
    for words in ((), ("--inactive",), ("--security-info",), ("--migratable",)):
        checks.equal(f"dumpxml {words}", skep("dumpxml", "one", *words).out.strip(), daemon.virsh("dumpxml", "one", *words).out.strip())
    checks.equal("dumpxml --xpath", skep("dumpxml", "one", "--xpath", "//name").out, "<name>one</name>\n")
    checks.equal("dumpxml --xpath --wrap", skep("dumpxml", "one", "--xpath", "//name", "--wrap").out,
                 "<nodes>\n  <name>one</name>\n</nodes>\n")
    checks.equal("dumpxml --xpath count()", skep("dumpxml", "one", "--xpath", "count(//console)").out, "2\n")
    bad = skep("dumpxml", "one", "--xpath", "//[")
    checks.that("a bad XPath", bad.status == 1 and "no XPath" in bad.err, bad)
    checks.equal("an XPath that finds nothing", skep("dumpxml", "one", "--xpath", "//nosuch").status, 1)
    path = os.path.join(directory, "two.xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml("two", os.path.join(directory, "roots/one"), init="/bin/sh",
                                  uuid="6a8c1d0e-3c51-4c3a-8a6e-0f1f8a1d2b3c"))
    checks.equal("define --validate", skep("define", path, "--validate").out, f"Domain 'two' defined from {path}\n")
    with open(path, encoding="utf-8") as handle:
        checks.equal("define -", skep("define", "-", text_in=handle.read()).status, 0)
    bad = skep("define", "-", text_in="<domain type='lxc'><nonsense/></domain>")
    checks.that("bad XML", bad.status == 1 and bad.err.startswith("error: Failed to define domain from "), bad)
    checks.equal("autostart", skep("autostart", "two").out, "Domain 'two' marked as autostarted\n")
    checks.equal("list --autostart", skep("list", "--all", "--autostart", "--name").out, "two\n")
    checks.equal("autostart --disable", skep("autostart", "two", "--disable").out, "Domain 'two' unmarked as autostarted\n")
    checks.equal("undefine", skep("undefine", "two").out, "Domain 'two' has been undefined\n")
    made = skep("create", path)
    checks.equal("create", made.out, f"Domain 'two' created from {path}\n")
    checks.equal("list --transient", skep("list", "--transient", "--name").out, "two\n")
    checks.equal("destroy", skep("destroy", "two").out, "Domain 'two' destroyed\n")
    checks.equal("list --transient again", skep("list", "--all", "--transient", "--name").out, "")
    plan = skep("domain-plan", "one")
    checks.that("domain-plan", plan.status == 0 and "exec /sbin/init" in plan.out, plan)
    readonly = skep("-r", "destroy", "one")
    checks.that("-r cannot destroy", readonly.status == 1 and "read only access prevents" in readonly.err, readonly)


def check_fds(checks, skep, directory):
    root = os.path.join(directory, "roots/one")
    path = os.path.join(directory, "fds.xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml("fds", root, init="/bin/sh",
                                  args=["-c", "exec &gt;/tmp/passed; cat &lt;&amp;3; echo $LISTEN_FDS;"
                                        " busybox tr '\\0' '\\n' &lt;/proc/1/environ | grep -c LISTEN_; sleep 100"]))
    read_end, write_end = os.pipe()
    os.write(write_end, b"hello\n")
    os.close(write_end)
    made = skep("create", path, "--pass-fds", str(read_end), pass_fds=(read_end,))
    checks.equal("create --pass-fds", made.status, 0)
    found = os.path.join(root, "tmp/passed")

    def text():
        if not os.path.exists(found):
            return ""
        with open(found, encoding="utf-8") as handle:
            return handle.read()
    checks.that("the descriptor arrives", t.wait_until(lambda: text() == "hello\n1\n2\n"), text())
    bad = skep("create", path, "--pass-fds", "977")
    checks.that("--pass-fds of a closed one", bad.status == 1 and "977" in bad.err, bad)
    skep("destroy", "fds")


def check_events(checks, skep):
    events = skep("event", "--list").out.split()
    checks.that("event --list", events[:2] == ["lifecycle", "reboot"] and len(events) == 27, events)
    with t.Terminal([SKEP, "--socket", skep.socket, *"event --domain one --event lifecycle --loop --json".split()]) as watch:
        def poked():            # until it listens
            skep("suspend", "one")
            skep("resume", "one")
            return watch.expect(r'"lifecycle": "Suspended", "detail": "Paused"', 1)
        checks.that("an event comes", t.wait_until(poked))
        skep("destroy", "one")
        found = watch.expect(r'(\{"event": "lifecycle"[^\n]*"Stopped"[^\n]*\})')
        checks.that("an event as one line of JSON", found and json.loads(found[1])["detail"] == "Destroyed", watch.seen)
        skep("start", "one")
        checks.that("the next one", watch.expect('"lifecycle": "Started", "detail": "Booted"'))
        watch.send("\x03")
        checks.equal("Ctrl-C ends it", watch.wait(), 0)
    late = skep("event", "--all", "--timeout", "1")
    checks.that("no event in time", late.status == 1 and late.out == "event loop timed out\nevents received: 0\n", late)
    for words in ((), ("--event", "nonsense"), ("--all", "--event", "reboot"), ("--all", "--timeout", "0")):
        checks.equal(f"event {' '.join(words)} is refused", skep("event", *words).status, 1)


def check_lines(checks, skep):
    line = skep("domid nosuch; echo 'a;b' ; domname one")
    checks.equal("a line of commands", (line.out, line.status), ("a;b\none\n", 0))
    checks.matches("its failure is said", "failed to get domain 'nosuch'", line.err)
    checks.equal("the last one counts", skep("uri; domid nosuch").status, 1)
    checks.equal("nothing runs of a wrong line", skep("echo a; list --bogus").out, "")
    for verb, key in (("uri", "uri"), ("hostname", "hostname"), ("domname one", "name"), ("domuuid one", "uuid"),
                      ("domid one", "id"), ("maxvcpus", "maxvcpus")):
        checks.equal(f"{verb} as JSON", list(skep.json(*verb.split())), [key])
    checks.equal("quit ends a line", skep("quit; echo a").out, "")
    checks.equal("a script", skep(text_in="echo a\n# no\n\necho b; echo c\nquit\necho d\n").out, "a\nb\nc\n")
    checks.equal("echo --shell", skep("echo", "--shell", "it's").out, "'it'\\''s'\n")
    checks.equal("echo --xml", skep("echo", "--xml", "<a>").out, "&lt;a&gt;\n")
    checks.equal("echo --split", skep("echo", "--split", "a,b,,c").out, "a\nb,c\n")
    checks.equal("-q leaves notes out", skep("-q", "suspend", "one").out, "")
    checks.equal("-q leaves headers out", skep("-q", "list").out.count("\n"), 1)
    skep("resume", "one")
    checks.equal("no colours in a pipe", skep("list").out.count("\033"), 0)
    for words, part in ((("nonsense",), "unknown verb"), (("lis",), "did you mean 'list'"), (("strat",), "did you mean 'start'"),
                        (("domiinfo",), "did you mean 'dominfo'"), (("xyzzy",), "'help' lists all"), (("domid",), "needs <domain>"),
                        (("--nonsense",), "skep --help"), (("-e", "xyz", "uri"), "escape"), (("cd", "/"), "prompt")):
        result = skep(*words)
        checks.that(f"{' '.join(words)} is explained", result.status == 1 and part in result.err, result)
    checks.matches("-t", r"\(Time: [\d.]+ ms\)", skep("-t", "uri").out)
    checks.equal("a closed pipe is no crash", t.execute(["sh", "-c", f"{SKEP} help | head -1 >/dev/null; exit 0"]).status, 0)


def main():
    t.enter_namespaces()
    t.need_program("busybox")
    t.need_program("virsh")
    checks = t.Checks("skep")
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        skep = Shell(daemon)
        check_connecting(checks, daemon, skep)
        check_host(checks, daemon, skep)
        check_new(checks, skep, directory)
        check_life(checks, daemon, skep)
        check_limits(checks, daemon, skep)
        check_inside(checks, skep)
        check_intrusion(checks, skep, directory)
        check_early_end(checks, skep)
        check_mapped(checks, skep, directory)
        check_like_virsh(checks, skep)
        check_metadata(checks, skep)
        check_xml(checks, daemon, skep, directory)
        check_fds(checks, skep, directory)
        check_events(checks, skep)
        check_lines(checks, skep)
    sys.exit(checks.done())


if __name__ == "__main__":
    main()
