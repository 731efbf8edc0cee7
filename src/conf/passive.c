/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nodes of what has no effect: reading, writing, and looking at them. */
#include "conf/passive.h"

#include <string.h>

#include "conf/cpulist.h"
#include "conf/domain.h"
#include "conf/number.h"
#include "conf/passive_words.h"
#include "conf/units.h"

typedef struct {
    const PassiveWord *word;
    char *value;
} PassiveAttr;

/* An element, or (kind NULL) an attribute of an element that has an effect: then the text is its
 * value. */
struct PassiveNode {
    const PassiveKind *kind;
    char *name;
    char *text;
    char *path;             /* of an item's parent */
    GPtrArray *attrs;       /* of PassiveAttr, in the order of the row; NULL: none */
    GPtrArray *children;    /* of PassiveNode, in the order of the row; NULL: none */
    gboolean dropped;
    gboolean open;          /* written with an end tag, though it is empty */
};

static void
attr_free (void *item)
{
    PassiveAttr *attr = item;

    g_free (attr->value);
    g_free (attr);
}

static void
node_free (void *item)
{
    PassiveNode *node = item;

    g_free (node->name);
    g_free (node->text);
    g_free (node->path);
    g_clear_pointer (&node->attrs, g_ptr_array_unref);
    g_clear_pointer (&node->children, g_ptr_array_unref);
    g_free (node);
}

static PassiveNode *
node_new (const PassiveKind *kind, const char *name)
{
    PassiveNode *node = g_new0 (PassiveNode, 1);

    node->kind = kind;
    node->name = g_strdup (name);
    return node;
}

static PassiveNode *
add_item (GPtrArray **items, PassiveNode *node, char *path)
{
    if (!*items)
        *items = g_ptr_array_new_with_free_func (node_free);
    node->path = path;
    g_ptr_array_add (*items, node);
    return node;
}

/* ---- looking at nodes */

static PassiveAttr *
find_attr (const PassiveNode *node, const char *name)
{
    for (guint i = 0; node->attrs && i < node->attrs->len; i++) {
        PassiveAttr *attr = g_ptr_array_index (node->attrs, i);

        if (g_str_equal (attr->word->name, name))
            return attr;
    }
    return NULL;
}

const char *
passive_attr (const PassiveNode *node, const char *name)
{
    const PassiveAttr *attr = node ? find_attr (node, name) : NULL;

    return attr ? attr->value : NULL;
}

const char *
passive_text (const PassiveNode *node)
{
    return node ? node->text : NULL;
}

gint64
passive_number (const PassiveNode *node, const char *attr, gint64 absent)
{
    const char *text = passive_attr (node, attr);
    gint64 n;

    return text && number_parse_signed (text, 0, G_MININT64, G_MAXINT64, &n) ? n : absent;
}

gboolean
passive_is (const PassiveNode *node, const char *attr, const char *value)
{
    return !g_strcmp0 (passive_attr (node, attr), value);
}

static guint
word_rank (const PassiveWord *words, guint n, const char *name)
{
    for (guint i = 0; i < n; i++)
        if (g_str_equal (words[i].name, name))
            return i;
    return n;
}

/* Takes @value. */
static void
set_attr (PassiveNode *node, const PassiveWord *word, char *value)
{
    PassiveAttr *attr = g_new0 (PassiveAttr, 1);
    guint at = 0;

    if (!node->attrs)
        node->attrs = g_ptr_array_new_with_free_func (attr_free);
    attr->word = word;
    attr->value = value;
    while (at < node->attrs->len
           && ((PassiveAttr *) g_ptr_array_index (node->attrs, at))->word < word)
        at++;
    g_ptr_array_insert (node->attrs, (int) at, attr);
}

void
passive_set (PassiveNode *node, const char *name, const char *value)
{
    PassiveAttr *attr = find_attr (node, name);
    char *copy = g_strdup (value);      /* it may be the one that goes */

    if (attr)
        g_ptr_array_remove (node->attrs, attr);
    if (copy) {
        guint rank = word_rank (node->kind->attrs, node->kind->n_attrs, name);

        if (rank == node->kind->n_attrs)
            g_error ("the row of '%s' has no attribute '%s'", node->name, name);
        set_attr (node, &node->kind->attrs[rank], copy);
    }
}

void
passive_set_text (PassiveNode *node, const char *text)
{
    g_free (node->text);
    node->text = g_strdup (text);
}

/* The first of @nodes behind @after (NULL: of all) with that name. */
static PassiveNode *
find_node (const GPtrArray *nodes, const char *name, const PassiveNode *after)
{
    gboolean seen = after == NULL;

    for (guint i = 0; nodes && i < nodes->len; i++) {
        PassiveNode *node = g_ptr_array_index (nodes, i);

        if (seen && g_str_equal (node->name, name))
            return node;
        seen |= node == after;
    }
    return NULL;
}

