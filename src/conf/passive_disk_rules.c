/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of what a disk has without effect. */
#include "conf/passive_rules.h"

#include <string.h>

#include "conf/domain_codec.h"

void
rule_wwn (Codec *c, PassiveNode *node)
{
    const char *text = passive_text (node) ? passive_text (node) : "";
    const char *digits = text + (g_str_has_prefix (text, "0x") ? 2 : 0);

    if (strlen (digits) != 16 || digits[strspn (digits, "0123456789abcdefABCDEF")])
        codec_fail (c, ERR_INTERNAL, "Malformed wwn: %s", text);
}

static void
check_length (Codec *c, const PassiveNode *node, gsize max)
{
    const char *text = passive_text (node);

    if (text && strlen (text) > max)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "disk %s is more than %u characters", codec_name (c),
                    (guint) max);
}

void
rule_disk_vendor (Codec *c, PassiveNode *node)
{
    check_length (c, node, 8);
}

void
rule_disk_product (Codec *c, PassiveNode *node)
{
    check_length (c, node, 16);
}

void
rule_geometry (Codec *c, PassiveNode *node)
{
    (void) c;
    if (passive_number (node, "cyls", 0) <= 0 || passive_number (node, "heads", 0) <= 0
        || passive_number (node, "secs", 0) <= 0)
        passive_drop (node);
}

void
rule_backing_store (Codec *c, PassiveNode *node)
{
    if (!passive_attr (node, "type") || passive_is (node, "type", "none"))
        passive_clear (node);   /* the end of the chain */
    else if (!passive_child (node, "format"))
        codec_fail (c, ERR_XML, "missing disk backing store format");
    else if (!passive_child (node, "source"))
        codec_fail (c, ERR_XML, "missing disk backing store source");
}

static const struct {
    const char *protocol, *port;
} ports[] = {
    { "nbd", "10809" }, { "sheepdog", "7000" }, { "gluster", "24007" }, { "iscsi", "3260" },
    { "http", "80" },   { "https", "443" },     { "ftp", "21" },        { "ftps", "990" },
    { "tftp", "69" },   { "ssh", "22" },        { "vxhs", "9999" },     { "nfs", "2049" },
};

static void
default_port (PassiveNode *host, const char *protocol)
{
    for (guint i = 0; i < G_N_ELEMENTS (ports); i++)
        if (g_str_equal (ports[i].protocol, protocol))
            passive_set (host, "port", ports[i].port);
}

void
rule_network_source (Codec *c, PassiveNode *node)
{
    const char *protocol = passive_attr (node, "protocol"), *name = passive_attr (node, "name");

    if (!name && !g_str_equal (protocol, "nbd")) {
        codec_fail (c, ERR_XML, "missing name for disk source");
        return;
    }
    if (g_str_equal (protocol, "gluster") && !strchr (name, '/')) {
        codec_fail (c, ERR_XML, "can't split path '%s' into pool name and image name", name);
        return;
    }
    for (PassiveNode *host = passive_child (node, "host"); host; host = passive_next (node, host)) {
        if (passive_is (host, "transport", "unix") && !passive_attr (host, "socket")) {
            codec_fail (c, ERR_XML, "missing socket for unix transport");
            return;
        }
        if (passive_attr (host, "name") && !passive_attr (host, "port")
            && !passive_is (host, "transport", "unix"))
            default_port (host, protocol);
    }
}

void
rule_volume_source (Codec *c, PassiveNode *node)
{
    if (!passive_attr (node, "pool") != !passive_attr (node, "volume"))
        codec_fail (c, ERR_XML,
                    "'pool' and 'volume' must be specified together for 'pool' type source");
}
