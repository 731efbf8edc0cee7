/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "states.h"

#include <glib.h>

/* Defined and undefined come of running domains, too. Indexed by virDomainEventType. */
static const SkepState states[] = { SKEP_STATE_NONE,    SKEP_STATE_NONE,        SKEP_STATE_RUNNING,
                                    SKEP_STATE_PAUSED,  SKEP_STATE_RUNNING,     SKEP_STATE_SHUTOFF,
                                    SKEP_STATE_SHUTDOWN, SKEP_STATE_PMSUSPENDED, SKEP_STATE_CRASHED };

static int
number_of (const SkepEvent *event, const char *name)
{
    const SkepParam *param = event->event == SKEP_EVENT_LIFECYCLE ? skep_params_find (event->values, name)
                                                                  : NULL;

    return param ? param->value.i : -1;
}

const char *
event_state (const SkepEvent *event)
{
    int type = number_of (event, "event");

    return type >= 0 && type < (int) G_N_ELEMENTS (states) && states[type] != SKEP_STATE_NONE
             ? skep_state_name ((int) states[type])
             : NULL;
}

char *
event_reason (const SkepEvent *event)
{
    return g_ascii_strdown (
        skep_lifecycle_detail_name (number_of (event, "event"), number_of (event, "detail")), -1);
}
