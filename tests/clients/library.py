#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libskep and the Python module as they are installed: pkg-config finds the library, the example builds against it
and works, and python3-libvirt's domains go into the module."""

import glob
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402


def install(checks, directory):
    """Into a directory of its own, as a packager would."""
    done = t.execute(["meson", "install", "-C", t.BUILD, "--no-rebuild", "--quiet", "--destdir", directory])
    checks.that("meson install", done.status == 0, done)
    found = glob.glob(os.path.join(directory, "usr/lib/**/pkgconfig/libskep.pc"), recursive=True)
    checks.equal("one libskep.pc", len(found), 1)
    return os.path.dirname(found[0])


def build_example(checks, directory, pkgconfig):
    env = dict(os.environ, PKG_CONFIG_PATH=pkgconfig, PKG_CONFIG_SYSROOT_DIR=directory)
    words = t.execute(["pkg-config", "--cflags", "--libs", "libskep"], env=env)
    checks.that("pkg-config", words.status == 0 and "-lskep" in words.out, words)
    program = os.path.join(directory, "restart")
    built = t.execute(["cc", "-Wall", "-Wextra", "-Werror", "-std=c99", os.path.join(t.SOURCE, "examples/restart.c"),
                       *words.out.split(), "-o", program])
    checks.that("the example builds without a warning", built.status == 0, built)
    # programs in C++ include it, too
    program_cc = os.path.join(directory, "plain.cc")
    with open(program_cc, "w", encoding="utf-8") as file:
        file.write('#include <skep.h>\nint main () { SkepError error = {}; return skep_connect_socket ("/nonexistent", 0, &error) '
                   '|| error.code != SKEP_ERROR_SYSTEM; }\n')
    built = t.execute(["c++", "-Wall", "-Wextra", "-Werror", "-std=c++11", program_cc, *words.out.split(), "-o", program + "-cc"])
    checks.that("a program in C++ builds", built.status == 0, built)
    ran = t.execute([program + "-cc"], env=dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(pkgconfig)))
    checks.equal("... and runs", ran.status, 0)
    return program


def check_example(checks, daemon, program, libraries):
    for name, expected in (("sound", "running"), ("failing", "starting it")):
        started = daemon.virsh("start", name)
        checks.that(f"start {name}", started.status == 0, started)
        if name == "failing":
            daemon.wait_state(name, "shut off")
        done = t.execute([program, daemon.uri], env=dict(os.environ, LD_LIBRARY_PATH=libraries))
        checks.that(f"the example finds {name} {expected}", done.status == 0 and
                    any(line.startswith(name) and expected in line for line in done.out.splitlines()), done)
    checks.that("the example shows what is used", "KiB" in done.out, done)
    watched = t.execute(["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite", program,
                         daemon.uri], env=dict(os.environ, LD_LIBRARY_PATH=libraries))
    checks.equal("the example under valgrind", (watched.status, watched.err), (0, ""))
    bad = t.execute([program, "lxc+unix:///system?socket=/nonexistent"], env=dict(os.environ, LD_LIBRARY_PATH=libraries))
    checks.that("the example fails with a sentence", bad.status == 1 and bad.err.startswith("error 38: "), bad)


MODULE = r"""
import json, libvirt, os, skep, sys
conn = libvirt.open(sys.argv[1])
sound, failing = conn.lookupByName("sound"), conn.lookupByName("failing")
wanted = {row.name: row for row in skep.limits(sound)}
said = {
    "plan": "sleep" in skep.plan(sound),
    "limit": wanted["memory.limit"].wanted == wanted["memory.limit"].effective == "65536",
    "nothing": wanted["cpu.shares"].wanted is None,
    "ran": skep.last_exit(sound),
    "failed": os.waitstatus_to_exitcode(skep.last_exit(failing)[0]),
    "notes": [note.key for note in skep.notes(sound)],
    "by name": skep.plan((sys.argv[1], "sound")) == skep.plan(sound),
}
xml, notes = skep.from_native(conn, "lxc.uts.name = native\nlxc.rootfs.path = dir:/srv/native\nlxc.nonsense = 1\n")
said["from native"] = "<name>native</name>" in xml
said["native notes"] = [note.key for note in notes]
said["to native"] = "lxc.uts.name" in skep.to_native(conn, xml)[0]
try:
    skep.plan((sys.argv[1], "nosuch"))
except skep.Error as error:
    said["error"] = error.code
try:
    skep.plan(("lxc+unix:///system?socket=/nonexistent", "sound"))
except skep.Error as error:
    said["no daemon"] = error.code
print(json.dumps(said))
"""


def check_module(checks, daemon, directory, libraries):
    module = glob.glob(os.path.join(directory, "usr/lib/python3/dist-packages/skep.py"))
    checks.equal("the module is installed", len(module), 1)
    daemon.wait_state("failing", "shut off")
    env = dict(os.environ, PYTHONPATH=os.path.dirname(module[0]), LD_LIBRARY_PATH=libraries)
    done = t.execute(["/usr/bin/python3", "-c", MODULE, daemon.uri], env=env)
    checks.equal("the module: no complaint", (done.status, done.err), (0, ""))
    said = json.loads(done.out) if done.out else {}
    for name, expected in (("plan", True), ("limit", True), ("nothing", True), ("ran", None), ("failed", 3), ("by name", True),
                           ("from native", True), ("to native", True), ("error", 42), ("no daemon", 38)):
        checks.equal(f"the module: {name}", said.get(name, "missing"), expected)
    checks.that("the module: notes of what has no effect", any("sound" in key for key in said.get("notes", [])), said)
    checks.that("the module: notes of a conversion", any("lxc.nonsense" in key for key in said.get("native notes", [])), said)


def main():
    for program in ("meson", "cc", "c++", "pkg-config", "valgrind", "virsh"):
        t.need_program(program)
    t.enter_namespaces()
    checks = t.Checks("libskep and its Python module")
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        installed = os.path.join(directory, "i")
        pkgconfig = install(checks, installed)
        libraries = os.path.dirname(pkgconfig)
        program = build_example(checks, installed, pkgconfig)
        root = t.busybox_root(os.path.join(directory, "root"))
        for name, init, args, devices in (("sound", "/bin/sleep", ["1000"], "<sound model='ich6'/>"),
                                          ("failing", "/bin/sh", ["-c", "exit 3"], "")):
            path = os.path.join(directory, name + ".xml")
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(t.domain_xml(name, root, init=init, args=args, devices=devices))
            defined = daemon.virsh("define", path)
            checks.that(f"define {name}", defined.status == 0, defined)
        check_example(checks, daemon, program, libraries)
        check_module(checks, daemon, installed, libraries)
    return checks.done()


sys.exit(main())
