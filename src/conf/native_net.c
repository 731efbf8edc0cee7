/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network devices of a native configuration: lxc.net.N.KEY, and lxc.network.KEY in which each type begins a
 * new device. The lines are kept until all are read, since what a key means depends on the type.
 */
#include <arpa/inet.h>
#include <string.h>

#include "conf/mac.h"
#include "conf/native_private.h"

#define NICS_MAX 256

static const struct {
    const char *name, *old;     /* behind lxc.net.N. and lxc.network. */
    gboolean many;              /* several lines are several of them */
    const char *reason;         /* not converted */
} nic_keys[NIC_LAST] = {
    [NIC_TYPE] = { "type", "type" },
    [NIC_LINK] = { "link", "link" },
    [NIC_FLAGS] = { "flags", "flags" },
    [NIC_HWADDR] = { "hwaddr", "hwaddr" },
    [NIC_MTU] = { "mtu", "mtu" },
    [NIC_NAME] = { "name", "name" },
    [NIC_IPV4] = { "ipv4.address", "ipv4", TRUE },
    [NIC_IPV6] = { "ipv6.address", "ipv6", TRUE },
    [NIC_GATEWAY4] = { "ipv4.gateway", "ipv4.gateway" },
    [NIC_GATEWAY6] = { "ipv6.gateway", "ipv6.gateway" },
    [NIC_PAIR] = { "veth.pair", "veth.pair" },
    [NIC_MODE] = { "veth.mode", "veth.mode" },
    [NIC_VLAN] = { "veth.vlan.id", "veth.vlan.id" },
    [NIC_TAGGED] = { "veth.vlan.tagged.id", "veth.vlan.tagged.id", TRUE },
    [NIC_ROUTE4] = { "veth.ipv4.route", "veth.ipv4.route", TRUE },
    [NIC_ROUTE6] = { "veth.ipv6.route", "veth.ipv6.route", TRUE },
    [NIC_MACVLAN] = { "macvlan.mode", "macvlan.mode" },
    [NIC_VLAN_ID] = { "vlan.id", "vlan.id" },
    [NIC_SCRIPT_UP] = { "script.up", "script.up", TRUE, "no scripts of devices: use a hook start-host" },
    [NIC_SCRIPT_DOWN] = { "script.down", "script.down", TRUE, "no scripts of devices: use a hook post-stop" },
    [NIC_L2PROXY] = { "l2proxy", "l2proxy", FALSE, "no neighbours are answered for: do it in a hook start-host" },
    [NIC_IPVLAN] = { "ipvlan.mode", "ipvlan.mode", FALSE, "of an ipvlan" },
    [NIC_ISOLATION] = { "ipvlan.isolation", "ipvlan.isolation", FALSE, "of an ipvlan" },
    [NIC_RX] = { "veth.n_rxqueues", "veth.n_rxqueues", FALSE, "the kernel's number of queues is taken" },
    [NIC_TX] = { "veth.n_txqueues", "veth.n_txqueues", FALSE, "the kernel's number of queues is taken" },
};

/* ---- collecting */

void
native_nic_free (gpointer data)
{
    NativeNic *nic = data;

    for (guint i = 0; i < NIC_LAST; i++)
        g_clear_pointer (&nic->lines[i], g_ptr_array_unref);
    g_free (nic);
}

static NativeNic *
nic_at (Native *n, const NativeLine *line, guint index, gboolean make)
{
    NativeNic *nic;

    for (guint i = 0; i < n->nics->len; i++) {
        nic = n->nics->pdata[i];
        if (nic->index == index)
            return nic;
    }
    if (!make)
        return NULL;
    if (n->nics->len >= NICS_MAX) {
        native_fail (n, line, ERR_CONFIG_UNSUPPORTED, "more than %d network devices", NICS_MAX);
        return NULL;
    }
    nic = g_new0 (NativeNic, 1);
    nic->index = index;
    g_ptr_array_add (n->nics, nic);
    return nic;
}

static void
nic_key (Native *n, const NativeLine *line, NativeNic *nic, const char *key, gboolean old)
{
    for (guint i = 0; i < NIC_LAST; i++) {
        const char *name = old ? nic_keys[i].old : nic_keys[i].name;

        if (!g_str_equal (name, key))
            continue;
        if (!nic->lines[i])
            nic->lines[i] = g_ptr_array_new ();
        if (!nic_keys[i].many || !*line->value)
            g_ptr_array_set_size (nic->lines[i], 0);
        if (*line->value)
            g_ptr_array_add (nic->lines[i], (gpointer) line);
        return;
    }
    native_note (n, line, "unknown key of a network device");
}

