/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server with a few procedures, driven by this thread's main loop, and raw sockets to it. */
#pragma once

#include <gtest/gtest.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <vector>

extern "C" {
#include "rpc/client.h"
#include "rpc/error_wire.h"
#include "rpc/packet.h"
#include "rpc/remote.h"
#include "rpc/server.h"
#include "util/error.h"
}

using Bytes = std::vector<guint8>;

inline void
put_word (Bytes &bytes, guint32 word)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes.push_back ((guint8) (word >> shift));
}

inline guint32
get_word (const Bytes &bytes, gsize index)
{
    const guint8 *p = bytes.data () + 4 * index;

    return (guint32) p[0] << 24 | (guint32) p[1] << 16 | (guint32) p[2] << 8 | p[3];
}

inline Bytes
words (std::initializer_list<guint32> list)
{
    Bytes bytes;

    for (guint32 word : list)
        put_word (bytes, word);
    return bytes;
}

/* Bytes from hexadecimal text with spaces. */
inline Bytes
hex (const char *text)
{
    Bytes bytes;

    for (; *text; text++)
        if (g_ascii_isxdigit (*text)) {
            bytes.push_back ((guint8) (g_ascii_xdigit_value (text[0]) << 4 | g_ascii_xdigit_value (text[1])));
            text++;
        }
    return bytes;
}

inline Bytes
operator+ (Bytes left, const Bytes &right)
{
    left.insert (left.end (), right.begin (), right.end ());
    return left;
}

/* A packet made by hand: none of the code under test. */
inline Bytes
raw_packet (guint32 program, guint32 version, gint32 procedure, gint32 type, guint32 serial, gint32 status,
            const Bytes &payload = {})
{
    return words ({ (guint32) (28 + payload.size ()), program, version, (guint32) procedure, (guint32) type,
                    serial, (guint32) status }) + payload;
}

inline Bytes
raw_call (gint32 procedure, guint32 serial = 0, const Bytes &payload = {})
{
    return raw_packet (RPC_PROGRAM_REMOTE, 1, procedure, PACKET_CALL, serial, PACKET_OK, payload);
}

class RpcServerTest : public ::testing::Test {
protected:
    RpcServer *server = nullptr;
    char *dir = nullptr;
    std::string path;
    RpcLimits limits = { 5000, 5, 5000, 5, 1024 * 1024 };
    std::vector<RpcCall *> pending;             /* calls of DOMAIN_SHUTDOWN: answered by the test */
    std::vector<RpcClient *> clients;
    RpcStream *stream = nullptr;
    RpcStreamHandlers stream_handlers = {};
    std::string stream_got;                     /* bytes from the client */
    bool stream_takes = true;
    int stream_closed = 0;                      /* 1 finished, 2 aborted */
    int stream_writable = 0;
    guint calls = 0;

    void
    SetUp () override
    {
        dir = g_dir_make_tmp ("skep-rpc-XXXXXX", nullptr);
        path = std::string (dir) + "/sock";
        stream_handlers.received = stream_on_data;
        stream_handlers.writable = stream_on_writable;
        stream_handlers.closed = stream_on_closed;
    }

    void
    TearDown () override
    {
        for (RpcCall *call : pending)
            rpc_call_reply (call, nullptr, nullptr);
        rpc_server_free (server);
        g_rmdir (dir);                          /* fails, and so shows, when something is left in it */
        EXPECT_NE (0, access (dir, F_OK));
        g_free (dir);
    }

    void
    start ()
    {
        RpcHandlers handlers = { on_call, on_client_new, on_client_gone };
        GError *error = nullptr;

        server = rpc_server_new (&limits, &handlers, this);
        rpc_server_add_program (server, RPC_PROGRAM_REMOTE, 1);
        rpc_server_add_program (server, RPC_PROGRAM_LXC, 1);
        ASSERT_TRUE (rpc_server_listen_unix (server, path.c_str (), 0700, (gid_t) -1, FALSE, &error))
            << error->message;
    }

    /* Runs the server until nothing happens for @quiet_ms. */
    static void
    pump (int quiet_ms = 20)
    {
        gint64 until = g_get_monotonic_time () + quiet_ms * 1000;

        while (g_get_monotonic_time () < until)
            if (g_main_context_iteration (nullptr, FALSE))
                until = g_get_monotonic_time () + quiet_ms * 1000;
            else
                g_usleep (200);
    }

    int
    dial () const
    {
        struct sockaddr_un address = {};
        int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        address.sun_family = AF_UNIX;
        g_strlcpy (address.sun_path, path.c_str (), sizeof address.sun_path);
        EXPECT_EQ (0, connect (fd, (struct sockaddr *) &address, sizeof address));
        return fd;
    }

    static void
    put (int fd, const Bytes &bytes)
    {
        gsize done = 0;

        while (done < bytes.size ()) {
            ssize_t n = send (fd, bytes.data () + done, bytes.size () - done, MSG_NOSIGNAL | MSG_DONTWAIT);

            if (n > 0)
                done += (gsize) n;
            else if (errno != EAGAIN)
                return;
            else
                g_main_context_iteration (nullptr, FALSE);
        }
    }

    /* Exactly @size bytes, or fewer at end of file or when nothing comes for two seconds. */
    static Bytes
    get (int fd, gsize size)
    {
        Bytes bytes (size);
        gsize done = 0;
        gint64 until = g_get_monotonic_time () + 2 * G_USEC_PER_SEC;

        while (done < size && g_get_monotonic_time () < until) {
            ssize_t n = recv (fd, bytes.data () + done, size - done, MSG_DONTWAIT);

            if (n == 0 || (n < 0 && errno != EAGAIN))
                break;
            if (n > 0)
                done += (gsize) n;
            else
                g_main_context_iteration (nullptr, FALSE);
        }
        bytes.resize (done);
        return bytes;
    }

