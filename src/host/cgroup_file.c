/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files and directory trees of control groups. */
#include "host/cgroup_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"

gboolean
cgroup_error (GError **error, const CgroupHierarchy *h, const char *group, const char *sub,
              const char *file, int errnum, gboolean writing)
{
    return error_set_errno (error, errnum, "Unable to %s '%s%s%s%s/%s'",
                            writing ? "write to" : "read from", h->mount, *group ? "/" : "", group,
                            sub, file);
}

int
cgroup_file_open (const CgroupHierarchy *h, const char *group, const char *sub, const char *file, int flags)
{
    char path[CGROUP_PATH_MAX];
    int n = g_snprintf (path, sizeof path, "%s%s%s%s", group, sub, *group || *sub ? "/" : "", file);

    if (n >= (int) sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return openat (h->fd, path, flags | O_CLOEXEC);
}

int
cgroup_write_try (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                  const char *value)
{
    autofd int fd = cgroup_file_open (h, group, sub, file, O_WRONLY);

    /* one write(2): the kernel parses each on its own */
    if (fd < 0 || write (fd, value, strlen (value)) < 0)
        return -errno;
    return 0;
}

gboolean
cgroup_write (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
              const char *value, GError **error)
{
    int r = cgroup_write_try (h, group, sub, file, value);

    return r == 0 || cgroup_error (error, h, group, sub, file, -r, TRUE);
}

gboolean
cgroup_write_u64 (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                  guint64 value, GError **error)
{
    char text[24];

    g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, value);
    return cgroup_write (h, group, sub, file, text, error);
}

int
cgroup_read_try (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                 char text[CGROUP_TEXT_MAX])
{
    autofd int fd = cgroup_file_open (h, group, sub, file, O_RDONLY);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = fd_read_all (fd, text, CGROUP_TEXT_MAX - 1);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    return 0;
}

gboolean
cgroup_read (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
             char text[CGROUP_TEXT_MAX], GError **error)
{
    int r = cgroup_read_try (h, group, sub, file, text);

    return r == 0 || cgroup_error (error, h, group, sub, file, -r, FALSE);
}

char *
cgroup_read_long (const CgroupHierarchy *h, const char *group, const char *file, GError **error)
{
    g_autofree char *path = g_strdup_printf ("%s/%s", group, file);

    return file_read_at (h->fd, path, 1 << 20, NULL, error);
}

gboolean
cgroup_read_u64 (const CgroupHierarchy *h, const char *group, const char *sub, const char *file,
                 guint64 *value, GError **error)
{
    char text[CGROUP_TEXT_MAX];

    return cgroup_read (h, group, sub, file, text, error) && cgroup_text_u64 (text, file, value, error);
}

gboolean
cgroup_text_u64 (char *text, const char *file, guint64 *value, GError **error)
{
    g_strchomp (text);
    if (g_str_equal (text, "max")) {
        *value = CGROUP_UNLIMITED;
        return TRUE;
    }
    if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, value, NULL))
        return error_set (error, ERR_INTERNAL, "Unable to parse '%s' of '%s'", text, file);
    return TRUE;
}

gboolean
cgroup_text_key (const char *text, const char *key, guint64 *value)
{
    gsize length = strlen (key);

    while (text && *text) {
        if (strncmp (text, key, length) == 0 && text[length] == ' ') {
            *value = g_ascii_strtoull (text + length + 1, NULL, 10);
            return TRUE;
        }
        text = strchr (text, '\n');
        text = text ? text + 1 : NULL;
    }
    return FALSE;
}

/* ---- processes */

