# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ansible with community.libvirt: the modules virt, virt_net and virt_pool, the inventory of containers, and the connection
plugin that runs tasks inside one by "virsh -c lxc:///". Run by large.py."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lib"))
import skeptest as t  # noqa: E402

import libvirt  # noqa: E402

UUID = "1f9cf5a4-0020-4b5c-9f53-5a6d4c2b1e80"
ENV = dict(os.environ, ANSIBLE_STDOUT_CALLBACK="json", ANSIBLE_LOAD_CALLBACK_PLUGINS="1", ANSIBLE_NOCOLOR="1",
           ANSIBLE_HOME="/root/.ansible", ANSIBLE_LOCAL_TEMP="/tmp/.ansible", ANSIBLE_REMOTE_TEMP="/tmp/.ansible",
           ANSIBLE_LIBVIRT_LXC_NOSECLABEL="1", LIBVIRT_LXC_NOSECLABEL="1")


def module(module_name, **arguments):
    """The module's own answer, or what went wrong."""
    done = t.execute(["ansible", "localhost", "-c", "local", "-i", "localhost,", "-m", f"community.libvirt.{module_name}",
                      "-e", "ansible_python_interpreter=/usr/bin/python3", "-a", json.dumps(arguments)], env=ENV, timeout=300)
    try:
        return json.loads(done.out)["plays"][0]["tasks"][0]["hosts"]["localhost"]
    except (ValueError, LookupError):
        return {"failed": True, "msg": repr(done)}


def check_virt(checks, uri, root):
    def virt(**arguments):
        return module("virt", uri=uri, **arguments)
    xml = t.domain_xml("play", root, uuid=UUID)
    defined = virt(command="define", xml=xml)
    checks.that("define", defined.get("created") == "play" and defined["changed"], defined)
    again = virt(command="define", xml=xml)
    checks.that("define again changes nothing", not again.get("changed") and not again.get("failed"), again)
    checks.equal("list_vms", virt(command="list_vms").get("list_vms"), ["play"])
    for state, wanted in (("running", "running"), ("paused", "paused"), ("running", "running"), ("destroyed", "shutdown")):
        done = virt(name="play", state=state)
        checks.that(f"state={state}", not done.get("failed") and done.get("changed"), done)
        checks.equal(f"... status {wanted}", virt(name="play", command="status").get("status"), wanted)
    started = virt(name="play", command="start")
    checks.that("start", not started.get("failed"), started)
    checks.equal("... it runs", virt(name="play", command="status").get("status"), "running")
    same = virt(name="play", state="running")
    checks.that("running already: nothing changes", not same.get("changed") and not same.get("failed"), same)
    info = virt(command="info").get("play", {})
    checks.that("info", info.get("state") == "running" and info.get("maxMem") == "65536" and info.get("nrVirtCpu") == 1, info)
    checks.matches("get_xml", "<init>/bin/sh</init>", virt(name="play", command="get_xml").get("get_xml", ""))
    checks.equal("nodeinfo", virt(command="nodeinfo").get("cpumodel"), "x86_64")
    checks.that("freemem", virt(command="freemem").get("freemem", 0) > 0)
    checks.that("autostart", virt(name="play", autostart=True).get("changed"))
    missing = virt(name="none", command="status")
    checks.matches("status of none", "not found|no domain", str(missing.get("msg")))
    twice = virt(name="play", command="create", xml=xml)
    checks.that("create of what runs fails", twice.get("failed"), twice)


def check_secondary(checks, uri):
    nets = module("virt_net", uri=uri, command="list_nets")
    checks.equal("virt_net list_nets", nets.get("list_nets"), [])
    facts = module("virt_net", uri=uri, command="facts")
    checks.that("virt_net facts", "ansible_libvirt_networks" in facts.get("ansible_facts", {}), facts)
    pools = module("virt_pool", uri=uri, command="list_pools")
    checks.equal("virt_pool list_pools", pools.get("list_pools"), [])
    none = module("virt_pool", uri=uri, command="status", name="none")
    checks.that("virt_pool status of none", none.get("failed"), none)


def check_inventory(checks, uri, directory):
    path = os.path.join(directory, "containers.libvirt.yml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(f"plugin: community.libvirt.libvirt\nuri: '{uri}'\n")
    done = t.execute(["ansible-inventory", "-i", path, "--list"], env=ENV, timeout=300)
    listed = json.loads(done.out) if done.status == 0 else {}
    found = listed.get("_meta", {}).get("hostvars", {})
    checks.that("inventory", any("play" in json.dumps([name, values]) for name, values in found.items()), done)


def check_connection(checks):
    """Tasks inside the container: the plugin takes no URI."""
    def inside(*words):
        return t.execute(["ansible", "play", "-i", "play,", "-c", "community.libvirt.libvirt_lxc", *words], env=dict(
            ENV, ANSIBLE_STDOUT_CALLBACK="minimal", ANSIBLE_LOAD_CALLBACK_PLUGINS="0"), timeout=300)
    said = inside("-m", "raw", "-a", "echo inside $(hostname)")
    checks.matches("connection: raw", "inside play", said.out)
    failed = inside("-m", "raw", "-a", "false")
    checks.matches("connection: its status is told", r"FAILED \| rc=1|non-zero return code", failed.out + failed.err)


def main(uri, directory, name):
    checks = t.Checks(f"Ansible on {name}")
    root = os.path.join(directory, "root")
    check_virt(checks, uri, root)
    check_secondary(checks, uri)
    check_inventory(checks, uri, directory)
    check_connection(checks)
    conn = libvirt.open(uri)
    conn.lookupByName("play").destroy()
    gone = module("virt", uri=uri, name="play", command="undefine")
    checks.that("undefine", not gone.get("failed"), gone)
    checks.equal("nothing is left", conn.listAllDomains(), [])
    return checks.done()


sys.exit(main(*sys.argv[1:]))
