/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors on their way in and out, bounds, keepalive. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rpc_server_fixture.h"

#define PING_HEX "0000001c 6b656570 00000001 00000001 00000002 00000000 00000000"
#define PONG_HEX "0000001c 6b656570 00000001 00000002 00000002 00000000 00000000"

/* With the limits that the case has set. */
static void
begin (RpcTest *t)
{
    test_start (t);
    t->fd = test_dial (t);
    test_pump (20);
}

static void
hang_up (RpcTest *t)
{
    close (t->fd);
    t->fd = -1;
    test_pump (20);
}

static Bytes *
keepalive (guint32 version, gint32 procedure)
{
    return raw_packet (RPC_PROGRAM_KEEPALIVE, version, procedure, PACKET_EVENT, 0, 0, NULL);
}

/* To the oldest client, with a name of @size bytes. */
static void
send_event (RpcTest *t, int callback, gsize size)
{
    g_autofree char *name = g_strnfill (size, 'x');
    domain_event_callback_reboot_msg msg = {
        .callbackID = callback, .msg = { .dom = { .name = name } },
    };

    rpc_client_send_event (t->clients->pdata[0], RPC_PROGRAM_REMOTE, 319,
                           (xdrproc_t) xdr_domain_event_callback_reboot_msg, &msg);
}

/* ---- descriptors */

static void
send_fds (int sock, guint n)
{
    for (guint i = 0; i < n; i++)
        g_assert_cmpint (packet_send_fd (sock, 0), ==, 0);
}

static void
test_descriptors_in (RpcTest *t)
{
    static const guint counts[] = { 0, 1, 3, 32 };
    guint before;

    test_start (t);
    before = test_open_fds ();
    t->fd = test_dial (t);
    for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
        guint n = counts[i];
        Bytes *reply;

        test_put (t->fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 309, PACKET_CALL_FDS, n, 0,
                                     WORDS (n, 0)));
        send_fds (t->fd, n);
        reply = test_get_packet (t->fd);
        g_assert_cmpuint (bytes_word (reply, reply->len / 4 - 1), ==, n);
    }
    /* sent to a procedure that wants none: closed after the call */
    test_put (t->fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 4, PACKET_CALL_FDS, 1, 0, WORDS (1)));
    send_fds (t->fd, 1);
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 36);
    hang_up (t);
    g_assert_cmpuint (test_open_fds (), ==, before);
}

typedef struct {
    guint events, fd_replies;
} Seen;

/* Reads until the reply of @serial; asserts that replies with descriptors have two. */
static Seen
read_until (RpcTest *t, guint32 serial)
{
    PacketReader reader = { 0 };
    g_autofree guint8 *scratch = g_malloc (65536);
    Packet packet = { 0 };
    Seen seen = { 0 };
    gboolean found = FALSE;

    while (!found) {
        PacketInput input;
        gssize n = packet_reader_receive (&reader, t->fd, scratch, 65536, &input);

        g_assert_true (n > 0 || n == -EAGAIN);
        g_main_context_iteration (NULL, FALSE);
        while (n > 0 && input.size > 0) {
            PacketResult result = packet_reader_feed (&reader, &input, &packet);

            g_assert_cmpint (result, !=, PACKET_BAD);
            if (result == PACKET_MORE)
                continue;
            seen.events += packet.header.type == PACKET_EVENT;
            found |= packet.header.type != PACKET_EVENT && packet.header.serial == serial;
            if (packet.header.type == PACKET_REPLY_FDS) {
                g_assert_cmpuint (packet.n_fds, ==, 2);
                seen.fd_replies++;
            }
        }
    }
    packet_reader_clear (&reader);
    return seen;
}

static void
test_descriptors_out (RpcTest *t)
{
    begin (t);
    test_put (t->fd, raw_packet (RPC_PROGRAM_LXC, 1, 1, PACKET_CALL, 6, 0, NULL));
    g_assert_cmpuint (read_until (t, 6).fd_replies, ==, 1);
}

/* The reply has to wait in the queue, and its descriptors with it, although the handler closed its
 * own. */
static void
test_descriptors_queued (RpcTest *t)
{
    guint before;
    Seen seen;

    test_start (t);
    before = test_open_fds ();
    t->fd = test_dial (t);
    test_pump (20);
    for (int i = 0; i < 10; i++)
        send_event (t, i, 50000);
    test_put (t->fd, raw_packet (RPC_PROGRAM_LXC, 1, 1, PACKET_CALL, 6, 0, NULL));
    test_put (t->fd, raw_call (4, 7, NULL));
    test_pump (20);
    g_assert_cmpuint (t->calls, ==, 2);
    seen = read_until (t, 7);
    g_assert_cmpuint (seen.events, ==, 10);
    g_assert_cmpuint (seen.fd_replies, ==, 1);
    hang_up (t);
    g_assert_cmpuint (test_open_fds (), ==, before);
}

/* Descriptors that belong to nothing, or for which the promised bytes never come, do not pile
 * up. */
