/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of the host, to look at. */
#include <string.h>

#include "driver/api.h"
#include "driver/host_list.h"
#include "driver/params.h"
#include "host/device.h"

#define NAMES_MAX 65536

/* virConnectListAllNodeDeviceFlags that are about a device's life: all are active, and none but the computer
 * itself is persistent, as nobody defined them. The middle two came with libvirt 10.1. */
#define LIST_ACTIVE (1u << 31)
#define LIST_INACTIVE (1u << 30)
#define LIST_TRANSIENT (1u << 29)
#define LIST_PERSISTENT (1u << 28)
#define LIST_CAPS ((1u << 22) - 1)

static HostList devices = { .read = devices_read };

/* ---- lists */

static gboolean
passes (const HostDevice *device, const char *cap)
{
    return !cap || device_has_cap (device, cap);
}

static gboolean
is_persistent (const HostDevice *device)
{
    return device->kind == DEVICE_SYSTEM;
}

static gboolean
passes_flags (const HostDevice *device, guint flags)
{
    guint life = flags & (LIST_PERSISTENT | LIST_TRANSIENT);

    if ((flags & (LIST_ACTIVE | LIST_INACTIVE)) == LIST_INACTIVE)
        return FALSE;
    if (life && !(life & (is_persistent (device) ? LIST_PERSISTENT : LIST_TRANSIENT)))
        return FALSE;
    return !(flags & LIST_CAPS) || (device->caps & flags & LIST_CAPS);
}

static ApiResult
num_answer (Call *call, const GPtrArray *list, GError **error)
{
    const node_num_of_devices_args *in = call->in;
    node_num_of_devices_ret *out = call->out;

    (void) error;
    for (guint i = 0; i < list->len; i++)
        out->num += passes (list->pdata[i], wire_text (in->cap));
    return API_DONE;
}

ApiResult
api_node_num_of_devices (Call *call, const node_num_of_devices_args *in, node_num_of_devices_ret *out,
                         GError **error)
{
    (void) in;
    (void) out;
    return host_list_ask (&devices, call, num_answer, error);
}

static ApiResult
names_answer (Call *call, const GPtrArray *list, GError **error)
{
    const node_list_devices_args *in = call->in;
    node_list_devices_ret *out = call->out;

    (void) error;
    out->names.names_val = g_new0 (char *, MIN (list->len, (guint) in->maxnames) + 1);
    for (guint i = 0; i < list->len && out->names.names_len < (guint) in->maxnames; i++) {
        const HostDevice *device = list->pdata[i];

        if (passes (device, wire_text (in->cap)))
            out->names.names_val[out->names.names_len++] = g_strdup (device->name);
    }
    return API_DONE;
}

ApiResult
api_node_list_devices (Call *call, const node_list_devices_args *in, node_list_devices_ret *out,
                       GError **error)
{
    (void) out;
    if (!room_check (in->maxnames, NAMES_MAX, error))
        return API_FAILED;
    return host_list_ask (&devices, call, names_answer, error);
}

static ApiResult
all_answer (Call *call, const GPtrArray *list, GError **error)
{
    const connect_list_all_node_devices_args *in = call->in;
    connect_list_all_node_devices_ret *out = call->out;

    (void) error;
    if (in->need_results)
        out->devices.devices_val = g_new0 (wire_node_device, MAX (list->len, 1));
    for (guint i = 0; i < list->len && out->ret < NAMES_MAX; i++) {
        const HostDevice *device = list->pdata[i];

        if (!passes_flags (device, in->flags))
            continue;
        out->ret++;
        if (in->need_results)
            out->devices.devices_val[out->devices.devices_len++].name = g_strdup (device->name);
    }
    return API_DONE;
}

ApiResult
api_connect_list_all_node_devices (Call *call, const connect_list_all_node_devices_args *in,
                                   connect_list_all_node_devices_ret *out, GError **error)
{
    (void) in;
    (void) out;
    return host_list_ask (&devices, call, all_answer, error);
}

/* ---- one of them: each of these begins its arguments with the name */

static const HostDevice *
device_of (const Call *call, const GPtrArray *list, GError **error)
{
    const char *name = *(char *const *) call->in;
    const HostDevice *device = devices_find (list, name);

    if (!device)
        error_set_from (error, ORIGIN_NODEDEV, ERR_NO_NODE_DEVICE, "no node device with matching name '%s'",
                        name);
    return device;
}

