/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The step of a start that labels: what to run as is decided here, by the security driver; a driver that
 * must tell the kernel first (AppArmor's profiles) does so in a task. Undo takes that back.
 */
#include <string.h>

#include "driver/daemon.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "security/audit.h"
#include "util/error.h"
#include "util/log.h"
#include "util/task.h"
#include "util/text.h"

gboolean
labels_needed (Instance *instance)
{
    return instance->domain->def->seclabels->len > 0 || daemon_state.settings->security_default_confined
           || daemon_state.settings->security_require_confined;
}

static gboolean
is_confining (const LabelDriver *driver)
{
    return driver && strcmp (driver->model, "none") != 0;
}

/* ---- what the container runs as */

/* A domain that says nothing is confined where lxc.conf says so. */
static void
add_default_label (DomainDef *def, const LabelDriver *driver)
{
    SeclabelDef *label;

    if (def->seclabels->len > 0 || !is_confining (driver)
        || !daemon_state.settings->security_default_confined)
        return;
    label = g_new0 (SeclabelDef, 1);
    label->type = SECLABEL_DYNAMIC;
    label->model = g_strdup (driver->model);
    label->relabel = YES_NO_YES;
    g_ptr_array_add (def->seclabels, label);
}

static gboolean
generate_label (DomainDef *def, SeclabelDef *label, const LabelDriver *driver, GError **error)
{
    const char *model = label->model ? label->model : driver->model;

    if (label->type == SECLABEL_NONE && daemon_state.settings->security_require_confined)
        return error_set (error, ERR_CONFIG_UNSUPPORTED,
                          "Unconfined guests are not allowed on this host");
    if (strcmp (model, driver->model) != 0) {
        if (label->type == SECLABEL_NONE)
            return TRUE;    /* nothing is asked of a driver that is not there */
        return error_set (error, ERR_CONFIG_UNSUPPORTED,
                          "Security driver model '%s' is not available", model);
    }
    if (!is_confining (driver) || !driver->generate)
        return TRUE;
    return driver->generate (def, label, error);
}

static gboolean
generate_labels (Instance *instance, const LabelDriver *driver, GError **error)
{
    DomainDef *def = instance->domain->def;
    const char *options = NULL;

    add_default_label (def, driver);
    if (def->seclabels->len == 0 && daemon_state.settings->security_require_confined)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "Unconfined guests are not allowed on this host");
    for (guint i = 0; i < def->seclabels->len; i++) {
        SeclabelDef *label = def->seclabels->pdata[i];

        if (!generate_label (def, label, driver, error))
            return FALSE;
        if (is_confining (driver) && driver->mount_options && label->type != SECLABEL_NONE)
            options = driver->mount_options (label);
    }
    text_replace (&instance->label_options, options);
    return TRUE;
}

void
labels_recover (DomainDef *def, pid_t init)
{
    const LabelDriver *driver = daemon_state.labels;

    if (!is_confining (driver) || init <= 0)
        return;
    add_default_label (def, driver);
    for (guint i = 0; i < def->seclabels->len; i++) {
        SeclabelDef *label = def->seclabels->pdata[i];
        gboolean enforcing;

        if (label->type != SECLABEL_DYNAMIC || label->label
            || (label->model && strcmp (label->model, driver->model) != 0))
            continue;
        if (!label->model)
            label->model = g_strdup (driver->model);
        driver->process_label ((int) init, &label->label, &enforcing, NULL);
    }
}

/* ---- what the kernel must know first */

typedef struct {
    const LabelDriver *driver;
    GPtrArray *labels;          /* of SeclabelDef, copies of type and label */
} LabelWork;

static void
label_copy_free (gpointer data)
{
    SeclabelDef *copy = data;

    g_free (copy->label);
    g_free (copy);
}

static void
work_free (gpointer data)
{
    LabelWork *work = data;

    g_ptr_array_unref (work->labels);
    g_free (work);
}

static LabelWork *
work_new (const LabelDriver *driver)
{
    LabelWork *work = g_new0 (LabelWork, 1);

    work->driver = driver;
    work->labels = g_ptr_array_new_with_free_func (label_copy_free);
    return work;
}

static void
work_add (LabelWork *work, const SeclabelDef *label)
{
    SeclabelDef *copy = g_new0 (SeclabelDef, 1);

    copy->type = label->type;
    copy->label = g_strdup (label->label);
    g_ptr_array_add (work->labels, copy);
}

