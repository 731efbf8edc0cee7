/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_INITIAL 65536u           /* also what a PacketBuffer keeps */
#define DIRECT_MIN     16384u           /* bytes still missing from which they are read in place */

static guint32
word_at (const guint8 *data, guint index)
{
    guint32 word;

    memcpy (&word, data + 4 * index, sizeof word);
    return GUINT32_FROM_BE (word);
}

static void
word_put (guint8 *data, guint index, guint32 value)
{
    value = GUINT32_TO_BE (value);
    memcpy (data + 4 * index, &value, sizeof value);
}

/* ---- reading */

static void
close_all (int *fds, guint n)
{
    for (guint i = 0; i < n; i++)
        if (fds[i] >= 0)
            close (fds[i]);
}

static void
reader_next (PacketReader *reader)
{
    close_all (reader->fds, reader->n_fds);
    reader->n_fds = reader->fds_wanted = 0;
    reader->size = reader->length = 0;
    reader->complete = FALSE;
    if (reader->capacity > BUFFER_INITIAL)
        packet_reader_clear (reader);
}

void
packet_reader_clear (PacketReader *reader)
{
    close_all (reader->fds, reader->n_fds);
    g_free (reader->buffer);
    memset (reader, 0, sizeof *reader);
}

guint8 *
packet_reader_steal (PacketReader *reader, const Packet *packet)
{
    if (!reader->complete || packet->payload < reader->buffer
        || packet->payload > reader->buffer + reader->size)
        return NULL;
    reader->capacity = 0;
    return g_steal_pointer (&reader->buffer);
}

/* The buffer grows with what has arrived, not with what the length word promises. */
static void
reader_reserve (PacketReader *reader, gsize more)
{
    gsize wanted = reader->size + more;
    gsize capacity = MAX (reader->capacity, 256);

    if (wanted <= reader->capacity)
        return;
    while (capacity < wanted)
        capacity *= 2;
    if (reader->length)
        capacity = MIN (capacity, reader->length);
    reader->buffer = g_realloc (reader->buffer, capacity);
    reader->capacity = capacity;
}

static gsize
reader_append (PacketReader *reader, PacketInput *input, gsize limit)
{
    gsize n = MIN (input->size, limit - reader->size);

    reader_reserve (reader, n);
    if (input->data != reader->buffer + reader->size)
        memcpy (reader->buffer + reader->size, input->data, n);
    reader->size += n;
    input->data += n;
    input->size -= n;
    return n;
}

static gboolean
packet_has_fds (gint32 type)
{
    return type == PACKET_CALL_FDS || type == PACKET_REPLY_FDS;
}

static gboolean
length_valid (gsize length)
{
    return length >= PACKET_HEADER_SIZE && length <= PACKET_SIZE_MAX;
}

/* FALSE: no room for the count of descriptors, or more of them than allowed. */
static gboolean
packet_parse (const guint8 *data, gsize size, Packet *packet, guint *ret_fds)
{
    PacketHeader *header = &packet->header;

    *header = (PacketHeader) {
        .program = word_at (data, 1),
        .version = word_at (data, 2),
        .procedure = (gint32) word_at (data, 3),
        .type = (gint32) word_at (data, 4),
        .serial = word_at (data, 5),
        .status = (gint32) word_at (data, 6),
    };
    packet->payload = data + PACKET_HEADER_SIZE;
    packet->payload_size = size - PACKET_HEADER_SIZE;
    packet->fds = NULL;
    packet->n_fds = 0;
    *ret_fds = 0;
    if (!packet_has_fds (header->type))
        return TRUE;
    if (packet->payload_size < 4)
        return FALSE;
    *ret_fds = word_at (packet->payload, 0);
    packet->payload += 4;
    packet->payload_size -= 4;
    return *ret_fds <= PACKET_FDS_MAX;
}

/* Each missing descriptor is one byte of the input; only the last byte of an input can carry
 * one. */
