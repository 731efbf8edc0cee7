/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/rtnl.h"
#include "util/error.h"
#include "util/fd.h"

#define NAME_TRIES 100000   /* of taken names vnetN: others make them too, and after a restart we count from 0 */

/* ---- questions */

int
link_index (const char *name)
{
    return (int) if_nametoindex (name);
}

static int
interface_ioctl (const char *name, unsigned long request, struct ifreq *ifr)
{
    autofd int sock = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memset (ifr, 0, sizeof *ifr);
    if (sock < 0)
        return -errno;
    if (strlen (name) >= sizeof ifr->ifr_name)
        return -ENODEV;     /* no device can have such a name */
    strcpy (ifr->ifr_name, name);
    return ioctl (sock, request, ifr) < 0 ? -errno : 0;
}

gboolean
link_get_mtu (const char *name, guint *ret_mtu, GError **error)
{
    struct ifreq ifr;
    int r = interface_ioctl (name, SIOCGIFMTU, &ifr);

    if (r < 0)
        return error_set_errno (error, -r, "Cannot get interface MTU on '%s'", name);
    *ret_mtu = (guint) ifr.ifr_mtu;
    return TRUE;
}

gboolean
link_get_mac (const char *name, guint8 ret_mac[6], GError **error)
{
    struct ifreq ifr;
    int r = interface_ioctl (name, SIOCGIFHWADDR, &ifr);

    if (r < 0)
        return error_set_errno (error, -r, "Cannot get interface MAC on '%s'", name);
    memcpy (ret_mac, ifr.ifr_hwaddr.sa_data, 6);
    return TRUE;
}

gboolean
link_check (const char *name, GError **error)
{
    struct ifreq ifr;
    int r = interface_ioctl (name, SIOCGIFFLAGS, &ifr);

    return r == 0 || error_set_errno (error, -r, "Cannot get interface flags on '%s'", name);
}

static gboolean
in_sysfs (const char *name, const char *file)
{
    g_autofree char *path = g_strdup_printf ("/sys/class/net/%s/%s", name, file);

    return !strchr (name, '/') && access (path, F_OK) == 0;
}

gboolean
link_is_bridge (const char *name)
{
    return in_sysfs (name, "bridge");
}

