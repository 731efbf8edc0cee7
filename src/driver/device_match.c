/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/device_match.h"

#include <string.h>

#include "driver/planner.h"
#include "util/error.h"

/* What libvirt calls the kind in its refusals. */
static const char *
type_name (const DomainDevice *device)
{
    return device->kind == DEVICE_CONSOLE ? "chr" : device->name;
}

/* ---- what can come */

static gboolean
target_is_free (const DomainDef *def, const DomainDevice *device, const char *target, MatchWhere where,
                GError **error)
{
    if (domain_device_find (def, device->kind, device->item) == -1)
        return TRUE;
    return where == MATCH_LIVE
               ? error_set (error, ERR_OPERATION_FAILED, "target %s already exists", target)
               : error_set (error, ERR_INVALID_ARG, "target %s already exists.", target);
}

static gboolean
new_disk (const DomainDef *def, const DomainDevice *device, MatchWhere where, GError **error)
{
    const DiskDef *disk = device->item;

    if (where == MATCH_LIVE && !disk->source)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "Can't setup disk without media");
    return target_is_free (def, device, disk->target, where, error);
}

static gboolean
new_filesystem (const DomainDef *def, const DomainDevice *device, MatchWhere where, GError **error)
{
    const FsDef *fs = device->item;

    if (where == MATCH_LIVE && strcmp (fs->target, "/") == 0)
        return error_set (error, ERR_OPERATION_INVALID, "the root of a running container cannot be replaced");
    return target_is_free (def, device, fs->target, where, error);
}

/* The name of a device in the container's network namespace, NULL: chosen when it comes. */
static const char *
guest_name (const DomainDevice *device)
{
    if (device->kind == DEVICE_INTERFACE)
        return ((const NetDef *) device->item)->guest_ifname;
    return ((const HostdevDef *) device->item)->type == HOSTDEV_NET
               ? ((const HostdevDef *) device->item)->interface : NULL;
}

/* What goes into a network namespace that is not the container's own would be the host's again. */
static gboolean
new_link (const DomainDef *def, const DomainDevice *device, MatchWhere where, GError **error)
{
    const char *name = guest_name (device);

    if (where == MATCH_CONFIG)
        return TRUE;
    if (!plan_has_own_net (def))
        return error_set (error, ERR_CONFIG_UNSUPPORTED,
                          "the container has no network namespace of its own: it was started without "
                          "<interface> and <privnet/>");
    for (guint i = 0; name && i < def->nets->len; i++)
        if (!g_strcmp0 (((const NetDef *) def->nets->pdata[i])->guest_ifname, name))
            return error_set (error, ERR_OPERATION_FAILED, "target %s already exists", name);
    return TRUE;
}

static gboolean
new_net (const DomainDef *def, const DomainDevice *device, MatchWhere where, GError **error)
{
    const NetDef *net = device->item;

    if (!net->mac_generated && domain_device_find (def, device->kind, net) != -1)
        return error_set (error, where == MATCH_LIVE ? ERR_OPERATION_FAILED : ERR_INVALID_ARG,
                          "network device with mac %s already exists", net->mac);
    return new_link (def, device, where, error);
}

static gboolean
new_hostdev (const DomainDef *def, const DomainDevice *device, MatchWhere where, GError **error)
{
    const HostdevDef *dev = device->item;

    if (domain_device_find (def, device->kind, dev) != -1)
        return where == MATCH_LIVE
                   ? error_set (error, ERR_OPERATION_FAILED, "host device already exists")
                   : error_set (error, ERR_INVALID_ARG, "device is already in the domain configuration");
    return dev->type != HOSTDEV_NET || new_link (def, device, where, error);
}

/* One that is the user's own must not be another's. */
static gboolean
alias_is_free (const DomainDef *def, const DomainDevice *device, GError **error)
{
    const char *alias = *domain_device_alias (device->kind, device->item);
    DeviceKind kind;
    guint index;

    if (!alias || !domain_device_find_alias (def, alias, &kind, &index))
        return TRUE;
    return error_set (error, ERR_CONFIG_UNSUPPORTED, "alias '%s' is used already", alias);
}

