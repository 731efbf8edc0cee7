/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written for VIR_DOMAIN_XML_MIGRATABLE: forms that older readers know. */
#include "conf/domain.h"
#include "conf/passive.h"

/* The one model that such a controller could have then. */
static void
simplify_controllers (const GPtrArray *controllers)
{
    for (guint i = 0; i < controllers->len; i++) {
        const ControllerDef *controller = g_ptr_array_index (controllers, i);
        PassiveNode *model = passive_find_element (controller->passive, "model");

        if (passive_is (model, "name", "spapr-pci-host-bridge")
            && !g_strcmp0 (passive_value (controller->passive, "model"), "pci-root"))
            passive_remove (controller->passive, model);
    }
}

/* A socket of VNC is an attribute, too; "no listener" of SPICE was "no port". */
static void
simplify_listens (const GPtrArray *items)
{
    for (PassiveNode *graphics = passive_find (items, "graphics", NULL); graphics;
         graphics = passive_find (items, "graphics", graphics)) {
        gboolean vnc = passive_is (graphics, "type", "vnc"), spice = passive_is (graphics, "type", "spice");
        PassiveNode *listen = passive_child (graphics, "listen");

        while (listen) {
            PassiveNode *next = passive_next (graphics, listen);

            if (spice && passive_is (listen, "type", "none")) {
                passive_remove_child (graphics, listen);
                passive_set (graphics, "autoport", "no");
            } else if (vnc && passive_is (listen, "type", "socket") && passive_attr (listen, "socket")) {
                passive_remove_child (graphics, listen);
                passive_open (graphics);
            }
            listen = next;
        }
    }
}

/* Who reserves for us is of this host. */
static void
simplify_reservations (const GPtrArray *disks)
{
    for (guint i = 0; i < disks->len; i++) {
        const DiskDef *disk = g_ptr_array_index (disks, i);
        PassiveNode *source = passive_find_element (disk->passive, "source");
        PassiveNode *reservations = source ? passive_child (source, "reservations")
                                           : passive_find_element (disk->passive, "reservations");
        PassiveNode *server = passive_child (reservations, "source");

        if (server && passive_is (reservations, "managed", "yes"))
            passive_remove_child (reservations, server);
    }
}

void
domain_def_make_migratable (DomainDef *def)
{
    simplify_controllers (def->controllers);
    simplify_listens (def->passive);
    simplify_reservations (def->disks);
}
