/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a definition has when its XML does not say: facts of libvirt's LXC driver, xml.md section 2. */
#include <string.h>

#include "conf/domain_codec.h"
#include "conf/mac.h"

static void
default_string (char **v, const char *value)
{
    if (!*v)
        *v = g_strdup (value);
}

/* ---- disks: bus, drive address, and the controller that the address needs */

typedef struct {
    const char *prefix;
    DiskBus bus;
} TargetPrefix;

static const TargetPrefix target_prefixes[] = {
    { "fd", DISK_BUS_FDC }, { "hd", DISK_BUS_IDE }, { "sd", DISK_BUS_SCSI }, { "vd", DISK_BUS_VIRTIO },
    { "xvd", DISK_BUS_XEN }, { "ubd", DISK_BUS_UML },
};

static const TargetPrefix *
target_prefix (const char *target)
{
    for (guint i = 0; i < G_N_ELEMENTS (target_prefixes); i++)
        if (g_str_has_prefix (target, target_prefixes[i].prefix))
            return &target_prefixes[i];
    return NULL;
}

gboolean
disk_target_index (const char *target, guint *ret_index)
{
    const TargetPrefix *prefix = target_prefix (target);
    const char *letters;
    guint index = 0;

    if (!prefix)
        return FALSE;
    letters = target + strlen (prefix->prefix);
    /* a..z, aa..zz, ...: a number of base 26 without a zero; five letters are more disks than anyone has */
    if (strlen (letters) < 1 || strlen (letters) > 5)
        return FALSE;
    for (; *letters; letters++) {
        if (!g_ascii_islower (*letters))
            return FALSE;
        index = index * 26 + (guint) (*letters - 'a') + 1;
    }
    *ret_index = index - 1;
    return TRUE;
}

static void
default_address (DiskDef *disk)
{
    guint index;

    if (disk->address.set || !disk->target || !disk_target_index (disk->target, &index))
        return;
    switch (disk->bus) {
    case DISK_BUS_SCSI:     /* narrow bus: seven units, one bus a controller */
        disk->address.controller = index / 7;
        disk->address.unit = index % 7;
        break;
    case DISK_BUS_IDE:      /* two units a bus, two buses a controller */
        disk->address.controller = index / 4;
        disk->address.bus = index % 4 / 2;
        disk->address.unit = index % 2;
        break;
    case DISK_BUS_SATA:
        disk->address.controller = index / 6;
        disk->address.unit = index % 6;
        break;
    case DISK_BUS_FDC:
        disk->address.controller = index / 2;
        disk->address.unit = index % 2;
        break;
    default:                /* the other buses have no drive addresses */
        return;
    }
    disk->address.set = TRUE;
}

static gboolean
has_controller (const DomainDef *def, guint type, int index)
{
    for (guint i = 0; i < def->controllers->len; i++) {
        const ControllerDef *controller = g_ptr_array_index (def->controllers, i);

        if (controller->type == type && controller->index == index)
            return TRUE;
    }
    return FALSE;
}

static void
add_controller (DomainDef *def, guint type, int index)
{
    ControllerDef *controller;

    if (has_controller (def, type, index))
        return;
    controller = g_new0 (ControllerDef, 1);
    controller->type = type;
    controller->index = index;
    g_ptr_array_add (def->controllers, controller);
}

/* Order of controller types in libvirt's output. */
static int
controller_rank (guint type)
{
    static const DiskBus order[] = { DISK_BUS_IDE, DISK_BUS_FDC, DISK_BUS_SCSI, DISK_BUS_SATA };

    for (guint i = 0; i < G_N_ELEMENTS (order); i++)
        if (order[i] == type)
            return (int) i;
    return G_N_ELEMENTS (order);
}

static int
compare_controllers (gconstpointer a, gconstpointer b)
{
    const ControllerDef *one = *(ControllerDef *const *) a, *two = *(ControllerDef *const *) b;
    int rank = controller_rank (one->type) - controller_rank (two->type);

    return rank ? rank : one->index - two->index;
}

static void
default_disks (DomainDef *def)
{
    for (guint i = 0; i < def->controllers->len; i++) {
        ControllerDef *controller = g_ptr_array_index (def->controllers, i);

        for (int index = 0; controller->index < 0; index++)
            if (!has_controller (def, controller->type, index))
                controller->index = index;
    }
    for (guint i = 0; i < def->disks->len; i++) {
        DiskDef *disk = g_ptr_array_index (def->disks, i);
        const TargetPrefix *prefix = disk->target ? target_prefix (disk->target) : NULL;

        if (disk->bus == DISK_BUS_NONE && prefix)
            disk->bus = prefix->bus;
        default_address (disk);
        if (disk->address.set && controller_rank (disk->bus) < 4)
            add_controller (def, disk->bus, (int) MIN (disk->address.controller, G_MAXINT));
    }
    g_ptr_array_sort (def->controllers, compare_controllers);
}

