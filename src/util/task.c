/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/task.h"

/* Whose tasks wait for something not ours; there is one while one of them does. */
typedef struct {
    char *name;
    guint n_running;
    GQueue queue;               /* of Task */
} Owner;

typedef struct {
    TaskRun run;
    gpointer input;
    GDestroyNotify free_input;
    TaskDone done;
    gpointer data;
    Owner *owner;               /* main loop only; NULL: nobody counts */
    gpointer result;
    GError *error;
    /* Set by who gives the task away, read by who takes it. GLib's queues order the memory already;
     * this says so to the thread sanitizer, which does not see into GLib. */
    gint handed_over;
} Task;

#define TASK_THREADS 8
#define TASK_WAITING_THREADS 256        /* they sleep; a thread that has nothing to do ends */

/* All of the main loop only. */
static gint outstanding;        /* tasks whose done() has not returned */
static GThreadPool *waiting_pool;
static GHashTable *owners;      /* name -> Owner */

static void task_work (gpointer data, gpointer unused);

static void
pool_push (GThreadPool **pool, int threads, Task *task)
{
    if (!*pool)
        *pool = g_thread_pool_new (task_work, NULL, threads, FALSE, NULL);
    g_atomic_int_set (&task->handed_over, 1);
    /* a failure to start one more thread leaves the task queued for those that run */
    g_thread_pool_push (*pool, task, NULL);
}

static void
owner_next (Owner *owner)
{
    Task *next = g_queue_pop_head (&owner->queue);

    if (next) {
        pool_push (&waiting_pool, TASK_WAITING_THREADS, next);
        return;
    }
    if (--owner->n_running > 0)
        return;
    g_hash_table_remove (owners, owner->name);
    g_free (owner->name);
    g_free (owner);
}

static gboolean
task_deliver (gpointer data)
{
    Task *task = data;

    g_atomic_int_get (&task->handed_over);
    task->done (task->result, task->error, task->data);
    outstanding--;
    if (task->owner)
        owner_next (task->owner);
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

static Task *
task_new (TaskRun run, gpointer input, GDestroyNotify free_input, TaskDone done, gpointer data)
{
    Task *task = g_new0 (Task, 1);

    task->run = run;
    task->input = input;
    task->free_input = free_input;
    task->done = done;
    task->data = data;
    outstanding++;
    return task;
}

void
task_run (TaskRun run, gpointer input, GDestroyNotify free_input, TaskDone done, gpointer data)
{
    static GThreadPool *pool;

    pool_push (&pool, TASK_THREADS, task_new (run, input, free_input, done, data));
}

static Owner *
owner_get (const char *name)
{
    Owner *owner;

    if (!owners)
        owners = g_hash_table_new (g_str_hash, g_str_equal);
    owner = g_hash_table_lookup (owners, name);
    if (!owner) {
        owner = g_new0 (Owner, 1);
        owner->name = g_strdup (name);
        g_hash_table_insert (owners, owner->name, owner);
    }
    return owner;
}

void
task_run_waiting (const char *owner, TaskRun run, gpointer input, GDestroyNotify free_input, TaskDone done,
                  gpointer data)
{
    Task *task = task_new (run, input, free_input, done, data);

    if (owner)
        task->owner = owner_get (owner);
    if (task->owner && task->owner->n_running == TASK_WAITING_PER_OWNER) {
        g_queue_push_tail (&task->owner->queue, task);
        return;
    }
    if (task->owner)
        task->owner->n_running++;
    pool_push (&waiting_pool, TASK_WAITING_THREADS, task);
}

void
task_drain (void)
{
    while (outstanding > 0)
        g_main_context_iteration (NULL, TRUE);
}

static gboolean
drained_enough (gpointer data)
{
    *(gboolean *) data = TRUE;
    return G_SOURCE_CONTINUE;
}

gboolean
task_drain_for (guint ms)
{
    gboolean enough = FALSE;
    guint timer = g_timeout_add (ms, drained_enough, &enough);

    while (outstanding > 0 && !enough)
        g_main_context_iteration (NULL, TRUE);
    g_source_remove (timer);
    return outstanding == 0;
}
