/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema_rows.h"

#include <string.h>

#include "conf/passive_words.h"

/* element -> set of words: what its codec function reads from rows. */
static GHashTable *children_of, *attrs_of;
/* Defines that are to be written, and those that are. */
static GQueue pending = G_QUEUE_INIT;
static GHashTable *known;

/* "disk.driver" of "/domain/devices/disk/driver". */
static char *
element_of (const char *path)
{
    const char *last = strrchr (path, '/');

    if (g_str_has_prefix (path, "/domain/devices/"))
        return g_strdelimit (g_strdup (path + strlen ("/domain/devices/")), "/", '.');
    if (last == path)
        return g_strdup (path + 1);
    return g_strdelimit (g_strdup (path + strlen ("/domain/")), "/", '.');
}

static void
collect (const char *path, const char *words, gboolean attrs)
{
    g_autofree char *element = element_of (path);
    GHashTable *table = attrs ? attrs_of : children_of;
    g_auto (GStrv) split = g_strsplit (words, " ", -1);
    GHashTable *set = g_hash_table_lookup (table, element);

    if (!set) {
        set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert (table, g_strdup (element), set);
    }
    for (guint i = 0; split[i]; i++)
        if (*split[i])
            g_hash_table_add (set, g_strdup (split[i]));
}

void
schema_rows_watch (void)
{
    children_of = g_hash_table_new (g_str_hash, g_str_equal);
    attrs_of = g_hash_table_new (g_str_hash, g_str_equal);
    known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    passive_watch (collect);
}

/* ---- values */

static const struct {
    const char *type, *define;
} types[] = {
    { "", "anyText" },      { "text", "anyText" }, { "l", "anyText" },    { "u", "uint" },
    { "U", "ulong" },       { "n", "positive" },   { "N", "positiveLong" }, { "i", "integer" }, { "j", "integer" },
    { "p", "int" },         { "y", "yesNo" },      { "o", "onOff" },      { "c", "cpulist" },
    { "k", "ulong" },       { "w", "ulong" },      { "M", "ulong" },      { "b", "ulong" },
    { "G", "ulong" },       { "K", "ulong" },      { "H4", "bareHexadecimal" },
         { "uuid", "uuid" },
    { "x1", "hexadecimal" }, { "x2", "hexadecimal" }, { "x4", "hexadecimal" },
    { "x8", "hexadecimal" }, { "I", "longInteger" },  { "a", "hexadecimal" },
    { "A", "hexadecimal" },
    { "h1", "bareHexadecimal" }, { "h8", "bareHexadecimal" },
    { "s2", "usbNumber" },  { "s4", "usbNumber" },    { "t", "integer" },
    { "e", "integer" },     { "H1", "bareHexadecimal" },   { "q", "hexadecimal" },
    { "X1", "hexadecimal" }, { "A", "hexadecimal" },  { "J", "longInteger" },
};

static void
write_value (GString *out, const char *type)
{
    type += g_str_has_prefix (type, "j/") ? 2 : 0;
    for (guint i = 0; i < G_N_ELEMENTS (types); i++)
        if (g_str_equal (type, types[i].type)) {
            g_string_append_printf (out, "<ref name=\"%s\"/>", types[i].define);
            return;
        }
    if (*type == '~')
        g_string_append (out, "<ref name=\"anyText\"/>");
    else
        g_string_append_printf (
            out, "<data type=\"string\"><param name=\"pattern\">%s</param></data>", type);
}

static void
write_attr (GString *out, const PassiveWord *word, const char *kind, guint indent)
{
    g_autofree char *pad = g_strnfill (indent, ' ');

    g_string_append_printf (out, "%s%s<attribute name=\"%s\">", pad,
                            word->required ? "" : "<optional>", word->name);
    if (kind)
        g_string_append_printf (out, "<value type=\"string\">%s</value>", kind);
    else if (word->no_empty && word->required && !*word->type)
        g_string_append (out, "<ref name=\"nonEmpty\"/>");
    else if (word->no_empty && !word->required && *word->type) {
        g_string_append (out, "<choice><value type=\"string\"/>");
        write_value (out, word->type);
        g_string_append (out, "</choice>");
    } else
        write_value (out, word->type);
    g_string_append_printf (out, "</attribute>%s\n", word->required ? "" : "</optional>");
    if (passive_is_size (word->type))
        g_string_append_printf (
            out, "%s<optional><attribute name=\"unit\"><ref name=\"unit\"/></attribute></optional>\n",
            pad);
}