/* "3.link": TRUE with the number, and what follows it. */
static gboolean
cut_index (const char *rest, guint *ret_index, const char **ret_key)
{
    char *end;
    guint64 index = g_ascii_strtoull (rest, &end, 10);

    if (end == rest || !g_ascii_isdigit (*rest) || index > G_MAXINT || (*end && *end != '.'))
        return FALSE;
    *ret_index = (guint) index;
    *ret_key = *end ? end + 1 : end;
    return TRUE;
}

static void
remove_nic (Native *n, guint index)
{
    for (guint i = n->nics->len; i > 0; i--)
        if (((const NativeNic *) n->nics->pdata[i - 1])->index == index)
            g_ptr_array_remove_index (n->nics, i - 1);
}

static void
indexed_key (Native *n, const NativeLine *line, guint index, const char *key)
{
    NativeNic *nic;

    if (!*key) {
        if (!*line->value)
            remove_nic (n, index);
        return;
    }
    nic = nic_at (n, line, index, TRUE);
    if (nic)
        nic_key (n, line, nic, key, FALSE);
}

/* FALSE: the family alone, "lxc.net =", which forgets everything said so far. */
static gboolean
is_nic_key (Native *n, const NativeLine *line)
{
    if (!*line->rest)
        g_ptr_array_set_size (n->nics, 0);
    return *line->rest != '\0';
}

void
native_take_net (Native *n, const NativeLine *line)
{
    const char *key;
    guint index;

    if (!is_nic_key (n, line))
        return;
    if (cut_index (line->rest, &index, &key))
        indexed_key (n, line, index, key);
    else
        native_note (n, line, "a network device has a number: lxc.net.0.type");
}

void
native_take_network (Native *n, const NativeLine *line)
{
    NativeNic *nic = n->nics->len ? n->nics->pdata[n->nics->len - 1] : NULL;
    const char *key;
    guint index;

    if (!is_nic_key (n, line))
        return;
    if (cut_index (line->rest, &index, &key)) {
        indexed_key (n, line, index, key);
        return;
    }
    if (g_str_equal (line->rest, "type"))
        nic = nic_at (n, line, nic ? nic->index + 1 : 0, TRUE);
    if (nic)
        nic_key (n, line, nic, line->rest, TRUE);
    else if (!n->error)
        native_note (n, line, "comes before the first lxc.network.type");
}

/* ---- one device */

static const NativeLine *
nic_line (const NativeNic *nic, NicKey key)
{
    const GPtrArray *lines = nic->lines[key];

    return lines && lines->len ? lines->pdata[lines->len - 1] : NULL;
}

static const char *
nic_value (const NativeNic *nic, NicKey key)
{
    const NativeLine *line = nic_line (nic, key);

    return line ? line->value : NULL;
}

static void
note_key (Native *n, const NativeNic *nic, NicKey key, const char *reason)
{
    for (guint i = 0; nic->lines[key] && i < nic->lines[key]->len; i++)
        native_note (n, nic->lines[key]->pdata[i], "%s", reason);
}

/* A, B and C of old: what LXC takes when an address has no length. */
static int
class_prefix (const char *address)
{
    guint first = (guint) g_ascii_strtoull (address, NULL, 10);

    return first < 128 ? 8 : first < 192 ? 16 : 24;
}

/* Whether @text is the highest address of @ip's network. */
static gboolean
is_usual_broadcast (const guint8 *ip, guint64 prefix, const char *text)
{
    guint8 binary[4];
    guint32 all, address;

    if (inet_pton (AF_INET, text, binary) != 1)
        return FALSE;
    memcpy (&address, ip, sizeof address);
    memcpy (&all, binary, sizeof all);
    return ntohl (all) == (ntohl (address) | (prefix < 32 ? G_MAXUINT32 >> prefix : 0));
}

