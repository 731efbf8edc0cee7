/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "util/fd.h"
#include "util/netdev.h"

typedef struct {
    _Alignas (struct nlmsghdr) char bytes[512];
} Request;

typedef struct {
    int family;
    unsigned char bytes[16];
    unsigned length;
} Address;

static struct nlmsghdr *
request_start (Request *request, unsigned type, unsigned flags, const void *body, size_t size)
{
    struct nlmsghdr *header = (struct nlmsghdr *) request->bytes;

    memset (request, 0, sizeof *request);
    header->nlmsg_len = (uint32_t) NLMSG_LENGTH (size);
    header->nlmsg_type = (uint16_t) type;
    header->nlmsg_flags = (uint16_t) (NLM_F_REQUEST | NLM_F_ACK | flags);
    header->nlmsg_seq = 1;
    memcpy (NLMSG_DATA (header), body, size);
    return header;
}

/* All requests here are far below the buffer: at most a name, two addresses and two numbers. */
static void
request_add (struct nlmsghdr *header, unsigned type, const void *data, size_t size)
{
    struct rtattr *attr = (struct rtattr *) (void *)
        ((char *) header + NLMSG_ALIGN (header->nlmsg_len));

    attr->rta_type = (unsigned short) type;
    attr->rta_len = (unsigned short) RTA_LENGTH (size);
    memcpy (RTA_DATA (attr), data, size);
    header->nlmsg_len = (uint32_t) (NLMSG_ALIGN (header->nlmsg_len) + RTA_ALIGN (attr->rta_len));
}

/* Sends and waits for the kernel's answer, which it gives before send() returns. */
static int
request_run (int sock, struct nlmsghdr *header)
{
    _Alignas (struct nlmsghdr) char answer[1024];
    const struct nlmsghdr *reply = (const struct nlmsghdr *) answer;
    const struct nlmsgerr *error;
    ssize_t n;

    if (send (sock, header, header->nlmsg_len, 0) < 0)
        return -1;
    do
        n = recv (sock, answer, sizeof answer, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    if ((size_t) n < NLMSG_LENGTH (sizeof (int)) || reply->nlmsg_type != NLMSG_ERROR) {
        errno = EPROTO;
        return -1;
    }
    error = NLMSG_DATA (reply);
    errno = -error->error;
    return error->error == 0 ? 0 : -1;
}

static int
link_socket (void)
{
    return socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* @attribute says whether @target is a pid or a descriptor. */
static int
link_move (int sock, const plan_link *link, unsigned attribute, uint32_t target)
{
    struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int) link->ifindex };
    char name[IF_NAMESIZE];
    struct nlmsghdr *header;
    Request request;

    /* the daemon made the device some time ago: it must still be the same one */
    if (!if_indextoname (link->ifindex, name) || strcmp (name, link->host_name) != 0) {
        errno = ENODEV;
        return -1;
    }
    /* name and namespace in one request: the guest name need not be free on the host */
    header = request_start (&request, RTM_NEWLINK, 0, &info, sizeof info);
    request_add (header, attribute, &target, sizeof target);
    request_add (header, IFLA_IFNAME, link->guest_name, strlen (link->guest_name) + 1);
    return request_run (sock, header);
}

static int
move_failed (const plan_link *link, Failure *failure)
{
    return failure_set_detail (failure, STEP_LINK, link->host_name,
                               errno == EINVAL ? "of a kind that cannot leave the host's network namespace"
                                               : link->guest_name);
}

int
links_move (const launch_plan *plan, pid_t pid, Failure *failure)
{
    autofd int sock = -1;

    if (plan->links.links_len == 0)
        return 0;
    sock = link_socket ();
    if (sock < 0)
        return failure_set (failure, STEP_LINK, "netlink");
    for (u_int i = 0; i < plan->links.links_len; i++) {
        const plan_link *link = &plan->links.links_val[i];

        if (failure_enter (failure, STEP_LINK, link->host_name) < 0)
            return -1;
        if (link_move (sock, link, IFLA_NET_NS_PID, (uint32_t) pid) < 0)
            return move_failed (link, failure);
    }
    return 0;
}

static int
link_up (int sock, unsigned index)
{
    struct ifinfomsg info = {
        .ifi_family = AF_UNSPEC, .ifi_index = (int) index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP,
    };
    Request request;

    return request_run (sock, request_start (&request, RTM_NEWLINK, 0, &info, sizeof info));
}

static int
address_parse (const char *text, Address *address)
{
    if (inet_pton (AF_INET, text, address->bytes) == 1) {
        address->family = AF_INET;
        address->length = 4;
        return 0;
    }
    if (inet_pton (AF_INET6, text, address->bytes) == 1) {
        address->family = AF_INET6;
        address->length = 16;
        return 0;
    }
    errno = EINVAL;
    return -1;
}

