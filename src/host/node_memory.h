/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Knobs of the host's memory below /sys (node_root for tests). */
#pragma once

#include <glib.h>

typedef struct {
    const char *name;           /* pages_to_scan */
    gboolean is_ullong;         /* as libvirt types it, else 32 bits */
    guint64 value;
} NodeKsm;

/* What the kernel has of libvirt's parameters. ERR_OPERATION_FAILED when there is no KSM. */
GArray *node_ksm_read (GError **error);
/* pages_to_scan, sleep_millisecs, merge_across_nodes. */
gboolean node_ksm_write (const char *name, guint value, GError **error);

/* The pool of huge pages of one cell, -1 the host's: @count more, or fewer, or with !@add exactly. @size in
 * KiB. ERR_OPERATION_FAILED when the kernel has not got so many. */
gboolean node_alloc_pages (int cell, guint size, guint64 count, gboolean add, GError **error);
