/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Definitions as configurations of LXC 4 and later. What the reader understands is written so that it
 * reads the same; what LXC has no word for is noted.
 */
#include <string.h>

#include "conf/domain_passive.h"
#include "conf/fstab.h"
#include "conf/native_private.h"
#include "conf/signals.h"

void
native_cannot (NativeWriter *w, const char *path, const char *reason)
{
    g_ptr_array_add (w->notes, native_note_new (NULL, 0, path, g_strdup (reason)));
}

/* A line of its own, or a note where it cannot be one. */
void
native_put (NativeWriter *w, const char *key, const char *format, ...)
{
    g_autofree char *value = NULL;
    gsize length;
    va_list args;

    va_start (args, format);
    value = g_strdup_vprintf (format, args);
    va_end (args);
    if (strpbrk (value, "\r\n")) {
        native_cannot (w, key, "a value of several lines has no place in a configuration");
        return;
    }
    /* LXC takes a pair of quotes, and blanks at the ends, away */
    length = strlen (value);
    if (length && (strchr ("\"' \t", *value) || strchr ("\"' \t", value[length - 1])))
        g_string_append_printf (w->out, "%s = \"%s\"\n", key, value);
    else
        g_string_append_printf (w->out, "%s = %s\n", key, value);
}

void
native_put_string (NativeWriter *w, const char *key, const char *value)
{
    if (value)
        native_put (w, key, "%s", value);
}

void
native_put_number (NativeWriter *w, const char *key, guint64 value)
{
    native_put (w, key, "%" G_GUINT64_FORMAT, value);
}

/* ---- names and init */

static void
write_init (NativeWriter *w)
{
    const DomainOs *os = &w->def->os;

    native_write_init (w);
    native_put_string (w, "lxc.init.cwd", os->initdir);
    if (os->inituser && strspn (os->inituser, "0123456789") != strlen (os->inituser))
        native_cannot (w, "/domain/os/inituser", "lxc.init.uid takes numbers only");
    else
        native_put_string (w, "lxc.init.uid", os->inituser);
    if (os->initgroup && strspn (os->initgroup, "0123456789") != strlen (os->initgroup))
        native_cannot (w, "/domain/os/initgroup", "lxc.init.gid takes numbers only");
    else
        native_put_string (w, "lxc.init.gid", os->initgroup);
    for (guint i = 0; i < os->initenv->len; i++) {
        const NameValue *var = os->initenv->pdata[i];

        native_put (w, "lxc.environment", "%s=%s", var->name, var->value);
    }
    if (os->cmdline)
        native_put (w, "lxc.environment", "LIBVIRT_LXC_CMDLINE=%s", os->cmdline);
}

static void
write_names (NativeWriter *w)
{
    const DomainDef *def = w->def;
    const char *arch = def->os.arch;
    g_autofree char *host = domain_hostname (def);

    native_put_string (w, "lxc.uts.name", host);
    if (arch)
        native_put_string (w, "lxc.arch", g_str_equal (arch, "ppc64le") ? "ppc64el" : arch);
    if (def->title)
        native_cannot (w, "/domain/title", "LXC has no titles");
    if (def->description)
        native_cannot (w, "/domain/description", "LXC has no descriptions");
    if (def->metadata)
        native_cannot (w, "/domain/metadata", "LXC keeps nothing for others");
    if (!g_str_equal (host, def->name))
        native_cannot (w, "/domain/name", "LXC's name of a container is that of its folder");
}

/* ---- root and mounts */

static void
write_overlay (NativeWriter *w, const FsDef *fs, const DomainSkep *skep)
{
    g_autofree char *parent = g_path_get_dirname (skep->overlay_upper);
    g_autofree char *work = g_build_filename (parent, "olwork", NULL);

    native_put (w, "lxc.rootfs.path", "overlay:%s:%s", fs->source, skep->overlay_upper);
    if (!g_str_equal (work, skep->overlay_work))
        native_cannot (w, "/domain/skep:container/skep:overlay/@work", "LXC's lies beside the upper directory: olwork");
}

