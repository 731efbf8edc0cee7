/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls about a domain that runs: state, use, limits, events. Run in namespaces of its own
 * (meson.build). */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api_test.h"
#include "driver/params.h"

/* Cgroups of tests that run at the same time must not meet. */
static char *domain_name;

/* A root of busybox alone. */
static void
make_root (Api *api)
{
    static const char *const dirs[] = { "bin", "dev", "proc", "sys", "etc", "tmp", "run" };
    g_autofree char *target = g_strconcat (api->dir, "/root/bin/busybox", NULL);
    g_autofree char *link = g_strconcat (api->dir, "/root/bin/sleep", NULL);
    g_autofree char *busybox = g_find_program_in_path ("busybox");
    g_autofree char *program = NULL;
    gsize size;

    for (guint i = 0; i < G_N_ELEMENTS (dirs); i++) {
        g_autofree char *dir = g_strconcat (api->dir, "/root/", dirs[i], NULL);

        g_assert_cmpint (g_mkdir_with_parents (dir, 0755), ==, 0);
    }
    g_assert_nonnull (busybox);
    g_assert_true (g_file_get_contents (busybox, &program, &size, NULL));
    g_assert_true (g_file_set_contents_full (target, program, (gssize) size,
                                             G_FILE_SET_CONTENTS_NONE, 0755, NULL));
    g_assert_cmpint (symlink ("busybox", link), ==, 0);
}

static char *
live_xml (Api *api)
{
    return g_strdup_printf (
        "<domain type='lxc'><name>%s</name><uuid>7a0c4a2e-5f0e-4a7e-9d55-0f8a9a2f6b11</uuid>"
        "<memory unit='KiB'>102400</memory><os><type>exe</type><init>/bin/sleep</init>"
        "<initarg>1000</initarg></os><devices><filesystem type='mount'><source dir='%s/root'/>"
        "<target dir='/'/></filesystem><console type='pty'/></devices></domain>",
        domain_name, api->dir);
}

static wire_domain
lookup (RpcConnection *conn)
{
    domain_lookup_by_name_args in = { domain_name };
    domain_lookup_by_name_ret out = { 0 };

    api_call_works (conn, "domain_lookup_by_name", &in, &out);
    return out.dom;
}

static void
define (RpcConnection *conn, Api *api)
{
    g_autofree char *xml = live_xml (api);
    domain_define_xml_args in = { xml };

    make_root (api);
    api_call_works (conn, "domain_define_xml", &in, NULL);
}

/* Defined and running. */
static wire_domain
start (RpcConnection *conn, Api *api)
{
    g_auto (wire_domain) dom = { 0 };
    domain_create_args in;

    define (conn, api);
    dom = lookup (conn);
    in.dom = dom;
    api_call_works (conn, "domain_create", &in, NULL);
    return lookup (conn);
}

static void
destroy (RpcConnection *conn, const wire_domain *dom)
{
    domain_destroy_args in = { *dom };

    api_call_works (conn, "domain_destroy", &in, NULL);
}

static domain_get_state_ret
state_of (RpcConnection *conn, const wire_domain *dom)
{
    domain_get_state_args in = { .dom = *dom };
    domain_get_state_ret out = { 0 };

    api_call_works (conn, "domain_get_state", &in, &out);
    return out;
}

