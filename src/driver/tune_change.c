/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A change of limits, or of what is only kept. Order: copies are edited and judged; the emulator's CPUs, which are
 * set at once; the control group, by a task to which a destroy need not wait; the live definition with the status
 * file; the saved one. What fails puts back what came before it.
 */
#include "driver/daemon.h"
#include "driver/device_change.h"
#include "driver/store.h"
#include "driver/tune.h"
#include "util/log.h"
#include "util/task.h"

typedef struct {
    Call *call;
    guint64 serial;             /* of the instance whose group is written */
    Affect affect;
    DomainDef *before, *live, *config;  /* as it was, as it shall be; NULL: stays */
    char *config_text;          /* of the saved one that @config replaces */
    TuneWork *back;             /* undoes what the task does */
    TuneTell tell;
    GError *error;              /* while it is taken back */
} Change;

/* ---- the task: all of @forward, or nothing that lasts */

typedef struct {
    TuneWork *forward, *back;
} Input;

static void
input_free (gpointer data)
{
    Input *input = data;

    tune_work_free (input->forward);
    g_free (input);
}

static gpointer
write_all (gpointer data, GError **error)
{
    const Input *input = data;
    g_autoptr (GError) again = NULL;

    if (tune_work_run (input->forward, error))
        return data;
    /* the values from before were good once: what fails now is logged only */
    if (input->back && !tune_work_run (input->back, &again))
        log_error ("limits could not be put back: %s", again->message);
    return NULL;
}

/* ---- the end of a change */

static void
change_free (Change *change)
{
    domain_def_free (change->before);
    domain_def_free (change->live);
    domain_def_free (change->config);
    g_free (change->config_text);
    tune_work_free (change->back);
    g_free (change);
}

static void
change_failed (Change *change)
{
    Call *call = change->call;
    GError *error = g_steal_pointer (&change->error);

    change_free (change);
    call_failed (call, error);
}

static gboolean
same_instance (const Change *change)
{
    const Instance *instance = change->call->domain->instance;

    return instance && instance->serial == change->serial;
}

/* Active it is until the last step is undone. */
static gboolean
still_there (const Change *change)
{
    const Domain *domain = change->call->domain;

    return same_instance (change) && domain_active (domain)
           && (domain->instance->phase == PHASE_RUNNING || domain->instance->phase == PHASE_KEPT);
}

/* The live definition becomes @def (taken), in the status file too. */
static gboolean
take_live (Domain *domain, DomainDef *def, GError **error)
{
    DomainDef *old = domain->def;

    domain_list_set_def (daemon_state.domains, domain, def);
    if (store_save_status (domain, error)) {
        domain_def_free (old);
        return TRUE;
    }
    domain_list_set_def (daemon_state.domains, domain, old);
    domain_def_free (def);
    return FALSE;
}

static gboolean
take_both (Change *change, GError **error)
{
    Domain *domain = change->call->domain;

    if (!take_live (domain, g_steal_pointer (&change->live), error))
        return FALSE;
    if (!change->config
        || device_replace_config (domain, change->config_text, g_steal_pointer (&change->config), error))
        return TRUE;
    take_live (domain, domain_def_copy (change->before), NULL);
    return FALSE;
}

static void
emulator_back (Change *change, const DomainDef *after)
{
    if (!tune_emulator (change->call->domain->instance, after, change->before, NULL))
        log_error ("domain '%s': the CPUs of its controller could not be put back", change->before->name);
}

static void
put_back (gpointer result, GError *error, gpointer data)
{
    Change *change = data;

    if (!result)
        log_error ("domain '%s': its limits could not be put back: %s", change->before->name, error->message);
    change_failed (change);
}

static void
group_write (Change *change, TuneWork *forward, TuneWork *back, TaskDone done)
{
    Domain *domain = change->call->domain;
    g_autofree char *owner = g_strconcat (domain->def->name, "/limits", NULL);
    Input *input = g_new0 (Input, 1);

    input->forward = forward;
    input->back = back;
    domain->instance->writers++;
    task_run_waiting (owner, write_all, input, input_free, done, change);
}

