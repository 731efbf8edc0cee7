/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps that bring up the controller, and what it says while it starts. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver/daemon.h"
#include "driver/events.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "driver/tune.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"
#include "util/log.h"
#include "util/spawn.h"

#define RECONNECT_MS 500

/* Descriptors of the controller; whatever the plan names follows from FD_FIRST on. */
enum { FD_PLAN = 3, FD_START, FD_IMAGE, FD_FIRST };

/* What the controller is given besides the plan. The sources are borrowed. */
typedef struct {
    GArray *fds;                /* of SpawnFd */
    int console_logs[PLAN_CONSOLES_MAX];
    int shares[SHARE_LAST];
    int *passed;
} Hand;

static int
hand_give (Hand *hand, int from)
{
    SpawnFd fd = { from, FD_FIRST + (int) hand->fds->len };

    if (from < 0)
        return -1;
    g_array_append_val (hand->fds, fd);
    return fd.to;
}

static void
hand_clear (Hand *hand)
{
    g_clear_pointer (&hand->fds, g_array_unref);
    g_free (hand->passed);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Hand, hand_clear)

static void
fill_hand (const Instance *instance, Hand *hand)
{
    hand->fds = g_array_new (FALSE, TRUE, sizeof (SpawnFd));
    hand->passed = g_new0 (int, instance->n_fds + 1);
    for (guint i = 0; instance->console_logs && i < instance->console_logs->len; i++)
        hand->console_logs[i] = hand_give (hand, g_array_index (instance->console_logs, int, i));
    for (guint i = 0; i < SHARE_LAST; i++)
        hand->shares[i] = hand_give (hand, instance->facts->shares[i]);
    for (guint i = 0; i < instance->n_fds; i++)
        hand->passed[i] = hand_give (hand, instance->fds[i]);
    /* not in the plan: the controller keeps the images' devices alive when this daemon has gone */
    for (guint i = 0; instance->images && i < instance->images->len; i++)
        hand_give (hand, g_array_index (instance->images, int, i));
}

static launch_plan *
make_plan (Instance *instance, const Hand *hand, GError **error)
{
    const Settings *settings = daemon_state.settings;
    const DomainDef *def = instance->domain->def;
    g_autofree char *monitor_path = store_monitor_path (def);
    g_autofree char *stage_dir = store_stage_dir ();
    PlanContext context = {
        .monitor_path = monitor_path, .stage_dir = stage_dir,
        .label_options = instance->label_options, .console_ring = settings->console_ring_size,
        .console_log_max = settings->console_log_max, .start_deadline = settings->start_deadline,
        .kill_deadline = settings->destroy_deadline, .console_log_fds = hand->console_logs,
        .share_fds = hand->shares, .pass_fds = hand->passed, .n_pass_fds = instance->n_fds,
    };

    context.views = cgroup_host_views (&context.n_views);
    return plan_make (def, instance->facts, &context, error);
}

/* The sealed copy of skep-controller that is executed; made on first use. */
static int
controller_image (GError **error)
{
    static int image = -1;

    if (image < 0) {
        const char *path = daemon_state.settings->controller;

        /* by its file on disk it gets its domain; it makes the copy itself then */
        image = daemon_state.labels->by_file ? open (path, O_RDONLY | O_CLOEXEC) : plan_program_image (path);
        if (image < 0)
            error_set_errno (error, errno, "cannot read '%s'", path);
    }
    return image;
}

/* ---- what the controller says */

static gboolean
step_is (const Instance *instance, StepResult (*run) (Instance *, GError **))
{
    return instance->phase == PHASE_STARTING && instance->step < n_start_steps
           && start_steps[instance->step].run == run;
}

static void
start_failed (Instance *instance, const MonitorPacket *packet)
{
    char text[640];
    GError *error = NULL;

    monitor_describe (packet, text, sizeof text);
    error_set_errno (&error, packet->err, "guest failed to start");
    g_free (error->message);
    error->message = g_strdup_printf ("guest failed to start: %s", text);
    instance_fail (instance, error);
}

/* A controller whose container has failed meanwhile has gone, and has said why: that lies in the socket still. */
static void
not_connected (Instance *instance, GError *error)
{
    Domain *domain = domain_ref (instance->domain);

    monitor_link_drain (instance->start_link);
    if (domain->instance == instance)
        instance_fail (instance, error);        /* frees it when the start has failed already */
    else
        g_error_free (error);
    domain_unref (domain);
}

