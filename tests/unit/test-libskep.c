/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libskep without a daemon: words for numbers, values, the decoding of events, URIs that are refused. */
#include <glib.h>
#include <string.h>

#include "client/client_private.h"

static void
test_names (void)
{
    g_assert_cmpstr (skep_state_name (5), ==, "shut off");
    g_assert_cmpstr (skep_state_name (99), ==, "no state");
    g_assert_cmpstr (skep_state_name (-1), ==, "no state");
    g_assert_cmpstr (skep_state_reason_name (5, 2), ==, "destroyed");
    g_assert_cmpstr (skep_state_reason_name (5, 99), ==, "unknown");
    g_assert_cmpstr (skep_state_reason_name (99, 0), ==, "unknown");
    g_assert_cmpstr (skep_lifecycle_name (5), ==, "Stopped");
    g_assert_cmpstr (skep_lifecycle_detail_name (5, 1), ==, "Destroyed");
    for (int event = 0; event < SKEP_EVENT_LAST; event++)
        g_assert_cmpint (skep_event_by_name (skep_event_name (event)), ==, event);
    g_assert_null (skep_event_name (SKEP_EVENT_LAST));
    g_assert_cmpint (skep_event_by_name ("nonsense"), ==, -1);
}

static void
test_params (void)
{
    SkepParams params = { 0 }, back = { 0 };
    wire_typed_param *wire;

    skep_params_add_number (&params, "i", SKEP_INT, -3);
    skep_params_add_number (&params, "u", SKEP_UINT, 4000000000);
    skep_params_add_number (&params, "l", SKEP_LLONG, -5000000000);
    skep_params_add_number (&params, "ul", SKEP_ULLONG, (int64_t) G_MAXUINT64);
    skep_params_add_number (&params, "d", SKEP_DOUBLE, 2);
    skep_params_add_number (&params, "b", SKEP_BOOLEAN, 1);
    skep_params_add_string (&params, "s", "text");
    wire = client_params_to_wire (&params);
    client_params_from_wire (wire, (unsigned) params.n, &back);
    g_assert_cmpuint (back.n, ==, params.n);
    for (size_t i = 0; i < params.n; i++) {
        g_autofree char *one = skep_param_text (&params.item[i]), *two = skep_param_text (&back.item[i]);

        g_assert_cmpstr (back.item[i].name, ==, params.item[i].name);
        g_assert_cmpint (back.item[i].type, ==, params.item[i].type);
        g_assert_cmpstr (one, ==, two);
    }
    g_assert_cmpuint (skep_params_find (&back, "ul")->value.ul, ==, G_MAXUINT64);
    g_assert_null (skep_params_find (&back, "none"));
    g_free (wire);
    skep_params_clear (&params);
    skep_params_clear (&back);
}

/* ---- Events ---- */

typedef struct {
    unsigned count;
    GString *text;
} Seen;

static void
on_event (const SkepEvent *event, void *data)
{
    Seen *seen = data;

    seen->count++;
    g_string_append_printf (seen->text, "%s %d %s %d:", skep_event_name (event->event), event->callback,
                            event->domain->name, event->domain->id);
    for (size_t i = 0; i < event->values->n; i++) {
        g_autofree char *text = skep_param_text (&event->values->item[i]);

        g_string_append_printf (seen->text, " %s=%s", event->values->item[i].name, text);
    }
}

/* Encodes a message and lets @conn decode it, all of it, or only @cut bytes. */
static void
receive (SkepConnection *conn, int procedure, xdrproc_t encode, void *message, int cut)
{
    char buffer[4096];
    XDR xdr;
    unsigned size;

    xdrmem_create (&xdr, buffer, sizeof buffer, XDR_ENCODE);
    g_assert_true (encode (&xdr, message));
    size = xdr_getpos (&xdr);
    xdr_destroy (&xdr);
    xdrmem_create (&xdr, buffer, cut >= 0 ? (unsigned) cut : size, XDR_DECODE);
    client_event_received (RPC_PROGRAM_REMOTE, procedure, &xdr, conn);
    xdr_destroy (&xdr);
}