static void
test_questions (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = start (conn, api);
    g_autofree char *process = g_strdup_printf ("/proc/%d/cgroup", dom.id);
    g_autofree char *cgroup = NULL;
    domain_get_info_args info_in = { dom };
    domain_get_info_ret info = { 0 };
    domain_lookup_by_id_args id_in = { dom.id };
    domain_is_active_args active_in = { dom };
    domain_is_active_ret active = { 0 };
    domain_get_control_info_args control_in = { .dom = dom };
    domain_get_control_info_ret control = { 7 };
    domain_get_security_label_args label_in = { dom };
    domain_create_args again = { dom };
    connect_list_domains_args ids_in = { 10 };
    connect_list_domains_ret ids = { 0 };

    (void) data;
    g_assert_cmpint (dom.id, >, 1);
    g_assert_true (g_file_get_contents (process, &cgroup, NULL, NULL)); /* lxc-enter reads it */
    g_assert_nonnull (strstr (cgroup, domain_name));
    g_assert_cmpint (state_of (conn, &dom).state, ==, 1);
    g_assert_cmpint (state_of (conn, &dom).reason, ==, 1);
    api_call_works (conn, "domain_get_info", &info_in, &info);
    g_assert_cmpint (info.state, ==, 1);
    g_assert_cmpuint (info.memory, >, 0);
    g_assert_cmpuint (info.memory, <, 102400);
    g_assert_cmpuint (info.cpuTime, >, 0);
    api_call_works (conn, "domain_lookup_by_id", &id_in, NULL);
    api_call_works (conn, "domain_is_active", &active_in, &active);
    g_assert_cmpint (active.active, ==, 1);
    api_call_works (conn, "domain_get_control_info", &control_in, &control);
    g_assert_cmpuint (control.state, ==, 0);
    api_call_works (conn, "domain_get_security_label", &label_in, NULL);
    api_call_works (conn, "connect_list_domains", &ids_in, &ids);
    g_assert_cmpuint (ids.ids.ids_len, ==, 1);
    g_assert_cmpint (ids.ids.ids_val[0], ==, dom.id);
    xdr_free ((xdrproc_t) xdr_connect_list_domains_ret, (char *) &ids);
    api_call_fails (conn, "domain_create", &again, ERR_OPERATION_INVALID,
                    "Requested operation is not valid: Domain is already running");
    destroy (conn, &dom);
    g_assert_cmpint (state_of (conn, &dom).state, ==, 5);
    g_assert_cmpint (state_of (conn, &dom).reason, ==, 2);
    api_call_fails (conn, "domain_lookup_by_id", &id_in, ERR_NO_DOMAIN, NULL);
}

static void
expect_seen (RpcConnection *conn, GString *seen, const char *expected)
{
    while (seen->len < strlen (expected)) {
        gsize before = seen->len;

        g_assert_true (rpc_connection_dispatch (conn, API_PATIENCE_MS, NULL));
        if (seen->len == before)
            break;
    }
    g_assert_cmpstr (seen->str, ==, expected);
    g_string_truncate (seen, 0);
}

/* "balloon:KIB" or "tunable:NAME=VALUE,..." of each event. */
static void
on_change (guint32 program, int procedure, XDR *payload, gpointer data)
{
    GString *seen = data;

    (void) program;
    if (procedure == REMOTE_PROC_DOMAIN_EVENT_CALLBACK_BALLOON_CHANGE) {
        domain_event_callback_balloon_change_msg m = { 0 };

        g_assert_true (xdr_domain_event_callback_balloon_change_msg (payload, &m));
        g_string_append_printf (seen, "balloon:%" G_GUINT64_FORMAT " ", (guint64) m.msg.actual);
        xdr_free ((xdrproc_t) xdr_domain_event_callback_balloon_change_msg, (char *) &m);
    } else {
        domain_event_callback_tunable_msg m = { 0 };

        g_assert_cmpint (procedure, ==, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_TUNABLE);
        g_assert_true (xdr_domain_event_callback_tunable_msg (payload, &m));
        g_assert_cmpuint (m.params.params_len, ==, 1);
        g_string_append_printf (seen, "%s=%" G_GINT64_FORMAT " ", m.params.params_val[0].field,
                                (gint64) m.params.params_val[0].value.wire_typed_param_value_u.l);
        xdr_free ((xdrproc_t) xdr_domain_event_callback_tunable_msg, (char *) &m);
    }
}

