/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the cgroup files only. */
#pragma once

#include "host/cgroup.h"

#define CGROUP_HIERARCHIES_MAX 24
#define CGROUP_PATH_MAX 4096
/* The counter's maximum in pages, as bytes; v1 shows it where there is no limit. */
#define CGROUP_V1_UNLIMITED G_GUINT64_CONSTANT (9223372036854771712)

typedef struct CgroupOps CgroupOps;

/* One mounted hierarchy. @fd is its mount point (O_PATH), kept for the life of the process; all files
 * are opened relative to it. */
typedef struct {
    const CgroupOps *ops;
    char *mount;                /* "/sys/fs/cgroup/cpu,cpuacct" */
    char *name;                 /* as in /proc/self/cgroup: "cpu,cpuacct", "name=systemd"; "" for v2 */
    guint controllers;
    gboolean v2;
    gboolean guest;             /* groups have a BASE/guest here */
    int fd;
} CgroupHierarchy;

typedef struct {
    CgroupHierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
    guint n;
    CgroupHierarchy *core;      /* freezing, killing, emptiness */
    CgroupLayout layout;
    guint controllers;
    char *v2_enable;            /* "+cpu +io ...": what groups of v2 need enabled */
} CgroupHost;

extern CgroupHost cgroup_host;

typedef struct CgroupKept CgroupKept;

struct Cgroup {
    CgroupKept *kept;           /* cgroup_kept.c; NULL: a copy, for another thread */
    guint32 hierarchies;        /* bit I: has a base group in cgroup_host.hierarchies[I] */
    gboolean scope;             /* BASE lies below a systemd scope */
    gboolean enable_pending;    /* v2: enabling waits until the controller has left the scope */
    guint64 shares;             /* as last set, since a v2 weight holds less; 0 never */
    char base[];                /* path of BASE relative to each mount: "machine/lxc-7-web" */
};

struct CgroupOps {
    gboolean (*set_memory) (CgroupHierarchy *h, Cgroup *c, guint64 hard, guint64 swap_hard, GError **error);
    gboolean (*set_memory_soft) (CgroupHierarchy *h, Cgroup *c, guint64 soft, GError **error);
    gboolean (*get_memory) (CgroupHierarchy *h, Cgroup *c, guint64 *hard, guint64 *soft,
                            guint64 *swap_hard, GError **error);
    gboolean (*memory_usage) (CgroupHierarchy *h, const Cgroup *c, guint64 *usage, GError **error);
    gboolean (*set_shares) (CgroupHierarchy *h, Cgroup *c, guint64 shares, GError **error);
    gboolean (*get_shares) (CgroupHierarchy *h, Cgroup *c, guint64 *shares, GError **error);
    gboolean (*set_cfs) (CgroupHierarchy *h, Cgroup *c, guint64 period, gint64 quota, GError **error);
    gboolean (*get_cfs) (CgroupHierarchy *h, Cgroup *c, guint64 *period, gint64 *quota, GError **error);
    gboolean (*set_cpuset) (CgroupHierarchy *h, Cgroup *c, const char *cpus, const char *mems, GError **error);
    gboolean (*set_pids) (CgroupHierarchy *h, Cgroup *c, guint64 max, GError **error);
    gboolean (*cpu_usage) (CgroupHierarchy *h, const Cgroup *c, guint64 *total, guint64 *user, guint64 *system,
                           GError **error);
    gboolean (*set_blkio_weight) (CgroupHierarchy *h, Cgroup *c, guint weight, GError **error);
    gboolean (*set_blkio_device) (CgroupHierarchy *h, Cgroup *c, const CgroupBlkio *rule, GError **error);
    gboolean (*set_devices) (CgroupHierarchy *h, Cgroup *c, const CgroupDeviceRule *rules, guint n,
                             GError **error);
    gboolean (*freeze) (CgroupHierarchy *h, Cgroup *c, gboolean frozen, GError **error);
    gboolean (*frozen) (CgroupHierarchy *h, Cgroup *c, gboolean *frozen, GError **error);
    /* of at most *@budget nested groups, counted down there */
    gboolean (*kill) (CgroupHierarchy *h, Cgroup *c, guint *budget, GError **error);
    gboolean (*populated) (CgroupHierarchy *h, Cgroup *c, guint *budget);   /* TRUE: perhaps, when that is 0 */
};

extern const CgroupOps cgroup_v1_ops, cgroup_v2_ops;

/* Reads the host's layout from the text of /proc/self/mountinfo and /proc/self/cgroup. */
gboolean cgroup_host_parse (const char *mountinfo, const char *own, GError **error);
void cgroup_host_clear (void);
extern gboolean cgroup_host_any_filesystem;     /* tests: mount points need not be cgroup file systems */
/* Whether the container has a group in that hierarchy. */
static inline gboolean
cgroup_has (const Cgroup *c, const CgroupHierarchy *h)
{
    return (c->hierarchies & (1u << (h - cgroup_host.hierarchies))) != 0;
}

