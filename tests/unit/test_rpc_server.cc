/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace {

guint
open_fds ()
{
    guint n = 0;
    DIR *d = opendir ("/proc/self/fd");

    while (readdir (d))
        n++;
    closedir (d);
    return n;
}

/* An error reply: code, domain and text; the header is the call's. */
void
expect_error (const Bytes &reply, guint32 code, guint32 domain, const char *text)
{
    GError *error = nullptr;

    ASSERT_GT (reply.size (), 40u);
    EXPECT_EQ ((guint32) PACKET_REPLY, get_word (reply, 4));
    EXPECT_EQ ((guint32) PACKET_ERROR, get_word (reply, 6));
    EXPECT_EQ (code, get_word (reply, 7));
    EXPECT_EQ (domain, get_word (reply, 8));
    ASSERT_TRUE (error_wire_decode (reply.data () + 28, reply.size () - 28, &error));
    EXPECT_STREQ (text, error->message);
    g_error_free (error);
}

TEST_F (RpcServerTest, RepliesByteForByte)
{
    start ();
    int fd = dial ();

    put (fd, raw_call (4, 3));
    EXPECT_EQ (hex ("00000024 20008086 00000001 00000004 00000001 00000003 00000000 00000000005bd3fc"),
               get_packet (fd));
    put (fd, raw_call (6));
    EXPECT_EQ (188u, get_packet (fd).size ());
    put (fd, raw_call (16));
    EXPECT_EQ (60u, get_packet (fd).size ());
    close (fd);
}

TEST_F (RpcServerTest, ManyCallsInOneWrite)
{
    start ();
    int fd = dial ();
    Bytes bytes;

    for (guint i = 0; i < 200; i++)
        bytes = bytes + raw_call (4, i);
    put (fd, bytes);
    for (guint i = 0; i < 200; i++)
        ASSERT_EQ (i, get_word (get_packet (fd), 5));
    EXPECT_TRUE (silent (fd));
    close (fd);
}

TEST_F (RpcServerTest, ByteByByte)
{
    start ();
    int fd = dial ();

    for (guint8 byte : raw_call (23, 1, words ({ 3, 0x61626300 }))) {
        EXPECT_EQ (0u, calls);
        put (fd, Bytes (1, byte));
        pump (1);
    }
    EXPECT_EQ (1u, calls);
    EXPECT_EQ (28u + 8 + 16 + 4, get_packet (fd).size ());
    close (fd);
}

TEST_F (RpcServerTest, RepliesInAnyOrder)
{
    start ();
    int fd = dial ();

    put (fd, raw_call (33, 1) + raw_call (33, 2) + raw_call (33, 2));
    pump ();
    ASSERT_EQ (3u, pending.size ());
    for (gsize i : { 1, 0, 2 })
        rpc_call_reply (pending[i], nullptr, nullptr);
    pending.clear ();
    EXPECT_EQ (2u, get_word (get_packet (fd), 5));
    EXPECT_EQ (1u, get_word (get_packet (fd), 5));
    EXPECT_EQ (2u, get_word (get_packet (fd), 5));      /* the same serial twice is answered twice */
    close (fd);
}

/* ---- bad input, framing.md section 3, row by row */

TEST_F (RpcServerTest, BadLengthsClose)
{
    start ();
    for (guint32 length : { 0u, 3u, 4u, 27u, 33554437u, 0xffffffffu }) {
        int fd = dial ();

        put (fd, words ({ length, RPC_PROGRAM_REMOTE, 1, 4, 0, 0, 0 }));
        EXPECT_TRUE (closed (fd)) << length;
        close (fd);
    }
    EXPECT_EQ (0u, calls);
}

TEST_F (RpcServerTest, TooManyDescriptorsClose)
{
    start ();
    int fd = dial ();

    put (fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 309, PACKET_CALL_FDS, 0, 0, words ({ 33 })));
    EXPECT_TRUE (closed (fd));
    close (fd);
}

