/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpu, and the NUMA cells in it, in libvirt's words. */
#include <string.h>

#include "conf/number.h"
#include "conf/passive_rules.h"

#define LEVEL_MAX 3             /* of caches */

void
rule_cpu_cache (Codec *c, PassiveNode *node)
{
    gint64 level = passive_number (node, "level", 1);

    if (level < 1 || level > 3)
        codec_fail (c, ERR_XML, "invalid CPU cache level, must be in range [1,3]");
}

void
rule_topology (Codec *c, PassiveNode *node)
{
    static const char *const parts[] = { "sockets", "dies", "cores", "threads" };
    guint64 cpus = 1;

    for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
        cpus *= (guint64) passive_number (node, parts[i], 1);
        if (cpus > G_MAXUINT)
            codec_fail (c, ERR_CONFIG_UNSUPPORTED, "cpu topology results in more than %u cpus",
                        G_MAXUINT);
        cpus = MIN (cpus, G_MAXUINT);
    }
}

static void
check_features (Codec *c, PassiveNode *node)
{
    g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

    for (PassiveNode *feature = passive_child (node, "feature"); feature;
         feature = passive_next (node, feature)) {
        const char *name = passive_attr (feature, "name");

        if (!*name)
            codec_fail (c, ERR_XML, "Invalid CPU feature name");
        else if (!g_hash_table_add (seen, (char *) name))
            codec_fail (c, ERR_XML, "CPU feature '%s' specified more than once", name);
    }
}

/* A mode of the host's own has no model. */
static gboolean
mode_has_model (const PassiveNode *cpu)
{
    return !passive_is (cpu, "mode", "host-passthrough") && !passive_is (cpu, "mode", "maximum");
}

static gboolean
mode_is_custom (const PassiveNode *cpu)
{
    return !passive_attr (cpu, "mode") || passive_is (cpu, "mode", "custom");
}

void
before_cpu (Codec *c, PassiveNode *node)
{
    if (passive_attr (node, "migratable") && mode_has_model (node))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode");
    if (mode_is_custom (node) && codec_count (c, "feature") && !codec_child_has_text (c, "model"))
        codec_fail (c, ERR_XML, "Non-empty feature list specified without CPU model");
}

