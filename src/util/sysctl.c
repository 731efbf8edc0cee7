/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/sysctl.h"

#include <string.h>

/* Prefixes where they end in '/' or in '*', else whole names. Any other key would change the host. */
static const struct {
    const char *name;
    SysctlOwner owner;
} rows[] = {
    { "net/", SYSCTL_NET },
    { "kernel/shm*", SYSCTL_IPC },
    { "kernel/msg*", SYSCTL_IPC },
    { "kernel/sem*", SYSCTL_IPC },
    { "fs/mqueue/", SYSCTL_IPC },
    { "kernel/domainname", SYSCTL_UTS },
    { "kernel/hostname", SYSCTL_UTS },
};

static int
name_matches (const char *name, const char *path)
{
    size_t length = strlen (name);

    if (name[length - 1] == '*')
        return strncmp (path, name, length - 1) == 0;
    if (name[length - 1] == '/')
        return strncmp (path, name, length) == 0;
    return strcmp (path, name) == 0;
}

SysctlOwner
sysctl_owner (const char *path)
{
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (name_matches (rows[i].name, path))
            return rows[i].owner;
    return SYSCTL_HOST;
}
