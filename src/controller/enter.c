/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/enter.h"

#include <grp.h>
#include <sched.h>
#include <unistd.h>

int
enter_as_root (void)
{
    /* groups first: the call needs the capability that a change of ids may take away */
    return setgroups (0, NULL) < 0 || setresgid (0, 0, 0) < 0 || setresuid (0, 0, 0) < 0 ? -1 : 0;
}

int
enter_namespaces (int pidfd, int namespaces)
{
    if (setns (pidfd, namespaces) < 0 || ((namespaces & CLONE_NEWUSER) && enter_as_root () < 0))
        return -1;
    return namespaces & CLONE_NEWNS ? chdir ("/") : 0;
}
