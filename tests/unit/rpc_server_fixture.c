/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc_server_fixture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define QUIET_LOOKS 5
#define PATIENCE_US (120 * G_USEC_PER_SEC)

/* ---- streams, the server's side */

static gboolean
stream_received (RpcStream *stream, const void *data, gsize size, gpointer t_)
{
    RpcTest *t = t_;

    if (t->stream_echoes)
        return rpc_stream_send (stream, data, size);
    g_string_append_len (t->stream_got, data, (gssize) size);
    return t->stream_takes;
}

static void
stream_writable (RpcStream *stream, gpointer t_)
{
    RpcTest *t = t_;

    t->stream_writable++;
    if (t->stream_echoes)
        rpc_stream_resume (stream);
}

static void
stream_closed (RpcStream *stream, gboolean aborted, gpointer t_)
{
    RpcTest *t = t_;

    (void) stream;
    t->stream_closed = aborted ? 2 : 1;
    t->stream = NULL;
}

/* ---- calls, the server's side */

static void
reply_with_fds (RpcCall *call)
{
    int fds[] = { dup (0), dup (0) };

    rpc_call_reply_fds (call, NULL, NULL, fds, 2);
    close (fds[0]);
    close (fds[1]);
}

static void
count_fds (RpcCall *call)
{
    g_autoptr (GArray) fds = rpc_call_take_fds (call);
    domain_create_xml_with_files_ret ret = { .dom = { .name = (char *) "", .id = (int) fds->len } };

    for (guint i = 0; i < fds->len; i++)
        close (g_array_index (fds, int, i));
    rpc_call_reply (call, (xdrproc_t) xdr_domain_create_xml_with_files_ret, &ret);
}

static void
echo_name (RpcCall *call)
{
    domain_lookup_by_name_args args = { 0 };
    domain_lookup_by_name_ret ret = { .dom = { .id = 7 } };
    g_autoptr (GError) error = NULL;

    if (rpc_call_args (call, (xdrproc_t) xdr_domain_lookup_by_name_args, &args, &error)) {
        ret.dom.name = args.name;
        rpc_call_reply (call, (xdrproc_t) xdr_domain_lookup_by_name_ret, &ret);
    } else
        rpc_call_error (call, error);
    xdr_free ((xdrproc_t) xdr_domain_lookup_by_name_args, (char *) &args);
}

static void
node_info (RpcCall *call)
{
    node_get_info_ret ret = { .memory = 8, .cpus = 2 };

    g_strlcpy (ret.model, "x86_64", sizeof ret.model);
    rpc_call_reply (call, (xdrproc_t) xdr_node_get_info_ret, &ret);
}

static void
domain_info (RpcCall *call)
{
    domain_get_info_ret ret = {
        .state = 1, .maxMem = 2, .memory = 3, .nrVirtCpu = 4, .cpuTime = 5,
    };

    rpc_call_reply (call, (xdrproc_t) xdr_domain_get_info_ret, &ret);
}

static void
unknown_call (RpcCall *call)
{
    g_autoptr (GError) error = NULL;

    error_set_from (&error, ORIGIN_RPC, ERR_RPC, "unknown procedure: %d",
                    rpc_call_procedure (call));
    rpc_call_error (call, error);
}

static void
remote_call (RpcTest *t, RpcCall *call)
{
    connect_get_version_ret version = { 6018044 };

    switch (rpc_call_procedure (call)) {
    case REMOTE_PROC_CONNECT_CLOSE:
        rpc_client_close_after_reply (rpc_call_client (call));
        rpc_call_reply (call, NULL, NULL);
        break;
    case REMOTE_PROC_CONNECT_GET_VERSION:
        rpc_call_reply (call, (xdrproc_t) xdr_connect_get_version_ret, &version);
        break;
    case REMOTE_PROC_CONNECT_SUPPORTS_FEATURE:
        rpc_client_enable_keepalive (rpc_call_client (call));
        rpc_call_reply (call, NULL, NULL);
        break;
    case REMOTE_PROC_NODE_GET_INFO:
        node_info (call);
        break;
    case REMOTE_PROC_DOMAIN_GET_INFO:
        domain_info (call);
        break;
    case REMOTE_PROC_DOMAIN_LOOKUP_BY_NAME:
        echo_name (call);
        break;
    case REMOTE_PROC_DOMAIN_SHUTDOWN:
        g_ptr_array_add (t->pending, call);
        break;
    case REMOTE_PROC_DOMAIN_CREATE_XML_WITH_FILES:
        count_fds (call);
        break;
    case REMOTE_PROC_DOMAIN_OPEN_CONSOLE:
        t->stream = rpc_stream_open (call, &t->stream_handlers, t);
        rpc_call_reply (call, NULL, NULL);
        break;
    default:
        unknown_call (call);
    }
}

static void
on_call (RpcCall *call, gpointer t_)
{
    RpcTest *t = t_;

    t->calls++;
    if (rpc_call_program (call) == RPC_PROGRAM_LXC)
        reply_with_fds (call);
    else
        remote_call (t, call);
}

