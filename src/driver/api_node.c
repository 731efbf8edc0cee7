/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host: what it is, what it has free, what it can do for containers. */
#include <string.h>

#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/params.h"
#include "driver/question.h"
#include "host/node.h"

/* ---- names and texts */

ApiResult
api_connect_get_hostname (Call *call, const none *in, connect_get_hostname_ret *out, GError **error)
{
    (void) call;
    (void) in;
    (void) error;
    out->hostname = node_hostname ();
    return API_DONE;
}

ApiResult
api_connect_get_sysinfo (Call *call, const connect_get_sysinfo_args *in,
                         connect_get_sysinfo_ret *out, GError **error)
{
    (void) call;
    (void) in;
    out->sysinfo = node_sysinfo_xml (error);
    return out->sysinfo ? API_DONE : API_FAILED;
}

/* The wire counts the closing NUL of these two. */
ApiResult
api_node_get_security_model (Call *call, const none *in, node_get_security_model_ret *out,
                             GError **error)
{
    const LabelDriver *labels = daemon_state.labels;

    (void) call;
    (void) in;
    (void) error;
    out->model.model_val = g_strdup (labels->model);
    out->model.model_len = (u_int) strlen (labels->model) + 1;
    out->doi.doi_val = g_strdup (labels->doi);
    out->doi.doi_len = (u_int) strlen (labels->doi) + 1;
    return API_DONE;
}

/* ---- CPUs */

static gpointer
info_read (gpointer input, GError **error)
{
    g_autofree NodeInfo *info = g_new0 (NodeInfo, 1);

    (void) input;
    return node_info (info, error) ? g_steal_pointer (&info) : NULL;
}

static void
info_fill (void *reply, gpointer answer)
{
    node_get_info_ret *out = reply;
    const NodeInfo *info = answer;

    memcpy (out->model, info->model, sizeof out->model);
    out->memory = info->memory;
    out->cpus = info->cpus;
    out->mhz = info->mhz;
    out->nodes = info->nodes;
    out->sockets = info->sockets;
    out->cores = info->cores;
    out->threads = info->threads;
}

ApiResult
api_node_get_info (Call *call, const none *in, node_get_info_ret *out, GError **error)
{
    static Question question = { .read = info_read, .fill = info_fill, .free_answer = g_free };

    (void) in;
    (void) out;
    (void) error;
    return question_ask (&question, call);
}

static void
max_vcpus_fill (void *reply, gpointer answer)
{
    connect_get_max_vcpus_ret *out = reply;
    const NodeInfo *info = answer;

    out->max_vcpus = info->cpus;
}

/* A container sees the CPUs of the host. */
ApiResult
api_connect_get_max_vcpus (Call *call, const connect_get_max_vcpus_args *in,
                           connect_get_max_vcpus_ret *out, GError **error)
{
    static Question question = { .read = info_read, .fill = max_vcpus_fill, .free_answer = g_free };
    const char *type = wire_text (in->type);

    (void) out;
    if (!type || g_ascii_strcasecmp (type, "lxc") == 0)
        return question_ask (&question, call);
    error_set (error, ERR_INVALID_ARG, "unknown type '%s'", type);
    return API_FAILED;
}

ApiResult
api_node_get_cpu_map (Call *call, const node_get_cpu_map_args *in, node_get_cpu_map_ret *out,
                      GError **error)
{
    GByteArray *map = NULL;
    guint online, total;

    (void) call;
    if (!node_cpu_map (&map, &online, &total, error))
        return API_FAILED;
    if (in->need_map) {
        gsize size;

        out->cpumap.cpumap_val = (char *) g_byte_array_steal (map, &size);
        out->cpumap.cpumap_len = (u_int) MIN (size, REMOTE_CPUMAP_MAX);
    }
    g_byte_array_unref (map);
    out->online = in->need_online ? online : 0;
    out->ret = (int) total;
    return API_DONE;
}

/* As for typed parameters: asked for none, says how many there are. */
static gboolean
stats_room (const GArray *stats, int asked, guint max, guint *ret_n, int *ret_nparams,
            GError **error)
{
    if (asked < 0 || (guint) asked > max)
        return error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "nparams is %d, not 0 to %u", asked,
                               max);
    if (asked > 0 && (guint) asked < stats->len)
        return error_set_from (error, ORIGIN_NONE, ERR_INVALID_ARG,
                               "there are %u statistics, not %d", stats->len, asked);
    *ret_n = asked ? stats->len : 0;
    *ret_nparams = asked ? 0 : (int) stats->len;
    return TRUE;
}

