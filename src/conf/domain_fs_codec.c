/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* filesystem. */
#include "conf/domain_codec.h"
#include "conf/passive.h"

STRING_TABLE (fs_type_names, FS_TYPE_LAST, "mount", "block", "file", "template", "ram", "bind",
              "volume");
STRING_TABLE (fs_driver_names, FS_DRIVER_LAST, NULL, "path", "handle", "loop", "nbd", "ploop",
              "virtiofs");
STATIC_STRING_TABLE (access_names, FS_ACCESS_LAST, "passthrough", "mapped", "squash");
STATIC_STRING_TABLE (wrpolicy_names, FS_WRPOLICY_LAST, NULL, "immediate");

static const char *const source_attrs[FS_TYPE_LAST] = {
    [FS_MOUNT] = "dir", [FS_BIND] = "dir",      [FS_BLOCK] = "dev",
    [FS_FILE] = "file", [FS_TEMPLATE] = "name",
};

static void
fs_source_codec (Codec *c, FsDef *fs)
{
    g_autofree char *target
        = codec_reading (c) ? codec_peek_child (c, "target", "dir") : NULL;

    if (fs->type == FS_VOLUME) {
        passive_codec (c, &fs->passive, "source:disk-source-volume");
        if (codec_reading (c) && !passive_find_element (fs->passive, "source"))
            codec_fail (c, ERR_NO_SOURCE, "%s", target ? target : "");
        return;
    }
    if (codec_enter (c, "source", TRUE)) {
        if (fs->type == FS_RAM)
            codec_scaled (c, "usage", "units", &fs->usage);
        else
            codec_string (c, source_attrs[fs->type], &fs->source, 0);
        codec_leave (c);
    } else if (fs->type == FS_RAM) {
        codec_fail (c, ERR_XML, "missing 'usage' attribute for RAM filesystem");
    }
    if (codec_reading (c) && fs->type != FS_RAM && !fs->source)
        codec_fail (c, ERR_NO_SOURCE, "%s", target ? target : "");
}

static void
fs_driver_codec (Codec *c, FsDef *fs)
{
    gboolean wanted = fs->driver || fs->format || fs->wrpolicy
        || passive_inside (fs->passive, "driver");

    if (!codec_enter (c, "driver", wanted))
        return;
    codec_enum (c, "type", &fs->driver, &fs_driver_names, 0);
    codec_enum (c, "format", &fs->format, &storage_format_names, FIELD_CONFIG);
    codec_enum (c, "wrpolicy", &fs->wrpolicy, &wrpolicy_names, 0);
    if (fs->driver == FS_DRIVER_VIRTIOFS)
        passive_attrs_codec (c, &fs->passive, "queue:U-");
    passive_attrs_codec (c, &fs->passive, "iommu:o ats:o packed:o page_per_vq:o");
    codec_leave (c);
}

static void
fs_target_codec (Codec *c, FsDef *fs)
{
    if (codec_enter (c, "target", TRUE)) {
        codec_string (c, "dir", &fs->target, 0);
        codec_leave (c);
    }
    if (codec_reading (c) && !fs->target)
        codec_fail (c, ERR_NO_TARGET, "%s", fs->source ? fs->source : "");
}

static void
fs_boot_codec (Codec *c, FsDef *fs)
{
    passive_codec (c, &fs->passive, "boot");
    if (codec_reading (c) && fs->driver != FS_DRIVER_VIRTIOFS
        && passive_find_element (fs->passive, "boot"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "boot order is only supported for virtiofs");
}

void
fs_codec (Codec *c, void *object)
{
    FsDef *fs = object;

    codec_enum (c, "type", &fs->type, &fs_type_names, FIELD_KEEP_ZERO);
    codec_enum (c, "accessmode", &fs->accessmode, &access_names, FIELD_KEEP_ZERO);
    passive_attrs_codec (c, &fs->passive,
                         "model:virtio|virtio-transitional|virtio-non-transitional "
                         "multidevs:default|remap|forbid|warn-");
    codec_uint (c, "fmode", &fs->fmode, FIELD_OCTAL);
    codec_uint (c, "dmode", &fs->dmode, FIELD_OCTAL);
    fs_driver_codec (c, fs);
    if (fs->driver == FS_DRIVER_VIRTIOFS)
        passive_codec (c, &fs->passive, "binary");
    fs_source_codec (c, fs);
    fs_target_codec (c, fs);
    codec_flag (c, "readonly", &fs->readonly);
    fs_boot_codec (c, fs);
    device_alias_codec (c, &fs->alias);
    passive_codec (c, &fs->passive, "acpi address");
    codec_size (c, "space_hard_limit", &fs->space_hard_limit, SIZE_BYTES,
                fs->space_hard_limit != 0);
    codec_size (c, "space_soft_limit", &fs->space_soft_limit, SIZE_BYTES,
                fs->space_soft_limit != 0);
}
