/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions and status on disk: atomic, durable, bad files set aside and never deleted. */
#pragma once

#include "driver/domains.h"

gboolean store_save_config (const DomainDef *def, GError **error);
gboolean store_remove_config (const char *name, GError **error);
gboolean store_set_autostart (const char *name, gboolean autostart, GError **error);
gboolean store_save_status (Domain *domain, GError **error);
void store_remove_status (const char *name);
/* Loads /etc/skep/lxc/*.xml and the autostart links; a bad file is renamed to NAME.xml.bad-TIME (a message
 * says why) and the rest loads. */
void store_load (DomainList *list);
