/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc_server_fixture.h"

#define SERIAL 4u
#define CHUNK  100000u

static Bytes *
packet_of_type (gint32 type, gint32 status, const Bytes *data)
{
    return raw_packet (RPC_PROGRAM_REMOTE, 1, 201, type, SERIAL, status, data);
}

static Bytes *
stream_packet (gint32 status, const char *data)
{
    return packet_of_type (PACKET_STREAM, status, bytes_of (data, strlen (data)));
}

static void
open_stream (RpcTest *t)
{
    test_put (t->fd, raw_call (201, SERIAL, NULL));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28);
    g_assert_nonnull (t->stream);
}

/* A call in progress, for a stream that the test opens itself. */
static RpcCall *
pending_call (RpcTest *t)
{
    test_put (t->fd, raw_call (33, SERIAL, NULL));
    test_pump (20);
    g_assert_cmpuint (t->pending->len, ==, 1);
    return t->pending->pdata[0];
}

static void
test_both_ways (RpcTest *t)
{
    open_stream (t);
    test_put (t->fd, stream_packet (PACKET_CONTINUE, "hello"));
    test_pump (20);
    g_assert_cmpstr (t->stream_got->str, ==, "hello");
    g_assert_true (rpc_stream_send (t->stream, "abc", 3));
    /* raw bytes: neither count nor padding */
    assert_hex (test_get_packet (t->fd),
                "0000001f 20008086 00000001 000000c9 00000003 00000004 00000002 616263");
}

static void
test_finish (RpcTest *t)
{
    open_stream (t);
    test_put (t->fd, stream_packet (PACKET_OK, ""));
    assert_hex (test_get_packet (t->fd),
                "0000001c 20008086 00000001 000000c9 00000003 00000004 00000000");
    g_assert_cmpint (t->stream_closed, ==, 1);
    test_put (t->fd, stream_packet (PACKET_CONTINUE, "late"));
    g_assert_true (test_silent (t->fd));
    g_assert_cmpstr (t->stream_got->str, ==, "");
}

static void
test_abort (RpcTest *t)
{
    open_stream (t);
    test_put (t->fd, stream_packet (PACKET_ERROR, ""));
    assert_hex (test_get_packet (t->fd),
                "0000001c 20008086 00000001 000000c9 00000003 00000004 00000000");
    g_assert_cmpint (t->stream_closed, ==, 2);
}

static void
test_end_of_data (RpcTest *t)
{
    open_stream (t);
    rpc_stream_send (t->stream, "x", 1);
    rpc_stream_end (t->stream);
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 29);
    assert_hex (test_get_packet (t->fd),
                "0000001c 20008086 00000001 000000c9 00000003 00000004 00000002");
    test_put (t->fd, stream_packet (PACKET_CONTINUE, "ignored"));
    test_pump (20);
    g_assert_cmpint (t->stream_closed, ==, 0);
    test_put (t->fd, stream_packet (PACKET_OK, ""));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28);
    g_assert_cmpint (t->stream_closed, ==, 1);
    g_assert_cmpstr (t->stream_got->str, ==, "");
}

static void
test_failure (RpcTest *t)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GError) got = NULL;
    Bytes *packet;

    open_stream (t);
    error_set (&error, ERR_INTERNAL, "gone");
    rpc_stream_fail (t->stream, error);
    packet = test_get_packet (t->fd);
    g_assert_cmpuint (packet->len, >, 28);
    g_assert_cmpuint (bytes_word (packet, 4), ==, PACKET_STREAM);
    g_assert_cmpuint (bytes_word (packet, 6), ==, PACKET_ERROR);
    got = error_decoded (bytes_slice (packet, 28, packet->len));
    g_assert_cmpstr (got->message, ==, "internal error: gone");
    test_put (t->fd, stream_packet (PACKET_OK, ""));
    g_assert_true (test_silent (t->fd));
    g_assert_cmpint (t->stream_closed, ==, 0);
}

static void
test_hole (RpcTest *t)
{
    open_stream (t);
    test_put (t->fd, packet_of_type (PACKET_HOLE, PACKET_CONTINUE, bytes_filled (12, 0)));
    g_assert_true (test_closed (t->fd));
    g_assert_cmpint (t->stream_closed, ==, 2);
}

static void
test_leaves (RpcTest *t)
{
    open_stream (t);
    close (t->fd);
    t->fd = -1;
    test_pump (20);
    g_assert_cmpint (t->stream_closed, ==, 2);
}