static int
address_add (int sock, unsigned index, const plan_address *plan)
{
    struct ifaddrmsg body = { .ifa_index = index, .ifa_prefixlen = (unsigned char) plan->prefix };
    Address local, peer;
    struct nlmsghdr *header;
    Request request;

    if (address_parse (plan->address, &local) < 0 || plan->prefix > local.length * 8) {
        errno = EINVAL;
        return -1;
    }
    peer = local;
    if (plan->peer[0] && (address_parse (plan->peer, &peer) < 0 || peer.family != local.family)) {
        errno = EINVAL;
        return -1;
    }
    body.ifa_family = (unsigned char) local.family;
    /* duplicate detection would leave the address unusable for a second after the start */
    body.ifa_flags = local.family == AF_INET6 ? IFA_F_NODAD : 0;
    header = request_start (&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    request_add (header, IFA_LOCAL, local.bytes, local.length);
    request_add (header, IFA_ADDRESS, peer.bytes, peer.length);
    if (local.family == AF_INET && !plan->peer[0] && plan->prefix < 31) {
        uint32_t broadcast;

        memcpy (&broadcast, local.bytes, sizeof broadcast);
        broadcast |= htonl (plan->prefix == 0 ? ~0U : (1U << (32 - plan->prefix)) - 1);
        request_add (header, IFA_BROADCAST, &broadcast, sizeof broadcast);
    }
    return request_run (sock, header);
}

static int
route_add (int sock, unsigned index, const plan_route *plan)
{
    struct rtmsg body = {
        .rtm_dst_len = (unsigned char) plan->prefix, .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST,
        .rtm_scope = plan->gateway[0] ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
    };
    Address destination = { .family = AF_UNSPEC }, gateway = { .family = AF_UNSPEC };
    struct nlmsghdr *header;
    Request request;

    if ((plan->destination[0] && address_parse (plan->destination, &destination) < 0)
        || (plan->gateway[0] && address_parse (plan->gateway, &gateway) < 0))
        return -1;
    body.rtm_family = (unsigned char) (destination.family ? destination.family
                                       : gateway.family ? gateway.family : AF_INET);
    if ((gateway.family && gateway.family != body.rtm_family)
        || plan->prefix > (body.rtm_family == AF_INET ? 32U : 128U)) {
        errno = EINVAL;
        return -1;
    }
    header = request_start (&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    if (plan->prefix > 0 && destination.family)
        request_add (header, RTA_DST, destination.bytes, destination.length);
    if (gateway.family)
        request_add (header, RTA_GATEWAY, gateway.bytes, gateway.length);
    request_add (header, RTA_OIF, &index, sizeof index);
    if (plan->metric)
        request_add (header, RTA_PRIORITY, &plan->metric, sizeof plan->metric);
    return request_run (sock, header);
}

static int
link_configure (int sock, const plan_link *link, Failure *failure)
{
    unsigned index = if_nametoindex (link->guest_name);

    if (index == 0)
        return failure_set (failure, STEP_ADDRESS, link->guest_name);
    for (u_int i = 0; i < link->addresses.addresses_len; i++) {
        const plan_address *address = &link->addresses.addresses_val[i];

        if (address_add (sock, index, address) < 0)
            return failure_set_detail (failure, STEP_ADDRESS, link->guest_name, address->address);
    }
    if (link->up && link_up (sock, index) < 0)
        return failure_set (failure, STEP_ADDRESS, link->guest_name);
    /* routes last: the kernel takes a gateway only on a device that is up */
    for (u_int i = 0; i < link->routes.routes_len; i++) {
        const plan_route *route = &link->routes.routes_val[i];

        if (route_add (sock, index, route) < 0)
            return failure_set_detail (failure, STEP_ADDRESS, link->guest_name,
                                       route->gateway[0] ? route->gateway : route->destination);
    }
    return 0;
}

int
links_configure (const launch_plan *plan, Failure *failure)
{
    autofd int sock = -1;

    if (!plan->loopback_up && plan->links.links_len == 0)
        return 0;
    if (failure_enter (failure, STEP_LOOPBACK, "lo") < 0)
        return -1;
    sock = link_socket ();
    /* index 1 is lo in every network namespace */
    if (sock < 0 || (plan->loopback_up && link_up (sock, 1) < 0))
        return failure_set (failure, STEP_LOOPBACK, "lo");
    for (u_int i = 0; i < plan->links.links_len; i++) {
        const plan_link *link = &plan->links.links_val[i];

        if (failure_enter (failure, STEP_ADDRESS, link->guest_name) < 0
            || link_configure (sock, link, failure) < 0)
            return -1;
    }
    return 0;
}

/* ---- one device of a running container */

int
link_move_to (const plan_link *link, int netns, Failure *failure)
{
    autofd int sock = link_socket ();

    if (failure_enter (failure, STEP_LINK, link->host_name) < 0)
        return -1;
    return sock >= 0 && link_move (sock, link, IFLA_NET_NS_FD, (uint32_t) netns) == 0
        ? 0 : move_failed (link, failure);
}

int
link_configure_one (const plan_link *link, Failure *failure)
{
    autofd int sock = link_socket ();

    if (failure_enter (failure, STEP_ADDRESS, link->guest_name) < 0)
        return -1;
    if (sock < 0)
        return failure_set (failure, STEP_ADDRESS, "netlink");
    return link_configure (sock, link, failure);
}

/* ---- and out of it: the container's root may have renamed, deleted and made links as it liked */

typedef struct {
    char kind[16];              /* "" for a piece of hardware, which no namespace can make */
    bool below_host;            /* what it is made on, or its other end, is in the host's namespace */
    bool carrier;
} LinkFacts;

/* The kernel's one answer, an object of @type. */
static const struct nlmsghdr *
request_ask (int sock, struct nlmsghdr *header, unsigned type, void *buffer, size_t size)
{
    const struct nlmsghdr *reply = buffer;
    ssize_t n;

    header->nlmsg_flags = NLM_F_REQUEST;
    if (send (sock, header, header->nlmsg_len, 0) < 0)
        return NULL;
    do
        n = recv (sock, buffer, size, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return NULL;
    if ((size_t) n >= NLMSG_LENGTH (sizeof (struct nlmsgerr)) && reply->nlmsg_type == NLMSG_ERROR) {
        errno = -((const struct nlmsgerr *) NLMSG_DATA (reply))->error;
        return NULL;
    }
    if ((size_t) n < sizeof *reply || reply->nlmsg_len > (size_t) n || reply->nlmsg_type != type) {
        errno = EPROTO;
        return NULL;
    }
    return reply;
}

static const struct rtattr *
attribute_find (const void *first, size_t length, unsigned type)
{
    const struct rtattr *attr = first;

    for (; RTA_OK (attr, length); attr = RTA_NEXT (attr, length))
        if ((attr->rta_type & NLA_TYPE_MASK) == type)
            return attr;
    return NULL;
}

/* After a header of @body bytes. */
static const struct rtattr *
reply_find (const struct nlmsghdr *reply, size_t body, unsigned type)
{
    size_t before = NLMSG_SPACE (body);

    return reply->nlmsg_len < before ? NULL
        : attribute_find ((const char *) reply + before, reply->nlmsg_len - before, type);
}

static bool
attribute_number (const struct rtattr *attr, int32_t *ret)
{
    if (!attr || RTA_PAYLOAD (attr) < sizeof *ret)
        return false;
    memcpy (ret, RTA_DATA (attr), sizeof *ret);
    return true;
}

/* Does the namespace of the socket know the one of @netns as @id? */
static bool
namespace_is (int sock, int netns, int32_t id)
{
    _Alignas (struct nlmsghdr) char answer[512];
    struct rtgenmsg body = { .rtgen_family = AF_UNSPEC };
    uint32_t number = (uint32_t) netns;
    const struct nlmsghdr *reply;
    struct nlmsghdr *header;
    Request request;
    int32_t found;

    header = request_start (&request, RTM_GETNSID, 0, &body, sizeof body);
    request_add (header, NETNSA_FD, &number, sizeof number);
    reply = request_ask (sock, header, RTM_NEWNSID, answer, sizeof answer);
    return reply && attribute_number (reply_find (reply, sizeof body, NETNSA_NSID), &found) && found >= 0
        && found == id;
}

static int
link_facts (int sock, unsigned index, int host, LinkFacts *ret)
{
    _Alignas (struct nlmsghdr) char answer[32768];
    struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int) index };
    const struct rtattr *details, *carrier, *kind = NULL;
    const struct nlmsghdr *reply;
    Request request;
    int32_t id;

    memset (ret, 0, sizeof *ret);
    reply = request_ask (sock, request_start (&request, RTM_GETLINK, 0, &info, sizeof info), RTM_NEWLINK,
                         answer, sizeof answer);
    if (!reply)
        return -1;
    details = reply_find (reply, sizeof info, IFLA_LINKINFO);
    if (details)
        kind = attribute_find (RTA_DATA (details), RTA_PAYLOAD (details), IFLA_INFO_KIND);
    if (kind)
        snprintf (ret->kind, sizeof ret->kind, "%.*s", (int) RTA_PAYLOAD (kind), (const char *) RTA_DATA (kind));
    carrier = reply_find (reply, sizeof info, IFLA_CARRIER);
    ret->carrier = carrier && RTA_PAYLOAD (carrier) >= 1 && *(const uint8_t *) RTA_DATA (carrier) != 0;
    /* given only where that is another namespace than this one */
    ret->below_host = attribute_number (reply_find (reply, sizeof info, IFLA_LINK_NETNSID), &id)
        && namespace_is (sock, host, id);
    return 0;
}

static bool
is_macvlan (int sock, unsigned index, int host)
{
    LinkFacts facts;

    return link_facts (sock, index, host, &facts) == 0 && strcmp (facts.kind, "macvlan") == 0
        && facts.below_host;
}

/* Of any name. */
static bool
any_macvlan (int sock, int host)
{
    struct if_nameindex *all = if_nameindex ();
    bool found = false;

    for (const struct if_nameindex *one = all; one && one->if_index != 0 && !found; one++)
        found = is_macvlan (sock, one->if_index, host);
    if (all)
        if_freenameindex (all);
    return found;
}

int
link_delete_here (const plan_link *link, int host, Failure *failure)
{
    struct ifinfomsg info = {
        .ifi_family = AF_UNSPEC, .ifi_index = (int) if_nametoindex (link->guest_name),
    };
    autofd int sock = link_socket ();
    Request request;

    if (sock < 0)
        return failure_set (failure, STEP_LINK, "netlink");
    if (info.ifi_index == 0 && !any_macvlan (sock, host))
        return 0;               /* deleted by the container itself */
    if (info.ifi_index == 0 || !is_macvlan (sock, (unsigned) info.ifi_index, host)) {
        errno = ENODEV;
        return failure_set_detail (failure, STEP_LINK, link->guest_name, "the container has renamed it");
    }
    if (request_run (sock, request_start (&request, RTM_DELLINK, 0, &info, sizeof info)) < 0
        && errno != ENODEV)
        return failure_set (failure, STEP_LINK, link->guest_name);
    return 0;
}

/* The index of the device, whatever the container calls it; 0 with the failure set. */
static unsigned
find_by_identity (const plan_link *link, Failure *failure)
{
    autofd int sysfs = netdev_sysfs ();
    struct if_nameindex *all = sysfs >= 0 ? if_nameindex () : NULL;
    unsigned index = 0;

    if (!all) {
        failure_set_detail (failure, STEP_LINK, link->host_name, "its network devices");
        return 0;
    }
    for (const struct if_nameindex *one = all; one->if_index != 0 && index == 0; one++)
        if (netdev_identity (sysfs, one->if_name) == link->identity)
            index = one->if_index;
    if_freenameindex (all);
    errno = ENODEV;
    if (index == 0)
        failure_set_detail (failure, STEP_LINK, link->host_name, "the container has deleted it or moved it on");
    return index;
}

/* The same by its name: of a container that was started before identities were noted. What it made itself is not the
 * host's. */
static unsigned
find_by_name (int sock, const plan_link *link, int host, Failure *failure)
{
    unsigned index = if_nametoindex (link->guest_name);
    LinkFacts facts;

    if (index == 0) {
        errno = ENODEV;
        failure_set_detail (failure, STEP_LINK, link->guest_name, "the container has renamed it");
    } else if (link_facts (sock, index, host, &facts) < 0) {
        failure_set_detail (failure, STEP_LINK, link->guest_name, link->host_name);
        index = 0;
    } else if (facts.kind[0] && !facts.below_host) {
        errno = EXDEV;
        failure_set_detail (failure, STEP_LINK, link->guest_name, "the container has made it");
        index = 0;
    }
    return index;
}

/* A tun or tap that is attached to a program of the container would go on taking packets from it on the host. */
static bool
is_open_tun (int sock, unsigned index, int host)
{
    LinkFacts facts;

    return link_facts (sock, index, host, &facts) == 0 && strcmp (facts.kind, "tun") == 0 && facts.carrier;
}

int
link_return (const plan_link *link, int host, Failure *failure)
{
    struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
    autofd int sock = link_socket ();
    uint32_t target = (uint32_t) host;
    struct nlmsghdr *header;
    Request request;

    if (sock < 0)
        return failure_set (failure, STEP_LINK, "netlink");
    info.ifi_index = (int) (link->identity ? find_by_identity (link, failure)
                                           : find_by_name (sock, link, host, failure));
    if (info.ifi_index == 0)
        return -1;
    if (is_open_tun (sock, (unsigned) info.ifi_index, host)) {
        errno = EBUSY;
        return failure_set_detail (failure, STEP_LINK, link->host_name, "a program in the container has it open");
    }
    header = request_start (&request, RTM_NEWLINK, 0, &info, sizeof info);
    request_add (header, IFLA_NET_NS_FD, &target, sizeof target);
    request_add (header, IFLA_IFNAME, link->host_name, strlen (link->host_name) + 1);
    if (request_run (sock, header) < 0)
        return failure_set_detail (failure, STEP_LINK, link->guest_name, link->host_name);
    return 0;
}
