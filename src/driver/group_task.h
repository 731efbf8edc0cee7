/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A task that writes into the control group of a container, which may take as long as memory needs to go elsewhere, or
 * a device with what it has under way. The group is not removed before: start_cgroup.c asks instance->writers. */
#pragma once

#include "driver/tune.h"
#include "util/task.h"

/* As task_run_waiting(), which other writers of the same domain with the same @what wait in. @done may find that the
 * instance has gone. */
void group_task (Instance *instance, const char *what, TaskRun run, gpointer input, GDestroyNotify free_input,
                 TaskDone done, gpointer data);

/* The same for limits: takes @work. @done gets a result, or an error. */
void group_tune (Instance *instance, TuneWork *work, TaskDone done, gpointer data);
