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
    if (!codec_enter (c, "source", TRUE)) {
        codec_fail (c, ERR_NO_SOURCE, "filesystem");
        return;
    }
    if (fs->type == FS_RAM)
        codec_scaled (c, "usage", "units", &fs->usage);
    else
        codec_string (c, source_attrs[fs->type], &fs->source, 0);
    if (codec_reading (c) && fs->type != FS_RAM && !fs->source)
        codec_fail (c, ERR_NO_SOURCE, "filesystem");
    codec_leave (c);
}

void
fs_codec (Codec *c, void *object)
{
    FsDef *fs = object;

    codec_enum (c, "type", &fs->type, &fs_type_names, FIELD_KEEP_ZERO);
    if (codec_reading (c) && fs->type == FS_VOLUME) {
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "filesystem type 'volume' is not supported yet");
        return;
    }
    codec_enum (c, "accessmode", &fs->accessmode, &access_names, FIELD_KEEP_ZERO);
    passive_attrs_codec (c, &fs->passive,
                         "model:virtio|virtio-transitional|virtio-non-transitional "
                         "multidevs:default|remap|forbid|warn");
    codec_uint (c, "fmode", &fs->fmode, FIELD_OCTAL);
    codec_uint (c, "dmode", &fs->dmode, FIELD_OCTAL);
    if (codec_enter (c, "driver", fs->driver || fs->format || fs->wrpolicy
                                      || passive_has (fs->passive, "queue"))) {
        codec_enum (c, "type", &fs->driver, &fs_driver_names, 0);
        codec_enum (c, "format", &fs->format, &storage_format_names, FIELD_CONFIG);
        codec_enum (c, "wrpolicy", &fs->wrpolicy, &wrpolicy_names, 0);
        passive_attrs_codec (c, &fs->passive, "queue:u");
        codec_leave (c);
    }
    passive_codec (c, &fs->passive, "binary");
    fs_source_codec (c, fs);
    if (codec_enter (c, "target", TRUE)) {
        codec_string (c, "dir", &fs->target, 0);
        codec_leave (c);
    }
    if (codec_reading (c) && !fs->target)
        codec_fail (c, ERR_NO_TARGET, "filesystem");
    codec_flag (c, "readonly", &fs->readonly);
    codec_size (c, "space_hard_limit", &fs->space_hard_limit, SIZE_BYTES,
                fs->space_hard_limit != 0);
    codec_size (c, "space_soft_limit", &fs->space_soft_limit, SIZE_BYTES,
                fs->space_soft_limit != 0);
    device_alias_codec (c, &fs->alias);
    passive_codec (c, &fs->passive, "acpi address");
}
