/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of procedures, made of procedures.def. */
#include "driver/api.h"

/* Thunks keep the handlers typed without casting function pointers. */
#define THUNK(name, in_type, out_type)                                                             \
    static ApiResult                                                                               \
    run_##name (Call *call, const void *in, void *out, GError **error)                             \
    {                                                                                              \
        const in_type *args = in;                                                                  \
        out_type *ret = out;                                                                       \
                                                                                                   \
        return api_##name (call, args, ret, error);                                                \
    }
#define GREET_CALL(number, name, public_name, in, out, ...)                                        \
    THUNK (name, API_IN_##in (name), API_OUT_##out (name))
#define HOST_CALL(number, name, public_name, in, out, ...)                                         \
    THUNK (name, API_IN_##in (name), API_OUT_##out (name))
#define DOMAIN_CALL(number, name, public_name, out, ...)                                           \
    THUNK (name, name##_args, API_OUT_##out (name))                                                \
    _Static_assert (offsetof (name##_args, dom) == 0, "the domain comes first in " #name);
#include "driver/procedures.def"

#define XDR_ARGS(name) (xdrproc_t) xdr_##name##_args
#define XDR_RET(name) (xdrproc_t) xdr_##name##_ret
#define XDR_VOID(name) NULL
#define FLAGS_AT_FLAGS(type) offsetof (type, flags)
#define FLAGS_AT_NO_FLAGS(type) -1
#define READONLY_ALLOW TRUE
#define READONLY_DENY FALSE

#define CALL_ROW(number_, name_, public_, in_type, out_type, xdr_in, xdr_out, flags_kind, mask,    \
                 ro, ro_flags, origin_, perm, object_, job_, state_)                               \
    {                                                                                              \
        .kind = PROC_CALL, .program = SECTION, .number = number_, .name = #name_,                  \
        .public_name = #public_, .run = run_##name_, .decode = xdr_in, .encode = xdr_out,          \
        .in_size = sizeof (in_type), .out_size = sizeof (out_type),                                \
        .flags_at = FLAGS_AT_##flags_kind (in_type), .flags_ok = mask,                             \
        .readonly = READONLY_##ro, .readonly_flags = ro_flags,                                     \
        .origin = SECTION == RPC_PROGRAM_REMOTE ? ORIGIN_##origin_ : ORIGIN_NONE,                  \
        .permission = perm, .object = object_, .job = job_, .state = state_,                       \
    },
#define GREET_CALL(number, name, public_name, in, out, kind, mask, ro, ro_flags, origin, perm)     \
    CALL_ROW (number, name, public_name, API_IN_##in (name), API_OUT_##out (name),                 \
              XDR_##in (name), XDR_##out (name), kind, mask, ro, ro_flags, origin, perm,           \
              ON_NOTHING, JOB_NONE, ANY_STATE)
#define HOST_CALL(number, name, public_name, in, out, kind, mask, ro, ro_flags, origin, perm)      \
    CALL_ROW (number, name, public_name, API_IN_##in (name), API_OUT_##out (name),                 \
              XDR_##in (name), XDR_##out (name), kind, mask, ro, ro_flags, origin, perm,           \
              ON_CONNECT, JOB_NONE, ANY_STATE)
#define DOMAIN_CALL(number, name, public_name, out, kind, mask, ro, ro_flags, perm, job, state)    \
    CALL_ROW (number, name, public_name, name##_args, API_OUT_##out (name),                        \
              XDR_ARGS (name), XDR_##out (name), kind, mask, ro, ro_flags, DOMAIN, perm,           \
              ON_DOMAIN, job, state)
#define KNOWN(number_, name_, public_, ro, origin_, perm)                                          \
    {                                                                                              \
        .kind = PROC_KNOWN, .program = SECTION, .number = number_, .name = #name_,                 \
        .public_name = #public_, .flags_at = -1, .readonly = READONLY_##ro,                        \
        .origin = SECTION == RPC_PROGRAM_REMOTE ? ORIGIN_##origin_ : ORIGIN_NONE,                  \
        .permission = perm, .object = ON_CONNECT,                      \
    },
#define EVENT(number_, name_)                                                                      \
    {                                                                                              \
        .kind = PROC_EVENT, .program = SECTION, .number = number_, .name = #name_, .flags_at = -1, \
    },

static const Proc procs[] = {
#include "driver/procedures.def"
};

enum { REMOTE_ROWS = 456, LXC_ROWS = 1, QEMU_ROWS = 7 };

/* Where the rows of a program begin; they are consecutive and their numbers start with 1. */
static const Proc *
program_rows (guint32 program)
{
    static const struct { guint32 program; guint before; } sections[] = {
        { RPC_PROGRAM_REMOTE, 0 },
        { RPC_PROGRAM_LXC, REMOTE_ROWS },
        { RPC_PROGRAM_QEMU, REMOTE_ROWS + LXC_ROWS },
        { RPC_PROGRAM_SKEP, REMOTE_ROWS + LXC_ROWS + QEMU_ROWS },
    };

    for (guint i = 0; i < G_N_ELEMENTS (sections); i++)
        if (sections[i].program == program)
            return &procs[sections[i].before];
    return NULL;
}

const Proc *
proc_find (guint32 program, int number)
{
    const Proc *rows = program_rows (program);

    if (!rows || number < 1 || number > procs + G_N_ELEMENTS (procs) - rows)
        return NULL;
    return rows[number - 1].program == program ? &rows[number - 1] : NULL;
}
