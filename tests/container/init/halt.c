/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Orderly stops: which signal or word each kind of init gets, and when. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "life.h"
#include "util/fd.h"

static MonitorPacket
halt (Life *life, HaltKind kind, int signum)
{
    MonitorPacket request = { .type = MONITOR_HALT, .a = kind, .b = (guint64) signum };

    return monitor_ask (life->monitor, request, NULL);
}

/* Init takes @signum under @comm; asked for @kind, it must get just that. */
static void
halt_case (gboolean mapped, const char *comm, const char *takes, HaltKind kind, int signum)
{
    Life life = life_new (mapped);
    g_auto (GStrv) list = g_strsplit (takes, ",", -1);
    g_autofree char *name = g_strdup_printf ("comm=%s", comm), *begin = NULL, *end = NULL, *text = NULL;
    g_autofree char *expected = g_strdup_printf ("signal %d\n", signum);
    char *verbs[4];
    MonitorPacket packet;
    int console;

    for (guint i = 0; i < 4; i++)
        verbs[i] = list[0] && i < g_strv_length (list) ? g_strdup_printf ("take=%s", list[i])
                                                       : g_strdup ("say=-");
    box_init (life.box, name, verbs[0], verbs[1], verbs[2], verbs[3], "say=up", "wait", NULL);
    life_start (&life);
    console = console_open (life.monitor, 0, 0);
    g_free (console_until (console, "up\n"));
    packet = halt (&life, kind, 0);
    g_assert_cmpuint (packet.type, ==, MONITOR_DONE);
    g_assert_cmpuint (packet.flags, ==, 0);
    begin = console_until (console, "signal");
    /* a terminal gives the end of a line by itself */
    end = strchr (strstr (begin, "signal"), '\n') ? NULL : console_until (console, "\n");
    text = g_strconcat (begin, end, NULL);
    close (console);
    (void) life_end (&life);
    for (guint i = 0; i < 4; i++)
        g_free (verbs[i]);
    if (!strstr (text, expected))
        g_error ("%s taking %s: got %s", comm, takes, text);
}

void
test_halt_kinds (gconstpointer data)
{
    gboolean mapped = data != NULL;

    halt_case (mapped, "systemd", "37,39,15", HALT_AUTO_POWEROFF, 37);
    halt_case (mapped, "systemd", "37,39,15", HALT_AUTO_REBOOT, 39);
    halt_case (mapped, "init", "10,12,15,30", HALT_AUTO_POWEROFF, 12);
    halt_case (mapped, "init", "10,12,15,30", HALT_AUTO_REBOOT, 15);
    halt_case (mapped, "init", "30,2,15", HALT_AUTO_POWEROFF, 30);
    halt_case (mapped, "init", "30,2,15", HALT_AUTO_REBOOT, 2);
    halt_case (mapped, "java", "15,30", HALT_AUTO_POWEROFF, 15);
    halt_case (mapped, "java", "30", HALT_AUTO_POWEROFF, 30);
}

void
test_halt_busybox (gconstpointer data)
{
    Life life = life_new (data != NULL);
    MonitorPacket packet;
    int console;

    box_init (life.box, "comm=init", "busybox", NULL);
    life_start (&life);
    console = console_open (life.monitor, 0, 0);
    g_free (console_until (console, "waiting\n"));
    packet = halt (&life, HALT_AUTO_POWEROFF, 0);
    g_assert_cmpuint (packet.type, ==, MONITOR_DONE);
    g_assert_cmpuint (packet.flags, ==, 0);
    g_free (console_until (console, "signal 12\n"));
    close (console);
    (void) life_end (&life);
}

/* Asked before init listens: queued, and delivered as soon as it does. */
void
test_halt_queued (gconstpointer data)
{
    Life life = life_new (data != NULL);
    MonitorPacket packet;
    g_autofree char *text = NULL;
    int console;

    box_init (life.box, "until=/tmp/go", "take=15", "say=up", "wait", NULL);
    life_start (&life);
    console = console_open (life.monitor, 0, 0);
    packet = halt (&life, HALT_AUTO_POWEROFF, 0);
    g_assert_cmpuint (packet.type, ==, MONITOR_DONE);
    g_assert_cmpuint (packet.flags, ==, MONITOR_DONE_QUEUED);
    box_go (life.box);
    text = console_until (console, "signal 15\n");
    close (console);
    (void) life_end (&life);
}

