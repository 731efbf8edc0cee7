/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Control groups of this machine, for real where we may write to them: made, limited, frozen, killed,
 * removed. Everything happens below one partition of this process, which is removed at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cgroup_private.h"
#include "util/error.h"

static char *partition;     /* "/skep-test-PID" */

static gboolean
host_usable (void)
{
    g_autoptr (GError) error = NULL;

    if (geteuid () != 0 || !cgroup_host_detect (&error)) {
        g_test_skip (error ? error->message : "needs root");
        return FALSE;
    }
    for (guint i = 0; i < cgroup_host.n; i++)
        if (faccessat (cgroup_host.hierarchies[i].fd, ".", W_OK, AT_EACCESS) < 0) {
            g_test_skip ("cannot write to the cgroup file systems");
            return FALSE;
        }
    return TRUE;
}

static Cgroup *
make (const char *name)
{
    g_autoptr (GError) error = NULL;
    Cgroup *c = cgroup_create (partition, name, TRUE, &error);

    g_assert_no_error (error);
    g_assert_nonnull (c);
    return c;
}

static gboolean
exists_anywhere (const char *path)
{
    for (guint i = 0; i < cgroup_host.n; i++)
        if (faccessat (cgroup_host.hierarchies[i].fd, path, F_OK, 0) == 0)
            return TRUE;
    return FALSE;
}

static void
remove_within (Cgroup *c, guint ms)
{
    g_autoptr (GError) error = NULL;

    for (guint i = 0; i < ms; i++) {
        g_clear_error (&error);
        if (cgroup_remove (c, NULL, &error))
            break;
        g_assert_error (error, SKEP_ERROR, ERR_RESOURCE_BUSY);
        g_usleep (1000);
    }
    g_assert_no_error (error);
    g_assert_false (exists_anywhere (c->base));
}

static void
remove_partition (void)
{
    g_autofree char *path = cgroup_partition_path (partition);

    for (guint i = 0; i < cgroup_host.n; i++) {
        if (cgroup_host.hierarchies[i].v2)
            cgroup_write_try (&cgroup_host.hierarchies[i], path + 1, "", "cgroup.subtree_control", "");
        unlinkat (cgroup_host.hierarchies[i].fd, path + 1, AT_REMOVEDIR);
    }
    g_assert_false (exists_anywhere (path + 1));
}

/* A child in the guest's groups (@guest) or the controller's, joined as a start does it; then it runs
 * @then, which does not return. The child is in its groups when this function returns. */
static pid_t
start_child (Cgroup *c, gboolean guest, void (*then) (int), int argument)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) fds = NULL;
    CgroupFdCounts counts;
    const int *tasks;
    int ready[2];
    char byte;
    pid_t pid;

    fds = cgroup_start_fds (c, &counts, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (fds->len, ==, (guint) counts.v2 + counts.guest + counts.controller + counts.memory);
    tasks = (const int *) (void *) fds->data + counts.v2 + (guest ? 0 : counts.guest);
    g_assert_cmpint (pipe (ready), ==, 0);
    pid = fork ();
    if (pid == 0) {
        for (guint i = 0; i < (guest ? counts.guest : counts.controller); i++)
            if (write (tasks[i], "0", 1) != 1)
                _exit (1);
        if (guest && counts.v2) {
            int fd;

            g_assert (fchdir (g_array_index (fds, int, 0)) == 0);
            fd = open ("cgroup.procs", O_WRONLY);
            if (fd < 0 || write (fd, "0", 1) != 1)
                _exit (2);
        }
        if (write (ready[1], "x", 1) != 1)
            _exit (3);
        then (argument);
        _exit (0);
    }
    close (ready[1]);
    g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
    close (ready[0]);
    return pid;
}

static void
sleep_on (int unused)
{
    (void) unused;
    for (;;)
        pause ();
}

static pid_t
start_guest (Cgroup *c)
{
    return start_child (c, TRUE, sleep_on, 0);
}

static void
assert_killed (pid_t pid)
{
    int status;

    g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
    g_assert_true (WIFSIGNALED (status));
    g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
}

static void
test_create_and_remove (void)
{
    g_autoptr (Cgroup) c = NULL;
    g_auto (GStrv) paths = NULL;

    if (!host_usable ())
        return;
    c = make ("one");
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
    remove_within (c, 1);
    remove_within (c, 1);   /* a second time is fine */
    remove_partition ();
}

