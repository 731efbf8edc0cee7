/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control groups: made, limited, found again, removed. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup_fixture.h"
#include "util/error.h"

static void
test_create_and_remove (void)
{
    g_autoptr (Cgroup) c = NULL;
    g_auto (GStrv) paths = NULL;

    if (!groups_usable ())
        return;
    c = group_make ("one");
    paths = cgroup_paths (c);
    g_assert_cmpuint (g_strv_length (paths), ==, cgroup_host.n);
    for (guint i = 0; i < cgroup_host.n; i++) {
        CgroupHierarchy *h = &cgroup_host.hierarchies[i];
        g_autofree char *guest = g_strconcat (c->base, "/guest", NULL);
        g_autofree char *controller = g_strconcat (c->base, "/controller", NULL);

        g_assert_cmpint (faccessat (h->fd, c->base, F_OK, 0), ==, 0);
        g_assert_cmpint (faccessat (h->fd, guest, F_OK, 0) == 0, ==, h->guest);
        g_assert_cmpint (faccessat (h->fd, controller, F_OK, 0) == 0, ==,
                         h->v2 && *cgroup_host.v2_enable);
    }
    group_remove (c, 1);
    group_remove (c, 1);   /* a second time is fine */
    partition_remove ();
}

/* A group of the same name that a killed daemon left is replaced; one in use is not touched. */
static void
test_stale_and_busy (void)
{
    g_autoptr (Cgroup) stale = NULL, fresh = NULL, refused = NULL;
    g_autoptr (GError) error = NULL;
    pid_t pid;

    if (!groups_usable ())
        return;
    stale = group_make ("same");
    fresh = group_make ("same");
    pid = child_start_guest (fresh);
    refused = cgroup_create (partition_name (), "same", TRUE, &error);
    g_assert_null (refused);
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_assert_true (cgroup_populated (fresh, NULL));
    g_assert_true (cgroup_kill (fresh, NULL, NULL));
    child_assert_killed (pid);
    group_remove (fresh, 60000);
    partition_remove ();
}

static void
test_missing_partition (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;

    if (!groups_usable ())
        return;
    c = cgroup_create ("/skep-none/deeper", "x", FALSE, &error);
    g_assert_null (c);
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_assert_cmpint (error_errno (error), ==, ENOENT);
    if (cgroup_host.layout != CGROUP_LAYOUT_V2)
        g_assert_true (g_str_has_prefix (error->message, "Failed to create v1 controller "));
    g_assert_false (group_exists ("skep-none.partition"));
    g_clear_error (&error);
    c = cgroup_create ("/machine", "..", TRUE, &error);
    g_assert_error (error, SKEP_ERROR, ERR_INVALID_ARG);
    g_clear_error (&error);
    c = cgroup_create ("/machine", "a/b", TRUE, &error);
    g_assert_error (error, SKEP_ERROR, ERR_INVALID_ARG);
}

