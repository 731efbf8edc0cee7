/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images through nbd, as far as no kernel is needed: the handshake with servers of all kinds, which files the
 * kernel's devices hold, what is said where something is missing. The rest: tests/vm/nbd.sh. */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/block.h"
#include "host/nbd_private.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"

#define GREETING "NBDMAGICIHAVEOPT\0"
#define EXPORT "\0\0\0\0\1\0\0\2\0\5"     /* 16 MiB and two bytes, flags 5 */
#define SOON (120 * G_USEC_PER_SEC)

/* What a server says at once, without looking at what it is told. */
static NbdWaited
negotiate (const void *says, gsize size, gboolean hangs, NbdExport *ret, char *told, gsize told_size)
{
    autofd int ours = -1, theirs = -1;
    NbdWait wait = { .pidfd = -1, .deadline = g_get_monotonic_time () + (hangs ? 1000 : SOON) };
    NbdWaited result;
    int pair[2];

    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    wait.sock = ours = pair[0];
    theirs = pair[1];
    g_assert_cmpint (fd_write_all (theirs, says, size), ==, 0);
    if (!hangs)
        g_assert_cmpint (shutdown (theirs, SHUT_WR), ==, 0);
    result = nbd_negotiate (&wait, ret);
    fd_close (&ours);
    if (told)
        g_assert_cmpint (fd_read_all (theirs, told, told_size), ==, (ssize_t) told_size);
    return result;
}

static void
test_handshake (void)
{
    static const char plain[] = GREETING "\3" EXPORT;
    static const char wanted[] = "\0\0\0\3IHAVEOPT\0\0\0\1\0\0\0";
    NbdExport export = { 0 };
    char told[sizeof wanted];

    g_assert_cmpint (negotiate (plain, sizeof plain - 1, FALSE, &export, told, sizeof told), ==, NBD_READY);
    g_assert_cmpuint (export.size, ==, (16 << 20) + 2);
    g_assert_cmpuint (export.flags, ==, 5);
    g_assert_cmpmem (told, sizeof told, wanted, sizeof wanted);
}

static void
test_padding (void)
{
    char says[18 + 10 + 124] = { 0 };
    NbdExport export = { 0 };

    memcpy (says, GREETING "\1" EXPORT, 28);
    g_assert_cmpint (negotiate (says, sizeof says, FALSE, &export, NULL, 0), ==, NBD_READY);
    g_assert_cmpuint (export.flags, ==, 5);
    g_assert_cmpint (negotiate (says, sizeof says - 1, FALSE, &export, NULL, 0), ==, NBD_SERVER_ENDED);
}

static void
test_bad_servers (void)
{
    static const char good[] = GREETING "\3" EXPORT;
    static const char oldstyle[] = "NBDMAGIC\0\0\x42\x02\x81\x86\x12\x53\0\3", fixed[] = GREETING "\2" EXPORT;
    NbdExport export = { .size = 7 };

    for (gsize cut = 0; cut < sizeof good - 1; cut++)
        g_assert_cmpint (negotiate (good, cut, FALSE, &export, NULL, 0), ==, NBD_SERVER_ENDED);
    g_assert_cmpint (negotiate (good, 20, TRUE, &export, NULL, 0), ==, NBD_TOO_LATE);
    g_assert_cmpint (negotiate (oldstyle, sizeof oldstyle - 1, FALSE, &export, NULL, 0), ==, NBD_NOT_UNDERSTOOD);
    g_assert_cmpint (negotiate (fixed, sizeof fixed - 1, FALSE, &export, NULL, 0), ==, NBD_NOT_UNDERSTOOD);
    g_assert_cmpuint (export.size, ==, 7);
}

static void
test_deadline (void)
{
    int pair[2];
    NbdWait wait = { .pidfd = -1, .deadline = g_get_monotonic_time () + 1000 };
    NbdExport export;

    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    wait.sock = pair[0];
    g_assert_cmpint (nbd_negotiate (&wait, &export), ==, NBD_TOO_LATE);
    close (pair[0]);
    close (pair[1]);
}

/* ---- the host */

static void
put (const char *path, const char *text)
{
    g_autofree char *full = g_strconcat (node_root, path, NULL), *dir = g_path_get_dirname (full);

    g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
    g_assert_true (g_file_set_contents (full, text, -1, NULL));
}

