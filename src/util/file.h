/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole files: bounded reads, atomic durable writes. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Reads a regular file of at most @max bytes; a longer one is an error. The text is NUL-terminated
 * behind *ret_size (which may be NULL). ERR_SYSTEM with errno, ERR_OPERATION_FAILED when too long. */
char *file_read (const char *path, gsize max, gsize *ret_size, GError **error);
char *file_read_at (int dir, const char *name, gsize max, gsize *ret_size, GError **error);

typedef enum {
    FILE_DURABLE = 1 << 0,  /* fsync of file and directory: survives a power cut */
} FileWriteFlags;

/* Replaces @path atomically: temporary file beside it, [fsync], rename, [fsync of the directory].
 * On failure the old file is untouched and no temporary file stays. */
gboolean file_write (const char *path, const void *data, gsize size, mode_t mode,
                     FileWriteFlags flags, GError **error);

/* Makes @path and its missing parents; an existing directory is fine. */
gboolean dir_make (const char *path, mode_t mode, GError **error);
/* Removes a file; one that is already gone is fine. */
gboolean file_remove (const char *path, GError **error);
