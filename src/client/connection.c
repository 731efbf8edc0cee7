/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding the socket, opening the connection, calling. */
#include "client/client_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config.h"

#define DEFAULT_URI      "lxc:///system"
#define SKEP_SOCKET_NAME SKEP_RUN_DIR "/skep-sock"
#define LIBVIRT_SOCKET   "/run/libvirt/virtlxcd-sock"

void
skep_error_clear (SkepError *error)
{
    if (!error)
        return;
    free (error->message);
    memset (error, 0, sizeof *error);
}

bool
client_fail (SkepError *to, GError *from)
{
    if (to) {
        skep_error_clear (to);
        to->code = from && from->domain == SKEP_ERROR ? from->code : ERR_INTERNAL;
        to->domain = from ? (int) error_origin (from) : ORIGIN_NONE;
        to->message = g_strdup (from ? from->message : "the call failed without an error");
    }
    g_clear_error (&from);
    return false;
}

bool
client_fail_with (SkepError *to, ErrorCode code, ErrorOrigin origin, const char *format, ...)
{
    va_list args;

    if (!to)
        return false;
    skep_error_clear (to);
    to->code = (int) code;
    to->domain = (int) origin;
    va_start (args, format);
    to->message = g_strdup_vprintf (format, args);
    va_end (args);
    return false;
}

bool_t
client_none (XDR *xdr, ...)
{
    (void) xdr;
    return TRUE;
}

bool
client_call (SkepConnection *conn, guint32 program, int procedure, xdrproc_t encode, const void *in,
             xdrproc_t decode, void *out, const int *fds, unsigned n_fds, GArray *ret_fds,
             SkepError *error)
{
    GError *failure = NULL;

    if (rpc_connection_call (conn->rpc, program, procedure, encode, in, decode, out, fds, n_fds,
                             ret_fds, &failure))
        return true;
    return client_fail (error, failure);
}

char *
client_chars (const char *chars, unsigned n)
{
    return g_strndup (chars ? chars : "", chars ? strnlen (chars, n) : 0);
}

/* ---- URIs ---- */

static char *
query_value (const char *query, const char *name)
{
    g_autoptr (GHashTable) params = NULL;

    if (!query)
        return NULL;
    params = g_uri_parse_params (query, -1, "&;", G_URI_PARAMS_NONE, NULL);
    return params ? g_strdup (g_hash_table_lookup (params, name)) : NULL;
}

static bool
fail_no_driver (const char *uri, const char *why, SkepError *error)
{
    return client_fail_with (error, ERR_NO_CONNECT, ORIGIN_NONE,
                             "no connection driver available for %s: %s", uri, why);
}

/* The socket that @uri names in *ret_socket, NULL for the default one. */
static bool
socket_of_uri (const char *uri, char **ret_socket, SkepError *error)
{
    g_autofree char *scheme = NULL, *host = NULL, *query = NULL;

    if (!g_uri_split (uri, G_URI_FLAGS_ENCODED, &scheme, NULL, &host, NULL, NULL, &query, NULL,
                      NULL)
        || !scheme)
        return fail_no_driver (uri, "it is not a URI", error);
    if (strcmp (scheme, "lxc") != 0 && strcmp (scheme, "lxc+unix") != 0)
        return fail_no_driver (uri, "its scheme is neither lxc nor lxc+unix", error);
    if (host && *host)
        return fail_no_driver (uri, "remote hosts are not supported", error);
    *ret_socket = query_value (query, "socket");
    return true;
}

/* What goes into CONNECT_OPEN: the URI without transport and client-side parameters. The path is
 * left to the daemon, which refuses those it does not know. */
static char *
wire_uri (const char *uri)
{
    g_autofree char *path = NULL;

    g_uri_split (uri, G_URI_FLAGS_ENCODED, NULL, NULL, NULL, NULL, &path, NULL, NULL, NULL);
    return g_strdup_printf ("lxc://%s", path ? path : "");
}

static char *
default_socket (unsigned flags)
{
    static const char *const base[] = { SKEP_SOCKET_NAME, LIBVIRT_SOCKET };

    for (unsigned i = 0; i < G_N_ELEMENTS (base); i++) {
        g_autofree char *path = g_strconcat (base[i], flags & SKEP_CONNECT_READONLY ? "-ro" : "",
                                             NULL);

        if (g_file_test (path, G_FILE_TEST_EXISTS))
            return g_steal_pointer (&path);
    }
    return g_strconcat (base[0], flags & SKEP_CONNECT_READONLY ? "-ro" : "", NULL);
}

/* ---- Opening ---- */

