/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of what devices share: addresses, labels. */
#include "conf/passive_rules.h"

#include <string.h>

#include "conf/number.h"

void
rule_clear (Codec *c, PassiveNode *node)
{
    (void) c;
    passive_clear (node);
}

void
rule_open (Codec *c, PassiveNode *node)
{
    (void) c;
    passive_open (node);
}

void
rule_address_host (Codec *c, PassiveNode *node)
{
    gint64 slot = passive_number (node, "slot", 0), bus = passive_number (node, "bus", 0),
           function = passive_number (node, "function", 0);

    if (!passive_number (node, "domain", 0) && !bus && !slot)
        return;
    if (bus > 0xff)
        codec_fail (c, ERR_XML, "Invalid PCI address bus='0x%x', must be <= 0xFF", (guint) bus);
    else if (slot > 0x1f)
        codec_fail (c, ERR_XML, "Invalid PCI address slot='0x%x', must be <= 0x1F", (guint) slot);
    else if (function > 7)
        codec_fail (c, ERR_XML, "Invalid PCI address function=0x%x, must be <= 7",
                    (guint) function);
}

/* A guest's address of zeros is none: the device has a place on the bus, which is not told yet. */
void
rule_address_pci (Codec *c, PassiveNode *node)
{
    static const char *const attrs[] = { "domain", "bus", "slot", "function" };

    rule_address_host (c, node);
    if (!passive_number (node, "domain", 0) && !passive_number (node, "bus", 0)
        && !passive_number (node, "slot", 0))
        for (guint i = 0; i < G_N_ELEMENTS (attrs); i++)
            passive_set (node, attrs[i], NULL);
}

void
rule_zpci (Codec *c, PassiveNode *node)
{
    (void) c;
    if (!passive_attr (node, "uid") && !passive_attr (node, "fid"))
        return;
    if (!passive_attr (node, "uid"))
        passive_set (node, "uid", "0x0000");
    if (!passive_attr (node, "fid"))
        passive_set (node, "fid", "0x00000000");
}

/* In capital letters; libvirt takes a hyphen for a low line. */
void
rule_boot (Codec *c, PassiveNode *node)
{
    const char *given = passive_attr (node, "loadparm");
    g_autofree char *text = given ? g_ascii_strup (given, -1) : NULL;

    if (!text)
        return;
    g_strdelimit (text, "-", '_');
    if (!*text || strlen (text) > 8)
        codec_fail (c, ERR_INTERNAL, "loadparm value '%s' must be between 1 and 8 characters",
                    text);
    else if (text[strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789. ")])
        codec_fail (c, ERR_INTERNAL,
                    "invalid loadparm value '%s', expecting chars in set of [a-zA-Z0-9.] and blank "
                    "spaces",
                    text);
    passive_set (node, "loadparm", text);
}

/* Up to four numbers with points between them; as soon as one is 0 the port ends. */
void
rule_address_usb (Codec *c, PassiveNode *node)
{
    const char *port = passive_attr (node, "port");
    g_auto (GStrv) parts = g_strsplit (port ? port : "", ".", -1);
    g_autoptr (GString) canonical = g_string_new (NULL);
    gboolean ended = FALSE;

    if (!port)
        return;
    if (g_strv_length (parts) < 1 || g_strv_length (parts) > 4) {
        codec_fail (c, ERR_INTERNAL, "Cannot parse <address> 'port' attribute");
        return;
    }
    for (guint i = 0; parts[i]; i++) {
        guint64 n;

        if (!number_parse_unsigned (parts[i], 10, G_MAXUINT32, &n)) {
            codec_fail (c, ERR_INTERNAL, "Cannot parse <address> 'port' attribute");
            return;
        }
        ended |= n == 0;
        if (!ended)
            g_string_append_printf (canonical, "%s%u", canonical->len ? "." : "", (guint) n);
    }
    passive_set (node, "port", canonical->len ? canonical->str : NULL);
}

void
rule_address_ccw (Codec *c, PassiveNode *node)
{
    static const char *const attrs[] = { "cssid", "ssid", "devno" };
    guint given = 0;

    for (guint i = 0; i < G_N_ELEMENTS (attrs); i++)
        given += passive_attr (node, attrs[i]) != NULL;
    if (!given) {
        passive_set (node, "cssid", "0x0");
        passive_set (node, "ssid", "0x0");
        passive_set (node, "devno", "0x0000");
        return;
    }
    if (given < G_N_ELEMENTS (attrs))
        codec_fail (c, ERR_INTERNAL, "Invalid partial specification for virtio ccw address");
    else if (passive_number (node, "cssid", 0) > 0xfe || passive_number (node, "ssid", 0) > 3
             || passive_number (node, "devno", 0) > 0xffff)
        codec_fail (c, ERR_INTERNAL,
                    "Invalid specification for virtio ccw address: cssid='%s' ssid='%s' devno='%s'",
                    passive_attr (node, "cssid"), passive_attr (node, "ssid"),
                    passive_attr (node, "devno"));
}

void
rule_address_unassigned (Codec *c, PassiveNode *node)
{
    g_autofree char *path = codec_parent_path (c);

    (void) node;
    if (!g_str_has_suffix (path, "/hostdev"))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "address of type 'unassigned' is supported only for hostdevs");
}

void
rule_address_s390 (Codec *c, PassiveNode *node)
{
    (void) node;
    codec_fail (c, ERR_XML, "virtio-s390 bus doesn't have an address");
}

/* One that allows labels and has none says nothing. */
void
rule_device_seclabel (Codec *c, PassiveNode *node)
{
    const PassiveNode *label = passive_child (node, "label");

    if (codec_repeats (c, "model"))
        codec_fail (c, ERR_XML_DETAIL, "seclabel for model %s is already provided",
                    passive_attr (node, "model"));
    if (passive_is (node, "relabel", "no")) {
        if (label)
            codec_fail (c, ERR_XML, "Cannot specify a label if relabelling is turned off. model=%s",
                        passive_attr (node, "model") ? passive_attr (node, "model") : "<null>");
        return;
    }
    if (!label)
        passive_drop (node);
    passive_set (node, "relabel", "yes");
}

void
rule_virtio_options (Codec *c, const PassiveNode *driver, gboolean virtio)
{
    static const char *const options[] = { "iommu", "ats", "packed", "page_per_vq" };

    for (guint i = 0; driver && !virtio && i < G_N_ELEMENTS (options); i++)
        if (passive_attr (driver, options[i])) {
            codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                              "%s%s option is only supported for virtio devices", options[i],
                              g_str_equal (options[i], "page_per_vq") ? "" : " driver");
            return;
        }
}

/* Without repeated and trailing slashes; two at the beginning stay. */
static char *
tidy_path (const char *path)
{
    gsize start = path[0] == '/' && path[1] == '/' && path[2] != '/' ? 1 : 0;
    GString *out = g_string_new_len (path, (gssize) start);

    for (const char *p = path + start; *p; p++)
        if (*p != '/' || out->len <= start || out->str[out->len - 1] != '/')
            g_string_append_c (out, *p);
    if (out->len > start + 1 && out->str[out->len - 1] == '/')
        g_string_truncate (out, out->len - 1);
    return g_string_free (out, FALSE);
}

void
rule_tidy_path (PassiveNode *node, const char *attr)
{
    const char *given = passive_attr (node, attr);
    g_autofree char *path = given ? tidy_path (given) : NULL;

    if (path)
        passive_set (node, attr, path);
}
