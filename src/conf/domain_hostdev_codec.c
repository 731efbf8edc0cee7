/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostdev. */
#include <string.h>

#include "conf/domain_codec.h"
#include "conf/passive.h"

STRING_TABLE (hostdev_type_names, HOSTDEV_TYPE_LAST, "usb", "storage", "misc", "net", "pci", "scsi",
              "scsi_host", "mdev");

/* Attributes of types that mean nothing to us, and the row of their <source>. */
static const struct { const char *attrs, *source; } rows[HOSTDEV_TYPE_LAST] = {
    [HOSTDEV_PCI] = { NULL, "source:hostdev-source-pci?" },
    [HOSTDEV_SCSI] = { "sgio:filtered|unfiltered rawio:y", "source:hostdev-source-scsi?" },
    [HOSTDEV_SCSI_HOST] = { "model:default|virtio|virtio-transitional|virtio-non-transitional-",
                            "source:hostdev-source-scsi_host?" },
    [HOSTDEV_MDEV] = { "model:vfio-pci|vfio-ccw|vfio-ap! display:o ramfb:o", "source:hostdev-source-mdev?" },
};

gboolean
hostdev_is_subsystem (const HostdevDef *hostdev)
{
    return hostdev->type == HOSTDEV_USB || hostdev->type >= HOSTDEV_PCI;
}

/* ---- source */

/* A product may be 0. */
static void
usb_ids_codec (Codec *c, HostdevDef *hostdev)
{
    const FieldFlags flags = FIELD_REQUIRED | FIELD_HEX;
    gboolean vendor, product;

    vendor = codec_enter (c, "vendor", hostdev->vendor != 0);
    if (vendor) {
        codec_uint (c, "id", &hostdev->vendor, flags | FIELD_POSITIVE);
        codec_leave (c);
    }
    if (codec_reading (c) && vendor && !codec_count (c, "product"))
        codec_fail (c, ERR_INTERNAL, "missing product");
    product = codec_enter (c, "product", hostdev->vendor != 0);
    if (product) {
        codec_uint (c, "id", &hostdev->product, flags | FIELD_KEEP_ZERO);
        codec_leave (c);
    }
    if (codec_reading (c) && product && !vendor)
        codec_fail (c, ERR_INTERNAL, "missing vendor");
}

static void
usb_source_codec (Codec *c, HostdevDef *hostdev)
{
    passive_attrs_codec (c, &hostdev->passive,
                         "startupPolicy:mandatory|requisite|optional "
                         "guestReset:off|uninitialized|on");
    usb_ids_codec (c, hostdev);
    if (codec_enter (c, "address", hostdev->bus || hostdev->device)) {
        if (codec_status (c))
            codec_yes (c, "autoAddress", &hostdev->auto_address);
        codec_uint (c, "bus", &hostdev->bus, FIELD_REQUIRED | FIELD_KEEP_ZERO | FIELD_ANY_BASE);
        codec_uint (c, "device", &hostdev->device, FIELD_REQUIRED | FIELD_KEEP_ZERO | FIELD_ANY_BASE);
        codec_leave (c);
    }
}

static void
named_source_codec (Codec *c, HostdevDef *hostdev)
{
    static const struct { const char *element, *device; } names[HOSTDEV_TYPE_LAST] = {
        [HOSTDEV_STORAGE] = { "block", "storage" },
        [HOSTDEV_MISC] = { "char", "character" },
        [HOSTDEV_NET] = { "interface", "net" },
    };
    const char *element = names[hostdev->type].element;
    char **name = hostdev->type == HOSTDEV_NET ? &hostdev->interface : &hostdev->path;

    codec_element_string (c, element, name);
    if (codec_reading (c) && !*name)
        codec_fail (c, ERR_XML, "Missing <%s> element in hostdev %s device", element,
                    names[hostdev->type].device);
}

static void
source_codec (Codec *c, HostdevDef *hostdev)
{
    g_autofree char *policy = codec_reading (c) ? codec_peek_child (c, "source", "startupPolicy") : NULL;

    if (policy && hostdev->type != HOSTDEV_USB)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Setting startupPolicy is only allowed for USB devices");
    if (rows[hostdev->type].source) {
        passive_codec (c, &hostdev->passive, rows[hostdev->type].source);
        if (codec_reading (c) && !passive_has (hostdev->passive, "source"))
            codec_fail (c, ERR_XML, "Missing <source> element in hostdev device");
    } else if (codec_enter (c, "source", TRUE)) {
        if (hostdev->type == HOSTDEV_USB)
            usb_source_codec (c, hostdev);
        else
            named_source_codec (c, hostdev);
        codec_leave (c);
    } else {
        codec_fail (c, ERR_XML, "Missing <source> element in hostdev device");
    }
}

