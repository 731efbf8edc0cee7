/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a file system of a running container may be written to. A flag of the mount, which skep-helper changes in
 * the container's mount namespace. With a user namespace that would promise too much: what was mounted read-only is
 * locked so, and what was not could be made writable again by the container's root. Of a device or image more than
 * the mount is read-only: the device rule, the file system and the loop device, which are made once.
 */
#include "driver/device_rules.h"
#include "driver/device_update.h"
#include "util/error.h"

gboolean
device_fs_check (const DomainDef *def, const DomainDevice *device, const FsDef *live, GError **error)
{
    FsDef *wanted = domain_device_copy (device->kind, device->item);
    gboolean change = wanted->readonly != live->readonly, same;

    wanted->readonly = live->readonly;
    same = domain_device_equal (device->kind, wanted, live);
    domain_device_clear (&(DomainDevice) { .kind = device->kind, .item = wanted });
    if (!same)
        return error_set (error, ERR_OPERATION_UNSUPPORTED,
                          "of a file system of a running container only <readonly/> can be modified");
    if (change && (live->type == FS_FILE || live->type == FS_BLOCK))
        return error_set (error, ERR_OPERATION_UNSUPPORTED,
                          "a file system on a device or image is opened once, at the attach or the start: <readonly/> "
                          "cannot be modified while it runs");
    return !change || def->uid_map->len == 0
           || error_set (error, ERR_OPERATION_UNSUPPORTED,
                         "the kernel keeps mounts of a container with <idmap> as they were made: <readonly/> cannot "
                         "be modified while it runs");
}

void
device_fs_begin (Domain *domain, Job *job, const FsDef *fs, TaskDone done, gpointer data)
{
    const DomainDevice device = { .kind = DEVICE_FILESYSTEM, .item = (void *) fs };
    g_autoptr (DomainDef) alone = domain_device_alone (domain->def, &device);
    const PlanDevice numbers = device_numbers_of (domain->instance, fs->alias);
    PlanFacts *facts = device_recall_facts (alone, DEVICE_FILESYSTEM, &numbers);
    g_autoptr (GError) error = NULL;

    if (!device_enter (domain, job, alone, facts, "device-access", fs->readonly ? "ro" : "rw", -1, done, data,
                       &error))
        done (NULL, error, data);
    plan_facts_free (facts);
}
