/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/rtnl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "util/fd.h"

static char *
request_end (RtnlRequest *request)
{
    return request->bytes + NLMSG_ALIGN (request->header.nlmsg_len);
}

void
rtnl_append (RtnlRequest *request, const void *data, gsize size)
{
    char *end = request_end (request);

    g_assert ((gsize) (end - request->bytes) + NLMSG_ALIGN (size) <= sizeof request->bytes);
    memcpy (end, data, size);
    request->header.nlmsg_len = (guint32) ((gsize) (end - request->bytes) + size);
}

void
rtnl_start (RtnlRequest *request, guint type, guint flags, const void *body, gsize size)
{
    memset (request, 0, sizeof *request);
    request->header.nlmsg_len = NLMSG_HDRLEN;
    request->header.nlmsg_type = (guint16) type;
    request->header.nlmsg_flags = (guint16) (NLM_F_REQUEST | NLM_F_ACK | flags);
    request->header.nlmsg_seq = 1;
    rtnl_append (request, body, size);
}

void
rtnl_add (RtnlRequest *request, guint type, const void *data, gsize size)
{
    struct rtattr attr = { .rta_len = (unsigned short) RTA_LENGTH (size), .rta_type = (unsigned short) type };

    rtnl_append (request, &attr, sizeof attr);
    if (size > 0)
        rtnl_append (request, data, size);
}

void
rtnl_add_string (RtnlRequest *request, guint type, const char *text)
{
    rtnl_add (request, type, text, strlen (text) + 1);
}

void
rtnl_add_u32 (RtnlRequest *request, guint type, guint32 value)
{
    rtnl_add (request, type, &value, sizeof value);
}

gsize
rtnl_open (RtnlRequest *request, guint type)
{
    gsize nest = (gsize) (request_end (request) - request->bytes);

    rtnl_add (request, type, NULL, 0);
    return nest;
}

void
rtnl_close (RtnlRequest *request, gsize nest)
{
    struct rtattr *attr = (struct rtattr *) (void *) (request->bytes + nest);

    /* without the padding, which a message that ends here does not have */
    attr->rta_len = (unsigned short) (request->header.nlmsg_len - nest);
}

int
rtnl_ask (RtnlRequest *request, int protocol, RtnlAnswer *answer)
{
    autofd int sock = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    ssize_t n;

    if (sock < 0 || send (sock, request->bytes, request->header.nlmsg_len, 0) < 0)
        return -errno;
    do
        n = recv (sock, answer->bytes, sizeof answer->bytes, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if ((gsize) n < NLMSG_LENGTH (sizeof (int)) || answer->header.nlmsg_len > (gsize) n)
        return -EPROTO;
    if (answer->header.nlmsg_type == NLMSG_ERROR)
        return ((const struct nlmsgerr *) NLMSG_DATA (&answer->header))->error;
    return 1;
}

int
rtnl_run (RtnlRequest *request)
{
    RtnlAnswer answer;
    int r = rtnl_ask (request, NETLINK_ROUTE, &answer);

    return r > 0 ? -EPROTO : r;
}
