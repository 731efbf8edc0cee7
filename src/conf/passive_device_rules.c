/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of devices without effect. */
#include "conf/passive_rules.h"
#include "conf/passive_words.h"

#include <string.h>

#include "conf/number.h"

void
rule_tpm_emulator (Codec *c, PassiveNode *node)
{
    if (passive_child (node, "active_pcr_banks") && !passive_is (node, "version", "2.0"))
        codec_fail_later (c, CODEC_JUDGED, ERR_XML, "<active_pcr_banks/> requires TPM version '2.0'");
}

void
rule_tpm_external (Codec *c, PassiveNode *node)
{
    if (!passive_is (node, "type", "unix"))
        codec_fail_later (c, CODEC_JUDGED, ERR_XML,
                          "only source type 'unix' is supported for external TPM device");
    if (passive_is (node, "mode", "bind"))
        codec_fail_later (c, CODEC_JUDGED, ERR_XML,
                          "only 'client' mode is supported for external TPM device");
    if (!passive_attr (node, "path"))
        codec_fail_later (c, CODEC_JUDGED, ERR_XML, "missing socket path for external TPM device");
}

static gboolean
has_codecs (const char *model)
{
    return !g_strcmp0 (model, "ich6") || !g_strcmp0 (model, "ich9");
}

/* Only Intel's HD audio has codecs; of others they are not looked at. */
void
rule_sound_codec (Codec *c, PassiveNode *node)
{
    g_autofree char *model = codec_peek_parent (c, "model");

    if (!has_codecs (model))
        passive_drop (node);
    else if (!passive_attr (node, "type"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "unknown codec type '(null)'");
    else
        passive_judge (c, node, "type");
}

void
rule_audio (Codec *c, PassiveNode *node)
{
    const PassiveNode *settings = passive_child (node, "settings");

    if (!passive_is (node, "mixingEngine", "yes") && passive_is (node, "fixedSettings", "yes"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "fixed audio settings requires mixing engine");
    if (!settings && passive_is (node, "fixedSettings", "yes"))
        passive_add_child (node, "settings");   /* written, though it says nothing */
}

/* Judged before what it says. */
void
rule_audio_settings (Codec *c, PassiveNode *node)
{
    g_autofree char *fixed = codec_peek_parent (c, "fixedSettings");

    if (g_strcmp0 (fixed, "yes") != 0)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "audio settings specified without fixed settings flag");
    passive_judge (c, node, "frequency");
    passive_judge (c, node, "channels");
    passive_judge (c, node, "format");
}

void
rule_audio_oss (Codec *c, PassiveNode *node)
{
    if (passive_number (node, "dspPolicy", 0) < 0)
        codec_fail (c, ERR_XML, "cannot parse 'dspPolicy' value '%s'",
                    passive_attr (node, "dspPolicy"));
}

/* The next power of two, as video memory is; beyond the last one it is none. */
static void
round_up (PassiveNode *model, const char *attr)
{
    gint64 size = passive_number (model, attr, 0), power = 1;
    g_autofree char *text = NULL;

    while (power < size)
        power *= 2;
    text = power > G_MAXUINT32 ? NULL : g_strdup_printf ("%" G_GINT64_FORMAT, power);
    if (size)
        passive_set (model, attr, text);
}

static const char *
default_vram (const char *type)
{
    static const char *const types[][2] = {
        { "vga", "16384" },   { "cirrus", "16384" }, { "vmvga", "16384" },
        { "bochs", "16384" }, { "xen", "4096" },     { "qxl", "65536" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (types); i++)
        if (g_str_equal (types[i][0], type))
            return types[i][1];
    return NULL;
}

/* What libvirt finds wrong once it has read all. */
static void
judge_video (Codec *c, const PassiveNode *node, const PassiveNode *model)
{
    static const char *const qxl_only[] = { "ram", "vram64", "vgamem" };
    const PassiveNode *driver = passive_child (node, "driver");
    const PassiveNode *resolution = passive_child (model, "resolution");
    const char *type = passive_attr (model, "type");
    gboolean virtio = !g_strcmp0 (type, "virtio"), vhostuser = passive_is (driver, "name", "vhostuser");

    if (!type)
        codec_fail_later (c, CODEC_JUDGED, ERR_INTERNAL,
                          "missing video model and cannot determine default");
    if (vhostuser && !virtio)
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "'vhostuser' driver is only supported with 'virtio' device");
    if (passive_attr (passive_child (model, "acceleration"), "rendernode") && !vhostuser)
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "unsupported rendernode accel attribute without 'vhostuser'");
    if (passive_is (resolution, "x", "0") || passive_is (resolution, "y", "0"))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "video resolution values must be greater than 0");
    for (guint i = 0; i < G_N_ELEMENTS (qxl_only) && g_strcmp0 (type, "qxl") != 0; i++)
        if (passive_attr (model, qxl_only[i]))
            codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                              "%s attribute only supported for video type qxl", qxl_only[i]);
    if (!g_strcmp0 (type, "ramfb") && passive_child (node, "address"))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "address not supported for video type ramfb");
    rule_virtio_options (c, driver, virtio);
}

