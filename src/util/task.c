/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/task.h"

/* Whose tasks wait for something not ours; there is one while one of them does. */
typedef struct {
    char *name;
    guint n_running;
    GQueue queue;               /* of Task */
} Owner;

typedef struct Task Task;
struct Task {
    Task *before;               /* in finished */
    TaskRun run;
    gpointer input;
    GDestroyNotify free_input;
    TaskDone done;
    gpointer data;
    Owner *owner;               /* main loop only; NULL: nobody counts */
    gpointer result;
    GError *error;
    /* Set by who gives the task to a thread, read by the thread. GLib's queues order the memory already; this
     * says so to the thread sanitizer, which does not see into GLib. */
    gint handed_over;
};

#define TASK_THREADS 8
#define TASK_WAITING_THREADS 256        /* they sleep; a thread that has nothing to do ends */

/* What threads have done and nobody has taken yet, the last one first: pushed by them, taken as a whole by the
 * main loop. Not a source of GLib's for each, made by one thread and freed by the other: that costs more, and the
 * sanitizer does not see the locks between the two. */
static Task *finished;

/* All the rest of the main loop only. */
static GQueue undelivered = G_QUEUE_INIT;   /* of Task, in their order */
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
deliver_prepare (GSource *source, gint *timeout)
{
    (void) source;
    *timeout = -1;
    return undelivered.length > 0 || g_atomic_pointer_get (&finished) != NULL;
}

static gboolean
deliver_check (GSource *source)
{
    gint timeout;

    return deliver_prepare (source, &timeout);
}

static void
take_finished (void)
{
    Task *last = g_atomic_pointer_get (&finished);
    guint at = undelivered.length;

    while (!g_atomic_pointer_compare_and_exchange (&finished, last, NULL))
        last = g_atomic_pointer_get (&finished);
    for (; last; last = last->before)
        g_queue_push_nth (&undelivered, last, (gint) at);
}

/* One a turn. */
static gboolean
deliver_one (GSource *source, GSourceFunc callback, gpointer data)
{
    Task *task;

    (void) source;
    (void) callback;
    (void) data;
    take_finished ();
    task = g_queue_pop_head (&undelivered);
    if (!task)                  /* done() of another took it, in a loop of its own */
        return G_SOURCE_CONTINUE;
    task->done (task->result, task->error, task->data);
    outstanding--;
    if (task->owner)
        owner_next (task->owner);
    g_clear_error (&task->error);
    g_free (task);
    return G_SOURCE_CONTINUE;
}

static void
deliver_begin (void)
{
    static GSourceFuncs functions = { .prepare = deliver_prepare, .check = deliver_check, .dispatch = deliver_one };
    static GSource *source;

    if (source)
        return;
    source = g_source_new (&functions, sizeof *source);
    g_source_set_priority (source, G_PRIORITY_DEFAULT);
    g_source_set_can_recurse (source, TRUE);
    g_source_attach (source, NULL);
}

static void
task_work (gpointer data, gpointer unused)
{
    Task *task = data, *before;

    (void) unused;
    g_atomic_int_get (&task->handed_over);
    task->result = task->run (task->input, &task->error);
    if (task->free_input)
        task->free_input (task->input);
    do {
        before = g_atomic_pointer_get (&finished);
        task->before = before;
    } while (!g_atomic_pointer_compare_and_exchange (&finished, before, task));
    g_main_context_wakeup (NULL);
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
    deliver_begin ();
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
