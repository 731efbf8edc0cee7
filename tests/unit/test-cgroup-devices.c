/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device rules of control groups. */
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup_fixture.h"

static void
try_to_open (int fd)
{
    char verdict[2];

    raise (SIGSTOP);
    verdict[0] = open ("/dev/null", O_RDWR) >= 0 ? 'y' : 'n';
    verdict[1] = open ("/dev/full", O_RDWR) >= 0 ? 'y' : 'n';
    if (write (fd, verdict, 2) != 2)
        _exit (1);
}

/* In the controller's groups; stopped before it tries. */
static pid_t
start_opener (Cgroup *c, int *ret_fd)
{
    g_autoptr (GError) error = NULL;
    int answer[2];
    pid_t pid;

    g_assert_cmpint (pipe (answer), ==, 0);
    pid = child_start (c, FALSE, try_to_open, answer[1]);
    close (answer[1]);
    waitpid (pid, NULL, WUNTRACED);
    cgroup_add_controller (c, pid, &error);
    g_assert_no_error (error);
    *ret_fd = answer[0];
    return pid;
}

static void
check_devices (Cgroup *c, const CgroupDeviceRule *rules, guint n, const char *expected)
{
    g_autoptr (GError) error = NULL;
    char verdict[3] = "";
    pid_t pid;
    int fd;

    pid = start_opener (c, &fd);
    cgroup_set_devices (c, rules, n, &error);
    g_assert_no_error (error);
    kill (pid, SIGCONT);
    g_assert_cmpint (read (fd, verdict, 2), ==, 2);
    close (fd);
    waitpid (pid, NULL, 0);
    g_assert_cmpstr (verdict, ==, expected);
}

/* A list longer than a page: nothing of it is left when nothing is allowed. */
static void
check_many_devices (Cgroup *c)
{
    enum { MANY = 1000 };
    g_autofree CgroupDeviceRule *rules = g_new0 (CgroupDeviceRule, MANY);
    char text[CGROUP_TEXT_MAX];

    for (guint i = 0; i < MANY; i++)
        rules[i] = (CgroupDeviceRule) { 'c', 240, 1000 + i, "rwm" };
    g_assert_true (cgroup_set_devices (c, rules, MANY, NULL));
    g_assert_true (cgroup_set_devices (c, rules, 0, NULL));
    g_assert_cmpint (cgroup_read_try (cgroup_hierarchy (CGROUP_DEVICES), c->base, "", "devices.list", text), ==, 0);
    g_assert_cmpstr (text, ==, "");
}

static void
test_devices (void)
{
    static const CgroupDeviceRule rules[] = {
        { 'c', 1, 3, "rwm" }, { 'c', 136, -1, "rwm" }, { 'c', 1, 7, "r" }, { 'a', -1, -1, "m" },
    };
    static const CgroupDeviceRule more[] = { { 'c', 1, 3, "rwm" }, { 'c', 1, 7, "rw" } };
    g_autoptr (Cgroup) c = NULL;

    if (!groups_usable ())
        return;
    c = group_make ("devices");
    check_devices (c, rules, G_N_ELEMENTS (rules), "yn");
    if (!cgroup_hierarchy (CGROUP_DEVICES)->v2) {
        char text[CGROUP_TEXT_MAX];

        cgroup_read_try (cgroup_hierarchy (CGROUP_DEVICES), c->base, "", "devices.list", text);
        g_assert_cmpstr (text, ==, "c 1:3 rwm\nc 136:* rwm\nc 1:7 r\nc *:* m\nb *:* m\n");
    }
    check_devices (c, more, G_N_ELEMENTS (more), "yy");
    check_devices (c, NULL, 0, "nn");
    check_devices (c, more, 1, "yn");
    if (!cgroup_hierarchy (CGROUP_DEVICES)->v2)
        check_many_devices (c);
    group_remove (c, 60000);
    partition_remove ();
}

/* The v2 program in a mounted v2 hierarchy, with or without controllers. */
static void
test_device_program (void)
{
    static const CgroupDeviceRule rules[] = {
        { 'c', 1, 3, "rw" }, { 'c', 136, -1, "rwm" }, { 'a', -1, -1, "m" }, { 'b', 8, 0, "r" },
    };
    static const CgroupDeviceRule more[] = { { 'c', 1, -1, "rw" } };
    struct bpf_insn program[CGROUP_DEVICE_INSNS (G_N_ELEMENTS (rules))];
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) c = NULL;
    CgroupHierarchy *h = NULL;

    g_assert_cmpuint (cgroup_device_program (rules, G_N_ELEMENTS (rules), program), <=,
                      G_N_ELEMENTS (program));
    if (!groups_usable ())
        return;
    for (guint i = 0; i < cgroup_host.n; i++)
        if (cgroup_host.hierarchies[i].v2)
            h = &cgroup_host.hierarchies[i];
    if (!h) {
        g_test_skip ("no cgroup2 mount");
        return;
    }
    c = group_make ("program");
    for (guint round = 0; round < 3; round++) {
        const char *expected = round == 1 ? "yy" : round == 0 ? "yn" : "nn";
        char verdict[3] = "";
        pid_t pid;
        int fd;

        pid = start_opener (c, &fd);
        {
            g_autofree char *text = g_strdup_printf ("%d", pid);

            g_assert_cmpint (cgroup_write_try (h, c->base, "/guest", "cgroup.procs", text), ==, 0);
        }
        if (!cgroup_v2_set_devices (h, c, round == 0 ? rules : more, round == 0 ? 4 : round == 1 ? 1 : 0,
                                    &error)) {
            g_test_message ("%s", error->message);
            kill (pid, SIGKILL);
            waitpid (pid, NULL, 0);
            close (fd);
            g_test_skip ("no BPF here");
            break;
        }
        kill (pid, SIGCONT);
        g_assert_cmpint (read (fd, verdict, 2), ==, 2);
        close (fd);
        waitpid (pid, NULL, 0);
        g_assert_cmpstr (verdict, ==, expected);
    }
    group_remove (c, 60000);
    partition_remove ();
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/cgroup-devices/devices", test_devices);
    g_test_add_func ("/cgroup-devices/device-program", test_device_program);
    return g_test_run ();
}
