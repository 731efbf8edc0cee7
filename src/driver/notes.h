/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notes of a conversion, and of what has no effect, for our own calls. */
#pragma once

#include "conf/native.h"
#include "rpc/remote.h"

/* Of NativeNote; at most as many as a reply holds. */
skep_note *notes_to_wire (const GPtrArray *notes, u_int *ret_n);
