/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network devices that move into the container, with the addresses and routes they get there. */
#include "driver/planner.h"

static plan_address *
link_addresses (const GPtrArray *ips, u_int *ret_n)
{
    plan_address *addresses = g_new0 (plan_address, ips->len);

    for (guint i = 0; i < ips->len; i++) {
        const NetIp *ip = ips->pdata[i];

        addresses[i].address = g_strdup (ip->address);
        addresses[i].peer = g_strdup (ip->peer ? ip->peer : "");
        addresses[i].prefix = net_ip_prefix (ip);
    }
    *ret_n = ips->len;
    return addresses;
}

static plan_route *
link_routes (const GPtrArray *routes, u_int *ret_n)
{
    plan_route *result = g_new0 (plan_route, routes->len);

    for (guint i = 0; i < routes->len; i++) {
        const NetRoute *route = routes->pdata[i];

        result[i].destination = g_strdup (route->address ? route->address : "");
        result[i].gateway = g_strdup (route->gateway ? route->gateway : "");
        result[i].metric = route->metric;
        result[i].prefix = net_route_prefix (route);
    }
    *ret_n = routes->len;
    return result;
}

void
planner_links (Planner *p)
{
    for (guint i = 0; i < p->facts->links->len; i++) {
        const PlanLink *fact = p->facts->links->pdata[i];
        const GPtrArray *ips = fact->net ? fact->net->ips : fact->hostdev->ips;
        const GPtrArray *routes = fact->net ? fact->net->routes : fact->hostdev->routes;
        plan_link link = {
            .host_name = g_strdup (fact->host_name), .ifindex = fact->ifindex,
            .guest_name = g_strdup (fact->guest_name),
        };

        /* libvirt's rule: up when it was given something to talk with, or is said to be up */
        link.up = ips->len > 0 || routes->len > 0
                  || (fact->net && fact->net->linkstate == LINK_UP);
        link.addresses.addresses_val = link_addresses (ips, &link.addresses.addresses_len);
        link.routes.routes_val = link_routes (routes, &link.routes.routes_len);
        g_array_append_val (p->links, link);
    }
}
