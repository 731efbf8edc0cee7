/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/domain_stats.h"

#include "driver/domain_usage.h"
#include "driver/params.h"
#include "driver/vcpus.h"
#include "host/block.h"

#define VCPU_RUNNING 1          /* virVcpuState */

/* "net.3.rx.bytes" */
static void
add_numbered (GArray *params, const char *group, guint number, const char *name, guint64 value)
{
    char field[64];

    g_snprintf (field, sizeof field, "%s.%u.%s", group, number, name);
    params_add_ullong (params, field, value);
}

static void
add_numbered_string (GArray *params, const char *group, guint number, const char *name, const char *value)
{
    char field[64];

    g_snprintf (field, sizeof field, "%s.%u.%s", group, number, name);
    params_add_string (params, field, value);
}

/* Two groups want it, and it is the dearest file. */
static const DomainMemory *
memory_of (StatsReading *reading, const Domain *domain)
{
    if (reading->memory_of != domain) {
        reading->memory_read = domain_memory_read (domain, &reading->memory, NULL);
        reading->memory_of = domain;
    }
    return reading->memory_read ? &reading->memory : NULL;
}

/* ---- the groups */

static void
add_state (StatsReading *reading, Domain *domain, Cgroup *cgroup, GArray *params)
{
    (void) reading;
    (void) cgroup;
    params_add_int (params, "state.state", (int) domain->state);
    params_add_int (params, "state.reason", domain->reason);
}

static void
add_cpu (StatsReading *reading, Domain *domain, Cgroup *cgroup, GArray *params)
{
    guint64 total, user, system;

    (void) reading;
    (void) domain;
    if (!cgroup || !cgroup_cpu_usage (cgroup, &total, &user, &system, NULL))
        return;
    params_add_ullong (params, "cpu.time", total);
    params_add_ullong (params, "cpu.user", user);
    params_add_ullong (params, "cpu.system", system);
}

static void
add_balloon (StatsReading *reading, Domain *domain, Cgroup *cgroup, GArray *params)
{
    const DomainMemory *memory = cgroup ? memory_of (reading, domain) : NULL;

    params_add_ullong (params, "balloon.current", domain->def->current_memory);
    params_add_ullong (params, "balloon.maximum", domain->def->memory);
    if (!memory)
        return;
    params_add_ullong (params, "balloon.major_fault", memory->major_faults);
    params_add_ullong (params, "balloon.minor_fault", memory->minor_faults);
    params_add_ullong (params, "balloon.unused", memory->unused);
    params_add_ullong (params, "balloon.available", memory->available);
    params_add_ullong (params, "balloon.usable", memory->usable);
    params_add_ullong (params, "balloon.disk_caches", memory->disk_caches);
    params_add_ullong (params, "balloon.rss", memory->rss);
}

static void
add_vcpus (StatsReading *reading, Domain *domain, Cgroup *cgroup, GArray *params)
{
    guint online = vcpus_online (domain->def);
    g_autoptr (GArray) allowed = NULL, usage = NULL;

    (void) reading;
    params_add_uint (params, "vcpu.current", online);
    params_add_uint (params, "vcpu.maximum", domain->def->vcpus);
    if (!cgroup)
        return;
    if (online == 1) {              /* it is the whole container */
        guint64 total;

        params_add_int (params, "vcpu.0.state", VCPU_RUNNING);
        if (cgroup_cpu_usage (cgroup, &total, NULL, NULL, NULL))
            params_add_ullong (params, "vcpu.0.time", total);
        return;
    }
    allowed = vcpus_allowed (domain, domain->def);
    usage = vcpus_usage (domain);
    for (guint i = 0; i < online; i++) {
        char field[64];

        g_snprintf (field, sizeof field, "vcpu.%u.state", i);
        params_add_int (params, field, VCPU_RUNNING);
        if (usage)
            add_numbered (params, "vcpu", i, "time", vcpu_time (i, online, allowed, usage));
    }
}

static void
add_nets (StatsReading *reading, Domain *domain, Cgroup *cgroup, GArray *params)
{
    const GPtrArray *nets = domain->def->nets;
    g_autoptr (GHashTable) inside = NULL;

    if (!cgroup)
        return;
    params_add_uint (params, "net.count", nets->len);
    if (nets->len > 0 && !reading->links)
        reading->links = link_stats_all (0, NULL);
    for (guint i = 0; i < nets->len; i++) {
        LinkStats stats;
        const NetDef *net = nets->pdata[i];
        const char *name = net->ifname ? net->ifname : net->guest_ifname;

        if (name)
            add_numbered_string (params, "net", i, "name", name);
        if (!domain_net_stats (domain, net, reading->links, &inside, &stats, NULL))
            continue;
        add_numbered (params, "net", i, "rx.bytes", stats.rx_bytes);
        add_numbered (params, "net", i, "rx.pkts", stats.rx_packets);
        add_numbered (params, "net", i, "rx.errs", stats.rx_errs);
        add_numbered (params, "net", i, "rx.drop", stats.rx_drop);
        add_numbered (params, "net", i, "tx.bytes", stats.tx_bytes);
        add_numbered (params, "net", i, "tx.pkts", stats.tx_packets);
        add_numbered (params, "net", i, "tx.errs", stats.tx_errs);
        add_numbered (params, "net", i, "tx.drop", stats.tx_drop);
    }
}

