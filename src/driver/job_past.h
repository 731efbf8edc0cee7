/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last job of a domain that is over: what domjobinfo --completed asks for, and what watchers are told of. */
#pragma once

#include "driver/domains.h"

typedef enum { PAST_NONE, PAST_COMPLETED = 3, PAST_FAILED, PAST_CANCELLED } PastType;   /* of virDomainJobType */
typedef enum { OPERATION_UNKNOWN, OPERATION_START } JobOperation;                       /* virDomainJobOperation */

struct JobPast {
    PastType type;
    JobOperation operation;
    guint64 elapsed_ms;
    char *failure;              /* NULL: none */
};

/* It began at @since (g_get_monotonic_time()) and is over now; @failure NULL: well. */
void job_past_keep (Domain *domain, JobOperation operation, gint64 since, const char *failure, gboolean cancelled);
/* Typed parameters of it, as virDomainGetJobStats and the event have them. */
GArray *job_past_params (const JobPast *past);
void job_past_free (JobPast *past);
