# SPDX-License-Identifier: LGPL-2.1-or-later
"""The layouts of libvirt's calls, from remote.x, and the rows of procedures.def."""

import os
import re
import struct

import skeptest

SCALARS = {"int": ">i", "unsigned int": ">I", "hyper": ">q", "unsigned hyper": ">Q", "double": ">d", "char": ">i",
           "unsigned char": ">I", "unsigned short": ">I", "bool": ">I"}


def read(path):
    with open(os.path.join(skeptest.SOURCE, path), encoding="utf-8") as handle:
        return handle.read()


class Rows:
    """{name: row} of the calls that skepd does."""

    PATTERN = re.compile(r"^(GREET_CALL|HOST_CALL|DOMAIN_CALL)\s*\(\s*(\d+),\s*(\w+),\s*(\w+),\s*(.*)\)\s*$", re.M)

    @classmethod
    def read(cls, program="RPC_PROGRAM_REMOTE"):
        text = read("src/driver/procedures.def")
        section = re.search(rf"^#define SECTION {program}\n(.*?)^#undef SECTION", text, re.M | re.S)[1]
        rows = {}
        for kind, number, name, public, rest in cls.PATTERN.findall(section):
            words = [word.strip() for word in re.sub(r'"[^"]*"', '""', rest).split(",")]
            args = "ARGS" if kind == "DOMAIN_CALL" else words.pop(0)
            words.pop(0)
            rows[name] = {"kind": kind, "number": int(number), "public": public, "args": args == "ARGS",
                          "flags": int(words[1], 0) if words[0] == "FLAGS" else None, "readonly": words[2] == "ALLOW"}
        return rows


class Layouts:
    """Structs as lists of (name, type, kind, max); kind: one, optional, list, fixed."""

    FIELD = re.compile(r"^\s*([\w ]+?)\s*(\*)?\s*(\w+)\s*(<([^>]*)>|\[([^]]*)\])?;", re.M)

    def __init__(self):
        text = re.sub(r"/\*.*?\*/", "", read("src/rpc/remote.x"), flags=re.S)
        self.numbers = {name: int(value) for name, value in re.findall(r"const (\w+) = (\d+);", text)}
        self.structs = {name: self._fields(body) for name, body in
                        re.findall(r"^struct (\w+) \{\n(.*?)^\};", text, re.M | re.S)}

    def _number(self, word):
        return int(word) if word.isdigit() else self.numbers[word]

    def _fields(self, body):
        fields = []
        for kind, star, name, bounds, most, size in self.FIELD.findall(body):
            if star:
                fields.append((name, kind, "optional", None))
            elif bounds.startswith("<"):
                fields.append((name, kind, "list", self._number(most) if most else None))
            elif bounds:
                fields.append((name, kind, "fixed", self._number(size)))
            else:
                fields.append((name, kind, "one", None))
        return fields


class Payload:
    """Arguments, and where in them something can go wrong: (what, offset, values that are refused)."""

    def __init__(self, layouts, values):
        self.layouts, self.values = layouts, values
        self.bytes, self.spots = b"", []

    def spot(self, what, *values):
        self.spots.append((what, len(self.bytes), values))

    def add_struct(self, name, path=""):
        for field in self.layouts.structs[name]:
            self.add(field, f"{path}{field[0]}")
        return self

    def add(self, field, path):
        name, kind, shape, most = field
        if shape == "optional":
            self.spot(f"{path}: neither there nor absent", 2, 0xffffffff)
            self.bytes += struct.pack(">I", 0)
        elif shape == "list":
            self.spot(f"{path}: too many", *([most + 1] if most else []), 0xffffffff)
            self.bytes += struct.pack(">I", 0)
        elif shape == "fixed":
            self.bytes += b"\0" * (4 * most if kind != "opaque" else (most + 3) // 4 * 4)
        else:
            self.add_one(kind, path)

    def add_one(self, kind, path):
        leaf = path.rsplit(".", 1)[-1]
        if kind in ("wire_nonnull_string", "string"):
            text = self.values.get(leaf, "").encode()
            self.spot(f"{path}: longer than the packet", 0xffffffff, 4194305, 65536)
            self.bytes += struct.pack(">I", len(text)) + text + b"\0" * (-len(text) % 4)
        elif kind == "wire_string":
            self.spot(f"{path}: neither there nor absent", 2, 0xffffffff)
            self.bytes += struct.pack(">I", 0)
        elif kind == "wire_uuid":
            self.bytes += self.values.get("uuid", b"\0" * 16)
        elif kind == "wire_typed_param_value":
            self.spot(f"{path}: a type that is none", 0, 8, 0xffffffff)
            self.bytes += struct.pack(">ii", 1, 0)
        elif kind in self.layouts.structs:
            self.add_struct(kind, path + ".")
        elif kind in SCALARS:
            self.bytes += struct.pack(SCALARS[kind], 0)
        else:   # an enum
            self.bytes += struct.pack(">i", 0)
