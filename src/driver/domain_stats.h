/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of one domain by groups, under the names of virConnectGetAllDomainStats. */
#pragma once

#include "driver/domain_usage.h"

/* virDomainStatsTypes */
typedef enum {
    STATS_STATE = 1 << 0,
    STATS_CPU_TOTAL = 1 << 1,
    STATS_BALLOON = 1 << 2,
    STATS_VCPU = 1 << 3,
    STATS_INTERFACE = 1 << 4,
    STATS_BLOCK = 1 << 5,
    STATS_MEMORY = 1 << 8,
} StatsGroup;
#define STATS_ALL                                                                                  \
    ((guint) (STATS_STATE | STATS_CPU_TOTAL | STATS_BALLOON | STATS_VCPU | STATS_INTERFACE         \
              | STATS_BLOCK | STATS_MEMORY))

/* Read once for all domains of a call: domain_stats_begin(), domain_stats_end(). */
typedef struct {
    guint groups;
    GHashTable *links;          /* of LinkStats by name: the host's; NULL until needed */
    GHashTable *loops;          /* block_loops() */
    const Domain *memory_of;    /* of whom @memory is; NULL: of none yet */
    gboolean memory_read;
    DomainMemory memory;
} StatsReading;

void domain_stats_begin (StatsReading *reading, guint groups);
void domain_stats_end (StatsReading *reading);

/* Appends to @params (params_new()). Reads some ten small files of the kernel, none that waits for a
 * container; a figure that cannot be read is left out. */
void domain_stats_add (StatsReading *reading, Domain *domain, GArray *params);
