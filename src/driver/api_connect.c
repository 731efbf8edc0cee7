/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client's connection: who it is, what it opens, what it may ask us. */
#include <string.h>

#include "driver/api.h"
#include "driver/params.h"
#include "host/node.h"

#define OPEN_READONLY 1u /* the other known flags are affairs of session daemons */

/* The level of libvirt's API that the table of procedures was made for; clients look here for what
 * a daemon can do, so Skep's own version would mislead them. */
#define LIBVIRT_LEVEL (9 * 1000000 + 0 * 1000 + 0)

/* Numbers of CONNECT_SUPPORTS_FEATURE that are answered with yes. */
enum {
    FEATURE_FD_PASSING = 8,
    FEATURE_TYPED_PARAM_STRING = 9,
    FEATURE_KEEPALIVE = 10,
    FEATURE_EVENT_CALLBACK = 14,
    FEATURE_CLOSE_CALLBACK = 15,
    FEATURE_NETWORK_UPDATE_ORDER = 16,
};

ApiResult
api_auth_list (Call *call, const none *in, auth_list_ret *out, GError **error)
{
    (void) in;
    (void) error;
    out->types.types_val = g_new0 (wire_auth_type, 1);
    out->types.types_val[0] = WIRE_AUTH_NONE;
    out->types.types_len = 1;
    call->client->authenticated = TRUE;
    return API_DONE;
}

/*
 * lxc:PATH[?QUERY] with an empty host, as clients send it after removing what is theirs. Gives the
 * URI as the client will be told it is.
 */
static gboolean
uri_accept (const char *name, char **ret_uri, GError **error)
{
    const char *rest, *end;
    g_autofree char *path = NULL;

    if (!name || !*name) {
        *ret_uri = g_strdup ("lxc:///system");
        return TRUE;
    }
    if (g_ascii_strncasecmp (name, "lxc:", 4) != 0)
        return error_set_from (error, ORIGIN_NONE, ERR_NO_CONNECT, "%s", name);
    rest = name + 4;
    if (g_str_has_prefix (rest, "//")) {
        rest += 2;
        if (*rest && *rest != '/' && *rest != '?' && *rest != '#') /* somebody else's host */
            return error_set_from (error, ORIGIN_NONE, ERR_NO_CONNECT, "%s", name);
    }
    end = rest + strcspn (rest, "?#");
    path = g_strndup (rest, (gsize) (end - rest));
    if (*path && strcmp (path, "/") != 0 && strcmp (path, "/system") != 0)
        return error_set (error, ERR_INTERNAL, "Unexpected LXC URI path '%s', try lxc:///system",
                          path);
    *ret_uri = g_strconcat ("lxc://", rest, NULL);
    return TRUE;
}

ApiResult
api_connect_open (Call *call, const connect_open_args *in, none *out, GError **error)
{
    Client *client = call->client;

    (void) out;
    if (!client->authenticated) {
        error_set_from (error, ORIGIN_RPC, ERR_RPC, "authentication required");
        return API_FAILED;
    }
    if (client->open) {
        error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "connection already open");
        return API_FAILED;
    }
    if (!uri_accept (wire_text (in->name), &client->uri, error))
        return API_FAILED;
    if (in->flags & OPEN_READONLY)
        rpc_client_set_readonly (client->rpc);
    client->open = TRUE;
    return API_DONE;
}

ApiResult
api_connect_close (Call *call, const none *in, none *out, GError **error)
{
    (void) in;
    (void) out;
    (void) error;
    rpc_client_close_after_reply (call->client->rpc);
    return API_DONE;
}

ApiResult
api_connect_supports_feature (Call *call, const connect_supports_feature_args *in,
                              connect_supports_feature_ret *out, GError **error)
{
    switch (in->feature) {
    case FEATURE_KEEPALIVE: /* asked for before the connection is open */
        rpc_client_enable_keepalive (call->client->rpc);
        out->supported = 1;
        return API_DONE;
    case FEATURE_FD_PASSING:
    case FEATURE_TYPED_PARAM_STRING:
    case FEATURE_EVENT_CALLBACK:
    case FEATURE_CLOSE_CALLBACK:
    case FEATURE_NETWORK_UPDATE_ORDER:
        out->supported = 1;
        break;
    default:
        out->supported = 0;
    }
    if (call->client->open)
        return API_DONE;
    error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "connection not open");
    return API_FAILED;
}

ApiResult
api_connect_get_uri (Call *call, const none *in, connect_get_uri_ret *out, GError **error)
{
    (void) in;
    (void) error;
    out->uri = g_strdup (call->client->uri);
    return API_DONE;
}

ApiResult
api_connect_get_type (Call *call, const none *in, connect_get_type_ret *out, GError **error)
{
    (void) call;
    (void) in;
    (void) error;
    out->type = g_strdup ("LXC");
    return API_DONE;
}

/* The hypervisor of a container is the kernel. */
ApiResult
api_connect_get_version (Call *call, const none *in, connect_get_version_ret *out, GError **error)
{
    (void) call;
    (void) in;
    out->hv_ver = node_hypervisor_version (error);
    return out->hv_ver ? API_DONE : API_FAILED;
}

ApiResult
api_connect_get_lib_version (Call *call, const none *in, connect_get_lib_version_ret *out,
                             GError **error)
{
    (void) call;
    (void) in;
    (void) error;
    out->lib_ver = LIBVIRT_LEVEL;
    return API_DONE;
}

/* A UNIX socket does not leave the host. */
ApiResult
api_connect_is_secure (Call *call, const none *in, connect_is_secure_ret *out, GError **error)
{
    (void) call;
    (void) in;
    (void) error;
    out->secure = 1;
    return API_DONE;
}

/* Clients take the answer as a promise that they are told when the daemon's own upstream goes;
 * there is none, so nothing is to be remembered. The end of the connection tells the rest. */
ApiResult
api_connect_register_close_callback (Call *call, const none *in, none *out, GError **error)
{
    (void) call;
    (void) in;
    (void) out;
    (void) error;
    return API_DONE;
}

ApiResult
api_connect_unregister_close_callback (Call *call, const none *in, none *out, GError **error)
{
    (void) call;
    (void) in;
    (void) out;
    (void) error;
    return API_DONE;
}

/* A proxy daemon that runs as root says for whom it speaks. Checked; nothing is decided by it,
 * since the sockets' modes have decided already. */
ApiResult
api_connect_set_identity (Call *call, const connect_set_identity_args *in, none *out,
                          GError **error)
{
    static const ParamSpec specs[] = {
        { "user-name", PARAM_STRING },       { "unix-user-id", PARAM_ULLONG },
        { "group-name", PARAM_STRING },      { "unix-group-id", PARAM_ULLONG },
        { "process-id", PARAM_LLONG },       { "process-time", PARAM_ULLONG },
        { "sasl-user-name", PARAM_STRING },  { "x509-distinguished-name", PARAM_STRING },
        { "selinux-context", PARAM_STRING },
    };
    const RpcPeer *peer = rpc_client_peer (call->client->rpc);

    (void) out;
    if (!peer || peer->uid != 0) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_DENIED,
                        "only root may speak for somebody else");
        return API_FAILED;
    }
    return params_check (in->params.params_val, in->params.params_len, specs, G_N_ELEMENTS (specs),
                         error)
               ? API_DONE
               : API_FAILED;
}
