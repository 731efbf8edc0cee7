/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/units.h"

#include <string.h>

#include "conf/number.h"
#include "util/error.h"

/* FALSE: there is no such unit. Letters of any case. */
static gboolean
unit_factor (const char *unit, guint64 *ret_factor)
{
    static const char letters[] = "kmgtpe";
    const char *letter;
    guint64 base, factor = 1;

    if (!g_ascii_strcasecmp (unit, "b") || !g_ascii_strcasecmp (unit, "byte")
        || !g_ascii_strcasecmp (unit, "bytes")) {
        *ret_factor = 1;
        return TRUE;
    }
    letter = *unit ? strchr (letters, g_ascii_tolower (*unit)) : NULL;
    if (!letter)
        return FALSE;
    if (!unit[1] || !g_ascii_strcasecmp (unit + 1, "ib"))
        base = 1024;
    else if (!g_ascii_strcasecmp (unit + 1, "b"))
        base = 1000;
    else
        return FALSE;
    for (const char *p = letters; p <= letter; p++)
        factor *= base;
    *ret_factor = factor;
    return TRUE;
}

gboolean
unit_parse (const char *text, const char *unit, const char *initial, gboolean wide,
            guint64 *ret_bytes, GError **error)
{
    guint64 number, factor;

    if (!unit)
        unit = "";
    if (!unit_factor (*unit ? unit : initial, &factor))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "unknown suffix '%s'", unit);
    if (!number_parse_unsigned (text, 10, G_MAXUINT64, &number))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_XML, "invalid size '%s'", text);
    if (number > (wide ? G_MAXUINT64 : (guint64) G_MAXINT64) / factor)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OVERFLOW,
                               "value too large: %" G_GUINT64_FORMAT "%s", number, unit);
    *ret_bytes = number * factor;
    return TRUE;
}

gboolean
unit_parse_kib (const char *text, const char *unit, const char *initial, guint64 *ret_kib,
                GError **error)
{
    guint64 bytes, kib;

    if (!unit_parse (text, unit, initial, FALSE, &bytes, error))
        return FALSE;
    kib = bytes / 1024 + (bytes % 1024 != 0);
    /* rounded up it must still be one that is read again */
    if (kib > G_MAXINT64 / 1024)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OVERFLOW, "size value too large");
    *ret_kib = kib;
    return TRUE;
}
