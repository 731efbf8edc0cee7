/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and freeing definitions; never the codec's business. */
#include "conf/domain_codec.h"

void
name_value_free (void *item)
{
    NameValue *pair = item;

    g_free (pair->name);
    g_free (pair->value);
    g_free (pair);
}

void
blkio_device_free (void *item)
{
    BlkioDevice *device = item;

    g_free (device->path);
    g_free (device);
}

void
cpu_pin_free (void *item)
{
    CpuPin *pin = item;

    g_free (pin->cpuset);
    g_free (pin);
}

void
sched_def_free (void *item)
{
    SchedDef *sched = item;

    g_free (sched->ids);
    g_free (sched);
}

void
numa_memnode_free (void *item)
{
    NumaMemnode *node = item;

    g_free (node->nodeset);
    g_free (node);
}

void
fs_def_free (void *item)
{
    FsDef *fs = item;

    g_free (fs->source);
    g_free (fs->target);
    g_free (fs->alias);
    g_clear_pointer (&fs->passive, g_ptr_array_unref);
    g_free (fs);
}

void
disk_def_free (void *item)
{
    DiskDef *disk = item;

    g_free (disk->driver_name);
    g_free (disk->source);
    g_free (disk->target);
    g_free (disk->alias);
    g_free (disk->iotune.group_name);
    g_clear_pointer (&disk->passive, g_ptr_array_unref);
    g_free (disk);
}

void
net_ip_free (void *item)
{
    NetIp *ip = item;

    g_free (ip->address);
    g_free (ip->family);
    g_free (ip->peer);
    g_free (ip);
}

void
net_route_free (void *item)
{
    NetRoute *route = item;

    g_free (route->family);
    g_free (route->address);
    g_free (route->netmask);
    g_free (route->gateway);
    g_free (route);
}

void
net_def_free (void *item)
{
    NetDef *net = item;

    g_free (net->mac);
    g_free (net->source);
    g_free (net->portgroup);
    g_clear_pointer (&net->host_ips, g_ptr_array_unref);
    g_clear_pointer (&net->host_routes, g_ptr_array_unref);
    g_clear_pointer (&net->vlan_tags, g_array_unref);
    g_free (net->vport.instanceid);
    g_free (net->vport.profileid);
    g_free (net->vport.interfaceid);
    g_clear_pointer (&net->ips, g_ptr_array_unref);
    g_clear_pointer (&net->routes, g_ptr_array_unref);
    g_free (net->script);
    g_free (net->ifname);
    g_free (net->guest_ifname);
    g_free (net->guest_actual);
    g_free (net->filter);
    g_clear_pointer (&net->filter_params, g_ptr_array_unref);
    g_free (net->alias);
    g_clear_pointer (&net->passive, g_ptr_array_unref);
    g_free (net);
}

void
controller_def_free (void *item)
{
    ControllerDef *controller = item;

    g_clear_pointer (&controller->passive, g_ptr_array_unref);
    g_free (controller);
}

void
clock_timer_free (void *item)
{
    ClockTimer *timer = item;

    g_clear_pointer (&timer->passive, g_ptr_array_unref);
    g_free (timer);
}

void
console_def_free (void *item)
{
    ConsoleDef *console = item;

    g_free (console->type);
    g_free (console->source_path);
    g_free (console->tty);
    g_free (console->log_file);
    g_free (console->target_type);
    g_free (console->alias);
    g_clear_pointer (&console->passive, g_ptr_array_unref);
    g_free (console);
}

void
hostdev_def_free (void *item)
{
    HostdevDef *hostdev = item;

    g_free (hostdev->path);
    g_free (hostdev->interface);
    g_clear_pointer (&hostdev->ips, g_ptr_array_unref);
    g_clear_pointer (&hostdev->routes, g_ptr_array_unref);
    g_free (hostdev->alias);
    g_clear_pointer (&hostdev->passive, g_ptr_array_unref);
    g_free (hostdev);
}

void
seclabel_def_free (void *item)
{
    SeclabelDef *label = item;

    g_free (label->model);
    g_free (label->label);
    g_free (label->imagelabel);
    g_free (label->baselabel);
    g_free (label);
}

