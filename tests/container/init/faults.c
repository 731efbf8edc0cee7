/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each step of a start fails, dies or hangs in turn; daemon and controller die at each stage. After
 * each: the true step and error, no process, no mount, no socket (box_free asserts). */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness.h"
#include "util/fd.h"

/* A plan that walks through every step there is without links or labels. */
static Box *
full_box (gboolean mapped)
{
    Box *box = box_new (mapped);
    static plan_rlimit limit = { .resource = 7 /* NOFILE */, .soft = 512, .hard = 512 };
    plan_sysctl *sysctl = g_new0 (plan_sysctl, 1);

    box_standard (box);
    sysctl->key = g_strdup ("net/ipv4/ip_forward");
    sysctl->value = g_strdup ("1");
    box->plan.sysctls.sysctls_val = sysctl;
    box->plan.sysctls.sysctls_len = 1;
    box->plan.rlimits.rlimits_val = g_memdup2 (&limit, sizeof limit);
    box->plan.rlimits.rlimits_len = 1;
    box->plan.personality32 = 1;
    box->plan.cpu_affinity = g_strdup ("0");
    box_init (box, "pause", NULL);
    return box;
}

static gboolean
step_is_reached (unsigned step, gboolean mapped)
{
    switch (step) {
    case STEP_USER_NAMESPACE:
    case STEP_IDMAP_MOUNT:
    case STEP_ID_MAPS:
        return mapped;
    case STEP_NONE:
    case STEP_SHARE_NAMESPACE:
    case STEP_LINK:
    case STEP_ADDRESS:
    case STEP_LABEL:
    case STEP_SECCOMP:
    case STEP_DEADLINE:
    case STEP_CHILD_DIED:
    case STEP_TRIM:
        return FALSE;
    default:
        return TRUE;
    }
}

static void
test_fail (gconstpointer mapped)
{
    for (unsigned step = 0; step < STEP_LAST; step++) {
        Box *box;

        if (!step_is_reached (step, mapped != NULL))
            continue;
        box = full_box (mapped != NULL);
        box->fault = g_strdup_printf ("%u:fail", step);
        box_expect_failed (box, step, EIO, NULL);
        box_free (box);
    }
}

/* A process that dies in a step: the start fails, with a word that it died (or, for the controller
 * itself, an end of file). */
static void
test_kill (gconstpointer mapped)
{
    for (unsigned step = 0; step < STEP_LAST; step++) {
        Box *box;
        Run run;

        if (!step_is_reached (step, mapped != NULL))
            continue;
        box = full_box (mapped != NULL);
        box->fault = g_strdup_printf ("%u:kill", step);
        run = box_start (box, 0);
        run_wait (&run);
        if (run.last.type == MONITOR_FAILED)
            g_assert_cmpuint (run.last.step, ==, STEP_CHILD_DIED);
        else
            g_assert_cmpuint (run.last.type, !=, MONITOR_EXECED);
        /* a controller that dies cannot remove its socket; the next one and the daemon do */
        if (run.last.type != MONITOR_FAILED)
            (void) g_unlink (box->plan.monitor_path);
        box_free (box);
    }
}

static void
test_hang (gconstpointer mapped)
{
    static const unsigned steps[] = { STEP_BUILDER, STEP_CGROUP_NAMESPACE, STEP_MOUNT, STEP_EXEC };

    for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
        Box *box = full_box (mapped != NULL);

        box->fault = g_strdup_printf ("%u:hang", steps[i]);
        box->plan.start_deadline = 300;
        box_expect_failed (box, STEP_DEADLINE, ETIMEDOUT, NULL);
        box_free (box);
    }
}

/* Not reaped: the next look says the same. */
static gboolean
has_ended (pid_t pid)
{
    siginfo_t info = { 0 };

    g_assert_cmpint (waitid (P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT), ==, 0);
    return info.si_pid == pid;
}

/* The daemon dies after each packet that it gets. */
static void
test_daemon_dies (gconstpointer mapped)
{
    static const unsigned stages[] = { MONITOR_HELLO, MONITOR_INIT, MONITOR_READY };
    const MonitorPacket stop = { .type = MONITOR_STOP };

    for (guint i = 0; i < G_N_ELEMENTS (stages); i++) {
        Box *box = full_box (mapped != NULL);
        Run run = box_start (box, stages[i]);

        g_assert_cmpuint (run.last.type, ==, stages[i]);
        /* READY and EXECED come at once: the program may run by then, and goes on */
        while (stages[i] == MONITOR_READY && !has_ended (run.controller)) {
            int monitor = monitor_try_connect (box, NULL);

            if (monitor >= 0)
                (void) fd_send (monitor, &stop, sizeof stop, NULL, 0);
            for (unsigned type = MONITOR_STOP; monitor >= 0 && type != 0 && type != MONITOR_EXIT;)
                type = monitor_next (monitor).type;
            fd_close (&monitor);
            g_usleep (10000);
        }
        run_wait (&run);
        box_free (box);
    }
}