/* ---- the device */

/* Whether the type is one that goes with the mode. */
static gboolean
type_codec (Codec *c, HostdevDef *hostdev)
{
    g_autofree char *mode = NULL, *type = NULL;
    gboolean subsystem;
    int value;

    if (!codec_reading (c)) {
        codec_put (c, "mode", hostdev_is_subsystem (hostdev) ? "subsystem" : "capabilities");
        codec_put (c, "type", string_table_name (&hostdev_type_names, hostdev->type));
        return TRUE;
    }
    mode = codec_take (c, "mode", 0);
    type = codec_take (c, "type", 0);
    subsystem = !mode || g_str_equal (mode, "subsystem");
    if (!subsystem && strcmp (mode, "capabilities") != 0) {
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "unknown hostdev mode '%s'", mode);
        return FALSE;
    }
    if (!type) {
        codec_fail (c, ERR_XML, "missing source address type");
        return FALSE;
    }
    value = string_table_value (&hostdev_type_names, type);
    if (value >= 0)
        hostdev->type = (guint) value;
    if (value < 0 || subsystem != hostdev_is_subsystem (hostdev))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "unknown host device source address type '%s'", type);
    return !codec_failed (c);
}

/* Attributes of another type's devices. */
static void
refuse_foreign (Codec *c, const HostdevDef *hostdev)
{
    static const char *const scsi_only[] = { "sgio", "rawio" };

    for (guint i = 0; hostdev->type != HOSTDEV_SCSI && i < G_N_ELEMENTS (scsi_only); i++) {
        g_autofree char *given = codec_take (c, scsi_only[i], 0);

        if (given)
            codec_fail (c, ERR_XML, "%s is only supported for scsi host device", scsi_only[i]);
    }
    if (hostdev->type != HOSTDEV_SCSI_HOST && hostdev->type != HOSTDEV_MDEV) {
        g_autofree char *given = codec_take (c, "model", 0);

        if (given)
            codec_fail (c, ERR_XML, "'model' attribute in <hostdev> is only supported when type='%s'",
                        hostdev_type_names.name[hostdev->type]);
    }
}

static void
managed_codec (Codec *c, HostdevDef *hostdev)
{
    if (codec_reading (c)) {
        g_autofree char *managed = codec_take (c, "managed", 0);

        hostdev->managed = !g_strcmp0 (managed, "yes") ? YES_NO_YES : YES_NO_NO;
    } else if (hostdev_is_subsystem (hostdev)) {
        codec_enum (c, "managed", &hostdev->managed, &yes_no_names, 0);
    }
}

static void
addresses_codec (Codec *c, HostdevDef *hostdev)
{
    if (hostdev->type == HOSTDEV_NET) {
        net_addresses_codec (c, &hostdev->ips, &hostdev->routes);
    } else if (codec_reading (c)) {
        hostdev->ips = g_ptr_array_new_with_free_func (net_ip_free);
        hostdev->routes = g_ptr_array_new_with_free_func (net_route_free);
    }
}

void
hostdev_codec (Codec *c, void *object)
{
    HostdevDef *hostdev = object;

    if (!type_codec (c, hostdev))
        return;
    managed_codec (c, hostdev);
    if (codec_reading (c))
        refuse_foreign (c, hostdev);
    if (rows[hostdev->type].attrs)
        passive_attrs_codec (c, &hostdev->passive, rows[hostdev->type].attrs);
    if (codec_reading (c) && !g_strcmp0 (passive_value (hostdev->passive, "sgio"), "unfiltered"))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED, "unfiltered sgio is no longer supported");
    if (hostdev->type == HOSTDEV_PCI)
        passive_codec (c, &hostdev->passive, "driver:hostdev-driver");
    source_codec (c, hostdev);
    if (hostdev->type == HOSTDEV_SCSI)
        passive_codec (c, &hostdev->passive, "readonly shareable");
    addresses_codec (c, hostdev);
    passive_codec (c, &hostdev->passive, "teaming:hostdev-teaming boot");
    device_alias_codec (c, &hostdev->alias);
    passive_codec (c, &hostdev->passive, "rom acpi address");
}
