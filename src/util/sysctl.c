/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/sysctl.h"

#include <string.h>

/* Prefixes. Any other key would change the host. */
static const struct {
    const char *prefix;
    SysctlOwner owner;
} rows[] = {
    { "net/", SYSCTL_NET },
    { "kernel/shm", SYSCTL_IPC },
    { "kernel/msg", SYSCTL_IPC },
    { "kernel/sem", SYSCTL_IPC },
    { "fs/mqueue/", SYSCTL_IPC },
    { "kernel/domainname", SYSCTL_UTS },
    { "kernel/hostname", SYSCTL_UTS },
};

SysctlOwner
sysctl_owner (const char *path)
{
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strncmp (path, rows[i].prefix, strlen (rows[i].prefix)) == 0)
            return rows[i].owner;
    return SYSCTL_HOST;
}
