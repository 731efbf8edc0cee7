/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of screens: where they listen, their ports and passwords, in libvirt's words. */
#include "conf/passive_rules.h"

#include <stdio.h>
#include <string.h>

#include "conf/number.h"

/* ---- where a screen listens */

void
rule_listen (Codec *c, PassiveNode *node)
{
    gboolean network = passive_is (node, "type", "network");

    if (network && !passive_attr (node, "network"))
        codec_fail_later (c, CODEC_JUDGED, ERR_XML,
                          "'network' attribute is required for listen type 'network'");
    else if (!network && passive_attr (node, "network"))
        codec_fail (c, ERR_XML, "'network' attribute is valid only for listen type 'network'");
    else if (!passive_is (node, "type", "socket") && passive_attr (node, "socket"))
        codec_fail (c, ERR_XML, "'socket' attribute is valid only for listen type 'socket'");
    if (!passive_is (node, "type", "address"))
        passive_set (node, "address", NULL);
}

/* The old way to say it is an attribute of the screen, which must be that of the first element. */
static void
check_same (Codec *c, PassiveNode *node, PassiveNode *listen, const char *old, const char *attr)
{
    const char *given = passive_attr (node, old), *found = passive_attr (listen, attr);

    if (given && !found)
        passive_set (listen, attr, given);
    else if (given && strcmp (given, found) != 0)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "graphics '%s' attribute '%s' must match '%s' attribute of first listen "
                    "element (found '%s')",
                    old, given, attr, found);
}

/* The first of its <listen>, made when there is none; the old attributes say the same. */
static PassiveNode *
settle_listen (Codec *c, PassiveNode *node)
{
    PassiveNode *first = passive_child (node, "listen");
    const char *socket = passive_attr (node, "socket");

    if (!first) {
        first = passive_add_child (node, "listen");
        passive_set (first, "type", socket ? "socket" : "address");
    } else if (socket && !passive_is (first, "type", "socket")) {
        passive_set (first, "type", "socket");
        passive_set (first, "address", NULL);
        passive_set (first, "network", NULL);
    }
    if (passive_is (first, "type", "socket"))
        check_same (c, node, first, "socket", "socket");
    else if (passive_is (first, "type", "address"))
        check_same (c, node, first, "listen", "address");
    passive_set (node, "listen", passive_attr (first, "address"));
    return first;
}

static gboolean
has_port (const PassiveNode *listen)
{
    return passive_is (listen, "type", "address") || passive_is (listen, "type", "network");
}

/* ---- passwords: without one the rest is not read */

static void
settle_time (Codec *c, PassiveNode *node)
{
    const char *text = passive_attr (node, "passwdValidTo");
    int part[6], length = 0;
    g_autoptr (GDateTime) time = NULL;
    g_autofree char *canonical = NULL;

    if (!text)
        return;
    if (sscanf (text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &part[0], &part[1], &part[2], &part[3], &part[4],
                &part[5], &length) == 6
        && !text[length])
        time = g_date_time_new_utc (part[0], part[1], part[2], part[3], part[4], part[5]);
    if (!time) {
        codec_fail (c, ERR_INTERNAL,
                    "cannot parse password validity time '%s', expect YYYY-MM-DDTHH:MM:SS", text);
        return;
    }
    canonical = g_date_time_format (time, "%Y-%m-%dT%H:%M:%S");
    passive_set (node, "passwdValidTo", canonical);
}

static void
settle_password (Codec *c, PassiveNode *node)
{
    static const char *const actions[] = { "fail", "disconnect", "keep", NULL };
    const char *connected = passive_attr (node, "connected");

    if (!passive_attr (node, "passwd")) {
        passive_set (node, "passwdValidTo", NULL);
        passive_set (node, "connected", NULL);
        return;
    }
    settle_time (c, node);
    if (connected && !g_strv_contains (actions, connected))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "unknown connected value %s", connected);
    else if (connected && passive_is (node, "type", "vnc") && strcmp (connected, "keep") != 0)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "VNC supports connected='keep' only");
}

/* ---- kinds */

