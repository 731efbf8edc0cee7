/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cgroup v1: a directory per controller. */
#include "host/cgroup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/fd.h"

#define FREEZE_READS 20

static const char *
memory_text (guint64 value, char text[24])
{
    if (value >= CGROUP_V1_UNLIMITED)
        g_strlcpy (text, "-1", 24);
    else
        g_snprintf (text, 24, "%" G_GUINT64_FORMAT, value);
    return text;
}

/* The kernel keeps memory <= memory+swap at every moment. Writing the lower one first works when both
 * sink; when they rise it is refused (EINVAL), and the upper one goes first. */
static gboolean
v1_set_memory (CgroupHierarchy *h, Cgroup *c, guint64 hard, guint64 swap_hard, GError **error)
{
    static const char hard_file[] = "memory.limit_in_bytes", swap_file[] = "memory.memsw.limit_in_bytes";
    char hard_text[24], swap_text[24], before[CGROUP_TEXT_MAX];
    int r, s;

    memory_text (hard, hard_text);
    memory_text (swap_hard, swap_text);
    r = cgroup_read_try (h, c->base, "", hard_file, before);
    if (r == 0)
        r = cgroup_write_try (h, c->base, "", hard_file, hard_text);
    if (r < 0 && r != -EINVAL)
        return cgroup_error (error, h, c->base, "", hard_file, -r, TRUE);
    s = cgroup_write_try (h, c->base, "", swap_file, swap_text);
    if (s == -ENOENT && swap_hard == CGROUP_UNLIMITED)
        s = 0;                      /* no swap accounting, and none asked for */
    if (s == 0 && r == -EINVAL)
        return cgroup_write (h, c->base, "", hard_file, hard_text, error);
    if (s == 0)
        return TRUE;
    cgroup_write_try (h, c->base, "", hard_file, g_strchomp (before));
    return cgroup_error (error, h, c->base, "", swap_file, -s, TRUE);
}

static gboolean
v1_set_memory_soft (CgroupHierarchy *h, Cgroup *c, guint64 soft, GError **error)
{
    char text[24];

    return cgroup_write (h, c->base, "", "memory.soft_limit_in_bytes", memory_text (soft, text), error);
}

static gboolean
read_memory (CgroupHierarchy *h, Cgroup *c, const char *file, guint64 *value, GError **error)
{
    if (!cgroup_read_u64 (h, c->base, "", file, value, error))
        return FALSE;
    if (*value >= CGROUP_V1_UNLIMITED)
        *value = CGROUP_UNLIMITED;
    return TRUE;
}

static gboolean
v1_get_memory (CgroupHierarchy *h, Cgroup *c, guint64 *hard, guint64 *soft, guint64 *swap_hard,
               GError **error)
{
    if (!read_memory (h, c, "memory.limit_in_bytes", hard, error)
        || !read_memory (h, c, "memory.soft_limit_in_bytes", soft, error))
        return FALSE;
    if (!read_memory (h, c, "memory.memsw.limit_in_bytes", swap_hard, NULL))
        *swap_hard = CGROUP_UNLIMITED;      /* no swap accounting */
    return TRUE;
}

static gboolean
v1_memory_usage (CgroupHierarchy *h, const Cgroup *c, guint64 *usage, GError **error)
{
    return cgroup_read_kept_u64 (h, c, "memory.usage_in_bytes", usage, error);
}

static gboolean
v1_set_shares (CgroupHierarchy *h, Cgroup *c, guint64 shares, GError **error)
{
    return cgroup_write_u64 (h, c->base, "", "cpu.shares", shares, error);
}

static gboolean
v1_get_shares (CgroupHierarchy *h, Cgroup *c, guint64 *shares, GError **error)
{
    return cgroup_read_u64 (h, c->base, "", "cpu.shares", shares, error);
}

static gboolean
read_quota (CgroupHierarchy *h, Cgroup *c, gint64 *quota, GError **error)
{
    char text[CGROUP_TEXT_MAX];

    if (!cgroup_read (h, c->base, "", "cpu.cfs_quota_us", text, error))
        return FALSE;
    *quota = g_ascii_strtoll (text, NULL, 10);
    return TRUE;
}

