#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the scripts of tools/ make of their options: which phases tools/check would run (--list), what it refuses, and
that each script explains itself to whoever asks, from wherever. What tools/check says of the results of its tests."""

import os
import subprocess
import sys
import tempfile

import tree

ALL = ["vm", "plain", "sanitize", "valgrind", "thread", "fuzz"]
PHASES = [([], ALL), (["--no-deps", "--verbose"], ALL), (["--quick"], ["vm", "plain"]), (["--suite", "vm"], ["vm"]),
          (["--suite", "unit,vm,check"], ["vm", "plain --suite unit --suite check"]), (["--suite=xml"], ["plain --suite xml"]),
          (["--suite", "xml", "--suite", "api"], ["plain --suite xml --suite api"]),
          (["--fuzz", "--sanitize"], ["sanitize", "fuzz"]), (["--thread", "--valgrind"], ["valgrind", "thread"])]
REFUSED = [(["--nosuch"], "unknown option --nosuch"), (["--suite"], "--suite needs a name"), (["word"], "unknown option word")]

# Writes the log that it is given and ends as it is told to; it builds nothing, and nor does ninja.
MESON = """#!/bin/sh
[ "$1" = test ] || exit 0
mkdir -p "$3/meson-logs"
printf '%s' "$FAKE_LOG" >"$3/meson-logs/plain.json"
exit $FAKE_STATUS
"""
GOOD, BAD, LEFT_OUT = ('{"name": "skep / one", "result": "%s", "duration": 1.0}\n' % word for word in ("OK", "FAIL", "SKIP"))
# what the log has, meson's status, MUST_WORK, the suites asked for, the last line. There is no program that runs a machine.
RESULTS = [(GOOD, 0, 0, "unit", "1 passed, 0 failed"), (GOOD + LEFT_OUT, 0, 0, "unit", "1 passed, 0 failed, 1 skipped"),
           (GOOD + LEFT_OUT, 0, 1, "unit", "1 passed, 1 failed, 1 skipped"), (GOOD + BAD, 1, 0, "unit", "1 passed, 1 failed"),
           (GOOD, 137, 0, "unit", "1 passed, 1 failed"), (GOOD + BAD[:20], 0, 0, "unit", "1 passed, 1 failed"),
           ("", 0, 0, "unit", "0 passed, 1 failed"), (GOOD, 0, 0, "unit,vm", "1 passed, 0 failed, 2 skipped"),
           (GOOD, 0, 1, "unit,vm", "1 passed, 0 failed, 2 skipped"), (GOOD, 0, 1, "vm", "0 passed, 1 failed, 2 skipped")]


def check_results(report, check):
    """A run that was killed, or of which the log was cut short, has failed; so has a skipped test where all must work, but not
    one that needs what is no part of this tree."""
    if os.geteuid() != 0:
        return      # it would ask for root's rights
    with tempfile.TemporaryDirectory() as directory:
        for name, text in (("meson", MESON), ("ninja", "#!/bin/sh\n")):
            with open(os.path.join(directory, name), "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
                file.write(text)
        for log, status, must_work, suites, last in RESULTS:
            env = dict(os.environ, PATH=f"{directory}:{os.environ['PATH']}", SKEP_BUILD_DIR=f"{directory}/build", FAKE_LOG=log,
                       FAKE_STATUS=str(status), MUST_WORK=str(must_work), SKEP_VM_SCRIPT=f"{directory}/none")
            done = subprocess.run([check, "--no-deps", "--suite", suites], env=env, capture_output=True, text=True, check=False)
            if (done.returncode, done.stdout.splitlines()[-1:]) != (int(" 0 failed" not in last), [last]):
                report.fault("tools/check", 0, f"{log} and status {status}: {done}, not '{last}'")


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
    check_results(report, check)
    return report.done(f"{len(PHASES) + len(REFUSED)} sets of options")


sys.exit(main())
