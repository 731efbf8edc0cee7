/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* interface. */
#include <string.h>

#include "conf/domain_address.h"
#include "conf/number.h"
#include "conf/passive_rules.h"

STRING_TABLE (net_type_names, NET_TYPE_LAST, "user", "ethernet", "vhostuser", "server", "client",
              "mcast", "network", "bridge", "internal", "direct", "hostdev", "udp", "vdpa", "null",
              "vds");
STATIC_STRING_TABLE (macvtap_names, MACVTAP_LAST, "vepa", "private", "bridge", "passthrough");
STATIC_STRING_TABLE (link_names, LINK_LAST, NULL, "up", "down");
STATIC_STRING_TABLE (native_names, NATIVE_VLAN_LAST, NULL, "tagged", "untagged");

/* Attribute of <source> that is its name, by type; types that have no simple source are not
 * here. */
static const char *const source_attrs[NET_TYPE_LAST] = {
    [NET_NETWORK] = "network",
    [NET_BRIDGE] = "bridge",
    [NET_INTERNAL] = "name",
    [NET_DIRECT] = "dev",
};

/* Row of <source>, by type, for those that mean nothing to us. */
static const char *const source_rows[NET_TYPE_LAST] = {
    [NET_VHOSTUSER] = "source:net-source-vhostuser", [NET_SERVER] = "source:net-source-server",
    [NET_CLIENT] = "source:net-source-client",       [NET_MCAST] = "source:net-source-client",
    [NET_UDP] = "source:net-source-udp",             [NET_HOSTDEV] = "source:net-source-hostdev",
    [NET_VDPA] = "source:net-source-vdpa",           [NET_VDS] = "source:net-source-vds",
};

/* Live target names that we make ourselves, and forget in an inactive definition: vnet0, macvtap0. */
static gboolean
ifname_is_generated (const char *ifname)
{
    return g_str_has_prefix (ifname, "vnet") || g_str_has_prefix (ifname, "macvtap")
        || g_str_has_prefix (ifname, "macvlan");
}

/* ---- where the interface ends on the host */

static void
source_missing (Codec *c, const NetDef *net)
{
    if (net->type == NET_HOSTDEV)
        codec_fail (c, ERR_XML, "missing source address type");
    else if (source_attrs[net->type] || source_rows[net->type])
        codec_fail (c, ERR_XML, "interface type='%s' requires a 'source' element",
                    net_type_names.name[net->type]);
}

static void
source_codec (Codec *c, NetDef *net)
{
    const char *attr = source_attrs[net->type];
    gboolean addresses
        = (net->host_ips && net->host_ips->len) || (net->host_routes && net->host_routes->len);

    if (source_rows[net->type]) {
        passive_codec (c, &net->passive, source_rows[net->type]);
        if (codec_reading (c) && !passive_has (net->passive, "source"))
            source_missing (c, net);
        return;
    }
    if (!codec_enter (c, "source", attr || addresses)) {
        source_missing (c, net);
        return;
    }
    if (attr)
        codec_string (c, attr, &net->source, FIELD_REQUIRED);
    if (net->type == NET_NETWORK) {
        char *none = NULL;

        codec_string (c, "portgroup", &net->portgroup, 0);
        /* of a running libvirt domain; ours has them when there are virtual networks */
        if (codec_reading (c)) {
            codec_live_string (c, "portid", &none);
            g_clear_pointer (&none, g_free);
            codec_live_string (c, "bridge", &none);
            g_clear_pointer (&none, g_free);
        }
    }
    if (net->type == NET_DIRECT)
        codec_enum (c, "mode", &net->mode, &macvtap_names, FIELD_KEEP_ZERO);
    if (codec_reading (c) || net->type == NET_ETHERNET)
        net_addresses_codec (c, &net->host_ips, &net->host_routes);
    codec_leave (c);
}

static void
mac_codec (Codec *c, NetDef *net)
{
    g_autoptr (GError) error = NULL;

    if (!codec_enter (c, "mac", net->mac != NULL))
        return;
    codec_string (c, "address", &net->mac, 0);
    if (codec_reading (c) && net->mac && !net_mac_settle (net, &error))
        codec_fail (c, (ErrorCode) error->code, "%s", error->message);
    passive_attrs_codec (c, &net->passive, "type:generated|static check:y");
    codec_leave (c);
}

typedef struct {
    guint id, native;           /* NativeVlan */
} VlanTag;

static void
vlan_tag_codec (Codec *c, void *object)
{
    VlanTag *tag = object;

    codec_uint (c, "id", &tag->id, FIELD_REQUIRED | FIELD_KEEP_ZERO);
    codec_enum (c, "nativeMode", &tag->native, &native_names, 0);
}

