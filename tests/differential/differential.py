#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domain documents defined on stock libvirtd and on skepd: do both accept, refuse and dump the same?

  differential.py                  the corpus, against deviations.txt
  differential.py --wide SEED N    N documents of another seed, all differences grouped on standard output
  differential.py --show TEXT      documents whose title has TEXT: what both answer
  differential.py FILE...          these documents

--schema FILE takes another schema than schemas/domain.rng, such as stock's own.
"""

import argparse
import collections
import os
import random
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import skeptest as t  # noqa: E402


def group_key(line):
    """What differences with other values have in common."""
    line = re.sub(r"\(null\)", "NULL", line)
    line = re.sub(r"'[^']*'", "'*'", line) if not line.startswith("dump") else re.sub(r"='[^']*'", "=*", line)
    return re.sub(r"-?\d+", "N", line)[:400]


def wide(options, ask):
    import corpus
    made = corpus.Corpus(options.schema, options.wide[0], values=options.values, changes=options.changes,
                         full=options.full)
    documents = list(made.documents())
    random.Random(options.wide[0]).shuffle(documents)
    groups, examples, counts = collections.Counter(), {}, collections.Counter()
    for title, document in documents[:int(options.wide[1])]:
        counts["documents"] += 1
        stock, ours = ask(document)
        counts["accepted by " + ("both" if stock[0] == ours[0] == "ok" else "stock" if stock[0] == "ok"
                                 else "ours" if ours[0] == "ok" else "none")] += 1
        for line in ask.differences(stock, ours):
            if options.kinds and line.split()[0] not in options.kinds.split(","):
                continue
            key = group_key(line)
            groups[key] += 1
            examples.setdefault(key, (title, document, line))
    for key, number in groups.most_common():
        title, document, line = examples[key]
        print(f"{number:5} {key}\n      {title}: {line[:600]}")
        if options.documents:
            print(document)
    print(dict(counts), len(groups), "groups")
    return 0


class Both:
    """Callable: the answers of both daemons about a document."""

    def __init__(self, stock, ours):
        import pair
        self.stock, self.ours = pair.Asked(stock), pair.Asked(ours)
        self.stock.connect()
        self.ours.connect()
        self.differences = pair.differences

    def __call__(self, document):
        return self.stock.ask(document), self.ours.ask(document)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wide", nargs=2, metavar=("SEED", "N"))
    parser.add_argument("--show", metavar="TEXT")
    parser.add_argument("--schema", default=os.path.join(t.SOURCE, "schemas/domain.rng"))
    parser.add_argument("--values", type=int, default=3)
    parser.add_argument("--changes", type=int, default=3)
    parser.add_argument("--full", type=int, default=1)
    parser.add_argument("--kinds", default="")
    parser.add_argument("--documents", action="store_true")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    t.enter_namespaces()
    with t.work_dir() as directory, t.StockLibvirtd(os.path.join(directory, "o")) as stock, \
            t.Skepd(os.path.join(directory, "s")) as ours:
        ask = Both(stock, ours)
        if options.wide:
            return wide(options, ask)
        for path in options.files:
            with open(path, encoding="utf-8") as handle:
                document = handle.read()
            a, b = ask(document)
            print(f"=== {path}\nstock {a[0]}: {a[1]}\nours {b[0]}: {b[1]}\n" +
                  "\n".join(ask.differences(a, b)))
    return 0


sys.exit(main())
