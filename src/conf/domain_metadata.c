/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/domain_metadata.h"

#include <libxml/parser.h>
#include <string.h>

#include "conf/domain_codec.h"
#include "conf/xml.h"

/* Where <metadata> stands in a domain's document. */
#define METADATA_LEVEL 1

static char *
node_text (xmlNode *node, int level)
{
    xmlBuffer *buffer = xmlBufferCreate ();
    /* thread-local in libxml2, whatever it looks like */
    int indent = xmlIndentTreeOutput;
    char *text = NULL;

    xmlIndentTreeOutput = 1;
    if (buffer && xmlNodeDump (buffer, node->doc, node, level, 1) >= 0)
        text = g_strdup ((const char *) xmlBufferContent (buffer));
    xmlIndentTreeOutput = indent;
    xmlBufferFree (buffer);
    return text;
}

void
domain_metadata_codec (Codec *c, DomainDef *def)
{
    xmlNode *node, *copy;

    if (!codec_reading (c)) {
        if (def->metadata)
            codec_put_document (c, def->metadata);
        return;
    }
    node = codec_take_child (c, "metadata");
    if (!node)
        return;
    /* a copy, so that prefixes declared further up are declared in it */
    copy = xmlDocCopyNode (node, node->doc, 1);
    g_free (def->metadata);
    def->metadata = copy ? node_text (copy, METADATA_LEVEL) : NULL;
    xmlFreeNode (copy);
}

static xmlNode *
find_subtree (xmlNode *metadata, const char *uri)
{
    for (xmlNode *node = metadata->children; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE && node->ns
            && g_str_equal ((const char *) node->ns->href, uri))
            return node;
    return NULL;
}

/* Takes (@to NULL) or gives (@from NULL) every element of a subtree its namespace. */
static void
change_namespace (xmlNode *node, const char *from, xmlNs *to)
{
    for (; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (from ? node->ns && g_str_equal ((const char *) node->ns->href, from) : !node->ns)
            xmlSetNs (node, to);
        change_namespace (node->children, from, to);
    }
}

static void
drop_declaration (xmlNode *node, const char *uri)
{
    for (xmlNs **link = &node->nsDef; *link; link = &(*link)->next)
        if (g_str_equal ((const char *) (*link)->href, uri)) {
            xmlNs *found = *link;

            *link = found->next;
            xmlFreeNs (found);
            return;
        }
}

/* Only @node itself, not what follows it. */
static void
change_tree (xmlNode *node, const char *from, xmlNs *to)
{
    if (from ? node->ns && g_str_equal ((const char *) node->ns->href, from) : !node->ns)
        xmlSetNs (node, to);
    change_namespace (node->children, from, to);
}

static char *
get_subtree (const DomainDef *def, const char *uri)
{
    g_autoptr (xmlDoc) doc = NULL;
    xmlNode *found, *copy;
    char *text;

    if (!def->metadata)
        return NULL;
    doc = xml_document_parse (def->metadata, strlen (def->metadata), "metadata", ORIGIN_DOMAIN,
                              NULL);
    found = doc ? find_subtree (xmlDocGetRootElement (doc), uri) : NULL;
    if (!found)
        return NULL;
    copy = xmlDocCopyNode (found, doc, 1);
    change_tree (copy, uri, NULL);
    drop_declaration (copy, uri);
    text = node_text (copy, 0);
    xmlFreeNode (copy);
    return text;
}

char *
domain_metadata_get (const DomainDef *def, MetadataType type, const char *uri, GError **error)
{
    char *text = NULL;

    if (type == METADATA_DESCRIPTION)
        text = g_strdup (def->description);
    else if (type == METADATA_TITLE)
        text = g_strdup (def->title);
    else if (uri)
        text = get_subtree (def, uri);
    if (!text)
        error_set_from (error, ORIGIN_DOMAIN, ERR_NO_DOMAIN_METADATA,
                        "Requested metadata element is not present");
    return text;
}

/* ---- setting */

