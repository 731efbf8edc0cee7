/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * posix_spawn(3) is vfork-like in glibc (CLONE_VM | CLONE_VFORK): its price does not grow with the
 * daemon's memory, no code of ours runs in the child, and a failed exec comes back as its errno.
 * The pidfd is opened right after, while the process cannot have been reaped: nobody here waits for
 * "any child", so the number cannot have been reused.
 */
#include "util/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/lock.h"

#define SPAWN_OUTPUT_MAX (64 * 1024)
#define SPAWN_DEATH_MS 2000         /* of one that was killed */

static const char *const default_env[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
};

static void
close_all (GArray *fds)
{
    for (guint i = 0; i < fds->len; i++)
        close (g_array_index (fds, int, i));
    g_array_free (fds, TRUE);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (posix_spawn_file_actions_t, posix_spawn_file_actions_destroy)
typedef GArray FdArray;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdArray, close_all)

static gboolean
is_target (const SpawnArgs *args, int number)
{
    for (guint i = 0; i < args->n_fds; i++)
        if (args->fds[i].to == number)
            return TRUE;
    return FALSE;
}

/* Fills @actions. A source number that an earlier dup2 could overwrite is first copied above all
 * targets; the copies are owned by @copies. Everything not listed is closed. */
static int
plan_fds (const SpawnArgs *args, posix_spawn_file_actions_t *actions, GArray *copies)
{
    int last = 2, r = 0;

    for (guint i = 0; i < args->n_fds; i++)
        last = MAX (last, args->fds[i].to);
    for (guint i = 0; i < args->n_fds && r == 0; i++) {
        int from = args->fds[i].from;

        /* from == to is fine as it is: the dup2 action then clears close-on-exec */
        if (from != args->fds[i].to && from <= last) {
            from = fcntl (from, F_DUPFD_CLOEXEC, last + 1);
            if (from < 0)
                return errno;
            g_array_append_val (copies, from);
        }
        r = posix_spawn_file_actions_adddup2 (actions, from, args->fds[i].to);
    }
    for (int number = 0; number <= last && r == 0; number++) {
        if (is_target (args, number))
            continue;
        if (number <= 2)
            r = posix_spawn_file_actions_addopen (actions, number, "/dev/null", O_RDWR, 0);
        else
            r = posix_spawn_file_actions_addclose (actions, number);
    }
    return r ? r : posix_spawn_file_actions_addclosefrom_np (actions, last + 1);
}

/* What keeps the daemon from the OOM killer is not for a program that anybody may have written. */
static gboolean
is_spared (void)
{
    g_autofree char *text = NULL;

    return g_file_get_contents ("/proc/self/oom_score_adj", &text, NULL, NULL) && *text == '-';
}

/* The program is this one before it runs, so that nothing it starts is early enough to inherit. */
static GPtrArray *
plain_argv (const char *const *argv)
{
    static const char *const words[] = { "/bin/sh", "-c", "echo 0 >/proc/self/oom_score_adj; exec \"$@\"", "sh" };
    GPtrArray *full = g_ptr_array_new ();

    for (guint i = 0; i < G_N_ELEMENTS (words); i++)
        g_ptr_array_add (full, (gpointer) words[i]);
    for (; *argv; argv++)
        g_ptr_array_add (full, (gpointer) *argv);
    g_ptr_array_add (full, NULL);
    return full;
}

static int
spawn_process (const SpawnArgs *args, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions_store;
    g_autoptr (posix_spawn_file_actions_t) actions = NULL;
    g_autoptr (FdArray) copies = g_array_new (FALSE, FALSE, sizeof (int));
    const char *const *envp = args->envp ? args->envp : default_env;
    g_autoptr (GPtrArray) plain = args->plain_oom && is_spared () ? plain_argv (args->argv) : NULL;
    const char *const *argv = plain ? (const char *const *) plain->pdata : args->argv;
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    posix_spawnattr_t attr;
    sigset_t set;
    int r;

    r = posix_spawn_file_actions_init (&actions_store);
    if (r)
        return r;
    actions = &actions_store;
    r = plan_fds (args, actions, copies);
    if (r)
        return r;
    r = posix_spawnattr_init (&attr);
    if (r)
        return r;
    if (args->new_session)
        flags |= POSIX_SPAWN_SETSID;
    posix_spawnattr_setflags (&attr, flags);
    sigemptyset (&set);
    posix_spawnattr_setsigmask (&attr, &set);
    sigfillset (&set);
    posix_spawnattr_setsigdefault (&attr, &set);
    r = posix_spawn (ret_pid, args->path ? args->path : argv[0], actions, &attr, (char *const *) argv,
                     (char *const *) envp);
    posix_spawnattr_destroy (&attr);
    return r;
}

