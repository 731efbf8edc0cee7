/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stricter forms of libtirpc's functions of the same names; only the generated code calls them. */
#pragma once

#include <glib.h>
#include <rpc/rpc.h>

bool_t rpc_xdr_string (XDR *xdrs, char **text, u_int max);
bool_t rpc_xdr_bytes (XDR *xdrs, char **data, u_int *size, u_int max);
bool_t rpc_xdr_array (XDR *xdrs, caddr_t *items, u_int *count, u_int max, u_int item_size,
                      xdrproc_t item);
bool_t rpc_xdr_pointer (XDR *xdrs, char **object, u_int size, xdrproc_t proc);
