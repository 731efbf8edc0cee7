/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* After the start: exits of every kind, consoles, daemons that come and go; orderly stops are in halt.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "life.h"
#include "util/fd.h"

Life
life_new (gboolean mapped)
{
    Life life = { .box = box_new (mapped), .monitor = -1 };

    box_standard (life.box);
    return life;
}

void
life_start (Life *life)
{
    life->run = box_start (life->box, 0);
    box_expect_running (life->box, &life->run);
    fd_close (&life->run.start);
    life->monitor = monitor_connect (life->box, NULL);
}

MonitorPacket
life_end (Life *life)
{
    MonitorPacket packet = monitor_next (life->monitor);

    g_assert_cmpuint (packet.type, ==, MONITOR_EXIT);
    close (life->monitor);
    run_wait (&life->run);
    box_free (life->box);
    return packet;
}

static void
test_exits (gconstpointer data)
{
    gboolean mapped = data != NULL;
    MonitorPacket packet;
    Life life;

    life = life_new (mapped);
    box_init (life.box, "hang", "exit=3", NULL);
    life_start (&life);
    packet = life_end (&life);
    g_assert_cmpuint (packet.b, ==, EXIT_SHUTDOWN);
    g_assert_cmpint (WEXITSTATUS ((int) packet.a), ==, 3);

    life = life_new (mapped);
    box_init (life.box, "reboot", "pause", NULL);
    life_start (&life);
    packet = life_end (&life);
    g_assert_cmpuint (packet.b, ==, EXIT_REBOOT);

    life = life_new (mapped);
    box_init (life.box, "poweroff", "pause", NULL);
    life_start (&life);
    packet = life_end (&life);
    g_assert_cmpuint (packet.b, ==, EXIT_POWEROFF);

    /* killed from outside: not a reboot */
    life = life_new (mapped);
    box_init (life.box, "hang", "pause", NULL);
    life_start (&life);
    kill (life.run.init, SIGHUP);
    kill (life.run.init, SIGINT);
    kill (life.run.init, SIGKILL);
    packet = life_end (&life);
    g_assert_cmpuint (packet.b, ==, EXIT_SHUTDOWN);
    g_assert_true (WIFSIGNALED ((int) packet.a) && WTERMSIG ((int) packet.a) == SIGKILL);
}

/* --- consoles --- */

static void
test_replay (gconstpointer data)
{
    Life life = life_new (data != NULL);
    g_autofree char *first = NULL, *second = NULL, *third = NULL;
    int one, two;

    box_init (life.box, "say=hello there", "echo", "say=bye", "pause", NULL);
    life_start (&life);
    one = console_open (life.monitor, 0, 0);
    first = console_until (one, "hello there\n");
    /* a second client gets the same from the start */
    two = console_open (life.monitor, 0, 0);
    second = console_until (two, "hello there\n");
    g_assert_cmpint (write (two, "typed\n", 6), ==, 6);
    g_free (console_until (one, "bye\n"));
    g_free (console_until (two, "bye\n"));
    /* exclusive: refused while somebody is there; forced: everybody else is thrown out */
    g_assert_cmpint (console_open (life.monitor, 0, MONITOR_CONSOLE_SAFE), ==, -1);
    g_assert_cmpint (errno, ==, EBUSY);
    g_assert_cmpint (console_open (life.monitor, 7, 0), ==, -1);
    g_assert_cmpint (errno, ==, ENODEV);
    close (two);
    two = console_open (life.monitor, 0, MONITOR_CONSOLE_FORCE);
    g_assert_cmpint (two, >=, 0);
    g_assert_cmpint (read (one, &(char) { 0 }, 1), ==, 0);
    close (one);
    third = console_until (two, "bye\n");
    g_assert_nonnull (strstr (third, "echo typed\n"));
    close (two);
    run_stop (life.box, &life.run);
    close (life.monitor);
    box_free (life.box);
}

static glong
cpu_ticks (pid_t pid)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid), *text = NULL;
    g_auto (GStrv) fields = NULL;

    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    fields = g_strsplit (text, " ", -1);
    return atol (fields[13]) + atol (fields[14]);
}

