/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What <skep:container> adds to a plan. */
#include <string.h>

#include "conf/fstab.h"
#include "driver/planner.h"

static void
plan_rlimits (Planner *p, const DomainSkep *skep)
{
    plan_rlimit *limits = g_new0 (plan_rlimit, skep->rlimits->len);

    /* SKEP_UNLIMITED is the kernel's RLIM_INFINITY */
    for (guint i = 0; i < skep->rlimits->len; i++) {
        const SkepRlimit *limit = skep->rlimits->pdata[i];

        limits[i] = (plan_rlimit) { limit->resource, limit->soft, limit->hard };
    }
    p->plan->rlimits.rlimits_len = skep->rlimits->len;
    p->plan->rlimits.rlimits_val = limits;
}

static void
plan_sysctls (Planner *p, const DomainSkep *skep)
{
    plan_sysctl *sysctls = g_new0 (plan_sysctl, skep->sysctls->len);

    for (guint i = 0; i < skep->sysctls->len; i++) {
        const NameValue *sysctl = skep->sysctls->pdata[i];

        sysctls[i].key = sysctl_path (sysctl->name);
        sysctls[i].value = g_strdup (sysctl->value);
    }
    p->plan->sysctls.sysctls_len = skep->sysctls->len;
    p->plan->sysctls.sysctls_val = sysctls;
}

static guint
mount_flags (const MountOptions *options)
{
    return (options->readonly ? PLAN_MF_RDONLY : 0) | (options->nosuid ? PLAN_MF_NOSUID : 0)
        | (options->nodev ? PLAN_MF_NODEV : 0) | (options->noexec ? PLAN_MF_NOEXEC : 0)
        | (options->recursive ? PLAN_MF_RECURSIVE : 0)
        | (options->optional ? PLAN_MF_OPTIONAL : 0);
}

/* A missing target is made, as for <filesystem>, whether create= says it or not. */
static void
plan_bind (Planner *p, const SkepMount *mount, const MountOptions *options, const PlanFs *fact)
{
    gboolean directory = options->create_file ? FALSE : options->create_dir || fact->directory;
    plan_mount *planned
        = planner_mount (p, PLAN_MOUNT_BIND_HOST, mount->source, mount->target,
                         mount_flags (options) | (directory ? PLAN_MF_CREATE_DIR : PLAN_MF_CREATE_FILE));

    planned->idmap = planner_idmap_mode (p, mount->source, fact->guest_ids);
    if (planned->idmap == PLAN_IDMAP_GUEST)
        planned->idmap = PLAN_IDMAP_TRY;        /* as binds of <filesystem> */
}

static void
plan_new_mount (Planner *p, const SkepMount *mount, const MountOptions *options)
{
    gboolean tmpfs = strcmp (mount->type, "tmpfs") == 0;
    guint flags = mount_flags (options) | PLAN_MF_CREATE_DIR;
    plan_mount *planned;

    if (strcmp (mount->type, "mqueue") == 0)
        flags |= PLAN_MF_IN_GUEST_NS;
    planned = planner_mount (p, PLAN_MOUNT_NEW, mount->source, mount->target, flags);
    g_free (planned->fstype);
    g_free (planned->options);
    planned->fstype = g_strdup (mount->type);
    planned->options = tmpfs ? planner_owned_options (p, options->rest ? options->rest : "mode=1777")
                             : g_strdup (options->rest ? options->rest : "");
}

/* Its layers have the container's ids on disk, where there is a map: plan_facts_skep.c looked. */
void
planner_skep_overlay (Planner *p, plan_mount *root)
{
    const DomainSkep *skep = p->def->skep;

    g_free (root->fstype);
    g_free (root->options);
    root->fstype = g_strdup ("overlay");
    root->options = g_strdup_printf ("lowerdir=%s,upperdir=%s,workdir=%s", root->source,
                                     skep->overlay_upper, skep->overlay_work);
    root->flags &= ~(guint) PLAN_MF_RECURSIVE;
}

void
planner_skep_mounts (Planner *p)
{
    const DomainSkep *skep = p->def->skep;

    for (guint i = 0; skep && i < skep->mounts->len; i++) {
        const SkepMount *mount = skep->mounts->pdata[i];
        MountOptions options;

        mount_options_parse (mount->options, &options);
        if (options.bind)
            plan_bind (p, mount, &options, &g_array_index (p->facts->mounts, PlanFs, i));
        else
            plan_new_mount (p, mount, &options);
        mount_options_clear (&options);
    }
}

void
planner_skep (Planner *p)
{
    const DomainSkep *skep = p->def->skep;
    launch_plan *plan = p->plan;

    if (p->facts->seccomp) {
        gsize size;
        gconstpointer data = g_bytes_get_data (p->facts->seccomp, &size);

        plan->seccomp.seccomp_len = (u_int) size;
        plan->seccomp.seccomp_val = g_memdup2 (data, size);
    }
    if (!skep)
        return;
    for (guint i = 0; i < skep->env->len; i++) {
        const NameValue *var = skep->env->pdata[i];

        planner_env (p, var->name, var->value);
    }
    plan_rlimits (p, skep);
    plan_sysctls (p, skep);
    plan->oom_score_adj = skep->oom_score_adj;
    plan->no_new_privs = skep->no_new_privs;
}

static gint64
device_number (const char *text)
{
    return strcmp (text, "*") == 0 ? -1 : (gint64) g_ascii_strtoull (text, NULL, 10);
}

void
plan_skep_device_rules (const DomainSkep *skep, GArray *rules)
{
    for (guint i = 0; skep && i < skep->devices->len; i++) {
        const SkepDevice *device = skep->devices->pdata[i];
        CgroupDeviceRule rule = { .type = device->type[0], .major = device_number (device->major),
                                  .minor = device_number (device->minor) };

        g_strlcpy (rule.access, device->access, sizeof rule.access);
        g_array_append_val (rules, rule);
    }
}