/* ---- the other devices */

static void
default_consoles (DomainDef *def)
{
    for (guint i = 0; i < def->consoles->len; i++) {
        ConsoleDef *console = g_ptr_array_index (def->consoles, i);

        default_string (&console->target_type, "lxc");
        console->port = i;      /* whatever the XML said */
    }
}

static char *
random_uuid (void)
{
    guint8 uuid[16];
    char text[37];

    domain_uuid_generate (uuid);
    domain_uuid_format (uuid, text);
    return g_strdup (text);
}

static void
default_families (GPtrArray *ips)
{
    for (guint i = 0; i < ips->len; i++) {
        NetIp *ip = g_ptr_array_index (ips, i);

        default_string (&ip->family, strchr (ip->address, ':') ? "ipv6" : "ipv4");
    }
}

static void
default_nets (DomainDef *def)
{
    for (guint i = 0; i < def->nets->len; i++) {
        NetDef *net = g_ptr_array_index (def->nets, i);
        guint8 mac[6];

        if (!net->mac) {
            net->mac = mac_generate ();
            net->mac_generated = TRUE;
        } else if (mac_parse (net->mac, mac)) {
            g_free (net->mac);
            net->mac = mac_format (mac);
        }
        default_families (net->host_ips);
        default_families (net->ips);
        if (net->vport.type == VPORT_OVS && !net->vport.interfaceid)
            net->vport.interfaceid = random_uuid ();
        if (net->vport.type == VPORT_8021QBG && !net->vport.instanceid)
            net->vport.instanceid = random_uuid ();
    }
}

static void
default_hostdevs (DomainDef *def)
{
    for (guint i = 0; i < def->hostdevs->len; i++) {
        HostdevDef *hostdev = g_ptr_array_index (def->hostdevs, i);

        default_families (hostdev->ips);
        if (hostdev->type != HOSTDEV_USB)
            hostdev->managed = YES_NO_ABSENT;
        else if (hostdev->managed == YES_NO_ABSENT)
            hostdev->managed = YES_NO_NO;
    }
}

/* ---- the rest */

static int
compare_entries (gconstpointer a, gconstpointer b)
{
    const IdmapEntry *one = *(IdmapEntry *const *) a, *two = *(IdmapEntry *const *) b;

    return one->start < two->start ? -1 : one->start > two->start;
}

static void
default_seclabels (DomainDef *def, const DomainDefaults *defaults)
{
    for (guint i = 0; i < def->seclabels->len; i++) {
        SeclabelDef *label = g_ptr_array_index (def->seclabels, i);

        if (label->type == SECLABEL_DEFAULT)
            label->type = SECLABEL_DYNAMIC;
        /* of the others the model must be said */
        if (label->type == SECLABEL_NONE)
            default_string (&label->model, defaults->label_model);
        if (label->relabel == YES_NO_ABSENT && label->type != SECLABEL_NONE)
            label->relabel = label->type == SECLABEL_DYNAMIC ? YES_NO_YES : YES_NO_NO;
    }
}

static void
default_memory (DomainDef *def)
{
    if (!def->current_memory || def->current_memory > def->memory)
        def->current_memory = def->memory;
}

static void
default_vcpus (DomainDef *def)
{
    if (!def->vcpus)
        def->vcpus = 1;
    if (def->vcpu_placement == PLACEMENT_NONE)
        def->vcpu_placement = PLACEMENT_STATIC;
    if (def->numatune.set && def->numatune.placement == PLACEMENT_NONE)
        def->numatune.placement = def->numatune.nodeset ? PLACEMENT_STATIC : PLACEMENT_AUTO;
}

void
domain_default_fill (DomainDef *def, const DomainDefaults *defaults)
{
    if (!def->uuid_set) {
        domain_uuid_generate (def->uuid);
        def->uuid_set = TRUE;
    }
    default_memory (def);
    default_vcpus (def);
    default_string (&def->os.arch, defaults->arch);
    g_ptr_array_sort (def->uid_map, compare_entries);
    g_ptr_array_sort (def->gid_map, compare_entries);
    default_string (&def->emulator, defaults->emulator);
    default_disks (def);
    default_nets (def);
    default_consoles (def);
    default_hostdevs (def);
    default_seclabels (def, defaults);
}
