/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long the main loop was held: by a dispatch, by name, and by a whole turn. What counts is the time
 * that passed less the time in which the loop could have run and another process did, or nobody, since the
 * whole machine stood still: that is the machine's load, waiting for a disk is ours.
 */
#pragma once

#include <glib.h>

typedef struct {
    gint64 begin;               /* us */
    gint64 excused;             /* us so far that the loop could not help; 0 unless that is measured */
} Held;

#define HELD_SLOW_MS 50

/* Logged by @name above HELD_SLOW_MS of time passed. With the environment variable SKEP_DISPATCH_ABORT_MS
 * more than that of our own aborts: the tests set it. Main thread only. */
void held_begin (Held *held);
void held_end (const Held *held, const char *name);

/* Measures every turn of the default main loop from now on. */
void held_watch_turns (void);
