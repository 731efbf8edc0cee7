/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Orderly stop and reboot, by the kind of init:
 *
 *   kind of init                             power off              reboot
 *   systemd (comm, or /run/systemd/system)   SIGRTMIN+3             SIGRTMIN+5
 *   one that reads an initctl fifo           runlevel 0             runlevel 6
 *   busybox init (takes USR1, USR2, TERM)    SIGUSR2                SIGTERM
 *   another program called init              SIGPWR, else SIGTERM   SIGINT
 *   any other program                        SIGTERM, else SIGPWR   none: EOPNOTSUPP
 *
 * The kernel drops a signal to the first process of a pid namespace unless that process catches it or
 * holds it blocked (for signalfd or sigtimedwait). So a signal is sent only when init takes it; an init that
 * is still booting gets it as soon as it does, for HALT_QUEUE_MS. A program that never takes any
 * cannot be stopped in order: after that time the request is answered with EOPNOTSUPP at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/controller.h"
#include "controller/errand.h"
#include "util/fd.h"

#define HALT_QUEUE_MS 10000
#define HALT_FIRST_DELAY 20
#define HALT_MAX_DELAY 500
#define ERRAND_MS 2000

#define SIGNAL_BIT(n) (1ULL << ((n) - 1))

static bool
halt_is_reboot (const Halt *halt)
{
    return halt->kind == HALT_AUTO_REBOOT || halt->kind == HALT_INITCTL_REBOOT;
}

static ssize_t
read_proc (pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    autofd int fd = -1;
    ssize_t n;

    snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, name);
    fd = open (path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read (fd, text, size - 1) : -1;
    text[n > 0 ? n : 0] = '\0';
    return n;
}

static uint64_t
status_mask (const char *status, const char *field)
{
    const char *at = strstr (status, field);

    return at ? strtoull (at + strlen (field), NULL, 16) : 0;
}

/* Signals that init takes: caught, or blocked and thus kept for it. */
static uint64_t
init_takes (pid_t init)
{
    char status[4096];

    if (read_proc (init, "status", status, sizeof status) <= 0)
        return 0;
    return status_mask (status, "\nSigCgt:\t") | status_mask (status, "\nSigBlk:\t");
}

static int
first_taken (uint64_t taken, int first, int second)
{
    if (taken & SIGNAL_BIT (first))
        return first;
    return second && (taken & SIGNAL_BIT (second)) ? second : 0;
}

/* The signal to send now, or 0 while init takes none that means it. The name is the container's own
 * word: it only decides which signal its own init gets. */
static int
choose_signal (const Controller *c, bool systemd, uint64_t waited)
{
    const uint64_t busybox = SIGNAL_BIT (SIGUSR1) | SIGNAL_BIT (SIGUSR2) | SIGNAL_BIT (SIGTERM);
    bool reboot = halt_is_reboot (&c->halt);
    uint64_t taken = init_takes (c->init) | waited;
    char name[32];

    if (c->halt.kind == HALT_SIGNAL)
        return c->halt.signal == SIGKILL ? SIGKILL : first_taken (taken, c->halt.signal, 0);
    (void) read_proc (c->init, "comm", name, sizeof name);
    if (systemd || strcmp (name, "systemd\n") == 0)
        return first_taken (taken, SIGRTMIN + (reboot ? 5 : 3), 0);
    if (strcmp (name, "init\n") == 0 && (taken & busybox) == busybox)
        return reboot ? SIGTERM : SIGUSR2;
    if (strcmp (name, "init\n") == 0 || strcmp (name, "openrc-init\n") == 0)
        return reboot ? first_taken (taken, SIGINT, 0) : first_taken (taken, SIGPWR, SIGTERM);
    return reboot ? 0 : first_taken (taken, SIGTERM, SIGPWR);
}

static void
halt_answer (Controller *c, int err, uint32_t flags, const char *object)
{
    if (!c->halt.answered)
        supervise_answer (c, c->halt.serial, err, flags, object);
    c->halt.answered = true;
}

