/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "util/fd.h"

#define PLAN_SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

/* Stands for xdr_string() in the generated code (see meson.build). Differs from libtirpc's in two
 * points: NULL is written as "", and text with a NUL inside is refused rather than shortened. */
bool_t
plan_xdr_string (XDR *xdrs, char **text, u_int max)
{
    u_int length = 0;

    if (xdrs->x_op == XDR_FREE) {
        free (*text);
        *text = NULL;
        return TRUE;
    }
    if (xdrs->x_op == XDR_ENCODE) {
        const char *value = *text ? *text : "";

        length = (u_int) strlen (value);
        return length <= max && xdr_u_int (xdrs, &length)
            && xdr_opaque (xdrs, (char *) value, length);
    }
    /* the length is bounded before it is believed: a short packet costs at most one string */
    if (!xdr_u_int (xdrs, &length) || length > max)
        return FALSE;
    *text = malloc (length + 1);
    if (!*text)
        return FALSE;
    (*text)[length] = '\0';
    return xdr_opaque (xdrs, *text, length) && !memchr (*text, '\0', length);
}

/* Either kind of plan: what differs is its codec and its rules. */
typedef struct {
    xdrproc_t codec;
    size_t size;
    bool (*check) (const void *plan, const char **ret_why);
} PlanKind;

static bool
check_launch (const void *plan, const char **ret_why)
{
    return plan_check (plan, ret_why);
}

static bool
check_device (const void *plan, const char **ret_why)
{
    return plan_device_check (plan, ret_why);
}

static const PlanKind launch_kind = { (xdrproc_t) xdr_launch_plan, sizeof (launch_plan), check_launch };
static const PlanKind device_kind = { (xdrproc_t) xdr_device_plan, sizeof (device_plan), check_device };

static size_t
encode (const PlanKind *kind, const void *plan, void *data, size_t size)
{
    XDR xdrs;
    size_t length = 0;

    if (size > PLAN_BYTES_MAX)
        size = PLAN_BYTES_MAX;
    xdrmem_create (&xdrs, data, (u_int) size, XDR_ENCODE);
    if (kind->codec (&xdrs, (void *) plan))
        length = xdr_getpos (&xdrs);
    xdr_destroy (&xdrs);
    return length;
}

size_t
plan_encode (const launch_plan *plan, void *data, size_t size)
{
    return encode (&launch_kind, plan, data, size);
}

static int
memfd_sealed (int fd)
{
    return fcntl (fd, F_ADD_SEALS, PLAN_SEALS);
}

static int
to_memfd (const PlanKind *kind, const void *plan)
{
    autofd int fd = memfd_create ("skep-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *map;
    size_t length;

    if (fd < 0)
        return -1;
    /* address space only: pages that the plan does not reach are never touched */
    map = mmap (NULL, PLAN_BYTES_MAX, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return -1;
    length = encode (kind, plan, map, PLAN_BYTES_MAX);
    if (length == 0)
        errno = EMSGSIZE;
    if (length == 0 || fd_write_all (fd, map, length) < 0 || memfd_sealed (fd) < 0) {
        int saved = errno;

        munmap (map, PLAN_BYTES_MAX);
        errno = saved;
        return -1;
    }
    munmap (map, PLAN_BYTES_MAX);
    return fd_steal (&fd);
}

int
plan_to_memfd (const launch_plan *plan)
{
    return to_memfd (&launch_kind, plan);
}

int
plan_device_to_memfd (const device_plan *plan)
{
    return to_memfd (&device_kind, plan);
}

static int
decode (const PlanKind *kind, const void *data, size_t size, void *plan, const char **ret_why)
{
    XDR xdrs;
    bool_t good;

    memset (plan, 0, kind->size);
    if (size > PLAN_BYTES_MAX) {
        *ret_why = "the plan is too large";
        errno = EMSGSIZE;
        return -1;
    }
    xdrmem_create (&xdrs, (char *) data, (u_int) size, XDR_DECODE);
    good = kind->codec (&xdrs, plan);
    if (!good)
        *ret_why = "the plan is malformed or breaks a bound";
    else if (xdr_getpos (&xdrs) != size)
        *ret_why = "bytes follow the plan";
    else if (kind->check (plan, ret_why)) {
        xdr_destroy (&xdrs);
        return 0;
    }
    xdr_destroy (&xdrs);
    xdr_free (kind->codec, plan);
    memset (plan, 0, kind->size);
    errno = EBADMSG;
    return -1;
}

int
plan_decode (const void *data, size_t size, launch_plan *plan, const char **ret_why)
{
    return decode (&launch_kind, data, size, plan, ret_why);
}

static int
from_fd (const PlanKind *kind, int fd, void *plan, const char **ret_why)
{
    struct stat st;
    int seals = fcntl (fd, F_GET_SEALS), result, saved;
    void *map;

    *ret_why = "the plan's file cannot be read";
    if (seals < 0 || fstat (fd, &st) < 0)
        return -1;
    /* only a sealed file cannot change between the check and the use */
    if ((seals & PLAN_SEALS) != PLAN_SEALS || st.st_size <= 0 || st.st_size > PLAN_BYTES_MAX) {
        *ret_why = "the plan is not a sealed file of a sensible size";
        errno = EBADMSG;
        return -1;
    }
    map = mmap (NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return -1;
    result = decode (kind, map, (size_t) st.st_size, plan, ret_why);
    saved = errno;
    munmap (map, (size_t) st.st_size);
    errno = saved;
    return result;
}

int
plan_from_fd (int fd, launch_plan *plan, const char **ret_why)
{
    return from_fd (&launch_kind, fd, plan, ret_why);
}

int
plan_device_from_fd (int fd, device_plan *plan, const char **ret_why)
{
    return from_fd (&device_kind, fd, plan, ret_why);
}

void
plan_device_free (device_plan *plan)
{
    xdr_free ((xdrproc_t) xdr_device_plan, plan);
    memset (plan, 0, sizeof *plan);
}

void
plan_free (launch_plan *plan)
{
    xdr_free ((xdrproc_t) xdr_launch_plan, plan);
    memset (plan, 0, sizeof *plan);
}

int
plan_program_image (const char *path)
{
    autofd int in = open (path, O_RDONLY | O_CLOEXEC);
    autofd int out = memfd_create ("skep-program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct stat st;

    if (in < 0 || out < 0 || fstat (in, &st) < 0)
        return -1;
    if (!S_ISREG (st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    for (off_t done = 0; done < st.st_size; ) {
        ssize_t n = sendfile (out, in, NULL, (size_t) (st.st_size - done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : EIO;
            return -1;
        }
        done += n;
    }
    if (fchmod (out, 0500) < 0 || memfd_sealed (out) < 0)
        return -1;
    return fd_steal (&out);
}
