/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The controller's side of a start: one straight line, with one place that waits (wait_for). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "controller/controller.h"
#include "controller/init_limits.h"
#include "controller/netlink.h"
#include "controller/sync.h"
#include "util/fd.h"

#define START_DEADLINE_DEFAULT 30000

typedef struct {
    Controller *c;
    const launch_plan *plan;
    Failure *failure;
    int start, builder, child;      /* sockets; -1 after end of file */
    pid_t builder_pid, second_pid;
    uint64_t deadline;
    bool cgroup_given, continued, cloned, entered, building, built, ready, executed;
    int cgroup_fds[FD_PASS_MAX];
    unsigned n_cgroup_fds;
    GuestGroups groups;             /* of the descriptors before */
    unsigned n_own_groups;          /* the last ones: v1 groups of the controller itself */
    int masters[FD_PASS_MAX];
    unsigned n_masters;
} Setup;

uint64_t
clock_ms (void)
{
    struct timespec now;

    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

static int
protocol_error (Setup *s, unsigned step, const char *object)
{
    errno = EPROTO;
    return failure_set (s->failure, step, object);
}

static int
take_start_packet (Setup *s)
{
    MonitorPacket packet;
    int fds[FD_PASS_MAX];
    unsigned n = FD_PASS_MAX;
    ssize_t got = fd_receive (s->start, &packet, sizeof packet, fds, &n);

    if (got == 0 || (got < 0 && errno == ECONNRESET)) {
        /* the daemon died: nobody will hear it, but the start ends here */
        fd_close (&s->start);
        errno = EPIPE;
        return failure_set (s->failure, STEP_CGROUP, "the daemon is gone");
    }
    if (got == sizeof packet && packet.type == MONITOR_CONTINUE && n == 0) {
        s->continued = true;
        return 0;
    }
    if (got == sizeof packet && packet.type == MONITOR_CGROUP && !s->cgroup_given) {
        memcpy (s->cgroup_fds, fds, n * sizeof *fds);
        s->n_cgroup_fds = n;
        s->cgroup_given = true;
        if (packet.err == 0
            && (packet.a > n || packet.b > n || !!(packet.flags & MONITOR_CGROUP_V2) + packet.b + packet.a
                   + !!(packet.flags & MONITOR_CGROUP_MEMORY) != n))
            return protocol_error (s, STEP_CGROUP, "cgroup descriptors");
        s->groups = (GuestGroups) {
            .v2 = packet.flags & MONITOR_CGROUP_V2 ? fds[0] : -1,
            .v1 = s->cgroup_fds + !!(packet.flags & MONITOR_CGROUP_V2), .n_v1 = (unsigned) packet.b,
        };
        s->n_own_groups = (unsigned) packet.a;
        if (packet.err == 0 && (packet.flags & MONITOR_CGROUP_MEMORY)) {
            s->c->memory_group = fds[--s->n_cgroup_fds];
            s->c->memory_v2 = packet.flags & MONITOR_CGROUP_MEMORY_V2;
        }
        errno = packet.err;
        return packet.err ? failure_set (s->failure, STEP_CGROUP, packet.object) : 0;
    }
    while (got > 0 && n > 0)
        close (fds[--n]);
    return protocol_error (s, STEP_CGROUP, "start socket");
}

/* ECONNRESET, here and below: the peer left with a packet of ours unread; what it said itself comes
 * with the next look. An end of file on one socket may be the echo of a failure reported on the other: the child's end
 * kills the builder's second half, the builder's end closes the child's socket. The report is always
 * sent before, so it lies there already. */
static void
take_reports (Setup *s)
{
    const int socks[] = { s->builder, s->child };

    for (size_t i = 0; i < sizeof socks / sizeof *socks; i++) {
        MonitorPacket packet;
        ssize_t n;

        do {
            n = socks[i] >= 0 ? recv (socks[i], &packet, sizeof packet, MSG_DONTWAIT) : 0;
            /* descriptors of other packets are dropped; a child that came with one ends by itself
             * when its socket closes */
            if (n == sizeof packet && packet.type == MONITOR_FAILED)
                failure_from_packet (s->failure, &packet);
        } while (n > 0 || (n < 0 && errno == ECONNRESET));
    }
}

static int
peer_died (Setup *s, const char *who)
{
    take_reports (s);
    errno = ECHILD;
    return failure_set (s->failure, STEP_CHILD_DIED, who);
}

/* All that must be so before the child runs a line of its own in its namespaces. */
static int
prepare_child (Setup *s)
{
    Failure failure = { .step = STEP_NONE };
    pid_t init = s->c->init;

    if (init_write_maps (s->plan, init, &failure) == 0 && init_set_limits (s->plan, init, &failure) == 0
        && links_move (s->plan, init, &failure) == 0)
        return 0;
    /* perhaps only because the child has gone, and then it said why */
    take_reports (s);
    if (s->failure->step == STEP_NONE)
        *s->failure = failure;
    return -1;
}

static int
take_builder_packet (Setup *s)
{
    MonitorPacket packet;
    int fds[FD_PASS_MAX];
    unsigned n = FD_PASS_MAX;
    ssize_t got = fd_receive (s->builder, &packet, sizeof packet, fds, &n);

    if (got == 0) {
        fd_close (&s->builder);
        return s->built ? 0 : peer_died (s, "the builder");
    }
    if (got < 0 && errno == ECONNRESET)
        return 0;
    if (got != sizeof packet)
        return failure_set (s->failure, STEP_BUILDER, "packet");
    if (packet.type == MONITOR_FAILED && n == 0) {
        failure_from_packet (s->failure, &packet);
        return -1;
    }
    if (packet.type == SYNC_CLONED && n == 1 && !s->cloned) {
        s->c->init = (pid_t) packet.a;
        s->c->pidfd = fds[0];
        s->cloned = true;
        return 0;
    }
    if (packet.type == SYNC_BUILDING && n <= 1 && !s->building) {
        s->second_pid = (pid_t) packet.a;
        s->c->tree = n == 1 ? fds[0] : -1;
        s->building = true;
        return 0;
    }
    if (packet.type == SYNC_BUILT && n == s->plan->consoles.consoles_len) {
        memcpy (s->masters, fds, n * sizeof *fds);
        s->n_masters = n;
        s->built = true;
        return 0;
    }
    while (n > 0)
        close (fds[--n]);
    return protocol_error (s, STEP_BUILDER, "packet");
}

static int
take_child_packet (Setup *s)
{
    MonitorPacket packet;
    unsigned n = 0;
    ssize_t got = fd_receive (s->child, &packet, sizeof packet, NULL, &n);

    if (got == 0) {
        fd_close (&s->child);
        /* Before READY an end of file is a death. After it, it is execve() closing the socket; a child
         * killed in just that moment looks the same and is reported by EXIT right away. */
        s->executed = s->ready;
        return s->ready ? 0 : peer_died (s, "the container's init");
    }
    if (got < 0 && errno == ECONNRESET)
        return 0;
    if (got != sizeof packet)
        return failure_set (s->failure, STEP_CHILD_DIED, "packet");
    if (packet.type == MONITOR_FAILED) {
        failure_from_packet (s->failure, &packet);
        return -1;
    }
    if (packet.type == SYNC_ENTERED)
        s->entered = true;
    else if (packet.type == MONITOR_READY)
        s->ready = true;
    else
        return protocol_error (s, STEP_CHILD_DIED, "packet");
    return 0;
}

/* Serves all three sockets until @flag is set. Every wait of a start is here, under one deadline. */
static int
wait_for (Setup *s, const bool *flag, const char *what)
{
    while (!*flag) {
        struct pollfd fds[3] = {
            { .fd = s->start, .events = POLLIN },
            { .fd = s->builder, .events = POLLIN },
            { .fd = s->child, .events = POLLIN },
        };
        uint64_t now = clock_ms ();
        int n = now < s->deadline ? poll (fds, 3, (int) (s->deadline - now)) : 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ETIMEDOUT;
        if (n <= 0)
            return failure_set (s->failure, STEP_DEADLINE, what);
        /* the child first: its report is nearer to the cause than an end of file elsewhere */
        if (fds[2].revents && take_child_packet (s) < 0)
            return -1;
        if (fds[1].revents && take_builder_packet (s) < 0)
            return -1;
        if (fds[0].revents && take_start_packet (s) < 0)
            return -1;
    }
    return 0;
}

static int
tell_daemon (Setup *s, unsigned type, uint64_t a, uint64_t b)
{
    MonitorPacket packet = { .type = type, .a = a, .b = b };

    if (fd_send (s->start, &packet, sizeof packet, NULL, 0) == 0)
        return 0;
    return failure_set (s->failure, STEP_CGROUP, "the daemon is gone");
}

static int
monitor_bind (Controller *c, int sock)
{
    const struct sockaddr *address = (const struct sockaddr *) &c->monitor;
    autofd int probe = -1;

    if (bind (sock, address, sizeof c->monitor) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -1;
    /* left over by a controller that was killed? A living one takes the connection. */
    probe = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return -1;
    if (connect (probe, address, sizeof c->monitor) == 0 || errno != ECONNREFUSED) {
        errno = EADDRINUSE;
        return -1;
    }
    unlink (c->monitor.sun_path);
    return bind (sock, address, sizeof c->monitor);
}

static int
make_monitor_socket (Setup *s)
{
    Controller *c = s->c;
    const char *path = s->plan->monitor_path;
    autofd int sock = -1;

    if (failure_enter (s->failure, STEP_MONITOR_SOCKET, path) < 0)
        return -1;
    if (strlen (path) >= sizeof c->monitor.sun_path) {
        errno = ENAMETOOLONG;
        return failure_set (s->failure, STEP_MONITOR_SOCKET, path);
    }
    c->monitor.sun_family = AF_UNIX;
    strcpy (c->monitor.sun_path, path);
    umask (0177);
    sock = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock < 0 || monitor_bind (c, sock) < 0) {
        c->monitor.sun_path[0] = '\0';
        return failure_set (s->failure, STEP_MONITOR_SOCKET, path);
    }
    if (listen (sock, 4) < 0)
        return failure_set (s->failure, STEP_MONITOR_SOCKET, path);
    c->listener = fd_steal (&sock);
    return 0;
}

/* Before anything is forked: all that comes is counted where the limits are. In version 2 the daemon has
 * moved us already, and only us. */
static int
join_own_groups (Setup *s)
{
    const int *own = s->cgroup_fds + s->n_cgroup_fds - s->n_own_groups;

    if (failure_enter (s->failure, STEP_CGROUP_JOIN, "") < 0)
        return -1;
    if (sync_join_groups (own, s->n_own_groups) < 0)
        return failure_set (s->failure, STEP_CGROUP_JOIN, "controller");
    return 0;
}

/* Its own descriptor for each container. Without FUSE on this host, /proc/meminfo stays the host's. */
static int
open_fuse (Setup *s)
{
    Controller *c = s->c;
    bool wanted = false;

    for (u_int i = 0; i < s->plan->mounts.mounts_len; i++)
        wanted |= s->plan->mounts.mounts_val[i].kind == PLAN_MOUNT_MEMINFO;
    if (!wanted || c->memory_group < 0)
        return 0;
    c->root = builder_root (s->plan);
    c->fuse = open ("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (c->fuse < 0 && errno != ENOENT && errno != ENODEV && errno != ENXIO)
        return failure_set (s->failure, STEP_MOUNT, "/dev/fuse");
    if (c->fuse < 0)
        dprintf (STDERR_FILENO, "skep-controller: no /dev/fuse: /proc/meminfo is the host's\n");
    return 0;
}

static void
close_groups (Setup *s)
{
    while (s->n_cgroup_fds > 0)
        close (s->cgroup_fds[--s->n_cgroup_fds]);
}

static int
start_builder (Setup *s)
{
    int builder[2], child[2];

    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, builder) < 0)
        return failure_set (s->failure, STEP_BUILDER, "");
    s->builder = builder[0];
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, child) < 0) {
        close (builder[1]);
        return failure_set (s->failure, STEP_BUILDER, "");
    }
    s->child = child[0];
    s->builder_pid = fork ();
    if (s->builder_pid == 0) {
        /* our ends, or the sockets would never see an end of file */
        close (s->start);
        close (builder[0]);
        close (child[0]);
        close (s->c->listener);
        builder_main (s->plan, builder[1], child[1], &s->groups, s->c->fuse);
    }
    close (builder[1]);
    close (child[1]);
    if (s->builder_pid < 0)
        return failure_set (s->failure, STEP_BUILDER, "");
    return 0;
}

