/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs about limits: memory and scheduler. */
#include "cmd.h"

#include <errno.h>
#include <string.h>

static int
set_memory (Shell *shell, const Args *args, gboolean maximum)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    int flags = affect_flags (shell, args);

    if (flags < 0 || !(domain = shell_domain (shell, args)))
        return 1;
    /* As in virsh, setmem without a flag means the running domain; setmaxmem leaves it to the daemon. */
    if (!maximum && !flags && !args_flag (args, "current"))
        flags = SKEP_AFFECT_LIVE;
    if (!skep_domain_set_memory (domain, args_size (args, "size", 0),
                                 (unsigned) flags | (maximum ? SKEP_MEMORY_MAXIMUM : 0), &error))
        return maximum ? shell_fail_with (shell, &error, "Unable to change MaxMemorySize")
                       : shell_fail_with (shell, &error, NULL);
    return 0;
}

static int
run_setmem (Shell *shell, const Args *args)
{
    return set_memory (shell, args, FALSE);
}

static int
run_setmaxmem (Shell *shell, const Args *args)
{
    return set_memory (shell, args, TRUE);
}

/* ---- memtune ---- */

static const struct {
    const char *option, *field;
} memory_limits[] = {
    { "hard-limit", "hard_limit" },
    { "soft-limit", "soft_limit" },
    { "swap-hard-limit", "swap_hard_limit" },
    { "min-guarantee", "min_guarantee" },
};

/* Limits of both can be set at once, but one is shown: what runs. */
static int
show_memory_limits (Shell *shell, const Args *args, SkepDomain *domain, unsigned flags)
{
    autoerror error = { 0 };
    autoparams params = { 0 };
    g_autoptr (Record) record = record_new ();

    if (flags & SKEP_AFFECT_LIVE)
        flags = SKEP_AFFECT_LIVE;
    if (!skep_domain_memory_params (domain, flags, &params, &error))
        return shell_fail_with (shell, &error, "cannot read the memory limits of '%s'",
                                domain->name);
    for (size_t i = 0; i < params.n; i++) {
        const SkepParam *param = &params.item[i];

        if (param->type == SKEP_ULLONG && param->value.ul >= SKEP_MEMORY_UNLIMITED)
            record_none (record, param->name, NULL, "unlimited");
        else
            record_number (record, param->name, NULL, param->value.l, "%" G_GINT64_FORMAT,
                           param->value.l);
    }
    record_print (record, 15, ": ", shell_wants_json (shell, args), shell->out);
    return 0;
}

static int
run_memtune (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    autoparams params = { 0 };
    int flags = affect_flags (shell, args);

    if (flags < 0 || !(domain = shell_domain (shell, args)))
        return 1;
    for (unsigned i = 0; i < G_N_ELEMENTS (memory_limits); i++)
        if (args_given (args, memory_limits[i].option))
            skep_params_add_number (&params, memory_limits[i].field, SKEP_ULLONG,
                                    (gint64) args_size (args, memory_limits[i].option, 0));
    if (!params.n)
        return show_memory_limits (shell, args, domain, (unsigned) flags);
    if (!skep_domain_set_memory_params (domain, &params, (unsigned) flags, &error))
        return shell_fail_with (shell, &error, "Unable to change memory parameters");
    return 0;
}

/* ---- schedinfo ---- */

static int
show_scheduler (Shell *shell, const Args *args, SkepDomain *domain, unsigned flags)
{
    autoerror error = { 0 };
    autoparams params = { 0 };
    g_autofree char *type = skep_domain_scheduler_type (domain, NULL, &error);
    g_autoptr (Record) record = record_new ();

    if (!type || !skep_domain_scheduler_params (domain, flags, &params, &error))
        return shell_fail_with (shell, &error, NULL);
    record_string (record, "scheduler", "Scheduler", type);
    record_params (record, &params);
    record_print (record, 15, ": ", shell_wants_json (shell, args), shell->out);
    return 0;
}

/* Appends "name=value" to @params with the type that @known has for the name. */
static gboolean
add_assignment (Shell *shell, const char *text, const SkepParams *known, SkepParams *params)
{
    const char *equals = strchr (text, '=');
    g_autofree char *name = equals ? g_strndup (text, (gsize) (equals - text)) : NULL;
    const SkepParam *like = name ? skep_params_find (known, name) : NULL;
    gint64 number;

    if (!name) {
        shell_fail (shell, "Invalid syntax for --set, expecting name=value");
        return FALSE;
    }
    if (!like) {
        shell_fail (shell, "invalid scheduler option: %s", name);
        return FALSE;
    }
    if (!g_ascii_string_to_signed (equals + 1, 10, like->type == SKEP_ULLONG ? 0 : G_MININT64,
                                   G_MAXINT64, &number, NULL)) {
        shell_fail (shell, "'%s' is no value for '%s'", equals + 1, name);
        return FALSE;
    }
    skep_params_add_number (params, name, like->type, number);
    return TRUE;
}

