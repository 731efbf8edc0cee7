/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the checks of a definition share. Private to domain_check*.c. */
#pragma once

#include "conf/domain_codec.h"

typedef struct {
    const DomainDef *def;
    const DomainDefaults *defaults;
    char *path;
    GError *error;
} Check;

/* Always FALSE, so that a check can end in it. @path is an XPath; @index, if not 0, that of the last
 * element in it. */
gboolean check_fail (Check *check, ErrorCode code, const char *path, guint index,
                     const char *format, ...) G_GNUC_PRINTF (5, 6);
/* That defaults did not make more of @list, at @path, than are read again. */
gboolean check_length (Check *check, const GPtrArray *list, const char *path);

/* domain_check_cpu.c: what libvirt finds while it reads cells and sysinfo; the model; actions and pages */
gboolean check_cells (Check *check);
gboolean check_cpu_model (Check *check);
gboolean check_cpu (Check *check);

/* domain_check_net.c */
gboolean check_nets (Check *check);
gboolean check_hostdevs (Check *check);

/* domain_check_tune.c: what libvirt finds while it reads cputune, iothreads, numatune; cputune's and
 * blkiotune's limits; pools of iothreads */
gboolean check_tune (Check *check);
gboolean check_limits (Check *check);
gboolean check_pools (Check *check);
/* domain_check_devices.c: devices without effect */
gboolean check_passive_devices (Check *check);
gboolean check_serials (Check *check);
gboolean check_consoles (Check *check);
gboolean check_sounds (Check *check);
gboolean check_videos (Check *check);
gboolean check_redirdevs (Check *check);
/* domain_check_controllers.c */
gboolean check_controllers (Check *check);
/* domain_check_disks.c */
gboolean check_disks (Check *check);
/* domain_skep_check.c: skep:container */
gboolean check_skep (Check *check);
