/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which network device a name stands for. Name, index, addresses and alias of a device are at the disposal of whoever
 * rules its network namespace; the inode of its directory in sysfs is the kernel's own: it comes with the device,
 * follows it into other namespaces, through changes of its name, and is not given twice. No GLib.
 */
#pragma once

#include <stdint.h>

/* A sysfs of the calling thread's network namespace, mounted nowhere; -1 with errno. */
int netdev_sysfs (void);
/* Of the device @name in @sysfs; 0 with errno. */
uint64_t netdev_identity (int sysfs, const char *name);
