/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of character devices: what each type of source needs. */
#include "conf/passive_rules.h"

#include <string.h>

#include "conf/domain_codec.h"
#include "conf/ipaddr.h"

#define NO_PATH "Missing source path attribute for char device"

/* Attributes of <source> that a type needs. */
static const struct {
    const char *type, *attr;
    ErrorCode code;
    const char *text;
} needs[] = {
    { "dev", "path", ERR_INTERNAL, NO_PATH },
    { "file", "path", ERR_INTERNAL, NO_PATH },
    { "pipe", "path", ERR_INTERNAL, NO_PATH },
    { "unix", "path", ERR_INTERNAL, NO_PATH },
    { "tcp", "host", ERR_INTERNAL, "Missing source host attribute for char device" },
    { "tcp", "service", ERR_INTERNAL, "Missing source service attribute for char device" },
    { "spiceport", "channel", ERR_CONFIG_UNSUPPORTED,
      "Missing source channel attribute for char device" },
    { "dbus", "channel", ERR_CONFIG_UNSUPPORTED,
      "Missing source channel attribute for char device" },
};

static void
check_needs (Codec *c, const char *type, const PassiveNode *source, gboolean path_made)
{
    for (guint i = 0; i < G_N_ELEMENTS (needs); i++)
        if (g_str_equal (needs[i].type, type)
            && !(path_made && g_str_equal (needs[i].attr, "path"))
            && !passive_attr (source, needs[i].attr))
            codec_fail_later (c, CODEC_JUDGED, needs[i].code, "%s", needs[i].text);
    if (g_str_equal (type, "nmdm") && !passive_attr (source, "master") != !passive_attr (source, "slave"))
        codec_fail_later (c, CODEC_JUDGED, ERR_INTERNAL,
                          "Should define both master and slave path attributes for nmdm device");
}

/* One source that binds, one that connects, of each the first; the latter must have a service. */
static void
settle_udp (Codec *c, GPtrArray *parts)
{
    PassiveNode *source = passive_find (parts, "source", NULL), *bind = NULL, *connect = NULL;

    while (source) {
        PassiveNode *next = passive_find (parts, "source", source);
        gboolean binds = passive_is (source, "mode", "bind");
        PassiveNode **place = binds ? &bind : &connect;

        if (*place || (!passive_attr (source, "host") && !passive_attr (source, "service"))) {
            passive_remove (parts, source);
        } else {
            passive_set (source, "mode", binds ? "bind" : "connect");
            *place = source;
        }
        source = next;
    }
    if (!connect || !passive_attr (connect, "service"))
        codec_fail_later (c, CODEC_JUDGED, ERR_INTERNAL,
                          "Missing source service attribute for char device");
    if (bind && connect)
        passive_move (parts, bind, connect);
}

static void
settle_protocol (Codec *c, GPtrArray *parts)
{
    static const char *const protocols[] = { "raw", "telnet", "telnets", "tls", NULL };
    PassiveNode *protocol = passive_find (parts, "protocol", NULL);
    const char *type = passive_attr (protocol, "type");

    if (!type)
        passive_set (protocol, "type", "raw");
    else if (!g_strv_contains (protocols, type))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Unknown protocol '%s'", type);
}

static void
settle_socket (Codec *c, PassiveNode *source, const char *type)
{
    gboolean unix_path = g_str_equal (type, "unix") && passive_attr (source, "path");

    if (source && !passive_attr (source, "mode") && (g_str_equal (type, "tcp") || unix_path))
        passive_set (source, "mode", "connect");
    if (passive_is (source, "mode", "bind") && passive_child (source, "reconnect"))
        codec_fail_later (c, CODEC_JUDGED, ERR_INTERNAL,
                          "chardev reconnect is possible only for connect mode");
}

static void
check_channel_name (Codec *c, const PassiveNode *source)
{
    static const char good[]
        = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    const char *name = passive_attr (source, "channel");

    if (name && name[strspn (name, good)])
        codec_fail_later (c, CODEC_JUDGED, ERR_INVALID_ARG,
                          "Invalid character in source channel for char device");
}

/* Of the current element. */
static gboolean
check_numbers (Codec *c, const char *type)
{
    static const char *const single[] = { "log", "protocol" };
    guint sources = codec_count (c, "source");

    if (sources > 1 && strcmp (type, "udp") != 0)
        codec_fail (c, ERR_XML, "only one source element is allowed for character device");
    else if (sources > 2)
        codec_fail (c, ERR_XML, "only two source elements are allowed for character device");
    for (guint i = 0; i < G_N_ELEMENTS (single); i++)
        if (codec_count (c, single[i]) > 1)
            codec_fail (c, ERR_XML, "only one %s element is allowed for character device", single[i]);
    return !codec_failed (c);
}

void
chardev_settle (Codec *c, const char *type, GPtrArray *parts, gboolean path_made)
{
    PassiveNode *source = passive_find (parts, "source", NULL);

    if (!check_numbers (c, type))
        return;
    while (!g_str_equal (type, "tcp") && passive_find (parts, "protocol", NULL))
        passive_remove (parts, passive_find (parts, "protocol", NULL));
    if (g_str_equal (type, "udp")) {
        settle_udp (c, parts);
        return;
    }
    settle_socket (c, source, type);
    if (g_str_equal (type, "tcp") && passive_find (parts, "protocol", NULL))
        settle_protocol (c, parts);
    check_needs (c, type, source, path_made);
    if (g_str_equal (type, "spiceport") || g_str_equal (type, "dbus"))
        check_channel_name (c, source);
    if (source && g_str_equal (type, "unix") && !passive_attr (source, "path"))
        passive_clear (source);
    if (source && passive_blank (source))
        passive_remove (parts, source);     /* it says nothing */
}

