/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/passive_words.h"

#include <stdlib.h>
#include <string.h>

#include "conf/cpulist.h"
#include "conf/domain.h"
#include "conf/number.h"
#include "util/lock.h"

/* ---- words */

static void
copy_part (char *to, gsize size, const char *from, gsize length)
{
    g_assert (length < size);       /* rows are ours */
    memcpy (to, from, length);
    to[length] = '\0';
}

gboolean
passive_word_next (const char **words, PassiveWord *word)
{
    const char *p = *words ? *words + strspn (*words, " ") : "", *end = p + strcspn (p, " ");
    gsize length = strcspn (p, " :!*+?%^&>=");

    if (p == end)
        return FALSE;
    *words = end;
    *word = (PassiveWord) { 0 };
    copy_part (word->name, sizeof word->name, p, length);
    p += length;
    if (*p == ':') {
        gsize whole = strcspn (++p, " !=*+?%^&>");

        /* words may have '-' in them, the flag is behind */
        length = whole > 1 && p[whole - 1] == '-' ? whole - 1 : whole;
        copy_part (word->type, sizeof word->type, p, length);
        p += length;
    }
    for (; p < end && *p != '='; p++) {
        word->many |= *p == '*';
        word->required |= *p == '!';
        word->always |= *p == '+';
        word->kept |= *p == '?' || *p == '+';
        word->no_zero |= *p == '-';
        word->when_on |= *p == '&';
        word->no_empty |= *p == '%';
        word->judged |= *p == '>';
        word->secret |= *p == '^';
    }
    if (p < end)
        copy_part (word->initial, sizeof word->initial, p + 1, (gsize) (end - p) - 1);
    return TRUE;
}

/* ---- kinds */

static PassiveWord *
split (const char *words, guint *ret_n)
{
    g_autoptr (GArray) array = g_array_new (FALSE, FALSE, sizeof (PassiveWord));
    PassiveWord word;

    while (passive_word_next (&words, &word))
        g_array_append_val (array, word);
    *ret_n = array->len;
    return (PassiveWord *) (void *) g_array_free (g_steal_pointer (&array), FALSE);
}

typedef struct {
    PassiveWord *words;
    guint n;
} Words;

const PassiveWord *
passive_words (const char *words, guint *ret_n)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static GHashTable *known;       /* by the string's address */
    autolock pthread_mutex_t *held = lock_take (&lock);
    Words *found;

    if (!known)
        known = g_hash_table_new (NULL, NULL);
    found = g_hash_table_lookup (known, words);
    if (!found) {
        found = g_new0 (Words, 1);
        found->words = split (words, &found->n);
        g_hash_table_insert (known, (char *) words, found);
    }
    *ret_n = found->n;
    return found->words;
}

static void
add_rows (GHashTable *kinds, const PassiveRow *rows)
{
    for (const PassiveRow *row = rows; row->element; row++) {
        PassiveKind *kind = g_new0 (PassiveKind, 1);

        kind->row = row;
        kind->attrs = split (row->attrs, &kind->n_attrs);
        kind->children = split (row->children, &kind->n_children);
        if (!g_hash_table_insert (kinds, (char *) row->element, kind))
            g_error ("two rows for '%s'", row->element);
    }
}

/* Made once, and kept: the rows are constant. */
static GHashTable *
all_kinds (void)
{
    static gsize once;
    static GHashTable *kinds;

    if (g_once_init_enter (&once)) {
        kinds = g_hash_table_new (g_str_hash, g_str_equal);
        add_rows (kinds, passive_rows);
        add_rows (kinds, passive_device_rows);
        add_rows (kinds, passive_chardev_rows);
        add_rows (kinds, passive_host_rows);
        add_rows (kinds, passive_storage_rows);
        add_rows (kinds, passive_graphics_rows);
        g_once_init_leave (&once, 1);
    }
    return kinds;
}

static const PassiveKind *
look_up (const char *parent, const char *name, const char *kind)
{
    const char *const parts[] = { parent ? parent : "", parent ? "/" : "", name, kind ? "[" : "", kind ? kind : "",
                                  kind ? "]" : "" };
    char key[160];
    gsize used = 0;

    for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
        gsize length = strlen (parts[i]);

        if (length >= sizeof key - used)
            return NULL;        /* rows are shorter */
        memcpy (key + used, parts[i], length + 1);
        used += length;
    }
    return g_hash_table_lookup (all_kinds (), key);
}

