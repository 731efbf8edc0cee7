/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notes of a change of limits. Before the kernel gets anything the status file has what the kernel has, and, where
 * the saved definition is to change as well, that one as it is. They go with the file that has the live definition
 * as it shall be: so a daemon that finds them puts back what one that died had begun, and what is wanted is effective.
 */
#pragma once

#include "driver/tune.h"

#define NOTE_LIMITS       "limits"          /* tune_work_format() */
#define NOTE_LIMITS_SAVED "limits-saved"    /* CHECKSUM DOCUMENT: of what it becomes, and as it is */

/* @now, @then: texts of the saved definition, NULL: it stays. In the file once somebody saves the status. FALSE: there
 * is nothing to be noted. */
gboolean tune_note (Instance *instance, const TuneWork *back, const char *now, const char *then);
void tune_unnote (Instance *instance);

/* After re-adoption, as device_recover(). Of a container that has ended, or begins anew, the saved definition alone. */
void tune_recover (Domain *domain, gboolean alive);
