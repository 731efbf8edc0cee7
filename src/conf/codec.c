/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The codec's core: walking the tree or the output, ticking off, errors. Fields are in
 * codec_fields.c. */
#include "conf/codec.h"

#include <stdarg.h>
#include <string.h>

#include "conf/domain_skep.h"
#include "conf/xml.h"

/* Levels that codec functions enter; what they do not enter has no depth for us. Some elements may
 * be within their own kind, so that the document's author says how many there are: fewer than
 * XML_DEPTH_MAX, so that there is room for a status file's elements around a domain. */
#define READ_LEVELS 48

/* A device that was read alone is written two levels down in its domain. */
#define LEVELS (READ_LEVELS + 2)

/* Names of what is ignored that are kept. */
#define IGNORED_MAX 100

typedef struct {
    xmlNode *node;              /* reading */
    const char *name;
    ErrorCode unknown_code;     /* of children nobody asked for; 0: by the grammar */
    const char *unknown_format; /* with one %s */
    guint ignored;              /* children */
} Level;

/* What of the current start tag is written. */
typedef enum { TAG_COMPLETE, TAG_OPEN, TAG_TEXT } Tag;

struct Codec {
    gboolean reading;
    guint flags;
    const CodecGrammar *grammar;
    GPtrArray *ignored;         /* reading: paths of what nobody asked for; NULL: an error */
    GString *out;
    guint base;                 /* writing: indentation of the root, in steps */
    Tag tag;
    guint depth;                /* levels[depth - 1] is the current element */
    Level levels[LEVELS];
    GError *error;
};

/* Marks in the _private member of libxml2's nodes: ticked off; its text as well. */
static char mark_taken, mark_text_taken;

static Level *
top (const Codec *c)
{
    return (Level *) &c->levels[c->depth - 1];
}

gboolean
codec_reading (const Codec *c)
{
    return c->reading;
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
codec_failed (const Codec *c)
{
    return c->error != NULL;
}

const char *
codec_name (const Codec *c)
{
    return top (c)->name;
}

guint
codec_depth (const Codec *c)
{
    return c->depth;
}

static char *
path_of (const Codec *c, guint depth)
{
    GString *path = g_string_new (NULL);

    for (guint i = 0; i < depth; i++)
        g_string_append_printf (path, "/%s", c->levels[i].name);
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
    fail_at (c, top (c)->node, code, format, args);
    va_end (args);
}

G_GNUC_PRINTF (4, 5)
static void
fail_node (Codec *c, xmlNode *node, ErrorCode code, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    fail_at (c, node, code, format, args);
    va_end (args);
}

/* @format with @value in place of its %s. */
static char *
filled (const char *format, const char *value)
{
    const char *hole = strstr (format, "%s");

    return hole ? g_strdup_printf ("%.*s%s%s", (int) (hole - format), format, value, hole + 2)
                : g_strdup (format);
}

/* In libvirt's own words, if the grammar has them for MARK NAME END of the current element. */
static gboolean
fail_worded (Codec *c, const char *mark, const char *name, const char *end, const char *value)
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
    text = filled (wording->text, value);
    codec_fail (c, wording->code, "%s", text);
    return TRUE;
}

/* ---- names */

static const struct {
    const char *prefix, *uri;
} namespaces[] = { { "lxc:", LXC_NAMESPACE }, { "skep:", SKEP_NAMESPACE } };

/* @element has its namespace's prefix as codec functions write it, whatever the document calls it. */
static gboolean
is_element (const xmlNode *node, const char *element)
{
    if (node->type != XML_ELEMENT_NODE)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS (namespaces); i++)
        if (g_str_has_prefix (element, namespaces[i].prefix))
            return node->ns && g_str_equal ((const char *) node->ns->href, namespaces[i].uri)
                && g_str_equal ((const char *) node->name, element + strlen (namespaces[i].prefix));
    return !node->ns && g_str_equal ((const char *) node->name, element);
}

static char *
written_name (const xmlNode *node)
{
    if (node->ns && node->ns->prefix)
        return g_strdup_printf ("%s:%s", (const char *) node->ns->prefix,
                                (const char *) node->name);
    return g_strdup ((const char *) node->name);
}

/* ---- what was not asked for */

/* Of the namespace that is Skep's own, or what looks like it, everything is known. */
static gboolean
is_ours (const xmlNode *node)
{
    return node->ns && g_str_has_prefix ((const char *) node->ns->href, "urn:skep:");
}

