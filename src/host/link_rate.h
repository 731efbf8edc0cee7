/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How fast a container's link may be: <bandwidth>, domiftune. An HTB qdisc on the host's end shapes what
 * goes to the guest. What comes from it is received there, where the kernel cannot queue: it is
 * redirected to an ifb device of our own ("ifb-" and a checksum of the link's name), whose HTB qdisc
 * shapes it. Nothing of it is in the guest's reach. Any thread; may block.
 */
#pragma once

#include <glib.h>
#include <net/if.h>

typedef struct {
    guint64 average, peak;      /* bytes a second; average 0: no limit; peak 0: as average */
    guint64 burst;              /* bytes sent at peak rate; 0: some */
} LinkRate;

/* Replaces what there is. A failure leaves the link without any limit. */
gboolean link_set_rates (const char *name, const LinkRate *to_guest, const LinkRate *from_guest,
                         GError **error);
/* What the kernel has, both 0 where there is no limit. The burst is not read. */
gboolean link_get_rates (const char *name, LinkRate *ret_to_guest, LinkRate *ret_from_guest, GError **error);
/* Name of the ifb device that belongs to the link @name: to be deleted with it, if it is there. */
void link_rate_device (const char *name, char ret[IF_NAMESIZE]);
