/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/ipaddr.h"

#include <arpa/inet.h>
#include <string.h>

#include "conf/number.h"

gboolean
ip_address_parse (const char *text, int family, IpAddress *ret)
{
    struct in_addr v4;

    memset (ret, 0, sizeof *ret);
    /* inet_aton() takes whatever stands behind a blank */
    if (family != AF_INET6 && !strpbrk (text, " \t\n\r\v\f") && inet_aton (text, &v4)) {
        ret->family = AF_INET;
        memcpy (ret->bytes, &v4, sizeof v4);
        return TRUE;
    }
    ret->family = AF_INET6;
    return family != AF_INET && inet_pton (AF_INET6, text, ret->bytes) == 1;
}

char *
ip_address_format (const IpAddress *address)
{
    char text[INET6_ADDRSTRLEN], *end = text;

    /* inet_ntop() is the same by way of printf() */
    for (guint i = 0; address->family == AF_INET && i < 4; i++) {
        number_format (address->bytes[i], end);
        end += strlen (end);
        *end++ = i < 3 ? '.' : '\0';
    }
    if (address->family == AF_INET)
        return g_strdup (text);
    return g_strdup (inet_ntop (address->family, address->bytes, text, sizeof text));
}

guint
ip_address_bits (const IpAddress *address)
{
    return address->family == AF_INET6 ? 128 : 32;
}

gboolean
ip_address_is_network (const IpAddress *address, guint prefix)
{
    for (guint bit = prefix; bit < ip_address_bits (address); bit++)
        if (address->bytes[bit / 8] & 0x80 >> bit % 8)
            return FALSE;
    return TRUE;
}

gboolean
ip_address_is_masked (const IpAddress *address, const IpAddress *netmask)
{
    for (guint i = 0; i < ip_address_bits (address) / 8; i++)
        if (address->bytes[i] & ~netmask->bytes[i])
            return FALSE;
    return TRUE;
}
