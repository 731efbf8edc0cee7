/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File descriptors: owned by a scope, opened beneath a root, passed over sockets.
 * No GLib, no allocation, no logging: safe between clone and exec. Failures are -1 with errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

static inline void
fd_close (int *fd)
{
    if (*fd >= 0)
        close (*fd);
    *fd = -1;
}

/* The same for the elements of an array. */
static inline void
fd_close_element (void *fd)
{
    fd_close (fd);
}

/* Takes the fd out of its variable, which then owns nothing. */
static inline int
fd_steal (int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/* `autofd int fd = -1;` closes fd at the end of its scope. */
#define autofd __attribute__ ((cleanup (fd_close)))

/* Whole-buffer read and write: retry on EINTR and short counts. fd_read_all() returns the number of
 * bytes got before end of file (at most @size), fd_write_all() 0 or -1. */
ssize_t fd_read_all (int fd, void *buffer, size_t size);
int fd_write_all (int fd, const void *data, size_t size);

/* openat2(2) with @resolve, RESOLVE_NO_MAGICLINKS and O_CLOEXEC. */
int fd_open_resolved (int root, const char *path, int flags, uint64_t resolve);

/* Opens @path below @root without ever leaving it: symbolic links, "..", absolute paths resolve
 * inside the root (RESOLVE_IN_ROOT). */
int fd_open_in_root (int root, const char *path, int flags);

/* The same, but any path that would leave @root is an error (RESOLVE_BENEATH). */
int fd_open_beneath (int root, const char *path, int flags);

/* The number of a descriptor that a program was given as a word; -1 when it is none. */
int fd_parse (const char *word);

/* Sends @size bytes as one packet with @n_fds (at most FD_PASS_MAX) descriptors. 0 or -1. */
#define FD_PASS_MAX 64
int fd_send (int sock, const void *data, size_t size, const int *fds, unsigned n_fds);

/* Receives one packet; received descriptors are close-on-exec and stored in @fds, *n_fds is the room
 * on entry and the count on return. A packet or control message that does not fit is EMSGSIZE, with
 * every received descriptor closed. Returns the length, 0 at end of file, -1 on error. */
ssize_t fd_receive (int sock, void *data, size_t size, int *fds, unsigned *n_fds);

/* Marks every descriptor from @first on close-on-exec. */
int fd_cloexec_from (unsigned first);

int pidfd_of (pid_t pid);                   /* pidfd_open(2) */
int pidfd_signal (int pidfd, int signum);   /* pidfd_send_signal(2) */
