/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/store_change.h"

#include <string.h>

#include "driver/store_sync.h"
#include "util/task.h"

typedef struct {
    guint8 uuid[16];
    char *name, *new_name;
    gboolean begun;
    StoreBegin begin;           /* NULL: only takes its turn */
    StoreDone done;
    gpointer data;
} Change;

static GQueue changes = G_QUEUE_INIT;   /* in the order in which they were asked for; all that are not over */
static const Change *turn;              /* a store_turn() that runs */

static Change *
change_new (const guint8 uuid[16], const char *name, const char *new_name, gpointer data)
{
    Change *change = g_new0 (Change, 1);

    memcpy (change->uuid, uuid, sizeof change->uuid);
    change->name = g_strdup (name);
    change->new_name = g_strdup (new_name);
    change->data = data;
    return change;
}

static void
change_free (Change *change)
{
    g_free (change->name);
    g_free (change->new_name);
    g_free (change);
}

static gboolean
has_name (const Change *change, const char *name)
{
    return name && (strcmp (change->name, name) == 0 || g_strcmp0 (change->new_name, name) == 0);
}

static gboolean
are_related (const Change *one, const Change *two)
{
    return memcmp (one->uuid, two->uuid, sizeof one->uuid) == 0 || has_name (one, two->name)
           || has_name (one, two->new_name);
}

/* After what is at the disk, which may have come later, and what was asked for before. One that comes out of a turn
 * does not stand behind those that wait. */
static gboolean
may_begin (const Change *change)
{
    gboolean waits = !(turn && are_related (turn, change));

    for (const GList *l = changes.head; l; l = l->next) {
        const Change *other = l->data;

        if (other == change)
            waits = FALSE;
        else if ((other->begun || waits) && are_related (other, change))
            return FALSE;
    }
    return TRUE;
}

/* ---- at the disk, on a pool thread */

static gpointer
write_run (gpointer data, GError **error)
{
    return store_work_run (data, error);
}

static void
work_free (gpointer data)
{
    store_work_clear (data);
    g_free (data);
}

/* ---- main loop */

static void begin_waiting (void);

static void
change_over (Change *change, const GError *error)
{
    const Change *before = turn;

    g_queue_remove (&changes, change);
    if (!change->begin)
        turn = change;
    change->done (error, change->data);
    turn = before;
    change_free (change);
    begin_waiting ();
}

static void
written (gpointer result, GError *error, gpointer data)
{
    g_autoptr (StoreWritten) files = result;

    if (files)
        store_sync_written (files);
    change_over (data, error);
}

static void
change_begin (Change *change)
{
    g_autofree StoreWork *work = g_new0 (StoreWork, 1);
    g_autoptr (GError) error = NULL;

    change->begun = TRUE;
    if (!change->begin) {
        change_over (change, NULL);
        return;
    }
    store_work_init (work);
    if (change->begin (work, change->data, &error) && !store_work_empty (work)) {
        /* few at a time: they stand in each other's way in the one directory */
        task_run_waiting ("definitions", write_run, g_steal_pointer (&work), work_free, written, change);
        return;
    }
    store_work_clear (work);
    change_over (change, error);
}

static Change *
find_ready (void)
{
    for (const GList *l = changes.head; l; l = l->next)
        if (!((const Change *) l->data)->begun && may_begin (l->data))
            return l->data;
    return NULL;
}

/* Also after one that is over as soon as it has begun: not from within that. */
static void
begin_waiting (void)
{
    static gboolean inside;
    Change *change;

    if (inside)
        return;
    inside = TRUE;
    while ((change = find_ready ()))
        change_begin (change);
    inside = FALSE;
}

static void
change_ask (Change *change)
{
    g_queue_push_tail (&changes, change);
    if (may_begin (change))
        change_begin (change);
}

void
store_change (const guint8 uuid[16], const char *name, const char *new_name, StoreBegin begin, StoreDone done,
              gpointer data)
{
    Change *change = change_new (uuid, name, new_name, data);

    change->begin = begin;
    change->done = done;
    change_ask (change);
}

/* ---- turns */

typedef struct {
    void (*run) (gpointer data);
    gpointer data;
} Turn;

static void
take_turn (const GError *error, gpointer data)
{
    g_autofree Turn *mine = data;

    (void) error;
    mine->run (mine->data);
}

void
store_turn (const guint8 uuid[16], const char *name, void (*run) (gpointer data), gpointer data)
{
    Change *change;
    Turn *mine;

    if (!store_change_pending (uuid, name)) {
        run (data);
        return;
    }
    mine = g_new0 (Turn, 1);
    *mine = (Turn) { run, data };
    change = change_new (uuid, name, NULL, mine);
    change->done = take_turn;
    change_ask (change);
}

gboolean
store_change_pending (const guint8 *uuid, const char *name)
{
    for (const GList *l = changes.head; l; l = l->next) {
        const Change *change = l->data;

        if (has_name (change, name) || (uuid && memcmp (change->uuid, uuid, sizeof change->uuid) == 0))
            return TRUE;
    }
    return FALSE;
}
