/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shell.h"

#include <string.h>

const GroupName group_names[GROUP_LAST] = {
    [GROUP_DOMAIN] = { "domain", "Domains" },
    [GROUP_MONITOR] = { "monitor", "Looking at domains" },
    [GROUP_EVENTS] = { "events", "Events" },
    [GROUP_HOST] = { "host", "The host and the daemon" },
    [GROUP_SKEP] = { "skep", "The shell itself" },
};

static const Verb *const tables[] = {
    verbs_life,    verbs_xml,    verbs_new,   verbs_native, verbs_tune,   verbs_console,
    verbs_monitor, verbs_event,  verbs_host,  verbs_shell,  verbs_stats,  verbs_guest,
    verbs_limits,  verbs_vcpu,   verbs_device, verbs_objects, verbs_top,  verbs_watch,
    verbs_act,
};

void
verb_each (VerbVisit visit, gpointer data)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (tables); i++)
        for (const Verb *verb = tables[i]; verb->name; verb++)
            visit (verb, data);
}

const Verb *
verb_find (const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (tables); i++)
        for (const Verb *verb = tables[i]; verb->name; verb++)
            if (strcmp (verb->name, name) == 0)
                return verb;
    return NULL;
}
