/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Before main(): namespaces of the test's own, and the duty of reaping every orphan. */
#pragma once

#include <glib.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

static inline void
private_namespaces (void)
{
    if (geteuid () != 0) {
        if (g_getenv ("MUST_WORK"))
            g_error ("needs root");
        exit (77);
    }
    if (unshare (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0
        || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        g_error ("no namespaces of our own");
    prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}
