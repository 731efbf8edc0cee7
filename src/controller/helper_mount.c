/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts that come into a running container, change and go: all below the verbs of helper_device.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "controller/enter.h"
#include "controller/helper_device.h"
#include "controller/tree.h"
#include "util/fd.h"

#define STAGE_TREE "tree"

/*
 * Locks the flags of @tree: from now on nobody in the container's user namespace can make it writable
 * again. The kernel locks when a mount is copied into a mount namespace of another user namespace, so
 * there must be one: ours, which only this process ever sees. Ends as the container's root.
 */
static int
lock_tree (Device *d, int tree, bool directory, int userns)
{
    autofd int target = -1;
    int locked;

    if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
        || mount ("skep", d->plan.stage_dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64k") < 0
        || chdir (d->plan.stage_dir) < 0)
        return failure_set (&d->failure, STEP_LOCK_MOUNTS, d->plan.stage_dir);
    if (directory)
        target = mkdir (STAGE_TREE, 0755) < 0 ? -1 : open (STAGE_TREE, O_PATH | O_DIRECTORY | O_CLOEXEC);
    else
        target = open (STAGE_TREE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (target < 0 || tree_attach (tree, target) < 0)
        return failure_set (&d->failure, STEP_LOCK_MOUNTS, STAGE_TREE);
    /* the working directory follows into the copied namespace: descriptors do not */
    if (setns (userns, CLONE_NEWUSER) < 0 || unshare (CLONE_NEWNS) < 0)
        return failure_set (&d->failure, STEP_LOCK_MOUNTS, "user namespace");
    locked = open_tree (AT_FDCWD, STAGE_TREE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    return locked < 0 ? failure_set (&d->failure, STEP_LOCK_MOUNTS, STAGE_TREE) : locked;
}

int
device_add_mount (Device *d)
{
    const plan_mount *mount = d->plan.mounts.mounts_val;
    bool from_guest = mount->kind == PLAN_MOUNT_BIND_GUEST, directory = true;
    launch_plan alone = { .mounts = { 1, d->plan.mounts.mounts_val } };
    Mounts m = { .plan = &alone, .failure = &d->failure, .owner = d->owner, .root = -1, .userns = -1 };
    autofd int userns = -1, tree = -1, target = -1;

    if (d->call->has_userns && (userns = device_open_namespace (d->call, "user")) < 0)
        return failure_set (&d->failure, STEP_USER_NAMESPACE, "the container's user namespace");
    m.userns = userns;
    umask (0);
    /* the source first: it is the host's, and out of sight later */
    if (!from_guest && (tree = mount_make (&m, mount, &directory)) < 0)
        return -1;
    if (!from_guest && userns >= 0) {
        int locked = lock_tree (d, tree, directory, userns);

        fd_close (&tree);
        tree = locked;
        if (tree < 0)
            return -1;
        /* of that user namespace already: what is left is its mount namespace */
        d->owner = (RootOwner) { 0, 0 };
        if (enter_as_root () < 0)
            return failure_set (&d->failure, STEP_CREDENTIALS, "root");
    }
    if (device_enter_tree (d, from_guest) < 0)
        return -1;
    m.root = d->root;
    m.owner = d->owner;
    if (from_guest && (tree = mount_make (&m, mount, &directory)) < 0)
        return -1;
    if (mount_target (&m, mount, directory, &target) < 0)
        return -1;
    if (helper_still_asked (d->call) < 0)
        return failure_set (&d->failure, STEP_MOUNT, mount->target);
    return mount_put (&m, mount, tree, target);
}

/* What the mount shows at its root, as far as that can be said. */
typedef struct {
    bool known;
    dev_t dev;
    ino_t ino;              /* 0: any */
} Shown;

static Shown
shown_of (Device *d, const plan_mount *mount, bool inside)
{
    bool from_guest = mount->kind == PLAN_MOUNT_BIND_GUEST;
    autofd int fd = -1;
    struct stat st;

    if (mount->kind == PLAN_MOUNT_BLOCK && mount->index)
        return (Shown) { true, makedev (mount->index >> 20, mount->index & 0xfffff), 0 };
    if (mount->kind == PLAN_MOUNT_NEW || from_guest != inside)
        return (Shown) { 0 };
    fd = from_guest ? path_open (d->root, mount->source, O_PATH, PATH_FOLLOW)
                    : open (mount->source, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat (fd, &st) < 0)
        return (Shown) { 0 };   /* gone meanwhile */
    return mount->kind == PLAN_MOUNT_BLOCK ? (Shown) { true, st.st_rdev, 0 }
                                           : (Shown) { true, st.st_dev, st.st_ino };
}

/* 1: that very mount is at @fd; 0: none is; -1: another one. */
static int
is_mounted (const plan_mount *mount, const Shown *shown, int fd)
{
    struct statx stx;
    struct statfs fs;
    struct stat st;

    if (statx (fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) < 0 || fstat (fd, &st) < 0
        || !(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
        return 0;
    if (mount->kind == PLAN_MOUNT_NEW)
        return fstatfs (fd, &fs) == 0 && (strcmp (mount->fstype, "tmpfs") != 0
                                          || fs.f_type == TMPFS_MAGIC) ? 1 : -1;
    if (!shown->known || (st.st_dev == shown->dev && (shown->ino == 0 || shown->ino == st.st_ino)))
        return 1;
    return -1;
}

/* umount(2) takes a path, and a descriptor of the mount would keep it busy: so the path that the kernel
 * gives the target is walked again, without links, up to its last name. */
static int
unmount_at (Device *d, int target, const char *path_given, int own_fds)
{
    char number[16], path[4096], *name;
    autofd int parent = -1;
    ssize_t n;

    snprintf (number, sizeof number, "%d", target);
    n = readlinkat (own_fds, number, path, sizeof path - 1);
    close (target);
    if (n <= 1 || path[0] != '/')
        return failure_set (&d->failure, STEP_MOUNT, path_given);
    path[n] = '\0';
    name = strrchr (path, '/');
    *name++ = '\0';
    parent = path_open (d->root, path[0] ? path : "/", O_PATH | O_DIRECTORY, PATH_STRICT);
    if (parent < 0 || fchdir (parent) < 0 || helper_still_asked (d->call) < 0
        || umount2 (name, UMOUNT_NOFOLLOW) < 0)
        return failure_set (&d->failure, STEP_MOUNT, path_given);
    return 0;
}

/* A line of mountinfo, as far as it is needed: its number, its parent's, and whether it is somebody's slave. */
static bool
parse_mount (const char *line, unsigned long *id, unsigned long *parent, bool *slave)
{
    const char *rest = strstr (line, " - ");
    const char *master = strstr (line, " master:");

    *slave = master && rest && master < rest;
    return sscanf (line, "%lu %lu", id, parent) == 2;
}

/*
 * Whether the mount at @target, a locked one, will go when its original does: nothing is mounted below it, and the
 * mount that it is on still follows the original's. The container's root may have changed both.
 */
static int
follows (int target, int own_fds)
{
    autofd int fd = openat (own_fds, "../mountinfo", O_RDONLY | O_CLOEXEC);
    unsigned long id, parent, on = 0;
    bool slave, follower = false, below = false;
    struct statx stx;
    char *line = NULL;
    size_t size = 0;
    FILE *table;

    if (fd < 0 || statx (target, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0
        || !(table = fdopen (fd, "r")))
        return -1;
    (void) fd_steal (&fd);
    while (getline (&line, &size, table) >= 0) {
        if (!parse_mount (line, &id, &parent, &slave))
            continue;
        on = id == stx.stx_mnt_id ? parent : on;
        below |= parent == stx.stx_mnt_id;
    }
    rewind (table);
    while (getline (&line, &size, table) >= 0)
        follower |= parse_mount (line, &id, &parent, &slave) && id == on && slave;
    free (line);
    fclose (table);
    errno = below ? EBUSY : EPERM;
    return below || !follower ? -1 : 0;
}

/* 1: the mount is there, with a descriptor of it; 0: it is not; -1: another one is, or the failure is set. */
static int
find_mount (Device *d, const plan_mount *mount, const Shown *shown, int *ret_target)
{
    autofd int target = path_open (d->root, mount->target, O_PATH, PATH_FOLLOW);
    int mounted = target < 0 ? 0 : is_mounted (mount, shown, target);

    if (mounted > 0)
        *ret_target = fd_steal (&target);
    if (mounted >= 0)
        return mounted;
    errno = EBUSY;
    return failure_set_detail (&d->failure, STEP_MOUNT, mount->target, "another mount is there");
}

static int
unmount_found (Device *d, const plan_mount *mount, const Shown *shown, int own_fds)
{
    int target, found = find_mount (d, mount, shown, &target);

    return found > 0 ? unmount_at (d, target, mount->target, own_fds) : found;
}

/* What the start has mounted in a container with a user namespace is locked there: see builder.c. */
static int
remove_locked (Device *d, const plan_mount *mount, const Shown *shown, int own_fds)
{
    int tree = fd_parse (d->call->words[1]);

    d->failure = (Failure) { .step = STEP_NONE };
    fd_close (&d->root);
    if (setns (tree, CLONE_NEWNS) < 0 || (d->root = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        return failure_set (&d->failure, STEP_MOUNT_NAMESPACE, "of the start");
    /* EBUSY when it is in use in the container: nothing has gone then */
    if (unmount_found (d, mount, shown, own_fds) < 0)
        return -1;
    fd_close (&d->root);
    if (device_enter_tree (d, false) < 0)
        return -1;
    /* what the container was quick enough to mount below it has kept it there, though not locked any more */
    return unmount_found (d, mount, shown, own_fds);
}

static int
cannot_unlock (Device *d, const plan_mount *mount, int err)
{
    d->failure = (Failure) { .step = STEP_NONE };
    errno = err;
    return failure_set_detail (&d->failure, STEP_MOUNT, mount->target,
                               err == EBUSY ? "another mount is below it"
                               : err == EPERM ? "the container has made its mounts private"
                               : "locked since the start of the container");
}

int
device_remove_mount (Device *d)
{
    const plan_mount *mount = d->plan.mounts.mounts_val;
    bool has_tree = fd_parse (d->call->words[1]) >= 0;
    Shown shown = shown_of (d, mount, false);
    /* the host's /proc, where this process is to be found: the container's does not have it */
    autofd int own_fds = open ("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int target, found, err = EINVAL;

    if (own_fds < 0 || device_enter_tree (d, false) < 0)
        return failure_set (&d->failure, STEP_MOUNT_NAMESPACE, "/proc");
    if (mount->kind == PLAN_MOUNT_BIND_GUEST)
        shown = shown_of (d, mount, true);
    found = find_mount (d, mount, &shown, &target);
    if (found <= 0)
        return found;           /* the guest has removed it */
    if (has_tree)
        err = follows (target, own_fds) < 0 ? errno : 0;
    if (unmount_at (d, target, mount->target, own_fds) == 0)
        return 0;
    if (errno != EINVAL || !d->call->has_userns)
        return -1;
    return err ? cannot_unlock (d, mount, err) : remove_locked (d, mount, &shown, own_fds);
}

/* Of a mount that the container's users could change back it would say nothing: the daemon does not ask for one in
 * a user namespace. */
int
device_change_mount (Device *d)
{
    const plan_mount *mount = d->plan.mounts.mounts_val;
    bool readonly = strcmp (d->call->words[1], "ro") == 0;
    struct mount_attr attr = { .attr_set = readonly ? MOUNT_ATTR_RDONLY : 0,
                               .attr_clr = readonly ? 0 : MOUNT_ATTR_RDONLY };
    Shown shown = shown_of (d, mount, false);
    autofd int target = -1;
    int mounted;

    if (device_enter_tree (d, false) < 0)
        return -1;
    if (mount->kind == PLAN_MOUNT_BIND_GUEST)
        shown = shown_of (d, mount, true);
    target = path_open (d->root, mount->target, O_PATH, PATH_FOLLOW);
    mounted = target < 0 ? 0 : is_mounted (mount, &shown, target);
    if (mounted <= 0) {
        errno = mounted == 0 ? ENOENT : EBUSY;
        return failure_set_detail (&d->failure, STEP_MOUNT, mount->target,
                                   mounted == 0 ? "the container has unmounted it" : "another mount is there");
    }
    if (helper_still_asked (d->call) < 0
        || mount_setattr (target, "", AT_EMPTY_PATH | (mount->flags & PLAN_MF_RECURSIVE ? AT_RECURSIVE : 0), &attr,
                          sizeof attr) < 0)
        return failure_set (&d->failure, STEP_MOUNT, mount->target);
    return 0;
}
