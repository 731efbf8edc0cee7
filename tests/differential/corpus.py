# SPDX-License-Identifier: LGPL-2.1-or-later
"""The documents that both daemons are asked about: (title, text) pairs, the same for the same seed.

For every place of a schema: the smallest document that has it, once for each value it can have (a few at
most), one with other things beside it, and changed ones: values out of range or of the wrong kind, what is
demanded left out, what may stand once given twice, things nobody knows.
"""

import copy
import random

import grammar
from sense import Sense

NUMBERS = ["-1", "0", "1", "255", "256", "65535", "65536", "2147483647", "2147483648", "4294967295",
           "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615",
           "18446744073709551616", "0x10", "010", "+1", " 1", "1 ", "1x", "1.5"]
WORDS = ["", "zz-unknown", "yes", "no", "on", "off", "default", "none", "\u00e4\u4e2d", "a'b\"c<d>&e", " lead",
         "new\nline", "x" * 300, "/", "a/b", "YES"]
STRANGE = "zzunknown"


def title_of(chain, what):
    return "/".join(p.name for p in chain[:-1]) + ("@" if chain[-1].kind == "attribute" else "/") + \
        f"{chain[-1].name} {what}"


class Corpus:
    def __init__(self, schema, seed, *, values=3, changes=3, full=1):
        self.grammar = grammar.Grammar(schema)
        self.seed, self.values, self.changes, self.full = seed, values, changes, full

    def chains(self):
        # what has a namespace of our own, libvirt has not
        return [c for c in self.grammar.places() if c[-1].name and not any(p.ns.startswith("urn:skep:") for p in c)]

    def documents(self, chains=None):
        for chain in self.chains() if chains is None else chains:
            # a place has the same documents whatever else the schema has
            rng = random.Random(f"{self.seed} " + "/".join(p.name for p in chain))
            yield from self.of_place(chain, rng)

    def make(self, chain, rng, **how):
        root, found = self.grammar.make(chain, rng, **how)
        return Sense(root, chain).domain(), found

    def of_place(self, chain, rng):
        leaves = self.grammar.alternatives(chain[-1])
        for pick in range(min(max(len(leaves), 1), self.values)):
            root, _ = self.make(chain, rng, pick=pick + rng.randrange(len(leaves) or 1))
            yield title_of(chain, f"value {pick}"), root.document()
        for more in range(self.full):
            root, _ = self.make(chain, rng, density=0.15, pick=rng.randrange(100))
            yield title_of(chain, f"with more {more}"), root.document()
        root, (element, attribute) = self.make(chain, rng)
        kinds = self.changed_attribute(attribute) if attribute else self.changed_element(element, root)
        for what, change in rng.sample(kinds, min(self.changes, len(kinds))):
            changed, found = copy.deepcopy((root, element))
            change(changed, found)
            yield title_of(chain, what), changed.document()

    @staticmethod
    def changed_attribute(name):
        def setter(value):
            return lambda root, element: element.attributes.update({name: value})
        kinds = [(f"= {value[:30]!r}", setter(value)) for value in NUMBERS + WORDS]
        kinds += [("left out", lambda root, element: element.attributes.pop(name))] * 4
        return kinds

    @staticmethod
    def changed_element(element, root):
        def text(value):
            def change(root, element):
                element.text = value
            return change

        def twice(root, element):
            parent = next(e for e in root.all() if any(c is element for c in e.children))
            parent.children.insert(parent.children.index(element), copy.deepcopy(element))

        def gone(root, element):
            parent = next(e for e in root.all() if any(c is element for c in e.children))
            parent.children.remove(element)

        def bare(root, element):
            element.attributes.clear()
            element.children.clear()
            element.text = ""

        def backwards(root, element):
            element.children.reverse()
            element.attributes = dict(reversed(element.attributes.items()))
        kinds = [("bare", bare)] * 3 + [
            ("backwards", backwards),
            ("unknown attribute", lambda root, element: element.attributes.update({STRANGE: "1"})),
            ("unknown child", lambda root, element: element.children.append(grammar.Element(STRANGE)))]
        if element is not root:
            kinds += [("twice", twice), ("twice", twice), ("left out", gone)]
        if not element.children:
            kinds += [(f"text {value[:30]!r}", text(value)) for value in NUMBERS + WORDS]
        return kinds
