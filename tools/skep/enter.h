/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running a command inside a container's namespaces. */
#pragma once

enum { ENTER_FAILED = 125, ENTER_NOT_EXECUTABLE = 126, ENTER_NOT_FOUND = 127 };

/* Joins the cgroup of process @id (a domain's controller) and the namespaces @fds (in the order they
 * came: user, ipc, uts, net, pid, mnt), then runs @argv there and waits. Returns its exit code (128 +
 * signal when one killed it) or an ENTER_* code with a sentence in *ret_why (free it). */
int enter_run (int id, const int *fds, int n_fds, const char *const *argv, char **ret_why);
