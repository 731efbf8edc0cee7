/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions seen through the calls: lists, look-ups, metadata, events. Nothing is
 * started. */
#include <stdlib.h>
#include <string.h>

#include "api_test.h"
#include "driver/params.h"

/* ---- connecting */

static void
test_uris (Api *api, gconstpointer data)
{
    static const struct {
        const char *name;
        ErrorCode code;
        const char *text;
    } uris[] = {
        { "lxc:///system", 0, "lxc:///system" },
        { "lxc:///", 0, "lxc:///" },
        { "lxc://", 0, "lxc://" },
        { "lxc:", 0, "lxc://" },
        { "", 0, "lxc:///system" },
        { NULL, 0, "lxc:///system" },
        { "LXC:///system", 0, "lxc:///system" },
        { "lxc:///system?a=b", 0, "lxc:///system?a=b" },
        { "lxc:///other", ERR_INTERNAL,
          "internal error: Unexpected LXC URI path '/other', try lxc:///system" },
        { "lxc:///session", ERR_INTERNAL,
          "internal error: Unexpected LXC URI path '/session', try lxc:///system" },
        { "lxc:///system/", ERR_INTERNAL, NULL },
        { "lxc://host/system", ERR_NO_CONNECT, NULL },
        { "lxc+unix:///system", ERR_NO_CONNECT, NULL },
        { "qemu:///system", ERR_NO_CONNECT, "no connection driver available for qemu:///system" },
        { "xen:///", ERR_NO_CONNECT, NULL },
        { "vbox:///system", ERR_NO_CONNECT, NULL },
        { "vz:///system", ERR_NO_CONNECT, NULL },
        { "uml:///system", ERR_NO_CONNECT, NULL },
        { "bhyve:///system", ERR_NO_CONNECT, NULL },
        { "/system", ERR_NO_CONNECT, NULL },
        { "lx", ERR_NO_CONNECT, NULL },
    };

    (void) data;
    for (guint i = 0; i < G_N_ELEMENTS (uris); i++) {
        g_autoptr (RpcConnection) conn = api_connect (api, FALSE, FALSE);
        char *name = (char *) uris[i].name;
        connect_open_args in = { .name = name ? &name : NULL, .flags = 6 };
        connect_get_uri_ret out = { 0 };

        g_test_message ("%s", name ? name : "NULL");
        if (uris[i].code) {
            api_call_fails (conn, "connect_open", &in, uris[i].code, uris[i].text);
            name = (char *) "lxc:///system"; /* may try again */
            in.name = &name;
            api_call_works (conn, "connect_open", &in, NULL);
            continue;
        }
        api_call_works (conn, "connect_open", &in, NULL);
        api_call_works (conn, "connect_get_uri", NULL, &out);
        g_assert_cmpstr (out.uri, ==, uris[i].text);
        g_free (out.uri);
        api_call_fails (conn, "connect_open", &in, ERR_INTERNAL, NULL); /* a second one */
        api_call_works (conn, "connect_get_type", NULL, NULL); /* does not hurt the first */
    }
}

static void
test_features (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) closed = api_connect (api, FALSE, FALSE);
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);

    (void) data;
    for (int feature = -1; feature < 40; feature++) {
        connect_supports_feature_args in = { feature };
        connect_supports_feature_ret out = { -1 };
        gboolean yes = (feature >= 8 && feature <= 10) || (feature >= 14 && feature <= 16);

        api_call_works (conn, "connect_supports_feature", &in, &out);
        g_assert_cmpint (out.supported, ==, yes);
        if (feature == 10)
            api_call_works (closed, "connect_supports_feature", &in, &out);
        else
            api_call_fails (closed, "connect_supports_feature", &in, ERR_INTERNAL, NULL);
    }
}

