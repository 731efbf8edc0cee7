/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our own client against our own server, which runs in a thread. */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc_server_fixture.h"

#define CONSOLE REMOTE_PROC_DOMAIN_OPEN_CONSOLE
#define MIB     (1024u * 1024)

static gpointer
serve (gpointer t_)
{
    RpcTest *t = t_;

    while (!g_atomic_int_get (&t->stop))
        if (!g_main_context_iteration (NULL, FALSE))
            g_usleep (100);
    return NULL;
}

/* Serves, and connects. */
static void
begin (RpcTest *t)
{
    g_autoptr (GError) error = NULL;

    test_start (t);
    t->thread = g_thread_new ("server", serve, t);
    t->conn = rpc_connect_unix (t->path, &error);
    g_assert_no_error (error);
}

static gboolean
call_plain (RpcTest *t, int procedure, GError **error)
{
    return rpc_connection_call (t->conn, RPC_PROGRAM_REMOTE, procedure, NULL, NULL, NULL, NULL,
                                NULL, 0, NULL, error);
}

/* Returns after the server has handled everything sent before. */
static void
settle (RpcTest *t)
{
    g_assert_false (call_plain (t, 444, NULL));
}

static guint32
open_stream (RpcTest *t)
{
    g_autoptr (GError) error = NULL;

    call_plain (t, CONSOLE, &error);
    g_assert_no_error (error);
    return rpc_connection_last_serial (t->conn);
}

static gboolean
stream_send (RpcTest *t, guint32 serial, const Bytes *data, GError **error)
{
    return rpc_connection_stream_send (t->conn, RPC_PROGRAM_REMOTE, CONSOLE, serial, data->data,
                                       data->len, error);
}

static gboolean
stream_finish (RpcTest *t, guint32 serial, gboolean abort_it, GError **error)
{
    return rpc_connection_stream_finish (t->conn, RPC_PROGRAM_REMOTE, CONSOLE, serial, abort_it,
                                         error);
}

/* Adds to @got what comes until it is @size bytes long, or an error comes. */
static void
stream_collect (RpcTest *t, guint32 serial, Bytes *got, gsize size, GError **error)
{
    while (got->len < size) {
        g_autofree void *piece = NULL;
        gssize n = rpc_connection_stream_receive (t->conn, serial, &piece, 60000, error);

        if (n <= 0)
            return;
        g_byte_array_append (got, piece, (guint) n);
    }
}

