/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as libvirt writes and reads them: C's strtoull() with nothing behind, so that blanks and a sign before
 * it are allowed, but an unsigned number has no '-'. */
#pragma once

#include <glib.h>

/* @base 0: 0x and 0 say which. FALSE leaves *ret alone. */
gboolean number_parse_unsigned (const char *text, guint base, guint64 max, guint64 *ret);
gboolean number_parse_signed (const char *text, guint base, gint64 min, gint64 max, gint64 *ret);

#define NUMBER_SIZE 21          /* of the longest one and its NUL */

/* Decimal, into @text, which it returns. printf() is slow where a definition is all numbers. */
const char *number_format (guint64 n, char text[NUMBER_SIZE]);
