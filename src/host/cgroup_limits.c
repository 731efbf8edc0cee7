/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits, freezing and killing: finds the hierarchy that serves, the rest is its version's. */
#include "host/cgroup_private.h"

#include "util/error.h"

CgroupHierarchy *
cgroup_serving (const Cgroup *c, CgroupControllers controller, GError **error)
{
    static const struct {
        CgroupControllers controller;
        const char *absent;
    } words[] = {
        { CGROUP_MEMORY, "cgroup memory controller is not mounted" },
        { CGROUP_CPU, "cgroup CPU controller is not mounted" },
        { CGROUP_CPUACCT, "cgroup CPUACCT controller is not mounted" },
        { CGROUP_CPUSET, "cgroup cpuset controller is not mounted" },
        { CGROUP_BLKIO, "blkio cgroup isn't mounted" },
        { CGROUP_PIDS, "cgroup pids controller is not mounted" },
        { CGROUP_DEVICES, "cgroup devices controller is not mounted" },
    };
    CgroupHierarchy *h = cgroup_hierarchy (controller);

    if (h && cgroup_has (c, h))
        return h;
    for (guint i = 0; i < G_N_ELEMENTS (words); i++)
        if (words[i].controller == controller)
            error_set (error, ERR_OPERATION_INVALID, "%s", words[i].absent);
    return NULL;
}

#define KILL_BUDGET 200         /* nested groups in one call on the main loop: some 10 ms */
#define ABSENT_FREEZER "cgroup freezer controller is not mounted"

gboolean
cgroup_set_memory (Cgroup *c, guint64 hard, guint64 swap_hard, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_MEMORY, error);

    return h && h->ops->set_memory (h, c, hard, swap_hard, error);
}

gboolean
cgroup_set_memory_soft (Cgroup *c, guint64 soft, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_MEMORY, error);

    return h && h->ops->set_memory_soft (h, c, soft, error);
}

gboolean
cgroup_get_memory (Cgroup *c, guint64 *hard, guint64 *soft, guint64 *swap_hard, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_MEMORY, error);

    return h && h->ops->get_memory (h, c, hard, soft, swap_hard, error);
}

gboolean
cgroup_memory_usage (const Cgroup *c, guint64 *usage, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_MEMORY, error);

    return h && h->ops->memory_usage (h, c, usage, error);
}

gboolean
cgroup_set_cpu_shares (Cgroup *c, guint64 shares, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_CPU, error);

    if (!h || !h->ops->set_shares (h, c, shares, error))
        return FALSE;
    cgroup_keep_cpu_shares (c, shares);
    return TRUE;
}

void
cgroup_keep_cpu_shares (Cgroup *c, guint64 shares)
{
    c->shares = shares;
}

gboolean
cgroup_get_cpu_shares (Cgroup *c, guint64 *shares, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_CPU, error);

    return h && h->ops->get_shares (h, c, shares, error);
}

gboolean
cgroup_set_cpu_cfs (Cgroup *c, guint64 period, gint64 quota, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_CPU, error);

    return h && h->ops->set_cfs (h, c, period, quota, error);
}

gboolean
cgroup_get_cpu_cfs (Cgroup *c, guint64 *period, gint64 *quota, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_CPU, error);

    return h && h->ops->get_cfs (h, c, period, quota, error);
}

gboolean
cgroup_set_cpuset (Cgroup *c, const char *cpus, const char *mems, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_CPUSET, error);

    return h && h->ops->set_cpuset (h, c, cpus, mems, error);
}

gboolean
cgroup_set_pids (Cgroup *c, guint64 max, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_PIDS, error);

    return h && h->ops->set_pids (h, c, max, error);
}

gboolean
cgroup_set_oom_group (Cgroup *c, GError **error)
{
    CgroupHierarchy *h = cgroup_hierarchy (CGROUP_MEMORY);
    int r;

    if (!h || !h->v2 || !cgroup_has (c, h))
        return TRUE;
    /* not of BASE, which has the controller in it, too */
    r = cgroup_write_try (h, c->base, "/guest", "memory.oom.group", "1");
    return r == 0 || r == -ENOENT || cgroup_error (error, h, c->base, "/guest", "memory.oom.group", -r, TRUE);
}

