/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of a device that stays: any of it in the saved definition; of an interface of a running
 * container its link state, its bandwidth and its bridge; of a file system whether it may be written to; a disk
 * all but its target. Until the end of an update the status file has what there was before, and the next daemon takes
 * back what one that died had begun (device_recover.c).
 */
#pragma once

#include "driver/device_change.h"
#include "host/link_rate.h"
#include "util/task.h"

/* A copy of @def with @device in the place of the one that it means. NULL with error. */
DomainDef *device_updated (const DomainDef *def, const DomainDevice *device, GError **error);

/* The index of the live device that @device changes; -1 with error when there is none, or when more
 * would change than can. */
int device_update_check (const DomainDef *def, const DomainDevice *device, GError **error);
/* As device_attach(). Of @device, which the check has passed, what can change. */
void device_update (Domain *domain, Job *job, const DomainDevice *device, guint index, DomainDef *config,
                    DeviceChanged done, gpointer data);

/* Makes the device as the live definition has it, whatever it is. @done is called in any case. */
void device_update_again (Domain *domain, Job *job, DeviceKind kind, guint index, DeviceChanged done, gpointer data);

/* ---- device_recover.c: notes of an update */

#define NOTE_UPDATE       "device-update"       /* the document of the live device as it was */
#define NOTE_UPDATE_SAVED "device-update-saved" /* of the saved one, which there is only if that is to change, too */

/* @config (NULL: stays) will be the saved definition. They are in the file when somebody saves the status. */
void device_update_note (Domain *domain, DeviceKind kind, const void *live, const DomainDef *config);
void device_update_unnote (Instance *instance);

/* ---- device_replace.c, for device_update.c: disks, and host devices, of which there is nothing to change */

gboolean device_replace_check (const DomainDef *def, const DomainDevice *device, guint index, GError **error);
void device_replace (Domain *domain, Job *job, const DomainDevice *device, guint index, DomainDef *config,
                     DeviceChanged done, gpointer data);

/* ---- device_update_fs.c, for device_update.c */

gboolean device_fs_check (const DomainDef *def, const DomainDevice *device, const FsDef *live, GError **error);
/* Makes the mount in the container as @fs says; @done gets a result or an error. */
void device_fs_begin (Domain *domain, Job *job, const FsDef *fs, TaskDone done, gpointer data);

/* The rates of <bandwidth> as the host has them: kilobytes of 1000 bytes, as tc; a burst's have 1024. */
void device_net_rates (const NetDef *net, LinkRate *ret_to_guest, LinkRate *ret_from_guest);
/* Any thread; may block. What the kernel made otherwise is warned of. */
gboolean device_set_rates (const char *name, const LinkRate *to_guest, const LinkRate *from_guest, GError **error);
