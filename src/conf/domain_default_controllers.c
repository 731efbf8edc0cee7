/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Defaults of controllers: their numbers, those that devices are on, and their order. */
#include "conf/domain_codec.h"
#include "conf/passive.h"

static const char path[] = "/domain/devices/controller";

static const char *
model_of (const ControllerDef *controller)
{
    const char *model = passive_value (controller->passive, "model");

    return model ? model : "";
}

/* ---- numbers that are not given */

/* Numbers that are taken, by type. */
typedef struct {
    guint8 taken[CONTROLLER_LAST][CONTROLLER_INDEX_MAX + 1];
} ControllerNumbers;

/* A high-speed controller and its companions, which share a number. */
static gboolean
is_of_group (const ControllerDef *controller)
{
    static const char *const models[]
        = { "ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3", NULL };

    return controller->type == CONTROLLER_USB && g_strv_contains (models, model_of (controller));
}

/* The number of the group that ends before controller @at, if that one belongs to it: it has none of
 * that model yet; -1. */
static int
number_of_group (const GPtrArray *controllers, guint at)
{
    const ControllerDef *one = g_ptr_array_index (controllers, at), *before = NULL;

    for (guint i = at; i-- > 0 && !before;)
        if (((ControllerDef *) g_ptr_array_index (controllers, i))->type == CONTROLLER_USB)
            before = g_ptr_array_index (controllers, i);
    if (!is_of_group (one) || !before || !is_of_group (before))
        return -1;
    for (guint i = 0; i < controllers->len; i++) {
        const ControllerDef *other = g_ptr_array_index (controllers, i);

        if (other->type == CONTROLLER_USB && other->index == before->index
            && g_str_equal (model_of (other), model_of (one)))
            return -1;
    }
    return before->index;
}

static void
number_controllers (GPtrArray *controllers, ControllerNumbers *numbers)
{
    for (guint i = 0; i < controllers->len; i++) {
        const ControllerDef *controller = g_ptr_array_index (controllers, i);

        if (controller->index >= 0 && controller->index <= CONTROLLER_INDEX_MAX)
            numbers->taken[controller->type][controller->index] = TRUE;
    }
    for (guint i = 0; i < controllers->len; i++) {
        ControllerDef *controller = g_ptr_array_index (controllers, i);
        int index = 0;

        if (controller->index >= 0)
            continue;
        controller->index = number_of_group (controllers, i);
        if (controller->index >= 0)
            continue;
        while (index <= CONTROLLER_INDEX_MAX && numbers->taken[controller->type][index])
            index++;
        controller->index = index;      /* one too many is refused by the checks */
        if (index <= CONTROLLER_INDEX_MAX)
            numbers->taken[controller->type][index] = TRUE;
    }
}

/* ---- companions */

/* The ports of ich9's companions follow each other. */
void
domain_default_master (ControllerDef *controller)
{
    static const struct {
        const char *model, *port;
    } companions[] = { { "ich9-uhci1", "0" }, { "ich9-uhci2", "2" }, { "ich9-uhci3", "4" } };

    for (guint i = 0; i < G_N_ELEMENTS (companions); i++)
        if (g_str_equal (model_of (controller), companions[i].model)
            && !passive_find_element (controller->passive, "master"))
            passive_set (passive_add (&controller->passive, path, "master", ""), "startport", companions[i].port);
}

/* ---- places of SCSI devices of the host */

gboolean
hostdev_scsi_place (const HostdevDef *hostdev, DriveAddress *ret_place)
{
    const PassiveNode *address = passive_find (hostdev->passive, "address", NULL);

    if (hostdev->type != HOSTDEV_SCSI || !address || !passive_is (address, "type", "drive"))
        return FALSE;
    ret_place->set = TRUE;
    ret_place->controller = (guint) passive_number (address, "controller", 0);
    ret_place->bus = (guint) passive_number (address, "bus", 0);
    ret_place->target = (guint) passive_number (address, "target", 0);
    ret_place->unit = (guint) passive_number (address, "unit", 0);
    return TRUE;
}

gboolean
drive_address_equal (const DriveAddress *one, const DriveAddress *two)
{
    return one->controller == two->controller && one->bus == two->bus
        && one->target == two->target && one->unit == two->unit;
}

static guint
address_hash (gconstpointer address)
{
    const DriveAddress *a = address;

    return a->controller * 31393 + a->bus * 7919 + a->target * 613 + a->unit;
}

static gboolean
address_equal (gconstpointer one, gconstpointer two)
{
    return drive_address_equal (one, two);
}

GHashTable *
drive_addresses_new (void)
{
    return g_hash_table_new_full (address_hash, address_equal, g_free, NULL);
}

gboolean
drive_addresses_add (GHashTable *addresses, const DriveAddress *address)
{
    return g_hash_table_add (addresses, g_memdup2 (address, sizeof *address));
}

GHashTable *
hostdevs_scsi_places (const DomainDef *def)
{
    GHashTable *places = drive_addresses_new ();
    DriveAddress place;

    for (guint i = 0; i < def->hostdevs->len; i++)
        if (hostdev_scsi_place (g_ptr_array_index (def->hostdevs, i), &place))
            drive_addresses_add (places, &place);
    return places;
}

/* A controller of the narrow bus has seven places. */
#define SCSI_UNITS 7

static void
take_scsi_place (GHashTable *taken, const DriveAddress *place)
{
    /* what is beyond these is not the first that is free */
    if (place->controller <= CONTROLLER_INDEX_MAX && place->unit < SCSI_UNITS)
        g_hash_table_add (taken, GUINT_TO_POINTER (place->controller * SCSI_UNITS + place->unit));
}

