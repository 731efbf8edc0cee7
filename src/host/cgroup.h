/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Control groups: v1, hybrid and pure v2 behind one model.
 *
 * A container owns one base group in every mounted hierarchy, used or not: its cgroup namespace then
 * shows none of the host's groups anywhere.
 *
 *   BASE                limits, device rules (nothing inside the container can reach them)
 *   BASE/controller     v2 with controllers, which demand leaves: the controller and whoever enters
 *                       the container from outside
 *   BASE/guest          v2 and name=systemd, and the v1 freezer where there is no v2 mount at all:
 *                       the container's processes; root of its cgroup namespace. On v2 the limits
 *                       are copied here as well, so that programs inside can read them.
 *
 * Freezing and killing go through BASE/guest of the core hierarchy: v2 when mounted (with or without
 * controllers), else the v1 freezer. In the other v1 hierarchies controller and guest share BASE.
 *
 * BASE is PARTITION/NAME where nothing else manages groups, and SCOPE/skep below a systemd scope.
 * The order of a start is cgroup_create(), cgroup_add_controller(), limits: below a scope of v2 the
 * controllers can be enabled only once the controller's process has left the scope itself.
 * Numbers: memory bytes (CGROUP_UNLIMITED: none), cpu times microseconds unless named ns.
 *
 * Descriptors of counters are kept while somebody polls them (cgroup_kept_forget()). Main loop only; a
 * task takes a cgroup_copy(), with which it may read and write limits.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct Cgroup Cgroup;
#define CGROUP_UNLIMITED G_MAXUINT64

typedef enum {
    CGROUP_CPU = 1 << 0,
    CGROUP_CPUACCT = 1 << 1,
    CGROUP_CPUSET = 1 << 2,
    CGROUP_MEMORY = 1 << 3,
    CGROUP_DEVICES = 1 << 4,
    CGROUP_FREEZER = 1 << 5,
    CGROUP_BLKIO = 1 << 6,
    CGROUP_PIDS = 1 << 7,
    CGROUP_SYSTEMD = 1 << 8,        /* v1 name=systemd */
} CgroupControllers;

typedef enum { CGROUP_LAYOUT_V1, CGROUP_LAYOUT_HYBRID, CGROUP_LAYOUT_V2 } CgroupLayout;

/* The host's layout, read once from /proc/self/mountinfo; FALSE when no usable hierarchy is there. */
gboolean cgroup_host_detect (GError **error);
CgroupLayout cgroup_host_layout (void);
guint cgroup_host_controllers (void);
/* Hierarchies for a container's own /sys/fs/cgroup: v1 mount options ("cpu,cpuacct", "name=systemd"),
 * or one entry "" for v2. Names the directory below /sys/fs/cgroup too. Owned by the module. */
typedef struct {
    const char *dir;            /* "cpu,cpuacct", "systemd", "unified" (hybrid), "" (pure v2) */
    const char *options;        /* v1 mount options; "" for v2 */
    gboolean v2, writable;
    const char *link_names;     /* "cpu,cpuacct": symbolic links to dir; NULL when none */
} CgroupView;
const CgroupView *cgroup_host_views (guint *ret_n);

/* Makes the base group and the sub-groups; undone on failure. @parent is absolute within each
 * hierarchy: a partition as <partition> names it (see cgroup_partition_path()), or a path that ends in
 * ".scope", taken as it is. Missing components are made for "/machine", for a scope, and when
 * @make_parent; else they are ERR_SYSTEM "Failed to create v1 controller cpu for group". */
Cgroup *cgroup_create (const char *parent, const char *name, gboolean make_parent, GError **error);
/* Opens what is there, after a daemon restart: @paths as cgroup_paths() gave them. Groups that are
 * gone are left out: killing, emptiness and removal of nothing succeed. */
