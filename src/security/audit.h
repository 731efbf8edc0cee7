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

gboolean audit_open (AuditLevel level, gboolean also_log, GError **error);
void audit_close (void);

/* @reason booted, reboot, destroyed, shutdown, failed ...; @pid the controller's, 0 when stopped */
void audit_start (const DomainDef *def, const char *reason, int pid, gboolean success);
void audit_stop (const DomainDef *def, const char *reason);
void audit_init (const DomainDef *def, int pid, int init_pid, guint64 pid_namespace);
void audit_labels (const DomainDef *def, gboolean success);
/* The whole resource set, before the control record of a start. */
void audit_start_resources (const DomainDef *def);
/* One change: @resource disk fs net mem vcpu hostdev chardev; NULL prints "?". */
void audit_resource (const DomainDef *def, const char *resource, const char *reason,
                     const char *old_value, const char *new_value, gboolean success);
