/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a UNIX socket is: a path, or "@" and an abstract name. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

static inline bool
address_abstract (const char *path)
{
    return path[0] == '@';
}

/* Returns its length; 0: @path is empty, or too long for one. */
socklen_t address_unix (const char *path, struct sockaddr_un *ret);
