/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/events.h"

#include <string.h>

#include "driver/params.h"

#define CALLBACKS_OF_CLIENT_MAX 4096

typedef struct {
    Client *client; /* not a reference: gone clients are dropped first */
    int number;
    int event;
    gboolean legacy; /* events without a callback number */
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

        if (other->event != event || other->legacy != legacy || other->one_domain != (uuid != NULL)
            || (uuid && memcmp (other->uuid, uuid, 16) != 0))
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
    return error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "couldn't find event callback %d",
                           number);
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

/* How an event is said. Its message begins with the callback's number; what older clients get is a
 * part of it. */
typedef struct {
    EventId event;
    int procedure;
    xdrproc_t encode;
    int legacy_procedure; /* 0: none */
    xdrproc_t legacy_encode;
    gsize legacy_at;
} EventWire;

#define EVENT_WIRE(id, number, type)                                                               \
    {                                                                                              \
        id, number, (xdrproc_t) xdr_##type, 0, NULL, 0                                             \
    }
#define EVENT_WIRE_BOTH(id, number, type, legacy_number, legacy_type)                              \
    {                                                                                              \
        id, number, (xdrproc_t) xdr_##type, legacy_number, (xdrproc_t) xdr_##legacy_type,          \
            offsetof (type, msg)                                                                   \
    }

static const EventWire lifecycle_wire
    = EVENT_WIRE_BOTH (EVENT_LIFECYCLE, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE,
                       domain_event_callback_lifecycle_msg, REMOTE_PROC_DOMAIN_EVENT_LIFECYCLE,
                       domain_event_lifecycle_msg);
static const EventWire reboot_wire = EVENT_WIRE_BOTH (
    EVENT_REBOOT, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_REBOOT, domain_event_callback_reboot_msg,
    REMOTE_PROC_DOMAIN_EVENT_REBOOT, domain_event_reboot_msg);
static const EventWire balloon_wire
    = EVENT_WIRE_BOTH (EVENT_BALLOON_CHANGE, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_BALLOON_CHANGE,
                       domain_event_callback_balloon_change_msg,
                       REMOTE_PROC_DOMAIN_EVENT_BALLOON_CHANGE, domain_event_balloon_change_msg);
static const EventWire tunable_wire = EVENT_WIRE (
    EVENT_TUNABLE, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_TUNABLE, domain_event_callback_tunable_msg);
static const EventWire device_added_wire
    = EVENT_WIRE (EVENT_DEVICE_ADDED, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_DEVICE_ADDED,
                  domain_event_callback_device_added_msg);
static const EventWire device_removed_wire
    = EVENT_WIRE_BOTH (EVENT_DEVICE_REMOVED, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_DEVICE_REMOVED,
                       domain_event_callback_device_removed_msg, REMOTE_PROC_DOMAIN_EVENT_DEVICE_REMOVED,
                       domain_event_device_removed_msg);
static const EventWire removal_failed_wire
    = EVENT_WIRE (EVENT_DEVICE_REMOVAL_FAILED, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_DEVICE_REMOVAL_FAILED,
                  domain_event_callback_device_removal_failed_msg);
static const EventWire control_error_wire
    = EVENT_WIRE_BOTH (EVENT_CONTROL_ERROR, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_CONTROL_ERROR,
                       domain_event_callback_control_error_msg, REMOTE_PROC_DOMAIN_EVENT_CONTROL_ERROR,
                       domain_event_control_error_msg);
static const EventWire job_completed_wire
    = EVENT_WIRE (EVENT_JOB_COMPLETED, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_JOB_COMPLETED,
                  domain_event_callback_job_completed_msg);
static const EventWire memory_failure_wire
    = EVENT_WIRE (EVENT_MEMORY_FAILURE, REMOTE_PROC_DOMAIN_EVENT_MEMORY_FAILURE,
                  domain_event_memory_failure_msg);
static const EventWire metadata_wire
    = EVENT_WIRE (EVENT_METADATA_CHANGE, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_METADATA_CHANGE,
                  domain_event_callback_metadata_change_msg);

static gboolean
wants (const Callback *callback, const Domain *domain)
{
    return callback->client->rpc
           && (!callback->one_domain || memcmp (callback->uuid, domain->def->uuid, 16) == 0);
}

