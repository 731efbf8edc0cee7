/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* skep-controller: executes one launch plan, then supervises one container (docs/start.md). */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "controller/controller.h"
#include "util/fd.h"

typedef struct {
    const char *name;
    int plan, start;
} Options;

static int
usage (void)
{
    static const char text[] =
        "usage: skep-controller --name NAME --plan-fd FD --start-fd FD\n"
        "Started by skepd, one for each running container. Not to be run by hand.\n";

    (void) fd_write_all (STDERR_FILENO, text, sizeof text - 1);
    return 2;
}

static bool
parse_options (int argc, char **argv, Options *options)
{
    *options = (Options) { .plan = -1, .start = -1 };
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp (argv[i], "--name") == 0)
            options->name = argv[i + 1];
        else if (strcmp (argv[i], "--plan-fd") == 0 || strcmp (argv[i], "--plan") == 0)
            options->plan = fd_parse (argv[i + 1]);
        else if (strcmp (argv[i], "--start-fd") == 0 || strcmp (argv[i], "--start") == 0)
            options->start = fd_parse (argv[i + 1]);
        else
            return false;
    }
    return argc == 7 && options->name && options->plan >= 3 && options->start >= 3;
}

/* A container with the host's ids must not find the program on disk behind /proc/PID/exe, be it by a
 * script that names /proc/self/exe as its interpreter (CVE-2019-5736). skepd starts us from a sealed
 * copy that all controllers share; started otherwise, we make our own. */
static int
run_from_copy (char **argv)
{
    autofd int self = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC), copy = -1;
    int seals = self >= 0 ? fcntl (self, F_GET_SEALS) : -1;

    if (seals >= 0 && (seals & F_SEAL_WRITE))
        return 0;
    copy = plan_program_image ("/proc/self/exe");
    if (copy < 0)
        return -1;
    /* nothing is close-on-exec yet: all descriptors go along */
    return (int) syscall (SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
}

/* After the start only these are of use: to kill init whatever its ids, and to enter the mount
 * namespace of a container without a user namespace by its pidfd (the owner of a user namespace needs
 * none of them for it). */
static void
drop_privileges (bool has_userns)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    uint32_t enter = 1U << CAP_SYS_ADMIN | 1U << CAP_SYS_CHROOT | 1U << CAP_SYS_PTRACE;
    uint32_t keep = 1U << CAP_KILL | (has_userns ? 0 : enter);
    struct __user_cap_data_struct data[2] = { { keep, keep, 0 }, { 0, 0, 0 } };

    if (syscall (SYS_capset, &header, data) < 0)
        dprintf (STDERR_FILENO, "skep-controller: capabilities kept: %s\n", strerror (errno));
}

static int
report (int start, const Failure *failure)
{
    MonitorPacket packet;
    char text[MONITOR_OBJECT_MAX + 128];

    failure_to_packet (failure, &packet);
    /* a socket closed over unread packets makes the daemon read ECONNRESET before our last word */
    (void) shutdown (start, SHUT_RD);
    while (recv (start, text, sizeof text, MSG_DONTWAIT) > 0)
        ;
    if (fd_send (start, &packet, sizeof packet, NULL, 0) == 0)
        return 1;       /* the daemon says it */
    monitor_describe (&packet, text, sizeof text);
    dprintf (STDERR_FILENO, "skep-controller: cannot %s\n", text);
    return 1;
}

static void
be_alone (void)
{
    (void) setsid ();
    if (chdir ("/") < 0)
        dprintf (STDERR_FILENO, "skep-controller: /: %s\n", strerror (errno));
    /* before the first fork: no process of a start can be traced or read (attack A36) */
    prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl (PR_SET_NAME, "skep-controller", 0, 0, 0);
    signal (SIGPIPE, SIG_IGN);
    /* a plan's allocations shall go back to the kernel, and no thread arenas are needed */
    mallopt (M_TRIM_THRESHOLD, 0);
    mallopt (M_MMAP_THRESHOLD, 64 << 10);
}

int
main (int argc, char **argv)
{
    Controller c = { .fuse = -1, .tree = -1, .memory_group = -1, .epoll = -1, .listener = -1, .daemon = -1,
                     .pidfd = -1 };
    Failure failure = { .step = STEP_NONE };
    const char *why = NULL;
    launch_plan plan;
    Options options;

    if (!parse_options (argc, argv, &options))
        return usage ();
    be_alone ();
    if (failure_enter (&failure, STEP_READ_PLAN, "") < 0)
        return report (options.start, &failure);
    if (plan_from_fd (options.plan, &plan, &why) < 0) {
        failure_set (&failure, STEP_READ_PLAN, why);
        return report (options.start, &failure);
    }
    c.has_userns = plan.namespaces & CLONE_NEWUSER;
    if (!c.has_userns && run_from_copy (argv) < 0) {
        failure_set (&failure, STEP_READ_PLAN, "a sealed copy of the controller");
        return report (options.start, &failure);
    }
    close (options.plan);
    if (fd_cloexec_from (3) < 0) {
        failure_set (&failure, STEP_FDS, "");
        return report (options.start, &failure);
    }
    c.kill_deadline = plan.kill_deadline;
    if (setup_run (&c, &plan, options.start, &failure) < 0)
        return report (options.start, &failure);
    close (options.start);
    drop_privileges (c.has_userns);
    /* descriptors that were only for init */
    for (u_int i = 0; i < plan.init.pass_fds.pass_fds_len; i++)
        close (plan.init.pass_fds.pass_fds_val[i]);
    for (u_int i = 0; i < plan.shares.shares_len; i++)
        close (plan.shares.shares_val[i].fd);
    for (u_int i = 0; i < plan.mounts.mounts_len; i++) {
        if (plan.mounts.mounts_val[i].fd >= 0)
            close (plan.mounts.mounts_val[i].fd);
    }
    plan_free (&plan);
    malloc_trim (0);
    return supervise (&c);
}
