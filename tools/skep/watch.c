/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "watch.h"
#include "terminal.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

/* ---- Waiting ---- */

static volatile sig_atomic_t interrupted, resized;
static struct sigaction interrupt_before, resize_before;
static gboolean watches_size;

/* The second one kills: a call of a daemon that hangs can still be left. */
static void
on_interrupt (int signum)
{
    if (interrupted)
        terminal_die (signum);
    interrupted = 1;
}

static void
on_resize (int signum)
{
    (void) signum;
    resized = 1;
}

void
watch_begin (void)
{
    struct sigaction stop = { .sa_handler = on_interrupt };

    interrupted = 0;
    sigaction (SIGINT, &stop, &interrupt_before);
}

void
watch_size (void)
{
    struct sigaction resize = { .sa_handler = on_resize, .sa_flags = SA_RESTART };

    resized = 0;
    watches_size = TRUE;
    sigaction (SIGWINCH, &resize, &resize_before);
}

void
watch_end (void)
{
    sigaction (SIGINT, &interrupt_before, NULL);
    if (watches_size)
        sigaction (SIGWINCH, &resize_before, NULL);
    watches_size = FALSE;
    resized = 0;
}

gboolean
watch_interrupted (void)
{
    return interrupted;
}

gboolean
watch_resized (void)
{
    gboolean was = resized;

    resized = 0;
    return was;
}

gint64
watch_deadline (gint64 seconds)
{
    return seconds < 0 ? 0 : g_get_monotonic_time () + MIN (seconds, 1000000000) * G_USEC_PER_SEC;
}

gboolean
watch_sleep (int fd, gint64 until)
{
    struct pollfd wanted = { fd, POLLIN, 0 };
    int n = 0;
    gint64 left = MAX (until - g_get_monotonic_time (), 0);
    struct timespec time = { left / G_USEC_PER_SEC, left % G_USEC_PER_SEC * 1000 };
    sigset_t wanting, before;

    sigemptyset (&wanting);
    sigaddset (&wanting, SIGINT);
    sigaddset (&wanting, SIGWINCH);
    sigprocmask (SIG_BLOCK, &wanting, &before);
    if (!interrupted && !resized)
        n = ppoll (&wanted, fd >= 0, until ? &time : NULL, &before);
    sigprocmask (SIG_SETMASK, &before, NULL);
    return n > 0;
}

WatchEnd
watch_events (Shell *shell, gint64 deadline, gboolean (*done) (void *data), void *data, SkepError *error)
{
    for (;;) {
        if (done (data))
            return WATCH_DONE;
        if (interrupted)
            return WATCH_INTERRUPTED;
        if (deadline && g_get_monotonic_time () >= deadline)
            return WATCH_TIMED_OUT;
        watch_sleep (skep_connection_fd (shell->conn), deadline);
        if (!skep_dispatch (shell->conn, 0, error))
            return WATCH_BROKEN;
    }
}

WatchEnd
watch_reconnect (Shell *shell, gint64 deadline, SkepError *error)
{
    gint64 patience = watch_deadline (WATCH_RECONNECT_SECONDS);

    shell_disconnect (shell);
    while (!interrupted && !(deadline && g_get_monotonic_time () >= deadline)) {
        shell->conn = shell_connect (shell, error);
        if (shell->conn)
            return WATCH_DONE;
        if (g_get_monotonic_time () >= patience)
            return WATCH_BROKEN;
        watch_sleep (-1, g_get_monotonic_time () + G_USEC_PER_SEC / 5);
    }
    return interrupted ? WATCH_INTERRUPTED : WATCH_TIMED_OUT;
}

static char *
time_text (const char *between, const char *zone)
{
    g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
    g_autofree char *day = g_date_time_format (now, "%Y-%m-%d");
    g_autofree char *time = g_date_time_format (now, "%H:%M:%S");

    return g_strdup_printf ("%s%s%s.%03d%s", day, between, time,
                            g_date_time_get_microsecond (now) / 1000, zone);
}

char *
watch_time (void)
{
    return time_text ("T", "Z");
}

/* ---- Events as they are printed ---- */

EventPrinter
event_printer (Shell *shell, const Args *args)
{
    return (EventPrinter){ .shell = shell, .timestamp = args_flag (args, "timestamp"),
                           .as_json = shell_wants_json (shell, args), .loop = args_flag (args, "loop") };
}

gboolean
event_timeout_good (Shell *shell, const Args *args)
{
    if (args_given (args, "timeout") && args_number (args, "timeout", 0) < 1)
        return shell_fail (shell, "--timeout wants at least 1 second") == 0;
    return TRUE;
}

int
event_print_names (Shell *shell, const Args *args, const char *const *names)
{
    Json json;

    if (!shell_wants_json (shell, args)) {
        for (; *names; names++)
            fprintf (shell->out, "%s\n", *names);
        return 0;
    }
    json_init (&json);
    json_open (&json, '[');
    for (; *names; names++)
        json_string (&json, *names);
    json_close (&json, ']');
    json_finish (&json, shell->out);
    return 0;
}

void
event_begin_line (const EventPrinter *printer, const char *name)
{
    if (printer->timestamp) { /* as virsh has it */
        g_autofree char *now = time_text (" ", "+0000");

        fprintf (printer->shell->out, "%s: ", now);
    }
    fprintf (printer->shell->out, "event '%s' for ", name);
}

void
event_begin_json (Json *json, const char *name)
{
    g_autofree char *now = watch_time ();

    json_init (json);
    json->one_line = TRUE;
    json_open (json, '{');
    json_key (json, "event");
    json_string (json, name);
    json_key (json, "time");
    json_string (json, now);
}

void
event_end_line (EventPrinter *printer, const char *text)
{
    fprintf (printer->shell->out, "%s\n", text);
    fflush (printer->shell->out);
    printer->received++;
}

/* One line each, so that a reader needs no parser for streams. */
void
event_end_json (EventPrinter *printer, Json *json)
{
    json_close (json, '}');
    json_finish (json, printer->shell->out);
    fflush (printer->shell->out);
    printer->received++;
}

static gboolean
event_came (void *data)
{
    const EventPrinter *printer = data;

    return ferror (printer->shell->out) || (!printer->loop && printer->received);
}

int
event_wait (EventPrinter *printer, const Args *args)
{
    static const char *const ends[] = { [WATCH_DONE] = "",
                                        [WATCH_TIMED_OUT] = "event loop timed out\n",
                                        [WATCH_INTERRUPTED] = "event loop interrupted\n",
                                        [WATCH_BROKEN] = "" };
    autoerror error = { 0 };
    Shell *shell = printer->shell;
    WatchEnd end;

    watch_begin ();
    end = watch_events (shell, watch_deadline (args_number (args, "timeout", -1)), event_came, printer,
                        &error);
    watch_end ();
    if (end == WATCH_BROKEN)
        return shell_fail_with (shell, &error, "the daemon is gone");
    if (!printer->as_json && !shell->quiet)
        fprintf (shell->out, "%sevents received: %u\n", ends[end], printer->received);
    return printer->received ? 0 : 1;
}
