/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that change devices and limits: what they refuse, with code and text, and that a refused one
 * changes nothing. Devices that really come and go: tests/clients/hotplug.py, tests/start/hotplug.py. */
#include <string.h>

#include "api_test.h"

enum { LIVE = 1, CONFIG = 2 };

static char *
saved (RpcConnection *conn, const wire_domain *dom)
{
    domain_get_xml_desc_args in = { *dom, 2 };      /* inactive */
    domain_get_xml_desc_ret out = { 0 };

    api_call_works (conn, "domain_get_xml_desc", &in, &out);
    return out.xml;
}

typedef struct {
    const char *xml;
    ErrorCode code;
    const char *text;           /* NULL: any */
} BadDevice;

static const BadDevice bad_devices[] = {
    { "", ERR_XML_DETAIL, NULL },
    { "<disk", ERR_XML_DETAIL, NULL },
    { "<nothing/>", ERR_CONFIG_UNSUPPORTED, "unsupported configuration: unknown device type 'nothing'" },
    { "<sound model='ac97'/>", ERR_CONFIG_UNSUPPORTED, NULL },
    { "<disk type='block'><source dev='/dev/null'/></disk>", ERR_NO_TARGET, NULL },
    { "<filesystem type='mount'><source dir='/tmp'/></filesystem>", ERR_NO_TARGET, NULL },
    { "<interface type='bridge'><source bridge='br0'/><mac address='01:00:00:00:00:01'/></interface>", ERR_XML,
      NULL },
    { "<interface type='none-such'/>", ERR_XML, NULL },
    { "<hostdev mode='capabilities' type='misc'><source/></hostdev>", ERR_XML, NULL },
};

static void
test_bad_xml (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "bad-xml");
    g_autofree char *before = saved (conn, &dom);

    (void) data;
    for (guint i = 0; i < G_N_ELEMENTS (bad_devices); i++) {
        domain_attach_device_flags_args in = { dom, (char *) bad_devices[i].xml, CONFIG };
        g_autofree char *after = NULL;
        g_autoptr (GError) error = NULL;

        g_test_message ("%s", bad_devices[i].xml);
        g_assert_false (api_call (conn, "domain_attach_device_flags", &in, NULL, &error));
        g_assert_error (error, SKEP_ERROR, (int) bad_devices[i].code);
        if (bad_devices[i].text)
            g_assert_cmpstr (error->message, ==, bad_devices[i].text);
        after = saved (conn, &dom);
        g_assert_cmpstr (after, ==, before);
    }
    api_undefine (conn, &dom);
}

/* Attached, there once, updated, detached: of the saved definition. */
static void
test_saved (Api *api, gconstpointer data)
{
    static const struct {
        const char *xml, *again, *gone;
        ErrorCode again_code, gone_code;
    } devices[] = {
        { "<disk type='block'><source dev='/dev/sdq'/><target dev='sdb' bus='scsi'/></disk>",
          "invalid argument: target sdb already exists.", "invalid argument: no target device sdb",
          ERR_INVALID_ARG, ERR_INVALID_ARG },
        { "<filesystem type='mount'><source dir='/srv'/><target dir='/srv'/></filesystem>",
          "invalid argument: target /srv already exists.", NULL, ERR_INVALID_ARG, ERR_DEVICE_MISSING },
        { "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/></interface>",
          "invalid argument: network device with mac 52:54:00:00:00:01 already exists", NULL, ERR_INVALID_ARG,
          ERR_DEVICE_MISSING },
        { "<hostdev mode='capabilities' type='misc'><source><char>/dev/fuse</char></source></hostdev>",
          "invalid argument: device is already in the domain configuration",
          "invalid argument: device not present in domain configuration", ERR_INVALID_ARG, ERR_INVALID_ARG },
    };
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "saved");
    g_autofree char *before = saved (conn, &dom);

    (void) data;
    for (guint i = 0; i < G_N_ELEMENTS (devices); i++) {
        domain_attach_device_flags_args in = { dom, (char *) devices[i].xml, CONFIG };
        domain_update_device_flags_args update = { dom, (char *) devices[i].xml, CONFIG };
        domain_detach_device_flags_args out = { dom, (char *) devices[i].xml, CONFIG };
        g_autofree char *with = NULL, *updated = NULL;

        api_call_works (conn, "domain_attach_device_flags", &in, NULL);
        with = saved (conn, &dom);
        g_assert_cmpstr (with, !=, before);
        api_call_fails (conn, "domain_attach_device_flags", &in, devices[i].again_code, devices[i].again);
        api_call_works (conn, "domain_update_device_flags", &update, NULL);
        updated = saved (conn, &dom);
        g_assert_cmpstr (updated, ==, with);
        api_call_works (conn, "domain_detach_device_flags", &out, NULL);
        api_call_fails (conn, "domain_detach_device_flags", &out, devices[i].gone_code, devices[i].gone);
    }
    api_undefine (conn, &dom);
}