/* The words of a domain's event. */
static char *
decoded (int procedure, xdrproc_t encode, void *message, int cut)
{
    Seen seen = { 0, g_string_new (NULL) };
    SkepConnection conn = { .on_event = on_event, .on_event_data = &seen };

    receive (&conn, procedure, encode, message, cut);
    g_assert_cmpuint (seen.count, <=, 1);
    return g_string_free (seen.text, FALSE);
}

#define DECODED(name, procedure, message) decoded (procedure, (xdrproc_t) xdr_##name, message, -1)

static void
test_events (void)
{
    wire_domain dom = { .name = (char *) "web", .id = 7 };
    domain_event_callback_lifecycle_msg lifecycle = { 3, { dom, 5, 1 } };
    domain_event_callback_reboot_msg reboot = { 4, { dom } };
    domain_event_callback_pmsuspend_msg pmsuspend = { 5, 9, { dom } };
    char *uri = (char *) "http://x";
    domain_event_callback_metadata_change_msg element = { 6, dom, 2, &uri }, title = { 6, dom, 1, NULL };
    domain_event_callback_balloon_change_msg balloon = { 7, { dom, 1ULL << 40 } };
    wire_typed_param param = { (char *) "cputune.cpu_shares", { 4, { .ul = 512 } } };
    domain_event_callback_tunable_msg tunable = { 8, dom, { 1, &param } };
    g_autofree char *a = DECODED (domain_event_callback_lifecycle_msg, 318, &lifecycle);
    g_autofree char *b = DECODED (domain_event_callback_reboot_msg, 319, &reboot);
    g_autofree char *c = DECODED (domain_event_callback_pmsuspend_msg, 330, &pmsuspend);
    g_autofree char *d = DECODED (domain_event_callback_metadata_change_msg, 379, &element);
    g_autofree char *e = DECODED (domain_event_callback_metadata_change_msg, 379, &title);
    g_autofree char *f = DECODED (domain_event_callback_balloon_change_msg, 331, &balloon);
    g_autofree char *g = DECODED (domain_event_callback_tunable_msg, 346, &tunable);
    g_autofree char *unknown = DECODED (domain_event_callback_reboot_msg, 9999, &reboot);

    g_assert_cmpstr (a, ==, "lifecycle 3 web 7: event=5 detail=1");
    g_assert_cmpstr (b, ==, "reboot 4 web 7:");
    g_assert_cmpstr (c, ==, "pm-suspend 5 web 7: reason=9");
    g_assert_cmpstr (d, ==, "metadata-change 6 web 7: type=2 uri=http://x");
    g_assert_cmpstr (e, ==, "metadata-change 6 web 7: type=1");
    g_assert_cmpstr (f, ==, "balloon-change 7 web 7: actual=1099511627776");
    g_assert_cmpstr (g, ==, "tunable 8 web 7: cputune.cpu_shares=512");
    g_assert_cmpstr (unknown, ==, "");
    for (int cut = 0; cut < 40; cut += 4) {
        g_autofree char *text =
            decoded (318, (xdrproc_t) xdr_domain_event_callback_lifecycle_msg, &lifecycle, cut);

        g_assert_cmpstr (text, ==, "");         /* a message cut short is dropped whole */
    }
}

static void
on_object_event (const SkepObjectEvent *event, void *data)
{
    GString *text = data;
    const SkepParam *which = skep_params_find (event->values, "event");

    g_string_append_printf (text, "%s %d %s %s %s;", skep_object_event_name (event->kind, event->event),
                            event->callback, event->object->name,
                            event->object->detail ? event->object->detail : "-",
                            which ? skep_object_lifecycle_name (event->kind, which->value.i) : "-");
}

/* Appends what the client makes of a message, or of its first @cut bytes. */
static void
object_decoded (GString *text, int procedure, xdrproc_t encode, void *message, int cut)
{
    SkepConnection conn = { .on_object_event = on_object_event, .on_object_event_data = text };

    receive (&conn, procedure, encode, message, cut);
}

