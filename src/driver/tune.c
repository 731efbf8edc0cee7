/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/tune.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "conf/cpulist.h"
#include "driver/daemon.h"
#include "driver/device_change.h"
#include "driver/device_rules.h"
#include "driver/store.h"
#include "driver/vcpus.h"
#include "host/block.h"
#include "host/node.h"
#include "util/error.h"
#include "util/log.h"

/* ---- CPUs */

static void
set_add (CpuSet *set, const CpuSet *more)
{
    for (guint i = 0; i < G_N_ELEMENTS (set->bits); i++)
        set->bits[i] |= more->bits[i];
}

/* Text of a definition or of the kernel. */
static gboolean
read_set (const char *text, CpuSet *ret)
{
    memset (ret, 0, sizeof *ret);
    return text && cpu_set_parse (text, ret, NULL) && cpu_set_count (ret) > 0;
}

/* All pins of the vcpus that are online; one without a pin may use all of @base. */
static void
pinned (const DomainDef *def, const CpuSet *base, CpuSet *ret)
{
    guint online = vcpus_online (def);

    memset (ret, 0, sizeof *ret);
    for (guint vcpu = 0; vcpu < online; vcpu++) {
        const CpuPin *pin = NULL;
        CpuSet cpus;

        for (guint i = 0; i < def->cputune.vcpupins->len && !pin; i++)
            if (((const CpuPin *) def->cputune.vcpupins->pdata[i])->id == vcpu)
                pin = def->cputune.vcpupins->pdata[i];
        set_add (ret, pin && read_set (pin->cpuset, &cpus) ? &cpus : base);
    }
}

/* @n of the CPUs, beginning where the uuid says, so that domains do not all meet on the first ones. */
static void
choose (const DomainDef *def, guint n, CpuSet *set)
{
    guint count = cpu_set_count (set), first, seen = 0;
    CpuSet chosen = { 0 };

    if (n >= count)
        return;
    first = (guint) (def->uuid[15] | def->uuid[14] << 8) % count;
    for (guint cpu = 0; cpu < CPULIST_MAX; cpu++) {
        if (!cpu_set_contains (set, cpu))
            continue;
        if ((seen + count - first) % count < n)
            chosen.bits[cpu / 64] |= G_GUINT64_CONSTANT (1) << cpu % 64;
        seen++;
    }
    *set = chosen;
}

char *
tune_cpus (const DomainDef *def)
{
    g_autofree char *online = NULL;
    CpuSet base, cpus;

    if (def->cputune.vcpupins->len == 0 && vcpus_online (def) >= def->vcpus)
        return g_strdup (def->cpuset);
    online = node_read ("/sys/devices/system/cpu/online");
    if (!read_set (def->cpuset, &base) && !read_set (online ? g_strchomp (online) : NULL, &base))
        return NULL;
    cpus = base;
    if (def->cputune.vcpupins->len > 0)
        pinned (def, &base, &cpus);
    if (vcpus_online (def) < def->vcpus)
        choose (def, vcpus_online (def), &cpus);
    return cpu_set_format (&cpus);
}

const char *
tune_nodes (const DomainDef *def)
{
    const DomainNumatune *numa = &def->numatune;

    return numa->set && (numa->mode == NUMA_STRICT || numa->mode == NUMA_RESTRICTIVE) ? numa->nodeset : NULL;
}

guint64
tune_memory (const DomainDef *def)
{
    guint64 most = def->memtune.hard_limit_set ? def->memtune.hard_limit : def->memory;

    /* a domain that was given less than its maximum keeps to that, also after it has rebooted */
    return def->current_memory < def->memory ? MIN (def->current_memory, most) : most;
}

guint64
tune_pids (const DomainDef *def)
{
    return def->skep && def->skep->tasks_max ? def->skep->tasks_max : daemon_state.settings->pids_max;
}

/* What the kernel really gives, where it is less than what was asked. */
static void
compare_cpus (const Instance *instance, const char *wanted)
{
    g_autofree char *effective = cgroup_effective_cpus (instance->cgroup, NULL);

    if (wanted && effective && strcmp (g_strstrip (effective), wanted) != 0)
        log_warning ("domain '%s': of the CPUs %s the kernel gives %s", instance->domain->def->name, wanted,
                     effective);
}

