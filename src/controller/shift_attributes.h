/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extended attributes that hold ids: access lists and file capabilities. @path is /proc/self/fd/N. */
#pragma once

#include "controller/shift.h"

#include <stddef.h>

#define CAPABILITIES_TEXT_MAX 64

typedef struct {
    size_t size;                /* 0: none */
    unsigned char value[24];    /* struct vfs_ns_cap_data, which has the id of its root */
} FileCapabilities;

/* Reads those of a file as they shall be: of the container's root, not the host's. None is fine. */
int capabilities_read (const char *path, const ShiftMap *uids, FileCapabilities *ret);
int capabilities_write (const char *path, const FileCapabilities *caps);
/* One word; "-" for none. */
void capabilities_to_text (const FileCapabilities *caps, char text[CAPABILITIES_TEXT_MAX]);
int capabilities_from_text (const char *text, FileCapabilities *caps);

/* Moves the users and groups of access lists, of a directory's default list too. Doing it twice does
 * no harm, as with owners. */
int acl_shift (const char *path, bool directory, const ShiftMap *uids, const ShiftMap *gids);
