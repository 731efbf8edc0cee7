#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""<skep:container>: each thing it says is seen from inside of a running container, privileged and with an
id map; hooks run in order and with their words; halt signals are what init gets; autostart keeps its order."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest  # noqa: E402

P = f"own{os.getpid()}"
PATIENCE = 60
MAP = ("<idmap><uid start='0' target='100000' count='65536'/>"
       "<gid start='0' target='100000' count='65536'/></idmap>")

LOOK = r"""
echo "hostname $(hostname)"
grep -E 'open files|core file|processes' /proc/self/limits
echo "empty [${EMPTY-unset}] two [$TWO]"
grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status
echo "oom $(cat /proc/self/oom_score_adj)"
echo "forward $(cat /proc/sys/net/ipv4/ip_forward) domain $(cat /proc/sys/kernel/domainname) msgmax $(cat /proc/sys/kernel/msgmax)"
cat /data/word
echo x 2>/dev/null >/data/file && echo data-writable || echo data-readonly
grep -E ' (/data|/tmp|/new/dir|/one) ' /proc/self/mountinfo | sed 's/^[0-9]* [0-9]* [0-9:]* //'
cat /one
umount -f /data 2>&1
swapon /one 2>&1
hostname other 2>&1
exec 3<>/dev/own-zero && echo zero-open || echo zero-refused
ls -d /missing 2>&1
echo end
"""

ELEMENT = """<skep:container xmlns:skep='urn:skep:domain:1'>
<skep:hostname>web.example.org</skep:hostname>
<skep:environment><skep:variable name='EMPTY' value=''/><skep:variable name='TWO' value='a b'/></skep:environment>
<skep:rlimits><skep:rlimit name='nofile' soft='77' hard='99'/><skep:rlimit name='core' soft='0' hard='0'/></skep:rlimits>
<skep:oom adjust='321'/>
<skep:sysctls><skep:sysctl name='net.ipv4.ip_forward' value='1'/><skep:sysctl name='kernel.domainname' value='inside'/>
<skep:sysctl name='kernel/msgmax' value='4321'/></skep:sysctls>
{seccomp}<skep:nonewprivs/>
<skep:devices><skep:allow type='c' major='1' minor='5' access='rwm'/></skep:devices>
<skep:mounts>
<skep:mount type='none' source='{work}/data' target='/data' options='bind,ro,nosuid,nodev,create=dir'/>
<skep:mount type='none' source='{work}/one' target='/one' options='bind,create=file'/>
<skep:mount type='none' source='{work}/missing' target='/missing' options='bind,optional,create=dir'/>
<skep:mount type='tmpfs' source='tmpfs' target='/tmp' options='size=1m,noexec,mode=1777'/>
<skep:mount type='tmpfs' source='x' target='/new/dir'/>
</skep:mounts>
{more}</skep:container>"""

POLICY = """2
denylist errno 13
reject_force_umount # comment
[all]
sethostname
swapon errno 38
setdomainname errno 1 [1,0x10,SCMP_CMP_MASKED_EQ,0xf0]
no_such_call_at_all errno 1
"""


