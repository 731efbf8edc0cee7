/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and routes of network devices: read, judged and made canonical, in libvirt's words. */
#include "conf/domain_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "conf/ipaddr.h"
#include "conf/mac.h"
#include "conf/number.h"

static void
replace (char **text, char *with)
{
    g_free (*text);
    *text = with;
}

guint
net_ip_prefix (const NetIp *ip)
{
    if (ip->prefix >= 0)
        return (guint) ip->prefix;
    return strchr (ip->address, ':') ? 64 : 24;
}

/* "255.255.255.0" -> 24; what is no mask was refused when it was read. */
static guint
mask_prefix (const char *mask)
{
    guint prefix = 0, part[4];

    if (sscanf (mask, "%u.%u.%u.%u", &part[0], &part[1], &part[2], &part[3]) != 4)
        return 0;
    for (guint i = 0; i < 4; i++)
        prefix += (guint) __builtin_popcount (part[i] & 0xff);
    return prefix;
}

guint
net_route_prefix (const NetRoute *route)
{
    const char *address = route->address;

    if (route->prefix >= 0)
        return (guint) route->prefix;
    if (route->netmask)
        return mask_prefix (route->netmask);
    if (!address || !*address || g_str_equal (address, "0.0.0.0") || g_str_equal (address, "::"))
        return 0;
    return strchr (address, ':') ? 64 : 24;
}

gboolean
net_mac_settle (NetDef *net, GError **error)
{
    guint8 mac[6];

    if (!mac_parse (net->mac, mac))
        return error_set (error, ERR_XML, "unable to parse mac address '%s'", net->mac);
    if (mac[0] & 1)
        return error_set (error, ERR_XML, "expected unicast mac address, found multicast '%s'", net->mac);
    replace (&net->mac, mac_format (mac));
    return TRUE;
}

gboolean
net_ip_settle (NetIp *ip, GError **error)
{
    int family = AF_UNSPEC;
    IpAddress address, peer;

    if (!ip->address)
        return error_set (error, ERR_XML, "Missing required address in <ip>");
    if (!g_strcmp0 (ip->family, "ipv4"))
        family = AF_INET;
    else if (!g_strcmp0 (ip->family, "ipv6"))
        family = AF_INET6;
    if (!ip_address_parse (ip->address, family, &address))
        return error_set (error, ERR_XML, "Invalid address '%s' in <ip>", ip->address);
    if (ip->prefix > (int) ip_address_bits (&address))
        return error_set (error, ERR_XML, "Invalid prefix value '%d' in <ip>", ip->prefix);
    if (ip->peer && !ip_address_parse (ip->peer, address.family, &peer))
        return error_set (error, ERR_INVALID_ARG, "Invalid peer '%s' in <ip>", ip->peer);
    if (ip->prefix == 0)        /* as if it were not given */
        ip->prefix = -1;
    replace (&ip->address, ip_address_format (&address));
    replace (&ip->family, g_strdup (address.family == AF_INET6 ? "ipv6" : "ipv4"));
    if (ip->peer)
        replace (&ip->peer, ip_address_format (&peer));
    return TRUE;
}

typedef struct {
    const char *of;             /* "guest interface" */
    IpAddress address, gateway, netmask;
} RouteParts;

static gboolean
parse_parts (const NetRoute *route, RouteParts *parts, GError **error)
{
    if (!route->address)
        return error_set (error, ERR_XML, "%s: Missing required address attribute in route definition",
                          parts->of);
    if (!route->gateway)
        return error_set (error, ERR_XML, "%s: Missing required gateway attribute in route definition",
                          parts->of);
    if (!ip_address_parse (route->address, AF_UNSPEC, &parts->address))
        return error_set (error, ERR_XML, "%s: Bad network address '%s' in route definition", parts->of,
                          route->address);
    if (route->netmask && !ip_address_parse (route->netmask, AF_UNSPEC, &parts->netmask))
        return error_set (error, ERR_XML, "%s: Bad netmask address '%s' in route definition", parts->of,
                          route->netmask);
    if (!ip_address_parse (route->gateway, AF_UNSPEC, &parts->gateway))
        return error_set (error, ERR_XML, "%s: Bad gateway address '%s' in route definition", parts->of,
                          route->gateway);
    return TRUE;
}

static gboolean
check_ipv4 (const NetRoute *route, const RouteParts *parts, GError **error)
{
    const char *which = route->family ? "IPv4" : "No";

    if (parts->address.family != AF_INET)
        return error_set (error, ERR_XML,
                          "%s: %s family specified for non-IPv4 address '%s' in route definition",
                          parts->of, which, route->address);
    if (parts->gateway.family != AF_INET)
        return error_set (error, ERR_XML,
                          "%s: %s family specified for non-IPv4 gateway '%s' in route definition",
                          parts->of, which, route->address);
    if (route->netmask && parts->netmask.family != AF_INET)
        return error_set (error, ERR_XML, "%s: Invalid netmask '%s' for address '%s' (both must be IPv4)",
                          parts->of, route->netmask, route->address);
    return TRUE;
}

