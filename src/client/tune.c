/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory, scheduler, statistics, metadata, signals and namespaces of a domain. */
#include "client/client_private.h"

#include <stdlib.h>
#include <string.h>

bool
skep_domain_set_memory (SkepDomain *domain, uint64_t kib, unsigned flags, SkepError *error)
{
    domain_set_memory_flags_args in = { .dom = client_wire_domain (domain),
                                        .memory = kib,
                                        .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SET_MEMORY_FLAGS, domain_set_memory_flags, &in,
                             error);
}

char *
skep_domain_scheduler_type (SkepDomain *domain, int *ret_n_params, SkepError *error)
{
    domain_get_scheduler_type_args in = { .dom = client_wire_domain (domain) };
    domain_get_scheduler_type_ret out = { 0 };
    char *type;

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_SCHEDULER_TYPE, domain_get_scheduler_type, &in, &out,
                      error))
        return NULL;
    type = g_strdup (out.type);
    if (ret_n_params)
        *ret_n_params = out.nparams;
    CLIENT_FREE (domain_get_scheduler_type, &out);
    return type;
}

bool
skep_domain_scheduler_params (SkepDomain *domain, unsigned flags, SkepParams *ret_params,
                              SkepError *error)
{
    domain_get_scheduler_parameters_flags_args in = { .dom = client_wire_domain (domain),
                                                      .flags = flags | PARAM_STRINGS_OK };
    domain_get_scheduler_parameters_flags_ret out = { 0 };
    char *type = skep_domain_scheduler_type (domain, &in.nparams, error);

    if (!type)
        return false;
    free (type);
    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_SCHEDULER_PARAMETERS_FLAGS,
                      domain_get_scheduler_parameters_flags, &in, &out, error))
        return false;
    client_params_from_wire (out.params.params_val, out.params.params_len, ret_params);
    CLIENT_FREE (domain_get_scheduler_parameters_flags, &out);
    return true;
}

bool
skep_domain_set_scheduler_params (SkepDomain *domain, const SkepParams *params, unsigned flags,
                                  SkepError *error)
{
    g_autofree wire_typed_param *wire = client_params_to_wire (params);
    domain_set_scheduler_parameters_flags_args in = { .dom = client_wire_domain (domain),
                                                      .params = { (unsigned) params->n, wire },
                                                      .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS,
                             domain_set_scheduler_parameters_flags, &in, error);
}

/* ---- Statistics ---- */

bool
skep_domain_interface_stats (SkepDomain *domain, const char *device, SkepInterfaceStats *ret_stats,
                             SkepError *error)
{
    domain_interface_stats_args in = { .dom = client_wire_domain (domain),
                                       .device = (char *) device };
    domain_interface_stats_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_INTERFACE_STATS, domain_interface_stats, &in, &out,
                      error))
        return false;
    *ret_stats = (SkepInterfaceStats){ out.rx_bytes, out.rx_packets, out.rx_errs, out.rx_drop,
                                       out.tx_bytes, out.tx_packets, out.tx_errs, out.tx_drop };
    return true;
}

int
skep_domain_memory_stats (SkepDomain *domain, SkepMemoryStat **ret_stats, SkepError *error)
{
    domain_memory_stats_args in = { .dom = client_wire_domain (domain), .maxStats = 13 };
    domain_memory_stats_ret out = { 0 };
    unsigned n;

    if (!CLIENT_CALL (domain->conn, DOMAIN_MEMORY_STATS, domain_memory_stats, &in, &out, error))
        return -1;
    n = out.stats.stats_len;
    *ret_stats = g_new0 (SkepMemoryStat, n + 1);
    for (unsigned i = 0; i < n; i++)
        (*ret_stats)[i] = (SkepMemoryStat){ out.stats.stats_val[i].tag,
                                            out.stats.stats_val[i].val };
    CLIENT_FREE (domain_memory_stats, &out);
    return (int) n;
}

bool
skep_domain_block_stats (SkepDomain *domain, const char *path, SkepParams *ret_params,
                         SkepError *error)
{
    domain_block_stats_flags_args in = { .dom = client_wire_domain (domain),
                                         .path = (char *) path,
                                         .flags = PARAM_STRINGS_OK };
    domain_block_stats_flags_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_BLOCK_STATS_FLAGS, domain_block_stats_flags, &in, &out,
                      error))
        return false;
    in.nparams = out.nparams;
    CLIENT_FREE (domain_block_stats_flags, &out);
    memset (&out, 0, sizeof out);
    if (in.nparams
        && !CLIENT_CALL (domain->conn, DOMAIN_BLOCK_STATS_FLAGS, domain_block_stats_flags, &in,
                         &out, error))
        return false;
    client_params_from_wire (out.params.params_val, out.params.params_len, ret_params);
    CLIENT_FREE (domain_block_stats_flags, &out);
    return true;
}

