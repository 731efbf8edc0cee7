/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judges a definition after the defaults. What depends on the host is a planner's step, not a
 * check. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/domain_check.h"
#include "conf/passive.h"

#define IDMAP_LINES_MAX 340     /* the kernel takes no more lines in uid_map... */
#define IDMAP_TEXT_MAX 4095     /* ...and no more bytes, where a page has 4096 */

gboolean
check_fail (Check *check, ErrorCode code, const char *path, guint index, const char *format, ...)
{
    va_list args;
    g_autofree char *detail = NULL;

    va_start (args, format);
    detail = g_strdup_vprintf (format, args);
    va_end (args);
    check->path = index ? g_strdup_printf ("%s[%u]", path, index) : g_strdup (path);
    return error_set_from (&check->error, ORIGIN_DOMAIN, code, "%s", detail);
}

gboolean
check_length (Check *check, const GPtrArray *list, const char *path)
{
    if (list->len <= CODEC_LIST_MAX)
        return TRUE;
    return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0, "more than %d elements '%s'",
                       CODEC_LIST_MAX, strrchr (path, '/') + 1);
}

static gboolean
check_names (Check *check)
{
    g_autoptr (GError) why = NULL;

    if (!domain_name_check (check->def->name, &why))
        return check_fail (check, (ErrorCode) why->code, "/domain/name", 0, "%s", why->message);
    if (check->def->title && strchr (check->def->title, '\n'))
        return check_fail (check, ERR_XML, "/domain/title", 0, "Domain title can't contain newlines");
    return TRUE;
}

/* What libvirt has for virtual machines, and refuses for containers. */
static gboolean
check_hotplug (Check *check)
{
    const DomainDef *def = check->def;
    const PassiveNode *most = passive_find_element (def->passive, "maxMemory");
    const PassiveNode *vcpus = passive_find_element (def->passive, "vcpus");
    const char *text = passive_text (most);
    guint64 size = text ? g_ascii_strtoull (text, NULL, 10) : 0;

    if (most && (!size || passive_number (most, "slots", 0) == 0))
        return check_fail (check, ERR_XML, "/domain/maxMemory", 0,
                           "both maximum memory size and memory slot count must be specified");
    if (most && size < def->memory)
        return check_fail (check, ERR_XML, "/domain/maxMemory", 0,
                           "maximum memory size must be equal or greater than the actual memory "
                           "size");
    if (most)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/maxMemory", 0,
                           "memory hotplug tunables <maxMemory> are not supported by this "
                           "hypervisor driver");
    if (passive_child (vcpus, "vcpu"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/vcpus", 0,
                           "individual CPU state configuration is not supported");
    return TRUE;
}

/* What the name of a virtual machine's disk traffic may be. */
static gboolean
check_appid (Check *check)
{
    static const char path[] = "/domain/resource/fibrechannel";
    const char *id = passive_attr (passive_find_element (check->def->passive, "fibrechannel"), "appid");

    for (const char *p = id; p && *p; p++)
        if (!g_ascii_isprint (*p))
            return check_fail (check, ERR_XML, path, 0,
                               "Fibre Channel 'appid' is not a printable string");
    if (id && strlen (id) > 128)
        return check_fail (check, ERR_INVALID_ARG, path, 0,
                           "Fibre Channel 'appid' string length must be between [1, 128]");
    return TRUE;
}

static gboolean
check_sizes (Check *check)
{
    const DomainDef *def = check->def;

    if (!def->memory)
        return check_fail (check, ERR_XML, "/domain/memory", 0,
                           "Memory size must be specified via <memory> or in the <numa> "
                           "configuration");
    return check_hotplug (check);
}

/* Architectures that libvirt has names for; of the others it says something else. */
static const char *const arch_names[] = {
    "alpha",  "armv6l",   "armv7l",      "armv7b",   "aarch64",    "cris",         "i686",
    "ia64",   "lm32",     "loongarch64", "m68k",     "microblaze", "microblazeel", "mips",
    "mipsel", "mips64",   "mips64el",    "openrisc", "parisc",     "parisc64",     "ppc",
    "ppcle",  "ppc64",    "ppc64le",     "ppcemb",   "riscv32",    "riscv64",      "s390",
    "s390x",  "sh4",      "sh4eb",       "sparc",    "sparc64",    "unicore32",    "x86_64",
    "xtensa", "xtensaeb", NULL,
};

static gboolean
arch_possible (const char *arch, const DomainDefaults *host)
{
    return !arch || !host->arch || !strcmp (arch, host->arch) || !g_strcmp0 (arch, host->arch32);
}

