/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of lxc.container.conf(5), one a row; the converters of the plain ones. */
#include <string.h>

#include "conf/native_private.h"
#include "conf/signals.h"

/* ---- names and init */

void
native_replace (char **member, const char *value)
{
    g_free (*member);
    *member = *value ? g_strdup (value) : NULL;
}

static void
take_name (Native *n, const NativeLine *line)
{
    native_replace (&n->def->name, line->value);
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
    native_replace (&n->def->os.initdir, line->value);
}

static void
take_id (Native *n, const NativeLine *line, char **member)
{
    guint64 id;

    if (!*line->value)
        native_replace (member, "");
    else if (native_number (n, line, line->value, G_MAXUINT32 - 1, &id))
        *member = (g_free (*member), g_strdup_printf ("%" G_GUINT64_FORMAT, id));
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
    g_autofree char *name = g_ascii_strup (line->value, -1);
    guint number = *name ? signal_number (name) : 0;

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
    g_autofree char *name = g_ascii_strup (line->value, -1);

    if (*name && signal_number (name) != 9)
        native_note (n, line, "destroy always kills: that signal can be sent by shutdown only");
}

/* A switch that is only worth a word when it is on. */
gboolean
native_is_on (Native *n, const NativeLine *line)
{
    guint64 value = 0;

    return *line->value && native_number (n, line, line->value, G_MAXINT, &value) && value != 0;
}

static void
take_start_auto (Native *n, const NativeLine *line)
{
    n->start_auto = native_is_on (n, line) ? line : NULL;
}

static void
take_autostart_number (Native *n, const NativeLine *line, guint64 max, guint *member)
{
    guint64 value = 0;

    if (*line->value && !native_number (n, line, line->value, G_MAXINT, &value))
        return;
    if (value > max)
        native_note (n, line, "the most is %" G_GUINT64_FORMAT ": that is taken", max);
    n->skep->autostart_set = TRUE;
    *member = (guint) MIN (value, max);
}

static void
take_start_delay (Native *n, const NativeLine *line)
{
    take_autostart_number (n, line, SKEP_DELAY_MAX, &n->skep->delay);
}

static void
take_start_order (Native *n, const NativeLine *line)
{
    if (*line->value == '-' && g_ascii_string_to_signed (line->value, 10, G_MININT, 0, NULL, NULL)) {
        native_note (n, line, "orders begin with 0: that is taken");
        n->skep->autostart_set = TRUE;
        n->skep->order = 0;
    } else {
        take_autostart_number (n, line, G_MAXINT, &n->skep->order);
    }
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

    if (*line->value && native_number (n, line, line->value, G_MAXUINT32, &count) && count > 64)
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
    native_replace (&n->console_log, line->value);
}

static void
take_console_path (Native *n, const NativeLine *line)
{
    if (*line->value)
        native_note (n, line, "Skep keeps the console's output itself: skep console");
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
    if (*line->value && !native_is_on (n, line))
        native_note (n, line, "a container always has a /dev of its own");
}

static void
take_ephemeral (Native *n, const NativeLine *line)
{
    if (native_is_on (n, line))
        native_note (n, line, "start it by skep create: such a domain is gone when it ends");
}

/* Says what Skep does anyway. */
static void
take_nothing (Native *n, const NativeLine *line)
{
    (void) n;
    (void) line;
}

/* Switches that are off are as Skep has it. */
static void
take_sched_core (Native *n, const NativeLine *line)
{
    if (native_is_on (n, line))
        native_note (n, line, "a core is shared with other containers: switches against that are the host's");
}

static void
take_nesting (Native *n, const NativeLine *line)
{
    if (native_is_on (n, line))
        native_note (n, line, "containers inside need %s of yours that allows them",
                     g_str_has_prefix (line->key, "lxc.seccomp") ? "a seccomp profile" : "an AppArmor profile");
}

/* "0", "0s": the host's clock, as every container of Skep has it. */
static void
take_time_offset (Native *n, const NativeLine *line)
{
    static const char *const units[] = { "", "h", "m", "s", "ms", "us", "ns", NULL };
    gsize zero = strspn (line->value, "0");

    if (*line->value && (!zero || !g_strv_contains (units, line->value + zero)))
        native_note (n, line, "a container has the host's clocks: there is no time namespace");
}

