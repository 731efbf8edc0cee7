/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device of a running container: a mount, a node in its /dev, a network device. The daemon says which
 * by a device_plan, and has widened the device rules before and narrows them after.
 *
 * Everything in the container's tree is the guest's to change while this runs. So targets are walked from
 * a descriptor of its root, and nodes are made only in the /dev that a start has mounted, by names that
 * follow no link.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "controller/enter.h"
#include "controller/helper_device.h"
#include "controller/netlink.h"
#include "util/fd.h"

/* The pidfd holds the number only while init lives: so look after. */
int
device_open_namespace (const HelperCall *call, const char *name)
{
    struct pollfd ended = { .fd = call->pidfd, .events = POLLIN };
    char path[64];
    autofd int fd = -1;

    snprintf (path, sizeof path, "/proc/%d/ns/%s", (int) call->pid, name);
    fd = open (path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && poll (&ended, 1, 0) != 0) {
        errno = ESRCH;
        return -1;
    }
    return fd_steal (&fd);
}

int
device_enter_tree (Device *d, bool as_guest)
{
    int namespaces = CLONE_NEWNS;

    if (as_guest && d->call->has_userns) {
        namespaces |= CLONE_NEWUSER;
        d->owner = (RootOwner) { 0, 0 };
    }
    if (enter_namespaces (d->call->pidfd, namespaces) < 0
        || (d->root = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        return failure_set (&d->failure, STEP_MOUNT_NAMESPACE, "the container's mount namespace");
    umask (0);
    return 0;
}

static int
no_access (Device *d)
{
    errno = EINVAL;
    return failure_set (&d->failure, STEP_READ_PLAN, "not a mount");
}

/* ---- nodes */

/* Whether @dev is mounted here, on the host: no device node is ever made in what the host can see. */
static bool
host_has_mounted (dev_t dev)
{
    FILE *table = fopen ("/proc/self/mountinfo", "re");
    unsigned numbers[2];
    char *line = NULL;
    size_t size = 0;
    bool found = !table;

    while (!found && getline (&line, &size, table) >= 0)
        found = sscanf (line, "%*d %*d %u:%u", &numbers[0], &numbers[1]) == 2
            && makedev (numbers[0], numbers[1]) == dev;
    free (line);
    if (table)
        fclose (table);
    return found;
}

/* The container's /dev as a start has mounted it, from the host's side: its root's descriptor. */
static int
open_dev (Device *d)
{
    autofd int host = open ("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), dev = -1;
    struct statx stx;
    struct statfs fs;
    struct stat st;

    if (host < 0 || device_enter_tree (d, false) < 0)
        return failure_set (&d->failure, STEP_MOUNT_NAMESPACE, "/dev");
    dev = path_open (d->root, "/dev", O_PATH | O_DIRECTORY, PATH_STRICT);
    if (dev < 0 || fstat (dev, &st) < 0 || fstatfs (dev, &fs) < 0
        || statx (dev, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) < 0
        || setns (host, CLONE_NEWNS) < 0)
        return failure_set (&d->failure, STEP_DEV, "/dev");
    if (!(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) || fs.f_type != TMPFS_MAGIC
        || host_has_mounted (st.st_dev)) {
        errno = EPERM;
        return failure_set_detail (&d->failure, STEP_DEV, "/dev", "not the container's own");
    }
    return fd_steal (&dev);
}

/* The directory of the node, in /dev's own file system; @ret_name its name there. */
static int
open_node_parent (int dev, const plan_node *node, const RootOwner *owner, bool make, const char **ret_name)
{
    char path[PLAN_STRING_MAX + 1];
    autofd int parent = -1;
    struct stat top, st;
    char *slash;

    snprintf (path, sizeof path, "%s", node->path);
    slash = strrchr (path, '/');
    *ret_name = slash ? node->path + (slash - path) + 1 : node->path;
    if (slash)
        *slash = '\0';
    parent = path_open_made (dev, slash ? path : "/", make ? PATH_MAKE_DIR : PATH_MAKE_NONE, PATH_STRICT,
                             owner);
    if (parent < 0 || fstat (dev, &top) < 0 || fstat (parent, &st) < 0)
        return -1;
    if (!S_ISDIR (st.st_mode) || st.st_dev != top.st_dev) {
        errno = S_ISDIR (st.st_mode) ? EXDEV : ENOTDIR;
        return -1;
    }
    return fd_steal (&parent);
}

static int
add_node (Device *d)
{
    const plan_node *node = d->plan.nodes.nodes_val;
    autofd int dev = open_dev (d), parent = -1;
    const char *name;

    if (dev < 0 || failure_enter (&d->failure, STEP_DEV_NODE, node->path) < 0)
        return -1;
    umask (0);
    parent = open_node_parent (dev, node, &d->owner, true, &name);
    /* EEXIST for whatever is there: nothing is followed or replaced; the mode comes with the node,
     * since chmod would follow a link put in its place */
    if (parent < 0 || helper_still_asked (d->call) < 0
        || mknodat (parent, name, (mode_t) node->mode, makedev (node->major, node->minor)) < 0)
        return failure_set (&d->failure, STEP_DEV_NODE, node->path);
    if (fchownat (parent, name, node->uid, node->gid, AT_SYMLINK_NOFOLLOW) < 0) {
        failure_set (&d->failure, STEP_DEV_NODE, node->path);
        unlinkat (parent, name, 0);
        return -1;
    }
    return 0;
}

static int
remove_node (Device *d)
{
    const plan_node *node = d->plan.nodes.nodes_val;
    autofd int dev = open_dev (d), parent = -1;
    struct stat st;
    const char *name;

    if (dev < 0)
        return -1;
    parent = open_node_parent (dev, node, &d->owner, false, &name);
    /* what is no longer that device is the guest's own */
    if (parent < 0 || fstatat (parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0
        || (st.st_mode & S_IFMT) != (node->mode & S_IFMT)
        || st.st_rdev != makedev (node->major, node->minor))
        return 0;
    if (helper_still_asked (d->call) < 0 || (unlinkat (parent, name, 0) < 0 && errno != ENOENT))
        return failure_set (&d->failure, STEP_DEV_NODE, node->path);
    return 0;
}

/* ---- file systems of a device of their own */

/* The root of the first two words' file system; -1 with the failure in @answer. */
static int
open_filesystem (HelperCall *call, MonitorPacket *answer)
{
    unsigned numbers[2];
    Device d = { .call = call, .root = -1 };
    autofd int fd = -1;
    struct stat st;

    if (sscanf (call->words[1], "%u:%u", &numbers[0], &numbers[1]) != 2
        || host_has_mounted (makedev (numbers[0], numbers[1]))) {
        errno = EXDEV;
        failure_set_detail (&d.failure, STEP_MOUNT, call->words[0], "the host has mounted it too");
    } else if (device_enter_tree (&d, false) == 0) {
        fd = path_open (d.root, call->words[0], O_RDONLY | O_DIRECTORY | O_NONBLOCK, PATH_FOLLOW);
        if (fd < 0 || fstat (fd, &st) < 0) {
            failure_set (&d.failure, STEP_MOUNT, call->words[0]);
        } else if (st.st_dev != makedev (numbers[0], numbers[1])) {
            errno = EXDEV;
            failure_set_detail (&d.failure, STEP_MOUNT, call->words[0], "another mount is there");
        }
    }
    if (d.failure.step == STEP_NONE)
        return fd_steal (&fd);
    failure_to_packet (&d.failure, answer);
    return -1;
}

void
helper_filesystem (HelperCall *call, MonitorPacket *answer)
{
    call->answer_fd = open_filesystem (call, answer);
    if (call->answer_fd >= 0)
        answer->type = MONITOR_DONE;
}

#define TRIM_PART (UINT64_C (4) << 30)

/* -1 with errno; ESRCH: the container has ended. */
static int
trim_parts (const HelperCall *call, int fd, uint64_t minimum)
{
    struct pollfd ended = { .fd = call->pidfd, .events = POLLIN };
    struct fstrim_range range;
    struct statvfs fs;
    uint64_t size;

    if (fstatvfs (fd, &fs) < 0)
        return -1;
    size = (uint64_t) fs.f_blocks * fs.f_frsize;
    for (uint64_t at = 0; at == 0 || at < size; at += TRIM_PART) {
        if (poll (&ended, 1, 0) != 0) {
            errno = ESRCH;
            return -1;
        }
        /* the last part without an end: f_blocks leaves out what the file system keeps for itself */
        range = (struct fstrim_range) { .start = at, .minlen = minimum,
                                        .len = at + TRIM_PART < size ? TRIM_PART : UINT64_MAX - at };
        if (helper_still_asked (call) < 0 || ioctl (fd, FITRIM, &range) < 0)
            return -1;
    }
    return 0;
}

void
helper_trim (HelperCall *call, MonitorPacket *answer)
{
    autofd int fd = open_filesystem (call, answer);

    if (fd < 0)
        return;
    if (trim_parts (call, fd, strtoull (call->words[2], NULL, 10)) < 0)
        helper_failed (answer, STEP_TRIM, call->words[0]);
    else
        answer->type = MONITOR_DONE;
}

/* ---- links */

static int
enter_net (Device *d)
{
    if (enter_namespaces (d->call->pidfd, CLONE_NEWNET) == 0)
        return 0;
    return failure_set (&d->failure, STEP_LINK, "the container's network namespace");
}

static int
add_link (Device *d)
{
    const plan_link *link = d->plan.links.links_val;
    autofd int netns = device_open_namespace (d->call, "net");

    if (netns < 0)
        return failure_set (&d->failure, STEP_LINK, "the container's network namespace");
    if (link_move_to (link, netns, &d->failure) < 0 || enter_net (d) < 0)
        return -1;
    return link_configure_one (link, &d->failure);
}

static int
remove_link (Device *d)
{
    const plan_link *link = d->plan.links.links_val;
    autofd int host = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    if (d->plan.link_end == DEVICE_LINK_HOST)
        return 0;
    if (host < 0 || enter_net (d) < 0)
        return failure_set (&d->failure, STEP_LINK, "network namespace");
    if (helper_still_asked (d->call) < 0)
        return failure_set (&d->failure, STEP_LINK, link->guest_name);
    return d->plan.link_end == DEVICE_LINK_DELETE ? link_delete_here (link, host, &d->failure)
                                                  : link_return (link, host, &d->failure);
}

/* ---- the verbs */

static void
run (const HelperCall *call, MonitorPacket *answer, int (*mount) (Device *), int (*node) (Device *),
     int (*link) (Device *))
{
    Device d = { .call = call, .root = -1 };
    int fd = fd_parse (call->words[0]), result;
    const char *why = "";

    if (fd < 0 || plan_device_from_fd (fd, &d.plan, &why) < 0) {
        helper_failed (answer, STEP_READ_PLAN, why);
        return;
    }
    d.owner = (RootOwner) { d.plan.root_uid, d.plan.root_gid };
    result = d.plan.mounts.mounts_len ? mount (&d) : d.plan.nodes.nodes_len ? node (&d) : link (&d);
    if (result < 0)
        failure_to_packet (&d.failure, answer);
    else
        answer->type = MONITOR_DONE;
    plan_device_free (&d.plan);
}

/* The container has ended; what is left is its network namespace. */
void
helper_device_return (HelperCall *call, MonitorPacket *answer)
{
    autofd int host = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int fd = fd_parse (call->words[0]), netns = fd_parse (call->words[1]);
    Failure failure = { .step = STEP_NONE };
    const char *why = "";
    device_plan plan;

    if (fd < 0 || netns < 0 || plan_device_from_fd (fd, &plan, &why) < 0) {
        helper_failed (answer, STEP_READ_PLAN, why);
        return;
    }
    if (plan.links.links_len != 1 || plan.link_end != DEVICE_LINK_RETURN) {
        errno = EINVAL;
        failure_set (&failure, STEP_READ_PLAN, "not a network device of the host's");
    } else if (host < 0 || setns (netns, CLONE_NEWNET) < 0) {
        failure_set (&failure, STEP_LINK, "network namespace");
    } else {
        link_return (plan.links.links_val, host, &failure);
    }
    if (failure.step != STEP_NONE)
        failure_to_packet (&failure, answer);
    else
        answer->type = MONITOR_DONE;
    plan_device_free (&plan);
}

void
helper_device_access (HelperCall *call, MonitorPacket *answer)
{
    run (call, answer, device_change_mount, no_access, no_access);
}

void
helper_device_add (HelperCall *call, MonitorPacket *answer)
{
    run (call, answer, device_add_mount, add_node, add_link);
}

void
helper_device_remove (HelperCall *call, MonitorPacket *answer)
{
    run (call, answer, device_remove_mount, remove_node, remove_link);
}
