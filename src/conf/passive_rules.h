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
