/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The capabilities of init, from <features><capabilities>. Pure data: bit N is capability N. */
#pragma once

#include <glib.h>
#include "conf/domain.h"

typedef struct { guint64 effective, permitted, inheritable, bounding, ambient; } CapSet;

/* Policy default: all but sys_module, sys_time, mknod, audit_control, mac_admin (libvirt's set) and
 * audit_read, which libvirt does not know: with the host's network namespace it would read the host's
 * audit stream (attack A25). allow: all; deny: none; then each state on or off. The inheritable set
 * stays empty, also under deny where libvirt fills it: it gives root nothing, and others what a file
 * asks for. @last_cap is the kernel's highest capability number. */
void capset_from_features (const DomainFeatures *features, guint last_cap, CapSet *ret);
guint capset_kernel_last (void);
