/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/events.h"

#include <string.h>

#include "driver/params.h"

#define CALLBACKS_OF_CLIENT_MAX 4096

typedef struct {
    Client *client;             /* not a reference: gone clients are dropped first */
    int number;
    int event;
    gboolean legacy;            /* events without a callback number */
    gboolean one_domain;
    guint8 uuid[16];
} Callback;

/* Of all clients, in order of registration, by event; the order that events are sent in. */
static GQueue callbacks[EVENT_KNOWN_LAST];

int
events_register (Client *client, int event, const guint8 *uuid, gboolean legacy, GError **error)
{
    static int last_number = -1;
    Callback *callback;

    if (event < 0 || event >= (legacy ? EVENT_LEGACY_LAST : (int) EVENT_KNOWN_LAST)) {
        error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "unsupported event ID %d", event);
        return -1;
    }
    for (GSList *l = client->callbacks; l; l = l->next) {
        const Callback *other = l->data;

        if (other->event != event || other->legacy != legacy || other->one_domain != (uuid != NULL) ||
            (uuid && memcmp (other->uuid, uuid, 16) != 0))
            continue;
        error_set_from (error, ORIGIN_NONE, ERR_INVALID_ARG, "event callback already tracked");
        return -1;
    }
    if (g_slist_length (client->callbacks) >= CALLBACKS_OF_CLIENT_MAX) {
        error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "too many event callbacks");
        return -1;
    }
    callback = g_new0 (Callback, 1);
    callback->client = client;
    callback->number = last_number = last_number == G_MAXINT ? 0 : last_number + 1;
    callback->event = event;
    callback->legacy = legacy;
    callback->one_domain = uuid != NULL;
    if (uuid)
        memcpy (callback->uuid, uuid, 16);
    client->callbacks = g_slist_prepend (client->callbacks, callback);
    g_queue_push_tail (&callbacks[event], callback);
    return callback->number;
}

static void
callback_drop (Callback *callback)
{
    callback->client->callbacks = g_slist_remove (callback->client->callbacks, callback);
    g_queue_remove (&callbacks[callback->event], callback);
    g_free (callback);
}

gboolean
events_deregister (Client *client, int number, GError **error)
{
    for (GSList *l = client->callbacks; l; l = l->next) {
        Callback *callback = l->data;

        if (callback->legacy || callback->number != number)
            continue;
        callback_drop (callback);
        return TRUE;
    }
    return error_set_from (error, ORIGIN_RPC, ERR_INTERNAL,
                           "couldn't find event callback %d", number);
}

gboolean
events_deregister_legacy (Client *client, int event, GError **error)
{
    for (GSList *l = client->callbacks; l; l = l->next) {
        Callback *callback = l->data;

        if (!callback->legacy || callback->event != event)
            continue;
        callback_drop (callback);
        return TRUE;
    }
    return error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "event %d was not registered", event);
}

void
events_client_gone (Client *client)
{
    while (client->callbacks)
        callback_drop (client->callbacks->data);
}

/* ---- sending */

static gboolean
wants (const Callback *callback, const Domain *domain)
{
    return callback->client->rpc &&
           (!callback->one_domain || memcmp (callback->uuid, domain->def->uuid, 16) == 0);
}

void
event_lifecycle (const Domain *domain, int event, int detail)
{
    domain_event_callback_lifecycle_msg message = { .msg = { .event = event, .detail = detail } };

    if (g_queue_is_empty (&callbacks[EVENT_LIFECYCLE]))
        return;
    wire_domain_fill (&message.msg.dom, domain);
    for (GList *l = callbacks[EVENT_LIFECYCLE].head; l; l = l->next) {
        const Callback *callback = l->data;

        if (!wants (callback, domain))
            continue;
        message.callbackID = callback->number;
        if (callback->legacy)
            rpc_client_send_event (callback->client->rpc, RPC_PROGRAM_REMOTE,
                                   REMOTE_PROC_DOMAIN_EVENT_LIFECYCLE,
                                   (xdrproc_t) xdr_domain_event_lifecycle_msg, &message.msg);
        else
            rpc_client_send_event (callback->client->rpc, RPC_PROGRAM_REMOTE,
                                   REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE,
                                   (xdrproc_t) xdr_domain_event_callback_lifecycle_msg, &message);
    }
    xdr_free ((xdrproc_t) xdr_domain_event_callback_lifecycle_msg, (char *) &message);
}

void
event_reboot (const Domain *domain)
{
    domain_event_callback_reboot_msg message = { 0 };

    if (g_queue_is_empty (&callbacks[EVENT_REBOOT]))
        return;
    wire_domain_fill (&message.msg.dom, domain);
    for (GList *l = callbacks[EVENT_REBOOT].head; l; l = l->next) {
        const Callback *callback = l->data;

        if (!wants (callback, domain))
            continue;
        message.callbackID = callback->number;
        if (callback->legacy)
            rpc_client_send_event (callback->client->rpc, RPC_PROGRAM_REMOTE,
                                   REMOTE_PROC_DOMAIN_EVENT_REBOOT,
                                   (xdrproc_t) xdr_domain_event_reboot_msg, &message.msg);
        else
            rpc_client_send_event (callback->client->rpc, RPC_PROGRAM_REMOTE,
                                   REMOTE_PROC_DOMAIN_EVENT_CALLBACK_REBOOT,
                                   (xdrproc_t) xdr_domain_event_callback_reboot_msg, &message);
    }
    xdr_free ((xdrproc_t) xdr_domain_event_callback_reboot_msg, (char *) &message);
}

void
event_metadata_change (const Domain *domain, int type, const char *nsuri)
{
    domain_event_callback_metadata_change_msg message = { .type = type };

    if (g_queue_is_empty (&callbacks[EVENT_METADATA_CHANGE]))
        return;
    wire_domain_fill (&message.dom, domain);
    if (nsuri) {
        message.nsuri = g_new (char *, 1);
        *message.nsuri = g_strdup (nsuri);
    }
    for (GList *l = callbacks[EVENT_METADATA_CHANGE].head; l; l = l->next) {
        const Callback *callback = l->data;

        if (!wants (callback, domain))
            continue;
        message.callbackID = callback->number;
        rpc_client_send_event (callback->client->rpc, RPC_PROGRAM_REMOTE,
                               REMOTE_PROC_DOMAIN_EVENT_CALLBACK_METADATA_CHANGE,
                               (xdrproc_t) xdr_domain_event_callback_metadata_change_msg, &message);
    }
    xdr_free ((xdrproc_t) xdr_domain_event_callback_metadata_change_msg, (char *) &message);
}
