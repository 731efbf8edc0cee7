/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an active domain uses, read from control groups and sysfs: shared by single calls and bulk
 * statistics. Nothing here waits for a container, a file system or a device. */
#pragma once

#include <sys/types.h>

#include "driver/domains.h"
#include "host/link.h"

/* KiB, and counts. "available" is the limit, as a container has no memory of its own. */
typedef struct {
    guint64 available, unused, usable, rss, disk_caches, anonymous, swap;
    guint64 major_faults, minor_faults, oom_kills;
} DomainMemory;
gboolean domain_memory_read (const Domain *domain, DomainMemory *ret, GError **error);

/* As the guest sees it: what the host's end received is what the guest sent. @host is
 * link_stats_all() of the host, or NULL: read it for this one. *@inside, at first NULL, keeps the table
 * of the container's own namespace, where an interface has no end on the host. */
gboolean domain_net_stats (const Domain *domain, const NetDef *net, GHashTable *host, GHashTable **inside,
                           LinkStats *ret, GError **error);
/* By the name on the host or the MAC. NULL: none, also below. */
const NetDef *domain_net_find (const DomainDef *def, const char *device);
/* By target or source. */
DiskDef *domain_disk_find (const DomainDef *def, const char *name);

/* A disk, or a file system on a block device or image file. */
typedef struct {
    const char *name;           /* sda, or the directory of a file system */
    const char *path;           /* of the device or file; NULL none */
    dev_t device;               /* 0: not known, or inactive */
} DomainBlock;
/* Of DomainBlock, which borrow from domain->def. *@loops, at first NULL, keeps the host's loop
 * devices for the next call. */
GArray *domain_blocks (const Domain *domain, GHashTable **loops);
/* By name or path; NULL with ERR_INVALID_ARG. Within @blocks. */
const DomainBlock *domain_block_find (const GArray *blocks, const char *path, GError **error);
/* The traffic of one device among cgroup_blkio_devices(); zeroes when it had none. */
void domain_block_usage (const GArray *devices, dev_t device, CgroupBlkioUsage *ret);
