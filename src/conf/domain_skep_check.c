/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judges <skep:container>. What the driver does not honour yet is refused here, by name. */
#include "conf/domain_check.h"
#include "conf/fstab.h"
#include "conf/xml.h"
#include "util/sysctl.h"

#include <string.h>

#define BASE "/domain/skep:container"
#define HOSTNAME_BYTES 64           /* the kernel's limit */
#define TASKS_MAX 4194304           /* the kernel's highest pid */
#define SYSCTLS_MAX 256             /* of plan.x */
#define SYSCTL_BYTES 4000           /* less than a page, which the kernel reads */

static gboolean
has_control (const char *text)
{
    for (; *text; text++)
        if (g_ascii_iscntrl (*text))
            return TRUE;
    return FALSE;
}

static gboolean
check_plain (Check *check)
{
    const DomainSkep *skep = check->def->skep;

    if (skep->hostname
        && (strlen (skep->hostname) > HOSTNAME_BYTES || has_control (skep->hostname)
            || strpbrk (skep->hostname, " /")))
        return check_fail (check, ERR_XML, BASE "/skep:hostname", 0, "invalid host name '%s'",
                           skep->hostname);
    if (skep->hostname && check->def->shares[SHARE_UTS].set)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, BASE "/skep:hostname", 0,
                           "a shared uts namespace keeps its host name");
    if (skep->delay > SKEP_DELAY_MAX)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, BASE "/skep:autostart", 0,
                           "a delay of autostart is at most %d seconds", SKEP_DELAY_MAX);
    if (skep->tasks_max > TASKS_MAX)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, BASE "/skep:tasks", 0,
                           "at most %d tasks can be allowed", TASKS_MAX);
    for (guint i = 0; i < skep->groups->len; i++)
        if (strpbrk (skep->groups->pdata[i], ", \t\n"))
            return check_fail (check, ERR_XML, BASE "/skep:autostart/skep:group", i + 1,
                               "a group of autostart cannot contain commas or blanks");
    return TRUE;
}

static gboolean
check_env (Check *check)
{
    const GPtrArray *initenv = check->def->os.initenv, *env = check->def->skep->env;

    for (guint i = 0; i < env->len; i++) {
        const NameValue *var = env->pdata[i];

        if (!*var->name || strchr (var->name, '='))
            return check_fail (check, ERR_XML, BASE "/skep:environment/skep:variable", i + 1,
                               "invalid name of an environment variable '%s'", var->name);
        for (guint k = 0; k < initenv->len; k++)
            if (g_str_equal (((const NameValue *) initenv->pdata[k])->name, var->name))
                return check_fail (check, ERR_CONFIG_UNSUPPORTED, BASE "/skep:environment/skep:variable",
                                   i + 1, "environment variable '%s' is an <initenv> too", var->name);
    }
    return TRUE;
}

static gboolean
check_rlimits (Check *check)
{
    const char *path = BASE "/skep:rlimits/skep:rlimit";
    guint seen = 0;

    for (guint i = 0; i < check->def->skep->rlimits->len; i++) {
        const SkepRlimit *limit = check->def->skep->rlimits->pdata[i];
        const char *name = string_table_name (&rlimit_names, limit->resource);

        if (seen & 1u << limit->resource)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, i + 1, "resource limit '%s' is set twice",
                               name);
        if (limit->soft > limit->hard)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, i + 1,
                               "the soft limit of '%s' is above its hard limit", name);
        seen |= 1u << limit->resource;
    }
    return TRUE;
}

/* ---- kernel parameters */

char *
sysctl_path (const char *key)
{
    char *path = g_strdup (key);
    char first = path[strcspn (path, "./")];

    /* with dots between, a slash stands for a dot within a part; with slashes nothing is exchanged */
    for (char *p = path; first == '.' && *p; p++)
        *p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
    return path;
}

static gboolean
own_net (const DomainDef *def)
{
    gboolean own = def->nets->len > 0 || def->features.privnet;

    for (guint i = 0; i < def->hostdevs->len; i++)
        own |= ((const HostdevDef *) def->hostdevs->pdata[i])->type == HOSTDEV_NET;
    return own && !def->shares[SHARE_NET].set;
}

