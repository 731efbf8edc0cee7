/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Control groups of this machine, for real where we may write to them. Everything happens below one partition of the
 * test's process, which is removed at its end.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "host/cgroup_private.h"

gboolean groups_usable (void);          /* FALSE: the test is skipped */
const char *partition_name (void);      /* "/skep-test-PID" */
void partition_remove (void);
Cgroup *group_make (const char *name);
gboolean group_exists (const char *path);       /* in any hierarchy */
void group_remove (Cgroup *c, guint ms);        /* at the latest after so many */

/* A child in the guest's groups (@guest) or the controller's, joined as a start does it; then it runs
 * @then, which does not return. The child is in its groups when this function returns. */
pid_t child_start (Cgroup *c, gboolean guest, void (*then) (int), int argument);
pid_t child_start_guest (Cgroup *c);            /* which sleeps */
void child_assert_killed (pid_t pid);