/* What needs a running domain is refused, and so is the saved definition's part beside it. */
static void
test_inactive (Api *api, gconstpointer data)
{
    static const char text[] = "Requested operation is not valid: domain is not running";
    char xml[] = "<hostdev mode='capabilities' type='misc'><source><char>/dev/fuse</char></source></hostdev>";
    char alias[] = "hostdev0";
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_autoptr (RpcConnection) readonly = api_connect (api, TRUE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "inactive");
    g_autofree char *before = saved (conn, &dom), *after = NULL;
    domain_attach_device_args attach = { dom, xml };
    domain_attach_device_flags_args both = { dom, xml, LIVE | CONFIG }, unknown = { dom, xml, 4 };
    domain_detach_device_args detach = { dom, xml };
    domain_detach_device_alias_args by_alias = { dom, alias, LIVE }, no_alias = { dom, alias, CONFIG };
    domain_set_vcpus_args vcpus = { dom, 1 };
    domain_fsfreeze_args freeze = { .dom = dom };
    domain_send_process_signal_args signal = { dom, 1, 15, 0 };

    (void) data;
    api_call_fails (conn, "domain_attach_device", &attach, ERR_OPERATION_INVALID, text);
    api_call_fails (conn, "domain_attach_device_flags", &both, ERR_OPERATION_INVALID, text);
    api_call_fails (conn, "domain_attach_device_flags", &unknown, ERR_INVALID_ARG, NULL);
    api_call_fails (conn, "domain_detach_device", &detach, ERR_OPERATION_INVALID, text);
    api_call_fails (conn, "domain_detach_device_alias", &by_alias, ERR_OPERATION_INVALID, text);
    api_call_fails (conn, "domain_detach_device_alias", &no_alias, ERR_DEVICE_MISSING, NULL);
    api_call_fails (conn, "domain_set_vcpus", &vcpus, ERR_OPERATION_INVALID, text);
    api_call_fails (conn, "domain_fsfreeze", &freeze, ERR_OPERATION_INVALID, text);
    api_call_fails (conn, "domain_send_process_signal", &signal, ERR_OPERATION_INVALID, text);
    api_call_fails (readonly, "domain_attach_device", &attach, ERR_OPERATION_DENIED, NULL);
    after = saved (conn, &dom);
    g_assert_cmpstr (after, ==, before);
    api_undefine (conn, &dom);
}

static wire_typed_param
param_uint (const char *name, guint value)
{
    wire_typed_param param = { .field = (char *) name, .value = { .type = 2 } };

    param.value.wire_typed_param_value_u.ui = value;
    return param;
}

static wire_typed_param
param_text (const char *name, const char *value)
{
    wire_typed_param param = { .field = (char *) name, .value = { .type = 7 } };

    param.value.wire_typed_param_value_u.s = (char *) value;
    return param;
}

