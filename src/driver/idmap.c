/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/idmap.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/statfs.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/spawn.h"

#define PROBE_MS 10000
#define MAGIC_FAT 0x4d44
#define MAGIC_XFS 0x58465342

/* Those that can in every kernel that has id-mapped mounts, and those of which one mount has told for
 * all: so that a start seldom needs the helper. Others are asked each time; FUSE, for one, depends on
 * its server. Any thread: a flag is only ever set. */
static gint *
learnt (long magic)
{
    static gint always = TRUE, tmpfs, btrfs, overlay;

    switch (magic) {
    case EXT4_SUPER_MAGIC:
    case MAGIC_XFS:
    case MAGIC_FAT:
        return &always;
    case TMPFS_MAGIC:
        return &tmpfs;
    case BTRFS_SUPER_MAGIC:
        return &btrfs;
    case OVERLAYFS_SUPER_MAGIC:
        return &overlay;
    default:
        return NULL;
    }
}

gboolean
helper_answer (int sock, MonitorPacket *ret, GError **error)
{
    if (recv (sock, ret, sizeof *ret, MSG_DONTWAIT) != sizeof *ret)
        return error_set (error, ERR_INTERNAL, "skep-helper ended without an answer");
    if (ret->type == MONITOR_DONE)
        return TRUE;
    ret->object[sizeof ret->object - 1] = '\0';
    return error_set_errno (error, ret->err, "%s", ret->object);
}

gboolean
idmap_possible (const char *helper, const char *path, gboolean *ret, GError **error)
{
    const char *argv[] = { helper, "--answer-fd", "3", "idmap", path, NULL };
    autofd int ours = -1, theirs = -1;
    SpawnFd fd = { .to = 3 };
    SpawnArgs args = { .argv = argv, .fds = &fd, .n_fds = 1, .whose = path };
    MonitorPacket answer;
    gint *known;
    struct statfs fs;
    int pair[2];

    if (statfs (path, &fs) < 0)
        return error_set_errno (error, errno, "Unable to access filesystem source '%s'", path);
    known = learnt ((long) fs.f_type);
    *ret = TRUE;
    if (known && g_atomic_int_get (known))
        return TRUE;
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return error_set_errno (error, errno, "cannot ask skep-helper");
    ours = pair[0];
    theirs = fd.from = pair[1];
    if (!spawn_run (&args, NULL, PROBE_MS, NULL, NULL, NULL, error) || !helper_answer (ours, &answer, error))
        return FALSE;
    *ret = answer.flags != 0;
    if (known && *ret)
        g_atomic_int_set (known, TRUE);
    return TRUE;
}