static void
test_identity (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    wire_typed_param params[2] = {
        { (char *) "user-name", { PARAM_STRING, { .s = (char *) "root" } } },
        { (char *) "unix-user-id", { PARAM_ULLONG, { .ul = 0 } } },
    };
    connect_set_identity_args in = { .params = { 2, params } };

    (void) data;
    api_call_works (conn, "connect_set_identity", &in, NULL);
    params[1].value.type = PARAM_UINT;
    api_call_fails (conn, "connect_set_identity", &in, ERR_INVALID_ARG, NULL);
    params[1].field = (char *) "shoe-size";
    api_call_fails (conn, "connect_set_identity", &in, ERR_ARGUMENT_UNSUPPORTED, NULL);
    api_call_works (conn, "connect_register_close_callback", NULL, NULL);
    api_call_works (conn, "connect_register_close_callback", NULL, NULL);
    api_call_works (conn, "connect_unregister_close_callback", NULL, NULL);
    api_call_works (conn, "connect_unregister_close_callback", NULL, NULL);
}

/* ---- lists and look-ups */

static guint
list_count (RpcConnection *conn, guint flags)
{
    connect_list_all_domains_args in = { 1, flags };
    connect_list_all_domains_ret out = { 0 }, counted = { 0 };
    guint n;

    api_call_works (conn, "connect_list_all_domains", &in, &out);
    in.need_results = 0;
    api_call_works (conn, "connect_list_all_domains", &in, &counted);
    g_assert_cmpuint (counted.domains.domains_len, ==, 0);
    g_assert_cmpuint (out.ret, ==, out.domains.domains_len);
    g_assert_cmpuint (out.ret, ==, counted.ret);
    for (n = 1; n < out.ret; n++)
        g_assert_cmpstr (out.domains.domains_val[n - 1].name, <, out.domains.domains_val[n].name);
    n = out.ret;
    xdr_free ((xdrproc_t) xdr_connect_list_all_domains_ret, (char *) &out);
    return n;
}

static void
test_lists (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) b = api_define (conn, api, "b");
    g_auto (wire_domain) a = api_define (conn, api, "a");
    g_auto (wire_domain) c = api_define (conn, api, "c");
    domain_set_autostart_args autostart = { b, 1 };
    connect_list_defined_domains_args in = { 2 };
    connect_list_defined_domains_ret names = { 0 };
    connect_num_of_defined_domains_ret defined = { 0 };
    connect_num_of_domains_ret running = { 0 };
    connect_list_domains_args ids = { 100 };

    (void) data;
    api_call_works (conn, "domain_set_autostart", &autostart, NULL);
    g_assert_cmpuint (list_count (conn, 0), ==, 3);
    g_assert_cmpuint (list_count (conn, 1), ==, 0);   /* active */
    g_assert_cmpuint (list_count (conn, 2), ==, 3);   /* inactive */
    g_assert_cmpuint (list_count (conn, 3), ==, 3);   /* either */
    g_assert_cmpuint (list_count (conn, 4), ==, 3);   /* persistent */
    g_assert_cmpuint (list_count (conn, 8), ==, 0);   /* transient */
    g_assert_cmpuint (list_count (conn, 16), ==, 0);  /* running */
    g_assert_cmpuint (list_count (conn, 32), ==, 0);  /* paused */
    g_assert_cmpuint (list_count (conn, 64), ==, 3);  /* shut off */
    g_assert_cmpuint (list_count (conn, 128), ==, 0); /* other */
    g_assert_cmpuint (list_count (conn, 256), ==, 0); /* has managed save */
    g_assert_cmpuint (list_count (conn, 512), ==, 3);
    g_assert_cmpuint (list_count (conn, 1024), ==, 1); /* autostart */
    g_assert_cmpuint (list_count (conn, 2048), ==, 2);
    g_assert_cmpuint (list_count (conn, 1024 | 2048), ==, 3);
    g_assert_cmpuint (list_count (conn, 1024 | 1), ==, 0);
    g_assert_cmpuint (list_count (conn, 4096), ==, 0); /* snapshots */
    g_assert_cmpuint (list_count (conn, 8192), ==, 3);
    g_assert_cmpuint (list_count (conn, 16384), ==, 0); /* checkpoints */
    g_assert_cmpuint (list_count (conn, 32768), ==, 3);
    g_assert_cmpuint (list_count (conn, 0xaaaa), ==, 0); /* persistent is not among these */

    api_call_works (conn, "connect_num_of_defined_domains", NULL, &defined);
    g_assert_cmpint (defined.num, ==, 3);
    api_call_works (conn, "connect_num_of_domains", NULL, &running);
    g_assert_cmpint (running.num, ==, 0);
    api_call_works (conn, "connect_list_defined_domains", &in, &names);
    g_assert_cmpuint (names.names.names_len, ==, 2); /* no more than asked for */
    g_assert_cmpstr (names.names.names_val[0], ==, "a");
    xdr_free ((xdrproc_t) xdr_connect_list_defined_domains_ret, (char *) &names);
    in.maxnames = 16385;
    api_call_fails (conn, "connect_list_defined_domains", &in, ERR_RPC, NULL);
    in.maxnames = -1;
    api_call_fails (conn, "connect_list_defined_domains", &in, ERR_RPC, NULL);
    api_call_works (conn, "connect_list_domains", &ids, NULL);
    ids.maxids = 16385;
    api_call_fails (conn, "connect_list_domains", &ids, ERR_RPC, NULL);
    api_undefine (conn, &a);
    g_assert_cmpuint (list_count (conn, 0), ==, 2);
}