static gboolean
apply_cpuset (Instance *instance, const DomainDef *from, const DomainDef *to, GError **error)
{
    g_autofree char *old_cpus = from ? tune_cpus (from) : NULL, *cpus = tune_cpus (to);
    const char *old_nodes = from ? tune_nodes (from) : NULL, *nodes = tune_nodes (to);
    g_autofree char *all_cpus = NULL, *all_nodes = NULL;
    gboolean new_cpus = g_strcmp0 (old_cpus, cpus) != 0, new_nodes = g_strcmp0 (old_nodes, nodes) != 0;

    if (!new_cpus && !new_nodes)
        return TRUE;
    if (!(cgroup_host_controllers () & CGROUP_CPUSET))
        return !from || error_set (error, ERR_OPERATION_INVALID, "cgroup cpuset controller is not mounted");
    /* a limit that goes is a limit to all */
    if (new_cpus && !cpus)
        all_cpus = node_read ("/sys/devices/system/cpu/online");
    if (new_nodes && !nodes)
        all_nodes = node_read ("/sys/devices/system/node/online");
    if (!cgroup_set_cpuset (instance->cgroup, !new_cpus ? NULL : cpus ? cpus : g_strchomp (all_cpus),
                            !new_nodes ? NULL : nodes ? nodes : all_nodes ? g_strchomp (all_nodes) : NULL,
                            error))
        return FALSE;
    if (from && new_cpus)
        compare_cpus (instance, cpus);
    return TRUE;
}

static gboolean
apply_emulator (Instance *instance, const DomainDef *from, const DomainDef *to, GError **error)
{
    const char *pin = to->cputune.emulatorpin;
    g_autofree char *online = NULL;
    gsize size = CPU_ALLOC_SIZE (CPULIST_MAX);
    cpu_set_t *mask;
    CpuSet cpus;
    int r;

    if (!g_strcmp0 (from ? from->cputune.emulatorpin : NULL, pin) || instance->pid <= 0)
        return TRUE;
    if (!pin)
        pin = g_strchomp (online = node_read ("/sys/devices/system/cpu/online"));
    if (!read_set (pin, &cpus))
        return TRUE;
    mask = CPU_ALLOC (CPULIST_MAX);
    CPU_ZERO_S (size, mask);
    for (guint cpu = 0; cpu < CPULIST_MAX; cpu++)
        if (cpu_set_contains (&cpus, cpu))
            CPU_SET_S (cpu, size, mask);
    r = sched_setaffinity (instance->pid, size, mask) < 0 ? errno : 0;
    CPU_FREE (mask);
    return r == 0 || error_set_errno (error, r, "cannot set CPU affinity on process %d", (int) instance->pid);
}

/* ---- block devices */

static CgroupBlkio *
rule_for (GArray *rules, dev_t device)
{
    CgroupBlkio rule = { .device = device };

    for (guint i = 0; i < rules->len; i++)
        if (g_array_index (rules, CgroupBlkio, i).device == device)
            return &g_array_index (rules, CgroupBlkio, i);
    g_array_append_val (rules, rule);
    return &g_array_index (rules, CgroupBlkio, rules->len - 1);
}

static guint64
stricter (guint64 one, guint64 two)
{
    return one == 0 ? two : two == 0 ? one : MIN (one, two);
}

/* <iotune> of disks; a device that blkiotune names as well gets the stricter of both. */
static void
add_disks (GArray *rules, const Instance *instance, const DomainDef *def)
{
    for (guint i = 0; i < def->disks->len; i++) {
        const DiskDef *disk = def->disks->pdata[i];
        const guint64 *value = disk->iotune.value;
        PlanDevice numbers = disk->alias ? device_numbers_of (instance, disk->alias) : (PlanDevice) { 0 };
        CgroupBlkio *rule;

        if (!numbers.set || (!value[IOTUNE_READ_BYTES_SEC] && !value[IOTUNE_WRITE_BYTES_SEC]
                             && !value[IOTUNE_READ_IOPS_SEC] && !value[IOTUNE_WRITE_IOPS_SEC]))
            continue;
        rule = rule_for (rules, makedev (numbers.major, numbers.minor));
        rule->rbps = stricter (rule->rbps, value[IOTUNE_READ_BYTES_SEC]);
        rule->wbps = stricter (rule->wbps, value[IOTUNE_WRITE_BYTES_SEC]);
        rule->riops = stricter (rule->riops, value[IOTUNE_READ_IOPS_SEC]);
        rule->wiops = stricter (rule->wiops, value[IOTUNE_WRITE_IOPS_SEC]);
    }
}

