/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many and which CPUs and NUMA nodes a container gets. What that means: driver/tune.h. */
#include <string.h>

#include "conf/cpulist.h"
#include "driver/api.h"
#include "driver/events.h"
#include "driver/tune.h"
#include "driver/vcpus.h"
#include "util/text.h"

enum { VCPU_MAXIMUM = 1 << 2, VCPU_GUEST = 1 << 3 };    /* virDomainVcpuFlags */

/* Tells of one text that changed in a running container. */
static void
tell (const Domain *domain, Affect affect, const char *name, const char *value)
{
    GArray *params;

    if (!(affect & AFFECT_LIVE))
        return;
    params = params_new ();
    params_add_string (params, name, value);
    event_tunable (domain, params);
}

/* ---- the number of vcpus */

typedef struct {
    guint n;
    gboolean maximum;
} VcpuRequest;

static gboolean
edit_vcpus (DomainDef *def, gconstpointer data, GError **error)
{
    const VcpuRequest *request = data;

    def->vcpus_none = FALSE;
    if (request->maximum) {
        guint online = MIN (vcpus_online (def), request->n);

        def->vcpus = request->n;
        def->vcpus_current = online < request->n ? online : 0;
        return TRUE;
    }
    if (request->n > def->vcpus)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                               "requested vcpus is greater than max allowable vcpus for the domain: %u > %u",
                               request->n, def->vcpus);
    def->vcpus_current = request->n < def->vcpus ? request->n : 0;
    return TRUE;
}

static ApiResult
set_vcpus (Call *call, guint n, guint flags, GError **error)
{
    const VcpuRequest request = { .n = n, .maximum = (flags & VCPU_MAXIMUM) != 0 };
    Affect affect;

    if (n == 0 || n > G_MAXINT16) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "%u vcpus are not possible", n);
        return API_FAILED;
    }
    if (!affect_resolve (call->domain, flags, &affect, error))
        return API_FAILED;
    if (request.maximum && (affect & AFFECT_LIVE)) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID,
                        "maximum vcpu count of a live domain can't be modified");
        return API_FAILED;
    }
    if (flags & VCPU_GUEST) {
        error_set (error, ERR_OPERATION_UNSUPPORTED, "a container has no CPUs that it could switch off itself");
        return API_FAILED;
    }
    return tune_change (call, affect, edit_vcpus, &request, vcpus_tell, error);
}

ApiResult
api_domain_set_vcpus (Call *call, const domain_set_vcpus_args *in, none *out, GError **error)
{
    (void) out;
    return set_vcpus (call, in->nvcpus, AFFECT_LIVE, error);
}

ApiResult
api_domain_set_vcpus_flags (Call *call, const domain_set_vcpus_flags_args *in, none *out, GError **error)
{
    (void) out;
    return set_vcpus (call, in->nvcpus, in->flags, error);
}

/* ---- pins */

/* The bits of a client's map as a list; "" when all that this host has are set: that is no pin. */
static char *
map_list (const char *bytes, guint n, GError **error)
{
    CpuSet set = { 0 };

    for (guint cpu = 0; cpu < MIN (n * 8, CPULIST_MAX); cpu++)
        if (bytes[cpu / 8] & (1 << cpu % 8))
            set.bits[cpu / 64] |= G_GUINT64_CONSTANT (1) << cpu % 64;
    if (cpu_set_count (&set) > 0)
        return cpu_set_format (&set);
    error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "Empty cpu list for pinning");
    return NULL;
}

typedef struct {
    guint vcpu;
    const char *cpus;
} PinRequest;

static gboolean
edit_pin (DomainDef *def, gconstpointer data, GError **error)
{
    const PinRequest *request = data;
    GPtrArray *pins = def->cputune.vcpupins;
    CpuPin *pin = NULL;
    guint at = 0;

    if (request->vcpu >= def->vcpus)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "vcpu %u is out of range of %u",
                               request->vcpu, def->vcpus);
    for (; at < pins->len && ((const CpuPin *) pins->pdata[at])->id < request->vcpu; at++)
        ;
    if (at < pins->len && ((const CpuPin *) pins->pdata[at])->id == request->vcpu) {
        pin = pins->pdata[at];
    } else {
        pin = g_new0 (CpuPin, 1);
        pin->id = request->vcpu;
        g_ptr_array_insert (pins, (int) at, pin);
    }
    text_replace (&pin->cpuset, request->cpus);
    return TRUE;
}

static void
tell_pin (const Domain *domain, Affect affect, guint vcpu)
{
    g_autofree char *name = g_strdup_printf ("cputune.vcpupin%u", vcpu);
    const GPtrArray *pins = domain->def->cputune.vcpupins;

    for (guint i = 0; i < pins->len; i++)
        if (((const CpuPin *) pins->pdata[i])->id == vcpu)
            tell (domain, affect, name, ((const CpuPin *) pins->pdata[i])->cpuset);
}

static void
tell_pin_vcpu (Call *call, Affect affect)
{
    tell_pin (call->domain, affect, ((const domain_pin_vcpu_args *) call->in)->vcpu);
}

