/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Audit records VIRT_CONTROL, VIRT_RESOURCE and VIRT_MACHINE_ID, with libvirt's fields
 * (facts/driver/controller.md section 16). Where the kernel has no audit they go to the log, and one
 * message says so.
 */
#pragma once

#include <glib.h>
#include "conf/domain.h"

typedef enum { AUDIT_OFF, AUDIT_IF_HOST, AUDIT_REQUIRED } AuditLevel;

/* AUDIT_REQUIRED fails (ERR_INTERNAL) where the kernel cannot or does not audit. @also_log: every
 * record goes to the log too. Not "audit_open", which is libaudit's. */
gboolean audit_trail_open (AuditLevel level, gboolean also_log, GError **error);
void audit_trail_close (void);

/* @reason booted, reboot, destroyed, shutdown, failed ...; @pid the controller's, 0 when stopped */
void audit_start (const DomainDef *def, const char *reason, int pid, gboolean success);
void audit_stop (const DomainDef *def, const char *reason);
void audit_init (const DomainDef *def, int pid, int init_pid, guint64 pid_namespace);
void audit_labels (const DomainDef *def, gboolean success);
/* The whole resource set, before the control record of a start. */
void audit_start_resources (const DomainDef *def);
/* One change: @resource disk fs net mem vcpu chardev; NULL prints "?". */
void audit_resource (const DomainDef *def, const char *resource, const char *reason,
                     const char *old_value, const char *new_value, gboolean success);
/* A host device: @kind disk or chardev with its path, usb with "BBB.DDD". */
void audit_hostdev (const DomainDef *def, const char *kind, const char *device, const char *reason,
                    gboolean success);

/* The text of a record, for tests: `vm="a"`, or hex where the name has a blank, quote or control. */
char *audit_field (const char *name, const char *value);
