#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may include whom: the table of docs/architecture.md section 1 against every #include.

Also the rule "one library, one owner" (section 1, rule 5), that plan/ and controller/ stay without GLib
(section 2, decision 3), and that the programs and test binaries do not link driver/ and controller/ together.
"""

import os
import re
import sys

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
ROW = re.compile(r"^  (\w+)/ ")
ARROW = re.compile(r"-> ([a-z ]+)$")

# Rule 5 in data: header prefixes of a library, and the files that may include them.
OWNERS = [
    (("selinux/",), r"^src/security/label_\w+\.c$"),
    (("sys/apparmor.h", "aalogparse/"), r"^src/security/label_\w+\.c$"),
    (("libaudit.h",), r"^src/security/audit\.c$"),
    (("seccomp.h",), r"^src/security/seccomp\.c$"),
    (("netlink/",), r"^src/host/link\w*\.c$"),
    (("nftables/", "libnftables"), r"^src/host/firewall\.c$"),
    (("systemd/sd-bus",), r"^src/(util/sdbus|host/machined|driver/polkit)\.[ch]$"),
    (("libxml/",), r"^src/conf/\w+\.[ch]$"),
]
WITHOUT_GLIB = ("plan", "controller")
# What is not a room: tools see a container only through a client; anything may be tested.
TOOLS_MAY = {"util", "rpc", "client", "conf", "plan"}


def read_table(root):
    """{room: set of rooms it may include}, from the code block of section 1."""
    rooms, room = {}, None
    for line in tree.lines(root, "docs/architecture.md"):
        row = ROW.match(line)
        if row and row.group(1) != "src":
            room = row.group(1)
            rooms.setdefault(room, None)
        arrow = ARROW.search(line)
        if room and arrow and rooms[room] is None:
            words = arrow.group(1).strip()
            rooms[room] = set() if words == "nothing of ours" else set(words.split())
        if line.startswith("schemas/"):
            break
    return rooms


def includes(root, path):
    for number, line in enumerate(tree.lines(root, path), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def check_rooms(root, rooms, report):
    count = 0
    for path in tree.files(root, "src", "tools"):
        parts = path.split(os.sep)
        if not path.endswith((".c", ".h", ".def", ".x")):
            continue
        in_src = parts[0] == "src"
        room = parts[1] if in_src and len(parts) > 2 else None
        if in_src and room not in rooms:
            report.fault(path, 0, f"'{room}' is no room of docs/architecture.md section 1")
            continue
        allowed = rooms[room] | {room} if in_src else TOOLS_MAY
        for number, own, name in includes(root, path):
            count += 1
            check_owner(path, number, name, report)
            first = name.split("/")[0]
            if own and in_src and "/" not in name and name != "config.h":
                report.fault(path, number, f'write "{room}/{name}", not "{name}"')
            elif first in rooms and "/" in name and first not in allowed:
                report.fault(path, number, f"{room or 'tools'}/ may not include {name} "
                                           f"(allowed: {' '.join(sorted(allowed))})")
            elif own and first in rooms and not os.path.exists(os.path.join(root, "src", name)) \
                    and not generated(root, name):
                report.fault(path, number, f"no such header: {name}")
    return count


def generated(root, name):
    """Whether a header that is not in the tree is made by the build: from its room's X.x as X_xdr.h, or as
    the room's meson.build names it."""
    room, header = os.path.split(name)
    where = os.path.join(root, "src", room)
    source = header.removesuffix("_xdr.h") + ".x"
    recipe = os.path.join(where, "meson.build")
    return os.path.exists(os.path.join(where, source)) or \
        os.path.exists(recipe) and header in open(recipe, encoding="utf-8").read()


def check_owner(path, number, name, report):
    if not path.startswith("src/"):
        return
    for prefixes, owner in OWNERS:
        if name.startswith(prefixes) and not re.match(owner, path):
            report.fault(path, number, f"<{name}> belongs to {owner.strip('^$')} only")


def check_glib(root, report):
    """No file of plan/ and controller/ may see GLib, not even through another room's header."""
    def sees(path, seen):
        for number, own, name in includes(root, path):
            if re.match(r"(glib|gio|gobject|gmodule)\b", name):
                return number, [name]
            header = os.path.join("src", name)
            if own and header not in seen and os.path.exists(os.path.join(root, header)):
                seen.add(header)
                through = sees(header, seen)
                if through:
                    return number, [name] + through[1]
        return None

    for room in WITHOUT_GLIB:
        for path in tree.files(root, os.path.join("src", room)):
            if path.endswith((".c", ".h")):
                found = sees(path, set())
                if found:
                    report.fault(path, found[0], "sees GLib through " + " -> ".join(found[1]))


def check_links(root, report):
    """Rule 1, as far as the build files say it: no target names both libraries."""
    for path in tree.files(root):
        if os.path.basename(path) != "meson.build":
            continue
        for call in re.findall(r"executable\s*\((?:[^()]|\([^()]*\))*\)", tree.text(root, path)):
            if "driver_" in call and "controller_" in call:
                report.fault(path, 0, "a target links driver/ and controller/ together")


def main():
    root = tree.root_of_arguments()
    report = tree.Report("arrows")
    rooms = read_table(root)
    for room in ("util", "conf", "host", "security", "plan", "rpc", "controller", "driver", "client"):
        if rooms.get(room) is None:
            report.fault("docs/architecture.md", 0, f"section 1 has no arrow for {room}/")
            rooms[room] = set()
    count = check_rooms(root, rooms, report)
    check_glib(root, report)
    check_links(root, report)
    return report.done(f"{len(rooms)} rooms, {count} includes")


sys.exit(main())
