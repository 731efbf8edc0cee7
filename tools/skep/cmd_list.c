/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

/* ---- Which ---- */

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

const Verb verbs_list[] = {
    { "list", GROUP_MONITOR, VERB_JSON, "list domains",
      "Running domains only, unless options say otherwise.", list_options, run_list },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
