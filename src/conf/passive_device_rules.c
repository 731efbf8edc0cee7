/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of devices without effect. */
#include "conf/passive_rules.h"

#include <string.h>

#include "conf/number.h"

void
rule_tpm_emulator (Codec *c, PassiveNode *node)
{
    if (passive_child (node, "active_pcr_banks") && !passive_is (node, "version", "2.0"))
        codec_fail (c, ERR_XML, "<active_pcr_banks/> requires TPM version '2.0'");
}

/* Only Intel's HD audio has codecs. */
void
rule_sound (Codec *c, PassiveNode *node)
{
    PassiveNode *codec = passive_child (node, "codec");

    if (passive_is (node, "model", "ich6") || passive_is (node, "model", "ich9")) {
        for (; codec; codec = passive_next (node, codec))
            if (!passive_attr (codec, "type"))
                codec_fail (c, ERR_CONFIG_UNSUPPORTED, "unknown codec type '(null)'");
        return;
    }
    while ((codec = passive_child (node, "codec")))
        passive_remove_child (node, codec);
}

void
rule_audio (Codec *c, PassiveNode *node)
{
    if (!passive_is (node, "mixingEngine", "yes") && passive_is (node, "fixedSettings", "yes"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "fixed audio settings requires mixing engine");
    else if (passive_child (node, "settings") && !passive_is (node, "fixedSettings", "yes"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "audio settings specified without fixed settings flag");
}

/* The next power of two, as video memory is. */
static void
round_up (Codec *c, PassiveNode *model, const char *attr)
{
    gint64 size = passive_number (model, attr, 0), power = 1;
    g_autofree char *text = NULL;

    if (!size)
        return;
    while (power < size)
        power *= 2;
    if (power > G_MAXUINT32) {
        codec_fail (c, ERR_OVERFLOW, "value too large: %s", passive_attr (model, attr));
        return;
    }
    text = g_strdup_printf ("%" G_GINT64_FORMAT, power);
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

static void
rule_video_model (Codec *c, PassiveNode *model, gboolean vhostuser)
{
    static const char *const qxl_only[] = { "ram", "vram64", "vgamem" };
    const PassiveNode *acceleration = passive_child (model, "acceleration");
    const char *type = passive_attr (model, "type");
    gboolean qxl = g_str_equal (type, "qxl");

    for (guint i = 0; i < G_N_ELEMENTS (qxl_only) && !qxl; i++)
        if (passive_attr (model, qxl_only[i])) {
            codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                        "%s attribute only supported for video type qxl", qxl_only[i]);
            return;
        }
    if (acceleration && passive_attr (acceleration, "rendernode") && !vhostuser) {
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "unsupported rendernode accel attribute without 'vhostuser'");
        return;
    }
    if (g_str_equal (type, "none")) {
        passive_clear (model);          /* it has nothing */
        passive_set (model, "type", "none");
        return;
    }
    if (!passive_attr (model, "vram"))
        passive_set (model, "vram", default_vram (type));
    if (qxl && !passive_attr (model, "ram"))
        passive_set (model, "ram", "65536");
    round_up (c, model, "ram");
    round_up (c, model, "vram");
    /* libvirt writes no heads of 0, and then reads 1: here it is 1 at once, so that a dump defines the same */
    if (passive_is (model, "heads", "0"))
        passive_set (model, "heads", NULL);
    if (!passive_attr (model, "heads") && !g_str_equal (type, "none"))
        passive_set (model, "heads", "1");
    if (passive_is (model, "primary", "no"))
        passive_set (model, "primary", NULL);
    passive_set (model, "blob", NULL);  /* libvirt writes it for other drivers only */
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
    const PassiveNode *driver = passive_child (node, "driver");
    const PassiveNode *address = passive_child (node, "address");
    PassiveNode *model = passive_child (node, "model");
    gboolean virtio = passive_is (model, "type", "virtio");
    gboolean vhostuser = driver && passive_is (driver, "name", "vhostuser");

    if (vhostuser && !virtio)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "'vhostuser' driver is only supported with 'virtio' device");
    if (address && passive_is (model, "type", "ramfb"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "address not supported for video type ramfb");
    rule_virtio_options (c, driver, virtio);
    if (!codec_failed (c))
        rule_video_model (c, model, vhostuser);
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
    if (strchr (passive_attr (node, "name"), '/'))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "shmem name cannot include '/' character");
    else if (passive_child (node, "msi") && !passive_child (node, "server"))
        codec_fail (c, ERR_XML, "msi option is only supported with a server");
    if (!passive_attr (passive_child (node, "model"), "type"))
        passive_set (passive_child (node, "model"), "type", "ivshmem");
    if (passive_is (passive_child (node, "model"), "type", "ivshmem"))
        passive_set (node, "role", NULL);
}

void
rule_iommu (Codec *c, PassiveNode *node)
{
    const char *model = passive_attr (node, "model");

    if (passive_child (node, "driver") && !g_str_equal (model, "intel"))
        codec_fail (c, ERR_XML, "iommu model '%s' doesn't support additional attributes", model);
    else if (passive_child (node, "address") && !g_str_equal (model, "virtio"))
        codec_fail (c, ERR_XML, "iommu model '%s' can't have address", model);
}

void
rule_iommu_driver (Codec *c, PassiveNode *node)
{
    if (passive_is (node, "eim", "on") && !passive_is (node, "intremap", "on"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "IOMMU eim requires interrupt remapping to be enabled");
}

void
rule_pci_target (Codec *c, PassiveNode *node)
{
    static const struct {
        const char *attr;
        int min, max;
    } limits[] = { { "chassisNr", 1, 255 }, { "chassis", 0, 255 }, { "port", 0, 255 },
                   { "busNr", 1, 254 },     { "index", 0, 30 } };
    const char *numa = passive_text (passive_child (node, "node"));

    if (numa && *numa == '-')
        codec_fail (c, ERR_XML, "invalid NUMA node in target");
    for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
        gint64 value = passive_number (node, limits[i].attr, limits[i].min);

        if (value < limits[i].min || value > limits[i].max) {
            codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                        "PCI controller %s%s '%d' out of range - must be %d-%d",
                        g_str_equal (limits[i].attr, "index") ? "target " : "", limits[i].attr,
                        (int) value, limits[i].min, limits[i].max);
            return;
        }
    }
    if (passive_attr (node, "port")) {
        g_autofree char *port = g_strdup_printf ("0x%x", (guint) passive_number (node, "port", 0));

        passive_set (node, "port", port);
    }
}

void
rule_cid (Codec *c, PassiveNode *node)
{
    gint64 address = passive_number (node, "address", 0);

    if (passive_attr (node, "address") && address < 3)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "guest CIDs must be >= 3");
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

void
rule_input (Codec *c, PassiveNode *node)
{
    (void) node;
    codec_fail (c, ERR_INTERNAL,
                "Input devices are not supported by this virtualization driver.");
}

void
rule_memory (Codec *c, PassiveNode *node)
{
    (void) node;
    codec_fail (c, ERR_CONFIG_UNSUPPORTED, "memory devices are not supported by this driver");
}