/* What is shown and told is what the kernel has. */
static void
test_limits (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = start (conn, api);
    domain_set_memory_args memory = { dom, 51201 }; /* not whole pages */
    domain_set_max_memory_args max = { dom, 204800 };
    domain_set_memory_flags_args both = { dom, 40960, 3 };
    wire_typed_param param = { (char *) "hard_limit", { PARAM_ULLONG, { .ul = 65537 } } };
    domain_set_memory_parameters_args tune = { dom, { 1, &param }, 0 };
    domain_get_memory_parameters_args get = { dom, 3, 1 };
    domain_get_memory_parameters_ret got = { 0 };
    domain_set_scheduler_parameters_args sched = { dom, { 1, &param } };
    domain_get_scheduler_parameters_args sched_get = { dom, 3 };
    domain_get_scheduler_parameters_ret sched_got = { 0 };
    domain_get_xml_desc_args xml_in = { dom, 0 };
    domain_get_xml_desc_ret xml = { 0 };
    connect_domain_event_callback_register_any_args watch = { 13, NULL };
    g_autoptr (GString) seen = g_string_new (NULL);

    (void) data;
    rpc_connection_on_event (conn, on_change, seen);
    api_call_works (conn, "connect_domain_event_callback_register_any", &watch, NULL);
    watch.eventID = 17;
    api_call_works (conn, "connect_domain_event_callback_register_any", &watch, NULL);
    api_call_works (conn, "domain_set_memory", &memory, NULL);
    api_call_works (conn, "domain_get_memory_parameters", &get, &got);
    g_assert_cmpuint (got.params.params_val[0].value.wire_typed_param_value_u.ul, ==, 51200);
    xdr_free ((xdrproc_t) xdr_domain_get_memory_parameters_ret, (char *) &got);
    memory.memory = 102401;
    api_call_fails (conn, "domain_set_memory", &memory, ERR_INVALID_ARG, NULL);
    api_call_fails (
        conn, "domain_set_max_memory", &max, ERR_OPERATION_INVALID,
        "Requested operation is not valid: Cannot resize the max memory on an active domain");
    api_call_works (conn, "domain_set_memory_flags", &both, NULL);
    api_call_works (conn, "domain_set_memory_parameters", &tune, NULL);
    api_call_works (conn, "domain_get_memory_parameters", &get, &got);
    g_assert_cmpuint (got.params.params_val[0].value.wire_typed_param_value_u.ul, ==, 65536);
    xdr_free ((xdrproc_t) xdr_domain_get_memory_parameters_ret, (char *) &got);

    param = (wire_typed_param){ (char *) "cpu_shares", { PARAM_ULLONG, { .ul = 512 } } };
    api_call_works (conn, "domain_set_scheduler_parameters", &sched, NULL);
    param = (wire_typed_param){ (char *) "vcpu_quota", { PARAM_LLONG, { .l = 50000 } } };
    api_call_works (conn, "domain_set_scheduler_parameters", &sched, NULL);
    api_call_works (conn, "domain_get_scheduler_parameters", &sched_get, &sched_got);
    g_assert_cmpuint (sched_got.params.params_val[0].value.wire_typed_param_value_u.ul, ==, 512);
    g_assert_cmpuint (sched_got.params.params_val[1].value.wire_typed_param_value_u.ul, ==, 100000);
    g_assert_cmpint (sched_got.params.params_val[2].value.wire_typed_param_value_u.l, ==, 50000);
    xdr_free ((xdrproc_t) xdr_domain_get_scheduler_parameters_ret, (char *) &sched_got);

    expect_seen (conn, seen,
                 "balloon:51200 balloon:40960 memtune.hard_limit=65536 cputune.cpu_shares=512 "
                 "cputune.vcpu_quota=50000 ");
    api_call_works (conn, "domain_get_xml_desc", &xml_in, &xml);
    g_assert_nonnull (strstr (xml.xml, "<currentMemory unit='KiB'>40960</currentMemory>"));
    g_assert_nonnull (strstr (xml.xml, "<hard_limit unit='KiB'>65536</hard_limit>"));
    g_assert_nonnull (strstr (xml.xml, "<shares>512</shares>"));
    g_assert_nonnull (strstr (xml.xml, "<quota>50000</quota>"));
    g_clear_pointer (&xml.xml, g_free);
    xml_in.flags = 2; /* the saved definition has only what was asked for it */
    api_call_works (conn, "domain_get_xml_desc", &xml_in, &xml);
    g_assert_nonnull (strstr (xml.xml, "<currentMemory unit='KiB'>40960</currentMemory>"));
    g_assert_null (strstr (xml.xml, "<shares>"));
    g_free (xml.xml);
    destroy (conn, &dom);
}

