/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What clients ask of containers: start, destroy, orderly halt, console. */
#include "driver/start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver/daemon.h"
#include "driver/oom_watch.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "security/audit.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/text.h"

#define REQUEST_MS 10000

/* ---- start */

static void
drop_passed_fds (Instance *instance)
{
    for (guint i = 0; i < instance->n_fds; i++)
        fd_close (&instance->fds[i]);
    instance->n_fds = 0;
}

void
instance_started (Instance *instance, LifeEvent event)
{
    Domain *domain = instance->domain;

    instance->phase = PHASE_RUNNING;
    instance->rebooting = FALSE;
    instance_set_note (instance, NOTE_RESTART, NULL);
    oom_watch_begin (instance, TRUE);
    drop_passed_fds (instance);
    /* the controller has them: what it releases is to go */
    g_clear_pointer (&instance->images, g_array_unref);
    g_clear_pointer (&domain->last_error, g_free);
    lifecycle_apply (domain, event);
    audit_init (domain->def, instance->pid, instance->init_pid, instance->pid_namespace);
    instance_log (instance, "running, init is process %d", (int) instance->init_pid);
    g_clear_pointer (&instance->facts, plan_facts_free);
}

static void
start_walked (Instance *instance)
{
    Domain *domain = domain_ref (instance->domain);
    InstanceDone done = instance->done;
    gpointer data = instance->done_data;
    g_autoptr (GError) error = g_steal_pointer (&instance->error);
    GSList *waiters = NULL;

    if (error) {
        instance_log (instance, "start failed: %s", error->message);
        waiters = g_steal_pointer (&instance->stop_waiters);
        text_replace (&domain->last_error, error->message);
        domain->instance = NULL;
        instance_free (instance);
        lifecycle_apply (domain, LIFE_START_FAILED);
    } else {
        instance_started (instance, LIFE_STARTED);
    }
    done (domain, error, data);
    stop_waiters_answer (waiters, domain);
    /* init may have ended before the start was over */
    if (!error && domain->instance == instance && instance->exited)
        instance_ended (instance);
    domain_unref (domain);
}

/* The container gets a copy, which a later define does not touch; a transient domain has no
 * other. */
static void
install_live_def (Domain *domain, DomainDef *given)
{
    DomainDef *old = domain->def;

    if (!given && !domain->persistent)
        return;
    domain_list_set_def (daemon_state.domains, domain, given ? given : domain_def_copy (old));
    if (domain->persistent)
        domain->next = old;
    else
        domain_def_free (old);
}

void
domain_start (Domain *domain, const StartOptions *options, InstanceDone done, gpointer data)
{
    Instance *instance;

    if (domain->instance) {
        g_autoptr (GError) error = NULL;

        error_set (&error, ERR_OPERATION_INVALID, "Domain is already running");
        if (options->def)
            domain_def_free (options->def);
        done (domain, error, data);
        return;
    }
    instance = instance_new (domain);
    install_live_def (domain, options->def);
    instance->autodestroy = options->autodestroy;
    instance->client_id = options->client_id;
    instance->fds = g_new0 (int, options->n_fds + 1);
    for (guint i = 0; i < options->n_fds; i++) {
        instance->fds[i] = fcntl (options->fds[i], F_DUPFD_CLOEXEC, 3);
        instance->n_fds++;
    }
    instance->done = done;
    instance->done_data = data;
    domain->instance = instance;
    domain->last_exit = -1;
    instance_run (instance, start_walked);
}

/* ---- destroy */

void
stop_waiters_answer (GSList *waiters, Domain *domain)
{
    for (GSList *l = waiters; l; l = l->next) {
        StopWaiter *waiter = l->data;

        waiter->done (domain, NULL, waiter->data);
        g_free (waiter);
    }
    g_slist_free (waiters);
}

/* What a later daemon should know is worth no failure here. */
static void
save_or_warn (Domain *domain)
{
    g_autoptr (GError) error = NULL;

    if (!store_save_status (domain, &error))
        log_warning ("domain '%s': %s", domain->def->name, error->message);
}

/* So that no later daemon goes on with it. */
static void
forget_restart (Instance *instance)
{
    if (!instance_note (instance, NOTE_RESTART) || instance->phase == PHASE_RUNNING)
        return;
    instance_set_note (instance, NOTE_RESTART, NULL);
    save_or_warn (instance->domain);
}

