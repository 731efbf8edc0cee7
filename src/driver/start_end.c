/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a container ends that no client destroyed, and what follows: off, restart, or kept as it
 * is. */
#include <string.h>
#include <sys/wait.h>

#include "driver/daemon.h"
#include "driver/oom_watch.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "util/error.h"
#include "util/log.h"
#include "util/text.h"

/* A container that ends as soon as it has begun is not restarted for ever. */
#define QUICK_END_US (2 * G_USEC_PER_SEC)
#define QUICK_ENDS_MAX 10

char *
domain_last_exit_text (const Domain *domain)
{
    int status = domain->last_exit;

    if (status == -1)
        return g_strdup ("");
    if (WIFSIGNALED (status))
        return g_strdup_printf ("killed by signal %d (%s)", WTERMSIG (status),
                                strsignal (WTERMSIG (status)));
    return g_strdup_printf ("exited with status %d", WEXITSTATUS (status));
}

/* What a controller left that ended while no daemon listened. */
static void
read_exit_file (Instance *instance)
{
    g_autofree char *path = store_monitor_path (instance->domain->def);
    MonitorPacket packet;

    if (instance->exited || monitor_exit_read (path, &packet) < 0 || packet.type != MONITOR_EXIT)
        return;
    instance->exited = TRUE;
    instance->exit_status = (int) packet.a;
    instance->exit_kind = (guint) packet.b;
}

/* The end of init was a failure: it was not asked for, is not one of the kernel's ways to reboot or
 * power off, and its status says so. */
static gboolean
ended_badly (const Instance *instance)
{
    if (instance->halt != HALT_NONE || instance->exit_kind != EXIT_SHUTDOWN)
        return FALSE;
    return !WIFEXITED (instance->exit_status) || WEXITSTATUS (instance->exit_status) != 0;
}

/* Which of <on_poweroff>, <on_reboot>, <on_crash> is meant. What a client asked for goes before
 * what init did: an init that knows no reboot(2) just exits when it is asked to reboot. */
static guint
end_action (const Instance *instance)
{
    const DomainDef *def = instance->domain->def;

    if (!instance->exited)
        return ACTION_DESTROY;
    if (instance->halt == HALT_SHUTDOWN_ASKED)
        return ACTION_DESTROY;
    if (instance->exit_kind == EXIT_REBOOT
        || (instance->halt == HALT_REBOOT_ASKED && instance->exit_kind != EXIT_POWEROFF))
        return def->on_reboot;
    return ended_badly (instance) ? def->on_crash : def->on_poweroff;
}

static gboolean
restarts (guint action)
{
    return action == ACTION_RESTART || action == ACTION_RENAME_RESTART
           || action == ACTION_COREDUMP_RESTART;
}

static gboolean
too_quick (Instance *instance)
{
    Domain *domain = instance->domain;
    guint64 lived = (guint64) g_get_real_time () - instance->start_time;

    domain->quick_ends = lived < QUICK_END_US ? domain->quick_ends + 1 : 0;
    if (domain->quick_ends <= QUICK_ENDS_MAX)
        return FALSE;
    log_error ("domain '%s' ended %u times in a row as soon as it ran: not restarted",
               domain->def->name, domain->quick_ends);
    domain->quick_ends = 0;
    return TRUE;
}

static void
log_end (Instance *instance)
{
    Domain *domain = instance->domain;
    g_autofree char *text = NULL;

    domain->last_exit = instance->exited ? instance->exit_status : -1;
    text = domain_last_exit_text (domain);
    if (!instance->exited)
        instance_log (instance, "ended: the controller died");
    else
        instance_log (instance, "ended: init %s%s", text,
                      instance->exit_kind == EXIT_REBOOT ? " (reboot)"
                      : instance->exit_kind == EXIT_POWEROFF ? " (power off)" : "");
    log_info ("domain '%s': init %s", domain->def->name, instance->exited ? text : "unknown");
}

typedef struct {
    Domain *domain;
    guint64 instance;           /* serial */
} EndWork;

static void
keep_as_it_is (Instance *instance, Job *job)
{
    instance->phase = PHASE_KEPT;
    lifecycle_apply (instance->domain, LIFE_PRESERVED);
    job_end (job);
}

/* Before anything ends: a later daemon finishes what this one cannot. */
static gboolean
note_restart (Instance *instance, GError **error)
{
    instance_set_note (instance, NOTE_RESTART, "asked");
    return store_save_status (instance->domain, error);
}

static void
end_run (Job *job, gpointer data)
{
    g_autofree EndWork *work = data;
    Domain *domain = work->domain;
    Instance *instance = domain->instance;
    g_autoptr (GError) error = NULL;
    guint action;

    /* while it waited for its turn, a destroy may have done everything */
    if (!instance || instance->serial != work->instance || instance->phase != PHASE_RUNNING) {
        job_end (job);
        domain_unref (domain);
        return;
    }
    read_exit_file (instance);
    oom_watch_last (instance);
    log_end (instance);
    action = end_action (instance);
    instance->end_event = !instance->exited ? LIFE_CONTROLLER_DIED
                          : ended_badly (instance) ? LIFE_CRASHED : LIFE_SHUTDOWN;
    instance->restart = restarts (action) && !too_quick (instance);
    if (instance->restart && !note_restart (instance, &error))
        log_warning ("domain '%s': %s", domain->def->name, error->message);
    if (action == ACTION_PRESERVE && instance->end_event == LIFE_CRASHED) {
        keep_as_it_is (instance, job);
    } else {
        instance->end_job = job;
        instance_undo (instance, instance_finish);
    }
    domain_unref (domain);
}

