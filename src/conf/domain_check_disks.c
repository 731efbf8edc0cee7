/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of disks. */
#include "conf/domain_check.h"
#include "conf/passive.h"

#include <string.h>

static const char path[] = "/domain/devices/disk";

static gboolean
has_drive_bus (const DiskDef *disk)
{
    return disk->bus == DISK_BUS_IDE || disk->bus == DISK_BUS_FDC || disk->bus == DISK_BUS_SCSI
        || disk->bus == DISK_BUS_SATA;
}

static gboolean
check_name (Check *check, const DiskDef *disk, guint index)
{
    const PassiveNode *address = passive_find_element (disk->passive, "address");
    guint unit;

    if (strchr (disk->target, '/') || !*disk->target)
        return check_fail (check, ERR_XML, path, index, "Invalid disk target '%s'", disk->target);
    if (!disk->address.set && !address && !disk_target_index (disk->target, &unit))
        return check_fail (check, ERR_XML, path, index,
                           "Unknown disk name '%s' and no address specified", disk->target);
    if (disk->device == DISK_DEVICE_FLOPPY && !g_str_has_prefix (disk->target, "fd"))
        return check_fail (check, ERR_INTERNAL, path, index, "Invalid floppy device name: %s",
                           disk->target);
    if (address && has_drive_bus (disk))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "Invalid address type '%s' for the disk '%s' with the bus type '%s'",
                           passive_attr (address, "type"), disk->target,
                           disk_bus_names.name[disk->bus]);
    if (disk->address.set && disk->address.controller > CONTROLLER_INDEX_MAX)
        return check_fail (check, ERR_XML, path, index, "controller %u of a disk is above %d",
                           disk->address.controller, CONTROLLER_INDEX_MAX);
    return TRUE;
}

static gboolean
check_source (Check *check, const DiskDef *disk, guint index)
{
    gboolean lun = disk->device == DISK_DEVICE_LUN;
    gboolean there = disk->source || passive_find_element (disk->passive, "source");

    if (!there && disk->device != DISK_DEVICE_CDROM && disk->device != DISK_DEVICE_FLOPPY)
        return check_fail (check, ERR_NO_SOURCE, path, index, "%s", disk->target);
    if (lun && disk->type != DISK_BLOCK && disk->type != DISK_NETWORK && disk->type != DISK_VOLUME)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "disk device='lun' is only valid for block type disk source");
    if (!g_strcmp0 (passive_value (disk->passive, "sgio"), "unfiltered"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "unfiltered sgio is no longer supported");
    if (!lun && passive_value (disk->passive, "rawio"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                           "rawio can be used only with device='lun'");
    return TRUE;
}

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

gboolean
check_disks (Check *check)
{
    const GPtrArray *disks = check->def->disks;
    g_autoptr (GHashTable) targets = g_hash_table_new (g_str_hash, g_str_equal);
    const DiskDef *other;

    for (guint i = 0; i < disks->len; i++) {
        const DiskDef *disk = g_ptr_array_index (disks, i);

        if (!check_name (check, disk, i + 1) || !check_source (check, disk, i + 1)
            || !check_iotune (check, &disk->iotune, i + 1))
            return FALSE;
        other = g_hash_table_lookup (targets, disk->target);
        if (other)
            return check_fail (check, ERR_XML, path, i + 1,
                               "target '%s' duplicated for disk sources '%s' and '%s'", disk->target,
                               other->source ? other->source : "<null>",
                               disk->source ? disk->source : "<null>");
        g_hash_table_insert (targets, disk->target, (gpointer) disk);
    }
    return TRUE;
}
