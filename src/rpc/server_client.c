/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connected client: who it is, what it sends, what waits to be sent to it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc/server_private.h"
#include "util/log.h"

/* ---- life */

/* Field 22 of /proc/PID/stat; the name in field 2 may hold anything, so fields count from the last
 * ')'. */
static guint64
process_start_time (pid_t pid)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
    g_autofree char *text = NULL;
    g_auto (GStrv) fields = NULL;
    char *rest;

    if (!g_file_get_contents (path, &text, NULL, NULL) || !(rest = strrchr (text, ')')))
        return 0;
    fields = g_strsplit (rest + 2, " ", 21);
    return g_strv_length (fields) > 19 ? g_ascii_strtoull (fields[19], NULL, 10) : 0;
}

RpcClient *
rpc_client_new (RpcServer *server, int fd, gboolean readonly)
{
    RpcClient *client = g_new0 (RpcClient, 1);
    struct ucred cred = { .pid = -1, .uid = (uid_t) -1, .gid = (gid_t) -1 };
    socklen_t size = sizeof cred;

    client->target.kind = TARGET_CLIENT;
    client->target.fd = fd;
    client->ref_count = 1;
    client->server = server;
    client->id = server->next_id++;
    client->readonly = readonly;
    client->held_input.fd = -1;
    getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &cred, &size);
    client->peer = (RpcPeer) { .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
    if (cred.pid > 0)
        client->peer.start_time = process_start_time (cred.pid);
    return client;
}

RpcClient *
rpc_client_ref (RpcClient *client)
{
    client->ref_count++;
    return client;
}

static void
held_clear (RpcClient *client)
{
    if (client->held_input.fd >= 0)
        close (client->held_input.fd);
    g_clear_pointer (&client->held, g_free);
    client->held_input = (PacketInput) { .fd = -1 };
}

static void
out_packet_free (OutPacket *packet)
{
    for (guint i = 0; i < packet->n_fds; i++)
        close (packet->fds[i]);
    if (packet->stream)
        rpc_stream_unref (packet->stream);
    g_free (packet->fds);
    g_free (packet->data);
    g_free (packet);
}

void
rpc_client_unref (RpcClient *client)
{
    if (--client->ref_count > 0)
        return;
    if (client->target.fd >= 0)
        close (client->target.fd);
    g_free (client);
}

void
rpc_client_kill (RpcClient *client, const char *why)
{
    if (client->dead)
        return;
    log_debug ("client %" G_GUINT64_FORMAT ": %s", client->id, why);
    client->dead = TRUE;
    rpc_server_ready (client->server, client);
}

void
rpc_client_close (RpcClient *client)
{
    RpcServer *server = client->server;
    RpcStream *stream;
    OutPacket *packet;

    client->dead = TRUE;
    rpc_server_unwatch (server, &client->target);
    close (client->target.fd);
    client->target.fd = -1;
    while ((stream = g_queue_pop_head (&client->streams))) {
        rpc_stream_client_gone (stream);
        rpc_stream_unref (stream);
    }
    server->handlers.client_gone (client, server->data);
    if (client->free_data)
        client->free_data (client->data);
    client->data = NULL;
    client->server = NULL;
    held_clear (client);
    packet_reader_clear (&client->reader);
    while ((packet = g_queue_pop_head (&client->out)))
        out_packet_free (packet);
}

/* ---- what is waited for */

static gboolean
client_blocked (const RpcClient *client)
{
    return client->closing || client->blocked_streams > 0
           || client->in_progress >= client->server->limits.max_client_requests;
}

static void
client_watch (RpcClient *client)
{
    guint32 events = 0;

    if (!client->server || client->dead)
        return;
    if (!client_blocked (client) && !client->held)
        events |= EPOLLIN;
    if (!g_queue_is_empty (&client->out))
        events |= EPOLLOUT;
    rpc_server_watch (client->server, &client->target, events);
}

/* ---- input */

static void
keepalive_received (RpcClient *client, const PacketHeader *header)
{
    PacketHeader pong = *header;
    RpcServer *server = client->server;
    gsize size;

    if (header->version != 1 || header->procedure != KEEPALIVE_PING)
        return;
    pong.procedure = KEEPALIVE_PONG;
    pong.serial = 0;
    pong.status = PACKET_OK;
    size = packet_build (&server->output, &pong, 0, NULL, NULL);
    rpc_client_send (client, server->output.data, size, NULL);
}