/* And hangs at each step with the daemon dying then: nothing waits for the deadline. */
static void
test_daemon_dies_in_step (gconstpointer mapped)
{
    /* each step, and the last packet that we send before it */
    static const unsigned steps[][2] = {
        { STEP_BUILDER, MONITOR_CGROUP }, { STEP_CLONE, MONITOR_CGROUP },
        { STEP_HOSTNAME, MONITOR_CONTINUE }, { STEP_DEVPTS, MONITOR_CONTINUE },
        { STEP_PIVOT, MONITOR_CONTINUE }, { STEP_LOCK_MOUNTS, MONITOR_CONTINUE },
        { STEP_CAPABILITIES, MONITOR_CONTINUE },
    };

    for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
        Box *box = full_box (mapped != NULL);
        gint64 began = g_get_monotonic_time ();
        Run run;

        box->fault = g_strdup_printf ("%u:hang", steps[i][0]);
        run = box_start (box, steps[i][1]);
        run_wait (&run);
        g_assert_cmpint ((g_get_monotonic_time () - began) / 1000, <, box->plan.start_deadline - 20000);
        box_free (box);
    }
}

static void
test_controller_killed (gconstpointer mapped)
{
    Box *box = full_box (mapped != NULL);
    Run run = box_start (box, 0);

    box_expect_running (box, &run);
    g_assert_cmpint (kill (run.controller, SIGKILL), ==, 0);
    run_wait (&run);
    g_assert_cmpint (g_unlink (box->plan.monitor_path), ==, 0);
    /* box_free: no process may be left, init among them */
    box_free (box);
}

/* The mistakes that people make. */
static void
expect (gboolean mapped, void (*spoil) (Box *box), unsigned step, int err, const char *object)
{
    Box *box = full_box (mapped);

    spoil (box);
    box_expect_failed (box, step, err, object);
    box_free (box);
}

static void
set_text (char **text, const char *value)
{
    g_free (*text);
    *text = g_strdup (value);
}

static void
no_root (Box *box)
{
    set_text (&g_array_index (box->mounts, plan_mount, 0).source, "/nonexistent/root");
}

static void
no_init (Box *box)
{
    set_text (&box->plan.init.path, "/sbin/init");
}

static void
init_not_executable (Box *box)
{
    g_autofree char *path = box_path (box, "init");

    g_assert_cmpint (g_chmod (path, 0644), ==, 0);
}

static void
init_is_directory (Box *box)
{
    set_text (&box->plan.init.path, "/etc");
}

