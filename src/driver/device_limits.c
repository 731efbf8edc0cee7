/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Step of a change of devices: the <iotune> of a disk. A task, since the kernel waits for the requests that the
 * device has under way. */
#include "driver/device_steps.h"

#include "driver/group_task.h"
#include "util/log.h"

gboolean
device_has_limits (DeviceChange *change)
{
    const DiskDef *disk = change->item;

    for (guint i = 0; change->kind == DEVICE_DISK && i < IOTUNE_LAST; i++)
        if (disk->iotune.value[i])
            return TRUE;
    return FALSE;
}

/* From the limits with the disk to those without, or back: whether the live definition has it is not asked. */
static TuneWork *
work_new (const DeviceChange *change, gboolean come, GError **error)
{
    Instance *instance = change->domain->instance;
    const PlanDevice numbers = device_numbers (change), noted = device_numbers_of (instance, change->alias);
    g_autoptr (DomainDef) with = domain_def_copy (change->domain->def);
    g_autoptr (DomainDef) without = domain_def_copy (with);
    TuneWork *work;
    DeviceKind kind;
    guint index;

    if (domain_device_find_alias (with, change->alias, &kind, &index) && kind == DEVICE_DISK)
        g_ptr_array_remove_index (without->disks, index);
    else
        g_ptr_array_add (with->disks, domain_device_copy (DEVICE_DISK, change->item));
    /* the rules of a definition are by numbers, which are noted by alias */
    device_numbers_set (instance, change->alias, &numbers);
    work = tune_work_new (instance, come ? without : with, come ? with : without, FALSE, error);
    device_numbers_set (instance, change->alias, noted.set ? &noted : NULL);
    return work;
}

static void
written (gpointer result, GError *error, gpointer data)
{
    DeviceChange *change = data;

    (void) result;
    /* what stays of them is of no use without the disk */
    if (error && !change->attach && !change->undoing) {
        device_undo_failed (change, "limits", error);
        error = NULL;
    }
    device_change_go_on (change, error);
}

static StepResult
write_limits (DeviceChange *change, gboolean come, GError **error)
{
    TuneWork *work = work_new (change, come, error);

    if (!work)
        return STEP_FAILED;
    if (change->job)
        job_yield (change->job);
    group_tune (change->domain->instance, work, written, change);
    return STEP_WAIT;
}

StepResult
device_run_limits (DeviceChange *change, GError **error)
{
    return write_limits (change, change->attach, error);
}

StepResult
device_undo_limits (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    StepResult result;

    if (!device_has_limits (change))
        return STEP_DONE;
    result = write_limits (change, !change->attach && !change->recovering, &error);
    if (error)
        device_undo_failed (change, "limits", error);
    return result == STEP_WAIT ? STEP_WAIT : STEP_DONE;
}