PassiveNode *
passive_child (const PassiveNode *node, const char *name)
{
    return node ? find_node (node->children, name, NULL) : NULL;
}

PassiveNode *
passive_next (const PassiveNode *node, const PassiveNode *child)
{
    return find_node (node->children, child->name, child);
}

PassiveNode *
passive_find (const GPtrArray *items, const char *name, const PassiveNode *after)
{
    return find_node (items, name, after);
}

PassiveNode *
passive_find_element (const GPtrArray *items, const char *name)
{
    PassiveNode *node = find_node (items, name, NULL);

    while (node && !node->kind)
        node = find_node (items, name, node);
    return node;
}

const char *
passive_value (const GPtrArray *items, const char *name)
{
    const PassiveNode *node = find_node (items, name, NULL);

    while (node && node->kind)
        node = find_node (items, name, node);
    return node ? node->text : NULL;
}

gboolean
passive_has (const GPtrArray *items, const char *name)
{
    return find_node (items, name, NULL) != NULL;
}

gboolean
passive_inside (const GPtrArray *items, const char *parent)
{
    for (guint i = 0; items && i < items->len; i++) {
        const PassiveNode *node = g_ptr_array_index (items, i);

        if (g_str_equal (strrchr (node->path, '/') + 1, parent))
            return TRUE;
    }
    return FALSE;
}

static PassiveNode *
insert_child (PassiveNode *node, PassiveNode *child)
{
    const PassiveKind *kind = node->kind;
    guint rank = word_rank (kind->children, kind->n_children, child->name), at = 0;

    if (!node->children)
        node->children = g_ptr_array_new_with_free_func (node_free);
    for (; at < node->children->len; at++) {
        const PassiveNode *other = g_ptr_array_index (node->children, at);

        if (word_rank (kind->children, kind->n_children, other->name) > rank)
            break;
    }
    g_ptr_array_insert (node->children, (int) at, child);
    return child;
}

PassiveNode *
passive_add_kind (PassiveNode *node, const char *name, const char *kind)
{
    guint rank = word_rank (node->kind->children, node->kind->n_children, name);

    g_assert (rank < node->kind->n_children);
    return insert_child (node,
                         node_new (passive_kind_find (node->name, name,
                                                      node->kind->children[rank].type, kind),
                                   name));
}

PassiveNode *
passive_add_child (PassiveNode *node, const char *name)
{
    return passive_add_kind (node, name, NULL);
}

void
passive_remove_child (PassiveNode *node, PassiveNode *child)
{
    g_ptr_array_remove (node->children, child);
}

void
passive_swap (PassiveNode *node, PassiveNode *one, PassiveNode *other)
{
    guint i, k;

    if (!g_ptr_array_find (node->children, one, &i) || !g_ptr_array_find (node->children, other, &k))
        return;
    node->children->pdata[i] = other;
    node->children->pdata[k] = one;
}

gboolean
passive_has_word (const PassiveNode *node, const char *name)
{
    return word_rank (node->kind->children, node->kind->n_children, name)
        < node->kind->n_children;
}

void
passive_drop (PassiveNode *node)
{
    node->dropped = TRUE;
}

void
passive_clear (PassiveNode *node)
{
    g_clear_pointer (&node->attrs, g_ptr_array_unref);
    g_clear_pointer (&node->children, g_ptr_array_unref);
}

void
passive_open (PassiveNode *node)
{
    node->open = TRUE;
}

guint
passive_count (const PassiveNode *node, const char *name)
{
    guint n = 0;

    for (PassiveNode *child = passive_child (node, name); child; child = passive_next (node, child))
        n++;
    return n;
}

void
passive_move (GPtrArray *items, PassiveNode *node, const PassiveNode *before)
{
    guint from, to;

    if (node == before || !g_ptr_array_find (items, node, &from)
        || !g_ptr_array_find (items, before, &to))
        return;
    items->pdata[from] = NULL;
    g_ptr_array_steal_index (items, from);
    g_ptr_array_insert (items, (int) (from < to ? to - 1 : to), node);
}

PassiveNode *
passive_add (GPtrArray **items, const char *path, const char *name, const char *row)
{
    const char *parent = strrchr (path, '/') + 1;
    const char *kind = passive_kind_default (parent, name, row);

    return add_item (items, node_new (passive_kind_find (parent, name, row, kind), name),
                     g_strdup (path));
}

void
passive_remove (GPtrArray *items, PassiveNode *node)
{
    g_ptr_array_remove (items, node);
}

void
passive_list (const GPtrArray *items, GPtrArray *paths)
{
    for (guint i = 0; items && i < items->len; i++) {
        const PassiveNode *node = g_ptr_array_index (items, i);

        g_ptr_array_add (paths, g_strdup_printf ("%s/%s%s", node->path, node->kind ? "" : "@",
                                                 node->name));
    }
}

