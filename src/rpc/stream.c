/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams of a client. Out: at most one data packet of a stream is in the client's queue, the rest
 * waits here, so replies and events get between. In: bytes that the handler does not take wait here
 * up to a bound; then the client's socket is not read.
 */
#include <string.h>
#include <sys/socket.h>

#include "rpc/error_wire.h"
#include "rpc/server_private.h"

#define SOCKET_QUEUE (16 << 10) /* bytes, of which the kernel makes two; 208 KiB without */

struct RpcStream {
    gint ref_count;
    RpcClient *client;          /* reference */
    PacketHeader header;        /* of every packet; status varies */
    RpcStreamHandlers handlers;
    gpointer data;
    gboolean live;              /* handlers may be called; in the client's list */

    gboolean opened;            /* the reply of its call is out: data may follow */
    GByteArray *out;
    gboolean in_flight;         /* a packet is in the client's queue */
    gboolean want_writable;
    gboolean ending, end_sent;

    GQueue in;                  /* of GBytes */
    gsize in_size;
    gboolean paused, delivering;
    gboolean blocks_client;
    gboolean finish_asked;      /* by the client, behind what waits in @in */
};

RpcStream *
rpc_stream_new (RpcClient *client, const PacketHeader *header, const RpcStreamHandlers *handlers,
                gpointer data)
{
    RpcStream *stream = g_new0 (RpcStream, 1);
    int queue = SOCKET_QUEUE;

    /* A socket takes more when three quarters of its queue have been read: with a short one a slow reader is not
     * taken for one that does not read at all (controller/console.c). A failure costs no more than that. */
    (void) setsockopt (client->target.fd, SOL_SOCKET, SO_SNDBUF, &queue, sizeof queue);
    stream->ref_count = 1;
    stream->client = rpc_client_ref (client);
    stream->header = *header;
    stream->header.type = PACKET_STREAM;
    stream->handlers = *handlers;
    stream->data = data;
    stream->live = TRUE;
    stream->out = g_byte_array_new ();
    if (client->server)         /* else the reply finds the client gone and closes the stream */
        g_queue_push_tail (&client->streams, rpc_stream_ref (stream));
    return stream;
}

RpcStream *
rpc_stream_ref (RpcStream *stream)
{
    stream->ref_count++;
    return stream;
}

void
rpc_stream_unref (RpcStream *stream)
{
    if (--stream->ref_count > 0)
        return;
    g_queue_clear_full (&stream->in, (GDestroyNotify) g_bytes_unref);
    g_byte_array_unref (stream->out);
    rpc_client_unref (stream->client);
    g_free (stream);
}

static void
unblock_client (RpcStream *stream)
{
    if (!stream->blocks_client)
        return;
    stream->blocks_client = FALSE;
    stream->client->blocked_streams--;
    if (stream->client->server)
        rpc_server_ready (stream->client->server, stream->client);
}

/* Takes the stream out of its client; no handler is called after this. The caller has a
 * reference. */
void
rpc_stream_forget (RpcStream *stream)
{
    if (!stream->live)
        return;
    stream->live = FALSE;
    unblock_client (stream);
    if (g_queue_remove (&stream->client->streams, stream))
        rpc_stream_unref (stream);
}

/* Returns TRUE when written at once. */
static gboolean
stream_packet (RpcStream *stream, PacketStatus status, const void *data, gsize size, gboolean tell)
{
    RpcServer *server = stream->client->server;
    SendOptions options = { .stream = tell ? stream : NULL };
    gboolean written;

    stream->header.status = status;
    size = packet_build_raw (&server->output, &stream->header, data, size);
    written = rpc_client_send (stream->client, server->output.data, size, &options);
    packet_buffer_trim (&server->output);
    return written;
}

/* ---- the end */

static void
stream_close (RpcStream *stream, gboolean aborted)
{
    rpc_stream_ref (stream);
    rpc_stream_forget (stream);
    stream->handlers.closed (stream, aborted, stream->data);
    rpc_stream_unref (stream);
}

static void
stream_confirm (RpcStream *stream, gboolean aborted)
{
    stream_packet (stream, PACKET_OK, NULL, 0, FALSE);
    stream_close (stream, aborted);
}

void
rpc_stream_client_gone (RpcStream *stream)
{
    if (!stream->live)
        return;
    stream->live = FALSE;
    stream->handlers.closed (stream, TRUE, stream->data);
}

void
rpc_stream_fail (RpcStream *stream, const GError *error)
{
    if (!stream->live)
        return;
    rpc_stream_ref (stream);
    rpc_stream_forget (stream);
    if (stream->opened && stream->client->server) {
        g_autoptr (GByteArray) body = error_wire_encode (error);

        stream_packet (stream, PACKET_ERROR, body->data, body->len, FALSE);
    }
    rpc_stream_unref (stream);
}

/* ---- out */

static void
stream_pump (RpcStream *stream)
{
    if (!stream->client->server || !stream->opened || !stream->live)
        return;
    while (!stream->in_flight && stream->out->len > 0) {
        guint n = MIN (stream->out->len, PACKET_STREAM_MAX);

        stream->in_flight = !stream_packet (stream, PACKET_CONTINUE, stream->out->data, n, TRUE);
        g_byte_array_remove_range (stream->out, 0, n);
    }
    if (stream->ending && !stream->end_sent && !stream->in_flight) {
        stream->end_sent = TRUE;
        stream_packet (stream, PACKET_CONTINUE, NULL, 0, FALSE);
    }
}

