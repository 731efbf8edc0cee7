#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domain documents defined on stock libvirtd and on skepd: do both accept, refuse and dump the same?

  differential.py                  the documents made by hand and those made from our schema; what differs
                                   must be in deviations.txt
  differential.py --stock          documents made from stock's own schema instead
  differential.py FILE...          what both answer about these documents

  --seed SEED      other documents of the same schema        --limit N        N documents of them at most
  --values N --changes N --full N   documents of one place: for its values, changed ones, with more beside it
  --schema FILE    another schema      --only TEXT      documents whose title has TEXT
  --all            no deviation is allowed: every difference is shown, grouped by what they have in common
  --kinds code,dump,text   these only (text: the same code in other words, else looked at in documents made by hand
                   only)                       --documents      with an example of each
  --yet            as if the rules whose reason begins with "not yet" were not there
  --rules          print each difference as a rule of deviations.txt, to be narrowed and given a reason
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

STOCK_SCHEMA = "/usr/share/libvirt/schemas/domain.rng"
SHOWN = 60
RENEWED_MAX = 30


class Both:
    """Callable: the answers of both daemons about a document."""

    def __init__(self, stock, ours):
        import pair
        self.stock, self.ours = pair.Asked(stock, twice=True), pair.Asked(ours)
        self.stock.connect()
        self.ours.connect()
        self.differences, self.renewed = pair.differences, 0

    def __call__(self, document):
        return self.stock.ask(document), self.ours.ask(document)

    def unexplained(self, document, rules, show_all):
        """The answers, and what differs. What no rule covers is asked once more of a new stock libvirtd: some
        documents spoil the memory of one that goes on."""
        for asked in range(1, 3):
            stock, ours = self(document)
            differences = self.differences(stock, ours)
            left = differences if show_all else rules.unexplained(differences)
            if asked == 2 or show_all or not left or self.renewed == RENEWED_MAX:
                return stock, ours, left
            self.renewed += 1
            self.stock.renew()


class Groups:
    """Differences by what they have in common, with one example each."""

    def __init__(self):
        self.counts, self.examples = collections.Counter(), {}

    @staticmethod
    def key(difference):
        line = re.sub(r"\(null\)", "NULL", " || ".join(difference))
        line = re.sub(r"='[^']*'", "=*", line) if line.startswith("dump") else re.sub(r"'[^']*'", "'*'", line)
        return re.sub(r"-?\d+", "N", line)[:400]

    def add(self, difference, title, document):
        key = self.key(difference)
        self.counts[key] += 1
        self.examples.setdefault(key, (title, document, difference))

    @staticmethod
    def pattern(side):
        """A regular expression: codes and words as they are, of quoted values and numbers only the shape."""
        head = re.match(r"(code )?(\d+: )?", side)[0]
        tail = re.sub(r"'[^']*'", "'[^']*'", re.escape(side[len(head):])).replace("\\ ", " ")
        return head + re.sub(r"\d+", lambda _: r"\d+", tail)

    def rules(self):
        for key in self.counts:
            print(" || ".join(self.pattern(side) for side in self.examples[key][2]))

    def show(self, limit, documents):
        for key, number in self.counts.most_common(limit):
            title, document, difference = self.examples[key]
            print(f"{number:5} {key}\n      {title}: {' || '.join(difference)[:600]}")
            if documents:
                print(document)


def chosen(options):
    """(title, document) pairs as the options want them."""
    import corpus
    import hand
    schema = options.schema or (STOCK_SCHEMA if options.stock else os.path.join(t.SOURCE, "schemas/domain.rng"))
    documents = [] if options.stock or options.schema or options.seed != "skep" else list(hand.documents())
    if not options.hand:
        documents += corpus.Corpus(schema, options.seed, values=options.values, changes=options.changes,
                                   full=options.full).documents()
    if options.only:
        documents = [pair for pair in documents if options.only in pair[0]]
    if options.limit and options.limit < len(documents):
        documents = random.Random(options.seed).sample(documents, options.limit)
    return documents


def by_hand(options):
    import hand
    return set() if options.stock or options.schema else {title for title, _ in hand.documents()}


def compare(options, ask):
    import deviations
    rules = deviations.Rules(os.path.join(HERE, "deviations.txt"), options.yet)
    groups, counts = Groups(), collections.Counter()
    documents, own = chosen(options), by_hand(options)
    for title, document in documents:
        stock, ours, left = ask.unexplained(document, rules, options.all)
        who = "both" if stock[0] == ours[0] == "ok" else "stock" if stock[0] == "ok" else \
            "ours" if ours[0] == "ok" else "none"
        counts[f"accepted by {who}"] += 1
        for difference in left:
            kind = difference[0].split()[0]
            if kind in options.kinds.split(",") if options.kinds else kind != "text" or title in own:
                groups.add(difference, title, document)
    if options.rules:
        groups.rules()
        return 0
    groups.show(None if options.all or options.yet else SHOWN, options.documents)
    print(f"{len(documents)} documents:", ", ".join(f"{n} {what}" for what, n in sorted(counts.items())) +
          f"; {sum(groups.counts.values())} differences of {len(groups.counts)} kinds")
    if options.all:
        return 0
    whole = options.seed == "skep" and not (options.stock or options.hand or options.only or options.limit)
    stale = rules.unused() if whole else []
    for rule in stale:
        print(f"FAILED: deviations.txt, line {rule.number}: no document needs it any more")
    return 1 if groups.counts or stale else 0


def show(path, ask):
    with open(path, encoding="utf-8") as handle:
        stock, ours = ask(handle.read())
    print(f"=== {path}\nstock {stock[0]}: {stock[1]}\nours {ours[0]}: {ours[1]}")
    for difference in ask.differences(stock, ours):
        print(" || ".join(difference))


def parse_options():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seed", default="skep")
    parser.add_argument("--schema")
    for name, default in (("limit", 0), ("values", 1), ("changes", 1), ("full", 0)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--only", default="")
    parser.add_argument("--kinds")
    for name in ("stock", "hand", "all", "documents", "rules", "yet"):
        parser.add_argument("--" + name, action="store_true")
    parser.add_argument("files", nargs="*")
    return parser.parse_args()


def main():
    options = parse_options()
    t.enter_namespaces()
    if not t.StockLibvirtd.installed():
        t.skip("needs stock libvirtd (tools/deps clients)")
    with t.work_dir() as directory, t.StockLibvirtd(os.path.join(directory, "o")) as stock, \
            t.Skepd(os.path.join(directory, "s")) as ours:
        ask = Both(stock, ours)
        for path in options.files:
            show(path, ask)
        return 0 if options.files else compare(options, ask)


sys.exit(main())
