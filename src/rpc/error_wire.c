/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/error_wire.h"

#include <string.h>

#include "rpc/remote.h"
#include "util/error.h"

#define LEVEL_ERROR 2
#define DETAIL_MAX  65536       /* bytes; a detail may quote what a client sent */

/* What libvirt's clients print before the detail; a code without a row has the detail alone. */
static const struct {
    ErrorCode code;
    const char *pattern;
} templates[] = {
    { ERR_INTERNAL, "internal error: %s" },
    { ERR_NO_MEMORY, "out of memory: %s" },
    { ERR_NO_SUPPORT, "this function is not supported by the connection driver: %s" },
    { ERR_NO_CONNECT, "no connection driver available for %s" },
    { ERR_INVALID_ARG, "invalid argument: %s" },
    { ERR_OPERATION_FAILED, "operation failed: %s" },
    { ERR_OS_TYPE, "unknown OS type %s" },
    { ERR_NO_SOURCE, "missing source information for device %s" },
    { ERR_NO_TARGET, "missing target information for device %s" },
    { ERR_NO_NAME, "missing name information in %s" },
    { ERR_XML, "XML error: %s" },
    { ERR_DOM_EXIST, "domain %s exists already" },
    { ERR_OPERATION_DENIED, "operation forbidden: %s" },
    { ERR_CONF_SYNTAX, "configuration file syntax error: %s" },
    { ERR_NO_DOMAIN, "Domain not found: %s" },
    { ERR_NO_NETWORK, "Network not found: %s" },
    { ERR_INVALID_MAC, "malformed mac address: %s" },
    { ERR_AUTH_FAILED, "authentication failed: %s" },
    { ERR_NO_STORAGE_POOL, "Storage pool not found: %s" },
    { ERR_NO_STORAGE_VOL, "Storage volume not found: %s" },
    { ERR_NO_NODE_DEVICE, "Node device not found: %s" },
    { ERR_OPERATION_INVALID, "Requested operation is not valid: %s" },
    { ERR_NO_INTERFACE, "Interface not found: %s" },
    { ERR_NO_NWFILTER, "Network filter not found: %s" },
    { ERR_NO_SECRET, "Secret not found: %s" },
    { ERR_CONFIG_UNSUPPORTED, "unsupported configuration: %s" },
    { ERR_OPERATION_TIMEOUT, "Timed out during operation: %s" },
    { ERR_HOOK_SCRIPT_FAILED, "Hook script execution failed: %s" },
    { ERR_NO_DOMAIN_SNAPSHOT, "Domain snapshot not found: %s" },
    { ERR_ARGUMENT_UNSUPPORTED, "argument unsupported: %s" },
    { ERR_OPERATION_ABORTED, "operation aborted: %s" },
    { ERR_AUTH_CANCELLED, "authentication cancelled: %s" },
    { ERR_NO_DOMAIN_METADATA, "metadata not found: %s" },
    { ERR_OVERFLOW, "numerical overflow: %s" },
    { ERR_OPERATION_UNSUPPORTED, "Operation not supported: %s" },
    { ERR_RESOURCE_BUSY, "resource busy: %s" },
    { ERR_ACCESS_DENIED, "access denied: %s" },
    { ERR_XML_INVALID_SCHEMA, "XML document failed to validate against schema: %s" },
    { ERR_AUTH_UNAVAILABLE, "authentication unavailable: %s" },
    { ERR_NO_CLIENT, "client not found: %s" },
    { ERR_DEVICE_MISSING, "device not found: %s" },
    { ERR_NO_NWFILTER_BINDING, "Network filter binding not found: %s" },
    { ERR_NO_HOSTNAME, "no hostname found: %s" },
    { ERR_MULTIPLE_DOMAINS, "multiple matching domains found: %s" },
};

/* An error that is not ours (GLib's) has no number that a client knows. */
static int
wire_code (const GError *error)
{
    return error->domain == SKEP_ERROR ? error->code : ERR_INTERNAL;
}

static const char *
template_of (int code)
{
    for (guint i = 0; i < G_N_ELEMENTS (templates); i++)
        if ((int) templates[i].code == code)
            return templates[i].pattern;
    return "%s";
}

/* libvirt's text about unknown flag bits stands alone, though other invalid arguments are
 * introduced; and its strings are the function and the argument, not pattern and detail. */
