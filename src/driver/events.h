/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain events to the clients that asked for them, in both styles (numbered callbacks, legacy). */
#pragma once

#include "driver/dispatch.h"

/* virDomainEventID; those that are known but not listed here are never sent. */
typedef enum { EVENT_LIFECYCLE = 0, EVENT_REBOOT = 1, EVENT_CONTROL_ERROR = 7, EVENT_BALLOON_CHANGE = 13,
               EVENT_DEVICE_REMOVED = 15, EVENT_TUNABLE = 17, EVENT_DEVICE_ADDED = 19,
               EVENT_JOB_COMPLETED = 21, EVENT_DEVICE_REMOVAL_FAILED = 22, EVENT_METADATA_CHANGE = 23,
               EVENT_MEMORY_FAILURE = 25, EVENT_KNOWN_LAST = 28 } EventId;
#define EVENT_LEGACY_LAST 16    /* ids below can be asked for without a callback number */

void event_lifecycle (const Domain *domain, int event, int detail);
void event_reboot (const Domain *domain);
void event_balloon_change (const Domain *domain, guint64 memory);       /* KiB */
/* Takes @params, of wire_typed_param (params.h): limits that changed while running, by libvirt's names. */
void event_tunable (const Domain *domain, GArray *params);
/* Devices by their alias in the live definition. */
void event_device_added (const Domain *domain, const char *alias);
void event_device_removed (const Domain *domain, const char *alias);
void event_device_removal_failed (const Domain *domain, const char *alias);
/* The daemon has lost its hold of the container: the controller does not answer. */
void event_control_error (const Domain *domain);
/* Takes @params: what is known of a long job that has ended. */
void event_job_completed (const Domain *domain, GArray *params);
/* virDomainMemoryFailureRecipientType, ...ActionType, ...Flags */
void event_memory_failure (const Domain *domain, int recipient, int action, guint flags);
void event_metadata_change (const Domain *domain, int type, const char *nsuri);

/* @uuid NULL: all domains. Returns the callback's number, unique in this daemon's life; -1: @client has
 * asked for just that already, or there is no such event. */
int events_register (Client *client, int event, const guint8 *uuid, gboolean legacy, GError **error);
gboolean events_deregister (Client *client, int callback, GError **error);
gboolean events_deregister_legacy (Client *client, int event, GError **error);
void events_client_gone (Client *client);
