/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts that are attached nowhere yet: a descriptor of their root, which takes them away when it is closed. Runs
 * in the builder and in skep-helper. */
#pragma once

#include <stdint.h>

#include "controller/failure.h"
#include "plan/plan.h"

/* MOUNT_ATTR_* of PLAN_MF_*. */
uint64_t tree_attributes (unsigned flags);

/* Attributes of the mount at @fd and, with PLAN_MF_RECURSIVE in @flags, of those below it; makes them private.
 * 0, or -1 with errno. */
int tree_change (int fd, unsigned flags, uint64_t set, uint64_t clear);

/* A copy of the mount at @fd (@path: of what it has there, which is no link), with those below it by
 * PLAN_MF_RECURSIVE, and with other attributes. Private, because a copy of a shared mount is a peer of the host's
 * and would carry mounts out. -1 with errno. */
int tree_clone (int fd, const char *path, unsigned flags, uint64_t set, uint64_t clear);

/* A new file system of the plan's type, source and options. -1 with the failure set, by what the file system says. */
int tree_new (const plan_mount *mount, unsigned step, Failure *failure);

/* Shows the ids of @tree through the map of @userns as the plan wants it, before it is attached (the kernel's
 * rule). 0, or -1 with the failure set. */
int tree_idmap (int tree, const plan_mount *mount, int userns, Failure *failure);

/* 0, or -1 with errno. */
int tree_attach (int tree, int target);
