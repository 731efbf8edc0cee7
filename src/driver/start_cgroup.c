/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's place in the tree of control groups, its limits, and its entries with systemd.
 * All of it comes after the spawn of the controller: a group is named by the controller's pid, and
 * a systemd scope cannot be made without a process. The controller waits for its CGROUP packet
 * meanwhile, and so nothing of the container runs outside of its group.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "driver/daemon.h"
#include "driver/device_rules.h"
#include "driver/group_task.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "host/machined.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

#define LEFT_RETRY_S 2
#define LEFT_TRIES 900

/* ---- systemd scope */

gboolean
systemd_needed (Instance *instance)
{
    (void) instance;
    return systemd_present ();
}

static void
scope_started (const char *cgroup_path, const GError *error, gpointer data)
{
    Instance *instance = instance_redeem (data);

    if (!instance)
        return;
    if (error) {
        instance_fail (instance, g_error_copy (error));
        return;
    }
    instance_set_note (instance, NOTE_SCOPE_PATH, cgroup_path);
    instance_resume (instance);
}

StepResult
step_scope (Instance *instance, GError **error)
{
    const DomainDef *def = instance->domain->def;
    g_autofree char *machine = machined_machine_name (def->name, instance->pid);
    g_autofree char *unit = systemd_scope_name (machine);
    g_autofree char *slice = systemd_slice_of_partition (def->partition);
    g_autofree char *description = g_strconcat ("Container ", machine, NULL);

    (void) error;
    instance_set_note (instance, NOTE_SCOPE, unit);
    instance_set_note (instance, NOTE_MACHINE, machine);
    systemd_scope_start (unit, slice, description, instance->pid, scope_started,
                         instance_ticket (instance));
    return STEP_WAIT;
}

StepResult
undo_scope (Instance *instance)
{
    const char *unit = instance_note (instance, NOTE_SCOPE);

    if (instance_end_processes (instance) == STEP_WAIT)
        return STEP_WAIT;
    if (unit)
        systemd_scope_stop (unit);
    return STEP_DONE;
}

/* ---- limits */

static gboolean
has_controllers (guint wanted)
{
    return (cgroup_host_controllers () & wanted) == wanted;
}

static gboolean
limit_memory (const DomainDef *def, Cgroup *cgroup, GError **error)
{
    const DomainMemtune *tune = &def->memtune;
    guint64 hard = tune_bytes (tune_memory (def));
    guint64 swap = tune->swap_hard_limit_set ? tune_bytes (tune->swap_hard_limit) : CGROUP_UNLIMITED;

    if (!has_controllers (CGROUP_MEMORY)) {
        if (!tune->hard_limit_set && !tune->soft_limit_set && !tune->swap_hard_limit_set)
            return TRUE;
        return error_set (error, ERR_OPERATION_INVALID, "cgroup memory controller is not mounted");
    }
    if (!cgroup_set_memory (cgroup, hard, swap, error))
        return FALSE;
    return !tune->soft_limit_set || cgroup_set_memory_soft (cgroup, tune_bytes (tune->soft_limit), error);
}

/* An init system goes on without the one service that the kernel has killed, and starts it again; what
 * else is run as init is one application, of which a part alone is of no use. */
static gboolean
is_init_system (const char *init)
{
    static const char *const names[] = {
        "init", "systemd", "openrc-init", "runit", "runit-init", "s6-svscan", "s6-linux-init", "dinit", NULL
    };
    g_autofree char *name = g_path_get_basename (init);

    return g_strv_contains (names, name);
}

static gboolean
limit_cpu (const DomainDef *def, Cgroup *cgroup, GError **error)
{
    if (def->cputune.shares_set && !cgroup_set_cpu_shares (cgroup, def->cputune.shares, error))
        return FALSE;
    return (!def->cputune.period && !def->cputune.quota)
           || cgroup_set_cpu_cfs (cgroup, def->cputune.period,
                                  def->cputune.quota ? def->cputune.quota : -1, error);
}

static gboolean
set_limits (Instance *instance, GError **error)
{
    const DomainDef *def = instance->domain->def;
    g_autoptr (GArray) rules = plan_device_rules (def, instance->facts);
    const DomainSkep *skep = def->skep;
    guint64 pids = tune_pids (def);

    if (!limit_memory (def, instance->cgroup, error) || !limit_cpu (def, instance->cgroup, error))
        return FALSE;
    if (!is_init_system (def->os.init) && !cgroup_set_oom_group (instance->cgroup, error))
        return FALSE;
    /* what the definition asks for fails where it cannot be had; the default does not */
    if (pids > 0 && ((skep && skep->tasks_max) || has_controllers (CGROUP_PIDS))
        && !cgroup_set_pids (instance->cgroup, pids, error))
        return FALSE;
    return device_rules_apply (instance, rules, error);
}

