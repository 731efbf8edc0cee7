/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects beside domains: lists of every kind, node devices, interfaces. */
#include "client/client_private.h"

#include <stdlib.h>
#include <string.h>

static char *
uuid_text (const void *bytes)
{
    SkepDomain domain = { 0 };
    char text[37];

    memcpy (domain.uuid, bytes, sizeof domain.uuid);
    skep_domain_uuid_text (&domain, text);
    return g_strdup (text);
}

/* One list call; @name and @detail are expressions of an element called @at. */
#define LIST_OBJECTS(PROC, wire, field, name_of, detail_of)                                        \
    ({                                                                                             \
        wire##_args in_ = { .need_results = 1, .flags = flags };                                   \
        wire##_ret out_ = { 0 };                                                                   \
        int n_ = -1;                                                                               \
                                                                                                   \
        if (CLIENT_CALL (conn, PROC, wire, &in_, &out_, error)) {                                  \
            n_ = (int) out_.field.field##_len;                                                     \
            *ret_objects = g_new0 (SkepObject, (size_t) n_ + 1);                                   \
            for (int i_ = 0; i_ < n_; i_++) {                                                      \
                __typeof__ (out_.field.field##_val) at = &out_.field.field##_val[i_];              \
                                                                                                   \
                (*ret_objects)[i_].name = g_strdup (name_of);                                      \
                (*ret_objects)[i_].detail = detail_of;                                             \
            }                                                                                      \
            CLIENT_FREE (wire, &out_);                                                             \
        }                                                                                          \
        n_;                                                                                        \
    })

int
skep_objects (SkepConnection *conn, SkepKind kind, unsigned flags, SkepObject **ret_objects,
              SkepError *error)
{
    switch (kind) {
    case SKEP_NETWORKS:
        return LIST_OBJECTS (CONNECT_LIST_ALL_NETWORKS, connect_list_all_networks, nets, at->name,
                             uuid_text (at->uuid));
    case SKEP_POOLS:
        return LIST_OBJECTS (CONNECT_LIST_ALL_STORAGE_POOLS, connect_list_all_storage_pools, pools,
                             at->name, uuid_text (at->uuid));
    case SKEP_NODE_DEVICES:
        return LIST_OBJECTS (CONNECT_LIST_ALL_NODE_DEVICES, connect_list_all_node_devices, devices,
                             at->name, NULL);
    case SKEP_INTERFACES:
        return LIST_OBJECTS (CONNECT_LIST_ALL_INTERFACES, connect_list_all_interfaces, ifaces,
                             at->name, g_strdup (at->mac));
    case SKEP_NWFILTERS:
        return LIST_OBJECTS (CONNECT_LIST_ALL_NWFILTERS, connect_list_all_nwfilters, filters,
                             at->name, uuid_text (at->uuid));
    case SKEP_NWFILTER_BINDINGS:
        return LIST_OBJECTS (CONNECT_LIST_ALL_NWFILTER_BINDINGS, connect_list_all_nwfilter_bindings,
                             bindings, at->portdev, g_strdup (at->filtername));
    case SKEP_SECRETS:
        return LIST_OBJECTS (CONNECT_LIST_ALL_SECRETS, connect_list_all_secrets, secrets,
                             at->usageID, uuid_text (at->uuid));
    }
    client_fail_with (error, ERR_INVALID_ARG, ORIGIN_DOMAIN, "objects of kind %d", kind);
    return -1;
}

void
skep_objects_free (SkepObject *objects, int n)
{
    for (int i = 0; i < n; i++) {
        free (objects[i].name);
        free (objects[i].detail);
    }
    free (objects);
}

/* The three questions have one shape. */
#define STATE_OF(PREFIX, prefix, field_of, object_type)                                            \
    ({                                                                                             \
        object_type wire_ = { .name = object->name };                                              \
        prefix##_is_active_args active_ = { 0 };                                                   \
        prefix##_get_autostart_args autostart_ = { 0 };                                            \
        prefix##_is_persistent_args persistent_ = { 0 };                                           \
        prefix##_is_active_ret active_out_ = { 0 };                                                \
        prefix##_get_autostart_ret autostart_out_ = { 0 };                                         \
        prefix##_is_persistent_ret persistent_out_ = { 0 };                                        \
        bool ok_;                                                                                  \
                                                                                                   \
        uuid_bytes (object->detail, wire_.uuid);                                                   \
        active_.field_of = autostart_.field_of = persistent_.field_of = wire_;                     \
        ok_ = CLIENT_CALL (conn, PREFIX##_IS_ACTIVE, prefix##_is_active, &active_, &active_out_,   \
                           error)                                                                  \
           && CLIENT_CALL (conn, PREFIX##_GET_AUTOSTART, prefix##_get_autostart, &autostart_,      \
                           &autostart_out_, error)                                                 \
           && CLIENT_CALL (conn, PREFIX##_IS_PERSISTENT, prefix##_is_persistent, &persistent_,     \
                           &persistent_out_, error);                                               \
        if (ok_)                                                                                   \
            *ret_state = (SkepObjectState){ .active = active_out_.active,                          \
                                            .autostart = autostart_out_.autostart,                 \
                                            .persistent = persistent_out_.persistent };            \
        ok_;                                                                                       \
    })

/* The 16 bytes of what uuid_text() wrote. */
static void
uuid_bytes (const char *text, void *ret_bytes)
{
    uint8_t *bytes = ret_bytes;

    for (unsigned i = 0; text && i < 16 && *text; i++, text += 2) {
        text += *text == '-';
        bytes[i] = (uint8_t) (g_ascii_xdigit_value (text[0]) << 4 | g_ascii_xdigit_value (text[1]));
    }
}

static bool
pool_sizes (SkepConnection *conn, const SkepObject *object, SkepObjectState *state,
            SkepError *error)
{
    storage_pool_get_info_args in = { .pool = { .name = object->name } };
    storage_pool_get_info_ret out = { 0 };

    uuid_bytes (object->detail, in.pool.uuid);
    if (!CLIENT_CALL (conn, STORAGE_POOL_GET_INFO, storage_pool_get_info, &in, &out, error))
        return false;
    state->capacity = out.capacity;
    state->allocation = out.allocation;
    state->available = out.available;
    return true;
}

bool
skep_object_state (SkepConnection *conn, SkepKind kind, const SkepObject *object,
                   SkepObjectState *ret_state, SkepError *error)
{
    if (kind == SKEP_NETWORKS)
        return STATE_OF (NETWORK, network, net, wire_network);
    if (kind == SKEP_POOLS)
        return STATE_OF (STORAGE_POOL, storage_pool, pool, wire_storage_pool)
            && pool_sizes (conn, object, ret_state, error);
    return client_fail_with (error, ERR_INVALID_ARG, ORIGIN_DOMAIN, "objects of kind %d have no state",
                             kind);
}

/* ---- Node devices and interfaces ---- */

#define STRING_CALL(conn, PROC, wire, in, field)                                                   \
    ({                                                                                             \
        wire##_ret out_ = { 0 };                                                                   \
        char *text_ = NULL;                                                                        \
                                                                                                   \
        if (CLIENT_CALL (conn, PROC, wire, in, &out_, error)) {                                    \
            text_ = g_strdup (out_.field);                                                         \
            CLIENT_FREE (wire, &out_);                                                             \
        }                                                                                          \
        text_;                                                                                     \
    })

char *
skep_node_device_xml (SkepConnection *conn, const char *name, SkepError *error)
{
    node_device_lookup_by_name_args found = { .name = (char *) name };
    node_device_lookup_by_name_ret device = { 0 };
    node_device_get_xml_desc_args in = { .name = (char *) name };

    if (!CLIENT_CALL (conn, NODE_DEVICE_LOOKUP_BY_NAME, node_device_lookup_by_name, &found, &device,
                      error))
        return NULL;
    CLIENT_FREE (node_device_lookup_by_name, &device);
    return STRING_CALL (conn, NODE_DEVICE_GET_XML_DESC, node_device_get_xml_desc, &in, xml);
}

char *
skep_node_device_parent (SkepConnection *conn, const char *name, SkepError *error)
{
    node_device_get_parent_args in = { .name = (char *) name };
    node_device_get_parent_ret out = { 0 };
    char *parent;

    if (!CLIENT_CALL (conn, NODE_DEVICE_GET_PARENT, node_device_get_parent, &in, &out, error))
        return NULL;
    parent = out.parentName ? g_strdup (*out.parentName) : NULL;
    CLIENT_FREE (node_device_get_parent, &out);
    return parent;
}

bool
skep_interface_find (SkepConnection *conn, const char *name, SkepObject *ret_interface,
                     SkepError *error)
{
    interface_lookup_by_name_args in = { .name = (char *) name };
    interface_lookup_by_name_ret out = { 0 };
    interface_lookup_by_mac_string_args mac = { .mac = (char *) name };
    interface_lookup_by_mac_string_ret by_mac = { 0 };

    if (strchr (name, ':')) {
        if (!CLIENT_CALL (conn, INTERFACE_LOOKUP_BY_MAC_STRING, interface_lookup_by_mac_string,
                          &mac, &by_mac, error))
            return false;
        *ret_interface
            = (SkepObject){ g_strdup (by_mac.iface.name), g_strdup (by_mac.iface.mac) };
        CLIENT_FREE (interface_lookup_by_mac_string, &by_mac);
        return true;
    }
    if (!CLIENT_CALL (conn, INTERFACE_LOOKUP_BY_NAME, interface_lookup_by_name, &in, &out, error))
        return false;
    *ret_interface = (SkepObject){ g_strdup (out.iface.name), g_strdup (out.iface.mac) };
    CLIENT_FREE (interface_lookup_by_name, &out);
    return true;
}

char *
skep_interface_xml (SkepConnection *conn, const SkepObject *interface, unsigned flags,
                    SkepError *error)
{
    interface_get_xml_desc_args in = { .iface = { interface->name, interface->detail },
                                       .flags = flags };

    return STRING_CALL (conn, INTERFACE_GET_XML_DESC, interface_get_xml_desc, &in, xml);
}

int
skep_interface_is_active (SkepConnection *conn, const SkepObject *interface, SkepError *error)
{
    interface_is_active_args in = { .iface = { interface->name, interface->detail } };
    interface_is_active_ret out = { 0 };

    return CLIENT_CALL (conn, INTERFACE_IS_ACTIVE, interface_is_active, &in, &out, error)
             ? out.active
             : -1;
}

/* ---- The host's memory ---- */

bool
skep_node_memory_params (SkepConnection *conn, SkepParams *ret_params, SkepError *error)
{
    node_get_memory_parameters_args in = { 0 };
    node_get_memory_parameters_ret out = { 0 };

    if (!CLIENT_CALL (conn, NODE_GET_MEMORY_PARAMETERS, node_get_memory_parameters, &in, &out,
                      error))
        return false;
    in.nparams = out.nparams;
    CLIENT_FREE (node_get_memory_parameters, &out);
    memset (&out, 0, sizeof out);
    if (in.nparams
        && !CLIENT_CALL (conn, NODE_GET_MEMORY_PARAMETERS, node_get_memory_parameters, &in, &out,
                         error))
        return false;
    client_params_from_wire (out.params.params_val, out.params.params_len, ret_params);
    CLIENT_FREE (node_get_memory_parameters, &out);
    return true;
}

bool
skep_node_set_memory_params (SkepConnection *conn, const SkepParams *params, SkepError *error)
{
    g_autofree wire_typed_param *values = client_params_to_wire (params);
    node_set_memory_parameters_args in = { .params = { (unsigned) params->n, values } };

    return CLIENT_CALL_VOID (conn, NODE_SET_MEMORY_PARAMETERS, node_set_memory_parameters, &in,
                             error);
}

int
skep_node_alloc_pages (SkepConnection *conn, unsigned size, uint64_t count, int first,
                       unsigned n_cells, bool add, SkepError *error)
{
    u_quad_t counts = count;
    node_alloc_pages_args in = { .pageSizes = { 1, &size },
                                 .pageCounts = { 1, &counts },
                                 .startCell = first,
                                 .cellCount = n_cells,
                                 .flags = add ? 0 : 1 };
    node_alloc_pages_ret out = { 0 };

    return CLIENT_CALL (conn, NODE_ALLOC_PAGES, node_alloc_pages, &in, &out, error) ? out.ret : -1;
}
