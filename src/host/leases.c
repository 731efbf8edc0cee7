/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/leases.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host/node.h"
#include "host/rtnl.h"
#include "util/error.h"
#include "util/fd.h"

#define FILES_MAX 256
#define LEASES_MAX 65536

static void
lease_free (gpointer data)
{
    HostLease *lease = data;

    g_free (lease->hostname);
    g_free (lease);
}

/* NULL unless @mac and @address are what they should be. */
static HostLease *
lease_new (const char *mac, const char *address, const char *hostname)
{
    guint8 bytes[16];
    guint m[6];
    HostLease *lease;
    gboolean ipv6 = strchr (address, ':') != NULL;

    if (sscanf (mac, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6
        || inet_pton (ipv6 ? AF_INET6 : AF_INET, address, bytes) != 1)
        return NULL;
    lease = g_new0 (HostLease, 1);
    g_snprintf (lease->mac, sizeof lease->mac, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
                m[5]);
    g_strlcpy (lease->address, address, sizeof lease->address);
    lease->ipv6 = ipv6;
    if (hostname && *hostname && strcmp (hostname, "*") != 0)
        lease->hostname = g_strdup (hostname);
    return lease;
}

/* ---- prefixes */

/* The bits that the masks of @own have where the address is in its network; -1: it is not. */
static int
prefix_within (const struct ifaddrs *own, int family, const guint8 *address)
{
    gsize at = family == AF_INET ? G_STRUCT_OFFSET (struct sockaddr_in, sin_addr)
                                 : G_STRUCT_OFFSET (struct sockaddr_in6, sin6_addr);
    const guint8 *mine, *mask;
    int prefix = 0;

    if (!own->ifa_addr || !own->ifa_netmask || own->ifa_addr->sa_family != family)
        return -1;
    mine = (const guint8 *) own->ifa_addr + at;
    mask = (const guint8 *) own->ifa_netmask + at;
    for (guint i = 0; i < (family == AF_INET ? 4 : 16); i++) {
        if ((mine[i] ^ address[i]) & mask[i])
            return -1;
        prefix += __builtin_popcount (mask[i]);
    }
    return prefix;
}

static void
set_prefixes (GPtrArray *leases)
{
    struct ifaddrs *all = NULL;

    if (leases->len == 0 || getifaddrs (&all) < 0)
        return;
    for (guint i = 0; i < leases->len; i++) {
        HostLease *lease = leases->pdata[i];
        int family = lease->ipv6 ? AF_INET6 : AF_INET, best = 0;
        guint8 bytes[16];

        inet_pton (family, lease->address, bytes);
        for (const struct ifaddrs *own = all; own; own = own->ifa_next)
            best = MAX (best, prefix_within (own, family, bytes));
        lease->prefix = (guint) best;
    }
    freeifaddrs (all);
}

/* ---- dnsmasq's own file: "EXPIRY MAC ADDRESS HOSTNAME CLIENT-ID", and libvirt's: JSON objects */

static void
read_lines (const char *text, gint64 now, GPtrArray *leases)
{
    for (const char *line = text; line && leases->len < LEASES_MAX;
         line = strchr (line, '\n'), line = line ? line + 1 : NULL) {
        char mac[24], address[48], hostname[256];
        gint64 expiry;
        HostLease *lease = NULL;

        if (sscanf (line, "%" G_GINT64_FORMAT " %23s %47s %255s", &expiry, mac, address, hostname) == 4
            && (expiry == 0 || expiry > now))
            lease = lease_new (mac, address, hostname);
        if (lease)
            g_ptr_array_add (leases, lease);
    }
}

/* The text of a member "NAME": "text" or "NAME": number between @from and @to. */
static char *
member (const char *from, const char *to, const char *name)
{
    g_autofree char *quoted = g_strdup_printf ("\"%s\"", name);
    const char *at = g_strstr_len (from, to - from, quoted), *end;

    if (!at)
        return NULL;
    at += strlen (quoted);
    at += strspn (at, " \t:");
    if (*at == '"') {
        at++;
        end = at + strcspn (at, "\"\n");
    } else {
        end = at + strspn (at, "0123456789");
    }
    return end <= to ? g_strndup (at, (gsize) (end - at)) : NULL;
}

static void
read_objects (const char *text, gint64 now, GPtrArray *leases)
{
    const char *open, *close;

    for (open = strchr (text, '{'); open && leases->len < LEASES_MAX; open = strchr (close, '{')) {
        g_autofree char *mac = NULL, *address = NULL, *hostname = NULL, *expiry = NULL;
        HostLease *lease = NULL;

        close = open + strcspn (open, "}");
        mac = member (open, close, "mac-address");
        address = member (open, close, "ip-address");
        hostname = member (open, close, "hostname");
        expiry = member (open, close, "expiry-time");
        if (mac && address
            && (!expiry || strcmp (expiry, "0") == 0 || g_ascii_strtoll (expiry, NULL, 10) > now))
            lease = lease_new (mac, address, hostname);
        if (lease)
            g_ptr_array_add (leases, lease);
    }
}

static void
read_directory (const char *path, const char *prefix, GPtrArray *leases)
{
    g_autofree char *full = g_strconcat (node_root, path, NULL);
    g_autoptr (GDir) dir = g_dir_open (full, 0, NULL);
    gint64 now = (gint64) time (NULL);
    const char *name;

    for (guint n = 0; dir && n < FILES_MAX && (name = g_dir_read_name (dir)); n++) {
        g_autofree char *text = NULL;
        gboolean objects = g_str_has_suffix (name, ".status");

        if (!g_str_has_prefix (name, prefix) || !(objects || g_str_has_suffix (name, ".leases")))
            continue;
        text = node_read ("%s/%s", path, name);
        if (text && objects)
            read_objects (text, now, leases);
        else if (text)
            read_lines (text, now, leases);
    }
}

GPtrArray *
leases_read (void)
{
    GPtrArray *leases = g_ptr_array_new_with_free_func (lease_free);

    read_directory ("/var/lib/libvirt/dnsmasq", "", leases);
    read_directory ("/var/lib/misc", "dnsmasq", leases);
    set_prefixes (leases);
    return leases;
}

/* ---- neighbours */

static void
neighbour_add (const struct nlmsghdr *message, GPtrArray *neighbours)
{
    const struct ndmsg *body = NLMSG_DATA (message);
    int left = (int) NLMSG_PAYLOAD (message, sizeof *body);
    const guint8 *mac = NULL, *address = NULL;
    char mac_text[18], text[INET6_ADDRSTRLEN];
    HostLease *lease;

    if (left < 0 || (body->ndm_family != AF_INET && body->ndm_family != AF_INET6)
        || (body->ndm_state & (NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP)))
        return;
    for (const struct rtattr *a = (const void *) ((const char *) body + NLMSG_ALIGN (sizeof *body));
         RTA_OK (a, left); a = RTA_NEXT (a, left)) {
        if (a->rta_type == NDA_LLADDR && RTA_PAYLOAD (a) == 6)
            mac = RTA_DATA (a);
        else if (a->rta_type == NDA_DST && RTA_PAYLOAD (a) == (body->ndm_family == AF_INET ? 4u : 16u))
            address = RTA_DATA (a);
    }
    if (!mac || !address || neighbours->len >= LEASES_MAX)
        return;
    g_snprintf (mac_text, sizeof mac_text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5]);
    inet_ntop (body->ndm_family, address, text, sizeof text);
    lease = lease_new (mac_text, text, NULL);
    if (lease)
        g_ptr_array_add (neighbours, lease);
}

