/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Work that may block: runs on a pool thread with a copy of what it needs, and returns a value to the
 * main loop. The thread function must not touch shared state.
 */
#pragma once

#include <glib.h>

typedef gpointer (*TaskRun) (gpointer input, GError **error);               /* pool thread */
typedef void (*TaskDone) (gpointer result, GError *error, gpointer data);   /* main loop; owns result, borrows error */

/* Takes @input (freed by @free_input after @run). @done is called exactly once, on the main loop. */
void task_run (TaskRun run, gpointer input, GDestroyNotify free_input, TaskDone done, gpointer data);

/* The same for work that waits for something not ours (a hook script, a file system of a container's):
 * its threads are others, so that it delays none of task_run(). At most TASK_WAITING_PER_OWNER of an
 * @owner (a name; NULL: no such limit) run at a time, the others after them in order. */
#define TASK_WAITING_PER_OWNER 2
void task_run_waiting (const char *owner, TaskRun run, gpointer input, GDestroyNotify free_input, TaskDone done,
                       gpointer data);

/* Waits until no task runs and no result is undelivered (daemon exit, tests). */
void task_drain (void);
/* The same for at most @ms; FALSE: some run still, and what they come to is never delivered. */
gboolean task_drain_for (guint ms);