static void
test_call_and_error (RpcTest *t)
{
    connect_get_version_ret version = { 0 };
    char name[] = "abc";
    domain_lookup_by_name_args args = { name };
    domain_lookup_by_name_ret ret = { 0 };
    g_autoptr (GError) error = NULL;

    begin (t);
    rpc_connection_call (t->conn, RPC_PROGRAM_REMOTE, 4, NULL, NULL,
                         (xdrproc_t) xdr_connect_get_version_ret, &version, NULL, 0, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (version.hv_ver, ==, 6018044);
    g_assert_cmpuint (rpc_connection_last_serial (t->conn), ==, 0);
    rpc_connection_call (t->conn, RPC_PROGRAM_REMOTE, 23,
                         (xdrproc_t) xdr_domain_lookup_by_name_args,
                         &args, (xdrproc_t) xdr_domain_lookup_by_name_ret, &ret, NULL, 0, NULL,
                         &error);
    g_assert_no_error (error);
    g_assert_cmpstr (ret.dom.name, ==, "abc");
    g_assert_cmpint (ret.dom.id, ==, 7);
    xdr_free ((xdrproc_t) xdr_domain_lookup_by_name_ret, (char *) &ret);
    g_assert_false (call_plain (t, 444, &error));
    g_assert_error (error, SKEP_ERROR, ERR_NO_SUPPORT);
    g_assert_cmpstr (error->message, ==, "unknown procedure: 444");
}

static void
test_descriptors (RpcTest *t)
{
    static const int fds[33];           /* standard input each */
    domain_create_xml_with_files_ret ret = { 0 };
    g_autoptr (GArray) got = g_array_new (FALSE, FALSE, sizeof (int));
    g_autoptr (GError) error = NULL;

    begin (t);
    rpc_connection_call (t->conn, RPC_PROGRAM_REMOTE, 309, NULL, NULL,
                         (xdrproc_t) xdr_domain_create_xml_with_files_ret, &ret, fds, 32, NULL,
                         &error);
    g_assert_no_error (error);
    g_assert_cmpint (ret.dom.id, ==, 32);
    xdr_free ((xdrproc_t) xdr_domain_create_xml_with_files_ret, (char *) &ret);
    rpc_connection_call (t->conn, RPC_PROGRAM_LXC, 1, NULL, NULL, NULL, NULL, NULL, 0, got, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (got->len, ==, 2);
    for (guint i = 0; i < got->len; i++)
        g_assert_cmpint (close (g_array_index (got, int, i)), ==, 0);
    g_assert_false (rpc_connection_call (t->conn, RPC_PROGRAM_LXC, 1, NULL, NULL, NULL, NULL, fds,
                                         33, NULL, &error));
    g_assert_error (error, SKEP_ERROR, ERR_INVALID_ARG);
}

static void
test_stream (RpcTest *t)
{
    Bytes *data = bytes_filled (1000000, 'x');
    g_autoptr (GError) error = NULL;
    g_autofree void *piece = NULL;
    guint32 serial;

    begin (t);
    serial = open_stream (t);
    g_assert_true (stream_send (t, serial, data, &error));
    g_assert_true (stream_finish (t, serial, FALSE, &error));
    /* the confirmation is on its way before the handler is told; the next reply comes after both */
    settle (t);
    g_assert_cmpmem (t->stream_got->str, t->stream_got->len, data->data, data->len);
    g_assert_cmpint (t->stream_closed, ==, 1);
    serial = open_stream (t);
    g_assert_cmpint (rpc_connection_stream_receive (t->conn, serial, &piece, 50, &error), ==, -1);
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_TIMEOUT);
    g_clear_error (&error);
    g_assert_true (stream_finish (t, serial, TRUE, &error));
    settle (t);
    g_assert_cmpint (t->stream_closed, ==, 2);
}

/* Neither end could go on if sending did not read: far more comes back than sockets hold. */
static void
test_echo (RpcTest *t)
{
    Bytes *data = bytes_filled (8 * MIB, 'x'), *got = bytes_of (NULL, 0);
    g_autoptr (GError) error = NULL;
    guint32 serial;

    for (guint i = 0; i < data->len; i += 1000)
        data->data[i] = (guint8) (i / 1000);
    t->stream_echoes = TRUE;
    begin (t);
    serial = open_stream (t);
    g_assert_true (stream_send (t, serial, data, &error));
    g_assert_no_error (error);
    stream_collect (t, serial, got, data->len, &error);
    g_assert_no_error (error);
    assert_bytes (got, data);
    g_assert_true (stream_finish (t, serial, FALSE, &error));
}

/* What nobody reads is lost at a bound, which fails that stream and nothing else. */
static void
test_echo_unread (RpcTest *t)
{
    Bytes *data = bytes_filled (3 * RPC_STREAM_HELD_MAX, 'x'), *got = bytes_of (NULL, 0);
    g_autoptr (GError) error = NULL;
    guint32 serial;

    t->stream_echoes = TRUE;
    begin (t);
    for (int abort_it = 0; abort_it < 2; abort_it++) {
        serial = open_stream (t);
        g_assert_false (stream_send (t, serial, data, &error));
        g_assert_error (error, SKEP_ERROR, ERR_OVERFLOW);
        g_clear_error (&error);
        g_byte_array_set_size (got, 0);
        stream_collect (t, serial, got, data->len, &error);     /* what came before it is there */
        g_assert_error (error, SKEP_ERROR, ERR_OVERFLOW);
        g_clear_error (&error);
        g_assert_cmpuint (got->len, <=, RPC_STREAM_HELD_MAX);
        g_assert_cmpuint (got->len, >, RPC_STREAM_HELD_MAX / 2);
        if (abort_it)
            g_assert_true (stream_finish (t, serial, TRUE, &error));
        else {
            g_assert_false (stream_finish (t, serial, FALSE, &error));
            g_assert_error (error, SKEP_ERROR, ERR_OVERFLOW);
            g_clear_error (&error);
        }
        settle (t);
        g_assert_cmpint (t->stream_closed, ==, 2);
        t->stream_closed = 0;
    }
}

typedef struct {
    RpcTest *t;
    guint events;
    gboolean called;
} Heard;

static void
on_event (guint32 program, int procedure, XDR *payload, gpointer data)
{
    Heard *heard = data;
    domain_event_callback_reboot_msg msg = { 0 };
    g_autoptr (GError) error = NULL;

    g_assert_cmphex (program, ==, RPC_PROGRAM_REMOTE);
    g_assert_cmpint (procedure, ==, 319);
    g_assert_true (xdr_domain_event_callback_reboot_msg (payload, &msg));
    g_assert_cmpint (msg.callbackID, ==, (int) heard->events++);
    xdr_free ((xdrproc_t) xdr_domain_event_callback_reboot_msg, (char *) &msg);
    if (heard->events == 2) {           /* a handler may make calls */
        call_plain (heard->t, 16, &error);
        g_assert_no_error (error);
        heard->called = TRUE;
    }
}

static gboolean
send_events (gpointer t_)
{
    RpcTest *t = t_;
    g_autofree char *text = g_strnfill (50000, 'x');
    domain_event_callback_reboot_msg msg = { .msg = { .dom = { .name = text } } };

    for (; msg.callbackID < 15; msg.callbackID++)
        rpc_client_send_event (t->clients->pdata[0], RPC_PROGRAM_REMOTE, 319,
                               (xdrproc_t) xdr_domain_event_callback_reboot_msg, &msg);
    return G_SOURCE_REMOVE;
}

/* Events come between what is echoed, in order, while the client sends. */
static void
test_events_while_sending (RpcTest *t)
{
    Bytes *data = bytes_filled (4 * MIB, 'x');
    Heard heard = { .t = t };
    g_autoptr (GError) error = NULL;
    guint32 serial;

    t->stream_echoes = TRUE;
    begin (t);
    rpc_connection_on_event (t->conn, on_event, &heard);
    serial = open_stream (t);
    /* before the server takes the last of the data, however slow this is */
    g_idle_add_full (G_PRIORITY_HIGH, send_events, t, NULL);
    g_assert_true (stream_send (t, serial, data, &error));
    g_assert_true (stream_finish (t, serial, TRUE, &error));
    g_assert_cmpuint (heard.events, ==, 15);
    g_assert_true (heard.called);
}

/* ---- against a peer made by hand */

#define PING_HEX "0000001c 6b656570 00000001 00000001 00000002 00000000 00000000"
#define PONG_HEX "0000001c 6b656570 00000001 00000002 00000002 00000000 00000000"

typedef struct {
    int fd;
    guint packets;              /* to read */
    guint stream_bytes, pongs;
} Peer;

static void
read_exactly (int fd, guint8 *room, gsize size)
{
    for (gsize done = 0; done < size;) {
        ssize_t n = read (fd, room + done, size - done);

        g_assert_cmpint (n, >, 0);
        done += (gsize) n;
    }
}

/* Reads nothing until the client cannot go on sending. */
static gpointer
peer_read (gpointer peer_)
{
    Peer *peer = peer_;
    g_autofree guint8 *packet = g_malloc (28 + PACKET_STREAM_MAX);
    int before = -1, now = 0;

    for (guint same = 0; same < 3; same = now == before && now > 0 ? same + 1 : 0) {
        before = now;
        g_usleep (100000);
        g_assert_cmpint (ioctl (peer->fd, FIONREAD, &now), ==, 0);
    }
    for (; peer->packets > 0; peer->packets--) {
        guint32 length, type;

        read_exactly (peer->fd, packet, 28);
        memcpy (&length, packet, 4);
        memcpy (&type, packet + 16, 4);
        length = GUINT32_FROM_BE (length);
        g_assert_cmpuint (length, >=, 28);
        g_assert_cmpuint (length, <=, 28 + PACKET_STREAM_MAX);
        read_exactly (peer->fd, packet + 28, length - 28);
        if (GUINT32_FROM_BE (type) == PACKET_STREAM)
            peer->stream_bytes += length - 28;
        else
            peer->pongs++;
    }
    return NULL;
}

/* Connects t->conn to a socket of the test's, which is t->fd. */
static void
connect_peer (RpcTest *t)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listening = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autoptr (GError) error = NULL;

    g_strlcpy (address.sun_path, t->path, sizeof address.sun_path);
    g_assert_cmpint (bind (listening, (struct sockaddr *) &address, sizeof address), ==, 0);
    g_assert_cmpint (listen (listening, 1), ==, 0);
    t->conn = rpc_connect_unix (t->path, &error);
    g_assert_no_error (error);
    t->fd = accept (listening, NULL, NULL);
    g_assert_cmpint (t->fd, >=, 0);
    close (listening);
    g_assert_cmpint (unlink (t->path), ==, 0);
}

