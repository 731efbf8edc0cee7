/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/held.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/log.h"

static guint64 reports;         /* what a dispatch has said, its turn does not say again */

static gint64
abort_ms (void)
{
    static gint64 ms = -1;

    if (ms < 0) {
        const char *text = g_getenv ("SKEP_DISPATCH_ABORT_MS");

        ms = text ? g_ascii_strtoll (text, NULL, 10) : 0;
    }
    return ms;
}

/* A thread's time on the run queue: the second number of its schedstat, in nanoseconds. */
static gint64
run_queue_us (int schedstat)
{
    char text[128], *end;
    ssize_t n = schedstat >= 0 ? pread (schedstat, text, sizeof text - 1, 0) : -1;

    if (n <= 0)
        return 0;
    text[n] = '\0';
    g_ascii_strtoull (text, &end, 10);
    return (gint64) (g_ascii_strtoull (end, NULL, 10) / 1000);
}

/* ---- a machine that stands still */

#define NAP_US      5000
#define STILL_US    20000
#define PATIENCE_MS 10000

static gint64 still;            /* us in which a thread that only sleeps was not woken, so nobody was */
static guint naps;              /* atomic: @still is right up to the end of the last one */

static gpointer
nap (gpointer data)
{
    int schedstat = open ("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);

    (void) data;
    for (;;) {
        gint64 begin = g_get_monotonic_time (), waited = run_queue_us (schedstat), over;

        g_usleep (NAP_US);
        over = g_get_monotonic_time () - begin - NAP_US - (run_queue_us (schedstat) - waited);
        if (over > STILL_US)
            __atomic_add_fetch (&still, over, __ATOMIC_SEQ_CST);
        g_atomic_int_inc (&naps);
    }
    return NULL;
}

static void
nap_over (void)
{
    guint before = (guint) g_atomic_int_get (&naps);

    for (guint ms = 0; ms < PATIENCE_MS && (guint) g_atomic_int_get (&naps) == before; ms++)
        g_usleep (1000);
}

/* ---- a dispatch */

/* What the main thread could not help: others had the processor, or nobody. */
static gint64
excused_us (void)
{
    static int schedstat = -1;

    if (schedstat < 0) {
        schedstat = open ("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
        g_thread_unref (g_thread_new ("naps", nap, NULL));
        nap_over ();
    }
    return run_queue_us (schedstat) + __atomic_load_n (&still, __ATOMIC_SEQ_CST);
}

void
held_begin (Held *held)
{
    held->excused = abort_ms () > 0 ? excused_us () : 0;
    held->begin = g_get_monotonic_time ();
}

void
held_end (const Held *held, const char *name)
{
    gint64 us = g_get_monotonic_time () - held->begin, own;

    if (us / 1000 <= HELD_SLOW_MS)
        return;
    reports++;
    if (abort_ms () == 0) {
        log_warning ("%s held the main loop for %" G_GINT64_FORMAT " ms", name, us / 1000);
        return;
    }
    nap_over ();
    own = MAX (us - (excused_us () - held->excused), 0);
    log_warning ("%s held the main loop for %" G_GINT64_FORMAT " ms, %" G_GINT64_FORMAT " of them itself",
                 name, us / 1000, own / 1000);
    if (own / 1000 > abort_ms ())
        g_error ("%s held the main loop for %" G_GINT64_FORMAT " ms", name, own / 1000);
}

/* ---- turns */

static Held turn;
static guint64 turn_reports;
static gboolean in_turn;

static gint
poll_between_turns (GPollFD *fds, guint n, gint timeout)
{
    gint r;

    if (in_turn && reports == turn_reports)
        held_end (&turn, "a turn");
    r = g_poll (fds, n, timeout);
    in_turn = TRUE;
    turn_reports = reports;
    held_begin (&turn);
    return r;
}

void
held_watch_turns (void)
{
    g_main_context_set_poll_func (NULL, poll_between_turns);
}
