/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls about the host and the daemon. */
#include "client/client_private.h"

#include <string.h>

/* Rows of calls without arguments that answer one string. */
#define STRING_OF_CONNECTION(function, PROC, wire, field)                                          \
    char *function (SkepConnection *conn, SkepError *error)                                        \
    {                                                                                              \
        wire##_ret out = { 0 };                                                                    \
        char *text;                                                                                \
                                                                                                   \
        if (!CLIENT_CALL_GET (conn, PROC, wire, &out, error))                                      \
            return NULL;                                                                           \
        text = g_strdup (out.field);                                                               \
        CLIENT_FREE (wire, &out);                                                                  \
        return text;                                                                               \
    }

/* Rows of calls without arguments that answer one number. */
#define NUMBER_OF_CONNECTION(function, PROC, wire, field)                                          \
    bool function (SkepConnection *conn, uint64_t *ret_value, SkepError *error)                    \
    {                                                                                              \
        wire##_ret out = { 0 };                                                                    \
                                                                                                   \
        if (!CLIENT_CALL_GET (conn, PROC, wire, &out, error))                                      \
            return false;                                                                          \
        *ret_value = out.field;                                                                    \
        return true;                                                                               \
    }

/* clang-format off */
STRING_OF_CONNECTION (skep_connection_type, CONNECT_GET_TYPE, connect_get_type, type)
STRING_OF_CONNECTION (skep_connection_hostname, CONNECT_GET_HOSTNAME, connect_get_hostname, hostname)
STRING_OF_CONNECTION (skep_connection_capabilities, CONNECT_GET_CAPABILITIES, connect_get_capabilities, capabilities)
NUMBER_OF_CONNECTION (skep_connection_version, CONNECT_GET_VERSION, connect_get_version, hv_ver)
NUMBER_OF_CONNECTION (skep_connection_lib_version, CONNECT_GET_LIB_VERSION, connect_get_lib_version, lib_ver)
NUMBER_OF_CONNECTION (skep_node_free_memory, NODE_GET_FREE_MEMORY, node_get_free_memory, freeMem)
/* clang-format on */

char *
skep_connection_sysinfo (SkepConnection *conn, SkepError *error)
{
    connect_get_sysinfo_args in = { 0 };
    connect_get_sysinfo_ret out = { 0 };
    char *text;

    if (!CLIENT_CALL (conn, CONNECT_GET_SYSINFO, connect_get_sysinfo, &in, &out, error))
        return NULL;
    text = g_strdup (out.sysinfo);
    CLIENT_FREE (connect_get_sysinfo, &out);
    return text;
}

char *
skep_connection_domain_capabilities (SkepConnection *conn, const char *emulator, const char *arch,
                                     const char *machine, const char *type, SkepError *error)
{
    char *words[] = { (char *) emulator, (char *) arch, (char *) machine, (char *) type };
    connect_get_domain_capabilities_args in = {
        .emulatorbin = CLIENT_STRING (words[0]), .arch = CLIENT_STRING (words[1]),
        .machine = CLIENT_STRING (words[2]), .virttype = CLIENT_STRING (words[3]),
    };
    connect_get_domain_capabilities_ret out = { 0 };
    char *text;

    if (!CLIENT_CALL (conn, CONNECT_GET_DOMAIN_CAPABILITIES, connect_get_domain_capabilities, &in,
                      &out, error))
        return NULL;
    text = g_strdup (out.capabilities);
    CLIENT_FREE (connect_get_domain_capabilities, &out);
    return text;
}

int
skep_connection_max_vcpus (SkepConnection *conn, const char *type, SkepError *error)
{
    char *name = (char *) type;
    connect_get_max_vcpus_args in = { .type = CLIENT_STRING (name) };
    connect_get_max_vcpus_ret out = { 0 };

    if (!CLIENT_CALL (conn, CONNECT_GET_MAX_VCPUS, connect_get_max_vcpus, &in, &out, error))
        return -1;
    return out.max_vcpus;
}

bool
skep_node_info (SkepConnection *conn, SkepNodeInfo *ret_info, SkepError *error)
{
    node_get_info_ret out = { 0 };

    if (!CLIENT_CALL_GET (conn, NODE_GET_INFO, node_get_info, &out, error))
        return false;
    *ret_info = (SkepNodeInfo){ .memory = out.memory,
                                .cpus = out.cpus,
                                .mhz = out.mhz,
                                .nodes = out.nodes,
                                .sockets = out.sockets,
                                .cores = out.cores,
                                .threads = out.threads };
    memcpy (ret_info->model, out.model, sizeof out.model);
    return true;
}

/* Node statistics come as pairs of name and u64, asked for in two steps: how many, then which. */
#define NODE_STATS(function, PROC, wire, which)                                                    \
    bool function (SkepConnection *conn, int number, SkepParams *ret_stats, SkepError *error)      \
    {                                                                                              \
        wire##_args in = { .which = number };                                                      \
        wire##_ret out = { 0 };                                                                    \
                                                                                                   \
        if (!CLIENT_CALL (conn, PROC, wire, &in, &out, error))                                     \
            return false;                                                                          \
        in.nparams = out.nparams;                                                                  \
        CLIENT_FREE (wire, &out);                                                                  \
        memset (&out, 0, sizeof out);                                                              \
        if (in.nparams && !CLIENT_CALL (conn, PROC, wire, &in, &out, error))                       \
            return false;                                                                          \
        for (unsigned i = 0; i < out.params.params_len; i++)                                       \
            skep_params_add_number (ret_stats, out.params.params_val[i].field, SKEP_ULLONG,        \
                                    (int64_t) out.params.params_val[i].value);                     \
        CLIENT_FREE (wire, &out);                                                                  \
        return true;                                                                               \
    }