static void
write_root (NativeWriter *w, const FsDef *fs, guint index)
{
    g_autofree char *path = g_strdup_printf ("/domain/devices/filesystem[%u]", index + 1);
    const DomainSkep *skep = w->def->skep;
    const char *prefix = "";

    switch (fs->type) {
    case FS_MOUNT:
        /* LXC looks itself, but at what is there now */
        prefix = w->host && w->host->is_file && w->host->is_file (w->host->data, fs->source) ? "dir:" : "";
        break;
    case FS_BLOCK:
        break;
    case FS_FILE:
        prefix = fs->driver == FS_DRIVER_NBD ? "nbd:" : "loop:";
        break;
    default:
        native_cannot (w, path, "LXC's roots are directories, block devices and images; "
                                "lxc.rootfs.path is to be added");
        return;
    }
    if (skep && skep->overlay_upper)
        write_overlay (w, fs, skep);
    else
        native_put (w, "lxc.rootfs.path", "%s%s", prefix, fs->source);
    if (fs->readonly)
        native_put (w, "lxc.rootfs.options", "ro");
}

static void
write_entry (NativeWriter *w, const char *source, const char *target, const char *type, const char *options)
{
    g_autofree char *from = fstab_escape (source), *to = fstab_escape (target + strspn (target, "/"));

    native_put (w, "lxc.mount.entry", "%s %s %s %s 0 0", from, to, type, options);
}

/* What LXC makes where the target is not there: as the source is, or the mount fails. @from is before the
 * source's path on the host. */
static const char *
create_word (const NativeWriter *w, const char *from, const char *source)
{
    g_autofree char *path = from ? g_build_filename (from, source, NULL) : NULL;

    return path && w->host && w->host->is_file && w->host->is_file (w->host->data, path) ? "create=file" : "create=dir";
}

static void
write_filesystem (NativeWriter *w, const FsDef *fs, guint index)
{
    g_autofree char *path = g_strdup_printf ("/domain/devices/filesystem[%u]", index + 1);
    g_autofree char *options = NULL;
    const char *ro = fs->readonly ? ",ro" : "";

    switch (fs->type) {
    case FS_MOUNT:
        options = g_strconcat ("bind", ro, ",", create_word (w, "/", fs->source), NULL);
        write_entry (w, fs->source, fs->target, "none", options);
        break;
    case FS_RAM:
        options = g_strdup_printf ("size=%" G_GUINT64_FORMAT "k,nosuid,nodev%s,create=dir",
                                   fs->usage / 1024, ro);
        write_entry (w, "tmpfs", fs->target, "tmpfs", options);
        break;
    case FS_BLOCK:
        native_cannot (w, path, "the file system's type is to be put in the place of auto");
        options = g_strconcat (fs->readonly ? "ro" : "rw", ",create=dir", NULL);
        write_entry (w, fs->source, fs->target, "auto", options);
        break;
    case FS_BIND:
        options = g_strconcat ("bind,relative", ro, ",", create_word (w, w->root, fs->source), NULL);
        write_entry (w, fs->source + strspn (fs->source, "/"), fs->target, "none", options);
        break;
    default:
        native_cannot (w, path, "LXC mounts images as roots only");
    }
}

/* A socket of a virtual machine's, say, has no path. */
static gboolean
is_of_host (NativeWriter *w, const FsDef *fs, guint index)
{
    g_autofree char *path = g_strdup_printf ("/domain/devices/filesystem[%u]", index + 1);

    if (fs->type == FS_RAM || (fs->source && *fs->source))
        return TRUE;
    native_cannot (w, path, "it comes from no directory, device or image of the host");
    return FALSE;
}

static gboolean
has_net_admin (const DomainFeatures *features)
{
    guint state = features->caps[string_table_value (&capability_names, "net_admin")];

    return features->caps_policy == CAPS_DENY ? state == ON_OFF_ON : state != ON_OFF_OFF;
}

