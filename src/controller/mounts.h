/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Executes the mounts of a plan onto the staged root. Runs in the builder; one mount at a time, in skep-helper. */
#pragma once

#include "controller/failure.h"
#include "controller/path.h"
#include "plan/plan.h"

typedef struct {
    const launch_plan *plan;
    Failure *failure;
    RootOwner owner;
    int stage;          /* private tmpfs on plan->stage_dir: the root's mount point, sources of masks */
    int root;           /* the container's root */
    int userns;         /* the container's user namespace, for id-mapped mounts; -1 none */
    int devpts;         /* the private devpts; -1 before it is mounted */
    int fuse;           /* /dev/fuse, for the controller's own file; -1 none */
    /* Called before a control group file system is mounted, which shows the mounter's cgroup namespace.
     * 0, or -1 with @failure; NULL: nothing has to be done. */
    int (*before_groups) (void *data);
    void *data;
    int *sources;       /* clones of mounts given by descriptor, one for each plan mount, -1 none */
    int masters[PLAN_CONSOLES_MAX];     /* of the consoles, -1 before devpts is mounted */
} Mounts;

/* Clones the mounts that the plan gives by descriptor. Must run before the mount namespace is left:
 * the kernel clones only from the caller's own. @sources has room for plan->mounts. */
int mounts_take_sources (const launch_plan *plan, int *sources, Failure *failure);

/* The whole list, in order; first the staging tmpfs. */
int mounts_build (Mounts *mounts);

/* For one mount of a running container: made in the namespace that has its source, then put to its
 * place in the one that has its target. The tree is attached nowhere yet and keeps its file system as
 * long as its descriptor is open. Needs plan (of this mount alone), failure, owner, userns; for the
 * target, or for a source in the container, root. */
int mount_make (Mounts *mounts, const plan_mount *mount, bool *ret_directory);
int mount_target (Mounts *mounts, const plan_mount *mount, bool directory, int *ret_target);
int mount_put (Mounts *mounts, const plan_mount *mount, int tree, int target);

/* dev.c: nodes in the container's /dev (@dev: its root), consoles in its devpts. */
int dev_nodes_make (const launch_plan *plan, int dev, const RootOwner *owner, Failure *failure);
int dev_consoles_make (Mounts *mounts);
