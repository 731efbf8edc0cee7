/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* controller. */
#include "conf/domain_codec.h"
#include "conf/passive.h"

STRING_TABLE (controller_type_names, CONTROLLER_LAST, "ide", "fdc", "scsi", "sata",
              "virtio-serial", "ccid", "usb", "pci", "xenbus", "isa");

/* Attributes that a type has besides type and index. */
static const char *const type_attrs[CONTROLLER_LAST] = {
    [CONTROLLER_IDE] = "model:piix3|piix4|ich6",
    [CONTROLLER_SCSI]
    = "model:auto|buslogic|lsilogic|lsisas1068|vmpvscsi|ibmvscsi|virtio-scsi|lsisas1078|"
      "virtio-transitional|virtio-non-transitional|ncr53c90|dc390|am53c974",
    [CONTROLLER_VIRTIO_SERIAL]
    = "model:virtio|virtio-transitional|virtio-non-transitional ports:p vectors:p",
    [CONTROLLER_USB]
    = "model:piix3-uhci|piix4-uhci|ehci|ich9-ehci1|ich9-uhci1|ich9-uhci2|ich9-uhci3|"
      "vt82c686b-uhci|pci-ohci|nec-xhci|qusb1|qusb2|qemu-xhci|none ports:p",
    [CONTROLLER_PCI]
    = "model:pci-root|pcie-root|pci-bridge|dmi-to-pci-bridge|pcie-to-pci-bridge|pcie-root-port|"
      "pcie-switch-upstream-port|pcie-switch-downstream-port|pci-expander-bus|"
      "pcie-expander-bus",
    [CONTROLLER_XENBUS] = "maxGrantFrames:p maxEventChannels:p",
};

/* The ports of ich9's companions follow each other. */
static void
master_codec (Codec *c, ControllerDef *controller)
{
    static const struct {
        const char *model, *port;
    } companions[] = { { "ich9-uhci1", "0" }, { "ich9-uhci2", "2" }, { "ich9-uhci3", "4" } };
    const char *model = passive_value (controller->passive, "model");

    passive_codec (c, &controller->passive, "master");
    for (guint i = 0; codec_reading (c) && !codec_failed (c) && model
         && i < G_N_ELEMENTS (companions); i++)
        if (g_str_equal (model, companions[i].model)
            && !passive_find_element (controller->passive, "master")) {
            PassiveNode *master
                = passive_add (&controller->passive, "/domain/devices/controller", "master", "");

            passive_set (master, "startport", companions[i].port);
        }
}

/* Others have none: it is not looked at. */
static gboolean
has_pci_hole (const ControllerDef *controller)
{
    const char *model = passive_value (controller->passive, "model");

    return controller->type == CONTROLLER_PCI && model
        && (g_str_equal (model, "pci-root") || g_str_equal (model, "pcie-root"));
}

/* Of some types there are no models. */
static void
no_model (Codec *c)
{
    g_autofree char *model = codec_take (c, "model", 0);

    if (model)
        codec_bad_value (c, "model", model, 0);
}

void
controller_codec (Codec *c, void *object)
{
    ControllerDef *controller = object;
    const char *attrs;

    codec_enum (c, "type", &controller->type, &controller_type_names, FIELD_KEEP_ZERO);
    codec_int (c, "index", &controller->index, -1);
    attrs = type_attrs[controller->type];
    if (attrs)
        passive_attrs_codec (c, &controller->passive, attrs);
    else if (codec_reading (c))
        no_model (c);
    if (controller->type == CONTROLLER_PCI)
        passive_codec (c, &controller->passive, "model target");
    passive_codec (c, &controller->passive, "driver");
    if (has_pci_hole (controller))
        passive_codec (c, &controller->passive, "pcihole64");
    passive_codec (c, &controller->passive, "alias");
    master_codec (c, controller);
    passive_codec (c, &controller->passive, "acpi");
    if (g_strcmp0 (passive_value (controller->passive, "model"), "none") || codec_reading (c))
        passive_codec (c, &controller->passive, "address");
}