/* @must: a device that is not there is an error. Of CgroupBlkio. */
static GArray *
blkio_rules (const Instance *instance, const DomainDef *def, gboolean must, GError **error)
{
    g_autoptr (GArray) rules = g_array_new (FALSE, TRUE, sizeof (CgroupBlkio));

    for (guint i = 0; def && i < def->blkiotune.devices->len; i++) {
        const BlkioDevice *device = def->blkiotune.devices->pdata[i];
        struct stat st;
        gboolean safe = block_path_safe (device->path);
        int r = safe && stat (device->path, &st) < 0 ? errno : 0;
        CgroupBlkio *rule;

        if (!safe && must)
            return block_path_refuse (device->path, error), NULL;
        if (!safe)
            continue;
        if (r != 0 && must)
            return error_set_errno (error, r, "Path '%s' is not accessible", device->path), NULL;
        if (r == 0 && !S_ISBLK (st.st_mode) && must)
            return error_set (error, ERR_INVALID_ARG, "Path '%s' must be a block device", device->path), NULL;
        if (r != 0 || !S_ISBLK (st.st_mode))
            continue;
        rule = rule_for (rules, st.st_rdev);
        *rule = (CgroupBlkio) { .device = st.st_rdev, .weight = device->weight,
                                .rbps = device->read_bytes_sec, .wbps = device->write_bytes_sec,
                                .riops = device->read_iops_sec, .wiops = device->write_iops_sec };
    }
    if (def)
        add_disks (rules, instance, def);
    return g_steal_pointer (&rules);
}

static gboolean
same_rule (const CgroupBlkio *one, const CgroupBlkio *two)
{
    return one->weight == two->weight && one->rbps == two->rbps && one->wbps == two->wbps
           && one->riops == two->riops && one->wiops == two->wiops;
}

static gboolean
apply_blkio (Instance *instance, const DomainDef *from, const DomainDef *to, GError **error)
{
    g_autoptr (GArray) before = blkio_rules (instance, from, FALSE, error);
    g_autoptr (GArray) after = blkio_rules (instance, to, TRUE, error);
    guint weight = to->blkiotune.weight, old_weight = from ? from->blkiotune.weight : 0;

    if (!after)
        return FALSE;
    if (weight != old_weight && !cgroup_set_blkio_weight (instance->cgroup, weight, error))
        return FALSE;
    for (guint i = 0; i < before->len; i++)
        rule_for (after, g_array_index (before, CgroupBlkio, i).device);    /* what is no more gets zeroes */
    for (guint i = 0; i < after->len; i++) {
        const CgroupBlkio *rule = &g_array_index (after, CgroupBlkio, i);

        if (!same_rule (rule_for (before, rule->device), rule)
            && !cgroup_set_blkio_device (instance->cgroup, rule, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
tune_apply (Instance *instance, const DomainDef *from, const DomainDef *to, GError **error)
{
    return apply_cpuset (instance, from, to, error) && apply_emulator (instance, from, to, error)
           && apply_blkio (instance, from, to, error);
}

/* ---- a change */

/* The live definition becomes @def (taken), in the status file too. */
static gboolean
take_live (Domain *domain, DomainDef *def, GError **error)
{
    DomainDef *old = domain->def;

    domain_list_set_def (daemon_state.domains, domain, def);
    if (store_save_status (domain, error)) {
        domain_def_free (old);
        return TRUE;
    }
    domain_list_set_def (daemon_state.domains, domain, old);
    domain_def_free (def);
    return FALSE;
}

static gboolean
change_live (Domain *domain, DomainDef *live_given, DomainDef *config_given, GError **error)
{
    g_autoptr (DomainDef) live = live_given, config = config_given;
    gboolean for_config = config != NULL;
    Instance *instance = domain->instance;
    g_autoptr (DomainDef) before = domain_def_copy (domain->def);
    g_autoptr (DomainDef) after = domain_def_copy (live);

    if (tune_apply (instance, before, after, error)
        && take_live (domain, g_steal_pointer (&live), error)) {
        if (!for_config || device_save_config (domain, g_steal_pointer (&config), error))
            return TRUE;
        take_live (domain, domain_def_copy (before), NULL);
    }
    /* the values from before were good once: what fails now is logged only */
    if (!tune_apply (instance, after, before, NULL))
        log_error ("domain '%s': its limits could not be put back", domain->def->name);
    return FALSE;
}

static DomainDef *
edited (const DomainDef *def, TuneEdit edit, gconstpointer request, GError **error)
{
    g_autoptr (DomainDef) copy = domain_def_copy (def);

    if (!edit (copy, request, error) || !domain_def_judge (copy, &daemon_state.defaults, error))
        return NULL;
    return g_steal_pointer (&copy);
}

gboolean
tune_change (Domain *domain, Affect affect, TuneEdit edit, gconstpointer request, GError **error)
{
    g_autoptr (DomainDef) live = NULL, config = NULL;

    if ((affect & AFFECT_LIVE) && !domain_cgroup (domain, error))
        return FALSE;
    if ((affect & AFFECT_LIVE) && !(live = edited (domain->def, edit, request, error)))
        return FALSE;
    if ((affect & AFFECT_CONFIG) && !(config = edited (domain_config_def (domain), edit, request, error)))
        return FALSE;
    if (live)
        return change_live (domain, g_steal_pointer (&live), g_steal_pointer (&config), error);
    return device_save_config (domain, g_steal_pointer (&config), error);
}
