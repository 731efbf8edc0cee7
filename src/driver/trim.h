/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trimming of a container's file systems (api_trim.c). It takes its time, and keeps the file system in use: so it is
 * ended by what wants that gone, a detach or the end of the container, and by virDomainAbortJob.
 */
#pragma once

#include "driver/instance.h"

/* Ends what trims @target, a file system's directory, or all (NULL): such a call fails with
 * ERR_OPERATION_ABORTED. TRUE: there is some, and @done (NULL: nobody) is called when it is over. */
gboolean trim_stop (Instance *instance, const char *target, void (*done) (gpointer data), gpointer data);
/* Since when the oldest that is under way runs: g_get_monotonic_time(); 0 when none does. */
gint64 trim_since (const Instance *instance);
/* The instance goes; what is under way has been stopped. */
void trim_forget (Instance *instance);