static void
on_client_new (RpcClient *client, gpointer t)
{
    g_ptr_array_add (((RpcTest *) t)->clients, client);
}

static void
on_client_gone (RpcClient *client, gpointer t)
{
    g_assert_true (g_ptr_array_remove (((RpcTest *) t)->clients, client));
}

/* ---- life */

RpcTest *
test_new (void)
{
    RpcTest *t = g_new0 (RpcTest, 1);

    t->dir = g_dir_make_tmp ("skep-rpc-XXXXXX", NULL);
    t->path = g_build_filename (t->dir, "sock", NULL);
    t->limits = (RpcLimits) {
        .max_clients = 5000, .max_client_requests = 5, .keepalive_ms = 5000, .keepalive_count = 5,
        .max_client_output = 1024 * 1024,
    };
    t->pending = g_ptr_array_new ();
    t->clients = g_ptr_array_new ();
    t->fd = -1;
    t->stream_handlers = (RpcStreamHandlers) {
        .received = stream_received, .writable = stream_writable, .closed = stream_closed,
    };
    t->stream_got = g_string_new (NULL);
    t->stream_takes = TRUE;
    return t;
}

RpcTest *
test_new_started (void)
{
    RpcTest *t = test_new ();

    test_start (t);
    t->fd = test_dial (t);
    return t;
}

void
test_free (RpcTest *t)
{
    rpc_connection_free (t->conn);
    if (t->thread) {
        g_atomic_int_set (&t->stop, 1);
        g_thread_join (t->thread);
    }
    if (t->fd >= 0)
        close (t->fd);
    test_answer_all (t);
    rpc_server_free (t->server);
    g_assert_cmpuint (t->clients->len, ==, 0);
    g_assert_cmpint (g_rmdir (t->dir), ==, 0);          /* nothing is left in it */
    g_ptr_array_unref (t->pending);
    g_ptr_array_unref (t->clients);
    g_string_free (t->stream_got, TRUE);
    g_free (t->path);
    g_free (t->dir);
    g_free (t);
}

void
test_start (RpcTest *t)
{
    static const RpcHandlers handlers = { on_call, on_client_new, on_client_gone };
    g_autoptr (GError) error = NULL;

    t->server = rpc_server_new (&t->limits, &handlers, t);
    rpc_server_add_program (t->server, RPC_PROGRAM_REMOTE, 1);
    rpc_server_add_program (t->server, RPC_PROGRAM_LXC, 1);
    rpc_server_listen_unix (t->server, t->path, 0700, (gid_t) -1, FALSE, &error);
    g_assert_no_error (error);
}

void
test_pump (int quiet_ms)
{
    gint64 until = g_get_monotonic_time () + quiet_ms * 1000;

    /* so many looks at least: this process may have stood still for all of the time */
    for (guint quiet = 0; quiet < QUIET_LOOKS || g_get_monotonic_time () < until; quiet++)
        if (g_main_context_iteration (NULL, FALSE)) {
            until = g_get_monotonic_time () + quiet_ms * 1000;
            quiet = 0;
        } else
            g_usleep (200);
}

void
test_answer (RpcTest *t, guint index)
{
    rpc_call_reply (g_ptr_array_remove_index (t->pending, index), NULL, NULL);
}

void
test_answer_all (RpcTest *t)
{
    while (t->pending->len > 0)
        test_answer (t, 0);
}

/* ---- the raw client's side */

int
test_dial (RpcTest *t)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    g_strlcpy (address.sun_path, t->path, sizeof address.sun_path);
    g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
    return fd;
}

void
test_put (int fd, const Bytes *bytes)
{
    gsize done = 0;

    while (done < bytes->len) {
        ssize_t n = send (fd, bytes->data + done, bytes->len - done, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
            done += (gsize) n;
        else if (errno != EAGAIN)
            return;
        else
            g_main_context_iteration (NULL, FALSE);
    }
}

Bytes *
test_get (int fd, gsize size)
{
    Bytes *bytes = bytes_of (NULL, 0);
    gint64 until = g_get_monotonic_time () + PATIENCE_US;
    guint8 room[65536];

    while (bytes->len < size && g_get_monotonic_time () < until) {
        ssize_t n = recv (fd, room, MIN (sizeof room, size - bytes->len), MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        if (n > 0)
            g_byte_array_append (bytes, room, (guint) n);
        else
            g_main_context_iteration (NULL, FALSE);
    }
    return bytes;
}

Bytes *
test_get_packet (int fd)
{
    Bytes *packet = test_get (fd, 4);

    if (packet->len < 4)
        return bytes_of (NULL, 0);
    bytes_append (packet, test_get (fd, bytes_word (packet, 0) - 4));
    return packet;
}

gboolean
test_silent (int fd)
{
    char byte;

    test_pump (20);
    return recv (fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

gboolean
test_closed (int fd)
{
    char byte;

    test_pump (20);
    return recv (fd, &byte, 1, MSG_DONTWAIT) == 0;
}

guint
test_open_fds (void)
{
    g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
    guint n = 0;

    while (g_dir_read_name (dir))
        n++;
    return n;
}