static void
back_written (gpointer result, GError *error, gpointer data)
{
    Change *change = data;

    /* also one that ends: its group is removed once nobody writes */
    if (same_instance (change))
        change->call->domain->instance->writers--;
    put_back (result, error, data);
}

static void
written (gpointer result, GError *error, gpointer data)
{
    Change *change = data;
    Domain *domain = change->call->domain;
    g_autoptr (DomainDef) after = domain_def_copy (change->live);

    if (same_instance (change))
        domain->instance->writers--;
    if (!still_there (change)) {
        error_set_from (&change->error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
        change_failed (change);
    } else if (!result) {
        change->error = g_error_copy (error);
        emulator_back (change, after);
        change_failed (change);
    } else if (!take_both (change, &change->error)) {
        emulator_back (change, after);
        group_write (change, g_steal_pointer (&change->back), NULL, back_written);
    } else {
        Call *call = change->call;

        if (change->tell)
            change->tell (call, change->affect);
        change_free (change);
        call_done (call);
    }
}

/* ---- its beginning */

static DomainDef *
edited (const DomainDef *def, TuneEdit edit, gconstpointer request, GError **error)
{
    g_autoptr (DomainDef) copy = domain_def_copy (def);

    if (!edit (copy, request, error) || !domain_def_judge (copy, &daemon_state.defaults, error))
        return NULL;
    return g_steal_pointer (&copy);
}

/* Takes @live and @config. */
static ApiResult
change_live (Call *call, Affect affect, DomainDef *live, DomainDef *config, TuneTell tell, GError **error)
{
    Domain *domain = call->domain;
    Change *change = g_new0 (Change, 1);
    g_autoptr (TuneWork) forward = tune_work_new (domain->instance, domain->def, live, TRUE, error);
    g_autoptr (DomainDef) after = NULL;
    gboolean good;

    *change = (Change) { .call = call, .serial = domain->instance->serial, .affect = affect, .live = live,
                         .config = config, .tell = tell, .before = domain_def_copy (domain->def),
                         .config_text = config ? device_config_text (domain) : NULL };
    change->back = forward ? tune_work_new (domain->instance, live, domain->def, FALSE, error) : NULL;
    if (!change->back || !tune_emulator (domain->instance, change->before, live, error)) {
        change_free (change);
        return API_FAILED;
    }
    if (tune_work_needed (forward)) {
        job_yield (call->job);
        group_write (change, g_steal_pointer (&forward), change->back, written);
        return API_LATER;
    }
    after = domain_def_copy (live);     /* take_both() takes it, and a failure frees it */
    good = take_both (change, error);
    if (!good)
        emulator_back (change, after);
    else if (tell)
        tell (call, affect);
    change_free (change);
    return good ? API_DONE : API_FAILED;
}

ApiResult
tune_change (Call *call, Affect affect, TuneEdit edit, gconstpointer request, TuneTell tell, GError **error)
{
    g_autoptr (DomainDef) live = NULL, config = NULL;
    Domain *domain = call->domain;

    if ((affect & AFFECT_LIVE) && !domain_cgroup (domain, error))
        return API_FAILED;
    if ((affect & AFFECT_LIVE) && !(live = edited (domain->def, edit, request, error)))
        return API_FAILED;
    if ((affect & AFFECT_CONFIG) && !(config = edited (domain_config_def (domain), edit, request, error)))
        return API_FAILED;
    if (live)
        return change_live (call, affect, g_steal_pointer (&live), g_steal_pointer (&config), tell, error);
    if (!device_save_config (domain, g_steal_pointer (&config), error))
        return API_FAILED;
    if (tell)
        tell (call, affect);
    return API_DONE;
}
