/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File systems of a container on a device or image of their own: those that can be frozen and trimmed. */
#pragma once

#include "driver/errand.h"
#include "driver/instance.h"

typedef struct {
    ErrandTarget target;
    GPtrArray *targets;         /* of char *: directories in the container */
    GArray *numbers;            /* of PlanDevice: what each must be on */
} OwnFs;

/* Those of @mountpoints, or all (@n 0). @done what becomes of them, "frozen". NULL: there is none, one that is
 * named is no such, or the domain does not run. */
OwnFs *own_fs_new (Domain *domain, char *const *mountpoints, guint n, const char *done, GError **error);
void own_fs_free (OwnFs *fs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OwnFs, own_fs_free)
