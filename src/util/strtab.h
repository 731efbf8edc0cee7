/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of names for enums: index is the enum value. No GLib, so the controller can use it too. */
#pragma once

#include <string.h>

typedef struct {
    const char *const *name;
    unsigned n;
} StringTable;

/* Defines a StringTable @sym; a table whose length is not @last does not compile. */
#define STRING_TABLE(sym, last, ...)                                                               \
    static const char *const sym##_names[] = { __VA_ARGS__ };                                      \
    _Static_assert (sizeof sym##_names / sizeof *sym##_names == (last), "names of " #sym);         \
    const StringTable sym = { sym##_names, (last) }

/* The same for one file only. */
#define STATIC_STRING_TABLE(sym, last, ...)                                                        \
    static const char *const sym##_names[] = { __VA_ARGS__ };                                      \
    _Static_assert (sizeof sym##_names / sizeof *sym##_names == (last), "names of " #sym);         \
    static const StringTable sym = { sym##_names, (last) }

/* The value of @text, or -1. Unused values are NULL or "" in a table and never match. */
static inline int
string_table_value (const StringTable *table, const char *text)
{
    for (unsigned i = 0; i < table->n; i++)
        if (table->name[i] && *table->name[i] && strcmp (table->name[i], text) == 0)
            return (int) i;
    return -1;
}

/* The name of @value, or NULL when it is out of range. */
static inline const char *
string_table_name (const StringTable *table, unsigned value)
{
    return value < table->n ? table->name[value] : NULL;
}
