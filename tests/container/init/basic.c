/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container from plan to end, seen from inside, privileged and with a user namespace. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "util/fd.h"

static void
has (const char *text, const char *line)
{
    if (!strstr (text, line))
        g_error ("no \"%s\" in: %s", line, text);
}

static void
has_not (const char *text, const char *line)
{
    if (strstr (text, line))
        g_error ("\"%s\" in: %s", line, text);
}

static void
test_inside (gconstpointer mapped)
{
    Box *box = box_new (mapped != NULL);
    MonitorPacket exit_packet;
    g_autofree char *text = NULL;

    box_standard (box);
    box_mount (box, PLAN_MOUNT_NEW, "mqueue", "/dev/mqueue", "mqueue", "",
               PLAN_MF_NODEV | PLAN_MF_IN_GUEST_NS | PLAN_MF_CREATE_DIR);
    box_env (box, "container=lxc-libvirt");
    box_init (box, "pid", "ids", "tty", "env", "fds", "limits", "stat=/dev/null", "stat=/dev/console",
              "stat=/dev/bus/usb", "stat=/dev/pts/ptmx", "stat=/dev/pts", "stat=/dev/mqueue",
              "list=/dev", "cat=/proc/self/cgroup",
              "cat=/proc/self/mountinfo", "list=/", "write=/ro/file", "write=/proc/sys/net/ipv4/ip_forward",
              "write=/proc/sys/kernel/core_pattern", "touch=/tmp/mine", "caps", "exit=7", NULL);
    text = box_output (box, &exit_packet);
    g_test_message ("%s", text);
    has (text, "pid 1\n");
    has (text, "ids 0:0 groups\n");
    has (text, "tty /dev/console session 1 foreground 1\n");
    has (text, "env container=lxc-libvirt\n");
    has_not (text, "LISTEN_FDS");
    has (text, "fd 2 /dev/console\n");
    has_not (text, "fd 3 ");
    has (text, " host box\n");
    has (text, "stat /dev/null: 20666 0:0 dev 1:3\n");
    has (text, "stat /dev/console: 20620 0:5 dev 136:0\n");
    has (text, "stat /dev/bus/usb: 40755 0:0");
    /* the container's root's, not nobody's */
    has (text, "stat /dev/pts/ptmx: 20666 0:0");
    has (text, "stat /dev/pts: 40755 0:0");
    has (text, "stat /dev/mqueue: 41777 0:0");
    has (text, "list /dev: bus console fd mqueue null ptmx pts tty zero\n");
    has (text, "0::/\n");
    has (text, "list /: dev etc init proc ro run sys tmp\n");
    has (text, "write /ro/file: Read-only file system\n");
    has (text, "write /proc/sys/net/ipv4/ip_forward: opened\n");
    has (text, mapped ? "write /proc/sys/kernel/core_pattern: Permission denied\n"
                      : "write /proc/sys/kernel/core_pattern: Read-only file system\n");
    has (text, "touch /tmp/mine: made\n");
    has (text, "NoNewPrivs:\t0\n");
    g_assert_cmpuint (exit_packet.b, ==, EXIT_SHUTDOWN);
    g_assert_true (WIFEXITED ((int) exit_packet.a));
    g_assert_cmpint (WEXITSTATUS ((int) exit_packet.a), ==, 7);
    if (mapped) {
        struct stat st;
        g_autofree char *mine = box_path (box, "tmp/mine");

        /* the directory keeps the container's ids */
        g_assert_cmpint (stat (mine, &st), ==, 0);
        g_assert_cmpuint (st.st_uid, ==, 0);
    }
    box_free (box);
}

/* A group below ours in the hierarchy mounted at @mount; NULL where that is not to be had. */
static char *
make_group (const char *mount, const char *name)
{
    char *path = g_strdup_printf ("%s/skep-test-%d-%s", mount, getpid (), name);

    if (g_file_test (mount, G_FILE_TEST_IS_DIR) && g_mkdir (path, 0755) == 0)
        return path;
    g_free (path);
    return NULL;
}

static int
open_tasks (const char *group, const char *file)
{
    g_autofree char *path = g_build_filename (group, file, NULL);

    return open (path, O_WRONLY | O_CLOEXEC);
}

static gboolean
in_group (pid_t pid, const char *group)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/cgroup", pid), *text = NULL;
    g_autofree char *name = g_path_get_basename (group);

    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    return strstr (text, name) != NULL;
}

