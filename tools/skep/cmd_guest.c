/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs that ask or change what is inside a container, its jobs, its name and its ends. */
#include "cmd.h"

#include <string.h>
#include <time.h>

/* ---- Names and facts ---- */

static int
run_domhostname (Shell *shell, const Args *args)
{
    static const char *const sources[] = { "lease", "agent" };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    const char *source = args_string (args, "source");
    g_autofree char *name = NULL;
    unsigned which = 0;

    if (!domain)
        return 1;
    while (source && which < G_N_ELEMENTS (sources) && strcmp (source, sources[which]) != 0)
        which++;
    if (which == G_N_ELEMENTS (sources))
        return shell_fail (shell, "unknown data source '%s': lease or agent", source);
    name = skep_domain_hostname (domain, source ? 1U << which : 0, &error);
    if (!name)
        return shell_fail_with (shell, &error, "failed to get hostname");
    return print_string (shell, args, "hostname", name);
}

static const struct {
    const char *option;
    unsigned type;
} guest_types[] = {
    { "user", SKEP_GUEST_USERS },         { "os", SKEP_GUEST_OS },
    { "timezone", SKEP_GUEST_TIMEZONE },  { "hostname", SKEP_GUEST_HOSTNAME },
    { "filesystem", SKEP_GUEST_FILESYSTEM }, { "disk", SKEP_GUEST_DISKS },
    { "interface", SKEP_GUEST_INTERFACES },
};

static int
run_guestinfo (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    autoparams params = { 0 };
    g_autoptr (Record) record = record_new ();
    unsigned types = 0;

    if (!domain)
        return 1;
    for (unsigned i = 0; i < G_N_ELEMENTS (guest_types); i++)
        if (args_flag (args, guest_types[i].option))
            types |= guest_types[i].type;
    if (!skep_domain_guest_info (domain, types, &params, &error))
        return shell_fail_with (shell, &error, NULL);
    record_params (record, &params);
    record_print (record, 20, ": ", shell_wants_json (shell, args), shell->out);
    return 0;
}

static int
run_domfsinfo (Shell *shell, const Args *args)
{
    static const char *const titles[] = { "Mountpoint", "Name", "Type", "Target", NULL };
    static const char *const keys[] = { "mountpoint", "name", "type", "target", NULL };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    g_autoptr (Table) table = table_new (titles, keys);
    SkepFilesystem *filesystems = NULL;
    int n = domain ? skep_domain_filesystems (domain, &filesystems, &error) : -1;

    if (!domain)
        return 1;
    if (n < 0)
        return shell_fail_with (shell, &error, "Unable to get filesystem information");
    for (int i = 0; i < n; i++) {
        g_autofree char *targets = g_strjoinv (",", filesystems[i].targets);

        table_string (table, filesystems[i].mountpoint);
        table_string (table, filesystems[i].name);
        table_string (table, filesystems[i].type);
        table_strings (table, (const char *const *) filesystems[i].targets, targets);
    }
    table_print (table, shell_wants_json (shell, args), shell->quiet, shell->colour, shell->out);
    skep_filesystems_free (filesystems, n);
    return 0;
}

/* ---- Freezing file systems ---- */

static int
freeze_or_thaw (Shell *shell, const Args *args, gboolean freeze)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    const char *const *mounts = args_list (args, "mountpoint");
    unsigned n = 0;
    int done;

    if (!domain)
        return 1;
    while (mounts && mounts[n])
        n++;
    done = freeze ? skep_domain_freeze (domain, mounts, n, &error)
                  : skep_domain_thaw (domain, mounts, n, &error);
    if (done < 0)
        return shell_fail_with (shell, &error, "Unable to %s filesystems",
                                freeze ? "freeze" : "thaw");
    shell_say (shell, "%s %d filesystem(s)", freeze ? "Froze" : "Thawed", done);
    return 0;
}

static int
run_domfsfreeze (Shell *shell, const Args *args)
{
    return freeze_or_thaw (shell, args, TRUE);
}

static int
run_domfsthaw (Shell *shell, const Args *args)
{
    return freeze_or_thaw (shell, args, FALSE);
}

/* ---- Time ---- */