static void
errand_end (Controller *c)
{
    Halt *halt = &c->halt;

    if (halt->errand_pid > 0) {
        /* our unreaped child: the number is still its */
        kill (halt->errand_pid, SIGKILL);
        while (waitpid (halt->errand_pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    halt->errand_pid = 0;
    fd_close (&halt->errand);
    halt->probing = false;
}

void
halt_end (Controller *c, int err, const char *object)
{
    if (!c->halt.active)
        return;
    errand_end (c);
    halt_answer (c, err, 0, object);
    c->halt.active = false;
}

/* Whoever asked was told "queued": the daemon has to know that nothing comes of it. */
static void
give_up (Controller *c, const char *why)
{
    MonitorPacket packet = { .type = MONITOR_GAVE_UP };

    snprintf (packet.object, sizeof packet.object, "%s", why);
    supervise_send (c, &packet);
    if (c->daemon < 0)
        dprintf (STDERR_FILENO, "skep-controller: %s; given up\n", why);
}

/* No way now: an init that is still young gets time, another is what it is. */
static void
halt_later (Controller *c, uint64_t now)
{
    Halt *halt = &c->halt;
    const char *why = halt->kind == HALT_SIGNAL ? "init does not take that signal"
                      : halt_is_reboot (halt)   ? "init takes no signal for a reboot"
                                                : "init takes no signal for a shutdown";

    if (now < halt->deadline) {
        halt_answer (c, 0, MONITOR_DONE_QUEUED, "");
        halt->next = now + halt->delay;
        halt->delay = halt->delay * 2 > HALT_MAX_DELAY ? HALT_MAX_DELAY : halt->delay * 2;
        return;
    }
    if (halt->answered)
        give_up (c, why);
    halt_answer (c, EOPNOTSUPP, 0, why);
    halt->active = false;
}

static void
halt_signal (Controller *c, bool systemd, uint64_t waited)
{
    int number = choose_signal (c, systemd, waited);

    if (number == 0) {
        halt_later (c, clock_ms ());
        return;
    }
    if (pidfd_signal (c->pidfd, number) < 0)
        halt_answer (c, errno, 0, "signal");
    else
        halt_answer (c, 0, 0, "");
    c->halt.active = false;
}

static void __attribute__ ((noreturn))
errand_main (const Controller *c, int sock)
{
    ErrandHalt errand = {
        .pidfd = c->pidfd, .pid = c->init, .has_userns = c->has_userns,
        .look_for_systemd = c->halt.kind == HALT_AUTO_POWEROFF || c->halt.kind == HALT_AUTO_REBOOT,
        .runlevel = c->halt.kind == HALT_SIGNAL ? '\0' : halt_is_reboot (&c->halt) ? '6' : '0',
    };
    MonitorPacket answer;

    errand_halt (&errand, &answer);
    (void) fd_send (sock, &answer, sizeof answer, NULL, 0);
    _exit (0);
}

static void
halt_probe (Controller *c)
{
    Halt *halt = &c->halt;
    int pair[2];

    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        halt_signal (c, false, 0);
        return;
    }
    halt->errand_pid = fork ();
    if (halt->errand_pid == 0)
        errand_main (c, pair[1]);
    close (pair[1]);
    halt->errand = pair[0];
    halt->errand_deadline = clock_ms () + ERRAND_MS;
    halt->probing = true;
    if (halt->errand_pid < 0 || supervise_watch (c, pair[0], EVENT_ERRAND, 0, EPOLLIN, false) < 0) {
        errand_end (c);
        halt_signal (c, false, 0);
    }
}

void
halt_event (Controller *c)
{
    MonitorPacket answer;
    unsigned n_fds = 0;
    bool only = c->halt.kind == HALT_INITCTL_POWEROFF || c->halt.kind == HALT_INITCTL_REBOOT;
    bool good = fd_receive (c->halt.errand, &answer, sizeof answer, NULL, &n_fds) == sizeof answer;

    if (!good) {
        memset (&answer, 0, sizeof answer);
    }
    errand_end (c);
    if (answer.type == MONITOR_DONE && (answer.flags & ERRAND_WROTE_INITCTL)) {
        halt_answer (c, 0, 0, "");
        c->halt.active = false;
    } else if (only) {
        halt_answer (c, EOPNOTSUPP, 0, "init reads no initctl fifo");
        c->halt.active = false;
    } else {
        halt_signal (c, answer.flags & ERRAND_FOUND_SYSTEMD, answer.b);
    }
}

void
halt_request (Controller *c, const MonitorPacket *packet)
{
    Halt *halt = &c->halt;
    uint64_t now = clock_ms ();

    if (packet->a >= HALT_LAST
        || (packet->a == HALT_SIGNAL && (packet->b == 0 || packet->b >= NSIG))) {
        supervise_answer (c, packet->serial, EINVAL, 0, "halt");
        return;
    }
    /* a newer request takes the place of one that still waits */
    halt_end (c, ECANCELED, "a newer request came");
    *halt = (Halt) {
        .active = true, .kind = (HaltKind) packet->a, .signal = (int) packet->b,
        .serial = packet->serial, .delay = HALT_FIRST_DELAY, .errand = -1,
        /* counted from init's start: an old one that takes no signal never will */
        .deadline = c->started + HALT_QUEUE_MS, .next = now,
    };
    halt_probe (c);
}

int
halt_timeout (const Controller *c, uint64_t now)
{
    uint64_t at = c->halt.probing ? c->halt.errand_deadline : c->halt.next;

    if (!c->halt.active)
        return -1;
    return at > now ? (int) (at - now) : 0;
}

void
halt_tick (Controller *c, uint64_t now)
{
    Halt *halt = &c->halt;

    if (!halt->active)
        return;
    if (halt->probing) {
        /* stuck on something of the container's: do without it */
        if (now >= halt->errand_deadline) {
            errand_end (c);
            halt_signal (c, false, 0);
        }
    } else if (now >= halt->next) {
        halt_probe (c);
    }
}
