/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/shift_attributes.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define CAPABILITIES "security.capability"
#define ACL_SIZE_MAX 65536

static bool
is_none (void)
{
    return errno == ENODATA || errno == EOPNOTSUPP;
}

/* ---- file capabilities */

int
capabilities_read (const char *path, const ShiftMap *uids, FileCapabilities *ret)
{
    struct vfs_ns_cap_data data = { .magic_etc = 0 };
    ssize_t n = getxattr (path, CAPABILITIES, &data, sizeof data);
    uint32_t magic = le32toh (data.magic_etc), rootid = 0;
    bool known;

    ret->size = 0;
    if (n < 0)
        return is_none () ? 0 : -1;
    if ((magic & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3 && n == XATTR_CAPS_SZ_3)
        rootid = le32toh (data.rootid);
    else if ((magic & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_2 || n != XATTR_CAPS_SZ_2)
        return 0;       /* the kernel heeds it no more */
    data.magic_etc = htole32 (VFS_CAP_REVISION_3 | (magic & VFS_CAP_FLAGS_EFFECTIVE));
    data.rootid = htole32 (shift_id (uids, rootid, &known));
    _Static_assert (sizeof data == sizeof ret->value, "revision 3");
    memcpy (ret->value, &data, sizeof data);
    ret->size = sizeof data;
    return 0;
}

int
capabilities_write (const char *path, const FileCapabilities *caps)
{
    return caps->size ? setxattr (path, CAPABILITIES, caps->value, caps->size, 0) : 0;
}

void
capabilities_to_text (const FileCapabilities *caps, char text[CAPABILITIES_TEXT_MAX])
{
    strcpy (text, "-");
    for (size_t i = 0; i < caps->size; i++)
        snprintf (text + 2 * i, 3, "%02x", caps->value[i]);
}

int
capabilities_from_text (const char *text, FileCapabilities *caps)
{
    unsigned byte;

    caps->size = 0;
    if (strcmp (text, "-") == 0)
        return 0;
    if (strlen (text) != 2 * sizeof caps->value)
        return -1;
    for (size_t i = 0; i < sizeof caps->value; i++) {
        if (sscanf (text + 2 * i, "%2x", &byte) != 1)
            return -1;
        caps->value[i] = (unsigned char) byte;
    }
    caps->size = sizeof caps->value;
    return 0;
}

/* ---- access lists */

static int
shift_list (const char *path, const char *name, const ShiftMap *uids, const ShiftMap *gids)
{
    static union {
        struct posix_acl_xattr_header header;
        char space[ACL_SIZE_MAX];
    } list;
    struct posix_acl_xattr_entry *entry = (void *) (list.space + sizeof list.header);
    ssize_t n = getxattr (path, name, list.space, sizeof list.space);
    bool changed = false, known;

    if (n < 0)
        return is_none () ? 0 : -1;
    if ((size_t) n < sizeof list.header || le32toh (list.header.a_version) != POSIX_ACL_XATTR_VERSION)
        return 0;
    for (; (char *) (entry + 1) <= list.space + n; entry++) {
        uint32_t id = le32toh (entry->e_id), wanted = id;

        if (le16toh (entry->e_tag) == ACL_USER)
            wanted = shift_id (uids, id, &known);
        else if (le16toh (entry->e_tag) == ACL_GROUP)
            wanted = shift_id (gids, id, &known);
        changed |= wanted != id;
        entry->e_id = htole32 (wanted);
    }
    return changed ? setxattr (path, name, list.space, (size_t) n, 0) : 0;
}

int
acl_shift (const char *path, bool directory, const ShiftMap *uids, const ShiftMap *gids)
{
    if (shift_list (path, "system.posix_acl_access", uids, gids) < 0)
        return -1;
    return directory ? shift_list (path, "system.posix_acl_default", uids, gids) : 0;
}