static void
judge_model (Codec *c, const PassiveNode *model)
{
    const char *vendor = passive_attr (model, "vendor_id"), *fallback = passive_attr (model, "fallback");

    if (fallback && !g_str_equal (fallback, "allow") && !g_str_equal (fallback, "forbid"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Invalid fallback attribute");
    else if (vendor && strlen (vendor) != 12)
        codec_fail (c, ERR_XML, "vendor_id must be exactly 12 characters long");
    else if (vendor && strchr (vendor, ','))
        codec_fail (c, ERR_XML, "vendor id is invalid");
}

/* Without a text it is no model, but may say whose the CPU is. */
static void
settle_model (PassiveNode *node, PassiveNode *model, gboolean named)
{
    if (!mode_has_model (node) || (!named && !passive_attr (model, "vendor_id")))
        passive_remove_child (node, model);
    else if (!named)
        passive_set (model, "fallback", NULL);
    else if (!passive_attr (model, "fallback"))
        passive_set (model, "fallback", "allow");
}

void
rule_cpu (Codec *c, PassiveNode *node)
{
    PassiveNode *model = passive_child (node, "model"), *vendor = passive_child (node, "vendor");
    gboolean custom = mode_is_custom (node), named = passive_text (model) != NULL;

    if (model && mode_has_model (node))
        judge_model (c, model);
    if (vendor && !named)
        codec_fail (c, ERR_XML, "CPU vendor specified without CPU model");
    check_features (c, node);
    if (vendor && !mode_has_model (node))
        passive_remove_child (node, vendor);
    if (model)
        settle_model (node, model, named);
    if (custom)
        passive_set (node, "mode", named ? "custom" : NULL);
    if (!custom || !named)
        passive_set (node, "match", NULL);
    else if (!passive_attr (node, "match"))
        passive_set (node, "match", "exact");
}

/* ---- numa */

void
rule_distances (Codec *c, PassiveNode *node)
{
    if (!passive_child (node, "sibling"))
        codec_fail (c, ERR_XML, "NUMA distances defined without siblings");
}

/* A line's size is in bytes, the whole in KiB: whatever unit is given, as for libvirt, which keeps the
 * low 32 bits of the one. */
void
rule_numa_cache (Codec *c, PassiveNode *node)
{
    PassiveNode *size = passive_child (node, "size"), *line = passive_child (node, "line");
    const char *text = passive_attr (size, "value");
    g_autofree char *bytes = NULL;
    guint64 value;

    if (!size || !line)
        return;                 /* refused */
    if (!number_parse_unsigned (text, 10, G_MAXINT64 / 1024, &value))
        codec_fail (c, ERR_OVERFLOW, "value too large: %s", text);
    passive_set (size, "unit", "KiB");
    if (number_parse_unsigned (passive_attr (line, "value"), 10, G_MAXUINT64, &value))
        bytes = g_strdup_printf ("%u", (guint) value);
    passive_set (line, "value", bytes);
    passive_set (line, "unit", "B");
    text = passive_attr (node, "level");
    if (text && number_parse_unsigned (text, 10, G_MAXUINT, &value) && value > LEVEL_MAX)
        codec_fail (c, ERR_XML, "Ain't nobody heard of that much cache level");
}

/* The level and associativity of @cache, of the cell @id. */
static void
judge_cache (Codec *c, PassiveNode *cache, guint id)
{
    static const char *const ways[] = { "none", "direct", "full", NULL };
    const char *text = passive_attr (cache, "level");
    g_autofree char *level = NULL;
    guint64 value;

    if (!text) {
        codec_fail (c, ERR_XML, "Missing 'level' attribute in cache element for NUMA node %u", id);
    } else if (!number_parse_unsigned (text, 10, G_MAXUINT, &value) || !value) {
        codec_fail (c, ERR_XML, "Invalid 'level' attribute in cache element for NUMA node %u", id);
    } else {
        level = g_strdup_printf ("%" G_GUINT64_FORMAT, value);
        passive_set (cache, "level", level);
    }
    text = passive_attr (cache, "associativity");
    if (!text)
        codec_fail (c, ERR_XML, "Missing 'associativity' attribute in cache element for NUMA node %u",
                    id);
    else if (!g_strv_contains (ways, text))
        codec_fail (c, ERR_XML, "Invalid cache associativity '%s'", text);
}

static void
check_caches (Codec *c, const PassiveNode *cell)
{
    gboolean seen[LEVEL_MAX + 1] = { FALSE };

    for (PassiveNode *cache = passive_child (cell, "cache"); cache;
         cache = passive_next (cell, cache)) {
        gint64 level;

        judge_cache (c, cache, (guint) passive_number (cell, "id", 0));
        level = passive_number (cache, "level", 0);
        if (level < 0 || level > LEVEL_MAX)
            continue;           /* refused */
        if (seen[level])
            codec_fail (c, ERR_XML, "Cache level '%u' already defined", (guint) level);
        seen[level] = TRUE;
    }
}

static guint
count_cells (const PassiveNode *node)
{
    guint n = 0;

    for (PassiveNode *cell = passive_child (node, "cell"); cell; cell = passive_next (node, cell))
        n++;
    return n;
}

static void
number_cells (PassiveNode *node)
{
    guint n = 0;

    for (PassiveNode *cell = passive_child (node, "cell"); cell; cell = passive_next (node, cell), n++) {
        g_autofree char *number = g_strdup_printf ("%u", n);

        if (!passive_attr (cell, "id"))
            passive_set (cell, "id", number);
    }
}

static void
check_ids (Codec *c, const PassiveNode *node, guint n)
{
    g_autofree gboolean *seen = g_new0 (gboolean, n);

    for (PassiveNode *cell = passive_child (node, "cell"); cell; cell = passive_next (node, cell)) {
        gint64 id = passive_number (cell, "id", 0);

        if (id >= n)
            codec_fail (c, ERR_XML,
                        "Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous ranges or "
                        "ranges not starting from 0 are not allowed");
        else if (seen[id])
            codec_fail (c, ERR_XML, "Duplicate NUMA cell info for cell id '%u'", (guint) id);
        else
            seen[id] = TRUE;
    }
}

/* The distances of a cell to others: to itself 10, else above. */
static void
check_distances (Codec *c, const PassiveNode *cell, guint n)
{
    PassiveNode *distances = passive_child (cell, "distances");
    gint64 own = passive_number (cell, "id", 0);

    for (PassiveNode *sibling = distances ? passive_child (distances, "sibling") : NULL; sibling;
         sibling = passive_next (distances, sibling)) {
        gint64 id = passive_number (sibling, "id", 0), value = passive_number (sibling, "value", 0);

        if (id >= n)
            codec_fail (c, ERR_XML, "'sibling_id %u' does not refer to a valid cell within NUMA 'cell id %u'",
                        (guint) id, (guint) own);
        else if (value > 255 || value < 10 || (value == 10) != (id == own))
            codec_fail (c, ERR_XML, "'value %u' is invalid for 'sibling id %u' under NUMA 'cell id %u'",
                        (guint) value, (guint) id, (guint) own);
    }
}

/* By their numbers, @n of them once these have been judged. */
static PassiveNode **
cells_by_id (const PassiveNode *node, guint n)
{
    PassiveNode **cells = g_new0 (PassiveNode *, n);

    for (PassiveNode *cell = passive_child (node, "cell"); cell; cell = passive_next (node, cell)) {
        gint64 id = passive_number (cell, "id", 0);

        if (id >= 0 && id < n)
            cells[id] = cell;
    }
    return cells;
}

/* Cells stand in the order of their numbers. */
static void
sort_cells (PassiveNode *node, PassiveNode *const *cells)
{
    guint id = 0;

    for (PassiveNode *at = passive_child (node, "cell"); at; at = passive_next (node, cells[id]), id++)
        if (cells[id] != at)
            passive_swap (node, cells[id], at);
}

/* A distance holds both ways unless the other way has one of its own; to itself it is 10. */
static void
settle_distances (PassiveNode *node, PassiveNode *const *cells, guint n)
{
    g_autofree guint8 *all = g_new0 (guint8, (gsize) n * n);

    for (PassiveNode *cell = passive_child (node, "cell"); cell; cell = passive_next (node, cell)) {
        PassiveNode *distances = passive_child (cell, "distances");
        guint own = (guint) passive_number (cell, "id", 0);

        for (PassiveNode *sibling = passive_child (distances, "sibling"); sibling;
             sibling = passive_next (distances, sibling)) {
            guint id = (guint) passive_number (sibling, "id", 0);
            guint8 value = (guint8) passive_number (sibling, "value", 0);

            all[own * n + own] = all[id * n + id] = 10;
            all[own * n + id] = value;
            if (!all[id * n + own])
                all[id * n + own] = value;
        }
        if (distances)
            passive_remove_child (cell, distances);
    }
    for (guint own = 0; own < n; own++) {
        PassiveNode *distances
            = all[own * n + own] ? passive_add_child (cells[own], "distances") : NULL;

        for (guint id = 0; distances && id < n; id++) {
            char number[NUMBER_SIZE];
            PassiveNode *sibling;

            if (!all[own * n + id])
                continue;
            sibling = passive_add_child (distances, "sibling");
            passive_set (sibling, "id", number_format (id, number));
            passive_set (sibling, "value", number_format (all[own * n + id], number));
        }
    }
}

/* As they stand, of both kinds. */
void
rule_interconnects (Codec *c, PassiveNode *node)
{
    g_autoptr (GPtrArray) names = codec_children (c);

    passive_reorder (node, names);
}

static gboolean
has_cache (const PassiveNode *cell, const PassiveNode *link)
{
    PassiveNode *cache = passive_child (cell, "cache");

    while (cache && !passive_is (link, "cache", passive_attr (cache, "level")))
        cache = passive_next (cell, cache);
    return cache || !passive_attr (link, "cache");
}

static void
check_link (Codec *c, PassiveNode *const *cells, const PassiveNode *link, guint n)
{
    static const char *const ends[] = { "initiator", "target" };

    for (guint e = 0; e < G_N_ELEMENTS (ends); e++)
        if (passive_number (link, ends[e], 0) >= n) {
            codec_fail (c, ERR_XML, "'%s' refers to a non-existent NUMA node", ends[e]);
            return;
        }
    if (!passive_attr (cells[passive_number (link, "initiator", 0)], "cpus"))
        codec_fail (c, ERR_XML, "NUMA nodes without CPUs can't be initiator");
    if (!has_cache (cells[passive_number (link, "target", 0)], link))
        codec_fail (c, ERR_XML, "'cache' refers to a non-existent NUMA node cache");
}

/* What may be there once: of a link all but its value, and the way back of a way. */
static void
check_repeated (Codec *c, GHashTable *seen, const PassiveNode *link)
{
    const char *from = passive_attr (link, "initiator"), *to = passive_attr (link, "target");
    g_autofree char *way = g_strdup_printf ("%s>%s", from, to);
    g_autofree char *back = g_strdup_printf ("%s>%s", to, from);
    const char *cache = passive_attr (link, "cache");
    g_autofree char *all = g_strdup_printf ("%s %s %s %s", passive_name (link), way,
                                            cache ? cache : "", passive_attr (link, "type"));

    if (g_hash_table_contains (seen, all))
        codec_fail (c, ERR_XML, "Duplicate info for NUMA latencies");
    else if (!g_str_equal (from, to) && g_hash_table_contains (seen, back))
        codec_fail (c, ERR_XML, "Link already defined");
    g_hash_table_add (seen, g_steal_pointer (&way));
    g_hash_table_add (seen, g_steal_pointer (&all));
}

static void
check_interconnects (Codec *c, const PassiveNode *node, PassiveNode *const *cells, guint n)
{
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    const PassiveNode *links = passive_child (node, "interconnects");

    for (guint i = 0; i < passive_length (links) && !codec_failed (c); i++) {
        check_link (c, cells, passive_nth (links, i), n);
        if (!codec_failed (c))
            check_repeated (c, seen, passive_nth (links, i));
    }
}

static void
check_cell (Codec *c, const PassiveNode *cell, guint n)
{
    check_distances (c, cell, n);
    check_caches (c, cell);
}

void
before_numa (Codec *c, PassiveNode *node)
{
    (void) node;
    if (!codec_count (c, "cell"))
        codec_fail (c, ERR_XML, "NUMA topology defined without NUMA cells");
}

void
rule_numa (Codec *c, PassiveNode *node)
{
    g_autofree PassiveNode **cells = NULL;
    guint n = count_cells (node);

    number_cells (node);
    check_ids (c, node, n);
    cells = cells_by_id (node, n);
    for (PassiveNode *cell = passive_child (node, "cell"); cell; cell = passive_next (node, cell))
        check_cell (c, cell, n);
    check_interconnects (c, node, cells, n);
    if (codec_failed (c))
        return;
    settle_distances (node, cells, n);
    sort_cells (node, cells);
}
