/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of a change of devices that make nothing of the container's yet: looking, and the note. */
#include "driver/device_steps.h"

#include "driver/daemon.h"
#include "driver/host_devices.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "host/block.h"
#include "util/error.h"
#include "util/log.h"
#include "util/task.h"

/* ---- look */

typedef struct {
    DomainDef *alone;
    char *helper;
    NbdServer server;
} LookInput;

typedef struct {
    PlanFacts *facts;
    DeviceResult *devices;
} Looked;

/* Ended when the container ends, whose undo would wait for them, and when their time is up. */
static void
look_over (DeviceChange *change)
{
    Instance *instance = change->domain->instance;

    if (change->look_timer)
        g_source_remove (change->look_timer);
    change->look_timer = 0;
    /* also one that ends: its undo goes through them */
    if (instance && instance->serial == change->serial)
        g_ptr_array_remove_fast (instance->attaching, change->servers);
    g_clear_pointer (&change->servers, nbd_servers_unref);
}

static gboolean
look_too_late (gpointer data)
{
    DeviceChange *change = data;

    change->look_timer = 0;
    nbd_servers_end (change->servers, TRUE);
    return G_SOURCE_REMOVE;
}

static void
look_input_free (gpointer data)
{
    LookInput *input = data;

    domain_def_free (input->alone);
    g_free (input->helper);
    host_server_clear (&input->server);
    g_free (input);
}

static gpointer
look_run (gpointer data, GError **error)
{
    const LookInput *input = data;
    const DomainDef *alone = input->alone;
    g_autoptr (PlanFacts) facts = plan_facts_devices (alone, input->helper, error);
    g_autoptr (DeviceResult) devices = facts ? host_devices_attach (alone, &input->server, error) : NULL;
    Looked *looked;

    if (!devices)
        return NULL;
    host_devices_take (devices, facts);
    looked = g_new0 (Looked, 1);
    looked->facts = g_steal_pointer (&facts);
    looked->devices = g_steal_pointer (&devices);
    return looked;
}

static gpointer
give_up_run (gpointer data, GError **error)
{
    (void) error;
    host_devices_give_up (data);
    return NULL;
}

static void
given_up (gpointer result, GError *error, gpointer data)
{
    (void) result;
    device_change_go_on (data, error);
}

static void
look_done (gpointer result, GError *error, gpointer data)
{
    g_autofree Looked *looked = result;
    DeviceChange *change = data;
    Instance *instance = device_change_instance (change);

    look_over (change);
    if (looked) {
        change->facts = looked->facts;
        if (!instance) {        /* it has ended meanwhile, as the next step says */
            task_run_waiting (NULL, give_up_run, looked->devices, NULL, given_up, change);
            return;
        }
        change->images = g_array_ref (looked->devices->images);
        host_images_note (instance, looked->devices);
        device_result_free (looked->devices);
    }
    if (looked && change->kind == DEVICE_FILESYSTEM
        && g_array_index (looked->facts->fs, PlanFs, 0).keeps_ids)
        ids_say_kept (instance, change->item);
    device_change_go_on (change, error);
}

/* The paths are a client's: a server behind one may not answer. Nobody else waits for that then, and a
 * destroy comes past it. Of the domain's, but not among the questions to its guest, which may hang too. */
static void
look_outside (DeviceChange *change, TaskRun run, gpointer input, GDestroyNotify free_input, TaskDone done)
{
    g_autofree char *owner = g_strconcat (change->domain->def->name, "/device", NULL);

    /* an interface has no such path, and its link must not be made for an instance that has gone */
    if (change->job && !device_is_interface (change))
        job_yield (change->job);
    task_run_waiting (owner, run, input, free_input, done, change);
}

StepResult
device_run_look (DeviceChange *change, GError **error)
{
    LookInput *input = g_new0 (LookInput, 1);

    (void) error;
    input->alone = domain_def_copy (change->alone);
    input->helper = g_strdup (daemon_state.settings->helper);
    host_server_init (&input->server);
    change->servers = nbd_servers_ref (input->server.servers);
    change->look_timer = g_timeout_add (daemon_state.settings->start_deadline, look_too_late, change);
    g_ptr_array_add (change->domain->instance->attaching, change->servers);
    look_outside (change, look_run, input, look_input_free, look_done);
    return STEP_WAIT;
}

/* What a device has that is to leave must be known should it have to come back. */
gboolean
device_has_superblock (DeviceChange *change)
{
    return change->kind == DEVICE_FILESYSTEM && device_numbers (change).set;
}

static gpointer
superblock_run (gpointer data, GError **error)
{
    return block_filesystem (data, error);
}

static void
superblock_done (gpointer result, GError *error, gpointer data)
{
    DeviceChange *change = data;
    PlanFs *fs = &g_array_index (change->facts->fs, PlanFs, 0);

    if (result) {
        g_free (fs->fstype);
        fs->fstype = result;
    } else {        /* no reason to keep it */
        log_debug ("%s: %s", fs->device, error->message);
    }
    device_change_go_on (change, NULL);
}

StepResult
device_run_superblock (DeviceChange *change, GError **error)
{
    (void) error;
    look_outside (change, superblock_run, g_strdup (g_array_index (change->facts->fs, PlanFs, 0).device), g_free,
                  superblock_done);
    return STEP_WAIT;
}

/* ---- note */

gboolean
device_note_change (DeviceChange *change, GError **error)
{
    const PlanDevice numbers = device_numbers (change);
    g_autofree char *number = device_number_format (&numbers);
    g_autofree char *xml = domain_device_format (change->kind, change->item, DOMAIN_FORMAT_STATUS);
    g_autofree char *note = g_strdup_printf ("%s %s %s %s", change->attach ? "attach" : "detach",
                                             change->for_config ? "config" : "live", number, xml);

    instance_set_note (change->domain->instance, NOTE_CHANGE, note);
    return store_save_status (change->domain, error);
}

StepResult
device_run_note (DeviceChange *change, GError **error)
{
    return device_note_change (change, error) ? STEP_DONE : STEP_FAILED;
}

StepResult
device_undo_note (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;

    instance_set_note (change->domain->instance, NOTE_CHANGE, NULL);
    if (!store_save_status (change->domain, &error))
        device_undo_failed (change, "status", error);
    return STEP_DONE;
}
