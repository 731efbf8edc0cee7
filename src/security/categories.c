/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "security/categories.h"

#include <stdio.h>
#include <string.h>

#include "util/error.h"

#define CATEGORIES_MIN 8
#define CATEGORIES 1024

/* Pair number low * CATEGORIES + high -> how many have it. */
static GHashTable *holders;
/* The same as bits, a row for each lower one: for the free ones among half a million. */
static guint64 taken[CATEGORIES][CATEGORIES / 64];

void
categories_parse_range (const char *range, char **ret_sensitivity, guint *ret_first, guint *ret_last)
{
    g_autofree char *high = g_strdup (strchr (range, '-') ? strchr (range, '-') + 1 : range);
    char *colon = strchr (high, ':'), *dot;

    *ret_sensitivity = g_strndup (range, strcspn (range, "-:"));
    *ret_first = 0;
    *ret_last = CATEGORIES - 1;
    if (!colon || colon[1] != 'c')
        return;
    *ret_first = *ret_last = (guint) g_ascii_strtoull (colon + 2, NULL, 10);
    dot = strchr (colon, '.');
    if (dot && dot[1] == 'c')
        *ret_last = (guint) g_ascii_strtoull (dot + 2, NULL, 10);
}

/* FALSE: it is something else than "c5,c9", which no container is given. */
static gboolean
parse_pair (const char *categories, guint *ret_low, guint *ret_high)
{
    char end;

    return sscanf (categories, "c%u,c%u%c", ret_low, ret_high, &end) == 2 && *ret_low < *ret_high
        && *ret_high < CATEGORIES;
}

static void
change_holders (const char *categories, int change)
{
    gpointer key;
    guint low, high, count;

    if (!parse_pair (categories, &low, &high))
        return;
    if (!holders)
        holders = g_hash_table_new (NULL, NULL);
    key = GUINT_TO_POINTER (low * CATEGORIES + high);
    count = GPOINTER_TO_UINT (g_hash_table_lookup (holders, key));
    if (change < 0 && count == 0)
        return;
    count += (guint) change;
    if (count > 0) {
        g_hash_table_insert (holders, key, GUINT_TO_POINTER (count));
        taken[low][high / 64] |= G_GUINT64_CONSTANT (1) << high % 64;
    } else {
        g_hash_table_remove (holders, key);
        taken[low][high / 64] &= ~(G_GUINT64_CONSTANT (1) << high % 64);
    }
}

void
categories_take (const char *categories)
{
    change_holders (categories, 1);
}

void
categories_give_back (const char *categories)
{
    change_holders (categories, -1);
}

/* Which of the categories 64 * @word and on make free pairs with @low, none being above @last. */
static guint64
free_in_word (guint low, guint word, guint last)
{
    guint64 free_ones = ~taken[low][word];

    if (word == low / 64)
        free_ones &= ~G_GUINT64_CONSTANT (1) << low % 64;
    if (word == last / 64)
        free_ones &= ~G_GUINT64_CONSTANT (0) >> (63 - last % 64);
    return free_ones;
}

/* Passes over at most @skip of the free pairs between @first and @last, and tells over how many. The next one
 * after @skip of them, if there are so many, is *ret_low and *ret_high. */
static guint
find_free (guint first, guint last, guint skip, guint *ret_low, guint *ret_high)
{
    guint passed = 0;

    for (guint low = first; low < last; low++)
        for (guint word = low / 64; word <= last / 64; word++) {
            guint64 free_ones = free_in_word (low, word, last);
            guint here = (guint) __builtin_popcountll (free_ones);

            if (passed + here <= skip) {
                passed += here;
                continue;
            }
            for (; passed < skip; passed++)
                free_ones &= free_ones - 1;
            *ret_low = low;
            *ret_high = word * 64 + (guint) __builtin_ctzll (free_ones);
            return passed;
        }
    return passed;
}

/* A random one: what other containers have cannot be told from it. */
char *
categories_choose (guint first, guint last, GError **error)
{
    guint n, low = 0, high = 0;
    char *categories;

    last = MIN (last, CATEGORIES - 1);
    if (last < first || last - first + 1 < CATEGORIES_MIN) {
        error_set (error, ERR_INTERNAL, "Category range c%u-c%u too small", first, last);
        return NULL;
    }
    n = find_free (first, last, G_MAXUINT, &low, &high);
    if (n == 0) {
        error_set (error, ERR_INTERNAL, "no free pair of categories between c%u and c%u", first, last);
        return NULL;
    }
    find_free (first, last, (guint) g_random_int_range (0, (gint) n), &low, &high);
    categories = g_strdup_printf ("c%u,c%u", low, high);
    categories_take (categories);
    return categories;
}
