/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plays the daemon for skep-controller: writes plans, answers the start, reads the consoles. */
#pragma once

#include <glib.h>

#include "plan/monitor.h"
#include "plan/plan.h"

typedef struct {
    char *dir;              /* everything of one test lies below */
    char *root;             /* the container's root directory */
    launch_plan plan;
    GArray *mounts, *nodes, *consoles, *argv, *env, *pass_fds;
    gboolean mapped;        /* with a user namespace: 0 -> 100000 count 65536 */
    char *fault;            /* SKEP_TEST_FAULT of the controller */
    const char *program;    /* of the controller, NULL: the installed one */
    int v2_fd, v1_fd;       /* directory and `tasks` of init's groups, -1 none */
    int own_v1_fd;          /* `tasks` of the controller's group, -1 none */
    char *mountinfo;        /* of the host, before */
} Box;

typedef struct {
    pid_t controller;
    int start;              /* our end of the start socket, -1 closed */
    MonitorPacket last;     /* EXECED, or FAILED, or type 0 for end of file */
    pid_t init;
    guint64 elapsed_us;     /* spawn to EXECED */
} Run;

typedef struct {
    const char *name;
    void (*run) (gconstpointer mapped);     /* not NULL: with a user namespace */
} BoxTest;

/* Before anything else: namespaces of the test's own, and the duty of reaping every orphan. Without
 * root's rights the program ends as skipped, under MUST_WORK as failed. */
void private_namespaces (void);
/* main() of a test program: each test privileged and mapped, as /@suite/NAME/WAY. */
int box_tests_run (int argc, char **argv, const char *suite, const BoxTest *tests, gsize n_tests);

Box *box_new (gboolean mapped);
void box_free (Box *box);           /* also asserts that nothing is left of it */
/* Everything a usual container has: proc, sys, masks, /dev, devpts, console. */
void box_standard (Box *box);
void box_mount (Box *box, plan_mount_kind kind, const char *source, const char *target,
                const char *fstype, const char *options, unsigned flags);
void box_init (Box *box, const char *first, ...) G_GNUC_NULL_TERMINATED;
void box_env (Box *box, const char *entry);
char *box_path (Box *box, const char *name);
/* Makes /tmp/go, for a guest that waits for it: "until=/tmp/go". */
void box_go (Box *box);
/* Points box->plan at what has been added. */
void box_fill_plan (Box *box);

/* Starts up to EXECED or FAILED. @stop_at: monitor packet type after which the start socket is closed
 * (0: never): one that comes, at once, or one that we send, 100 ms after it. */
Run box_start (Box *box, unsigned stop_at);
void box_expect_running (Box *box, Run *run);
void box_expect_failed (Box *box, unsigned step, int err, const char *object);
/* Connects to the monitor, checks HELLO and STATE. */
int monitor_connect (Box *box, MonitorPacket *ret_state);
/* The same of a controller that may be about to end: -1 where it is. */
int monitor_try_connect (Box *box, MonitorPacket *ret_state);
MonitorPacket monitor_ask (int monitor, MonitorPacket request, const int *fd);
MonitorPacket monitor_next (int monitor);
/* A console client; and its text until @marker or 5 s. */
int console_open (int monitor, unsigned index, unsigned flags);
char *console_until (int fd, const char *marker);
/* All a container prints on console 0 until init ends; returns EXIT in *ret_exit (may be NULL). */
char *box_output (Box *box, MonitorPacket *ret_exit);
void run_stop (Box *box, Run *run);
void run_wait (Run *run);
