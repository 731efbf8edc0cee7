/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters of a running domain: interfaces, memory, disks, CPUs. */
#include "cmd.h"

/* ---- Devices and memory ---- */

static int
run_domifstat (Shell *shell, const Args *args)
{
    static const char *const names[] = { "rx_bytes", "rx_packets", "rx_errs", "rx_drop",
                                         "tx_bytes", "tx_packets", "tx_errs", "tx_drop" };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    const char *device = args_string (args, "interface");
    g_autoptr (Record) record = record_new ();
    SkepInterfaceStats stats;
    gboolean as_json = shell_wants_json (shell, args);

    if (!domain)
        return 1;
    if (!skep_domain_interface_stats (domain, device, &stats, &error))
        return shell_fail_with (shell, &error, "Failed to get interface stats %s %s", domain->name,
                                device);
    for (unsigned i = 0; i < G_N_ELEMENTS (names); i++) {
        g_autofree char *title = g_strdup_printf ("%s %s", device, names[i]);
        int64_t value = ((const int64_t *) &stats)[i];

        if (value >= 0)
            record_number (record, names[i], title, value, "%" G_GINT64_FORMAT, value);
    }
    record_print (record, 0, " ", as_json, shell->out);
    return 0;
}

static int
run_dommemstat (Shell *shell, const Args *args)
{
    static const char *const names[] = { "swap_in",       "swap_out",    "major_fault",
                                         "minor_fault",   "unused",      "available",
                                         "actual",        "rss",         "usable",
                                         "last_update",   "disk_caches", "hugetlb_pgalloc",
                                         "hugetlb_pgfail" };
    autoerror error = { 0 };
    autodomain domain = NULL;
    g_autoptr (Record) record = record_new ();
    g_autofree SkepMemoryStat *stats = NULL;
    int n;

    if (args_given (args, "period"))
        return shell_fail (
            shell, "--period is for virtual machines: a container's numbers are always current");
    if (!(domain = shell_domain (shell, args)))
        return 1;
    n = skep_domain_memory_stats (domain, &stats, &error);
    if (n < 0)
        return shell_fail_with (shell, &error, "Failed to get memory statistics for domain %s",
                                domain->name);
    for (int i = 0; i < n; i++)
        if (stats[i].tag >= 0 && stats[i].tag < (int) G_N_ELEMENTS (names))
            record_number (record, names[stats[i].tag], NULL, (gint64) stats[i].value,
                           "%" G_GUINT64_FORMAT, stats[i].value);
    record_print (record, 0, " ", shell_wants_json (shell, args), shell->out);
    return 0;
}

static int
run_domblkstat (Shell *shell, const Args *args)
{
    static const struct {
        const char *field, *brief, *words;
    } names[] = {
        { "rd_operations", "rd_req", "number of read operations:" },
        { "rd_bytes", "rd_bytes", "number of bytes read:" },
        { "wr_operations", "wr_req", "number of write operations:" },
        { "wr_bytes", "wr_bytes", "number of bytes written:" },
        { "rd_total_times", "rd_total_times", "total duration of reads (ns):" },
        { "wr_total_times", "wr_total_times", "total duration of writes (ns):" },
    };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    autoparams params = { 0 };
    const char *device = args_string (args, "device");
    g_autoptr (Record) record = record_new ();
    gboolean as_json = shell_wants_json (shell, args), human = args_flag (args, "human");

    if (!domain)
        return 1;
    if (!skep_domain_block_stats (domain, device ? device : "", &params, &error))
        return shell_fail_with (shell, &error, "Failed to get block stats for domain '%s' device '%s'",
                                domain->name, device ? device : "");
    for (unsigned i = 0; i < G_N_ELEMENTS (names); i++) {
        const SkepParam *param = skep_params_find (&params, names[i].field);
        g_autofree char *title = human ? g_strdup_printf (" %s", names[i].words)
                                       : g_strdup_printf ("%s %s", device ? device : "", names[i].brief);

        if (param)
            record_number (record, names[i].brief, title, param->value.l, "%" G_GINT64_FORMAT,
                           param->value.l);
    }
    if (human && !as_json)
        fprintf (shell->out, "Device: %s\n", device ? device : "");
    record_print (record, human ? 32 : 0, " ", as_json, shell->out);
    return 0;
}

