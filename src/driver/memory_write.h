/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory limits of a running container. A limit below what is in use makes the kernel reclaim memory in
 * the write, for seconds where pages must be written out first: so it is a task.
 */
#pragma once

#include "driver/dispatch.h"
#include "host/cgroup.h"

typedef struct {
    guint64 hard, soft, swap_hard;      /* bytes, CGROUP_UNLIMITED: none; swap_hard: memory and swap */
} MemoryLimits;

gboolean memory_limits_read (Cgroup *cgroup, MemoryLimits *ret, GError **error);

/* @after is what the kernel made of it (whole pages); NULL: nothing was changed, and @error is set. What
 * it returns and sets is the call's answer. */
typedef gboolean (*MemoryWritten) (Call *call, const MemoryLimits *after, gpointer data, GError **error);

/* Writes what differs from @before to the group of the call's domain. The handler returns API_LATER:
 * the call is answered after @done. A destroy may overtake the call meanwhile, which then fails. */
void memory_limits_write (Call *call, const MemoryLimits *before, const MemoryLimits *wanted,
                          MemoryWritten done, gpointer data);