/* The hierarchy that serves one controller, or NULL. */
CgroupHierarchy *cgroup_hierarchy (CgroupControllers controller);
/* The same if the container has a group there, else ERR_OPERATION_INVALID with libvirt's words. */
CgroupHierarchy *cgroup_serving (const Cgroup *c, CgroupControllers controller, GError **error);

/* Files of a group: @group is relative to the mount ("" its root), @sub "" or "/guest". The _try
 * variants return 0 or a negative errno. Texts are NUL-terminated and at most CGROUP_TEXT_MAX. */
#define CGROUP_TEXT_MAX 4096
int cgroup_file_open (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                      int flags);       /* -1 with errno */
int cgroup_write_try (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                      const char *value);
gboolean cgroup_write (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                       const char *value, GError **error);
gboolean cgroup_write_u64 (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                           guint64 value, GError **error);
int cgroup_read_try (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                     char text[CGROUP_TEXT_MAX]);
gboolean cgroup_read (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                      char text[CGROUP_TEXT_MAX], GError **error);
/* "max" is CGROUP_UNLIMITED. */
gboolean cgroup_read_u64 (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                          guint64 *value, GError **error);
/* The whole of a file that grows with what is there, at most 1 MiB. */
char *cgroup_read_long (const CgroupHierarchy *h, const char *group, const char *file, GError **error);
/* The same of a counter that is short on nearly every host, through a descriptor that is kept (below) where it is. */
char *cgroup_read_kept_long (const CgroupHierarchy *h, const Cgroup *c, const char *file, GError **error);
/* Counters of BASE: reads through a descriptor that is kept. For the main loop, but with a copy of the
 * group, which keeps none. Of a longer file only the first part. */
CgroupKept *cgroup_kept_new (void);
void cgroup_kept_free (CgroupKept *kept);
gssize cgroup_read_kept_try (const CgroupHierarchy *h, const Cgroup *c, const char *file, char *text, gsize size);
gboolean cgroup_read_kept (const CgroupHierarchy *h, const Cgroup *c, const char *file,
                           char text[CGROUP_TEXT_MAX], GError **error);
gboolean cgroup_read_kept_u64 (const CgroupHierarchy *h, const Cgroup *c, const char *file, guint64 *value,
                               GError **error);
/* Of a file that holds one number; "max" is CGROUP_UNLIMITED. */
gboolean cgroup_text_u64 (char *text, const char *file, guint64 *value, GError **error);
/* The number after "KEY " at a line's start; FALSE when there is none. */
gboolean cgroup_text_key (const char *text, const char *key, guint64 *value);
gboolean cgroup_error (GError **error, const CgroupHierarchy *h, const char *group, const char *sub,
                       const char *file, int errnum, gboolean writing);

/* Walks the tree below @group depth first with a constant number of descriptors, however deep a guest
 * made it. @enter is called for each group before its children and stops the walk by FALSE; with
 * @remove the groups are removed on the way back. At most *@budget groups are entered, counted
 * down there. Returns 0, or a negative errno: -EBUSY too when the budget ran out. */
typedef gboolean (*CgroupVisit) (int dir, gpointer data);
int cgroup_tree_walk (const CgroupHierarchy *h, const char *group, CgroupVisit enter, gpointer data,
                      gboolean remove, guint *budget);

/* Calls @visit for each process of the group at @dir that we can name and that is not ourselves. */
typedef void (*CgroupPidVisit) (pid_t pid, gpointer data);
void cgroup_each_pid (int dir, CgroupPidVisit visit, gpointer data);
/* A CgroupVisit: SIGKILL for each of them. */
gboolean cgroup_kill_group (int dir, gpointer unused);

/* Thaws all below @group of a version 1 freezer, and that. */
void cgroup_v1_thaw (const CgroupHierarchy *h, const char *group, guint *budget);

/* cpu.weight of shares and back, and the device program; in the header for their tests. */
guint64 cgroup_weight_of_shares (guint64 shares);
guint64 cgroup_shares_of_weight (guint64 weight, guint64 last_set);
struct bpf_insn;
guint cgroup_device_program (const CgroupDeviceRule *rules, guint n, struct bpf_insn *ret);
#define CGROUP_DEVICE_INSNS(n) (6 + 8 * (n) + 2)
gboolean cgroup_v1_set_devices (CgroupHierarchy *h, Cgroup *c, const CgroupDeviceRule *rules, guint n,
                                GError **error);
gboolean cgroup_v2_set_devices (CgroupHierarchy *h, Cgroup *c, const CgroupDeviceRule *rules, guint n,
                                GError **error);
