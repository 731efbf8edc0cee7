/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of a change of devices: the rules that let a container open one, and the devices of images that
 * its controller keeps. */
#include "driver/device_steps.h"

#include "driver/planner.h"
#include "util/error.h"

#define HOLD_DEADLINE_MS 5000

/* ---- rules */

gboolean
device_needs_rules (DeviceChange *change)
{
    return device_numbers (change).set;
}

static gboolean
change_rules (DeviceChange *change, gboolean widen, GError **error)
{
    g_autoptr (GArray) now = device_rules_now (change->domain->instance, error);
    g_autoptr (GArray) own = g_array_new (FALSE, TRUE, sizeof (CgroupDeviceRule));
    g_autoptr (GArray) next = NULL;

    if (!now)
        return FALSE;
    plan_add_device_rules (change->alone, change->facts, own);
    next = widen ? device_rules_plus (now, own) : device_rules_minus (now, own);
    return device_rules_apply (change->domain->instance, next, error);
}

StepResult
device_run_widen (DeviceChange *change, GError **error)
{
    change->widened = change_rules (change, TRUE, error);
    return change->widened ? STEP_DONE : STEP_FAILED;
}

StepResult
device_run_narrow (DeviceChange *change, GError **error)
{
    change->narrowed = change_rules (change, FALSE, error);
    return change->narrowed ? STEP_DONE : STEP_FAILED;
}

StepResult
device_undo_widen (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) now = NULL;

    if (!device_needs_rules (change))
        return STEP_DONE;
    /* The noted rules are the ones from before where the widening failed, perhaps halfway, and in the
     * status of a daemon that died attaching: to take from them would take another device's rule. */
    if (change->attach && !change->widened) {
        now = device_rules_now (change->domain->instance, &error);
        if (now)
            device_rules_apply (change->domain->instance, now, &error);
    } else {
        change_rules (change, FALSE, &error);
    }
    if (error)
        device_undo_failed (change, "device rules", error);
    return STEP_DONE;
}

StepResult
device_undo_narrow (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;

    /* not when the narrowing itself failed: the note says what is in force */
    if (change->narrowed && !change_rules (change, TRUE, &error))
        device_undo_failed (change, "device rules", error);
    return STEP_DONE;
}

/* ---- devices of images that the controller holds */

gboolean
device_needs_hold (DeviceChange *change)
{
    return change->images && change->images->len > 0;
}

static void
controller_answered (const GError *error, gpointer data)
{
    device_change_go_on (data, error);
}

static StepResult
ask_controller (DeviceChange *change, MonitorPacket *packet, int fd, GError **error)
{
    Instance *instance = change->domain->instance;

    if (!instance->monitor) {
        error_set (error, ERR_OPERATION_FAILED, "the controller cannot be reached");
        return STEP_FAILED;
    }
    monitor_link_request (instance->monitor, packet, fd, HOLD_DEADLINE_MS, controller_answered, change);
    return STEP_WAIT;
}

StepResult
device_run_hold (DeviceChange *change, GError **error)
{
    MonitorPacket packet = { .type = MONITOR_HOLD };

    return ask_controller (change, &packet, g_array_index (change->images, int, 0), error);
}

gboolean
device_needs_release (DeviceChange *change)
{
    return (change->kind == DEVICE_DISK && ((const DiskDef *) change->item)->type == DISK_FILE)
           || (change->kind == DEVICE_FILESYSTEM && ((const FsDef *) change->item)->type == FS_FILE);
}

StepResult
device_run_release (DeviceChange *change, GError **error)
{
    const PlanDevice numbers = device_numbers (change);
    MonitorPacket packet = { .type = MONITOR_RELEASE,
                             .a = (guint64) numbers.major << 32 | numbers.minor };

    return numbers.set ? ask_controller (change, &packet, -1, error) : STEP_DONE;
}

StepResult
device_undo_hold (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    StepResult result = device_needs_release (change) ? device_run_release (change, &error) : STEP_DONE;

    if (error)
        device_undo_failed (change, "device of an image", error);
    return result == STEP_WAIT ? STEP_WAIT : STEP_DONE;
}
