/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes of what has no effect, for passive.c and passive_node.c only. */
#pragma once

#include "conf/passive_words.h"

typedef struct {
    const PassiveWord *word;
    char *value;
} PassiveAttr;

/* An element, or (kind NULL) an attribute of an element that has an effect: then the text is its
 * value. */
struct PassiveNode {
    const PassiveKind *kind;
    char *name;
    char *text;
    char *path;             /* of an item's parent */
    GPtrArray *attrs;       /* of PassiveAttr, in the order of the row; NULL: none */
    GPtrArray *children;    /* of PassiveNode, in the order of the row; NULL: none */
    guint place;            /* among its siblings, where it was found last */
    gboolean dropped;
    gboolean open;          /* written with an end tag, though it is empty */
    gboolean secret;
};

PassiveNode *passive_node_new (const PassiveKind *kind, const char *name);
void passive_node_free (void *node);
/* Adds @node, which it takes as well as @path, to @items. */
PassiveNode *passive_node_add (GPtrArray **items, PassiveNode *node, char *path);
/* Both take what is set, and put it where the row has it. */
void passive_node_set (PassiveNode *node, const PassiveWord *word, char *value);
PassiveNode *passive_node_insert (PassiveNode *node, PassiveNode *child);
