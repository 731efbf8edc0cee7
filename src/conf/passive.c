/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading and writing what has no effect. */
#include "conf/passive_private.h"
#include "conf/passive_rules.h"

#include <string.h>

#include "conf/number.h"

/* ---- reading */

/* A size of @text in the unit of the current element, as it is written; of an attribute @attr, or
 * (NULL) the element's text. */
static char *
scaled (Codec *c, const char *text, const char *type, const char *attr)
{
    g_autofree char *unit = codec_take (c, "unit", 0);
    const char *initial;
    guint64 factor, size;
    char number[NUMBER_SIZE];
    CodecSize how = *type == 'k' ? CODEC_SIZE_KIB : strchr ("GKwMb", *type) ? CODEC_SIZE_WIDE
                                                                        : CODEC_SIZE_BYTES;

    passive_size_unit (type, &factor, &initial);
    if (!codec_parse_size (c, attr, text, unit, initial, how, &size))
        return NULL;
    /* rounded up but for those that were never */
    if (*type == 'w')
        size = size / factor + (size % factor != 0);
    else if (*type != 'k')
        size /= factor;
    return g_strdup (number_format (size, number));
}

/* The value of an attribute as it is written; NULL when there is none, or after an error. */
static char *
read_attr (Codec *c, const PassiveWord *word, guint number)
{
    g_autofree char *text = codec_take (c, word->name, word->required && !word->judged ? FIELD_REQUIRED : 0);
    const char *why;
    char *value;

    if (word->no_empty && text && !*text) {
        g_clear_pointer (&text, g_free);
        if (word->required)
            codec_missing (c, word->name);
    }
    if (!text && g_str_equal (word->initial, "#"))
        return g_strdup_printf ("%u", number);
    if (!text)
        return *word->initial ? g_strdup (word->initial) : NULL;
    if (g_str_equal (word->type, "l"))
        return NULL;
    if (word->judged)
        return g_steal_pointer (&text);
    if (passive_is_size (word->type))
        return scaled (c, text, word->type, word->name);
    value = passive_canonical (word->type, text, &why);
    if (!value)
        codec_bad_value_because (c, word->name, text, why);
    else if (g_str_equal (word->type, "c") && !*value && !word->no_zero)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Invalid value of '%s': %s", word->name, text);
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
        return scaled (c, text, type, NULL);
    value = passive_canonical (type, text, &why);
    if (!value)
        codec_bad_text (c, text);
    if (value && *type == '~' && passive_is_zero (type, value))
        g_clear_pointer (&value, g_free);
    return value;
}

void
passive_judge (Codec *c, PassiveNode *node, const char *attr)
{
    const char *text = passive_attr (node, attr), *why;
    const PassiveWord *word = node->kind->attrs;
    g_autofree char *value = NULL;

    while (!g_str_equal (word->name, attr))
        word++;
    if (text)
        value = passive_canonical (strchr (word->type, '/') + 1, text, &why);
    if (value)
        passive_set (node, attr, value);
    else if (text)
        codec_bad_value_because (c, attr, text, why);
}

static PassiveNode *read_node (Codec *c, const char *parent, const PassiveWord *word, guint number);

static char *
peek_kind (Codec *c, const char *parent, const PassiveWord *word)
{
    const PassiveWord *first = passive_kind_word (parent, word->name, word->type);
    char *kind = first ? codec_peek (c, first->name) : NULL;

    return kind || !first || !*first->initial ? kind : g_strdup (first->initial);
}

