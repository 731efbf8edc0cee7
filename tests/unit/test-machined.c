/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names everywhere; scopes and registration where systemd runs (tests/vm runs this program there). */
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cgroup_private.h"
#include "host/machined.h"

static void
test_names (void)
{
    static const struct { const char *name, *machine; } machines[] = {
        { "web", "lxc-7-web" },
        { "api full.xy-1", "lxc-7-apifull.xy-1" },
        { "..a..b--c-.", "lxc-7-a.b-c" },
        { "\xc3\xa4", "lxc-7" },
        { "a_b/c", "lxc-7-abc" },
        { "0123456789012345678901234567890123456789012345678901234567890123456789",
          "lxc-7-0123456789012345678901234567890123456789012345678901234567" },
    };
    static const struct { const char *partition, *slice; } slices[] = {
        { "/machine", "machine.slice" },
        { "/machine/prod", "machine-prod.slice" },
        { "/a-b/c/", "a\\x2db-c.slice" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (machines); i++) {
        g_autofree char *got = machined_machine_name (machines[i].name, 7);

        g_assert_cmpstr (got, ==, machines[i].machine);
        g_assert_cmpuint (strlen (got), <=, 64);
    }
    for (guint i = 0; i < G_N_ELEMENTS (slices); i++) {
        g_autofree char *got = systemd_slice_of_partition (slices[i].partition);

        g_assert_cmpstr (got, ==, slices[i].slice);
    }
    {
        g_autofree char *scope = systemd_scope_name ("lxc-1-n.x");

        g_assert_cmpstr (scope, ==, "machine-lxc\\x2d1\\x2dn.x.scope");
    }
}

typedef struct {
    gboolean called, failed;
    char *path;
    char *message;
} Answer;

static void
on_done (const char *path, const GError *error, gpointer data)
{
    Answer *answer = data;

    g_assert_false (answer->called);
    answer->called = TRUE;
    answer->failed = error != NULL;
    answer->path = g_strdup (path);
    answer->message = g_strdup (error ? error->message : NULL);
}

static void
answer_wait (Answer *answer)
{
    while (!answer->called)
        g_main_context_iteration (NULL, TRUE);
}

/* Without a bus a scope fails, later and once; a registration is silently nothing. */
static void
test_without_bus (void)
{
    Answer scope = { 0 };
    Answer machine = { 0 };
    const guint8 uuid[16] = { 1 };

    if (systemd_present ()) {
        g_test_skip ("there is a bus");
        return;
    }
    systemd_scope_start ("x.scope", "machine.slice", "x", getpid (), on_done, &scope);
    g_assert_false (scope.called);
    answer_wait (&scope);
    g_assert_true (scope.failed);
    machined_register ("x", uuid, getpid (), NULL, 0, on_done, &machine);
    g_assert_false (machine.called);
    answer_wait (&machine);
    g_assert_false (machine.failed);
    machined_terminate ("x");
    systemd_scope_stop ("x.scope");
    g_free (scope.message);
}

static pid_t
start_sleeper (void)
{
    pid_t pid = fork ();

    if (pid == 0)
        for (;;)
            pause ();
    return pid;
}

static char *
output_of (const char *command)
{
    char *out = NULL;

    g_spawn_command_line_sync (command, &out, NULL, NULL, NULL);
    return out ? out : g_strdup ("");
}

/* Two processes stand for controller and init. */
static void
check_limits (Cgroup *cgroup)
{
    CgroupHierarchy *memory = cgroup_hierarchy (CGROUP_MEMORY), *cpu = cgroup_hierarchy (CGROUP_CPU);
    g_autoptr (GError) error = NULL;
    char text[CGROUP_TEXT_MAX];
    guint64 hard, soft, swap;

    cgroup_set_memory (cgroup, 64 << 20, 96 << 20, &error);
    g_assert_no_error (error);
    cgroup_get_memory (cgroup, &hard, &soft, &swap, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (hard, ==, 64 << 20);
    cgroup_set_cpu_shares (cgroup, 2048, &error);
    g_assert_no_error (error);
    cgroup_set_cpu_cfs (cgroup, 100000, 50000, &error);
    g_assert_no_error (error);
    cgroup_set_pids (cgroup, 100, &error);
    g_assert_no_error (error);
    if (!memory->v2)
        return;
    cgroup_read (memory, cgroup->base, "/guest", "memory.max", text, &error);
    g_assert_cmpstr (text, ==, "67108864\n");
    cgroup_read (memory, cgroup->base, "", "memory.swap.max", text, &error);
    g_assert_cmpstr (text, ==, "33554432\n");
    cgroup_read (cpu, cgroup->base, "/guest", "cpu.weight", text, &error);
    g_assert_cmpstr (text, ==, "79\n");
    cgroup_read (cpu, cgroup->base, "/guest", "cpu.max", text, &error);
    g_assert_cmpstr (text, ==, "50000 100000\n");
}

static void
move_to_guest (Cgroup *cgroup, pid_t pid)
{
    char text[16];

    g_snprintf (text, sizeof text, "%d", pid);
    for (guint i = 0; i < cgroup_host.n; i++)
        g_assert_cmpint (cgroup_write_try (&cgroup_host.hierarchies[i], cgroup->base,
                                           cgroup_host.hierarchies[i].guest ? "/guest" : "",
                                           "cgroup.procs", text), ==, 0);
}

static gboolean
gone (const char *path)
{
    for (guint i = 0; i < cgroup_host.n; i++) {
        g_autofree char *full = g_strconcat (cgroup_host.hierarchies[i].mount, path, NULL);

        if (g_file_test (full, G_FILE_TEST_EXISTS))
            return FALSE;
    }
    return TRUE;
}

static void
test_scope (void)
{
    static const CgroupDeviceRule rules[] = { { 'c', 1, 3, "rwm" } };
    const guint8 uuid[16] = { 0x3a, 0x1f, 0x0c, 0x52, 0x7d, 0x51, 0x4a, 0x0e, 0x9b, 0x0e, 1, 2, 3, 4, 5, 6 };
    Answer scope = { 0 };
    Answer machine = { 0 };
    g_autofree char *name = NULL, *unit = NULL, *expected = NULL, *list = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (Cgroup) cgroup = NULL;
    pid_t controller, init;

    if (geteuid () != 0 || !systemd_present () || !cgroup_host_detect (&error)) {
        g_test_skip ("no systemd as PID 1");
        return;
    }
    controller = start_sleeper ();
    init = start_sleeper ();
    name = machined_machine_name ("unit-test", controller);
    unit = systemd_scope_name (name);
    systemd_scope_start (unit, "machine.slice", "Container unit-test", controller, on_done, &scope);
    answer_wait (&scope);
    g_assert_cmpstr (scope.message, ==, NULL);
    expected = g_strdup_printf ("/machine.slice/%s", unit);
    g_assert_cmpstr (scope.path, ==, expected);

    cgroup = cgroup_create (scope.path, "skep", FALSE, &error);
    g_assert_no_error (error);
    cgroup_add_controller (cgroup, controller, &error);
    g_assert_no_error (error);
    check_limits (cgroup);
    cgroup_set_devices (cgroup, rules, 1, &error);
    g_assert_no_error (error);
    move_to_guest (cgroup, init);

    machined_register (name, uuid, init, NULL, 0, on_done, &machine);
    answer_wait (&machine);
    g_assert_cmpstr (machine.message, ==, NULL);
    list = output_of ("machinectl list --no-legend");
    g_assert_nonnull (strstr (list, name));
    g_assert_nonnull (strstr (list, "libvirt-lxc"));

    g_assert_true (cgroup_kill (cgroup, NULL, NULL));
    waitpid (init, NULL, 0);
    kill (controller, SIGKILL);
    waitpid (controller, NULL, 0);
    for (guint i = 0; i < 60000 && !cgroup_remove (cgroup, NULL, NULL); i++)
        g_usleep (1000);
    machined_terminate (name);
    systemd_scope_stop (unit);
    for (guint i = 0; i < 60000 && !gone (scope.path); i++) {
        g_main_context_iteration (NULL, FALSE);
        g_usleep (1000);
    }
    g_assert_true (gone (scope.path));
    g_free (list);
    list = output_of ("machinectl list --no-legend");
    g_assert_null (strstr (list, name));
    g_free (scope.path);
}

/* A process that is not there, twice the same unit. */
static void
test_scope_errors (void)
{
    Answer first = { 0 };
    Answer second = { 0 };
    Answer third = { 0 };
    pid_t pid;

    if (geteuid () != 0 || !systemd_present ()) {
        g_test_skip ("no systemd as PID 1");
        return;
    }
    systemd_scope_start ("skep-none.scope", "machine.slice", "x", 4194303, on_done, &first);
    answer_wait (&first);
    g_assert_true (first.failed);
    g_test_message ("%s", first.message);
    pid = start_sleeper ();
    systemd_scope_start ("skep-twice.scope", "machine.slice", "x", pid, on_done, &second);
    answer_wait (&second);
    g_assert_cmpstr (second.message, ==, NULL);
    systemd_scope_start ("skep-twice.scope", "machine.slice", "x", pid, on_done, &third);
    answer_wait (&third);
    g_assert_true (third.failed);
    g_test_message ("%s", third.message);
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/machined/names", test_names);
    g_test_add_func ("/machined/without-bus", test_without_bus);
    g_test_add_func ("/machined/scope", test_scope);
    g_test_add_func ("/machined/scope-errors", test_scope_errors);
    return g_test_run ();
}