/* What a switch asks for cannot be had; off is as Skep has it. */
static void
take_switch (Native *n, const NativeLine *line)
{
    static const struct {
        const char *key, *reason;
    } rows[] = {
        { "lxc.kmsg", "/dev/kmsg is the host's" },
        { "lxc.keyring.session", "init always gets a session keyring of its own" },
        { "lxc.monitor.unshare", "of LXC's monitor, which Skep does not have" },
        { "lxc.console.rotate", "the console's log is rotated by its size: console_log_max in lxc.conf" },
        { "", "AppArmor is used as the kernel has it" },
    };
    guint i = 0;

    while (*rows[i].key && !g_str_equal (rows[i].key, line->key))
        i++;
    if (native_is_on (n, line))
        native_note (n, line, "%s", rows[i].reason);
}

static const char own_log[] = "Skep writes one log for each domain: log_dir in skepd.conf";
static const char own_groups[] = "Skep places control groups itself: <resource><partition>";
static const char own_console[] = "the same for all containers: console_ring_size and console_log_max in lxc.conf";

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
    { "lxc.init.groups", NULL, NULL, "init has the groups that the container's /etc/group gives its user" },
    { "lxc.sched.core", NULL, take_sched_core },
    { "lxc.proc.", NULL, native_take_proc },
    { "lxc.ephemeral", NULL, take_ephemeral },
    { "lxc.net", "lxc.net.", native_take_net },
    { "lxc.network", "lxc.network.", native_take_network },
    { "lxc.pty.max", "lxc.pts", take_pty },
    { "lxc.console.buffer.size", NULL, NULL, own_console },
    { "lxc.console.buffer.logfile", NULL, NULL, own_console },
    { "lxc.console.size", NULL, NULL, own_console },
    { "lxc.console.rotate", NULL, take_switch },
    { "lxc.console.logfile", NULL, take_console_log },
    { "lxc.console.path", "lxc.console", take_console_path },
    { "lxc.tty.max", "lxc.tty", take_tty },
    { "lxc.tty.dir", "lxc.devttydir", take_nothing },     /* they are in /dev in any case */
    { "lxc.autodev", NULL, take_autodev },
    { "lxc.autodev.tmpfs.size", NULL, NULL, "/dev of a container holds 64 KiB" },
    { "lxc.kmsg", NULL, take_switch },
    { "lxc.pivotdir", NULL, take_nothing },     /* LXC has not looked at it since 1.1 */
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
    { "lxc.cap.drop", NULL, native_take_cap_drop },
    { "lxc.cap.keep", NULL, native_take_cap_keep },
    { "lxc.namespace.clone", NULL, native_take_namespace_clone },
    { "lxc.namespace.keep", NULL, native_take_namespace_keep },
    { "lxc.namespace.share.", "lxc.namespace.", native_take_share },
    { "lxc.time.offset.", NULL, take_time_offset },
    { "lxc.prlimit.", "lxc.limit.", native_take_prlimit },
    { "lxc.sysctl.", NULL, native_take_sysctl },
    { "lxc.apparmor.profile", "lxc.aa_profile", native_take_apparmor },
    { "lxc.apparmor.allow_incomplete", "lxc.aa_allow_incomplete", take_switch },
    { "lxc.apparmor.allow_nesting", NULL, take_nesting },
    { "lxc.apparmor.raw", NULL, NULL, "rules of a generated profile: put them into a profile of yours" },
    { "lxc.selinux.context", "lxc.se_context", native_take_selinux },
    { "lxc.selinux.context.keyring", NULL, NULL, "keyrings have init's context" },
    { "lxc.keyring.session", NULL, take_switch },
    { "lxc.seccomp.profile", "lxc.seccomp", native_take_seccomp },
    { "lxc.seccomp.allow_nesting", NULL, take_nesting },
    { "lxc.seccomp.notify.", NULL, NULL, "no program is asked about system calls" },
    { "lxc.no_new_privs", NULL, native_take_no_new_privs },
    { "lxc.idmap", "lxc.id_map", native_take_idmap },
    { "lxc.hook", NULL, native_take_hook_clear },
    { "lxc.hook.", NULL, native_take_hook },
    { "lxc.log.", "lxc.loglevel lxc.logfile lxc.syslog lxc.log", NULL, own_log },
    { "lxc.start.auto", NULL, take_start_auto },
    { "lxc.start.delay", NULL, take_start_delay },
    { "lxc.start.order", NULL, take_start_order },
    { "lxc.monitor.unshare", NULL, take_switch },
    { "lxc.monitor.", NULL, NULL, "of LXC's monitor, which Skep does not have" },
    { "lxc.group", NULL, take_group },
    { "lxc.environment", "lxc.environment.runtime", take_environment },
    { "lxc.environment.hooks", NULL, NULL, "hooks get LXC's variables only" },
    { NULL, NULL, NULL, NULL },
};
