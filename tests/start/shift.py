#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers with an id map on file systems that have no id-mapped mounts: the files of the root are given
to the container's host ids, once, with all that hangs on them, also when that is killed again and again;
other file systems keep their ids; and it is said."""

import ctypes
import os
import random
import re
import select
import shutil
import socket
import stat
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import skeptest  # noqa: E402

HELPER = os.path.join(skeptest.BUILD, "src/controller/skep-helper")
BASE, COUNT = 200000, 65536
MAP = f"0:{BASE}:{COUNT}"
IDMAP = (f"<idmap><uid start='0' target='{BASE}' count='{COUNT}'/>"
         f"<gid start='0' target='{BASE}' count='{COUNT}'/></idmap>")
CAPS = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)       # version 2: cap_net_raw=ep
NAME = f"shift{os.getpid()}"
PATIENCE = 60


def helper(*words, kill_after=None):
    """The helper's answer: (type, errno, flags, changed, foreign, mounts, object); None when killed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            process = subprocess.Popen([HELPER, "--answer-fd", str(theirs.fileno()), *words],
                                       pass_fds=[theirs.fileno()])
        if kill_after is not None:
            time.sleep(kill_after)
            process.kill()
        process.wait()
        packet = ours.recv(512)
    if not packet:
        return None
    kind, _, _, err, flags, mounts, changed, foreign = struct.unpack("=IIIiII2Q", packet[:40])
    return kind, err, flags, changed, foreign, mounts, packet[40:488].rstrip(b"\0").decode()


def shift(root, records, uids=MAP, gids=MAP, **options):
    return helper("shift", root, records, uids, gids, **options)


