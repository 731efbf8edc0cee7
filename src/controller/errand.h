/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Short work inside a container's mount namespace, by a process made for it: it has the container
 * root's credentials, stays out of its pid namespace (nobody inside can see or trace it), and may be
 * killed at any time. The controller forks it; skep-helper does the same for the daemon.
 */
#pragma once

#include "plan/monitor.h"

typedef enum {
    ERRAND_FOUND_SYSTEMD = 1 << 0,      /* /run/systemd/system is there */
    ERRAND_WROTE_INITCTL = 1 << 1,
} ErrandFound;

/* Looks for systemd, else (or when @only_initctl) writes @runlevel ('0', '6') into the initctl fifo.
 * The answer: DONE with ErrandFound in flags, or FAILED with errno and object. */
void errand_halt (int pidfd, char runlevel, int only_initctl, int has_userns, MonitorPacket *answer);