static void
test_stats (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = start (conn, api);
    domain_get_cpu_stats_args cpu_in = { dom, 0, -1, 1, 0 };
    domain_get_cpu_stats_ret cpu = { 0 };
    static const struct {
        guint nparams;
        int start;
        guint ncpus;
        ErrorCode code;
    } bad[] = {
        { 3, -2, 1, ERR_INVALID_ARG },     { 3, -1, 2, ERR_INVALID_ARG },
        { 1, 100000, 1, ERR_INVALID_ARG }, { 1, 0, 129, ERR_INTERNAL },
        { 2049, -1, 1, ERR_INTERNAL },
    };
    domain_memory_stats_args memory_in = { dom, 2, 0 };
    domain_memory_stats_ret memory = { 0 };
    domain_block_stats_flags_args block_in = { dom, (char *) "", 0, 0 };
    domain_block_stats_flags_ret block = { 0 };
    domain_interface_stats_args net_in = { dom, (char *) "eth9" };

    (void) data;
    api_call_works (conn, "domain_get_cpu_stats", &cpu_in, &cpu);
    g_assert_cmpint (cpu.nparams, ==, 3);
    for (guint n = 1; n < 6; n++) {
        cpu_in.nparams = n;
        api_call_works (conn, "domain_get_cpu_stats", &cpu_in, &cpu);
        g_assert_cmpuint (cpu.params.params_len, ==, MIN (n, 3));
        g_assert_cmpint (cpu.nparams, ==, (int) MIN (n, 3));
        g_assert_cmpstr (cpu.params.params_val[0].field, ==, "cpu_time");
        xdr_free ((xdrproc_t) xdr_domain_get_cpu_stats_ret, (char *) &cpu);
        memset (&cpu, 0, sizeof cpu);
    }
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
        cpu_in.nparams = bad[i].nparams;
        cpu_in.start_cpu = bad[i].start;
        cpu_in.ncpus = bad[i].ncpus;
        if (bad[i].start >= 0 && access ("/sys/fs/cgroup/cpuacct", F_OK) < 0
            && access ("/sys/fs/cgroup/cpu,cpuacct", F_OK) < 0)
            continue; /* version 2 does not count by CPU */
        api_call_fails (conn, "domain_get_cpu_stats", &cpu_in, bad[i].code, NULL);
    }
    for (guint n = 0; n < 4; n++) {
        memory_in.maxStats = n;
        api_call_works (conn, "domain_memory_stats", &memory_in, &memory);
        g_assert_cmpuint (memory.stats.stats_len, ==, MIN (n, 8));
        xdr_free ((xdrproc_t) xdr_domain_memory_stats_ret, (char *) &memory);
        memset (&memory, 0, sizeof memory);
    }
    memory_in.maxStats = 1025;
    api_call_fails (conn, "domain_memory_stats", &memory_in, ERR_INTERNAL, NULL);
    api_call_works (conn, "domain_block_stats_flags", &block_in, &block);
    g_assert_cmpint (block.nparams, ==, 4);
    block_in.path = (char *) "sda";
    block_in.nparams = 4;
    api_call_fails (conn, "domain_block_stats_flags", &block_in, ERR_INVALID_ARG,
                    "invalid argument: invalid path: sda");
    api_call_fails (conn, "domain_interface_stats", &net_in, ERR_INVALID_ARG, NULL);
    destroy (conn, &dom);
}

/* ---- transient, autodestroy, events */

static void
on_life (guint32 program, int procedure, XDR *payload, gpointer data)
{
    domain_event_callback_lifecycle_msg m = { 0 };

    (void) program;
    g_assert_cmpint (procedure, ==, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE);
    g_assert_true (xdr_domain_event_callback_lifecycle_msg (payload, &m));
    g_string_append_printf (data, "%d:%d:%s ", m.msg.event, m.msg.detail,
                            m.msg.dom.id > 0 ? "id" : "-1");
    xdr_free ((xdrproc_t) xdr_domain_event_callback_lifecycle_msg, (char *) &m);
}

static void
test_transient (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    RpcConnection *owner = api_connect (api, FALSE, TRUE);
    g_autofree char *xml = live_xml (api);
    g_autoptr (GString) seen = g_string_new (NULL);
    connect_domain_event_callback_register_any_args watch = { 0, NULL };
    domain_create_xml_args in = { xml, 2 }; /* autodestroy */
    domain_create_xml_ret out = { 0 };
    domain_lookup_by_name_args name = { domain_name };

    (void) data;
    make_root (api);
    rpc_connection_on_event (conn, on_life, seen);
    api_call_works (conn, "connect_domain_event_callback_register_any", &watch, NULL);
    api_call_works (owner, "domain_create_xml", &in, &out);
    g_assert_cmpint (out.dom.id, >, 1);
    expect_seen (conn, seen, "2:0:id ");
    {
        domain_set_memory_flags_args config = { out.dom, 51200, 2 };
        domain_set_autostart_args autostart = { out.dom, 1 };
        domain_undefine_args undefine = { out.dom };
        domain_suspend_args suspend = { out.dom };
        domain_resume_args resume = { out.dom };

        api_call_fails (conn, "domain_set_memory_flags", &config, ERR_OPERATION_INVALID, NULL);
        api_call_fails (conn, "domain_set_autostart", &autostart, ERR_OPERATION_INVALID, NULL);
        api_call_fails (conn, "domain_undefine", &undefine, ERR_OPERATION_INVALID,
                        "Requested operation is not valid: Cannot undefine transient domain");
        api_call_works (conn, "domain_suspend", &suspend, NULL);
        api_call_works (conn, "domain_resume", &resume, NULL);
        expect_seen (conn, seen, "3:0:id 4:0:id ");
    }
    rpc_connection_free (owner); /* takes its domain with it */
    expect_seen (conn, seen, "5:1:-1 ");
    api_call_fails (conn, "domain_lookup_by_name", &name, ERR_NO_DOMAIN, NULL);
    api_domain_clear (&out.dom);
}

