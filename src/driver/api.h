/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handlers, one a row of procedures.def: api_NAME() with typed arguments. A handler whose
 * signature differs from its row's does not compile. A row without arguments or result has `none`.
 */
#pragma once

#include "driver/dispatch.h"

typedef struct { char unused; } none;

#define API_IN_ARGS(name) name##_args
#define API_IN_VOID(name) none
#define API_OUT_RET(name) name##_ret
#define API_OUT_VOID(name) none

#define API_PROTOTYPE(name, in_type, out_type)                                                     \
    ApiResult api_##name (Call *call, const in_type *in, out_type *out, GError **error);

#define GREET_CALL(number, name, public_name, in, out, ...)                                        \
    API_PROTOTYPE (name, API_IN_##in (name), API_OUT_##out (name))
#define HOST_CALL(number, name, public_name, in, out, ...)                                         \
    API_PROTOTYPE (name, API_IN_##in (name), API_OUT_##out (name))
#define DOMAIN_CALL(number, name, public_name, out, ...)                                           \
    API_PROTOTYPE (name, name##_args, API_OUT_##out (name))
#include "driver/procedures.def"
