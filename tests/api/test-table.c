/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks over every row of procedures.def: what all procedures share is true of each of them. */
#include <string.h>

#include "api_test.h"

/* How many skep.x has. */
static guint
skep_procedures (void)
{
    g_autofree char *x = NULL;
    guint n = 0;

    g_assert_true (g_file_get_contents (SOURCE_ROOT "/src/rpc/skep.x", &x, NULL, NULL));
    for (const char *at = x; (at = strstr (at, "SKEP_PROC_")); at++)
        n++;
    return n;
}

/* ---- the table itself: one row a number of the protocol, none twice, none missing */

static void
test_complete (void)
{
    guint remote = 0, lxc = 0, qemu = 0, skep = 0;

    for (const Row *row = rows_all (); row->name; row++) {
        guint *count = row->program == RPC_PROGRAM_REMOTE ? &remote
                       : row->program == RPC_PROGRAM_LXC  ? &lxc
                       : row->program == RPC_PROGRAM_QEMU ? &qemu
                                                             : &skep;

        ++*count;
        g_assert_cmpint (row->number, ==, (int) *count);
        if (row->public_name && row->program != RPC_PROGRAM_SKEP)
            g_assert_true (g_str_has_prefix (row->public_name, "vir"));
    }
    g_assert_cmpuint (remote, ==, REMOTE_PROC_DOMAIN_ANNOUNCE_INTERFACE);
    g_assert_cmpuint (lxc, ==, 1);
    g_assert_cmpuint (qemu, ==, 7);
    g_assert_cmpuint (skep, ==, skep_procedures ());
}

/* A call that has flags must have a mask for them. */
static void
test_every_flags_member_has_a_mask (void)
{
    g_autofree char *x = NULL;

    g_assert_true (g_file_get_contents (SOURCE_ROOT "/src/rpc/remote.x", &x, NULL, NULL));
    for (const Row *row = rows_all (); row->name; row++) {
        g_autofree char *head = g_strdup_printf ("struct %s_args {", row->name);
        const char *from = strstr (x, head), *to, *flags;

        if (row->kind != PROC_CALL || !from)
            continue;
        to = strstr (from, "};");
        flags = strstr (from, "unsigned int flags;");
        g_assert_cmpint (flags && flags < to, ==, row->flags_at >= 0);
    }
}

/* ---- walks */

static void
test_readonly (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, TRUE, TRUE);
    guint denied = 0;

    (void) data;
    for (const Row *row = rows_all (); row->name; row++) {
        g_autofree char *text = g_strdup_printf (
            "operation forbidden: read only access prevents %s", row->public_name);
        g_autoptr (GError) error = NULL;

        if (row->kind == PROC_EVENT || row->readonly)
            continue;
        g_test_message ("%s", row->name);
        /* nothing is decoded before the refusal, so no argument is needed */
        g_assert_false (api_call_bare (conn, row->program, row->number, &error));
        api_expect (error, ERR_OPERATION_DENIED, row->origin, text);
        denied++;
    }
    g_assert_cmpuint (denied, >, 150);
}

/* What a read-only client may call changes nothing: those rows are listed here, by hand. */
static void
test_readonly_allows_only_questions (void)
{
    static const char *const questions[]
        = { "get",      "list",    "lookup", "num",       "is",        "has",        "supports",
            "auth",     "open",    "close",  "event",     "info",      "stats",      "compare",
            "baseline", "current", "peek",   "query",     "register",  "unregister", "deregister",
            "identity", "plan",    "read",   "interface", "screenshot" };

    for (const Row *row = rows_all (); row->name; row++) {
        g_auto (GStrv) words = g_strsplit (row->name, "_", -1);
        gboolean asks = FALSE;

        if (row->kind == PROC_EVENT || !row->readonly)
            continue;
        for (guint w = 0; words[w]; w++)
            for (guint q = 0; q < G_N_ELEMENTS (questions); q++)
                asks |= strcmp (words[w], questions[q]) == 0;
        if (!asks || strstr (row->name, "_set_") || strstr (row->name, "_create_")
            || strstr (row->name, "define_xml") || strstr (row->name, "destroy"))
            g_assert_cmpstr (row->name, ==, "connect_set_identity");
    }
}

static void
test_readonly_flags (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, TRUE, TRUE);

    (void) data;
    for (const Row *row = rows_all (); row->name; row++) {
        for (guint bit = 1; bit; bit <<= 1) {
            g_autoptr (GError) error = NULL;

            if (!(row->readonly_flags & bit))
                continue;
            g_assert_false (api_call_zero (conn, row, bit, &error));
            g_assert_error (error, SKEP_ERROR, ERR_OPERATION_DENIED);
        }
    }
}

