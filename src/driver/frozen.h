/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frozen file systems of a container: those on a device or image of their own, which nobody on the host
 * has mounted. Each is held open, so that it can be thawed whatever the guest does. They thaw by
 * themselves when the time is up, before the container ends (its processes could not), and when the daemon
 * ends; a daemon that died leaves a note, by which the next one thaws.
 */
#pragma once

#include "driver/dispatch.h"
#include "driver/instance.h"

#define NOTE_FROZEN "frozen"            /* targets, one a line */
#define FROZEN_MAX_MS 60000

/* Begins to thaw all, where there are any. May be called at any time; whoever waits for the domain's
 * processes goes on waiting until the kernel has done it. */
void frozen_release (Instance *instance);
/* After re-adoption, what the note says. */
void frozen_recover (Domain *domain);
