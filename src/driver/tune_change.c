/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A change of limits, or of what is only kept. Order: copies are edited and judged; a note of what there was, in the
 * status file; the emulator's CPUs, which are set at once; the control group, by a task to which a destroy need not
 * wait; the saved definition, which can be put back; the live one with the status file, in which the note is gone.
 * What fails puts back what came before it; should the daemon die, the next one does (tune_recover.c).
 */
#include "conf/domain_device.h"
#include "driver/config_change.h"
#include "driver/daemon.h"
#include "driver/fault.h"
#include "driver/group_task.h"
#include "driver/store.h"
#include "driver/tune_note.h"
#include "driver/tune_work.h"
#include "util/log.h"

typedef struct {
    Call *call;
    guint64 serial;             /* of the instance whose group is written */
    TuneOrder order;
    DomainDef *before;          /* the live one as it was */
    DomainDef *saved;           /* the same of the saved one; NULL: stays */
    char *saved_text;           /* by which that is known */
    gboolean noted;
    gboolean wrote;             /* the control group is as it shall be */
    GError *error;              /* while it is taken back */
} Change;

/* ---- the task: all of @forward, or nothing that lasts */

typedef struct {
    TuneWork *forward, *back;   /* @back is the change's */
} Input;

static void
input_free (gpointer data)
{
    Input *input = data;

    tune_work_free (input->forward);
    g_free (input);
}

/* What was written. */
static gpointer
write_all (gpointer data, GError **error)
{
    Input *input = data;
    g_autoptr (GError) again = NULL;

    if (tune_work_run (input->forward, error))
        return g_steal_pointer (&input->forward);
    /* the values from before were good once: what fails now is logged only */
    if (input->back && !tune_work_run (input->back, &again))
        log_error ("limits could not be put back: %s", again->message);
    return NULL;
}

/* ---- the end of a change */

static void
order_clear (TuneOrder *order)
{
    g_clear_pointer (&order->live, domain_def_free);
    g_clear_pointer (&order->config, domain_def_free);
    g_clear_pointer (&order->forward, tune_work_free);
    g_clear_pointer (&order->back, tune_work_free);
}

static void
change_free (Change *change)
{
    order_clear (&change->order);
    domain_def_free (change->before);
    domain_def_free (change->saved);
    g_free (change->saved_text);
    g_free (change);
}

/* Active it is until the last step is undone. */
static gboolean
still_there (const Change *change)
{
    const Domain *domain = change->call->domain;
    const Instance *instance = domain->instance;

    return instance && instance->serial == change->serial && domain_active (domain)
           && (instance->phase == PHASE_RUNNING || instance->phase == PHASE_KEPT);
}

/* All is as it was: nothing is left for a later daemon to do. */
static void
forget_note (const Change *change)
{
    Domain *domain = change->call->domain;
    g_autoptr (GError) error = NULL;

    if (!change->noted || !still_there (change))
        return;
    tune_unnote (domain->instance);
    if (!store_save_status (domain, &error))
        log_warning ("domain '%s': %s", change->before->name, error->message);
}

static GError *
change_end (Change *change)
{
    GError *error = g_steal_pointer (&change->error);

    forget_note (change);
    change_free (change);
    return error;
}

static void
change_failed (Change *change)
{
    Call *call = change->call;

    call_failed (call, change_end (change));
}

static void
change_done (Change *change)
{
    Call *call = change->call;

    if (change->order.tell)
        change->order.tell (call, change->order.affect);
    change_free (change);
    call_done (call);
}

/* ---- the control group */

/* Takes @forward. */
static void
group_write (Change *change, TuneWork *forward, TuneWork *back, TaskDone done)
{
    Input *input = g_new0 (Input, 1);

    input->forward = forward;
    input->back = back;
    group_task (change->call->domain->instance, "limits", write_all, input, input_free, done, change);
}

