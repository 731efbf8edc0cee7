/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the controller sets init from outside, with the host's credentials, while init waits. */
#pragma once

#include <sys/types.h>

#include "controller/failure.h"
#include "plan/plan.h"

/* Before init does anything in its user namespace: its ids mean nothing until then. */
int init_write_maps (const launch_plan *plan, pid_t init, Failure *failure);

/* Resource limits, and how much the kernel prefers to kill it for want of memory. Where the host itself may not
 * give as much, init gets what there is. */
int init_set_limits (const launch_plan *plan, pid_t init, Failure *failure);