TEST_F (RpcServerTest, UnknownProgramOrVersion)
{
    start ();
    int fd = dial ();

    put (fd, raw_packet (0x1234, 1, 5, PACKET_CALL, 9, 0));
    Bytes reply = get_packet (fd);
    expect_error (reply, ERR_RPC, ORIGIN_RPC, "Cannot find program 4660 version 1");
    EXPECT_EQ (words ({ 0x1234, 1, 5, PACKET_REPLY, 9 }), Bytes (reply.begin () + 4, reply.begin () + 24));
    put (fd, raw_packet (RPC_PROGRAM_REMOTE, 2, 5, PACKET_CALL, 9, 0));
    expect_error (get_packet (fd), ERR_RPC, ORIGIN_RPC, "Cannot find program 536903814 version 2");
    put (fd, raw_packet (RPC_PROGRAM_KEEPALIVE, 1, 1, PACKET_CALL, 0, 0));
    expect_error (get_packet (fd), ERR_RPC, ORIGIN_RPC, "Cannot find program 1801807216 version 1");
    put (fd, raw_packet (0x1234, 1, 5, PACKET_EVENT, 9, 0) + raw_packet (0x1234, 1, 5, PACKET_STREAM, 9, 0));
    EXPECT_TRUE (silent (fd));
    EXPECT_EQ (0u, calls);
    close (fd);
}

TEST_F (RpcServerTest, UnknownProcedures)
{
    start ();
    int fd = dial ();

    for (gint32 procedure : { 0, -1, 9999, G_MAXINT }) {
        g_autofree char *text = g_strdup_printf ("unknown procedure: %d", procedure);
        GError *error = nullptr;

        put (fd, raw_call (procedure, 4));
        Bytes reply = get_packet (fd);
        ASSERT_GT (reply.size (), 40u);
        EXPECT_EQ ((guint32) ERR_RPC, get_word (reply, 7));
        error_wire_decode (reply.data () + 28, reply.size () - 28, &error);
        EXPECT_STREQ (text, error->message);
        g_error_free (error);
    }
    close (fd);
}

TEST_F (RpcServerTest, ArgumentsThatDoNotDecode)
{
    start ();
    int fd = dial ();

    put (fd, raw_call (23, 0, words ({ 4194305 })));
    expect_error (get_packet (fd), ERR_RPC, ORIGIN_RPC, "Unable to decode message payload");
    put (fd, raw_call (23, 1));
    expect_error (get_packet (fd), ERR_RPC, ORIGIN_RPC, "Unable to decode message payload");
    close (fd);
}

TEST_F (RpcServerTest, StatusOfACallMustBeOk)
{
    start ();
    int fd = dial ();

    put (fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 4, PACKET_CALL, 0, PACKET_ERROR));
    expect_error (get_packet (fd), ERR_RPC, ORIGIN_RPC, "Unexpected message status 1");
    EXPECT_EQ (0u, calls);
    close (fd);
}

TEST_F (RpcServerTest, OtherTypesAreIgnored)
{
    start ();
    int fd = dial ();

    for (gint32 type : { (gint32) PACKET_REPLY, (gint32) PACKET_EVENT, 9, -1, G_MAXINT })
        put (fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 4, type, 0, 0));
    put (fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 201, PACKET_STREAM, 5, PACKET_CONTINUE, words ({ 1 })));
    put (fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 201, PACKET_HOLE, 5, PACKET_CONTINUE, words ({ 0, 1, 0 })));
    EXPECT_TRUE (silent (fd));
    put (fd, raw_call (4, 8));
    EXPECT_EQ (8u, get_word (get_packet (fd), 5));
    close (fd);
}

TEST_F (RpcServerTest, TrailingBytesAreIgnored)
{
    start ();
    int fd = dial ();

    put (fd, raw_call (23, 0, hex ("00000002 6162ffff 0102030405")));
    Bytes reply = get_packet (fd);
    ASSERT_EQ (28u + 8 + 16 + 4, reply.size ());
    EXPECT_EQ (hex ("00000002 61620000"), Bytes (reply.begin () + 28, reply.begin () + 36));
    close (fd);
}

