/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cachetune and memorytune: groups of the domain's vcpus. Only vcpus that there are count, and one is
 * in one group; a memorytune of the same vcpus is of the same group. As libvirt, cachetunes come first. */
#include <string.h>

#include "conf/cpulist.h"
#include "conf/domain_codec.h"
#include "conf/passive.h"

static const char *const names[] = { "cachetune", "memorytune" };
static const char *const type_names[] = { "both", "code", "data" };

#define TYPE_BOTH (1 << 0)

typedef struct {
    CpuSet vcpus;
    PassiveNode *tunes[G_N_ELEMENTS (names)];       /* as names; NULL: none */
    GHashTable *caches;         /* "LEVEL ID" -> types of 1 << type_names, */
    GHashTable *nodes;          /* ids, */
    GHashTable *monitors[G_N_ELEMENTS (names)];     /* and vcpus, that there are */
    CpuSet monitored, parts;    /* vcpus with a monitor; with one that is not of all of them */
} Group;

static Group *
group_new (const CpuSet *vcpus)
{
    Group *group = g_new0 (Group, 1);

    group->vcpus = *vcpus;
    group->caches = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    group->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        group->monitors[i] = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    return group;
}

static void
group_free (void *item)
{
    Group *group = item;

    g_hash_table_unref (group->caches);
    g_hash_table_unref (group->nodes);
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        g_hash_table_unref (group->monitors[i]);
    g_free (group);
}

/* All of a domain. */
typedef struct {
    Codec *c;
    guint vcpus;
    GPtrArray *groups;          /* in the order of their making */
    GHashTable *by_vcpus;       /* text -> the same */
    CpuSet taken;
} Groups;