static void
test_lookups (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, TRUE, TRUE);
    g_autoptr (RpcConnection) rw = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) a = api_define (rw, api, "a");
    domain_lookup_by_name_args by_name = { (char *) "a" };
    domain_lookup_by_name_ret named = { 0 };
    domain_lookup_by_uuid_args by_uuid;
    domain_lookup_by_uuid_ret found = { 0 };
    domain_lookup_by_id_args by_id = { 1 };
    domain_get_state_args state = { .dom = a };
    domain_get_state_ret shutoff = { 0 };

    (void) data;
    api_call_works (conn, "domain_lookup_by_name", &by_name, &named);
    g_assert_cmpmem (named.dom.uuid, 16, a.uuid, 16);
    memcpy (by_uuid.uuid, a.uuid, 16);
    api_call_works (conn, "domain_lookup_by_uuid", &by_uuid, &found);
    g_assert_cmpstr (found.dom.name, ==, "a");
    g_assert_cmpint (found.dom.id, ==, -1);
    by_name.name = (char *) "b";
    api_call_fails (conn, "domain_lookup_by_name", &by_name, ERR_NO_DOMAIN,
                    "Domain not found: No domain with matching name 'b'");
    by_uuid.uuid[0] ^= 1;
    api_call_fails (conn, "domain_lookup_by_uuid", &by_uuid, ERR_NO_DOMAIN, NULL);
    api_call_fails (conn, "domain_lookup_by_id", &by_id, ERR_NO_DOMAIN, NULL);
    by_id.id = -1;
    api_call_fails (conn, "domain_lookup_by_id", &by_id, ERR_INVALID_ARG, NULL);

    /* a handle is its uuid: name and id may be anything */
    state.dom.name = (char *) "not its name";
    state.dom.id = 4711;
    api_call_works (conn, "domain_get_state", &state, &shutoff);
    g_assert_cmpint (shutoff.state, ==, 5);
    api_domain_clear (&named.dom);
    api_domain_clear (&found.dom);
}

/* ---- what a definition says */

