/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Defaults of devices without effect that depend on each other: ports, addresses, the controllers
 * that they are on. */
#include "conf/domain_codec.h"
#include "conf/passive.h"

static void
set_port (PassiveNode *node, gint64 port)
{
    g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, port);

    passive_set (passive_child (node, "target"), "port", text);
}

/* Those without a port follow the highest one so far. */
static void
default_parallels (GPtrArray *items)
{
    gint64 last = -1;

    for (PassiveNode *node = NULL; (node = passive_find (items, "parallel", node));) {
        if (!passive_attr (passive_child (node, "target"), "port"))
            set_port (node, last + 1);
        last = MAX (last, passive_number (passive_child (node, "target"), "port", 0));
    }
}

/* ISA ports take the first that is free; the others follow the highest one of all. */
static void
default_serials (GPtrArray *items)
{
    gboolean used[ISA_SERIAL_PORTS + 1] = { FALSE };
    gint64 last = -1;
    guint free_port = 0;

    for (PassiveNode *node = NULL; (node = passive_find (items, "serial", node));) {
        gint64 port = passive_number (passive_child (node, "target"), "port", -1);

        if (passive_is (passive_child (node, "target"), "type", "isa-serial") && port >= 0)
            used[MIN (port, ISA_SERIAL_PORTS)] = TRUE;
    }
    for (PassiveNode *node = NULL; (node = passive_find (items, "serial", node));) {
        const PassiveNode *target = passive_child (node, "target");

        if (passive_is (target, "type", "isa-serial") && !passive_attr (target, "port")) {
            while (free_port < ISA_SERIAL_PORTS && used[free_port])
                free_port++;
            set_port (node, free_port++);
        }
        last = MAX (last, passive_number (target, "port", -1));
    }
    for (PassiveNode *node = NULL; (node = passive_find (items, "serial", node));)
        if (!passive_attr (passive_child (node, "target"), "port"))
            set_port (node, ++last);
}

/* Behind the last that is taken on controller 0. */
static void
default_smartcards (GPtrArray *items)
{
    gint64 last = -1;

    for (const PassiveNode *node = NULL; (node = passive_find (items, "smartcard", node));) {
        const PassiveNode *address = passive_child (node, "address");

        if (address && passive_number (address, "controller", 0) == 0)
            last = MAX (last, passive_number (address, "slot", 0));
    }
    for (PassiveNode *node = NULL; (node = passive_find (items, "smartcard", node));) {
        g_autofree char *text = NULL;
        PassiveNode *address;

        if (passive_child (node, "address"))
            continue;
        text = g_strdup_printf ("%" G_GINT64_FORMAT, ++last);
        address = passive_add_kind (node, "address", "ccid");
        passive_set (address, "type", "ccid");
        passive_set (address, "controller", "0");
        passive_set (address, "slot", text);
    }
}

/* The primary one comes first; if none is, the first one is. */
static void
default_videos (GPtrArray *items)
{
    PassiveNode *first = passive_find (items, "video", NULL), *primary = NULL;

    for (PassiveNode *node = first; node; node = passive_find (items, "video", node))
        if (!primary && passive_is (passive_child (node, "model"), "primary", "yes"))
            primary = node;
    if (!first)
        return;
    if (!primary)
        primary = first;
    if (!passive_is (passive_child (primary, "model"), "type", "none"))
        passive_set (passive_child (primary, "model"), "primary", "yes");
    passive_move (items, primary, first);
}

void
domain_default_devices (DomainDef *def)
{
    default_serials (def->passive);
    default_parallels (def->passive);
    default_smartcards (def->passive);
    default_videos (def->passive);
}

/* Of the one that @address, if it is of @kind, names, or the first. */
static void
add_for (DomainDef *def, guint type, const PassiveNode *address, const char *kind)
{
    gboolean fits = address && passive_is (address, "type", kind);

    domain_add_controller (def, type,
                           fits ? (guint) passive_number (address, "controller", 0) : 0);
}

void
domain_default_device_controllers (DomainDef *def)
{
    for (const PassiveNode *node = passive_find (def->passive, "channel", NULL); node;
         node = passive_find (def->passive, "channel", node))
        if (passive_is (passive_child (node, "target"), "type", "virtio"))
            add_for (def, CONTROLLER_VIRTIO_SERIAL, passive_child (node, "address"),
                     "virtio-serial");
    for (guint i = 0; i < def->consoles->len; i++) {
        const ConsoleDef *console = g_ptr_array_index (def->consoles, i);

        if (!g_strcmp0 (console->target_type, "virtio"))
            add_for (def, CONTROLLER_VIRTIO_SERIAL,
                     passive_find (console->passive, "address", NULL), "virtio-serial");
    }
    for (const PassiveNode *node = passive_find (def->passive, "smartcard", NULL); node;
         node = passive_find (def->passive, "smartcard", node))
        add_for (def, CONTROLLER_CCID, passive_child (node, "address"), "ccid");
}
