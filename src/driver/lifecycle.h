/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one writer of domain->state. A table {from, event} -> {to, reason, client event, audit, next}
 * decides; state, status file, event and audit record change together, here.
 */
#pragma once

#include "driver/domains.h"

typedef enum {
    LIFE_DEFINED, LIFE_REDEFINED, LIFE_UNDEFINED,
    LIFE_RENAMING, LIFE_RENAMED,    /* before and after the domain has its new name */
    LIFE_STARTED, LIFE_START_FAILED, LIFE_READOPTED, LIFE_READOPTED_PAUSED, LIFE_READOPTED_KEPT,
    LIFE_SUSPENDED, LIFE_RESUMED,
    LIFE_SHUTDOWN,              /* init ended by itself */
    LIFE_CRASHED,               /* init ended with a failure */
    LIFE_DESTROYED, LIFE_CONTROLLER_DIED,
    LIFE_REBOOTED,              /* new instance runs after reboot */
    LIFE_REBOOT_FAILED,
    LIFE_PRESERVED,             /* init ended, <on_...>preserve keeps what the container had */
    LIFE_LAST
} LifeEvent;

/* What the table says happens to the object after its container has gone. */
typedef enum {
    LIFE_NEXT_NOTHING,
    LIFE_NEXT_RUNS,             /* the status file is saved */
    LIFE_NEXT_OFF,              /* id and live definition go, a transient domain leaves the list */
} LifeNext;

/* Applies the row; an event the table does not allow from the present state is logged and ignored.
 * The caller holds a reference, and has undone everything of the container before a row that ends
 * it. */
gboolean lifecycle_apply (Domain *domain, LifeEvent event);

/* After READOPTED: the reason that the status file had kept. */
void lifecycle_restore_reason (Domain *domain, int reason);

/* For tests and docs/lifecycle.md: the table as text, one line a row. */
char *lifecycle_table_text (void);
