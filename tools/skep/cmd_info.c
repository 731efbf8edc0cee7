/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs that look at one domain: dominfo, domstate and their kin. */
#include "cmd.h"

#include <string.h>

/* ---- dominfo ---- */

static void
add_numbers (Record *record, const SkepDomainInfo *info)
{
    record_number (record, "vcpus", "CPU(s)", info->vcpus, "%u", info->vcpus);
    if (info->cpu_time)
        record_number (record, "cpu_time", "CPU time", (gint64) info->cpu_time, "%.1fs",
                       (double) info->cpu_time / 1e9);
    else
        record_silent_number (record, "cpu_time", 0);
    if (info->max_memory >= SKEP_MEMORY_UNLIMITED)
        record_none (record, "max_memory", "Max memory", "no limit");
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

    record_strings (record, "messages", "Messages", (const char *const *) messages);
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
    if (shell_wants_json (shell, args)) {
        g_autoptr (Record) record = record_new ();

        record_string (record, "state", NULL, state < G_N_ELEMENTS (states) ? states[state] : "unknown");
        if (state == 3 && detail && detail < G_N_ELEMENTS (details))
            record_string (record, "details", NULL, details[detail]);
        else
            record_none (record, "details", NULL, "");
        record_number (record, "since_ms", NULL, since, "%u", since);
        record_print (record, 0, "", TRUE, shell->out);
        return 0;
    }
    fputs (state < G_N_ELEMENTS (states) ? states[state] : "unknown", shell->out);
    if (state == 3 && detail && detail < G_N_ELEMENTS (details))
        fprintf (shell->out, ": %s", details[detail]);
    if (state)
        fprintf (shell->out, " (%0.3fs)", since / 1000.0);
    fputc ('\n', shell->out);
    return 0;
}

/* ---- Rows ---- */

static const Option domain_options[] = { OPTION_DOMAIN, OPTIONS_END };
static const Option domstate_options[] = { OPTION_DOMAIN, FLAG ("reason", "say why as well"),
                                           OPTIONS_END };

const Verb verbs_info[] = {
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
    { "domcontrol", GROUP_MONITOR, VERB_JSON, "show whether a domain can be controlled", NULL,
      domain_options, run_domcontrol },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
