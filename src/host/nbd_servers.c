/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Servers that are under way: another thread can end them, and so can a later daemon, by their files in
 * NbdServer.dir. Nobody has written to their images yet, so killing them loses nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "host/nbd_private.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/lock.h"
#include "util/log.h"

#define LEFT_MS 10000           /* for one that a dead daemon left */

typedef struct {
    int pidfd, dir;
    char *file;                 /* in it */
    guint32 index;              /* of its device */
    char *backend;              /* of its device; NULL: it has none yet */
} UnderWay;

struct NbdServers {
    pthread_mutex_t lock;
    GArray *list;               /* of UnderWay; changed under the lock, by the one thread that attaches */
    gboolean ended, too_late, settled;
};

/* ---- the list */

static void
under_way_clear (gpointer data)
{
    UnderWay *one = data;

    unlinkat (one->dir, one->file, 0);
    fd_close (&one->dir);
    fd_close (&one->pidfd);
    g_free (one->file);
    g_free (one->backend);
}

NbdServers *
nbd_servers_new (void)
{
    NbdServers *servers = g_atomic_rc_box_new0 (NbdServers);

    pthread_mutex_init (&servers->lock, NULL);
    servers->list = g_array_new (FALSE, FALSE, sizeof (UnderWay));
    g_array_set_clear_func (servers->list, under_way_clear);
    return servers;
}

NbdServers *
nbd_servers_ref (NbdServers *servers)
{
    return g_atomic_rc_box_acquire (servers);
}

static void
servers_clear (gpointer data)
{
    NbdServers *servers = data;

    g_array_unref (servers->list);
    pthread_mutex_destroy (&servers->lock);
}

void
nbd_servers_unref (NbdServers *servers)
{
    if (servers)
        g_atomic_rc_box_release_full (servers, servers_clear);
}

static gboolean
not_ended (const NbdServers *servers, GError **error)
{
    if (!servers->ended)
        return TRUE;
    return servers->too_late
               ? error_set (error, ERR_OPERATION_TIMEOUT, "the server of an image does not answer in time")
               : error_set (error, ERR_OPERATION_ABORTED, "attaching images was given up");
}

gboolean
nbd_servers_add (NbdServers *servers, int pidfd, int dir, const char *file, GError **error)
{
    autolock pthread_mutex_t *held = lock_take (&servers->lock);
    UnderWay one;

    if (!not_ended (servers, error))
        return FALSE;
    one = (UnderWay) { .pidfd = fcntl (pidfd, F_DUPFD_CLOEXEC, 0), .dir = fcntl (dir, F_DUPFD_CLOEXEC, 0),
                       .file = g_strdup (file) };
    if (one.pidfd < 0 || one.dir < 0) {
        int saved = errno;

        under_way_clear (&one);
        return error_set_errno (error, saved, "cannot keep a descriptor of qemu-nbd");
    }
    g_array_append_val (servers->list, one);
    return TRUE;
}

void
nbd_servers_connected (NbdServers *servers, const char *file, guint32 index, char *backend)
{
    autolock pthread_mutex_t *held = lock_take (&servers->lock);

    for (guint i = 0; i < servers->list->len; i++) {
        UnderWay *one = &g_array_index (servers->list, UnderWay, i);

        if (!g_str_equal (one->file, file))
            continue;
        one->index = index;
        one->backend = g_steal_pointer (&backend);
        return;
    }
    g_free (backend);
}

void
nbd_servers_end (NbdServers *servers, gboolean too_late)
{
    autolock pthread_mutex_t *held = lock_take (&servers->lock);

    if (servers->settled)
        return;
    servers->too_late = servers->ended ? servers->too_late : too_late;
    servers->ended = TRUE;
    for (guint i = 0; i < servers->list->len; i++)
        pidfd_signal (g_array_index (servers->list, UnderWay, i).pidfd, SIGKILL);
}

gboolean
nbd_servers_ended (NbdServers *servers, GError **error)
{
    autolock pthread_mutex_t *held = lock_take (&servers->lock);

    return !not_ended (servers, error);
}

gboolean
nbd_servers_settle (NbdServers *servers, GError **error)
{
    /* the last thing that can fail; not under the lock, since it asks the kernel */
    for (guint i = 0; i < servers->list->len; i++) {
        const UnderWay *one = &g_array_index (servers->list, UnderWay, i);
        int r = one->backend ? nbd_kernel_be_patient (one->index, one->backend) : 0;

        if (r < 0 && !nbd_servers_ended (servers, error))
            return error_set_errno (error, -r, "Unable to configure an nbd device");
        if (r < 0)
            return FALSE;
    }
    {
        autolock pthread_mutex_t *held = lock_take (&servers->lock);

        if (!not_ended (servers, error))
            return FALSE;
        servers->settled = TRUE;
        g_array_set_size (servers->list, 0);
    }
    return TRUE;
}

/* ---- what a daemon that was killed has left */

static void
disconnect_left (guint index, const char *name, const char *file, gpointer data)
{
    (void) file;
    if (g_str_equal (name, data))
        nbd_kernel_disconnect (index);
}

/* It may hang: on the file, or on what it has been asked for by the kernel. */
static void
kill_left (const NbdProcess *process)
{
    autofd int pidfd = nbd_process_open (process);
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };

    if (pidfd < 0)
        return;
    pidfd_signal (pidfd, SIGKILL);
    if (poll (&ended, 1, LEFT_MS) <= 0)
        log_warning ("qemu-nbd %d, which an earlier daemon left, does not end when it is killed", (int) process->pid);
}

/* One whose process nobody knows may just begin to serve: it ends with the first client that has got so far. */
static void
end_left (int dir, const char *file)
{
    const gint64 deadline = g_get_monotonic_time () + LEFT_MS * 1000;
    char name[NBD_NAME_SIZE] = "";
    NbdProcess process;

    if (sscanf (file, NBD_FILE_READ, name, &process.pid, &process.start) == 3)
        kill_left (&process);
    nbd_each_device (disconnect_left, name);
    while (g_get_monotonic_time () < deadline) {
        autofd int sock = nbd_connect_to (dir, file);
        const NbdWait wait = { .sock = sock, .pidfd = -1, .deadline = deadline };
        NbdExport export;

        if (sock < 0)
            break;
        nbd_negotiate (&wait, &export);
        fd_close (&sock);
        g_usleep (10000);       /* for it to close its socket */
    }
    unlinkat (dir, file, 0);
    log_debug ("an image whose attaching was cut short has been released");
}

void
nbd_recover (const char *dir)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static gboolean done;       /* under it */
    autolock pthread_mutex_t *held = lock_take (&lock);
    g_autoptr (GDir) list = done ? NULL : g_dir_open (dir, 0, NULL);
    autofd int fd = list ? open (dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    const char *name;

    while (fd >= 0 && (name = g_dir_read_name (list)))
        end_left (fd, name);
    done = TRUE;
}
