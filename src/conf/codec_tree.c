/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing into a tree of nodes that is read at once, without the text between: copies, and whether a
 * definition can be read back.
 *
 * The nodes are libxml2's structures, for the codec's readers, but lie in blocks that go all at once:
 * libxml2 allocates and frees nothing of them. What the text would not survive is an error here, too:
 * characters that XML has not, attributes behind content or twice, prefixes that nobody declared.
 */
#include "conf/codec_private.h"

#include <libxml/parserInternals.h>
#include <string.h>

#include "conf/xml.h"

#define BLOCK_SIZE 16384

/* What an escape takes at most, &quot; */
#define ESCAPE_MAX 6

typedef struct Block Block;
struct Block {
    Block *next;
    gsize size, used;
    guint8 bytes[] __attribute__ ((aligned (16)));
};

struct CodecTree {
    Block *blocks;
    xmlNode *root;
    GPtrArray *documents;       /* of xmlDoc, whose root elements (_private) are in the tree; NULL: none */
    gsize size;                 /* the text has at most so many bytes */
    GError *error;
};

/* An attribute and its value are made and go together. */
typedef struct {
    xmlAttr attr;
    xmlNode text;
} Attribute;

static void *
take_bytes (CodecTree *tree, gsize size)
{
    Block *block = tree->blocks;
    void *taken;

    size = (size + 15) & ~(gsize) 15;
    if (!block || block->size - block->used < size) {
        gsize room = MAX (size, BLOCK_SIZE);

        block = g_malloc (sizeof (Block) + room);
        *block = (Block) { .next = tree->blocks, .size = room };
        tree->blocks = block;
    }
    taken = block->bytes + block->used;
    block->used += size;
    return taken;
}

static void
fail (CodecTree *tree, const char *what, const char *name)
{
    if (!tree->error)
        error_set (&tree->error, ERR_INTERNAL, "%s '%s'", what, name);
}

/* What callers give may be theirs for a moment only. */
static xmlChar *
keep (CodecTree *tree, const char *text, gsize length)
{
    return memcpy (take_bytes (tree, length + 1), text, length + 1);
}

static xmlChar *
keep_text (CodecTree *tree, const char *name, const char *text)
{
    gsize length = strlen (text);

    if (!xml_text_valid (text))
        fail (tree, "characters that XML cannot hold in", name);
    tree->size += length * ESCAPE_MAX;
    return keep (tree, text, length);
}

static void
link_child (xmlNode *parent, xmlNode *child)
{
    child->parent = parent;
    child->prev = parent->last;
    if (parent->last)
        parent->last->next = child;
    else
        parent->children = child;
    parent->last = child;
}

static void
fill_text (CodecTree *tree, xmlNode *node, const char *name, const char *text)
{
    *node = (xmlNode) { .type = XML_TEXT_NODE, .name = xmlStringText };
    node->content = keep_text (tree, name, text);
}

static xmlNs *
find_namespace (const xmlNode *node, const char *prefix, gsize length)
{
    for (; node; node = node->parent)
        for (xmlNs *ns = node->nsDef; ns; ns = ns->next)
            if (strlen ((const char *) ns->prefix) == length && memcmp (ns->prefix, prefix, length) == 0)
                return ns;
    return NULL;
}

xmlNode *
codec_tree_open (Codec *c, const char *element)
{
    CodecTree *tree = c->tree;
    xmlNode *node = take_bytes (tree, sizeof *node), *parent = c->depth ? codec_top (c)->node : NULL;
    const char *colon = strchr (element, ':'), *name = colon ? colon + 1 : element;

    *node = (xmlNode) { .type = XML_ELEMENT_NODE };
    node->name = keep (tree, name, strlen (name));
    if (parent)
        link_child (parent, node);
    else
        tree->root = node;
    if (colon) {
        node->ns = find_namespace (node, element, (gsize) (colon - element));
        if (!node->ns)
            fail (tree, "no namespace for", element);
    }
    tree->size += 2 * (strlen (element) + strlen ("</>\n") + 2 * (gsize) c->depth);
    return node;
}

