/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attacks from inside (parts A and B of the catalogue) and root directories made to hurt (part D). */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "util/fd.h"

static void
no_bad (const char *text)
{
    const char *bad = strstr (text, "BAD ");

    g_test_message ("%s", text);
    if (bad)
        g_error ("%s", bad);
    g_assert_nonnull (strstr (text, "ok "));
}

static void
test_attacks (gconstpointer data)
{
    gboolean mapped = data != NULL;
    Box *box = box_new (mapped);
    g_autofree char *text = NULL;

    g_assert_true (g_file_set_contents ("/host-canary", "", 0, NULL));
    box_standard (box);
    /* without a user namespace the first process may undo mounts: other layers carry that */
    box_init (box, mapped ? "attack=masks" : "say=-", "attack=fds", "attack=tty", "attack=devices",
              "attack=namespaces", "attack=climb", NULL);
    text = box_output (box, NULL);
    g_unlink ("/host-canary");
    no_bad (text);
    box_free (box);
}

/* A19, A35, A44: what can be read of the host: nothing but the source of the root itself. */
static void
test_names (gconstpointer data)
{
    static const char *const kinds[] = { "mnt", "pid", "net", "ipc", "uts", "user", "cgroup" };
    gboolean mapped = data != NULL;
    Box *box = box_new (mapped);
    g_autofree char *text = NULL;

    g_setenv ("SECRET_OF_THE_HOST", "1", TRUE);
    box_standard (box);
    box_env (box, "HOME=/");
    box_init (box, "env", "link=/proc/self/ns/mnt", "link=/proc/self/ns/pid",
              "link=/proc/self/ns/net", "link=/proc/self/ns/ipc", "link=/proc/self/ns/uts",
              "link=/proc/self/ns/user", "link=/proc/self/ns/cgroup", "cat=/proc/self/cgroup",
              "cat=/proc/1/environ", "list=/proc/self/fd", "list=/run", NULL);
    text = box_output (box, NULL);
    g_unsetenv ("SECRET_OF_THE_HOST");
    g_assert_nonnull (strstr (text, "env HOME=/\n"));
    g_assert_null (strstr (text, "SECRET"));
    g_assert_null (strstr (text, "SKEP"));
    g_assert_null (strstr (text, "PATH="));
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
        g_autofree char *path = g_strdup_printf ("/proc/self/ns/%s", kinds[i]);
        g_autofree char *mine = g_file_read_link (path, NULL);
        gboolean same = strstr (text, mine) != NULL;

        g_assert_cmpint (same, ==, !mapped && strcmp (kinds[i], "user") == 0);
    }
    g_assert_nonnull (strstr (text, "0::/\n"));
    box_free (box);
}

/* --- hostile root directories --- */

static char *
canary_dir (Box *box)
{
    char *path = g_build_filename (box->dir, "canary", NULL);

    g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
    return path;
}

static void
expect_empty (const char *path)
{
    g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

    g_assert_nonnull (dir);
    g_assert_null (g_dir_read_name (dir));
}

static void
replace_by_link (Box *box, const char *name, const char *target)
{
    g_autofree char *path = box_path (box, name);

    (void) g_rmdir (path);
    (void) g_unlink (path);
    g_assert_cmpint (symlink (target, path), ==, 0);
}

static void
link_case (gboolean mapped, const char *name, unsigned step)
{
    for (int relative = 0; relative < 2; relative++) {
        Box *box = box_new (mapped);
        g_autofree char *canary = canary_dir (box);

        box_standard (box);
        box_init (box, "pause", NULL);
        replace_by_link (box, name, relative ? "../canary" : canary);
        box_expect_failed (box, step, ELOOP, name);
        expect_empty (canary);
        box_free (box);
    }
}

/* D01, D04: base mount points that are links: refused, and nothing happens where they lead. */
static void
test_link_targets (gconstpointer data)
{
    link_case (data != NULL, "dev", STEP_DEV);
    link_case (data != NULL, "proc", STEP_MOUNT);
    link_case (data != NULL, "sys", STEP_MOUNT);
}

