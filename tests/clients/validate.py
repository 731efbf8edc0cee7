#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's own smoke test of the LXC driver (define, start, log, destroy), and virt-xml-validate: whatever XML skepd gives,
libvirt's own schemas accept it."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

IDMAP = "<idmap><uid start='0' target='100000' count='65536'/><gid start='0' target='100000' count='65536'/></idmap>"
DEVICES = ("<interface type='bridge'><source bridge='valbr'/><ip address='10.95.0.2' prefix='24'/><guest dev='lan'/>"
           "<link state='up'/></interface>"
           "<filesystem type='ram'><source usage='1024' units='KiB'/><target dir='/mnt'/></filesystem>"
           "<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char></source></hostdev>"
           "<console type='pty'/>")
MORE = ("<title>All sorts</title><memtune><hard_limit unit='KiB'>65536</hard_limit></memtune>"
        "<blkiotune><weight>500</weight></blkiotune><cputune><shares>512</shares></cputune>"
        "<features><privnet/><capabilities policy='default'><mknod state='off'/></capabilities></features>"
        "<on_reboot>restart</on_reboot>")


class Validator:
    def __init__(self, checks, directory):
        self.checks, self.path = checks, os.path.join(directory, "validated.xml")

    def __call__(self, what, result, schema):
        if not self.checks.equal(f"{what} is given", result.status, 0):
            return
        with open(self.path, "w", encoding="utf-8") as handle:
            handle.write(result.out)
        done = t.execute(["virt-xml-validate", self.path, schema])
        self.checks.that(f"{what} is valid", done.status == 0 and "validates" in done.out + done.err, f"{done}\n{result.out}")


def check_smoke(checks, daemon, directory, root):
    host = t.execute(["virt-host-validate", "lxc"])
    checks.matches("virt-host-validate knows LXC", r"LXC: Checking for Linux >= 2\.6\.26 +: .*PASS", host.out)
    path = os.path.join(directory, "sl.xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml("sl", root))
    checks.equal("virt-xml-validate of a definition", t.execute(["virt-xml-validate", path]).status, 0)
    for words in (("define", path), ("start", "sl")):
        checks.equal(f"{words[0]}", daemon.virsh(*words).status, 0)
    checks.that("list shows it", "sl" in daemon.virsh("list", "--name").out.split())
    log = os.path.join(daemon.directory, "log/sl.log")
    checks.that("its log tells of the start", t.wait_until(lambda: os.path.exists(log) and os.path.getsize(log) > 0))
    daemon.restart()
    checks.equal("it runs after a restart of the daemon", daemon.state("sl"), "running")
    for words in (("destroy", "sl"), ("undefine", "sl")):
        checks.equal(f"{words[0]}", daemon.virsh(*words).status, 0)


def check_debian(checks, directory):
    """Debian's own test (autopkgtest smoke-lxc) with its paths, to the letter: lxc:///, libvirt_lxc, libvirt's log."""
    settings = f"{directory}/skepd.conf"
    os.makedirs("/run/libvirt", exist_ok=True)      # libvirtd makes it, which may never have run
    for place in ("/run/libvirt", "/var/log", "/usr/lib/libvirt"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
    os.mkdir("/var/log/libvirt")
    os.symlink(f"{t.BUILD}/src/controller/skep-controller", "/usr/lib/libvirt/libvirt_lxc")
    with open(settings, "w", encoding="utf-8") as handle:
        handle.write('controller = "/usr/lib/libvirt/libvirt_lxc"\nlog_dir = "/var/log/libvirt/lxc"\nlisten_libvirt = yes\n')
    xml = f"{directory}/smoke.xml"
    with open(xml, "w", encoding="utf-8") as handle:
        handle.write("<domain type='lxc'><name>sl</name><memory unit='KiB'>500000</memory><os><type>exe</type>"
                     "<init>/bin/sh</init></os><devices><console type='pty'/></devices></domain>")

    def virsh(*words):
        return t.execute(["virsh", "-c", "lxc:///", *words])
    command = [f"{t.BUILD}/src/driver/skepd", "--config", settings, "--lxc-config", f"{directory}/lxc.conf", "--config-dir",
               f"{directory}/lxc", "--run-dir", f"{directory}/run", "--data-dir", f"{t.SOURCE}/schemas", "--helper",
               f"{t.BUILD}/src/controller/skep-helper"]
    with open(f"{directory}/skepd.log", "wb") as log, t.Program(command, stdout=log, stderr=log) as daemon:
        checks.that("plain lxc:/// is served", t.wait_until(lambda: virsh("uri").status == 0))
        checks.that("the emulator's path", "/usr/lib/libvirt/libvirt_lxc" in virsh("capabilities").out)
        for words in (("define", xml), ("start", "sl")):
            checks.equal(f"Debian's {words[0]}", (virsh(*words).err), "")
        log_path = "/var/log/libvirt/lxc/sl.log"
        checks.that("libvirt's log has 'starting up'", t.wait_until(
            lambda: os.path.exists(log_path) and b"starting up" in open(log_path, "rb").read()))
        for words in (("destroy", "sl"), ("undefine", "sl")):
            checks.equal(f"Debian's {words[0]}", (virsh(*words).err), "")
        daemon.terminate()
        checks.equal("skepd ends", daemon.wait(t.PATIENCE), 0)


def check_xml(checks, daemon, directory, root):
    validate = Validator(checks, directory)
    subprocess.run(["ip", "link", "add", "valbr", "type", "bridge"], check=True)
    validate("capabilities", daemon.virsh("capabilities"), "capability")
    validate("domcapabilities", daemon.virsh("domcapabilities"), "domaincaps")
    for name, more in (("plain", MORE), ("mapped", IDMAP + MORE)):
        path = os.path.join(directory, f"{name}.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(name, root, more=more, devices=DEVICES))
        checks.equal(f"define {name}", (daemon.virsh("define", "--validate", path).err), "")
        validate(f"{name}, off", daemon.virsh("dumpxml", name), "domain")
        started = daemon.virsh("start", name)
        checks.equal(f"start {name}", (started.status, started.err), (0, ""))
        validate(f"{name}, running", daemon.virsh("dumpxml", name), "domain")
        validate(f"{name}, for the next start", daemon.virsh("dumpxml", "--inactive", name), "domain")
        daemon.virsh("destroy", name)
    devices = daemon.virsh("nodedev-list").out.split()
    checks.that("there are node devices", "computer" in devices, devices)
    for device in devices[:40]:
        found = daemon.virsh("nodedev-dumpxml", device)
        if found.status == 0 or device in daemon.virsh("nodedev-list").out.split():     # else it has gone meanwhile
            validate(f"node device {device}", found, "nodedev")
    validate("interface lo", daemon.virsh("iface-dumpxml", "lo"), "interface")


def main():
    for program in ("virsh", "virt-xml-validate", "virt-host-validate"):
        t.need_program(program)
    if not os.path.exists("/usr/share/libvirt/schemas/domain.rng"):
        t.skip("needs libvirt's schemas (tools/deps clients)")
    t.enter_namespaces()
    checks = t.Checks("libvirt's schemas, and Debian's smoke test")
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        os.chmod(directory, 0o755)
        root = t.busybox_root(os.path.join(directory, "root"))
        check_smoke(checks, daemon, directory, root)
        check_xml(checks, daemon, directory, root)
        check_debian(checks, directory)
    sys.exit(checks.done())


if __name__ == "__main__":
    main()
