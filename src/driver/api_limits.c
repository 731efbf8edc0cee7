/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits as they are wanted and as the kernel has them: where the two differ, something has drifted. */
#include <sys/sysmacros.h>

#include "driver/api.h"
#include "driver/device_update.h"
#include "driver/tune.h"
#include "util/task.h"

typedef struct {
    GArray *limits;             /* of skep_limit */
    const DomainDef *def;
    Cgroup *cgroup;             /* NULL: not running */
} LimitList;

/* Takes @wanted and @effective; NULL is "". */
static void
add (LimitList *list, const char *name, char *wanted, char *effective)
{
    skep_limit limit;

    if (list->limits->len == SKEP_LIMITS_MAX) {
        g_free (wanted);
        g_free (effective);
        return;
    }
    limit = (skep_limit) { g_strdup (name), wanted ? wanted : g_strdup (""),
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
    return kib (tune_kib (bytes));
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

/* Devices that the definition has limits for. */
static void
add_blocks (LimitList *list, const Domain *domain)
{
    g_autoptr (GArray) rules = NULL;

    if (!list->cgroup)
        return;
    rules = tune_block_rules (domain->instance, list->def);
    for (guint i = 0; i < rules->len; i++) {
        const CgroupBlkio *rule = &g_array_index (rules, CgroupBlkio, i);
        g_autofree char *name = g_strdup_printf ("blkio.%u:%u", major (rule->device), minor (rule->device));
        CgroupBlkio now = { 0 };
        gboolean known = cgroup_get_blkio_device (list->cgroup, rule->device, &now, NULL);

        add (list, name, tune_rule_text (rule), known ? tune_rule_text (&now) : NULL);
    }
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

/* ---- bandwidth: the kernel's part is read by a task, since links that come and go hold it up */

typedef struct {
    char *name;
    LinkRate to_guest, from_guest;
} NetLimit;

static void
net_limit_clear (gpointer data)
{
    g_free (((NetLimit *) data)->name);
}

static void
nets_free (gpointer nets)
{
    g_array_unref (nets);
}

/* Of NetLimit: the interfaces with an end on the host that have limits, as many as there is @room for. */
static GArray *
limited_nets (const DomainDef *def, guint room)
{
    GArray *nets = g_array_new (FALSE, TRUE, sizeof (NetLimit));

    g_array_set_clear_func (nets, net_limit_clear);
    for (guint i = 0; i < def->nets->len && nets->len < room / 2; i++) {
        const NetDef *net = def->nets->pdata[i];
        NetLimit limit = { NULL, { 0 }, { 0 } };

        if (!net->ifname || (!net->inbound.average && !net->outbound.average))
            continue;
        limit.name = g_strdup (net->ifname);
        device_net_rates (net, &limit.to_guest, &limit.from_guest);
        g_array_append_val (nets, limit);
    }
    return nets;
}

static char *
rate_text (const LinkRate *rate)
{
    guint64 peak = MAX (rate->peak, rate->average);

    if (rate->average == 0)
        return g_strdup ("unlimited");
    return peak == rate->average
               ? g_strdup_printf ("average=%" G_GUINT64_FORMAT, rate->average / 1000)
               : g_strdup_printf ("average=%" G_GUINT64_FORMAT " peak=%" G_GUINT64_FORMAT, rate->average / 1000,
                                  peak / 1000);
}

static void
add_direction (LimitList *list, const char *name, const char *direction, const LinkRate *wanted,
               const LinkRate *effective)
{
    g_autofree char *key = g_strdup_printf ("net.%s.%s", name, direction);

    add (list, key, rate_text (wanted), effective ? rate_text (effective) : NULL);
}

static gpointer
read_nets (gpointer data, GError **error)
{
    const GArray *nets = data;
    LimitList list = { .limits = g_array_new (FALSE, TRUE, sizeof (skep_limit)) };

    (void) error;
    for (guint i = 0; i < nets->len; i++) {
        const NetLimit *net = &g_array_index (nets, NetLimit, i);
        LinkRate to, from;
        gboolean known = link_get_rates (net->name, &to, &from, NULL);

        add_direction (&list, net->name, "inbound", &net->to_guest, known ? &to : NULL);
        add_direction (&list, net->name, "outbound", &net->from_guest, known ? &from : NULL);
    }
    return list.limits;
}

/* Takes @limits. */
static void
answer_with (skep_domain_get_limits_ret *out, GArray *limits)
{
    out->limits.limits_len = limits->len;
    out->limits.limits_val = (skep_limit *) (void *) g_array_free (limits, FALSE);
}

typedef struct {
    Call *call;
    GArray *limits;
} NetWait;

static void
nets_read (gpointer result, GError *error, gpointer data)
{
    g_autofree NetWait *wait = data;
    g_autoptr (GArray) more = result;

    (void) error;
    g_array_append_vals (wait->limits, more->data, more->len);
    answer_with (wait->call->out, wait->limits);
    call_done (wait->call);
}

ApiResult
api_skep_domain_get_limits (Call *call, const skep_domain_get_limits_args *in,
                            skep_domain_get_limits_ret *out, GError **error)
{
    g_autoptr (GArray) nets = NULL;
    NetWait *wait;
    LimitList list = { .limits = g_array_new (FALSE, TRUE, sizeof (skep_limit)), .def = call->domain->def,
                       .cgroup = domain_cgroup (call->domain, NULL) };

    (void) in;
    (void) error;
    add_memory (&list);
    add_cpu (&list);
    add_others (&list);
    add_blocks (&list, call->domain);
    nets = limited_nets (list.def, SKEP_LIMITS_MAX - list.limits->len);
    if (!list.cgroup || nets->len == 0) {
        answer_with (out, list.limits);
        return API_DONE;
    }
    wait = g_new0 (NetWait, 1);
    *wait = (NetWait) { call, list.limits };
    task_run (read_nets, g_steal_pointer (&nets), nets_free, nets_read, wait);
    return API_LATER;
}
