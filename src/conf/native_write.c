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

typedef struct {
    const DomainDef *def;
    GString *out;
    GPtrArray *notes;
} Writer;

static void
note (Writer *w, const char *path, const char *reason)
{
    g_ptr_array_add (w->notes, native_note_new (NULL, 0, path, g_strdup (reason)));
}

/* A line of its own, or a note where it cannot be one. */
G_GNUC_PRINTF (3, 4)
static void
put (Writer *w, const char *key, const char *format, ...)
{
    g_autofree char *value = NULL;
    gsize length;
    va_list args;

    va_start (args, format);
    value = g_strdup_vprintf (format, args);
    va_end (args);
    if (strpbrk (value, "\r\n")) {
        note (w, key, "a value of several lines has no place in a configuration");
        return;
    }
    /* LXC takes a pair of quotes, and blanks at the ends, away */
    length = strlen (value);
    if (length && (strchr ("\"' \t", *value) || strchr ("\"' \t", value[length - 1])))
        g_string_append_printf (w->out, "%s = \"%s\"\n", key, value);
    else
        g_string_append_printf (w->out, "%s = %s\n", key, value);
}

static void
put_string (Writer *w, const char *key, const char *value)
{
    if (value)
        put (w, key, "%s", value);
}

/* ---- names and init */

static const char word_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=/.,:@%";

static void
append_word (GString *line, const char *word)
{
    g_autofree char *quoted
        = *word && strspn (word, word_chars) == strlen (word) ? NULL : g_shell_quote (word);

    g_string_append_printf (line, "%s%s", line->len ? " " : "", quoted ? quoted : word);
}

static void
write_init (Writer *w)
{
    const DomainOs *os = &w->def->os;
    g_autoptr (GString) command = g_string_new (NULL);

    append_word (command, os->init ? os->init : "/sbin/init");
    for (guint i = 0; i < os->initargs->len; i++)
        append_word (command, os->initargs->pdata[i]);
    if (!g_str_equal (command->str, "/sbin/init"))
        put (w, "lxc.init.cmd", "%s", command->str);
    put_string (w, "lxc.init.cwd", os->initdir);
    if (os->inituser && strspn (os->inituser, "0123456789") != strlen (os->inituser))
        note (w, "/domain/os/inituser", "lxc.init.uid takes numbers only");
    else
        put_string (w, "lxc.init.uid", os->inituser);
    if (os->initgroup && strspn (os->initgroup, "0123456789") != strlen (os->initgroup))
        note (w, "/domain/os/initgroup", "lxc.init.gid takes numbers only");
    else
        put_string (w, "lxc.init.gid", os->initgroup);
    for (guint i = 0; i < os->initenv->len; i++) {
        const NameValue *var = os->initenv->pdata[i];

        put (w, "lxc.environment", "%s=%s", var->name, var->value);
    }
    if (os->cmdline)
        put (w, "lxc.environment", "LIBVIRT_LXC_CMDLINE=%s", os->cmdline);
}

static void
write_names (Writer *w)
{
    const DomainDef *def = w->def;
    const char *arch = def->os.arch;
    g_autofree char *host = domain_hostname (def);

    put_string (w, "lxc.uts.name", host);
    if (arch)
        put_string (w, "lxc.arch", g_str_equal (arch, "ppc64le") ? "ppc64el" : arch);
    if (def->title)
        note (w, "/domain/title", "LXC has no titles");
    if (def->description)
        note (w, "/domain/description", "LXC has no descriptions");
    if (def->metadata)
        note (w, "/domain/metadata", "LXC keeps nothing for others");
    if (!g_str_equal (host, def->name))
        note (w, "/domain/name", "LXC's name of a container is that of its folder");
}

/* ---- root and mounts */

static void
write_overlay (Writer *w, const FsDef *fs, const DomainSkep *skep)
{
    g_autofree char *parent = g_path_get_dirname (skep->overlay_upper);
    g_autofree char *work = g_build_filename (parent, "olwork", NULL);

    put (w, "lxc.rootfs.path", "overlay:%s:%s", fs->source, skep->overlay_upper);
    if (!g_str_equal (work, skep->overlay_work))
        note (w, "/domain/skep:container/skep:overlay/@work", "LXC's lies beside the upper directory: olwork");
}

