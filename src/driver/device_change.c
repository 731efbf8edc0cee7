/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The runner of the two tables. */
#include "driver/device_change.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "driver/config_change.h"
#include "driver/daemon.h"
#include "driver/device_rules.h"
#include "driver/device_steps.h"
#include "driver/events.h"
#include "driver/fault.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "host/block.h"
#include "security/audit.h"
#include "util/error.h"
#include "util/log.h"

Instance *
device_change_instance (const DeviceChange *change)
{
    Instance *instance = change->domain->instance;

    return instance && instance->serial == change->serial && instance->phase == PHASE_RUNNING ? instance : NULL;
}

void
device_change_free (DeviceChange *change)
{
    g_clear_error (&change->error);
    if (change->images)
        g_array_unref (change->images);
    if (change->controllers)
        g_ptr_array_unref (change->controllers);
    plan_facts_free (change->facts);
    domain_def_free (change->alone);
    domain_def_free (change->config);
    g_free (change->config_text);
    g_free (change->alias);
    g_free (change->host_end);
    domain_unref (change->domain);
    g_free (change);
}

static void
audit_hostdev_change (const DeviceChange *change, const HostdevDef *dev, const char *reason, gboolean good)
{
    char usb[16];

    if (dev->type == HOSTDEV_USB) {
        g_snprintf (usb, sizeof usb, "%03u.%03u", dev->bus, dev->device);
        audit_hostdev (change->domain->def, "usb", usb, reason, good);
    } else if (dev->type != HOSTDEV_NET) {      /* for which libvirt has no record */
        audit_hostdev (change->domain->def, dev->type == HOSTDEV_STORAGE ? "disk" : "chardev", dev->path,
                       reason, good);
    }
}

static void
audit_change (const DeviceChange *change, gboolean good)
{
    const char *reason = change->attach ? "attach" : "detach", *value = NULL, *resource = NULL;

    if (change->kind == DEVICE_HOSTDEV) {
        audit_hostdev_change (change, change->item, reason, good);
        return;
    }
    if (change->kind == DEVICE_DISK) {
        resource = "disk";
        value = ((const DiskDef *) change->item)->source;
    } else if (change->kind == DEVICE_FILESYSTEM) {
        resource = "fs";
        value = ((const FsDef *) change->item)->source;
    } else if (change->kind == DEVICE_INTERFACE) {
        resource = "net";
        value = ((const NetDef *) change->item)->mac;
    }
    if (resource)
        audit_resource (change->domain->def, resource, reason, change->attach ? NULL : value,
                        change->attach ? value : NULL, good);
}

static void
change_over (DeviceChange *change)
{
    const Domain *domain = change->domain;
    /* what a dead daemon had begun: an attach has failed, a detach is finished */
    gboolean good = change->recovering ? !change->attach : !change->error;

    if (device_change_instance (change)) {
        /* else it may be inside of one that has ended: its end looks for it */
        if ((good && change->attach) || device_on_host (change))
            links_came (change->domain->instance);
        audit_change (change, good);
        if (good && change->attach)
            event_device_added (domain, change->alias);
        else if (good)
            event_device_removed (domain, change->alias);
        else if (!change->attach)
            event_device_removal_failed (domain, change->alias);
    }
    change->done (change->domain, change->error, change->data);
    device_change_free (change);
}

/* ---- the walk */

static pid_t
controller_of (const DeviceChange *change)
{
    const Instance *instance = device_change_instance (change);

    return instance ? instance->pid : 0;
}

/* TRUE: the change has failed. */
static gboolean
fault_at (DeviceChange *change, const DeviceStep *step, FaultPlace place)
{
    if (!fault_here (step->name, place, controller_of (change)))
        return FALSE;
    error_set (&change->error, ERR_INTERNAL, "%s: made to fail", step->name);
    return TRUE;
}