static gboolean
v1_set_cfs (CgroupHierarchy *h, Cgroup *c, guint64 period, gint64 quota, GError **error)
{
    guint64 before = 0;
    char text[24];

    if (period) {
        if (!cgroup_read_u64 (h, c->base, "", "cpu.cfs_period_us", &before, error)
            || !cgroup_write_u64 (h, c->base, "", "cpu.cfs_period_us", period, error))
            return FALSE;
    }
    if (quota == 0)
        return TRUE;
    g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, quota < 0 ? -1 : quota);
    if (cgroup_write (h, c->base, "", "cpu.cfs_quota_us", text, error))
        return TRUE;
    if (period)
        cgroup_write_u64 (h, c->base, "", "cpu.cfs_period_us", before, NULL);
    return FALSE;
}

static gboolean
v1_get_cfs (CgroupHierarchy *h, Cgroup *c, guint64 *period, gint64 *quota, GError **error)
{
    return cgroup_read_u64 (h, c->base, "", "cpu.cfs_period_us", period, error)
        && read_quota (h, c, quota, error);
}

static gboolean
v1_set_cpuset (CgroupHierarchy *h, Cgroup *c, const char *cpus, const char *mems, GError **error)
{
    if (cpus && !cgroup_write (h, c->base, "", "cpuset.cpus", cpus, error))
        return FALSE;
    return !mems || cgroup_write (h, c->base, "", "cpuset.mems", mems, error);
}

static gboolean
v1_set_pids (CgroupHierarchy *h, Cgroup *c, guint64 max, GError **error)
{
    if (max == CGROUP_UNLIMITED)
        return cgroup_write (h, c->base, "", "pids.max", "max", error);
    return cgroup_write_u64 (h, c->base, "", "pids.max", max, error);
}

static gboolean
v1_cpu_usage (CgroupHierarchy *h, const Cgroup *c, guint64 *total, guint64 *user, guint64 *system,
              GError **error)
{
    return (!total || cgroup_read_kept_u64 (h, c, "cpuacct.usage", total, error))
        && (!user || cgroup_read_kept_u64 (h, c, "cpuacct.usage_user", user, error))
        && (!system || cgroup_read_kept_u64 (h, c, "cpuacct.usage_sys", system, error));
}

/* ---- block devices: newer kernels have the bfq names only */

enum { BFQ_WEIGHT = 100, CFQ_WEIGHT = 500 };    /* of a new group */

static gboolean
v1_set_blkio_weight (CgroupHierarchy *h, Cgroup *c, guint weight, GError **error)
{
    char text[16];
    int r;

    g_snprintf (text, sizeof text, "%u", weight ? weight : BFQ_WEIGHT);
    r = cgroup_write_try (h, c->base, "", "blkio.bfq.weight", text);
    if (r == -ENOENT) {
        g_snprintf (text, sizeof text, "%u", weight ? weight : CFQ_WEIGHT);
        r = cgroup_write_try (h, c->base, "", "blkio.weight", text);
    }
    return r == 0 || (weight == 0 && r == -ENOENT)
           || cgroup_error (error, h, c->base, "", "blkio.weight", -r, TRUE);
}

static gboolean
set_device_weight (CgroupHierarchy *h, Cgroup *c, const char *device, guint weight, GError **error)
{
    char text[64];
    int r;

    if (weight)
        g_snprintf (text, sizeof text, "%s %u", device, weight);
    else
        g_snprintf (text, sizeof text, "%s default", device);
    r = cgroup_write_try (h, c->base, "", "blkio.bfq.weight_device", text);
    if (r == -ENOENT) {
        g_snprintf (text, sizeof text, "%s %u", device, weight);
        r = cgroup_write_try (h, c->base, "", "blkio.weight_device", text);
    }
    if (r == 0 || weight == 0)      /* nothing to take away where no scheduler has weights */
        return TRUE;
    return cgroup_error (error, h, c->base, "", "blkio.weight_device", -r, TRUE);
}

