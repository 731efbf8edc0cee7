/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A blocking caller on a non-blocking socket: whoever waits, be it to send, also takes what
 * arrives. Otherwise two ends that both have much to say would wait for each other for ever.
 *
 * Nothing is sent in the middle of another packet, and no handler runs there: pongs and events that
 * come meanwhile wait until it is out. Every complete packet that was received has been handled
 * when a function returns, so for calls and events polling the descriptor is enough to know that
 * there is more.
 */
#include "rpc/client_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc/address.h"
#include "rpc/error_wire.h"
#include "rpc/server.h"
#include "util/error.h"
#include "util/fd.h"

#define INPUT_SIZE 65536u

typedef struct {
    PacketHeader header;
    GBytes *payload;
} Event;

static void
event_free (gpointer data)
{
    Event *event = data;

    g_bytes_unref (event->payload);
    g_free (event);
}

RpcConnection *
rpc_connect_unix (const char *path, GError **error)
{
    struct sockaddr_un address;
    socklen_t size = address_unix (path, &address);
    autofd int fd = -1;
    RpcConnection *conn;

    if (size == 0) {
        error_set_from (error, ORIGIN_RPC, ERR_INVALID_ARG, "socket path '%s' is too long", path);
        return NULL;
    }
    fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect (fd, (struct sockaddr *) &address, size) < 0) {
        error_set_errno (error, errno, "cannot connect to '%s'", path);
        return NULL;
    }
    if (fcntl (fd, F_SETFL, O_NONBLOCK) < 0) {
        error_set_errno (error, errno, "cannot prepare the socket");
        return NULL;
    }
    conn = g_new0 (RpcConnection, 1);
    conn->fd = fd_steal (&fd);
    conn->input = g_malloc (INPUT_SIZE);
    conn->streams = rpc_connection_streams_new ();
    return conn;
}

void
rpc_connection_free (RpcConnection *conn)
{
    if (!conn)
        return;
    close (conn->fd);
    packet_reader_clear (&conn->reader);
    packet_buffer_clear (&conn->output);
    g_hash_table_unref (conn->streams);
    g_queue_clear_full (&conn->events, event_free);
    g_free (conn->input);
    g_free (conn);
}

int
rpc_connection_fd (const RpcConnection *conn)
{
    return conn->fd;
}

void
rpc_connection_on_event (RpcConnection *conn, RpcEventHandler handler, gpointer data)
{
    conn->handler = handler;
    conn->handler_data = data;
}

guint32
rpc_connection_last_serial (const RpcConnection *conn)
{
    return conn->serial - 1;
}

/* ---- waiting */

static gboolean
connection_broke (RpcConnection *conn, GError **error, const char *why)
{
    conn->broken = TRUE;
    return error_set_from (error, ORIGIN_RPC, ERR_RPC, "connection to the daemon is lost: %s", why);
}

/* What of @events is there, with POLLHUP and POLLERR as poll() has it; 0 at the time limit, and
 * with an error set when poll() failed. */