/* Root and sockets guarded by their mode need no authentication; polkit asks its agent. */
static bool
authenticate (SkepConnection *conn, SkepError *error)
{
    auth_list_ret list = { 0 };
    auth_polkit_ret polkit = { 0 };
    int kind;

    if (!CLIENT_CALL_GET (conn, AUTH_LIST, auth_list, &list, error))
        return false;
    kind = list.types.types_len ? (int) list.types.types_val[0] : 0;
    CLIENT_FREE (auth_list, &list);
    if (kind == 0)
        return true;
    if (kind != 2)
        return client_fail_with (
            error, ERR_AUTH_FAILED, ORIGIN_AUTH,
            "authentication failed: the daemon asks for SASL, which libskep lacks");
    return CLIENT_CALL_GET (conn, AUTH_POLKIT, auth_polkit, &polkit, error);
}

static bool
open_driver (SkepConnection *conn, SkepError *error)
{
    char *name = conn->uri;
    connect_open_args in = { .name = &name, .flags = conn->readonly ? 1 : 0 };

    return authenticate (conn, error)
        && CLIENT_CALL_VOID (conn, CONNECT_OPEN, connect_open, &in, error);
}

static SkepConnection *
connect_to (const char *socket_path, const char *uri, unsigned flags, SkepError *error)
{
    GError *failure = NULL;
    SkepConnection *conn;
    RpcConnection *rpc = rpc_connect_unix (socket_path, &failure);

    if (!rpc) {
        client_fail (error, failure);
        return NULL;
    }
    conn = g_new0 (SkepConnection, 1);
    conn->rpc = rpc;
    conn->socket = g_strdup (socket_path);
    conn->uri = g_strdup (uri);
    conn->readonly = flags & SKEP_CONNECT_READONLY;
    rpc_connection_on_event (rpc, client_event_received, conn);
    if (!open_driver (conn, error)) {
        conn->gone = true; /* nothing is open: no farewell */
        skep_disconnect (conn);
        return NULL;
    }
    return conn;
}

SkepConnection *
skep_connect_socket (const char *path, unsigned flags, SkepError *error)
{
    return connect_to (path, DEFAULT_URI, flags, error);
}

SkepConnection *
skep_connect (const char *uri, unsigned flags, SkepError *error)
{
    g_autofree char *path = NULL;
    g_autofree char *name = NULL;

    if (!uri && g_getenv ("SKEP_SOCKET"))
        return skep_connect_socket (g_getenv ("SKEP_SOCKET"), flags, error);
    if (!uri)
        uri = g_getenv ("SKEP_URI");
    if (!uri)
        uri = DEFAULT_URI;
    if (!socket_of_uri (uri, &path, error))
        return NULL;
    if (!path)
        path = default_socket (flags);
    name = wire_uri (uri);
    return connect_to (path, name, flags, error);
}

void
skep_disconnect (SkepConnection *conn)
{
    if (!conn)
        return;
    if (!conn->gone && skep_connection_alive (conn))
        client_call (conn, RPC_PROGRAM_REMOTE, REMOTE_PROC_CONNECT_CLOSE, client_none, NULL,
                     client_none, NULL, NULL, 0, NULL, NULL);
    rpc_connection_free (conn->rpc);
    g_free (conn->socket);
    g_free (conn->uri);
    g_free (conn);
}

/* What reaches this daemon again: with its socket unless that is a default one. */
char *
skep_connection_uri (SkepConnection *conn, SkepError *error)
{
    g_autofree char *usual = default_socket (conn->readonly ? SKEP_CONNECT_READONLY : 0);
    g_autofree char *socket_path = NULL;

    (void) error;
    if (strcmp (usual, conn->socket) == 0)
        return g_strdup (conn->uri);
    socket_path = g_uri_escape_string (conn->socket, "/", FALSE);
    return g_strdup_printf ("lxc+unix%s?socket=%s", conn->uri + strlen ("lxc"), socket_path);
}

const char *
skep_connection_socket (const SkepConnection *conn)
{
    return conn->socket;
}

bool
skep_connection_readonly (const SkepConnection *conn)
{
    return conn->readonly;
}

int
skep_connection_fd (const SkepConnection *conn)
{
    return rpc_connection_fd (conn->rpc);
}

bool
skep_connection_alive (const SkepConnection *conn)
{
    char byte;
    ssize_t got;

    if (conn->gone)
        return false;
    got = recv (rpc_connection_fd (conn->rpc), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool
skep_dispatch (SkepConnection *conn, int timeout_ms, SkepError *error)
{
    GError *failure = NULL;

    if (rpc_connection_dispatch (conn->rpc, timeout_ms, &failure))
        return true;
    conn->gone = true;
    return client_fail (error, failure);
}
