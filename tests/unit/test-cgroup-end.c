/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control groups with processes: frozen, killed and removed, however many a guest has made. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup_fixture.h"
#include "util/error.h"

/* Of one whose processes have been killed. */
static void
end_empty (Cgroup *c)
{
    g_assert_false (cgroup_populated (c, NULL));
    group_remove (c, 60000);
    partition_remove ();
}

static void
test_freeze (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;
    gboolean frozen = FALSE;
    pid_t pid;

    if (!groups_usable ())
        return;
    c = group_make ("freeze");
    pid = child_start_guest (c);
    cgroup_freeze (c, TRUE, &error);
    g_assert_no_error (error);
    for (guint i = 0; i < 60000 && !frozen; i++) {
        cgroup_frozen (c, &frozen, &error);
        g_assert_no_error (error);
        g_usleep (1000);
    }
    g_assert_true (frozen);
    /* a frozen container can be killed */
    cgroup_kill (c, NULL, &error);
    g_assert_no_error (error);
    child_assert_killed (pid);
    end_empty (c);
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

    if (!groups_usable ())
        return;
    c = group_make ("nested");
    core = cgroup_host.core;
    path = g_string_new (c->base);
    g_string_append (path, "/guest");
    for (guint i = 0; i < G_N_ELEMENTS (pids); i++) {
        g_autofree char *procs = NULL;
        g_autofree char *text = NULL;

        pids[i] = child_start_guest (c);
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
        child_assert_killed (pids[i]);
    end_empty (c);
}

/* The host as it would be without version 2, whose freezer is of version 1. */
static gboolean
use_v1_freezer (void)
{
    g_autofree char *mountinfo = NULL, *own = NULL, *rest = NULL;
    g_autoptr (GRegex) v2 = g_regex_new ("^.* - cgroup2 .*\n", G_REGEX_MULTILINE, 0, NULL);

    if (!groups_usable ())
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
    pid_t pid = child_start_guest (c);
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

    for (guint i = 0; i < 60000 && !cgroup_kill_many (copy); i++)
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
    c = group_make ("kill-many");
    guest = g_strconcat (c->base, "/guest", NULL);
    near = child_start_guest (c);
    deep = start_frozen (c, cgroup_host.core, guest, 400);
    g_assert_true (cgroup_populated (c, &many));    /* the one that is near */
    g_assert_false (many);
    g_assert_true (cgroup_kill (c, &many, NULL));
    g_assert_true (many);
    child_assert_killed (near);
    g_assert_true (cgroup_populated (c, &many));
    g_assert_true (many);
    g_assert_cmpint (waitpid (deep, NULL, WNOHANG), ==, 0);     /* frozen still */
    kill_until_empty (c);
    child_assert_killed (deep);
    g_assert_true (cgroup_populated (c, &many));    /* for all that one call can say */
    g_assert_true (many);
    {
        g_autoptr (Cgroup) copy = cgroup_copy (c);

        cgroup_remove_many (copy);
    }
    group_remove (c, 60000);
    partition_remove ();
}

/* The core is of version 2, the guest has frozen processes of its own in a freezer of version 1 beside it. */
static void
test_kill_beside (void)
{
    g_autoptr (Cgroup) c = NULL;
    g_autoptr (GError) error = NULL;
    CgroupHierarchy *freezer;
    pid_t pid;

    if (!groups_usable ())
        return;
    freezer = cgroup_hierarchy (CGROUP_FREEZER);
    if (!freezer || freezer == cgroup_host.core) {
        g_test_skip ("no freezer beside the core");
        return;
    }
    c = group_make ("beside");
    pid = start_frozen (c, freezer, c->base, 3);
    g_assert_true (cgroup_kill (c, NULL, &error));
    g_assert_no_error (error);
    child_assert_killed (pid);
    end_empty (c);
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

    if (!groups_usable ())
        return;
    h = cgroup_hierarchy (CGROUP_SYSTEMD);
    if (!h) {
        g_test_skip ("v2 bounds the number of nested groups itself");
        return;
    }
    c = group_make ("many");
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
    g_assert_false (group_exists (c->base));
    partition_remove ();
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/cgroup-end/freeze", test_freeze);
    g_test_add_func ("/cgroup-end/kill-nested", test_kill_nested);
    g_test_add_func ("/cgroup-end/kill-many", test_kill_many);
    g_test_add_func ("/cgroup-end/kill-beside", test_kill_beside);
    g_test_add_func ("/cgroup-end/remove-many", test_remove_many);
    return g_test_run ();
}