static void
add_block (GArray *params, guint number, const DomainBlock *block, const GArray *used)
{
    CgroupBlkioUsage usage = { 0 };
    guint64 size, read, written;

    add_numbered_string (params, "block", number, "name", block->name);
    if (block->path)
        add_numbered_string (params, "block", number, "path", block->path);
    if (!block->device)
        return;
    if (used) {
        domain_block_usage (used, block->device, &usage);
        add_numbered (params, "block", number, "rd.reqs", usage.rd_req);
        add_numbered (params, "block", number, "rd.bytes", usage.rd_bytes);
        add_numbered (params, "block", number, "wr.reqs", usage.wr_req);
        add_numbered (params, "block", number, "wr.bytes", usage.wr_bytes);
    }
    if (block_times (block->device, &read, &written)) {
        add_numbered (params, "block", number, "rd.times", read);
        add_numbered (params, "block", number, "wr.times", written);
    }
    if (block_size (block->device, &size)) {
        add_numbered (params, "block", number, "capacity", size);
        add_numbered (params, "block", number, "physical", size);
    }
}

/* Disks, and file systems on block devices of their own. The whole container's traffic, most of which
 * is to the host's file systems, has no entry of its own in libvirt's list; block.total is ours. */
static void
add_blocks (StatsReading *reading, Domain *domain, Cgroup *cgroup, GArray *params)
{
    g_autoptr (GArray) used = cgroup ? cgroup_blkio_devices (cgroup, NULL) : NULL;
    g_autoptr (GArray) blocks = domain_blocks (domain, &reading->loops);
    CgroupBlkioUsage sum;

    params_add_uint (params, "block.count", blocks->len);
    for (guint i = 0; i < blocks->len; i++)
        add_block (params, i, &g_array_index (blocks, DomainBlock, i), used);
    if (!used)
        return;
    cgroup_blkio_sum (used, &sum);
    params_add_ullong (params, "block.total.rd.reqs", sum.rd_req);
    params_add_ullong (params, "block.total.rd.bytes", sum.rd_bytes);
    params_add_ullong (params, "block.total.wr.reqs", sum.wr_req);
    params_add_ullong (params, "block.total.wr.bytes", sum.wr_bytes);
}

/* libvirt's group holds bandwidth monitors, which a container does not have; what there is to say of its
 * memory beyond the balloon has names of ours. */
static void
add_memory (StatsReading *reading, Domain *domain, Cgroup *cgroup, GArray *params)
{
    const DomainMemory *memory = cgroup ? memory_of (reading, domain) : NULL;

    if (!memory)
        return;
    params_add_ullong (params, "memory.usage", memory->rss);
    params_add_ullong (params, "memory.limit", memory->available);
    params_add_ullong (params, "memory.anonymous", memory->anonymous);
    params_add_ullong (params, "memory.cache", memory->disk_caches);
    params_add_ullong (params, "memory.swap", memory->swap);
    params_add_ullong (params, "memory.oom_kills", memory->oom_kills);
}

/* ---- all of them */

static const struct {
    StatsGroup group;
    void (*add) (StatsReading *reading, Domain *domain, Cgroup *cgroup, GArray *params);
} groups[] = {
    { STATS_STATE, add_state },       { STATS_CPU_TOTAL, add_cpu },
    { STATS_BALLOON, add_balloon },   { STATS_VCPU, add_vcpus },
    { STATS_INTERFACE, add_nets },    { STATS_BLOCK, add_blocks },
    { STATS_MEMORY, add_memory },
};

void
domain_stats_begin (StatsReading *reading, guint wanted)
{
    *reading = (StatsReading){ .groups = wanted };
}

void
domain_stats_end (StatsReading *reading)
{
    g_clear_pointer (&reading->links, g_hash_table_unref);
    g_clear_pointer (&reading->loops, g_hash_table_unref);
}

void
domain_stats_add (StatsReading *reading, Domain *domain, GArray *params)
{
    Cgroup *cgroup = domain_cgroup (domain, NULL);

    for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
        if (reading->groups & groups[i].group)
            groups[i].add (reading, domain, cgroup, params);
}
