/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/fault.h"

gboolean
fault_here (const char *step, FaultPlace place, pid_t controller)
{
    (void) step;
    (void) place;
    (void) controller;
    return FALSE;
}
