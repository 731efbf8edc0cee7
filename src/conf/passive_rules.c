/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/passive_rules.h"

void
rule_drop (Codec *c, PassiveNode *node)
{
    (void) c;
    passive_drop (node);
}

void
rule_address_pci (Codec *c, PassiveNode *node)
{
    static const struct {
        const char *attr;
        guint max;
    } limits[] = { { "domain", 0xffff }, { "bus", 0xff }, { "slot", 0x1f }, { "function", 7 } };

    for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
        gint64 value = passive_number (node, limits[i].attr, 0);

        if (value > limits[i].max)
            codec_fail (c, ERR_XML, "Invalid PCI address %s='0x%x', must be <= 0x%X",
                        limits[i].attr, (guint) value, limits[i].max);
    }
}

void
rule_chardev (Codec *c, PassiveNode *node)
{
    (void) c;
    (void) node;
}

void
rule_sound (Codec *c, PassiveNode *node)
{
    (void) c;
    (void) node;
}

void
rule_video (Codec *c, PassiveNode *node)
{
    (void) c;
    (void) node;
}

void
rule_shmem (Codec *c, PassiveNode *node)
{
    (void) c;
    (void) node;
}
