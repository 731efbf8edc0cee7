/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What <skep:container> names on the host, looked at on a pool thread before anything is made. */
#include <errno.h>
#include <sys/stat.h>

#include "conf/fstab.h"
#include "driver/plan_facts.h"
#include "security/seccomp.h"
#include "util/error.h"
#include "util/file.h"

static gboolean
gather_mount (const DomainDef *def, const SkepMount *mount, PlanFs *ret, GError **error)
{
    MountOptions options;
    gboolean bind, optional;
    struct stat st;

    mount_options_parse (mount->options, &options);
    bind = options.bind;
    optional = options.optional;
    mount_options_clear (&options);
    if (!bind)
        return TRUE;
    ret->guest_ids = plan_has_guest_ids (def, mount->source);
    if (stat (mount->source, &st) == 0)
        ret->directory = S_ISDIR (st.st_mode);
    else if (!optional)
        return error_set_errno (error, errno, "Unable to access mount source '%s'", mount->source);
    return TRUE;
}

static GBytes *
gather_seccomp (const DomainSkep *skep, GError **error)
{
    g_autofree char *policy = NULL;

    if (!skep || skep->seccomp == SECCOMP_DEFAULT)
        return seccomp_compile_default (error);
    policy = file_read (skep->seccomp_file, SECCOMP_POLICY_MAX, NULL, error);
    return policy ? seccomp_compile (policy, skep->seccomp_file, error) : NULL;
}

gboolean
plan_facts_skep (const DomainDef *def, PlanFacts *facts, GError **error)
{
    const DomainSkep *skep = def->skep;

    for (guint i = 0; skep && i < skep->mounts->len; i++)
        if (!gather_mount (def, skep->mounts->pdata[i], &g_array_index (facts->mounts, PlanFs, i), error))
            return FALSE;
    if (skep && skep->seccomp == SECCOMP_OFF)
        return TRUE;
    facts->seccomp = gather_seccomp (skep, error);
    return facts->seccomp != NULL;
}
