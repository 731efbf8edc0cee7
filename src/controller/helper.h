/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * skep-helper: errands inside a container on the daemon's behalf, one verb each.
 *
 *   skep-helper --answer-fd FD --pidfd FD VERB WORD...
 *   skep-helper --answer-fd FD VERB WORD...             a verb that needs no container
 *
 * The pidfd is the container's init, which the daemon keeps from being reused by looking at its start
 * time before and after. A verb begins with the host's credentials and namespaces and decides itself
 * what it enters. It answers with one MonitorPacket (DONE, or FAILED with step, errno and object), may
 * be killed at any time, and leaves nothing behind that the verb's own undo does not find.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "plan/monitor.h"

typedef struct {
    int pidfd;              /* the container's init */
    pid_t pid;              /* its number here */
    bool has_userns;        /* it lives in another user namespace than we */
    int n_words;
    char **words;           /* after the verb */
    int asker;              /* the socket that takes the answer */
    int answer_fd;          /* a descriptor that goes with the answer; -1 none */
} HelperCall;

/* Fills @answer, which is zeroed but for the type FAILED. */
typedef void (*HelperVerb) (HelperCall *call, MonitorPacket *answer);

/* Right before what cannot be taken back: -1 with ECANCELED when nobody waits for the answer any more. The
 * walk there may have hung in the container for long, and whoever asked has undone it since. (No
 * PR_SET_PDEATHSIG: that is of the thread that made us, and threads of a pool end.) */
int helper_still_asked (const HelperCall *call);
/* FAILED with @step, errno, @object. */
void helper_failed (MonitorPacket *answer, unsigned step, const char *object);

/* helper_device.c: words PLAN-FD; the plan is a device_plan. */
void helper_device_add (HelperCall *call, MonitorPacket *answer);
/* words PLAN-FD and the mount namespace that the container's was copied from (MONITOR_TREE), or - for none. */
void helper_device_remove (HelperCall *call, MonitorPacket *answer);

/* words PLAN-FD and NETNS-FD, outside of containers: what one that has ended has of the host's network devices. */
void helper_device_return (HelperCall *call, MonitorPacket *answer);

/* words PLAN-FD and ro or rw: whether the mount may be written to. */
void helper_device_access (HelperCall *call, MonitorPacket *answer);

/* words TARGET, a file system's directory in the container, and MAJOR:MINOR of its device. Answers with a
 * descriptor of it, for the daemon to freeze: never of one that is mounted on the host too, whose programs
 * would hang. */
void helper_filesystem (HelperCall *call, MonitorPacket *answer);
/* words TARGET MAJOR:MINOR MINIMUM: tells the device what the file system does not use, in extents of at least
 * MINIMUM bytes. Stops between parts when init ends or nobody waits. */
void helper_trim (HelperCall *call, MonitorPacket *answer);
/* helper_facts.c */
void helper_facts (HelperCall *call, MonitorPacket *answer);

/* helper_shift.c, outside of containers. Words PATH: can mounts of its file system be id-mapped (shift_probe())?
 * Words ROOT RECORDS UIDS GIDS: shift_run(). */
void helper_idmap (HelperCall *call, MonitorPacket *answer);
void helper_shift (HelperCall *call, MonitorPacket *answer);
