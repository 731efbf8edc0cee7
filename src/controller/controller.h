/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The controller's own state. One thread, one epoll loop, no heap after the start. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "controller/failure.h"
#include "controller/path.h"
#include "plan/plan.h"

#define CONSOLE_CLIENTS_MAX 8
#define CONSOLE_RING_DEFAULT (64U << 10)
#define CONSOLE_LOG_DEFAULT (2U << 20)

/* What an epoll event is about: kind in the upper half, index in the lower. */
typedef enum {
    EVENT_INIT = 1,     /* init's pidfd: it ended */
    EVENT_LISTENER,
    EVENT_DAEMON,
    EVENT_FUSE,         /* somebody reads /proc/meminfo */
    EVENT_ERRAND,       /* answer of a process sent into the container */
    EVENT_MASTER,       /* index: console */
    EVENT_CLIENT,       /* index: console * CONSOLE_CLIENTS_MAX + slot */
} EventKind;

typedef struct {
    int fd;             /* -1: free */
    uint64_t position;  /* of the next byte for it, counted from the console's first byte ever */
    uint32_t events;    /* what epoll is asked for */
    uint64_t moved;     /* ms, when it last took something */
    bool left_behind;   /* nobody waits for it: it loses the oldest bytes, until it has caught up */
} ConsoleClient;

typedef struct {
    int master;
    char *ring;                 /* @size bytes, touched only as far as written */
    size_t size;
    uint64_t head;              /* bytes ever read from the container */
    bool more;                  /* reading stopped before the master was empty */
    bool held;                  /* it stopped because a client has not taken what the ring is full of */
    unsigned input_length;      /* from clients, not yet taken by the terminal */
    char input[256];
    ConsoleClient clients[CONSOLE_CLIENTS_MAX];
    int log_fd;                 /* -1: no log */
    uint64_t log_size, log_max;
    char *log_path;
} Console;

/* An orderly stop that waits for its errand or for init to listen. */
typedef struct {
    bool active, probing, answered;
    HaltKind kind;
    int signal;                 /* of HALT_SIGNAL */
    uint32_t serial;
    uint64_t deadline, next;    /* ms; next try while not probing */
    unsigned delay;             /* ms between tries */
    int errand;                 /* socket of the process in the container, -1 none */
    pid_t errand_pid;
    uint64_t errand_deadline;
} Halt;

typedef struct {
    struct sockaddr_un monitor;
    unsigned kill_deadline;     /* ms that EXIT waits for a daemon */
    bool has_userns;
    RootOwner root;
    int fuse;                   /* of /proc/meminfo, -1: it is the host's */
    int tree;                   /* the builder's mount namespace (builder.c), -1: not kept */
    int memory_group;           /* directory, -1 none */
    bool memory_v2;
    int epoll, listener, daemon;
    pid_t init;
    int pidfd;
    uint64_t pid_namespace;     /* inode */
    uint64_t started;           /* ms, CLOCK_MONOTONIC */
    bool exited, exit_sent;
    MonitorPacket exit;
    unsigned n_consoles;
    Console *consoles;
    Halt halt;
} Controller;

uint64_t clock_ms (void);

/* setup.c: makes the container. 0: init runs and the daemon was told EXECED. -1: nothing is left but
 * @failure, which the caller reports. Fills monitor, listener, init, pidfd, consoles. */
int setup_run (Controller *c, const launch_plan *plan, int start, Failure *failure);

/* supervise.c: from EXECED to the end of init. Exit status of the controller. */
int supervise (Controller *c);
int supervise_watch (Controller *c, int fd, EventKind kind, unsigned index, uint32_t events,
                     bool change);
/* Sends to the daemon if one is there; drops one that does not read. */
void supervise_send (Controller *c, const MonitorPacket *packet);
void supervise_answer (Controller *c, uint32_t serial, int err, uint32_t flags, const char *object);

/* console.c */
int console_prepare (Console *console, const plan_console *plan, int master);
void console_drain (Controller *c, unsigned index);             /* bounded: sets ->more and ->held */
void console_tick (Console *console, uint64_t now);             /* who is stuck is waited for no longer */
int console_timeout (const Console *console, uint64_t now);     /* ms to the next drain or tick, -1 none */
void console_master_event (Controller *c, unsigned index, uint32_t events);
void console_client_event (Controller *c, unsigned index, unsigned slot, uint32_t events);
int console_attach (Controller *c, unsigned index, int fd, uint32_t flags);    /* takes fd on 0 */
void console_finish (Controller *c, unsigned index);            /* last bytes, then all clients go */

/* fuse.c: serves /proc/meminfo */
void fuse_event (Controller *c);

/* halt.c */
void halt_request (Controller *c, const MonitorPacket *packet);
void halt_event (Controller *c);                /* the errand answered */
void halt_tick (Controller *c, uint64_t now);
int halt_timeout (const Controller *c, uint64_t now);   /* ms to the next tick, -1 none */
/* Answers a request that still waits and forgets it. */
void halt_end (Controller *c, int err, const char *object);