gboolean
spawn_start (const SpawnArgs *args, pid_t *ret_pid, int *ret_pidfd, GError **error)
{
    pid_t pid;
    int pidfd, r = spawn_process (args, &pid);

    if (r)
        return error_set_errno (error, r, "cannot execute binary %s", args->argv[0]);
    pidfd = pidfd_of (pid);
    if (pidfd < 0) {
        int saved = errno;

        kill (pid, SIGKILL);
        while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        return error_set_errno (error, saved, "cannot open a pidfd for %s", args->argv[0]);
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return TRUE;
}

typedef struct {
    pid_t pid;
    int pidfd;
    SpawnDone done;
    gpointer data;
} SpawnWatch;

static void
spawn_watch_free (gpointer data)
{
    SpawnWatch *watch = data;

    close (watch->pidfd);
    g_free (watch);
}

static gboolean
spawn_ended (gint fd, GIOCondition condition, gpointer data)
{
    SpawnWatch *watch = data;
    int status = -1;
    pid_t r;

    (void) fd;
    (void) condition;
    do
        r = waitpid (watch->pid, &status, WNOHANG);
    while (r < 0 && errno == EINTR);
    if (r == 0)
        return G_SOURCE_CONTINUE;
    watch->done (watch->pid, r < 0 ? -1 : status, watch->data);
    return G_SOURCE_REMOVE;
}

guint
spawn_watch (pid_t pid, int pidfd, SpawnDone done, gpointer data)
{
    SpawnWatch *watch = g_new0 (SpawnWatch, 1);

    watch->pid = pid;
    watch->pidfd = pidfd;
    watch->done = done;
    watch->data = data;
    return g_unix_fd_add_full (G_PRIORITY_DEFAULT, pidfd, G_IO_IN, spawn_ended, watch,
                               spawn_watch_free);
}

/* ---- those that do not die */

static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *left_behind;            /* SpawnArgs.whose -> how many; under left_lock */

static guint
left_count (const char *whose, int change)
{
    autolock pthread_mutex_t *held = lock_take (&left_lock);
    guint count;

    if (!whose)
        return 0;
    if (!left_behind)
        left_behind = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    count = GPOINTER_TO_UINT (g_hash_table_lookup (left_behind, whose)) + (guint) change;
    if (change && count > 0)
        g_hash_table_insert (left_behind, g_strdup (whose), GUINT_TO_POINTER (count));
    else if (change)
        g_hash_table_remove (left_behind, whose);
    return count;
}

static void
left_ended (pid_t pid, int wait_status, gpointer data)
{
    (void) pid;
    (void) wait_status;
    left_count (data, -1);
    g_free (data);
}

/* FALSE: killed, and still there after a while. */
static gboolean
kill_and_wait (int pidfd)
{
    gint64 deadline = g_get_monotonic_time () + SPAWN_DEATH_MS * 1000;
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };
    int r;

    pidfd_signal (pidfd, SIGKILL);
    do
        r = poll (&ended, 1, (int) (MAX (deadline - g_get_monotonic_time (), 0) / 1000));
    while (r < 0 && errno == EINTR);
    return r != 0;
}

/* ---- running to the end */

/* The input as a file: no pipe that could block or raise SIGPIPE. */
static int
input_file (const char *input)
{
    autofd int fd = memfd_create ("input", MFD_CLOEXEC);

    if (fd < 0 || fd_write_all (fd, input, strlen (input)) < 0 || lseek (fd, 0, SEEK_SET) < 0)
        return -1;
    return fd_steal (&fd);
}

/* Takes what is there; what is beyond the limit is thrown away, so that the program never blocks. */
static void
collect (int *fd, GString *text)
{
    char chunk[4096];

    for (;;) {
        ssize_t n = read (*fd, chunk, sizeof chunk);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            fd_close (fd);
            return;
        }
        g_string_append_len (text, chunk, MIN (n, (gssize) (SPAWN_OUTPUT_MAX - text->len)));
    }
}

typedef enum { RUN_ENDED, RUN_LATE, RUN_CANCELLED } RunEnd;

