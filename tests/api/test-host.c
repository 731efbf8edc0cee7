/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's facts over the wire, and the drivers that Skep does not have. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "api_test.h"

static void
test_names (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, TRUE, TRUE);
    connect_get_type_ret type = { 0 };
    connect_get_version_ret version = { 0 };
    connect_get_lib_version_ret lib = { 0 };
    connect_get_hostname_ret host = { 0 };
    connect_is_secure_ret secure = { 0 };
    connect_get_capabilities_ret caps = { 0 };
    connect_get_max_vcpus_args vcpus_in = { NULL };
    connect_get_max_vcpus_ret vcpus = { 0 };
    char *kind = (char *) "LXC";
    g_autofree char *name = NULL;
    struct utsname uts;
    guint major = 0, minor = 0, micro = 0;

    (void) data;
    uname (&uts);
    sscanf (uts.release, "%u.%u.%u", &major, &minor, &micro);
    api_call_works (conn, "connect_get_type", NULL, &type);
    g_assert_cmpstr (type.type, ==, "LXC");
    api_call_works (conn, "connect_get_version", NULL, &version);
    g_assert_cmpuint (version.hv_ver, ==, major * 1000000 + minor * 1000 + micro);
    api_call_works (conn, "connect_get_lib_version", NULL, &lib);
    g_assert_cmpuint (lib.lib_ver, ==, 9000000);
    api_call_works (conn, "connect_get_hostname", NULL, &host);
    name = g_strndup (uts.nodename, strcspn (uts.nodename, "."));
    g_assert_true (g_str_has_prefix (host.hostname, name));
    api_call_works (conn, "connect_is_secure", NULL, &secure);
    g_assert_cmpint (secure.secure, ==, 1);
    api_call_works (conn, "connect_get_capabilities", NULL, &caps);
    g_assert_true (g_str_has_prefix (caps.capabilities, "<capabilities>\n"));
    g_assert_nonnull (strstr (caps.capabilities, "<os_type>exe</os_type>"));
    g_assert_nonnull (strstr (caps.capabilities, "/skep-controller</emulator>"));
    api_call_works (conn, "connect_get_max_vcpus", &vcpus_in, &vcpus);
    g_assert_cmpint (vcpus.max_vcpus, ==, (int) sysconf (_SC_NPROCESSORS_ONLN));
    vcpus_in.type = &kind;
    api_call_works (conn, "connect_get_max_vcpus", &vcpus_in, &vcpus);
    kind = (char *) "kvm";
    api_call_fails (conn, "connect_get_max_vcpus", &vcpus_in, ERR_INVALID_ARG, NULL);
    g_free (type.type);
    g_free (host.hostname);
    g_free (caps.capabilities);
}

static void
test_cpus (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, TRUE, TRUE);
    node_get_info_ret info = { .memory = 0 };
    node_get_cpu_map_args map_in = { 1, 1, 0 };
    node_get_cpu_map_ret map = { 0 };
    node_get_cpu_stats_args stats_in = { -1, 0, 0 };
    node_get_cpu_stats_ret stats = { 0 };
    int asked;

    (void) data;
    api_call_works (conn, "node_get_info", NULL, &info);
    g_assert_cmpint (info.cpus, ==, (int) sysconf (_SC_NPROCESSORS_ONLN));
    g_assert_cmpint (info.nodes * info.sockets * info.cores * info.threads, >=, info.cpus);
    g_assert_cmpuint (info.memory, >, 65536);
    api_call_works (conn, "node_get_cpu_map", &map_in, &map);
    g_assert_cmpint (map.online, ==, (guint) info.cpus);
    g_assert_cmpint (map.cpumap.cpumap_val[0] & 1, ==, 1);
    xdr_free ((xdrproc_t) xdr_node_get_cpu_map_ret, (char *) &map);
    map_in = (node_get_cpu_map_args){ 0, 0, 0 };
    api_call_works (conn, "node_get_cpu_map", &map_in, &map);
    g_assert_cmpuint (map.cpumap.cpumap_len, ==, 0);

    api_call_works (conn, "node_get_cpu_stats", &stats_in, &stats);
    g_assert_cmpuint (stats.params.params_len, ==, 0);
    g_assert_cmpint (stats.nparams, >=, 4);
    asked = stats_in.nparams = stats.nparams;
    api_call_works (conn, "node_get_cpu_stats", &stats_in, &stats);
    g_assert_cmpuint (stats.params.params_len, ==, (guint) asked);
    g_assert_cmpint (stats.nparams, ==, 0);
    g_assert_cmpstr (stats.params.params_val[0].field, ==, "kernel");
    xdr_free ((xdrproc_t) xdr_node_get_cpu_stats_ret, (char *) &stats);
    stats_in.nparams = 1;
    api_call_fails (conn, "node_get_cpu_stats", &stats_in, ERR_INVALID_ARG, NULL);
    stats_in.nparams = 17;
    api_call_fails (conn, "node_get_cpu_stats", &stats_in, ERR_INTERNAL, NULL);
    stats_in.nparams = -1;
    api_call_fails (conn, "node_get_cpu_stats", &stats_in, ERR_INTERNAL, NULL);
    stats_in = (node_get_cpu_stats_args){ 100000, 4, 0 };
    api_call_fails (conn, "node_get_cpu_stats", &stats_in, ERR_INVALID_ARG, NULL);
}