static gboolean
check_ipv6 (const NetRoute *route, const RouteParts *parts, GError **error)
{
    if (parts->address.family != AF_INET6)
        return error_set (error, ERR_XML,
                          "%s: ipv6 family specified for non-IPv6 address '%s' in route definition",
                          parts->of, route->address);
    if (route->netmask)
        return error_set (error, ERR_XML,
                          "%s: Specifying netmask invalid for IPv6 address '%s' in route definition",
                          parts->of, route->address);
    if (parts->gateway.family != AF_INET6)
        return error_set (error, ERR_XML,
                          "%s: ipv6 specified for non-IPv6 gateway address '%s' in route definition",
                          parts->of, route->gateway);
    return TRUE;
}

static gboolean
check_network (const NetRoute *route, const RouteParts *parts, GError **error)
{
    guint bits = ip_address_bits (&parts->address);
    gboolean network;

    if (route->prefix > (int) bits)
        return error_set (error, ERR_XML,
                          "%s: Invalid prefix %d specified in route definition, must be 0 - %u",
                          parts->of, route->prefix, bits);
    if (route->prefix >= 0)
        network = ip_address_is_network (&parts->address, (guint) route->prefix);
    else if (route->netmask)
        network = ip_address_is_masked (&parts->address, &parts->netmask);
    else
        network = ip_address_is_network (&parts->address, 0);       /* only the default route */
    if (!network)
        return error_set (error, ERR_XML, "%s: Address '%s' in route definition is not a network address",
                          parts->of, route->address);
    return TRUE;
}

gboolean
net_route_settle (NetRoute *route, const char *of, GError **error)
{
    RouteParts parts = { .of = of };

    if (!parse_parts (route, &parts, error))
        return FALSE;
    if (!route->family || g_str_equal (route->family, "ipv4")) {
        if (!check_ipv4 (route, &parts, error))
            return FALSE;
    } else if (g_str_equal (route->family, "ipv6")) {
        if (!check_ipv6 (route, &parts, error))
            return FALSE;
    } else {
        return error_set (error, ERR_XML, "%s: Unrecognized family '%s' in route definition", of,
                          route->family);
    }
    if (route->netmask && route->prefix >= 0)
        return error_set (error, ERR_XML, "%s: Route definition cannot have both a prefix and a netmask",
                          of);
    if (!check_network (route, &parts, error))
        return FALSE;
    replace (&route->address, ip_address_format (&parts.address));
    replace (&route->gateway, ip_address_format (&parts.gateway));
    if (route->netmask)
        replace (&route->netmask, ip_address_format (&parts.netmask));
    return TRUE;
}

/* ---- codec */

static void
fail_with (Codec *c, const GError *error)
{
    codec_fail (c, (ErrorCode) error->code, "%s", error->message);
}

static void
ip_prefix_codec (Codec *c, NetIp *ip)
{
    g_autofree char *text = NULL;
    guint64 prefix;

    if (!codec_reading (c)) {
        codec_int (c, "prefix", &ip->prefix, -1);
        return;
    }
    ip->prefix = -1;
    text = codec_take (c, "prefix", 0);
    if (text && number_parse_unsigned (text, 10, G_MAXINT, &prefix))
        ip->prefix = (int) prefix;
    else if (text)
        codec_fail (c, ERR_XML, "Invalid prefix value '%s' in <ip>", text);
}

static void
ip_codec (Codec *c, void *object)
{
    g_autoptr (GError) error = NULL;
    NetIp *ip = object;

    codec_string (c, "address", &ip->address, 0);
    codec_string (c, "family", &ip->family, 0);
    ip_prefix_codec (c, ip);
    codec_string (c, "peer", &ip->peer, 0);
    if (codec_reading (c) && !codec_failed (c) && !net_ip_settle (ip, &error))
        fail_with (c, error);
}

/* Whose the routes are, in words: the element that they stand in tells. */
static const char *
routes_of (const Codec *c)
{
    if (codec_within (c, "hostdev"))
        return "Domain hostdev device";
    return codec_within (c, "source") ? "interface host IP" : "guest interface";
}

static void
route_codec (Codec *c, void *object)
{
    g_autoptr (GError) error = NULL;
    NetRoute *route = object;

    codec_string (c, "family", &route->family, 0);
    codec_string (c, "address", &route->address, 0);
    codec_string (c, "netmask", &route->netmask, 0);
    codec_int (c, "prefix", &route->prefix, -1);
    codec_string (c, "gateway", &route->gateway, 0);
    codec_uint (c, "metric", &route->metric, FIELD_POSITIVE);
    if (codec_reading (c) && !codec_failed (c) && !net_route_settle (route, routes_of (c), &error))
        fail_with (c, error);
}

void
net_addresses_codec (Codec *c, GPtrArray **ips, GPtrArray **routes)
{
    codec_list (c, "ip", ips, sizeof (NetIp), ip_codec, net_ip_free);
    codec_list (c, "route", routes, sizeof (NetRoute), route_codec, net_route_free);
}
