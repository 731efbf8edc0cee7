# SPDX-License-Identifier: LGPL-2.1-or-later
"""A running container whose devices come and go: for hotplug.py, its parts, and hostdevs.py."""

import contextlib
import os

import skeptest as t

IDMAP = ("<idmap><uid start='0' target='100000' count='65536'/><gid start='0' target='100000' count='65536'/>"
         "</idmap>")
GOOD = (0, "")


def well(done):
    return (done.status, done.err)


class Guest:
    """A running container with a shell's tools in it."""

    def __init__(self, daemon, directory, name, *, idmap=False, net=True):
        self.daemon, self.directory, self.name, self.idmap = daemon, directory, name, idmap
        self.root = t.busybox_root(os.path.join(directory, name))
        self.owner = 100000 if idmap else 0
        os.makedirs(os.path.join(self.root, "mnt"), exist_ok=True)
        more = "<features><privnet/></features>" if net else ""
        self.xml = os.path.join(directory, f"{name}.xml")
        with open(self.xml, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml(name, self.root, init="/bin/sleep", args=("100000",),
                                      more=(IDMAP if idmap else "") + more))
        self.must("define", self.xml)
        self.must("start", name)
        self.init = self.find_init()

    def find_init(self):
        controller = self.daemon.virsh("domid", self.name).out.strip()
        with open(f"/proc/{controller}/task/{controller}/children", encoding="utf-8") as handle:
            return int(handle.read().split()[0])

    def must(self, *words):
        done = self.daemon.virsh(*words)
        if done.status:
            raise RuntimeError(f"virsh {' '.join(words)}: {done!r}")
        return done

    def run(self, *words):
        """A program in the container's namespaces and cgroups, as its root."""
        user = ["-U", "-S", "0", "-G", "0"] if self.idmap else []
        groups = f"for f in $(ls -d /sys/fs/cgroup/*/); do p=$(sed -n 's/.*devices:\\(.*\\)/\\1/p' /proc/{self.init}/cgroup); "
        command = (groups + "done; echo $$ >/sys/fs/cgroup/devices$p/tasks 2>/dev/null; exec \"$@\"")
        return t.execute(["sh", "-c", command, "sh", "nsenter", "-t", str(self.init), "-m", "-n", "-p", "-i", "-u",
                          *user, *words])

    def device(self, path):
        """"b 7:0 700 0:0" of a node as the host sees it, or None."""
        with contextlib.suppress(FileNotFoundError):
            st = os.lstat(f"/proc/{self.init}/root{path}")
            kind = {0o060000: "b", 0o020000: "c"}.get(st.st_mode & 0o170000, "?")
            return (kind, os.major(st.st_rdev), os.minor(st.st_rdev), oct(st.st_mode & 0o7777), st.st_uid, st.st_gid)
        return None

    def mounts(self):
        with open(f"/proc/{self.init}/mountinfo", encoding="utf-8") as table:
            return {line.split()[4]: line for line in table}

    def live(self):
        return self.must("dumpxml", self.name).out

    def saved(self):
        return self.must("dumpxml", "--inactive", self.name).out

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(text)
        return path

    def attach(self, xml, *flags):
        return self.daemon.virsh("attach-device", self.name, self.write("device.xml", xml), *(flags or ["--live"]))

    def detach(self, xml, *flags):
        return self.daemon.virsh("detach-device", self.name, self.write("device.xml", xml), *(flags or ["--live"]))

    def update(self, xml, *flags):
        return self.daemon.virsh("update-device", self.name, self.write("device.xml", xml), *(flags or ["--live"]))
