#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-manager on a display of its own (Xvfb), driven through the accessibility bus as a person would by mouse and
keyboard. Pictures of what it shows are kept in the build directory (test-artefacts/virt-manager), to be looked at.

The program runs twice: outside it makes daemon, display and session bus, inside ("--inside URI") it drives."""

import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

PICTURES = os.path.join(t.BUILD, "test-artefacts/virt-manager")
PATIENCE = 120
PAGES = ("Overview", "OS information", "Performance", "CPUs", "Memory", "Boot Options", "Filesystem /", "Console 1")


# ---- Inside: the accessibility bus ----

class Desktop:
    def __init__(self, uri):
        import gi
        for name, version in (("Atspi", "2.0"), ("Gtk", "3.0"), ("Gdk", "3.0")):
            gi.require_version(name, version)
        from gi.repository import Atspi, Gdk, GLib, Gtk
        self.atspi, self.gdk, self.glib = Atspi, Gdk, GLib
        Atspi.set_timeout(60000, 60000)     # ms, of a call and while a program starts
        Gtk.init([])
        self.log = open(os.path.join(os.environ["HOME"], "virt-manager.log"), "wb")
        self.program = subprocess.Popen(["virt-manager", "--connect", uri, "--no-fork", "--debug"], stdout=self.log,
                                        stderr=self.log, preexec_fn=t.die_with_parent)

    def _walk(self, node):
        # A node may vanish while it is looked at.
        try:
            yield node
            for index in range(min(node.get_child_count(), 300)):
                child = node.get_child_at_index(index)
                if child:
                    yield from self._walk(child)
        except self.glib.Error:
            return

    def _find_now(self, role, name, within, showing):
        for node in self._walk(within or self.atspi.get_desktop(0)):
            try:
                if node.get_role_name() == role and re.search(name, node.get_name() or "") and (
                        not showing or node.get_state_set().contains(self.atspi.StateType.SHOWING)):
                    return node
            except self.glib.Error:
                continue
        return None

    def find(self, role, name, within=None, *, seconds=PATIENCE, showing=True):
        return t.wait_until(lambda: self._find_now(role, name, within, showing), seconds, 0.2)

    def press(self, node):
        """What a click does."""
        return bool(node) and node.get_action_iface().do_action(0)

    def select(self, cell):
        """Selects the row of a cell of a table or a list."""
        while cell.get_parent().get_role_name() == "table cell":        # a column of several things
            cell = cell.get_parent()
        table = cell.get_parent().get_table_iface()
        return table.add_row_selection(table.get_row_at_index(cell.get_index_in_parent()))

    def enabled(self, node):
        return bool(node) and node.get_state_set().contains(self.atspi.StateType.SENSITIVE)

    def text(self, node):
        return node.get_text_iface().get_text(0, -1) if node else ""

    def type(self, words):
        for character in words:
            self.atspi.generate_keyboard_event(self.gdk.unicode_to_keyval(ord(character)) if character != "\n" else 0xff0d,
                                               None, self.atspi.KeySynthType.SYM)
            time.sleep(0.02)

    def picture(self, name):
        time.sleep(0.5)     # what has changed is drawn a moment later
        window = self.gdk.get_default_root_window()
        taken = self.gdk.pixbuf_get_from_window(window, 0, 0, window.get_width(), window.get_height())
        taken.savev(os.path.join(PICTURES, name + ".png"), "png", [], [])

    def alert(self):
        """The text of an error dialog, if one is there."""
        for role in ("alert", "dialog"):
            found = self._find_now(role, "", None, True)
            if found:
                return [node.get_name() for node in self._walk(found)]
        return None

    def tree(self):
        return [f"{node.get_role_name()} {node.get_name()!r}" for node in self._walk(self.atspi.get_desktop(0))]


# A question "are you sure?" asked within a press would keep the accessibility bus waiting.
SETTINGS = """\
[org/virt-manager/virt-manager/confirm]
forcepoweroff=false
poweroff=false
pause=false
[org/virt-manager/virt-manager/stats]
enable-disk-poll=true
enable-net-poll=true
enable-memory-poll=true
"""


def check_list(checks, desktop):
    manager = desktop.find("frame", "^Virtual Machine Manager$")
    if not checks.that("the main window opens", manager, desktop.tree()):
        return None
    checks.that("the connection is there", desktop.find("table cell", "^LXC", manager), desktop.tree())
    row = desktop.find("table cell", r"^one\n", manager)
    checks.that("the container is in the list", row, desktop.tree())
    checks.equal("... and runs", row and row.get_name(), "one\nRunning")
    checks.that("the list has a CPU graph", desktop.find("table column header", "^CPU usage$", manager))
    time.sleep(6)       # a few points for the graph
    desktop.picture("list")
    return manager


def check_details(checks, desktop, manager):
    row = desktop.find("table cell", r"^one\n", manager)
    desktop.select(row)
    checks.that("Open is pressed", desktop.press(desktop.find("push button", "^Open$", manager)))
    window = desktop.find("frame", r"^one on LXC")
    if not checks.that("the container's window opens", window, desktop.tree()):
        return None
    desktop.press(desktop.find("radio button", "^Details$", window))
    for page in PAGES:
        cell = desktop.find("table cell", f"^{re.escape(page)}$", window)
        if checks.that(f"there is a page '{page}'", cell, [line for line in desktop.tree() if "cell" in line]):
            desktop.select(cell)
            desktop.picture("details-" + re.sub(r"\W+", "-", page).strip("-").lower())
            checks.equal(f"page '{page}' shows no error", desktop.alert(), None)
    return window


def check_console(checks, desktop, window):
    desktop.press(desktop.find("radio button", "^Console$", window))
    terminal = desktop.find("terminal", "", window)
    if not checks.that("the console shows a terminal", terminal, desktop.tree()):
        return
    checks.that("... with the shell's prompt", t.wait_until(lambda: "# " in desktop.text(terminal), PATIENCE, 0.2),
                desktop.text(terminal))

    def typed():        # keys that come before the terminal has the focus go nowhere
        terminal.get_component_iface().grab_focus()
        time.sleep(0.5)
        desktop.type("\necho typed $((6*7))\n")
        return t.wait_until(lambda: "\ntyped 42" in desktop.text(terminal), 10, 0.2)
    checks.that("what is typed there comes to the shell", t.wait_until(typed), desktop.text(terminal))
    desktop.picture("console")


def check_buttons(checks, desktop, manager, state):
    """Pause, go on, off, on: by the main window's buttons and menu."""
    row = desktop.find("table cell", r"^one\n", manager)
    desktop.select(row)
    for role, button, word, wanted in (("toggle button", "Pause", "Paused", "paused"), ("toggle button", "Pause", "Running", "running"),
                                       ("menu item", "Force Off", "Shutoff", "shut off"), ("push button", "Run", "Running", "running"),
                                       ("push button", "Shut Down", "Shutoff", "shut off")):
        found = desktop.find(role, f"^{button}$", manager, showing=role != "menu item")
        checks.that(f"'{button}' is there and can be pressed", t.wait_until(lambda: desktop.enabled(found), PATIENCE, 0.2))
        desktop.press(found)
        checks.equal(f"'{button}': the container is {wanted}", t.wait_until(lambda: state() == wanted, PATIENCE, 0.2) and wanted, wanted)
        checks.that(f"'{button}': the list says {word}", desktop.find("table cell", f"^one\n{word}", manager),
                    [line for line in desktop.tree() if "cell" in line])
        checks.equal(f"'{button}' shows no error", desktop.alert(), None)
    desktop.picture("stopped")