/* The path of a virtio or xen channel's socket is made at its start. */
static gboolean
path_is_made (const PassiveNode *node, const PassiveNode *target)
{
    return g_str_equal (passive_name (node), "channel")
        && (passive_is (target, "type", "virtio") || passive_is (target, "type", "xen"));
}

/* libvirt compares numbers of types that are different ones for each device. */
gboolean
chardev_target_is_second (const char *type)
{
    static const char *const types[] = { "virtio", "usb-serial", "xen", NULL };

    return type && g_strv_contains (types, type);
}

void
rule_chardev (Codec *c, PassiveNode *node)
{
    const char *type = passive_attr (node, "type");
    const PassiveNode *target = passive_child (node, "target");
    PassiveNode *source = passive_child (node, "source");

    if (!type)
        return;
    if (g_str_equal (type, "tcp") && passive_has_word (node, "protocol")
        && !passive_child (node, "protocol"))
        passive_add_child (node, "protocol");
    if (!passive_has_word (node, "target"))     /* then there are no labels either */
        while (source && passive_child (source, "seclabel"))
            passive_remove_child (source, passive_child (source, "seclabel"));
    chardev_settle (c, type, passive_children (node), path_is_made (node, target));
    if (g_str_equal (type, "spicevmc") && passive_has_word (node, "target")
        && !chardev_target_is_second (passive_attr (target, "type")))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "spicevmc device type only supports virtio");
}

void
rule_serial (Codec *c, PassiveNode *node)
{
    const PassiveNode *address = passive_child (node, "address");

    rule_chardev (c, node);
    if (passive_is (passive_child (node, "target"), "type", "usb-serial") && address
        && !passive_is (address, "type", "usb"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "usb-serial requires address of usb type");
}

void
rule_smartcard (Codec *c, PassiveNode *node)
{
    const PassiveNode *address = passive_child (node, "address");

    if (address && !passive_is (address, "type", "ccid"))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "Controllers must use the 'ccid' address type");
    rule_chardev (c, node);
}

/* Without a file it says nothing. */
void
rule_chardev_log (Codec *c, PassiveNode *node)
{
    (void) c;
    if (!passive_attr (node, "file"))
        passive_drop (node);
}

void
rule_guest_forward (Codec *c, PassiveNode *node)
{
    const char *text = passive_attr (node, "address");
    g_autofree char *canonical = NULL;
    IpAddress address;

    if (!text) {
        codec_fail (c, ERR_XML, "guestfwd channel does not define a target address");
        return;
    }
    if (!ip_address_parse (text, 0, &address)) {
        codec_fail (c, ERR_SYSTEM, "Cannot parse socket address '%s': Name or service not known",
                    text);
        return;
    }
    if (strchr (text, ':'))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "guestfwd channel only supports IPv4 addresses");
    if (!passive_attr (node, "port"))
        codec_missing (c, "port");
    passive_judge (c, node, "port");
    canonical = ip_address_format (&address);
    passive_set (node, "address", canonical);
}

void
rule_rng_egd (Codec *c, PassiveNode *node)
{
    rule_chardev (c, node);
    passive_open (node);
}

/* A device by D-Bus has a name that is known. */
static void
name_dbus_channel (PassiveNode *node)
{
    PassiveNode *source = passive_child (node, "source");

    if (!source)
        source = passive_add_child (node, "source");
    if (!passive_attr (source, "channel"))
        passive_set (source, "channel", "org.qemu.usbredir");
}

void
rule_redirdev (Codec *c, PassiveNode *node)
{
    const PassiveNode *address = passive_child (node, "address");

    if (passive_is (node, "type", "dbus") && passive_count (node, "source") < 2)
        name_dbus_channel (node);
    rule_chardev (c, node);
    if (address && !passive_is (address, "type", "usb"))
        codec_fail (c, ERR_XML, "Invalid address for a USB device");
    passive_open (node);
}

/* Whether from @at to @end is one digit, or two. */
static gboolean
two_digits (const char *at, const char *end)
{
    return (end == at + 1 || end == at + 2) && g_ascii_isdigit (at[0]) && g_ascii_isdigit (end[-1]);
}

void
rule_usbdev (Codec *c, PassiveNode *node)
{
    const char *version = passive_attr (node, "version"), *point = version ? strchr (version, '.') : NULL;
    gint64 class = passive_number (node, "class", 0);
    g_autofree char *canonical = NULL;

    if (class > 0xff)
        codec_fail (c, ERR_INTERNAL, "Invalid USB Class code 0x%x", (guint) class);
    if (!version || g_str_equal (version, "-1")) {
        passive_set (node, "version", NULL);
        return;
    }
    if (!point || !two_digits (version, point) || !two_digits (point + 1, version + strlen (version))) {
        codec_fail (c, ERR_XML, "Cannot parse USB device version %s", version);
        return;
    }
    /* 1.9 is 1.90 */
    canonical = g_strdup_printf ("%u.%c%c", (guint) g_ascii_strtoull (version, NULL, 10), point[1],
                                 point[2] ? point[2] : '0');
    passive_set (node, "version", canonical);
}

void
rule_certificates (Codec *c, PassiveNode *node)
{
    const PassiveNode *database = passive_child (node, "database");

    rule_smartcard (c, node);
    if (passive_count (node, "certificate") != 3)
        codec_fail (c, ERR_XML, "host-certificates mode needs exactly three certificates");
    else if (database && passive_text (database) && *passive_text (database) != '/')
        codec_fail (c, ERR_XML, "expecting absolute path: %s", passive_text (database));
}
