/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of cputune, iothreads, numatune, blkiotune. */
#include "conf/domain_check.h"
#include "conf/passive.h"

static gboolean
check_quota (Check *check, const char *kind, guint64 period, gint64 quota)
{
    g_autofree char *path = NULL;

    if (period && (period < 1000 || period > 1000000)) {
        path = g_strdup_printf ("/domain/cputune/%speriod", kind);
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                           "Value of cputune '%speriod' must be in range [1000, 1000000]", kind);
    }
    if (quota > 0 && (quota < 1000 || quota > G_GINT64_CONSTANT (17592186044415))) {
        path = g_strdup_printf ("/domain/cputune/%squota", kind);
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                           "Value of cputune '%squota' must be in range [1000, 17592186044415]",
                           kind);
    }
    return TRUE;
}

static gboolean
check_quotas (Check *check)
{
    const DomainCputune *tune = &check->def->cputune;

    if (tune->shares_set && (tune->shares < 2 || tune->shares > 262144))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/cputune/shares", 0,
                           "Value of cputune 'shares' must be in range [2, 262144]");
    return check_quota (check, "", tune->period, tune->quota)
        && check_quota (check, "global_", tune->global.period, tune->global.quota)
        && check_quota (check, "emulator_", tune->emulator.period, tune->emulator.quota)
        && check_quota (check, "iothread_", tune->iothread.period, tune->iothread.quota);
}

static gboolean
check_iothreads (Check *check)
{
    const GPtrArray *threads = check->def->iothread_ids;
    g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

    for (guint i = 0; i < threads->len; i++) {
        const IothreadDef *one = g_ptr_array_index (threads, i);

        if (!g_hash_table_add (seen, GUINT_TO_POINTER (one->id)))
            return check_fail (check, ERR_XML, "/domain/iothreadids", 0,
                               "duplicate iothread id '%u' found", one->id);
    }
    return TRUE;
}

static gboolean
check_pool (Check *check, gint64 min, gint64 max, const char *path, guint index)
{
    if (max == 0)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "thread_pool_max must be a positive integer");
    if (min > max)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "thread_pool_min must be smaller or equal to thread_pool_max");
    return TRUE;
}

gboolean
check_pools (Check *check)
{
    const GPtrArray *threads = check->def->iothread_ids;
    const PassiveNode *others = passive_find_element (check->def->passive, "defaultiothread");

    for (guint i = 0; i < threads->len; i++) {
        const IothreadDef *one = g_ptr_array_index (threads, i);

        if (!check_pool (check, one->pool_min, one->pool_max, "/domain/iothreadids/iothread", i + 1))
            return FALSE;
    }
    return check_pool (check, passive_number (others, "thread_pool_min", -1),
                       passive_number (others, "thread_pool_max", -1), "/domain/defaultiothread", 0);
}

/* @attr names the ids: vcpus, iothreads. */
static gboolean
check_scheds (Check *check, const GPtrArray *scheds, const char *path, const char *attr)
{
    const char *element = strrchr (path, '/') + 1;

    for (guint i = 0; i < scheds->len; i++) {
        const SchedDef *sched = g_ptr_array_index (scheds, i);

        if (i && g_str_equal (((SchedDef *) g_ptr_array_index (scheds, i - 1))->ids, sched->ids))
            return check_fail (check, ERR_XML_DETAIL, path, 0,
                               "'%s' attributes '%s' must not overlap", element, attr);
    }
    return check_length (check, scheds, path);
}

static gboolean
check_numatune (Check *check)
{
    const DomainNumatune *tune = &check->def->numatune;

    if (tune->set && tune->placement == PLACEMENT_STATIC && !tune->nodeset)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/numatune/memory", 0,
                           "nodeset for NUMA memory tuning must be set if 'placement' is "
                           "'static'");
    return TRUE;
}

gboolean
check_tune (Check *check)
{
    const DomainCputune *tune = &check->def->cputune;

    return check_iothreads (check) && check_numatune (check)
        && check_scheds (check, tune->vcpuscheds, "/domain/cputune/vcpusched", "vcpus")
        && check_scheds (check, tune->iothreadscheds, "/domain/cputune/iothreadsched",
                         "iothreads");
}

static gboolean
check_blkio (Check *check)
{
    const GPtrArray *devices = check->def->blkiotune.devices;

    for (guint i = 0; i < devices->len; i++)
        for (guint j = i + 1; j < devices->len; j++) {
            const BlkioDevice *one = g_ptr_array_index (devices, i),
                              *two = g_ptr_array_index (devices, j);

            if (g_str_equal (one->path, two->path))
                return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/blkiotune/device",
                                   j + 1, "duplicate blkio device path '%s'", one->path);
        }
    return TRUE;
}

gboolean
check_limits (Check *check)
{
    return check_quotas (check) && check_blkio (check);
}
