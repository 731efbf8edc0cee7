/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <domainCapabilities>: what the planner and the start steps take, as far as this host has it. */
#include "conf/domain_capabilities.h"
#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/params.h"
#include "host/cgroup.h"
#include "host/nbd.h"
#include "host/offers.h"

typedef enum { IF_ALWAYS, IF_NEVER, IF_LOOP, IF_NBD, IF_IMAGE, IF_USB } Condition;

/* A thing (without list), or a value of one of its lists. Rows of a thing stay together. */
typedef struct {
    CapsPlace place;
    const char *item, *list, *value;
    Condition when;
} OfferRow;

/* clang-format off */
static const OfferRow offer_rows[] = {
    { CAPS_DOMAIN,  "iothreads", NULL, NULL, IF_NEVER },
    { CAPS_DOMAIN,  "os", "type", "exe", IF_ALWAYS },
    { CAPS_DOMAIN,  "memoryBacking", NULL, NULL, IF_NEVER },
    { CAPS_DEVICE,  "disk", NULL, NULL, IF_ALWAYS },
    { CAPS_DEVICE,  "disk", "diskDevice", "disk", IF_ALWAYS },
    { CAPS_DEVICE,  "disk", "type", "block", IF_ALWAYS },
    { CAPS_DEVICE,  "disk", "type", "file", IF_IMAGE },
    { CAPS_DEVICE,  "disk", "format", "raw", IF_ALWAYS },
    { CAPS_DEVICE,  "disk", "format", "qcow2", IF_NBD },
    { CAPS_DEVICE,  "disk", "format", "qcow", IF_NBD },
    { CAPS_DEVICE,  "disk", "format", "vmdk", IF_NBD },
    { CAPS_DEVICE,  "disk", "format", "vdi", IF_NBD },
    { CAPS_DEVICE,  "disk", "format", "vpc", IF_NBD },
    { CAPS_DEVICE,  "disk", "format", "qed", IF_NBD },
    { CAPS_DEVICE,  "graphics", NULL, NULL, IF_NEVER },
    { CAPS_DEVICE,  "video", NULL, NULL, IF_NEVER },
    { CAPS_DEVICE,  "hostdev", "mode", "subsystem", IF_USB },
    { CAPS_DEVICE,  "hostdev", "mode", "capabilities", IF_ALWAYS },
    { CAPS_DEVICE,  "hostdev", "subsysType", "usb", IF_USB },
    { CAPS_DEVICE,  "hostdev", "capsType", "storage", IF_ALWAYS },
    { CAPS_DEVICE,  "hostdev", "capsType", "misc", IF_ALWAYS },
    { CAPS_DEVICE,  "hostdev", "capsType", "net", IF_ALWAYS },
    { CAPS_DEVICE,  "hostdev", "pciBackend", NULL, IF_ALWAYS },
    { CAPS_DEVICE,  "rng", NULL, NULL, IF_NEVER },
    { CAPS_DEVICE,  "filesystem", "type", "mount", IF_ALWAYS },
    { CAPS_DEVICE,  "filesystem", "type", "bind", IF_ALWAYS },
    { CAPS_DEVICE,  "filesystem", "type", "block", IF_ALWAYS },
    { CAPS_DEVICE,  "filesystem", "type", "file", IF_IMAGE },
    { CAPS_DEVICE,  "filesystem", "type", "ram", IF_ALWAYS },
    { CAPS_DEVICE,  "filesystem", "driverType", "path", IF_ALWAYS },
    { CAPS_DEVICE,  "filesystem", "driverType", "loop", IF_LOOP },
    { CAPS_DEVICE,  "filesystem", "driverType", "nbd", IF_NBD },
    { CAPS_DEVICE,  "filesystem", "format", "raw", IF_IMAGE },
    { CAPS_DEVICE,  "filesystem", "format", "qcow2", IF_NBD },
    { CAPS_DEVICE,  "filesystem", "format", "qcow", IF_NBD },
    { CAPS_DEVICE,  "filesystem", "format", "vmdk", IF_NBD },
    { CAPS_DEVICE,  "filesystem", "format", "vdi", IF_NBD },
    { CAPS_DEVICE,  "filesystem", "format", "vpc", IF_NBD },
    { CAPS_DEVICE,  "filesystem", "format", "qed", IF_NBD },
    { CAPS_DEVICE,  "tpm", NULL, NULL, IF_NEVER },
    { CAPS_DEVICE,  "redirdev", NULL, NULL, IF_NEVER },
    { CAPS_DEVICE,  "channel", NULL, NULL, IF_NEVER },
    { CAPS_FEATURE, "gic", NULL, NULL, IF_NEVER },
    { CAPS_FEATURE, "vmcoreinfo", NULL, NULL, IF_NEVER },
    { CAPS_FEATURE, "genid", NULL, NULL, IF_NEVER },
    { CAPS_FEATURE, "backingStoreInput", NULL, NULL, IF_NEVER },
    { CAPS_FEATURE, "backup", NULL, NULL, IF_NEVER },
    { CAPS_FEATURE, "sev", NULL, NULL, IF_NEVER },
    { CAPS_FEATURE, "sgx", NULL, NULL, IF_NEVER },
};
static const struct { guint controller; const char *name; } controllers[] = {
    { CGROUP_CPU, "cpu" }, { CGROUP_CPUACCT, "cpuacct" }, { CGROUP_CPUSET, "cpuset" },
    { CGROUP_MEMORY, "memory" }, { CGROUP_DEVICES, "devices" }, { CGROUP_FREEZER, "freezer" },
    { CGROUP_BLKIO, "blkio" }, { CGROUP_PIDS, "pids" },
};
/* clang-format on */

