/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving back to the device, or to the image's file, what a file system of a container does not use. The helper
 * does it bit by bit, and stops when the container ends or the time is up.
 */
#include "driver/api.h"
#include "driver/errand.h"
#include "driver/own_fs.h"
#include "util/task.h"

#define TRIM_DEADLINE_MS (10 * 60 * 1000)

typedef struct {
    OwnFs *fs;
    guint64 minimum;
} TrimInput;

static void
input_free (gpointer data)
{
    TrimInput *input = data;

    own_fs_free (input->fs);
    g_free (input);
}

static gpointer
trim_run (gpointer data, GError **error)
{
    const TrimInput *input = data;
    g_autofree char *minimum = g_strdup_printf ("%" G_GUINT64_FORMAT, input->minimum);

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

static void
trimmed (gpointer result, GError *error, gpointer data)
{
    Call *call = data;

    if (result)
        call_done (call);
    else
        call_failed (call, g_error_copy (error));
}

ApiResult
api_domain_fstrim (Call *call, const domain_fstrim_args *in, none *out, GError **error)
{
    char *mountpoint = in->mountPoint ? *in->mountPoint : NULL;
    g_autofree char *owner = g_strconcat (call->domain->def->name, "/trim", NULL);
    OwnFs *fs = own_fs_new (call->domain, &mountpoint, mountpoint ? 1 : 0, "trimmed", error);
    TrimInput *input;

    (void) out;
    if (!fs)
        return API_FAILED;
    input = g_new0 (TrimInput, 1);
    input->fs = fs;
    input->minimum = in->minimum;
    task_run_waiting (owner, trim_run, input, input_free, trimmed, call);
    return API_LATER;
}
