/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <capabilities> and <domainCapabilities>: formatted from facts that host/node.h gathered. */
#pragma once

#include <glib.h>

typedef struct {
    guint id, socket_id, die_id, core_id;
    char *siblings;                 /* cpulist */
} HostCpu;

typedef struct {
    guint id;
    guint64 memory;                 /* KiB */
    GPtrArray *pages;               /* of HostPages */
    GPtrArray *distances;           /* of HostDistance */
    GPtrArray *cpus;                /* of HostCpu */
} HostCell;

typedef struct { guint64 size, count; } HostPages;      /* size KiB */
typedef struct { guint id, value; } HostDistance;
typedef struct { guint level; char *type; guint id; guint64 size; char *cpus; } HostCache; /* KiB */
typedef struct { char *model, *doi, *baselabel; } HostSecmodel;

typedef struct {
    char *uuid, *arch, *arch32, *emulator;
    gboolean iommu;
    GPtrArray *cells;               /* of HostCell */
    GPtrArray *caches;              /* of HostCache */
    GPtrArray *secmodels;           /* of HostSecmodel */
    gboolean pm_mem, pm_disk, pm_hybrid;
} HostCapabilities;

char *capabilities_format (const HostCapabilities *caps);
void host_capabilities_free (HostCapabilities *caps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostCapabilities, host_capabilities_free)
