/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it takes to bring a device into a running container, and to take it away. Order:
 *   attach  look and attach images (nothing of the container's yet), note, then from the outside in: the
 *           device rules are wider before there is a node, the image is held before the daemon lets go
 *           of it, the link exists before it moves; then the saved definition, the disk's own limits, last
 *           the live definition.
 *   detach  the saved definition first, since it can be put back; then from the inside out. Once the
 *           container has lost an interface there is no way back, only on.
 */
#include "driver/device_steps.h"

#include "driver/config_change.h"
#include "driver/daemon.h"
#include "driver/store.h"
#include "driver/trim.h"
#include "util/error.h"
#include "util/log.h"

void
device_undo_failed (const DeviceChange *change, const char *what, const GError *error)
{
    log_warning ("domain '%s': %s of %s: %s", change->domain->def->name, what, change->alias,
                 error->message);
}

NetDef *
device_net (const DeviceChange *change)
{
    return change->kind == DEVICE_INTERFACE ? change->item : NULL;
}

PlanDevice
device_numbers (const DeviceChange *change)
{
    const PlanFacts *facts = change->facts;

    if (change->kind == DEVICE_DISK)
        return g_array_index (facts->disks, PlanDevice, 0);
    if (change->kind == DEVICE_HOSTDEV)
        return g_array_index (facts->hostdevs, PlanDevice, 0);
    if (change->kind == DEVICE_FILESYSTEM)
        return g_array_index (facts->fs, PlanFs, 0).numbers;
    return (PlanDevice) { 0 };
}

/* ---- definitions */

static gboolean
config_needed (DeviceChange *change)
{
    return change->for_config;
}

static void
config_saved (Domain *domain, const GError *error, gpointer data)
{
    DeviceChange *change = data;

    if (error) {
        g_clear_pointer (&change->config, domain_def_free);
    } else {
        g_free (change->config_text);
        change->config_text = config_text (domain);
        change->config_saved = TRUE;
    }
    device_change_go_on (change, error);
}

static StepResult
run_config (DeviceChange *change, GError **error)
{
    DomainDef *config = change->config;

    (void) error;
    change->config = domain_def_copy (domain_config_def (change->domain));
    config_save (change->domain, change->config_text, config, config_saved, change);
    return STEP_WAIT;
}

static void
config_undone (Domain *domain, const GError *error, gpointer data)
{
    DeviceChange *change = data;

    (void) domain;
    if (error)
        device_undo_failed (change, "saved definition", error);
    device_change_go_on (change, NULL);
}

DomainDef *
device_config_without (const DeviceChange *change)
{
    g_autoptr (DomainDef) config = domain_def_copy (domain_config_def (change->domain));
    int index = domain_device_find (config, change->kind, change->item);

    if (index < 0)
        return NULL;
    g_ptr_array_remove_index (domain_device_list (config, change->kind), (guint) index);
    return g_steal_pointer (&config);
}

static StepResult
undo_config (DeviceChange *change)
{
    DomainDef *config = change->recovering && change->for_config ? device_config_without (change) : NULL;

    if (config)
        config_save (change->domain, NULL, config, config_undone, change);
    else if (change->config_saved)
        config_save (change->domain, change->config_text, g_steal_pointer (&change->config), config_undone, change);
    else
        return STEP_DONE;
    return STEP_WAIT;
}

/* Where the device stands in the live definition, by its alias: -1 nowhere. */
static int
live_index (const DeviceChange *change)
{
    DeviceKind kind;
    guint index;

    return domain_device_find_alias (change->domain->def, change->alias, &kind, &index)
               && kind == change->kind ? (int) index : -1;
}

static void
live_remove (DeviceChange *change)
{
    int index = live_index (change);

    if (index >= 0)
        g_ptr_array_remove_index (domain_device_list (change->domain->def, change->kind), (guint) index);
    device_numbers_set (change->domain->instance, change->alias, NULL);
    if (device_net (change) && ((NetDef *) change->item)->ifname)
        device_note_name (change->domain->instance, NOTE_LINKS, ((NetDef *) change->item)->ifname, FALSE);
}

static void
live_add (DeviceChange *change)
{
    const PlanDevice numbers = device_numbers (change);

    if (change->kind == DEVICE_HOSTDEV)
        device_usb_found (change->item, &numbers);
    g_ptr_array_add (domain_device_list (change->domain->def, change->kind),
                     domain_device_copy (change->kind, change->item));
    if (!change->controllers) {
        change->controllers = g_ptr_array_copy (change->domain->def->controllers, NULL, NULL);
        g_ptr_array_set_free_func (change->controllers, NULL);
    }
    /* what it brings along (controllers), as the next daemon would read it */
    domain_def_judge (change->domain->def, &daemon_state.defaults, NULL);
    device_numbers_set (change->domain->instance, change->alias, &numbers);
}

/* What it brought along goes with it when it does not come after all. */
static void
live_take_back (DeviceChange *change)
{
    GPtrArray *now = change->domain->def->controllers;

    live_remove (change);
    for (guint i = now->len; change->controllers && i-- > 0;)
        if (!g_ptr_array_find (change->controllers, now->pdata[i], NULL))
            g_ptr_array_remove_index (now, i);
}

/* The live definition, the notes and the status file change together. */
static StepResult
run_commit (DeviceChange *change, GError **error)
{
    Instance *instance = change->domain->instance;
    g_autofree char *note = g_strdup (instance_note (instance, NOTE_CHANGE));

    if (change->attach)
        live_add (change);
    else
        live_remove (change);
    instance_set_note (instance, NOTE_CHANGE, NULL);
    if (device_net (change) && ((NetDef *) change->item)->type == NET_DIRECT && change->host_end)
        device_note_name (instance, NOTE_MACVLANS, change->host_end, FALSE);
    if (store_save_status (change->domain, error))
        return STEP_DONE;
    /* with the note the file on disk, which still has it, will be put right */
    instance_set_note (instance, NOTE_CHANGE, note);
    return STEP_FAILED;
}

StepResult
device_undo_commit (DeviceChange *change)
{
    if (change->attach || change->recovering)
        live_take_back (change);
    else if (live_index (change) < 0)
        live_add (change);
    return STEP_DONE;
}

/* ---- trimming */

static void
trim_stopped (gpointer data)
{
    device_change_go_on (data, NULL);
}

/* It would keep the file system in use for as long as it takes. */
static StepResult
run_stop_trim (DeviceChange *change, GError **error)
{
    const FsDef *fs = change->item;

    (void) error;
    return trim_stop (change->domain->instance, fs->target, trim_stopped, change) ? STEP_WAIT : STEP_DONE;
}

/* ---- the tables */

static gboolean
always (DeviceChange *change)
{
    (void) change;
    return TRUE;
}

const DeviceStep device_attach_steps[] = {
    { "attach-look", NULL, device_run_look, NULL, FALSE, NULL },
    { "attach-note", NULL, device_run_note, device_undo_note, FALSE, NULL },
    { "attach-rules", device_needs_rules, device_run_widen, device_undo_widen, FALSE, NULL },
    { "attach-hold", device_needs_hold, device_run_hold, device_undo_hold, FALSE, NULL },
    { "attach-link", device_is_interface, device_run_link, device_undo_link, FALSE, NULL },
    { "attach-enter", NULL, device_run_enter, device_undo_enter, FALSE, NULL },
    { "attach-config", config_needed, run_config, undo_config, TRUE, NULL },
    { "attach-limits", device_has_limits, device_run_limits, device_undo_limits, FALSE, NULL },
    { "attach-commit", NULL, run_commit, device_undo_commit, FALSE, NULL },
};
const guint n_device_attach_steps = G_N_ELEMENTS (device_attach_steps);

const DeviceStep device_detach_steps[] = {
    { "detach-look", device_has_superblock, device_run_superblock, NULL, FALSE, NULL },
    { "detach-note", NULL, device_run_note, device_undo_note, FALSE, NULL },
    { "detach-config", config_needed, run_config, undo_config, TRUE, NULL },
    { "detach-trim", device_has_superblock, run_stop_trim, NULL, FALSE, NULL },
    { "detach-leave", device_needs_leave, device_run_leave, device_undo_leave, FALSE, device_is_interface },
    { "detach-unlink", device_is_interface, device_run_unlink, NULL, FALSE, always },
    { "detach-rules", device_needs_rules, device_run_narrow, device_undo_narrow, FALSE, NULL },
    { "detach-limits", device_has_limits, device_run_limits, device_undo_limits, FALSE, NULL },
    { "detach-release", device_needs_release, device_run_release, NULL, FALSE, always },
    { "detach-commit", NULL, run_commit, device_undo_commit, FALSE, NULL },
};
const guint n_device_detach_steps = G_N_ELEMENTS (device_detach_steps);