def check_host(checks, desktop, manager):
    desktop.press(desktop.find("menu item", "^Connection Details$", manager, showing=False))
    window = desktop.find("frame", "Connection Details$")
    checks.that("the connection's details open", window, desktop.tree())
    for tab in ("Overview", "Virtual Networks", "Storage"):
        page = desktop.find("page tab", f"^{tab}$", window)
        checks.that(f"... with a tab '{tab}'", page, desktop.tree())
    desktop.picture("host")
    checks.equal("... without an error", desktop.alert(), None)


def check_wizard(checks, desktop, manager, root, uri):
    """A container of a directory tree, by the wizard; it is started and shown by its last page."""
    desktop.press(desktop.find("menu item", "^New Virtual Machine$", manager, showing=False))
    window = desktop.find("frame", "^New VM$")
    if not checks.that("the wizard opens", window, desktop.tree()):
        return

    def page(text):
        return checks.that(f"wizard: '{text}'", desktop.find("label", f"^{text}", window), desktop.tree())

    def fill(text):
        """The last entry that is shown on the page."""
        shown = t.wait_until(lambda: [node for node in desktop._walk(window) if node.get_role_name() == "text" and
                                      node.get_state_set().contains(desktop.atspi.StateType.SHOWING)], PATIENCE, 0.2)
        shown[-1].get_editable_text_iface().set_text_contents(text)
        checks.equal("... is filled in", desktop.text(shown[-1]), text)
    page("Choose the container type")
    desktop.press(desktop.find("radio button", "^Operating system container$", window))
    desktop.press(desktop.find("push button", "^Forward$", window))
    if page("Provide the existing OS root directory:"):
        fill(root)
    desktop.press(desktop.find("push button", "^Forward$", window))
    page("Choose Memory and CPU settings:")
    desktop.press(desktop.find("push button", "^Forward$", window))
    if page("Ready to begin the installation"):
        fill("wizbr")       # the bridge's name
    desktop.picture("wizard")
    desktop.press(desktop.find("push button", "^Finish$", window))
    checks.that("the new container's window opens", desktop.find("frame", r"^container1 on LXC"), desktop.tree())
    row = desktop.find("table cell", r"^container1\nRunning", manager)
    checks.that("it runs, says the list", row, [line for line in desktop.tree() if "cell" in line])
    checks.equal("the wizard shows no error", desktop.alert(), None)
    xml = t.execute(["virsh", "-c", uri, "dumpxml", "container1"]).out
    for part in ("<init>/sbin/init</init>", f"<source dir='{root}'/>", "<source bridge='wizbr'/>"):
        checks.that(f"it has {part}", part in xml, xml)
    t.execute(["virsh", "-c", uri, "destroy", "container1"])
    checks.that("the list notices that it was ended by another client", desktop.find("table cell", r"^container1\nShutoff", manager))