/* ---- descriptors */

TEST_F (RpcServerTest, DescriptorsIn)
{
    start ();
    guint before = open_fds ();
    int fd = dial ();

    for (guint n : { 0u, 1u, 3u, 32u }) {
        put (fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 309, PACKET_CALL_FDS, n, 0, words ({ n, 0 })));
        for (guint i = 0; i < n; i++)
            send_fd (fd, 0);
        Bytes reply = get_packet (fd);
        EXPECT_EQ (n, get_word (reply, reply.size () / 4 - 1));
    }
    /* sent to a procedure that wants none: closed after the call */
    put (fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 4, PACKET_CALL_FDS, 1, 0, words ({ 1 })));
    send_fd (fd, 0);
    EXPECT_EQ (36u, get_packet (fd).size ());
    close (fd);
    pump ();
    EXPECT_EQ (before, open_fds ());
}

TEST_F (RpcServerTest, DescriptorsOut)
{
    start ();
    int fd = dial ();
    PacketReader reader = {};
    guint8 scratch[4096];
    Packet packet = {};
    PacketResult result = PACKET_MORE;

    put (fd, raw_packet (RPC_PROGRAM_LXC, 1, 1, PACKET_CALL, 6, 0));
    pump ();
    while (result == PACKET_MORE) {
        PacketInput input;

        ASSERT_GT (packet_reader_receive (&reader, fd, scratch, sizeof scratch, &input), 0);
        result = packet_reader_feed (&reader, &input, &packet);
    }
    ASSERT_EQ (PACKET_COMPLETE, result);
    EXPECT_EQ (PACKET_REPLY_FDS, packet.header.type);
    EXPECT_EQ (2u, packet.n_fds);
    packet_reader_clear (&reader);
    close (fd);
}

/* The reply has to wait in the queue, and its descriptors with it, although the handler closed its own. */
TEST_F (RpcServerTest, DescriptorsOutBehindAQueue)
{
    start ();
    guint before = open_fds ();
    int fd = dial ();
    std::string text (50000, 'x');
    domain_event_callback_reboot_msg msg = {};
    PacketReader reader = {};
    std::vector<guint8> scratch (65536);
    Packet packet = {};
    guint events = 0;

    pump ();
    msg.msg.dom.name = (char *) text.c_str ();
    for (int i = 0; i < 10; i++)
        rpc_client_send_event (clients[0], RPC_PROGRAM_REMOTE, 319,
                               (xdrproc_t) xdr_domain_event_callback_reboot_msg, &msg);
    put (fd, raw_packet (RPC_PROGRAM_LXC, 1, 1, PACKET_CALL, 6, 0));
    put (fd, raw_call (4, 7));
    pump ();
    EXPECT_EQ (2u, calls);
    while (packet.header.serial != 7) {
        PacketInput input;
        gssize n = packet_reader_receive (&reader, fd, scratch.data (), scratch.size (), &input);

        ASSERT_TRUE (n > 0 || n == -EAGAIN);
        g_main_context_iteration (nullptr, FALSE);
        while (n > 0 && input.size > 0) {
            PacketResult result = packet_reader_feed (&reader, &input, &packet);

            ASSERT_NE (PACKET_BAD, result);
            events += result == PACKET_COMPLETE && packet.header.type == PACKET_EVENT;
            if (result == PACKET_COMPLETE && packet.header.type == PACKET_REPLY_FDS) {
                EXPECT_EQ (10u, events);
                EXPECT_EQ (2u, packet.n_fds);
            }
        }
    }
    packet_reader_clear (&reader);
    close (fd);
    pump ();
    EXPECT_EQ (before, open_fds ());
}