/* D05: a user's target below a link: followed inside the root only; what is made, is made there. */
static void
test_made_targets (gconstpointer data)
{
    Box *box = box_new (data != NULL);
    g_autofree char *canary = canary_dir (box), *inside = NULL, *text = NULL;

    box_standard (box);
    replace_by_link (box, "mnt", "/srv");
    replace_by_link (box, "out", canary);
    replace_by_link (box, "up", "../../../../../../../..");
    inside = box_path (box, "srv");
    g_assert_cmpint (g_mkdir (inside, 0755), ==, 0);
    box_mount (box, PLAN_MOUNT_BIND_HOST, "/usr/share", "/mnt/a/b", "", "",
               PLAN_MF_CREATE_DIR | PLAN_MF_RDONLY);
    box_mount (box, PLAN_MOUNT_BIND_HOST, "/usr/share", "/up/made", "", "",
               PLAN_MF_CREATE_DIR | PLAN_MF_RDONLY);
    box_mount (box, PLAN_MOUNT_BIND_HOST, "/etc/passwd", "/mnt/file", "", "",
               PLAN_MF_CREATE_FILE | PLAN_MF_CREATE_DIR | PLAN_MF_RDONLY);
    box_init (box, "stat=/srv/a/b/doc", "stat=/made/doc", "stat=/srv/a", "stat=/mnt/file", NULL);
    text = box_output (box, NULL);
    g_assert_nonnull (strstr (text, "stat /srv/a/b/doc: 40755"));
    g_assert_nonnull (strstr (text, "stat /made/doc: 40755"));
    g_assert_nonnull (strstr (text, "stat /srv/a: 40755 0:0"));
    g_assert_nonnull (strstr (text, "stat /mnt/file: 100644"));
    /* a link to nowhere inside: no target, nothing made on the host */
    box_mount (box, PLAN_MOUNT_BIND_HOST, "/usr/share", "/out/x", "", "", PLAN_MF_CREATE_DIR);
    box_expect_failed (box, STEP_MOUNT, 0, "/out/x");
    expect_empty (canary);
    box_free (box);
}

/* D07, D10, B10: files that we read in the container. */
static void
passwd_case (gboolean mapped, void (*make) (const char *path), int err, const char *object)
{
    Box *box = box_new (mapped);
    g_autofree char *path = box_path (box, "etc/passwd");

    box_standard (box);
    g_free (box->plan.init.user);
    box->plan.init.user = g_strdup ("root");
    box_init (box, "pause", NULL);
    make (path);
    box_expect_failed (box, STEP_USER, err, object);
    box_free (box);
}

static void
make_fifo (const char *path)
{
    g_assert_cmpint (mkfifo (path, 0644), ==, 0);
}

static void
make_zero (const char *path)
{
    g_assert_cmpint (symlink ("/dev/zero", path), ==, 0);
}

