/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events of what is no domain: one row each says kind, number, name and layout. */
#include "client/client_private.h"

#include <string.h>

typedef struct {
    SkepKind kind;
    int event;
    const char *name;
    int procedure;
    const char *layout; /* see client_event_read() */
} ObjectEventRow;

static const ObjectEventRow rows[] = {
    { SKEP_NODE_DEVICES, 0, "lifecycle", REMOTE_PROC_NODE_DEVICE_EVENT_LIFECYCLE, "V: i:event i:detail" },
    { SKEP_NODE_DEVICES, 1, "update", REMOTE_PROC_NODE_DEVICE_EVENT_UPDATE, "V:" },
    { SKEP_NETWORKS, 0, "lifecycle", REMOTE_PROC_NETWORK_EVENT_LIFECYCLE, "N: i:event i:detail" },
    { SKEP_NETWORKS, 1, "metadata-change", REMOTE_PROC_NETWORK_EVENT_CALLBACK_METADATA_CHANGE,
      "N: i:type o:uri" },
    { SKEP_POOLS, 0, "lifecycle", REMOTE_PROC_STORAGE_POOL_EVENT_LIFECYCLE, "P: i:event i:detail" },
    { SKEP_POOLS, 1, "refresh", REMOTE_PROC_STORAGE_POOL_EVENT_REFRESH, "P:" },
    { SKEP_SECRETS, 0, "lifecycle", REMOTE_PROC_SECRET_EVENT_LIFECYCLE, "S: i:event i:detail" },
    { SKEP_SECRETS, 1, "value-changed", REMOTE_PROC_SECRET_EVENT_VALUE_CHANGED, "S:" },
};

/* ---- Names ---- */

const char *
skep_object_event_name (SkepKind kind, int event)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
        if (rows[i].kind == kind && rows[i].event == event)
            return rows[i].name;
    return NULL;
}

int
skep_object_event_by_name (SkepKind kind, const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
        if (rows[i].kind == kind && strcmp (rows[i].name, name) == 0)
            return rows[i].event;
    return -1;
}

const char *
skep_object_lifecycle_name (SkepKind kind, int event)
{
    static const char *const names[][6] = {
        [SKEP_NODE_DEVICES] = { "Created", "Deleted", "Defined", "Undefined" },
        [SKEP_NETWORKS] = { "Defined", "Undefined", "Started", "Stopped" },
        [SKEP_POOLS] = { "Defined", "Undefined", "Started", "Stopped", "Created", "Deleted" },
        [SKEP_SECRETS] = { "Defined", "Undefined" },
    };
    const char *name = NULL;

    if ((unsigned) kind < G_N_ELEMENTS (names) && event >= 0 && event < (int) G_N_ELEMENTS (names[0]))
        name = names[kind][event];
    return name ? name : "unknown";
}

/* ---- Registering ---- */

void
skep_on_object_event (SkepConnection *conn, SkepObjectEventHandler handler, void *data)
{
    conn->on_object_event = handler;
    conn->on_object_event_data = data;
}

#define REGISTER(PROC, wire, field, wire_type, wire_value)                                         \
    ({                                                                                             \
        wire##_args in_ = { .eventID = event };                                                    \
        wire##_ret out_ = { 0 };                                                                   \
        wire_type filter_ = { 0 };                                                                 \
                                                                                                   \
        if (object) {                                                                              \
            filter_ = wire_value;                                                                  \
            in_.field = &filter_;                                                                  \
        }                                                                                          \
        CLIENT_CALL (conn, PROC, wire, &in_, &out_, error) ? out_.callbackID : -1;                 \
    })

/* A secret is known by its UUID. */
static wire_secret
secret_of (const SkepObject *object)
{
    wire_secret secret = { .usageID = object->name };

    client_uuid_bytes (object->detail, secret.uuid);
    return secret;
}

int
skep_object_event_register (SkepConnection *conn, SkepKind kind, int event, const SkepObject *object,
                            SkepError *error)
{
    switch (kind) {
    case SKEP_NODE_DEVICES:
        return REGISTER (CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY, connect_node_device_event_register_any,
                         dev, wire_node_device, ((wire_node_device){ object->name }));
    case SKEP_NETWORKS:
        return REGISTER (CONNECT_NETWORK_EVENT_REGISTER_ANY, connect_network_event_register_any, net,
                         wire_network, CLIENT_WIRE (wire_network, object));
    case SKEP_POOLS:
        return REGISTER (CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY,
                         connect_storage_pool_event_register_any, pool, wire_storage_pool,
                         CLIENT_WIRE (wire_storage_pool, object));
    case SKEP_SECRETS:
        return REGISTER (CONNECT_SECRET_EVENT_REGISTER_ANY, connect_secret_event_register_any, secret,
                         wire_secret, secret_of (object));
    default:
        client_fail_with (error, ERR_INVALID_ARG, ORIGIN_DOMAIN, "objects of kind %d have no events",
                          kind);
        return -1;
    }
}

#define DEREGISTER(PROC, wire)                                                                     \
    CLIENT_CALL_VOID (conn, PROC, wire, &((wire##_args){ .callbackID = callback }), error)

bool
skep_object_event_deregister (SkepConnection *conn, SkepKind kind, int callback, SkepError *error)
{
    switch (kind) {
    case SKEP_NODE_DEVICES:
        return DEREGISTER (CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY,
                           connect_node_device_event_deregister_any);
    case SKEP_NETWORKS:
        return DEREGISTER (CONNECT_NETWORK_EVENT_DEREGISTER_ANY, connect_network_event_deregister_any);
    case SKEP_POOLS:
        return DEREGISTER (CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY,
                           connect_storage_pool_event_deregister_any);
    case SKEP_SECRETS:
        return DEREGISTER (CONNECT_SECRET_EVENT_DEREGISTER_ANY, connect_secret_event_deregister_any);
    default:
        return client_fail_with (error, ERR_INVALID_ARG, ORIGIN_DOMAIN,
                                 "objects of kind %d have no events", kind);
    }
}

/* ---- Messages ---- */

void
client_object_event_received (SkepConnection *conn, int procedure, XDR *payload)
{
    const ObjectEventRow *row = rows;
    SkepObject object = { 0 };
    SkepParams values = { 0 };
    SkepObjectEvent event = { .object = &object, .values = &values };

    while (row < rows + G_N_ELEMENTS (rows) && row->procedure != procedure)
        row++;
    if (row == rows + G_N_ELEMENTS (rows) || !conn->on_object_event)
        return;
    event.kind = row->kind;
    event.event = row->event;
    if (xdr_int (payload, &event.callback)
        && client_event_read (payload, row->layout, conn, NULL, &object, &values) && object.name)
        conn->on_object_event (&event, conn->on_object_event_data);
    skep_object_clear (&object);
    skep_params_clear (&values);
}
