/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What events of a domain say of its state. */
#pragma once

#include "client/skep.h"

/* The state after a lifecycle event, as skep_state_name() has it; NULL: it says nothing of the state. */
const char *event_state (const SkepEvent *event);
/* Why, in small letters: "booted", "destroyed"; to be freed. */
char *event_reason (const SkepEvent *event);
