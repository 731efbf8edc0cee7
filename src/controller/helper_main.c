/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * skep-helper: errands inside a container on the daemon's behalf. Answers with one MonitorPacket on
 * --answer-fd and ends.
 *
 *   skep-helper --answer-fd FD --pidfd FD initctl 0|6      writes the container's initctl fifo
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/errand.h"
#include "util/fd.h"

static int
parse_fd (const char *text)
{
    char *end;
    unsigned long fd = strtoul (text, &end, 10);

    return *end == '\0' && end != text && fd < 4096 ? (int) fd : -1;
}

/* The number of the process of @pidfd here, and whether it lives in another user namespace. */
static int
describe (int pidfd, ErrandHalt *errand)
{
    char path[64], text[512], *at;
    autofd int fd = -1;
    struct stat mine, theirs;
    ssize_t n;

    snprintf (path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    fd = open (path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? fd_read_all (fd, text, sizeof text - 1) : -1;
    text[n > 0 ? n : 0] = '\0';
    at = strstr (text, "\nPid:\t");
    errand->pidfd = pidfd;
    errand->pid = at ? atoi (at + 6) : -1;
    if (errand->pid <= 0)
        return -1;
    snprintf (path, sizeof path, "/proc/%d/ns/user", (int) errand->pid);
    if (stat (path, &theirs) < 0 || stat ("/proc/self/ns/user", &mine) < 0)
        return -1;
    errand->has_userns = mine.st_ino != theirs.st_ino;
    return 0;
}

int
main (int argc, char **argv)
{
    MonitorPacket answer = { .type = MONITOR_FAILED };
    ErrandHalt errand = { .pidfd = -1 };
    int out, pidfd;

    if (argc != 7 || strcmp (argv[1], "--answer-fd") != 0 || strcmp (argv[3], "--pidfd") != 0
        || strcmp (argv[5], "initctl") != 0
        || (strcmp (argv[6], "0") != 0 && strcmp (argv[6], "6") != 0)) {
        dprintf (STDERR_FILENO, "usage: skep-helper --answer-fd FD --pidfd FD initctl 0|6\n");
        return 2;
    }
    prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
    out = parse_fd (argv[2]);
    pidfd = parse_fd (argv[4]);
    errand.runlevel = argv[6][0];
    if (out < 0 || pidfd < 0 || describe (pidfd, &errand) < 0) {
        answer.err = ESRCH;
        strcpy (answer.object, "pidfd");
    } else {
        errand_halt (&errand, &answer);
    }
    return fd_send (out, &answer, sizeof answer, NULL, 0) < 0
        && fd_write_all (out, &answer, sizeof answer) < 0;
}
