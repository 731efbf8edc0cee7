/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/topology.h"

#include <string.h>
#include <unistd.h>

#include "host/node.h"

#define CACHE_LEVEL_MIN 3
#define CACHES_PER_CPU_MAX 16

static guint64
read_number (guint64 fallback, const char *text)
{
    return text && g_ascii_isdigit (*text) ? g_ascii_strtoull (text, NULL, 10) : fallback;
}

static void
cpu_free (gpointer data)
{
    TopologyCpu *cpu = data;

    g_free (cpu->siblings);
    g_free (cpu);
}

static void
cell_free (gpointer data)
{
    TopologyCell *cell = data;

    g_array_unref (cell->pages);
    g_array_unref (cell->distances);
    g_ptr_array_unref (cell->cpus);
    g_free (cell);
}

static void
cache_free (gpointer data)
{
    TopologyCache *cache = data;

    g_free (cache->cpus);
    g_free (cache);
}

void
topology_free (Topology *topology)
{
    if (!topology)
        return;
    g_ptr_array_unref (topology->cells);
    g_ptr_array_unref (topology->caches);
    g_free (topology);
}

static TopologyCpu *
read_cpu (guint id)
{
    g_autofree char *socket = node_read ("/sys/devices/system/cpu/cpu%u/topology/physical_package_id", id);
    g_autofree char *die = node_read ("/sys/devices/system/cpu/cpu%u/topology/die_id", id);
    g_autofree char *core = node_read ("/sys/devices/system/cpu/cpu%u/topology/core_id", id);
    TopologyCpu *cpu;

    if (!core)
        return NULL;    /* offline */
    cpu = g_new0 (TopologyCpu, 1);
    cpu->id = id;
    cpu->socket_id = (guint) read_number (0, socket);
    cpu->die_id = (guint) read_number (0, die);
    cpu->core_id = (guint) read_number (0, core);
    cpu->siblings = node_read ("/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", id);
    if (!cpu->siblings)
        cpu->siblings = g_strdup_printf ("%u", id);
    return cpu;
}

/* "Node 0 MemTotal:  4417748 kB", or without "Node 0" the host's own. */
static guint64
meminfo_value (const char *text, const char *key)
{
    const char *found = text ? strstr (text, key) : NULL;

    if (!found)
        return 0;
    found += strlen (key);
    return g_ascii_strtoull (found + strspn (found, ": "), NULL, 10);
}

static gint
compare_pages (gconstpointer a, gconstpointer b)
{
    const TopologyPages *one = a, *two = b;

    return (one->size > two->size) - (one->size < two->size);
}

/* Huge pages of each size, and what remains in pages of the ordinary one. */
static void
read_pages (TopologyCell *cell)
{
    g_autofree char *path = g_strdup_printf ("%s/sys/devices/system/node/node%u/hugepages", node_root, cell->id);
    g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
    TopologyPages base = { .size = (guint64) sysconf (_SC_PAGESIZE) / 1024 };
    guint64 huge = 0;
    const char *name;

    while (dir && (name = g_dir_read_name (dir))) {
        TopologyPages pages = { 0 };
        g_autofree char *count = NULL;

        if (!g_str_has_prefix (name, "hugepages-"))
            continue;
        pages.size = g_ascii_strtoull (name + strlen ("hugepages-"), NULL, 10);
        count = node_read ("/sys/devices/system/node/node%u/hugepages/%s/nr_hugepages", cell->id, name);
        pages.count = read_number (0, count);
        huge += pages.size * pages.count;
        g_array_append_val (cell->pages, pages);
    }
    base.count = (cell->memory - MIN (huge, cell->memory)) / base.size;
    g_array_append_val (cell->pages, base);
    g_array_sort (cell->pages, compare_pages);
}

static void
read_distances (TopologyCell *cell, const GArray *nodes)
{
    g_autofree char *text = node_read ("/sys/devices/system/node/node%u/distance", cell->id);
    g_auto (GStrv) values = g_strsplit (text ? text : "", " ", -1);

    for (guint i = 0, k = 0; values[i] && k < nodes->len; i++) {
        TopologyDistance distance;

        if (*values[i] == '\0')
            continue;
        distance.id = g_array_index (nodes, guint, k++);
        distance.value = (guint) g_ascii_strtoull (values[i], NULL, 10);
        g_array_append_val (cell->distances, distance);
    }
}

static TopologyCell *
cell_new (guint id)
{
    TopologyCell *cell = g_new0 (TopologyCell, 1);

    cell->id = id;
    cell->pages = g_array_new (FALSE, FALSE, sizeof (TopologyPages));
    cell->distances = g_array_new (FALSE, FALSE, sizeof (TopologyDistance));
    cell->cpus = g_ptr_array_new_with_free_func (cpu_free);
    return cell;
}

