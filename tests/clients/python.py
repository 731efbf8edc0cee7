#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3-libvirt drives the daemon: lifecycle, events, a console stream, passed descriptors, errors.

With --oracle it runs against stock libvirtd, to calibrate the script.
"""

import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

try:
    import libvirt
    import libvirt_lxc
except ImportError:
    libvirt = None

UUID = "1f9cf5a4-0020-4b5c-9f53-5a6d4c2b1e20"


class EventLoop:
    """libvirt's default event loop on a thread, and what it was told."""

    def __init__(self):
        libvirt.virEventRegisterDefaultImpl()
        self.ended = False
        self.seen = []
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.ended:
            libvirt.virEventRunDefaultImpl()

    def start(self):
        self.timer = libvirt.virEventAddTimeout(50, lambda *_: None, None)  # so that the thread can end
        self.thread.start()

    def note(self, *words):
        self.seen.append(words)

    def wait(self, *words):
        return t.wait_until(lambda: words in self.seen)


def fails(checks, name, code, call, *arguments):
    try:
        call(*arguments)
    except libvirt.libvirtError as error:
        return checks.equal(f"{name}: error code", error.get_error_code(), code)
    return checks.that(f"{name} fails", False)


def check_connection(checks, conn, daemon):
    checks.equal("getType", conn.getType(), "LXC")
    checks.equal("getURI", conn.getURI(), daemon.uri)
    checks.that("getLibVersion", conn.getLibVersion() >= 9000000)
    checks.that("getVersion is the kernel's", conn.getVersion() >= 5000000)
    checks.equal("getHostname", conn.getHostname(), os.uname().nodename)
    checks.that("getInfo", conn.getInfo()[0] == os.uname().machine and conn.getInfo()[2] >= 1)
    checks.that("isAlive", conn.isAlive() == 1)
    checks.equal("isEncrypted", conn.isEncrypted(), 0)
    checks.equal("isSecure", conn.isSecure(), 1)
    checks.matches("getCapabilities", "<os_type>exe</os_type>", conn.getCapabilities())
    checks.that("getFreeMemory", conn.getFreeMemory() > 0)
    checks.that("getMemoryStats", conn.getMemoryStats(-1)["total"] > 0)
    checks.that("getCPUStats", "user" in conn.getCPUStats(-1))
    checks.that("getCellsFreeMemory", len(conn.getCellsFreeMemory(0, 1)) == 1)
    checks.equal("no domains", (conn.numOfDomains(), conn.numOfDefinedDomains(), conn.listAllDomains()), (0, 0, []))
    checks.equal("no networks", (conn.numOfNetworks(), conn.listNetworks(), conn.listAllNetworks()), (0, [], []))
    checks.equal("no pools", (conn.numOfStoragePools(), conn.listDefinedStoragePools()), (0, []))
    checks.equal("no secrets and filters", (conn.listSecrets(), conn.listNWFilters()), ([], []))
    fails(checks, "networkLookupByName", libvirt.VIR_ERR_NO_NETWORK, conn.networkLookupByName, "none")
    fails(checks, "storagePoolLookupByName", libvirt.VIR_ERR_NO_STORAGE_POOL, conn.storagePoolLookupByName, "none")
    fails(checks, "lookupByName", libvirt.VIR_ERR_NO_DOMAIN, conn.lookupByName, "none")
    fails(checks, "lookupByUUIDString", libvirt.VIR_ERR_NO_DOMAIN, conn.lookupByUUIDString, UUID)
    fails(checks, "lookupByID", libvirt.VIR_ERR_NO_DOMAIN, conn.lookupByID, 4194305)
    fails(checks, "defineXML of nothing", libvirt.VIR_ERR_NO_NAME, conn.defineXML, "<domain type='lxc'/>")
    if daemon.name == "skepd":      # libvirt's LXC driver does not have it
        checks.matches("getDomainCapabilities", "<domain>lxc</domain>", conn.getDomainCapabilities(None, None, None, "lxc"))


