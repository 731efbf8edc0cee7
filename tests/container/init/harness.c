/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"

#define MAP_HOST 100000
#define MAP_COUNT 65536
#define ANSWER_MS 60000
#define CONSOLE_SECONDS 30

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
    plan->start_deadline = 10000;
    plan->kill_deadline = 2000;
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

static void
plan_fill (Box *box)
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

    for (int i = 0; i < 300; i++) {
        pid = waitpid (-1, NULL, WNOHANG);
        if (pid < 0)
            break;
        if (pid == 0)
            g_usleep (10000);
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
    plan_fill (box);
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

static pid_t
spawn_controller (Box *box, int plan, int start)
{
    const char *program = box->program ? box->program
        : g_getenv (box->fault ? "SKEP_TEST_CONTROLLER_FAULT" : "SKEP_TEST_CONTROLLER");
    g_autofree char *log = g_build_filename (box->dir, "log", NULL);
    char plan_number[16], start_number[16];
    pid_t pid;

    g_snprintf (plan_number, sizeof plan_number, "%d", plan);
    g_snprintf (start_number, sizeof start_number, "%d", start);
    pid = fork ();
    g_assert_cmpint (pid, >=, 0);
    if (pid > 0)
        return pid;
    /* a failing test must not leave containers behind */
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    /* the controller must cope with a caller's stray descriptors and directory */
    (void) open ("/", O_RDONLY | O_DIRECTORY);
    dup2 (open ("/dev/null", O_RDWR), 0);
    dup2 (open (log, O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
    dup2 (1, 2);
    fcntl (plan, F_SETFD, 0);
    fcntl (start, F_SETFD, 0);
    if (box->fault)
        g_setenv ("SKEP_TEST_FAULT", box->fault, TRUE);
    execl (program, "skep-controller", "--name", "box", "--plan-fd", plan_number, "--start-fd",
           start_number, NULL);
    _exit (127);
}

static gboolean
receive (int sock, MonitorPacket *packet)
{
    struct pollfd poller = { .fd = sock, .events = POLLIN };
    unsigned n = 0;

    memset (packet, 0, sizeof *packet);
    if (poll (&poller, 1, ANSWER_MS) != 1)
        g_error ("no answer from the controller");
    return fd_receive (sock, packet, sizeof *packet, NULL, &n) == sizeof *packet;
}

static void
answer_hello (Box *box, int sock)
{
    MonitorPacket packet = {
        .type = MONITOR_CGROUP, .flags = box->v2_fd >= 0, .b = box->v1_fd >= 0,
        .a = box->own_v1_fd >= 0,
    };
    int fds[3];
    unsigned n = 0;

    if (box->v2_fd >= 0)
        fds[n++] = box->v2_fd;
    if (box->v1_fd >= 0)
        fds[n++] = box->v1_fd;
    if (box->own_v1_fd >= 0)
        fds[n++] = box->own_v1_fd;
    (void) fd_send (sock, &packet, sizeof packet, fds, n);
}

/* The daemon "dies" some time after its own packet @type, while the controller is at work. */
static gboolean
stop_after (Run *run, unsigned stop_at, unsigned type)
{
    if (stop_at != type)
        return FALSE;
    g_usleep (100000);
    fd_close (&run->start);
    return TRUE;
}

Run
box_start (Box *box, unsigned stop_at)
{
    MonitorPacket packet;
    int pair[2], plan;
    gint64 began = g_get_monotonic_time ();
    Run run = { .start = -1 };

    plan_fill (box);
    plan = plan_to_memfd (&box->plan);
    /* how the seeds of tests/fuzz/plan are made */
    if (g_getenv ("SKEP_TEST_SAVE_PLAN")) {
        g_autofree char *bytes = NULL;
        g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", plan);
        gsize length;

        g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
        g_assert_true (g_file_set_contents (g_getenv ("SKEP_TEST_SAVE_PLAN"), bytes,
                                            (gssize) length, NULL));
    }
    g_assert_cmpint (plan, >=, 0);
    g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
    run.controller = spawn_controller (box, plan, pair[1]);
    close (plan);
    close (pair[1]);
    run.start = pair[0];
    while (receive (run.start, &packet)) {
        run.last = packet;
        if (packet.type == stop_at) {
            fd_close (&run.start);
            break;
        }
        if (packet.type == MONITOR_HELLO)
            answer_hello (box, run.start);
        if (packet.type == MONITOR_HELLO && stop_after (&run, stop_at, MONITOR_CGROUP))
            break;
        if (packet.type == MONITOR_INIT) {
            run.init = (pid_t) packet.a;
            packet = (MonitorPacket) { .type = MONITOR_CONTINUE };
            (void) fd_send (run.start, &packet, sizeof packet, NULL, 0);
            if (stop_after (&run, stop_at, MONITOR_CONTINUE))
                break;
        }
        if (packet.type == MONITOR_EXECED || packet.type == MONITOR_FAILED)
            break;
    }
    run.elapsed_us = (guint64) (g_get_monotonic_time () - began);
    return run;
}

void
run_wait (Run *run)
{
    int status;

    fd_close (&run->start);
    g_assert_cmpint (waitpid (run->controller, &status, 0), ==, run->controller);
    if (WIFSIGNALED (status))
        g_test_message ("the controller died of signal %d", WTERMSIG (status));
}

static void
show_log (Box *box)
{
    g_autofree char *path = g_build_filename (box->dir, "log", NULL), *log = NULL;

    (void) g_file_get_contents (path, &log, NULL, NULL);
    g_test_message ("log: %s", log ? log : "none");
}

void
box_expect_running (Box *box, Run *run)
{
    char text[600];

    monitor_describe (&run->last, text, sizeof text);
    if (run->last.type != MONITOR_EXECED) {
        show_log (box);
        g_error ("not running: type %u: %s", run->last.type, text);
    }
}

void
box_expect_failed (Box *box, unsigned step, int err, const char *object)
{
    Run run = box_start (box, 0);
    char text[600];

    run_wait (&run);
    monitor_describe (&run.last, text, sizeof text);
    g_test_message ("%s", text);
    if (run.last.type != MONITOR_FAILED)
        show_log (box);
    g_assert_cmpuint (run.last.type, ==, MONITOR_FAILED);
    g_assert_cmpuint (run.last.step, ==, step);
    if (err)
        g_assert_cmpint (run.last.err, ==, err);
    if (object && !strstr (run.last.object, object))
        g_error ("object \"%s\" lacks \"%s\"", run.last.object, object);
}

MonitorPacket
monitor_next (int monitor)
{
    MonitorPacket packet;

    if (!receive (monitor, &packet))
        packet.type = 0;
    return packet;
}

int
monitor_connect (Box *box, MonitorPacket *ret_state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int sock = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    MonitorPacket packet;

    g_strlcpy (address.sun_path, box->plan.monitor_path, sizeof address.sun_path);
    g_assert_cmpint (connect (sock, (struct sockaddr *) &address, sizeof address), ==, 0);
    packet = monitor_next (sock);
    g_assert_cmpuint (packet.type, ==, MONITOR_HELLO);
    g_assert_cmpuint (packet.a, ==, MONITOR_VERSION);
    packet = monitor_next (sock);
    g_assert_cmpuint (packet.type, ==, MONITOR_STATE);
    if (ret_state)
        *ret_state = packet;
    return sock;
}

MonitorPacket
monitor_ask (int monitor, MonitorPacket request, const int *fd)
{
    static uint32_t serial;
    MonitorPacket answer;

    request.serial = ++serial;
    g_assert_cmpint (fd_send (monitor, &request, sizeof request, fd, fd ? 1 : 0), ==, 0);
    do
        answer = monitor_next (monitor);
    while (answer.type != 0 && answer.serial != request.serial);
    return answer;
}

int
console_open (int monitor, unsigned index, unsigned flags)
{
    MonitorPacket request = { .type = MONITOR_CONSOLE, .a = index, .flags = flags }, answer;
    int pair[2];

    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    answer = monitor_ask (monitor, request, &pair[1]);
    close (pair[1]);
    if (answer.type == MONITOR_DONE)
        return pair[0];
    close (pair[0]);
    errno = answer.err;
    return -1;
}

char *
console_until (int fd, const char *marker)
{
    GString *text = g_string_new (NULL);
    gint64 deadline = g_get_monotonic_time () + CONSOLE_SECONDS * G_USEC_PER_SEC;

    while (!marker || !strstr (text->str, marker)) {
        struct pollfd poller = { .fd = fd, .events = POLLIN };
        gint64 left = (deadline - g_get_monotonic_time ()) / 1000;
        char bytes[4096];
        ssize_t n;

        if (left <= 0 || poll (&poller, 1, (int) left) != 1)
            break;
        n = read (fd, bytes, sizeof bytes);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] != '\r')
                g_string_append_c (text, bytes[i]);
        }
    }
    if (marker && !strstr (text->str, marker))
        g_error ("no \"%s\" in: %s", marker, text->str);
    return g_string_free (text, FALSE);
}

