/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/errand.h"
#include "controller/helper.h"
#include "util/fd.h"

static void
helper_initctl (HelperCall *call, MonitorPacket *answer)
{
    ErrandHalt errand = {
        .pidfd = call->pidfd, .pid = call->pid, .has_userns = call->has_userns,
        .runlevel = call->words[0][0],
    };

    if (strcmp (call->words[0], "0") != 0 && strcmp (call->words[0], "6") != 0) {
        errno = EINVAL;
        helper_failed (answer, STEP_READ_PLAN, "runlevel");
        return;
    }
    errand_halt (&errand, answer);
}

static const struct {
    const char *name;
    int n_words;
    bool outside;           /* of containers: without --pidfd */
    HelperVerb run;
    const char *usage;
} verbs[] = {
    { "initctl", 1, false, helper_initctl, "0|6: writes the container's initctl fifo" },
    { "device-add", 1, false, helper_device_add, "PLAN-FD: brings a device into the container" },
    { "device-remove", 2, false, helper_device_remove, "PLAN-FD TREE-FD|-: takes it away again" },
    { "device-return", 2, true, helper_device_return, "PLAN-FD NETNS-FD: from what is left of a container" },
    { "device-access", 2, false, helper_device_access, "PLAN-FD ro|rw: of a mount that stays" },
    { "filesystem", 2, false, helper_filesystem, "TARGET MAJOR:MINOR: opens it, to be frozen" },
    { "trim", 3, false, helper_trim, "TARGET MAJOR:MINOR MINIMUM: discards what it does not use" },
    { "idmap", 1, true, helper_idmap, "PATH: can mounts of its file system be id-mapped?" },
    { "shift", 4, true, helper_shift, "ROOT RECORDS UIDS GIDS: gives its files to host ids" },
    { "facts", 2, false, helper_facts, "OUT-FD WHAT: hostname, addresses, some files" },
};
#define N_VERBS (sizeof verbs / sizeof *verbs)

void
helper_failed (MonitorPacket *answer, unsigned step, const char *object)
{
    answer->type = MONITOR_FAILED;
    answer->step = step;
    answer->err = errno;
    snprintf (answer->object, sizeof answer->object, "%s", object);
}

int
helper_still_asked (const HelperCall *call)
{
    struct pollfd asker = { .fd = call->asker };

    if (poll (&asker, 1, 0) == 0)
        return 0;
    errno = ECANCELED;
    return -1;
}

/* The number of the process of @pidfd here, and whether it lives in another user namespace. */
static int
describe (HelperCall *call)
{
    char path[64], text[512], *at;
    autofd int fd = -1;
    struct stat mine, theirs;
    ssize_t n;

    snprintf (path, sizeof path, "/proc/self/fdinfo/%d", call->pidfd);
    fd = open (path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? fd_read_all (fd, text, sizeof text - 1) : -1;
    text[n > 0 ? n : 0] = '\0';
    at = strstr (text, "\nPid:\t");
    call->pid = at ? atoi (at + 6) : -1;
    if (call->pid <= 0)
        return -1;
    snprintf (path, sizeof path, "/proc/%d/ns/user", (int) call->pid);
    if (stat (path, &theirs) < 0 || stat ("/proc/self/ns/user", &mine) < 0)
        return -1;
    call->has_userns = mine.st_ino != theirs.st_ino;
    return 0;
}

/* The verb's place in argv is *@ret_at. */
static HelperVerb
find_verb (int argc, char **argv, int *ret_at)
{
    bool outside = argc < 4 || strcmp (argv[3], "--pidfd") != 0;

    *ret_at = outside ? 3 : 5;
    if (argc <= *ret_at || strcmp (argv[1], "--answer-fd") != 0)
        return NULL;
    for (size_t i = 0; i < N_VERBS; i++) {
        if (strcmp (argv[*ret_at], verbs[i].name) == 0 && argc - *ret_at - 1 == verbs[i].n_words
            && verbs[i].outside == outside)
            return verbs[i].run;
    }
    return NULL;
}

static int
usage (void)
{
    dprintf (STDERR_FILENO, "usage: skep-helper --answer-fd FD [--pidfd FD] VERB WORD...\n");
    for (size_t i = 0; i < N_VERBS; i++)
        dprintf (STDERR_FILENO, "  %s %s\n", verbs[i].name, verbs[i].usage);
    return 2;
}

int
main (int argc, char **argv)
{
    MonitorPacket answer = { .type = MONITOR_FAILED };
    HelperCall call = { .pidfd = -1, .asker = -1, .answer_fd = -1 };
    int out, at;
    HelperVerb verb = find_verb (argc, argv, &at);

    if (!verb)
        return usage ();
    prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
    fd_cloexec_from (3);
    call.asker = out = fd_parse (argv[2]);
    call.n_words = argc - at - 1;
    call.words = argv + at + 1;
    if (at == 5)
        call.pidfd = fd_parse (argv[4]);
    if (out < 0 || (at == 5 && (call.pidfd < 0 || describe (&call) < 0))) {
        errno = ESRCH;
        helper_failed (&answer, STEP_MOUNT_NAMESPACE, "pidfd");
    } else {
        verb (&call, &answer);
    }
    return fd_send (out, &answer, sizeof answer, &call.answer_fd, call.answer_fd >= 0 ? 1 : 0) < 0
        && fd_write_all (out, &answer, sizeof answer) < 0;
}
