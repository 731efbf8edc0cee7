/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loop devices, and what file system a block device holds. May block: for pool threads. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Attaches a regular file to a free loop device: *ret_path "/dev/loopN". The kernel frees it by itself
 * when its last opener or mount is gone (autoclear), so *ret_fd has to be kept open until the
 * container has mounted or opened it. @readonly: the file is opened for reading only.
 * ERR_SYSTEM, ERR_OPERATION_FAILED when it is no regular file. */
gboolean block_loop_attach (const char *file, gboolean readonly, char **ret_path, int *ret_fd, GError **error);

/* May stat(2) of @path be left to the main loop? Canonical and below /dev, where nobody but root makes
 * links and no server is waited for. The other one says that it may not: ERR_INVALID_ARG, FALSE. */
gboolean block_path_safe (const char *path);
gboolean block_path_refuse (const char *path, GError **error);

/* The host's loop devices, and our nbd ones: path of the file -> dev_t as pointer. From sysfs, does not block. */
GHashTable *block_loops (void);
/* "/dev/loop0", by sysfs; what is gone gets a name that nothing has. The caller frees. */
char *block_device_path (dev_t device);
/* Bytes, from sysfs; FALSE when there is no such device. */
gboolean block_size (dev_t device, guint64 *ret);
/* Nanoseconds that requests of the whole device took, added up, since it is there. */
gboolean block_times (dev_t device, guint64 *ret_read, guint64 *ret_written);

/* "ext4", ... from the superblock; NULL with ERR_INTERNAL when unknown or ambiguous. */
char *block_filesystem (const char *device, GError **error);
