/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory and scheduler of a definition, by the calls that set and tell them. Nothing is started. */
#include "api_test.h"
#include "driver/params.h"

/* ---- memory */

static domain_get_info_ret
info_of (RpcConnection *conn, const wire_domain *dom)
{
    domain_get_info_args in = { *dom };
    domain_get_info_ret out = { 0 };

    api_call_works (conn, "domain_get_info", &in, &out);
    return out;
}

static void
test_memory (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "a");
    domain_set_memory_flags_args in = { dom, 51200, 2 };
    domain_set_max_memory_args max = { dom, 40960 };

    (void) data;
    api_call_works (conn, "domain_set_memory_flags", &in, NULL);
    g_assert_cmpuint (info_of (conn, &dom).memory, ==, 51200);
    in.flags = 0; /* of a shut off domain that is its configuration, too */
    in.memory = 61440;
    api_call_works (conn, "domain_set_memory_flags", &in, NULL);
    g_assert_cmpuint (info_of (conn, &dom).memory, ==, 61440);
    in.flags = 1;
    api_call_fails (conn, "domain_set_memory_flags", &in, ERR_OPERATION_INVALID,
                    "Requested operation is not valid: domain is not running");
    in.flags = 3;
    api_call_fails (conn, "domain_set_memory_flags", &in, ERR_OPERATION_INVALID, NULL);
    in.flags = 2;
    in.memory = 102401;
    api_call_fails (conn, "domain_set_memory_flags", &in, ERR_INVALID_ARG,
                    "invalid argument: Cannot set memory higher than max memory");
    in.memory = 0;
    api_call_fails (conn, "domain_set_memory_flags", &in, ERR_INVALID_ARG, NULL);
    in.memory = G_MAXUINT64;
    in.flags = 4;
    api_call_fails (conn, "domain_set_memory_flags", &in, ERR_OVERFLOW, NULL);
    in.memory = 204800;
    in.flags = 4 | 2;
    api_call_works (conn, "domain_set_memory_flags", &in, NULL);
    g_assert_cmpuint (info_of (conn, &dom).maxMem, ==, 204800);
    g_assert_cmpuint (info_of (conn, &dom).memory, ==, 61440);
    api_call_works (conn, "domain_set_max_memory", &max, NULL);
    g_assert_cmpuint (info_of (conn, &dom).maxMem, ==, 40960);
    g_assert_cmpuint (info_of (conn, &dom).memory, ==, 40960); /* lowered to fit */

    api_daemon (api, "restart");
    {
        g_autoptr (RpcConnection) again = api_connect (api, FALSE, TRUE);

        g_assert_cmpuint (info_of (again, &dom).maxMem, ==, 40960);
        g_assert_cmpuint (info_of (again, &dom).memory, ==, 40960);
    }
}

static void
param_ul (wire_typed_param *param, const char *name, guint64 value)
{
    *param = (wire_typed_param){ (char *) name, { PARAM_ULLONG, { .ul = value } } };
}

static void
expect_limits (RpcConnection *conn, const wire_domain *dom, guint flags, guint64 hard, guint64 soft,
               guint64 swap)
{
    domain_get_memory_parameters_args in = { *dom, 3, flags };
    domain_get_memory_parameters_ret out = { 0 };
    const guint64 values[] = { hard, soft, swap };
    static const char *const names[] = { "hard_limit", "soft_limit", "swap_hard_limit" };

    api_call_works (conn, "domain_get_memory_parameters", &in, &out);
    g_assert_cmpuint (out.params.params_len, ==, 3);
    g_assert_cmpint (out.nparams, ==, 0);
    for (guint i = 0; i < 3; i++) {
        g_assert_cmpstr (out.params.params_val[i].field, ==, names[i]);
        g_assert_cmpint (out.params.params_val[i].value.type, ==, PARAM_ULLONG);
        g_assert_cmpuint (out.params.params_val[i].value.wire_typed_param_value_u.ul, ==,
                          values[i]);
    }
    xdr_free ((xdrproc_t) xdr_domain_get_memory_parameters_ret, (char *) &out);
}

