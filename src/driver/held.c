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

/* The main thread's time on the run queue: the second number of its schedstat, in nanoseconds. */
static gint64
run_queue_us (void)
{
    static int fd = -1;
    char text[128], *end;
    ssize_t n;

    if (fd < 0)
        fd = open ("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? pread (fd, text, sizeof text - 1, 0) : -1;
    if (n <= 0)
        return 0;
    text[n] = '\0';
    g_ascii_strtoull (text, &end, 10);
    return (gint64) (g_ascii_strtoull (end, NULL, 10) / 1000);
}

void
held_begin (Held *held)
{
    held->begin = g_get_monotonic_time ();
    held->waited = abort_ms () > 0 ? run_queue_us () : 0;
}

void
held_end (const Held *held, const char *name)
{
    gint64 us = g_get_monotonic_time () - held->begin, own = us;

    if (us / 1000 <= HELD_SLOW_MS)
        return;
    reports++;
    if (abort_ms () == 0) {
        log_warning ("%s held the main loop for %" G_GINT64_FORMAT " ms", name, us / 1000);
        return;
    }
    own -= MIN (run_queue_us () - held->waited, own);
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