/* Descriptors that belong to nothing, or for which the promised bytes never come, do not pile up. */
TEST_F (RpcServerTest, DescriptorFlood)
{
    start ();
    guint before = open_fds ();
    int fd = dial ();

    for (int i = 0; i < 200; i++) {
        put (fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 4, PACKET_EVENT, 0, 0));
        send_fd (fd, 0);
        pump (1);
        if (clients.empty ())
            break;
    }
    EXPECT_LE (open_fds (), before + 2);
    close (fd);
    pump ();

    fd = dial ();
    put (fd, raw_packet (RPC_PROGRAM_REMOTE, 1, 309, PACKET_CALL_FDS, 0, 0, words ({ 32 })));
    for (int i = 0; i < 31; i++)
        send_fd (fd, 0);
    pump ();
    EXPECT_EQ (0u, calls);
    close (fd);
    pump ();
    EXPECT_TRUE (clients.empty ());
    EXPECT_EQ (before, open_fds ());
}

/* ---- limits */

TEST_F (RpcServerTest, CallsInProgressAreLimited)
{
    start ();
    int fd = dial ();
    Bytes bytes;

    for (guint i = 0; i < 12; i++)
        bytes = bytes + raw_call (33, i);
    put (fd, bytes);
    pump ();
    EXPECT_EQ (5u, pending.size ());
    for (guint answered = 0; answered < 12; answered++) {
        ASSERT_FALSE (pending.empty ());
        rpc_call_reply (pending.front (), nullptr, nullptr);
        pending.erase (pending.begin ());
        EXPECT_EQ (answered, get_word (get_packet (fd), 5));
        pump (5);
    }
    EXPECT_EQ (12u, calls);
    EXPECT_TRUE (silent (fd));
    close (fd);
}

TEST_F (RpcServerTest, ClientsAreLimited)
{
    limits.max_clients = 2;
    start ();
    int fds[3] = { dial (), dial (), dial () };

    pump ();
    EXPECT_EQ (2u, rpc_server_n_clients (server));
    put (fds[2], raw_call (4));
    EXPECT_TRUE (silent (fds[2]));
    close (fds[0]);
    pump ();
    EXPECT_EQ (36u, get_packet (fds[2]).size ());
    close (fds[1]);
    close (fds[2]);
}

TEST_F (RpcServerTest, TheLastPlacesAreForRoot)
{
    GError *error = nullptr;

    if (geteuid () != 0)
        GTEST_SKIP () << "needs another user";
    limits.max_clients = 10;
    start ();
    path = "@" + path;
    ASSERT_TRUE (rpc_server_listen_unix (server, path.c_str (), 0777, (gid_t) -1, FALSE, &error));
    pid_t child = fork ();
    if (child == 0) {
        RpcConnection *conns[10];

        if (setuid (65534) < 0)
            _exit (1);
        for (RpcConnection *&conn : conns)
            conn = rpc_connect_unix (path.c_str (), nullptr);
        _exit (conns[9] && !rpc_connection_dispatch (conns[9], 2000, nullptr)
               && rpc_connection_dispatch (conns[8], 0, nullptr) ? pause () : 1);
    }
    for (int i = 0; i < 500 && clients.size () < 9; i++)
        pump (1);
    pump ();
    EXPECT_EQ (9u, clients.size ());
    RpcConnection *conn = rpc_connect_unix (path.c_str (), &error);
    pump ();
    EXPECT_EQ (10u, clients.size ());
    rpc_connection_free (conn);
    int status = 0;
    EXPECT_EQ (0, waitpid (child, &status, WNOHANG));   /* it had nine, and waits */
    kill (child, SIGKILL);
    waitpid (child, &status, 0);
    pump ();
}

