/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/store_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

typedef struct {
    GHashTable *files, *directories;    /* sets of paths; NULL: none */
} Batch;

static Batch waiting;           /* main loop only, as are these two */
static guint timer;
static gboolean running;

static void
batch_free (gpointer data)
{
    Batch *batch = data;

    g_clear_pointer (&batch->files, g_hash_table_unref);
    g_clear_pointer (&batch->directories, g_hash_table_unref);
    g_free (batch);
}

/* Pool thread. The first failure is told, the rest is synced nevertheless. */
static gboolean
sync_paths (GHashTable *paths, GError **error)
{
    gboolean ok = TRUE;
    GHashTableIter iter;
    gpointer path;

    if (!paths)
        return TRUE;
    g_hash_table_iter_init (&iter, paths);
    while (g_hash_table_iter_next (&iter, &path, NULL)) {
        autofd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

        if (fd < 0 && errno == ENOENT)      /* removed since */
            continue;
        if (fd >= 0 && fsync (fd) == 0)
            continue;
        ok = error_set_errno (ok ? error : NULL, errno, "cannot sync '%s'", (const char *) path);
    }
    return ok;
}

static gpointer
batch_sync (gpointer input, GError **error)
{
    Batch *batch = input;
    gboolean ok = sync_paths (batch->files, error);

    sync_paths (batch->directories, ok ? error : NULL);
    return NULL;
}

static gboolean batch_begin (gpointer unused);

static void
timer_start (void)
{
    if (!timer && !running && (waiting.files || waiting.directories))
        timer = g_timeout_add (STORE_SYNC_MS, batch_begin, NULL);
}

static void
batch_done (gpointer result, GError *error, gpointer data)
{
    (void) result;
    (void) data;
    running = FALSE;
    if (error)
        log_error ("%s: a power cut now may lose a definition", error->message);
    timer_start ();
}

static Batch *
batch_take (void)
{
    Batch *batch = g_new (Batch, 1);

    *batch = waiting;
    waiting = (Batch) { NULL, NULL };
    return batch;
}

static gboolean
batch_begin (gpointer unused)
{
    (void) unused;
    timer = 0;
    running = TRUE;
    task_run (batch_sync, batch_take (), batch_free, batch_done, NULL);
    return G_SOURCE_REMOVE;
}

void
store_sync_later (const char *path, gboolean directory)
{
    GHashTable **set = directory ? &waiting.directories : &waiting.files;

    if (!*set)
        *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_add (*set, g_strdup (path));
    timer_start ();
}

void
store_sync_finish (void)
{
    g_autoptr (GError) error = NULL;
    Batch *batch = batch_take ();

    if (timer)
        g_source_remove (timer);
    timer = 0;
    batch_sync (batch, &error);
    if (error)
        log_error ("%s", error->message);
    batch_free (batch);
}
