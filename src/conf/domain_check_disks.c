/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of disks. */
#include "conf/domain_check.h"
#include "conf/passive.h"

#include <string.h>

static const char path[] = "/domain/devices/disk";

/* What @disk has of a source: in the node of its source, or beside it. */
static const PassiveNode *
source_part (const DiskDef *disk, const char *name)
{
    const PassiveNode *part
        = passive_child (passive_find_element (disk->passive, "source"), name);

    return part ? part : passive_find_element (disk->passive, name);
}

/* Before anything else: libvirt gives each disk its address first. */
static gboolean
check_place (Check *check, const DiskDef *disk, guint index)
{
    guint unit;

    if (disk->target && !disk->address.set && !passive_find_element (disk->passive, "address")
        && !disk_target_index (disk->target, &unit))
        return check_fail (check, ERR_XML, path, index,
                           "Unknown disk name '%s' and no address specified", disk->target);
    if (disk->bus == DISK_BUS_SCSI && disk->target && !disk->address.set
        && !passive_find_element (disk->passive, "address"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "using disk target name '%s' conflicts with SCSI host device address "
                           "controller='%u' bus='%u' target='%u' unit='%u", disk->target,
                           disk->address.controller, 0, 0, disk->address.unit);
    return TRUE;
}

/* ---- where the data are */

static gboolean
check_auth (Check *check, const PassiveNode *auth, const char *protocol, guint index)
{
    static const char *const usages[] = { "none", "volume", "ceph", "iscsi", "tls", "vtpm", NULL };
    static const char *const without[] = { "nbd", "sheepdog", "gluster", "tftp", "vxhs", "nfs", NULL };
    const char *type = passive_attr (passive_child (auth, "secret"), "type");

    if (!auth || !protocol)
        return TRUE;
    if (g_strv_contains (without, protocol))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "authentication is not supported for protocol '%s'", protocol);
    if (!type || !g_strv_contains (usages, type))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index, "unknown secret type '%s'",
                           type ? type : "<null>");
    if ((g_str_equal (protocol, "iscsi") && strcmp (type, "iscsi") != 0)
        || (g_str_equal (protocol, "rbd") && strcmp (type, "ceph") != 0))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index, "invalid secret type '%s'",
                           type);
    return TRUE;
}

/* The source and those behind it. */
static gboolean
check_chain (Check *check, const DiskDef *disk, guint index)
{
    const PassiveNode *source = passive_find_element (disk->passive, "source"), *backing;

    if (!check_auth (check, source_part (disk, "auth"), passive_attr (source, "protocol"), index))
        return FALSE;
    for (backing = passive_find_element (disk->passive, "backingStore"); backing;
         backing = passive_child (backing, "backingStore")) {
        source = passive_child (backing, "source");
        if (!check_auth (check, passive_child (source, "auth"), passive_attr (source, "protocol"),
                         index))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_lun (Check *check, const DiskDef *disk, guint index)
{
    const PassiveNode *source = passive_find_element (disk->passive, "source");
    const char *protocol = passive_attr (source, "protocol");

    if (disk->type != DISK_BLOCK && disk->type != DISK_NETWORK && disk->type != DISK_VOLUME)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "disk device='lun' is only valid for block type disk source");
    if (protocol && strcmp (protocol, "iscsi") != 0)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "disk device='lun' is not supported for protocol='%s'", protocol);
    if (source_part (disk, "encryption"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "disk device 'lun' doesn't support encryption");
    if (source_part (disk, "slices"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "disk device 'lun' doesn't support storage slice");
    return TRUE;
}

static gboolean
check_source (Check *check, const DiskDef *disk, guint index)
{
    if (disk->device == DISK_DEVICE_LUN) {
        if (!check_lun (check, disk, index))
            return FALSE;
    } else if (source_part (disk, "reservations")) {
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "<reservations/> allowed only for lun devices");
    } else if (passive_value (disk->passive, "rawio")) {
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "rawio can be used only with device='lun'");
    } else if (passive_value (disk->passive, "sgio")) {
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "sgio can be used only with device='lun'");
    }
    if (!g_strcmp0 (passive_value (disk->passive, "sgio"), "unfiltered"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "unfiltered sgio is no longer supported");
    return TRUE;
}

static gboolean
check_target (Check *check, const DiskDef *disk, guint index)
{
    const PassiveNode *source = passive_find_element (disk->passive, "source");
    const char *pool = passive_attr (source, "pool");
    const char *name = passive_attr (source, disk->type == DISK_NETWORK ? "name" : "path");

    if (disk->target)
        return TRUE;
    if (pool)
        return check_fail (check, ERR_NO_TARGET, path, index, "pool = '%s', volume = '%s'", pool,
                           passive_attr (source, "volume"));
    return check_fail (check, ERR_NO_TARGET, path, index, "%s",
                       disk->source ? disk->source : name ? name : "");
}