static void
test_descriptor_flood (RpcTest *t)
{
    guint before;

    test_start (t);
    before = test_open_fds ();
    t->fd = test_dial (t);
    test_pump (20);
    for (int i = 0; i < 200 && t->clients->len > 0; i++) {
        test_put (t->fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 4, PACKET_EVENT, 0, 0, NULL));
        send_fds (t->fd, 1);
        test_pump (1);
    }
    g_assert_cmpuint (test_open_fds (), <=, before + 2);
    hang_up (t);

    t->fd = test_dial (t);
    test_put (t->fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 309, PACKET_CALL_FDS, 0, 0, WORDS (32)));
    send_fds (t->fd, 31);
    test_pump (20);
    g_assert_cmpuint (t->calls, ==, 0);
    hang_up (t);
    g_assert_cmpuint (t->clients->len, ==, 0);
    g_assert_cmpuint (test_open_fds (), ==, before);
}

/* ---- limits */

static void
test_calls_limited (RpcTest *t)
{
    Bytes *bytes = bytes_of (NULL, 0);

    begin (t);
    for (guint i = 0; i < 12; i++)
        bytes_append (bytes, raw_call (33, i, NULL));
    test_put (t->fd, bytes);
    test_pump (20);
    g_assert_cmpuint (t->pending->len, ==, 5);
    for (guint answered = 0; answered < 12; answered++) {
        test_answer (t, 0);
        g_assert_cmpuint (bytes_word (test_get_packet (t->fd), 5), ==, answered);
        test_pump (5);
        g_assert_cmpuint (t->pending->len, ==, MIN (5, 11 - answered));
    }
    g_assert_cmpuint (t->calls, ==, 12);
    g_assert_true (test_silent (t->fd));
}

static void
test_clients_limited (RpcTest *t)
{
    int second, third;

    t->limits.max_clients = 2;
    begin (t);
    second = test_dial (t);
    third = test_dial (t);
    test_pump (20);
    g_assert_cmpuint (rpc_server_n_clients (t->server), ==, 2);
    test_put (third, raw_call (4, 0, NULL));
    g_assert_true (test_silent (third));
    hang_up (t);
    g_assert_cmpuint (test_get_packet (third)->len, ==, 36);
    close (second);
    close (third);
}

/* Another user, who takes all the places that he gets: nine. Does not return. */
static void
take_places (const char *path)
{
    RpcConnection *conns[10];

    if (setuid (65534) < 0)
        _exit (1);
    for (guint i = 0; i < 10; i++)
        conns[i] = rpc_connect_unix (path, NULL);
    if (!conns[9] || rpc_connection_dispatch (conns[9], 60000, NULL)
        || !rpc_connection_dispatch (conns[8], 0, NULL))
        _exit (1);
    pause ();
    _exit (1);
}

static void
test_places_for_root (RpcTest *t)
{
    g_autofree char *path = g_strconcat ("@", t->path, NULL);
    g_autoptr (GError) error = NULL;
    int status = 0;
    pid_t child;

    if (geteuid () != 0) {
        g_test_skip ("needs another user");
        return;
    }
    t->limits.max_clients = 10;
    test_start (t);
    rpc_server_listen_unix (t->server, path, 0777, (gid_t) -1, FALSE, &error);
    g_assert_no_error (error);
    child = fork ();
    if (child == 0)
        take_places (path);
    for (int i = 0; i < 20000 && t->clients->len < 9; i++)
        test_pump (1);
    test_pump (20);
    g_assert_cmpuint (t->clients->len, ==, 9);
    t->conn = rpc_connect_unix (path, &error);
    g_assert_no_error (error);
    test_pump (20);
    g_assert_cmpuint (t->clients->len, ==, 10);
    g_assert_cmpint (waitpid (child, &status, WNOHANG), ==, 0);     /* it had nine, and waits */
    kill (child, SIGKILL);
    waitpid (child, &status, 0);
    test_pump (20);
}

static void
test_no_descriptors_left (RpcTest *t)
{
    struct rlimit old, low;
    const char *preload = g_getenv ("LD_PRELOAD");
    guint busy = 0;
    int lowest;

    if (preload && strstr (preload, "vgpreload")) {
        g_test_skip ("valgrind accepts beyond the limit, and then closes the connection");
        return;
    }
    test_start (t);
    test_pump (20);
    g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &old), ==, 0);
    t->fd = test_dial (t);
    lowest = dup (0);
    close (lowest);
    low = (struct rlimit) { .rlim_cur = (rlim_t) lowest, .rlim_max = old.rlim_max };
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &low), ==, 0);
    test_pump (20);
    g_assert_cmpuint (t->clients->len, ==, 0);
    /* it does not spin: nothing is ready while it pauses, which may be over just now */
    for (int i = 0; i < 100; i++)
        busy += g_main_context_iteration (NULL, FALSE);
    g_assert_cmpuint (busy, <, 50);
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &old), ==, 0);
    for (int i = 0; i < 20000 && t->clients->len == 0; i++)
        test_pump (1);
    g_assert_cmpuint (t->clients->len, ==, 1);
}

