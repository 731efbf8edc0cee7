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
    [CONTROLLER_VIRTIO_SERIAL] = "model:virtio|virtio-transitional|virtio-non-transitional",
    [CONTROLLER_USB]
    = "model:piix3-uhci|piix4-uhci|ehci|ich9-ehci1|ich9-uhci1|ich9-uhci2|ich9-uhci3|"
      "vt82c686b-uhci|pci-ohci|nec-xhci|qusb1|qusb2|qemu-xhci|none",
    [CONTROLLER_PCI]
    = "model:pci-root|pcie-root|pci-bridge|dmi-to-pci-bridge|pcie-to-pci-bridge|pcie-root-port|"
      "pcie-switch-upstream-port|pcie-switch-downstream-port|pci-expander-bus|"
      "pcie-expander-bus",
    [CONTROLLER_XENBUS] = "maxGrantFrames:p maxEventChannels:p",
};

/* Of some types there are no models. */
static void
no_model (Codec *c)
{
    g_autofree char *model = codec_take (c, "model", 0);

    if (model)
        codec_bad_value (c, "model", model, 0);
}

/* Read of all, kept of those that have some. */
static void
ports_codec (Codec *c, ControllerDef *controller)
{
    passive_attrs_codec (c, &controller->passive, "ports:p");
    if (codec_reading (c) && controller->type != CONTROLLER_VIRTIO_SERIAL
        && controller->type != CONTROLLER_USB && passive_value (controller->passive, "ports"))
        passive_remove (controller->passive, passive_find (controller->passive, "ports", NULL));
}

static gboolean
has_model (const ControllerDef *controller, const char *model)
{
    return !g_strcmp0 (passive_value (controller->passive, "model"), model);
}

void
controller_codec (Codec *c, void *object)
{
    ControllerDef *controller = object;
    const char *attrs;
    gboolean pci, none;

    codec_enum (c, "type", &controller->type, &controller_type_names, FIELD_KEEP_ZERO);
    if (!codec_reading (c))
        codec_int (c, "index", &controller->index, -1);
    attrs = type_attrs[controller->type];
    if (attrs)
        passive_attrs_codec (c, &controller->passive, attrs);
    else if (codec_reading (c))
        no_model (c);
    if (codec_reading (c))      /* judged after the model, as libvirt does */
        codec_int (c, "index", &controller->index, -1);
    ports_codec (c, controller);
    if (controller->type == CONTROLLER_VIRTIO_SERIAL)
        passive_attrs_codec (c, &controller->passive, "vectors:p");
    pci = controller->type == CONTROLLER_PCI;
    if (pci)
        passive_codec (c, &controller->passive, "model target");
    passive_codec (c, &controller->passive, "driver");
    none = controller->type == CONTROLLER_USB && has_model (controller, "none");
    if (!none) {                /* of what is not there is nothing else read */
        passive_codec (c, &controller->passive, "alias");
        passive_codec (c, &controller->passive, "master");
        if (codec_reading (c) && !codec_failed (c))
            domain_default_master (controller);     /* whether USB is on is judged by it */
        passive_codec (c, &controller->passive, "acpi address");
    }
    if (pci && (has_model (controller, "pci-root") || has_model (controller, "pcie-root")))
        passive_codec (c, &controller->passive, "pcihole64");
}
