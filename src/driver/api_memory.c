/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of a domain: maximum, current, and the limits of memtune. KiB here, bytes in cgroups. */
#include "driver/api.h"
#include "driver/events.h"
#include "driver/params.h"
#include "driver/tune_work.h"

#define MEMORY_MAXIMUM 4u /* of virDomainMemoryModFlags; live and config as everywhere */

typedef struct {
    guint64 hard, soft, swap_hard;
} Limits; /* KiB, MEMORY_UNLIMITED: none */

static guint64
bytes_of (guint64 kib)
{
    return kib >= MEMORY_UNLIMITED ? CGROUP_UNLIMITED : kib * 1024;
}

static guint64
kib_of (guint64 bytes)
{
    return bytes == CGROUP_UNLIMITED ? MEMORY_UNLIMITED : MIN (bytes / 1024, MEMORY_UNLIMITED);
}

/* ---- maximum and current */

static ApiResult
set_maximum (Call *call, guint64 memory, Affect affect, GError **error)
{
    TuneOrder order = { .affect = affect };

    if (affect & AFFECT_LIVE) {
        error_set (error, ERR_OPERATION_INVALID, "Cannot resize the max memory on an active domain");
        return API_FAILED;
    }
    order.config = domain_def_copy (domain_config_def (call->domain));
    order.config->memory = memory;
    order.config->current_memory = MIN (order.config->current_memory, memory);
    return tune_order_run (call, &order, error);
}

/* The kernel gets @wanted, in whose place it has @before. */
static ApiResult
run_order (Call *call, TuneOrder *order, const MemoryLimits *before, const MemoryLimits *wanted, GError **error)
{
    if (order->live) {
        order->forward = tune_work_empty (call->domain->instance);
        order->back = tune_work_empty (call->domain->instance);
        tune_work_memory (order->forward, before, wanted);
        tune_work_memory (order->back, wanted, before);
    }
    return tune_order_run (call, order, error);
}

/* What the kernel made of it (whole pages) is what the domain has. */
static void
take_current (const Call *call, DomainDef *def, const TuneWork *written)
{
    (void) call;
    def->current_memory = MIN (kib_of (written->memory.hard), def->memory);
}

static void
tell_current (Call *call, Affect affect)
{
    if (affect & AFFECT_LIVE)
        event_balloon_change (call->domain, call->domain->def->current_memory);
}

static ApiResult
set_current (Call *call, guint64 memory, Affect affect, GError **error)
{
    TuneOrder order = { .affect = affect, .take = take_current, .tell = tell_current };
    MemoryLimits before = { 0 }, wanted;
    Domain *domain = call->domain;
    Cgroup *cgroup;

    if (((affect & AFFECT_LIVE) && memory > domain->def->memory)
        || ((affect & AFFECT_CONFIG) && memory > domain_config_def (domain)->memory)) {
        error_set (error, ERR_INVALID_ARG, "Cannot set memory higher than max memory");
        return API_FAILED;
    }
    if ((affect & AFFECT_LIVE)
        && (!(cgroup = domain_cgroup (domain, error)) || !tune_memory_read (cgroup, &before, error)))
        return API_FAILED;
    wanted = before;
    wanted.hard = bytes_of (memory);
    wanted.swap_hard = MAX (before.swap_hard, wanted.hard);
    if (affect & AFFECT_LIVE)
        order.live = domain_def_copy (domain->def);
    if (affect & AFFECT_CONFIG) {
        order.config = domain_def_copy (domain_config_def (domain));
        order.config->current_memory = memory;
    }
    return run_order (call, &order, &before, &wanted, error);
}

static ApiResult
set_memory (Call *call, guint64 memory, guint flags, GError **error)
{
    Affect affect;

    if (memory == 0) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "memory must not be zero");
        return API_FAILED;
    }
    if (memory > MEMORY_UNLIMITED) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_OVERFLOW, "input too large: %" G_GUINT64_FORMAT, memory);
        return API_FAILED;
    }
    if (!affect_resolve (call->domain, flags, &affect, error))
        return API_FAILED;
    if (!(flags & MEMORY_MAXIMUM))
        return set_current (call, memory, affect, error);
    return set_maximum (call, memory, affect, error);
}

ApiResult
api_domain_set_memory_flags (Call *call, const domain_set_memory_flags_args *in, none *out,
                             GError **error)
{
    (void) out;
    return set_memory (call, in->memory, in->flags, error);
}

ApiResult
api_domain_set_memory (Call *call, const domain_set_memory_args *in, none *out, GError **error)
{
    (void) out;
    return set_memory (call, in->memory, AFFECT_LIVE, error);
}

ApiResult
api_domain_set_max_memory (Call *call, const domain_set_max_memory_args *in, none *out,
                           GError **error)
{
    (void) out;
    return set_memory (call, in->memory, MEMORY_MAXIMUM, error);
}

/* ---- memtune */

static void
limits_of_def (const DomainDef *def, Limits *ret)
{
    const DomainMemtune *tune = &def->memtune;

    ret->hard = tune->hard_limit_set ? tune->hard_limit : MEMORY_UNLIMITED;
    ret->soft = tune->soft_limit_set ? tune->soft_limit : MEMORY_UNLIMITED;
    ret->swap_hard = tune->swap_hard_limit_set ? tune->swap_hard_limit : MEMORY_UNLIMITED;
}

static Limits
limits_of_kernel (const MemoryLimits *limits)
{
    return (Limits){ kib_of (limits->hard), kib_of (limits->soft), kib_of (limits->swap_hard) };
}

/* A parameter that is given replaces its limit. */
static gboolean
limit_take (const domain_set_memory_parameters_args *in, const char *name, guint64 *limit)
{
    const wire_typed_param *param
        = params_find (in->params.params_val, in->params.params_len, name);

    if (param)
        *limit = MIN (param->value.wire_typed_param_value_u.ul, MEMORY_UNLIMITED);
    return param != NULL;
}

