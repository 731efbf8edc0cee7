/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Console streams: packets that carry the serial of the call which opened them. */
#include "client/client_private.h"

struct SkepStream {
    SkepConnection *conn;
    guint32 serial;
    bool ended; /* the other side finished or failed: nothing may be sent any more */
};

SkepStream *
skep_domain_open_console (SkepDomain *domain, const char *device, unsigned flags, SkepError *error)
{
    char *name = (char *) device;
    domain_open_console_args in = { .dom = client_wire_domain (domain),
                                    .dev_name = CLIENT_STRING (name),
                                    .flags = flags };
    SkepStream *stream;

    if (!CLIENT_CALL_VOID (domain->conn, DOMAIN_OPEN_CONSOLE, domain_open_console, &in, error))
        return NULL;
    stream = g_new0 (SkepStream, 1);
    stream->conn = domain->conn;
    stream->serial = rpc_connection_last_serial (domain->conn->rpc);
    return stream;
}

ptrdiff_t
skep_stream_receive (SkepStream *stream, void **ret_data, int timeout_ms, SkepError *error)
{
    GError *failure = NULL;
    gssize got = rpc_connection_stream_receive (stream->conn->rpc, stream->serial, ret_data,
                                                timeout_ms, &failure);

    if (got >= 0)
        return got;
    if (g_error_matches (failure, SKEP_ERROR, ERR_OPERATION_TIMEOUT)) {
        g_error_free (failure);
        return -2;
    }
    stream->ended = true;
    client_fail (error, failure);
    return -1;
}

bool
skep_stream_send (SkepStream *stream, const void *data, size_t size, SkepError *error)
{
    GError *failure = NULL;

    if (rpc_connection_stream_send (stream->conn->rpc, RPC_PROGRAM_REMOTE,
                                    REMOTE_PROC_DOMAIN_OPEN_CONSOLE, stream->serial, data, size,
                                    &failure))
        return true;
    return client_fail (error, failure);
}

void
skep_stream_close (SkepStream *stream, bool abort_it)
{
    if (!stream)
        return;
    if (!stream->ended)
        rpc_connection_stream_finish (stream->conn->rpc, RPC_PROGRAM_REMOTE,
                                      REMOTE_PROC_DOMAIN_OPEN_CONSOLE, stream->serial, abort_it,
                                      NULL);
    g_free (stream);
}