NODE_STATS (skep_node_memory_stats, NODE_GET_MEMORY_STATS, node_get_memory_stats, cellNum)
NODE_STATS (skep_node_cpu_stats, NODE_GET_CPU_STATS, node_get_cpu_stats, cpuNum)

int
skep_node_cpu_map (SkepConnection *conn, uint8_t **ret_map, size_t *ret_size, unsigned *ret_online,
                   SkepError *error)
{
    node_get_cpu_map_args in = { .need_map = 1, .need_online = 1 };
    node_get_cpu_map_ret out = { 0 };

    if (!CLIENT_CALL (conn, NODE_GET_CPU_MAP, node_get_cpu_map, &in, &out, error))
        return -1;
    *ret_map = g_memdup2 (out.cpumap.cpumap_val, out.cpumap.cpumap_len);
    *ret_size = out.cpumap.cpumap_len;
    *ret_online = out.online;
    CLIENT_FREE (node_get_cpu_map, &out);
    return out.ret;
}

int
skep_node_cells_free_memory (SkepConnection *conn, int first, int max, uint64_t **ret_bytes,
                             SkepError *error)
{
    node_get_cells_free_memory_args in = { .startCell = first, .maxcells = max };
    node_get_cells_free_memory_ret out = { 0 };
    unsigned n;

    if (!CLIENT_CALL (conn, NODE_GET_CELLS_FREE_MEMORY, node_get_cells_free_memory, &in, &out,
                      error))
        return -1;
    n = out.cells.cells_len;
    *ret_bytes = g_memdup2 (out.cells.cells_val, n * sizeof **ret_bytes);
    CLIENT_FREE (node_get_cells_free_memory, &out);
    return (int) n;
}

int
skep_node_free_pages (SkepConnection *conn, const unsigned *sizes, unsigned n_sizes, int first_cell,
                      unsigned n_cells, uint64_t **ret_counts, SkepError *error)
{
    node_get_free_pages_args in = { .pages = { n_sizes, (unsigned *) sizes },
                                    .startCell = first_cell,
                                    .cellCount = n_cells };
    node_get_free_pages_ret out = { 0 };
    unsigned n;

    if (!CLIENT_CALL (conn, NODE_GET_FREE_PAGES, node_get_free_pages, &in, &out, error))
        return -1;
    n = out.counts.counts_len;
    *ret_counts = g_memdup2 (out.counts.counts_val, n * sizeof **ret_counts);
    CLIENT_FREE (node_get_free_pages, &out);
    return (int) n;
}

bool
skep_node_memory_params (SkepConnection *conn, SkepParams *ret_params, SkepError *error)
{
    node_get_memory_parameters_args in = { 0 };
    node_get_memory_parameters_ret out = { 0 };

    if (!CLIENT_CALL (conn, NODE_GET_MEMORY_PARAMETERS, node_get_memory_parameters, &in, &out,
                      error))
        return false;
    in.nparams = out.nparams;
    CLIENT_FREE (node_get_memory_parameters, &out);
    memset (&out, 0, sizeof out);
    if (in.nparams
        && !CLIENT_CALL (conn, NODE_GET_MEMORY_PARAMETERS, node_get_memory_parameters, &in, &out,
                         error))
        return false;
    client_params_from_wire (out.params.params_val, out.params.params_len, ret_params);
    CLIENT_FREE (node_get_memory_parameters, &out);
    return true;
}

bool
skep_node_set_memory_params (SkepConnection *conn, const SkepParams *params, SkepError *error)
{
    g_autofree wire_typed_param *values = client_params_to_wire (params);
    node_set_memory_parameters_args in = { .params = { (unsigned) params->n, values } };

    return CLIENT_CALL_VOID (conn, NODE_SET_MEMORY_PARAMETERS, node_set_memory_parameters, &in,
                             error);
}

int
skep_node_alloc_pages (SkepConnection *conn, unsigned size, uint64_t count, int first,
                       unsigned n_cells, bool add, SkepError *error)
{
    u_quad_t counts = count;
    node_alloc_pages_args in = { .pageSizes = { 1, &size },
                                 .pageCounts = { 1, &counts },
                                 .startCell = first,
                                 .cellCount = n_cells,
                                 .flags = add ? 0 : 1 };
    node_alloc_pages_ret out = { 0 };

    return CLIENT_CALL (conn, NODE_ALLOC_PAGES, node_alloc_pages, &in, &out, error) ? out.ret : -1;
}

bool
skep_security_model (SkepConnection *conn, char **ret_model, char **ret_doi, SkepError *error)
{
    node_get_security_model_ret out = { 0 };

    if (!CLIENT_CALL_GET (conn, NODE_GET_SECURITY_MODEL, node_get_security_model, &out, error))
        return false;
    *ret_model = client_chars (out.model.model_val, out.model.model_len);
    *ret_doi = client_chars (out.doi.doi_val, out.doi.doi_len);
    CLIENT_FREE (node_get_security_model, &out);
    return true;
}
