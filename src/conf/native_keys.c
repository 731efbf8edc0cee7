/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of lxc.container.conf(5), one a row; the converters of the plain ones. */
#include <string.h>

#include "conf/native_private.h"
#include "conf/signals.h"
#include "util/sysctl.h"

/* ---- names and init */

static void
replace (char **member, const char *value)
{
    g_free (*member);
    *member = *value ? g_strdup (value) : NULL;
}

static void
take_name (Native *n, const NativeLine *line)
{
    replace (&n->def->name, line->value);
}

static void
take_arch (Native *n, const NativeLine *line)
{
    static const struct {
        const char *name, *arch;
    } rows[] = {
        { "i386", "i686" },      { "i486", "i686" },     { "i586", "i686" },    { "i686", "i686" },
        { "x86", "i686" },       { "linux32", "i686" },  { "athlon", "i686" },  { "pentium", "i686" },
        { "x86_64", "x86_64" },  { "amd64", "x86_64" },  { "linux64", "x86_64" }, { "arm64", "aarch64" },
        { "aarch64", "aarch64" }, { "arm", "armv7l" },   { "armhf", "armv7l" }, { "armv7", "armv7l" },
        { "armv7l", "armv7l" },  { "armel", "armv6l" },  { "armv6l", "armv6l" }, { "armv8l", "armv7l" },
        { "ppc64el", "ppc64le" }, { "ppc64le", "ppc64le" }, { "powerpc64", "ppc64" }, { "ppc64", "ppc64" },
        { "powerpc", "ppc" },    { "ppc", "ppc" },       { "riscv64", "riscv64" }, { "s390x", "s390x" },
        { "mips", "mips" },      { "mips64", "mips64" }, { "mipsel", "mipsel" },
        { "loongarch64", "loongarch64" }, { "sparc64", "sparc64" },
    };

    g_clear_pointer (&n->def->os.arch, g_free);
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
        if (g_str_equal (rows[i].name, line->value)) {
            n->def->os.arch = g_strdup (rows[i].arch);
            return;
        }
    if (*line->value)
        native_note (n, line, "unknown architecture '%s': the host's is taken", line->value);
}

static void
take_init (Native *n, const NativeLine *line)
{
    n->init = *line->value ? line : NULL;
}

static void
take_execute (Native *n, const NativeLine *line)
{
    n->execute = *line->value ? line : NULL;
}

static void
take_cwd (Native *n, const NativeLine *line)
{
    replace (&n->def->os.initdir, line->value);
}

static void
take_id (Native *n, const NativeLine *line, char **member)
{
    guint64 id;

    if (!*line->value)
        replace (member, "");
    else if (native_number (n, line, line->value, G_MAXUINT32 - 1, &id))
        replace (member, line->value);
}

static void
take_uid (Native *n, const NativeLine *line)
{
    take_id (n, line, &n->def->os.inituser);
}

static void
take_gid (Native *n, const NativeLine *line)
{
    take_id (n, line, &n->def->os.initgroup);
}

static void
drop_variable (GPtrArray *list, const char *name)
{
    for (guint i = list->len; i > 0; i--)
        if (g_str_equal (((const NameValue *) list->pdata[i - 1])->name, name))
            g_ptr_array_remove_index (list, i - 1);
}

static void
take_environment (Native *n, const NativeLine *line)
{
    const char *equals = strchr (line->value, '=');
    NameValue *variable;

    if (!*line->value) {
        g_ptr_array_set_size (n->def->os.initenv, 0);
        g_ptr_array_set_size (n->skep->env, 0);
        return;
    }
    if (!equals || equals == line->value) {
        native_note (n, line, "a variable of the environment that starts it: Skep starts all with the same");
        return;
    }
    variable = g_new0 (NameValue, 1);
    variable->name = g_strndup (line->value, (gsize) (equals - line->value));
    variable->value = g_strdup (equals + 1);
    drop_variable (n->def->os.initenv, variable->name);
    drop_variable (n->skep->env, variable->name);
    g_ptr_array_add (equals[1] ? n->def->os.initenv : n->skep->env, variable);
}

/* ---- signals, autostart, consoles */

static void
take_signal (Native *n, const NativeLine *line, SkepSignal which)
{
    guint number = *line->value ? signal_number (line->value) : 0;

    if (*line->value && !number)
        native_fail (n, line, ERR_INTERNAL, "'%s' is not a signal", line->value);
    n->skep->signals[which] = number;
}

