#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sizes and marks of every source file: docs/architecture.md section 6.

Files to 1,200 lines, functions to 100, lines to 120 columns (100 is the aim), an SPDX line on top, no tabs, and nothing
that says the work is not finished. Tables (.def, .x) are exempt from sizes.
"""

import os
import re
import sys

import tree

FILE_MAX = 1200
FUNCTION_MAX = 100
COLUMNS_MAX = 120
CODE = (".c", ".h")
MARKED = (".c", ".h", ".py", ".sh", ".def", ".x", ".rng", ".in", ".service", ".socket", ".awk")
SPDX = "SPDX-License-Identifier: LGPL-2.1-or-later"
# Written in two parts, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(" + "TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")


def is_script(root, path):
    with open(os.path.join(root, path), "rb") as handle:
        return handle.read(2) == b"#!"


def check_file(root, path, report):
    name = os.path.basename(path)
    code = path.endswith(CODE)
    marked = path.endswith(MARKED) or name == "meson.build"
    if not marked and ("." in name or not is_script(root, path)):
        return
    rows = tree.lines(root, path)
    if not any(SPDX in row for row in rows[:5]):
        report.fault(path, 1, f"no '{SPDX}' in the first five lines")
    if code and len(rows) > FILE_MAX:
        report.fault(path, len(rows), f"{len(rows)} lines, {FILE_MAX} is the limit: split it")
    for number, row in enumerate(rows, 1):
        if UNFINISHED.search(row):
            report.fault(path, number, "unfinished: " + row.strip()[:80])
        if code and "\t" in row:
            report.fault(path, number, "a tab")
        if code and len(row) > COLUMNS_MAX and "http" not in row:
            report.fault(path, number, f"{len(row)} columns, {COLUMNS_MAX} is the limit")
    if code:
        for function, first, last, _ in tree.c_functions(rows):
            if last - first + 1 > FUNCTION_MAX:
                report.fault(path, first, f"{function}() has {last - first + 1} lines, "
                                          f"{FUNCTION_MAX} is the limit")


def main():
    root = tree.root_of_arguments()
    report = tree.Report("sizes")
    paths = tree.files(root)
    for path in paths:
        check_file(root, path, report)
    return report.done(f"{len(paths)} files")


sys.exit(main())
