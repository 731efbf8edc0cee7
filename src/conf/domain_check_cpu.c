/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cpu, its NUMA cells, and the actions cannot be beside the rest of the domain. */
#include <string.h>

#include "conf/cpulist.h"
#include "conf/domain_check.h"
#include "conf/passive.h"

static const PassiveNode *
first_cell (const DomainDef *def, const PassiveNode **ret_numa)
{
    const PassiveNode *cpu = passive_find (def->passive, "cpu", NULL);

    *ret_numa = cpu ? passive_child (cpu, "numa") : NULL;
    return *ret_numa ? passive_child (*ret_numa, "cell") : NULL;
}

static gboolean
check_cells (Check *check)
{
    const PassiveNode *numa, *cell = first_cell (check->def, &numa);
    CpuSet all = { 0 };
    guint count = 0, highest = 0;

    for (; cell; cell = passive_next (numa, cell)) {
        const char *text = passive_attr (cell, "cpus");
        CpuSet set;

        if (!text || !cpu_set_parse (text, &set, NULL))
            continue;
        for (guint cpu = 0; cpu < CPULIST_MAX; cpu++) {
            if (!cpu_set_contains (&set, cpu))
                continue;
            if (cpu_set_contains (&all, cpu))
                return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/cpu/numa", 0,
                                   "NUMA cells have overlapping vCPU ids");
            all.bits[cpu / 64] |= 1ull << cpu % 64;
            highest = cpu;
            count++;
        }
    }
    if (count > check->def->vcpus)
        return check_fail (check, ERR_INTERNAL, "/domain/cpu/numa", 0,
                           "Number of CPUs in <numa> exceeds the <vcpu> count");
    if (count && highest >= check->def->vcpus)
        return check_fail (check, ERR_INTERNAL, "/domain/cpu/numa", 0,
                           "CPU IDs in <numa> exceed the <vcpu> count");
    return TRUE;
}

static gboolean
check_memnodes (Check *check)
{
    const GPtrArray *memnodes = check->def->numatune.memnodes;
    const PassiveNode *numa, *cell = first_cell (check->def, &numa);
    guint cells = 0;

    if (memnodes && memnodes->len && !cell)
        return check_fail (check, ERR_XML, "/domain/numatune/memnode", 0,
                           "Element 'memnode' is invalid without any guest NUMA cells");
    for (; cell; cell = passive_next (numa, cell))
        cells++;
    for (guint i = 0; memnodes && i < memnodes->len; i++) {
        guint id = ((const NumaMemnode *) g_ptr_array_index (memnodes, i))->cellid;

        for (guint k = 0; k < i; k++)
            if (((const NumaMemnode *) g_ptr_array_index (memnodes, k))->cellid == id)
                return check_fail (check, ERR_XML, "/domain/numatune/memnode", i + 1,
                                   "Multiple memnode elements with cellid %u", id);
        if (id >= cells)
            return check_fail (check, ERR_XML, "/domain/numatune/memnode", i + 1,
                               "Argument 'cellid' in memnode element must correspond to existing guest's "
                               "NUMA cell");
    }
    return TRUE;
}

/* Pages are for cells that there are, and once for the rest. */
static gboolean
check_hugepages (Check *check)
{
    static const char path[] = "/domain/memoryBacking/hugepages/page";
    const PassiveNode *backing = passive_find_element (check->def->passive, "memoryBacking");
    const PassiveNode *pages = passive_child (backing, "hugepages"), *master = NULL, *numa;
    guint cells = 0;

    for (const PassiveNode *cell = first_cell (check->def, &numa); cell;
         cell = passive_next (numa, cell))
        cells++;
    for (const PassiveNode *page = passive_child (pages, "page"); page;
         page = passive_next (pages, page)) {
        const char *text = passive_attr (page, "nodeset");
        CpuSet set;

        if (!text && master)
            return check_fail (check, ERR_XML_DETAIL, path, 0,
                               "two master hugepages detected: %s and %s",
                               passive_attr (page, "size"), passive_attr (master, "size"));
        if (!text)
            master = page;
        for (guint cell = cells; text && cpu_set_parse (text, &set, NULL) && cell < CPULIST_MAX;
             cell++)
            if (cpu_set_contains (&set, cell))
                return check_fail (check, ERR_XML_DETAIL, path, 0, "hugepages: node %u not found",
                                   cell);
    }
    return TRUE;
}

static gboolean
check_actions (Check *check)
{
    const struct { const char *event; guint action; } actions[] = {
        { "poweroff", check->def->on_poweroff }, { "reboot", check->def->on_reboot },
    };
    static const char *const names[] = { [ACTION_COREDUMP_DESTROY] = "coredump-destroy",
                                         [ACTION_COREDUMP_RESTART] = "coredump-restart" };

    for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
        if (actions[i].action == ACTION_COREDUMP_DESTROY || actions[i].action == ACTION_COREDUMP_RESTART)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain", 0,
                               "Lifecycle event '%s' doesn't support '%s' action", actions[i].event,
                               names[actions[i].action]);
    return TRUE;
}

/* The firmware's idea of the domain's identity. */
static gboolean
check_sysinfo (Check *check)
{
    for (const PassiveNode *info = passive_find (check->def->passive, "sysinfo", NULL); info;
         info = passive_find (check->def->passive, "sysinfo", info)) {
        const PassiveNode *system = passive_child (info, "system");
        const PassiveNode *entry = system ? passive_child (system, "entry") : NULL;

        for (; entry; entry = passive_next (system, entry)) {
            guint8 uuid[16];

            if (passive_is (entry, "name", "uuid") && domain_uuid_parse (passive_text (entry), uuid)
                && memcmp (uuid, check->def->uuid, sizeof uuid) != 0)
                return check_fail (check, ERR_XML_DETAIL, "/domain/sysinfo", 0,
                                   "UUID mismatch between <uuid> and <sysinfo>");
        }
    }
    return TRUE;
}

gboolean
check_cpu (Check *check)
{
    return check_hugepages (check) && check_cells (check) && check_memnodes (check)
        && check_actions (check) && check_sysinfo (check);
}
