/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits as lxc.cgroup.* and lxc.cgroup2.*. LXC takes the lines of the hierarchy that the host has. */
#include <string.h>

#include "conf/native_private.h"

void
native_write_memory (NativeWriter *w)
{
    const DomainMemtune *tune = &w->def->memtune;
    guint64 hard = tune->hard_limit_set ? tune->hard_limit : w->def->memory;

    if (hard < MEMORY_UNLIMITED) {
        native_put_number (w, "lxc.cgroup.memory.limit_in_bytes", hard * 1024);
        native_put_number (w, "lxc.cgroup2.memory.max", hard * 1024);
    } else {
        native_put (w, "lxc.cgroup.memory.limit_in_bytes", "-1");
        native_put (w, "lxc.cgroup2.memory.max", "max");
    }
    if (tune->soft_limit_set && tune->soft_limit < MEMORY_UNLIMITED) {
        native_put_number (w, "lxc.cgroup.memory.soft_limit_in_bytes", tune->soft_limit * 1024);
        native_put_number (w, "lxc.cgroup2.memory.high", tune->soft_limit * 1024);
    }
    if (tune->swap_hard_limit_set && tune->swap_hard_limit < MEMORY_UNLIMITED) {
        native_put_number (w, "lxc.cgroup.memory.memsw.limit_in_bytes", tune->swap_hard_limit * 1024);
        if (tune->swap_hard_limit >= hard)
            native_put_number (w, "lxc.cgroup2.memory.swap.max", (tune->swap_hard_limit - hard) * 1024);
    }
}

void
native_write_cpu (NativeWriter *w)
{
    const DomainCputune *tune = &w->def->cputune;
    g_autofree char *quota
        = tune->quota > 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, tune->quota) : g_strdup ("max");

    /* version 1 last: its shares are the numbers of the XML, a weight is rounded */
    if (tune->shares_set) {
        native_put_number (w, "lxc.cgroup2.cpu.weight", 1 + (tune->shares - 2) * 9999 / 262142);
        native_put_number (w, "lxc.cgroup.cpu.shares", tune->shares);
    }
    if (tune->period)
        native_put (w, "lxc.cgroup2.cpu.max", "%s %" G_GUINT64_FORMAT, quota, tune->period);
    else if (tune->quota)
        native_put (w, "lxc.cgroup2.cpu.max", "%s", quota);
    if (tune->period)
        native_put_number (w, "lxc.cgroup.cpu.cfs_period_us", tune->period);
    if (tune->quota)
        native_put (w, "lxc.cgroup.cpu.cfs_quota_us", "%" G_GINT64_FORMAT, tune->quota < 0 ? -1 : tune->quota);
    if (w->def->cpuset) {
        native_put_string (w, "lxc.cgroup.cpuset.cpus", w->def->cpuset);
        native_put_string (w, "lxc.cgroup2.cpuset.cpus", w->def->cpuset);
    }
    if (!w->def->numatune.set)
        return;
    if (w->def->numatune.mode != NUMA_STRICT || !w->def->numatune.nodeset) {
        native_cannot (w, "/domain/numatune", "LXC knows memory nodes as a strict set only");
        return;
    }
    native_put_string (w, "lxc.cgroup.cpuset.mems", w->def->numatune.nodeset);
    native_put_string (w, "lxc.cgroup2.cpuset.mems", w->def->numatune.nodeset);
}

static void
put_limit (NativeWriter *w, const char *file, const char *word, const char *numbers, guint64 value,
           GString *io_max)
{
    g_autofree char *key = g_strconcat ("lxc.cgroup.blkio.throttle.", file, NULL);

    if (!value)
        return;
    native_put (w, key, "%s %" G_GUINT64_FORMAT, numbers, value);
    g_string_append_printf (io_max, " %s=%" G_GUINT64_FORMAT, word, value);
}

void
native_write_blkio (NativeWriter *w)
{
    const DomainBlkiotune *tune = &w->def->blkiotune;

    if (tune->weight) {
        native_put_number (w, "lxc.cgroup.blkio.weight", tune->weight);
        native_put_number (w, "lxc.cgroup2.io.weight", tune->weight);
    }
    for (guint i = 0; i < tune->devices->len; i++) {
        const BlkioDevice *device = tune->devices->pdata[i];
        const char *numbers = device->path + strlen ("/dev/block/");
        g_autoptr (GString) io_max = g_string_new (NULL);
        g_autofree char *path = g_strdup_printf ("/domain/blkiotune/device[%u]", i + 1);

        if (!g_str_has_prefix (device->path, "/dev/block/") || !strchr (numbers, ':')) {
            native_cannot (w, path, "LXC names devices by number: write the path /dev/block/MAJOR:MINOR");
            continue;
        }
        if (device->weight)
            native_put (w, "lxc.cgroup.blkio.weight_device", "%s %u", numbers, device->weight);
        put_limit (w, "read_bps_device", "rbps", numbers, device->read_bytes_sec, io_max);
        put_limit (w, "write_bps_device", "wbps", numbers, device->write_bytes_sec, io_max);
        put_limit (w, "read_iops_device", "riops", numbers, device->read_iops_sec, io_max);
        put_limit (w, "write_iops_device", "wiops", numbers, device->write_iops_sec, io_max);
        if (io_max->len)
            native_put (w, "lxc.cgroup2.io.max", "%s%s", numbers, io_max->str);
    }
}
