/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seam where tests make a start fail. skepd links fault_none.c, which does nothing; the daemon
 * of tests/start links fault_env.c instead, which obeys SKEP_FAULT_FILE. So no shipped program can
 * be told to fail.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef enum { FAULT_BEFORE, FAULT_AFTER, FAULT_UNDO } FaultPlace;

/* Called around every step and before every undo; @controller is the controller's pid or 0. TRUE
 * makes the step fail; it may also end the daemon or the controller on the spot. */
gboolean fault_here (const char *step, FaultPlace place, pid_t controller);