ApiResult
api_node_get_cpu_stats (Call *call, const node_get_cpu_stats_args *in, node_get_cpu_stats_ret *out,
                        GError **error)
{
    g_autoptr (GArray) stats = node_cpu_stats (in->cpuNum, error);
    guint n;

    (void) call;
    if (!stats
        || !stats_room (stats, in->nparams, REMOTE_NODE_CPU_STATS_MAX, &n, &out->nparams, error))
        return API_FAILED;
    out->params.params_val = g_new0 (wire_node_get_cpu_stats, MAX (n, 1));
    for (; out->params.params_len < n; out->params.params_len++) {
        const NodeStat *stat = &g_array_index (stats, NodeStat, out->params.params_len);

        out->params.params_val[out->params.params_len]
            = (wire_node_get_cpu_stats){ g_strdup (stat->name), stat->value };
    }
    return API_DONE;
}

/* ---- memory */

ApiResult
api_node_get_memory_stats (Call *call, const node_get_memory_stats_args *in,
                           node_get_memory_stats_ret *out, GError **error)
{
    g_autoptr (GArray) stats = node_memory_stats (in->cellNum, error);
    guint n;

    (void) call;
    if (!stats
        || !stats_room (stats, in->nparams, REMOTE_NODE_MEMORY_STATS_MAX, &n, &out->nparams, error))
        return API_FAILED;
    out->params.params_val = g_new0 (wire_node_get_memory_stats, MAX (n, 1));
    for (; out->params.params_len < n; out->params.params_len++) {
        const NodeStat *stat = &g_array_index (stats, NodeStat, out->params.params_len);

        out->params.params_val[out->params.params_len]
            = (wire_node_get_memory_stats){ g_strdup (stat->name), stat->value };
    }
    return API_DONE;
}

ApiResult
api_node_get_free_memory (Call *call, const none *in, node_get_free_memory_ret *out, GError **error)
{
    guint64 bytes;

    (void) call;
    (void) in;
    if (!node_free_memory (&bytes, error))
        return API_FAILED;
    out->freeMem = bytes;
    return API_DONE;
}

/* The array is the reply's from here on. */
static void
take_numbers (GArray *numbers, guint max, u_quad_t **ret_val, u_int *ret_len)
{
    *ret_len = MIN (numbers->len, max);
    *ret_val = (u_quad_t *) (void *) g_array_free (numbers, FALSE);
}

ApiResult
api_node_get_cells_free_memory (Call *call, const node_get_cells_free_memory_args *in,
                                node_get_cells_free_memory_ret *out, GError **error)
{
    const int max = 1024;
    GArray *cells;

    (void) call;
    if (in->startCell < 0 || in->maxcells <= 0 || in->maxcells > max) {
        error_set_from (error, ORIGIN_RPC, in->maxcells < 0 || in->maxcells > max ? ERR_RPC : ERR_INVALID_ARG,
                        "cells %d, at most %d, make no sense", in->startCell, in->maxcells);
        return API_FAILED;
    }
    cells = node_cells_free (in->startCell, in->maxcells, error);
    if (!cells)
        return API_FAILED;
    take_numbers (cells, (guint) max, &out->cells.cells_val, &out->cells.cells_len);
    return API_DONE;
}

ApiResult
api_node_get_free_pages (Call *call, const node_get_free_pages_args *in,
                         node_get_free_pages_ret *out, GError **error)
{
    const guint max = 1024;
    GArray *counts;

    (void) call;
    if (in->startCell < -1 || in->pages.pages_len == 0 || in->cellCount == 0
        || in->cellCount > max / in->pages.pages_len) {
        error_set_from (error, ORIGIN_RPC,
                        in->pages.pages_len > 0 && in->cellCount > max / in->pages.pages_len ? ERR_INTERNAL
                                                                                             : ERR_INVALID_ARG,
                        "%u page sizes of %u cells from %d make no sense", in->pages.pages_len,
                        in->cellCount, in->startCell);
        return API_FAILED;
    }
    counts = node_free_pages (in->pages.pages_val, in->pages.pages_len, in->startCell,
                              in->cellCount, error);
    if (!counts)
        return API_FAILED;
    take_numbers (counts, max, &out->counts.counts_val, &out->counts.counts_len);
    return API_DONE;
}
