/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop of a running container: init's pidfd, one daemon, the consoles. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/controller.h"
#include "util/fd.h"

#define EVENTS_MAX 16
#define EXIT_WAIT_DEFAULT 10000
#define REST_AFTER_MS 1000
#define HELD_FD_LIMIT 1024     /* the usual limit of descriptors */
#define PAGE 4096
#define STACK_SPAN (64 << 10)

int
supervise_watch (Controller *c, int fd, EventKind kind, unsigned index, uint32_t events, bool change)
{
    struct epoll_event event = {
        .events = events, .data.u64 = (uint64_t) kind << 32 | index,
    };

    return epoll_ctl (c->epoll, change ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
}

void
supervise_send (Controller *c, const MonitorPacket *packet)
{
    if (c->daemon < 0)
        return;
    /* a daemon that does not read is no daemon: never wait for it */
    if (send (c->daemon, packet, sizeof *packet, MSG_DONTWAIT | MSG_NOSIGNAL)
        != (ssize_t) sizeof *packet)
        fd_close (&c->daemon);
}

void
supervise_answer (Controller *c, uint32_t serial, int err, uint32_t flags, const char *object)
{
    MonitorPacket packet = {
        .type = err ? MONITOR_FAILED : MONITOR_DONE, .serial = serial, .err = err, .flags = flags,
    };

    snprintf (packet.object, sizeof packet.object, "%s", object);
    supervise_send (c, &packet);
}

static void
send_exit (Controller *c)
{
    if (!c->exited || c->daemon < 0)
        return;
    supervise_send (c, &c->exit);
    c->exit_sent = c->daemon >= 0;
}

static void
accept_daemon (Controller *c)
{
    MonitorPacket hello = { .type = MONITOR_HELLO, .a = MONITOR_VERSION, .b = (uint64_t) getpid () };
    MonitorPacket state = { .type = MONITOR_STATE, .a = (uint64_t) c->init, .b = c->pid_namespace };
    struct ucred peer;
    socklen_t size = sizeof peer;
    autofd int fd = accept4 (c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    /* the socket's mode says root only; a descriptor passed on is still not the daemon's */
    if (fd < 0 || getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0
        || peer.uid != geteuid ())
        return;
    /* the newer daemon wins: the older one is about to end, or already has */
    fd_close (&c->daemon);
    if (supervise_watch (c, fd, EVENT_DAEMON, 0, EPOLLIN, false) < 0)
        return;
    c->daemon = fd_steal (&fd);
    state.flags = c->exited ? MONITOR_STATE_EXITED : 0;
    supervise_send (c, &hello);
    supervise_send (c, &state);
    send_exit (c);
}

/* Loop devices come with the start (start_devices.c in the driver) or by HOLD; which one a descriptor
 * is, it says itself. */
static void
release_device (uint64_t numbers)
{
    dev_t device = makedev ((unsigned) (numbers >> 32), (unsigned) numbers);
    struct stat st;

    for (int fd = 3; fd < HELD_FD_LIMIT; fd++) {
        if (fstat (fd, &st) == 0 && S_ISBLK (st.st_mode) && st.st_rdev == device)
            close (fd);
    }
}

static int
hold_device (int fd)
{
    struct stat st;

    if (fstat (fd, &st) < 0)
        return -1;
    if (S_ISBLK (st.st_mode) && fd < HELD_FD_LIMIT)
        return 0;
    errno = EINVAL;
    return -1;
}

static void
send_tree (Controller *c, const MonitorPacket *packet, const int *fds, unsigned n)
{
    const MonitorPacket empty = { .type = MONITOR_TREE };
    int err = n != 1 ? EINVAL : c->tree < 0 ? ENOENT : 0;

    /* a socket that is full or of somebody who has gone: never waited for */
    if (!err && (fcntl (fds[0], F_SETFL, O_NONBLOCK) < 0 || fd_send (fds[0], &empty, sizeof empty, &c->tree, 1) < 0))
        err = errno;
    supervise_answer (c, packet->serial, err, 0, err ? "mount tree" : "");
}

static void
serve_request (Controller *c, const MonitorPacket *packet, int *fds, unsigned *n)
{
    switch (packet->type) {
    case MONITOR_CONSOLE:
        if (*n != 1 || c->exited || console_attach (c, packet->a < c->n_consoles
                                                    ? (unsigned) packet->a : ~0U,
                                                    fds[0], packet->flags) < 0) {
            supervise_answer (c, packet->serial, c->exited ? ESRCH : *n != 1 ? EINVAL : errno, 0,
                              "console");
            return;
        }
        *n = 0;
        supervise_answer (c, packet->serial, 0, 0, "");
        return;
    case MONITOR_STOP:
        if (!c->exited && pidfd_signal (c->pidfd, SIGKILL) < 0 && errno != ESRCH)
            supervise_answer (c, packet->serial, errno, 0, "init");
        else
            supervise_answer (c, packet->serial, 0, 0, "");
        return;
    case MONITOR_HALT:
        if (c->exited)
            supervise_answer (c, packet->serial, ESRCH, 0, "init");
        else
            halt_request (c, packet);
        return;
    case MONITOR_HOLD:
        if (*n != 1 || hold_device (fds[0]) < 0) {
            supervise_answer (c, packet->serial, *n != 1 ? EINVAL : errno, 0, "device");
            return;
        }
        *n = 0;
        supervise_answer (c, packet->serial, 0, 0, "");
        return;
    case MONITOR_RELEASE:
        release_device (packet->a);
        supervise_answer (c, packet->serial, 0, 0, "");
        return;
    case MONITOR_TREE:
        send_tree (c, packet, fds, *n);
        return;
    default:
        supervise_answer (c, packet->serial, ENOSYS, 0, "request");
    }
}

static void
daemon_event (Controller *c)
{
    MonitorPacket packet;
    int fds[FD_PASS_MAX];
    unsigned n = FD_PASS_MAX;
    ssize_t got = fd_receive (c->daemon, &packet, sizeof packet, fds, &n);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got != sizeof packet) {
        /* gone without having read EXIT: the next one must still get it */
        if (got < 0 && errno == ECONNRESET)
            c->exit_sent = false;
        while (got > 0 && n > 0)
            close (fds[--n]);
        fd_close (&c->daemon);
        return;
    }
    serve_request (c, &packet, fds, &n);
    while (n > 0)
        close (fds[--n]);
}

/* SIGHUP and SIGINT as causes of death mean reboot(2) from inside: the kernel sets them when the first
 * process of a pid namespace asks for it. A plain SIGHUP or SIGINT cannot kill that process: without a
 * handler the kernel drops it, from inside and from the host alike. */
static MonitorExit
exit_kind (int status)
{
    if (WIFSIGNALED (status) && WTERMSIG (status) == SIGHUP)
        return EXIT_REBOOT;
    if (WIFSIGNALED (status) && WTERMSIG (status) == SIGINT)
        return EXIT_POWEROFF;
    return EXIT_SHUTDOWN;
}

static void
init_ended (Controller *c)
{
    int status = 0;

    while (waitpid (c->init, &status, 0) < 0 && errno == EINTR)
        ;
    /* its namespace went with it: every process of the container is dead by now */
    c->exited = true;
    c->exit = (MonitorPacket) {
        .type = MONITOR_EXIT, .a = (uint64_t) (unsigned) status, .b = exit_kind (status),
    };
    fd_close (&c->pidfd);
    /* what was asked for has happened, maybe by our own errand whose answer lies behind this event */
    halt_end (c, 0, "");
    for (unsigned i = 0; i < c->n_consoles; i++)
        console_finish (c, i);
    send_exit (c);
}

static void
serve_event (Controller *c, const struct epoll_event *event)
{
    unsigned index = (unsigned) event->data.u64;

    switch ((EventKind) (event->data.u64 >> 32)) {
    case EVENT_INIT:
        if (!c->exited)
            init_ended (c);
        return;
    case EVENT_LISTENER:
        accept_daemon (c);
        return;
    case EVENT_DAEMON:
        if (c->daemon >= 0)
            daemon_event (c);
        return;
    case EVENT_FUSE:
        if (c->fuse >= 0)
            fuse_event (c);
        return;
    case EVENT_ERRAND:
        if (c->halt.probing)
            halt_event (c);
        return;
    case EVENT_MASTER:
        if (!c->exited)
            console_master_event (c, index, event->events);
        return;
    case EVENT_CLIENT:
        if (!c->exited)
            console_client_event (c, index / CONSOLE_CLIENTS_MAX, index % CONSOLE_CLIENTS_MAX,
                                  event->events);
        return;
    }
}

static int
next_timeout (const Controller *c, uint64_t now)
{
    int timeout = halt_timeout (c, now);

    for (unsigned i = 0; i < c->n_consoles; i++) {
        int wait = console_timeout (&c->consoles[i], now);

        if (wait >= 0 && (timeout < 0 || wait < timeout))
            timeout = wait;
    }
    return timeout;
}

/* Gives back what a sleeping controller does not need: its claim on the program's pages, which come
 * again from the page cache, and the stack below this frame, which is dead. What stays private is a
 * tenth of what the start touched. */
static void __attribute__ ((noinline))
give_back_memory (void)
{
    extern const char __executable_start[];
    const ElfW (Phdr) *headers = (const void *) getauxval (AT_PHDR);
    uintptr_t here = (uintptr_t) __builtin_frame_address (0) & ~(uintptr_t) (PAGE - 1);

    (void) madvise ((void *) (here - STACK_SPAN), STACK_SPAN - PAGE, MADV_DONTNEED);
    /* only what is never written: code and constants (not position-independent, see meson.build) */
    for (unsigned long i = 0; i < getauxval (AT_PHNUM); i++) {
        uintptr_t first = headers[i].p_vaddr & ~(uintptr_t) (PAGE - 1);

        if (headers[i].p_type == PT_LOAD && !(headers[i].p_flags & PF_W)
            && first == (uintptr_t) __executable_start)
            (void) madvise ((void *) first, headers[i].p_memsz, MADV_DONTNEED);
    }
}

/* One wait and its events: how many there were. */
static int
turn (Controller *c, int timeout)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait (c->epoll, events, EVENTS_MAX, timeout);

    for (int i = 0; i < n; i++)
        serve_event (c, &events[i]);
    return n;
}

