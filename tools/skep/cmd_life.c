/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs that start, stop and end domains. */
#include "cmd.h"
#include "domxml.h"

#include <unistd.h>

/* ---- Starting ---- */

static unsigned
start_flags (const Args *args)
{
    return (args_flag (args, "paused") ? SKEP_START_PAUSED : 0)
         | (args_flag (args, "autodestroy") ? SKEP_START_AUTODESTROY : 0)
         | (args_flag (args, "reset-nvram") ? SKEP_START_RESET_NVRAM : 0);
}

static int
run_start (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
    unsigned flags = start_flags (args)
                   | (args_flag (args, "bypass-cache") ? SKEP_START_BYPASS_CACHE : 0)
                   | (args_flag (args, "force-boot") ? SKEP_START_FORCE_BOOT : 0);

    if ((args_flag (args, "console") && !console_possible (shell))
        || !fds_parse (shell, args_string (args, "pass-fds"), fds)
        || !(domain = shell_domain (shell, args)))
        return 1;
    if (domain->id >= 0)
        return shell_fail (shell, "Domain is already active");
    if (!skep_domain_start (domain, (const int *) (void *) fds->data, fds->len, flags, &error))
        return shell_fail_with (shell, &error, "Failed to start domain '%s'", domain->name);
    shell_say (shell, "Domain '%s' started", domain->name);
    return args_flag (args, "console") ? terminal_attach (shell, domain, NULL, 0) : 0;
}

static int
run_create (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    const char *path = args_string (args, "file");
    g_autofree char *xml = NULL;
    g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
    unsigned flags = start_flags (args) | (args_flag (args, "validate") ? SKEP_START_VALIDATE : 0);

    if ((args_flag (args, "console") && !console_possible (shell))
        || !fds_parse (shell, args_string (args, "pass-fds"), fds)
        || !(xml = read_text (shell, path)))
        return 1;
    domain = skep_domain_create_xml (shell->conn, xml, (const int *) (void *) fds->data, fds->len,
                                     flags, &error);
    if (!domain)
        return shell_fail_with (shell, &error, "Failed to create domain from %s", path);
    shell_say (shell, "Domain '%s' created from %s", domain->name, path);
    return args_flag (args, "console") ? terminal_attach (shell, domain, NULL, 0) : 0;
}

/* ---- One action on one domain: a row each ---- */

typedef struct {
    const char *verb;
    bool (*run) (SkepDomain *domain, SkepError *error);
    bool (*run_flags) (SkepDomain *domain, unsigned flags, SkepError *error);
    const char *done;
} ActionRow;

static const ActionRow action_rows[] = {
    { "suspend", skep_domain_suspend, NULL, "suspended" },
    { "resume", skep_domain_resume, NULL, "resumed" },
    { "shutdown", NULL, skep_domain_shutdown, "is being shutdown" },
    { "reboot", NULL, skep_domain_reboot, "is being rebooted" },
    { "destroy", NULL, skep_domain_destroy, "destroyed" },
    { "undefine", NULL, skep_domain_undefine, "has been undefined" },
};

static int
act (Shell *shell, const Args *args, unsigned flags)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    const ActionRow *row = action_rows;
    gboolean ok;

    if (!domain)
        return 1;
    while (g_strcmp0 (row->verb, args_verb (args)->name) != 0)
        row++;
    ok = row->run ? row->run (domain, &error) : row->run_flags (domain, flags, &error);
    if (!ok)
        return shell_fail_with (shell, &error, "Failed to %s domain '%s'", row->verb, domain->name);
    shell_say (shell, "Domain '%s' %s", domain->name, row->done);
    return 0;
}

static int
run_act (Shell *shell, const Args *args)
{
    return act (shell, args, 0);
}

static int
run_with_mode (Shell *shell, const Args *args)
{
    int flags = mode_parse (shell, args_string (args, "mode"));

    return flags < 0 ? 1 : act (shell, args, (unsigned) flags);
}

static int
run_destroy (Shell *shell, const Args *args)
{
    return act (shell, args,
                (args_flag (args, "graceful") ? 1U : 0)
                    | (args_flag (args, "remove-logs") ? 2U : 0));
}

/* Says of each disk that it stays: there are no storage pools here, so that nothing of it is the daemon's. As in
 * virsh that is no failure. FALSE with an error printed: it runs. */
