/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sockets that the server makes, or is given. */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc_server_fixture.h"

static int
socket_at (const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy (address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
    return fd;
}

static void
assert_cannot_listen (RpcTest *t, const char *path, const char *why)
{
    g_autoptr (GError) error = NULL;

    g_assert_false (rpc_server_listen_unix (t->server, path, 0700, (gid_t) -1, FALSE, &error));
    g_assert_nonnull (strstr (error->message, why));
}

static guint
mode_of (const char *path)
{
    struct stat st;

    g_assert_cmpint (stat (path, &st), ==, 0);
    return st.st_mode & 07777;
}

/* A stale one is replaced, a live one and a file are not. */
static void
test_sockets_on_disk (RpcTest *t)
{
    g_autofree char *ro = g_strconcat (t->path, "-ro", NULL);
    g_autofree char *plain = g_strconcat (t->path, "-file", NULL);
    g_autofree char *longer = g_strnfill (200, 'x');
    g_autoptr (GError) error = NULL;

    close (socket_at (t->path));
    test_start (t);
    g_assert_cmpuint (mode_of (t->path), ==, 0700);
    assert_cannot_listen (t, t->path, "another daemon listens on");

    rpc_server_listen_unix (t->server, ro, 0777, getegid (), TRUE, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (mode_of (ro), ==, 0777);
    g_free (t->path);
    t->path = g_steal_pointer (&ro);
    t->fd = test_dial (t);
    test_pump (20);
    g_assert_cmpuint (t->clients->len, ==, 1);
    g_assert_true (rpc_client_readonly (t->clients->pdata[0]));

    g_assert_true (g_file_set_contents (plain, "x", 1, NULL));
    assert_cannot_listen (t, plain, "is not a socket");
    g_unlink (plain);
    assert_cannot_listen (t, longer, "is too long");
}

static void
test_foreign_socket (RpcTest *t)
{
    test_start (t);
    g_assert_cmpint (g_unlink (t->path), ==, 0);
    g_assert_true (g_file_set_contents (t->path, "x", 1, NULL));
    g_clear_pointer (&t->server, rpc_server_free);
    g_assert_cmpint (g_unlink (t->path), ==, 0);
}

static void
test_abstract (RpcTest *t)
{
    g_autofree char *name = g_strconcat ("@", t->path, NULL);
    g_autoptr (GError) error = NULL;

    test_start (t);
    rpc_server_listen_unix (t->server, name, 0700, (gid_t) -1, FALSE, &error);
    g_assert_no_error (error);
    t->conn = rpc_connect_unix (name, &error);
    g_assert_no_error (error);
    test_pump (20);
    g_assert_cmpuint (t->clients->len, ==, 1);
}

static void
test_inherited (RpcTest *t)
{
    g_autofree char *path = g_strconcat (t->path, "-in", NULL);
    g_autoptr (GError) error = NULL;
    int listening = socket_at (path);

    test_start (t);
    g_assert_false (rpc_server_listen_fd (t->server, listening, FALSE, &error));
    g_assert_error (error, SKEP_ERROR, ERR_INVALID_ARG);
    g_clear_error (&error);
    g_assert_cmpint (listen (listening, 5), ==, 0);
    rpc_server_listen_fd (t->server, listening, TRUE, &error);
    g_assert_no_error (error);
    g_free (t->path);
    t->path = g_strdup (path);
    t->fd = test_dial (t);
    test_put (t->fd, raw_call (4, 0, NULL));
    g_assert_cmpuint (test_get_packet (t->fd)->len, ==, 36);
    g_clear_pointer (&t->server, rpc_server_free);
    g_assert_cmpint (g_unlink (path), ==, 0);           /* was there still */
}

static const RpcCase cases[] = {
    { "sockets-on-disk", test_sockets_on_disk },
    { "somebody-elses-socket-is-not-unlinked", test_foreign_socket },
    { "abstract-sockets", test_abstract },
    { "inherited-sockets", test_inherited },
};

int
main (int argc, char **argv)
{
    return rpc_cases_run (argc, argv, "/rpc/sockets", cases, G_N_ELEMENTS (cases), test_new,
                          test_free);
}
