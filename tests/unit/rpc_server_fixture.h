/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server with a few procedures, driven by this thread's main loop, and raw sockets to it. */
#pragma once

#include "rpc/client.h"
#include "rpc/error_wire.h"
#include "rpc/packet.h"
#include "rpc/remote.h"
#include "rpc/server.h"
#include "rpc_bytes.h"
#include "util/error.h"

struct RpcTest {
    RpcServer *server;
    char *dir;
    char *path;                 /* of the socket that test_dial() uses */
    RpcLimits limits;           /* in force from test_start() on */
    GPtrArray *pending;         /* calls of DOMAIN_SHUTDOWN: answered by the test */
    GPtrArray *clients;
    guint calls;
    int fd;                     /* for the case; closed after it */

    RpcStream *stream;
    RpcStreamHandlers stream_handlers;
    GString *stream_got;        /* bytes from the client */
    gboolean stream_takes;
    gboolean stream_echoes;     /* sends back what it gets, as fast as the client reads */
    int stream_closed;          /* 1 finished, 2 aborted */
    int stream_writable;

    GThread *thread;            /* runs the server, for a client that blocks */
    gint stop;
    RpcConnection *conn;
};

/* What rpc_cases_run() wants. */
RpcTest *test_new (void);
RpcTest *test_new_started (void);
void test_free (RpcTest *t);

void test_start (RpcTest *t);
/* Runs the server until nothing happens for @quiet_ms. */
void test_pump (int quiet_ms);
/* Answers pending calls. */
void test_answer (RpcTest *t, guint index);
void test_answer_all (RpcTest *t);

/* ---- the raw client's side; all of them run the server meanwhile */

int test_dial (RpcTest *t);
void test_put (int fd, const Bytes *bytes);
/* Exactly @size bytes, or fewer at end of file or when nothing comes for long. */
Bytes *test_get (int fd, gsize size);
/* One whole packet; empty when the server closed the connection. */
Bytes *test_get_packet (int fd);
/* Nothing came, and the connection is still there. */
gboolean test_silent (int fd);
gboolean test_closed (int fd);
guint test_open_fds (void);