/* ---- the group */

static char *
group_parent (Instance *instance)
{
    const char *scope = instance_note (instance, NOTE_SCOPE_PATH);

    return g_strdup (scope ? scope : instance->domain->def->partition);
}

static char *
group_name (Instance *instance)
{
    g_autofree char *machine = NULL;

    if (instance_note (instance, NOTE_SCOPE_PATH))
        return g_strdup ("skep");
    machine = machined_machine_name (instance->domain->def->name, instance->pid);
    return g_strconcat (machine, ".libvirt-lxc", NULL);
}

/* STEP_WAIT: the controller has gone; what it said lies in the socket still, and will end the
 * start. */
static StepResult
send_groups (Instance *instance, GError **error)
{
    MonitorPacket packet = { .type = MONITOR_CGROUP };
    g_autoptr (GArray) fds = NULL;
    CgroupFdCounts counts;

    fds = cgroup_start_fds (instance->cgroup, &counts, error);
    if (!fds)
        return STEP_FAILED;
    if (!instance->start_link) {
        error_set (error, ERR_INTERNAL, "guest failed to start: the controller died");
        return STEP_FAILED;
    }
    packet.flags = (counts.v2 ? MONITOR_CGROUP_V2 : 0) | (counts.memory ? MONITOR_CGROUP_MEMORY : 0)
                   | (counts.memory_v2 ? MONITOR_CGROUP_MEMORY_V2 : 0);
    packet.b = counts.guest;
    packet.a = counts.controller;
    return monitor_link_send (instance->start_link, &packet, (const int *) (void *) fds->data, fds->len, NULL)
               ? STEP_DONE : STEP_WAIT;
}

/* The note is in the status file before the first directory is made. */
static gboolean
note_group (Instance *instance, const char *parent, const char *name, GError **error)
{
    g_autofree char *path = g_str_has_suffix (parent, ".scope") ? g_strdup (parent)
                                                                : cgroup_partition_path (parent);
    g_autofree char *base = g_strconcat (path, "/", name, NULL);

    instance_set_note (instance, NOTE_GROUP, base);
    return store_save_status (instance->domain, error);
}

static StepResult
finish_group (Instance *instance, GError **error)
{
    const PlanFacts *facts = instance->facts;

    if (facts->idmap
        && !cgroup_delegate (instance->cgroup, facts->root_uid, facts->root_gid, error))
        return STEP_FAILED;
    return send_groups (instance, error);
}

static void
tune_done (gpointer result, GError *error, gpointer data)
{
    Instance *instance = instance_redeem (data);
    GError *why = NULL;
    StepResult next;

    if (!instance)
        return;
    next = result ? finish_group (instance, &why) : STEP_FAILED;
    if (next == STEP_FAILED)
        instance_fail (instance, why ? why : g_error_copy (error));
    else if (next == STEP_DONE)
        instance_resume (instance);
}

static StepResult
tune_and_finish (Instance *instance, GError **error)
{
    const DomainDef *def = instance->domain->def;
    g_autoptr (TuneWork) work = NULL;

    device_numbers_fill (instance);
    work = tune_work_new (instance, NULL, def, TRUE, error);
    if (!work)
        return STEP_FAILED;
    /* a device that hangs lets the write of its limits hang, which is no reason for others to wait */
    if (tune_work_devices (work)) {
        group_tune (instance, g_steal_pointer (&work), tune_done, instance_ticket (instance));
        return STEP_WAIT;
    }
    return tune_work_run (work, error) ? finish_group (instance, error) : STEP_FAILED;
}

StepResult
step_cgroup (Instance *instance, GError **error)
{
    g_autofree char *parent = group_parent (instance);
    g_autofree char *name = group_name (instance);

    if (!note_group (instance, parent, name, error))
        return STEP_FAILED;
    instance->cgroup = cgroup_create (parent, name, FALSE, error);
    if (!instance->cgroup || !cgroup_add_controller (instance->cgroup, instance->pid, error)
        || !set_limits (instance, error))
        return STEP_FAILED;
    return tune_and_finish (instance, error);
}