static void
remove_group (char *group)
{
    for (int i = 0; group && g_rmdir (group) < 0 && i < 6000; i++)
        g_usleep (10000);
    if (group)
        g_assert_false (g_file_test (group, G_FILE_TEST_EXISTS));
    g_free (group);
}

/* Init is born in its v2 group and has joined its v1 group before it sees anything; its cgroup
 * namespace begins there. */
static void
test_cgroups (gconstpointer mapped)
{
    const char *unified = g_file_test ("/sys/fs/cgroup/cgroup.procs", G_FILE_TEST_EXISTS)
        ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
    char *v2 = make_group (unified, "v2"), *v1 = make_group ("/sys/fs/cgroup/pids", "v1");
    char *own = make_group ("/sys/fs/cgroup/pids", "own");
    Box *box = box_new (mapped != NULL);
    g_autofree char *text = NULL;
    int monitor, console;
    Run run;

    box->v2_fd = v2 ? open (v2, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    box->v1_fd = v1 ? open_tasks (v1, "tasks") : -1;
    box->own_v1_fd = own ? open_tasks (own, "tasks") : -1;
    g_test_message ("v2 %s, v1 %s", v2 ? v2 : "none", v1 ? v1 : "none");
    box_standard (box);
    box_init (box, "cat=/proc/self/cgroup", "say=end", "pause", NULL);
    run = box_start (box, 0);
    box_expect_running (box, &run);
    monitor = monitor_connect (box, NULL);
    console = console_open (monitor, 0, 0);
    text = console_until (console, "end\n");
    has_not (text, "skep-test");
    has (text, "0::/\n");
    g_assert_true (!v2 || in_group (run.init, v2));
    g_assert_true (!v1 || in_group (run.init, v1));
    g_assert_true (!own || in_group (run.controller, own));
    g_assert_true (!v2 || !in_group (run.controller, v2));
    close (console);
    close (monitor);
    run_stop (box, &run);
    close (box->v2_fd);
    close (box->v1_fd);
    close (box->own_v1_fd);
    remove_group (v2);
    remove_group (v1);
    remove_group (own);
    box_free (box);
}

/* A group that cannot be joined is a failed start, not a container outside of its limits. */
static void
test_bad_cgroup (gconstpointer mapped)
{
    Box *box = box_new (mapped != NULL);

    box_standard (box);
    box_init (box, "pause", NULL);
    box->v1_fd = open ("/dev/full", O_WRONLY | O_CLOEXEC);
    box_expect_failed (box, STEP_CGROUP_JOIN, ENOSPC, NULL);
    close (box->v1_fd);
    box->v1_fd = -1;
    box->v2_fd = open ("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    box_expect_failed (box, STEP_CGROUP_JOIN, 0, NULL);
    close (box->v2_fd);
    box_free (box);
}

static int
oom_score_adj (pid_t pid)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/oom_score_adj", pid), *text = NULL;

    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    return atoi (text);
}

static gboolean
be_worth (int value)
{
    g_autofree char *text = g_strdup_printf ("%d", value);
    autofd int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write (fd, text, strlen (text)) > 0;
}

static void
oom_case (gboolean mapped, int own, int planned)
{
    Box *box = box_new (mapped);
    Run run;

    box_standard (box);
    box->plan.oom_score_adj = planned;
    box_init (box, "pause", NULL);
    run = box_start (box, 0);
    box_expect_running (box, &run);
    g_assert_cmpint (oom_score_adj (run.init), ==, planned);
    g_assert_cmpint (oom_score_adj (run.controller), ==, own);
    run_stop (box, &run);
    box_free (box);
}

/* The daemon is spared by the kernel's OOM killer, and its controllers with it; a container never is
 * unless its plan says so. */
static void
test_oom (gconstpointer mapped)
{
    int before = oom_score_adj (getpid ());
    int own = be_worth (-900) ? -900 : 500;     /* without CAP_SYS_RESOURCE one may only raise it */

    g_assert_true (be_worth (own));
    oom_case (mapped != NULL, own, 0);
    oom_case (mapped != NULL, own, 321);
    g_assert_true (be_worth (before));
}

int
main (int argc, char **argv)
{
    static const BoxTest tests[] = {
        { "inside", test_inside }, { "cgroups", test_cgroups }, { "oom", test_oom },
        { "bad-cgroup", test_bad_cgroup },
    };

    return box_tests_run (argc, argv, "basic", tests, G_N_ELEMENTS (tests));
}
