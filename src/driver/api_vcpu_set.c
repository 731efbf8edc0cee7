/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Vcpus by their numbers, as setvcpu and guestvcpus name them. A container's vcpus are as many of the host's
 * CPUs (driver/tune.h): those that are online are the first ones, so they go from the last on.
 */
#include "conf/cpulist.h"
#include "driver/api.h"
#include "driver/tune.h"
#include "driver/vcpus.h"

typedef struct {
    CpuSet cpus;
    gboolean online;
} SetRequest;

static gboolean
edit_online (DomainDef *def, gconstpointer data, GError **error)
{
    const SetRequest *request = data;
    guint online = vcpus_online (def), n = 0;
    gboolean hole = FALSE;

    for (guint vcpu = 0; vcpu < CPULIST_MAX; vcpu++) {
        gboolean named = cpu_set_contains (&request->cpus, vcpu);
        gboolean on = named ? request->online : vcpu < online;

        if (named && vcpu >= def->vcpus)
            return error_set (error, ERR_INVALID_ARG, "vcpu '%u' is not present in domain configuration", vcpu);
        if (vcpu >= def->vcpus)
            continue;
        hole |= on && n < vcpu;
        n += on ? 1 : 0;
    }
    if (n == 0)
        return error_set (error, ERR_INVALID_ARG, "at least one vcpu has to stay online");
    if (hole)
        return error_set (error, ERR_OPERATION_UNSUPPORTED,
                          "vcpus of a container come and go in order: those from 0 on are online");
    def->vcpus_current = n < def->vcpus ? n : 0;
    return TRUE;
}

static ApiResult
set_online (Call *call, const char *map, int state, guint flags, GError **error)
{
    SetRequest request = { .online = state != 0 };
    Affect affect;

    if (state != 0 && state != 1) {
        error_set (error, ERR_INVALID_ARG, "unsupported state value");
        return API_FAILED;
    }
    if (!cpu_set_parse (map, &request.cpus, error))
        return API_FAILED;
    if (cpu_set_count (&request.cpus) == 0) {
        error_set (error, ERR_INVALID_ARG, "no vcpus selected for modification");
        return API_FAILED;
    }
    if (!affect_resolve (call->domain, flags, &affect, error))
        return API_FAILED;
    return tune_change (call, affect, edit_online, &request, vcpus_tell, error);
}

ApiResult
api_domain_set_vcpu (Call *call, const domain_set_vcpu_args *in, none *out, GError **error)
{
    (void) out;
    return set_online (call, in->cpumap, in->state, in->flags, error);
}

ApiResult
api_domain_set_guest_vcpus (Call *call, const domain_set_guest_vcpus_args *in, none *out, GError **error)
{
    (void) out;
    return set_online (call, in->cpumap, in->state, AFFECT_LIVE, error);
}

/* "0-3"; "" for none. */
static char *
range (guint from, guint to)
{
    return to <= from ? g_strdup ("") : to == from + 1 ? g_strdup_printf ("%u", from)
                                                       : g_strdup_printf ("%u-%u", from, to - 1);
}

ApiResult
api_domain_get_guest_vcpus (Call *call, const domain_get_guest_vcpus_args *in, domain_get_guest_vcpus_ret *out,
                            GError **error)
{
    const DomainDef *def = call->domain->def;
    g_autofree char *all = range (0, def->vcpus), *online = range (0, vcpus_online (def));
    g_autofree char *offlinable = range (1, def->vcpus);
    GArray *params = params_new ();

    (void) in;
    (void) error;
    params_add_string (params, "vcpus", all);
    params_add_string (params, "online", online);
    params_add_string (params, "offlinable", offlinable);
    out->params.params_val = params_take (params, &out->params.params_len);
    return API_DONE;
}
