/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a disk's data are, as far as it means nothing to a container; see passive.h for the words. */
#include "conf/passive_rules.h"

#define FORMATS "raw|dir|bochs|cloop|dmg|iso|vpc|vdi|fat|vhd|ploop|cow|qcow|qcow2|qed|vmdk"
#define ACCESS  "slices seclabel:device-seclabel* auth encryption reservations"
#define ENGINE  "engine:qemu|librbd"
/* Read and printed by libvirt for these protocols only. */
#define FETCHED "readahead timeout"

const PassiveRow passive_storage_rows[] = {
    { "auth", "type:none|chap|ceph- username!%", "secret!", NULL },
    { "secret", "type uuid:uuid usage", NULL, NULL, rule_secret },
    { "encryption[luks]", "format! " ENGINE, "secret:encryption-secret*", NULL, rule_encryption },
    { "encryption", "format:default|qcow|luks|luks2!% " ENGINE, "secret:encryption-secret*", NULL,
      rule_open },
    { "encryption-secret", "type:passphrase!% uuid:uuid usage", NULL, NULL, rule_secret },
    { "reservations", "managed:y!", "source:disk-pr-source", NULL, rule_reservations },
    { "disk-pr-source", "type% path% mode%", NULL, NULL },
    { "slices", NULL, "slice*", NULL, rule_slices },
    { "slice", "type offset:U size:U", NULL, NULL, rule_slice },

    { "backingStore", "type:file|block|dir|network|volume|nvme|vhostuser index:l",
      "format source:disk-source-$ backingStore?", NULL, rule_backing_store },
    { "backingStore/format", "type:" FORMATS "!%", "metadata_cache", NULL },
    { "disk-source-file", "file% fdgroup index:l", ACCESS, NULL },
    { "disk-source-block", "dev% index:l", ACCESS, NULL },
    { "disk-source-dir", "dir% index:l", ACCESS, NULL },
    { "disk-source-volume",
      "pool volume mode:host|direct startupPolicy:mandatory|requisite|optional index:l", ACCESS,
      NULL, rule_volume_source },
    { "disk-source-nvme", "type managed:y=yes namespace:U index:l",
      "address:hostdev-pci-address " ACCESS, NULL, rule_nvme_source },
    { "disk-source-vhostuser", "type% path% index:l", "reconnect " ACCESS, NULL,
      rule_vhostuser_source },

    { "disk-source-network",
      "protocol:nbd|rbd|sheepdog|gluster|iscsi|http|https|ftp|ftps|tftp|ssh|vxhs|nfs! name% tls:y "
      "tlsHostname index:l",
      "host* snapshot config initiator slices auth encryption reservations", NULL,
      rule_network_source },
    { "disk-source-network[http]", "protocol! name% query tls:y tlsHostname index:l",
      "host* snapshot config initiator cookies^ " FETCHED " slices auth encryption reservations",
      NULL, rule_network_source },
    { "disk-source-network[https]", "protocol! name% query tls:y tlsHostname index:l",
      "host* snapshot config initiator ssl cookies^ " FETCHED " slices auth encryption "
      "reservations",
      NULL, rule_network_source },
    { "disk-source-network[ftp]", "protocol! name% tls:y tlsHostname index:l",
      "host* snapshot config initiator " FETCHED " slices auth encryption reservations", NULL,
      rule_network_source },
    { "disk-source-network[ftps]", "protocol! name% tls:y tlsHostname index:l",
      "host* snapshot config initiator ssl " FETCHED " slices auth encryption reservations", NULL,
      rule_network_source },
    { "disk-source-network[nfs]", "protocol! name% tls:y tlsHostname index:l",
      "host* snapshot config initiator identity slices auth encryption reservations", NULL,
      rule_network_source },
    { "source/host", "name port transport:tcp|unix|rdma- socket", NULL, NULL, rule_storage_host },
    { "snapshot", "name%", NULL, NULL },
    { "source/config", "file%", NULL, NULL },
    { "initiator", NULL, "iqn", NULL },
    { "iqn", "name%", NULL, NULL },
    { "ssl", "verify:y", NULL, NULL },
    { "cookies", NULL, "cookie*", NULL, rule_cookies },
    { "cookie", "name!%", NULL, "text", rule_cookie },
    { "readahead", "size:U-", NULL, NULL },
    { "timeout", "seconds:U-", NULL, NULL },
    { "identity", "user% group%", NULL, NULL },
    { NULL },
};