/* One CPU statistics call: @nparams 0 with @ncpus 0 answers the number of CPUs, with @ncpus 1 the
 * number of parameters of a CPU. */
static bool
cpu_stats_call (SkepDomain *domain, int start, unsigned ncpus, unsigned nparams,
                domain_get_cpu_stats_ret *out, SkepError *error)
{
    domain_get_cpu_stats_args in = { .dom = client_wire_domain (domain),
                                     .nparams = nparams,
                                     .start_cpu = start,
                                     .ncpus = ncpus,
                                     .flags = PARAM_STRINGS_OK };

    memset (out, 0, sizeof *out);
    return CLIENT_CALL (domain->conn, DOMAIN_GET_CPU_STATS, domain_get_cpu_stats, &in, out, error);
}

static int
cpu_stats_count (SkepDomain *domain, int start, unsigned ncpus, SkepError *error)
{
    domain_get_cpu_stats_ret out;
    int n;

    if (!cpu_stats_call (domain, start, ncpus, 0, &out, error))
        return -1;
    n = out.nparams;
    CLIENT_FREE (domain_get_cpu_stats, &out);
    return n;
}

int
skep_domain_cpu_stats (SkepDomain *domain, int start, unsigned max, SkepParams **ret_cpus,
                       SkepError *error)
{
    domain_get_cpu_stats_ret out;
    int total = start < 0 ? 1 : cpu_stats_count (domain, 0, 0, error);
    int nparams = total < 0 ? -1 : cpu_stats_count (domain, start, 1, error);
    unsigned n, per;

    if (nparams < 0)
        return -1;
    n = start < 0 ? 1 : (unsigned) MAX (total - start, 0);
    if (start >= 0 && max)
        n = MIN (n, max);
    n = MIN (n, REMOTE_DOMAIN_GET_CPU_STATS_NCPUS_MAX);
    *ret_cpus = g_new0 (SkepParams, n + 1);
    if (!n || !nparams)
        return (int) n;
    if (!cpu_stats_call (domain, start, n, (unsigned) nparams, &out, error)) {
        g_clear_pointer (ret_cpus, g_free);
        return -1;
    }
    per = out.nparams > 0 ? (unsigned) out.nparams : (unsigned) nparams;
    for (unsigned i = 0; i < n && (i + 1) * per <= out.params.params_len; i++)
        client_params_from_wire (out.params.params_val + i * per, per, &(*ret_cpus)[i]);
    CLIENT_FREE (domain_get_cpu_stats, &out);
    return (int) n;
}

/* ---- Metadata, signals, namespaces ---- */

char *
skep_domain_metadata (SkepDomain *domain, SkepMetadata type, const char *uri, unsigned flags,
                      SkepError *error)
{
    char *name = (char *) uri;
    domain_get_metadata_args in = { .dom = client_wire_domain (domain),
                                    .type = (int) type,
                                    .uri = CLIENT_STRING (name),
                                    .flags = flags };
    domain_get_metadata_ret out = { 0 };
    char *text;

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_METADATA, domain_get_metadata, &in, &out, error))
        return NULL;
    text = g_strdup (out.metadata);
    CLIENT_FREE (domain_get_metadata, &out);
    return text;
}

bool
skep_domain_set_metadata (SkepDomain *domain, SkepMetadata type, const char *metadata,
                          const char *key, const char *uri, unsigned flags, SkepError *error)
{
    char *text = (char *) metadata, *prefix = (char *) key, *name = (char *) uri;
    domain_set_metadata_args in = { .dom = client_wire_domain (domain),
                                    .type = (int) type,
                                    .metadata = CLIENT_STRING (text),
                                    .key = CLIENT_STRING (prefix),
                                    .uri = CLIENT_STRING (name),
                                    .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SET_METADATA, domain_set_metadata, &in, error);
}

bool
skep_domain_send_signal (SkepDomain *domain, int64_t pid, unsigned signum, SkepError *error)
{
    domain_send_process_signal_args in = { .dom = client_wire_domain (domain),
                                           .pid_value = pid,
                                           .signum = signum };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SEND_PROCESS_SIGNAL, domain_send_process_signal,
                             &in, error);
}

int
skep_domain_open_namespaces (SkepDomain *domain, int **ret_fds, SkepError *error)
{
    lxc_domain_open_namespace_args in = { .dom = client_wire_domain (domain) };
    g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
    int n;

    if (!client_call (domain->conn, RPC_PROGRAM_LXC, LXC_PROC_DOMAIN_OPEN_NAMESPACE,
                      (xdrproc_t) xdr_lxc_domain_open_namespace_args, &in, client_none, NULL, NULL,
                      0, fds, error))
        return -1;
    n = (int) fds->len;
    *ret_fds = (int *) (void *) g_array_free (g_steal_pointer (&fds), FALSE);
    return n;
}
