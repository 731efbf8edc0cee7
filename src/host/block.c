/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/block.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "host/nbd.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"

#define LOOP_TRIES 64   /* somebody else may take the free number before we do */

gboolean
block_path_safe (const char *path)
{
    g_auto (GStrv) words = g_strsplit (path, "/", -1);

    if (!g_str_has_prefix (path, "/dev/") || g_str_has_prefix (path, "/dev/shm/"))
        return FALSE;
    for (guint i = 1; words[i]; i++)
        if (!*words[i] || g_str_equal (words[i], ".") || g_str_equal (words[i], ".."))
            return FALSE;
    return TRUE;
}

gboolean
block_path_refuse (const char *path, GError **error)
{
    return error_set (error, ERR_INVALID_ARG, "Path '%s' must be a block device below /dev", path);
}

static int
open_backing (const char *file, gboolean readonly, GError **error)
{
    /* O_NONBLOCK: a fifo in the file's place must not hang us */
    autofd int fd = open (file, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat (fd, &st) < 0) {
        error_set_errno (error, errno, "Unable to open %s", file);
        return -1;
    }
    if (!S_ISREG (st.st_mode)) {
        error_set (error, ERR_OPERATION_FAILED, "file '%s' is not a regular file", file);
        return -1;
    }
    return fd_steal (&fd);
}

/* 0, or a negative errno; -EBUSY: the number was taken meanwhile. */
static int
configure_loop (int loop, int backing, const char *file, gboolean readonly)
{
    struct loop_config config;

    memset (&config, 0, sizeof config);
    config.fd = (guint32) backing;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (readonly ? LO_FLAGS_READ_ONLY : 0);
    g_strlcpy ((char *) config.info.lo_file_name, file, LO_NAME_SIZE);
    return ioctl (loop, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
}

gboolean
block_loop_attach (const char *file, gboolean readonly, char **ret_path, int *ret_fd, GError **error)
{
    autofd int control = -1, backing = open_backing (file, readonly, error);

    if (backing < 0)
        return FALSE;
    control = open ("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return error_set_errno (error, errno, "Unable to open /dev/loop-control");
    for (guint i = 0; i < LOOP_TRIES; i++) {
        int number = ioctl (control, LOOP_CTL_GET_FREE), r;
        g_autofree char *path = NULL;
        autofd int loop = -1;

        if (number < 0)
            return error_set_errno (error, errno, "Unable to get free loop device via ioctl");
        path = g_strdup_printf ("/dev/loop%d", number);
        loop = open (path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        if (loop < 0)
            return error_set_errno (error, errno, "Unable to open %s", path);
        r = configure_loop (loop, backing, file, readonly);
        if (r == -EBUSY)
            continue;
        if (r < 0)
            return error_set_errno (error, -r, "Unable to attach %s to loop device", file);
        *ret_path = g_steal_pointer (&path);
        *ret_fd = fd_steal (&loop);
        return TRUE;
    }
    return error_set_errno (error, EBUSY, "Unable to find a free loop device in /dev");
}

/* ---- questions to sysfs */

GHashTable *
block_loops (void)
{
    GHashTable *loops = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *dir_path = g_strconcat (node_root, "/sys/block", NULL);
    g_autoptr (GDir) dir = g_dir_open (dir_path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name (dir))) {
        g_autofree char *file = NULL, *number = NULL;
        guint loop_major, loop_minor;

        if (!g_str_has_prefix (name, "loop"))
            continue;
        file = node_read ("/sys/block/%s/loop/backing_file", name);
        number = file ? node_read ("/sys/block/%s/dev", name) : NULL;
        if (number && sscanf (number, "%u:%u", &loop_major, &loop_minor) == 2)
            g_hash_table_replace (loops, g_steal_pointer (&file),
                                  GSIZE_TO_POINTER (makedev (loop_major, loop_minor)));
    }
    nbd_add_files (loops);
    return loops;
}

char *
block_device_path (dev_t device)
{
    g_autofree char *link = g_strdup_printf ("%s/sys/dev/block/%u:%u", node_root, major (device), minor (device));
    g_autofree char *target = g_file_read_link (link, NULL);
    g_autofree char *name = g_path_get_basename (target ? target : link);

    return g_strconcat ("/dev/", name, NULL);
}

gboolean
block_size (dev_t device, guint64 *ret)
{
    g_autofree char *sectors = node_read ("/sys/dev/block/%u:%u/size", major (device), minor (device));

    if (!sectors)
        return FALSE;
    *ret = g_ascii_strtoull (sectors, NULL, 10) * 512;
    return TRUE;
}

/* Of each, reads and writes: requests, of them merged, sectors, milliseconds (Documentation/block/stat). */
gboolean
block_times (dev_t device, guint64 *ret_read, guint64 *ret_written)
{
    g_autofree char *text = node_read ("/sys/dev/block/%u:%u/stat", major (device), minor (device));
    guint64 read_ms, written_ms;

    if (!text
        || sscanf (text, "%*u %*u %*u %" G_GUINT64_FORMAT " %*u %*u %*u %" G_GUINT64_FORMAT, &read_ms,
                   &written_ms) != 2)
        return FALSE;
    *ret_read = read_ms * 1000000;
    *ret_written = written_ms * 1000000;
    return TRUE;
}

/* ---- file systems */

static void
probe_free (blkid_probe *probe)
{
    if (*probe)
        blkid_free_probe (*probe);
}

char *
block_filesystem (const char *device, GError **error)
{
    __attribute__ ((cleanup (probe_free))) blkid_probe probe = blkid_new_probe_from_filename (device);
    const char *type;
    int r;

    if (!probe) {
        error_set_errno (error, errno, "Unable to create blkid library handle for '%s'", device);
        return NULL;
    }
    blkid_probe_enable_superblocks (probe, 1);
    blkid_probe_set_superblocks_flags (probe, BLKID_SUBLKS_TYPE);
    r = blkid_do_safeprobe (probe);
    if (r == -2) {
        error_set (error, ERR_INTERNAL, "Too many filesystems detected for %s", device);
        return NULL;
    }
    if (r != 0 || blkid_probe_lookup_value (probe, "TYPE", &type, NULL) < 0) {
        error_set (error, ERR_INTERNAL, "Unable to detect filesystem for %s", device);
        return NULL;
    }
    return g_strdup (type);
}