static void
write_root (Writer *w, const FsDef *fs)
{
    const char *prefix = fs->type == FS_FILE ? fs->driver == FS_DRIVER_NBD ? "nbd:" : "loop:" : "";

    const DomainSkep *skep = w->def->skep;

    if (skep && skep->overlay_upper)
        write_overlay (w, fs, skep);
    else
        put (w, "lxc.rootfs.path", "%s%s", prefix, fs->source);
    if (fs->readonly)
        put (w, "lxc.rootfs.options", "ro");
}

static void
write_entry (Writer *w, const char *source, const char *target, const char *type, const char *options)
{
    g_autofree char *from = fstab_escape (source), *to = fstab_escape (target + strspn (target, "/"));

    put (w, "lxc.mount.entry", "%s %s %s %s 0 0", from, to, type, options);
}

static void
write_filesystem (Writer *w, const FsDef *fs, guint index)
{
    g_autofree char *path = g_strdup_printf ("/domain/devices/filesystem[%u]", index + 1);
    g_autofree char *options = NULL;
    const char *ro = fs->readonly ? ",ro" : "";

    switch (fs->type) {
    case FS_MOUNT:
        options = g_strconcat ("bind", ro, ",create=dir", NULL);
        write_entry (w, fs->source, fs->target, "none", options);
        break;
    case FS_RAM:
        options = g_strdup_printf ("size=%" G_GUINT64_FORMAT "k,nosuid,nodev%s,create=dir",
                                   fs->usage / 1024, ro);
        write_entry (w, "tmpfs", fs->target, "tmpfs", options);
        break;
    case FS_BLOCK:
        note (w, path, "the file system's type is to be put in the place of auto");
        options = g_strconcat (fs->readonly ? "ro" : "rw", ",create=dir", NULL);
        write_entry (w, fs->source, fs->target, "auto", options);
        break;
    case FS_BIND:
        options = g_strconcat ("bind,relative", ro, ",create=dir", NULL);
        write_entry (w, fs->source + strspn (fs->source, "/"), fs->target, "none", options);
        break;
    default:
        note (w, path, "LXC mounts images as roots only");
    }
}

static void
write_filesystems (Writer *w)
{
    gboolean root = FALSE;

    for (guint i = 0; i < w->def->filesystems->len; i++) {
        const FsDef *fs = w->def->filesystems->pdata[i];

        if (!g_str_equal (fs->target, "/"))
            continue;
        write_root (w, fs);
        root = TRUE;
    }
    if (!root)
        note (w, "/domain/devices", "no root: LXC would take the host's as well");
    put (w, "lxc.mount.auto", "proc:mixed sys:ro cgroup:mixed");
    for (guint i = 0; i < w->def->filesystems->len; i++) {
        const FsDef *fs = w->def->filesystems->pdata[i];

        if (!g_str_equal (fs->target, "/"))
            write_filesystem (w, fs, i);
    }
}

/* ---- network */

static void
put_nic (Writer *w, guint index, const char *key, const char *value)
{
    g_autofree char *name = g_strdup_printf ("lxc.net.%u.%s", index, key);

    if (value)
        put_string (w, name, value);
}

static void
write_addresses (Writer *w, guint index, const GPtrArray *ips, const GPtrArray *routes, const char *path)
{
    for (guint i = 0; ips && i < ips->len; i++) {
        const NetIp *ip = ips->pdata[i];
        gboolean v6 = strchr (ip->address, ':') != NULL;
        g_autofree char *text = ip->prefix >= 0 ? g_strdup_printf ("%s/%d", ip->address, ip->prefix)
                                                : g_strdup (ip->address);

        put_nic (w, index, v6 ? "ipv6.address" : "ipv4.address", text);
    }
    for (guint i = 0; routes && i < routes->len; i++) {
        const NetRoute *route = routes->pdata[i];
        gboolean v6 = strchr (route->address, ':') != NULL;

        if (route->gateway && route->prefix <= 0 && !route->netmask && !route->metric
            && (g_str_equal (route->address, "0.0.0.0") || g_str_equal (route->address, "::")))
            put_nic (w, index, v6 ? "ipv6.gateway" : "ipv4.gateway", route->gateway);
        else
            note (w, path, "LXC sets a default route only");
    }
}

