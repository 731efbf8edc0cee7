/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a definition has when its XML does not say: facts of libvirt's LXC driver, xml.md
 * section 2. */
#include <string.h>

#include "conf/domain_codec.h"
#include "conf/mac.h"
#include "conf/passive.h"
#include "util/text.h"

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
    { "fd", DISK_BUS_FDC },    { "hd", DISK_BUS_IDE },  { "sd", DISK_BUS_SCSI },
    { "vd", DISK_BUS_VIRTIO }, { "xvd", DISK_BUS_XEN }, { "ubd", DISK_BUS_UML },
};

static const TargetPrefix *
target_prefix (const char *target)
{
    for (guint i = 0; target && i < G_N_ELEMENTS (target_prefixes); i++)
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
    /* a..z, aa..zz, ...: a number of base 26 without a zero; five letters are more disks than
     * anyone has */
    for (guint i = 0; g_ascii_islower (*letters) && i < 5; i++, letters++)
        index = index * 26 + (guint) (*letters - 'a') + 1;
    /* the digits of a partition do not count */
    if (!index || letters[strspn (letters, "0123456789")])
        return FALSE;
    *ret_index = index - 1;
    return TRUE;
}

gboolean
disk_target_is_hard (const char *target)
{
    const TargetPrefix *prefix = target_prefix (target);

    return prefix && prefix->bus != DISK_BUS_FDC;
}

/* A place that a SCSI device of the host has, one of @taken, is not given to a disk: the checks refuse it. */
static void
default_address (GHashTable *taken, DiskDef *disk)
{
    guint index;

    if (disk->address.set || passive_find_element (disk->passive, "address") || !disk->target
        || !disk_target_index (disk->target, &index))
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
    disk->address.set = disk->bus != DISK_BUS_SCSI || !g_hash_table_contains (taken, &disk->address);
}

typedef struct {
    void *item;
    guint64 place;
    guint group;
} SortItem;

void
domain_sort_groups (GPtrArray *list, guint (*group) (const void *), guint64 (*place) (const void *))
{
    g_autofree SortItem *items = g_new (SortItem, list->len);

    for (guint i = 0; i < list->len; i++) {
        void *item = g_ptr_array_index (list, i);
        SortItem one = { item, place (item), group (item) };
        guint at = i;
        gboolean found = FALSE;

        for (guint k = i; k-- > 0;) {
            if (items[k].group != one.group)
                continue;
            if (items[k].place > one.place)
                at = k;
            else if (!found)
                at = k + 1;
            found = TRUE;
        }
        memmove (&items[at + 1], &items[at], (i - at) * sizeof *items);
        items[at] = one;
    }
    for (guint i = 0; i < list->len; i++)
        list->pdata[i] = items[i].item;
}

static guint
disk_group (const void *disk)
{
    return ((const DiskDef *) disk)->bus;
}

static guint64
disk_place (const void *disk)
{
    guint index = 0;

    disk_target_index (((const DiskDef *) disk)->target, &index);
    return index;
}

static void
default_disk_kind (DiskDef *disk)
{
    static const char path[] = "/domain/devices/disk";
    const char *snapshot = passive_value (disk->passive, "snapshot");

    /* an empty drive */
    if ((disk->device == DISK_DEVICE_CDROM || disk->device == DISK_DEVICE_FLOPPY) && !disk->source
        && !passive_find_element (disk->passive, "source")
        && !passive_inside (disk->passive, "source"))
        disk->type = DISK_FILE;
    if (disk->type == DISK_VHOSTUSER && !snapshot)
        passive_add_attr (&disk->passive, path, "snapshot", "no");
    else if (disk->readonly && !g_strcmp0 (snapshot, "no"))
        passive_remove (disk->passive, passive_find (disk->passive, "snapshot", NULL));
}

static void
default_disks (DomainDef *def)
{
    g_autoptr (GHashTable) taken = hostdevs_scsi_places (def);

    for (guint i = 0; i < def->disks->len; i++) {
        DiskDef *disk = g_ptr_array_index (def->disks, i);
        const TargetPrefix *prefix;

        /* Xen's, long ago, of an emulated disk */
        if (disk->target && g_str_has_prefix (disk->target, "ioemu:"))
            memmove (disk->target, disk->target + 6, strlen (disk->target + 6) + 1);
        prefix = target_prefix (disk->target);
        if (disk->bus == DISK_BUS_NONE && disk->device == DISK_DEVICE_FLOPPY)
            disk->bus = DISK_BUS_FDC;
        else if (disk->bus == DISK_BUS_NONE)
            disk->bus = prefix && prefix->bus != DISK_BUS_FDC ? prefix->bus : DISK_BUS_IDE;
        if (disk->cache == DISK_CACHE_DEFAULT)
            disk->cache = DISK_CACHE_UNSET;
        disk->readonly |= disk->device == DISK_DEVICE_CDROM;
        default_disk_kind (disk);
        default_address (taken, disk);
    }
    domain_sort_groups (def->disks, disk_group, disk_place);
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

/* What identifies a port to its switch, when the definition does not say. */
static void
default_vport (NetVport *port)
{
    gboolean any = port->set && port->type == VPORT_NONE;

    if ((any || port->type == VPORT_OVS) && !port->interfaceid)
        port->interfaceid = random_uuid ();
    if ((any || port->type == VPORT_8021QBG) && !port->instanceid)
        port->instanceid = random_uuid ();
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
        default_vport (&net->vport);
    }
}

