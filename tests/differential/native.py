#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""LXC configurations of every generation, converted to domains by stock libvirtd and by skepd: the same, or
what differs is in native-deviations.txt.

  native.py              the configurations of native/*.txt
  native.py --all        every difference; --only TEXT: of titles that have TEXT
  native.py --show TEXT  both results for titles that have TEXT
"""

import argparse
import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import skeptest as t  # noqa: E402


def configurations(only):
    import hand
    for path in sorted(glob.glob(os.path.join(HERE, "native", "*.txt"))):
        for title, text in hand.pieces(path):
            title = f"{os.path.basename(path)[:-4]}: {title}"
            if only in title:
                yield title, text.replace("\n", "\r\n") if "Windows" in title else text


def compare(options, stock, ours):
    import deviations
    import pair
    rules = deviations.Rules(os.path.join(HERE, "native-deviations.txt"))
    checks = t.Checks("native")
    for title, text in configurations(options.only or options.show):
        answers = stock.ask(text, "convert"), ours.ask(text, "convert")
        if options.show:
            print(f"=== {title}\n--- stock: {answers[0][0]}\n{answers[0][1]}\n--- ours: {answers[1][0]}\n{answers[1][1]}")
        found = pair.differences(*answers)
        left = found if options.all else rules.unexplained(found)
        checks.that(title, not left, "\n    ".join(" || ".join(difference) for difference in left))
    if not options.only and not options.show and not options.all:
        for rule in rules.unused():
            checks.that(f"native-deviations.txt, line {rule.number}: a configuration needs it", False)
    return checks.done()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--show", default="")
    options = parser.parse_args()
    t.enter_namespaces()
    if not t.StockLibvirtd.installed():
        t.skip("needs stock libvirtd (tools/deps clients)")
    import pair
    with t.work_dir() as directory, t.StockLibvirtd(os.path.join(directory, "o")) as stock, \
            t.Skepd(os.path.join(directory, "s")) as ours:
        both = pair.Asked(stock), pair.Asked(ours)
        for one in both:
            one.connect()
        return compare(options, *both)


sys.exit(main())
