/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ethernet addresses as text, aa:bb:cc:dd:ee:ff. */
#pragma once

#include <glib.h>

/* Six groups of one or two hexadecimal digits; FALSE leaves @mac alone. */
gboolean mac_parse (const char *text, guint8 mac[6]);
char *mac_format (const guint8 mac[6]);
/* 52:54:00 and three random bytes; the caller frees. */
char *mac_generate (void);
