/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths inside a container's root: always relative to a descriptor of that root, never leaving it. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The ids that own what is made inside the root: host ids of the container's uid and gid 0. */
typedef struct {
    uid_t uid;
    gid_t gid;
} RootOwner;

typedef enum {
    PATH_FOLLOW,        /* symbolic links resolve inside the root */
    PATH_STRICT,        /* any symbolic link on the way is ELOOP */
} PathLinks;

typedef enum { PATH_MAKE_NONE, PATH_MAKE_DIR, PATH_MAKE_FILE } PathMake;

/* Opens @path below @root with O_CLOEXEC | @flags. */
int path_open (int root, const char *path, int flags, PathLinks links);

/* Opens @path as O_PATH; what is missing on the way is made first (directories 0755, a file 0644),
 * owned by @owner. */
int path_open_made (int root, const char *path, PathMake make, PathLinks links,
                    const RootOwner *owner);

/* Makes the symbolic link @path -> @text; an equal one that is there already is fine. */
int path_symlink (int root, const char *path, const char *text, const RootOwner *owner);

/* Reads at most @size - 1 bytes of a regular file inside the root, NUL-terminated; never blocks.
 * Length or -1 (EFBIG: does not fit, EINVAL: not a regular file). */
ssize_t path_read (int root, const char *path, char *text, size_t size);
