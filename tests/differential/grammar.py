# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents from a grammar: reads RELAX NG in its XML form and writes documents that it allows.

A place is a chain of patterns from the root element down to the element or attribute that a document is
made for. places() lists them all, make() writes the smallest document that has the last of a chain, with
whatever the grammar demands beside it. Randomness comes from the caller's generator only, so that a corpus
is the same each time.
"""

import os
import re
import xml.etree.ElementTree as ET

try:
    from re import _parser as regex_parser
except ImportError:
    import sre_parse as regex_parser

RNG = "{http://relaxng.org/ns/structure/1.0}"
PREFIXES = {
    "http://libvirt.org/schemas/domain/lxc/1.0": "lxc",
    "http://libvirt.org/schemas/domain/qemu/1.0": "qemu",
    "http://libvirt.org/schemas/domain/bhyve/1.0": "bhyve",
    "http://libvirt.org/schemas/domain/xen/1.0": "xen",
    "http://libvirt.org/schemas/domain/vmware/1.0": "vmware",
}
CONTAINERS = {"group", "interleave", "mixed"}


class Pattern:
    """One node of the grammar. kind is RELAX NG's word for it; define and start become group."""

    def __init__(self, kind, name="", children=()):
        self.kind, self.name, self.children = kind, name, list(children)
        self.ns = ""
        self.value = ""
        self.params = []

    def __repr__(self):
        return f"{self.kind} {self.name or self.value}".strip()


class Grammar:
    def __init__(self, path):
        self.defines = {}
        self.start = None
        self._direct = {}
        self._cost = {}
        self._load(path, set())

    # ---- reading

    def _load(self, path, seen):
        if path in seen:
            return
        seen.add(path)
        for child in ET.parse(path).getroot():
            kind = self._kind(child)
            if kind == "include":
                self._load(os.path.join(os.path.dirname(path), child.get("href")), seen)
            elif kind == "start":
                self.start = self._group(child)
            elif kind == "define":
                self._define(child)

    def _define(self, element):
        name, pattern = element.get("name"), self._group(element)
        if element.get("combine") == "choice" and name in self.defines:
            pattern = Pattern("choice", children=[self.defines[name], pattern])
        self.defines[name] = pattern

    @staticmethod
    def _kind(element):
        return element.tag[len(RNG):] if isinstance(element.tag, str) and element.tag.startswith(RNG) else ""

    def _group(self, element):
        return Pattern("group", children=[self._read(c) for c in element if self._kind(c)])

    def _read(self, element):
        kind = self._kind(element)
        pattern = Pattern(kind, element.get("name", ""))
        if kind == "value":
            pattern.value = element.text or ""
        elif kind == "data":
            pattern.name = element.get("type")
            pattern.params = [(p.get("name"), p.text or "") for p in element if self._kind(p) == "param"]
        else:
            if kind == "element":
                pattern.ns = element.get("ns", "")
            pattern.children = [self._read(c) for c in element if self._kind(c)]
        if kind == "attribute" and not pattern.children:
            pattern.children = [Pattern("text")]
        return pattern

    def parts(self, pattern):
        return [self.defines[pattern.name]] if pattern.kind == "ref" else pattern.children

    # ---- looking

    def direct(self, pattern):
        """Elements and attributes that can stand in an element of this content, not those below them."""
        found = self._direct.get(id(pattern))
        if found is None:
            found = {}
            if pattern.kind in ("element", "attribute"):
                found[id(pattern)] = pattern
            else:
                for part in self.parts(pattern):
                    found.update(self.direct(part))
            self._direct[id(pattern)] = found
        return found

    def content(self, element):
        found = {}
        for part in element.children:
            found.update(self.direct(part))
        return found

    def cost(self, pattern):
        """How many elements and attributes the pattern demands at least."""
        if id(pattern) in self._cost:
            return self._cost[id(pattern)]
        self._cost[id(pattern)] = 1000      # of a definition that needs itself
        kind = pattern.kind
        if kind in ("optional", "zeroOrMore"):
            cost = 0
        elif kind == "choice":
            cost = min((self.cost(part) for part in pattern.children), default=1000)
        elif kind == "notAllowed":
            cost = 1000
        else:
            cost = sum(self.cost(part) for part in self.parts(pattern)) + (kind in ("element", "attribute"))
        self._cost[id(pattern)] = cost
        return cost

    def places(self, limit=12):
        """Chains of patterns, one for each path of names: an element inside itself is not followed."""
        chains, seen = [], set()

        def walk(chain, names):
            chains.append(chain)
            if len(chain) == limit or chain[-1].kind != "element" or not chain[-1].name:
                return
            for pattern in self.content(chain[-1]).values():
                path = f"{names}/{pattern.kind[0]}:{pattern.name}"
                if pattern.name and pattern not in chain and path not in seen:
                    seen.add(path)
                    walk(chain + (pattern,), path)
        for root in self.direct(self.start).values():
            walk((root,), root.name)
        return chains

    def alternatives(self, pattern):
        """The values that a text or attribute can have, as leaves of its content."""
        if pattern.kind in ("value", "data", "text", "list"):
            return [pattern]
        if pattern.kind in ("element", "attribute", "ref", "choice", "optional", "group", "oneOrMore", "interleave"):
            leaves = []
            for part in self.parts(pattern):
                if part.kind not in ("element", "attribute"):
                    leaves += self.alternatives(part)
            return leaves
        return []

    # ---- writing

    def make(self, chain, rng, *, density=0.0, pick=0):
        """A document as a tree of Element, and the element (and attribute name) that it was made for."""
        maker = Maker(self, chain, rng, density, pick)
        return maker.make()