Cgroup *cgroup_open (const char *const *paths, GError **error);
char **cgroup_paths (const Cgroup *cgroup);      /* "hierarchy:path", NULL-terminated; g_strfreev() */
Cgroup *cgroup_copy (const Cgroup *cgroup);
void cgroup_free (Cgroup *cgroup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Cgroup, cgroup_free)

/* Closes what reading counters has kept open, of all containers, and how many that is. */
void cgroup_kept_forget (void);
guint cgroup_kept_count (void);

/* "/prod/_a" -> "/prod.partition/__a.partition", libvirt's rules. */
char *cgroup_partition_path (const char *partition);

/* Puts the controller into its v2 group, where there is one. The v1 groups a process has to join by
 * itself, by writing "0" to their `tasks` while it has one thread: for anything else the kernel waits
 * for a grace period of RCU, 16 ms on an idle host. */
gboolean cgroup_add_controller (Cgroup *cgroup, pid_t pid, GError **error);
/* The descriptors of MONITOR_CGROUP, in its order: the guest's v2 directory (O_PATH) if there is one,
 * `tasks` of the guest's v1 groups, `tasks` of the controller's, the directory (O_PATH) of the memory
 * limits if there is one. Freeing the array closes them. */
typedef struct { gboolean v2; guint guest, controller; gboolean memory, memory_v2; } CgroupFdCounts;
GArray *cgroup_start_fds (Cgroup *cgroup, CgroupFdCounts *ret_counts, GError **error);
/* Gives the delegated files of the guest group (not the limits) to host ids @uid, @gid. */
gboolean cgroup_delegate (Cgroup *cgroup, uid_t uid, gid_t gid, GError **error);

/* Limits. Each returns ERR_OPERATION_INVALID "cgroup X controller is not mounted" when absent.
 * Getters read the kernel's value. */
gboolean cgroup_set_memory (Cgroup *c, guint64 hard, guint64 swap_hard, GError **error);   /* swap_hard: memory+swap */
gboolean cgroup_set_memory_soft (Cgroup *c, guint64 soft, GError **error);
gboolean cgroup_get_memory (Cgroup *c, guint64 *hard, guint64 *soft, guint64 *swap_hard, GError **error);
gboolean cgroup_memory_usage (const Cgroup *c, guint64 *usage, GError **error);
gboolean cgroup_set_cpu_shares (Cgroup *c, guint64 shares, GError **error);    /* 2..262144; v2: weight */
/* As if set here: they were, through a copy. */
void cgroup_keep_cpu_shares (Cgroup *c, guint64 shares);
gboolean cgroup_get_cpu_shares (Cgroup *c, guint64 *shares, GError **error);
gboolean cgroup_set_cpu_cfs (Cgroup *c, guint64 period, gint64 quota, GError **error);  /* 0 period: keep */
gboolean cgroup_get_cpu_cfs (Cgroup *c, guint64 *period, gint64 *quota, GError **error);
gboolean cgroup_set_cpuset (Cgroup *c, const char *cpus, const char *mems, GError **error); /* NULL: keep */
gboolean cgroup_set_pids (Cgroup *c, guint64 max, GError **error);
/* Out of memory, all processes of the guest end, not one of them. Version 2 only; TRUE and nothing else
 * where it cannot be had. */
