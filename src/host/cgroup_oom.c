/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Being told when the kernel kills in a container for lack of memory. */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include "host/cgroup_private.h"
#include "util/error.h"
#include "util/fd.h"

static int
watch_v2 (const CgroupHierarchy *h, const Cgroup *c)
{
    g_autofree char *path = g_build_filename (h->mount, c->base, "memory.events", NULL);
    autofd int fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);

    if (fd < 0 || inotify_add_watch (fd, path, IN_MODIFY) < 0)
        return -1;
    return fd_steal (&fd);
}

/* "EVENTFD FILE", descriptors of ours: the kernel keeps what it needs of the latter. */
static int
watch_v1 (const CgroupHierarchy *h, const Cgroup *c)
{
    g_autofree char *path = g_build_filename (h->mount, c->base, "memory.oom_control", NULL);
    autofd int file = open (path, O_RDONLY | O_CLOEXEC);
    autofd int fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    char text[32];
    int r;

    if (file < 0 || fd < 0)
        return -1;
    g_snprintf (text, sizeof text, "%d %d", fd, file);
    r = cgroup_write_try (h, c->base, "", "cgroup.event_control", text);
    if (r < 0) {
        errno = -r;
        return -1;
    }
    return fd_steal (&fd);
}

int
cgroup_oom_watch (const Cgroup *c, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_MEMORY, error);
    int fd;

    if (!h)
        return -1;
    fd = h->v2 ? watch_v2 (h, c) : watch_v1 (h, c);
    if (fd < 0)
        error_set_errno (error, errno, "cannot watch the memory of '%s'", c->base);
    return fd;
}

gboolean
cgroup_oom_kills (const Cgroup *c, guint64 *kills, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_MEMORY, error);
    const char *file = h && h->v2 ? "memory.events" : "memory.oom_control";
    char text[CGROUP_TEXT_MAX];

    if (!h || !cgroup_read (h, c->base, "", file, text, error))
        return FALSE;
    *kills = 0;
    cgroup_text_key (text, "oom_kill", kills);
    return TRUE;
}