static PacketResult
feed_fds (PacketReader *reader, PacketInput *input, Packet *packet)
{
    guint unused;

    while (reader->n_fds < reader->fds_wanted) {
        if (input->size == 0)
            return PACKET_MORE;
        if (input->size > 1 || input->fd < 0)
            return PACKET_BAD;
        reader->fds[reader->n_fds++] = input->fd;
        input->fd = -1;
        input->data++;
        input->size--;
    }
    packet_parse (reader->buffer, reader->size, packet, &unused);
    packet->fds = reader->fds;
    packet->n_fds = reader->n_fds;
    return PACKET_COMPLETE;
}

/* A whole packet in the input is handed on from there, without a copy. */
static PacketResult
feed_whole (PacketReader *reader, PacketInput *input, Packet *packet)
{
    gsize length = word_at (input->data, 0);
    guint n_fds;

    if (!length_valid (length))
        return PACKET_BAD;
    if (input->size < length)
        return PACKET_MORE;
    if (!packet_parse (input->data, length, packet, &n_fds))
        return PACKET_BAD;
    if (n_fds > 0)
        return PACKET_MORE;
    /* the reader holds nothing of this packet, so the next feed starts anew */
    reader->size = reader->length = 0;
    input->data += length;
    input->size -= length;
    return PACKET_COMPLETE;
}

static PacketResult
feed_piece (PacketReader *reader, PacketInput *input, Packet *packet)
{
    if (!reader->length) {
        reader_append (reader, input, 4);
        if (reader->size < 4)
            return PACKET_MORE;
        reader->length = word_at (reader->buffer, 0);
        if (!length_valid (reader->length))
            return PACKET_BAD;
    }
    reader_append (reader, input, reader->length);
    if (reader->size < reader->length)
        return PACKET_MORE;
    if (!packet_parse (reader->buffer, reader->size, packet, &reader->fds_wanted))
        return PACKET_BAD;
    reader->complete = TRUE;
    return feed_fds (reader, input, packet);
}

PacketResult
packet_reader_feed (PacketReader *reader, PacketInput *input, Packet *packet)
{
    PacketResult result = PACKET_MORE;

    if (reader->complete && reader->n_fds == reader->fds_wanted)
        reader_next (reader);
    if (reader->complete)
        result = feed_fds (reader, input, packet);
    else {
        if (reader->size == 0 && input->size >= PACKET_HEADER_SIZE)
            result = feed_whole (reader, input, packet);
        if (result == PACKET_MORE && input->size > 0)
            result = feed_piece (reader, input, packet);
    }
    /* a descriptor on a packet's own bytes belongs to nothing: stock loses it, too */
    if (input->size == 0 && input->fd >= 0) {
        close (input->fd);
        input->fd = -1;
    }
    return result;
}

/* At most one descriptor, at the end of what was read: the kernel never joins two. -1 none, -2
 * bad. */
static int
control_fd (struct msghdr *msg)
{
    int fd = -1;

    for (struct cmsghdr *c = CMSG_FIRSTHDR (msg); c; c = CMSG_NXTHDR (msg, c)) {
        int fds[2] = { -1, -1 };

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        /* the alignment of control space leaves room for a second one */
        memcpy (fds, CMSG_DATA (c), MIN (c->cmsg_len - CMSG_LEN (0), sizeof fds));
        close_all (&fds[1], 1);
        fd = fds[1] >= 0 ? (close (fds[0]), -2) : fds[0];
    }
    if (msg->msg_flags & MSG_CTRUNC) {
        if (fd >= 0)
            close (fd);
        fd = -2;
    }
    return fd;
}