class Own:
    def __init__(self, directory, daemon, checks):
        self.directory, self.daemon, self.checks = directory, daemon, checks
        os.chmod(directory, 0o755)
        os.makedirs(self.at("data"))
        for name, text in (("data/word", "from the host\n"), ("one", "one file\n"), ("policy", POLICY)):
            with open(self.at(name), "w", encoding="utf-8") as handle:
                handle.write(text)

    def at(self, name):
        return os.path.join(self.directory, name)

    def define(self, name, script, *, element="", more="", devices=""):
        """A container of an own root whose init is the shell with a script."""
        root = skeptest.busybox_root(self.at(name))
        with open(os.path.join(root, "script"), "w", encoding="utf-8") as handle:
            handle.write(script)
        with open(os.path.join(root, "out"), "w", encoding="utf-8"):
            pass
        xml = skeptest.domain_xml(P + name, root, args=("/script",), more=more, devices=devices)
        path = self.at(name + ".xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(xml.replace("</domain>", element + "</domain>"))
        done = self.daemon.virsh("define", path)
        self.checks.equal(f"{name}: defined", (done.status, done.err.strip()), (0, ""))

    def virsh(self, verb, name):
        done = self.daemon.virsh(verb, P + name)
        self.checks.equal(f"{name}: {verb}", (done.status, done.err.strip()), (0, ""))
        return done

    def out(self, name):
        with open(self.at(name + "/out"), encoding="utf-8", errors="replace") as handle:
            return handle.read()

    def look(self, name, seccomp, mapped):
        """Starts it and gives what it says of itself."""
        more = "<features><privnet/></features>" + (MAP if mapped else "")
        element = ELEMENT.format(work=self.directory, seccomp=seccomp, more="")
        script = f"exec >/out 2>&1\n{LOOK}\nsleep 300"
        self.define(name, script, element=element, more=more)
        done = self.daemon.virsh("start", P + name)
        if done.status and mapped and "id-map" in done.err:
            return None     # this file system has no idmapped mounts
        self.checks.equal(f"{name}: started", (done.status, done.err.strip()), (0, ""))
        ended = skeptest.wait_until(lambda: self.out(name).endswith("end\n"), PATIENCE)
        self.checks.that(f"{name}: comes to the end", ended, self.out(name))
        self.virsh("destroy", name)
        return self.out(name)

    def inside(self, mapped):
        name = "mapped" if mapped else "plain"
        text = self.look(name, "", mapped)
        if text is None:
            return
        for what, pattern in (
                ("host name", r"^hostname web\.example\.org$"),
                ("open files", r"^Max open files +77 +99 "),
                ("core", r"^Max core file size +0 +0 "),
                ("environment", r"^empty \[\] two \[a b\]$"),
                ("filter", r"^Seccomp:\s+2$"), ("no new privileges", r"^NoNewPrivs:\s+1$"),
                ("oom", r"^oom 321$"), ("sysctls", r"^forward 1 domain inside msgmax 4321$"),
                ("bind", r"^from the host$"), ("read-only", r"^data-readonly$"),
                ("flags of the bind", r" /data ro,nosuid,nodev,"), ("file", r"^one file$"),
                ("tmpfs", r" /tmp \S*noexec\S* .*size=1024k"), ("made target", r" /new/dir "),
                ("optional", r"^ls: /missing: No such file"),
                ("default filter: umount", r"umount: .*(Permission denied|EACCES)"),
                ("default filter: swapon", r"swapon: .*(Operation not permitted|EPERM)")):
            self.checks.that(f"{name}: {what}", re.search(pattern, text, re.M), text)

    def seccomp(self):
        text = self.look("off", "<skep:seccomp profile='off'/>", False)
        self.checks.that("off: no filter", re.search(r"^Seccomp:\s+0$", text, re.M), text)
        self.checks.that("off: umount asks the kernel", "umount:" not in text and "one file" in text, text)
        text = self.look("file", f"<skep:seccomp profile='file' file='{self.at('policy')}'/>", False)
        self.checks.that("file: filter", re.search(r"^Seccomp:\s+2$", text, re.M), text)
        self.checks.that("file: the rule's own errno", re.search(r"swapon: .*not implemented", text), text)
        self.checks.that("file: the profile's errno", re.search(r"hostname: .*Permission denied", text), text)
        said = ""
        for directory, _, names in os.walk(self.at("d")):
            for name in names:
                if name.endswith(".log"):
                    with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as handle:
                        said += handle.read()
        self.checks.that("file: unknown calls are named", "at lines 8: no_such_call_at_all" in said, said[-500:])
        for name, text, why in (("bad", "2\ndenylist\nread sing\n", "policy-bad:3: action 'sing' is not supported"),
                                ("gone", None, "policy-gone")):
            path = self.at("policy-" + name)
            if text:
                with open(path, "w", encoding="utf-8") as handle:
                    handle.write(text)
            self.define("f" + name, "true", element="<skep:container xmlns:skep='urn:skep:domain:1'>"
                        f"<skep:seccomp profile='file' file='{path}'/></skep:container>")
            done = self.daemon.virsh("start", P + "f" + name)
            self.checks.that(f"profile {name}: refused", done.status == 1 and why in done.err, done)

    def overlay(self):
        """The lower layer stays as it is; what is written is in the upper one."""
        for layer in ("delta0", "olwork"):
            os.makedirs(self.at(layer))
        self.define("overlay", "echo changed >/etc/made; rm /etc/group; touch /done; sleep 300",
                    element="<skep:container xmlns:skep='urn:skep:domain:1'>"
                    f"<skep:overlay upper='{self.at('delta0')}' work='{self.at('olwork')}'/></skep:container>")
        self.virsh("start", "overlay")
        self.checks.that("overlay: written above", skeptest.wait_until(
            lambda: os.path.exists(self.at("delta0/done")), PATIENCE), os.listdir(self.at("delta0")))
        self.checks.that("overlay: the lower layer is as it was", os.path.exists(self.at("overlay/etc/group")) and
                         not os.path.exists(self.at("overlay/etc/made")))
        self.virsh("destroy", "overlay")
        os.rename(self.at("delta0"), self.at("delta1"))
        done = self.daemon.virsh("start", P + "overlay")
        self.checks.that("overlay: a missing layer is named", done.status == 1 and "delta0" in done.err, done)

    def tasks(self):
        script = ("exec >/out 2>&1\nfor n in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 300 & done\n"
                  "echo end\nsleep 300")
        element = ("<skep:container xmlns:skep='urn:skep:domain:1'><skep:tasks max='{}'/></skep:container>")
        self.define("tasks", script, element=element.format(8))
        started = self.daemon.virsh("start", P + "tasks")       # maybe over before it is said to have begun
        # ash ends when it cannot fork
        self.checks.that("tasks: limited", skeptest.wait_until(
            lambda: "can't fork" in self.out("tasks"), PATIENCE), f"{started}, {self.out('tasks')}")
        self.daemon.virsh("destroy", P + "tasks")

    def signals(self):
        script = ("trap 'echo got-usr1 >/out; exit 0' USR1\ntrap 'echo got-winch >>/out; exit 0' WINCH\n"
                  "echo ready >/out\nwhile :; do sleep 0.1; done")
        element = ("<skep:container xmlns:skep='urn:skep:domain:1'>"
                   "<skep:signals halt='SIGUSR1' reboot='SIGWINCH'/></skep:container>")
        self.define("signals", script, element=element)
        for verb, word in (("shutdown", "got-usr1"), ("reboot", "got-winch")):
            self.virsh("start", "signals")
            ready = skeptest.wait_until(lambda: self.out("signals") == "ready\n", PATIENCE)
            self.checks.that(f"{verb}: init is ready", ready, self.out("signals"))
            before = self.daemon.virsh("domid", P + "signals").out
            self.virsh(verb, "signals")
            if verb == "shutdown":
                self.checks.that("shutdown: ended", self.daemon.wait_state(P + "signals", "shut off", PATIENCE))
                self.checks.that("shutdown: by its signal", word in self.out("signals"), self.out("signals"))
            else:
                self.checks.that("reboot: by its signal, and it runs again", skeptest.wait_until(
                    lambda: self.daemon.virsh("domid", P + "signals").out not in (before, "-\n", "") and
                    self.out("signals") == "ready\n" and self.daemon.state(P + "signals") == "running", PATIENCE),
                    self.out("signals"))
        self.virsh("destroy", "signals")

    def hooks(self):
        log = self.at("hooks.log")
        element = ("<skep:container xmlns:skep='urn:skep:domain:1'><skep:hooks>" + "".join(
            f"<skep:hook on='{on}'>sh -c 'echo {on} $0 $* $LXC_NAME $LXC_TARGET &gt;&gt;{log}; {then}'</skep:hook>"
            for on, then in (("pre-start", "true"), ("start-host", "test ! -e /tmp/x"), ("post-stop", "true"))) +
            f"<skep:hook on='post-stop'>cd / &amp;&amp; pwd &gt;&gt;{log}; echo several &gt;&gt;{log}</skep:hook>"
            "</skep:hooks></skep:container>")
        name = P + "hooks"
        self.define("hooks", "echo ran >/out; sleep 300", element=element)
        self.virsh("start", "hooks")
        self.virsh("destroy", "hooks")
        with open(log, encoding="utf-8") as handle:
            text = handle.read()
        self.checks.equal("hooks: in order, with LXC's words", text, "".join(
            f"{on} {name} lxc {on} {name} stop\n" for on in ("pre-start", "start-host", "post-stop"))
            + f"/\nseveral {name} lxc post-stop\n")
        os.unlink(log)
        element = element.replace("test ! -e /tmp/x", "echo no, never &gt;&amp;2; exit 3")
        self.define("hooks2", "echo ran >/out; sleep 300", element=element)
        done = self.daemon.virsh("start", P + "hooks2")
        self.checks.that("a hook that fails: the start fails with its words", done.status == 1 and
                         "exited with status 3: no, never" in done.err, done)
        self.checks.equal("a hook that fails: init never ran", self.out("hooks2"), "")
        with open(log, encoding="utf-8") as handle:
            self.checks.equal("a hook that fails: post-stop all the same",
                              [line.split()[0] for line in handle],
                              ["pre-start", "start-host", "post-stop", "/", "several"])

    def boot(self, groups):
        """The daemon's first start of a boot."""
        self.daemon.stop()
        with open(self.at("d/lxc.conf"), "w", encoding="utf-8") as handle:
            handle.write(f'autostart_groups = "{groups}"\n')
        for directory, _, names in os.walk(self.at("d")):
            if "autostarted" in names:
                os.unlink(os.path.join(directory, "autostarted"))
        self.daemon.start()

    def autostart_interrupted(self):
        """A restart during a delay: the others are still started, what was is not again."""
        for number, name in enumerate(("i1", "i2", "i3")):
            self.define(name, "sleep 300", element=(
                "<skep:container xmlns:skep='urn:skep:domain:1'>"
                f"<skep:autostart order='{number}' delay='{600 if name == 'i2' else 0}'><skep:group>late</skep:group>"
                "</skep:autostart></skep:container>"))
            self.virsh("autostart", name)
        self.boot("late")
        begun = skeptest.wait_until(lambda: self.daemon.state(P + "i2") == "running", PATIENCE)
        self.checks.that("interrupted: the second is started", begun)
        self.virsh("destroy", "i1")
        self.checks.equal("interrupted: the delay holds", self.daemon.state(P + "i3"), "shut off")
        self.daemon.stop()
        self.daemon.start()
        skeptest.wait_until(lambda: self.daemon.state(P + "i3") == "running", PATIENCE)
        self.checks.equal("interrupted: the rest is started", self.daemon.state(P + "i3"), "running")
        self.checks.equal("interrupted: what was stopped stays so", self.daemon.state(P + "i1"), "shut off")
        self.virsh("destroy", "i3")
        self.daemon.stop()
        self.daemon.start()
        self.checks.equal("interrupted: nothing more after all", self.daemon.state(P + "i3"), "shut off")

    def autostart(self):
        order = []
        for name, number, group in (("a1", 30, "web"), ("a2", 10, "web"), ("a3", 20, "db"), ("a4", None, None),
                                    ("a5", 40, "web"), ("a6", 50, "web")):
            element = "" if number is None else (
                "<skep:container xmlns:skep='urn:skep:domain:1'>"
                f"<skep:autostart order='{number}' delay='1'><skep:group>{group}</skep:group></skep:autostart>"
                "<skep:hooks><skep:hook on='pre-start'>sh -c 'echo $LXC_NAME $(cat /proc/uptime) "
                f"&gt;&gt;{self.at('order')}'</skep:hook></skep:hooks></skep:container>")
            self.define(name, "sleep 300", element=element)
            self.virsh("autostart", name)
        self.boot("web")
        ended = skeptest.wait_until(lambda: self.daemon.state(P + "a6") == "running", PATIENCE)
        self.checks.that("autostart: comes to the end", ended)
        with open(self.at("order"), encoding="utf-8") as handle:
            order = [line.split() for line in handle]
        self.checks.equal("autostart: lower order first, chosen groups only", [line[0] for line in order],
                          [P + name for name in ("a2", "a1", "a5", "a6")])
        begins = [round(100 * float(line[1])) for line in order]
        self.checks.that("autostart: delay", all(b - a >= 100 for a, b in zip(begins, begins[1:])), order)
        for name in ("a3", "a4"):
            self.checks.equal(f"autostart: {name} is in no chosen group", self.daemon.state(P + name), "shut off")


def main():
    skeptest.enter_namespaces()
    with skeptest.work_dir() as directory, skeptest.Skepd(directory + "/d") as daemon:
        checks = skeptest.Checks("skep:container")
        own = Own(directory, daemon, checks)
        own.inside(False)
        own.inside(True)
        own.seccomp()
        own.overlay()
        own.tasks()
        own.signals()
        own.hooks()
        own.autostart()
        own.autostart_interrupted()
        status = checks.done()
    sys.exit(status)


if __name__ == "__main__":
    main()