static void
default_hostdevs (DomainDef *def)
{
    for (guint i = 0; i < def->hostdevs->len; i++) {
        HostdevDef *hostdev = g_ptr_array_index (def->hostdevs, i);

        if (!hostdev_is_subsystem (hostdev))
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
    GPtrArray *labels = def->seclabels;
    SeclabelDef *only = labels->len == 1 ? g_ptr_array_index (labels, 0) : NULL;
    gboolean models_given = TRUE;       /* else they are refused */

    /* of the host's model, whichever that is; of none there is none */
    if (only && !only->model
        && (only->type == SECLABEL_NONE || (only->type == SECLABEL_DYNAMIC && !only->baselabel))) {
        default_string (&only->model, defaults->label_model);
        if (!g_strcmp0 (only->model, "none")) {
            only->type = SECLABEL_NONE;
            only->relabel = YES_NO_ABSENT;
        }
    }
    for (guint i = 0; i < labels->len; i++)
        models_given &= ((const SeclabelDef *) g_ptr_array_index (labels, i))->model != NULL;
    for (guint i = labels->len; i-- > 0;) {
        SeclabelDef *label = g_ptr_array_index (labels, i);

        if (label->type == SECLABEL_DEFAULT && models_given) {
            /* of no type it says nothing: the model's default is what is without it */
            g_ptr_array_remove_index (labels, i);
            continue;
        }
        if (label->type == SECLABEL_NONE && label->relabel == YES_NO_NO)
            label->relabel = YES_NO_ABSENT;
        if (label->relabel == YES_NO_ABSENT && label->type != SECLABEL_NONE)
            label->relabel = label->type == SECLABEL_DYNAMIC ? YES_NO_YES : YES_NO_NO;
    }
}

/* Without cells there is one node, 0, and saying so is saying nothing. */
static void
default_hugepages (const DomainDef *def)
{
    const PassiveNode *cpu = passive_find_element (def->passive, "cpu");
    const PassiveNode *backing = passive_find_element (def->passive, "memoryBacking");
    const PassiveNode *pages = passive_child (backing, "hugepages");

    for (PassiveNode *page = passive_child (pages, "page"); page; page = passive_next (pages, page))
        if (!passive_child (cpu, "numa") && passive_is (page, "nodeset", "0"))
            passive_set (page, "nodeset", NULL);
}

static void
default_memory (DomainDef *def)
{
    default_hugepages (def);
    if (!def->current_memory || def->current_memory > def->memory)
        def->current_memory = def->memory;
}

/* Seconds of difference mean a clock that runs on its own. */
static void
default_clock (DomainClock *clock)
{
    if (clock->adjustment && !g_str_equal (clock->adjustment, "reset")
        && clock->offset <= CLOCK_LOCALTIME) {
        text_replace (&clock->basis, clock->offset == CLOCK_LOCALTIME ? "localtime" : "utc");
        clock->offset = CLOCK_VARIABLE;
    }
    if (clock->offset == CLOCK_VARIABLE && !g_strcmp0 (clock->adjustment, "reset"))
        g_clear_pointer (&clock->adjustment, g_free);   /* to none: a change starts at zero */
    if (clock->offset == CLOCK_VARIABLE) {
        default_string (&clock->adjustment, "0");
        default_string (&clock->basis, "utc");
    }
}

/* The one that the firmware's tables give, else a new one. */
static void
default_uuid (DomainDef *def)
{
    for (const PassiveNode *info = passive_find_element (def->passive, "sysinfo");
         info && !def->uuid_set; info = passive_find (def->passive, "sysinfo", info)) {
        const PassiveNode *system = passive_child (info, "system");

        for (const PassiveNode *entry = passive_child (system, "entry"); entry;
             entry = passive_next (system, entry))
            if (passive_is (entry, "name", "uuid"))
                def->uuid_set = domain_uuid_parse (passive_text (entry), def->uuid);
    }
    if (!def->uuid_set)
        domain_uuid_generate (def->uuid);
    def->uuid_set = TRUE;
}

void
domain_default_fill (DomainDef *def, const DomainDefaults *defaults)
{
    default_uuid (def);
    default_memory (def);
    domain_default_tune (def);
    default_string (&def->os.arch, defaults->arch);
    g_ptr_array_sort (def->uid_map, compare_entries);
    g_ptr_array_sort (def->gid_map, compare_entries);
    default_clock (&def->clock);
    default_string (&def->emulator, defaults->emulator);
    default_disks (def);
    domain_default_devices (def);
    domain_default_controllers (def);
    default_nets (def);
    default_consoles (def);
    default_hostdevs (def);
    default_seclabels (def, defaults);
}
