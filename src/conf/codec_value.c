/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes and text of the current element, and what is wrong with them. */
#include "conf/codec_private.h"

#include "conf/xml.h"

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
    return c->error ? NULL : node_attr (codec_top (c)->node, attr);
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
codec_peek_parent (Codec *c, const char *attr)
{
    const xmlAttr *found = c->error || c->depth < 2
        ? NULL : node_attr (c->levels[c->depth - 2].node, attr);

    return found ? attr_value (found) : NULL;
}

gboolean
codec_repeats (Codec *c, const char *attr)
{
    g_autofree char *value = codec_peek (c, attr);

    for (xmlNode *node = value ? codec_top (c)->node->prev : NULL; node; node = node->prev) {
        const xmlAttr *found
            = codec_is_element (node, codec_top (c)->name) ? node_attr (node, attr) : NULL;
        g_autofree char *other = found ? attr_value (found) : NULL;

        if (!g_strcmp0 (value, other))
            return TRUE;
    }
    return FALSE;
}

static gboolean
has_text (const xmlNode *node)
{
    for (const xmlNode *child = node->children; child; child = child->next)
        if ((child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
            && child->content && *child->content)
            return TRUE;
    return FALSE;
}

char *
codec_peek_child (Codec *c, const char *element, const char *attr)
{
    const xmlNode *child = c->error
        ? NULL : codec_next_child (codec_top (c)->node->children, element);
    const xmlAttr *found = child ? node_attr (child, attr) : NULL;

    return found ? attr_value (found) : NULL;
}

gboolean
codec_child_has_text (Codec *c, const char *element)
{
    const xmlNode *child = c->reading && !c->error
        ? codec_next_child (codec_top (c)->node->children, element) : NULL;

    return child && has_text (child);
}

char *
codec_take (Codec *c, const char *attr, FieldFlags flags)
{
    xmlAttr *found = find_attr (c, attr);

    if (found) {
        char *value = attr_value (found);

        found->_private = &codec_mark_taken;
        if (*value || !(flags & FIELD_NO_EMPTY))
            return value;
        g_free (value);
    }
    if (flags & FIELD_REQUIRED)
        codec_missing (c, attr);
    return NULL;
}

void
codec_missing (Codec *c, const char *attr)
{
    if (!codec_fail_worded (c, "@", attr, "!", ""))
        codec_fail (c, ERR_XML, "Missing required attribute '%s' in element '%s'", attr,
                    codec_top (c)->name);
}

void
codec_forget (Codec *c, const char *element, const char *attr,
              gboolean (*unwanted) (const char *value, gconstpointer data), gconstpointer data)
{
    for (xmlNode *child = codec_top (c)->node->children; child; child = child->next) {
        const xmlAttr *found
            = codec_is_element (child, element) ? node_attr (child, attr) : NULL;
        g_autofree char *value = found ? attr_value (found) : NULL;

        if (value && unwanted (value, data)) {
            child->_private = &codec_mark_taken;
            codec_ignore (c, element);
        }
    }
}

void
codec_bad_value (Codec *c, const char *attr, const char *value, FieldFlags flags)
{
    if (!codec_fail_worded (c, "@", attr, "", value))
        codec_fail (c, flags & FIELD_CONFIG ? ERR_CONFIG_UNSUPPORTED : ERR_XML,
                    "Invalid value for attribute '%s' in element '%s': '%s'.", attr,
                    codec_top (c)->name, value);
}

void
codec_bad_value_because (Codec *c, const char *attr, const char *value, const char *why)
{
    if (codec_fail_worded (c, "@", attr, "", value))
        return;
    if (why && g_str_equal (why, CODEC_BITMAP))
        codec_fail (c, ERR_INVALID_ARG, "%s '%s'", why, value);
    else if (why && g_str_equal (why, CODEC_SIZE))
        codec_fail (c, ERR_XML, "Invalid value '%s' for element or attribute './@%s'", value, attr);
    else if (why && g_str_equal (why, CODEC_ZERO))
        codec_fail (c, ERR_XML, "Invalid value for attribute '%s' in element '%s': %s", attr,
                    codec_top (c)->name, why);
    else
        codec_fail (c, ERR_XML, "Invalid value for attribute '%s' in element '%s': '%s'%s", attr,
                    codec_top (c)->name, value, why ? why : "");
}

void
codec_bad_text (Codec *c, const char *value)
{
    if (!codec_fail_worded (c, "", "", "", value))
        codec_fail (c, ERR_XML, "Invalid value for element '%s': '%s'", codec_top (c)->name, value);
}

gboolean
codec_worded (Codec *c, const char *end, const char *value)
{
    return codec_fail_worded (c, "", "", end, value);
}

void
codec_missing_child (Codec *c, const char *element)
{
    if (!codec_fail_worded (c, "/", element, "!", ""))
        codec_fail (c, ERR_XML, "missing element '%s' in element '%s'", element,
                    codec_top (c)->name);
}

void
codec_put (Codec *c, const char *attr, const char *value)
{
    if (c->tree) {
        codec_tree_put (c, attr, value);
        return;
    }
    codec_append (c->out, " ", 1);
    codec_append (c->out, attr, strlen (attr));
    codec_append (c->out, "='", 2);
    xml_escape (c->out, value, TRUE);
    codec_append (c->out, "'", 1);
}

char *
codec_take_text (Codec *c)
{
    xmlNode *node = codec_top (c)->node, *child = node->children;
    GString *text;

    if (c->error)
        return NULL;
    node->_private = &codec_mark_text_taken;
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
    if (c->tree) {
        codec_tree_put_text (c, text);
        return;
    }
    codec_append (c->out, ">", 1);
    xml_escape (c->out, text, FALSE);
    c->tag = TAG_TEXT;
}

gboolean
codec_has_text (const Codec *c)
{
    return has_text (codec_top (c)->node);
}

GString *
codec_raw (Codec *c)
{
    g_assert (c->out);
    if (c->tag == TAG_OPEN)
        codec_append (c->out, ">\n", 2);
    c->tag = TAG_COMPLETE;
    return c->out;
}

void
codec_keep_open (Codec *c)
{
    if (!c->tree)
        codec_raw (c);
    else if (c->tag == TAG_OPEN)
        codec_tree_put_text (c, "\n");     /* read back, there are blanks in it */
}

void
codec_put_document (Codec *c, const char *text)
{
    if (c->tree)
        codec_tree_put_document (c, text);
    else
        g_string_append_printf (codec_raw (c), "%*s%s\n", (int) (2 * (c->base + c->depth)), "", text);
}
