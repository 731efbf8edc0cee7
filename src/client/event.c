/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events of domains: one row each says number, name and layout. */
#include "client/client_private.h"

#include <string.h>

typedef struct {
    const char *name;
    int procedure;
    const char *layout; /* see client_event_read() */
} EventRow;

static const EventRow event_rows[SKEP_EVENT_LAST] = {
    [0] = { "lifecycle", 318, "d: i:event i:detail" },
    [1] = { "reboot", 319, "d:" },
    [2] = { "rtc-change", 320, "d: l:offset" },
    [3] = { "watchdog", 321, "d: i:action" },
    [4] = { "io-error", 322, "d: s:path s:alias i:action" },
    [5] = { "graphics", 323,
            "d: i:phase i:local_family s:local_node s:local_service i:remote_family"
            " s:remote_node s:remote_service s:auth" },
    [6] = { "io-error-reason", 324, "d: s:path s:alias i:action s:reason" },
    [7] = { "control-error", 325, "d:" },
    [8] = { "block-job", 326, "d: s:path i:type i:status" },
    [9] = { "disk-change", 327, "d: o:old_path o:new_path s:alias i:reason" },
    [10] = { "tray-change", 328, "d: s:alias i:reason" },
    [11] = { "pm-wakeup", 329, "i:reason d:" },
    [12] = { "pm-suspend", 330, "i:reason d:" },
    [13] = { "balloon-change", 331, "d: U:actual" },
    [14] = { "pm-suspend-disk", 332, "i:reason d:" },
    [15] = { "device-removed", 333, "d: s:alias" },
    [16] = { "block-job-2", 339, "d: s:disk i:type i:status" },
    [17] = { "tunable", 346, "d: p:" },
    [18] = { "agent-lifecycle", 348, "d: i:state i:reason" },
    [19] = { "device-added", 354, "d: s:alias" },
    [20] = { "migration-iteration", 359, "d: i:iteration" },
    [21] = { "job-completed", 363, "d: p:" },
    [22] = { "device-removal-failed", 367, "d: s:alias" },
    [23] = { "metadata-change", 379, "d: i:type o:uri" },
    [24] = { "block-threshold", 385, "d: s:disk o:path U:threshold U:excess" },
    [25] = { "memory-failure", 423, "d: i:recipient i:action u:flags" },
    [26] = { "memory-device-size-change", 438, "d: s:alias U:size" },
};

const char *
skep_event_name (int event)
{
    return event >= 0 && event < SKEP_EVENT_LAST ? event_rows[event].name : NULL;
}

int
skep_event_by_name (const char *name)
{
    for (int i = 0; i < SKEP_EVENT_LAST; i++)
        if (strcmp (event_rows[i].name, name) == 0)
            return i;
    return -1;
}

void
skep_on_event (SkepConnection *conn, SkepEventHandler handler, void *data)
{
    conn->on_event = handler;
    conn->on_event_data = data;
}

int
skep_event_register (SkepConnection *conn, int event, const SkepDomain *domain, SkepError *error)
{
    wire_domain wire;
    connect_domain_event_callback_register_any_args in = { .eventID = event };
    connect_domain_event_callback_register_any_ret out = { 0 };

    if (domain) {
        wire = client_wire_domain (domain);
        in.dom = &wire;
    }
    if (!CLIENT_CALL (conn, CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
                      connect_domain_event_callback_register_any, &in, &out, error))
        return -1;
    return out.callbackID;
}

bool
skep_event_deregister (SkepConnection *conn, int callback, SkepError *error)
{
    connect_domain_event_callback_deregister_any_args in = { .callbackID = callback };

    return CLIENT_CALL_VOID (conn, CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY,
                             connect_domain_event_callback_deregister_any, &in, error);
}

/* ---- Messages ---- */

static bool
domain_event_received (SkepConnection *conn, int procedure, XDR *payload)
{
    SkepDomain *domain = NULL;
    SkepParams values = { 0 };
    SkepEvent event = { .event = -1 };

    for (int i = 0; i < SKEP_EVENT_LAST; i++)
        if (event_rows[i].procedure == procedure)
            event.event = i;
    if (event.event < 0)
        return false;
    if (conn->on_event && xdr_int (payload, &event.callback)
        && client_event_read (payload, event_rows[event.event].layout, conn, &domain, NULL, &values)
        && domain) {
        event.domain = domain;
        event.values = &values;
        conn->on_event (&event, conn->on_event_data);
    }
    skep_domain_free (domain);
    skep_params_clear (&values);
    return true;
}

/* A message that does not decode is dropped: the stream of packets itself is intact. */
void
client_event_received (guint32 program, int procedure, XDR *payload, gpointer data)
{
    SkepConnection *conn = data;

    if (program == RPC_PROGRAM_REMOTE && !domain_event_received (conn, procedure, payload))
        client_object_event_received (conn, procedure, payload);
}
