/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "controller/enter.h"
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

/* Signals that init waits for in sigtimedwait(2), as busybox does: while it sleeps there the kernel
 * holds them apart from those that /proc shows as blocked. The set lies in init's memory, at the
 * call's first argument. Eight bytes of the container's own word, used for nothing but to choose among
 * its own signals. */
static uint64_t
waited_signals (int proc)
{
    char text[256], *end;
    uint64_t mask = 0;
    autofd int call = openat (proc, "syscall", O_RDONLY | O_CLOEXEC);
    autofd int memory = openat (proc, "mem", O_RDONLY | O_CLOEXEC);
    ssize_t n = call >= 0 ? read (call, text, sizeof text - 1) : -1;

    text[n > 0 ? n : 0] = '\0';
    if (memory < 0 || strtol (text, &end, 10) != SYS_rt_sigtimedwait || *end != ' ')
        return 0;
    if (pread (memory, &mask, sizeof mask, (off_t) strtoul (end, NULL, 16)) != sizeof mask)
        return 0;
    return mask;
}

void
errand_halt (const ErrandHalt *errand, MonitorPacket *answer)
{
    struct stat host[N_FIFOS];
    autofd int root = -1, systemd = -1, proc = -1;
    char path[32];

    memset (answer, 0, sizeof *answer);
    memset (host, 0, sizeof host);
    answer->type = MONITOR_FAILED;
    /* the host's, while it is still in sight */
    for (size_t i = 0; i < N_FIFOS; i++) {
        if (stat (fifo_names[i], &host[i]) < 0)
            memset (&host[i], 0, sizeof host[i]);
    }
    snprintf (path, sizeof path, "/proc/%d", (int) errand->pid);
    proc = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0 || enter_namespaces (errand->pidfd, CLONE_NEWNS | (errand->has_userns ? CLONE_NEWUSER : 0)) < 0
        || (root = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
        answer->err = errno;
        strcpy (answer->object, "the container's mount namespace");
        return;
    }
    answer->type = MONITOR_DONE;
    /* from in there: with the container's credentials, whatever the caller has kept of its own */
    answer->b = waited_signals (proc);
    if (errand->look_for_systemd)
        systemd = path_open (root, "/run/systemd/system", O_PATH | O_DIRECTORY, PATH_FOLLOW);
    if (systemd >= 0)
        answer->flags |= ERRAND_FOUND_SYSTEMD;
    else if (errand->runlevel && write_initctl (root, errand->runlevel, host) == 0)
        answer->flags |= ERRAND_WROTE_INITCTL;
}
