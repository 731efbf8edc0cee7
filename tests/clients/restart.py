#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A restart of the daemon as its clients see it: virsh's shell, its event loop and console, a program with a close callback;
what runs, runs on. And the spellings of the URI that libvirt's clients take."""

import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

try:
    import libvirt
except ImportError:
    libvirt = None

PATIENCE = t.PATIENCE


def facts(daemon):
    return {name: (daemon.virsh("domid", name).out.strip(), daemon.state(name)) for name in ("stays", "passes")}


def check_uris(checks, daemon, directory):
    path = daemon.uri.partition("socket=")[2]
    bridge = os.path.join(directory, "bridge")
    with open(bridge, "w", encoding="utf-8") as handle:
        handle.write("#!/usr/bin/python3\n"
                     "import os, socket, sys, threading\n"
                     "with socket.socket(socket.AF_UNIX) as peer:\n"
                     f"    peer.connect({path!r})\n"
                     "    def back():\n"
                     "        while data := peer.recv(65536):\n"
                     "            os.write(1, data)\n"
                     "        os._exit(0)\n"
                     "    threading.Thread(target=back, daemon=True).start()\n"
                     "    while data := os.read(0, 65536):\n"
                     "        peer.sendall(data)\n")
    os.chmod(bridge, 0o755)

    def virsh(uri, **env):
        return t.execute(["virsh", *(["-c", uri] if uri else []), "domstate", "stays"], env=dict(os.environ, **env), timeout=PATIENCE)
    for uri in (f"lxc+unix:///system?socket={path}", f"lxc+unix:///?socket={path}", f"lxc:///system?socket={path}",
                f"lxc:///?socket={path}", f"lxc+unix:///system?socket={path}&mode=legacy",
                f"lxc+unix:///system?socket={path}&mode=direct", f"lxc+ext:///system?command={bridge}"):
        done = virsh(uri)
        checks.equal(f"{uri.replace(directory, '')}", (done.status, done.out.strip()), (0, "running"))
    done = virsh("", LIBVIRT_DEFAULT_URI=daemon.uri)
    checks.equal("LIBVIRT_DEFAULT_URI", (done.status, done.out.strip()), (0, "running"))
    home = os.path.join(directory, "home")
    os.makedirs(os.path.join(home, "libvirt"))
    # root's aliases are in /etc/libvirt; a user's below XDG_CONFIG_HOME
    with open(os.path.join(home, "libvirt/libvirt.conf"), "w", encoding="utf-8") as handle:
        handle.write(f'uri_aliases = [ "hive={daemon.uri}" ]\n')
    if os.path.isdir("/etc/libvirt"):
        subprocess.run(["mount", "--bind", os.path.join(home, "libvirt"), "/etc/libvirt"], check=True)
        done = virsh("hive")
        subprocess.run(["umount", "/etc/libvirt"], check=True)
        checks.equal("uri_aliases", (done.status, done.out.strip()), (0, "running"))
    for uri, pattern in ((f"lxc+unix:///other?socket={path}", "Unexpected LXC URI path '/other', try lxc:///system"),
                         (f"lxc+unix:///system?socket={path}-none", "No such file or directory"),
                         (f"qemu+unix:///system?socket={path}", "no connection driver available|not supported|Failed to"),
                         (f"xen+unix:///?socket={path}", "no connection driver available")):
        done = virsh(uri)
        checks.that(f"{uri.replace(directory, '')} is refused", done.status == 1, done)
        checks.matches("... with its reason", pattern, done.err)


class Loop:
    """A program on libvirt's event loop."""

    def __init__(self, uri):
        libvirt.virEventRegisterDefaultImpl()
        self.timer = libvirt.virEventAddTimeout(50, lambda *_: None, None)
        threading.Thread(target=self._run, daemon=True).start()
        self.reasons = []
        self.conn = libvirt.open(uri)
        self.conn.registerCloseCallback(lambda _, reason, opaque: self.reasons.append(reason), None)

    @staticmethod
    def _run():
        while True:
            libvirt.virEventRunDefaultImpl()


