/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptors of containers (pidfds, monitor sockets) on the main loop: all behind one epoll
 * descriptor, so that a turn of the loop costs the same with ten containers as with ten thousand.
 */
#pragma once

#include <glib.h>

typedef struct FdWatch FdWatch;

/* Calls @ready whenever @fd can be read, or its other end has gone; until fd_watch_free(). @fd
 * stays the caller's and must outlive the watch. */
FdWatch *fd_watch_new (int fd, void (*ready) (gpointer data), gpointer data);
/* Also from inside @ready. NULL is fine. */
void fd_watch_free (FdWatch *watch);