gboolean
domain_abort_start (Domain *domain)
{
    GError *why = NULL;

    if (!domain->instance || domain->instance->phase != PHASE_STARTING)
        return FALSE;
    forget_restart (domain->instance);
    error_set (&why, ERR_OPERATION_ABORTED, "the start was aborted by a client");
    instance_fail (domain->instance, why);
    return TRUE;
}

void
domain_destroy (Domain *domain, InstanceDone done, gpointer data)
{
    Instance *instance = domain->instance;
    g_autoptr (GError) error = NULL;
    StopWaiter *waiter;

    if (!instance) {
        error_set_from (&error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
        done (domain, error, data);
        return;
    }
    waiter = g_new0 (StopWaiter, 1);
    waiter->done = done;
    waiter->data = data;
    instance->stop_waiters = g_slist_append (instance->stop_waiters, waiter);
    instance->destroyed = TRUE;
    forget_restart (instance);
    if (instance->phase == PHASE_STARTING) {
        error_set (&error, ERR_OPERATION_ABORTED, "the domain was destroyed while it started");
        instance_fail (instance, g_steal_pointer (&error));
    } else if (instance->phase != PHASE_UNDOING) {
        instance_set_note (instance, NOTE_DESTROY, "asked");
        save_or_warn (domain);
        instance_undo (instance, instance_finish);
    }
}

typedef struct {
    Domain *domain;
    Job *job;
} OwnDestroy;

static void
own_destroy_done (Domain *domain, const GError *error, gpointer data)
{
    OwnDestroy *own = data;

    (void) domain;
    (void) error;
    job_end (own->job);
    domain_unref (own->domain);
    g_free (own);
}

static void
own_destroy_run (Job *job, gpointer data)
{
    OwnDestroy *own = data;

    own->job = job;
    domain_destroy (own->domain, own_destroy_done, own);
}

void
domain_destroy_itself (Domain *domain, const char *why)
{
    OwnDestroy *own = g_new0 (OwnDestroy, 1);

    own->domain = domain_ref (domain);
    job_begin (&domain->jobs, JOB_DESTROY, why, 0, own_destroy_run, NULL, own);
}

static void
destroy_if_of_client (Domain *domain, gpointer data)
{
    const guint64 *client_id = data;

    if (domain->instance && domain->instance->autodestroy && domain->instance->client_id == *client_id)
        domain_destroy_itself (domain, "autodestroy");
}

void
domains_client_gone (DomainList *list, guint64 client_id)
{
    domain_list_each (list, destroy_if_of_client, &client_id);
}

/* ---- requests to the controller */

typedef struct {
    Domain *domain;
    InstanceDone done;
    gpointer data;
    gboolean reboot, fall_back;
    guint64 serial;             /* of the instance that was asked */
    HaltAsked before;           /* what it had been asked before */
} Halt;

static void halt_send (Halt *halt, guint kind, int signum);

static void
halt_free (Halt *halt)
{
    domain_unref (halt->domain);
    g_free (halt);
}

static gboolean
controller_reachable (const Domain *domain, GError **error)
{
    const Instance *instance = domain->instance;

    if (instance && instance->phase == PHASE_RUNNING && instance->monitor && !instance->exited)
        return TRUE;
    return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
}

/* What a request failed with, but for one that met the container's end. NULL stays NULL. */
static GError *
request_error (const Domain *domain, const GError *error)
{
    GError *result = NULL;

    if (!error)
        return NULL;
    if (error_errno (error) == ESRCH)
        error_set_from (&result, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
    else if (controller_reachable (domain, &result))
        result = g_error_copy (error);
    return result;
}

/* As above; an init that takes neither signal nor request is no fault of the host's. */
static GError *
halt_error (const Domain *domain, const GError *error)
{
    g_autoptr (GError) why = request_error (domain, error);
    GError *result = NULL;
    char *end;

    if (!why || error_errno (why) != EOPNOTSUPP)
        return g_steal_pointer (&why);
    end = g_strrstr (why->message, ": ");       /* of the errno's text, which the code says */
    error_set (&result, ERR_OPERATION_UNSUPPORTED, "%.*s", end ? (int) (end - why->message) : -1, why->message);
    return result;
}

/* A request that failed does not decide what follows the container's end. */
static void
halt_finish (Halt *halt, const GError *error)
{
    Instance *instance = halt->domain->instance;

    if (error && instance && instance->serial == halt->serial && !instance->exited)
        instance->halt = halt->before;
    halt->done (halt->domain, error, halt->data);
    halt_free (halt);
}

static void
halt_answered (const GError *error, gpointer data)
{
    Halt *halt = data;
    g_autoptr (GError) why = halt_error (halt->domain, error);

    if (why && halt->fall_back && why->code != ERR_OPERATION_INVALID) {
        halt->fall_back = FALSE;
        halt_send (halt, HALT_SIGNAL, halt->reboot ? SIGHUP : SIGTERM);
        return;
    }
    halt_finish (halt, why);
}

static void
halt_send (Halt *halt, guint kind, int signum)
{
    MonitorPacket packet = { .type = MONITOR_HALT, .a = kind, .b = (guint64) signum };
    g_autoptr (GError) error = NULL;

    if (!controller_reachable (halt->domain, &error)) {
        halt_finish (halt, error);
        return;
    }
    monitor_link_request (halt->domain->instance->monitor, &packet, -1, REQUEST_MS, halt_answered, halt);
}

void
domain_halt (Domain *domain, gboolean reboot, guint flags, InstanceDone done, gpointer data)
{
    enum { BY_INITCTL = 4, BY_SIGNAL = 8 };
    Halt *halt = g_new0 (Halt, 1);

    halt->domain = domain_ref (domain);
    halt->done = done;
    halt->data = data;
    halt->reboot = reboot;
    if (domain->instance) {
        halt->serial = domain->instance->serial;
        halt->before = domain->instance->halt;
        domain->instance->halt = reboot ? HALT_REBOOT_ASKED : HALT_SHUTDOWN_ASKED;
    }
    if (flags & BY_INITCTL) {
        halt->fall_back = (flags & BY_SIGNAL) != 0;
        halt_send (halt, reboot ? HALT_INITCTL_REBOOT : HALT_INITCTL_POWEROFF, 0);
    } else if (flags & BY_SIGNAL) {
        halt_send (halt, HALT_SIGNAL, reboot ? SIGHUP : SIGTERM);
    } else {
        const DomainSkep *skep = domain->def->skep;
        guint own = skep ? skep->signals[reboot ? SKEP_SIGNAL_REBOOT : SKEP_SIGNAL_HALT] : 0;

        halt_send (halt, own ? HALT_SIGNAL : reboot ? HALT_AUTO_REBOOT : HALT_AUTO_POWEROFF, (int) own);
    }
}

/* ---- console */

typedef struct {
    Domain *domain;
    int fd;                     /* our end */
    void (*done) (Domain *domain, int fd, const GError *error, gpointer data);
    gpointer data;
} ConsoleOpen;

static void
console_answered (const GError *error, gpointer data)
{
    ConsoleOpen *open = data;
    g_autoptr (GError) why = NULL;

    if (error && error_errno (error) == EBUSY)
        error_set (&why, ERR_OPERATION_FAILED, "Active console session exists for this domain");
    else
        why = request_error (open->domain, error);
    open->done (open->domain, why ? -1 : fd_steal (&open->fd), why, open->data);
    fd_close (&open->fd);
    domain_unref (open->domain);
    g_free (open);
}

static int
console_index (const DomainDef *def, const char *alias)
{
    if (!alias)
        return 0;
    for (guint i = 0; i < def->consoles->len; i++) {
        const ConsoleDef *console = def->consoles->pdata[i];

        if (console->alias && strcmp (console->alias, alias) == 0)
            return (int) i;
    }
    return -1;
}

void
domain_console (Domain *domain, const char *alias, guint flags,
                void (*done) (Domain *domain, int fd, const GError *error, gpointer data), gpointer data)
{
    int index = console_index (domain->def, alias), pair[2];
    MonitorPacket packet = { .type = MONITOR_CONSOLE, .flags = flags };
    g_autoptr (GError) error = NULL;
    ConsoleOpen *open;

    if (index < 0 || domain->def->consoles->len == 0)
        error_set (&error, ERR_INTERNAL, "cannot find console device '%s'", alias ? alias : "");
    else if (controller_reachable (domain, &error)
             && socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        error_set_errno (&error, errno, "cannot make a socket");
    if (error) {
        done (domain, -1, error, data);
        return;
    }
    packet.a = (guint64) index;
    open = g_new0 (ConsoleOpen, 1);
    open->domain = domain_ref (domain);
    open->fd = pair[0];
    open->done = done;
    open->data = data;
    monitor_link_request (domain->instance->monitor, &packet, pair[1], REQUEST_MS, console_answered, open);
    close (pair[1]);
}
