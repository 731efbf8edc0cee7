/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/link_rate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>
#include <sys/socket.h>

#include "host/link.h"
#include "host/rtnl.h"
#include "util/error.h"

#define HTB_VERSION 3
#define HTB_QUANTUM 10
#define CLASS_ALL 1
#define FILTER_PRIORITY 1
#define TICK_SHIFT 6            /* the scheduler's tick is 64 ns */
#define FRAME 1600              /* bytes: what a burst has to hold at least */
#define BURST_PART 250          /* without a given burst: what passes in 4 ms */

void
link_rate_device (const char *name, char ret[IF_NAMESIZE])
{
    g_snprintf (ret, IF_NAMESIZE, "ifb-%08x", g_str_hash (name));
}

static void
start_tc (RtnlRequest *request, guint type, guint flags, int index, guint parent, guint handle, guint info)
{
    struct tcmsg message = { .tcm_family = AF_UNSPEC, .tcm_ifindex = index, .tcm_parent = parent,
                             .tcm_handle = handle, .tcm_info = info };

    rtnl_start (request, type, flags, &message, sizeof message);
}

static int
delete_qdisc (int index, guint parent, guint handle)
{
    RtnlRequest request;
    int r;

    start_tc (&request, RTM_DELQDISC, 0, index, parent, handle, 0);
    r = rtnl_run (&request);
    /* ENOENT, EINVAL: the default one is there, which nobody made */
    return r == -ENOENT || r == -EINVAL ? 0 : r;
}

static int
add_htb (int index)
{
    const struct tc_htb_glob glob = { .version = HTB_VERSION, .rate2quantum = HTB_QUANTUM,
                                      .defcls = CLASS_ALL };
    RtnlRequest request;
    gsize nest;

    start_tc (&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, index, TC_H_ROOT, TC_H_MAKE (1 << 16, 0), 0);
    rtnl_add_string (&request, TCA_KIND, "htb");
    nest = rtnl_open (&request, TCA_OPTIONS);
    rtnl_add (&request, TCA_HTB_INIT, &glob, sizeof glob);
    rtnl_close (&request, nest);
    return rtnl_run (&request);
}

/* Time that @bytes take at @rate, in ticks. */
static guint32
ticks_of (guint64 bytes, guint64 rate)
{
    guint64 ns = (guint64) ((double) bytes * 1e9 / (double) rate);

    return (guint32) MIN (ns >> TICK_SHIFT, G_MAXUINT32);
}

static int
add_class (int index, const LinkRate *rate)
{
    guint64 ceil = rate->peak ? MAX (rate->peak, rate->average) : rate->average;
    guint64 burst = MAX (rate->burst ? rate->burst : rate->average / BURST_PART, FRAME);
    struct tc_htb_opt options = {
        /* of a known link layer: then no table of times is needed */
        .rate = { .rate = (guint32) MIN (rate->average, G_MAXUINT32), .linklayer = TC_LINKLAYER_ETHERNET },
        .ceil = { .rate = (guint32) MIN (ceil, G_MAXUINT32), .linklayer = TC_LINKLAYER_ETHERNET },
        .buffer = ticks_of (burst, rate->average),
        .cbuffer = ticks_of (MAX (ceil / BURST_PART, FRAME), ceil),
    };
    RtnlRequest request;
    gsize nest;

    start_tc (&request, RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_EXCL, index, TC_H_MAKE (1 << 16, 0),
              TC_H_MAKE (1 << 16, CLASS_ALL), 0);
    rtnl_add_string (&request, TCA_KIND, "htb");
    nest = rtnl_open (&request, TCA_OPTIONS);
    rtnl_add (&request, TCA_HTB_PARMS, &options, sizeof options);
    if (rate->average > G_MAXUINT32)
        rtnl_add (&request, TCA_HTB_RATE64, &rate->average, sizeof rate->average);
    if (ceil > G_MAXUINT32)
        rtnl_add (&request, TCA_HTB_CEIL64, &ceil, sizeof ceil);
    rtnl_close (&request, nest);
    return rtnl_run (&request);
}

static int
shape (int index, const LinkRate *rate)
{
    int r = delete_qdisc (index, TC_H_ROOT, 0);

    if (r < 0 || rate->average == 0)
        return r;
    r = add_htb (index);
    return r < 0 ? r : add_class (index, rate);
}

/* ---- the other direction */

static int
add_ifb (const char *name)
{
    struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
    RtnlRequest request;
    gsize nest;
    int r;

    rtnl_start (&request, RTM_NEWLINK, NLM_F_CREATE, &body, sizeof body);
    rtnl_add_string (&request, IFLA_IFNAME, name);
    nest = rtnl_open (&request, IFLA_LINKINFO);
    rtnl_add_string (&request, IFLA_INFO_KIND, "ifb");
    rtnl_close (&request, nest);
    r = rtnl_run (&request);
    return r < 0 ? r : link_index (name);
}

static int
add_ingress (int index)
{
    RtnlRequest request;

    start_tc (&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, index, TC_H_INGRESS,
              TC_H_MAKE (TC_H_INGRESS, 0), 0);
    rtnl_add_string (&request, TCA_KIND, "ingress");
    return rtnl_run (&request);
}