def inside(uri, root):
    checks = t.Checks("virt-manager")
    desktop = Desktop(uri)

    def state():
        return t.execute(["virsh", "-c", uri, "domstate", "one"]).out.strip()
    try:
        manager = check_list(checks, desktop)
        if manager:
            window = check_details(checks, desktop, manager)
            if window:
                check_console(checks, desktop, window)
            check_buttons(checks, desktop, manager, state)
            check_host(checks, desktop, manager)
            check_wizard(checks, desktop, manager, root, uri)
    finally:
        if checks.failed:
            desktop.picture("failed")
        desktop.program.terminate()
        desktop.program.wait()
    if checks.failed:
        with open(desktop.log.name, encoding="utf-8", errors="replace") as log:
            print("virt-manager's last words:\n" + "".join(log.readlines()[-30:]))
    return checks.done()


# ---- Outside: what it needs ----

def display(directory):
    """An X server, which says when it is ready. In a network namespace of its own every number is free; the sockets'
    directory is its own too, or two servers steal each other's; and the number is, for it has a keymap in /tmp. It refuses
    clients for a moment when the last one leaves, unless it is told not to start over (-noreset)."""
    os.makedirs("/tmp/.X11-unix", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "none", "/tmp/.X11-unix"], check=True)
    log_path = os.path.join(directory, "xvfb.log")
    for number in range(100 + os.getpid() % 50000, 60000, 1000):        # the lock in /tmp may be an older one's
        read_end, write_end = os.pipe()
        with open(log_path, "wb") as log:
            server = subprocess.Popen(["Xvfb", f":{number}", "-displayfd", str(write_end), "-noreset", "-screen", "0", "1280x900x24",
                                       "-nolisten", "tcp"], pass_fds=[write_end], stdout=log, stderr=log, preexec_fn=t.die_with_parent)
        os.close(write_end)
        with open(read_end, encoding="ascii") as said:
            if said.readline().strip() == str(number):
                return server, f":{number}"
        server.wait()
    with open(log_path, encoding="utf-8", errors="replace") as log:
        raise RuntimeError(f"no X server: {log.read()}")


