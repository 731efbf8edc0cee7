/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes over the wire, byte for byte; and what must not be accepted. */
#include <string.h>

#include "rpc/remote.h"
#include "rpc_bytes.h"

#define DOMAIN_HEX "00000000 00000000000000000000000000000000 ffffffff"

static Bytes *
encoded (xdrproc_t proc, const void *value)
{
    Bytes *bytes = bytes_filled (xdr_sizeof (proc, (void *) value), 0xee);
    XDR xdrs;

    xdrmem_create (&xdrs, (char *) bytes->data, bytes->len, XDR_ENCODE);
    g_assert_true (proc (&xdrs, (void *) value, 0));
    g_assert_cmpuint (bytes->len, ==, xdr_getpos (&xdrs));
    xdr_destroy (&xdrs);
    return bytes;
}

/* Into zeroed @value. */
static gboolean
decoded (xdrproc_t proc, const Bytes *bytes, void *value)
{
    gboolean ok;
    XDR xdrs;

    xdrmem_create (&xdrs, (char *) bytes->data, bytes->len, XDR_DECODE);
    ok = proc (&xdrs, value, 0);
    xdr_destroy (&xdrs);
    return ok;
}

/* Frees what was decoded, which @size bytes of structure hold, also when it was refused. */
static gboolean
decodes_sized (xdrproc_t proc, gsize size, const Bytes *bytes)
{
    g_autofree void *value = g_malloc0 (size);
    gboolean ok = decoded (proc, bytes, value);

    xdr_free (proc, value);
    return ok;
}

#define decodes(type, bytes) decodes_sized ((xdrproc_t) xdr_##type, sizeof (type), bytes)

static void
test_chars (RpcTest *t)
{
    node_get_info_ret ret = { 0 };
    Bytes *bytes;

    (void) t;
    g_strlcpy (ret.model, "x\xff", sizeof ret.model);
    bytes = encoded ((xdrproc_t) xdr_node_get_info_ret, &ret);
    g_assert_cmpuint (bytes->len, ==, 188 - 28);
    g_assert_cmphex (bytes_word (bytes, 0), ==, 'x');
    g_assert_cmphex (bytes_word (bytes, 1), ==, 0xffffffff);
    g_assert_cmphex (bytes_word (bytes, 2), ==, 0);
}

static void
test_small_integers (RpcTest *t)
{
    domain_get_info_ret ret = {
        .state = 1, .maxMem = 2, .memory = (guint64) 3 << 32, .nrVirtCpu = 65535, .cpuTime = 5,
    };

    (void) t;
    assert_bytes (encoded ((xdrproc_t) xdr_domain_get_info_ret, &ret),
                  WORDS (1, 0, 2, 3, 0, 65535, 0, 5));
}

static void
test_security_model (RpcTest *t)
{
    char none[] = "none", doi[] = "";
    node_get_security_model_ret ret = { .model = { 5, none }, .doi = { 1, doi } };

    (void) t;
    assert_bytes (encoded ((xdrproc_t) xdr_node_get_security_model_ret, &ret),
                  WORDS (5, 'n', 'o', 'n', 'e', 0, 1, 0));
}

static void
test_open_arguments (RpcTest *t)
{
    char uri[] = "lxc:///system";
    char *name = uri;
    connect_open_args args = { .name = &name, .flags = 1 };

    (void) t;
    assert_hex (encoded ((xdrproc_t) xdr_connect_open_args, &args),
                "00000001 0000000d 6c78633a2f2f2f73797374656d 000000 00000001");
    args.name = NULL;
    assert_bytes (encoded ((xdrproc_t) xdr_connect_open_args, &args), WORDS (0, 1));
}

static void
test_domain_handle (RpcTest *t)
{
    char name[] = "abc";
    wire_domain dom = { .name = name, .id = -1 };

    (void) t;
    for (int i = 0; i < 16; i++)
        dom.uuid[i] = (char) (i + 1);
    assert_hex (encoded ((xdrproc_t) xdr_wire_domain, &dom),
                "00000003 61626300 0102030405060708090a0b0c0d0e0f10 ffffffff");
}

static void
test_typed_parameters (RpcTest *t)
{
    char field[] = "f", text[] = "hi";
    wire_typed_param params[7] = { 0 };
    domain_set_memory_parameters_args args = { .dom = { .name = field }, .params = { 7, params } };
    Bytes *bytes;

    (void) t;
    for (int i = 0; i < 7; i++) {
        params[i].field = field;
        params[i].value.type = i + 1;
    }
    params[0].value.wire_typed_param_value_u.i = -2;
    params[1].value.wire_typed_param_value_u.ui = 3;
    params[2].value.wire_typed_param_value_u.l = -4;
    params[3].value.wire_typed_param_value_u.ul = 5;
    params[4].value.wire_typed_param_value_u.d = 1.5;
    params[5].value.wire_typed_param_value_u.b = 1;
    params[6].value.wire_typed_param_value_u.s = text;
    bytes = encoded ((xdrproc_t) xdr_domain_set_memory_parameters_args, &args);
    assert_hex (bytes_slice (bytes, 28, bytes->len),
                "00000007"
                "00000001 66000000 00000001 fffffffe"
                "00000001 66000000 00000002 00000003"
                "00000001 66000000 00000003 fffffffffffffffc"
                "00000001 66000000 00000004 0000000000000005"
                "00000001 66000000 00000005 3ff8000000000000"
                "00000001 66000000 00000006 00000001"
                "00000001 66000000 00000007 00000002 68690000"
                "00000000");
    g_assert_true (decodes (domain_set_memory_parameters_args, bytes));
}

