/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Defaults of what counts: vcpus, iothreads, cputune, numatune. */
#include "conf/cpulist.h"
#include "conf/domain_codec.h"

#include <stdlib.h>

static gboolean
thread_taken (const GPtrArray *threads, guint id)
{
    for (guint i = 0; i < threads->len; i++)
        if (((IothreadDef *) g_ptr_array_index (threads, i))->id == id)
            return TRUE;
    return FALSE;
}

/* The number asks for threads, the list names some of them: the rest gets the free ids. */
static void
default_iothreads (DomainDef *def)
{
    GPtrArray *threads = def->iothread_ids;
    guint id = 1;

    def->iothreads = MIN (def->iothreads, IOTHREADS_MAX);
    while (threads->len < def->iothreads) {
        IothreadDef *thread = g_new0 (IothreadDef, 1);

        while (thread_taken (threads, id))
            id++;
        *thread = (IothreadDef) { .id = id, .made = TRUE, .pool_min = -1, .pool_max = -1 };
        g_ptr_array_add (threads, thread);
    }
    def->iothreads = threads->len;
}

static int
compare_pins (gconstpointer a, gconstpointer b)
{
    const CpuPin *one = *(CpuPin *const *) a, *two = *(CpuPin *const *) b;

    return one->id < two->id ? -1 : one->id > two->id;
}

static int
compare_scheds (gconstpointer a, gconstpointer b)
{
    const SchedDef *one = *(SchedDef *const *) a, *two = *(SchedDef *const *) b;

    return atoi (one->ids) - atoi (two->ids);
}

/* Of a list of ids one entry each. */
static void
split_scheds (GPtrArray *scheds)
{
    guint n = scheds->len;

    /* of more than there are numbers some overlap, which is refused later */
    for (guint i = 0; i < n && scheds->len <= CPULIST_MAX; i++) {
        SchedDef *sched = g_ptr_array_index (scheds, i);
        gboolean first = TRUE;
        CpuSet set;

        if (!cpu_set_parse (sched->ids, &set, NULL))
            continue;           /* the codec made it */
        for (guint id = 0; id < CPULIST_MAX; id++) {
            SchedDef *one = sched;

            if (!cpu_set_contains (&set, id))
                continue;
            if (!first) {
                one = g_new0 (SchedDef, 1);
                one->policy = sched->policy;
                one->priority = sched->priority;
                g_ptr_array_add (scheds, one);
            }
            g_free (one->ids);
            one->ids = g_strdup_printf ("%u", id);
            first = FALSE;
        }
    }
    g_ptr_array_sort (scheds, compare_scheds);
}

static void
default_cputune (DomainDef *def)
{
    DomainCputune *tune = &def->cputune;

    g_ptr_array_sort (tune->vcpupins, compare_pins);
    g_ptr_array_sort (tune->iothreadpins, compare_pins);
    split_scheds (tune->vcpuscheds);
    split_scheds (tune->iothreadscheds);
}

/* "auto" of the one implies it of the other, unless something is pinned. */
static void
default_placement (DomainDef *def)
{
    DomainNumatune *numa = &def->numatune;
    const DomainCputune *tune = &def->cputune;
    gboolean pinned = def->cpuset || tune->vcpupins->len || tune->emulatorpin
        || tune->iothreadpins->len;

    if (numa->set && numa->placement == PLACEMENT_NONE)
        numa->placement = numa->nodeset || def->vcpu_placement != PLACEMENT_AUTO ? PLACEMENT_STATIC
                                                                                  : PLACEMENT_AUTO;
    if (def->vcpu_placement == PLACEMENT_AUTO && !numa->set) {
        numa->set = TRUE;
        numa->placement = PLACEMENT_AUTO;
    }
    if (numa->placement == PLACEMENT_AUTO)
        g_clear_pointer (&numa->nodeset, g_free);
    if (numa->placement == PLACEMENT_AUTO && !pinned)
        def->vcpu_placement = PLACEMENT_AUTO;
    if (def->vcpu_placement == PLACEMENT_NONE)
        def->vcpu_placement = PLACEMENT_STATIC;
}

void
domain_default_tune (DomainDef *def)
{
    if (!def->vcpus)
        def->vcpus = 1;
    if (def->vcpus_current == def->vcpus)
        def->vcpus_current = 0;
    default_iothreads (def);
    default_cputune (def);
    default_placement (def);
}
