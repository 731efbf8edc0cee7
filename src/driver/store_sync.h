/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes below the configuration directory reach the disk shortly after the call that made them was
 * answered, many at a time, on a pool thread: the main loop does not wait for disks. What must not be
 * lost, the definition that is replaced, is not touched before its successor's data is on disk (store.c).
 */
#pragma once

#include <glib.h>

/* @path, a file or a directory, is synced within STORE_SYNC_MS and what its file system takes. Files go
 * before directories. */
#define STORE_SYNC_MS 20
void store_sync_later (const char *path, gboolean directory);

/* Everything that is left, now: end of the daemon. */
void store_sync_finish (void);