static void
test_questions (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "a");
    domain_get_info_args info_in = { dom };
    domain_get_info_ret info = { 0 };
    domain_get_os_type_args os_in = { dom };
    domain_get_os_type_ret os = { 0 };
    domain_is_active_args active_in = { dom };
    domain_is_active_ret active = { 7 };
    domain_is_persistent_args persistent_in = { dom };
    domain_is_persistent_ret persistent = { 7 };
    domain_get_autostart_args autostart_in = { dom };
    domain_get_autostart_ret autostart = { 7 };
    domain_get_max_memory_args memory_in = { dom };
    domain_get_max_memory_ret memory = { 7 };
    domain_get_xml_desc_args xml_in = { .dom = dom };
    domain_get_xml_desc_ret xml = { 0 };
    domain_get_security_label_args label_in = { dom };
    domain_get_security_label_ret label = { .enforcing = 7 };
    node_get_security_model_ret model = { 0 };

    (void) data;
    api_call_works (conn, "domain_get_info", &info_in, &info);
    g_assert_cmpint (info.state, ==, 5);
    g_assert_cmpuint (info.maxMem, ==, 102400);
    g_assert_cmpuint (info.memory, ==, 102400);
    g_assert_cmpuint (info.nrVirtCpu, ==, 1);
    g_assert_cmpuint (info.cpuTime, ==, 0);
    api_call_works (conn, "domain_get_os_type", &os_in, &os);
    g_assert_cmpstr (os.type, ==, "exe");
    api_call_works (conn, "domain_is_active", &active_in, &active);
    g_assert_cmpint (active.active, ==, 0);
    api_call_works (conn, "domain_is_persistent", &persistent_in, &persistent);
    g_assert_cmpint (persistent.persistent, ==, 1);
    api_call_works (conn, "domain_get_autostart", &autostart_in, &autostart);
    g_assert_cmpint (autostart.autostart, ==, 0);
    api_call_works (conn, "domain_get_max_memory", &memory_in, &memory);
    g_assert_cmpuint (memory.memory, ==, 102400);
    for (guint flags = 0; flags < 16; flags++) {
        xml_in.flags = flags & 0xb;
        api_call_works (conn, "domain_get_xml_desc", &xml_in, &xml);
        g_assert_true (g_str_has_prefix (xml.xml, "<domain type='lxc'>\n  <name>a</name>\n"));
        g_clear_pointer (&xml.xml, g_free);
    }
    api_call_works (conn, "domain_get_security_label", &label_in, &label);
    g_assert_cmpuint (label.label.label_len, ==, 1);
    g_assert_cmpint (label.enforcing, ==, 0);
    api_call_works (conn, "node_get_security_model", NULL, &model);
    g_assert_cmpuint (model.model.model_len, ==, strlen (model.model.model_val) + 1);
    g_free (os.type);
    xdr_free ((xdrproc_t) xdr_domain_get_security_label_ret, (char *) &label);
    xdr_free ((xdrproc_t) xdr_node_get_security_model_ret, (char *) &model);
}

/* Calls that need a container say so of a domain that has none. */
static void
test_not_running (Api *api, gconstpointer data)
{
    static const char *const names[] = {
        "domain_suspend",          "domain_resume",
        "domain_shutdown",         "domain_shutdown_flags",
        "domain_reboot",           "domain_destroy",
        "domain_destroy_flags",    "domain_set_memory",
        "domain_block_stats",      "domain_interface_stats",
        "domain_memory_stats",     "domain_get_cpu_stats",
        "domain_open_console",     "domain_get_control_info",
        "domain_get_vcpus",        "domain_get_time",
        "domain_set_time",         "domain_get_hostname",
        "domain_interface_addresses", "domain_get_guest_info",
        "domain_get_fsinfo",       "lxc_domain_open_namespace",
    };
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "a");

    (void) data;
    for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
        static char zeroes[4096];
        const Row *row = row_find (names[i]);
        g_autofree char *in = g_malloc0 (row->in_size);
        g_autofree char *empty = NULL;
        XDR xdrs;

        g_test_message ("%s", names[i]);
        xdrmem_create (&xdrs, zeroes, sizeof zeroes, XDR_DECODE);
        g_assert_true (row->in (&xdrs, in, 0));
        empty = ((wire_domain *) (void *) in)->name;
        *(wire_domain *) (void *) in = dom;
        api_call_fails (conn, names[i], in, ERR_OPERATION_INVALID,
                        "Requested operation is not valid: domain is not running");
        ((wire_domain *) (void *) in)->name = NULL;
        xdr_free (row->in, in);
    }
}

/* ---- metadata and events */

typedef struct {
    GString *seen; /* "PROCEDURE:CALLBACK:NAME:DETAILS " of each event */
} Witness;