static void
add_cpus (TopologyCell *cell, const char *list)
{
    g_autoptr (GArray) cpus = node_parse_list (list ? list : "");

    for (guint i = 0; i < cpus->len; i++) {
        TopologyCpu *cpu = read_cpu (g_array_index (cpus, guint, i));

        if (cpu)
            g_ptr_array_add (cell->cpus, cpu);
    }
}

static void
read_cells (Topology *topology)
{
    g_autofree char *online = node_read ("/sys/devices/system/node/online");
    g_autoptr (GArray) nodes = node_parse_list (online ? online : "");

    for (guint i = 0; i < nodes->len; i++) {
        TopologyCell *cell = cell_new (g_array_index (nodes, guint, i));
        g_autofree char *meminfo = node_read ("/sys/devices/system/node/node%u/meminfo", cell->id);
        g_autofree char *cpus = node_read ("/sys/devices/system/node/node%u/cpulist", cell->id);

        cell->memory = meminfo_value (meminfo, "MemTotal");
        read_pages (cell);
        read_distances (cell, nodes);
        add_cpus (cell, cpus);
        g_ptr_array_add (topology->cells, cell);
    }
    if (nodes->len == 0) {      /* a kernel without NUMA: one cell with everything */
        TopologyCell *cell = cell_new (0);
        g_autofree char *meminfo = node_read ("/proc/meminfo");
        g_autofree char *cpus = node_read ("/sys/devices/system/cpu/online");

        cell->memory = meminfo_value (meminfo, "MemTotal");
        read_pages (cell);
        add_cpus (cell, cpus);
        g_ptr_array_add (topology->cells, cell);
    }
}

static const char *
cache_type (const char *text)
{
    if (text && g_str_equal (text, "Instruction"))
        return "code";
    return text && g_str_equal (text, "Data") ? "data" : "both";
}

static gboolean
cache_known (const Topology *topology, guint level, guint id, const char *type)
{
    for (guint i = 0; i < topology->caches->len; i++) {
        const TopologyCache *cache = topology->caches->pdata[i];

        if (cache->level == level && cache->id == id && g_str_equal (cache->type, type))
            return TRUE;
    }
    return FALSE;
}

/* FALSE behind the last index of the CPU. */
static gboolean
read_cache (Topology *topology, guint cpu, guint index)
{
    g_autofree char *level = node_read ("/sys/devices/system/cpu/cpu%u/cache/index%u/level", cpu, index);
    g_autofree char *type = NULL, *id = NULL, *size = NULL;
    TopologyCache *cache;
    guint number;

    if (!level)
        return FALSE;
    if (read_number (0, level) < CACHE_LEVEL_MIN)
        return TRUE;
    type = node_read ("/sys/devices/system/cpu/cpu%u/cache/index%u/type", cpu, index);
    id = node_read ("/sys/devices/system/cpu/cpu%u/cache/index%u/id", cpu, index);
    size = node_read ("/sys/devices/system/cpu/cpu%u/cache/index%u/size", cpu, index);
    number = (guint) read_number (0, id);
    if (!id || cache_known (topology, (guint) read_number (0, level), number, cache_type (type)))
        return TRUE;
    cache = g_new0 (TopologyCache, 1);
    cache->level = (guint) read_number (0, level);
    cache->type = cache_type (type);
    cache->id = number;
    cache->size = read_number (0, size);
    if (size && strchr (size, 'M'))
        cache->size *= 1024;
    cache->cpus = node_read ("/sys/devices/system/cpu/cpu%u/cache/index%u/shared_cpu_list", cpu, index);
    if (!cache->cpus)
        cache->cpus = g_strdup_printf ("%u", cpu);
    g_ptr_array_add (topology->caches, cache);
    return TRUE;
}

static void
read_caches (Topology *topology)
{
    g_autofree char *online = node_read ("/sys/devices/system/cpu/online");
    g_autoptr (GArray) cpus = node_parse_list (online ? online : "");

    for (guint i = 0; i < cpus->len; i++)
        for (guint index = 0; index < CACHES_PER_CPU_MAX; index++)
            if (!read_cache (topology, g_array_index (cpus, guint, i), index))
                break;
}

static void
read_power (Topology *topology)
{
    g_autofree char *state = node_read ("/sys/power/state");
    g_autofree char *disk = node_read ("/sys/power/disk");

    topology->pm_mem = state && strstr (state, "mem");
    topology->pm_disk = state && strstr (state, "disk") && disk;
    topology->pm_hybrid = topology->pm_disk && strstr (disk, "suspend");
}

Topology *
topology_read (void)
{
    g_autofree char *groups = g_strconcat (node_root, "/sys/kernel/iommu_groups", NULL);
    g_autoptr (GDir) iommu = g_dir_open (groups, 0, NULL);
    Topology *topology = g_new0 (Topology, 1);

    topology->cells = g_ptr_array_new_with_free_func (cell_free);
    topology->caches = g_ptr_array_new_with_free_func (cache_free);
    topology->iommu = iommu && g_dir_read_name (iommu) != NULL;
    read_cells (topology);
    read_caches (topology);
    read_power (topology);
    return topology;
}
