#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""capabilities and domcapabilities: documents that are valid by our schemas and by libvirt's own, and that
tell the truth about this host."""

import os
import re
import sys
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

LIBVIRT_SCHEMAS = "/usr/share/libvirt/schemas"


def valid(checks, what, text, *schemas):
    for schema in schemas:
        done = t.execute(["xmllint", "--noout", "--relaxng", schema, "-"], text_in=text)
        checks.that(f"{what} is valid by {schema}", done.status == 0, done.err)


def values(document, item, name):
    """The values of a list of an item."""
    return [value.text for value in document.findall(f".//{item}/enum[@name='{name}']/value")]


def lines(path):
    with open(path, encoding="utf-8") as handle:
        return handle.read().splitlines()


def check_host(checks, text):
    host = ET.fromstring(text).find("host")
    checks.equal("the host's architecture", host.findtext("cpu/arch"), os.uname().machine)
    online = len(os.sched_getaffinity(1))
    cpus = {cpu.get("id") for cpu in host.findall("topology/cells/cell/cpus/cpu")}
    checks.that("CPUs of the topology", len(cpus) >= online, f"{sorted(cpus)}, init may use {online}")
    nodes = [name for name in os.listdir("/sys/devices/system/node") if re.fullmatch(r"node\d+", name)]
    checks.equal("NUMA cells", len(host.findall("topology/cells/cell")), max(len(nodes), 1))


def check_domain(checks, text, daemon):
    document = ET.fromstring(text)
    checks.equal("the type", document.findtext("domain"), "lxc")
    checks.equal("the architecture", document.findtext("arch"), os.uname().machine)
    checks.that("the controller exists", os.path.exists(document.findtext("path")))
    checks.equal("as many CPUs as maxvcpus tells", document.find("vcpu").get("max"),
                 daemon.virsh("maxvcpus").out.strip())
    known = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}
    checks.equal("namespaces", values(document, "os", "namespace"), sorted(known & set(os.listdir("/proc/self/ns"))))
    checks.equal("id maps", "process" in values(document, "os", "idmap"),
                 int(lines("/proc/sys/user/max_user_namespaces")[0]) > 0)
    last = int(lines("/proc/sys/kernel/cap_last_cap")[0])
    checks.equal("capabilities", len(values(document, "os", "capability")), min(last, 40) + 1)
    checks.equal("file systems of block devices", values(document, "filesystem", "blockFilesystem"),
                 [line[1:] for line in lines("/proc/filesystems") if line.startswith("\t")])
    checks.equal("loop devices", "file" in values(document, "filesystem", "type"), os.path.exists("/dev/loop-control"))
    checks.equal("hostdevs", values(document, "hostdev", "capsType"), ["storage", "misc", "net"])
    checks.equal("USB", values(document, "hostdev", "subsysType"), ["usb"] * os.path.isdir("/sys/bus/usb/devices"))
    checks.that("graphics", document.find("devices/graphics").get("supported") == "no")
    checks.that("memory controller", "memory" in values(document, "os", "cgroup"))


def check_arguments(checks, daemon):
    for words, error in (
            (["--virttype", "kvm"], "invalid argument: unknown virttype: kvm"),
            (["--arch", "vax"], "invalid argument: unknown architecture: vax"),
            (["--emulatorbin", "/bin/x"], "invalid argument: unknown emulator binary: /bin/x"),
            (["--machine", "pc"], "the machine 'pc' is not supported by emulator")):
        done = daemon.virsh("domcapabilities", *words)
        checks.that(f"domcapabilities {' '.join(words)}", done.status == 1 and error in done.err, repr(done))
    done = daemon.virsh("domcapabilities", "--virttype", "lxc", "--arch", os.uname().machine)
    checks.that("domcapabilities with everything", done.status == 0, repr(done))
    done = daemon.virsh("domcapabilities", readonly=True)
    checks.that("not on a read-only connection", "operation forbidden" in done.err, repr(done))


def main():
    t.need_program("virsh")
    t.need_program("xmllint")
    t.enter_namespaces()
    checks = t.Checks("capabilities")
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "s")) as daemon:
        host, domain = daemon.virsh("capabilities").out, daemon.virsh("domcapabilities").out
        valid(checks, "capabilities", host, os.path.join(t.SOURCE, "schemas/capabilities.rng"),
              f"{LIBVIRT_SCHEMAS}/capability.rng")
        valid(checks, "domcapabilities", domain, os.path.join(t.SOURCE, "schemas/capabilities-domain.rng"),
              f"{LIBVIRT_SCHEMAS}/domaincaps.rng")
        sysinfo = daemon.virsh("sysinfo")
        if sysinfo.status == 0:     # a host without SMBIOS has none
            valid(checks, "sysinfo", sysinfo.out, os.path.join(t.SOURCE, "schemas/sysinfo.rng"))
        check_host(checks, host)
        check_domain(checks, domain, daemon)
        check_arguments(checks, daemon)
        shell = t.execute([os.path.join(t.BUILD, "tools/skep/skep"), "--socket", f"{directory}/s/skep-sock",
                           "domcapabilities"])
        checks.equal("skep domcapabilities", shell.out.strip(), domain.strip())
    return checks.done()


sys.exit(main())
