#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the documents say against what is there.

Every path of this tree and every relative link in a document exists; docs/dependencies.md has exactly the
packages that tools/deps installs; examples are the same in their page; every document is reached from README.md.
"""

import os
import re
import subprocess
import sys

import tree

# A path in backticks that begins with a folder of ours is a promise.
PATH = re.compile(r"`((?:src|docs|tools|tests|schemas|init|man|completion|\.ci)/[\w./*-]+|run)`")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def check_paths(root, path, report):
    rows = tree.lines(root, path)
    for number, row in enumerate(rows, 1):
        for name in PATH.findall(row):
            if "*" not in name and not os.path.exists(os.path.join(root, name.rstrip("."))):
                report.fault(path, number, f"names {name}, which does not exist")
        for link in LINK.findall(row):
            if not re.match(r"\w+:", link):
                target = os.path.normpath(os.path.join(os.path.dirname(path), link))
                if not os.path.exists(os.path.join(root, target)):
                    report.fault(path, number, f"links to {link}, which does not exist")


def check_dependencies(root, report):
    page = "docs/dependencies.md"
    told = set(re.findall(r"^\| `([a-z0-9.+-]+)`", tree.text(root, page), flags=re.M))
    listed = subprocess.run([os.path.join(root, "tools/deps"), "--list", "build", "test", "clients", "compare", "vm"],
                            check=True, capture_output=True, text=True).stdout.split()
    for package in sorted(set(listed) - told):
        report.fault(page, 0, f"has no row for {package}, which tools/deps installs")
    for package in sorted(told - set(listed)):
        report.fault(page, 0, f"has a row for {package}, which tools/deps does not install")


def check_reached(root, pages, report):
    readme = tree.text(root, "README.md")
    for page in pages:
        if page.startswith("docs/") and page.count("/") == 1 and f"({page})" not in readme:
            report.fault("README.md", 0, f"does not link to {page}")


def check_examples(root, report):
    """What stands below docs/examples/NAME stands in docs/NAME.md too."""
    for path in tree.files(root):
        if not path.startswith("docs/examples/"):
            continue
        page = f"docs/{path.split('/')[2]}.md"
        body = "\n".join(row for row in tree.lines(root, path) if not row.startswith("#")).strip()
        if f"\n{body}\n" not in tree.text(root, page):
            report.fault(page, 0, f"does not have the text of {path}")


def main():
    root = tree.root_of_arguments()
    report = tree.Report("docs")
    pages = [path for path in tree.files(root) if path.endswith(".md")]
    for page in pages:
        if page != "docs/architecture.md":
            check_paths(root, page, report)
    check_dependencies(root, report)
    check_examples(root, report)
    check_reached(root, pages, report)
    return report.done(f"{len(pages)} documents")


sys.exit(main())