static void
test_typed_parameters_refused (RpcTest *t)
{
    static const guint32 types[] = { 0, 8, 0xffffffff };
    Bytes *dom = bytes_of_hex (DOMAIN_HEX);
    Bytes *one = bytes_of_hex ("00000001 66000000 00000001 00000000");

    (void) t;
    for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
        Bytes *bytes = bytes_join (dom, WORDS (1, 1, 0x66000000, types[i], 0, 0, 0), NULL);

        g_assert_false (decodes (domain_set_memory_parameters_args, bytes));
    }
    for (guint n = 16; n <= 17; n++) {
        Bytes *bytes = bytes_join (dom, WORDS (n), NULL);

        for (guint i = 0; i < n; i++)
            bytes_append (bytes, one);
        bytes_append (bytes, WORDS (0));
        g_assert_cmpint (decodes (domain_set_memory_parameters_args, bytes), ==, n == 16);
    }
}

static void
test_optional (RpcTest *t)
{
    (void) t;
    g_assert_true (decodes (connect_open_args, WORDS (0, 0)));
    g_assert_true (decodes (connect_open_args, WORDS (1, 0, 0)));
    g_assert_true (decodes (connect_open_args, WORDS (0x01000000, 0, 0)));
    g_assert_false (decodes (connect_open_args, WORDS (1, 0)));
}

/* Padding that is not zero, and bytes behind, are accepted; a string ends at its NUL. */
static void
test_padding (RpcTest *t)
{
    static const struct {
        const char *wire, *name;
    } rows[] = { { "00000002 6162ffff 01020304", "ab" }, { "00000003 61006200", "a" } };

    (void) t;
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        domain_lookup_by_name_args args = { 0 };

        g_assert_true (decoded ((xdrproc_t) xdr_domain_lookup_by_name_args,
                                bytes_of_hex (rows[i].wire), &args));
        g_assert_cmpstr (args.name, ==, rows[i].name);
        xdr_free ((xdrproc_t) xdr_domain_lookup_by_name_args, (char *) &args);
    }
}

static void
test_counts (RpcTest *t)
{
    static const guint32 sizes[] = { 5, 4194304, 4194305, 0x7fffffff, 0xffffffff };
    static const guint32 counts[] = { 3, 16384, 16385, 0xffffffff };

    (void) t;
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
        g_assert_false (decodes (domain_lookup_by_name_args, WORDS (sizes[i], 0x61616161)));
    /* a list: 16384 names are allowed, but not in twelve bytes */
    for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
        g_assert_false (decodes (connect_list_defined_domains_ret, WORDS (counts[i], 0, 0)));
    g_assert_true (decodes (connect_list_defined_domains_ret, WORDS (2, 0, 0)));
    g_assert_false (decodes (domain_pin_vcpu_args, bytes_of_hex (DOMAIN_HEX "00000000 00000801")));
}

/* Every prefix of valid arguments is refused, and what was decoded of it is freed. */
static void
test_truncated (RpcTest *t)
{
    Bytes *bytes = bytes_of_hex ("00000001 61000000 00000000000000000000000000000000 ffffffff"
                                 "00000002 00000001 66000000 00000007 00000002 68690000"
                                 "00000001 67000000 00000001 00000009"
                                 "00000001");

    (void) t;
    g_assert_true (decodes (domain_set_memory_parameters_args, bytes));
    for (guint n = 0; n < bytes->len; n++)
        g_assert_false (decodes (domain_set_memory_parameters_args, bytes_slice (bytes, 0, n)));
}

/* xdr_free() after an element could not be decoded reaches the elements before and after. */
static void
test_free_after_bad (RpcTest *t)
{
    Bytes *bytes = bytes_of_hex (DOMAIN_HEX "00000003"
                                 "00000001 66000000 00000007 00000002 68690000"
                                 "00000001 66000000 00000009 00000000 00000000"
                                 "00000000 00000000 00000000");

    (void) t;
    g_assert_false (decodes (domain_set_memory_parameters_args, bytes));
}

static const RpcCase cases[] = {
    { "chars-take-a-word-each", test_chars },
    { "small-integers-take-a-word", test_small_integers },
    { "security-model-is-counted-with-its-nul", test_security_model },
    { "open-arguments", test_open_arguments },
    { "domain-handle", test_domain_handle },
    { "typed-parameters", test_typed_parameters },
    { "typed-parameters-refused", test_typed_parameters_refused },
    { "optional-is-zero-or-one", test_optional },
    { "padding-trailing-bytes-and-nul", test_padding },
    { "counts-beyond-the-bytes-left", test_counts },
    { "truncated", test_truncated },
    { "free-after-a-bad-element", test_free_after_bad },
};

int
main (int argc, char **argv)
{
    return rpc_cases_run (argc, argv, "/rpc/xdr", cases, G_N_ELEMENTS (cases), NULL, NULL);
}