/* LXC sets kernel parameters when all is mounted. With proc:mixed /proc/sys is read-only then, but for the network's,
 * and those, too, for a container without net_admin. */
static gboolean
sets_locked_sysctls (const DomainDef *def)
{
    for (guint i = 0; def->skep && i < def->skep->sysctls->len; i++) {
        const NameValue *sysctl = def->skep->sysctls->pdata[i];

        if (!g_str_has_prefix (sysctl->name, "net") || !has_net_admin (&def->features))
            return TRUE;
    }
    return FALSE;
}

static void
write_filesystems (NativeWriter *w)
{
    gboolean root = FALSE;

    for (guint i = 0; i < w->def->filesystems->len; i++) {
        const FsDef *fs = w->def->filesystems->pdata[i];

        if (!g_str_equal (fs->target, "/") || !is_of_host (w, fs, i))
            continue;
        write_root (w, fs, i);
        w->root = fs->type == FS_MOUNT ? fs->source : NULL;
        root = TRUE;
    }
    if (!root)
        native_cannot (w, "/domain/devices", "no root: LXC would take the host's as well");
    if (sets_locked_sysctls (w->def)) {
        native_cannot (w, "/domain/skep:container/skep:sysctls",
                       "LXC sets these only where the container may, too: with proc:rw");
        native_put (w, "lxc.mount.auto", "proc:rw sys:ro cgroup:mixed");
    } else {
        native_put (w, "lxc.mount.auto", "proc:mixed sys:ro cgroup:mixed");
    }
    for (guint i = 0; i < w->def->filesystems->len; i++) {
        const FsDef *fs = w->def->filesystems->pdata[i];

        if (!g_str_equal (fs->target, "/") && is_of_host (w, fs, i))
            write_filesystem (w, fs, i);
    }
}

/* ---- privileges */

static void
write_idmap (NativeWriter *w, const char *type, const GPtrArray *map)
{
    for (guint i = 0; i < map->len; i++) {
        const IdmapEntry *entry = map->pdata[i];

        native_put (w, "lxc.idmap", "%s %u %u %u", type, entry->start, entry->target, entry->count);
    }
}

static void
write_caps (NativeWriter *w)
{
    const DomainFeatures *features = &w->def->features;
    gboolean keep = features->caps_policy == CAPS_DENY;
    g_autoptr (GString) words = g_string_new (NULL);

    for (guint i = 0; i < CAPABILITY_LAST; i++) {
        gboolean listed = features->caps[i] == (keep ? ON_OFF_ON : ON_OFF_OFF);

        listed |= features->caps_policy == CAPS_DEFAULT && NATIVE_DEFAULT_DROPS >> i & 1
               && features->caps[i] != ON_OFF_ON;
        if (listed)
            g_string_append_printf (words, "%s%s", words->len ? " " : "",
                                    string_table_name (&capability_names, i));
    }
    if (keep)
        native_put (w, "lxc.cap.keep", "%s", words->len ? words->str : "none");
    else if (words->len)
        native_put (w, "lxc.cap.drop", "%s", words->str);
}

static void
write_labels (NativeWriter *w)
{
    for (guint i = 0; i < w->def->seclabels->len; i++) {
        const SeclabelDef *label = w->def->seclabels->pdata[i];

        if (label->type == SECLABEL_NONE)
            native_put (w, "lxc.apparmor.profile", "unconfined");
        else if (label->type == SECLABEL_STATIC && label->label && g_strcmp0 (label->model, "apparmor") == 0)
            native_put_string (w, "lxc.apparmor.profile", label->label);
        else if (label->type == SECLABEL_STATIC && label->label && g_strcmp0 (label->model, "selinux") == 0)
            native_put_string (w, "lxc.selinux.context", label->label);
        else
            native_cannot (w, "/domain/seclabel", "LXC makes no labels for each container");
    }
}

