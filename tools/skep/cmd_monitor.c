/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs that look at domains. */
#include "cmd.h"

#include <string.h>
#include <sys/wait.h>

/* ---- list ---- */

static const struct {
    const char *option;
    unsigned flag;
} list_filters[] = {
    { "transient", SKEP_LIST_TRANSIENT },
    { "persistent", SKEP_LIST_PERSISTENT },
    { "with-snapshot", SKEP_LIST_HAS_SNAPSHOT },
    { "without-snapshot", SKEP_LIST_NO_SNAPSHOT },
    { "with-checkpoint", SKEP_LIST_HAS_CHECKPOINT },
    { "without-checkpoint", SKEP_LIST_NO_CHECKPOINT },
    { "state-running", SKEP_LIST_RUNNING },
    { "state-paused", SKEP_LIST_PAUSED },
    { "state-shutoff", SKEP_LIST_SHUTOFF },
    { "state-other", SKEP_LIST_OTHER },
    { "autostart", SKEP_LIST_AUTOSTART },
    { "no-autostart", SKEP_LIST_NO_AUTOSTART },
    { "with-managed-save", SKEP_LIST_MANAGEDSAVE },
    { "without-managed-save", SKEP_LIST_NO_MANAGEDSAVE },
};

static unsigned
list_flags (const Args *args)
{
    unsigned flags = args_flag (args, "all")      ? SKEP_LIST_ACTIVE | SKEP_LIST_INACTIVE
                   : args_flag (args, "inactive") ? SKEP_LIST_INACTIVE
                                                  : SKEP_LIST_ACTIVE;

    for (unsigned i = 0; i < G_N_ELEMENTS (list_filters); i++)
        flags |= args_flag (args, list_filters[i].option) ? list_filters[i].flag : 0;
    /* Asking for a state means domains of that state, running or not. */
    if (!args_flag (args, "all") && !args_flag (args, "inactive") && flags & SKEP_LIST_SHUTOFF)
        flags |= SKEP_LIST_INACTIVE;
    return flags;
}

/* Running domains first, by id; then the others by name. */
static int
compare_domains (const void *a, const void *b)
{
    const SkepDomain *left = *(SkepDomain *const *) a, *right = *(SkepDomain *const *) b;

    if (left->id != right->id && (left->id < 0 || right->id < 0))
        return left->id < 0 ? 1 : -1;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return strcmp (left->name, right->name);
}

static const char *
state_colour (int state)
{
    switch (state) {
    case SKEP_STATE_RUNNING:
        return "32";
    case SKEP_STATE_PAUSED:
    case SKEP_STATE_SHUTDOWN:
        return "33";
    case SKEP_STATE_CRASHED:
        return "31";
    default:
        return "2";
    }
}

typedef struct {
    gboolean known;             /* else it went away between the list and now */
    int state, reason;
} ListState;

static int
state_number (const SkepStats *stats, const char *name)
{
    const SkepParam *param = skep_params_find (&stats->values, name);

    return param ? (int) param->value.i : 0;
}

/* Of @n @domains. All in one call, which answers in their order and leaves out those that are gone; one by one
 * where the other side has no such call. */
static ListState *
list_states (Shell *shell, SkepDomain **domains, unsigned n)
{
    ListState *states = g_new0 (ListState, n);
    SkepStats *stats = NULL;
    int found = n == 0 ? 0 : skep_stats (shell->conn, domains, n, SKEP_STATS_STATE, 0, &stats, NULL);

    for (int i = 0, at = 0; i < (int) n; i++) {
        if (found < 0) {
            states[i].known = skep_domain_state (domains[i], &states[i].state, &states[i].reason, NULL);
        } else if (at < found && !memcmp (stats[at].domain->uuid, domains[i]->uuid, sizeof domains[i]->uuid)) {
            states[i] = (ListState){ TRUE, state_number (&stats[at], "state.state"),
                                     state_number (&stats[at], "state.reason") };
            at++;
        }
    }
    skep_stats_free (stats, MAX (found, 0));
    return states;
}

static void
add_list_row (Table *table, const Args *args, SkepDomain *domain, int state, int reason, gboolean as_json)
{
    char uuid[37];

    if (domain->id >= 0)
        table_number (table, domain->id, NULL);
    else
        table_none (table, "-");
    table_string (table, domain->name);
    table_string (table, args_flag (args, "managed-save") && state == SKEP_STATE_SHUTOFF
                                 && skep_domain_has_managed_save (domain, NULL) > 0
                             ? "saved"
                             : skep_state_name (state));
    table_colour (table, state_colour (state));
    if (args_flag (args, "title") || as_json) {
        g_autofree char *title = skep_domain_metadata (domain, SKEP_METADATA_TITLE, NULL, 0, NULL);

        table_string (table, title ? title : "");
    }
    if (as_json) {
        skep_domain_uuid_text (domain, uuid);
        table_string (table, uuid);
        table_string (table, skep_state_reason_name (state, reason));
    }
}

