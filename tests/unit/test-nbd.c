/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images through nbd, as far as no kernel is needed: the handshake with servers of all kinds, which files the
 * kernel's devices hold, what is said where something is missing. The rest: tests/vm/nbd.sh. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/eventfd.h>
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
#define SOON (10 * G_USEC_PER_SEC)

/* What a server says at once, without looking at what it is told. */
static NbdWaited
negotiate (const void *says, gsize size, gboolean hangs, NbdExport *ret, char *told, gsize told_size)
{
    autofd int ours = -1, theirs = -1, cancel = -1;
    NbdWait wait = { .pidfd = -1, .cancel = -1, .deadline = g_get_monotonic_time () + SOON };
    NbdWaited result;
    int pair[2];

    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    wait.sock = ours = pair[0];
    theirs = pair[1];
    g_assert_cmpint (fd_write_all (theirs, says, size), ==, 0);
    if (hangs)
        wait.cancel = cancel = eventfd (1, EFD_CLOEXEC);
    else
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
    g_assert_cmpint (negotiate (good, 20, TRUE, &export, NULL, 0), ==, NBD_GIVEN_UP);
    g_assert_cmpint (negotiate (oldstyle, sizeof oldstyle - 1, FALSE, &export, NULL, 0), ==, NBD_NOT_UNDERSTOOD);
    g_assert_cmpint (negotiate (fixed, sizeof fixed - 1, FALSE, &export, NULL, 0), ==, NBD_NOT_UNDERSTOOD);
    g_assert_cmpuint (export.size, ==, 7);
}

static void
test_deadline (void)
{
    int pair[2];
    NbdWait wait = { .pidfd = -1, .cancel = -1, .deadline = g_get_monotonic_time () + 1000 };
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
    NbdServer server = { .dir = (char *) "/nonexistent", .cancel = -1, .deadline_ms = 1000 };
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
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/nbd/handshake", test_handshake);
    g_test_add_func ("/nbd/padding", test_padding);
    g_test_add_func ("/nbd/bad-servers", test_bad_servers);
    g_test_add_func ("/nbd/deadline", test_deadline);
    g_test_add_func ("/nbd/files", test_files);
    g_test_add_func ("/nbd/missing", test_missing);
    g_test_add_func ("/nbd/process", test_process);
    g_test_add_func ("/nbd/process-wait", test_process_wait);
    return g_test_run ();
}