static gboolean
check_os (Check *check)
{
    const DomainOs *os = &check->def->os;
    const DomainDefaults *defaults = check->defaults;

    static const char *const types[] = { "hvm", "xen", "linux", "uml", "xenpvh", "exe", NULL };

    if (!g_strv_contains (types, os->type))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/os/type", 0, "unknown OS type '%s'",
                     os->type);
    if (os->arch && !g_strv_contains (arch_names, os->arch))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/os/type", 0, "Unknown architecture %s",
                     os->arch);
    /* the blank at the end is libvirt's, and so is what it says of hvm, its default */
    if (check->def->foreign_type || strcmp (os->type, "exe") != 0 || !arch_possible (os->arch, defaults))
        return check_fail (check, ERR_INVALID_ARG, "/domain/os/type", 0,
                           "could not find capabilities for %s%s%sarch=%s domaintype=%s ",
                           g_str_equal (os->type, "hvm") ? "" : "ostype=",
                           g_str_equal (os->type, "hvm") ? "" : os->type,
                           g_str_equal (os->type, "hvm") ? "" : " ",
                           os->arch ? os->arch : defaults->arch,
                           check->def->foreign_type ? check->def->foreign_type : "lxc");
    if (!os->init)
        return check_fail (check, ERR_XML, "/domain/os/init", 0, "init binary must be specified");
    for (guint i = 0; i < os->initenv->len; i++) {
        const NameValue *env = g_ptr_array_index (os->initenv, i);

        if (strchr (env->name, '='))
            return check_fail (check, ERR_XML, "/domain/os/initenv", i + 1,
                         "the name of an environment variable cannot contain '='");
    }
    return TRUE;
}

/* What a timer cannot have. */
static gboolean
check_timer (Check *check, const ClockTimer *timer, guint index)
{
    static const struct { const char *attr; guint without; } rules[] = {
        { "tickpolicy", 1 << TIMER_KVMCLOCK | 1 << TIMER_HYPERVCLOCK },
        { "frequency", ~(1u << TIMER_TSC) },
        { "mode", ~(1u << TIMER_TSC) },
        { "track", ~(1u << TIMER_PLATFORM | 1u << TIMER_RTC) },
    };
    static const char path[] = "/domain/clock/timer";

    for (guint i = 0; i < G_N_ELEMENTS (rules); i++) {
        if (rules[i].without & 1u << timer->name && passive_has (timer->passive, rules[i].attr))
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, index,
                               "timer %s doesn't support setting of timer %s",
                               timer_names.name[timer->name], rules[i].attr);
        if (i == 0 && passive_has (timer->passive, "catchup")
            && g_strcmp0 (passive_value (timer->passive, "tickpolicy"), "catchup") != 0)
            return check_fail (check, ERR_XML, path, index,
                               "setting of timer catchup policies is only supported with "
                               "tickpolicy='catchup'");
    }
    return TRUE;
}

static gboolean
check_timers (Check *check)
{
    const GPtrArray *timers = check->def->clock.timers;

    for (guint i = 0; i < timers->len; i++)
        if (!check_timer (check, g_ptr_array_index (timers, i), i + 1))
            return FALSE;
    return TRUE;
}

static gboolean
check_clock (Check *check)
{
    static const char path[] = "/domain/clock";
    const DomainClock *clock = &check->def->clock;
    gboolean variable = clock->offset == CLOCK_VARIABLE;

    if (clock->basis && (!variable || (!g_str_equal (clock->basis, "utc")
                                       && !g_str_equal (clock->basis, "localtime"))))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0, "unknown clock basis '%s'",
                     clock->basis);
    return TRUE;
}

/* In order of what they stand for on the host. */
static gint
compare_targets (gconstpointer a, gconstpointer b)
{
    const IdmapEntry *one = *(IdmapEntry *const *) a, *two = *(IdmapEntry *const *) b;

    return (one->target > two->target) - (one->target < two->target);
}

static gboolean
check_idmap_host (Check *check, const GPtrArray *map, const char *path)
{
    g_autoptr (GPtrArray) sorted = g_ptr_array_sized_new (map->len);
    gsize text = 0;

    for (guint i = 0; i < map->len; i++) {
        const IdmapEntry *entry = g_ptr_array_index (map, i);

        g_ptr_array_add (sorted, (gpointer) entry);
        text += (gsize) snprintf (NULL, 0, "%u %u %u\n", entry->start, entry->target, entry->count);
    }
    g_ptr_array_sort (sorted, compare_targets);
    for (guint i = 1; i < sorted->len; i++) {
        const IdmapEntry *below = sorted->pdata[i - 1], *entry = sorted->pdata[i];

        if (entry->target - below->target < below->count)
            return check_fail (check, ERR_XML, path, 0, "id maps overlap at host id %u", entry->target);
    }
    return text <= IDMAP_TEXT_MAX
           || check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                          "an id map of more than %d bytes, as the kernel reads it", IDMAP_TEXT_MAX);
}

