/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs about limits beside memory and scheduler: block I/O, NUMA, interfaces, disks. */
#include "cmd.h"

#include <string.h>

/* ---- Options that stand for named values ---- */

typedef struct {
    const char *option, *field;
    SkepType type;
} LimitRow;

/* FALSE with an error printed. */
static gboolean
add_limit (Shell *shell, const Args *args, const LimitRow *row, SkepParams *params)
{
    guint64 number;
    const char *text;

    if (!args_given (args, row->option))
        return TRUE;
    text = args_string (args, row->option);
    if (row->type == SKEP_STRING) {
        skep_params_add_string (params, row->field, text);
        return TRUE;
    }
    if (!g_ascii_string_to_unsigned (text, 10, 0,
                                     row->type == SKEP_UINT ? G_MAXUINT : G_MAXINT64, &number, NULL))
        return shell_fail (shell, "'%s' is no value for --%s", text, row->option) == 0;
    skep_params_add_number (params, row->field, row->type, (gint64) number);
    return TRUE;
}

/* Shows the limits of one kind, or sets @params when there are any. */
static int
show_or_set (Shell *shell, const Args *args, SkepDomain *domain, SkepLimits kind,
             const char *device, const SkepParams *params, int flags)
{
    static const char *const unable[] = {
        [SKEP_LIMITS_MEMORY] = "Unable to change memory parameters",
        [SKEP_LIMITS_BLKIO] = "Unable to change blkio parameters",
        [SKEP_LIMITS_NUMA] = "Unable to change numa parameters",
        [SKEP_LIMITS_INTERFACE] = "Unable to set interface parameters",
        [SKEP_LIMITS_BLOCK] = "Unable to change block I/O throttle",
    };
    /* as virsh, which asks for their number first, but for a block device where the path is bad already then */
    static const char *const unseen[] = {
        [SKEP_LIMITS_MEMORY] = "Unable to get number of memory parameters",
        [SKEP_LIMITS_BLKIO] = "Unable to get number of blkio parameters",
        [SKEP_LIMITS_NUMA] = "Unable to get number of memory parameters",
        [SKEP_LIMITS_INTERFACE] = "Unable to get number of interface parameters",
        [SKEP_LIMITS_BLOCK] = "Unable to get block I/O throttle parameters",
    };
    autoerror error = { 0 };
    autoparams shown = { 0 };
    g_autoptr (Record) record = record_new ();
    /* Both can be set at once, but one is shown: what runs. */
    unsigned query = flags & SKEP_AFFECT_LIVE ? SKEP_AFFECT_LIVE : (unsigned) flags;

    if (params->n) {
        if (!skep_domain_set_limits (domain, kind, device, params, (unsigned) flags, &error))
            return shell_fail_with (shell, &error, "%s", unable[kind]);
        return 0;
    }
    if (!skep_domain_limits (domain, kind, device, query, &shown, &error))
        return shell_fail_with (shell, &error, "%s", unseen[kind]);
    record_params (record, &shown);
    record_print (record, 15, ": ", shell_wants_json (shell, args), shell->out);
    return 0;
}

static int
tune (Shell *shell, const Args *args, SkepLimits kind, const char *device, const LimitRow *rows)
{
    autodomain domain = NULL;
    autoparams params = { 0 };
    int flags = affect_flags (shell, args);

    if (flags < 0)
        return 1;
    for (; rows->option; rows++)
        if (!add_limit (shell, args, rows, &params))
            return 1;
    if (!(domain = shell_domain (shell, args)))
        return 1;
    return show_or_set (shell, args, domain, kind, device, &params, flags);
}

static const LimitRow blkio_rows[] = {
    { "weight", "weight", SKEP_UINT },
    { "device-weights", "device_weight", SKEP_STRING },
    { "device-read-iops-sec", "device_read_iops_sec", SKEP_STRING },
    { "device-write-iops-sec", "device_write_iops_sec", SKEP_STRING },
    { "device-read-bytes-sec", "device_read_bytes_sec", SKEP_STRING },
    { "device-write-bytes-sec", "device_write_bytes_sec", SKEP_STRING },
    { NULL, NULL, 0 },
};