static void
back_written (gpointer result, GError *error, gpointer data)
{
    g_autoptr (TuneWork) work = result;
    Change *change = data;

    if (!work)
        log_error ("domain '%s': its limits could not be put back: %s", change->before->name, error->message);
    change_failed (change);
}

/* No definition has anything of the change, or has it any more. */
static void
take_back (Change *change)
{
    if (!still_there (change)) {
        change_failed (change);
        return;
    }
    if (!tune_emulator (change->call->domain->instance, change->order.live, change->before, NULL))
        log_error ("domain '%s': the CPUs of its controller could not be put back", change->before->name);
    if (change->wrote)
        group_write (change, g_steal_pointer (&change->order.back), NULL, back_written);
    else
        change_failed (change);
}

/* ---- what is saved */

/* Tests make it fail, or this daemon end. */
static gboolean
passes (const Change *change, const char *step, FaultPlace place, GError **error)
{
    return !fault_here (step, place, change->call->domain->instance->pid)
           || error_set (error, ERR_INTERNAL, "%s: made to fail", step);
}

/* The live definition, with the status file. */
static gboolean
take_live (Change *change, GError **error)
{
    Domain *domain = change->call->domain;
    DomainDef *old = domain->def;
    g_autofree char *limits = g_strdup (instance_note (domain->instance, NOTE_LIMITS));
    g_autofree char *saved = g_strdup (instance_note (domain->instance, NOTE_LIMITS_SAVED));
    g_autoptr (GError) again = NULL;

    domain_list_set_def (daemon_state.domains, domain, change->order.live);
    tune_unnote (domain->instance);
    if (passes (change, "limits-commit", FAULT_BEFORE, error) && store_save_status (domain, error)
        && passes (change, "limits-commit", FAULT_AFTER, error)) {
        change->order.live = NULL;
        change->noted = FALSE;
        domain_def_free (old);
        return TRUE;
    }
    domain_list_set_def (daemon_state.domains, domain, old);
    instance_set_note (domain->instance, NOTE_LIMITS, limits);
    instance_set_note (domain->instance, NOTE_LIMITS_SAVED, saved);
    if (!store_save_status (domain, &again))
        log_error ("domain '%s': %s", change->before->name, again->message);
    return FALSE;
}

/* The saved definition is what it was, or somebody else's. */
static void
saved_put_back (Domain *domain, const GError *error, gpointer data)
{
    Change *change = data;

    if (error)
        log_error ("domain '%s': its saved definition could not be put back: %s", domain->def->name, error->message);
    take_back (change);
}