static short
wait_for (RpcConnection *conn, short events, int timeout_ms, GError **error)
{
    struct pollfd pfd = { .fd = conn->fd, .events = events };
    int n;

    do
        n = poll (&pfd, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        connection_broke (conn, error, g_strerror (errno));
    return n > 0 ? pfd.revents : 0;
}

/* ---- what arrives */

void
rpc_packet_error (const Packet *packet, GError **error)
{
    if (!error_wire_decode (packet->payload, packet->payload_size, error))
        error_set_from (error, ORIGIN_RPC, ERR_RPC, "the daemon sent an error that cannot be read");
}

Waiting *
rpc_connection_waiting (RpcConnection *conn, const Packet *packet, gboolean stream)
{
    Waiting *waiting = conn->waiting;

    while (waiting && (waiting->done || waiting->stream != stream
                       || waiting->serial != packet->header.serial
                       || waiting->program != packet->header.program))
        waiting = waiting->outer;
    return waiting;
}

static void
reply_received (RpcConnection *conn, Packet *packet)
{
    Waiting *waiting = rpc_connection_waiting (conn, packet, FALSE);
    XDR xdrs;

    if (!waiting)
        return;
    waiting->done = TRUE;
    if (packet->header.status != PACKET_OK) {
        waiting->failed = TRUE;
        rpc_packet_error (packet, waiting->error);
        return;
    }
    if (waiting->decode) {
        xdrmem_create (&xdrs, (char *) packet->payload, (u_int) packet->payload_size, XDR_DECODE);
        if (!waiting->decode (&xdrs, waiting->ret, 0)) {
            waiting->failed = TRUE;
            error_set_from (waiting->error, ORIGIN_RPC, ERR_RPC,
                            "Unable to decode message payload");
        }
        xdr_destroy (&xdrs);
    }
    for (guint i = 0; waiting->ret_fds && i < packet->n_fds; i++) {
        g_array_append_val (waiting->ret_fds, packet->fds[i]);
        packet->fds[i] = -1;
    }
}

static void
event_received (RpcConnection *conn, const Packet *packet)
{
    Event *event;

    if (packet->header.program == RPC_PROGRAM_KEEPALIVE) {
        conn->pong_due |= packet->header.procedure == KEEPALIVE_PING;
        return;
    }
    if (!conn->handler)
        return;
    event = g_new (Event, 1);
    event->header = packet->header;
    event->payload = g_bytes_new (packet->payload, packet->payload_size);
    g_queue_push_tail (&conn->events, event);
}

static void
packet_received (RpcConnection *conn, Packet *packet)
{
    switch (packet->header.type) {
    case PACKET_REPLY:
    case PACKET_REPLY_FDS:
        reply_received (conn, packet);
        break;
    case PACKET_EVENT:
        event_received (conn, packet);
        break;
    case PACKET_STREAM:
        rpc_connection_stream_packet (conn, packet);
        break;
    default:
        break;
    }
}

/* Reads once and takes all of it. FALSE: the connection ended. */
static gboolean
receive_some (RpcConnection *conn, GError **error)
{
    PacketInput input;
    gssize n = packet_reader_receive (&conn->reader, conn->fd, conn->input, INPUT_SIZE, &input);

    if (n == -EAGAIN)
        return TRUE;
    if (n <= 0)
        return connection_broke (conn, error, n == 0 ? "end of file" : g_strerror ((int) -n));
    while (input.size > 0) {
        Packet packet;
        PacketResult result = packet_reader_feed (&conn->reader, &input, &packet);

        if (result == PACKET_BAD)
            return connection_broke (conn, error, "malformed packet");
        if (result == PACKET_COMPLETE)
            packet_received (conn, &packet);
    }
    return TRUE;
}

/* ---- what is sent */

/* The @size bytes in the output buffer, then @fds. */
static gboolean
send_packet (RpcConnection *conn, gsize size, const int *fds, guint n_fds, GError **error)
{
    gsize sent = 0;
    guint fds_sent = 0;

    while (sent < size || fds_sent < n_fds) {
        ssize_t n;

        if (sent < size) {
            n = send (conn->fd, conn->output.data + sent, size - sent, MSG_NOSIGNAL);
            if (n > 0)
                sent += (gsize) n;
        } else {
            n = packet_send_fd (conn->fd, fds[fds_sent]);
            if (n == 0)
                fds_sent++;
            else
                errno = (int) -n;
        }
        if (n >= 0 || errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return connection_broke (conn, error, g_strerror (errno));
        n = wait_for (conn, POLLIN | POLLOUT, -1, error);
        if (n == 0 || ((n & ~POLLOUT) && !receive_some (conn, error)))
            return FALSE;
    }
    return TRUE;
}

static gboolean
send_pongs (RpcConnection *conn, GError **error)
{
    static const PacketHeader pong = {
        .program = RPC_PROGRAM_KEEPALIVE, .version = 1, .procedure = KEEPALIVE_PONG,
        .type = PACKET_EVENT,
    };

    while (conn->pong_due) {
        conn->pong_due = FALSE;         /* one answers all pings so far */
        if (!send_packet (conn, packet_build (&conn->output, &pong, 0, NULL, NULL), NULL, 0, error))
            return FALSE;
    }
    return TRUE;
}

/* Handlers may make calls: what they bring in is appended, and has its turn after them. */
void
rpc_connection_deliver (RpcConnection *conn)
{
    Event *event;

    if (conn->delivering)
        return;
    conn->delivering = TRUE;
    while ((event = g_queue_pop_head (&conn->events))) {
        gsize size;
        const void *payload = g_bytes_get_data (event->payload, &size);
        XDR xdrs;

        xdrmem_create (&xdrs, (char *) payload, (u_int) size, XDR_DECODE);
        if (conn->handler)
            conn->handler (event->header.program, event->header.procedure, &xdrs,
                           conn->handler_data);
        xdr_destroy (&xdrs);
        event_free (event);
    }
    conn->delivering = FALSE;
}

/* Also answers pings. @size 0: only that. */
gboolean
rpc_connection_send (RpcConnection *conn, gsize size, const int *fds, guint n_fds, GError **error)
{
    gboolean sent;

    if (conn->broken)
        return connection_broke (conn, error, "it ended before");
    sent = send_packet (conn, size, fds, n_fds, error) && send_pongs (conn, error);
    packet_buffer_trim (&conn->output);
    return sent;
}

/* Reads once, and answers and hands on all of it. */
static gboolean
receive_and_handle (RpcConnection *conn, GError **error)
{
    gboolean alive = receive_some (conn, error) && rpc_connection_send (conn, 0, NULL, 0, error);

    rpc_connection_deliver (conn);
    return alive;
}

/* Sends the packet in the output buffer and waits for its answer, which may come before all is
 * sent. */
gboolean
rpc_connection_exchange (RpcConnection *conn, gsize size, const int *fds, guint n_fds,
                         Waiting *waiting, GError **error)
{
    g_autoptr (GError) lost = NULL;
    gboolean alive;

    waiting->outer = conn->waiting;
    conn->waiting = waiting;
    alive = rpc_connection_send (conn, size, fds, n_fds, &lost);
    rpc_connection_deliver (conn);
    while (alive && !waiting->done)
        alive = wait_for (conn, POLLIN, -1, &lost) && receive_and_handle (conn, &lost);
    conn->waiting = waiting->outer;
    if (!waiting->done)
        g_propagate_error (error, g_steal_pointer (&lost));
    return waiting->done && !waiting->failed;
}

/* ---- calls and events */

gboolean
rpc_connection_call (RpcConnection *conn, guint32 program, int procedure, xdrproc_t encode,
                     const void *args, xdrproc_t decode, void *ret, const int *fds, guint n_fds,
                     GArray *ret_fds, GError **error)
{
    PacketHeader header = {
        .program = program, .version = 1, .procedure = procedure,
        .type = n_fds > 0 ? PACKET_CALL_FDS : PACKET_CALL, .serial = conn->serial,
    };
    Waiting waiting = {
        .program = program, .serial = conn->serial, .decode = decode, .ret = ret,
        .ret_fds = ret_fds, .error = error,
    };
    gsize size;

    if (n_fds > PACKET_FDS_MAX)
        return error_set_from (error, ORIGIN_RPC, ERR_INVALID_ARG, "too many descriptors: %u",
                               n_fds);
    size = packet_build (&conn->output, &header, n_fds, encode, args);
    if (size == 0)
        return error_set_from (error, ORIGIN_RPC, ERR_RPC, "Unable to encode message payload");
    conn->serial++;
    return rpc_connection_exchange (conn, size, fds, n_fds, &waiting, error);
}

gboolean
rpc_connection_dispatch (RpcConnection *conn, int timeout_ms, GError **error)
{
    g_autoptr (GError) failed = NULL;

    if (conn->broken)
        return connection_broke (conn, error, "it ended before");
    if (wait_for (conn, POLLIN, timeout_ms, &failed))
        return receive_and_handle (conn, error);
    if (failed) {
        g_propagate_error (error, g_steal_pointer (&failed));
        return FALSE;
    }
    return TRUE;
}