static void
declare_namespace (Codec *c, const char *prefix, const char *uri)
{
    xmlNode *node = codec_top (c)->node;
    xmlNs *ns = take_bytes (c->tree, sizeof *ns);

    *ns = (xmlNs) { .type = XML_NAMESPACE_DECL, .next = node->nsDef };
    ns->prefix = keep_text (c->tree, prefix, prefix);
    ns->href = keep_text (c->tree, prefix, uri);
    node->nsDef = ns;
}

void
codec_tree_put (Codec *c, const char *attr, const char *value)
{
    static const char declaration[] = "xmlns:";
    xmlNode *node = codec_top (c)->node;
    xmlAttr **end = &node->properties, *before = NULL;
    Attribute *made;

    c->tree->size += strlen (attr) + strlen (" =''");
    if (g_str_has_prefix (attr, declaration)) {
        declare_namespace (c, attr + strlen (declaration), value);
        return;
    }
    if (c->tag != TAG_OPEN)
        fail (c->tree, "content before the attribute", attr);
    for (; *end; before = *end, end = &before->next)
        if (g_str_equal ((const char *) (*end)->name, attr))
            fail (c->tree, "a second attribute", attr);
    made = take_bytes (c->tree, sizeof *made);
    made->attr = (xmlAttr) { .type = XML_ATTRIBUTE_NODE, .parent = node, .prev = before };
    made->attr.name = keep (c->tree, attr, strlen (attr));
    if (*value) {
        fill_text (c->tree, &made->text, attr, value);
        made->text.parent = (xmlNode *) &made->attr;
        made->attr.children = made->attr.last = &made->text;
    }
    *end = &made->attr;
}

void
codec_tree_put_text (Codec *c, const char *text)
{
    xmlNode *node;

    if (c->tag != TAG_OPEN)
        fail (c->tree, "text behind the content of", codec_top (c)->name);
    c->tag = TAG_TEXT;
    if (!*text)
        return;
    node = take_bytes (c->tree, sizeof *node);
    fill_text (c->tree, node, codec_top (c)->name, text);
    link_child (codec_top (c)->node, node);
}

static void
free_document (void *data)
{
    xmlDoc *doc = data;
    xmlNode *root = doc->_private;

    root->parent = root->prev = root->next = NULL;
    xmlAddChild ((xmlNode *) doc, root);
    xmlFreeDoc (doc);
}

void
codec_tree_put_document (Codec *c, const char *text)
{
    CodecTree *tree = c->tree;
    gsize length = strlen (text);
    xmlDoc *doc = tree->error ? NULL
                              : xml_own_document_parse (text, length, "copy", c->grammar->origin, &tree->error);

    c->tag = TAG_COMPLETE;
    tree->size += length + 2 * (gsize) c->depth + 1;
    if (!doc)
        return;
    if (!tree->documents)
        tree->documents = g_ptr_array_new_with_free_func (free_document);
    doc->_private = xmlDocGetRootElement (doc);
    xmlUnlinkNode (doc->_private);
    g_ptr_array_add (tree->documents, doc);
    link_child (codec_top (c)->node, doc->_private);
}

static void
clear (CodecTree *tree)
{
    g_clear_pointer (&tree->documents, g_ptr_array_unref);
    for (Block *block = tree->blocks, *next; block; block = next) {
        next = block->next;
        g_free (block);
    }
    g_clear_error (&tree->error);
}

gboolean
codec_copy (const CodecGrammar *grammar, guint flags, CodecFn fn, const void *from, void *to, gsize *ret_size,
            GError **error)
{
    CodecTree tree = { 0 };
    Codec c = { .flags = flags, .grammar = grammar, .tree = &tree };
    gboolean good = FALSE;

    codec_write_root (&c, fn, from);
    if (ret_size)
        *ret_size = tree.size;
    if (tree.error)
        g_propagate_error (error, g_steal_pointer (&tree.error));
    else
        good = codec_read (tree.root, grammar, flags, fn, to, NULL, error);
    clear (&tree);
    return good;
}
