/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs about virtual CPUs: how many, where they run, where they may run. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

/* ---- Lists of CPUs ---- */

typedef struct {
    int cpus; /* of the host */
    size_t size;
} HostCpus;

static gboolean
host_cpus (Shell *shell, HostCpus *ret_host)
{
    autoerror error = { 0 };
    g_autofree uint8_t *map = NULL;
    size_t size;
    unsigned online;

    ret_host->cpus = skep_node_cpu_map (shell->conn, &map, &size, &online, &error);
    ret_host->size = ret_host->cpus > 0 ? ((size_t) ret_host->cpus + 7) / 8 : 0;
    return ret_host->cpus > 0 || shell_fail_with (shell, &error, "cannot count the CPUs") == 0;
}

static gboolean
has_cpu (const uint8_t *map, int cpu)
{
    return map[cpu / 8] >> (cpu % 8) & 1;
}

/* "0-2,5" */
static char *
list_of_map (const uint8_t *map, int cpus)
{
    GString *text = g_string_new (NULL);

    for (int cpu = 0; cpu < cpus; cpu++) {
        int last = cpu;

        if (!has_cpu (map, cpu))
            continue;
        while (last + 1 < cpus && has_cpu (map, last + 1))
            last++;
        g_string_append_printf (text, "%s%d", text->len ? "," : "", cpu);
        if (last > cpu)
            g_string_append_printf (text, "-%d", last);
        cpu = last;
    }
    return g_string_free (text, FALSE);
}

/* Sets or, with '^', clears what one part of a list names. */
static gboolean
apply_part (const char *part, const HostCpus *host, uint8_t *map)
{
    gboolean clear = *part == '^';
    char *end;
    gint64 first = g_ascii_strtoll (part + clear, &end, 10), last = first;

    if (end == part + clear || !g_ascii_isdigit (part[clear]))
        return FALSE;
    if (*end == '-' && g_ascii_isdigit (end[1]))
        last = g_ascii_strtoll (end + 1, &end, 10);
    if (*end || first > last || last >= host->cpus)
        return FALSE;
    for (gint64 cpu = first; cpu <= last; cpu++)
        if (clear)
            map[cpu / 8] &= (uint8_t) ~(1U << (cpu % 8));
        else
            map[cpu / 8] |= (uint8_t) (1U << (cpu % 8));
    return TRUE;
}

/* "0-3,^2", or "r" for all of them. NULL with an error printed. */
static uint8_t *
map_of_list (Shell *shell, const char *text, const HostCpus *host)
{
    g_autofree uint8_t *map = g_malloc0 (host->size);
    g_auto (GStrv) part = g_strsplit (text, ",", -1);

    if (strcmp (text, "r") == 0) {
        for (int cpu = 0; cpu < host->cpus; cpu++)
            map[cpu / 8] |= (uint8_t) (1U << (cpu % 8));
        return g_steal_pointer (&map);
    }
    for (char **at = part; *at; at++)
        if (!apply_part (*at, host, map)) {
            shell_fail (shell, "'%s' is no list of CPUs of this host (0-%d)", text, host->cpus - 1);
            return NULL;
        }
    return g_steal_pointer (&map);
}

/* ---- vcpucount, setvcpus ---- */

static const struct {
    const char *which, *where;
    unsigned flags;
} count_rows[] = {
    { "maximum", "config", SKEP_VCPU_MAXIMUM | SKEP_AFFECT_CONFIG },
    { "maximum", "live", SKEP_VCPU_MAXIMUM | SKEP_AFFECT_LIVE },
    { "current", "config", SKEP_AFFECT_CONFIG },
    { "current", "live", SKEP_AFFECT_LIVE },
};

