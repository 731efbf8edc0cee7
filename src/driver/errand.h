/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errands of skep-helper (controller/helper.h) in the namespaces of a container. They may meet a
 * FUSE file system or a lock of the guest's, so they run on pool threads and have a deadline.
 */
#pragma once

#include "driver/domains.h"
#include "plan/monitor.h"

/* Which container; copied on the main loop, so that a thread needs no Domain. */
typedef struct {
    char *helper;               /* path of the program */
    gboolean outside;           /* a verb that enters no namespace of its init, which may have gone */
    int init_pid;
    guint64 init_start;
    int cancel;                 /* descriptor, borrowed: once it can be read the helper is killed; 0 none */
} ErrandTarget;

#define ERRAND_DEADLINE_MS 10000

/* ERR_OPERATION_INVALID when the container does not run, or ends just now. */
gboolean errand_target (const Domain *domain, ErrandTarget *ret, GError **error);
void errand_target_clear (ErrandTarget *target);

/* Runs VERB WORD... (@words, NULL-terminated) and waits for its answer: for pool threads only. The
 * helper finds @fds at the numbers ERRAND_FD_FIRST, ... FAILED becomes ERR_SYSTEM with the helper's
 * sentence and errno; a helper that does not end in time is killed: ERR_OPERATION_TIMEOUT. */
#define ERRAND_FD_FIRST 5
gboolean errand_run (const ErrandTarget *target, const char *const *words, const int *fds, guint n_fds,
                     guint deadline_ms, MonitorPacket *ret_answer, GError **error);
/* The same for a verb that answers with a descriptor; -1 with error. */
int errand_open (const ErrandTarget *target, const char *const *words, guint deadline_ms, GError **error);