static void
on_event (guint32 program, int procedure, XDR *payload, gpointer data)
{
    Witness *witness = data;

    g_assert_cmpuint (program, ==, RPC_PROGRAM_REMOTE);
    if (procedure == REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE) {
        domain_event_callback_lifecycle_msg m = { 0 };

        g_assert_true (xdr_domain_event_callback_lifecycle_msg (payload, &m));
        g_string_append_printf (witness->seen, "life:%s:%d:%d:%d ", m.msg.dom.name, m.msg.dom.id,
                                m.msg.event, m.msg.detail);
        xdr_free ((xdrproc_t) xdr_domain_event_callback_lifecycle_msg, (char *) &m);
    } else if (procedure == REMOTE_PROC_DOMAIN_EVENT_LIFECYCLE) {
        domain_event_lifecycle_msg m = { 0 };

        g_assert_true (xdr_domain_event_lifecycle_msg (payload, &m));
        g_string_append_printf (witness->seen, "legacy:%s:%d:%d:%d ", m.dom.name, m.dom.id, m.event,
                                m.detail);
        xdr_free ((xdrproc_t) xdr_domain_event_lifecycle_msg, (char *) &m);
    } else if (procedure == REMOTE_PROC_DOMAIN_EVENT_CALLBACK_METADATA_CHANGE) {
        domain_event_callback_metadata_change_msg m = { 0 };

        g_assert_true (xdr_domain_event_callback_metadata_change_msg (payload, &m));
        g_string_append_printf (witness->seen, "meta:%s:%d:%s ", m.dom.name, m.type,
                                m.nsuri ? *m.nsuri : "-");
        xdr_free ((xdrproc_t) xdr_domain_event_callback_metadata_change_msg, (char *) &m);
    } else {
        g_assert_not_reached ();
    }
}

/* What arrived so far; a call and its reply come after events that it caused for this client. */
static void
expect_seen (RpcConnection *conn, Witness *witness, const char *expected)
{
    while (strlen (expected) > witness->seen->len) {
        g_autoptr (GError) error = NULL;
        gsize before = witness->seen->len;

        g_assert_true (rpc_connection_dispatch (conn, API_PATIENCE_MS, &error));
        g_assert_no_error (error);
        if (witness->seen->len == before)
            break;
    }
    g_assert_cmpstr (witness->seen->str, ==, expected);
    g_string_truncate (witness->seen, 0);
}

static int
watch (RpcConnection *conn, int event, const wire_domain *dom)
{
    connect_domain_event_callback_register_any_args in = { event, (wire_domain *) dom };
    connect_domain_event_callback_register_any_ret out = { -1 };

    api_call_works (conn, "connect_domain_event_callback_register_any", &in, &out);
    g_assert_cmpint (out.callbackID, >=, 0);
    return out.callbackID;
}

