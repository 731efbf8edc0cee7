/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counters that are read again and again: opening such a file costs ten times what reading it does, so
 * the descriptors are kept while somebody polls. A descriptor does not hold its group: once that is
 * removed, reading fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host/cgroup_private.h"
#include "util/fd.h"

#define FILES_MAX 12        /* of one container */
#define UNUSED_S 30         /* closed after up to twice that without a reader */

struct CgroupKept {
    struct {
        const char *name;   /* static text */
        int fd;
    } files[FILES_MAX];
    guint n;
    GList link;             /* in everything */
};

static GQueue everything = G_QUEUE_INIT;
static guint n_kept;
static gboolean polled;     /* since the last look */
static guint looking;       /* source id */

CgroupKept *
cgroup_kept_new (void)
{
    CgroupKept *kept = g_new0 (CgroupKept, 1);

    kept->link.data = kept;
    g_queue_push_tail_link (&everything, &kept->link);
    return kept;
}

static void
kept_close (CgroupKept *kept)
{
    for (guint i = 0; i < kept->n; i++)
        close (kept->files[i].fd);
    n_kept -= kept->n;
    kept->n = 0;
}

void
cgroup_kept_free (CgroupKept *kept)
{
    if (!kept)
        return;
    kept_close (kept);
    g_queue_unlink (&everything, &kept->link);
    g_free (kept);
}

void
cgroup_kept_forget (void)
{
    for (GList *l = everything.head; l; l = l->next)
        kept_close (l->data);
}

guint
cgroup_kept_count (void)
{
    return n_kept;
}

/* A quarter of what we may have open: the rest is for clients, consoles and containers. */
static gboolean
room_for_one_more (void)
{
    static guint most;
    struct rlimit limit;

    if (most == 0)
        most = getrlimit (RLIMIT_NOFILE, &limit) == 0 ? (guint) MIN (limit.rlim_cur / 4, 65536) : 256;
    return n_kept < most;
}

static int
kept_fd (const CgroupKept *kept, const char *file)
{
    for (guint i = 0; kept && i < kept->n; i++)
        if (kept->files[i].name == file || strcmp (kept->files[i].name, file) == 0)
            return kept->files[i].fd;
    return -1;
}

static gboolean
look_again (gpointer data)
{
    (void) data;
    if (polled) {
        polled = FALSE;
        return G_SOURCE_CONTINUE;
    }
    cgroup_kept_forget ();
    looking = 0;
    return G_SOURCE_REMOVE;
}

static gboolean
keep (CgroupKept *kept, const char *file, int fd)
{
    if (!kept || kept->n == FILES_MAX || !room_for_one_more ())
        return FALSE;
    kept->files[kept->n].name = file;
    kept->files[kept->n++].fd = fd;
    n_kept++;
    if (!looking)
        looking = g_timeout_add_seconds (UNUSED_S, look_again, NULL);
    return TRUE;
}

gssize
cgroup_read_kept_try (const CgroupHierarchy *h, const Cgroup *c, const char *file, char *text, gsize size)
{
    int fd = kept_fd (c->kept, file);
    char path[CGROUP_PATH_MAX];
    gssize n;

    if (fd >= 0) {
        polled = TRUE;
        n = pread (fd, text, size - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        return n < 0 ? -errno : n;
    }
    if (g_snprintf (path, sizeof path, "%s/%s", c->base, file) >= (int) sizeof path)
        return -ENAMETOOLONG;
    fd = openat (h->fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    n = pread (fd, text, size - 1, 0);
    if (n < 0)
        n = -errno;
    text[n > 0 ? n : 0] = '\0';
    if (n < 0 || !keep (c->kept, file, fd))
        close (fd);
    return n;
}

char *
cgroup_read_kept_long (const CgroupHierarchy *h, const Cgroup *c, const char *file, GError **error)
{
    char text[CGROUP_TEXT_MAX];
    gssize n = cgroup_read_kept_try (h, c, file, text, sizeof text);

    if (n >= 0 && n < (gssize) sizeof text - 1)
        return g_strdup (text);
    return cgroup_read_long (h, c->base, file, error);
}

gboolean
cgroup_read_kept (const CgroupHierarchy *h, const Cgroup *c, const char *file, char text[CGROUP_TEXT_MAX],
                  GError **error)
{
    gssize n = cgroup_read_kept_try (h, c, file, text, CGROUP_TEXT_MAX);

    return n >= 0 || cgroup_error (error, h, c->base, "", file, (int) -n, FALSE);
}

gboolean
cgroup_read_kept_u64 (const CgroupHierarchy *h, const Cgroup *c, const char *file, guint64 *value,
                      GError **error)
{
    char text[CGROUP_TEXT_MAX];

    return cgroup_read_kept (h, c, file, text, error) && cgroup_text_u64 (text, file, value, error);
}
