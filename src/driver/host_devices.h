/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the host makes for a container's devices: loop devices for files, links. Shared by the steps of a
 * start and the changes of what runs. May block: for pool threads, but for choosing a name.
 */
#pragma once

#include "driver/plan_facts.h"
#include "host/link.h"

#define NOTE_LINKS "links"      /* names of host ends, blank separated */

/* What was found out or attached; the loops' descriptors keep them until the container has them. */
typedef struct {
    GArray *fs;                 /* of PlanFs, as def->filesystems */
    GArray *disks;              /* of PlanDevice, as def->disks */
    GArray *loops;              /* of int */
} DeviceResult;

/* A failure leaves nothing. */
DeviceResult *host_devices_attach (const DomainDef *def, GError **error);
/* Moves what was found out to @facts of the same definition. */
void host_devices_take (DeviceResult *result, PlanFacts *facts);
void device_result_free (DeviceResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeviceResult, device_result_free)

/* A name that is free now for the host end, or for the macvlan, which is the host's until it has moved.
 * Main loop. */
char *host_link_choose (const NetDef *net);
/* Both ends, or nothing. */
gboolean host_link_make (const NetDef *net, const char *name, LinkPair *ret, GError **error);
/* With all that belongs to it; what has gone already is fine. */
gboolean host_link_delete (const char *name, GError **error);
