/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judges a definition after the defaults. What depends on the host is a planner's step, not a
 * check. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "conf/domain_check.h"
#include "conf/mac.h"

#define IDMAP_LINES_MAX 340 /* the kernel takes no more lines in uid_map */

gboolean
check_fail (Check *check, ErrorCode code, const char *path, guint index, const char *format, ...)
{
    va_list args;
    g_autofree char *detail = NULL;

    va_start (args, format);
    detail = g_strdup_vprintf (format, args);
    va_end (args);
    check->path = index ? g_strdup_printf ("%s[%u]", path, index) : g_strdup (path);
    return error_set_from (&check->error, ORIGIN_DOMAIN, code, "%s", detail);
}

static gboolean
check_names (Check *check)
{
    g_autoptr (GError) why = NULL;

    if (!domain_name_check (check->def->name, &why))
        return check_fail (check, (ErrorCode) why->code, "/domain/name", 0, "%s", why->message);
    if (check->def->title && strchr (check->def->title, '\n'))
        return check_fail (check, ERR_XML, "/domain/title", 0, "Domain title can't contain newlines");
    return TRUE;
}

static gboolean
check_sizes (Check *check)
{
    const DomainDef *def = check->def;

    if (!def->memory)
        return check_fail (check, ERR_XML, "/domain/memory", 0,
                           "Memory size must be specified via <memory> or in the <numa> "
                           "configuration");
    if (def->vcpus_current > def->vcpus)
        return check_fail (check, ERR_INTERNAL, "/domain/vcpu", 0,
                           "maxvcpus must not be less than current vcpus (%u < %u)", def->vcpus,
                           def->vcpus_current);
    return TRUE;
}

/* Architectures that libvirt has names for; of the others it says something else. */
static const char *const arch_names[] = {
    "alpha",  "armv6l",   "armv7l",      "armv7b",   "aarch64",    "cris",         "i686",
    "ia64",   "lm32",     "loongarch64", "m68k",     "microblaze", "microblazeel", "mips",
    "mipsel", "mips64",   "mips64el",    "openrisc", "parisc",     "parisc64",     "ppc",
    "ppcle",  "ppc64",    "ppc64le",     "ppcemb",   "riscv32",    "riscv64",      "s390",
    "s390x",  "sh4",      "sh4eb",       "sparc",    "sparc64",    "unicore32",    "x86_64",
    "xtensa", "xtensaeb", NULL,
};

static gboolean
check_os (Check *check)
{
    const DomainOs *os = &check->def->os;
    const DomainDefaults *defaults = check->defaults;

    static const char *const types[] = { "hvm", "xen", "linux", "uml", "xenpvh", "exe", NULL };

    if (!g_strv_contains (types, os->type))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/os/type", 0, "unknown OS type '%s'",
                     os->type);
    if (!g_str_equal (os->type, "exe"))
        return check_fail (check, ERR_INVALID_ARG, "/domain/os/type", 0,
                     "could not find capabilities for ostype=%s domaintype=lxc", os->type);
    if (os->arch && !g_strv_contains (arch_names, os->arch))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/os/type", 0, "Unknown architecture %s",
                     os->arch);
    if (os->arch && defaults->arch && g_strcmp0 (os->arch, defaults->arch)
        && g_strcmp0 (os->arch, defaults->arch32))
        return check_fail (check, ERR_INVALID_ARG, "/domain/os/type", 0,
                     "could not find capabilities for ostype=exe arch=%s domaintype=lxc", os->arch);
    if (!os->init)
        return check_fail (check, ERR_XML, "/domain/os/init", 0, "init binary must be specified");
    for (guint i = 0; i < os->initenv->len; i++) {
        const NameValue *env = g_ptr_array_index (os->initenv, i);

        if (strchr (env->name, '='))
            return check_fail (check, ERR_XML, "/domain/os/initenv", i + 1,
                         "the name of an environment variable cannot contain '='");
    }
    return TRUE;
}