static void
print_list_table (Shell *shell, const Args *args, SkepDomain **domains, unsigned n)
{
    static const char *const titles[] = { "Id", "Name", "State", "Title", "UUID", "Reason", NULL };
    static const char *const keys[] = { "id", "name", "state", "title", "uuid", "reason", NULL };
    gboolean as_json = shell_wants_json (shell, args);
    unsigned columns = as_json ? 6 : args_flag (args, "title") ? 4 : 3;
    const char *used_titles[7] = { NULL }, *used_keys[7] = { NULL };
    g_autoptr (Table) table = NULL;
    g_autofree ListState *states = list_states (shell, domains, n);

    memcpy (used_titles, titles, columns * sizeof *titles);
    memcpy (used_keys, keys, columns * sizeof *keys);
    table = table_new (used_titles, used_keys);
    for (unsigned i = 0; i < n; i++)
        if (states[i].known)
            add_list_row (table, args, domains[i], states[i].state, states[i].reason, as_json);
    table_print (table, as_json, shell->quiet, shell->colour, shell->out);
}

/* --id, --uuid, --name: one line a domain, in this order. */
static void
print_list_fields (Shell *shell, const Args *args, SkepDomain **domains)
{
    for (SkepDomain **at = domains; *at; at++) {
        g_autoptr (GString) line = g_string_new (NULL);
        char uuid[37];

        if (args_flag (args, "id") && (*at)->id >= 0)
            g_string_append_printf (line, "%d ", (*at)->id);
        else if (args_flag (args, "id"))
            g_string_append (line, "- ");
        if (args_flag (args, "uuid")) {
            skep_domain_uuid_text (*at, uuid);
            g_string_append_printf (line, "%s ", uuid);
        }
        if (args_flag (args, "name"))
            g_string_append (line, (*at)->name);
        fprintf (shell->out, "%s\n", g_strchomp (line->str));
    }
}

static int
run_list (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    SkepDomain **domains = NULL;
    gboolean fields = args_flag (args, "id") || args_flag (args, "uuid")
                   || args_flag (args, "name");
    int n;

    if (fields && args_flag (args, "table"))
        return shell_fail (shell, "--table excludes --id, --uuid and --name");
    n = skep_list_domains (shell->conn, list_flags (args), &domains, &error);
    if (n < 0)
        return shell_fail_with (shell, &error, "cannot list the domains");
    qsort (domains, (size_t) n, sizeof *domains, compare_domains);
    if (fields && !shell_wants_json (shell, args))
        print_list_fields (shell, args, domains);
    else
        print_list_table (shell, args, domains, (unsigned) n);
    skep_domain_list_free (domains);
    return 0;
}

/* ---- dominfo ---- */

static void
add_numbers (Record *record, const SkepDomainInfo *info)
{
    record_number (record, "vcpus", "CPU(s)", info->vcpus, "%u", info->vcpus);
    if (info->cpu_time)
        record_number (record, "cpu_time_ns", "CPU time", (gint64) info->cpu_time, "%.1fs",
                       (double) info->cpu_time / 1e9);
    if (info->max_memory >= SKEP_MEMORY_UNLIMITED)
        record_string (record, "max_memory", "Max memory", "no limit");
    else
        record_number (record, "max_memory", "Max memory", (gint64) info->max_memory,
                       "%" G_GUINT64_FORMAT " KiB", info->max_memory);
    record_number (record, "memory", "Used memory", (gint64) info->memory,
                   "%" G_GUINT64_FORMAT " KiB", info->memory);
}

/* Facts that a daemon may not know are left out. */
static void
add_traits (Record *record, SkepDomain *domain)
{
    int persistent = skep_domain_is_persistent (domain, NULL);
    int autostart = skep_domain_autostart (domain, NULL);
    int saved = skep_domain_has_managed_save (domain, NULL);

    if (persistent >= 0)
        record_bool (record, "persistent", "Persistent", persistent, persistent ? "yes" : "no");
    if (autostart >= 0)
        record_bool (record, "autostart", "Autostart", autostart, autostart ? "enable" : "disable");
    if (saved >= 0)
        record_bool (record, "managed_save", "Managed save", saved, saved ? "yes" : "no");
}

