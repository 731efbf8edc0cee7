/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What passive_host_rows.c cannot say, in libvirt's words. */
#include <string.h>

#include "conf/ipaddr.h"
#include "conf/passive_rules.h"
#include "conf/domain.h"

void
rule_rom (Codec *c, PassiveNode *node)
{
    if (passive_is (node, "enabled", "no") && (passive_attr (node, "bar") || passive_attr (node, "file")))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "ROM tuning is not supported when ROM is disabled");
}

/* Of an interface; a hostdev's is judged with the device. */
void
rule_teaming (Codec *c, PassiveNode *node)
{
    const char *type = passive_attr (node, "type"), *persistent = passive_attr (node, "persistent");

    if (!type && !persistent)
        return;
    if (!type || (strcmp (type, "persistent") != 0 && strcmp (type, "transient") != 0))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "unknown teaming type '%s'", type ? type : "(null)");
    else if (*type == 't' && !persistent)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "teaming persistent attribute must be set if teaming type is 'transient'");
    else if (*type == 'p' && persistent)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "teaming persistent attribute not allowed if teaming type is 'persistent'");
}

/* ---- interface */

void
rule_net_reconnect (Codec *c, PassiveNode *node)
{
    if (passive_is (node, "enabled", "no"))
        passive_set (node, "timeout", NULL);
    else if (!passive_attr (node, "timeout"))
        codec_fail (c, ERR_XML, "Missing required attribute 'timeout' in element 'reconnect'");
}

