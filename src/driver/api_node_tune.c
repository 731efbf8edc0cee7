/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Knobs of the host's memory: merging of pages, pools of huge pages; and suspending the host. */
#include <string.h>

#include "driver/api.h"
#include "driver/params.h"
#include "host/node.h"
#include "host/node_memory.h"
#include "host/topology.h"
#include "util/log.h"
#include "util/task.h"

/* ---- KSM */

static const char ksm_prefix[] = "shm_";

ApiResult
api_node_get_memory_parameters (Call *call, const node_get_memory_parameters_args *in,
                                node_get_memory_parameters_ret *out, GError **error)
{
    g_autoptr (GArray) values = node_ksm_read (error);
    GArray *params;

    (void) call;
    if (!values)
        return API_FAILED;
    params = params_new ();
    for (guint i = 0; i < values->len; i++) {
        const NodeKsm *value = &g_array_index (values, NodeKsm, i);
        g_autofree char *name = g_strconcat (ksm_prefix, value->name, NULL);

        if (value->is_ullong)
            params_add_ullong (params, name, value->value);
        else
            params_add_uint (params, name, (guint) value->value);
    }
    return params_reply (params, in->nparams, REMOTE_NODE_MEMORY_PARAMETERS_MAX, &out->params.params_val,
                         &out->params.params_len, &out->nparams, error)
               ? API_DONE
               : API_FAILED;
}

/* The first @n of @params, as @before has them. */
static void
ksm_put_back (const wire_typed_param *params, guint n, const GArray *before)
{
    for (guint i = 0; i < n; i++)
        for (guint k = 0; k < before->len; k++) {
            const NodeKsm *value = &g_array_index (before, NodeKsm, k);

            if (strcmp (value->name, params[i].field + sizeof ksm_prefix - 1) == 0
                && !node_ksm_write (value->name, (guint) value->value, NULL))
                log_error ("%s of the host could not be put back", params[i].field);
        }
}

ApiResult
api_node_set_memory_parameters (Call *call, const node_set_memory_parameters_args *in, none *out,
                                GError **error)
{
    static const ParamSpec specs[] = {
        { "shm_pages_to_scan", PARAM_UINT },
        { "shm_sleep_millisecs", PARAM_UINT },
        { "shm_merge_across_nodes", PARAM_UINT },
    };

    g_autoptr (GArray) before = NULL;

    (void) call;
    (void) out;
    if (!params_check_some (in->params.params_val, in->params.params_len, specs, G_N_ELEMENTS (specs), error))
        return API_FAILED;
    if (in->params.params_len > 0 && !(before = node_ksm_read (error)))
        return API_FAILED;
    for (guint i = 0; i < in->params.params_len; i++) {
        const wire_typed_param *param = &in->params.params_val[i];

        if (!node_ksm_write (param->field + sizeof ksm_prefix - 1, param->value.wire_typed_param_value_u.ui,
                             error)) {
            ksm_put_back (in->params.params_val, i, before);
            return API_FAILED;
        }
    }
    return API_DONE;
}

/* ---- huge pages */

enum { ALLOC_SET = 1 << 0 };    /* virNodeAllocPagesFlags */

typedef struct {
    GArray *sizes, *counts;     /* of guint KiB, of guint64 */
    int cell;
    guint n_cells;
    gboolean add;
} Pools;

static void
pools_free (gpointer data)
{
    Pools *pools = data;

    g_array_unref (pools->sizes);
    g_array_unref (pools->counts);
    g_free (pools);
}

/* How many pools were changed, as a pointer. */
static gpointer
pools_fill (gpointer data, GError **error)
{
    const Pools *pools = data;
    guint done = 0;

    for (guint cell = 0; cell < pools->n_cells; cell++)
        for (guint i = 0; i < pools->sizes->len; i++, done++)
            if (!node_alloc_pages (pools->cell + (int) cell, g_array_index (pools->sizes, guint, i),
                                   g_array_index (pools->counts, guint64, i), pools->add, error))
                return NULL;
    return GUINT_TO_POINTER (done);
}

static void
pools_filled (gpointer result, GError *error, gpointer data)
{
    Call *call = data;

    if (error) {
        call_failed (call, g_error_copy (error));
        return;
    }
    ((node_alloc_pages_ret *) call->out)->ret = (int) GPOINTER_TO_UINT (result);
    call_done (call);
}

/* The kernel may have to move much to make one huge page: a task. */
ApiResult
api_node_alloc_pages (Call *call, const node_alloc_pages_args *in, node_alloc_pages_ret *out,
                      GError **error)
{
    guint n = in->pageSizes.pageSizes_len;
    Pools *pools;

    (void) out;
    if (n == 0 || n != in->pageCounts.pageCounts_len || in->cellCount == 0 || in->cellCount > 1024
        || in->startCell < -1 || in->startCell > 65536) {
        error_set_from (error, ORIGIN_RPC, ERR_INVALID_ARG,
                        "%u page sizes, %u counts and %u cells from %d make no sense", n,
                        in->pageCounts.pageCounts_len, in->cellCount, in->startCell);
        return API_FAILED;
    }
    if (in->startCell >= 0 && !node_check_cell (in->startCell, error))
        return API_FAILED;
    pools = g_new (Pools, 1);
    *pools = (Pools){
        .sizes = g_array_sized_new (FALSE, FALSE, sizeof (guint), n),
        .counts = g_array_sized_new (FALSE, FALSE, sizeof (guint64), n),
        .cell = in->startCell, .n_cells = in->cellCount, .add = !(in->flags & ALLOC_SET),
    };
    g_array_append_vals (pools->sizes, in->pageSizes.pageSizes_val, n);
    g_array_append_vals (pools->counts, in->pageCounts.pageCounts_val, n);
    task_run (pools_fill, pools, pools_free, pools_filled, call);
    return API_LATER;
}

/* ---- suspend */

ApiResult
api_node_suspend_for_duration (Call *call, const node_suspend_for_duration_args *in, none *out,
                               GError **error)
{
    static const char *const names[] = { "Suspend-to-RAM", "Suspend-to-Disk", "Hybrid-Suspend" };
    g_autoptr (Topology) topology = topology_read ();
    const gboolean able[] = { topology->pm_mem, topology->pm_disk, topology->pm_hybrid };

    (void) call;
    (void) out;
    if (in->target >= G_N_ELEMENTS (names))
        error_set (error, ERR_INVALID_ARG, "Invalid suspend target");
    else if (!able[in->target])
        error_set (error, ERR_ARGUMENT_UNSUPPORTED, "%s", names[in->target]);
    else if (in->duration < 60)
        error_set (error, ERR_INVALID_ARG, "Suspend duration is too short");
    else
        error_set (error, ERR_OPERATION_UNSUPPORTED,
                   "skepd does not suspend its host; ask the host's own power management");
    return API_FAILED;
}