static void
client_packet (RpcClient *client, Packet *packet)
{
    switch (packet->header.type) {
    case PACKET_CALL:
    case PACKET_CALL_FDS:
        rpc_call_received (client, packet);
        break;
    case PACKET_STREAM:
    case PACKET_HOLE:
        rpc_stream_received (client, packet);
        break;
    case PACKET_EVENT:
        if (packet->header.program == RPC_PROGRAM_KEEPALIVE)
            keepalive_received (client, &packet->header);
        break;
    default:                    /* a client has no business with these; stock ignores them, too */
        break;
    }
}

/* Keeps what may not be handled now, from @input on. */
static void
client_hold (RpcClient *client, PacketInput *input)
{
    guint8 *copy = g_memdup2 (input->data, input->size);

    g_free (client->held);
    client->held = copy;
    client->held_input = (PacketInput) { .data = copy, .size = input->size, .fd = input->fd };
}

static void
client_feed (RpcClient *client, PacketInput *input)
{
    for (guint i = 0; input->size > 0 && !client->dead; i++) {
        Packet packet;
        PacketResult result;

        if (i >= PACKETS_PER_TURN || client_blocked (client))
            break;
        result = packet_reader_feed (&client->reader, input, &packet);
        if (result == PACKET_BAD)
            rpc_client_kill (client, "sent a malformed packet");
        if (result == PACKET_COMPLETE) {
            client->pings = 0;
            client_packet (client, &packet);
        }
    }
    if (input->size > 0 && !client->dead && !client->closing) {
        client_hold (client, input);
        if (!client_blocked (client))
            rpc_server_ready (client->server, client);
    } else {
        if (input->fd >= 0)
            close (input->fd);
        input->fd = -1;
        held_clear (client);
    }
    client_watch (client);
}

void
rpc_client_readable (RpcClient *client)
{
    PacketInput input;
    gssize n;

    if (client->dead || client->held || client_blocked (client))
        return;
    n = packet_reader_receive (&client->reader, client->target.fd, client->server->input,
                               INPUT_SIZE, &input);
    if (n == -EAGAIN)
        return;
    if (n <= 0) {
        rpc_client_kill (client, n == 0 ? "closed its end" : g_strerror ((int) -n));
        return;
    }
    if (client->keepalive)
        client->heard = g_get_monotonic_time ();
    client_feed (client, &input);
}

void
rpc_client_continue (RpcClient *client)
{
    if (client->held && !client_blocked (client)) {
        PacketInput input = client->held_input;
        g_autofree guint8 *held = g_steal_pointer (&client->held);

        client->held_input.fd = -1;
        client_feed (client, &input);
    } else
        client_watch (client);
}

void
rpc_client_call_ended (RpcClient *client)
{
    gboolean blocked;

    if (!client->server) {
        client->in_progress--;
        return;
    }
    blocked = client_blocked (client);
    client->in_progress--;
    if (blocked && !client_blocked (client))
        rpc_server_ready (client->server, client);
}

/* ---- output */

/* Returns FALSE when the socket takes no more now, or is broken (then the client is dead). */
static gboolean
out_packet_write (RpcClient *client, OutPacket *packet)
{
    while (packet->sent < packet->size) {
        ssize_t n = send (client->target.fd, packet->data + packet->sent,
                          packet->size - packet->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EAGAIN)
                rpc_client_kill (client, g_strerror (errno));
            return FALSE;
        }
        packet->sent += (gsize) n;
    }
    while (packet->fds_sent < packet->n_fds) {
        int result = packet_send_fd (client->target.fd, packet->fds[packet->fds_sent]);

        if (result < 0) {
            if (result != -EAGAIN)
                rpc_client_kill (client, g_strerror (-result));
            return FALSE;
        }
        packet->fds_sent++;
    }
    return TRUE;
}

/* @packet is on the caller's stack and borrows everything: keeps what is left of it. */
static void
out_packet_queue (RpcClient *client, const OutPacket *packet)
{
    OutPacket *kept = g_new0 (OutPacket, 1);

    kept->size = packet->size - packet->sent;
    kept->data = g_memdup2 (packet->data + packet->sent, kept->size);
    kept->reply = packet->reply;
    kept->stream = packet->stream ? rpc_stream_ref (packet->stream) : NULL;
    if (packet->n_fds > packet->fds_sent) {
        kept->fds = g_new (int, packet->n_fds - packet->fds_sent);
        for (guint i = packet->fds_sent; i < packet->n_fds; i++) {
            int copy = fcntl (packet->fds[i], F_DUPFD_CLOEXEC, 3);

            if (copy < 0) {
                /* the count is on its way already, so the client would wait for ever */
                rpc_client_kill (client, "out of descriptors");
                break;
            }
            kept->fds[kept->n_fds++] = copy;
        }
    }
    client->out_size += kept->size;
    g_queue_push_tail (&client->out, kept);
    client_watch (client);
}