/* Names what is @name below the current element as ignored; FALSE when that is an error here. Beyond
 * some nobody reads on. */
static gboolean
ignore (Codec *c, const char *prefix, const char *name)
{
    g_autofree char *path = NULL;

    if (!c->ignored || is_ours (top (c)->node))
        return FALSE;
    if (c->ignored->len < IGNORED_MAX) {
        path = codec_path (c);
        g_ptr_array_add (c->ignored, g_strdup_printf ("%s/%s%s", path, prefix, name));
    }
    return TRUE;
}

static xmlNode *next_child (xmlNode *from, const char *element);

/* Whether one of the same name was read. */
static gboolean
was_taken (const Codec *c, const xmlNode *child)
{
    const xmlNode *first = child->ns ? NULL
                                     : next_child (top (c)->node->children,
                                                   (const char *) child->name);

    return first && first != child && first->_private;
}

/* Whether @child may be ignored: what is not libvirt's at all, what it knows, and second copies of
 * what was read. */
static gboolean
may_ignore (const Codec *c, const xmlNode *child)
{
    const char *name = (const char *) child->name;

    if (child->ns)
        return !is_ours (child);
    if (c->grammar->known && c->grammar->known (top (c)->name, name))
        return TRUE;
    return was_taken (c, child);
}

static void
refuse_child (Codec *c, xmlNode *child)
{
    Level *level = top (c);
    g_autofree char *name = written_name (child);

    if (level->unknown_code && !was_taken (c, child)) {
        g_autofree char *text = filled (level->unknown_format, (const char *) child->name);

        fail_node (c, child, level->unknown_code, "%s", text);
    } else if (!child->ns
               && (fail_worded (c, "/", name, was_taken (c, child) ? "+" : "?", "")
                   || fail_worded (c, "/*", "", "", name))) {
        return;
    } else if (level->ignored++ > CODEC_LIST_MAX || !may_ignore (c, child)
               || !ignore (c, "", name)) {
        fail_node (c, child, ERR_XML, "unknown element '%s'", name);
    }
}

static void
refuse_attribute (Codec *c, const xmlAttr *attr)
{
    g_autofree char *name = written_name ((const xmlNode *) attr);

    if (!ignore (c, "@", name))
        codec_fail (c, ERR_XML, "unknown attribute '%s' in element '%s'", name, top (c)->name);
}

static gboolean
is_blank (const xmlChar *text)
{
    return !text || ((const char *) text)[strspn ((const char *) text, " \t\r\n")] == '\0';
}

static void
refuse_rest (Codec *c)
{
    xmlNode *node = top (c)->node;

    for (const xmlAttr *attr = node->properties; attr && !c->error; attr = attr->next)
        if (!attr->_private)
            refuse_attribute (c, attr);
    for (xmlNode *child = node->children; child && !c->error; child = child->next) {
        switch (child->type) {
        case XML_ELEMENT_NODE:
            if (!child->_private)
                refuse_child (c, child);
            break;
        case XML_TEXT_NODE:
        case XML_CDATA_SECTION_NODE:
            if (node->_private != &mark_text_taken && !is_blank (child->content)
                && !ignore (c, "", "text()"))
                codec_fail (c, ERR_XML, "element '%s' has text, which it cannot have",
                            top (c)->name);
            break;
        case XML_COMMENT_NODE:
        case XML_PI_NODE:
            break;
        default:
            codec_fail (c, ERR_XML, "element '%s' has content of an unknown kind", top (c)->name);
        }
    }
}

void
codec_unknown (Codec *c, ErrorCode code, const char *format)
{
    top (c)->unknown_code = code;
    top (c)->unknown_format = format;
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
        fail_node (c, child, ERR_XML, "element '%s' is nested more than %d levels deep", name,
                   READ_LEVELS);
        return FALSE;
    }
    child->_private = &mark_taken;
    push (c, child, name);
    return TRUE;
}

static void
indent (const Codec *c, guint steps)
{
    for (guint i = 0; i < c->base + steps; i++)
        g_string_append_len (c->out, "  ", 2);
}

static void
open_tag (Codec *c, const char *element)
{
    if (c->tag == TAG_OPEN)
        g_string_append_len (c->out, ">\n", 2);
    indent (c, c->depth);
    g_string_append_c (c->out, '<');
    g_string_append (c->out, element);
    c->tag = TAG_OPEN;
    push (c, NULL, element);
}

