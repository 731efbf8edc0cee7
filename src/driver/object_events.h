/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of what is no domain: devices of the host, which are watched while somebody asked for their events, and
 * secrets, networks and storage pools, of which there are none.
 */
#pragma once

#include "driver/dispatch.h"

typedef enum { OBJECT_NODE_DEVICE, OBJECT_SECRET, OBJECT_NETWORK, OBJECT_POOL, OBJECT_LAST } ObjectKind;

/* "secret", as in messages. */
const char *object_kind_name (ObjectKind kind);
/* @name NULL: of all. Returns the callback's number, -1 with error. */
int object_events_register (Client *client, ObjectKind kind, int event, const char *name, GError **error);
gboolean object_events_deregister (Client *client, ObjectKind kind, int number, GError **error);
void object_events_client_gone (Client *client);
