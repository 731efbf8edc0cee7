/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One socket to a controller (plan/monitor.h): the start socket, or the monitor socket. Packets go
 * to a handler, answers to whoever asked. Everything on the main loop; nothing blocks: a controller
 * that does not read its socket counts as one that failed.
 */
#pragma once

#include <glib.h>

#include "plan/monitor.h"

typedef struct MonitorLink MonitorLink;

typedef struct {
    /* @fds of the packet were closed already: controllers send none. May free the link. */
    void (*packet) (const MonitorPacket *packet, gpointer data);
    /* The other end has gone or talks nonsense; no packet follows. May free the link. */
    void (*closed) (gpointer data);
    /* NULL, or: a request had no answer in time, the first since a packet came. Not to free the link. */
    void (*late) (gpointer data);
} MonitorHandlers;

/* Takes @fd (SOCK_SEQPACKET, connected). */
MonitorLink *monitor_link_new (int fd, const MonitorHandlers *handlers, gpointer data);
/* ERR_SYSTEM when nobody listens there. */
MonitorLink *monitor_link_connect (const char *path, const MonitorHandlers *handlers, gpointer data,
                                   GError **error);
/* Requests that wait are answered: ERR_SYSTEM with ESRCH. */
void monitor_link_free (MonitorLink *link);

/* A request had no answer in time, and no packet has come since. */
gboolean monitor_link_late (const MonitorLink *link);

/* Reads what is there now, as the main loop would. May free the link through a handler. */
void monitor_link_drain (MonitorLink *link);

gboolean monitor_link_send (MonitorLink *link, const MonitorPacket *packet, const int *fds,
                            guint n_fds, GError **error);

/* @error NULL: done. ERR_SYSTEM with the controller's errno, ERR_OPERATION_TIMEOUT, or
 * ERR_SYSTEM with ESRCH when the link closed or was freed first. */
typedef void (*MonitorAnswer) (const GError *error, gpointer data);
/* Sends @packet (its serial is set here) with @fd (-1 none, stays the caller's). @answer is called
 * once, perhaps before this returns. */
void monitor_link_request (MonitorLink *link, MonitorPacket *packet, int fd, guint deadline_ms,
                           MonitorAnswer answer, gpointer data);