/* Until the process ends; descendants that keep the pipes open are not waited for. @cancel -1: none. */
static RunEnd
collect_until_end (int pidfd, int cancel, int *out, int *err, GString *out_text, GString *err_text,
                   guint deadline_ms)
{
    gint64 deadline = g_get_monotonic_time () + (gint64) deadline_ms * 1000;

    for (;;) {
        struct pollfd polls[4] = {
            { .fd = pidfd, .events = POLLIN },
            { .fd = *out, .events = POLLIN },
            { .fd = *err, .events = POLLIN },
            { .fd = cancel, .events = POLLIN },
        };
        gint64 left = deadline - g_get_monotonic_time ();

        if (left <= 0 || (poll (polls, 4, (int) (left / 1000) + 1) < 0 && errno != EINTR))
            return RUN_LATE;
        if (*out >= 0)
            collect (out, out_text);
        if (*err >= 0)
            collect (err, err_text);
        if (polls[0].revents)
            return RUN_ENDED;
        if (polls[3].revents)
            return RUN_CANCELLED;
    }
}

static gboolean
make_pipe (int *ret_read, int *ret_write)
{
    int fds[2];

    if (pipe2 (fds, O_CLOEXEC) < 0)
        return FALSE;
    *ret_read = fds[0];
    *ret_write = fds[1];
    /* our end only: the program expects ordinary blocking output */
    return fcntl (fds[0], F_SETFL, O_NONBLOCK) == 0;
}

static gboolean
run_collecting (const SpawnArgs *args, const char *input, guint deadline_ms, int *ret_status,
                GString *out_text, GString *err_text, GError **error)
{
    autofd int in = -1, out = -1, out_far = -1, err = -1, err_far = -1, pidfd = -1;
    g_autofree SpawnFd *fds = g_new (SpawnFd, args->n_fds + 3);
    SpawnArgs full = *args;
    RunEnd end;
    int status = 0;
    pid_t pid;

    if (left_count (args->whose, 0) >= SPAWN_LEFT_MAX)
        return error_set (error, ERR_OPERATION_TIMEOUT, "%s did not end when it was killed the last times",
                          args->argv[0]);
    if ((input && (in = input_file (input)) < 0) || !make_pipe (&out, &out_far)
        || !make_pipe (&err, &err_far))
        return error_set_errno (error, errno, "cannot make pipes for %s", args->argv[0]);
    if (args->n_fds > 0)
        memcpy (fds, args->fds, args->n_fds * sizeof *fds);
    full.fds = fds;
    fds[full.n_fds++] = (SpawnFd) { out_far, 1 };
    fds[full.n_fds++] = (SpawnFd) { err_far, 2 };
    if (input)
        fds[full.n_fds++] = (SpawnFd) { in, 0 };
    if (!spawn_start (&full, &pid, &pidfd, error))
        return FALSE;
    fd_close (&out_far);
    fd_close (&err_far);
    end = collect_until_end (pidfd, args->cancel > 0 ? args->cancel : -1, &out, &err, out_text, err_text, deadline_ms);
    if (end != RUN_ENDED && !kill_and_wait (pidfd)) {
        left_count (args->whose, 1);
        spawn_watch (pid, fd_steal (&pidfd), left_ended, g_strdup (args->whose));
        return error_set (error, ERR_OPERATION_TIMEOUT, "%s did not end within %u ms, nor when it was killed",
                          args->argv[0], deadline_ms);
    }
    while (waitpid (pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_set_errno (error, errno, "cannot wait for %s", args->argv[0]);
    if (end == RUN_CANCELLED)
        return error_set (error, ERR_OPERATION_ABORTED, "%s was ended", args->argv[0]);
    if (end == RUN_LATE)
        return error_set (error, ERR_OPERATION_TIMEOUT, "%s did not end within %u ms",
                          args->argv[0], deadline_ms);
    *ret_status = status;
    return TRUE;
}

gboolean
spawn_run (const SpawnArgs *args, const char *input, guint deadline_ms, int *ret_status,
           char **ret_out, char **ret_err, GError **error)
{
    GString *out = g_string_new (NULL), *err = g_string_new (NULL);
    int status = 0;
    gboolean ok = run_collecting (args, input, deadline_ms, &status, out, err, error);

    if (ok && ret_status)
        *ret_status = status;
    if (ok && ret_out)
        *ret_out = g_string_free (g_steal_pointer (&out), FALSE);
    if (ok && ret_err)
        *ret_err = g_string_free (g_steal_pointer (&err), FALSE);
    if (out)
        g_string_free (out, TRUE);
    if (err)
        g_string_free (err, TRUE);
    return ok;
}