static void
write_shares (NativeWriter *w)
{
    static const char *const names[SHARE_LAST] = { "net", "ipc", "uts" };

    for (guint i = 0; i < SHARE_LAST; i++) {
        const NamespaceShare *share = &w->def->shares[i];
        g_autofree char *key = g_strconcat ("lxc.namespace.share.", names[i], NULL);

        if (share->set)
            native_put (w, key, "%s%s", share->source == SHARE_SOURCE_NETNS ? "/run/netns/" : "", share->value);
    }
}

/* ---- consoles, and our own element */

static void
write_consoles (NativeWriter *w)
{
    const GPtrArray *consoles = w->def->consoles;

    /* /dev/console is there in any case, but libvirt's converter takes a console for each terminal only */
    if (consoles->len > 1 || (consoles->len == 1 && ((const ConsoleDef *) consoles->pdata[0])->log_file))
        native_put_number (w, "lxc.tty.max", consoles->len);
    for (guint i = 0; i < consoles->len; i++) {
        const ConsoleDef *console = consoles->pdata[i];

        if (console->log_file && i == 0)
            native_put_string (w, "lxc.console.logfile", console->log_file);
        else if (console->log_file)
            native_cannot (w, "/domain/devices/console/log", "LXC logs the first console only");
    }
}

static void
write_limits (NativeWriter *w, const DomainSkep *skep)
{
    for (guint i = 0; i < skep->rlimits->len; i++) {
        const SkepRlimit *limit = skep->rlimits->pdata[i];
        g_autofree char *key = g_strconcat ("lxc.prlimit.",
                                            string_table_name (&rlimit_names, limit->resource), NULL);
        g_autofree char *soft = g_strdup_printf ("%" G_GUINT64_FORMAT, limit->soft),
                        *hard = g_strdup_printf ("%" G_GUINT64_FORMAT, limit->hard);

        native_put (w, key, "%s:%s", limit->soft == SKEP_UNLIMITED ? "unlimited" : soft,
             limit->hard == SKEP_UNLIMITED ? "unlimited" : hard);
    }
    for (guint i = 0; i < skep->sysctls->len; i++) {
        const NameValue *sysctl = skep->sysctls->pdata[i];
        g_autofree char *key = g_strconcat ("lxc.sysctl.", sysctl->name, NULL);

        native_put_string (w, key, sysctl->value);
    }
    if (skep->tasks_max) {
        native_put_number (w, "lxc.cgroup.pids.max", skep->tasks_max);
        native_put_number (w, "lxc.cgroup2.pids.max", skep->tasks_max);
    }
    if (skep->oom_set)
        native_put (w, "lxc.proc.oom_score_adj", "%d", skep->oom_score_adj);
}

static void
write_devices (NativeWriter *w, const DomainSkep *skep)
{
    for (guint i = 0; i < skep->devices->len; i++) {
        const SkepDevice *device = skep->devices->pdata[i];

        native_put (w, "lxc.cgroup.devices.allow", "%s %s:%s %s", device->type, device->major, device->minor,
             device->access);
        native_put (w, "lxc.cgroup2.devices.allow", "%s %s:%s %s", device->type, device->major, device->minor,
             device->access);
    }
    for (guint i = 0; i < skep->mounts->len; i++) {
        const SkepMount *mount = skep->mounts->pdata[i];

        write_entry (w, mount->source, mount->target, mount->type,
                     mount->options ? mount->options : "defaults");
    }
}