static void
live_turn (Change *change)
{
    if (!still_there (change)) {
        error_set_from (&change->error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
    } else if (take_live (change, &change->error)) {
        change_done (change);
        return;
    }
    if (change->saved)
        config_save (change->call->domain, change->saved_text, g_steal_pointer (&change->saved), saved_put_back,
                     change);
    else
        take_back (change);
}

static void
config_taken (Domain *domain, const GError *error, gpointer data)
{
    Change *change = data;

    if (error) {
        change->error = g_error_copy (error);
        take_back (change);
        return;
    }
    g_free (change->saved_text);
    change->saved_text = config_text (domain);
    live_turn (change);
}

static void
take_both (Change *change)
{
    if (!passes (change, "limits-write", FAULT_AFTER, &change->error))
        take_back (change);
    else if (change->order.config)
        config_save (change->call->domain, change->saved_text, g_steal_pointer (&change->order.config), config_taken,
                     change);
    else
        live_turn (change);
}

static void
written (gpointer result, GError *error, gpointer data)
{
    g_autoptr (TuneWork) work = result;
    Change *change = data;

    if (!still_there (change)) {
        error_set_from (&change->error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
        change_failed (change);
    } else if (!work) {
        change->error = g_error_copy (error);
        take_back (change);
    } else {
        change->wrote = TRUE;
        if (change->order.take)
            change->order.take (change->call, change->order.live, work);
        take_both (change);
    }
}

/* ---- its beginning */

static gboolean
note (Change *change, GError **error)
{
    Domain *domain = change->call->domain;
    TuneOrder *order = &change->order;
    g_autofree char *then = order->config ? domain_def_format (order->config, DOMAIN_FORMAT_SAVED) : NULL;

    if (order->config) {
        change->saved = domain_def_copy (domain_config_def (domain));
        change->saved_text = config_text (domain);
    }
    order->back->emulator
        = g_strcmp0 (change->before->cputune.emulatorpin, order->live->cputune.emulatorpin) != 0;
    change->noted = tune_note (domain->instance, order->back, change->saved_text, then);
    return (!change->noted || store_save_status (domain, error))
           && passes (change, "limits-write", FAULT_BEFORE, error)
           && tune_emulator (domain->instance, change->before, order->live, error);
}

static ApiResult
begin (Change *change, GError **error)
{
    Call *call = change->call;
    TuneOrder *order = &change->order;

    if (!note (change, &change->error)) {
        g_propagate_error (error, change_end (change));
        return API_FAILED;
    }
    job_yield (call->job);
    if (tune_work_needed (order->forward)) {
        group_write (change, g_steal_pointer (&order->forward), order->back, written);
        return API_LATER;
    }
    if (order->take)
        order->take (call, order->live, order->forward);
    take_both (change);
    return API_LATER;
}

typedef struct {
    Call *call;
    Affect affect;
    TuneTell tell;
} Saving;

static void
only_saved (Domain *domain, const GError *error, gpointer data)
{
    g_autofree Saving *saving = data;

    if (!error && saving->tell)
        saving->tell (saving->call, saving->affect);
    domain_answer (domain, error, saving->call);
}

ApiResult
tune_order_run (Call *call, const TuneOrder *order, GError **error)
{
    Domain *domain = call->domain;
    Change *change;
    Saving *saving;

    if (order->live) {
        change = g_new0 (Change, 1);
        *change = (Change) { .call = call, .serial = domain->instance->serial, .order = *order,
                             .before = domain_def_copy (domain->def) };
        return begin (change, error);
    }
    saving = g_new0 (Saving, 1);
    *saving = (Saving) { call, order->affect, order->tell };
    job_yield (call->job);
    config_save (domain, NULL, order->config, only_saved, saving);
    return API_LATER;
}

DomainDef *
tune_edited (const DomainDef *def, TuneEdit edit, gconstpointer request, GError **error)
{
    g_autoptr (DomainDef) copy = domain_def_copy (def);

    if (!edit (copy, request, error) || !domain_def_judge (copy, &daemon_state.defaults, error))
        return NULL;
    return g_steal_pointer (&copy);
}

/* FALSE with error. */
static gboolean
fill_order (Domain *domain, TuneEdit edit, gconstpointer request, TuneOrder *order, GError **error)
{
    if ((order->affect & AFFECT_LIVE)
        && (!domain_cgroup (domain, error) || !(order->live = tune_edited (domain->def, edit, request, error))))
        return FALSE;
    if ((order->affect & AFFECT_CONFIG)
        && !(order->config = tune_edited (domain_config_def (domain), edit, request, error)))
        return FALSE;
    if (!order->live)
        return TRUE;
    order->forward = tune_work_new (domain->instance, domain->def, order->live, TRUE, error);
    if (order->forward)
        order->back = tune_work_new (domain->instance, order->live, domain->def, FALSE, error);
    return order->back != NULL;
}

ApiResult
tune_change (Call *call, Affect affect, TuneEdit edit, gconstpointer request, TuneTell tell, GError **error)
{
    TuneOrder order = { .affect = affect, .tell = tell };

    if (fill_order (call->domain, edit, request, &order, error))
        return tune_order_run (call, &order, error);
    order_clear (&order);
    return API_FAILED;
}
