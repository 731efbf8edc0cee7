/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Elements and attributes of libvirt's domain XML that mean nothing to a container: <cpu>, <sound>,
 * <address type='pci'>.
 *
 * They are accepted, checked and printed back, but nobody acts on them, so they have no struct: a
 * row of passive_rows*.c says what an element may contain, and what was read is kept as a tree of
 * nodes. A new one is a row; what a row cannot say is a rule, a function that judges and completes
 * the node after it was read. When an element gets a meaning, its row goes and a codec function
 * comes.
 */
#pragma once

#include "conf/codec.h"

typedef struct PassiveNode PassiveNode;

/* Called when @node is read, with its element still the current one: fails with codec_fail(), or
 * changes @node. */
typedef void (*PassiveRule) (Codec *c, PassiveNode *node);

/*
 * The words of a row, separated by blanks:
 *
 * attrs, in the order of writing: NAME[:TYPE][*][!][-][%][^][&][>][=DEFAULT]. '!': required.
 * '-': the value
 * that is 0, or the first of the type's words, is not written. '%': an empty value is as good as
 * none. '^': a secret, written only when those are. The default is written when the attribute
 * is absent; '#' stands for the number of the outermost element among its like. '&': ignored unless
 * the attribute state is on, as are children that have it. '>': the rule judges whether it is there
 * and of the type.
 *
 * TYPE: absent: text; u, U: unsigned of 32 and 64 bits; n, N: the same, not zero; i, I: signed of
 * 32 and 64 bits; e: as i, any base; p, q: signed, not negative; a, A (of 64 bits), q, J (as I):
 * with 0x or 0 before it
 * hexadecimal or octal; t: of 32 bits with or without a sign, -1 for none; j: a number that the
 * rule
 * judges; j/TYPE: the rule calls passive_judge(); y: yes or no; o: on or off; x1 x2 x4 x8:
 * hexadecimal
 * of that many digits at least, read as C does; X1: of 31 bits; h1 h8: as x of 64 bits, read as
 * hexadecimal; s2 s4: as x2 x4, but -1 for none; H4: as h, of 32 bits; G, K: a size, in MiB or KiB
 * unless it has a unit, written in the largest one that leaves no fraction; c: list of CPUs; k,
 * M, b:
 * a size, written in KiB, MiB or bytes, together with an attribute unit; w: as k, of 64 bits;
 * uuid; l: live-only, read and
 * forgotten; otherwise words, a|b|c, and behind a '~' words of which others are as good as none.
 *
 * children, in the order of writing: NAME[:ROW][*][!][+][?][^]. ROW: the row to use, in which
 * '$' stands
 * for the type of this element; '*': any number; '!': required; '+': written, with its defaults,
 * even when absent; '?': kept even when empty; '^': a secret. An element without a type has no
 * children where one of them is by type. Other elements that could have content and have none
 * are dropped.
 *
 * text: a TYPE, "text" for any; NULL for none.
 *
 * An element's kind is the value of the attribute with a '*', or the first one, of its row
 * without a
 * kind, or its default.
 */
typedef struct {
    const char *element;    /* "address", "parent/address"; of a kind "address[pci]" */
    const char *attrs, *children, *text;
    PassiveRule rule;
    PassiveRule before;         /* called with the attributes only, before the children are read */
} PassiveRow;

/* Each ends with element NULL. */
extern const PassiveRow passive_rows[], passive_device_rows[], passive_chardev_rows[],
    passive_host_rows[], passive_storage_rows[],
    passive_graphics_rows[];

/* The children @names, words as in a row that stay where they are, of the current element. @items
 * keeps them; reading makes it when there is one. */
