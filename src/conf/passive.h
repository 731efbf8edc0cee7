/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Elements and attributes of libvirt's domain XML that mean nothing to a container: <cpu>, <sound>,
 * <address type='pci'>.
 *
 * They are accepted, checked and printed back, but nobody reads them, so they have no struct: a row
 * of passive_rows.c says what an element may contain, and what was read is kept as it will be
 * written. A new one is a row. When an element gets a meaning, its row goes and a codec function
 * comes.
 */
#pragma once

#include "conf/codec.h"

/*
 * The words of a row, separated by blanks:
 *
 * attrs, in the order of writing: NAME[:TYPE][!][=DEFAULT]. '!': required. The default is written
 * when the attribute is absent; '#' stands for the number of the outermost element among its like.
 *
 * TYPE: absent: text; u: unsigned; i: signed; y: yes or no; o: on or off; x1 x2 x4 x8: hexadecimal
 * of that many digits at least; c: list of CPUs; k, m: a size, written in KiB or MiB, together with
 * an attribute unit; U: uuid; -: live-only, read and forgotten; otherwise words, a|b|c (with a '~'
 * before them a bad one is ERR_CONFIG_UNSUPPORTED).
 *
 * children, in the order of writing: NAME[*][!][+]. '*': any number; '!': required; '+': written,
 * with its defaults, even when absent.
 *
 * text: a TYPE, "text" for any; NULL for none.
 */
typedef struct {
    const char *element;    /* "address", "parent/address"; with its type= "address[pci]" */
    const char *attrs, *children, *text;
} PassiveRow;

/* Ends with element NULL. */
extern const PassiveRow passive_rows[];

/* The children @names, words as in a row, of the current element. @items keeps them; reading makes
 * it when there is one. */
void passive_codec (Codec *c, GPtrArray **items, const char *names);
/* The same for attributes @attrs. */
void passive_attrs_codec (Codec *c, GPtrArray **items, const char *attrs);
/* Whether there is an item @name. */
gboolean passive_has (const GPtrArray *items, const char *name);
/* Appends the path of each item to @paths (of char *): "/domain/cpu",
 * "/domain/devices/disk/@snapshot". */
void passive_list (const GPtrArray *items, GPtrArray *paths);