static void
check_memory (Cgroup *c)
{
    g_autoptr (GError) error = NULL;
    guint64 hard, soft, swap, usage;
    static const struct { guint64 hard, swap; } steps[] = {
        { 64 << 20, 128 << 20 }, { 256 << 20, 512 << 20 }, { 32 << 20, 32 << 20 },
        { 1 << 30, CGROUP_UNLIMITED }, { 16 << 20, 20 << 20 }, { CGROUP_UNLIMITED, CGROUP_UNLIMITED },
    };

    for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
        cgroup_set_memory (c, steps[i].hard, steps[i].swap, &error);
        g_assert_no_error (error);
        cgroup_get_memory (c, &hard, &soft, &swap, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (hard, ==, steps[i].hard);
        g_assert_cmpuint (swap, ==, steps[i].swap);
        g_assert_cmpuint (soft, ==, CGROUP_UNLIMITED);
    }
    cgroup_set_memory_soft (c, 8 << 20, &error);
    g_assert_no_error (error);
    cgroup_get_memory (c, &hard, &soft, &swap, &error);
    g_assert_cmpuint (soft, ==, 8 << 20);
    cgroup_memory_usage (c, &usage, &error);
    g_assert_no_error (error);
    if (cgroup_hierarchy (CGROUP_MEMORY)->v2)
        return;
    /* memory above memory+swap is refused, and what was before stays */
    g_assert_true (cgroup_set_memory (c, 64 << 20, 64 << 20, NULL));
    g_assert_false (cgroup_set_memory (c, 128 << 20, 32 << 20, &error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_clear_error (&error);
    cgroup_get_memory (c, &hard, &soft, &swap, &error);
    g_assert_cmpuint (hard, ==, 64 << 20);
    g_assert_cmpuint (swap, ==, 64 << 20);
}

static void
check_cpu (Cgroup *c)
{
    g_autoptr (GError) error = NULL;
    guint64 shares, period, total, user, system;
    gint64 quota;

    cgroup_get_cpu_shares (c, &shares, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (shares, ==, 1024);
    cgroup_set_cpu_shares (c, 777, &error);
    g_assert_no_error (error);
    cgroup_get_cpu_shares (c, &shares, &error);
    g_assert_cmpuint (shares, ==, 777);
    cgroup_set_cpu_cfs (c, 50000, 25000, &error);
    g_assert_no_error (error);
    cgroup_set_cpu_cfs (c, 0, 30000, &error);
    g_assert_no_error (error);
    cgroup_get_cpu_cfs (c, &period, &quota, &error);
    g_assert_cmpuint (period, ==, 50000);
    g_assert_cmpint (quota, ==, 30000);
    cgroup_set_cpu_cfs (c, 100000, -5, &error);
    cgroup_get_cpu_cfs (c, &period, &quota, &error);
    g_assert_cmpuint (period, ==, 100000);
    g_assert_cmpint (quota, ==, -1);
    cgroup_cpu_usage (c, &total, &user, &system, &error);
    g_assert_no_error (error);
}

static void
test_limits (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;

    if (!groups_usable ())
        return;
    c = group_make ("limits");
    if (cgroup_host.controllers & CGROUP_MEMORY)
        check_memory (c);
    if (cgroup_host.controllers & CGROUP_CPU)
        check_cpu (c);
    if (cgroup_host.controllers & CGROUP_PIDS) {
        char text[CGROUP_TEXT_MAX];

        cgroup_set_pids (c, 77, &error);
        g_assert_no_error (error);
        cgroup_read (cgroup_hierarchy (CGROUP_PIDS), c->base, "", "pids.max", text, &error);
        g_assert_cmpstr (text, ==, "77\n");
        cgroup_set_pids (c, CGROUP_UNLIMITED, &error);
        g_assert_no_error (error);
    }
    g_assert_true (cgroup_set_oom_group (c, &error));
    g_assert_no_error (error);
    if ((cgroup_host.controllers & CGROUP_MEMORY) && cgroup_hierarchy (CGROUP_MEMORY)->v2) {
        char text[CGROUP_TEXT_MAX];

        cgroup_read (cgroup_hierarchy (CGROUP_MEMORY), c->base, "/guest", "memory.oom.group", text, &error);
        g_assert_cmpstr (text, ==, "1\n");
    }
    if (cgroup_host.controllers & CGROUP_CPUSET) {
        cgroup_set_cpuset (c, "0", NULL, &error);
        g_assert_no_error (error);
        g_assert_false (cgroup_set_cpuset (c, "4095", NULL, &error));
        g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
        g_assert_true (g_str_has_prefix (error->message, "Unable to write to '/"));
        g_clear_error (&error);
    }
    if (cgroup_host.controllers & CGROUP_BLKIO) {
        CgroupBlkioUsage usage;

        cgroup_blkio_usage (c, &usage, &error);
        g_assert_no_error (error);
    }
    group_remove (c, 1);
    partition_remove ();
}

static void
test_delegate (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;

    if (!groups_usable ())
        return;
    c = group_make ("delegate");
    cgroup_delegate (c, 100000, 100001, &error);
    g_assert_no_error (error);
    for (guint i = 0; i < cgroup_host.n; i++) {
        CgroupHierarchy *h = &cgroup_host.hierarchies[i];
        g_autofree char *procs = g_strconcat (c->base, "/guest/cgroup.procs", NULL);
        g_autofree char *base = g_strconcat (c->base, "/cgroup.procs", NULL);
        g_autofree char *freeze = g_strconcat (c->base, "/guest/cgroup.freeze", NULL);
        struct stat st;

        g_assert_cmpint (fstatat (h->fd, base, &st, 0), ==, 0);
        g_assert_cmpuint (st.st_uid, ==, 0);
        if (!h->v2 && !(h->controllers & CGROUP_SYSTEMD))
            continue;
        g_assert_cmpint (fstatat (h->fd, procs, &st, 0), ==, 0);
        g_assert_cmpuint (st.st_uid, ==, 100000);
        g_assert_cmpuint (st.st_gid, ==, 100001);
        if (h->v2) {
            g_assert_cmpint (fstatat (h->fd, freeze, &st, 0), ==, 0);
            g_assert_cmpuint (st.st_uid, ==, 0);
        }
    }
    group_remove (c, 1);
    partition_remove ();
}

/* After a daemon restart; what vanished meanwhile is no error. */
static void
test_open (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL, again = NULL, gone = NULL;
    g_auto (GStrv) paths = NULL;
    pid_t pid;

    if (!groups_usable ())
        return;
    c = group_make ("open");
    paths = cgroup_paths (c);
    pid = child_start_guest (c);
    again = cgroup_open ((const char *const *) paths, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (again->hierarchies, ==, c->hierarchies);
    g_assert_true (cgroup_populated (again, NULL));
    cgroup_kill (again, NULL, &error);
    g_assert_no_error (error);
    child_assert_killed (pid);
    group_remove (again, 60000);
    gone = cgroup_open ((const char *const *) paths, &error);
    g_assert_no_error (error);
    g_assert_true (cgroup_kill (gone, NULL, NULL));
    g_assert_false (cgroup_populated (gone, NULL));
    g_assert_true (cgroup_remove (gone, NULL, NULL));
    partition_remove ();
}

static void
test_partition (void)
{
    static const struct { const char *in, *out; } cases[] = {
        { "/machine", "/machine" },
        { "/machine/prod", "/machine/prod.partition" },
        { "/prod", "/prod.partition" },
        { "/prod.x/y", "/prod.x/y.partition" },
        { "/machine/machine", "/machine/machine.partition" },
        { "/_a/.b", "/__a.partition/_.b" },
        { "/cgroup.x", "/_cgroup.x" },
        { "/memory.high", "/_memory.high" },
        { "/memoryx.high", "/memoryx.high" },
        { "//user//x/", "/user/x.partition" },
        { "/a/../b", "/a.partition/_../b.partition" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *got = cgroup_partition_path (cases[i].in);

        g_assert_cmpstr (got, ==, cases[i].out);
    }
}

static void
test_shares (void)
{
    g_assert_cmpuint (cgroup_weight_of_shares (2), ==, 1);
    g_assert_cmpuint (cgroup_weight_of_shares (1024), ==, 39);
    g_assert_cmpuint (cgroup_weight_of_shares (262144), ==, 10000);
    /* what was set comes back, all of them */
    for (guint64 shares = 2; shares <= 262144; shares++)
        g_assert_cmpuint (cgroup_shares_of_weight (cgroup_weight_of_shares (shares), shares), ==, shares);
    /* and after a restart still a value with the same weight */
    for (guint64 weight = 1; weight <= 10000; weight++)
        if (weight != 100)
            g_assert_cmpuint (cgroup_weight_of_shares (cgroup_shares_of_weight (weight, 0)), ==, weight);
    g_assert_cmpuint (cgroup_shares_of_weight (39, 0), ==, 1024);
    g_assert_cmpuint (cgroup_shares_of_weight (100, 0), ==, 1024);
    g_assert_cmpuint (cgroup_shares_of_weight (20, 0), ==, 512);
    g_assert_cmpuint (cgroup_shares_of_weight (50, 1024), !=, 1024);
}

static void
test_detect (void)
{
    static const char own[] = "3:cpu,cpuacct:/\n2:freezer:/x\n1:name=systemd:/init.scope\n0::/\n";
    static const char mounts[] =
        "30 23 0:27 / / rw shared:4 - tmpfs tmpfs ro\n"
        "32 30 0:29 / /usr rw,nosuid shared:6 - cgroup cgroup rw,xattr,name=systemd\n"
        "33 30 0:30 / /bin rw - cgroup cgroup rw,cpu,cpuacct\n"
        "34 30 0:30 / /tmp rw - cgroup cgroup rw,cpu,cpuacct\n"
        "35 30 0:31 / /etc rw shared:8 shared:9 - cgroup cgroup rw,freezer\n";
    g_autoptr (GError) error = NULL;
    g_autofree char *unified = g_strconcat (mounts, "36 30 0:40 / /var rw - cgroup2 cgroup2 rw,nsdelegate\n", NULL);
    const CgroupView *view;
    guint n;

    cgroup_host_any_filesystem = TRUE;
    g_assert_true (cgroup_host_parse (mounts, own, &error));
    g_assert_cmpint (cgroup_host_layout (), ==, CGROUP_LAYOUT_V1);
    g_assert_cmpuint (cgroup_host_controllers (), ==,
                      CGROUP_CPU | CGROUP_CPUACCT | CGROUP_FREEZER | CGROUP_SYSTEMD);
    g_assert_cmpstr (cgroup_host.core->name, ==, "freezer");
    view = cgroup_host_views (&n);
    g_assert_cmpuint (n, ==, 3);
    g_assert_cmpstr (view[1].dir, ==, "bin");
    g_assert_cmpstr (view[1].options, ==, "cpu,cpuacct");
    g_assert_cmpstr (view[1].link_names, ==, "cpu,cpuacct");
    g_assert_false (view[1].writable);
    g_assert_true (view[0].writable);

    g_assert_true (cgroup_host_parse (unified, own, &error));
    g_assert_cmpint (cgroup_host_layout (), ==, CGROUP_LAYOUT_HYBRID);
    g_assert_true (cgroup_host.core->v2);

    g_assert_true (cgroup_host_parse ("36 30 0:40 / /var rw - cgroup2 cgroup2 rw\n", "0::/\n", &error));
    g_assert_cmpint (cgroup_host_layout (), ==, CGROUP_LAYOUT_V2);
    view = cgroup_host_views (&n);
    g_assert_cmpuint (n, ==, 1);
    g_assert_cmpstr (view[0].dir, ==, "");
    g_assert_cmpstr (view[0].options, ==, "");

    g_assert_false (cgroup_host_parse ("30 23 0:27 / / rw - tmpfs tmpfs ro\n", "", &error));
    g_assert_error (error, SKEP_ERROR, ERR_INTERNAL);
    cgroup_host_any_filesystem = FALSE;
}

/* Not an assertion: prints what one base group costs. */
static void
test_cost (void)
{
    const guint rounds = 200;
    gint64 start;

    if (!groups_usable ())
        return;
    g_autoptr (Cgroup) keep = group_make ("keep");
    start = g_get_monotonic_time ();
    for (guint i = 0; i < rounds; i++) {
        char name[16];
        g_autoptr (Cgroup) c = NULL;

        g_snprintf (name, sizeof name, "cost%u", i);
        c = group_make (name);
        group_remove (c, 1);
    }
    g_test_message ("create + remove: %.3f ms",
                    (double) (g_get_monotonic_time () - start) / 1000 / rounds);
    group_remove (keep, 1);
    partition_remove ();
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/cgroup/partition", test_partition);
    g_test_add_func ("/cgroup/shares", test_shares);
    g_test_add_func ("/cgroup/detect", test_detect);
    g_test_add_func ("/cgroup/create-remove", test_create_and_remove);
    g_test_add_func ("/cgroup/stale-busy", test_stale_and_busy);
    g_test_add_func ("/cgroup/missing-partition", test_missing_partition);
    g_test_add_func ("/cgroup/limits", test_limits);
    g_test_add_func ("/cgroup/delegate", test_delegate);
    g_test_add_func ("/cgroup/open", test_open);
    g_test_add_func ("/cgroup/cost", test_cost);
    return g_test_run ();
}
