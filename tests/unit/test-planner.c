/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The planner is pure: definition and facts in, plan out. No root, no host. */
#include <glib.h>
#include <sched.h>
#include <string.h>

#include "driver/planner.h"
#include "util/error.h"

#define HEAD "<domain type='lxc'><name>-we b_1.x-y</name>" \
    "<uuid>1f9cf5a4-0001-4b5c-9f53-5a6d4c2b1e01</uuid><memory>65536</memory>" \
    "<os><type>exe</type><init>/sbin/init</init><initarg>a b</initarg>"
#define ROOT "<filesystem type='mount'><source dir='/srv/root'/><target dir='/'/></filesystem>"
#define CONSOLE "<console type='pty'/>"
#define MAP "<idmap><uid start='0' target='100000' count='65536'/>" \
    "<gid start='0' target='200000' count='65536'/></idmap>"

static const CgroupView view_v2 = { .dir = "", .options = "", .v2 = TRUE, .writable = TRUE };
static const CgroupView views_v1[] = {
    { .dir = "cpu,cpuacct", .options = "cpu,cpuacct", .link_names = "cpu,cpuacct" },
    { .dir = "systemd", .options = "name=systemd", .writable = TRUE },
    { .dir = "unified", .options = "", .v2 = TRUE, .writable = TRUE },
};

typedef struct {
    DomainDef *def;
    PlanFacts *facts;
    PlanContext context;
    launch_plan *plan;
} Fixture;

static DomainDef *
parse (const char *os, const char *middle, const char *devices)
{
    const DomainDefaults defaults = { .arch = "x86_64", .arch32 = "i686", .emulator = "/x",
                                      .label_model = "none" };
    g_autofree char *xml = g_strconcat (HEAD, os, "</os>", middle, "<devices>", devices,
                                        "</devices></domain>", NULL);
    g_autoptr (GError) error = NULL;
    DomainDef *def = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);

    g_assert_no_error (error);
    return def;
}

static void
set_up (Fixture *f, const char *os, const char *middle, const char *devices)
{
    memset (f, 0, sizeof *f);
    f->def = parse (os, middle, devices);
    f->facts = plan_facts_new (f->def);
    f->facts->cap_last = 40;
    for (guint i = 0; i < f->facts->fs->len; i++)
        g_array_index (f->facts->fs, PlanFs, i).directory = TRUE;
    if (f->facts->idmap) {
        g_assert_true (plan_map_id (f->def->uid_map, 0, &f->facts->root_uid));
        g_assert_true (plan_map_id (f->def->gid_map, 0, &f->facts->root_gid));
    }
    f->context = (PlanContext) { .monitor_path = "/run/m.sock", .stage_dir = "/run/stage",
                                 .console_ring = 65536, .views = &view_v2, .n_views = 1 };
}

static void
make (Fixture *f)
{
    g_autoptr (GError) error = NULL;

    f->plan = plan_make (f->def, f->facts, &f->context, &error);
    g_assert_no_error (error);
}

static void
tear_down (Fixture *f)
{
    plan_destroy (f->plan);
    plan_facts_free (f->facts);
    domain_def_free (f->def);
}

static int
find_mount (const launch_plan *plan, const char *target)
{
    for (u_int i = 0; i < plan->mounts.mounts_len; i++)
        if (strcmp (plan->mounts.mounts_val[i].target, target) == 0)
            return (int) i;
    return -1;
}

static const plan_mount *
get_mount (const launch_plan *plan, const char *target)
{
    int i = find_mount (plan, target);

    g_assert_cmpint (i, >=, 0);
    return &plan->mounts.mounts_val[i];
}

static const char *
get_env (const launch_plan *plan, const char *name)
{
    g_autofree char *prefix = g_strconcat (name, "=", NULL);

    for (u_int i = 0; i < plan->init.env.env_len; i++)
        if (g_str_has_prefix (plan->init.env.env_val[i].entry, prefix))
            return plan->init.env.env_val[i].entry + strlen (prefix);
    return NULL;
}

