/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container from plan to end, seen from inside, privileged and with a user namespace. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness.h"
#include "private.h"

#define MAPPED ((gconstpointer) 1)

static void
has (const char *text, const char *line)
{
    if (!strstr (text, line))
        g_error ("no \"%s\" in: %s", line, text);
}

static void
has_not (const char *text, const char *line)
{
    if (strstr (text, line))
        g_error ("\"%s\" in: %s", line, text);
}

static void
test_inside (gconstpointer mapped)
{
    Box *box = box_new (mapped != NULL);
    MonitorPacket exit_packet;
    g_autofree char *text = NULL;

    box_standard (box);
    box_env (box, "container=lxc-libvirt");
    box_init (box, "pid", "ids", "tty", "env", "fds", "limits", "stat=/dev/null", "stat=/dev/console",
              "stat=/dev/bus/usb", "stat=/dev/ptmx", "list=/dev", "cat=/proc/self/cgroup",
              "cat=/proc/self/mountinfo", "list=/", "write=/ro/file", "write=/proc/sys/net/ipv4/ip_forward",
              "write=/proc/sys/kernel/core_pattern", "touch=/tmp/mine", "caps", "exit=7", NULL);
    text = box_output (box, &exit_packet);
    g_test_message ("%s", text);
    has (text, "pid 1\n");
    has (text, "ids 0:0 groups\n");
    has (text, "tty /dev/console session 1 foreground 1\n");
    has (text, "env container=lxc-libvirt\n");
    has_not (text, "LISTEN_FDS");
    has (text, "fd 2 /dev/console\n");
    has_not (text, "fd 3 ");
    has (text, " host box\n");
    has (text, "stat /dev/null: 20666 0:0 dev 1:3\n");
    has (text, "stat /dev/console: 20620 0:5 dev 136:0\n");
    has (text, "stat /dev/bus/usb: 40755 0:0");
    has (text, "list /dev: bus console fd null ptmx pts tty zero\n");
    has (text, "0::/\n");
    has (text, "list /: dev etc init proc ro run sys tmp\n");
    has (text, "write /ro/file: Read-only file system\n");
    has (text, "write /proc/sys/net/ipv4/ip_forward: opened\n");
    has (text, mapped ? "write /proc/sys/kernel/core_pattern: Permission denied\n"
                      : "write /proc/sys/kernel/core_pattern: Read-only file system\n");
    has (text, "touch /tmp/mine: made\n");
    has (text, "NoNewPrivs:\t0\n");
    g_assert_cmpuint (exit_packet.b, ==, EXIT_SHUTDOWN);
    g_assert_true (WIFEXITED ((int) exit_packet.a));
    g_assert_cmpint (WEXITSTATUS ((int) exit_packet.a), ==, 7);
    if (mapped) {
        struct stat st;
        g_autofree char *mine = box_path (box, "tmp/mine");

        /* the directory keeps the container's ids */
        g_assert_cmpint (stat (mine, &st), ==, 0);
        g_assert_cmpuint (st.st_uid, ==, 0);
    }
    box_free (box);
}

int
main (int argc, char **argv)
{
    private_namespaces ();
    g_test_init (&argc, &argv, NULL);
    g_test_add_data_func ("/inside/privileged", NULL, test_inside);
    g_test_add_data_func ("/inside/mapped", MAPPED, test_inside);
    return g_test_run ();
}
