/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests to netlink: rtnetlink's for host/link*.c, generic ones for host/nbd*.c. */
#pragma once

#include <glib.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* All requests here are far below this: some names, addresses and numbers. */
typedef struct {
    union {
        struct nlmsghdr header;
        char bytes[1024];
    };
} RtnlRequest;

void rtnl_start (RtnlRequest *request, guint type, guint flags, const void *body, gsize size);
void rtnl_add (RtnlRequest *request, guint type, const void *data, gsize size);
void rtnl_add_string (RtnlRequest *request, guint type, const char *text);
void rtnl_add_u32 (RtnlRequest *request, guint type, guint32 value);
/* A nest is closed with what opening gave. */
gsize rtnl_open (RtnlRequest *request, guint type);
void rtnl_close (RtnlRequest *request, gsize nest);
/* Bytes that are no attribute, inside a nest (the ifinfomsg of a veth's peer). */
void rtnl_append (RtnlRequest *request, const void *data, gsize size);
/* Sends and waits for the answer: 0 or a negative errno. */
int rtnl_run (RtnlRequest *request);
/* The same where the answer is a message, too: then it is 1. Of any @protocol, NETLINK_*. */
typedef struct {
    union {
        struct nlmsghdr header;
        char bytes[4096];
    };
} RtnlAnswer;
int rtnl_ask (RtnlRequest *request, int protocol, RtnlAnswer *answer);