/* Everything that is received goes to @to instead, and comes back when that has sent it. */
static int
add_redirect (int index, int to)
{
    const struct tc_mirred redirect = { .action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR,
                                        .ifindex = (guint32) to };
    struct {
        struct tc_u32_sel selector;
        struct tc_u32_key key;
    } all = { .selector = { .flags = TC_U32_TERMINAL, .nkeys = 1 } };
    gsize options, actions, first, inner;
    RtnlRequest request;

    start_tc (&request, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, index, TC_H_MAKE (TC_H_INGRESS, 0), 0,
              TC_H_MAKE (FILTER_PRIORITY << 16, htons (ETH_P_ALL)));
    rtnl_add_string (&request, TCA_KIND, "u32");
    options = rtnl_open (&request, TCA_OPTIONS);
    rtnl_add (&request, TCA_U32_SEL, &all, sizeof all);
    actions = rtnl_open (&request, TCA_U32_ACT);
    first = rtnl_open (&request, 1);
    rtnl_add_string (&request, TCA_ACT_KIND, "mirred");
    inner = rtnl_open (&request, TCA_ACT_OPTIONS);
    rtnl_add (&request, TCA_MIRRED_PARMS, &redirect, sizeof redirect);
    rtnl_close (&request, inner);
    rtnl_close (&request, first);
    rtnl_close (&request, actions);
    rtnl_close (&request, options);
    return rtnl_run (&request);
}

static int
shape_received (const char *name, int index, const LinkRate *rate)
{
    char device[IF_NAMESIZE];
    int ifb, r;

    link_rate_device (name, device);
    r = delete_qdisc (index, TC_H_INGRESS, TC_H_MAKE (TC_H_INGRESS, 0));
    if (r == 0 && !link_delete (device, NULL))
        r = -EBUSY;
    if (r < 0 || rate->average == 0)
        return r;
    ifb = add_ifb (device);
    r = ifb < 0 ? ifb : shape (ifb, rate);
    r = r < 0 ? r : add_ingress (index);
    return r < 0 ? r : add_redirect (index, ifb);
}

/* ---- reading */

static void
read_htb (struct rtattr *options, LinkRate *ret)
{
    int left = (int) RTA_PAYLOAD (options);

    for (struct rtattr *attr = RTA_DATA (options); RTA_OK (attr, left); attr = RTA_NEXT (attr, left)) {
        const gsize size = RTA_PAYLOAD (attr);

        if (attr->rta_type == TCA_HTB_PARMS && size >= sizeof (struct tc_htb_opt)) {
            const struct tc_htb_opt *parms = RTA_DATA (attr);

            ret->average = parms->rate.rate;
            ret->peak = parms->ceil.rate;
        }
    }
    /* after the small ones, wherever they stand */
    left = (int) RTA_PAYLOAD (options);
    for (struct rtattr *attr = RTA_DATA (options); RTA_OK (attr, left); attr = RTA_NEXT (attr, left)) {
        if (attr->rta_type == TCA_HTB_RATE64 && RTA_PAYLOAD (attr) == sizeof ret->average)
            memcpy (&ret->average, RTA_DATA (attr), sizeof ret->average);
        if (attr->rta_type == TCA_HTB_CEIL64 && RTA_PAYLOAD (attr) == sizeof ret->peak)
            memcpy (&ret->peak, RTA_DATA (attr), sizeof ret->peak);
    }
}

/* The class of our own making; without it there is no limit. */
static int
read_class (int index, LinkRate *ret)
{
    RtnlRequest request;
    RtnlAnswer answer;
    struct tcmsg *message = NLMSG_DATA (&answer.header);
    int r, left;

    *ret = (LinkRate) { 0 };
    /* without ECHO the kernel tells others of it, and not who asked */
    start_tc (&request, RTM_GETTCLASS, NLM_F_ECHO, index, 0, TC_H_MAKE (1 << 16, CLASS_ALL), 0);
    r = rtnl_ask (&request, NETLINK_ROUTE, &answer);
    /* no such class, or a queue that has none */
    if (r == -ENOENT || r == -EINVAL || r == -EOPNOTSUPP)
        return 0;
    if (r <= 0 || answer.header.nlmsg_type != RTM_NEWTCLASS)
        return r < 0 ? r : -EPROTO;
    left = (int) answer.header.nlmsg_len - (int) NLMSG_LENGTH (sizeof *message);
    for (struct rtattr *attr = (struct rtattr *) (void *) ((char *) message + NLMSG_ALIGN (sizeof *message));
         RTA_OK (attr, left); attr = RTA_NEXT (attr, left))
        if ((attr->rta_type & NLA_TYPE_MASK) == TCA_OPTIONS)
            read_htb (attr, ret);
    return 0;
}

gboolean
link_get_rates (const char *name, LinkRate *ret_to_guest, LinkRate *ret_from_guest, GError **error)
{
    char device[IF_NAMESIZE];
    int index = link_index (name), ifb, r = -ENODEV;

    link_rate_device (name, device);
    ifb = link_index (device);
    *ret_from_guest = (LinkRate) { 0 };
    if (index != 0)
        r = read_class (index, ret_to_guest);
    if (r == 0 && ifb != 0)
        r = read_class (ifb, ret_from_guest);
    return r == 0 || error_set_errno (error, -r, "Unable to read the bandwidth of interface '%s'", name);
}

gboolean
link_set_rates (const char *name, const LinkRate *to_guest, const LinkRate *from_guest, GError **error)
{
    static const LinkRate none;
    int index = link_index (name), r = -ENODEV;

    if (index != 0)
        r = shape (index, to_guest);
    if (r == 0)
        r = shape_received (name, index, from_guest);
    if (r == 0)
        return TRUE;
    if (index != 0) {
        shape (index, &none);
        shape_received (name, index, &none);
    }
    return error_set_errno (error, -r, "Unable to set bandwidth of interface '%s'", name);
}
