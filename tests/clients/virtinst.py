#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-install, virt-xml and virt-clone, as they come: containers by init and by directory tree, on a console,
changed, cloned. With --oracle against stock libvirtd."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

PATIENCE = 300


class Tools:
    def __init__(self, daemon, directory):
        self.daemon = daemon
        # Their cache and logs go below the home directory.
        self.home = {"HOME": directory, "XDG_CACHE_HOME": os.path.join(directory, "cache")}

    def __call__(self, program, *words):
        return t.execute([program, "--connect", self.daemon.uri, *words], env=dict(os.environ, **self.home), timeout=PATIENCE)


def check_install(checks, tools, root):
    done = tools("virt-install", "--name", "app", "--memory", "128", "--vcpus", "1", "--init", "/bin/sh",
                 "--filesystem", f"{root},/", "--network", "none", "--graphics", "none", "--noautoconsole")
    checks.that("virt-install --init", done.status == 0 and "Domain creation completed" in done.out, done)
    xml = tools.daemon.virsh("dumpxml", "app", "--inactive").out
    for pattern in ("<type arch='x86_64'>exe</type>", "<init>/bin/sh</init>", "<memory unit='KiB'>131072</memory>",
                    f"<source dir='{root}'/>", "<privnet/>", "<console type='pty'>"):
        checks.that(f"... defines {pattern}", pattern in xml, xml)
    checks.equal("... and it runs", tools.daemon.state("app"), "running")
    again = tools("virt-install", "--name", "app", "--memory", "128", "--init", "/bin/sh", "--filesystem", f"{root},/",
                  "--network", "none", "--graphics", "none", "--noautoconsole")
    checks.that("virt-install of a name in use", again.status == 1 and "is already in use" in again.err, again)


def check_tree(checks, tools, directory):
    root = t.init_root(os.path.join(directory, "tree"))
    done = tools("virt-install", "--name", "tree", "--memory", "128", "--filesystem", f"{root},/", "--network", "none",
                 "--graphics", "none", "--noautoconsole", "--autostart")
    checks.that("virt-install of a directory tree", done.status == 0, done)
    checks.that("... starts /sbin/init", "<init>/sbin/init</init>" in tools.daemon.virsh("dumpxml", "tree").out)
    checks.matches("... --autostart", r"Autostart: +enable", tools.daemon.virsh("dominfo", "tree").out)
    with t.Terminal(["virsh", "-c", tools.daemon.uri, "console", "tree"]) as console:
        checks.that("... whose console has a prompt", console.expect("/ # ", PATIENCE), console.seen)
        console.send("echo $((6*7)) $(cat /proc/1/comm)\r")
        checks.that("... whose console has a shell", console.expect(r"\n42 (init|linuxrc)", PATIENCE), console.seen)
    with t.Terminal(["virt-install", "--connect", tools.daemon.uri, "--name", "seen", "--memory", "64", "--init", "/bin/sh",
                     "--filesystem", f"{root},/", "--network", "none", "--graphics", "none", "--autoconsole", "text",
                     "--transient"], env=tools.home) as console:
        checks.that("--autoconsole text opens the console", console.expect("Escape character", PATIENCE), console.seen)
        checks.that("... with a prompt", console.expect("/ # ", PATIENCE), console.seen)
        console.send("echo $((40+3))\r")
        checks.that("... of the new container", console.expect(r"\n43", PATIENCE), console.seen)
        console.send("exit\r")
        checks.equal("... and ends with it", console.wait(PATIENCE), 0)
    checks.that("--transient leaves no definition", t.wait_until(lambda: tools.daemon.virsh("domid", "seen").status != 0))


def check_failure(checks, tools, directory):
    empty = os.path.join(directory, "empty")
    os.mkdir(empty)
    done = tools("virt-install", "--name", "bad", "--memory", "64", "--filesystem", f"{empty},/", "--network", "none",
                 "--graphics", "none", "--noautoconsole")
    checks.that("virt-install of an empty tree says why", done.status == 1 and "cannot find init path '/sbin/init'" in done.err,
                done)
    checks.equal("... and leaves nothing", tools.daemon.virsh("domid", "bad").status, 1)


def check_xml(checks, tools, directory):
    for words, pattern in (
            (("--edit", "--memory", "96"), "<currentMemory unit='KiB'>98304</currentMemory>"),
            (("--edit", "--metadata", "title=An app,description=of virt-xml"), "<title>An app</title>"),
            (("--edit", "--vcpus", "2"), "<vcpu placement='static'>2</vcpu>"),
            (("--add-device", "--filesystem", f"{directory},/mnt"), f"<source dir='{directory}'/>"),
            (("--edit", "target=/mnt", "--filesystem", "readonly=yes"), "<readonly/>"),
            (("--edit", "--cputune", "shares=512"), "<shares>512</shares>")):
        done = tools("virt-xml", "app", *words)
        checks.that(f"virt-xml {' '.join(words)}", done.status == 0 and
                    pattern in tools.daemon.virsh("dumpxml", "app", "--inactive").out, done)
    done = tools("virt-xml", "app", "--remove-device", "--filesystem", "target=/mnt")
    checks.that("virt-xml --remove-device", done.status == 0 and
                "/mnt" not in tools.daemon.virsh("dumpxml", "app", "--inactive").out, done)
    checks.that("what runs is as it was", "98304" not in tools.daemon.virsh("dumpxml", "app").out)
    built = tools("virt-xml", "--build-xml", "--filesystem", "/a,/b")
    checks.that("virt-xml --build-xml", "<target dir=\"/b\"/>" in built.out, built)
    listed = tools("virt-xml", "app", "--print-diff", "--edit", "--metadata", "title=Other")
    checks.that("virt-xml --print-diff changes nothing", "+  <title>Other</title>" in listed.out and
                "Other" not in tools.daemon.virsh("dumpxml", "app", "--inactive").out, listed)


def check_clone(checks, tools):
    refused = tools("virt-clone", "--original", "app", "--name", "copy", "--auto-clone")
    checks.that("virt-clone of a running container is refused", refused.status == 1 and "must be shutoff" in refused.err,
                refused)
    tools.daemon.virsh("destroy", "app")
    done = tools("virt-clone", "--original", "app", "--name", "copy", "--auto-clone")
    checks.that("virt-clone", done.status == 0 and "Clone 'copy' created" in done.out, done)
    mine, its = (tools.daemon.virsh("dumpxml", name).out for name in ("app", "copy"))
    checks.equal("the clone differs by name and UUID alone",
                 [line for line in its.splitlines() if line not in mine.splitlines()],
                 ["  <name>copy</name>", f"  <uuid>{tools.daemon.virsh('domuuid', 'copy').out.strip()}</uuid>"])
    checks.equal("the clone starts", tools.daemon.virsh("start", "copy").status, 0)


def run(daemon, directory):
    checks = t.Checks(f"virt-install, virt-xml, virt-clone on {daemon.name}")
    root = t.busybox_root(os.path.join(directory, "root"))
    tools = Tools(daemon, directory)
    check_install(checks, tools, root)
    check_tree(checks, tools, directory)
    if daemon.name == "skepd":
        check_failure(checks, tools, directory)
    check_xml(checks, tools, directory)
    check_clone(checks, tools)
    return checks.done()


def main():
    for program in ("virsh", "virt-install", "virt-xml", "virt-clone"):
        t.need_program(program)
    t.enter_namespaces()
    with t.judged() as (directory, daemon):
        return run(daemon, directory)


sys.exit(main())
