/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/group_task.h"

typedef struct {
    Domain *domain;             /* a reference */
    guint64 serial;             /* of the instance */
    TaskDone done;
    gpointer data;
} Writer;

static void
written (gpointer result, GError *error, gpointer data)
{
    g_autofree Writer *writer = data;
    g_autoptr (Domain) domain = writer->domain;

    /* also one that ends: its group is removed once nobody writes */
    if (domain->instance && domain->instance->serial == writer->serial)
        domain->instance->writers--;
    writer->done (result, error, writer->data);
}

void
group_task (Instance *instance, const char *what, TaskRun run, gpointer input, GDestroyNotify free_input,
            TaskDone done, gpointer data)
{
    g_autofree char *owner = g_strconcat (instance->domain->def->name, "/", what, NULL);
    Writer *writer = g_new0 (Writer, 1);

    *writer = (Writer) { domain_ref (instance->domain), instance->serial, done, data };
    instance->writers++;
    task_run_waiting (owner, run, input, free_input, written, writer);
}

static gpointer
tune_run (gpointer data, GError **error)
{
    return tune_work_run (data, error) ? data : NULL;
}

static void
tune_free (gpointer data)
{
    tune_work_free (data);
}

void
group_tune (Instance *instance, TuneWork *work, TaskDone done, gpointer data)
{
    group_task (instance, "limits", tune_run, work, tune_free, done, data);
}
