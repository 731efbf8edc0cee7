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

static const char *
root_source (const DomainDef *def)
{
    for (guint i = 0; i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (g_str_equal (fs->target, "/"))
            return fs->source;
    }
    return "/";
}

/* Neither layer is ever given other owners: the lower one may serve several containers. */
static gboolean
check_overlay (const DomainDef *def, const PlanFacts *facts, GError **error)
{
    const char *const layers[] = { root_source (def), def->skep->overlay_upper, def->skep->overlay_work };
    struct stat st;

    for (guint i = 0; i < G_N_ELEMENTS (layers); i++) {
        if (stat (layers[i], &st) < 0)
            return error_set_errno (error, errno, "Unable to access directory '%s'", layers[i]);
        if (!S_ISDIR (st.st_mode))
            return error_set_errno (error, ENOTDIR, "layer '%s' of the root", layers[i]);
        if (i < 2 && facts->idmap && !plan_has_guest_ids (def, layers[i]))
            return error_set (error, ERR_CONFIG_UNSUPPORTED,
                              "an overlay has no id-mapped mounts: the files of '%s' must have the "
                              "container's host ids", layers[i]);
    }
    return TRUE;
}

static GBytes *
gather_seccomp (const DomainSkep *skep, char **ret_unknown, GError **error)
{
    g_autofree char *policy = NULL;

    if (!skep || skep->seccomp == SECCOMP_DEFAULT)
        return seccomp_compile_default (error);
    policy = file_read (skep->seccomp_file, SECCOMP_POLICY_MAX, NULL, error);
    return policy ? seccomp_compile (policy, skep->seccomp_file, ret_unknown, error) : NULL;
}

gboolean
plan_facts_skep (const DomainDef *def, PlanFacts *facts, GError **error)
{
    const DomainSkep *skep = def->skep;

    for (guint i = 0; skep && i < skep->mounts->len; i++)
        if (!gather_mount (def, skep->mounts->pdata[i], &g_array_index (facts->mounts, PlanFs, i), error))
            return FALSE;
    if (skep && skep->overlay_upper && !check_overlay (def, facts, error))
        return FALSE;
    if (skep && skep->seccomp == SECCOMP_OFF)
        return TRUE;
    facts->seccomp = gather_seccomp (skep, &facts->seccomp_unknown, error);
    return facts->seccomp != NULL;
}
