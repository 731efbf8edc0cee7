/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions about vcpus: how many, where, and what they used. vcpus.h says what a vcpu is here. */
#include <string.h>

#include "driver/api.h"
#include "driver/params.h"
#include "driver/vcpus.h"
#include "host/node.h"

/* virDomainVcpuFlags; the first two bits are those of Affect */
enum { VCPU_MAXIMUM = 1 << 2, VCPU_GUEST = 1 << 3 };
enum { VCPU_OFFLINE, VCPU_RUNNING };        /* virVcpuState */

/* ---- how many */

ApiResult
api_domain_get_max_vcpus (Call *call, const domain_get_max_vcpus_args *in,
                          domain_get_max_vcpus_ret *out, GError **error)
{
    (void) in;
    (void) error;
    out->num = (int) call->domain->def->vcpus;
    return API_DONE;
}

/* GUEST: what a program inside counts, that is the CPUs it may use. */
ApiResult
api_domain_get_vcpus_flags (Call *call, const domain_get_vcpus_flags_args *in,
                            domain_get_vcpus_flags_ret *out, GError **error)
{
    Domain *domain = call->domain;
    DomainDef *def;
    gboolean live;

    if (!affect_def (domain, in->flags, &def, &live, error))
        return API_FAILED;
    if (in->flags & VCPU_GUEST) {
        g_autoptr (GArray) allowed = NULL;

        if (!live) {
            error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
            return API_FAILED;
        }
        allowed = vcpus_allowed (domain, def);
        out->num = (int) allowed->len;
    } else {
        out->num = (int) (in->flags & VCPU_MAXIMUM ? def->vcpus : vcpus_online (def));
    }
    return API_DONE;
}

/* ---- maps: @len bytes for each of @n vcpus, a bit for each CPU, lowest first */

static gboolean
maps_room (int n, int len, GError **error)
{
    if (n >= 0 && len >= 0 && n <= REMOTE_VCPUINFO_MAX && len <= REMOTE_CPUMAPS_MAX
        && (gint64) n * len <= REMOTE_CPUMAPS_MAX)
        return TRUE;
    return error_set_from (error, ORIGIN_RPC, ERR_INTERNAL,
                           "%d maps of %d bytes make no sense, or are too many", n, len);
}

static void
map_add (char *map, int len, guint cpu)
{
    if ((int) (cpu / 8) < len)
        map[cpu / 8] = (char) (map[cpu / 8] | 1 << cpu % 8);
}

static void
map_fill (char *map, int len, const GArray *cpus)
{
    for (guint i = 0; i < cpus->len; i++)
        map_add (map, len, g_array_index (cpus, guint, i));
}

/* What <vcpupin> or <emulatorpin> says, else all the CPUs of the container. */
static void
pin_fill (char *map, int len, const char *pin, const GArray *allowed)
{
    g_autoptr (GArray) pinned = pin ? node_parse_list (pin) : NULL;

    map_fill (map, len, pinned ? pinned : allowed);
}

static const char *
vcpu_pin (const DomainDef *def, guint vcpu)
{
    for (guint i = 0; def->cputune.vcpupins && i < def->cputune.vcpupins->len; i++) {
        const CpuPin *pin = def->cputune.vcpupins->pdata[i];

        if (pin->id == vcpu)
            return pin->cpuset;
    }
    return NULL;
}

ApiResult
api_domain_get_vcpus (Call *call, const domain_get_vcpus_args *in, domain_get_vcpus_ret *out,
                      GError **error)
{
    const DomainDef *def = call->domain->def;
    guint online = vcpus_online (def), n;
    g_autoptr (GArray) allowed = NULL, usage = NULL;

    if (!maps_room (in->maxinfo, in->maplen, error))
        return API_FAILED;
    allowed = vcpus_allowed (call->domain, def);
    usage = vcpus_usage (call->domain);
    n = MIN (online, (guint) in->maxinfo);
    out->info.info_val = g_new0 (wire_vcpu_info, MAX (n, 1));
    out->cpumaps.cpumaps_len = (u_int) (in->maxinfo * in->maplen);
    out->cpumaps.cpumaps_val = g_malloc0 (MAX (out->cpumaps.cpumaps_len, 1));
    for (guint i = 0; i < n; i++) {
        out->info.info_val[i] = (wire_vcpu_info){
            .number = i,
            .state = vcpu_cpu (i, online, allowed) < 0 ? VCPU_OFFLINE : VCPU_RUNNING,
            .cpu_time = usage ? vcpu_time (i, online, allowed, usage) : 0,
            .cpu = vcpu_cpu (i, online, allowed),
        };
        pin_fill (out->cpumaps.cpumaps_val + i * (guint) in->maplen, in->maplen, vcpu_pin (def, i), allowed);
    }
    out->info.info_len = n;
    return API_DONE;
}

ApiResult
api_domain_get_vcpu_pin_info (Call *call, const domain_get_vcpu_pin_info_args *in,
                              domain_get_vcpu_pin_info_ret *out, GError **error)
{
    g_autoptr (GArray) allowed = NULL;
    DomainDef *def;
    gboolean live;

    if (!maps_room (in->ncpumaps, in->maplen, error)
        || !affect_def (call->domain, in->flags, &def, &live, error))
        return API_FAILED;
    allowed = vcpus_allowed (call->domain, def);
    out->num = (int) MIN (def->vcpus, (guint) in->ncpumaps);
    out->cpumaps.cpumaps_len = (u_int) (in->ncpumaps * in->maplen);
    out->cpumaps.cpumaps_val = g_malloc0 (MAX (out->cpumaps.cpumaps_len, 1));
    for (int i = 0; i < out->num; i++)
        pin_fill (out->cpumaps.cpumaps_val + i * in->maplen, in->maplen, vcpu_pin (def, (guint) i), allowed);
    return API_DONE;
}

/* The emulator is the container's controller: it has the container's CPUs. */
ApiResult
api_domain_get_emulator_pin_info (Call *call, const domain_get_emulator_pin_info_args *in,
                                  domain_get_emulator_pin_info_ret *out, GError **error)
{
    g_autoptr (GArray) allowed = NULL;
    DomainDef *def;
    gboolean live;

    if (!maps_room (1, in->maplen, error)
        || !affect_def (call->domain, in->flags, &def, &live, error))
        return API_FAILED;
    allowed = vcpus_allowed (call->domain, def);
    out->cpumaps.cpumaps_len = (u_int) in->maplen;
    out->cpumaps.cpumaps_val = g_malloc0 (MAX (out->cpumaps.cpumaps_len, 1));
    pin_fill (out->cpumaps.cpumaps_val, in->maplen, def->cputune.emulatorpin, allowed);
    out->ret = 1;
    return API_DONE;
}