def check_nets(checks, conn, root):
    """Virtual networks and filters: an interface that asks for one never comes up without it."""
    wanted = (("<interface type='network'><source network='default'/></interface>", "VIR_ERR_NO_NETWORK",
               "Network not found: no network with matching name 'default' (there are no virtual networks here: "
               "<interface type='bridge'> uses a bridge of the host)"),
              ("<interface type='ethernet'><filterref filter='clean-traffic'/></interface>", "VIR_ERR_NO_NWFILTER",
               "Network filter not found: no nwfilter with matching name 'clean-traffic' (there are no network "
               "filters here: only without <filterref> it runs, unfiltered)"))
    plain = conn.createXML(t.domain_xml("py-plain", root, init="/bin/sleep", args=["1000"],
                                          more="<features><privnet/></features>"), 0)
    for xml, code, text in wanted:
        domain = conn.defineXML(t.domain_xml("py-net", root, init="/bin/sleep", args=["1000"], devices=xml))
        for what, call, arguments in (("start", domain.create, ()), ("attach", plain.attachDeviceFlags, (xml, 1))):
            try:
                call(*arguments)
                checks.that(f"{what} with {xml} fails", False)
            except libvirt.libvirtError as error:
                checks.equal(f"{what} with {xml}", (error.get_error_code(), error.get_error_message()),
                             (getattr(libvirt, code), text))
        checks.equal(f"{xml}: off", domain.isActive(), 0)
        domain.undefine()
    plain.destroy()


