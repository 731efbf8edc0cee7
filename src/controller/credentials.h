/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What init may do: ids, capability sets, label, system call filter. Runs in the container's child. */
#pragma once

#include "controller/failure.h"
#include "controller/users.h"
#include "plan/plan.h"

/* Inside a user namespace: becomes its root. Without one: nothing but the loss of foreign groups. */
int credentials_become_root (const launch_plan *plan, Failure *failure);

/* The label that the next execve() takes on. @proc is the root of a procfs. */
int credentials_set_label (const launch_plan *plan, int proc, Failure *failure);

/* Bounding set and ids. Permitted capabilities survive for the steps that follow. */
int credentials_switch (const launch_plan *plan, const User *user, Failure *failure);

/* no_new_privs, the filter, the final capability sets: in this order, last before execve(). */
int credentials_seal (const launch_plan *plan, Failure *failure);
