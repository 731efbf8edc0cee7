/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc/packet.h"
#include "rpc/remote.h"
#include "rpc/server.h"
#include "rpc_bytes.h"

#define FIRST_PACKET_HEX "0000001c 20008086 00000001 00000042 00000000 00000000 00000000"

struct RpcTest {
    PacketReader reader;
    Packet packet;
    Bytes *first;               /* what a stock client sends first */
};

static RpcTest *
setup (void)
{
    RpcTest *t = g_new0 (RpcTest, 1);

    t->first = bytes_of_hex (FIRST_PACKET_HEX);
    return t;
}

static void
teardown (RpcTest *t)
{
    packet_reader_clear (&t->reader);
    g_free (t);
}

static PacketResult
feed_with_fd (RpcTest *t, const Bytes *bytes, int fd)
{
    PacketInput input = { .data = bytes->data, .size = bytes->len, .fd = fd };

    return packet_reader_feed (&t->reader, &input, &t->packet);
}

static PacketResult
feed (RpcTest *t, const Bytes *bytes)
{
    return feed_with_fd (t, bytes, -1);
}

static void
assert_bad (RpcTest *t, const Bytes *bytes)
{
    g_assert_cmpint (feed (t, bytes), ==, PACKET_BAD);
    packet_reader_clear (&t->reader);
}

static gboolean
is_open (int fd)
{
    return fcntl (fd, F_GETFD) >= 0;
}

/* @payload: the count of descriptors and what follows. */
static Bytes *
call_with_fds (const Bytes *payload)
{
    return raw_packet (RPC_PROGRAM_REMOTE, 1, 309, PACKET_CALL_FDS, 0, 0, payload);
}

static void
test_first_packet (RpcTest *t)
{
    g_assert_cmpint (feed (t, t->first), ==, PACKET_COMPLETE);
    g_assert_cmphex (t->packet.header.program, ==, RPC_PROGRAM_REMOTE);
    g_assert_cmpuint (t->packet.header.version, ==, 1);
    g_assert_cmpint (t->packet.header.procedure, ==, REMOTE_PROC_AUTH_LIST);
    g_assert_cmpint (t->packet.header.type, ==, PACKET_CALL);
    g_assert_cmpuint (t->packet.header.serial, ==, 0);
    g_assert_cmpint (t->packet.header.status, ==, PACKET_OK);
    g_assert_cmpuint (t->packet.payload_size, ==, 0);
}

static void
test_builds (RpcTest *t)
{
    PacketBuffer buffer = { 0 };
    PacketHeader header = {
        .program = RPC_PROGRAM_REMOTE, .version = 1, .procedure = REMOTE_PROC_AUTH_LIST,
    };
    gsize size = packet_build (&buffer, &header, 0, NULL, NULL);

    assert_bytes (bytes_of (buffer.data, size), t->first);
    packet_buffer_clear (&buffer);
}

static void
test_byte_by_byte (RpcTest *t)
{
    Bytes *bytes = raw_call (23, 9, WORDS (3, 0x61626300));

    for (int round = 0; round < 2; round++)
        for (guint i = 0; i < bytes->len; i++)
            g_assert_cmpint (feed (t, bytes_slice (bytes, i, i + 1)), ==,
                             i + 1 < bytes->len ? PACKET_MORE : PACKET_COMPLETE);
    g_assert_cmpuint (t->packet.header.serial, ==, 9);
    g_assert_cmpmem (t->packet.payload, t->packet.payload_size, "\0\0\0\3abc", 8);
}

static void
test_every_split (RpcTest *t)
{
    Bytes *two = bytes_join (raw_call (23, 1, WORDS (3, 0x61626300)), raw_call (4, 2, NULL), NULL);

    for (guint at = 1; at < two->len; at++) {
        const Bytes *parts[] = { bytes_slice (two, 0, at), bytes_slice (two, at, two->len) };
        guint seen = 0;

        for (guint i = 0; i < 2; i++) {
            PacketInput input = { .data = parts[i]->data, .size = parts[i]->len, .fd = -1 };

            while (input.size > 0) {
                PacketResult result = packet_reader_feed (&t->reader, &input, &t->packet);

                g_assert_cmpint (result, !=, PACKET_BAD);
                if (result == PACKET_COMPLETE)
                    g_assert_cmpuint (t->packet.header.serial, ==, ++seen);
            }
        }
        g_assert_cmpuint (seen, ==, 2);
    }
}

