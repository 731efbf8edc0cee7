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
    { "nmdm", "master", ERR_INTERNAL,
      "Should define both master and slave path attributes for nmdm device" },
    { "nmdm", "slave", ERR_INTERNAL,
      "Should define both master and slave path attributes for nmdm device" },
    { "spiceport", "channel", ERR_CONFIG_UNSUPPORTED,
      "Missing source channel attribute for char device" },
    { "dbus", "channel", ERR_CONFIG_UNSUPPORTED,
      "Missing source channel attribute for char device" },
};

static void
check_needs (Codec *c, const char *type, const PassiveNode *source, gboolean path_made)
{
    gboolean bare = !source || passive_blank (source);

    for (guint i = 0; i < G_N_ELEMENTS (needs); i++)
        if (g_str_equal (needs[i].type, type)
            && !(bare && g_str_equal (type, "nmdm"))
            && !(path_made && g_str_equal (needs[i].attr, "path"))
            && (!source || !passive_attr (source, needs[i].attr))) {
            codec_fail (c, needs[i].code, "%s", needs[i].text);
            return;
        }
}

/* One source that binds, one that connects, of each the first; the latter must have a service. */
static void
rule_udp (Codec *c, PassiveNode *node)
{
    PassiveNode *source = passive_child (node, "source"), *bind = NULL, *connect = NULL;

    while (source) {
        PassiveNode *next = passive_next (node, source);
        gboolean binds = passive_is (source, "mode", "bind");
        PassiveNode **place = binds ? &bind : &connect;

        if (*place || (!passive_attr (source, "host") && !passive_attr (source, "service"))) {
            passive_remove_child (node, source);
        } else {
            passive_set (source, "mode", binds ? "bind" : "connect");
            *place = source;
        }
        source = next;
    }
    if (!connect || !passive_attr (connect, "service"))
        codec_fail (c, ERR_INTERNAL, "Missing source service attribute for char device");
    else if (bind && passive_child (node, "source") == connect)
        passive_swap (node, connect, bind);
}

static gboolean
has_target (const PassiveNode *node, const char *element, const char *type)
{
    return g_str_equal (passive_name (node), element)
        && passive_is (passive_child (node, "target"), "type", type);
}

/* The path of a virtio or xen channel's socket is made at its start. */
static gboolean
path_is_made (const PassiveNode *node)
{
    return has_target (node, "channel", "virtio") || has_target (node, "channel", "xen");
}

/* libvirt takes the number of a channel's target for all. */
static gboolean
can_be_spicevmc (const PassiveNode *node)
{
    return !passive_has_word (node, "target") || has_target (node, "channel", "virtio")
        || has_target (node, "serial", "usb-serial") || has_target (node, "console", "xen");
}

static void
rule_socket (Codec *c, PassiveNode *node, const char *type)
{
    static const char *const protocols[] = { "raw", "telnet", "telnets", "tls", NULL };
    PassiveNode *source = passive_child (node, "source"), *protocol;
    PassiveNode *reconnect = source ? passive_child (source, "reconnect") : NULL;

    if (source && !passive_attr (source, "mode")
        && (g_str_equal (type, "tcp")
            || (g_str_equal (type, "unix") && passive_attr (source, "path"))))
        passive_set (source, "mode", "connect");
    if (reconnect && passive_is (source, "mode", "bind") && passive_is (reconnect, "enabled", "yes"))
        codec_fail (c, ERR_INTERNAL, "chardev reconnect is possible only for connect mode");
    if (!g_str_equal (type, "tcp") || !passive_has_word (node, "protocol"))
        return;
    protocol = passive_child (node, "protocol");
    if (!protocol)
        protocol = passive_add_child (node, "protocol");
    if (!passive_attr (protocol, "type"))
        passive_set (protocol, "type", "raw");
    if (!g_strv_contains (protocols, passive_attr (protocol, "type")))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Unknown protocol '%s'",
                    passive_attr (protocol, "type"));
}

static void
check_channel_name (Codec *c, const PassiveNode *source)
{
    static const char good[]
        = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    const char *name = passive_attr (source, "channel");

    if (name && name[strspn (name, good)])
        codec_fail (c, ERR_INVALID_ARG, "Invalid character in source channel for char device");
}

/* A source that says nothing is not written. */
static void
drop_empty_source (PassiveNode *node)
{
    PassiveNode *source = passive_child (node, "source");

    if (source && passive_blank (source))
        passive_remove_child (node, source);
}

void
rule_chardev (Codec *c, PassiveNode *node)
{
    const char *type = passive_attr (node, "type");
    PassiveNode *source = passive_child (node, "source");

    if (!type)
        return;
    if (passive_count (node, "protocol") > 1)
        codec_fail (c, ERR_XML, "only one protocol element is allowed for character device");
    while (!g_str_equal (type, "tcp") && passive_child (node, "protocol"))
        passive_remove_child (node, passive_child (node, "protocol"));
    if (g_str_equal (type, "udp")) {
        if (passive_count (node, "source") > 2)
            codec_fail (c, ERR_XML, "only two source elements are allowed for character device");
        else
            rule_udp (c, node);
        return;
    }
    if (source && passive_next (node, source)) {
        codec_fail (c, ERR_XML, "only one source element is allowed for character device");
        return;
    }
    if (source && !passive_attr (source, "path") && g_str_equal (type, "unix"))
        passive_clear (source);
    rule_socket (c, node, type);
    check_needs (c, type, source, path_is_made (node));
    if (g_str_equal (type, "spiceport"))
        check_channel_name (c, source);
    if (g_str_equal (type, "spicevmc") && !can_be_spicevmc (node))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "spicevmc device type only supports virtio");
    drop_empty_source (node);
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
    IpAddress address;

    if (!ip_address_parse (text, 0, &address))
        codec_fail (c, ERR_SYSTEM, "Cannot parse socket address '%s': Name or service not known",
                    text);
    else if (strchr (text, ':'))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "guestfwd channel only supports IPv4 addresses");
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
rule_reconnect (Codec *c, PassiveNode *node)
{
    if (passive_is (node, "enabled", "yes") && !passive_attr (node, "timeout"))
        codec_fail (c, ERR_XML, "Missing required attribute 'timeout' in element 'reconnect'");
    if (!passive_attr (node, "enabled"))
        passive_drop (node);
}

void
rule_certificates (Codec *c, PassiveNode *node)
{
    const PassiveNode *database = passive_child (node, "database");

    if (passive_count (node, "certificate") != 3)
        codec_fail (c, ERR_XML, "host-certificates mode needs exactly three certificates");
    else if (database && passive_text (database) && *passive_text (database) != '/')
        codec_fail (c, ERR_XML, "expecting absolute path: %s", passive_text (database));
}
