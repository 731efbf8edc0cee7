/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/capabilities.h"

#include "conf/codec.h"

static const CodecGrammar capabilities_grammar = { "capabilities", ORIGIN_LXC, NULL };

static void
put_uint (Codec *c, const char *attr, guint64 value)
{
    codec_uint64 (c, attr, &value, FIELD_KEEP_ZERO);
}

static void
put_element (Codec *c, const char *element, const char *text)
{
    if (text && codec_enter (c, element, TRUE)) {
        codec_put_text (c, text);
        codec_leave (c);
    }
}

static void
put_empty (Codec *c, const char *element, gboolean wanted)
{
    if (codec_enter (c, element, wanted))
        codec_leave (c);
}

static void
blank_line (Codec *c)
{
    g_string_append_c (codec_raw (c), '\n');
}

/* ---- host */

static void
format_pages (Codec *c, const HostPages *pages)
{
    guint64 count = pages->count;

    codec_enter (c, "pages", TRUE);
    codec_put (c, "unit", "KiB");
    put_uint (c, "size", pages->size);
    codec_text_uint64 (c, &count);
    codec_leave (c);
}

/* The sizes of pages that the CPU has, which are those of every cell. */
static void
format_page_sizes (Codec *c, const GPtrArray *cells)
{
    const HostCell *cell = cells && cells->len ? g_ptr_array_index (cells, 0) : NULL;

    for (guint i = 0; cell && cell->pages && i < cell->pages->len; i++) {
        const HostPages *pages = g_ptr_array_index (cell->pages, i);

        codec_enter (c, "pages", TRUE);
        codec_put (c, "unit", "KiB");
        put_uint (c, "size", pages->size);
        codec_leave (c);
    }
}

static void
format_cpus (Codec *c, const GPtrArray *cpus)
{
    codec_enter (c, "cpus", TRUE);
    put_uint (c, "num", cpus ? cpus->len : 0);
    for (guint i = 0; cpus && i < cpus->len; i++) {
        const HostCpu *cpu = g_ptr_array_index (cpus, i);

        codec_enter (c, "cpu", TRUE);
        put_uint (c, "id", cpu->id);
        put_uint (c, "socket_id", cpu->socket_id);
        put_uint (c, "die_id", cpu->die_id);
        put_uint (c, "core_id", cpu->core_id);
        if (cpu->siblings)
            codec_put (c, "siblings", cpu->siblings);
        codec_leave (c);
    }
    codec_leave (c);
}

static void
format_cell (Codec *c, const HostCell *cell)
{
    guint64 memory = cell->memory;

    codec_enter (c, "cell", TRUE);
    put_uint (c, "id", cell->id);
    codec_size (c, "memory", &memory, SIZE_KIB, memory != 0);
    for (guint i = 0; cell->pages && i < cell->pages->len; i++)
        format_pages (c, g_ptr_array_index (cell->pages, i));
    if (codec_enter (c, "distances", cell->distances && cell->distances->len)) {
        for (guint i = 0; i < cell->distances->len; i++) {
            const HostDistance *distance = g_ptr_array_index (cell->distances, i);

            codec_enter (c, "sibling", TRUE);
            put_uint (c, "id", distance->id);
            put_uint (c, "value", distance->value);
            codec_leave (c);
        }
        codec_leave (c);
    }
    format_cpus (c, cell->cpus);
    codec_leave (c);
}

static void
format_topology (Codec *c, const GPtrArray *cells)
{
    if (!codec_enter (c, "topology", cells && cells->len))
        return;
    codec_enter (c, "cells", TRUE);
    put_uint (c, "num", cells->len);
    for (guint i = 0; i < cells->len; i++)
        format_cell (c, g_ptr_array_index (cells, i));
    codec_leave (c);
    codec_leave (c);
}