static gboolean
storage_stays (Shell *shell, const Args *args)
{
    autodomain domain = shell_domain (shell, args);
    g_auto (GStrv) named = g_strsplit (args_given (args, "storage") ? args_string (args, "storage") : "", ",", -1);
    g_auto (DomainXml) xml = { 0 };
    g_autoptr (GPtrArray) disks = NULL;

    if (!domain || !domain_xml_read (shell, domain, SKEP_XML_INACTIVE, &xml))
        return FALSE;
    if (domain->id >= 0)
        return shell_fail (shell, "Storage volume deletion is supported only on stopped domains") == 0;
    disks = domain_xml_find (&xml, "/domain/devices/disk");
    for (guint i = 0; i < disks->len; i++) {
        g_autofree char *target = domain_xml_value (&xml, disks->pdata[i], "target/@dev");
        g_autofree char *source = domain_xml_value (&xml, disks->pdata[i], "source/@file | source/@dev");

        if (source && target
            && (args_flag (args, "remove-all-storage")
                || g_strv_contains ((const char *const *) named, target)
                || g_strv_contains ((const char *const *) named, source)))
            shell_fail (shell, "Storage volume '%s'(%s) is not managed by libvirt. Remove it manually.", target,
                        source);
    }
    return TRUE;
}

static int
run_undefine (Shell *shell, const Args *args)
{
    static const struct {
        const char *option;
        unsigned flag;
    } rows[] = {
        { "managed-save", 1 }, { "snapshots-metadata", 2 },    { "nvram", 4 },
        { "keep-nvram", 8 },   { "checkpoints-metadata", 16 }, { "tpm", 32 },
        { "keep-tpm", 64 },
    };
    unsigned flags = 0;

    if ((args_given (args, "storage") || args_flag (args, "remove-all-storage")) && !storage_stays (shell, args))
        return 1;
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
        flags |= args_flag (args, rows[i].option) ? rows[i].flag : 0;
    return act (shell, args, flags);
}

static int
run_managedsave_remove (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    int has = domain ? skep_domain_has_managed_save (domain, &error) : -1;

    if (!domain)
        return 1;
    if (has < 0)
        return shell_fail_with (shell, &error, "Failed to check for domain managed save image");
    if (has > 0 && !skep_domain_remove_managed_save (domain, &error))
        return shell_fail_with (shell, &error, "Failed to remove managed save image for domain '%s'",
                                domain->name);
    shell_say (shell,
               has > 0 ? "Removed managedsave image for domain '%s'"
                       : "Domain '%s' has no manage save image; removal skipped",
               domain->name);
    return 0;
}

static int
run_autostart (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    gboolean on = !args_flag (args, "disable");

    if (!domain)
        return 1;
    if (!skep_domain_set_autostart (domain, on, &error))
        return shell_fail_with (shell, &error, "Failed to %smark domain '%s' as autostarted",
                                on ? "" : "un", domain->name);
    shell_say (shell, "Domain '%s' %smarked as autostarted", domain->name, on ? "" : "un");
    return 0;
}

static int
run_send_process_signal (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    const char *name = args_string (args, "signame");
    int signum = signal_parse (name);
    gint64 pid;

    if (signum < 0)
        return shell_fail (shell, "malformed signal name: %s", name);
    if (!g_ascii_string_to_signed (args_string (args, "pid"), 10, G_MININT64, G_MAXINT64, &pid,
                                   NULL))
        return shell_fail (shell, "'%s' is no process number", args_string (args, "pid"));
    if (!(domain = shell_domain (shell, args)))
        return 1;
    if (!skep_domain_send_signal (domain, pid, (unsigned) signum, &error))
        return shell_fail_with (shell, &error, NULL);
    return 0;
}

/* ---- Rows ---- */

#define UNUSED_FLAG(name)                                                                          \
    {                                                                                              \
        name, OPT_FLAG, 0, "for virtual machines; containers refuse it", COMPLETE_NONE, NULL       \
    }
#define OPTION_MODE                                                                                \
    {                                                                                              \
        "mode", OPT_STRING, 0, "how to ask init, several with commas", COMPLETE_WORDS,             \
            "initctl|signal|acpi|agent|paravirt"                                                   \
    }
#define OPTION_PASS_FDS                                                                            \
    {                                                                                              \
        "pass-fds", OPT_STRING, 0, "open descriptors N,M,... for the container's init, from 3 on", \
            COMPLETE_NONE, NULL                                                                    \
    }

