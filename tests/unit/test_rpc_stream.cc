/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc_fixture.h"

namespace {

const guint32 serial = 4;

Bytes
stream_packet (gint32 status, const std::string &data = "", gint32 type = PACKET_STREAM)
{
    return raw_packet (RPC_PROGRAM_REMOTE, 1, 201, type, serial, status, Bytes (data.begin (), data.end ()));
}

class RpcStreamTest : public RpcServerTest {
protected:
    int fd = -1;

    void
    SetUp () override
    {
        RpcServerTest::SetUp ();
        start ();
        fd = dial ();
    }

    void
    TearDown () override
    {
        close (fd);
        RpcServerTest::TearDown ();
    }

    void
    open ()
    {
        put (fd, raw_call (201, serial));
        ASSERT_EQ (28u, get_packet (fd).size ());
        ASSERT_NE (nullptr, stream);
    }
};

TEST_F (RpcStreamTest, DataBothWays)
{
    open ();
    put (fd, stream_packet (PACKET_CONTINUE, "hello"));
    pump ();
    EXPECT_EQ ("hello", stream_got);
    EXPECT_TRUE (rpc_stream_send (stream, "abc", 3));
    /* raw bytes: neither count nor padding */
    EXPECT_EQ (hex ("0000001f 20008086 00000001 000000c9 00000003 00000004 00000002 616263"), get_packet (fd));
}

TEST_F (RpcStreamTest, FinishIsConfirmed)
{
    open ();
    put (fd, stream_packet (PACKET_OK));
    EXPECT_EQ (hex ("0000001c 20008086 00000001 000000c9 00000003 00000004 00000000"), get_packet (fd));
    EXPECT_EQ (1, stream_closed);
    put (fd, stream_packet (PACKET_CONTINUE, "late"));
    EXPECT_TRUE (silent (fd));
    EXPECT_EQ ("", stream_got);
}

TEST_F (RpcStreamTest, AbortIsConfirmed)
{
    open ();
    put (fd, stream_packet (PACKET_ERROR));
    EXPECT_EQ (hex ("0000001c 20008086 00000001 000000c9 00000003 00000004 00000000"), get_packet (fd));
    EXPECT_EQ (2, stream_closed);
}

TEST_F (RpcStreamTest, EndOfDataThenFinish)
{
    open ();
    rpc_stream_send (stream, "x", 1);
    rpc_stream_end (stream);
    EXPECT_EQ (29u, get_packet (fd).size ());
    EXPECT_EQ (hex ("0000001c 20008086 00000001 000000c9 00000003 00000004 00000002"), get_packet (fd));
    put (fd, stream_packet (PACKET_CONTINUE, "ignored"));
    pump ();
    EXPECT_EQ (0, stream_closed);
    put (fd, stream_packet (PACKET_OK));
    EXPECT_EQ (28u, get_packet (fd).size ());
    EXPECT_EQ (1, stream_closed);
    EXPECT_EQ ("", stream_got);
}

TEST_F (RpcStreamTest, FailureIsAnErrorPacket)
{
    GError *error = nullptr, *got = nullptr;

    open ();
    error_set (&error, ERR_INTERNAL, "gone");
    rpc_stream_fail (stream, error);
    g_clear_error (&error);
    Bytes packet = get_packet (fd);
    ASSERT_GT (packet.size (), 28u);
    EXPECT_EQ ((guint32) PACKET_STREAM, get_word (packet, 4));
    EXPECT_EQ ((guint32) PACKET_ERROR, get_word (packet, 6));
    ASSERT_TRUE (error_wire_decode (packet.data () + 28, packet.size () - 28, &got));
    EXPECT_STREQ ("internal error: gone", got->message);
    g_error_free (got);
    put (fd, stream_packet (PACKET_OK));
    EXPECT_TRUE (silent (fd));
    EXPECT_EQ (0, stream_closed);
}

TEST_F (RpcStreamTest, AHoleClosesTheConnection)
{
    open ();
    put (fd, stream_packet (PACKET_CONTINUE, std::string (12, '\0'), PACKET_HOLE));
    EXPECT_TRUE (closed (fd));
    EXPECT_EQ (2, stream_closed);
}

TEST_F (RpcStreamTest, AClientThatLeaves)
{
    open ();
    close (fd);
    pump ();
    EXPECT_EQ (2, stream_closed);
    fd = dial ();
}

TEST_F (RpcStreamTest, AClientThatLeavesBeforeItOpens)
{
    put (fd, raw_call (33, serial));
    pump ();
    ASSERT_EQ (1u, pending.size ());
    close (fd);
    pump ();
    EXPECT_TRUE (clients.empty ());
    stream = rpc_stream_open (pending[0], &stream_handlers, this);
    EXPECT_TRUE (rpc_stream_send (stream, "x", 1));
    rpc_call_reply (pending[0], nullptr, nullptr);
    pending.clear ();
    EXPECT_EQ (2, stream_closed);
    fd = dial ();
}

TEST_F (RpcStreamTest, DataBeforeTheReplyWaitsForIt)
{
    put (fd, raw_call (33, serial));
    pump ();
    ASSERT_EQ (1u, pending.size ());
    stream = rpc_stream_open (pending[0], &stream_handlers, this);
    EXPECT_FALSE (rpc_stream_send (stream, "x", 1));
    EXPECT_TRUE (silent (fd));
    rpc_call_reply (pending[0], nullptr, nullptr);
    pending.clear ();
    EXPECT_EQ ((guint32) PACKET_REPLY, get_word (get_packet (fd), 4));
    EXPECT_EQ (29u, get_packet (fd).size ());
    EXPECT_EQ (1, stream_writable);
    EXPECT_EQ (1u, rpc_client_n_streams (clients[0]));
}

TEST_F (RpcStreamTest, AFailedCallOpensNothing)
{
    GError *error = nullptr;

    put (fd, raw_call (33, serial));
    pump ();
    ASSERT_EQ (1u, pending.size ());
    stream = rpc_stream_open (pending[0], &stream_handlers, this);
    error_set (&error, ERR_INTERNAL, "no");
    rpc_call_error (pending[0], error);
    pending.clear ();
    g_error_free (error);
    EXPECT_EQ ((guint32) PACKET_ERROR, get_word (get_packet (fd), 6));
    put (fd, stream_packet (PACKET_OK));
    EXPECT_TRUE (silent (fd));
    EXPECT_EQ (0, stream_closed);
    EXPECT_EQ (0u, rpc_client_n_streams (clients[0]));
}

TEST_F (RpcStreamTest, ASlowReaderHoldsTheSenderBack)
{
    std::string chunk (100000, 'x');
    gsize sent = 0, got = 0;

    open ();
    while (rpc_stream_send (stream, chunk.data (), chunk.size ())) {
        sent += chunk.size ();
        ASSERT_LT (sent, 10000000u);
    }
    sent += chunk.size ();
    EXPECT_EQ (0, stream_writable);
    /* other packets get between: at most one of the stream's is in the queue */
    EXPECT_FALSE (rpc_stream_send (stream, chunk.data (), chunk.size ()));
    sent += chunk.size ();
    put (fd, raw_call (4, 9));
    pump ();
    bool replied = false;
    while (got < sent) {
        Bytes packet = get_packet (fd);

        ASSERT_GE (packet.size (), 28u);
        if (get_word (packet, 4) == PACKET_REPLY) {
            replied = true;
            EXPECT_LT (got, sent);
        } else
            got += packet.size () - 28;
    }
    EXPECT_TRUE (replied);
    pump ();
    EXPECT_EQ (1, stream_writable);
    EXPECT_TRUE (rpc_stream_send (stream, "x", 1));
}

TEST_F (RpcStreamTest, LongDataGoesInPieces)
{
    std::string data (700000, 'x');
    gsize got = 0;

    open ();
    rpc_stream_send (stream, data.data (), data.size ());
    rpc_stream_end (stream);
    for (;;) {
        Bytes packet = get_packet (fd);

        ASSERT_GE (packet.size (), 28u);
        ASSERT_LE (packet.size (), 28u + 262120);
        if (packet.size () == 28)
            break;
        got += packet.size () - 28;
    }
    EXPECT_EQ (data.size (), got);
}

TEST_F (RpcStreamTest, ASenderThatDoesNotWaitIsStopped)
{
    std::string chunk (300000, 'x');

    open ();
    for (int i = 0; i < 20; i++)
        rpc_stream_send (stream, chunk.data (), chunk.size ());
    pump ();
    EXPECT_EQ (2, stream_closed);
    EXPECT_TRUE (clients.empty ());
}

TEST_F (RpcStreamTest, APausedStreamKeepsWhatComes)
{
    open ();
    stream_takes = false;
    put (fd, stream_packet (PACKET_CONTINUE, "one") + stream_packet (PACKET_CONTINUE, "two")
             + stream_packet (PACKET_CONTINUE, "three"));
    pump ();
    EXPECT_EQ ("one", stream_got);
    put (fd, raw_call (4, 9));
    EXPECT_EQ (36u, get_packet (fd).size ());   /* the rest of the connection goes on */
    rpc_stream_resume (stream);
    EXPECT_EQ ("onetwo", stream_got);
    stream_takes = true;
    rpc_stream_resume (stream);
    EXPECT_EQ ("onetwothree", stream_got);
}

TEST_F (RpcStreamTest, FinishWaitsForWhatIsHeld)
{
    open ();
    stream_takes = false;
    put (fd, stream_packet (PACKET_CONTINUE, "one") + stream_packet (PACKET_CONTINUE, "two")
             + stream_packet (PACKET_OK));
    EXPECT_TRUE (silent (fd));
    EXPECT_EQ (0, stream_closed);
    stream_takes = true;
    rpc_stream_resume (stream);
    EXPECT_EQ ("onetwo", stream_got);
    EXPECT_EQ (1, stream_closed);
    EXPECT_EQ (28u, get_packet (fd).size ());
}

TEST_F (RpcStreamTest, AnInteractiveOneIsLeftAtOnce)
{
    stream_handlers.interactive = TRUE;
    open ();
    stream_takes = false;
    put (fd, stream_packet (PACKET_CONTINUE, "one") + stream_packet (PACKET_CONTINUE, "two")
             + stream_packet (PACKET_OK));
    EXPECT_EQ (28u, get_packet (fd).size ());
    EXPECT_EQ (1, stream_closed);
    EXPECT_EQ ("one", stream_got);
}

TEST_F (RpcStreamTest, HeldInputIsBounded)
{
    std::string chunk (100000, 'x');
    gsize sent = 0;
    Bytes packet = stream_packet (PACKET_CONTINUE, chunk);

    open ();
    stream_takes = false;
    for (int idle = 0; idle < 50;) {
        ssize_t n = send (fd, packet.data () + sent % packet.size (), packet.size () - sent % packet.size (),
                          MSG_DONTWAIT | MSG_NOSIGNAL);

        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (gsize) n : 0;
        ASSERT_LT (sent, 4000000u);
        pump (1);
    }
    EXPECT_GT (sent, 1000000u);
    stream_takes = true;
    rpc_stream_resume (stream);
    pump ();
    put (fd, Bytes (packet.begin () + (long) (sent % packet.size ()), packet.end ()));
    put (fd, stream_packet (PACKET_OK));
    EXPECT_EQ (28u, get_packet (fd).size ());
    EXPECT_EQ (sent / packet.size () + 1, stream_got.size () / chunk.size ());
}

TEST_F (RpcStreamTest, TwoStreamsOfOneClient)
{
    RpcStream *first;

    open ();
    first = stream;
    put (fd, raw_call (201, serial + 1));
    ASSERT_EQ (28u, get_packet (fd).size ());
    EXPECT_NE (first, stream);
    rpc_stream_send (first, "a", 1);
    rpc_stream_send (stream, "b", 1);
    EXPECT_EQ (serial, get_word (get_packet (fd), 5));
    EXPECT_EQ (serial + 1, get_word (get_packet (fd), 5));
}

}
