# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nova's libvirt driver for virt_type=lxc: its classes for host and guest, without the services around them (a compute
node needs keystone, a message bus and a data base). Run by large.py."""

import eventlet
eventlet.monkey_patch()

import os  # noqa: E402
import sys  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lib"))
import skeptest as t  # noqa: E402

import libvirt  # noqa: E402
import nova.conf  # noqa: E402
from nova import config, objects  # noqa: E402
from nova.compute import power_state  # noqa: E402
from oslo_utils import timeutils  # noqa: E402
from nova.virt import event as virtevent  # noqa: E402
from nova.virt.libvirt import config as vconfig  # noqa: E402
from nova.virt.libvirt import driver, guest  # noqa: E402

CONF = nova.conf.CONF
UUID = "1f9cf5a4-0020-4b5c-9f53-5a6d4c2b1e70"
STARTED, STOPPED, PAUSED, RESUMED = (virtevent.EVENT_LIFECYCLE_STARTED, virtevent.EVENT_LIFECYCLE_STOPPED,
                                     virtevent.EVENT_LIFECYCLE_PAUSED, virtevent.EVENT_LIFECYCLE_RESUMED)


def definition(root):
    """As Nova writes it, of its own classes."""
    conf = vconfig.LibvirtConfigGuest()
    conf.virt_type, conf.name, conf.uuid = "lxc", "instance-00000001", UUID
    conf.memory, conf.vcpus, conf.os_type = 65536, 1, "exe"
    conf.os_init_path = "/bin/sh"
    conf.os_cmdline = "console=tty0 console=ttyS0 console=hvc0"
    conf.cputune = vconfig.LibvirtConfigGuestCPUTune()
    conf.cputune.shares = 1024
    files = vconfig.LibvirtConfigGuestFilesys()
    files.source_type, files.source_dir = "mount", root
    conf.add_device(files)
    conf.add_device(vconfig.LibvirtConfigGuestConsole())
    conf.devices[-1].type = "pty"
    return conf


def check_host(checks, libvirt_driver):
    host = libvirt_driver._host
    checks.equal("driver type", host.get_driver_type(), "LXC")
    checks.that("version", host.get_version() >= 5000000)
    checks.equal("hostname", host.get_hostname(), os.uname().nodename)
    caps = host.get_capabilities()
    checks.equal("capabilities", caps.host.cpu.arch, "x86_64")
    checks.that("capabilities: exe by lxc", any(one.ostype == "exe" and "lxc" in one.domains for one in caps.guests))
    checks.that("online CPUs", host.get_online_cpus() == set(range(os.cpu_count())), host.get_online_cpus())
    checks.that("memory", 0 < host.get_memory_mb_used() < host.get_memory_mb_total())
    stats = host.get_cpu_stats()
    checks.that("CPU statistics", {"user", "kernel", "idle", "iowait", "frequency"} <= set(stats), stats)
    checks.equal("no guests", host.list_guests(), [])
    checks.equal("no instances", (libvirt_driver.list_instances(), libvirt_driver.list_instance_uuids(),
                                  libvirt_driver.get_num_instances()), ([], [], 0))
    checks.equal("CPU control policy", host.is_cpu_control_policy_capable(), True)
    checks.equal("hyperthreading is known", host.has_hyperthreading in (True, False), True)
    checks.equal("no secret", host.find_secret("volume", "none"), None)
    checks.that("network devices", isinstance(host.list_all_devices(
        flags=libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET), list))
    checks.equal("no mediated devices", host.list_mediated_devices(), [])
    checks.equal("no PCI devices of a kind that none is", [name for name in host.list_pci_devices() if "none" in name], [])
    checks.equal("node", libvirt_driver.get_available_nodes(), [os.uname().nodename])
    checks.that("uptime", "load average" in libvirt_driver.get_host_uptime())
    checks.equal("VCPUs in use", libvirt_driver._get_vcpu_used(), 0)
    checks.equal("VCPUs there are", libvirt_driver._get_vcpu_available(), set(range(os.cpu_count())))
    checks.that("CPU information", libvirt_driver._get_cpu_info()["arch"] == "x86_64")
    checks.that("instance capabilities", ("x86_64", "lxc", "exe") in
                [tuple(str(word) for word in one) for one in libvirt_driver._get_instance_capabilities()],
                libvirt_driver._get_instance_capabilities())


def check_guest(checks, libvirt_driver, root, events):
    host = libvirt_driver._host
    instance = objects.Instance(uuid=UUID, id=1, info_cache=None, system_metadata={}, config_drive="",
                                launched_at=timeutils.utcnow(with_timezone=True), image_ref="")
    one = guest.Guest.create(definition(root).to_xml(), host)
    checks.equal("created", (one.uuid, one.name, one.is_active(), one.has_persistent_configuration()),
                 (UUID, "instance-00000001", 0, 1))
    checks.equal("exists", libvirt_driver.instance_exists(instance), True)
    checks.equal("instances", libvirt_driver.list_instance_uuids(), [UUID])
    checks.equal("state before", one.get_power_state(host), power_state.SHUTDOWN)
    one.launch()
    checks.equal("state after launch", one.get_power_state(host), power_state.RUNNING)
    checks.that("event started", t.wait_until(lambda: STARTED in events, 60), events)
    checks.equal("info", libvirt_driver.get_info(instance, use_cache=False).state, power_state.RUNNING)
    checks.equal("guests", [found.uuid for found in host.list_guests()], [UUID])
    checks.equal("VCPUs in use now", libvirt_driver._get_vcpu_used(), 1)
    config_seen = one.get_config()
    checks.equal("configuration", (config_seen.name, config_seen.uuid), ("instance-00000001", UUID))
    checks.equal("no disks", one.get_all_disks(), [])
    libvirt_driver.pause(instance)
    checks.equal("paused", one.get_power_state(host), power_state.PAUSED)
    checks.that("event paused", t.wait_until(lambda: PAUSED in events, 60), events)
    libvirt_driver.unpause(instance)
    checks.equal("resumed", one.get_power_state(host), power_state.RUNNING)
    checks.that("event resumed", t.wait_until(lambda: RESUMED in events, 60), events)
    checks.that("diagnostics", libvirt_driver.get_instance_diagnostics(instance).state == "running")
    checks.that("the old diagnostics", "memory" in libvirt_driver.get_diagnostics(instance),
                libvirt_driver.get_diagnostics(instance))
    one.poweroff()
    checks.equal("powered off", one.get_power_state(host), power_state.SHUTDOWN)
    checks.that("event stopped", t.wait_until(lambda: STOPPED in events, 60), events)
    checks.equal("events in order", events[:4], [STARTED, PAUSED, RESUMED, STOPPED])
    one.delete_configuration()
    checks.equal("gone", libvirt_driver.instance_exists(instance), False)
    checks.equal("no instances again", libvirt_driver.list_instances(), [])


def main(uri, directory, name):
    checks = t.Checks(f"Nova on {name}")
    objects.register_all()
    config.parse_args(["nova-compute"], default_config_files=[])
    CONF.set_override("connection_uri", uri, group="libvirt")
    CONF.set_override("virt_type", "lxc", group="libvirt")
    CONF.set_override("compute_driver", "libvirt.LibvirtDriver")
    CONF.set_override("instances_path", directory)
    libvirt_driver = driver.LibvirtDriver(None)
    events = []
    # It would tell the data base that the node is there.
    libvirt_driver._host._conn_event_handler = lambda *_: None
    libvirt_driver._host._lifecycle_delay = 0
    libvirt_driver._host._lifecycle_event_handler = lambda event: events.append(event.get_transition()) \
        if isinstance(event, virtevent.LifecycleEvent) else None
    libvirt_driver._host.initialize()
    check_host(checks, libvirt_driver)
    check_guest(checks, libvirt_driver, os.path.join(directory, "root"), events)
    return checks.done()


status = main(*sys.argv[1:])
sys.stdout.flush()
os._exit(status)        # its native thread sits in libvirt's event loop
