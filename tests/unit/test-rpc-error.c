/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "rpc/error_wire.h"
#include "rpc_bytes.h"
#include "util/error.h"

static Bytes *
wire (const GError *error)
{
    g_autoptr (GByteArray) bytes = error_wire_encode (error);

    return bytes_of (bytes->data, bytes->len);
}

static void
test_bytes (RpcTest *t)
{
    g_autoptr (GError) error = NULL;

    (void) t;
    error_set (&error, ERR_NO_DOMAIN, "x");
    /* with the texts "Domain not found: x" and "Domain not found: %s" */
    assert_hex (wire (error),
                "0000002a 00000011"
                "00000001 00000013 446f6d61696e206e6f7420666f756e643a2078 00"
                "00000002 00000000"             /* level 2, no domain */
                "00000001 00000014 446f6d61696e206e6f7420666f756e643a202573"
                "00000001 00000001 78000000"
                "00000000 ffffffff ffffffff 00000000");
}

/* As libvirt reports an argument: its function and its name, and zeros. */
static void
test_flags (RpcTest *t)
{
    g_autoptr (GError) error = NULL;

    (void) t;
    error_set (&error, ERR_INVALID_ARG, "unsupported flags (0x2) in function virX");
    assert_hex (wire (error),
                "00000008 00000011"
                "00000001 00000028 756e737570706f7274656420666c616773202830783229"
                "20696e2066756e6374696f6e2076697258"
                "00000002 00000000"
                "00000001 00000004 76697258"
                "00000001 00000005 666c616773 000000"
                "00000000 00000000 00000000 00000000");
}

static void
test_errno (RpcTest *t)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GError) back = NULL;
    Bytes *bytes;

    (void) t;
    error_set_errno (&error, ENOENT, "cannot open '/x'");
    bytes = wire (error);
    g_assert_cmpuint (bytes_word (bytes, bytes->len / 4 - 3), ==, ENOENT);
    back = error_decoded (bytes);
    g_assert_cmpstr (back->message, ==, "cannot open '/x': No such file or directory");
    g_assert_error (back, SKEP_ERROR, ERR_SYSTEM);
}

/* Of the detail D. */
static const struct {
    ErrorCode code;
    const char *text;
} messages[] = {
    { ERR_INTERNAL, "internal error: D" },
    { ERR_NO_MEMORY, "out of memory: D" },
    { ERR_NO_SUPPORT, "this function is not supported by the connection driver: D" },
    { ERR_NO_CONNECT, "no connection driver available for D" },
    { ERR_INVALID_ARG, "invalid argument: D" },
    { ERR_OPERATION_FAILED, "operation failed: D" },
    { ERR_OS_TYPE, "unknown OS type D" },
    { ERR_XML, "XML error: D" },
    { ERR_DOM_EXIST, "domain D exists already" },
    { ERR_OPERATION_DENIED, "operation forbidden: D" },
    { ERR_XML_DETAIL, "D" },
    { ERR_RPC, "D" },
    { ERR_NO_DOMAIN, "Domain not found: D" },
    { ERR_NO_NETWORK, "Network not found: D" },
    { ERR_AUTH_FAILED, "authentication failed: D" },
    { ERR_NO_STORAGE_POOL, "Storage pool not found: D" },
    { ERR_NO_STORAGE_VOL, "Storage volume not found: D" },
    { ERR_NO_NODE_DEVICE, "Node device not found: D" },
    { ERR_OPERATION_INVALID, "Requested operation is not valid: D" },
    { ERR_NO_INTERFACE, "Interface not found: D" },
    { ERR_NO_NWFILTER, "Network filter not found: D" },
    { ERR_NO_SECRET, "Secret not found: D" },
    { ERR_CONFIG_UNSUPPORTED, "unsupported configuration: D" },
    { ERR_OPERATION_TIMEOUT, "Timed out during operation: D" },
    { ERR_NO_DOMAIN_SNAPSHOT, "Domain snapshot not found: D" },
    { ERR_ARGUMENT_UNSUPPORTED, "argument unsupported: D" },
    { ERR_OPERATION_ABORTED, "operation aborted: D" },
    { ERR_AUTH_CANCELLED, "authentication cancelled: D" },
    { ERR_AUTH_UNAVAILABLE, "authentication unavailable: D" },
    { ERR_NO_DOMAIN_METADATA, "metadata not found: D" },
    { ERR_OVERFLOW, "numerical overflow: D" },
    { ERR_OPERATION_UNSUPPORTED, "Operation not supported: D" },
    { ERR_RESOURCE_BUSY, "resource busy: D" },
    { ERR_ACCESS_DENIED, "access denied: D" },
    { ERR_XML_INVALID_SCHEMA, "XML document failed to validate against schema: D" },
    { ERR_DEVICE_MISSING, "device not found: D" },
    { ERR_NO_HOSTNAME, "no hostname found: D" },
    { ERR_MULTIPLE_DOMAINS, "multiple matching domains found: D" },
};

