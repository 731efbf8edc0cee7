/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside a start: C the controller, B the builder, P the builder's second half (a process in the
 * container's pid namespace), G the container's child that becomes init. Packets are MonitorPackets;
 * FAILED {step, err, object} may stand in place of any. End of file is a failure, but for G's after
 * READY, where it means that execve() happened.
 *
 *   B->C CLONED     a = pid of G, one descriptor: its pidfd. G is C's child (CLONE_PARENT).
 *   C->G ENTER      ids are mapped, devices moved: G, in its cgroups, completes its namespaces
 *   C->B BUILD      meanwhile B enters those that G was cloned with and clones P (also C's child),
 *                   then ends
 *   B->C BUILDING   a = pid of P; a descriptor of their mount namespace, if C is to keep it (builder.c)
 *   G->C ENTERED
 *   C->P ENTERED    G has its cgroup namespace and no more use for the host's tree. P waits for it before it
 *                   mounts control groups, and before it switches the root, which is G's too.
 *   P->C BUILT      descriptors: the console masters. The root is switched; P ends.
 *   C->G FINISH     the tree is complete and the daemon said CONTINUE
 *   G->C READY      then execve()
 */
#pragma once

#include "controller/failure.h"
#include "controller/path.h"
#include "plan/plan.h"

enum {
    SYNC_CLONED = 100,
    SYNC_ENTER,
    SYNC_ENTERED,
    SYNC_BUILD,
    SYNC_BUILDING,
    SYNC_BUILT,
    SYNC_FINISH,
};

/* Sends one packet of @type with @a; 0 or -1. */
int sync_send (int sock, unsigned type, uint64_t a, const int *fds, unsigned n_fds);
/* Waits for exactly @type; anything else, and end of file, is -1 (the peer is gone: just leave). */
int sync_expect (int sock, unsigned type);
/* Reports the failure and ends the process. */
void sync_fail (int sock, const Failure *failure) __attribute__ ((noreturn));

/* Closes the descriptors from 3 on, but for @keep (n of them, unsorted). */
void sync_keep_fds (const int *keep, unsigned n);

/* The guest's control groups. */
typedef struct {
    int v2;                     /* directory to clone G into, or -1 */
    const int *v1;              /* `tasks` files: G writes "0" to each */
    unsigned n_v1;
} GuestGroups;

/* Puts the calling process, which has one thread, into v1 groups. 0 or -1. */
int sync_join_groups (const int *tasks, unsigned n);

/* The host ids of the container's root. */
RootOwner builder_root (const launch_plan *plan);
/* builder.c: process B. Does not return. */
void builder_main (const launch_plan *plan, int sock, int child_sock, const GuestGroups *groups, int fuse)
    __attribute__ ((noreturn));
/* child.c: process G. Does not return but by execve(). */
void child_main (const launch_plan *plan, int sock, const GuestGroups *groups) __attribute__ ((noreturn));
