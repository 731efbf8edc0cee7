/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/nbd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "host/nbd_private.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"
#include "util/spawn.h"

#define BACKEND "skep"          /* the kernel keeps "skep NAME FILE" with a device */
#define BACKEND_MAX 800         /* with a longer path: without it */
#define MODPROBE_MS 20000
#define DEATH_MS 2000

/* ---- what this host has */

static gboolean
has_devices (void)
{
    return node_exists ("/sys/block/nbd0");
}

gboolean
nbd_in_kernel (void)
{
    struct utsname uts;
    g_autofree char *path = NULL, *list = NULL;

    if (has_devices ())
        return TRUE;
    if (uname (&uts) < 0)
        return FALSE;
    path = g_strdup_printf ("%s/lib/modules/%s/modules.dep", node_root, uts.release);
    return g_file_get_contents (path, &list, NULL, NULL) && strstr (list, "/nbd.ko");
}

char *
nbd_find_program (const char *configured)
{
    if (configured)
        return access (configured, X_OK) == 0 ? g_strdup (configured) : NULL;
    return g_find_program_in_path ("qemu-nbd");
}

static gboolean
load_module (const char *file, GError **error)
{
    g_autofree char *modprobe = node_read ("/proc/sys/kernel/modprobe");
    const char *argv[] = { modprobe, "nbd", NULL };
    SpawnArgs args = { .argv = argv };
    g_autofree char *said = NULL;
    g_autoptr (GError) why = NULL;

    if (has_devices ())
        return TRUE;
    if (modprobe && *modprobe && !spawn_run (&args, NULL, MODPROBE_MS, NULL, NULL, &said, &why))
        said = g_strdup (why->message);
    if (has_devices ())
        return TRUE;
    return error_set (error, ERR_CONFIG_UNSUPPORTED, "image '%s' needs nbd devices, which this kernel does not have: "
                      "%s", file, said && *g_strchomp (said) ? said : "there is no module nbd");
}

/* ---- the socket of one that is under way */

