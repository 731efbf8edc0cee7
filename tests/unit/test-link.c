/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links in a network namespace of the test's own, loop devices with a file of its own. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/block.h"
#include "host/link.h"
#include "host/rtnl.h"
#include "util/error.h"
#include "util/fd.h"

static gboolean isolated;

static gboolean
usable (void)
{
    if (isolated)
        return TRUE;
    g_test_skip ("cannot make a network namespace");
    return FALSE;
}

static char *
output_of (const char *command)
{
    char *out = NULL;

    g_spawn_command_line_sync (command, &out, NULL, NULL, NULL);
    return out ? g_strstrip (out) : g_strdup ("");
}

static void
make_bridge (const char *name, guint mtu)
{
    struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
    RtnlRequest request;
    gsize nest;

    rtnl_start (&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    rtnl_add_string (&request, IFLA_IFNAME, name);
    rtnl_add_u32 (&request, IFLA_MTU, mtu);
    nest = rtnl_open (&request, IFLA_LINKINFO);
    rtnl_add_string (&request, IFLA_INFO_KIND, "bridge");
    rtnl_close (&request, nest);
    g_assert_cmpint (rtnl_run (&request), ==, 0);
}

static void
test_veth (void)
{
    const guint8 mac[6] = { 0x52, 0x54, 0, 0x11, 0x22, 0x33 };
    LinkVeth args = { .mac = mac, .bridge = "br-t", .isolated = TRUE };
    g_autoptr (GError) error = NULL;
    g_autofree char *port = NULL;
    LinkPair pair, second;
    guint8 got[6];
    guint mtu;

    if (!usable ())
        return;
    make_bridge ("br-t", 1400);
    g_assert_true (link_is_bridge ("br-t"));
    g_assert_true (link_add_veth (&args, &pair, &error));
    g_assert_true (g_str_has_prefix (pair.host, "vnet"));
    g_assert_cmpint (pair.host_index, ==, link_index (pair.host));
    g_assert_cmpint (pair.guest_index, ==, link_index (pair.guest));
    g_assert_true (link_get_mac (pair.guest, got, &error));
    g_assert_cmpmem (got, 6, mac, 6);
    g_assert_true (link_get_mtu (pair.host, &mtu, &error));
    g_assert_cmpuint (mtu, ==, 1400);
    g_assert_true (link_get_mtu (pair.guest, &mtu, &error));
    g_assert_cmpuint (mtu, ==, 1400);
    {
        g_autofree char *brport = g_strdup_printf ("/sys/class/net/%s/brport", pair.host);
        g_autofree char *command = g_strdup_printf ("cat %s/isolated /sys/class/net/%s/flags", brport, pair.host);

        /* sysfs may show another namespace: it was mounted by the host */
        if (g_file_test (brport, G_FILE_TEST_IS_DIR)) {
            port = output_of (command);
            g_assert_true (g_str_has_prefix (port, "1\n0x1"));     /* isolated, up */
        }
    }
    args.isolated = FALSE;
    g_assert_true (link_add_veth (&args, &second, &error));
    g_assert_cmpstr (second.host, !=, pair.host);
    g_assert_true (link_delete (pair.host, &error));
    g_assert_cmpint (link_index (pair.guest), ==, 0);
    g_assert_true (link_delete (pair.host, &error));    /* gone: fine */
    g_assert_true (link_delete (second.host, &error));
    g_assert_true (link_delete ("br-t", &error));
}

static void
test_veth_errors (void)
{
    LinkVeth args = { .bridge = "br-none" };
    g_autoptr (GError) error = NULL;
    LinkPair pair = { .host = "x" };

    if (!usable ())
        return;
    g_assert_false (link_add_veth (&args, &pair, &error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_assert_cmpstr (error->message, ==, "Cannot get interface MTU on 'br-none': No such device");
    g_assert_cmpstr (pair.host, ==, "x");
    g_clear_error (&error);
    args.bridge = "lo";
    g_assert_false (link_add_veth (&args, &pair, &error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_clear_error (&error);
    args.bridge = NULL;
    for (guint i = 0; i < 5; i++) {
        args.name = ((const char *[]) { "", "sixteen-letters-", "a%d", "a/b", "a b" })[i];
        g_assert_false (link_add_veth (&args, &pair, &error));
        g_assert_error (error, SKEP_ERROR, ERR_INVALID_ARG);
        g_clear_error (&error);
    }
    args.name = "lo";   /* taken: said at once, not tried on and on */
    g_assert_false (link_add_veth (&args, &pair, &error));
    g_assert_cmpint (error_errno (error), ==, EEXIST);
    g_clear_error (&error);
    args.name = NULL;
    args.mtu = 1;       /* the kernel refuses; nothing of the pair stays */
    g_assert_false (link_add_veth (&args, &pair, &error));
    g_clear_error (&error);
    {
        g_autofree char *links = output_of ("ip -br link");

        g_assert_null (strstr (links, "vnet"));
    }
    g_assert_false (link_check ("none", &error));
    g_assert_cmpstr (error->message, ==, "Cannot get interface flags on 'none': No such device");
}

/* Names that others hold are skipped, without a look before. */
static void
test_taken_names (void)
{
    LinkVeth args = { .name = NULL };
    g_autoptr (GError) error = NULL;
    LinkPair pair, next;
    guint number;

    if (!usable ())
        return;
    g_assert_true (link_add_veth (&args, &pair, &error));
    number = (guint) g_ascii_strtoull (pair.host + 4, NULL, 10);
    for (guint i = 1; i <= 3; i++) {
        g_autofree char *name = g_strdup_printf ("vnet%u", number + i + 3);
        LinkPair taken;

        args.name = name;
        g_assert_true (link_add_veth (&args, &taken, &error));
    }
    args.name = NULL;
    g_assert_true (link_add_veth (&args, &next, &error));
    g_assert_cmpuint (g_ascii_strtoull (next.host + 4, NULL, 10), ==, number + 7);
}

static void
test_macvlan (void)
{
    const guint8 mac[6] = { 0x52, 0x54, 0, 0x11, 0x22, 0x34 };
    g_autoptr (GError) error = NULL;
    LinkPair pair;
    guint8 got[6];

    if (!usable ())
        return;
    make_bridge ("br-m", 1500);
    g_assert_true (link_add_macvlan ("br-m", NULL, LINK_MACVLAN_BRIDGE, mac, 1400, &pair, &error));
    g_assert_cmpstr (pair.host, ==, "");
    g_assert_cmpint (pair.guest_index, ==, link_index (pair.guest));
    g_assert_true (link_get_mac (pair.guest, got, &error));
    g_assert_cmpmem (got, 6, mac, 6);
    /* a name that is taken is an error, and that link stays */
    g_assert_false (link_add_macvlan ("br-m", pair.guest, LINK_MACVLAN_BRIDGE, NULL, 0, &pair, &error));
    g_assert_nonnull (strstr (error->message, "File exists"));
    g_clear_error (&error);
    g_assert_cmpint (link_index (pair.guest), !=, 0);
    g_assert_true (link_delete (pair.guest, &error));
    g_assert_true (link_add_macvlan ("br-m", "mine0", LINK_MACVLAN_BRIDGE, NULL, 0, &pair, &error));
    g_assert_cmpstr (pair.guest, ==, "mine0");
    g_assert_true (link_delete ("mine0", &error));
    g_assert_false (link_add_macvlan ("none", NULL, LINK_MACVLAN_VEPA, NULL, 0, &pair, &error));
    g_assert_cmpstr (error->message, ==, "Unable to get index for interface none: No such device");
    g_clear_error (&error);
    link_delete ("br-m", NULL);
}

static void
test_addresses (void)
{
    LinkVeth args = { .name = "addr0" };
    g_autoptr (GError) error = NULL;
    g_autofree char *addresses = NULL, *routes = NULL, *routes6 = NULL;
    LinkStats stats;
    LinkPair pair;

    if (!usable ())
        return;
    g_assert_true (link_add_veth (&args, &pair, &error));
    g_assert_true (link_set_up (pair.guest, TRUE, &error));
    g_assert_true (link_add_address ("addr0", "10.1.2.3", 24, NULL, &error));
    g_assert_true (link_add_address ("addr0", "10.1.2.3", 24, NULL, &error));   /* again: fine */
    g_assert_true (link_add_address ("addr0", "10.9.0.1", 32, "10.9.0.2", &error));
    g_assert_true (link_add_address ("addr0", "fd00::1", 64, NULL, &error));
    g_assert_true (link_add_route ("addr0", "192.168.7.0", 24, "10.1.2.1", 7, &error));
    g_assert_true (link_add_route ("addr0", "192.168.7.0", 24, "10.1.2.1", 7, &error));
    g_assert_true (link_add_route ("addr0", "192.168.8.0", 24, NULL, 0, &error));
    g_assert_true (link_add_route ("addr0", NULL, 0, "10.1.2.1", 0, &error));
    g_assert_true (link_add_route ("addr0", "fd01::", 64, "fd00::2", 0, &error));
    g_assert_no_error (error);
    addresses = output_of ("ip -o addr show dev addr0");
    g_assert_nonnull (strstr (addresses, "inet 10.1.2.3/24 brd 10.1.2.255"));
    g_assert_nonnull (strstr (addresses, "inet 10.9.0.1 peer 10.9.0.2/32"));
    g_assert_nonnull (strstr (addresses, "inet6 fd00::1/64"));
    routes = output_of ("ip route");
    g_assert_nonnull (strstr (routes, "192.168.7.0/24 via 10.1.2.1 dev addr0 proto static metric 7"));
    g_assert_nonnull (strstr (routes, "192.168.8.0/24 dev addr0 proto static scope link"));
    g_assert_nonnull (strstr (routes, "default via 10.1.2.1 dev addr0 proto static"));
    routes6 = output_of ("ip -6 route");
    g_assert_nonnull (strstr (routes6, "fd01::/64 via fd00::2 dev addr0"));
    g_assert_false (link_add_address ("addr0", "10.1.2", 24, NULL, &error));
    g_assert_error (error, SKEP_ERROR, ERR_INVALID_ARG);
    g_clear_error (&error);
    g_assert_false (link_add_address ("none", "10.1.2.3", 24, NULL, &error));
    g_assert_cmpint (error_errno (error), ==, ENODEV);
    g_clear_error (&error);
    g_assert_false (link_stats ("none", &stats, &error));
    g_clear_error (&error);
    link_delete ("addr0", NULL);
}

/* Nobody else's file: the device may be another program's in the same moment. */
static gboolean
loop_has (const char *device, const char *file)
{
    g_autofree char *path = g_strdup_printf ("/sys/block/%s/loop/backing_file", device + strlen ("/dev/"));
    g_autofree char *text = NULL;

    return g_file_get_contents (path, &text, NULL, NULL) && g_str_has_prefix (text, file);
}

static void
test_loop (void)
{
    g_autofree char *dir = g_dir_make_tmp ("skep-XXXXXX", NULL);
    g_autofree char *file = g_build_filename (dir, "image", NULL), *link = g_build_filename (dir, "fifo", NULL);
    g_autofree char *program = g_find_program_in_path ("mkfs.ext4");
    g_autofree char *path = NULL, *type = NULL, *command = NULL, *none = NULL;
    g_autoptr (GError) error = NULL;
    autofd int fd = -1, image = open (file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat st;
    int status;

    g_assert_cmpint (ftruncate (image, 8 << 20), ==, 0);
    g_assert_cmpint (mkfifo (link, 0600), ==, 0);
    g_assert_false (block_loop_attach (link, TRUE, &path, &fd, &error));
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_FAILED);
    g_clear_error (&error);
    g_assert_false (block_loop_attach ("/nonexistent", TRUE, &path, &fd, &error));
    g_assert_cmpint (error_errno (error), ==, ENOENT);
    g_clear_error (&error);
    g_assert_null (block_filesystem (file, &error));    /* empty */
    g_assert_error (error, SKEP_ERROR, ERR_INTERNAL);
    g_clear_error (&error);
    if (geteuid () != 0 || access ("/dev/loop-control", W_OK) < 0 || !program) {
        g_test_skip ("no loop devices or mkfs here");
    } else {
        command = g_strdup_printf ("mkfs.ext4 -q %s", file);
        g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, &status, NULL));
        g_assert_cmpint (status, ==, 0);
        g_assert_true (block_loop_attach (file, TRUE, &path, &fd, &error));
        g_assert_no_error (error);
        type = block_filesystem (path, &error);
        g_assert_cmpstr (type, ==, "ext4");
        g_assert_cmpint (write (fd, "x", 1), ==, -1);   /* read-only is honoured */
        g_assert_cmpint (stat (path, &st), ==, 0);
        fd_close (&fd);
        for (guint i = 0; loop_has (path, file); i++) {     /* the kernel detaches by itself */
            g_assert_cmpuint (i, <, 60000);
            g_usleep (1000);
        }
    }
    g_unlink (file);
    g_unlink (link);
    g_rmdir (dir);
}

int
main (int argc, char **argv)
{
    /* with a sysfs of its own, which shows the links of the namespace */
    isolated = geteuid () == 0 && unshare (CLONE_NEWNET | CLONE_NEWNS) == 0
               && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
               && mount ("sysfs", "/sys", "sysfs", 0, NULL) == 0;
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/link/veth", test_veth);
    g_test_add_func ("/link/veth-errors", test_veth_errors);
    g_test_add_func ("/link/taken-names", test_taken_names);
    g_test_add_func ("/link/macvlan", test_macvlan);
    g_test_add_func ("/link/addresses", test_addresses);
    g_test_add_func ("/block/loop", test_loop);
    return g_test_run ();
}
