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

/* In the order of the help. */
static const Verb *const tables[] = {
    verbs_life,         verbs_xml,    verbs_new,     verbs_native,   verbs_tune,    verbs_console, verbs_list,
    verbs_info,         verbs_stats,  verbs_counters, verbs_guest,   verbs_top,     verbs_limits,  verbs_event,
    verbs_object_event, verbs_wait,   verbs_monitor, verbs_host,     verbs_objects, verbs_vcpu,    verbs_device,
    verbs_act,          verbs_shell,
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
