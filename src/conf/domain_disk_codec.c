/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk and controller. */
#include "conf/domain_codec.h"
#include "conf/number.h"
#include "conf/passive.h"

STATIC_STRING_TABLE (disk_type_names, DISK_TYPE_LAST, "file", "block", "dir", "network", "volume", "nvme",
                     "vhostuser");
STRING_TABLE (iotune_names, IOTUNE_LAST, "total_bytes_sec", "read_bytes_sec", "write_bytes_sec",
              "total_iops_sec", "read_iops_sec", "write_iops_sec", "total_bytes_sec_max",
              "read_bytes_sec_max", "write_bytes_sec_max", "total_iops_sec_max",
              "read_iops_sec_max", "write_iops_sec_max", "size_iops_sec",
              "total_bytes_sec_max_length", "read_bytes_sec_max_length",
              "write_bytes_sec_max_length", "total_iops_sec_max_length",
              "read_iops_sec_max_length", "write_iops_sec_max_length");
STATIC_STRING_TABLE (device_names, DISK_DEVICE_LAST, "disk", "cdrom", "floppy", "lun");
STRING_TABLE (disk_bus_names, DISK_BUS_LAST, NULL, "ide", "fdc", "scsi", "virtio", "xen", "usb",
                     "uml", "sata", "sd");
STATIC_STRING_TABLE (cache_names, DISK_CACHE_LAST, NULL, "default", "none", "writethrough",
                     "writeback", "directsync", "unsafe");

/* Attribute of <source> by type, where that is one path. */
static const char *const source_attrs[DISK_TYPE_LAST] = {
    [DISK_FILE] = "file", [DISK_BLOCK] = "dev", [DISK_DIR] = "dir",
};

/* A drive's address is made where it is absent; others mean nothing. */
static void
address_codec (Codec *c, DiskDef *disk)
{
    DriveAddress *address = &disk->address;

    if (codec_reading (c)) {
        g_autofree char *type = codec_peek_child (c, "address", "type");

        address->set = type && g_str_equal (type, "drive");
    }
    if (!address->set || !codec_enter (c, "address", TRUE)) {
        passive_codec (c, &disk->passive, "address");
        return;
    }
    if (codec_reading (c))
        g_free (codec_take (c, "type", 0));
    else
        codec_put (c, "type", "drive");
    codec_uint (c, "controller", &address->controller, FIELD_KEEP_ZERO);
    codec_uint (c, "bus", &address->bus, FIELD_KEEP_ZERO);
    codec_uint (c, "target", &address->target, FIELD_KEEP_ZERO);
    codec_uint (c, "unit", &address->unit, FIELD_KEEP_ZERO);
    codec_leave (c);
}

gboolean
disk_iotune_set (const DiskIotune *tune)
{
    for (guint i = 0; i < IOTUNE_LAST; i++)
        if (tune->value[i])
            return TRUE;
    return tune->group_name != NULL;
}

static void
iotune_value_codec (Codec *c, const char *name, guint64 *v)
{
    g_autofree char *text = NULL;

    if (!codec_reading (c)) {
        codec_element_uint64 (c, name, v);
        return;
    }
    if (!codec_enter (c, name, FALSE))
        return;
    text = codec_take_text (c);
    if (text && *text && !number_parse_unsigned (text, 10, G_MAXUINT64, v))
        codec_fail (c, ERR_XML, "disk iotune field '%s' must be an integer", name);
    codec_leave (c);
}

static void
iotune_codec (Codec *c, DiskIotune *tune)
{
    if (!codec_enter (c, "iotune", disk_iotune_set (tune)))
        return;
    for (guint i = 0; i < IOTUNE_LAST; i++) {
        iotune_value_codec (c, iotune_names.name[i], &tune->value[i]);
        if (i == IOTUNE_SIZE_IOPS_SEC)
            codec_element_string (c, "group_name", &tune->group_name);
    }
    codec_leave (c);
}

static void
format_codec (Codec *c, DiskDef *disk)
{
    g_autofree char *type = codec_reading (c) ? codec_peek (c, "type") : NULL;

    if (!type || !g_str_equal (type, "aio")) {
        codec_enum (c, "type", &disk->format, &storage_format_names, 0);
        return;
    }
    g_free (codec_take (c, "type", 0));
    disk->format = FORMAT_RAW;  /* Xen's word for it */
}

