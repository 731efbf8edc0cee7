/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Freezing and thawing file systems of containers. */
#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "driver/api.h"
#include "driver/errand.h"
#include "driver/frozen.h"
#include "driver/own_fs.h"
#include "driver/params.h"
#include "driver/store.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

typedef struct {
    char *target;
    int fd;                     /* of its root; owned */
} FrozenFs;

static void
frozen_free (gpointer data)
{
    FrozenFs *fs = data;

    g_free (fs->target);
    fd_close (&fs->fd);
    g_free (fs);
}

/* ---- thawing: by a task, since the kernel writes to the device, which may not answer */

/* EINVAL: it is not frozen; somebody inside, who may, has thawed it. */
static gboolean
thaw_one (const FrozenFs *fs)
{
    if (ioctl (fs->fd, FITHAW, 0) == 0)
        return TRUE;
    if (errno != EINVAL)
        log_warning ("cannot thaw '%s': %s", fs->target, g_strerror (errno));
    return FALSE;
}

/* How many were frozen. Takes @list. */
static guint
thaw_all (GPtrArray *list)
{
    guint n = 0;

    for (guint i = 0; i < list->len; i++)
        n += thaw_one (list->pdata[i]) ? 1 : 0;
    g_ptr_array_unref (list);
    return n;
}

typedef struct {
    Domain *domain;
    guint64 serial;
    Call *call;                 /* NULL: nobody asked */
    int n;
} Thaw;

static gpointer
thaw_run (gpointer data, GError **error)
{
    (void) error;
    thaw_all (data);
    return NULL;
}

/* The note goes last: a daemon that dies before leaves it to the next one. */
static void
thawed (gpointer result, GError *error, gpointer data)
{
    g_autofree Thaw *thaw = data;
    g_autoptr (Domain) domain = thaw->domain;
    Instance *instance = domain->instance;
    GError *why = NULL;

    (void) result;
    (void) error;
    if (instance && instance->serial == thaw->serial && --instance->thawing == 0) {
        instance_set_note (instance, NOTE_FROZEN, NULL);
        store_save_status (domain, thaw->call ? &why : NULL);
    }
    if (!thaw->call)
        return;
    ((domain_fsthaw_ret *) thaw->call->out)->filesystems = thaw->n;
    if (why)
        call_failed (thaw->call, why);
    else
        call_done (thaw->call);
}

static char *
thaw_owner (const Domain *domain)
{
    return g_strconcat (domain->def->name, "/thaw", NULL);
}

static void
thaw_begin (Instance *instance, Call *call)
{
    g_autofree char *owner = thaw_owner (instance->domain);
    Thaw *thaw = g_new0 (Thaw, 1);

    if (instance->thaw_timer)
        g_source_remove (instance->thaw_timer);
    instance->thaw_timer = 0;
    *thaw = (Thaw) { domain_ref (instance->domain), instance->serial, call, (int) instance->frozen->len };
    instance->thawing++;
    task_run_waiting (owner, thaw_run, g_steal_pointer (&instance->frozen), NULL, thawed, thaw);
}

void
frozen_release (Instance *instance)
{
    if (instance->frozen)
        thaw_begin (instance, NULL);
}

static gboolean
time_is_up (gpointer data)
{
    Instance *instance = data;

    instance->thaw_timer = 0;
    log_warning ("domain '%s': its file systems were frozen for %d s and are thawed",
                 instance->domain->def->name, FROZEN_MAX_MS / 1000);
    frozen_release (instance);
    return G_SOURCE_REMOVE;
}

/* ---- freezing: a task that opens and freezes one after the other */

typedef struct {
    OwnFs *fs;
    gboolean only_thaw;
} FreezeInput;

static void
input_free (gpointer data)
{
    FreezeInput *input = data;

    own_fs_free (input->fs);
    g_free (input);
}

static FrozenFs *
open_fs (const FreezeInput *input, guint i, GError **error)
{
    const PlanDevice *device = &g_array_index (input->fs->numbers, PlanDevice, i);
    g_autofree char *numbers = g_strdup_printf ("%u:%u", device->major, device->minor);
    const char *words[] = { "filesystem", input->fs->targets->pdata[i], numbers, NULL };
    int fd = errand_open (&input->fs->target, words, ERRAND_DEADLINE_MS, error);
    FrozenFs *fs;

    if (fd < 0)
        return NULL;
    fs = g_new0 (FrozenFs, 1);
    fs->target = g_strdup (input->fs->targets->pdata[i]);
    fs->fd = fd;
    return fs;
}

/* Of FrozenFs; all of them or none. */
static gpointer
freeze_run (gpointer data, GError **error)
{
    const FreezeInput *input = data;
    g_autoptr (GPtrArray) frozen = g_ptr_array_new_with_free_func (frozen_free);

    for (guint i = 0; i < input->fs->targets->len; i++) {
        FrozenFs *fs = open_fs (input, i, error);

        if (fs && (input->only_thaw || ioctl (fs->fd, FIFREEZE, 0) == 0)) {
            g_ptr_array_add (frozen, fs);
            continue;
        }
        if (fs) {
            error_set_errno (error, errno, "Unable to freeze '%s'", fs->target);
            frozen_free (fs);
        }
        if (!input->only_thaw) {
            thaw_all (g_steal_pointer (&frozen));
            return NULL;
        }
        g_clear_error (error);
    }
    return g_steal_pointer (&frozen);
}

/* The file systems of @mountpoints, or all that can be frozen. */
static FreezeInput *
input_new (Domain *domain, char *const *mountpoints, guint n, GError **error)
{
    OwnFs *fs = own_fs_new (domain, mountpoints, n, "frozen", error);
    FreezeInput *input = fs ? g_new0 (FreezeInput, 1) : NULL;

    if (input)
        input->fs = fs;
    return input;
}

