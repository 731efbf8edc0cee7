/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registration for events: with callback numbers, and the two older ways without. */
#include "driver/api.h"
#include "driver/events.h"
#include "driver/node_watch.h"
#include "driver/object_events.h"
#include "driver/params.h"

/* The domain need not be there: a client may wait for one that is to come. */
ApiResult
api_connect_domain_event_callback_register_any (
    Call *call, const connect_domain_event_callback_register_any_args *in,
    connect_domain_event_callback_register_any_ret *out, GError **error)
{
    const guint8 *uuid = in->dom ? (const guint8 *) in->dom->uuid : NULL;

    out->callbackID = events_register (call->client, in->eventID, uuid, FALSE, error);
    return out->callbackID >= 0 ? API_DONE : API_FAILED;
}

ApiResult
api_connect_domain_event_callback_deregister_any (
    Call *call, const connect_domain_event_callback_deregister_any_args *in, none *out,
    GError **error)
{
    (void) out;
    return events_deregister (call->client, in->callbackID, error) ? API_DONE : API_FAILED;
}

ApiResult
api_connect_domain_event_register_any (Call *call, const connect_domain_event_register_any_args *in,
                                       none *out, GError **error)
{
    (void) out;
    return events_register (call->client, in->eventID, NULL, TRUE, error) >= 0 ? API_DONE
                                                                               : API_FAILED;
}

ApiResult
api_connect_domain_event_deregister_any (Call *call,
                                         const connect_domain_event_deregister_any_args *in,
                                         none *out, GError **error)
{
    (void) out;
    return events_deregister_legacy (call->client, in->eventID, error) ? API_DONE : API_FAILED;
}

ApiResult
api_connect_domain_event_register (Call *call, const none *in,
                                   connect_domain_event_register_ret *out, GError **error)
{
    (void) in;
    out->cb_registered = 1;
    return events_register (call->client, EVENT_LIFECYCLE, NULL, TRUE, error) >= 0 ? API_DONE
                                                                                   : API_FAILED;
}

ApiResult
api_connect_domain_event_deregister (Call *call, const none *in,
                                     connect_domain_event_deregister_ret *out, GError **error)
{
    (void) in;
    out->cb_registered = 0;
    return events_deregister_legacy (call->client, EVENT_LIFECYCLE, error) ? API_DONE : API_FAILED;
}

/* ---- of what is no domain */

ApiResult
api_connect_node_device_event_register_any (Call *call, const connect_node_device_event_register_any_args *in,
                                            connect_node_device_event_register_any_ret *out, GError **error)
{
    out->callbackID = object_events_register (call->client, OBJECT_NODE_DEVICE, in->eventID,
                                              in->dev ? in->dev->name : NULL, error);
    return out->callbackID >= 0 ? node_watch_answer (call) : API_FAILED;
}

ApiResult
api_connect_node_device_event_deregister_any (Call *call, const connect_node_device_event_deregister_any_args *in,
                                              none *out, GError **error)
{
    (void) out;
    return object_events_deregister (call->client, OBJECT_NODE_DEVICE, in->callbackID, error) ? API_DONE : API_FAILED;
}

/* Of objects of which there are none: of all of them, nothing is ever sent; one of them is not to be found. */
static ApiResult
register_of_none (Call *call, ObjectKind kind, gboolean of_one, ErrorCode code, int event, int *ret, GError **error)
{
    if (of_one) {
        error_set (error, code, "no %s with matching uuid", object_kind_name (kind));
        return API_FAILED;
    }
    *ret = object_events_register (call->client, kind, event, NULL, error);
    return *ret >= 0 ? API_DONE : API_FAILED;
}

static ApiResult
deregister_of_none (Call *call, ObjectKind kind, int number, GError **error)
{
    return object_events_deregister (call->client, kind, number, error) ? API_DONE : API_FAILED;
}

ApiResult
api_connect_network_event_register_any (Call *call, const connect_network_event_register_any_args *in,
                                        connect_network_event_register_any_ret *out, GError **error)
{
    return register_of_none (call, OBJECT_NETWORK, in->net != NULL, ERR_NO_NETWORK, in->eventID, &out->callbackID,
                             error);
}

ApiResult
api_connect_network_event_deregister_any (Call *call, const connect_network_event_deregister_any_args *in,
                                          none *out, GError **error)
{
    (void) out;
    return deregister_of_none (call, OBJECT_NETWORK, in->callbackID, error);
}

ApiResult
api_connect_storage_pool_event_register_any (Call *call, const connect_storage_pool_event_register_any_args *in,
                                             connect_storage_pool_event_register_any_ret *out, GError **error)
{
    return register_of_none (call, OBJECT_POOL, in->pool != NULL, ERR_NO_STORAGE_POOL, in->eventID, &out->callbackID,
                             error);
}

ApiResult
api_connect_storage_pool_event_deregister_any (Call *call, const connect_storage_pool_event_deregister_any_args *in,
                                               none *out, GError **error)
{
    (void) out;
    return deregister_of_none (call, OBJECT_POOL, in->callbackID, error);
}

ApiResult
api_connect_secret_event_register_any (Call *call, const connect_secret_event_register_any_args *in,
                                       connect_secret_event_register_any_ret *out, GError **error)
{
    return register_of_none (call, OBJECT_SECRET, in->secret != NULL, ERR_NO_SECRET, in->eventID, &out->callbackID,
                             error);
}

ApiResult
api_connect_secret_event_deregister_any (Call *call, const connect_secret_event_deregister_any_args *in,
                                         none *out, GError **error)
{
    (void) out;
    return deregister_of_none (call, OBJECT_SECRET, in->callbackID, error);
}
