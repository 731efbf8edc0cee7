/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a start that come before the controller: looking, hooks, the log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "conf/domain_device.h"
#include "driver/daemon.h"
#include "driver/hooks.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "driver/tune.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

/* ---- look before anything is made */

typedef struct {
    DomainDef *def;
    PlanQuestion question;
} CheckInput;

static void
check_input_free (gpointer data)
{
    CheckInput *input = data;

    domain_def_free (input->def);
    g_free (input);
}

static gpointer
check_run (gpointer data, GError **error)
{
    return plan_facts_gather (&((CheckInput *) data)->question, error);
}

static void
check_done (gpointer result, GError *error, gpointer data)
{
    Instance *instance = instance_redeem (data);

    if (!instance) {
        plan_facts_free (result);
        return;
    }
    if (!result) {
        instance_fail (instance, g_error_copy (error));
        return;
    }
    /* descriptors of shared namespaces were opened on this side already */
    for (guint i = 0; i < SHARE_LAST; i++)
        ((PlanFacts *) result)->shares[i] = fd_steal (&instance->facts->shares[i]);
    plan_facts_free (instance->facts);
    instance->facts = result;
    instance_resume (instance);
}

/* The process whose namespace is meant, 0 with error. */
static pid_t
share_owner (const Domain *domain, const NamespaceShare *share, GError **error)
{
    Domain *other;
    guint64 pid;

    if (share->source == SHARE_SOURCE_PID) {
        if (g_ascii_string_to_unsigned (share->value, 10, 1, G_MAXINT, &pid, NULL))
            return (pid_t) pid;
        error_set (error, ERR_CONFIG_UNSUPPORTED, "'%s' is not a process id", share->value);
        return 0;
    }
    other = domain_list_find_name (daemon_state.domains, share->value);
    if (other && other != domain && other->instance && domain_active (other)
        && other->instance->init_pid > 0)
        return other->instance->init_pid;
    error_set (error, ERR_CONFIG_UNSUPPORTED,
               "cannot share namespaces of domain '%s', which is not running", share->value);
    return 0;
}

static gboolean
open_share (Instance *instance, guint which, GError **error)
{
    static const char *const files[SHARE_LAST] = { "net", "ipc", "uts" };
    const NamespaceShare *share = &instance->domain->def->shares[which];
    g_autofree char *path = NULL;
    pid_t pid;
    int fd;

    if (!share->set)
        return TRUE;
    if (share->source == SHARE_SOURCE_NETNS) {
        if (which != SHARE_NET || strchr (share->value, '/'))
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "'%s' is not a network namespace",
                              share->value);
        path = g_strconcat ("/run/netns/", share->value, NULL);
    } else {
        pid = share_owner (instance->domain, share, error);
        if (pid == 0)
            return FALSE;
        path = g_strdup_printf ("/proc/%d/ns/%s", (int) pid, files[which]);
    }
    fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno (error, errno, "cannot open namespace '%s'", path);
    instance->facts->shares[which] = fd;
    return TRUE;
}

void
domain_complete_live_def (DomainDef *def)
{
    gboolean has_root = FALSE;

    if (!def->partition)
        def->partition = g_strdup ("/machine");
    for (guint i = 0; i < def->consoles->len; i++) {
        ConsoleDef *console = def->consoles->pdata[i];

        g_free (console->alias);
        console->alias = g_strdup_printf ("console%u", i);
    }
    for (guint i = 0; i < def->filesystems->len; i++)
        has_root |= strcmp (((FsDef *) def->filesystems->pdata[i])->target, "/") == 0;
    if (!has_root) {
        FsDef *fs = g_new0 (FsDef, 1);

        fs->type = FS_MOUNT;
        fs->source = g_strdup ("/");
        fs->target = g_strdup ("/");
        g_ptr_array_insert (def->filesystems, 0, fs);
    }
    domain_alias_fill (def);
}

/* Its controller would find its socket in use, and the clean-up would cut off who uses it. */
static gboolean
nobody_listens (const DomainDef *def, GError **error)
{
    g_autofree char *path = store_monitor_path (def);
    pid_t pid = access (path, F_OK) == 0 ? monitor_listener (path) : 0;

    return pid == 0 || error_set (error, ERR_OPERATION_INVALID,
                                  "a container of this domain, whose status was lost, runs already: process %d",
                                  (int) pid);
}