static void
init_announced (Instance *instance, const MonitorPacket *packet)
{
    g_autoptr (GError) error = NULL;

    instance->init_pid = (pid_t) packet->a;
    instance->pid_namespace = packet->b;
    instance->init_start = node_process_start (instance->init_pid);
    links_keep (instance);
    if (instance_note (instance, NOTE_MACVLANS)) {
        /* the container's now: their names are free for others */
        instance_set_note (instance, NOTE_MACVLANS, NULL);
        store_save_status (instance->domain, NULL);
    }
    if (!instance_connect_monitor (instance, &error)) {
        not_connected (instance, g_steal_pointer (&error));
        return;
    }
    if (step_is (instance, step_init))
        instance_resume (instance);
}

static void
start_packet (const MonitorPacket *packet, gpointer data)
{
    Instance *instance = data;
    GError *error = NULL;

    switch (packet->type) {
    case MONITOR_HELLO:
        if (packet->a == MONITOR_VERSION)
            break;
        error_set (&error, ERR_INTERNAL, "the controller speaks version %u of the protocol, not %u",
                   (guint) packet->a, MONITOR_VERSION);
        instance_fail (instance, error);
        break;
    case MONITOR_INIT:
        init_announced (instance, packet);
        break;
    case MONITOR_EXECED:
        monitor_link_free (g_steal_pointer (&instance->start_link));
        if (step_is (instance, step_run))
            instance_resume (instance);
        break;
    case MONITOR_FAILED:
        start_failed (instance, packet);
        break;
    default:
        break;
    }
}

static void
start_closed (gpointer data)
{
    Instance *instance = data;
    GError *error = NULL;

    error_set (&error, ERR_INTERNAL, "guest failed to start: the controller died");
    instance_fail (instance, error);
}

/* ---- the monitor socket */

/* A halt that was queued: it does not decide what follows the container's end. */
static void
halt_given_up (Instance *instance, const MonitorPacket *packet)
{
    char text[640];

    monitor_describe (packet, text, sizeof text);
    instance_log (instance, "%s: given up", text);
    log_warning ("domain '%s': %s: given up", instance->domain->def->name, text);
    instance->halt = HALT_NONE;
}

static void
monitor_packet (const MonitorPacket *packet, gpointer data)
{
    Instance *instance = data;

    switch (packet->type) {
    case MONITOR_HELLO:
        if (packet->a != MONITOR_VERSION)
            log_warning ("domain '%s': its controller speaks version %u of the protocol",
                         instance->domain->def->name, (guint) packet->a);
        break;
    case MONITOR_STATE:
        if (instance->init_pid != (pid_t) packet->a) {
            instance->init_pid = (pid_t) packet->a;
            instance->init_start = node_process_start (instance->init_pid);
        }
        instance->pid_namespace = packet->b;
        break;
    case MONITOR_GAVE_UP:
        halt_given_up (instance, packet);
        break;
    case MONITOR_EXIT:
        instance->exited = TRUE;
        instance->exit_status = (int) packet->a;
        instance->exit_kind = (guint) packet->b;
        if (instance->phase == PHASE_RUNNING)
            instance_ended (instance);
        break;
    default:
        break;
    }
}

static gboolean
monitor_reconnect (gpointer data)
{
    Instance *instance = data;
    g_autoptr (GError) error = NULL;

    instance->reconnect = 0;
    if (instance->phase == PHASE_RUNNING && !instance->monitor
        && instance_controller_alive (instance) && !instance_connect_monitor (instance, &error)) {
        log_error ("domain '%s': its controller cannot be reached: %s", instance->domain->def->name,
                   error->message);
        event_control_error (instance->domain);
    }
    return G_SOURCE_REMOVE;
}

/* Mostly the controller's end follows at once and tells the rest. */
static void
monitor_closed (gpointer data)
{
    Instance *instance = data;

    monitor_link_free (g_steal_pointer (&instance->monitor));
    if (instance->phase == PHASE_RUNNING && !instance->exited && !instance->reconnect)
        instance->reconnect = g_timeout_add (RECONNECT_MS, monitor_reconnect, instance);
}

