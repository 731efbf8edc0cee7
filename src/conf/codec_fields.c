/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The codec's fields: each is one kind of value, read and written. */

#include "conf/codec.h"
#include "conf/number.h"
#include "conf/units.h"

/* ---- attributes */

void
codec_enum (Codec *c, const char *attr, guint *v, const StringTable *names, FieldFlags flags)
{
    g_autofree char *text = NULL;
    int value;

    if (!codec_reading (c)) {
        if (*v || (flags & FIELD_KEEP_ZERO))
            codec_put (c, attr, string_table_name (names, *v));
        return;
    }
    text = codec_take (c, attr, flags);
    if (!text)
        return;
    value = string_table_value (names, text);
    if (value < 0)
        codec_bad_value (c, attr, text, flags);
    else
        *v = (guint) value;
}

static gboolean
take_number (Codec *c, const char *attr, FieldFlags flags, guint64 max, guint64 *ret)
{
    guint base = flags & FIELD_OCTAL ? 8 : flags & (FIELD_HEX | FIELD_ANY_BASE) ? 0 : 10;
    g_autofree char *text = codec_take (c, attr, flags);

    if (!text)
        return FALSE;
    if (!number_parse_unsigned (text, base, max, ret))
        codec_bad_value_because (c, attr, text, ". Expected non-negative integer value");
    else if (flags & FIELD_POSITIVE && !*ret)
        codec_bad_value_because (c, attr, text, CODEC_ZERO);
    else
        return TRUE;
    return FALSE;
}

static void
put_number (Codec *c, const char *attr, guint64 v, FieldFlags flags)
{
    char text[32];

    if (!v && !(flags & FIELD_KEEP_ZERO))
        return;
    if (flags & FIELD_OCTAL)
        g_snprintf (text, sizeof text, "%04" G_GINT64_MODIFIER "o", v);
    else if (flags & FIELD_HEX)
        g_snprintf (text, sizeof text, "0x%04" G_GINT64_MODIFIER "x", v);
    else
        number_format (v, text);
    codec_put (c, attr, text);
}

void
codec_uint (Codec *c, const char *attr, guint *v, FieldFlags flags)
{
    guint64 n;

    if (!codec_reading (c))
        put_number (c, attr, *v, flags);
    else if (take_number (c, attr, flags, G_MAXUINT, &n))
        *v = (guint) n;
}

void
codec_uint64 (Codec *c, const char *attr, guint64 *v, FieldFlags flags)
{
    guint64 n;

    if (!codec_reading (c))
        put_number (c, attr, *v, flags);
    else if (take_number (c, attr, flags, G_MAXUINT64, &n))
        *v = n;
}

void
codec_int (Codec *c, const char *attr, int *v, int absent)
{
    gint64 n;

    if (codec_reading (c)) {
        g_autofree char *text = codec_take (c, attr, 0);

        *v = absent;
        if (text && !number_parse_signed (text, 10, G_MININT, G_MAXINT, &n))
            codec_bad_value_because (c, attr, text, ". Expected integer value");
        else if (text && n < 0)
            codec_bad_value_because (c, attr, text, ". Expected non-negative value");
        else if (text)
            *v = (int) n;
    } else if (*v != absent)
        put_number (c, attr, (guint64) *v, FIELD_KEEP_ZERO);
}

void
codec_signed (Codec *c, const char *attr, int *v, FieldFlags flags)
{
    char text[16];
    gint64 n;

    if (codec_reading (c)) {
        g_autofree char *given = codec_take (c, attr, flags);

        if (given && !number_parse_signed (given, 10, G_MININT, G_MAXINT, &n))
            codec_bad_value_because (c, attr, given, ". Expected integer value");
        else if (given)
            *v = (int) n;
        return;
    }
    g_snprintf (text, sizeof text, "%d", *v);
    codec_put (c, attr, text);
}

void
codec_string (Codec *c, const char *attr, char **v, FieldFlags flags)
{
    if (codec_reading (c)) {
        g_free (*v);
        *v = codec_take (c, attr, flags);
    } else if (*v) {
        codec_put (c, attr, *v);
    }
}

void
codec_live_string (Codec *c, const char *attr, char **v)
{
    if (codec_live (c)) {
        codec_string (c, attr, v, 0);
    } else if (codec_reading (c)) {
        g_autofree char *forgotten = codec_take (c, attr, 0);

        (void) forgotten;
    }
}

void
codec_yes (Codec *c, const char *attr, gboolean *v)
{
    static const char *const words[] = { "no", "yes" };
    static const StringTable names = { words, 2 };
    guint n = *v != FALSE;

    codec_enum (c, attr, &n, &names, 0);
    if (codec_reading (c))
        *v = n != 0;
}

gboolean
codec_parse_size (Codec *c, const char *attr, const char *text, const char *unit, const char *initial,
                  CodecSize size, guint64 *ret)
{
    g_autoptr (GError) error = NULL;

    if (size == CODEC_SIZE_KIB ? unit_parse_kib (text, unit, initial, ret, &error)
                               : unit_parse (text, unit, initial, size == CODEC_SIZE_WIDE, ret, &error))
        return TRUE;
    if (codec_worded (c, "#", text))
        return FALSE;
    if (error->code != ERR_XML)
        codec_fail (c, (ErrorCode) error->code, "%s", error->message);
    else if (attr)
        codec_bad_value_because (c, attr, text, CODEC_SIZE);
    else
        codec_bad_text (c, text);
    return FALSE;
}

