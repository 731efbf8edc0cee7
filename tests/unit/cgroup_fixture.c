/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup_fixture.h"
#include "util/error.h"

const char *
partition_name (void)
{
    static char name[32];

    g_snprintf (name, sizeof name, "/skep-test-%d", getpid ());
    return name;
}

gboolean
groups_usable (void)
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

Cgroup *
group_make (const char *name)
{
    g_autoptr (GError) error = NULL;
    Cgroup *c = cgroup_create (partition_name (), name, TRUE, &error);

    g_assert_no_error (error);
    g_assert_nonnull (c);
    return c;
}

gboolean
group_exists (const char *path)
{
    for (guint i = 0; i < cgroup_host.n; i++)
        if (faccessat (cgroup_host.hierarchies[i].fd, path, F_OK, 0) == 0)
            return TRUE;
    return FALSE;
}

void
group_remove (Cgroup *c, guint ms)
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
    g_assert_false (group_exists (c->base));
}

void
partition_remove (void)
{
    g_autofree char *path = cgroup_partition_path (partition_name ());

    for (guint i = 0; i < cgroup_host.n; i++) {
        if (cgroup_host.hierarchies[i].v2)
            cgroup_write_try (&cgroup_host.hierarchies[i], path + 1, "", "cgroup.subtree_control", "");
        unlinkat (cgroup_host.hierarchies[i].fd, path + 1, AT_REMOVEDIR);
    }
    g_assert_false (group_exists (path + 1));
}

pid_t
child_start (Cgroup *c, gboolean guest, void (*then) (int), int argument)
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
        prctl (PR_SET_PDEATHSIG, SIGKILL);
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
child_sleep (int unused)
{
    (void) unused;
    for (;;)
        pause ();
}

pid_t
child_start_guest (Cgroup *c)
{
    return child_start (c, TRUE, child_sleep, 0);
}

void
child_assert_killed (pid_t pid)
{
    int status;

    g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
    g_assert_true (WIFSIGNALED (status));
    g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
}
