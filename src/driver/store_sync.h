/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Definitions reach the disk in groups: a change is in place, and survives the death of the daemon,
 * when the client is answered; it survives a power cut a little later (STORE_SYNC_MS and one flush
 * of the disk). One flush serves all changes of that time, so a thousand definitions do not cost a
 * thousand.
 *
 * Until then the version before stands beside a replaced file as ".NAME.xml.old". Who finds the
 * file cut off after a power cut takes that one.
 */
#pragma once

#include <glib.h>

#define STORE_SYNC_MS 20

/* Replaces @path atomically with @text and has it synced. */
gboolean store_write_synced (const char *path, const char *text, GError **error);
/* The directory of @path changed (a file was removed, a link made): sync it. */
void store_sync_dir_of (const char *path);
/* ".NAME.xml.old" of a definition's path. */
char *store_old_path (const char *path);
/* Begins what waits, for the daemon's end; task_drain() then waits for it. */
void store_sync_now (void);