    /* One whole packet; empty when the server closed the connection. */
    static Bytes
    get_packet (int fd)
    {
        Bytes length = get (fd, 4);

        if (length.size () < 4)
            return {};
        return length + get (fd, get_word (length, 0) - 4);
    }

    /* Nothing came, and the connection is still there. */
    static bool
    silent (int fd)
    {
        char byte;

        pump ();
        return recv (fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    }

    static bool
    closed (int fd)
    {
        char byte;

        pump ();
        return recv (fd, &byte, 1, MSG_DONTWAIT) == 0;
    }

    static void
    send_fd (int sock, int fd)
    {
        EXPECT_EQ (0, packet_send_fd (sock, fd));
    }

    /* ---- the server's side */

    static gboolean
    stream_on_data (RpcStream *, const void *data, gsize size, gpointer self_)
    {
        RpcServerTest *self = (RpcServerTest *) self_;

        self->stream_got.append ((const char *) data, size);
        return self->stream_takes;
    }

    static void
    stream_on_writable (RpcStream *, gpointer self)
    {
        ((RpcServerTest *) self)->stream_writable++;
    }

    static void
    stream_on_closed (RpcStream *, gboolean aborted, gpointer self_)
    {
        RpcServerTest *self = (RpcServerTest *) self_;

        self->stream_closed = aborted ? 2 : 1;
        self->stream = nullptr;
    }

    static void
    on_client_new (RpcClient *client, gpointer self)
    {
        ((RpcServerTest *) self)->clients.push_back (client);
    }

    static void
    on_client_gone (RpcClient *client, gpointer self_)
    {
        RpcServerTest *self = (RpcServerTest *) self_;

        for (gsize i = 0; i < self->clients.size (); i++)
            if (self->clients[i] == client)
                self->clients.erase (self->clients.begin () + (long) i);
    }

    static void
    on_call (RpcCall *call, gpointer self)
    {
        ((RpcServerTest *) self)->calls++;
        if (rpc_call_program (call) == RPC_PROGRAM_LXC)
            ((RpcServerTest *) self)->reply_with_fds (call, 2);
        else
            ((RpcServerTest *) self)->remote_call (call);
    }

    void
    reply_with_fds (RpcCall *call, guint n)
    {
        std::vector<int> fds;

        for (guint i = 0; i < n; i++)
            fds.push_back (dup (0));
        rpc_call_reply_fds (call, nullptr, nullptr, fds.data (), n);
        for (int fd : fds)
            close (fd);
    }

    void
    count_fds (RpcCall *call)
    {
        GArray *fds = rpc_call_take_fds (call);
        domain_create_xml_with_files_ret ret = {};
        char empty[] = "";

        ret.dom.name = empty;
        ret.dom.id = (int) fds->len;
        for (guint i = 0; i < fds->len; i++)
            close (g_array_index (fds, int, i));
        g_array_unref (fds);
        rpc_call_reply (call, (xdrproc_t) xdr_domain_create_xml_with_files_ret, &ret);
    }

    void
    echo_name (RpcCall *call)
    {
        domain_lookup_by_name_args args = {};
        domain_lookup_by_name_ret ret = {};
        GError *error = nullptr;

        if (rpc_call_args (call, (xdrproc_t) xdr_domain_lookup_by_name_args, &args, &error)) {
            ret.dom.name = args.name;
            ret.dom.id = 7;
            rpc_call_reply (call, (xdrproc_t) xdr_domain_lookup_by_name_ret, &ret);
        } else
            rpc_call_error (call, error);
        g_clear_error (&error);
        xdr_free ((xdrproc_t) xdr_domain_lookup_by_name_args, (char *) &args);
    }

    void
    node_info (RpcCall *call)
    {
        node_get_info_ret ret = {};

        g_strlcpy (ret.model, "x86_64", sizeof ret.model);
        ret.memory = 8;
        ret.cpus = 2;
        rpc_call_reply (call, (xdrproc_t) xdr_node_get_info_ret, &ret);
    }

    void
    domain_info (RpcCall *call)
    {
        domain_get_info_ret ret = {};

        ret.state = 1;
        ret.maxMem = 2;
        ret.memory = 3;
        ret.nrVirtCpu = 4;
        ret.cpuTime = 5;
        rpc_call_reply (call, (xdrproc_t) xdr_domain_get_info_ret, &ret);
    }

    void
    remote_call (RpcCall *call)
    {
        connect_get_version_ret version = { 6018044 };
        GError *error = nullptr;

        switch (rpc_call_procedure (call)) {
        case REMOTE_PROC_CONNECT_CLOSE:
            rpc_client_close_after_reply (rpc_call_client (call));
            rpc_call_reply (call, nullptr, nullptr);
            break;
        case REMOTE_PROC_CONNECT_GET_VERSION:
            rpc_call_reply (call, (xdrproc_t) xdr_connect_get_version_ret, &version);
            break;
        case REMOTE_PROC_CONNECT_SUPPORTS_FEATURE:
            rpc_client_enable_keepalive (rpc_call_client (call));
            rpc_call_reply (call, nullptr, nullptr);
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
            pending.push_back (call);
            break;
        case REMOTE_PROC_DOMAIN_CREATE_XML_WITH_FILES:
            count_fds (call);
            break;
        case REMOTE_PROC_DOMAIN_OPEN_CONSOLE:
            stream = rpc_stream_open (call, &stream_handlers, this);
            rpc_call_reply (call, nullptr, nullptr);
            break;
        default:
            error_set_from (&error, ORIGIN_RPC, ERR_RPC, "unknown procedure: %d", rpc_call_procedure (call));
            rpc_call_error (call, error);
            g_error_free (error);
        }
    }
};
