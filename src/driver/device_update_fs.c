/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a file system of a running container may be written to. A flag of the mount, which skep-helper changes in
 * the container's mount namespace. With a user namespace that would promise too much: what was mounted read-only is
 * locked so, and what was not could be made writable again by the container's root.
 */
#include <string.h>

#include "driver/daemon.h"
#include "driver/device_rules.h"
#include "driver/device_update.h"
#include "driver/errand.h"
#include "util/error.h"
#include "util/fd.h"

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
    return !change || def->uid_map->len == 0
           || error_set (error, ERR_OPERATION_UNSUPPORTED,
                         "the kernel keeps mounts of a container with <idmap> as they were made: <readonly/> cannot "
                         "be modified while it runs");
}

typedef struct {
    ErrandTarget target;
    int plan;
    const char *access;
} AccessInput;

static void
input_free (gpointer data)
{
    AccessInput *input = data;

    errand_target_clear (&input->target);
    fd_close (&input->plan);
    g_free (input);
}

static gpointer
access_run (gpointer data, GError **error)
{
    AccessInput *input = data;
    g_autofree char *number = g_strdup_printf ("%d", ERRAND_FD_FIRST);
    const char *words[] = { "device-access", number, input->access, NULL };
    MonitorPacket answer;

    return errand_run (&input->target, words, &input->plan, 1, ERRAND_DEADLINE_MS, &answer, error) ? data : NULL;
}

static int
plan_of (Domain *domain, const FsDef *fs, GError **error)
{
    const DomainDevice device = { .kind = DEVICE_FILESYSTEM, .item = (void *) fs };
    g_autoptr (DomainDef) alone = domain_device_alone (domain->def, &device);
    const PlanDevice numbers = device_numbers_of (domain->instance, fs->alias);
    PlanFacts *facts = device_recall_facts (alone, DEVICE_FILESYSTEM, &numbers);
    int fd = device_plan_fd (alone, facts, error);

    plan_facts_free (facts);
    return fd;
}

void
device_fs_begin (Domain *domain, Job *job, const FsDef *fs, TaskDone done, gpointer data)
{
    g_autofree char *owner = g_strconcat (domain->def->name, "/enter", NULL);
    g_autoptr (GError) error = NULL;
    ErrandTarget target;
    AccessInput *input;
    int plan;

    if (!errand_target (domain, &target, &error)) {
        done (NULL, error, data);
        return;
    }
    plan = plan_of (domain, fs, &error);
    if (plan < 0) {
        errand_target_clear (&target);
        done (NULL, error, data);
        return;
    }
    input = g_new0 (AccessInput, 1);
    *input = (AccessInput) { target, plan, fs->readonly ? "ro" : "rw" };
    if (job)
        job_yield (job);
    task_run_waiting (owner, access_run, input, input_free, done, data);
}
