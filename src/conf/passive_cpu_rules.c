/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpu, and the NUMA cells in it, in libvirt's words. */
#include <string.h>

#include "conf/passive_rules.h"

void
rule_cpu_model (Codec *c, PassiveNode *node)
{
    const char *vendor = passive_attr (node, "vendor_id");

    if (vendor && strlen (vendor) != 12)
        codec_fail (c, ERR_XML, "vendor_id must be exactly 12 characters long");
    else if (vendor && strchr (vendor, ','))
        codec_fail (c, ERR_XML, "vendor id is invalid");
}

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

/* What a mode has without a model of its own. */
static void
settle_without_model (Codec *c, PassiveNode *node, gboolean custom)
{
    if (passive_child (node, "vendor"))
        codec_fail (c, ERR_XML, "CPU vendor specified without CPU model");
    else if (custom && passive_child (node, "feature"))
        codec_fail (c, ERR_XML, "Non-empty feature list specified without CPU model");
    else if (custom && passive_attr (node, "check"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "check attribute specified for CPU with no model");
    if (custom)
        passive_set (node, "mode", NULL);
}

/* A model without a name is only a vendor's id, if that. */
static gboolean
settle_model (PassiveNode *node, PassiveNode *model)
{
    if (model && passive_text (model)) {
        if (!passive_attr (model, "fallback"))
            passive_set (model, "fallback", "allow");
        return TRUE;
    }
    if (model && passive_attr (model, "vendor_id"))
        passive_set (model, "fallback", NULL);
    else if (model)
        passive_remove_child (node, model);
    return FALSE;
}

void
rule_cpu (Codec *c, PassiveNode *node)
{
    const char *mode = passive_attr (node, "mode");
    gboolean custom = !mode || g_str_equal (mode, "custom");
    gboolean host_model = mode && g_str_equal (mode, "host-model");
    PassiveNode *model = passive_child (node, "model"), *vendor;
    gboolean named;

    if (passive_attr (node, "migratable") && (custom || host_model))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode");
    named = settle_model (node, model);
    check_features (c, node);
    if (!named)
        settle_without_model (c, node, custom);
    if (custom && named) {
        passive_set (node, "mode", "custom");
        if (!passive_attr (node, "match"))
            passive_set (node, "match", "exact");
        return;
    }
    passive_set (node, "match", NULL);
    if (custom || host_model)
        return;
    /* a host's own model is not written */
    if ((model = passive_child (node, "model")))
        passive_remove_child (node, model);
    if ((vendor = passive_child (node, "vendor")))
        passive_remove_child (node, vendor);
}

/* ---- numa */

void
rule_distances (Codec *c, PassiveNode *node)
{
    if (!passive_child (node, "sibling"))
        codec_fail (c, ERR_XML, "NUMA distances defined without siblings");
}

/* A line's size is in bytes, the whole in KiB: whatever unit is given, as for libvirt. */
void
rule_numa_cache (Codec *c, PassiveNode *node)
{
    PassiveNode *size = passive_child (node, "size"), *line = passive_child (node, "line");

    if (size)
        passive_set (size, "unit", "KiB");
    if (line)
        passive_set (line, "unit", "B");
    if (passive_number (node, "level", 1) > 3)
        codec_fail (c, ERR_XML, "Ain't nobody heard of that much cache level");
}

static void
check_caches (Codec *c, const PassiveNode *cell)
{
    gboolean seen[4] = { FALSE };

    for (PassiveNode *cache = passive_child (cell, "cache"); cache;
         cache = passive_next (cell, cache)) {
        gint64 level = passive_number (cache, "level", 0);

        if (level < 0 || level >= (gint64) G_N_ELEMENTS (seen))
            continue;
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
            codec_fail (c, ERR_XML, "'sibling id %u' does not refer to a valid cell within NUMA 'cell id %u'",
                        (guint) id, (guint) own);
        else if (value > 255 || value < 10 || (value == 10) != (id == own))
            codec_fail (c, ERR_XML, "'value %u' is invalid for 'sibling id %u' under NUMA 'cell id %u'",
                        (guint) value, (guint) id, (guint) own);
    }
}

static PassiveNode *
find_cell (const PassiveNode *node, guint id)
{
    PassiveNode *cell = passive_child (node, "cell");

    while (cell && passive_number (cell, "id", 0) != id)
        cell = passive_next (node, cell);
    return cell;
}

/* Cells stand in the order of their numbers. */
static void
sort_cells (PassiveNode *node, guint n)
{
    for (guint id = 0; id < n; id++) {
        PassiveNode *at = passive_child (node, "cell"), *cell = find_cell (node, id);

        for (guint i = 0; i < id; i++)
            at = passive_next (node, at);
        if (cell != at)
            passive_swap (node, cell, at);
    }
}

/* A distance holds both ways unless the other way has one of its own; to itself it is 10. */
static void
settle_distances (PassiveNode *node, guint n)
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
            = all[own * n + own] ? passive_add_child (find_cell (node, own), "distances") : NULL;

        for (guint id = 0; distances && id < n; id++) {
            g_autofree char *name = g_strdup_printf ("%u", id);
            g_autofree char *value = g_strdup_printf ("%u", all[own * n + id]);
            PassiveNode *sibling;

            if (!all[own * n + id])
                continue;
            sibling = passive_add_child (distances, "sibling");
            passive_set (sibling, "id", name);
            passive_set (sibling, "value", value);
        }
    }
}

static void
check_interconnects (Codec *c, const PassiveNode *node, guint n)
{
    static const char *const kinds[] = { "latency", "bandwidth" }, *const ends[] = { "initiator", "target" };
    const PassiveNode *links = passive_child (node, "interconnects");

    for (guint k = 0; links && k < G_N_ELEMENTS (kinds); k++)
        for (PassiveNode *link = passive_child (links, kinds[k]); link; link = passive_next (links, link))
            for (guint e = 0; e < G_N_ELEMENTS (ends); e++)
                if (passive_number (link, ends[e], 0) >= n)
                    codec_fail (c, ERR_XML, "'%s' refers to a non-existent NUMA node", ends[e]);
}

static void
check_cell (Codec *c, const PassiveNode *cell, guint n)
{
    check_distances (c, cell, n);
    check_caches (c, cell);
}

void
rule_numa (Codec *c, PassiveNode *node)
{
    guint n = count_cells (node);

    if (n == 0) {
        codec_fail (c, ERR_XML, "NUMA topology defined without NUMA cells");
        return;
    }
    number_cells (node);
    check_ids (c, node, n);
    for (PassiveNode *cell = passive_child (node, "cell"); cell; cell = passive_next (node, cell))
        check_cell (c, cell, n);
    check_interconnects (c, node, n);
    if (codec_failed (c))
        return;
    settle_distances (node, n);
    sort_cells (node, n);
}