static void
test_pings (RpcTest *t)
{
    Bytes *data = bytes_filled (4 * PACKET_STREAM_MAX, 'x');
    Bytes *pings = bytes_join (bytes_of_hex (PING_HEX), bytes_of_hex (PING_HEX), NULL);
    g_autoptr (GError) error = NULL;
    Peer peer = { .packets = 4 + 1 };
    GThread *thread;

    connect_peer (t);
    peer.fd = t->fd;
    /* while it waits */
    test_put (t->fd, bytes_of_hex (PING_HEX));
    g_assert_true (rpc_connection_dispatch (t->conn, -1, &error));
    assert_hex (test_get_packet (t->fd), PONG_HEX);
    /* while it sends: one answer, between two packets, before the last one */
    test_put (t->fd, pings);
    thread = g_thread_new ("peer", peer_read, &peer);
    g_assert_true (stream_send (t, 1, data, &error));
    g_thread_join (thread);
    g_assert_no_error (error);
    g_assert_cmpuint (peer.stream_bytes, ==, data->len);
    g_assert_cmpuint (peer.pongs, ==, 1);
}

/* ---- */

static void
on_event_call (guint32 program, int procedure, XDR *payload, gpointer t)
{
    g_autoptr (GError) error = NULL;

    (void) program;
    (void) procedure;
    (void) payload;
    call_plain (t, 33, &error);
    g_assert_no_error (error);
}

