/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls and replies, bad input, clients that come and go. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rpc_server_fixture.h"

/* An error reply: code, domain and text. */
static void
assert_error_reply (const Bytes *reply, guint32 code, guint32 domain, const char *text)
{
    g_autoptr (GError) error = NULL;

    g_assert_cmpuint (reply->len, >, 40);
    g_assert_cmpuint (bytes_word (reply, 4), ==, PACKET_REPLY);
    g_assert_cmpuint (bytes_word (reply, 6), ==, PACKET_ERROR);
    g_assert_cmpuint (bytes_word (reply, 7), ==, code);
    g_assert_cmpuint (bytes_word (reply, 8), ==, domain);
    error = error_decoded (bytes_slice (reply, 28, reply->len));
    g_assert_cmpstr (error->message, ==, text);
}

static void
assert_rpc_error (RpcTest *t, const char *text)
{
    assert_error_reply (test_get_packet (t->fd), ERR_RPC, ORIGIN_RPC, text);
}

static void
test_replies (RpcTest *t)
{
    test_put (t->fd, raw_call (4, 3, NULL));
    assert_hex (test_get_packet (t->fd),
                "00000024 20008086 00000001 00000004 00000001 00000003 00000000 00000000005bd3fc");
    test_put (t->fd, raw_call (6, 0, NULL));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 188);
    test_put (t->fd, raw_call (16, 0, NULL));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 60);
}

static void
test_many_calls (RpcTest *t)
{
    Bytes *bytes = bytes_of (NULL, 0);

    for (guint i = 0; i < 200; i++)
        bytes_append (bytes, raw_call (4, i, NULL));
    test_put (t->fd, bytes);
    for (guint i = 0; i < 200; i++)
        g_assert_cmpuint (bytes_word (test_get_packet (t->fd), 5), ==, i);
    g_assert_true (test_silent (t->fd));
}

static void
test_byte_by_byte (RpcTest *t)
{
    Bytes *bytes = raw_call (23, 1, WORDS (3, 0x61626300));

    for (guint i = 0; i < bytes->len; i++) {
        g_assert_cmpuint (t->calls, ==, 0);
        test_put (t->fd, bytes_slice (bytes, i, i + 1));
        test_pump (1);
    }
    g_assert_cmpuint (t->calls, ==, 1);
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28 + 8 + 16 + 4);
}

static void
test_any_order (RpcTest *t)
{
    test_put (t->fd, bytes_join (raw_call (33, 1, NULL), raw_call (33, 2, NULL),
                                 raw_call (33, 2, NULL), NULL));
    test_pump (20);
    g_assert_cmpuint (t->pending->len, ==, 3);
    test_answer (t, 1);
    test_answer_all (t);
    g_assert_cmpuint (bytes_word (test_get_packet (t->fd), 5), ==, 2);
    g_assert_cmpuint (bytes_word (test_get_packet (t->fd), 5), ==, 1);
    /* the same serial twice is answered twice */
    g_assert_cmpuint (bytes_word (test_get_packet (t->fd), 5), ==, 2);
}

/* ---- bad input, framing.md section 3, row by row */

static void
test_bad_lengths (RpcTest *t)
{
    static const guint32 lengths[] = { 0, 3, 4, 27, 33554437, 0xffffffff };

    for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
        int fd = test_dial (t);

        test_put (fd, WORDS (lengths[i], RPC_PROGRAM_REMOTE, 1, 4, 0, 0, 0));
        g_assert_true (test_closed (fd));
        close (fd);
    }
    g_assert_cmpuint (t->calls, ==, 0);
}

static void
test_too_many_fds (RpcTest *t)
{
    test_put (t->fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 309, PACKET_CALL_FDS, 0, 0, WORDS (33)));
    g_assert_true (test_closed (t->fd));
}

static void
test_unknown_program (RpcTest *t)
{
    Bytes *reply;

    test_put (t->fd, raw_packet (0x1234, 1, 5, PACKET_CALL, 9, 0, NULL));
    reply = test_get_packet (t->fd);
    assert_error_reply (reply, ERR_RPC, ORIGIN_RPC, "Cannot find program 4660 version 1");
    assert_bytes (bytes_slice (reply, 4, 24), WORDS (0x1234, 1, 5, PACKET_REPLY, 9));
    test_put (t->fd, raw_packet (RPC_PROGRAM_REMOTE, 2, 5, PACKET_CALL, 9, 0, NULL));
    assert_rpc_error (t, "Cannot find program 536903814 version 2");
    test_put (t->fd, raw_packet (RPC_PROGRAM_KEEPALIVE, 1, 1, PACKET_CALL, 0, 0, NULL));
    assert_rpc_error (t, "Cannot find program 1801807216 version 1");
    test_put (t->fd, raw_packet (0x1234, 1, 5, PACKET_EVENT, 9, 0, NULL));
    test_put (t->fd, raw_packet (0x1234, 1, 5, PACKET_STREAM, 9, 0, NULL));
    g_assert_true (test_silent (t->fd));
    g_assert_cmpuint (t->calls, ==, 0);
}

