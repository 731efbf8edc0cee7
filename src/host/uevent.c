/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "util/error.h"
#include "util/fd.h"

#define FROM_KERNEL 1           /* the group of the kernel's own words; udev's is 2 */

int
uevent_open (GError **error)
{
    const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = FROM_KERNEL };
    autofd int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

    if (fd >= 0 && bind (fd, (const struct sockaddr *) &address, sizeof address) == 0)
        return fd_steal (&fd);
    error_set_errno (error, errno, "cannot listen for devices");
    return -1;
}

/* "add@/devices/..." */
static gboolean
matters (const char *text)
{
    static const char *const actions[] = { "add@", "remove@", "move@" };

    for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
        if (g_str_has_prefix (text, actions[i]))
            return TRUE;
    return FALSE;
}

gboolean
uevent_read (int fd)
{
    struct sockaddr_nl from;
    char text[8192];
    gboolean found = FALSE;
    ssize_t n;

    for (;;) {
        socklen_t size = sizeof from;

        n = recvfrom (fd, text, sizeof text - 1, 0, (struct sockaddr *) &from, &size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return found || errno == ENOBUFS;
        text[n] = '\0';
        found |= from.nl_pid == 0 && matters (text);
    }
}
