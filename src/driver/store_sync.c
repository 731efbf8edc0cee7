/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/store_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

/* Up to so many files are synced one by one; for more the whole file system once is cheaper,
 * although that may wait for other programs' data. */
#define SYNC_EACH_MAX 8

/* Everything of one group. */
typedef struct {
    GPtrArray *files;           /* of char *: written */
    GPtrArray *old;             /* of char *: to be removed when all is on disk */
    GHashTable *dirs;           /* of char * */
} SyncGroup;

static SyncGroup *waiting;      /* the next group; NULL when nothing changed */
static gboolean running;        /* a group is at the disk */
static gboolean ending;         /* the daemon: no more waiting between groups */
static guint timer;

static void
sync_group_free (gpointer data)
{
    SyncGroup *group = data;

    g_ptr_array_free (group->files, TRUE);
    g_ptr_array_free (group->old, TRUE);
    g_hash_table_destroy (group->dirs);
    g_free (group);
}

static SyncGroup *
sync_group_new (void)
{
    SyncGroup *group = g_new0 (SyncGroup, 1);

    group->files = g_ptr_array_new_with_free_func (g_free);
    group->old = g_ptr_array_new_with_free_func (g_free);
    group->dirs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    return group;
}

/* ---- at the disk, on a pool thread */

static gboolean
sync_path (const char *path, gboolean whole_fs, GError **error)
{
    autofd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 && errno == ENOENT)
        return TRUE;            /* removed since */
    if (fd < 0 || (whole_fs ? syncfs (fd) : fsync (fd)) < 0)
        return error_set_errno (error, errno, "cannot sync '%s'", path);
    return TRUE;
}

static gpointer
sync_run (gpointer data, GError **error)
{
    SyncGroup *group = data;
    gboolean whole_fs = group->files->len > SYNC_EACH_MAX;
    GHashTableIter dirs;
    gpointer dir;

    for (guint i = 0; !whole_fs && i < group->files->len; i++)
        if (!sync_path (group->files->pdata[i], FALSE, error))
            return NULL;
    g_hash_table_iter_init (&dirs, group->dirs);
    while (g_hash_table_iter_next (&dirs, &dir, NULL))
        if (!sync_path (dir, whole_fs, error))
            return NULL;
    for (guint i = 0; i < group->old->len; i++)
        unlink (group->old->pdata[i]);
    return NULL;
}

/* ---- main loop */

static void sync_begin (void);
static gboolean sync_time (gpointer data);

static void
sync_done (gpointer result, GError *error, gpointer data)
{
    (void) result;
    (void) data;
    running = FALSE;
    if (error)
        log_error ("definitions may not survive a power cut: %s", error->message);
    /* not at once: while a file system commits, changes to it wait */
    if (waiting && ending)
        sync_begin ();
    else if (waiting)
        timer = g_timeout_add (STORE_SYNC_MS, sync_time, NULL);
}

static void
sync_begin (void)
{
    SyncGroup *group = g_steal_pointer (&waiting);

    running = TRUE;
    task_run (sync_run, group, sync_group_free, sync_done, NULL);
}

static gboolean
sync_time (gpointer data)
{
    (void) data;
    timer = 0;
    sync_begin ();
    return G_SOURCE_REMOVE;
}

static void
want_dir (SyncGroup *group, char **dir)
{
    if (*dir)
        g_hash_table_add (group->dirs, g_steal_pointer (dir));
}

static void
want_path (GPtrArray *paths, char **path)
{
    if (*path)
        g_ptr_array_add (paths, g_steal_pointer (path));
}

/* One group at a time is at the disk; what changes meanwhile is the next one, and begins a while after that is done. */
void
store_sync_written (StoreWritten *written)
{
    if (!waiting)
        waiting = sync_group_new ();
    want_path (waiting->files, &written->file);
    want_path (waiting->old, &written->old);
    want_dir (waiting, &written->dir);
    want_dir (waiting, &written->link_dir);
    if (ending && !running)
        sync_begin ();
    else if (!timer && !running)
        timer = g_timeout_add (STORE_SYNC_MS, sync_time, NULL);
}

void
store_sync_now (void)
{
    if (timer)
        g_source_remove (timer);
    timer = 0;
    ending = TRUE;
    if (waiting && !running)
        sync_begin ();
}
