#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that watch or fence domains through libvirt: munin's plugins, Nagios' check_libvirt, the Prometheus
exporter, collectd's virt plugin, fence_virtd. They come as Debian has them; only configuration is ours.

  monitoring.py [--oracle] munin|nagios|prometheus|collectd|fence
"""

import glob
import http.client
import os
import re
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

# Takes some CPU time and has an interface, a root and a disk to speak of.
BUSY = ["-c", "while :; do i=0; while [ $i -lt 500 ]; do i=$((i+1)); done; sleep 0.1; done"]


class Watched:
    """A daemon with one running container "one" and a defined one "two"."""

    def __init__(self, daemon, directory):
        self.daemon, self.directory = daemon, directory
        root = t.busybox_root(os.path.join(directory, "root"))
        for words in (("add", "skbr0", "type", "bridge"), ("set", "skbr0", "up")):
            subprocess.run(["ip", "link", *words], check=True)
        interface = "<interface type='bridge'><source bridge='skbr0'/><target dev='skmon0'/></interface>"
        for name, args, devices in (("one", [word.replace("&", "&amp;").replace("<", "&lt;") for word in BUSY], interface),
                                    ("two", [], "")):
            path = os.path.join(directory, name + ".xml")
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(t.domain_xml(name, root, args=args, devices=devices))
            defined = daemon.virsh("define", path)
            if defined.status:
                raise RuntimeError(defined.err)
        started = daemon.virsh("start", "one")
        if started.status:
            raise RuntimeError(started.err)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as handle:
            handle.write(text)
        os.chmod(self.path(name), 0o600)
        return self.path(name)

    def background(self, *command, log):
        return t.Program(command, stdout=open(self.path(log), "wb"), stderr=subprocess.STDOUT,
                         stdin=subprocess.DEVNULL, preexec_fn=t.die_with_parent)


def check_munin(checks, watched):
    for plugin, pattern in (("mem", r"^one_mem\.value [1-9]\d*$"), ("cputime", r"^one_cputime\.value [1-9]\d*$"),
                            ("ifstat", r"^one_rx\.value \d+$"), ("blkstat", r"^one_read\.value \d+$")):
        path = f"/usr/share/munin/plugins/libvirt-{plugin}"
        if not os.path.exists(path):
            t.skip("needs munin-libvirt-plugins (tools/deps clients)")
        env = dict(os.environ, uri=watched.daemon.uri, tmpfile=watched.path("munin"), MUNIN_PLUGSTATE=watched.directory)
        config = t.execute([path, "config"], env=env)
        checks.that(f"munin {plugin} config", config.status == 0 and "one" in config.out and not config.err, config)
        def well(path=path, env=env, pattern=pattern):
            values = t.execute([path], env=env)
            seen.append(values)
            return values.status == 0 and re.search(pattern, values.out, re.M) and not values.err
        seen = []
        # until the container has had time enough to be counted
        checks.that(f"munin {plugin}", t.wait_until(well, step=0.2), seen[-1])


def check_nagios(checks, watched):
    path = "/usr/lib/nagios/plugins/check_libvirt"
    if not os.path.exists(path):
        t.skip("needs monitoring-plugins-contrib (tools/deps clients)")
    state = "/var/lib/nagios"      # it remembers its last figures there
    os.makedirs(state, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", state], check=True)
    os.makedirs(state + "/.cache/check_libvirt")

    def check(*words):
        return t.execute([path, "-H", watched.daemon.uri, *words], env=dict(os.environ, HOME=watched.directory))
    listed = check("-l", "LIST")
    checks.matches("nagios LIST", r"^CHECK_LIBVIRT \w+ - 1/2 VMs up: .*one\(running\)", listed.out)
    for what in ("POOL", "VOLUME"):
        checks.equal(f"nagios {what}", (check("-l", what).status, check("-l", what).out), (0, "CHECK_LIBVIRT OK\n"))
    checks.matches("nagios MEM", r"OK - MEM usage = \d+\.\d+ MB", check("-N", "one", "-l", "MEM").out)
    for what, pattern in (("CPU", r"OK - CPU usage = \d+\.\d+ %"), ("NET", r"OK - .*(net_one|rx|tx|NET)"),
                          ("IO", r"OK - (IO|.*io)")):
        checks.matches(f"nagios {what}, the first time", "first time of data collection", check("-N", "one", "-l", what).out)
        t.time.sleep(1.1)       # it counts in whole seconds
        checks.matches(f"nagios {what}", pattern, check("-N", "one", "-l", what).out)
    checks.equal("nagios about a container that is not there", check("-N", "nosuch", "-l", "MEM").status != 0, True)
    subprocess.run(["umount", state], check=True)       # it stays: without it, what another test has mounted there would go


def check_prometheus(checks, watched):
    t.need_program("prometheus-libvirt-exporter")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        os.environ.pop(name, None)

    def scrape():
        try:
            return urllib.request.urlopen("http://127.0.0.1:19177/metrics", timeout=60).read().decode()
        except (OSError, http.client.HTTPException):
            return ""
    with watched.background("prometheus-libvirt-exporter", "--web.listen-address=127.0.0.1:19177",
                            f"--libvirt.uri={watched.daemon.uri}", log="exporter.log") as exporter:
        text, metrics = "", {}

        def counted():      # the container's processor time, too
            nonlocal text, metrics
            text = scrape()
            metrics = dict(re.findall(r'^(libvirt_\w+)(?:\{[^}]*domain="one"[^}]*\})? ([\d.e+-]+)$', text, re.M))
            return float(metrics.get("libvirt_domain_info_cpu_time_seconds_total", 0)) > 0
        t.wait_until(counted, step=0.2)
        exporter.terminate()
    uuid = watched.daemon.virsh("domuuid", "one").out.strip()
    checks.equal("prometheus: up", metrics.get("libvirt_up"), "1")
    checks.equal("prometheus: state", metrics.get("libvirt_domain_state_code"), "1")
    checks.equal("prometheus: memory", float(metrics.get("libvirt_domain_info_maximum_memory_bytes", 0)), 65536.0 * 1024)
    checks.that("prometheus: CPU time", float(metrics.get("libvirt_domain_info_cpu_time_seconds_total", 0)) > 0, metrics)
    checks.that("prometheus: names the container", f'domain="one",uuid="{uuid}"' in text, text)
    checks.that("prometheus: counters of the interface", 'target_device="skmon0"' in text, text)


COLLECTD = """\
BaseDir "{0}"
PIDFile "{0}/collectd.pid"
Interval 1
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "{0}/collectd.log"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "{0}/csv"
</Plugin>
LoadPlugin virt
<Plugin virt>
  Connection "{1}"
  RefreshInterval 2
  HostnameFormat name
  InterfaceFormat name
  ExtraStats "cpu_util disk domain_state fs_info job_stats_background memory vcpu vcpupin"