static int
show_time (Shell *shell, const Args *args, SkepDomain *domain)
{
    autoerror error = { 0 };
    g_autoptr (Record) record = record_new ();
    int64_t seconds;
    unsigned nseconds;

    if (!skep_domain_time (domain, &seconds, &nseconds, &error))
        return shell_fail_with (shell, &error, NULL);
    if (args_flag (args, "pretty")) {
        g_autoptr (GDateTime) when = g_date_time_new_from_unix_utc (seconds);
        g_autofree char *text = g_date_time_format (when, "%Y-%m-%d %H:%M:%S");

        record_string (record, "time", "Time", text);
    } else {
        record_number (record, "time", "Time", seconds, "%" G_GINT64_FORMAT, seconds);
    }
    record_print (record, 0, ": ", shell_wants_json (shell, args), shell->out);
    return 0;
}

static int
run_domtime (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    gboolean now = args_flag (args, "now"), sync = args_flag (args, "sync"),
             given = args_given (args, "time");

    if (!domain)
        return 1;
    if (now + sync + given > 1)
        return shell_fail (shell, "--now, --sync and --time exclude each other");
    if (!now && !sync && !given)
        return show_time (shell, args, domain);
    if (!skep_domain_set_time (domain,
                               given ? args_number (args, "time", 0) : now ? time (NULL) : 0, 0,
                               sync ? 1 : 0, &error))
        return shell_fail_with (shell, &error, NULL);
    return 0;
}

/* ---- Jobs ---- */

static int
run_domjobinfo (Shell *shell, const Args *args)
{
    static const char *const types[] = { "None",      "Bounded", "Unbounded",
                                         "Completed", "Failed",  "Cancelled" };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    autoparams params = { 0 };
    g_autoptr (Record) record = record_new ();
    const char *word;
    int type;

    if (!domain)
        return 1;
    if (!skep_domain_job (domain,
                          (args_flag (args, "completed") ? 1U : 0)
                              | (args_flag (args, "keep-completed") ? 2U : 0),
                          &type, &params, &error))
        return shell_fail_with (shell, &error, NULL);
    word = type >= 0 && type < (int) G_N_ELEMENTS (types) ? types[type] : "?";
    record_string (record, "type", "Job type:", word);
    if (type || args_flag (args, "anystats") || args_flag (args, "rawstats"))
        record_params (record, &params);
    record_print (record, 17, " ", shell_wants_json (shell, args), shell->out);
    return 0;
}

static int
run_domjobabort (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);

    if (!domain)
        return 1;
    if (args_flag (args, "postcopy"))
        return shell_fail (shell, "--postcopy is for migrations of virtual machines");
    if (!skep_domain_abort_job (domain, &error))
        return shell_fail_with (shell, &error, NULL);
    return 0;
}

/* ---- Name, and what follows an end ---- */

static int
run_domrename (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);

    if (!domain)
        return 1;
    if (!skep_domain_rename (domain, args_string (args, "new-name"), &error))
        return shell_fail_with (shell, &error, NULL);
    shell_say (shell, "Domain successfully renamed");
    return 0;
}

/* The place of @word among the words of a table that ends with NULL, or -1. */
static int
place_of (const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp (words[i], word) == 0)
            return i;
    return -1;
}

static int
run_set_lifecycle_action (Shell *shell, const Args *args)
{
    static const char *const events[] = { "poweroff", "reboot", "crash", NULL };
    static const char *const actions[] = { "destroy",          "restart",
                                           "rename-restart",   "preserve",
                                           "coredump-destroy", "coredump-restart",
                                           NULL };
    autoerror error = { 0 };
    autodomain domain = NULL;
    int flags = affect_flags (shell, args);
    int event = place_of (args_string (args, "type"), events);
    int action = place_of (args_string (args, "action"), actions);

    if (flags < 0)
        return 1;
    if (event < 0)
        return shell_fail (shell, "Invalid lifecycle type '%s'.", args_string (args, "type"));
    if (action < 0)
        return shell_fail (shell, "Invalid lifecycle action '%s'.", args_string (args, "action"));
    if (!(domain = shell_domain (shell, args)))
        return 1;
    if (!skep_domain_set_lifecycle_action (domain, (unsigned) event, (unsigned) action,
                                           (unsigned) flags, &error))
        return shell_fail_with (shell, &error, "Unable to change lifecycle action");
    return 0;
}

