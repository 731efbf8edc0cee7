/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A job is a place in a domain's queue with an owner and a deadline, not a lock. One job of a domain
 * runs at a time; DESTROY overtakes waiting ones and may run beside a START (it cancels it).
 */
#pragma once

#include <glib.h>

typedef enum { JOB_NONE, JOB_QUERY, JOB_MODIFY, JOB_DESTROY, JOB_START, JOB_INTERNAL } JobKind;

typedef struct Job Job;
typedef struct { GQueue waiting; GQueue running; } JobQueue;

/* @run is called when it is this job's turn (perhaps at once); it must lead to job_end(). @timeout is
 * called instead when @wait_ms passed in the queue; then the job is gone. */
Job *job_begin (JobQueue *queue, JobKind kind, const char *owner, guint wait_ms,
                void (*run) (Job *job, gpointer data), void (*timeout) (gpointer data), gpointer data);
void job_end (Job *job);
const char *job_owner (const Job *job);
void job_queue_clear (JobQueue *queue);
