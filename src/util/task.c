/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/task.h"

typedef struct {
    TaskRun run;
    gpointer input;
    GDestroyNotify free_input;
    TaskDone done;
    gpointer data;
    gpointer result;
    GError *error;
    /* Set by who gives the task away, read by who takes it. GLib's queues order the memory already;
     * this says so to the thread sanitizer, which does not see into GLib. */
    gint handed_over;
} Task;

#define TASK_THREADS 8

static gint outstanding;    /* tasks whose done() has not returned; changed on the main loop only */

static gboolean
task_deliver (gpointer data)
{
    Task *task = data;

    g_atomic_int_get (&task->handed_over);
    task->done (task->result, task->error, task->data);
    outstanding--;
    g_clear_error (&task->error);
    g_free (task);
    return G_SOURCE_REMOVE;
}

static void
task_work (gpointer data, gpointer unused)
{
    Task *task = data;
    GSource *source;

    (void) unused;
    g_atomic_int_get (&task->handed_over);
    task->result = task->run (task->input, &task->error);
    if (task->free_input)
        task->free_input (task->input);
    /* a source, not g_main_context_invoke(): that may run the function on this thread */
    source = g_idle_source_new ();
    g_source_set_priority (source, G_PRIORITY_DEFAULT);
    g_atomic_int_set (&task->handed_over, 2);
    g_source_set_callback (source, task_deliver, task, NULL);
    g_source_attach (source, NULL);
    g_source_unref (source);
}

void
task_run (TaskRun run, gpointer input, GDestroyNotify free_input, TaskDone done, gpointer data)
{
    static GThreadPool *pool;
    Task *task = g_new0 (Task, 1);

    if (!pool)
        pool = g_thread_pool_new (task_work, NULL, TASK_THREADS, FALSE, NULL);
    task->run = run;
    task->input = input;
    task->free_input = free_input;
    task->done = done;
    task->data = data;
    outstanding++;
    g_atomic_int_set (&task->handed_over, 1);
    /* a failure to start one more thread leaves the task queued for those that run */
    g_thread_pool_push (pool, task, NULL);
}

void
task_drain (void)
{
    while (outstanding > 0)
        g_main_context_iteration (NULL, TRUE);
}
