/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Validation against schemas/NAME.rng; each schema is compiled once per process. Any thread, one at a
 * time: a large document takes seconds, so never on the main loop of the daemon. */
#pragma once

#include <glib.h>

/* Where the .rng files are; without it $SKEP_SCHEMA_DIR, else where they are installed. Drops what was
 * compiled from another directory; call it at start only. */
void schema_set_directory (const char *dir);

struct _xmlDoc;

/* ERR_XML_INVALID_SCHEMA with the first violation, its line and element. */
gboolean schema_validate (const char *schema, const char *xml, gsize size, GError **error);
gboolean schema_validate_document (const char *schema, struct _xmlDoc *doc, GError **error);
