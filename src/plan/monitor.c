/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "util/fd.h"

static const char *const step_names[STEP_LAST] = {
    [STEP_NONE] = "start",
    [STEP_READ_PLAN] = "read the plan",
    [STEP_MONITOR_SOCKET] = "make the monitor socket",
    [STEP_CGROUP] = "wait for the cgroup",
    [STEP_BUILDER] = "fork the builder",
    [STEP_MOUNT_NAMESPACE] = "make a mount namespace",
    [STEP_USER_NAMESPACE] = "open the user namespace",
    [STEP_STAGE] = "prepare the staging directory",
    [STEP_ROOT] = "mount the root",
    [STEP_IDMAP_MOUNT] = "id-map the mount of",
    [STEP_DEV] = "mount the device directory",
    [STEP_DEV_NODE] = "make the device node",
    [STEP_DEVPTS] = "mount devpts",
    [STEP_CONSOLE] = "set up the console",
    [STEP_CLONE] = "clone the container's init",
    [STEP_CGROUP_JOIN] = "join the cgroup",
    [STEP_ID_MAPS] = "write the id maps",
    [STEP_SHARE_NAMESPACE] = "join the shared namespace",
    [STEP_CGROUP_NAMESPACE] = "make a cgroup namespace",
    [STEP_LINK] = "move the network device",
    [STEP_MOUNT] = "mount",
    [STEP_MASK] = "mask",
    [STEP_PIVOT] = "change the root",
    [STEP_LOCK_MOUNTS] = "lock the mounts",
    [STEP_HOSTNAME] = "set the host name",
    [STEP_LOOPBACK] = "bring up the loopback device",
    [STEP_ADDRESS] = "configure the network device",
    [STEP_SYSCTL] = "set the kernel parameter",
    [STEP_RLIMIT] = "set the resource limit",
    [STEP_PERSONALITY] = "set the personality",
    [STEP_AFFINITY] = "set the cpu affinity",
    [STEP_SESSION] = "make a session on the console",
    [STEP_USER] = "find the user",
    [STEP_CREDENTIALS] = "change credentials",
    [STEP_CAPABILITIES] = "set capabilities",
    [STEP_LABEL] = "set the security label",
    [STEP_SECCOMP] = "load the seccomp filter",
    [STEP_CWD] = "change directory to",
    [STEP_FDS] = "arrange file descriptors",
    [STEP_EXEC] = "execute",
    [STEP_DEADLINE] = "finish in time, waiting for",
    [STEP_CHILD_DIED] = "keep alive during the start",
    [STEP_TRIM] = "trim",
};

const char *
monitor_step_name (unsigned step)
{
    return step < STEP_LAST ? step_names[step] : "do an unknown step";
}

void
monitor_describe (const MonitorPacket *packet, char *text, unsigned long size)
{
    char object[MONITOR_OBJECT_MAX];
    bool has_object, has_error = packet->err != 0;

    /* the object may come from the container's files: bounded, and one line */
    memcpy (object, packet->object, sizeof object);
    object[sizeof object - 1] = '\0';
    for (char *c = object; *c; c++) {
        if ((unsigned char) *c < ' ' || *c == 0x7f)
            *c = '?';
    }
    has_object = object[0] != '\0';
    /* an answer to a request has no step: its object says it all */
    snprintf (text, size, "%s%s%s%s%s",
              packet->step == STEP_NONE && has_object ? "" : monitor_step_name (packet->step),
              packet->step != STEP_NONE && has_object ? " " : "", object, has_error ? ": " : "",
              has_error ? strerror (packet->err) : "");
}

static int
exit_path (const char *monitor_path, const char *suffix, char *path, size_t size)
{
    if ((size_t) snprintf (path, size, "%s%s", monitor_path, suffix) < size)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

int
monitor_exit_write (const char *monitor_path, const MonitorPacket *packet)
{
    char path[PATH_MAX], temporary[PATH_MAX];
    autofd int fd = -1;

    if (exit_path (monitor_path, MONITOR_EXIT_SUFFIX, path, sizeof path) < 0
        || exit_path (monitor_path, MONITOR_EXIT_SUFFIX ".new", temporary, sizeof temporary) < 0)
        return -1;
    fd = open (temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fd_write_all (fd, packet, sizeof *packet) < 0)
        return -1;
    return rename (temporary, path);
}

int
monitor_exit_read (const char *monitor_path, MonitorPacket *packet)
{
    char path[PATH_MAX];
    MonitorPacket got;
    autofd int fd = -1;

    if (exit_path (monitor_path, MONITOR_EXIT_SUFFIX, path, sizeof path) < 0)
        return -1;
    fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fd_read_all (fd, &got, sizeof got) != sizeof got || got.type != MONITOR_EXIT) {
        unlink (path);
        errno = EBADMSG;
        return -1;
    }
    *packet = got;
    return unlink (path);
}