static glong
resident_kib (pid_t pid)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/smaps_rollup", pid), *text = NULL;
    const char *at;

    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    at = strstr (text, "Private_Dirty:");
    return atol (at + strlen ("Private_Dirty:"));
}

/* B14: nobody reads, then, in one of the two runs since the container waits for them for a while, somebody who never
 * reads; the container goes on, memory stays. */
static void
test_flood (gconstpointer data)
{
    Life life = life_new (data != NULL);
    g_autofree char *text = NULL;
    glong before;
    int stuck = -1, reader;

    box_init (life.box, "flood=4000000", "sleep=100", "flood=4000000", "say=done", "pause", NULL);
    life_start (&life);
    if (data)
        stuck = console_open (life.monitor, 0, 0);
    before = resident_kib (life.run.controller);
    reader = console_open (life.monitor, 0, 0);
    text = console_until (reader, "done\n");
    g_assert_cmpint (resident_kib (life.run.controller), <, before + 200);
    if (stuck >= 0)
        close (stuck);
    close (reader);
    /* what the ring holds: the last 64 KiB, from the beginning of a line */
    reader = console_open (life.monitor, 0, 0);
    g_free (text);
    text = console_until (reader, "done\n");
    g_assert_cmpuint (strlen (text), <=, 65536);
    g_assert_cmpuint (strlen (text), >, 60000);
    g_assert_cmpint (text[0], ==, 'x');
    g_assert_cmpint (text[98], ==, 'x');
    g_assert_cmpint (text[99], ==, '\n');
    close (reader);
    run_stop (life.box, &life.run);
    close (life.monitor);
    box_free (life.box);
}

/* A getty closes, hangs up and opens the terminal again: no loss of the console, no busy loop. */
static void
test_reopen (gconstpointer data)
{
    Life life = life_new (data != NULL);
    glong before;
    int console;

    box_init (life.box, "say=one", "reopen", "say=two", "echo", "pause", NULL);
    life_start (&life);
    console = console_open (life.monitor, 0, 0);
    before = cpu_ticks (life.run.controller);
    g_free (console_until (console, "two\n"));
    g_assert_cmpint (write (console, "again\n", 6), ==, 6);
    g_free (console_until (console, "echo again\n"));
    /* a busy loop would have used all of the 300 ms */
    g_assert_cmpint (cpu_ticks (life.run.controller) - before, <, 15);
    close (console);
    run_stop (life.box, &life.run);
    close (life.monitor);
    box_free (life.box);
}

