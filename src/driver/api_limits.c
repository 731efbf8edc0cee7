/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits as they are wanted and as the kernel has them: where the two differ, something has drifted. */
#include "driver/api.h"
#include "driver/tune.h"

typedef struct {
    GArray *limits;             /* of skep_limit */
    const DomainDef *def;
    Cgroup *cgroup;             /* NULL: not running */
} LimitList;

/* Takes @wanted and @effective; NULL is "". */
static void
add (LimitList *list, const char *name, char *wanted, char *effective)
{
    skep_limit limit = { g_strdup (name), wanted ? wanted : g_strdup (""),
                         effective ? g_strchomp (effective) : g_strdup ("") };

    g_array_append_val (list->limits, limit);
}

static char *
number (guint64 value)
{
    return g_strdup_printf ("%" G_GUINT64_FORMAT, value);
}

static char *
kib (guint64 value)
{
    return value >= MEMORY_UNLIMITED ? g_strdup ("unlimited") : number (value);
}

static char *
kib_of_bytes (guint64 bytes)
{
    return kib (bytes == CGROUP_UNLIMITED ? MEMORY_UNLIMITED : bytes / 1024);
}

static void
add_memory (LimitList *list)
{
    const DomainMemtune *tune = &list->def->memtune;
    guint64 hard, soft, swap;
    gboolean known = list->cgroup && cgroup_get_memory (list->cgroup, &hard, &soft, &swap, NULL);

    add (list, "memory.limit", kib (tune_memory (list->def)), known ? kib_of_bytes (hard) : NULL);
    add (list, "memory.soft_limit", tune->soft_limit_set ? kib (tune->soft_limit) : NULL,
         known ? kib_of_bytes (soft) : NULL);
    add (list, "memory.swap_limit", tune->swap_hard_limit_set ? kib (tune->swap_hard_limit) : NULL,
         known ? kib_of_bytes (swap) : NULL);
}

static void
add_cpu (LimitList *list)
{
    const DomainCputune *tune = &list->def->cputune;
    guint64 shares = 0, period = 0;
    gint64 quota = 0;
    gboolean has_shares = list->cgroup && cgroup_get_cpu_shares (list->cgroup, &shares, NULL);
    gboolean has_cfs = list->cgroup && cgroup_get_cpu_cfs (list->cgroup, &period, &quota, NULL);

    add (list, "cpu.shares", tune->shares_set ? number (tune->shares) : NULL,
         has_shares ? number (shares) : NULL);
    add (list, "cpu.period", tune->period ? number (tune->period) : NULL, has_cfs ? number (period) : NULL);
    add (list, "cpu.quota", !tune->quota ? NULL : tune->quota < 0 ? g_strdup ("unlimited")
                                                : number ((guint64) tune->quota),
         !has_cfs ? NULL : quota < 0 ? g_strdup ("unlimited") : number ((guint64) quota));
    add (list, "cpu.cpus", tune_cpus (list->def),
         list->cgroup ? cgroup_effective_cpus (list->cgroup, NULL) : NULL);
    add (list, "numa.nodes", g_strdup (tune_nodes (list->def)),
         list->cgroup ? cgroup_effective_mems (list->cgroup, NULL) : NULL);
}

static void
add_others (LimitList *list)
{
    guint64 pids = 0, wanted = tune_pids (list->def);
    guint weight = 0;
    gboolean has_pids = list->cgroup && cgroup_get_pids (list->cgroup, &pids, NULL);
    gboolean has_weight = list->cgroup && cgroup_get_blkio_weight (list->cgroup, &weight, NULL) && weight;

    add (list, "pids.max", wanted ? number (wanted) : NULL,
         !has_pids ? NULL : pids == CGROUP_UNLIMITED ? g_strdup ("unlimited") : number (pids));
    add (list, "blkio.weight", list->def->blkiotune.weight ? number (list->def->blkiotune.weight) : NULL,
         has_weight ? number (weight) : NULL);
}

ApiResult
api_skep_domain_get_limits (Call *call, const skep_domain_get_limits_args *in,
                            skep_domain_get_limits_ret *out, GError **error)
{
    LimitList list = { .limits = g_array_new (FALSE, TRUE, sizeof (skep_limit)), .def = call->domain->def,
                       .cgroup = domain_cgroup (call->domain, NULL) };

    (void) in;
    (void) error;
    add_memory (&list);
    add_cpu (&list);
    add_others (&list);
    out->limits.limits_len = list.limits->len;
    out->limits.limits_val = (skep_limit *) (void *) g_array_free (list.limits, FALSE);
    return API_DONE;
}
