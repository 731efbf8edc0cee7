/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is there more than once, where libvirt's paths reach into all of them or the last one counts. Only
 * a document has such: what is copied (codec_tree.c), whose nodes libxml2 must not free, has each once.
 */
#include "conf/codec_private.h"
#include "conf/xml.h"

/* Of so many children it is soon said whether two are alike; of more there may be. */
#define FEW 32

/* @to takes the attributes of @from: all instead of its own, or those that it lacks. */
static void
take_attributes (Codec *c, xmlNode *to, xmlNode *from, gboolean instead)
{
    guint n = 0;

    if (instead) {
        xmlFreePropList (to->properties);
        to->properties = NULL;
    }
    for (xmlAttr *attr = from->properties, *next; attr; attr = next) {
        next = attr->next;
        if (n == 0)
            for (const xmlAttr *own = to->properties; own; own = own->next)
                n++;
        if (n >= XML_ATTRIBUTES_MAX) {      /* each is looked for among all of them */
            codec_fail_node (c, from, ERR_XML, "elements '%s' have more than %d attributes", (const char *) from->name,
                             XML_ATTRIBUTES_MAX);
            return;
        }
        if (!xmlHasProp (to, attr->name)) {
            n++;
            xmlUnlinkNode ((xmlNode *) attr);
            xmlAddChild (to, (xmlNode *) attr);
        }
    }
}

/* Their namespaces stay where they are declared, in the document. */
static void
take_children (xmlNode *to, xmlNode *from)
{
    for (xmlNode *child = from->children, *next; child; child = next) {
        next = child->next;
        if (child->type == XML_ELEMENT_NODE) {
            xmlUnlinkNode (child);
            xmlAddChild (to, child);
        }
    }
}

/* The current element, or its child @inside; NULL. */
static xmlNode *
place (const Codec *c, const char *inside)
{
    xmlNode *here = c->reading && !c->error ? codec_top (c)->node : NULL;

    return here && inside ? codec_next_child (here->children, inside) : here;
}

gboolean
codec_repeated (const Codec *c)
{
    const char *seen[FEW];
    guint n = 0;

    for (const xmlNode *child = codec_top (c)->node->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        if (n == FEW)
            return TRUE;
        for (guint i = 0; i < n; i++)
            if (*seen[i] == (char) *child->name && g_str_equal (seen[i], (const char *) child->name))
                return TRUE;
        seen[n++] = (const char *) child->name;
    }
    return FALSE;
}

void
codec_merge (Codec *c, const char *inside, const char *element, gboolean last)
{
    xmlNode *parent = place (c, inside);
    xmlNode *first = parent ? codec_next_child (parent->children, element) : NULL;

    for (xmlNode *next = first; next && !c->error && (next = codec_next_child (next->next, element));) {
        next->_private = &codec_mark_taken;
        take_attributes (c, first, next, last);
        take_children (first, next);
    }
}

static xmlNode *
first_like (const xmlNode *parent, const xmlNode *node)
{
    for (xmlNode *one = parent->children; one != node; one = one->next)
        if (one->type == XML_ELEMENT_NODE && one->ns == node->ns && xmlStrEqual (one->name, node->name))
            return one;
    return NULL;
}

void
codec_last (Codec *c, const char *inside)
{
    xmlNode *parent = place (c, inside);
    guint n = 0;

    /* of more than that some are unknown, which is refused */
    for (xmlNode *node = parent ? parent->children : NULL, *next; node && n < CODEC_LIST_MAX; node = next) {
        gboolean merged = node->_private != NULL;
        xmlNode *first = node->type == XML_ELEMENT_NODE && !merged ? first_like (parent, node) : NULL;

        next = node->next;
        n += node->type == XML_ELEMENT_NODE;
        if (first)
            xmlAddPrevSibling (first, node);
    }
}

void
codec_adopt (Codec *c)
{
    xmlNode *parent = codec_top (c)->node;

    for (xmlNode *child = c->reading && !c->error ? parent->children : NULL; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            child->ns = parent->ns;
}

GPtrArray *
codec_children (const Codec *c)
{
    GPtrArray *names = g_ptr_array_new ();

    for (const xmlNode *child = codec_top (c)->node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            g_ptr_array_add (names, (char *) child->name);
    return names;
}