static gboolean
check_there (Check *check, const DiskDef *disk, guint index)
{
    gboolean there = disk->source || passive_find_element (disk->passive, "source");

    if (!there && disk->device != DISK_DEVICE_CDROM && disk->device != DISK_DEVICE_FLOPPY)
        return check_fail (check, ERR_NO_SOURCE, path, index, "%s", disk->target);
    /* a limit of ours */
    if (disk->address.set && disk->address.controller > CONTROLLER_INDEX_MAX)
        return check_fail (check, ERR_XML, path, index, "controller %u of a disk is above %d",
                           disk->address.controller, CONTROLLER_INDEX_MAX);
    return TRUE;
}

/* ---- the bus, and what it can */

static gboolean
has_drive_bus (const DiskDef *disk)
{
    return disk->bus == DISK_BUS_IDE || disk->bus == DISK_BUS_FDC || disk->bus == DISK_BUS_SCSI
        || disk->bus == DISK_BUS_SATA;
}

static gboolean
check_bus (Check *check, const DiskDef *disk, guint index)
{
    const PassiveNode *address = passive_find_element (disk->passive, "address");
    const char *model = passive_value (disk->passive, "model");
    static const struct {
        const char *option, *text;
    } options[] = {
        { "queues", "queues attribute in disk driver element is only supported by virtio-blk" },
        { "event_idx", "disk event_idx mode supported only for virtio bus" },
        { "ioeventfd", "disk ioeventfd mode supported only for virtio bus" },
        { "iommu", "iommu driver option is only supported for virtio devices" },
        { "ats", "ats driver option is only supported for virtio devices" },
        { "packed", "packed driver option is only supported for virtio devices" },
        { "page_per_vq", "page_per_vq option is only supported for virtio devices" },
    };

    if (address && has_drive_bus (disk))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "Invalid address type '%s' for the disk '%s' with the bus type '%s'",
                           passive_attr (address, "type"), disk->target,
                           disk_bus_names.name[disk->bus]);
    if (disk->bus == DISK_BUS_VIRTIO)
        return TRUE;
    if (model)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "disk model '%s' not supported for bus '%s'", model,
                           disk_bus_names.name[disk->bus]);
    for (guint i = 0; i < G_N_ELEMENTS (options); i++)
        if (passive_value (disk->passive, options[i].option))
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index, "%s", options[i].text);
    return TRUE;
}

/* ---- the drive and its names */

static gboolean
check_inquiry (Check *check, const DiskDef *disk, const char *name, gsize max, guint index)
{
    const char *text = passive_text (passive_find_element (disk->passive, name));

    for (const char *p = text; p && *p; p++)
        if (!g_ascii_isprint (*p))
            return check_fail (check, ERR_XML, path, index, "disk %s is not printable string",
                               name);
    return !text || strlen (text) <= max
        || check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                       "disk %s is more than %u characters", name, (guint) max);
}

static gboolean
check_wwn (Check *check, const DiskDef *disk, guint index)
{
    const char *text = passive_text (passive_find_element (disk->passive, "wwn"));
    const char *digits = text && g_str_has_prefix (text, "0x") ? text + 2 : text;

    return !text
        || (strlen (digits) == 16 && strspn (digits, "0123456789abcdefABCDEF") == 16)
        || check_fail (check, ERR_INTERNAL, path, index, "Malformed wwn: %s", text);
}

static const char *
startup_policy (const DiskDef *disk)
{
    const PassiveNode *source = passive_find_element (disk->passive, "source");

    return source ? passive_attr (source, "startupPolicy")
                  : passive_value (disk->passive, "startupPolicy");
}

static gboolean
check_drive (Check *check, const DiskDef *disk, guint index)
{
    gboolean removable = disk->device == DISK_DEVICE_CDROM || disk->device == DISK_DEVICE_FLOPPY;

    if (passive_value (disk->passive, "tray") && !removable)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "tray is only valid for cdrom and floppy");
    if (!check_inquiry (check, disk, "vendor", 8, index)
        || !check_inquiry (check, disk, "product", 16, index))
        return FALSE;
    if (passive_value (disk->passive, "removable") && disk->bus != DISK_BUS_USB)
        return check_fail (check, ERR_XML, path, index, "removable is only valid for usb disks");
    if (!removable && !g_strcmp0 (startup_policy (disk), "requisite"))
        return check_fail (check, ERR_XML, path, index,
                           "disk startupPolicy 'requisite' is allowed only for cdrom or floppy");
    return check_wwn (check, disk, index);
}

static gboolean
check_name (Check *check, const DiskDef *disk, guint index)
{
    gboolean floppy = disk->device == DISK_DEVICE_FLOPPY;

    if (floppy != (disk->bus == DISK_BUS_FDC))
        return check_fail (check, ERR_INTERNAL, path, index, "Invalid bus type '%s' for %s",
                           disk_bus_names.name[disk->bus], floppy ? "floppy disk" : "disk");
    if (floppy && !g_str_has_prefix (disk->target, "fd"))
        return check_fail (check, ERR_INTERNAL, path, index, "Invalid floppy device name: %s",
                           disk->target);
    if ((disk->device == DISK_DEVICE_DISK || disk->device == DISK_DEVICE_LUN)
        && !disk_target_is_hard (disk->target))
        return check_fail (check, ERR_INTERNAL, path, index, "Invalid harddisk device name: %s",
                           disk->target);
    /* it becomes a node below /dev */
    if (strchr (disk->target, '/') || !*disk->target)
        return check_fail (check, ERR_XML, path, index, "Invalid disk target '%s'", disk->target);
    return TRUE;
}