static GHashTable *
taken_scsi_places (const DomainDef *def)
{
    GHashTable *taken = g_hash_table_new (NULL, NULL);
    DriveAddress place;

    for (guint i = 0; i < def->disks->len; i++) {
        const DiskDef *disk = g_ptr_array_index (def->disks, i);

        if (disk->bus == DISK_BUS_SCSI && disk->address.set)
            take_scsi_place (taken, &disk->address);
    }
    for (guint i = 0; i < def->hostdevs->len; i++)
        if (hostdev_scsi_place (g_ptr_array_index (def->hostdevs, i), &place))
            take_scsi_place (taken, &place);
    return taken;
}

/* The first place that is free. */
static void
default_scsi_places (DomainDef *def)
{
    g_autoptr (GHashTable) taken = taken_scsi_places (def);
    guint place = 0;

    for (guint i = 0; i < def->hostdevs->len; i++) {
        HostdevDef *hostdev = g_ptr_array_index (def->hostdevs, i);
        g_autofree char *controller = NULL, *unit = NULL;
        PassiveNode *address;

        if (hostdev->type != HOSTDEV_SCSI || passive_has (hostdev->passive, "address"))
            continue;
        while (g_hash_table_contains (taken, GUINT_TO_POINTER (place)))
            place++;
        controller = g_strdup_printf ("%u", place / SCSI_UNITS);
        unit = g_strdup_printf ("%u", place % SCSI_UNITS);
        place++;
        address = passive_add (&hostdev->passive, "/domain/devices/hostdev", "address", "address[drive]");
        passive_set (address, "type", "drive");
        passive_set (address, "controller", controller);
        passive_set (address, "bus", "0");
        passive_set (address, "target", "0");
        passive_set (address, "unit", unit);
    }
}

/* ---- those that are needed */

static ControllerDef *
find_controller (const DomainDef *def, guint type, guint index)
{
    for (guint i = 0; i < def->controllers->len; i++) {
        ControllerDef *controller = g_ptr_array_index (def->controllers, i);

        if (controller->type == type && controller->index == (int) index)
            return controller;
    }
    return NULL;
}

/* @model may be NULL. */
static void
add_controller (DomainDef *def, guint type, guint index, const char *model)
{
    ControllerDef *controller;

    if (find_controller (def, type, index))
        return;
    controller = g_new0 (ControllerDef, 1);
    controller->type = type;
    controller->index = (int) index;
    if (model)
        passive_add_attr (&controller->passive, path, "model", model);
    g_ptr_array_add (def->controllers, controller);
}

void
domain_add_controller (DomainDef *def, guint type, guint index)
{
    add_controller (def, type, index, NULL);
}

/* Every controller of @type from 0 to the highest that an address of a disk on @bus names. */
static void
add_for_disks (DomainDef *def, guint type, guint bus)
{
    int last = -1;

    for (guint i = 0; i < def->disks->len; i++) {
        const DiskDef *disk = g_ptr_array_index (def->disks, i);

        /* an address beyond the limit is refused by the checks */
        if (disk->address.set && disk->bus == bus
            && disk->address.controller <= CONTROLLER_INDEX_MAX)
            last = MAX (last, (int) disk->address.controller);
    }
    for (int index = 0; index <= last; index++)
        add_controller (def, type, (guint) index, NULL);
}

/* The same for SCSI devices of the host. New ones are of the model of the last that was named before
 * the numbers grew beyond it. */
static void
add_for_hostdevs (DomainDef *def)
{
    const char *model = NULL;
    int last = -1;

    for (guint i = 0; i < def->hostdevs->len; i++) {
        const ControllerDef *controller;
        DriveAddress place;

        if (!hostdev_scsi_place (g_ptr_array_index (def->hostdevs, i), &place)
            || place.controller > CONTROLLER_INDEX_MAX || (int) place.controller <= last)
            continue;
        last = (int) place.controller;
        controller = find_controller (def, CONTROLLER_SCSI, place.controller);
        if (controller && passive_value (controller->passive, "model"))
            model = passive_value (controller->passive, "model");
    }
    for (int index = 0; index <= last; index++)
        add_controller (def, CONTROLLER_SCSI, (guint) index, model);
}

/* ---- order */

static guint
controller_group (const void *controller)
{
    return ((const ControllerDef *) controller)->type;
}

/* By number; a companion comes behind its master. */
static guint64
controller_place (const void *controller)
{
    const ControllerDef *one = controller;

    return (guint64) one->index << 1 | passive_has (one->passive, "master");
}

void
domain_default_controllers (DomainDef *def)
{
    static const struct {
        ControllerType type;
        DiskBus bus;
    } buses[] = {
        { CONTROLLER_SCSI, DISK_BUS_SCSI },
        { CONTROLLER_FDC, DISK_BUS_FDC },
        { CONTROLLER_IDE, DISK_BUS_IDE },
        { CONTROLLER_SATA, DISK_BUS_SATA },
    };
    ControllerNumbers numbers = { 0 };

    default_scsi_places (def);
    number_controllers (def->controllers, &numbers);
    add_for_hostdevs (def);
    for (guint i = 0; i < G_N_ELEMENTS (buses); i++)
        add_for_disks (def, buses[i].type, buses[i].bus);
    domain_default_device_controllers (def);
    domain_sort_groups (def->controllers, controller_group, controller_place);
}
