/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a running domain uses: CPU, memory, block and network devices. */
#include <string.h>

#include "driver/api.h"
#include "driver/domain_usage.h"
#include "driver/params.h"
#include "host/block.h"

/* virDomainMemoryStatTags */
enum {
    MEMORY_STAT_MAJOR_FAULT = 2,
    MEMORY_STAT_MINOR_FAULT = 3,
    MEMORY_STAT_UNUSED = 4,
    MEMORY_STAT_AVAILABLE = 5,
    MEMORY_STAT_ACTUAL_BALLOON = 6,
    MEMORY_STAT_RSS = 7,
    MEMORY_STAT_USABLE = 8,
    MEMORY_STAT_DISK_CACHES = 10,
};

/* ---- CPU */

static void
add_param (domain_get_cpu_stats_ret *out, const char *name, guint64 value)
{
    wire_typed_param *param = &out->params.params_val[out->params.params_len++];

    param->field = g_strdup (name);
    param->value.type = PARAM_ULLONG;
    param->value.wire_typed_param_value_u.ul = value;
}

/* start_cpu -1: the container as a whole. */
static gboolean
cpu_stats_total (Cgroup *cgroup, guint asked, domain_get_cpu_stats_ret *out, GError **error)
{
    guint64 total, user, system;

    if (asked == 0) {
        out->nparams = 3;
        return TRUE;
    }
    if (!cgroup_cpu_usage (cgroup, &total, &user, &system, error))
        return FALSE;
    out->params.params_val = g_new0 (wire_typed_param, 3);
    add_param (out, "cpu_time", total);
    if (asked > 1)
        add_param (out, "user_time", user);
    if (asked > 2)
        add_param (out, "system_time", system);
    out->nparams = (int) out->params.params_len;
    return TRUE;
}

/* Each host CPU from start_cpu on has one parameter; one that does not exist has none. */
static gboolean
cpu_stats_each (Cgroup *cgroup, const domain_get_cpu_stats_args *in, domain_get_cpu_stats_ret *out,
                GError **error)
{
    g_autoptr (GArray) usage = cgroup_cpu_usage_percpu (cgroup, error);
    guint start = (guint) in->start_cpu;

    if (!usage)
        return FALSE;
    if (in->nparams == 0 && in->ncpus == 0) { /* how many CPUs are there? */
        out->nparams = (int) usage->len;
        return TRUE;
    }
    if (start >= usage->len)
        return error_set (error, ERR_INVALID_ARG, "start_cpu %u is larger than the last CPU, %u",
                          start, usage->len - 1);
    out->nparams = 1;
    if (in->nparams == 0)
        return TRUE;
    out->params.params_val = g_new0 (wire_typed_param, MAX (in->ncpus, 1));
    for (guint cpu = start; cpu < usage->len && cpu - start < in->ncpus; cpu++)
        add_param (out, "cpu_time", g_array_index (usage, guint64, cpu));
    return TRUE;
}

ApiResult
api_domain_get_cpu_stats (Call *call, const domain_get_cpu_stats_args *in,
                          domain_get_cpu_stats_ret *out, GError **error)
{
    Cgroup *cgroup = domain_cgroup (call->domain, error);

    if (!cgroup)
        return API_FAILED;
    if (in->start_cpu < -1 || (in->start_cpu == -1 && in->ncpus != 1)) {
        error_set (error, ERR_INVALID_ARG, "start_cpu %d with %u CPUs makes no sense",
                   in->start_cpu, in->ncpus);
        return API_FAILED;
    }
    if (in->ncpus > REMOTE_DOMAIN_GET_CPU_STATS_NCPUS_MAX
        || in->nparams > REMOTE_DOMAIN_GET_CPU_STATS_MAX) {
        error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "%u CPUs with %u parameters are too many",
                        in->ncpus, in->nparams);
        return API_FAILED;
    }
    return (in->start_cpu == -1 ? cpu_stats_total (cgroup, in->nparams, out, error)
                                : cpu_stats_each (cgroup, in, out, error))
               ? API_DONE
               : API_FAILED;
}

/* ---- memory */

static void
memory_reply (const DomainDef *def, const DomainMemory *memory, guint max, domain_memory_stats_ret *out)
{
    const wire_domain_memory_stat stats[] = {
        { MEMORY_STAT_ACTUAL_BALLOON, def->current_memory },
        { MEMORY_STAT_RSS, memory->rss },
        { MEMORY_STAT_AVAILABLE, memory->available },
        { MEMORY_STAT_UNUSED, memory->unused },
        { MEMORY_STAT_USABLE, memory->usable },
        { MEMORY_STAT_DISK_CACHES, memory->disk_caches },
        { MEMORY_STAT_MAJOR_FAULT, memory->major_faults },
        { MEMORY_STAT_MINOR_FAULT, memory->minor_faults },
    };

    out->stats.stats_val = g_memdup2 (stats, sizeof stats);
    out->stats.stats_len = MIN (max, G_N_ELEMENTS (stats));
}

