/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a daemon that died had begun with the limits of a container, by the notes of its status file. */
#include <string.h>

#include "driver/daemon.h"
#include "driver/device_change.h"
#include "driver/store.h"
#include "driver/tune_note.h"
#include "driver/tune_work.h"
#include "util/error.h"
#include "util/log.h"
#include "util/task.h"

typedef struct {
    Domain *domain;             /* a reference */
    guint64 serial;             /* of the instance whose group is written */
    Job *job;
} Recovery;

/* ---- the saved definition */

/* As it was, unless something else than that change has made it what it is. */
static gboolean
restore_saved (Domain *domain, const char *note, GError **error)
{
    const char *text = strchr (note, ' ');
    g_autofree char *now = device_config_text (domain);
    g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, now, -1);
    DomainDef *before;

    if (!text)
        return error_set (error, ERR_INTERNAL, "its note is malformed");
    if (!domain->persistent || strncmp (note, sum, strlen (sum)) != 0 || note[strlen (sum)] != ' ')
        return TRUE;
    before = domain_def_parse (text + 1, strlen (text + 1), &daemon_state.defaults, 0, error);
    return before && device_save_config (domain, before, error);
}

/* The notes go, whatever comes of it: what cannot be used is told of once. */
static void
forget_notes (Domain *domain)
{
    Instance *instance = domain->instance;
    const char *saved = instance_note (instance, NOTE_LIMITS_SAVED);
    g_autoptr (GError) error = NULL;

    if (saved && !restore_saved (domain, saved, &error))
        log_error ("domain '%s': saved definition: %s", domain->def->name, error->message);
    g_clear_error (&error);
    tune_unnote (instance);
    if (!store_save_status (domain, &error))
        log_error ("domain '%s': %s", domain->def->name, error->message);
}

/* ---- the control group */

static gpointer
write_run (gpointer data, GError **error)
{
    return tune_work_run (data, error) ? data : NULL;
}

static void
work_free (gpointer data)
{
    tune_work_free (data);
}

static void
recovery_over (Recovery *recovery, const GError *error)
{
    Domain *domain = recovery->domain;
    Instance *instance = domain->instance;

    if (instance && instance->serial == recovery->serial) {
        if (error)
            log_error ("domain '%s': a change of its limits was cut short and cannot be taken back: %s",
                       domain->def->name, error->message);
        else
            log_warning ("domain '%s': a change of its limits was cut short and has been taken back",
                         domain->def->name);
        forget_notes (domain);
    }
    job_end (recovery->job);
    domain_unref (domain);
    g_free (recovery);
}

static void
written (gpointer result, GError *error, gpointer data)
{
    Recovery *recovery = data;
    Instance *instance = recovery->domain->instance;

    (void) result;
    /* also one that ends: its group is removed once nobody writes */
    if (instance && instance->serial == recovery->serial)
        instance->writers--;
    recovery_over (recovery, error);
}

static void
recover_run (Job *job, gpointer data)
{
    Recovery *recovery = g_new0 (Recovery, 1);
    Domain *domain = data;
    Instance *instance = domain->instance;
    const char *note = instance ? instance_note (instance, NOTE_LIMITS) : NULL;
    g_autofree char *owner = g_strconcat (domain->def->name, "/limits", NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (TuneWork) work = NULL;

    *recovery = (Recovery) { domain, instance ? instance->serial : 0, job };
    if (!note || (instance->phase != PHASE_RUNNING && instance->phase != PHASE_KEPT)
        || !instance->cgroup) {
        recovery_over (recovery, NULL);
        return;
    }
    work = tune_work_empty (instance);
    if (!tune_work_parse (note, work)) {
        error_set (&error, ERR_INTERNAL, "its note is malformed");
        recovery_over (recovery, error);
    } else if (work->emulator && !tune_emulator_set (instance, domain->def, &error)) {
        recovery_over (recovery, error);
    } else {
        instance->writers++;
        job_yield (job);
        task_run_waiting (owner, write_run, g_steal_pointer (&work), work_free, written, recovery);
    }
}

void
tune_recover (Domain *domain, gboolean alive)
{
    Instance *instance = domain->instance;

    if (!instance_note (instance, NOTE_LIMITS) && !instance_note (instance, NOTE_LIMITS_SAVED))
        return;
    if (alive)
        job_begin (&domain->jobs, JOB_INTERNAL, "undoing a change of limits", 0, recover_run, NULL,
                   domain_ref (domain));
    else
        forget_notes (domain);
}
