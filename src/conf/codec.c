/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The codec's core: walking the tree or the output, ticking off, errors. Attributes and text are in
 * codec_value.c, fields of a type in codec_fields.c, what nobody asked for in codec_rest.c. */
#include "conf/codec_private.h"

#include <stdarg.h>
#include <string.h>

#include "conf/domain_skep.h"
#include "conf/xml.h"

char codec_mark_taken, codec_mark_text_taken;

gboolean
codec_reading (const Codec *c)
{
    return c->reading;
}

void
codec_own (Codec *c, const void *owner)
{
    c->owner = owner;
}

const void *
codec_owner (const Codec *c)
{
    return c->owner;
}

gboolean
codec_meant (const Codec *c)
{
    return (c->flags & CODEC_MEANT) != 0;
}

gboolean
codec_live (const Codec *c)
{
    return (c->flags & CODEC_LIVE) != 0;
}

gboolean
codec_status (const Codec *c)
{
    return (c->flags & CODEC_STATUS) != 0;
}

gboolean
codec_secure (const Codec *c)
{
    return (c->flags & CODEC_SECURE) != 0;
}

gboolean
codec_failed (const Codec *c)
{
    return c->error != NULL;
}

const char *
codec_name (const Codec *c)
{
    return codec_top (c)->name;
}

static char *
path_of (const Codec *c, guint depth)
{
    GString *path = g_string_new (NULL);

    for (guint i = 0; i < depth; i++) {
        g_string_append_c (path, '/');
        g_string_append (path, c->levels[i].name);
    }
    return g_string_free (path, FALSE);
}

char *
codec_path (const Codec *c)
{
    return path_of (c, c->depth);
}

char *
codec_parent_path (const Codec *c)
{
    return path_of (c, c->depth - 1);
}

G_GNUC_PRINTF (4, 0)
static void
fail_at (Codec *c, xmlNode *node, ErrorCode code, const char *format, va_list args)
{
    g_autofree char *detail = NULL;

    if (c->error || !c->reading)
        return;
    detail = g_strdup_vprintf (format, args);
    error_set_from (&c->error, c->grammar->origin, code, "%s", detail);
    error_take_place (c->error, xml_node_place (node));
}

void
codec_fail (Codec *c, ErrorCode code, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    fail_at (c, codec_top (c)->node, code, format, args);
    va_end (args);
}

void
codec_fail_node (Codec *c, xmlNode *node, ErrorCode code, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    fail_at (c, node, code, format, args);
    va_end (args);
}

static guint
rank_of (const Codec *c)
{
    g_autofree char *path = c->grammar->rank ? codec_path (c) : NULL;

    return path ? c->grammar->rank (path) : 0;
}

void
codec_fail_later (Codec *c, CodecStage stage, ErrorCode code, const char *format, ...)
{
    guint rank = rank_of (c);
    g_autofree char *detail = NULL;
    va_list args;

    if (!c->reading || (c->later && (c->later_stage < stage
                                     || (c->later_stage == stage && c->later_rank <= rank))))
        return;
    va_start (args, format);
    detail = g_strdup_vprintf (format, args);
    va_end (args);
    g_clear_error (&c->later);
    c->later_stage = stage;
    c->later_rank = rank;
    error_set_from (&c->later, c->grammar->origin, code, "%s", detail);
    error_take_place (c->later, xml_node_place (codec_top (c)->node));
}

GError *
codec_take_later (Codec *c, CodecStage *ret_stage)
{
    *ret_stage = c->later_stage;
    return g_steal_pointer (&c->later);
}

char *
codec_filled (const char *format, const char *value)
{
    const char *hole = strstr (format, "%s");

    return hole ? g_strdup_printf ("%.*s%s%s", (int) (hole - format), format, value, hole + 2)
                : g_strdup (format);
}

gboolean
codec_fail_worded (Codec *c, const char *mark, const char *name, const char *end, const char *value)
{
    g_autofree char *path = NULL, *what = NULL, *text = NULL;
    const CodecWording *wording = NULL;

    if (c->error)
        return TRUE;
    path = codec_path (c);
    what = g_strconcat (path, mark, name, end, NULL);
    wording = c->grammar->wording ? c->grammar->wording (what) : NULL;
    if (!wording)
        return FALSE;
    text = codec_filled (wording->text, value);
    codec_fail (c, wording->code, "%s", text);
    return TRUE;
}

