/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <skep:container>. */
#include "conf/domain_codec.h"
#include "conf/domain_skep.h"
#include "conf/signals.h"


STRING_TABLE (rlimit_names, RLIMIT_NAMES_LAST, "cpu", "fsize", "data", "stack", "core", "rss", "nproc",
              "nofile", "memlock", "as", "locks", "sigpending", "msgqueue", "nice", "rtprio",
              "rttime");
STRING_TABLE (skep_hook_names, SKEP_HOOK_LAST, "pre-start", "pre-mount", "mount", "autodev",
              "start-host", "start", "stop", "post-stop", "clone", "destroy");
STATIC_STRING_TABLE (seccomp_names, SECCOMP_LAST, "default", "off", "file");

static void
signal_codec (Codec *c, const char *attr, guint *number)
{
    if (codec_reading (c)) {
        g_autofree char *text = codec_take (c, attr, 0);

        *number = text ? signal_number (text) : 0;
        if (text && !*number)
            codec_bad_value (c, attr, text, 0);
    } else if (*number) {
        g_autofree char *text = signal_format (*number);

        codec_put (c, attr, text);
    }
}

static void
signals_codec (Codec *c, DomainSkep *skep)
{
    guint *signals = skep->signals;

    if (!codec_enter (c, "skep:signals", signals[SKEP_SIGNAL_HALT] || signals[SKEP_SIGNAL_REBOOT]))
        return;
    signal_codec (c, "halt", &signals[SKEP_SIGNAL_HALT]);
    signal_codec (c, "reboot", &signals[SKEP_SIGNAL_REBOOT]);
    codec_leave (c);
}

static void
autostart_codec (Codec *c, DomainSkep *skep)
{
    if (!codec_enter (c, "skep:autostart", skep->autostart_set))
        return;
    if (codec_reading (c))
        skep->autostart_set = TRUE;
    codec_uint (c, "order", &skep->order, 0);
    codec_uint (c, "delay", &skep->delay, 0);
    codec_text_list (c, "skep:group", &skep->groups);
    codec_leave (c);
}

/* <ITEM name= value=/>, a value may be empty. */
static void
pair_codec (Codec *c, void *object)
{
    NameValue *pair = object;

    codec_string (c, "name", &pair->name, FIELD_REQUIRED);
    codec_string (c, "value", &pair->value, FIELD_REQUIRED);
}

/* A limit: a number or "unlimited". */
static void
limit_codec (Codec *c, const char *attr, guint64 *limit)
{
    if (codec_reading (c)) {
        g_autofree char *text = codec_take (c, attr, FIELD_REQUIRED);

        if (!text)
            return;
        if (g_str_equal (text, "unlimited"))
            *limit = SKEP_UNLIMITED;
        else if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, limit, NULL))
            codec_bad_value (c, attr, text, 0);
    } else if (*limit == SKEP_UNLIMITED) {
        codec_put (c, attr, "unlimited");
    } else {
        codec_uint64 (c, attr, limit, FIELD_KEEP_ZERO);
    }
}

static void
rlimit_codec (Codec *c, void *object)
{
    SkepRlimit *limit = object;

    codec_enum (c, "name", &limit->resource, &rlimit_names, FIELD_REQUIRED | FIELD_KEEP_ZERO);
    limit_codec (c, "soft", &limit->soft);
    limit_codec (c, "hard", &limit->hard);
}

/* <skep:variables>, <skep:rlimits> and their like: a list in an element of its own. */
static void
group_codec (Codec *c, const char *group, const char *item, GPtrArray **list, gsize size, CodecFn fn,
             GDestroyNotify free_item)
{
    if (!codec_enter (c, group, *list && (*list)->len > 0))
        return;
    codec_list (c, item, list, size, fn, free_item);
    codec_leave (c);
}

static void
oom_codec (Codec *c, DomainSkep *skep)
{
    if (!codec_enter (c, "skep:oom", skep->oom_set))
        return;
    if (codec_reading (c)) {
        g_autofree char *text = codec_take (c, "adjust", FIELD_REQUIRED);
        gint64 number = 0;

        if (text && !g_ascii_string_to_signed (text, 10, -1000, 1000, &number, NULL))
            codec_bad_value (c, "adjust", text, 0);
        skep->oom_score_adj = (int) number;
        skep->oom_set = TRUE;
    } else {
        g_autofree char *text = g_strdup_printf ("%d", skep->oom_score_adj);

        codec_put (c, "adjust", text);
    }
    codec_leave (c);
}

static void
seccomp_codec (Codec *c, DomainSkep *skep)
{
    if (!codec_enter (c, "skep:seccomp", skep->seccomp_set))
        return;
    if (codec_reading (c))
        skep->seccomp_set = TRUE;
    codec_enum (c, "profile", &skep->seccomp, &seccomp_names, FIELD_REQUIRED | FIELD_KEEP_ZERO);
    codec_string (c, "file", &skep->seccomp_file, 0);
    codec_leave (c);
}

static void
tasks_codec (Codec *c, DomainSkep *skep)
{
    if (!codec_enter (c, "skep:tasks", skep->tasks_max != 0))
        return;
    codec_uint64 (c, "max", &skep->tasks_max, FIELD_REQUIRED);
    codec_leave (c);
}

