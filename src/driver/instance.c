/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The runner of the start table: forwards for a start, backwards for failure, stop and recovery. */
#include "driver/instance.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "driver/daemon.h"
#include "driver/fault.h"
#include "driver/frozen.h"
#include "driver/trim.h"
#include "driver/oom_watch.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"

static void
note_free (gpointer data)
{
    NameValue *note = data;

    g_free (note->name);
    g_free (note->value);
    g_free (note);
}

Instance *
instance_new (Domain *domain)
{
    static guint64 last_serial;
    Instance *instance = g_new0 (Instance, 1);

    instance->domain = domain_ref (domain);
    instance->serial = ++last_serial;
    instance->notes = g_ptr_array_new_with_free_func (note_free);
    instance->attaching = g_ptr_array_new ();
    instance->log_fd = -1;
    instance->pidfd = -1;
    instance->netns = -1;
    instance->exit_status = -1;
    instance->start_time = (guint64) g_get_real_time ();
    return instance;
}

static void
remove_source (guint *source)
{
    if (*source)
        g_source_remove (*source);
    *source = 0;
}

void
instance_free (Instance *instance)
{
    if (!instance)
        return;
    remove_source (&instance->deadline);
    g_clear_pointer (&instance->pid_watch, fd_watch_free);
    remove_source (&instance->retry);
    remove_source (&instance->reconnect);
    frozen_release (instance);
    trim_forget (instance);
    device_works_end (instance);
    oom_watch_free (instance->oom);
    monitor_link_free (instance->start_link);
    monitor_link_free (instance->monitor);
    fd_close (&instance->log_fd);
    g_clear_pointer (&instance->console_logs, g_array_unref);
    fd_close (&instance->pidfd);
    fd_close (&instance->netns);
    domain_def_free (instance->coming);
    for (guint i = 0; i < instance->n_fds; i++)
        fd_close (&instance->fds[i]);
    g_free (instance->fds);
    g_ptr_array_free (instance->notes, TRUE);
    g_ptr_array_free (instance->attaching, TRUE);
    g_clear_pointer (&instance->images, g_array_unref);
    device_work_unref (instance->devices);
    ids_work_unref (instance->ids);
    g_free (instance->label_options);
    plan_facts_free (instance->facts);
    if (instance->cgroup)
        cgroup_leave (instance->cgroup);
    g_clear_error (&instance->error);
    domain_unref (instance->domain);
    instance->dead = TRUE;
    if (instance->tickets == 0)
        g_free (instance);
}

/* ---- tickets */

struct InstanceTicket {
    Instance *instance;
    guint number;
};

InstanceTicket *
instance_ticket (Instance *instance)
{
    InstanceTicket *ticket = g_new0 (InstanceTicket, 1);

    instance->tickets++;
    ticket->instance = instance;
    ticket->number = instance->ticket;
    return ticket;
}

Instance *
instance_redeem (InstanceTicket *ticket)
{
    Instance *instance = ticket->instance;
    gboolean good = !instance->dead && ticket->number == instance->ticket;

    g_free (ticket);
    if (--instance->tickets == 0 && instance->dead)
        g_free (instance);
    return good ? instance : NULL;
}

/* ---- the walk */

static void
walk_over (Instance *instance)
{
    void (*walked) (Instance *) = instance->walked;

    walked (instance);      /* frees the instance, or keeps it running */
}

static gboolean
wait_too_long (gpointer data)
{
    Instance *instance = data;
    const StartStep *step = &start_steps[instance->step];
    GError *error = NULL;

    instance->deadline = 0;
    if (instance->phase == PHASE_STARTING) {
        error_set (&error, ERR_OPERATION_TIMEOUT, "%s: not done in time", step->name);
        instance_fail (instance, error);
    } else {
        /* what is left is left: the rest must not stay too */
        log_error ("domain '%s': undoing '%s' was not done in time", instance->domain->def->name,
                   step->name);
        instance->begun &= ~(G_GUINT64_CONSTANT (1) << step->bit);
        instance_resume (instance);
    }
    return G_SOURCE_REMOVE;
}

static void
wait_begin (Instance *instance, guint deadline_ms)
{
    instance->waiting = TRUE;
    if (!instance->deadline)
        instance->deadline = g_timeout_add (deadline_ms, wait_too_long, instance);
}

