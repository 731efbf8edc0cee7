/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* interface. */
#include "conf/domain_codec.h"
#include "conf/passive.h"

STRING_TABLE (net_type_names, NET_TYPE_LAST, "user", "ethernet", "vhostuser", "server", "client",
              "mcast", "network", "bridge", "internal", "direct", "hostdev", "udp", "vdpa");
STATIC_STRING_TABLE (macvtap_names, MACVTAP_LAST, "vepa", "private", "bridge", "passthrough");
STATIC_STRING_TABLE (vport_names, VPORT_LAST, NULL, "802.1Qbg", "802.1Qbh", "openvswitch",
                     "midonet");
STATIC_STRING_TABLE (link_names, LINK_LAST, NULL, "up", "down");

/* Attribute of <source> that is its name, by type; types that have no simple source are not
 * here. */
static const char *const source_attrs[NET_TYPE_LAST] = {
    [NET_NETWORK] = "network",
    [NET_BRIDGE] = "bridge",
    [NET_INTERNAL] = "name",
    [NET_DIRECT] = "dev",
};

gboolean
net_ifname_generated (const char *ifname)
{
    return g_str_has_prefix (ifname, "vnet") || g_str_has_prefix (ifname, "macvtap")
        || g_str_has_prefix (ifname, "macvlan");
}

/* ---- addresses and routes */

static void
ip_codec (Codec *c, void *object)
{
    NetIp *ip = object;

    codec_string (c, "address", &ip->address, FIELD_REQUIRED);
    codec_string (c, "family", &ip->family, 0);
    codec_int (c, "prefix", &ip->prefix, -1);
    codec_string (c, "peer", &ip->peer, 0);
}

static void
route_codec (Codec *c, void *object)
{
    NetRoute *route = object;

    codec_string (c, "family", &route->family, 0);
    codec_string (c, "address", &route->address, FIELD_REQUIRED);
    codec_string (c, "netmask", &route->netmask, 0);
    codec_int (c, "prefix", &route->prefix, -1);
    codec_string (c, "gateway", &route->gateway, FIELD_REQUIRED);
    codec_uint (c, "metric", &route->metric, 0);
    if (codec_reading (c) && !codec_failed (c) && route->metric == 0) {
        g_autofree char *given = codec_take (c, "metric", 0);

        if (given)
            codec_bad_value (c, "metric", given, 0);
    }
}

void
net_addresses_codec (Codec *c, GPtrArray **ips, GPtrArray **routes)
{
    codec_list (c, "ip", ips, sizeof (NetIp), ip_codec, net_ip_free);
    codec_list (c, "route", routes, sizeof (NetRoute), route_codec, net_route_free);
}

/* ---- where the interface ends on the host */