void
rule_net_vhostuser (Codec *c, PassiveNode *node)
{
    if (!passive_is (node, "type", "unix"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Type='%s' unsupported for <interface type='vhostuser'>",
                    passive_attr (node, "type"));
    else if (passive_is (node, "mode", "server") && passive_child (node, "reconnect"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "'reconnect' attribute unsupported 'server' mode for <interface type='vhostuser'>");
}

void
rule_net_hostdev (Codec *c, PassiveNode *node)
{
    const PassiveNode *address = passive_child (node, "address");

    if (!address)
        codec_fail (c, ERR_XML, "missing source address type");
    else if (passive_attr (node, "startupPolicy") && !passive_is (address, "type", "usb"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Setting startupPolicy is only allowed for USB devices");
}

void
rule_net_model (Codec *c, PassiveNode *node)
{
    static const char *const models[] = {
        "netfront", "rtl8139", "virtio", "e1000", "e1000e", "virtio-transitional",
        "virtio-non-transitional", "usb-net", "spapr-vlan", "lan9118", "scm91c111", "vlance", "vmxnet",
        "vmxnet2", "vmxnet3", "Am79C970A", "Am79C973", "82540EM", "82545EM", "82543GC",
    };
    const char *type = passive_attr (node, "type");

    if (!type || !*type) {
        passive_drop (node);
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS (models); i++)
        if (g_ascii_strcasecmp (type, models[i]) == 0) {
            passive_set (node, "type", models[i]);
            return;
        }
    for (const char *p = type; *p; p++)
        if (!g_ascii_isalnum (*p) && !strchr ("_-", *p)) {
            codec_fail (c, ERR_INVALID_ARG, "Model name contains invalid characters");
            return;
        }
    codec_fail (c, ERR_CONFIG_UNSUPPORTED, "driver does not support net model '%s'", type);
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

/* One queue is as good as none. */
void
rule_net_driver (Codec *c, PassiveNode *node)
{
    (void) c;
    if (passive_is (node, "queues", "1"))
        passive_set (node, "queues", NULL);
}

void
rule_net_backend (Codec *c, PassiveNode *node)
{
    static const char *const paths[] = { "tap", "vhost" };
    const char *type = passive_attr (node, "type");

    if (type)           /* the only one is a kind of user network that the LXC driver has not */
        codec_bad_value (c, "type", type, 0);
    for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
        if (passive_attr (node, paths[i])) {
            g_autofree char *path = tidy_path (passive_attr (node, paths[i]));

            passive_set (node, paths[i], path);
        }
}

void
rule_port_forward (Codec *c, PassiveNode *node)
{
    const char *text = passive_attr (node, "address");
    g_autofree char *canonical = NULL;
    IpAddress address;

    if (!text)
        return;
    if (!ip_address_parse (text, 0, &address)) {
        codec_fail (c, ERR_XML, "Invalid address '%s' in <portForward>", text);
        return;
    }
    canonical = ip_address_format (&address);
    passive_set (node, "address", canonical);
}

void
rule_port_range (Codec *c, PassiveNode *node)
{
    (void) c;
    if (!passive_attr (node, "start"))
        passive_drop (node);
}

/* ---- hostdev */

void
rule_hostdev_teaming (Codec *c, PassiveNode *node)
{
    if (!passive_is (node, "type", "transient"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "teaming hostdev devices must have type='transient'");
    else if (!passive_attr (node, "persistent"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "missing required persistent attribute in hostdev teaming element");
}

void
rule_usb_id (Codec *c, PassiveNode *node)
{
    if (passive_number (node, "id", 0) == 0)
        codec_bad_value_because (c, "id", passive_attr (node, "id"), CODEC_ZERO);
}

static void
check_iscsi (Codec *c, PassiveNode *node)
{
    PassiveNode *host = passive_child (node, "host"), *auth = passive_child (node, "auth");
    PassiveNode *secret = auth ? passive_child (auth, "secret") : NULL;
    const char *name = passive_attr (node, "name");

    if (!name)
        codec_fail (c, ERR_XML, "missing iSCSI hostdev source path name");
    else if (!host)
        codec_fail (c, ERR_XML, "missing the host address for the iSCSI hostdev");
    else if (passive_next (node, host))
        codec_fail (c, ERR_XML, "only one source host address may be specified for the iSCSI hostdev");
    else if (secret && !passive_is (secret, "type", "iscsi"))
        codec_fail (c, ERR_INTERNAL, "hostdev invalid secret type '%s'", passive_attr (secret, "type"));
    if (name && !strchr (name, '/')) {
        g_autofree char *first = g_strconcat (name, "/0", NULL);        /* the first unit */

        passive_set (node, "name", first);
    }
}

void
rule_hostdev_scsi (Codec *c, PassiveNode *node)
{
    const char *protocol = passive_attr (node, "protocol");
    PassiveNode *adapter = passive_child (node, "adapter");

    if (protocol && g_str_equal (protocol, "iscsi")) {
        check_iscsi (c, node);
        return;
    }
    if (protocol && strcmp (protocol, "adapter") != 0) {
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Unknown SCSI subsystem protocol '%s'", protocol);
        return;
    }
    passive_set (node, "protocol", NULL);
    if (!passive_child (node, "address"))
        codec_fail (c, ERR_XML, "'address' must be specified for scsi hostdev source");
    else if (!adapter || !passive_attr (adapter, "name"))
        codec_fail (c, ERR_XML, "'adapter' name must be specified for scsi hostdev source");
}

static gboolean
wwpn_valid (const char *text)
{
    return g_str_has_prefix (text, "naa.") && strlen (text) == 20
        && strspn (text + 4, "0123456789abcdefABCDEF") == 16;
}

void
rule_hostdev_scsi_host (Codec *c, PassiveNode *node)
{
    const char *protocol = passive_attr (node, "protocol"), *wwpn = passive_attr (node, "wwpn");

    if (!protocol)
        codec_fail (c, ERR_XML, "Missing scsi_host subsystem protocol");
    else if (strcmp (protocol, "vhost") != 0)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Unknown scsi_host subsystem protocol '%s'", protocol);
    else if (!wwpn)
        codec_fail (c, ERR_XML, "missing vhost-scsi hostdev source wwpn");
    else if (!wwpn_valid (wwpn))
        codec_fail (c, ERR_XML, "malformed 'wwpn' value");
}

void
rule_hostdev_mdev (Codec *c, PassiveNode *node)
{
    PassiveNode *address = passive_child (node, "address");
    const char *text = address ? passive_attr (address, "uuid") : NULL;
    guint8 uuid[16];
    char canonical[37];

    if (!address)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Missing <address> element");
    else if (!text)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Missing 'uuid' attribute for element <address>");
    else if (!domain_uuid_parse (text, uuid))
        codec_fail (c, ERR_INTERNAL, "Cannot parse uuid attribute of element <address>");
    else {
        domain_uuid_format (uuid, canonical);
        passive_set (address, "uuid", canonical);
    }
}