static void
write_file (Box *box, const char *name, const char *text, gssize length, int mode)
{
    g_autofree char *path = box_path (box, name);

    g_assert_true (g_file_set_contents (path, text, length, NULL));
    g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

static void
init_other_machine (Box *box)
{
    g_autofree char *path = box_path (box, "init"), *bytes = NULL;
    gsize length;

    g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
    bytes[18] = (char) 183;     /* EM_AARCH64 */
    bytes[19] = 0;
    write_file (box, "init", bytes, (gssize) length, 0755);
}

static void
init_no_interpreter (Box *box)
{
    write_file (box, "init", "#!/usr/bin/perl6\n", -1, 0755);
}

static void
init_no_loader (Box *box)
{
    g_autofree char *bytes = NULL;
    gsize length;

    g_assert_true (g_file_get_contents ("/bin/sh", &bytes, &length, NULL));
    write_file (box, "init", bytes, (gssize) length, 0755);
}

static void
init_no_format (Box *box)
{
    write_file (box, "init", "plain text that is no program\n", -1, 0755);
}

static void
init_self_exe (Box *box)
{
    write_file (box, "init", "#!/proc/self/exe\n", -1, 0755);
}

static void
no_cwd (Box *box)
{
    set_text (&box->plan.init.cwd, "/home/nobody");
}

static void
no_user (Box *box)
{
    set_text (&box->plan.init.user, "wilma");
}

static void
no_group (Box *box)
{
    set_text (&box->plan.init.group, "quarry");
}

static void
unmapped_user (Box *box)
{
    set_text (&box->plan.init.user, "70000");
}

static void
no_source (Box *box)
{
    box_mount (box, PLAN_MOUNT_BIND_HOST, "/nonexistent/data", "/tmp", "", "", 0);
}

static void
no_target (Box *box)
{
    box_mount (box, PLAN_MOUNT_BIND_HOST, "/usr", "/data", "", "", 0);
}

static void
bad_option (Box *box)
{
    box_mount (box, PLAN_MOUNT_NEW, "", "/tmp", "tmpfs", "size=many", 0);
}

static void
bad_fstype (Box *box)
{
    box_mount (box, PLAN_MOUNT_NEW, "", "/tmp", "nosuchfs", "", 0);
}

static void
no_stage (Box *box)
{
    set_text (&box->plan.stage_dir, "/nonexistent/stage");
}

static void
long_monitor (Box *box)
{
    g_autofree char *tail = g_strnfill (120, 'x');

    g_free (box->plan.monitor_path);
    box->plan.monitor_path = g_build_filename (box->dir, tail, NULL);
}

static void
two_roots (Box *box)
{
    box_mount (box, PLAN_MOUNT_ROOT, box->root, "/", "", "", 0);
}

static void
bad_cpus (Box *box)
{
    set_text (&box->plan.cpu_affinity, "4000-4001");
}

static void
host_sysctl (Box *box)
{
    set_text (&box->plan.sysctls.sysctls_val[0].key, "kernel/core_pattern");
}

static void
test_mistakes (gconstpointer data)
{
    gboolean mapped = data != NULL;

    expect (mapped, no_root, STEP_ROOT, ENOENT, "/nonexistent/root");
    expect (mapped, no_init, STEP_EXEC, ENOENT, "/sbin/init");
    expect (mapped, init_not_executable, STEP_EXEC, EACCES, "/init (not executable)");
    expect (mapped, init_is_directory, STEP_EXEC, EACCES, "/etc (not a regular file)");
    expect (mapped, init_other_machine, STEP_EXEC, ENOEXEC, "built for aarch64, this host is x86_64");
    expect (mapped, init_no_interpreter, STEP_EXEC, ENOENT, "/init (interpreter /usr/bin/perl6)");
    expect (mapped, init_no_loader, STEP_EXEC, ENOENT, "/init (interpreter /lib64/ld-linux");
    expect (mapped, init_no_format, STEP_EXEC, ENOEXEC, "/init");
    expect (mapped, init_self_exe, STEP_EXEC, ELOOP, "/init (interpreter /proc/self/exe)");
    expect (mapped, no_cwd, STEP_CWD, ENOENT, "/home/nobody");
    expect (mapped, no_user, STEP_USER, ENOENT, "wilma");
    expect (mapped, no_group, STEP_USER, ENOENT, "quarry");
    if (mapped)
        expect (mapped, unmapped_user, STEP_CREDENTIALS, EINVAL, "70000");
    expect (mapped, no_source, STEP_MOUNT, ENOENT, "/tmp (/nonexistent/data)");
    expect (mapped, no_target, STEP_MOUNT, ENOENT, "/data");
    expect (mapped, bad_option, STEP_MOUNT, EINVAL, "size");
    expect (mapped, bad_fstype, STEP_MOUNT, ENODEV, "/tmp (nosuchfs)");
    expect (mapped, no_stage, STEP_STAGE, ENOENT, "/nonexistent/stage");
    expect (mapped, long_monitor, STEP_MONITOR_SOCKET, ENAMETOOLONG, "xxx");
    expect (mapped, two_roots, STEP_READ_PLAN, EBADMSG, "more than one root");
    expect (mapped, bad_cpus, STEP_AFFINITY, EINVAL, "4000-4001");
    expect (mapped, host_sysctl, STEP_READ_PLAN, EBADMSG, "not the container's own");
}

int
main (int argc, char **argv)
{
    static const BoxTest tests[] = {
        { "fail", test_fail }, { "kill", test_kill }, { "hang", test_hang },
        { "daemon-dies", test_daemon_dies }, { "daemon-dies-in-step", test_daemon_dies_in_step },
        { "controller-killed", test_controller_killed }, { "mistakes", test_mistakes },
    };

    return box_tests_run (argc, argv, "faults", tests, G_N_ELEMENTS (tests));
}