static StepResult
step_forward (DeviceChange *change, const DeviceStep *step)
{
    StepResult result;

    change->begun |= 1u << change->step;
    if (fault_at (change, step, FAULT_BEFORE))
        return STEP_FAILED;
    if (!device_change_instance (change)) {
        error_set_from (&change->error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
        return STEP_FAILED;
    }
    change->early = FALSE;
    change->in_step = TRUE;
    result = step->run (change, &change->error);
    change->in_step = FALSE;
    return result == STEP_WAIT && change->early ? change->error ? STEP_FAILED : STEP_DONE : result;
}

static StepResult
step_back (DeviceChange *change, const DeviceStep *step)
{
    StepResult result;

    if (!(change->begun & (1u << change->step)) || !step->undo
        || (!step->outlives && !device_change_instance (change)))
        return STEP_DONE;
    fault_here (step->name, FAULT_UNDO, controller_of (change));
    change->early = FALSE;
    change->in_step = TRUE;
    result = step->undo (change);
    change->in_step = FALSE;
    return result == STEP_WAIT && change->early ? STEP_DONE : result;
}

/* What failed after the device had gone. */
static void
pass_over (DeviceChange *change, const DeviceStep *step)
{
    log_warning ("domain '%s': %s of %s: %s", change->domain->def->name, step->name, change->alias,
                 change->error->message);
    g_clear_error (&change->error);
}

/* The step at hand is over, well or with change->error: on to the next one, or back. FALSE at the end
 * of the walk. */
static gboolean
step_on (DeviceChange *change, gboolean done)
{
    const DeviceStep *step = &change->steps[change->step];

    if (change->undoing)
        return change->step-- > 0;
    change->final |= done && step->final && step->final (change);
    if (done)
        fault_at (change, step, FAULT_AFTER);
    if (change->error && change->final)
        pass_over (change, step);
    if (change->error) {
        change->undoing = TRUE;
        return TRUE;
    }
    return ++change->step < change->n_steps;
}

static void
walk (DeviceChange *change)
{
    gboolean more = TRUE;

    while (more) {
        const DeviceStep *step = &change->steps[change->step];
        StepResult result;

        if (!change->undoing && step->needed && !step->needed (change)) {
            more = ++change->step < change->n_steps;
            continue;
        }
        result = change->undoing ? step_back (change, step) : step_forward (change, step);
        if (result == STEP_WAIT)
            return;
        more = step_on (change, result == STEP_DONE);
    }
    change_over (change);
}

void
device_change_go_on (DeviceChange *change, const GError *error)
{
    const DeviceStep *step = &change->steps[change->step];

    if (error && change->undoing)
        log_warning ("domain '%s': undoing '%s' of %s: %s", change->domain->def->name, step->name,
                     change->alias, error->message);
    else if (error && !change->error)
        change->error = g_error_copy (error);
    if (change->in_step)
        change->early = TRUE;
    else if (step_on (change, !error))
        walk (change);
    else
        change_over (change);
}

/* ---- the changes */

DeviceChange *
device_change_new (Domain *domain, Job *job, const DomainDevice *device, DomainDef *config, DeviceChanged done,
                   gpointer data)
{
    DeviceChange *change = g_new0 (DeviceChange, 1);

    change->domain = domain_ref (domain);
    change->serial = domain->instance->serial;
    change->job = job;
    change->kind = device->kind;
    change->alone = domain_device_alone (domain->def, device);
    change->item = g_ptr_array_index (domain_device_list (change->alone, device->kind), 0);
    change->config = config;
    change->for_config = config != NULL;
    change->config_text = config ? config_text (domain) : NULL;
    change->done = done;
    change->data = data;
    return change;
}

static void
use_steps (DeviceChange *change, gboolean attach)
{
    change->attach = attach;
    change->steps = attach ? device_attach_steps : device_detach_steps;
    change->n_steps = attach ? n_device_attach_steps : n_device_detach_steps;
}

void
device_attach (Domain *domain, Job *job, const DomainDevice *device, DomainDef *config, DeviceChanged done,
               gpointer data)
{
    DeviceChange *change = device_change_new (domain, job, device, config, done, data);
    char **alias = domain_device_alias (change->kind, change->item);

    if (!*alias)
        *alias = domain_alias_next (domain->def, change->kind);
    change->alias = g_strdup (*alias);
    use_steps (change, TRUE);
    walk (change);
}

PlanFacts *
device_recall_facts (const DomainDef *alone, DeviceKind kind, const PlanDevice *numbers)
{
    PlanFacts *facts = plan_facts_new (alone);

    plan_map_id (alone->uid_map, 0, &facts->root_uid);
    plan_map_id (alone->gid_map, 0, &facts->root_gid);
    if (kind == DEVICE_DISK)
        g_array_index (facts->disks, PlanDevice, 0) = *numbers;
    if (kind == DEVICE_HOSTDEV)
        g_array_index (facts->hostdevs, PlanDevice, 0) = *numbers;
    if (kind == DEVICE_FILESYSTEM) {
        const FsDef *def_fs = alone->filesystems->pdata[0];
        PlanFs *fs = &g_array_index (facts->fs, PlanFs, 0);

        fs->numbers = *numbers;
        fs->directory = TRUE;
        fs->device = def_fs->type == FS_BLOCK ? g_strdup (def_fs->source)
                                              : block_device_path (makedev (numbers->major, numbers->minor));
        fs->fstype = g_strdup ("none");
    }
    return facts;
}

void
device_detach (Domain *domain, Job *job, DeviceKind kind, guint index, DomainDef *config,
               DeviceChanged done, gpointer data)
{
    DomainDevice device = { .kind = kind, .item = domain_device_list (domain->def, kind)->pdata[index] };
    PlanDevice numbers;
    DeviceChange *change;

    domain_alias_fill (domain->def);
    change = device_change_new (domain, job, &device, config, done, data);
    change->alias = g_strdup (*domain_device_alias (kind, device.item));
    numbers = device_numbers_of (domain->instance, change->alias);
    change->facts = device_recall_facts (change->alone, kind, &numbers);
    use_steps (change, FALSE);
    walk (change);
}

void
device_change_undo (DeviceChange *change)
{
    change->recovering = TRUE;
    change->undoing = TRUE;
    change->steps = device_attach_steps;
    change->n_steps = n_device_attach_steps;
    change->step = change->n_steps - 1;
    change->begun = ~0u;
    walk (change);
}
