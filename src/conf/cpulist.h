/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of CPUs or NUMA nodes: "0-3,^2,7". */
#pragma once

#include <glib.h>

#define CPULIST_MAX 16384   /* numbers are below this */

typedef struct {
    guint64 bits[CPULIST_MAX / 64];
} CpuSet;

/* Comma-separated numbers and ranges; a '^' takes a number or range away again. Blanks are allowed
 * around the parts. ERR_INVALID_ARG. An empty text is no list; "1,^1" is an empty set. */
gboolean cpu_set_parse (const char *text, CpuSet *set, GError **error);
/* Ascending, with ranges where two or more follow each other: "0-1,3". "" when empty. */
char *cpu_set_format (const CpuSet *set);
gboolean cpu_set_contains (const CpuSet *set, guint cpu);
void cpu_set_put (CpuSet *set, guint cpu);      /* not one that is beyond */
void cpu_set_put_range (CpuSet *set, guint first, guint last);      /* both below CPULIST_MAX */
/* The first that is not below @from; CPULIST_MAX: none. */
guint cpu_set_next (const CpuSet *set, guint from);
guint cpu_set_count (const CpuSet *set);
gboolean cpu_set_overlaps (const CpuSet *one, const CpuSet *other);
/* Adds what is in @other. */
void cpu_set_add (CpuSet *set, const CpuSet *other);
/* Takes away what is in @other. */
void cpu_set_remove (CpuSet *set, const CpuSet *other);
/* Takes away what is not below @n. */
void cpu_set_cut (CpuSet *set, guint n);

/* Parses and formats. The caller frees; NULL with error. */
char *cpulist_canonical (const char *text, GError **error);