static gboolean
is_seconds (const char *text)
{
    return !text || g_ascii_string_to_signed (text, 10, G_MININT64 + 1, G_MAXINT64, NULL, NULL);
}

static gboolean
check_clock (Check *check)
{
    static const char path[] = "/domain/clock";
    const DomainClock *clock = &check->def->clock;
    gboolean variable = clock->offset == CLOCK_VARIABLE;

    if (clock->offset == CLOCK_TIMEZONE && !clock->timezone)
        return check_fail (check, ERR_INTERNAL, path, 0,
                     "missing 'timezone' attribute for clock with offset='timezone'");
    if (clock->offset == CLOCK_ABSOLUTE && !clock->start)
        return check_fail (check, ERR_INTERNAL, path, 0,
                     "missing 'start' attribute for clock with offset='absolute'");
    if (!is_seconds (clock->start))
        return check_fail (check, ERR_INTERNAL, path, 0,
                     "Invalid value for attribute 'start' in element 'clock': '%s'", clock->start);
    if (!is_seconds (clock->adjustment) && (variable || !g_str_equal (clock->adjustment, "reset")))
        return check_fail (check, ERR_XML, path, 0, "unknown clock adjustment '%s'", clock->adjustment);
    if (clock->basis && (!variable || (!g_str_equal (clock->basis, "utc")
                                       && !g_str_equal (clock->basis, "localtime"))))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0, "unknown clock basis '%s'",
                     clock->basis);
    if ((clock->timezone && clock->offset != CLOCK_TIMEZONE)
        || (clock->start && clock->offset != CLOCK_ABSOLUTE)
        || (clock->adjustment && clock->offset > CLOCK_VARIABLE))
        return check_fail (check, ERR_XML, path, 0,
                     "the clock has an attribute that does not fit its offset");
    return TRUE;
}

static gboolean
check_idmap_kind (Check *check, const GPtrArray *map, const char *path)
{
    guint64 end = 0;

    if (map->len > IDMAP_LINES_MAX)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0, "more than %d lines in an id map",
                     IDMAP_LINES_MAX);
    for (guint i = 0; i < map->len; i++) {
        const IdmapEntry *entry = g_ptr_array_index (map, i);

        if (i == 0 && entry->start != 0)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                         "You must map the root user of container");
        if (!entry->count)
            return check_fail (check, ERR_XML, path, 0, "an id map of no ids");
        if (entry->start < end && i > 0)
            return check_fail (check, ERR_XML, path, 0, "id maps overlap at %u", entry->start);
        end = (guint64) entry->start + entry->count;
        /* -1 is no id */
        if (end > G_MAXUINT32 || (guint64) entry->target + entry->count > G_MAXUINT32)
            return check_fail (check, ERR_XML, path, 0, "an id map goes beyond the last id");
    }
    return TRUE;
}

static gboolean
check_idmap (Check *check)
{
    const DomainDef *def = check->def;

    if ((def->uid_map->len != 0) != (def->gid_map->len != 0))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/idmap", 0,
                     "uid and gid should be mapped both");
    return check_idmap_kind (check, def->uid_map, "/domain/idmap/uid")
        && check_idmap_kind (check, def->gid_map, "/domain/idmap/gid");
}

/* ---- devices */

static gboolean
check_controllers (Check *check)
{
    const GPtrArray *controllers = check->def->controllers;

    /* sorted, so that the same ones are neighbours */
    for (guint i = 0; i < controllers->len; i++) {
        const ControllerDef *two = g_ptr_array_index (controllers, i);
        const ControllerDef *one = i ? g_ptr_array_index (controllers, i - 1) : NULL;

        if (two->index > CONTROLLER_INDEX_MAX)
            return check_fail (check, ERR_XML, "/domain/devices/controller", 0,
                         "controller index %d is above %d", two->index, CONTROLLER_INDEX_MAX);
        if (one && one->type == two->type && one->index == two->index)
            return check_fail (check, ERR_XML, "/domain/devices/controller", 0,
                         "several controllers of one type with index '%d'", two->index);
    }
    return TRUE;
}