static void
make_big (const char *path)
{
    g_autofree char *text = g_strnfill (3 << 20, 'x');

    g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
make_outside (const char *path)
{
    g_assert_cmpint (symlink ("../../../../../../../../etc/passwd", path), ==, 0);
}

static void
make_kernel_log (const char *path)
{
    g_assert_cmpint (symlink ("/proc/kmsg", path), ==, 0);
}

static void
test_passwd (gconstpointer data)
{
    gboolean mapped = data != NULL;

    passwd_case (mapped, make_fifo, EINVAL, "/etc/passwd");
    passwd_case (mapped, make_zero, EINVAL, "/etc/passwd");
    passwd_case (mapped, make_big, EFBIG, "/etc/passwd");
    passwd_case (mapped, make_outside, ELOOP, "/etc/passwd");
    passwd_case (mapped, make_kernel_log, 0, "/etc/passwd");
}

/* D06: the initctl of the container leads to the host's. */
static void
test_initctl_link (gconstpointer data)
{
    Box *box = box_new (data != NULL);
    g_autofree char *fifo = g_build_filename (box->dir, "host-initctl", NULL);
    MonitorPacket request = { .type = MONITOR_HALT, .a = HALT_INITCTL_POWEROFF }, answer;
    char bytes[512];
    int reader, monitor;
    Run run;

    g_assert_cmpint (mkfifo (fifo, 0666), ==, 0);
    reader = open (fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    g_assert_cmpint (reader, >=, 0);
    box_standard (box);
    replace_by_link (box, "run/initctl", fifo);
    replace_by_link (box, "etc/.initctl", "../../host-initctl");
    box_init (box, "pause", NULL);
    run = box_start (box, 0);
    box_expect_running (box, &run);
    monitor = monitor_connect (box, NULL);
    answer = monitor_ask (monitor, request, NULL);
    g_assert_cmpuint (answer.type, ==, MONITOR_FAILED);
    g_assert_cmpint (answer.err, ==, EOPNOTSUPP);
    g_assert_cmpint (read (reader, bytes, sizeof bytes), ==, -1);
    close (reader);
    close (monitor);
    run_stop (box, &run);
    box_free (box);
}

/* D01, D02: a directory that is exchanged with a link to the host all the time. */
static void
test_race (gconstpointer data)
{
    Box *box = box_new (data != NULL);
    g_autofree char *canary = canary_dir (box), *dir = box_path (box, "data");
    g_autofree char *link = box_path (box, "evil");
    pid_t racer;
    guint good = 0;

    g_assert_cmpint (g_mkdir (dir, 0755), ==, 0);
    g_assert_cmpint (symlink (canary, link), ==, 0);
    box_standard (box);
    box_mount (box, PLAN_MOUNT_BIND_HOST, "/usr/share", "/data/sub", "", "",
               PLAN_MF_CREATE_DIR | PLAN_MF_RDONLY);
    box_init (box, "exit=0", NULL);
    racer = fork ();
    if (racer == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            syscall (SYS_renameat2, AT_FDCWD, dir, AT_FDCWD, link, RENAME_EXCHANGE);
    }
    for (int i = 0; i < 60; i++) {
        Run run = box_start (box, 0);

        good += run.last.type == MONITOR_EXECED;
        if (run.last.type == MONITOR_EXECED) {
            int monitor = monitor_connect (box, NULL);

            close (run.start);
            run.start = -1;
            while (monitor_next (monitor).type != 0)
                ;
            close (monitor);
        }
        run_wait (&run);
        expect_empty (canary);
    }
    kill (racer, SIGKILL);
    waitpid (racer, NULL, 0);
    g_test_message ("%u of 60 starts found the directory", good);
    box_free (box);
}

/* --- the rest of what a plan may ask for --- */

static void
test_readonly_root (gconstpointer data)
{
    Box *box = box_new (data != NULL);
    g_autofree char *text = NULL;

    g_array_index (box->mounts, plan_mount, 0).flags |= PLAN_MF_RDONLY;
    box_standard (box);
    box_mount (box, PLAN_MOUNT_NEW, "", "/scratch", "tmpfs",
               data ? "mode=755,uid=100000,gid=100000" : "mode=755", PLAN_MF_CREATE_DIR);
    box_init (box, "touch=/etc/new", "touch=/tmp/new", "touch=/scratch/new", "touch=/dev/new", NULL);
    text = box_output (box, NULL);
    g_assert_nonnull (strstr (text, "touch /etc/new: Read-only file system\n"));
    g_assert_nonnull (strstr (text, "touch /tmp/new: Read-only file system\n"));
    g_assert_nonnull (strstr (text, "touch /scratch/new: made\n"));
    g_assert_nonnull (strstr (text, "touch /dev/new: made\n"));
    box_free (box);
}

static void
run_command (const char *command)
{
    int status = -1;

    g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, &status, NULL));
    g_assert_cmpint (status, ==, 0);
}

static void
test_links (gconstpointer data)
{
    Box *box = box_new (data != NULL);
    plan_link *link = g_new0 (plan_link, 1);
    plan_address *addresses = g_new0 (plan_address, 2);
    plan_route *route = g_new0 (plan_route, 1);
    g_autofree char *text = NULL;

    run_command ("ip link add skep0 type veth peer name skep1");
    run_command ("ip link set skep0 up");
    box_standard (box);
    addresses[0] = (plan_address) { g_strdup ("10.77.0.2"), g_strdup (""), 24 };
    addresses[1] = (plan_address) { g_strdup ("fd00:77::2"), g_strdup (""), 64 };
    *route = (plan_route) { g_strdup (""), 0, g_strdup ("10.77.0.1"), 0 };
    link->host_name = g_strdup ("skep1");
    link->guest_name = g_strdup ("eth0");
    link->ifindex = 0;
    link->up = 1;
    link->addresses.addresses_val = addresses;
    link->addresses.addresses_len = 2;
    link->routes.routes_val = route;
    link->routes.routes_len = 1;
    box->plan.links.links_val = link;
    box->plan.links.links_len = 1;
    box_init (box, "cat=/proc/net/dev", "cat=/proc/net/route", "cat=/proc/net/if_inet6",
              "cat=/proc/net/fib_trie", NULL);
    /* a wrong index is found out before anything moves */
    link->ifindex = 1;
    box_expect_failed (box, STEP_LINK, ENODEV, "skep1 (eth0)");
    link->ifindex = if_nametoindex ("skep1");
    text = box_output (box, NULL);
    g_test_message ("%s", text);
    g_assert_nonnull (strstr (text, "eth0:"));
    g_assert_null (strstr (text, "skep1:"));
    g_assert_nonnull (strstr (text, "eth0\t00000000\t01004D0A\t0003"));
    g_assert_nonnull (strstr (text, "fd000077000000000000000000000002"));
    g_assert_nonnull (strstr (text, "10.77.0.2"));
    g_assert_nonnull (strstr (text, "127.0.0.1"));
    /* the kernel takes the pair away with the container's namespace, in its own time: not to meet it
     * in the next test */
    while (if_nametoindex ("skep0") != 0) {
        (void) g_spawn_command_line_sync ("ip link del skep0", NULL, NULL, NULL, NULL);
        g_usleep (10000);
    }
    box_free (box);
}

