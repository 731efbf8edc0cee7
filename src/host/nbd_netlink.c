/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's nbd driver, by its family of generic netlink. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <string.h>

#include "host/nbd_private.h"
#include "host/rtnl.h"

#define SECTOR 512              /* an image need not be a multiple of the driver's 1024 bytes */

/* The attribute of a generic message's top level; NULL when it has none. */
static const struct rtattr *
find_attribute (const RtnlAnswer *answer, guint type)
{
    const gsize head = NLMSG_SPACE (sizeof (struct genlmsghdr));
    const struct rtattr *attr = (const void *) (answer->bytes + head);
    guint left;

    if (answer->header.nlmsg_len < head)
        return NULL;
    left = answer->header.nlmsg_len - (guint) head;
    for (; RTA_OK (attr, left); attr = RTA_NEXT (attr, left))
        if ((attr->rta_type & NLA_TYPE_MASK) == type)
            return attr;
    return NULL;
}

/* Sends a request whose answer, a message, has one attribute that is wanted. */
static int
ask_for (RtnlRequest *request, guint type, void *ret, gsize size)
{
    RtnlAnswer answer;
    int r = rtnl_ask (request, NETLINK_GENERIC, &answer);
    const struct rtattr *attr = r > 0 ? find_attribute (&answer, type) : NULL;

    if (r < 0)
        return r;
    if (!attr || RTA_PAYLOAD (attr) < size)
        return -EPROTO;
    memcpy (ret, RTA_DATA (attr), size);
    return 0;
}

static int
acknowledged (RtnlRequest *request)
{
    RtnlAnswer answer;
    int r = rtnl_ask (request, NETLINK_GENERIC, &answer);

    return r > 0 ? -EPROTO : r;
}

static int
find_family (guint16 *ret)
{
    const struct genlmsghdr head = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
    RtnlRequest request;

    rtnl_start (&request, GENL_ID_CTRL, 0, &head, sizeof head);
    rtnl_add_string (&request, CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME);
    return ask_for (&request, CTRL_ATTR_FAMILY_ID, ret, sizeof *ret);
}

static int
start (RtnlRequest *request, guint8 command)
{
    const struct genlmsghdr head = { .cmd = command, .version = NBD_GENL_VERSION };
    guint16 family;
    int r = find_family (&family);

    if (r == 0)
        rtnl_start (request, family, 0, &head, sizeof head);
    return r;
}

static void
add_u64 (RtnlRequest *request, guint type, guint64 value)
{
    rtnl_add (request, type, &value, sizeof value);
}

int
nbd_kernel_connect (int sock, const NbdExport *export, const char *backend, guint timeout, guint32 *ret_index)
{
    RtnlRequest request;
    gsize list, item;
    int r = start (&request, NBD_CMD_CONNECT);

    if (r < 0)
        return r;
    add_u64 (&request, NBD_ATTR_SIZE_BYTES, export->size);
    add_u64 (&request, NBD_ATTR_BLOCK_SIZE_BYTES, SECTOR);
    add_u64 (&request, NBD_ATTR_SERVER_FLAGS, export->flags);
    add_u64 (&request, NBD_ATTR_TIMEOUT, timeout);
    list = rtnl_open (&request, NBD_ATTR_SOCKETS | NLA_F_NESTED);
    item = rtnl_open (&request, NBD_SOCK_ITEM | NLA_F_NESTED);
    rtnl_add_u32 (&request, NBD_SOCK_FD, (guint32) sock);
    rtnl_close (&request, item);
    rtnl_close (&request, list);
    rtnl_add_string (&request, NBD_ATTR_BACKEND_IDENTIFIER, backend);
    return ask_for (&request, NBD_ATTR_INDEX, ret_index, sizeof *ret_index);
}

/* Of a device that was connected for @backend: that it still is for that one the kernel looks itself. */
static int
reconfigure (guint32 index, const char *backend, guint type, guint64 value)
{
    RtnlRequest request;
    int r = start (&request, NBD_CMD_RECONFIGURE);

    if (r < 0)
        return r;
    rtnl_add_u32 (&request, NBD_ATTR_INDEX, index);
    add_u64 (&request, type, value);
    rtnl_add_string (&request, NBD_ATTR_BACKEND_IDENTIFIER, backend);
    return acknowledged (&request);
}

int
nbd_kernel_tie (guint32 index, const char *backend)
{
    return reconfigure (index, backend, NBD_ATTR_CLIENT_FLAGS, NBD_CFLAG_DISCONNECT_ON_CLOSE);
}

int
nbd_kernel_be_patient (guint32 index, const char *backend)
{
    return reconfigure (index, backend, NBD_ATTR_TIMEOUT, 0);
}

int
nbd_kernel_disconnect (guint32 index)
{
    RtnlRequest request;
    int r = start (&request, NBD_CMD_DISCONNECT);

    if (r < 0)
        return r;
    rtnl_add_u32 (&request, NBD_ATTR_INDEX, index);
    return acknowledged (&request);
}