static void
monitor_late (gpointer data)
{
    Instance *instance = data;

    log_error ("domain '%s': its controller does not answer", instance->domain->def->name);
    if (instance->phase == PHASE_RUNNING)
        event_control_error (instance->domain);
}

gboolean
instance_connect_monitor (Instance *instance, GError **error)
{
    static const MonitorHandlers handlers = { monitor_packet, monitor_closed, monitor_late };
    g_autofree char *path = store_monitor_path (instance->domain->def);

    instance->monitor = monitor_link_connect (path, &handlers, instance, error);
    return instance->monitor != NULL;
}

/* ---- steps */

static gboolean
spawn_controller (Instance *instance, Hand *hand, int plan_fd, int start_fd, int image, GError **error)
{
    const char *argv[] = { "skep-controller", "--name", instance->domain->def->name, "--plan-fd", "3",
                           "--start-fd", "4", NULL };
    SpawnFd fixed[] = {
        { plan_fd, FD_PLAN }, { start_fd, FD_START }, { image, FD_IMAGE },
        { instance->log_fd, STDOUT_FILENO }, { instance->log_fd, STDERR_FILENO },
    };
    SpawnArgs args = { .argv = argv, .path = "/proc/self/fd/5", .new_session = TRUE };
    int pidfd;

    g_array_append_vals (hand->fds, fixed, G_N_ELEMENTS (fixed));
    args.fds = (const SpawnFd *) (const void *) hand->fds->data;
    args.n_fds = hand->fds->len;
    if (!spawn_start (&args, &instance->pid, &pidfd, error))
        return FALSE;
    instance->pid_start = node_process_start (instance->pid);
    instance_watch_controller (instance, pidfd);
    return TRUE;
}

StepResult
step_controller (Instance *instance, GError **error)
{
    static const MonitorHandlers handlers = { start_packet, start_closed };
    g_auto (Hand) hand = { 0 };
    g_autoptr (launch_plan) plan = NULL;
    autofd int plan_fd = -1, ours = -1, theirs = -1;
    int pair[2], image = controller_image (error);

    if (image < 0)
        return STEP_FAILED;
    fill_hand (instance, &hand);
    plan = make_plan (instance, &hand, error);
    if (!plan)
        return STEP_FAILED;
    plan_fd = plan_to_memfd (plan);
    if (plan_fd < 0 || socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        error_set_errno (error, errno, "cannot hand over the launch plan");
        return STEP_FAILED;
    }
    ours = pair[0];
    theirs = pair[1];
    if (!spawn_controller (instance, &hand, plan_fd, theirs, image, error))
        return STEP_FAILED;
    g_clear_pointer (&instance->console_logs, g_array_unref);
    instance->start_link = monitor_link_new (fd_steal (&ours), &handlers, instance);
    domain_list_set_id (daemon_state.domains, instance->domain, instance->pid);
    return STEP_DONE;
}

StepResult
undo_controller (Instance *instance)
{
    g_autofree char *path = store_monitor_path (instance->domain->def);
    g_autofree char *exit_path = g_strconcat (path, MONITOR_EXIT_SUFFIX, NULL);

    if (instance_end_processes (instance) == STEP_WAIT)
        return STEP_WAIT;
    /* a controller that ended well has removed its socket */
    file_remove (path, NULL);
    file_remove (exit_path, NULL);
    return STEP_DONE;
}

StepResult
step_init (Instance *instance, GError **error)
{
    (void) error;
    return instance->init_pid > 0 ? STEP_DONE : STEP_WAIT;
}

StepResult
step_run (Instance *instance, GError **error)
{
    MonitorPacket go = { .type = MONITOR_CONTINUE };

    if (!instance->start_link) {
        error_set (error, ERR_INTERNAL, "guest failed to start: the controller died");
        return STEP_FAILED;
    }
    /* not before: init would inherit the controller's CPUs */
    if (!tune_emulator (instance, NULL, instance->domain->def, error))
        return STEP_FAILED;
    /* one that has gone has said why, which lies in the socket still */
    monitor_link_send (instance->start_link, &go, NULL, 0, NULL);
    return STEP_WAIT;
}

StepResult
undo_run (Instance *instance)
{
    return instance_end_processes (instance);
}
