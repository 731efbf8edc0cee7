/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits that come as named values, and virtual CPUs. */
#include "client/client_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- Named values: nparams 0 asks how many there are ---- */

#define LIMITS_GET(PROC, wire, ...)                                                                \
    ({                                                                                             \
        wire##_args in_ = { .dom = client_wire_domain (domain),                                    \
                            .flags = flags | PARAM_STRINGS_OK, ##__VA_ARGS__ };                    \
        wire##_ret out_ = { 0 };                                                                   \
        bool ok_ = CLIENT_CALL (domain->conn, PROC, wire, &in_, &out_, error);                     \
                                                                                                   \
        if (ok_ && (in_.nparams = out_.nparams) > 0) {                                             \
            CLIENT_FREE (wire, &out_);                                                             \
            memset (&out_, 0, sizeof out_);                                                        \
            ok_ = CLIENT_CALL (domain->conn, PROC, wire, &in_, &out_, error);                      \
        }                                                                                          \
        if (ok_) {                                                                                 \
            client_params_from_wire (out_.params.params_val, out_.params.params_len, ret_params);  \
            CLIENT_FREE (wire, &out_);                                                             \
        }                                                                                          \
        ok_;                                                                                       \
    })

#define LIMITS_SET(PROC, wire, ...)                                                                \
    ({                                                                                             \
        wire##_args in_ = { .dom = client_wire_domain (domain),                                    \
                            .params = { (unsigned) params->n, values },                            \
                            .flags = flags, ##__VA_ARGS__ };                                       \
        CLIENT_CALL_VOID (domain->conn, PROC, wire, &in_, error);                                  \
    })

bool
skep_domain_limits (SkepDomain *domain, SkepLimits kind, const char *device, unsigned flags,
                    SkepParams *ret_params, SkepError *error)
{
    char *name = (char *) (device ? device : "");

    switch (kind) {
    case SKEP_LIMITS_MEMORY:
        return LIMITS_GET (DOMAIN_GET_MEMORY_PARAMETERS, domain_get_memory_parameters);
    case SKEP_LIMITS_BLKIO:
        return LIMITS_GET (DOMAIN_GET_BLKIO_PARAMETERS, domain_get_blkio_parameters);
    case SKEP_LIMITS_NUMA:
        return LIMITS_GET (DOMAIN_GET_NUMA_PARAMETERS, domain_get_numa_parameters);
    case SKEP_LIMITS_INTERFACE:
        return LIMITS_GET (DOMAIN_GET_INTERFACE_PARAMETERS, domain_get_interface_parameters,
                           .device = name);
    case SKEP_LIMITS_BLOCK:
        return LIMITS_GET (DOMAIN_GET_BLOCK_IO_TUNE, domain_get_block_io_tune, .disk = &name);
    }
    return client_fail_with (error, ERR_INVALID_ARG, ORIGIN_DOMAIN, "limits of kind %d", kind);
}

bool
skep_domain_set_limits (SkepDomain *domain, SkepLimits kind, const char *device,
                        const SkepParams *params, unsigned flags, SkepError *error)
{
    g_autofree wire_typed_param *values = client_params_to_wire (params);
    char *name = (char *) (device ? device : "");

    switch (kind) {
    case SKEP_LIMITS_MEMORY:
        return LIMITS_SET (DOMAIN_SET_MEMORY_PARAMETERS, domain_set_memory_parameters);
    case SKEP_LIMITS_BLKIO:
        return LIMITS_SET (DOMAIN_SET_BLKIO_PARAMETERS, domain_set_blkio_parameters);
    case SKEP_LIMITS_NUMA:
        return LIMITS_SET (DOMAIN_SET_NUMA_PARAMETERS, domain_set_numa_parameters);
    case SKEP_LIMITS_INTERFACE:
        return LIMITS_SET (DOMAIN_SET_INTERFACE_PARAMETERS, domain_set_interface_parameters,
                           .device = name);
    case SKEP_LIMITS_BLOCK:
        return LIMITS_SET (DOMAIN_SET_BLOCK_IO_TUNE, domain_set_block_io_tune, .disk = name);
    }
    return client_fail_with (error, ERR_INVALID_ARG, ORIGIN_DOMAIN, "limits of kind %d", kind);
}

bool
skep_domain_memory_params (SkepDomain *domain, unsigned flags, SkepParams *ret_params,
                           SkepError *error)
{
    return skep_domain_limits (domain, SKEP_LIMITS_MEMORY, NULL, flags, ret_params, error);
}

bool
skep_domain_set_memory_params (SkepDomain *domain, const SkepParams *params, unsigned flags,
                               SkepError *error)
{
    return skep_domain_set_limits (domain, SKEP_LIMITS_MEMORY, NULL, params, flags, error);
}

/* ---- Wanted and effective ---- */

int
skep_domain_effective_limits (SkepDomain *domain, SkepLimit **ret_limits, SkepError *error)
{
    skep_domain_get_limits_args in = { .dom = client_wire_domain (domain) };
    skep_domain_get_limits_ret out = { 0 };
    unsigned n;

    if (!CLIENT_CALL_SKEP (domain->conn, DOMAIN_GET_LIMITS, skep_domain_get_limits, &in, &out, error))
        return -1;
    n = out.limits.limits_len;
    *ret_limits = g_new0 (SkepLimit, n + 1);
    for (unsigned i = 0; i < n; i++) {
        const skep_limit *limit = &out.limits.limits_val[i];

        (*ret_limits)[i] = (SkepLimit){ g_strdup (limit->name), g_strdup (limit->wanted),
                                        g_strdup (limit->effective) };
    }
    CLIENT_FREE (skep_domain_get_limits, &out);
    return (int) n;
}

