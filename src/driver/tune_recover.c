/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a daemon that died had begun with the limits of a container, by the notes of its status file. */
#include <string.h>

#include "driver/config_change.h"
#include "driver/daemon.h"
#include "driver/group_task.h"
#include "driver/store.h"
#include "driver/tune_note.h"
#include "driver/tune_work.h"
#include "util/error.h"
#include "util/log.h"

typedef struct {
    Domain *domain;             /* a reference */
    guint64 serial;             /* of the instance whose group is written */
    Job *job;
} Recovery;

/* ---- the saved definition */

/* As it was. NULL with error, or without: there is no such note, or something else than that change has made the saved
 * definition what it is. */
static DomainDef *
saved_before (Domain *domain, GError **error)
{
    const char *note = instance_note (domain->instance, NOTE_LIMITS_SAVED), *text = note ? strchr (note, ' ') : NULL;
    g_autofree char *now = config_text (domain);
    g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, now, -1);

    if (note && !text)
        error_set (error, ERR_INTERNAL, "its note is malformed");
    if (!text || !domain->persistent || strncmp (note, sum, strlen (sum)) != 0 || note[strlen (sum)] != ' ')
        return NULL;
    return domain_def_parse (text + 1, strlen (text + 1), &daemon_state.defaults, 0, error);
}

/* The notes go, whatever came of it: what cannot be used is told of once. */
static void
forget_notes (Domain *domain, const GError *why)
{
    Instance *instance = domain->instance;
    g_autoptr (GError) error = NULL;

    if (why)
        log_error ("domain '%s': saved definition: %s", domain->def->name, why->message);
    tune_unnote (instance);
    if (!store_save_status (domain, &error))
        log_error ("domain '%s': %s", domain->def->name, error->message);
}

/* Of one that has ended. No client is there yet. */
static void
forget (Domain *domain)
{
    g_autoptr (GError) error = NULL;
    DomainDef *before = saved_before (domain, &error);

    if (before)
        config_save_now (domain, before, &error);
    forget_notes (domain, error);
}

/* ---- the control group */

static gboolean
still_there (const Recovery *recovery)
{
    const Instance *instance = recovery->domain->instance;

    return instance && instance->serial == recovery->serial;
}

static void
saved_restored (Domain *domain, const GError *error, gpointer data)
{
    Recovery *recovery = data;

    if (still_there (recovery))
        forget_notes (domain, error);
    job_end (recovery->job);
    domain_unref (domain);
    g_free (recovery);
}

static void
recovery_over (Recovery *recovery, const GError *error)
{
    Domain *domain = recovery->domain;
    g_autoptr (GError) why = NULL;
    DomainDef *before = NULL;

    if (still_there (recovery)) {
        if (error)
            log_error ("domain '%s': a change of its limits was cut short and cannot be taken back: %s",
                       domain->def->name, error->message);
        else
            log_warning ("domain '%s': a change of its limits was cut short and has been taken back",
                         domain->def->name);
        before = saved_before (domain, &why);
    }
    if (before)
        config_save (domain, NULL, before, saved_restored, recovery);
    else
        saved_restored (domain, why, recovery);
}

static void
written (gpointer result, GError *error, gpointer data)
{
    (void) result;
    recovery_over (data, error);
}

static void
recover_run (Job *job, gpointer data)
{
    Recovery *recovery = g_new0 (Recovery, 1);
    Domain *domain = data;
    Instance *instance = domain->instance;
    const char *note = instance ? instance_note (instance, NOTE_LIMITS) : NULL;
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
        job_yield (job);
        group_tune (instance, g_steal_pointer (&work), written, recovery);
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
        forget (domain);
}
