/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * As much of the NBD protocol as comes before the kernel takes over: the fixed newstyle handshake, by which the
 * client asks for the default export (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md).
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "host/nbd_private.h"

#define MAGIC_SERVER G_GUINT64_CONSTANT (0x4e42444d41474943)    /* "NBDMAGIC" */
#define MAGIC_OPTION G_GUINT64_CONSTANT (0x49484156454f5054)    /* "IHAVEOPT" */
#define FIXED_NEWSTYLE 1u
#define NO_ZEROES      2u
#define OPTION_EXPORT_NAME 1u
#define PADDING 124             /* behind the export, for clients without NO_ZEROES */

/* Until something is readable or hung up there. */
static NbdWaited
wait_for_bytes (const NbdWait *wait)
{
    struct pollfd polls[] = {
        { .fd = wait->sock, .events = POLLIN },
        { .fd = wait->pidfd, .events = POLLIN },
    };
    gint64 left;
    int r;

    do {
        left = wait->deadline - g_get_monotonic_time ();
        if (left <= 0)
            return NBD_TOO_LATE;
        r = poll (polls, G_N_ELEMENTS (polls), (int) (left / 1000) + 1);
    } while (r == 0 || (r < 0 && errno == EINTR));
    return polls[0].revents ? NBD_READY : NBD_SERVER_ENDED;
}

static NbdWaited
get_bytes (const NbdWait *wait, void *buffer, gsize size)
{
    for (gsize got = 0; got < size;) {
        NbdWaited waited = wait_for_bytes (wait);
        ssize_t n;

        if (waited != NBD_READY)
            return waited;
        n = recv (wait->sock, (char *) buffer + got, size - got, MSG_DONTWAIT);
        if (n > 0)
            got += (gsize) n;
        else if (n == 0 || (errno != EINTR && errno != EAGAIN))
            return NBD_SERVER_ENDED;
    }
    return NBD_READY;
}

/* A few bytes, which always fit. */
static NbdWaited
put_bytes (const NbdWait *wait, const void *data, gsize size)
{
    return send (wait->sock, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t) size ? NBD_READY
                                                                                         : NBD_SERVER_ENDED;
}

static NbdWaited
greet (const NbdWait *wait, guint *ret_flags)
{
    struct { guint64 server, option; guint16 flags; } __attribute__ ((packed)) hello;
    NbdWaited waited = get_bytes (wait, &hello, sizeof hello);
    guint flags;

    if (waited != NBD_READY)
        return waited;
    flags = GUINT16_FROM_BE (hello.flags);
    if (GUINT64_FROM_BE (hello.server) != MAGIC_SERVER || GUINT64_FROM_BE (hello.option) != MAGIC_OPTION
        || !(flags & FIXED_NEWSTYLE))
        return NBD_NOT_UNDERSTOOD;
    *ret_flags = flags & (FIXED_NEWSTYLE | NO_ZEROES);
    return NBD_READY;
}

NbdWaited
nbd_negotiate (const NbdWait *wait, NbdExport *ret)
{
    struct { guint32 flags; guint64 magic; guint32 option, length; } __attribute__ ((packed)) wanted = { 0 };
    struct { guint64 size; guint16 flags; } __attribute__ ((packed)) got;
    char padding[PADDING];
    guint flags = 0;
    NbdWaited waited = greet (wait, &flags);

    if (waited != NBD_READY)
        return waited;
    wanted.flags = GUINT32_TO_BE (flags);
    wanted.magic = GUINT64_TO_BE (MAGIC_OPTION);
    wanted.option = GUINT32_TO_BE (OPTION_EXPORT_NAME);
    waited = put_bytes (wait, &wanted, sizeof wanted);
    if (waited == NBD_READY)
        waited = get_bytes (wait, &got, sizeof got);
    if (waited == NBD_READY && !(flags & NO_ZEROES))
        waited = get_bytes (wait, padding, sizeof padding);
    if (waited != NBD_READY)
        return waited;
    *ret = (NbdExport) { .size = GUINT64_FROM_BE (got.size), .flags = GUINT16_FROM_BE (got.flags) };
    return NBD_READY;
}
