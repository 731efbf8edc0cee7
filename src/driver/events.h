/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain events to the clients that asked for them, in both styles (numbered callbacks, legacy). */
#pragma once

#include "driver/dispatch.h"

void event_lifecycle (const Domain *domain, int event, int detail);
void event_reboot (const Domain *domain);
void event_metadata_change (const Domain *domain, int type, const char *nsuri);
void events_client_gone (Client *client);
