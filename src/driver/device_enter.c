/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of a change of devices: into the container and out of it, by skep-helper. */
#include "driver/device_steps.h"

#include <errno.h>
#include <sys/socket.h>

#include "driver/daemon.h"
#include "driver/errand.h"
#include "driver/planner.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

#define TREE_DEADLINE_MS 5000

typedef struct {
    ErrandTarget target;
    int fds[2];                 /* the plan; -1 or what @more is the number of */
    const char *verb, *more;    /* literals; the word after the plan, NULL none */
} EnterInput;

static void
enter_input_free (gpointer data)
{
    EnterInput *input = data;

    errand_target_clear (&input->target);
    fd_close (&input->fds[0]);
    fd_close (&input->fds[1]);
    g_free (input);
}

static gpointer
enter_run (gpointer data, GError **error)
{
    EnterInput *input = data;
    g_autofree char *number = g_strdup_printf ("%d", ERRAND_FD_FIRST);
    g_autofree char *second = g_strdup_printf ("%d", ERRAND_FD_FIRST + 1);
    const char *words[] = { input->verb, number, input->fds[1] >= 0 ? second : input->more, NULL };
    MonitorPacket answer;

    return errand_run (&input->target, words, input->fds, input->fds[1] >= 0 ? 2 : 1, ERRAND_DEADLINE_MS, &answer,
                       error)
               ? input : NULL;
}

static void
enter_done (gpointer result, GError *error, gpointer data)
{
    DeviceChange *change = data;

    if (result && !change->undoing)
        change->left = !change->attach;
    device_change_go_on (change, error);
}

static const char *
label_options (const DomainDef *def)
{
    const LabelDriver *driver = daemon_state.labels;
    const char *options = NULL;

    for (guint i = 0; driver && driver->mount_options && i < def->seclabels->len; i++)
        if (((const SeclabelDef *) def->seclabels->pdata[i])->type != SECLABEL_NONE)
            options = driver->mount_options (def->seclabels->pdata[i]);
    return options;
}

int
device_plan_fd (const DomainDef *alone, const PlanFacts *facts, GError **error)
{
    g_autofree char *stage_dir = store_stage_dir ();
    const PlanContext context = { .stage_dir = stage_dir, .label_options = label_options (alone) };
    g_autoptr (device_plan) plan = plan_make_device (alone, facts, &context, error);
    int fd = plan ? plan_device_to_memfd (plan) : -1;

    if (plan && fd < 0)
        error_set_errno (error, errno, "cannot hand over the device's plan");
    return fd;
}

gboolean
device_enter (Domain *domain, Job *job, const DomainDef *alone, const PlanFacts *facts, const char *verb,
              const char *more, int extra, TaskDone done, gpointer data, GError **error)
{
    autofd int extra_fd = extra;
    g_autofree char *owner = g_strconcat (domain->def->name, "/enter", NULL);
    ErrandTarget target;
    EnterInput *input;
    int fd;

    if (!errand_target (domain, &target, error))
        return FALSE;
    fd = device_plan_fd (alone, facts, error);
    if (fd < 0) {
        errand_target_clear (&target);
        return FALSE;
    }
    input = g_new0 (EnterInput, 1);
    *input = (EnterInput) { target, { fd, fd_steal (&extra_fd) }, verb, more };
    if (job)
        job_yield (job);
    task_run_waiting (owner, enter_run, input, enter_input_free, done, data);
    return TRUE;
}

static StepResult
send_helper (DeviceChange *change, const char *verb, GError **error)
{
    return device_enter (change->domain, change->job, change->alone, change->facts, verb, NULL, -1, enter_done, change,
                         error) ? STEP_WAIT : STEP_FAILED;
}

static gboolean
is_host_link (const DeviceChange *change)
{
    return change->kind == DEVICE_HOSTDEV && ((const HostdevDef *) change->item)->type == HOSTDEV_NET;
}

/* A network device of the host is no <interface>: nothing was made for it. On its way in, again too, it is on the
 * host and has a number there. */