static void
complete_video (PassiveNode *model)
{
    const char *type = passive_attr (model, "type");

    round_up (model, "ram");
    round_up (model, "vram");
    if (!passive_attr (model, "vram"))
        passive_set (model, "vram", default_vram (type));
    if (g_str_equal (type, "qxl") && !passive_attr (model, "ram"))
        passive_set (model, "ram", "65536");
    /* libvirt writes no heads of 0, and then reads 1: here it is 1 at once, so that a dump defines the same */
    if (!passive_attr (model, "heads") || passive_is (model, "heads", "0"))
        passive_set (model, "heads", "1");
}

void
rule_acceleration (Codec *c, PassiveNode *node)
{
    if (!passive_attr (node, "accel2d") && !passive_attr (node, "accel3d")
        && !passive_attr (node, "rendernode"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "missing values for acceleration");
}

void
rule_video (Codec *c, PassiveNode *node)
{
    PassiveNode *model = passive_child (node, "model");

    if (passive_is (model, "type", "none")) {   /* it has nothing */
        static const char *const parts[] = { "driver", "acpi", "address" };

        passive_clear (model);
        passive_set (model, "type", "none");
        for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
            if (passive_child (node, parts[i]))
                passive_remove_child (node, passive_child (node, parts[i]));
        return;
    }
    if (!model)
        model = passive_add_child (node, "model");
    if (passive_is (model, "type", "default"))
        passive_set (model, "type", NULL);
    judge_video (c, node, model);
    if (passive_attr (model, "type"))
        complete_video (model);
}

void
rule_lease (Codec *c, PassiveNode *node)
{
    if (!passive_text (passive_child (node, "lockspace")))
        codec_fail (c, ERR_XML, "Missing 'lockspace' element for lease");
    else if (!passive_text (passive_child (node, "key")))
        codec_fail (c, ERR_XML, "Missing 'key' element for lease");
    else if (!passive_attr (passive_child (node, "target"), "path"))
        codec_fail (c, ERR_XML, "%s for lease",
                    codec_count (c, "target") ? "Missing 'path' attribute to 'target' element"
                                              : "Missing 'target' element");
}

void
rule_binary_threads (Codec *c, PassiveNode *node)
{
    (void) c;
    if (passive_number (node, "size", 0) < 0)
        passive_drop (node);
}

void
rule_rng (Codec *c, PassiveNode *node)
{
    (void) node;
    if (codec_count (c, "backend") > 1)
        codec_fail (c, ERR_XML, "only one RNG backend is supported");
}

void
rule_rate (Codec *c, PassiveNode *node)
{
    const char *period = passive_attr (node, "period");
    g_autofree char *canonical = NULL;
    guint64 n = 0;

    if (!passive_attr (node, "bytes")) {
        passive_drop (node);
        return;
    }
    if (period && !number_parse_unsigned (period, 10, G_MAXUINT32, &n))
        codec_fail (c, ERR_XML, "invalid RNG rate period value");
    canonical = n ? g_strdup_printf ("%u", (guint) n) : NULL;
    passive_set (node, "period", canonical);
}

void
rule_rng_random (Codec *c, PassiveNode *node)
{
    (void) c;
    if (!passive_text (node))
        passive_set_text (node, "/dev/random");
}

void
rule_stats (Codec *c, PassiveNode *node)
{
    (void) c;
    if (passive_number (node, "period", 0) <= 0)
        passive_drop (node);
}

void
rule_shmem (Codec *c, PassiveNode *node)
{
    const char *name = passive_attr (node, "name");
    PassiveNode *model = passive_child (node, "model"), *server = passive_child (node, "server");

    if (!passive_attr (model, "type"))
        passive_set (model, "type", "ivshmem");
    if (passive_is (model, "type", "ivshmem"))
        passive_set (node, "role", NULL);
    else
        passive_judge (c, node, "role");
    if (passive_child (node, "msi") && !server)
        codec_fail (c, ERR_XML, "msi option is only supported with a server");
    if (strchr (name, '/'))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "shmem name cannot include '/' character");
    else if (g_str_equal (name, ".") || g_str_equal (name, ".."))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "shmem name cannot be equal to '%s'", name);
    rule_tidy_path (server, "path");
}