/* Without regard to the kind. */
static const PassiveKind *
find_general (const char *parent, const char *name, const char *row)
{
    const PassiveKind *found = row && *row ? look_up (NULL, row, NULL) : NULL;

    if (!found)
        found = look_up (parent, name, NULL);
    return found ? found : look_up (NULL, name, NULL);
}

gboolean
passive_row_exists (const char *row)
{
    return look_up (NULL, row, NULL) != NULL;
}

void
passive_word_row (const PassiveWord *word, const char *type, char *to, gsize size)
{
    const char *hole = strchr (word->type, '$');

    if (hole)
        g_snprintf (to, size, "%.*s%s%s", (int) (hole - word->type), word->type, type ? type : "", hole + 1);
    else
        g_strlcpy (to, word->type, size);
}

gboolean
passive_kind_has_hole (const PassiveKind *kind)
{
    for (guint i = 0; i < kind->n_children; i++)
        if (strchr (kind->children[i].type, '$'))
            return TRUE;
    return FALSE;
}

const PassiveWord *
passive_kind_word (const char *parent, const char *name, const char *row)
{
    const PassiveKind *kind = find_general (parent, name, row);

    if (!kind || !kind->n_attrs)
        return NULL;
    for (guint i = 0; i < kind->n_attrs; i++)
        if (kind->attrs[i].many)
            return &kind->attrs[i];
    return &kind->attrs[0];
}

const char *
passive_kind_default (const char *parent, const char *name, const char *row)
{
    const PassiveWord *word = passive_kind_word (parent, name, row);

    return word && *word->initial ? word->initial : NULL;
}

const PassiveKind *
passive_kind_find (const char *parent, const char *name, const char *row, const char *kind)
{
    const PassiveKind *found = NULL;

    if (kind && row && *row)
        found = look_up (NULL, row, kind);
    if (!found && kind)
        found = look_up (parent, name, kind);
    if (!found && kind && !(row && *row))
        found = look_up (NULL, name, kind);
    if (!found)
        found = find_general (parent, name, row);
    if (!found)
        g_error ("no row for '%s' in '%s'", name, parent);
    return found;
}

/* ---- values */

static char *
canonical_unsigned (const char *text, guint base, guint64 max, gboolean zero, const char **ret_why)
{
    char number[NUMBER_SIZE];
    guint64 n;

    if (!number_parse_unsigned (text, base, max, &n)) {
        *ret_why = ". Expected non-negative integer value";
        return NULL;
    }
    if (!zero && n == 0) {
        *ret_why = CODEC_ZERO;
        return NULL;
    }
    return g_strdup (number_format (n, number));
}

static char *
canonical_signed (const char *text, guint base, gint64 min, gboolean wide, const char **ret_why)
{
    gint64 n;

    if (!number_parse_signed (text, base, wide ? G_MININT64 : G_MININT, wide ? G_MAXINT64 : G_MAXINT, &n)) {
        *ret_why = wide ? ". Expected long long integer value" : ". Expected integer value";
        return NULL;
    }
    if (n < min) {
        *ret_why = ". Expected non-negative value";
        return NULL;
    }
    return g_strdup_printf ("%" G_GINT64_FORMAT, n);
}

static char *
canonical_hex (const char *type, const char *text, const char **ret_why)
{
    const char *digits = type + 1;
    guint64 n;

    if (!number_parse_unsigned (text, *type == 'x' || *type == 'X' ? 0 : 16,
                                *type == 'h' ? G_MAXUINT64 : *type == 'X' ? G_MAXINT : G_MAXUINT32,
                                &n)) {
        *ret_why = ". Expected non-negative integer value";
        return NULL;
    }
    return g_strdup_printf ("0x%0*" G_GINT64_MODIFIER "x", atoi (digits), n);
}

/* As canonical_hex(), but -1 is none, "0". */
static char *
canonical_usb (const char *type, const char *text, const char **ret_why)
{
    gint64 n;

    if (!number_parse_signed (text, 0, G_MININT, G_MAXINT, &n)) {
        *ret_why = ". Expected integer value";
        return NULL;
    }
    if (n < -1) {
        *ret_why = ". Expected non-negative value";
        return NULL;
    }
    return n == -1 ? g_strdup ("") : g_strdup_printf ("0x%0*X", atoi (type + 1), (guint) n);
}

