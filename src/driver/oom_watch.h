/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells clients (memory-failure) and the domain's log when the kernel has killed a process of a running
 * container because its memory limit was reached. */
#pragma once

#include "driver/instance.h"

/* Where the kernel cannot tell, nothing is watched. @fresh: the group was made for this start, so that what
 * was killed in it before is told, too. */
void oom_watch_begin (Instance *instance, gboolean fresh);
/* Init has ended, the group is still there: killing may have been why, and is told before the end. */
void oom_watch_last (const Instance *instance);
void oom_watch_free (OomWatch *watch);
