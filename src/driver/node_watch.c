/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/node_watch.h"

#include <string.h>

#include "driver/fd_watch.h"
#include "host/device.h"
#include "host/uevent.h"
#include "util/fd.h"
#include "util/task.h"

#define GATHER_MS 200           /* devices come in crowds: one reading for all of them */

static struct {
    int fd;
    FdWatch *watch;             /* NULL: nobody asks */
    NodeTold told;
    guint timer;                /* source id */
    gboolean reading, again;    /* a task reads; something happened since it began */
    guint64 turn;               /* of watching: what a task of an earlier one brings is dropped */
    GHashTable *known;          /* set of names; NULL: not read yet */
    GQueue waiting;             /* of Call */
} node = { .fd = -1 };

static gpointer
read_names (gpointer unused, GError **error)
{
    g_autoptr (GPtrArray) devices = devices_read ();
    GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

    (void) unused;
    (void) error;
    for (guint i = 0; i < devices->len; i++)
        g_hash_table_add (names, g_strdup (((const HostDevice *) devices->pdata[i])->name));
    return names;
}

static void
tell_missing (GHashTable *names, GHashTable *from, gboolean created)
{
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init (&iter, names);
    while (g_hash_table_iter_next (&iter, &name, NULL))
        if (!g_hash_table_contains (from, name))
            node.told (name, created);
}

static void names_read (gpointer result, GError *error, gpointer turn);

static void
read_begin (void)
{
    node.again = node.reading;
    if (node.reading)
        return;
    node.reading = TRUE;
    task_run (read_names, NULL, NULL, names_read, GSIZE_TO_POINTER ((gsize) node.turn));
}

static void
names_read (gpointer result, GError *error, gpointer turn)
{
    g_autoptr (GHashTable) names = result;
    Call *call;

    (void) error;
    node.reading = FALSE;
    if (node.watch && GPOINTER_TO_SIZE (turn) == (gsize) node.turn) {
        if (node.known) {
            tell_missing (node.known, names, FALSE);
            tell_missing (names, node.known, TRUE);
            g_hash_table_unref (node.known);
        }
        node.known = g_steal_pointer (&names);
    } else if (node.watch) {
        node.again = TRUE;      /* watching has begun anew since */
    }
    if (node.again) {
        node.again = FALSE;
        read_begin ();
    }
    while ((node.known || !node.watch) && (call = g_queue_pop_head (&node.waiting)))
        call_done (call);
}

static gboolean
gathered (gpointer unused)
{
    (void) unused;
    node.timer = 0;
    read_begin ();
    return G_SOURCE_REMOVE;
}

static void
happened (gpointer unused)
{
    (void) unused;
    if (uevent_read (node.fd) && !node.timer)
        node.timer = g_timeout_add (GATHER_MS, gathered, NULL);
}

gboolean
node_watch_begin (NodeTold told, GError **error)
{
    if (node.watch)
        return TRUE;
    node.fd = uevent_open (error);
    if (node.fd < 0)
        return FALSE;
    node.told = told;
    node.turn++;
    node.watch = fd_watch_new (node.fd, happened, NULL);
    read_begin ();
    return TRUE;
}

void
node_watch_end (void)
{
    if (node.timer)
        g_source_remove (node.timer);
    node.timer = 0;
    g_clear_pointer (&node.watch, fd_watch_free);
    fd_close (&node.fd);
    g_clear_pointer (&node.known, g_hash_table_unref);
}

ApiResult
node_watch_answer (Call *call)
{
    if (node.known)
        return API_DONE;
    g_queue_push_tail (&node.waiting, call);
    return API_LATER;
}
