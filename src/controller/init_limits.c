/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/init_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "util/fd.h"

static int
write_text (const char *path, const char *text, size_t length)
{
    autofd int fd = open (path, O_WRONLY | O_CLOEXEC);

    /* one write(): the kernel takes an id map only whole */
    return fd >= 0 && write (fd, text, length) == (ssize_t) length ? 0 : -1;
}

static int
write_map (pid_t init, const char *name, const plan_idmap *map, u_int n, Failure *failure)
{
    char path[64], text[PLAN_IDMAP_MAX * 34];
    size_t length = 0;

    snprintf (path, sizeof path, "/proc/%d/%s", (int) init, name);
    for (u_int i = 0; i < n; i++)
        length += (size_t) snprintf (text + length, sizeof text - length, "%u %u %u\n",
                                     map[i].guest, map[i].host, map[i].count);
    if (n > 0 && write_text (path, text, length) < 0)
        return failure_set (failure, STEP_ID_MAPS, name);
    return 0;
}

int
init_write_maps (const launch_plan *plan, pid_t init, Failure *failure)
{
    if (!(plan->namespaces & CLONE_NEWUSER))
        return 0;
    if (failure_enter (failure, STEP_ID_MAPS, "") < 0
        || write_map (init, "gid_map", plan->gid_map.gid_map_val, plan->gid_map.gid_map_len, failure) < 0)
        return -1;
    return write_map (init, "uid_map", plan->uid_map.uid_map_val, plan->uid_map.uid_map_len, failure);
}

/* Whether the kernel prefers to kill it as much as with @wanted, or more. */
static bool
is_at_least (const char *path, int wanted)
{
    autofd int fd = open (path, O_RDONLY | O_CLOEXEC);
    char text[24];
    ssize_t length = fd >= 0 ? read (fd, text, sizeof text - 1) : -1;

    if (length <= 0)
        return false;
    text[length] = '\0';
    return atoi (text) >= wanted;
}

/* Always: init would inherit ours, which is the daemon's, and which we keep: the host's OOM killer is to
 * spare us, who are small, and to find the container. */
static int
set_oom_score_adj (int wanted, pid_t init, Failure *failure)
{
    char path[64], text[24];
    int length, err;

    if (failure_enter (failure, STEP_RLIMIT, "oom_score_adj") < 0)
        return -1;
    snprintf (path, sizeof path, "/proc/%d/oom_score_adj", (int) init);
    length = snprintf (text, sizeof text, "%d", wanted);
    if (write_text (path, text, (size_t) length) == 0)
        return 0;
    /* to lower it needs CAP_SYS_RESOURCE, which a nested host may lack; to raise it needs nothing */
    err = errno;
    if ((err != EACCES && err != EPERM) || !is_at_least (path, wanted)) {
        errno = err;
        return failure_set (failure, STEP_RLIMIT, "oom_score_adj");
    }
    dprintf (STDERR_FILENO, "skep-controller: oom_score_adj not lowered to %s\n", text);
    return 0;
}

int
init_set_limits (const launch_plan *plan, pid_t init, Failure *failure)
{
    char text[24];

    for (u_int i = 0; i < plan->rlimits.rlimits_len; i++) {
        const plan_rlimit *wanted = &plan->rlimits.rlimits_val[i];
        struct rlimit limit = { .rlim_cur = wanted->soft, .rlim_max = wanted->hard }, present;

        snprintf (text, sizeof text, "%u", wanted->resource);
        if (failure_enter (failure, STEP_RLIMIT, text) < 0)
            return -1;
        if (prlimit (init, (int) wanted->resource, &limit, &present) == 0)
            continue;
        if (errno != EPERM || prlimit (init, (int) wanted->resource, NULL, &present) < 0)
            return failure_set (failure, STEP_RLIMIT, text);
        /* where even we may not raise the hard limit, the container gets as much as there is */
        limit.rlim_max = present.rlim_max;
        limit.rlim_cur = limit.rlim_cur < limit.rlim_max ? limit.rlim_cur : limit.rlim_max;
        if (prlimit (init, (int) wanted->resource, &limit, NULL) < 0)
            return failure_set (failure, STEP_RLIMIT, text);
    }
    return set_oom_score_adj (plan->oom_score_adj, init, failure);
}