static gboolean
check_disks (Check *check)
{
    const GPtrArray *disks = check->def->disks;
    g_autoptr (GHashTable) targets = g_hash_table_new (g_str_hash, g_str_equal);

    for (guint i = 0; i < disks->len; i++) {
        const DiskDef *disk = g_ptr_array_index (disks, i);
        guint index;

        if (!disk->source && disk->type <= DISK_DIR && disk->device != DISK_DEVICE_CDROM
            && disk->device != DISK_DEVICE_FLOPPY)
            return check_fail (check, ERR_NO_SOURCE, "/domain/devices/disk", i + 1, "%s", disk->target);
        if (strchr (disk->target, '/') || !*disk->target)
            return check_fail (check, ERR_XML, "/domain/devices/disk", i + 1, "Invalid disk target '%s'",
                         disk->target);
        if (disk->address.set && disk->address.controller > CONTROLLER_INDEX_MAX)
            return check_fail (check, ERR_XML, "/domain/devices/disk", i + 1,
                         "controller %u of a disk is above %d", disk->address.controller,
                         CONTROLLER_INDEX_MAX);
        if (!disk->address.set && !disk_target_index (disk->target, &index))
            return check_fail (check, ERR_XML, "/domain/devices/disk", i + 1,
                         "Unknown disk name '%s' and no address specified", disk->target);
        if (!g_hash_table_add (targets, disk->target))
            return check_fail (check, ERR_XML, "/domain/devices/disk", i + 1,
                         "target '%s' duplicated for disk", disk->target);
    }
    return TRUE;
}

static gboolean
address_valid (const char *text, int *family)
{
    guint8 bytes[16];

    *family = strchr (text, ':') ? AF_INET6 : AF_INET;
    return inet_pton (*family, text, bytes) == 1;
}

static gboolean
family_fits (const char *name, int family)
{
    return !name || g_str_equal (name, family == AF_INET6 ? "ipv6" : "ipv4");
}

static gboolean
check_ip (Check *check, const NetIp *ip, const char *path, guint index)
{
    int family, peer;

    if (!address_valid (ip->address, &family))
        return check_fail (check, ERR_XML, path, index, "Failed to parse IP address: '%s'", ip->address);
    if (!family_fits (ip->family, family))
        return check_fail (check, ERR_XML, path, index, "family '%s' does not fit IP address '%s'",
                     ip->family, ip->address);
    if (ip->prefix > (family == AF_INET6 ? 128 : 32))
        return check_fail (check, ERR_XML, path, index, "Invalid prefix value %d for IP address '%s'",
                     ip->prefix, ip->address);
    if (ip->peer && (!address_valid (ip->peer, &peer) || peer != family))
        return check_fail (check, ERR_INVALID_ARG, path, index, "Failed to parse peer address: '%s'",
                     ip->peer);
    return TRUE;
}

static gboolean
check_route (Check *check, const NetRoute *route, const char *path, guint index)
{
    int family, other;

    if (!address_valid (route->address, &family))
        return check_fail (check, ERR_XML, path, index, "Bad network address '%s' in a route",
                     route->address);
    if (!family_fits (route->family, family))
        return check_fail (check, ERR_XML, path, index,
                     "family '%s' does not fit the route's address '%s'", route->family,
                     route->address);
    if (!address_valid (route->gateway, &other) || other != family)
        return check_fail (check, ERR_XML, path, index, "Bad gateway address '%s' in a route",
                     route->gateway);
    if (route->netmask
        && (family == AF_INET6 || !address_valid (route->netmask, &other) || other != AF_INET))
        return check_fail (check, ERR_XML, path, index, "Bad netmask '%s' in a route", route->netmask);
    if (route->netmask && route->prefix >= 0)
        return check_fail (check, ERR_XML, path, index, "a route cannot have both netmask and prefix");
    if (route->prefix > (family == AF_INET6 ? 128 : 32))
        return check_fail (check, ERR_XML, path, index, "Invalid prefix %d in a route", route->prefix);
    return TRUE;
}