static void
test_unknown_procedures (RpcTest *t)
{
    static const gint32 procedures[] = { 0, -1, 9999, G_MAXINT };

    for (guint i = 0; i < G_N_ELEMENTS (procedures); i++) {
        g_autofree char *text = g_strdup_printf ("unknown procedure: %d", procedures[i]);
        g_autoptr (GError) error = NULL;
        Bytes *reply;

        test_put (t->fd, raw_call (procedures[i], 4, NULL));
        reply = test_get_packet (t->fd);
        g_assert_cmpuint (bytes_word (reply, 7), ==, ERR_RPC);
        error = error_decoded (bytes_slice (reply, 28, reply->len));
        g_assert_cmpstr (error->message, ==, text);
    }
}

static void
test_bad_arguments (RpcTest *t)
{
    test_put (t->fd, raw_call (23, 0, WORDS (4194305)));
    assert_rpc_error (t, "Unable to decode message payload");
    test_put (t->fd, raw_call (23, 1, NULL));
    assert_rpc_error (t, "Unable to decode message payload");
}

static void
test_bad_status (RpcTest *t)
{
    test_put (t->fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 4, PACKET_CALL, 0, PACKET_ERROR, NULL));
    assert_rpc_error (t, "Unexpected message status 1");
    g_assert_cmpuint (t->calls, ==, 0);
}

static void
test_other_types (RpcTest *t)
{
    static const gint32 types[] = { PACKET_REPLY, PACKET_EVENT, 9, -1, G_MAXINT };

    for (guint i = 0; i < G_N_ELEMENTS (types); i++)
        test_put (t->fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 4, types[i], 0, 0, NULL));
    test_put (t->fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 201, PACKET_STREAM, 5, PACKET_CONTINUE,
                                 WORDS (1)));
    test_put (t->fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 201, PACKET_HOLE, 5, PACKET_CONTINUE,
                                 WORDS (0, 1, 0)));
    g_assert_true (test_silent (t->fd));
    test_put (t->fd, raw_call (4, 8, NULL));
    g_assert_cmpuint (bytes_word (test_get_packet (t->fd), 5), ==, 8);
}

static void
test_trailing_bytes (RpcTest *t)
{
    Bytes *reply;

    test_put (t->fd, raw_call (23, 0, bytes_of_hex ("00000002 6162ffff 0102030405")));
    reply = test_get_packet (t->fd);
    g_assert_cmpuint (reply->len, ==, 28 + 8 + 16 + 4);
    assert_hex (bytes_slice (reply, 28, 36), "00000002 61620000");
}

/* ---- coming and going */

static void
test_close_after_reply (RpcTest *t)
{
    test_put (t->fd, bytes_join (raw_call (2, 5, NULL), raw_call (4, 6, NULL), NULL));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28);
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 0);
    g_assert_cmpuint (t->clients->len, ==, 0);
}

static void
test_late_answers (RpcTest *t)
{
    g_autoptr (GError) error = NULL;

    test_put (t->fd, bytes_join (raw_call (33, 1, NULL), raw_call (33, 2, NULL), NULL));
    test_pump (20);
    g_assert_cmpuint (t->pending->len, ==, 2);
    g_assert_true (rpc_call_client (t->pending->pdata[0]) == t->clients->pdata[0]);
    close (t->fd);
    t->fd = -1;
    test_pump (20);
    g_assert_cmpuint (t->clients->len, ==, 0);
    g_assert_null (rpc_call_client (t->pending->pdata[0]));
    test_answer (t, 0);
    error_set (&error, ERR_INTERNAL, "late");
    rpc_call_error (g_ptr_array_remove_index (t->pending, 0), error);
}

