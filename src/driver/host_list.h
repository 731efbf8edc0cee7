/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists of what the host has (devices, interfaces), read from many files by a task. A list is good for
 * HOST_LIST_MS: clients ask for the list and then for each item, and need not cause a reading each time.
 */
#pragma once

#include "driver/dispatch.h"
#include "util/task.h"

#define HOST_LIST_MS 1000

/* As a handler's, with the list; must not answer API_LATER. */
typedef ApiResult (*HostListAnswer) (Call *call, const GPtrArray *list, GError **error);

typedef struct {
    GPtrArray *(*read) (void);              /* any thread */
    /* the rest begins as zeroes */
    GPtrArray *list;
    gint64 read_at;
    GQueue waiting;                         /* of calls */
    gboolean reading;
    guint turn, turn_read;                  /* of changes that were told: at the list's reading, at the one that runs */
} HostList;

/* What the handler returns: answered at once, or @call is owned until the list is there. */
ApiResult host_list_ask (HostList *host, Call *call, HostListAnswer answer, GError **error);
/* Clients are told that something has come or gone: whoever asks then gets what was read after that. */
void host_lists_changed (void);
