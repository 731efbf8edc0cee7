/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts of the host from recorded texts: a machine of two cells, and one without NUMA. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "host/node.h"
#include "host/topology.h"
#include "util/error.h"

static char *root;

static void
put (const char *path, const char *text)
{
    g_autofree char *full = g_strconcat (root, path, NULL), *dir = g_path_get_dirname (full);

    g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
    g_assert_true (g_file_set_contents (full, text, -1, NULL));
}

G_GNUC_PRINTF (3, 4)
static void
put_cpu (guint cpu, const char *file, const char *format, ...)
{
    g_autofree char *path = g_strdup_printf ("/sys/devices/system/cpu/cpu%u/%s", cpu, file), *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    put (path, text);
}

static void
begin (void)
{
    root = g_dir_make_tmp ("skep-node-XXXXXX", NULL);
    node_root = root;
}

static void
end (void)
{
    g_autofree char *command = g_strdup_printf ("rm -rf %s", root);

    g_assert_cmpint (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL), ==, TRUE);
    node_root = "";
    g_clear_pointer (&root, g_free);
}

/* Two cells, a socket each with two cores of two threads; CPU 7 is offline. */
static void
put_numa_host (void)
{
    put ("/proc/cpuinfo", "processor\t: 0\nmodel name\t: X\ncpu MHz\t\t: 2596.992\n\nprocessor\t: 1\n");
    put ("/proc/stat", "cpu  10 20 30 40 50 60 70 0 0 0\ncpu0 1 2 3 4 5 6 7 0 0 0\ncpu6 7 0 0 9 0 0 0 0 0 0\nintr 1\n");
    put ("/proc/meminfo", "MemTotal:       2000 kB\nMemFree:         500 kB\nMemAvailable:    900 kB\n"
         "Buffers:          20 kB\nCached:          300 kB\nSwapCached:        1 kB\n");
    put ("/sys/devices/system/cpu/present", "0-7\n");
    put ("/sys/devices/system/cpu/online", "0-6\n");
    put ("/sys/devices/system/node/online", "0-1\n");
    for (guint node = 0; node < 2; node++) {
        g_autofree char *dir = g_strdup_printf ("/sys/devices/system/node/node%u/", node);
        g_autofree char *meminfo = g_strconcat (dir, "meminfo", NULL), *list = g_strconcat (dir, "cpulist", NULL);
        g_autofree char *distance = g_strconcat (dir, "distance", NULL);
        g_autofree char *nr = g_strconcat (dir, "hugepages/hugepages-2048kB/nr_hugepages", NULL);
        g_autofree char *free_pages = g_strconcat (dir, "hugepages/hugepages-2048kB/free_hugepages", NULL);

        put (meminfo, node ? "Node 1 MemTotal:  8192 kB\nNode 1 MemFree:  400 kB\n"
                           : "Node 0 MemTotal:  4096 kB\nNode 0 MemFree:  100 kB\n");
        put (list, node ? "4-6\n" : "0-3\n");
        put (distance, node ? "20 10\n" : "10 20\n");
        put (nr, node ? "3\n" : "0\n");
        put (free_pages, node ? "2\n" : "0\n");
    }
    for (guint cpu = 0; cpu < 7; cpu++) {
        put_cpu (cpu, "topology/physical_package_id", "%u\n", cpu / 4);
        put_cpu (cpu, "topology/die_id", "0\n");
        put_cpu (cpu, "topology/core_id", "%u\n", cpu % 4 / 2);
        put_cpu (cpu, "topology/thread_siblings_list", cpu == 6 ? "6\n" : "%u-%u\n", cpu / 2 * 2, cpu / 2 * 2 + 1);
        put_cpu (cpu, "cache/index0/level", "1\n");
        put_cpu (cpu, "cache/index1/level", "3\n");
        put_cpu (cpu, "cache/index1/type", "Unified\n");
        put_cpu (cpu, "cache/index1/id", "%u\n", cpu / 4);
        put_cpu (cpu, "cache/index1/size", "32768K\n");
        put_cpu (cpu, "cache/index1/shared_cpu_list", cpu < 4 ? "0-3\n" : "4-6\n");
    }
}