static gboolean
is_straight (const char *path)
{
    g_auto (GStrv) parts = g_strsplit (path, "/", -1);

    for (char **part = parts; *part; part++)
        if (!**part || g_str_equal (*part, ".") || g_str_equal (*part, ".."))
            return FALSE;
    return *parts != NULL && !has_control (path);
}

static gboolean
check_sysctl (Check *check, const NameValue *sysctl, guint index)
{
    const char *place = BASE "/skep:sysctls/skep:sysctl";
    g_autofree char *path = sysctl_path (sysctl->name);
    const DomainDef *def = check->def;
    gboolean own = FALSE;

    if (!is_straight (path) || strchr (path, ' ') || strlen (path) > SYSCTL_BYTES)
        return check_fail (check, ERR_XML, place, index, "invalid kernel parameter '%s'", sysctl->name);
    if (strlen (sysctl->value) > SYSCTL_BYTES)
        return check_fail (check, ERR_XML, place, index, "the value of '%s' is too long", sysctl->name);
    switch (sysctl_owner (path)) {
    case SYSCTL_HOST:
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, place, index,
                           "kernel parameter '%s' belongs to no namespace: it would change the host",
                           sysctl->name);
    case SYSCTL_NET:
        own = own_net (def);
        break;
    case SYSCTL_IPC:
        own = !def->shares[SHARE_IPC].set;
        break;
    case SYSCTL_UTS:
        own = !def->shares[SHARE_UTS].set;
        break;
    }
    if (!own)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, place, index,
                           "kernel parameter '%s' is of a namespace that the container does not have",
                           sysctl->name);
    return TRUE;
}

static gboolean
check_sysctls (Check *check)
{
    if (check->def->skep->sysctls->len > SYSCTLS_MAX)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, BASE "/skep:sysctls", 0,
                           "at most %d kernel parameters can be set", SYSCTLS_MAX);
    for (guint i = 0; i < check->def->skep->sysctls->len; i++)
        if (!check_sysctl (check, check->def->skep->sysctls->pdata[i], i + 1))
            return FALSE;
    return TRUE;
}

/* ---- seccomp, devices, mounts, hooks */

static gboolean
check_seccomp (Check *check)
{
    const DomainSkep *skep = check->def->skep;

    if (skep->seccomp == SECCOMP_FILE && (!skep->seccomp_file || *skep->seccomp_file != '/'))
        return check_fail (check, ERR_XML, BASE "/skep:seccomp", 0,
                           "a seccomp profile of a file needs the file's absolute path");
    if (skep->seccomp != SECCOMP_FILE && skep->seccomp_file)
        return check_fail (check, ERR_XML, BASE "/skep:seccomp", 0,
                           "this seccomp profile is of no file");
    return TRUE;
}

static gboolean
is_device_number (const char *text)
{
    return g_str_equal (text, "*")
        || g_ascii_string_to_unsigned (text, 10, 0, 0xfffff, NULL, NULL);
}

static gboolean
check_devices (Check *check)
{
    for (guint i = 0; i < check->def->skep->devices->len; i++) {
        const SkepDevice *device = check->def->skep->devices->pdata[i];
        gsize n = strlen (device->access);

        if ((!g_str_equal (device->type, "c") && !g_str_equal (device->type, "b"))
            || !is_device_number (device->major) || !is_device_number (device->minor) || n == 0 || n > 3
            || strspn (device->access, "rwm") != n)
            return check_fail (check, ERR_XML, BASE "/skep:devices/skep:allow", i + 1,
                               "invalid device rule '%s %s:%s %s'", device->type, device->major,
                               device->minor, device->access);
    }
    return TRUE;
}

/* File systems that would show the host, or the container's own groups and processes without the masks
 * of its /proc and /sys. */
static const char *const barred_types[] = { "proc", "sysfs", "cgroup", "cgroup2", "debugfs", "tracefs",
                                            "securityfs", "efivarfs", "bpf", "devtmpfs", "devpts",
                                            "configfs", "pstore", "selinuxfs", NULL };

