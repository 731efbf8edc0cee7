/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A call between its packet and its answer. */
#include <string.h>
#include <unistd.h>

#include "rpc/error_wire.h"
#include "rpc/server_private.h"
#include "util/error.h"

#define STEAL_MIN 65536u        /* payloads from this size on are not copied */

struct RpcCall {
    RpcClient *client;          /* reference */
    PacketHeader header;
    RpcStream *stream;          /* reference; opened by this call, NULL */
    guint n_fds;
    int fds[PACKET_FDS_MAX];
    guint8 *stolen;             /* the buffer that holds @payload; NULL: behind this struct */
    const guint8 *payload;
    gsize payload_size;
    guint8 inside[] __attribute__ ((aligned (8)));
};

static RpcCall *
call_new (RpcClient *client, Packet *packet)
{
    guint8 *stolen = NULL;
    RpcCall *call;

    if (packet->payload_size >= STEAL_MIN)
        stolen = packet_reader_steal (&client->reader, packet);
    call = g_malloc (sizeof *call + (stolen ? 0 : packet->payload_size));
    call->client = rpc_client_ref (client);
    call->header = packet->header;
    call->stream = NULL;
    call->n_fds = packet->n_fds;
    for (guint i = 0; i < packet->n_fds; i++) {
        call->fds[i] = packet->fds[i];
        packet->fds[i] = -1;
    }
    call->stolen = stolen;
    call->payload = stolen ? packet->payload : call->inside;
    call->payload_size = packet->payload_size;
    if (!stolen)
        memcpy (call->inside, packet->payload, packet->payload_size);
    client->in_progress++;
    return call;
}

static void
call_free (RpcCall *call)
{
    for (guint i = 0; i < call->n_fds; i++)
        if (call->fds[i] >= 0)
            close (call->fds[i]);
    if (call->stream)
        rpc_stream_unref (call->stream);
    rpc_client_unref (call->client);
    g_free (call->stolen);
    g_free (call);
}

void
rpc_call_received (RpcClient *client, Packet *packet)
{
    const PacketHeader *header = &packet->header;
    g_autoptr (GError) error = NULL;
    RpcCall *call = call_new (client, packet);

    if (!rpc_server_has_program (client->server, header->program, header->version))
        error_set_from (&error, ORIGIN_RPC, ERR_RPC, "Cannot find program %u version %u",
                        header->program, header->version);
    else if (header->status != PACKET_OK)
        error_set_from (&error, ORIGIN_RPC, ERR_RPC, "Unexpected message status %d",
                        header->status);
    if (error)
        rpc_call_error (call, error);
    else
        client->server->handlers.call (call, client->server->data);
}

guint32
rpc_call_program (const RpcCall *call)
{
    return call->header.program;
}

int
rpc_call_procedure (const RpcCall *call)
{
    return call->header.procedure;
}

RpcClient *
rpc_call_client (const RpcCall *call)
{
    return call->client->server ? call->client : NULL;
}

gboolean
rpc_call_args (RpcCall *call, xdrproc_t decode, void *args, GError **error)
{
    gboolean decoded;
    XDR xdrs;

    xdrmem_create (&xdrs, (char *) call->payload, (u_int) call->payload_size, XDR_DECODE);
    decoded = decode (&xdrs, args, 0);
    xdr_destroy (&xdrs);
    return decoded || error_set_from (error, ORIGIN_RPC, ERR_RPC,
                                      "Unable to decode message payload");
}

GArray *
rpc_call_take_fds (RpcCall *call)
{
    GArray *fds = g_array_sized_new (FALSE, FALSE, sizeof (int), call->n_fds);

    g_array_append_vals (fds, call->fds, call->n_fds);
    call->n_fds = 0;
    return fds;
}

/* The answer's bytes are in the server's output buffer. Frees @call. */
static void
call_answer (RpcCall *call, gsize size, const int *fds, guint n_fds)
{
    RpcClient *client = call->client;
    RpcServer *server = client->server;
    SendOptions options = { .fds = fds, .n_fds = n_fds, .reply = TRUE };

    if (client->close_wanted)
        client->closing = TRUE;
    rpc_client_send (client, server->output.data, size, &options);
    packet_buffer_trim (&server->output);
    call_free (call);
}

/* A call whose client has gone only has to be freed. */
static gboolean
call_orphaned (RpcCall *call)
{
    if (call->client->server)
        return FALSE;
    rpc_client_call_ended (call->client);
    call_free (call);
    return TRUE;
}

void
rpc_call_reply_fds (RpcCall *call, xdrproc_t encode, const void *ret, const int *fds, guint n_fds)
{
    PacketHeader header = call->header;
    g_autoptr (GError) error = NULL;
    RpcStream *stream = call->stream;
    gsize size;

    if (!call->client->server && stream)
        rpc_stream_client_gone (stream);
    if (call_orphaned (call))
        return;
    header.type = n_fds > 0 ? PACKET_REPLY_FDS : PACKET_REPLY;
    header.status = PACKET_OK;
    size = packet_build (&call->client->server->output, &header, n_fds, encode, ret);
    if (size == 0 || n_fds > PACKET_FDS_MAX) {
        error_set_from (&error, ORIGIN_RPC, ERR_RPC, "Unable to encode message payload");
        rpc_call_error (call, error);
        return;
    }
    if (stream)
        rpc_stream_ref (stream);
    call_answer (call, size, fds, n_fds);
    if (stream) {
        rpc_stream_opened (stream);
        rpc_stream_unref (stream);
    }
}

void
rpc_call_reply (RpcCall *call, xdrproc_t encode, const void *ret)
{
    rpc_call_reply_fds (call, encode, ret, NULL, 0);
}

void
rpc_call_error (RpcCall *call, const GError *error)
{
    PacketHeader header = call->header;
    g_autoptr (GByteArray) body = NULL;
    gsize size;

    if (call->stream)
        rpc_stream_forget (call->stream);
    if (call_orphaned (call))
        return;
    body = error_wire_encode (error);
    header.type = PACKET_REPLY;
    header.status = PACKET_ERROR;
    size = packet_build_raw (&call->client->server->output, &header, body->data, body->len);
    call_answer (call, size, NULL, 0);
}

RpcStream *
rpc_stream_open (RpcCall *call, const RpcStreamHandlers *handlers, gpointer data)
{
    g_return_val_if_fail (!call->stream, NULL);
    call->stream = rpc_stream_new (call->client, &call->header, handlers, data);
    return call->stream;
}