TEST_F (RpcServerTest, NoDescriptorsLeftToAccept)
{
    struct rlimit old, low;

    start ();
    pump ();
    ASSERT_EQ (0, getrlimit (RLIMIT_NOFILE, &old));
    int fd = dial ();
    int lowest = dup (0);
    close (lowest);
    low = old;
    low.rlim_cur = (rlim_t) lowest;
    ASSERT_EQ (0, setrlimit (RLIMIT_NOFILE, &low));
    pump ();
    EXPECT_TRUE (clients.empty ());
    /* it does not spin: nothing is ready while it pauses */
    EXPECT_FALSE (g_main_context_iteration (nullptr, FALSE));
    ASSERT_EQ (0, setrlimit (RLIMIT_NOFILE, &old));
    for (int i = 0; i < 2000 && clients.empty (); i++)
        pump (1);
    EXPECT_EQ (1u, clients.size ());
    close (fd);
}

TEST_F (RpcServerTest, AClientThatNeverReadsIsClosedAtItsBound)
{
    start ();
    int fd = dial ();
    std::string text (10000, 'x');
    domain_event_callback_metadata_change_msg msg = {};
    guint sent = 0;

    pump ();
    ASSERT_EQ (1u, clients.size ());
    msg.dom.name = (char *) text.c_str ();
    for (; sent < 1000 && !clients.empty (); sent++) {
        rpc_client_send_event (clients[0], RPC_PROGRAM_REMOTE, 379,
                               (xdrproc_t) xdr_domain_event_callback_metadata_change_msg, &msg);
        g_main_context_iteration (nullptr, FALSE);
    }
    EXPECT_TRUE (clients.empty ());
    EXPECT_GT (sent, 100u);             /* 1 MiB, and what the kernel takes */
    EXPECT_LT (sent, 300u);
    close (fd);
}

TEST_F (RpcServerTest, PingsOfAClientThatNeverReads)
{
    start ();
    int fd = dial ();
    Bytes pings;

    limits.max_client_output = 0;
    for (int i = 0; i < 1000; i++)
        pings = pings + raw_packet (RPC_PROGRAM_KEEPALIVE, 1, KEEPALIVE_PING, PACKET_EVENT, 0, 0);
    for (int i = 0; i < 100 && (i == 0 || !clients.empty ()); i++) {
        put (fd, pings);
        pump (1);
    }
    EXPECT_TRUE (clients.empty ());
    close (fd);
}

TEST_F (RpcServerTest, EventsSurviveASlowReader)
{
    start ();
    int fd = dial ();
    std::string text (5000, 'x');
    domain_event_callback_reboot_msg msg = {};

    pump ();
    msg.msg.dom.name = (char *) text.c_str ();
    for (int i = 0; i < 150; i++) {
        msg.callbackID = i;
        rpc_client_send_event (clients[0], RPC_PROGRAM_REMOTE, 319,
                               (xdrproc_t) xdr_domain_event_callback_reboot_msg, &msg);
    }
    for (guint i = 0; i < 150; i++) {
        Bytes event = get_packet (fd);

        ASSERT_GT (event.size (), 32u);
        EXPECT_EQ ((guint32) PACKET_EVENT, get_word (event, 4));
        ASSERT_EQ (i, get_word (event, 7));
    }
    EXPECT_TRUE (silent (fd));
    close (fd);
}

/* ---- keepalive */

TEST_F (RpcServerTest, PingIsAnsweredAtOnce)
{
    start ();
    int fd = dial ();

    put (fd, raw_packet (RPC_PROGRAM_KEEPALIVE, 1, KEEPALIVE_PING, PACKET_EVENT, 0, 0));
    EXPECT_EQ (hex ("0000001c 6b656570 00000001 00000002 00000002 00000000 00000000"), get_packet (fd));
    put (fd, raw_packet (RPC_PROGRAM_KEEPALIVE, 2, KEEPALIVE_PING, PACKET_EVENT, 0, 0));
    put (fd, raw_packet (RPC_PROGRAM_KEEPALIVE, 1, KEEPALIVE_PONG, PACKET_EVENT, 0, 0));
    EXPECT_TRUE (silent (fd));
    close (fd);
}