/* Of 32 bits, where less than 0 is as good as what it becomes without a sign; -1 is none. */
static char *
canonical_wrapped (const char *text)
{
    gint64 n;

    if (!number_parse_signed (text, 10, -(gint64) G_MAXUINT32, G_MAXUINT32, &n))
        return NULL;
    return (guint32) n == G_MAXUINT32 ? g_strdup ("") : g_strdup_printf ("%d", (int) (guint32) n);
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

char *
passive_canonical (const char *type, const char *text, const char **ret_why)
{
    *ret_why = NULL;
    if (!*type || g_str_equal (type, "text") || g_str_equal (type, "j") || g_str_has_prefix (type, "j/"))
        return g_strdup (text);
    if (g_str_equal (type, "uuid"))
        return canonical_uuid (text);
    if (*type == '~')
        return g_strdup (is_word (type + 1, text) ? text : "");
    if (strlen (type) > 2) {
        *ret_why = ".";
        return is_word (type, text) ? g_strdup (text) : NULL;
    }
    switch (*type) {
    case 'y':
    case 'o':
        *ret_why = ".";
        return is_word (*type == 'y' ? "yes|no" : "on|off", text) ? g_strdup (text) : NULL;
    case 'c':
        *ret_why = CODEC_BITMAP;
        return cpulist_canonical (text, NULL);
    case 'x':
    case 'X':
    case 'h':
    case 'H':
        return canonical_hex (type, text, ret_why);
    case 's':
        return canonical_usb (type, text, ret_why);
    case 't':
        return canonical_wrapped (text);
    case 'i':
    case 'p':
    case 'q':
    case 'e':
        return canonical_signed (text, strchr ("qe", *type) ? 0 : 10, strchr ("ie", *type) ? G_MININT : 0,
                                 FALSE, ret_why);
    case 'I':
    case 'J':
        return canonical_signed (text, *type == 'I' ? 10 : 0, G_MININT64, TRUE, ret_why);
    case 'a':
    case 'A':
        return canonical_unsigned (text, 0, *type == 'a' ? G_MAXUINT32 : G_MAXUINT64, TRUE, ret_why);
    case 'u':
    case 'n':
        return canonical_unsigned (text, 10, G_MAXUINT32, *type == 'u', ret_why);
    default:
        return canonical_unsigned (text, 10, G_MAXUINT64, *type == 'U', ret_why);
    }
}

gboolean
passive_is_lenient (const char *type)
{
    return *type == '~' || g_str_equal (type, "t") || (*type == 's' && strlen (type) == 2);
}

gboolean
passive_is_size (const char *type)
{
    return type[0] && !type[1] && strchr ("kwMbGK", type[0]) != NULL;
}

/* As libvirt writes them. */
const char *
passive_size_unit (const char *type, guint64 *ret_factor, const char **ret_default)
{
    gboolean kib = *type == 'k' || *type == 'w';

    *ret_factor = kib ? 1024 : *type == 'M' ? 1048576 : 1;
    *ret_default = kib || *type == 'K' ? "KiB" : *type == 'G' ? "MiB" : "bytes";
    return kib ? "KiB" : *type == 'M' ? "M" : "bytes";
}

const char *
passive_size_written (const char *type, const char *value, char number[32])
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };    /* libvirt: no more */
    guint64 factor, size = g_ascii_strtoull (value, NULL, 10);
    const char *initial;
    guint at = 0;

    g_strlcpy (number, value, 32);
    if (*type != 'G' && *type != 'K')
        return passive_size_unit (type, &factor, &initial);
    for (; size && size % 1024 == 0 && at + 1 < G_N_ELEMENTS (units); at++)
        size /= 1024;
    g_snprintf (number, 32, "%" G_GUINT64_FORMAT, size);
    return units[at];
}

gboolean
passive_is_zero (const char *type, const char *value)
{
    gsize length;

    if (!*value)
        return passive_is_lenient (type) || g_str_equal (type, "c");
    if (g_str_equal (type, "c") || g_str_equal (type, "t") || (*type == 's' && strlen (type) == 2))
        return FALSE;           /* CPU 0 is one, and so are port 0 and class 0 */
    type += *type == '~';
    length = strcspn (type, "|");
    if (strlen (type) > 2)
        return strlen (value) == length && strncmp (type, value, length) == 0;
    return !value[strspn (value, "0x")];    /* or 0x00 */
}
