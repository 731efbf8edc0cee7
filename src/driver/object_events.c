/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/object_events.h"

#include <string.h>

#include "driver/host_list.h"
#include "driver/node_watch.h"

#define CALLBACKS_OF_CLIENT_MAX 4096
#define EVENTS_LAST 2           /* of each kind: life, and update, value, metadata or refresh */
enum { EVENT_LIFE = 0 };
enum { LIFE_CREATED = 0, LIFE_DELETED = 1 };        /* virNodeDeviceEventLifecycleType */

typedef struct {
    Client *client;             /* not a reference: gone clients are dropped first */
    int number;
    ObjectKind kind;
    int event;
    char *name;
} Callback;

static GQueue callbacks;        /* in order of registration */

static const char *const kind_names[OBJECT_LAST] = { "node device", "secret", "network", "storage pool" };

const char *
object_kind_name (ObjectKind kind)
{
    return kind_names[kind];
}

static guint
count (const Client *client, ObjectKind kind)
{
    guint n = 0;

    for (GList *l = callbacks.head; l; l = l->next) {
        const Callback *callback = l->data;

        n += (!client || callback->client == client) && (kind == OBJECT_LAST || callback->kind == kind);
    }
    return n;
}

static void
node_device_told (const char *name, gboolean created)
{
    node_device_event_lifecycle_msg message = { .dev = { .name = (char *) name },
                                                .event = created ? LIFE_CREATED : LIFE_DELETED };

    host_lists_changed ();
    for (GList *l = callbacks.head; l; l = l->next) {
        const Callback *callback = l->data;

        if (callback->kind != OBJECT_NODE_DEVICE || callback->event != EVENT_LIFE || !callback->client->rpc
            || (callback->name && strcmp (callback->name, name) != 0))
            continue;
        message.callbackID = callback->number;
        rpc_client_send_event (callback->client->rpc, RPC_PROGRAM_REMOTE, REMOTE_PROC_NODE_DEVICE_EVENT_LIFECYCLE,
                               (xdrproc_t) xdr_node_device_event_lifecycle_msg, &message);
    }
}

int
object_events_register (Client *client, ObjectKind kind, int event, const char *name, GError **error)
{
    static int last_number = -1;
    Callback *callback;

    if (event < 0 || event >= EVENTS_LAST) {
        error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "unsupported %s event ID %d", kind_names[kind], event);
        return -1;
    }
    if (count (client, OBJECT_LAST) >= CALLBACKS_OF_CLIENT_MAX) {
        error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "too many event callbacks");
        return -1;
    }
    if (kind == OBJECT_NODE_DEVICE && !node_watch_begin (node_device_told, error))
        return -1;
    callback = g_new0 (Callback, 1);
    *callback = (Callback) { .client = client, .kind = kind, .event = event, .name = g_strdup (name),
                             .number = last_number == G_MAXINT ? 0 : last_number + 1 };
    last_number = callback->number;
    g_queue_push_tail (&callbacks, callback);
    return callback->number;
}

static void
callback_drop (Callback *callback)
{
    g_queue_remove (&callbacks, callback);
    g_free (callback->name);
    g_free (callback);
    if (count (NULL, OBJECT_NODE_DEVICE) == 0)
        node_watch_end ();
}

gboolean
object_events_deregister (Client *client, ObjectKind kind, int number, GError **error)
{
    for (GList *l = callbacks.head; l; l = l->next) {
        Callback *callback = l->data;

        if (callback->client == client && callback->kind == kind && callback->number == number) {
            callback_drop (callback);
            return TRUE;
        }
    }
    return error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "couldn't find %s event callback %d", kind_names[kind],
                           number);
}

void
object_events_client_gone (Client *client)
{
    for (GList *l = callbacks.head, *next; l; l = next) {
        Callback *callback = l->data;

        next = l->next;
        if (callback->client == client)
            callback_drop (callback);
    }
}