def check_lifecycle(checks, conn, loop, root):
    domain = conn.defineXML(t.domain_xml("py", root, init="/bin/sh", uuid=UUID))
    checks.that("event defined", loop.wait("py", libvirt.VIR_DOMAIN_EVENT_DEFINED, 0), loop.seen)
    checks.equal("identity", (domain.name(), domain.UUIDString(), domain.ID()), ("py", UUID, -1))
    checks.equal("isActive, isPersistent, isUpdated",
                 (domain.isActive(), domain.isPersistent(), domain.isUpdated()), (0, 1, 0))
    checks.equal("OSType", domain.OSType(), "exe")
    checks.equal("lookupByUUIDString", conn.lookupByUUIDString(UUID).name(), "py")
    checks.equal("listDefinedDomains", conn.listDefinedDomains(), ["py"])
    fails(checks, "destroy while off", libvirt.VIR_ERR_OPERATION_INVALID, domain.destroy)
    domain.setAutostart(1)
    checks.equal("autostart", domain.autostart(), 1)
    domain.setAutostart(0)
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<a b='1'/>", "k", "urn:x-py", 2)
    checks.matches("metadata", "<a b=.1./>", domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "urn:x-py", 2))
    fails(checks, "metadata of another name", libvirt.VIR_ERR_NO_DOMAIN_METADATA, domain.metadata,
          libvirt.VIR_DOMAIN_METADATA_ELEMENT, "urn:none", 2)

    domain.create()
    checks.that("event started", loop.wait("py", libvirt.VIR_DOMAIN_EVENT_STARTED, 0), loop.seen)
    checks.that("ID is a process", os.path.exists(f"/proc/{domain.ID()}"))
    checks.equal("state", domain.state(), [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED])
    checks.equal("listDomainsID", conn.listDomainsID(), [domain.ID()])
    checks.equal("lookupByID", conn.lookupByID(domain.ID()).name(), "py")
    fails(checks, "create while on", libvirt.VIR_ERR_OPERATION_INVALID, domain.create)
    info = domain.info()
    checks.equal("info", (info[0], info[1], info[3]), (libvirt.VIR_DOMAIN_RUNNING, 65536, 1))
    checks.equal("maxMemory", domain.maxMemory(), 65536)
    domain.setMemoryFlags(32768, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    checks.equal("memoryParameters", domain.memoryParameters()["hard_limit"], 32768)
    domain.setMemoryParameters({"hard_limit": 49152}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    checks.equal("setMemoryParameters", domain.memoryParameters()["hard_limit"], 49152)
    domain.setSchedulerParametersFlags({"cpu_shares": 512}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    checks.equal("schedulerParameters", domain.schedulerParameters()["cpu_shares"], 512)
    domain.suspend()
    checks.equal("state paused", domain.state()[0], libvirt.VIR_DOMAIN_PAUSED)
    checks.that("event suspended", loop.wait("py", libvirt.VIR_DOMAIN_EVENT_SUSPENDED, 0), loop.seen)
    domain.resume()
    checks.that("event resumed", loop.wait("py", libvirt.VIR_DOMAIN_EVENT_RESUMED, 0), loop.seen)
    descriptors = libvirt_lxc.lxcOpenNamespace(domain, 0)
    checks.that("lxcOpenNamespace", len(descriptors) >= 4 and
                any("pid:" in os.readlink(f"/proc/self/fd/{fd}") for fd in descriptors), descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    return domain


def check_console(checks, conn, domain):
    # never a blocking read beside the thread of the event loop: libvirt's client can lose its wake-up (streams.py)
    stream = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
    domain.openConsole(None, stream, 0)
    stream.send(b"\recho str''eam\r")
    got = bytearray()

    def arrived():
        data = stream.recv(4096)
        if isinstance(data, bytes):
            got.extend(data)
        return b"\nstream" in got
    checks.that("console stream", t.wait_until(arrived), got)
    stream.finish()

    stream = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
    domain.openConsole(None, stream, 0)
    got = []

    def readable(a_stream, events, _):
        if events & libvirt.VIR_STREAM_EVENT_READABLE:
            data = a_stream.recv(4096)
            if isinstance(data, bytes):
                got.append(data)

    stream.eventAddCallback(libvirt.VIR_STREAM_EVENT_READABLE, readable, None)
    stream.send(b"\recho asyn''chronous\r")
    checks.that("console stream with callbacks", t.wait_until(lambda: b"\nasynchronous" in b"".join(got)), got)
    stream.eventRemoveCallback()
    stream.abort()


def check_stats(checks, conn, domain):
    """Bulk statistics, and the calls that figures are read by one by one; libvirt's LXC driver has few of them."""
    records = conn.getAllDomainStats(0, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE)
    found = {record.name(): values for record, values in records}
    stats = found.get("py", {})
    checks.that("getAllDomainStats", stats.get("state.state") == 1 and stats.get("cpu.time", 0) > 0 and
                stats.get("balloon.maximum") == 65536 and stats.get("vcpu.current") == 1, found)
    some = conn.domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_STATE)
    checks.equal("domainListGetStats", [(record.name(), sorted(values)) for record, values in some],
                 [("py", ["state.reason", "state.state"])])
    # the kernel counts in heaps, and every two seconds
    checks.that("memoryStats", t.wait_until(lambda: domain.memoryStats()["rss"] > 0), domain.memoryStats())
    checks.that("getCPUStats", domain.getCPUStats(True)[0]["cpu_time"] > 0)
    checks.equal("maxVcpus", domain.maxVcpus(), 1)
    checks.equal("vcpusFlags", domain.vcpusFlags(libvirt.VIR_DOMAIN_AFFECT_LIVE), 1)
    checks.equal("vcpus", [row[:2] for row in domain.vcpus()[0]], [(0, libvirt.VIR_VCPU_RUNNING)])
    checks.equal("hostname", domain.hostname(libvirt.VIR_DOMAIN_GET_HOSTNAME_AGENT), "py")
    inside = domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
    checks.that("interfaceAddresses", inside.get("lo", {}).get("addrs", [{}])[0].get("addr") == "127.0.0.1", inside)
    checks.equal("guestInfo", domain.guestInfo(libvirt.VIR_DOMAIN_GUEST_INFO_HOSTNAME), {"hostname": "py"})
    checks.that("fsInfo", "/" in [row[0] for row in domain.fsInfo()])
    checks.equal("jobStats", domain.jobStats().get("type"), libvirt.VIR_DOMAIN_JOB_NONE)
    checks.that("getTime", abs(domain.getTime()["seconds"] - t.time.time()) < 60)


def check_hotplug(checks, conn, loop, domain, root):
    """Devices come and go, live and in the saved definition, with their events."""
    for kind in ("ADDED", "REMOVED"):
        conn.domainEventRegisterAny(domain, getattr(libvirt, f"VIR_DOMAIN_EVENT_ID_DEVICE_{kind}"),
                                    lambda c, d, alias, what: loop.note(d.name(), what, alias), kind)
    os.makedirs(os.path.join(root, "plug"), exist_ok=True)
    os.makedirs(os.path.join(root, "from"), exist_ok=True)
    xml = (f"<filesystem type='mount'><source dir='{root}/from'/><target dir='/plug'/><alias name='ua-plug'/></filesystem>")
    domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    checks.that("attachDevice, live", "ua-plug" in domain.XMLDesc(0) and
                "ua-plug" not in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    checks.that("event device-added", loop.wait("py", "ADDED", "ua-plug"), loop.seen)
    fails(checks, "attachDevice a second time", libvirt.VIR_ERR_OPERATION_FAILED, domain.attachDeviceFlags, xml, 1)
    domain.detachDeviceAlias("ua-plug", libvirt.VIR_DOMAIN_AFFECT_LIVE)
    checks.that("event device-removed", loop.wait("py", "REMOVED", "ua-plug"), loop.seen)
    checks.that("detachDeviceAlias", "ua-plug" not in domain.XMLDesc(0))
    both = libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG
    domain.attachDeviceFlags(xml, both)
    checks.that("attachDevice, both", "ua-plug" in domain.XMLDesc(0) and
                "ua-plug" in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    domain.detachDeviceFlags(xml, both)
    checks.that("detachDevice, both", "ua-plug" not in domain.XMLDesc(0) + domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    fails(checks, "detachDevice of none", libvirt.VIR_ERR_DEVICE_MISSING, domain.detachDeviceAlias, "ua-none", 1)
    fails(checks, "attachDevice of nonsense", libvirt.VIR_ERR_CONFIG_UNSUPPORTED, domain.attachDeviceFlags, "<nonsense/>", 1)


def check_files(checks, conn, root):
    read_end, write_end = os.pipe()
    xml = t.domain_xml("fds", root, init="/bin/sh", args=["-c", "cat &lt;&amp;3 &gt;/given; sleep 1000"])
    domain = conn.createXMLWithFiles(xml, [read_end], 0)
    os.close(read_end)
    os.write(write_end, b"through a descriptor\n")
    os.close(write_end)
    path = os.path.join(root, "given")

    def given():
        return open(path, "rb").read() if os.path.exists(path) else b""
    checks.equal("createXMLWithFiles", t.wait_until(given), b"through a descriptor\n")
    checks.equal("transient", domain.isPersistent(), 0)
    domain.destroy()
    fails(checks, "a destroyed transient domain", libvirt.VIR_ERR_NO_DOMAIN, domain.info)


def check_autodestroy(checks, daemon, conn, root):
    other = libvirt.open(daemon.uri)
    other.createXML(t.domain_xml("auto", root, init="/bin/sleep", args=["1000"]),
                    libvirt.VIR_DOMAIN_START_AUTODESTROY)
    checks.equal("autodestroy: running", [d.name() for d in conn.listAllDomains(1) if d.name() == "auto"], ["auto"])
    other.close()
    checks.that("autodestroy: gone with its connection",
                t.wait_until(lambda: "auto" not in [d.name() for d in conn.listAllDomains()]))


def check_readonly(checks, daemon):
    conn = libvirt.openReadOnly(daemon.uri)
    domain = conn.lookupByName("py")
    checks.equal("read-only: state", domain.state()[0], libvirt.VIR_DOMAIN_RUNNING)
    for name, call in (("destroy", domain.destroy), ("suspend", domain.suspend), ("undefine", domain.undefine),
                       ("shutdown", domain.shutdown)):
        try:
            call()
            checks.that(f"read-only: {name} is forbidden", False)
        except libvirt.libvirtError as error:
            checks.equal(f"read-only: {name}", error.get_error_code(), libvirt.VIR_ERR_OPERATION_DENIED)
    fails(checks, "read-only: secure XML", libvirt.VIR_ERR_OPERATION_DENIED, domain.XMLDesc,
          libvirt.VIR_DOMAIN_XML_SECURE)
    conn.close()


def check_threads(checks, conn):
    """One connection from many threads at once: replies find their callers."""
    wrong = []

    def ask(number):
        for _ in range(50):
            if number % 2:
                if conn.lookupByName("py").UUIDString() != UUID:
                    wrong.append(number)
            elif conn.getType() != "LXC":
                wrong.append(number)
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    checks.equal("eight threads", wrong, [])


def run(daemon, directory):
    checks = t.Checks(f"python3-libvirt, {daemon.name}")
    root = t.busybox_root(os.path.join(directory, "root"))
    libvirt.registerErrorHandler(lambda *_: None, None)
    loop = EventLoop()
    loop.start()
    conn = libvirt.open(daemon.uri)
    conn.setKeepAlive(1, 200)       # a machine that stands still for some seconds is no dead peer
    conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                lambda c, d, event, detail, o: loop.note(d.name(), event, detail), None)
    check_connection(checks, conn, daemon)
    domain = check_lifecycle(checks, conn, loop, root)
    check_console(checks, conn, domain)
    if daemon.name == "skepd":
        check_stats(checks, conn, domain)
        check_hotplug(checks, conn, loop, domain, root)
        check_nets(checks, conn, root)
    check_files(checks, conn, root)
    check_autodestroy(checks, daemon, conn, root)
    check_readonly(checks, daemon)
    check_threads(checks, conn)
    domain.destroy()
    checks.that("event stopped", loop.wait("py", libvirt.VIR_DOMAIN_EVENT_STOPPED,
                                           libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED), loop.seen)
    checks.equal("state destroyed", domain.state(), [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED])
    domain.undefine()
    checks.that("event undefined", loop.wait("py", libvirt.VIR_DOMAIN_EVENT_UNDEFINED, 0), loop.seen)
    conn.close()
    return checks.done()


def main():
    if libvirt is None:
        t.skip("needs python3-libvirt (tools/deps installs it)")
    t.enter_namespaces()
    with t.judged() as (directory, daemon):
        return run(daemon, directory)


status = main()
sys.stdout.flush()
os._exit(status)    # the event loop's thread may sit in libvirt
