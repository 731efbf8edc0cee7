/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A daemon that takes no time: what is left of a client's command is the client's own.
 *
 *   bench-replay SOCKET DAEMON-SOCKET
 *
 * It passes the first connection on to a real daemon and keeps what is asked and answered. Every later one must
 * ask the same in the same order, and is answered from memory: one recv() and one send() for each call, and
 * nothing between them. Ends with an error where a client asks something else.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc/packet.h"

#define AT_TYPE 16              /* of a packet, in bytes; its length is the first word */
#define AT_SERIAL 20

typedef struct {
    GBytes *request;
    guint8 *reply;              /* the serial is put in for each */
    guint32 size;
} Exchange;

typedef struct {
    GArray *exchanges;          /* of Exchange, as they were asked */
    guint8 room[1 << 20];       /* of one side of a connection: what has come and is not handled */
} Replay;

static guint32
word_at (const guint8 *packet, gsize at)
{
    guint32 word;

    memcpy (&word, packet + at, sizeof word);
    return GUINT32_FROM_BE (word);
}

static int
unix_socket (const char *path, gboolean listening)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

    if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
        g_error ("'%s' is too long", path);
    r = listening ? bind (fd, (struct sockaddr *) &address, sizeof address)
                  : connect (fd, (struct sockaddr *) &address, sizeof address);
    if (r < 0 || (listening && listen (fd, 8) < 0))
        g_error ("'%s': %s", path, g_strerror (errno));
    return fd;
}

static void
send_all (int fd, const guint8 *data, gsize size)
{
    while (size > 0) {
        ssize_t n = send (fd, data, size, MSG_NOSIGNAL);

        if (n < 0)
            g_error ("send: %s", g_strerror (errno));
        data += n;
        size -= (gsize) n;
    }
}

/* The next whole packet of @fd, which lies in @room until the next call; NULL at the end. *@have bytes are there,
 * of which the first *@used were the packet before. */
static guint8 *
next_packet (int fd, guint8 *room, gsize *have, gsize *used)
{
    memmove (room, room + *used, *have - *used);
    *have -= *used;
    *used = 0;
    while (*have < PACKET_HEADER_SIZE || *have < word_at (room, 0)) {
        ssize_t n = recv (fd, room + *have, sizeof ((Replay *) 0)->room - *have, 0);

        if (n < 0)
            g_error ("recv: %s", g_strerror (errno));
        if (n == 0)
            return NULL;
        *have += (gsize) n;
    }
    *used = word_at (room, 0);
    return room;
}

/* Nobody waits for an answer to anything else. */
static guint8 *
next_call (int client, guint8 *room, gsize *have, gsize *used)
{
    guint8 *packet;

    do
        packet = next_packet (client, room, have, used);
    while (packet && word_at (packet, AT_TYPE) != PACKET_CALL);
    return packet;
}

/* ---- the first connection */

/* Passes the answer to @serial on, and what comes before it. FALSE at the end. */
static gboolean
pass_answer (int daemon, int client, guint8 *room, guint32 serial, Exchange *exchange)
{
    static gsize have, used;
    guint8 *packet;

    while ((packet = next_packet (daemon, room, &have, &used))) {
        send_all (client, packet, used);
        if (word_at (packet, AT_TYPE) != PACKET_REPLY || word_at (packet, AT_SERIAL) != serial)
            continue;
        exchange->reply = g_memdup2 (packet, used);
        exchange->size = (guint32) used;
        return TRUE;
    }
    return FALSE;
}

static void
record (Replay *replay, int client, const char *daemon_path)
{
    g_autofree guint8 *answers = g_malloc (sizeof replay->room);
    int daemon = unix_socket (daemon_path, FALSE);
    gsize have = 0, used = 0;
    guint8 *packet;

    while ((packet = next_call (client, replay->room, &have, &used))) {
        Exchange exchange = { .request = g_bytes_new (packet, used) };

        send_all (daemon, packet, used);
        if (!pass_answer (daemon, client, answers, word_at (packet, AT_SERIAL), &exchange))
            g_error ("the daemon closed the connection");
        g_array_append_val (replay->exchanges, exchange);
    }
    close (daemon);
}

/* ---- the others */

static gboolean
same_request (const Exchange *exchange, const guint8 *packet, gsize size)
{
    gsize known_size;
    const guint8 *known = g_bytes_get_data (exchange->request, &known_size);

    return size == known_size && memcmp (known, packet, AT_SERIAL) == 0
        && memcmp (known + AT_SERIAL + 4, packet + AT_SERIAL + 4, size - AT_SERIAL - 4) == 0;
}

static void
answer (Replay *replay, int client)
{
    gsize have = 0, used = 0;
    guint8 *packet;

    for (guint i = 0; (packet = next_call (client, replay->room, &have, &used)); i++) {
        const Exchange *exchange = &g_array_index (replay->exchanges, Exchange, i);

        if (i >= replay->exchanges->len || !same_request (exchange, packet, used))
            g_error ("request %u, procedure %u, is another one than at first", i, word_at (packet, 12));
        memcpy (exchange->reply + AT_SERIAL, packet + AT_SERIAL, 4);
        send_all (client, exchange->reply, exchange->size);
    }
}

int
main (int argc, char **argv)
{
    g_autofree Replay *replay = g_new0 (Replay, 1);
    int listener, client;

    if (argc != 3)
        g_error ("usage: %s SOCKET DAEMON-SOCKET", argv[0]);
    replay->exchanges = g_array_new (FALSE, FALSE, sizeof (Exchange));
    listener = unix_socket (argv[1], TRUE);
    while ((client = accept (listener, NULL, NULL)) >= 0) {
        if (replay->exchanges->len == 0)
            record (replay, client, argv[2]);
        else
            answer (replay, client);
        close (client);
    }
    return 1;
}
