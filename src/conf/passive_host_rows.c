/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of interfaces and host devices that mean nothing to a container; see passive.h for the words. */
#include "conf/passive_rules.h"

#define PCI_PLACE "domain:x4=0x0000 bus:x2=0x00 slot:x2=0x00 function:x1=0x0"
#define VIRTIO    "iommu:o ats:o packed:o page_per_vq:o"

const PassiveRow passive_host_rows[] = {
    /* ---- interface */
    { "net-source-vhostuser", "type! path! mode:client|server!", "reconnect", NULL,
      rule_net_vhostuser },
    { "net-source-server", "address port:i!", NULL, NULL },
    { "net-source-client", "address! port:i!", NULL, NULL },
    { "net-source-udp", "address! port:i!", "local:net-source-local!", NULL },
    { "net-source-vdpa", "dev!", NULL, NULL },
    { "net-source-vds", "switchid:uuid! portid:J! portgroupid! connectionid:J!", NULL, NULL },
    { "net-source-hostdev", "startupPolicy:j/mandatory|requisite|optional guestReset:j/off|uninitialized|on",
      "vendor:net-hostdev-vendor product:net-hostdev-product address:net-hostdev-address", NULL,
      rule_net_hostdev },
    { "net-hostdev-address[pci]", "type! " PCI_PLACE, NULL, NULL, rule_address_host },
    { "net-hostdev-address[usb]", "type! bus:a! device:a!", NULL, NULL },
    { "net-hostdev-address", "type:pci|usb!%", NULL, NULL },
    { "interface/model", "type%", NULL, NULL, rule_net_model },
    { "interface/driver",
      "name:qemu|vhost txmode:iothread|timer ioeventfd:o event_idx:o queues:u- rx_queue_size:u- "
      "tx_queue_size:u- rss:o rss_hash_report:o " VIRTIO,
      "host guest", NULL, rule_net_driver },
    { "net-driver-other", VIRTIO, NULL, NULL },
    { "driver/host", "csum:o gso:o tso4:o tso6:o ecn:o ufo:o mrg_rxbuf:o", NULL, NULL },
    { "driver/guest", "csum:o tso4:o tso6:o ecn:o ufo:o", NULL, NULL },
    { "interface/backend", "type tap vhost logFile", NULL, NULL, rule_net_backend },
    { "tune", NULL, "sndbuf", NULL },
    { "sndbuf", NULL, NULL, "U" },
    { "coalesce", NULL, "rx", NULL },
    { "coalesce/rx", NULL, "frames", NULL },
    { "frames", "max:j/u%", NULL, NULL, rule_frames },
    { "teaming", "type% persistent%", NULL, NULL, rule_teaming },
    { "portForward", "proto:tcp|udp! address dev", "range*", NULL, rule_port_forward },
    { "range", "start:n end:n to:n exclude:y", NULL, NULL, rule_port_range },
    { "downscript", "path%", NULL, NULL },
    { "backenddomain", "name%", NULL, NULL },
    { "rom", "enabled:y bar:o file", NULL, NULL, rule_rom },

    /* ---- hostdev */
    { "readonly", NULL, NULL, NULL },
    { "hostdev-teaming", "type% persistent%", NULL, NULL, rule_hostdev_teaming },
    { "hostdev-driver", "name:kvm|vfio|xen", NULL, NULL },
    { "net-hostdev-vendor", "id:x4!", NULL, NULL, rule_usb_id },
    { "net-hostdev-product", "id:x4!", NULL, NULL },
    { "net-source-local", "address! port:i!", NULL, NULL },
    { "hostdev-source-pci", "writeFiltering:y", "address:hostdev-pci-address+", NULL },
    { "hostdev-pci-address", PCI_PLACE, NULL, NULL, rule_address_host },
    { "hostdev-source-scsi", "protocol name",
      "adapter:hostdev-adapter address:hostdev-scsi-address host* auth initiator",
      NULL, rule_hostdev_scsi },
    { "hostdev-adapter", "name%", NULL, NULL },
    { "hostdev-scsi-address", "bus:a! target:a! unit:A!", NULL, NULL },
    { "hostdev-source-scsi_host", "protocol wwpn", NULL, NULL, rule_hostdev_scsi_host },
    { "hostdev-source-mdev", NULL, "address:hostdev-mdev-address?", NULL, rule_hostdev_mdev },
    { "hostdev-mdev-address", "uuid", NULL, NULL },
    { NULL },
};
