/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a change of definitions does on disk. Any thread runs it, without the daemon's state. Each step leaves files
 * that the next daemon understands: a definition is replaced as a whole, one that comes is complete before another one
 * goes.
 */
#pragma once

#include "conf/domain.h"

/* In this order, all of it or nothing. */
typedef struct {
    char *config_dir, *log_dir;
    const DomainDef *save;      /* gets this file; borrowed, nobody changes it meanwhile */
    char *autostart;            /* the domain of this name gets its link, or loses it */
    gboolean autostart_on;
    char *remove;               /* this domain's files go. With @save, whose name is new then, it is a rename: its log
                                 * gets the other name */
} StoreWork;

/* What has to be synced afterwards; NULL: no such. */
typedef struct {
    char *file, *old;           /* a definition, and the version before, which stands beside it until then */
    char *dir, *link_dir;
} StoreWritten;

/* With the directories of the daemon. Main loop. */
void store_work_init (StoreWork *work);
void store_work_clear (StoreWork *work);
gboolean store_work_empty (const StoreWork *work);
/* NULL with error. */
StoreWritten *store_work_run (const StoreWork *work, GError **error);
void store_written_free (StoreWritten *written);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StoreWritten, store_written_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (StoreWork, store_work_clear)

/* DIR/NAME.xml, DIR/autostart/NAME.xml, and ".NAME.xml.old" of a definition's path: free with g_free(). */
char *store_config_path (const char *config_dir, const char *name);
char *store_autostart_path (const char *config_dir, const char *name);
char *store_old_path (const char *path);
