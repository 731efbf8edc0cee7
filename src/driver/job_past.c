/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/job_past.h"

#include "driver/events.h"
#include "driver/params.h"

#define LONG_MS 1000            /* watchers are told of a job that took as long */

void
job_past_free (JobPast *past)
{
    if (past)
        g_free (past->failure);
    g_free (past);
}

GArray *
job_past_params (const JobPast *past)
{
    GArray *params = params_new ();

    params_add_int (params, "operation", past->operation);
    params_add_ullong (params, "time_elapsed", past->elapsed_ms);
    params_add_boolean (params, "success", past->type == PAST_COMPLETED);
    if (past->failure)
        params_add_string (params, "errmsg", past->failure);
    return params;
}

void
job_past_keep (Domain *domain, JobOperation operation, gint64 since, const char *failure, gboolean cancelled)
{
    JobPast *past = g_new0 (JobPast, 1);

    *past = (JobPast) { .type = !failure ? PAST_COMPLETED : cancelled ? PAST_CANCELLED : PAST_FAILED,
                        .operation = operation, .failure = g_strdup (failure),
                        .elapsed_ms = (guint64) (g_get_monotonic_time () - since) / 1000 };
    job_past_free (domain->past);
    domain->past = past;
    if (past->elapsed_ms >= LONG_MS)
        event_job_completed (domain, job_past_params (past));
}