static const LimitRow block_rows[] = {
    { "total-bytes-sec", "total_bytes_sec", SKEP_ULLONG },
    { "read-bytes-sec", "read_bytes_sec", SKEP_ULLONG },
    { "write-bytes-sec", "write_bytes_sec", SKEP_ULLONG },
    { "total-iops-sec", "total_iops_sec", SKEP_ULLONG },
    { "read-iops-sec", "read_iops_sec", SKEP_ULLONG },
    { "write-iops-sec", "write_iops_sec", SKEP_ULLONG },
    { "total-bytes-sec-max", "total_bytes_sec_max", SKEP_ULLONG },
    { "read-bytes-sec-max", "read_bytes_sec_max", SKEP_ULLONG },
    { "write-bytes-sec-max", "write_bytes_sec_max", SKEP_ULLONG },
    { "total-iops-sec-max", "total_iops_sec_max", SKEP_ULLONG },
    { "read-iops-sec-max", "read_iops_sec_max", SKEP_ULLONG },
    { "write-iops-sec-max", "write_iops_sec_max", SKEP_ULLONG },
    { "total-bytes-sec-max-length", "total_bytes_sec_max_length", SKEP_ULLONG },
    { "total-iops-sec-max-length", "total_iops_sec_max_length", SKEP_ULLONG },
    { "read-bytes-sec-max-length", "read_bytes_sec_max_length", SKEP_ULLONG },
    { "read-iops-sec-max-length", "read_iops_sec_max_length", SKEP_ULLONG },
    { "write-bytes-sec-max-length", "write_bytes_sec_max_length", SKEP_ULLONG },
    { "write-iops-sec-max-length", "write_iops_sec_max_length", SKEP_ULLONG },
    { "size-iops-sec", "size_iops_sec", SKEP_ULLONG },
    { "group-name", "group_name", SKEP_STRING },
    { NULL, NULL, 0 },
};

static int
run_blkiotune (Shell *shell, const Args *args)
{
    return tune (shell, args, SKEP_LIMITS_BLKIO, NULL, blkio_rows);
}

static int
run_blkdeviotune (Shell *shell, const Args *args)
{
    return tune (shell, args, SKEP_LIMITS_BLOCK, args_string (args, "device"), block_rows);
}

/* ---- numatune ---- */

static const char *const numa_modes[] = { "strict", "preferred", "interleave", "restrictive" };

static int
show_numa (Shell *shell, const Args *args, SkepDomain *domain, int flags)
{
    autoerror error = { 0 };
    autoparams params = { 0 };
    g_autoptr (Record) record = record_new ();
    unsigned query = flags & SKEP_AFFECT_LIVE ? SKEP_AFFECT_LIVE : (unsigned) flags;

    if (!skep_domain_limits (domain, SKEP_LIMITS_NUMA, NULL, query, &params, &error))
        return shell_fail_with (shell, &error, "cannot read the NUMA parameters of '%s'",
                                domain->name);
    for (size_t i = 0; i < params.n; i++) {
        const SkepParam *param = &params.item[i];
        g_autofree char *text = skep_param_text (param);

        if (param->type == SKEP_INT && param->value.i >= 0
            && param->value.i < (int) G_N_ELEMENTS (numa_modes))
            record_string (record, param->name, NULL, numa_modes[param->value.i]);
        else
            record_string (record, param->name, NULL, text);
    }
    record_print (record, 15, ": ", shell_wants_json (shell, args), shell->out);
    return 0;
}

static int
run_numatune (Shell *shell, const Args *args)
{
    autodomain domain = NULL;
    autoparams params = { 0 };
    const char *mode = args_string (args, "mode"), *nodes = args_string (args, "nodeset");
    int flags = affect_flags (shell, args);
    guint64 number = 0;

    if (flags < 0)
        return 1;
    if (mode && !g_ascii_string_to_unsigned (mode, 10, 0, G_MAXINT, &number, NULL)) {
        while (number < G_N_ELEMENTS (numa_modes) && strcmp (numa_modes[number], mode) != 0)
            number++;
        if (number == G_N_ELEMENTS (numa_modes))
            return shell_fail (shell, "invalid mode: '%s'", mode);
    }
    if (mode)
        skep_params_add_number (&params, "numa_mode", SKEP_INT, (gint64) number);
    if (nodes)
        skep_params_add_string (&params, "numa_nodeset", nodes);
    if (!(domain = shell_domain (shell, args)))
        return 1;
    if (!params.n)
        return show_numa (shell, args, domain, flags);
    return show_or_set (shell, args, domain, SKEP_LIMITS_NUMA, NULL, &params, flags);
}