def acl(entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xffffffff
ACL = [(1, 7, NOBODY), (2, 5, 1000), (4, 5, NOBODY), (8, 4, 1001), (16, 7, NOBODY), (32, 0, NOBODY)]
SHIFTED_ACL = [(1, 7, NOBODY), (2, 5, BASE + 1000), (4, 5, NOBODY), (8, 4, BASE + 1001), (16, 7, NOBODY),
               (32, 0, NOBODY)]


def make_tree(root, files=0):
    """Something of every kind; its expected state afterwards: {path: (uid, gid, mode)}."""
    os.makedirs(f"{root}/etc/deep/er")
    os.makedirs(f"{root}/bin")
    for n in range(files):
        with open(f"{root}/etc/deep/er/{n}", "w", encoding="utf-8") as handle:
            handle.write("x")
        os.chown(f"{root}/etc/deep/er/{n}", n % 100, n % 90)
        if n % 3 == 0:
            os.chmod(f"{root}/etc/deep/er/{n}", 0o6755)
    for name, owner, mode in (("bin/su", (0, 0), 0o4755), ("bin/wall", (0, 5), 0o2755), ("etc/shadow", (0, 42), 0o640),
                              ("bin/ping", (0, 0), 0o755), ("etc/mine", (1000, 1000), 0o600),
                              ("etc/other", (150000, 150000), 0o644), ("etc/done", (BASE + 7, BASE + 8), 0o4711)):
        with open(f"{root}/{name}", "w", encoding="utf-8") as handle:
            handle.write(name)
        os.chown(f"{root}/{name}", *owner)
        os.chmod(f"{root}/{name}", mode)
    os.link(f"{root}/bin/su", f"{root}/bin/sudo")
    os.symlink("/etc/shadow", f"{root}/etc/link")
    os.lchown(f"{root}/etc/link", 3, 4)
    os.mkfifo(f"{root}/etc/fifo")
    os.mknod(f"{root}/etc/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.chmod(f"{root}/etc/deep", 0o3775)
    expected = {}
    for where, dirs, names in os.walk(root):
        for path in [where, *(os.path.join(where, name) for name in names)]:
            st = os.lstat(path)
            uid, gid = (i + BASE if i < COUNT else i for i in (st.st_uid, st.st_gid))
            expected[path] = (uid, gid, st.st_mode)
    return expected


def differences(expected):
    found = {path: os.lstat(path) for path in expected}
    return [(path, (st.st_uid, st.st_gid, oct(st.st_mode)), expected[path][:2], oct(expected[path][2]))
            for path, st in found.items() if (st.st_uid, st.st_gid, st.st_mode) != expected[path]][:5]


def whole(checks, directory):
    root, records = f"{directory}/whole", f"{directory}/records"
    os.makedirs(records)
    expected = make_tree(root)
    xattrs = True
    try:
        os.setxattr(f"{root}/bin/ping", "security.capability", CAPS)
        os.setxattr(f"{root}/etc/mine", "system.posix_acl_access", acl(ACL))
        os.setxattr(f"{root}/etc/deep", "system.posix_acl_default", acl(ACL))
        expected[f"{root}/etc/mine"] = (BASE + 1000, BASE + 1000, os.lstat(f"{root}/etc/mine").st_mode)
    except OSError:
        xattrs = False
    os.makedirs(f"{root}/mnt")
    subprocess.run(["mount", "-t", "tmpfs", "x", f"{root}/mnt"], check=True)
    done = shift(root, records)
    checks.equal("whole: changed, foreign, mounts", (done[0], *done[3:6]), (8, 13, 1, 1))
    checks.equal("whole: every file", differences(expected), [])
    checks.equal("whole: another mount is left alone", os.stat(f"{root}/mnt").st_uid, 0)
    if xattrs:
        checks.equal("whole: capabilities are of the container's root",
                     os.getxattr(f"{root}/bin/ping", "security.capability").hex(),
                     (struct.pack("<I", 0x03000001) + CAPS[4:] + struct.pack("<I", BASE)).hex())
        checks.equal("whole: access list", os.getxattr(f"{root}/etc/mine", "system.posix_acl_access"),
                     acl(SHIFTED_ACL))
        checks.equal("whole: default list", os.getxattr(f"{root}/etc/deep", "system.posix_acl_default"),
                     acl(SHIFTED_ACL))
    checks.equal("whole: no record is left", os.listdir(records), [])
    done = shift(root, records)
    checks.equal("whole: a second time changes nothing", (done[0], done[3]), (8, 0))
    checks.equal("whole: and leaves all as it is", differences(expected), [])
    subprocess.run(["umount", f"{root}/mnt"], check=True)


def refused(checks, directory):
    root, records = f"{directory}/refused", f"{directory}/records"
    make_tree(root)
    for uids in ("0:1000:65536", "0:100000:10,100000:5:10"):
        checks.equal(f"a map onto itself ({uids})", shift(root, records, uids)[:2], (5, 75))
    checks.equal("nothing was changed", os.stat(root).st_uid, 0)
    checks.equal("an identity in the map is fine",
                 shift(root, records, f"0:{BASE}:1000,1000:1000:1,1001:{BASE + 1001}:1000", "0:0:65536")[0], 8)
    checks.equal("the identity's files stay", os.stat(f"{root}/etc/mine").st_uid, 1000)
    checks.equal("the others do not", os.stat(f"{root}/bin/su").st_uid, BASE)
    checks.equal("of another map", shift(root, records, "0:500000:65536", "0:0:65536")[:2], (5, 75))
    checks.equal("no such root", shift(f"{directory}/none", records)[:2], (5, 2))
    deep = f"{directory}/deep"
    path = deep
    os.makedirs(deep)
    os.chdir(deep)
    for _ in range(600):
        os.mkdir("d")
        os.chdir("d")
    os.chdir("/")
    checks.equal(f"too deep: {path[-4:]}", shift(deep, records)[:2], (5, 40))
    for uids, gids in (("x", MAP), (MAP, "1:2"), (MAP, "0:1:0"), (MAP, "0:1:1,")):
        checks.equal(f"bad map {uids} {gids}", shift(root, records, uids, gids)[:2], (5, 22))
    for words in (["shift", root], ["idmap"]):
        checks.equal(f"usage: {words}", helper(*words), None)


def killed(checks, directory):
    """Killed at random places until it comes through: the result is as if nothing had happened."""
    records = f"{directory}/records"
    kills = turn = 0
    # one that is quick, or a clock that is late, may be through before it is killed: then there are more turns
    while turn < 2 or (kills == 0 and turn < 20):
        root = f"{directory}/killed{turn}"
        expected = make_tree(root, 2000)
        tries = 0
        while True:
            done = shift(root, records, kill_after=random.uniform(0.001, 0.02) if tries < 40 else None)
            if done:
                break
            kills += 1
            tries += 1
        checks.equal(f"killed {tries} times: the last one ends well", done[0], 8)
        checks.equal(f"killed {tries} times: every file", differences(expected), [])
        checks.equal(f"killed {tries} times: no record is left", os.listdir(records), [])
        shutil.rmtree(root)
        turn += 1
    checks.that("some were killed", kills > 0)


def interrupted(checks, directory):
    """A record of a file whose owner has changed and whose mode has not come back."""
    records = f"{directory}/records"
    for where, name in (("blanks", "  su \n u"), ("interrupted", "bin/su")):
        root = f"{directory}/{where}"
        expected = make_tree(root)
        os.rename(f"{root}/bin/su", f"{root}/{name}")
        expected[f"{root}/{name}"] = expected.pop(f"{root}/bin/su")
        su = os.stat(f"{root}/{name}")
        st = os.stat(root)
        os.chown(f"{root}/{name}", BASE, BASE)
        checks.that("the kernel took the bit", not os.stat(f"{root}/{name}").st_mode & 0o4000)
        with open(f"{records}/ids-{st.st_dev:x}-{st.st_ino:x}", "w", encoding="utf-8") as handle:
            handle.write(f"{su.st_ino} {su.st_mode:o} {BASE} {BASE} - {name}\n")
        shift(root, records)
        checks.equal(f"{where}: every file", differences(expected), [])
    # a record cut short, and one that leads out
    other = make_tree(f"{directory}/short")
    st = os.stat(f"{directory}/short")
    for text in (f"{su.st_ino} {su.st_mode:o} 5 5 - bin/s", f"{su.st_ino} {su.st_mode:o} 5 5 - ../interrupted/bin/su\n",
                 "rubbish\n"):
        with open(f"{records}/ids-{st.st_dev:x}-{st.st_ino:x}", "w", encoding="utf-8") as handle:
            handle.write(text)
        checks.equal(f"record {text[-12:]!r}", shift(f"{directory}/short", records)[0], 8)
    checks.equal("bad records: every file", differences({**expected, **other}), [])


def start_fails(checks, daemon, what, pattern):
    done = daemon.virsh("start", NAME)
    checks.equal(f"{what}: status", done.status, 1)
    checks.matches(f"{what}: text", pattern, done.err)


def log_of(daemon):
    with open(f"{daemon.directory}/log/{NAME}.log", encoding="utf-8") as handle:
        return handle.read()


def define(daemon, directory, root, *, idmap=IDMAP, script="ls -ln /", devices=""):
    path = f"{directory}/domain.xml"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(NAME, root, args=("-c", f"{script}; exec sleep 1000"), more=idmap,
                                         uuid="7a0c4a2e-5f0e-4a7e-9d55-0f8a9a2f6b77", devices=devices))
    must(daemon, "define", path)


def must(daemon, *words):
    done = daemon.virsh(*words)
    if done.status:
        daemon.say_last()
        raise RuntimeError(f"virsh {' '.join(words)}: {done.err}")


def wait_end(checks, root, what):
    ended = skeptest.wait_until(lambda: os.path.exists(f"{root}/end"), PATIENCE)
    checks.that(f"{what}: its init comes to the end", ended, os.listdir(root))


def containers(checks, directory, daemon):
    """The root on ramfs, and beside it a bind of another one."""
    for name in ("root", "data"):
        os.makedirs(f"{directory}/{name}")
        subprocess.run(["mount", "-t", "ramfs", name, f"{directory}/{name}"], check=True)
        os.chmod(f"{directory}/{name}", 0o755)
    root = skeptest.busybox_root(f"{directory}/root/fs")
    shutil.copy2(f"{root}/bin/busybox", f"{root}/bin/setid")
    os.chmod(f"{root}/bin/setid", 0o4755)
    with open(f"{directory}/data/file", "w", encoding="utf-8") as handle:
        handle.write("mine")
    devices = f"<filesystem type='mount'><source dir='{directory}/data'/><target dir='/data'/></filesystem>"
    script = "exec &gt;/out; stat -c %u.%g.%a /bin/setid /data/file; cat /data/file; touch /data/new || echo no; touch /end"
    define(daemon, directory, root, script=script, devices=devices)
    done = daemon.virsh("start", NAME)
    checks.equal("start on ramfs", (done.status, done.err), (0, ""))
    wait_end(checks, root, "start on ramfs")
    with open(f"{root}/out", encoding="utf-8") as handle:
        checks.equal("seen inside", handle.read(), "0.0.4755\n65534.65534.644\nmineno\n")
    checks.equal("seen outside", (os.stat(f"{root}/out").st_uid, os.stat(f"{root}/bin/setid").st_uid), (BASE, BASE))
    checks.equal("the other file system keeps its ids", os.stat(f"{directory}/data/file").st_uid, 0)
    checks.matches("said in the domain's log", r"its files are given to the container's ids on disk", log_of(daemon))
    checks.matches("said in the domain's log: how many", rf"{root}: \d\d+ files changed", log_of(daemon))
    checks.matches("said in the domain's log: the other", r"data: no id-mapped mounts.*as on the host", log_of(daemon))
    checks.matches("said in the daemon's log", rf"'{NAME}'.*{root}.*on disk", daemon.log())
    device = f"{directory}/device.xml"
    with open(device, "w", encoding="utf-8") as handle:
        handle.write(f"<filesystem type='mount'><source dir='{directory}/data'/><target dir='/later'/></filesystem>")
    before = log_of(daemon).count("as on the host")
    done = daemon.virsh("attach-device", NAME, device, "--live")
    checks.equal("attached while it runs", (done.status, done.err), (0, ""))
    checks.equal("attached while it runs: said", log_of(daemon).count("as on the host"), before + 1)
    must(daemon, "destroy", NAME)
    done = daemon.virsh("start", NAME)
    checks.equal("start again", (done.status, done.err), (0, ""))
    checks.equal("and once is enough", os.stat(f"{root}/bin/setid").st_uid, BASE)
    checks.equal("its log", len(re.findall(r" files changed", log_of(daemon))), 1)
    must(daemon, "destroy", NAME)
    define(daemon, directory, root, idmap=IDMAP.replace(str(BASE), "400000"))
    start_fails(checks, daemon, "with another map", "belongs? to .*another|another id map")
    define(daemon, directory, root, idmap=IDMAP.replace(str(BASE), "1000"))
    start_fails(checks, daemon, "a map that overlaps itself", "overlap")


def mounts_below(checks, directory, daemon):
    """Mounts below a root that can be id-mapped: one that cannot does not keep the container from starting."""
    root = skeptest.busybox_root(f"{directory}/mixed")
    os.mkdir(f"{root}/mnt")
    subprocess.run(["mount", "-t", "ramfs", "x", f"{root}/mnt"], check=True)
    define(daemon, directory, root, script="stat -c %u /bin/busybox /mnt &gt;/out; touch /end")
    done = daemon.virsh("start", NAME)
    checks.equal("a mount below the root cannot", (done.status, done.err), (0, ""))
    checks.matches("and it is said", r"mixed: a mount below it cannot be id-mapped", log_of(daemon))
    wait_end(checks, root, "a mount below the root")
    with open(f"{root}/out", encoding="utf-8") as handle:
        checks.equal("seen inside", handle.read(), "0\n65534\n")
    must(daemon, "destroy", NAME)


def shared_root(checks, directory, daemon):
    """Its files cannot be given away under another container that runs on them."""
    root = skeptest.busybox_root(f"{directory}/root/shared")
    define(daemon, directory, root, idmap="")
    path = f"{directory}/other.xml"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(skeptest.domain_xml(f"{NAME}b", root, args=("-c", "exec sleep 1000")))
    must(daemon, "define", path)
    must(daemon, "start", f"{NAME}b")
    define(daemon, directory, root)
    start_fails(checks, daemon, "a root in use", f"in use by domain '{NAME}b'")
    checks.equal("nothing was changed", os.stat(f"{root}/bin/busybox").st_uid, 0)
    must(daemon, "destroy", f"{NAME}b")


class Gate:
    """Whoever opens the directory waits, until the gate is closed (fanotify_init(2), fanotify_mark(2))."""

    CLASS_CONTENT_CLOEXEC = 0x4 | 0x1
    MARK_ADD = 0x1
    OPEN_PERM_ONDIR = 0x10000 | 0x40000000

    def __init__(self, directory):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.fanotify_init(self.CLASS_CONTENT_CLOEXEC, os.O_RDONLY | os.O_CLOEXEC)
        done = libc.fanotify_mark(self.fd, self.MARK_ADD, ctypes.c_uint64(self.OPEN_PERM_ONDIR), -1,
                                  os.fsencode(directory))
        if self.fd < 0 or done < 0:
            raise OSError(ctypes.get_errno(), f"no gate before {directory}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def waiter(self):
        """The process that waits now; None when none came in time."""
        if not select.select([self.fd], [], [], PATIENCE)[0]:
            return None
        event = struct.unpack("=IBBHQii", os.read(self.fd, 24))
        os.close(event[5])
        return event[6]


def cancelled(checks, directory, daemon):
    """Destroyed, and the daemon killed, while a root is under way: nothing goes on, and the next start ends it."""
    root = skeptest.busybox_root(f"{directory}/root/large")
    files = [f"{root}/{n}/{m}" for n in range(20) for m in range(50)]
    for path in files:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mknod(path, stat.S_IFREG | 0o4755)
    define(daemon, directory, root)
    for how in ("destroy", "kill"):
        with Gate(f"{root}/10") as gate, \
                subprocess.Popen(["virsh", "-c", daemon.uri, "start", NAME], stderr=subprocess.PIPE, text=True) as start:
            helper_pid = gate.waiter()
            checks.that(f"{how}: under way", helper_pid)
            if how == "destroy":
                must(daemon, "destroy", NAME)
                checks.matches("destroy: the start's error", "destroyed while it started", start.stderr.read())
            else:
                daemon.kill()
                start.wait(PATIENCE)
            checks.that(f"{how}: nobody works on it",
                        helper_pid and skeptest.wait_until(lambda: not skeptest.is_alive(helper_pid), PATIENCE))
        checks.equal(f"{how}: the root is the host's still", os.stat(root).st_uid, 0)
    daemon.start()
    must(daemon, "start", NAME)
    wrong = [path for path in files if (os.stat(path).st_uid, os.stat(path).st_mode) != (BASE, stat.S_IFREG | 0o4755)]
    checks.equal("every file", wrong[:5], [])
    must(daemon, "destroy", NAME)
    checks.equal("no record is left", [n for n in os.listdir(daemon.directory) if n.startswith("ids-")], [])


def main():
    skeptest.enter_namespaces()
    checks = skeptest.Checks("shift")
    with skeptest.work_dir() as directory:
        os.chmod(directory, 0o755)
        for function in (whole, refused, killed, interrupted):
            function(checks, directory)
        checks.equal("probe: here", helper("idmap", directory)[:3], (8, 0, 1))
        checks.equal("probe: nothing there", helper("idmap", f"{directory}/nothing")[:2], (5, 2))
        with skeptest.Skepd(f"{directory}/d") as daemon:
            containers(checks, directory, daemon)
            checks.equal("probe: ramfs", helper("idmap", f"{directory}/root")[:3], (8, 0, 0))
            mounts_below(checks, directory, daemon)
            shared_root(checks, directory, daemon)
            cancelled(checks, directory, daemon)
    return checks.done()


sys.exit(main())
