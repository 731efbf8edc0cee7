/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which addresses the host knows of its guests: leases that DHCP servers of this host wrote down, and
 * the kernel's table of neighbours. Files below node_root. For pool threads. */
#pragma once

#include <glib.h>

typedef struct {
    char mac[18];               /* lower case */
    char address[46];
    gboolean ipv6;
    guint prefix;               /* of the host's own network that the address belongs to; 0 unknown */
    char *hostname;             /* or NULL; as the guest said */
} HostLease;

/* Of HostLease, not expired: dnsmasq's files as libvirt, LXC and dnsmasq itself keep them. */
GPtrArray *leases_read (void);
/* Of HostLease without hostname, prefix 0. */
GPtrArray *neighbours_read (GError **error);
