/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes of a container by their number in it. From the host's side: nothing enters the container,
 * where it could be seen. May take long with many processes: for pool threads.
 */
#pragma once

#include <glib.h>

/* A pidfd of process @pid of the container whose init is process @init of the host; -1 with ERR_SYSTEM
 * and ESRCH when there is none. */
int guest_pid_open (int init, int pid, GError **error);