/* Goes on with what waits, and asks for more once nothing does. */
static void
stream_go_on (RpcStream *stream)
{
    stream_pump (stream);
    if (!stream->live || !stream->want_writable || stream->in_flight || stream->out->len > 0 || stream->ending)
        return;
    stream->want_writable = FALSE;
    if (stream->handlers.writable)
        stream->handlers.writable (stream, stream->data);
}

void
rpc_stream_opened (RpcStream *stream)
{
    stream->opened = TRUE;
    stream_go_on (stream);
}

void
rpc_stream_written (RpcStream *stream)
{
    stream->in_flight = FALSE;
    stream_go_on (stream);
}

gboolean
rpc_stream_send (RpcStream *stream, const void *data, gsize size)
{
    if (!stream->live || !stream->client->server || stream->ending)
        return TRUE;
    if (size == 0)              /* an empty packet would mean the end */
        return !stream->in_flight && stream->out->len == 0;
    if (stream->opened && !stream->in_flight && stream->out->len == 0 && size <= PACKET_STREAM_MAX)
        stream->in_flight = !stream_packet (stream, PACKET_CONTINUE, data, size, TRUE);
    else {
        gsize max = stream->client->server->limits.max_client_output;

        /* a sender that does not wait for writable() must not fill the memory */
        if (max && stream->out->len > 0 && stream->out->len + size > max) {
            rpc_client_kill (stream->client, "reads a stream too slowly");
            return FALSE;
        }
        g_byte_array_append (stream->out, data, (guint) size);
        stream_pump (stream);
    }
    if (!stream->in_flight && stream->out->len == 0)
        return TRUE;
    stream->want_writable = TRUE;
    return FALSE;
}

void
rpc_stream_end (RpcStream *stream)
{
    if (stream->ending)
        return;
    stream->ending = TRUE;
    stream_pump (stream);
}

/* ---- in */

/* Hands on what waits, then the end if that was asked for. The caller has a reference. */
static void
stream_deliver (RpcStream *stream)
{
    if (stream->delivering)
        return;
    stream->delivering = TRUE;
    while (stream->live && !stream->paused && !g_queue_is_empty (&stream->in)) {
        g_autoptr (GBytes) bytes = g_queue_pop_head (&stream->in);
        gsize size;
        const void *data = g_bytes_get_data (bytes, &size);

        stream->in_size -= size;
        if (!stream->ending && !stream->handlers.received (stream, data, size, stream->data))
            stream->paused = TRUE;
    }
    stream->delivering = FALSE;
    if (stream->in_size < STREAM_INPUT_MAX / 2)
        unblock_client (stream);
    if (stream->live && stream->finish_asked && g_queue_is_empty (&stream->in))
        stream_confirm (stream, FALSE);
}

static void
stream_data (RpcStream *stream, const Packet *packet)
{
    if (packet->payload_size == 0 || stream->ending || stream->finish_asked)
        return;
    if (!stream->paused && g_queue_is_empty (&stream->in)) {
        stream->delivering = TRUE;
        if (!stream->handlers.received (stream, packet->payload, packet->payload_size,
                                        stream->data))
            stream->paused = TRUE;
        stream->delivering = FALSE;
        return;
    }
    g_queue_push_tail (&stream->in, g_bytes_new (packet->payload, packet->payload_size));
    stream->in_size += packet->payload_size;
    if (stream->in_size >= STREAM_INPUT_MAX && !stream->blocks_client) {
        stream->blocks_client = TRUE;
        stream->client->blocked_streams++;
    }
}

void
rpc_stream_resume (RpcStream *stream)
{
    rpc_stream_ref (stream);
    stream->paused = FALSE;
    stream_deliver (stream);
    rpc_stream_unref (stream);
}

static RpcStream *
stream_find (RpcClient *client, const PacketHeader *header)
{
    for (GList *l = client->streams.head; l; l = l->next) {
        RpcStream *stream = l->data;

        if (stream->header.serial == header->serial && stream->header.program == header->program
            && stream->header.procedure == header->procedure)
            return stream;
    }
    return NULL;
}

void
rpc_stream_received (RpcClient *client, const Packet *packet)
{
    RpcStream *stream = stream_find (client, &packet->header);

    if (!stream)
        return;
    if (packet->header.type == PACKET_HOLE) {
        rpc_client_kill (client, "sent a hole to a stream without holes");
        return;
    }
    rpc_stream_ref (stream);
    switch (packet->header.status) {
    case PACKET_CONTINUE:
        stream_data (stream, packet);
        break;
    case PACKET_OK:
        stream->finish_asked = TRUE;
        if (stream->handlers.interactive || g_queue_is_empty (&stream->in))
            stream_confirm (stream, FALSE);
        break;
    case PACKET_ERROR:
        stream_confirm (stream, TRUE);
        break;
    default:
        break;
    }
    rpc_stream_unref (stream);
}