/* 1: go on reading, 0: the end, negative errno. */
static int
neighbours_part (int sock, GPtrArray *neighbours)
{
    union {
        struct nlmsghdr header;
        char bytes[32768];
    } buffer;
    ssize_t n = TEMP_FAILURE_RETRY (recv (sock, &buffer, sizeof buffer, 0));
    guint left = n > 0 ? (guint) n : 0;

    if (n <= 0)
        return n < 0 ? -errno : -EPROTO;
    for (const struct nlmsghdr *m = &buffer.header; NLMSG_OK (m, left); m = NLMSG_NEXT (m, left)) {
        if (m->nlmsg_type == NLMSG_DONE)
            return 0;
        if (m->nlmsg_type == NLMSG_ERROR)
            return ((const struct nlmsgerr *) NLMSG_DATA (m))->error;
        if (m->nlmsg_type == RTM_NEWNEIGH)
            neighbour_add (m, neighbours);
    }
    return 1;
}

GPtrArray *
neighbours_read (GError **error)
{
    g_autoptr (GPtrArray) neighbours = g_ptr_array_new_with_free_func (lease_free);
    autofd int sock = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct ndmsg body = { .ndm_family = AF_UNSPEC };
    RtnlRequest request;
    int r = 1;

    rtnl_start (&request, RTM_GETNEIGH, NLM_F_DUMP, &body, sizeof body);
    if (sock < 0 || send (sock, &request, request.header.nlmsg_len, 0) < 0)
        r = -errno;
    while (r > 0)
        r = neighbours_part (sock, neighbours);
    if (r == 0)
        return g_steal_pointer (&neighbours);
    error_set_errno (error, -r, "Could not read the kernel's neighbours");
    return NULL;
}
