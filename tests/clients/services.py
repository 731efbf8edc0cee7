#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Services that keep containers: libvirt-guests ends them when the host goes down and starts them when it is up again; the
cluster's resource agent VirtualDomain (Pacemaker's) has them as resources; Foreman has them by fog-libvirt."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

GUESTS = "/usr/lib/libvirt/libvirt-guests.sh"
OCF = "/usr/lib/ocf"
AGENT = OCF + "/resource.d/heartbeat/VirtualDomain"
# exit codes of the Open Cluster Framework
SUCCESS, ERROR, NOT_RUNNING = 0, 1, 7
FOG = """\
node LXC true
server fog running 1 65536
shut down
started running
rebooted
off shutoff
networks 0 pools 0 volumes 0
gone true
"""


def definition(directory, name):
    """As virsh prints one: the agent finds the name by lines."""
    root = t.init_root(os.path.join(directory, name + "-root"))
    path = os.path.join(directory, name + ".xml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(t.domain_xml(name, root, init="/sbin/init", more="<features><privnet/></features>").replace("><", ">\n<"))
    return path


def check_guests(checks, directory, daemon):
    if not os.path.exists(GUESTS):
        t.skip("needs libvirt-daemon (tools/deps clients)")
    for path in ("/etc/default", "/var/lib/libvirt", "/run/lock"):
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", path], check=True)
    for name in ("first", "second"):
        checks.equal(f"define {name}", daemon.virsh("define", definition(directory, name)).status, 0)
        checks.equal(f"start {name}", daemon.virsh("start", name).status, 0)
    with open("/etc/default/libvirt-guests", "w", encoding="utf-8") as handle:
        handle.write(f"URIS='{daemon.uri}'\nON_BOOT=start\nON_SHUTDOWN=shutdown\nSHUTDOWN_TIMEOUT=300\nPARALLEL_SHUTDOWN=2\n")
    done = t.execute([GUESTS, "stop"], timeout=400)
    for name in ("first", "second"):
        checks.that(f"it says that {name} is down", f"Shutdown of guest {name} complete." in done.out, done)
        checks.equal(f"... and {name} is, in order", daemon.virsh("domstate", name, "--reason").out.strip(), "shut off (shutdown)")
    done = t.execute([GUESTS, "start"], timeout=400)
    for name in ("first", "second"):
        checks.that(f"it says that {name} is up again", f"Resuming guest {name}: done" in done.out, done)
        checks.equal(f"... and {name} is", daemon.state(name), "running")
    checks.equal("... which is success", done.status, 0)
    checks.matches("its list has both", r"first +running\n.*second +running", t.execute([GUESTS, "gueststatus"]).out)


def check_agent(checks, directory, daemon):
    if not os.path.exists(AGENT):
        t.skip("needs resource-agents (tools/deps clients)")
    env = dict(os.environ, OCF_ROOT=OCF, OCF_RESOURCE_INSTANCE="member", OCF_RESOURCE_TYPE="VirtualDomain", HA_RSCTMP=directory,
               OCF_RESKEY_config=definition(directory, "member"), OCF_RESKEY_hypervisor=daemon.uri,
               OCF_RESKEY_CRM_meta_timeout="300000", OCF_RA_VERSION_MAJOR="1", OCF_RA_VERSION_MINOR="0")
    for action, status, runs in (("validate-all", SUCCESS, False), ("monitor", NOT_RUNNING, False), ("start", SUCCESS, True),
                                 ("monitor", SUCCESS, True), ("start", SUCCESS, True), ("migrate_to", ERROR, True),
                                 ("stop", SUCCESS, False), ("monitor", NOT_RUNNING, False), ("stop", SUCCESS, False)):
        done = t.execute([AGENT, action], timeout=400, env=env)
        checks.that(f"{action}: {status}", done.status == status, done)
        checks.equal("... it runs" if runs else "... it does not run", daemon.virsh("list", "--name").out.split(),
                     ["member"] if runs else [])


def check_fog(checks, directory, daemon):
    if t.execute(["/usr/bin/ruby", "-rfog/libvirt", "-e1"]).status:
        t.skip("needs ruby-fog-libvirt (tools/deps clients)")
    checks.equal("define", daemon.virsh("define", definition(directory, "fog")).status, 0)
    checks.equal("start", daemon.virsh("start", "fog").status, 0)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bindings/fog.rb")
    done = t.execute(["/usr/bin/ruby", script, daemon.uri], timeout=400)
    checks.equal("what it sees and does", done.out, FOG)
    checks.equal("no complaint", (done.status, done.err), (0, ""))


def main():
    t.need_program("virsh")
    t.enter_namespaces()
    checks = t.Checks(sys.argv[1])
    check = {"guests": check_guests, "agent": check_agent, "fog": check_fog}[sys.argv[1]]
    with t.work_dir() as directory, t.Skepd(os.path.join(directory, "d")) as daemon:
        check(checks, directory, daemon)
    return checks.done()


sys.exit(main())
