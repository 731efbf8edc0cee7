/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whoever holds the main loop too long is caught, a dispatch and a turn alike; load is not its fault. */
#include <glib.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "driver/held.h"

/* Works for @ms of processor time. Sleeping would not do: from Linux 6.12 on a busy host may count the
 * begin of a sleep as waiting for a processor (delayed dequeue). */
static void
work (guint ms)
{
    struct timespec begin, now;

    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &begin);
    do
        clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

static gboolean
work_long (gpointer data)
{
    work (GPOINTER_TO_UINT (data));
    return G_SOURCE_REMOVE;
}

static gboolean
sleep_long (gpointer data)
{
    g_usleep (GPOINTER_TO_UINT (data) * 1000);
    return G_SOURCE_REMOVE;
}

static void
test_dispatch (void)
{
    Held held;

    if (g_test_subprocess ()) {
        held_begin (&held);
        work (300);
        held_end (&held, "domain_nap");
        return;
    }
    g_test_trap_subprocess (NULL, 0, 0);
    g_test_trap_assert_failed ();
    g_test_trap_assert_stderr ("*domain_nap held the main loop for * ms*");
}

static void
test_turn (void)
{
    if (g_test_subprocess ()) {
        held_watch_turns ();
        g_idle_add (work_long, GUINT_TO_POINTER (300));
        for (int i = 0; i < 3; i++)
            g_main_context_iteration (NULL, FALSE);
        return;
    }
    g_test_trap_subprocess (NULL, 0, 0);
    g_test_trap_assert_failed ();
    g_test_trap_assert_stderr ("*a turn held the main loop for * ms*");
}

/* Waiting for events is what the loop is for. */
static void
test_waiting (void)
{
    held_watch_turns ();
    g_timeout_add (400, sleep_long, NULL);
    while (!g_main_context_iteration (NULL, TRUE))
        continue;
}

/* Stopped as a whole, as a machine is whose host has no time for it; whoever waits alone is not excused. */
static void
test_stopped (void)
{
    pid_t parent = getpid (), waker;
    Held held;

    if (g_test_subprocess ()) {
        held_begin (&held);     /* the clock that tells starts with the first */
        held_end (&held, "nothing");
        waker = fork ();
        while (waker == 0) {    /* again, should the first come before the stop */
            g_usleep (400 * 1000);
            if (kill (parent, SIGCONT) < 0)
                _exit (0);
        }
        held_begin (&held);
        raise (SIGSTOP);
        held_end (&held, "domain_stop");
        kill (waker, SIGKILL);
        waitpid (waker, NULL, 0);
        return;
    }
    g_test_trap_subprocess (NULL, 0, 0);
    g_test_trap_assert_passed ();
    g_test_trap_assert_stderr ("*domain_stop held the main loop for * ms*");
}

static void
test_alone (void)
{
    if (g_test_subprocess ()) {
        for (guint i = 0; i < 20; i++) {        /* see work() */
            Held held;

            held_begin (&held);
            g_usleep (400 * 1000);
            held_end (&held, "domain_sleep");
        }
        return;
    }
    g_test_trap_subprocess (NULL, 0, 0);
    g_test_trap_assert_failed ();
    g_test_trap_assert_stderr ("*domain_sleep held the main loop for * ms*");
}

/* Three that want the same processor: two thirds of the time passed are the others'. */
static void
test_load (void)
{
    cpu_set_t before, one;
    gint64 end;
    Held held;
    pid_t pids[2];
    gint *running = mmap (NULL, sizeof *running, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    g_assert_true (running != MAP_FAILED);
    CPU_ZERO (&one);
    CPU_SET (sched_getcpu (), &one);
    g_assert_cmpint (sched_getaffinity (0, sizeof before, &before), ==, 0);
    if (sched_setaffinity (0, sizeof one, &one) < 0) {
        g_test_skip ("cannot stay on one processor");
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS (pids); i++) {
        pids[i] = fork ();
        if (pids[i] == 0)
            g_atomic_int_inc (running);
        while (pids[i] == 0)
            continue;
    }
    while (g_atomic_int_get (running) < 2)
        g_usleep (1000);
    held_begin (&held);
    end = g_get_monotonic_time () + 300 * 1000;
    while (g_get_monotonic_time () < end)
        continue;
    held_end (&held, "domain_work");    /* would abort by time passed */
    sched_setaffinity (0, sizeof before, &before);
    for (guint i = 0; i < G_N_ELEMENTS (pids); i++) {
        kill (pids[i], SIGKILL);
        waitpid (pids[i], NULL, 0);
    }
}

int
main (int argc, char **argv)
{
    g_setenv ("SKEP_DISPATCH_ABORT_MS", "200", TRUE);
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/held/dispatch", test_dispatch);
    g_test_add_func ("/held/turn", test_turn);
    g_test_add_func ("/held/stopped", test_stopped);
    g_test_add_func ("/held/alone", test_alone);
    g_test_add_func ("/held/waiting", test_waiting);
    g_test_add_func ("/held/load", test_load);
    return g_test_run ();
}