gboolean cgroup_set_oom_group (Cgroup *c, GError **error);
gboolean cgroup_get_pids (const Cgroup *c, guint64 *max, GError **error);     /* CGROUP_UNLIMITED */
gboolean cgroup_cpu_usage (const Cgroup *c, guint64 *total_ns, guint64 *user_ns, guint64 *system_ns, GError **error);
/* Of guint64 ns for each possible host cpu; v1 only (ERR_OPERATION_UNSUPPORTED on v2). */
GArray *cgroup_cpu_usage_percpu (const Cgroup *c, GError **error);
/* Sums over all block devices: operations and bytes. */
typedef struct { guint64 rd_req, rd_bytes, wr_req, wr_bytes; } CgroupBlkioUsage;
gboolean cgroup_blkio_usage (const Cgroup *c, CgroupBlkioUsage *usage, GError **error);
/* Of CgroupBlkioDevice, those that were used. */
typedef struct { dev_t device; CgroupBlkioUsage usage; } CgroupBlkioDevice;
GArray *cgroup_blkio_devices (const Cgroup *c, GError **error);
void cgroup_blkio_sum (const GArray *devices, CgroupBlkioUsage *usage);
/* Bytes, numbers since the start. */
typedef struct {
    guint64 cache, anonymous, swap, inactive_file, faults, major_faults, oom_kills;
    guint64 limit;              /* CGROUP_UNLIMITED: none */
} CgroupMemoryStat;
gboolean cgroup_memory_stat (const Cgroup *c, CgroupMemoryStat *stat, GError **error);
/* A descriptor that can be read when the memory limit is reached and something is killed, or soon; -1 with
 * error where the kernel cannot tell. And how many were killed. */
int cgroup_oom_watch (const Cgroup *c, GError **error);
gboolean cgroup_oom_kills (const Cgroup *c, guint64 *kills, GError **error);
/* 0 where the kernel's scheduler has no weights. */
gboolean cgroup_get_blkio_weight (const Cgroup *c, guint *weight, GError **error);
/* The CPUs and NUMA nodes that the container really has, as lists: "0-3". The caller frees. */
char *cgroup_effective_cpus (const Cgroup *c, GError **error);
char *cgroup_effective_mems (const Cgroup *c, GError **error);
/* 0: the kernel's default; that nothing has weights is then no error. */
gboolean cgroup_set_blkio_weight (Cgroup *c, guint weight, GError **error);
typedef struct { dev_t device; guint weight; guint64 rbps, wbps, riops, wiops; } CgroupBlkio; /* 0: none */
gboolean cgroup_set_blkio_device (Cgroup *c, const CgroupBlkio *rule, GError **error);
/* What the kernel has for @device. */
gboolean cgroup_get_blkio_device (const Cgroup *c, dev_t device, CgroupBlkio *ret, GError **error);

/* Device rules: deny all, then these. v1 devices.allow, v2 an eBPF program on BASE. */
typedef struct {
    char type;          /* 'c', 'b', or 'a' for both */
    gint64 major, minor;/* -1: any */
    char access[4];     /* of "rwm" */
} CgroupDeviceRule;
gboolean cgroup_set_devices (Cgroup *c, const CgroupDeviceRule *rules, guint n, GError **error);

/* Freezer. The kernel finishes on its own time: cgroup_frozen() tells. */
gboolean cgroup_freeze (Cgroup *c, gboolean frozen, GError **error);
gboolean cgroup_frozen (Cgroup *c, gboolean *frozen, GError **error);

/* Kills every process of the guest group, nested groups too (cgroup.kill, else freeze, SIGKILL each,
 * thaw). Returns at once; cgroup_populated() tells when all are gone. While it says TRUE, call again. */
gboolean cgroup_kill (Cgroup *c, gboolean *ret_many, GError **error);
gboolean cgroup_populated (Cgroup *c, gboolean *ret_many);
/* For a pool thread, where *ret_many (NULL is fine) was TRUE: a guest has made more groups than one call of these
 * enters. Of a cgroup_copy(). TRUE: nothing is left to kill. */
gboolean cgroup_kill_many (Cgroup *copy);
/* Removes base and sub-groups, nested ones made by the guest too. Busy (a process or zombie is left):
 * FALSE with ERR_RESOURCE_BUSY, try again later. The same with *@ret_many (may be NULL) TRUE: more nested
 * groups than one call takes, since a guest may make thousands; cgroup_remove_many() is for those. */
gboolean cgroup_remove (Cgroup *c, gboolean *ret_many, GError **error);
/* On a pool thread, with a cgroup_copy(): removes however many there are, or as far as they are empty. */
void cgroup_remove_many (Cgroup *copy);