class Element:
    def __init__(self, name, ns=""):
        self.name, self.ns = name, ns
        self.attributes = {}
        self.children = []
        self.text = ""

    def find(self, name):
        return next((child for child in self.children if child.name == name), None)

    def all(self):
        yield self
        for child in self.children:
            yield from child.all()

    def tag(self):
        return f"{PREFIXES.get(self.ns, 'other')}:{self.name}" if self.ns else self.name

    def write(self, indent=0, extra=""):
        pad = "  " * indent
        words = "".join(f" {name}='{escape(value)}'" for name, value in self.attributes.items()) + extra
        if not self.children and not self.text:
            return f"{pad}<{self.tag()}{words}/>\n"
        if not self.children:
            return f"{pad}<{self.tag()}{words}>{escape(self.text)}</{self.tag()}>\n"
        inside = "".join(child.write(indent + 1) for child in self.children)
        return f"{pad}<{self.tag()}{words}>{escape(self.text)}\n{inside}{pad}</{self.tag()}>\n"

    def document(self):
        spaces = sorted({e.ns for e in self.all() if e.ns})
        return self.write(extra="".join(f" xmlns:{PREFIXES.get(ns, 'other')}='{ns}'" for ns in spaces))


def escape(text):
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), ("'", "&apos;"), ("\t", "&#9;"), ("\n", "&#10;"),
                         ("\r", "&#13;")):
        text = text.replace(char, entity)
    return text


