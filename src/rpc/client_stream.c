/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams at the client's end: what arrives waits here until it is asked for. */
#include "rpc/client_private.h"
#include "util/error.h"

/* Packets of one stream that nobody asked for yet. */
typedef struct {
    GQueue data;                /* of GBytes, an empty one is the end */
    gsize size;
    GError *error;
    gboolean overflowed;        /* *error says so, the daemon does not know yet */
} StreamInput;

static void
stream_input_free (gpointer data)
{
    StreamInput *stream = data;

    g_queue_clear_full (&stream->data, (GDestroyNotify) g_bytes_unref);
    g_clear_error (&stream->error);
    g_free (stream);
}

GHashTable *
rpc_connection_streams_new (void)
{
    return g_hash_table_new_full (NULL, NULL, NULL, stream_input_free);
}

static StreamInput *
stream_lookup (RpcConnection *conn, guint32 serial)
{
    return g_hash_table_lookup (conn->streams, GUINT_TO_POINTER (serial));
}

static StreamInput *
stream_input (RpcConnection *conn, guint32 serial)
{
    StreamInput *stream = stream_lookup (conn, serial);

    if (!stream) {
        stream = g_new0 (StreamInput, 1);
        g_hash_table_insert (conn->streams, GUINT_TO_POINTER (serial), stream);
    }
    return stream;
}

/* Who sends without reading must neither stop the daemon nor fill our memory: what is too much is
 * lost. */
static void
stream_data_received (RpcConnection *conn, const Packet *packet)
{
    StreamInput *stream = stream_input (conn, packet->header.serial);

    if (stream->error)
        return;
    if (stream->size + packet->payload_size > RPC_STREAM_HELD_MAX) {
        stream->overflowed = TRUE;
        error_set_from (&stream->error, ORIGIN_STREAMS, ERR_OVERFLOW,
                        "too much data of the stream was not read");
        return;
    }
    g_queue_push_tail (&stream->data, g_bytes_new (packet->payload, packet->payload_size));
    stream->size += packet->payload_size;
}

void
rpc_connection_stream_packet (RpcConnection *conn, const Packet *packet)
{
    Waiting *waiting = rpc_connection_waiting (conn, packet, TRUE);

    switch (packet->header.status) {
    case PACKET_CONTINUE:
        stream_data_received (conn, packet);
        break;
    case PACKET_OK:
        if (waiting)
            waiting->done = TRUE;
        break;
    default:
        if (waiting) {
            waiting->done = waiting->failed = TRUE;
            rpc_packet_error (packet, waiting->error);
        } else {
            StreamInput *stream = stream_input (conn, packet->header.serial);

            g_clear_error (&stream->error);
            stream->overflowed = FALSE;
            rpc_packet_error (packet, &stream->error);
        }
    }
}

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
        StreamInput *stream = stream_lookup (conn, serial);
        gboolean sent;

        if (stream && stream->error) {
            if (error)
                *error = g_error_copy (stream->error);
            return FALSE;
        }
        sent = rpc_connection_send (conn, packet_build_raw (&conn->output, &header, next, n), NULL,
                                    0, error);
        rpc_connection_deliver (conn);
        if (!sent)
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
    StreamInput *stream = stream_lookup (conn, serial);
    gboolean finished;
    gsize size;

    if (stream && stream->overflowed) {
        /* the daemon knows of no failure, but what it sent is not whole */
        if (!abort_it)
            g_propagate_error (error, g_steal_pointer (&stream->error));
        header.status = PACKET_ERROR;
        waiting.error = error = abort_it ? error : NULL;
    } else if (stream && stream->error) {
        /* a stream that failed there is over: nothing would be confirmed any more */
        g_propagate_error (error, g_steal_pointer (&stream->error));
        g_hash_table_remove (conn->streams, GUINT_TO_POINTER (serial));
        return FALSE;
    }
    size = packet_build (&conn->output, &header, 0, NULL, NULL);
    finished = rpc_connection_exchange (conn, size, NULL, 0, &waiting, error);
    g_hash_table_remove (conn->streams, GUINT_TO_POINTER (serial));
    return finished && (abort_it || header.status == PACKET_OK);
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
            stream->size -= size;
            if (size == 0)
                g_clear_pointer (ret_data, g_free);
            return (gssize) size;
        }
        if (stream->error) {
            g_propagate_error (error, g_error_copy (stream->error));
            return -1;
        }
        if (left < 0 && timeout_ms >= 0) {
            error_set_from (error, ORIGIN_RPC, ERR_OPERATION_TIMEOUT,
                            "nothing arrived on the stream");
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