/* ---- reading */

/* A size of @text in the unit of the current element, as it is written. */
static char *
scaled (Codec *c, const char *text, const char *type)
{
    g_autofree char *unit = codec_take (c, "unit", 0);
    g_autoptr (GError) error = NULL;
    gboolean kib = *type == 'k';
    const char *initial;
    guint64 factor, size;

    passive_size_unit (type, &factor, &initial);
    if (!(kib ? unit_parse_kib : unit_parse) (text, unit ? unit : initial, &size, &error)) {
        codec_fail (c, (ErrorCode) error->code, "%s", error->message);
        return NULL;
    }
    return g_strdup_printf ("%" G_GUINT64_FORMAT, kib ? size : size / factor);
}

/* The value of an attribute as it is written; NULL when there is none, or after an error. */
static char *
read_attr (Codec *c, const PassiveWord *word, guint number)
{
    g_autofree char *text = codec_take (c, word->name, word->required ? FIELD_REQUIRED : 0);
    const char *why;
    char *value;

    if (!text && g_str_equal (word->initial, "#"))
        return g_strdup_printf ("%u", number);
    if (!text)
        return *word->initial ? g_strdup (word->initial) : NULL;
    if (g_str_equal (word->type, "l"))
        return NULL;
    if (passive_is_size (word->type))
        return scaled (c, text, word->type);
    value = passive_canonical (word->type, text, &why);
    if (!value && g_str_equal (word->type, "c"))
        codec_fail (c, ERR_INVALID_ARG, "Failed to parse bitmap '%s'", text);
    else if (!value)
        codec_bad_value_because (c, word->name, text, why);
    if (value && (word->no_zero || passive_is_lenient (word->type))
        && passive_is_zero (word->type, value))
        g_clear_pointer (&value, g_free);
    return value;
}

static char *
read_text (Codec *c, const char *type)
{
    g_autofree char *text = codec_take_text (c);
    const char *why;
    char *value;

    if (!text || !*text)
        return NULL;
    if (passive_is_size (type))
        return scaled (c, text, type);
    value = passive_canonical (type, text, &why);
    if (!value)
        codec_bad_text (c, text);
    if (value && *type == '~' && passive_is_zero (type, value))
        g_clear_pointer (&value, g_free);
    return value;
}

static PassiveNode *read_node (Codec *c, const char *parent, const PassiveWord *word, guint number);

static char *
peek_kind (Codec *c, const char *parent, const PassiveWord *word)
{
    const PassiveWord *first = passive_kind_word (parent, word->name, word->type);
    char *kind = first ? codec_peek (c, first->name) : NULL;

    return kind || !first || !*first->initial ? kind : g_strdup (first->initial);
}

/* The row that a child's word names: '$' is its parent's type. */
static void
row_name (char *to, gsize size, const PassiveWord *word, const char *kind)
{
    const char *hole = strchr (word->type, '$');

    if (hole)
        g_snprintf (to, size, "%.*s%s%s", (int) (hole - word->type), word->type,
                    kind ? kind : "", hole + 1);
    else
        g_strlcpy (to, word->type, size);
}

static void
read_children (Codec *c, PassiveNode *node, guint number)
{
    const char *kind = passive_attr (node, "type");

    for (guint i = 0; i < node->kind->n_children && !codec_failed (c); i++) {
        PassiveWord word = node->kind->children[i];
        gboolean found = FALSE;

        row_name (word.type, sizeof word.type, &node->kind->children[i], kind);
        if (strchr (node->kind->children[i].type, '$') && !passive_row_exists (word.type))
            continue;           /* this type has none */
        while (codec_next (c, word.name, word.many)) {
            PassiveNode *child = read_node (c, node->name, &word, number);

            codec_leave (c);
            if (child)
                insert_child (node, child);
            found = TRUE;
        }
        if (!found && word.required)
            codec_missing_child (c, word.name);
        if (!found && word.always && !codec_failed (c)) {
            PassiveNode *child = passive_add_child (node, word.name);

            for (guint k = 0; k < child->kind->n_attrs; k++) {
                const PassiveWord *attr = &child->kind->attrs[k];

                if (*attr->initial)
                    set_attr (child, attr,
                              *attr->initial == '#' ? g_strdup_printf ("%u", number)
                                                    : g_strdup (attr->initial));
            }
        }
    }
}

/* Aliases are the daemon's; only those with this prefix are the user's. */
static gboolean
is_forgotten (Codec *c, const char *name)
{
    g_autofree char *alias = g_str_equal (name, "alias") ? codec_take (c, "name", 0) : NULL;

    return g_str_equal (name, "alias") && (!alias || !g_str_has_prefix (alias, "ua-"));
}

