/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container is made of: its root, its plan, and that nothing of it is left. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAP_HOST 100000
#define MAP_COUNT 65536

static char *
copy_text (const char *text)
{
    return g_strdup (text ? text : "");
}

char *
box_path (Box *box, const char *name)
{
    return g_build_filename (box->root, name, NULL);
}

void
box_go (Box *box)
{
    g_autofree char *path = box_path (box, "tmp/go");

    g_assert_true (g_file_set_contents (path, "", 0, NULL));
}

static char *
host_mounts (void)
{
    char *text = NULL;

    g_assert_true (g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL));
    return text;
}

static void
make_root (Box *box)
{
    static const char *const dirs[] = { "dev", "proc", "sys", "etc", "tmp", "run", "ro" };
    g_autofree char *guest = box_path (box, "init"), *file = box_path (box, "ro/file");
    g_autofree char *bytes = NULL;
    gsize length;

    g_assert_cmpint (g_mkdir_with_parents (box->root, 0755), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS (dirs); i++) {
        g_autofree char *dir = box_path (box, dirs[i]);

        g_assert_cmpint (g_mkdir (dir, 0755), ==, 0);
    }
    g_assert_true (g_file_get_contents (g_getenv ("SKEP_TEST_GUEST"), &bytes, &length, NULL));
    g_assert_true (g_file_set_contents (guest, bytes, (gssize) length, NULL));
    g_assert_cmpint (g_chmod (guest, 0755), ==, 0);
    g_assert_true (g_file_set_contents (file, "read only\n", -1, NULL));
}

Box *
box_new (gboolean mapped)
{
    Box *box = g_new0 (Box, 1);
    launch_plan *plan = &box->plan;

    /* somebody else's temporary directory may be closed to other ids: ours is a path of its own */
    box->dir = g_strdup ("/tmp/skep-box-XXXXXX");
    g_assert_nonnull (g_mkdtemp (box->dir));
    g_assert_cmpint (g_chmod (box->dir, 0755), ==, 0);
    box->root = g_build_filename (box->dir, "root", NULL);
    box->mapped = mapped;
    box->v2_fd = box->v1_fd = box->own_v1_fd = -1;
    box->mounts = g_array_new (FALSE, TRUE, sizeof (plan_mount));
    box->nodes = g_array_new (FALSE, TRUE, sizeof (plan_node));
    box->consoles = g_array_new (FALSE, TRUE, sizeof (plan_console));
    box->argv = g_array_new (FALSE, TRUE, sizeof (plan_arg));
    box->env = g_array_new (FALSE, TRUE, sizeof (plan_env));
    box->pass_fds = g_array_new (FALSE, TRUE, sizeof (int));
    make_root (box);
    plan->plan_version = PLAN_VERSION;
    plan->name = g_strdup ("box");
    plan->monitor_path = g_build_filename (box->dir, "monitor", NULL);
    plan->stage_dir = g_build_filename (box->dir, "stage", NULL);
    g_assert_cmpint (g_mkdir (plan->stage_dir, 0700), ==, 0);
    plan->hostname = g_strdup ("box");
    plan->namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
        | CLONE_NEWCGROUP | (mapped ? CLONE_NEWUSER : 0);
    plan->numa_mode = -1;
    plan->loopback_up = 1;
    plan->caps = (plan_caps) {
        .effective = 0xfdb4feffff, .permitted = 0xfdb4feffff, .bounding = 0xfdb4feffff,
    };
    plan->init.path = g_strdup ("/init");
    /* ms: for what hangs, not for a machine that stands still now and then */
    plan->start_deadline = 120000;
    plan->kill_deadline = 60000;
    if (mapped) {
        plan->uid_map.uid_map_val = g_new0 (plan_idmap, 1);
        plan->gid_map.gid_map_val = g_new0 (plan_idmap, 1);
        plan->uid_map.uid_map_len = plan->gid_map.gid_map_len = 1;
        *plan->uid_map.uid_map_val = *plan->gid_map.gid_map_val
            = (plan_idmap) { .guest = 0, .host = MAP_HOST, .count = MAP_COUNT };
    }
    box_mount (box, PLAN_MOUNT_ROOT, box->root, "/", NULL, NULL, 0);
    if (mapped)
        g_array_index (box->mounts, plan_mount, 0).idmap = PLAN_IDMAP_GUEST;
    box->mountinfo = host_mounts ();
    return box;
}

