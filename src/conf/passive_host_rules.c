/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What passive_host_rows.c cannot say, in libvirt's words. */
#include <string.h>

#include "conf/ipaddr.h"
#include "conf/number.h"
#include "conf/passive_rules.h"
#include "conf/domain.h"

void
rule_rom (Codec *c, PassiveNode *node)
{
    if (passive_is (node, "enabled", "no") && (passive_attr (node, "bar") || passive_attr (node, "file")))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "ROM tuning is not supported when ROM is disabled");
}

static gboolean
teaming_known (Codec *c, PassiveNode *node)
{
    const char *type = passive_attr (node, "type");

    if (!type && !passive_attr (node, "persistent"))
        return FALSE;
    if (type && (g_str_equal (type, "persistent") || g_str_equal (type, "transient")))
        return TRUE;
    codec_fail (c, ERR_CONFIG_UNSUPPORTED, "unknown teaming type '%s'", type ? type : "(null)");
    return FALSE;
}

/* Of an interface; a hostdev's is judged with the device. */
void
rule_teaming (Codec *c, PassiveNode *node)
{
    gboolean partner = passive_attr (node, "persistent") != NULL;

    if (!teaming_known (c, node))
        return;
    if (passive_is (node, "type", "transient") && !partner)
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "teaming persistent attribute must be set if teaming type is 'transient'");
    else if (passive_is (node, "type", "persistent") && partner)
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "teaming persistent attribute not allowed if teaming type is 'persistent'");
}

/* ---- interface */

void
rule_net_vhostuser (Codec *c, PassiveNode *node)
{
    if (!passive_is (node, "type", "unix"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Type='%s' unsupported for <interface type='vhostuser'>",
                    passive_attr (node, "type"));
}

void
rule_net_hostdev (Codec *c, PassiveNode *node)
{
    const PassiveNode *address = passive_child (node, "address");
    gboolean usb = passive_is (address, "type", "usb") || (!address && passive_child (node, "vendor"));

    if (!address && !usb)
        codec_fail (c, ERR_XML, "missing source address type");
    else if (passive_attr (node, "startupPolicy") && !usb)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Setting startupPolicy is only allowed for USB devices");
    if (usb && !passive_child (node, "vendor") != !passive_child (node, "product"))
        codec_fail (c, ERR_INTERNAL, "missing %s", passive_child (node, "vendor") ? "product" : "vendor");
    if (usb) {
        passive_judge (c, node, "startupPolicy");
        passive_judge (c, node, "guestReset");
    } else {
        passive_set (node, "guestReset", NULL);
    }
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
    codec_fail_later (c, CODEC_COMPLETED, ERR_CONFIG_UNSUPPORTED,
                      "driver does not support net model '%s'", type);
}

void
rule_frames (Codec *c, PassiveNode *node)
{
    const char *text = passive_attr (node, "max");
    g_autofree char *canonical = NULL;
    guint64 max;

    if (!text)
        return;
    if (!number_parse_unsigned (text, 10, G_MAXUINT64, &max)) {
        codec_fail (c, ERR_XML_DETAIL, "cannot parse value '%s' for coalesce parameter", text);
        return;
    }
    if (max > G_MAXUINT32)
        codec_fail (c, ERR_OVERFLOW,
                    "value '%" G_GUINT64_FORMAT "' is too big for coalesce parameter, maximum is '%u'",
                    max, G_MAXUINT32);
    canonical = max ? g_strdup_printf ("%" G_GUINT64_FORMAT, max) : NULL;
    passive_set (node, "max", canonical);
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
    const char *type = passive_attr (node, "type");

    if (type)           /* the only one is a kind of user network that Debian's libvirt has not */
        codec_bad_value (c, "type", type, 0);
    rule_tidy_path (node, "tap");
    rule_tidy_path (node, "vhost");
}

/* Without a first port the others are not written. */
void
rule_port_range (Codec *c, PassiveNode *node)
{
    (void) c;
    if (!passive_attr (node, "start")) {
        passive_set (node, "end", NULL);
        passive_set (node, "to", NULL);
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

/* ---- hostdev */

void
rule_hostdev_teaming (Codec *c, PassiveNode *node)
{
    if (!teaming_known (c, node))
        return;
    if (!passive_is (node, "type", "transient"))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "teaming hostdev devices must have type='transient'");
    else if (!passive_attr (node, "persistent"))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
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
    static const char *const usages[] = { "none", "volume", "ceph", "tls", "vtpm", NULL };
    PassiveNode *host = passive_child (node, "host");
    const PassiveNode *secret = passive_child (passive_child (node, "auth"), "secret");
    const char *name = passive_attr (node, "name"), *usage = passive_attr (secret, "type");

    if (!name)
        codec_fail (c, ERR_XML, "missing iSCSI hostdev source path name");
    else if (!host)
        codec_fail (c, ERR_XML, "missing the host address for the iSCSI hostdev");
    else if (passive_next (node, host))
        codec_fail (c, ERR_XML, "only one source host address may be specified for the iSCSI hostdev");
    else if (usage && g_strv_contains (usages, usage))
        codec_fail (c, ERR_INTERNAL, "hostdev invalid secret type '%s'", usage);
    else if (secret && g_strcmp0 (usage, "iscsi") != 0)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "invalid secret type %s", usage ? usage : "(null)");
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