/* "10.0.3.2/24 10.0.3.255": address and length. */
static NetIp *
parse_address (Native *n, const NativeLine *line, int family)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", 2);
    g_auto (GStrv) parts = g_strsplit (words[0], "/", 2);
    guint64 prefix = family == AF_INET ? (guint64) class_prefix (parts[0]) : 64;
    guint8 binary[16];
    NetIp *ip;

    if (inet_pton (family, parts[0], binary) != 1
        || (parts[1] && !g_ascii_string_to_unsigned (parts[1], 10, 0, family == AF_INET ? 32 : 128,
                                                     &prefix, NULL))) {
        native_fail (n, line, ERR_INVALID_ARG, "Invalid CIDR address: '%s'", line->value);
        return NULL;
    }
    if (words[1] && *g_strstrip (words[1])
        && (family != AF_INET || !is_usual_broadcast (binary, prefix, words[1])))
        native_note (n, line, "'%s': the network's own broadcast address is taken", words[1]);
    ip = g_new0 (NetIp, 1);
    ip->address = g_strdup (parts[0]);
    ip->family = g_strdup (family == AF_INET ? "ipv4" : "ipv6");
    ip->prefix = (gint) prefix;
    return ip;
}

static void
add_addresses (Native *n, const NativeNic *nic, NicKey key, int family, GPtrArray *ips)
{
    for (guint i = 0; nic->lines[key] && i < nic->lines[key]->len; i++) {
        NetIp *ip = parse_address (n, nic->lines[key]->pdata[i], family);

        if (ip)
            g_ptr_array_add (ips, ip);
    }
}

static NetRoute *
new_route (int family, const char *address, const char *gateway)
{
    NetRoute *route = g_new0 (NetRoute, 1);

    route->family = g_strdup (family == AF_INET ? "ipv4" : "ipv6");
    route->address = g_strdup (address);
    route->prefix = -1;
    route->gateway = g_strdup (gateway);
    return route;
}

static void
add_gateway (Native *n, const NativeNic *nic, NicKey key, int family, GPtrArray *routes)
{
    const NativeLine *line = nic_line (nic, key);
    guint8 binary[16];

    if (!line)
        return;
    if (g_str_equal (line->value, "auto") || g_str_equal (line->value, "dev"))
        native_note (n, line, *line->value == 'a' ? "the link's address on the host is not looked up: write that"
                                                  : "a route through the device alone is not made: write an address");
    else if (inet_pton (family, line->value, binary) != 1)
        native_fail (n, line, ERR_INVALID_ARG, "'%s' is not an address", line->value);
    else
        g_ptr_array_add (routes, new_route (family, family == AF_INET ? "0.0.0.0" : "::", line->value));
}

static void
add_ips (Native *n, const NativeNic *nic, GPtrArray *ips, GPtrArray *routes)
{
    add_addresses (n, nic, NIC_IPV4, AF_INET, ips);
    add_addresses (n, nic, NIC_IPV6, AF_INET6, ips);
    add_gateway (n, nic, NIC_GATEWAY4, AF_INET, routes);
    add_gateway (n, nic, NIC_GATEWAY6, AF_INET6, routes);
}

/* Each x of a template is a random digit. */
static char *
fill_mac (const char *text)
{
    char *mac = g_strdup (text);

    for (char *p = mac; *p; p++)
        if (*p == 'x' || *p == 'X')
            *p = "0123456789abcdef"[g_random_int_range (0, 16)];
    if (strlen (text) > 1 && (text[1] == 'x' || text[1] == 'X'))
        mac[1] = "26ae"[g_random_int_range (0, 4)];     /* not multicast, locally administered */
    return mac;
}

static void
set_mac (Native *n, const NativeNic *nic, NetDef *net)
{
    const NativeLine *line = nic_line (nic, NIC_HWADDR);
    guint8 binary[6];

    if (!line)
        return;
    net->mac = fill_mac (line->value);
    if (!mac_parse (net->mac, binary))
        native_fail (n, line, ERR_INTERNAL, "'%s' is not an ethernet address", line->value);
}

static const char no_vlans[] = "kept as <vlan>, but not set up: set the bridge's port in a hook start-host";