DomainDef *
domain_def_new (void)
{
    DomainDef *def = g_new0 (DomainDef, 1);

    def->id = -1;
    def->blkiotune.devices = g_ptr_array_new_with_free_func (blkio_device_free);
    def->iothread_ids = g_ptr_array_new_with_free_func (g_free);
    def->cputune.vcpupins = g_ptr_array_new_with_free_func (cpu_pin_free);
    def->cputune.iothreadpins = g_ptr_array_new_with_free_func (cpu_pin_free);
    def->cputune.vcpuscheds = g_ptr_array_new_with_free_func (sched_def_free);
    def->cputune.iothreadscheds = g_ptr_array_new_with_free_func (sched_def_free);
    def->numatune.memnodes = g_ptr_array_new_with_free_func (numa_memnode_free);
    def->os.initargs = g_ptr_array_new_with_free_func (g_free);
    def->os.initenv = g_ptr_array_new_with_free_func (name_value_free);
    def->uid_map = g_ptr_array_new_with_free_func (g_free);
    def->gid_map = g_ptr_array_new_with_free_func (g_free);
    def->clock.timers = g_ptr_array_new_with_free_func (clock_timer_free);
    def->on_reboot = ACTION_RESTART;
    def->disks = g_ptr_array_new_with_free_func (disk_def_free);
    def->controllers = g_ptr_array_new_with_free_func (controller_def_free);
    def->filesystems = g_ptr_array_new_with_free_func (fs_def_free);
    def->nets = g_ptr_array_new_with_free_func (net_def_free);
    def->consoles = g_ptr_array_new_with_free_func (console_def_free);
    def->hostdevs = g_ptr_array_new_with_free_func (hostdev_def_free);
    def->seclabels = g_ptr_array_new_with_free_func (seclabel_def_free);
    def->ignored = g_ptr_array_new_with_free_func (g_free);
    return def;
}

static void
cputune_clear (DomainCputune *tune)
{
    g_clear_pointer (&tune->vcpupins, g_ptr_array_unref);
    g_free (tune->emulatorpin);
    g_clear_pointer (&tune->iothreadpins, g_ptr_array_unref);
    g_clear_pointer (&tune->vcpuscheds, g_ptr_array_unref);
    g_clear_pointer (&tune->iothreadscheds, g_ptr_array_unref);
    g_free (tune->emulatorsched.ids);
    g_clear_pointer (&tune->passive, g_ptr_array_unref);
}

static void
os_clear (DomainOs *os)
{
    g_free (os->type);
    g_free (os->arch);
    g_free (os->machine);
    g_free (os->init);
    g_clear_pointer (&os->initargs, g_ptr_array_unref);
    g_clear_pointer (&os->initenv, g_ptr_array_unref);
    g_free (os->initdir);
    g_free (os->inituser);
    g_free (os->initgroup);
    g_free (os->cmdline);
}

void
domain_def_free (DomainDef *def)
{
    if (!def)
        return;
    g_free (def->foreign_type);
    g_free (def->name);
    g_free (def->title);
    g_free (def->description);
    g_free (def->metadata);
    g_clear_pointer (&def->blkiotune.devices, g_ptr_array_unref);
    g_free (def->cpuset);
    g_clear_pointer (&def->iothread_ids, g_ptr_array_unref);
    cputune_clear (&def->cputune);
    g_free (def->numatune.nodeset);
    g_clear_pointer (&def->numatune.memnodes, g_ptr_array_unref);
    g_free (def->partition);
    os_clear (&def->os);
    g_clear_pointer (&def->uid_map, g_ptr_array_unref);
    g_clear_pointer (&def->gid_map, g_ptr_array_unref);
    g_free (def->clock.adjustment);
    g_free (def->clock.basis);
    g_free (def->clock.timezone);
    g_free (def->clock.start);
    g_clear_pointer (&def->clock.timers, g_ptr_array_unref);
    g_free (def->emulator);
    g_clear_pointer (&def->disks, g_ptr_array_unref);
    g_clear_pointer (&def->controllers, g_ptr_array_unref);
    g_clear_pointer (&def->filesystems, g_ptr_array_unref);
    g_clear_pointer (&def->nets, g_ptr_array_unref);
    g_clear_pointer (&def->consoles, g_ptr_array_unref);
    g_clear_pointer (&def->hostdevs, g_ptr_array_unref);
    g_clear_pointer (&def->seclabels, g_ptr_array_unref);
    for (guint i = 0; i < SHARE_LAST; i++)
        g_free (def->shares[i].value);
    domain_skep_free (def->skep);
    g_clear_pointer (&def->passive, g_ptr_array_unref);
    g_clear_pointer (&def->ignored, g_ptr_array_unref);
    g_clear_error (&def->later);
    g_clear_pointer (&def->features.passive, g_ptr_array_unref);
    g_clear_pointer (&def->memballoon.passive, g_ptr_array_unref);
    g_free (def);
}
