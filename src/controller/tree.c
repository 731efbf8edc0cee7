/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "util/fd.h"

uint64_t
tree_attributes (unsigned flags)
{
    return (flags & PLAN_MF_RDONLY ? MOUNT_ATTR_RDONLY : 0)
        | (flags & PLAN_MF_NOSUID ? MOUNT_ATTR_NOSUID : 0)
        | (flags & PLAN_MF_NODEV ? MOUNT_ATTR_NODEV : 0)
        | (flags & PLAN_MF_NOEXEC ? MOUNT_ATTR_NOEXEC : 0);
}

int
tree_change (int fd, unsigned flags, uint64_t set, uint64_t clear)
{
    struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = MS_PRIVATE };

    return mount_setattr (fd, "", AT_EMPTY_PATH | (flags & PLAN_MF_RECURSIVE ? AT_RECURSIVE : 0),
                          &attr, sizeof attr);
}

int
tree_clone (int fd, const char *path, unsigned flags, uint64_t set, uint64_t clear)
{
    autofd int tree = open_tree (fd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
                                 | (path[0] ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH)
                                 | (flags & PLAN_MF_RECURSIVE ? AT_RECURSIVE : 0));

    if (tree < 0 || tree_change (tree, flags, set, clear) < 0)
        return -1;
    return fd_steal (&tree);
}

int
tree_attach (int tree, int target)
{
    return move_mount (tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* One "name=value" or "name" of an option string; a value may stand in double quotes. */
static int
configure_option (int context, char *option)
{
    char *value = strchr (option, '=');
    size_t length;

    if (!value)
        return (int) syscall (SYS_fsconfig, context, FSCONFIG_SET_FLAG, option, NULL, 0);
    *value++ = '\0';
    length = strlen (value);
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
        value[length - 1] = '\0';
        value++;
    }
    return (int) syscall (SYS_fsconfig, context, FSCONFIG_SET_STRING, option, value, 0);
}

static int
configure_options (int context, const char *options)
{
    char copy[PLAN_STRING_MAX + 1];
    char *start = copy;
    bool quoted = false;

    snprintf (copy, sizeof copy, "%s", options);
    for (char *c = copy; ; c++) {
        if (*c == '"')
            quoted = !quoted;
        if (*c == '\0' || (*c == ',' && !quoted)) {
            bool end = *c == '\0';

            *c = '\0';
            if (*start && configure_option (context, start) < 0)
                return -1;
            if (end)
                return 0;
            start = c + 1;
        }
    }
}

/* What the file system said about a bad option: "e tmpfs: Bad value for 'size'" -> after "e ". */
static int
new_failed (const plan_mount *mount, unsigned step, int context, Failure *failure)
{
    char text[128] = "";
    int saved = errno;
    ssize_t n = context >= 0 ? read (context, text, sizeof text - 1) : -1;

    text[n > 0 ? n : 0] = '\0';
    text[strcspn (text, "\n")] = '\0';
    errno = saved;
    return failure_set_detail (failure, step, mount->target,
                               n > 2 ? text + 2 : mount->fstype);
}

int
tree_new (const plan_mount *mount, unsigned step, Failure *failure)
{
    autofd int context = (int) syscall (SYS_fsopen, mount->fstype, FSOPEN_CLOEXEC);
    bool block = mount->kind == PLAN_MOUNT_BLOCK || mount->kind == PLAN_MOUNT_ROOT;
    const char *source = mount->source[0] ? mount->source : mount->fstype;
    int tree;

    if (context < 0
        || syscall (SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", source, 0) < 0
        /* a read-only block device needs it of the file system, not only of the mount */
        || (block && (mount->flags & PLAN_MF_RDONLY)
            && syscall (SYS_fsconfig, context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
        || configure_options (context, mount->options) < 0
        || syscall (SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return new_failed (mount, step, context, failure);
    tree = (int) syscall (SYS_fsmount, context, FSMOUNT_CLOEXEC, tree_attributes (mount->flags));
    if (tree < 0)
        return new_failed (mount, step, context, failure);
    return tree;
}

int
tree_idmap (int tree, const plan_mount *mount, int userns, Failure *failure)
{
    struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t) userns };
    const char *source = mount->source[0] ? mount->source : mount->target;

    if (mount->idmap == PLAN_IDMAP_NONE)
        return 0;
    if (failure_enter (failure, STEP_IDMAP_MOUNT, mount->target) < 0)
        return -1;
    if (mount_setattr (tree, "", AT_EMPTY_PATH
                       | (mount->flags & PLAN_MF_RECURSIVE ? AT_RECURSIVE : 0),
                       &attr, sizeof attr) == 0)
        return 0;
    /* EINVAL: this file system cannot */
    if (mount->idmap == PLAN_IDMAP_TRY && errno == EINVAL)
        return 0;
    if ((mount->flags & PLAN_MF_RECURSIVE) && errno == EINVAL
        && mount_setattr (tree, "", AT_EMPTY_PATH, &attr, sizeof attr) == 0) {
        dprintf (STDERR_FILENO, "skep-controller: %s: a mount below it cannot be id-mapped: ids of all "
                 "mounts below it are as on the host\n", source);
        return 0;
    }
    return failure_set_detail (failure, STEP_IDMAP_MOUNT, source,
                               errno == EINVAL ? "no id-mapped mounts on its file system" : "");
}
