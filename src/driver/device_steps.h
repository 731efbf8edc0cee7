/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of the steps by which devices come and go: device_change.h has the tables' types. */
#pragma once

#include "driver/device_change.h"
#include "driver/device_rules.h"

/* An undo has nobody to tell. */
void device_undo_failed (const DeviceChange *change, const char *what, const GError *error);
NetDef *device_net (const DeviceChange *change);
/* Not set for what has none. */
PlanDevice device_numbers (const DeviceChange *change);
/* The saved definition without the device; NULL: it has no such. */
DomainDef *device_config_without (const DeviceChange *change);
StepResult device_undo_commit (DeviceChange *change);

/* ---- device_look.c */

gboolean device_has_superblock (DeviceChange *change);
StepResult device_run_look (DeviceChange *change, GError **error);
StepResult device_run_superblock (DeviceChange *change, GError **error);
/* Writes the change as it is now into the status file. */
gboolean device_note_change (DeviceChange *change, GError **error);
StepResult device_run_note (DeviceChange *change, GError **error);
StepResult device_undo_note (DeviceChange *change);

/* ---- device_access.c */

gboolean device_needs_rules (DeviceChange *change);
StepResult device_run_widen (DeviceChange *change, GError **error);
StepResult device_undo_widen (DeviceChange *change);
StepResult device_run_narrow (DeviceChange *change, GError **error);
StepResult device_undo_narrow (DeviceChange *change);
gboolean device_needs_hold (DeviceChange *change);
StepResult device_run_hold (DeviceChange *change, GError **error);
StepResult device_undo_hold (DeviceChange *change);
gboolean device_needs_release (DeviceChange *change);
StepResult device_run_release (DeviceChange *change, GError **error);

/* ---- device_limits.c: those of a disk's own, which come and go with it */

gboolean device_has_limits (DeviceChange *change);
StepResult device_run_limits (DeviceChange *change, GError **error);
StepResult device_undo_limits (DeviceChange *change);

/* ---- device_link.c */

gboolean device_is_interface (DeviceChange *change);
/* Adds @name to the blank separated names of a note, or takes it out. */
void device_note_name (Instance *instance, const char *note, const char *name, gboolean add);
const char *device_note_of (const NetDef *net);
/* The one link of the plan for skep-helper. */
void device_set_link_fact (DeviceChange *change, const char *host_name, int ifindex,
                           const char *guest_name, const NetDef *net, const HostdevDef *hostdev);
StepResult device_run_link (DeviceChange *change, GError **error);
StepResult device_undo_link (DeviceChange *change);
StepResult device_run_unlink (DeviceChange *change, GError **error);

/* ---- device_enter.c */

StepResult device_run_enter (DeviceChange *change, GError **error);
StepResult device_undo_enter (DeviceChange *change);
/* A network device of the host that has not moved, or is back. */
gboolean device_on_host (const DeviceChange *change);
gboolean device_needs_leave (DeviceChange *change);
StepResult device_run_leave (DeviceChange *change, GError **error);
StepResult device_undo_leave (DeviceChange *change);
