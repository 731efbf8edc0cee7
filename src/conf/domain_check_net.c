/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces and host devices. */
#include <string.h>

#include "conf/domain_address.h"
#include "conf/domain_check.h"
#include "conf/passive.h"

static gboolean
check_addresses (Check *check, const GPtrArray *ips, const GPtrArray *routes, const char *of,
                 const char *path, guint index)
{
    g_autoptr (GError) error = NULL;
    gboolean fine = TRUE;

    for (guint i = 0; fine && i < ips->len; i++)
        fine = net_ip_settle (g_ptr_array_index (ips, i), &error);
    for (guint i = 0; fine && i < routes->len; i++)
        fine = net_route_settle (g_ptr_array_index (routes, i), of, &error);
    return fine || check_fail (check, (ErrorCode) error->code, path, index, "%s", error->message);
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
check_names (Check *check, const NetDef *net, const char *path, guint index)
{
    const char *source = net->type == NET_BRIDGE || net->type == NET_DIRECT ? net->source : NULL;
    const char *names[] = { net->ifname, net->guest_ifname, source };

    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        if (names[i] && !ifname_valid (names[i]))
            return check_fail (check, ERR_XML, path, index, "Invalid interface name '%s'", names[i]);
    return TRUE;
}

/* What only some types can have. */
static gboolean
check_kind (Check *check, const NetDef *net, const char *path, guint index)
{
    const char *type = net_type_names.name[net->type];

    if (net->target_managed == YES_NO_NO && net->type != NET_ETHERNET)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "unmanaged target dev is not supported on interfaces of type '%s'", type);
    if ((net->host_ips->len || net->host_routes->len) && net->type != NET_ETHERNET)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "Invalid attempt to set network interface host-side IP route and/or address info "
                           "on interface of type '%s'. This is only supported on interfaces of type "
                           "'ethernet'", type);
    if (net->isolated == YES_NO_YES && net->type != NET_NETWORK && net->type != NET_BRIDGE)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "interface %s - <port isolated='yes'/> is not supported for network interfaces "
                           "with type='%s'", net->mac, type);
    return TRUE;
}

static gboolean
check_net (Check *check, const NetDef *net, guint index)
{
    static const char path[] = "/domain/devices/interface";
    g_autoptr (GError) error = NULL;

    /* as with the addresses below: what has come another way than through the codec */
    if (!net_mac_settle ((NetDef *) net, &error))
        return check_fail (check, (ErrorCode) error->code, path, index, "%s", error->message);
    return check_names (check, net, path, index) && check_kind (check, net, path, index)
        && check_addresses (check, net->host_ips, net->host_routes, "interface host IP", path, index)
        && check_addresses (check, net->ips, net->routes, "guest interface", path, index);
}

gboolean
check_nets (Check *check)
{
    for (guint i = 0; i < check->def->nets->len; i++)
        if (!check_net (check, g_ptr_array_index (check->def->nets, i), i + 1))
            return FALSE;
    return TRUE;
}

/* ---- host devices */

/* Two that are the same device have the same words for it, which go into hash tables: to compare each with each takes
 * long where there are a thousand. */
static void
add_word (GString *words, const char *value)
{
    if (value)
        g_string_append_printf (words, "%zu:%s", strlen (value), value);
    g_string_append_c (words, ';');
}

static void
add_place (GString *words, const PassiveNode *node)
{
    static const char *const attrs[] = { "domain", "bus", "slot", "function", "target", "unit", "uuid",
                                         "name", "wwpn" };

    g_string_append_c (words, node ? '+' : '-');
    for (guint i = 0; node && i < G_N_ELEMENTS (attrs); i++)
        add_word (words, passive_attr (node, attrs[i]));
}

/* NULL: it has no source. */
static char *
source_words (const GPtrArray *passive)
{
    const PassiveNode *source = passive_find_element (passive, "source");
    GString *words;

    if (!source)
        return NULL;
    words = g_string_new (NULL);
    add_place (words, source);
    add_place (words, passive_child (source, "address"));
    add_place (words, passive_child (source, "adapter"));
    return g_string_free (words, FALSE);
}

static char *
hostdev_words (const HostdevDef *hostdev)
{
    g_autofree char *source = NULL;
    GString *words;

    if (hostdev->type >= HOSTDEV_PCI) {
        source = source_words (hostdev->passive);
        return source ? g_strdup_printf ("%u %s", hostdev->type, source) : NULL;
    }
    /* an address is one device, an id may be several */
    if (hostdev->type == HOSTDEV_USB && (hostdev->bus || hostdev->device))
        return g_strdup_printf ("usb at %u %u", hostdev->bus, hostdev->device);
    if (hostdev->type == HOSTDEV_USB)
        return g_strdup_printf ("usb %u %u", hostdev->vendor, hostdev->product);
    words = g_string_new (NULL);
    g_string_append_printf (words, "%u ", hostdev->type);
    add_word (words, hostdev->path);
    add_word (words, hostdev->interface);
    return g_string_free (words, FALSE);
}