static void
test_events (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) all = api_connect (api, TRUE, TRUE);
    g_autoptr (RpcConnection) one = api_connect (api, FALSE, TRUE);
    g_autoptr (RpcConnection) old = api_connect (api, FALSE, TRUE);
    RpcConnection *gone = api_connect (api, FALSE, TRUE);
    g_autoptr (GString) text_all = g_string_new (NULL);
    g_autoptr (GString) text_one = g_string_new (NULL);
    g_autoptr (GString) text_old = g_string_new (NULL);
    Witness witnesses[3] = { { text_all }, { text_one }, { text_old } };
    g_auto (wire_domain) a = api_define (one, api, "a");
    g_auto (wire_domain) b = { 0 };
    connect_domain_event_register_any_args legacy_any = { 1 };
    connect_domain_event_callback_deregister_any_args drop = { 0 };
    connect_domain_event_callback_register_any_args bad = { 28, NULL };
    int number;

    (void) data;
    rpc_connection_on_event (all, on_event, &witnesses[0]);
    rpc_connection_on_event (one, on_event, &witnesses[1]);
    rpc_connection_on_event (old, on_event, &witnesses[2]);
    number = watch (all, 0, NULL);
    watch (one, 0, &a);
    watch (gone, 0, NULL);
    watch (gone, 23, &a);
    api_call_works (old, "connect_domain_event_register", NULL, NULL);
    api_call_fails (old, "connect_domain_event_register", NULL, ERR_INVALID_ARG, NULL);
    api_call_works (old, "connect_domain_event_register_any", &legacy_any, NULL);
    for (int event = 1; event < 28; event++)
        watch (all, event, NULL);
    api_call_fails (all, "connect_domain_event_callback_register_any", &bad, ERR_INTERNAL, NULL);
    bad.eventID = -1;
    api_call_fails (all, "connect_domain_event_callback_register_any", &bad, ERR_INTERNAL, NULL);
    bad.eventID = 0;
    api_call_fails (all, "connect_domain_event_callback_register_any", &bad, ERR_INVALID_ARG, NULL);
    bad.dom = &a; /* for one domain as well: fine */
    api_call_works (all, "connect_domain_event_callback_register_any", &bad, NULL);

    b = api_define (gone, api, "b");
    expect_seen (all, &witnesses[0], "life:b:-1:0:0 ");
    expect_seen (old, &witnesses[2], "legacy:b:-1:0:0 ");
    expect_seen (one, &witnesses[1], "");
    rpc_connection_free (gone);
    {
        g_auto (wire_domain) again = api_define (old, api, "a"); /* updated */

        g_assert_cmpmem (again.uuid, 16, a.uuid, 16);
    }
    expect_seen (all, &witnesses[0], "life:a:-1:0:1 life:a:-1:0:1 ");
    expect_seen (one, &witnesses[1], "life:a:-1:0:1 ");
    api_undefine (old, &b);
    expect_seen (all, &witnesses[0], "life:b:-1:1:0 ");
    expect_seen (old, &witnesses[2], "legacy:a:-1:0:1 legacy:b:-1:1:0 ");
    drop.callbackID = number;
    api_call_works (all, "connect_domain_event_callback_deregister_any", &drop, NULL);
    api_call_fails (all, "connect_domain_event_callback_deregister_any", &drop, ERR_INTERNAL, NULL);
    api_call_fails (one, "connect_domain_event_callback_deregister_any", &drop, ERR_INTERNAL, NULL);
    api_call_works (old, "connect_domain_event_deregister", NULL, NULL);
    api_call_fails (old, "connect_domain_event_deregister", NULL, ERR_INTERNAL, NULL);
    api_undefine (old, &a);
    expect_seen (all, &witnesses[0], "life:a:-1:1:0 ");
    expect_seen (one, &witnesses[1], "life:a:-1:1:0 ");
    expect_seen (old, &witnesses[2], "");
}

static gboolean
set_metadata (RpcConnection *conn, const wire_domain *dom, int type, const char *text,
              const char *key, const char *uri, guint flags, GError **error)
{
    domain_set_metadata_args in = {
        *dom,
        type,
        text ? (char **) &text : NULL,
        key ? (char **) &key : NULL,
        uri ? (char **) &uri : NULL,
        flags,
    };

    return api_call (conn, "domain_set_metadata", &in, NULL, error);
}

static void
expect_metadata (RpcConnection *conn, const wire_domain *dom, int type, const char *uri,
                 const char *expected)
{
    domain_get_metadata_args in = { *dom, type, uri ? (char **) &uri : NULL, 0 };
    domain_get_metadata_ret out = { 0 };

    if (!expected) {
        api_call_fails (conn, "domain_get_metadata", &in, ERR_NO_DOMAIN_METADATA, NULL);
        return;
    }
    api_call_works (conn, "domain_get_metadata", &in, &out);
    g_assert_cmpstr (out.metadata, ==, expected);
    g_free (out.metadata);
}

