/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container's clock is the host's: the kernel has no other time of day for it. */
#include <time.h>

#include "driver/api.h"

ApiResult
api_domain_get_time (Call *call, const domain_get_time_args *in, domain_get_time_ret *out,
                     GError **error)
{
    struct timespec now;

    (void) call;
    (void) in;
    (void) error;
    clock_gettime (CLOCK_REALTIME, &now);
    out->seconds = now.tv_sec;
    out->nseconds = (u_int) now.tv_nsec;
    return API_DONE;
}

ApiResult
api_domain_set_time (Call *call, const domain_set_time_args *in, none *out, GError **error)
{
    (void) call;
    (void) in;
    (void) out;
    error_set (error, ERR_OPERATION_UNSUPPORTED,
               "the clock of a container is the host's and cannot be set for one container");
    return API_FAILED;
}
