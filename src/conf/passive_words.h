/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of passive_rows*.c, taken apart once; and the values they speak of. Private to
 * passive.c. */
#pragma once

#include "conf/passive.h"

typedef struct {
    char name[32];
    char type[400];         /* of a child: the row to use */
    char initial[24];
    gboolean many, required, always, kept, no_zero, no_empty, secret, when_on, judged;
} PassiveWord;

typedef struct {
    const PassiveRow *row;
    guint n_attrs, n_children;
    PassiveWord *attrs, *children;
} PassiveKind;

/* Takes the next word of *words, which moves on; FALSE at the end. */
gboolean passive_word_next (const char **words, PassiveWord *word);
/* All of @words, which must be constant: they are taken apart once, and kept. */
const PassiveWord *passive_words (const char *words, guint *ret_n);
/* The row for element @name (or the row named so, @row) below @parent, of @kind (NULL: any). Never
 * NULL: rows are ours. */
const PassiveKind *passive_kind_find (const char *parent, const char *name, const char *row,
                                      const char *kind);
gboolean passive_row_exists (const char *row);
/* The row that @word of a child names: a '$' in it is @type, its parent's; NULL: none. */
void passive_word_row (const PassiveWord *word, const char *type, char *to, gsize size);
/* Whether the row of a child depends on the element's type. */
gboolean passive_kind_has_hole (const PassiveKind *kind);
/* What tells the kind of such an element: the first attribute of its general row; NULL. */
const PassiveWord *passive_kind_word (const char *parent, const char *name, const char *row);
/* Its default; NULL. */
const char *passive_kind_default (const char *parent, const char *name, const char *row);

/* @text as it is written; NULL when it is not of @type. *ret_why is what was expected, or NULL. */
char *passive_canonical (const char *type, const char *text, const char **ret_why);
/* Whether what is wrong, or -1, is as good as none. */
gboolean passive_is_lenient (const char *type);
gboolean passive_is_size (const char *type);
/* How a size is written: "KiB", and how many bytes that is; what it is read in by default. */
const char *passive_size_unit (const char *type, guint64 *ret_factor, const char **ret_default);
/* The unit of @value, which is kept in that of @type, and as @number what is written. */
const char *passive_size_written (const char *type, const char *value, char number[32]);
/* Whether the value is one that is not written where the word has '-'. */
gboolean passive_is_zero (const char *type, const char *value);