static void
test_bad_lengths (RpcTest *t)
{
    static const guint32 lengths[] = { 0, 3, 4, 27, PACKET_SIZE_MAX + 1, 0x80000000, 0xffffffff };
    Bytes *rest = bytes_slice (raw_call (4, 0, NULL), 4, 28);

    for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
        assert_bad (t, WORDS (lengths[i]));
        assert_bad (t, bytes_join (WORDS (lengths[i]), rest, NULL));
    }
}

static void
test_long_packet_cost (RpcTest *t)
{
    g_assert_cmpint (feed (t, WORDS (PACKET_SIZE_MAX, RPC_PROGRAM_REMOTE, 1, 10, 0, 0, 0)), ==,
                     PACKET_MORE);
    g_assert_cmpuint (t->reader.capacity, <=, 4096);
}

static void
test_descriptors_follow (RpcTest *t)
{
    Bytes *bytes = bytes_join (call_with_fds (WORDS (2, 77)), bytes_filled (1, 0), NULL);
    int a = dup (0), b = dup (0);

    g_assert_cmpint (feed_with_fd (t, bytes, a), ==, PACKET_MORE);
    g_assert_cmpint (feed_with_fd (t, bytes_filled (1, 'x'), b), ==, PACKET_COMPLETE);
    g_assert_cmpuint (t->packet.n_fds, ==, 2);
    g_assert_cmpint (t->packet.fds[0], ==, a);
    g_assert_cmpint (t->packet.fds[1], ==, b);
    g_assert_cmpuint (t->packet.payload_size, ==, 4);

    t->packet.fds[0] = -1;              /* taken; the other one is closed with the next packet */
    g_assert_cmpint (feed (t, t->first), ==, PACKET_COMPLETE);
    g_assert_true (is_open (a));
    g_assert_false (is_open (b));
    close (a);
}

static void
test_count_of_zero (RpcTest *t)
{
    g_assert_cmpint (feed (t, call_with_fds (WORDS (0, 77))), ==, PACKET_COMPLETE);
    g_assert_cmpuint (t->packet.n_fds, ==, 0);
    g_assert_cmpuint (t->packet.payload_size, ==, 4);
}

static void
test_bad_descriptors (RpcTest *t)
{
    Bytes *one = call_with_fds (WORDS (1));

    assert_bad (t, call_with_fds (NULL));               /* no count */
    assert_bad (t, call_with_fds (WORDS (33)));
    g_assert_cmpint (feed (t, one), ==, PACKET_MORE);
    assert_bad (t, bytes_filled (1, 0));                /* a byte without descriptor */
    assert_bad (t, bytes_join (one, bytes_filled (2, 0), NULL));
}

static void
test_stray_descriptor (RpcTest *t)
{
    int fd = dup (0);

    g_assert_cmpint (feed_with_fd (t, t->first, fd), ==, PACKET_COMPLETE);
    g_assert_cmpuint (t->packet.n_fds, ==, 0);
    g_assert_false (is_open (fd));
}

static void
test_one_read (RpcTest *t)
{
    int pair[2], fd = dup (0);
    guint8 scratch[4096];
    PacketInput input;
    Bytes *bytes = call_with_fds (WORDS (1));

    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    g_assert_cmpint (send (pair[0], bytes->data, bytes->len, 0), ==, bytes->len);
    g_assert_cmpint (packet_send_fd (pair[0], fd), ==, 0);
    g_assert_cmpint (send (pair[0], t->first->data, t->first->len, 0), ==, t->first->len);

    g_assert_cmpint (packet_reader_receive (&t->reader, pair[1], scratch, 4096, &input), ==,
                     bytes->len + 1);
    g_assert_cmpint (packet_reader_feed (&t->reader, &input, &t->packet), ==, PACKET_COMPLETE);
    g_assert_cmpuint (t->packet.n_fds, ==, 1);
    g_assert_cmpint (fcntl (t->packet.fds[0], F_GETFD) & FD_CLOEXEC, !=, 0);
    g_assert_cmpint (packet_reader_receive (&t->reader, pair[1], scratch, 4096, &input), ==, 28);
    g_assert_cmpint (packet_reader_feed (&t->reader, &input, &t->packet), ==, PACKET_COMPLETE);
    g_assert_cmpint (packet_reader_receive (&t->reader, pair[1], scratch, 4096, &input), ==,
                     -EAGAIN);
    close (pair[0]);
    g_assert_cmpint (packet_reader_receive (&t->reader, pair[1], scratch, 4096, &input), ==, 0);
    close (pair[1]);
    close (fd);
}

static void
send_joined_fds (int sock, const int *fds, guint n)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE (3 * sizeof (int))];
    } control = { .room = { 0 } };
    char byte = 0;
    struct iovec iov = { &byte, 1 };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
        .msg_controllen = CMSG_SPACE (n * sizeof (int)),
    };

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN (n * sizeof (int));
    memcpy (CMSG_DATA (&control.header), fds, n * sizeof (int));
    g_assert_cmpint (sendmsg (sock, &msg, 0), ==, 1);
}

