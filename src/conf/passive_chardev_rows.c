/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Character devices: their sources differ by type, which the rows chardev-TYPE are named for. */
#include "conf/passive_rules.h"

#define DEVICE "alias acpi address"
#define TYPES CHARDEV_TYPES
#define SOURCE       "source:chardev-$*? protocol* log "
#define SOURCE_ALONE "source:chardev-$* protocol* log"

const PassiveRow passive_chardev_rows[] = {
    { "serial", "type:" TYPES "=pty", SOURCE "target+ " DEVICE, NULL, rule_serial },
    { "serial/target",
      "type:none|isa-serial|usb-serial|pci-serial|spapr-vio-serial|system-serial|sclp-serial|"
      "isa-debug- port:t",
      "model:target-model", NULL },
    { "target-model",
      "name:none|isa-serial|usb-serial|pci-serial|spapr-vty|pl011|sclpconsole|sclplmconsole|16550a|"
      "isa-debugcon-%",
      NULL, NULL },
    { "parallel", "type:" TYPES "=pty", SOURCE "target+ " DEVICE, NULL, rule_chardev },
    { "parallel/target", "port:t", NULL, NULL },
    { "channel", "type:" TYPES "=pty", SOURCE "target! " DEVICE, NULL, rule_chardev },
    { "channel/target[guestfwd]", "type! address port:j/u", NULL, NULL, rule_guest_forward },
    { "channel/target[none]", "type!", NULL, NULL },
    { "channel/target", "type:none|guestfwd|virtio|xen! name state:l", NULL, NULL },
    { "redirdev", "bus:usb=usb type:" TYPES "!", SOURCE "boot " DEVICE, NULL, rule_redirdev },
    { "redirfilter", NULL, "usbdev*", NULL },
    { "usbdev", "class:s2 vendor:s4 product:s4 version allow:y!", NULL, NULL, rule_usbdev },
    { "smartcard[host]", "mode!", DEVICE, NULL, rule_smartcard },
    { "smartcard[host-certificates]", "mode!", "certificate*? database " DEVICE, NULL,
      rule_certificates },
    { "smartcard[passthrough]", "mode! type:" TYPES "!", SOURCE DEVICE, NULL, rule_smartcard },
    { "smartcard", "mode:host|host-certificates|passthrough!", NULL, NULL },
    { "certificate", NULL, NULL, "text" },
    { "database", NULL, NULL, "text" },
    { "rng/backend[egd]", "model! type:" TYPES "!", SOURCE_ALONE, NULL, rule_rng_egd },

    { "chardev-null", NULL, "seclabel:device-seclabel*", NULL, rule_clear },
    { "chardev-vc", NULL, "seclabel:device-seclabel*", NULL, rule_clear },
    { "chardev-stdio", NULL, "seclabel:device-seclabel*", NULL, rule_clear },
    { "chardev-spicevmc", NULL, "seclabel:device-seclabel*", NULL, rule_clear },
    { "chardev-pty", "path:l", "seclabel:device-seclabel*", NULL, rule_clear },
    { "chardev-dev", "path append:l", "seclabel:device-seclabel*", NULL },
    { "chardev-file", "path append:o", "seclabel:device-seclabel*", NULL },
    { "chardev-pipe", "path append:l", "seclabel:device-seclabel*", NULL },
    { "chardev-nmdm", "master slave", NULL, NULL },
    { "chardev-udp", "mode:connect|bind host service", NULL, NULL },
    { "chardev-tcp", "mode:connect|bind host service tls:y", "reconnect", NULL },
    { "chardev-unix", "mode:connect|bind path", "reconnect seclabel:device-seclabel*", NULL },
    { "chardev-spiceport", "channel", NULL, NULL },
    { "chardev-dbus", "channel", NULL, NULL },
    { "chardev-qemu-vdagent", NULL, "clipboard mouse:vdagent-mouse", NULL },
    { "clipboard", "copypaste:y!", NULL, NULL },
    { "vdagent-mouse", "mode:server|client!", NULL, NULL },
    { "reconnect[yes]", "enabled timeout:u!", NULL, NULL },
    { "reconnect", "enabled:y timeout:l", NULL, NULL },
    { "protocol", "type=raw", NULL, NULL },
    { "log", "file append:o", NULL, NULL, rule_chardev_log },
    { NULL },
};
