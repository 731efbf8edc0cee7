/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgroup v2: one tree. Limits are written to BASE, where they bind, and copied to BASE/guest, where
 * programs of the container can read them.
 */
#include "host/cgroup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"

/* Of a new group. */
#define CPU_WEIGHT_DEFAULT 100
#define IO_WEIGHT_DEFAULT 100
#define SHARES_DEFAULT 1024

static gboolean
write_both (CgroupHierarchy *h, Cgroup *c, const char *file, const char *value, GError **error)
{
    if (!cgroup_write (h, c->base, "", file, value, error))
        return FALSE;
    cgroup_write_try (h, c->base, "/guest", file, value);   /* only for reading by the guest */
    return TRUE;
}

static const char *
limit_text (guint64 value, char text[24])
{
    if (value == CGROUP_UNLIMITED)
        g_strlcpy (text, "max", 24);
    else
        g_snprintf (text, 24, "%" G_GUINT64_FORMAT, value);
    return text;
}

/* v2 counts swap alone, libvirt memory and swap together. */
static gboolean
v2_set_memory (CgroupHierarchy *h, Cgroup *c, guint64 hard, guint64 swap_hard, GError **error)
{
    guint64 swap = CGROUP_UNLIMITED;
    char text[24];
    int r;

    if (swap_hard != CGROUP_UNLIMITED)
        swap = swap_hard > hard ? swap_hard - hard : 0;
    r = cgroup_write_try (h, c->base, "", "memory.swap.max", limit_text (swap, text));
    if (r < 0 && !(r == -ENOENT && swap == CGROUP_UNLIMITED))   /* a kernel without swap accounting */
        return cgroup_error (error, h, c->base, "", "memory.swap.max", -r, TRUE);
    cgroup_write_try (h, c->base, "/guest", "memory.swap.max", text);
    return write_both (h, c, "memory.max", limit_text (hard, text), error);
}

static gboolean
v2_set_memory_soft (CgroupHierarchy *h, Cgroup *c, guint64 soft, GError **error)
{
    char text[24];

    return write_both (h, c, "memory.high", limit_text (soft, text), error);
}

static gboolean
v2_get_memory (CgroupHierarchy *h, Cgroup *c, guint64 *hard, guint64 *soft, guint64 *swap_hard,
               GError **error)
{
    guint64 swap;

    if (!cgroup_read_u64 (h, c->base, "", "memory.max", hard, error)
        || !cgroup_read_u64 (h, c->base, "", "memory.high", soft, error))
        return FALSE;
    if (!cgroup_read_u64 (h, c->base, "", "memory.swap.max", &swap, NULL))
        swap = CGROUP_UNLIMITED;
    *swap_hard = swap == CGROUP_UNLIMITED || *hard == CGROUP_UNLIMITED ? CGROUP_UNLIMITED : *hard + swap;
    return TRUE;
}

static gboolean
v2_memory_usage (CgroupHierarchy *h, const Cgroup *c, guint64 *usage, GError **error)
{
    return cgroup_read_kept_u64 (h, c, "memory.current", usage, error);
}

/* The kernel's and systemd's line through (2, 1) and (262144, 10000). */
guint64
cgroup_weight_of_shares (guint64 shares)
{
    return 1 + ((shares - 2) * 9999) / 262142;
}

/* A weight stands for some 26 shares: what was set if it is among them, else the roundest of them
 * (the multiple of the highest power of two), so that 1024 or 512 come back after a daemon restart. */
guint64
cgroup_shares_of_weight (guint64 weight, guint64 last_set)
{
    guint64 low, high, step;

    if (last_set && cgroup_weight_of_shares (last_set) == weight)
        return last_set;
    if (weight == CPU_WEIGHT_DEFAULT)
        return SHARES_DEFAULT;      /* both are what an untouched group has */
    low = 2 + ((weight - 1) * 262142 + 9998) / 9999;
    high = MAX (low, 2 + (weight * 262142 - 1) / 9999);
    for (step = 262144; step > 1; step /= 2)
        if (high / step * step >= low)
            break;
    return high / step * step;
}

static gboolean
v2_set_shares (CgroupHierarchy *h, Cgroup *c, guint64 shares, GError **error)
{
    char text[24];

    g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, cgroup_weight_of_shares (shares));
    return write_both (h, c, "cpu.weight", text, error);
}

