/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "util/error.h"
#include "util/fd.h"

/* Files of /proc and /sys give their size as 0 or 4096, so the size is only where reading begins. */
static char *
read_open_file (int fd, const char *path, gsize max, gsize *ret_size, GError **error)
{
    g_autofree char *text = NULL;
    gsize room, size = 0;
    struct stat st;

    if (fstat (fd, &st) < 0) {
        error_set_errno (error, errno, "cannot stat file '%s'", path);
        return NULL;
    }
    if (!S_ISREG (st.st_mode)) {
        error_set (error, ERR_OPERATION_FAILED, "file '%s' is not a regular file", path);
        return NULL;
    }
    room = MIN (max, st.st_size > 0 ? (gsize) st.st_size : 1024) + 1;
    text = g_malloc (room + 1);
    for (;;) {
        ssize_t n = fd_read_all (fd, text + size, room - size);

        if (n < 0) {
            error_set_errno (error, errno, "Failed to read file '%s'", path);
            return NULL;
        }
        size += (gsize) n;
        if (size > max) {
            error_set (error, ERR_OPERATION_FAILED, "file '%s' is larger than %" G_GSIZE_FORMAT
                       " bytes", path, max);
            return NULL;
        }
        if (size < room)
            break;
        room = MIN (room * 2, max + 1);
        text = g_realloc (text, room + 1);
    }
    text[size] = '\0';
    if (ret_size)
        *ret_size = size;
    return g_steal_pointer (&text);
}

char *
file_read_at (int dir, const char *name, gsize max, gsize *ret_size, GError **error)
{
    /* O_NONBLOCK: a fifo in the file's place must not hang the reader */
    autofd int fd = openat (dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        error_set_errno (error, errno, "Failed to open file '%s'", name);
        return NULL;
    }
    return read_open_file (fd, name, max, ret_size, error);
}

char *
file_read (const char *path, gsize max, gsize *ret_size, GError **error)
{
    return file_read_at (AT_FDCWD, path, max, ret_size, error);
}

static gboolean
fill_temporary (int fd, const char *path, const void *data, gsize size, mode_t mode,
                FileWriteFlags flags, GError **error)
{
    if (fchmod (fd, mode) < 0)
        return error_set_errno (error, errno, "cannot set mode of '%s'", path);
    if (fd_write_all (fd, data, size) < 0)
        return error_set_errno (error, errno, "cannot write data to file '%s'", path);
    if ((flags & FILE_DURABLE) && fsync (fd) < 0)
        return error_set_errno (error, errno, "cannot sync file '%s'", path);
    return TRUE;
}

gboolean
file_write (const char *path, const void *data, gsize size, mode_t mode, FileWriteFlags flags,
            GError **error)
{
    g_autofree char *directory = g_path_get_dirname (path);
    /* not derived from the file's name, which may already be as long as a name can be */
    g_autofree char *temporary = g_strconcat (directory, "/.skep-XXXXXX", NULL);
    autofd int fd = mkostemp (temporary, O_CLOEXEC);
    autofd int dir = -1;

    if (fd < 0)
        return error_set_errno (error, errno, "cannot create file '%s'", path);
    if (!fill_temporary (fd, path, data, size, mode, flags, error)) {
        unlink (temporary);
        return FALSE;
    }
    if (rename (temporary, path) < 0) {
        int saved = errno;

        unlink (temporary);
        return error_set_errno (error, saved, "cannot rename file '%s' as '%s'", temporary, path);
    }
    if (!(flags & FILE_DURABLE))
        return TRUE;
    dir = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fsync (dir) < 0)
        return error_set_errno (error, errno, "cannot sync directory '%s'", directory);
    return TRUE;
}

gboolean
dir_make (const char *path, mode_t mode, GError **error)
{
    struct stat st;

    if (g_mkdir_with_parents (path, (int) mode) < 0)
        return error_set_errno (error, errno, "cannot create directory '%s'", path);
    if (stat (path, &st) < 0)
        return error_set_errno (error, errno, "cannot stat '%s'", path);
    if (!S_ISDIR (st.st_mode))
        return error_set_errno (error, ENOTDIR, "cannot create directory '%s'", path);
    return TRUE;
}

gboolean
file_remove (const char *path, GError **error)
{
    if (unlink (path) < 0 && errno != ENOENT)
        return error_set_errno (error, errno, "Failed to remove file '%s'", path);
    return TRUE;
}
