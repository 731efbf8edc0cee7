/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

ssize_t
fd_read_all (int fd, void *buffer, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = read (fd, (char *) buffer + done, size - done);

        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        done += (size_t) n;
    }
    return (ssize_t) done;
}

int
fd_write_all (int fd, const void *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = write (fd, (const char *) data + done, size - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        done += (size_t) n;
    }
    return 0;
}

int
fd_open_resolved (int root, const char *path, int flags, uint64_t resolve)
{
    struct open_how how = {
        .flags = (uint64_t) (flags | O_CLOEXEC),
        .resolve = resolve | RESOLVE_NO_MAGICLINKS,
    };
    int fd;

    /* EAGAIN: a rename or mount, anywhere on the host, raced with the walk; the kernel asks to try again. Whoever
     * renames all the time is not always on a processor: after some quick tries there are slower ones. */
    for (int tries = 0; tries < 132; tries++) {
        if (tries >= 32)
            usleep (1000);
        fd = (int) syscall (SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return fd;
}

int
fd_open_in_root (int root, const char *path, int flags)
{
    return fd_open_resolved (root, path, flags, RESOLVE_IN_ROOT);
}

int
fd_open_beneath (int root, const char *path, int flags)
{
    return fd_open_resolved (root, path, flags, RESOLVE_BENEATH);
}

int
fd_parse (const char *word)
{
    char *end;
    unsigned long fd = strtoul (word, &end, 10);

    return *end == '\0' && end != word && fd < 4096 ? (int) fd : -1;
}

typedef union {
    struct cmsghdr align;
    char space[CMSG_SPACE (FD_PASS_MAX * sizeof (int))];
} FdControl;

int
fd_send (int sock, const void *data, size_t size, const int *fds, unsigned n_fds)
{
    FdControl control;
    struct iovec iov = { .iov_base = (void *) data, .iov_len = size };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t n;

    if (n_fds > FD_PASS_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    if (n_fds > 0) {
        struct cmsghdr *cmsg;

        memset (&control, 0, sizeof control);
        msg.msg_control = control.space;
        msg.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
        cmsg = CMSG_FIRSTHDR (&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
        memcpy (CMSG_DATA (cmsg), fds, n_fds * sizeof (int));
    }
    do
        n = sendmsg (sock, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0 && (size_t) n != size) {
        errno = EMSGSIZE;
        return -1;
    }
    return n < 0 ? -1 : 0;
}

/* Moves the received descriptors to @fds; those without room are closed and counted as an overflow. */
static bool
take_fds (struct msghdr *msg, int *fds, unsigned room, unsigned *n_fds)
{
    bool overflow = false;

    for (struct cmsghdr *c = CMSG_FIRSTHDR (msg); c; c = CMSG_NXTHDR (msg, c)) {
        size_t n;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        n = (c->cmsg_len - CMSG_LEN (0)) / sizeof (int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy (&fd, CMSG_DATA (c) + i * sizeof fd, sizeof fd);
            if (*n_fds < room) {
                fds[(*n_fds)++] = fd;
            } else {
                close (fd);
                overflow = true;
            }
        }
    }
    return overflow;
}

ssize_t
fd_receive (int sock, void *data, size_t size, int *fds, unsigned *n_fds)
{
    FdControl control;
    struct iovec iov = { .iov_base = data, .iov_len = size };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1,
        .msg_control = control.space, .msg_controllen = sizeof control.space,
    };
    unsigned room = n_fds ? *n_fds : 0, got = 0;
    bool overflow;
    ssize_t n;

    do
        n = recvmsg (sock, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    overflow = take_fds (&msg, fds, room, &got);
    if (overflow || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        while (got > 0)
            close (fds[--got]);
        if (n_fds)
            *n_fds = 0;
        errno = EMSGSIZE;
        return -1;
    }
    if (n_fds)
        *n_fds = got;
    return n;
}

int
fd_cloexec_from (unsigned first)
{
    return (int) syscall (SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC);
}

int
pidfd_of (pid_t pid)
{
    return (int) syscall (SYS_pidfd_open, pid, 0);
}

int
pidfd_signal (int pidfd, int signum)
{
    return (int) syscall (SYS_pidfd_send_signal, pidfd, signum, NULL, 0);
}