/* The tags as a list of VlanTag, and back. */
static GPtrArray *
tags_of (const NetDef *net)
{
    GPtrArray *tags = g_ptr_array_new_with_free_func (g_free);

    for (guint i = 0; i < net->vlan_tags->len; i++) {
        VlanTag *tag = g_new0 (VlanTag, 1);

        tag->id = g_array_index (net->vlan_tags, guint, i);
        tag->native = i == net->vlan_native ? net->vlan_native_mode : NATIVE_VLAN_NONE;
        g_ptr_array_add (tags, tag);
    }
    return tags;
}

static void
take_tags (Codec *c, NetDef *net, const GPtrArray *tags)
{
    for (guint i = 0; i < tags->len; i++) {
        const VlanTag *tag = g_ptr_array_index (tags, i);

        if (tag->native && net->vlan_native_mode)
            codec_fail (c, ERR_XML, "duplicate native vlan setting");
        if (tag->native) {
            net->vlan_native = i;
            net->vlan_native_mode = tag->native;
        }
        if (tag->id > 4095)
            codec_fail (c, ERR_XML, "vlan tag id %u too large (maximum 4095)", tag->id);
        g_array_append_val (net->vlan_tags, tag->id);
    }
    if (!tags->len)
        codec_fail (c, ERR_XML,
                    "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement");
}

/* Several tags are a trunk; a single one is, when it says so. */
static void
trunk_codec (Codec *c, NetDef *net, const char *given)
{
    gboolean yes = given && !g_ascii_strcasecmp (given, "yes");

    net->vlan_trunk = yes || net->vlan_tags->len > 1;
    if (given && net->vlan_tags->len > 1 && !yes)
        codec_fail (c, ERR_XML,
                    "invalid \"trunk='%s'\" in <vlan> - trunk='yes' is required for more than one vlan tag",
                    given);
    else if (given && net->vlan_native_mode && !yes)
        codec_fail (c, ERR_XML,
                    "invalid configuration in <vlan> - \"trunk='no'\" is not allowed with a native vlan id");
    else if (given && !yes && g_ascii_strcasecmp (given, "no") != 0)
        codec_fail (c, ERR_XML, "invalid \"trunk='%s'\" in <vlan> - must be yes or no", given);
}

static void
vlan_codec (Codec *c, NetDef *net)
{
    g_autoptr (GPtrArray) tags = NULL;
    g_autofree char *trunk = NULL;

    if (!codec_enter (c, "vlan", net->vlan_tags && net->vlan_tags->len))
        return;
    if (codec_reading (c)) {
        trunk = codec_take (c, "trunk", FIELD_NO_EMPTY);
    } else {
        codec_yes (c, "trunk", &net->vlan_trunk);
        tags = tags_of (net);
    }
    codec_list (c, "tag", &tags, sizeof (VlanTag), vlan_tag_codec, g_free);
    if (codec_reading (c) && !codec_failed (c)) {
        take_tags (c, net, tags);
        trunk_codec (c, net, trunk);
    }
    codec_leave (c);
}

/* ---- rates */

static gboolean
rate_set (const NetRate *rate)
{
    return rate->average || rate->floor;
}

static void
rate_value_codec (Codec *c, const char *attr, guint64 *v)
{
    g_autofree char *given = NULL;

    if (!codec_reading (c)) {
        codec_uint64 (c, attr, v, 0);
        return;
    }
    given = codec_take (c, attr, 0);
    if (given && !number_parse_unsigned (given, 10, G_MAXUINT64, v))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "could not convert bandwidth %s value '%s'", attr, given);
}

/* Reading: what goes without what. */
static void
judge_rate (Codec *c, gboolean peak)
{
    g_autofree char *average = codec_peek (c, "average"), *floor = codec_peek (c, "floor");

    if (!average && !floor)
        codec_fail (c, ERR_XML_DETAIL, "Missing mandatory average or floor attributes");
    if (!average && peak)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "'peak' and 'burst' require 'average' attribute");
}

static void
rate_codec (Codec *c, const char *element, NetRate *rate)
{
    g_autofree char *peak = NULL, *burst = NULL;

    if (!codec_enter (c, element, rate_set (rate)))
        return;
    rate_value_codec (c, "average", &rate->average);
    if (codec_reading (c)) {
        peak = codec_peek (c, "peak");
        burst = codec_peek (c, "burst");
        judge_rate (c, peak || burst);
    }
    rate_value_codec (c, "peak", &rate->peak);
    rate_value_codec (c, "floor", &rate->floor);
    rate_value_codec (c, "burst", &rate->burst);
    if (codec_reading (c) && !rate->average)        /* of no rate there is no peak */
        rate->peak = rate->burst = 0;
    codec_leave (c);
}

