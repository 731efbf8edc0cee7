#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual pages, the sample files and the programs say the same.

  man.py SOURCE skep SKEP       skep.1: program options, verbs and their options against "skep help"
  man.py SOURCE skepd SKEPD     skepd.8: options against "skepd --help"
  man.py SOURCE settings ROWS   skepd.conf.5, skep-lxc.conf.5, init/*.conf against the table of settings
"""

import os
import re
import subprocess
import sys

failures = []


def check(condition, text):
    if not condition:
        failures.append(text)


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C")).stdout


def same(what, ours, theirs, left, right):
    for item in sorted(set(ours) - set(theirs)):
        failures.append(f"{what}: {item} is in {left}, but not in {right}")
    for item in sorted(set(theirs) - set(ours)):
        failures.append(f"{what}: {item} is in {right}, but not in {left}")


def plain(roff):
    """A line of roff as text."""
    text = re.sub(r"\\f.", "", roff).replace("\\-", "-").replace("\\(dq", '"').replace("\\(aq", "'")
    return text.replace("\\e", "\\")


def page(source, name):
    with open(os.path.join(source, "man", name), encoding="utf-8") as handle:
        return handle.read().splitlines()


def sections(lines):
    """Lines by the section (.SH) they stand in."""
    found, name = {}, None
    for line in lines:
        if line.startswith(".SH "):
            name = line[4:].strip('"')
            found[name] = []
        elif name:
            found[name].append(line)
    return found


def tags(lines):
    """What stands on the line behind each .TP, with fonts and their quotes taken away."""
    for at, line in enumerate(lines[:-1]):
        if line == ".TP":
            text = re.sub(r"^\.[BI][RI]? ", "", lines[at + 1])
            yield plain(text.replace('"', ""))


# ---- skep.1

def verbs_of_help(skep):
    """{verb: set of options} of skep's own help."""
    verbs = {}
    for line in run(skep, "help").splitlines():
        match = re.match(r"    (\S+) ", line)
        if match:
            text = run(skep, "help", match[1])
            options = set(re.findall(r"^    \[?(--[\w-]+)", text.split("OPTIONS")[1], re.M))
            verbs[match[1]] = options - {"--help"}
    return verbs


def verbs_of_page(lines):
    """{verb: (synopsis, set of options)} of the page's COMMANDS."""
    verbs, depth, verb = {}, 0, None
    for at, line in enumerate(lines):
        if re.match(r"\.RS$", line):
            depth += 1
        elif re.match(r"\.RE$", line):
            depth = max(depth - 1, 0)
        elif line == ".TP" and depth == 0:
            synopsis = plain(re.sub(r"^\.B ", "", lines[at + 1]))
            verb = synopsis.split()[0]
            verbs[verb] = (synopsis, set())
        elif line == ".TP" and verb:
            verbs[verb][1].add(plain(lines[at + 1]).split()[1])
    return verbs


def check_skep(source, skep):
    parts = sections(page(source, "skep.1"))
    helped, paged = verbs_of_help(skep), verbs_of_page(parts["COMMANDS"])
    same("verbs", helped, paged, "skep help", "skep.1")
    for verb in sorted(set(helped) & set(paged)):
        same(verb, helped[verb], paged[verb][1], "skep help", "skep.1")
        synopsis = run(skep, "help", verb).split("SYNOPSIS")[1].splitlines()[1].strip()
        check(synopsis == paged[verb][0], f"{verb}: the synopsis is '{synopsis}', in skep.1 '{paged[verb][0]}'")
    check(len(helped) > 50, f"skep help lists only {len(helped)} verbs")

    listed = run(skep, "--help").split("Options:")[1].split("\n\n")[0]
    helped = {re.split(r"\s{2,}", line.strip())[0] for line in listed.splitlines() if line.strip()}
    same("program options", helped, set(tags(parts["OPTIONS"])), "skep --help", "skep.1")

    # Names that a reader of virsh's habits types must parse: every verb knows --help.
    for verb in paged:
        check(run(skep, verb, "--help").startswith("  NAME"), f"{verb} --help does not explain it")


# ---- skepd.8

def check_skepd(source, skepd):
    helped = set(re.findall(r"--[a-z][\w-]*", run(skepd, "--help")))
    paged = set()
    for tag in tags(sections(page(source, "skepd.8"))["OPTIONS"]):
        paged |= set(re.findall(r"--[a-z][\w-]*", tag))
    same("options", helped - {"--help-all", "--help-glib"}, paged, "skepd --help", "skepd.8")


# ---- settings

WORDS = {"yes or no": "bool", "number": "number", "string": "string", "octal string": "string"}


def settings_of_page(source, name):
    found = {}
    for tag in tags(sections(page(source, name))["SETTINGS"]):
        match = re.match(r'(\w+) +\((.*?), default (.*)\)$', tag)
        check(match, f"{name}: cannot read '{tag}'")
        if match:
            found[match[1]] = (WORDS.get(match[2]), match[3].replace('"', ""))
    return found


def settings_of_sample(source, name):
    with open(os.path.join(source, "init", name), encoding="utf-8") as handle:
        return dict(re.findall(r"^#(\w+) = (.*)$", handle.read(), re.M))


# lxc.conf(5) is a page of the LXC project
PAGES = {"skepd.conf": "skepd.conf.5", "lxc.conf": "skep-lxc.conf.5"}


def check_settings(source, rows):
    table = {}
    for line in run(rows).splitlines():
        name, key, kind, initial = line.split("\t")
        table.setdefault(name, {})[key] = (kind, initial)
    check(set(table) == set(PAGES), f"the table has the files {sorted(table)}")
    for name, keys in table.items():
        paged, sample = settings_of_page(source, PAGES[name]), settings_of_sample(source, name)
        same(name, keys, paged, "the table", PAGES[name])
        same(name, keys, sample, "the table", "init/" + name)
        for key, (kind, initial) in keys.items():
            check(paged.get(key) == (kind, initial.replace('"', "")),
                  f"{name}: {key} is {kind}, {initial}; the page has {paged.get(key)}")
            check(sample.get(key) == initial, f"{name}: {key} is {initial}, the sample has {sample.get(key)}")


def main():
    source, what, program = sys.argv[1:]
    {"skep": check_skep, "skepd": check_skepd, "settings": check_settings}[what](source, program)
    for text in failures:
        print(text)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