static void
test_memtune (Api *api, gconstpointer data)
{
    const guint64 no_limit = G_GUINT64_CONSTANT (9007199254740991);
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "a");
    wire_typed_param params[17];
    domain_set_memory_parameters_args in = { dom, { 1, params }, 2 };

    (void) data;
    expect_limits (conn, &dom, 0, no_limit, no_limit, no_limit);
    expect_limits (conn, &dom, 2 | 4, no_limit, no_limit, no_limit);
    param_ul (&params[0], "hard_limit", 300000);
    api_call_works (conn, "domain_set_memory_parameters", &in, NULL);
    expect_limits (conn, &dom, 0, 300000, no_limit, no_limit);
    param_ul (&params[0], "swap_hard_limit", 299999);
    api_call_fails (conn, "domain_set_memory_parameters", &in, ERR_INVALID_ARG, NULL);
    expect_limits (conn, &dom, 0, 300000, no_limit, no_limit);
    param_ul (&params[0], "swap_hard_limit", 400000);
    param_ul (&params[1], "soft_limit", 1000);
    in.params.params_len = 2;
    api_call_works (conn, "domain_set_memory_parameters", &in, NULL);
    expect_limits (conn, &dom, 0, 300000, 1000, 400000);
    param_ul (&params[0], "hard_limit", no_limit); /* swap stays, and is lower */
    in.params.params_len = 1;
    api_call_fails (conn, "domain_set_memory_parameters", &in, ERR_INVALID_ARG, NULL);
    param_ul (&params[0], "hard_limit", G_MAXUINT64);
    param_ul (&params[1], "swap_hard_limit", G_MAXUINT64);
    param_ul (&params[2], "soft_limit", no_limit);
    in.params.params_len = 3;
    api_call_works (conn, "domain_set_memory_parameters", &in, NULL);
    expect_limits (conn, &dom, 0, no_limit, no_limit, no_limit);

    /* nothing is changed by a request that is refused anywhere */
    param_ul (&params[0], "hard_limit", 5000);
    param_ul (&params[1], "min_guarantee", 5000);
    in.params.params_len = 2;
    api_call_fails (conn, "domain_set_memory_parameters", &in, ERR_ARGUMENT_UNSUPPORTED,
                    "argument unsupported: parameter 'min_guarantee' not supported");
    param_ul (&params[1], "hard_limit", 6000);
    api_call_fails (conn, "domain_set_memory_parameters", &in, ERR_INVALID_ARG, NULL);
    params[1] = (wire_typed_param){ (char *) "soft_limit", { PARAM_UINT, { .ui = 7 } } };
    api_call_fails (
        conn, "domain_set_memory_parameters", &in, ERR_INVALID_ARG,
        "invalid argument: invalid type 'uint' for parameter 'soft_limit', expected 'ullong'");
    params[1] = (wire_typed_param){ (char *) "soft_limit", { PARAM_STRING, { .s = (char *) "" } } };
    api_call_fails (conn, "domain_set_memory_parameters", &in, ERR_INVALID_ARG, NULL);
    expect_limits (conn, &dom, 0, no_limit, no_limit, no_limit);
    in.params.params_len = 0;
    api_call_fails (conn, "domain_set_memory_parameters", &in, ERR_INVALID_ARG, NULL);
    in.params.params_len = 1;
    in.flags = 1;
    api_call_fails (conn, "domain_set_memory_parameters", &in, ERR_OPERATION_INVALID, NULL);
}

/* nparams in all its forms. */
static void
test_nparams (Api *api, gconstpointer data)
{
    static const int refused[] = { -1, G_MININT, 17, G_MAXINT };
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "a");
    domain_get_memory_parameters_args in = { dom, 0, 0 };
    domain_get_scheduler_parameters_args sched = { dom, 0 };

    (void) data;
    for (int n = 0; n <= 16; n++) {
        domain_get_memory_parameters_ret out = { 0 };
        domain_get_scheduler_parameters_ret sched_out = { 0 };

        in.nparams = sched.nparams = n;
        api_call_works (conn, "domain_get_memory_parameters", &in, &out);
        g_assert_cmpuint (out.params.params_len, ==, (guint) MIN (n, 3));
        g_assert_cmpint (out.nparams, ==, n == 0 ? 3 : 0);
        xdr_free ((xdrproc_t) xdr_domain_get_memory_parameters_ret, (char *) &out);
        api_call_works (conn, "domain_get_scheduler_parameters", &sched, &sched_out);
        g_assert_cmpuint (sched_out.params.params_len, ==, (guint) MIN (n, 3));
        xdr_free ((xdrproc_t) xdr_domain_get_scheduler_parameters_ret, (char *) &sched_out);
    }
    for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
        in.nparams = sched.nparams = refused[i];
        api_call_fails (conn, "domain_get_memory_parameters", &in, ERR_INTERNAL, NULL);
        api_call_fails (conn, "domain_get_scheduler_parameters", &sched, ERR_INTERNAL, NULL);
    }
    in.nparams = 3;
    in.flags = 3; /* both at once cannot be read */
    api_call_fails (conn, "domain_get_memory_parameters", &in, ERR_INVALID_ARG, NULL);
}

