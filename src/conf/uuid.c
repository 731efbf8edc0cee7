/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "conf/domain.h"

gboolean
domain_uuid_parse (const char *text, guint8 uuid[16])
{
    guint8 bytes[16];
    const char *p = text + strspn (text, " \t\n\v\f\r");

    /* 16 pairs of digits, wherever there are hyphens and blanks between them */
    for (guint i = 0; i < 16; i++, p += 2) {
        p += strspn (p, "- ");
        if (!g_ascii_isxdigit (p[0]) || !g_ascii_isxdigit (p[1]))
            return FALSE;
        bytes[i] = (guint8) (g_ascii_xdigit_value (p[0]) << 4 | g_ascii_xdigit_value (p[1]));
    }
    if (p[strspn (p, " \t\n\v\f\r")])
        return FALSE;
    memcpy (uuid, bytes, sizeof bytes);
    return TRUE;
}

void
domain_uuid_format (const guint8 uuid[16], char text[37])
{
    static const char digits[] = "0123456789abcdef";
    char *p = text;

    for (guint i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[uuid[i] >> 4];
        *p++ = digits[uuid[i] & 15];
    }
    *p = '\0';
}

void
domain_uuid_generate (guint8 uuid[16])
{
    for (guint i = 0; i < 4; i++) {
        guint32 word = g_random_int ();

        memcpy (uuid + 4 * i, &word, sizeof word);
    }
    uuid[6] = (guint8) ((uuid[6] & 0x0f) | 0x40);   /* version 4 */
    uuid[8] = (guint8) ((uuid[8] & 0x3f) | 0x80);   /* variant of RFC 4122 */
}