</Plugin>
"""


def check_collectd(checks, watched, ours):
    t.need_program("collectd")
    conf = watched.write("collectd.conf", COLLECTD.format(watched.directory, watched.daemon.uri))
    wanted = ["domain_state", "memory-total", "memory-rss", "virt_cpu_total", "percent-virt_cpu_total", "if_octets-skmon0",
              "if_packets-skmon0"]
    if ours:        # of libvirt's LXC driver collectd switches them off
        wanted += ["virt_vcpu-0", "cpu_affinity-vcpu_0-cpu_0"]

    def kinds():
        return [re.sub(r"-\d{4}-\d\d-\d\d$", "", os.path.basename(path))
                for path in glob.glob(watched.path("csv/one/virt*/*"))]
    with watched.background("collectd", "-f", "-C", conf, log="collectd.out") as collectd:
        t.wait_until(lambda: set(wanted) <= set(kinds()))
        collectd.terminate()
    for name in wanted:
        checks.that(f"collectd writes {name}", name in kinds(), kinds())
    with open(watched.path("collectd.log"), encoding="utf-8") as handle:
        log = handle.read()
    off = re.findall("Disabled unsupported ExtraStats selector: (.*)", log)
    checks.equal("collectd switches off what there is not", sorted(off),
                 [] if ours else ["fs_info", "job_stats_background", "vcpu", "vcpupin"])
    if ours:
        checks.equal("collectd complains of nothing", re.findall("virt plugin: .*[Ff]ailed.*", log), [])
        checks.matches("collectd notes the file systems", "host = one, plugin = virt, type = file_system", log)


def check_fence(checks, watched):
    t.need_program("fence_virtd")
    key = watched.write("key", "a shared secret of this test, long enough for it" * 4)
    conf = watched.write("fence.conf", f"""\
fence_virtd {{ listener = "tcp"; backend = "libvirt"; }}
listeners {{ tcp {{ key_file = "{key}"; address = "127.0.0.1"; port = "11229"; }} }}
backends {{ libvirt {{ uri = "{watched.daemon.uri}"; }} }}
""")

    def fence(what, name="one"):
        return t.execute(["fence_virt", "-T", "127.0.0.1", "-p", "11229", "-t", "120", "-k", key, "-o", what, "-H", name])
    with watched.background("fence_virtd", "-F", "-f", conf, "-p", watched.path("fence.pid"), log="fence.log") as fenced:
        listed = t.wait_until(lambda: (lambda done: done.out if done.status == 0 else "")(fence("list")))
        checks.matches("fence_virt lists", r"one +[0-9a-f-]{36} on\ntwo +[0-9a-f-]{36} off\n", listed or "")
        first = watched.daemon.virsh("domid", "one").out
        for what, out, status, state in (("status", "Status: ON\n", 0, "running"), ("off", "", 0, "shut off"),
                                         ("status", "Status: OFF\n", 2, "shut off"), ("on", "", 0, "running"),
                                         ("reboot", "", 0, "running")):
            done = fence(what)
            checks.equal(f"fence_virt {what}", (done.out, done.status), (out, status))
            checks.equal(f"... the container is {state}", watched.daemon.state("one"), state)
        checks.that("a fenced container is another one", watched.daemon.virsh("domid", "one").out != first)
        fenced.terminate()


def main():
    program = sys.argv[-1]
    check = {"munin": check_munin, "nagios": check_nagios, "prometheus": check_prometheus, "collectd": check_collectd,
             "fence": check_fence}[program]
    t.enter_namespaces()
    t.need_program("virsh")
    checks = t.Checks(program)
    oracle = "--oracle" in sys.argv[1:]
    with t.judged() as (directory, daemon):
        watched = Watched(daemon, directory)
        check(checks, watched, *([not oracle] if check == check_collectd else []))
    sys.exit(checks.done())


if __name__ == "__main__":
    main()
