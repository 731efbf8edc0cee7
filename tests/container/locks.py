#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Masks and read-only mounts, and who can take them off: docs/security.md, "What is the boundary"."""

import html
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import skeptest as t  # noqa: E402

NAME = f"locks{os.getpid()}"
PATIENCE = 60
TRY = """exec >/out 2>/dev/null
umount -l /proc/kallsyms && echo unmasked
mount -o remount,rw,bind /proc/sys && echo writable
mount -t proc x /tmp && echo fresh
touch /done; exec sleep 1000"""


def identity(kind):
    return f"<{kind} start='0' target='0' count='4294967295'/>"


def mapped(kind):
    return f"<{kind} start='0' target='300000' count='65536'/>"


def main():
    t.enter_namespaces()
    checks = t.Checks("locks")
    off = "<features><capabilities policy='default'><sys_admin state='off'/></capabilities></features>"
    cases = (("privileged", "", "unmasked\nwritable\nfresh\n"),     # truly: it is said, not wished
             ("mapped", f"<idmap>{mapped('uid')}{mapped('gid')}</idmap>", ""),
             ("mapped onto itself", f"<idmap>{identity('uid')}{identity('gid')}</idmap>", ""),
             ("without sys_admin", off, ""))
    with t.work_dir() as directory, t.Skepd(f"{directory}/d") as daemon:
        os.chmod(directory, 0o755)
        for number, (what, more, expected) in enumerate(cases):
            root = t.busybox_root(f"{directory}/root{number}")
            os.chmod(root, 0o777)
            path = f"{directory}/domain.xml"
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(t.domain_xml(f"{NAME}{number}", root, args=("-c", html.escape(TRY)), more=more))
            for words in (("define", path), ("start", f"{NAME}{number}")):
                done = daemon.virsh(*words)
                checks.equal(f"{what}: {words[0]}", (done.status, done.err), (0, ""))
            ended = t.wait_until(lambda at=root: os.path.exists(f"{at}/done"), PATIENCE)
            if not checks.that(f"{what}: comes to the end", ended, os.listdir(root)):
                continue
            with open(f"{root}/out", encoding="utf-8") as handle:
                checks.equal(f"{what}: what could be undone", handle.read(), expected)
            daemon.virsh("destroy", f"{NAME}{number}")
    return checks.done()


sys.exit(main())