/* What there is of the four: a domain that does not run has no live ones, a transient no saved ones. */
static int
all_counts (Shell *shell, const Args *args, SkepDomain *domain)
{
    g_autoptr (Record) record = record_new ();
    int found = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS (count_rows); i++) {
        int count = skep_domain_vcpu_count (domain, count_rows[i].flags, NULL);
        g_autofree char *key = g_strdup_printf ("%s_%s", count_rows[i].which, count_rows[i].where);

        if (count < 0)
            continue;
        found++;
        if (shell_wants_json (shell, args))
            record_number (record, key, NULL, count, "%d", count);
        else
            fprintf (shell->out, "%-12s %-12s %3d\n", count_rows[i].which, count_rows[i].where,
                     count);
    }
    if (!found)
        return shell_fail (shell, "cannot count the virtual CPUs of '%s'", domain->name);
    if (shell_wants_json (shell, args))
        record_print (record, 0, "", TRUE, shell->out);
    else
        fputc ('\n', shell->out);
    return 0;
}

static int
run_vcpucount (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    int flags = affect_flags (shell, args), count;
    gboolean maximum = args_flag (args, "maximum"), active = args_flag (args, "active");

    if (flags < 0)
        return 1;
    if (maximum && active)
        return shell_fail (shell, "--maximum and --active exclude each other");
    if (!(domain = shell_domain (shell, args)))
        return 1;
    if (!flags && !maximum && !active && !args_flag (args, "current") && !args_flag (args, "guest"))
        return all_counts (shell, args, domain);
    count = skep_domain_vcpu_count (domain,
                                    (unsigned) flags | (maximum ? SKEP_VCPU_MAXIMUM : 0)
                                        | (args_flag (args, "guest") ? SKEP_VCPU_GUEST : 0),
                                    &error);
    if (count < 0)
        return shell_fail_with (shell, &error, NULL);
    return print_number (shell, args, "count", count);
}

static int
run_setvcpus (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    int flags = affect_flags (shell, args);
    gint64 count = args_number (args, "count", 0);

    if (flags < 0)
        return 1;
    if (count < 1 || count > G_MAXINT)
        return shell_fail (shell, "the number of virtual CPUs must be at least 1");
    if (args_flag (args, "maximum"))
        flags |= SKEP_VCPU_MAXIMUM;
    if (args_flag (args, "guest"))
        flags |= SKEP_VCPU_GUEST;
    if (args_flag (args, "hotpluggable"))
        flags |= 16;
    if (!(domain = shell_domain (shell, args)))
        return 1;
    if (!skep_domain_set_vcpus (domain, (unsigned) count, (unsigned) flags, &error))
        return shell_fail_with (shell, &error, NULL);
    return 0;
}

/* ---- vcpuinfo ---- */

static const char *
vcpu_state_name (int state)
{
    static const char *const states[] = { "offline", "running", "blocked" };

    return state < 0 ? "N/A" : state < 3 ? states[state] : "no state";
}

static void
print_vcpu (Shell *shell, const SkepVcpu *vcpu, const uint8_t *map, const HostCpus *host,
            gboolean pretty)
{
    g_autofree char *list = list_of_map (map, host->cpus);

    fprintf (shell->out, "%-15s %u\n", "VCPU:", vcpu->number);
    if (vcpu->cpu >= 0)
        fprintf (shell->out, "%-15s %d\n", "CPU:", vcpu->cpu);
    else
        fprintf (shell->out, "%-15s N/A\n", "CPU:");
    fprintf (shell->out, "%-15s %s\n", "State:", vcpu_state_name (vcpu->state));
    if (vcpu->state < 0)
        fprintf (shell->out, "%-15s N/A\n", "CPU time");
    else
        fprintf (shell->out, "%-15s %.1fs\n", "CPU time:", (double) vcpu->cpu_time / 1e9);
    fprintf (shell->out, "%-15s ", "CPU Affinity:");
    if (pretty)
        fprintf (shell->out, "%s (out of %d)", list, host->cpus);
    for (int cpu = 0; cpu < host->cpus && !pretty; cpu++)
        fputc (has_cpu (map, cpu) ? 'y' : '-', shell->out);
    fputs ("\n\n", shell->out);
}