static void
test_peer (RpcTest *t)
{
    RpcClient *client;
    const RpcPeer *peer;

    test_pump (20);
    g_assert_cmpuint (t->clients->len, ==, 1);
    client = t->clients->pdata[0];
    peer = rpc_client_peer (client);
    g_assert_cmpint (peer->pid, ==, getpid ());
    g_assert_cmpuint (peer->uid, ==, geteuid ());
    g_assert_cmpuint (peer->start_time, >, 0);
    g_assert_false (rpc_client_readonly (client));
    rpc_client_set_readonly (client);
    g_assert_true (rpc_client_readonly (client));
    rpc_client_set_data (client, g_strdup ("x"), g_free);
}

static void
test_free_all_open (RpcTest *t)
{
    test_put (t->fd, bytes_join (raw_call (201, 1, NULL), raw_call (33, 2, NULL), NULL));
    test_pump (20);
    g_clear_pointer (&t->server, rpc_server_free);
    g_assert_cmpint (t->stream_closed, ==, 2);
    g_assert_cmpuint (t->clients->len, ==, 0);
}

#define CROWD 40                /* more than the main loop waits for itself */

static void
wait_for_clients (RpcTest *t, guint n)
{
    while (t->clients->len != n)
        g_main_context_iteration (NULL, TRUE);
}

static void
assert_answered (int fd)
{
    test_put (fd, raw_call (4, 3, NULL));
    g_assert_cmpuint (test_get_packet (fd)->len, ==, 36);
}

/* Some come when others have gone, and none is forgotten. */
static void
test_crowd (RpcTest *t)
{
    int fds[CROWD];

    for (guint round = 0; round < 3; round++) {
        for (guint i = 0; i < CROWD; i++)
            if (round == 0 || i % 3 == round)
                fds[i] = test_dial (t);
        wait_for_clients (t, CROWD + 1);
        for (guint i = 0; i < CROWD; i++)
            assert_answered (fds[i]);
        for (guint i = 0; i < CROWD; i++)
            if (round == 2 || i % 3 == round + 1)
                close (fds[i]);
        wait_for_clients (t, round == 2 ? 1 : CROWD + 1 - (CROWD + 1 - round) / 3);
    }
    assert_answered (t->fd);
}

/* A program that another thread is just spawning has all our descriptors until its exec, and with
 * them keeps closed sockets in the epoll set. */
static void
go_while_spawning (RpcTest *t, int *fd)
{
    guint others = t->clients->len - 1;
    pid_t child = fork ();

    if (child == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        close (*fd);
        pause ();
        _exit (0);
    }
    g_assert_cmpint (child, >, 0);
    close (*fd);
    *fd = -1;
    wait_for_clients (t, others);
    for (guint i = 0; i < 100; i++)
        g_main_context_iteration (NULL, FALSE);
    g_assert_false (g_main_context_pending (NULL));
    kill (child, SIGKILL);
    waitpid (child, NULL, 0);
}

static void
test_gone_while_spawning (RpcTest *t)
{
    int fds[CROWD];

    for (guint i = 0; i < CROWD; i++)
        fds[i] = test_dial (t);
    wait_for_clients (t, CROWD + 1);
    go_while_spawning (t, &t->fd);
    go_while_spawning (t, &fds[CROWD - 1]);
    for (guint i = 0; i < CROWD - 1; i++)
        close (fds[i]);
    wait_for_clients (t, 0);
}

/* ---- */

static const RpcCase cases[] = {
    { "replies-byte-for-byte", test_replies },
    { "many-calls-in-one-write", test_many_calls },
    { "byte-by-byte", test_byte_by_byte },
    { "replies-in-any-order", test_any_order },
    { "bad-lengths-close", test_bad_lengths },
    { "too-many-descriptors-close", test_too_many_fds },
    { "unknown-program-or-version", test_unknown_program },
    { "unknown-procedures", test_unknown_procedures },
    { "arguments-that-do-not-decode", test_bad_arguments },
    { "status-of-a-call-must-be-ok", test_bad_status },
    { "other-types-are-ignored", test_other_types },
    { "trailing-bytes-are-ignored", test_trailing_bytes },
    { "close-after-reply", test_close_after_reply },
    { "answers-to-a-client-that-has-gone", test_late_answers },
    { "peer-and-data", test_peer },
    { "crowd", test_crowd },
    { "gone-while-a-program-is-spawned", test_gone_while_spawning },
    { "free-with-everything-open", test_free_all_open },
};

int
main (int argc, char **argv)
{
    return rpc_cases_run (argc, argv, "/rpc/server", cases, G_N_ELEMENTS (cases), test_new_started,
                          test_free);
}
