#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that bring hundreds of megabytes with them: Ansible, Nova, Ceilometer, Vagrant, virt-login-shell. They live in
a root of their own (make-root), and see the daemon's socket there.

  SKEP_CLIENTS_ROOT=DIR large.py [--oracle] ansible|nova|ceilometer|vagrant|login
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "lib"))
import skeptest as t  # noqa: E402

INSIDE = {"ansible": "in_ansible.py", "nova": "in_nova.py", "ceilometer": "in_ceilometer.py", "vagrant": "in_vagrant.py",
          "login": "in_login.py"}
SOURCE = "/srv/skep"        # our tree, in that root


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def prepare(root, directory, stock):
    """What the clients need to see of the host: the daemon's directory, processes, control groups; nothing else."""
    for place in ("/run", "/tmp", "/root", "/var/log", "/var/lib/nova", "/etc/libvirt"):
        os.makedirs(root + place, exist_ok=True)
        mount("-t", "tmpfs", "-o", "mode=1777", "none", root + place)
    for place, source, options in ((SOURCE, t.SOURCE, ["--bind"]), (directory, directory, ["--rbind"]), ("/proc", "/proc", ["--rbind"]),
                                   ("/sys", "/sys", ["--rbind"]), ("/dev", "/dev", ["--rbind"])):
        os.makedirs(root + place, exist_ok=True)
        mount(*options, source, root + place)
    os.makedirs(root + "/run/libvirt", exist_ok=True)
    if stock:       # under the name at which clients look by default
        os.symlink(os.path.join(directory, "d/libvirt-sock"), root + "/run/libvirt/libvirt-sock")
    else:
        mount("--bind", "/run/libvirt", root + "/run/libvirt")


def main():
    client = sys.argv[-1]
    stock = "--oracle" in sys.argv[1:]
    root = os.environ.get("SKEP_CLIENTS_ROOT")
    if not root or not os.path.isdir(root):
        t.skip("needs a root with large clients (tests/clients/large/make-root DIR; SKEP_CLIENTS_ROOT=DIR)")
    t.enter_namespaces()
    os.makedirs("/run/libvirt", exist_ok=True)
    mount("-t", "tmpfs", "-o", "mode=755", "none", "/run/libvirt")
    with t.work_dir() as directory:
        daemon = t.StockLibvirtd(os.path.join(directory, "d")) if stock else t.Skepd(os.path.join(directory, "d"), libvirt_paths=True)
        with daemon:
            t.busybox_root(os.path.join(directory, "root"))
            prepare(root, directory, stock)
            done = subprocess.run(["chroot", root, "/usr/bin/python3", f"{SOURCE}/tests/clients/large/{INSIDE[client]}", daemon.uri,
                                   directory, daemon.name], check=False, timeout=800,
                                  env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
                                       "PYTHONDONTWRITEBYTECODE": "1", "VERBOSE": os.environ.get("VERBOSE", "")})
            for place in reversed(t.mounts_below(root)):
                subprocess.run(["umount", "-l", place], check=False)
            if done.returncode and not stock:
                print("last lines of skepd.log:\n" + "\n".join(daemon.log().splitlines()[-20:]))
    return done.returncode


sys.exit(main())
