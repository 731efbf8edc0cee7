/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "enter.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The cgroup, as the clients of libvirt find it: from /proc/ID/cgroup ---- */

/* Where the hierarchy with controller list @controllers ("" for v2) is mounted, or NULL. */
static char *
mount_of (const char *controllers)
{
    g_autofree char *text = NULL;
    g_auto (GStrv) line = NULL;

    if (!g_file_get_contents ("/proc/self/mounts", &text, NULL, NULL))
        return NULL;
    line = g_strsplit (text, "\n", -1);
    for (char **at = line; *at; at++) {
        g_auto (GStrv) field = g_strsplit (*at, " ", 5);
        g_auto (GStrv) option = NULL;
        g_auto (GStrv) wanted = g_strsplit (controllers, ",", -1);

        if (g_strv_length (field) < 4)
            continue;
        if (!*controllers && strcmp (field[2], "cgroup2") == 0)
            return g_strdup (field[1]);
        option = g_strsplit (field[3], ",", -1);
        if (*controllers && strcmp (field[2], "cgroup") == 0
            && g_strv_contains ((const char *const *) option, wanted[0]))
            return g_strdup (field[1]);
    }
    return NULL;
}

static gboolean
join_one (const char *controllers, const char *path, char **ret_why)
{
    g_autofree char *mount = mount_of (controllers);
    g_autofree char *procs = NULL;
    int fd;
    gboolean ok;

    if (!mount) /* not mounted here: nothing to join */
        return TRUE;
    procs = g_build_filename (mount, path, "cgroup.procs", NULL);
    fd = open (procs, O_WRONLY | O_CLOEXEC);
    ok = fd >= 0 && write (fd, "0", 1) == 1;
    if (!ok)
        *ret_why = g_strdup_printf ("cannot enter cgroup %s: %s", procs, g_strerror (errno));
    if (fd >= 0)
        close (fd);
    return ok;
}

static gboolean
join_cgroups (int id, char **ret_why)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/cgroup", id);
    g_autofree char *text = NULL;
    g_auto (GStrv) line = NULL;

    if (!g_file_get_contents (path, &text, NULL, NULL)) {
        *ret_why = g_strdup_printf ("cannot read %s: %s", path, g_strerror (errno));
        return FALSE;
    }
    line = g_strsplit (text, "\n", -1);
    for (char **at = line; *at; at++) {
        g_auto (GStrv) field = g_strsplit (*at, ":", 3);

        if (g_strv_length (field) == 3 && !join_one (field[1], field[2], ret_why))
            return FALSE;
    }
    return TRUE;
}

/* ---- The namespaces ---- */

/* Entering the user namespace that one is in already is an error of the kernel, not ours. */
static gboolean
join_namespaces (const int *fds, int n_fds, char **ret_why)
{
    for (int i = 0; i < n_fds; i++) {
        int type = ioctl (fds[i], NS_GET_NSTYPE);

        if (setns (fds[i], 0) < 0 && !(type == CLONE_NEWUSER && errno == EINVAL)) {
            *ret_why = g_strdup_printf ("cannot enter a namespace (type 0x%x): %s", (unsigned) type,
                                        g_strerror (errno));
            return FALSE;
        }
        if (type == CLONE_NEWUSER
            && (setgroups (0, NULL) < 0 || setgid (0) < 0 || setuid (0) < 0)) {
            *ret_why = g_strdup_printf ("cannot become the container's root: %s",
                                        g_strerror (errno));
            return FALSE;
        }
    }
    return TRUE;
}

/* Only descriptors 0, 1 and 2 are for the guest. */
static void
close_the_rest (void)
{
    close_range (3, ~0U, 0);
}

G_GNUC_NORETURN static void
exec_command (const char *const *argv)
{
    static const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
        "USER=root", "LOGNAME=root", "container=lxc-libvirt"
    };
    const char *term = getenv ("TERM");
    char *copy = term ? strdup (term) : NULL;

    clearenv ();
    for (unsigned i = 0; i < G_N_ELEMENTS (env); i++)
        putenv ((char *) env[i]);
    setenv ("TERM", copy ? copy : "linux", 1);
    signal (SIGPIPE, SIG_DFL);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (chdir ("/") == 0)
        execvp (argv[0], (char *const *) argv);
    dprintf (STDERR_FILENO, "error: cannot run '%s': %s\n", argv[0], strerror (errno));
    _exit (errno == ENOENT ? ENTER_NOT_FOUND : ENTER_NOT_EXECUTABLE);
}

static int
exit_code_of (pid_t pid)
{
    int status = 0;

    while (waitpid (pid, &status, 0) < 0)
        if (errno != EINTR)
            return ENTER_FAILED;
    return WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
}

/* The first child joins cgroup and namespaces; only a second one is inside the PID namespace. */
G_GNUC_NORETURN static void
first_child (int id, const int *fds, int n_fds, const char *const *argv)
{
    char *why = NULL;
    pid_t pid;

    if (!join_cgroups (id, &why) || !join_namespaces (fds, n_fds, &why)) {
        dprintf (STDERR_FILENO, "error: %s\n", why);
        _exit (ENTER_FAILED);
    }
    close_the_rest ();
    pid = fork ();
    if (pid == 0)
        exec_command (argv);
    if (pid < 0) {
        dprintf (STDERR_FILENO, "error: cannot fork: %s\n", strerror (errno));
        _exit (ENTER_FAILED);
    }
    _exit (exit_code_of (pid));
}

int
enter_run (int id, const int *fds, int n_fds, const char *const *argv, char **ret_why)
{
    pid_t pid;
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old_int, old_quit;
    int code;

    if (id <= 0) {
        *ret_why = g_strdup ("the domain is not running");
        return ENTER_FAILED;
    }
    /* Ctrl-C is for the command. */
    sigaction (SIGINT, &ignore, &old_int);
    sigaction (SIGQUIT, &ignore, &old_quit);
    pid = fork ();
    if (pid == 0) {
        sigaction (SIGINT, &old_int, NULL);
        sigaction (SIGQUIT, &old_quit, NULL);
        first_child (id, fds, n_fds, argv);
    }
    if (pid < 0)
        *ret_why = g_strdup_printf ("cannot fork: %s", g_strerror (errno));
    code = pid < 0 ? ENTER_FAILED : exit_code_of (pid);
    sigaction (SIGINT, &old_int, NULL);
    sigaction (SIGQUIT, &old_quit, NULL);
    return code;
}
