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
    [0] = { "lifecycle", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE, "d: i:event i:detail" },
    [1] = { "reboot", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_REBOOT, "d:" },
    [2] = { "rtc-change", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_RTC_CHANGE, "d: l:offset" },
    [3] = { "watchdog", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_WATCHDOG, "d: i:action" },
    [4] = { "io-error", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_IO_ERROR, "d: s:path s:alias i:action" },
    [5] = { "graphics", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_GRAPHICS,
            "d: i:phase i:local_family s:local_node s:local_service i:remote_family"
            " s:remote_node s:remote_service s:auth" },
    [6] = { "io-error-reason", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_IO_ERROR_REASON,
            "d: s:path s:alias i:action s:reason" },
    [7] = { "control-error", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_CONTROL_ERROR, "d:" },
    [8] = { "block-job", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_BLOCK_JOB, "d: s:path i:type i:status" },
    [9] = { "disk-change", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_DISK_CHANGE,
            "d: o:old_path o:new_path s:alias i:reason" },
    [10] = { "tray-change", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_TRAY_CHANGE, "d: s:alias i:reason" },
    [11] = { "pm-wakeup", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_PMWAKEUP, "i:reason d:" },
    [12] = { "pm-suspend", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_PMSUSPEND, "i:reason d:" },
    [13] = { "balloon-change", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_BALLOON_CHANGE, "d: U:actual" },
    [14] = { "pm-suspend-disk", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_PMSUSPEND_DISK, "i:reason d:" },
    [15] = { "device-removed", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_DEVICE_REMOVED, "d: s:alias" },
    [16] = { "block-job-2", REMOTE_PROC_DOMAIN_EVENT_BLOCK_JOB_2, "d: s:disk i:type i:status" },
    [17] = { "tunable", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_TUNABLE, "d: p:" },
    [18] = { "agent-lifecycle", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_AGENT_LIFECYCLE,
            "d: i:state i:reason" },
    [19] = { "device-added", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_DEVICE_ADDED, "d: s:alias" },
    [20] = { "migration-iteration", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_MIGRATION_ITERATION,
            "d: i:iteration" },
    [21] = { "job-completed", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_JOB_COMPLETED, "d: p:" },
    [22] = { "device-removal-failed", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_DEVICE_REMOVAL_FAILED,
            "d: s:alias" },
    [23] = { "metadata-change", REMOTE_PROC_DOMAIN_EVENT_CALLBACK_METADATA_CHANGE,
            "d: i:type o:uri" },
    [24] = { "block-threshold", REMOTE_PROC_DOMAIN_EVENT_BLOCK_THRESHOLD,
            "d: s:disk o:path U:threshold U:excess" },
    [25] = { "memory-failure", REMOTE_PROC_DOMAIN_EVENT_MEMORY_FAILURE,
            "d: i:recipient i:action u:flags" },
    [26] = { "memory-device-size-change", REMOTE_PROC_DOMAIN_EVENT_MEMORY_DEVICE_SIZE_CHANGE,
            "d: s:alias U:size" },
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
