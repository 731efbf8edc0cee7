/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/passive.h"

#include <stdlib.h>
#include <string.h>

#include "conf/cpulist.h"
#include "conf/domain.h"
#include "conf/units.h"

/* An element with its indentation, or (row NULL) the value of an attribute. */
typedef struct {
    const PassiveRow *row;
    char *name;
    char *text;
    char *path;             /* of its parent */
} PassiveItem;

static void
passive_item_free (void *data)
{
    PassiveItem *item = data;

    g_free (item->name);
    g_free (item->text);
    g_free (item->path);
    g_free (item);
}

/* Takes @text and @path. */
static void
add_item (GPtrArray **items, const PassiveRow *row, const char *name, char *text, char *path)
{
    PassiveItem *item = g_new0 (PassiveItem, 1);

    if (!*items)
        *items = g_ptr_array_new_with_free_func (passive_item_free);
    item->row = row;
    item->name = g_strdup (name);
    item->text = text;
    item->path = path;
    g_ptr_array_add (*items, item);
}

/* ---- the words of a row */

typedef struct {
    char name[40];
    char type[240];
    char initial[24];
    gboolean many, required, always;
} Word;

static void
copy_part (char *to, gsize size, const char *from, gsize length)
{
    g_assert (length < size);       /* rows are ours */
    memcpy (to, from, length);
    to[length] = '\0';
}

/* The next word of *words, which moves on; FALSE at the end. */
static gboolean
next_word (const char **words, Word *word)
{
    const char *p = *words ? *words + strspn (*words, " ") : "", *end = p + strcspn (p, " ");
    gsize length = strcspn (p, " :!*+=");

    if (p == end)
        return FALSE;
    *words = end;
    *word = (Word) { 0 };
    copy_part (word->name, sizeof word->name, p, length);
    p += length;
    if (*p == ':') {
        length = strcspn (++p, " !=");
        copy_part (word->type, sizeof word->type, p, length);
        p += length;
    }
    for (; p < end && *p != '='; p++) {
        word->many |= *p == '*';
        word->required |= *p == '!';
        word->always |= *p == '+';
    }
    if (p < end)
        copy_part (word->initial, sizeof word->initial, p + 1, (gsize) (end - p) - 1);
    return TRUE;
}

/* Whether @element of a row is FORM with PARENT, NAME and TYPE put in, of which each may be
 * NULL. */
static gboolean
row_is (const char *element, const char *parent, const char *name, const char *type)
{
    gsize length;

    if (parent) {
        length = strlen (parent);
        if (strncmp (element, parent, length) != 0 || element[length] != '/')
            return FALSE;
        element += length + 1;
    }
    length = strlen (name);
    if (strncmp (element, name, length) != 0)
        return FALSE;
    element += length;
    if (!type)
        return !*element;
    length = strlen (type);
    return element[0] == '[' && strncmp (element + 1, type, length) == 0
        && g_str_equal (element + 1 + length, "]");
}

/* The most special row. */
static const PassiveRow *
find_row (const char *parent, const char *name, const char *type)
{
    const PassiveRow *found = NULL;
    guint best = 0;

    for (const PassiveRow *row = passive_rows; row->element; row++) {
        guint rank = type && row_is (row->element, parent, name, type) ? 4
            : row_is (row->element, parent, name, NULL)                ? 3
            : type && row_is (row->element, NULL, name, type)          ? 2
            : row_is (row->element, NULL, name, NULL)                  ? 1
                                                                       : 0;

        if (rank > best) {
            best = rank;
            found = row;
        }
    }
    return found;
}

/* ---- values */

static char *
canonical_number (const char *type, const char *text)
{
    gboolean negative = *type == 'i' && *text == '-';
    const char *digits = text + negative;
    guint base = *type == 'x' && digits[0] == '0' ? 8 : 10;
    guint64 n;

    if (*type == 'x' && digits[0] == '0' && (digits[1] | 0x20) == 'x') {
        base = 16;
        digits += 2;
        if (digits[0] == '0' && (digits[1] | 0x20) == 'x')
            return NULL;        /* GLib takes a second prefix */
    }
    if (!g_ascii_string_to_unsigned (digits, base, 0, *type == 'x' ? G_MAXUINT32 : G_MAXINT64, &n,
                                     NULL))
        return NULL;
    if (*type == 'x')
        return g_strdup_printf ("0x%0*" G_GINT64_MODIFIER "x", atoi (type + 1), n);
    return g_strdup_printf ("%s%" G_GUINT64_FORMAT, negative ? "-" : "", n);
}

