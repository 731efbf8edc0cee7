/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of the program `life`: a container that runs, with a connection to its controller. */
#pragma once

#include "harness.h"

typedef struct {
    Box *box;
    Run run;
    int monitor;
} Life;

Life life_new (gboolean mapped);
/* Up to EXECED, and connects. */
void life_start (Life *life);
/* Waits for the end; EXIT. */
MonitorPacket life_end (Life *life);

/* halt.c */
void test_halt_kinds (gconstpointer data);
void test_halt_busybox (gconstpointer data);
void test_halt_queued (gconstpointer data);
void test_halt_signal (gconstpointer data);
void test_initctl (gconstpointer data);
void test_helper (gconstpointer data);