/* A container that floods its console, whose log at @path may have so many bytes: to its end. */
static void
flood_log (Life *life, const char *path, guint64 max)
{
    plan_console *console = &g_array_index (life->box->consoles, plan_console, 0);
    int reader;

    g_free (console->log_path);
    console->log_path = g_strdup (path);
    console->log_fd = open (path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    console->log_max = max;
    box_init (life->box, "flood=500000", "say=done", "pause", NULL);
    life_start (life);
    reader = console_open (life->monitor, 0, 0);
    g_free (console_until (reader, "done\n"));
    close (reader);
    run_stop (life->box, &life->run);
    close (life->monitor);
    close (console->log_fd);
}

static void
test_log (gconstpointer data)
{
    Life life = life_new (data != NULL);
    g_autofree char *path = g_build_filename (life.box->dir, "console.log", NULL);
    g_autofree char *old = g_strconcat (path, ".0", NULL);
    struct stat st;

    flood_log (&life, path, 100000);
    g_assert_cmpint (stat (path, &st), ==, 0);
    g_assert_cmpint (st.st_size, <=, 100000);
    g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
    g_assert_cmpint (stat (old, &st), ==, 0);
    g_assert_cmpint (st.st_size, <=, 100000);
    g_assert_cmpint (st.st_size, >, 30000);
    box_free (life.box);
}

/* Of a burst that is longer than a log may be, the end is in it. */
static void
test_small_log (gconstpointer data)
{
    Life life = life_new (data != NULL);
    g_autofree char *path = g_build_filename (life.box->dir, "console.log", NULL);
    g_autofree char *old = g_strconcat (path, ".0", NULL), *text = NULL, *before = NULL, *both = NULL;
    struct stat st, old_st = { 0 };

    flood_log (&life, path, 300);
    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    (void) g_file_get_contents (old, &before, NULL, NULL);
    /* a terminal gives the end of a line by itself: a new log may begin before it */
    both = g_strconcat (before ? before : "", text, NULL);
    g_assert_true (g_str_has_suffix (both, "done\r\n"));
    g_assert_cmpint (stat (path, &st), ==, 0);
    g_assert_cmpint (st.st_size, <=, 300);
    (void) stat (old, &old_st);
    g_assert_cmpint (old_st.st_size, <=, 300);
    g_assert_cmpint (st.st_size + old_st.st_size, >, 200);
    box_free (life.box);
}

/* --- daemons --- */

static void
test_daemons (gconstpointer data)
{
    Life life = life_new (data != NULL);
    MonitorPacket packet, state;
    int second;

    box_init (life.box, "until=/tmp/go", "exit=5", NULL);
    life_start (&life);
    /* a newer daemon takes the place of the older */
    second = monitor_connect (life.box, &state);
    g_assert_cmpuint (state.a, ==, (guint64) life.run.init);
    g_assert_cmpuint (state.flags, ==, 0);
    g_assert_cmpuint (monitor_next (life.monitor).type, ==, 0);
    packet = monitor_ask (second, (MonitorPacket) { .type = 77 }, NULL);
    g_assert_cmpuint (packet.type, ==, MONITOR_FAILED);
    g_assert_cmpint (packet.err, ==, ENOSYS);
    /* garbage closes the connection, and only that */
    g_assert_cmpint (write (second, "garbage", 7), ==, 7);
    g_assert_cmpuint (monitor_next (second).type, ==, 0);
    close (second);
    close (life.monitor);
    /* no daemon at all while init ends: a later one still learns how */
    box_go (life.box);
    while (kill (life.run.init, 0) == 0)
        g_usleep (10000);
    life.monitor = monitor_connect (life.box, &state);
    g_assert_cmpuint (state.flags, ==, MONITOR_STATE_EXITED);
    packet = life_end (&life);
    g_assert_cmpint (WEXITSTATUS ((int) packet.a), ==, 5);
}

static void
test_exit_file (gconstpointer data)
{
    Life life = life_new (data != NULL);
    MonitorPacket packet;

    life.box->plan.kill_deadline = 200;
    box_init (life.box, "until=/tmp/go", "exit=6", NULL);
    life_start (&life);
    close (life.monitor);
    box_go (life.box);
    run_wait (&life.run);
    g_assert_cmpint (monitor_exit_read (life.box->plan.monitor_path, &packet), ==, 0);
    g_assert_cmpint (WEXITSTATUS ((int) packet.a), ==, 6);
    g_assert_cmpint (monitor_exit_read (life.box->plan.monitor_path, &packet), ==, -1);
    g_assert_cmpint (errno, ==, ENOENT);
    box_free (life.box);
}

static void
test_stale_socket (gconstpointer data)
{
    Life life = life_new (data != NULL);

    box_init (life.box, "pause", NULL);
    life_start (&life);
    kill (life.run.controller, SIGKILL);
    close (life.monitor);
    run_wait (&life.run);
    g_assert_cmpint (access (life.box->plan.monitor_path, F_OK), ==, 0);
    /* the next start of the same name takes the socket over */
    life_start (&life);
    /* and a second one beside it is refused */
    box_expect_failed (life.box, STEP_MONITOR_SOCKET, EADDRINUSE, NULL);
    run_stop (life.box, &life.run);
    close (life.monitor);
    box_free (life.box);
}

static void
test_passed_fds (gconstpointer data)
{
    Box *box = box_new (data != NULL);
    g_autofree char *text = NULL;
    int fds[2] = { open ("/dev/zero", O_RDONLY), open ("/dev/full", O_RDONLY) };

    box_standard (box);
    g_array_append_vals (box->pass_fds, fds, 2);
    box_init (box, "fds", "env", NULL);
    text = box_output (box, NULL);
    g_assert_nonnull (strstr (text, "fd 3 /dev/zero\nfd 4 /dev/full\n"));
    g_assert_null (strstr (text, "fd 5"));
    /* LISTEN_FDS is in the plan's environment or nowhere: twice would be one too many */
    g_assert_null (strstr (text, "env LISTEN"));
    close (fds[0]);
    close (fds[1]);
    box_free (box);
}

static void
user_case (gboolean mapped, const char *user, const char *group, const char *expected)
{
    Box *box = box_new (mapped);
    g_autofree char *passwd = box_path (box, "etc/passwd"), *groups = box_path (box, "etc/group");
    g_autofree char *text = NULL;

    g_assert_true (g_file_set_contents (passwd, "root:x:0:0::/:/bin/sh\n2000:x:7:8::/:/bin/sh\n", -1, NULL));
    g_assert_true (g_file_set_contents (groups, "root:x:0:\n3000:x:9:\n", -1, NULL));
    box_standard (box);
    g_free (box->plan.init.user);
    g_free (box->plan.init.group);
    box->plan.init.user = g_strdup (user);
    box->plan.init.group = g_strdup (group);
    box_init (box, "ids", NULL);
    if (!expected) {
        box_expect_failed (box, STEP_USER, ENOENT, user);
    } else {
        text = box_output (box, NULL);
        g_assert_nonnull (strstr (text, expected));
    }
    box_free (box);
}

/* libvirt's rule: a name before a number, but for what begins with "+". */
static void
test_user_number (gconstpointer data)
{
    gboolean mapped = data != NULL;

    user_case (mapped, "2000", "", "ids 7:8 groups\n");
    user_case (mapped, "+2000", "", "ids 2000:2000 groups\n");
    user_case (mapped, "+7", "", "ids 7:8 groups\n");
    user_case (mapped, "1000", "3000", "ids 1000:9 groups\n");
    user_case (mapped, "1000", "+3000", "ids 1000:3000 groups\n");
    user_case (mapped, "+fred", "", NULL);
    user_case (mapped, "+", "", NULL);
}

static void
test_user (gconstpointer data)
{
    Box *box = box_new (data != NULL);
    g_autofree char *passwd = box_path (box, "etc/passwd"), *group = box_path (box, "etc/group");
    g_autofree char *text = NULL;

    g_assert_true (g_file_set_contents (passwd, "root:x:0:0::/:/bin/sh\nbroken line\n"
                                        "fred:x:1000:1001::/home/fred:/bin/sh\n", -1, NULL));
    g_assert_true (g_file_set_contents (group, "root:x:0:\nrock:x:2000:barney,fred\n"
                                        "stone:x:2001:fredx\nslate:x:2002:fred\n", -1, NULL));
    box_standard (box);
    g_free (box->plan.init.user);
    box->plan.init.user = g_strdup ("fred");
    box_init (box, "ids", "caps", "stat=/dev/console", NULL);
    text = box_output (box, NULL);
    g_assert_nonnull (strstr (text, "ids 1000:1001 groups 2000 2002\n"));
    g_assert_nonnull (strstr (text, "CapEff:\t0000000000000000\n"));
    g_assert_nonnull (strstr (text, "CapPrm:\t0000000000000000\n"));
    g_assert_nonnull (strstr (text, "CapInh:\t0000000000000000\n"));
    g_assert_nonnull (strstr (text, "stat /dev/console: 20620 1000:5"));
    box_free (box);
}

int
main (int argc, char **argv)
{
    static const BoxTest tests[] = {
        { "exits", test_exits }, { "halt-kinds", test_halt_kinds },
        { "halt-busybox", test_halt_busybox }, { "halt-queued", test_halt_queued }, { "halt-signal", test_halt_signal },
        { "initctl", test_initctl }, { "helper", test_helper },
        { "replay", test_replay }, { "flood", test_flood },
        { "reopen", test_reopen }, { "log", test_log }, { "small-log", test_small_log }, { "daemons", test_daemons },
        { "exit-file", test_exit_file }, { "stale-socket", test_stale_socket },
        { "passed-fds", test_passed_fds }, { "user", test_user },
        { "user-number", test_user_number },
    };

    return box_tests_run (argc, argv, "life", tests, G_N_ELEMENTS (tests));
}
