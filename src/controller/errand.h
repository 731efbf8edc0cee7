/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Short work inside a container's mount namespace, by a process made for it: it has the container
 * root's credentials, stays out of its pid namespace (nobody inside can see or trace it), and may be
 * killed at any time. The controller forks it; skep-helper does the same for the daemon.
 */
#pragma once

#include "plan/monitor.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct {
    int pidfd;              /* the container's init */
    pid_t pid;              /* its number here; the caller keeps it from being reused */
    bool has_userns;
    bool look_for_systemd;  /* then nothing is written where it is found */
    char runlevel;          /* '0' or '6' for the initctl fifo, '\0': leave it alone */
} ErrandHalt;

typedef enum {
    ERRAND_FOUND_SYSTEMD = 1 << 0,      /* /run/systemd/system is there */
    ERRAND_WROTE_INITCTL = 1 << 1,
} ErrandFound;

/* What an orderly stop needs to know of the container and do there. The answer: DONE with ErrandFound
 * in flags and in b the signals that init sleeps for in sigtimedwait(2), or FAILED with errno and
 * object. */
void errand_halt (const ErrandHalt *errand, MonitorPacket *answer);
