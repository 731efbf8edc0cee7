/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs of shift.h. */
#include <signal.h>
#include <sys/prctl.h>

#include "controller/helper.h"
#include "controller/shift.h"

void
helper_idmap (HelperCall *call, MonitorPacket *answer)
{
    shift_probe (call->words[0], answer);
}

void
helper_shift (HelperCall *call, MonitorPacket *answer)
{
    static ShiftTask task;

    task.root = call->words[0];
    task.records = call->words[1];
    /* whoever asked is gone: nobody would read the answer, and the next one asks again */
    prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (shift_map_parse (call->words[2], &task.uids) < 0 || shift_map_parse (call->words[3], &task.gids) < 0)
        helper_failed (answer, STEP_ID_MAPS, "id map");
    else
        shift_run (&task, answer);
}
