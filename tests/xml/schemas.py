#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The schemas of what the daemon only prints, each with a corpus in schemas/NAME: in/*.xml are valid, what
err.txt changes in them is not, every name that the schema declares is in a document, and documents made
from the grammar are valid too. That the daemon prints such documents is asserted by tests/clients."""

import glob
import os
import random
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
SCHEMAS = os.path.join(os.path.dirname(TESTS), "schemas")
sys.path.insert(0, os.path.join(TESTS, "lib"))
sys.path.insert(0, os.path.join(TESTS, "differential"))
import grammar  # noqa: E402
import skeptest as t  # noqa: E402


def read(path):
    with open(path, encoding="utf-8") as handle:
        return handle.read()


def valid(schema, text):
    return subprocess.run(["xmllint", "--noout", "--relaxng", schema, "-"], input=text, text=True,
                          capture_output=True, check=False).returncode == 0


def changed(path):
    """(title, text) of err.txt: a valid document with one thing replaced."""
    parts = re.split(r"^=== ", read(path), flags=re.M)[1:]
    for part in parts:
        title, name, old, new = (part + "\n\n").split("\n")[:4]
        text = read(os.path.join(os.path.dirname(path), "in", name))
        yield title, text if old in text else None, text.replace(old, new, 1)


def check_names(checks, name, schema, documents):
    for kind, declared in re.findall(r'<(element|attribute) name="([^"]+)"', read(schema)):
        pattern = rf"<{declared}[ />]" if kind == "element" else rf"\s{declared}='"
        checks.that(f"{name}: the {kind} {declared} is in a document", re.search(pattern, documents))


def check_grammar(checks, name, schema):
    made = grammar.Grammar(schema)
    rng = random.Random(name)
    for chain in made.places():
        if not chain[-1].name:
            continue
        text = made.make(chain, rng, density=0.5)[0].document()
        checks.that(f"{name}: made for {'/'.join(p.name for p in chain)}", valid(schema, text), text)


def main():
    t.need_program("xmllint")
    checks = t.Checks("schemas")
    directories = sorted(glob.glob(os.path.join(HERE, "schemas", "*")))
    for directory in directories:
        name = os.path.basename(directory)
        schema = os.path.join(SCHEMAS, name + ".rng")
        documents = {path: read(path) for path in glob.glob(os.path.join(directory, "in", "*.xml"))}
        checks.that(f"{name}: has documents", documents)
        for path, text in documents.items():
            checks.that(f"{name}: {os.path.basename(path)} is valid", valid(schema, text))
        for title, whole, text in changed(os.path.join(directory, "err.txt")):
            checks.that(f"{name}: {title}: is a change of a valid document", whole)
            checks.that(f"{name}: {title}: is refused", not valid(schema, text))
        check_names(checks, name, schema, "".join(documents.values()))
        check_grammar(checks, name, schema)
    names = {os.path.basename(directory) for directory in directories}
    for path in glob.glob(os.path.join(SCHEMAS, "*.rng")):
        name = os.path.basename(path)[:-4]
        checks.that(f"{name} has a corpus", name in names or name.split("-")[0] == "domain" or name == "types")
    return checks.done()


sys.exit(main())