void
cgroup_each_pid (int dir, CgroupPidVisit visit, gpointer data)
{
    autofd int fd = openat (dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    char text[4096];
    gsize kept = 0;
    ssize_t n;

    while (fd >= 0 && (n = read (fd, text + kept, sizeof text - 1 - kept)) > 0) {
        char *line = text, *end;

        text[kept + (gsize) n] = '\0';
        while ((end = strchr (line, '\n'))) {
            long pid = strtol (line, NULL, 10);

            /* 0 is a process that our pid namespace cannot name; kill(0) would hit ourselves */
            if (pid > 1 && pid != getpid ())
                visit ((pid_t) pid, data);
            line = end + 1;
        }
        kept = strlen (line);
        memmove (text, line, kept);
    }
}

static void
kill_pid (pid_t pid, gpointer data)
{
    (void) data;
    kill (pid, SIGKILL);
}

gboolean
cgroup_kill_group (int dir, gpointer unused)
{
    cgroup_each_pid (dir, kill_pid, unused);
    return TRUE;
}

/* ---- trees */

/* One level on the way down: where reading its parent goes on, and its name for the removal. */
typedef struct {
    off_t offset;
    char name[NAME_MAX + 1];
} Level;

struct kernel_dirent64 {
    guint64 d_ino;
    gint64 d_off;
    guint16 d_reclen;
    guint8 d_type;
    char d_name[];
};

/* The next sub-directory of @dir behind its file offset, which is left behind the entry. 1 found, 0
 * none, negative errno. */
static int
next_subdir (int dir, char name[NAME_MAX + 1])
{
    union {
        struct kernel_dirent64 align;
        char space[4096];
    } buffer;

    for (;;) {
        long n = syscall (SYS_getdents64, dir, buffer.space, sizeof buffer.space);

        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (long at = 0; at < n;) {
            struct kernel_dirent64 *entry = (void *) (buffer.space + at);

            at += entry->d_reclen;
            if (entry->d_type != DT_DIR || g_str_equal (entry->d_name, ".")
                || g_str_equal (entry->d_name, ".."))
                continue;
            g_strlcpy (name, entry->d_name, NAME_MAX + 1);
            return lseek (dir, entry->d_off, SEEK_SET) < 0 ? -errno : 1;
        }
    }
}

/* Goes from *@dir into the child that @level names. */
static int
descend (int *dir, Level *level)
{
    int child;

    level->offset = lseek (*dir, 0, SEEK_CUR);
    child = openat (*dir, level->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (child < 0)
        return -errno;
    close (*dir);
    *dir = child;
    return 0;
}

static int
ascend (int *dir, const Level *level, gboolean remove)
{
    int parent = openat (*dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (parent < 0)
        return -errno;
    close (*dir);
    *dir = parent;
    if (remove && unlinkat (parent, level->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return -errno;
    return lseek (parent, level->offset, SEEK_SET) < 0 ? -errno : 0;
}

static int
walk_from (int *dir, GArray *levels, CgroupVisit enter, gpointer data, gboolean remove, guint *budget)
{
    for (;;) {
        Level level;
        int r = next_subdir (*dir, level.name);

        if (r < 0)
            return r;
        if (r == 0) {
            if (levels->len == 0)
                return 0;
            level = g_array_index (levels, Level, levels->len - 1);
            g_array_set_size (levels, levels->len - 1);
            r = ascend (dir, &level, remove);
            if (r < 0)
                return r;
            continue;
        }
        if (*budget == 0)
            return -EBUSY;
        --*budget;
        r = descend (dir, &level);
        if (r == -ENOENT)
            continue;
        if (r < 0)
            return r;
        g_array_append_val (levels, level);
        if (enter && !enter (*dir, data))
            return -ECANCELED;
    }
}

int
cgroup_tree_walk (const CgroupHierarchy *h, const char *group, CgroupVisit enter, gpointer data,
                  gboolean remove, guint *budget)
{
    autofd int dir = openat (h->fd, *group ? group : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    GArray *levels;
    int r;

    if (dir < 0)
        return errno == ENOENT ? 0 : -errno;
    if (enter && !enter (dir, data))
        return -ECANCELED;
    levels = g_array_new (FALSE, FALSE, sizeof (Level));
    r = walk_from (&dir, levels, enter, data, remove, budget);
    g_array_free (levels, TRUE);
    if (r == 0 && remove && unlinkat (h->fd, group, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = -errno;
    return r == -ECANCELED ? 0 : r;
}
