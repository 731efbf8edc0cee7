/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network devices as lxc.net.N.*. */
#include <string.h>

#include "conf/native_private.h"

static void
put_nic (NativeWriter *w, guint index, const char *key, const char *value)
{
    g_autofree char *name = g_strdup_printf ("lxc.net.%u.%s", index, key);

    if (value)
        native_put_string (w, name, value);
}

static void
write_addresses (NativeWriter *w, guint index, const GPtrArray *ips, const GPtrArray *routes, const char *path)
{
    for (guint i = 0; ips && i < ips->len; i++) {
        const NetIp *ip = ips->pdata[i];
        gboolean v6 = strchr (ip->address, ':') != NULL;
        g_autofree char *text = ip->prefix >= 0 ? g_strdup_printf ("%s/%d", ip->address, ip->prefix)
                                                : g_strdup (ip->address);

        put_nic (w, index, v6 ? "ipv6.address" : "ipv4.address", text);
    }
    for (guint i = 0; routes && i < routes->len; i++) {
        const NetRoute *route = routes->pdata[i];
        gboolean v6 = strchr (route->address, ':') != NULL;

        if (route->gateway && route->prefix <= 0 && !route->netmask && !route->metric
            && (g_str_equal (route->address, "0.0.0.0") || g_str_equal (route->address, "::")))
            put_nic (w, index, v6 ? "ipv6.gateway" : "ipv4.gateway", route->gateway);
        else
            native_cannot (w, path, "LXC sets a default route only");
    }
}

static gboolean
has_addresses (const GPtrArray *ips, const GPtrArray *routes)
{
    return (ips && ips->len) || (routes && routes->len);
}

static void
write_net_details (NativeWriter *w, guint index, const NetDef *net, const char *path)
{
    g_autofree char *mtu = net->mtu ? g_strdup_printf ("%u", net->mtu) : NULL;

    /* as the planner has it: an interface of which nothing is said is up when it has an address */
    if (net->linkstate == LINK_UP || (net->linkstate == LINK_DEFAULT && has_addresses (net->ips, net->routes)))
        put_nic (w, index, "flags", "up");
    put_nic (w, index, "name", net->guest_ifname);
    put_nic (w, index, "hwaddr", net->mac);
    put_nic (w, index, "mtu", mtu);
    for (guint i = 0; net->vlan_tags && i < net->vlan_tags->len; i++) {
        g_autofree char *tag = g_strdup_printf ("%u", g_array_index (net->vlan_tags, guint, i));

        put_nic (w, index, net->vlan_trunk ? "veth.vlan.tagged.id" : "veth.vlan.id", tag);
    }
    write_addresses (w, index, net->ips, net->routes, path);
    if (net->inbound.average || net->outbound.average || net->filter || net->vport.type
        || net->isolated == YES_NO_YES)
        native_cannot (w, path, "LXC has no bandwidth, filters and ports of switches");
    if ((net->host_ips && net->host_ips->len) || (net->host_routes && net->host_routes->len))
        native_cannot (w, path, "LXC gives the host's end no addresses");
}

static void
write_net (NativeWriter *w, guint index, const NetDef *net)
{
    static const char *const modes[MACVTAP_LAST] = { "vepa", "private", "bridge", "passthru" };
    g_autofree char *path = g_strdup_printf ("/domain/devices/interface[%u]", index + 1);

    switch (net->type) {
    case NET_BRIDGE:
    case NET_ETHERNET:
        put_nic (w, index, "type", "veth");
        put_nic (w, index, "link", net->type == NET_BRIDGE ? net->source : NULL);
        put_nic (w, index, "veth.pair", net->ifname);
        break;
    case NET_DIRECT:
        put_nic (w, index, "type", "macvlan");
        put_nic (w, index, "link", net->source);
        put_nic (w, index, "macvlan.mode", string_table_name (&(StringTable) { modes, MACVTAP_LAST },
                                                               net->mode));
        break;
    case NET_NETWORK:
        native_cannot (w, path, "LXC has no networks: name the network's bridge");
        put_nic (w, index, "type", "veth");
        put_nic (w, index, "link", net->source);
        break;
    default:
        native_cannot (w, path, "LXC has no interfaces of this type");
        put_nic (w, index, "type", "empty");
        return;
    }
    write_net_details (w, index, net, path);
}

void
native_write_nets (NativeWriter *w)
{
    const DomainDef *def = w->def;
    guint index = 0;

    for (guint i = 0; i < def->nets->len; i++)
        write_net (w, index++, def->nets->pdata[i]);
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const HostdevDef *dev = def->hostdevs->pdata[i];
        g_autofree char *path = g_strdup_printf ("/domain/devices/hostdev[%u]", i + 1);

        if (dev->type != HOSTDEV_NET)
            continue;
        put_nic (w, index, "type", "phys");
        put_nic (w, index, "link", dev->interface);
        put_nic (w, index, "flags", has_addresses (dev->ips, dev->routes) ? "up" : NULL);
        write_addresses (w, index++, dev->ips, dev->routes, path);
    }
    if (index == 0 && !def->shares[SHARE_NET].set)
        put_nic (w, 0, "type", def->features.privnet ? "empty" : "none");
}
