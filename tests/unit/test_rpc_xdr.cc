/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes over the wire, byte for byte; and what must not be accepted. */
#include "rpc_fixture.h"

namespace {

Bytes
encoded (xdrproc_t proc, const void *value)
{
    Bytes bytes (xdr_sizeof (proc, (void *) value));
    XDR xdrs;

    xdrmem_create (&xdrs, (char *) bytes.data (), (u_int) bytes.size (), XDR_ENCODE);
    EXPECT_TRUE (proc (&xdrs, (void *) value, 0));
    EXPECT_EQ (bytes.size (), xdr_getpos (&xdrs));
    return bytes;
}

template <typename T>
bool
decoded (bool_t (*proc) (XDR *, T *), const Bytes &bytes, T *value)
{
    XDR xdrs;

    *value = {};
    xdrmem_create (&xdrs, (char *) bytes.data (), (u_int) bytes.size (), XDR_DECODE);
    return proc (&xdrs, value);
}

template <typename T>
bool
decodes (bool_t (*proc) (XDR *, T *), const Bytes &bytes)
{
    T value;
    bool ok = decoded (proc, bytes, &value);

    xdr_free ((xdrproc_t) proc, (char *) &value);
    return ok;
}

TEST (Xdr, CharsTakeAWordEach)
{
    node_get_info_ret ret = {};

    g_strlcpy (ret.model, "x\xff", sizeof ret.model);
    Bytes bytes = encoded ((xdrproc_t) xdr_node_get_info_ret, &ret);
    EXPECT_EQ (188u - 28, bytes.size ());
    EXPECT_EQ ((guint32) 'x', get_word (bytes, 0));
    EXPECT_EQ (0xffffffffu, get_word (bytes, 1));
    EXPECT_EQ (0u, get_word (bytes, 2));
}

TEST (Xdr, SmallIntegersTakeAWord)
{
    domain_get_info_ret ret = {};

    ret.state = 1;
    ret.maxMem = 2;
    ret.memory = (guint64) 3 << 32;
    ret.nrVirtCpu = 65535;
    ret.cpuTime = 5;
    EXPECT_EQ (words ({ 1, 0, 2, 3, 0, 65535, 0, 5 }), encoded ((xdrproc_t) xdr_domain_get_info_ret, &ret));
}

TEST (Xdr, SecurityModelIsCountedWithItsNul)
{
    char none[] = "none", doi[] = "";
    node_get_security_model_ret ret = {};

    ret.model.model_len = 5;
    ret.model.model_val = none;
    ret.doi.doi_len = 1;
    ret.doi.doi_val = doi;
    EXPECT_EQ (words ({ 5, 'n', 'o', 'n', 'e', 0, 1, 0 }),
               encoded ((xdrproc_t) xdr_node_get_security_model_ret, &ret));
}

TEST (Xdr, OpenArguments)
{
    char uri[] = "lxc:///system";
    char *name = uri;
    connect_open_args args = { &name, 1 };
    Bytes bytes = hex ("00000001 0000000d 6c78633a2f2f2f73797374656d 000000 00000001");

    EXPECT_EQ (bytes, encoded ((xdrproc_t) xdr_connect_open_args, &args));
    args.name = nullptr;
    EXPECT_EQ (words ({ 0, 1 }), encoded ((xdrproc_t) xdr_connect_open_args, &args));
}

TEST (Xdr, DomainHandle)
{
    char name[] = "abc";
    wire_domain dom = {};

    dom.name = name;
    for (int i = 0; i < 16; i++)
        dom.uuid[i] = (char) (i + 1);
    dom.id = -1;
    EXPECT_EQ (hex ("00000003 61626300 0102030405060708090a0b0c0d0e0f10 ffffffff"),
               encoded ((xdrproc_t) xdr_wire_domain, &dom));
}

TEST (Xdr, TypedParameters)
{
    char field[] = "f", text[] = "hi";
    wire_typed_param params[7] = {};
    domain_set_memory_parameters_args args = {};

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
    args.dom.name = field;
    args.params.params_len = 7;
    args.params.params_val = params;
    Bytes bytes = encoded ((xdrproc_t) xdr_domain_set_memory_parameters_args, &args);
    EXPECT_EQ (hex ("00000007"
                    "00000001 66000000 00000001 fffffffe"
                    "00000001 66000000 00000002 00000003"
                    "00000001 66000000 00000003 fffffffffffffffc"
                    "00000001 66000000 00000004 0000000000000005"
                    "00000001 66000000 00000005 3ff8000000000000"
                    "00000001 66000000 00000006 00000001"
                    "00000001 66000000 00000007 00000002 68690000"
                    "00000000"),
               Bytes (bytes.begin () + 28, bytes.end ()));
    EXPECT_TRUE (decodes (xdr_domain_set_memory_parameters_args, bytes));
}

TEST (Xdr, TypedParametersRefused)
{
    Bytes dom = hex ("00000000 00000000000000000000000000000000 ffffffff");
    Bytes one = hex ("00000001 66000000 00000001 00000000");

    for (guint32 type : { 0u, 8u, 0xffffffffu }) {
        Bytes bytes = dom + words ({ 1, 1, 0x66000000, type, 0, 0, 0 });

        EXPECT_FALSE (decodes (xdr_domain_set_memory_parameters_args, bytes)) << type;
    }
    for (guint n : { 16u, 17u }) {
        Bytes bytes = dom + words ({ n });

        for (guint i = 0; i < n; i++)
            bytes = bytes + one;
        EXPECT_EQ (n == 16, decodes (xdr_domain_set_memory_parameters_args, bytes + words ({ 0 }))) << n;
    }
}

TEST (Xdr, OptionalIsZeroOrOne)
{
    EXPECT_TRUE (decodes (xdr_connect_open_args, words ({ 0, 0 })));
    EXPECT_TRUE (decodes (xdr_connect_open_args, words ({ 1, 0, 0 })));
    EXPECT_FALSE (decodes (xdr_connect_open_args, words ({ 2, 0, 0 })));
}

TEST (Xdr, PaddingTrailingBytesAndNul)
{
    domain_lookup_by_name_args args;

    /* padding that is not zero, and bytes behind, are accepted; a string ends at its NUL */
    ASSERT_TRUE (decoded (xdr_domain_lookup_by_name_args, hex ("00000002 6162ffff 01020304"), &args));
    EXPECT_STREQ ("ab", args.name);
    xdr_free ((xdrproc_t) xdr_domain_lookup_by_name_args, (char *) &args);
    ASSERT_TRUE (decoded (xdr_domain_lookup_by_name_args, hex ("00000003 61006200"), &args));
    EXPECT_STREQ ("a", args.name);
    xdr_free ((xdrproc_t) xdr_domain_lookup_by_name_args, (char *) &args);
}

TEST (Xdr, CountsBeyondTheBytesLeft)
{
    for (guint32 size : { 5u, 4194304u, 4194305u, 0x7fffffffu, 0xffffffffu })
        EXPECT_FALSE (decodes (xdr_domain_lookup_by_name_args, words ({ size, 0x61616161 }))) << size;
    /* a list: 16384 names are allowed, but not in twelve bytes */
    for (guint32 count : { 3u, 16384u, 16385u, 0xffffffffu })
        EXPECT_FALSE (decodes (xdr_connect_list_defined_domains_ret, words ({ count, 0, 0 }))) << count;
    EXPECT_TRUE (decodes (xdr_connect_list_defined_domains_ret, words ({ 2, 0, 0 })));
    EXPECT_FALSE (decodes (xdr_domain_pin_vcpu_args,
                           hex ("00000000 00000000000000000000000000000000 ffffffff 00000000 00000801")));
}

/* Every prefix of valid arguments is refused, and what was decoded of it is freed. */
TEST (Xdr, Truncated)
{
    Bytes bytes = hex ("00000001 61000000 00000000000000000000000000000000 ffffffff"
                       "00000002 00000001 66000000 00000007 00000002 68690000 00000001 67000000 00000001 00000009"
                       "00000001");

    EXPECT_TRUE (decodes (xdr_domain_set_memory_parameters_args, bytes));
    for (gsize n = 0; n < bytes.size (); n++)
        EXPECT_FALSE (decodes (xdr_domain_set_memory_parameters_args,
                               Bytes (bytes.begin (), bytes.begin () + (long) n))) << n;
}

/* xdr_free() after an element could not be decoded reaches the elements before and after. */
TEST (Xdr, FreeAfterABadElement)
{
    Bytes bytes = hex ("00000000 00000000000000000000000000000000 ffffffff 00000003"
                       "00000001 66000000 00000007 00000002 68690000"
                       "00000001 66000000 00000009 00000000 00000000 00000000 00000000 00000000");

    EXPECT_FALSE (decodes (xdr_domain_set_memory_parameters_args, bytes));
}

}