gboolean
passive_blank (const PassiveNode *node)
{
    return !(node->attrs && node->attrs->len) && !(node->children && node->children->len)
        && !node->text;
}

static gboolean
is_empty (const PassiveNode *node)
{
    const PassiveRow *row = node->kind->row;

    return (row->attrs || row->children || row->text) && passive_blank (node);
}

/* The current element; NULL when nothing of it is to be kept. */
static PassiveNode *
read_node (Codec *c, const char *parent, const PassiveWord *word, guint number)
{
    g_autofree char *kind = peek_kind (c, parent, word);
    PassiveNode *node;

    if (is_forgotten (c, word->name))
        return NULL;
    node = node_new (passive_kind_find (parent, word->name, word->type, kind), word->name);
    for (guint i = 0; i < node->kind->n_attrs; i++) {
        char *value = read_attr (c, &node->kind->attrs[i], number);

        if (value)
            set_attr (node, &node->kind->attrs[i], value);
    }
    if (node->kind->n_children)
        read_children (c, node, number);
    else if (node->kind->row->text)
        node->text = read_text (c, node->kind->row->text);
    if (node->kind->row->rule && !codec_failed (c))
        node->kind->row->rule (c, node);
    if (node->dropped || (is_empty (node) && !word->kept && !node->open))
        g_clear_pointer (&node, node_free);
    return node;
}

/* ---- writing */

static void
write_attr (Codec *c, const char *type, const char *name, const char *value)
{
    const char *initial;
    guint64 factor;

    codec_put (c, name, value);
    if (passive_is_size (type))
        codec_put (c, "unit", passive_size_unit (type, &factor, &initial));
}

static void
write_node (Codec *c, const PassiveNode *node)
{
    const char *type = node->kind->row->text, *initial;
    guint64 factor;

    codec_enter (c, node->name, TRUE);
    for (guint i = 0; node->attrs && i < node->attrs->len; i++) {
        const PassiveAttr *attr = g_ptr_array_index (node->attrs, i);

        write_attr (c, attr->word->type, attr->word->name, attr->value);
    }
    for (guint i = 0; node->children && i < node->children->len; i++)
        write_node (c, g_ptr_array_index (node->children, i));
    if (node->text && passive_is_size (type))
        codec_put (c, "unit", passive_size_unit (type, &factor, &initial));
    if (node->open)
        codec_raw (c);
    if (node->text)
        codec_put_text (c, node->text);
    codec_leave (c);
}

/* ---- what the codec functions of other elements call */

static void (*watcher) (const char *path, const char *words, gboolean attrs);

static void
tell_watcher (Codec *c, const char *words, gboolean attrs)
{
    if (watcher && codec_reading (c)) {
        g_autofree char *path = codec_path (c);

        watcher (path, words, attrs);
    }
}

void
passive_watch (void (*fn) (const char *path, const char *words, gboolean attrs))
{
    watcher = fn;
}

/* Whether @item is an element (or attribute) @name of the current element: one array may keep those
 * of several elements. */
static gboolean
item_is (const Codec *c, const PassiveNode *item, const char *name, gboolean element)
{
    return element == (item->kind != NULL) && g_str_equal (item->name, name)
        && g_str_equal (strrchr (item->path, '/') + 1, codec_name (c));
}

void
passive_codec (Codec *c, GPtrArray **items, const char *names)
{
    PassiveWord word;

    tell_watcher (c, names, FALSE);
    while (passive_word_next (&names, &word)) {
        if (codec_reading (c)) {
            g_autofree char *path = NULL;

            for (guint number = 0; codec_next (c, word.name, word.many); number++) {
                PassiveNode *node;

                if (!path)
                    path = codec_parent_path (c);
                node = read_node (c, strrchr (path, '/') + 1, &word, number);
                codec_leave (c);
                if (node)
                    add_item (items, node, g_strdup (path));
            }
            continue;
        }
        for (guint i = 0; *items && i < (*items)->len; i++) {
            const PassiveNode *item = g_ptr_array_index (*items, i);

            if (item_is (c, item, word.name, TRUE))
                write_node (c, item);
        }
    }
}

void
passive_attrs_codec (Codec *c, GPtrArray **items, const char *attrs)
{
    PassiveWord word;

    tell_watcher (c, attrs, TRUE);
    while (passive_word_next (&attrs, &word)) {
        if (codec_reading (c)) {
            char *value = read_attr (c, &word, 0);

            if (value) {
                PassiveNode *node = add_item (items, node_new (NULL, word.name), codec_path (c));

                node->text = value;
            }
            continue;
        }
        for (guint i = 0; *items && i < (*items)->len; i++) {
            const PassiveNode *item = g_ptr_array_index (*items, i);

            if (item_is (c, item, word.name, FALSE))
                write_attr (c, word.type, item->name, item->text);
        }
    }
}