/* ---- Rows ---- */

static const Option hostname_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "source", OPT_STRING, OPT_NAMED, "where to look", COMPLETE_WORDS, "lease|agent" },
    OPTIONS_END,
};
static const Option guestinfo_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    FLAG ("user", "who is logged in"),
    FLAG ("os", "the operating system"),
    FLAG ("timezone", "the time zone"),
    FLAG ("hostname", "the name"),
    FLAG ("filesystem", "the file systems"),
    FLAG ("disk", "the disks"),
    FLAG ("interface", "the network interfaces"),
    OPTIONS_END,
};
static const Option active_options[] = { OPTION_DOMAIN_IS (COMPLETE_ACTIVE), OPTIONS_END };
static const Option freeze_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "mountpoint", OPT_LIST, 0, "where the file systems are mounted inside (all of them)",
      COMPLETE_NONE, NULL },
    OPTIONS_END,
};
static const Option time_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    FLAG ("now", "set it to the host's; a container has no clock of its own"),
    FLAG ("pretty", "print it for people"),
    FLAG ("sync", "set it from the hardware clock; a container has none"),
    { "time", OPT_NUMBER, OPT_NAMED, "set it to these seconds since 1970", COMPLETE_NONE, NULL },
    OPTIONS_END,
};
static const Option jobinfo_options[] = {
    OPTION_DOMAIN,
    FLAG ("completed", "of the last job that ended"),
    FLAG ("keep-completed", "do not forget it then"),
    FLAG ("anystats", "figures whatever the job is"),
    FLAG ("rawstats", "figures as they come"),
    OPTIONS_END,
};
static const Option jobabort_options[] = {
    OPTION_DOMAIN, FLAG ("postcopy", "for virtual machines; refused"), OPTIONS_END
};
static const Option rename_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_INACTIVE),
    { "new-name", OPT_STRING, OPT_REQUIRED, "the new name", COMPLETE_NONE, NULL },
    OPTIONS_END,
};
static const Option action_options[] = {
    OPTION_DOMAIN,
    { "type", OPT_STRING, OPT_REQUIRED, "which end", COMPLETE_WORDS, "poweroff|reboot|crash" },
    { "action", OPT_STRING, OPT_REQUIRED, "what follows", COMPLETE_WORDS,
      "destroy|restart|rename-restart|preserve|coredump-destroy|coredump-restart" },
    OPTIONS_AFFECT,
    OPTIONS_END,
};

const Verb verbs_guest[] = {
    { "domhostname", GROUP_MONITOR, VERB_JSON, "print a domain's own name", NULL, hostname_options,
      run_domhostname },
    { "guestinfo", GROUP_MONITOR, VERB_JSON, "show what a container says of itself",
      "All of it, unless parts are named.", guestinfo_options, run_guestinfo },
    { "domfsinfo", GROUP_MONITOR, VERB_JSON, "list the file systems mounted in a container", NULL,
      active_options, run_domfsinfo },
    { "domfsfreeze", GROUP_DOMAIN, 0, "freeze file systems of a container", NULL, freeze_options,
      run_domfsfreeze },
    { "domfsthaw", GROUP_DOMAIN, 0, "let frozen file systems go on", NULL, freeze_options,
      run_domfsthaw },
    { "domtime", GROUP_MONITOR, VERB_JSON, "show the time of a domain", NULL, time_options,
      run_domtime },
    { "domjobinfo", GROUP_DOMAIN, VERB_JSON, "show what long work goes on", NULL, jobinfo_options,
      run_domjobinfo },
    { "domjobabort", GROUP_DOMAIN, 0, "end long work early", NULL, jobabort_options,
      run_domjobabort },
    { "domrename", GROUP_DOMAIN, 0, "rename a domain that does not run", NULL, rename_options,
      run_domrename },
    { "set-lifecycle-action", GROUP_DOMAIN, 0, "say what follows an end of a domain", NULL,
      action_options, run_set_lifecycle_action },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