static uint64_t
pid_namespace_inode (pid_t pid)
{
    char path[64];
    struct stat st;

    snprintf (path, sizeof path, "/proc/%d/ns/pid", (int) pid);
    return stat (path, &st) == 0 ? st.st_ino : 0;
}

static int
prepare_consoles (Setup *s)
{
    Controller *c = s->c;

    if (s->n_masters == 0)
        return 0;
    c->consoles = mmap (NULL, s->n_masters * sizeof *c->consoles, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c->consoles == MAP_FAILED) {
        c->consoles = NULL;
        return failure_set (s->failure, STEP_CONSOLE, "buffer");
    }
    for (unsigned i = 0; i < s->n_masters; i++) {
        const plan_console *plan = &s->plan->consoles.consoles_val[i];

        if (console_prepare (&c->consoles[i], plan, s->masters[i]) < 0)
            return failure_set (s->failure, STEP_CONSOLE, plan->alias);
        c->n_consoles++;
    }
    return 0;
}

static void
reap (pid_t *pid)
{
    while (*pid > 0 && waitpid (*pid, NULL, 0) < 0 && errno == EINTR)
        ;
    *pid = 0;
}

/* The order is the design; monitor.h and sync.h say who waits for whom. */
static int
run_steps (Setup *s)
{
    Controller *c = s->c;

    if (make_monitor_socket (s) < 0
        || tell_daemon (s, MONITOR_HELLO, MONITOR_VERSION, (uint64_t) getpid ()) < 0
        || failure_enter (s->failure, STEP_CGROUP, "") < 0
        || wait_for (s, &s->cgroup_given, "the daemon's cgroup") < 0
        || join_own_groups (s) < 0
        || open_fuse (s) < 0
        || start_builder (s) < 0)
        return -1;
    close_groups (s);
    if (wait_for (s, &s->cloned, "the clone") < 0)
        return -1;
    if (prepare_child (s) < 0)
        return -1;
    c->pid_namespace = pid_namespace_inode (c->init);
    if (sync_send (s->child, SYNC_ENTER, 0, NULL, 0) < 0)
        return peer_died (s, "the container's init");
    /* the builder's part runs beside the child's, and the daemon's beside both */
    if (sync_send (s->builder, SYNC_BUILD, 0, NULL, 0) < 0)
        return peer_died (s, "the builder");
    if (tell_daemon (s, MONITOR_INIT, (uint64_t) c->init, c->pid_namespace) < 0
        || wait_for (s, &s->entered, "the container's namespaces") < 0)
        return -1;
    if (sync_send (s->builder, SYNC_ENTERED, 0, NULL, 0) < 0)
        return peer_died (s, "the builder");
    /* both words, in whichever order: an unknown second half could not be waited for */
    if (wait_for (s, &s->built, "the mount tree") < 0
        || wait_for (s, &s->building, "the builder") < 0)
        return -1;
    /* both are gone before anything of the container's runs: no process with the host's credentials
     * is ever seen in the container's /proc (attacks A01, A36) */
    reap (&s->builder_pid);
    reap (&s->second_pid);
    if (prepare_consoles (s) < 0 || wait_for (s, &s->continued, "the daemon's CONTINUE") < 0)
        return -1;
    if (sync_send (s->child, SYNC_FINISH, 0, NULL, 0) < 0)
        return peer_died (s, "the container's init");
    if (wait_for (s, &s->ready, "the container's child") < 0
        || tell_daemon (s, MONITOR_READY, 0, 0) < 0
        || wait_for (s, &s->executed, "execve") < 0)
        return -1;
    c->started = clock_ms ();
    return tell_daemon (s, MONITOR_EXECED, 0, 0);
}