/* ---- elements */

/* A define for element @name of row @row below @parent, of one @kind or (NULL) any: rows that apply
 * to every parent have one for all. */
static char *
define_name (const char *parent, const char *name, const char *row, const char *kind)
{
    const PassiveKind *general = passive_kind_find (parent, name, row, NULL);
    /* rows that go by another name may be of several elements */
    char *text = g_strconcat ("row.", general->row->element, *row ? "." : "", *row ? name : "",
                              kind ? "." : "", kind ? kind : "", NULL);

    return g_strdelimit (text, "/[]", '_');
}

typedef struct {
    char *define, *parent, *name, *row, *kind;
} Pending;

static void
pending_free (Pending *item)
{
    g_free (item->define);
    g_free (item->parent);
    g_free (item->name);
    g_free (item->row);
    g_free (item->kind);
    g_free (item);
}

static void
write_ref (GString *out, const char *parent, const char *name, const char *row, const char *kind)
{
    g_autofree char *define = define_name (parent, name, row, kind);

    g_string_append_printf (out, "<ref name=\"%s\"/>", define);
    if (!g_hash_table_add (known, g_strdup (define)))
        return;
    Pending *item = g_new (Pending, 1);

    *item = (Pending) { g_strdup (define), g_strdup (parent), g_strdup (name), g_strdup (row),
                        g_strdup (kind) };
    g_queue_push_tail (&pending, item);
}

/* The kinds that the first attribute of a row tells, when they make a difference. */
static char **
kinds_of (const char *parent, const char *name, const char *row)
{
    const PassiveKind *general = passive_kind_find (parent, name, row, NULL);
    const PassiveWord *first = passive_kind_word (parent, name, row);
    g_auto (GStrv) kinds = g_strsplit (first ? first->type : "", "|", -1);
    gboolean differ = FALSE;

    if (!first || (!strchr (first->type, '|') && !g_str_equal (first->type, "usb")))
        return NULL;
    for (guint i = 0; kinds[i]; i++)
        differ |= passive_kind_find (parent, name, row, kinds[i]) != general;
    for (guint i = 0; i < general->n_children; i++) {
        differ |= strchr (general->children[i].type, '$') != NULL;
        /* what contains itself is one define for all kinds: of a choice libxml2 tries every one to
         * the end, at each level */
        if (g_str_equal (general->children[i].name, name))
            return NULL;
    }
    return differ ? g_steal_pointer (&kinds) : NULL;
}

/* Any of the kinds of an element. */
static void
write_choice (GString *out, const char *parent, const PassiveWord *word, const char *parent_kind)
{
    g_autofree char *row = g_strdup (word->type);
    g_auto (GStrv) kinds = NULL;
    char *hole = strchr (row, '$');

    if (hole && !parent_kind) {
        const PassiveWord *first = passive_kind_word ("", parent, "");
        g_auto (GStrv) all = g_strsplit (first ? first->type : "", "|", -1);

        g_string_append (out, "<choice>");
        for (guint i = 0; all[i]; i++)
            write_choice (out, parent, word, all[i]);
        g_string_append (out, "</choice>");
        return;
    }
    if (hole) {
        g_autofree char *filled = g_strdup_printf ("%.*s%s%s", (int) (hole - row), row,
                                                   parent_kind ? parent_kind : "", hole + 1);

        if (!passive_row_exists (filled))
            return;
        g_free (row);
        row = g_steal_pointer (&filled);
    }
    kinds = kinds_of (parent, word->name, row);
    if (!kinds) {
        write_ref (out, parent, word->name, row, NULL);
        return;
    }
    g_string_append (out, "<choice>");
    for (guint i = 0; kinds[i]; i++)
        write_ref (out, parent, word->name, row, kinds[i]);
    /* by default, one of them */
    if (!passive_kind_word (parent, word->name, row)->required)
        write_ref (out, parent, word->name, row, "");
    g_string_append (out, "</choice>");
}

