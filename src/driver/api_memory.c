/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of a domain: maximum, current, and the limits of memtune. KiB here, bytes in cgroups. */
#include "driver/api.h"
#include "driver/events.h"
#include "driver/params.h"

#define MEMORY_MAXIMUM 4u /* of virDomainMemoryModFlags; live and config as everywhere */

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

static gboolean
set_maximum (Domain *domain, guint64 memory, Affect affect, GError **error)
{
    DomainDef *def = domain_config_def (domain);
    guint64 memory_was = def->memory, current_was = def->current_memory;

    if (affect & AFFECT_LIVE)
        return error_set (error, ERR_OPERATION_INVALID,
                          "Cannot resize the max memory on an active domain");
    def->memory = memory;
    def->current_memory = MIN (def->current_memory, memory);
    if (affect_save (domain, AFFECT_CONFIG, error))
        return TRUE;
    def->memory = memory_was;
    def->current_memory = current_was;
    return FALSE;
}

/* What the kernel made of it (whole pages) is what the domain has. */
static gboolean
set_live (Domain *domain, guint64 memory, GError **error)
{
    Cgroup *cgroup = domain_cgroup (domain, error);
    guint64 hard, soft, swap_hard;

    if (!cgroup || !cgroup_get_memory (cgroup, &hard, &soft, &swap_hard, error)
        || !cgroup_set_memory (cgroup, bytes_of (memory), MAX (swap_hard, bytes_of (memory)), error)
        || !cgroup_get_memory (cgroup, &hard, &soft, &swap_hard, error))
        return FALSE;
    domain->def->current_memory = MIN (kib_of (hard), domain->def->memory);
    return TRUE;
}

static gboolean
set_current (Domain *domain, guint64 memory, Affect affect, GError **error)
{
    DomainDef *config = domain_config_def (domain);

    if (((affect & AFFECT_LIVE) && memory > domain->def->memory)
        || ((affect & AFFECT_CONFIG) && memory > config->memory))
        return error_set (error, ERR_INVALID_ARG, "Cannot set memory higher than max memory");
    if ((affect & AFFECT_LIVE) && !set_live (domain, memory, error))
        return FALSE;
    if (affect & AFFECT_CONFIG)
        config->current_memory = memory;
    if (!affect_save (domain, affect, error))
        return FALSE;
    if (affect & AFFECT_LIVE)
        event_balloon_change (domain, domain->def->current_memory);
    return TRUE;
}

static ApiResult
set_memory (Domain *domain, guint64 memory, guint flags, GError **error)
{
    Affect affect;
    gboolean ok;

    if (memory == 0 || memory > MEMORY_UNLIMITED)
        ok = error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                             "memory of %" G_GUINT64_FORMAT " KiB is not possible", memory);
    else
        ok = affect_resolve (domain, flags, &affect, error)
             && ((flags & MEMORY_MAXIMUM) ? set_maximum (domain, memory, affect, error)
                                          : set_current (domain, memory, affect, error));
    return ok ? API_DONE : API_FAILED;
}

ApiResult
api_domain_set_memory_flags (Call *call, const domain_set_memory_flags_args *in, none *out,
                             GError **error)
{
    (void) out;
    return set_memory (call->domain, in->memory, in->flags, error);
}

ApiResult
api_domain_set_memory (Call *call, const domain_set_memory_args *in, none *out, GError **error)
{
    (void) out;
    return set_memory (call->domain, in->memory, AFFECT_LIVE, error);
}

ApiResult
api_domain_set_max_memory (Call *call, const domain_set_max_memory_args *in, none *out,
                           GError **error)
{
    (void) out;
    return set_memory (call->domain, in->memory, MEMORY_MAXIMUM, error);
}

/* ---- memtune */

typedef struct {
    guint64 hard, soft, swap_hard;
} Limits; /* KiB, MEMORY_UNLIMITED: none */

static void
limits_of_def (const DomainDef *def, Limits *ret)
{
    const DomainMemtune *tune = &def->memtune;

    ret->hard = tune->hard_limit_set ? tune->hard_limit : MEMORY_UNLIMITED;
    ret->soft = tune->soft_limit_set ? tune->soft_limit : MEMORY_UNLIMITED;
    ret->swap_hard = tune->swap_hard_limit_set ? tune->swap_hard_limit : MEMORY_UNLIMITED;
}

static gboolean
limits_of_cgroup (Cgroup *cgroup, Limits *ret, GError **error)
{
    guint64 hard, soft, swap_hard;

    if (!cgroup_get_memory (cgroup, &hard, &soft, &swap_hard, error))
        return FALSE;
    *ret = (Limits){ kib_of (hard), kib_of (soft), kib_of (swap_hard) };
    return TRUE;
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
                          "hard_limit must be lower than or equal to swap_hard_limit");
    return TRUE;
}

static void
limits_tell (const Domain *domain, const domain_set_memory_parameters_args *in,
             const Limits *limits)
{
    GArray *params = params_new ();
    guint64 given;

    if (limit_take (in, "hard_limit", &given))
        params_add_ullong (params, "memtune.hard_limit", limits->hard);
    if (limit_take (in, "soft_limit", &given))
        params_add_ullong (params, "memtune.soft_limit", limits->soft);
    if (limit_take (in, "swap_hard_limit", &given))
        params_add_ullong (params, "memtune.swap_hard_limit", limits->swap_hard);
    event_tunable (domain, params);
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

static gboolean
limits_write (Cgroup *cgroup, const Limits *before, const Limits *limits, GError **error)
{
    if ((limits->hard != before->hard || limits->swap_hard != before->swap_hard)
        && !cgroup_set_memory (cgroup, bytes_of (limits->hard), bytes_of (limits->swap_hard),
                               error))
        return FALSE;
    return limits->soft == before->soft
           || cgroup_set_memory_soft (cgroup, bytes_of (limits->soft), error);
}

static gboolean
set_parameters (Domain *domain, const domain_set_memory_parameters_args *in, Affect affect,
                GError **error)
{
    DomainDef *config = domain_config_def (domain);
    Limits saved, before, live;
    Cgroup *cgroup = NULL;

    /* everything is judged before anything is changed */
    limits_of_def (config, &saved);
    if ((affect & AFFECT_CONFIG) && !limits_take (in, &saved, error))
        return FALSE;
    if (affect & AFFECT_LIVE) {
        cgroup = domain_cgroup (domain, error);
        if (!cgroup || !limits_of_cgroup (cgroup, &before, error))
            return FALSE;
        live = before;
        if (!limits_take (in, &live, error) || !limits_write (cgroup, &before, &live, error)
            || !limits_of_cgroup (cgroup, &live, error))
            return FALSE;
        limits_keep (in, &live, domain->def);
    }
    if (affect & AFFECT_CONFIG)
        limits_keep (in, &saved, config);
    if (!affect_save (domain, affect, error))
        return FALSE;
    if ((affect & AFFECT_LIVE) && in->params.params_len > 0)
        limits_tell (domain, in, &live);
    return TRUE;
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
    if (!params_check (in->params.params_val, in->params.params_len, specs, G_N_ELEMENTS (specs),
                       error)
        || !affect_resolve (call->domain, in->flags, &affect, error)
        || !set_parameters (call->domain, in, affect, error))
        return API_FAILED;
    return API_DONE;
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

        if (!cgroup || !limits_of_cgroup (cgroup, &limits, error))
            return API_FAILED;
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