#define OBJECT_DECODED(text, name, procedure, message)                                             \
    object_decoded (text, procedure, (xdrproc_t) xdr_##name, message, -1)

static void
test_object_events (void)
{
    static const SkepKind kinds[] = { SKEP_NODE_DEVICES, SKEP_NETWORKS, SKEP_POOLS, SKEP_SECRETS };
    g_autoptr (GString) text = g_string_new (NULL);
    node_device_event_lifecycle_msg device = { 1, { (char *) "net_x" }, 1, 0 };
    node_device_event_update_msg update = { 2, { (char *) "pci_y" } };
    network_event_lifecycle_msg network = { 3, { (char *) "n", { 0x12 } }, 2, 0 };
    storage_pool_event_lifecycle_msg pool = { 4, { (char *) "p", { 0 } }, 5, 0 };
    secret_event_value_changed_msg secret = { 5, { { 0x34 }, 0, (char *) "u" } };

    OBJECT_DECODED (text, node_device_event_lifecycle_msg, 376, &device);
    OBJECT_DECODED (text, node_device_event_update_msg, 377, &update);
    OBJECT_DECODED (text, network_event_lifecycle_msg, 315, &network);
    OBJECT_DECODED (text, storage_pool_event_lifecycle_msg, 370, &pool);
    OBJECT_DECODED (text, secret_event_value_changed_msg, 383, &secret);
    for (int cut = 0; cut < 24; cut += 4)
        object_decoded (text, 376, (xdrproc_t) xdr_node_device_event_lifecycle_msg, &device, cut);
    g_assert_cmpstr (text->str, ==,
                     "lifecycle 1 net_x - Deleted;update 2 pci_y - -;"
                     "lifecycle 3 n 12000000-0000-0000-0000-000000000000 Started;"
                     "lifecycle 4 p 00000000-0000-0000-0000-000000000000 Deleted;"
                     "value-changed 5 u 34000000-0000-0000-0000-000000000000 -;");
    for (unsigned i = 0; i < G_N_ELEMENTS (kinds); i++)
        for (int event = 0; event < 2; event++)
            g_assert_cmpint (skep_object_event_by_name (kinds[i], skep_object_event_name (kinds[i], event)), ==,
                             event);
    g_assert_null (skep_object_event_name (SKEP_NETWORKS, 2));
    g_assert_null (skep_object_event_name (SKEP_INTERFACES, 0));
    g_assert_cmpint (skep_object_event_by_name (SKEP_NODE_DEVICES, "refresh"), ==, -1);
    g_assert_cmpstr (skep_object_lifecycle_name (SKEP_INTERFACES, 0), ==, "unknown");
    g_assert_cmpstr (skep_object_lifecycle_name (SKEP_SECRETS, 3), ==, "unknown");
}

/* ---- Handles and connections ---- */

static void
test_uuid (void)
{
    SkepDomain domain = { .uuid = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77 } };
    char text[37];

    skep_domain_uuid_text (&domain, text);
    g_assert_cmpstr (text, ==, "01234567-89ab-cdef-0011-223344556677");
}

static void
test_uris (void)
{
    static const char *const refused[] = { "qemu:///system", "lxc+tcp://host/system", "lxc://host/system",
                                           "nonsense", "test:///default" };
    SkepError error = { 0 };

    for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
        g_assert_null (skep_connect (refused[i], 0, &error));
        g_assert_cmpint (error.code, ==, SKEP_ERROR_NO_CONNECT);
        g_assert_true (g_str_has_prefix (error.message, "no connection driver available for "));
    }
    g_assert_null (skep_connect ("lxc+unix:///system?socket=%2Fnonexistent%2Fs&mode=direct", 0, &error));
    g_assert_cmpint (error.code, ==, SKEP_ERROR_SYSTEM);
    g_assert_nonnull (strstr (error.message, "/nonexistent/s"));
    g_assert_null (skep_connect_socket ("/nonexistent/s", 0, NULL));
    skep_error_clear (&error);
    g_assert_null (error.message);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/libskep/names", test_names);
    g_test_add_func ("/libskep/params", test_params);
    g_test_add_func ("/libskep/events", test_events);
    g_test_add_func ("/libskep/object-events", test_object_events);
    g_test_add_func ("/libskep/uuid", test_uuid);
    g_test_add_func ("/libskep/uris", test_uris);
    return g_test_run ();
}
