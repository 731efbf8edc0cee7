/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes with units, as libvirt spells them: b, byte(s); KB is 1000, k and KiB are 1024; up to E. */
#pragma once

#include <glib.h>

/* Digits, nothing else, of @text times @unit (NULL, "": @initial). FALSE leaves *ret_bytes alone and
 * sets ERR_XML (no number of 64 bits), ERR_INVALID_ARG (no such unit) or ERR_OVERFLOW: of signed 64
 * bits, so that sums and wire types hold it, or (@wide) of 64 bits. */
gboolean unit_parse (const char *text, const char *unit, const char *initial, gboolean wide,
                     guint64 *ret_bytes, GError **error);

/* The same in KiB, rounded up, of signed 64 bits in bytes. */
gboolean unit_parse_kib (const char *text, const char *unit, const char *initial, guint64 *ret_kib,
                         GError **error);
