/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells clients (memory-failure) and the domain's log when the kernel has killed a process of a running
 * container because its memory limit was reached. */
#pragma once

#include "driver/instance.h"

/* Where the kernel cannot tell, nothing is watched. */
void oom_watch_begin (Instance *instance);
void oom_watch_free (OomWatch *watch);