static void
wait_end (Instance *instance)
{
    instance->waiting = FALSE;
    instance->ticket++;
    remove_source (&instance->deadline);
}

/* One step forward. A lasting one is in the status file before it has done anything. */
static StepResult
step_begin (Instance *instance, const StartStep *step)
{
    StepResult result;

    instance->begun |= G_GUINT64_CONSTANT (1) << step->bit;
    if (step->lasting && !store_save_status (instance->domain, &instance->error))
        return STEP_FAILED;
    if (fault_here (step->name, FAULT_BEFORE, instance->pid)) {
        error_set (&instance->error, ERR_INTERNAL, "%s: made to fail", step->name);
        return STEP_FAILED;
    }
    instance->early = FALSE;
    instance->in_step = TRUE;
    result = step->run (instance, &instance->error);
    instance->in_step = FALSE;
    if (instance->early)
        result = instance->error ? STEP_FAILED : STEP_DONE;
    return result;
}

static gboolean
step_after (Instance *instance, const StartStep *step)
{
    if (!fault_here (step->name, FAULT_AFTER, instance->pid))
        return TRUE;
    return error_set (&instance->error, ERR_INTERNAL, "%s: made to fail after it", step->name);
}

static void
walk_forward (Instance *instance)
{
    while (instance->step < n_start_steps) {
        const StartStep *step = &start_steps[instance->step];
        StepResult result = STEP_DONE;

        if (!step->needed || step->needed (instance))
            result = step_begin (instance, step);
        if (result == STEP_WAIT) {
            wait_begin (instance, step->deadline_ms ? step->deadline_ms
                                                    : daemon_state.settings->start_deadline);
            return;
        }
        if (result == STEP_FAILED || !step_after (instance, step)) {
            instance_undo (instance, instance->walked);
            return;
        }
        instance->step++;
    }
    /* its end may wait to be told by the main loop: a start that is over already is none */
    if (!instance->exited && !instance_controller_alive (instance)) {
        error_set (&instance->error, ERR_INTERNAL, "guest failed to start: the controller died");
        instance_undo (instance, instance->walked);
        return;
    }
    walk_over (instance);
}

void
instance_run (Instance *instance, void (*walked) (Instance *instance))
{
    instance->phase = PHASE_STARTING;
    instance->step = 0;
    instance->walked = walked;
    walk_forward (instance);
}

static void
walk_back (Instance *instance)
{
    for (;;) {
        const StartStep *step = &start_steps[instance->step];
        StepResult result = STEP_DONE;

        if ((instance->begun & (G_GUINT64_CONSTANT (1) << step->bit)) && step->undo) {
            fault_here (step->name, FAULT_UNDO, instance->pid);
            instance->early = FALSE;
            instance->in_step = TRUE;
            result = step->undo (instance);
            instance->in_step = FALSE;
        }
        if (result == STEP_WAIT && instance->early)
            continue;
        if (result == STEP_WAIT) {
            wait_begin (instance, daemon_state.settings->destroy_deadline);
            return;
        }
        remove_source (&instance->deadline);
        instance->begun &= ~(G_GUINT64_CONSTANT (1) << step->bit);
        if (instance->step == 0)
            break;
        instance->step--;
    }
    walk_over (instance);
}

void
instance_undo (Instance *instance, void (*walked) (Instance *instance))
{
    wait_end (instance);
    /* what waits for a frozen file system cannot be killed */
    frozen_release (instance);
    trim_stop (instance, NULL, NULL, NULL);
    device_works_end (instance);
    instance->phase = PHASE_UNDOING;
    if (instance->step >= n_start_steps)
        instance->step = n_start_steps - 1;
    instance->walked = walked;
    walk_back (instance);
}

void
instance_resume (Instance *instance)
{
    if (instance->in_step) {
        instance->early = TRUE;
        return;
    }
    if (!instance->waiting)
        return;
    instance->waiting = FALSE;
    instance->ticket++;
    if (instance->phase == PHASE_UNDOING) {
        /* the deadline runs on: it is of the whole undo of this step */
        walk_back (instance);
        return;
    }
    wait_end (instance);
    if (!step_after (instance, &start_steps[instance->step])) {
        instance_undo (instance, instance->walked);
        return;
    }
    instance->step++;
    walk_forward (instance);
}