/* Kills and waits for whatever was begun, takes back the monitor socket. */
static void
abandon (Setup *s)
{
    Controller *c = s->c;

    if (s->builder_pid > 0)
        kill (s->builder_pid, SIGKILL);
    reap (&s->builder_pid);
    /* what the builder had begun before it died lies in its socket */
    if (s->builder >= 0) {
        Failure ignored = { .step = STEP_NONE };
        Failure *kept = s->failure;

        s->failure = &ignored;
        (void) fcntl (s->builder, F_SETFL, O_NONBLOCK);
        while (s->builder >= 0 && take_builder_packet (s) == 0)
            ;
        s->failure = kept;
    }
    /* end of file for a child whose number we never learned */
    fd_close (&s->child);
    if (s->cloned && c->init > 0)
        (void) pidfd_signal (c->pidfd, SIGKILL);
    /* Everybody, in any order: the first process of a pid namespace is gone only when all others in it
     * are, and waited for, and the builder's second half is one of them. */
    while (waitpid (-1, NULL, 0) > 0 || errno == EINTR)
        ;
    c->init = 0;
    fd_close (&c->pidfd);
    fd_close (&c->tree);
    for (unsigned i = 0; i < s->n_masters; i++)
        close (s->masters[i]);
    fd_close (&c->listener);
    if (c->monitor.sun_path[0])
        unlink (c->monitor.sun_path);
}

int
setup_run (Controller *c, const launch_plan *plan, int start, Failure *failure)
{
    Setup s = {
        .c = c, .plan = plan, .failure = failure, .start = start, .builder = -1, .child = -1,
    };
    int result;

    s.deadline = clock_ms () + (plan->start_deadline ? plan->start_deadline
                                                     : START_DEADLINE_DEFAULT);
    result = run_steps (&s);
    if (result < 0)
        abandon (&s);
    fd_close (&s.builder);
    fd_close (&s.child);
    return result;
}