static void
tell_pin_vcpu_flags (Call *call, Affect affect)
{
    tell_pin (call->domain, affect, ((const domain_pin_vcpu_flags_args *) call->in)->vcpu);
}

static ApiResult
pin_vcpu (Call *call, const PinRequest *request, guint flags, TuneTell told, GError **error)
{
    Affect affect;

    if (!request->cpus || !affect_resolve (call->domain, flags, &affect, error))
        return API_FAILED;
    return tune_change (call, affect, edit_pin, request, told, error);
}

ApiResult
api_domain_pin_vcpu (Call *call, const domain_pin_vcpu_args *in, none *out, GError **error)
{
    g_autofree char *cpus = map_list (in->cpumap.cpumap_val, in->cpumap.cpumap_len, error);
    const PinRequest request = { in->vcpu, cpus };

    (void) out;
    return pin_vcpu (call, &request, AFFECT_LIVE, tell_pin_vcpu, error);
}

ApiResult
api_domain_pin_vcpu_flags (Call *call, const domain_pin_vcpu_flags_args *in, none *out, GError **error)
{
    g_autofree char *cpus = map_list (in->cpumap.cpumap_val, in->cpumap.cpumap_len, error);
    const PinRequest request = { in->vcpu, cpus };

    (void) out;
    return pin_vcpu (call, &request, in->flags, tell_pin_vcpu_flags, error);
}

static gboolean
edit_emulator (DomainDef *def, gconstpointer cpus, GError **error)
{
    (void) error;
    text_replace (&def->cputune.emulatorpin, cpus);
    return TRUE;
}

static void
tell_emulator (Call *call, Affect affect)
{
    tell (call->domain, affect, "cputune.emulatorpin", call->domain->def->cputune.emulatorpin);
}

ApiResult
api_domain_pin_emulator (Call *call, const domain_pin_emulator_args *in, none *out, GError **error)
{
    g_autofree char *cpus = map_list (in->cpumap.cpumap_val, in->cpumap.cpumap_len, error);
    Affect affect;

    (void) out;
    if (!cpus || !affect_resolve (call->domain, in->flags, &affect, error))
        return API_FAILED;
    return tune_change (call, affect, edit_emulator, cpus, tell_emulator, error);
}

/* ---- NUMA */

typedef struct {
    const wire_typed_param *mode, *nodes;   /* NULL: as it is */
    gboolean live;
} NumaRequest;

static gboolean
edit_numa (DomainDef *def, gconstpointer data, GError **error)
{
    const NumaRequest *request = data;
    DomainNumatune *numa = &def->numatune;
    guint was = numa->set ? numa->mode : NUMA_STRICT;
    guint mode = request->mode ? (guint) request->mode->value.wire_typed_param_value_u.i : was;
    char *nodes;

    if (mode >= NUMA_LAST)
        return error_set (error, ERR_INVALID_ARG, "unsupported numa_mode: '%u'", mode);
    if (request->live && (mode != was || (mode != NUMA_STRICT && mode != NUMA_RESTRICTIVE)))
        return error_set (error, ERR_OPERATION_INVALID, mode != was
                          ? "can't change numatune mode for running domain"
                          : "change of nodeset for running domain requires strict numa mode");
    if (request->nodes) {
        nodes = cpulist_canonical (request->nodes->value.wire_typed_param_value_u.s, error);
        if (!nodes)
            return FALSE;
        if (!*nodes) {
            g_free (nodes);
            return error_set (error, ERR_OPERATION_INVALID, "Invalid nodeset of 0 length");
        }
        g_free (numa->nodeset);
        numa->nodeset = nodes;
        numa->placement = PLACEMENT_STATIC;
    }
    numa->mode = mode;
    numa->set = TRUE;
    return TRUE;
}

static void
tell_numa (Call *call, Affect affect)
{
    const domain_set_numa_parameters_args *in = call->in;

    if (params_find (in->params.params_val, in->params.params_len, "numa_nodeset"))
        tell (call->domain, affect, "numatune.nodeset", call->domain->def->numatune.nodeset);
}

ApiResult
api_domain_set_numa_parameters (Call *call, const domain_set_numa_parameters_args *in, none *out,
                                GError **error)
{
    static const ParamSpec specs[] = { { "numa_mode", PARAM_INT }, { "numa_nodeset", PARAM_STRING } };
    const wire_typed_param *params = in->params.params_val;
    guint n = in->params.params_len;
    NumaRequest request = { params_find (params, n, "numa_mode"), params_find (params, n, "numa_nodeset"),
                            FALSE };
    Affect affect;

    (void) out;
    if (!params_check_some (params, n, specs, G_N_ELEMENTS (specs), error)
        || !affect_resolve (call->domain, in->flags, &affect, error))
        return API_FAILED;
    request.live = (affect & AFFECT_LIVE) != 0;
    return tune_change (call, affect, edit_numa, &request, tell_numa, error);
}