static void
test_metadata (Api *api, gconstpointer data)
{
    static const struct {
        int type;
        const char *text, *key, *uri;
        ErrorCode code;
    } bad[] = {
        { 1, "two\nlines", NULL, NULL, ERR_INVALID_ARG }, { 3, "x", NULL, NULL, ERR_INVALID_ARG },
        { -1, "x", NULL, NULL, ERR_INVALID_ARG },         { 2, "<a/>", "k", NULL, ERR_INVALID_ARG },
        { 2, "<a/>", NULL, "urn:x", ERR_INVALID_ARG },    { 0, "x", "k", "urn:x", ERR_INVALID_ARG },
    };
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "a");
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    Witness witness = { text };

    (void) data;
    rpc_connection_on_event (conn, on_event, &witness);
    watch (conn, 23, &dom);
    expect_metadata (conn, &dom, 0, NULL, NULL);
    expect_metadata (conn, &dom, 1, NULL, NULL);
    expect_metadata (conn, &dom, 2, "urn:x", NULL);
    g_assert_true (
        set_metadata (conn, &dom, 0, "Bees & <honey>\nin two lines", NULL, NULL, 0, &error));
    expect_metadata (conn, &dom, 0, NULL, "Bees & <honey>\nin two lines");
    g_assert_true (set_metadata (conn, &dom, 1, "A hive", NULL, NULL, 2, &error));
    expect_metadata (conn, &dom, 1, NULL, "A hive");
    g_assert_true (set_metadata (conn, &dom, 2, "<bee n='1'/>", "b", "urn:x", 2, &error));
    expect_metadata (conn, &dom, 2, "urn:x", "<bee n=\"1\"/>");
    expect_seen (conn, &witness, "meta:a:0:- meta:a:1:- meta:a:2:urn:x ");
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
        g_assert_false (
            set_metadata (conn, &dom, bad[i].type, bad[i].text, bad[i].key, bad[i].uri, 0, &error));
        g_assert_error (error, SKEP_ERROR, (int) bad[i].code);
        g_clear_error (&error);
    }
    g_assert_false (set_metadata (conn, &dom, 2, "<a", "b", "urn:y", 0, &error));
    g_clear_error (&error);
    g_assert_false (set_metadata (conn, &dom, 0, "x", NULL, NULL, 1, &error));
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_INVALID);
    g_clear_error (&error);
    g_assert_true (set_metadata (conn, &dom, 2, NULL, NULL, "urn:x", 0, &error));
    expect_metadata (conn, &dom, 2, "urn:x", NULL);
    g_assert_true (set_metadata (conn, &dom, 0, NULL, NULL, NULL, 0, &error));
    expect_metadata (conn, &dom, 0, NULL, NULL);
    expect_seen (conn, &witness, "meta:a:2:urn:x meta:a:0:- ");
}

/* ---- many */

static gint64
private_kib (Api *api)
{
    g_autofree char *file = g_strconcat (api->dir, "/driver.pid", NULL), *pid = NULL, *smaps = NULL;
    g_autofree char *rollup = NULL;
    gint64 sum = 0;

    g_assert_true (g_file_get_contents (file, &pid, NULL, NULL));
    smaps = g_strdup_printf ("/proc/%d/smaps_rollup", atoi (pid));
    if (!g_file_get_contents (smaps, &rollup, NULL, NULL))
        return 0;
    for (char *line = rollup; line; line = strchr (line, '\n') ? strchr (line, '\n') + 1 : NULL)
        if (g_str_has_prefix (line, "Private_"))
            sum += g_ascii_strtoll (strchr (line, ':') + 1, NULL, 10);
    return sum;
}

/* 1,000 definitions take at most 20 KiB of the daemon each. */
static void
test_thousand (Api *api, gconstpointer data)
{
    enum { N = 1000 };
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    gint64 before = private_kib (api), after;

    (void) data;
    for (guint i = 0; i < N; i++) {
        g_autofree char *name = g_strdup_printf ("domain-%04u", i);
        g_auto (wire_domain) dom = api_define (conn, api, name);
    }
    g_assert_cmpuint (list_count (conn, 0), ==, N);
    after = private_kib (api);
    g_test_message ("%" G_GINT64_FORMAT " KiB for %d definitions", after - before, N);
    if (!g_getenv ("SKEPD_WRAPPER")
        && !g_getenv ("ASAN_OPTIONS")) /* those cost memory themselves */
        g_assert_cmpint (after - before, <=, 20 * N);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    API_TEST ("/connect/uris", test_uris);
    API_TEST ("/connect/features", test_features);
    API_TEST ("/connect/identity", test_identity);
    API_TEST ("/domain/lists", test_lists);
    API_TEST ("/domain/lookups", test_lookups);
    API_TEST ("/domain/questions", test_questions);
    API_TEST ("/domain/not-running", test_not_running);
    API_TEST ("/domain/events", test_events);
    API_TEST ("/domain/metadata", test_metadata);
    API_TEST ("/domain/thousand", test_thousand);
    return g_test_run ();
}
