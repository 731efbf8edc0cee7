/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GError <-> the wire's error struct; the only place that knows libvirt's message templates. */
#pragma once

#include <glib.h>

/* The full text a client prints: template of the code filled with the detail. */
char *error_wire_message (const GError *error);

/* The `error` struct as XDR bytes, level 2, strings as framing.md section 5 has them. */
GByteArray *error_wire_encode (const GError *error);

/* For clients: a GError of the received struct; its message is the wire's whole text. */
gboolean error_wire_decode (const void *data, gsize size, GError **ret_error);