static gboolean
collect_assignments (Shell *shell, const Args *args, const SkepParams *known, SkepParams *params)
{
    for (const char *const *at = args_list (args, "set"); *at; at++) {
        g_auto (GStrv) part = g_strsplit (*at, ",", -1);

        for (char **one = part; *one; one++)
            if (!add_assignment (shell, *one, known, params))
                return FALSE;
    }
    return TRUE;
}

static int
run_schedinfo (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    autoparams known = { 0 }, params = { 0 };
    int flags = affect_flags (shell, args);
    unsigned query;

    if (flags < 0)
        return 1;
    if (args_given (args, "weight") || args_given (args, "cap"))
        return shell_fail (
            shell, "--weight and --cap are for Xen; containers have cpu_shares, vcpu_period "
                   "and vcpu_quota");
    if (!(domain = shell_domain (shell, args)))
        return 1;
    /* Both can be set at once, but one is shown: what runs. */
    query = flags & SKEP_AFFECT_LIVE ? SKEP_AFFECT_LIVE : (unsigned) flags;
    if (args_given (args, "set")) {
        if (!skep_domain_scheduler_params (domain, query, &known, &error))
            return shell_fail_with (shell, &error, NULL);
        if (!collect_assignments (shell, args, &known, &params))
            return 1;
        if (!skep_domain_set_scheduler_params (domain, &params, (unsigned) flags, &error))
            return shell_fail_with (shell, &error, NULL);
    }
    return show_scheduler (shell, args, domain, query);
}

/* ---- Rows ---- */

static const Option memory_options[] = {
    OPTION_DOMAIN,
    { "size", OPT_SIZE, OPT_REQUIRED, "new size in KiB, or with a suffix such as M or GiB",
      COMPLETE_NONE, NULL },
    OPTIONS_AFFECT,
    OPTIONS_END,
};
#define LIMIT(name, help)                                                                          \
    {                                                                                              \
        name, OPT_SIZE, OPT_UNLIMITED, help, COMPLETE_NONE, NULL                                   \
    }
static const Option memtune_options[] = {
    OPTION_DOMAIN,
    LIMIT ("hard-limit", "most memory the domain can have; -1: no limit"),
    LIMIT ("soft-limit", "memory it is pushed back to when the host is short"),
    LIMIT ("swap-hard-limit", "most memory and swap together"),
    LIMIT ("min-guarantee", "memory that is always left to it"),
    OPTIONS_AFFECT,
    OPTIONS_END,
};
static const Option schedinfo_options[] = {
    OPTION_DOMAIN,
    { "weight", OPT_NUMBER, OPT_NAMED, "for Xen; refused", COMPLETE_NONE, NULL },
    { "cap", OPT_NUMBER, OPT_NAMED, "for Xen; refused", COMPLETE_NONE, NULL },
    { "current", OPT_FLAG, 0, "act on what the domain is now (the default)", COMPLETE_NONE, NULL },
    { "config", OPT_FLAG, 0, "act on the saved configuration", COMPLETE_NONE, NULL },
    { "live", OPT_FLAG, 0, "act on the running domain", COMPLETE_NONE, NULL },
    { "set", OPT_LIST, 0, "parameter=value, several with commas", COMPLETE_WORDS,
      "cpu_shares=|vcpu_period=|vcpu_quota=" },
    OPTIONS_END,
};

const Verb verbs_tune[] = {
    { "setmem", GROUP_DOMAIN, 0, "change the memory of a domain", NULL, memory_options,
      run_setmem },
    { "setmaxmem", GROUP_DOMAIN, 0, "change the maximum memory of a domain", NULL, memory_options,
      run_setmaxmem },
    { "memtune", GROUP_DOMAIN, VERB_JSON, "show or set the memory limits", NULL, memtune_options,
      run_memtune },
    { "schedinfo", GROUP_DOMAIN, VERB_JSON, "show or set the scheduler parameters", NULL,
      schedinfo_options, run_schedinfo },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