/* The types of an element of kind @found whose kind is told by another attribute; NULL. */
static char **
types_beside (const PassiveKind *found, const PassiveWord *first)
{
    for (guint i = 0; i < found->n_attrs; i++)
        if (g_str_equal (found->attrs[i].name, "type") && first && !g_str_equal (first->name, "type"))
            return g_strsplit (found->attrs[i].type, "|", -1);
    return NULL;
}

static void
write_child (GString *out, const Pending *item, const PassiveKind *found, const PassiveWord *word,
             const char *kind)
{
    const char *quantity = word->many ? "zeroOrMore" : word->required ? NULL : "optional";
    g_autoptr (GString) choice = g_string_new (NULL);
    g_auto (GStrv) beside
        = strchr (word->type, '$')
              ? types_beside (found, passive_kind_word (item->parent, item->name, item->row))
              : NULL;

    if (beside)
        g_string_append (choice, "<choice>");
    for (guint i = 0; beside && beside[i]; i++)
        write_choice (choice, item->name, word, beside[i]);
    if (beside)
        g_string_append (choice, "</choice>");
    else
        write_choice (choice, item->name, word, kind);
    if (!choice->len)
        return;
    if (quantity)
        g_string_append_printf (out, "      <%s>%s</%s>\n", quantity, choice->str, quantity);
    else
        g_string_append_printf (out, "      %s\n", choice->str);
}

static void
write_text (GString *out, const char *type)
{
    if (g_str_equal (type, "text") || !*type) {
        g_string_append (out, "      <text/>\n");
        return;
    }
    if (passive_is_size (type))
        g_string_append (out, "      <optional><attribute name=\"unit\"><ref name=\"unit\"/>"
                              "</attribute></optional>\n");
    g_string_append (out, "      <choice><value type=\"string\"/>");
    write_value (out, type);
    g_string_append (out, "</choice>\n");
}

static void
write_define (GString *out, const Pending *item)
{
    const char *kind = item->kind && *item->kind ? item->kind : NULL;
    const PassiveWord *first = passive_kind_word (item->parent, item->name, item->row);
    const char *effective = kind ? kind
        : item->kind                          ? passive_kind_default (item->parent, item->name,
                                                                       item->row)
                                              : NULL;
    const PassiveKind *found
        = passive_kind_find (item->parent, item->name, item->row, effective);
    g_autoptr (GString) children = g_string_new (NULL);
    gboolean alias = g_str_equal (item->name, "alias");

    g_string_append_printf (out, "  <define name=\"%s\">\n    <element name=\"%s\">\n",
                            item->define, item->name);
    for (guint i = 0; i < found->n_attrs; i++)
        if (!item->kind || !g_str_equal (found->attrs[i].name, first->name))
            write_attr (out, &found->attrs[i], NULL, 6);
        else if (kind)
            g_string_append_printf (out, "      <attribute name=\"%s\"><value type=\"string\">%s"
                                         "</value></attribute>\n",
                                    first->name, kind);
    for (guint i = 0; i < found->n_children && !alias; i++)
        write_child (children, item, found, &found->children[i], effective);
    if (children->len)
        g_string_append_printf (out, "      <interleave>\n%s      </interleave>\n", children->str);
    else if (found->row->text)
        write_text (out, found->row->text);
    else
        g_string_append (out, "      <empty/>\n");
    g_string_append (out, "    </element>\n  </define>\n\n");
}

/* ---- what codec functions ask for */

static int
compare_text (gconstpointer a, gconstpointer b)
{
    return strcmp (*(char *const *) a, *(char *const *) b);
}

static GPtrArray *
sorted_keys (GHashTable *table)
{
    GPtrArray *keys = g_ptr_array_new ();
    GHashTableIter iter;
    void *key;

    g_hash_table_iter_init (&iter, table);
    while (g_hash_table_iter_next (&iter, &key, NULL))
        g_ptr_array_add (keys, key);
    g_ptr_array_sort (keys, compare_text);
    return keys;
}

/* Children that the element's codec function reads itself for some kinds: not in its group. */
static const char *const apart[] = { "console.source", "disk.source", "hostdev.source",
                                     "interface.source", "filesystem.source", NULL };

