/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A blocking caller on a non-blocking socket: whoever waits also handles what else arrives. Every
 * complete packet that was received has been handled when a function returns, so polling the
 * descriptor is enough to know that there is more.
 */
#include "rpc/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc/error_wire.h"
#include "rpc/packet.h"
#include "rpc/server.h"
#include "util/error.h"
#include "util/fd.h"

#define INPUT_SIZE 65536u

/* The call that is waited for. */
typedef struct {
    guint32 program, serial;
    gboolean done;
    gboolean stream;            /* a stream's confirmation instead of a reply */
    gboolean failed;            /* the daemon said so: *error is set */
    xdrproc_t decode;
    void *ret;
    GArray *ret_fds;
    GError **error;
} Waiting;

/* Packets of one stream that nobody asked for yet. */
typedef struct {
    GQueue data;                /* of GBytes, an empty one is the end */
    GError *error;
} StreamInput;

struct RpcConnection {
    int fd;
    guint32 serial;             /* of the next call */
    PacketReader reader;
    PacketBuffer output;
    guint8 *input;
    Waiting *waiting;
    GHashTable *streams;        /* serial -> StreamInput */
    RpcEventHandler handler;
    gpointer handler_data;
    gboolean broken;
};

static void
stream_input_free (gpointer data)
{
    StreamInput *stream = data;

    g_queue_clear_full (&stream->data, (GDestroyNotify) g_bytes_unref);
    g_clear_error (&stream->error);
    g_free (stream);
}

RpcConnection *
rpc_connect_unix (const char *path, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    gboolean abstract = path[0] == '@';
    gsize length = strlen (path);
    socklen_t size = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + length + !abstract);
    autofd int fd = -1;
    RpcConnection *conn;

    if (length == 0 || length >= sizeof address.sun_path) {
        error_set_from (error, ORIGIN_RPC, ERR_INVALID_ARG, "socket path '%s' is too long", path);
        return NULL;
    }
    memcpy (address.sun_path, path, length);
    if (abstract)
        address.sun_path[0] = '\0';
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
    conn->streams = g_hash_table_new_full (NULL, NULL, NULL, stream_input_free);
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

/* ---- the socket */

static gboolean
connection_broke (RpcConnection *conn, GError **error, const char *why)
{
    conn->broken = TRUE;
    return error_set_from (error, ORIGIN_RPC, ERR_RPC, "connection to the daemon is lost: %s", why);
}