void
rule_iommu (Codec *c, PassiveNode *node)
{
    const char *model = passive_attr (node, "model");

    if (passive_child (node, "driver") && !g_str_equal (model, "intel"))
        codec_fail_later (c, CODEC_JUDGED, ERR_XML,
                          "iommu model '%s' doesn't support additional attributes", model);
    if (passive_child (node, "address") && !g_str_equal (model, "virtio"))
        codec_fail_later (c, CODEC_JUDGED, ERR_XML, "iommu model '%s' can't have address", model);
}

void
rule_cid (Codec *c, PassiveNode *node)
{
    gint64 address = passive_number (node, "address", 0);

    if (passive_attr (node, "address") && address < 3)
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED, "guest CIDs must be >= 3");
    if (!passive_attr (node, "auto"))
        passive_set (node, "auto", address ? "no" : "yes");
}

void
rule_vsock (Codec *c, PassiveNode *node)
{
    PassiveNode *cid = passive_child (node, "cid");

    if (!passive_attr (cid, "auto"))
        passive_set (cid, "auto", "yes");
    rule_virtio_options (c, passive_child (node, "driver"), passive_attr (node, "model") != NULL);
}

/* ---- of what libvirt's LXC driver does not have */

void
rule_input (Codec *c, PassiveNode *node)
{
    const PassiveNode *address = passive_child (node, "address");
    const PassiveNode *source = passive_child (node, "source");

    if (passive_is (node, "bus", "usb") && address && !passive_is (address, "type", "usb"))
        codec_fail (c, ERR_XML, "Invalid address for a USB device");
    if (source && !passive_attr (source, passive_is (node, "type", "evdev") ? "dev" : "evdev"))
        codec_fail (c, ERR_XML, "Missing evdev path for input device");
    codec_fail_later (c, CODEC_JUDGED, ERR_INTERNAL,
                      "Input devices are not supported by this virtualization driver.");
}

void
rule_memory (Codec *c, PassiveNode *node)
{
    (void) node;
    codec_fail_later (c, CODEC_COMPLETED, ERR_CONFIG_UNSUPPORTED,
                      "memory devices are not supported by this driver");
}

void
rule_nodemask (Codec *c, PassiveNode *node)
{
    const char *text = passive_text (node), *why;
    g_autofree char *nodes = text ? passive_canonical ("c", text, &why) : NULL;

    if (text && !nodes)
        codec_fail (c, ERR_INVALID_ARG, "Failed to parse bitmap '%s'", text);
    else if (text && !*nodes)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Invalid value of 'nodemask': %s", text);
}

static guint64
size_of (const PassiveNode *size)
{
    return passive_text (size) ? g_ascii_strtoull (passive_text (size), NULL, 10) : 0;
}

void
rule_memory_target (Codec *c, PassiveNode *node)
{
    const PassiveNode *size = passive_child (node, "size");
    guint64 label = size_of (passive_child (passive_child (node, "label"), "size"));

    if (!size)
        codec_fail (c, ERR_XML, "missing element or attribute './size'");
    else if (label && label < 128)
        codec_fail (c, ERR_XML, "nvdimm label must be at least 128KiB");
    else if (passive_has_word (node, "label") && label >= size_of (size))
        codec_fail (c, ERR_XML, "label size must be smaller than NVDIMM size");
}
