/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network interfaces of the host, to look at. */
#include <string.h>

#include "driver/api.h"
#include "driver/host_list.h"
#include "driver/params.h"
#include "host/interface.h"

#define NAMES_MAX 16384

enum { LIST_INACTIVE = 1 << 0, LIST_ACTIVE = 1 << 1 };  /* virConnectListAllInterfacesFlags */

static HostList interfaces = { .read = interfaces_read };

static void
interface_fill (wire_interface *wire, const HostInterface *interface)
{
    wire->name = g_strdup (interface->name);
    wire->mac = g_strdup (interface->mac);
}

/* ---- lists: ports of bridges are shown with their bridge */

static guint
names_of (const GPtrArray *list, gboolean up, guint max, char **names)
{
    guint n = 0;

    for (guint i = 0; i < list->len && n < max; i++) {
        const HostInterface *interface = list->pdata[i];

        if (interface->port || !(up ? interface->up : interface->down))
            continue;
        if (names)
            names[n] = g_strdup (interface->name);
        n++;
    }
    return n;
}

#define COUNT_AND_NAMES(number, list_, up)                                                         \
    static ApiResult number##_answer (Call *call, const GPtrArray *list, GError **error)           \
    {                                                                                              \
        (void) error;                                                                              \
        ((number##_ret *) call->out)->num = (int) names_of (list, up, NAMES_MAX, NULL);            \
        return API_DONE;                                                                           \
    }                                                                                              \
                                                                                                   \
    ApiResult api_##number (Call *call, const none *in, number##_ret *out, GError **error)         \
    {                                                                                              \
        (void) in;                                                                                 \
        (void) out;                                                                                \
        return host_list_ask (&interfaces, call, number##_answer, error);                          \
    }                                                                                              \
                                                                                                   \
    static ApiResult list_##_answer (Call *call, const GPtrArray *list, GError **error)            \
    {                                                                                              \
        guint max = (guint) ((const list_##_args *) call->in)->maxnames;                           \
        list_##_ret *out = call->out;                                                              \
                                                                                                   \
        (void) error;                                                                              \
        out->names.names_val = g_new0 (char *, MIN (max, list->len) + 1);                          \
        out->names.names_len = names_of (list, up, max, out->names.names_val);                     \
        return API_DONE;                                                                           \
    }                                                                                              \
                                                                                                   \
    ApiResult api_##list_ (Call *call, const list_##_args *in, list_##_ret *out, GError **error)   \
    {                                                                                              \
        (void) out;                                                                                \
        if (!room_check (in->maxnames, NAMES_MAX, error))                                          \
            return API_FAILED;                                                                     \
        return host_list_ask (&interfaces, call, list_##_answer, error);                           \
    }

COUNT_AND_NAMES (connect_num_of_interfaces, connect_list_interfaces, TRUE)
COUNT_AND_NAMES (connect_num_of_defined_interfaces, connect_list_defined_interfaces, FALSE)

static ApiResult
all_answer (Call *call, const GPtrArray *list, GError **error)
{
    const connect_list_all_interfaces_args *in = call->in;
    connect_list_all_interfaces_ret *out = call->out;
    guint wanted = in->flags ? in->flags : LIST_ACTIVE | LIST_INACTIVE;

    (void) error;
    if (in->need_results)
        out->ifaces.ifaces_val = g_new0 (wire_interface, MAX (list->len, 1));
    for (guint i = 0; i < list->len; i++) {
        const HostInterface *interface = list->pdata[i];

        if (interface->port || !(wanted & (interface->up ? LIST_ACTIVE : LIST_INACTIVE)))
            continue;
        out->ret++;
        if (in->need_results)
            interface_fill (&out->ifaces.ifaces_val[out->ifaces.ifaces_len++], interface);
    }
    return API_DONE;
}

ApiResult
api_connect_list_all_interfaces (Call *call, const connect_list_all_interfaces_args *in,
                                 connect_list_all_interfaces_ret *out, GError **error)
{
    (void) in;
    (void) out;
    return host_list_ask (&interfaces, call, all_answer, error);
}

/* ---- one of them */

static const HostInterface *
interface_find (const GPtrArray *list, const char *name, GError **error)
{
    const HostInterface *interface = interfaces_find (list, name);

    if (!interface)
        error_set_from (error, ORIGIN_INTERFACE, ERR_NO_INTERFACE, "couldn't find interface named '%s'", name);
    return interface;
}

static ApiResult
name_answer (Call *call, const GPtrArray *list, GError **error)
{
    const HostInterface *interface
        = interface_find (list, ((const interface_lookup_by_name_args *) call->in)->name, error);

    if (!interface)
        return API_FAILED;
    interface_fill (&((interface_lookup_by_name_ret *) call->out)->iface, interface);
    return API_DONE;
}

ApiResult
api_interface_lookup_by_name (Call *call, const interface_lookup_by_name_args *in,
                              interface_lookup_by_name_ret *out, GError **error)
{
    (void) in;
    (void) out;
    return host_list_ask (&interfaces, call, name_answer, error);
}

static ApiResult
mac_answer (Call *call, const GPtrArray *list, GError **error)
{
    const char *mac = ((const interface_lookup_by_mac_string_args *) call->in)->mac;
    const HostInterface *found = NULL;
    guint n = 0;

    for (guint i = 0; i < list->len; i++) {
        const HostInterface *interface = list->pdata[i];

        if (g_ascii_strcasecmp (interface->mac, mac) == 0) {
            found = interface;
            n++;
        }
    }
    if (n == 1) {
        interface_fill (&((interface_lookup_by_mac_string_ret *) call->out)->iface, found);
        return API_DONE;
    }
    if (n == 0)
        error_set_from (error, ORIGIN_INTERFACE, ERR_NO_INTERFACE,
                        "couldn't find interface with MAC address '%s'", mac);
    else
        error_set_from (error, ORIGIN_INTERFACE, ERR_MULTIPLE_INTERFACES,
                        "the MAC address '%s' matches %u interfaces", mac, n);
    return API_FAILED;
}

ApiResult
api_interface_lookup_by_mac_string (Call *call, const interface_lookup_by_mac_string_args *in,
                                    interface_lookup_by_mac_string_ret *out, GError **error)
{
    (void) in;
    (void) out;
    return host_list_ask (&interfaces, call, mac_answer, error);
}

static ApiResult
xml_answer (Call *call, const GPtrArray *list, GError **error)
{
    const HostInterface *interface
        = interface_find (list, ((const interface_get_xml_desc_args *) call->in)->iface.name, error);

    if (!interface)
        return API_FAILED;
    ((interface_get_xml_desc_ret *) call->out)->xml = interface_xml (interface->name);
    return API_DONE;
}

ApiResult
api_interface_get_xml_desc (Call *call, const interface_get_xml_desc_args *in,
                            interface_get_xml_desc_ret *out, GError **error)
{
    (void) in;
    (void) out;
    return host_list_ask (&interfaces, call, xml_answer, error);
}

static ApiResult
active_answer (Call *call, const GPtrArray *list, GError **error)
{
    const HostInterface *interface
        = interface_find (list, ((const interface_is_active_args *) call->in)->iface.name, error);

    if (!interface)
        return API_FAILED;
    ((interface_is_active_ret *) call->out)->active = interface->up;
    return API_DONE;
}

ApiResult
api_interface_is_active (Call *call, const interface_is_active_args *in, interface_is_active_ret *out,
                         GError **error)
{
    (void) in;
    (void) out;
    return host_list_ask (&interfaces, call, active_answer, error);
}