static void
device_codec (Codec *c, void *object)
{
    SkepDevice *device = object;

    codec_string (c, "type", &device->type, FIELD_REQUIRED);
    codec_string (c, "major", &device->major, FIELD_REQUIRED);
    codec_string (c, "minor", &device->minor, FIELD_REQUIRED);
    codec_string (c, "access", &device->access, FIELD_REQUIRED);
}

static void
mount_codec (Codec *c, void *object)
{
    SkepMount *mount = object;

    codec_string (c, "type", &mount->type, FIELD_REQUIRED);
    codec_string (c, "source", &mount->source, FIELD_REQUIRED);
    codec_string (c, "target", &mount->target, FIELD_REQUIRED);
    codec_string (c, "options", &mount->options, 0);
}

static void
hook_codec (Codec *c, void *object)
{
    SkepHook *hook = object;

    codec_enum (c, "on", &hook->on, &skep_hook_names, FIELD_REQUIRED | FIELD_KEEP_ZERO);
    codec_text (c, &hook->command);
    if (codec_reading (c) && !hook->command)
        codec_fail (c, ERR_XML, "a hook needs a command");
}

static void
device_free (void *item)
{
    SkepDevice *device = item;

    g_free (device->type);
    g_free (device->major);
    g_free (device->minor);
    g_free (device->access);
    g_free (device);
}

static void
mount_free (void *item)
{
    SkepMount *mount = item;

    g_free (mount->source);
    g_free (mount->target);
    g_free (mount->type);
    g_free (mount->options);
    g_free (mount);
}

static void
hook_free (void *item)
{
    SkepHook *hook = item;

    g_free (hook->command);
    g_free (hook);
}

static void
overlay_codec (Codec *c, DomainSkep *skep)
{
    if (!codec_enter (c, "skep:overlay", skep->overlay_upper != NULL))
        return;
    codec_string (c, "upper", &skep->overlay_upper, FIELD_REQUIRED);
    codec_string (c, "work", &skep->overlay_work, FIELD_REQUIRED);
    codec_leave (c);
}

void
domain_skep_codec (Codec *c, DomainDef *def)
{
    DomainSkep *skep;

    if (!codec_enter (c, "skep:container", def->skep != NULL))
        return;
    if (!def->skep)
        def->skep = domain_skep_new ();
    skep = def->skep;
    codec_element_string (c, "skep:hostname", &skep->hostname);
    signals_codec (c, skep);
    autostart_codec (c, skep);
    group_codec (c, "skep:environment", "skep:variable", &skep->env, sizeof (NameValue), pair_codec,
                 name_value_free);
    group_codec (c, "skep:rlimits", "skep:rlimit", &skep->rlimits, sizeof (SkepRlimit), rlimit_codec,
                 g_free);
    tasks_codec (c, skep);
    oom_codec (c, skep);
    group_codec (c, "skep:sysctls", "skep:sysctl", &skep->sysctls, sizeof (NameValue), pair_codec,
                 name_value_free);
    seccomp_codec (c, skep);
    codec_flag (c, "skep:nonewprivs", &skep->no_new_privs);
    group_codec (c, "skep:devices", "skep:allow", &skep->devices, sizeof (SkepDevice), device_codec,
                 device_free);
    overlay_codec (c, skep);
    group_codec (c, "skep:mounts", "skep:mount", &skep->mounts, sizeof (SkepMount), mount_codec,
                 mount_free);
    group_codec (c, "skep:hooks", "skep:hook", &skep->hooks, sizeof (SkepHook), hook_codec, hook_free);
    codec_leave (c);
}

DomainSkep *
domain_skep_new (void)
{
    DomainSkep *skep = g_new0 (DomainSkep, 1);

    skep->groups = g_ptr_array_new_with_free_func (g_free);
    skep->env = g_ptr_array_new_with_free_func (name_value_free);
    skep->rlimits = g_ptr_array_new_with_free_func (g_free);
    skep->sysctls = g_ptr_array_new_with_free_func (name_value_free);
    skep->devices = g_ptr_array_new_with_free_func (device_free);
    skep->mounts = g_ptr_array_new_with_free_func (mount_free);
    skep->hooks = g_ptr_array_new_with_free_func (hook_free);
    return skep;
}

void
domain_skep_free (DomainSkep *skep)
{
    if (!skep)
        return;
    g_free (skep->overlay_upper);
    g_free (skep->overlay_work);
    g_free (skep->hostname);
    g_ptr_array_unref (skep->groups);
    g_ptr_array_unref (skep->env);
    g_ptr_array_unref (skep->rlimits);
    g_ptr_array_unref (skep->sysctls);
    g_free (skep->seccomp_file);
    g_ptr_array_unref (skep->devices);
    g_ptr_array_unref (skep->mounts);
    g_ptr_array_unref (skep->hooks);
    g_free (skep);
}

gboolean
domain_skep_empty (const DomainSkep *skep)
{
    return !skep->hostname && !skep->overlay_upper
        && !skep->signals[SKEP_SIGNAL_HALT] && !skep->signals[SKEP_SIGNAL_REBOOT]
        && !skep->autostart_set && !skep->env->len && !skep->rlimits->len && !skep->tasks_max
        && !skep->oom_set && !skep->sysctls->len && !skep->seccomp_set && !skep->no_new_privs
        && !skep->devices->len && !skep->mounts->len && !skep->hooks->len;
}
