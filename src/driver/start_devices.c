/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that a container gets as block devices: loop and nbd devices, attached on a pool thread. */
#include "driver/host_devices.h"
#include "driver/start_private.h"
#include "host/block.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

#define SERVER_END_MS 5000

gboolean
devices_needed (Instance *instance)
{
    const DomainDef *def = instance->domain->def;

    for (guint i = 0; i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (fs->type == FS_FILE || fs->type == FS_BLOCK)
            return TRUE;
    }
    for (guint i = 0; i < def->disks->len; i++)
        if (((const DiskDef *) def->disks->pdata[i])->type == DISK_FILE)
            return TRUE;
    return FALSE;
}

void
device_result_free (DeviceResult *result)
{
    if (!result)
        return;
    g_array_unref (result->fs);
    g_array_unref (result->disks);
    g_array_unref (result->images);
    g_array_unref (result->servers);
    g_free (result);
}

static DeviceResult *
device_result_new (const DomainDef *def)
{
    DeviceResult *result = g_new0 (DeviceResult, 1);

    result->fs = plan_fs_array (def->filesystems->len);
    result->disks = g_array_new (FALSE, TRUE, sizeof (PlanDevice));
    g_array_set_size (result->disks, def->disks->len);
    result->images = g_array_new (FALSE, TRUE, sizeof (int));
    g_array_set_clear_func (result->images, fd_close_element);
    result->servers = g_array_new (FALSE, TRUE, sizeof (NbdProcess));
    return result;
}

static gboolean
device_of_fs (DeviceResult *result, const NbdServer *server, const FsDef *fs, PlanFs *ret, GError **error)
{
    const HostImage image = { .what = "filesystem", .name = fs->target, .file = fs->source,
                              .driver = string_table_name (&fs_driver_names, fs->driver), .format = fs->format,
                              .readonly = fs->readonly };

    if (fs->type == FS_FILE) {
        if (!host_image_attach (result, server, &image, &ret->device, &ret->numbers, error))
            return FALSE;
    } else if (fs->type == FS_BLOCK) {
        ret->device = g_strdup (fs->source);
    } else {
        return TRUE;
    }
    ret->fstype = block_filesystem (ret->device, error);
    return ret->fstype != NULL;
}

static gboolean
device_of_disk (DeviceResult *result, const NbdServer *server, const DiskDef *disk, PlanDevice *ret, GError **error)
{
    const HostImage image = { .what = "disk", .name = disk->target, .file = disk->source,
                              .driver = disk->driver_name, .format = disk->format, .readonly = disk->readonly,
                              .no_cache = disk->cache == DISK_CACHE_NONE,
                              .cache_unsupported = disk->cache > DISK_CACHE_NONE };
    g_autofree char *path = NULL;

    return disk->type != DISK_FILE || host_image_attach (result, server, &image, &path, ret, error);
}

static gboolean
attach_all (DeviceResult *result, const DomainDef *def, const NbdServer *server, GError **error)
{
    for (guint i = 0; i < def->filesystems->len; i++)
        if (!device_of_fs (result, server, def->filesystems->pdata[i], &g_array_index (result->fs, PlanFs, i),
                           error))
            return FALSE;
    for (guint i = 0; i < def->disks->len; i++)
        if (!device_of_disk (result, server, def->disks->pdata[i],
                             &g_array_index (result->disks, PlanDevice, i), error))
            return FALSE;
    return TRUE;
}

DeviceResult *
host_devices_attach (const DomainDef *def, const NbdServer *server, GError **error)
{
    DeviceResult *result = device_result_new (def);
    g_autoptr (GError) why = NULL;

    if (attach_all (result, def, server, &why)) {
        if (nbd_servers_settle (server->servers, error))
            return result;
    } else if (!nbd_servers_ended (server->servers, error)) {   /* else that is the reason */
        g_propagate_error (error, g_steal_pointer (&why));
    }
    /* one that hangs would not end with its device */
    nbd_servers_end (server->servers, FALSE);
    host_devices_give_up (result);
    return NULL;
}

void
host_devices_give_up (DeviceResult *result)
{
    g_autoptr (GArray) servers = result ? g_array_ref (result->servers) : NULL;

    device_result_free (result);    /* with its last opener a device is disconnected, and its server ends */
    for (guint i = 0; servers && i < servers->len; i++) {
        const NbdProcess *process = &g_array_index (servers, NbdProcess, i);

        if (!nbd_process_wait (process, SERVER_END_MS))
            log_warning ("qemu-nbd %d does not end", (int) process->pid);
    }
}

