/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * After a daemon start: containers that an earlier daemon started are taken over as they are;
 * starts that were cut short and containers whose controller has gone are undone through their
 * begun bits.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "driver/daemon.h"
#include "driver/device_change.h"
#include "driver/frozen.h"
#include "driver/hooks.h"
#include "driver/oom_watch.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "driver/tune_note.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"
#include "util/log.h"

/* ---- one status file */

/* A pidfd of the controller that the status means, -1 when it has gone. The start time tells a
 * process that got the same number later; it is read again with the pidfd in hand, which holds the
 * number. */
static int
open_controller (const Instance *instance)
{
    autofd int fd = -1;

    if (instance->pid <= 0 || node_process_start (instance->pid) != instance->pid_start)
        return -1;
    fd = pidfd_of (instance->pid);
    if (fd < 0 || node_process_start (instance->pid) != instance->pid_start)
        return -1;
    return fd_steal (&fd);
}

static void
open_log (Instance *instance)
{
    g_autofree char *path = store_log_path (instance->domain->def->name);

    instance->log_fd = open (path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

/* Finds or makes the domain and gives it the live definition. NULL when another domain stands
 * there. */
static Domain *
adopt_domain (DomainList *list, DomainStatus *status)
{
    Domain *domain = domain_list_find_name (list, status->def->name);
    DomainDef *live = g_steal_pointer (&status->def);

    live->id = -1;
    if (!domain && !domain_list_find_uuid (list, live->uuid))
        return domain_list_add (list, live, FALSE);
    if (!domain || memcmp (domain->def->uuid, live->uuid, sizeof live->uuid) != 0 || domain->instance) {
        log_error ("status of domain '%s' does not fit its definition", live->name);
        domain_def_free (live);
        return NULL;
    }
    domain->next = domain->def;
    domain_list_set_def (list, domain, live);
    return domain;
}

static void
reserve_labels (const DomainDef *def)
{
    const LabelDriver *driver = daemon_state.labels;

    for (guint i = 0; driver && driver->reserve && i < def->seclabels->len; i++) {
        const SeclabelDef *label = def->seclabels->pdata[i];

        if (label->type == SECLABEL_DYNAMIC && label->label)
            driver->reserve (label);
    }
}

/* The walk back of a start that was cut short is over. Nobody was told of that start. */
static void
cut_short_undone (Instance *instance)
{
    log_warning ("domain '%s': its start was cut short and has been undone",
                 instance->domain->def->name);
    instance_close (instance, LIFE_START_FAILED);
}

/* Under a job, so that a client's start waits until all is clean. */
static void
undo_cut_short (Job *job, gpointer data)
{
    Instance *instance = data;

    instance->end_job = job;
    instance_undo (instance, cut_short_undone);
}

static void
reconnect_hook_done (const GError *error, gpointer data)
{
    Instance *instance = instance_redeem (data);

    if (!instance || !error)
        return;
    log_error ("domain '%s': %s", instance->domain->def->name, error->message);
    instance->exited = FALSE;
    instance_ended (instance);
}

/* Under a job too: a start or destroy that a client asks for waits. */
static void
restart_cut_short (Job *job, gpointer data)
{
    instance_restart (data, job);
}

/* What runs is taken over; what has ended meanwhile ends now, with its events; a destroy or restart that was
 * cut short is finished. */
static void
adopt_running (Instance *instance, gboolean alive)
{
    Domain *domain = instance->domain;
    g_autoptr (GError) error = NULL;
    gboolean frozen = FALSE, destroy = instance_note (instance, NOTE_DESTROY) != NULL;
    gboolean restart = !destroy && instance_note (instance, NOTE_RESTART);

    instance->phase = PHASE_RUNNING;
    if (alive && instance->cgroup && !cgroup_frozen (instance->cgroup, &frozen, NULL))
        frozen = FALSE;
    lifecycle_apply (domain, frozen ? LIFE_READOPTED_PAUSED : LIFE_READOPTED);
    if (alive)          /* also what ends now: those that wait for a frozen file system cannot be killed */
        frozen_recover (domain);
    if (restart) {
        device_recover (domain, FALSE);
        tune_recover (domain, FALSE);
        log_warning ("domain '%s': its restart was cut short by the end of a daemon", domain->def->name);
        job_begin (&domain->jobs, JOB_INTERNAL, "restart, cut short", 0, restart_cut_short, NULL, instance);
        return;
    }
    if (alive && !instance_connect_monitor (instance, &error)) {
        log_error ("domain '%s': its controller cannot be reached: %s", domain->def->name,
                   error->message);
        alive = FALSE;
    }
    if (destroy || !alive) {
        device_recover (domain, FALSE);
        tune_recover (domain, FALSE);
        if (destroy)
            domain_destroy_itself (domain, "destroy, cut short by the end of a daemon");
        else
            instance_ended (instance);
        return;
    }
    links_keep (instance);
    device_recover (domain, TRUE);
    tune_recover (domain, TRUE);
    oom_watch_begin (instance, FALSE);
    if (hooks_present ())
        hook_run (domain->def->name, "reconnect", "begin", "-", domain_def_format (domain->def, 0),
                  reconnect_hook_done, instance_ticket (instance));
}

static void
readopt_one (DomainStatus *status, gpointer list)
{
    int state = status->state, reason = status->reason, pidfd;
    Domain *domain = adopt_domain (list, status);
    Instance *instance;

    if (!domain) {
        domain_status_free (status);
        return;
    }
    instance = instance_new (domain);
    instance_restore (instance, status);
    domain_status_free (status);
    domain->instance = instance;
    /* before anything can start; its undo gives them back, however it ends */
    reserve_labels (domain->def);
    open_log (instance);
    if (instance->pid > 0)
        domain_list_set_id (list, domain, instance->pid);
    pidfd = open_controller (instance);
    if (pidfd >= 0)
        instance_watch_controller (instance, pidfd);
    log_info ("domain '%s': found in state %d, controller %d %s", domain->def->name, state,
              (int) instance->pid, pidfd >= 0 ? "runs" : "is gone");
    if (state == STATE_NOSTATE && !instance_note (instance, NOTE_RESTART)) {
        job_begin (&domain->jobs, JOB_INTERNAL, "undoing a start", 0, undo_cut_short, NULL, instance);
    } else if (state == STATE_CRASHED) {
        instance->phase = PHASE_KEPT;
        lifecycle_apply (domain, LIFE_READOPTED_KEPT);
        tune_recover (domain, TRUE);
    } else {
        domain_ref (domain);
        adopt_running (instance, pidfd >= 0);
        if ((int) domain->state == state)
            lifecycle_restore_reason (domain, reason);
        domain_unref (domain);
    }
}

void
domains_readopt (DomainList *list)
{
    store_each_status (readopt_one, list);
    domains_find_lost (list, readopt_one);
}

/* ---- the daemon's end */

static void
release_one (Domain *domain, gpointer data)
{
    (void) data;
    if (!domain->instance)
        return;
    /* a start under way: its controller ends with the start socket, the next daemon cleans up */
    if (domain->instance->cgroup) {
        cgroup_free (domain->instance->cgroup);
        domain->instance->cgroup = NULL;
    }
    instance_free (g_steal_pointer (&domain->instance));
}

void
domains_release (DomainList *list)
{
    if (list)
        domain_list_each (list, release_one, NULL);
}
