/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters of made-up control groups, of both versions: the same numbers come out. */
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/sysmacros.h>

#include "host/cgroup_private.h"
#include "util/error.h"

static char *root;

static void
put (const char *dir, const char *file, const char *text)
{
    g_autofree char *full = g_strdup_printf ("%s/%s/g/c", root, dir);
    g_autofree char *path = g_strconcat (full, "/", file, NULL);

    g_assert_cmpint (g_mkdir_with_parents (full, 0755), ==, 0);
    g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* @v2: one hierarchy, else one for each controller. */
static Cgroup *
open_group (gboolean v2)
{
    static const char *const v1_names[] = { "memory", "cpuacct", "blkio", "cpuset", "freezer" };
    static const char *const v1_paths[] = { "memory:/g/c", "cpuacct:/g/c", "blkio:/g/c", "cpuset:/g/c",
                                            "freezer:/g/c" };
    static const char own[] = "1:memory:/\n2:cpuacct:/\n3:blkio:/\n4:cpuset:/\n5:freezer:/\n";
    g_autoptr (GString) mounts = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    const char *paths[6] = { ":/g/c", NULL };
    Cgroup *c;

    for (guint i = 0; !v2 && i < G_N_ELEMENTS (v1_names); i++) {
        put (v1_names[i], "cgroup.procs", "");
        g_string_append_printf (mounts, "%u 1 0:%u / %s/%s rw - cgroup cgroup rw,%s\n", 30 + i, 30 + i, root,
                                v1_names[i], v1_names[i]);
        paths[i] = v1_paths[i];
    }
    if (v2) {
        g_autofree char *controllers = g_strconcat (root, "/v2/cgroup.controllers", NULL);

        g_assert_true (g_file_set_contents (controllers, "cpuset cpu io memory pids\n", -1, NULL));
        g_string_append_printf (mounts, "40 1 0:40 / %s/v2 rw - cgroup2 cgroup2 rw\n", root);
    }
    cgroup_host_clear ();
    cgroup_host_any_filesystem = TRUE;
    g_assert_true (cgroup_host_parse (mounts->str, v2 ? "0::/\n" : own, &error));
    g_assert_no_error (error);
    c = cgroup_open (paths, &error);
    g_assert_no_error (error);
    return c;
}

static void
check_memory (Cgroup *c, guint64 limit)
{
    g_autoptr (GError) error = NULL;
    CgroupMemoryStat stat;

    g_assert_true (cgroup_memory_stat (c, &stat, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (stat.cache, ==, 8192);
    g_assert_cmpuint (stat.anonymous, ==, 4096);
    g_assert_cmpuint (stat.swap, ==, 12288);
    g_assert_cmpuint (stat.inactive_file, ==, 2048);
    g_assert_cmpuint (stat.faults, ==, 77);
    g_assert_cmpuint (stat.major_faults, ==, 5);
    g_assert_cmpuint (stat.oom_kills, ==, 2);
    g_assert_cmpuint (stat.limit, ==, limit);
}

static void
check_block (Cgroup *c)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) devices = cgroup_blkio_devices (c, &error);
    CgroupBlkioUsage sum;
    const CgroupBlkioDevice *first;

    g_assert_no_error (error);
    g_assert_cmpuint (devices->len, ==, 2);
    first = &g_array_index (devices, CgroupBlkioDevice, 0);
    g_assert_true (first->device == makedev (8, 0));
    g_assert_cmpuint (first->usage.rd_bytes, ==, 4096);
    g_assert_cmpuint (first->usage.rd_req, ==, 3);
    cgroup_blkio_sum (devices, &sum);
    g_assert_cmpuint (sum.rd_bytes, ==, 4196);
    g_assert_cmpuint (sum.wr_bytes, ==, 512);
    g_assert_cmpuint (sum.rd_req, ==, 4);
    g_assert_cmpuint (sum.wr_req, ==, 1);
}

static void
check_limits (Cgroup *c, guint64 riops)
{
    g_autoptr (GError) error = NULL;
    CgroupBlkio rule = { .rbps = 5 };

    g_assert_true (cgroup_get_blkio_device (c, makedev (8, 0), &rule, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (rule.weight, ==, 100);
    g_assert_cmpuint (rule.rbps, ==, 1048576);
    g_assert_cmpuint (rule.wbps, ==, 0);
    g_assert_cmpuint (rule.riops, ==, riops);
    g_assert_cmpuint (rule.wiops, ==, 0);
    g_assert_true (cgroup_get_blkio_device (c, makedev (80, 0), &rule, &error));
    g_assert_cmpuint (rule.weight + rule.rbps + rule.riops, ==, 0);
}

static void
put_v1 (void)
{
    put ("memory", "memory.stat", "cache 1\nrss 1\ntotal_cache 8192\ntotal_rss 4096\ntotal_rss_huge 9\n"
                                  "total_swap 12288\ntotal_inactive_file 2048\ntotal_pgfault 77\ntotal_pgmajfault 5\n"
                                  "hierarchical_memory_limit 1048576\n");
    put ("memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    put ("memory", "memory.usage_in_bytes", "65536\n");
    put ("cpuacct", "cpuacct.usage", "1000\n");
    put ("blkio", "blkio.throttle.io_service_bytes",
         "8:0 Read 4096\n8:0 Write 512\n8:0 Total 4608\n259:1 Read 100\n259:1 Write 0\nTotal 4708\n");
    put ("blkio", "blkio.throttle.io_serviced", "8:0 Read 3\n8:0 Write 1\n259:1 Read 1\n259:1 Write 0\nTotal 5\n");
    put ("cpuset", "cpuset.effective_cpus", "0-2\n");
    put ("cpuset", "cpuset.effective_mems", "0\n");
}

static void
test_v1 (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;
    g_autofree char *cpus = NULL;
    guint weight = 1;

    put_v1 ();
    c = open_group (FALSE);
    check_memory (c, 1048576);
    check_block (c);
    cpus = cgroup_effective_cpus (c, &error);
    g_assert_cmpstr (cpus, ==, "0-2");
    g_assert_true (cgroup_get_blkio_weight (c, &weight, &error));
    g_assert_cmpuint (weight, ==, 0);               /* no scheduler with weights */
    put ("blkio", "blkio.bfq.weight", "300\n");
    g_assert_true (cgroup_get_blkio_weight (c, &weight, &error));
    g_assert_cmpuint (weight, ==, 300);
    put ("blkio", "blkio.throttle.read_bps_device", "259:0 7\n8:0 1048576\n");
    put ("blkio", "blkio.throttle.read_iops_device", "8:0 4294967295\n");
    put ("blkio", "blkio.bfq.weight_device", "8:0 100\n");
    check_limits (c, 4294967295);
}

static void
test_v2 (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;
    g_autofree char *mems = NULL;
    guint weight = 1;

    put ("v2", "memory.stat", "anon 4096\nfile 8192\ninactive_file 2048\npgfault 77\npgmajfault 5\n");
    put ("v2", "memory.swap.current", "12288\n");
    put ("v2", "memory.events", "low 0\noom 3\noom_kill 2\n");
    put ("v2", "memory.max", "max\n");
    put ("v2", "io.stat", "8:0 rbytes=4096 wbytes=512 rios=3 wios=1 dbytes=0 dios=0\n259:1 rbytes=100 wbytes=0 rios=1 "
                          "wios=0\n");
    put ("v2", "cpuset.mems.effective", "0-1\n");
    put ("v2", "io.weight", "default 250\n8:0 100\n");
    c = open_group (TRUE);
    check_memory (c, CGROUP_UNLIMITED);
    put ("v2", "memory.max", "1048576\n");
    cgroup_kept_forget ();                          /* the file was replaced, which the kernel never does */
    check_memory (c, 1048576);
    check_block (c);
    mems = cgroup_effective_mems (c, &error);
    g_assert_cmpstr (mems, ==, "0-1");
    g_assert_true (cgroup_get_blkio_weight (c, &weight, &error));
    g_assert_cmpuint (weight, ==, 250);
    put ("v2", "io.max", "259:0 rbps=7 wbps=max riops=max wiops=max\n8:0 rbps=1048576 wbps=max riops=40 wiops=max\n");
    check_limits (c, 40);
}

/* More devices than one page of text holds. */
static void
test_many_devices (void)
{
    g_autoptr (GString) bytes = g_string_new (NULL), counts = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) devices = NULL;
    g_autoptr (Cgroup) c = NULL;

    put_v1 ();
    for (guint i = 0; i < 500; i++) {
        g_string_append_printf (bytes, "7:%u Read %u\n7:%u Write 1\n7:%u Total 9\n", i, i, i, i);
        g_string_append_printf (counts, "7:%u Read 1\n7:%u Write 1\n", i, i);
    }
    put ("blkio", "blkio.throttle.io_service_bytes", bytes->str);
    put ("blkio", "blkio.throttle.io_serviced", counts->str);
    c = open_group (FALSE);
    devices = cgroup_blkio_devices (c, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (devices->len, ==, 500);
    g_assert_cmpuint (g_array_index (devices, CgroupBlkioDevice, 499).usage.rd_bytes, ==, 499);
    g_assert_cmpuint (g_array_index (devices, CgroupBlkioDevice, 499).usage.wr_req, ==, 1);
}

/* Of a host with many CPUs the line is longer than a page. */
static void
test_many_cpus (void)
{
    enum { CPUS = 1000 };
    g_autoptr (GString) line = g_string_new (NULL);
    g_autoptr (GArray) usage = NULL;
    g_autoptr (Cgroup) c = NULL;

    put_v1 ();
    c = open_group (FALSE);
    for (guint i = 0; i < CPUS; i++)
        g_string_append_printf (line, "%u ", 1000000 + i);
    put ("cpuacct", "cpuacct.usage_percpu", line->str);
    usage = cgroup_cpu_usage_percpu (c, NULL);
    g_assert_cmpuint (usage->len, ==, CPUS);
    g_assert_cmpuint (g_array_index (usage, guint64, CPUS - 1), ==, 1000000 + CPUS - 1);
}

/* Descriptors are kept by the group that is polled, not by a copy, and go with it. */
static void
test_kept (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL, copy = NULL;
    guint64 usage, cpu;

    put_v1 ();
    c = open_group (FALSE);
    copy = cgroup_copy (c);
    g_assert_cmpuint (cgroup_kept_count (), ==, 0);
    g_assert_true (cgroup_memory_usage (copy, &usage, &error));
    g_assert_cmpuint (cgroup_kept_count (), ==, 0);
    for (guint i = 0; i < 3; i++) {
        g_assert_true (cgroup_memory_usage (c, &usage, &error));
        g_assert_cmpuint (usage, ==, 65536);
        g_assert_true (cgroup_cpu_usage (c, &cpu, NULL, NULL, &error));
        g_assert_cmpuint (cpu, ==, 1000);
        g_assert_cmpuint (cgroup_kept_count (), ==, 2);
    }
    cgroup_kept_forget ();
    g_assert_cmpuint (cgroup_kept_count (), ==, 0);
    g_assert_true (cgroup_memory_usage (c, &usage, &error));
    g_assert_cmpuint (cgroup_kept_count (), ==, 1);
    g_clear_pointer (&c, cgroup_free);
    g_assert_cmpuint (cgroup_kept_count (), ==, 0);
}

static void
test_absent (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;
    g_autofree char *gone = g_strconcat (root, "/cpuset/g/c/cpuset.effective_cpus", NULL);

    put_v1 ();
    c = open_group (FALSE);
    g_assert_cmpint (g_unlink (gone), ==, 0);
    g_assert_null (cgroup_effective_cpus (c, &error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_clear_error (&error);
    g_assert_false (cgroup_set_pids (c, 5, &error));
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_INVALID);
    g_assert_cmpstr (error->message, ==, "cgroup pids controller is not mounted");
}

int
main (int argc, char **argv)
{
    const char *argv_rm[] = { "rm", "-rf", NULL, NULL };
    int status;

    g_test_init (&argc, &argv, NULL);
    root = g_dir_make_tmp ("skep-usage-XXXXXX", NULL);
    g_assert_nonnull (root);
    g_test_add_func ("/cgroup-usage/v1", test_v1);
    g_test_add_func ("/cgroup-usage/v2", test_v2);
    g_test_add_func ("/cgroup-usage/many-devices", test_many_devices);
    g_test_add_func ("/cgroup-usage/many-cpus", test_many_cpus);
    g_test_add_func ("/cgroup-usage/kept", test_kept);
    g_test_add_func ("/cgroup-usage/absent", test_absent);
    status = g_test_run ();
    cgroup_host_clear ();
    argv_rm[2] = root;
    g_spawn_sync (NULL, (char **) argv_rm, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    return status;
}