static void
test_shared_network (gconstpointer data)
{
    Box *box = box_new (data != NULL);
    plan_share *share = g_new0 (plan_share, 1);
    g_autofree char *mine = g_file_read_link ("/proc/self/ns/net", NULL), *text = NULL;
    g_autofree char *uts = g_file_read_link ("/proc/self/ns/uts", NULL);

    box_standard (box);
    box->plan.namespaces &= ~(unsigned) CLONE_NEWNET;
    box->plan.loopback_up = 0;
    share->type = CLONE_NEWNET;
    share->fd = open ("/proc/self/ns/net", O_RDONLY);
    box->plan.shares.shares_val = share;
    box->plan.shares.shares_len = 1;
    /* sysfs shows a network namespace of another owner only to that owner */
    if (data) {
        plan_mount *sysfs = &g_array_index (box->mounts, plan_mount, 4);

        free (sysfs->source);
        free (sysfs->target);
        free (sysfs->fstype);
        free (sysfs->options);
        g_array_remove_index (box->mounts, 4);
    }
    box_init (box, "link=/proc/self/ns/net", "link=/proc/self/ns/uts", NULL);
    text = box_output (box, NULL);
    g_assert_nonnull (strstr (text, mine));
    g_assert_null (strstr (text, uts));
    close (share->fd);
    box_free (box);
}

static void
test_seccomp (gconstpointer data)
{
    static struct sock_filter filter[] = {
        BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
        BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
        BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    Box *box = box_new (data != NULL);
    g_autofree char *text = NULL;

    box_standard (box);
    g_free (box->plan.init.user);
    /* without no_new_privs, and as a user: the order of the child's steps must allow for it */
    box->plan.init.user = g_strdup ("1000");
    box->plan.seccomp.seccomp_val = g_memdup2 (filter, sizeof filter);
    box->plan.seccomp.seccomp_len = sizeof filter;
    box_init (box, "ids", "caps", NULL);
    text = box_output (box, NULL);
    g_assert_nonnull (strstr (text, "ids 1000:1000 groups\n"));
    g_assert_nonnull (strstr (text, "Seccomp:\t2\n"));
    g_assert_nonnull (strstr (text, "NoNewPrivs:\t0\n"));
    g_assert_nonnull (strstr (text, "CapPrm:\t0000000000000000\n"));
    box_free (box);
}

static void
test_caps (gconstpointer data)
{
    Box *box = box_new (data != NULL);
    g_autofree char *text = NULL;

    box_standard (box);
    box->plan.caps = (plan_caps) {
        .effective = 0x401, .permitted = 0x401, .inheritable = 0x400, .bounding = 0x401,
        .ambient = 0x400,
    };
    box->plan.no_new_privs = 1;
    g_free (box->plan.init.user);
    box->plan.init.user = g_strdup ("7");
    box_init (box, "caps", NULL);
    text = box_output (box, NULL);
    g_assert_nonnull (strstr (text, "CapEff:\t0000000000000400\n"));
    g_assert_nonnull (strstr (text, "CapPrm:\t0000000000000400\n"));
    g_assert_nonnull (strstr (text, "CapBnd:\t0000000000000401\n"));
    g_assert_nonnull (strstr (text, "CapAmb:\t0000000000000400\n"));
    g_assert_nonnull (strstr (text, "NoNewPrivs:\t1\n"));
    box_free (box);
}

int
main (int argc, char **argv)
{
    static const BoxTest tests[] = {
        { "attacks", test_attacks }, { "names", test_names }, { "link-targets", test_link_targets },
        { "made-targets", test_made_targets }, { "passwd", test_passwd },
        { "initctl-link", test_initctl_link }, { "race", test_race },
        { "readonly-root", test_readonly_root }, { "links", test_links },
        { "shared-network", test_shared_network }, { "seccomp", test_seccomp },
        { "caps", test_caps },
    };

    return box_tests_run (argc, argv, "hostile", tests, G_N_ELEMENTS (tests));
}
