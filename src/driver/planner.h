/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The planner: a definition and the facts of the host in, a launch plan out. Pure; every decision
 * about what a container gets is here, none is in the controller.
 */
#pragma once

#include <glib.h>

#include "conf/domain.h"
#include "driver/plan_facts.h"
#include "host/cgroup.h"
#include "plan/plan.h"

/* What the daemon itself brings. Descriptors are those of the controller, -1 where nothing is. */
typedef struct {
    const char *monitor_path, *stage_dir;
    const char *label_options;  /* mount options of the security label, or NULL */
    guint console_ring;         /* bytes */
    guint64 console_log_max;
    guint start_deadline, kill_deadline;    /* ms */
    const int *console_log_fds; /* one a console; NULL: none */
    const int *share_fds;       /* SHARE_LAST of them; NULL: none */
    const int *pass_fds;
    guint n_pass_fds;
    const CgroupView *views;
    guint n_views;
} PlanContext;

/* Free with plan_destroy(). NULL with error (ERR_CONFIG_UNSUPPORTED,
 * ERR_INTERNAL for a plan that breaks its own rules). */
launch_plan *plan_make (const DomainDef *def, const PlanFacts *facts, const PlanContext *context,
                        GError **error);
void plan_destroy (launch_plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (launch_plan, plan_destroy)

/* The device rules of the container's cgroup. */
GArray *plan_device_rules (const DomainDef *def, const PlanFacts *facts);   /* of CgroupDeviceRule */

/* The rules of its devices alone, appended to @rules. */
void plan_add_device_rules (const DomainDef *def, const PlanFacts *facts, GArray *rules);

/* What brings the one device of @def into a running container (skep-helper), from facts that include
 * its loop device or link. Free with plan_device_destroy(). ERR_INTERNAL for one that needs nothing. */
device_plan *plan_make_device (const DomainDef *def, const PlanFacts *facts, const PlanContext *context,
                               GError **error);
void plan_device_destroy (device_plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (device_plan, plan_device_destroy)

/* What can be said of a definition without looking at the host: consoles, namespaces, devices that
 * do not go together. */
gboolean plan_check_def (const DomainDef *def, GError **error);

/* ---- between the planner's own files */

typedef struct {
    const DomainDef *def;
    const PlanFacts *facts;
    const PlanContext *context;
    launch_plan *plan;
    GArray *mounts, *nodes, *consoles, *links, *env, *argv;
    gboolean own_net;
} Planner;

plan_mount *planner_mount (Planner *p, plan_mount_kind kind, const char *source, const char *target,
                           guint flags);
/* The same name replaces. */
void planner_env (Planner *p, const char *name, const char *value);
void planner_mounts (Planner *p);       /* planner_mounts.c */
void planner_filesystem (Planner *p, guint index);
/* Options of a tmpfs that belongs to the container's root, with the security label; g_free() */
char *planner_owned_options (const Planner *p, const char *options);
plan_idmap_mode planner_idmap_mode (const Planner *p, const char *source, gboolean keeps_ids);
void planner_skep_overlay (Planner *p, plan_mount *root);
void planner_skep_mounts (Planner *p);  /* planner_skep.c: after all others */
void planner_skep (Planner *p);         /* everything else of <skep:container>; seccomp */
void plan_skep_device_rules (const DomainSkep *skep, GArray *rules);
void planner_devices (Planner *p);      /* planner_devices.c */
void planner_nodes (Planner *p);        /* of disks and hostdevs */
void planner_links (Planner *p);        /* planner_links.c */
gboolean plan_has_own_net (const DomainDef *def);