gboolean
link_stats (const char *name, LinkStats *ret, GError **error)
{
    static const struct {
        const char *file;
        gsize offset;
    } counters[] = {
        { "rx_bytes", G_STRUCT_OFFSET (LinkStats, rx_bytes) },
        { "rx_packets", G_STRUCT_OFFSET (LinkStats, rx_packets) },
        { "rx_errors", G_STRUCT_OFFSET (LinkStats, rx_errs) },
        { "rx_dropped", G_STRUCT_OFFSET (LinkStats, rx_drop) },
        { "tx_bytes", G_STRUCT_OFFSET (LinkStats, tx_bytes) },
        { "tx_packets", G_STRUCT_OFFSET (LinkStats, tx_packets) },
        { "tx_errors", G_STRUCT_OFFSET (LinkStats, tx_errs) },
        { "tx_dropped", G_STRUCT_OFFSET (LinkStats, tx_drop) },
    };

    if (strchr (name, '/') || !link_check (name, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS (counters); i++) {
        g_autofree char *path = g_strdup_printf ("/sys/class/net/%s/statistics/%s", name, counters[i].file);
        autofd int fd = open (path, O_RDONLY | O_CLOEXEC);
        char text[32] = "";

        if (fd < 0 || fd_read_all (fd, text, sizeof text - 1) < 0)
            return error_set_errno (error, errno, "Could not read '%s'", path);
        G_STRUCT_MEMBER (guint64, ret, counters[i].offset) = g_ascii_strtoull (text, NULL, 10);
    }
    return TRUE;
}

/* ---- making */

static gboolean
check_name (const char *name, GError **error)
{
    gsize length = strlen (name);

    /* '%' would make the kernel choose a number; ':' and '/' it refuses itself */
    if (length == 0 || length >= IF_NAMESIZE || strchr (name, '%') || strchr (name, '/')
        || strchr (name, ' '))
        return error_set (error, ERR_INVALID_ARG, "invalid interface name '%s'", name);
    return TRUE;
}

/* The request of link_add_veth(): both ends, their MTU, the guest's MAC, the host end's bridge and
 * state, all or nothing. */
static void
veth_request (RtnlRequest *request, const LinkVeth *args, const LinkPair *pair, guint mtu, int bridge)
{
    struct ifinfomsg host = { .ifi_family = AF_UNSPEC }, guest = { .ifi_family = AF_UNSPEC };
    gsize info, data, peer;

    if (!args->down) {
        host.ifi_flags = IFF_UP;
        host.ifi_change = IFF_UP;
    }
    rtnl_start (request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &host, sizeof host);
    rtnl_add_string (request, IFLA_IFNAME, pair->host);
    if (mtu)
        rtnl_add_u32 (request, IFLA_MTU, mtu);
    if (bridge)
        rtnl_add_u32 (request, IFLA_MASTER, (guint32) bridge);
    info = rtnl_open (request, IFLA_LINKINFO);
    rtnl_add_string (request, IFLA_INFO_KIND, "veth");
    data = rtnl_open (request, IFLA_INFO_DATA);
    peer = rtnl_open (request, VETH_INFO_PEER);
    rtnl_append (request, &guest, sizeof guest);
    rtnl_add_string (request, IFLA_IFNAME, pair->guest);
    if (mtu)
        rtnl_add_u32 (request, IFLA_MTU, mtu);
    if (args->mac)
        rtnl_add (request, IFLA_ADDRESS, args->mac, 6);
    rtnl_close (request, peer);
    rtnl_close (request, data);
    rtnl_close (request, info);
}

/* Numbers only rise, so that a name does not soon mean another container's device; what others hold
 * is skipped when the kernel says so, hence no race. */
static guint
next_number (void)
{
    static gint counter;

    return (guint) g_atomic_int_add (&counter, 1);
}

static int
create_veth (const LinkVeth *args, LinkPair *pair, guint mtu, int bridge)
{
    RtnlRequest request;
    int r = -EEXIST;

    for (guint i = 0; i < NAME_TRIES && r == -EEXIST; i++) {
        guint number = next_number ();

        if (args->name)
            g_strlcpy (pair->host, args->name, sizeof pair->host);
        else
            g_snprintf (pair->host, sizeof pair->host, "vnet%u", number);
        g_snprintf (pair->guest, sizeof pair->guest, "vnet%ug", number);
        veth_request (&request, args, pair, mtu, bridge);
        r = rtnl_run (&request);
        if (r == -EEXIST && args->name && link_index (args->name))
            break;
    }
    return r;
}

static gboolean
set_isolated (const char *name, int index, GError **error)
{
    struct ifinfomsg info = { .ifi_family = AF_BRIDGE, .ifi_index = index };
    guint8 on = 1;
    RtnlRequest request;
    gsize nest;
    int r;

    rtnl_start (&request, RTM_SETLINK, 0, &info, sizeof info);
    nest = rtnl_open (&request, IFLA_PROTINFO | NLA_F_NESTED);
    rtnl_add (&request, IFLA_BRPORT_ISOLATED, &on, sizeof on);
    rtnl_close (&request, nest);
    r = rtnl_run (&request);
    return r == 0 || error_set_errno (error, -r, "Unable to set bridge port '%s' isolated", name);
}

gboolean
link_add_veth (const LinkVeth *args, LinkPair *ret, GError **error)
{
    guint mtu = args->mtu, bridge_mtu;
    LinkPair pair = { 0 };
    int bridge = 0, r;

    if (args->name && !check_name (args->name, error))
        return FALSE;
    if (args->bridge) {
        if (!link_get_mtu (args->bridge, &bridge_mtu, error))
            return FALSE;
        bridge = link_index (args->bridge);
        if (!link_is_bridge (args->bridge))
            return error_set_errno (error, EOPNOTSUPP, "Unable to add bridge %s port %s", args->bridge,
                                    args->name ? args->name : "vnet");
        mtu = mtu ? mtu : bridge_mtu;
    }
    r = create_veth (args, &pair, mtu, bridge);
    if (r < 0)
        return error_set_errno (error, -r, "unable to create veth pair '%s'", pair.host);
    pair.host_index = link_index (pair.host);
    pair.guest_index = link_index (pair.guest);
    if (!pair.host_index || !pair.guest_index) {
        link_delete (pair.host, NULL);
        return error_set_errno (error, ENODEV, "unable to create veth pair '%s'", pair.host);
    }
    if (args->isolated && bridge && !set_isolated (pair.host, pair.host_index, error)) {
        link_delete (pair.host, NULL);
        return FALSE;
    }
    *ret = pair;
    return TRUE;
}

static int
create_macvlan (int parent, const char *wanted, guint32 mode, const guint8 *mac, guint mtu,
                char name[IF_NAMESIZE])
{
    struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
    int r = -EEXIST;

    for (guint i = 0; i < NAME_TRIES && r == -EEXIST; i++) {
        RtnlRequest request;
        gsize info, data;

        if (wanted)
            g_strlcpy (name, wanted, IF_NAMESIZE);
        else
            g_snprintf (name, IF_NAMESIZE, "macvlan%u", next_number ());
        rtnl_start (&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
        rtnl_add_string (&request, IFLA_IFNAME, name);
        rtnl_add_u32 (&request, IFLA_LINK, (guint32) parent);
        if (mac)
            rtnl_add (&request, IFLA_ADDRESS, mac, 6);
        if (mtu)
            rtnl_add_u32 (&request, IFLA_MTU, mtu);
        info = rtnl_open (&request, IFLA_LINKINFO);
        rtnl_add_string (&request, IFLA_INFO_KIND, "macvlan");
        data = rtnl_open (&request, IFLA_INFO_DATA);
        rtnl_add_u32 (&request, IFLA_MACVLAN_MODE, mode);
        rtnl_close (&request, data);
        rtnl_close (&request, info);
        r = rtnl_run (&request);
        if (wanted)
            break;
    }
    return r;
}

gboolean
link_add_macvlan (const char *parent, const char *name, LinkMacvlanMode mode, const guint8 *mac,
                  guint mtu, LinkPair *ret, GError **error)
{
    static const guint32 modes[] = {
        [LINK_MACVLAN_VEPA] = MACVLAN_MODE_VEPA, [LINK_MACVLAN_PRIVATE] = MACVLAN_MODE_PRIVATE,
        [LINK_MACVLAN_BRIDGE] = MACVLAN_MODE_BRIDGE, [LINK_MACVLAN_PASSTHROUGH] = MACVLAN_MODE_PASSTHRU,
    };
    int index = link_index (parent), r;
    LinkPair pair = { 0 };

    if (index == 0)
        return error_set_errno (error, ENODEV, "Unable to get index for interface %s", parent);
    r = create_macvlan (index, name, modes[mode], mac, mtu, pair.guest);
    if (r < 0)
        return error_set_errno (error, -r, "error creating macvlan interface %s@%s", pair.guest, parent);
    pair.guest_index = link_index (pair.guest);
    *ret = pair;
    return TRUE;
}

gboolean
link_delete (const char *name, GError **error)
{
    struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
    RtnlRequest request;
    int r;

    if (strlen (name) >= IF_NAMESIZE)
        return TRUE;
    rtnl_start (&request, RTM_DELLINK, 0, &body, sizeof body);
    rtnl_add_string (&request, IFLA_IFNAME, name);
    r = rtnl_run (&request);
    if (r == 0 || r == -ENODEV)
        return TRUE;
    return error_set_errno (error, -r, "error destroying network device %s", name);
}

/* ---- state */

gboolean
link_set_up (const char *name, gboolean up, GError **error)
{
    struct ifinfomsg body = {
        .ifi_family = AF_UNSPEC, .ifi_index = link_index (name),
        .ifi_flags = up ? IFF_UP : 0, .ifi_change = IFF_UP,
    };
    RtnlRequest request;
    int r = -ENODEV;

    if (body.ifi_index) {
        rtnl_start (&request, RTM_NEWLINK, 0, &body, sizeof body);
        r = rtnl_run (&request);
    }
    return r == 0 || error_set_errno (error, -r, "Cannot set interface flags on '%s'", name);
}

gboolean
link_set_bridge (const char *name, const char *bridge, GError **error)
{
    struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = link_index (name) };
    int master = link_index (bridge), r = -ENODEV;
    RtnlRequest request;

    if (master && !link_is_bridge (bridge))
        return error_set_errno (error, EOPNOTSUPP, "Unable to add bridge %s port %s", bridge, name);
    if (body.ifi_index && master) {
        rtnl_start (&request, RTM_SETLINK, 0, &body, sizeof body);
        rtnl_add_u32 (&request, IFLA_MASTER, (guint32) master);
        r = rtnl_run (&request);
    }
    return r == 0 || error_set_errno (error, -r, "Unable to add bridge %s port %s", bridge, name);
}

typedef struct {
    guint8 bytes[16];
    gsize size;
    guint8 family;
} Address;

static gboolean
address_parse (const char *text, Address *ret, GError **error)
{
    if (inet_pton (AF_INET, text, ret->bytes) == 1) {
        ret->family = AF_INET;
        ret->size = 4;
    } else if (inet_pton (AF_INET6, text, ret->bytes) == 1) {
        ret->family = AF_INET6;
        ret->size = 16;
    } else {
        return error_set (error, ERR_INVALID_ARG, "Cannot parse socket address '%s'", text);
    }
    return TRUE;
}

gboolean
link_add_address (const char *name, const char *address, guint prefix, const char *peer, GError **error)
{
    Address own, other;
    struct ifaddrmsg body = { .ifa_prefixlen = (guint8) prefix };
    RtnlRequest request;
    int r;

    if (!address_parse (address, &own, error))
        return FALSE;
    other = own;
    if (peer && *peer && !address_parse (peer, &other, error))
        return FALSE;
    body.ifa_family = own.family;
    body.ifa_index = (guint32) link_index (name);
    if (body.ifa_index == 0)
        return error_set_errno (error, ENODEV, "Failed to add IP address to '%s'", name);
    rtnl_start (&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    rtnl_add (&request, IFA_LOCAL, own.bytes, own.size);
    rtnl_add (&request, IFA_ADDRESS, other.bytes, other.size);
    if (own.family == AF_INET && !(peer && *peer) && prefix < 31) {
        guint32 local, broadcast;

        memcpy (&local, own.bytes, sizeof local);
        broadcast = local | htonl (prefix ? G_MAXUINT32 >> prefix : G_MAXUINT32);
        rtnl_add (&request, IFA_BROADCAST, &broadcast, sizeof broadcast);
    }
    r = rtnl_run (&request);
    if (r == 0 || r == -EEXIST)
        return TRUE;
    return error_set_errno (error, -r, "Failed to add IP address %s/%u to '%s'", address, prefix, name);
}

gboolean
link_add_route (const char *name, const char *destination, guint prefix, const char *gateway, guint metric,
                GError **error)
{
    gboolean any = !destination || !*destination, via = gateway && *gateway;
    struct rtmsg body = {
        .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST,
        .rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
        .rtm_dst_len = (guint8) (any ? 0 : prefix),
    };
    Address to = { .family = AF_INET }, over = { .family = AF_INET };
    RtnlRequest request;
    int index = link_index (name), r;

    if (index == 0)
        return error_set_errno (error, ENODEV, "Failed to add route to '%s'", name);
    if ((!any && !address_parse (destination, &to, error)) || (via && !address_parse (gateway, &over, error)))
        return FALSE;
    body.rtm_family = any ? over.family : to.family;
    rtnl_start (&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    if (!any)
        rtnl_add (&request, RTA_DST, to.bytes, to.size);
    if (via)
        rtnl_add (&request, RTA_GATEWAY, over.bytes, over.size);
    rtnl_add_u32 (&request, RTA_OIF, (guint32) index);
    if (metric)
        rtnl_add_u32 (&request, RTA_PRIORITY, metric);
    r = rtnl_run (&request);
    if (r == 0 || r == -EEXIST)
        return TRUE;
    return error_set_errno (error, -r, "Failed to add route %s/%u via %s to '%s'", any ? "default" : destination,
                            prefix, via ? gateway : "link", name);
}
