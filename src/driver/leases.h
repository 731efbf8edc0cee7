/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host knows of a container's addresses: host/leases.h matched with its interfaces. */
#pragma once

#include "driver/dispatch.h"
#include "driver/guest_facts.h"

/* Owns @call, which @done gets as its data: interfaces by their name on the host. */
void leases_ask_addresses (Call *call, gboolean arp, GuestFactsDone done);
/* Answers virDomainGetHostname: the name in a lease, or ERR_NO_HOSTNAME. Owns @call. */
void leases_ask_hostname (Call *call);