static void
write_life (NativeWriter *w, const DomainSkep *skep)
{
    static const char *const signals[SKEP_SIGNAL_LAST] = { "lxc.signal.halt", "lxc.signal.reboot" };

    for (guint i = 0; i < SKEP_SIGNAL_LAST; i++)
        if (skep->signals[i]) {
            g_autofree char *name = signal_format (skep->signals[i]);

            native_put_string (w, signals[i], name);
        }
    if (skep->autostart_set && skep->order)
        native_put_number (w, "lxc.start.order", skep->order);
    if (skep->autostart_set && skep->delay)
        native_put_number (w, "lxc.start.delay", skep->delay);
    for (guint i = 0; i < skep->groups->len; i++)
        native_put_string (w, "lxc.group", skep->groups->pdata[i]);
    for (guint i = 0; i < skep->env->len; i++) {
        const NameValue *var = skep->env->pdata[i];

        native_put (w, "lxc.environment", "%s=%s", var->name, var->value);
    }
    for (guint i = 0; i < skep->hooks->len; i++) {
        const SkepHook *hook = skep->hooks->pdata[i];
        g_autofree char *key = g_strconcat ("lxc.hook.", string_table_name (&skep_hook_names, hook->on), NULL);

        native_put_string (w, key, hook->command);
    }
    if (skep->no_new_privs)
        native_put (w, "lxc.no_new_privs", "1");
}

static void
write_seccomp (NativeWriter *w, const DomainSkep *skep)
{
    if (skep && skep->seccomp == SECCOMP_FILE)
        native_put_string (w, "lxc.seccomp.profile", skep->seccomp_file);
    else if (!skep || skep->seccomp == SECCOMP_DEFAULT)
        native_put (w, "lxc.seccomp.profile", "/usr/share/lxc/config/common.seccomp");
    else
        native_cannot (w, "/domain/skep:container/skep:seccomp", "said by the absence of lxc.seccomp.profile, which "
                                                        "Skep reads as its default");
}

/* ---- the whole */

static void
write_rest (NativeWriter *w)
{
    const DomainDef *def = w->def;
    g_autoptr (GPtrArray) passive = domain_def_without_effect (def);

    if (def->partition)
        native_cannot (w, "/domain/resource", "LXC places control groups by itself");
    if (def->disks->len)
        native_cannot (w, "/domain/devices/disk", "LXC has no disks: bind the device's node and allow its number");
    for (guint i = 0; i < def->hostdevs->len; i++)
        if (((const HostdevDef *) def->hostdevs->pdata[i])->type != HOSTDEV_NET)
            native_cannot (w, "/domain/devices/hostdev", "bind the device's node and allow its number");
    if (def->on_poweroff != ACTION_DESTROY || def->on_reboot != ACTION_RESTART
        || def->on_crash != ACTION_DESTROY)
        native_cannot (w, "/domain/on_poweroff", "LXC starts a container again when it reboots, and only then");
    if (def->clock.offset != CLOCK_UTC || def->clock.timers->len)
        native_cannot (w, "/domain/clock", "LXC has no clocks");
    for (guint i = 0; i < passive->len; i++) {
        NativeNote *without = passive->pdata[i];

        if (g_str_has_suffix (without->key, "/vlan"))
            continue;           /* LXC has it */
        g_ptr_array_add (w->notes, native_note_new (NULL, 0, without->key, g_strdup (without->reason)));
    }
}

char *
native_write (const DomainDef *def, const NativeHost *host, GPtrArray **ret_notes)
{
    NativeWriter w = { .def = def, .host = host, .out = g_string_new (NULL),
                 .notes = g_ptr_array_new_with_free_func (native_note_free) };

    write_names (&w);
    write_init (&w);
    write_filesystems (&w);
    native_write_nets (&w);
    write_idmap (&w, "u", def->uid_map);
    write_idmap (&w, "g", def->gid_map);
    native_write_memory (&w);
    native_write_cpu (&w);
    native_write_blkio (&w);
    write_caps (&w);
    write_labels (&w);
    write_shares (&w);
    write_consoles (&w);
    write_seccomp (&w, def->skep);
    if (def->skep) {
        write_limits (&w, def->skep);
        write_devices (&w, def->skep);
        write_life (&w, def->skep);
    }
    write_rest (&w);
    *ret_notes = w.notes;
    return g_string_free (w.out, FALSE);
}