/* An interface that is a device of the host is one of these, too. */
static gboolean
check_net_hostdevs (Check *check)
{
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr (GHashTable) devices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    const GPtrArray *nets = check->def->nets, *hostdevs = check->def->hostdevs;

    for (guint i = 0; i < hostdevs->len; i++) {
        const HostdevDef *hostdev = g_ptr_array_index (hostdevs, i);
        char *words = hostdev->type == HOSTDEV_PCI ? source_words (hostdev->passive) : NULL;

        if (words)
            g_hash_table_add (devices, words);
    }
    for (guint i = 0; i < nets->len; i++) {
        const NetDef *net = g_ptr_array_index (nets, i);
        char *words = net->type == NET_HOSTDEV ? source_words (net->passive) : NULL;
        gboolean twice;

        if (!words)
            continue;
        twice = g_hash_table_contains (devices, words)
            && passive_is (passive_child (passive_find_element (net->passive, "source"), "address"), "type", "pci");
        if (!g_hash_table_add (seen, words) || twice)
            return check_fail (check, ERR_XML, "/domain/devices/interface", i + 1,
                               "Hostdev already exists in the domain configuration");
    }
    return TRUE;
}

/* What stands where in the machine that a container is not: still it must be possible. */
static gboolean
check_place (Check *check, const HostdevDef *hostdev, const char *path, guint index)
{
    const PassiveNode *address = passive_find (hostdev->passive, "address", NULL);
    const char *type = address ? passive_attr (address, "type") : NULL;
    const PassiveNode *node;
    const char *model;

    if (!type)
        return TRUE;
    if (hostdev->type == HOSTDEV_PCI && strcmp (type, "pci") != 0 && strcmp (type, "unassigned") != 0)
        return check_fail (check, ERR_INTERNAL, path, index,
                           "PCI host devices must use 'pci' or 'unassigned' address type");
    if (hostdev->type == HOSTDEV_SCSI && strcmp (type, "drive") != 0)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "SCSI host device must use 'drive' address type");
    if (hostdev->type == HOSTDEV_SCSI_HOST && strcmp (type, "pci") != 0 && strcmp (type, "ccw") != 0)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "SCSI_host host device must use 'pci' or 'ccw' address type");
    if (hostdev->type == HOSTDEV_USB && strcmp (type, "usb") != 0)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "USB host device must use 'usb' address type");
    if (hostdev->type != HOSTDEV_MDEV)
        return TRUE;
    node = passive_find (hostdev->passive, "model", NULL);
    model = node ? passive_text (node) : NULL;
    if ((!g_strcmp0 (model, "vfio-pci") && strcmp (type, "pci") != 0)
        || (!g_strcmp0 (model, "vfio-ccw") && strcmp (type, "ccw") != 0))
        return check_fail (check, ERR_XML, path, index,
                           "Unsupported address type '%s' with mediated device model '%s'", type, model);
    return TRUE;
}

static GHashTable *
disks_scsi_places (const DomainDef *def)
{
    GHashTable *places = drive_addresses_new ();

    for (guint i = 0; i < def->disks->len; i++) {
        const DiskDef *disk = g_ptr_array_index (def->disks, i);

        if (disk->bus == DISK_BUS_SCSI && disk->address.set)
            drive_addresses_add (places, &disk->address);
    }
    return places;
}

/* That no disk and no other of these is where a SCSI device of the host is. */
static gboolean
check_scsi_place (Check *check, const HostdevDef *hostdev, GHashTable *disks, GHashTable *others, const char *path,
                  guint index)
{
    DriveAddress place;

    if (!hostdev_scsi_place (hostdev, &place))
        return TRUE;
    if (g_hash_table_contains (disks, &place))
        return check_fail (check, ERR_XML, path, index,
                           "SCSI host address controller='%u' bus='%u' target='%u' unit='%u' in use by a "
                           "SCSI disk", place.controller, place.bus, place.target, place.unit);
    return drive_addresses_add (others, &place)
        || check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                       "SCSI host address controller='%u' bus='%u' target='%u' unit='%u' in use by "
                       "another SCSI host device", place.controller, place.bus, place.target, place.unit);
}

gboolean
check_hostdevs (Check *check)
{
    static const char path[] = "/domain/devices/hostdev";
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr (GHashTable) disks = disks_scsi_places (check->def), places = drive_addresses_new ();
    const GPtrArray *hostdevs = check->def->hostdevs;
    guint ramfbs = 0;

    for (guint i = 0; i < hostdevs->len; i++) {
        const HostdevDef *hostdev = g_ptr_array_index (hostdevs, i);
        char *words;

        if (hostdev->interface && !ifname_valid (hostdev->interface))
            return check_fail (check, ERR_XML, path, i + 1, "Invalid interface name '%s'",
                               hostdev->interface);
        if (hostdev->type != HOSTDEV_PCI && passive_has (hostdev->passive, "teaming"))
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, i + 1,
                               "teaming is only supported for pci hostdev devices");
        if (!check_place (check, hostdev, path, i + 1)
            || !check_scsi_place (check, hostdev, disks, places, path, i + 1))
            return FALSE;
        if (!g_strcmp0 (passive_value (hostdev->passive, "ramfb"), "on") && ramfbs++)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, i + 1,
                               "Only one vgpu device can have 'ramfb' enabled");
        words = hostdev_words (hostdev);
        if (words && !g_hash_table_add (seen, words))
            return check_fail (check, ERR_XML, path, i + 1, "Hostdev already exists in the domain configuration");
        if (!check_addresses (check, hostdev->ips, hostdev->routes, "Domain hostdev device", path, i + 1))
            return FALSE;
    }
    return check_net_hostdevs (check);
}
