/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Running a command inside a container's namespaces.
 *
 * The command is the container's, so it must get nothing of the host: it runs with the container's
 * own bounding set of capabilities, in its cgroup, with no descriptor but 0, 1 and 2, and a terminal
 * among these is replaced by one of the container's own. The program that goes in is a sealed copy
 * of skep in memory: a guest that opens /proc/PID/exe of it, or whose command is a script for
 * #!/proc/self/exe, does not reach the file on the host (CVE-2019-5736).
 */
#pragma once

#include <stdbool.h>

enum { ENTER_FAILED = 125, ENTER_NOT_EXECUTABLE = 126, ENTER_NOT_FOUND = 127 };

typedef struct {
    int parent;                 /* pid of the skep that waits: with it the command ends */
    int id;         /* a domain's: the pid of its controller, init is its child */
    const int *fds; /* namespaces, the user namespace first */
    int n_fds;
    const char *label; /* what to write to attr/exec, "" none */
    const char *const *argv;
} EnterRequest;

/* Runs the command and waits. Returns its exit code (128 + signal when one killed it) or an ENTER_*
 * code with a sentence in *ret_why (free it) unless the command's side printed one. */
int enter_run (const EnterRequest *request, char **ret_why);

/* Is this program the copy that goes in? Then main() is enter_main(). */
bool enter_is_copy (int argc, char **argv);
int enter_main (int argc, char **argv);
