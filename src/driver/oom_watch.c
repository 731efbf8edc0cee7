/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/oom_watch.h"

#include "driver/events.h"
#include "util/fd.h"
#include "util/log.h"

#define LOOK_AFTER_MS 50        /* the kernel tells before it kills */
#define LOOKS_MAX 20

/* virDomainMemoryFailureRecipientType, ...ActionType */
enum { RECIPIENT_HYPERVISOR, RECIPIENT_GUEST };
enum { ACTION_IGNORE, ACTION_INJECT, ACTION_FATAL };

struct OomWatch {
    Instance *instance;
    int fd;
    FdWatch *watch;
    guint timer, looks;
    guint64 kills;
};

/* Whether more were killed than was told; tells. */
static gboolean
tell_of_kills (OomWatch *oom)
{
    const Domain *domain = oom->instance->domain;
    guint64 kills = oom->kills;

    if (!oom->instance->cgroup || !cgroup_oom_kills (oom->instance->cgroup, &kills, NULL) || kills <= oom->kills)
        return FALSE;
    instance_log (oom->instance, "out of memory: the kernel has killed %" G_GUINT64_FORMAT " processes",
                  kills - oom->kills);
    log_warning ("domain '%s': out of memory, the kernel has killed a process of it", domain->def->name);
    oom->kills = kills;
    event_memory_failure (domain, RECIPIENT_GUEST, ACTION_FATAL, 0);
    return TRUE;
}

static gboolean
look (gpointer data)
{
    OomWatch *oom = data;

    if (oom->instance->cgroup && !tell_of_kills (oom) && ++oom->looks < LOOKS_MAX)
        return G_SOURCE_CONTINUE;
    oom->timer = 0;
    return G_SOURCE_REMOVE;
}

static void
ready (gpointer data)
{
    OomWatch *oom = data;
    char events[512];

    while (read (oom->fd, events, sizeof events) > 0)
        ;
    oom->looks = 0;
    if (!oom->timer)
        oom->timer = g_timeout_add (LOOK_AFTER_MS, look, oom);
}

void
oom_watch_begin (Instance *instance, gboolean fresh)
{
    g_autoptr (GError) error = NULL;
    guint64 kills = 0;
    OomWatch *oom;
    int fd;

    g_clear_pointer (&instance->oom, oom_watch_free);   /* of the group before a reboot */
    if (!instance->cgroup || !(cgroup_host_controllers () & CGROUP_MEMORY))
        return;
    fd = cgroup_oom_watch (instance->cgroup, &error);
    if (fd < 0 || !cgroup_oom_kills (instance->cgroup, &kills, &error)) {
        log_debug ("domain '%s': %s", instance->domain->def->name, error->message);
        fd_close (&fd);
        return;
    }
    oom = g_new0 (OomWatch, 1);
    oom->instance = instance;
    oom->fd = fd;
    oom->kills = fresh ? 0 : kills;
    oom->watch = fd_watch_new (fd, ready, oom);
    instance->oom = oom;
    if (kills > oom->kills)
        oom->timer = g_timeout_add (LOOK_AFTER_MS, look, oom);
}

void
oom_watch_last (const Instance *instance)
{
    if (instance->oom)
        tell_of_kills (instance->oom);
}

void
oom_watch_free (OomWatch *oom)
{
    if (!oom)
        return;
    if (oom->timer)
        g_source_remove (oom->timer);
    fd_watch_free (oom->watch);
    fd_close (&oom->fd);
    g_free (oom);
}
