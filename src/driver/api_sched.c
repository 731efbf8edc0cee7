/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scheduler parameters: shares, period and quota of the container as a whole. */
#include "driver/api.h"
#include "driver/events.h"
#include "driver/params.h"
#include "driver/tune_work.h"

#define N_SCHED_PARAMS 3

/* The limits of the kernel, as libvirt gives them. */
enum {
    SHARES_MIN = 2,
    SHARES_MAX = 262144,
    PERIOD_MIN = 1000,
    PERIOD_MAX = 1000000,
    QUOTA_MIN = 1000
};
#define QUOTA_MAX G_GINT64_CONSTANT (17592186044415)

typedef struct {
    const wire_typed_param *shares, *period, *quota; /* NULL: not given */
} SchedChange;

ApiResult
api_domain_get_scheduler_type (Call *call, const domain_get_scheduler_type_args *in,
                               domain_get_scheduler_type_ret *out, GError **error)
{
    (void) in;
    (void) call;
    if (!(cgroup_host_controllers () & CGROUP_CPU)) {
        error_set (error, ERR_OPERATION_INVALID, "cgroup CPU controller is not mounted");
        return API_FAILED;
    }
    out->type = g_strdup ("posix");
    out->nparams = N_SCHED_PARAMS;
    return API_DONE;
}

/* ---- reading */

/* Values that the saved definition does not give read as 0. */
static GArray *
sched_read (Domain *domain, guint flags, GError **error)
{
    guint64 shares, period;
    gint64 quota;
    GArray *params;
    DomainDef *def;
    gboolean live;

    if (!affect_def (domain, flags, &def, &live, error))
        return NULL;
    shares = def->cputune.shares_set ? def->cputune.shares : 0;
    period = def->cputune.period;
    quota = def->cputune.quota;
    if (live) {
        Cgroup *cgroup = domain_cgroup (domain, error);

        if (!cgroup || !cgroup_get_cpu_shares (cgroup, &shares, error)
            || !cgroup_get_cpu_cfs (cgroup, &period, &quota, error))
            return NULL;
    }
    params = params_new ();
    params_add_ullong (params, "cpu_shares", shares);
    params_add_ullong (params, "vcpu_period", period);
    params_add_llong (params, "vcpu_quota", quota);
    return params;
}

ApiResult
api_domain_get_scheduler_parameters (Call *call, const domain_get_scheduler_parameters_args *in,
                                     domain_get_scheduler_parameters_ret *out, GError **error)
{
    GArray *params = sched_read (call->domain, 0, error);

    if (!params
        || !params_reply (params, in->nparams, REMOTE_DOMAIN_SCHEDULER_PARAMETERS_MAX,
                          &out->params.params_val, &out->params.params_len, NULL, error))
        return API_FAILED;
    return API_DONE;
}

ApiResult
api_domain_get_scheduler_parameters_flags (Call *call,
                                           const domain_get_scheduler_parameters_flags_args *in,
                                           domain_get_scheduler_parameters_flags_ret *out,
                                           GError **error)
{
    GArray *params = sched_read (call->domain, in->flags, error);

    if (!params
        || !params_reply (params, in->nparams, REMOTE_DOMAIN_SCHEDULER_PARAMETERS_MAX,
                          &out->params.params_val, &out->params.params_len, NULL, error))
        return API_FAILED;
    return API_DONE;
}

/* ---- writing */

/* @brackets: libvirt writes one of the ranges with others. */
static gboolean
in_range (const char *name, gint64 value, gint64 min, gint64 max, const char *brackets, GError **error)
{
    if (value >= min && value <= max)
        return TRUE;
    return error_set (error, ERR_INVALID_ARG,
                      "%s '%" G_GINT64_FORMAT "' must be in range %c%" G_GINT64_FORMAT
                      ", %" G_GINT64_FORMAT "%c",
                      name, value, brackets[0], min, max, brackets[1]);
}

static guint64
unsigned_of (const wire_typed_param *param)
{
    return param->value.wire_typed_param_value_u.ul;
}

static gboolean
change_check (const SchedChange *change, GError **error)
{
    gint64 quota = change->quota ? change->quota->value.wire_typed_param_value_u.l : -1;

    if (change->shares
        && !in_range ("shares", (gint64) MIN (unsigned_of (change->shares), G_MAXINT64),
                      SHARES_MIN, SHARES_MAX, "[]", error))
        return FALSE;
    if (change->period
        && !in_range ("cfs_period", (gint64) MIN (unsigned_of (change->period), G_MAXINT64),
                      PERIOD_MIN, PERIOD_MAX, "()", error))
        return FALSE;
    return quota < 0 || in_range ("cfs_quota", quota, QUOTA_MIN, QUOTA_MAX, "()", error);
}

static void
change_keep (const SchedChange *change, DomainCputune *tune)
{
    if (change->shares) {
        tune->shares = unsigned_of (change->shares);
        tune->shares_set = TRUE;
    }
    if (change->period)
        tune->period = unsigned_of (change->period);
    if (change->quota)
        tune->quota = change->quota->value.wire_typed_param_value_u.l;
}

