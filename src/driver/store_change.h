/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of what the disk has of domains: definitions and autostart links. A disk may take its time (a file system
 * that commits what others wrote, a server that does not answer): a pool thread writes, others are served meanwhile.
 *
 * A change is known by the uuid and the name of its domain, a rename by both names. Those that share one come one after
 * another, in the order in which they were asked for: what a change looks at it looks at when it is its turn. Memory
 * follows the disk: until done() everybody sees what was before. What has begun is finished, whether or not the client
 * that asked for it is still there; the daemon's end waits for it (task_drain_for()). Of one that is killed the files
 * are as before, or as after.
 *
 * Main loop only.
 */
#pragma once

#include "driver/domains.h"
#include "driver/store_write.h"

/* At its turn: says in @work what is to be written, nothing for nothing. FALSE with error: it shall not be. */
typedef gboolean (*StoreBegin) (StoreWork *work, gpointer data, GError **error);
/* It is on disk, or (@error, borrowed) the disk is as before. */
typedef void (*StoreDone) (const GError *error, gpointer data);

/* @new_name: NULL but of a rename. Both functions are called once, perhaps before this returns. */
void store_change (const guint8 uuid[16], const char *name, const char *new_name, StoreBegin begin, StoreDone done,
                   gpointer data);

/* Calls @run when no change of that domain is under way or waits: perhaps before this returns. A change of it that
 * @run asks for begins at once. */
void store_turn (const guint8 uuid[16], const char *name, void (*run) (gpointer data), gpointer data);

/* Whether there is one; @uuid NULL: of that name. */
gboolean store_change_pending (const guint8 *uuid, const char *name);
