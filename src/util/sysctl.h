/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kernel parameters belong to a namespace, so that a container may have its own. No GLib. */
#pragma once

typedef enum { SYSCTL_HOST, SYSCTL_NET, SYSCTL_IPC, SYSCTL_UTS } SysctlOwner;

/* @path as below /proc/sys, "net/ipv4/ip_forward". SYSCTL_HOST: it is the host's alone. */
SysctlOwner sysctl_owner (const char *path);
