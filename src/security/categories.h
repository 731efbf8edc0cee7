/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pairs of MCS categories: no two containers that run have the same, so that the policy keeps them apart. Counted,
 * since a pair that a container brings along (re-adopted) may be another's too. Main loop only.
 */
#pragma once

#include <glib.h>

/* What may be given away of a range: "s0-s0:c0.c1023" is sensitivity s0, categories 0 to 1023; a range without
 * categories stands for all. The caller frees the sensitivity. */
void categories_parse_range (const char *range, char **ret_sensitivity, guint *ret_first, guint *ret_last);
/* "c5,c9", in rising order, that nobody has; taken from now on. */
char *categories_choose (guint first, guint last, GError **error);
/* One more has it; one less. */
void categories_take (const char *categories);
void categories_give_back (const char *categories);
