/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client's end of the RPC, blocking per call, with events and streams on the side. */
#pragma once

#include <glib.h>
#include <rpc/rpc.h>

typedef struct RpcConnection RpcConnection;

/* Connects to a UNIX socket. */
RpcConnection *rpc_connect_unix (const char *path, GError **error);
void rpc_connection_free (RpcConnection *conn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpcConnection, rpc_connection_free)
int rpc_connection_fd (const RpcConnection *conn);

/* One call; @fds are sent with it, received ones are appended to @ret_fds (may be NULL). Packets
 * that arrive meanwhile (events, keepalive, stream data) are handled. The error's message is the
 * daemon's whole text. */
gboolean rpc_connection_call (RpcConnection *conn, guint32 program, int procedure,
                              xdrproc_t encode, const void *args, xdrproc_t decode, void *ret,
                              const int *fds, guint n_fds, GArray *ret_fds, GError **error);

/* Events: @handler gets the payload as XDR; it may make calls, but not free the connection.
 * rpc_connection_dispatch() reads what is there, at most @timeout_ms (-1: no limit), and returns
 * FALSE when the connection ended. */
typedef void (*RpcEventHandler) (guint32 program, int procedure, XDR *payload, gpointer data);
void rpc_connection_on_event (RpcConnection *conn, RpcEventHandler handler, gpointer data);
gboolean rpc_connection_dispatch (RpcConnection *conn, int timeout_ms, GError **error);

/* Bytes of one stream that are kept until they are asked for. What comes beyond is lost, and the
 * stream has failed: neither may the daemon wait for a caller who does not read, nor our memory be
 * filled. */
#define RPC_STREAM_HELD_MAX (16u * 1024 * 1024)

/* A stream opened by the call of @serial (rpc_connection_last_serial() right after the call). Calls
 * and sending may take in data of a stream, of which the descriptor tells nothing then: before
 * waiting on the descriptor, receive with a time limit of 0 until nothing is there. */
guint32 rpc_connection_last_serial (const RpcConnection *conn);
gboolean rpc_connection_stream_send (RpcConnection *conn, guint32 program, int procedure,
                                     guint32 serial, const void *data, gsize size, GError **error);
gboolean rpc_connection_stream_finish (RpcConnection *conn, guint32 program, int procedure,
                                       guint32 serial, gboolean abort_it, GError **error);
/* One packet of the stream: bytes > 0 with *ret_data to g_free(), 0 end of data, -1 error (at the
 * time limit ERR_OPERATION_TIMEOUT). */
gssize rpc_connection_stream_receive (RpcConnection *conn, guint32 serial, void **ret_data,
                                      int timeout_ms, GError **error);
