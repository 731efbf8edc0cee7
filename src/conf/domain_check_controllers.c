/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of controllers. */
#include "conf/domain_check.h"
#include "conf/passive.h"

static const char path[] = "/domain/devices/controller";

static gboolean
is_model (const ControllerDef *controller, const char *model)
{
    return !g_strcmp0 (passive_value (controller->passive, "model"), model);
}

static gboolean
in_range (Check *check, const PassiveNode *target, const char *attr, int min, int max)
{
    gint64 value = passive_number (target, attr, min);

    return (value >= min && value <= max)
        || check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                       "PCI controller %s%s '%d' out of range - must be %d-%d",
                       g_str_equal (attr, "index") ? "target " : "", attr, (int) value, min, max);
}

static gboolean
check_pci (Check *check, const ControllerDef *controller)
{
    gboolean root = is_model (controller, "pci-root") || is_model (controller, "pcie-root");
    const PassiveNode *target = passive_find_element (controller->passive, "target");
    const char *index = passive_attr (target, "index");

    if (root && passive_find_element (controller->passive, "address"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                           "pci-root and pcie-root controllers should not have an address");
    if (controller->index > 255)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                           "PCI controller index %d too high, maximum is 255", controller->index);
    if (!in_range (check, target, "index", 0, 30))
        return FALSE;
    if (index && (controller->index == 0) != g_str_equal (index, "0"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                           "Only the PCI controller with index 0 can have target index 0, and "
                           "vice versa");
    if (!in_range (check, target, "chassisNr", 1, 255) || !in_range (check, target, "chassis", 0, 255)
        || !in_range (check, target, "port", 0, 255) || !in_range (check, target, "busNr", 1, 254))
        return FALSE;
    if (passive_child (target, "node") && controller->index == 0)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                           "The PCI controller with index=0 can't be associated with a NUMA node");
    return TRUE;
}

static gboolean
check_driver (Check *check, const ControllerDef *controller)
{
    const PassiveNode *driver = passive_find_element (controller->passive, "driver");
    gboolean virtio_scsi = controller->type == CONTROLLER_SCSI
        && (is_model (controller, "virtio-scsi") || is_model (controller, "virtio-transitional")
            || is_model (controller, "virtio-non-transitional"));

    if (passive_attr (driver, "iothread") && !virtio_scsi)
        return check_fail (check, ERR_XML, path, 0,
                           "'iothread' attribute only supported for virtio scsi controllers");
    return TRUE;
}

gboolean
check_controllers (Check *check)
{
    const GPtrArray *controllers = check->def->controllers;

    /* sorted, so that the same ones are neighbours */
    for (guint i = 0; i < controllers->len; i++) {
        const ControllerDef *two = g_ptr_array_index (controllers, i);
        const ControllerDef *one = i ? g_ptr_array_index (controllers, i - 1) : NULL;

        /* a device's address made it */
        if (two->index < 0)
            return check_fail (check, ERR_XML, path, 0, "controller %u of a device is above %d",
                               (guint) two->index, G_MAXINT);
        if (one && one->type == two->type && one->index == two->index
            && one->type != CONTROLLER_USB)
            return check_fail (check, ERR_XML, path, 0, "Multiple '%s' controllers with index '%d'",
                               controller_type_names.name[two->type], two->index);
        if ((two->type == CONTROLLER_PCI && !check_pci (check, two)) || !check_driver (check, two))
            return FALSE;
    }
    return check_length (check, controllers, path);
}