static void
json_vcpus (Shell *shell, const SkepVcpu *vcpus, const uint8_t *maps, int n, const HostCpus *host)
{
    Json json;

    json_init (&json);
    json_open (&json, '[');
    for (int i = 0; i < n; i++) {
        g_autoptr (Record) record = record_new ();
        g_autofree char *list = list_of_map (maps + (size_t) i * host->size, host->cpus);

        record_number (record, "vcpu", NULL, vcpus[i].number, "%u", vcpus[i].number);
        if (vcpus[i].cpu >= 0)
            record_number (record, "cpu", NULL, vcpus[i].cpu, "%d", vcpus[i].cpu);
        else
            record_none (record, "cpu", NULL, "");
        if (vcpus[i].state >= 0)
            record_string (record, "state", NULL, vcpu_state_name (vcpus[i].state));
        else
            record_none (record, "state", NULL, "");
        record_number (record, "cpu_time", NULL, (gint64) vcpus[i].cpu_time, "%s", "");
        record_string (record, "affinity", NULL, list);
        record_json (record, &json);
    }
    json_close (&json, ']');
    json_finish (&json, shell->out);
}

/* A domain that does not run has pins all the same. */
static int
vcpus_of_stopped (SkepDomain *domain, const HostCpus *host, SkepVcpu **ret_vcpus,
                  uint8_t **ret_maps, SkepError *error)
{
    int n = skep_domain_vcpu_count (domain, SKEP_AFFECT_CONFIG | SKEP_VCPU_MAXIMUM, error);

    if (n >= 0)
        n = skep_domain_vcpu_pins (domain, (unsigned) n, host->size, SKEP_AFFECT_CONFIG, ret_maps,
                                   error);
    if (n < 0)
        return n;
    *ret_vcpus = g_new0 (SkepVcpu, (gsize) n + 1);
    for (int i = 0; i < n; i++)
        (*ret_vcpus)[i] = (SkepVcpu){ (unsigned) i, -1, -1, 0 };
    return n;
}

static int
run_vcpuinfo (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    g_autofree SkepVcpu *vcpus = NULL;
    g_autofree uint8_t *maps = NULL;
    HostCpus host;
    int n;

    if (!domain || !host_cpus (shell, &host))
        return 1;
    n = domain->id >= 0 ? skep_domain_vcpus (domain, &vcpus, &maps, host.size, &error)
                        : vcpus_of_stopped (domain, &host, &vcpus, &maps, &error);
    if (n < 0)
        return shell_fail_with (shell, &error, NULL);
    if (shell_wants_json (shell, args))
        json_vcpus (shell, vcpus, maps, n, &host);
    for (int i = 0; i < n && !shell_wants_json (shell, args); i++)
        print_vcpu (shell, &vcpus[i], maps + (size_t) i * host.size, &host,
                    args_flag (args, "pretty"));
    return 0;
}

/* ---- Pins ---- */

static int
show_pins (Shell *shell, const Args *args, SkepDomain *domain, const HostCpus *host, unsigned flags)
{
    static const char *const titles[] = { "VCPU", "CPU Affinity", NULL };
    static const char *const keys[] = { "vcpu", "affinity", NULL };
    autoerror error = { 0 };
    g_autoptr (Table) table = table_new (titles, keys);
    g_autofree uint8_t *maps = NULL;
    gint64 only = args_number (args, "vcpu", -1);
    int max = skep_domain_vcpu_count (domain, flags | SKEP_VCPU_MAXIMUM, &error);
    int n = max < 0 ? -1
                    : skep_domain_vcpu_pins (domain, (unsigned) max, host->size, flags, &maps,
                                             &error);

    if (n < 0)
        return shell_fail_with (shell, &error, NULL);
    for (int i = 0; i < n; i++) {
        g_autofree char *list = list_of_map (maps + (size_t) i * host->size, host->cpus);

        if (only >= 0 && only != i)
            continue;
        table_number (table, i, NULL);
        table_string (table, list);
    }
    table_print (table, shell_wants_json (shell, args), shell->quiet, shell->colour, shell->out);
    return 0;
}

static int
run_vcpupin (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    g_autofree uint8_t *map = NULL;
    const char *list = args_string (args, "cpulist");
    int flags = affect_flags (shell, args);
    gint64 vcpu = args_number (args, "vcpu", -1);
    HostCpus host;

    if (flags < 0)
        return 1;
    if (list && (vcpu < 0 || vcpu > G_MAXINT))
        return shell_fail (shell, "--cpulist needs --vcpu");
    if (!(domain = shell_domain (shell, args)) || !host_cpus (shell, &host))
        return 1;
    if (!list)
        return show_pins (shell, args, domain, &host,
                          flags & SKEP_AFFECT_LIVE ? SKEP_AFFECT_LIVE : (unsigned) flags);
    if (!(map = map_of_list (shell, list, &host)))
        return 1;
    if (!skep_domain_pin_vcpu (domain, (unsigned) vcpu, map, host.size, (unsigned) flags, &error))
        return shell_fail_with (shell, &error, NULL);
    return 0;
}