static SchedChange
change_of (const wire_typed_param *params, guint n)
{
    return (SchedChange) {
        .shares = params_find (params, n, "cpu_shares"),
        .period = params_find (params, n, "vcpu_period"),
        .quota = params_find (params, n, "vcpu_quota"),
    };
}

/* Both calls' arguments begin with the domain, and go on with the parameters. */
static SchedChange
change_of_call (const Call *call)
{
    const domain_set_scheduler_parameters_args *in = call->in;

    return change_of (in->params.params_val, in->params.params_len);
}

/* What @change names: @forward gets what it says, @back what the kernel has. */
static gboolean
fill_works (const SchedChange *change, Cgroup *cgroup, TuneWork *forward, TuneWork *back, GError **error)
{
    forward->set_shares = back->set_shares = change->shares != NULL;
    forward->set_cfs = back->set_cfs = change->period || change->quota;
    forward->sched = (SchedLimits) {
        .shares = change->shares ? unsigned_of (change->shares) : 0,
        .period = change->period ? unsigned_of (change->period) : 0,
        .quota = change->quota ? change->quota->value.wire_typed_param_value_u.l : 0,
    };
    return (!back->set_shares || cgroup_get_cpu_shares (cgroup, &back->sched.shares, error))
           && (!back->set_cfs || cgroup_get_cpu_cfs (cgroup, &back->sched.period, &back->sched.quota, error));
}

/* The kernel's values after the write are the live definition's. */
static void
take_sched (const Call *call, DomainDef *def, const TuneWork *written)
{
    const SchedChange change = change_of_call (call);
    DomainCputune *tune = &def->cputune;

    if (change.shares)
        tune->shares = written->sched.shares;
    if (change.period)
        tune->period = written->sched.period;
    if (change.quota)
        tune->quota = written->sched.quota;
}

static void
tell_sched (Call *call, Affect affect)
{
    const DomainCputune *tune = &call->domain->def->cputune;
    const SchedChange change = change_of_call (call);
    GArray *params;

    if (!(affect & AFFECT_LIVE) || (!change.shares && !change.period && !change.quota))
        return;
    /* not before: what is taken back was never set */
    if (change.shares)
        cgroup_keep_cpu_shares (call->domain->instance->cgroup, unsigned_of (change.shares));
    params = params_new ();
    if (change.shares)
        params_add_ullong (params, "cputune.cpu_shares", tune->shares);
    if (change.period)
        params_add_ullong (params, "cputune.vcpu_period", tune->period);
    if (change.quota)
        params_add_llong (params, "cputune.vcpu_quota", tune->quota);
    event_tunable (call->domain, params);
}

static DomainDef *
changed (const DomainDef *def, const SchedChange *change)
{
    DomainDef *copy = domain_def_copy (def);

    change_keep (change, &copy->cputune);
    return copy;
}

static ApiResult
sched_run (Call *call, const SchedChange *change, Affect affect, GError **error)
{
    TuneOrder order = { .affect = affect, .take = take_sched, .tell = tell_sched };
    g_autoptr (TuneWork) forward = NULL, back = NULL;
    Domain *domain = call->domain;
    Cgroup *cgroup;

    if (affect & AFFECT_LIVE) {
        cgroup = domain_cgroup (domain, error);
        if (!cgroup)
            return API_FAILED;
        forward = tune_work_empty (domain->instance);
        back = tune_work_empty (domain->instance);
        if (!fill_works (change, cgroup, forward, back, error))
            return API_FAILED;
        order.live = changed (domain->def, change);
        order.forward = g_steal_pointer (&forward);
        order.back = g_steal_pointer (&back);
    }
    if (affect & AFFECT_CONFIG)
        order.config = changed (domain_config_def (domain), change);
    return tune_order_run (call, &order, error);
}

static ApiResult
sched_set (Call *call, const wire_typed_param *params, guint n, guint flags, GError **error)
{
    static const ParamSpec specs[] = {
        { "cpu_shares", PARAM_ULLONG },
        { "vcpu_period", PARAM_ULLONG },
        { "vcpu_quota", PARAM_LLONG },
    };
    const SchedChange change = change_of (params, n);
    Affect affect;

    if (!params_check_some (params, n, specs, G_N_ELEMENTS (specs), error)
        || !change_check (&change, error) || !affect_resolve (call->domain, flags, &affect, error))
        return API_FAILED;
    return sched_run (call, &change, affect, error);
}

ApiResult
api_domain_set_scheduler_parameters (Call *call, const domain_set_scheduler_parameters_args *in,
                                     none *out, GError **error)
{
    (void) out;
    return sched_set (call, in->params.params_val, in->params.params_len, 0, error);
}

ApiResult
api_domain_set_scheduler_parameters_flags (Call *call,
                                           const domain_set_scheduler_parameters_flags_args *in,
                                           none *out, GError **error)
{
    (void) out;
    return sched_set (call, in->params.params_val, in->params.params_len, in->flags, error);
}