static gboolean
v2_get_shares (CgroupHierarchy *h, Cgroup *c, guint64 *shares, GError **error)
{
    guint64 weight;

    if (!cgroup_read_u64 (h, c->base, "", "cpu.weight", &weight, error))
        return FALSE;
    *shares = cgroup_shares_of_weight (weight, c->shares);
    return TRUE;
}

static gboolean
v2_get_cfs (CgroupHierarchy *h, Cgroup *c, guint64 *period, gint64 *quota, GError **error)
{
    char text[CGROUP_TEXT_MAX], word[32];

    if (!cgroup_read (h, c->base, "", "cpu.max", text, error))
        return FALSE;
    if (sscanf (text, "%31s %" G_GUINT64_FORMAT, word, period) != 2)
        return error_set (error, ERR_INTERNAL, "Unable to parse '%s' of 'cpu.max'", g_strchomp (text));
    *quota = g_str_equal (word, "max") ? -1 : g_ascii_strtoll (word, NULL, 10);
    return TRUE;
}

static gboolean
v2_set_cfs (CgroupHierarchy *h, Cgroup *c, guint64 period, gint64 quota, GError **error)
{
    guint64 old_period;
    gint64 old_quota;
    char text[64];

    if (period == 0 || quota == 0) {
        if (!v2_get_cfs (h, c, &old_period, &old_quota, error))
            return FALSE;
        period = period ? period : old_period;
        quota = quota ? quota : old_quota;
    }
    if (quota < 0)
        g_snprintf (text, sizeof text, "max %" G_GUINT64_FORMAT, period);
    else
        g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT " %" G_GUINT64_FORMAT, quota, period);
    return write_both (h, c, "cpu.max", text, error);
}

static gboolean
v2_set_cpuset (CgroupHierarchy *h, Cgroup *c, const char *cpus, const char *mems, GError **error)
{
    if (cpus && !write_both (h, c, "cpuset.cpus", cpus, error))
        return FALSE;
    return !mems || write_both (h, c, "cpuset.mems", mems, error);
}

static gboolean
v2_set_pids (CgroupHierarchy *h, Cgroup *c, guint64 max, GError **error)
{
    char text[24];

    return write_both (h, c, "pids.max", limit_text (max, text), error);
}

static gboolean
v2_cpu_usage (CgroupHierarchy *h, const Cgroup *c, guint64 *total, guint64 *user, guint64 *system,
              GError **error)
{
    guint64 total_us = 0, user_us = 0, system_us = 0;
    char text[CGROUP_TEXT_MAX];

    if (!cgroup_read_kept (h, c, "cpu.stat", text, error))
        return FALSE;
    if (!cgroup_text_key (text, "usage_usec", &total_us) || !cgroup_text_key (text, "user_usec", &user_us)
        || !cgroup_text_key (text, "system_usec", &system_us))
        return error_set (error, ERR_INTERNAL, "Unable to parse 'cpu.stat'");
    if (total)
        *total = total_us * 1000;
    if (user)
        *user = user_us * 1000;
    if (system)
        *system = system_us * 1000;
    return TRUE;
}

/* ---- block devices */

/* Of both who go by weights, io.cost and BFQ: a device has one or the other. 0 when one of them took it. */
static int
set_io_weight (CgroupHierarchy *h, Cgroup *c, const char *text)
{
    static const char *const files[] = { "io.weight", "io.bfq.weight" };
    int result = -ENOENT;

    for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
        int r = cgroup_write_try (h, c->base, "", files[i], text);

        if (r == 0)
            cgroup_write_try (h, c->base, "/guest", files[i], text);
        result = result == 0 || r == -ENOENT ? result : r;
    }
    return result;
}

static gboolean
v2_set_blkio_weight (CgroupHierarchy *h, Cgroup *c, guint weight, GError **error)
{
    char text[24];
    int r;

    g_snprintf (text, sizeof text, "%u", weight ? weight : IO_WEIGHT_DEFAULT);
    r = set_io_weight (h, c, text);
    return r == 0 || (weight == 0 && r == -ENOENT)
           || cgroup_error (error, h, c->base, "", "io.bfq.weight", -r, TRUE);
}

