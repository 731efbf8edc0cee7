/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our own client against our own server, which runs in a thread. */
#include "rpc_fixture.h"

namespace {

class RpcClientTest : public RpcServerTest {
protected:
    GThread *thread = nullptr;
    gint stop = 0;
    RpcConnection *conn = nullptr;

    static gpointer
    serve (gpointer self_)
    {
        RpcClientTest *self = (RpcClientTest *) self_;

        while (!g_atomic_int_get (&self->stop))
            if (!g_main_context_iteration (nullptr, FALSE))
                g_usleep (100);
        return nullptr;
    }

    void
    SetUp () override
    {
        GError *error = nullptr;

        RpcServerTest::SetUp ();
        start ();
        thread = g_thread_new ("server", serve, this);
        conn = rpc_connect_unix (path.c_str (), &error);
        ASSERT_NE (nullptr, conn);
    }

    void
    TearDown () override
    {
        rpc_connection_free (conn);
        g_atomic_int_set (&stop, 1);
        g_thread_join (thread);
        RpcServerTest::TearDown ();
    }

    bool
    call (int procedure, xdrproc_t encode, void *args, xdrproc_t decode, void *ret, GError **error)
    {
        return rpc_connection_call (conn, RPC_PROGRAM_REMOTE, procedure, encode, args, decode, ret, nullptr, 0,
                                    nullptr, error);
    }
};

TEST_F (RpcClientTest, CallAndError)
{
    connect_get_version_ret version = {};
    char name[] = "abc";
    domain_lookup_by_name_args args = { name };
    domain_lookup_by_name_ret ret = {};
    GError *error = nullptr;

    ASSERT_TRUE (call (4, nullptr, nullptr, (xdrproc_t) xdr_connect_get_version_ret, &version, &error));
    EXPECT_EQ (6018044u, version.hv_ver);
    EXPECT_EQ (0u, rpc_connection_last_serial (conn));
    ASSERT_TRUE (call (23, (xdrproc_t) xdr_domain_lookup_by_name_args, &args,
                       (xdrproc_t) xdr_domain_lookup_by_name_ret, &ret, &error));
    EXPECT_STREQ ("abc", ret.dom.name);
    EXPECT_EQ (7, ret.dom.id);
    xdr_free ((xdrproc_t) xdr_domain_lookup_by_name_ret, (char *) &ret);
    EXPECT_FALSE (call (444, nullptr, nullptr, nullptr, nullptr, &error));
    ASSERT_NE (nullptr, error);
    EXPECT_EQ (ERR_NO_SUPPORT, error->code);
    EXPECT_STREQ ("unknown procedure: 444", error->message);
    g_clear_error (&error);
}

TEST_F (RpcClientTest, DescriptorsBothWays)
{
    int fds[32];
    domain_create_xml_with_files_ret ret = {};
    GArray *got = g_array_new (FALSE, FALSE, sizeof (int));
    GError *error = nullptr;

    for (int &fd : fds)
        fd = 0;
    ASSERT_TRUE (rpc_connection_call (conn, RPC_PROGRAM_REMOTE, 309, nullptr, nullptr,
                                      (xdrproc_t) xdr_domain_create_xml_with_files_ret, &ret, fds, 32, nullptr,
                                      &error));
    EXPECT_EQ (32, ret.dom.id);
    xdr_free ((xdrproc_t) xdr_domain_create_xml_with_files_ret, (char *) &ret);
    ASSERT_TRUE (rpc_connection_call (conn, RPC_PROGRAM_LXC, 1, nullptr, nullptr, nullptr, nullptr, nullptr, 0,
                                      got, &error));
    ASSERT_EQ (2u, got->len);
    for (guint i = 0; i < got->len; i++)
        EXPECT_EQ (0, close (g_array_index (got, int, i)));
    g_array_unref (got);
    EXPECT_FALSE (rpc_connection_call (conn, RPC_PROGRAM_LXC, 1, nullptr, nullptr, nullptr, nullptr, fds, 33,
                                       nullptr, &error));
    g_clear_error (&error);
}

TEST_F (RpcClientTest, StreamOfAMegabyte)
{
    std::string data (1000000, 'x');
    GError *error = nullptr;

    ASSERT_TRUE (call (201, nullptr, nullptr, nullptr, nullptr, &error));
    guint32 serial = rpc_connection_last_serial (conn);
    ASSERT_TRUE (rpc_connection_stream_send (conn, RPC_PROGRAM_REMOTE, 201, serial, data.data (), data.size (),
                                             &error));
    ASSERT_TRUE (rpc_connection_stream_finish (conn, RPC_PROGRAM_REMOTE, 201, serial, FALSE, &error));
    /* the confirmation is on its way before the handler is told; the next reply comes after both */
    EXPECT_FALSE (call (444, nullptr, nullptr, nullptr, nullptr, nullptr));
    EXPECT_EQ (data, stream_got);
    EXPECT_EQ (1, stream_closed);
    ASSERT_TRUE (call (201, nullptr, nullptr, nullptr, nullptr, &error));
    serial = rpc_connection_last_serial (conn);
    void *piece = nullptr;
    EXPECT_EQ (-1, rpc_connection_stream_receive (conn, serial, &piece, 50, &error));
    EXPECT_EQ (ERR_OPERATION_TIMEOUT, error->code);
    g_clear_error (&error);
    ASSERT_TRUE (rpc_connection_stream_finish (conn, RPC_PROGRAM_REMOTE, 201, serial, TRUE, &error));
    EXPECT_FALSE (call (444, nullptr, nullptr, nullptr, nullptr, nullptr));
    EXPECT_EQ (2, stream_closed);
}

TEST_F (RpcClientTest, TheServerGoes)
{
    GError *error = nullptr;

    ASSERT_TRUE (call (2, nullptr, nullptr, nullptr, nullptr, &error));
    EXPECT_FALSE (call (4, nullptr, nullptr, nullptr, nullptr, &error));
    ASSERT_NE (nullptr, error);
    EXPECT_EQ (ERR_RPC, error->code);
    EXPECT_TRUE (g_str_has_prefix (error->message, "connection to the daemon is lost")) << error->message;
    g_clear_error (&error);
    EXPECT_FALSE (rpc_connection_dispatch (conn, 0, &error));
    g_clear_error (&error);
}

TEST (RpcConnect, NobodyListens)
{
    GError *error = nullptr;

    EXPECT_EQ (nullptr, rpc_connect_unix ("/nonexistent/sock", &error));
    ASSERT_NE (nullptr, error);
    EXPECT_EQ (ERR_SYSTEM, error->code);
    EXPECT_STREQ ("cannot connect to '/nonexistent/sock': No such file or directory", error->message);
    g_clear_error (&error);
}

}
