/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"

#define ANSWER_MS 60000
#define CONSOLE_SECONDS 120     /* a stuck client holds the console up for ten of them */

static pid_t
spawn_controller (Box *box, int plan, int start)
{
    const char *program = box->program ? box->program
        : g_getenv (box->fault ? "SKEP_TEST_CONTROLLER_FAULT" : "SKEP_TEST_CONTROLLER");
    g_autofree char *log = g_build_filename (box->dir, "log", NULL);
    char plan_number[16], start_number[16];
    pid_t pid;

    g_snprintf (plan_number, sizeof plan_number, "%d", plan);
    g_snprintf (start_number, sizeof start_number, "%d", start);
    pid = fork ();
    g_assert_cmpint (pid, >=, 0);
    if (pid > 0)
        return pid;
    /* a failing test must not leave containers behind */
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    /* the controller must cope with a caller's stray descriptors and directory */
    (void) open ("/", O_RDONLY | O_DIRECTORY);
    dup2 (open ("/dev/null", O_RDWR), 0);
    dup2 (open (log, O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
    dup2 (1, 2);
    fcntl (plan, F_SETFD, 0);
    fcntl (start, F_SETFD, 0);
    if (box->fault)
        g_setenv ("SKEP_TEST_FAULT", box->fault, TRUE);
    execl (program, "skep-controller", "--name", "box", "--plan-fd", plan_number, "--start-fd",
           start_number, NULL);
    _exit (127);
}

static gboolean
receive (int sock, MonitorPacket *packet)
{
    struct pollfd poller = { .fd = sock, .events = POLLIN };
    unsigned n = 0;

    memset (packet, 0, sizeof *packet);
    if (poll (&poller, 1, ANSWER_MS) != 1)
        g_error ("no answer from the controller");
    return fd_receive (sock, packet, sizeof *packet, NULL, &n) == sizeof *packet;
}

static void
answer_hello (Box *box, int sock)
{
    MonitorPacket packet = {
        .type = MONITOR_CGROUP, .flags = box->v2_fd >= 0, .b = box->v1_fd >= 0,
        .a = box->own_v1_fd >= 0,
    };
    int fds[3];
    unsigned n = 0;

    if (box->v2_fd >= 0)
        fds[n++] = box->v2_fd;
    if (box->v1_fd >= 0)
        fds[n++] = box->v1_fd;
    if (box->own_v1_fd >= 0)
        fds[n++] = box->own_v1_fd;
    (void) fd_send (sock, &packet, sizeof packet, fds, n);
}

/* The daemon "dies" some time after its own packet @type, while the controller is at work. */
static gboolean
stop_after (Run *run, unsigned stop_at, unsigned type)
{
    if (stop_at != type)
        return FALSE;
    g_usleep (100000);
    fd_close (&run->start);
    return TRUE;
}

Run
box_start (Box *box, unsigned stop_at)
{
    MonitorPacket packet;
    int pair[2], plan;
    gint64 began = g_get_monotonic_time ();
    Run run = { .start = -1 };

    box_fill_plan (box);
    plan = plan_to_memfd (&box->plan);
    /* how the seeds of tests/fuzz/plan are made */
    if (g_getenv ("SKEP_TEST_SAVE_PLAN")) {
        g_autofree char *bytes = NULL;
        g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", plan);
        gsize length;

        g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
        g_assert_true (g_file_set_contents (g_getenv ("SKEP_TEST_SAVE_PLAN"), bytes,
                                            (gssize) length, NULL));
    }
    g_assert_cmpint (plan, >=, 0);
    g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
    run.controller = spawn_controller (box, plan, pair[1]);
    close (plan);
    close (pair[1]);
    run.start = pair[0];
    while (receive (run.start, &packet)) {
        run.last = packet;
        if (packet.type == stop_at) {
            fd_close (&run.start);
            break;
        }
        if (packet.type == MONITOR_HELLO)
            answer_hello (box, run.start);
        if (packet.type == MONITOR_HELLO && stop_after (&run, stop_at, MONITOR_CGROUP))
            break;
        if (packet.type == MONITOR_INIT) {
            run.init = (pid_t) packet.a;
            packet = (MonitorPacket) { .type = MONITOR_CONTINUE };
            (void) fd_send (run.start, &packet, sizeof packet, NULL, 0);
            if (stop_after (&run, stop_at, MONITOR_CONTINUE))
                break;
        }
        if (packet.type == MONITOR_EXECED || packet.type == MONITOR_FAILED)
            break;
    }
    run.elapsed_us = (guint64) (g_get_monotonic_time () - began);
    return run;
}

void
run_wait (Run *run)
{
    int status;

    fd_close (&run->start);
    g_assert_cmpint (waitpid (run->controller, &status, 0), ==, run->controller);
    if (WIFSIGNALED (status))
        g_test_message ("the controller died of signal %d", WTERMSIG (status));
}

static void
show_log (Box *box)
{
    g_autofree char *path = g_build_filename (box->dir, "log", NULL), *log = NULL;

    (void) g_file_get_contents (path, &log, NULL, NULL);
    g_test_message ("log: %s", log ? log : "none");
}

void
box_expect_running (Box *box, Run *run)
{
    char text[600];

    monitor_describe (&run->last, text, sizeof text);
    if (run->last.type != MONITOR_EXECED) {
        show_log (box);
        g_error ("not running: type %u: %s", run->last.type, text);
    }
}

void
box_expect_failed (Box *box, unsigned step, int err, const char *object)
{
    Run run = box_start (box, 0);
    char text[600];

    run_wait (&run);
    monitor_describe (&run.last, text, sizeof text);
    g_test_message ("%s", text);
    if (run.last.type != MONITOR_FAILED)
        show_log (box);
    g_assert_cmpuint (run.last.type, ==, MONITOR_FAILED);
    g_assert_cmpuint (run.last.step, ==, step);
    if (err)
        g_assert_cmpint (run.last.err, ==, err);
    if (object && !strstr (run.last.object, object))
        g_error ("object \"%s\" lacks \"%s\"", run.last.object, object);
}

MonitorPacket
monitor_next (int monitor)
{
    MonitorPacket packet;

    if (!receive (monitor, &packet))
        packet.type = 0;
    return packet;
}

int
monitor_try_connect (Box *box, MonitorPacket *ret_state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    autofd int sock = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    MonitorPacket hello = { 0 }, state = { 0 };

    g_strlcpy (address.sun_path, box->plan.monitor_path, sizeof address.sun_path);
    if (connect (sock, (struct sockaddr *) &address, sizeof address) < 0)
        return -1;
    hello = monitor_next (sock);
    if (hello.type != 0)
        state = monitor_next (sock);
    if (state.type == 0)
        return -1;
    g_assert_cmpuint (hello.type, ==, MONITOR_HELLO);
    g_assert_cmpuint (hello.a, ==, MONITOR_VERSION);
    g_assert_cmpuint (state.type, ==, MONITOR_STATE);
    if (ret_state)
        *ret_state = state;
    return fd_steal (&sock);
}

int
monitor_connect (Box *box, MonitorPacket *ret_state)
{
    int sock = monitor_try_connect (box, ret_state);

    if (sock < 0) {
        show_log (box);
        g_error ("cannot connect to the controller: %s", g_strerror (errno));
    }
    return sock;
}

MonitorPacket
monitor_ask (int monitor, MonitorPacket request, const int *fd)
{
    static uint32_t serial;
    MonitorPacket answer;

    request.serial = ++serial;
    g_assert_cmpint (fd_send (monitor, &request, sizeof request, fd, fd ? 1 : 0), ==, 0);
    do
        answer = monitor_next (monitor);
    while (answer.type != 0 && answer.serial != request.serial);
    return answer;
}

int
console_open (int monitor, unsigned index, unsigned flags)
{
    MonitorPacket request = { .type = MONITOR_CONSOLE, .a = index, .flags = flags }, answer;
    int pair[2];

    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    answer = monitor_ask (monitor, request, &pair[1]);
    close (pair[1]);
    if (answer.type == MONITOR_DONE)
        return pair[0];
    close (pair[0]);
    errno = answer.err;
    return -1;
}

char *
console_until (int fd, const char *marker)
{
    GString *text = g_string_new (NULL);
    gint64 deadline = g_get_monotonic_time () + CONSOLE_SECONDS * G_USEC_PER_SEC;
    gsize length = marker ? strlen (marker) : 0, seen = 0;

    /* what was looked through is not looked through again: a flood is long */
    while (!marker || !strstr (text->str + seen, marker)) {
        struct pollfd poller = { .fd = fd, .events = POLLIN };
        gint64 left = (deadline - g_get_monotonic_time ()) / 1000;
        char bytes[4096];
        ssize_t n;

        if (left <= 0 || poll (&poller, 1, (int) left) != 1)
            break;
        n = read (fd, bytes, sizeof bytes);
        if (n <= 0)
            break;
        seen = text->len > length ? text->len - length : 0;
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] != '\r')
                g_string_append_c (text, bytes[i]);
        }
    }
    if (marker && !strstr (text->str, marker))
        g_error ("no \"%s\" in: %s", marker, text->str);
    return g_string_free (text, FALSE);
}

