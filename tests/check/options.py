#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the scripts of tools/ make of their options: which phases tools/check would run (--list), what it refuses, and
that each script explains itself to whoever asks, from wherever."""

import os
import subprocess
import sys

import tree

ALL = ["vm", "plain", "sanitize", "valgrind", "thread", "fuzz"]
PHASES = [([], ALL), (["--no-deps", "--verbose"], ALL), (["--quick"], ["vm", "plain"]), (["--suite", "vm"], ["vm"]),
          (["--suite", "unit,vm,check"], ["vm", "plain --suite unit --suite check"]), (["--suite=xml"], ["plain --suite xml"]),
          (["--suite", "xml", "--suite", "api"], ["plain --suite xml --suite api"]),
          (["--fuzz", "--sanitize"], ["sanitize", "fuzz"]), (["--thread", "--valgrind"], ["valgrind", "thread"])]
REFUSED = [(["--nosuch"], "unknown option --nosuch"), (["--suite"], "--suite needs a name"), (["word"], "unknown option word")]


def main():
    root = tree.root_of_arguments()
    report = tree.Report("options")
    check = os.path.join(root, "tools/check")

    def run(*words):
        return subprocess.run(words, cwd="/", capture_output=True, text=True, check=False)
    for words, expected in PHASES:
        done = run(check, *words, "--list")
        if (done.returncode, done.stdout.splitlines(), done.stderr) != (0, expected, ""):
            report.fault("tools/check", 0, f"{words}: would run {done.stdout.split()}, {done.stderr}, not {expected}")
    for words, expected in REFUSED:
        done = run(check, *words)
        if done.returncode != 1 or expected not in done.stderr or done.stdout != "0 passed, 1 failed\n":
            report.fault("tools/check", 0, f"{words}: {done}, not '{expected}'")
    for name in ("check", "deps", "quickstart", "private-skepd"):
        done = run(os.path.join(root, "tools", name), "--help")
        if done.returncode or f"tools/{name} " not in done.stdout or done.stderr:
            report.fault(f"tools/{name}", 0, f"--help: {done}")
    return report.done(f"{len(PHASES) + len(REFUSED)} sets of options")


sys.exit(main())