static gboolean
is_about_flags (int code, const char *detail)
{
    return code == ERR_INVALID_ARG && g_str_has_prefix (detail, "unsupported flags (");
}

static const char *
pattern_of (int code, const char *detail)
{
    return is_about_flags (code, detail) ? "%s" : template_of (code);
}

static void
fill_argument (wire_error *wire, const char *detail)
{
    static char name[] = "flags", *argument = name;
    const char *joint = strstr (detail, " in function ");

    if (!joint || !is_about_flags (wire->code, detail))
        return;
    *wire->str1 = (char *) joint + strlen (" in function ");
    wire->str2 = &argument;
    wire->int1 = wire->int2 = 0;
}

static char *
message_fill (const char *pattern, const char *detail)
{
    static const char *const joints[] = { ": %s", " in %s", " %s" };
    const char *hole = strstr (pattern, "%s");

    /* without a detail libvirt leaves out what would join it */
    for (guint i = 0; !*detail && i < G_N_ELEMENTS (joints); i++)
        if (g_str_has_suffix (pattern, joints[i]))
            return g_strndup (pattern, strlen (pattern) - strlen (joints[i]));
    return g_strdup_printf ("%.*s%s%s", (int) (hole - pattern), pattern, detail, hole + 2);
}

/* Clients make texts of it; what they sent need not be one. */
static char *
detail_text (const GError *error)
{
    return g_utf8_make_valid (error->message, (gssize) strnlen (error->message, DETAIL_MAX));
}

char *
error_wire_message (const GError *error)
{
    g_autofree char *detail = detail_text (error);

    return message_fill (pattern_of (wire_code (error), error->message), detail);
}

GByteArray *
error_wire_encode (const GError *error)
{
    int code = wire_code (error);
    char *pattern = (char *) pattern_of (code, error->message);
    g_autofree char *detail = detail_text (error);
    g_autofree char *message = message_fill (pattern, detail);
    char *place = (char *) error_place (error);
    int number = code == ERR_SYSTEM && error_errno (error) ? error_errno (error) : -1;
    wire_error wire = {
        .code = code,
        .domain = error_origin (error),
        .message = &message,
        .level = LEVEL_ERROR,
        .str1 = &pattern,
        .str2 = &detail,
        .str3 = *place ? &place : NULL,
        .int1 = number,
        .int2 = -1,
    };
    GByteArray *bytes = g_byte_array_new ();
    XDR xdrs;

    fill_argument (&wire, detail);
    g_byte_array_set_size (bytes, (guint) xdr_sizeof ((xdrproc_t) xdr_wire_error, &wire));
    xdrmem_create (&xdrs, (char *) bytes->data, bytes->len, XDR_ENCODE);
    xdr_wire_error (&xdrs, &wire);
    xdr_destroy (&xdrs);
    return bytes;
}

/* A server without a procedure says so as an RPC failure; for callers it is "not supported", which
 * is how libvirt's own client has it. */
static gboolean
means_no_support (const wire_error *wire)
{
    return wire->code == ERR_RPC && wire->level == LEVEL_ERROR
           && (wire->domain == ORIGIN_RPC || wire->domain == ORIGIN_REMOTE) && wire->message
           && g_str_has_prefix (*wire->message, "unknown procedure");
}

/* libvirt's daemons leave the third string empty; ours says there where in the XML. */
static const char *
wire_place (const wire_error *wire)
{
    return wire->str3 && g_str_has_prefix (*wire->str3, " (") ? *wire->str3 : "";
}

gboolean
error_wire_decode (const void *data, gsize size, GError **ret_error)
{
    wire_error wire = { 0 };
    gboolean decoded;
    XDR xdrs;

    xdrmem_create (&xdrs, (char *) data, (u_int) size, XDR_DECODE);
    decoded = xdr_wire_error (&xdrs, &wire);
    xdr_destroy (&xdrs);
    if (decoded)
        error_set_from (ret_error, (ErrorOrigin) wire.domain,
                        means_no_support (&wire) ? ERR_NO_SUPPORT : (ErrorCode) wire.code, "%s%s",
                        wire.message ? *wire.message : "the daemon gave no reason",
                        wire_place (&wire));
    xdr_free ((xdrproc_t) xdr_wire_error, (char *) &wire);
    return decoded;
}
