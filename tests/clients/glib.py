#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt-glib by GObject introspection, as GNOME's programs use it: the connection and its lists, one domain's life,
its signals on GLib's main loop. With --oracle against stock libvirtd."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

try:
    import gi
    gi.require_version("LibvirtGLib", "1.0")
    gi.require_version("LibvirtGObject", "1.0")
    from gi.repository import GLib, LibvirtGLib, LibvirtGObject
except (ImportError, ValueError):
    gi = None

UUID = "1f9cf5a4-0020-4b5c-9f53-5a6d4c2b1e50"
SIGNALS = ("started", "suspended", "resumed", "stopped", "updated")


def until(condition, seconds=t.PATIENCE):
    """Turns GLib's loop, where events arrive, until the condition holds."""
    context = GLib.MainContext.default()

    def turned():
        while context.pending():
            context.iteration(False)
        return condition()
    return t.wait_until(turned, seconds)


def fails(checks, name, pattern, call, *arguments):
    try:
        call(*arguments)
    except GLib.Error as error:
        return checks.matches(name, pattern, error.message)
    return checks.that(f"{name} fails", False)


def check_connection(checks, conn, daemon):
    checks.equal("URI", conn.get_uri(), daemon.uri)
    checks.that("is open", conn.is_open())
    checks.equal("hypervisor", conn.get_hypervisor_name(), "LXC")
    checks.that("version is the kernel's", conn.get_version() >= 5000000)
    checks.equal("not read-only", conn.is_read_only(), False)
    conn.fetch_domains(None)
    checks.equal("no domains", conn.get_domains(), [])
    conn.fetch_storage_pools(None)
    checks.equal("no pools", conn.get_storage_pools(), [])
    node = conn.get_node_info()
    checks.that("node: memory", node.memory > 0)
    checks.that("node: CPUs", node.cpus >= 1)


def check_life(checks, conn, config):
    told = []
    conn.connect("domain-added", lambda _, dom: told.append(("added", dom.get_name())))
    conn.connect("domain-removed", lambda _, dom: told.append(("removed", dom.get_name())))
    dom = conn.create_domain(config)
    checks.equal("name and UUID", (dom.get_name(), dom.get_uuid()), ("glib", UUID))
    checks.that("signal domain-added", until(lambda: ("added", "glib") in told), told)
    own = []
    for signal in SIGNALS:
        dom.connect(signal, lambda _, name=signal: own.append(name))
    checks.equal("persistent", dom.get_persistent(), True)
    checks.equal("found by name", conn.find_domain_by_name("glib").get_uuid(), UUID)
    fails(checks, "stop while off", "domain is not running", dom.stop, 0)
    checks.that("start", dom.start(0))
    checks.that("signal started", until(lambda: "started" in own), own)
    info = dom.get_info()
    checks.equal("info", (info.state, info.maxMem, info.nrVirtCpu), (LibvirtGObject.DomainState.RUNNING, 65536, 1))
    checks.that("id is a process", os.path.exists(f"/proc/{dom.get_id()}"))
    running = dom.get_config(0)
    checks.equal("its config", running.get_name(), "glib")
    checks.that("suspend", dom.suspend())
    checks.that("signal suspended", until(lambda: "suspended" in own), own)
    checks.equal("is paused", dom.get_info().state, LibvirtGObject.DomainState.PAUSED)
    checks.that("resume", dom.resume())
    checks.that("signal resumed", until(lambda: "resumed" in own), own)
    dom.stop(0)
    checks.that("signal stopped", until(lambda: "stopped" in own), own)
    checks.equal("is off", dom.get_info().state, LibvirtGObject.DomainState.SHUTOFF)
    checks.equal("signals in order", [name for name in own if name != "updated"],
                 ["started", "suspended", "resumed", "stopped"])
    dom.delete(0)
    checks.that("signal domain-removed", until(lambda: ("removed", "glib") in told), told)
    fails(checks, "start of what is gone", "Domain not found|no domain", dom.start, 0)


def check_configs(checks, root):
    """A definition that the library itself writes."""
    gi.require_version("LibvirtGConfig", "1.0")
    from gi.repository import LibvirtGConfig
    LibvirtGConfig.init([])
    config = LibvirtGConfig.Domain.new_from_xml(t.domain_xml("glib", root, uuid=UUID))
    checks.equal("the library reads ours", config.get_name(), "glib")
    config.set_description("of the library")
    config.set_memory(65536)
    return config


def run(daemon, directory):
    checks = t.Checks(f"libvirt-glib on {daemon.name}")
    LibvirtGLib.init([])
    LibvirtGObject.init_object([])
    LibvirtGLib.event_register()
    root = t.busybox_root(os.path.join(directory, "root"))
    conn = LibvirtGObject.Connection.new(daemon.uri)
    conn.open(None)
    check_connection(checks, conn, daemon)
    check_life(checks, conn, check_configs(checks, root))
    conn.close()
    return checks.done()


def main():
    if gi is None:
        t.skip("needs gir1.2-libvirt-glib-1.0 and python3-gi (tools/deps clients)")
    t.enter_namespaces()
    with t.judged() as (directory, daemon):
        return run(daemon, directory)


status = main()
sys.stdout.flush()
os._exit(status)        # libvirt-glib's objects are not all given back before its loop