static void
driver_codec (Codec *c, DiskDef *disk)
{
    static const char attrs[]
        = "error_policy:stop|report|ignore|enospace rerror_policy:stop|report|ignore|enospace "
          "io:native|threads|io_uring ioeventfd:o event_idx:o copy_on_read:o "
          "discard:unmap|ignore iothread:n detect_zeroes:off|on|unmap queues:u- queue_size:u- "
          "iommu:o ats:o packed:o page_per_vq:o";
    gboolean wanted = disk->driver_name || disk->format || disk->cache
        || passive_inside (disk->passive, "driver");

    if (!codec_enter (c, "driver", wanted))
        return;
    codec_string (c, "name", &disk->driver_name, 0);
    if (!codec_reading (c))
        format_codec (c, disk);
    codec_enum (c, "cache", &disk->cache, &cache_names, 0);
    passive_attrs_codec (c, &disk->passive, attrs);
    passive_codec (c, &disk->passive, "metadata_cache");
    if (codec_reading (c) && !g_strcmp0 (passive_value (disk->passive, "rerror_policy"), "enospace"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Invalid disk read error policy: 'enospace'");
    if (codec_reading (c))
        format_codec (c, disk);     /* judged last, as libvirt does */
    codec_leave (c);
}

#define STARTUP_POLICY "startupPolicy:mandatory|requisite|optional"

/* Of a server or a device of the host nobody asks whether it is there. */
static void
check_startup_policy (Codec *c, const DiskDef *disk)
{
    g_autofree char *policy = codec_peek_child (c, "source", "startupPolicy");

    if (policy)
        codec_fail_later (c, CODEC_JUDGED, ERR_XML, "disk startupPolicy '%s' is not allowed for disk of '%s' type",
                    policy, disk_type_names.name[disk->type]);
}

/* Files that the client opened. */
static void
check_fd_group (Codec *c, const DiskDef *disk)
{
    g_autofree char *group = codec_peek_child (c, "source", "fdgroup");
    g_autofree char *target = codec_peek_child (c, "target", "dev");

    if (group && disk->type == DISK_FILE)
        codec_fail_later (c, CODEC_COMPLETED, ERR_CONFIG_UNSUPPORTED,
                          "driver does not support FD passing for disk '%s'", target ? target : "");
}

static void
source_codec (Codec *c, DiskDef *disk)
{
    const char *attr = source_attrs[disk->type];

    if (codec_reading (c) && disk->device == DISK_DEVICE_LUN && !codec_count (c, "source"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "disk device='lun' is only valid for block type disk source");
    if (!attr) {
        g_autofree char *word
            = g_strdup_printf ("source:disk-source-%s", disk_type_names.name[disk->type]);

        passive_codec (c, &disk->passive, g_intern_string (word));
        if (codec_reading (c) && disk->type != DISK_VOLUME)
            check_startup_policy (c, disk);
        return;
    }
    if (!codec_enter (c, "source", disk->source || passive_inside (disk->passive, "source")))
        return;
    codec_string (c, attr, &disk->source, 0);
    if (codec_reading (c) && disk->source && !*disk->source)
        g_clear_pointer (&disk->source, g_free);
    passive_attrs_codec (c, &disk->passive, STARTUP_POLICY " index:l");
    passive_codec (c, &disk->passive,
                   "slices seclabel:device-seclabel* auth encryption reservations");
    codec_leave (c);
}

static void
target_codec (Codec *c, DiskDef *disk)
{
    if (!codec_enter (c, "target", TRUE))
        return;
    codec_string (c, "dev", &disk->target, 0);
    codec_enum (c, "bus", &disk->bus, &disk_bus_names, 0);
    passive_attrs_codec (c, &disk->passive,
                         "tray:closed|open- removable:o rotation_rate:u-");
    codec_leave (c);
}

/* Whether it is given beside the source and in it. */
static void
check_twice (Codec *c, const DiskDef *disk, const char *name)
{
    const PassiveNode *one = passive_find_element (disk->passive, name);
    const PassiveNode *source = passive_find_element (disk->passive, "source");

    if (one && (passive_find (disk->passive, name, one) || passive_child (source, name)))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "an <%s> definition already found for disk source",
                    name);
}

void
disk_codec (Codec *c, void *object)
{
    DiskDef *disk = object;

    codec_enum (c, "type", &disk->type, &disk_type_names, FIELD_KEEP_ZERO);
    codec_enum (c, "device", &disk->device, &device_names, FIELD_KEEP_ZERO);
    passive_attrs_codec (c, &disk->passive,
                         "model:default|virtio|virtio-transitional|virtio-non-transitional- "
                         "rawio:y sgio:filtered|unfiltered "
                         "snapshot:no|internal|external|manual");
    driver_codec (c, disk);
    passive_codec (c, &disk->passive, "auth");
    source_codec (c, disk);
    passive_codec (c, &disk->passive, "backingStore? backenddomain geometry blockio");
    target_codec (c, disk);
    iotune_codec (c, &disk->iotune);
    codec_flag (c, "readonly", &disk->readonly);
    passive_codec (c, &disk->passive,
                   "shareable transient? serial wwn vendor product encryption boot");
    device_alias_codec (c, &disk->alias);
    passive_codec (c, &disk->passive, "acpi");
    address_codec (c, disk);
    if (codec_reading (c)) {
        check_fd_group (c, disk);
        check_twice (c, disk, "auth");
        check_twice (c, disk, "encryption");
    }
}
