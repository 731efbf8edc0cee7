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

/* The nodes say the same, as far as they have these attributes. */
static gboolean
same_place (const PassiveNode *one, const PassiveNode *two)
{
    static const char *const attrs[] = { "domain", "bus", "slot", "function", "target", "unit", "uuid",
                                         "name", "wwpn" };

    if (!one || !two)
        return one == two;
    for (guint i = 0; i < G_N_ELEMENTS (attrs); i++)
        if (g_strcmp0 (passive_attr (one, attrs[i]), passive_attr (two, attrs[i])) != 0)
            return FALSE;
    return TRUE;
}

static gboolean
same_source (const GPtrArray *one, const GPtrArray *two)
{
    const PassiveNode *a = passive_find_element (one, "source"), *b = passive_find_element (two, "source");

    return a && b && same_place (a, b)
        && same_place (passive_child (a, "address"), passive_child (b, "address"))
        && same_place (passive_child (a, "adapter"), passive_child (b, "adapter"));
}

static gboolean
same_hostdev (const HostdevDef *one, const HostdevDef *two)
{
    if (one->type != two->type)
        return FALSE;
    if (one->type >= HOSTDEV_PCI)
        return same_source (one->passive, two->passive);
    if (one->type != HOSTDEV_USB)
        return !g_strcmp0 (one->path, two->path) && !g_strcmp0 (one->interface, two->interface);
    /* an address is one device, an id may be several */
    if (one->bus || one->device)
        return one->bus == two->bus && one->device == two->device;
    return one->vendor == two->vendor && one->product == two->product && !two->bus && !two->device;
}

/* An interface that is a device of the host is one of these, too. */
static gboolean
net_is_hostdev (const NetDef *net, const HostdevDef *hostdev)
{
    const PassiveNode *source = passive_find_element (net->passive, "source");

    return net->type == NET_HOSTDEV && hostdev->type == HOSTDEV_PCI
        && passive_is (passive_child (source, "address"), "type", "pci")
        && same_source (net->passive, hostdev->passive);
}

static gboolean
check_net_hostdevs (Check *check)
{
    const GPtrArray *nets = check->def->nets, *hostdevs = check->def->hostdevs;

    for (guint i = 0; i < nets->len; i++) {
        const NetDef *net = g_ptr_array_index (nets, i);
        gboolean twice = FALSE;

        for (guint k = 0; k < i && net->type == NET_HOSTDEV; k++) {
            const NetDef *other = g_ptr_array_index (nets, k);

            twice |= other->type == NET_HOSTDEV && same_source (net->passive, other->passive);
        }
        for (guint k = 0; k < hostdevs->len; k++)
            twice |= net_is_hostdev (net, g_ptr_array_index (hostdevs, k));
        if (twice)
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

/* That no other device is where a SCSI device of the host, number @at, is. */
static gboolean
check_scsi_place (Check *check, guint at, const char *path)
{
    const DomainDef *def = check->def;
    DriveAddress place, other;

    if (!hostdev_scsi_place (g_ptr_array_index (def->hostdevs, at), &place))
        return TRUE;
    for (guint i = 0; i < def->disks->len; i++) {
        const DiskDef *disk = g_ptr_array_index (def->disks, i);

        if (disk->bus == DISK_BUS_SCSI && disk->address.set && drive_address_equal (&disk->address, &place))
            return check_fail (check, ERR_XML, path, at + 1,
                               "SCSI host address controller='%u' bus='%u' target='%u' unit='%u' in use by a "
                               "SCSI disk", place.controller, place.bus, place.target, place.unit);
    }
    for (guint i = 0; i < at; i++)
        if (hostdev_scsi_place (g_ptr_array_index (def->hostdevs, i), &other)
            && drive_address_equal (&other, &place))
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, at + 1,
                               "SCSI host address controller='%u' bus='%u' target='%u' unit='%u' in use by "
                               "another SCSI host device", place.controller, place.bus, place.target,
                               place.unit);
    return TRUE;
}

gboolean
check_hostdevs (Check *check)
{
    static const char path[] = "/domain/devices/hostdev";
    const GPtrArray *hostdevs = check->def->hostdevs;
    guint ramfbs = 0;

    for (guint i = 0; i < hostdevs->len; i++) {
        const HostdevDef *hostdev = g_ptr_array_index (hostdevs, i);

        if (hostdev->interface && !ifname_valid (hostdev->interface))
            return check_fail (check, ERR_XML, path, i + 1, "Invalid interface name '%s'",
                               hostdev->interface);
        if (hostdev->type != HOSTDEV_PCI && passive_has (hostdev->passive, "teaming"))
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, i + 1,
                               "teaming is only supported for pci hostdev devices");
        if (!check_place (check, hostdev, path, i + 1) || !check_scsi_place (check, i, path))
            return FALSE;
        if (!g_strcmp0 (passive_value (hostdev->passive, "ramfb"), "on") && ramfbs++)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, i + 1,
                               "Only one vgpu device can have 'ramfb' enabled");
        for (guint j = 0; j < i; j++)
            if (same_hostdev (g_ptr_array_index (hostdevs, j), hostdev))
                return check_fail (check, ERR_XML, path, i + 1,
                                   "Hostdev already exists in the domain configuration");
        if (!check_addresses (check, hostdev->ips, hostdev->routes, "Domain hostdev device", path, i + 1))
            return FALSE;
    }
    return check_net_hostdevs (check);
}
