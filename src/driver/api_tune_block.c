/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Weights and rates of block devices: of devices of the host by path, of a domain's disks by name. */
#include <string.h>

#include "driver/api.h"
#include "driver/domain_usage.h"
#include "driver/events.h"
#include "driver/tune.h"
#include "host/block.h"

static void
tell (const Domain *domain, const wire_typed_param *given, guint n, const char *prefix, const char *disk)
{
    GArray *params = params_new ();

    if (disk)
        params_add_string (params, "blkdeviotune.disk", disk);
    for (guint i = 0; i < n; i++) {
        const wire_typed_param *param = &given[i];
        g_autofree char *name = g_strconcat (prefix, param->field, NULL);

        if (param->value.type == PARAM_UINT)
            params_add_uint (params, name, param->value.wire_typed_param_value_u.ui);
        else if (param->value.type == PARAM_ULLONG)
            params_add_ullong (params, name, param->value.wire_typed_param_value_u.ul);
        else
            params_add_string (params, name, param->value.wire_typed_param_value_u.s);
    }
    event_tunable (domain, params);
}

/* ---- blkiotune */

typedef struct {
    const wire_typed_param *params;
    guint n;
} BlkioRequest;

STRING_TABLE (blkio_names, BLKIO_LAST, "device_weight", "device_read_iops_sec", "device_write_iops_sec",
              "device_read_bytes_sec", "device_write_bytes_sec");

static const char *
blkio_name (BlkioKind kind)
{
    return string_table_name (&blkio_names, kind);
}

static BlkioDevice *
device_of (GPtrArray *devices, const char *path)
{
    BlkioDevice *device;

    for (guint i = 0; i < devices->len; i++)
        if (strcmp (((const BlkioDevice *) devices->pdata[i])->path, path) == 0)
            return devices->pdata[i];
    device = g_new0 (BlkioDevice, 1);
    device->path = g_strdup (path);
    g_ptr_array_add (devices, device);
    return device;
}

static void
device_set (BlkioDevice *device, BlkioKind kind, guint64 value)
{
    switch (kind) {
    case DEVICE_WEIGHT:
        device->weight = (guint) value;
        break;
    case READ_IOPS:
        device->read_iops_sec = (guint) value;
        break;
    case WRITE_IOPS:
        device->write_iops_sec = (guint) value;
        break;
    case READ_BYTES:
        device->read_bytes_sec = value;
        break;
    case WRITE_BYTES:
        device->write_bytes_sec = value;
        break;
    }
}

/* "/dev/sda,500,/dev/sdb,0": each device named gets its value, 0 takes it away. */
static gboolean
edit_devices (GPtrArray *devices, BlkioKind kind, const char *text, GError **error)
{
    g_auto (GStrv) words = g_strsplit (text, ",", -1);
    guint n = g_strv_length (words);
    guint64 max = kind == READ_BYTES || kind == WRITE_BYTES ? G_MAXINT64 : G_MAXUINT, value;

    if (n % 2 != 0 || (n == 0 && *text))
        return error_set (error, ERR_INVALID_ARG, "unable to parse blkio device '%s' '%s'",
                          blkio_name (kind), text);
    for (guint i = 0; i < n; i += 2) {
        if (words[i][0] != '/' || !g_ascii_string_to_unsigned (words[i + 1], 10, 0, max, &value, NULL))
            return error_set (error, ERR_INVALID_ARG, "invalid value '%s' for parameter '%s' of device '%s'",
                              words[i + 1], blkio_name (kind), words[i]);
        if (!block_path_safe (words[i]))
            return block_path_refuse (words[i], error);
        device_set (device_of (devices, words[i]), kind, value);
    }
    return TRUE;
}

static gboolean
edit_blkio (DomainDef *def, gconstpointer data, GError **error)
{
    const BlkioRequest *request = data;
    GPtrArray *devices = def->blkiotune.devices;

    for (guint i = 0; i < request->n; i++) {
        const wire_typed_param *param = &request->params[i];

        if (param->value.type == PARAM_UINT)
            def->blkiotune.weight = param->value.wire_typed_param_value_u.ui;
        for (guint kind = 0; kind < BLKIO_LAST; kind++)
            if (strcmp (param->field, blkio_name (kind)) == 0
                && !edit_devices (devices, kind, param->value.wire_typed_param_value_u.s, error))
                return FALSE;
    }
    for (guint i = devices->len; i-- > 0;) {
        const BlkioDevice *device = devices->pdata[i];

        if (!device->weight && !device->read_iops_sec && !device->write_iops_sec && !device->read_bytes_sec
            && !device->write_bytes_sec)
            g_ptr_array_remove_index (devices, i);
    }
    return TRUE;
}