static void
set_vlans (Native *n, const NativeNic *nic, NetDef *net)
{
    const NativeLine *untagged = nic_line (nic, NIC_VLAN);
    const GPtrArray *tagged = nic->lines[NIC_TAGGED];
    guint64 id;

    if (untagged && tagged && tagged->len) {
        note_key (n, nic, NIC_TAGGED, "a port has one untagged vlan or tagged ones");
        tagged = NULL;
    }
    if (untagged && g_str_equal (untagged->value, "none"))
        native_note (n, untagged, "a port has an untagged vlan: the bridge's default one");
    else if (untagged && native_number (n, untagged, untagged->value, 4094, &id)) {
        guint tag = (guint) id;

        g_array_append_val (net->vlan_tags, tag);
        native_note (n, untagged, "%s", no_vlans);
    }
    for (guint i = 0; tagged && i < tagged->len; i++) {
        const NativeLine *line = tagged->pdata[i];

        if (native_number (n, line, line->value, 4094, &id)) {
            guint tag = (guint) id;

            net->vlan_trunk = TRUE;
            g_array_append_val (net->vlan_tags, tag);
            native_note (n, line, "%s", no_vlans);
        }
    }
}

static void
set_host_routes (Native *n, const NativeNic *nic, NetDef *net)
{
    static const struct {
        NicKey key;
        int family;
    } rows[] = { { NIC_ROUTE4, AF_INET }, { NIC_ROUTE6, AF_INET6 } };

    for (guint r = 0; r < G_N_ELEMENTS (rows); r++) {
        const GPtrArray *lines = nic->lines[rows[r].key];

        if (net->type != NET_ETHERNET) {
            note_key (n, nic, rows[r].key, "routes of the host are for devices without a bridge");
            continue;
        }
        for (guint i = 0; lines && i < lines->len; i++) {
            NetIp *ip = parse_address (n, lines->pdata[i], rows[r].family);

            if (ip)
                native_note (n, lines->pdata[i], "a route of the host's: add it in a hook start-host");
            if (ip)
                net_ip_free (ip);
        }
    }
}

static void
set_macvlan (Native *n, const NativeNic *nic, NetDef *net)
{
    static const struct {
        const char *name;
        MacvtapMode mode;
    } modes[] = { { "private", MACVTAP_PRIVATE }, { "vepa", MACVTAP_VEPA }, { "bridge", MACVTAP_BRIDGE },
                  { "passthru", MACVTAP_PASSTHROUGH }, { "passthrough", MACVTAP_PASSTHROUGH } };
    const NativeLine *line = nic_line (nic, NIC_MACVLAN);

    net->mode = MACVTAP_PRIVATE;
    for (guint i = 0; line && i < G_N_ELEMENTS (modes); i++)
        if (g_str_equal (modes[i].name, line->value)) {
            net->mode = modes[i].mode;
            return;
        }
    if (line)
        native_fail (n, line, ERR_INTERNAL, "unknown mode '%s'", line->value);
}

/* Lists exist, as codec functions make them. */
static NetDef *
new_net (void)
{
    NetDef *net = g_new0 (NetDef, 1);

    net->host_ips = g_ptr_array_new_with_free_func (net_ip_free);
    net->host_routes = g_ptr_array_new_with_free_func (net_route_free);
    net->ips = g_ptr_array_new_with_free_func (net_ip_free);
    net->routes = g_ptr_array_new_with_free_func (net_route_free);
    net->vlan_tags = g_array_new (FALSE, FALSE, sizeof (guint));
    net->filter_params = g_ptr_array_new_with_free_func (name_value_free);
    return net;
}

static void
set_mtu (Native *n, const NativeNic *nic, NetDef *net)
{
    const NativeLine *line = nic_line (nic, NIC_MTU);
    guint64 mtu;

    if (line && native_number (n, line, line->value, 65535, &mtu))
        net->mtu = (guint) mtu;
}

static void
add_net (Native *n, const NativeNic *nic, gboolean macvlan)
{
    const char *link = nic_value (nic, NIC_LINK);
    const char *mode = nic_value (nic, NIC_MODE);
    NetDef *net;

    if (macvlan && !link) {
        native_fail (n, nic_line (nic, NIC_TYPE), ERR_INTERNAL, "a macvlan needs a link");
        return;
    }
    net = new_net ();
    g_ptr_array_add (n->def->nets, net);
    net->type = macvlan ? NET_DIRECT : link ? NET_BRIDGE : NET_ETHERNET;
    net->source = g_strdup (link);
    net->linkstate = nic_line (nic, NIC_FLAGS) ? LINK_UP : LINK_DOWN;       /* LXC does not look at the word */
    net->guest_ifname = g_strdup (nic_value (nic, NIC_NAME));
    set_mac (n, nic, net);
    set_mtu (n, nic, net);
    if (macvlan) {
        set_macvlan (n, nic, net);
        note_key (n, nic, NIC_PAIR, "of a veth");
    } else {
        net->ifname = g_strdup (nic_value (nic, NIC_PAIR));
        set_vlans (n, nic, net);
        set_host_routes (n, nic, net);
        note_key (n, nic, NIC_MACVLAN, "of a macvlan");
    }
    if (mode && !g_str_equal (mode, "bridge"))
        note_key (n, nic, NIC_MODE, "routes of the host and proxy ARP are not set: do it in a hook start-host");
    add_ips (n, nic, net->ips, net->routes);
}

