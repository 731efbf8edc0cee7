/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/tune.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "conf/cpulist.h"
#include "driver/daemon.h"
#include "driver/device_rules.h"
#include "driver/start_private.h"
#include "driver/tune_work.h"
#include "driver/vcpus.h"
#include "host/block.h"
#include "host/node.h"
#include "util/error.h"

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
    for (guint cpu = cpu_set_next (set, 0); cpu < CPULIST_MAX; cpu = cpu_set_next (set, cpu + 1)) {
        if ((seen + count - first) % count < n)
            cpu_set_put (&chosen, cpu);
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
tune_bytes (guint64 kib)
{
    return kib >= MEMORY_UNLIMITED ? CGROUP_UNLIMITED : kib * 1024;
}

guint64
tune_kib (guint64 bytes)
{
    return bytes == CGROUP_UNLIMITED ? MEMORY_UNLIMITED : MIN (bytes / 1024, MEMORY_UNLIMITED);
}

guint64
tune_pids (const DomainDef *def)
{
    return def->skep && def->skep->tasks_max ? def->skep->tasks_max : daemon_state.settings->pids_max;
}

/* ---- what is to be written */

/* A limit that goes is a limit to all. */
static char *
list_or_all (char *list, const char *all)
{
    char *text = list ? list : node_read ("%s", all);

    return text ? g_strchomp (text) : NULL;
}

static gboolean
plan_cpuset (TuneWork *work, const DomainDef *from, const DomainDef *to, GError **error)
{
    g_autofree char *old_cpus = from ? tune_cpus (from) : NULL, *cpus = tune_cpus (to);
    const char *old_nodes = from ? tune_nodes (from) : NULL, *nodes = tune_nodes (to);
    gboolean new_cpus = g_strcmp0 (old_cpus, cpus) != 0, new_nodes = g_strcmp0 (old_nodes, nodes) != 0;

    if (!new_cpus && !new_nodes)
        return TRUE;
    if (!(cgroup_host_controllers () & CGROUP_CPUSET))
        return !from || error_set (error, ERR_OPERATION_INVALID, "cgroup cpuset controller is not mounted");
    if (new_cpus)
        work->cpus = list_or_all (g_strdup (cpus), "/sys/devices/system/cpu/online");
    if (new_nodes)
        work->mems = list_or_all (g_strdup (nodes), "/sys/devices/system/node/online");
    if (from && new_cpus)
        work->wanted = g_strdup (cpus);
    return TRUE;
}

/* ---- the emulator */

gboolean
tune_emulator (Instance *instance, const DomainDef *from, const DomainDef *to, GError **error)
{
    return !g_strcmp0 (from ? from->cputune.emulatorpin : NULL, to->cputune.emulatorpin)
           || tune_emulator_set (instance, to, error);
}

gboolean
tune_emulator_set (Instance *instance, const DomainDef *def, GError **error)
{
    const char *pin = def->cputune.emulatorpin;
    g_autofree char *online = NULL;
    gsize size = CPU_ALLOC_SIZE (CPULIST_MAX);
    cpu_set_t *mask;
    CpuSet cpus;
    int r;

    /* of one that is kept nothing runs: its controller's number may be another's by now */
    if (!instance_controller_alive (instance))
        return TRUE;
    if (!pin)
        pin = g_strchomp (online = node_read ("/sys/devices/system/cpu/online"));
    if (!read_set (pin, &cpus))
        return TRUE;
    mask = CPU_ALLOC (CPULIST_MAX);
    CPU_ZERO_S (size, mask);
    for (guint cpu = cpu_set_next (&cpus, 0); cpu < CPULIST_MAX; cpu = cpu_set_next (&cpus, cpu + 1))
        CPU_SET_S (cpu, size, mask);
    r = sched_setaffinity (instance->pid, size, mask) < 0 ? errno : 0;
    CPU_FREE (mask);
    /* one that has gone tells why elsewhere */
    return r == 0 || r == ESRCH
        || error_set_errno (error, r, "cannot set CPU affinity on process %d", (int) instance->pid);
}

/* ---- block devices of a definition */

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

static gboolean
device_number (const char *path, dev_t *ret, GError **error)
{
    struct stat st;

    if (!block_path_safe (path))
        return block_path_refuse (path, error);
    if (stat (path, &st) < 0)
        return error_set_errno (error, errno, "Path '%s' is not accessible", path);
    if (!S_ISBLK (st.st_mode))
        return error_set_errno (error, EINVAL, "Path '%s' must be a block device", path);
    *ret = st.st_rdev;
    return TRUE;
}

static CgroupBlkio
rule_of (const BlkioDevice *device, dev_t number)
{
    return (CgroupBlkio) { .device = number, .weight = device->weight,
                           .rbps = device->read_bytes_sec, .wbps = device->write_bytes_sec,
                           .riops = device->read_iops_sec, .wiops = device->write_iops_sec };
}

GArray *
tune_block_rules (const Instance *instance, const DomainDef *def)
{
    GArray *rules = g_array_new (FALSE, TRUE, sizeof (CgroupBlkio));

    for (guint i = 0; def && i < def->blkiotune.devices->len; i++) {
        const BlkioDevice *device = def->blkiotune.devices->pdata[i];
        dev_t number;

        if (device_number (device->path, &number, NULL))
            *rule_for (rules, number) = rule_of (device, number);
    }
    if (def)
        add_disks (rules, instance, def);
    return rules;
}

static gboolean
says_already (const DomainDef *def, const BlkioDevice *device)
{
    const CgroupBlkio wanted = rule_of (device, 0);

    for (guint i = 0; def && i < def->blkiotune.devices->len; i++) {
        const BlkioDevice *other = def->blkiotune.devices->pdata[i];
        const CgroupBlkio rule = rule_of (other, 0);

        if (!strcmp (other->path, device->path))
            return tune_rule_same (&rule, &wanted);
    }
    return FALSE;
}

/* Of what @to says newly: one that has vanished since stands in nobody's way. */
static gboolean
devices_there (const DomainDef *from, const DomainDef *to, GError **error)
{
    dev_t number;

    for (guint i = 0; i < to->blkiotune.devices->len; i++) {
        const BlkioDevice *device = to->blkiotune.devices->pdata[i];

        if (!says_already (from, device) && !device_number (device->path, &number, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
tune_check_devices (const DomainDef *def, GError **error)
{
    return devices_there (NULL, def, error);
}

static void
plan_blkio (TuneWork *work, const Instance *instance, const DomainDef *from, const DomainDef *to)
{
    g_autoptr (GArray) before = tune_block_rules (instance, from);
    g_autoptr (GArray) after = tune_block_rules (instance, to);

    work->weight = to->blkiotune.weight;
    work->set_weight = work->weight != (from ? from->blkiotune.weight : 0);
    for (guint i = 0; i < before->len; i++)
        rule_for (after, g_array_index (before, CgroupBlkio, i).device);    /* what is no more gets zeroes */
    for (guint i = 0; i < after->len; i++) {
        const CgroupBlkio *rule = &g_array_index (after, CgroupBlkio, i);

        if (!tune_rule_same (rule_for (before, rule->device), rule))
            g_array_append_val (work->rules, *rule);
    }
}

TuneWork *
tune_work_new (const Instance *instance, const DomainDef *from, const DomainDef *to, gboolean must, GError **error)
{
    TuneWork *work = tune_work_empty (instance);

    if (!plan_cpuset (work, from, to, error) || (must && !devices_there (from, to, error))) {
        tune_work_free (work);
        return NULL;
    }
    plan_blkio (work, instance, from, to);
    return work;
}
