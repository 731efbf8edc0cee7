# SPDX-License-Identifier: LGPL-2.1-or-later
"""The steps of xml_flags.py: (title, what is asked, our answer where we mean to differ). A step gives text, or
what it gives is shown by repr(); an error of libvirt's is its code and text."""

import re

import libvirt

INACTIVE, SECURE = libvirt.VIR_DOMAIN_XML_INACTIVE, libvirt.VIR_DOMAIN_XML_SECURE
UPDATE_CPU, MIGRATABLE = libvirt.VIR_DOMAIN_XML_UPDATE_CPU, libvirt.VIR_DOMAIN_XML_MIGRATABLE
LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
VALIDATE, CREATE_VALIDATE = libvirt.VIR_DOMAIN_DEFINE_VALIDATE, libvirt.VIR_DOMAIN_START_VALIDATE
TITLE = libvirt.VIR_DOMAIN_METADATA_TITLE

GRAPHICS = "<graphics type='vnc' port='5901' autoport='no' passwd='bees' passwdValidTo='2030-01-01T00:00:00'/>" \
    "<video><model type='vga'/></video>"
DEVICES = {
    "disk": "<disk type='block' device='disk'><source dev='/dev/null'/><target dev='vda' bus='virtio'/></disk>",
    "interface": "<interface type='ethernet'><mac address='52:54:00:11:22:33'/></interface>",
    "usb": "<hostdev mode='subsystem' type='usb'><source><address bus='9' device='9'/></source></hostdev>",
    "storage": "<hostdev mode='capabilities' type='storage'><source><block>/dev/null</block></source></hostdev>",
    "net": "<hostdev mode='capabilities' type='net'><source><interface>bees0</interface></source></hostdev>",
    "controller": "<controller type='scsi' index='3'/>",
    "sound": "<sound model='ac97'/>",
    "watchdog": "<watchdog model='i6300esb'/>",
    "rng": "<rng model='virtio'><backend model='random'/></rng>",
    "seclabel": "<seclabel type='none'/>",
}
CAPABILITY = "<hostdev mode='capabilities' type='misc'><source><char>/dev/zero</char></source></hostdev>"
# What a migratable dump says otherwise
MODERN = "<graphics type='vnc' socket='/run/vnc'/><graphics type='spice'/><video><model type='vga'/></video>" \
    "<controller type='pci' index='0' model='pci-root'><model name='spapr-pci-host-bridge'/></controller>"

# compat.md: what was defined is gone with the definition
GONE = """live {'title': 'transient', 'description': '-', 'memory': '65536', 'currentMemory': '65536', \
'init': '/bin/sleep', 'id': True, 'binds': 1}
next {'title': 'transient', 'description': '-', 'memory': '65536', 'currentMemory': '65536', \
'init': '/bin/sleep', 'id': False, 'binds': 1}
active 1, persistent 0, updated 0"""

# compat.md: a second interface of the same address is refused, and so it can be told which one is detached
OWN = {
    ("attach", "interface", "second"):
        ["error 8: invalid argument: network device with mac 52:54:00:11:22:33 already exists"],
    ("detach", "interface", "first"): ["0"],
    ("detach", "interface", "second"):
        ["error 99: device not found: no device matching MAC address 52:54:00:11:22:33 found"],
}


def uuid(number):
    return f"1f9cf5a4-{number:04x}-4b5c-9f53-5a6d4c2b2e01"


def title(text):
    return f"<title>{text}</title>"


def define(name, number, flags=0, **options):
    def step(world):
        return world.connection.defineXMLFlags(world.xml(name, number, **options), flags).name()
    return step


def create(name, number, flags=0, **options):
    def step(world):
        return world.connection.createXML(world.xml(name, number, **options), flags).name()
    return step


def dump(name, flags=0, readonly=False):
    """The text, or that it is the same as without flags."""
    def step(world):
        plain, text = world.domain(name).XMLDesc(0), world.domain(name, readonly).XMLDesc(flags)
        return "as without flags" if text == plain and (flags or readonly) else text
    return step


def told(name):
    """What the live and the inactive XML say of what the steps change."""
    def step(world):
        def of(text):
            return {tag: (re.findall(rf"<{tag}[^>]*>([^<]*)<", text) + ["-"])[0]
                    for tag in ("title", "description", "memory", "currentMemory", "init")} | \
                {"id": "id=" in text.split("\n", 1)[0], "binds": text.count("<filesystem")}
        domain = world.domain(name)
        return f"live {of(domain.XMLDesc(0))}\nnext {of(domain.XMLDesc(INACTIVE))}\n" \
            f"active {domain.isActive()}, persistent {domain.isPersistent()}, updated {domain.isUpdated()}"
    return step


