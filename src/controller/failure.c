/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/failure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int
failure_set_detail (Failure *failure, unsigned step, const char *object, const char *detail)
{
    int err = errno;

    if (failure->step == STEP_NONE) {
        failure->step = step;
        failure->err = err;
        if (detail && detail[0])
            snprintf (failure->object, sizeof failure->object, "%.300s (%s)", object ? object : "",
                      detail);
        else
            snprintf (failure->object, sizeof failure->object, "%s", object ? object : "");
    }
    return -1;
}

int
failure_set (Failure *failure, unsigned step, const char *object)
{
    return failure_set_detail (failure, step, object, NULL);
}

int
failure_enter (Failure *failure, unsigned step, const char *object)
{
    int err = fault_at_step (step);

    if (err == 0)
        return 0;
    errno = err;
    return failure_set (failure, step, object);
}

void
failure_to_packet (const Failure *failure, MonitorPacket *packet)
{
    memset (packet, 0, sizeof *packet);
    packet->type = MONITOR_FAILED;
    packet->step = failure->step;
    packet->err = failure->err;
    memcpy (packet->object, failure->object, sizeof packet->object);
}

void
failure_from_packet (Failure *failure, const MonitorPacket *packet)
{
    if (failure->step != STEP_NONE)
        return;
    failure->step = packet->step;
    failure->err = packet->err;
    memcpy (failure->object, packet->object, sizeof failure->object);
    failure->object[sizeof failure->object - 1] = '\0';
}
