/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a TuneWork (tune.h), for the files that make, write and keep it. */
#pragma once

#include "driver/tune.h"

typedef struct {
    guint64 hard, soft, swap_hard;      /* bytes, CGROUP_UNLIMITED: none; swap_hard: memory and swap */
} MemoryLimits;

typedef struct {
    guint64 shares, period;
    gint64 quota;
} SchedLimits;

struct TuneWork {
    Cgroup *cgroup;             /* a copy */
    char *name;                 /* of the domain, for the log */
    char *cpus, *mems;          /* NULL: stay */
    char *wanted;               /* the CPUs, to compare; NULL: not asked for */
    gboolean set_weight;
    guint weight;
    GArray *rules;              /* of CgroupBlkio */
    gboolean set_memory, set_soft;
    MemoryLimits memory;        /* once written: what the kernel has (whole pages) */
    gboolean set_shares, set_cfs;
    SchedLimits sched;          /* the same */
    gboolean emulator;          /* of a note: the controller's CPUs were to change, too */
};

/* Nothing to be written into the group of @instance yet. */
TuneWork *tune_work_empty (const Instance *instance);

gboolean tune_memory_read (Cgroup *cgroup, MemoryLimits *ret, GError **error);
/* From @before to @wanted, of which only what differs is written. */
void tune_work_memory (TuneWork *work, const MemoryLimits *before, const MemoryLimits *wanted);

gboolean tune_rule_same (const CgroupBlkio *one, const CgroupBlkio *two);

/* One line, "" for nothing; and back, FALSE: it is malformed. */
char *tune_work_format (const TuneWork *work);
gboolean tune_work_parse (const char *text, TuneWork *work);
