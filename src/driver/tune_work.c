/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits on their way into a control group, by any thread. What the kernel makes of them otherwise is told. */
#include "driver/tune_work.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "util/error.h"
#include "util/log.h"

TuneWork *
tune_work_empty (const Instance *instance)
{
    TuneWork *work = g_new0 (TuneWork, 1);

    work->cgroup = cgroup_copy (instance->cgroup);
    work->name = g_strdup (instance->domain->def->name);
    work->rules = g_array_new (FALSE, TRUE, sizeof (CgroupBlkio));
    return work;
}

void
tune_work_free (TuneWork *work)
{
    if (!work)
        return;
    cgroup_free (work->cgroup);
    g_free (work->name);
    g_free (work->cpus);
    g_free (work->mems);
    g_free (work->wanted);
    g_array_unref (work->rules);
    g_free (work);
}

gboolean
tune_work_needed (const TuneWork *work)
{
    return work->cpus || work->mems || work->set_weight || work->rules->len > 0 || work->set_memory
           || work->set_soft || work->set_shares || work->set_cfs;
}

gboolean
tune_work_devices (const TuneWork *work)
{
    return work->rules->len > 0;
}

/* ---- CPUs */

/* What the kernel really gives, where it is less than what was asked. */
static void
compare_cpus (const TuneWork *work)
{
    g_autofree char *effective = cgroup_effective_cpus (work->cgroup, NULL);

    if (effective && strcmp (g_strstrip (effective), work->wanted) != 0)
        log_warning ("domain '%s': of the CPUs %s the kernel gives %s", work->name, work->wanted, effective);
}

static gboolean
write_cpus (const TuneWork *work, GError **error)
{
    if ((work->cpus || work->mems) && !cgroup_set_cpuset (work->cgroup, work->cpus, work->mems, error))
        return FALSE;
    if (work->wanted)
        compare_cpus (work);
    return TRUE;
}

static gboolean
write_sched (TuneWork *work, GError **error)
{
    SchedLimits *sched = &work->sched;

    if (work->set_shares
        && (!cgroup_set_cpu_shares (work->cgroup, sched->shares, error)
            || !cgroup_get_cpu_shares (work->cgroup, &sched->shares, error)))
        return FALSE;
    return !work->set_cfs
           || (cgroup_set_cpu_cfs (work->cgroup, sched->period, sched->quota, error)
               && cgroup_get_cpu_cfs (work->cgroup, &sched->period, &sched->quota, error));
}

/* ---- memory */

gboolean
tune_memory_read (Cgroup *cgroup, MemoryLimits *ret, GError **error)
{
    return cgroup_get_memory (cgroup, &ret->hard, &ret->soft, &ret->swap_hard, error);
}

void
tune_work_memory (TuneWork *work, const MemoryLimits *before, const MemoryLimits *wanted)
{
    work->memory = *wanted;
    work->set_memory = wanted->hard != before->hard || wanted->swap_hard != before->swap_hard;
    work->set_soft = wanted->soft != before->soft;
}

static gboolean
write_memory (TuneWork *work, GError **error)
{
    MemoryLimits *memory = &work->memory;

    if ((work->set_memory && !cgroup_set_memory (work->cgroup, memory->hard, memory->swap_hard, error))
        || (work->set_soft && !cgroup_set_memory_soft (work->cgroup, memory->soft, error)))
        return FALSE;
    return (!work->set_memory && !work->set_soft) || tune_memory_read (work->cgroup, memory, error);
}

/* ---- block devices */

gboolean
tune_rule_same (const CgroupBlkio *one, const CgroupBlkio *two)
{
    return one->weight == two->weight && one->rbps == two->rbps && one->wbps == two->wbps
           && one->riops == two->riops && one->wiops == two->wiops;
}

char *
tune_rule_text (const CgroupBlkio *rule)
{
    const struct {
        const char *name;
        guint64 value;
    } parts[] = {
        { "weight", rule->weight }, { "read_bytes_sec", rule->rbps }, { "write_bytes_sec", rule->wbps },
        { "read_iops_sec", rule->riops }, { "write_iops_sec", rule->wiops },
    };
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
        if (parts[i].value)
            g_string_append_printf (text, "%s%s=%" G_GUINT64_FORMAT, text->len ? " " : "", parts[i].name,
                                    parts[i].value);
    return g_string_free (text, FALSE);
}

static gboolean
write_rule (const TuneWork *work, const CgroupBlkio *rule, GError **error)
{
    const CgroupBlkio none = { 0 };
    g_autofree char *asked = NULL, *got = NULL;
    g_autoptr (GError) failure = NULL;
    CgroupBlkio now;

    if (!cgroup_set_blkio_device (work->cgroup, rule, &failure)) {
        /* the limits of a device that has vanished went with it */
        if (tune_rule_same (rule, &none) && error_errno (failure) == ENODEV)
            return TRUE;
        g_propagate_error (error, g_steal_pointer (&failure));
        return FALSE;
    }
    if (!cgroup_get_blkio_device (work->cgroup, rule->device, &now, error))
        return FALSE;
    if (tune_rule_same (rule, &now))
        return TRUE;
    asked = tune_rule_text (rule);
    got = tune_rule_text (&now);
    log_warning ("domain '%s': of the limits %s of block device %u:%u the kernel made %s", work->name, asked,
                 major (rule->device), minor (rule->device), got);
    return TRUE;
}

static void
compare_weight (const TuneWork *work)
{
    guint weight = 0;

    if (work->weight && cgroup_get_blkio_weight (work->cgroup, &weight, NULL) && weight != work->weight)
        log_warning ("domain '%s': of the weight %u of block devices the kernel made %u", work->name,
                     work->weight, weight);
}

static gboolean
write_blocks (const TuneWork *work, GError **error)
{
    if (work->set_weight) {
        if (!cgroup_set_blkio_weight (work->cgroup, work->weight, error))
            return FALSE;
        compare_weight (work);
    }
    for (guint i = 0; i < work->rules->len; i++)
        if (!write_rule (work, &g_array_index (work->rules, CgroupBlkio, i), error))
            return FALSE;
    return TRUE;
}

gboolean
tune_work_run (TuneWork *work, GError **error)
{
    return write_cpus (work, error) && write_sched (work, error) && write_memory (work, error)
           && write_blocks (work, error);
}