/* Puts @text, which it takes, in @member's place, unless the definition becomes too large to be
 * read again. */
static gboolean
replace (DomainDef *def, char **member, char *text, GError **error)
{
    char *old = *member;

    *member = text;
    if (domain_def_check_size (def, error)) {
        g_free (old);
        return TRUE;
    }
    *member = old;
    g_free (text);
    return FALSE;
}

static gboolean
set_text (DomainDef *def, char **member, const char *text, gboolean one_line, GError **error)
{
    if (text && !xml_text_valid (text))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                               "the text has characters that XML cannot hold");
    if (text && one_line && strchr (text, '\n'))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                               "metadata title can't contain newlines");
    return replace (def, member, text && *text ? g_strdup (text) : NULL, error);
}

static gboolean
check_set_element (const char *text, const char *key, const char *uri, GError **error)
{
    if (!uri || !*uri || !xml_text_valid (uri))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                               "uri must be a non-empty string");
    if (text && (!key || xmlValidateNCName ((const xmlChar *) key, 0) != 0))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                               "key must be a name that can be an XML prefix");
    return TRUE;
}

/* Moves a copy of @text's root element below @metadata. */
static gboolean
add_subtree (xmlNode *metadata, const char *text, const char *key, const char *uri, GError **error)
{
    g_autoptr (xmlDoc) doc
        = xml_document_parse (text, strlen (text), "metadata_xml", ORIGIN_DOMAIN, error);
    xmlNode *root;
    xmlNs *ns;

    if (!doc)
        return FALSE;
    root = xmlDocGetRootElement (doc);
    ns = xmlNewNs (root, (const xmlChar *) uri, (const xmlChar *) key);
    if (!ns)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_XML,
                               "the prefix '%s' is taken by another namespace in the metadata",
                               key);
    change_tree (root, NULL, ns);
    if (!root->ns || !g_str_equal ((const char *) root->ns->href, uri))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_XML,
                               "the metadata element is in another namespace than '%s'", uri);
    xmlAddChild (metadata, xmlDocCopyNode (root, metadata->doc, 1));
    return TRUE;
}

/* Whether @metadata can be read again in a definition: status files have deeper bounds. */
static gboolean
check_metadata (const char *metadata, GError **error)
{
    g_autofree char *file = g_strdup_printf ("<domain>%s</domain>", metadata);
    g_autoptr (xmlDoc) doc
        = xml_document_parse (file, strlen (file), "metadata", ORIGIN_DOMAIN, error);

    return doc != NULL;
}

static gboolean
set_subtree (DomainDef *def, const char *text, const char *key, const char *uri, GError **error)
{
    const char *before = def->metadata ? def->metadata : "<metadata/>";
    g_autoptr (xmlDoc) doc
        = xml_document_parse (before, strlen (before), "metadata", ORIGIN_DOMAIN, error);
    xmlNode *metadata, *old;
    g_autofree char *after = NULL;

    if (!doc)
        return FALSE;
    metadata = xmlDocGetRootElement (doc);
    old = find_subtree (metadata, uri);
    if (old) {
        xmlUnlinkNode (old);
        xmlFreeNode (old);
    }
    if (text && !add_subtree (metadata, text, key, uri, error))
        return FALSE;
    after = node_text (metadata, METADATA_LEVEL);
    if (after && !check_metadata (after, error))
        return FALSE;
    if (!def->metadata && !text)
        return TRUE;
    return replace (def, &def->metadata, g_steal_pointer (&after), error);
}

gboolean
domain_metadata_set (DomainDef *def, MetadataType type, const char *text, const char *key,
                     const char *uri, GError **error)
{
    switch (type) {
    case METADATA_DESCRIPTION:
        return set_text (def, &def->description, text, FALSE, error);
    case METADATA_TITLE:
        return set_text (def, &def->title, text, TRUE, error);
    case METADATA_ELEMENT:
        return check_set_element (text, key, uri, error)
            && set_subtree (def, text, key, uri, error);
    default:
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "unknown metadata type %u",
                               (guint) type);
    }
}
