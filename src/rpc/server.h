/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The server's end of libvirt's RPC (facts/wire/framing.md): sockets, packets, descriptors,
 * keepalive, streams, limits. Knows programs and bytes, not domains. Everything here runs on the
 * main loop.
 *
 * A call is answered exactly once, now or later, by rpc_call_reply() or rpc_call_error(), in any
 * order. When the client goes before that, answering is still allowed and does nothing.
 */
#pragma once

#include <glib.h>
#include <rpc/rpc.h>
#include <sys/types.h>

typedef struct RpcServer RpcServer;
typedef struct RpcClient RpcClient;
typedef struct RpcCall RpcCall;
typedef struct RpcStream RpcStream;

#define RPC_PROGRAM_REMOTE    0x20008086u
#define RPC_PROGRAM_LXC       0x00068000u
#define RPC_PROGRAM_QEMU      0x20008087u   /* a client of virtual machines: told that there are none */
#define RPC_PROGRAM_KEEPALIVE 0x6b656570u
#define RPC_PROGRAM_SKEP      0x20536b70u   /* our own extensions: rpc/skep.x */

typedef struct {
    guint max_clients;              /* 5000; others wait unaccepted; a tenth is for root */
    guint max_client_requests;      /* calls in progress, 5; then the client is not read */
    gint64 keepalive_ms;            /* between pings, 5000; <= 0 never pings */
    guint keepalive_count;          /* 5 */
    gsize max_client_output;        /* bytes queued, unread; then the client is closed */
} RpcLimits;

typedef struct {
    /* A decoded header with its payload still as XDR. The handler owns @call until it is answered.
     * Keepalive, unknown programs, malformed packets and streams never reach it. */
    void (*call) (RpcCall *call, gpointer data);
    void (*client_new) (RpcClient *client, gpointer data);
    void (*client_gone) (RpcClient *client, gpointer data);     /* last mention of @client */
} RpcHandlers;

RpcServer *rpc_server_new (const RpcLimits *limits, const RpcHandlers *handlers, gpointer data);
void rpc_server_add_program (RpcServer *server, guint32 program, guint32 version);
/* Makes (after unlinking a stale one) and listens; unlinked by rpc_server_free(). @gid -1 keeps. */
gboolean rpc_server_listen_unix (RpcServer *server, const char *path, mode_t mode, gid_t gid,
                                 gboolean readonly, GError **error);
/* A socket from socket activation; not unlinked. */
gboolean rpc_server_listen_fd (RpcServer *server, int fd, gboolean readonly, GError **error);
guint rpc_server_n_clients (const RpcServer *server);
void rpc_server_free (RpcServer *server);       /* closes every client */

/* ---- a client */

typedef struct { pid_t pid; uid_t uid; gid_t gid; guint64 start_time; } RpcPeer;

gboolean rpc_client_readonly (const RpcClient *client);         /* socket, or set below */
void rpc_client_set_readonly (RpcClient *client);               /* CONNECT_OPEN with bit 0 */
const RpcPeer *rpc_client_peer (const RpcClient *client);
guint64 rpc_client_id (const RpcClient *client);                /* never used twice */
void rpc_client_set_data (RpcClient *client, gpointer data, GDestroyNotify free_data);
gpointer rpc_client_data (const RpcClient *client);
guint rpc_client_n_streams (const RpcClient *client);           /* open ones */
void rpc_client_enable_keepalive (RpcClient *client);           /* feature 10 was asked for */
void rpc_client_close_after_reply (RpcClient *client);          /* CONNECT_CLOSE */
void rpc_client_send_event (RpcClient *client, guint32 program, int procedure, xdrproc_t encode,
                            const void *message);

/* ---- a call */

guint32 rpc_call_program (const RpcCall *call);
int rpc_call_procedure (const RpcCall *call);
RpcClient *rpc_call_client (const RpcCall *call);               /* NULL when it has gone */
/* Decodes the arguments into zeroed @args; free with xdr_free (decode, args). FALSE: ERR_RPC
 * set. */
gboolean rpc_call_args (RpcCall *call, xdrproc_t decode, void *args, GError **error);
/* Descriptors that came with the call: taken by the caller, who closes them. */
GArray *rpc_call_take_fds (RpcCall *call);                      /* of int; never NULL */
void rpc_call_reply (RpcCall *call, xdrproc_t encode, const void *ret);
void rpc_call_reply_fds (RpcCall *call, xdrproc_t encode, const void *ret, const int *fds,
                         guint n_fds);
void rpc_call_error (RpcCall *call, const GError *error);

/* ---- streams: opened by a call, carried on after its reply */

typedef struct {
    /* Bytes from the client; return FALSE to stop reading from it until rpc_stream_resume(). Those
     * bytes count as taken. */
    gboolean (*received) (RpcStream *stream, const void *data, gsize size, gpointer data_);
    void (*writable) (RpcStream *stream, gpointer data);  /* room again after FALSE from send */
    /* By the client or by its end; the last call. */
    void (*closed) (RpcStream *stream, gboolean aborted, gpointer data);
    /* A console: closing does not wait until received() took what was held back. */
    gboolean interactive;
} RpcStreamHandlers;

/* Before rpc_call_reply() of the same call; data sent before it is kept until then. When the client
 * has gone meanwhile, closed() is called from inside rpc_call_reply(). After rpc_call_error() of
 * that call the stream is gone, and no handler is called. */
RpcStream *rpc_stream_open (RpcCall *call, const RpcStreamHandlers *handlers, gpointer data);
/* Queues a copy; FALSE: taken, but wait for writable() before more (back-pressure). */
gboolean rpc_stream_send (RpcStream *stream, const void *data, gsize size);
void rpc_stream_resume (RpcStream *stream);
void rpc_stream_end (RpcStream *stream);  /* end of data; closed() follows later */
void rpc_stream_fail (RpcStream *stream, const GError *error);  /* no handler is called any more */