static void
take_signal_halt (Native *n, const NativeLine *line)
{
    take_signal (n, line, SKEP_SIGNAL_HALT);
}

static void
take_signal_reboot (Native *n, const NativeLine *line)
{
    take_signal (n, line, SKEP_SIGNAL_REBOOT);
}

static void
take_signal_stop (Native *n, const NativeLine *line)
{
    if (*line->value && signal_number (line->value) != 9)
        native_note (n, line, "destroy always kills: that signal can be sent by shutdown only");
}

/* A switch that is only worth a word when it is on. */
static gboolean
is_on (Native *n, const NativeLine *line)
{
    guint64 value = 0;

    return *line->value && native_number (n, line, line->value, G_MAXINT, &value) && value != 0;
}

static void
take_start_auto (Native *n, const NativeLine *line)
{
    n->start_auto = is_on (n, line) ? line : NULL;
}

static void
take_autostart_number (Native *n, const NativeLine *line, guint *member)
{
    guint64 value = 0;

    if (*line->value && !native_number (n, line, line->value, G_MAXINT, &value))
        return;
    n->skep->autostart_set = TRUE;
    *member = (guint) value;
}

static void
take_start_delay (Native *n, const NativeLine *line)
{
    take_autostart_number (n, line, &n->skep->delay);
}

static void
take_start_order (Native *n, const NativeLine *line)
{
    take_autostart_number (n, line, &n->skep->order);
}

static void
take_group (Native *n, const NativeLine *line)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, ", \t", -1);

    if (!*line->value) {
        g_ptr_array_set_size (n->skep->groups, 0);
        return;
    }
    n->skep->autostart_set = TRUE;
    for (char **word = words; *word; word++)
        if (**word)
            g_ptr_array_add (n->skep->groups, g_strdup (*word));
}

static void
take_tty (Native *n, const NativeLine *line)
{
    guint64 count = 0;

    if (*line->value && native_number (n, line, line->value, 1000, &count) && count > 64)
        native_note (n, line, "more than 64 terminals: 64 are made");
    n->ttys = (guint) MIN (count, 64);
}

static void
take_pty (Native *n, const NativeLine *line)
{
    guint64 count;

    if (*line->value && native_number (n, line, line->value, G_MAXINT, &count) && count > 1024)
        native_note (n, line, "a container of Skep has 1024 ptys");
}

static void
take_console_log (Native *n, const NativeLine *line)
{
    replace (&n->console_log, line->value);
}

static void
take_console_path (Native *n, const NativeLine *line)
{
    if (*line->value)
        native_note (n, line, "Skep keeps the console's output itself: skep console");
}

/* ---- capabilities, ids, limits, kernel parameters */

static gboolean
capability_bit (Native *n, const NativeLine *line, const char *word, guint64 *ret)
{
    g_autofree char *name = g_ascii_strdown (word, -1);
    const char *plain = g_str_has_prefix (name, "cap_") ? name + 4 : name;
    int value = string_table_value (&capability_names, plain);
    guint64 number;

    if (value < 0 && g_ascii_string_to_unsigned (plain, 10, 0, CAPABILITY_LAST - 1, &number, NULL))
        value = (int) number;
    if (value < 0) {
        native_note (n, line, "unknown capability '%s'", word);
        return FALSE;
    }
    *ret = G_GUINT64_CONSTANT (1) << value;
    return TRUE;
}

static void
take_capabilities (Native *n, const NativeLine *line, guint64 *set)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", -1);
    guint64 bit;

    n->caps_seen = TRUE;
    if (!*line->value)
        *set = 0;
    for (char **word = words; *word; word++) {
        if (set == &n->cap_keep && g_str_equal (*word, "none"))
            *set = 0;
        else if (**word && capability_bit (n, line, *word, &bit))
            *set |= bit;
    }
}

static void
take_cap_drop (Native *n, const NativeLine *line)
{
    take_capabilities (n, line, &n->cap_drop);
}

static void
take_cap_keep (Native *n, const NativeLine *line)
{
    n->keep_seen = *line->value != '\0';
    take_capabilities (n, line, &n->cap_keep);
}

