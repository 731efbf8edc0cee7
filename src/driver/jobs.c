/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/jobs.h"

struct Job {
    JobQueue *queue;
    JobKind kind;
    char *owner;
    void (*run) (Job *job, gpointer data);
    void (*timeout) (gpointer data);
    gpointer data;
    guint timer;            /* while waiting, 0 none */
    guint idle;             /* chosen to run, not yet called */
    gboolean yields;        /* to DESTROY */
    gint64 since;           /* it runs */
};

static void
job_free (gpointer data)
{
    Job *job = data;

    if (job->timer)
        g_source_remove (job->timer);
    if (job->idle)
        g_source_remove (job->idle);
    g_free (job->owner);
    g_free (job);
}

/* DESTROY and the daemon's own jobs do not stand behind clients' ones. */
static gboolean
urgent (JobKind kind)
{
    return kind == JOB_DESTROY || kind == JOB_INTERNAL;
}

static gboolean
may_run (const JobQueue *queue, JobKind kind)
{
    for (const GList *l = queue->running.head; l; l = l->next) {
        const Job *other = l->data;

        if (kind != JOB_DESTROY
            || (other->kind != JOB_START && other->kind != JOB_INTERNAL && !other->yields))
            return FALSE;
    }
    return TRUE;
}

static gboolean
wait_over (gpointer data)
{
    Job *job = data;
    void (*timeout) (gpointer) = job->timeout;
    gpointer timeout_data = job->data;

    job->timer = 0;
    g_queue_remove (&job->queue->waiting, job);
    job_free (job);
    if (timeout)
        timeout (timeout_data);
    return G_SOURCE_REMOVE;
}

/* Behind the urgent ones that wait already, in front of the others. */
static void
enqueue (JobQueue *queue, Job *job)
{
    GList *l = queue->waiting.head;

    if (!urgent (job->kind)) {
        g_queue_push_tail (&queue->waiting, job);
        return;
    }
    while (l && urgent (((Job *) l->data)->kind))
        l = l->next;
    if (l)
        g_queue_insert_before (&queue->waiting, l, job);
    else
        g_queue_push_tail (&queue->waiting, job);
}

Job *
job_begin (JobQueue *queue, JobKind kind, const char *owner, guint wait_ms,
           void (*run) (Job *job, gpointer data), void (*timeout) (gpointer data), gpointer data)
{
    Job *job = g_new0 (Job, 1);

    job->queue = queue;
    job->kind = kind;
    job->owner = g_strdup (owner);
    job->run = run;
    job->timeout = timeout;
    job->data = data;
    if (may_run (queue, kind) && (urgent (kind) || g_queue_is_empty (&queue->waiting))) {
        job->since = g_get_monotonic_time ();
        g_queue_push_tail (&queue->running, job);
        run (job, data);
        return NULL;
    }
    enqueue (queue, job);
    if (wait_ms > 0)
        job->timer = g_timeout_add (wait_ms, wait_over, job);
    return job;
}

static gboolean
run_chosen (gpointer data)
{
    Job *job = data;

    job->idle = 0;
    job->run (job, job->data);
    return G_SOURCE_REMOVE;
}

/* From the main loop rather than inside job_end(): no recursion along a long queue, and the caller
 * of job_end() may drop the last reference to the domain right after. */
static void
choose_next (JobQueue *queue)
{
    Job *job;

    while ((job = g_queue_peek_head (&queue->waiting)) && may_run (queue, job->kind)) {
        g_queue_pop_head (&queue->waiting);
        if (job->timer)
            g_source_remove (job->timer);
        job->timer = 0;
        job->since = g_get_monotonic_time ();
        g_queue_push_tail (&queue->running, job);
        job->idle = g_idle_add_full (G_PRIORITY_DEFAULT, run_chosen, job, NULL);
    }
}

void
job_yield (Job *job)
{
    job->yields = TRUE;
    choose_next (job->queue);
}

gboolean
job_insist (Job *job)
{
    job->yields = FALSE;
    return job->queue->running.length == 1;
}

void
job_end (Job *job)
{
    JobQueue *queue = job->queue;

    g_queue_remove (&queue->running, job);
    job_free (job);
    choose_next (queue);
}

JobKind
job_kind (const Job *job)
{
    return job->kind;
}

const char *
job_queue_holder (const JobQueue *queue)
{
    const Job *job = queue->running.head ? queue->running.head->data : NULL;

    return job ? job->owner : NULL;
}

gint64
job_since (const Job *job)
{
    return job->since;
}

gint64
job_queue_since (const JobQueue *queue)
{
    const Job *job = queue->running.head ? queue->running.head->data : NULL;

    return job ? job->since : 0;
}

void
job_queue_clear (JobQueue *queue)
{
    g_queue_clear_full (&queue->waiting, job_free);
    g_queue_clear_full (&queue->running, job_free);
}