class Maker:
    def __init__(self, grammar, chain, rng, density, pick):
        self.grammar, self.chain, self.rng, self.density, self.pick = grammar, chain, rng, density, pick
        self.found = None

    def make(self):
        root = self.element(self.chain[0], 0)
        return root, self.found

    def element(self, pattern, level):
        """level: the element is chain[level]; -1: it is beside the chain."""
        element = Element(pattern.name or "any", pattern.ns)
        last = level == len(self.chain) - 1
        wanted = self.chain[level + 1] if level >= 0 and not last else None
        if level >= 0 and last:
            self.found = (element, "")
        if wanted is not None and wanted.kind == "attribute":
            self.found = (element, wanted.name)
        state = {"wanted": wanted, "level": level, "depth": 0}
        for part in pattern.children:
            self.fill(part, element, state, last)
        return element

    def reaches(self, pattern, state):
        return state["wanted"] is not None and id(state["wanted"]) in self.grammar.direct(pattern)

    def fill(self, pattern, element, state, picked):
        kind = pattern.kind
        if kind == "element":
            if pattern is state["wanted"]:
                state["wanted"] = None
                element.children.append(self.element(pattern, state["level"] + 1))
            elif pattern.name or not element.children:
                element.children.append(self.element(pattern, -1))
        elif kind == "attribute":
            mine = pattern is state["wanted"]
            if mine:
                state["wanted"] = None
            if pattern.name:
                element.attributes[pattern.name] = self.text(pattern, mine)
        elif kind in ("optional", "zeroOrMore"):
            if self.reaches(pattern, state) or self.chance(pattern):
                self.parts(pattern, element, state, picked)
        elif kind == "choice":
            self.parts(self.choose(pattern, state, picked), element, state, picked, itself=True)
        elif kind in ("text", "data", "value", "list"):
            element.text += self.leaf(pattern)
        elif kind != "empty":
            self.parts(pattern, element, state, picked)

    def parts(self, pattern, element, state, picked, itself=False):
        if itself:
            self.fill(pattern, element, state, picked)
            return
        for part in self.grammar.parts(pattern):
            self.fill(part, element, state, picked)

    def chance(self, pattern):
        return self.density and self.grammar.cost(pattern) < 1000 and self.rng.random() < self.density

    def choose(self, pattern, state, picked):
        parts = pattern.children
        good = [part for part in parts if self.reaches(part, state)]
        if good:
            return self.rng.choice(good)
        if picked or self.density:
            possible = [part for part in parts if self.grammar.cost(part) < 1000]
            if picked:
                return possible[self.pick % len(possible)]
            return self.rng.choice(possible)
        return min(parts, key=self.grammar.cost)

    def text(self, attribute, mine):
        leaves = self.grammar.alternatives(attribute)
        if not leaves:
            return ""
        return self.leaf(leaves[self.pick % len(leaves)] if mine else self.rng.choice(leaves), attribute.name)

    def leaf(self, pattern, name=""):
        if pattern.kind == "value":
            return pattern.value
        if pattern.kind == "data":
            return data_sample(pattern, self.rng)
        if pattern.kind == "list":
            return " ".join(self.leaf(leaf) for leaf in pattern.children if leaf.kind in ("value", "data"))
        return self.rng.choice(["/a/b", "word", "two words", "x&y<z", "7"])


def data_sample(pattern, rng):
    """A value of the data type that keeps to every parameter, as far as some tries find one."""
    params = dict(pattern.params)
    low, high = int(params.get("minInclusive", 0)), int(params.get("maxInclusive", 0) or 0)
    if "pattern" in params:
        for _ in range(200):
            value = regex_sample(params["pattern"], rng)
            if not re.fullmatch(r"-?\d+", value) or pattern.name == "string":
                return value
            if low <= int(value) and (not high or int(value) <= high):
                return value
        return str(max(low, 1))
    if pattern.name == "dateTime":
        return "2021-03-04T05:06:07"
    if pattern.name in ("string", "NCName", "anyURI"):
        return rng.choice(["word", "name0"])
    return str(rng.randint(low, high) if high else low + rng.choice([0, 1, 7, 40]))


def regex_sample(pattern, rng):
    """A string that matches a pattern of the kind that schemas have."""
    return "".join(regex_part(part, rng) for part in regex_parser.parse(pattern))


def regex_part(part, rng):
    code, value = str(part[0]), part[1]
    if code == "LITERAL":
        return chr(value)
    if code == "NOT_LITERAL":
        return "b" if chr(value) == "a" else "a"
    if code == "ANY":
        return rng.choice("abcx1/")
    if code == "IN":
        return regex_set(value, rng)
    if code in ("MAX_REPEAT", "MIN_REPEAT"):
        low, high, inner = value
        times = rng.randint(low, min(int(high), low + 2))
        return "".join(regex_part(p, rng) for _ in range(times) for p in inner)
    if code == "SUBPATTERN":
        return "".join(regex_part(p, rng) for p in value[3])
    if code == "BRANCH":
        return "".join(regex_part(p, rng) for p in rng.choice(value[1]))
    return ""


def regex_set(items, rng):
    choices = []
    for code, value in items:
        if str(code) == "NEGATE":
            text = "abcxyz123.-"
            refused = re.compile("[" + "".join(class_text(item) for item in items[1:]) + "]")
            return rng.choice([c for c in text if not refused.match(c)])
        choices.append((str(code), value))
    code, value = rng.choice(choices)
    if code == "RANGE":
        return chr(rng.randint(value[0], value[1]))
    if code == "LITERAL":
        return chr(value)
    return {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w"}.get(str(value), "a")


def class_text(item):
    code, value = str(item[0]), item[1]
    if code == "RANGE":
        return re.escape(chr(value[0])) + "-" + re.escape(chr(value[1]))
    if code == "CATEGORY":
        return {"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s"}.get(str(value), r"\w")
    return re.escape(chr(value))