/* A group of the same name that a killed daemon left is replaced; one in use is not touched. */
static void
test_stale_and_busy (void)
{
    g_autoptr (Cgroup) stale = NULL, fresh = NULL, refused = NULL;
    g_autoptr (GError) error = NULL;
    pid_t pid;

    if (!host_usable ())
        return;
    stale = make ("same");
    fresh = make ("same");
    pid = start_guest (fresh);
    refused = cgroup_create (partition, "same", TRUE, &error);
    g_assert_null (refused);
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_assert_true (cgroup_populated (fresh, NULL));
    g_assert_true (cgroup_kill (fresh, NULL, NULL));
    assert_killed (pid);
    remove_within (fresh, 20000);
    remove_partition ();
}

static void
test_missing_partition (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;

    if (!host_usable ())
        return;
    c = cgroup_create ("/skep-none/deeper", "x", FALSE, &error);
    g_assert_null (c);
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_assert_cmpint (error_errno (error), ==, ENOENT);
    if (cgroup_host.layout != CGROUP_LAYOUT_V2)
        g_assert_true (g_str_has_prefix (error->message, "Failed to create v1 controller "));
    g_assert_false (exists_anywhere ("skep-none.partition"));
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

    if (!host_usable ())
        return;
    c = make ("limits");
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
    remove_within (c, 1);
    remove_partition ();
}

static void
test_freeze (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;
    gboolean frozen = FALSE;
    pid_t pid;

    if (!host_usable ())
        return;
    c = make ("freeze");
    pid = start_guest (c);
    cgroup_freeze (c, TRUE, &error);
    g_assert_no_error (error);
    for (guint i = 0; i < 20000 && !frozen; i++) {
        cgroup_frozen (c, &frozen, &error);
        g_assert_no_error (error);
        g_usleep (1000);
    }
    g_assert_true (frozen);
    /* a frozen container can be killed */
    cgroup_kill (c, NULL, &error);
    g_assert_no_error (error);
    assert_killed (pid);
    g_assert_false (cgroup_populated (c, NULL));
    remove_within (c, 20000);
    remove_partition ();
}

/* Groups that the guest made below its own, some frozen by itself, deep and many. */
static void
test_kill_nested (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;
    CgroupHierarchy *core;
    GString *path;
    pid_t pids[6];

    if (!host_usable ())
        return;
    c = make ("nested");
    core = cgroup_host.core;
    path = g_string_new (c->base);
    g_string_append (path, "/guest");
    for (guint i = 0; i < G_N_ELEMENTS (pids); i++) {
        g_autofree char *procs = NULL;
        g_autofree char *text = NULL;

        pids[i] = start_guest (c);
        g_string_append (path, "/n");
        g_assert_cmpint (mkdirat (core->fd, path->str, 0755), ==, 0);
        text = g_strdup_printf ("%d", pids[i]);
        g_assert_cmpint (cgroup_write_try (core, path->str, "", "cgroup.procs", text), ==, 0);
    }
    if (core->v2)
        g_assert_cmpint (cgroup_write_try (core, path->str, "", "cgroup.freeze", "1"), ==, 0);
    else
        g_assert_cmpint (cgroup_write_try (core, path->str, "", "freezer.state", "FROZEN"), ==, 0);
    g_string_free (path, TRUE);
    g_assert_false (cgroup_remove (c, NULL, &error));
    g_assert_error (error, SKEP_ERROR, ERR_RESOURCE_BUSY);
    g_clear_error (&error);
    cgroup_kill (c, NULL, &error);
    g_assert_no_error (error);
    for (guint i = 0; i < G_N_ELEMENTS (pids); i++)
        assert_killed (pids[i]);
    g_assert_false (cgroup_populated (c, NULL));
    remove_within (c, 20000);
    remove_partition ();
}

/* The host as it would be without version 2, whose freezer is of version 1. */
static gboolean
use_v1_freezer (void)
{
    g_autofree char *mountinfo = NULL, *own = NULL, *rest = NULL;
    g_autoptr (GRegex) v2 = g_regex_new ("^.* - cgroup2 .*\n", G_REGEX_MULTILINE, 0, NULL);

    if (!host_usable ())
        return FALSE;
    if (!cgroup_hierarchy (CGROUP_FREEZER) || cgroup_hierarchy (CGROUP_FREEZER)->v2) {
        g_test_skip ("no freezer of version 1");
        return FALSE;
    }
    g_assert_true (g_file_get_contents ("/proc/self/mountinfo", &mountinfo, NULL, NULL));
    g_assert_true (g_file_get_contents ("/proc/self/cgroup", &own, NULL, NULL));
    rest = g_regex_replace_literal (v2, mountinfo, -1, 0, "", 0, NULL);
    g_assert_true (cgroup_host_parse (rest, own, NULL));
    return TRUE;
}