void
instance_fail (Instance *instance, GError *error)
{
    if (instance->phase != PHASE_STARTING || (!instance->waiting && !instance->in_step)) {
        g_error_free (error);
        return;
    }
    if (!instance->error)
        instance->error = error;
    else
        g_error_free (error);
    if (instance->in_step) {
        instance->early = TRUE;
        return;
    }
    instance_undo (instance, instance->walked);
}

/* ---- notes and status */

static NameValue *
find_note (const Instance *instance, const char *name)
{
    for (guint i = 0; i < instance->notes->len; i++) {
        NameValue *note = instance->notes->pdata[i];

        if (strcmp (note->name, name) == 0)
            return note;
    }
    return NULL;
}

const char *
instance_note (const Instance *instance, const char *name)
{
    const NameValue *note = find_note (instance, name);

    return note ? note->value : NULL;
}

void
instance_set_note (Instance *instance, const char *name, const char *value)
{
    NameValue *note = find_note (instance, name);

    if (note)
        g_ptr_array_remove (instance->notes, note);
    if (!value)
        return;
    note = g_new0 (NameValue, 1);
    note->name = g_strdup (name);
    note->value = g_strdup (value);
    g_ptr_array_add (instance->notes, note);
}

static NameValue *
note_copy (const NameValue *note)
{
    NameValue *copy = g_new0 (NameValue, 1);

    copy->name = g_strdup (note->name);
    copy->value = g_strdup (note->value);
    return copy;
}

/* A domain on its way up is saved as "no state": whoever reads that finishes with undoing it. */
DomainStatus *
instance_status (Domain *domain)
{
    const Instance *instance = domain->instance;
    DomainStatus *status = domain_status_new ();
    g_auto (GStrv) paths = instance->cgroup ? cgroup_paths (instance->cgroup) : NULL;

    status->state = instance->phase == PHASE_STARTING && instance->step < n_start_steps
                        ? STATE_NOSTATE : domain->state;
    status->reason = domain->reason;
    status->pid = instance->pid;
    status->pid_start = instance->pid_start;
    status->init_pid = instance->init_pid;
    status->init_start = instance->init_start;
    status->steps_begun = instance->begun;
    status->start_time = instance->start_time;
    status->autodestroy = instance->autodestroy;
    status->exit_status = instance->exit_status;
    for (guint i = 0; paths && paths[i]; i++)
        g_ptr_array_add (status->cgroups, g_strdup (paths[i]));
    for (guint i = 0; i < instance->notes->len; i++)
        g_ptr_array_add (status->facts, note_copy (instance->notes->pdata[i]));
    status->def = domain->def;
    return status;
}

void
instance_restore (Instance *instance, const DomainStatus *status)
{
    g_autoptr (GPtrArray) paths = g_ptr_array_new ();

    instance->readopted = TRUE;
    instance->begun = status->steps_begun;
    instance->step = n_start_steps;
    instance->pid = status->pid;
    instance->pid_start = status->pid_start;
    instance->init_pid = status->init_pid;
    instance->init_start = status->init_start;
    instance->start_time = status->start_time;
    instance->autodestroy = status->autodestroy;
    for (guint i = 0; i < status->facts->len; i++)
        g_ptr_array_add (instance->notes, note_copy (status->facts->pdata[i]));
    for (guint i = 0; i < status->cgroups->len; i++)
        g_ptr_array_add (paths, status->cgroups->pdata[i]);
    g_ptr_array_add (paths, NULL);
    if (paths->len > 1)
        instance->cgroup = cgroup_open ((const char *const *) paths->pdata, NULL);
}

/* ---- the domain's own log */

void
instance_log (Instance *instance, const char *format, ...)
{
    g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
    g_autofree char *stamp = g_date_time_format (now, "%Y-%m-%d %H:%M:%S.%f");
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;
    va_list args;

    if (instance->log_fd < 0)
        return;
    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    line = g_strdup_printf ("%.23s+0000: %s\n", stamp, text);
    if (fd_write_all (instance->log_fd, line, strlen (line)) < 0)
        log_debug ("domain '%s': cannot write its log", instance->domain->def->name);
}
