/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rows of elements without effect cannot say: see PassiveRule. */
#pragma once

#include "conf/passive.h"

void rule_drop (Codec *c, PassiveNode *node);           /* nothing of it is kept */
void rule_address_pci (Codec *c, PassiveNode *node);
void rule_chardev (Codec *c, PassiveNode *node);        /* passive_chardev_rules.c */
void rule_sound (Codec *c, PassiveNode *node);
void rule_video (Codec *c, PassiveNode *node);
void rule_shmem (Codec *c, PassiveNode *node);

/* passive_host_rules.c */
void rule_rom (Codec *c, PassiveNode *node);
void rule_teaming (Codec *c, PassiveNode *node);
void rule_net_vhostuser (Codec *c, PassiveNode *node);
void rule_net_reconnect (Codec *c, PassiveNode *node);
void rule_net_hostdev (Codec *c, PassiveNode *node);
void rule_net_model (Codec *c, PassiveNode *node);
void rule_net_backend (Codec *c, PassiveNode *node);
void rule_port_forward (Codec *c, PassiveNode *node);
void rule_port_range (Codec *c, PassiveNode *node);
void rule_hostdev_teaming (Codec *c, PassiveNode *node);
void rule_usb_id (Codec *c, PassiveNode *node);
void rule_hostdev_scsi (Codec *c, PassiveNode *node);
void rule_hostdev_scsi_host (Codec *c, PassiveNode *node);
void rule_hostdev_mdev (Codec *c, PassiveNode *node);