void
host_devices_take (DeviceResult *result, PlanFacts *facts)
{
    for (guint i = 0; i < result->fs->len; i++) {
        PlanFs *found = &g_array_index (result->fs, PlanFs, i);
        PlanFs *fact = &g_array_index (facts->fs, PlanFs, i);

        if (!found->device)
            continue;
        g_free (fact->device);
        g_free (fact->fstype);
        fact->device = g_steal_pointer (&found->device);
        fact->fstype = g_steal_pointer (&found->fstype);
        if (found->numbers.set)
            fact->numbers = found->numbers;
    }
    for (guint i = 0; i < result->disks->len; i++)
        if (g_array_index (result->disks, PlanDevice, i).set)
            g_array_index (facts->disks, PlanDevice, i) = g_array_index (result->disks, PlanDevice, i);
}

/* ---- the step */

struct DeviceWork {
    NbdServers *servers;
    gboolean over;
    gboolean waits;             /* for a program, which can be ended */
    InstanceTicket *step, *undo;
};

typedef struct {
    DomainDef *def;
    NbdServer server;
} DeviceInput;

static void
device_work_clear (gpointer data)
{
    nbd_servers_unref (((DeviceWork *) data)->servers);
}

void
device_work_unref (DeviceWork *work)
{
    if (work)
        g_rc_box_release_full (work, device_work_clear);
}

static void
device_input_free (gpointer data)
{
    DeviceInput *input = data;

    domain_def_free (input->def);
    host_server_clear (&input->server);
    g_free (input);
}

void
device_works_end (Instance *instance)
{
    if (instance->devices && !instance->devices->over)
        nbd_servers_end (instance->devices->servers, FALSE);
    for (guint i = 0; i < instance->attaching->len; i++)
        nbd_servers_end (instance->attaching->pdata[i], FALSE);
}

static gpointer
devices_attach (gpointer data, GError **error)
{
    const DeviceInput *input = data;

    return host_devices_attach (input->def, &input->server, error);
}

static void
devices_attached (gpointer data_result, GError *error, gpointer data)
{
    g_autoptr (DeviceResult) result = data_result;
    DeviceWork *work = data;
    Instance *starting = instance_redeem (work->step);
    Instance *undoing = work->undo ? instance_redeem (work->undo) : NULL;

    work->over = TRUE;
    if (result && (starting || undoing))
        host_images_note (starting ? starting : undoing, result);
    if (undoing) {
        g_clear_pointer (&result, device_result_free);  /* nobody else has them */
        instance_resume (undoing);
    } else if (starting && result) {
        host_devices_take (result, starting->facts);
        starting->images = g_array_ref (result->images);
        instance_resume (starting);
    } else if (starting) {
        instance_fail (starting, g_error_copy (error));
    }
    device_work_unref (work);
}

static gboolean
served_by_program (const DomainDef *def)
{
    for (guint i = 0; i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (fs->type == FS_FILE && (fs->driver == FS_DRIVER_NBD || fs->format > FORMAT_RAW))
            return TRUE;
    }
    for (guint i = 0; i < def->disks->len; i++) {
        const DiskDef *disk = def->disks->pdata[i];

        if (disk->type == DISK_FILE && (g_strcmp0 (disk->driver_name, "nbd") == 0 || disk->format > FORMAT_RAW))
            return TRUE;
    }
    return FALSE;
}

StepResult
step_devices (Instance *instance, GError **error)
{
    const DomainDef *def = instance->domain->def;
    g_autofree char *owner = g_strconcat (def->name, "/device", NULL);
    DeviceInput *input = g_new0 (DeviceInput, 1);
    DeviceWork *work = g_rc_box_new0 (DeviceWork);

    (void) error;
    input->def = domain_def_copy (def);
    host_server_init (&input->server);
    work->servers = nbd_servers_ref (input->server.servers);
    work->waits = served_by_program (def);
    work->step = instance_ticket (instance);
    instance->devices = work;
    /* images may lie on a server that does not answer */
    task_run_waiting (owner, devices_attach, input, device_input_free, devices_attached, g_rc_box_acquire (work));
    return STEP_WAIT;
}

/* The kernel takes the devices back with their last user, also when this daemon dies. */
StepResult
undo_devices (Instance *instance)
{
    DeviceWork *work = instance->devices;

    if (work && !work->over && work->waits) {
        if (work->undo)
            instance_redeem (work->undo);
        work->undo = instance_ticket (instance);
        return STEP_WAIT;
    }
    g_clear_pointer (&instance->images, g_array_unref);
    /* then the image is complete, and the next start can have it */
    if (host_images_served (instance)) {
        instance_retry (instance);
        return STEP_WAIT;
    }
    return STEP_DONE;
}
