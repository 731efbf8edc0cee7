/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/address.h"

#include <stddef.h>
#include <string.h>

socklen_t
address_unix (const char *path, struct sockaddr_un *ret)
{
    size_t length = strlen (path);

    *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
    if (length == 0 || length >= sizeof ret->sun_path)
        return 0;
    memcpy (ret->sun_path, path, length);
    if (address_abstract (path))
        ret->sun_path[0] = '\0';
    else
        length++;               /* the NUL belongs to a path, not to an abstract name */
    return (socklen_t) (offsetof (struct sockaddr_un, sun_path) + length);
}
