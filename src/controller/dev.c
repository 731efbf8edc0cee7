/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contents of the private /dev and the consoles' ptys. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "controller/mounts.h"
#include "util/fd.h"

/* The tmpfs is new and nobody else's: plain names are safe here, no walk is needed. */
static int
make_parents (int dev, const char *path, const RootOwner *owner)
{
    char prefix[PLAN_STRING_MAX + 1];

    for (const char *slash = strchr (path, '/'); slash; slash = strchr (slash + 1, '/')) {
        size_t length = (size_t) (slash - path);

        memcpy (prefix, path, length);
        prefix[length] = '\0';
        if (mkdirat (dev, prefix, 0755) == 0) {
            if (fchownat (dev, prefix, owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -1;
        } else if (errno != EEXIST) {
            return -1;
        }
    }
    return 0;
}

static int
make_node (int dev, const plan_node *node, const RootOwner *owner)
{
    mode_t mode = node->mode & (S_IFMT | 07777);

    if (make_parents (dev, node->path, owner) < 0)
        return -1;
    if (node->link[0]) {
        if (symlinkat (node->link, dev, node->path) < 0)
            return -1;
        return fchownat (dev, node->path, node->uid, node->gid, AT_SYMLINK_NOFOLLOW);
    }
    /* owner before mode: chown clears the set-id bits that a mode may carry */
    if (mknodat (dev, node->path, mode & S_IFMT, makedev (node->major, node->minor)) < 0
        || fchownat (dev, node->path, node->uid, node->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    return fchmodat (dev, node->path, mode & 07777, 0);
}

int
dev_nodes_make (const launch_plan *plan, int dev, const RootOwner *owner, Failure *failure)
{
    for (u_int i = 0; i < plan->nodes.nodes_len; i++) {
        const plan_node *node = &plan->nodes.nodes_val[i];

        if (failure_enter (failure, STEP_DEV_NODE, node->path) < 0)
            return -1;
        if (make_node (dev, node, owner) < 0)
            return failure_set (failure, STEP_DEV_NODE, node->path);
    }
    return 0;
}

/* The master comes from the container's own devpts instance: the slave is then number @index there,
 * and no terminal of the host is ever seen inside. */
static int
make_console (int devpts, unsigned index, const RootOwner *owner)
{
    autofd int master = openat (devpts, "ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    autofd int slave = -1;
    unsigned number;
    int unlock = 0;

    if (master < 0 || ioctl (master, TIOCSPTLCK, &unlock) < 0
        || ioctl (master, TIOCGPTN, &number) < 0)
        return -1;
    if (number != index) {
        errno = EBUSY;
        return -1;
    }
    slave = ioctl (master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || fchown (slave, owner->uid, (gid_t) -1) < 0)
        return -1;
    return fd_steal (&master);
}

/* The kernel gives both to the mounter, who in a user namespace is nobody. */
static int
own_devpts (const Mounts *m)
{
    static const char *const paths[] = { "", "ptmx" };

    for (int i = 0; i < 2; i++)
        if (fchownat (m->devpts, paths[i], m->owner.uid, m->owner.gid, AT_EMPTY_PATH) < 0)
            return failure_set (m->failure, STEP_DEVPTS, paths[i]);
    return 0;
}

int
dev_consoles_make (Mounts *mounts)
{
    if (own_devpts (mounts) < 0)
        return -1;
    for (u_int i = 0; i < mounts->plan->consoles.consoles_len; i++) {
        const char *alias = mounts->plan->consoles.consoles_val[i].alias;

        if (failure_enter (mounts->failure, STEP_CONSOLE, alias) < 0)
            return -1;
        mounts->masters[i] = make_console (mounts->devpts, i, &mounts->owner);
        if (mounts->masters[i] < 0)
            return failure_set (mounts->failure, STEP_CONSOLE, alias);
    }
    return 0;
}
