/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two files of the client's end share. */
#pragma once

#include "rpc/client.h"
#include "rpc/packet.h"

/* A call that is waited for. */
typedef struct Waiting {
    struct Waiting *outer;      /* this one was made by an event's handler */
    guint32 program, serial;
    gboolean done;
    gboolean stream;            /* a stream's confirmation instead of a reply */
    gboolean failed;            /* the daemon said so: *error is set */
    xdrproc_t decode;
    void *ret;
    GArray *ret_fds;
    GError **error;
} Waiting;

struct RpcConnection {
    int fd;
    guint32 serial;             /* of the next call */
    PacketReader reader;
    PacketBuffer output;
    guint8 *input;
    Waiting *waiting;
    GHashTable *streams;        /* serial -> StreamInput */
    GQueue events;              /* of Event, not handed on yet */
    RpcEventHandler handler;
    gpointer handler_data;
    gboolean broken;
    gboolean delivering;
    gboolean pong_due;
};

/* client.c */

/* Of the kind (@stream or not), program and serial of @packet; NULL. */
Waiting *rpc_connection_waiting (RpcConnection *conn, const Packet *packet, gboolean stream);
/* Sends the packet of @size bytes in the output buffer, and answers pings; @size 0: only that. */
gboolean rpc_connection_send (RpcConnection *conn, gsize size, const int *fds, guint n_fds,
                              GError **error);
/* As that, and waits for the answer, which may come before all is sent. */
gboolean rpc_connection_exchange (RpcConnection *conn, gsize size, const int *fds, guint n_fds,
                                  Waiting *waiting, GError **error);
/* Hands events on; handlers may make calls: what they bring in is appended. */
void rpc_connection_deliver (RpcConnection *conn);
void rpc_packet_error (const Packet *packet, GError **error);

/* client_stream.c */
GHashTable *rpc_connection_streams_new (void);
void rpc_connection_stream_packet (RpcConnection *conn, const Packet *packet);