static gboolean
check_addresses (Check *check, const GPtrArray *ips, const GPtrArray *routes, const char *path,
                 guint index)
{
    for (guint i = 0; i < ips->len; i++)
        if (!check_ip (check, g_ptr_array_index (ips, i), path, index))
            return FALSE;
    for (guint i = 0; i < routes->len; i++)
        if (!check_route (check, g_ptr_array_index (routes, i), path, index))
            return FALSE;
    return TRUE;
}

/* Name of a network device: the kernel's rules (dev_valid_name), and no '%', which it would
 * expand. */
static gboolean
ifname_valid (const char *name)
{
    if (!*name || strlen (name) > 15 || g_str_equal (name, ".") || g_str_equal (name, ".."))
        return FALSE;
    for (const char *p = name; *p; p++)
        if (*p == '/' || *p == ':' || *p == '%' || g_ascii_isspace (*p) || g_ascii_iscntrl (*p))
            return FALSE;
    return TRUE;
}

static gboolean
check_net (Check *check, const NetDef *net, guint index)
{
    static const char path[] = "/domain/devices/interface";
    guint8 mac[6];

    if (!mac_parse (net->mac, mac))
        return check_fail (check, ERR_XML, path, index, "unable to parse mac address '%s'", net->mac);
    if (mac[0] & 1)
        return check_fail (check, ERR_XML, path, index,
                     "expected unicast mac address, found multicast '%s'", net->mac);
    if (net->ifname && !ifname_valid (net->ifname))
        return check_fail (check, ERR_XML, path, index, "Invalid interface name '%s'", net->ifname);
    if (net->guest_ifname && !ifname_valid (net->guest_ifname))
        return check_fail (check, ERR_XML, path, index, "Invalid interface name '%s'", net->guest_ifname);
    if (net->source && net->type != NET_NETWORK && net->type != NET_INTERNAL
        && !ifname_valid (net->source))
        return check_fail (check, ERR_XML, path, index, "Invalid interface name '%s'", net->source);
    for (guint i = 0; i < net->vlan_tags->len; i++)
        if (g_array_index (net->vlan_tags, guint, i) > 4095)
            return check_fail (check, ERR_XML, path, index, "vlan tag id %u too large (maximum 4095)",
                         g_array_index (net->vlan_tags, guint, i));
    if (net->inbound.floor && net->type != NET_NETWORK)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                     "floor attribute is not supported for this config");
    if (net->vlan_tags->len > 1 && !net->vlan_trunk)
        return check_fail (check, ERR_XML, path, index,
                     "invalid \"trunk='no'\" in <vlan>: several tags need a trunk");
    return check_addresses (check, net->host_ips, net->host_routes, path, index)
        && check_addresses (check, net->ips, net->routes, path, index);
}

static gboolean
check_nets (Check *check)
{
    for (guint i = 0; i < check->def->nets->len; i++)
        if (!check_net (check, g_ptr_array_index (check->def->nets, i), i + 1))
            return FALSE;
    return TRUE;
}

static gboolean
same_hostdev (const HostdevDef *one, const HostdevDef *two)
{
    if (one->type != two->type)
        return FALSE;
    if (one->type != HOSTDEV_USB)
        return !g_strcmp0 (one->path, two->path) && !g_strcmp0 (one->interface, two->interface);
    /* an address is one device, an id may be several */
    if (one->bus || one->device)
        return one->bus == two->bus && one->device == two->device;
    return one->vendor == two->vendor && one->product == two->product && !two->bus && !two->device;
}

