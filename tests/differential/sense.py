# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a domain of a document that only a grammar made: what both daemons demand beside the grammar (a
name, an init, a path where a type needs one), so that a refusal is about the place that the document is for
and not about something else. What a chain ends in is left as it is."""

import grammar

NAME = "differential"
UUID = "a4b5c6d7-0011-4233-8455-66778899aabb"
CHARDEVS = {"serial", "parallel", "console", "channel", "smartcard", "redirdev", "rng", "backend"}
SOURCES = {
    "dev": [{"path": "/dev/x"}], "file": [{"path": "/tmp/x"}], "pipe": [{"path": "/tmp/x"}],
    "unix": [{"mode": "bind", "path": "/tmp/x"}], "tcp": [{"mode": "connect", "host": "h", "service": "1"}],
    "udp": [{"mode": "connect", "host": "h", "service": "1"}, {"mode": "bind", "host": "h", "service": "2"}],
    "spiceport": [{"channel": "org.x.y"}], "nmdm": [{"master": "/dev/a", "slave": "/dev/b"}],
    "dbus": [{"channel": "org.x.y"}],
}
BUSES = {"ide": "hda", "fdc": "fda", "scsi": "sda", "virtio": "vda", "xen": "xvda", "usb": "sdb", "uml": "ubda",
         "sata": "sda", "sd": "sda"}
DISK_SOURCES = {"file": "file", "block": "dev", "dir": "dir"}


class Sense:
    def __init__(self, root, chain):
        self.root = root
        self.chain = chain
        self.names = [pattern.name for pattern in chain]

    def about(self, *names):
        """Is the document about this attribute or text?"""
        return tuple(self.names[-len(names):]) == names

    def domain(self):
        root, names = self.root, self.names
        if names[1:] != ["type"]:
            root.attributes["type"] = "lxc"
        if names[1:] != ["id"]:
            root.attributes.pop("id", None)
        self.child(root, "name", NAME, first=True)
        self.child(root, "uuid", UUID)
        memory = self.child(root, "memory", "65536")
        if names[1:2] != ["memory"]:
            memory.attributes = {"unit": "KiB"}
        os_element = self.child(root, "os", None)
        kind = self.child(os_element, "type", "exe", first=True)
        if names[1:3] != ["os", "type"]:
            kind.attributes = {}
        if os_element.find("init") is None:
            os_element.children.append(with_text("init", "/sbin/init"))
        for element in root.all():
            self.element(element)
        return root

    def child(self, parent, name, text, first=False):
        found = parent.find(name)
        if found is None:
            found = grammar.Element(name)
            parent.children.insert(0 if first else len(parent.children), found)
            found.text = text or ""
        elif text is not None and not self.about(name):
            found.text = text
        return found

    def element(self, element):
        if element.name in CHARDEVS and element.attributes.get("type") in SOURCES:
            self.chardev(element)
        elif element.name == "disk":
            self.disk(element)
        elif element.name == "capabilities" and len(self.names) > 3 and self.names[2] != "capabilities":
            element.children.clear()

    def chardev(self, element):
        wanted = SOURCES[element.attributes["type"]]
        sources = [child for child in element.children if child.name == "source"]
        while len(sources) < len(wanted):
            source = grammar.Element("source")
            element.children.append(source)
            sources.append(source)
        for source, attributes in zip(sources, wanted):
            for name, value in attributes.items():
                if not self.about("source", name):
                    source.attributes[name] = value

    def disk(self, element):
        target = self.child(element, "target", None)
        if not self.about("target", "dev") and not self.about("target", "bus"):
            target.attributes["dev"] = BUSES.get(target.attributes.get("bus"), "sda")
        name = DISK_SOURCES.get(element.attributes.get("type", "file"))
        if name and not self.about("disk", "source"):
            source = self.child(element, "source", None)
            if not self.about("source", name):
                source.attributes[name] = "/tmp/x"


def with_text(name, text):
    element = grammar.Element(name)
    element.text = text
    return element
