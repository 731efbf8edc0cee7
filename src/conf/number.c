/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/number.h"

#include <errno.h>
#include <string.h>

gboolean
number_parse_unsigned (const char *text, guint base, guint64 max, guint64 *ret)
{
    const char *digits = text + strspn (text, " \t\n\v\f\r");
    char *end;
    guint64 n;

    if (*digits == '-')
        return FALSE;
    errno = 0;
    n = g_ascii_strtoull (digits, &end, base);
    if (errno || end == digits || *end || n > max)
        return FALSE;
    *ret = n;
    return TRUE;
}

gboolean
number_parse_signed (const char *text, guint base, gint64 min, gint64 max, gint64 *ret)
{
    char *end;
    gint64 n;

    errno = 0;
    n = g_ascii_strtoll (text, &end, base);
    if (errno || end == text || *end || n < min || n > max)
        return FALSE;
    *ret = n;
    return TRUE;
}

const char *
number_format (guint64 n, char text[NUMBER_SIZE])
{
    char digits[NUMBER_SIZE], *begin = digits + sizeof digits - 1;

    *begin = '\0';
    do
        *--begin = (char) ('0' + n % 10);
    while (n /= 10);
    return memcpy (text, begin, (gsize) (digits + sizeof digits - begin));
}
