/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first failing step of a process: number, errno, object. Every function of the set-up takes one
 * and returns 0, or -1 with it filled. No allocation, no logging: used between clone and exec.
 */
#pragma once

#include "plan/monitor.h"

typedef struct {
    unsigned step;      /* MonitorStep, STEP_NONE: nothing failed yet */
    int err;
    char object[MONITOR_OBJECT_MAX];
} Failure;

/* Records errno, @step and @object (NULL: none) and returns -1. The first record stays. */
int failure_set (Failure *failure, unsigned step, const char *object);

/* The same with a word on what is wrong with the object: "/sbin/init (built for aarch64)". */
int failure_set_detail (Failure *failure, unsigned step, const char *object, const char *detail);

/* Enters a step: 0. In the test build of the controller it may fail, die or hang here instead
 * (fault_env.c; fault_none.c is what is installed). */
int failure_enter (Failure *failure, unsigned step, const char *object);

void failure_to_packet (const Failure *failure, MonitorPacket *packet);
void failure_from_packet (Failure *failure, const MonitorPacket *packet);

/* errno to fail @step with, 0 to go on. Linked from fault_none.c or fault_env.c. */
int fault_at_step (unsigned step);
