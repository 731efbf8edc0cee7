#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The checks themselves: each planted fault must be found, and the clean tree it was planted in must pass."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SPDX = "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"
TABLE = """## 1. Rooms
```
src/
  util/        fds                    -> nothing of ours
  conf/        the model, on
               two lines              -> util
  host/        the kernel             -> util
  security/    labels                 -> util conf
  plan/        the plan               -> util
  rpc/         bytes                  -> util
  controller/  program                -> util host plan rpc
  driver/      program                -> util conf host security plan rpc
  client/      libskep                -> util rpc
schemas/   RELAX NG
```
"""
CLEAN = {
    "docs/architecture.md": TABLE,
    "src/util/a.h": SPDX + "int a_value (void);\n",
    "src/util/g.h": SPDX + "#include <glib.h>\n",
    "src/util/a.c": SPDX + '#include "util/a.h"\n\nint\na_value (void)\n{\n    return 1;\n}\n',
    "src/host/b.c": SPDX + '#include "util/a.h"\n\nstatic int\nb_value (void)\n{\n    return a_value ();\n}\n',
}
BODY = "{\n    int x = 1;\n    x++;\n    x--;\n    x += 2;\n    return x;\n}\n"
# check, file, its text, what the report must say
FAULTS = [
    ("arrows", "src/util/c.c", '#include "conf/d.h"\n', "util/ may not include conf/d.h"),
    ("arrows", "src/controller/c.c", '#include "driver/d.h"\n', "controller/ may not include driver/d.h"),
    ("arrows", "src/conf/c.c", '#include "util/none.h"\n', "no such header"),
    ("arrows", "src/conf/c.c", '#include "c.h"\n', 'write "conf/c.h"'),
    ("arrows", "src/driver/c.c", "#include <selinux/selinux.h>\n", "belongs to"),
    ("arrows", "src/driver/c.c", "#include <systemd/sd-bus.h>\n", "belongs to"),
    ("arrows", "src/controller/c.c", '#include "util/g.h"\n', "sees GLib through util/g.h -> glib.h"),
    ("arrows", "src/cellar/c.c", "\n", "is no room"),
    ("arrows", "tools/c.c", '#include "driver/d.h"\n', "tools/ may not include"),
    ("arrows", "tests/meson.build", "executable('x', dependencies: [driver_dep, controller_dep])\n",
     "together"),
    ("sizes", "src/util/c.c", "\n" * 1300, "1200 is the limit"),
    ("sizes", "src/util/c.c", "int\nlong_one (void)\n{\n" + "    a ();\n" * 101 + "}\n", "long_one() has 103"),
    ("sizes", "src/util/c.c", "/* TO" "DO: this */\n", "unfinished"),
    ("sizes", "src/util/c.c", "\tint a;\n", "a tab"),
    ("sizes", "src/util/c.c", None, "no 'SPDX"),
    ("names", "src/conf/c.c", "int\na_value (void)\n{\n    return 2;\n}\n", "is defined in"),
    ("names", "src/conf/c.c", "static int\none (void)\n" + BODY, None),
    ("names", "src/conf/c.h", "typedef struct {\n    int a;\n} Thing;\n", None),
    ("names", "src/conf/c.c", "int\nc_value (void)\n{\n    return 2;\n}\n", "c_value() is used nowhere"),
    ("names", "src/conf/c.h", "int c_value (int a,\n             int b);\n", "c_value() is declared only"),
]
PAIRS = {16: ("src/host/c.c", "static int\ntwo (void)\n" + BODY, "has the body of one()"),
         17: ("src/host/c.h", "typedef struct {\n    int b;\n} Thing;\n", "type Thing is defined")}


def run(check, files):
    with tempfile.TemporaryDirectory(prefix="skep-check-") as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as handle:
                handle.write(text)
        done = subprocess.run([sys.executable, os.path.join(HERE, check + ".py"), root],
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def main():
    failed = 0
    for check in ("arrows", "sizes", "names"):
        status, said = run(check, CLEAN)
        if status:
            failed += 1
            print(f"{check} refuses the clean tree:\n{said}")
    for index, (check, path, text, expected) in enumerate(FAULTS):
        files = dict(CLEAN)
        files[path] = ("" if text is None else SPDX) + (text or "int a;\n")
        if index in PAIRS:
            other, other_text, expected = PAIRS[index]
            files[other] = SPDX + other_text
        status, said = run(check, files)
        if status == 0 or expected not in said:
            failed += 1
            print(f"{check} misses the fault in {path} (wanted '{expected}'):\n{said}")
    print(f"selftest: {len(FAULTS)} planted faults, {failed} missed")
    return 1 if failed else 0


sys.exit(main())