static void
test_memory (Api *api, gconstpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (api, TRUE, TRUE);
    node_get_memory_stats_args stats_in = { 0, -1, 0 };
    node_get_memory_stats_ret stats = { 0 };
    node_get_free_memory_ret memory = { 0 };
    node_get_cells_free_memory_args cells_in = { 0, 8 };
    node_get_cells_free_memory_ret cells = { 0 };
    guint sizes[2] = { 4, 4 };
    node_get_free_pages_args pages_in = { { 1, sizes }, 0, 1, 0 };
    node_get_free_pages_ret pages = { 0 };

    (void) data;
    api_call_works (conn, "node_get_memory_stats", &stats_in, &stats);
    stats_in.nparams = stats.nparams;
    api_call_works (conn, "node_get_memory_stats", &stats_in, &stats);
    g_assert_cmpuint (stats.params.params_len, ==, 4);
    g_assert_cmpstr (stats.params.params_val[0].field, ==, "total");
    g_assert_cmpuint (stats.params.params_val[0].value, >, stats.params.params_val[1].value);
    xdr_free ((xdrproc_t) xdr_node_get_memory_stats_ret, (char *) &stats);
    stats_in.cellNum = 4096;
    api_call_fails (conn, "node_get_memory_stats", &stats_in, ERR_INVALID_ARG, NULL);
    api_call_works (conn, "node_get_free_memory", NULL, &memory);
    g_assert_cmpuint (memory.freeMem, >, 1024 * 1024);
    api_call_works (conn, "node_get_cells_free_memory", &cells_in, &cells);
    g_assert_cmpuint (cells.cells.cells_len, >=, 1);
    xdr_free ((xdrproc_t) xdr_node_get_cells_free_memory_ret, (char *) &cells);
    cells_in.startCell = -1;
    api_call_fails (conn, "node_get_cells_free_memory", &cells_in, ERR_INVALID_ARG, NULL);
    cells_in = (node_get_cells_free_memory_args){ 0, 1025 };
    api_call_fails (conn, "node_get_cells_free_memory", &cells_in, ERR_RPC, NULL);
    if (sysconf (_SC_PAGESIZE) == 4096) {
        api_call_works (conn, "node_get_free_pages", &pages_in, &pages);
        g_assert_cmpuint (pages.counts.counts_len, ==, 1);
        xdr_free ((xdrproc_t) xdr_node_get_free_pages_ret, (char *) &pages);
    }
    pages_in.cellCount = G_MAXUINT;
    api_call_fails (conn, "node_get_free_pages", &pages_in, ERR_INTERNAL, NULL);
    pages_in.cellCount = 0;
    api_call_fails (conn, "node_get_free_pages", &pages_in, ERR_INVALID_ARG, NULL);
}

