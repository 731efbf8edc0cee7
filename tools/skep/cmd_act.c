/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs of virsh that do something to a container beside its life and its limits, and some that a container
 * daemon refuses, with its reason. */
#include "cmd.h"

#include <string.h>

static int
run_reset (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);

    if (!domain)
        return 1;
    if (!skep_domain_reset (domain, &error))
        return shell_fail_with (shell, &error, "Failed to reset domain '%s'", domain->name);
    shell_say (shell, "Domain '%s' was reset", domain->name);
    return 0;
}

/* ---- vcpus by number */

/* 1 on, 0 off, -1 neither is given; -2 with an error printed: both. */
static int
on_or_off (Shell *shell, const Args *args)
{
    gboolean on = args_flag (args, "enable"), off = args_flag (args, "disable");

    if (on && off) {
        shell_fail (shell, "--enable and --disable exclude each other");
        return -2;
    }
    return on ? 1 : off ? 0 : -1;
}

static int
run_setvcpu (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    int flags = affect_flags (shell, args), on = on_or_off (shell, args);

    if (flags < 0 || on == -2)
        return 1;
    if (on == -1)
        return shell_fail (shell, "one of --enable, --disable is required");
    if (!(domain = shell_domain (shell, args)))
        return 1;
    if (!skep_domain_set_vcpu (domain, args_string (args, "vcpulist"), on, (unsigned) flags, &error))
        return shell_fail_with (shell, &error, NULL);
    return 0;
}

static int
run_guestvcpus (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    autoparams params = { 0 };
    g_autoptr (Record) record = record_new ();
    const char *list = args_string (args, "cpulist");
    int on = on_or_off (shell, args);

    if (on == -2)
        return 1;
    if (on >= 0 && !list)
        return shell_fail (shell, "options --enable and --disable require option --cpulist");
    if (on == -1 && list)
        return shell_fail (shell, "one of the options --enable or --disable is required by option --cpulist");
    if (!(domain = shell_domain (shell, args)))
        return 1;
    if (on >= 0)
        return skep_domain_set_guest_vcpus (domain, list, on, &error) ? 0 : shell_fail_with (shell, &error, NULL);
    if (!skep_domain_guest_vcpus (domain, &params, &error))
        return shell_fail_with (shell, &error, NULL);
    record_params (record, &params);
    record_print (record, 15, ": ", shell_wants_json (shell, args), shell->out);
    return 0;
}

/* ---- disks and file systems */

static int
run_domblkerror (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    static const char *const words[] = { "no error", "unspecified error", "no space" };
    static const char *const titles[] = { "Disk", "Error", NULL }, *const keys[] = { "disk", "error", NULL };
    g_autoptr (Table) table = table_new (titles, keys);
    SkepDiskError *errors = NULL;
    int n = domain ? skep_domain_disk_errors (domain, &errors, &error) : -1;

    if (!domain)
        return 1;
    if (n < 0)
        return shell_fail_with (shell, &error, NULL);
    for (int i = 0; i < n; i++) {
        const char *word = (unsigned) errors[i].error < G_N_ELEMENTS (words) ? words[errors[i].error]
                                                                           : "unknown";

        table_string (table, errors[i].disk);
        table_string (table, word);
        if (!shell_wants_json (shell, args))
            fprintf (shell->out, "%s: %s\n", errors[i].disk, word);
    }
    if (shell_wants_json (shell, args))
        table_print (table, TRUE, FALSE, FALSE, shell->out);
    else if (n == 0)
        shell_say (shell, "No errors found");
    skep_disk_errors_free (errors, n);
    return 0;
}

static int
run_domfstrim (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    gint64 minimum = args_number (args, "minimum", 0);

    if (!domain)
        return 1;
    if (minimum < 0)
        return shell_fail (shell, "--minimum cannot be negative");
    if (!skep_domain_trim (domain, args_string (args, "mountpoint"), (guint64) minimum, &error))
        return shell_fail_with (shell, &error, "Unable to invoke fstrim");
    return 0;
}

/* ---- what a container daemon refuses */