def check_restart(checks, daemon):
    loop = Loop(daemon.uri)
    before = facts(daemon)
    with t.Terminal(["virsh", "-c", daemon.uri]) as shell, \
            t.Terminal(["virsh", "-c", daemon.uri, "event", "--all", "--loop"]) as events, \
            t.Terminal(["virsh", "-c", daemon.uri, "console", "stays"]) as console:
        checks.that("the shell has a prompt", shell.expect("virsh # ", PATIENCE), shell.seen)
        shell.send("domstate stays\n")
        checks.that("the shell works", shell.expect("running", PATIENCE), shell.seen)
        checks.that("the console is open", console.expect("Escape character", PATIENCE), console.seen)
        # until the watcher has registered
        told = t.wait_until(lambda: daemon.virsh("desc", "stays", "--live", "--new-desc", "x") and
                            events.expect("metadata-change", 1), PATIENCE)
        checks.that("the watcher is told of events", told, events.seen)
        daemon.stop()
        daemon.start()
        checks.that("close callback", t.wait_until(lambda: loop.reasons, PATIENCE))
        checks.equal("... end of file", loop.reasons, [libvirt.VIR_CONNECT_CLOSE_REASON_EOF])
        # A command may be what notices that the connection is gone, and fail; the next one has a new one.
        checks.that("the shell connects again", t.wait_until(lambda: shell.send("domstate stays\n") or shell.expect("running", 10),
                                                             PATIENCE), shell.seen)
        checks.that("the watcher ends", events.expect("[Dd]isconnected from", PATIENCE), events.seen)
        checks.that("the console says so", console.expect("[Dd]isconnected from", PATIENCE), console.seen)
    checks.equal("ids and states are as they were", facts(daemon), before)
    info = daemon.virsh("dominfo", "stays").out
    checks.that("still persistent, with autostart", "Persistent:     yes" in info and "Autostart:      enable" in info, info)
    checks.matches("still transient", "Persistent:     no", daemon.virsh("dominfo", "passes").out)
    checks.equal("autostart is once a boot: what is off stays off", daemon.state("off"), "shut off")
    with t.Terminal(["virsh", "-c", daemon.uri, "console", "stays"]) as console:
        # what is typed before virsh has its terminal set is lost
        checks.that("its console has a prompt", console.expect("(?s)Escape character.*/ # ", PATIENCE), console.seen)
        console.send("\recho $((40+2))-after\r")
        checks.that("its console works on", console.expect("42-after", PATIENCE), console.seen)
    daemon.virsh("destroy", "passes")
    checks.equal("the transient one goes when it ends", daemon.virsh("domstate", "passes").status, 1)


def run(daemon, directory):
    checks = t.Checks(f"restart of {daemon.name}, and URIs")
    root = t.busybox_root(os.path.join(directory, "root"))
    for name in ("stays", "passes", "off"):
        path = os.path.join(directory, name + ".xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(name, root))
        checks.equal(f"{name}", daemon.virsh("create" if name == "passes" else "define", path).status, 0)
    checks.equal("start stays", daemon.virsh("start", "stays").status, 0)
    checks.equal("it runs", daemon.state("stays"), "running")
    for name in ("stays", "off"):
        checks.equal(f"autostart {name}", daemon.virsh("autostart", name).status, 0)
    check_uris(checks, daemon, directory)
    check_restart(checks, daemon)
    return checks.done()


def main():
    if libvirt is None:
        t.skip("needs python3-libvirt (tools/deps installs it)")
    t.need_program("virsh")
    t.enter_namespaces()
    libvirt.registerErrorHandler(lambda *_: None, None)
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        return run(daemon, directory)


status = main()
sys.stdout.flush()
os._exit(status)        # the thread of the event loop sits in libvirt
