/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One packet of libvirt's RPC as bytes, in both directions:
 *
 *   u32 length (itself included) | program | version | procedure | type | serial | status | payload
 *
 * In types 4 and 5 the payload starts with a count of descriptors; each descriptor follows the
 * packet with one byte of its own, not counted in the length. Neither end of this file blocks or
 * logs.
 */
#pragma once

#include <glib.h>
#include <rpc/rpc.h>

#define PACKET_HEADER_SIZE 28u          /* length word included; also the smallest packet */
#define PACKET_SIZE_MAX    33554436u    /* 32 MiB and the length word */
#define PACKET_FDS_MAX     32u
#define PACKET_STREAM_MAX  262120u      /* data bytes we put in one stream packet */

typedef enum {
    PACKET_CALL = 0,
    PACKET_REPLY = 1,
    PACKET_EVENT = 2,
    PACKET_STREAM = 3,
    PACKET_CALL_FDS = 4,
    PACKET_REPLY_FDS = 5,
    PACKET_HOLE = 6,
} PacketType;

typedef enum { PACKET_OK = 0, PACKET_ERROR = 1, PACKET_CONTINUE = 2 } PacketStatus;

enum { KEEPALIVE_PING = 1, KEEPALIVE_PONG = 2 };

typedef struct {
    guint32 program, version;
    gint32 procedure;
    gint32 type;                /* PacketType, or anything a peer sent */
    guint32 serial;
    gint32 status;
} PacketHeader;

/* ---- reading */

/* Bytes of one recvmsg(). @fd came with the last byte; -1 none. */
typedef struct {
    const guint8 *data;
    gsize size;
    int fd;
} PacketInput;

/* A complete packet. @payload is behind the count of descriptors, and is valid until the next
 * feed. */
typedef struct {
    PacketHeader header;
    const guint8 *payload;
    gsize payload_size;
    int *fds;                   /* take by setting to -1; what is left is closed at the next feed */
    guint n_fds;
} Packet;

typedef struct {
    guint8 *buffer;             /* a packet that did not come in one piece */
    gsize size, capacity;
    gsize length;               /* of the whole packet, 0 when not known yet */
    gboolean complete;          /* all but its descriptors */
    guint n_fds, fds_wanted;
    int fds[PACKET_FDS_MAX];
} PacketReader;

typedef enum {
    PACKET_MORE,                /* the input is used up */
    PACKET_COMPLETE,            /* *ret_packet is set; there may be more input */
    PACKET_BAD,                 /* the connection cannot go on */
} PacketResult;

void packet_reader_clear (PacketReader *reader);

/* Hands over the buffer in which the last packet's payload lies, so that a long one need not be
 * copied; NULL when it lies in the input. */
guint8 *packet_reader_steal (PacketReader *reader, const Packet *packet);

/* Takes bytes of @input up to the end of one packet and moves @input on. */
PacketResult packet_reader_feed (PacketReader *reader, PacketInput *input, Packet *ret_packet);

/* One recvmsg() that does not block, into @scratch or, when a long packet is under way, straight to
 * its place. Returns the number of bytes, 0 at end of file, or a negative errno. */
gssize packet_reader_receive (PacketReader *reader, int fd, void *scratch, gsize scratch_size,
                              PacketInput *ret_input);

/* ---- writing */

/* Room to build packets in, used again and again. The bytes of the last one start at @data. */
typedef struct {
    guint8 *data;
    gsize capacity;
} PacketBuffer;

void packet_buffer_clear (PacketBuffer *buffer);
/* Frees what one long packet needed. */
void packet_buffer_trim (PacketBuffer *buffer);

/* Build a packet and return its size. packet_build() returns 0 when @encode fails or the packet
 * would be too long. The count of descriptors is written in types 4 and 5 only. @encode NULL: no
 * payload. */
gsize packet_build (PacketBuffer *buffer, const PacketHeader *header, guint n_fds, xdrproc_t encode,
                    const void *body);
gsize packet_build_raw (PacketBuffer *buffer, const PacketHeader *header, const void *payload,
                        gsize size);

/* The byte that carries one descriptor; 0 or a negative errno. Does not block. */
int packet_send_fd (int sock, int fd);
