/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/domain_usage.h"

#include <string.h>
#include <sys/stat.h>

#include "driver/instance.h"
#include "driver/params.h"
#include "host/block.h"
#include "util/error.h"

/* ---- memory */

gboolean
domain_memory_read (const Domain *domain, DomainMemory *ret, GError **error)
{
    const Cgroup *cgroup = domain_cgroup (domain, error);
    CgroupMemoryStat stat;
    guint64 usage;

    if (!cgroup || !cgroup_memory_usage (cgroup, &usage, error)
        || !cgroup_memory_stat (cgroup, &stat, error))
        return FALSE;
    *ret = (DomainMemory){
        .available = stat.limit == CGROUP_UNLIMITED ? domain->def->memory : stat.limit / 1024,
        .rss = usage / 1024,
        .disk_caches = stat.cache / 1024,
        .anonymous = stat.anonymous / 1024,
        .swap = stat.swap / 1024,
        .major_faults = stat.major_faults,
        .minor_faults = stat.faults - MIN (stat.faults, stat.major_faults),
        .oom_kills = stat.oom_kills,
    };
    ret->unused = ret->available - MIN (ret->available, ret->rss);
    ret->usable = MIN (ret->available, ret->unused + stat.inactive_file / 1024);
    return TRUE;
}

/* ---- network interfaces */

const NetDef *
domain_net_find (const DomainDef *def, const char *device)
{
    for (guint i = 0; i < def->nets->len; i++) {
        const NetDef *net = def->nets->pdata[i];

        if (g_strcmp0 (net->ifname, device) == 0
            || (net->mac && g_ascii_strcasecmp (net->mac, device) == 0))
            return net;
    }
    return NULL;
}

static gboolean
host_stats (const char *name, GHashTable *host, LinkStats *ret, GError **error)
{
    const LinkStats *found = host ? g_hash_table_lookup (host, name) : NULL;

    if (!host)
        return link_stats (name, ret, error);
    if (!found)
        return error_set (error, ERR_INTERNAL, "interface '%s' is gone", name);
    *ret = *found;
    return TRUE;
}

gboolean
domain_net_stats (const Domain *domain, const NetDef *net, GHashTable *host, GHashTable **inside,
                  LinkStats *ret, GError **error)
{
    const LinkStats *found;
    LinkStats seen;

    if (net->ifname && net->type != NET_DIRECT) {
        if (!host_stats (net->ifname, host, &seen, error))
            return FALSE;
        *ret = (LinkStats){
            .rx_bytes = seen.tx_bytes, .rx_packets = seen.tx_packets, .rx_errs = seen.tx_errs,
            .rx_drop = seen.tx_drop, .tx_bytes = seen.rx_bytes, .tx_packets = seen.rx_packets,
            .tx_errs = seen.rx_errs, .tx_drop = seen.rx_drop,
        };
        return TRUE;
    }
    if (!net->guest_ifname || !domain->instance || domain->instance->init_pid <= 0)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
    if (!*inside)
        *inside = link_stats_all (domain->instance->init_pid, error);
    if (!*inside)
        return FALSE;
    found = g_hash_table_lookup (*inside, net->guest_ifname);
    if (!found)
        return error_set (error, ERR_INTERNAL, "the container has no interface '%s' any more",
                          net->guest_ifname);
    *ret = *found;
    return TRUE;
}

/* ---- block devices */

DiskDef *
domain_disk_find (const DomainDef *def, const char *name)
{
    for (guint i = 0; i < def->disks->len; i++) {
        DiskDef *disk = def->disks->pdata[i];

        if (g_strcmp0 (disk->target, name) == 0 || g_strcmp0 (disk->source, name) == 0)
            return disk;
    }
    return NULL;
}

static dev_t
device_number (const char *path)
{
    struct stat st;

    if (!path || !block_path_safe (path) || stat (path, &st) < 0 || !S_ISBLK (st.st_mode))
        return 0;
    return st.st_rdev;
}

static dev_t
loop_number (const char *file, GHashTable **loops)
{
    if (!*loops)
        *loops = block_loops ();
    return file ? (dev_t) GPOINTER_TO_SIZE (g_hash_table_lookup (*loops, file)) : 0;
}

GArray *
domain_blocks (const Domain *domain, GHashTable **loops)
{
    GArray *blocks = g_array_new (FALSE, FALSE, sizeof (DomainBlock));
    gboolean active = domain_active (domain);

    for (guint i = 0; i < domain->def->disks->len; i++) {
        const DiskDef *disk = domain->def->disks->pdata[i];
        DomainBlock block = { .name = disk->target, .path = disk->source };

        if (active)
            block.device = disk->type == DISK_BLOCK ? device_number (disk->source)
                                                    : loop_number (disk->source, loops);
        g_array_append_val (blocks, block);
    }
    for (guint i = 0; i < domain->def->filesystems->len; i++) {
        const FsDef *fs = domain->def->filesystems->pdata[i];
        DomainBlock block = { .name = fs->target, .path = fs->source };

        if (fs->type != FS_BLOCK && fs->type != FS_FILE)
            continue;
        if (active)
            block.device = fs->type == FS_BLOCK ? device_number (fs->source)
                                                : loop_number (fs->source, loops);
        g_array_append_val (blocks, block);
    }
    return blocks;
}

const DomainBlock *
domain_block_find (const GArray *blocks, const char *path, GError **error)
{
    for (guint i = 0; i < blocks->len; i++) {
        const DomainBlock *block = &g_array_index (blocks, DomainBlock, i);

        if (g_strcmp0 (block->name, path) == 0 || g_strcmp0 (block->path, path) == 0)
            return block;
    }
    error_set (error, ERR_INVALID_ARG, "invalid path: %s", path);
    return NULL;
}

void
domain_block_usage (const GArray *devices, dev_t device, CgroupBlkioUsage *ret)
{
    memset (ret, 0, sizeof *ret);
    for (guint i = 0; i < devices->len; i++) {
        const CgroupBlkioDevice *one = &g_array_index (devices, CgroupBlkioDevice, i);

        if (one->device == device)
            *ret = one->usage;
    }
}
