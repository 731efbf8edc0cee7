/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One reader for the messages of all events: what a message holds is said by its layout. */
#include "client/client_private.h"

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

/* An object as the lists have it: a name, and a UUID unless it is a device. */
#define READ_OBJECT(wire_type, name_of, detail_of)                                                 \
    ({                                                                                             \
        wire_type wire = { 0 };                                                                    \
        gboolean ok_ = xdr_##wire_type (xdr, &wire);                                               \
                                                                                                   \
        if (ok_ && !object->name)                                                                  \
            *object = (SkepObject){ g_strdup (name_of), detail_of };                               \
        xdr_free ((xdrproc_t) xdr_##wire_type, (void *) &wire);                                    \
        ok_;                                                                                       \
    })

static gboolean
read_object (XDR *xdr, char type, SkepObject *object)
{
    switch (type) {
    case 'N':
        return READ_OBJECT (wire_network, wire.name, client_uuid_text (wire.uuid));
    case 'P':
        return READ_OBJECT (wire_storage_pool, wire.name, client_uuid_text (wire.uuid));
    case 'S':
        return READ_OBJECT (wire_secret, wire.usageID, client_uuid_text (wire.uuid));
    default:
        return READ_OBJECT (wire_node_device, wire.name, NULL);
    }
}

static gboolean
read_word (XDR *xdr, const char *word, SkepConnection *conn, SkepDomain **ret_domain, SkepObject *object,
           SkepParams *values)
{
    switch (*word) {
    case 'd':
        return read_domain (xdr, conn, ret_domain);
    case 'N':
    case 'P':
    case 'S':
    case 'V':
        return read_object (xdr, *word, object);
    case 's':
    case 'o':
        return read_string (xdr, word + 2, *word == 'o', values);
    case 'p':
        return read_params (xdr, values);
    default:
        return read_number (xdr, word + 2, *word, values);
    }
}

bool
client_event_read (XDR *xdr, const char *layout, SkepConnection *conn, SkepDomain **ret_domain,
                   SkepObject *ret_object, SkepParams *values)
{
    g_auto (GStrv) word = g_strsplit (layout, " ", -1);

    for (char **at = word; *at; at++)
        if (!read_word (xdr, *at, conn, ret_domain, ret_object, values))
            return false;
    return true;
}
