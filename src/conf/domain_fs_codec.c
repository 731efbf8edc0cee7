/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* filesystem. */
#include "conf/domain_codec.h"
#include "conf/passive.h"
#include "util/text.h"

STATIC_STRING_TABLE (fs_type_names, FS_TYPE_LAST, "mount", "block", "file", "template", "ram", "bind",
                     "volume");
STRING_TABLE (fs_driver_names, FS_DRIVER_LAST, NULL, "path", "handle", "loop", "nbd", "ploop",
              "virtiofs");
STATIC_STRING_TABLE (access_names, FS_ACCESS_LAST, "passthrough", "mapped", "squash");
STATIC_STRING_TABLE (wrpolicy_names, FS_WRPOLICY_LAST, "default", "immediate");

static gboolean
has_socket (const FsDef *fs)
{
    return passive_value (fs->passive, "socket") != NULL;
}

static const char *const source_attrs[FS_TYPE_LAST] = {
    [FS_MOUNT] = "dir", [FS_BIND] = "dir",      [FS_BLOCK] = "dev",
    [FS_FILE] = "file", [FS_TEMPLATE] = "name",
};

/* A virtual machine's file server may have a socket instead: then there is no path, and it does not
 * start here. */
static void
path_codec (Codec *c, FsDef *fs)
{
    if (fs->type == FS_MOUNT || fs->type == FS_BIND)
        passive_attrs_codec (c, &fs->passive, "socket");
    if (!has_socket (fs)) {
        codec_string (c, source_attrs[fs->type], &fs->source, 0);
    } else if (codec_reading (c)) {
        text_replace (&fs->source, "");
    }
}

static void
fs_source_codec (Codec *c, FsDef *fs)
{
    if (fs->type == FS_VOLUME) {
        passive_codec (c, &fs->passive, "source:disk-source-volume");
        return;
    }
    if (codec_enter (c, "source", TRUE)) {
        if (fs->type == FS_RAM)
            codec_scaled (c, "usage", "units", &fs->usage);
        else
            path_codec (c, fs);
        codec_leave (c);
    } else if (fs->type == FS_RAM && !codec_meant (c)) {
        codec_fail (c, ERR_XML, "missing 'usage' attribute for RAM filesystem");
    }
}

static void
fs_driver_codec (Codec *c, FsDef *fs)
{
    g_autofree char *type = NULL;
    gboolean wanted = fs->driver || fs->format || fs->wrpolicy
        || passive_inside (fs->passive, "driver");

    if (!codec_enter (c, "driver", wanted))
        return;
    type = codec_reading (c) ? codec_peek (c, "type") : NULL;
    if (type && g_str_equal (type, "default"))
        g_free (codec_take (c, "type", 0));
    else
        codec_enum (c, "type", &fs->driver, &fs_driver_names, 0);
    codec_enum (c, "format", &fs->format, &storage_format_names, FIELD_CONFIG);
    codec_enum (c, "wrpolicy", &fs->wrpolicy, &wrpolicy_names, 0);
    if (fs->driver == FS_DRIVER_VIRTIOFS)
        passive_attrs_codec (c, &fs->passive, "queue:U-");
    passive_attrs_codec (c, &fs->passive, "iommu:o ats:o packed:o page_per_vq:o");
    codec_leave (c);
    /* nobody would read them */
    if (codec_reading (c) && !fs->driver) {
        fs->wrpolicy = 0;
        if (fs->type != FS_FILE && fs->type != FS_BLOCK)
            fs->format = 0;
    }
}

static void
fs_target_codec (Codec *c, FsDef *fs)
{
    if (codec_enter (c, "target", TRUE)) {
        codec_string (c, "dir", &fs->target, 0);
        codec_leave (c);
    }
}

/* Judged last, as libvirt does. */
static void
check_ends (Codec *c, const FsDef *fs)
{
    if (fs->type == FS_VOLUME && !codec_meant (c) && !passive_find_element (fs->passive, "source"))
        codec_fail (c, ERR_NO_SOURCE, "%s", fs->target ? fs->target : "");
    else if (!fs->target || !*fs->target)
        codec_fail_later (c, CODEC_JUDGED, ERR_NO_TARGET, "%s", fs->source ? fs->source : "");
}

static void
fs_boot_codec (Codec *c, FsDef *fs)
{
    passive_codec (c, &fs->passive, "boot");
    if (codec_reading (c) && fs->driver != FS_DRIVER_VIRTIOFS
        && passive_find_element (fs->passive, "boot"))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED, "boot order is only supported for virtiofs");
}

static void
limits_codec (Codec *c, FsDef *fs)
{
    codec_size (c, "space_hard_limit", &fs->space_hard_limit, SIZE_BYTES,
                fs->space_hard_limit != 0);
    codec_size (c, "space_soft_limit", &fs->space_soft_limit, SIZE_BYTES,
                fs->space_soft_limit != 0);
}

static void
mode_codec (Codec *c, const char *attr, guint *mode)
{
    codec_uint (c, attr, mode, FIELD_OCTAL);
    if (codec_reading (c) && *mode > 0777)
        codec_fail (c, ERR_XML, "invalid %s: '0%o'", attr, *mode);
}

void
fs_codec (Codec *c, void *object)
{
    FsDef *fs = object;

    codec_enum (c, "type", &fs->type, &fs_type_names, FIELD_KEEP_ZERO);
    codec_enum (c, "accessmode", &fs->accessmode, &access_names,
                has_socket (fs) ? 0 : FIELD_KEEP_ZERO);
    passive_attrs_codec (c, &fs->passive,
                         "model:virtio|virtio-transitional|virtio-non-transitional "
                         "multidevs:default|remap|forbid|warn-");
    mode_codec (c, "fmode", &fs->fmode);
    mode_codec (c, "dmode", &fs->dmode);
    fs_driver_codec (c, fs);
    if (fs->driver == FS_DRIVER_VIRTIOFS)
        passive_codec (c, &fs->passive, "binary");
    if (codec_reading (c))
        limits_codec (c, fs);   /* judged before the source, as libvirt does */
    fs_source_codec (c, fs);
    if (codec_reading (c) && !codec_meant (c) && fs->type != FS_RAM && fs->type != FS_VOLUME && !fs->source) {
        g_autofree char *target = codec_peek_child (c, "target", "dir");

        codec_fail (c, ERR_NO_SOURCE, "%s", target ? target : "");
    }
    fs_target_codec (c, fs);
    codec_flag (c, "readonly", &fs->readonly);
    fs_boot_codec (c, fs);
    device_alias_codec (c, &fs->alias);
    passive_codec (c, &fs->passive, "acpi address");
    if (codec_reading (c))
        check_ends (c, fs);
    else
        limits_codec (c, fs);
}