static gboolean
offered (Condition when, const Offers *offers)
{
    switch (when) {
    case IF_ALWAYS: return TRUE;
    case IF_LOOP: return offers->loop;
    case IF_NBD: return offers->nbd;
    case IF_IMAGE: return offers->loop || offers->nbd;
    case IF_USB: return offers->usb;
    default: return FALSE;
    }
}

static void
add_values (CapsItem *item, const char *list, char *const *values)
{
    caps_item_list (item, list);
    for (; *values; values++)
        caps_item_value (item, list, *values);
}

/* What libvirt has no words for: lists of <os>, where its schema takes lists of any name. */
static void
add_kernel (CapsItem *os, const Offers *offers)
{
    add_values (os, "namespace", offers->namespaces);
    caps_item_list (os, "idmap");
    if (offers->idmap)
        caps_item_value (os, "idmap", "process");
    if (offers->idmap && offers->idmapped_mounts)
        caps_item_value (os, "idmap", "mount");
    caps_item_list (os, "cgroup");
    for (guint i = 0; i < G_N_ELEMENTS (controllers); i++)
        if (cgroup_host_controllers () & controllers[i].controller)
            caps_item_value (os, "cgroup", controllers[i].name);
    for (guint i = 0; i < CAPABILITY_LAST && i <= daemon_state.cap_last; i++)
        caps_item_value (os, "capability", capability_names.name[i]);
    caps_item_value (os, "seclabel", daemon_state.labels->model);
    caps_item_list (os, "seccomp");
    if (offers->seccomp)
        caps_item_value (os, "seccomp", "filter");
}

static void
fill (DomainCapabilities *caps, const Offers *offers)
{
    CapsItem *item = NULL;

    for (guint i = 0; i < G_N_ELEMENTS (offer_rows); i++) {
        const OfferRow *row = &offer_rows[i];
        gboolean have = offered (row->when, offers);

        if (!item || !g_str_equal (item->name, row->item))
            item = domain_capabilities_item (caps, row->place, row->item, have || row->list);
        if (row->list)
            caps_item_list (item, row->list);
        if (row->value && have)
            caps_item_value (item, row->list, row->value);
        if (g_str_equal (row->item, "os"))
            add_kernel (item, offers);
    }
    for (guint i = 0; i < caps->items->len; i++) {
        item = g_ptr_array_index (caps->items, i);
        if (g_str_equal (item->name, "filesystem"))
            add_values (item, "blockFilesystem", offers->filesystems);
    }
}

static gboolean
check_names (const connect_get_domain_capabilities_args *in, GError **error)
{
    const DomainDefaults *host = &daemon_state.defaults;
    const char *type = wire_text (in->virttype), *arch = wire_text (in->arch);
    const char *emulator = wire_text (in->emulatorbin), *machine = wire_text (in->machine);

    if (type && !g_str_equal (type, "lxc"))
        return error_set (error, ERR_INVALID_ARG, "unknown virttype: %s", type);
    if (arch && !g_str_equal (arch, host->arch)
        && !(host->arch32 && g_str_equal (arch, host->arch32)))
        return error_set (error, ERR_INVALID_ARG, "unknown architecture: %s", arch);
    if (emulator && !g_str_equal (emulator, host->emulator))
        return error_set (error, ERR_INVALID_ARG, "unknown emulator binary: %s", emulator);
    if (machine)
        return error_set (error, ERR_INVALID_ARG, "the machine '%s' is not supported by emulator '%s'",
                          machine, host->emulator);
    return TRUE;
}

ApiResult
api_connect_get_domain_capabilities (Call *call, const connect_get_domain_capabilities_args *in,
                                     connect_get_domain_capabilities_ret *out, GError **error)
{
    const char *arch = wire_text (in->arch);
    g_autoptr (DomainCapabilities) caps = NULL;
    g_autoptr (Offers) offers = NULL;
    g_autofree char *qemu_nbd = NULL;

    (void) call;
    if (!check_names (in, error))
        return API_FAILED;
    offers = offers_read ();
    qemu_nbd = nbd_find_program (daemon_state.settings->qemu_nbd);
    offers->nbd = offers->nbd && qemu_nbd;
    caps = domain_capabilities_new (daemon_state.defaults.emulator,
                                    arch ? arch : daemon_state.defaults.arch, offers->cpus);
    fill (caps, offers);
    out->capabilities = domain_capabilities_format (caps);
    return API_DONE;
}
