/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside libskep. A call of the wire is one row: the macros below know the shapes, so that a function
 * of skep.h is a line which names its procedure and its structs.
 */
#pragma once

#include <glib.h>

#include "client/skep.h"
#include "rpc/client.h"
#include "rpc/remote.h"
#include "rpc/server.h" /* program numbers */
#include "util/error.h"

struct SkepConnection {
    RpcConnection *rpc;
    char *socket;
    char *uri; /* as sent in CONNECT_OPEN */
    bool readonly;
    bool gone; /* the last read found the end of the connection */
    SkepEventHandler on_event;
    void *on_event_data;
    SkepObjectEventHandler on_object_event;
    void *on_object_event_data;
};

/* Turns @from (which it frees) into @to; always false. Falls back to an internal error text. */
bool client_fail (SkepError *to, GError *from);
bool client_fail_with (SkepError *to, ErrorCode code, ErrorOrigin origin, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/* XDR of a procedure without arguments or results. */
bool_t client_none (XDR *xdr, ...);

/* One call of any program. @fds go out, *ret_fds (may be NULL) come back. */
bool client_call (SkepConnection *conn, guint32 program, int procedure, xdrproc_t encode,
                  const void *in, xdrproc_t decode, void *out, const int *fds, unsigned n_fds,
                  GArray *ret_fds, SkepError *error);

/* A call of the main program whose structs are called @wire and _args, _ret. */
#define CLIENT_CALL(conn, PROC, wire, in, out, error)                                              \
    client_call (conn, RPC_PROGRAM_REMOTE, REMOTE_PROC_##PROC, (xdrproc_t) xdr_##wire##_args, in,  \
                 (xdrproc_t) xdr_##wire##_ret, out, NULL, 0, NULL, error)
/* The same without results, and without arguments. */
#define CLIENT_CALL_VOID(conn, PROC, wire, in, error)                                              \
    client_call (conn, RPC_PROGRAM_REMOTE, REMOTE_PROC_##PROC, (xdrproc_t) xdr_##wire##_args, in,  \
                 client_none, NULL, NULL, 0, NULL, error)
#define CLIENT_CALL_GET(conn, PROC, wire, out, error)                                              \
    client_call (conn, RPC_PROGRAM_REMOTE, REMOTE_PROC_##PROC, client_none, NULL,                  \
                 (xdrproc_t) xdr_##wire##_ret, out, NULL, 0, NULL, error)
/* As CLIENT_CALL(), a call of Skep's own program. */
#define CLIENT_CALL_SKEP(conn, PROC, wire, in, out, error)                                         \
    client_call (conn, RPC_PROGRAM_SKEP, SKEP_PROC_##PROC, (xdrproc_t) xdr_##wire##_args, in,      \
                 (xdrproc_t) xdr_##wire##_ret, out, NULL, 0, NULL, error)
#define CLIENT_FREE(wire, out) xdr_free ((xdrproc_t) xdr_##wire##_ret, (void *) (out))

/* The domain as the wire has it; borrows the name. */
wire_domain client_wire_domain (const SkepDomain *domain);
SkepDomain *client_domain_new (SkepConnection *conn, const wire_domain *wire);

/* An object of @wire_type, which has a name and a UUID; borrows the name. */
#define CLIENT_WIRE(wire_type, object)                                                             \
    ({                                                                                             \
        wire_type value_ = { .name = (object)->name };                                             \
                                                                                                   \
        client_uuid_bytes ((object)->detail, value_.uuid);                                         \
        value_;                                                                                    \
    })

/* An optional string: points at @text's variable, NULL for none. */
#define CLIENT_STRING(variable) ((variable) ? (wire_string) & (variable) : NULL)

#define PARAM_STRINGS_OK 4 /* flag: the caller understands values of type string */

/* Typed parameters in and out; the strings of the wire form are borrowed from @params. */
wire_typed_param *client_params_to_wire (const SkepParams *params);
void client_params_from_wire (const wire_typed_param *item, unsigned n, SkepParams *ret_params);

/* Hands the payload of an event message to the handler of @data (a SkepConnection). */
void client_event_received (guint32 program, int procedure, XDR *payload, gpointer data);
void client_object_event_received (SkepConnection *conn, int procedure, XDR *payload);

/*
 * Reads a message behind its callback id. @layout is words TYPE:NAME in the wire's order: d the domain; N network,
 * P storage pool, S secret, V node device: the object; i int, u unsigned, l/U signed/unsigned 64 bits, s string,
 * o optional string: a value of that name; p a list of typed parameters. What follows the last word is ignored.
 * On failure, too, the results are the caller's to free.
 */
bool client_event_read (XDR *xdr, const char *layout, SkepConnection *conn, SkepDomain **ret_domain,
                        SkepObject *ret_object, SkepParams *ret_values);

/* The 16 bytes of a UUID as text; and back: false for what is no UUID. */
char *client_uuid_text (const void *bytes);
bool client_uuid_bytes (const char *text, void *ret_bytes);

/* char arrays of the wire end where a NUL stands or the array does. */
char *client_chars (const char *chars, unsigned n);
