/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What exists of a domain only from the begin of a start to the end of its clean-up: processes,
 * sockets, cgroups, and where the table of start steps stands. Owned by its domain; start.c makes
 * and frees it.
 */
#pragma once

#include <sys/types.h>

#include "driver/domains.h"
#include "driver/fd_watch.h"
#include "driver/monitor_link.h"
#include "driver/plan_facts.h"
#include "driver/start.h"
#include "host/cgroup.h"

typedef struct OomWatch OomWatch;   /* oom_watch.h */

typedef enum { STEP_FAILED, STEP_DONE, STEP_WAIT } StepResult;

/*
 * One step of a start. @run is called once; after STEP_WAIT somebody calls instance_resume() or
 * instance_fail(). @undo is called for every step that has begun, also for one that failed halfway,
 * and also by a later daemon that knows only the status file: so it is idempotent and takes nothing
 * for granted. After STEP_WAIT it is called again on instance_resume(), until it answers STEP_DONE.
 */
typedef struct {
    guint bit;                  /* in the status file: never used for another step in later versions */
    const char *name;
    gboolean lasting;           /* leaves something behind when the daemon dies: saved before it runs */
    guint deadline_ms;          /* of one wait in @run; 0: settings->start_deadline */
    gboolean (*needed) (Instance *instance);    /* NULL: always. FALSE: neither run nor undone */
    StepResult (*run) (Instance *instance, GError **error);
    StepResult (*undo) (Instance *instance);    /* NULL: nothing to undo */
} StartStep;

extern const StartStep start_steps[];
extern const guint n_start_steps;

typedef enum { PHASE_STARTING, PHASE_RUNNING, PHASE_UNDOING, PHASE_KEPT } InstancePhase;

typedef struct IdsWork IdsWork;
typedef struct DeviceWork DeviceWork;

typedef enum { HALT_NONE, HALT_SHUTDOWN_ASKED, HALT_REBOOT_ASKED } HaltAsked;

struct Instance {
    Domain *domain;             /* a reference */
    guint64 serial;             /* never used twice, as the address may be */
    InstancePhase phase;
    gboolean rebooting;         /* this start continues a domain that is running for its clients */
    gboolean readopted;         /* made by an earlier daemon */

    /* the walk over start_steps[] */
    guint step;                 /* now running or undone */
    guint64 begun;              /* bits of steps */
    gboolean waiting;
    gboolean in_step, early;    /* inside a step's function; resumed before it had answered */
    guint deadline;             /* source id */
    guint tickets;              /* callbacks of tasks that have not come back */
    guint ticket;               /* number of the wait that a ticket is good for */
    gboolean dead;              /* freed but for its tickets */
    GError *error;              /* why the start failed */
    void (*walked) (Instance *instance);    /* end of the walk, either way */
    InstanceDone done;          /* of the start */
    gpointer done_data;
    GSList *stop_waiters;       /* of StopWaiter, start.c */
    gboolean destroyed;         /* by a client: the end is not init's */
    gboolean ending;            /* an unasked-for end is being handled */

    gboolean autodestroy;
    guint64 client_id;
    int *fds;                   /* passed to init, owned */
    guint n_fds;

    /* what the steps made */
    PlanFacts *facts;           /* until the start is over */
    GPtrArray *notes;           /* of NameValue, in the status file: what undo needs to know */
    char *label_options;
    gboolean links_making;      /* a task makes them: their undo waits for its end */
    gboolean labels_loading;    /* a task loads them into the kernel: their undo waits for its end */
    GArray *images;             /* of int: loop and nbd devices, kept open until the controller has them */
    DeviceWork *devices;        /* start_devices.c */
    GPtrArray *attaching;       /* of NbdServers, borrowed: of images that come while it runs */
    IdsWork *ids;               /* start_ids.c */
    int log_fd;
    GArray *console_logs;       /* of int, -1 none: until the controller has them; NULL: none has one */
    pid_t pid;                  /* the controller */
    guint64 pid_start;
    int pidfd;
    FdWatch *pid_watch;
    MonitorLink *start_link;    /* until EXECED */
    MonitorLink *monitor;
    pid_t init_pid;
    guint64 init_start;
    guint64 pid_namespace;
    int netns;                  /* while network devices of the host's are inside, -1 none: links_return.c */
    DomainDef *coming;          /* with one that may be inside already, though the live definition has it not; NULL */
    guint64 coming_identity;
    Cgroup *cgroup;
    GPtrArray *frozen;          /* file systems, frozen.h; NULL none */
    GSList *trims;              /* of Trim, trim.h */
    guint thaw_timer;           /* source id */
    guint thawing;              /* tasks that thaw */
    guint writers;              /* tasks that write limits: the group cannot be removed before */
    OomWatch *oom;              /* while it runs; NULL where the kernel cannot tell */
    guint64 start_time;         /* CLOCK_REALTIME us */
    guint kill_stage;           /* of the escalation in start_kill.c */
    gboolean emptied;           /* no process is left in its group, as a task has found */
    guint retry;                /* source id */
    guint reconnect;            /* source id: the monitor socket was lost */
    guint n_retries;

    /* the end */
    Job *end_job;               /* of an end that no client asked for */
    guint end_event;            /* LifeEvent */
    gboolean restart;
    InstanceDone reset_done;    /* of a reset, which is an end and a start; NULL none */
    gpointer reset_data;
    HaltAsked halt;
    gboolean exited;            /* EXIT came */
    int exit_status;            /* wait status of init */
    guint exit_kind;            /* MonitorExit */
};

Instance *instance_new (Domain *domain);
void instance_free (Instance *instance);

/* Runs the steps from the first on; @walked at the end: all done, or all undone with
 * instance->error. */
void instance_run (Instance *instance, void (*walked) (Instance *instance));
/* Undoes every step that has begun, last first. */
void instance_undo (Instance *instance, void (*walked) (Instance *instance));
/* The step or undo that answered STEP_WAIT can go on. From a callback of the main loop only. */
void instance_resume (Instance *instance);
/* The step that waits has failed. Takes @error. Ignored when nothing waits in a start. */
void instance_fail (Instance *instance, GError *error);

/* For callbacks that may come after their step was given up: instance_ticket() before the work
 * begins, instance_redeem() first thing in the callback. NULL: nobody waits for it any more. */
typedef struct InstanceTicket InstanceTicket;
InstanceTicket *instance_ticket (Instance *instance);
Instance *instance_redeem (InstanceTicket *ticket);

/* Notes are saved with the status. The value is NULL when there is no such note. */
const char *instance_note (const Instance *instance, const char *name);
void instance_set_note (Instance *instance, const char *name, const char *value);    /* NULL removes */
#define NOTE_DESTROY "destroy"      /* a client has asked for the end: a later daemon goes on with it */
#define NOTE_RESTART "restart"      /* it is to run again after its end: the same */
#define NOTE_MACVLANS "macvlans"    /* on the host still, blank separated: until INIT */

/* The status file's content. Its def is the domain's: set it to NULL before
 * domain_status_free(). */
DomainStatus *instance_status (Domain *domain);
/* Fills the parts of an instance that a status file keeps; for re-adoption. */
void instance_restore (Instance *instance, const DomainStatus *status);

/* One line into the domain's own log. */
void instance_log (Instance *instance, const char *format, ...) G_GNUC_PRINTF (2, 3);
