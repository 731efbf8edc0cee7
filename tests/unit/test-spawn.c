/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/spawn.h"

#define SHELL(script) (const char *const[]) { "/bin/sh", "-c", (script), NULL }

static void
test_output (void)
{
    SpawnArgs args = { .argv = SHELL ("cat; echo err >&2; exit 3") };
    g_autoptr (GError) error = NULL;
    g_autofree char *out = NULL, *err = NULL;
    int status;

    g_assert_true (spawn_run (&args, "in put", 60000, &status, &out, &err, &error));
    g_assert_cmpstr (out, ==, "in put");
    g_assert_cmpstr (err, ==, "err\n");
    g_assert_true (WIFEXITED (status));
    g_assert_cmpint (WEXITSTATUS (status), ==, 3);
}

/* More than is kept: the program still ends, the rest is thrown away. */
static void
test_much_output (void)
{
    SpawnArgs args = { .argv = SHELL ("head -c 1000000 /dev/zero | tr '\\0' x") };
    g_autofree char *out = NULL;
    int status;

    g_assert_true (spawn_run (&args, NULL, 60000, &status, &out, NULL, NULL));
    g_assert_cmpuint (strlen (out), ==, 65536);
    g_assert_cmpint (status, ==, 0);
}

static void
test_deadline (void)
{
    SpawnArgs args = { .argv = SHELL ("exec sleep 600") };
    g_autoptr (GError) error = NULL;
    gint64 start = g_get_monotonic_time ();

    g_assert_false (spawn_run (&args, NULL, 100, NULL, NULL, NULL, &error));
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_TIMEOUT);
    g_assert_cmpint (g_get_monotonic_time () - start, <, 300 * G_USEC_PER_SEC);
}

/* A descendant that keeps stdout open is not waited for. */
static void
test_descendant (void)
{
    SpawnArgs args = { .argv = SHELL ("sleep 1000 & echo $!") };
    g_autofree char *out = NULL;
    pid_t pid;

    g_assert_true (spawn_run (&args, NULL, 500000, NULL, &out, NULL, NULL));
    pid = (pid_t) g_ascii_strtoll (out, NULL, 10);
    g_assert_cmpint (pid, >, 1);
    g_assert_cmpint (kill (pid, SIGKILL), ==, 0);       /* it was there still */
}

