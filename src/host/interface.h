/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's network interfaces as libvirt's interface driver (its udev backend) shows them. Read only,
 * from sysfs below node_root; for pool threads. */
#pragma once

#include <glib.h>

typedef struct {
    char *name, *mac;
    gboolean up, down;              /* of operstate; the loopback's is neither */
    gboolean port;                  /* of a bridge or bond: shown within that one, and by name */
} HostInterface;

/* Of HostInterface, in order of name. */
GPtrArray *interfaces_read (void);
const HostInterface *interfaces_find (const GPtrArray *interfaces, const char *name);
/* What the document says beside the name is read anew. */
char *interface_xml (const char *name);
/* <link/> of operstate and speed as sysfs has them. */
void interface_add_link (GString *xml, guint indent, const char *state, const char *speed);