static const char *
throttle_text (guint64 value, char text[24])
{
    return limit_text (value ? value : CGROUP_UNLIMITED, text);
}

static gboolean
v2_set_blkio_device (CgroupHierarchy *h, Cgroup *c, const CgroupBlkio *rule, GError **error)
{
    char device[32], text[256], n[4][24];
    int r = 0;

    g_snprintf (device, sizeof device, "%u:%u", major (rule->device), minor (rule->device));
    if (rule->weight)
        g_snprintf (text, sizeof text, "%s %u", device, rule->weight);
    else
        g_snprintf (text, sizeof text, "%s default", device);
    r = set_io_weight (h, c, text);
    if (r < 0 && rule->weight)
        return cgroup_error (error, h, c->base, "", "io.bfq.weight", -r, TRUE);
    g_snprintf (text, sizeof text, "%s rbps=%s wbps=%s riops=%s wiops=%s", device,
                throttle_text (rule->rbps, n[0]), throttle_text (rule->wbps, n[1]),
                throttle_text (rule->riops, n[2]), throttle_text (rule->wiops, n[3]));
    return write_both (h, c, "io.max", text, error);
}

/* ---- freezing and killing */

static gboolean
v2_freeze (CgroupHierarchy *h, Cgroup *c, gboolean frozen, GError **error)
{
    return cgroup_write (h, c->base, "/guest", "cgroup.freeze", frozen ? "1" : "0", error);
}

static gboolean
v2_frozen (CgroupHierarchy *h, Cgroup *c, gboolean *frozen, GError **error)
{
    char text[CGROUP_TEXT_MAX];
    guint64 value = 0;

    if (!cgroup_read (h, c->base, "/guest", "cgroup.events", text, error))
        return FALSE;
    if (!cgroup_text_key (text, "frozen", &value))
        return error_set (error, ERR_INTERNAL, "Unable to parse 'cgroup.events'");
    *frozen = value != 0;
    return TRUE;
}

/* Kernels before 5.14. Frozen processes of v2 do die of SIGKILL, and cannot fork meanwhile. */
static gboolean
kill_each (CgroupHierarchy *h, Cgroup *c, guint *budget, GError **error)
{
    char guest[CGROUP_PATH_MAX];

    g_snprintf (guest, sizeof guest, "%s/guest", c->base);
    if (!v2_freeze (h, c, TRUE, error))
        return FALSE;
    cgroup_tree_walk (h, guest, cgroup_kill_group, NULL, FALSE, budget);
    return v2_freeze (h, c, FALSE, error);
}

static gboolean
v2_kill (CgroupHierarchy *h, Cgroup *c, guint *budget, GError **error)
{
    int r = cgroup_write_try (h, c->base, "/guest", "cgroup.kill", "1");

    if (r == 0)
        return TRUE;
    if (r == -ENOENT && faccessat (h->fd, c->base, F_OK, 0) < 0)
        return TRUE;        /* removed already */
    return kill_each (h, c, budget, error);
}

static gboolean
v2_populated (CgroupHierarchy *h, Cgroup *c, guint *budget)
{
    char text[CGROUP_TEXT_MAX];
    guint64 value = 0;

    (void) budget;
    return cgroup_read_try (h, c->base, "/guest", "cgroup.events", text) == 0
        && cgroup_text_key (text, "populated", &value) && value != 0;
}

const CgroupOps cgroup_v2_ops = {
    .set_memory = v2_set_memory,
    .set_memory_soft = v2_set_memory_soft,
    .get_memory = v2_get_memory,
    .memory_usage = v2_memory_usage,
    .set_shares = v2_set_shares,
    .get_shares = v2_get_shares,
    .set_cfs = v2_set_cfs,
    .get_cfs = v2_get_cfs,
    .set_cpuset = v2_set_cpuset,
    .set_pids = v2_set_pids,
    .cpu_usage = v2_cpu_usage,
    .set_blkio_weight = v2_set_blkio_weight,
    .set_blkio_device = v2_set_blkio_device,
    .set_devices = cgroup_v2_set_devices,
    .freeze = v2_freeze,
    .frozen = v2_frozen,
    .kill = v2_kill,
    .populated = v2_populated,
};
