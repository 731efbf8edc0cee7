/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk and controller. */
#include "conf/domain_codec.h"
#include "conf/passive.h"

STRING_TABLE (disk_type_names, DISK_TYPE_LAST, "file", "block", "dir", "network", "volume", "nvme",
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

static gboolean
iotune_wanted (const DiskIotune *tune)
{
    for (guint i = 0; i < IOTUNE_LAST; i++)
        if (tune->value[i])
            return TRUE;
    return tune->group_name != NULL;
}

static void
iotune_codec (Codec *c, DiskIotune *tune)
{
    if (!codec_enter (c, "iotune", iotune_wanted (tune)))
        return;
    for (guint i = 0; i < IOTUNE_LAST; i++) {
        codec_element_uint64 (c, iotune_names.name[i], &tune->value[i]);
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
        = "error_policy:default|stop|report|ignore|enospace- "
          "rerror_policy:default|stop|report|ignore- io:default|native|threads|io_uring- "
          "ioeventfd:o event_idx:o copy_on_read:o discard:default|unmap|ignore- iothread:n "
          "detect_zeroes:default|off|on|unmap- queues:n queue_size:n iommu:o ats:o packed:o "
          "page_per_vq:o";
    gboolean wanted = disk->driver_name || disk->format || disk->cache
        || passive_inside (disk->passive, "driver");

    if (!codec_enter (c, "driver", wanted))
        return;
    codec_string (c, "name", &disk->driver_name, 0);
    format_codec (c, disk);
    codec_enum (c, "cache", &disk->cache, &cache_names, 0);
    passive_attrs_codec (c, &disk->passive, attrs);
    passive_codec (c, &disk->passive, "metadata_cache");
    codec_leave (c);
}

static void
source_codec (Codec *c, DiskDef *disk)
{
    const char *attr = source_attrs[disk->type];

    if (!attr) {
        g_autofree char *word
            = g_strdup_printf ("source:disk-source-%s", disk_type_names.name[disk->type]);

        passive_codec (c, &disk->passive, g_intern_string (word));
        return;
    }
    if (!codec_enter (c, "source", disk->source || passive_inside (disk->passive, "source")))
        return;
    codec_string (c, attr, &disk->source, 0);
    if (codec_reading (c) && disk->source && !*disk->source)
        g_clear_pointer (&disk->source, g_free);
    passive_attrs_codec (c, &disk->passive,
                         "startupPolicy:default|mandatory|requisite|optional- index:l");
    passive_codec (c, &disk->passive, "slices seclabel:device-seclabel* auth:source-auth "
                                      "encryption reservations");
    codec_leave (c);
}

static void
target_codec (Codec *c, DiskDef *disk)
{
    if (!codec_enter (c, "target", TRUE)) {
        codec_fail (c, ERR_NO_TARGET, "%s", disk->source ? disk->source : "");
        return;
    }
    codec_string (c, "dev", &disk->target, 0);
    if (codec_reading (c) && !disk->target)
        codec_fail (c, ERR_NO_TARGET, "%s", disk->source ? disk->source : "");
    codec_enum (c, "bus", &disk->bus, &disk_bus_names, 0);
    passive_attrs_codec (c, &disk->passive,
                         "tray:closed|open- removable:o rotation_rate:n");
    codec_leave (c);
}

void
disk_codec (Codec *c, void *object)
{
    DiskDef *disk = object;

    codec_enum (c, "type", &disk->type, &disk_type_names, FIELD_KEEP_ZERO);
    codec_enum (c, "device", &disk->device, &device_names, FIELD_KEEP_ZERO);
    passive_attrs_codec (c, &disk->passive,
                         "model:default|virtio|virtio-transitional|virtio-non-transitional- "
                         "rawio:y sgio:default|filtered|unfiltered- "
                         "snapshot:default|no|internal|external|manual-");
    driver_codec (c, disk);
    passive_codec (c, &disk->passive, "auth:disk-auth");
    source_codec (c, disk);
    passive_codec (c, &disk->passive, "backingStore? geometry blockio");
    target_codec (c, disk);
    iotune_codec (c, &disk->iotune);
    codec_flag (c, "readonly", &disk->readonly);
    passive_codec (c, &disk->passive,
                   "shareable transient? serial wwn vendor product encryption boot");
    device_alias_codec (c, &disk->alias);
    passive_codec (c, &disk->passive, "acpi");
    address_codec (c, disk);
}