/* Returns whether the port is found at the start; -1 is an old word for that. */
static gboolean
settle_port (Codec *c, PassiveNode *node, const char *what)
{
    const char *text = passive_attr (node, "port");
    g_autofree char *canonical = NULL;
    gint64 port = 0;

    if (!text)
        return TRUE;
    if (!number_parse_signed (text, 10, G_MININT, G_MAXINT, &port)) {
        codec_fail (c, ERR_INTERNAL, "cannot parse %s port %s", what, text);
        return FALSE;
    }
    canonical = g_strdup_printf ("%d", (int) port);
    passive_set (node, "port", port && port != -1 ? canonical : NULL);
    return port == -1;
}

void
rule_vnc (Codec *c, PassiveNode *node)
{
    gboolean automatic = settle_port (c, node, "vnc");
    const PassiveNode *listen = settle_listen (c, node);

    if (passive_is (node, "autoport", "yes") || passive_is (node, "autoport", "no"))
        automatic = passive_is (node, "autoport", "yes");
    if (automatic)
        passive_set (node, "port", "-1");
    passive_set (node, "autoport", automatic ? "yes" : "no");
    if (!has_port (listen)) {
        passive_set (node, "port", NULL);
        passive_set (node, "autoport", NULL);
        passive_set (node, "websocket", NULL);
    }
    passive_set (node, "socket", passive_attr (listen, "socket"));
    settle_password (c, node);
}

void
rule_rdp (Codec *c, PassiveNode *node)
{
    gboolean automatic = settle_port (c, node, "rdp");
    const PassiveNode *listen = settle_listen (c, node);

    /* port 0 is none, and read again as found at the start */
    automatic |= !passive_attr (node, "port") || passive_is (node, "autoport", "yes");
    if (automatic)
        passive_set (node, "port", "0");
    passive_set (node, "autoport", automatic ? "yes" : NULL);
    if (!has_port (listen))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "listen type '%s' is not available for graphics type 'rdp'",
                    passive_attr (listen, "type"));
}

/* In an order of their own; of two the last one counts, and what may be any says nothing. */
static void
settle_channels (PassiveNode *node)
{
    static const char *const names[] = { "main",   "display",   "inputs",  "cursor", "playback",
                                         "record", "smartcard", "usbredir" };
    static const char *const kinds[] = { "any", "secure", "insecure" };
    guint modes[G_N_ELEMENTS (names)] = { 0 };      /* in kinds */
    PassiveNode *channel;

    while ((channel = passive_child (node, "channel"))) {
        for (guint i = 0; i < G_N_ELEMENTS (names); i++)
            for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
                if (passive_is (channel, "name", names[i]) && passive_is (channel, "mode", kinds[k]))
                    modes[i] = k;
        passive_remove_child (node, channel);
    }
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        if (modes[i]) {
            channel = passive_add_child (node, "channel");
            passive_set (channel, "name", names[i]);
            passive_set (channel, "mode", kinds[modes[i]]);
        }
}

void
rule_spice (Codec *c, PassiveNode *node)
{
    gboolean automatic = passive_is (node, "autoport", "yes")
        || (passive_is (node, "port", "-1") && passive_is (node, "tlsPort", "-1"));
    gboolean port = passive_attr (node, "port") || passive_attr (node, "tlsPort");
    PassiveNode *listen = settle_listen (c, node);

    if (automatic || !has_port (listen)) {
        passive_set (node, "port", NULL);
        passive_set (node, "tlsPort", NULL);
    }
    if (has_port (listen) && !automatic && !port) {
        passive_set (listen, "type", "none");
        passive_set (listen, "address", NULL);
        passive_set (listen, "network", NULL);
        passive_set (node, "listen", NULL);
    }
    passive_set (node, "autoport", !has_port (listen) ? NULL : automatic ? "yes" : "no");
    settle_password (c, node);
    settle_channels (node);
}

void
rule_dbus_screen (Codec *c, PassiveNode *node)
{
    if (passive_is (node, "p2p", "yes") && passive_attr (node, "address"))
        codec_fail_later (c, CODEC_JUDGED, ERR_XML, "D-Bus p2p with an address is not supported");
}
