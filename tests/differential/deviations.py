# SPDX-License-Identifier: LGPL-2.1-or-later
"""deviations.txt: what may differ. One rule a line,

    KIND STOCK || OURS || REASON

KIND is code, text (same code, other words) or dump; STOCK and OURS are regular expressions that the whole of
each answer matches (an outcome, or the lines of the dump that differ). A rule that nothing needs is wrong, but
for those whose reason begins with "not yet": they are not meant to stay."""

import re


class Rule:
    def __init__(self, number, line):
        self.number = number
        parts = [part.strip() for part in line.split("||")]
        if len(parts) != 3 or not parts[2]:
            raise ValueError(f"deviations.txt, line {number}: not KIND STOCK || OURS || REASON")
        self.stock, self.ours = re.compile(parts[0]), re.compile(parts[1])
        self.reason, self.used = parts[2], 0

    def passing(self):
        return self.reason.startswith("not yet")

    def explains(self, difference):
        return self.stock.fullmatch(difference[0]) and self.ours.fullmatch(difference[1])


class Rules:
    def __init__(self, path, yet=False):
        """@yet: without those that are not meant to stay."""
        self.rules = []
        with open(path, encoding="utf-8") as handle:
            for number, line in enumerate(handle, 1):
                if line.strip() and not line.startswith("#"):
                    self.rules.append(Rule(number, line.rstrip("\n")))
        if yet:
            self.rules = [rule for rule in self.rules if not rule.passing()]

    def unexplained(self, differences):
        """Those of the (stock, ours) pairs that no rule covers; counts the rules that do."""
        left = []
        for difference in differences:
            rule = next((rule for rule in self.rules if rule.explains(difference)), None)
            if rule:
                rule.used += 1
            else:
                left.append(difference)
        return left

    def unused(self):
        return [rule for rule in self.rules if not rule.used and not rule.passing()]