static void
test_info (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GByteArray) map = NULL;
    NodeInfo info;
    guint online, total;

    begin ();
    put_numa_host ();
    g_assert_true (node_info (&info, &error));
    g_assert_cmpstr (info.model, ==, node_arch ());
    g_assert_cmpuint (info.memory, ==, 12288);
    g_assert_cmpint (info.cpus, ==, 7);
    g_assert_cmpint (info.mhz, ==, 2596);
    g_assert_cmpint (info.nodes, ==, 2);
    g_assert_cmpint (info.sockets, ==, 1);
    g_assert_cmpint (info.cores, ==, 2);
    g_assert_cmpint (info.threads, ==, 2);
    g_assert_true (node_cpu_map (&map, &online, &total, &error));
    g_assert_cmpuint (online, ==, 7);
    g_assert_cmpuint (total, ==, 8);
    g_assert_cmpuint (map->len, ==, 1);
    g_assert_cmphex (map->data[0], ==, 0x7f);
    end ();
}

static void
test_stats (void)
{
    static const guint64 all[] = { 160, 30, 40, 50 };   /* kernel user idle iowait, ticks */
    static const char *const names[] = { "kernel", "user", "idle", "iowait" };
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) stats = NULL;
    guint64 tick = 1000000000ULL / (guint64) sysconf (_SC_CLK_TCK);

    begin ();
    put_numa_host ();
    stats = node_cpu_stats (-1, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (stats->len, ==, 4);
    for (guint i = 0; i < 4; i++) {
        g_assert_cmpstr (g_array_index (stats, NodeStat, i).name, ==, names[i]);
        g_assert_cmpuint (g_array_index (stats, NodeStat, i).value, ==, all[i] * tick);
    }
    g_clear_pointer (&stats, g_array_unref);
    stats = node_cpu_stats (6, &error);
    g_assert_cmpuint (g_array_index (stats, NodeStat, 2).value, ==, 9 * tick);
    g_assert_null (node_cpu_stats (9, &error));
    g_assert_error (error, SKEP_ERROR, ERR_INVALID_ARG);
    g_assert_cmpstr (error->message, ==, "Invalid cpuNum in virHostCPUGetStatsLinux");
    g_clear_error (&error);
    g_assert_null (node_cpu_stats (-2, NULL));
    end ();
}

static void
test_memory (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) stats = NULL, cells = NULL, pages = NULL, whole = NULL;
    const guint sizes[] = { (guint) sysconf (_SC_PAGESIZE) / 1024, 2048 };
    guint64 bytes;

    begin ();
    put_numa_host ();
    stats = node_memory_stats (-1, &error);
    g_assert_cmpuint (stats->len, ==, 4);
    g_assert_cmpstr (g_array_index (stats, NodeStat, 3).name, ==, "cached");
    g_assert_cmpuint (g_array_index (stats, NodeStat, 3).value, ==, 300);
    g_clear_pointer (&stats, g_array_unref);
    stats = node_memory_stats (1, &error);
    g_assert_cmpuint (stats->len, ==, 2);
    g_assert_cmpuint (g_array_index (stats, NodeStat, 1).value, ==, 400);
    g_assert_null (node_memory_stats (2, &error));
    g_assert_cmpstr (error->message, ==, "cellNum in virHostMemGetStats must be less than or equal to 1");
    g_clear_error (&error);
    g_assert_true (node_free_memory (&bytes, &error));
    g_assert_cmpuint (bytes, ==, 500 * 1024);
    cells = node_cells_free (0, 5, &error);
    g_assert_cmpuint (cells->len, ==, 2);
    g_assert_cmpuint (g_array_index (cells, guint64, 1), ==, 400 * 1024);
    g_assert_null (node_cells_free (4, 1, &error));
    g_assert_error (error, SKEP_ERROR, ERR_INTERNAL);
    g_assert_cmpstr (error->message, ==, "start cell 4 out of range (0-1)");
    g_clear_error (&error);
    pages = node_free_pages (sizes, 2, 0, 9, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (pages->len, ==, 4);
    g_assert_cmpuint (g_array_index (pages, guint64, 0), ==, 100 / sizes[0]);
    g_assert_cmpuint (g_array_index (pages, guint64, 3), ==, 2);
    put ("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "5\n");
    whole = node_free_pages (sizes, 2, -1, 2, &error);      /* cell -1: the host; and then cell 0 */
    g_assert_no_error (error);
    g_assert_cmpuint (whole->len, ==, 4);
    g_assert_cmpuint (g_array_index (whole, guint64, 0), ==, 500 / sizes[0]);
    g_assert_cmpuint (g_array_index (whole, guint64, 1), ==, 5);
    g_assert_cmpuint (g_array_index (whole, guint64, 2), ==, 100 / sizes[0]);
    g_assert_null (node_free_pages (sizes, 2, -2, 1, &error));
    g_assert_error (error, SKEP_ERROR, ERR_INTERNAL);
    g_clear_error (&error);
    g_assert_null (node_free_pages ((guint[]) { 16 }, 1, 0, 1, &error));
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_FAILED);
    g_assert_cmpstr (error->message, ==, "page size 16 is not available on node 0");
    end ();
}