static void
write_net_details (Writer *w, guint index, const NetDef *net, const char *path)
{
    g_autofree char *mtu = net->mtu ? g_strdup_printf ("%u", net->mtu) : NULL;

    if (net->linkstate != LINK_DOWN)
        put_nic (w, index, "flags", "up");
    put_nic (w, index, "name", net->guest_ifname);
    put_nic (w, index, "hwaddr", net->mac);
    put_nic (w, index, "mtu", mtu);
    for (guint i = 0; net->vlan_tags && i < net->vlan_tags->len; i++) {
        g_autofree char *tag = g_strdup_printf ("%u", g_array_index (net->vlan_tags, guint, i));

        put_nic (w, index, net->vlan_trunk ? "veth.vlan.tagged.id" : "veth.vlan.id", tag);
    }
    write_addresses (w, index, net->ips, net->routes, path);
    if (net->inbound.average || net->outbound.average || net->filter || net->vport.type
        || net->isolated == YES_NO_YES)
        note (w, path, "LXC has no bandwidth, filters and ports of switches");
    if ((net->host_ips && net->host_ips->len) || (net->host_routes && net->host_routes->len))
        note (w, path, "LXC gives the host's end no addresses");
}

static void
write_net (Writer *w, guint index, const NetDef *net)
{
    static const char *const modes[MACVTAP_LAST] = { "vepa", "private", "bridge", "passthru" };
    g_autofree char *path = g_strdup_printf ("/domain/devices/interface[%u]", index + 1);

    switch (net->type) {
    case NET_BRIDGE:
    case NET_ETHERNET:
        put_nic (w, index, "type", "veth");
        put_nic (w, index, "link", net->type == NET_BRIDGE ? net->source : NULL);
        put_nic (w, index, "veth.pair", net->ifname);
        break;
    case NET_DIRECT:
        put_nic (w, index, "type", "macvlan");
        put_nic (w, index, "link", net->source);
        put_nic (w, index, "macvlan.mode", string_table_name (&(StringTable) { modes, MACVTAP_LAST },
                                                               net->mode));
        break;
    case NET_NETWORK:
        note (w, path, "LXC has no networks: name the network's bridge");
        put_nic (w, index, "type", "veth");
        put_nic (w, index, "link", net->source);
        break;
    default:
        note (w, path, "LXC has no interfaces of this type");
        put_nic (w, index, "type", "empty");
        return;
    }
    write_net_details (w, index, net, path);
}

static void
write_nets (Writer *w)
{
    const DomainDef *def = w->def;
    guint index = 0;

    for (guint i = 0; i < def->nets->len; i++)
        write_net (w, index++, def->nets->pdata[i]);
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const HostdevDef *dev = def->hostdevs->pdata[i];
        g_autofree char *path = g_strdup_printf ("/domain/devices/hostdev[%u]", i + 1);

        if (dev->type != HOSTDEV_NET)
            continue;
        put_nic (w, index, "type", "phys");
        put_nic (w, index, "link", dev->interface);
        write_addresses (w, index++, dev->ips, dev->routes, path);
    }
    if (index == 0 && !def->shares[SHARE_NET].set)
        put_nic (w, 0, "type", def->features.privnet ? "empty" : "none");
}

/* ---- limits */

static void
put_number (Writer *w, const char *key, guint64 value)
{
    put (w, key, "%" G_GUINT64_FORMAT, value);
}

