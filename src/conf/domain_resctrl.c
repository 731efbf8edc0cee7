/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cachetune and memorytune: groups of the domain's vcpus. Only vcpus that there are count. */
#include "conf/cpulist.h"
#include "conf/domain_codec.h"
#include "conf/passive.h"

static const char *const names[] = { "cachetune", "memorytune" };

/* The CPUs of @text below @vcpus; FALSE when it is no list. */
static gboolean
vcpus_parse (const char *text, guint vcpus, CpuSet *set)
{
    if (!text || !cpu_set_parse (text, set, NULL))
        return FALSE;
    for (guint cpu = vcpus; cpu < CPULIST_MAX; cpu++)
        set->bits[cpu / 64] &= ~(G_GUINT64_CONSTANT (1) << cpu % 64);
    return TRUE;
}

static gboolean
no_vcpus (const char *value, gconstpointer data)
{
    const DomainDef *def = data;
    CpuSet set;

    return vcpus_parse (value, MAX (def->vcpus, 1), &set) && cpu_set_count (&set) == 0;
}

void
domain_resctrl_forget (Codec *c, const DomainDef *def)
{
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        codec_forget (c, names[i], "vcpus", no_vcpus, def);
}

/* How many CPUs are in both. */
static guint
shared (const CpuSet *one, const CpuSet *two)
{
    CpuSet both;

    for (guint i = 0; i < G_N_ELEMENTS (both.bits); i++)
        both.bits[i] = one->bits[i] & two->bits[i];
    return cpu_set_count (&both);
}

static gboolean
set_vcpus (PassiveNode *node, guint vcpus, CpuSet *ret)
{
    g_autofree char *text = NULL;

    if (!vcpus_parse (passive_attr (node, "vcpus"), vcpus, ret))
        return FALSE;
    text = cpu_set_format (ret);
    if (*text)
        passive_set (node, "vcpus", text);
    return *text != '\0';
}

static void
settle_monitors (Codec *c, PassiveNode *group, const CpuSet *set, guint vcpus)
{
    for (PassiveNode *monitor = passive_child (group, "monitor"); monitor;
         monitor = passive_next (group, monitor)) {
        CpuSet own;

        if (!set_vcpus (monitor, vcpus, &own))
            codec_fail (c, ERR_INVALID_ARG, "vcpus is empty");
        else if (shared (&own, set) < cpu_set_count (&own))
            codec_fail (c, ERR_INVALID_ARG, "Monitor vcpus conflicts with allocation");
    }
}

/* A vcpu is in one group; a memorytune may be of the same vcpus as a cachetune. Those before @group are
 * settled already. */
static void
settle_group (Codec *c, const DomainDef *def, guint kind, PassiveNode *group)
{
    guint vcpus = MAX (def->vcpus, 1);
    CpuSet set, other;

    if (!set_vcpus (group, vcpus, &set))
        return;                 /* forgotten */
    for (guint i = 0; i <= kind; i++)
        for (PassiveNode *one = passive_find (def->cputune.passive, names[i], NULL);
             one && one != group; one = passive_find (def->cputune.passive, names[i], one)) {
            gboolean equal = passive_is (one, "vcpus", passive_attr (group, "vcpus"));

            if (!vcpus_parse (passive_attr (one, "vcpus"), vcpus, &other)
                || shared (&set, &other) == 0)
                continue;
            if (!equal)
                codec_fail (c, ERR_XML, "Overlapping vcpus in resctrls");
            else if (kind == 0)
                codec_fail (c, ERR_XML, "Identical vcpus in cachetunes found");
        }
    settle_monitors (c, group, &set, vcpus);
}

void
domain_resctrl_settle (Codec *c, const DomainDef *def)
{
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        for (PassiveNode *group = passive_find (def->cputune.passive, names[i], NULL); group;
             group = passive_find (def->cputune.passive, names[i], group))
            settle_group (c, def, i, group);
}
