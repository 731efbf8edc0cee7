# SPDX-License-Identifier: LGPL-2.1-or-later
"""The source tree as the checks see it: which files there are, their lines, and how a check reports."""

import os
import re
import sys

SKIPPED_DIRS = re.compile(r"^(build.*|\.git|__pycache__|\.pytest_cache)$")


def root_of_arguments():
    """The tree to check: the first argument, else the one this file lies in."""
    if len(sys.argv) > 1:
        return os.path.abspath(sys.argv[1])
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(root, *tops):
    """Paths relative to root, sorted, of all files below the given directories (all without one)."""
    found = []
    for top in tops or ("",):
        for where, dirs, names in os.walk(os.path.join(root, top)):
            dirs[:] = [d for d in dirs if not SKIPPED_DIRS.match(d)]
            found += [os.path.relpath(os.path.join(where, name), root) for name in names]
    return sorted(found)


def text(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as handle:
        return handle.read()


def lines(root, path):
    return text(root, path).splitlines()


class Report:
    """Collects faults; done() prints them and gives the exit status."""

    def __init__(self, what):
        self.what = what
        self.faults = []

    def fault(self, path, line, message):
        self.faults.append(f"{path}:{line}: {message}" if line else f"{path}: {message}")

    def done(self, summary):
        for fault in self.faults:
            print(fault)
        print(f"{self.what}: {summary}, {len(self.faults)} faults")
        return 1 if self.faults else 0


def c_functions(source_lines):
    """Yields (name, first line, last line, is_static) of every function body, counted from its opening
    brace. Relies on the project's layout: the braces of a function stand alone at column 0."""
    start = None
    for number, line in enumerate(source_lines, 1):
        if line == "{" and start is None:
            start = number
        elif line.rstrip() in ("}", "};") and start is not None:
            name, static = _head_of(source_lines, start - 1)
            if name:
                yield name, start, number, static
            start = None
        elif line.startswith("}"):
            start = None


def _head_of(source_lines, end):
    """The name of the function whose opening brace is at index end, and whether it is static."""
    head = []
    for index in range(end - 1, max(-1, end - 30), -1):
        line = source_lines[index]
        if not line.strip() or line.startswith(("}", "#", "*/", " */")) or line.endswith((";", "*/")):
            break
        head.insert(0, line)
    static = any(re.match(r"\s*static\b", line) for line in head)
    for line in head:
        match = re.match(r"(\w+) ?\(", line) or re.match(r"[\w\s*]*?\b(\w+) ?\(", line)
        if match and not match.group(1).startswith(("__attribute__", "G_GNUC", "G_DEFINE")):
            return match.group(1), static
    return None, static