/* LXC takes the lines of the hierarchy that the host has. */
static void
write_memory (Writer *w)
{
    const DomainMemtune *tune = &w->def->memtune;
    guint64 hard = tune->hard_limit_set ? tune->hard_limit : w->def->memory;

    if (hard < MEMORY_UNLIMITED) {
        put_number (w, "lxc.cgroup.memory.limit_in_bytes", hard * 1024);
        put_number (w, "lxc.cgroup2.memory.max", hard * 1024);
    } else {
        put (w, "lxc.cgroup.memory.limit_in_bytes", "-1");
        put (w, "lxc.cgroup2.memory.max", "max");
    }
    if (tune->soft_limit_set && tune->soft_limit < MEMORY_UNLIMITED) {
        put_number (w, "lxc.cgroup.memory.soft_limit_in_bytes", tune->soft_limit * 1024);
        put_number (w, "lxc.cgroup2.memory.high", tune->soft_limit * 1024);
    }
    if (tune->swap_hard_limit_set && tune->swap_hard_limit < MEMORY_UNLIMITED) {
        put_number (w, "lxc.cgroup.memory.memsw.limit_in_bytes", tune->swap_hard_limit * 1024);
        if (tune->swap_hard_limit >= hard)
            put_number (w, "lxc.cgroup2.memory.swap.max", (tune->swap_hard_limit - hard) * 1024);
    }
}

static void
write_cpu (Writer *w)
{
    const DomainCputune *tune = &w->def->cputune;
    g_autofree char *quota
        = tune->quota > 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, tune->quota) : g_strdup ("max");

    /* version 1 last: its shares are the numbers of the XML, a weight is rounded */
    if (tune->shares_set) {
        put_number (w, "lxc.cgroup2.cpu.weight", 1 + (tune->shares - 2) * 9999 / 262142);
        put_number (w, "lxc.cgroup.cpu.shares", tune->shares);
    }
    if (tune->period)
        put (w, "lxc.cgroup2.cpu.max", "%s %" G_GUINT64_FORMAT, quota, tune->period);
    else if (tune->quota)
        put (w, "lxc.cgroup2.cpu.max", "%s", quota);
    if (tune->period)
        put_number (w, "lxc.cgroup.cpu.cfs_period_us", tune->period);
    if (tune->quota)
        put (w, "lxc.cgroup.cpu.cfs_quota_us", "%" G_GINT64_FORMAT, tune->quota < 0 ? -1 : tune->quota);
    if (w->def->cpuset) {
        put_string (w, "lxc.cgroup.cpuset.cpus", w->def->cpuset);
        put_string (w, "lxc.cgroup2.cpuset.cpus", w->def->cpuset);
    }
    if (!w->def->numatune.set)
        return;
    if (w->def->numatune.mode != NUMA_STRICT || !w->def->numatune.nodeset) {
        note (w, "/domain/numatune", "LXC knows memory nodes as a strict set only");
        return;
    }
    put_string (w, "lxc.cgroup.cpuset.mems", w->def->numatune.nodeset);
    put_string (w, "lxc.cgroup2.cpuset.mems", w->def->numatune.nodeset);
}

static void
put_limit (Writer *w, const char *file, const char *word, const char *numbers, guint64 value,
           GString *io_max)
{
    g_autofree char *key = g_strconcat ("lxc.cgroup.blkio.throttle.", file, NULL);

    if (!value)
        return;
    put (w, key, "%s %" G_GUINT64_FORMAT, numbers, value);
    g_string_append_printf (io_max, " %s=%" G_GUINT64_FORMAT, word, value);
}

static void
write_blkio (Writer *w)
{
    const DomainBlkiotune *tune = &w->def->blkiotune;

    if (tune->weight) {
        put_number (w, "lxc.cgroup.blkio.weight", tune->weight);
        put_number (w, "lxc.cgroup2.io.weight", tune->weight);
    }
    for (guint i = 0; i < tune->devices->len; i++) {
        const BlkioDevice *device = tune->devices->pdata[i];
        const char *numbers = device->path + strlen ("/dev/block/");
        g_autoptr (GString) io_max = g_string_new (NULL);
        g_autofree char *path = g_strdup_printf ("/domain/blkiotune/device[%u]", i + 1);

        if (!g_str_has_prefix (device->path, "/dev/block/") || !strchr (numbers, ':')) {
            note (w, path, "LXC names devices by number: write the path /dev/block/MAJOR:MINOR");
            continue;
        }
        if (device->weight)
            put (w, "lxc.cgroup.blkio.weight_device", "%s %u", numbers, device->weight);
        put_limit (w, "read_bps_device", "rbps", numbers, device->read_bytes_sec, io_max);
        put_limit (w, "write_bps_device", "wbps", numbers, device->write_bytes_sec, io_max);
        put_limit (w, "read_iops_device", "riops", numbers, device->read_iops_sec, io_max);
        put_limit (w, "write_iops_device", "wiops", numbers, device->write_iops_sec, io_max);
        if (io_max->len)
            put (w, "lxc.cgroup2.io.max", "%s%s", numbers, io_max->str);
    }
}