/* ---- names */

static const struct {
    const char *prefix, *uri;
} namespaces[] = { { "lxc:", LXC_NAMESPACE }, { "skep:", SKEP_NAMESPACE } };

gboolean
codec_is_prefixed (const xmlNode *node, const char *element)
{
    const char *name = (const char *) node->name;

    for (guint i = 0; i < G_N_ELEMENTS (namespaces); i++)
        if (g_str_has_prefix (element, namespaces[i].prefix))
            return g_str_equal ((const char *) node->ns->href, namespaces[i].uri)
                && g_str_equal (name, element + strlen (namespaces[i].prefix));
    return FALSE;
}

xmlNode *
codec_next_child (xmlNode *from, const char *element)
{
    for (xmlNode *node = from; node; node = node->next)
        if (codec_is_element (node, element))
            return node;
    return NULL;
}

/* ---- entering and leaving */

static void
push (Codec *c, xmlNode *node, const char *name)
{
    g_assert (c->depth < LEVELS);
    c->levels[c->depth++] = (Level) { .node = node, .name = name };
}

/* Ticks off @child and makes it the current element; FALSE with an error when that is too deep. */
static gboolean
enter_child (Codec *c, xmlNode *child, const char *name)
{
    if (c->depth == READ_LEVELS) {
        codec_fail_node (c, child, ERR_XML, "element '%s' is nested more than %d levels deep", name,
                         READ_LEVELS);
        return FALSE;
    }
    child->_private = &codec_mark_taken;
    push (c, child, name);
    return TRUE;
}

static void
indent (const Codec *c, guint steps)
{
    static const char blanks[] = "                                                                ";
    gsize rest = 2 * (gsize) (c->base + steps);

    for (gsize n; rest > 0; rest -= n) {
        n = MIN (rest, sizeof blanks - 1);
        codec_append (c->out, blanks, n);
    }
}

static void
open_tag (Codec *c, const char *element)
{
    if (c->tree) {
        push (c, codec_tree_open (c, element), element);
        c->tag = TAG_OPEN;
        return;
    }
    if (c->tag == TAG_OPEN)
        codec_append (c->out, ">\n", 2);
    indent (c, c->depth);
    codec_append (c->out, "<", 1);
    codec_append (c->out, element, strlen (element));
    c->tag = TAG_OPEN;
    push (c, NULL, element);
}

static void
close_tag (Codec *c)
{
    const char *element = codec_top (c)->name;

    c->depth--;
    if (c->tree) {
        /* nothing is to be closed */
    } else if (c->tag == TAG_OPEN) {
        codec_append (c->out, "/>\n", 3);
    } else {
        if (c->tag == TAG_COMPLETE)
            indent (c, c->depth);
        codec_append (c->out, "</", 2);
        codec_append (c->out, element, strlen (element));
        codec_append (c->out, ">\n", 2);
    }
    c->tag = TAG_COMPLETE;
}

xmlNode *
codec_take_child (Codec *c, const char *element)
{
    xmlNode *child;

    if (c->error)
        return NULL;
    child = codec_next_child (codec_top (c)->node->children, element);
    if (child)
        child->_private = &codec_mark_taken;
    return child;
}

gboolean
codec_enter (Codec *c, const char *element, gboolean wanted)
{
    xmlNode *child;

    if (c->error)
        return FALSE;
    if (!c->reading) {
        if (wanted)
            open_tag (c, element);
        return wanted;
    }
    child = codec_next_child (codec_top (c)->node->children, element);
    return child && enter_child (c, child, element);
}

gboolean
codec_only (Codec *c, const char *element, gboolean wanted)
{
    xmlNode *first = c->reading && !c->error
        ? codec_next_child (codec_top (c)->node->children, element) : NULL;

    if (first && codec_next_child (first->next, element)
        && !codec_fail_worded (c, "/", element, "+", ""))
        codec_fail_node (c, codec_next_child (first->next, element), ERR_XML,
                         "only one %s is supported", element);
    return codec_enter (c, element, wanted);
}