static void
test_missing (void)
{
    SpawnArgs args = { .argv = (const char *const[]) { "/nonexistent/x", NULL } };
    g_autoptr (GError) error = NULL;
    int pidfd = -7;
    pid_t pid = -7;

    g_assert_false (spawn_start (&args, &pid, &pidfd, &error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_assert_cmpint (error_errno (error), ==, ENOENT);
    g_assert_cmpstr (error->message, ==, "cannot execute binary /nonexistent/x: No such file or directory");
    g_assert_cmpint (pid, ==, -7);
    g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);  /* nothing left to reap */
}

static int
marked_pipe (const char *text, int *ret_write)
{
    int fds[2];

    g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
    g_assert_cmpint (write (fds[1], text, strlen (text)), ==, strlen (text));
    *ret_write = fds[1];
    return fds[0];
}

/* Numbers that cross each other, one that stays, one that is not listed. */
static void
test_renumber (void)
{
    int a_write, b_write, c_write, d_write;
    int a = marked_pipe ("a", &a_write), b = marked_pipe ("b", &b_write);
    int c = marked_pipe ("c", &c_write), d = marked_pipe ("d", &d_write);
    SpawnFd fds[] = { { a, b }, { b, a }, { c, c } };
    g_autofree char *script = g_strdup_printf (
        "head -c1 <&%d; head -c1 <&%d; head -c1 <&%d; ls /proc/self/fd | wc -l;"
        " { true <&%d; } 2>/dev/null || echo closed", b, a, c, d);
    SpawnArgs args = { .argv = SHELL (script), .fds = fds, .n_fds = G_N_ELEMENTS (fds) };
    g_autofree char *out = NULL;
    int stray = open ("/dev/null", O_RDONLY);   /* not even close-on-exec */

    g_assert_true (spawn_run (&args, NULL, 60000, NULL, &out, NULL, NULL));
    /* 0, 1, 2, three of ours and the directory that ls reads */
    g_assert_cmpstr (out, ==, "abc7\nclosed\n");
    for (guint i = 0; i < 4; i++) {
        close ((int[]) { a, b, c, d }[i]);
        close ((int[]) { a_write, b_write, c_write, d_write }[i]);
    }
    close (stray);
}

/* Blocked and ignored signals of ours do not reach the program; nor does our environment. */
static void
test_clean_start (void)
{
    SpawnArgs args = { .argv = SHELL ("grep -E '^Sig(Blk|Ign)' /proc/self/status; echo $SKEP_X-$PATH; ps -o sid= $$") };
    g_autofree char *out = NULL, *err = NULL;
    sigset_t set, old;

    g_setenv ("SKEP_X", "secret", TRUE);
    signal (SIGPIPE, SIG_IGN);
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigprocmask (SIG_BLOCK, &set, &old);
    g_assert_true (spawn_run (&args, NULL, 60000, NULL, &out, &err, NULL));
    sigprocmask (SIG_SETMASK, &old, NULL);
    signal (SIGPIPE, SIG_DFL);
    g_assert_nonnull (strstr (out, "SigBlk:\t0000000000000000\n"));
    /* not compared as a whole: 32 and 33 are the C library's own, as our parent left them */
    g_assert_cmphex (g_ascii_strtoull (strstr (out, "SigIgn:\t") + 8, NULL, 16) & 0x7fffffff, ==, 0);
    g_assert_nonnull (strstr (out, "\n-/usr/local/sbin:"));
}

typedef struct {
    GMainLoop *loop;
    pid_t pid;
    int status;
    guint calls;
} Watched;

static void
on_end (pid_t pid, int status, gpointer data)
{
    Watched *watched = data;

    watched->pid = pid;
    watched->status = status;
    watched->calls++;
    g_main_loop_quit (watched->loop);
}

static void
test_watch (void)
{
    SpawnArgs args = { .argv = SHELL ("kill -9 $$"), .new_session = TRUE };
    Watched watched = { .loop = g_main_loop_new (NULL, FALSE) };
    g_autoptr (GError) error = NULL;
    int pidfd;
    pid_t pid;

    g_assert_true (spawn_start (&args, &pid, &pidfd, &error));
    g_assert_cmpint (fcntl (pidfd, F_GETFD) & FD_CLOEXEC, !=, 0);
    g_assert_cmpint (getsid (pid), ==, pid);
    spawn_watch (pid, pidfd, on_end, &watched);
    g_main_loop_run (watched.loop);
    g_assert_cmpuint (watched.calls, ==, 1);
    g_assert_cmpint (watched.pid, ==, pid);
    g_assert_true (WIFSIGNALED (watched.status));
    g_assert_cmpint (fcntl (pidfd, F_GETFD), ==, -1);   /* closed */
    g_assert_cmpint (kill (pid, 0), ==, -1);            /* reaped */
    g_main_loop_unref (watched.loop);
}

static void
test_path (void)
{
    SpawnArgs args = { .argv = (const char *const[]) { "other-name", "-c", "echo $0", NULL }, .path = "/bin/sh" };
    g_autofree char *out = NULL;

    g_assert_true (spawn_run (&args, NULL, 60000, NULL, &out, NULL, NULL));
    g_assert_cmpstr (out, ==, "other-name\n");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/spawn/output", test_output);
    g_test_add_func ("/spawn/much-output", test_much_output);
    g_test_add_func ("/spawn/deadline", test_deadline);
    g_test_add_func ("/spawn/descendant", test_descendant);
    g_test_add_func ("/spawn/missing", test_missing);
    g_test_add_func ("/spawn/renumber", test_renumber);
    g_test_add_func ("/spawn/clean-start", test_clean_start);
    g_test_add_func ("/spawn/watch", test_watch);
    g_test_add_func ("/spawn/path", test_path);
    return g_test_run ();
}
