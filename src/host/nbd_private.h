/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of host/nbd*.c. */
#pragma once

#include "host/nbd.h"

/* ---- nbd_client.c: the protocol */

/* Waits with a deadline for bytes of a qemu-nbd, for its end, or for being given up. */
typedef struct {
    int sock, pidfd, cancel;    /* the latter two may be -1 */
    gint64 deadline;            /* monotonic us */
} NbdWait;

typedef enum { NBD_READY, NBD_SERVER_ENDED, NBD_GIVEN_UP, NBD_TOO_LATE, NBD_NOT_UNDERSTOOD } NbdWaited;

typedef struct {
    guint64 size;               /* bytes */
    guint16 flags;              /* of the server, for the kernel */
} NbdExport;

/* After it, the server ends by itself with the connection. */
NbdWaited nbd_negotiate (const NbdWait *wait, NbdExport *ret);
/* Until something is readable or hung up there. */
NbdWaited nbd_wait (const NbdWait *wait);

/* ---- nbd_netlink.c: the kernel. 0 or a negative errno */

/* On a free device, which is *ret_index: it lasts without an opener. @backend tells it from others. */
int nbd_kernel_connect (int sock, const NbdExport *export, const char *backend, guint32 *ret_index);
/* From now on it lasts as long as its openers: there must be one. */
int nbd_kernel_tie (guint32 index, const char *backend);
int nbd_kernel_disconnect (guint32 index);