/* ---- cpu-stats ---- */

static void
print_cpu (Shell *shell, const char *title, const SkepParams *cpu)
{
    fprintf (shell->out, "%s:\n", title);
    for (size_t i = 0; i < cpu->n; i++)
        fprintf (shell->out, "\t%-12s %19.9f seconds\n", cpu->item[i].name,
                 (double) cpu->item[i].value.ul / 1e9);
}

static void
json_cpu (Json *json, const SkepParams *cpu)
{
    g_autoptr (Record) record = record_new ();

    record_params (record, cpu);
    record_json (record, json);
}

static void
print_cpu_stats (Shell *shell, const Args *args, gint64 first, const SkepParams *cpus, int n,
                 const SkepParams *total)
{
    Json json;

    if (!shell_wants_json (shell, args)) {
        for (int i = 0; i < n; i++) {
            g_autofree char *title = g_strdup_printf ("CPU%" G_GINT64_FORMAT, first + i);

            print_cpu (shell, title, &cpus[i]);
        }
        if (total)
            print_cpu (shell, "Total", total);
        return;
    }
    json_init (&json);
    json_open (&json, '{');
    json_key (&json, "cpus");
    json_open (&json, '[');
    for (int i = 0; i < n; i++)
        json_cpu (&json, &cpus[i]);
    json_close (&json, ']');
    if (total) {
        json_key (&json, "total");
        json_cpu (&json, total);
    }
    json_close (&json, '}');
    json_finish (&json, shell->out);
}

static int
run_cpu_stats (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    gint64 start = args_number (args, "start", 0), count = args_number (args, "count", 0);
    gboolean some = args_given (args, "start") || args_given (args, "count");
    gboolean want_total = args_flag (args, "total") || !some,
             want_cpus = some || !args_flag (args, "total");
    SkepParams *cpus = NULL, *total = NULL;
    int n = 0, code = 0;

    if (!domain)
        return 1;
    if (start < 0 || count < 0 || start > G_MAXINT || count > G_MAXINT)
        return shell_fail (shell, "--start and --count must not be negative");
    if (want_cpus)
        n = skep_domain_cpu_stats (domain, (int) start, (unsigned) count, &cpus, &error);
    if (n < 0 || (want_total && skep_domain_cpu_stats (domain, -1, 1, &total, &error) < 0))
        code = shell_fail_with (shell, &error, "Failed to retrieve CPU statistics for domain '%s'",
                                domain->name);
    else
        print_cpu_stats (shell, args, start, cpus, n, total);
    skep_params_array_free (cpus, (size_t) MAX (n, 0));
    skep_params_array_free (total, total ? 1 : 0);
    return code;
}

/* ---- Rows ---- */

static const Option domifstat_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "interface", OPT_STRING, OPT_REQUIRED, "name on the host, or MAC address", COMPLETE_LINK,
      NULL },
    OPTIONS_END,
};
static const Option dommemstat_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "period", OPT_NUMBER, OPT_NAMED, "for virtual machines; refused", COMPLETE_NONE, NULL },
    OPTIONS_AFFECT,
    OPTIONS_END,
};
static const Option domblkstat_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "device", OPT_STRING, 0, "the disk; all of them together without it", COMPLETE_TARGET, NULL },
    FLAG ("human", "print words instead of field names"),
    OPTIONS_END,
};
static const Option cpu_stats_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    FLAG ("total", "the totals only"),
    { "start", OPT_NUMBER, 0, "from this CPU on", COMPLETE_NONE, NULL },
    { "count", OPT_NUMBER, 0, "at most so many CPUs", COMPLETE_NONE, NULL },
    OPTIONS_END,
};

const Verb verbs_counters[] = {
    { "domifstat", GROUP_MONITOR, VERB_JSON, "show counters of a network interface", NULL,
      domifstat_options, run_domifstat },
    { "dommemstat", GROUP_MONITOR, VERB_JSON, "show memory statistics", NULL, dommemstat_options,
      run_dommemstat },
    { "domblkstat", GROUP_MONITOR, VERB_JSON, "show block device statistics", NULL,
      domblkstat_options, run_domblkstat },
    { "cpu-stats", GROUP_DOMAIN, VERB_JSON, "show CPU time, per CPU and in total", NULL,
      cpu_stats_options, run_cpu_stats },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
