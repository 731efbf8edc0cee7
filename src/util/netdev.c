/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/netdev.h"

#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/fd.h"

int
netdev_sysfs (void)
{
    autofd int context = (int) syscall (SYS_fsopen, "sysfs", FSOPEN_CLOEXEC);

    if (context < 0 || syscall (SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return (int) syscall (SYS_fsmount, context, FSMOUNT_CLOEXEC,
                          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

uint64_t
netdev_identity (int sysfs, const char *name)
{
    char path[64];
    struct stat st;

    snprintf (path, sizeof path, "class/net/%s", name);
    return fstatat (sysfs, path, &st, 0) == 0 ? st.st_ino : 0;
}
