/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bus connection on the main loop: calls, a bus that dies, a new one. */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/error.h"
#include "util/sdbus.h"

static char *dir, *address;

/* The file is there before the daemon listens on it. */
static gboolean
bus_listens (const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int sock = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    gboolean ok;

    g_strlcpy (to.sun_path, path, sizeof to.sun_path);
    ok = connect (sock, (struct sockaddr *) &to, sizeof to) == 0;
    close (sock);
    return ok;
}

static pid_t
start_bus (void)
{
    g_autofree char *listen = g_strdup_printf ("--address=%s", address);
    const char *argv[] = { "dbus-daemon", "--session", "--nofork", "--nopidfile", listen, NULL };
    g_autofree char *path = g_build_filename (dir, "bus", NULL);
    pid_t pid = fork ();

    if (pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        execvp (argv[0], (char **) argv);
        _exit (127);
    }
    for (guint i = 0; i < 60000 && !bus_listens (path); i++)
        g_usleep (1000);
    g_assert_true (bus_listens (path));
    return pid;
}

static void
stop_bus (pid_t pid)
{
    g_autofree char *path = g_build_filename (dir, "bus", NULL);

    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
    g_unlink (path);
}

static int
on_reply (sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
    (void) ret_error;
    *(int *) data = sd_bus_message_is_method_error (message, NULL) ? -1 : 1;
    return 0;
}

static void
call_and_wait (const char *method, int expected)
{
    g_autoptr (GError) error = NULL;
    sd_bus *bus = sdbus_system (&error);
    int reply = 0;

    g_assert_no_error (error);
    g_assert_cmpint (sd_bus_call_method_async (bus, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                               "org.freedesktop.DBus", method, on_reply, &reply, NULL), >=, 0);
    while (reply == 0)
        g_main_context_iteration (NULL, TRUE);
    g_assert_cmpint (reply, ==, expected);
}

static void
test_calls (void)
{
    g_autofree char *program = g_find_program_in_path ("dbus-daemon");
    g_autoptr (GError) error = NULL;
    int lost = 0;
    pid_t pid;

    if (!program) {
        g_test_skip ("no dbus-daemon");
        return;
    }
    g_assert_null (sdbus_system (&error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_assert_true (g_str_has_prefix (error->message, "cannot connect to the system bus: "));
    pid = start_bus ();
    call_and_wait ("ListNames", 1);
    call_and_wait ("NoSuchMethod", -1);
    /* the bus stops while a call is under way: the call gets an error, the next call a new bus */
    kill (pid, SIGSTOP);
    g_assert_cmpint (sd_bus_call_method_async (sdbus_system (NULL), NULL, "org.freedesktop.DBus",
                                               "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListNames",
                                               on_reply, &lost, NULL), >=, 0);
    stop_bus (pid);
    while (lost == 0)
        g_main_context_iteration (NULL, TRUE);
    g_assert_cmpint (lost, ==, -1);
    pid = start_bus ();
    call_and_wait ("ListNames", 1);
    stop_bus (pid);
    sdbus_close ();
}

int
main (int argc, char **argv)
{
    int r;

    g_test_init (&argc, &argv, NULL);
    dir = g_dir_make_tmp ("skep-XXXXXX", NULL);
    address = g_strdup_printf ("unix:path=%s/bus", dir);
    g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
    g_test_add_func ("/sdbus/calls", test_calls);
    r = g_test_run ();
    g_rmdir (dir);
    return r;
}
