/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving back to the device, or to the image's file, what a file system of a container does not use. The helper
 * does it bit by bit, and stops when the container ends or the time is up; it is killed where somebody waits for the
 * file system (trim.h), which also ends the bit that it is at.
 */
#include "driver/trim.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include "driver/api.h"
#include "driver/errand.h"
#include "driver/job_past.h"
#include "driver/own_fs.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/task.h"

#define TRIM_DEADLINE_MS (10 * 60 * 1000)

/* Somebody who waits for the end of some trims. */
typedef struct {
    guint left;
    void (*done) (gpointer data);
    gpointer data;
} TrimWait;

typedef struct {
    Instance *instance;         /* NULL: it has gone */
    GPtrArray *targets;         /* as the input's */
    int cancel;                 /* eventfd: ends the helper */
    GSList *waits;              /* of TrimWait */
    gint64 since;               /* g_get_monotonic_time() */
    Call *call;
} Trim;

typedef struct {
    OwnFs *fs;
    guint64 minimum;
    int cancel;
} TrimInput;

static void
input_free (gpointer data)
{
    TrimInput *input = data;

    own_fs_free (input->fs);
    fd_close (&input->cancel);
    g_free (input);
}

static gpointer
trim_run (gpointer data, GError **error)
{
    TrimInput *input = data;
    g_autofree char *minimum = g_strdup_printf ("%" G_GUINT64_FORMAT, input->minimum);

    input->fs->target.cancel = input->cancel;
    for (guint i = 0; i < input->fs->targets->len; i++) {
        const PlanDevice *device = &g_array_index (input->fs->numbers, PlanDevice, i);
        g_autofree char *numbers = g_strdup_printf ("%u:%u", device->major, device->minor);
        const char *words[] = { "trim", input->fs->targets->pdata[i], numbers, minimum, NULL };
        MonitorPacket answer;

        if (!errand_run (&input->fs->target, words, NULL, 0, TRIM_DEADLINE_MS, &answer, error))
            return NULL;
    }
    return data;
}

/* ---- those under way */

static gboolean
trims_target (const Trim *trim, const char *target)
{
    return !target || g_ptr_array_find_with_equal_func (trim->targets, target, g_str_equal, NULL);
}

gboolean
trim_stop (Instance *instance, const char *target, void (*done) (gpointer data), gpointer data)
{
    TrimWait *wait = g_new0 (TrimWait, 1);

    *wait = (TrimWait) { .done = done, .data = data };
    for (GSList *l = instance->trims; l; l = l->next) {
        Trim *trim = l->data;

        if (!trims_target (trim, target))
            continue;
        eventfd_write (trim->cancel, 1);
        trim->waits = g_slist_prepend (trim->waits, wait);
        wait->left++;
    }
    if (wait->left > 0)
        return TRUE;
    g_free (wait);
    return FALSE;
}

gint64
trim_since (const Instance *instance)
{
    const GSList *first = g_slist_last (instance->trims);

    return first ? ((const Trim *) first->data)->since : 0;
}

void
trim_forget (Instance *instance)
{
    trim_stop (instance, NULL, NULL, NULL);
    for (GSList *l = instance->trims; l; l = l->next)
        ((Trim *) l->data)->instance = NULL;
    g_clear_pointer (&instance->trims, g_slist_free);
}

static void
trim_over (Trim *trim)
{
    if (trim->instance)
        trim->instance->trims = g_slist_remove (trim->instance->trims, trim);
    for (GSList *l = trim->waits; l; l = l->next) {
        TrimWait *wait = l->data;

        if (--wait->left > 0)
            continue;
        if (wait->done)
            wait->done (wait->data);
        g_free (wait);
    }
    g_slist_free (trim->waits);
    g_ptr_array_unref (trim->targets);
    fd_close (&trim->cancel);
    g_free (trim);
}

static void
trimmed (gpointer result, GError *error, gpointer data)
{
    Trim *trim = data;
    Call *call = trim->call;
    GError *why = NULL;

    job_past_keep (call->domain, OPERATION_UNKNOWN, trim->since, result ? NULL : error->message,
                   error && error->code == ERR_OPERATION_ABORTED);
    trim_over (trim);
    if (result) {
        call_done (call);
        return;
    }
    if (error->code == ERR_OPERATION_ABORTED)
        error_set (&why, ERR_OPERATION_ABORTED,
                   "a client aborted it, the file system is detached, or its container ends");
    call_failed (call, why ? why : g_error_copy (error));
}

ApiResult
api_domain_fstrim (Call *call, const domain_fstrim_args *in, none *out, GError **error)
{
    char *mountpoint = in->mountPoint ? *in->mountPoint : NULL;
    g_autofree char *owner = g_strconcat (call->domain->def->name, "/trim", NULL);
    g_autoptr (OwnFs) fs = own_fs_new (call->domain, &mountpoint, mountpoint ? 1 : 0, "trimmed", error);
    autofd int cancel = -1, copy = -1;
    TrimInput *input;
    Trim *trim;

    (void) out;
    if (!fs)
        return API_FAILED;
    cancel = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    copy = cancel < 0 ? -1 : fcntl (cancel, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        error_set_errno (error, errno, "cannot make an event");
        return API_FAILED;
    }
    trim = g_new0 (Trim, 1);
    *trim = (Trim) { .instance = call->domain->instance, .targets = g_ptr_array_ref (fs->targets),
                     .cancel = fd_steal (&cancel), .since = g_get_monotonic_time (), .call = call };
    trim->instance->trims = g_slist_prepend (trim->instance->trims, trim);
    input = g_new0 (TrimInput, 1);
    *input = (TrimInput) { g_steal_pointer (&fs), in->minimum, fd_steal (&copy) };
    task_run_waiting (owner, trim_run, input, input_free, trimmed, trim);
    return API_LATER;
}