gboolean
cgroup_get_pids (const Cgroup *c, guint64 *max, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_PIDS, error);

    return h && cgroup_read_u64 (h, c->base, "", "pids.max", max, error);
}

gboolean
cgroup_cpu_usage (const Cgroup *c, guint64 *total_ns, guint64 *user_ns, guint64 *system_ns,
                  GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_CPUACCT, error);

    return h && h->ops->cpu_usage (h, c, total_ns, user_ns, system_ns, error);
}

GArray *
cgroup_cpu_usage_percpu (const Cgroup *c, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_CPUACCT, error);
    g_autofree char *text = NULL;
    g_auto (GStrv) numbers = NULL;
    GArray *usage;

    if (!h)
        return NULL;
    if (h->v2) {
        error_set (error, ERR_OPERATION_UNSUPPORTED, "per-CPU usage is not available on cgroup v2");
        return NULL;
    }
    text = cgroup_read_kept_long (h, c, "cpuacct.usage_percpu", error);
    if (!text)
        return NULL;
    usage = g_array_new (FALSE, FALSE, sizeof (guint64));
    numbers = g_strsplit (g_strstrip (text), " ", -1);
    for (guint i = 0; numbers[i]; i++) {
        guint64 ns = g_ascii_strtoull (numbers[i], NULL, 10);

        g_array_append_val (usage, ns);
    }
    return usage;
}

gboolean
cgroup_set_blkio_weight (Cgroup *c, guint weight, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_BLKIO, error);

    return h && h->ops->set_blkio_weight (h, c, weight, error);
}

gboolean
cgroup_set_blkio_device (Cgroup *c, const CgroupBlkio *rule, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_BLKIO, error);

    return h && h->ops->set_blkio_device (h, c, rule, error);
}

gboolean
cgroup_set_devices (Cgroup *c, const CgroupDeviceRule *rules, guint n, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_DEVICES, error);

    return h && h->ops->set_devices (h, c, rules, n, error);
}

/* ---- the core hierarchy */

static CgroupHierarchy *
core_of (const Cgroup *c)
{
    CgroupHierarchy *h = cgroup_host.core;

    return h && cgroup_has (c, h) ? h : NULL;
}

gboolean
cgroup_freeze (Cgroup *c, gboolean frozen, GError **error)
{
    CgroupHierarchy *h = core_of (c);

    if (!h)
        return error_set (error, ERR_OPERATION_INVALID, ABSENT_FREEZER);
    return h->ops->freeze (h, c, frozen, error);
}

gboolean
cgroup_frozen (Cgroup *c, gboolean *frozen, GError **error)
{
    CgroupHierarchy *h = core_of (c);

    if (!h)
        return error_set (error, ERR_OPERATION_INVALID, ABSENT_FREEZER);
    return h->ops->frozen (h, c, frozen, error);
}

/* Also of a freezer that is not the core's: a guest that may mount it can have frozen groups of its own there, and
 * version 1 lets nothing die that is frozen. Killed first, so that they do nothing before that. */
static gboolean
kill_within (Cgroup *c, guint *budget, GError **error)
{
    CgroupHierarchy *h = core_of (c), *freezer = cgroup_hierarchy (CGROUP_FREEZER);
    gboolean killed = !h || h->ops->kill (h, c, budget, error);

    if (freezer && freezer != h && !freezer->v2 && cgroup_has (c, freezer))
        cgroup_v1_thaw (freezer, c->base, budget);
    return killed;
}

gboolean
cgroup_kill (Cgroup *c, gboolean *ret_many, GError **error)
{
    guint budget = KILL_BUDGET;
    gboolean killed = kill_within (c, &budget, error);

    if (ret_many)
        *ret_many = budget == 0;
    return killed;
}

gboolean
cgroup_populated (Cgroup *c, gboolean *ret_many)
{
    CgroupHierarchy *h = core_of (c);
    guint budget = KILL_BUDGET;
    gboolean populated = h && h->ops->populated (h, c, &budget);

    if (ret_many)
        *ret_many = populated && budget == 0;
    return populated;
}

gboolean
cgroup_kill_many (Cgroup *copy)
{
    CgroupHierarchy *h = core_of (copy);
    guint budget = G_MAXUINT;

    kill_within (copy, &budget, NULL);
    budget = G_MAXUINT;
    return !h || !h->ops->populated (h, copy, &budget);
}