static void
bandwidth_codec (Codec *c, NetDef *net)
{
    static const char *const names[] = { "inbound", "outbound" };

    if (!codec_enter (c, "bandwidth", rate_set (&net->inbound) || rate_set (&net->outbound)))
        return;
    if (codec_reading (c)) {
        g_autofree char *class = codec_peek (c, "classID");

        if (class)
            codec_fail (c, ERR_XML_DETAIL,
                        "classID attribute not supported on <bandwidth> in this usage context");
    }
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        if (codec_count (c, names[i]) > 1)
            codec_fail (c, ERR_XML_DETAIL, "Only one child <%s> element allowed", names[i]);
    rate_codec (c, names[0], &net->inbound);
    if (net->inbound.floor && net->type != NET_NETWORK)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "floor attribute is not supported for this config");
    rate_codec (c, names[1], &net->outbound);
    if (net->outbound.floor)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "'floor' attribute allowed only in <inbound> element");
    codec_leave (c);
}

/* ---- names, filter, link */

/* Names that we make are not kept, but on devices that are somebody else's. */
static void
ifname_codec (Codec *c, NetDef *net)
{
    gboolean ours = net->ifname && !codec_live (c) && ifname_is_generated (net->ifname)
        && net->target_managed != YES_NO_NO;

    if (codec_enter (c, "target", (net->ifname && !ours) || net->target_managed)) {
        if (codec_reading (c) || !ours)
            codec_string (c, "dev", &net->ifname, 0);
        codec_enum (c, "managed", &net->target_managed, &yes_no_names, 0);
        codec_leave (c);
    }
    if (codec_reading (c) && net->ifname && !codec_live (c) && ifname_is_generated (net->ifname)
        && net->target_managed != YES_NO_NO)
        g_clear_pointer (&net->ifname, g_free);
}

static void
guest_codec (Codec *c, NetDef *net)
{
    gboolean actual = codec_status (c) && net->guest_actual;

    if (!codec_enter (c, "guest", net->guest_ifname || actual))
        return;
    codec_string (c, "dev", &net->guest_ifname, FIELD_NO_EMPTY);
    if (codec_reading (c) || actual)
        codec_live_string (c, "actual", &net->guest_actual);
    codec_leave (c);
}

static void
filter_param_codec (Codec *c, void *object)
{
    NameValue *param = object;

    codec_string (c, "name", &param->name, 0);
    codec_string (c, "value", &param->value, 0);
}

static int
compare_params (gconstpointer a, gconstpointer b)
{
    const NameValue *one = *(NameValue *const *) a, *two = *(NameValue *const *) b;

    return strcmp (one->name, two->name);
}

/* Only devices that we can filter keep theirs. */
static void
filter_codec (Codec *c, NetDef *net)
{
    gboolean kept = net->type == NET_ETHERNET || net->type == NET_NETWORK || net->type == NET_BRIDGE;

    if (!codec_enter (c, "filterref", net->filter != NULL))
        return;
    codec_string (c, "filter", &net->filter, 0);
    codec_list (c, "parameter", &net->filter_params, sizeof (NameValue), filter_param_codec,
                name_value_free);
    if (codec_reading (c)) {
        if (!kept)
            g_clear_pointer (&net->filter, g_free);
        for (guint i = net->filter_params->len; i > 0; i--) {
            const NameValue *param = g_ptr_array_index (net->filter_params, i - 1);

            if (!net->filter || !param->name || !param->value)
                g_ptr_array_remove_index (net->filter_params, i - 1);
        }
        g_ptr_array_sort (net->filter_params, compare_params);
    }
    codec_leave (c);
}

static void
port_codec (Codec *c, NetDef *net)
{
    if (codec_enter (c, "port", net->isolated != YES_NO_ABSENT)) {
        codec_enum (c, "isolated", &net->isolated, &yes_no_names, 0);
        codec_leave (c);
    }
}

static void
link_codec (Codec *c, NetDef *net)
{
    if (codec_enter (c, "link", net->linkstate != LINK_DEFAULT)) {
        codec_enum (c, "state", &net->linkstate, &link_names, FIELD_CONFIG | FIELD_NO_EMPTY);
        if (codec_status (c))
            codec_yes (c, "cut", &net->link_cut);
        codec_leave (c);
    }
    if (codec_enter (c, "mtu", net->mtu != 0)) {
        codec_uint (c, "size", &net->mtu, FIELD_NO_EMPTY);
        codec_leave (c);
    }
}