void
codec_scaled (Codec *c, const char *attr, const char *unit_attr, guint64 *bytes)
{
    if (codec_reading (c)) {
        g_autofree char *text = codec_take (c, attr, FIELD_REQUIRED);
        g_autofree char *unit = codec_take (c, unit_attr, 0);

        if (text)
            codec_parse_size (c, attr, text, unit, "KiB", CODEC_SIZE_BYTES, bytes);
    } else {
        put_number (c, attr, *bytes / 1024, FIELD_KEEP_ZERO);
        codec_put (c, unit_attr, "KiB");
    }
}

/* ---- text */

void
codec_text (Codec *c, char **v)
{
    if (codec_reading (c)) {
        g_free (*v);
        *v = codec_take_text (c);
        if (*v && !**v)
            g_clear_pointer (v, g_free);
    } else {
        codec_put_text (c, *v ? *v : "");
    }
}

static gboolean
take_text_number (Codec *c, guint64 max, guint64 *ret)
{
    g_autofree char *text = codec_take_text (c);

    if (!text || !*text)
        return FALSE;
    if (number_parse_unsigned (text, 10, max, ret))
        return TRUE;
    codec_bad_text (c, text);
    return FALSE;
}

void
codec_text_uint64 (Codec *c, guint64 *v)
{
    char text[NUMBER_SIZE];

    if (codec_reading (c))
        take_text_number (c, G_MAXUINT64, v);
    else
        codec_put_text (c, number_format (*v, text));
}

void
codec_text_uint (Codec *c, guint *v)
{
    guint64 n = *v;

    if (!codec_reading (c))
        codec_text_uint64 (c, &n);
    else if (take_text_number (c, G_MAXUINT, &n))
        *v = (guint) n;
}

void
codec_text_int64 (Codec *c, gint64 *v)
{
    char written[32];

    if (codec_reading (c)) {
        g_autofree char *text = codec_take_text (c);

        if (text && *text && !number_parse_signed (text, 10, G_MININT64, G_MAXINT64, v))
            codec_bad_text (c, text);
        return;
    }
    g_snprintf (written, sizeof written, "%" G_GINT64_FORMAT, *v);
    codec_put_text (c, written);
}

/* ---- whole elements */

void
codec_element_string (Codec *c, const char *element, char **v)
{
    if (codec_enter (c, element, *v != NULL)) {
        codec_text (c, v);
        codec_leave (c);
    }
}

void
codec_element_uint (Codec *c, const char *element, guint *v)
{
    if (codec_enter (c, element, *v != 0)) {
        codec_text_uint (c, v);
        codec_leave (c);
    }
}

void
codec_element_uint64 (Codec *c, const char *element, guint64 *v)
{
    if (codec_enter (c, element, *v != 0)) {
        codec_text_uint64 (c, v);
        codec_leave (c);
    }
}

void
codec_element_enum (Codec *c, const char *element, guint *v, const StringTable *names,
                    FieldFlags flags)
{
    if (!codec_enter (c, element, *v || (flags & FIELD_KEEP_ZERO)))
        return;
    if (codec_reading (c)) {
        g_autofree char *text = codec_take_text (c);
        int value = text ? string_table_value (names, text) : -1;

        if (text && *text && value < 0)
            codec_bad_text (c, text);
        else if (text && *text)
            *v = (guint) value;
    } else {
        codec_put_text (c, string_table_name (names, *v));
    }
    codec_leave (c);
}

void
codec_flag (Codec *c, const char *element, gboolean *v)
{
    if (codec_enter (c, element, *v)) {
        if (codec_reading (c))
            *v = TRUE;
        codec_leave (c);
    }
}

void
codec_size_here (Codec *c, guint64 *v, SizeUnit unit)
{
    g_autofree char *given = NULL, *text = NULL;
    gboolean kib = unit == SIZE_KIB;

    if (!codec_reading (c)) {
        codec_put (c, "unit", kib ? "KiB" : "bytes");
        codec_text_uint64 (c, v);
        return;
    }
    given = codec_take (c, "unit", 0);
    text = codec_take_text (c);
    if (text && *text)
        codec_parse_size (c, NULL, text, given, kib ? "KiB" : "bytes",
                          kib ? CODEC_SIZE_KIB : CODEC_SIZE_WIDE, v);
}

void
codec_size (Codec *c, const char *element, guint64 *v, SizeUnit unit, gboolean wanted)
{
    if (codec_enter (c, element, wanted)) {
        codec_size_here (c, v, unit);
        codec_leave (c);
    }
}

static void
text_item_codec (Codec *c, void *object)
{
    codec_text (c, object);
}

static void
text_item_free (void *item)
{
    char **text = item;

    g_free (*text);
    g_free (text);
}

void
codec_text_list (Codec *c, const char *element, GPtrArray **list)
{
    /* the list's items are the strings themselves, codec_list()'s are what points at them */
    if (codec_reading (c)) {
        g_autoptr (GPtrArray) holders = NULL;

        codec_list (c, element, &holders, sizeof (char *), text_item_codec, text_item_free);
        g_clear_pointer (list, g_ptr_array_unref);
        *list = g_ptr_array_new_with_free_func (g_free);
        for (guint i = 0; i < holders->len && !codec_failed (c); i++) {
            char **holder = g_ptr_array_index (holders, i);

            if (*holder)
                g_ptr_array_add (*list, g_steal_pointer (holder));
            else
                codec_fail (c, ERR_XML, "No data supplied for <%s> element", element);
        }
        return;
    }
    for (guint i = 0; *list && i < (*list)->len; i++)
        if (codec_enter (c, element, TRUE)) {
            codec_put_text (c, g_ptr_array_index (*list, i));
            codec_leave (c);
        }
}