/* Sends @message, whose callbackID is @number, to all who want it, and releases what is in it. */
static void
event_send (const EventWire *wire, const Domain *domain, void *message, int *number)
{
    for (GList *l = callbacks[wire->event].head; l; l = l->next) {
        const Callback *callback = l->data;

        if (!wants (callback, domain))
            continue;
        *number = callback->number;
        if (!callback->legacy)
            rpc_client_send_event (callback->client->rpc, RPC_PROGRAM_REMOTE, wire->procedure,
                                   wire->encode, message);
        else if (wire->legacy_procedure)
            rpc_client_send_event (callback->client->rpc, RPC_PROGRAM_REMOTE,
                                   wire->legacy_procedure, wire->legacy_encode,
                                   (const char *) message + wire->legacy_at);
    }
    xdr_free (wire->encode, message);
}

void
event_lifecycle (const Domain *domain, int event, int detail)
{
    domain_event_callback_lifecycle_msg message = { .msg = { .event = event, .detail = detail } };

    wire_domain_fill (&message.msg.dom, domain);
    event_send (&lifecycle_wire, domain, &message, &message.callbackID);
}

void
event_reboot (const Domain *domain)
{
    domain_event_callback_reboot_msg message = { 0 };

    wire_domain_fill (&message.msg.dom, domain);
    event_send (&reboot_wire, domain, &message, &message.callbackID);
}

void
event_balloon_change (const Domain *domain, guint64 memory)
{
    domain_event_callback_balloon_change_msg message = { .msg = { .actual = memory } };

    wire_domain_fill (&message.msg.dom, domain);
    event_send (&balloon_wire, domain, &message, &message.callbackID);
}

void
event_tunable (const Domain *domain, GArray *params)
{
    domain_event_callback_tunable_msg message = { 0 };

    wire_domain_fill (&message.dom, domain);
    message.params.params_val = params_take (params, &message.params.params_len);
    event_send (&tunable_wire, domain, &message, &message.callbackID);
}

void
event_device_added (const Domain *domain, const char *alias)
{
    domain_event_callback_device_added_msg message = { .devAlias = g_strdup (alias) };

    wire_domain_fill (&message.dom, domain);
    event_send (&device_added_wire, domain, &message, &message.callbackID);
}

void
event_device_removed (const Domain *domain, const char *alias)
{
    domain_event_callback_device_removed_msg message = { .msg = { .devAlias = g_strdup (alias) } };

    wire_domain_fill (&message.msg.dom, domain);
    event_send (&device_removed_wire, domain, &message, &message.callbackID);
}

void
event_device_removal_failed (const Domain *domain, const char *alias)
{
    domain_event_callback_device_removal_failed_msg message = { .devAlias = g_strdup (alias) };

    wire_domain_fill (&message.dom, domain);
    event_send (&removal_failed_wire, domain, &message, &message.callbackID);
}

void
event_control_error (const Domain *domain)
{
    domain_event_callback_control_error_msg message = { 0 };

    wire_domain_fill (&message.msg.dom, domain);
    event_send (&control_error_wire, domain, &message, &message.callbackID);
}

void
event_job_completed (const Domain *domain, GArray *params)
{
    domain_event_callback_job_completed_msg message = { 0 };

    wire_domain_fill (&message.dom, domain);
    message.params.params_val = params_take (params, &message.params.params_len);
    event_send (&job_completed_wire, domain, &message, &message.callbackID);
}

void
event_memory_failure (const Domain *domain, int recipient, int action, guint flags)
{
    domain_event_memory_failure_msg message = { .recipient = recipient, .action = action, .flags = flags };

    wire_domain_fill (&message.dom, domain);
    event_send (&memory_failure_wire, domain, &message, &message.callbackID);
}

void
event_metadata_change (const Domain *domain, int type, const char *nsuri)
{
    domain_event_callback_metadata_change_msg message = { .type = type };

    wire_domain_fill (&message.dom, domain);
    if (nsuri) {
        message.nsuri = g_new (char *, 1);
        *message.nsuri = g_strdup (nsuri);
    }
    event_send (&metadata_wire, domain, &message, &message.callbackID);
}
