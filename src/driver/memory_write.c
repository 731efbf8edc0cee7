/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/memory_write.h"

#include "driver/instance.h"
#include "util/task.h"

typedef struct {
    Cgroup *cgroup;
    MemoryLimits before, wanted;
} Input;

typedef struct {
    Call *call;
    guint64 serial;             /* of the instance whose group is written */
    MemoryWritten done;
    gpointer data;
} Waiter;

gboolean
memory_limits_read (Cgroup *cgroup, MemoryLimits *ret, GError **error)
{
    return cgroup_get_memory (cgroup, &ret->hard, &ret->soft, &ret->swap_hard, error);
}

static void
input_free (gpointer data)
{
    Input *input = data;

    cgroup_free (input->cgroup);
    g_free (input);
}

static gpointer
write_limits (gpointer data, GError **error)
{
    Input *input = data;
    const MemoryLimits *before = &input->before, *wanted = &input->wanted;
    g_autofree MemoryLimits *after = g_new0 (MemoryLimits, 1);

    if ((wanted->hard != before->hard || wanted->swap_hard != before->swap_hard)
        && !cgroup_set_memory (input->cgroup, wanted->hard, wanted->swap_hard, error))
        return NULL;
    if (wanted->soft != before->soft
        && !cgroup_set_memory_soft (input->cgroup, wanted->soft, error)) {
        cgroup_set_memory (input->cgroup, before->hard, before->swap_hard, NULL);
        return NULL;
    }
    if (!memory_limits_read (input->cgroup, after, error))
        return NULL;
    return g_steal_pointer (&after);
}

static void
limits_written (gpointer result, GError *error, gpointer data)
{
    g_autofree Waiter *waiter = data;
    g_autofree MemoryLimits *after = result;
    Call *call = waiter->call;
    Instance *instance = call->domain->instance;
    gboolean same = instance && instance->serial == waiter->serial;
    GError *failure = NULL;

    if (same)
        instance->writers--;
    /* active it is until the last step is undone */
    if (!same || !domain_active (call->domain)
        || (instance->phase != PHASE_RUNNING && instance->phase != PHASE_KEPT)) {
        g_clear_pointer (&after, g_free);
        error_set_from (&failure, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
    } else if (error) {
        failure = g_error_copy (error);
    }
    if (waiter->done (call, after, waiter->data, failure ? NULL : &failure))
        call_done (call);
    else
        call_failed (call, failure);
}

void
memory_limits_write (Call *call, const MemoryLimits *before, const MemoryLimits *wanted,
                     MemoryWritten done, gpointer data)
{
    Input *input = g_new0 (Input, 1);
    Waiter *waiter = g_new0 (Waiter, 1);
    g_autofree char *owner = g_strconcat (call->domain->def->name, "/memory", NULL);

    input->cgroup = cgroup_copy (call->domain->instance->cgroup);
    input->before = *before;
    input->wanted = *wanted;
    waiter->call = call;
    waiter->serial = call->domain->instance->serial;
    waiter->done = done;
    waiter->data = data;
    call->domain->instance->writers++;
    job_yield (call->job);
    /* the kernel takes back what is above the new limit: as long as that takes, others do not wait */
    task_run_waiting (owner, write_limits, input, input_free, limits_written, waiter);
}