/* Nothing of EXIT lies unread in the daemon's queue. */
static bool
exit_taken (const Controller *c)
{
    int unread = 0;

    return c->exit_sent && (c->daemon < 0 || (ioctl (c->daemon, SIOCOUTQ, &unread) == 0
                                              && unread == 0));
}

/* Stays until a daemon has read EXIT: it may be restarting just now. */
static void
deliver_exit (Controller *c)
{
    uint64_t wait = c->kill_deadline ? c->kill_deadline : EXIT_WAIT_DEFAULT;
    uint64_t deadline = clock_ms () + wait, now;
    int pause = 1;

    while (!exit_taken (c) && (now = clock_ms ()) < deadline) {
        uint64_t left = deadline - now;

        turn (c, c->exit_sent && (uint64_t) pause < left ? pause : (int) left);
        /* a sent packet is looked after often at first: the daemon waits for our end */
        pause = c->exit_sent && pause < 256 ? pause * 2 : pause;
    }
    if (!exit_taken (c) && monitor_exit_write (c->monitor.sun_path, &c->exit) < 0)
        dprintf (STDERR_FILENO, "skep-controller: the exit status cannot be kept: %s\n",
                 strerror (errno));
}

static int
watch_all (Controller *c)
{
    c->epoll = epoll_create1 (EPOLL_CLOEXEC);
    if (c->epoll < 0 || supervise_watch (c, c->pidfd, EVENT_INIT, 0, EPOLLIN, false) < 0
        || supervise_watch (c, c->listener, EVENT_LISTENER, 0, EPOLLIN, false) < 0)
        return -1;
    /* one that was not mounted after all is in error, and closed at once */
    if (c->fuse >= 0 && supervise_watch (c, c->fuse, EVENT_FUSE, 0, EPOLLIN, false) < 0)
        return -1;
    for (unsigned i = 0; i < c->n_consoles; i++) {
        /* edge-triggered: a terminal that nobody has open is hung up all the time */
        if (supervise_watch (c, c->consoles[i].master, EVENT_MASTER, i,
                             EPOLLIN | EPOLLOUT | EPOLLET, false) < 0)
            return -1;
    }
    return 0;
}

int
supervise (Controller *c)
{
    bool rested = false;

    c->daemon = -1;
    c->halt.errand = -1;
    if (watch_all (c) < 0) {
        dprintf (STDERR_FILENO, "skep-controller: epoll: %s\n", strerror (errno));
        return 1;
    }
    while (!c->exited) {
        int timeout = next_timeout (c, clock_ms ());

        /* after a quiet second, once, before a sleep without end */
        if (turn (c, timeout < 0 && !rested ? REST_AFTER_MS : timeout) == 0 && timeout < 0) {
            give_back_memory ();
            rested = true;
            continue;
        }
        rested = false;
        for (unsigned i = 0; i < c->n_consoles && !c->exited; i++) {
            console_tick (&c->consoles[i], clock_ms ());
            if (c->consoles[i].more)
                console_drain (c, i);
        }
        if (!c->exited)
            halt_tick (c, clock_ms ());
    }
    deliver_exit (c);
    unlink (c->monitor.sun_path);
    return 0;
}
