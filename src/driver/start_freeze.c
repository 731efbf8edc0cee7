/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Suspend and resume: the freezer is told, and then looked at until it has done it. */
#include "driver/daemon.h"
#include "driver/start_private.h"
#include "util/error.h"

#define FREEZE_DEADLINE_US (5 * G_USEC_PER_SEC)
#define POLL_MAX_MS 20

typedef struct {
    Domain *domain;
    guint64 instance;           /* serial */
    gboolean frozen;            /* what is wanted */
    guint wait_ms;
    gint64 begun;
    InstanceDone done;
    gpointer data;
} Freeze;

static gboolean freeze_look (gpointer data);

static void
freeze_over (Freeze *freeze, const GError *error)
{
    freeze->done (freeze->domain, error, freeze->data);
    domain_unref (freeze->domain);
    g_free (freeze);
}

static void
freeze_failed (Freeze *freeze)
{
    g_autoptr (GError) error = NULL;

    /* half frozen is nothing anybody asked for */
    if (freeze->frozen)
        cgroup_freeze (freeze->domain->instance->cgroup, FALSE, NULL);
    error_set (&error, ERR_OPERATION_FAILED, freeze->frozen ? "Suspend operation failed"
                                                            : "Resume operation failed");
    freeze_over (freeze, error);
}

static gboolean
freeze_gone (Freeze *freeze)
{
    const Instance *instance = freeze->domain->instance;
    g_autoptr (GError) error = NULL;

    if (instance && instance->serial == freeze->instance && instance->phase == PHASE_RUNNING
        && instance->cgroup)
        return FALSE;
    error_set_from (&error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
    freeze_over (freeze, error);
    return TRUE;
}

static gboolean
freeze_look (gpointer data)
{
    Freeze *freeze = data;
    gboolean frozen = !freeze->frozen;

    if (freeze_gone (freeze))
        return G_SOURCE_REMOVE;
    if (!cgroup_frozen (freeze->domain->instance->cgroup, &frozen, NULL)
        || (frozen != freeze->frozen
            && g_get_monotonic_time () - freeze->begun > FREEZE_DEADLINE_US)) {
        freeze_failed (freeze);
        return G_SOURCE_REMOVE;
    }
    if (frozen == freeze->frozen) {
        lifecycle_apply (freeze->domain, frozen ? LIFE_SUSPENDED : LIFE_RESUMED);
        freeze_over (freeze, NULL);
        return G_SOURCE_REMOVE;
    }
    freeze->wait_ms = MIN (freeze->wait_ms * 2, POLL_MAX_MS);
    g_timeout_add (freeze->wait_ms, freeze_look, freeze);
    return G_SOURCE_REMOVE;
}

static void
freeze_begin (Domain *domain, gboolean frozen, InstanceDone done, gpointer data)
{
    Freeze *freeze = g_new0 (Freeze, 1);

    freeze->domain = domain_ref (domain);
    freeze->instance = domain->instance ? domain->instance->serial : 0;
    freeze->frozen = frozen;
    freeze->wait_ms = 1;
    freeze->begun = g_get_monotonic_time ();
    freeze->done = done;
    freeze->data = data;
    if (freeze_gone (freeze))
        return;
    if (!cgroup_freeze (domain->instance->cgroup, frozen, NULL)) {
        freeze_failed (freeze);
        return;
    }
    freeze_look (freeze);
}

void
domain_suspend (Domain *domain, InstanceDone done, gpointer data)
{
    if (domain->state == STATE_PAUSED)
        done (domain, NULL, data);      /* as libvirt: success, and no event */
    else
        freeze_begin (domain, TRUE, done, data);
}

void
domain_resume (Domain *domain, InstanceDone done, gpointer data)
{
    g_autoptr (GError) error = NULL;

    if (domain->state == STATE_PAUSED) {
        freeze_begin (domain, FALSE, done, data);
        return;
    }
    error_set (&error, ERR_OPERATION_INVALID, domain->state == STATE_RUNNING
                                                  ? "domain is already running"
                                                  : "domain is not running");
    done (domain, error, data);
}