void
box_mount (Box *box, plan_mount_kind kind, const char *source, const char *target,
           const char *fstype, const char *options, unsigned flags)
{
    plan_mount mount = {
        .kind = kind, .source = copy_text (source), .target = copy_text (target),
        .fstype = copy_text (fstype), .options = copy_text (options), .flags = flags, .fd = -1,
    };

    g_array_append_val (box->mounts, mount);
}

static void
add_node (Box *box, const char *path, const char *link, unsigned major, unsigned minor)
{
    plan_node node = {
        .path = copy_text (path), .link = copy_text (link), .mode = S_IFCHR | 0666,
        .major = major, .minor = minor,
        .uid = box->mapped ? MAP_HOST : 0, .gid = box->mapped ? MAP_HOST : 0,
    };

    g_array_append_val (box->nodes, node);
}

void
box_standard (Box *box)
{
    const unsigned quiet = PLAN_MF_NOSUID | PLAN_MF_NODEV | PLAN_MF_NOEXEC;
    g_autofree char *ro = g_build_filename (box->dir, "root/ro", NULL);
    g_autofree char *dev = g_strdup_printf ("mode=755,size=64k,uid=%d,gid=%d",
                                            box->mapped ? MAP_HOST : 0, box->mapped ? MAP_HOST : 0);
    g_autofree char *pts = g_strdup_printf ("newinstance,ptmxmode=0666,mode=0620,gid=%d",
                                            5 + (box->mapped ? MAP_HOST : 0));
    plan_console console = {
        .alias = g_strdup ("console0"), .ring_size = 65536, .log_path = g_strdup (""), .log_fd = -1,
    };

    box_mount (box, PLAN_MOUNT_NEW, "proc", "/proc", "proc", "", quiet | PLAN_MF_IN_GUEST_NS);
    box_mount (box, PLAN_MOUNT_BIND_GUEST, "/proc/sys", "/proc/sys", "", "", quiet | PLAN_MF_RDONLY);
    box_mount (box, PLAN_MOUNT_BIND_GUEST, "/proc/sys/net", "/proc/sys/net", "", "", quiet);
    box_mount (box, PLAN_MOUNT_NEW, "sysfs", "/sys", "sysfs", "",
               quiet | PLAN_MF_RDONLY | PLAN_MF_IN_GUEST_NS);
    box_mount (box, PLAN_MOUNT_MASK_FILE, "", "/proc/sysrq-trigger", "", "", PLAN_MF_OPTIONAL);
    box_mount (box, PLAN_MOUNT_MASK_FILE, "", "/proc/kcore", "", "", PLAN_MF_OPTIONAL);
    box_mount (box, PLAN_MOUNT_MASK_DIR, "", "/proc/scsi", "", "", PLAN_MF_OPTIONAL);
    box_mount (box, PLAN_MOUNT_BIND_HOST, ro, "/ro", "", "", PLAN_MF_RDONLY);
    if (box->mapped)
        g_array_index (box->mounts, plan_mount, box->mounts->len - 1).idmap = PLAN_IDMAP_GUEST;
    box_mount (box, PLAN_MOUNT_DEV, "dev", "/dev", "tmpfs", dev, PLAN_MF_NOSUID | PLAN_MF_NOEXEC);
    box_mount (box, PLAN_MOUNT_DEVPTS, "devpts", "/dev/pts", "devpts", pts,
               PLAN_MF_NOSUID | PLAN_MF_NOEXEC);
    box_mount (box, PLAN_MOUNT_CONSOLE, "", "/dev/console", "", "", 0);
    add_node (box, "null", NULL, 1, 3);
    add_node (box, "zero", NULL, 1, 5);
    add_node (box, "tty", NULL, 5, 0);
    add_node (box, "bus/usb/nothing", NULL, 1, 3);
    add_node (box, "ptmx", "pts/ptmx", 0, 0);
    add_node (box, "fd", "/proc/self/fd", 0, 0);
    g_array_append_val (box->consoles, console);
}

