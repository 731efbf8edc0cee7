/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The LXC program: the namespaces of a container as descriptors, for lxc-enter-namespace. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/api.h"
#include "driver/instance.h"
#include "host/node.h"
#include "util/fd.h"

/* In the order in which libvirt's client library enters them. The cgroup namespace is not among
 * them: that client joins the container's cgroup by itself, from outside. */
static const char *const kinds[] = { "user", "ipc", "uts", "net", "pid", "mnt" };

/* The container shares this namespace with the host. */
static gboolean
is_shared (int fd, const char *kind)
{
    g_autofree char *path = g_strdup_printf ("/proc/self/ns/%s", kind);
    struct stat theirs, ours;

    return fstat (fd, &theirs) == 0 && stat (path, &ours) == 0
           && theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

static gboolean
open_namespaces (const Instance *instance, GArray *fds, GError **error)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/ns", (int) instance->init_pid);
    autofd int dir = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    gboolean mapped = FALSE;

    /* the start time is looked at with the directory open, which is the process's own */
    if (dir < 0 || node_process_start (instance->init_pid) != instance->init_start)
        return error_set (error, ERR_OPERATION_INVALID, "Init pid is not yet available");
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
        autofd int fd = openat (dir, kinds[i], O_RDONLY | O_CLOEXEC);
        int taken;

        if (fd < 0)
            return error_set_errno (error, errno, "Failed to open '%s/%s'", path, kinds[i]);
        if (g_str_equal (kinds[i], "user"))
            mapped = !is_shared (fd, kinds[i]);
        /* Whoever has entered the container's user namespace may not enter the host's others again:
         * stock clients would end with EPERM. Without one all six are sent, as stock libvirt does;
         * its client passes over the EINVAL of its own user namespace. */
        else if (mapped && is_shared (fd, kinds[i]))
            continue;
        taken = fd_steal (&fd);
        g_array_append_val (fds, taken);
    }
    return TRUE;
}

ApiResult
api_lxc_domain_open_namespace (Call *call, const lxc_domain_open_namespace_args *in, none *out,
                               GError **error)
{
    const Instance *instance = call->domain->instance;

    (void) in;
    (void) out;
    if (!instance || instance->init_pid <= 0 || instance->exited) {
        error_set (error, ERR_OPERATION_INVALID, "Init pid is not yet available");
        return API_FAILED;
    }
    call->reply_fds = g_array_new (FALSE, FALSE, sizeof (int));
    return open_namespaces (instance, call->reply_fds, error) ? API_DONE : API_FAILED;
}
