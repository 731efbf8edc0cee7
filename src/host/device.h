/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The devices of the host as sysfs and udev's data base have them, named and described as libvirt's node
 * device driver does. Read only; below node_root. For pool threads: a large host has many files.
 */
#pragma once

#include <glib.h>

/* Bits are those of virConnectListAllNodeDeviceFlags. */
typedef enum {
    DEVICE_SYSTEM = 1 << 0,
    DEVICE_PCI = 1 << 1,
    DEVICE_USB_DEVICE = 1 << 2,
    DEVICE_USB = 1 << 3,            /* an interface of a USB device */
    DEVICE_NET = 1 << 4,
    DEVICE_SCSI_HOST = 1 << 5,
    DEVICE_SCSI_TARGET = 1 << 6,
    DEVICE_SCSI = 1 << 7,
    DEVICE_STORAGE = 1 << 8,
    DEVICE_SCSI_GENERIC = 1 << 11,
    DEVICE_DRM = 1 << 12,
    DEVICE_FC_HOST = 1 << 9,        /* said of a SCSI host */
} HostDeviceKind;

typedef struct {
    char *name;                     /* pci_0000_00_02_0 */
    HostDeviceKind kind;
    guint caps;                     /* kind, and what else it is */
    char *path;                     /* /sys/devices/..., NULL: the computer itself */
    char *kernel_name;              /* 0000:00:02.0 */
    char *parent;                   /* a name; NULL: none */
    char *driver;
    char *devnode;                  /* /dev/vda */
    GPtrArray *links;               /* of char *: /dev/disk/by-id/... */
    char *vendor_name, *product_name;   /* of PCI, as pci.ids has them; NULL unknown */
    GHashTable *udev;               /* ID_SERIAL -> ...; NULL: not in the data base */
} HostDevice;

/* Of HostDevice, parents before children. */
GPtrArray *devices_read (void);
const HostDevice *devices_find (const GPtrArray *devices, const char *name);
/* Whether it is of @cap, as libvirt spells capabilities: "net", "usb_device"; also "80203" of a net. */
gboolean device_has_cap (const HostDevice *device, const char *cap);
/* The kinds' names, without those that devices of it only may have; NULL when the bit is none. */
const char *device_cap_name (HostDeviceKind kind);
/* Of a Fibre Channel host: its names, with or without 0x. */
gboolean device_has_wwn (const HostDevice *device, const char *wwnn, const char *wwpn);
/* device_xml.c: reads what changes anew. */
char *device_xml (const HostDevice *device);

/* For device_xml.c: the text of a file of the device, a value of its record in udev's data base; or NULL. */
char *device_read (const HostDevice *device, const char *file);
const char *device_udev (const HostDevice *device, const char *key);
