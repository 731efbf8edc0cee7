/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IP addresses as text: read as the resolver reads numbers ("10.1" is 10.0.0.1), written the usual way. */
#pragma once

#include <glib.h>

typedef struct {
    int family;             /* AF_INET, of which the first 4 bytes count, or AF_INET6 */
    guint8 bytes[16];
} IpAddress;

/* @family AF_UNSPEC takes both. No name is looked up. */
gboolean ip_address_parse (const char *text, int family, IpAddress *ret);
char *ip_address_format (const IpAddress *address);
guint ip_address_bits (const IpAddress *address);                       /* 32 or 128 */
gboolean ip_address_is_network (const IpAddress *address, guint prefix);    /* no bit behind it */
/* The same with a netmask of any shape, of the same family. */
gboolean ip_address_is_masked (const IpAddress *address, const IpAddress *netmask);
