/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a document has and no codec function asked for. */
#include "conf/codec_private.h"

#include <string.h>

/* Names of what is ignored that are kept. */
#define IGNORED_MAX 100

static char *
written_name (const xmlNode *node)
{
    if (node->ns && node->ns->prefix)
        return g_strdup_printf ("%s:%s", (const char *) node->ns->prefix,
                                (const char *) node->name);
    return g_strdup ((const char *) node->name);
}

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

    if (!c->ignored || is_ours (codec_top (c)->node))
        return FALSE;
    if (c->ignored->len < IGNORED_MAX) {
        path = codec_path (c);
        g_ptr_array_add (c->ignored, g_strdup_printf ("%s/%s%s", path, prefix, name));
    }
    return TRUE;
}

void
codec_ignore (Codec *c, const char *what)
{
    ignore (c, "", what);       /* nobody asks what of our own documents is ignored */
}

/* Whether one of the same name was read. */
static gboolean
was_taken (const Codec *c, const xmlNode *child)
{
    const xmlNode *first = codec_top (c)->node->children;

    while (first->type != XML_ELEMENT_NODE || first->ns != child->ns
           || !xmlStrEqual (first->name, child->name))
        first = first->next;
    return first != child && first->_private;
}

/* Whether @child may be ignored: what is not libvirt's at all, what it knows, and second copies of
 * what was read. */
static gboolean
may_ignore (const Codec *c, const xmlNode *child)
{
    const char *name = (const char *) child->name;

    if (child->ns)
        return !is_ours (child);
    if (c->grammar->known && c->grammar->known (codec_top (c)->name, name))
        return TRUE;
    return was_taken (c, child);
}

static void
refuse_child (Codec *c, xmlNode *child)
{
    Level *level = codec_top (c);
    g_autofree char *name = written_name (child);

    if (level->unknown_code && !was_taken (c, child)) {
        g_autofree char *text = codec_filled (level->unknown_format,
                                              (const char *) child->name);

        codec_fail_node (c, child, level->unknown_code, "%s", text);
    } else if (!child->ns
               && (codec_fail_worded (c, "/", name, was_taken (c, child) ? "+" : "?", "")
                   || codec_fail_worded (c, "/*", "", "", name))) {
        return;
    } else if (level->ignored++ > CODEC_LIST_MAX || !may_ignore (c, child)
               || !ignore (c, "", name)) {
        codec_fail_node (c, child, ERR_XML, "unknown element '%s'", name);
    }
}

static void
refuse_attribute (Codec *c, const xmlAttr *attr)
{
    g_autofree char *name = written_name ((const xmlNode *) attr);

    if (!ignore (c, "@", name))
        codec_fail (c, ERR_XML, "unknown attribute '%s' in element '%s'", name,
                    codec_top (c)->name);
}

static gboolean
is_blank (const xmlChar *text)
{
    return !text || ((const char *) text)[strspn ((const char *) text, " \t\r\n")] == '\0';
}

void
codec_refuse_rest (Codec *c)
{
    xmlNode *node = codec_top (c)->node;

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
            if (node->_private != &codec_mark_text_taken && !is_blank (child->content)
                && !ignore (c, "", "text()"))
                codec_fail (c, ERR_XML, "element '%s' has text, which it cannot have",
                            codec_top (c)->name);
            break;
        case XML_COMMENT_NODE:
        case XML_PI_NODE:
            break;
        default:
            codec_fail (c, ERR_XML, "element '%s' has content of an unknown kind",
                        codec_top (c)->name);
        }
    }
}

void
codec_unknown (Codec *c, ErrorCode code, const char *format)
{
    codec_top (c)->unknown_code = code;
    codec_top (c)->unknown_format = format;
}