void passive_codec (Codec *c, GPtrArray **items, const char *names);
/* The same for attributes @attrs. */
void passive_attrs_codec (Codec *c, GPtrArray **items, const char *attrs);
/* Whether there is an item @name. */
gboolean passive_has (const GPtrArray *items, const char *name);
/* Whether there is an item of an element @parent. */
gboolean passive_inside (const GPtrArray *items, const char *parent);
/* The first item @name, the one behind @after (NULL: the first); NULL. */
PassiveNode *passive_find (const GPtrArray *items, const char *name, const PassiveNode *after);
/* The first item that is an element @name; the value of an item that is an attribute @name. */
PassiveNode *passive_find_element (const GPtrArray *items, const char *name);
const char *passive_value (const GPtrArray *items, const char *name);
/* A new element @name, as if read without attributes below @path ("/domain/devices"). */
PassiveNode *passive_add (GPtrArray **items, const char *path, const char *name, const char *row);
/* A new attribute @name with @value, as if read of the element @path. */
void passive_add_attr (GPtrArray **items, const char *path, const char *name, const char *value);
void passive_remove (GPtrArray *items, PassiveNode *node);
/* Appends the path of each item to @paths (of char *): "/domain/cpu",
 * "/domain/devices/disk/@snapshot". */
void passive_list (const GPtrArray *items, GPtrArray *paths);

/* For the test that writes the schema: @fn hears what is asked for of an element that is read,
 * "/domain/devices/disk", whether it is there or not. Not for threads. */
void passive_watch (void (*fn) (const char *path, const char *words, gboolean attrs));


/* ---- for rules, defaults and checks; of no node (NULL) there is nothing */

const char *passive_attr (const PassiveNode *node, const char *attr);
const char *passive_text (const PassiveNode *node);
/* The attribute as a number, @absent when it is not there. */
gint64 passive_number (const PassiveNode *node, const char *attr, gint64 absent);
gboolean passive_is (const PassiveNode *node, const char *attr, const char *value);
/* Written where the row has it. @value NULL takes it away. */
void passive_set (PassiveNode *node, const char *attr, const char *value);
void passive_set_text (PassiveNode *node, const char *text);
/* The first child @name; the next one of that name. */
PassiveNode *passive_child (const PassiveNode *node, const char *name);
PassiveNode *passive_next (const PassiveNode *node, const PassiveNode *child);
/* A new child, written where the row has it. */
PassiveNode *passive_add_child (PassiveNode *node, const char *name);
PassiveNode *passive_add_kind (PassiveNode *node, const char *name, const char *kind);
void passive_remove_child (PassiveNode *node, PassiveNode *child);
/* Children of any name: their number, and one of them. */
guint passive_length (const PassiveNode *node);
PassiveNode *passive_nth (const PassiveNode *node, guint i);
/* Children stand as their names (const char *) in @names. */
void passive_reorder (PassiveNode *node, const GPtrArray *names);
/* Sorts all children. Of the same they stay as they are. */
void passive_sort (PassiveNode *node, GCompareFunc compare);
/* Takes the child from @from; it is of the same row. */
void passive_move_child (PassiveNode *from, PassiveNode *child, PassiveNode *to);
/* While it is read: an attribute of j/TYPE is of that type after all. */
void passive_judge (Codec *c, PassiveNode *node, const char *attr);
/* Its children, for the functions above; NULL: none. */
GPtrArray *passive_children (const PassiveNode *node);
const char *passive_name (const PassiveNode *node);
/* The two change places. */
void passive_swap (PassiveNode *node, PassiveNode *one, PassiveNode *other);
gboolean passive_blank (const PassiveNode *node);   /* nothing is in it */
/* Whether the row has a child @name. */
gboolean passive_has_word (const PassiveNode *node, const char *name);
/* The node is not kept. */
void passive_drop (PassiveNode *node);
/* It keeps no attributes and children. */
void passive_clear (PassiveNode *node);
/* It is written with an end tag even if empty: libvirt does so here and there. */
void passive_open (PassiveNode *node);
guint passive_count (const PassiveNode *node, const char *name);    /* children @name */
/* @before NULL: to the end. */
void passive_move (GPtrArray *items, PassiveNode *node, const PassiveNode *before);