void
group_paths_add (GPtrArray *paths, const char *base)
{
    const CgroupView *views;
    guint n;

    views = cgroup_host_views (&n);
    for (guint i = 0; i < n; i++)
        g_ptr_array_add (paths, g_strconcat (views[i].options, ":", base, NULL));
}

/* A daemon that died in cgroup_create() left a note, but no paths. */
static Cgroup *
open_noted (Instance *instance)
{
    const char *base = instance_note (instance, NOTE_GROUP);
    g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

    if (!base)
        return NULL;
    group_paths_add (paths, base);
    g_ptr_array_add (paths, NULL);
    return cgroup_open ((const char *const *) paths->pdata, NULL);
}

/* ---- removal; of very many groups that a guest made below its own, in a task */

static gpointer
many_remove (gpointer data, GError **error)
{
    (void) error;
    cgroup_kill_many (data);
    cgroup_remove_many (data);
    return NULL;
}

static void
many_removed (gpointer result, GError *error, gpointer data)
{
    Instance *instance = instance_redeem (data);

    (void) result;
    (void) error;
    if (instance)
        instance_retry (instance);
}

StepResult
undo_cgroup (Instance *instance)
{
    gboolean many = FALSE;

    if (!instance->cgroup)
        instance->cgroup = open_noted (instance);
    if (instance_end_processes (instance) == STEP_WAIT)
        return STEP_WAIT;
    if (!instance->cgroup)
        return STEP_DONE;
    /* removing a file waits for who writes it */
    if (instance->writers > 0 || !cgroup_remove (instance->cgroup, &many, NULL)) {
        if (many)
            task_run (many_remove, cgroup_copy (instance->cgroup), (GDestroyNotify) cgroup_free, many_removed,
                      instance_ticket (instance));
        else
            instance_retry (instance);
        return STEP_WAIT;
    }
    cgroup_free (g_steal_pointer (&instance->cgroup));
    return STEP_DONE;
}

/* ---- what could not be removed in time */

typedef struct {
    Cgroup *cgroup;
    guint tries;
    gboolean removing;          /* in a task */
} LeftGroup;

static void
left_removed (gpointer result, GError *error, gpointer data)
{
    LeftGroup *left = data;

    (void) result;
    (void) error;
    left->removing = FALSE;
}

static gboolean
remove_left (gpointer data)
{
    LeftGroup *left = data;
    g_autoptr (GError) error = NULL;
    gboolean many;

    if (left->removing)
        return G_SOURCE_CONTINUE;
    cgroup_kill (left->cgroup, NULL, NULL);
    if (!cgroup_remove (left->cgroup, &many, &error)) {
        left->removing = many;
        if (many)
            task_run (many_remove, cgroup_copy (left->cgroup), (GDestroyNotify) cgroup_free, left_removed, left);
        if (++left->tries < LEFT_TRIES || many)
            return G_SOURCE_CONTINUE;
        log_error ("a cgroup stays behind: %s", error->message);
    }
    cgroup_free (left->cgroup);
    g_free (left);
    return G_SOURCE_REMOVE;
}

void
cgroup_leave (Cgroup *cgroup)
{
    LeftGroup *left = g_new0 (LeftGroup, 1);

    left->cgroup = cgroup;
    g_timeout_add_seconds (LEFT_RETRY_S, remove_left, left);
}

/* ---- machined */

static void
machine_registered (const char *cgroup_path, const GError *error, gpointer data)
{
    Instance *instance = instance_redeem (data);

    (void) cgroup_path;
    if (!instance)
        return;
    /* machinectl does not show it then; the container is none the worse */
    if (error)
        log_warning ("domain '%s': cannot register with machined: %s", instance->domain->def->name,
                     error->message);
    instance_resume (instance);
}

StepResult
step_machine (Instance *instance, GError **error)
{
    const DomainDef *def = instance->domain->def;
    const char *machine = instance_note (instance, NOTE_MACHINE);

    (void) error;
    machined_register (machine, def->uuid, instance->init_pid, NULL, 0, machine_registered,
                       instance_ticket (instance));
    return STEP_WAIT;
}

StepResult
undo_machine (Instance *instance)
{
    const char *machine = instance_note (instance, NOTE_MACHINE);

    if (machine)
        machined_terminate (machine);
    return STEP_DONE;
}