static void
test_leaves_before_opening (RpcTest *t)
{
    RpcCall *call = pending_call (t);

    close (t->fd);
    t->fd = -1;
    test_pump (20);
    g_assert_cmpuint (t->clients->len, ==, 0);
    t->stream = rpc_stream_open (call, &t->stream_handlers, t);
    g_assert_true (rpc_stream_send (t->stream, "x", 1));
    test_answer (t, 0);
    g_assert_cmpint (t->stream_closed, ==, 2);
}

static void
test_data_before_reply (RpcTest *t)
{
    t->stream = rpc_stream_open (pending_call (t), &t->stream_handlers, t);
    g_assert_false (rpc_stream_send (t->stream, "x", 1));
    g_assert_true (test_silent (t->fd));
    test_answer (t, 0);
    g_assert_cmpuint (bytes_word (test_get_packet (t->fd), 4), ==, PACKET_REPLY);
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 29);
    g_assert_cmpint (t->stream_writable, ==, 1);
    g_assert_cmpuint (rpc_client_n_streams (t->clients->pdata[0]), ==, 1);
}

static void
test_failed_call (RpcTest *t)
{
    g_autoptr (GError) error = NULL;

    t->stream = rpc_stream_open (pending_call (t), &t->stream_handlers, t);
    error_set (&error, ERR_INTERNAL, "no");
    rpc_call_error (g_ptr_array_remove_index (t->pending, 0), error);
    g_assert_cmpuint (bytes_word (test_get_packet (t->fd), 6), ==, PACKET_ERROR);
    test_put (t->fd, stream_packet (PACKET_OK, ""));
    g_assert_true (test_silent (t->fd));
    g_assert_cmpint (t->stream_closed, ==, 0);
    g_assert_cmpuint (rpc_client_n_streams (t->clients->pdata[0]), ==, 0);
}

static void
test_slow_reader (RpcTest *t)
{
    Bytes *chunk = bytes_filled (CHUNK, 'x');
    gsize sent = CHUNK, got = 0;
    gboolean replied = FALSE;

    open_stream (t);
    for (; rpc_stream_send (t->stream, chunk->data, CHUNK); sent += CHUNK)
        g_assert_cmpuint (sent, <, 10000000);
    g_assert_cmpint (t->stream_writable, ==, 0);
    /* other packets get between: at most one of the stream's is in the queue */
    g_assert_false (rpc_stream_send (t->stream, chunk->data, CHUNK));
    sent += CHUNK;
    test_put (t->fd, raw_call (4, 9, NULL));
    test_pump (20);
    while (got < sent) {
        Bytes *packet = test_get_packet (t->fd);

        g_assert_cmpuint (packet->len, >=, 28);
        if (bytes_word (packet, 4) == PACKET_REPLY)
            replied = TRUE;
        else
            got += packet->len - 28;
    }
    g_assert_true (replied);            /* before the last of the data */
    test_pump (20);
    g_assert_cmpint (t->stream_writable, ==, 1);
    g_assert_true (rpc_stream_send (t->stream, "x", 1));
}

static void
test_long_data (RpcTest *t)
{
    Bytes *data = bytes_filled (700000, 'x');
    gsize got = 0;
    guint n;

    open_stream (t);
    rpc_stream_send (t->stream, data->data, data->len);
    rpc_stream_end (t->stream);
    do {
        n = test_get_packet (t->fd)->len;
        g_assert_cmpuint (n, >=, 28);
        g_assert_cmpuint (n, <=, 28 + 262120);
        got += n - 28;
    } while (n > 28);
    g_assert_cmpuint (got, ==, data->len);
}

static void
test_sender_does_not_wait (RpcTest *t)
{
    Bytes *chunk = bytes_filled (300000, 'x');

    open_stream (t);
    /* until it was killed: then it is gone, and what is sent to it as well */
    for (int i = 0; i < 20 && t->stream; i++)
        rpc_stream_send (t->stream, chunk->data, chunk->len);
    test_pump (20);
    g_assert_cmpint (t->stream_closed, ==, 2);
    g_assert_cmpuint (t->clients->len, ==, 0);
}

static void
test_paused (RpcTest *t)
{
    open_stream (t);
    t->stream_takes = FALSE;
    test_put (t->fd, bytes_join (stream_packet (PACKET_CONTINUE, "one"),
                                 stream_packet (PACKET_CONTINUE, "two"),
                                 stream_packet (PACKET_CONTINUE, "three"), NULL));
    test_pump (20);
    g_assert_cmpstr (t->stream_got->str, ==, "one");
    test_put (t->fd, raw_call (4, 9, NULL));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 36);    /* the connection goes on */
    rpc_stream_resume (t->stream);
    g_assert_cmpstr (t->stream_got->str, ==, "onetwo");
    t->stream_takes = TRUE;
    rpc_stream_resume (t->stream);
    g_assert_cmpstr (t->stream_got->str, ==, "onetwothree");
}

