/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a client may send: through the packet reader in pieces of every size, through the decoders, and
 * down a real connection. In pieces and in one go the same packets must come out; what was decoded must
 * encode to bytes that decode to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc/error_wire.h"
#include "rpc/packet.h"
#include "rpc/remote.h"
#include "rpc/server.h"
#include "util/error.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define SHAPE(name) { (xdrproc_t) xdr_##name, sizeof (name) }

/* One for each way in which arguments and results are built. */
static const struct {
    xdrproc_t proc;
    gsize size;
} shapes[] = {
    SHAPE (connect_open_args),
    SHAPE (domain_set_memory_parameters_args),
    SHAPE (domain_create_xml_with_files_args),
    SHAPE (domain_pin_vcpu_args),
    SHAPE (domain_send_key_args),
    SHAPE (domain_fsfreeze_args),
    SHAPE (domain_set_metadata_args),
    SHAPE (connect_domain_event_callback_register_any_args),
    SHAPE (connect_list_all_domains_ret),
    SHAPE (connect_get_all_domain_stats_ret),
    SHAPE (domain_get_security_label_list_ret),
    SHAPE (domain_interface_addresses_ret),
    SHAPE (node_get_security_model_ret),
    SHAPE (node_get_info_ret),
    SHAPE (auth_list_ret),
    SHAPE (domain_event_callback_graphics_msg),
    SHAPE (lxc_domain_open_namespace_args),
    SHAPE (wire_error),
};

static GByteArray *
encode (xdrproc_t proc, void *value)
{
    GByteArray *bytes = g_byte_array_new ();
    XDR xdrs;

    g_byte_array_set_size (bytes, (guint) xdr_sizeof (proc, value));
    xdrmem_create (&xdrs, (char *) bytes->data, bytes->len, XDR_ENCODE);
    if (!proc (&xdrs, value, 0) || xdr_getpos (&xdrs) != bytes->len)
        g_error ("what was decoded does not encode");
    xdr_destroy (&xdrs);
    return bytes;
}

static gboolean
decode (xdrproc_t proc, void *value, const void *data, gsize size)
{
    gboolean ok;
    XDR xdrs;

    xdrmem_create (&xdrs, (char *) data, (u_int) size, XDR_DECODE);
    ok = proc (&xdrs, value, 0);
    xdr_destroy (&xdrs);
    return ok;
}

static void
decode_shapes (const Packet *packet)
{
    for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
        g_autofree void *value = g_malloc0 (shapes[i].size), *again = g_malloc0 (shapes[i].size);

        if (decode (shapes[i].proc, value, packet->payload, packet->payload_size)) {
            g_autoptr (GByteArray) one = encode (shapes[i].proc, value), two = NULL;

            if (!decode (shapes[i].proc, again, one->data, one->len))
                g_error ("shape %u does not decode again", i);
            two = encode (shapes[i].proc, again);
            if (one->len != two->len || memcmp (one->data, two->data, one->len) != 0)
                g_error ("shape %u is not stable", i);
        }
        xdr_free (shapes[i].proc, value);
        xdr_free (shapes[i].proc, again);
    }
}

/* Feeds in pieces of @piece bytes; a checksum of the packets that came out. */
static guint
read_packets (const uint8_t *data, size_t size, size_t piece, gboolean decode_too)
{
    PacketReader reader = { 0 };
    PacketResult result = PACKET_MORE;
    guint sum = 0;

    for (size_t at = 0; at < size && result != PACKET_BAD; at += piece) {
        PacketInput input = { data + at, MIN (piece, size - at), -1 };
        Packet packet;

        while (input.size > 0 && (result = packet_reader_feed (&reader, &input, &packet)) != PACKET_BAD) {
            if (result != PACKET_COMPLETE)
                continue;
            sum = sum * 31 + packet.header.serial + (guint) packet.payload_size;
            for (gsize i = 0; i < packet.payload_size; i++)
                sum = sum * 31 + packet.payload[i];
            if (decode_too)
                decode_shapes (&packet);
        }
    }
    packet_reader_clear (&reader);
    return sum;
}

/* ---- a server that answers everything somehow */

static gboolean
on_stream_data (RpcStream *stream, const void *bytes, gsize size, gpointer data)
{
    (void) data;
    if (size > 8)
        rpc_stream_end (stream);
    return rpc_stream_send (stream, bytes, size);
}

static void
on_stream_closed (RpcStream *stream, gboolean aborted, gpointer data)
{
    (void) stream;
    (void) aborted;
    (void) data;
}

static void
on_call (RpcCall *call, gpointer data)
{
    static const RpcStreamHandlers handlers = { .received = on_stream_data, .closed = on_stream_closed };
    domain_lookup_by_name_args args = { 0 };
    g_autoptr (GError) error = NULL;

    if (rpc_call_procedure (call) == REMOTE_PROC_DOMAIN_OPEN_CONSOLE)
        rpc_stream_open (call, &handlers, data);
    if (rpc_call_procedure (call) == REMOTE_PROC_CONNECT_CLOSE)
        rpc_client_close_after_reply (rpc_call_client (call));
    if (rpc_call_args (call, (xdrproc_t) xdr_domain_lookup_by_name_args, &args, &error))
        rpc_call_reply (call, (xdrproc_t) xdr_domain_lookup_by_name_args, &args);
    else
        rpc_call_error (call, error);
    xdr_free ((xdrproc_t) xdr_domain_lookup_by_name_args, (char *) &args);
}

static void
on_client (RpcClient *client, gpointer data)
{
    (void) client;
    (void) data;
}

static struct sockaddr_un address = { .sun_family = AF_UNIX };

static RpcServer *
server_for_fuzzing (void)
{
    static const RpcLimits limits = { 10, 5, 5000, 5, 65536 };
    static const RpcHandlers handlers = { on_call, on_client, on_client };
    g_autofree char *name = g_strdup_printf ("@skep-fuzz-packet-%d", (int) getpid ());
    g_autoptr (GError) error = NULL;
    RpcServer *server = rpc_server_new (&limits, &handlers, NULL);

    rpc_server_add_program (server, RPC_PROGRAM_REMOTE, 1);
    if (!rpc_server_listen_unix (server, name, 0700, (gid_t) -1, FALSE, &error))
        g_error ("%s", error->message);
    memcpy (address.sun_path + 1, name + 1, strlen (name) - 1);
    return server;
}

static void
serve (const uint8_t *data, size_t size)
{
    static RpcServer *server;
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length;

    if (!server)
        server = server_for_fuzzing ();
    length = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + 1 + strlen (address.sun_path + 1));
    if (fd < 0 || connect (fd, (struct sockaddr *) &address, length) < 0)
        g_error ("cannot connect");
    if (send (fd, data, MIN (size, 65536), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && size > 0)
        g_error ("cannot send");
    while (g_main_context_iteration (NULL, FALSE))
        ;
    close (fd);
    while (g_main_context_iteration (NULL, FALSE) || rpc_server_n_clients (server) > 0)
        ;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    guint whole = read_packets (data, size, MAX (size, 1), TRUE);
    g_autoptr (GError) error = NULL;

    for (size_t piece = 1; piece < MIN (size, 40); piece = piece * 2 + 1)
        if (read_packets (data, size, piece, FALSE) != whole)
            g_error ("pieces of %zu bytes give other packets", piece);
    error_wire_decode (data, size, &error);
    serve (data, size);
    return 0;
}