/* An event while the first call is in progress; once the second one is there, answers to both, the
 * first one first. */
static gboolean
answer_two (gpointer t_)
{
    static gboolean sent;
    RpcTest *t = t_;

    if (t->pending->len == 1 && !sent) {
        sent = TRUE;
        rpc_client_send_event (t->clients->pdata[0], RPC_PROGRAM_REMOTE, 319, NULL, NULL);
    }
    if (t->pending->len < 2)
        return G_SOURCE_CONTINUE;
    test_answer_all (t);
    return G_SOURCE_REMOVE;
}

static void
test_call_within_call (RpcTest *t)
{
    g_autoptr (GError) error = NULL;

    begin (t);
    rpc_connection_on_event (t->conn, on_event_call, t);
    g_idle_add (answer_two, t);
    g_assert_true (call_plain (t, 33, &error));
    g_assert_no_error (error);
}

static void
test_server_goes (RpcTest *t)
{
    g_autoptr (GError) error = NULL;

    begin (t);
    g_assert_true (call_plain (t, REMOTE_PROC_CONNECT_CLOSE, &error));
    g_assert_false (call_plain (t, 4, &error));
    g_assert_error (error, SKEP_ERROR, ERR_RPC);
    g_assert_true (g_str_has_prefix (error->message, "connection to the daemon is lost"));
    g_clear_error (&error);
    g_assert_false (rpc_connection_dispatch (t->conn, 0, &error));
    g_assert_error (error, SKEP_ERROR, ERR_RPC);
}

static void
test_nobody_listens (RpcTest *t)
{
    g_autoptr (GError) error = NULL;

    (void) t;
    g_assert_null (rpc_connect_unix ("/nonexistent/sock", &error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_assert_cmpstr (error->message, ==,
                     "cannot connect to '/nonexistent/sock': No such file or directory");
}

static const RpcCase cases[] = {
    { "call-and-error", test_call_and_error },
    { "descriptors-both-ways", test_descriptors },
    { "stream-of-a-megabyte", test_stream },
    { "sending-reads-what-comes-back", test_echo },
    { "what-nobody-reads-is-bounded", test_echo_unread },
    { "events-while-sending", test_events_while_sending },
    { "pings-while-waiting-and-sending", test_pings },
    { "a-call-of-a-handler-while-another-waits", test_call_within_call },
    { "the-server-goes", test_server_goes },
    { "nobody-listens", test_nobody_listens },
};

int
main (int argc, char **argv)
{
    return rpc_cases_run (argc, argv, "/rpc/client", cases, G_N_ELEMENTS (cases), test_new,
                          test_free);
}
