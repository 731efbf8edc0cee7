/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the server share. Its sockets are one source of the main loop: the first clients each with its own
 * descriptor, all others and the listeners in one epoll set, so a crowd of idle clients costs nothing per iteration.
 *
 * A client is closed only between packets, by the server's own dispatch: rpc_client_kill() marks it,
 * and whoever is on the stack then can go on using it. Calls and streams hold a reference.
 */
#pragma once

#include "rpc/packet.h"
#include "rpc/server.h"

#define INPUT_SIZE          65536u              /* of one recvmsg() */
#define PACKETS_PER_TURN    64u                 /* of one client, then the others get their turn */
#define STREAM_INPUT_MAX    (1024u * 1024u)  /* bytes held for a stream that does not take them */

typedef enum { TARGET_LISTENER, TARGET_CLIENT } TargetKind;

/* First member of everything that is waited for. */
typedef struct {
    TargetKind kind;
    int fd;
    guint32 events;             /* what is waited for now */
    gpointer tag;               /* of the main loop; NULL: it is in the epoll set */
} Target;

typedef struct {
    Target target;
    gboolean readonly;
    char *path;                 /* to unlink, NULL when not ours or abstract */
    dev_t dev;                  /* of the socket file we made: another one is not unlinked */
    ino_t ino;
} Listener;

typedef struct {
    guint32 program, version;
} Program;

struct RpcServer {
    GSource *source;
    int epoll_fd;
    gpointer epoll_tag;         /* of the main loop */
    GPtrArray *direct;          /* of Target, which the main loop waits for itself */
    RpcLimits limits;
    RpcHandlers handlers;
    gpointer data;
    GArray *programs;           /* of Program */
    GPtrArray *listeners;
    GHashTable *clients;        /* a set, owns a reference each */
    GQueue ready;               /* references: to go on with, or to close, before the loop sleeps */
    guint64 next_id;
    gboolean accepting;
    gint64 accept_again;        /* monotonic; 0 unless descriptors ran out */
    gint64 keepalive_due;       /* monotonic; 0 none */
    guint8 *input;              /* what one recvmsg() may bring */
    PacketBuffer output;        /* what is being sent right now */
};

/* A packet, or the rest of one, which the socket did not take at once. */
typedef struct {
    guint8 *data;
    gsize size, sent;
    int *fds;                   /* own duplicates */
    guint n_fds, fds_sent;
    RpcStream *stream;          /* reference, told when written; NULL */
    gboolean reply;             /* ends a call in progress when written */
} OutPacket;

struct RpcClient {
    Target target;
    gint ref_count;
    RpcServer *server;          /* NULL once gone */
    guint64 id;
    RpcPeer peer;
    gboolean readonly;
    gpointer data;
    GDestroyNotify free_data;

    PacketReader reader;
    guint8 *held;               /* input not handled yet: limit reached, or its turn was over */
    PacketInput held_input;     /* points into it */
    guint in_progress;          /* calls not answered, or whose answer is not written yet */
    guint blocked_streams;      /* with too much input held */
    GQueue out;                 /* of OutPacket */
    gsize out_size;
    GQueue streams;             /* of RpcStream, references */

    gboolean dead;              /* to be closed */
    gboolean close_wanted;      /* after the next reply */
    gboolean closing;           /* when everything is written; takes no input */
    gboolean in_ready;

    gboolean keepalive;
    gint64 heard;               /* monotonic; the last packet */
    guint pings;                /* sent since then */
};

/* server.c */
void rpc_server_ready (RpcServer *server, RpcClient *client);
gboolean rpc_server_has_program (RpcServer *server, guint32 program, guint32 version);
void rpc_server_keepalive_at (RpcServer *server, gint64 when);
void rpc_server_watch (RpcServer *server, Target *target, guint32 events);
/* Before @target->fd is closed: closing alone does not take it out of the epoll set while a program that
 * is being spawned still has a duplicate of it. */
void rpc_server_unwatch (RpcServer *server, Target *target);

/* server_client.c */
RpcClient *rpc_client_new (RpcServer *server, int fd, gboolean readonly);
RpcClient *rpc_client_ref (RpcClient *client);
void rpc_client_unref (RpcClient *client);
void rpc_client_kill (RpcClient *client, const char *why);
void rpc_client_close (RpcClient *client);          /* by the server only */
void rpc_client_readable (RpcClient *client);
void rpc_client_writable (RpcClient *client);
void rpc_client_continue (RpcClient *client);       /* with held input, after a limit or a turn */
void rpc_client_call_ended (RpcClient *client);
/* What an OutPacket is about besides its bytes. */
typedef struct {
    const int *fds;             /* duplicated when they cannot be sent at once */
    guint n_fds;
    RpcStream *stream;
    gboolean reply;
} SendOptions;
/* Sends or queues a copy; TRUE: all written, nothing will be told later. @options NULL: plain
 * bytes. */
gboolean rpc_client_send (RpcClient *client, const guint8 *data, gsize size,
                          const SendOptions *options);
gint64 rpc_client_keepalive (RpcClient *client, gint64 now);        /* returns when to look again */

/* call.c */
void rpc_call_received (RpcClient *client, Packet *packet);

/* stream.c */
void rpc_stream_received (RpcClient *client, const Packet *packet);
void rpc_stream_written (RpcStream *stream);        /* its packet in flight is out */
void rpc_stream_opened (RpcStream *stream);         /* the call was answered */
void rpc_stream_forget (RpcStream *stream);         /* the call failed, or rpc_stream_fail() */
void rpc_stream_client_gone (RpcStream *stream);
RpcStream *rpc_stream_ref (RpcStream *stream);
void rpc_stream_unref (RpcStream *stream);
RpcStream *rpc_stream_new (RpcClient *client, const PacketHeader *header,
                           const RpcStreamHandlers *handlers, gpointer data);
