/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One device of a domain by itself: what clients attach, detach and update. An item is what the list of
 * its kind in a DomainDef holds, and is freed by domain_device_clear() while it belongs to no list.
 */
#pragma once

#include "conf/domain.h"

typedef enum {
    DEVICE_DISK,
    DEVICE_FILESYSTEM,
    DEVICE_INTERFACE,
    DEVICE_HOSTDEV,
    DEVICE_CONSOLE,
    DEVICE_OTHER,           /* known to libvirt, of no meaning to a container: item is NULL */
} DeviceKind;

typedef struct {
    DeviceKind kind;
    const char *name;       /* of the element: "disk"; static or interned text */
    void *item;             /* DiskDef, FsDef, ... */
} DomainDevice;

void domain_device_clear (DomainDevice *device);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DomainDevice, domain_device_clear)

/* Reads one element with defaults filled and judged as a part of @def, which is not changed and whose
 * other devices are not looked at. @flags as of domain_def_parse(): with DOMAIN_PARSE_LIVE what only
 * running domains have (aliases) counts; with DOMAIN_PARSE_MEANT its target is enough of a disk or file system, as
 * for a detach. @ignored as of codec_read(): for a client's text paths of what is
 * ignored, as it is in a definition. */
gboolean domain_device_parse (const char *xml, const DomainDef *def, const DomainDefaults *defaults,
                              guint flags, GPtrArray *ignored, DomainDevice *ret, GError **error);
/* The element; @flags as of domain_def_format(). */
char *domain_device_format (DeviceKind kind, const void *item, guint flags);
void *domain_device_copy (DeviceKind kind, const void *item);

/* A copy of @def that has no device but a copy of @device. */
DomainDef *domain_device_alone (const DomainDef *def, const DomainDevice *device);

/* The list of @def; NULL for DEVICE_OTHER. */
GPtrArray *domain_device_list (const DomainDef *def, DeviceKind kind);
/* A copy of @def with a copy of @device at the end of its kind's list, and what that brings along
 * (controllers, order); judged as a whole. */
DomainDef *domain_device_added (const DomainDef *def, const DomainDevice *device,
                                const DomainDefaults *defaults, GError **error);

/* A definition that was changed, filled and judged as one that was parsed. */
gboolean domain_def_judge (DomainDef *def, const DomainDefaults *defaults, GError **error);

/* Where in its list the device is that @item means: a disk or file system by its target, an interface by
 * its MAC and host end, as far as they are given (of two alike the user's alias decides), a hostdev by what it is on
 * the host. -1: none; -2: more than one. */
int domain_device_find (const DomainDef *def, DeviceKind kind, const void *item);
gboolean domain_device_find_alias (const DomainDef *def, const char *alias, DeviceKind *ret_kind,
                                   guint *ret_index);

/* The place of the alias in an item. */
char **domain_device_alias (DeviceKind kind, void *item);
/* Gives every device without alias the first free one of its kind: "disk0", "net1". */
void domain_alias_fill (DomainDef *def);
/* The alias that a device more of this kind gets; the caller frees. */
char *domain_alias_next (const DomainDef *def, DeviceKind kind);

/* The whole of two devices' documents is the same, but for aliases. */
gboolean domain_device_equal (DeviceKind kind, const void *one, const void *two);
