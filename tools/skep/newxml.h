/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The domain XML that `skep new` writes. */
#pragma once

#include <glib.h>

typedef struct {
    char *source, *target; /* absolute */
    gboolean readonly;
} NewBind;

typedef struct {
    const char *name, *root, *init;
    const char *const *initargs;
    guint64 memory; /* KiB */
    unsigned vcpus, consoles;
    gint64 idmap;       /* first id on the host, -1 none */
    const char *bridge; /* NULL none */
    gboolean privnet, readonly;
    const NewBind *binds;
    unsigned n_binds;
} NewDomain;

#define NEW_IDS 65536 /* ids of a map */

/* All texts are escaped. */
char *new_domain_xml (const NewDomain *domain);

/* "SRC:DST" or "SRC:DST:ro"; FALSE when it is neither or a path is not absolute. */
gboolean new_bind_parse (const char *text, NewBind *ret_bind);
void new_bind_clear (NewBind *bind);