static gboolean
check_bind (const SkepMount *mount, const MountOptions *options, GError **error)
{
    if (!options->bind)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "mount of '%s': type 'none' is for bind and rbind",
                          mount->source);
    if (options->rest)
        return error_set (error, ERR_CONFIG_UNSUPPORTED,
                          "mount of '%s': a bind takes no options of a file system", mount->source);
    return mount->source[0] == '/'
           || error_set (error, ERR_CONFIG_UNSUPPORTED, "source '%s' of a bind is not an absolute path",
                         mount->source);
}

static gboolean
check_mount (const SkepMount *mount, const MountOptions *options, GError **error)
{
    if (mount->target[0] != '/' || !mount->target[1] || !is_straight (mount->target + 1))
        return error_set (error, ERR_XML, "invalid target of a mount '%s'", mount->target);
    if (options->refused)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "mount option '%s' is not supported yet",
                          options->refused);
    if (options->relative)
        return error_set (error, ERR_CONFIG_UNSUPPORTED,
                          "mount option 'relative' is for <filesystem type='bind'>");
    if (options->create_dir && options->create_file)
        return error_set (error, ERR_XML, "a target is a file or a directory");
    if (!*mount->type
        || strspn (mount->type, "abcdefghijklmnopqrstuvwxyz0123456789._-") != strlen (mount->type))
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "'%s' is no type of a file system", mount->type);
    if (options->bind || g_str_equal (mount->type, "none"))
        return check_bind (mount, options, error);
    return !g_strv_contains (barred_types, mount->type)
           || error_set (error, ERR_CONFIG_UNSUPPORTED, "file system type '%s' cannot be mounted into a container",
                         mount->type);
}

gboolean
skep_mount_check (const SkepMount *mount, GError **error)
{
    MountOptions options;
    gboolean good;

    mount_options_parse (mount->options, &options);
    good = check_mount (mount, &options, error);
    mount_options_clear (&options);
    return good;
}

/* The options of an overlay are separated by these. */
static gboolean
is_layer (const char *path)
{
    return *path == '/' && !strpbrk (path, ",:\"\\") && !has_control (path);
}

static gboolean
check_overlay (Check *check)
{
    const DomainSkep *skep = check->def->skep;
    const FsDef *root = NULL;

    if (!skep->overlay_upper)
        return TRUE;
    for (guint i = 0; i < check->def->filesystems->len; i++) {
        const FsDef *fs = check->def->filesystems->pdata[i];

        if (g_str_equal (fs->target, "/"))
            root = fs;
    }
    if (!root || root->type != FS_MOUNT)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, BASE "/skep:overlay", 0,
                           "an overlay needs a root filesystem of type mount below it");
    if (!is_layer (skep->overlay_upper) || !is_layer (skep->overlay_work) || !is_layer (root->source))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, BASE "/skep:overlay", 0,
                           "the directories of an overlay are absolute paths without , : \" and \\");
    return TRUE;
}

static gboolean
check_mounts (Check *check)
{
    for (guint i = 0; i < check->def->skep->mounts->len; i++) {
        g_autoptr (GError) why = NULL;

        if (!skep_mount_check (check->def->skep->mounts->pdata[i], &why))
            return check_fail (check, (ErrorCode) why->code, BASE "/skep:mounts/skep:mount", i + 1, "%s",
                               why->message);
    }
    return TRUE;
}

static gboolean
check_hooks (Check *check)
{
    for (guint i = 0; i < check->def->skep->hooks->len; i++) {
        const SkepHook *hook = check->def->skep->hooks->pdata[i];

        if (hook->on != SKEP_HOOK_PRE_START && hook->on != SKEP_HOOK_START_HOST
            && hook->on != SKEP_HOOK_POST_STOP)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, BASE "/skep:hooks/skep:hook", i + 1,
                               "hook '%s' is not supported yet",
                               string_table_name (&skep_hook_names, hook->on));
    }
    return TRUE;
}

gboolean
check_skep (Check *check)
{
    static gboolean (*const checks[]) (Check *) = {
        check_plain, check_env,     check_rlimits, check_sysctls,
        check_seccomp, check_devices, check_overlay, check_mounts,  check_hooks,
    };

    for (guint i = 0; check->def->skep && i < G_N_ELEMENTS (checks); i++)
        if (!checks[i] (check))
            return FALSE;
    return TRUE;
}
