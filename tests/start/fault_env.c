/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For the tests' daemon only. The file that SKEP_FAULT_FILE names says what happens where, as
 * "ACTION PLACE STEP": ACTION fail, kill (this daemon), kill-controller; PLACE before, after, undo. It
 * is read at every step, so that one daemon serves many tests, and removed once it has matched.
 */
#include "driver/fault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gboolean
act (const char *action, pid_t controller)
{
    if (strcmp (action, "kill") == 0)
        kill (getpid (), SIGKILL);
    if (strcmp (action, "kill-controller") == 0 && controller > 0)
        kill (controller, SIGKILL);
    return strcmp (action, "fail") == 0;
}

gboolean
fault_here (const char *step, FaultPlace place, pid_t controller)
{
    static const char *const places[] = { "before", "after", "undo" };
    const char *path = getenv ("SKEP_FAULT_FILE");
    FILE *file = path ? fopen (path, "re") : NULL;
    char action[32], where[16], which[64];
    int n;

    if (!file)
        return FALSE;
    n = fscanf (file, "%31s %15s %63s", action, where, which);
    fclose (file);
    if (n != 3 || strcmp (where, places[place]) != 0 || strcmp (which, step) != 0)
        return FALSE;
    unlink (path);
    return act (action, controller);
}