void
box_init (Box *box, const char *first, ...)
{
    plan_arg arg = { .value = g_strdup ("/init") };
    va_list args;

    g_array_set_size (box->argv, 0);
    g_array_append_val (box->argv, arg);
    va_start (args, first);
    for (const char *verb = first; verb; verb = va_arg (args, const char *)) {
        arg.value = g_strdup (verb);
        g_array_append_val (box->argv, arg);
    }
    va_end (args);
}

void
box_env (Box *box, const char *entry)
{
    plan_env env = { .entry = g_strdup (entry) };

    g_array_append_val (box->env, env);
}

void
box_fill_plan (Box *box)
{
    launch_plan *plan = &box->plan;

    plan->mounts.mounts_val = (plan_mount *) (void *) box->mounts->data;
    plan->mounts.mounts_len = box->mounts->len;
    plan->nodes.nodes_val = (plan_node *) (void *) box->nodes->data;
    plan->nodes.nodes_len = box->nodes->len;
    plan->consoles.consoles_val = (plan_console *) (void *) box->consoles->data;
    plan->consoles.consoles_len = box->consoles->len;
    plan->init.argv.argv_val = (plan_arg *) (void *) box->argv->data;
    plan->init.argv.argv_len = box->argv->len;
    plan->init.env.env_val = (plan_env *) (void *) box->env->data;
    plan->init.env.env_len = box->env->len;
    plan->init.controlling_tty = 1;
    plan->init.pass_fds.pass_fds_val = (int *) (void *) box->pass_fds->data;
    plan->init.pass_fds.pass_fds_len = box->pass_fds->len;
}

/* No process of ours may be left: the test is the reaper of every orphan. */
static void
expect_no_children (void)
{
    pid_t pid = 0;

    for (int i = 0; i < 6000; i++) {
        pid = waitpid (-1, NULL, WNOHANG);
        if (pid < 0)
            break;
        if (pid == 0)
            g_usleep (10000);
    }
    if (pid >= 0) {
        g_autofree char *path = g_strdup_printf ("/proc/self/task/%d/children", (int) getpid ()), *pids = NULL;

        (void) g_file_get_contents (path, &pids, NULL, NULL);
        g_error ("processes are left: %s", pids);
    }
    g_assert_cmpint (pid, ==, -1);
    g_assert_cmpint (errno, ==, ECHILD);
}

static void
remove_tree (const char *path)
{
    const char *argv[] = { "rm", "-rf", "--one-file-system", path, NULL };
    int status = -1;

    g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                                 NULL, &status, NULL));
    g_assert_cmpint (status, ==, 0);
}

void
box_free (Box *box)
{
    g_autofree char *mounts = host_mounts ();

    expect_no_children ();
    g_assert_cmpstr (mounts, ==, box->mountinfo);
    g_assert_cmpint (access (box->plan.monitor_path, F_OK), ==, -1);
    remove_tree (box->dir);
    box_fill_plan (box);
    g_array_free (box->mounts, FALSE);
    g_array_free (box->nodes, FALSE);
    g_array_free (box->consoles, FALSE);
    g_array_free (box->argv, FALSE);
    g_array_free (box->env, FALSE);
    g_array_free (box->pass_fds, FALSE);
    plan_free (&box->plan);
    g_free (box->dir);
    g_free (box->root);
    g_free (box->fault);
    g_free (box->mountinfo);
    g_free (box);
}
