/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/cpulist.h"

#include "util/error.h"

static const char *
skip_blanks (const char *p)
{
    while (g_ascii_isspace (*p))
        p++;
    return p;
}

/* A number below CPULIST_MAX; NULL when there is none. */
static const char *
parse_number (const char *p, guint *ret)
{
    guint n = 0;

    if (!g_ascii_isdigit (*p))
        return NULL;
    for (; g_ascii_isdigit (*p); p++) {
        n = n * 10 + (guint) (*p - '0');
        if (n >= CPULIST_MAX)
            return NULL;
    }
    *ret = n;
    return p;
}

/* The end of a range: libvirt takes a sign before it. */
static const char *
parse_last (const char *p, guint *ret)
{
    return parse_number (p + (*p == '+'), ret);
}

/* The bits from @first to @last of the word that @first is in. */
static guint64
word_mask (guint first, guint last)
{
    guint64 from = G_MAXUINT64 << first % 64;

    return last / 64 > first / 64 ? from : from & (G_MAXUINT64 >> (63 - last % 64));
}

void
cpu_set_put_range (CpuSet *set, guint first, guint last)
{
    for (guint i = first; i <= last; i = (i | 63) + 1)
        set->bits[i / 64] |= word_mask (i, last);
}

/* One part, "^2" or "0 - 3"; returns what follows, NULL when it is none. */
static const char *
parse_part (const char *p, CpuSet *set)
{
    gboolean remove = *p == '^';
    guint first, last;

    p = parse_number (p + remove, &first);
    last = first;
    p = p ? skip_blanks (p) : NULL;
    if (p && *p == '-')         /* of a range nothing is taken out: libvirt has no "^0-3" */
        p = remove ? NULL : parse_last (skip_blanks (p + 1), &last);
    if (!p || last < first)
        return NULL;
    if (remove)
        set->bits[first / 64] &= ~(G_GUINT64_CONSTANT (1) << (first % 64));
    else
        cpu_set_put_range (set, first, last);
    return skip_blanks (p);
}

gboolean
cpu_set_parse (const char *text, CpuSet *set, GError **error)
{
    CpuSet found = { 0 };
    const char *p = parse_part (skip_blanks (text), &found);

    while (p && *p) {
        p = *p == ',' ? skip_blanks (p + 1) : NULL;
        p = p && *p ? parse_part (p, &found) : p;       /* "1," is "1" */
    }
    if (!p)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "Failed to parse bitmap '%s'",
                               text);
    *set = found;
    return TRUE;
}

gboolean
cpu_set_contains (const CpuSet *set, guint cpu)
{
    return cpu < CPULIST_MAX && (set->bits[cpu / 64] >> (cpu % 64) & 1);
}

gboolean
cpu_set_overlaps (const CpuSet *one, const CpuSet *other)
{
    for (guint i = 0; i < G_N_ELEMENTS (one->bits); i++)
        if (one->bits[i] & other->bits[i])
            return TRUE;
    return FALSE;
}

void
cpu_set_add (CpuSet *set, const CpuSet *other)
{
    for (guint i = 0; i < G_N_ELEMENTS (set->bits); i++)
        set->bits[i] |= other->bits[i];
}

void
cpu_set_remove (CpuSet *set, const CpuSet *other)
{
    for (guint i = 0; i < G_N_ELEMENTS (set->bits); i++)
        set->bits[i] &= ~other->bits[i];
}

void
cpu_set_cut (CpuSet *set, guint n)
{
    for (guint cpu = n; cpu < CPULIST_MAX; cpu++)
        if (cpu % 64 == 0)
            set->bits[cpu / 64] = 0, cpu += 63;
        else
            set->bits[cpu / 64] &= ~(G_GUINT64_CONSTANT (1) << cpu % 64);
}

void
cpu_set_put (CpuSet *set, guint cpu)
{
    if (cpu < CPULIST_MAX)
        set->bits[cpu / 64] |= G_GUINT64_CONSTANT (1) << cpu % 64;
}

guint
cpu_set_next (const CpuSet *set, guint from)
{
    for (guint i = from; i < CPULIST_MAX; i = (i | 63) + 1) {
        guint64 rest = set->bits[i / 64] & G_MAXUINT64 << i % 64;

        if (rest)
            return i / 64 * 64 + (guint) __builtin_ctzll (rest);
    }
    return CPULIST_MAX;
}

guint
cpu_set_count (const CpuSet *set)
{
    guint count = 0;

    for (guint i = 0; i < G_N_ELEMENTS (set->bits); i++)
        count += (guint) __builtin_popcountll (set->bits[i]);
    return count;
}

char *
cpu_set_format (const CpuSet *set)
{
    GString *text = g_string_new (NULL);

    for (guint i = cpu_set_next (set, 0); i < CPULIST_MAX; i = cpu_set_next (set, i + 1)) {
        guint last = i;

        while (cpu_set_contains (set, last + 1))
            last++;
        g_string_append_printf (text, last > i ? "%s%u-%u" : "%s%u", text->len ? "," : "", i, last);
        i = last;
    }
    return g_string_free (text, FALSE);
}

char *
cpulist_canonical (const char *text, GError **error)
{
    CpuSet set;

    return cpu_set_parse (text, &set, error) ? cpu_set_format (&set) : NULL;
}
