/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "enter.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The container's init: the child of the controller that is process 1 of the PID namespace ---- */

/* A file of /proc/PID, through its directory, which stays that process's own. */
static char *
proc_text (int dir, const char *name)
{
    char buffer[8192];
    int fd = openat (dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read (fd, buffer, sizeof buffer);

    if (fd >= 0)
        close (fd);
    return got < 0 ? NULL : g_strndup (buffer, (gsize) got);
}

static gboolean
is_init (int dir)
{
    g_autofree char *status = proc_text (dir, "status");
    const char *line = status ? strstr (status, "\nNSpid:") : NULL;
    g_autofree char *pids = line ? g_strndup (line + 1, strcspn (line + 1, "\n")) : NULL;

    return pids && g_str_has_suffix (pids, "\t1");
}

/* The directory of init below /proc, or -1. @id is the controller's process, the domain's id. */
static int
open_init (int id, char **ret_why)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/task/%d/children", id, id);
    g_autofree char *text = NULL;
    g_auto (GStrv) child = NULL;

    if (g_file_get_contents (path, &text, NULL, NULL))
        child = g_strsplit (g_strstrip (text), " ", -1);
    for (char **at = child; at && *at; at++) {
        g_autofree char *name = g_strdup_printf ("/proc/%s", *at);
        int dir = open (name, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (dir >= 0 && is_init (dir))
            return dir;
        if (dir >= 0)
            close (dir);
    }
    *ret_why = g_strdup_printf ("cannot find the container's init below process %d", id);
    return -1;
}

/* ---- The cgroup: init's, which is below the container's own ---- */

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
open_one (const char *controllers, const char *path, GArray *groups, char **ret_why)
{
    g_autofree char *mount = mount_of (controllers);
    g_autofree char *procs = NULL;
    int fd;

    if (!mount) /* not mounted here: nothing to join */
        return TRUE;
    procs = g_build_filename (mount, path, "cgroup.procs", NULL);
    fd = open (procs, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        *ret_why = g_strdup_printf ("cannot open cgroup %s: %s", procs, g_strerror (errno));
        return FALSE;
    }
    g_array_append_val (groups, fd);
    return TRUE;
}

/* Opened from here, where the host's paths hold; the kernel asks for the rights of who opened them. */
static gboolean
open_cgroups (int init, GArray *groups, char **ret_why)
{
    g_autofree char *text = proc_text (init, "cgroup");
    g_auto (GStrv) line = NULL;

    if (!text) {
        *ret_why = g_strdup_printf ("cannot read the container's cgroups: %s", g_strerror (errno));
        return FALSE;
    }
    line = g_strsplit (text, "\n", -1);
    for (char **at = line; *at; at++) {
        g_auto (GStrv) field = g_strsplit (*at, ":", 3);

        if (g_strv_length (field) == 3 && !open_one (field[1], field[2], groups, ret_why))
            return FALSE;
    }
    return TRUE;
}

/* Only the process inside the PID namespace joins: one outside would be number 0 in the guest's list, at
 * which its systemd takes offence. */
static gboolean
join_cgroups (const GArray *groups)
{
    for (guint i = 0; i < groups->len; i++)
        if (write (g_array_index (groups, int, i), "0", 1) != 1)
            return FALSE;
    return TRUE;
}

/* ---- The namespaces ---- */

/* Is skep in the namespace of @fd already? What the container shares with the host is not entered:
 * behind a user namespace that would even be refused. */
static gboolean
is_ours (int fd, int type)
{
    static const struct {
        int type;
        const char *path;
    } own[] = {
        { CLONE_NEWUSER, "/proc/self/ns/user" },     { CLONE_NEWIPC, "/proc/self/ns/ipc" },
        { CLONE_NEWUTS, "/proc/self/ns/uts" },       { CLONE_NEWNET, "/proc/self/ns/net" },
        { CLONE_NEWPID, "/proc/self/ns/pid" },       { CLONE_NEWNS, "/proc/self/ns/mnt" },
        { CLONE_NEWCGROUP, "/proc/self/ns/cgroup" },
    };
    struct stat theirs, ours;

    for (unsigned i = 0; i < G_N_ELEMENTS (own); i++)
        if (own[i].type == type)
            return fstat (fd, &theirs) == 0 && stat (own[i].path, &ours) == 0
                && theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
    return FALSE;
}

static gboolean
join_namespace (int fd, gboolean *mapped, char **ret_why)
{
    int type = ioctl (fd, NS_GET_NSTYPE);

    if (is_ours (fd, type))
        return TRUE;
    if (setns (fd, 0) < 0) {
        *ret_why = g_strdup_printf ("cannot enter a namespace (type 0x%x): %s", (unsigned) type,
                                    g_strerror (errno));
        return FALSE;
    }
    *mapped |= type == CLONE_NEWUSER;
    return TRUE;
}

/* The daemon sends the user namespace first: the rights over the others come from it. It does not send
 * the cgroup namespace, which libvirt's clients do not expect: @cgroup is that. */
static gboolean
join_namespaces (const int *fds, int n_fds, int cgroup, char **ret_why)
{
    gboolean mapped = FALSE;

    for (int i = 0; i < n_fds; i++)
        if (!join_namespace (fds[i], &mapped, ret_why))
            return FALSE;
    if (!join_namespace (cgroup, &mapped, ret_why))
        return FALSE;
    if (mapped && (setgroups (0, NULL) < 0 || setgid (0) < 0 || setuid (0) < 0)) {
        *ret_why = g_strdup_printf ("cannot become the container's root: %s", g_strerror (errno));
        return FALSE;
    }
    return TRUE;
}

/* ---- Rights ---- */

typedef struct {
    uint64_t bounding;
    bool no_new_privs;
} Rights;

static uint64_t
status_number (const char *status, const char *field, unsigned base)
{
    const char *at = strstr (status, field);

    return at ? g_ascii_strtoull (at + strlen (field), NULL, base) : 0;
}

static gboolean
rights_of (int init, Rights *ret_rights, char **ret_why)
{
    g_autofree char *status = proc_text (init, "status");

    if (!status) {
        *ret_why = g_strdup_printf ("cannot read the rights of the container's init: %s",
                                    g_strerror (errno));
        return FALSE;
    }
    ret_rights->bounding = status_number (status, "\nCapBnd:\t", 16);
    ret_rights->no_new_privs = status_number (status, "\nNoNewPrivs:\t", 10) != 0;
    return TRUE;
}

/* After this an exec gives root the bounding set and nothing more. */
static gboolean
limit_rights (const Rights *rights)
{
    for (int cap = 0; prctl (PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (!(rights->bounding >> cap & 1) && prctl (PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return FALSE;
    prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return !rights->no_new_privs || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* ---- The copy of skep: from here on everything runs in it ---- */

/* @proc is the host's /proc: the container's could be anything. */
static gboolean
set_label (int proc, const char *label)
{
    int fd;
    gboolean ok;

    if (!*label)
        return TRUE;
    fd = openat (proc, "thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
    ok = fd >= 0 && write (fd, label, strlen (label)) == (ssize_t) strlen (label);
    if (fd >= 0)
        close (fd);
    return ok;
}

static void
make_environment (void)
{
    static const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
        "USER=root", "LOGNAME=root", "container=lxc-libvirt"
    };
    const char *term = getenv ("TERM");
    g_autofree char *copy = g_strdup (term ? term : "linux");

    clearenv ();
    for (unsigned i = 0; i < G_N_ELEMENTS (env); i++)
        putenv ((char *) env[i]);
    setenv ("TERM", copy, 1);
}

/* A pseudo-terminal of the container's own, when skep stands on one: the user's terminal itself must
 * not come into the container, where a process could type on it (TIOCSTI). -1: the container has no
 * devpts. What stands at that path is the container's word, so it is looked at before it is used. */
static int
open_pty (void)
{
    int master = open ("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct statfs fs;
    struct stat st;
    int unlock = 0;

    if (master >= 0 && fstatfs (master, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC
        && fstat (master, &st) == 0 && S_ISCHR (st.st_mode) && st.st_rdev == makedev (5, 2)
        && ioctl (master, TIOCSPTLCK, &unlock) == 0 && fcntl (master, F_SETFL, O_RDWR) == 0)
        return master;
    if (master >= 0)
        close (master);
    return -1;
}

/* Puts the pseudo-terminal in the place of the user's; pipes and files stay. */
static gboolean
use_pty (int master)
{
    gboolean terminal[3] = { isatty (0), isatty (1), isatty (2) };
    int slave = ioctl (master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (slave < 0 || setsid () < 0 || ioctl (slave, TIOCSCTTY, 0) < 0)
        return FALSE;
    for (int fd = 0; fd < 3; fd++)
        if (terminal[fd] && dup2 (slave, fd) < 0)
            return FALSE;
    return TRUE;
}

/* All descriptors but the first three and @kept, which is none of them. */
static void
close_others (int kept)
{
    if (kept > 3)
        close_range (3, (unsigned) kept - 1, 0);
    close_range ((unsigned) kept + 1, ~0U, 0);
}

/* Inside all namespaces. Order: the label needs /proc of the host, so it comes before its descriptor
 * is closed; rights go last, since nothing after them needs any. @parent is the end of a pipe whose other end the
 * parent alone has. */
G_GNUC_NORETURN static void
exec_command (const char *const *argv, const Rights *rights, int proc, const char *label,
              int master, int parent)
{
    struct pollfd gone = { .fd = parent };

    make_environment ();
    if (master >= 0 && !use_pty (master)) {
        dprintf (STDERR_FILENO, "error: cannot set the terminal up: %s\n", strerror (errno));
        _exit (ENTER_FAILED);
    }
    signal (SIGPIPE, SIG_DFL);
    if (!set_label (proc, label)) {
        dprintf (STDERR_FILENO, "error: cannot set the security label: %s\n", strerror (errno));
        _exit (ENTER_FAILED);
    }
    close_others (parent);
    if (chdir ("/") < 0 || !limit_rights (rights)) {
        dprintf (STDERR_FILENO, "error: cannot limit the command: %s\n", strerror (errno));
        _exit (ENTER_FAILED);
    }
    /* A change of rights takes the death signal away, so it is set here. The parent is outside this PID
     * namespace, and so is who inherits us: number 0 both. It gives up its descriptors before its children. */
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (poll (&gone, 1, 0) != 0)
        _exit (ENTER_FAILED);
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

static int
fail (const char *why)
{
    fprintf (stderr, "error: %s\n", why);
    return ENTER_FAILED;
}

/* Everything that needs the host's rights and its /proc comes before the first namespace. */
static gboolean
join (const EnterRequest *request, Rights *ret_rights, GArray *groups, char **ret_why)
{
    int init = open_init (request->id, ret_why);
    int cgroup = init < 0 ? -1 : openat (init, "ns/cgroup", O_RDONLY | O_CLOEXEC);
    gboolean ok;

    if (init >= 0 && cgroup < 0)
        *ret_why = g_strdup_printf ("cannot open the container's cgroup namespace: %s",
                                    g_strerror (errno));
    ok = cgroup >= 0 && rights_of (init, ret_rights, ret_why)
      && open_cgroups (init, groups, ret_why)
      && join_namespaces (request->fds, request->n_fds, cgroup, ret_why);
    if (cgroup >= 0)
        close (cgroup);
    if (init >= 0)
        close (init);
    return ok;
}

/* This process joins the namespaces; only its child is inside the PID namespace, and it alone
 * can be seen from there. */
static int
go_in (const EnterRequest *request)
{
    g_autofree char *why = NULL;
    g_autoptr (GArray) groups = g_array_new (FALSE, FALSE, sizeof (int));
    Rights rights = { 0 };
    int proc = open ("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int master = -1, parent[2];
    pid_t pid;

    prctl (PR_SET_DUMPABLE, 0);
    if (!join (request, &rights, groups, &why))
        return fail (why);
    /* Entering a user namespace takes the death signal away, so it is set behind it. */
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != request->parent)
        return ENTER_FAILED;
    for (int i = 0; i < request->n_fds; i++)
        close (request->fds[i]);
    if ((isatty (0) || isatty (1) || isatty (2)) && (master = open_pty ()) < 0)
        return fail (
            "the container has no /dev/pts: skep does not lend it the terminal it runs on; "
            "use pipes for input and output");
    if (pipe2 (parent, O_CLOEXEC) < 0 || (parent[0] = fcntl (parent[0], F_DUPFD_CLOEXEC, 3)) < 0)
        return fail ("cannot make a pipe");
    pid = fork ();
    if (pid == 0) {
        close (parent[1]);
        if (!join_cgroups (groups)) {
            dprintf (STDERR_FILENO, "error: cannot enter the container's cgroups: %s\n",
                     strerror (errno));
            _exit (ENTER_FAILED);
        }
        exec_command (request->argv, &rights, proc, request->label, master, parent[0]);
    }
    if (pid > 0 && master >= 0)
        terminal_relay (master, pid);
    return pid < 0 ? fail ("cannot fork") : exit_code_of (pid);
}

/* ---- Handing over: skep-enter PARENT ID FD,FD,... LABEL COMMAND... ---- */

#define COPY_NAME "skep-enter"

bool
enter_is_copy (int argc, char **argv)
{
    return argc > 0 && strcmp (argv[0], COPY_NAME) == 0;
}

int
enter_main (int argc, char **argv)
{
    g_auto (GStrv) number = NULL;
    g_autofree int *fds = NULL;
    EnterRequest request = { 0 };

    if (argc < 6)
        return fail (COPY_NAME " is a part of skep and of no use alone");
    number = g_strsplit (argv[3], ",", -1);
    fds = g_new0 (int, g_strv_length (number) + 1);
    for (char **at = number; *at && **at; at++)
        fds[request.n_fds++] = (int) g_ascii_strtoll (*at, NULL, 10);
    request.parent = (int) g_ascii_strtoll (argv[1], NULL, 10);
    request.id = (int) g_ascii_strtoll (argv[2], NULL, 10);
    request.fds = fds;
    request.label = argv[4];
    request.argv = (const char *const *) argv + 5;
    /* In the container's namespaces no library's exit work has any business. */
    _exit (go_in (&request));
}

/* This program in a memory file that nobody can change any more, or -1. */
static int
make_copy (void)
{
    int from = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int to = memfd_create ("skep", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ssize_t n = -1;

    while (from >= 0 && to >= 0 && (n = sendfile (to, from, NULL, 1 << 20)) > 0)
        ;
    if (from >= 0)
        close (from);
    if (n == 0
        && fcntl (to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
        return to;
    if (to >= 0)
        close (to);
    return -1;
}

G_GNUC_NORETURN static void
exec_copy (int copy, const EnterRequest *request)
{
    g_autoptr (GPtrArray) argv = g_ptr_array_new ();
    GString *fds = g_string_new (NULL);

    for (int i = 0; i < request->n_fds; i++) {
        g_string_append_printf (fds, i ? ",%d" : "%d", request->fds[i]);
        fcntl (request->fds[i], F_SETFD, 0);
    }
    g_ptr_array_add (argv, (char *) COPY_NAME);
    g_ptr_array_add (argv, g_strdup_printf ("%d", request->parent));
    g_ptr_array_add (argv, g_strdup_printf ("%d", request->id));
    g_ptr_array_add (argv, fds->str);
    g_ptr_array_add (argv, (char *) request->label);
    for (const char *const *at = request->argv; *at; at++)
        g_ptr_array_add (argv, (char *) *at);
    g_ptr_array_add (argv, NULL);
    fexecve (copy, (char *const *) argv->pdata, environ);
    _exit (fail ("cannot run the copy of skep"));
}

int
enter_run (const EnterRequest *request, char **ret_why)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old_int, old_quit;
    int copy = make_copy (), code;
    pid_t pid;

    if (request->id <= 0 || copy < 0) {
        *ret_why = request->id <= 0 ? g_strdup ("the domain is not running")
                                    : g_strdup_printf ("cannot copy skep: %s", g_strerror (errno));
        if (copy >= 0)
            close (copy);
        return ENTER_FAILED;
    }
    /* Ctrl-C is for the command. */
    sigaction (SIGINT, &ignore, &old_int);
    sigaction (SIGQUIT, &ignore, &old_quit);
    pid = fork ();
    if (pid == 0) {
        sigaction (SIGINT, &old_int, NULL);
        sigaction (SIGQUIT, &old_quit, NULL);
        exec_copy (copy, request);
    }
    if (pid < 0)
        *ret_why = g_strdup_printf ("cannot fork: %s", g_strerror (errno));
    code = pid < 0 ? ENTER_FAILED : exit_code_of (pid);
    sigaction (SIGINT, &old_int, NULL);
    sigaction (SIGQUIT, &old_quit, NULL);
    close (copy);
    return code;
}
