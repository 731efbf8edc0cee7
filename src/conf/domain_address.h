/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <ip> and <route> of interfaces and host devices. Private to conf. */
#pragma once

#include "conf/domain_codec.h"

/* Judges an address, and makes it canonical, with its family: "10.1" is 10.0.0.1. */
gboolean net_ip_settle (NetIp *ip, GError **error);
/* Judges the interface's own address, and makes it canonical. */
gboolean net_mac_settle (NetDef *net, GError **error);
/* @of: whose it is, "guest interface", for the message. */
gboolean net_route_settle (NetRoute *route, const char *of, GError **error);