#define DEVICE_QUESTION(name)                                                                      \
    static ApiResult name##_answer (Call *call, const GPtrArray *list, GError **error)             \
    {                                                                                              \
        const HostDevice *device = device_of (call, list, error);                                  \
                                                                                                   \
        return device ? name##_fill (device, call->in, call->out, error) : API_FAILED;             \
    }                                                                                              \
                                                                                                   \
    ApiResult api_##name (Call *call, const name##_args *in, name##_ret *out, GError **error)      \
    {                                                                                              \
        (void) in;                                                                                 \
        (void) out;                                                                                \
        return host_list_ask (&devices, call, name##_answer, error);                               \
    }

static ApiResult
node_device_lookup_by_name_fill (const HostDevice *device, const node_device_lookup_by_name_args *in,
                                 node_device_lookup_by_name_ret *out, GError **error)
{
    (void) in;
    (void) error;
    out->dev.name = g_strdup (device->name);
    return API_DONE;
}
DEVICE_QUESTION (node_device_lookup_by_name)

static ApiResult
node_device_get_xml_desc_fill (const HostDevice *device, const node_device_get_xml_desc_args *in,
                               node_device_get_xml_desc_ret *out, GError **error)
{
    (void) in;
    (void) error;
    out->xml = device_xml (device);
    return API_DONE;
}
DEVICE_QUESTION (node_device_get_xml_desc)

static ApiResult
node_device_get_parent_fill (const HostDevice *device, const node_device_get_parent_args *in,
                             node_device_get_parent_ret *out, GError **error)
{
    (void) in;
    if (!device->parent) {
        error_set_from (error, ORIGIN_NODEDEV, ERR_INTERNAL, "no parent for this device");
        return API_FAILED;
    }
    out->parentName = g_new (char *, 1);
    *out->parentName = g_strdup (device->parent);
    return API_DONE;
}
DEVICE_QUESTION (node_device_get_parent)

/* The capabilities of a device, lowest bit first. */
static guint
caps_of (const HostDevice *device, const char *names[32])
{
    guint n = 0;

    for (guint bit = 1; bit; bit <<= 1) {
        const char *name = device->caps & bit ? device_cap_name (bit) : NULL;

        if (name)
            names[n++] = name;
    }
    return n;
}

static ApiResult
node_device_num_of_caps_fill (const HostDevice *device, const node_device_num_of_caps_args *in,
                              node_device_num_of_caps_ret *out, GError **error)
{
    const char *names[32];

    (void) in;
    (void) error;
    out->num = (int) caps_of (device, names);
    return API_DONE;
}
DEVICE_QUESTION (node_device_num_of_caps)

static ApiResult
node_device_list_caps_fill (const HostDevice *device, const node_device_list_caps_args *in,
                            node_device_list_caps_ret *out, GError **error)
{
    const char *names[32];
    guint n = caps_of (device, names);

    if (!room_check (in->maxnames, NAMES_MAX, error))
        return API_FAILED;
    out->names.names_val = g_new0 (char *, n + 1);
    for (guint i = 0; i < MIN (n, (guint) in->maxnames); i++)
        out->names.names_val[out->names.names_len++] = g_strdup (names[i]);
    return API_DONE;
}
DEVICE_QUESTION (node_device_list_caps)

/* What is there is active, and gone when it goes. */
static ApiResult
node_device_is_active_fill (const HostDevice *device, const node_device_is_active_args *in,
                            node_device_is_active_ret *out, GError **error)
{
    (void) device;
    (void) in;
    (void) error;
    out->active = 1;
    return API_DONE;
}
DEVICE_QUESTION (node_device_is_active)

static ApiResult
node_device_is_persistent_fill (const HostDevice *device, const node_device_is_persistent_args *in,
                                node_device_is_persistent_ret *out, GError **error)
{
    (void) in;
    (void) error;
    out->persistent = is_persistent (device);
    return API_DONE;
}
DEVICE_QUESTION (node_device_is_persistent)

static ApiResult
node_device_get_autostart_fill (const HostDevice *device, const node_device_get_autostart_args *in,
                                node_device_get_autostart_ret *out, GError **error)
{
    (void) in;
    (void) error;
    out->autostart = is_persistent (device);
    return API_DONE;
}
DEVICE_QUESTION (node_device_get_autostart)

/* ---- Fibre Channel */

static ApiResult
wwn_answer (Call *call, const GPtrArray *list, GError **error)
{
    const node_device_lookup_scsi_host_by_wwn_args *in = call->in;
    node_device_lookup_scsi_host_by_wwn_ret *out = call->out;

    for (guint i = 0; i < list->len; i++) {
        const HostDevice *device = list->pdata[i];

        if ((device->caps & DEVICE_FC_HOST) && device_has_wwn (device, in->wwnn, in->wwpn)) {
            out->dev.name = g_strdup (device->name);
            return API_DONE;
        }
    }
    error_set_from (error, ORIGIN_NODEDEV, ERR_NO_NODE_DEVICE, "no node device with wwnn '%s' and wwpn '%s'",
                    in->wwnn, in->wwpn);
    return API_FAILED;
}

ApiResult
api_node_device_lookup_scsi_host_by_wwn (Call *call, const node_device_lookup_scsi_host_by_wwn_args *in,
                                         node_device_lookup_scsi_host_by_wwn_ret *out, GError **error)
{
    (void) in;
    (void) out;
    return host_list_ask (&devices, call, wwn_answer, error);
}
