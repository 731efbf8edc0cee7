/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which devices of the host come and go. The kernel says that something happened; what it was is told from two
 * readings of all devices, so it is what the lists say.
 */
#pragma once

#include "driver/dispatch.h"

typedef void (*NodeTold) (const char *name, gboolean created);

/* Begins to watch, if nobody does yet. */
gboolean node_watch_begin (NodeTold told, GError **error);
void node_watch_end (void);
/* Answers @call once it is known what there is: what comes after the answer is told. */
ApiResult node_watch_answer (Call *call);
