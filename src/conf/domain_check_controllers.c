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

/* Of USB: that it is on, or off; and that not all are companions of others. */
static gboolean
check_usb (Check *check)
{
    const GPtrArray *controllers = check->def->controllers;
    gboolean none = FALSE, other = FALSE, master = FALSE;

    for (guint i = 0; i < controllers->len; i++) {
        const ControllerDef *controller = g_ptr_array_index (controllers, i);
        gboolean is_none = is_model (controller, "none");

        if (controller->type != CONTROLLER_USB)
            continue;
        if (none || (is_none && other))
            return check_fail (check, ERR_XML_DETAIL, path, i + 1,
                               "Can't add another USB controller: USB is disabled for this domain");
        none |= is_none;
        other |= !is_none;
        master |= !passive_has (controller->passive, "master");
    }
    return !other || master
           || check_fail (check, ERR_XML_DETAIL, path, 0, "No master USB controller specified");
}

static gboolean
check_pci (Check *check, const ControllerDef *controller)
{
    gboolean root = is_model (controller, "pci-root"), express = is_model (controller, "pcie-root");
    const PassiveNode *target = passive_find_element (controller->passive, "target");
    const char *index = passive_attr (target, "index");

    if ((root || express) && passive_find_element (controller->passive, "address"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                           "pci-root and pcie-root controllers should not have an address");
    if (index && (controller->index == 0) != g_str_equal (index, "0"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, path, 0,
                           "Only the PCI controller with index 0 can have target index 0, and "
                           "vice versa");
    if (controller->index == 0 && passive_child (target, "node"))
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
    return check_usb (check) && check_length (check, controllers, path);
}