void
test_halt_signal (gconstpointer data)
{
    Life life = life_new (data != NULL);
    MonitorPacket packet;
    int console;

    box_init (life.box, "take=1", "say=up", "wait", NULL);
    life_start (&life);
    console = console_open (life.monitor, 0, 0);
    g_free (console_until (console, "up\n"));
    packet = halt (&life, HALT_SIGNAL, 99);
    g_assert_cmpuint (packet.type, ==, MONITOR_FAILED);
    g_assert_cmpint (packet.err, ==, EINVAL);
    packet = halt (&life, HALT_SIGNAL, SIGHUP);
    g_assert_cmpuint (packet.type, ==, MONITOR_DONE);
    g_free (console_until (console, "signal 1\n"));
    close (console);
    (void) life_end (&life);
}

static void
fifo_case (gboolean mapped, const char *path, HaltKind kind, const char *expected)
{
    Life life = life_new (mapped);
    g_autofree char *make = g_strdup_printf ("mkfifo=%s", path);
    /* a reader of it there is from before it is up */
    g_autofree char *hold = g_strdup_printf ("hold=%s", path), *use = g_strdup_printf ("fifo=%s", path);
    MonitorPacket packet;
    int console;

    box_init (life.box, make, hold, "comm=init", "say=up", use, NULL);
    life_start (&life);
    console = console_open (life.monitor, 0, 0);
    g_free (console_until (console, "up\n"));
    packet = halt (&life, kind, 0);
    g_assert_cmpuint (packet.type, ==, MONITOR_DONE);
    g_free (console_until (console, expected));
    close (console);
    (void) life_end (&life);
}

void
test_initctl (gconstpointer data)
{
    gboolean mapped = data != NULL;
    MonitorPacket packet;
    Life life;

    fifo_case (mapped, "/run/initctl", HALT_AUTO_POWEROFF, "fifo 384 3091969 1 0\n");
    fifo_case (mapped, "/run/initctl", HALT_AUTO_REBOOT, "fifo 384 3091969 1 6\n");
    fifo_case (mapped, "/dev/initctl", HALT_INITCTL_POWEROFF, "fifo 384 3091969 1 0\n");
    fifo_case (mapped, "/etc/.initctl", HALT_INITCTL_REBOOT, "fifo 384 3091969 1 6\n");

    /* no reader, no fifo at all, a link to a file of the host: an error, and nothing is written */
    life = life_new (mapped);
    box_init (life.box, "mkfifo=/run/initctl", "say=up", "pause", NULL);
    life_start (&life);
    packet = halt (&life, HALT_INITCTL_POWEROFF, 0);
    g_assert_cmpuint (packet.type, ==, MONITOR_FAILED);
    g_assert_cmpint (packet.err, ==, EOPNOTSUPP);
    run_stop (life.box, &life.run);
    close (life.monitor);
    box_free (life.box);
}

/* What skep-helper answers about init. */
static MonitorPacket
ask_helper (pid_t init)
{
    MonitorPacket answer;
    int answers[2], pidfd = pidfd_of (init);
    pid_t pid;

    g_assert_cmpint (pidfd, >=, 0);
    g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, answers), ==, 0);
    pid = fork ();
    if (pid == 0) {
        g_autofree char *out = g_strdup_printf ("%d", answers[1]);
        g_autofree char *in = g_strdup_printf ("%d", pidfd);

        fcntl (answers[1], F_SETFD, 0);
        fcntl (pidfd, F_SETFD, 0);
        execl (g_getenv ("SKEP_TEST_HELPER"), "skep-helper", "--answer-fd", out, "--pidfd", in,
               "initctl", "6", NULL);
        _exit (127);
    }
    close (answers[1]);
    close (pidfd);
    answer = monitor_next (answers[0]);
    close (answers[0]);
    g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
    return answer;
}

/* skep-helper does the same errand for a daemon that has only a pidfd. */
void
test_helper (gconstpointer data)
{
    Life life = life_new (data != NULL);
    MonitorPacket answer;
    int console;

    box_init (life.box, "mkfifo=/run/initctl", "hold=/run/initctl", "say=up", "fifo=/run/initctl", NULL);
    life_start (&life);
    console = console_open (life.monitor, 0, 0);
    g_free (console_until (console, "up\n"));
    answer = ask_helper (life.run.init);
    g_assert_cmpuint (answer.type, ==, MONITOR_DONE);
    g_assert_cmpuint (answer.flags, ==, 2);
    g_free (console_until (console, "fifo 384 3091969 1 6\n"));
    close (console);
    (void) life_end (&life);
}