static gboolean
id_field (Native *n, const NativeLine *line, const char *text, guint *ret)
{
    guint64 value;

    if (!native_number (n, line, text, G_MAXUINT32, &value))
        return FALSE;
    *ret = (guint) value;
    return TRUE;
}

/* "u 0 100000 65536": container's first id, host's, how many. */
static void
take_idmap (Native *n, const NativeLine *line)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", -1);
    const char *fields[5] = { NULL };
    guint count = 0;
    IdmapEntry entry;

    if (!*line->value) {
        g_ptr_array_set_size (n->def->uid_map, 0);
        g_ptr_array_set_size (n->def->gid_map, 0);
        return;
    }
    for (char **word = words; *word && count < 5; word++)
        if (**word)
            fields[count++] = *word;
    if (count != 4 || strlen (fields[0]) != 1 || !strchr ("ugb", *fields[0])) {
        native_fail (n, line, ERR_INTERNAL, "'%s' is not TYPE CONTAINER-ID HOST-ID COUNT", line->value);
        return;
    }
    if (!id_field (n, line, fields[1], &entry.start) || !id_field (n, line, fields[2], &entry.target)
        || !id_field (n, line, fields[3], &entry.count))
        return;
    if (*fields[0] != 'g')
        g_ptr_array_add (n->def->uid_map, g_memdup2 (&entry, sizeof entry));
    if (*fields[0] != 'u')
        g_ptr_array_add (n->def->gid_map, g_memdup2 (&entry, sizeof entry));
}

static gboolean
limit_value (Native *n, const NativeLine *line, const char *text, guint64 *ret)
{
    if (g_str_equal (text, "unlimited")) {
        *ret = SKEP_UNLIMITED;
        return TRUE;
    }
    return native_number (n, line, text, G_MAXINT64, ret);
}

/* "1024", "1024:4096", "unlimited" */
static void
take_prlimit (Native *n, const NativeLine *line)
{
    int resource = string_table_value (&rlimit_names, line->rest);
    g_auto (GStrv) parts = g_strsplit (line->value, ":", 2);
    SkepRlimit limit = { .resource = (guint) resource };

    if (resource < 0) {
        native_note (n, line, "unknown resource limit '%s'", line->rest);
        return;
    }
    for (guint i = n->skep->rlimits->len; i > 0; i--)
        if (((const SkepRlimit *) n->skep->rlimits->pdata[i - 1])->resource == limit.resource)
            g_ptr_array_remove_index (n->skep->rlimits, i - 1);
    if (!*line->value || !limit_value (n, line, g_strstrip (parts[0]), &limit.soft))
        return;
    limit.hard = limit.soft;
    if (parts[1] && !limit_value (n, line, g_strstrip (parts[1]), &limit.hard))
        return;
    g_ptr_array_add (n->skep->rlimits, g_memdup2 (&limit, sizeof limit));
}

static void
take_sysctl (Native *n, const NativeLine *line)
{
    g_autofree char *path = sysctl_path (line->rest);

    for (guint i = n->sysctls->len; i > 0; i--)
        if (g_str_equal (((const NativeLine *) n->sysctls->pdata[i - 1])->rest, line->rest))
            g_ptr_array_remove_index (n->sysctls, i - 1);
    if (!*line->value)
        return;
    if (sysctl_owner (path) == SYSCTL_HOST)
        native_note (n, line, "this kernel parameter belongs to no namespace: it would change the host");
    else
        g_ptr_array_add (n->sysctls, (gpointer) line);
}

static void
take_proc (Native *n, const NativeLine *line)
{
    gint64 value = 0;

    if (!g_str_equal (line->rest, "oom_score_adj")) {
        if (*line->value)
            native_note (n, line, "of lxc.proc.*, oom_score_adj is honoured");
        return;
    }
    if (*line->value && !g_ascii_string_to_signed (line->value, 10, -1000, 1000, &value, NULL))
        native_fail (n, line, ERR_INTERNAL, "'%s' is not a number from -1000 to 1000", line->value);
    n->skep->oom_set = *line->value != '\0';
    n->skep->oom_score_adj = (int) value;
}

/* ---- security, hooks, namespaces */

static void
set_label (Native *n, SeclabelType type, const char *model, const char *label)
{
    SeclabelDef *def = g_new0 (SeclabelDef, 1);

    g_ptr_array_set_size (n->def->seclabels, 0);
    def->type = type;
    def->model = g_strdup (model);
    def->label = g_strdup (label);
    g_ptr_array_add (n->def->seclabels, def);
}