static int
run_set_user_password (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);

    if (!domain)
        return 1;
    if (!skep_domain_set_user_password (domain, args_string (args, "user"), args_string (args, "password"),
                                        args_flag (args, "encrypted") ? 1 : 0, &error))
        return shell_fail_with (shell, &error, NULL);
    shell_say (shell, "Password set successfully for %s in %s", args_string (args, "user"), domain->name);
    return 0;
}

static int
run_nodesuspend (Shell *shell, const Args *args)
{
    static const char *const targets[] = { "mem", "disk", "hybrid" };      /* virNodeSuspendTarget */
    autoerror error = { 0 };
    SkepConnection *conn = NULL;
    unsigned target = 0;

    while (target < G_N_ELEMENTS (targets) && strcmp (args_string (args, "target"), targets[target]) != 0)
        target++;
    if (target == G_N_ELEMENTS (targets))
        return shell_fail (shell, "Invalid target");
    if (args_number (args, "duration", 0) < 0)
        return shell_fail (shell, "Invalid duration");
    if (!(conn = shell_connection (shell)))
        return 1;
    if (!skep_node_suspend (conn, target, (guint64) args_number (args, "duration", 0), &error))
        return shell_fail_with (shell, &error, "The host was not suspended");
    return 0;
}

/* ---- Rows ---- */

static const Option active_options[] = { OPTION_DOMAIN_IS (COMPLETE_ACTIVE), OPTIONS_END };
static const Option setvcpu_options[] = {
    OPTION_DOMAIN,
    { "vcpulist", OPT_STRING, OPT_REQUIRED, "numbers of virtual CPUs, such as 2-3", COMPLETE_NONE, NULL },
    FLAG ("enable", "let the domain use them"),
    FLAG ("disable", "take them away"),
    OPTIONS_AFFECT,
    OPTIONS_END,
};
static const Option guestvcpus_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "cpulist", OPT_STRING, 0, "numbers of virtual CPUs, such as 2-3", COMPLETE_NONE, NULL },
    FLAG ("enable", "let the domain use them"),
    FLAG ("disable", "take them away"),
    OPTIONS_END,
};
static const Option trim_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "minimum", OPT_NUMBER, 0, "leave out what is smaller, in bytes", COMPLETE_NONE, NULL },
    { "mountpoint", OPT_STRING, 0, "where the file system is mounted inside (all of them)", COMPLETE_NONE, NULL },
    OPTIONS_END,
};
static const Option password_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "user", OPT_STRING, OPT_REQUIRED, "name of the user", COMPLETE_NONE, NULL },
    { "password", OPT_STRING, OPT_REQUIRED, "the new password", COMPLETE_NONE, NULL },
    FLAG ("encrypted", "the password is encrypted already"),
    OPTIONS_END,
};
static const Option suspend_options[] = {
    { "target", OPT_STRING, OPT_REQUIRED, "how deep", COMPLETE_WORDS, "mem|disk|hybrid" },
    { "duration", OPT_NUMBER, OPT_REQUIRED, "seconds, at least 60", COMPLETE_NONE, NULL },
    OPTIONS_END,
};

const Verb verbs_act[] = {
    { "reset", GROUP_DOMAIN, 0, "kill a domain and start it again",
      "As it runs, under another id; nothing is asked of it.",
      active_options, run_reset },
    { "setvcpu", GROUP_DOMAIN, 0, "switch virtual CPUs on or off by number",
      "Those from 0 on are online: they go from the last one on.", setvcpu_options, run_setvcpu },
    { "guestvcpus", GROUP_DOMAIN, VERB_JSON, "show or switch the virtual CPUs that the guest sees", NULL,
      guestvcpus_options, run_guestvcpus },
    { "domblkerror", GROUP_MONITOR, VERB_JSON, "show errors of a domain's disks", NULL,
      active_options, run_domblkerror },
    { "domfstrim", GROUP_DOMAIN, 0, "give back what a container's file systems do not use", NULL, trim_options,
      run_domfstrim },
    { "set-user-password", GROUP_DOMAIN, 0, "set a password inside; refused: the files are the container's", NULL,
      password_options, run_set_user_password },
    { "nodesuspend", GROUP_HOST, 0, "suspend the host; refused by skepd", NULL, suspend_options, run_nodesuspend },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