static void
test_topology (void)
{
    g_autoptr (Topology) topology = NULL;
    const TopologyCell *cell;
    const TopologyCpu *cpu;
    const TopologyCache *cache;

    begin ();
    put_numa_host ();
    put ("/sys/power/state", "freeze mem disk\n");
    put ("/sys/power/disk", "platform [shutdown] reboot suspend\n");
    topology = topology_read ();
    g_assert_cmpuint (topology->cells->len, ==, 2);
    cell = topology->cells->pdata[1];
    g_assert_cmpuint (cell->id, ==, 1);
    g_assert_cmpuint (cell->memory, ==, 8192);
    g_assert_cmpuint (cell->cpus->len, ==, 3);
    cpu = cell->cpus->pdata[1];
    g_assert_cmpuint (cpu->id, ==, 5);
    g_assert_cmpuint (cpu->socket_id, ==, 1);
    g_assert_cmpstr (cpu->siblings, ==, "4-5");
    g_assert_cmpuint (cell->distances->len, ==, 2);
    g_assert_cmpuint (g_array_index (cell->distances, TopologyDistance, 0).value, ==, 20);
    g_assert_cmpuint (cell->pages->len, ==, 2);
    g_assert_cmpuint (g_array_index (cell->pages, TopologyPages, 1).count, ==, 3);
    g_assert_cmpuint (g_array_index (cell->pages, TopologyPages, 0).count, ==,
                      (8192 - 3 * 2048) / (guint64) (sysconf (_SC_PAGESIZE) / 1024));
    g_assert_cmpuint (topology->caches->len, ==, 2);
    cache = topology->caches->pdata[1];
    g_assert_cmpuint (cache->id, ==, 1);
    g_assert_cmpuint (cache->size, ==, 32768);
    g_assert_cmpstr (cache->type, ==, "both");
    g_assert_cmpstr (cache->cpus, ==, "4-6");
    g_assert_true (topology->pm_mem && topology->pm_disk && topology->pm_hybrid);
    g_assert_false (topology->iommu);
    end ();
}

static void
test_without_numa (void)
{
    g_autoptr (Topology) topology = NULL;
    g_autoptr (GArray) stats = NULL;
    const TopologyCell *cell;
    NodeInfo info;

    begin ();
    put ("/proc/meminfo", "MemTotal:       2000 kB\nMemFree:         500 kB\n");
    put ("/sys/devices/system/cpu/online", "0\n");
    put_cpu (0, "topology/core_id", "0\n");
    topology = topology_read ();
    g_assert_cmpuint (topology->cells->len, ==, 1);
    cell = topology->cells->pdata[0];
    g_assert_cmpuint (cell->memory, ==, 2000);
    g_assert_cmpuint (cell->cpus->len, ==, 1);
    g_assert_true (node_info (&info, NULL));
    g_assert_cmpint (info.nodes * info.sockets * info.cores * info.threads, ==, 1);
    stats = node_memory_stats (0, NULL);
    g_assert_cmpuint (stats->len, ==, 4 - 2);
    end ();
}

