#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One name, one thing; one piece of logic, one place.

An external function is defined in one file only, is used somewhere, and whatever a header declares is in some
.c; a type is defined in one header only; and no function body of five lines or more stands in two files.
"""

import re
import sys

import tree

BODY_MIN = 5
# A declaration at column 0: no word of control flow, and its end on the line of its parenthesis or below.
DECLARED = re.compile(r"^[A-Za-z][^\n;{}()#]*?\b(\w+) \([^;{}]*\)[^;{}]*;", re.M)
TYPEDEF = re.compile(r"^(?:typedef\b.*?|\} )\b(\w+)(?:\[\w*\])?;$")


def canonical(body):
    """A body without comments, indentation and spacing, so that only its logic is compared."""
    joined = re.sub(r"/\*.*?\*/", "", "\n".join(body), flags=re.S)
    return re.sub(r"\s+", "", joined)


def check_functions(root, report):
    external, bodies, count = {}, {}, 0
    for path in tree.files(root, "src", "tools"):
        if not path.endswith(".c"):
            continue
        rows = tree.lines(root, path)
        for name, first, last, static in tree.c_functions(rows):
            count += 1
            if not static and name != "main":
                # X_none.c and X_env.c are two sides of one link-time seam: a program has one of them.
                seam = re.sub(r"_(none|env)\.c$", ".c", path)
                if external.setdefault(name, (seam, first))[0] != seam:
                    report.fault(path, first, f"{name}() is defined in {external[name][0]} too")
            if last - first - 1 >= BODY_MIN:
                other = bodies.setdefault(canonical(rows[first:last - 1]), (path, name))
                if other[0] != path:
                    report.fault(path, first, f"{name}() has the body of {other[1]}() in {other[0]}")
    return count, external


def count_words(root):
    """How often a word stands outside of comments and of declarations in headers."""
    counts, in_c = {}, set()
    for path in tree.files(root, "src", "tools", "tests"):
        text = re.sub(r"/\*.*?\*/", "", tree.text(root, path), flags=re.S)
        words = re.findall(r"\w+", DECLARED.sub("", text) if path.endswith(".h") else text)
        for word in words:
            counts[word] = counts.get(word, 0) + 1
        if path.endswith(".c"):
            in_c.update(words)
        elif path.endswith("procedures.def"):       # its rows name the handlers without "api_"
            for word in words:
                counts["api_" + word] = counts.get("api_" + word, 0) + 1
    return counts, in_c


def check_uses(root, external, report):
    counts, in_c = count_words(root)
    for name, (path, line) in external.items():
        if counts[name] < 2 and not name.startswith("skep_"):       # libskep's are for others
            report.fault(path, line, f"{name}() is used nowhere")
    for path in tree.files(root, "src", "tools"):
        if not path.endswith(".h"):
            continue
        text = re.sub(r"/\*.*?\*/", lambda comment: re.sub(r"[^\n]", "", comment[0]), tree.text(root, path), flags=re.S)
        for match in DECLARED.finditer(text):
            if match[1] not in in_c and not match[1].endswith("_quark"):
                report.fault(path, text.count("\n", 0, match.start()) + 1, f"{match[1]}() is declared only")


def check_types(root, report):
    types = {}
    for path in tree.files(root, "src"):
        if not path.endswith(".h"):
            continue
        for number, row in enumerate(tree.lines(root, path), 1):
            match = TYPEDEF.match(row)
            # "typedef struct X X;" announces a type, it does not define one.
            if not match or re.match(r"^typedef (struct|union|enum) \w+ \w+;$", row):
                continue
            if types.setdefault(match.group(1), path) != path:
                report.fault(path, number, f"type {match.group(1)} is defined in "
                                           f"{types[match.group(1)]} too")
    return len(types)


def main():
    root = tree.root_of_arguments()
    report = tree.Report("names")
    (functions, external), types = check_functions(root, report), check_types(root, report)
    check_uses(root, external, report)
    return report.done(f"{functions} functions, {types} types")


sys.exit(main())