void
skep_limits_free (SkepLimit *limits, int n)
{
    for (int i = 0; i < n; i++) {
        free (limits[i].name);
        free (limits[i].wanted);
        free (limits[i].effective);
    }
    free (limits);
}

/* ---- Virtual CPUs ---- */

int
skep_domain_vcpu_count (SkepDomain *domain, unsigned flags, SkepError *error)
{
    domain_get_vcpus_flags_args in = { .dom = client_wire_domain (domain), .flags = flags };
    domain_get_vcpus_flags_ret out = { 0 };

    return CLIENT_CALL (domain->conn, DOMAIN_GET_VCPUS_FLAGS, domain_get_vcpus_flags, &in, &out,
                        error)
             ? out.num
             : -1;
}

bool
skep_domain_set_vcpus (SkepDomain *domain, unsigned count, unsigned flags, SkepError *error)
{
    domain_set_vcpus_flags_args in = { .dom = client_wire_domain (domain),
                                       .nvcpus = count,
                                       .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SET_VCPUS_FLAGS, domain_set_vcpus_flags, &in,
                             error);
}

/* A copy of @n maps of @size bytes; what the daemon left out is zero. */
static uint8_t *
copy_maps (const char *maps, u_int len, int n, size_t size)
{
    uint8_t *copy = g_malloc0 ((size_t) n * size + 1);

    if (len)
        memcpy (copy, maps, MIN (len, (size_t) n * size));
    return copy;
}

int
skep_domain_vcpus (SkepDomain *domain, SkepVcpu **ret_vcpus, uint8_t **ret_maps, size_t map_size,
                   SkepError *error)
{
    domain_get_vcpus_args in = { .dom = client_wire_domain (domain),
                                 .maxinfo = skep_domain_vcpu_count (domain, SKEP_AFFECT_LIVE, error),
                                 .maplen = ret_maps ? (int) map_size : 0 };
    domain_get_vcpus_ret out = { 0 };
    int n;

    if (in.maxinfo < 0
        || !CLIENT_CALL (domain->conn, DOMAIN_GET_VCPUS, domain_get_vcpus, &in, &out, error))
        return -1;
    n = (int) out.info.info_len;
    *ret_vcpus = g_new0 (SkepVcpu, (size_t) n + 1);
    for (int i = 0; i < n; i++) {
        const wire_vcpu_info *info = &out.info.info_val[i];

        (*ret_vcpus)[i] = (SkepVcpu){ info->number, info->state, info->cpu, info->cpu_time };
    }
    if (ret_maps)
        *ret_maps = copy_maps (out.cpumaps.cpumaps_val, out.cpumaps.cpumaps_len, n, map_size);
    CLIENT_FREE (domain_get_vcpus, &out);
    return n;
}

int
skep_domain_vcpu_pins (SkepDomain *domain, unsigned max, size_t map_size, unsigned flags,
                       uint8_t **ret_maps, SkepError *error)
{
    domain_get_vcpu_pin_info_args in = { .dom = client_wire_domain (domain),
                                         .ncpumaps = (int) max,
                                         .maplen = (int) map_size,
                                         .flags = flags };
    domain_get_vcpu_pin_info_ret out = { 0 };
    int n;

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_VCPU_PIN_INFO, domain_get_vcpu_pin_info, &in, &out,
                      error))
        return -1;
    n = out.num;
    *ret_maps = copy_maps (out.cpumaps.cpumaps_val, out.cpumaps.cpumaps_len, MAX (n, 0), map_size);
    CLIENT_FREE (domain_get_vcpu_pin_info, &out);
    return n;
}

bool
skep_domain_pin_vcpu (SkepDomain *domain, unsigned vcpu, const uint8_t *map, size_t map_size,
                      unsigned flags, SkepError *error)
{
    domain_pin_vcpu_flags_args in = { .dom = client_wire_domain (domain),
                                      .vcpu = vcpu,
                                      .cpumap = { (u_int) map_size, (char *) map },
                                      .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_PIN_VCPU_FLAGS, domain_pin_vcpu_flags, &in, error);
}

bool
skep_domain_emulator_pin (SkepDomain *domain, size_t map_size, unsigned flags, uint8_t **ret_map,
                          SkepError *error)
{
    domain_get_emulator_pin_info_args in = { .dom = client_wire_domain (domain),
                                             .maplen = (int) map_size,
                                             .flags = flags };
    domain_get_emulator_pin_info_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_EMULATOR_PIN_INFO, domain_get_emulator_pin_info, &in,
                      &out, error))
        return false;
    *ret_map = copy_maps (out.cpumaps.cpumaps_val, out.cpumaps.cpumaps_len, 1, map_size);
    CLIENT_FREE (domain_get_emulator_pin_info, &out);
    return true;
}

bool
skep_domain_pin_emulator (SkepDomain *domain, const uint8_t *map, size_t map_size, unsigned flags,
                          SkepError *error)
{
    domain_pin_emulator_args in = { .dom = client_wire_domain (domain),
                                    .cpumap = { (u_int) map_size, (char *) map },
                                    .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_PIN_EMULATOR, domain_pin_emulator, &in, error);
}