static void
test_plain (void)
{
    Fixture f;

    set_up (&f, "", "", ROOT CONSOLE CONSOLE CONSOLE);
    make (&f);
    g_assert_cmpuint (f.plan->namespaces, ==, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWIPC
                                                  | CLONE_NEWUTS);
    g_assert_cmpstr (f.plan->hostname, ==, "web1x-y");
    g_assert_cmpint (f.plan->loopback_up, ==, 0);
    g_assert_cmpuint (f.plan->consoles.consoles_len, ==, 3);
    g_assert_cmpstr (f.plan->consoles.consoles_val[2].alias, ==, "console2");
    g_assert_cmpuint (f.plan->init.argv.argv_len, ==, 2);
    g_assert_cmpstr (f.plan->init.argv.argv_val[1].value, ==, "a b");
    g_assert_cmpstr (f.plan->init.cwd, ==, "/");
    g_assert_cmpstr (get_env (f.plan, "PATH"), ==, "/bin:/sbin");
    g_assert_cmpstr (get_env (f.plan, "container"), ==, "lxc-libvirt");
    g_assert_cmpstr (get_env (f.plan, "container_ttys"), ==, "pts/1 pts/2");
    g_assert_cmpstr (get_env (f.plan, "container_uuid"), ==, "1f9cf5a4-0001-4b5c-9f53-5a6d4c2b1e01");
    g_assert_null (get_env (f.plan, "LISTEN_FDS"));
    g_assert_null (get_env (f.plan, "LIBVIRT_LXC_CMDLINE"));
    /* sys_module, sys_time, mknod, audit_control, mac_admin */
    g_assert_cmphex (f.plan->caps.bounding & ((1ULL << 16) | (1ULL << 25) | (1ULL << 27) | (1ULL << 30)
                                              | (1ULL << 33)), ==, 0);
    tear_down (&f);
}

/* Each hides or protects what the one before it shows. */
static void
test_mount_order (void)
{
    static const char *const order[] = { "/", "/proc", "/proc/sys", "/proc/sys/net", "/proc/kcore",
                                         "/proc/sysrq-trigger", "/sys", "/sys/firmware",
                                         "/sys/fs/cgroup", "/dev", "/dev/pts", "/dev/shm",
                                         "/dev/tty1", "/dev/console", "/data" };
    Fixture f;

    set_up (&f, "", "<features><privnet/></features>", ROOT CONSOLE
            "<filesystem type='mount'><source dir='/srv/data'/><target dir='/data'/><readonly/>"
            "</filesystem>");
    make (&f);
    for (guint i = 1; i < G_N_ELEMENTS (order); i++)
        g_assert_cmpint (find_mount (f.plan, order[i]), >, find_mount (f.plan, order[i - 1]));
    g_assert_cmpint (get_mount (f.plan, "/")->kind, ==, PLAN_MOUNT_ROOT);
    g_assert_true (get_mount (f.plan, "/proc/sys")->flags & PLAN_MF_RDONLY);
    g_assert_false (get_mount (f.plan, "/proc/sys/net")->flags & PLAN_MF_RDONLY);
    g_assert_true (get_mount (f.plan, "/sys")->flags & PLAN_MF_RDONLY);
    g_assert_cmpint (get_mount (f.plan, "/proc/kcore")->kind, ==, PLAN_MOUNT_MASK_FILE);
    g_assert_true (get_mount (f.plan, "/data")->flags & PLAN_MF_RDONLY);
    g_assert_cmpint (get_mount (f.plan, "/data")->idmap, ==, PLAN_IDMAP_NONE);
    g_assert_true (f.plan->namespaces & CLONE_NEWNET);
    g_assert_cmpint (f.plan->loopback_up, ==, 1);
    tear_down (&f);
    /* the host's network is not ours to change */
    set_up (&f, "", "", ROOT CONSOLE);
    make (&f);
    g_assert_cmpint (find_mount (f.plan, "/proc/sys/net"), ==, -1);
    tear_down (&f);
}

