/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects beside domains: lists of every kind, and their state. */
#include "client/client_private.h"

#include <stdlib.h>
#include <string.h>

char *
client_uuid_text (const void *bytes)
{
    SkepDomain domain = { 0 };
    char text[37];

    memcpy (domain.uuid, bytes, sizeof domain.uuid);
    skep_domain_uuid_text (&domain, text);
    return g_strdup (text);
}

bool
client_uuid_bytes (const char *text, void *ret_bytes)
{
    uint8_t *bytes = ret_bytes;

    if (!text || !g_uuid_string_is_valid (text))
        return false;
    for (unsigned i = 0; i < 16; i++, text += 2) {
        text += *text == '-';
        bytes[i] = (uint8_t) (g_ascii_xdigit_value (text[0]) << 4 | g_ascii_xdigit_value (text[1]));
    }
    return true;
}

/* One list call; @name_of and @detail_of are expressions of an element, `at`. */
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
                             client_uuid_text (at->uuid));
    case SKEP_POOLS:
        return LIST_OBJECTS (CONNECT_LIST_ALL_STORAGE_POOLS, connect_list_all_storage_pools, pools,
                             at->name, client_uuid_text (at->uuid));
    case SKEP_NODE_DEVICES:
        return LIST_OBJECTS (CONNECT_LIST_ALL_NODE_DEVICES, connect_list_all_node_devices, devices,
                             at->name, NULL);
    case SKEP_INTERFACES:
        return LIST_OBJECTS (CONNECT_LIST_ALL_INTERFACES, connect_list_all_interfaces, ifaces,
                             at->name, g_strdup (at->mac));
    case SKEP_NWFILTERS:
        return LIST_OBJECTS (CONNECT_LIST_ALL_NWFILTERS, connect_list_all_nwfilters, filters,
                             at->name, client_uuid_text (at->uuid));
    case SKEP_NWFILTER_BINDINGS:
        return LIST_OBJECTS (CONNECT_LIST_ALL_NWFILTER_BINDINGS, connect_list_all_nwfilter_bindings,
                             bindings, at->portdev, g_strdup (at->filtername));
    case SKEP_SECRETS:
        return LIST_OBJECTS (CONNECT_LIST_ALL_SECRETS, connect_list_all_secrets, secrets,
                             at->usageID, client_uuid_text (at->uuid));
    }
    client_fail_with (error, ERR_INVALID_ARG, ORIGIN_DOMAIN, "objects of kind %d", kind);
    return -1;
}

void
skep_objects_free (SkepObject *objects, int n)
{
    for (int i = 0; i < n; i++)
        skep_object_clear (&objects[i]);
    free (objects);
}

/* ---- State ---- */

/* The three questions have one shape; @wire_value is what they ask of. */
#define STATE_OF(PREFIX, prefix, field_of, wire_value)                                             \
    ({                                                                                             \
        prefix##_is_active_args active_ = { .field_of = wire_value };                              \
        prefix##_get_autostart_args autostart_ = { .field_of = active_.field_of };                 \
        prefix##_is_persistent_args persistent_ = { .field_of = active_.field_of };                \
        prefix##_is_active_ret active_out_ = { 0 };                                                \
        prefix##_get_autostart_ret autostart_out_ = { 0 };                                         \
        prefix##_is_persistent_ret persistent_out_ = { 0 };                                        \
        bool ok_ = CLIENT_CALL (conn, PREFIX##_IS_ACTIVE, prefix##_is_active, &active_,            \
                                &active_out_, error)                                               \
                && CLIENT_CALL (conn, PREFIX##_GET_AUTOSTART, prefix##_get_autostart, &autostart_, \
                                &autostart_out_, error)                                            \
                && CLIENT_CALL (conn, PREFIX##_IS_PERSISTENT, prefix##_is_persistent, &persistent_, \
                                &persistent_out_, error);                                          \
                                                                                                   \
        if (ok_)                                                                                   \
            *ret_state = (SkepObjectState){ .active = active_out_.active,                          \
                                            .autostart = autostart_out_.autostart,                 \
                                            .persistent = persistent_out_.persistent };            \
        ok_;                                                                                       \
    })

static bool
pool_sizes (SkepConnection *conn, const SkepObject *object, SkepObjectState *state,
            SkepError *error)
{
    storage_pool_get_info_args in = { .pool = CLIENT_WIRE (wire_storage_pool, object) };
    storage_pool_get_info_ret out = { 0 };

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
    switch (kind) {
    case SKEP_NETWORKS:
        return STATE_OF (NETWORK, network, net, CLIENT_WIRE (wire_network, object));
    case SKEP_POOLS:
        return STATE_OF (STORAGE_POOL, storage_pool, pool, CLIENT_WIRE (wire_storage_pool, object))
            && pool_sizes (conn, object, ret_state, error);
    case SKEP_NODE_DEVICES:
        return STATE_OF (NODE_DEVICE, node_device, name, object->name);
    default:
        return client_fail_with (error, ERR_INVALID_ARG, ORIGIN_DOMAIN,
                                 "objects of kind %d have no state", kind);
    }
}