static void
test_files (void)
{
    g_autofree char *root = g_dir_make_tmp ("skep-nbd-XXXXXX", NULL);
    g_autofree char *remove = g_strconcat ("rm -rf ", root, NULL);
    g_autoptr (GHashTable) files = NULL;

    node_root = root;
    put ("/sys/block/loop3/loop/backing_file", "/images/raw\n");
    put ("/sys/block/loop3/dev", "7:3\n");
    put ("/sys/block/nbd2/backend", "skep 0123456789abcdef /images/with blanks.qcow2\n");
    put ("/sys/block/nbd2/dev", "43:64\n");
    put ("/sys/block/nbd3/backend", "somebody's /images/other\n");
    put ("/sys/block/nbd3/dev", "43:96\n");
    put ("/sys/block/nbd4/backend", "skep 0123456789abcdee\n");     /* of a path that was too long */
    put ("/sys/block/nbd5/dev", "43:160\n");
    files = block_loops ();
    g_assert_cmpuint (g_hash_table_size (files), ==, 2);
    g_assert_cmpuint (GPOINTER_TO_SIZE (g_hash_table_lookup (files, "/images/with blanks.qcow2")), ==,
                      makedev (43, 64));
    g_assert_cmpuint (GPOINTER_TO_SIZE (g_hash_table_lookup (files, "/images/raw")), ==, makedev (7, 3));
    g_assert_false (nbd_in_kernel ());
    put ("/sys/block/nbd0/dev", "43:0\n");
    g_assert_true (nbd_in_kernel ());
    node_root = "";
    g_assert_true (g_spawn_command_line_sync (remove, NULL, NULL, NULL, NULL));
}

static void
test_missing (void)
{
    const NbdImage image = { .file = "/images/a", .format = "qcow2" };
    NbdServer server = { .dir = (char *) "/nonexistent", .deadline_ms = 1000 };
    g_autoptr (GError) error = NULL;
    g_autofree char *path = NULL;
    g_autofree char *root = g_dir_make_tmp ("skep-nbd-XXXXXX", NULL);
    NbdProcess process;
    int fd;

    g_assert_false (nbd_attach (&server, &image, &path, &fd, &process, &error));
    g_assert_cmpint (error->code, ==, ERR_CONFIG_UNSUPPORTED);
    g_assert_cmpstr (error->message, ==, "image '/images/a' needs qemu-nbd, which is not installed");
    g_clear_error (&error);
    /* (a host without a kernel to ask) */
    node_root = root;
    server.program = (char *) "/bin/true";
    g_assert_false (nbd_attach (&server, &image, &path, &fd, &process, &error));
    node_root = "";
    g_assert_cmpint (error->code, ==, ERR_CONFIG_UNSUPPORTED);
    g_assert_cmpstr (error->message, ==, "image '/images/a' needs nbd devices, which this kernel does not have: there "
                                         "is no module nbd");
    g_assert_null (nbd_find_program ("/nonexistent/qemu-nbd"));
    rmdir (root);
}

/* ---- servers that are under way */

#define SILENT "#!/bin/sh\necho $$ >%s/new; mv %s/new %s/pid; exec sleep 1000\n"

typedef struct {
    char *root, *dir, *program, *pid;
    NbdServer server;
} Silent;

/* A host with the kernel's driver, and a server that says nothing. */
static void
silent_init (Silent *silent)
{
    g_autofree char *script = NULL;

    silent->root = g_dir_make_tmp ("skep-nbd-XXXXXX", NULL);
    silent->dir = g_strconcat (silent->root, "/run", NULL);
    silent->program = g_strconcat (silent->root, "/server", NULL);
    silent->pid = g_strconcat (silent->root, "/pid", NULL);
    silent->server = (NbdServer) { .program = silent->program, .dir = silent->dir, .servers = nbd_servers_new (),
                                   .deadline_ms = 60000 };
    script = g_strdup_printf (SILENT, silent->root, silent->root, silent->root);
    g_assert_true (g_file_set_contents_full (silent->program, script, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
    node_root = silent->root;
    put ("/sys/block/nbd0/dev", "43:0\n");
}

static void
silent_clear (Silent *silent)
{
    g_autofree char *remove = g_strconcat ("rm -rf ", silent->root, NULL);

    node_root = "";
    g_assert_true (g_spawn_command_line_sync (remove, NULL, NULL, NULL, NULL));
    nbd_servers_unref (silent->server.servers);
    g_free (silent->root);
    g_free (silent->dir);
    g_free (silent->program);
    g_free (silent->pid);
}

/* Its process, once its program runs. */
static pid_t
silent_pid (const Silent *silent)
{
    g_autofree char *text = NULL;

    while (!g_file_get_contents (silent->pid, &text, NULL, NULL))
        g_usleep (1000);
    return (pid_t) atoi (text);
}

static guint
files_in (const char *path)
{
    g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
    guint n = 0;

    g_assert_nonnull (dir);
    while (g_dir_read_name (dir))
        n++;
    return n;
}

static gpointer
end_when_it_runs (gpointer data)
{
    Silent *silent = data;

    silent_pid (silent);
    nbd_servers_end (silent->server.servers, FALSE);
    return NULL;
}

static void
expect_given_up (Silent *silent)
{
    const NbdImage image = { .file = "/images/a", .format = "qcow2" };
    g_autoptr (GError) error = NULL, why = NULL;
    g_autofree char *path = NULL;
    NbdProcess process;
    int fd;

    g_assert_false (nbd_attach (&silent->server, &image, &path, &fd, &process, &error));
    g_assert_nonnull (error);
    g_assert_true (nbd_servers_ended (silent->server.servers, &why));
    g_assert_error (why, SKEP_ERROR, ERR_OPERATION_ABORTED);
    g_assert_cmpstr (why->message, ==, "attaching images was given up");
    g_assert_cmpint (kill (silent_pid (silent), 0), ==, -1);
    g_assert_cmpuint (files_in (silent->dir), ==, 0);
}

/* Ended by another thread long before its deadline; and what begins after that does not come so far. */
static void
test_ended (void)
{
    Silent silent;
    GThread *thread;
    g_autoptr (GError) error = NULL;

    silent_init (&silent);
    thread = g_thread_new (NULL, end_when_it_runs, &silent);
    expect_given_up (&silent);
    g_thread_join (thread);
    expect_given_up (&silent);
    nbd_servers_end (silent.server.servers, TRUE);  /* the first reason stays */
    g_assert_false (nbd_servers_settle (silent.server.servers, &error));
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_ABORTED);
    silent_clear (&silent);
}

/* Another process, as a daemon that attaches is, and the one after it. */
static int
other_daemon (const char *verb, char *root)
{
    const NbdImage image = { .file = "/images/a", .format = "qcow2" };
    g_autofree char *dir = g_strconcat (root, "/run", NULL), *program = g_strconcat (root, "/server", NULL);
    g_autofree char *path = NULL;
    NbdServer server = { .program = program, .dir = dir, .deadline_ms = 600000 };
    NbdProcess process;
    int fd;

    node_root = root;
    if (g_str_equal (verb, "--recover")) {
        nbd_recover (dir);
        return 0;
    }
    server.servers = nbd_servers_new ();
    return nbd_attach (&server, &image, &path, &fd, &process, NULL);
}

static GPid
other_start (const char *verb, const char *root)
{
    const char *argv[] = { "/proc/self/exe", verb, root, NULL };
    g_autoptr (GError) error = NULL;
    GPid pid;

    g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error);
    g_assert_no_error (error);
    return pid;
}

