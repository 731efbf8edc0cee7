/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of skep-helper's verbs for devices: helper_device.c, and helper_mount.c with the mounts. */
#pragma once

#include "controller/helper.h"
#include "controller/mounts.h"

typedef struct {
    const HelperCall *call;
    device_plan plan;
    Failure failure;
    RootOwner owner;        /* of what is made: host ids, or the container's once its user namespace is entered */
    int root;               /* the container's, once entered */
} Device;

/* /proc/PID/ns/NAME of init; -1 with errno. */
int device_open_namespace (const HelperCall *call, const char *name);
/* Into the container's tree; with @as_guest as its root where it has a user namespace of its own. 0, or -1 with
 * the failure set, as all below. */
int device_enter_tree (Device *d, bool as_guest);

/* helper_mount.c */
int device_add_mount (Device *d);
int device_remove_mount (Device *d);
int device_change_mount (Device *d);
