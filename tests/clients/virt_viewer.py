#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-viewer on a display of its own: it finds the container and, as there is no VNC or SPICE, says so in a dialog,
which is all it can do for a container. With --oracle against stock libvirtd."""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402
import virt_manager  # noqa: E402

PATIENCE = 120


def look(uri, name):
    """On the session bus: what the dialog says, and what the program wrote of its way there."""
    import gi
    gi.require_version("Atspi", "2.0")
    from gi.repository import Atspi, GLib
    Atspi.set_timeout(60000, 60000)     # ms, of a call and while a program starts
    log = os.path.join(os.environ["HOME"], "virt-viewer.log")

    def words(node):
        try:
            yield node.get_name() or ""
            for index in range(node.get_child_count()):
                child = node.get_child_at_index(index)
                if child:
                    yield from words(child)
        except GLib.Error:      # a node may vanish while it is looked at
            return

    def read():
        with open(log, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    with open(log, "wb") as out, subprocess.Popen(["virt-viewer", "--debug", "--connect", uri, name], stdout=out,
                                                  stderr=out, preexec_fn=t.die_with_parent) as viewer:
        try:
            seen = []

            def told():
                seen[:] = [word for word in words(Atspi.get_desktop(0)) if word]
                return any("graphic type" in word for word in seen) or viewer.poll() is not None
            t.wait_until(told, PATIENCE, 0.2)
            print("said: " + " | ".join(seen))
            print("log: " + read())
        finally:
            viewer.terminate()


def run(daemon, directory):
    checks = t.Checks(f"virt-viewer on {daemon.name}")
    root = t.busybox_root(os.path.join(directory, "root"))
    path = os.path.join(directory, "seen.xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml("seen", root))
    checks.equal("create", daemon.virsh("create", path).status, 0)
    home = os.path.join(directory, "home")
    os.makedirs(home, mode=0o700)
    server, name = virt_manager.display(directory)
    env = dict(os.environ, DISPLAY=name, HOME=home, XDG_RUNTIME_DIR=home, XDG_CACHE_HOME=home, XDG_CONFIG_HOME=home,
               XDG_DATA_HOME=home, GSETTINGS_BACKEND="memory", GDK_BACKEND="x11", LANG="C.UTF-8")
    for unwanted in ("NO_AT_BRIDGE", "DBUS_SESSION_BUS_ADDRESS"):
        env.pop(unwanted, None)
    done = t.execute(["dbus-run-session", "--", "/usr/bin/python3", os.path.abspath(__file__), "--inside", daemon.uri, "seen"],
                     env=env, timeout=4 * PATIENCE)
    server.send_signal(signal.SIGTERM)
    server.wait()
    checks.matches("it connects", "initial connect", done.out)
    checks.matches("it finds the container and its state", "Guest seen is running, determining display", done.out)
    checks.matches("its dialog says that there is nothing to show", "said: .*Cannot determine the graphic type for the guest seen",
                   done.out)
    if checks.failed or os.environ.get("VERBOSE"):
        with open(os.path.join(directory, "xvfb.log"), encoding="utf-8", errors="replace") as log:
            print(done.out + done.err + log.read())
    checks.equal("the container runs on", daemon.state("seen"), "running")
    return checks.done()


def main():
    for program in ("virt-viewer", "Xvfb", "dbus-run-session", "virsh"):
        t.need_program(program)
    if t.execute(["/usr/bin/python3", "-c", "import gi; gi.require_version('Atspi', '2.0')"]).status:
        t.skip("needs gir1.2-atspi-2.0 (tools/deps clients)")
    t.enter_namespaces()
    with t.judged() as (directory, daemon):
        return run(daemon, directory)


if __name__ == "__main__":
    sys.exit(look(*sys.argv[2:4]) if sys.argv[1:2] == ["--inside"] else main())