static void
source_codec (Codec *c, NetDef *net)
{
    const char *attr = source_attrs[net->type];
    gboolean addresses
        = (net->host_ips && net->host_ips->len) || (net->host_routes && net->host_routes->len);

    if (!codec_enter (c, "source", attr || addresses)) {
        if (codec_reading (c) && attr)
            codec_fail (c, ERR_XML, "missing element 'source' in element 'interface'");
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
    if (net->type == NET_ETHERNET)
        net_addresses_codec (c, &net->host_ips, &net->host_routes);
    codec_leave (c);
}

static void
vlan_tag_codec (Codec *c, void *object)
{
    codec_uint (c, "id", object, FIELD_REQUIRED | FIELD_KEEP_ZERO);
}

static void
vlan_codec (Codec *c, NetDef *net)
{
    g_autoptr (GPtrArray) tags = NULL;

    if (!codec_enter (c, "vlan", net->vlan_tags && net->vlan_tags->len))
        return;
    codec_yes (c, "trunk", &net->vlan_trunk);
    if (!codec_reading (c)) {
        tags = g_ptr_array_new ();
        for (guint i = 0; i < net->vlan_tags->len; i++)
            g_ptr_array_add (tags, &g_array_index (net->vlan_tags, guint, i));
    }
    codec_list (c, "tag", &tags, sizeof (guint), vlan_tag_codec, g_free);
    if (codec_reading (c)) {
        for (guint i = 0; i < tags->len; i++)
            g_array_append_vals (net->vlan_tags, g_ptr_array_index (tags, i), 1);
        if (!tags->len)
            codec_fail (c, ERR_XML,
                        "missing tag id - each <vlan> must have at least one <tag id='n'/>");
    }
    codec_leave (c);
}

static void
vport_uint_codec (Codec *c, const char *attr, guint *v, gboolean *set)
{
    g_autofree char *given = NULL;

    if (!codec_reading (c)) {
        if (*set)
            codec_uint (c, attr, v, FIELD_KEEP_ZERO);
        return;
    }
    given = codec_take (c, attr, 0);
    *set = given != NULL;
    if (given)
        codec_uint (c, attr, v, 0);
}

static gboolean
vport_has_parameters (const NetVport *port)
{
    return port->managerid_set || port->typeid_set || port->typeidversion_set || port->instanceid
        || port->profileid || port->interfaceid;
}

static void
vport_codec (Codec *c, NetVport *port)
{
    if (!codec_enter (c, "virtualport", port->type || vport_has_parameters (port)))
        return;
    codec_enum (c, "type", &port->type, &vport_names, FIELD_CONFIG);
    if (codec_enter (c, "parameters", vport_has_parameters (port))) {
        vport_uint_codec (c, "managerid", &port->managerid, &port->managerid_set);
        vport_uint_codec (c, "typeid", &port->typeid_, &port->typeid_set);
        vport_uint_codec (c, "typeidversion", &port->typeidversion, &port->typeidversion_set);
        codec_string (c, "instanceid", &port->instanceid, 0);
        codec_string (c, "interfaceid", &port->interfaceid, 0);
        codec_string (c, "profileid", &port->profileid, 0);
        codec_leave (c);
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
rate_codec (Codec *c, const char *element, NetRate *rate, gboolean inbound)
{
    if (!codec_enter (c, element, rate_set (rate)))
        return;
    codec_uint64 (c, "average", &rate->average, FIELD_CONFIG);
    codec_uint64 (c, "peak", &rate->peak, FIELD_CONFIG);
    codec_uint64 (c, "floor", &rate->floor, FIELD_CONFIG);
    codec_uint64 (c, "burst", &rate->burst, FIELD_CONFIG);
    if (codec_reading (c) && !inbound && rate->floor)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "'floor' attribute allowed only in <inbound> element");
    if (codec_reading (c) && !rate_set (rate))
        codec_fail (c, ERR_XML_DETAIL, "Missing mandatory average or floor attributes");
    codec_leave (c);
}

static void
bandwidth_codec (Codec *c, NetDef *net)
{
    if (!codec_enter (c, "bandwidth", rate_set (&net->inbound) || rate_set (&net->outbound)))
        return;
    rate_codec (c, "inbound", &net->inbound, TRUE);
    rate_codec (c, "outbound", &net->outbound, FALSE);
    codec_leave (c);
}

/* ---- names, filter, link */

static void
ifname_codec (Codec *c, NetDef *net)
{
    gboolean hidden = net->ifname && !codec_live (c) && net_ifname_generated (net->ifname);

    if (codec_enter (c, "target", net->ifname && !hidden)) {
        codec_string (c, "dev", &net->ifname, FIELD_REQUIRED);
        codec_leave (c);
    }
    if (codec_reading (c) && net->ifname && !codec_live (c) && net_ifname_generated (net->ifname))
        g_clear_pointer (&net->ifname, g_free);
}

static void
guest_codec (Codec *c, NetDef *net)
{
    gboolean actual = codec_status (c) && net->guest_actual;

    if (!codec_enter (c, "guest", net->guest_ifname || actual))
        return;
    codec_string (c, "dev", &net->guest_ifname, 0);
    if (codec_reading (c) || actual)
        codec_live_string (c, "actual", &net->guest_actual);
    codec_leave (c);
}

static void
filter_param_codec (Codec *c, void *object)
{
    NameValue *param = object;

    codec_string (c, "name", &param->name, FIELD_REQUIRED);
    codec_string (c, "value", &param->value, FIELD_REQUIRED);
}

static void
filter_codec (Codec *c, NetDef *net)
{
    if (!codec_enter (c, "filterref", net->filter != NULL))
        return;
    codec_string (c, "filter", &net->filter, FIELD_REQUIRED);
    codec_list (c, "parameter", &net->filter_params, sizeof (NameValue), filter_param_codec,
                name_value_free);
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
        codec_enum (c, "state", &net->linkstate, &link_names, FIELD_REQUIRED | FIELD_CONFIG);
        codec_leave (c);
    }
    if (codec_enter (c, "mtu", net->mtu != 0)) {
        codec_uint (c, "size", &net->mtu, FIELD_REQUIRED);
        codec_leave (c);
    }
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
    if (net->type == NET_USER || net->type == NET_ETHERNET || source_attrs[net->type])
        return TRUE;
    codec_fail (c, ERR_CONFIG_UNSUPPORTED, "interface type '%s' is not supported yet",
                string_table_name (&net_type_names, net->type));
    return FALSE;
}

void
net_codec (Codec *c, void *object)
{
    NetDef *net = object;

    if (!type_codec (c, net))
        return;
    passive_attrs_codec (c, &net->passive, "trustGuestRxFilters:y");
    codec_in_string (c, "mac", "address", &net->mac);
    source_codec (c, net);
    vlan_codec (c, net);
    vport_codec (c, &net->vport);
    bandwidth_codec (c, net);
    port_codec (c, net);
    net_addresses_codec (c, &net->ips, &net->routes);
    codec_in_string (c, "script", "path", &net->script);
    ifname_codec (c, net);
    guest_codec (c, net);
    passive_codec (c, &net->passive, "model driver backend");
    filter_codec (c, net);
    passive_codec (c, &net->passive, "tune");
    link_codec (c, net);
    passive_codec (c, &net->passive, "coalesce boot");
    device_alias_codec (c, &net->alias);
    passive_codec (c, &net->passive, "rom acpi address");
}