static gboolean
check_hostdevs (Check *check)
{
    static const char path[] = "/domain/devices/hostdev";

    for (guint i = 0; i < check->def->hostdevs->len; i++) {
        const HostdevDef *hostdev = g_ptr_array_index (check->def->hostdevs, i);

        if (hostdev->type == HOSTDEV_USB && !hostdev->vendor && !hostdev->bus && !hostdev->device)
            return check_fail (check, ERR_XML, path, i + 1, "vendor cannot be 0.");
        if (hostdev->type == HOSTDEV_USB && hostdev->vendor && !hostdev->product)
            return check_fail (check, ERR_INTERNAL, path, i + 1, "missing product");
        if (hostdev->vendor > 0xffff || hostdev->product > 0xffff)
            return check_fail (check, ERR_XML, path, i + 1, "a USB id has four hexadecimal digits");
        if (hostdev->interface && !ifname_valid (hostdev->interface))
            return check_fail (check, ERR_XML, path, i + 1, "Invalid interface name '%s'",
                         hostdev->interface);
        for (guint j = 0; j < i; j++)
            if (same_hostdev (g_ptr_array_index (check->def->hostdevs, j), hostdev))
                return check_fail (check, ERR_XML, path, i + 1,
                             "Hostdev already exists in the domain configuration");
        if (!check_addresses (check, hostdev->ips, hostdev->routes, path, i + 1))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_seclabels (Check *check)
{
    static const char path[] = "/domain/seclabel";
    const GPtrArray *labels = check->def->seclabels;

    for (guint i = 0; i < labels->len; i++) {
        const SeclabelDef *label = g_ptr_array_index (labels, i);

        if (!label->model && label->type != SECLABEL_NONE
            && (label->type == SECLABEL_STATIC || labels->len > 1))
            return check_fail (check, ERR_XML, path, i + 1, "missing security model");
        if (label->type == SECLABEL_STATIC && !label->label)
            return check_fail (check, ERR_XML, path, i + 1, "security label is missing");
        if (label->type == SECLABEL_DYNAMIC && label->relabel == YES_NO_NO)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, i + 1,
                         "dynamic label type must use resource relabeling");
        if (label->type == SECLABEL_NONE && label->relabel == YES_NO_YES)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, i + 1,
                         "resource relabeling is not compatible with 'none' label type");
        for (guint j = 0; j < i; j++)
            if (!g_strcmp0 (((SeclabelDef *) g_ptr_array_index (labels, j))->model, label->model))
                return check_fail (check, ERR_XML_DETAIL, path, i + 1,
                             "security model '%s' is given twice",
                             label->model ? label->model : "");
    }
    return TRUE;
}

static gboolean
check_shares (Check *check)
{
    static const char *const paths[SHARE_LAST] = { "sharenet", "shareipc", "shareuts" };

    for (guint i = 0; i < SHARE_LAST; i++) {
        g_autofree char *path = g_strdup_printf ("/domain/*[local-name()='namespace']"
                                                 "/*[local-name()='%s']", paths[i]);

        if (i != SHARE_NET && check->def->shares[i].source == SHARE_SOURCE_NETNS)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                         "'netns' namespace source can only be used with sharenet");
    }
    return TRUE;
}

static gboolean
check_skep (Check *check)
{
    return domain_skep_check (check->def, &check->path, &check->error);
}

gboolean
domain_check (const DomainDef *def, const DomainDefaults *defaults, char **ret_path, GError **error)
{
    static gboolean (*const checks[]) (Check *) = {
        check_names, check_sizes, check_tune, check_os,   check_idmap,    check_clock,
        check_disks, check_controllers, check_nets,  check_hostdevs, check_seclabels, check_shares,
        check_skep,
    };
    Check check = { .def = def, .defaults = defaults };

    for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
        if (!checks[i] (&check)) {
            *ret_path = check.path;
            g_propagate_error (error, check.error);
            return FALSE;
        }
    return TRUE;
}
