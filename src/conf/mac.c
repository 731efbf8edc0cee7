/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/mac.h"

#include <string.h>

gboolean
mac_parse (const char *text, guint8 mac[6])
{
    guint8 bytes[6];
    const char *p = text;

    for (guint i = 0; i < 6; i++) {
        guint value = 0, digits = 0;

        for (; digits < 2 && g_ascii_isxdigit (*p); digits++)
            value = value << 4 | (guint) g_ascii_xdigit_value (*p++);
        if (!digits || (i < 5 && *p++ != ':'))
            return FALSE;
        bytes[i] = (guint8) value;
    }
    if (*p)
        return FALSE;
    memcpy (mac, bytes, sizeof bytes);
    return TRUE;
}

char *
mac_format (const guint8 mac[6])
{
    return g_strdup_printf ("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                            mac[5]);
}

char *
mac_generate (void)
{
    guint32 random = g_random_int ();
    guint8 mac[6]
        = { 0x52, 0x54, 0x00, (guint8) (random >> 16), (guint8) (random >> 8), (guint8) random };

    return mac_format (mac);
}
