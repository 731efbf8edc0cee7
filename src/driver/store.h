/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions and status on disk: atomic, synced (store_sync.h), bad files set aside and never
 * deleted. */
#pragma once

#include "driver/domains.h"

/* Before there are clients: nobody waits meanwhile. After that it is a change (store_change.h). */
gboolean store_save_now (const DomainDef *def, GError **error);

/* What is saved of a container lies in the run directory and ends with the host's uptime, so it is
 * written atomically, but not synced. */
gboolean store_save_status (Domain *domain, GError **error);
void store_remove_status (const char *name);
/* Calls @each for every status file that can be read; takes @status. A bad one is set aside. */
void store_each_status (void (*each) (DomainStatus *status, gpointer data), gpointer data);

/* Loads CONFIG/NAME.xml and the autostart links; a bad file is renamed to NAME.xml.bad-TIME (a
 * message says why) and the rest loads. */
void store_load (DomainList *list);

/* For a reload: new files are defined (event DEFINED), changed definitions replaced without an
 * event. Nothing is set aside or removed; what cannot be read is only logged. */
void store_reload (DomainList *list);

/* RUN/domains/NAME.xml, RUN/domains/UUID.sock, LOG/NAME.log, RUN/domains/stage: free with g_free().
 * The socket has the uuid in its name, since a UNIX socket's path cannot hold the longest names. */
char *store_status_path (const char *name);
char *store_monitor_path (const DomainDef *def);
char *store_log_path (const char *name);
char *store_stage_dir (void);
/* Makes the directories above with their modes. */
gboolean store_make_dirs (GError **error);