/* Clients that always ask are told that there is nothing. */
static void
test_secondary (Api *api, gconstpointer data)
{
    static const struct {
        const char *name;
        ErrorCode code;
        ErrorOrigin origin;
    } lookups[] = {
        { "network_lookup_by_name", ERR_NO_NETWORK, ORIGIN_NETWORK },
        { "network_lookup_by_uuid", ERR_NO_NETWORK, ORIGIN_NETWORK },
        { "storage_pool_lookup_by_name", ERR_NO_STORAGE_POOL, ORIGIN_STORAGE },
        { "storage_pool_lookup_by_uuid", ERR_NO_STORAGE_POOL, ORIGIN_STORAGE },
        { "storage_pool_lookup_by_volume", ERR_NO_STORAGE_POOL, ORIGIN_STORAGE },
        { "storage_pool_lookup_by_target_path", ERR_NO_STORAGE_POOL, ORIGIN_STORAGE },
        { "storage_vol_lookup_by_name", ERR_NO_STORAGE_POOL, ORIGIN_STORAGE },
        { "storage_vol_lookup_by_key", ERR_NO_STORAGE_VOL, ORIGIN_STORAGE },
        { "storage_vol_lookup_by_path", ERR_NO_STORAGE_VOL, ORIGIN_STORAGE },
        { "node_device_lookup_by_name", ERR_NO_NODE_DEVICE, ORIGIN_NODEDEV },
        { "node_device_lookup_scsi_host_by_wwn", ERR_NO_NODE_DEVICE, ORIGIN_NODEDEV },
        { "interface_lookup_by_name", ERR_NO_INTERFACE, ORIGIN_INTERFACE },
        { "interface_lookup_by_mac_string", ERR_NO_INTERFACE, ORIGIN_INTERFACE },
        { "nwfilter_lookup_by_name", ERR_NO_NWFILTER, ORIGIN_NWFILTER },
        { "nwfilter_lookup_by_uuid", ERR_NO_NWFILTER, ORIGIN_NWFILTER },
        { "nwfilter_binding_lookup_by_port_dev", ERR_NO_NWFILTER_BINDING, ORIGIN_NWFILTER },
        { "secret_lookup_by_uuid", ERR_NO_SECRET, ORIGIN_SECRET },
        { "secret_lookup_by_usage", ERR_NO_SECRET, ORIGIN_SECRET },
    };
    static const char *const lists[] = {
        "connect_num_of_networks",
        "connect_num_of_defined_networks",
        "connect_list_networks",
        "connect_list_defined_networks",
        "connect_list_all_networks",
        "connect_num_of_storage_pools",
        "connect_num_of_defined_storage_pools",
        "connect_list_storage_pools",
        "connect_list_defined_storage_pools",
        "connect_list_all_storage_pools",
        "node_num_of_devices",
        "node_list_devices",
        "connect_list_all_node_devices",
        "connect_num_of_interfaces",
        "connect_num_of_defined_interfaces",
        "connect_list_interfaces",
        "connect_list_defined_interfaces",
        "connect_list_all_interfaces",
        "connect_num_of_nwfilters",
        "connect_list_nwfilters",
        "connect_list_all_nwfilters",
        "connect_list_all_nwfilter_bindings",
        "connect_num_of_secrets",
        "connect_list_secrets",
        "connect_list_all_secrets",
    };
    g_autoptr (RpcConnection) conn = api_connect (api, TRUE, TRUE);
    connect_list_networks_args bad = { -1 };

    (void) data;
    for (guint i = 0; i < G_N_ELEMENTS (lookups); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_false (api_call_zero (conn, row_find (lookups[i].name), 0, &error));
        api_expect (error, lookups[i].code, lookups[i].origin, NULL);
    }
    for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_true (api_call_zero (conn, row_find (lists[i]), 0, &error));
        g_assert_no_error (error);
    }
    api_call_fails (conn, "connect_list_networks", &bad, ERR_RPC, NULL);
    bad.maxnames = 16385;
    api_call_fails (conn, "connect_list_networks", &bad, ERR_RPC, NULL);
}

/* ---- one reading answers many, also those who do not wait for it */

static gpointer
ask_often (gpointer data)
{
    g_autoptr (RpcConnection) conn = api_connect (data, TRUE, TRUE);

    for (guint i = 0; i < 25; i++) {
        api_call_works (conn, "connect_get_capabilities", NULL, NULL);
        api_call_works (conn, "node_get_info", NULL, NULL);
    }
    return NULL;
}

static void
put_word (GByteArray *packet, guint32 word)
{
    word = GUINT32_TO_BE (word);
    g_byte_array_append (packet, (const guint8 *) &word, sizeof word);
}

static void
put_call (GByteArray *packets, int procedure, const void *arguments, guint size)
{
    const guint32 header[] = { 28 + size, RPC_PROGRAM_REMOTE, 1, (guint32) procedure, 0, 0, 0 };

    for (guint i = 0; i < G_N_ELEMENTS (header); i++)
        put_word (packets, header[i]);
    g_byte_array_append (packets, arguments, size);
}

/* Says everything at once and goes. */
static void
ask_and_go (Api *api)
{
    static const char open_arguments[] = "\0\0\0\1\0\0\0\15lxc:///system\0\0\0\0\0\0";
    g_autoptr (GByteArray) packets = g_byte_array_new ();
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_snprintf (address.sun_path, sizeof address.sun_path, "%s/skep-sock-ro", api->dir);
    g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
    put_call (packets, REMOTE_PROC_AUTH_LIST, "", 0);
    put_call (packets, REMOTE_PROC_CONNECT_OPEN, open_arguments, 28);
    for (guint i = 0; i < 4; i++)
        put_call (packets, REMOTE_PROC_CONNECT_GET_CAPABILITIES, "", 0);
    g_assert_cmpint (write (fd, packets->data, packets->len), ==, (gssize) packets->len);
    close (fd);
}

static void
test_many_askers (Api *api, gconstpointer data)
{
    GThread *threads[6];

    (void) data;
    for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        threads[i] = g_thread_new (NULL, ask_often, api);
    for (guint i = 0; i < 50; i++)
        ask_and_go (api);
    for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        g_thread_join (threads[i]);
    for (guint i = 0; i < 10; i++) /* the daemon ends while it is being asked */
        ask_and_go (api);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    API_TEST ("/host/names", test_names);
    API_TEST ("/host/cpus", test_cpus);
    API_TEST ("/host/memory", test_memory);
    API_TEST ("/host/secondary", test_secondary);
    API_TEST ("/host/many-askers", test_many_askers);
    return g_test_run ();
}