/* The instance may have been given up when its task ends; its undo waits for it nevertheless, as long as
 * undoing may take. */
typedef struct {
    Domain *domain;
    guint64 serial;
    LabelWork *work;            /* a copy, to take it back */
} LabelWaiter;

static gpointer unload_run (gpointer data, GError **error);
static void unload_done (gpointer result, GError *error, gpointer data);

static gpointer
load_run (gpointer data, GError **error)
{
    const LabelWork *work = data;

    for (guint i = 0; i < work->labels->len; i++)
        if (!work->driver->load (work->labels->pdata[i], error))
            return NULL;
    return work->labels;        /* that is: not NULL */
}

static void
load_done (gpointer result, GError *error, gpointer data)
{
    LabelWaiter *waiter = data;
    Instance *instance = waiter->domain->instance;

    if (instance && instance->serial == waiter->serial) {
        instance->labels_loading = FALSE;
        if (instance->phase == PHASE_STARTING)
            audit_labels (waiter->domain->def, result != NULL);
        if (instance->phase == PHASE_STARTING && !result)
            instance_fail (instance, g_error_copy (error));
        else
            instance_resume (instance);
    } else if (result && !instance) {
        /* nobody waits any more, and no later start uses the same */
        task_run (unload_run, g_steal_pointer (&waiter->work), work_free, unload_done, NULL);
    }
    if (waiter->work)
        work_free (waiter->work);
    domain_unref (waiter->domain);
    g_free (waiter);
}

StepResult
step_labels (Instance *instance, GError **error)
{
    const LabelDriver *driver = daemon_state.labels;
    const DomainDef *def = instance->domain->def;
    LabelWaiter *waiter;
    LabelWork *work, *back;

    if (!generate_labels (instance, driver, error)) {
        audit_labels (def, FALSE);
        return STEP_FAILED;
    }
    work = work_new (driver);
    back = work_new (driver);
    for (guint i = 0; driver->load && i < def->seclabels->len; i++) {
        const SeclabelDef *label = def->seclabels->pdata[i];

        if (label->label)
            work_add (work, label);
        if (label->label && label->type == SECLABEL_DYNAMIC)
            work_add (back, label);
    }
    if (work->labels->len == 0) {
        work_free (work);
        work_free (back);
        audit_labels (def, TRUE);
        return STEP_DONE;
    }
    /* the labels are in the status file before the kernel has them, for a daemon that must undo this */
    if (!store_save_status (instance->domain, error)) {
        work_free (work);
        work_free (back);
        return STEP_FAILED;
    }
    waiter = g_new0 (LabelWaiter, 1);
    waiter->domain = domain_ref (instance->domain);
    waiter->serial = instance->serial;
    waiter->work = back;
    instance->labels_loading = TRUE;
    task_run (load_run, work, work_free, load_done, waiter);
    return STEP_WAIT;
}

/* ---- undo */

static gpointer
unload_run (gpointer data, GError **error)
{
    const LabelWork *work = data;
    gboolean ok = TRUE;

    for (guint i = 0; i < work->labels->len; i++)
        ok = work->driver->unload (work->labels->pdata[i], ok ? error : NULL) && ok;
    return NULL;
}

static void
unload_done (gpointer result, GError *error, gpointer data)
{
    Instance *instance = data ? instance_redeem (data) : NULL;

    (void) result;
    if (error)
        log_warning ("%s", error->message);
    if (instance)
        instance_resume (instance);
}

/* A restart of the same definition gets another label, so this one leaves it. */
StepResult
undo_labels (Instance *instance)
{
    const DomainDef *def = instance->domain->def;
    LabelWork *work = NULL;

    if (instance->labels_loading)
        return STEP_WAIT;
    for (guint i = 0; i < def->seclabels->len; i++) {
        SeclabelDef *label = def->seclabels->pdata[i];
        /* not the daemon's of now: it may have another since a restart with other settings */
        const LabelDriver *driver = label->model ? label_driver_open (label->model, NULL) : NULL;

        if (!is_confining (driver) || label->type != SECLABEL_DYNAMIC || !label->label)
            continue;
        if (driver->release)
            driver->release (label);
        if (driver->unload) {
            work = work ? work : work_new (driver);
            work_add (work, label);
        }
        g_clear_pointer (&label->label, g_free);
        g_clear_pointer (&label->imagelabel, g_free);
    }
    if (!work)
        return STEP_DONE;
    task_run (unload_run, work, work_free, unload_done, instance_ticket (instance));
    return STEP_WAIT;
}
