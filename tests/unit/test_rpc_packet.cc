/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc_fixture.h"

#include <fcntl.h>

namespace {

const Bytes first_packet = hex ("0000001c 20008086 00000001 00000042 00000000 00000000 00000000");

PacketResult
feed (PacketReader *reader, const Bytes &bytes, Packet *packet, gsize *ret_left = nullptr, int fd = -1)
{
    PacketInput input = { bytes.data (), bytes.size (), fd };
    PacketResult result = packet_reader_feed (reader, &input, packet);

    if (ret_left)
        *ret_left = input.size;
    return result;
}

bool
is_open (int fd)
{
    return fcntl (fd, F_GETFD) >= 0;
}

class PacketTest : public ::testing::Test {
protected:
    PacketReader reader = {};
    Packet packet = {};

    void
    TearDown () override
    {
        packet_reader_clear (&reader);
    }
};

TEST_F (PacketTest, FirstPacketOfAStockClient)
{
    ASSERT_EQ (PACKET_COMPLETE, feed (&reader, first_packet, &packet));
    EXPECT_EQ (RPC_PROGRAM_REMOTE, packet.header.program);
    EXPECT_EQ (1u, packet.header.version);
    EXPECT_EQ (REMOTE_PROC_AUTH_LIST, packet.header.procedure);
    EXPECT_EQ (PACKET_CALL, packet.header.type);
    EXPECT_EQ (0u, packet.header.serial);
    EXPECT_EQ (PACKET_OK, packet.header.status);
    EXPECT_EQ (0u, packet.payload_size);
}

TEST_F (PacketTest, BuildsTheSameBytes)
{
    PacketBuffer buffer = {};
    PacketHeader header = { RPC_PROGRAM_REMOTE, 1, REMOTE_PROC_AUTH_LIST, PACKET_CALL, 0, PACKET_OK };
    gsize size = packet_build (&buffer, &header, 0, nullptr, nullptr);

    EXPECT_EQ (first_packet, Bytes (buffer.data, buffer.data + size));
    packet_buffer_clear (&buffer);
}

TEST_F (PacketTest, ByteByByte)
{
    Bytes bytes = raw_call (23, 9, words ({ 3, 0x61626300 }));

    for (int round = 0; round < 2; round++)
        for (gsize i = 0; i < bytes.size (); i++)
            ASSERT_EQ (i + 1 < bytes.size () ? PACKET_MORE : PACKET_COMPLETE,
                       feed (&reader, Bytes (1, bytes[i]), &packet)) << i;
    EXPECT_EQ (9u, packet.header.serial);
    EXPECT_EQ (8u, packet.payload_size);
    EXPECT_EQ (0, memcmp (packet.payload, "\0\0\0\3abc", 8));
}

TEST_F (PacketTest, EverySplitInTwo)
{
    Bytes two = raw_call (23, 1, words ({ 3, 0x61626300 })) + raw_call (4, 2);

    for (gsize at = 1; at < two.size (); at++) {
        guint seen = 0;

        for (const Bytes &part : { Bytes (two.begin (), two.begin () + (long) at),
                                   Bytes (two.begin () + (long) at, two.end ()) }) {
            PacketInput input = { part.data (), part.size (), -1 };

            while (input.size > 0) {
                PacketResult result = packet_reader_feed (&reader, &input, &packet);

                ASSERT_NE (PACKET_BAD, result);
                if (result == PACKET_COMPLETE) {
                    EXPECT_EQ (++seen, packet.header.serial);
                }
            }
        }
        EXPECT_EQ (2u, seen) << at;
    }
}

TEST_F (PacketTest, BadLengths)
{
    for (guint32 length : { 0u, 3u, 4u, 27u, PACKET_SIZE_MAX + 1, 0x80000000u, 0xffffffffu }) {
        Bytes bytes = words ({ length });
        Bytes whole = raw_call (4);

        EXPECT_EQ (PACKET_BAD, feed (&reader, bytes, &packet)) << length;
        packet_reader_clear (&reader);
        std::copy (bytes.begin (), bytes.end (), whole.begin ());
        EXPECT_EQ (PACKET_BAD, feed (&reader, whole, &packet)) << length;
        packet_reader_clear (&reader);
    }
}

TEST_F (PacketTest, ALongPacketCostsWhatHasArrived)
{
    Bytes bytes = words ({ PACKET_SIZE_MAX, RPC_PROGRAM_REMOTE, 1, 10, 0, 0, 0 });

    EXPECT_EQ (PACKET_MORE, feed (&reader, bytes, &packet));
    EXPECT_LE (reader.capacity, 4096u);
}

TEST_F (PacketTest, DescriptorsFollowWithAByteEach)
{
    Bytes bytes = raw_packet (RPC_PROGRAM_REMOTE, 1, 309, PACKET_CALL_FDS, 0, 0, words ({ 2, 77 }));
    int a = dup (0), b = dup (0);

    bytes.push_back (0);
    EXPECT_EQ (PACKET_MORE, feed (&reader, bytes, &packet, nullptr, a));
    ASSERT_EQ (PACKET_COMPLETE, feed (&reader, Bytes (1, 'x'), &packet, nullptr, b));
    ASSERT_EQ (2u, packet.n_fds);
    EXPECT_EQ (a, packet.fds[0]);
    EXPECT_EQ (b, packet.fds[1]);
    EXPECT_EQ (4u, packet.payload_size);

    packet.fds[0] = -1;                 /* taken; the other one is closed with the next packet */
    ASSERT_EQ (PACKET_COMPLETE, feed (&reader, first_packet, &packet));
    EXPECT_TRUE (is_open (a));
    EXPECT_FALSE (is_open (b));
    close (a);
}

TEST_F (PacketTest, DescriptorCountOfZeroIsAPlainCall)
{
    Bytes bytes = raw_packet (RPC_PROGRAM_REMOTE, 1, 4, PACKET_CALL_FDS, 0, 0, words ({ 0, 77 }));

    ASSERT_EQ (PACKET_COMPLETE, feed (&reader, bytes, &packet));
    EXPECT_EQ (0u, packet.n_fds);
    EXPECT_EQ (4u, packet.payload_size);
}

TEST_F (PacketTest, BadDescriptors)
{
    Bytes none = raw_packet (RPC_PROGRAM_REMOTE, 1, 4, PACKET_CALL_FDS, 0, 0);
    Bytes many = raw_packet (RPC_PROGRAM_REMOTE, 1, 4, PACKET_CALL_FDS, 0, 0, words ({ 33 }));
    Bytes one = raw_packet (RPC_PROGRAM_REMOTE, 1, 4, PACKET_CALL_FDS, 0, 0, words ({ 1 }));

    EXPECT_EQ (PACKET_BAD, feed (&reader, none, &packet));      /* no count */
    packet_reader_clear (&reader);
    EXPECT_EQ (PACKET_BAD, feed (&reader, many, &packet));
    packet_reader_clear (&reader);
    EXPECT_EQ (PACKET_MORE, feed (&reader, one, &packet));
    EXPECT_EQ (PACKET_BAD, feed (&reader, Bytes (1, 0), &packet));      /* a byte without descriptor */
    packet_reader_clear (&reader);
    EXPECT_EQ (PACKET_BAD, feed (&reader, one + Bytes (2, 0), &packet));
}

TEST_F (PacketTest, ADescriptorOnPacketBytesIsClosed)
{
    int fd = dup (0);

    ASSERT_EQ (PACKET_COMPLETE, feed (&reader, first_packet, &packet, nullptr, fd));
    EXPECT_EQ (0u, packet.n_fds);
    EXPECT_FALSE (is_open (fd));
}

TEST_F (PacketTest, OneReadMayBringPacketAndDescriptor)
{
    int pair[2], fd = dup (0);
    guint8 scratch[4096];
    PacketInput input;
    Bytes bytes = raw_packet (RPC_PROGRAM_REMOTE, 1, 309, PACKET_CALL_FDS, 0, 0, words ({ 1 }));

    ASSERT_EQ (0, socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    ASSERT_EQ ((gssize) bytes.size (), send (pair[0], bytes.data (), bytes.size (), 0));
    ASSERT_EQ (0, packet_send_fd (pair[0], fd));
    ASSERT_EQ ((gssize) first_packet.size (), send (pair[0], first_packet.data (), first_packet.size (), 0));

    ASSERT_EQ ((gssize) bytes.size () + 1, packet_reader_receive (&reader, pair[1], scratch, 4096, &input));
    ASSERT_EQ (PACKET_COMPLETE, packet_reader_feed (&reader, &input, &packet));
    ASSERT_EQ (1u, packet.n_fds);
    EXPECT_NE (0, fcntl (packet.fds[0], F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ (28, packet_reader_receive (&reader, pair[1], scratch, 4096, &input));
    EXPECT_EQ (PACKET_COMPLETE, packet_reader_feed (&reader, &input, &packet));
    EXPECT_EQ (-EAGAIN, packet_reader_receive (&reader, pair[1], scratch, 4096, &input));
    close (pair[0]);
    EXPECT_EQ (0, packet_reader_receive (&reader, pair[1], scratch, 4096, &input));
    close (pair[1]);
    close (fd);
}

TEST_F (PacketTest, TwoDescriptorsInOneMessageAreRefused)
{
    int before = dup (0);
    int pair[2];
    int fds[3] = { before, dup (0), dup (0) };
    guint8 scratch[64];
    char byte = 0;
    alignas (struct cmsghdr) char control[CMSG_SPACE (sizeof fds)] = {};
    struct iovec iov = { &byte, 1 };
    struct msghdr msg = {};
    PacketInput input;

    msg.msg_iov = &iov;
    msg.msg_iovlen = 1;
    msg.msg_control = control;
    msg.msg_controllen = sizeof control;
    ASSERT_EQ (0, socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    for (guint n = 2; n <= 3; n++) {
        struct cmsghdr *c = (struct cmsghdr *) control;

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN (n * sizeof (int));
        msg.msg_controllen = CMSG_SPACE (n * sizeof (int));
        memcpy (CMSG_DATA (c), fds, n * sizeof (int));
        ASSERT_EQ (1, sendmsg (pair[0], &msg, 0));
        EXPECT_EQ (-EBADMSG, packet_reader_receive (&reader, pair[1], scratch, sizeof scratch, &input));
    }
    close (pair[0]);
    close (pair[1]);
    for (int fd : fds)
        close (fd);
    /* nothing that came stayed open: the lowest free number is what it was */
    int after = dup (0);
    EXPECT_EQ (before, after);
    close (after);
}

TEST_F (PacketTest, LongPacketsAreReadInPlace)
{
    int pair[2];
    std::vector<guint8> scratch (65536);
    Bytes payload (3 * 1024 * 1024 + 4);
    gsize sent = 0;
    PacketResult result = PACKET_MORE;

    for (gsize i = 0; i < payload.size (); i++)
        payload[i] = (guint8) (i * 7 + i / 251);
    Bytes bytes = raw_call (10, 5, payload);
    ASSERT_EQ (0, socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    while (result == PACKET_MORE) {
        PacketInput input;
        ssize_t n = send (pair[0], bytes.data () + sent, bytes.size () - sent, MSG_DONTWAIT);
        gssize got;

        sent += n > 0 ? (gsize) n : 0;
        while (result == PACKET_MORE
               && (got = packet_reader_receive (&reader, pair[1], scratch.data (), scratch.size (), &input)) > 0)
            result = packet_reader_feed (&reader, &input, &packet);
    }
    ASSERT_EQ (PACKET_COMPLETE, result);
    ASSERT_EQ (payload.size (), packet.payload_size);
    EXPECT_EQ (0, memcmp (payload.data (), packet.payload, payload.size ()));

    guint8 *stolen = packet_reader_steal (&reader, &packet);
    EXPECT_EQ (packet.payload, stolen + 28);
    g_free (stolen);
    EXPECT_EQ (PACKET_COMPLETE, feed (&reader, first_packet, &packet));
    close (pair[0]);
    close (pair[1]);
}

TEST_F (PacketTest, BodiesOverTheLimitAreNotBuilt)
{
    PacketBuffer buffer = {};
    PacketHeader header = { RPC_PROGRAM_REMOTE, 1, 7, PACKET_REPLY, 0, PACKET_OK };
    std::string text (4 * 1024 * 1024, 'x');
    connect_get_capabilities_ret ret = { (char *) text.c_str () };

    EXPECT_EQ (28u + 4 + text.size (),
               packet_build (&buffer, &header, 0, (xdrproc_t) xdr_connect_get_capabilities_ret, &ret));
    packet_buffer_trim (&buffer);
    text += 'x';
    ret.capabilities = (char *) text.c_str ();
    EXPECT_EQ (0u, packet_build (&buffer, &header, 0, (xdrproc_t) xdr_connect_get_capabilities_ret, &ret));
    ret.capabilities = nullptr;
    EXPECT_EQ (0u, packet_build (&buffer, &header, 0, (xdrproc_t) xdr_connect_get_capabilities_ret, &ret));
    packet_buffer_clear (&buffer);
}

}
