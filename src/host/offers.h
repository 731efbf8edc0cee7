/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this kernel has for containers, asked anew on each call: modules and sysctls come and go. A handful of
 * files of /proc, the list of modules and some devices, no directory that grows with the host. */
#pragma once

#include <glib.h>

typedef struct {
    char **namespaces;          /* cgroup, ipc, mnt, net, pid, user, uts: those that there are, NULL-terminated */
    char **filesystems;         /* that live on a block device: ext4, xfs, ... as loaded now */
    gboolean idmap;             /* user namespaces can be made */
    gboolean idmapped_mounts;   /* mount_setattr(2) is there */
    gboolean seccomp, loop, nbd, usb;
    guint cpus;                 /* online */
} Offers;

Offers *offers_read (void);
void offers_free (Offers *offers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Offers, offers_free)
