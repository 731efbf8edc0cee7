/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text in a variable that owns it. */
#pragma once

#include <glib.h>

/* Puts a copy of @value (NULL: none) in the place of what *@text has, of which @value may be a part. */
static inline void
text_replace (char **text, const char *value)
{
    char *copy = g_strdup (value);

    g_free (*text);
    *text = copy;
}