/* ---- privileges */

static void
write_idmap (Writer *w, const char *type, const GPtrArray *map)
{
    for (guint i = 0; i < map->len; i++) {
        const IdmapEntry *entry = map->pdata[i];

        put (w, "lxc.idmap", "%s %u %u %u", type, entry->start, entry->target, entry->count);
    }
}

static void
write_caps (Writer *w)
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
        put (w, "lxc.cap.keep", "%s", words->len ? words->str : "none");
    else if (words->len)
        put (w, "lxc.cap.drop", "%s", words->str);
}

static void
write_labels (Writer *w)
{
    for (guint i = 0; i < w->def->seclabels->len; i++) {
        const SeclabelDef *label = w->def->seclabels->pdata[i];

        if (label->type == SECLABEL_NONE)
            put (w, "lxc.apparmor.profile", "unconfined");
        else if (label->type == SECLABEL_STATIC && label->label && g_strcmp0 (label->model, "apparmor") == 0)
            put_string (w, "lxc.apparmor.profile", label->label);
        else if (label->type == SECLABEL_STATIC && label->label && g_strcmp0 (label->model, "selinux") == 0)
            put_string (w, "lxc.selinux.context", label->label);
        else
            note (w, "/domain/seclabel", "LXC makes no labels for each container");
    }
}

static void
write_shares (Writer *w)
{
    static const char *const names[SHARE_LAST] = { "net", "ipc", "uts" };

    for (guint i = 0; i < SHARE_LAST; i++) {
        const NamespaceShare *share = &w->def->shares[i];
        g_autofree char *key = g_strconcat ("lxc.namespace.share.", names[i], NULL);

        if (share->set)
            put (w, key, "%s%s", share->source == SHARE_SOURCE_NETNS ? "/run/netns/" : "", share->value);
    }
}

/* ---- consoles, and our own element */

static void
write_consoles (Writer *w)
{
    const GPtrArray *consoles = w->def->consoles;

    if (consoles->len > 1)
        put_number (w, "lxc.tty.max", consoles->len);
    for (guint i = 0; i < consoles->len; i++) {
        const ConsoleDef *console = consoles->pdata[i];

        if (console->log_file && i == 0)
            put_string (w, "lxc.console.logfile", console->log_file);
        else if (console->log_file)
            note (w, "/domain/devices/console/log", "LXC logs the first console only");
    }
}

static void
write_limits (Writer *w, const DomainSkep *skep)
{
    for (guint i = 0; i < skep->rlimits->len; i++) {
        const SkepRlimit *limit = skep->rlimits->pdata[i];
        g_autofree char *key = g_strconcat ("lxc.prlimit.",
                                            string_table_name (&rlimit_names, limit->resource), NULL);
        g_autofree char *soft = g_strdup_printf ("%" G_GUINT64_FORMAT, limit->soft),
                        *hard = g_strdup_printf ("%" G_GUINT64_FORMAT, limit->hard);

        put (w, key, "%s:%s", limit->soft == SKEP_UNLIMITED ? "unlimited" : soft,
             limit->hard == SKEP_UNLIMITED ? "unlimited" : hard);
    }
    for (guint i = 0; i < skep->sysctls->len; i++) {
        const NameValue *sysctl = skep->sysctls->pdata[i];
        g_autofree char *key = g_strconcat ("lxc.sysctl.", sysctl->name, NULL);

        put_string (w, key, sysctl->value);
    }
    if (skep->tasks_max) {
        put_number (w, "lxc.cgroup.pids.max", skep->tasks_max);
        put_number (w, "lxc.cgroup2.pids.max", skep->tasks_max);
    }
    if (skep->oom_set)
        put (w, "lxc.proc.oom_score_adj", "%d", skep->oom_score_adj);
}

