/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits as they are: NUMA nodes, block devices, network interfaces. */
#include "driver/api.h"
#include "driver/domain_usage.h"
#include "driver/params.h"
#include "driver/tune.h"

/* ---- NUMA */

ApiResult
api_domain_get_numa_parameters (Call *call, const domain_get_numa_parameters_args *in,
                                domain_get_numa_parameters_ret *out, GError **error)
{
    g_autofree char *nodes = NULL;
    GArray *params;
    DomainDef *def;
    gboolean live;

    if (!affect_def (call->domain, in->flags, &def, &live, error))
        return API_FAILED;
    if (live) {
        const Cgroup *cgroup = domain_cgroup (call->domain, error);

        nodes = cgroup ? cgroup_effective_mems (cgroup, error) : NULL;
        if (!nodes)
            return API_FAILED;
    }
    params = params_new ();
    params_add_int (params, "numa_mode", def->numatune.set ? (int) def->numatune.mode : NUMA_STRICT);
    params_add_string (params, "numa_nodeset",
                       nodes ? nodes : def->numatune.nodeset ? def->numatune.nodeset : "");
    return params_reply_flags (params, in->flags, in->nparams, REMOTE_DOMAIN_NUMA_PARAMETERS_MAX,
                               &out->params.params_val, &out->params.params_len, &out->nparams, error)
               ? API_DONE
               : API_FAILED;
}

/* ---- block devices: "/dev/sda,500,/dev/sdb,200" of one kind */

static guint64
blkio_value (const BlkioDevice *device, BlkioKind kind)
{
    const guint64 values[BLKIO_LAST] = {
        [DEVICE_WEIGHT] = device->weight, [READ_IOPS] = device->read_iops_sec, [WRITE_IOPS] = device->write_iops_sec,
        [READ_BYTES] = device->read_bytes_sec, [WRITE_BYTES] = device->write_bytes_sec,
    };

    return values[kind];
}

static char *
blkio_text (const GPtrArray *devices, BlkioKind kind)
{
    GString *text = g_string_new (NULL);

    for (guint i = 0; devices && i < devices->len; i++) {
        guint64 value = blkio_value (devices->pdata[i], kind);

        if (value)
            g_string_append_printf (text, "%s%s,%" G_GUINT64_FORMAT, text->len ? "," : "",
                                    ((const BlkioDevice *) devices->pdata[i])->path, value);
    }
    return g_string_free (text, FALSE);
}

ApiResult
api_domain_get_blkio_parameters (Call *call, const domain_get_blkio_parameters_args *in,
                                 domain_get_blkio_parameters_ret *out, GError **error)
{
    GArray *params;
    DomainDef *def;
    gboolean live;
    guint weight;

    if (!affect_def (call->domain, in->flags, &def, &live, error))
        return API_FAILED;
    weight = def->blkiotune.weight;
    if (live) {
        const Cgroup *cgroup = domain_cgroup (call->domain, error);

        if (!cgroup || !cgroup_get_blkio_weight (cgroup, &weight, error))
            return API_FAILED;
    }
    params = params_new ();
    params_add_uint (params, "weight", weight);
    for (guint kind = 0; kind < BLKIO_LAST; kind++) {
        g_autofree char *text = blkio_text (def->blkiotune.devices, kind);

        params_add_string (params, string_table_name (&blkio_names, kind), text);
    }
    return params_reply_flags (params, in->flags, in->nparams, REMOTE_DOMAIN_BLKIO_PARAMETERS_MAX,
                               &out->params.params_val, &out->params.params_len, &out->nparams, error)
               ? API_DONE
               : API_FAILED;
}

/* ---- one disk's own limits */

/* Asked for none, tells how many there are, without a disk too. */
ApiResult
api_domain_get_block_io_tune (Call *call, const domain_get_block_io_tune_args *in,
                              domain_get_block_io_tune_ret *out, GError **error)
{
    static const DiskIotune none_set = { 0 };
    const char *name = wire_text (in->disk);
    const DiskIotune *tune = &none_set;
    GArray *params;
    DomainDef *def;
    gboolean live;

    if (!affect_def (call->domain, in->flags, &def, &live, error))
        return API_FAILED;
    if (name || in->nparams != 0) {
        const DiskDef *disk = domain_disk_find (def, name ? name : "");

        if (!disk) {
            error_set (error, ERR_INVALID_ARG, "invalid path: %s", name ? name : "");
            return API_FAILED;
        }
        tune = &disk->iotune;
    }
    params = params_new ();
    for (guint i = 0; i < IOTUNE_LAST; i++) {
        params_add_ullong (params, string_table_name (&iotune_names, i), tune->value[i]);
        if (i == IOTUNE_SIZE_IOPS_SEC)
            params_add_string (params, "group_name", tune->group_name ? tune->group_name : "");
    }
    return params_reply_flags (params, in->flags, in->nparams, REMOTE_DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX,
                               &out->params.params_val, &out->params.params_len, &out->nparams, error)
               ? API_DONE
               : API_FAILED;
}

/* ---- network interfaces: kilobytes a second, burst kilobytes */

static void
add_rate (GArray *params, const char *direction, const NetRate *rate, gboolean floor)
{
    const struct {
        const char *name;
        guint64 value;
    } values[] = { { "average", rate->average }, { "peak", rate->peak }, { "burst", rate->burst },
                   { "floor", rate->floor } };

    for (guint i = 0; i < (floor ? 4 : 3); i++) {
        g_autofree char *name = g_strdup_printf ("%s.%s", direction, values[i].name);

        params_add_uint (params, name, (guint) MIN (values[i].value, G_MAXUINT));
    }
}

ApiResult
api_domain_get_interface_parameters (Call *call, const domain_get_interface_parameters_args *in,
                                     domain_get_interface_parameters_ret *out, GError **error)
{
    const NetDef *net;
    GArray *params;
    DomainDef *def;
    gboolean live;

    if (!affect_def (call->domain, in->flags, &def, &live, error))
        return API_FAILED;
    net = domain_net_find (def, in->device);
    if (!net) {
        error_set (error, ERR_INVALID_ARG, "'%s' is not a known interface", in->device);
        return API_FAILED;
    }
    params = params_new ();
    add_rate (params, "inbound", &net->inbound, TRUE);
    add_rate (params, "outbound", &net->outbound, FALSE);
    return params_reply_flags (params, in->flags, in->nparams, REMOTE_DOMAIN_INTERFACE_PARAMETERS_MAX,
                               &out->params.params_val, &out->params.params_len, &out->nparams, error)
               ? API_DONE
               : API_FAILED;
}
