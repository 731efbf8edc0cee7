# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ceilometer's compute inspector for libvirt, read-only, as its agent uses it. Run by large.py."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lib"))
import skeptest as t  # noqa: E402

import libvirt  # noqa: E402
from ceilometer.compute.virt import inspector as base  # noqa: E402
from ceilometer.compute.virt.libvirt import inspector  # noqa: E402
from ceilometer import service  # noqa: E402

UUID = "1f9cf5a4-0020-4b5c-9f53-5a6d4c2b1e60"


class Instance:
    def __init__(self, uuid, name):
        self.id, self.name = uuid, name
        setattr(self, "OS-EXT-SRV-ATTR:instance_name", name)


def main(uri, directory, name):
    checks = t.Checks(f"Ceilometer on {name}")
    conn = libvirt.open(uri)
    image = os.path.join(directory, "image")
    with open(image, "wb") as handle:
        handle.truncate(4 << 20)
    t.execute(["ip", "link", "add", "clbr0", "type", "bridge"])
    devices = ("<interface type='bridge'><mac address='52:54:00:0c:e1:01'/><source bridge='clbr0'/><target dev='clmet0'/>"
               "</interface>")
    if name == "skepd":     # stock cannot say what one disk has
        devices += f"<disk type='file'><driver name='loop' type='raw'/><source file='{image}'/><target dev='sda'/></disk>"
    dom = conn.defineXML(t.domain_xml("instance-1", directory + "/root", uuid=UUID, devices=devices, memory_kib=131072,
                                      args=("-c", "i=0; while :; do i=$((i+1)); done")))
    libvirt.registerErrorHandler(lambda *_: None, None)
    conf = service.prepare_service(argv=[], config_files=[])
    conf.set_override("libvirt_uri", uri)
    conf.set_override("libvirt_type", "lxc")
    looker = inspector.LibvirtInspector(conf)
    instance = Instance(UUID, "instance-1")
    try:
        looker.inspect_instance(instance)
        checks.that("off: shut off", False)
    except base.InstanceShutOffException:
        checks.that("off: shut off", True)
    try:
        looker.inspect_instance(Instance("1f9cf5a4-ffff-4b5c-9f53-5a6d4c2b1eff", "none"))
        checks.that("unknown: not found", False)
    except base.InstanceNotFoundException:
        checks.that("unknown: not found", True)
    dom.create()
    t.wait_until(lambda: dom.info()[4] > 50000000, 30)
    if name == "skepd":     # stock has no bulk statistics: NoDataException
        stats = looker.inspect_instance(instance)
        checks.equal("CPUs", stats.cpu_number, 1)
        checks.that("CPU time", stats.cpu_time >= 50000000, stats.cpu_time)
        checks.that("memory in use, MiB", 0 < stats.memory_usage < 128, stats.memory_usage)
        checks.that("memory resident, MiB", 0 < stats.memory_resident < 128, stats.memory_resident)
    else:
        try:
            looker.inspect_instance(instance)
            checks.that("stock has no figures", False)
        except base.NoDataException:
            checks.that("stock has no figures", True)
    vnics = list(looker.inspect_vnics(instance, None))
    checks.equal("interfaces", [(nic.name, nic.mac, nic.parameters["bridge"]) for nic in vnics],
                 [("clmet0", "52:54:00:0c:e1:01", "clbr0")])
    checks.that("their counters", vnics and vnics[0].rx_bytes >= 0 and vnics[0].tx_bytes >= 0)
    if name == "skepd":
        disk, = looker.inspect_disks(instance, None)
        checks.that("disk", disk.device == "sda" and disk.read_bytes >= 0 and disk.rd_total_times >= 0, disk)
        checks.equal("disk's size", [(one.device, one.capacity) for one in looker.inspect_disk_info(instance, None)],
                     [("sda", 4 << 20)])
    dom.destroy()
    dom.undefine()
    return checks.done()


sys.exit(main(*sys.argv[1:]))