char *
box_output (Box *box, MonitorPacket *ret_exit)
{
    plan_arg wait = { .value = g_strdup ("gate") };
    MonitorPacket packet;
    char *text;
    int monitor, console;
    Run run;

    /* it waits for us to come to the console */
    g_array_insert_val (box->argv, 1, wait);
    run = box_start (box, 0);
    box_expect_running (box, &run);
    fd_close (&run.start);
    monitor = monitor_connect (box, NULL);
    console = console_open (monitor, 0, 0);
    g_assert_cmpint (console, >=, 0);
    g_assert_cmpint (write (console, "\n", 1), ==, 1);
    text = console_until (console, NULL);
    packet = monitor_next (monitor);
    g_assert_cmpuint (packet.type, ==, MONITOR_EXIT);
    if (ret_exit)
        *ret_exit = packet;
    close (console);
    close (monitor);
    run_wait (&run);
    return text;
}

void
run_stop (Box *box, Run *run)
{
    MonitorPacket packet;
    int monitor;

    fd_close (&run->start);
    monitor = monitor_connect (box, NULL);
    packet = monitor_ask (monitor, (MonitorPacket) { .type = MONITOR_STOP }, NULL);
    g_assert_cmpuint (packet.type, ==, MONITOR_DONE);
    packet = monitor_next (monitor);
    g_assert_cmpuint (packet.type, ==, MONITOR_EXIT);
    close (monitor);
    run_wait (run);
}

/* ---- the program */

void
private_namespaces (void)
{
    if (geteuid () != 0) {
        if (g_getenv ("MUST_WORK"))
            g_error ("needs root");
        exit (77);
    }
    if (unshare (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0
        || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        g_error ("no namespaces of our own");
    prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int
box_tests_run (int argc, char **argv, const char *suite, const BoxTest *tests, gsize n_tests)
{
    private_namespaces ();
    g_test_init (&argc, &argv, NULL);
    for (gsize i = 0; i < n_tests; i++) {
        g_autofree char *plain = g_strdup_printf ("/%s/%s/privileged", suite, tests[i].name);
        g_autofree char *mapped = g_strdup_printf ("/%s/%s/mapped", suite, tests[i].name);

        g_test_add_data_func (plain, NULL, tests[i].run);
        g_test_add_data_func (mapped, (gconstpointer) 1, tests[i].run);
    }
    return g_test_run ();
}