ApiResult
api_domain_memory_stats (Call *call, const domain_memory_stats_args *in,
                         domain_memory_stats_ret *out, GError **error)
{
    DomainMemory memory;

    if (in->maxStats > REMOTE_DOMAIN_MEMORY_STATS_MAX) {
        error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "%u statistics are too many",
                        in->maxStats);
        return API_FAILED;
    }
    if (!domain_memory_read (call->domain, &memory, error))
        return API_FAILED;
    memory_reply (call->domain->def, &memory, in->maxStats, out);
    return API_DONE;
}

/* ---- block devices */

/* An empty path is the sum over all devices. */
static gboolean
block_usage (Domain *domain, const char *path, CgroupBlkioUsage *usage, dev_t *ret_device,
             GError **error)
{
    const Cgroup *cgroup = domain_cgroup (domain, error);
    g_autoptr (GHashTable) loops = NULL;
    g_autoptr (GArray) blocks = NULL, used = NULL;
    const DomainBlock *block;

    if (!cgroup)
        return FALSE;
    if (!*path)
        return cgroup_blkio_usage (cgroup, usage, error);
    blocks = domain_blocks (domain, &loops);
    block = domain_block_find (blocks, path, error);
    if (!block)
        return FALSE;
    if (!block->device)
        return error_set (error, ERR_OPERATION_UNSUPPORTED,
                          "the device of '%s' is not known; ask for all devices", path);
    *ret_device = block->device;
    used = cgroup_blkio_devices (cgroup, error);
    if (used)
        domain_block_usage (used, block->device, usage);
    return used != NULL;
}

ApiResult
api_domain_block_stats (Call *call, const domain_block_stats_args *in, domain_block_stats_ret *out,
                        GError **error)
{
    CgroupBlkioUsage usage = { 0 };
    dev_t device;

    if (!block_usage (call->domain, in->path, &usage, &device, error))
        return API_FAILED;
    out->rd_req = (gint64) usage.rd_req;
    out->rd_bytes = (gint64) usage.rd_bytes;
    out->wr_req = (gint64) usage.wr_req;
    out->wr_bytes = (gint64) usage.wr_bytes;
    out->errs = -1; /* not counted */
    return API_DONE;
}

ApiResult
api_domain_block_stats_flags (Call *call, const domain_block_stats_flags_args *in,
                              domain_block_stats_flags_ret *out, GError **error)
{
    CgroupBlkioUsage usage = { 0 };
    guint64 read = 0, written = 0;
    dev_t device = 0;
    GArray *params;

    /* asked how many there are, libvirt looks at neither path nor domain: virsh counts on it */
    if (in->nparams != 0 && !block_usage (call->domain, in->path, &usage, &device, error))
        return API_FAILED;
    params = params_new ();
    params_add_llong (params, "wr_bytes", (gint64) usage.wr_bytes);
    params_add_llong (params, "wr_operations", (gint64) usage.wr_req);
    params_add_llong (params, "rd_bytes", (gint64) usage.rd_bytes);
    params_add_llong (params, "rd_operations", (gint64) usage.rd_req);
    if (*in->path && (in->nparams == 0 || block_times (device, &read, &written))) {
        params_add_llong (params, "wr_total_times", (gint64) written);
        params_add_llong (params, "rd_total_times", (gint64) read);
    }
    return params_reply (params, in->nparams, REMOTE_DOMAIN_BLOCK_STATS_PARAMETERS_MAX,
                         &out->params.params_val, &out->params.params_len, &out->nparams, error)
               ? API_DONE
               : API_FAILED;
}

/* ---- network interfaces */

ApiResult
api_domain_interface_stats (Call *call, const domain_interface_stats_args *in,
                            domain_interface_stats_ret *out, GError **error)
{
    const NetDef *net = domain_net_find (call->domain->def, in->device);
    g_autoptr (GHashTable) inside = NULL;
    LinkStats stats;

    if (!net) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "'%s' is not a known interface", in->device);
        return API_FAILED;
    }
    if (!domain_net_stats (call->domain, net, NULL, &inside, &stats, error))
        return API_FAILED;
    out->rx_bytes = (gint64) stats.rx_bytes;
    out->rx_packets = (gint64) stats.rx_packets;
    out->rx_errs = (gint64) stats.rx_errs;
    out->rx_drop = (gint64) stats.rx_drop;
    out->tx_bytes = (gint64) stats.tx_bytes;
    out->tx_packets = (gint64) stats.tx_packets;
    out->tx_errs = (gint64) stats.tx_errs;
    out->tx_drop = (gint64) stats.tx_drop;
    return API_DONE;
}