/* TRUE when ready; FALSE with no error set at the time limit. */
static gboolean
wait_for (RpcConnection *conn, short events, int timeout_ms, GError **error)
{
    struct pollfd pfd = { .fd = conn->fd, .events = events };
    int n;

    do
        n = poll (&pfd, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        connection_broke (conn, error, g_strerror (errno));
    return n > 0;
}

static gboolean
send_all (RpcConnection *conn, gsize size, const int *fds, guint n_fds, GError **error)
{
    gsize sent = 0;
    guint fds_sent = 0;

    if (conn->broken)
        return connection_broke (conn, error, "it ended before");
    while (sent < size || fds_sent < n_fds) {
        ssize_t n;

        if (sent < size)
            n = send (conn->fd, conn->output.data + sent, size - sent, MSG_NOSIGNAL);
        else
            n = packet_send_fd (conn->fd, fds[fds_sent]) == 0 ? 0 : -1;
        if (n < 0 && errno == EAGAIN) {
            if (!wait_for (conn, POLLOUT, -1, error))
                return FALSE;
        } else if (n < 0 && errno != EINTR)
            return connection_broke (conn, error, g_strerror (errno));
        else if (n >= 0 && sent < size)
            sent += (gsize) n;
        else if (n >= 0)
            fds_sent++;
    }
    packet_buffer_trim (&conn->output);
    return TRUE;
}

/* ---- what arrives */

static void
wire_error_to (const Packet *packet, GError **error)
{
    if (!error_wire_decode (packet->payload, packet->payload_size, error))
        error_set_from (error, ORIGIN_RPC, ERR_RPC, "the daemon sent an error that cannot be read");
}

static void
reply_received (RpcConnection *conn, Packet *packet)
{
    Waiting *waiting = conn->waiting;
    XDR xdrs;

    if (!waiting || waiting->done || waiting->stream || packet->header.serial != waiting->serial
        || packet->header.program != waiting->program)
        return;
    waiting->done = TRUE;
    if (packet->header.status != PACKET_OK) {
        waiting->failed = TRUE;
        wire_error_to (packet, waiting->error);
        return;
    }
    if (waiting->decode) {
        xdrmem_create (&xdrs, (char *) packet->payload, (u_int) packet->payload_size, XDR_DECODE);
        if (!waiting->decode (&xdrs, waiting->ret, 0)) {
            waiting->failed = TRUE;
            error_set_from (waiting->error, ORIGIN_RPC, ERR_RPC, "Unable to decode message payload");
        }
        xdr_destroy (&xdrs);
    }
    for (guint i = 0; waiting->ret_fds && i < packet->n_fds; i++) {
        g_array_append_val (waiting->ret_fds, packet->fds[i]);
        packet->fds[i] = -1;
    }
}

static void
event_received (RpcConnection *conn, Packet *packet)
{
    PacketHeader pong = packet->header;
    XDR xdrs;

    if (packet->header.program == RPC_PROGRAM_KEEPALIVE) {
        if (packet->header.procedure == KEEPALIVE_PING) {
            pong.procedure = KEEPALIVE_PONG;
            send_all (conn, packet_build (&conn->output, &pong, 0, NULL, NULL), NULL, 0, NULL);
        }
        return;
    }
    if (!conn->handler)
        return;
    xdrmem_create (&xdrs, (char *) packet->payload, (u_int) packet->payload_size, XDR_DECODE);
    conn->handler (packet->header.program, packet->header.procedure, &xdrs, conn->handler_data);
    xdr_destroy (&xdrs);
}

static StreamInput *
stream_input (RpcConnection *conn, guint32 serial)
{
    StreamInput *stream = g_hash_table_lookup (conn->streams, GUINT_TO_POINTER (serial));

    if (!stream) {
        stream = g_new0 (StreamInput, 1);
        g_hash_table_insert (conn->streams, GUINT_TO_POINTER (serial), stream);
    }
    return stream;
}

static void
stream_packet_received (RpcConnection *conn, const Packet *packet)
{
    Waiting *waiting = conn->waiting;
    gboolean mine = waiting && waiting->stream && waiting->serial == packet->header.serial;

    switch (packet->header.status) {
    case PACKET_CONTINUE:
        g_queue_push_tail (&stream_input (conn, packet->header.serial)->data,
                           g_bytes_new (packet->payload, packet->payload_size));
        break;
    case PACKET_OK:
        if (mine)
            waiting->done = TRUE;
        break;
    default:
        if (mine) {
            waiting->done = waiting->failed = TRUE;
            wire_error_to (packet, waiting->error);
        } else {
            StreamInput *stream = stream_input (conn, packet->header.serial);

            g_clear_error (&stream->error);
            wire_error_to (packet, &stream->error);
        }
    }
}

/* Reads once and handles all of it. FALSE: the connection ended. */
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

        switch (packet_reader_feed (&conn->reader, &input, &packet)) {
        case PACKET_BAD:
            return connection_broke (conn, error, "malformed packet");
        case PACKET_MORE:
            break;
        case PACKET_COMPLETE:
            if (packet.header.type == PACKET_REPLY || packet.header.type == PACKET_REPLY_FDS)
                reply_received (conn, &packet);
            else if (packet.header.type == PACKET_EVENT)
                event_received (conn, &packet);
            else if (packet.header.type == PACKET_STREAM)
                stream_packet_received (conn, &packet);
            break;
        }
    }
    return TRUE;
}

static gboolean
wait_answer (RpcConnection *conn, Waiting *waiting, GError **error)
{
    Waiting *outer = conn->waiting;
    gboolean alive = TRUE;

    conn->waiting = waiting;
    while (alive && !waiting->done)
        alive = wait_for (conn, POLLIN, -1, error) && receive_some (conn, error);
    conn->waiting = outer;
    return waiting->done && !waiting->failed;
}

/* ---- calls and events */

