/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nodes of what has no effect: looking at them and changing them. */
#include "conf/passive_private.h"

#include <string.h>

#include "conf/number.h"
#include "util/text.h"

static void
attr_free (void *item)
{
    PassiveAttr *attr = item;

    g_free (attr->value);
    g_free (attr);
}

void
passive_node_free (void *item)
{
    PassiveNode *node = item;

    g_free (node->name);
    g_free (node->text);
    g_free (node->path);
    g_clear_pointer (&node->attrs, g_ptr_array_unref);
    g_clear_pointer (&node->children, g_ptr_array_unref);
    g_free (node);
}

PassiveNode *
passive_node_new (const PassiveKind *kind, const char *name)
{
    PassiveNode *node = g_new0 (PassiveNode, 1);

    node->kind = kind;
    node->name = g_strdup (name);
    return node;
}

PassiveNode *
passive_node_add (GPtrArray **items, PassiveNode *node, char *path)
{
    if (!*items)
        *items = g_ptr_array_new_with_free_func (passive_node_free);
    node->path = path;
    g_ptr_array_add (*items, node);
    return node;
}

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

void
passive_node_set (PassiveNode *node, const PassiveWord *word, char *value)
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
        passive_node_set (node, &node->kind->attrs[rank], copy);
    }
}

void
passive_set_text (PassiveNode *node, const char *text)
{
    text_replace (&node->text, text);
}

/* The first of @nodes behind @after (NULL: of all) with that name. */
static PassiveNode *
find_node (const GPtrArray *nodes, const char *name, const PassiveNode *after)
{
    /* so that a walk over many siblings does not begin anew for each */
    gboolean placed = after && nodes && after->place < nodes->len && g_ptr_array_index (nodes, after->place) == after;
    gboolean seen = !after || placed;

    for (guint i = placed ? after->place + 1 : 0; nodes && i < nodes->len; i++) {
        PassiveNode *node = g_ptr_array_index (nodes, i);

        if (seen && g_str_equal (node->name, name)) {
            node->place = i;
            return node;
        }
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

PassiveNode *
passive_node_insert (PassiveNode *node, PassiveNode *child)
{
    const PassiveKind *kind = node->kind;
    guint rank = word_rank (kind->children, kind->n_children, child->name), at;

    if (!node->children)
        node->children = g_ptr_array_new_with_free_func (passive_node_free);
    /* from the end, since nearly all are read in the order of the row */
    for (at = node->children->len; at > 0; at--) {
        const PassiveNode *other = g_ptr_array_index (node->children, at - 1);

        if (word_rank (kind->children, kind->n_children, other->name) <= rank)
            break;
    }
    g_ptr_array_insert (node->children, (int) at, child);
    return child;
}

PassiveNode *
passive_add_kind (PassiveNode *node, const char *name, const char *kind)
{
    guint rank = word_rank (node->kind->children, node->kind->n_children, name);
    const PassiveKind *found;
    PassiveWord word;

    g_assert (rank < node->kind->n_children);
    passive_word_row (&node->kind->children[rank], passive_attr (node, "type"), word.type, sizeof word.type);
    found = passive_kind_find (node->name, name, word.type, kind);
    return passive_node_insert (node, passive_node_new (found, name));
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
    other->place = i;
    one->place = k;
}

guint
passive_length (const PassiveNode *node)
{
    return node && node->children ? node->children->len : 0;
}

PassiveNode *
passive_nth (const PassiveNode *node, guint i)
{
    return g_ptr_array_index (node->children, i);
}

void
passive_reorder (PassiveNode *node, const GPtrArray *names)
{
    guint done = 0;

    for (guint i = 0; i < names->len; i++)
        for (guint k = done; k < passive_length (node); k++)
            if (g_str_equal (passive_nth (node, k)->name, g_ptr_array_index (names, i))) {
                PassiveNode *child = g_ptr_array_steal_index (node->children, k);

                g_ptr_array_insert (node->children, (int) done++, child);
                break;
            }
}

void
passive_move_child (PassiveNode *from, PassiveNode *child, PassiveNode *to)
{
    guint at;

    if (g_ptr_array_find (from->children, child, &at))
        passive_node_insert (to, g_ptr_array_steal_index (from->children, at));
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
    guint from, to = items->len;

    if (node == before || !g_ptr_array_find (items, node, &from)
        || (before && !g_ptr_array_find (items, before, &to)))
        return;
    items->pdata[from] = NULL;
    g_ptr_array_steal_index (items, from);
    g_ptr_array_insert (items, (int) (from < to ? to - 1 : to), node);
}

void
passive_sort (PassiveNode *node, GCompareFunc compare)
{
    if (node->children)
        g_ptr_array_sort (node->children, compare);
}

PassiveNode *
passive_add (GPtrArray **items, const char *path, const char *name, const char *row)
{
    const char *parent = strrchr (path, '/') + 1;
    const PassiveKind *kind = passive_kind_find (parent, name, row,
                                                 passive_kind_default (parent, name, row));

    return passive_node_add (items, passive_node_new (kind, name), g_strdup (path));
}

void
passive_add_attr (GPtrArray **items, const char *path, const char *name, const char *value)
{
    PassiveNode *node = passive_node_add (items, passive_node_new (NULL, name), g_strdup (path));

    node->text = g_strdup (value);
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

GPtrArray *
passive_children (const PassiveNode *node)
{
    return node->children;
}

const char *
passive_name (const PassiveNode *node)
{
    return node->name;
}

gboolean
passive_blank (const PassiveNode *node)
{
    return !(node->attrs && node->attrs->len) && !(node->children && node->children->len)
        && !node->text;
}
