/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk and controller. */
#include "conf/domain_codec.h"
#include "conf/passive.h"

STRING_TABLE (disk_type_names, DISK_TYPE_LAST, "file", "block");
STATIC_STRING_TABLE (device_names, DISK_DEVICE_LAST, "disk", "cdrom", "floppy", "lun");
STATIC_STRING_TABLE (bus_names, DISK_BUS_LAST, NULL, "ide", "fdc", "scsi", "virtio", "xen", "usb",
                     "uml", "sata", "sd");
STATIC_STRING_TABLE (controller_names, CONTROLLER_LAST, "ide", "fdc", "scsi", "sata",
                     "virtio-serial", "ccid", "usb", "pci", "xenbus", "isa");
STATIC_STRING_TABLE (cache_names, DISK_CACHE_LAST, NULL, "default", "none", "writethrough",
                     "writeback", "directsync", "unsafe");

static void
drive_address_codec (Codec *c, DriveAddress *address)
{
    if (!codec_enter (c, "address", address->set))
        return;
    if (codec_reading (c)) {
        g_autofree char *type = codec_take (c, "type", 0);

        if (!type)
            codec_fail (c, ERR_INTERNAL, "No type specified for device address");
        else if ( !g_str_equal (type, "drive"))
            codec_fail (c, ERR_CONFIG_UNSUPPORTED, "address type '%s' is not supported yet", type);
        address->set = TRUE;
    } else {
        codec_put (c, "type", "drive");
    }
    codec_uint (c, "controller", &address->controller, FIELD_KEEP_ZERO);
    codec_uint (c, "bus", &address->bus, FIELD_KEEP_ZERO);
    codec_uint (c, "target", &address->target, FIELD_KEEP_ZERO);
    codec_uint (c, "unit", &address->unit, FIELD_KEEP_ZERO);
    codec_leave (c);
}

void
disk_codec (Codec *c, void *object)
{
    DiskDef *disk = object;

    codec_enum (c, "type", &disk->type, &disk_type_names, FIELD_KEEP_ZERO);
    codec_enum (c, "device", &disk->device, &device_names, FIELD_KEEP_ZERO);
    passive_attrs_codec (c, &disk->passive, "snapshot:no|internal|external|manual");
    if (codec_enter (c, "driver", disk->driver_name || disk->format || disk->cache)) {
        codec_string (c, "name", &disk->driver_name, 0);
        codec_enum (c, "type", &disk->format, &storage_format_names, FIELD_CONFIG);
        codec_enum (c, "cache", &disk->cache, &cache_names, 0);
        codec_leave (c);
    }
    codec_in_string (c, "source", disk->type == DISK_BLOCK ? "dev" : "file", &disk->source);
    passive_codec (c, &disk->passive, "geometry blockio");
    if (codec_enter (c, "target", TRUE)) {
        codec_string (c, "dev", &disk->target, 0);
        if (codec_reading (c) && !disk->target)
            codec_fail (c, ERR_NO_TARGET, "disk");
        codec_enum (c, "bus", &disk->bus, &bus_names, 0);
        codec_leave (c);
    } else {
        codec_fail (c, ERR_NO_TARGET, "disk");
    }
    codec_flag (c, "readonly", &disk->readonly);
    passive_codec (c, &disk->passive, "shareable transient serial wwn vendor product boot");
    device_alias_codec (c, &disk->alias);
    drive_address_codec (c, &disk->address);
}

void
controller_codec (Codec *c, void *object)
{
    ControllerDef *controller = object;

    codec_enum (c, "type", &controller->type, &controller_names, FIELD_REQUIRED | FIELD_KEEP_ZERO);
    codec_int (c, "index", &controller->index, -1);
    passive_attrs_codec (c, &controller->passive, "model ports:u vectors:u");
    passive_codec (c, &controller->passive, "driver master alias address");
}
