/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NUMA cells, CPUs, pages, distances and caches as plain data; the driver copies it into conf's
 * HostCapabilities. Read anew on each call: CPUs and huge pages come and go.
 */
#pragma once

#include <glib.h>

typedef struct { guint id, socket_id, die_id, core_id; char *siblings; } TopologyCpu;
typedef struct { guint64 size, count; } TopologyPages;          /* size KiB */
typedef struct { guint id, value; } TopologyDistance;

typedef struct {
    guint id;
    guint64 memory;             /* KiB */
    GArray *pages;              /* of TopologyPages, smallest first */
    GArray *distances;          /* of TopologyDistance */
    GPtrArray *cpus;            /* of TopologyCpu */
} TopologyCell;

/* type: both, code or data; size KiB */
typedef struct { guint level; const char *type; guint id; guint64 size; char *cpus; } TopologyCache;

typedef struct {
    GPtrArray *cells;           /* of TopologyCell; one made up where the kernel has no NUMA */
    GPtrArray *caches;          /* of TopologyCache, level 3 and up, as libvirt shows them */
    gboolean iommu;
    gboolean pm_mem, pm_disk, pm_hybrid;
} Topology;

Topology *topology_read (void);
void topology_free (Topology *topology);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Topology, topology_free)