static void
add_security (Record *record, SkepDomain *domain)
{
    g_autofree char *model = NULL, *doi = NULL, *label = NULL, *shown = NULL;
    bool enforcing = false;

    if (!skep_security_model (domain->conn, &model, &doi, NULL) || !*model)
        return;
    record_string (record, "security_model", "Security model", model);
    record_string (record, "security_doi", "Security DOI", doi);
    if (domain->id < 0 || !skep_domain_security_label (domain, &label, &enforcing, NULL) || !*label)
        return;
    shown = g_strdup_printf ("%s (%s)", label, enforcing ? "enforcing" : "permissive");
    record_string_raw (record, "security_label", "Security label", shown, label);
}

static void
add_last_exit (Record *record, SkepDomain *domain)
{
    g_autofree char *text = NULL;
    int status;

    if (skep_domain_last_exit (domain, &status, &text, NULL) && text && *text)
        record_string (record, "last_exit", "Last exit", text);
}

static void
add_messages (Record *record, SkepDomain *domain)
{
    char **messages = skep_domain_messages (domain, 0, NULL);

    for (char **message = messages; message && *message; message++)
        record_string (record, "message", "Messages", *message);
    skep_strings_free (messages);
}

static int
run_dominfo (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    SkepDomainInfo info;
    g_autoptr (Record) record = record_new ();
    g_autofree char *os_type = NULL;
    char uuid[37];

    if (!domain)
        return 1;
    if (!skep_domain_info (domain, &info, &error))
        return shell_fail_with (shell, &error, NULL);
    if (domain->id >= 0)
        record_number (record, "id", "Id", domain->id, "%d", domain->id);
    else
        record_none (record, "id", "Id", "-");
    skep_domain_uuid_text (domain, uuid);
    record_string (record, "name", "Name", domain->name);
    record_string (record, "uuid", "UUID", uuid);
    os_type = skep_domain_os_type (domain, NULL);
    if (os_type)
        record_string (record, "os_type", "OS Type", os_type);
    record_string (record, "state", "State", skep_state_name (info.state));
    add_numbers (record, &info);
    add_traits (record, domain);
    add_security (record, domain);
    add_last_exit (record, domain);
    add_messages (record, domain);
    record_print_titled (record, 15, shell_wants_json (shell, args), shell->out);
    return 0;
}

/* ---- domstate and its kin ---- */

static int
run_domstate (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    g_autoptr (Record) record = record_new ();
    g_autofree char *last = NULL;
    gboolean reasons = args_flag (args, "reason");
    int state, reason, status;

    if (!domain)
        return 1;
    if (!skep_domain_state (domain, &state, &reason, &error))
        return shell_fail_with (shell, &error, NULL);
    if (reasons && state == SKEP_STATE_SHUTOFF
        && (!skep_domain_last_exit (domain, &status, &last, NULL) || status < 0))
        g_clear_pointer (&last, g_free);
    if (shell_wants_json (shell, args)) {
        record_string (record, "state", NULL, skep_state_name (state));
        record_string (record, "reason", NULL, skep_state_reason_name (state, reason));
        if (last)
            record_string (record, "last_exit", NULL, last);
        record_print (record, 0, "", TRUE, shell->out);
        return 0;
    }
    fputs (skep_state_name (state), shell->out);
    if (reasons)
        fprintf (shell->out, " (%s)", skep_state_reason_name (state, reason));
    fputc ('\n', shell->out);
    if (last && *last && !shell->quiet)
        fprintf (shell->out, "init: %s\n", last);
    return 0;
}

static int
run_domid (Shell *shell, const Args *args)
{
    autodomain domain = shell_domain (shell, args);

    if (!domain)
        return 1;
    if (domain->id >= 0)
        return print_number (shell, args, "id", domain->id);
    return print_string (shell, args, "id", shell_wants_json (shell, args) ? NULL : "-");
}

static int
run_domname (Shell *shell, const Args *args)
{
    autodomain domain = shell_domain (shell, args);

    return domain ? print_string (shell, args, "name", domain->name) : 1;
}

static int
run_domuuid (Shell *shell, const Args *args)
{
    autodomain domain = shell_domain (shell, args);
    char uuid[37];

    if (!domain)
        return 1;
    skep_domain_uuid_text (domain, uuid);
    return print_string (shell, args, "uuid", uuid);
}