static Bytes *
two_and_finish (void)
{
    return bytes_join (stream_packet (PACKET_CONTINUE, "one"),
                       stream_packet (PACKET_CONTINUE, "two"), stream_packet (PACKET_OK, ""), NULL);
}

static void
test_finish_waits (RpcTest *t)
{
    open_stream (t);
    t->stream_takes = FALSE;
    test_put (t->fd, two_and_finish ());
    g_assert_true (test_silent (t->fd));
    g_assert_cmpint (t->stream_closed, ==, 0);
    t->stream_takes = TRUE;
    rpc_stream_resume (t->stream);
    g_assert_cmpstr (t->stream_got->str, ==, "onetwo");
    g_assert_cmpint (t->stream_closed, ==, 1);
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28);
}

static void
test_interactive (RpcTest *t)
{
    t->stream_handlers.interactive = TRUE;
    open_stream (t);
    t->stream_takes = FALSE;
    test_put (t->fd, two_and_finish ());
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28);
    g_assert_cmpint (t->stream_closed, ==, 1);
    g_assert_cmpstr (t->stream_got->str, ==, "one");
}

static void
test_held_input (RpcTest *t)
{
    Bytes *packet = packet_of_type (PACKET_STREAM, PACKET_CONTINUE, bytes_filled (CHUNK, 'x'));
    gsize sent = 0;

    open_stream (t);
    t->stream_takes = FALSE;
    for (int idle = 0; idle < 50;) {
        gsize at = sent % packet->len;
        ssize_t n = send (t->fd, packet->data + at, packet->len - at, MSG_DONTWAIT | MSG_NOSIGNAL);

        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (gsize) n : 0;
        g_assert_cmpuint (sent, <, 4000000);
        test_pump (1);
    }
    g_assert_cmpuint (sent, >, 1000000);
    t->stream_takes = TRUE;
    rpc_stream_resume (t->stream);
    test_pump (20);
    test_put (t->fd, bytes_slice (packet, sent % packet->len, packet->len));
    test_put (t->fd, stream_packet (PACKET_OK, ""));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28);
    g_assert_cmpuint (t->stream_got->len, ==, (sent / packet->len + 1) * CHUNK);
}

static void
test_two_streams (RpcTest *t)
{
    RpcStream *first;

    open_stream (t);
    first = t->stream;
    test_put (t->fd, raw_call (201, SERIAL + 1, NULL));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28);
    g_assert_true (first != t->stream);
    rpc_stream_send (first, "a", 1);
    rpc_stream_send (t->stream, "b", 1);
    g_assert_cmpuint (bytes_word (test_get_packet (t->fd), 5), ==, SERIAL);
    g_assert_cmpuint (bytes_word (test_get_packet (t->fd), 5), ==, SERIAL + 1);
}

static const RpcCase cases[] = {
    { "data-both-ways", test_both_ways },
    { "finish-is-confirmed", test_finish },
    { "abort-is-confirmed", test_abort },
    { "end-of-data-then-finish", test_end_of_data },
    { "failure-is-an-error-packet", test_failure },
    { "a-hole-closes-the-connection", test_hole },
    { "a-client-that-leaves", test_leaves },
    { "a-client-that-leaves-before-it-opens", test_leaves_before_opening },
    { "data-before-the-reply-waits-for-it", test_data_before_reply },
    { "a-failed-call-opens-nothing", test_failed_call },
    { "a-slow-reader-holds-the-sender-back", test_slow_reader },
    { "long-data-goes-in-pieces", test_long_data },
    { "a-sender-that-does-not-wait-is-stopped", test_sender_does_not_wait },
    { "a-paused-stream-keeps-what-comes", test_paused },
    { "finish-waits-for-what-is-held", test_finish_waits },
    { "an-interactive-one-is-left-at-once", test_interactive },
    { "held-input-is-bounded", test_held_input },
    { "two-streams-of-one-client", test_two_streams },
};

int
main (int argc, char **argv)
{
    return rpc_cases_run (argc, argv, "/rpc/stream", cases, G_N_ELEMENTS (cases), test_new_started,
                          test_free);
}
