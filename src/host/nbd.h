/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images of any format as block devices: a qemu-nbd serves each of them over a socket, the kernel's nbd driver
 * is its client. May block: for pool threads.
 *
 * The kernel chooses the device, so nobody can take it in between, and disconnects it by itself when its last
 * opener or mount has gone, as it frees a loop device; the disconnected qemu-nbd flushes the image and ends.
 * So no end of ours leaves anything behind, once the device is open. What is under way until then has a file in
 * NbdServer.dir, from before the first process, by which a later daemon finds it.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Those that are under way for one purpose. Each has a file in NbdServer.dir until they are settled. */
typedef struct NbdServers NbdServers;

NbdServers *nbd_servers_new (void);
NbdServers *nbd_servers_ref (NbdServers *servers);
void nbd_servers_unref (NbdServers *servers);       /* NULL is fine */
/* Any thread: kills them, which hang perhaps, and so ends what waits for one of their devices; what is attached for
 * the same purpose after that fails. @too_late is for the error. Once they are settled: nothing. */
void nbd_servers_end (NbdServers *servers, gboolean too_late);
/* TRUE: they were, ERR_OPERATION_ABORTED or ERR_OPERATION_TIMEOUT. */
gboolean nbd_servers_ended (NbdServers *servers, GError **error);
/* All that was to be done before anybody can write to the images has been done. FALSE: they were ended. */
gboolean nbd_servers_settle (NbdServers *servers, GError **error);

typedef struct {
    char *program;              /* qemu-nbd; NULL: there is none */
    char *dir;                  /* for what is under way, this daemon's alone; made on first use */
    NbdServers *servers;
    guint deadline_ms;          /* until one serves */
} NbdServer;

typedef struct {
    const char *file;
    const char *format;         /* as qemu names it */
    gboolean readonly;
    gboolean no_cache;          /* past the host's page cache */
} NbdImage;

/* A qemu-nbd, by its pid and start time. It outlives the daemon. */
typedef struct {
    pid_t pid;
    guint64 start;
} NbdProcess;

/* *ret_path "/dev/nbdN", which lasts as long as *ret_fd or another opener or mount of it. ERR_CONFIG_UNSUPPORTED,
 * saying what is missing: a kernel with nbd, qemu-nbd; ERR_OPERATION_FAILED with what qemu-nbd says of the file. */
gboolean nbd_attach (const NbdServer *server, const NbdImage *image, char **ret_path, int *ret_fd,
                     NbdProcess *ret_process, GError **error);
/* It has ended, all of the image is on disk, and another one can have it. */
gboolean nbd_process_over (const NbdProcess *process);
/* The same, after at most @ms. */
gboolean nbd_process_wait (const NbdProcess *process, guint ms);
/* Ends what a daemon that was killed has left under way; once, every further call does nothing. nbd_attach() begins
 * with it, since what is left may hold the image. */
void nbd_recover (const char *dir);

/* Devices are there, or the module which brings them can be loaded. */
gboolean nbd_in_kernel (void);
/* @configured, or what the path has; NULL when there is none. The caller frees. */
char *nbd_find_program (const char *configured);

/* The host's nbd devices that were attached by nbd_attach(): adds path of the file -> dev_t as pointer. From sysfs. */
void nbd_add_files (GHashTable *files);
