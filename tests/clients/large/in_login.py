# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-login-shell: a user's shell is in the container that bears the user's name; it starts it when it is off. It takes no
URI. Run by large.py."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lib"))
import skeptest as t  # noqa: E402

import libvirt  # noqa: E402

USER, NUMBER = "hiveuser", 4711


def prepare(root):
    """Who may, and the same user inside."""
    os.makedirs("/etc/libvirt", exist_ok=True)
    with open("/etc/libvirt/virt-login-shell.conf", "w", encoding="utf-8") as handle:
        handle.write(f'allowed_users = [ "{USER}" ]\nshell = [ "/bin/sh", "-l" ]\n')
    for name, line in (("passwd", f"{USER}:x:{NUMBER}:{NUMBER}::/home/{USER}:/bin/sh\n"), ("group", f"{USER}:x:{NUMBER}:\n")):
        changed = f"/tmp/{name}"
        with open(f"/etc/{name}", encoding="utf-8") as old, open(changed, "w", encoding="utf-8") as new:
            new.write(old.read() + line)
        os.chmod(changed, 0o644)
        subprocess.run(["mount", "--bind", changed, f"/etc/{name}"], check=True)
        with open(os.path.join(root, "etc", name), "a", encoding="utf-8") as handle:
            handle.write(line)
    os.makedirs(os.path.join(root, "home", USER), exist_ok=True)
    os.chown(os.path.join(root, "home", USER), NUMBER, NUMBER)


def login(command):
    """As login(1) would: a set-uid program, which Debian ships without the bit; so it is copied with it."""
    return t.execute(["setpriv", f"--reuid={NUMBER}", f"--regid={NUMBER}", "--clear-groups", "/tmp/virt-login-shell", "-c", command],
                     timeout=120)


def main(uri, directory, name):
    checks = t.Checks(f"virt-login-shell on {name}")
    root = os.path.join(directory, "root")
    os.chmod(directory, 0o755)
    prepare(root)
    subprocess.run(["cp", "/usr/bin/virt-login-shell", "/tmp/virt-login-shell"], check=True)
    os.chmod("/tmp/virt-login-shell", 0o4755)
    conn = libvirt.open(uri)
    dom = conn.defineXML(t.domain_xml(USER, root))
    if name == "libvirtd":      # there the first login finds "Init pid is not yet available"
        dom.create()
        t.wait_until(lambda: login("true").status == 0, 30, 0.5)
    done = login("id -u; echo $0; pwd; hostname")
    checks.equal("a shell in the container", (done.status, done.out.split()[:1], done.out.split()[-1:]), (0, [str(NUMBER)], [USER]))
    checks.equal("it runs now", dom.isActive(), 1)
    checks.equal("its status is told", login("exit 7").status, 7)
    groups = login("cat /proc/self/cgroup").out
    checks.matches("it is in the container's control groups", rf"lxc-{conn.lookupByName(USER).ID()}-{USER}", groups)
    dom.destroy()
    dom.undefine()
    denied = login("true")
    checks.that("without a container: refused", denied.status != 0, denied)
    return checks.done()


sys.exit(main(*sys.argv[1:]))
