/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "controller/tree.h"
#include "util/fd.h"

#define MASK_NULL "null"
#define MASK_EMPTY "empty"
#define STAGE_ROOT "root"

int
mounts_take_sources (const launch_plan *plan, int *sources, Failure *failure)
{
    for (u_int i = 0; i < plan->mounts.mounts_len; i++)
        sources[i] = -1;
    for (u_int i = 0; i < plan->mounts.mounts_len; i++) {
        const plan_mount *mount = &plan->mounts.mounts_val[i];

        if (mount->fd < 0)
            continue;
        sources[i] = tree_clone (mount->fd, "", mount->flags, 0, 0);
        if (sources[i] < 0)
            return failure_set (failure, STEP_ROOT, mount->target);
    }
    return 0;
}

/* Base targets must be what they look like: a link there (/dev -> /host) is an attack or a mistake.
 * A user's own <filesystem> target may go through links of the distribution (/var/run). */
static PathLinks
target_links (const plan_mount *mount)
{
    switch (mount->kind) {
    case PLAN_MOUNT_BIND_HOST:
    case PLAN_MOUNT_BLOCK:
        return PATH_FOLLOW;
    case PLAN_MOUNT_NEW:
        return mount->flags & PLAN_MF_IN_GUEST_NS ? PATH_STRICT : PATH_FOLLOW;
    default:
        return PATH_STRICT;
    }
}

static PathMake
target_make (const plan_mount *mount, bool directory)
{
    if (mount->kind == PLAN_MOUNT_CONSOLE)
        return PATH_MAKE_FILE;
    if (mount->kind == PLAN_MOUNT_DEVPTS)
        return PATH_MAKE_DIR;
    if ((mount->flags & PLAN_MF_CREATE_DIR) && directory)
        return PATH_MAKE_DIR;
    if ((mount->flags & PLAN_MF_CREATE_FILE) && !directory)
        return PATH_MAKE_FILE;
    return PATH_MAKE_NONE;
}

static bool
may_skip (const plan_mount *mount)
{
    return (mount->flags & PLAN_MF_OPTIONAL)
        && (errno == ENOENT || errno == ENOTDIR || errno == ENODEV || errno == ENXIO);
}

/* With the host's tree recursively below the root, its own /proc, /sys or /dev lie under ours and
 * would come to light when somebody inside unmounts: take them away. */