static gboolean
check_idmap_kind (Check *check, const GPtrArray *map, const char *path)
{
    guint64 end = 0;

    if (map->len > IDMAP_LINES_MAX)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0, "more than %d lines in an id map",
                     IDMAP_LINES_MAX);
    for (guint i = 0; i < map->len; i++) {
        const IdmapEntry *entry = g_ptr_array_index (map, i);

        if (i == 0 && entry->start != 0)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                         "You must map the root user of container");
        if (!entry->count)
            return check_fail (check, ERR_XML, path, 0, "an id map of no ids");
        if (entry->start < end && i > 0)
            return check_fail (check, ERR_XML, path, 0, "id maps overlap at %u", entry->start);
        end = (guint64) entry->start + entry->count;
        /* -1 is no id */
        if (end > G_MAXUINT32 || (guint64) entry->target + entry->count > G_MAXUINT32)
            return check_fail (check, ERR_XML, path, 0, "an id map goes beyond the last id");
    }
    return check_idmap_host (check, map, path);
}

static gboolean
check_idmap (Check *check)
{
    const DomainDef *def = check->def;

    if ((def->uid_map->len != 0) != (def->gid_map->len != 0))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/idmap", 0,
                     "uid and gid should be mapped both");
    return check_idmap_kind (check, def->uid_map, "/domain/idmap/uid")
        && check_idmap_kind (check, def->gid_map, "/domain/idmap/gid");
}

/* ---- devices */

/* Only alone, and where it has no label, it may leave its model to the host. */
static gboolean
check_seclabels (Check *check)
{
    const GPtrArray *labels = check->def->seclabels;

    for (guint i = 0; i < labels->len; i++) {
        const SeclabelDef *label = g_ptr_array_index (labels, i);
        gboolean none = label->type == SECLABEL_NONE
            || (label->type == SECLABEL_DYNAMIC && !label->baselabel);

        if (!label->model && (labels->len > 1 || !none))
            return check_fail (check, ERR_XML, "/domain/seclabel", i + 1, "missing security model %s",
                               labels->len > 1 ? "when using multiple labels" : "in domain seclabel");
    }
    return TRUE;
}

static gboolean
check_shares (Check *check)
{
    static const char *const paths[SHARE_LAST] = { "sharenet", "shareipc", "shareuts" };

    for (guint i = 0; i < SHARE_LAST; i++) {
        g_autofree char *path = g_strdup_printf ("/domain/*[local-name()='namespace']"
                                                 "/*[local-name()='%s']", paths[i]);

        if (i != SHARE_NET && check->def->shares[i].source == SHARE_SOURCE_NETNS)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                         "'netns' namespace source can only be used with sharenet");
    }
    return TRUE;
}

/* What the codec left to this stage. */
static gboolean
check_later (Check *check, CodecStage stage)
{
    const DomainDef *def = check->def;

    if (!def->later || def->later_stage != stage)
        return TRUE;
    check->error = g_error_copy (def->later);
    return FALSE;
}

static gboolean
check_completed (Check *check)
{
    return check_later (check, CODEC_COMPLETED);
}

static gboolean
check_judged (Check *check)
{
    return check_later (check, CODEC_JUDGED);
}

gboolean
domain_check (const DomainDef *def, const DomainDefaults *defaults, char **ret_path, GError **error)
{
    /* what libvirt finds while it reads, after that, and when all is there */
    static gboolean (*const checks[]) (Check *) = {
        check_names, check_seclabels, check_tune, check_cells, check_clock,
        check_os, check_serials, check_completed, check_consoles, check_sizes, check_timers,
        check_cpu_model,
        check_disks, check_sounds, check_videos, check_redirdevs, check_judged, check_controllers,
        check_passive_devices, check_nets, check_hostdevs, check_appid, check_cpu, check_limits,
        check_idmap, check_shares,
        check_pools, check_skep,
    };
    Check check = { .def = def, .defaults = defaults };

    for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
        if (!checks[i] (&check)) {
            *ret_path = check.path;
            g_propagate_error (error, check.error);
            return FALSE;
        }
    return TRUE;
}