static void
test_joined_descriptors (RpcTest *t)
{
    int fds[3] = { dup (0), dup (0), dup (0) };
    int pair[2], after;
    guint8 scratch[64];
    PacketInput input;

    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    for (guint n = 2; n <= 3; n++) {
        send_joined_fds (pair[0], fds, n);
        g_assert_cmpint (packet_reader_receive (&t->reader, pair[1], scratch, sizeof scratch,
                                                &input), ==,
                         -EBADMSG);
    }
    close (pair[0]);
    close (pair[1]);
    for (guint i = 0; i < 3; i++)
        close (fds[i]);
    /* nothing that came stayed open: the lowest free number is what it was */
    after = dup (0);
    g_assert_cmpint (after, ==, fds[0]);
    close (after);
}

static void
test_long_packets (RpcTest *t)
{
    int pair[2];
    g_autofree guint8 *scratch = g_malloc (65536);
    g_autofree guint8 *stolen = NULL;
    Bytes *payload = bytes_filled (3 * 1024 * 1024 + 4, 0);
    Bytes *bytes;
    gsize sent = 0;
    PacketResult result = PACKET_MORE;

    for (guint i = 0; i < payload->len; i++)
        payload->data[i] = (guint8) (i * 7 + i / 251);
    bytes = raw_call (10, 5, payload);
    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    while (result == PACKET_MORE) {
        PacketInput input;
        ssize_t n = send (pair[0], bytes->data + sent, bytes->len - sent, MSG_DONTWAIT);

        sent += n > 0 ? (gsize) n : 0;
        while (result == PACKET_MORE
               && packet_reader_receive (&t->reader, pair[1], scratch, 65536, &input) > 0)
            result = packet_reader_feed (&t->reader, &input, &t->packet);
    }
    g_assert_cmpint (result, ==, PACKET_COMPLETE);
    g_assert_cmpmem (t->packet.payload, t->packet.payload_size, payload->data, payload->len);

    stolen = packet_reader_steal (&t->reader, &t->packet);
    g_assert_true (t->packet.payload == stolen + 28);
    g_assert_cmpint (feed (t, t->first), ==, PACKET_COMPLETE);
    close (pair[0]);
    close (pair[1]);
}

static void
test_body_limit (RpcTest *t)
{
    const xdrproc_t encode = (xdrproc_t) xdr_connect_get_capabilities_ret;
    const gsize max = 4 * 1024 * 1024;
    PacketBuffer buffer = { 0 };
    PacketHeader header = { RPC_PROGRAM_REMOTE, 1, 7, PACKET_REPLY, 0, PACKET_OK };
    g_autofree char *most = g_strnfill (max, 'x'), *more = g_strnfill (max + 1, 'x');
    connect_get_capabilities_ret ret = { most };

    (void) t;
    g_assert_cmpuint (packet_build (&buffer, &header, 0, encode, &ret), ==, 28 + 4 + max);
    packet_buffer_trim (&buffer);
    ret.capabilities = more;
    g_assert_cmpuint (packet_build (&buffer, &header, 0, encode, &ret), ==, 0);
    ret.capabilities = NULL;
    g_assert_cmpuint (packet_build (&buffer, &header, 0, encode, &ret), ==, 0);
    packet_buffer_clear (&buffer);
}

static const RpcCase cases[] = {
    { "first-packet-of-a-stock-client", test_first_packet },
    { "builds-the-same-bytes", test_builds },
    { "byte-by-byte", test_byte_by_byte },
    { "every-split-in-two", test_every_split },
    { "bad-lengths", test_bad_lengths },
    { "a-long-packet-costs-what-has-arrived", test_long_packet_cost },
    { "descriptors-follow-with-a-byte-each", test_descriptors_follow },
    { "descriptor-count-of-zero-is-a-plain-call", test_count_of_zero },
    { "bad-descriptors", test_bad_descriptors },
    { "a-descriptor-on-packet-bytes-is-closed", test_stray_descriptor },
    { "one-read-may-bring-packet-and-descriptor", test_one_read },
    { "two-descriptors-in-one-message-are-refused", test_joined_descriptors },
    { "long-packets-are-read-in-place", test_long_packets },
    { "bodies-over-the-limit-are-not-built", test_body_limit },
};

int
main (int argc, char **argv)
{
    return rpc_cases_run (argc, argv, "/rpc/packet", cases, G_N_ELEMENTS (cases), setup, teardown);
}
