/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starting executables (never code between fork and exec), with pidfds. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
    int from;               /* our descriptor */
    int to;                 /* its number in the child */
} SpawnFd;

typedef struct {
    const char *const *argv;    /* argv[0] is an absolute path, unless... */
    const char *path;           /* ...this is given: what is executed (/proc/self/fd/N, N of the child) */
    const char *const *envp;    /* NULL: an environment of PATH only */
    const SpawnFd *fds;         /* 0, 1, 2 are /dev/null unless listed */
    guint n_fds;
    gboolean plain_oom;         /* does not inherit a negative oom_score_adj: by way of /bin/sh then, whose status
                                 * 126 or 127 says that it cannot be executed */
    gboolean new_session;       /* setsid, so that signals to the daemon's group do not reach it */
    int cancel;                 /* for spawn_run(): once it can be read the run is ended; 0 none */
    const char *whose;          /* for spawn_run(): of this name no more than SPAWN_LEFT_MAX may be left behind */
} SpawnArgs;

/* Spawns; *ret_pidfd is close-on-exec. FALSE with ERR_SYSTEM naming the program. Any thread. */
gboolean spawn_start (const SpawnArgs *args, pid_t *ret_pid, int *ret_pidfd, GError **error);

/* Calls @done once with the wait status when the process of @pidfd ends and reaps it; @pidfd is
 * closed by it. Returns a source id for g_source_remove() (which then leaves the process unreaped). Any thread may
 * ask for it; @done runs on the main loop. */
typedef void (*SpawnDone) (pid_t pid, int wait_status, gpointer data);
guint spawn_watch (pid_t pid, int pidfd, SpawnDone done, gpointer data);

/* Runs to the end with a deadline, gives stdin from @input (may be NULL), collects at most 64 KiB of
 * stdout and stderr each. For tasks on a pool thread and for tools, never on the main loop. What does
 * not end in time is killed: ERR_OPERATION_TIMEOUT, or ERR_OPERATION_ABORTED when it was cancelled. What
 * does not die of that either (a FUSE server has read its request and does not answer) is left to the
 * main loop to reap. */
#define SPAWN_LEFT_MAX 2
gboolean spawn_run (const SpawnArgs *args, const char *input, guint deadline_ms, int *ret_status,
                    char **ret_out, char **ret_err, GError **error);
