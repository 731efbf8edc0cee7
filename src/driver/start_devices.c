/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that a container gets as block devices: loop devices, attached on a pool thread. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "driver/host_devices.h"
#include "driver/start_private.h"
#include "host/block.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/task.h"

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

static void
close_fd (gpointer data)
{
    fd_close (data);
}

static void
fs_clear (gpointer data)
{
    PlanFs *fs = data;

    g_free (fs->device);
    g_free (fs->fstype);
}

void
device_result_free (DeviceResult *result)
{
    if (!result)
        return;
    g_array_unref (result->fs);
    g_array_unref (result->disks);
    g_array_unref (result->loops);
    g_free (result);
}

static DeviceResult *
device_result_new (const DomainDef *def)
{
    DeviceResult *result = g_new0 (DeviceResult, 1);

    result->fs = g_array_new (FALSE, TRUE, sizeof (PlanFs));
    g_array_set_clear_func (result->fs, fs_clear);
    g_array_set_size (result->fs, def->filesystems->len);
    result->disks = g_array_new (FALSE, TRUE, sizeof (PlanDevice));
    g_array_set_size (result->disks, def->disks->len);
    result->loops = g_array_new (FALSE, TRUE, sizeof (int));
    g_array_set_clear_func (result->loops, close_fd);
    return result;
}

static gboolean
attach (DeviceResult *result, const char *file, gboolean readonly, char **ret_path, PlanDevice *ret,
        GError **error)
{
    struct stat st;
    int fd;

    if (!block_loop_attach (file, readonly, ret_path, &fd, error))
        return FALSE;
    g_array_append_val (result->loops, fd);
    if (fstat (fd, &st) < 0)
        return error_set_errno (error, errno, "cannot stat '%s'", *ret_path);
    *ret = (PlanDevice) { .set = TRUE, .block = TRUE, .major = major (st.st_rdev),
                          .minor = minor (st.st_rdev) };
    return TRUE;
}

static gboolean
device_of_fs (DeviceResult *result, const FsDef *fs, PlanFs *ret, GError **error)
{
    if (fs->type == FS_FILE) {
        if (fs->driver == FS_DRIVER_NBD || (fs->format != FORMAT_NONE && fs->format != FORMAT_RAW))
            return error_set (error, ERR_CONFIG_UNSUPPORTED,
                              "filesystem '%s': only raw files through loop devices are supported",
                              fs->source);
        if (!attach (result, fs->source, fs->readonly, &ret->device, &ret->numbers, error))
            return FALSE;
    } else if (fs->type == FS_BLOCK) {
        ret->device = g_strdup (fs->source);
    } else {
        return TRUE;
    }
    ret->fstype = block_filesystem (ret->device, error);
    return ret->fstype != NULL;
}

DeviceResult *
host_devices_attach (const DomainDef *def, GError **error)
{
    g_autoptr (DeviceResult) result = device_result_new (def);

    for (guint i = 0; i < def->filesystems->len; i++)
        if (!device_of_fs (result, def->filesystems->pdata[i], &g_array_index (result->fs, PlanFs, i),
                           error))
            return NULL;
    for (guint i = 0; i < def->disks->len; i++) {
        const DiskDef *disk = def->disks->pdata[i];
        g_autofree char *path = NULL;

        if (disk->type != DISK_FILE)
            continue;
        if ((disk->driver_name && strcmp (disk->driver_name, "nbd") == 0)
            || (disk->format != FORMAT_NONE && disk->format != FORMAT_RAW)) {
            error_set (error, ERR_CONFIG_UNSUPPORTED,
                       "disk '%s': only raw files through loop devices are supported", disk->target);
            return NULL;
        }
        if (!attach (result, disk->source, disk->readonly, &path,
                     &g_array_index (result->disks, PlanDevice, i), error))
            return NULL;
    }
    return g_steal_pointer (&result);
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

static gpointer
devices_attach (gpointer data, GError **error)
{
    return host_devices_attach (data, error);
}

static void
devices_attached (gpointer data_result, GError *error, gpointer data)
{
    g_autoptr (DeviceResult) result = data_result;
    Instance *instance = instance_redeem (data);

    if (!instance)
        return;
    if (!result) {
        instance_fail (instance, g_error_copy (error));
        return;
    }
    host_devices_take (result, instance->facts);
    instance->loops = g_array_ref (result->loops);
    instance_resume (instance);
}

StepResult
step_devices (Instance *instance, GError **error)
{
    g_autofree char *owner = g_strconcat (instance->domain->def->name, "/device", NULL);

    (void) error;
    /* images may lie on a server that does not answer */
    task_run_waiting (owner, devices_attach, domain_def_copy (instance->domain->def),
                      (GDestroyNotify) domain_def_free, devices_attached, instance_ticket (instance));
    return STEP_WAIT;
}

/* Loops end by themselves with their last user, also when this daemon dies. */
StepResult
undo_devices (Instance *instance)
{
    g_clear_pointer (&instance->loops, g_array_unref);
    return STEP_DONE;
}
