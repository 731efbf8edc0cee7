/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes in /dev, consoles, and the device rules of the cgroup that allow just these. */
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>

#include "driver/planner.h"

typedef struct {
    const char *path;
    guint major, minor;
} BaseNode;

static const BaseNode base_nodes[] = {
    { "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 },
    { "tty", 5, 0 },
};

static const struct { const char *path, *target; } base_links[] = {
    { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
    { "fd", "/proc/self/fd" }, { "ptmx", "pts/ptmx" },
};

static void
node_add (Planner *p, const char *path, const char *link, guint mode, guint major, guint minor)
{
    plan_node node = {
        .path = g_strdup (path), .link = g_strdup (link ? link : ""), .mode = mode, .major = major,
        .minor = minor, .uid = p->facts->root_uid, .gid = p->facts->root_gid,
    };

    g_array_append_val (p->nodes, node);
}

/* "/dev/net/tun" -> "net/tun"; NULL outside of /dev. */
static const char *
below_dev (const char *path)
{
    return g_str_has_prefix (path, "/dev/") ? path + 5 : NULL;
}

static void
hostdev_node (Planner *p, const HostdevDef *dev, const PlanDevice *numbers)
{
    guint mode = (numbers->block ? S_IFBLK : S_IFCHR) | 0700;

    if (!numbers->set)
        return;
    if (dev->type == HOSTDEV_USB) {
        g_autofree char *path = g_strdup_printf ("bus/usb/%03u/%03u", PLAN_USB_BUS (numbers->minor),
                                                 PLAN_USB_DEVICE (numbers->minor));

        node_add (p, path, NULL, mode, numbers->major, numbers->minor);
    } else if (dev->path && below_dev (dev->path)) {
        node_add (p, below_dev (dev->path), NULL, mode, numbers->major, numbers->minor);
    }
}

/* libvirt gives the clock devices only with offset='localtime'. */
static void
timer_nodes (Planner *p)
{
    const DomainClock *clock = &p->def->clock;

    if (clock->offset != CLOCK_LOCALTIME)
        return;
    for (guint i = 0; i < clock->timers->len; i++) {
        const ClockTimer *timer = clock->timers->pdata[i];
        const PlanDevice *device = timer->name == TIMER_RTC ? &p->facts->rtc : &p->facts->hpet;

        if (timer->present != YES_NO_NO && device->set)
            node_add (p, timer->name == TIMER_RTC ? "rtc" : "hpet", NULL, S_IFCHR | device->mode,
                      device->major, device->minor);
    }
}

static void
console_add (Planner *p, guint index)
{
    const ConsoleDef *def = p->def->consoles->pdata[index];
    plan_console console = {
        .alias = g_strdup_printf ("console%u", index), .ring_size = p->context->console_ring,
        .log_path = g_strdup (def->log_file ? def->log_file : ""), .log_fd = -1,
        .log_max = p->context->console_log_max,
    };

    if (p->context->console_log_fds && def->log_file)
        console.log_fd = p->context->console_log_fds[index];
    g_array_append_val (p->consoles, console);
}

void
planner_nodes (Planner *p)
{
    const DomainDef *def = p->def;

    for (guint i = 0; i < def->disks->len; i++) {
        const PlanDevice *numbers = &g_array_index (p->facts->disks, PlanDevice, i);

        if (numbers->set)
            node_add (p, ((const DiskDef *) def->disks->pdata[i])->target, NULL, S_IFBLK | 0700,
                      numbers->major, numbers->minor);
    }
    for (guint i = 0; i < def->hostdevs->len; i++)
        hostdev_node (p, def->hostdevs->pdata[i], &g_array_index (p->facts->hostdevs, PlanDevice, i));
}

void
planner_devices (Planner *p)
{
    const DomainDef *def = p->def;

    for (guint i = 0; i < G_N_ELEMENTS (base_nodes); i++)
        node_add (p, base_nodes[i].path, NULL, S_IFCHR | 0666, base_nodes[i].major,
                  base_nodes[i].minor);
    for (guint i = 0; i < G_N_ELEMENTS (base_links); i++)
        node_add (p, base_links[i].path, base_links[i].target, 0, 0, 0);
    timer_nodes (p);
    planner_nodes (p);
    for (guint i = 0; i < def->consoles->len; i++)
        console_add (p, i);
}

/* ---- device rules */

static void
rule_add (GArray *rules, char type, gint64 major, gint64 minor, const char *access)
{
    CgroupDeviceRule rule = { .type = type, .major = major, .minor = minor };

    g_strlcpy (rule.access, access, sizeof rule.access);
    g_array_append_val (rules, rule);
}

static void
rule_for (GArray *rules, const PlanDevice *device, const char *access)
{
    if (device->set)
        rule_add (rules, device->block ? 'b' : 'c', device->major, device->minor, access);
}

static void
filesystem_rules (GArray *rules, const DomainDef *def, const PlanFacts *facts)
{
    for (guint i = 0; i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (fs->type == FS_BLOCK || fs->type == FS_FILE)
            rule_for (rules, &g_array_index (facts->fs, PlanFs, i).numbers,
                      fs->readonly ? "r" : "rw");
    }
}

void
plan_add_device_rules (const DomainDef *def, const PlanFacts *facts, GArray *rules)
{
    for (guint i = 0; i < def->disks->len; i++)
        rule_for (rules, &g_array_index (facts->disks, PlanDevice, i),
                  ((const DiskDef *) def->disks->pdata[i])->readonly ? "rm" : "rwm");
    filesystem_rules (rules, def, facts);
    for (guint i = 0; i < def->hostdevs->len; i++)
        rule_for (rules, &g_array_index (facts->hostdevs, PlanDevice, i), "rwm");
}

GArray *
plan_device_rules (const DomainDef *def, const PlanFacts *facts)
{
    GArray *rules = g_array_new (FALSE, TRUE, sizeof (CgroupDeviceRule));

    /* making any node is harmless as long as it cannot be opened */
    if (def->features.caps[CAP_MKNOD] == ON_OFF_ON)
        rule_add (rules, 'a', -1, -1, "m");
    for (guint i = 0; i < G_N_ELEMENTS (base_nodes); i++)
        rule_add (rules, 'c', base_nodes[i].major, base_nodes[i].minor, "rwm");
    rule_add (rules, 'c', 5, 2, "rwm");         /* ptmx */
    rule_add (rules, 'c', 136, -1, "rwm");      /* pts */
    rule_add (rules, 'c', 10, 229, "rwm");      /* fuse: for guests with a node of their own */
    plan_add_device_rules (def, facts, rules);
    for (guint i = 0; i < def->clock.timers->len; i++) {
        const ClockTimer *timer = def->clock.timers->pdata[i];

        if (timer->present != YES_NO_NO && timer->name == TIMER_RTC)
            rule_for (rules, &facts->rtc, "r");
        if (timer->present != YES_NO_NO && timer->name == TIMER_HPET)
            rule_for (rules, &facts->hpet, "r");
    }
    plan_skep_device_rules (def->skep, rules);
    return rules;
}