static void
format_caches (Codec *c, const GPtrArray *caches)
{
    if (!codec_enter (c, "cache", caches && caches->len))
        return;
    for (guint i = 0; i < caches->len; i++) {
        const HostCache *cache = g_ptr_array_index (caches, i);
        gboolean mebi = cache->size % 1024 == 0;

        codec_enter (c, "bank", TRUE);
        put_uint (c, "id", cache->id);
        put_uint (c, "level", cache->level);
        codec_put (c, "type", cache->type);
        put_uint (c, "size", mebi ? cache->size / 1024 : cache->size);
        codec_put (c, "unit", mebi ? "MiB" : "KiB");
        codec_put (c, "cpus", cache->cpus);
        codec_leave (c);
    }
    codec_leave (c);
}

static void
format_secmodels (Codec *c, const GPtrArray *secmodels)
{
    for (guint i = 0; secmodels && i < secmodels->len; i++) {
        const HostSecmodel *secmodel = g_ptr_array_index (secmodels, i);

        codec_enter (c, "secmodel", TRUE);
        put_element (c, "model", secmodel->model);
        put_element (c, "doi", secmodel->doi);
        if (secmodel->baselabel && codec_enter (c, "baselabel", TRUE)) {
            codec_put (c, "type", "lxc");
            codec_put_text (c, secmodel->baselabel);
            codec_leave (c);
        }
        codec_leave (c);
    }
}

static void
format_host (Codec *c, const HostCapabilities *caps)
{
    codec_enter (c, "host", TRUE);
    put_element (c, "uuid", caps->uuid);
    codec_enter (c, "cpu", TRUE);
    put_element (c, "arch", caps->arch);
    format_page_sizes (c, caps->cells);
    codec_leave (c);
    codec_enter (c, "power_management", TRUE);
    put_empty (c, "suspend_mem", caps->pm_mem);
    put_empty (c, "suspend_disk", caps->pm_disk);
    put_empty (c, "suspend_hybrid", caps->pm_hybrid);
    codec_leave (c);
    codec_enter (c, "iommu", TRUE);
    codec_put (c, "support", caps->iommu ? "yes" : "no");
    codec_leave (c);
    format_topology (c, caps->cells);
    format_caches (c, caps->caches);
    format_secmodels (c, caps->secmodels);
    codec_leave (c);
}

/* ---- guest */

static void
format_guest (Codec *c, const HostCapabilities *caps, const char *arch, guint wordsize)
{
    codec_enter (c, "guest", TRUE);
    put_element (c, "os_type", "exe");
    codec_enter (c, "arch", TRUE);
    codec_put (c, "name", arch);
    codec_element_uint (c, "wordsize", &wordsize);
    put_element (c, "emulator", caps->emulator);
    codec_enter (c, "domain", TRUE);
    codec_put (c, "type", "lxc");
    codec_leave (c);
    codec_leave (c);
    codec_leave (c);
    blank_line (c);
}

static void
format_capabilities (Codec *c, void *object)
{
    const HostCapabilities *caps = object;

    blank_line (c);
    format_host (c, caps);
    blank_line (c);
    format_guest (c, caps, caps->arch, caps->arch32 ? 64 : GLIB_SIZEOF_VOID_P * 8);
    if (caps->arch32)
        format_guest (c, caps, caps->arch32, 32);
}

char *
capabilities_format (const HostCapabilities *caps)
{
    GString *out = g_string_sized_new (4096);

    codec_write (out, 0, &capabilities_grammar, 0, format_capabilities, caps);
    return g_string_free (out, FALSE);
}

void
host_capabilities_free (HostCapabilities *caps)
{
    if (!caps)
        return;
    g_free (caps->uuid);
    g_free (caps->arch);
    g_free (caps->arch32);
    g_free (caps->emulator);
    g_clear_pointer (&caps->cells, g_ptr_array_unref);
    g_clear_pointer (&caps->caches, g_ptr_array_unref);
    g_clear_pointer (&caps->secmodels, g_ptr_array_unref);
    g_free (caps);
}
