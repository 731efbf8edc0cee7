/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network devices of the host. Raw rtnetlink, one socket a call: every function may run on a pool
 * thread. Making is one request to the kernel where it can be, so a failure leaves nothing; deleting
 * what is gone already is fine. Deleting one may block some 10 ms (the kernel waits for its readers).
 *
 * The ends for a container stay in the host's namespace, down and without address: the controller
 * moves and configures them, by index and name.
 */
#pragma once

#include <glib.h>
#include <net/if.h>

typedef struct {
    const char *name;           /* host end; NULL: the next free vnetN */
    const guint8 *mac;          /* 6 bytes, of the guest's end; NULL: the kernel's choice */
    guint mtu;                  /* of both ends; 0: the bridge's, without bridge the kernel's */
    const char *bridge;         /* the host end becomes its port; NULL: none */
    gboolean isolated;          /* port that talks to non-isolated ports only */
    gboolean down;              /* leave the host end down: no carrier */
} LinkVeth;

typedef struct {
    char host[IF_NAMESIZE], guest[IF_NAMESIZE];
    int host_index, guest_index;
} LinkPair;

/* ERR_SYSTEM "Cannot get interface MTU on 'br0': No such device", "Cannot add interface..." etc. */
gboolean link_add_veth (const LinkVeth *args, LinkPair *ret, GError **error);

/* Values are conf's MacvtapMode. */
typedef enum { LINK_MACVLAN_VEPA, LINK_MACVLAN_PRIVATE, LINK_MACVLAN_BRIDGE, LINK_MACVLAN_PASSTHROUGH } LinkMacvlanMode;

/* A macvlan on top of @parent, @name NULL: the next free macvlanN; ret->guest and guest_index are set,
 * host is empty. */
gboolean link_add_macvlan (const char *parent, const char *name, LinkMacvlanMode mode, const guint8 *mac,
                           guint mtu, LinkPair *ret, GError **error);

gboolean link_delete (const char *name, GError **error);

int link_index (const char *name);          /* 0: there is none */
/* FALSE with "Cannot find interface 'x'"-like text (38) when there is none. */
gboolean link_check (const char *name, GError **error);
gboolean link_get_mtu (const char *name, guint *ret_mtu, GError **error);
gboolean link_get_mac (const char *name, guint8 ret_mac[6], GError **error);
gboolean link_is_bridge (const char *name);
gboolean link_set_up (const char *name, gboolean up, GError **error);
/* Makes it a port of @bridge, of another one before or of none. */
gboolean link_set_bridge (const char *name, const char *bridge, GError **error);

/* Host side of <source> of type ethernet. @peer may be NULL. Present already is fine. */
gboolean link_add_address (const char *name, const char *address, guint prefix, const char *peer,
                           GError **error);
/* @destination NULL or "": default; @gateway NULL: on the link; metric 0: none. */
gboolean link_add_route (const char *name, const char *destination, guint prefix, const char *gateway,
                         guint metric, GError **error);

/* Of the host's end: what it received is what the guest sent. */
typedef struct {
    guint64 rx_bytes, rx_packets, rx_errs, rx_drop, tx_bytes, tx_packets, tx_errs, tx_drop;
} LinkStats;
gboolean link_stats (const char *name, LinkStats *ret, GError **error);
/* Of LinkStats by name: every link of the network namespace of a process, 0: of our own. */
GHashTable *link_stats_all (int pid, GError **error);