/* ---- disks that another program serves */

static gboolean
check_vhostuser (Check *check, const DiskDef *disk, guint index)
{
    static const char *const before[] = { "cache", "error_policy", "rerror_policy", "io",
                                          "ioeventfd", "copy_on_read", "discard", "iothread",
                                          "detect_zeroes", "iotune", "backingStore", "encryption",
                                          "readonly", "shareable", "transient", "serial", "wwn",
                                          "vendor", "product", "auth", "geometry", "blockio" };

    if (disk->type != DISK_VHOSTUSER)
        return TRUE;
    if (disk->bus != DISK_BUS_VIRTIO)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "vhostuser disk supports only virtio bus");
    if (g_strcmp0 (passive_value (disk->passive, "snapshot"), "no") != 0)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "only snapshot=no is supported with vhostuser disk");
    for (guint i = 0; i < G_N_ELEMENTS (before); i++) {
        const char *what = before[i];
        gboolean has = passive_has (disk->passive, what) || source_part (disk, what)
            || (disk->cache && g_str_equal (what, "cache"))
            || (disk->readonly && g_str_equal (what, "readonly"))
            || (disk_iotune_set (&disk->iotune) && g_str_equal (what, "iotune"));

        if (has)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                               "%s is not supported with vhostuser disk",
                               g_str_equal (what, "rerror_policy") ? "error_policy" : what);
    }
    return TRUE;
}

/* ---- limits */

static gboolean
check_iotune (Check *check, const DiskIotune *tune, guint index)
{
    static const struct {
        IotuneValue total, read, write;
        const char *what;
    } sums[] = {
        { IOTUNE_TOTAL_BYTES_SEC, IOTUNE_READ_BYTES_SEC, IOTUNE_WRITE_BYTES_SEC, "bytes_sec" },
        { IOTUNE_TOTAL_IOPS_SEC, IOTUNE_READ_IOPS_SEC, IOTUNE_WRITE_IOPS_SEC, "iops_sec" },
        { IOTUNE_TOTAL_BYTES_SEC_MAX, IOTUNE_READ_BYTES_SEC_MAX, IOTUNE_WRITE_BYTES_SEC_MAX,
          "bytes_sec_max" },
        { IOTUNE_TOTAL_IOPS_SEC_MAX, IOTUNE_READ_IOPS_SEC_MAX, IOTUNE_WRITE_IOPS_SEC_MAX,
          "iops_sec_max" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (sums); i++)
        if (tune->value[sums[i].total]
            && (tune->value[sums[i].read] || tune->value[sums[i].write]))
            return check_fail (check, ERR_XML, path, index,
                               "total and read/write %s cannot be set at the same time",
                               sums[i].what);
    return TRUE;
}

static gboolean
same_place (const DiskDef *a, const DiskDef *b)
{
    return a->address.set && b->address.set && a->bus == b->bus
        && drive_address_equal (&a->address, &b->address);
}

static gboolean
check_places (Check *check)
{
    const GPtrArray *disks = check->def->disks;

    for (guint i = 0; i < disks->len; i++)
        for (guint k = i + 1; k < disks->len; k++) {
            const DiskDef *disk = g_ptr_array_index (disks, i);

            if (same_place (disk, g_ptr_array_index (disks, k)))
                return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, i + 1,
                                   "Found duplicate drive address for disk with target name '%s' "
                                   "controller='%u' bus='%u' target='%u' unit='%u'",
                                   disk->target, disk->address.controller, disk->address.bus,
                                   disk->address.target, disk->address.unit);
        }
    return TRUE;
}

gboolean
check_disks (Check *check)
{
    const GPtrArray *disks = check->def->disks;
    g_autoptr (GHashTable) targets = g_hash_table_new (g_str_hash, g_str_equal);
    const DiskDef *other;

    for (guint i = 0; i < disks->len; i++)
        if (!check_place (check, g_ptr_array_index (disks, i), i + 1))
            return FALSE;
    for (guint i = 0; i < disks->len; i++) {
        const DiskDef *disk = g_ptr_array_index (disks, i);

        if (!check_target (check, disk, i + 1) || !check_chain (check, disk, i + 1)
            || !check_source (check, disk, i + 1) || !check_iotune (check, &disk->iotune, i + 1)
            || !check_bus (check, disk, i + 1) || !check_vhostuser (check, disk, i + 1)
            || !check_drive (check, disk, i + 1)
            || !check_name (check, disk, i + 1) || !check_there (check, disk, i + 1))
            return FALSE;
        other = g_hash_table_lookup (targets, disk->target);
        if (other)
            return check_fail (check, ERR_XML, path, i + 1,
                               "target '%s' duplicated for disk sources '%s' and '%s'", disk->target,
                               other->source ? other->source : "<null>",
                               disk->source ? disk->source : "<null>");
        g_hash_table_insert (targets, disk->target, (gpointer) disk);
    }
    return check_places (check);
}
