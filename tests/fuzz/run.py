#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a libFuzzer program on its seeds for some seconds.

  run.py PROGRAM SEEDS...        FUZZ_SECONDS in the environment: how long

Without FUZZ_SECONDS it is a check for 10 seconds, which makes the same inputs each time: whether it passes is not left to
chance, nor to the machine, which may be slow. With it, they are new ones.

New inputs go to a directory that is removed at the end, or to FUZZ_CORPUS/NAME, where they are kept. What it
finds is printed and left as BUILD/tests/fuzz/found-NAME-...; it becomes a seed when it is repaired. Names of
elements and attributes, out of the schemas, are the fuzzer's dictionary.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def write_dictionary(path):
    names = set()
    for schema in glob.glob(os.path.join(SOURCE, "schemas", "*.rng")):
        with open(schema, encoding="utf-8") as handle:
            text = handle.read()
        names.update("<" + name for name in re.findall(r'<element name="([^"]+)"', text))
        names.update(" " + name + "='" for name in re.findall(r'<attribute name="([^"]+)"', text))
        names.update(value for value in re.findall(r'<value type="string">([^<]+)<', text))
        for pattern in re.findall(r'<param name="pattern">([\w|-]+)<', text):
            names.update(pattern.split("|"))
    with open(path, "w", encoding="utf-8") as handle:
        for name in sorted(names):
            handle.write('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"\n')


def main():
    program, seeds = sys.argv[1], sys.argv[2:]
    name = os.path.basename(program).removeprefix("fuzz-")
    seconds, seed = int(os.environ.get("FUZZ_SECONDS", "10")), 0 if "FUZZ_SECONDS" in os.environ else 1
    work = tempfile.mkdtemp(prefix="skep-fuzz-")
    corpus = os.path.join(os.environ.get("FUZZ_CORPUS", work), name)
    os.makedirs(corpus, exist_ok=True)
    dictionary = os.path.join(work, "dictionary")
    write_dictionary(dictionary)
    # 26 s for one input is a hang; 64 KiB holds any document that is interesting
    done = subprocess.run(
        [program, f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=60", "-rss_limit_mb=4096", "-max_len=65536",
         f"-dict={dictionary}", "-print_final_stats=1", "-verbosity=0",
         f"-artifact_prefix={os.path.dirname(program)}/found-{name}-", corpus, *seeds],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        env={**os.environ, "G_SLICE": "always-malloc", "G_DEBUG": "fatal-warnings"}, check=False)
    shutil.rmtree(work, ignore_errors=True)
    print(done.stdout[-20000:])
    executed = re.search(r"stat::number_of_executed_units: *(\d+)", done.stdout)
    print(f"{name}: {executed[1] if executed else '?'} inputs in {seconds} s, status {done.returncode}")
    return 1 if done.returncode else 0


sys.exit(main())
