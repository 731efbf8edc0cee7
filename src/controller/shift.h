/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Roots on file systems without id-mapped mounts: whether a file system is one, and giving the files of
 * such a root to the container's host ids, for good. By skep-helper only, which may be killed anywhere.
 */
#pragma once

#include "plan/monitor.h"

#include <stdbool.h>

#define SHIFT_RANGES_MAX 340

typedef struct {
    uint32_t guest, host, count;
} ShiftRange;

typedef struct {
    unsigned n;
    ShiftRange ranges[SHIFT_RANGES_MAX];
} ShiftMap;

/* "0:100000:65536,70000:70000:1": guest, host, count. 0, or -1 with EINVAL. */
int shift_map_parse (const char *text, ShiftMap *map);
/* What a file of @id belongs to in the end: also @id itself when it is the host's already, or not in the
 * map at all. */
uint32_t shift_id (const ShiftMap *map, uint32_t id, bool *ret_known);

/* DONE with flags 1: mounts of the file system at @path can be id-mapped; 0: they cannot. */
void shift_probe (const char *path, MonitorPacket *answer);

typedef struct {
    const char *root;
    const char *records;        /* directory for the record of the one file that is under way */
    ShiftMap uids, gids;
} ShiftTask;

/*
 * Changes the owner of each file below the root, this mount only, the root's directory last: once that
 * belongs to the container, the rest does, and nothing is walked. Set-id bits, file capabilities and
 * ACLs are kept. Ids that the map does not have are left alone.
 *
 * May be killed at any time and run again. What cannot be seen from the file then (the bits and
 * capabilities that the kernel takes away with the old owner) lies in the record meanwhile.
 *
 * DONE with a: files changed, b: files of ids that the map does not have, reserved: mounts left out.
 * FAILED with errno and the path below the root.
 */
void shift_run (const ShiftTask *task, MonitorPacket *answer);