static void
client_drained (RpcClient *client)
{
    if (client->closing && g_queue_is_empty (&client->out))
        rpc_client_kill (client, "closed as it asked");
}

gboolean
rpc_client_send (RpcClient *client, const guint8 *data, gsize size, const SendOptions *options)
{
    OutPacket packet = { .data = (guint8 *) data, .size = size };
    gsize max;

    if (options) {
        packet.fds = (int *) options->fds;
        packet.n_fds = options->n_fds;
        packet.stream = options->stream;
        packet.reply = options->reply;
    }
    if (client->dead || (g_queue_is_empty (&client->out) && out_packet_write (client, &packet))
        || client->dead) {
        if (packet.reply)
            rpc_client_call_ended (client);
        client_drained (client);
        return TRUE;
    }
    max = client->server->limits.max_client_output;
    if (max && client->out_size > 0 && client->out_size + size > max)
        rpc_client_kill (client, "does not read what it is sent");
    out_packet_queue (client, &packet);
    return FALSE;
}

void
rpc_client_writable (RpcClient *client)
{
    OutPacket *packet;

    while (!client->dead && (packet = g_queue_peek_head (&client->out))) {
        if (!out_packet_write (client, packet))
            return;
        g_queue_pop_head (&client->out);
        client->out_size -= packet->size;
        if (packet->reply)
            rpc_client_call_ended (client);
        if (packet->stream)
            rpc_stream_written (packet->stream);
        out_packet_free (packet);
    }
    client_drained (client);
    client_watch (client);
}

/* ---- keepalive */

static gint64
keepalive_interval (const RpcClient *client)
{
    return client->server->limits.keepalive_ms * 1000;
}

void
rpc_client_enable_keepalive (RpcClient *client)
{
    if (!client->server || client->keepalive || client->server->limits.keepalive_ms <= 0)
        return;
    client->keepalive = TRUE;
    client->heard = g_get_monotonic_time ();
    rpc_server_keepalive_at (client->server, client->heard + keepalive_interval (client));
}

/* A client whose socket we do not read ourselves cannot be heard, so it is not blamed. */
gint64
rpc_client_keepalive (RpcClient *client, gint64 now)
{
    static const PacketHeader ping = {
        .program = RPC_PROGRAM_KEEPALIVE, .version = 1, .procedure = KEEPALIVE_PING,
        .type = PACKET_EVENT,
    };
    gint64 interval = keepalive_interval (client);
    RpcServer *server = client->server;
    gsize size;

    if (!client->keepalive || client->dead)
        return 0;
    if (client->held || client_blocked (client))
        client->heard = MAX (client->heard, now - client->pings * interval);
    if (now < client->heard + interval * (client->pings + 1))
        return client->heard + interval * (client->pings + 1);
    if (client->pings >= server->limits.keepalive_count) {
        rpc_client_kill (client, "did not answer keepalive");
        return 0;
    }
    client->pings++;
    size = packet_build (&server->output, &ping, 0, NULL, NULL);
    rpc_client_send (client, server->output.data, size, NULL);
    return client->heard + interval * (client->pings + 1);
}

/* ---- what handlers see */

gboolean
rpc_client_readonly (const RpcClient *client)
{
    return client->readonly;
}

void
rpc_client_set_readonly (RpcClient *client)
{
    client->readonly = TRUE;
}

const RpcPeer *
rpc_client_peer (const RpcClient *client)
{
    return &client->peer;
}

guint64
rpc_client_id (const RpcClient *client)
{
    return client->id;
}

void
rpc_client_set_data (RpcClient *client, gpointer data, GDestroyNotify free_data)
{
    client->data = data;
    client->free_data = free_data;
}

gpointer
rpc_client_data (const RpcClient *client)
{
    return client->data;
}

guint
rpc_client_n_streams (const RpcClient *client)
{
    return g_queue_get_length ((GQueue *) &client->streams);
}

void
rpc_client_close_after_reply (RpcClient *client)
{
    client->close_wanted = TRUE;
}

void
rpc_client_send_event (RpcClient *client, guint32 program, int procedure, xdrproc_t encode,
                       const void *message)
{
    /* the serial has no meaning; clients have always seen 1 */
    PacketHeader header = {
        .program = program, .version = 1, .procedure = procedure, .type = PACKET_EVENT, .serial = 1,
    };
    RpcServer *server = client->server;
    gsize size;

    if (!server || client->dead || client->closing)
        return;
    size = packet_build (&server->output, &header, 0, encode, message);
    if (size > 0)
        rpc_client_send (client, server->output.data, size, NULL);
    packet_buffer_trim (&server->output);
}