static void
close_tag (Codec *c)
{
    const char *element = top (c)->name;

    c->depth--;
    if (c->tag == TAG_OPEN) {
        g_string_append_len (c->out, "/>\n", 3);
    } else {
        if (c->tag == TAG_COMPLETE)
            indent (c, c->depth);
        g_string_append_len (c->out, "</", 2);
        g_string_append (c->out, element);
        g_string_append_len (c->out, ">\n", 2);
    }
    c->tag = TAG_COMPLETE;
}

static xmlNode *
next_child (xmlNode *from, const char *element)
{
    for (xmlNode *node = from; node; node = node->next)
        if (is_element (node, element))
            return node;
    return NULL;
}

xmlNode *
codec_take_child (Codec *c, const char *element)
{
    xmlNode *child;

    if (c->error)
        return NULL;
    child = next_child (top (c)->node->children, element);
    if (child)
        child->_private = &mark_taken;
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
    child = next_child (top (c)->node->children, element);
    return child && enter_child (c, child, element);
}

gboolean
codec_only (Codec *c, const char *element, gboolean wanted)
{
    xmlNode *first = c->reading && !c->error ? next_child (top (c)->node->children, element) : NULL;

    if (first && next_child (first->next, element))
        fail_node (c, next_child (first->next, element), ERR_XML, "only one %s is supported",
                   element);
    return codec_enter (c, element, wanted);
}

guint
codec_count (const Codec *c, const char *element)
{
    guint n = 0;

    for (xmlNode *node = c->reading ? top (c)->node->children : NULL; node; node = node->next)
        n += is_element (node, element);
    return n;
}

gboolean
codec_next (Codec *c, const char *element, gboolean many)
{
    xmlNode *node;
    guint seen = 0;

    if (c->error)
        return FALSE;
    for (node = top (c)->node->children; node; node = node->next) {
        if (!is_element (node, element))
            continue;
        if (!node->_private)
            break;
        seen++;
    }
    if (!node)
        return FALSE;
    if (seen && !many)
        return FALSE;
    if (seen >= CODEC_LIST_MAX) {
        fail_node (c, node, ERR_CONFIG_UNSUPPORTED, "more than %d elements '%s'",
                   CODEC_LIST_MAX, element);
        return FALSE;
    }
    return enter_child (c, node, element);
}