def call(name, method, *arguments):
    return lambda world: getattr(world.domain(name), method)(*arguments)


def virsh(*words):
    return lambda world: world.virsh(*words)


def unknown_attribute(world):
    return world.xml("doc", 1).replace("<memory ", "<memory bees='1' ")


def misplaced(world):
    """The schema refuses it; without VALIDATE it is accepted."""
    return world.xml("doc", 1).replace("</name>", "</name><on_crash>destroy</on_crash>"
                                                                "<on_crash>destroy</on_crash>")


STEPS = [
    # Flags of a definition
    ("define", define("doc", 1)),
    ("define, VALIDATE", define("doc", 1, VALIDATE)),
    ("define, unknown flag", define("doc", 1, 2)),
    ("define, all flags", define("doc", 1, 0xffffffff - 2**32)),
    ("define what the schema refuses", lambda w: w.connection.defineXMLFlags(misplaced(w), 0).name()),
    ("the same, VALIDATE", lambda w: w.connection.defineXMLFlags(misplaced(w), VALIDATE).name()),
    ("define an unknown attribute", lambda w: w.connection.defineXMLFlags(unknown_attribute(w), 0).name()),
    ("the same, VALIDATE too", lambda w: w.connection.defineXMLFlags(unknown_attribute(w), VALIDATE).name()),
    ("not XML, VALIDATE", lambda w: w.connection.defineXMLFlags("<domain", VALIDATE)),
    ("define, read-only", lambda w: w.readonly.defineXMLFlags(w.xml("doc", 1), 0)),
    # Flags of a dump
    *((f"dump, flags {flags}", dump("doc", flags)) for flags in (0, INACTIVE, SECURE, MIGRATABLE, INACTIVE | SECURE,
                                                               UPDATE_CPU, UPDATE_CPU | INACTIVE, 16)),
    *((f"dump read-only, flags {flags}", dump("doc", flags, True)) for flags in (INACTIVE, SECURE, MIGRATABLE,
                                                                              SECURE | INACTIVE, UPDATE_CPU)),
    ("virsh dumpxml --update-cpu", virsh("dumpxml", "doc", "--update-cpu")),
    ("virsh dumpxml --security-info --inactive", virsh("dumpxml", "doc", "--security-info", "--inactive")),
    # What SECURE hides
    ("define a password", define("secret", 2, devices=GRAPHICS)),
    ("dump a password", dump("secret")),
    ("dump a password, INACTIVE", dump("secret", INACTIVE)),
    ("dump a password, SECURE", dump("secret", SECURE)),
    ("dump a password, MIGRATABLE", dump("secret", MIGRATABLE)),
    ("dump a password, read-only", dump("secret", 0, True)),
    ("define the dump without password", lambda w: w.connection.defineXML(w.domain("secret").XMLDesc(0)).name()),
    ("the password is gone", dump("secret", SECURE)),
    ("undefine the password", call("secret", "undefine")),
    # What MIGRATABLE simplifies
    ("define what older readers do not know", define("modern", 3, devices=MODERN)),
    ("dump it, MIGRATABLE", dump("modern", MIGRATABLE)),
    ("dump it, MIGRATABLE and INACTIVE", dump("modern", MIGRATABLE | INACTIVE)),
    ("dump it as it is", dump("modern")),
    ("undefine it", call("modern", "undefine")),
    # Names and uuids of inactive domains
    ("same name, other uuid", define("doc", 3)),
    ("other name, same uuid", define("cod", 1)),
    ("same both", define("doc", 1, more=title("again"))),
    ("redefined", told("doc")),
    ("create with the same name, other uuid", create("doc", 3)),
    ("create with another name, same uuid", create("cod", 1)),
    # Flags of a transient domain
    *((f"create, flags {flags}", create("brief", 4, flags)) for flags in (1, 4, 8, 32)),
    ("create what the schema refuses, VALIDATE",
     lambda w: w.connection.createXML(misplaced(w), CREATE_VALIDATE)),
    ("create, read-only", lambda w: w.readonly.createXML(w.xml("brief", 4), 0)),
    # A definition that changes while its domain runs
    ("start", call("doc", "create")),
    ("running", told("doc")),
    ("redefine while running", define("doc", 1, memory_kib=131072, more=title("next"))),
    ("redefined while running", told("doc")),
    ("inactive dump", dump("doc", INACTIVE)),
    ("inactive dump, SECURE", dump("doc", INACTIVE | SECURE)),
    ("redefine again", define("doc", 1, VALIDATE, memory_kib=98304, more=title("after next"))),
    ("redefined again", told("doc")),
    ("running, same name, other uuid", define("doc", 3)),
    ("running, other name, same uuid", define("cod", 1)),
    ("running, create the same", create("doc", 1)),
    ("running, create the same name, other uuid", create("doc", 3)),
    ("running, create another name, same uuid", create("cod", 1)),
    ("a broken definition while running", define("doc", 1, memory_kib=0)),
    ("changes nothing", told("doc")),
    ("metadata, live", call("doc", "setMetadata", TITLE, "live title", None, None, LIVE)),
    ("metadata, config", call("doc", "setMetadata", TITLE, "config title", None, None, CONFIG)),
    ("metadata of both", told("doc")),
    ("get metadata, live", call("doc", "metadata", TITLE, None, LIVE)),
    ("get metadata, config", call("doc", "metadata", TITLE, None, CONFIG)),
    ("get metadata, current", call("doc", "metadata", TITLE, None, 0)),
    ("get metadata, both", call("doc", "metadata", TITLE, None, LIVE | CONFIG)),
    ("define what --inactive shows", lambda w: w.connection.defineXML(w.domain("doc").XMLDesc(INACTIVE)).name()),
    ("still the next one", told("doc")),
    ("destroy", call("doc", "destroy")),
    ("after the stop", told("doc")),
    # A transient domain that is defined
    ("create a transient one", create("brief", 4, more=title("transient"))),
    ("transient", told("brief")),
    ("define it", define("brief", 4, memory_kib=131072, more=title("defined"))),
    ("defined", told("brief")),
    ("undefine it while it runs", call("brief", "undefine")),
    ("transient again", told("brief"), GONE),
    ("undefine a transient one", call("brief", "undefine")),
    ("autostart of a transient one", call("brief", "setAutostart", 1)),
    ("metadata of a transient one, config", call("brief", "setMetadata", TITLE, "x", None, None, CONFIG)),
    ("attach to a transient one, config", call("brief", "attachDeviceFlags", CAPABILITY, CONFIG)),
    ("destroy the transient one", call("brief", "destroy")),
    ("it is gone", call("brief", "name")),
    # Devices
    ("attach, unknown flag", call("doc", "attachDeviceFlags", CAPABILITY, 8)),
    ("attach to an inactive one, live", call("doc", "attachDeviceFlags", CAPABILITY, LIVE)),
    ("attach to an inactive one", call("doc", "attachDevice", CAPABILITY)),
    ("attach, config", call("doc", "attachDeviceFlags", CAPABILITY, CONFIG)),
    ("attach, config, again", call("doc", "attachDeviceFlags", CAPABILITY, CONFIG)),
    ("attached", dump("doc", INACTIVE)),
    ("attach what is no device", call("doc", "attachDeviceFlags", "<bees/>", CONFIG)),
    ("attach what is not XML", call("doc", "attachDeviceFlags", "<bees", CONFIG)),
    ("update, unknown flag", call("doc", "updateDeviceFlags", CAPABILITY, 16)),
    ("detach, unknown flag", call("doc", "detachDeviceFlags", CAPABILITY, 8)),
    ("detach, config", call("doc", "detachDeviceFlags", CAPABILITY, CONFIG)),
    ("detach, config, again", call("doc", "detachDeviceFlags", CAPABILITY, CONFIG)),
    *((f"{verb} {kind}, config, {which}", call("doc", f"{verb}DeviceFlags", text, CONFIG),
       *OWN.get((verb, kind, which), []))
      for kind, text in DEVICES.items() for verb in ("attach", "detach") for which in ("first", "second")),
    ("undefine, unknown flag", call("doc", "undefineFlags", 1)),
    ("undefine", call("doc", "undefine")),
    # A persistent definition and another domain of the same name that is created over it
    ("define the lasting one", define("doc", 1, more=title("lasting"))),
    ("create over it", create("doc", 1, memory_kib=131072, more=title("for now"))),
    ("created over it", told("doc")),
    ("destroy what was created", call("doc", "destroy")),
    ("the lasting one is left", told("doc")),
    ("undefine the lasting one", call("doc", "undefine")),
]
