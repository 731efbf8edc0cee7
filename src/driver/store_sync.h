/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Definitions reach the disk in groups: a change is in place, and survives the death of the daemon,
 * when the client is answered; it survives a power cut a little later (STORE_SYNC_MS and one flush
 * of the disk). One flush serves all changes of that time, so a thousand definitions do not cost a
 * thousand.
 *
 * Until then the version before stands beside a replaced file as ".NAME.xml.old". Who finds the
 * file cut off after a power cut takes that one.
 */
#pragma once

#include "driver/store_write.h"

#define STORE_SYNC_MS 20

/* Has synced what was written; takes its paths. Main loop. */
void store_sync_written (StoreWritten *written);
/* For the daemon's end: begins what waits, and from then on whatever is written still; task_drain_for() waits for
 * both. */
void store_sync_now (void);