static gboolean
is_word (const char *words, const char *text)
{
    gsize length = strlen (text);

    for (const char *p = words; *p; p += strcspn (p, "|"), p += *p == '|')
        if (strcspn (p, "|") == length && strncmp (p, text, length) == 0)
            return TRUE;
    return FALSE;
}

static char *
canonical_uuid (const char *text)
{
    guint8 uuid[16];
    char formatted[37];

    if (!domain_uuid_parse (text, uuid))
        return NULL;
    domain_uuid_format (uuid, formatted);
    return g_strdup (formatted);
}

/* @text as it is written; NULL when it is not of @type. */
static char *
canonical (const char *type, const char *text)
{
    if (!*type || g_str_equal (type, "text"))
        return g_strdup (text);
    if (*type == '~')
        return is_word (type + 1, text) ? g_strdup (text) : NULL;
    if (strlen (type) > 2)
        return is_word (type, text) ? g_strdup (text) : NULL;
    switch (*type) {
    case 'y':
        return is_word ("yes|no", text) ? g_strdup (text) : NULL;
    case 'o':
        return is_word ("on|off", text) ? g_strdup (text) : NULL;
    case 'c':
        return cpulist_canonical (text, NULL);
    case 'U':
        return canonical_uuid (text);
    default:
        return canonical_number (type, text);
    }
}

static gboolean
is_size (const char *type)
{
    return g_str_equal (type, "k") || g_str_equal (type, "m");
}

/* As libvirt writes them. */
static const char *
size_unit (const char *type)
{
    return *type == 'k' ? "KiB" : "M";
}

/* A size of @text in the unit of the attribute of @in, which is taken, as it is written. */
static char *
scaled (Codec *in, const char *text, const char *type)
{
    guint64 factor = *type == 'k' ? 1024 : 1048576;
    g_autofree char *unit = codec_take (in, "unit", 0);
    g_autoptr (GError) error = NULL;
    guint64 bytes;

    if (!unit_parse (text, unit ? unit : size_unit (type), &bytes, &error)) {
        codec_fail (in, (ErrorCode) error->code, "%s", error->message);
        return NULL;
    }
    return g_strdup_printf ("%" G_GUINT64_FORMAT, bytes / factor + (bytes % factor != 0));
}

/* The value of an attribute as it is written; NULL when there is none, or after an error. */
static char *
read_attr (Codec *in, const Word *word, guint number)
{
    g_autofree char *text
        = in ? codec_take (in, word->name, word->required ? FIELD_REQUIRED : 0) : NULL;
    char *value;

    if (!text && g_str_equal (word->initial, "#"))
        return g_strdup_printf ("%u", number);
    if (!text)
        return *word->initial ? g_strdup (word->initial) : NULL;
    if (g_str_equal (word->type, "-"))
        return NULL;
    if (is_size (word->type))
        return scaled (in, text, word->type);
    value = canonical (word->type, text);
    if (!value && g_str_equal (word->type, "c"))
        codec_fail (in, ERR_INVALID_ARG, "Failed to parse bitmap '%s'", text);
    else if (!value)
        codec_bad_value (in, word->name, text, *word->type == '~' ? FIELD_CONFIG : 0);
    return value;
}

/* ---- elements */

static void copy_children (Codec *in, Codec *out, const char *words, guint number);

static void
copy_text (Codec *in, Codec *out, const char *type)
{
    g_autofree char *text = in ? codec_take_text (in) : NULL, *value = NULL;

    if (!text)
        return;
    if (is_size (type)) {
        value = scaled (in, text, type);
        codec_put (out, "unit", size_unit (type));
    } else if (g_str_equal (type, "U") && !*text) {
        guint8 uuid[16];

        domain_uuid_generate (uuid);
        value = g_malloc (37);
        domain_uuid_format (uuid, value);
    } else {
        value = canonical (type, text);
        if (!value && g_str_equal (type, "U"))
            codec_fail (in, ERR_INTERNAL, "malformed %s element", codec_name (in));
        else if (!value)
            codec_fail (in, *type == '~' ? ERR_CONFIG_UNSUPPORTED : ERR_XML,
                        "Invalid value for element '%s': '%s'", codec_name (in), text);
    }
    if (value && *value)
        codec_put_text (out, value);
}

/* The current element of @in (NULL: an absent one) to that of @out. @number is that of the
 * outermost one. */
static void
copy_element (Codec *in, Codec *out, const PassiveRow *row, guint number)
{
    const char *words = row->attrs;
    Word word;

    while (next_word (&words, &word)) {
        g_autofree char *value = read_attr (in, &word, number);

        if (!value)
            continue;
        codec_put (out, word.name, value);
        if (is_size (word.type))
            codec_put (out, "unit", size_unit (word.type));
    }
    if (row->children)
        copy_children (in, out, row->children, number);
    else if (row->text)
        copy_text (in, out, row->text);
}

