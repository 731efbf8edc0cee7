/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include "util/fd.h"

int
path_open (int root, const char *path, int flags, PathLinks links)
{
    return fd_open_resolved (root, path, flags, RESOLVE_IN_ROOT | (links == PATH_STRICT ? RESOLVE_NO_SYMLINKS : 0));
}

/* Makes one entry of @parent as @owner. Not as host root: on an id-mapped mount only ids of the map
 * can own a file, and a directory that the container does not own must not be written for it. */
static int
make_entry (int parent, const char *name, PathMake make, const RootOwner *owner)
{
    int result, saved;

    setfsgid (owner->gid);
    setfsuid (owner->uid);
    if (make == PATH_MAKE_DIR) {
        result = mkdirat (parent, name, 0755);
    } else {
        /* O_EXCL: never opens or follows what appeared meanwhile */
        result = openat (parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (result >= 0)
            close (result);
    }
    saved = errno;
    setfsuid (0);
    setfsgid (0);
    errno = saved;
    return result < 0 && errno != EEXIST ? -1 : 0;
}

/* The next prefix of @path that ends before a slash or at the end, from @end on; 0 when done. */
static size_t
next_prefix (const char *path, size_t end)
{
    while (path[end] == '/')
        end++;
    if (path[end] == '\0')
        return 0;
    return end + strcspn (path + end, "/");
}

/* Splits @path into the directory and the last name, both in @copy. */
static char *
split_last (char *copy)
{
    size_t length = strlen (copy);
    char *slash;

    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    slash = strrchr (copy, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    return slash + 1;
}

static int
copy_path (char *copy, const char *path)
{
    if (strlen (path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy (copy, path);
    return 0;
}

/* Each prefix is opened from the root again, so that absolute links on the way stay inside. */
static int
make_missing (int root, const char *path, PathMake make, PathLinks links, const RootOwner *owner)
{
    char prefix[PATH_MAX];
    autofd int parent = path_open (root, "/", O_PATH | O_DIRECTORY, links);

    if (parent < 0)
        return -1;
    for (size_t start = 0, end; (end = next_prefix (path, start)) != 0; start = end) {
        bool last = next_prefix (path, end) == 0;
        size_t name = start;
        int fd;

        if (end >= sizeof prefix) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy (prefix, path, end);
        prefix[end] = '\0';
        while (prefix[name] == '/')
            name++;
        fd = path_open (root, prefix, O_PATH | (last ? 0 : O_DIRECTORY), links);
        if (fd < 0 && errno == ENOENT) {
            if (make_entry (parent, prefix + name, last ? make : PATH_MAKE_DIR, owner) < 0)
                return -1;
            fd = path_open (root, prefix, O_PATH | (last ? 0 : O_DIRECTORY), links);
        }
        if (fd < 0)
            return -1;
        fd_close (&parent);
        parent = fd;
    }
    return fd_steal (&parent);
}

/* The usual case: only the last name is missing. -1 with ENOENT when more of @path is. */
static int
make_last (int root, const char *path, PathMake make, PathLinks links, const RootOwner *owner)
{
    char copy[PATH_MAX];
    autofd int parent = -1;
    const char *name;

    if (copy_path (copy, path) < 0)
        return -1;
    name = split_last (copy);
    parent = path_open (root, copy[0] && name ? copy : "/", O_PATH | O_DIRECTORY, links);
    if (parent < 0 || make_entry (parent, name ? name : copy, make, owner) < 0)
        return -1;
    return path_open (root, path, O_PATH, links);
}

int
path_open_made (int root, const char *path, PathMake make, PathLinks links, const RootOwner *owner)
{
    int fd = path_open (root, path, O_PATH, links);

    if (fd >= 0 || make == PATH_MAKE_NONE || errno != ENOENT)
        return fd;
    fd = make_last (root, path, make, links, owner);
    return fd >= 0 || errno != ENOENT ? fd : make_missing (root, path, make, links, owner);
}

int
path_symlink (int root, const char *path, const char *text, const RootOwner *owner)
{
    char copy[PATH_MAX], present[PATH_MAX];
    autofd int parent = -1;
    const char *name;
    ssize_t n;

    if (copy_path (copy, path) < 0)
        return -1;
    name = split_last (copy);
    if (!name) {
        errno = EINVAL;
        return -1;
    }
    parent = path_open (root, copy[0] ? copy : "/", O_PATH | O_DIRECTORY, PATH_FOLLOW);
    if (parent < 0)
        return -1;
    if (symlinkat (text, parent, name) == 0)
        return fchownat (parent, name, owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW);
    if (errno != EEXIST)
        return -1;
    n = readlinkat (parent, name, present, sizeof present);
    if (n == (ssize_t) strlen (text) && memcmp (present, text, (size_t) n) == 0)
        return 0;
    errno = EEXIST;
    return -1;
}

ssize_t
path_read (int root, const char *path, char *text, size_t size)
{
    /* O_NONBLOCK: a fifo or device put in the file's place must not hold us up */
    autofd int fd = path_open (root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, PATH_FOLLOW);
    struct stat st;
    ssize_t n;

    if (fd < 0 || fstat (fd, &st) < 0)
        return -1;
    if (!S_ISREG (st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    n = fd_read_all (fd, text, size);
    if (n < 0)
        return -1;
    if ((size_t) n == size) {
        errno = EFBIG;
        return -1;
    }
    text[n] = '\0';
    return n;
}
