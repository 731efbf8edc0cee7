/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A change of limits, or of what is only kept. Order: copies are edited and judged; a note of what there was, in the
 * status file; the emulator's CPUs, which are set at once; the control group, by a task to which a destroy need not
 * wait; the saved definition, which can be put back; the live one with the status file, in which the note is gone.
 * What fails puts back what came before it; should the daemon die, the next one does (tune_recover.c).
 */
#include "driver/daemon.h"
#include "driver/device_change.h"
#include "driver/fault.h"
#include "driver/store.h"
#include "driver/tune_note.h"
#include "driver/tune_work.h"
#include "util/log.h"
#include "util/task.h"

typedef struct {
    Call *call;
    guint64 serial;             /* of the instance whose group is written */
    TuneOrder order;
    DomainDef *before;          /* the live one as it was */
    DomainDef *saved;           /* the same of the saved one; NULL: stays */
    char *saved_text;           /* by which that is known */
    gboolean noted;
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

/* ---- what is saved */

/* Tests make it fail, or this daemon end. */
static gboolean
passes (const Change *change, const char *step, FaultPlace place, GError **error)
{
    return !fault_here (step, place, change->call->domain->instance->pid)
           || error_set (error, ERR_INTERNAL, "%s: made to fail", step);
}

/* The saved definition is now @change's: becomes the one from before. */
static void
put_back_saved (Change *change, const char *text)
{
    g_autoptr (GError) error = NULL;

    if (change->saved
        && !device_replace_config (change->call->domain, text, g_steal_pointer (&change->saved), &error))
        log_error ("domain '%s': its saved definition could not be put back: %s", change->before->name,
                   error->message);
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

static gboolean
take_both (Change *change, GError **error)
{
    Domain *domain = change->call->domain;
    g_autofree char *text = NULL;

    if (!passes (change, "limits-write", FAULT_AFTER, error))
        return FALSE;
    if (change->order.config
        && !device_replace_config (domain, change->saved_text, g_steal_pointer (&change->order.config), error))
        return FALSE;
    text = change->saved ? device_config_text (domain) : NULL;
    if (take_live (change, error))
        return TRUE;
    put_back_saved (change, text);
    return FALSE;
}

/* ---- the control group */

static void
emulator_back (const Change *change)
{
    if (!tune_emulator (change->call->domain->instance, change->order.live, change->before, NULL))
        log_error ("domain '%s': the CPUs of its controller could not be put back", change->before->name);
}

/* Takes @forward. */
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

/* Also of one that ends: its group is removed once nobody writes. */
static void
writer_gone (const Change *change)
{
    if (same_instance (change))
        change->call->domain->instance->writers--;
}

static void
back_written (gpointer result, GError *error, gpointer data)
{
    g_autoptr (TuneWork) work = result;
    Change *change = data;

    writer_gone (change);
    if (!work)
        log_error ("domain '%s': its limits could not be put back: %s", change->before->name, error->message);
    change_failed (change);
}

static void
written (gpointer result, GError *error, gpointer data)
{
    g_autoptr (TuneWork) work = result;
    Change *change = data;
    const TuneOrder *order = &change->order;

    writer_gone (change);
    if (!still_there (change)) {
        error_set_from (&change->error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
        change_failed (change);
        return;
    }
    if (!work) {
        change->error = g_error_copy (error);
        emulator_back (change);
        change_failed (change);
        return;
    }
    if (order->take)
        order->take (change->call, order->live, work);
    if (take_both (change, &change->error)) {
        Call *call = change->call;

        if (order->tell)
            order->tell (call, order->affect);
        change_free (change);
        call_done (call);
        return;
    }
    emulator_back (change);
    group_write (change, g_steal_pointer (&change->order.back), NULL, back_written);
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
        change->saved_text = device_config_text (domain);
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
    if (tune_work_needed (order->forward)) {
        job_yield (call->job);
        group_write (change, g_steal_pointer (&order->forward), order->back, written);
        return API_LATER;
    }
    if (order->take)
        order->take (call, order->live, order->forward);
    if (!take_both (change, &change->error)) {
        emulator_back (change);
        g_propagate_error (error, change_end (change));
        return API_FAILED;
    }
    if (order->tell)
        order->tell (call, order->affect);
    change_free (change);
    return API_DONE;
}

ApiResult
tune_order_run (Call *call, const TuneOrder *order, GError **error)
{
    Domain *domain = call->domain;
    Change *change;

    if (order->live) {
        change = g_new0 (Change, 1);
        *change = (Change) { .call = call, .serial = domain->instance->serial, .order = *order,
                             .before = domain_def_copy (domain->def) };
        return begin (change, error);
    }
    if (!device_save_config (domain, order->config, error))
        return API_FAILED;
    if (order->tell)
        order->tell (call, order->affect);
    return API_DONE;
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