static const Option domain_options[] = { OPTION_DOMAIN, OPTIONS_END };
static const Option start_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_INACTIVE),
    FLAG ("console", "attach to the console"),
    FLAG ("paused", "start frozen (refused for containers)"),
    FLAG ("autodestroy", "destroy the domain when skep ends"),
    UNUSED_FLAG ("bypass-cache"),
    UNUSED_FLAG ("force-boot"),
    OPTION_PASS_FDS,
    UNUSED_FLAG ("reset-nvram"),
    OPTIONS_END,
};
static const Option create_options[] = {
    { "file", OPT_STRING, OPT_REQUIRED, "file with the domain's XML, - for standard input",
      COMPLETE_FILE, NULL },
    FLAG ("console", "attach to the console"),
    FLAG ("paused", "start frozen (refused for containers)"),
    FLAG ("autodestroy", "destroy the domain when skep ends"),
    OPTION_PASS_FDS,
    FLAG ("validate", "check the XML against the schema first"),
    UNUSED_FLAG ("reset-nvram"),
    OPTIONS_END,
};
static const Option active_options[] = { OPTION_DOMAIN_IS (COMPLETE_ACTIVE), OPTIONS_END };
static const Option mode_options[] = { OPTION_DOMAIN_IS (COMPLETE_ACTIVE), OPTION_MODE,
                                       OPTIONS_END };
static const Option destroy_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    FLAG ("graceful", "let processes end by themselves before they are killed"),
    FLAG ("remove-logs", "remove the domain's log as well"),
    OPTIONS_END,
};
static const Option undefine_options[] = {
    OPTION_DOMAIN,
    FLAG ("managed-save", "remove its saved state as well"),
    { "storage", OPT_STRING, 0, "say that these disks stay: there are no storage pools", COMPLETE_TARGET, NULL },
    FLAG ("remove-all-storage", "say that all its disks stay"),
    FLAG ("delete-storage-volume-snapshots", "without effect: of storage volumes"),
    FLAG ("wipe-storage", "without effect: of storage volumes"),
    FLAG ("snapshots-metadata", "remove what is known of its snapshots"),
    FLAG ("checkpoints-metadata", "remove what is known of its checkpoints"),
    UNUSED_FLAG ("nvram"),
    UNUSED_FLAG ("keep-nvram"),
    UNUSED_FLAG ("tpm"),
    UNUSED_FLAG ("keep-tpm"),
    OPTIONS_END,
};
static const Option autostart_options[] = {
    OPTION_DOMAIN,
    FLAG ("disable", "no longer start it at boot"),
    OPTIONS_END,
};
static const Option signal_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "pid", OPT_STRING, OPT_REQUIRED, "number of the process inside the container", COMPLETE_NONE,
      NULL },
    { "signame", OPT_STRING, OPT_REQUIRED, "name or number of the signal", COMPLETE_SIGNAL, NULL },
    OPTIONS_END,
};

const Verb verbs_life[] = {
    { "start", GROUP_DOMAIN, 0, "start a defined domain", NULL, start_options, run_start },
    { "create", GROUP_DOMAIN, 0, "start a domain from an XML file",
      "A domain that is not defined as well is transient: it is gone when it stops.",
      create_options, run_create },
    { "shutdown", GROUP_DOMAIN, 0, "ask a domain to shut down",
      "Returns at once; 'event' or 'domstate' tell when the domain is down.", mode_options,
      run_with_mode },
    { "reboot", GROUP_DOMAIN, 0, "ask a domain to reboot", NULL, mode_options, run_with_mode },
    { "destroy", GROUP_DOMAIN, 0, "stop a domain by force", "Its definition and its files stay.",
      destroy_options, run_destroy },
    { "suspend", GROUP_DOMAIN, 0, "freeze all processes of a domain", NULL, active_options,
      run_act },
    { "resume", GROUP_DOMAIN, 0, "let a suspended domain go on", NULL, active_options, run_act },
    { "undefine", GROUP_DOMAIN, 0, "remove the definition of a domain",
      "A running domain goes on as a transient one.", undefine_options, run_undefine },
    { "managedsave-remove", GROUP_DOMAIN, 0, "remove the saved state of a domain",
      "Containers have none: that is said, and is no failure.", domain_options, run_managedsave_remove },
    { "autostart", GROUP_DOMAIN, 0, "start a domain at boot, or not", NULL, autostart_options,
      run_autostart },
    { "send-process-signal", GROUP_DOMAIN, 0, "send a signal to a process of a domain", NULL,
      signal_options, run_send_process_signal },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