gboolean
codec_drained (const Codec *c)
{
    for (const xmlNode *node = codec_top (c)->node->children; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE && !node->_private)
            return FALSE;
    return TRUE;
}

gboolean
codec_within (const Codec *c, const char *element)
{
    for (guint i = 0; i < c->depth; i++)
        if (g_str_equal (c->levels[i].name, element))
            return TRUE;
    return FALSE;
}

guint
codec_count (const Codec *c, const char *element)
{
    guint n = 0;

    for (xmlNode *node = c->reading ? codec_top (c)->node->children : NULL; node; node = node->next)
        n += codec_is_element (node, element);
    return n;
}

gboolean
codec_next (Codec *c, const char *element, gboolean many)
{
    Level *level = codec_top (c);
    xmlNode *node = level->node->children;
    guint seen = 0;

    if (c->error)
        return FALSE;
    if (level->last && codec_is_element (level->last, element)) {
        node = level->last;
        seen = level->last_number;
    }
    for (; node; node = node->next) {
        if (!codec_is_element (node, element))
            continue;
        if (!node->_private)
            break;
        seen++;
    }
    if (!node)
        return FALSE;
    if (seen && !many)
        return FALSE;
    /* some are not even read when there are two */
    if (!many && codec_next_child (node->next, element)
        && codec_fail_worded (c, "/", element, "+", ""))
        return FALSE;
    if (seen >= CODEC_LIST_MAX) {
        codec_fail_node (c, node, ERR_CONFIG_UNSUPPORTED, "more than %d elements '%s'",
                         CODEC_LIST_MAX, element);
        return FALSE;
    }
    level->last = node;
    level->last_number = seen;
    return enter_child (c, node, element);
}

void
codec_leave (Codec *c)
{
    if (!c->reading) {
        close_tag (c);
        return;
    }
    codec_refuse_rest (c);
    c->depth--;
}

void
codec_list (Codec *c, const char *element, GPtrArray **list, gsize size, CodecFn fn,
            GDestroyNotify free_item)
{
    if (!c->reading) {
        for (guint i = 0; *list && i < (*list)->len; i++) {
            open_tag (c, element);
            fn (c, g_ptr_array_index (*list, i));
            close_tag (c);
        }
        return;
    }
    g_clear_pointer (list, g_ptr_array_unref);
    *list = g_ptr_array_new_with_free_func (free_item);
    for (xmlNode *node = codec_top (c)->node->children; node && !c->error; node = node->next) {
        void *item;

        if (!codec_is_element (node, element) || node->_private)
            continue;
        if ((*list)->len >= CODEC_LIST_MAX) {
            codec_fail_node (c, node, ERR_CONFIG_UNSUPPORTED, "more than %d elements '%s'",
                             CODEC_LIST_MAX, element);
            return;
        }
        if (!enter_child (c, node, element))
            return;
        item = g_malloc0 (size);
        g_ptr_array_add (*list, item);
        fn (c, item);
        codec_leave (c);
    }
}

/* ---- whole documents */

gboolean
codec_read (xmlNode *root, const CodecGrammar *grammar, guint flags, CodecFn fn, void *object,
            GPtrArray *ignored, GError **error)
{
    Codec c = { .reading = TRUE, .flags = flags, .grammar = grammar, .ignored = ignored };

    push (&c, root, grammar->root);
    if (codec_is_element (root, grammar->root)) {
        fn (&c, object);
        codec_refuse_rest (&c);
    } else {
        codec_fail (&c, ERR_XML, "expecting root element of '%s', not '%s'%s", grammar->root,
                    (const char *) root->name, root->ns ? " in a namespace" : "");
    }
    if (c.error)
        g_clear_error (&c.later);
    else
        c.error = c.later;
    if (!c.error)
        return TRUE;
    g_propagate_error (error, c.error);
    return FALSE;
}

void
codec_write_root (Codec *c, CodecFn fn, const void *object)
{
    open_tag (c, c->grammar->root);
    fn (c, (void *) object);    /* writing changes nothing in it */
    close_tag (c);
}

void
codec_write (GString *out, guint level, const CodecGrammar *grammar, guint flags, CodecFn fn,
             const void *object)
{
    Codec c = { .flags = flags, .grammar = grammar, .out = out, .base = level };

    codec_write_root (&c, fn, object);
}