/* ---- scheduler */

static void
expect_sched (RpcConnection *conn, const wire_domain *dom, guint64 shares, guint64 period,
              gint64 quota)
{
    domain_get_scheduler_parameters_flags_args in = { *dom, 3, 2 | 4 };
    domain_get_scheduler_parameters_flags_ret out = { 0 };

    api_call_works (conn, "domain_get_scheduler_parameters_flags", &in, &out);
    g_assert_cmpuint (out.params.params_len, ==, 3);
    g_assert_cmpuint (out.params.params_val[0].value.wire_typed_param_value_u.ul, ==, shares);
    g_assert_cmpuint (out.params.params_val[1].value.wire_typed_param_value_u.ul, ==, period);
    g_assert_cmpint (out.params.params_val[2].value.wire_typed_param_value_u.l, ==, quota);
    g_assert_cmpint (out.params.params_val[2].value.type, ==, PARAM_LLONG);
    xdr_free ((xdrproc_t) xdr_domain_get_scheduler_parameters_flags_ret, (char *) &out);
}

static void
test_schedinfo (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "a");
    domain_get_scheduler_type_args type_in = { dom };
    domain_get_scheduler_type_ret type = { 0 };
    wire_typed_param param;
    domain_set_scheduler_parameters_flags_args in = { dom, { 1, &param }, 2 };
    domain_set_scheduler_parameters_args current = { dom, { 1, &param } };
    static const struct {
        const char *name;
        guint64 value;
        gboolean ok;
    } cases[] = {
        { "cpu_shares", 2, TRUE },
        { "cpu_shares", 262144, TRUE },
        { "cpu_shares", 512, TRUE },
        { "cpu_shares", 1, FALSE },
        { "cpu_shares", 0, FALSE },
        { "cpu_shares", 262145, FALSE },
        { "cpu_shares", G_MAXUINT64, FALSE },
        { "vcpu_period", 1000, TRUE },
        { "vcpu_period", 1000000, TRUE },
        { "vcpu_period", 100000, TRUE },
        { "vcpu_period", 999, FALSE },
        { "vcpu_period", 1000001, FALSE },
        { "vcpu_period", 0, FALSE },
        { "vcpu_period", G_MAXUINT64, FALSE },
    };

    (void) data;
    /* stock libvirtd dies of these two questions about a domain that is shut off */
    expect_sched (conn, &dom, 0, 0, 0);
    api_call_works (conn, "domain_get_scheduler_type", &type_in, &type);
    g_assert_cmpstr (type.type, ==, "posix");
    g_assert_cmpint (type.nparams, ==, 3);
    g_free (type.type);
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        param_ul (&param, cases[i].name, cases[i].value);
        if (cases[i].ok)
            api_call_works (conn, "domain_set_scheduler_parameters_flags", &in, NULL);
        else
            api_call_fails (conn, "domain_set_scheduler_parameters_flags", &in, ERR_INVALID_ARG,
                            NULL);
    }
    expect_sched (conn, &dom, 512, 100000, 0);
    param = (wire_typed_param){ (char *) "vcpu_quota", { PARAM_LLONG, { .l = 50000 } } };
    api_call_works (conn, "domain_set_scheduler_parameters", &current, NULL);
    expect_sched (conn, &dom, 512, 100000, 50000);
    param.value.wire_typed_param_value_u.l = 1;
    api_call_fails (conn, "domain_set_scheduler_parameters", &current, ERR_INVALID_ARG,
                    "invalid argument: cfs_quota '1' must be in range (1000, 17592186044415)");
    param.value.wire_typed_param_value_u.l = -1;
    api_call_works (conn, "domain_set_scheduler_parameters", &current, NULL);
    expect_sched (conn, &dom, 512, 100000, -1);
    param.value.type = PARAM_ULLONG;
    api_call_fails (conn, "domain_set_scheduler_parameters", &current, ERR_INVALID_ARG, NULL);
    param_ul (&param, "emulator_period", 100000);
    api_call_fails (conn, "domain_set_scheduler_parameters", &current, ERR_ARGUMENT_UNSUPPORTED,
                    NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    API_TEST ("/tuning/memory", test_memory);
    API_TEST ("/tuning/memtune", test_memtune);
    API_TEST ("/tuning/nparams", test_nparams);
    API_TEST ("/tuning/schedinfo", test_schedinfo);
    return g_test_run ();
}
