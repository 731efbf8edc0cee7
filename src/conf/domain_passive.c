/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has no effect on a container, and why. */
#include "conf/domain_passive.h"

#include <string.h>

#include "conf/native_private.h"

static const char machine[] = "of a virtual machine: a container has none";
static const char not_yet[] = "kept, not honoured yet";

/* Of paths that begin so; the first row that fits. */
static const struct {
    const char *prefix, *reason;
} reasons[] = {
    { "/domain/cpu/", "containers run on the host's CPUs as they are" },
    { "/domain/cputune/", "containers have no virtual CPUs or I/O threads to place; shares, period and quota hold" },
    { "/domain/vcpu", "containers have no virtual CPUs" },
    { "/domain/iothread", "containers have no I/O threads" },
    { "/domain/defaultiothread", "containers have no I/O threads" },
    { "/domain/memoryBacking", "a container's memory is ordinary memory of the host" },
    { "/domain/memory/", "there is no memory of a machine to dump" },
    { "/domain/os/", "a container has no firmware and no kernel of its own: it starts at <init>" },
    { "/domain/bootloader", "a container has no firmware and no kernel of its own: it starts at <init>" },
    { "/domain/sysinfo", "a container has no firmware tables" },
    { "/domain/clock", "a container has the host's clock" },
    { "/domain/pm", "a container cannot sleep by itself" },
    { "/domain/perf", not_yet },
    { "/domain/genid", machine },
    { "/domain/keywrap", machine },
    { "/domain/on_lockfailure", "there is no lock manager" },
    { "/domain/features", machine },
    { "/domain/devices/interface/backend", "packets go through the host's kernel" },
    { "/domain/devices/interface/driver", "packets go through the host's kernel" },
    { "/domain/devices/interface/model", "a container has no network card" },
    { "/domain/devices/interface", "of a virtual machine's network card" },
    { "/domain/devices/filesystem", "of a directory shared with a virtual machine: a container mounts it" },
    { "/domain/resource", "a container has no Fibre Channel adapter" },
    { "/domain/devices/disk", "a container sees the device's node, and no bus or drive" },
    { "/domain/devices/controller", "a container has no buses" },
    { "/domain/devices/console", "a console is a terminal, not a device of a machine" },
    { "/domain/devices/hostdev", "a container sees the device's node, and no bus" },
    { "/domain/devices/", machine },
};

static const char *
reason_of (const char *path)
{
    for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
        if (g_str_has_prefix (path, reasons[i].prefix)
            || (g_str_has_prefix (reasons[i].prefix, path)
                && strlen (reasons[i].prefix) == strlen (path) + 1))
            return reasons[i].reason;
    return "of no meaning to a container";
}

static void
add (GPtrArray *notes, const char *path, const char *reason)
{
    g_ptr_array_add (notes, native_note_new (NULL, 0, path, g_strdup (reason)));
}

/* "/domain/devices/disk[2]/driver/@cache" */
static void
add_item (GPtrArray *notes, const char *device, guint index, const char *what, const char *reason)
{
    g_autofree char *path = g_strdup_printf ("/domain/devices/%s[%u]/%s", device, index + 1, what);

    add (notes, path, reason);
}

/* ---- what has a member, and no reader in the driver */

static void
of_filesystems (const DomainDef *def, GPtrArray *notes)
{
    for (guint i = 0; i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (fs->accessmode != FS_PASSTHROUGH)
            add_item (notes, "filesystem", i, "@accessmode", "files keep their owners: <idmap> shows them");
        if (fs->fmode || fs->dmode)
            add_item (notes, "filesystem", i, "@fmode", "programs in the container choose their files' modes");
        if (fs->wrpolicy)
            add_item (notes, "filesystem", i, "driver/@wrpolicy", "the host's kernel writes as it does");
        if (fs->space_hard_limit)
            add_item (notes, "filesystem", i, "space_hard_limit", not_yet);
        if (fs->space_soft_limit)
            add_item (notes, "filesystem", i, "space_soft_limit", not_yet);
    }
}

static void
of_nets (const DomainDef *def, GPtrArray *notes)
{
    for (guint i = 0; i < def->nets->len; i++) {
        const NetDef *net = def->nets->pdata[i];

        if (net->vlan_tags && net->vlan_tags->len)
            add_item (notes, "interface", i, "vlan", not_yet);
        if (net->vport.type)
            add_item (notes, "interface", i, "virtualport", not_yet);
        if (net->filter)
            add_item (notes, "interface", i, "filterref", not_yet);
    }
}

static void
of_disks (const DomainDef *def, GPtrArray *notes)
{
    for (guint i = 0; i < def->disks->len; i++)
        if (((const DiskDef *) def->disks->pdata[i])->cache > DISK_CACHE_DEFAULT)
            add_item (notes, "disk", i, "driver/@cache", "the host's kernel caches as it does");
}

GPtrArray *
domain_def_without_effect (const DomainDef *def)
{
    g_autoptr (GPtrArray) paths = domain_def_passive (def);
    GPtrArray *notes = g_ptr_array_new_with_free_func (native_note_free);

    for (guint i = 0; i < paths->len; i++) {
        gboolean left_out = g_ptr_array_find_with_equal_func (def->ignored, paths->pdata[i], g_str_equal, NULL);

        add (notes, paths->pdata[i],
             left_out ? "left out: libvirt ignores it in a container as well" : reason_of (paths->pdata[i]));
    }
    if (def->memtune.min_guarantee_set)
        add (notes, "/domain/memtune/min_guarantee", "no memory is set aside for a container");
    if (def->os.machine)
        add (notes, "/domain/os/type/@machine", machine);
    if (def->clock.offset > CLOCK_LOCALTIME)
        add (notes, "/domain/clock/@offset", "a container has the host's clock");
    of_filesystems (def, notes);
    of_nets (def, notes);
    of_disks (def, notes);
    if (def->memballoon.model > MEMBALLOON_ABSENT && def->memballoon.model != MEMBALLOON_NONE)
        add (notes, "/domain/devices/memballoon", "a container's memory is limited, not given and taken");
    return notes;
}
