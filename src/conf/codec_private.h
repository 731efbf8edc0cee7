/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The codec's inside, for codec*.c only. */
#pragma once

#include <string.h>

#include "conf/codec.h"

/* Levels that codec functions enter; what they do not enter has no depth for us. Some elements may
 * be within their own kind, so that the document's author says how many there are: fewer than
 * XML_DEPTH_MAX, so that there is room for a status file's elements around a domain. */
#define READ_LEVELS 48

/* A device that was read alone is written two levels down in its domain. */
#define LEVELS (READ_LEVELS + 2)

typedef struct {
    xmlNode *node;              /* reading, and writing into a tree */
    const char *name;
    ErrorCode unknown_code;     /* of children nobody asked for; 0: by the grammar */
    const char *unknown_format; /* with one %s */
    guint ignored;              /* children */
    xmlNode *last;              /* the child that codec_next() gave: the next of its name is behind it */
    guint last_number;          /* among those of its name */
} Level;

/* What of the current start tag is written. */
typedef enum { TAG_COMPLETE, TAG_OPEN, TAG_TEXT } Tag;

/* codec_tree.c */
typedef struct CodecTree CodecTree;

struct Codec {
    gboolean reading;
    guint flags;
    const CodecGrammar *grammar;
    GPtrArray *ignored;         /* reading: paths of what nobody asked for; NULL: an error */
    GString *out;
    CodecTree *tree;            /* writing into this, instead of @out */
    guint base;                 /* writing: indentation of the root, in steps */
    Tag tag;
    guint depth;                /* levels[depth - 1] is the current element */
    Level levels[LEVELS];
    const void *owner;
    GError *error;
    GError *later;              /* codec_fail_later() */
    CodecStage later_stage;
    guint later_rank;
};

/* Marks in the _private member of libxml2's nodes: ticked off; its text as well. */
extern char codec_mark_taken, codec_mark_text_taken;

static inline Level *
codec_top (const Codec *c)
{
    return (Level *) &c->levels[c->depth - 1];
}

void codec_fail_node (Codec *c, xmlNode *node, ErrorCode code, const char *format, ...)
    G_GNUC_PRINTF (4, 5);
/* @format with @value in place of its %s; the caller frees. */
char *codec_filled (const char *format, const char *value);
/* Fails in libvirt's own words, if the grammar has them for MARK NAME END of the current element. */
gboolean codec_fail_worded (Codec *c, const char *mark, const char *name, const char *end,
                            const char *value);

/* Of a @node with a namespace. */
gboolean codec_is_prefixed (const xmlNode *node, const char *element);

/* Whether @node is an element @element, whose namespace has its prefix as codec functions write it,
 * whatever the document calls it. Asked of each child for each name. */
static inline gboolean
codec_is_element (const xmlNode *node, const char *element)
{
    const char *name = (const char *) node->name;

    if (node->type != XML_ELEMENT_NODE)
        return FALSE;
    if (node->ns)
        return codec_is_prefixed (node, element);
    /* an undeclared prefix is a part of the name, and means nothing */
    return *name == *element && strcmp (name, element) == 0 && !strchr (element, ':');
}

/* A call of GLib for each few bytes is most of what writing takes. */
static inline void
codec_append (GString *out, const char *bytes, gsize n)
{
    if (out->len + n >= out->allocated_len) {
        g_string_append_len (out, bytes, (gssize) n);
        return;
    }
    memcpy (out->str + out->len, bytes, n);
    out->len += n;
    out->str[out->len] = '\0';
}

/* The first such one of @from and its later siblings; NULL. */
xmlNode *codec_next_child (xmlNode *from, const char *element);

/* Reading: names as ignored, or refuses, what of the current element was not ticked off. */
void codec_refuse_rest (Codec *c);

/* Writing: the root element and what is in it. */
void codec_write_root (Codec *c, CodecFn fn, const void *object);

/* ---- writing into a tree: what open_tag(), codec_put() and so on do then */
xmlNode *codec_tree_open (Codec *c, const char *element);
void codec_tree_put (Codec *c, const char *attr, const char *value);
void codec_tree_put_text (Codec *c, const char *text);
void codec_tree_put_document (Codec *c, const char *text);