static int
run_emulatorpin (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    g_autofree uint8_t *map = NULL;
    g_autofree char *text = NULL;
    const char *list = args_string (args, "cpulist");
    int flags = affect_flags (shell, args);
    HostCpus host;

    if (flags < 0 || !(domain = shell_domain (shell, args)) || !host_cpus (shell, &host))
        return 1;
    if (list) {
        if (!(map = map_of_list (shell, list, &host)))
            return 1;
        if (!skep_domain_pin_emulator (domain, map, host.size, (unsigned) flags, &error))
            return shell_fail_with (shell, &error, NULL);
        return 0;
    }
    if (!skep_domain_emulator_pin (domain, host.size,
                                   flags & SKEP_AFFECT_LIVE ? SKEP_AFFECT_LIVE : (unsigned) flags,
                                   &map, &error))
        return shell_fail_with (shell, &error, NULL);
    text = list_of_map (map, host.cpus);
    if (!shell_wants_json (shell, args) && !shell->quiet)
        fputs ("emulator: CPU Affinity\n----------------------------------\n       *: ", shell->out);
    return print_string (shell, args, "affinity", text);
}

/* ---- Rows ---- */

#define OPTION_CPULIST                                                                             \
    {                                                                                              \
        "cpulist", OPT_STRING, 0, "CPUs of the host, such as 0-3,^2; r for all of them",           \
            COMPLETE_NONE, NULL                                                                    \
    }

static const Option vcpucount_options[] = {
    OPTION_DOMAIN,
    FLAG ("maximum", "how many it can have"),
    FLAG ("active", "how many it has"),
    OPTIONS_AFFECT,
    FLAG ("guest", "those that a program inside may use"),
    OPTIONS_END,
};
static const Option setvcpus_options[] = {
    OPTION_DOMAIN,
    { "count", OPT_NUMBER, OPT_REQUIRED, "how many", COMPLETE_NONE, NULL },
    FLAG ("maximum", "change the maximum, of the saved definition"),
    OPTIONS_AFFECT,
    FLAG ("guest", "those that a program inside may use"),
    FLAG ("hotpluggable", "for virtual machines"),
    OPTIONS_END,
};
static const Option vcpuinfo_options[] = {
    OPTION_DOMAIN, FLAG ("pretty", "print lists of CPUs as people write them"),
    OPTIONS_END
};
static const Option vcpupin_options[] = {
    OPTION_DOMAIN,
    { "vcpu", OPT_NUMBER, 0, "number of the virtual CPU", COMPLETE_NONE, NULL },
    OPTION_CPULIST,
    OPTIONS_AFFECT,
    OPTIONS_END,
};
static const Option emulatorpin_options[] = { OPTION_DOMAIN, OPTION_CPULIST, OPTIONS_AFFECT,
                                              OPTIONS_END };

const Verb verbs_vcpu[] = {
    { "vcpucount", GROUP_DOMAIN, VERB_JSON, "print how many virtual CPUs a domain has", NULL,
      vcpucount_options, run_vcpucount },
    { "setvcpus", GROUP_DOMAIN, 0, "change the number of virtual CPUs", NULL, setvcpus_options,
      run_setvcpus },
    { "vcpuinfo", GROUP_DOMAIN, VERB_JSON, "show the virtual CPUs of a domain", NULL,
      vcpuinfo_options, run_vcpuinfo },
    { "vcpupin", GROUP_DOMAIN, VERB_JSON, "show or set where virtual CPUs may run", NULL,
      vcpupin_options, run_vcpupin },
    { "emulatorpin", GROUP_DOMAIN, VERB_JSON,
      "show or set where the processes beside virtual CPUs may run", NULL, emulatorpin_options,
      run_emulatorpin },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