static void
test_names (void)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *uuid = NULL, *again = NULL, *sysinfo = NULL, *name = NULL;
    char own[256], hosts[600];

    begin ();
    g_assert_null (node_sysinfo_xml (&error));
    g_assert_error (error, SKEP_ERROR, ERR_CONFIG_UNSUPPORTED);
    g_assert_cmpstr (error->message, ==, "Host SMBIOS information is not available");
    put ("/etc/machine-id", "0123456789abcdef0123456789ABCDEF\n");
    uuid = node_host_uuid ();
    g_assert_cmpstr (uuid, ==, "01234567-89ab-cdef-0123-456789abcdef");
    put ("/sys/class/dmi/id/product_uuid", "ffffffff-ffff-ffff-ffff-ffffffffffff\n");
    again = node_host_uuid ();      /* firmware that was never given one */
    g_assert_cmpstr (again, ==, uuid);
    put ("/sys/class/dmi/id/product_uuid", "4C4C4544-0043-3510-8052-B9C04F4E5A31\n");
    g_free (again);
    again = node_host_uuid ();
    g_assert_cmpstr (again, ==, "4c4c4544-0043-3510-8052-b9c04f4e5a31");
    put ("/sys/class/dmi/id/sys_vendor", "A & <B>\n");
    sysinfo = node_sysinfo_xml (NULL);
    g_assert_cmpstr (sysinfo, ==, "<sysinfo type='smbios'>\n  <system>\n"
                     "    <entry name='manufacturer'>A &amp; &lt;B&gt;</entry>\n"
                     "    <entry name='uuid'>4C4C4544-0043-3510-8052-B9C04F4E5A31</entry>\n"
                     "  </system>\n</sysinfo>\n");
    gethostname (own, sizeof own);
    g_snprintf (hosts, sizeof hosts, "127.0.0.1 localhost\n10.0.0.1\t%s.example.org x %s # y\n", own, own);
    put ("/etc/hosts", hosts);
    name = node_hostname ();
    if (!strchr (own, '.') && !g_str_has_prefix (own, "localhost"))
        g_assert_true (g_str_has_suffix (name, ".example.org"));
    end ();
}

static void
test_lists (void)
{
    g_autoptr (GArray) list = node_parse_list ("0-2,7,9-9\n"), none = node_parse_list (""), wild = NULL;

    g_assert_cmpuint (list->len, ==, 5);
    g_assert_cmpuint (g_array_index (list, guint, 3), ==, 7);
    g_assert_cmpuint (none->len, ==, 0);
    wild = node_parse_list ("0-99999999999");
    g_assert_cmpuint (wild->len, ==, 8192);
}

static void
test_this_host (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Topology) topology = topology_read ();
    NodeInfo info;

    g_assert_true (node_info (&info, &error));
    g_assert_cmpint (info.cpus, >=, 1);
    g_assert_cmpuint (topology->cells->len, >=, 1);
    g_assert_cmpuint (node_hypervisor_version (NULL), >=, 4000000);
    g_assert_cmpuint (node_process_start (getpid ()), >, 0);
    g_assert_cmpuint (node_process_start (4194303), ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/node/info", test_info);
    g_test_add_func ("/node/stats", test_stats);
    g_test_add_func ("/node/memory", test_memory);
    g_test_add_func ("/node/topology", test_topology);
    g_test_add_func ("/node/without-numa", test_without_numa);
    g_test_add_func ("/node/names", test_names);
    g_test_add_func ("/node/lists", test_lists);
    g_test_add_func ("/node/this-host", test_this_host);
    return g_test_run ();
}