static gboolean
limits_take (const domain_set_memory_parameters_args *in, Limits *limits, GError **error)
{
    limit_take (in, "hard_limit", &limits->hard);
    limit_take (in, "soft_limit", &limits->soft);
    limit_take (in, "swap_hard_limit", &limits->swap_hard);
    if (limits->swap_hard < limits->hard
        && (limits->hard != MEMORY_UNLIMITED
            || params_find (in->params.params_val, in->params.params_len, "hard_limit")))
        return error_set (error, ERR_INVALID_ARG,
                          "memory hard_limit tunable value must be lower than or equal to "
                          "swap_hard_limit");
    return TRUE;
}

static void
limits_tell (Call *call, Affect affect)
{
    const domain_set_memory_parameters_args *in = call->in;
    GArray *params;
    guint64 given;
    Limits now;

    if (!(affect & AFFECT_LIVE) || in->params.params_len == 0)
        return;
    limits_of_def (call->domain->def, &now);
    params = params_new ();
    if (limit_take (in, "hard_limit", &given))
        params_add_ullong (params, "memtune.hard_limit", now.hard);
    if (limit_take (in, "soft_limit", &given))
        params_add_ullong (params, "memtune.soft_limit", now.soft);
    if (limit_take (in, "swap_hard_limit", &given))
        params_add_ullong (params, "memtune.swap_hard_limit", now.swap_hard);
    event_tunable (call->domain, params);
}

/* Only what was given becomes part of the definition. */
static void
limits_keep (const domain_set_memory_parameters_args *in, const Limits *limits, DomainDef *def)
{
    DomainMemtune *tune = &def->memtune;
    guint64 given;

    if (limit_take (in, "hard_limit", &given)) {
        tune->hard_limit = limits->hard;
        tune->hard_limit_set = limits->hard != MEMORY_UNLIMITED;
    }
    if (limit_take (in, "soft_limit", &given)) {
        tune->soft_limit = limits->soft;
        tune->soft_limit_set = limits->soft != MEMORY_UNLIMITED;
    }
    if (limit_take (in, "swap_hard_limit", &given)) {
        tune->swap_hard_limit = limits->swap_hard;
        tune->swap_hard_limit_set = limits->swap_hard != MEMORY_UNLIMITED;
    }
}

static void
take_limits (const Call *call, DomainDef *def, const TuneWork *written)
{
    const Limits now = limits_of_kernel (&written->memory);

    limits_keep (call->in, &now, def);
}

static ApiResult
set_parameters (Call *call, const domain_set_memory_parameters_args *in, Affect affect, GError **error)
{
    TuneOrder order = { .affect = affect, .take = take_limits, .tell = limits_tell };
    MemoryLimits before = { 0 }, wanted = { 0 };
    Domain *domain = call->domain;
    Limits saved, live;
    Cgroup *cgroup;

    /* everything is judged before anything is changed */
    limits_of_def (domain_config_def (domain), &saved);
    if ((affect & AFFECT_CONFIG) && !limits_take (in, &saved, error))
        return API_FAILED;
    if (affect & AFFECT_LIVE) {
        cgroup = domain_cgroup (domain, error);
        if (!cgroup || !tune_memory_read (cgroup, &before, error))
            return API_FAILED;
        live = limits_of_kernel (&before);
        if (!limits_take (in, &live, error))
            return API_FAILED;
        wanted = (MemoryLimits){ bytes_of (live.hard), bytes_of (live.soft), bytes_of (live.swap_hard) };
        order.live = domain_def_copy (domain->def);
    }
    if (affect & AFFECT_CONFIG) {
        order.config = domain_def_copy (domain_config_def (domain));
        limits_keep (in, &saved, order.config);
    }
    return run_order (call, &order, &before, &wanted, error);
}

ApiResult
api_domain_set_memory_parameters (Call *call, const domain_set_memory_parameters_args *in,
                                  none *out, GError **error)
{
    static const ParamSpec specs[] = {
        { "hard_limit", PARAM_ULLONG },
        { "soft_limit", PARAM_ULLONG },
        { "swap_hard_limit", PARAM_ULLONG },
    };
    Affect affect;

    (void) out;
    if (!params_check_some (in->params.params_val, in->params.params_len, specs, G_N_ELEMENTS (specs),
                       error)
        || !affect_resolve (call->domain, in->flags, &affect, error))
        return API_FAILED;
    return set_parameters (call, in, affect, error);
}

ApiResult
api_domain_get_memory_parameters (Call *call, const domain_get_memory_parameters_args *in,
                                  domain_get_memory_parameters_ret *out, GError **error)
{
    Limits limits;
    GArray *params;
    DomainDef *def;
    gboolean live;

    if (!affect_def (call->domain, in->flags, &def, &live, error))
        return API_FAILED;
    limits_of_def (def, &limits);
    if (live) {
        Cgroup *cgroup = domain_cgroup (call->domain, error);
        MemoryLimits kernel;

        if (!cgroup || !tune_memory_read (cgroup, &kernel, error))
            return API_FAILED;
        limits = limits_of_kernel (&kernel);
    }
    params = params_new ();
    params_add_ullong (params, "hard_limit", limits.hard);
    params_add_ullong (params, "soft_limit", limits.soft);
    params_add_ullong (params, "swap_hard_limit", limits.swap_hard);
    return params_reply (params, in->nparams, REMOTE_DOMAIN_MEMORY_PARAMETERS_MAX,
                         &out->params.params_val, &out->params.params_len, &out->nparams, error)
               ? API_DONE
               : API_FAILED;
}