/* ---- many at once */

typedef struct {
    Api *api;
    gint stop; /* atomic */
    guint rounds;
} Crowd;

/* Errors that a domain which comes and goes explains. */
static void
tolerate (GError *error)
{
    static const ErrorCode fine[]
        = { ERR_OPERATION_INVALID, ERR_NO_DOMAIN, ERR_SYSTEM, ERR_INVALID_ARG };

    for (guint i = 0; i < G_N_ELEMENTS (fine); i++)
        if (g_error_matches (error, SKEP_ERROR, (int) fine[i])) {
            g_error_free (error);
            return;
        }
    g_error ("%s (%d)", error->message, error->code);
}

static gpointer
crowd_asks (gpointer data)
{
    Crowd *crowd = data;
    g_autoptr (RpcConnection) conn = api_connect (crowd->api, TRUE, TRUE);
    g_auto (wire_domain) dom = lookup (conn);
    domain_get_info_args info = { dom };
    domain_get_state_args state = { dom, 0 };
    domain_memory_stats_args memory = { dom, 2, 0 };
    domain_get_scheduler_parameters_args sched = { dom, 3 };
    connect_list_all_domains_args list = { 1, 0 };
    domain_get_xml_desc_args xml = { dom, 0 };

    while (!g_atomic_int_get (&crowd->stop)) {
        GError *error = NULL;

        api_call_works (conn, "domain_get_info", &info, NULL);
        api_call_works (conn, "domain_get_state", &state, NULL);
        api_call_works (conn, "connect_list_all_domains", &list, NULL);
        api_call_works (conn, "domain_get_xml_desc", &xml, NULL);
        if (!api_call (conn, "domain_memory_stats", &memory, NULL, &error))
            tolerate (g_steal_pointer (&error));
        if (!api_call (conn, "domain_get_scheduler_parameters", &sched, NULL, &error))
            tolerate (g_steal_pointer (&error));
    }
    return NULL;
}

static gpointer
crowd_changes (gpointer data)
{
    Crowd *crowd = data;

    while (!g_atomic_int_get (&crowd->stop)) {
        g_autoptr (RpcConnection) conn = api_connect (crowd->api, FALSE, TRUE);
        g_auto (wire_domain) dom = lookup (conn);
        domain_set_memory_flags_args memory
            = { dom, 51200 + (guint) g_random_int_range (0, 100) * 4, 1 };
        connect_domain_event_callback_register_any_args watch = { 0, NULL };
        GError *error = NULL;

        api_call_works (conn, "connect_domain_event_callback_register_any", &watch, NULL);
        for (guint i = 0; i < 10; i++) {
            memory.flags = i % 2 ? 2 : 1;
            if (!api_call (conn, "domain_set_memory_flags", &memory, NULL, &error))
                tolerate (g_steal_pointer (&error));
        }
    }
    return NULL;
}

static void
test_crowd (Api *api, gconstpointer data)
{
    enum { ROUNDS = 20 };
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    Crowd crowd = { .api = api };
    GThread *threads[6];
    g_auto (wire_domain) dom = { 0 };
    domain_create_args create;

    (void) data;
    define (conn, api);
    dom = lookup (conn);
    create.dom = dom;
    for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        threads[i] = g_thread_new (NULL, i % 2 ? crowd_changes : crowd_asks, &crowd);
    for (guint round = 0; round < ROUNDS; round++) {
        api_call_works (conn, "domain_create", &create, NULL);
        g_assert_cmpint (state_of (conn, &dom).state, ==, 1);
        destroy (conn, &dom);
        g_assert_cmpint (state_of (conn, &dom).state, ==, 5);
    }
    g_atomic_int_set (&crowd.stop, 1);
    for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    if (geteuid () != 0) {
        g_print ("1..0 # SKIP needs root\n");
        return g_strcmp0 (g_getenv ("MUST_WORK"), "1") == 0;
    }
    domain_name = g_strdup_printf ("live-%d", (int) getpid ());
    API_TEST ("/live/questions", test_questions);
    API_TEST ("/live/limits", test_limits);
    API_TEST ("/live/stats", test_stats);
    API_TEST ("/live/transient", test_transient);
    API_TEST ("/live/crowd", test_crowd);
    return g_test_run ();
}
