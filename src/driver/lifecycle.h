/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one writer of domain->state. A table {from, event} -> {to, reason, client event, audit, next}
 * decides; state, status file, event and audit record change together, here.
 */
#pragma once

#include "driver/domains.h"

typedef enum {
    LIFE_DEFINED, LIFE_REDEFINED, LIFE_UNDEFINED,
    LIFE_STARTED, LIFE_START_FAILED, LIFE_READOPTED, LIFE_READOPTED_PAUSED,
    LIFE_SUSPENDED, LIFE_RESUMED,
    LIFE_SHUTDOWN,              /* init ended by itself */
    LIFE_CRASHED,               /* init ended with a failure */
    LIFE_DESTROYED, LIFE_CONTROLLER_DIED,
    LIFE_REBOOTED,              /* new instance runs after reboot */
    LIFE_REBOOT_FAILED,
    LIFE_LAST
} LifeEvent;

/* Applies the row; an event the table does not allow from the present state is logged and ignored. */
gboolean lifecycle_apply (Domain *domain, LifeEvent event);