gssize
packet_reader_receive (PacketReader *reader, int sock, void *scratch, gsize scratch_size,
                       PacketInput *input)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE (sizeof (int))];
    } control;
    struct iovec iov = { .iov_base = scratch, .iov_len = scratch_size };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control,
    };
    gsize missing = reader->length && !reader->complete ? reader->length - reader->size : 0;
    ssize_t n;

    if (missing >= DIRECT_MIN) {
        reader_reserve (reader, MIN (missing, MAX (reader->size, BUFFER_INITIAL)));
        iov.iov_base = reader->buffer + reader->size;
        iov.iov_len = reader->capacity - reader->size;
    }
    do
        n = recvmsg (sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    *input = (PacketInput) { .data = iov.iov_base, .size = (gsize) n, .fd = control_fd (&msg) };
    if (input->fd == -2)
        return -EBADMSG;
    return n;
}

/* ---- writing */

void
packet_buffer_clear (PacketBuffer *buffer)
{
    g_free (buffer->data);
    *buffer = (PacketBuffer) { 0 };
}

void
packet_buffer_trim (PacketBuffer *buffer)
{
    if (buffer->capacity > BUFFER_INITIAL)
        packet_buffer_clear (buffer);
}

static void
buffer_reserve (PacketBuffer *buffer, gsize size)
{
    if (size <= buffer->capacity)
        return;
    g_free (buffer->data);
    buffer->capacity = MAX (size, BUFFER_INITIAL);
    buffer->data = g_malloc (buffer->capacity);
}

static gsize
header_put (guint8 *data, const PacketHeader *header, gsize size)
{
    word_put (data, 0, (guint32) size);
    word_put (data, 1, header->program);
    word_put (data, 2, header->version);
    word_put (data, 3, (guint32) header->procedure);
    word_put (data, 4, (guint32) header->type);
    word_put (data, 5, header->serial);
    word_put (data, 6, (guint32) header->status);
    return size;
}

/* The encoded size of @body behind @offset, or 0 when it does not fit or cannot be encoded. */
static gsize
encode_at (PacketBuffer *buffer, gsize offset, xdrproc_t encode, const void *body)
{
    gsize used;
    XDR xdrs;

    xdrmem_create (&xdrs, (char *) buffer->data + offset, (u_int) (buffer->capacity - offset),
                   XDR_ENCODE);
    used = encode (&xdrs, (void *) body, 0) ? offset + xdr_getpos (&xdrs) : 0;
    xdr_destroy (&xdrs);
    return used;
}

gsize
packet_build (PacketBuffer *buffer, const PacketHeader *header, guint n_fds, xdrproc_t encode,
              const void *body)
{
    gsize offset = PACKET_HEADER_SIZE;
    gsize size;

    buffer_reserve (buffer, BUFFER_INITIAL);
    if (packet_has_fds (header->type)) {
        word_put (buffer->data, 7, n_fds);
        offset += 4;
    }
    if (!encode)
        return header_put (buffer->data, header, offset);
    size = encode_at (buffer, offset, encode, body);
    if (size == 0) {
        /* most bodies fit; only for the others is the size worth a pass of its own */
        gsize wanted = offset + xdr_sizeof (encode, (void *) body);

        if (wanted == offset || wanted > PACKET_SIZE_MAX || wanted <= buffer->capacity)
            return 0;
        buffer_reserve (buffer, wanted);
        if (packet_has_fds (header->type))
            word_put (buffer->data, 7, n_fds);
        size = encode_at (buffer, offset, encode, body);
    }
    return size ? header_put (buffer->data, header, size) : 0;
}

gsize
packet_build_raw (PacketBuffer *buffer, const PacketHeader *header, const void *payload, gsize size)
{
    buffer_reserve (buffer, PACKET_HEADER_SIZE + size);
    if (size > 0)
        memcpy (buffer->data + PACKET_HEADER_SIZE, payload, size);
    return header_put (buffer->data, header, PACKET_HEADER_SIZE + size);
}

int
packet_send_fd (int sock, int fd)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE (sizeof (int))];
    } control = { .room = { 0 } };
    char byte = 0;
    struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control,
    };
    ssize_t n;

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN (sizeof fd);
    memcpy (CMSG_DATA (&control.header), &fd, sizeof fd);
    do
        n = sendmsg (sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}