static void
read_children (Codec *c, PassiveNode *node, guint number)
{
    const char *kind = passive_attr (node, "type");

    if (!kind && passive_kind_has_hole (node->kind))
        return;
    for (guint i = 0; i < node->kind->n_children && !codec_failed (c); i++) {
        PassiveWord word = node->kind->children[i];
        gboolean found = FALSE;

        passive_word_row (&node->kind->children[i], kind, word.type, sizeof word.type);
        if (strchr (node->kind->children[i].type, '$') && !passive_row_exists (word.type))
            continue;           /* this type has none */
        if (word.when_on && !passive_is (node, "state", "on"))
            continue;           /* it is ignored */
        while (codec_next (c, word.name, word.many)) {
            PassiveNode *child = read_node (c, node->name, &word, number);

            codec_leave (c);
            if (child)
                passive_node_insert (node, child);
            found = TRUE;
        }
        if (!found && word.required)
            codec_missing_child (c, word.name);
        if (!found && word.always && !codec_failed (c)) {
            PassiveNode *child = passive_add_child (node, word.name);

            for (guint k = 0; k < child->kind->n_attrs; k++) {
                const PassiveWord *attr = &child->kind->attrs[k];

                if (*attr->initial)
                    passive_node_set (child, attr,
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
    node = passive_node_new (passive_kind_find (parent, word->name, word->type, kind), word->name);
    node->secret = word->secret;
    for (guint i = 0; i < node->kind->n_attrs; i++) {
        const PassiveWord *attr = &node->kind->attrs[i];
        char *value = attr->when_on && !passive_is (node, "state", "on")
            ? NULL : read_attr (c, attr, number);

        if (value)
            passive_node_set (node, &node->kind->attrs[i], value);
    }
    if (node->kind->row->before && !codec_failed (c))
        node->kind->row->before (c, node);
    if (node->kind->n_children)
        read_children (c, node, number);
    else if (node->kind->row->text)
        node->text = read_text (c, node->kind->row->text);
    if (node->kind->row->rule && !codec_failed (c))
        node->kind->row->rule (c, node);
    if (node->dropped || (is_empty (node) && !word->kept && !node->open))
        g_clear_pointer (&node, passive_node_free);
    return node;
}

/* ---- writing */

static void
write_attr (Codec *c, const char *type, const char *name, const char *value)
{
    const char *unit;
    char number[32];

    if (!passive_is_size (type)) {
        codec_put (c, name, value);
        return;
    }
    unit = passive_size_written (type, value, number);
    codec_put (c, name, number);
    codec_put (c, "unit", unit);
}

static void
write_node (Codec *c, const PassiveNode *node)
{
    const char *type = node->kind->row->text;
    gboolean size = node->text && passive_is_size (type);
    char number[32];

    if (node->secret && !codec_secure (c))
        return;
    codec_enter (c, node->name, TRUE);
    for (guint i = 0; node->attrs && i < node->attrs->len; i++) {
        const PassiveAttr *attr = g_ptr_array_index (node->attrs, i);

        if (!attr->word->secret || codec_secure (c))
            write_attr (c, attr->word->type, attr->word->name, attr->value);
    }
    for (guint i = 0; node->children && i < node->children->len; i++)
        write_node (c, g_ptr_array_index (node->children, i));
    if (size)
        codec_put (c, "unit", passive_size_written (type, node->text, number));
    if (node->open)
        codec_keep_open (c);
    if (node->text)
        codec_put_text (c, size ? number : node->text);
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

static void
read_items (Codec *c, GPtrArray **items, const PassiveWord *word)
{
    g_autofree char *path = NULL;

    for (guint number = 0; codec_next (c, word->name, word->many); number++) {
        PassiveNode *node;

        if (!path)
            path = codec_parent_path (c);
        node = read_node (c, strrchr (path, '/') + 1, word, number);
        codec_leave (c);
        if (node)
            passive_node_add (items, node, g_strdup (path));
    }
}

void
passive_codec (Codec *c, GPtrArray **items, const char *names)
{
    const PassiveWord *words;
    guint n;

    tell_watcher (c, names, FALSE);
    if (codec_reading (c) ? codec_drained (c) : !*items)
        return;
    words = passive_words (names, &n);
    for (guint w = 0; w < n; w++) {
        if (codec_reading (c)) {
            read_items (c, items, &words[w]);
            continue;
        }
        for (guint i = 0; *items && i < (*items)->len; i++) {
            const PassiveNode *item = g_ptr_array_index (*items, i);

            if (item_is (c, item, words[w].name, TRUE))
                write_node (c, item);
        }
    }
}

static void
read_item (Codec *c, GPtrArray **items, const PassiveWord *word)
{
    char *value = read_attr (c, word, 0);
    PassiveNode *node;

    if (!value)
        return;
    node = passive_node_new (NULL, word->name);
    passive_node_add (items, node, codec_path (c));
    node->text = value;
}

void
passive_attrs_codec (Codec *c, GPtrArray **items, const char *attrs)
{
    const PassiveWord *words;
    guint n;

    tell_watcher (c, attrs, TRUE);
    if (!codec_reading (c) && !*items)
        return;
    words = passive_words (attrs, &n);
    for (guint w = 0; w < n; w++) {
        if (codec_reading (c)) {
            read_item (c, items, &words[w]);
            continue;
        }
        for (guint i = 0; *items && i < (*items)->len; i++) {
            const PassiveNode *item = g_ptr_array_index (*items, i);

            if (item_is (c, item, words[w].name, FALSE))
                write_attr (c, words[w].type, item->name, item->text);
        }
    }
}

/* ---- a console's source */