static void
test_never_reads (RpcTest *t)
{
    guint sent = 0;

    begin (t);
    g_assert_cmpuint (t->clients->len, ==, 1);
    for (; sent < 1000 && t->clients->len > 0; sent++) {
        send_event (t, 0, 10000);
        g_main_context_iteration (NULL, FALSE);
    }
    g_assert_cmpuint (t->clients->len, ==, 0);
    g_assert_cmpuint (sent, >, 100);            /* 1 MiB, and what the kernel takes */
    g_assert_cmpuint (sent, <, 300);
}

static void
test_pings_unread (RpcTest *t)
{
    Bytes *pings = bytes_of (NULL, 0);

    begin (t);
    for (int i = 0; i < 1000; i++)
        bytes_append (pings, keepalive (1, KEEPALIVE_PING));
    for (int i = 0; i < 100 && t->clients->len > 0; i++) {
        test_put (t->fd, pings);
        test_pump (1);
    }
    g_assert_cmpuint (t->clients->len, ==, 0);
}

static void
test_slow_reader (RpcTest *t)
{
    begin (t);
    for (int i = 0; i < 150; i++)
        send_event (t, i, 5000);
    for (guint i = 0; i < 150; i++) {
        Bytes *event = test_get_packet (t->fd);

        g_assert_cmpuint (event->len, >, 32);
        g_assert_cmpuint (bytes_word (event, 4), ==, PACKET_EVENT);
        g_assert_cmpuint (bytes_word (event, 7), ==, i);
    }
    g_assert_true (test_silent (t->fd));
}

/* ---- keepalive */

static void
test_ping (RpcTest *t)
{
    begin (t);
    test_put (t->fd, keepalive (1, KEEPALIVE_PING));
    assert_hex (test_get_packet (t->fd), PONG_HEX);
    test_put (t->fd, keepalive (2, KEEPALIVE_PING));
    test_put (t->fd, keepalive (1, KEEPALIVE_PONG));
    g_assert_true (test_silent (t->fd));
}

/* Closed after the second interval: nothing came in the first, and no answer to its ping. */
static void
test_silent_client (RpcTest *t)
{
    const int interval_ms = 500;    /* between a ping and its answer nobody may stand still for so long */
    int lively, never_asked;
    gint64 began, took_ms;

    t->limits.keepalive_ms = interval_ms;
    t->limits.keepalive_count = 1;
    begin (t);
    lively = test_dial (t);
    never_asked = test_dial (t);
    began = g_get_monotonic_time ();
    test_put (t->fd, raw_call (60, 0, NULL));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28);
    test_put (lively, raw_call (60, 0, NULL));
    g_assert_cmpuint (test_get_packet (lively)->len, ==, 28);
    assert_hex (test_get_packet (t->fd), PING_HEX);
    assert_hex (test_get_packet (lively), PING_HEX);
    test_put (lively, keepalive (1, KEEPALIVE_PONG));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 0);
    took_ms = (g_get_monotonic_time () - began) / 1000;
    g_assert_cmpint (took_ms, >=, 2 * interval_ms);
    g_assert_cmpuint (rpc_server_n_clients (t->server), ==, 2);
    assert_hex (test_get_packet (lively), PING_HEX);
    g_assert_true (test_silent (never_asked));
    close (lively);
    close (never_asked);
}

/* One whose socket is not read, since its calls are in progress. */
static void
test_busy_client (RpcTest *t)
{
    t->limits.keepalive_ms = 50;
    t->limits.keepalive_count = 0;
    t->limits.max_client_requests = 1;
    test_start (t);
    t->fd = test_dial (t);
    test_put (t->fd, bytes_join (raw_call (60, 0, NULL), raw_call (33, 1, NULL), NULL));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28);
    for (int i = 0; i < 30; i++) {
        g_usleep (10000);
        while (g_main_context_iteration (NULL, FALSE))
            ;
    }
    g_assert_cmpuint (t->pending->len, ==, 1);
    g_assert_cmpuint (t->clients->len, ==, 1);
    /* and is, once they are not */
    test_answer (t, 0);
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 28);
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 0);
}

static const RpcCase cases[] = {
    { "descriptors-in", test_descriptors_in },
    { "descriptors-out", test_descriptors_out },
    { "descriptors-out-behind-a-queue", test_descriptors_queued },
    { "descriptor-flood", test_descriptor_flood },
    { "calls-in-progress-are-limited", test_calls_limited },
    { "clients-are-limited", test_clients_limited },
    { "the-last-places-are-for-root", test_places_for_root },
    { "no-descriptors-left-to-accept", test_no_descriptors_left },
    { "a-client-that-never-reads-is-closed-at-its-bound", test_never_reads },
    { "pings-of-a-client-that-never-reads", test_pings_unread },
    { "events-survive-a-slow-reader", test_slow_reader },
    { "ping-is-answered-at-once", test_ping },
    { "keepalive-closes-a-silent-client", test_silent_client },
    { "a-client-with-calls-in-progress-is-not-blamed", test_busy_client },
};

int
main (int argc, char **argv)
{
    return rpc_cases_run (argc, argv, "/rpc/limits", cases, G_N_ELEMENTS (cases), test_new,
                          test_free);
}