/* Aliases are the daemon's; only those with this prefix are the user's. */
static gboolean
is_forgotten (Codec *in, const char *name)
{
    g_autofree char *alias
        = g_str_equal (name, "alias") ? codec_take (in, "name", FIELD_REQUIRED) : NULL;

    return alias && !g_str_has_prefix (alias, "ua-");
}

static void
copy_child (Codec *in, Codec *out, const char *parent, const char *name, guint number)
{
    g_autofree char *type = codec_peek (in, "type");

    if (is_forgotten (in, name))
        return;
    codec_enter (out, name, TRUE);
    copy_element (in, out, find_row (parent, name, type), number);
    codec_leave (out);
}

static void
copy_children (Codec *in, Codec *out, const char *words, guint number)
{
    const char *parent = codec_name (out);
    Word word;

    while (next_word (&words, &word)) {
        gboolean found = FALSE;

        while (in && codec_next (in, word.name, word.many)) {
            copy_child (in, out, parent, word.name, number);
            codec_leave (in);
            found = TRUE;
        }
        if (!found && word.always) {
            codec_enter (out, word.name, TRUE);
            copy_element (NULL, out, find_row (parent, word.name, NULL), number);
            codec_leave (out);
        }
        if (!found && word.required && in)
            codec_fail (in, ERR_XML, "missing element '%s' in element '%s'", word.name, parent);
    }
}

/* ---- what the codec functions of other elements call */

/* Whether @item is an element (or attribute) @name of the current element: one array may keep those
 * of several elements. */
static gboolean
item_is (const Codec *c, const PassiveItem *item, const char *name, gboolean element)
{
    return element == (item->row != NULL) && g_str_equal (item->name, name)
        && g_str_equal (strrchr (item->path, '/') + 1, codec_name (c));
}

typedef struct {
    Codec *in;
    const PassiveRow *row;
    guint number;
} Copy;

static void
copy_root (Codec *out, void *object)
{
    const Copy *copy = object;

    copy_element (copy->in, out, copy->row, copy->number);
}

/* The current element of @c becomes an item. */
static void
read_item (Codec *c, GPtrArray **items, const char *path, const char *name, guint number)
{
    g_autofree char *type = codec_peek (c, "type");
    const PassiveRow *row = find_row (strrchr (path, '/') + 1, name, type);
    const CodecGrammar grammar = { .root = name };
    Copy copy = { c, row, number };
    GString *text;

    if (is_forgotten (c, name))
        return;
    text = g_string_new (NULL);
    codec_write (text, codec_depth (c) - 1, &grammar, 0, copy_root, &copy);
    add_item (items, row, name, g_string_free (text, FALSE), g_strdup (path));
}

void
passive_codec (Codec *c, GPtrArray **items, const char *names)
{
    g_autofree char *path = codec_reading (c) ? codec_path (c) : NULL;
    Word word;

    while (next_word (&names, &word)) {
        if (codec_reading (c)) {
            for (guint number = 0; codec_next (c, word.name, word.many); number++) {
                read_item (c, items, path, word.name, number);
                codec_leave (c);
            }
            continue;
        }
        for (guint i = 0; *items && i < (*items)->len; i++) {
            const PassiveItem *item = g_ptr_array_index (*items, i);

            if (item_is (c, item, word.name, TRUE))
                g_string_append (codec_raw (c), item->text);
        }
    }
}

void
passive_attrs_codec (Codec *c, GPtrArray **items, const char *attrs)
{
    Word word;

    while (next_word (&attrs, &word)) {
        if (codec_reading (c)) {
            char *value = read_attr (c, &word, 0);

            if (value)
                add_item (items, NULL, word.name, value, codec_path (c));
            continue;
        }
        for (guint i = 0; *items && i < (*items)->len; i++) {
            const PassiveItem *item = g_ptr_array_index (*items, i);

            if (item_is (c, item, word.name, FALSE))
                codec_put (c, item->name, item->text);
        }
    }
}

gboolean
passive_has (const GPtrArray *items, const char *name)
{
    for (guint i = 0; items && i < items->len; i++)
        if (g_str_equal (((PassiveItem *) g_ptr_array_index (items, i))->name, name))
            return TRUE;
    return FALSE;
}

void
passive_list (const GPtrArray *items, GPtrArray *paths)
{
    for (guint i = 0; items && i < items->len; i++) {
        const PassiveItem *item = g_ptr_array_index (items, i);

        g_ptr_array_add (paths,
                         g_strdup_printf ("%s/%s%s", item->path, item->row ? "" : "@", item->name));
    }
}