static int
run_domcontrol (Shell *shell, const Args *args)
{
    static const char *const states[] = { "ok", "background job", "occupied", "error" };
    static const char *const details[] = { "", "unknown", "monitor failure",
                                           "internal (locking) error" };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    unsigned state, detail, since;

    if (!domain)
        return 1;
    if (!skep_domain_control_info (domain, &state, &detail, &since, &error))
        return shell_fail_with (shell, &error, NULL);
    fputs (state < G_N_ELEMENTS (states) ? states[state] : "unknown", shell->out);
    if (state == 3 && detail && detail < G_N_ELEMENTS (details))
        fprintf (shell->out, ": %s", details[detail]);
    if (state)
        fprintf (shell->out, " (%0.3fs)", since / 1000.0);
    fputc ('\n', shell->out);
    return 0;
}

/* ---- Statistics ---- */

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
    };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    autoparams params = { 0 };
    const char *device = args_string (args, "device");
    g_autoptr (Record) record = record_new ();

    if (!domain)
        return 1;
    if (!skep_domain_block_stats (domain, device ? device : "", &params, &error))
        return shell_fail_with (shell, &error, "Failed to get block stats for domain '%s' device '%s'",
                                domain->name, device ? device : "");
    for (unsigned i = 0; i < G_N_ELEMENTS (names); i++) {
        const SkepParam *param = skep_params_find (&params, names[i].field);
        g_autofree char *title = g_strdup_printf ("%s %s", device ? device : "",
                                                  args_flag (args, "human") ? names[i].words
                                                                            : names[i].brief);

        if (param)
            record_number (record, names[i].brief, title, param->value.l, "%" G_GINT64_FORMAT,
                           param->value.l);
    }
    record_print (record, 0, " ", shell_wants_json (shell, args), shell->out);
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

static const Option list_options[] = {
    FLAG ("inactive", "domains that do not run"),
    FLAG ("all", "all domains, running or not"),
    FLAG ("transient", "domains without a saved definition"),
    FLAG ("persistent", "domains with a saved definition"),
    FLAG ("with-snapshot", "domains that have snapshots"),
    FLAG ("without-snapshot", "domains that have none"),
    FLAG ("with-checkpoint", "domains that have checkpoints"),
    FLAG ("without-checkpoint", "domains that have none"),
    FLAG ("state-running", "domains in state running"),
    FLAG ("state-paused", "domains in state paused"),
    FLAG ("state-shutoff", "domains in state shut off"),
    FLAG ("state-other", "domains in any other state"),
    FLAG ("autostart", "domains that are started at boot"),
    FLAG ("no-autostart", "domains that are not"),
    FLAG ("with-managed-save", "domains that have a saved state"),
    FLAG ("without-managed-save", "domains that have none"),
    FLAG ("uuid", "print UUIDs only"),
    FLAG ("name", "print names only"),
    FLAG ("id", "print ids only"),
    FLAG ("table", "print a table (the default)"),
    FLAG ("managed-save", "mark stopped domains that have a saved state"),
    FLAG ("title", "show titles as well"),
    OPTIONS_END,
};
static const Option domain_options[] = { OPTION_DOMAIN, OPTIONS_END };
static const Option domstate_options[] = { OPTION_DOMAIN, FLAG ("reason", "say why as well"),
                                           OPTIONS_END };
static const Option domifstat_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "interface", OPT_STRING, OPT_REQUIRED, "name on the host, or MAC address", COMPLETE_NONE,
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
    { "device", OPT_STRING, 0, "the disk; all of them together without it", COMPLETE_NONE, NULL },
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

const Verb verbs_monitor[] = {
    { "list", GROUP_MONITOR, VERB_JSON, "list domains",
      "Running domains only, unless options say otherwise.", list_options, run_list },
    { "dominfo", GROUP_MONITOR, VERB_JSON, "show the main facts of a domain", NULL, domain_options,
      run_dominfo },
    { "domstate", GROUP_MONITOR, VERB_JSON, "show the state of a domain", NULL, domstate_options,
      run_domstate },
    { "domid", GROUP_DOMAIN, VERB_JSON, "print a domain's id",
      "It is the process id of its controller.", domain_options, run_domid },
    { "domname", GROUP_DOMAIN, VERB_JSON, "print a domain's name", NULL, domain_options,
      run_domname },
    { "domuuid", GROUP_DOMAIN, VERB_JSON, "print a domain's UUID", NULL, domain_options,
      run_domuuid },
    { "domcontrol", GROUP_MONITOR, 0, "show whether a domain can be controlled", NULL,
      domain_options, run_domcontrol },
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