/* One a line. */
static char *
targets_text (const FreezeInput *input)
{
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < input->fs->targets->len; i++)
        g_string_append_printf (text, "%s%s", i ? "\n" : "", (const char *) input->fs->targets->pdata[i]);
    return g_string_free (text, FALSE);
}

typedef struct {
    Call *call;
    guint64 serial;
} Freeze;

/* The container has ended, or ends, meanwhile: its end waits for the thaw, which goes by its name and before the
 * daemon's own end (task_drain_for()). */
static void
frozen_too_late (const Freeze *freeze, GPtrArray *list)
{
    Domain *domain = freeze->call->domain;
    Instance *instance = domain->instance;
    g_autofree char *owner = thaw_owner (domain);

    if (instance && instance->serial == freeze->serial) {
        instance->frozen = list;
        frozen_release (instance);
    } else {
        Thaw *thaw = g_new0 (Thaw, 1);

        *thaw = (Thaw) { .domain = domain_ref (domain), .serial = freeze->serial };
        task_run_waiting (owner, thaw_run, list, NULL, thawed, thaw);
    }
}

/* Nothing is frozen, or what was is thawed again. */
static void
freeze_failed (const Freeze *freeze, GError *error)
{
    Domain *domain = freeze->call->domain;
    Instance *instance = domain->instance;

    if (instance && instance->serial == freeze->serial) {
        instance_set_note (instance, NOTE_FROZEN, NULL);
        store_save_status (domain, NULL);
    }
    call_failed (freeze->call, error);
}

static void
frozen_done (gpointer result, GError *error, gpointer data)
{
    g_autofree Freeze *freeze = data;
    Call *call = freeze->call;
    Instance *instance = call->domain->instance;
    GPtrArray *list = result;
    GError *why = NULL;

    if (!list) {
        freeze_failed (freeze, g_error_copy (error));
        return;
    }
    if (!instance || instance->serial != freeze->serial || instance->phase != PHASE_RUNNING) {
        frozen_too_late (freeze, list);
        error_set_from (&why, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
        call_failed (call, why);
        return;
    }
    ((domain_fsfreeze_ret *) call->out)->filesystems = (int) list->len;
    instance->frozen = list;
    instance->thaw_timer = g_timeout_add (FROZEN_MAX_MS, time_is_up, instance);
    call_done (call);
}

ApiResult
api_domain_fsfreeze (Call *call, const domain_fsfreeze_args *in, domain_fsfreeze_ret *out, GError **error)
{
    Instance *instance = call->domain->instance;
    g_autofree char *targets = NULL;
    FreezeInput *input;
    Freeze *freeze;

    (void) out;
    if (instance && (instance->frozen || instance->thawing)) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, instance->frozen
                        ? "the domain's file systems are frozen already"
                        : "the domain's file systems are being thawed");
        return API_FAILED;
    }
    input = input_new (call->domain, in->mountpoints.mountpoints_val, in->mountpoints.mountpoints_len, error);
    if (!input)
        return API_FAILED;
    /* before anything is frozen: a daemon that dies leaves it to the next one */
    targets = targets_text (input);
    instance_set_note (instance, NOTE_FROZEN, targets);
    if (!store_save_status (call->domain, error)) {
        instance_set_note (instance, NOTE_FROZEN, NULL);
        input_free (input);
        return API_FAILED;
    }
    freeze = g_new0 (Freeze, 1);
    *freeze = (Freeze) { call, instance->serial };
    /* the guest may keep the helper waiting, and the frozen can only be killed once thawed */
    job_yield (call->job);
    task_run_waiting (call->domain->def->name, freeze_run, input, input_free, frozen_done, freeze);
    return API_LATER;
}

/* As with an agent: what is not frozen counts as none. */
ApiResult
api_domain_fsthaw (Call *call, const domain_fsthaw_args *in, domain_fsthaw_ret *out, GError **error)
{
    Instance *instance = call->domain->instance;

    if (in->mountpoints.mountpoints_len > 0) {
        error_set (error, ERR_ARGUMENT_UNSUPPORTED, "all that was frozen is thawed together: give no mount point");
        return API_FAILED;
    }
    (void) out;
    if (!instance || !instance->frozen)
        return API_DONE;
    job_yield (call->job);
    thaw_begin (instance, call);
    return API_LATER;
}

/* ---- after a daemon's death */

static gpointer
recover_run (gpointer data, GError **error)
{
    GPtrArray *frozen = freeze_run (data, error);

    return frozen ? GUINT_TO_POINTER (thaw_all (frozen)) : NULL;
}

static void
recovered (gpointer result, GError *error, gpointer data)
{
    const Thaw *thaw = data;

    if (result)
        log_warning ("domain '%s': its file systems were left frozen, and are thawed", thaw->domain->def->name);
    thawed (NULL, error, data);
}

void
frozen_recover (Domain *domain)
{
    const char *note = instance_note (domain->instance, NOTE_FROZEN);
    g_autofree char *owner = thaw_owner (domain);
    g_auto (GStrv) targets = note ? g_strsplit (note, "\n", -1) : NULL;
    FreezeInput *input = note ? input_new (domain, targets, g_strv_length (targets), NULL) : NULL;
    Thaw *thaw;

    if (!input) {
        instance_set_note (domain->instance, NOTE_FROZEN, NULL);
        return;
    }
    input->only_thaw = TRUE;
    thaw = g_new0 (Thaw, 1);
    *thaw = (Thaw) { .domain = domain_ref (domain), .serial = domain->instance->serial };
    domain->instance->thawing++;
    task_run_waiting (owner, recover_run, input, input_free, recovered, thaw);
}