static void
test_idmap (void)
{
    Fixture f;

    set_up (&f, "", MAP, ROOT CONSOLE
            "<filesystem type='ram'><source usage='1024'/><target dir='/t'/></filesystem>"
            "<filesystem type='mount'><source dir='/dev/dri'/><target dir='/dri'/></filesystem>"
            "<filesystem type='mount'><source dir='/srv/d'/><target dir='/d'/></filesystem>");
    make (&f);
    g_assert_true (f.plan->namespaces & CLONE_NEWUSER);
    g_assert_cmpuint (f.plan->uid_map.uid_map_val[0].host, ==, 100000);
    g_assert_cmpint (get_mount (f.plan, "/")->idmap, ==, PLAN_IDMAP_GUEST);
    g_assert_cmpint (get_mount (f.plan, "/d")->idmap, ==, PLAN_IDMAP_GUEST);
    g_assert_cmpint (get_mount (f.plan, "/dri")->idmap, ==, PLAN_IDMAP_TRY);
    g_assert_nonnull (strstr (get_mount (f.plan, "/dev/pts")->options, "gid=200005"));
    g_assert_cmpstr (get_mount (f.plan, "/t")->options, ==, "mode=1777,size=1048576,uid=100000,gid=200000");
    g_assert_cmpuint (f.plan->nodes.nodes_val[0].uid, ==, 100000);
    g_assert_cmpuint (f.plan->nodes.nodes_val[0].gid, ==, 200000);
    tear_down (&f);
    /* a root of the host's own is never given to the container as its owner */
    set_up (&f, "", MAP, CONSOLE);
    make (&f);
    g_assert_cmpstr (get_mount (f.plan, "/")->source, ==, "/");
    g_assert_cmpint (get_mount (f.plan, "/")->idmap, ==, PLAN_IDMAP_NONE);
    tear_down (&f);
    /* a map without gid 5: the container's own group, not "nobody" */
    set_up (&f, "", "<idmap><uid start='0' target='7000' count='1'/><gid start='0' target='8000' count='5'/>"
            "</idmap>", ROOT CONSOLE);
    make (&f);
    g_assert_nonnull (strstr (get_mount (f.plan, "/dev/pts")->options, "gid=8000"));
    tear_down (&f);
}

static void
test_environment (void)
{
    int passed[] = { 9, 10 };
    Fixture f;

    set_up (&f, "<initenv name='TERM'>xterm</initenv><initenv name='A'>1 &amp; 2</initenv>"
            "<initdir>/root</initdir><inituser>u</inituser><cmdline>q=1</cmdline>", "", ROOT CONSOLE);
    f.context.pass_fds = passed;
    f.context.n_pass_fds = 2;
    make (&f);
    g_assert_cmpstr (get_env (f.plan, "TERM"), ==, "xterm");
    g_assert_cmpstr (get_env (f.plan, "A"), ==, "1 & 2");
    g_assert_cmpstr (get_env (f.plan, "LIBVIRT_LXC_CMDLINE"), ==, "q=1");
    g_assert_cmpstr (get_env (f.plan, "LISTEN_FDS"), ==, "2");
    g_assert_cmpstr (get_env (f.plan, "LISTEN_PID"), ==, "1");
    g_assert_cmpstr (f.plan->init.cwd, ==, "/root");
    g_assert_cmpstr (f.plan->init.user, ==, "u");
    g_assert_cmpint (f.plan->init.pass_fds.pass_fds_val[1], ==, 10);
    /* the fixture's init is /sbin/init, which hands out terminals itself */
    g_assert_false (f.plan->init.controlling_tty);
    tear_down (&f);
}

