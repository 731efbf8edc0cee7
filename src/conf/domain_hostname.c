/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/domain.h"

/* libvirt's rule: letters, digits and '-' of the name, one '-' at the begin left out. */
char *
domain_hostname (const DomainDef *def)
{
    GString *name = g_string_new (NULL);
    const char *at = def->name;

    if (def->skep && def->skep->hostname)
        g_string_append (name, def->skep->hostname);
    else
        for (at += *at == '-'; *at && name->len < 64; at++)
            if (g_ascii_isalnum (*at) || *at == '-')
                g_string_append_c (name, *at);
    return g_string_free (name, FALSE);
}
