/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The four XDR functions that take counts from the wire, in place of libtirpc's: meson.build
 * renames them in the generated code. What they do differently: a count is held against the bytes
 * that are left before anything is allocated, and freeing never stops halfway.
 */
#include <stdlib.h>
#include <string.h>

#include <rpc/rpc.h>

#include "rpc/xdr_strict.h"

/* Every element takes at least one word, and a packet is always decoded from memory. */
static gboolean
count_plausible (XDR *xdrs, u_int count, u_int word)
{
    return count <= (u_int) xdrs->x_handy / word;
}

bool_t
rpc_xdr_string (XDR *xdrs, char **text, u_int max)
{
    u_int size = 0;

    if (xdrs->x_op == XDR_FREE) {
        free (*text);
        *text = NULL;
        return TRUE;
    }
    if (xdrs->x_op == XDR_ENCODE) {
        if (!*text)
            return FALSE;
        size = (u_int) MIN (strlen (*text), (gsize) max + 1);
    }
    if (!xdr_u_int (xdrs, &size) || size > max)
        return FALSE;
    if (xdrs->x_op == XDR_DECODE) {
        if (!count_plausible (xdrs, size, 1))
            return FALSE;
        free (*text);
        *text = malloc ((size_t) size + 1);
        if (!*text)
            return FALSE;
        (*text)[size] = '\0';
    }
    return xdr_opaque (xdrs, *text, size);
}

bool_t
rpc_xdr_bytes (XDR *xdrs, char **data, u_int *size, u_int max)
{
    if (xdrs->x_op == XDR_FREE) {
        free (*data);
        *data = NULL;
        return TRUE;
    }
    if (!xdr_u_int (xdrs, size) || *size > max)
        return FALSE;
    if (xdrs->x_op == XDR_DECODE && *size > 0) {
        if (!count_plausible (xdrs, *size, 1))
            return FALSE;
        *data = malloc (*size);
        if (!*data)
            return FALSE;
    }
    return *size == 0 || xdr_opaque (xdrs, *data, *size);
}

bool_t
rpc_xdr_array (XDR *xdrs, caddr_t *items, u_int *count, u_int max, u_int item_size, xdrproc_t item)
{
    u_int i, n;

    if (xdrs->x_op == XDR_FREE) {
        for (i = 0; *items && i < *count; i++)
            item (xdrs, *items + (size_t) i * item_size);
        free (*items);
        *items = NULL;
        return TRUE;
    }
    n = *count;
    if (!xdr_u_int (xdrs, &n) || n > max)
        return FALSE;
    if (xdrs->x_op == XDR_DECODE) {
        *count = 0;
        if (n > 0) {
            if (!count_plausible (xdrs, n, BYTES_PER_XDR_UNIT))
                return FALSE;
            *items = calloc (n, item_size);
            if (!*items)
                return FALSE;
            *count = n;
        }
    }
    for (i = 0; i < n; i++)
        if (!item (xdrs, *items + (size_t) i * item_size))
            return FALSE;
    return TRUE;
}

bool_t
rpc_xdr_pointer (XDR *xdrs, char **object, u_int size, xdrproc_t proc)
{
    u_int present = *object != NULL;

    if (xdrs->x_op == XDR_FREE) {
        if (*object)
            proc (xdrs, *object);
        free (*object);
        *object = NULL;
        return TRUE;
    }
    /* Any flag but 0 means "there": go-libvirt opens connections with 0x01000000. */
    if (!xdr_u_int (xdrs, &present))
        return FALSE;
    if (!present)
        return TRUE;
    if (xdrs->x_op == XDR_DECODE) {
        *object = calloc (1, size);
        if (!*object)
            return FALSE;
    }
    return proc (xdrs, *object);
}