StepResult
step_check (Instance *instance, GError **error)
{
    DomainDef *def = instance->domain->def;
    g_autofree char *owner = g_strconcat (def->name, "/start", NULL);
    CheckInput *input;

    if (!nobody_listens (def, error) || !plan_check_def (def, error) || !tune_check_devices (def, error))
        return STEP_FAILED;
    domain_complete_live_def (def);
    instance->facts = plan_facts_new (def);
    for (guint i = 0; i < SHARE_LAST; i++)
        if (!open_share (instance, i, error))
            return STEP_FAILED;
    input = g_new0 (CheckInput, 1);
    input->def = domain_def_copy (def);
    input->question = (PlanQuestion) { .def = input->def, .arch32 = daemon_state.defaults.arch32,
                                       .cap_last = daemon_state.cap_last,
                                       .helper = daemon_state.settings->helper };
    task_run_waiting (owner, check_run, input, check_input_free, check_done, instance_ticket (instance));
    return STEP_WAIT;
}

/* ---- hooks */

gboolean
hooks_needed (Instance *instance)
{
    (void) instance;
    return hooks_present ();
}

static void
hook_answer (const GError *error, gpointer data)
{
    Instance *instance = instance_redeem (data);

    if (!instance)
        return;
    if (error && instance->phase == PHASE_STARTING) {
        instance_fail (instance, g_error_copy (error));
        return;
    }
    if (error)      /* too late to stop anything */
        log_warning ("domain '%s': %s", instance->domain->def->name, error->message);
    instance_resume (instance);
}

static StepResult
run_hook (Instance *instance, const char *operation, const char *suboperation)
{
    const DomainDef *def = instance->domain->def;

    hook_run (def->name, operation, suboperation, "-", domain_def_format (def, 0), hook_answer,
              instance_ticket (instance));
    return STEP_WAIT;
}

/* The mirror of a hook is run once, although an undo is asked again after it waited. */
static StepResult
run_hook_once (Instance *instance, const char *operation)
{
    if (instance_note (instance, operation) || !hooks_present ())
        return STEP_DONE;
    instance_set_note (instance, operation, "run");
    return run_hook (instance, operation, "end");
}

StepResult
step_hook_prepare (Instance *instance, GError **error)
{
    (void) error;
    return run_hook (instance, "prepare", "begin");
}

StepResult
undo_hook_prepare (Instance *instance)
{
    /* Nothing of the container is left: scripts see it without id. One that restarts runs for its
     * clients all the time. */
    if (!instance->restart)
        domain_list_set_id (daemon_state.domains, instance->domain, -1);
    return run_hook_once (instance, "release");
}

StepResult
step_hook_start (Instance *instance, GError **error)
{
    (void) error;
    return run_hook (instance, "start", "begin");
}

StepResult
undo_hook_start (Instance *instance)
{
    return run_hook_once (instance, "stopped");
}

StepResult
step_hook_started (Instance *instance, GError **error)
{
    (void) error;
    return run_hook (instance, "started", "begin");
}

/* ---- the domain's own hooks */

gboolean
own_hooks_needed (Instance *instance)
{
    const DomainDef *def = instance->domain->def;

    return own_hooks_present (def, SKEP_HOOK_PRE_START) || own_hooks_present (def, SKEP_HOOK_POST_STOP);
}

static StepResult
run_own_hooks (Instance *instance, SkepHookOn on)
{
    own_hooks_run (instance->domain->def, on, instance->restart, hook_answer,
                   instance_ticket (instance));
    return STEP_WAIT;
}

StepResult
step_pre_start (Instance *instance, GError **error)
{
    (void) error;
    return run_own_hooks (instance, SKEP_HOOK_PRE_START);
}

StepResult
undo_pre_start (Instance *instance)
{
    if (instance_note (instance, "post-stop"))
        return STEP_DONE;
    instance_set_note (instance, "post-stop", "run");
    return run_own_hooks (instance, SKEP_HOOK_POST_STOP);
}

gboolean
start_host_needed (Instance *instance)
{
    return own_hooks_present (instance->domain->def, SKEP_HOOK_START_HOST);
}

StepResult
step_start_host (Instance *instance, GError **error)
{
    (void) error;
    return run_own_hooks (instance, SKEP_HOOK_START_HOST);
}