static gboolean
v1_set_blkio_device (CgroupHierarchy *h, Cgroup *c, const CgroupBlkio *rule, GError **error)
{
    const struct {
        const char *file;
        guint64 value;
    } throttles[] = {
        { "blkio.throttle.read_bps_device", rule->rbps },
        { "blkio.throttle.write_bps_device", rule->wbps },
        { "blkio.throttle.read_iops_device", rule->riops },
        { "blkio.throttle.write_iops_device", rule->wiops },
    };
    char device[32], text[64];

    g_snprintf (device, sizeof device, "%u:%u", major (rule->device), minor (rule->device));
    if (!set_device_weight (h, c, device, rule->weight, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS (throttles); i++) {
        g_snprintf (text, sizeof text, "%s %" G_GUINT64_FORMAT, device, throttles[i].value);
        if (!cgroup_write (h, c->base, "", throttles[i].file, text, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- the freezer */

static gboolean
v1_freeze (CgroupHierarchy *h, Cgroup *c, gboolean frozen, GError **error)
{
    return cgroup_write (h, c->base, "/guest", "freezer.state", frozen ? "FROZEN" : "THAWED", error);
}

static gboolean
v1_frozen (CgroupHierarchy *h, Cgroup *c, gboolean *frozen, GError **error)
{
    char text[CGROUP_TEXT_MAX];

    /* reading is what makes the kernel look again whether all have stopped */
    if (!cgroup_read (h, c->base, "/guest", "freezer.state", text, error))
        return FALSE;
    *frozen = g_str_has_prefix (text, "FROZEN");
    return TRUE;
}

static gboolean
thaw_group (int dir, gpointer data)
{
    autofd int fd = openat (dir, "freezer.state", O_WRONLY | O_CLOEXEC);

    (void) data;
    if (fd >= 0 && write (fd, "THAWED", 6) < 0)
        return TRUE;    /* the guest's own nested group; it may be gone by now */
    return TRUE;
}

void
cgroup_v1_thaw (const CgroupHierarchy *h, const char *group, guint *budget)
{
    cgroup_tree_walk (h, group, thaw_group, NULL, FALSE, budget);
}

/* Frozen processes cannot fork, so none escapes between being listed and being killed. */
static gboolean
v1_kill (CgroupHierarchy *h, Cgroup *c, guint *budget, GError **error)
{
    char guest[CGROUP_PATH_MAX];
    gboolean frozen = FALSE;
    guint to_thaw = *budget;

    g_snprintf (guest, sizeof guest, "%s/guest", c->base);
    if (!v1_freeze (h, c, TRUE, error))
        return FALSE;
    for (guint i = 0; i < FREEZE_READS && !frozen; i++)
        if (!v1_frozen (h, c, &frozen, error))
            return FALSE;
    cgroup_tree_walk (h, guest, cgroup_kill_group, NULL, FALSE, budget);
    cgroup_v1_thaw (h, guest, &to_thaw);
    return TRUE;
}

static void
note_pid (pid_t pid, gpointer data)
{
    (void) pid;
    *(gboolean *) data = TRUE;
}

static gboolean
look_for_pid (int dir, gpointer data)
{
    cgroup_each_pid (dir, note_pid, data);
    return !*(gboolean *) data;
}

static gboolean
v1_populated (CgroupHierarchy *h, Cgroup *c, guint *budget)
{
    char guest[CGROUP_PATH_MAX];
    gboolean found = FALSE;
    int r;

    g_snprintf (guest, sizeof guest, "%s/guest", c->base);
    r = cgroup_tree_walk (h, guest, look_for_pid, &found, FALSE, budget);
    return found || r == -EBUSY;
}

const CgroupOps cgroup_v1_ops = {
    .set_memory = v1_set_memory,
    .set_memory_soft = v1_set_memory_soft,
    .get_memory = v1_get_memory,
    .memory_usage = v1_memory_usage,
    .set_shares = v1_set_shares,
    .get_shares = v1_get_shares,
    .set_cfs = v1_set_cfs,
    .get_cfs = v1_get_cfs,
    .set_cpuset = v1_set_cpuset,
    .set_pids = v1_set_pids,
    .cpu_usage = v1_cpu_usage,
    .set_blkio_weight = v1_set_blkio_weight,
    .set_blkio_device = v1_set_blkio_device,
    .set_devices = cgroup_v1_set_devices,
    .freeze = v1_freeze,
    .frozen = v1_frozen,
    .kill = v1_kill,
    .populated = v1_populated,
};