/* Its server has a name by its process, from soon after its begin. */
static gboolean
is_named (const Silent *silent)
{
    g_autofree char *end = g_strdup_printf (".%d.%" G_GUINT64_FORMAT, silent_pid (silent),
                                            node_process_start (silent_pid (silent)));
    g_autoptr (GDir) dir = g_dir_open (silent->dir, 0, NULL);
    const char *name = g_dir_read_name (dir);

    return name && g_str_has_suffix (name, end);
}

/* The daemon dies while a server hangs: the next one ends that. */
static void
test_left (void)
{
    Silent silent;
    NbdProcess server;
    GPid pid;
    int status;

    silent_init (&silent);
    pid = other_start ("--attach", silent.root);
    server = (NbdProcess) { .pid = silent_pid (&silent) };
    server.start = node_process_start (server.pid);
    while (!is_named (&silent))
        g_usleep (1000);
    g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
    g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
    g_assert_true (WIFSIGNALED (status));
    g_assert_false (nbd_process_over (&server));
    pid = other_start ("--recover", silent.root);
    g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
    g_assert_cmpint (status, ==, 0);
    g_assert_true (nbd_process_wait (&server, 60000));
    g_assert_cmpuint (files_in (silent.dir), ==, 0);
    silent_clear (&silent);
}

static void
test_process (void)
{
    NbdProcess process = { getpid (), node_process_start (getpid ()) };

    g_assert_false (nbd_process_over (&process));
    process.start++;        /* its number is somebody else's now */
    g_assert_true (nbd_process_over (&process));
}

static void
test_process_wait (void)
{
    const char *argv[] = { "/bin/cat", NULL };
    int pipe_fds[2];
    GPid pid;
    NbdProcess process;

    g_assert_true (g_spawn_async_with_pipes (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid,
                                             &pipe_fds[0], &pipe_fds[1], NULL, NULL));
    process = (NbdProcess) { pid, node_process_start (pid) };
    g_assert_false (nbd_process_wait (&process, 20));
    fd_close (&pipe_fds[0]);        /* its end follows at some time */
    g_assert_true (nbd_process_wait (&process, 60000));
    g_assert_true (nbd_process_over (&process));
    g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
    fd_close (&pipe_fds[1]);
}

int
main (int argc, char **argv)
{
    if (argc == 3 && (g_str_equal (argv[1], "--attach") || g_str_equal (argv[1], "--recover")))
        return other_daemon (argv[1], argv[2]);
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/nbd/handshake", test_handshake);
    g_test_add_func ("/nbd/padding", test_padding);
    g_test_add_func ("/nbd/bad-servers", test_bad_servers);
    g_test_add_func ("/nbd/deadline", test_deadline);
    g_test_add_func ("/nbd/files", test_files);
    g_test_add_func ("/nbd/missing", test_missing);
    g_test_add_func ("/nbd/ended", test_ended);
    g_test_add_func ("/nbd/left", test_left);
    g_test_add_func ("/nbd/process", test_process);
    g_test_add_func ("/nbd/process-wait", test_process_wait);
    return g_test_run ();
}
