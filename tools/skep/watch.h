/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What verbs share that wait for events of the daemon: event, *-event, wait, monitor. */
#pragma once

#include "cmd.h"

/* ---- Waiting ---- */

typedef enum { WATCH_DONE, WATCH_TIMED_OUT, WATCH_INTERRUPTED, WATCH_BROKEN } WatchEnd;

/* How long a daemon that went away is waited for: it is started again, mostly. */
#define WATCH_RECONNECT_SECONDS 30

/* Between these two Ctrl + C ends the waiting, not skep; a second one ends skep. */
void watch_begin (void);
void watch_end (void);
gboolean watch_interrupted (void);
/* After watch_begin(): a change of the terminal's size ends the sleep, too; watch_resized() is TRUE once then. */
void watch_size (void);
gboolean watch_resized (void);

/* @seconds from now as the deadline of a wait (monotonic, µs); negative: 0, there is none. */
gint64 watch_deadline (gint64 seconds);

/* Sleeps until @fd (-1: none) can be read, which is TRUE, @until (0: for ever) or Ctrl + C. That one cannot fall
 * between the question and the sleep. */
gboolean watch_sleep (int fd, gint64 until);

/* Handles what the daemon sends until @done, which is asked first and after each packet, says so. With
 * WATCH_BROKEN *error says why. */
WatchEnd watch_events (Shell *shell, gint64 deadline, gboolean (*done) (void *data), void *data,
                       SkepError *error);

/* Connects again to a daemon that went away, as it does to be restarted: tries for a while, until @deadline
 * at most. On failure *error is that of the last try. */
WatchEnd watch_reconnect (Shell *shell, gint64 deadline, SkepError *error);

/* "2026-11-22T19:00:00.123Z", as all JSON of skep has times. */
char *watch_time (void);

/* ---- Events as they are printed ---- */

typedef struct {
    Shell *shell;
    gboolean timestamp, as_json, loop;
    unsigned received;
} EventPrinter;

#define OPTIONS_EVENT                                                                              \
    FLAG ("loop", "go on after the first event, until the time is up or Ctrl + C"),                \
        { "timeout", OPT_NUMBER, 0, "seconds to wait at most", COMPLETE_NONE, NULL },              \
        FLAG ("list", "list the kinds of events"),                                                 \
        FLAG ("timestamp", "print when each event came")

EventPrinter event_printer (Shell *shell, const Args *args);
/* FALSE with an error printed: --timeout is no time. */
gboolean event_timeout_good (Shell *shell, const Args *args);
/* For --list: a line each, or an array. @names ends with NULL. */
int event_print_names (Shell *shell, const Args *args, const char *const *names);
/* The beginning of an event's line: "event 'NAME'" with a time if wanted. */
void event_begin_line (const EventPrinter *printer, const char *name);
/* The beginning of its object: "event" and "time". */
void event_begin_json (Json *json, const char *name);
/* Ends either. */
void event_end_line (EventPrinter *printer, const char *text);
void event_end_json (EventPrinter *printer, Json *json);
/* Waits as the options say, prints how it ended; the exit code. */
int event_wait (EventPrinter *printer, const Args *args);
