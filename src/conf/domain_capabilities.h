/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <domainCapabilities>: what a domain can have on this host, in the words that libvirt's clients know: things
 * that are supported or not, each with lists of the values that may be used.
 */
#pragma once

#include <glib.h>

/* Where an item stands. The thing "os" is the element <os> itself. */
typedef enum { CAPS_DOMAIN, CAPS_DEVICE, CAPS_FEATURE } CapsPlace;

typedef struct { char *name; GPtrArray *values; } CapsEnum;             /* of char * */
typedef struct { char *name; CapsPlace place; gboolean supported; GPtrArray *enums; } CapsItem;

typedef struct {
    char *emulator, *arch;
    guint vcpus;
    GPtrArray *items;           /* of CapsItem, each place in the order of its document */
} DomainCapabilities;

DomainCapabilities *domain_capabilities_new (const char *emulator, const char *arch, guint vcpus);
/* Both give what they added, which @caps owns. A value that is there already is not added again. */
CapsItem *domain_capabilities_item (DomainCapabilities *caps, CapsPlace place, const char *name,
                                    gboolean supported);
void caps_item_value (CapsItem *item, const char *list, const char *value);
/* A list that has no values, which says that none may be used. */
void caps_item_list (CapsItem *item, const char *list);
char *domain_capabilities_format (const DomainCapabilities *caps);
void domain_capabilities_free (DomainCapabilities *caps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DomainCapabilities, domain_capabilities_free)