char *
box_output (Box *box, MonitorPacket *ret_exit)
{
    plan_arg wait = { .value = g_strdup ("gate") };
    MonitorPacket packet;
    char *text;
    int monitor, console;
    Run run;

    /* it waits for us to come to the console */
    g_array_insert_val (box->argv, 1, wait);
    run = box_start (box, 0);
    box_expect_running (box, &run);
    fd_close (&run.start);
    monitor = monitor_connect (box, NULL);
    console = console_open (monitor, 0, 0);
    g_assert_cmpint (console, >=, 0);
    g_assert_cmpint (write (console, "\n", 1), ==, 1);
    text = console_until (console, NULL);
    packet = monitor_next (monitor);
    g_assert_cmpuint (packet.type, ==, MONITOR_EXIT);
    if (ret_exit)
        *ret_exit = packet;
    close (console);
    close (monitor);
    run_wait (&run);
    return text;
}

void
run_stop (Box *box, Run *run)
{
    MonitorPacket packet;
    int monitor;

    fd_close (&run->start);
    monitor = monitor_connect (box, NULL);
    packet = monitor_ask (monitor, (MonitorPacket) { .type = MONITOR_STOP }, NULL);
    g_assert_cmpuint (packet.type, ==, MONITOR_DONE);
    packet = monitor_next (monitor);
    g_assert_cmpuint (packet.type, ==, MONITOR_EXIT);
    close (monitor);
    run_wait (run);
}

/* ---- the program */

void
private_namespaces (void)
{
    if (geteuid () != 0) {
        if (g_getenv ("MUST_WORK"))
            g_error ("needs root");
        exit (77);
    }
    if (unshare (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0
        || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        g_error ("no namespaces of our own");
    prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int
box_tests_run (int argc, char **argv, const char *suite, const BoxTest *tests, gsize n_tests)
{
    private_namespaces ();
    g_test_init (&argc, &argv, NULL);
    for (gsize i = 0; i < n_tests; i++) {
        g_autofree char *plain = g_strdup_printf ("/%s/%s/privileged", suite, tests[i].name);
        g_autofree char *mapped = g_strdup_printf ("/%s/%s/mapped", suite, tests[i].name);

        g_test_add_data_func (plain, NULL, tests[i].run);
        g_test_add_data_func (mapped, (gconstpointer) 1, tests[i].run);
    }
    return g_test_run ();
}
