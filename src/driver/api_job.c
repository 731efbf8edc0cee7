/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain is busy with: a job of its queue, or trimming. What it takes cannot be told beforehand, so its type is
 * unbounded. Whether its controller answers. */
#include "driver/api.h"
#include "driver/instance.h"
#include "driver/job_past.h"
#include "driver/params.h"
#include "driver/start.h"
#include "driver/trim.h"

enum { TYPE_NONE, TYPE_BOUNDED, TYPE_UNBOUNDED };   /* virDomainJobType */
enum { STATS_COMPLETED = 1 << 0, STATS_KEEP = 1 << 1 };     /* virDomainGetJobStatsFlags */

/* Milliseconds; FALSE when there is no job. */
static gboolean
job_elapsed (const Domain *domain, guint64 *ret)
{
    gint64 since = job_queue_since (&domain->jobs);

    if (since == 0 && domain->instance)
        since = trim_since (domain->instance);
    if (since == 0)
        return FALSE;
    *ret = (guint64) (g_get_monotonic_time () - since) / 1000;
    return TRUE;
}

ApiResult
api_domain_get_job_info (Call *call, const domain_get_job_info_args *in, domain_get_job_info_ret *out,
                         GError **error)
{
    guint64 elapsed = 0;

    (void) in;
    (void) error;
    out->type = job_elapsed (call->domain, &elapsed) ? TYPE_UNBOUNDED : TYPE_NONE;
    out->timeElapsed = elapsed;
    return API_DONE;
}

/* Once, unless it is to be kept. */
static void
past_stats (Domain *domain, gboolean keep, domain_get_job_stats_ret *out)
{
    if (!domain->past)
        return;
    out->type = domain->past->type;
    out->params.params_val = params_take (job_past_params (domain->past), &out->params.params_len);
    if (!keep)
        g_clear_pointer (&domain->past, job_past_free);
}

ApiResult
api_domain_get_job_stats (Call *call, const domain_get_job_stats_args *in,
                          domain_get_job_stats_ret *out, GError **error)
{
    guint64 elapsed;
    GArray *params;

    (void) error;
    out->type = TYPE_NONE;
    if (in->flags & STATS_COMPLETED)
        past_stats (call->domain, (in->flags & STATS_KEEP) != 0, out);
    if ((in->flags & STATS_COMPLETED) || !job_elapsed (call->domain, &elapsed))
        return API_DONE;
    out->type = TYPE_UNBOUNDED;
    params = params_new ();
    params_add_int (params, "operation",
                    call->domain->state == STATE_SHUTOFF ? OPERATION_START : OPERATION_UNKNOWN);
    params_add_ullong (params, "time_elapsed", elapsed);
    out->params.params_val = params_take (params, &out->params.params_len);
    return API_DONE;
}

/* ---- the way to the controller */

enum { CONTROL_OK, CONTROL_JOB, CONTROL_ERROR = 3 };        /* virDomainControlState */
enum { CONTROL_ERROR_MONITOR = 2 };                         /* virDomainControlErrorReason */

/* A controller that lives and cannot be reached, or owes an answer. */
static gboolean
controller_lost (const Instance *instance)
{
    if (instance->phase != PHASE_RUNNING || instance->exited)
        return FALSE;
    return instance->monitor ? monitor_link_late (instance->monitor) : !instance->reconnect;
}

ApiResult
api_domain_get_control_info (Call *call, const domain_get_control_info_args *in,
                             domain_get_control_info_ret *out, GError **error)
{
    guint64 elapsed;

    (void) in;
    if (!domain_active (call->domain)) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
        return API_FAILED;
    }
    if (call->domain->instance && controller_lost (call->domain->instance)) {
        out->state = CONTROL_ERROR;
        out->details = CONTROL_ERROR_MONITOR;
    } else if (job_elapsed (call->domain, &elapsed)) {
        out->state = CONTROL_JOB;
        out->stateTime = elapsed;
    }
    return API_DONE;
}

/* ---- its end before its time */

/* A start, also one of a restart, is undone; trimming stops where it is. Their own calls then fail with
 * ERR_OPERATION_ABORTED. */
static ApiResult
abort_job (Domain *domain, GError **error)
{
    Instance *instance = domain->instance;
    const char *holder = job_queue_holder (&domain->jobs);

    if (domain_abort_start (domain) || (instance && trim_stop (instance, NULL, NULL, NULL)))
        return API_DONE;
    if (!holder)
        error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "no job is active on the domain");
    else
        error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "the job '%s' cannot be aborted", holder);
    return API_FAILED;
}

ApiResult
api_domain_abort_job (Call *call, const domain_abort_job_args *in, none *out, GError **error)
{
    (void) in;
    (void) out;
    return abort_job (call->domain, error);
}

ApiResult
api_domain_abort_job_flags (Call *call, const domain_abort_job_flags_args *in, none *out, GError **error)
{
    (void) in;
    (void) out;
    return abort_job (call->domain, error);
}