/* The open call itself can make a connection read-only. */
static void
test_readonly_by_open (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, FALSE);
    char *uri = (char *) "lxc:///system";
    connect_open_args in = { .name = &uri, .flags = 1 };
    g_autoptr (GError) error = NULL;

    (void) data;
    api_call_works (conn, "connect_open", &in, NULL);
    g_assert_false (api_call_zero (conn, row_find ("domain_define_xml"), 0, &error));
    api_expect (error, ERR_OPERATION_DENIED, ORIGIN_DOMAIN,
                "operation forbidden: read only access prevents virDomainDefineXML");
}

static void
test_known (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);

    (void) data;
    for (const Row *row = rows_all (); row->name; row++) {
        g_autofree char *text = g_strdup_printf (
            "this function is not supported by the connection driver: %s", row->public_name);
        g_autoptr (GError) error = NULL;

        if (row->kind != PROC_KNOWN)
            continue;
        g_assert_false (api_call_bare (conn, row->program, row->number, &error));
        api_expect (error, ERR_NO_SUPPORT, row->origin, text);
    }
}

static void
expect_unknown (RpcConnection *conn, guint32 program, int number)
{
    g_autofree char *text = g_strdup_printf ("unknown procedure: %d", number);
    g_autoptr (GError) error = NULL;

    g_assert_false (api_call_bare (conn, program, number, &error));
    api_expect (error, ERR_NO_SUPPORT, ORIGIN_RPC, text); /* as clients read it */
}

static void
test_unknown (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    static const int numbers[] = { 0, -1, 457, 100000, G_MAXINT, G_MININT };

    (void) data;
    for (const Row *row = rows_all (); row->name; row++)
        if (row->kind == PROC_EVENT)
            expect_unknown (conn, row->program, row->number);
    for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
        expect_unknown (conn, RPC_PROGRAM_REMOTE, numbers[i]);
        expect_unknown (conn, RPC_PROGRAM_LXC, numbers[i]);
        expect_unknown (conn, RPC_PROGRAM_QEMU, numbers[i]);
        expect_unknown (conn, RPC_PROGRAM_SKEP, numbers[i]);
    }
    expect_unknown (conn, RPC_PROGRAM_LXC, 2);
    expect_unknown (conn, RPC_PROGRAM_QEMU, 8);
    expect_unknown (conn, RPC_PROGRAM_SKEP, (int) skep_procedures () + 1);
}

static void
test_flags (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);

    (void) data;
    for (const Row *row = rows_all (); row->name; row++) {
        if (row->flags_at < 0 || row->flags_ok == G_MAXUINT)
            continue;
        g_test_message ("%s", row->name);
        for (guint bit = 1; bit; bit <<= 1) {
            g_autofree char *text = g_strdup_printf ("unsupported flags (0x%x) in function %s", bit,
                                                     row->public_name);
            g_autoptr (GError) error = NULL;

            if (row->flags_ok & bit)
                continue;
            g_assert_false (api_call_zero (conn, row, bit, &error));
            api_expect (error, ERR_INVALID_ARG, row->origin == ORIGIN_DOMAIN ? ORIGIN_LXC : row->origin, text);
        }
    }
}

static void
test_dead_uuid (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);

    (void) data;
    for (const Row *row = rows_all (); row->name; row++) {
        g_autoptr (GError) error = NULL;

        if (row->object != ON_DOMAIN)
            continue;
        g_assert_false (api_call_zero (conn, row, 0, &error));
        api_expect (error, ERR_NO_DOMAIN, ORIGIN_LXC,
                    "Domain not found: no domain with matching uuid "
                    "'00000000-0000-0000-0000-000000000000' ()");
    }
}

static void
test_not_open (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, FALSE);

    (void) data;
    for (const Row *row = rows_all (); row->name; row++) {
        g_autoptr (GError) error = NULL;

        if (row->object == ON_NOTHING)
            continue;
        g_assert_false (api_call_bare (conn, row->program, row->number, &error));
        api_expect (error, ERR_INTERNAL, ORIGIN_RPC, "internal error: connection not open");
    }
}

/* A call cut off in the middle of its arguments is an RPC error, and nothing else. */
static void
test_short_arguments (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);

    (void) data;
    for (const Row *row = rows_all (); row->name; row++) {
        g_autoptr (GError) error = NULL;

        if (row->kind != PROC_CALL || !row->in || row->object == ON_NOTHING)
            continue;
        g_assert_false (api_call_bare (conn, row->program, row->number, &error));
        g_assert_error (error, SKEP_ERROR, ERR_RPC);
        g_assert_cmpint (error_origin (error), ==, ORIGIN_RPC);
    }
}