void
codec_leave (Codec *c)
{
    if (!c->reading) {
        close_tag (c);
        return;
    }
    refuse_rest (c);
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
    for (xmlNode *node = top (c)->node->children; node && !c->error; node = node->next) {
        void *item;

        if (!is_element (node, element))
            continue;
        if ((*list)->len >= CODEC_LIST_MAX) {
            fail_node (c, node, ERR_CONFIG_UNSUPPORTED, "more than %d elements '%s'",
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

/* ---- attributes and text */

static xmlAttr *
node_attr (const xmlNode *node, const char *attr)
{
    for (xmlAttr *a = node->properties; a; a = a->next)
        if (!a->ns && g_str_equal ((const char *) a->name, attr))
            return a;
    return NULL;
}

static xmlAttr *
find_attr (const Codec *c, const char *attr)
{
    return c->error ? NULL : node_attr (top (c)->node, attr);
}

static char *
attr_value (const xmlAttr *attr)
{
    xmlChar *value;
    char *copy;

    if (!attr->children)
        return g_strdup ("");
    if (!attr->children->next && attr->children->type == XML_TEXT_NODE)
        return g_strdup ((const char *) attr->children->content);
    value = xmlNodeListGetString (attr->doc, attr->children, 1);
    copy = g_strdup (value ? (const char *) value : "");
    xmlFree (value);
    return copy;
}

char *
codec_peek (Codec *c, const char *attr)
{
    const xmlAttr *found = find_attr (c, attr);

    return found ? attr_value (found) : NULL;
}

char *
codec_peek_child (Codec *c, const char *element, const char *attr)
{
    const xmlNode *child = c->error ? NULL : next_child (top (c)->node->children, element);
    const xmlAttr *found = child ? node_attr (child, attr) : NULL;

    return found ? attr_value (found) : NULL;
}

char *
codec_take (Codec *c, const char *attr, FieldFlags flags)
{
    xmlAttr *found = find_attr (c, attr);

    if (found) {
        found->_private = &mark_taken;
        return attr_value (found);
    }
    if (flags & FIELD_REQUIRED && !fail_worded (c, "@", attr, "!", ""))
        codec_fail (c, ERR_XML, "Missing required attribute '%s' in element '%s'", attr,
                    top (c)->name);
    return NULL;
}

void
codec_bad_value (Codec *c, const char *attr, const char *value, FieldFlags flags)
{
    if (!fail_worded (c, "@", attr, "", value))
        codec_fail (c, flags & FIELD_CONFIG ? ERR_CONFIG_UNSUPPORTED : ERR_XML,
                    "Invalid value for attribute '%s' in element '%s': '%s'.", attr, top (c)->name,
                    value);
}

void
codec_bad_value_because (Codec *c, const char *attr, const char *value, const char *why)
{
    if (fail_worded (c, "@", attr, "", value))
        return;
    if (why && g_str_equal (why, CODEC_ZERO))
        codec_fail (c, ERR_XML, "Invalid value for attribute '%s' in element '%s': %s", attr,
                    top (c)->name, why);
    else
        codec_fail (c, ERR_XML, "Invalid value for attribute '%s' in element '%s': '%s'%s", attr,
                    top (c)->name, value, why ? why : "");
}

void
codec_bad_text (Codec *c, const char *value)
{
    if (!fail_worded (c, "", "", "", value))
        codec_fail (c, ERR_XML, "Invalid value for element '%s': '%s'", top (c)->name, value);
}

void
codec_missing_child (Codec *c, const char *element)
{
    if (!fail_worded (c, "/", element, "!", ""))
        codec_fail (c, ERR_XML, "missing element '%s' in element '%s'", element, top (c)->name);
}

void
codec_put (Codec *c, const char *attr, const char *value)
{
    g_string_append_c (c->out, ' ');
    g_string_append (c->out, attr);
    g_string_append_len (c->out, "='", 2);
    xml_escape (c->out, value, TRUE);
    g_string_append_c (c->out, '\'');
}

char *
codec_take_text (Codec *c)
{
    xmlNode *node = top (c)->node, *child = node->children;
    GString *text;

    if (c->error)
        return NULL;
    node->_private = &mark_text_taken;
    if (child && !child->next && child->type == XML_TEXT_NODE)
        return g_strdup ((const char *) child->content);
    text = g_string_new (NULL);
    for (; child; child = child->next)
        if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
            g_string_append (text, (const char *) child->content);
    return g_string_free (text, FALSE);
}

void
codec_put_text (Codec *c, const char *text)
{
    g_string_append_c (c->out, '>');
    xml_escape (c->out, text, FALSE);
    c->tag = TAG_TEXT;
}

gboolean
codec_has_text (const Codec *c)
{
    for (const xmlNode *child = top (c)->node->children; child; child = child->next)
        if ((child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
            && child->content && *child->content)
            return TRUE;
    return FALSE;
}

GString *
codec_raw (Codec *c)
{
    if (c->tag == TAG_OPEN)
        g_string_append_len (c->out, ">\n", 2);
    c->tag = TAG_COMPLETE;
    return c->out;
}

/* ---- whole documents */

gboolean
codec_read (xmlNode *root, const CodecGrammar *grammar, guint flags, CodecFn fn, void *object,
            GPtrArray *ignored, GError **error)
{
    Codec c = { .reading = TRUE, .flags = flags, .grammar = grammar, .ignored = ignored };

    push (&c, root, grammar->root);
    if (is_element (root, grammar->root)) {
        fn (&c, object);
        refuse_rest (&c);
    } else {
        codec_fail (&c, ERR_XML, "expecting root element of '%s', not '%s'%s", grammar->root,
                    (const char *) root->name, root->ns ? " in a namespace" : "");
    }
    if (!c.error)
        return TRUE;
    g_propagate_error (error, c.error);
    return FALSE;
}

void
codec_write (GString *out, guint level, const CodecGrammar *grammar, guint flags, CodecFn fn,
             const void *object)
{
    Codec c = { .flags = flags, .grammar = grammar, .out = out, .base = level };

    open_tag (&c, grammar->root);
    fn (&c, (void *) object);   /* writing changes nothing in it */
    close_tag (&c);
}
