/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc_fixture.h"

namespace {

Bytes
wire (const GError *error)
{
    GByteArray *bytes = error_wire_encode (error);
    Bytes copy (bytes->data, bytes->data + bytes->len);

    g_byte_array_unref (bytes);
    return copy;
}

GError *
decoded (const Bytes &bytes)
{
    GError *error = nullptr;

    EXPECT_TRUE (error_wire_decode (bytes.data (), bytes.size (), &error));
    return error;
}

TEST (ErrorWire, Bytes)
{
    GError *error = nullptr;

    error_set (&error, ERR_NO_DOMAIN, "x");
    EXPECT_EQ (hex ("0000002a 00000011"
                    "00000001 00000013 446f6d61696e206e6f7420666f756e643a2078 00"      /* Domain not found: x */
                    "00000002 00000000"                                             /* level 2, no domain */
                    "00000001 00000014 446f6d61696e206e6f7420666f756e643a202573"    /* Domain not found: %s */
                    "00000001 00000001 78000000"
                    "00000000 ffffffff ffffffff 00000000"),
               wire (error));
    g_error_free (error);
}

TEST (ErrorWire, SystemErrorsCarryErrno)
{
    GError *error = nullptr;

    error_set_errno (&error, ENOENT, "cannot open '/x'");
    Bytes bytes = wire (error);
    EXPECT_EQ ((guint32) ENOENT, get_word (bytes, bytes.size () / 4 - 3));
    GError *back = decoded (bytes);
    EXPECT_STREQ ("cannot open '/x': No such file or directory", back->message);
    EXPECT_EQ (ERR_SYSTEM, back->code);
    g_error_free (back);
    g_error_free (error);
}

TEST (ErrorWire, Messages)
{
    static const struct {
        ErrorCode code;
        const char *text;
    } rows[] = {
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

    for (const auto &row : rows) {
        GError *error = nullptr;

        error_set_from (&error, ORIGIN_DOMAIN, row.code, "D");
        char *message = error_wire_message (error);
        EXPECT_STREQ (row.text, message);
        GError *back = decoded (wire (error));
        EXPECT_STREQ (row.text, back->message);
        EXPECT_EQ ((int) row.code, back->code);
        EXPECT_EQ (ORIGIN_DOMAIN, error_origin (back));
        g_error_free (back);
        g_free (message);
        g_error_free (error);
    }
}

TEST (ErrorWire, ForeignErrorsAreInternal)
{
    GError *error = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_NOENT, "100% lost");
    GError *back = decoded (wire (error));

    EXPECT_EQ (ERR_INTERNAL, back->code);
    EXPECT_STREQ ("internal error: 100% lost", back->message);
    g_error_free (back);
    g_error_free (error);
}

TEST (ErrorWire, UnknownProcedureMeansNotSupported)
{
    GError *error = nullptr;

    error_set_from (&error, ORIGIN_RPC, ERR_RPC, "unknown procedure: 999");
    GError *back = decoded (wire (error));
    EXPECT_EQ (ERR_NO_SUPPORT, back->code);
    g_error_free (back);
    g_error_free (error);
}

TEST (ErrorWire, HugeDetailsAreCut)
{
    std::string text (8 * 1024 * 1024, 'x');
    GError *error = nullptr;

    error_set (&error, ERR_INVALID_ARG, "%s", text.c_str ());
    Bytes bytes = wire (error);
    EXPECT_LT (bytes.size (), 200000u);
    GError *back = decoded (bytes);
    EXPECT_TRUE (g_str_has_prefix (back->message, "invalid argument: xxx"));
    g_error_free (back);
    g_error_free (error);
}

TEST (ErrorWire, GarbageIsNotAnError)
{
    GError *error = nullptr;

    EXPECT_FALSE (error_wire_decode ("\0\0\0\1", 4, &error));
    EXPECT_EQ (nullptr, error);
}

}