static void
test_limits (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "limits");
    g_autofree char *before = saved (conn, &dom), *after = NULL, *changed = NULL;
    const wire_typed_param bad[] = {
        param_uint ("none-such", 1), param_text ("weight", "500"), param_text ("device_weight", "/dev/sda"),
        param_text ("device_weight", "sda,500"), param_text ("device_read_iops_sec", "/dev/sda,many"),
        param_text ("device_write_bytes_sec", "/dev/sda,1,,"),
    };
    static const ErrorCode codes[] = { ERR_ARGUMENT_UNSUPPORTED, ERR_INVALID_ARG, ERR_INVALID_ARG,
                                       ERR_INVALID_ARG, ERR_INVALID_ARG, ERR_INVALID_ARG };
    wire_typed_param good = param_text ("device_read_bytes_sec", "/dev/sda,1000,/dev/sdb,2000");
    domain_set_blkio_parameters_args well = { dom, { 1, &good }, CONFIG };
    domain_set_vcpus_flags_args no_vcpu = { dom, 0, CONFIG }, many = { dom, 2, CONFIG }, most = { dom, 4, CONFIG | 4 };
    char map[] = { 0, 0 };
    domain_pin_vcpu_flags_args empty = { dom, 0, { 2, map }, CONFIG };
    domain_set_lifecycle_action_args type = { dom, 3, 0, CONFIG }, action = { dom, 0, 6, CONFIG };

    (void) data;
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
        wire_typed_param one = bad[i];
        domain_set_blkio_parameters_args in = { dom, { 1, &one }, CONFIG };

        api_call_fails (conn, "domain_set_blkio_parameters", &in, codes[i], NULL);
    }
    api_call_fails (conn, "domain_set_vcpus_flags", &no_vcpu, ERR_INVALID_ARG, NULL);
    api_call_fails (conn, "domain_set_vcpus_flags", &many, ERR_INVALID_ARG, NULL);
    api_call_fails (conn, "domain_pin_vcpu_flags", &empty, ERR_INVALID_ARG,
                    "invalid argument: Empty cpu list for pinning");
    api_call_fails (conn, "domain_set_lifecycle_action", &type, ERR_INVALID_ARG, NULL);
    api_call_fails (conn, "domain_set_lifecycle_action", &action, ERR_INVALID_ARG, NULL);
    after = saved (conn, &dom);
    g_assert_cmpstr (after, ==, before);
    api_call_works (conn, "domain_set_blkio_parameters", &well, NULL);
    api_call_works (conn, "domain_set_vcpus_flags", &most, NULL);
    api_call_works (conn, "domain_set_vcpus_flags", &many, NULL);
    changed = saved (conn, &dom);
    g_assert_nonnull (strstr (changed, "<path>/dev/sdb</path>"));
    g_assert_nonnull (strstr (changed, "<vcpu placement='static' current='2'>4</vcpu>"));
    api_undefine (conn, &dom);
}

static void
test_rename (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, FALSE, TRUE);
    g_auto (wire_domain) dom = api_define (conn, api, "first"), other = api_define (conn, api, "other");
    char *taken = (char *) "other", *good = (char *) "second", *bad = (char *) "..";
    domain_rename_args to_taken = { dom, &taken, 0 }, to_bad = { dom, &bad, 0 }, to_good = { dom, &good, 0 };
    domain_rename_args to_none = { dom, NULL, 0 };
    domain_lookup_by_name_args look = { good };
    domain_lookup_by_name_ret found = { 0 };

    (void) data;
    api_call_fails (conn, "domain_rename", &to_taken, ERR_OPERATION_INVALID,
                    "Requested operation is not valid: domain with name 'other' already exists");
    api_call_fails (conn, "domain_rename", &to_bad, ERR_XML, NULL);
    api_call_fails (conn, "domain_rename", &to_none, ERR_NO_NAME, NULL);
    api_call_works (conn, "domain_rename", &to_good, NULL);
    api_call_works (conn, "domain_lookup_by_name", &look, &found);
    g_assert_cmpint (memcmp (found.dom.uuid, dom.uuid, 16), ==, 0);
    api_undefine (conn, &found.dom);
    xdr_free ((xdrproc_t) xdr_domain_lookup_by_name_ret, (char *) &found);
    api_undefine (conn, &other);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    API_TEST ("/device/bad-xml", test_bad_xml);
    API_TEST ("/device/saved", test_saved);
    API_TEST ("/device/inactive", test_inactive);
    API_TEST ("/device/limits", test_limits);
    API_TEST ("/device/rename", test_rename);
    return g_test_run ();
}