static void
tell_blkio (Call *call, Affect affect)
{
    const domain_set_blkio_parameters_args *in = call->in;

    if ((affect & AFFECT_LIVE) && in->params.params_len > 0)
        tell (call->domain, in->params.params_val, in->params.params_len, "blkiotune.", NULL);
}

ApiResult
api_domain_set_blkio_parameters (Call *call, const domain_set_blkio_parameters_args *in, none *out,
                                 GError **error)
{
    const BlkioRequest request = { in->params.params_val, in->params.params_len };
    ParamSpec specs[BLKIO_LAST + 1] = { [BLKIO_LAST] = { "weight", PARAM_UINT } };
    Affect affect;

    (void) out;
    for (guint kind = 0; kind < BLKIO_LAST; kind++)
        specs[kind] = (ParamSpec) { blkio_name (kind), PARAM_STRING };
    if (!params_check_some (request.params, request.n, specs, G_N_ELEMENTS (specs), error)
        || !affect_resolve (call->domain, in->flags, &affect, error))
        return API_FAILED;
    return tune_change (call, affect, edit_blkio, &request, tell_blkio, error);
}

/* ---- blkdeviotune */

static const char *
iotune_name (guint value)
{
    return string_table_name (&iotune_names, (int) value);
}

/* What a control group can limit. */
static gboolean
has_throttle (guint value)
{
    return value == IOTUNE_READ_BYTES_SEC || value == IOTUNE_WRITE_BYTES_SEC || value == IOTUNE_READ_IOPS_SEC
           || value == IOTUNE_WRITE_IOPS_SEC;
}

typedef struct {
    const char *disk;
    const wire_typed_param *params;
    guint n;
} IotuneRequest;

static gboolean
edit_iotune (DomainDef *def, gconstpointer data, GError **error)
{
    const IotuneRequest *request = data;
    DiskDef *disk = domain_disk_find (def, request->disk);

    if (!disk)
        return error_set (error, ERR_INVALID_ARG, "missing disk device '%s'", request->disk);
    for (guint i = 0; i < request->n; i++) {
        const wire_typed_param *param = &request->params[i];
        guint64 value = param->value.type == PARAM_ULLONG ? param->value.wire_typed_param_value_u.ul : 1;

        for (guint k = 0; k < IOTUNE_LAST; k++) {
            if (strcmp (param->field, iotune_name (k)) != 0)
                continue;
            if (value && !has_throttle (k))
                return error_set (error, ERR_CONFIG_UNSUPPORTED,
                                  "'%s' cannot be limited by control groups: only read and write, bytes and "
                                  "operations", iotune_name (k));
            disk->iotune.value[k] = value;
        }
    }
    return TRUE;
}

static void
tell_iotune (Call *call, Affect affect)
{
    const domain_set_block_io_tune_args *in = call->in;

    if ((affect & AFFECT_LIVE) && in->params.params_len > 0)
        tell (call->domain, in->params.params_val, in->params.params_len, "blkdeviotune.", in->disk);
}

ApiResult
api_domain_set_block_io_tune (Call *call, const domain_set_block_io_tune_args *in, none *out,
                              GError **error)
{
    const IotuneRequest request = { in->disk, in->params.params_val, in->params.params_len };
    ParamSpec specs[IOTUNE_LAST];
    Affect affect;

    (void) out;
    for (guint i = 0; i < IOTUNE_LAST; i++)
        specs[i] = (ParamSpec) { iotune_name (i), PARAM_ULLONG };
    if (!params_check_some (request.params, request.n, specs, G_N_ELEMENTS (specs), error)
        || !affect_resolve (call->domain, in->flags, &affect, error))
        return API_FAILED;
    return tune_change (call, affect, edit_iotune, &request, tell_iotune, error);
}