/* ---- domiftune ---- */

/* "average,peak,burst,floor", of which only the first must be there. */
static gboolean
add_rate (Shell *shell, const char *direction, const char *text, SkepParams *params)
{
    static const char *const parts[] = { "average", "peak", "burst", "floor" };
    g_auto (GStrv) part = g_strsplit (text, ",", -1);

    for (unsigned i = 0; part[i]; i++) {
        g_autofree char *name = NULL;
        guint64 number;

        if (i == G_N_ELEMENTS (parts) || (!*part[i] && !i)
            || (*part[i] && !g_ascii_string_to_unsigned (part[i], 10, 0, G_MAXUINT, &number, NULL)))
            return shell_fail (shell, "'%s' is no rate: AVERAGE[,PEAK[,BURST[,FLOOR]]]", text) == 0;
        name = g_strdup_printf ("%s.%s", direction, parts[i]);
        if (*part[i])
            skep_params_add_number (params, name, SKEP_UINT, (gint64) number);
    }
    return TRUE;
}

static int
run_domiftune (Shell *shell, const Args *args)
{
    static const char *const directions[] = { "inbound", "outbound" };
    autodomain domain = NULL;
    autoparams params = { 0 };
    int flags = affect_flags (shell, args);

    if (flags < 0)
        return 1;
    for (unsigned i = 0; i < G_N_ELEMENTS (directions); i++)
        if (args_given (args, directions[i])
            && !add_rate (shell, directions[i], args_string (args, directions[i]), &params))
            return 1;
    if (!(domain = shell_domain (shell, args)))
        return 1;
    return show_or_set (shell, args, domain, SKEP_LIMITS_INTERFACE,
                        args_string (args, "interface"), &params, flags);
}

/* ---- limits: wanted and effective ---- */

/* Lists of CPUs and nodes stay words, even if they are one number. */
static void
limit_cell (Table *table, const char *name, const char *text)
{
    gboolean list = strcmp (name, "cpu.cpus") == 0 || strcmp (name, "numa.nodes") == 0;
    gint64 number;

    if (!*text)
        table_none (table, "-");
    else if (!list && g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &number, NULL))
        table_number (table, number, text);
    else
        table_string (table, text);
}

static int
run_limits (Shell *shell, const Args *args)
{
    static const char *const titles[] = { "Name", "Wanted", "Effective", "", NULL };
    static const char *const keys[] = { "name", "wanted", "effective", "differs", NULL };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    g_autoptr (Table) table = table_new (titles, keys);
    SkepLimit *limits = NULL;
    int n = domain ? skep_domain_effective_limits (domain, &limits, &error) : -1;

    if (!domain)
        return 1;
    if (n < 0)
        return shell_fail_with (shell, &error, "cannot read the limits of '%s'", domain->name);
    for (int i = 0; i < n; i++) {
        gboolean differs = *limits[i].wanted && *limits[i].effective
                        && strcmp (limits[i].wanted, limits[i].effective) != 0;

        table_string (table, limits[i].name);
        limit_cell (table, limits[i].name, limits[i].wanted);
        limit_cell (table, limits[i].name, limits[i].effective);
        table_bool (table, differs, differs ? "differs" : "");
        if (differs)
            table_colour (table, "31");
    }
    table_print (table, shell_wants_json (shell, args), shell->quiet, shell->colour, shell->out);
    skep_limits_free (limits, n);
    return 0;
}

/* ---- Rows ---- */

#define PER_DEVICE "DEVICE,VALUE[,DEVICE,VALUE...]"