gboolean
rpc_connection_call (RpcConnection *conn, guint32 program, int procedure, xdrproc_t encode, const void *args,
                     xdrproc_t decode, void *ret, const int *fds, guint n_fds, GArray *ret_fds,
                     GError **error)
{
    PacketHeader header = {
        .program = program, .version = 1, .procedure = procedure,
        .type = n_fds > 0 ? PACKET_CALL_FDS : PACKET_CALL, .serial = conn->serial,
    };
    Waiting waiting = {
        .program = program, .serial = conn->serial, .decode = decode, .ret = ret, .ret_fds = ret_fds,
        .error = error,
    };
    gsize size;

    if (n_fds > PACKET_FDS_MAX)
        return error_set_from (error, ORIGIN_RPC, ERR_INVALID_ARG, "too many descriptors: %u", n_fds);
    size = packet_build (&conn->output, &header, n_fds, encode, args);
    if (size == 0)
        return error_set_from (error, ORIGIN_RPC, ERR_RPC, "Unable to encode message payload");
    conn->serial++;
    return send_all (conn, size, fds, n_fds, error) && wait_answer (conn, &waiting, error);
}

gboolean
rpc_connection_dispatch (RpcConnection *conn, int timeout_ms, GError **error)
{
    g_autoptr (GError) failed = NULL;

    if (conn->broken)
        return connection_broke (conn, error, "it ended before");
    if (wait_for (conn, POLLIN, timeout_ms, &failed))
        return receive_some (conn, error);
    if (failed) {
        g_propagate_error (error, g_steal_pointer (&failed));
        return FALSE;
    }
    return TRUE;
}

/* ---- streams */

gboolean
rpc_connection_stream_send (RpcConnection *conn, guint32 program, int procedure, guint32 serial,
                            const void *data, gsize size, GError **error)
{
    PacketHeader header = {
        .program = program, .version = 1, .procedure = procedure, .type = PACKET_STREAM,
        .serial = serial, .status = PACKET_CONTINUE,
    };
    const guint8 *next = data;

    while (size > 0) {
        gsize n = MIN (size, PACKET_STREAM_MAX);

        if (!send_all (conn, packet_build_raw (&conn->output, &header, next, n), NULL, 0, error))
            return FALSE;
        next += n;
        size -= n;
    }
    return TRUE;
}

gboolean
rpc_connection_stream_finish (RpcConnection *conn, guint32 program, int procedure, guint32 serial,
                              gboolean abort_it, GError **error)
{
    PacketHeader header = {
        .program = program, .version = 1, .procedure = procedure, .type = PACKET_STREAM,
        .serial = serial, .status = abort_it ? PACKET_ERROR : PACKET_OK,
    };
    Waiting waiting = { .program = program, .serial = serial, .stream = TRUE, .error = error };
    gboolean finished;
    StreamInput *stream = g_hash_table_lookup (conn->streams, GUINT_TO_POINTER (serial));

    /* a failed stream is over; the daemon would not confirm anything any more */
    if (stream && stream->error) {
        if (error && !*error)
            g_propagate_error (error, g_steal_pointer (&stream->error));
        g_hash_table_remove (conn->streams, GUINT_TO_POINTER (serial));
        return FALSE;
    }
    finished = send_all (conn, packet_build (&conn->output, &header, 0, NULL, NULL), NULL, 0, error)
               && wait_answer (conn, &waiting, error);
    g_hash_table_remove (conn->streams, GUINT_TO_POINTER (serial));
    return finished;
}

gssize
rpc_connection_stream_receive (RpcConnection *conn, guint32 serial, void **ret_data, int timeout_ms,
                               GError **error)
{
    gint64 deadline = g_get_monotonic_time () + timeout_ms * (gint64) 1000;
    gint64 left = timeout_ms;

    for (;;) {
        StreamInput *stream = stream_input (conn, serial);
        GBytes *bytes = g_queue_pop_head (&stream->data);

        if (bytes) {
            gsize size;

            *ret_data = g_bytes_unref_to_data (bytes, &size);
            if (size == 0)
                g_clear_pointer (ret_data, g_free);
            return (gssize) size;
        }
        if (stream->error) {
            g_propagate_error (error, g_error_copy (stream->error));
            return -1;
        }
        if (left < 0 && timeout_ms >= 0) {
            error_set_from (error, ORIGIN_RPC, ERR_OPERATION_TIMEOUT, "nothing arrived on the stream");
            return -1;
        }
        if (!rpc_connection_dispatch (conn, (int) left, error))
            return -1;
        if (timeout_ms >= 0) {
            left = (deadline - g_get_monotonic_time ()) / 1000;
            left = left > 0 ? left : -1;
        }
    }
}