static void
script_codec (Codec *c, NetDef *net)
{
    if (!codec_enter (c, "script", net->script != NULL))
        return;
    codec_string (c, "path", &net->script, FIELD_NO_EMPTY);
    codec_leave (c);
}

static gboolean
is_virtio (const NetDef *net)
{
    const char *type = passive_attr (passive_find_element (net->passive, "model"), "type");

    return type && g_str_has_prefix (type, "virtio");
}

/* What is for virtio devices only is not read of others. */
static void
driver_codec (Codec *c, NetDef *net)
{
    if (!codec_reading (c))
        passive_codec (c, &net->passive, "model");
    if (net->type == NET_HOSTDEV)
        return;
    if (!codec_reading (c) || is_virtio (net)) {
        passive_codec (c, &net->passive, "driver");
    } else {
        PassiveNode *driver;

        passive_codec (c, &net->passive, "driver:net-driver-other");
        driver = passive_find_element (net->passive, "driver");
        rule_virtio_options (c, driver, FALSE);
        if (driver)
            passive_remove (net->passive, driver);
    }
}

static void
backend_codec (Codec *c, NetDef *net)
{
    PassiveNode *backend;

    passive_codec (c, &net->passive, "backend");
    if (!codec_reading (c))
        return;
    backend = passive_find_element (net->passive, "backend");
    if (backend && (!is_virtio (net) || net->type == NET_HOSTDEV)) {
        passive_set (backend, "vhost", NULL);
        if (passive_blank (backend))
            passive_remove (net->passive, backend);
    }
}

static void
judge_vhostuser (Codec *c, const NetDef *net)
{
    const PassiveNode *source = passive_find_element (net->passive, "source");

    if (!is_virtio (net))
        codec_fail_later (c, CODEC_JUDGED, ERR_INTERNAL,
                          "Wrong or no <model> 'type' attribute specified with "
                          "<interface type='vhostuser'/>. vhostuser requires the virtio-net* frontend");
    else if (passive_is (source, "mode", "server")
             && passive_is (passive_child (source, "reconnect"), "enabled", "yes"))
        codec_fail_later (c, CODEC_JUDGED, ERR_CONFIG_UNSUPPORTED,
                          "'reconnect' attribute unsupported 'server' mode for "
                          "<interface type='vhostuser'>");
}

static gboolean
type_codec (Codec *c, NetDef *net)
{
    codec_enum (c, "type", &net->type, &net_type_names, FIELD_KEEP_ZERO);
    if (codec_failed (c))
        return FALSE;
    if (!codec_reading (c))
        return TRUE;
    net->host_ips = g_ptr_array_new_with_free_func (net_ip_free);
    net->host_routes = g_ptr_array_new_with_free_func (net_route_free);
    net->filter_params = g_ptr_array_new_with_free_func (name_value_free);
    net->vlan_tags = g_array_new (FALSE, FALSE, sizeof (guint));
    return TRUE;
}

void
net_codec (Codec *c, void *object)
{
    g_autofree char *managed = NULL;
    NetDef *net = object;

    if (!type_codec (c, net))
        return;
    /* anything but yes is no */
    if (codec_reading (c))
        managed = codec_take (c, "managed", 0);
    if (managed && net->type == NET_HOSTDEV)
        net->managed = g_str_equal (managed, "yes");
    else if (!codec_reading (c) && net->managed)
        codec_put (c, "managed", "yes");
    passive_attrs_codec (c, &net->passive, "trustGuestRxFilters:y");
    /* what libvirt judges first, and what after the source */
    if (codec_reading (c))
        passive_codec (c, &net->passive, "model");
    else
        mac_codec (c, net);
    if (net->type == NET_HOSTDEV)
        passive_codec (c, &net->passive, "driver:hostdev-driver");
    source_codec (c, net);
    vlan_codec (c, net);
    net_vport_codec (c, net);
    bandwidth_codec (c, net);
    if (codec_reading (c))
        mac_codec (c, net);
    port_codec (c, net);
    net_addresses_codec (c, &net->ips, &net->routes);
    passive_codec (c, &net->passive, "portForward*");
    script_codec (c, net);
    passive_codec (c, &net->passive, "downscript backenddomain");
    ifname_codec (c, net);
    guest_codec (c, net);
    driver_codec (c, net);
    backend_codec (c, net);
    filter_codec (c, net);
    passive_codec (c, &net->passive, "tune teaming");
    link_codec (c, net);
    passive_codec (c, &net->passive, "coalesce boot");
    device_alias_codec (c, &net->alias);
    passive_codec (c, &net->passive, "rom acpi address");
    if (codec_reading (c) && net->type == NET_VHOSTUSER)
        judge_vhostuser (c, net);
}