/* LXC's own profiles are its default, so Skep's takes their place. */
static void
take_apparmor (Native *n, const NativeLine *line)
{
    const char *value = line->value;

    g_ptr_array_set_size (n->def->seclabels, 0);
    if (!*value || g_str_equal (value, "generated") || g_str_has_prefix (value, "lxc-container-default"))
        return;
    if (g_str_equal (value, "unchanged"))
        native_note (n, line, "the daemon's profile is not inherited: Skep's default is taken");
    else if (g_str_equal (value, "unconfined"))
        set_label (n, SECLABEL_NONE, NULL, NULL);
    else
        set_label (n, SECLABEL_STATIC, "apparmor", value);
}

static void
take_selinux (Native *n, const NativeLine *line)
{
    g_ptr_array_set_size (n->def->seclabels, 0);
    if (g_str_equal (line->value, "unchanged"))
        native_note (n, line, "the daemon's context is not inherited: Skep's default is taken");
    else if (*line->value)
        set_label (n, SECLABEL_STATIC, "selinux", line->value);
}

static void
take_seccomp (Native *n, const NativeLine *line)
{
    DomainSkep *skep = n->skep;

    /* LXC's common profile is in Skep's default */
    skep->seccomp_set = *line->value && !g_str_has_suffix (line->value, "/common.seccomp");
    skep->seccomp = skep->seccomp_set ? SECCOMP_FILE : SECCOMP_DEFAULT;
    replace (&skep->seccomp_file, skep->seccomp_set ? line->value : "");
    if (skep->seccomp_set && *line->value != '/') {
        native_note (n, line, "the file's path is not absolute: Skep's default profile is taken");
        skep->seccomp_set = FALSE;
        skep->seccomp = SECCOMP_DEFAULT;
        replace (&skep->seccomp_file, "");
    }
}

static void
take_no_new_privs (Native *n, const NativeLine *line)
{
    n->skep->no_new_privs = is_on (n, line);
}

static void
clear_hooks (Native *n, int on)
{
    for (guint i = n->skep->hooks->len; i > 0; i--)
        if (on < 0 || ((const SkepHook *) n->skep->hooks->pdata[i - 1])->on == (guint) on)
            g_ptr_array_remove_index (n->skep->hooks, i - 1);
}

static void
take_hook (Native *n, const NativeLine *line)
{
    int on = string_table_value (&skep_hook_names, line->rest);
    SkepHook *hook;

    if (!*line->value) {
        clear_hooks (n, on);
    } else if (on == SKEP_HOOK_PRE_START || on == SKEP_HOOK_START_HOST || on == SKEP_HOOK_POST_STOP) {
        hook = g_new0 (SkepHook, 1);
        hook->on = (guint) on;
        hook->command = g_strdup (line->value);
        g_ptr_array_add (n->skep->hooks, hook);
    } else if (on == SKEP_HOOK_CLONE || on == SKEP_HOOK_DESTROY) {
        /* the one of LXC's common configuration */
        if (!g_str_has_suffix (line->value, "/clonehostname"))
            native_note (n, line, "for lxc-copy and lxc-destroy, which Skep does not have");
    } else if (on >= 0) {
        native_note (n, line, "hooks inside of a start are not supported yet: pre-start, start-host and "
                              "post-stop are");
    } else if (!g_str_equal (line->rest, "version") || !g_str_equal (line->value, "0")) {
        native_note (n, line, g_str_equal (line->rest, "version")
                                  ? "hooks get their words as arguments and as variables"
                                  : "unknown hook");
    }
}

static void
take_hook_clear (Native *n, const NativeLine *line)
{
    (void) line;
    clear_hooks (n, -1);
}

static const char *
after_prefix (const char *text, const char *prefix)
{
    return g_str_has_prefix (text, prefix) ? text + strlen (prefix) : NULL;
}

