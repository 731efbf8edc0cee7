/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who init runs as, by the container's own passwd and group files, read by our own bounded parser. */
#pragma once

#include "controller/failure.h"
#include "plan/plan.h"

typedef struct {
    uid_t uid;
    gid_t gid;
    gid_t groups[PLAN_GROUPS_MAX];
    unsigned n_groups;
} User;

/* @user and @group are names or else numbers, "+1000" a number in any case, "" is root. A number needs no
 * entry; without one and without @group the group is the same number (not root's). */
int user_lookup (int root, const char *user, const char *group, User *ret_user, Failure *failure);