static void
add_hostdev_link (DeviceChange *change, gboolean enters)
{
    const HostdevDef *dev = change->item;
    int index;

    if (!is_host_link (change))
        return;
    index = enters ? link_index (dev->interface) : 1;
    device_set_link_fact (change, dev->interface, index ? index : 1, dev->interface, NULL, dev);
}

StepResult
device_run_enter (DeviceChange *change, GError **error)
{
    add_hostdev_link (change, TRUE);
    if (is_host_link (change))
        links_coming (change->domain->instance, change->alone,
                      g_array_index (change->facts->hostdevs, PlanDevice, 0).link);
    return send_helper (change, "device-add", error);
}

/* @tree is taken. */
static StepResult
send_to_remove (DeviceChange *change, int tree, GError **error)
{
    return device_enter (change->domain, change->job, change->alone, change->facts, "device-remove", "-", tree,
                         enter_done, change, error) ? STEP_WAIT : STEP_FAILED;
}

/* What a start mounts is locked in a user namespace: it goes by way of the one that it was mounted in. */
static gboolean
has_locked_mounts (const DeviceChange *change)
{
    return change->kind == DEVICE_FILESYSTEM && change->alone->uid_map->len > 0;
}

typedef struct {
    DeviceChange *change;
    int sock;
} TreeRequest;

static void
tree_answered (const GError *error, gpointer data)
{
    g_autofree TreeRequest *request = data;
    g_autoptr (GError) why = NULL;
    autofd int sock = request->sock;
    MonitorPacket packet;
    int tree = -1;
    guint n = 1;

    /* without it what was attached later can go, and the helper says it of the rest */
    if (error)
        log_debug ("domain '%s': %s", request->change->domain->def->name, error->message);
    else if (fd_receive (sock, &packet, sizeof packet, &tree, &n) != sizeof packet || n != 1)
        tree = -1;
    if (send_to_remove (request->change, tree, &why) == STEP_FAILED)
        device_change_go_on (request->change, why);
}

static StepResult
ask_for_tree (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    MonitorPacket packet = { .type = MONITOR_TREE };
    TreeRequest *request = g_new0 (TreeRequest, 1);
    int pair[2] = { -1, -1 };

    request->change = change;
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        error_set_errno (&error, errno, "cannot make a socket");
    else if (!change->domain->instance->monitor)
        error_set (&error, ERR_OPERATION_FAILED, "the controller cannot be reached");
    request->sock = pair[0];
    if (error)
        tree_answered (error, request);
    else
        monitor_link_request (change->domain->instance->monitor, &packet, pair[1], TREE_DEADLINE_MS, tree_answered,
                              request);
    fd_close (&pair[1]);
    return STEP_WAIT;
}

/* With no end on the host there is nothing but the container's; and a hostdev goes back. */
gboolean
device_needs_leave (DeviceChange *change)
{
    const NetDef *net = device_net (change);

    return !net || net->type == NET_DIRECT;
}

StepResult
device_run_leave (DeviceChange *change, GError **error)
{
    const NetDef *net = device_net (change);

    if (net)
        device_set_link_fact (change, "", 1, net->guest_ifname, net, NULL);
    add_hostdev_link (change, FALSE);
    return has_locked_mounts (change) ? ask_for_tree (change) : send_to_remove (change, -1, error);
}

gboolean
device_on_host (const DeviceChange *change)
{
    const HostdevDef *dev = change->item;

    return is_host_link (change) && link_index (dev->interface) > 0;
}

StepResult
device_undo_enter (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    const NetDef *net = device_net (change);
    StepResult result;

    /* one that was never made was not moved either */
    if (!device_needs_leave (change) || (net && !net->guest_actual) || device_on_host (change))
        return STEP_DONE;
    result = device_run_leave (change, &error);
    if (error)
        device_undo_failed (change, "container's end", error);
    return result == STEP_WAIT ? STEP_WAIT : STEP_DONE;
}

/* Only what was there before can come again. A macvlan that was deleted would be another one. */
StepResult
device_undo_leave (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    StepResult result;

    if (device_net (change) || !change->left)
        return STEP_DONE;
    result = device_run_enter (change, &error);
    if (error)
        device_undo_failed (change, "container's end", error);
    return result == STEP_WAIT ? STEP_WAIT : STEP_DONE;
}