static void
test_messages (RpcTest *t)
{
    (void) t;
    for (guint i = 0; i < G_N_ELEMENTS (messages); i++) {
        g_autoptr (GError) error = NULL;
        g_autoptr (GError) back = NULL;
        g_autofree char *message = NULL;

        error_set_from (&error, ORIGIN_DOMAIN, messages[i].code, "D");
        message = error_wire_message (error);
        g_assert_cmpstr (message, ==, messages[i].text);
        back = error_decoded (wire (error));
        g_assert_cmpstr (back->message, ==, messages[i].text);
        g_assert_error (back, SKEP_ERROR, (int) messages[i].code);
        g_assert_cmpint (error_origin (back), ==, ORIGIN_DOMAIN);
    }
}

static void
test_foreign (RpcTest *t)
{
    g_autoptr (GError) error = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_NOENT, "100% lost");
    g_autoptr (GError) back = error_decoded (wire (error));

    (void) t;
    g_assert_error (back, SKEP_ERROR, ERR_INTERNAL);
    g_assert_cmpstr (back->message, ==, "internal error: 100% lost");
}

static void
test_unknown_procedure (RpcTest *t)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GError) back = NULL;

    (void) t;
    error_set_from (&error, ORIGIN_RPC, ERR_RPC, "unknown procedure: 999");
    back = error_decoded (wire (error));
    g_assert_error (back, SKEP_ERROR, ERR_NO_SUPPORT);
}

static void
test_huge_details (RpcTest *t)
{
    g_autofree char *text = g_strnfill (8 * 1024 * 1024, 'x'), *message = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (GError) back = NULL;
    Bytes *bytes;

    (void) t;
    error_set (&error, ERR_INVALID_ARG, "%s", text);
    /* for the log, and an event, whose strings have a bound */
    message = error_wire_message (error);
    g_assert_cmpuint (strlen (message), <, 100000);
    bytes = wire (error);
    g_assert_cmpuint (bytes->len, <, 200000);
    back = error_decoded (bytes);
    g_assert_true (g_str_has_prefix (back->message, "invalid argument: xxx"));
}

static void
test_garbage (RpcTest *t)
{
    g_autoptr (GError) error = NULL;

    (void) t;
    g_assert_false (error_wire_decode ("\0\0\0\1", 4, &error));
    g_assert_no_error (error);
}

static const RpcCase cases[] = {
    { "bytes", test_bytes },
    { "flags-name-their-function", test_flags },
    { "system-errors-carry-errno", test_errno },
    { "messages", test_messages },
    { "foreign-errors-are-internal", test_foreign },
    { "unknown-procedure-means-not-supported", test_unknown_procedure },
    { "huge-details-are-cut", test_huge_details },
    { "garbage-is-not-an-error", test_garbage },
};

int
main (int argc, char **argv)
{
    return rpc_cases_run (argc, argv, "/rpc/error", cases, G_N_ELEMENTS (cases), NULL, NULL);
}