static int
uncover_target (Mounts *m, const plan_mount *mount, int *target)
{
    struct statx stx;

    if (!(m->plan->mounts.mounts_val[0].flags & PLAN_MF_RECURSIVE)
        || (mount->kind != PLAN_MOUNT_DEV && !(mount->flags & PLAN_MF_IN_GUEST_NS)))
        return 0;
    for (int tries = 0; tries < 64; tries++) {
        if (statx (*target, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) < 0)
            return -1;
        if (!(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
            return 0;
        if (fchdir (*target) < 0 || umount2 (".", MNT_DETACH) < 0 || chdir ("/") < 0)
            return -1;
        fd_close (target);
        *target = path_open (m->root, mount->target, O_PATH, PATH_STRICT);
        if (*target < 0)
            return -1;
    }
    errno = EBUSY;
    return -1;
}

/* Finds the mount's target, and makes it where the plan says so. 0 with *ret_target -1: skip this mount.
 * Always before the tree is made: throwing away a tree that was never attached makes the kernel wait
 * for a grace period of RCU. */
static int
open_target (Mounts *m, unsigned step, const plan_mount *mount, bool directory, int *ret_target)
{
    *ret_target = path_open_made (m->root, mount->target, target_make (mount, directory),
                                  target_links (mount), &m->owner);
    if (*ret_target < 0 && may_skip (mount))
        return 0;
    if (*ret_target < 0 || uncover_target (m, mount, ret_target) < 0)
        return failure_set (m->failure, step, mount->target);
    return 0;
}

static int
attach_at (Mounts *m, unsigned step, const plan_mount *mount, int tree, int target)
{
    if (tree_attach (tree, target) < 0)
        return failure_set (m->failure, step, mount->target);
    return 0;
}

/* Order matters: the staging tmpfs comes after the clone of the root (which may be the host's "/",
 * recursively), and holds the sources of masks, made here and not taken from any rootfs. */
static int
make_stage (Mounts *m)
{
    static const plan_mount stage = {
        .kind = PLAN_MOUNT_NEW, .source = (char *) "skep", .target = (char *) "staging",
        .fstype = (char *) "tmpfs", .options = (char *) "mode=0755,size=64k,nr_inodes=8",
        .flags = PLAN_MF_NOSUID | PLAN_MF_NOEXEC,
    };
    autofd int tree = -1, target = -1;

    if (failure_enter (m->failure, STEP_STAGE, m->plan->stage_dir) < 0)
        return -1;
    tree = tree_new (&stage, STEP_STAGE, m->failure);
    if (tree < 0)
        return -1;
    target = open (m->plan->stage_dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0 || tree_attach (tree, target) < 0
        || mkdirat (tree, STAGE_ROOT, 0755) < 0 || mkdirat (tree, MASK_EMPTY, 0555) < 0
        || mknodat (tree, MASK_NULL, S_IFCHR | 0444, makedev (1, 3)) < 0
        || fchmodat (tree, MASK_NULL, 0444, 0) < 0)
        return failure_set (m->failure, STEP_STAGE, m->plan->stage_dir);
    m->stage = fd_steal (&tree);
    return 0;
}

static int
build_root (Mounts *m, const plan_mount *mount)
{
    uint64_t attributes = tree_attributes (mount->flags);
    autofd int tree = -1, target = -1, source = -1;
    const char *object = mount->source[0] ? mount->source : "/";

    if (failure_enter (m->failure, STEP_ROOT, object) < 0)
        return -1;
    if (m->sources[0] >= 0) {
        tree = fd_steal (&m->sources[0]);
    } else if (mount->fstype[0]) {
        tree = tree_new (mount, STEP_ROOT, m->failure);
        if (tree < 0)
            return -1;
    } else {
        source = open (mount->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (source < 0)
            return failure_set (m->failure, STEP_ROOT, object);
        tree = tree_clone (source, "", mount->flags, 0, 0);
    }
    if (tree < 0 || tree_change (tree, mount->flags, attributes, 0) < 0)
        return failure_set (m->failure, STEP_ROOT, object);
    if (tree_idmap (tree, mount, m->userns, m->failure) < 0 || make_stage (m) < 0)
        return -1;
    /* writable until every missing target is made: finish_root() closes it again */
    if ((mount->flags & PLAN_MF_RDONLY)
        && tree_change (tree, 0, 0, MOUNT_ATTR_RDONLY) < 0)
        return failure_set (m->failure, STEP_ROOT, object);
    target = openat (m->stage, STAGE_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (target < 0 || tree_attach (tree, target) < 0)
        return failure_set (m->failure, STEP_ROOT, object);
    m->root = fd_steal (&tree);
    return 0;
}

static int
finish_root (Mounts *m)
{
    const plan_mount *mount = &m->plan->mounts.mounts_val[0];

    if ((mount->flags & PLAN_MF_RDONLY)
        && tree_change (m->root, 0, MOUNT_ATTR_RDONLY, 0) < 0)
        return failure_set_detail (m->failure, STEP_ROOT, mount->source, "read-only");
    return 0;
}

/* Inside, "not read-only" opens a hole in something read-only (/proc/sys/net in /proc/sys); a host
 * mount keeps what the host gave it. */
static uint64_t
bind_clears (const plan_mount *mount)
{
    return mount->kind == PLAN_MOUNT_BIND_GUEST && !(mount->flags & PLAN_MF_RDONLY)
        ? MOUNT_ATTR_RDONLY : 0;
}

static int
build_bind (Mounts *m, u_int index, const plan_mount *mount)
{
    uint64_t attributes = tree_attributes (mount->flags);
    autofd int source = -1, tree = -1, target = -1;
    struct stat st;

    if (m->sources[index] >= 0)
        source = fd_steal (&m->sources[index]);
    else if (mount->kind == PLAN_MOUNT_BIND_GUEST)
        source = path_open (m->root, mount->source, O_PATH, PATH_FOLLOW);
    else
        source = open (mount->source, O_PATH | O_CLOEXEC);
    if (source < 0 && may_skip (mount))
        return 0;
    if (source < 0 || fstat (source, &st) < 0)
        return failure_set_detail (m->failure, STEP_MOUNT, mount->target, mount->source);
    if (open_target (m, STEP_MOUNT, mount, S_ISDIR (st.st_mode), &target) < 0)
        return -1;
    if (target < 0)
        return 0;
    if (mount->fd >= 0) {
        /* cloned already, in the host's mount namespace */
        tree = fd_steal (&source);
        if (tree_change (tree, mount->flags, attributes, 0) < 0)
            return failure_set_detail (m->failure, STEP_MOUNT, mount->target, "flags");
    } else {
        tree = tree_clone (source, "", mount->flags, attributes, bind_clears (mount));
        if (tree < 0)
            return failure_set_detail (m->failure, STEP_MOUNT, mount->target, mount->source);
    }
    if (tree_idmap (tree, mount, m->userns, m->failure) < 0)
        return -1;
    return attach_at (m, STEP_MOUNT, mount, tree, target);
}

int
mount_make (Mounts *m, const plan_mount *mount, bool *ret_directory)
{
    autofd int source = -1, tree = -1;
    struct stat st;

    if (failure_enter (m->failure, STEP_MOUNT, mount->target) < 0)
        return -1;
    *ret_directory = true;
    if (mount->kind == PLAN_MOUNT_NEW || mount->kind == PLAN_MOUNT_BLOCK) {
        tree = tree_new (mount, STEP_MOUNT, m->failure);
        if (tree < 0)
            return -1;
    } else {
        source = mount->kind == PLAN_MOUNT_BIND_GUEST
            ? path_open (m->root, mount->source, O_PATH, PATH_FOLLOW)
            : open (mount->source, O_PATH | O_CLOEXEC);
        if (source >= 0 && fstat (source, &st) == 0)
            tree = tree_clone (source, "", mount->flags, tree_attributes (mount->flags),
                                bind_clears (mount));
        if (tree < 0)
            return failure_set_detail (m->failure, STEP_MOUNT, mount->target, mount->source);
        *ret_directory = S_ISDIR (st.st_mode);
    }
    return tree_idmap (tree, mount, m->userns, m->failure) < 0 ? -1 : fd_steal (&tree);
}

int
mount_target (Mounts *m, const plan_mount *mount, bool directory, int *ret_target)
{
    return open_target (m, STEP_MOUNT, mount, directory, ret_target);
}

int
mount_put (Mounts *m, const plan_mount *mount, int tree, int target)
{
    return attach_at (m, STEP_MOUNT, mount, tree, target);
}

static int
build_new_at (Mounts *m, const plan_mount *mount, bool directory)
{
    autofd int tree = -1, target = -1;

    if (open_target (m, STEP_MOUNT, mount, directory, &target) < 0)
        return -1;
    if (target < 0)
        return 0;
    tree = tree_new (mount, STEP_MOUNT, m->failure);
    if (tree < 0 && may_skip (mount)) {
        m->failure->step = STEP_NONE;
        return 0;
    }
    if (tree < 0 || tree_idmap (tree, mount, m->userns, m->failure) < 0)
        return -1;
    /* has no option for the owner of its root, which is the mounter: nobody inside */
    if (strcmp (mount->fstype, "mqueue") == 0
        && fchownat (tree, "", m->owner.uid, m->owner.gid, AT_EMPTY_PATH) < 0)
        return failure_set_detail (m->failure, STEP_MOUNT, mount->target, "owner");
    return attach_at (m, STEP_MOUNT, mount, tree, target);
}

static int
build_new (Mounts *m, const plan_mount *mount)
{
    bool groups = strncmp (mount->fstype, "cgroup", strlen ("cgroup")) == 0;

    if (groups && m->before_groups && m->before_groups (m->data) < 0)
        return -1;
    return build_new_at (m, mount, true);
}

/* Kinds that imply their file system may leave it out. */
static plan_mount
with_fstype (const plan_mount *mount, const char *fstype)
{
    plan_mount full = *mount;

    if (!full.fstype[0])
        full.fstype = (char *) fstype;
    return full;
}

static int
build_dev (Mounts *m, const plan_mount *given)
{
    plan_mount full = with_fstype (given, "tmpfs"), *mount = &full;
    autofd int tree = -1, target = -1;

    if (failure_enter (m->failure, STEP_DEV, mount->target) < 0
        || open_target (m, STEP_DEV, mount, true, &target) < 0)
        return -1;
    if (target < 0)
        return 0;
    tree = tree_new (mount, STEP_DEV, m->failure);
    if (tree < 0 || attach_at (m, STEP_DEV, mount, tree, target) < 0)
        return -1;
    return dev_nodes_make (m->plan, tree, &m->owner, m->failure);
}

static int
build_devpts (Mounts *m, const plan_mount *given)
{
    plan_mount full = with_fstype (given, "devpts"), *mount = &full;
    autofd int target = -1;

    if (failure_enter (m->failure, STEP_DEVPTS, mount->target) < 0
        || open_target (m, STEP_DEVPTS, mount, true, &target) < 0)
        return -1;
    m->devpts = tree_new (mount, STEP_DEVPTS, m->failure);
    if (m->devpts < 0 || attach_at (m, STEP_DEVPTS, mount, m->devpts, target) < 0)
        return -1;
    return dev_consoles_make (m);
}

static int
build_console (Mounts *m, const plan_mount *mount)
{
    char number[16];
    autofd int tree = -1, target = -1;

    if (open_target (m, STEP_CONSOLE, mount, false, &target) < 0)
        return -1;
    if (target < 0)
        return 0;
    snprintf (number, sizeof number, "%u", mount->index);
    tree = tree_clone (m->devpts, number, 0, 0, 0);
    if (tree < 0)
        return failure_set (m->failure, STEP_CONSOLE, mount->target);
    return attach_at (m, STEP_CONSOLE, mount, tree, target);
}

static int
build_remount (Mounts *m, const plan_mount *mount)
{
    uint64_t all = tree_attributes (~0U), set = tree_attributes (mount->flags);
    autofd int target = path_open (m->root, mount->target, O_PATH, PATH_STRICT);

    if (target < 0 && may_skip (mount))
        return 0;
    if (target < 0 || tree_change (target, mount->flags, set, all & ~set) < 0)
        return failure_set (m->failure, STEP_MOUNT, mount->target);
    return 0;
}

static int
build_mask (Mounts *m, const plan_mount *mount)
{
    bool file = mount->kind == PLAN_MOUNT_MASK_FILE;
    /* no MOUNT_ATTR_NODEV on the null device, or it could not be opened */
    uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC
        | (file ? 0 : MOUNT_ATTR_NODEV);
    autofd int tree = -1, target = -1;

    if (failure_enter (m->failure, STEP_MASK, mount->target) < 0
        || open_target (m, STEP_MASK, mount, !file, &target) < 0)
        return -1;
    if (target < 0)
        return 0;
    tree = tree_clone (m->stage, file ? MASK_NULL : MASK_EMPTY, 0, attributes, 0);
    if (tree < 0)
        return failure_set (m->failure, STEP_MASK, mount->target);
    return attach_at (m, STEP_MASK, mount, tree, target);
}

static int
build_symlink (Mounts *m, const plan_mount *mount)
{
    if (path_symlink (m->root, mount->target, mount->source, &m->owner) == 0)
        return 0;
    return failure_set (m->failure, STEP_MOUNT, mount->target);
}

/* The superblock belongs to C's descriptor; C answers when it supervises. Nothing here asks it anything,
 * and the child asks no sooner than it reads the file. */
static int
build_meminfo (Mounts *m, const plan_mount *given)
{
    char options[160];
    plan_mount mount = *given;

    if (m->fuse < 0)
        return 0;
    snprintf (options, sizeof options, "fd=%d,rootmode=100444,user_id=%u,group_id=%u,allow_other,"
              "default_permissions", m->fuse, m->owner.uid, m->owner.gid);
    mount.fstype = (char *) "fuse";
    mount.source = (char *) "skep";
    mount.options = options;
    return build_new_at (m, &mount, false);
}

static int
build_one (Mounts *m, u_int index)
{
    const plan_mount *mount = &m->plan->mounts.mounts_val[index];

    if (mount->kind != PLAN_MOUNT_ROOT
        && failure_enter (m->failure, STEP_MOUNT, mount->target) < 0)
        return -1;
    switch (mount->kind) {
    case PLAN_MOUNT_ROOT:
        return build_root (m, mount);
    case PLAN_MOUNT_NEW:
    case PLAN_MOUNT_BLOCK:
        return build_new (m, mount);
    case PLAN_MOUNT_BIND_HOST:
    case PLAN_MOUNT_BIND_GUEST:
        return build_bind (m, index, mount);
    case PLAN_MOUNT_DEV:
        return build_dev (m, mount);
    case PLAN_MOUNT_DEVPTS:
        return build_devpts (m, mount);
    case PLAN_MOUNT_CONSOLE:
        return build_console (m, mount);
    case PLAN_MOUNT_REMOUNT:
        return build_remount (m, mount);
    case PLAN_MOUNT_MASK_FILE:
    case PLAN_MOUNT_MASK_DIR:
        return build_mask (m, mount);
    case PLAN_MOUNT_SYMLINK:
        return build_symlink (m, mount);
    case PLAN_MOUNT_MEMINFO:
        return build_meminfo (m, mount);
    }
    errno = EINVAL;
    return failure_set (m->failure, STEP_MOUNT, mount->target);
}

int
mounts_build (Mounts *mounts)
{
    /* modes of nodes and directories are the plan's, not the daemon's umask's */
    umask (0);
    for (u_int i = 0; i < mounts->plan->mounts.mounts_len; i++) {
        if (build_one (mounts, i) < 0)
            return -1;
    }
    return finish_root (mounts);
}
