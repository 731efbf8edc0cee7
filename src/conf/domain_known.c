/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Elements of libvirt's domain XML that its LXC driver reads and forgets, or never reads: they are
 * ignored, and named. A row is a parent and its children; every other unknown element is refused.
 */
#include <string.h>

#include "conf/domain_codec.h"

static const struct {
    const char *parent;
    const char *names;      /* separated by blanks */
} rows[] = {
    { "domain", "maxMemory vcpus launchSecurity" },
    { "hostdev", "readonly shareable ip route driver teaming" },
    { "source", "origstates" },
};

static gboolean
has_word (const char *words, const char *word)
{
    gsize length = strlen (word);

    for (const char *p = words; *p; p += strcspn (p, " "), p += strspn (p, " "))
        if (strcspn (p, " ") == length && strncmp (p, word, length) == 0)
            return TRUE;
    return FALSE;
}

gboolean
domain_known (const char *parent, const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
        if (g_str_equal (rows[i].parent, parent) && has_word (rows[i].names, name))
            return TRUE;
    return FALSE;
}