/* A device of the host moves in as it is. */
static void
add_phys (Native *n, const NativeNic *nic, gboolean vlan)
{
    static const NicKey left_out[] = { NIC_HWADDR, NIC_MTU, NIC_NAME, NIC_MACVLAN, NIC_PAIR };
    const char *link = nic_value (nic, NIC_LINK), *id = nic_value (nic, NIC_VLAN_ID);
    HostdevDef *dev;

    if (!link || (vlan && !id)) {
        native_fail (n, nic_line (nic, NIC_TYPE), ERR_CONFIG_UNSUPPORTED, "needs %s",
                     link ? "a vlan.id" : "a link");
        return;
    }
    dev = g_new0 (HostdevDef, 1);
    dev->ips = g_ptr_array_new_with_free_func (net_ip_free);
    dev->routes = g_ptr_array_new_with_free_func (net_route_free);
    dev->type = HOSTDEV_NET;
    dev->interface = vlan ? g_strdup_printf ("%s.%s", link, id) : g_strdup (link);
    g_ptr_array_add (n->def->hostdevs, dev);
    if (vlan)
        native_note (n, nic_line (nic, NIC_TYPE), "make the device %s on the host first", dev->interface);
    for (guint i = 0; i < G_N_ELEMENTS (left_out); i++)
        note_key (n, nic, left_out[i], "a device of the host keeps what it has");
    add_ips (n, nic, dev->ips, dev->routes);
    if (dev->ips->len == 0 && dev->routes->len == 0)
        note_key (n, nic, NIC_FLAGS, "without an address it is down until init sets it up");
}

static void
note_all (Native *n, const NativeNic *nic, const char *reason)
{
    for (guint i = 0; i < NIC_LAST; i++)
        note_key (n, nic, (NicKey) i, reason);
}

static void
finish_nic (Native *n, const NativeNic *nic)
{
    const char *type = nic_value (nic, NIC_TYPE);

    for (guint i = 0; i < NIC_LAST; i++)
        if (nic_keys[i].reason && type && !g_str_equal (type, "ipvlan")
            && !(i == NIC_L2PROXY && g_strcmp0 (nic_value (nic, i), "0") == 0))
            note_key (n, nic, (NicKey) i, nic_keys[i].reason);
    if (!type) {
        note_all (n, nic, "of a network device without a type");
    } else if (g_str_equal (type, "veth") || g_str_equal (type, "macvlan")) {
        add_net (n, nic, *type == 'm');
    } else if (g_str_equal (type, "phys") || g_str_equal (type, "vlan")) {
        add_phys (n, nic, *type == 'v');
    } else if (g_str_equal (type, "none")) {
        n->net_host = TRUE;
    } else if (g_str_equal (type, "ipvlan")) {
        note_all (n, nic, "there is no ipvlan: a macvlan or a bridge takes its place, and until then no device");
    } else if (!g_str_equal (type, "empty")) {
        note_all (n, nic, "this type of a network device is not supported");
    }
}

static int
compare_nics (gconstpointer a, gconstpointer b)
{
    const NativeNic *one = *(const NativeNic *const *) a, *two = *(const NativeNic *const *) b;

    return one->index < two->index ? -1 : one->index > two->index;
}

/* Without any device the network namespace is an empty one of its own, unless the host's was asked for. */
void
native_finish_nets (Native *n)
{
    DomainDef *def = n->def;
    gboolean devices;

    g_ptr_array_sort (n->nics, compare_nics);
    for (guint i = 0; i < n->nics->len && !n->error; i++)
        finish_nic (n, n->nics->pdata[i]);
    devices = def->nets->len > 0 || def->hostdevs->len > 0;
    def->features.privnet = !devices && !n->net_host && !def->shares[SHARE_NET].set;
}
