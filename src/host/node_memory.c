/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/node_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"

#define KSM "/sys/kernel/mm/ksm"

GArray *
node_ksm_read (GError **error)
{
    static const NodeKsm known[] = {
        { "pages_to_scan", FALSE, 0 },  { "sleep_millisecs", FALSE, 0 }, { "pages_shared", TRUE, 0 },
        { "pages_sharing", TRUE, 0 },   { "pages_unshared", TRUE, 0 },   { "pages_volatile", TRUE, 0 },
        { "full_scans", TRUE, 0 },      { "merge_across_nodes", FALSE, 0 },
    };
    GArray *values = g_array_new (FALSE, FALSE, sizeof (NodeKsm));

    for (guint i = 0; i < G_N_ELEMENTS (known); i++) {
        g_autofree char *text = node_read (KSM "/%s", known[i].name);
        NodeKsm value = known[i];

        if (!text)
            continue;
        value.value = g_ascii_strtoull (text, NULL, 10);
        g_array_append_val (values, value);
    }
    if (values->len > 0)
        return values;
    g_array_unref (values);
    error_set (error, ERR_OPERATION_FAILED, "this kernel does not merge pages (KSM)");
    return NULL;
}

/* One write(2), as the kernel's files want it. */
static gboolean
write_number (const char *path, guint64 value, GError **error)
{
    g_autofree char *full = g_strconcat (node_root, path, NULL);
    autofd int fd = open (full, O_WRONLY | O_CLOEXEC);
    char text[24];

    g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, value);
    if (fd < 0 || write (fd, text, strlen (text)) < 0)
        return error_set_errno (error, errno, "failed to write '%s' to '%s'", text, full);
    return TRUE;
}

gboolean
node_ksm_write (const char *name, guint value, GError **error)
{
    g_autofree char *path = g_strconcat (KSM "/", name, NULL);

    return write_number (path, value, error);
}

gboolean
node_alloc_pages (int cell, guint size, guint64 count, gboolean add, GError **error)
{
    g_autofree char *dir = cell < 0 ? g_strdup ("/sys/kernel/mm/hugepages")
                                    : g_strdup_printf ("/sys/devices/system/node/node%d/hugepages", cell);
    g_autofree char *path = g_strdup_printf ("%s/hugepages-%ukB/nr_hugepages", dir, size);
    g_autofree char *before = NULL, *after = NULL;
    guint64 wanted, had;

    if (size == (guint) sysconf (_SC_PAGESIZE) / 1024)
        return error_set (error, ERR_OPERATION_UNSUPPORTED, "system pages pool can't be modified");
    before = node_read ("%s", path);
    if (!before)
        return error_set (error, ERR_OPERATION_FAILED, cell < 0 ? "page size %u KiB is not available"
                                                                 : "page size %u KiB is not available on node %d",
                          size, cell);
    had = g_ascii_strtoull (before, NULL, 10);
    wanted = !add ? count : count > G_MAXUINT64 - had ? G_MAXUINT64 : had + count;
    if (!write_number (path, wanted, error))
        return FALSE;
    after = node_read ("%s", path);
    if (after && g_ascii_strtoull (after, NULL, 10) == wanted)
        return TRUE;
    return error_set (error, ERR_OPERATION_FAILED, "Unable to allocate %" G_GUINT64_FORMAT
                      " pages. Allocated only %s", wanted - MIN (had, wanted), after ? after : "?");
}