def main():
    for program in ("virt-manager", "Xvfb", "dbus-run-session", "virsh"):
        t.need_program(program)
    if t.execute(["/usr/bin/python3", "-c", "import gi; gi.require_version('Atspi', '2.0')"]).status:
        t.skip("needs gir1.2-atspi-2.0 (tools/deps clients)")
    t.enter_namespaces()
    os.makedirs(PICTURES, exist_ok=True)
    for name in os.listdir(PICTURES):
        os.unlink(os.path.join(PICTURES, name))
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        root = t.init_root(os.path.join(directory, "root"))
        with open(os.path.join(root, "etc/inittab"), "a", encoding="utf-8") as handle:
            handle.write("::respawn:/bin/busy\n")     # work, for the graphs
        with open(os.path.join(root, "bin/busy"), "w", encoding="utf-8") as handle:
            handle.write("#!/bin/sh\nwhile :; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 0.05; done\n")
        os.chmod(os.path.join(root, "bin/busy"), 0o755)
        path = os.path.join(directory, "one.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml("one", root, init="/sbin/init"))
        for words in (("define", path), ("start", "one")):
            done = daemon.virsh(*words)
            if done.status:
                raise RuntimeError(f"{words[0]}: {done!r}")
        home = os.path.join(directory, "home")
        os.makedirs(home, mode=0o700)
        settings = os.path.join(home, "glib-2.0/settings")
        os.makedirs(settings)
        with open(os.path.join(settings, "keyfile"), "w", encoding="utf-8") as handle:
            handle.write(SETTINGS)
        made = t.init_root(os.path.join(directory, "made"))
        subprocess.run(["ip", "link", "add", "wizbr", "type", "bridge"], check=True)
        server, name = display(directory)
        env = dict(os.environ, DISPLAY=name, HOME=home, XDG_RUNTIME_DIR=home, XDG_CACHE_HOME=home, XDG_CONFIG_HOME=home,
                   XDG_DATA_HOME=home, GSETTINGS_BACKEND="keyfile", GDK_BACKEND="x11", LANG="C.UTF-8")
        env.pop("NO_AT_BRIDGE", None)
        env.pop("DBUS_SESSION_BUS_ADDRESS", None)
        said = os.path.join(directory, "said")
        with open(said, "wb") as complaints:
            done = subprocess.run(["dbus-run-session", "--", "/usr/bin/python3", os.path.abspath(__file__), "--inside", daemon.uri, made],
                                  env=env, check=False, stderr=complaints)
        if done.returncode:
            with open(said, encoding="utf-8", errors="replace") as complaints:
                print("".join(complaints.readlines()[-30:]))
        server.send_signal(signal.SIGTERM)
        server.wait()
    return done.returncode


if __name__ == "__main__":
    sys.exit(inside(*sys.argv[2:4]) if sys.argv[1:2] == ["--inside"] else main())
