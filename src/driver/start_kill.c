/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ending the processes of a container, in stages that each have a deadline: the controller is asked
 * to kill init, whose end takes the whole pid namespace along; then the controller itself is
 * killed, whose end kills init (PDEATHSIG); then whatever is left in the guest's cgroup.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "driver/daemon.h"
#include "driver/start_private.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

#define ASKED_MS 2000           /* for the controller to end by itself */
#define RETRY_FIRST_MS 1
#define RETRY_MAX_MS 50

static gboolean
retry_now (gpointer data)
{
    Instance *instance = data;

    instance->retry = 0;
    instance_resume (instance);
    return G_SOURCE_REMOVE;
}

void
instance_retry (Instance *instance)
{
    guint ms = RETRY_FIRST_MS << MIN (instance->n_retries, 6);

    instance->n_retries++;
    if (!instance->retry)
        instance->retry = g_timeout_add (MIN (ms, RETRY_MAX_MS), retry_now, instance);
}

/* The pidfd says more than the watch, which may not have been called yet. */
gboolean
instance_controller_alive (const Instance *instance)
{
    struct pollfd p = { .fd = instance->pidfd, .events = POLLIN };

    return instance->pidfd >= 0 && poll (&p, 1, 0) == 0;
}

gboolean
instance_init_ends (const Instance *instance)
{
    return instance->exited || instance->ending || !instance_controller_alive (instance)
           || node_process_start (instance->init_pid) != instance->init_start
           || node_process_ending (instance->init_pid);
}

static void
controller_reap (Instance *instance)
{
    siginfo_t info;

    /* not our child after a daemon restart: ECHILD, and somebody else reaps it */
    if (instance->pidfd >= 0)
        waitid (P_PIDFD, (id_t) instance->pidfd, &info, WEXITED | WNOHANG);
    g_clear_pointer (&instance->pid_watch, fd_watch_free);
    fd_close (&instance->pidfd);
}

static void
controller_ended (gpointer data)
{
    Instance *instance = data;
    Domain *domain = domain_ref (instance->domain);
    GError *error = NULL;

    /* once: a pidfd stays ready */
    g_clear_pointer (&instance->pid_watch, fd_watch_free);
    /* EXIT or FAILED may lie unread in its socket: the reason comes before the end. What is read
     * there can lead to the end of the instance. */
    if (instance->start_link)
        monitor_link_drain (instance->start_link);
    if (domain->instance == instance && instance->monitor && !instance->exited)
        monitor_link_drain (instance->monitor);
    if (domain->instance == instance) {
        controller_reap (instance);
        if (instance->phase == PHASE_RUNNING) {
            instance_ended (instance);
        } else if (instance->phase == PHASE_UNDOING) {
            instance_resume (instance);
        } else if (instance->phase == PHASE_STARTING && !instance->exited) {
            /* after EXIT it ends in peace while a step (hook) still runs: the walk goes on and finds
             * the container's end */
            error_set (&error, ERR_INTERNAL, "guest failed to start: the controller died");
            instance_fail (instance, error);
        }
    }
    domain_unref (domain);
}

void
instance_watch_controller (Instance *instance, int pidfd)
{
    instance->pidfd = pidfd;
    instance->pid_watch = fd_watch_new (pidfd, controller_ended, instance);
}

static void
stop_answered (const GError *error, gpointer data)
{
    (void) error;       /* its end is what counts */
    (void) data;
}

static void
kill_controller (Instance *instance)
{
    if (pidfd_signal (instance->pidfd, SIGKILL) < 0 && errno != ESRCH)
        log_warning ("domain '%s': cannot kill its controller %d: %s", instance->domain->def->name,
                     (int) instance->pid, g_strerror (errno));
}

static gboolean
asked_too_long (gpointer data)
{
    Instance *instance = data;

    instance->retry = 0;
    if (instance_controller_alive (instance)) {
        log_warning ("domain '%s': the controller does not end by itself, killing it",
                     instance->domain->def->name);
        kill_controller (instance);
        if (instance->cgroup)
            cgroup_kill (instance->cgroup, NULL, NULL);
    }
    return G_SOURCE_REMOVE;
}

/* Once. A controller that has told of init's end is leaving anyway. One that still starts its container
 * serves no requests: its death ends whatever it has begun (PDEATHSIG). */
static void
begin_kill (Instance *instance)
{
    MonitorPacket stop = { .type = MONITOR_STOP };

    instance->kill_stage = 1;
    if (instance->monitor && !instance->start_link && !instance->exited)
        monitor_link_request (instance->monitor, &stop, -1, ASKED_MS, stop_answered, NULL);
    else if (!instance->exited)
        kill_controller (instance);
    /* the frozen must be thawed to die; killed first, so that they do nothing before that */
    if (instance->domain->state == STATE_PAUSED && instance->cgroup)
        cgroup_kill (instance->cgroup, NULL, NULL);
    if (!instance->retry)
        instance->retry = g_timeout_add (ASKED_MS, asked_too_long, instance);
}

static void
forget_links (Instance *instance)
{
    monitor_link_free (g_steal_pointer (&instance->start_link));
    monitor_link_free (g_steal_pointer (&instance->monitor));
}

/* ---- what outlives the controller; in a task when a guest made very many groups */

static gpointer
many_kill (gpointer data, GError **error)
{
    (void) error;
    return GINT_TO_POINTER (cgroup_kill_many (data));
}

static void
many_killed (gpointer result, GError *error, gpointer data)
{
    Instance *instance = instance_redeem (data);

    (void) error;
    if (!instance)
        return;
    instance->emptied = GPOINTER_TO_INT (result);
    instance_retry (instance);
}

static StepResult
end_group (Instance *instance)
{
    gboolean many = FALSE;

    if (!instance->cgroup || instance->emptied || !cgroup_populated (instance->cgroup, &many))
        return STEP_DONE;
    if (!many)
        cgroup_kill (instance->cgroup, &many, NULL);
    if (many)
        task_run (many_kill, cgroup_copy (instance->cgroup), (GDestroyNotify) cgroup_free, many_killed,
                  instance_ticket (instance));
    else
        instance_retry (instance);
    return STEP_WAIT;
}

StepResult
instance_end_processes (Instance *instance)
{
    if (instance_controller_alive (instance)) {
        if (instance->kill_stage == 0)
            begin_kill (instance);
        return STEP_WAIT;
    }
    controller_reap (instance);
    forget_links (instance);
    if (instance->kill_stage == 1 && instance->retry) {
        g_source_remove (instance->retry);      /* asked_too_long() */
        instance->retry = 0;
    }
    instance->kill_stage = 2;
    return end_group (instance);
}
