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

/* Which of the @name of @node, before @last, has in its list @attr one of @set: it is known that one
 * has. */
static const PassiveNode *
find_overlap (const PassiveNode *node, const char *name, const char *attr, const PassiveNode *last,
              const CpuSet *set, guint *ret_index)
{
    const PassiveNode *one = passive_child (node, name);

    for (*ret_index = 0; one != last; one = passive_next (node, one), (*ret_index)++) {
        const char *text = passive_attr (one, attr);
        CpuSet other;

        if (text && cpu_set_parse (text, &other, NULL) && cpu_set_overlaps (&other, set))
            break;
    }
    return one;
}

static gboolean
check_cell_cpus (Check *check)
{
    const PassiveNode *numa, *cell = first_cell (check->def, &numa);
    CpuSet all = { 0 };
    guint count = 0, n = 0, other;
    gboolean beyond = FALSE;

    for (; cell; cell = passive_next (numa, cell), n++) {
        const char *text = passive_attr (cell, "cpus");
        CpuSet set;

        if (!text || !cpu_set_parse (text, &set, NULL))
            continue;
        if (cpu_set_overlaps (&all, &set)) {
            find_overlap (numa, "cell", "cpus", cell, &set, &other);
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/cpu/numa", 0,
                               "NUMA cells %u and %u have overlapping vCPU ids", n, other);
        }
        cpu_set_add (&all, &set);
        count += cpu_set_count (&set);
        beyond |= cpu_set_next (&set, check->def->vcpus) < CPULIST_MAX;
    }
    if (count > check->def->vcpus)
        return check_fail (check, ERR_INTERNAL, "/domain/cpu/numa", 0,
                           "Number of CPUs in <numa> exceeds the <vcpu> count");
    if (beyond)
        return check_fail (check, ERR_INTERNAL, "/domain/cpu/numa", 0,
                           "CPU IDs in <numa> exceed the <vcpu> count");
    return TRUE;
}

static guint
count_cells (const DomainDef *def)
{
    const PassiveNode *numa;
    guint n = 0;

    for (const PassiveNode *cell = first_cell (def, &numa); cell; cell = passive_next (numa, cell))
        n++;
    return n;
}

/* Pages are for cells that there are, for each once, and once for the rest. */
static gboolean
check_hugepages (Check *check)
{
    static const char path[] = "/domain/memoryBacking/hugepages/page";
    const PassiveNode *backing = passive_find_element (check->def->passive, "memoryBacking");
    const PassiveNode *pages = passive_child (backing, "hugepages"), *rest = NULL;
    guint cells = count_cells (check->def), index, cell;
    CpuSet all = { 0 };

    for (const PassiveNode *page = passive_child (pages, "page"); page; page = passive_next (pages, page)) {
        const char *text = passive_attr (page, "nodeset"), *size = passive_attr (page, "size");
        CpuSet set;

        if (!text && rest)
            return check_fail (check, ERR_XML_DETAIL, path, 0,
                               "two master hugepages detected: %s and %s", size,
                               passive_attr (rest, "size"));
        if (!text || !cpu_set_parse (text, &set, NULL)) {
            rest = page;
            continue;
        }
        if (cpu_set_overlaps (&all, &set))
            return check_fail (
                check, ERR_XML_DETAIL, path, 0,
                "nodeset attribute of hugepages of sizes %s and %s intersect", size,
                passive_attr (find_overlap (pages, "page", "nodeset", page, &set, &index), "size"));
        cpu_set_add (&all, &set);
        cell = cpu_set_next (&set, cells);
        if (cell < CPULIST_MAX)
            return check_fail (check, ERR_XML_DETAIL, path, 0, "hugepages: node %u not found", cell);
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
check_cells (Check *check)
{
    return check_cell_cpus (check) && check_sysinfo (check);
}

gboolean
check_cpu_model (Check *check)
{
    const PassiveNode *cpu = passive_find_element (check->def->passive, "cpu");

    /* the mode is there with a model, or where it is the host's */
    if (cpu && !passive_attr (cpu, "mode") && passive_attr (cpu, "check"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/cpu", 0,
                           "check attribute specified for CPU with no model");
    return TRUE;
}

gboolean
check_cpu (Check *check)
{
    return check_actions (check) && check_hugepages (check);
}
