/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A job is a place in a domain's queue with an owner and a deadline, not a lock. One job of a
 * domain runs at a time, with one exception: DESTROY may run beside a START or an INTERNAL job,
 * which it cancels, and beside one that has yielded. DESTROY and INTERNAL (the daemon's own: an
 * end, a reboot) overtake waiting ones.
 *
 * The queue lives in the domain, so whoever has a job waiting or running holds a reference to it.
 */
#pragma once

#include <glib.h>

typedef enum { JOB_NONE, JOB_QUERY, JOB_MODIFY, JOB_DESTROY, JOB_START, JOB_INTERNAL } JobKind;

typedef struct Job Job;
typedef struct { GQueue waiting; GQueue running; } JobQueue;    /* zeroed is empty */

/* @run is called when it is this job's turn: before job_begin() returns when it can begin now, else
 * from the main loop. It must lead to job_end(). @timeout is called instead when @wait_ms passed in
 * the queue (0: waits for ever); then the job is gone. @owner is for messages and is copied.
 * Returns NULL when @run was called already. */
Job *job_begin (JobQueue *queue, JobKind kind, const char *owner, guint wait_ms,
                void (*run) (Job *job, gpointer data), void (*timeout) (gpointer data), gpointer data);
/* From here to its end the job only waits for something that a destroy may take away (the kernel, which
 * reclaims memory of the container): a DESTROY may run meanwhile. */
void job_yield (Job *job);
/* It has done nothing yet and wants to: no DESTROY runs beside it from here on. FALSE: one runs already; the job has to
 * be asked for again. */
gboolean job_insist (Job *job);
/* Frees @job; the next one begins from the main loop, never inside this call. */
void job_end (Job *job);
JobKind job_kind (const Job *job);
/* The owner of the job that runs, for "held by" messages; NULL when none does. */
const char *job_queue_holder (const JobQueue *queue);
/* Since when that job runs: g_get_monotonic_time(); 0 when none does. */
gint64 job_queue_since (const JobQueue *queue);
/* The same of @job, which runs. */
gint64 job_since (const Job *job);
/* Frees what waits, without calling anything. */
void job_queue_clear (JobQueue *queue);
