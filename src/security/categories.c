/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "security/categories.h"

#include <string.h>

#include "util/error.h"

#define CATEGORIES_MIN 8

/* "c5,c9" -> how many have it. */
static GHashTable *taken;

void
categories_parse_range (const char *range, char **ret_sensitivity, guint *ret_first, guint *ret_last)
{
    g_autofree char *high = g_strdup (strchr (range, '-') ? strchr (range, '-') + 1 : range);
    char *colon = strchr (high, ':'), *dot;

    *ret_sensitivity = g_strndup (range, strcspn (range, "-:"));
    *ret_first = 0;
    *ret_last = 1023;
    if (!colon || colon[1] != 'c')
        return;
    *ret_first = *ret_last = (guint) g_ascii_strtoull (colon + 2, NULL, 10);
    dot = strchr (colon, '.');
    if (dot && dot[1] == 'c')
        *ret_last = (guint) g_ascii_strtoull (dot + 2, NULL, 10);
}

static guint
count_of (const char *categories)
{
    return taken ? GPOINTER_TO_UINT (g_hash_table_lookup (taken, categories)) : 0;
}

void
categories_take (const char *categories)
{
    if (!taken)
        taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_replace (taken, g_strdup (categories), GUINT_TO_POINTER (count_of (categories) + 1));
}

void
categories_give_back (const char *categories)
{
    guint count = count_of (categories);

    if (count > 1)
        g_hash_table_replace (taken, g_strdup (categories), GUINT_TO_POINTER (count - 1));
    else if (count == 1)
        g_hash_table_remove (taken, categories);
}

/* The pair number @n of those between @first and @last, as they rise. */
static char *
pair_at (guint first, guint last, guint n)
{
    guint low = first;

    for (; n >= last - low; low++)
        n -= last - low;
    return g_strdup_printf ("c%u,c%u", low, low + 1 + n);
}

/* From a random one on: what other containers have cannot be told from it. */
char *
categories_choose (guint first, guint last, GError **error)
{
    guint n, pairs, begin;

    if (last < first || last - first + 1 < CATEGORIES_MIN) {
        error_set (error, ERR_INTERNAL, "Category range c%u-c%u too small", first, last);
        return NULL;
    }
    n = last - first + 1;
    pairs = n * (n - 1) / 2;
    begin = (guint) g_random_int_range (0, (gint) pairs);
    for (guint i = 0; i < pairs; i++) {
        g_autofree char *categories = pair_at (first, last, (begin + i) % pairs);

        if (count_of (categories) > 0)
            continue;
        categories_take (categories);
        return g_steal_pointer (&categories);
    }
    error_set (error, ERR_INTERNAL, "no free pair of categories between c%u and c%u", first, last);
    return NULL;
}