TEST_F (RpcServerTest, KeepaliveClosesASilentClient)
{
    limits.keepalive_ms = 1000;
    limits.keepalive_count = 1;
    start ();
    int silent_fd = dial (), lively = dial (), never_asked = dial ();
    Bytes ping = hex ("0000001c 6b656570 00000001 00000001 00000002 00000000 00000000");
    gint64 began = g_get_monotonic_time ();

    for (int fd : { silent_fd, lively }) {
        put (fd, raw_call (60));
        EXPECT_EQ (28u, get_packet (fd).size ());
    }
    EXPECT_EQ (ping, get_packet (silent_fd));
    EXPECT_EQ (ping, get_packet (lively));
    put (lively, raw_packet (RPC_PROGRAM_KEEPALIVE, 1, KEEPALIVE_PONG, PACKET_EVENT, 0, 0));
    EXPECT_EQ (Bytes (), get_packet (silent_fd));
    EXPECT_NEAR (2.0, (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC, 0.3);
    EXPECT_EQ (ping, get_packet (lively));
    EXPECT_TRUE (silent (never_asked));
    for (int fd : { silent_fd, lively, never_asked })
        close (fd);
}

TEST_F (RpcServerTest, AClientWithCallsInProgressIsNotBlamed)
{
    limits.keepalive_ms = 1000;
    limits.keepalive_count = 0;
    limits.max_client_requests = 1;
    start ();
    int fd = dial ();

    put (fd, raw_call (60));
    EXPECT_EQ (28u, get_packet (fd).size ());
    put (fd, raw_call (33, 1));
    for (int i = 0; i < 13; i++) {
        g_usleep (100000);
        g_main_context_iteration (nullptr, FALSE);
    }
    EXPECT_EQ (1u, clients.size ());
    close (fd);
}

/* ---- coming and going */

TEST_F (RpcServerTest, CloseAfterReply)
{
    start ();
    int fd = dial ();

    put (fd, raw_call (2, 5) + raw_call (4, 6));
    EXPECT_EQ (28u, get_packet (fd).size ());
    EXPECT_EQ (Bytes (), get_packet (fd));
    EXPECT_TRUE (clients.empty ());
    close (fd);
}

TEST_F (RpcServerTest, AnswersToAClientThatHasGone)
{
    start ();
    int fd = dial ();
    GError *error = nullptr;

    put (fd, raw_call (33, 1) + raw_call (33, 2));
    pump ();
    ASSERT_EQ (2u, pending.size ());
    EXPECT_EQ (clients[0], rpc_call_client (pending[0]));
    close (fd);
    pump ();
    EXPECT_TRUE (clients.empty ());
    EXPECT_EQ (nullptr, rpc_call_client (pending[0]));
    rpc_call_reply (pending[0], nullptr, nullptr);
    error_set (&error, ERR_INTERNAL, "late");
    rpc_call_error (pending[1], error);
    g_error_free (error);
    pending.clear ();
}

TEST_F (RpcServerTest, PeerAndData)
{
    start ();
    int fd = dial ();

    pump ();
    ASSERT_EQ (1u, clients.size ());
    const RpcPeer *peer = rpc_client_peer (clients[0]);
    EXPECT_EQ (getpid (), peer->pid);
    EXPECT_EQ (geteuid (), peer->uid);
    EXPECT_GT (peer->start_time, 0u);
    EXPECT_FALSE (rpc_client_readonly (clients[0]));
    rpc_client_set_readonly (clients[0]);
    EXPECT_TRUE (rpc_client_readonly (clients[0]));
    rpc_client_set_data (clients[0], g_strdup ("x"), g_free);
    close (fd);
}

TEST_F (RpcServerTest, SocketsOnDisk)
{
    GError *error = nullptr;
    struct stat st;
    std::string ro = path + "-ro";

    /* a stale one is replaced, a live one and a file are not */
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    g_strlcpy (address.sun_path, path.c_str (), sizeof address.sun_path);
    ASSERT_EQ (0, bind (fd, (struct sockaddr *) &address, sizeof address));
    close (fd);
    start ();
    ASSERT_EQ (0, stat (path.c_str (), &st));
    EXPECT_EQ (0700u, st.st_mode & 07777);
    EXPECT_FALSE (rpc_server_listen_unix (server, path.c_str (), 0700, (gid_t) -1, FALSE, &error));
    EXPECT_TRUE (g_str_has_prefix (error->message, "another daemon listens on")) << error->message;
    g_clear_error (&error);

    ASSERT_TRUE (rpc_server_listen_unix (server, ro.c_str (), 0777, getegid (), TRUE, &error));
    ASSERT_EQ (0, stat (ro.c_str (), &st));
    EXPECT_EQ (0777u, st.st_mode & 07777);
    path = ro;
    fd = dial ();
    pump ();
    ASSERT_EQ (1u, clients.size ());
    EXPECT_TRUE (rpc_client_readonly (clients[0]));
    close (fd);

    std::string plain = path + "-file";
    ASSERT_TRUE (g_file_set_contents (plain.c_str (), "x", 1, nullptr));
    EXPECT_FALSE (rpc_server_listen_unix (server, plain.c_str (), 0700, (gid_t) -1, FALSE, &error));
    EXPECT_TRUE (strstr (error->message, "is not a socket"));
    g_clear_error (&error);
    g_unlink (plain.c_str ());

    std::string longer (200, 'x');
    EXPECT_FALSE (rpc_server_listen_unix (server, longer.c_str (), 0700, (gid_t) -1, FALSE, &error));
    g_clear_error (&error);
}

TEST_F (RpcServerTest, SomebodyElsesSocketIsNotUnlinked)
{
    start ();
    ASSERT_EQ (0, g_unlink (path.c_str ()));
    ASSERT_TRUE (g_file_set_contents (path.c_str (), "x", 1, nullptr));
    rpc_server_free (server);
    server = nullptr;
    EXPECT_EQ (0, g_unlink (path.c_str ()));
}

TEST_F (RpcServerTest, AbstractAndInheritedSockets)
{
    GError *error = nullptr;
    std::string name = "@" + path;
    struct sockaddr_un address = {};

    start ();
    ASSERT_TRUE (rpc_server_listen_unix (server, name.c_str (), 0700, (gid_t) -1, FALSE, &error));
    RpcConnection *conn = rpc_connect_unix (name.c_str (), &error);
    ASSERT_NE (nullptr, conn);
    pump ();
    EXPECT_EQ (1u, clients.size ());
    rpc_connection_free (conn);

    std::string inherited = path + "-in";
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    EXPECT_FALSE (rpc_server_listen_fd (server, fd, FALSE, &error));
    g_clear_error (&error);
    address.sun_family = AF_UNIX;
    g_strlcpy (address.sun_path, inherited.c_str (), sizeof address.sun_path);
    ASSERT_EQ (0, bind (fd, (struct sockaddr *) &address, sizeof address));
    ASSERT_EQ (0, listen (fd, 5));
    ASSERT_TRUE (rpc_server_listen_fd (server, fd, TRUE, &error));
    path = inherited;
    int peer = dial ();
    put (peer, raw_call (4));
    EXPECT_EQ (36u, get_packet (peer).size ());
    close (peer);
    rpc_server_free (server);
    server = nullptr;
    EXPECT_EQ (0, g_unlink (inherited.c_str ()));       /* was there still */
}

TEST_F (RpcServerTest, FreeWithEverythingOpen)
{
    start ();
    int fd = dial ();

    put (fd, raw_call (201, 1) + raw_call (33, 2));
    pump ();
    rpc_server_free (server);
    server = nullptr;
    EXPECT_EQ (2, stream_closed);
    EXPECT_TRUE (clients.empty ());
    close (fd);
}

}
