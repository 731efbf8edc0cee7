/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/path.h"
#include "util/fd.h"

#define INITCTL_MAGIC 0x03091969
#define INITCTL_RUNLEVEL 1

/* What sysvinit, upstart and systemd-initctl read: 384 bytes. */
typedef struct {
    int32_t magic;
    int32_t command;
    int32_t runlevel;
    int32_t delay;
    char rest[368];
} InitctlRequest;

_Static_assert (sizeof (InitctlRequest) == 384, "the record of initctl(8)");

static const char *const fifo_names[] = { "/run/initctl", "/dev/initctl", "/etc/.initctl" };
#define N_FIFOS (sizeof fifo_names / sizeof *fifo_names)

static int
enter (int pidfd, int has_userns)
{
    if (setns (pidfd, CLONE_NEWNS | (has_userns ? CLONE_NEWUSER : 0)) < 0)
        return -1;
    if (has_userns && (setgroups (0, NULL) < 0 || setresgid (0, 0, 0) < 0
                       || setresuid (0, 0, 0) < 0))
        return -1;
    return chdir ("/");
}

/* The fifo in the container, opened without waiting: ENXIO when init does not read it. */
static int
open_fifo (int root, const char *path, const struct stat *host)
{
    autofd int fd = path_open (root, path, O_WRONLY | O_NONBLOCK | O_NOCTTY, PATH_FOLLOW);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat (fd, &st) < 0)
        return -1;
    if (!S_ISFIFO (st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    /* a container on the host's own tree sees the host's fifo: that one is not for us */
    for (size_t i = 0; i < N_FIFOS; i++) {
        if (host[i].st_ino == st.st_ino && host[i].st_dev == st.st_dev && st.st_ino != 0) {
            errno = EXDEV;
            return -1;
        }
    }
    return fd_steal (&fd);
}

static int
write_initctl (int root, char runlevel, const struct stat *host)
{
    InitctlRequest request = {
        .magic = INITCTL_MAGIC, .command = INITCTL_RUNLEVEL, .runlevel = runlevel,
    };

    for (size_t i = 0; i < N_FIFOS; i++) {
        autofd int fd = open_fifo (root, fifo_names[i], host);

        /* below PIPE_BUF: all or nothing */
        if (fd >= 0)
            return write (fd, &request, sizeof request) == sizeof request ? 0 : -1;
    }
    return -1;
}

void
errand_halt (int pidfd, char runlevel, int only_initctl, int has_userns, MonitorPacket *answer)
{
    struct stat host[N_FIFOS];
    autofd int root = -1, systemd = -1;

    memset (answer, 0, sizeof *answer);
    memset (host, 0, sizeof host);
    answer->type = MONITOR_FAILED;
    /* the host's, while it is still in sight */
    for (size_t i = 0; i < N_FIFOS; i++) {
        if (stat (fifo_names[i], &host[i]) < 0)
            memset (&host[i], 0, sizeof host[i]);
    }
    if (enter (pidfd, has_userns) < 0
        || (root = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
        answer->err = errno;
        strcpy (answer->object, "the container's mount namespace");
        return;
    }
    if (!only_initctl) {
        systemd = path_open (root, "/run/systemd/system", O_PATH | O_DIRECTORY, PATH_FOLLOW);
        if (systemd >= 0)
            answer->flags |= ERRAND_FOUND_SYSTEMD;
    }
    if (systemd < 0) {
        if (write_initctl (root, runlevel, host) == 0)
            answer->flags |= ERRAND_WROTE_INITCTL;
        else if (only_initctl) {
            answer->err = errno;
            strcpy (answer->object, "initctl");
            return;
        }
    }
    answer->type = MONITOR_DONE;
}