/* What a start would refuse is refused here, too: judged as the only device beside a console. */
static gboolean
plan_allows (const DomainDef *def, const DomainDevice *device, GError **error)
{
    g_autoptr (DomainDef) alone = domain_device_alone (def, device);
    ConsoleDef *console = g_new0 (ConsoleDef, 1);

    console->type_pty = TRUE;
    g_ptr_array_add (alone->consoles, console);
    return plan_check_def (alone, error);
}

gboolean
device_match_new (const DomainDef *def, const DomainDevice *device, MatchWhere where, GError **error)
{
    static gboolean (*const checks[]) (const DomainDef *, const DomainDevice *, MatchWhere, GError **) = {
        [DEVICE_DISK] = new_disk, [DEVICE_FILESYSTEM] = new_filesystem, [DEVICE_INTERFACE] = new_net,
        [DEVICE_HOSTDEV] = new_hostdev,
    };

    if (device->kind == DEVICE_OTHER || (device->kind == DEVICE_CONSOLE && where == MATCH_LIVE))
        return where == MATCH_LIVE
                   ? error_set (error, ERR_CONFIG_UNSUPPORTED, "device type '%s' cannot be attached",
                                type_name (device))
                   : error_set (error, ERR_CONFIG_UNSUPPORTED,
                                "persistent attach of device is not supported");
    if (device->kind == DEVICE_CONSOLE)
        return TRUE;
    return checks[device->kind] (def, device, where, error) && alias_is_free (def, device, error)
           && (where == MATCH_CONFIG || plan_allows (def, device, error));
}

/* ---- what can go */

static int
no_net (const NetDef *net, int found, GError **error)
{
    if (net->mac_generated && found == -2)
        error_set (error, ERR_OPERATION_FAILED, "multiple matching devices found");
    else if (net->mac_generated)
        error_set (error, ERR_DEVICE_MISSING, "no matching interface found");
    else if (found == -2)
        error_set (error, ERR_OPERATION_FAILED, "multiple devices matching MAC address %s found", net->mac);
    else
        error_set (error, ERR_DEVICE_MISSING, "no device matching MAC address %s found", net->mac);
    return -1;
}

static void
no_hostdev (const HostdevDef *dev, GError **error)
{
    const char *name = dev->type == HOSTDEV_NET ? dev->interface : dev->path;

    if (dev->type == HOSTDEV_USB || !name)
        error_set (error, ERR_OPERATION_FAILED, "usb device not found");
    else
        error_set (error, ERR_OPERATION_FAILED, "hostdev %s not found", name);
}

static int
not_found (const DomainDevice *device, int found, MatchWhere where, GError **error)
{
    gboolean live = where == MATCH_LIVE;

    if (device->kind == DEVICE_INTERFACE)
        return no_net (device->item, found, error);
    if (device->kind == DEVICE_DISK)
        error_set (error, live ? ERR_OPERATION_FAILED : ERR_INVALID_ARG,
                   live ? "disk %s not found" : "no target device %s",
                   ((const DiskDef *) device->item)->target);
    else if (device->kind == DEVICE_FILESYSTEM)
        error_set (error, ERR_DEVICE_MISSING, "no filesystem with target %s found",
                   ((const FsDef *) device->item)->target);
    else if (device->kind == DEVICE_HOSTDEV && live)
        no_hostdev (device->item, error);
    else if (device->kind == DEVICE_HOSTDEV)
        error_set (error, ERR_INVALID_ARG, "device not present in domain configuration");
    else
        error_set (error, ERR_DEVICE_MISSING, "no such console found");
    return -1;
}

int
device_match_old (const DomainDef *def, const DomainDevice *device, MatchWhere where, GError **error)
{
    int found = -1;

    if (device->kind == DEVICE_OTHER || (device->kind == DEVICE_CONSOLE && where == MATCH_LIVE)) {
        if (where == MATCH_LIVE)
            error_set (error, ERR_CONFIG_UNSUPPORTED, "device type '%s' cannot be detached", type_name (device));
        else
            error_set (error, ERR_CONFIG_UNSUPPORTED, "persistent detach of device is not supported");
        return -1;
    }
    found = domain_device_find (def, device->kind, device->item);
    if (found >= 0 && where == MATCH_LIVE && device->kind == DEVICE_FILESYSTEM
        && strcmp (((const FsDef *) device->item)->target, "/") == 0) {
        error_set (error, ERR_OPERATION_INVALID, "the root of a running container cannot be detached");
        return -1;
    }
    return found >= 0 ? found : not_found (device, found, where, error);
}