/* A process at the end of a chain of groups, frozen by its own freezer, for which @group is where to begin. */
static pid_t
start_frozen (Cgroup *c, CgroupHierarchy *freezer, const char *group, guint depth)
{
    g_autofree char *number = NULL;
    pid_t pid = start_guest (c);
    int fd = openat (freezer->fd, group, O_RDONLY | O_DIRECTORY);

    for (guint i = 0; i < depth; i++) {
        int next;

        g_assert_cmpint (mkdirat (fd, "n", 0755), ==, 0);
        next = openat (fd, "n", O_RDONLY | O_DIRECTORY);
        close (fd);
        fd = next;
    }
    number = g_strdup_printf ("%d", pid);
    for (guint i = 0; i < 2; i++) {
        int file = openat (fd, i ? "freezer.state" : "cgroup.procs", O_WRONLY);
        const char *text = i ? "FROZEN" : number;

        g_assert_cmpint (write (file, text, strlen (text)), ==, (ssize_t) strlen (text));
        close (file);
    }
    close (fd);
    return pid;
}

static void
kill_until_empty (Cgroup *c)
{
    g_autoptr (Cgroup) copy = cgroup_copy (c);

    for (guint i = 0; i < 20000 && !cgroup_kill_many (copy); i++)
        g_usleep (1000);
    g_assert_true (cgroup_kill_many (copy));
}

/* More groups than a call on the main loop enters: it says so, and a task does it. */
static void
test_kill_many (void)
{
    g_autoptr (Cgroup) c = NULL;
    g_autofree char *guest = NULL;
    gboolean many = FALSE;
    pid_t deep, near;

    if (!use_v1_freezer ())
        return;
    c = make ("kill-many");
    guest = g_strconcat (c->base, "/guest", NULL);
    near = start_guest (c);
    deep = start_frozen (c, cgroup_host.core, guest, 400);
    g_assert_true (cgroup_populated (c, &many));    /* the one that is near */
    g_assert_false (many);
    g_assert_true (cgroup_kill (c, &many, NULL));
    g_assert_true (many);
    assert_killed (near);
    g_assert_true (cgroup_populated (c, &many));
    g_assert_true (many);
    g_assert_cmpint (waitpid (deep, NULL, WNOHANG), ==, 0);     /* frozen still */
    kill_until_empty (c);
    assert_killed (deep);
    g_assert_true (cgroup_populated (c, &many));    /* for all that one call can say */
    g_assert_true (many);
    {
        g_autoptr (Cgroup) copy = cgroup_copy (c);

        cgroup_remove_many (copy);
    }
    remove_within (c, 20000);
    remove_partition ();
}

/* The core is of version 2, the guest has frozen processes of its own in a freezer of version 1 beside it. */
static void
test_kill_beside (void)
{
    g_autoptr (Cgroup) c = NULL;
    g_autoptr (GError) error = NULL;
    CgroupHierarchy *freezer;
    pid_t pid;

    if (!host_usable ())
        return;
    freezer = cgroup_hierarchy (CGROUP_FREEZER);
    if (!freezer || freezer == cgroup_host.core) {
        g_test_skip ("no freezer beside the core");
        return;
    }
    c = make ("beside");
    pid = start_frozen (c, freezer, c->base, 3);
    g_assert_true (cgroup_kill (c, NULL, &error));
    g_assert_no_error (error);
    assert_killed (pid);
    g_assert_false (cgroup_populated (c, NULL));
    remove_within (c, 20000);
    remove_partition ();
}

/* More nested groups than one call removes; of them 2500 below each other, deeper than there may be
 * descriptors and than any bound on what one call enters. */
static void
test_remove_many (void)
{
    g_autoptr (Cgroup) c = NULL;
    CgroupHierarchy *h;
    g_autoptr (Cgroup) copy = NULL;
    gboolean many = FALSE;
    int fd;

    if (!host_usable ())
        return;
    h = cgroup_hierarchy (CGROUP_SYSTEMD);
    if (!h) {
        g_test_skip ("v2 bounds the number of nested groups itself");
        return;
    }
    c = make ("many");
    {
        g_autofree char *guest = g_strconcat (c->base, "/guest", NULL);

        fd = openat (h->fd, guest, O_PATH | O_DIRECTORY);
    }
    for (guint i = 0; i < 3000; i++) {
        char name[16];
        int next;

        g_snprintf (name, sizeof name, "g%u", i);
        g_assert_cmpint (mkdirat (fd, name, 0755), ==, 0);
        if (i < 500)
            continue;
        next = openat (fd, name, O_PATH | O_DIRECTORY);
        close (fd);
        fd = next;
    }
    close (fd);
    g_assert_false (cgroup_remove (c, &many, NULL));
    g_assert_true (many);
    copy = cgroup_copy (c);
    cgroup_remove_many (copy);
    g_assert_true (cgroup_remove (c, &many, NULL));
    g_assert_false (many);
    g_assert_false (exists_anywhere (c->base));
    remove_partition ();
}