void
instance_ended (Instance *instance)
{
    EndWork *work;

    if (instance->ending || instance->phase != PHASE_RUNNING)
        return;
    instance->ending = TRUE;
    work = g_new0 (EndWork, 1);
    work->domain = domain_ref (instance->domain);
    work->instance = instance->serial;
    job_begin (&instance->domain->jobs, JOB_INTERNAL, "end of the container", 0, end_run, NULL, work);
}

/* ---- after the walk back */

/* A reset that did not come to its end. */
static GError *
reset_error (const Instance *instance)
{
    GError *error = NULL;

    if (instance->error)
        return g_error_copy (instance->error);
    error_set (&error, ERR_OPERATION_ABORTED, "the domain was destroyed while it was reset");
    return error;
}

void
instance_close (Instance *instance, LifeEvent event)
{
    Domain *domain = domain_ref (instance->domain);
    GSList *waiters = g_steal_pointer (&instance->stop_waiters);
    Job *job = instance->end_job;
    InstanceDone reset_done = instance->reset_done;
    gpointer reset_data = instance->reset_data;
    g_autoptr (GError) why = reset_done ? reset_error (instance) : NULL;

    domain->instance = NULL;
    instance_free (instance);
    lifecycle_apply (domain, event);
    stop_waiters_answer (waiters, domain);
    if (reset_done)
        reset_done (domain, why, reset_data);
    if (job)
        job_end (job);
    domain_unref (domain);
}

static void
reboot_walked (Instance *instance)
{
    Domain *domain = instance->domain;
    Job *job = instance->end_job;
    InstanceDone reset_done = instance->reset_done;
    gpointer reset_data = instance->reset_data;

    if (instance->error) {
        log_error ("domain '%s': cannot start again: %s", domain->def->name, instance->error->message);
        instance_log (instance, "start failed: %s", instance->error->message);
        text_replace (&domain->last_error, instance->error->message);
        instance_close (instance, instance->destroyed ? LIFE_DESTROYED : LIFE_REBOOT_FAILED);
        return;
    }
    instance->end_job = NULL;
    instance->reset_done = NULL;
    domain_ref (domain);
    instance_started (instance, LIFE_REBOOTED);
    if (job)
        job_end (job);
    if (reset_done)
        reset_done (domain, NULL, reset_data);
    if (domain->instance == instance && instance->exited)
        instance_ended (instance);
    domain_unref (domain);
}

/* The same running definition, the same client of autodestroy; descriptors are not passed again. */
static void
start_again (Instance *old)
{
    Domain *domain = old->domain;
    Instance *instance = instance_new (domain);

    instance->rebooting = TRUE;
    instance->autodestroy = old->autodestroy;
    instance->client_id = old->client_id;
    instance->end_job = old->end_job;
    instance->reset_done = old->reset_done;
    instance->reset_data = old->reset_data;
    instance_set_note (instance, NOTE_RESTART, "asked");
    domain->instance = instance;
    instance_free (old);
    instance_run (instance, reboot_walked);
}

void
domain_reset (Domain *domain, InstanceDone done, gpointer data)
{
    Instance *instance = domain->instance;
    g_autoptr (GError) error = NULL;

    if (!instance || instance->phase != PHASE_RUNNING || instance->ending || instance->exited) {
        error_set_from (&error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
        done (domain, error, data);
        return;
    }
    if (!note_restart (instance, &error)) {
        instance_set_note (instance, NOTE_RESTART, NULL);
        done (domain, error, data);
        return;
    }
    instance_log (instance, "reset");
    log_info ("domain '%s': reset", domain->def->name);
    instance->ending = TRUE;
    instance->restart = TRUE;
    instance->reset_done = done;
    instance->reset_data = data;
    instance_undo (instance, instance_finish);
}

void
instance_restart (Instance *instance, Job *job)
{
    read_exit_file (instance);
    instance->ending = TRUE;
    instance->restart = TRUE;
    instance->end_event = LIFE_CONTROLLER_DIED;
    instance->end_job = job;
    instance_undo (instance, instance_finish);
}

void
instance_finish (Instance *instance)
{
    if (instance->restart && !instance->destroyed) {
        start_again (instance);
        return;
    }
    if (instance->destroyed && instance->exited)
        instance->domain->last_exit = instance->exit_status;
    if (instance->destroyed && !instance->end_job)
        instance_log (instance, "destroyed");
    instance_close (instance, instance->destroyed && !instance->end_job ? LIFE_DESTROYED
                              : (LifeEvent) instance->end_event);
}
