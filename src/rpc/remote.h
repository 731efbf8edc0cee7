/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Structs, XDR functions and numbers of every program, generated from remote.x, lxc.x and skep.x:
 * domain_suspend_args, xdr_domain_suspend_args(), REMOTE_PROC_DOMAIN_SUSPEND.
 *
 * Decoded structs are released with xdr_free(); everything in them comes from malloc(), so values
 * made with g_malloc() and friends may be put in and are released the same way.
 */
#pragma once

#include <rpc/rpc.h>

#include "rpc/remote_xdr.h"
#include "rpc/lxc_xdr.h"
#include "rpc/skep_xdr.h"
