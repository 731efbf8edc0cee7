/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as bytes: what goes in comes out, and what must not be is refused with a sentence. */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/monitor.h"
#include "plan/plan.h"
#include "util/fd.h"

typedef struct {
    launch_plan plan;
    plan_mount mounts[4];
    plan_node node;
    plan_console console;
    plan_link link;
    plan_address address;
    plan_sysctl sysctl;
    plan_share share;
    plan_idmap maps[2];
    plan_arg arg;
    plan_env env;
    int fd;
} Sample;

/* A good plan with one of everything. Strings that are not set stay NULL: they travel as "". */
static Sample
sample_new (void)
{
    Sample s = { 0 };

    s.plan.plan_version = PLAN_VERSION;
    s.plan.name = (char *) "web";
    s.plan.monitor_path = (char *) "/run/m";
    s.plan.stage_dir = (char *) "/run/stage";
    s.plan.namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWNET;
    s.mounts[0] = (plan_mount) { .kind = PLAN_MOUNT_ROOT, .source = (char *) "/srv/web",
                                 .target = (char *) "/", .fd = -1 };
    s.mounts[1] = (plan_mount) { .kind = PLAN_MOUNT_DEV, .target = (char *) "/dev", .fd = -1 };
    s.mounts[2] = (plan_mount) { .kind = PLAN_MOUNT_DEVPTS, .target = (char *) "/dev/pts", .fd = -1 };
    s.mounts[3] = (plan_mount) { .kind = PLAN_MOUNT_CONSOLE, .target = (char *) "/dev/console",
                                 .fd = -1 };
    s.node = (plan_node) { .path = (char *) "net/tun", .mode = S_IFCHR | 0666, .major = 10,
                           .minor = 200 };
    s.console = (plan_console) { .alias = (char *) "console0", .log_fd = -1 };
    s.address = (plan_address) { .address = (char *) "10.0.0.2", .prefix = 24 };
    s.link = (plan_link) { .host_name = (char *) "vnet0", .guest_name = (char *) "eth0",
                           .ifindex = 3 };
    s.sysctl = (plan_sysctl) { .key = (char *) "net/ipv4/ip_forward", .value = (char *) "1" };
    s.share = (plan_share) { .type = CLONE_NEWIPC, .fd = 9 };
    s.maps[0] = (plan_idmap) { 0, 100000, 1000 };
    s.maps[1] = (plan_idmap) { 1000, 200000, 1000 };
    s.plan.numa_mode = -1;
    s.plan.init.path = (char *) "/sbin/init";
    s.arg = (plan_arg) { (char *) "init" };
    s.env = (plan_env) { (char *) "A=b" };
    s.fd = 12;
    return s;
}

static launch_plan *
sample_plan (Sample *s)
{
    launch_plan *plan = &s->plan;

    s->link.addresses.addresses_val = &s->address;
    s->link.addresses.addresses_len = 1;
    plan->mounts.mounts_val = s->mounts;
    plan->mounts.mounts_len = 4;
    plan->nodes.nodes_val = &s->node;
    plan->nodes.nodes_len = 1;
    plan->consoles.consoles_val = &s->console;
    plan->consoles.consoles_len = 1;
    plan->links.links_val = &s->link;
    plan->links.links_len = 1;
    plan->sysctls.sysctls_val = &s->sysctl;
    plan->sysctls.sysctls_len = 1;
    plan->shares.shares_val = &s->share;
    plan->shares.shares_len = 1;
    plan->uid_map.uid_map_val = plan->gid_map.gid_map_val = s->maps;
    plan->uid_map.uid_map_len = plan->gid_map.gid_map_len = 2;
    plan->init.argv.argv_val = &s->arg;
    plan->init.argv.argv_len = 1;
    plan->init.env.env_val = &s->env;
    plan->init.env.env_len = 1;
    plan->init.pass_fds.pass_fds_val = &s->fd;
    plan->init.pass_fds.pass_fds_len = 1;
    return plan;
}

static char *
print (const launch_plan *plan)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream (&text, &length);

    plan_print (plan, out);
    fclose (out);
    return text;
}

static void
test_round_trip (void)
{
    Sample s = sample_new ();
    launch_plan got;
    const char *why = NULL;
    char *text;
    int fd = plan_to_memfd (sample_plan (&s));

    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (write (fd, "x", 1), ==, -1);
    if (plan_from_fd (fd, &got, &why) < 0)
        g_error ("%s", why);
    g_assert_cmpstr (got.name, ==, "web");
    g_assert_cmpstr (got.hostname, ==, "");
    g_assert_cmpuint (got.mounts.mounts_len, ==, 4);
    g_assert_cmpint (got.mounts.mounts_val[0].fd, ==, -1);
    g_assert_cmpuint (got.uid_map.uid_map_val[1].host, ==, 200000);
    text = print (&got);
    g_assert_nonnull (strstr (text, "namespaces user,mount,pid,net\n"));
    g_assert_nonnull (strstr (text, "uid 1000 -> 200000 count 1000\n"));
    g_assert_nonnull (strstr (text, "node /dev/net/tun c 10:200 mode 0666 owner 0:0\n"));
    g_assert_nonnull (strstr (text, "link vnet0 -> eth0\naddress 10.0.0.2/24 dev eth0\n"));
    g_assert_nonnull (strstr (text, "exec /sbin/init [init]\n"));
    free (text);
    plan_free (&got);
    plan_free (&got);
    close (fd);
}

