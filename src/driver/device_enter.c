/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of a change of devices: into the container and out of it, by skep-helper. */
#include "driver/device_steps.h"

#include <errno.h>

#include "driver/daemon.h"
#include "driver/errand.h"
#include "driver/planner.h"
#include "driver/store.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/task.h"

typedef struct {
    ErrandTarget target;
    int plan;
    const char *verb, *more;    /* literals; the word after the plan, NULL none */
} EnterInput;

static void
enter_input_free (gpointer data)
{
    EnterInput *input = data;

    errand_target_clear (&input->target);
    fd_close (&input->plan);
    g_free (input);
}

static gpointer
enter_run (gpointer data, GError **error)
{
    EnterInput *input = data;
    g_autofree char *number = g_strdup_printf ("%d", ERRAND_FD_FIRST);
    const char *words[] = { input->verb, number, input->more, NULL };
    MonitorPacket answer;

    return errand_run (&input->target, words, &input->plan, 1, ERRAND_DEADLINE_MS, &answer, error)
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

static int
plan_fd (const DomainDef *alone, const PlanFacts *facts, GError **error)
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
              const char *more, TaskDone done, gpointer data, GError **error)
{
    g_autofree char *owner = g_strconcat (domain->def->name, "/enter", NULL);
    ErrandTarget target;
    EnterInput *input;
    int fd;

    if (!errand_target (domain, &target, error))
        return FALSE;
    fd = plan_fd (alone, facts, error);
    if (fd < 0) {
        errand_target_clear (&target);
        return FALSE;
    }
    input = g_new0 (EnterInput, 1);
    *input = (EnterInput) { target, fd, verb, more };
    if (job)
        job_yield (job);
    task_run_waiting (owner, enter_run, input, enter_input_free, done, data);
    return TRUE;
}

static StepResult
send_helper (DeviceChange *change, const char *verb, GError **error)
{
    return device_enter (change->domain, change->job, change->alone, change->facts, verb, NULL, enter_done, change,
                         error) ? STEP_WAIT : STEP_FAILED;
}

/* A network device of the host is no <interface>: nothing was made for it. */
static void
add_hostdev_link (DeviceChange *change)
{
    const HostdevDef *dev = change->item;
    int index;

    if (change->kind != DEVICE_HOSTDEV || dev->type != HOSTDEV_NET)
        return;
    index = change->attach && !change->undoing ? link_index (dev->interface) : 1;
    device_add_link_fact (change, dev->interface, index ? index : 1, dev->interface, NULL, dev);
}

StepResult
device_run_enter (DeviceChange *change, GError **error)
{
    add_hostdev_link (change);
    return send_helper (change, "device-add", error);
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
        device_add_link_fact (change, "", 1, net->guest_ifname, net, NULL);
    add_hostdev_link (change);
    return send_helper (change, "device-remove", error);
}

/* A network device of the host that has not moved, or is back. */
static gboolean
on_host (const DeviceChange *change)
{
    const HostdevDef *dev = change->item;

    return change->kind == DEVICE_HOSTDEV && dev->type == HOSTDEV_NET && link_index (dev->interface) > 0;
}

StepResult
device_undo_enter (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    const NetDef *net = device_net (change);
    StepResult result;

    /* one that was never made was not moved either */
    if (!device_needs_leave (change) || (net && !net->guest_actual) || on_host (change))
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