/* Every call that may be made with empty arguments is survived. */
static void
test_zero_arguments (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);

    (void) data;
    for (const Row *row = rows_all (); row->name; row++) {
        g_autoptr (GError) error = NULL;

        if (row->kind != PROC_CALL || row->object == ON_NOTHING)
            continue;
        g_test_message ("%s", row->name);
        if (!api_call_zero (conn, row, 0, &error))
            g_assert_cmpint (error->domain, ==, SKEP_ERROR);
        if (error)
            g_assert_cmpint (error_origin (error), !=, ORIGIN_REMOTE);
    }
    api_call_works (conn, "connect_get_type", NULL, NULL);
}

/* ---- noise */

typedef struct {
    guint8 bytes[512];
    u_int size;
} Noise;

static bool_t
xdr_noise (XDR *xdrs, Noise *noise, ...)
{
    return xdrs->x_op != XDR_ENCODE || xdr_opaque (xdrs, (char *) noise->bytes, noise->size);
}

static bool_t
xdr_skip (XDR *xdrs, ...)
{
    (void) xdrs;
    return TRUE;
}

/* Words as arguments have them: counts, flags, lengths, text, now and then anything. */
static void
add_word (Noise *noise)
{
    static const guint32 usual[]
        = { 0,  0,  0,    1,          1,          2,          3,          4,          5,         7,
            16, 17, 4096, 0xffffffff, 0x7fffffff, 0x80000000, 0x61626300, 0x2f000000, 0x3c612f3e };
    guint32 word = usual[g_test_rand_int_range (0, G_N_ELEMENTS (usual))];

    if (g_test_rand_int_range (0, 8) == 0)
        word = (guint32) g_test_rand_int ();
    word = GUINT32_TO_BE (word);
    memcpy (noise->bytes + noise->size, &word, sizeof word);
    noise->size += sizeof word;
}

static void
make_noise (Noise *noise, const wire_domain *dom)
{
    int words = g_test_rand_int_range (0, 24);

    noise->size = 0;
    if (dom) {
        XDR xdrs;

        xdrmem_create (&xdrs, (char *) noise->bytes, sizeof noise->bytes, XDR_ENCODE);
        g_assert_true (xdr_wire_domain (&xdrs, (wire_domain *) dom));
        noise->size = xdr_getpos (&xdrs);
    }
    while (words-- > 0)
        add_word (noise);
}

/* Whatever the arguments, there is an answer, and the daemon lives. */
static void
test_noise (Api *api, gconstpointer data)
{
    enum { ROUNDS = 150 };
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    wire_domain dom = api_define (conn, api, "noise");

    (void) data;
    for (const Row *row = rows_all (); row->name; row++) {
        if (row->kind != PROC_CALL || !row->in || row->object == ON_NOTHING)
            continue;
        for (guint round = 0; round < ROUNDS; round++) {
            g_autoptr (GError) error = NULL;
            Noise noise;

            make_noise (&noise, row->object == ON_DOMAIN ? &dom : NULL);
            if (!rpc_connection_call (conn, row->program, row->number, (xdrproc_t) xdr_noise,
                                      &noise, (xdrproc_t) xdr_skip, &noise, NULL, 0, NULL, &error))
                g_assert_cmpint (error_origin (error), !=, ORIGIN_REMOTE);
            if (g_error_matches (error, SKEP_ERROR, ERR_NO_DOMAIN) && row->object == ON_DOMAIN) {
                xdr_free ((xdrproc_t) xdr_wire_domain, (char *) &dom);
                dom = api_define (conn, api, "noise");
            }
        }
        g_test_message ("%s", row->name);
        api_call_works (conn, "connect_is_secure", NULL, NULL);
    }
    xdr_free ((xdrproc_t) xdr_wire_domain, (char *) &dom);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/table/complete", test_complete);
    g_test_add_func ("/table/flags-have-masks", test_every_flags_member_has_a_mask);
    g_test_add_func ("/table/readonly-allows-only-questions", test_readonly_allows_only_questions);
    API_TEST ("/table/readonly", test_readonly);
    API_TEST ("/table/readonly-flags", test_readonly_flags);
    API_TEST ("/table/readonly-by-open", test_readonly_by_open);
    API_TEST ("/table/known", test_known);
    API_TEST ("/table/unknown", test_unknown);
    API_TEST ("/table/flags", test_flags);
    API_TEST ("/table/dead-uuid", test_dead_uuid);
    API_TEST ("/table/not-open", test_not_open);
    API_TEST ("/table/short-arguments", test_short_arguments);
    API_TEST ("/table/zero-arguments", test_zero_arguments);
    API_TEST ("/table/noise", test_noise);
    return g_test_run ();
}
