/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd and systemd-machined over D-Bus, asynchronous; absent services are not errors. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef void (*MachinedDone) (const char *cgroup_path, const GError *error, gpointer data);

/* TRUE when systemd is PID 1 of this host (sd_booted) and its bus answers. */
gboolean systemd_present (void);

/* Starts scope @unit in @slice (from <partition>: "/machine" is machine.slice) with @pid in it, delegated; @done gets
 * the scope's cgroup path. */
void systemd_scope_start (const char *unit, const char *slice, const char *description, pid_t pid,
                          MachinedDone done, gpointer data);
void systemd_scope_stop (const char *unit);

/* Registers with machined when it is there: class container, service "libvirt-lxc", leader init's pid. */
void machined_register (const char *machine, const guint8 uuid[16], pid_t leader, const int *ifindexes,
                        guint n, MachinedDone done, gpointer data);
void machined_terminate (const char *machine);

/* "lxc-ID-NAME" reduced and cut as libvirt does; "machine-lxc\x2d1\x2dn.scope"; "/machine" -> slice. */
char *machined_machine_name (const char *name, int id);
char *systemd_scope_name (const char *machine);
char *systemd_slice_of_partition (const char *partition);
