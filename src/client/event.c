/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain events: one row each says number, name and layout; one reader decodes all of them. */
#include "client/client_private.h"

#include <string.h>

/*
 * The layout of a message behind its callback id, as words TYPE:NAME in the wire's order:
 * d the domain, i int, u unsigned, l/U signed/unsigned 64 bits, s string, o optional string,
 * p a list of typed parameters. What follows the last word is ignored.
 */
typedef struct {
    const char *name;
    int procedure;
    const char *layout;
} EventRow;

static const EventRow event_rows[SKEP_EVENT_LAST] = {
    [0] = { "lifecycle", 318, "d: i:event i:detail" },
    [1] = { "reboot", 319, "d:" },
    [2] = { "rtc-change", 320, "d: l:offset" },
    [3] = { "watchdog", 321, "d: i:action" },
    [4] = { "io-error", 322, "d: s:path s:alias i:action" },
    [5] = { "graphics", 323,
            "d: i:phase i:local-family s:local-node s:local-service i:remote-family"
            " s:remote-node s:remote-service s:auth" },
    [6] = { "io-error-reason", 324, "d: s:path s:alias i:action s:reason" },
    [7] = { "control-error", 325, "d:" },
    [8] = { "block-job", 326, "d: s:path i:type i:status" },
    [9] = { "disk-change", 327, "d: o:old-path o:new-path s:alias i:reason" },
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

/* ---- Decoding ---- */

static gboolean
read_string (XDR *xdr, const char *name, gboolean optional, SkepParams *values)
{
    char *text = NULL;
    u_int present = 1;

    if (optional && !xdr_u_int (xdr, &present))
        return FALSE;
    if (!present)
        return TRUE;
    if (!xdr_wire_nonnull_string (xdr, &text))
        return FALSE;
    skep_params_add_string (values, name, text);
    xdr_free ((xdrproc_t) xdr_wire_nonnull_string, (void *) &text);
    return TRUE;
}

static gboolean
read_number (XDR *xdr, const char *name, char type, SkepParams *values)
{
    int number;
    quad_t wide;

    if (type == 'l' || type == 'U') {
        if (!xdr_quad_t (xdr, &wide))
            return FALSE;
        skep_params_add_number (values, name, type == 'l' ? SKEP_LLONG : SKEP_ULLONG, wide);
        return TRUE;
    }
    if (!xdr_int (xdr, &number))
        return FALSE;
    skep_params_add_number (values, name, type == 'i' ? SKEP_INT : SKEP_UINT, number);
    return TRUE;
}

static gboolean
read_params (XDR *xdr, SkepParams *values)
{
    u_int n;

    if (!xdr_u_int (xdr, &n) || n > REMOTE_DOMAIN_EVENT_TUNABLE_MAX)
        return FALSE;
    for (u_int i = 0; i < n; i++) {
        wire_typed_param param = { 0 };

        if (!xdr_wire_typed_param (xdr, &param)) {
            xdr_free ((xdrproc_t) xdr_wire_typed_param, (void *) &param);
            return FALSE;
        }
        client_params_from_wire (&param, 1, values);
        xdr_free ((xdrproc_t) xdr_wire_typed_param, (void *) &param);
    }
    return TRUE;
}

static gboolean
read_domain (XDR *xdr, SkepConnection *conn, SkepDomain **ret_domain)
{
    wire_domain wire = { 0 };
    gboolean ok = xdr_wire_domain (xdr, &wire);

    if (ok && !*ret_domain)
        *ret_domain = client_domain_new (conn, &wire);
    xdr_free ((xdrproc_t) xdr_wire_domain, (void *) &wire);
    return ok;
}

static gboolean
read_layout (XDR *xdr, const char *layout, SkepConnection *conn, SkepDomain **ret_domain,
             SkepParams *values)
{
    g_auto (GStrv) word = g_strsplit (layout, " ", -1);

    for (char **at = word; *at; at++) {
        const char *name = *at + 2;
        gboolean ok;

        if (**at == 'd')
            ok = read_domain (xdr, conn, ret_domain);
        else if (**at == 's' || **at == 'o')
            ok = read_string (xdr, name, **at == 'o', values);
        else if (**at == 'p')
            ok = read_params (xdr, values);
        else
            ok = read_number (xdr, name, **at, values);
        if (!ok)
            return FALSE;
    }
    return *ret_domain != NULL;
}

/* A message that does not decode is dropped: the stream of packets itself is intact. */
void
client_event_received (guint32 program, int procedure, XDR *payload, gpointer data)
{
    SkepConnection *conn = data;
    SkepDomain *domain = NULL;
    SkepParams values = { 0 };
    SkepEvent event = { .event = -1 };

    if (program != RPC_PROGRAM_REMOTE || !conn->on_event)
        return;
    for (int i = 0; i < SKEP_EVENT_LAST; i++)
        if (event_rows[i].procedure == procedure)
            event.event = i;
    if (event.event >= 0 && xdr_int (payload, &event.callback)
        && read_layout (payload, event_rows[event.event].layout, conn, &domain, &values)) {
        event.domain = domain;
        event.values = &values;
        conn->on_event (&event, conn->on_event_data);
    }
    skep_domain_free (domain);
    skep_params_clear (&values);
}