static void
test_cgroup_views (void)
{
    Fixture f;

    set_up (&f, "", "", ROOT CONSOLE);
    make (&f);
    g_assert_cmpstr (get_mount (f.plan, "/sys/fs/cgroup")->fstype, ==, "cgroup2");
    g_assert_false (get_mount (f.plan, "/sys/fs/cgroup")->flags & PLAN_MF_RDONLY);
    tear_down (&f);
    set_up (&f, "", "", ROOT CONSOLE);
    f.context.views = views_v1;
    f.context.n_views = G_N_ELEMENTS (views_v1);
    make (&f);
    g_assert_cmpstr (get_mount (f.plan, "/sys/fs/cgroup")->fstype, ==, "tmpfs");
    g_assert_true (get_mount (f.plan, "/sys/fs/cgroup/cpu,cpuacct")->flags & PLAN_MF_RDONLY);
    g_assert_cmpint (get_mount (f.plan, "/proc/meminfo")->kind, ==, PLAN_MOUNT_MEMINFO);
    g_assert_cmpuint (get_mount (f.plan, "/proc/meminfo")->flags & PLAN_MF_RDONLY, !=, 0);
    g_assert_cmpint (get_mount (f.plan, "/sys/fs/cgroup/cpu")->kind, ==, PLAN_MOUNT_SYMLINK);
    g_assert_false (get_mount (f.plan, "/sys/fs/cgroup/systemd")->flags & PLAN_MF_RDONLY);
    g_assert_cmpstr (get_mount (f.plan, "/sys/fs/cgroup/unified")->fstype, ==, "cgroup2");
    tear_down (&f);
}

static void
expect_refusal (const char *middle, const char *devices, int code, const char *text)
{
    g_autoptr (DomainDef) def = parse ("", middle, devices);
    g_autoptr (GError) error = NULL;

    g_assert_false (plan_check_def (def, &error));
    g_assert_error (error, SKEP_ERROR, code);
    g_assert_cmpstr (error->message, ==, text);
}

static void
test_refusals (void)
{
    expect_refusal ("", ROOT, ERR_CONFIG_UNSUPPORTED, "At least one PTY console is required");
    expect_refusal ("", CONSOLE "<interface type='user'/>", ERR_INTERNAL, "Unsupported network type user");
    expect_refusal ("", CONSOLE "<filesystem type='ram'><source usage='10'/><target dir='/'/></filesystem>",
                    ERR_CONFIG_UNSUPPORTED, "the root filesystem cannot be of type ram");
}

static gboolean
has_rule (const GArray *rules, char type, gint64 major, gint64 minor, const char *access)
{
    for (guint i = 0; i < rules->len; i++) {
        const CgroupDeviceRule *rule = &g_array_index (rules, CgroupDeviceRule, i);

        if (rule->type == type && rule->major == major && rule->minor == minor
            && strcmp (rule->access, access) == 0)
            return TRUE;
    }
    return FALSE;
}

static void
test_device_rules (void)
{
    g_autoptr (GArray) rules = NULL;
    Fixture f;

    set_up (&f, "", "<features><capabilities><mknod state='on'/></capabilities></features>",
            ROOT CONSOLE "<disk type='block'><source dev='/dev/x'/><target dev='sda'/><readonly/></disk>");
    g_array_index (f.facts->disks, PlanDevice, 0) = (PlanDevice) { .set = TRUE, .block = TRUE, .major = 8,
                                                                   .minor = 3 };
    rules = plan_device_rules (f.def, f.facts);
    g_assert_true (has_rule (rules, 'c', 1, 3, "rwm"));
    g_assert_true (has_rule (rules, 'c', 136, -1, "rwm"));
    g_assert_true (has_rule (rules, 'a', -1, -1, "m"));
    g_assert_true (has_rule (rules, 'b', 8, 3, "rm"));
    g_assert_false (has_rule (rules, 'c', 1, 1, "rwm"));
    make (&f);
    g_assert_cmpstr (f.plan->nodes.nodes_val[f.plan->nodes.nodes_len - 1].path, ==, "sda");
    tear_down (&f);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/planner/plain", test_plain);
    g_test_add_func ("/planner/mount-order", test_mount_order);
    g_test_add_func ("/planner/idmap", test_idmap);
    g_test_add_func ("/planner/environment", test_environment);
    g_test_add_func ("/planner/cgroup-views", test_cgroup_views);
    g_test_add_func ("/planner/refusals", test_refusals);
    g_test_add_func ("/planner/device-rules", test_device_rules);
    return g_test_run ();
}