static void
write_devices (Writer *w, const DomainSkep *skep)
{
    for (guint i = 0; i < skep->devices->len; i++) {
        const SkepDevice *device = skep->devices->pdata[i];

        put (w, "lxc.cgroup.devices.allow", "%s %s:%s %s", device->type, device->major, device->minor,
             device->access);
        put (w, "lxc.cgroup2.devices.allow", "%s %s:%s %s", device->type, device->major, device->minor,
             device->access);
    }
    for (guint i = 0; i < skep->mounts->len; i++) {
        const SkepMount *mount = skep->mounts->pdata[i];

        write_entry (w, mount->source, mount->target, mount->type,
                     mount->options ? mount->options : "defaults");
    }
}

static void
write_life (Writer *w, const DomainSkep *skep)
{
    static const char *const signals[SKEP_SIGNAL_LAST] = { "lxc.signal.halt", "lxc.signal.reboot" };

    for (guint i = 0; i < SKEP_SIGNAL_LAST; i++)
        if (skep->signals[i]) {
            g_autofree char *name = signal_format (skep->signals[i]);

            put_string (w, signals[i], name);
        }
    if (skep->autostart_set && skep->order)
        put_number (w, "lxc.start.order", skep->order);
    if (skep->autostart_set && skep->delay)
        put_number (w, "lxc.start.delay", skep->delay);
    for (guint i = 0; i < skep->groups->len; i++)
        put_string (w, "lxc.group", skep->groups->pdata[i]);
    for (guint i = 0; i < skep->env->len; i++) {
        const NameValue *var = skep->env->pdata[i];

        put (w, "lxc.environment", "%s=%s", var->name, var->value);
    }
    for (guint i = 0; i < skep->hooks->len; i++) {
        const SkepHook *hook = skep->hooks->pdata[i];
        g_autofree char *key = g_strconcat ("lxc.hook.", string_table_name (&skep_hook_names, hook->on), NULL);

        put_string (w, key, hook->command);
    }
    if (skep->no_new_privs)
        put (w, "lxc.no_new_privs", "1");
}

static void
write_seccomp (Writer *w, const DomainSkep *skep)
{
    if (skep && skep->seccomp == SECCOMP_FILE)
        put_string (w, "lxc.seccomp.profile", skep->seccomp_file);
    else if (!skep || skep->seccomp == SECCOMP_DEFAULT)
        put (w, "lxc.seccomp.profile", "/usr/share/lxc/config/common.seccomp");
    else
        note (w, "/domain/skep:container/skep:seccomp", "said by the absence of lxc.seccomp.profile, which "
                                                        "Skep reads as its default");
}

/* ---- the whole */

static void
write_rest (Writer *w)
{
    const DomainDef *def = w->def;
    g_autoptr (GPtrArray) passive = domain_def_without_effect (def);

    if (def->partition)
        note (w, "/domain/resource", "LXC places control groups by itself");
    if (def->disks->len)
        note (w, "/domain/devices/disk", "LXC has no disks: bind the device's node and allow its number");
    for (guint i = 0; i < def->hostdevs->len; i++)
        if (((const HostdevDef *) def->hostdevs->pdata[i])->type != HOSTDEV_NET)
            note (w, "/domain/devices/hostdev", "bind the device's node and allow its number");
    if (def->on_poweroff != ACTION_DESTROY || def->on_reboot != ACTION_RESTART
        || def->on_crash != ACTION_DESTROY)
        note (w, "/domain/on_poweroff", "LXC starts a container again when it reboots, and only then");
    if (def->clock.offset != CLOCK_UTC || def->clock.timers->len)
        note (w, "/domain/clock", "LXC has no clocks");
    for (guint i = 0; i < passive->len; i++) {
        NativeNote *without = passive->pdata[i];

        g_ptr_array_add (w->notes, native_note_new (NULL, 0, without->key, g_strdup (without->reason)));
    }
}

char *
native_write (const DomainDef *def, GPtrArray **ret_notes)
{
    Writer w = { .def = def, .out = g_string_new (NULL),
                 .notes = g_ptr_array_new_with_free_func (native_note_free) };

    write_names (&w);
    write_init (&w);
    write_filesystems (&w);
    write_nets (&w);
    write_idmap (&w, "u", def->uid_map);
    write_idmap (&w, "g", def->gid_map);
    write_memory (&w);
    write_cpu (&w);
    write_blkio (&w);
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