static void
test_delegate (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;

    if (!host_usable ())
        return;
    c = make ("delegate");
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
    remove_within (c, 1);
    remove_partition ();
}

/* After a daemon restart; what vanished meanwhile is no error. */
static void
test_open (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL, again = NULL, gone = NULL;
    g_auto (GStrv) paths = NULL;
    pid_t pid;

    if (!host_usable ())
        return;
    c = make ("open");
    paths = cgroup_paths (c);
    pid = start_guest (c);
    again = cgroup_open ((const char *const *) paths, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (again->hierarchies, ==, c->hierarchies);
    g_assert_true (cgroup_populated (again, NULL));
    cgroup_kill (again, NULL, &error);
    g_assert_no_error (error);
    assert_killed (pid);
    remove_within (again, 20000);
    gone = cgroup_open ((const char *const *) paths, &error);
    g_assert_no_error (error);
    g_assert_true (cgroup_kill (gone, NULL, NULL));
    g_assert_false (cgroup_populated (gone, NULL));
    g_assert_true (cgroup_remove (gone, NULL, NULL));
    remove_partition ();
}

static void
try_to_open (int fd)
{
    char verdict[2];

    raise (SIGSTOP);
    verdict[0] = open ("/dev/null", O_RDWR) >= 0 ? 'y' : 'n';
    verdict[1] = open ("/dev/full", O_RDWR) >= 0 ? 'y' : 'n';
    if (write (fd, verdict, 2) != 2)
        _exit (1);
}

/* In the controller's groups; stopped before it tries. */
static pid_t
start_opener (Cgroup *c, int *ret_fd)
{
    g_autoptr (GError) error = NULL;
    int answer[2];
    pid_t pid;

    g_assert_cmpint (pipe (answer), ==, 0);
    pid = start_child (c, FALSE, try_to_open, answer[1]);
    close (answer[1]);
    waitpid (pid, NULL, WUNTRACED);
    cgroup_add_controller (c, pid, &error);
    g_assert_no_error (error);
    *ret_fd = answer[0];
    return pid;
}

static void
check_devices (Cgroup *c, const CgroupDeviceRule *rules, guint n, const char *expected)
{
    g_autoptr (GError) error = NULL;
    char verdict[3] = "";
    pid_t pid;
    int fd;

    pid = start_opener (c, &fd);
    cgroup_set_devices (c, rules, n, &error);
    g_assert_no_error (error);
    kill (pid, SIGCONT);
    g_assert_cmpint (read (fd, verdict, 2), ==, 2);
    close (fd);
    waitpid (pid, NULL, 0);
    g_assert_cmpstr (verdict, ==, expected);
}

/* A list longer than a page: nothing of it is left when nothing is allowed. */
static void
check_many_devices (Cgroup *c)
{
    enum { MANY = 1000 };
    g_autofree CgroupDeviceRule *rules = g_new0 (CgroupDeviceRule, MANY);
    char text[CGROUP_TEXT_MAX];

    for (guint i = 0; i < MANY; i++)
        rules[i] = (CgroupDeviceRule) { 'c', 240, 1000 + i, "rwm" };
    g_assert_true (cgroup_set_devices (c, rules, MANY, NULL));
    g_assert_true (cgroup_set_devices (c, rules, 0, NULL));
    g_assert_cmpint (cgroup_read_try (cgroup_hierarchy (CGROUP_DEVICES), c->base, "", "devices.list", text), ==, 0);
    g_assert_cmpstr (text, ==, "");
}

static void
test_devices (void)
{
    static const CgroupDeviceRule rules[] = {
        { 'c', 1, 3, "rwm" }, { 'c', 136, -1, "rwm" }, { 'c', 1, 7, "r" }, { 'a', -1, -1, "m" },
    };
    static const CgroupDeviceRule more[] = { { 'c', 1, 3, "rwm" }, { 'c', 1, 7, "rw" } };
    g_autoptr (Cgroup) c = NULL;

    if (!host_usable ())
        return;
    c = make ("devices");
    check_devices (c, rules, G_N_ELEMENTS (rules), "yn");
    if (!cgroup_hierarchy (CGROUP_DEVICES)->v2) {
        char text[CGROUP_TEXT_MAX];

        cgroup_read_try (cgroup_hierarchy (CGROUP_DEVICES), c->base, "", "devices.list", text);
        g_assert_cmpstr (text, ==, "c 1:3 rwm\nc 136:* rwm\nc 1:7 r\nc *:* m\nb *:* m\n");
    }
    check_devices (c, more, G_N_ELEMENTS (more), "yy");
    check_devices (c, NULL, 0, "nn");
    check_devices (c, more, 1, "yn");
    if (!cgroup_hierarchy (CGROUP_DEVICES)->v2)
        check_many_devices (c);
    remove_within (c, 20000);
    remove_partition ();
}

/* The v2 program in a mounted v2 hierarchy, with or without controllers. */
static void
test_device_program (void)
{
    static const CgroupDeviceRule rules[] = {
        { 'c', 1, 3, "rw" }, { 'c', 136, -1, "rwm" }, { 'a', -1, -1, "m" }, { 'b', 8, 0, "r" },
    };
    static const CgroupDeviceRule more[] = { { 'c', 1, -1, "rw" } };
    struct bpf_insn program[CGROUP_DEVICE_INSNS (G_N_ELEMENTS (rules))];
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;
    CgroupHierarchy *h = NULL;

    g_assert_cmpuint (cgroup_device_program (rules, G_N_ELEMENTS (rules), program), <=,
                      G_N_ELEMENTS (program));
    if (!host_usable ())
        return;
    for (guint i = 0; i < cgroup_host.n; i++)
        if (cgroup_host.hierarchies[i].v2)
            h = &cgroup_host.hierarchies[i];
    if (!h) {
        g_test_skip ("no cgroup2 mount");
        return;
    }
    c = make ("program");
    for (guint round = 0; round < 3; round++) {
        const char *expected = round == 1 ? "yy" : round == 0 ? "yn" : "nn";
        char verdict[3] = "";
        pid_t pid;
        int fd;

        pid = start_opener (c, &fd);
        {
            g_autofree char *text = g_strdup_printf ("%d", pid);

            g_assert_cmpint (cgroup_write_try (h, c->base, "/guest", "cgroup.procs", text), ==, 0);
        }
        if (!cgroup_v2_set_devices (h, c, round == 0 ? rules : more, round == 0 ? 4 : round == 1 ? 1 : 0,
                                    &error)) {
            g_test_message ("%s", error->message);
            kill (pid, SIGKILL);
            waitpid (pid, NULL, 0);
            close (fd);
            g_test_skip ("no BPF here");
            break;
        }
        kill (pid, SIGCONT);
        g_assert_cmpint (read (fd, verdict, 2), ==, 2);
        close (fd);
        waitpid (pid, NULL, 0);
        g_assert_cmpstr (verdict, ==, expected);
    }
    remove_within (c, 20000);
    remove_partition ();
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

    if (!host_usable ())
        return;
    g_autoptr (Cgroup) keep = make ("keep");
    start = g_get_monotonic_time ();
    for (guint i = 0; i < rounds; i++) {
        char name[16];
        g_autoptr (Cgroup) c = NULL;

        g_snprintf (name, sizeof name, "cost%u", i);
        c = make (name);
        remove_within (c, 1);
    }
    g_test_message ("create + remove: %.3f ms",
                    (double) (g_get_monotonic_time () - start) / 1000 / rounds);
    remove_within (keep, 1);
    remove_partition ();
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    partition = g_strdup_printf ("/skep-test-%d", getpid ());
    g_test_add_func ("/cgroup/partition", test_partition);
    g_test_add_func ("/cgroup/shares", test_shares);
    g_test_add_func ("/cgroup/detect", test_detect);
    g_test_add_func ("/cgroup/create-remove", test_create_and_remove);
    g_test_add_func ("/cgroup/stale-busy", test_stale_and_busy);
    g_test_add_func ("/cgroup/missing-partition", test_missing_partition);
    g_test_add_func ("/cgroup/limits", test_limits);
    g_test_add_func ("/cgroup/freeze", test_freeze);
    g_test_add_func ("/cgroup/kill-nested", test_kill_nested);
    g_test_add_func ("/cgroup/kill-many", test_kill_many);
    g_test_add_func ("/cgroup/kill-beside", test_kill_beside);
    g_test_add_func ("/cgroup/remove-many", test_remove_many);
    g_test_add_func ("/cgroup/delegate", test_delegate);
    g_test_add_func ("/cgroup/open", test_open);
    g_test_add_func ("/cgroup/devices", test_devices);
    g_test_add_func ("/cgroup/device-program", test_device_program);
    g_test_add_func ("/cgroup/cost", test_cost);
    return g_test_run ();
}