static const Option blkiotune_options[] = {
    OPTION_DOMAIN,
    VALUE ("weight", "share of block I/O, 100 to 1000"),
    VALUE ("device-weights", "shares per device: " PER_DEVICE),
    VALUE ("device-read-iops-sec", "reads a second: " PER_DEVICE),
    VALUE ("device-write-iops-sec", "writes a second: " PER_DEVICE),
    VALUE ("device-read-bytes-sec", "bytes read a second: " PER_DEVICE),
    VALUE ("device-write-bytes-sec", "bytes written a second: " PER_DEVICE),
    OPTIONS_AFFECT,
    OPTIONS_END,
};
static const Option blkdeviotune_options[] = {
    OPTION_DOMAIN,
    { "device", OPT_STRING, OPT_REQUIRED, "target of the disk", COMPLETE_TARGET, NULL },
    VALUE ("total-bytes-sec", "bytes a second in all"),
    VALUE ("read-bytes-sec", "bytes read a second"),
    VALUE ("write-bytes-sec", "bytes written a second"),
    VALUE ("total-iops-sec", "operations a second in all"),
    VALUE ("read-iops-sec", "reads a second"),
    VALUE ("write-iops-sec", "writes a second"),
    VALUE ("total-bytes-sec-max", "as peak, for virtual machines"),
    VALUE ("read-bytes-sec-max", "as peak, for virtual machines"),
    VALUE ("write-bytes-sec-max", "as peak, for virtual machines"),
    VALUE ("total-iops-sec-max", "as peak, for virtual machines"),
    VALUE ("read-iops-sec-max", "as peak, for virtual machines"),
    VALUE ("write-iops-sec-max", "as peak, for virtual machines"),
    VALUE ("total-bytes-sec-max-length", "how long a peak may last, for virtual machines"),
    VALUE ("total-iops-sec-max-length", "how long a peak may last, for virtual machines"),
    VALUE ("read-bytes-sec-max-length", "how long a peak may last, for virtual machines"),
    VALUE ("read-iops-sec-max-length", "how long a peak may last, for virtual machines"),
    VALUE ("write-bytes-sec-max-length", "how long a peak may last, for virtual machines"),
    VALUE ("write-iops-sec-max-length", "how long a peak may last, for virtual machines"),
    VALUE ("size-iops-sec", "size of an operation, for virtual machines"),
    VALUE ("group-name", "disks that share a limit, for virtual machines"),
    OPTIONS_AFFECT,
    OPTIONS_END,
};
static const Option numatune_options[] = {
    OPTION_DOMAIN,
    { "mode", OPT_STRING, 0, "how memory is taken from the nodes", COMPLETE_WORDS,
      "strict|preferred|interleave|restrictive" },
    { "nodeset", OPT_STRING, 0, "NUMA nodes, such as 0-1,3", COMPLETE_NONE, NULL },
    OPTIONS_AFFECT,
    OPTIONS_END,
};
static const Option domiftune_options[] = {
    OPTION_DOMAIN,
    { "interface", OPT_STRING, OPT_REQUIRED, "name on the host, or MAC address", COMPLETE_LINK,
      NULL },
    { "inbound", OPT_STRING, 0, "what it may receive, in KiB: AVERAGE[,PEAK[,BURST[,FLOOR]]]",
      COMPLETE_NONE, NULL },
    { "outbound", OPT_STRING, 0, "what it may send, likewise", COMPLETE_NONE, NULL },
    OPTIONS_AFFECT,
    OPTIONS_END,
};

static const Option limits_options[] = { OPTION_DOMAIN, OPTIONS_END };

const Verb verbs_limits[] = {
    { "limits", GROUP_MONITOR, VERB_JSON, "show what limits are wanted, and what the kernel has",
      NULL, limits_options, run_limits },
    { "blkiotune", GROUP_DOMAIN, VERB_JSON, "show or set the limits of block I/O", NULL,
      blkiotune_options, run_blkiotune },
    { "blkdeviotune", GROUP_DOMAIN, VERB_JSON, "show or set the limits of a disk", NULL,
      blkdeviotune_options, run_blkdeviotune },
    { "numatune", GROUP_DOMAIN, VERB_JSON, "show or set where memory comes from", NULL,
      numatune_options, run_numatune },
    { "domiftune", GROUP_DOMAIN, VERB_JSON, "show or set the rates of a network interface", NULL,
      domiftune_options, run_domiftune },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