/* By way of the directory's descriptor: the path itself may be too long for a socket's. */
static void
fill_address (struct sockaddr_un *address, int dir, const char *name)
{
    *address = (struct sockaddr_un) { .sun_family = AF_UNIX };
    g_snprintf (address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", dir, name);
}

static int
open_dir (const char *path, GError **error)
{
    int fd = -1;

    if (dir_make (path, 0700, error)) {
        fd = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            error_set_errno (error, errno, "Unable to open %s", path);
    }
    return fd;
}

int
nbd_connect_to (int dir, const char *name)
{
    autofd int sock = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address;

    fill_address (&address, dir, name);
    if (sock < 0 || connect (sock, (const struct sockaddr *) &address, sizeof address) < 0)
        return -1;
    return fd_steal (&sock);
}

/* ---- one attachment */

typedef struct {
    const NbdImage *image;
    int dir;
    char name[NBD_NAME_SIZE];
    char file[NBD_FILE_SIZE];   /* in it */
    int sock;                   /* to qemu-nbd; in its queue before it runs */
    int pidfd, said;            /* its process, its standard error */
    pid_t pid;
    NbdWait wait;
} Attach;

static void
reaped (pid_t pid, int wait_status, gpointer data)
{
    (void) pid;
    (void) wait_status;
    (void) data;
}

/* It serves nobody: nothing of the image is lost. */
static void
kill_server (Attach *attach)
{
    struct pollfd ended = { .fd = attach->pidfd, .events = POLLIN };

    if (attach->pidfd < 0)
        return;
    pidfd_signal (attach->pidfd, SIGKILL);
    if (poll (&ended, 1, DEATH_MS) > 0) {
        while (waitpid (attach->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        fd_close (&attach->pidfd);
    } else {
        spawn_watch (attach->pid, fd_steal (&attach->pidfd), reaped, NULL);
    }
}

static void
attach_clear (Attach *attach)
{
    fd_close (&attach->sock);
    kill_server (attach);
    fd_close (&attach->said);
    if (attach->dir >= 0 && *attach->file)
        unlinkat (attach->dir, attach->file, 0);
    fd_close (&attach->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Attach, attach_clear)

/* The first connection is ours before anybody else can be told of the socket. */
static gboolean
make_socket (Attach *attach, int *ret_listener, GError **error)
{
    autofd int listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;

    g_snprintf (attach->name, sizeof attach->name, "%08x%08x", g_random_int (), g_random_int ());
    g_strlcpy (attach->file, attach->name, sizeof attach->file);
    fill_address (&address, attach->dir, attach->file);
    if (listener < 0 || bind (listener, (const struct sockaddr *) &address, sizeof address) < 0
        || listen (listener, 1) < 0 || (attach->sock = nbd_connect_to (attach->dir, attach->file)) < 0)
        return error_set_errno (error, errno, "cannot make a socket for qemu-nbd");
    *ret_listener = fd_steal (&listener);
    return TRUE;
}

static gboolean
spawn_server (Attach *attach, const char *program, GError **error)
{
    const NbdImage *image = attach->image;
    /* a socket that is given has to be claimed with one's own pid, which only the process itself knows */
    const char *argv[] = { "/bin/sh", "-c", "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\"", "sh", program,
                           "--format", image->format, "--discard=unmap",
                           image->no_cache ? "--cache=none" : "--cache=writeback",
                           image->readonly ? "--read-only" : "--shared=1", "--", image->file, NULL };
    autofd int listener = -1, their_end = -1;
    int pipe_fds[2];
    SpawnFd fds[2] = { { -1, 3 }, { -1, STDERR_FILENO } };
    SpawnArgs args = { .argv = argv, .fds = fds, .n_fds = G_N_ELEMENTS (fds), .new_session = TRUE };

    if (!make_socket (attach, &listener, error))
        return FALSE;
    if (pipe2 (pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return error_set_errno (error, errno, "cannot make pipes for %s", program);
    attach->said = pipe_fds[0];
    their_end = fds[1].from = pipe_fds[1];
    fds[0].from = listener;
    return spawn_start (&args, &attach->pid, &attach->pidfd, error);
}

/* From now on others can end it: this daemon's main loop, and a later daemon by the file's name. */
static gboolean
show_server (Attach *attach, const NbdServer *server, GError **error)
{
    const NbdProcess process = { attach->pid, node_process_start (attach->pid) };
    char file[NBD_FILE_SIZE];

    g_snprintf (file, sizeof file, NBD_FILE_WRITTEN, attach->name, process.pid, process.start);
    if (renameat (attach->dir, attach->file, attach->dir, file) < 0)
        return error_set_errno (error, errno, "cannot name the socket of qemu-nbd");
    g_strlcpy (attach->file, file, sizeof attach->file);
    return nbd_servers_add (server->servers, attach->pidfd, attach->dir, attach->file, error);
}

/* What qemu-nbd says before it ends, or that it does not come so far. */
static gboolean
server_error (const Attach *attach, NbdWaited waited, GError **error)
{
    struct pollfd ended = { .fd = attach->pidfd, .events = POLLIN };
    char said[512];
    ssize_t n;

    switch (waited) {
    case NBD_TOO_LATE:
        return error_set (error, ERR_OPERATION_TIMEOUT, "Unable to attach %s: qemu-nbd is not ready in time",
                          attach->image->file);
    case NBD_NOT_UNDERSTOOD:
        return error_set (error, ERR_OPERATION_FAILED, "Unable to attach %s: qemu-nbd is too old, or none",
                          attach->image->file);
    default:
        break;
    }
    poll (&ended, 1, DEATH_MS);
    n = read (attach->said, said, sizeof said - 1);
    said[MAX (n, 0)] = '\0';
    g_strdelimit (g_strchomp (said), "\n", ' ');
    return error_set (error, ERR_OPERATION_FAILED, "Unable to attach %s: %s", attach->image->file,
                      *said ? said : "qemu-nbd ended");
}

/* The device lasts without us from the connection on, until it is tied to its openers. Opening it reads partitions,
 * which nothing interrupts, not even our death: hence the kernel's own deadline. */
static gboolean
connect_device (Attach *attach, const NbdServer *server, const NbdExport *export, char **ret_path, int *ret_fd,
                GError **error)
{
    g_autofree char *backend = g_strdup_printf (BACKEND " %s %s", attach->name, attach->image->file);
    g_autofree char *path = NULL;
    autofd int device = -1;
    guint32 index;
    int r;

    if (strlen (backend) > BACKEND_MAX)
        backend[strlen (BACKEND) + 1 + strlen (attach->name)] = '\0';
    r = nbd_kernel_connect (attach->sock, export, backend, MAX (server->deadline_ms / 1000, 1), &index);
    if (r == -ENOENT)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "the kernel's nbd devices cannot be had in this network "
                          "namespace, only in the host's own");
    if (r < 0)
        return error_set_errno (error, -r, "Unable to attach %s to an nbd device", attach->image->file);
    path = g_strdup_printf ("/dev/nbd%u", index);
    device = open (path, (attach->image->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    r = device < 0 ? -errno : nbd_kernel_tie (index, backend);
    if (r < 0) {
        nbd_kernel_disconnect (index);
        return error_set_errno (error, -r, "Unable to open %s", path);
    }
    nbd_servers_connected (server->servers, attach->file, index, g_steal_pointer (&backend));
    *ret_path = g_steal_pointer (&path);
    *ret_fd = fd_steal (&device);
    return TRUE;
}

gboolean
nbd_attach (const NbdServer *server, const NbdImage *image, char **ret_path, int *ret_fd,
            NbdProcess *ret_process, GError **error)
{
    g_auto (Attach) attach = { .image = image, .dir = -1, .sock = -1, .pidfd = -1, .said = -1 };
    NbdExport export;
    NbdWaited waited;

    if (!server->program)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "image '%s' needs qemu-nbd, which is not installed",
                          image->file);
    if (!load_module (image->file, error))
        return FALSE;
    nbd_recover (server->dir);
    attach.dir = open_dir (server->dir, error);
    if (attach.dir < 0 || !spawn_server (&attach, server->program, error) || !show_server (&attach, server, error))
        return FALSE;
    attach.wait = (NbdWait) { .sock = attach.sock, .pidfd = attach.pidfd,
                              .deadline = g_get_monotonic_time () + (gint64) server->deadline_ms * 1000 };
    waited = nbd_negotiate (&attach.wait, &export);
    if (waited != NBD_READY)
        return server_error (&attach, waited, error);
    if (!connect_device (&attach, server, &export, ret_path, ret_fd, error))
        return FALSE;
    *ret_process = (NbdProcess) { attach.pid, node_process_start (attach.pid) };
    spawn_watch (attach.pid, fd_steal (&attach.pidfd), reaped, NULL);
    *attach.file = '\0';        /* its file is the list's */
    return TRUE;
}

int
nbd_process_open (const NbdProcess *process)
{
    autofd int pidfd = process->start == node_process_start (process->pid) ? pidfd_of (process->pid) : -1;

    /* read again with the pidfd in hand, which holds the number */
    return pidfd >= 0 && process->start == node_process_start (process->pid) ? fd_steal (&pidfd) : -1;
}

gboolean
nbd_process_wait (const NbdProcess *process, guint ms)
{
    autofd int pidfd = nbd_process_open (process);
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };

    return pidfd < 0 || poll (&ended, 1, (int) ms) > 0;
}

gboolean
nbd_process_over (const NbdProcess *process)
{
    return nbd_process_wait (process, 0);
}

/* ---- the kernel's list */

void
nbd_each_device (NbdVisit visit, gpointer data)
{
    g_autofree char *path = g_strconcat (node_root, "/sys/block", NULL);
    g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
    const char *device;

    while (dir && (device = g_dir_read_name (dir))) {
        g_autofree char *backend = g_str_has_prefix (device, "nbd") ? node_read ("/sys/block/%s/backend", device)
                                                                    : NULL;
        g_auto (GStrv) words = backend ? g_strsplit (backend, " ", 3) : NULL;

        if (words && g_strv_length (words) >= 2 && g_str_equal (words[0], BACKEND))
            visit ((guint) g_ascii_strtoull (device + strlen ("nbd"), NULL, 10), words[1], words[2], data);
    }
}

static void
add_file (guint index, const char *name, const char *file, gpointer data)
{
    g_autofree char *number = node_read ("/sys/block/nbd%u/dev", index);
    guint device_major, device_minor;

    (void) name;
    if (file && number && sscanf (number, "%u:%u", &device_major, &device_minor) == 2)
        g_hash_table_replace (data, g_strdup (file), GSIZE_TO_POINTER (makedev (device_major, device_minor)));
}

void
nbd_add_files (GHashTable *files)
{
    nbd_each_device (add_file, files);
}