/* Every length of a good plan but the full one is refused, and so is one byte more. */
static void
test_cut (void)
{
    Sample s = sample_new ();
    char bytes[4096];
    launch_plan got;
    const char *why;
    size_t length = plan_encode (sample_plan (&s), bytes, sizeof bytes);

    g_assert_cmpuint (length, >, 0);
    g_assert_cmpuint (plan_encode (&s.plan, bytes, length - 1), ==, 0);
    g_assert_cmpuint (plan_encode (&s.plan, bytes, sizeof bytes), ==, length);
    for (size_t n = 0; n <= length + 4; n += 4) {
        if (n == length)
            continue;
        why = NULL;
        g_assert_cmpint (plan_decode (bytes, n, &got, &why), ==, -1);
        g_assert_nonnull (why);
    }
    /* the name "web" lies behind the version: a NUL in it */
    bytes[9] = '\0';
    g_assert_cmpint (plan_decode (bytes, length, &got, &why), ==, -1);
    g_assert_cmpint (errno, ==, EBADMSG);
}

static void
test_seals (void)
{
    Sample s = sample_new ();
    char bytes[4096];
    launch_plan got;
    const char *why = NULL;
    size_t length = plan_encode (sample_plan (&s), bytes, sizeof bytes);
    int fd = memfd_create ("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    g_assert_cmpint (fd_write_all (fd, bytes, length), ==, 0);
    g_assert_cmpint (plan_from_fd (fd, &got, &why), ==, -1);
    g_assert_cmpstr (why, ==, "the plan is not a sealed file of a sensible size");
    close (fd);
    g_assert_cmpint (plan_from_fd (-1, &got, &why), ==, -1);
}

typedef struct {
    const char *why;
    void (*spoil) (Sample *s);
} Rule;

static void r_version (Sample *s) { s->plan.plan_version = 7; }
static void r_name (Sample *s) { s->plan.name = (char *) "a/b"; }
static void r_line (Sample *s) { s->plan.name = (char *) "a\nb"; }
static void r_monitor (Sample *s) { s->plan.monitor_path = (char *) "m"; }
static void r_namespaces (Sample *s) { s->plan.namespaces &= ~(unsigned) CLONE_NEWPID; }
static void r_time (Sample *s) { s->plan.namespaces |= 0x80; }
static void r_user (Sample *s) { s->plan.namespaces &= ~(unsigned) CLONE_NEWUSER; }
static void r_overlap (Sample *s) { s->maps[1].guest = 999; }
static void r_wrap (Sample *s) { s->maps[1].host = 0xffffff00; }
static void r_share (Sample *s) { s->share.type = CLONE_NEWPID; }
static void r_share_own (Sample *s) { s->share.type = CLONE_NEWNET; }
static void r_share_fd (Sample *s) { s->share.fd = 1; }
static void r_root (Sample *s) { s->mounts[0].kind = PLAN_MOUNT_NEW; }
static void r_second_root (Sample *s) { s->mounts[3].target = (char *) "/"; }
static void r_up (Sample *s) { s->mounts[1].target = (char *) "/a/../../b"; }
static void r_kind (Sample *s) { s->mounts[1].kind = 99; }
static void r_flag (Sample *s) { s->mounts[1].flags = 1 << 20; }
static void r_console (Sample *s) { s->mounts[3].index = 1; }
static void r_order (Sample *s) { plan_mount m = s->mounts[2]; s->mounts[2] = s->mounts[3];
                                  s->mounts[3] = m; }
static void r_node (Sample *s) { s->node.path = (char *) "../sda"; }
static void r_node_kind (Sample *s) { s->node.mode = S_IFREG | 0666; }
static void r_link (Sample *s) { s->link.guest_name = (char *) "eth0/1"; }
static void r_link_name (Sample *s) { s->link.guest_name = (char *) "a-name-too-long-for-it"; }
static void r_sysctl (Sample *s) { s->sysctl.key = (char *) "kernel/core_pattern"; }
static void r_sysctl_longer (Sample *s) { s->sysctl.key = (char *) "kernel/hostname_x"; }
static void r_sysctl_longer2 (Sample *s) { s->sysctl.key = (char *) "kernel/domainnamefoo"; }
static void r_sysctl_up (Sample *s) { s->sysctl.key = (char *) "net/../kernel/core_pattern"; }
static void r_init (Sample *s) { s->plan.init.path = (char *) "init"; }
static void r_env (Sample *s) { s->env.entry = (char *) "word"; }
static void r_pass (Sample *s) { s->fd = -1; }
static void r_caps (Sample *s) { s->plan.caps.effective = 1; }

static const Rule rules[] = {
    { "the plan has another version", r_version },
    { "the name is not a plain word", r_name },
    { "the name is not a plain word", r_line },
    { "the monitor socket or the staging directory has no absolute path", r_monitor },
    { "a container without its own mount and pid namespaces", r_namespaces },
    { "unknown kind of namespace", r_time },
    { "id maps and user namespace go together", r_user },
    { "an id map overlaps or runs over the end", r_overlap },
    { "an id map overlaps or runs over the end", r_wrap },
    { "a shared namespace is of a wrong kind or given twice", r_share },
    { "a shared namespace is of a wrong kind or given twice", r_share_own },
    { "a shared namespace has no descriptor", r_share_fd },
    { "the first mount is not the root", r_root },
    { "more than one root", r_second_root },
    { "a mount target is not a straight absolute path", r_up },
    { "the plan is malformed or breaks a bound", r_kind },
    { "unknown mount flag", r_flag },
    { "a console mount names no console", r_console },
    { "a console is mounted before devpts", r_order },
    { "a device node's path is not a straight relative path", r_node },
    { "a device node is no device", r_node_kind },
    { "a network device has a bad name", r_link },
    { "a network device has a bad name", r_link_name },
    { "a kernel parameter is not the container's own", r_sysctl },
    { "a kernel parameter is not the container's own", r_sysctl_longer },
    { "a kernel parameter is not the container's own", r_sysctl_longer2 },
    { "a kernel parameter is not the container's own", r_sysctl_up },
    { "init has no absolute path or no arguments", r_init },
    { "an environment entry is not NAME=value", r_env },
    { "a passed descriptor is out of range", r_pass },
    { "the capability sets contradict each other", r_caps },
};

static void
test_rules (void)
{
    for (guint i = 0; i < G_N_ELEMENTS (rules); i++) {
        Sample s = sample_new ();
        char bytes[4096];
        launch_plan got;
        const char *why = NULL;
        size_t length;

        rules[i].spoil (&s);
        length = plan_encode (sample_plan (&s), bytes, sizeof bytes);
        g_assert_cmpint (plan_decode (bytes, length, &got, &why), ==, -1);
        /* libtirpc's xdr_enum() takes any number on some systems: then our own rule speaks */
        if (rules[i].spoil == r_kind && strcmp (why, "unknown kind of mount") == 0)
            continue;
        g_assert_cmpstr (why, ==, rules[i].why);
    }
}

static void
test_describe (void)
{
    MonitorPacket packet = { .type = MONITOR_FAILED, .step = STEP_MOUNT, .err = EACCES };
    char text[128];

    g_strlcpy (packet.object, "/proc/\033[31msys", sizeof packet.object);
    monitor_describe (&packet, text, sizeof text);
    g_assert_cmpstr (text, ==, "mount /proc/?[31msys: Permission denied");
    packet.step = 9999;
    packet.err = 0;
    packet.object[0] = '\0';
    monitor_describe (&packet, text, sizeof text);
    g_assert_cmpstr (text, ==, "do an unknown step");
    for (unsigned step = 0; step < STEP_LAST; step++)
        g_assert_nonnull (monitor_step_name (step));
}

static void
test_exit_file (void)
{
    g_autofree char *dir = g_dir_make_tmp ("skep-plan-XXXXXX", NULL);
    g_autofree char *socket = g_build_filename (dir, "m", NULL);
    g_autofree char *file = g_strconcat (socket, MONITOR_EXIT_SUFFIX, NULL);
    MonitorPacket packet = { .type = MONITOR_EXIT, .a = 256, .b = EXIT_REBOOT }, got;

    g_assert_cmpint (monitor_exit_read (socket, &got), ==, -1);
    g_assert_cmpint (monitor_exit_write (socket, &packet), ==, 0);
    g_assert_cmpint (monitor_exit_read (socket, &got), ==, 0);
    g_assert_cmpuint (got.a, ==, 256);
    g_assert_cmpuint (got.b, ==, EXIT_REBOOT);
    g_assert_true (g_file_set_contents (file, "short", -1, NULL));
    g_assert_cmpint (monitor_exit_read (socket, &got), ==, -1);
    g_assert_cmpint (errno, ==, EBADMSG);
    g_assert_cmpint (g_rmdir (dir), ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/plan/round-trip", test_round_trip);
    g_test_add_func ("/plan/cut", test_cut);
    g_test_add_func ("/plan/seals", test_seals);
    g_test_add_func ("/plan/rules", test_rules);
    g_test_add_func ("/monitor/describe", test_describe);
    g_test_add_func ("/monitor/exit-file", test_exit_file);
    return g_test_run ();
}