/* A process, a file of a named network namespace, or another container. */
static void
take_share (Native *n, const NativeLine *line)
{
    static const char *const names[SHARE_LAST] = { "net", "ipc", "uts" };
    const char *netns = after_prefix (line->value, "/run/netns/");
    NamespaceShare *share = NULL;

    for (guint i = 0; i < SHARE_LAST; i++)
        if (g_str_equal (names[i], line->rest))
            share = &n->def->shares[i];
    if (!share) {
        if (*line->value)
            native_note (n, line, "namespaces net, ipc and uts can be shared");
        return;
    }
    g_clear_pointer (&share->value, g_free);
    share->set = FALSE;
    if (!netns)
        netns = after_prefix (line->value, "/var/run/netns/");
    if (!*line->value)
        return;
    if (strchr (line->value, '/') && (!netns || share != &n->def->shares[SHARE_NET])) {
        native_note (n, line, "neither a process, a container nor a named network namespace");
        return;
    }
    share->set = TRUE;
    share->source = netns ? SHARE_SOURCE_NETNS
                          : g_ascii_string_to_unsigned (line->value, 10, 1, G_MAXINT, NULL, NULL)
                              ? SHARE_SOURCE_PID : SHARE_SOURCE_NAME;
    share->value = g_strdup (netns ? netns : line->value);
}

static gboolean
has_word (const char *text, const char *wanted)
{
    g_auto (GStrv) words = g_strsplit_set (text, " \t", -1);

    return g_strv_contains ((const char *const *) words, wanted);
}

static void
take_namespace_keep (Native *n, const NativeLine *line)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", -1);

    n->net_host |= has_word (line->value, "net");
    for (char **word = words; *word; word++)
        if (**word && !g_str_equal (*word, "net"))
            native_note (n, line, "a container always has its own namespace '%s'%s", *word,
                         g_str_equal (*word, "user") ? ", when there is an idmap" : "");
}

static void
take_namespace_clone (Native *n, const NativeLine *line)
{
    static const char *const own[] = { "mount", "pid", "ipc", "uts", "cgroup" };

    if (!*line->value)
        return;
    n->net_host |= !has_word (line->value, "net");
    for (guint i = 0; i < G_N_ELEMENTS (own); i++)
        if (!has_word (line->value, own[i]) && !(i == 0 && has_word (line->value, "mnt")))
            native_note (n, line, "a container always has its own namespace '%s'", own[i]);
}

/* ---- root and what is as LXC has it */

static void
take_rootfs (Native *n, const NativeLine *line)
{
    n->rootfs = *line->value ? line : NULL;
}

static void
take_backend (Native *n, const NativeLine *line)
{
    n->backend = *line->value ? line : NULL;
}

static void
take_fstab (Native *n, const NativeLine *line)
{
    n->fstab = *line->value ? line : NULL;
}

static void
take_autodev (Native *n, const NativeLine *line)
{
    if (*line->value && !is_on (n, line))
        native_note (n, line, "a container always has a /dev of its own");
}

static void
take_ephemeral (Native *n, const NativeLine *line)
{
    if (is_on (n, line))
        native_note (n, line, "start it by skep create: such a domain is gone when it ends");
}

/* Says what Skep does anyway. */
static void
take_nothing (Native *n, const NativeLine *line)
{
    (void) n;
    (void) line;
}

static void
take_when_on (Native *n, const NativeLine *line)
{
    if (is_on (n, line))
        native_note (n, line, "not supported yet");
}

static const char own_log[] = "Skep writes one log for each domain: log_dir in skepd.conf";
static const char own_groups[] = "Skep places control groups itself: <resource><partition>";
static const char own_console[] = "the same for all containers: console_ring_size and console_log_max in lxc.conf";
static const char not_yet[] = "not supported yet";

