/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For the tests' daemon only. The file that SKEP_FAULT_FILE names says what happens where, as
 * "ACTION PLACE STEP": ACTION fail, kill (this daemon), kill-controller, kill-both, kill-init (the controller's one
 * child); PLACE before, after, undo. It is read at every step, so that one daemon serves many tests, and removed once
 * it has matched.
 */
#include "driver/fault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
kill_init (pid_t controller)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/task/%d/children", (int) controller, (int) controller);
    g_autofree char *text = NULL;
    int init = g_file_get_contents (path, &text, NULL, NULL) ? atoi (text) : 0;

    if (init > 0)
        kill (init, SIGKILL);
}

static gboolean
act (const char *action, pid_t controller)
{
    gboolean both = strcmp (action, "kill-both") == 0;

    if ((both || strcmp (action, "kill-controller") == 0) && controller > 0)
        kill (controller, SIGKILL);
    if (both || strcmp (action, "kill") == 0)
        kill (getpid (), SIGKILL);
    if (strcmp (action, "kill-init") == 0 && controller > 0)
        kill_init (controller);
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
