/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of host/nbd*.c. */
#pragma once

#include "host/nbd.h"

/* ---- nbd.c */

/* In NbdServer.dir: the name of an attachment alone, then with what serves it. */
#define NBD_NAME_SIZE 17
#define NBD_FILE_SIZE 64
#define NBD_FILE_WRITTEN "%s.%d.%" G_GUINT64_FORMAT
#define NBD_FILE_READ "%16[0-9a-f].%d.%" G_GUINT64_FORMAT

typedef void (*NbdVisit) (guint index, const char *name, const char *file, gpointer data);

/* Of the devices attached by a skepd; @file NULL: too long for the kernel to keep. */
void nbd_each_device (NbdVisit visit, gpointer data);
/* A socket's descriptor, -1: nobody listens. */
int nbd_connect_to (int dir, const char *name);
/* A pidfd, -1: it has gone. */
int nbd_process_open (const NbdProcess *process);

/* ---- nbd_servers.c */

/* Keeps copies of the descriptors. Fails once they were ended; else the file goes when they are settled or freed. */
gboolean nbd_servers_add (NbdServers *servers, int pidfd, int dir, const char *file, GError **error);
/* The one of that file has a device now. Takes @backend. */
void nbd_servers_connected (NbdServers *servers, const char *file, guint32 index, char *backend);

/* ---- nbd_client.c: the protocol */

/* Waits with a deadline for bytes of a qemu-nbd, or for its end. */
typedef struct {
    int sock, pidfd;            /* the latter may be -1 */
    gint64 deadline;            /* monotonic us */
} NbdWait;

typedef enum { NBD_READY, NBD_SERVER_ENDED, NBD_TOO_LATE, NBD_NOT_UNDERSTOOD } NbdWaited;

typedef struct {
    guint64 size;               /* bytes */
    guint16 flags;              /* of the server, for the kernel */
} NbdExport;

/* After it, the server ends by itself with the connection. */
NbdWaited nbd_negotiate (const NbdWait *wait, NbdExport *ret);

/* ---- nbd_netlink.c: the kernel. 0 or a negative errno */

/* On a free device, which is *ret_index: it lasts without an opener. @backend tells it from others. A server that
 * does not answer within @timeout s is lost, and who waits for it gets an error. */
int nbd_kernel_connect (int sock, const NbdExport *export, const char *backend, guint timeout, guint32 *ret_index);
/* From now on a server may take as long as it likes. */
int nbd_kernel_be_patient (guint32 index, const char *backend);
/* From now on it lasts as long as its openers: there must be one. */
int nbd_kernel_tie (guint32 index, const char *backend);
int nbd_kernel_disconnect (guint32 index);