const NativeRow native_rows[] = {
    { "lxc.include", NULL, native_take_include },
    { "lxc.arch", NULL, take_arch },
    { "lxc.uts.name", "lxc.utsname", take_name },
    { "lxc.signal.halt", "lxc.haltsignal", take_signal_halt },
    { "lxc.signal.reboot", "lxc.rebootsignal", take_signal_reboot },
    { "lxc.signal.stop", "lxc.stopsignal", take_signal_stop },
    { "lxc.execute.cmd", "lxc.execute", take_execute },
    { "lxc.init.cmd", "lxc.init_cmd", take_init },
    { "lxc.init.cwd", NULL, take_cwd },
    { "lxc.init.uid", "lxc.init_uid", take_uid },
    { "lxc.init.gid", "lxc.init_gid", take_gid },
    { "lxc.init.groups", NULL, NULL, not_yet },
    { "lxc.sched.core", NULL, take_when_on },
    { "lxc.proc.", NULL, take_proc },
    { "lxc.ephemeral", NULL, take_ephemeral },
    { "lxc.net", "lxc.net.", native_take_net },
    { "lxc.network", "lxc.network.", native_take_network },
    { "lxc.pty.max", "lxc.pts", take_pty },
    { "lxc.console.buffer.size", NULL, NULL, own_console },
    { "lxc.console.buffer.logfile", NULL, NULL, own_console },
    { "lxc.console.size", NULL, NULL, own_console },
    { "lxc.console.rotate", NULL, NULL, own_console },
    { "lxc.console.logfile", NULL, take_console_log },
    { "lxc.console.path", "lxc.console", take_console_path },
    { "lxc.tty.max", "lxc.tty", take_tty },
    { "lxc.tty.dir", "lxc.devttydir", take_nothing },     /* they are in /dev in any case */
    { "lxc.autodev", NULL, take_autodev },
    { "lxc.autodev.tmpfs.size", NULL, NULL, "/dev of a container holds 64 KiB" },
    { "lxc.kmsg", NULL, NULL, "/dev/kmsg is the host's" },
    { "lxc.mount.fstab", "lxc.mount", take_fstab },
    { "lxc.mount.entry", NULL, native_take_mount_entry },
    { "lxc.mount.auto", NULL, native_take_mount_auto },
    { "lxc.rootfs.path", "lxc.rootfs", take_rootfs },
    { "lxc.rootfs.backend", NULL, take_backend },
    { "lxc.rootfs.mount", NULL, take_nothing },
    { "lxc.rootfs.managed", NULL, take_nothing },
    { "lxc.rootfs.options", NULL, native_take_rootfs_options },
    { "lxc.cgroup.", NULL, native_take_cgroup },
    { "lxc.cgroup2.", NULL, native_take_cgroup2 },
    { "lxc.cgroup.dir", "lxc.cgroup.dir.", NULL, own_groups },
    { "lxc.cgroup.relative", "lxc.cgroup.use", NULL, own_groups },
    { "lxc.cap.drop", NULL, take_cap_drop },
    { "lxc.cap.keep", NULL, take_cap_keep },
    { "lxc.namespace.clone", NULL, take_namespace_clone },
    { "lxc.namespace.keep", NULL, take_namespace_keep },
    { "lxc.namespace.share.", "lxc.namespace.", take_share },
    { "lxc.time.offset.", NULL, NULL, not_yet },
    { "lxc.prlimit.", "lxc.limit.", take_prlimit },
    { "lxc.sysctl.", NULL, take_sysctl },
    { "lxc.apparmor.profile", "lxc.aa_profile", take_apparmor },
    { "lxc.apparmor.allow_incomplete", "lxc.aa_allow_incomplete", NULL, not_yet },
    { "lxc.apparmor.allow_nesting", NULL, take_when_on },
    { "lxc.apparmor.raw", NULL, NULL, "rules of a generated profile: put them into a profile of yours" },
    { "lxc.selinux.context", "lxc.se_context", take_selinux },
    { "lxc.selinux.context.keyring", NULL, NULL, not_yet },
    { "lxc.keyring.session", NULL, NULL, "init always gets a session keyring of its own" },
    { "lxc.seccomp.profile", "lxc.seccomp", take_seccomp },
    { "lxc.seccomp.allow_nesting", NULL, take_when_on },
    { "lxc.seccomp.notify.", NULL, NULL, not_yet },
    { "lxc.no_new_privs", NULL, take_no_new_privs },
    { "lxc.idmap", "lxc.id_map", take_idmap },
    { "lxc.hook", NULL, take_hook_clear },
    { "lxc.hook.", NULL, take_hook },
    { "lxc.log.", "lxc.loglevel lxc.logfile lxc.syslog lxc.log", NULL, own_log },
    { "lxc.start.auto", NULL, take_start_auto },
    { "lxc.start.delay", NULL, take_start_delay },
    { "lxc.start.order", NULL, take_start_order },
    { "lxc.monitor.", NULL, NULL, "of LXC's monitor, which Skep does not have" },
    { "lxc.group", NULL, take_group },
    { "lxc.environment", "lxc.environment.runtime", take_environment },
    { "lxc.environment.hooks", NULL, NULL, "hooks get LXC's variables only" },
    { NULL, NULL, NULL, NULL },
};
