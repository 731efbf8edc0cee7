/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Defaults of what counts: vcpus, iothreads, cputune, numatune. */
#include "conf/cpulist.h"
#include "conf/domain_codec.h"

#include <stdlib.h>

int
iothread_place (const DomainDef *def, guint id)
{
    for (guint i = 0; i < def->iothread_ids->len; i++)
        if (((IothreadDef *) g_ptr_array_index (def->iothread_ids, i))->id == id)
            return (int) i;
    return -1;
}

/* The number asks for threads, the list names some of them: the rest gets the free ids. */
void
domain_default_iothreads (DomainDef *def)
{
    GPtrArray *threads = def->iothread_ids;
    guint id = 1;

    def->iothreads = MIN (def->iothreads, IOTHREADS_MAX);
    while (threads->len < def->iothreads) {
        IothreadDef *thread = g_new0 (IothreadDef, 1);

        while (iothread_place (def, id) >= 0)
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

/* @places: where in the list of threads an id is, counted from 1; those that are refused later are
 * last, the same ones side by side. */
static int
compare_places (GHashTable *places, guint one, guint two)
{
    guint at = GPOINTER_TO_UINT (g_hash_table_lookup (places, GUINT_TO_POINTER (one))) - 1;
    guint at2 = GPOINTER_TO_UINT (g_hash_table_lookup (places, GUINT_TO_POINTER (two))) - 1;

    if (at != at2)
        return at < at2 ? -1 : 1;
    return one < two ? -1 : one > two;
}

static int
compare_thread_pins (gconstpointer a, gconstpointer b, gpointer places)
{
    return compare_places (places, (*(CpuPin *const *) a)->id, (*(CpuPin *const *) b)->id);
}

static int
compare_thread_scheds (gconstpointer a, gconstpointer b, gpointer places)
{
    return compare_places (places, (guint) atoi ((*(SchedDef *const *) a)->ids),
                           (guint) atoi ((*(SchedDef *const *) b)->ids));
}

static int
compare_scheds (gconstpointer a, gconstpointer b)
{
    const SchedDef *one = *(SchedDef *const *) a, *two = *(SchedDef *const *) b;

    return atoi (one->ids) - atoi (two->ids);
}

static GHashTable *
thread_places (const GPtrArray *threads)
{
    GHashTable *places = g_hash_table_new (NULL, NULL);

    for (guint i = 0; i < threads->len; i++) {
        const IothreadDef *thread = g_ptr_array_index (threads, i);

        g_hash_table_insert (places, GUINT_TO_POINTER (thread->id), GUINT_TO_POINTER (i + 1));
    }
    return places;
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
        for (guint id = cpu_set_next (&set, 0); id < CPULIST_MAX; id = cpu_set_next (&set, id + 1)) {
            SchedDef *one = sched;

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
}

/* Those of vcpus that are off are forgotten. */
static void
forget_pins (DomainDef *def)
{
    GPtrArray *pins = def->cputune.vcpupins;
    guint online = def->vcpus_none ? 0 : def->vcpus_current ? def->vcpus_current : def->vcpus;

    for (guint i = pins->len; i-- > 0;)
        if (((const CpuPin *) g_ptr_array_index (pins, i))->id >= online)
            g_ptr_array_remove_index (pins, i);
}

static void
default_cputune (DomainDef *def)
{
    g_autoptr (GHashTable) places = thread_places (def->iothread_ids);
    DomainCputune *tune = &def->cputune;

    forget_pins (def);
    g_ptr_array_sort (tune->vcpupins, compare_pins);
    g_ptr_array_sort_with_data (tune->iothreadpins, compare_thread_pins, places);
    split_scheds (tune->vcpuscheds);
    g_ptr_array_sort (tune->vcpuscheds, compare_scheds);
    split_scheds (tune->iothreadscheds);
    g_ptr_array_sort_with_data (tune->iothreadscheds, compare_thread_scheds, places);
}

static int
compare_memnodes (gconstpointer a, gconstpointer b)
{
    const NumaMemnode *one = *(NumaMemnode *const *) a, *two = *(NumaMemnode *const *) b;

    return one->cellid < two->cellid ? -1 : one->cellid > two->cellid;
}

void
domain_default_numatune (DomainDef *def)
{
    DomainNumatune *numa = &def->numatune;

    if (numa->set && numa->placement == PLACEMENT_NONE)
        numa->placement = numa->nodeset || def->vcpu_placement != PLACEMENT_AUTO ? PLACEMENT_STATIC
                                                                                  : PLACEMENT_AUTO;
    if (def->vcpu_placement == PLACEMENT_AUTO && !numa->set) {
        numa->set = TRUE;
        numa->placement = PLACEMENT_AUTO;
    }
    if (numa->placement == PLACEMENT_AUTO)
        g_clear_pointer (&numa->nodeset, g_free);
}

/* "auto" of memory implies it of the vcpus, unless something is pinned. */
static void
default_placement (DomainDef *def)
{
    DomainNumatune *numa = &def->numatune;
    const DomainCputune *tune = &def->cputune;
    gboolean pinned = def->cpuset || tune->vcpupins->len || tune->emulatorpin
        || tune->iothreadpins->len;

    domain_default_numatune (def);
    g_ptr_array_sort (numa->memnodes, compare_memnodes);
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
    domain_default_iothreads (def);
    default_placement (def);
    default_cputune (def);
}