/* "child.ELEMENT.CHILD" for each child that the element's codec function reads from rows, where several
 * words for one are a choice; and "in.ELEMENT" for all. */
static void
write_group (GString *out, const char *element, GHashTable *set)
{
    g_autoptr (GPtrArray) words = sorted_keys (set);
    g_autoptr (GString) group = g_string_new (NULL);
    const char *dot = strrchr (element, '.'), *parent = dot ? dot + 1 : element;

    for (guint i = 0; i < words->len;) {
        g_autoptr (GString) choice = g_string_new (NULL);
        g_autofree char *name = NULL;
        const char *text = g_ptr_array_index (words, i), *quantity;
        PassiveWord word, other;
        guint n = 0;

        passive_word_next (&text, &word);
        quantity = word.many ? "zeroOrMore" : "optional";
        name = g_strconcat (element, ".", word.name, NULL);
        for (other = word; g_str_equal (other.name, word.name);) {
            write_choice (choice, parent, &other, NULL);
            n++;
            if (++i >= words->len)
                break;
            text = g_ptr_array_index (words, i);
            passive_word_next (&text, &other);
        }
        g_string_append_printf (out, "  <define name=\"child.%s\">\n    %s%s%s\n  </define>\n\n", name,
                                n > 1 ? "<choice>" : "", choice->str, n > 1 ? "</choice>" : "");
        if (!g_strv_contains (apart, name))
            g_string_append_printf (group, "      <%s><ref name=\"child.%s\"/></%s>\n", quantity,
                                    name, quantity);
    }
    /* libxml2 loses its way where one branch of an interleave has several elements: what are devices
     * is one choice, which domain.rng makes */
    if (g_str_equal (element, "devices"))
        return;
    g_string_append_printf (out, "  <define name=\"in.%s\">\n    <interleave>\n%s"
                                 "    </interleave>\n  </define>\n\n", element, group->str);
}

static void
write_attr_group (GString *out, const char *element, GHashTable *set)
{
    g_autoptr (GPtrArray) words = sorted_keys (set);

    g_string_append_printf (out, "  <define name=\"attributes.%s\">\n    <empty/>\n", element);
    for (guint i = 0; i < words->len;) {
        g_autoptr (GString) values = g_string_new (NULL);
        const char *text = g_ptr_array_index (words, i);
        PassiveWord word, other;

        /* of several types with an attribute of one name each may have other values */
        passive_word_next (&text, &word);
        for (other = word; g_str_equal (other.name, word.name);) {
            write_value (values, other.type);
            if (++i >= words->len)
                break;
            text = g_ptr_array_index (words, i);
            passive_word_next (&text, &other);
        }
        g_string_append_printf (out, "    <optional><attribute name=\"%s\"><choice>%s</choice>"
                                     "</attribute></optional>\n", word.name, values->str);
    }
    g_string_append (out, "  </define>\n\n");
}

char *
schema_rows_text (void)
{
    GString *out = g_string_new (
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n"
        "<!-- What has no effect: written from the rows of src/conf/passive*_rows.c by the test xml\n"
        "     (SKEP_TEST_REGENERATE=1). in.X are children that X may have besides its own, attributes.X\n"
        "     attributes. -->\n"
        "<grammar xmlns=\"http://relaxng.org/ns/structure/1.0\"\n"
        "         datatypeLibrary=\"http://www.w3.org/2001/XMLSchema-datatypes\">\n\n");
    g_autoptr (GPtrArray) elements = sorted_keys (children_of);
    g_autoptr (GPtrArray) with_attrs = sorted_keys (attrs_of);
    Pending *item;

    for (guint i = 0; i < elements->len; i++)
        write_group (out, elements->pdata[i], g_hash_table_lookup (children_of, elements->pdata[i]));
    for (guint i = 0; i < with_attrs->len; i++)
        write_attr_group (out, with_attrs->pdata[i],
                          g_hash_table_lookup (attrs_of, with_attrs->pdata[i]));
    while ((item = g_queue_pop_head (&pending))) {
        write_define (out, item);
        pending_free (item);
    }
    g_string_append (out, "</grammar>\n");
    return g_string_free (out, FALSE);
}