/* The CPUs of @text below @vcpus, none of no text; FALSE when it is no list. */
static gboolean
vcpus_parse (const char *text, guint vcpus, CpuSet *set)
{
    *set = (CpuSet) { 0 };
    if (text && !cpu_set_parse (text, set, NULL))
        return FALSE;
    cpu_set_cut (set, vcpus);
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

static void
set_vcpus (PassiveNode *node, guint vcpus, CpuSet *ret)
{
    g_autofree char *text = NULL;

    vcpus_parse (passive_attr (node, "vcpus"), vcpus, ret);
    text = cpu_set_format (ret);
    passive_set (node, "vcpus", text);
}

/* The group of @tune: one there is, or a new one; NULL: failed. */
static Group *
find_group (const Groups *groups, guint kind, PassiveNode *tune, gboolean *ret_fresh)
{
    CpuSet set;
    Group *group;

    set_vcpus (tune, groups->vcpus, &set);
    group = g_hash_table_lookup (groups->by_vcpus, passive_attr (tune, "vcpus"));
    *ret_fresh = !group;
    if (group && kind == 0)
        codec_fail (groups->c, ERR_XML, "Identical vcpus in cachetunes found");
    else if (!group && cpu_set_overlaps (&groups->taken, &set))
        codec_fail (groups->c, ERR_XML, "Overlapping vcpus in resctrls");
    else
        return group ? group : group_new (&set);
    return NULL;
}

static guint
type_bit (const PassiveNode *cache)
{
    for (guint i = 0; i < G_N_ELEMENTS (type_names); i++)
        if (passive_is (cache, "type", type_names[i]))
            return 1 << i;
    return 0;
}

/* A cache is for both, or for code and data apart. */
static void
judge_cache (const Groups *groups, Group *group, const PassiveNode *cache)
{
    const char *level = passive_attr (cache, "level"), *id = passive_attr (cache, "id");
    char *key = g_strdup_printf ("%s %s", level, id);
    guint seen = GPOINTER_TO_UINT (g_hash_table_lookup (group->caches, key)), type = type_bit (cache);

    if (seen & (type | TYPE_BOTH) || (seen && type == TYPE_BOTH))
        codec_fail (groups->c, ERR_XML,
                    "Colliding cache allocations for cache level '%s' id '%s', type '%s'", level, id,
                    passive_attr (cache, "type"));
    g_hash_table_insert (group->caches, key, GUINT_TO_POINTER (seen | type));
}

static void
judge_node (const Groups *groups, Group *group, const PassiveNode *node)
{
    const char *id = passive_attr (node, "id");

    if (passive_number (node, "bandwidth", 0) > 100)
        codec_fail (groups->c, ERR_XML, "Memory Bandwidth value exceeding 100 is invalid.");
    else if (!g_hash_table_add (group->nodes, g_strdup (id)))
        codec_fail (groups->c, ERR_XML, "Memory Bandwidth already defined for node %s", id);
}

/* Those of one kind are of vcpus apart, but for one of all where the group has more than monitors. */
static void
judge_monitor (const Groups *groups, Group *group, guint kind, PassiveNode *monitor)
{
    gboolean allocates = g_hash_table_size (group->caches) || g_hash_table_size (group->nodes), whole, alike;
    CpuSet own, all = group->vcpus;
    const char *text;

    set_vcpus (monitor, groups->vcpus, &own);
    text = passive_attr (monitor, "vcpus");
    cpu_set_add (&all, &own);
    if (!*text) {
        codec_fail (groups->c, ERR_INVALID_ARG, "vcpus is empty");
        return;
    }
    whole = memcmp (&own, &group->vcpus, sizeof own) == 0;
    alike = g_hash_table_contains (group->monitors[!kind], text);
    if (memcmp (&all, &group->vcpus, sizeof all) != 0)
        codec_fail (groups->c, ERR_INVALID_ARG, "Monitor vcpus conflicts with allocation");
    else if (!g_hash_table_add (group->monitors[kind], g_strdup (text)))
        codec_fail (groups->c, ERR_INVALID_ARG, "Identical vcpus found in same type monitors");
    else if (!alike && ((!whole && cpu_set_overlaps (&group->parts, &own))
                        || (!allocates && cpu_set_overlaps (&group->monitored, &own))))
        codec_fail (groups->c, ERR_INVALID_ARG, "vcpus overlaps in resctrl groups");
    cpu_set_add (&group->monitored, &own);
    if (!whole)
        cpu_set_add (&group->parts, &own);
}

/* Allocations first: monitors are judged by them. */
static void
judge_tune (const Groups *groups, Group *group, guint kind, PassiveNode *tune)
{
    for (guint monitors = 0; monitors < 2; monitors++)
        for (guint i = 0; i < passive_length (tune) && !codec_failed (groups->c); i++) {
            PassiveNode *part = passive_nth (tune, i);

            if (g_str_equal (passive_name (part), "monitor") != monitors)
                continue;
            if (monitors)
                judge_monitor (groups, group, kind, part);
            else if (kind == 0)
                judge_cache (groups, group, part);
            else
                judge_node (groups, group, part);
        }
}

/* What is in @from goes to @to, behind what is there. */
static void
take_all (const Groups *groups, PassiveNode *from, PassiveNode *to)
{
    if (passive_length (from) + passive_length (to) > CODEC_LIST_MAX)
        codec_fail (groups->c, ERR_CONFIG_UNSUPPORTED, "more than %d elements '%s'", CODEC_LIST_MAX,
                    "node");
    while (!codec_failed (groups->c) && passive_length (from))
        passive_move_child (from, passive_nth (from, 0), to);
}

/* One cachetune or memorytune; those before it are settled. FALSE: it says nothing of its own, and goes. */
static gboolean
settle_tune (Groups *groups, guint kind, PassiveNode *tune)
{
    gboolean fresh, empty = passive_length (tune) == 0;
    Group *group = find_group (groups, kind, tune, &fresh);

    if (!group)
        return TRUE;
    judge_tune (groups, group, kind, tune);
    if (fresh && empty) {
        group_free (group);
        return FALSE;
    }
    if (fresh) {
        g_ptr_array_add (groups->groups, group);
        g_hash_table_insert (groups->by_vcpus, g_strdup (passive_attr (tune, "vcpus")), group);
        cpu_set_add (&groups->taken, &group->vcpus);
    }
    if (group->tunes[kind])
        take_all (groups, tune, group->tunes[kind]);
    else if (!empty)
        group->tunes[kind] = tune;
    return group->tunes[kind] == tune;
}

static void
settle_kind (Groups *groups, GPtrArray *items, guint kind)
{
    PassiveNode *tune = passive_find (items, names[kind], NULL);

    while (tune && !codec_failed (groups->c)) {
        PassiveNode *next = passive_find (items, names[kind], tune);

        if (!settle_tune (groups, kind, tune))
            passive_remove (items, tune);
        tune = next;
    }
}

static gint
compare_parts (gconstpointer a, gconstpointer b)
{
    const PassiveNode *one = *(PassiveNode *const *) a, *two = *(PassiveNode *const *) b;
    gint64 order[][2] = {
        { g_str_equal (passive_name (one), "monitor"), g_str_equal (passive_name (two), "monitor") },
        { passive_number (one, "level", 0), passive_number (two, "level", 0) },
        { type_bit (one), type_bit (two) },
        { passive_number (one, "id", 0), passive_number (two, "id", 0) },
    };

    for (guint i = 0; i < G_N_ELEMENTS (order); i++)
        if (order[i][0] != order[i][1])
            return order[i][0] < order[i][1] ? -1 : 1;
    return 0;
}

void
domain_resctrl_settle (Codec *c, DomainDef *def)
{
    GPtrArray *items = def->cputune.passive;
    g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (group_free);
    g_autoptr (GHashTable) by_vcpus = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    Groups groups = { .c = c, .vcpus = MAX (def->vcpus, 1), .groups = all, .by_vcpus = by_vcpus };

    for (guint kind = 0; kind < G_N_ELEMENTS (names); kind++)
        settle_kind (&groups, items, kind);
    /* each in the order of its groups, its parts in that of their numbers */
    for (guint i = 0; i < all->len && !codec_failed (c); i++)
        for (guint kind = 0; kind < G_N_ELEMENTS (names); kind++) {
            PassiveNode *tune = ((Group *) g_ptr_array_index (all, i))->tunes[kind];

            if (!tune)
                continue;
            passive_sort (tune, compare_parts);
            passive_move (items, tune, NULL);
        }
}
